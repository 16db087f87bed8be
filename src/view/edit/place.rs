//! What the path of a file in a message stands for, whether the file is there or not.
//!
//! Knows nothing of how anything is set.

use crate::imsg::{MapiProp, NameKind, PropertyName};
use crate::mail::named::name_in_set;
use crate::mapi::{self, Guid, Location, PropertyTag, PropertyType};
use crate::storage::EntryId;

use super::super::attachments::{Shown, ShownAttachment};
use super::super::error::Error;
use super::super::listing::{
    ATTACHMENTS, ERRORS, MAPI, MESSAGE_EML, MESSAGE_JSON, MESSAGE_MSG, MESSAGE_TXT, NAMED, RAW,
    RECIPIENTS,
};
use super::super::opened::OpenMessage;
use super::super::properties::{hex, is_directory, position_by_tag};
use super::super::reader::ReaderFile;
use super::super::tree::MessageTree;

/// What a path in a message stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// The numbers of the attachments that lead to the message; none for the outermost.
    pub(super) message: Vec<u32>,
    pub(super) what: What,
}

/// What a path in a message stands for, within the message that it lies in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// The message directory itself.
    Message,
    /// A file of the reader's view.
    Reader(ReaderFile),
    /// `attachments/`.
    Attachments,
    /// A name in `attachments/`; with the number of the attachment that has it.
    Attachment { name: String, number: Option<u32>, shown: Option<Shown> },
    /// A property.
    Property { part: Part, key: Key },
    /// A directory under `mapi/`, which exists while there is something in it.
    Directory,
    /// A file or directory that is made of others and cannot be set.
    Made,
    /// A name that no message has, and where what was meant goes.
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
pub(super) enum Part {
    Message,
    /// By the number of its storage.
    Recipient(u32),
    /// By its number.
    Attachment(u32),
}

/// What a property is found or created by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    /// The tag of a property that is there, or that a file of this name would get.
    Tag(PropertyTag),
    /// A named property that is not there yet, with the type that it would get.
    Named(PropertyName, PropertyType),
    /// One value of a property that is shown as a directory.
    Element(PropertyTag, u32),
}

/// Finds out what a path stands for.
pub(super) fn place(tree: &MessageTree, path: &str) -> Result<Place, Error> {
    let mut names: &[&str] = &path.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>();
    let mut message = Vec::new();
    let mut entry = EntryId::ROOT;
    loop {
        let found = |what| Ok(Place { message: message.clone(), what });
        let (&first, rest) = match names.split_first() {
            None => return found(What::Message),
            Some(split) => split,
        };
        if first == MAPI {
            let open = tree.open_message(entry)?;
            return found(in_mapi(tree, &open, rest)?);
        }
        if first != ATTACHMENTS {
            let open = tree.open_message(entry)?;
            return found(in_message(&open, first, rest));
        }
        let Some((&name, rest)) = rest.split_first() else { return found(What::Attachments) };
        let open = tree.open_message(entry)?;
        let named = |one: &&ShownAttachment| one.entry.as_ref().is_some_and(|(n, _)| n == name);
        let Some(one) = open.attachments().iter().find(named) else {
            let mut derived = open.attachments().iter().filter_map(|one| one.derived.as_ref());
            let is_made = derived.any(|derived| derived.name == name);
            return found(match is_made {
                true => What::Made,
                false if !rest.is_empty() => What::Unknown(IN_ATTACHMENT),
                false => What::Attachment { name: name.to_owned(), number: None, shown: None },
            });
        };
        let number = one.attachment.number()?;
        let shown = one.entry.as_ref().map(|(_, shown)| *shown);
        match shown {
            Some(Shown::Message(embedded)) if !rest.is_empty() => {
                message.push(number);
                entry = embedded;
                names = rest;
            }
            _ if !rest.is_empty() => return found(What::Made),
            _ => {
                let name = name.to_owned();
                return found(What::Attachment { name, number: Some(number), shown });
            }
        }
    }
}

