//! An attachment of a message (`IAttach`): its method, and the message or storage inside it.

use std::fmt;
use std::sync::Arc;

use crate::mapi::{PropertyTag, Value, tags};
use crate::storage::{Defect, Storage};

use super::error::Error;
use super::message::{Message, MessageData};
use super::properties::{Header, MapiProp, PropertySet};
use super::session::{Object, ObjectKind};
use super::stream::PropertyStream;
use super::strings::Strings;

/// How the content of an attachment is reached (`PR_ATTACH_METHOD`, \[MS-OXCMSG\] 2.2.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachMethod {
    /// `afNone` 0: there is no content.
    None,
    /// `afByValue` 1, or no method but data: the content is `PR_ATTACH_DATA_BIN`.
    ByValue,
    /// `afByReference` 2, `afByReferenceResolve` 3, `afByReferenceOnly` 4, `afByWebReference` 7:
    /// a path or an address, which is never followed.
    ByReference,
    /// `afEmbeddedMessage` 5: a message.
    EmbeddedMessage,
    /// `afStorage` 6: a storage of an OLE object.
    Storage,
}

/// An open attachment (`IAttach`). Clones are handles on the same one.
#[derive(Clone)]
pub struct Attachment {
    object: Arc<Object<AttachmentData>>,
}

/// What an open attachment holds.
pub(super) struct AttachmentData {
    number: u32,
    properties: Arc<PropertySet>,
    message: Arc<MessageData>,
}

impl AttachmentData {
    pub(super) fn read(number: u32, storage: &Storage, message: Arc<MessageData>) -> Self {
        let properties = Arc::new(PropertySet::read(storage, Header::Part));
        Self { number, properties, message }
    }

    /// The storage of `PR_ATTACH_DATA_OBJ`.
    fn content_storage(&self) -> Result<Storage, Error> {
        let set = &self.properties;
        set.get(tags::PR_ATTACH_DATA_OBJ).and_then(|property| set.object(property)).ok_or_else(
            || Error::NoObject {
                place: set.storage().path(),
                what: "storage of PR_ATTACH_DATA_OBJ".to_owned(),
            },
        )
    }
}

impl Attachment {
    pub(super) fn new(object: Arc<Object<AttachmentData>>) -> Self {
        Self { object }
    }

    /// Its number in the message (`PR_ATTACH_NUM`).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn number(&self) -> Result<u32, Error> {
        Ok(self.object.data()?.number)
    }

    /// The storage the attachment lies on.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn storage(&self) -> Result<Storage, Error> {
        Ok(self.object.data()?.properties.storage().clone())
    }

    /// How its content is reached: by `PR_ATTACH_METHOD`, and where that is missing or
    /// contradicts what is there, by what is there.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn method(&self) -> Result<AttachMethod, Error> {
        let set = Arc::clone(&self.object.data()?.properties);
        let has_data = set.get(tags::PR_ATTACH_DATA_BIN).is_some();
        let has_storage = set.get(tags::PR_ATTACH_DATA_OBJ).is_some();
        Ok(match set.fixed(tags::PR_ATTACH_METHOD) {
            Some(Value::Integer32(5)) if has_storage || !has_data => AttachMethod::EmbeddedMessage,
            Some(Value::Integer32(6)) if has_storage => AttachMethod::Storage,
            Some(Value::Integer32(2 | 3 | 4 | 7)) if !has_data => AttachMethod::ByReference,
            _ if has_data => AttachMethod::ByValue,
            _ if has_storage => AttachMethod::Storage,
            Some(Value::Integer32(0)) | None => AttachMethod::None,
            _ => AttachMethod::ByValue,
        })
    }

    /// Opens the message embedded in it (`OpenProperty` of `PR_ATTACH_DATA_OBJ` as `IMessage`).
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is no storage, [`Error::NotAMessage`] if it holds none,
    /// [`Error::TooDeep`] beyond [`super::EMBEDDING_DEPTH_MAX`], [`Error::SessionClosed`] after
    /// the session was closed.
    pub fn embedded_message(&self) -> Result<Message, Error> {
        let data = self.object.data()?;
        let message = MessageData::embedded(&data.content_storage()?, &data.message)?;
        let object = self.object.register_child(ObjectKind::EmbeddedMessage, message)?;
        Ok(Message::new(object))
    }

    /// The storage of the OLE object in it (`OpenProperty` of `PR_ATTACH_DATA_OBJ` as `IStorage`).
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, [`Error::SessionClosed`] after the session was closed.
    pub fn content_storage(&self) -> Result<Storage, Error> {
        self.object.data()?.content_storage()
    }

    /// The damage in the structure of the attachment, without that inside an embedded message.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        Ok(self.object.data()?.properties.defects().to_vec())
    }
}

impl MapiProp for Attachment {
    fn property_set(&self) -> Result<(Arc<PropertySet>, Arc<Strings>), Error> {
        let data = self.object.data()?;
        Ok((Arc::clone(&data.properties), Arc::clone(data.message.strings())))
    }

    fn open_property(
        &self,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error> {
        PropertyStream::open(&self.object, &self.object.data()?.properties, tag, element)
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("number", &self.number().ok()).finish()
    }
}
