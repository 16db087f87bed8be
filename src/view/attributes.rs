//! The extended attributes of the files of a message.

use outlook_msg::digest;

use crate::imsg::{Message, PROPATTR_WRITEABLE};
use crate::mapi::tags;

use super::error::Error;
use super::fields::{self, subject};
use super::node::{Node, NodeId};
use super::objects::Objects;
use super::text::one_line;
use super::tree::MessageTree;

/// An extended attribute of a file in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedAttribute {
    /// The property tag, such as `0x0037001F`.
    MapiTag,
    /// The property type, such as `PT_UNICODE`.
    MapiType,
    /// The property attributes as a number (`PROPATTR_*`).
    MapiFlags,
    /// The media type of an attachment.
    MimeType,
    /// Of an attachment, the subject of its message.
    EmailSubject,
    /// Of an attachment, the author of its message.
    EmailFrom,
    /// Of an attachment, the message id of its message.
    EmailMessageId,
    /// The SHA-256 of the content, in hexadecimal.
    Sha256,
    /// Why the value cannot be read as a whole.
    Error,
}

impl ExtendedAttribute {
    const ALL: [Self; 9] = [
        Self::MapiTag,
        Self::MapiType,
        Self::MapiFlags,
        Self::MimeType,
        Self::EmailSubject,
        Self::EmailFrom,
        Self::EmailMessageId,
        Self::Sha256,
        Self::Error,
    ];

    /// The attribute of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MapiTag => "user.mapi.tag",
            Self::MapiType => "user.mapi.type",
            Self::MapiFlags => "user.mapi.flags",
            Self::MimeType => "user.mime_type",
            Self::EmailSubject => "user.xdg.origin.email.subject",
            Self::EmailFrom => "user.xdg.origin.email.from",
            Self::EmailMessageId => "user.xdg.origin.email.message-id",
            Self::Sha256 => "user.msgfs.sha256",
            Self::Error => "user.msgfs.error",
        }
    }
}

/// The extended attributes that a node of a tree has.
pub(super) fn list(
    tree: &MessageTree,
    id: NodeId,
    node: Node,
) -> Result<Vec<ExtendedAttribute>, Error> {
    let candidates: &[_] = match node {
        Node::Property(..) => &[
            ExtendedAttribute::MapiTag,
            ExtendedAttribute::MapiType,
            ExtendedAttribute::MapiFlags,
            ExtendedAttribute::Error,
        ],
        Node::Attachment(_) => &[
            ExtendedAttribute::MimeType,
            ExtendedAttribute::EmailSubject,
            ExtendedAttribute::EmailFrom,
            ExtendedAttribute::EmailMessageId,
            ExtendedAttribute::Sha256,
            ExtendedAttribute::Error,
        ],
        Node::File(_, file) => file.attributes,
        Node::Element(_) | Node::Raw(..) => &[ExtendedAttribute::Error],
        _ => &[],
    };
    let mut found = Vec::new();
    for attribute in candidates {
        // A hash exists for every file. To see that, the file need not be read.
        if *attribute == ExtendedAttribute::Sha256 || value(tree, id, node, *attribute)?.is_some() {
            found.push(*attribute);
        }
    }
    Ok(found)
}

/// The value of an extended attribute; `None` if the node does not have it.
pub(super) fn value(
    tree: &MessageTree,
    id: NodeId,
    node: Node,
    attribute: ExtendedAttribute,
) -> Result<Option<String>, Error> {
    let objects = &tree.objects;
    match (attribute, node) {
        (ExtendedAttribute::MapiTag, Node::Property(entry, index)) => {
            Ok(Some(objects.property(entry, index)?.tag.to_string()))
        }
        (ExtendedAttribute::MapiType, Node::Property(entry, index)) => {
            Ok(Some(objects.property(entry, index)?.tag.property_type().to_string()))
        }
        (ExtendedAttribute::MapiFlags, Node::Property(entry, index)) => {
            Ok(objects.property(entry, index)?.flags.map(|flags| flags.to_string()))
        }
        (ExtendedAttribute::Error, Node::Property(entry, index)) => {
            let tag = objects.property(entry, index)?.tag;
            let defect = objects.object(entry)?.value_defect(tag)?;
            Ok(defect.map(|defect| one_line(&defect.cause)))
        }
        (ExtendedAttribute::Error, Node::Attachment(entry)) => {
            let outer = objects.message_around(entry)?;
            let found = outer.attachment(entry);
            let missing = found.and_then(|one| one.missing.first());
            Ok(missing.map(|defect| one_line(&defect.cause)))
        }
        (ExtendedAttribute::Error, _) => Ok(read_error(tree, id)),
        (ExtendedAttribute::Sha256, Node::Attachment(_)) => sha256(tree, id).map(Some),
        (ExtendedAttribute::Sha256, Node::File(_, file))
            if file.attributes.contains(&attribute) =>
        {
            sha256(tree, id).map(Some)
        }
        (ExtendedAttribute::MimeType, Node::Attachment(entry)) => {
            let text = objects.object(entry)?.text(tags::PR_ATTACH_MIME_TAG);
            Ok(text.map(|text| one_line(&text)).filter(|text| !text.is_empty()))
        }
        (attribute, Node::Attachment(entry)) => {
            Ok(origin(&objects.message_around(entry)?.message, attribute))
        }
        _ => Ok(None),
    }
}

/// Whether a node is a property without `PROPATTR_WRITEABLE`.
pub(super) fn is_protected(objects: &Objects, node: Node) -> Result<bool, Error> {
    let Node::Property(entry, index) = node else { return Ok(false) };
    let flags = objects.property(entry, index)?.flags;
    Ok(flags.is_some_and(|flags| flags & PROPATTR_WRITEABLE == 0))
}

/// The error of reading the last byte of a file. If a stream is damaged, it ends early, so the
/// last byte cannot be read.
fn read_error(tree: &MessageTree, id: NodeId) -> Option<String> {
    let read = tree.content(id).and_then(|content| match content.len()?.checked_sub(1) {
        Some(last) => content.read(last, 1).map(drop).map_err(Error::from),
        None => Ok(()),
    });
    read.err().map(|error| one_line(&error.to_string()))
}

/// The sum is kept: programs ask first how long the answer is, and then for the answer.
fn sha256(tree: &MessageTree, id: NodeId) -> Result<String, Error> {
    if let Some(sum) = tree.sums.get(&id) {
        return Ok(sum.to_string());
    }
    let content = tree.content(id)?;
    let sum = digest::sha256(content.len()?, |at, piece| content.read_at(at, piece))?;
    tree.sums.put(id, sum.as_str().into(), sum.len());
    Ok(sum)
}

/// The message that an attachment came with, by the common attributes of freedesktop.org.
fn origin(message: &Message, attribute: ExtendedAttribute) -> Option<String> {
    let text = match attribute {
        ExtendedAttribute::EmailSubject => subject(message)?,
        ExtendedAttribute::EmailMessageId => fields::message_id(message)?,
        ExtendedAttribute::EmailFrom => fields::from(message)?.to_string(),
        _ => return None,
    };
    Some(one_line(&text)).filter(|text| !text.is_empty())
}