/// A name in a message directory.
fn in_message(open: &OpenMessage, name: &str, rest: &[&str]) -> What {
    let made = [ERRORS, MESSAGE_EML, MESSAGE_JSON, MESSAGE_MSG, MESSAGE_TXT, RAW].contains(&name);
    let derived = open.attachments().iter().filter_map(|one| one.derived.as_ref());
    let is_derived = || derived.into_iter().any(|one| one.kind.is_of_message() && one.name == name);
    if made || is_derived() {
        return What::Made;
    }
    match ReaderFile::ALL.into_iter().find(|file| file.name() == name) {
        Some(_) if !rest.is_empty() => What::Unknown(IN_MESSAGE),
        Some(ReaderFile::EventIcs | ReaderFile::TaskIcs | ReaderFile::ContactVcf) => What::Made,
        Some(file) => What::Reader(file),
        None => What::Unknown(IN_MESSAGE),
    }
}

/// A path under `mapi/`.
fn in_mapi(tree: &MessageTree, open: &OpenMessage, names: &[&str]) -> Result<What, Error> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| n.to_string() == text);
    Ok(match names {
        [] | [RECIPIENTS | ATTACHMENTS] => What::Directory,
        [RECIPIENTS, row, rest @ ..] => {
            let recipients = open.message.recipients()?;
            let known = number(row).and_then(|row| {
                recipients.into_iter().find(|one| one.number().is_ok_and(|n| n == row))
            });
            match known {
                Some(recipient) => {
                    let part = Part::Recipient(recipient.number()?);
                    in_part(tree, part, &recipient, rest)?
                }
                None => What::Unknown(IN_TABLE),
            }
        }
        [ATTACHMENTS, row, rest @ ..] => {
            let mut attachments = open.attachments().iter().map(|one| &one.attachment);
            let known = number(row)
                .and_then(|row| attachments.find(|one| one.number().is_ok_and(|n| n == row)));
            match known {
                Some(one) => in_part(tree, Part::Attachment(one.number()?), one, rest)?,
                None => What::Unknown(IN_TABLE),
            }
        }
        names => in_part(tree, Part::Message, &open.message, names)?,
    })
}

/// A path under the directory of an object's properties.
fn in_part(
    tree: &MessageTree,
    part: Part,
    object: &dyn MapiProp,
    names: &[&str],
) -> Result<What, Error> {
    let (set, _) = object.property_set()?;
    let (name, rest, files) = match names {
        [] | [NAMED] => return Ok(What::Directory),
        [NAMED, set_name] => {
            return Ok(match set_by_name(set_name) {
                Some(_) => What::Directory,
                None => What::Unknown(IN_SET),
            });
        }
        [NAMED, set_name, name, rest @ ..] => (*name, rest, Some(*set_name)),
        [name, rest @ ..] => (*name, rest, None),
    };
    let storage = set.storage().id();
    let known = tree.property_files(storage)?;
    let known = match files {
        None => Some(&known.plain),
        Some(set_name) => {
            known.sets.iter().find(|set| set.name == set_name).map(|set| &set.properties)
        }
    };
    let index = known.and_then(|files| files.iter().find(|(file, _)| file == name)).map(|f| f.1);
    let index = index.or_else(|| position_by_tag(object, name));
    let property = index.and_then(|index| set.properties().get(usize::try_from(index).ok()?));
    let key = match (property, rest) {
        (Some(property), []) => Key::Tag(property.tag),
        (Some(property), [element]) if is_directory(property) => match element.parse() {
            Ok(index) => Key::Element(property.tag, index),
            Err(_) => return Ok(What::Unknown(IN_VALUES)),
        },
        (None, []) => match new_key(files, name) {
            Some(key) => key,
            None => return Ok(What::Unknown(IN_PROPERTIES)),
        },
        _ => return Ok(What::Unknown(IN_PROPERTIES)),
    };
    Ok(What::Property { part, key })
}

/// What a property is created by that has this name.
fn new_key(set_name: Option<&str>, name: &str) -> Option<Key> {
    let Some(set_name) = set_name else {
        return new_tag(name).map(Key::Tag);
    };
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
