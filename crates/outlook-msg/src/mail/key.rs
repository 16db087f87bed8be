//! What a property is asked for by.

use crate::imsg::{MapiProp, NameKind, PropertyName, PropertyNames, Salvaged};
use crate::mapi::{self, Guid, PropertyTag, Value};

use super::error::Error;

/// The tag or the name of a property.
#[derive(Clone, Copy, Debug)]
pub struct PropertyKey<'a>(Key<'a>);

#[derive(Clone, Copy, Debug)]
enum Key<'a> {
    Tag(PropertyTag),
    Name(&'a str),
}

impl From<PropertyTag> for PropertyKey<'_> {
    fn from(tag: PropertyTag) -> Self {
        Self(Key::Tag(tag))
    }
}

impl From<u32> for PropertyKey<'_> {
    fn from(tag: u32) -> Self {
        Self(Key::Tag(PropertyTag(tag)))
    }
}

impl<'a> From<&'a str> for PropertyKey<'a> {
    fn from(name: &'a str) -> Self {
        Self(Key::Name(name))
    }
}

impl<'a> From<&'a String> for PropertyKey<'a> {
    fn from(name: &'a String) -> Self {
        Self(Key::Name(name))
    }
}

impl PropertyKey<'_> {
    /// The value of the property, as far as it can be read.
    pub(super) fn value(
        self,
        object: &dyn MapiProp,
        names: &PropertyNames,
    ) -> Result<Option<Value>, Error> {
        let Some(tag) = self.tag(object, names)? else { return Ok(None) };
        match object.salvage(tag)? {
            Salvaged { value: Some(value), .. } => Ok(Some(value)),
            Salvaged { defect: Some(defect), .. } => Err(Error::Damaged(defect)),
            Salvaged { .. } => Ok(None),
        }
    }

    /// The tag that the property has in the file; `None` if the file does not have it.
    pub(super) fn tag(
        self,
        object: &dyn MapiProp,
        names: &PropertyNames,
    ) -> Result<Option<PropertyTag>, Error> {
        let name = match self.0 {
            Key::Tag(tag) => return Ok(Some(tag)),
            Key::Name(name) => name,
        };
        let unknown = || Error::UnknownName { name: name.to_owned() };
        if let Some(digits) = name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
            let is_tag = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let tag = if is_tag { u32::from_str_radix(digits, 16).ok() } else { None };
            return tag.map(|tag| Some(PropertyTag(tag))).ok_or_else(unknown);
        }
        let Some((set, name_in_set)) = name.split_once('/') else {
            return mapi::property_by_name(name).map(Some).ok_or_else(unknown);
        };
        let set = mapi::property_set_by_name(set).or_else(|| set.parse::<Guid>().ok());
        let set = set.ok_or_else(unknown)?;
        let Some(id) = names.id(&PropertyName { set, kind: kind(set, name_in_set) }) else {
            return Ok(None);
        };
        let (properties, _) = object.property_set()?;
        let found = properties.properties().iter().find(|property| property.tag.id() == id);
        Ok(found.map(|property| property.tag))
    }
}

/// The name within a set: `PidLidLocation`, `0x00008208`, or any other text as it is.
fn kind(set: Guid, name: &str) -> NameKind {
    let number = || {
        let digits = name.strip_prefix("0x")?;
        if digits.len() == 8 { u32::from_str_radix(digits, 16).ok() } else { None }
    };
    match mapi::named_property_lid(set, name).or_else(number) {
        Some(lid) => NameKind::Lid(lid),
        None => NameKind::Name(name.to_owned()),
    }
}
