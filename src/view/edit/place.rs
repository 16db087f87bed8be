//! What a path stands for in an edit, whether the file is there or not.
//!
//! Knows nothing of how anything is set.

use crate::imsg::{NameKind, PropertyName};
use crate::mail::named::name_in_set;
use crate::mapi::{self, Guid, Location, PropertyTag, PropertyType};
use crate::storage::EntryNumber;

use super::super::attachments::ContentKind;
use super::super::error::Error;
use super::super::listing::FileKind;
use super::super::node::Node;
use super::super::objects::Objects;
use super::super::properties::hex;
use super::super::row::{ContentColumn, EditColumn, File, Holds};
use super::super::tree::MessageTree;
use super::super::walk::Walk;

/// What a path in a message stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EditPlace {
    /// The numbers of the attachments that lead to the message; none for the outermost.
    pub(super) message: Vec<u32>,
    pub(super) what: PlaceKind,
}

/// What a path in a message stands for, within the message that it lies in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlaceKind {
    /// The directory of the outermost message.
    Message,
    /// A file of the table that can be set.
    File(&'static File),
    /// A name in `attachments/`, and the number of the attachment of this name, if there is one.
    Attachment { name: String, number: Option<u32>, shown: Option<ContentKind> },
    /// A property.
    Property { part: PropertyOwner, key: Key },
    /// The directory of a recipient or an attachment in `mapi/`.
    Row(PropertyOwner),
    /// A directory that is no message. It exists while there is something in it.
    Directory,
    /// A file or directory that is made from others and cannot be set.
    Made,
    /// A name that no message has; the text says where such a file can be put.
    Unknown(&'static str),
}

const IN_MESSAGE: &str = "a message has no such file; other files go into its attachments/";
const IN_PROPERTIES: &str = "no known property; a new one is called by its MAPI name, as \
    PR_SUBJECT, by its tag, as 0x66A1001F, or by its name under named/SET/";
const IN_SET: &str = "no such property set; it is called by its name, as PS_PUBLIC_STRINGS, or by \
    its GUID in braces";
const IN_TABLE: &str = "recipients are added in to, cc and bcc, attachments in attachments/";
const IN_VALUES: &str = "the values of a property are numbered from 0";
const IN_ATTACHMENT: &str = "an attachment has no files; a message in attachments/ has if its \
    name ends in .msg";

/// The object that a property belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PropertyOwner {
    Message,
    /// By the number of its storage.
    Recipient(u32),
    /// By its number.
    Attachment(u32),
}

/// How a property is found or created.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::view) enum Key {
    /// By the tag that it has, or that it would get by the name of its file.
    Tag(PropertyTag),
    /// By its name, with the type that it would get: a named property that is not there yet.
    Named(PropertyName, PropertyType),
    /// One value of a property that is shown as a directory.
    Element(PropertyTag, u32),
}

/// What a path would create in a directory in which it leads to nothing yet; or, if it can create
/// nothing, a text that says where such a file can be put.
pub(in crate::view) type CreationOrHint = Result<Creation, &'static str>;

/// What may be created by a name.
#[derive(Debug)]
pub(in crate::view) enum Creation {
    Attachment(String),
    Property(Key),
    /// A directory, which exists while there is something in it.
    Directory,
}

/// A name in `attachments/`.
pub(in crate::view) fn new_attachment(names: &[&str]) -> CreationOrHint {
    match names {
        [name] => Ok(Creation::Attachment((*name).to_owned())),
        _ => Err(IN_ATTACHMENT),
    }
}

/// A name among the properties of an object.
pub(in crate::view) fn new_property(names: &[&str]) -> CreationOrHint {
    match names {
        [name] => new_tag(name).map(|tag| Creation::Property(Key::Tag(tag))).ok_or(IN_PROPERTIES),
        _ => Err(IN_PROPERTIES),
    }
}

/// A name in `named/`, and one in the directory of a property set.
pub(in crate::view) fn new_named(names: &[&str]) -> CreationOrHint {
    match names {
        [set] => set_by_name(set).map(|_| Creation::Directory).ok_or(IN_SET),
        [set, name] => new_in_set(set, name).map(Creation::Property).ok_or(IN_PROPERTIES),
        _ => Err(IN_PROPERTIES),
    }
}

