//! Edits of a message: fields, bodies and attachments.
//!
//! | what | module |
//! |---|---|
//! | fields that are set from a text | `text_fields`, `addresses`, `shown_addresses` |
//! | bodies, which must agree with each other | `bodies`, `body_times` |
//! | references of an HTML body to attachments | `inline` |
//! | attachments | `attachments` |
//!
//! Knows nothing of files, or of when a message is saved.

pub mod addresses;
pub mod attachments;
pub mod bodies;
mod body_times;
pub mod inline;
mod shown_addresses;
pub mod text_fields;

use crate::imsg::{self, MapiProp, MapiPropMut, PROPATTR_MANDATORY};
use crate::mail::error::Error;
use crate::mapi::{PropertyTag, PropertyType, Value, tags};
use crate::storage::Source;

pub use bodies::SetBodies;
pub use body_times::{BodyTimes, Times};

/// A value that is set from a text has at most this many bytes.
const TEXT_BYTES_MAX: u64 = 256 << 20;

/// The flags of a property in the property stream; `None` if it is not listed.
pub fn flags(object: &dyn MapiProp, tag: PropertyTag) -> Result<Option<u32>, Error> {
    let (set, _) = object.property_set()?;
    Ok(set.get(tag).and_then(|property| property.flags))
}

/// Edits an attachment or embedded message, and saves it in the object that contains it. If the
/// edit fails, discards it; otherwise the session would save half an edit when it is closed.
pub fn edit_part<O: MapiPropMut, T, E: From<imsg::Error>>(
    part: &O,
    run: impl FnOnce(&O) -> Result<T, E>,
) -> Result<T, E> {
    let edited = run(part).and_then(|made| {
        part.save_changes()?;
        Ok(made)
    });
    if edited.is_err() {
        part.discard_changes()?;
    }
    edited
}

/// Deletes a property if it is there.
pub fn delete(object: &dyn MapiPropMut, tag: PropertyTag) -> Result<(), Error> {
    match object.delete_property(tag) {
        Err(imsg::Error::NoProperty { .. }) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Refuses to delete a property that the message must have (`PROPATTR_MANDATORY`).
pub fn refuse_mandatory(object: &dyn MapiProp, tag: PropertyTag) -> Result<(), Error> {
    match flags(object, tag)? {
        Some(flags) if flags & PROPATTR_MANDATORY != 0 => {
            Err(Error::NotSettable("the message may not lack this property"))
        }
        _ => Ok(()),
    }
}

/// Whether a tag has another type than the time, number or flag that its id stands for. Nobody would
/// read such a property.
pub fn is_mistyped(tag: PropertyTag) -> bool {
    tags::due(tag).is_some()
}

/// The bytes of a value, read into memory.
pub fn text(bytes: &Source) -> Result<Vec<u8>, Error> {
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(Error::Io(std::io::ErrorKind::FileTooLarge.into()));
    }
    let mut text = vec![0; usize::try_from(bytes.len()).unwrap_or(0)];
    let read = bytes.read_at(0, &mut text)?;
    text.truncate(read);
    Ok(text)
}

/// The bytes of a value as a text.
pub fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::invalid("text in UTF-8"))
}

/// Parses a value.
pub fn parse(property_type: PropertyType, text: &str) -> Result<Value, Error> {
    Value::parse(property_type, text)
        .map_err(|error| Error::Invalid { expected: error.to_string() })
}
