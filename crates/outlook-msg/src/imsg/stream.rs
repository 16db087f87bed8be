//! A property that is opened as a stream (`OpenProperty` with `IID_IStream`): its stored bytes.

use std::sync::Arc;

use crate::mapi::PropertyTag;
use crate::storage::Extents;

use super::error::Error;
use super::properties::PropertySet;
use super::registry::{Object, ObjectKind};

/// The stored bytes of a property, which can be read from any offset. Strings are not decoded.
#[derive(Clone)]
pub struct PropertyStream {
    object: Arc<Object<StreamData>>,
}

struct StreamData {
    extents: Extents,
}

impl PropertyStream {
    /// Opens the stream of a property, or of the value `element` of a multi-valued one. The stream
    /// becomes a child of the object in the session.
    pub(super) fn open<D: Send + Sync + 'static>(
        parent: &Arc<Object<D>>,
        set: &PropertySet,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<Self, Error> {
        let no_property = || Error::NoProperty { place: set.storage().path(), tag };
        let property = set.find(tag).ok_or_else(no_property)?;
        let stream = match element {
            None => set.stream(property),
            Some(index) => {
                set.element_streams(property.tag).find(|(at, _)| *at == index).map(|(_, s)| s)
            }
        };
        let data = StreamData { extents: stream.ok_or_else(no_property)?.extents() };
        Ok(Self { object: parent.register_child(ObjectKind::PropertyStream, data)? })
    }

    /// Its length in bytes.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn len(&self) -> Result<u64, Error> {
        Ok(self.object.data()?.extents.stream().len())
    }

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// What can be read of a damaged stream, and how many bytes that are; `None` if the stream is
    /// undamaged.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn partial(&self) -> Result<Option<(Extents, u64)>, Error> {
        let data = self.object.data()?;
        let is_damaged = data.extents.damage().is_some();
        Ok(is_damaged.then(|| (data.extents.clone(), data.extents.readable_len())))
    }

    /// Bytes of memory that it takes, without the file.
    pub fn bytes_held(&self) -> usize {
        self.object.data().map_or(0, |data| data.extents.bytes_held())
    }

    /// Reads at `offset`. Fills `buffer`, except at the end of the stream.
    ///
    /// # Errors
    /// [`Error::Storage`] where the stream is damaged, [`Error::SessionClosed`] after the session
    /// was closed.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        Ok(self.object.data()?.extents.read_at(offset, buffer)?)
    }
}

impl std::fmt::Debug for PropertyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PropertyStream").field("len", &self.len().ok()).finish()
    }
}
