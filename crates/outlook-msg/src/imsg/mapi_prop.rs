//! Reading the properties of an open object: `IMAPIProp`.

use std::sync::Arc;

use crate::mapi::{PropertyTag, Value};
use crate::storage::Defect;

use super::error::Error;
use super::properties::{PropertySet, Salvaged};
use super::stream::PropertyStream;
use super::strings::Strings;

/// An object with properties (`IMAPIProp`): a message, a recipient or an attachment.
pub trait MapiProp {
    /// The properties of the storage, and how their strings are decoded.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    fn property_set(&self) -> Result<(Arc<PropertySet>, Arc<Strings>), Error>;

    /// Opens a property as a stream (`OpenProperty`). With `element`, opens that value of a
    /// multi-valued property.
    ///
    /// # Errors
    /// [`Error::NoProperty`] if there is no such stream, [`Error::SessionClosed`] after the
    /// session was closed.
    fn open_property(
        &self,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error>;

    /// The tags of all properties, in ascending order (`GetPropList`).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    fn property_tags(&self) -> Result<Vec<PropertyTag>, Error> {
        let (set, _) = self.property_set()?;
        Ok(set.properties().iter().map(|property| property.tag).collect())
    }

    /// The value of a property (`GetProps`). A `PT_UNICODE` tag finds a `PT_STRING8` value too.
    ///
    /// # Errors
    /// [`Error::NoProperty`] if there is none, [`Error::Damaged`] if it is damaged,
    /// [`Error::SessionClosed`] after the session was closed.
    fn property(&self, tag: PropertyTag) -> Result<Value, Error> {
        let (set, strings) = self.property_set()?;
        set.value(tag, &strings)
    }

    /// What can be read of the value of a property, and its defect. Both are `None` if there is no
    /// such property.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    fn salvage(&self, tag: PropertyTag) -> Result<Salvaged, Error> {
        let (set, strings) = self.property_set()?;
        Ok(set.find(tag).map(|property| set.salvage(property, &strings)).unwrap_or_default())
    }

    /// The defect of the value of a property. A `PT_UNICODE` tag finds a `PT_STRING8` value too, and
    /// the tag of a time, number or flag one that is stored with a wrong type.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    fn value_defect(&self, tag: PropertyTag) -> Result<Option<Defect>, Error> {
        let (set, strings) = self.property_set()?;
        Ok(set.find_stored(tag).and_then(|property| set.value_defect(property, &strings)))
    }

    /// The defect of the value of a property if a part of the value is missing. A `PT_UNICODE` tag
    /// finds a `PT_STRING8` value too.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    fn missing_part(&self, tag: PropertyTag) -> Result<Option<Defect>, Error> {
        let (set, strings) = self.property_set()?;
        let property = set.find(tag).filter(|property| set.is_incomplete(property, &strings));
        Ok(property.and_then(|property| set.value_defect(property, &strings)))
    }

    /// The defects of the values of the object. To find them, large values are not read.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    fn value_defects(&self) -> Result<Vec<Defect>, Error> {
        let (set, strings) = self.property_set()?;
        let defects = set.properties().iter().filter_map(|one| set.value_defect(one, &strings));
        Ok(defects.collect())
    }

    /// What can be read of a string property; `None` if there is none.
    fn text(&self, tag: PropertyTag) -> Option<String> {
        match self.salvage(tag).ok()?.value? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a `PT_LONG` property; `None` if there is none, or it is damaged.
    fn integer(&self, tag: PropertyTag) -> Option<i32> {
        match self.property(tag).ok()? {
            Value::Integer32(number) => Some(number),
            _ => None,
        }
    }
}
