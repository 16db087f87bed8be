//! Encodes property values for a `.msg` file (\[MS-OXMSG\] 2.1, 2.4). [`super::value`] decodes
//! them.
//!
//! Knows types and bytes, not storages.

use crate::mapi::{CodePage, FileTime, Guid, PropertyTag, PropertyType, Value};
use crate::storage::StreamContent;

use super::error::Error;

/// The most bytes in a stream of a version 3 compound file (\[MS-CFB\] 2.6.1).
pub(super) const STREAM_BYTES_MAX: u64 = 0x8000_0000;

/// A value in the form in which it is stored.
#[derive(Debug)]
pub(super) enum Encoded {
    /// The value is in the 8 value bytes of its entry in the property stream.
    Fixed([u8; 8]),
    /// The value is a stream; `size` is what its entry states.
    Stream { content: StreamContent, size: u32 },
    /// The values are streams; a further stream has their lengths.
    Elements { lengths: Vec<u8>, values: Vec<Vec<u8>> },
}

impl Encoded {
    /// A `PT_LONG`.
    pub(super) fn integer32(number: i32) -> Self {
        let [a, b, c, d] = number.to_le_bytes();
        Self::Fixed([a, b, c, d, 0, 0, 0, 0])
    }
}

/// The tag with the string type, 8-bit or Unicode, that the object uses.
pub(super) fn stored_tag(tag: PropertyTag, ansi: bool) -> PropertyTag {
    let (string, multiple) = match ansi {
        true => (PropertyType::STRING8, PropertyType::MULTIPLE_STRING8),
        false => (PropertyType::STRING, PropertyType::MULTIPLE_STRING),
    };
    match tag.property_type() {
        PropertyType::STRING | PropertyType::STRING8 => tag.with_type(string),
        PropertyType::MULTIPLE_STRING | PropertyType::MULTIPLE_STRING8 => tag.with_type(multiple),
        _ => tag,
    }
}

/// Whether an object with these properties stores 8-bit strings; `None` if none of them is a
/// string. One Unicode string is enough for `false`.
pub(super) fn is_ansi(tags: impl Iterator<Item = PropertyTag>) -> Option<bool> {
    let mut ansi = None;
    for tag in tags {
        match tag.property_type() {
            PropertyType::STRING | PropertyType::MULTIPLE_STRING => return Some(false),
            PropertyType::STRING8 | PropertyType::MULTIPLE_STRING8 => ansi = Some(true),
            _ => {}
        }
    }
    ansi
}

/// Encodes a value. `tag` has the string type of the object ([`stored_tag`]). `None` for an empty
/// string or list: the property is then left out, because Outlook does not accept empty strings.
///
/// # Errors
/// `Invalid` if the value is not one of the tag's type, `Unmappable`, `TooLarge`.
pub(super) fn encode(
    tag: PropertyTag,
    value: &Value,
    code_page: CodePage,
) -> Result<Option<Encoded>, Error> {
    let property_type = tag.property_type();
    if let Some(bytes) = fixed(property_type, value) {
        return Ok(Some(Encoded::Fixed(bytes)));
    }
    let text = |value: &Value| string(tag, value, code_page);
    match (property_type, value) {
        (PropertyType::STRING | PropertyType::STRING8, Value::String(_)) => {
            let bytes = text(value)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            stream(tag, bytes.into(), terminator(property_type)).map(Some)
        }
        (PropertyType::GUID, Value::Guid(guid)) => stream(tag, guid.0.to_vec().into(), 0).map(Some),
        (
            PropertyType::BINARY
            | PropertyType::SERVER_ID
            | PropertyType::RESTRICTION
            | PropertyType::RULE_ACTION,
            Value::Binary(bytes),
        ) => stream(tag, bytes.clone().into(), 0).map(Some),
        // Bytes for an 8-bit string: their code page is not known, so they are stored as they are.
        (PropertyType::STRING8, Value::Binary(bytes)) => {
            stored(tag, bytes.clone().into()).map(Some)
        }
        (_, Value::Multiple(values)) if property_type.of_one_value().is_some() => {
            multiple(tag, values, code_page)
        }
        _ => Err(Error::Invalid { tag, cause: format!("a value that is no {property_type}") }),
    }
}

/// Encodes a value that is a stream. `terminator` is added to the size that the entry states.
///
/// # Errors
/// `TooLarge`.
pub(super) fn stream(
    tag: PropertyTag,
    content: StreamContent,
    terminator: u32,
) -> Result<Encoded, Error> {
    let len = content.len();
    let size = u32::try_from(len).ok().and_then(|size| size.checked_add(terminator));
    match size {
        Some(size) if len <= STREAM_BYTES_MAX => Ok(Encoded::Stream { content, size }),
        _ => Err(Error::TooLarge { tag, bytes: len, bytes_max: STREAM_BYTES_MAX }),
    }
}