/// A name in `mapi/recipients/` or `mapi/attachments/`.
pub(in crate::view) fn new_row(_: &[&str]) -> CreationOrHint {
    Err(IN_TABLE)
}

/// Finds out what a path stands for.
///
/// # Errors
/// Where the message cannot be read.
pub(super) fn place(tree: &MessageTree, path: &str) -> Result<EditPlace, Error> {
    let walk = Walk::new(tree, path)?;
    let entry = walk.node.entry();
    let what = match walk.node {
        Node::Message(entry) if !walk.rest.is_empty() => {
            tree.objects.open_message(entry)?;
            PlaceKind::Unknown(IN_MESSAGE)
        }
        Node::Message(entry) => {
            let mut message = numbers(&tree.objects, entry)?;
            // An embedded message is an attachment of the message around it.
            let what = match message.pop() {
                None => PlaceKind::Message,
                number => {
                    let shown = Some(ContentKind::Message(entry));
                    PlaceKind::Attachment { name: walk.name.to_owned(), number, shown }
                }
            };
            return Ok(EditPlace { message, what });
        }
        Node::File(..) if walk.rest.is_empty() && walk.kind.is_none() => {
            // A message that cannot be read may have the file: that is an error, not "no file".
            tree.objects.message_around(entry)?;
            of_file(&walk)
        }
        Node::File(..) => match (of_file(&walk), walk.rest.as_slice()) {
            (PlaceKind::Directory, []) if is_properties(walk.node) => {
                match part(&tree.objects, entry)? {
                    PropertyOwner::Message => PlaceKind::Directory,
                    row => PlaceKind::Row(row),
                }
            }
            (what, []) => what,
            (PlaceKind::Directory, names) => created(tree, walk.node, names)?,
            (PlaceKind::Made, _) => PlaceKind::Made,
            _ => PlaceKind::Unknown(IN_MESSAGE),
        },
        Node::Attachment(entry) if walk.rest.is_empty() => {
            let outer = tree.objects.message_around(entry)?;
            let found = outer.attachment(entry);
            let one = found.ok_or(Error::NotFound)?;
            PlaceKind::Attachment {
                name: walk.name.to_owned(),
                number: Some(one.attachment.number()?),
                shown: one.entry.as_ref().map(|(_, shown)| *shown),
            }
        }
        Node::NamedSet(..) => match walk.rest.as_slice() {
            [] => PlaceKind::Directory,
            [name] => match new_in_set(walk.name, name) {
                Some(key) => PlaceKind::Property { part: part(&tree.objects, entry)?, key },
                None => PlaceKind::Unknown(IN_PROPERTIES),
            },
            _ => PlaceKind::Unknown(IN_PROPERTIES),
        },
        Node::Property(entry, index) => in_property(tree, entry, index, &walk)?,
        Node::Element(_) if walk.rest.is_empty() => match walk.above {
            Node::Property(entry, index) => element(tree, entry, index, walk.name)?,
            _ => PlaceKind::Made,
        },
        Node::Attachment(_) | Node::Element(_) | Node::Raw(..) | Node::Derived(..) => {
            PlaceKind::Made
        }
    };
    let around = match walk.node {
        Node::Element(_) => walk.above.entry(),
        node => node.entry(),
    };
    let message = match what {
        // No caller asks which message these lie in.
        PlaceKind::Made | PlaceKind::Unknown(_) => Vec::new(),
        _ => numbers(&tree.objects, tree.objects.message_around(around)?.message.storage()?.id())?,
    };
    Ok(EditPlace { message, what })
}

/// A file of the table.
fn of_file(walk: &Walk<'_>) -> PlaceKind {
    match walk.node {
        Node::File(_, File { contents: ContentColumn::Directory(_), .. }) => PlaceKind::Directory,
        Node::File(_, File { edit: EditColumn::None, .. }) => PlaceKind::Made,
        Node::File(_, file) => PlaceKind::File(file),
        _ => PlaceKind::Made,
    }
}

fn is_properties(node: Node) -> bool {
    matches!(node, Node::File(_, file) if file.holds(Holds::Properties))
}

