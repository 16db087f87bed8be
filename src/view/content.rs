//! What a file of a message holds: bytes made when first asked for, or a stream read by range.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::body::html::Reference;
use crate::imsg::Salvaged;
use crate::mail::content::{self, Content, made};
use crate::storage::{Defect, EntryId, Storage};

use super::attachments::{Shown, references};
use super::bodies::Bodies;
use super::defects;
use super::derived::{DerivedKind, ole_part};
use super::eml;
use super::error::Error;
use super::json::message_json;
use super::names::UniqueNames;
use super::node::Node;
use super::reader::ReaderFile;
use super::text::render;
use super::tree::{MessageTree, OpenMessage};

/// Makes the content of a file of a tree.
pub(super) fn of(tree: &MessageTree, node: Node) -> Result<Content, Error> {
    match node {
        Node::Reader(entry, file) => {
            let open = tree.open_message(entry)?;
            let content = match ReaderFile::BODIES.contains(&file) {
                true => body(tree, &open, entry, file)?,
                false => file.render(&open.message).map(Content::bytes),
            };
            content.ok_or_else(|| {
                let cause = "nothing of the value can be read".to_owned();
                Error::Damaged(Defect { place: file.name().to_owned(), cause })
            })
        }
        Node::Errors(entry) => Ok(Content::bytes(defects::text(&tree.defects_of(entry)))),
        // A message under edit has no file of its own yet.
        Node::MessageMsg(EntryId::ROOT) if !tree.source.is_empty() || tree.file().is_err() => {
            Ok(Content::Source(Arc::clone(&tree.source)))
        }
        Node::MessageMsg(entry) => embedded_msg(tree, entry),
        Node::MessageJson(entry) => {
            let open = tree.open_message(entry)?;
            let names = tree.attachment_names();
            let json = message_json(&open.message, open.attachments(), open.defects(), names)?;
            Ok(Content::bytes(json))
        }
        Node::MessageEml(entry) => {
            let open = tree.open_message(entry)?;
            Ok(Content::Composed(Arc::new(eml::compose(&open.message, open.attachments())?)))
        }
        Node::Attachment(entry) => attachment(tree, entry),
        Node::Property(entry, index) => property(tree, entry, index),
        Node::Derived(entry, index) => derived(tree, entry, index),
        Node::Element(entry) | Node::Raw(entry, _) => match tree.file()?.stream(entry) {
            Some(stream) => Ok(Content::Stream(stream.extents())),
            None => Err(Error::IsADirectory),
        },
        Node::Message(_)
        | Node::Attachments(_)
        | Node::Mapi(_)
        | Node::Recipients(_)
        | Node::MapiAttachments(_)
        | Node::Named(_)
        | Node::NamedSet(..) => Err(Error::IsADirectory),
    }
}

/// Makes a body, and those that are made of the same, since that is where the time goes.
fn body(
    tree: &MessageTree,
    open: &OpenMessage,
    entry: EntryId,
    wanted: ReaderFile,
) -> Result<Option<Content>, Error> {
    let names = OnceCell::new();
    let resolve = |reference: Reference<'_>| {
        names.get_or_init(|| references(open.attachments())).path(&reference)
    };
    let bodies = Bodies::new(&open.message);
    let content = |file: ReaderFile| {
        file.render_body(&bodies, &resolve, tree.show.remote).map(Content::bytes)
    };
    if wanted.is_costly(&open.message) {
        let others = ReaderFile::BODIES.into_iter().filter(|file| {
            *file != wanted
                && file.is_costly(&open.message)
                && file.exists(&open.message) == Some(true)
        });
        for file in others {
            if let Some(content) = content(file) {
                tree.keep(tree.id(Node::Reader(entry, file))?, content);
            }
        }
    }
    Ok(content(wanted))
}

/// Whether a content has to be made to know its length, and that takes long: bodies made from
/// others, whole files, and what is made of attachments.
pub(super) fn is_costly(tree: &MessageTree, node: Node) -> bool {
    match node {
        Node::Reader(entry, file) => {
            tree.open_message(entry).is_ok_and(|open| file.is_costly(&open.message))
        }
        Node::MessageMsg(entry) => entry != EntryId::ROOT,
        Node::MessageJson(_) | Node::MessageEml(_) | Node::Derived(..) => true,
        Node::Attachment(entry) => {
            let outer = tree.message_around(entry);
            outer.is_ok_and(|outer| {
                let mut attachments = outer.attachments().iter();
                let found = attachments.find(|one| one.id == entry);
                found.is_some_and(|one| matches!(one.entry, Some((_, Shown::Ole))))
            })
        }
        _ => false,
    }
}

fn attachment(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    let outer = tree.open_message(tree.parent(entry)?)?;
    let found = outer.attachments().iter().find(|one| one.id == entry).ok_or(Error::NotFound)?;
    let attachment = &found.attachment;
    match found.entry {
        Some((_, Shown::Message(_))) => Err(Error::IsADirectory),
        Some((_, shown)) => Ok(content::of_attachment(attachment, shown)?),
        None => Err(Error::NotFound),
    }
}

fn derived(tree: &MessageTree, entry: EntryId, index: u32) -> Result<Content, Error> {
    let outer = tree.open_message(tree.parent(entry)?)?;
    let found = outer.attachments().iter().find(|one| one.id == entry).ok_or(Error::NotFound)?;
    match found.derived.as_ref().ok_or(Error::NotFound)?.kind {
        DerivedKind::Ole if index == 0 => {
            Ok(ole_part(&found.attachment).ok_or(Error::NotFound)?.content())
        }
        DerivedKind::Ole => Err(Error::NotFound),
        _ => {
            let content = tree.derived(entry)?.content(index).ok_or(Error::IsADirectory)?;
            Ok(Content::Bytes(content))
        }
    }
}

fn property(tree: &MessageTree, entry: EntryId, index: u32) -> Result<Content, Error> {
    let object = tree.object(entry)?;
    let (set, _) = object.property_set()?;
    let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
    let property = set.properties().get(index).ok_or(Error::NotFound)?;
    if let Some(storage) = set.object(property) {
        return Ok(Content::bytes(object_link(tree, entry, &storage)?.into_bytes()));
    }
    if property.tag.property_type().is_binary() && set.stream(property).is_some() {
        return Ok(Content::Property(object.open_property(property.tag, None)?));
    }
    match object.salvage(property.tag)? {
        Salvaged { value: Some(value), .. } => Ok(Content::bytes(render(&value))),
        Salvaged { defect: Some(defect), .. } => Err(Error::Damaged(defect)),
        Salvaged { .. } => Err(Error::NotFound),
    }
}

/// The target of the link that stands for a storage among the properties: what is shown of it
/// under `attachments/`, else the storage itself.
fn object_link(tree: &MessageTree, entry: EntryId, object: &Storage) -> Result<String, Error> {
    let outer = tree.message_around(entry)?;
    if let Some(shown) = outer.attachments().iter().find(|one| one.id == entry)
        && let Some((name, _)) = &shown.entry
    {
        return Ok(format!("../../../attachments/{name}"));
    }
    let name = |text: &str| UniqueNames::default().make(text, "unnamed", "");
    let object = name(object.name());
    Ok(match tree.file()?.storage(entry) {
        Some(part) if outer.message.storage()?.id() != entry => {
            format!("../../../raw/{}/{object}", name(part.name()))
        }
        _ => format!("../raw/{object}"),
    })
}

fn embedded_msg(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    let open = tree.open_message(entry)?;
    Ok(made(|file| open.message.write_standalone(file))?)
}
