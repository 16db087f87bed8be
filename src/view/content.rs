//! The content of a file: bytes that are made when first asked for, or a stream of the compound
//! file that is read block by block.

use std::cell::{Cell, OnceCell};

use crate::body::html::Reference;
use crate::imsg::Salvaged;
use crate::mail::attachments::content::of_attachment;
use crate::mail::content::Content;
use crate::mail::references::{REFERENCES_BYTES_MAX, References};
use crate::storage::{Defect, EntryNumber, Storage};

use super::attachments::{ContentKind, references};
use super::bodies::{Bodies, BodyKind};
use super::derived::{DerivedKind, SIGNED, encrypted, ole_part};
use super::error::Error;
use super::names::{UniqueNames, attachment_path};
use super::node::Node;
use super::objects::Objects;
use super::opened::TreeMessage;
use super::properties::property_at;
use super::row::{ContentColumn, EditColumn, File};
use super::text::render;
use super::tree::MessageTree;

/// If a body is smaller than this, the others that are made from the same source are made with it.
const TOGETHER_BYTES_MAX: u64 = 4 << 20;

/// Makes the content of a file.
pub(super) fn of(tree: &MessageTree, node: Node) -> Result<Content, Error> {
    let objects = &tree.objects;
    match node {
        Node::File(entry, file) => match file.contents {
            ContentColumn::Value(read) => {
                let value = read(&objects.open_message(entry)?.message);
                value.map(Content::bytes).ok_or_else(|| nothing(file))
            }
            ContentColumn::Body(_) => {
                let open = objects.open_message(entry)?;
                body(tree, &open, entry, file)?.ok_or_else(|| nothing(file))
            }
            ContentColumn::Whole(read) => read(tree, entry),
            ContentColumn::Report(read) => Ok(Content::bytes(read(tree, entry))),
            ContentColumn::Directory(_) | ContentColumn::Storages => Err(Error::IsADirectory),
        },
        Node::Attachment(entry) => attachment(objects, entry),
        Node::Property(entry, index) => property(objects, entry, index),
        Node::Derived(entry, index) => derived(objects, entry, index),
        Node::Element(entry) | Node::Raw(entry, _) => match objects.file()?.stream(entry) {
            Some(stream) => Ok(Content::Stream(stream.extents())),
            None => Err(Error::IsADirectory),
        },
        Node::Message(_) | Node::NamedSet(..) => Err(Error::IsADirectory),
    }
}

/// The error for a value that is there but cannot be read at all.
fn nothing(file: &File) -> Error {
    let cause = "nothing of the value can be read".to_owned();
    Error::Damaged(Defect { place: file.name.to_owned(), cause })
}

/// Makes a body. The other bodies that are made from the same source are made and kept with it,
/// because decoding the source takes most of the time.
fn body(
    tree: &MessageTree,
    open: &TreeMessage,
    entry: EntryNumber,
    wanted: &'static File,
) -> Result<Option<Content>, Error> {
    let names = OnceCell::new();
    // A few bytes of HTML can refer to an attachment with a long name. When the bound is reached,
    // further references stay as they are.
    let room = Cell::new(REFERENCES_BYTES_MAX);
    let signed = OnceCell::new();
    let resolve = |reference: Reference<'_>| {
        let own = names.get_or_init(|| references(open.attachments())).path(&reference);
        let path = own.or_else(|| {
            let inside = signed.get_or_init(|| signed_references(tree, open)).as_ref()?;
            Some(format!("{SIGNED}/{}", inside.path(&reference)?))
        })?;
        room.set(room.get().checked_sub(path.len())?);
        Some(path)
    };
    let bodies = Bodies::new(&open.message);
    let content = |file: &File| {
        let ContentColumn::Body(read) = file.contents else { return None };
        read(&bodies, &resolve, tree.show.remote).map(Content::bytes)
    };
    let wanted_content = content(wanted);
    // A stored text is not made of the source of the other bodies.
    let is_of_source = |file: &File| match file.edit {
        EditColumn::Body { body: BodyKind::Text, .. } => !bodies.has_stored_text(),
        _ => true,
    };
    // Large bodies are made one at a time, when they are asked for.
    let is_small = |content: &Content| content.len().is_ok_and(|len| len < TOGETHER_BYTES_MAX);
    if is_of_source(wanted) && wanted_content.as_ref().is_none_or(is_small) {
        for file in File::bodies().filter(|file| *file != wanted && is_of_source(file)) {
            if file.exists(tree, entry)?
                && let Some(content) = content(file)
            {
                tree.keep(tree.id(Node::File(entry, file))?, content);
            }
        }
    }
    Ok(wanted_content)
}

