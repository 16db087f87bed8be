//! `mapi/`: the properties of a message, recipient or attachment as files.

use std::collections::BTreeMap;

use crate::imsg::{MapiProp, Property, PropertyNames, PropertySet};
use crate::mapi::{self, PropertyTag, PropertyType};

use crate::mail::named::name_in_set;

use super::error::Error;
use super::names::UniqueNames;

/// The files of the properties of one object.
#[derive(Debug)]
pub(super) struct PropertyFiles {
    /// The properties directly in the directory of the object: name and position.
    pub(super) plain: Vec<(String, u32)>,
    /// The property sets under `named/`.
    pub(super) sets: Vec<PropertySetFiles>,
}

/// The files of the named properties of one set.
#[derive(Debug)]
pub(super) struct PropertySetFiles {
    pub(super) name: String,
    /// The position of the first property of the set, which stands for the set.
    pub(super) first: u32,
    pub(super) properties: Vec<(String, u32)>,
}

impl PropertyFiles {
    /// Names the files of the properties of an object.
    pub(super) fn new(set: &PropertySet, names: &PropertyNames) -> Self {
        let mut plain = Vec::new();
        let mut by_set: BTreeMap<_, Vec<(String, u32)>> = BTreeMap::new();
        for (property, index) in set.properties().iter().zip(0_u32..) {
            match names.name(property.tag).filter(|_| property.tag.is_named()) {
                Some(name) => by_set.entry(name.set).or_default().push((name_in_set(name), index)),
                None => {
                    // A PT_STRING8 property is named by its tag if there is a PT_UNICODE property
                    // of the same id, which has the name.
                    let tag = property.tag;
                    let unicode = tag.with_type(tag.property_type().to_unicode());
                    let has_twin = unicode != tag && set.get(unicode).is_some();
                    let name = if has_twin { hex(tag) } else { plain_name(tag) };
                    plain.push((name, index));
                }
            }
        }
        let mut set_names = UniqueNames::default();
        let sets = by_set
            .into_iter()
            .map(|(guid, properties)| {
                let guid_text = guid.to_string();
                let name = mapi::property_set_name(guid).unwrap_or(&guid_text);
                let first = properties.first().map_or(0, |(_, index)| *index);
                let mut names = UniqueNames::default();
                let properties = properties
                    .into_iter()
                    .map(|(name, index)| (names.make(&name, "unnamed", ""), index))
                    .collect();
                PropertySetFiles { name: set_names.make(name, "unnamed", ""), first, properties }
            })
            .collect();
        Self { plain, sets }
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let of = |files: &[(String, u32)]| -> usize {
            files.iter().map(|(name, _)| name.capacity() + size_of::<(String, u32)>()).sum()
        };
        of(&self.plain) + self.sets.iter().map(|set| of(&set.properties) + 64).sum::<usize>()
    }
}

/// The property at a position.
pub(super) fn property_at(set: &PropertySet, index: u32) -> Result<&Property, Error> {
    let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
    set.properties().get(index).ok_or(Error::NotFound)
}

/// The position of the property with this tag: `0x0037001F`, or `0x0037` for any type. A string is
/// found by the tag of either string type, because a message has all its strings in one of them.
pub(super) fn position_by_tag(object: &dyn MapiProp, name: &str) -> Option<u32> {
    let digits = name.strip_prefix("0x").or_else(|| name.strip_prefix("0X"))?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let wanted = PropertyTag(u32::from_str_radix(digits, 16).ok()?);
    let unicode = |tag: PropertyTag| tag.with_type(tag.property_type().to_unicode());
    let (set, _) = object.property_set().ok()?;
    let position = |is_it: &dyn Fn(PropertyTag) -> bool| {
        set.properties().iter().position(|property| is_it(property.tag))
    };
    let found = match digits.len() {
        4 => position(&|tag| u32::from(tag.id()) == wanted.0),
        8 => position(&|tag| tag == wanted)
            .or_else(|| position(&|tag| unicode(tag) == unicode(wanted))),
        _ => None,
    };
    u32::try_from(found?).ok()
}

/// Whether a property is shown as a directory of its values.
pub(super) fn is_directory(property: &Property) -> bool {
    property.tag.property_type() == PropertyType::MULTIPLE_BINARY
}

fn plain_name(tag: PropertyTag) -> String {
    let known = if tag.is_named() { None } else { mapi::property_name(tag) };
    known.map_or_else(|| hex(tag), str::to_owned)
}

pub(super) fn hex(tag: PropertyTag) -> String {
    tag.to_string()
}