/// Encodes a value from its stored bytes.
///
/// # Errors
/// `TooLarge`.
pub(super) fn stored(tag: PropertyTag, content: StreamContent) -> Result<Encoded, Error> {
    stream(tag, content, terminator(tag.property_type()))
}

/// The size in the entry of a string also counts a NUL that its stream does not have: this many
/// bytes (\[MS-OXMSG\] 2.4.2.2).
fn terminator(property_type: PropertyType) -> u32 {
    match property_type {
        PropertyType::STRING => 2,
        PropertyType::STRING8 => 1,
        _ => 0,
    }
}

fn fixed(property_type: PropertyType, value: &Value) -> Option<[u8; 8]> {
    let left = |bytes: &[u8]| {
        let mut value = [0; 8];
        value.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(value)
    };
    match (property_type, value) {
        (PropertyType::NULL, Value::Null) => Some([0; 8]),
        (PropertyType::INTEGER16, Value::Integer16(number)) => left(&number.to_le_bytes()),
        (PropertyType::INTEGER32, Value::Integer32(number)) => left(&number.to_le_bytes()),
        (PropertyType::FLOATING32, Value::Floating32(number)) => left(&number.to_le_bytes()),
        (PropertyType::FLOATING64, Value::Floating64(number))
        | (PropertyType::FLOATING_TIME, Value::FloatingTime(number)) => left(&number.to_le_bytes()),
        (PropertyType::CURRENCY, Value::Currency(number))
        | (PropertyType::INTEGER64, Value::Integer64(number)) => left(&number.to_le_bytes()),
        (PropertyType::ERROR_CODE, Value::ErrorCode(code)) => left(&code.to_le_bytes()),
        (PropertyType::BOOLEAN, Value::Boolean(value)) => left(&[u8::from(*value)]),
        (PropertyType::TIME, Value::Time(FileTime(ticks))) => left(&ticks.to_le_bytes()),
        _ => None,
    }
}

/// The bytes of a string, without a NUL at the end.
fn string(tag: PropertyTag, value: &Value, code_page: CodePage) -> Result<Vec<u8>, Error> {
    let Value::String(text) = value else {
        return Err(Error::Invalid { tag, cause: "a value that is no string".to_owned() });
    };
    let text = text.trim_end_matches('\0');
    if text.contains('\0') {
        return Err(Error::Invalid { tag, cause: "a string with a NUL in it".to_owned() });
    }
    match tag.property_type() {
        PropertyType::STRING8 | PropertyType::MULTIPLE_STRING8 => code_page
            .encode(text)
            .ok_or_else(|| Error::Unmappable { tag, code_page: code_page.number() }),
        _ => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    }
}

fn multiple(
    tag: PropertyTag,
    values: &[Value],
    code_page: CodePage,
) -> Result<Option<Encoded>, Error> {
    if values.is_empty() {
        return Ok(None);
    }
    let invalid = || Error::Invalid { tag, cause: "values of another type".to_owned() };
    let one_type = tag.property_type().of_one_value().unwrap_or(PropertyType::BINARY);
    let (mut lengths, mut streams) = (Vec::new(), Vec::new());
    let mut packed = Vec::new();
    for value in values {
        match (one_type, value) {
            (PropertyType::STRING | PropertyType::STRING8, _) => {
                let mut bytes = string(tag, value, code_page)?;
                bytes.resize(bytes.len() + if one_type == PropertyType::STRING { 2 } else { 1 }, 0);
                lengths.extend(length(tag, &bytes)?.to_le_bytes());
                streams.push(bytes);
            }
            (PropertyType::BINARY, Value::Binary(bytes)) => {
                lengths.extend(u64::from(length(tag, bytes)?).to_le_bytes());
                streams.push(bytes.clone());
            }
            (PropertyType::GUID, Value::Guid(Guid(bytes))) => packed.extend(bytes),
            _ => {
                let bytes = fixed(one_type, value).ok_or_else(invalid)?;
                let size = match one_type {
                    PropertyType::INTEGER16 => 2,
                    PropertyType::INTEGER32 | PropertyType::FLOATING32 => 4,
                    _ => 8,
                };
                packed.extend(bytes.get(..size).unwrap_or_default());
            }
        }
    }
    if streams.is_empty() {
        return stream(tag, packed.into(), 0).map(Some);
    }
    Ok(Some(Encoded::Elements { lengths, values: streams }))
}

fn length(tag: PropertyTag, bytes: &[u8]) -> Result<u32, Error> {
    let len = bytes.len() as u64;
    u32::try_from(len).ok().filter(|_| len <= STREAM_BYTES_MAX).ok_or(Error::TooLarge {
        tag,
        bytes: len,
        bytes_max: STREAM_BYTES_MAX,
    })
}