/// The attachments inside the signed part: the body outside may refer to them.
fn signed_references(tree: &MessageTree, open: &TreeMessage) -> Option<References> {
    let is_signed = |kind| kind == DerivedKind::Signed;
    let mut attachments = open.attachments().iter();
    let one =
        attachments.find(|one| one.derived.as_ref().is_some_and(|one| is_signed(one.kind)))?;
    let nested = tree.nested(one.id).ok()?;
    let inside = nested.objects.open_message(EntryNumber::ROOT).ok()?;
    Some(references(inside.attachments()))
}

/// Whether the length of a file is known only after the content is made, and making it takes long:
/// a body made from another one, a whole message in another format, what is made from an
/// attachment.
pub(super) fn is_costly(tree: &MessageTree, node: Node) -> bool {
    match node {
        Node::File(entry, file) => (file.is_costly)(tree, entry),
        Node::Derived(..) => true,
        Node::Attachment(entry) => {
            let outer = tree.objects.message_around(entry);
            outer.is_ok_and(|outer| {
                outer
                    .attachment(entry)
                    .is_some_and(|one| matches!(one.entry, Some((_, ContentKind::Ole))))
            })
        }
        _ => false,
    }
}

fn attachment(objects: &Objects, entry: EntryNumber) -> Result<Content, Error> {
    let outer = objects.outer_message(entry)?;
    let found = outer.attachment(entry).ok_or(Error::NotFound)?;
    let attachment = &found.attachment;
    match found.entry {
        Some((_, ContentKind::Message(_))) => Err(Error::IsADirectory),
        Some((_, shown)) => Ok(of_attachment(attachment, shown)?),
        None => Err(Error::NotFound),
    }
}

fn derived(objects: &Objects, entry: EntryNumber, index: u32) -> Result<Content, Error> {
    let outer = objects.outer_message(entry)?;
    let found = outer.attachment(entry).ok_or(Error::NotFound)?;
    match found.derived.as_ref().ok_or(Error::NotFound)?.kind {
        DerivedKind::Ole if index == 0 => {
            Ok(ole_part(&found.attachment).ok_or(Error::NotFound)?.content())
        }
        DerivedKind::Ole => Err(Error::NotFound),
        DerivedKind::Encrypted => Ok(Content::bytes(encrypted(&found.attachment).into_bytes())),
        // These are directories: their files are read in a tree of their own.
        DerivedKind::Signed | DerivedKind::Tnef | DerivedKind::Msg | DerivedKind::Eml => {
            Err(Error::IsADirectory)
        }
    }
}

fn property(objects: &Objects, entry: EntryNumber, index: u32) -> Result<Content, Error> {
    let object = objects.object(entry)?;
    let (set, _) = object.property_set()?;
    let property = property_at(&set, index)?;
    if let Some(storage) = set.object(property) {
        return Ok(Content::bytes(object_link(objects, entry, &storage)?.into_bytes()));
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

/// The target of the symbolic link that is shown for a property of the type `PT_OBJECT`: the file
/// in `attachments/`, or if there is none the storage in `raw/`.
fn object_link(objects: &Objects, entry: EntryNumber, object: &Storage) -> Result<String, Error> {
    let outer = objects.message_around(entry)?;
    if let Some(shown) = outer.attachment(entry)
        && let Some((name, _)) = &shown.entry
    {
        return Ok(format!("../../../{}", attachment_path(name)));
    }
    let name = |text: &str| UniqueNames::default().make(text, "unnamed", "");
    let object = name(object.name());
    Ok(match objects.file()?.storage(entry) {
        Some(part) if outer.message.storage()?.id() != entry => {
            format!("../../../raw/{}/{object}", name(part.name()))
        }
        _ => format!("../raw/{object}"),
    })
}