/// What names would create that lead to nothing yet in a directory of the table.
fn created(tree: &MessageTree, node: Node, names: &[&str]) -> Result<PlaceKind, Error> {
    let Node::File(entry, File { contents: ContentColumn::Directory(directory), .. }) = node else {
        return Ok(PlaceKind::Unknown(IN_MESSAGE));
    };
    Ok(match (directory.new)(names) {
        Ok(Creation::Attachment(name)) => PlaceKind::Attachment { name, number: None, shown: None },
        Ok(Creation::Property(key)) => {
            PlaceKind::Property { part: part(&tree.objects, entry)?, key }
        }
        Ok(Creation::Directory) => PlaceKind::Directory,
        Err(hint) => PlaceKind::Unknown(hint),
    })
}

/// A property that is there, or a name in the directory of its values.
fn in_property(
    tree: &MessageTree,
    entry: EntryNumber,
    index: u32,
    walk: &Walk<'_>,
) -> Result<PlaceKind, Error> {
    match walk.rest.as_slice() {
        [] => {
            let key = Key::Tag(tree.objects.property(entry, index)?.tag);
            Ok(PlaceKind::Property { part: part(&tree.objects, entry)?, key })
        }
        [name] if walk.kind == Some(FileKind::Directory) => element(tree, entry, index, name),
        _ => Ok(PlaceKind::Unknown(IN_PROPERTIES)),
    }
}

/// One value of a property that is shown as a directory.
fn element(
    tree: &MessageTree,
    entry: EntryNumber,
    index: u32,
    name: &str,
) -> Result<PlaceKind, Error> {
    let Ok(number) = name.parse() else { return Ok(PlaceKind::Unknown(IN_VALUES)) };
    let key = Key::Element(tree.objects.property(entry, index)?.tag, number);
    Ok(PlaceKind::Property { part: part(&tree.objects, entry)?, key })
}

/// The object whose storage this is, in its message.
fn part(objects: &Objects, entry: EntryNumber) -> Result<PropertyOwner, Error> {
    if objects.is_message(entry) {
        return Ok(PropertyOwner::Message);
    }
    let outer = objects.message_around(entry)?;
    if let Some(recipient) = outer.recipients().get(&entry) {
        return Ok(PropertyOwner::Recipient(recipient.number()?));
    }
    let one = outer.attachment(entry);
    Ok(PropertyOwner::Attachment(one.ok_or(Error::NotFound)?.attachment.number()?))
}

/// The numbers of the attachments that lead to the message on a storage.
fn numbers(objects: &Objects, mut entry: EntryNumber) -> Result<Vec<u32>, Error> {
    let mut numbers = Vec::new();
    // Each storage lies in another one, so this ends.
    while entry != EntryNumber::ROOT {
        let attachment = objects.parent(entry)?;
        entry = objects.parent(attachment)?;
        let outer = objects.open_message(entry)?;
        let one = outer.attachment(attachment);
        numbers.push(one.ok_or(Error::NotFound)?.attachment.number()?);
    }
    numbers.reverse();
    Ok(numbers)
}

/// The key by which a named property of this name is created.
fn new_in_set(set_name: &str, name: &str) -> Option<Key> {
    let set = set_by_name(set_name)?;
    let lid = |digits: &str| u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8);
    let kind = match name.strip_prefix("0x").and_then(lid) {
        Some(lid) => NameKind::Lid(lid),
        None => match mapi::named_property_lid(set, name) {
            Some(lid) => NameKind::Lid(lid),
            None => NameKind::Name(name.to_owned()),
        },
    };
    let name_of = PropertyName { set, kind };
    if name_in_set(&name_of) != name {
        return None;
    }
    Some(Key::Named(name_of, PropertyType::STRING))
}

/// The property set of `PS_PUBLIC_STRINGS` or `{GUID}`.
fn set_by_name(name: &str) -> Option<Guid> {
    mapi::property_set_by_name(name)
        .or_else(|| name.parse::<Guid>().ok().filter(|guid| guid.to_string() == name))
}

/// The tag of `PR_SUBJECT` or `0x66A1001F`.
fn new_tag(name: &str) -> Option<PropertyTag> {
    if let Some(tag) = mapi::property_by_name(name) {
        return Some(tag);
    }
    let digits = name.strip_prefix("0x").filter(|digits| digits.len() == 8)?;
    let tag = PropertyTag(u32::from_str_radix(digits, 16).ok()?);
    let is_plain = !tag.is_named() && tag.id() != 0 && hex(tag).eq_ignore_ascii_case(name);
    let is_known = tag.property_type().location() != Location::Unknown;
    (is_plain && is_known).then_some(tag)
}
