//! The ways in which a caller can name a property: by tag or by name.

use crate::imsg::{
    MapiProp, MapiPropMut as _, Message, NameKind, PropertyName, PropertyNames, Salvaged,
};
use crate::mail::error::Error;
use crate::mapi::{self, Guid, PropertyTag, PropertyType, Value};

/// The tag or the name of a property. Getters and setters take any of these forms:
///
/// | form | example |
/// |---|---|
/// | name of a tag | `"PR_SUBJECT"` |
/// | tag | `0x0037_001F`, `"0x0037001F"`, a [`PropertyTag`] |
/// | named property | `"PSETID_Appointment/PidLidLocation"` |
/// | named property by number | `"PSETID_Appointment/0x00008208"` |
/// | named property of another set | `"{41F28F13-83F4-4114-A584-EEDB5A6B0BFF}/ReactionsCount"` |
#[derive(Clone, Copy, Debug)]
pub struct PropertyKey<'a>(TagOrName<'a>);

#[derive(Clone, Copy, Debug)]
enum TagOrName<'a> {
    Tag(PropertyTag),
    Name(&'a str),
}

impl From<PropertyTag> for PropertyKey<'_> {
    fn from(tag: PropertyTag) -> Self {
        Self(TagOrName::Tag(tag))
    }
}

impl From<u32> for PropertyKey<'_> {
    fn from(tag: u32) -> Self {
        Self(TagOrName::Tag(PropertyTag(tag)))
    }
}

impl<'a> From<&'a str> for PropertyKey<'a> {
    fn from(name: &'a str) -> Self {
        Self(TagOrName::Name(name))
    }
}

impl<'a> From<&'a String> for PropertyKey<'a> {
    fn from(name: &'a String) -> Self {
        Self(TagOrName::Name(name))
    }
}

impl PropertyKey<'_> {
    /// What can be read of the value of the property; `None` if the object does not have it.
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

    /// The tag under which to set the property. A name that the file does not have yet is added to
    /// its map; the property then gets the type of the value.
    pub(super) fn tag_to_set(self, message: &Message, value: &Value) -> Result<PropertyTag, Error> {
        if let Some(tag) = self.tag(message, &*message.names()?)? {
            return Ok(tag);
        }
        let TagOrName::Name(text) = self.0 else { return Err(self.unknown()) };
        let name = name_in_set(text).ok_or_else(|| self.unknown())?;
        let id = message.property_id(&name, true)?.ok_or_else(|| self.unknown())?;
        let type_of_value = type_of(value).ok_or_else(|| self.unknown())?;
        Ok(PropertyTag::new(id, type_of_value))
    }

    fn unknown(self) -> Error {
        let name = match self.0 {
            TagOrName::Name(name) => name.to_owned(),
            TagOrName::Tag(tag) => tag.to_string(),
        };
        Error::UnknownName { name }
    }

    /// The tag that the property has in the file; `None` if the file does not have it.
    pub(super) fn tag(
        self,
        object: &dyn MapiProp,
        names: &PropertyNames,
    ) -> Result<Option<PropertyTag>, Error> {
        let name = match self.0 {
            TagOrName::Tag(tag) => return Ok(Some(tag)),
            TagOrName::Name(name) => name,
        };
        if let Some(digits) = name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
            let is_tag = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let tag = if is_tag { u32::from_str_radix(digits, 16).ok() } else { None };
            return tag.map(|tag| Some(PropertyTag(tag))).ok_or_else(|| self.unknown());
        }
        if !name.contains('/') {
            return mapi::property_by_name(name).map(Some).ok_or_else(|| self.unknown());
        }
        let Some(id) = names.id(&name_in_set(name).ok_or_else(|| self.unknown())?) else {
            return Ok(None);
        };
        let (properties, _) = object.property_set()?;
        let found = properties.properties().iter().find(|property| property.tag.id() == id);
        Ok(found.map(|property| property.tag))
    }
}

/// Parses `SET/NAME` or `SET/NUMBER`.
fn name_in_set(name: &str) -> Option<PropertyName> {
    let (set, name) = name.split_once('/')?;
    let set = mapi::property_set_by_name(set).or_else(|| set.parse::<Guid>().ok())?;
    let number = || {
        let digits = name.strip_prefix("0x")?;
        if digits.len() == 8 { u32::from_str_radix(digits, 16).ok() } else { None }
    };
    let kind = match mapi::named_property_lid(set, name).or_else(number) {
        Some(lid) => NameKind::Lid(lid),
        None => NameKind::Name(name.to_owned()),
    };
    Some(PropertyName { set, kind })
}

/// The property type for a value; `None` if no named property can have it.
fn type_of(value: &Value) -> Option<PropertyType> {
    Some(match value {
        Value::Integer16(_) => PropertyType::INTEGER16,
        Value::Integer32(_) => PropertyType::INTEGER32,
        Value::Floating32(_) => PropertyType::FLOATING32,
        Value::Floating64(_) => PropertyType::FLOATING64,
        Value::Boolean(_) => PropertyType::BOOLEAN,
        Value::Integer64(_) => PropertyType::INTEGER64,
        Value::String(_) => PropertyType::STRING,
        Value::Time(_) => PropertyType::TIME,
        Value::Guid(_) => PropertyType::GUID,
        Value::Binary(_) => PropertyType::BINARY,
        Value::Multiple(values) => match values.first()? {
            Value::String(_) => PropertyType::MULTIPLE_STRING,
            Value::Binary(_) => PropertyType::MULTIPLE_BINARY,
            _ => return None,
        },
        _ => return None,
    })
}
