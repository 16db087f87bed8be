//! What may be done with the file of a path, and the reason if it may not.

use crate::imsg::{self, PROPATTR_WRITEABLE};
use crate::mail::edit::{attachments, flags, is_mistyped};
use crate::mapi::{PropertyTag, PropertyType};
use crate::storage::Transaction;

use super::super::attachments::ContentKind;
use super::super::error::Error;
use super::super::tree::MessageTree;
use super::place::{self, EditPlace, Key, PlaceKind, PropertyOwner};
use super::{recipient, signed};

/// What may be done with the file of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// It can be set, and removed or created.
    Settable,
    /// It cannot be changed, for this reason.
    ReadOnly(&'static str),
    /// It is a directory of the message.
    Directory,
    /// It is the directory of a recipient or an attachment in `mapi/`.
    Row,
    /// It is a message embedded in an attachment.
    EmbeddedMessage,
    /// No message has a file of this name. The text says where such a file can be put.
    Unknown(&'static str),
}

/// Why a file that is made from other files cannot be set.
pub(super) const MADE: &str = "it is made from other files";
const BAD_NAME: &str = "the name of an attachment has no control characters, no blank at its ends and \
                        no dot at its end";
/// Why a property cannot be set, though it can be removed.
pub const NO_TEXT: &str = "no text or bytes are a value of its type";
/// As [`NO_TEXT`].
pub const MISTYPED: &str = "the property of this number has another type";
const COMPUTED: &str = "it follows from other values";
const PROTECTED: &str = "the attributes of the property forbid it";

/// What may be done with the file of a path, whether it is there or not.
///
/// # Errors
/// Where the message cannot be read.
pub fn access(tree: &MessageTree, path: &str) -> Result<FileAccess, Error> {
    let place = place::place(tree, path)?;
    if signed::is_covered(tree, &place)? {
        return Ok(FileAccess::ReadOnly(signed::REASON));
    }
    let EditPlace { message, what } = place;
    Ok(match what {
        PlaceKind::Message | PlaceKind::Directory => FileAccess::Directory,
        PlaceKind::Row(_) => FileAccess::Row,
        PlaceKind::File(_) => FileAccess::Settable,
        PlaceKind::Attachment { shown: None, name, .. }
            if !attachments::is_shown_as_given(&name) =>
        {
            FileAccess::Unknown(BAD_NAME)
        }
        PlaceKind::Attachment { shown, .. } => of_attachment(shown),
        PlaceKind::Property { part, key } => match key {
            Key::Tag(tag) if !is_set_as_a_whole(tag.property_type()) => {
                FileAccess::ReadOnly(NO_TEXT)
            }
            Key::Tag(tag) if is_mistyped(tag) => FileAccess::ReadOnly(MISTYPED),
            Key::Tag(tag) | Key::Element(tag, _) => of_property(tree, &message, part, tag)?,
            Key::Named(..) => FileAccess::Settable,
        },
        PlaceKind::Made => FileAccess::ReadOnly(MADE),
        PlaceKind::Unknown(hint) => FileAccess::Unknown(hint),
    })
}

/// Checks that a file may be opened for writing: it can be set, and everything in the message can
/// be read. What cannot be read would be lost with the next save.
///
/// # Errors
/// [`Error::NotSettable`] with the reason, [`Error::IsADirectory`], [`Error::Message`] with
/// `Incomplete` for a message of which something cannot be read.
pub fn check_open(tree: &MessageTree, path: &str) -> Result<(), Error> {
    match access(tree, path)? {
        FileAccess::Settable => check_complete(tree),
        FileAccess::Directory | FileAccess::Row | FileAccess::EmbeddedMessage => {
            Err(Error::IsADirectory)
        }
        FileAccess::ReadOnly(reason) | FileAccess::Unknown(reason) => {
            Err(Error::NotSettable(reason))
        }
    }
}

/// Checks that everything in the message can be read: a save would lose what cannot.
///
/// # Errors
/// [`Error::Message`] with `Incomplete` and the first such place.
pub fn check_complete(tree: &MessageTree) -> Result<(), Error> {
    let carried = Transaction::on(&tree.compound_file()?.root());
    carried.map(drop).map_err(|error| imsg::Error::from(error).into())
}

fn is_set_as_a_whole(property_type: PropertyType) -> bool {
    property_type == PropertyType::BINARY || property_type.has_text()
}

fn of_property(
    tree: &MessageTree,
    numbers: &[u32],
    part: PropertyOwner,
    tag: PropertyTag,
) -> Result<FileAccess, Error> {
    if imsg::is_computed(tag) || tag.property_type() == PropertyType::OBJECT {
        return Ok(FileAccess::ReadOnly(COMPUTED));
    }
    let message = tree.objects.embedded(numbers)?;
    let flags = match part {
        PropertyOwner::Message => flags(&message.message, tag)?,
        PropertyOwner::Attachment(number) => flags(&message.message.attachment(number)?, tag)?,
        PropertyOwner::Recipient(number) => flags(&recipient(&message.message, number)?, tag)?,
    };
    Ok(match flags.is_none_or(|flags| flags & PROPATTR_WRITEABLE != 0) {
        true => FileAccess::Settable,
        false => FileAccess::ReadOnly(PROTECTED),
    })
}

/// What may be done with an attachment.
fn of_attachment(shown: Option<ContentKind>) -> FileAccess {
    match shown {
        None | Some(ContentKind::Data | ContentKind::Reference) => FileAccess::Settable,
        Some(ContentKind::Message(_)) => FileAccess::EmbeddedMessage,
        Some(ContentKind::DataFork { .. } | ContentKind::Ole) => {
            FileAccess::ReadOnly(attachments::PART_OF_ATTACHMENT)
        }
    }
}
