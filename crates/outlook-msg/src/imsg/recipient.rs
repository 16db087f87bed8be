//! A recipient of a message: one row of its recipient table (`IMAPITable`).

use std::sync::Arc;

use crate::mapi::{PropertyTag, tags};
use crate::storage::EntryId;

use super::error::Error;
use super::message::Message;
use super::names::PropertyNames;
use super::properties::{MapiProp, PropertySet};
use super::stream::PropertyStream;
use super::strings::Strings;

/// What a recipient is to the message (`PR_RECIPIENT_TYPE`, \[MS-OXOMSG\] 2.2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientType {
    /// `MAPI_ORIG` 0.
    Originator,
    /// `MAPI_TO` 1, and any other value.
    To,
    /// `MAPI_CC` 2.
    Cc,
    /// `MAPI_BCC` 3.
    Bcc,
}

impl RecipientType {
    pub(super) const ALL: [Self; 4] = [Self::Originator, Self::To, Self::Cc, Self::Bcc];

    /// By `PR_RECIPIENT_TYPE`, whose upper bits (resend, handled) do not matter.
    pub(super) fn of_number(number: Option<i32>) -> Self {
        match number.map(|number| number & 0xF) {
            Some(0) => Self::Originator,
            Some(2) => Self::Cc,
            Some(3) => Self::Bcc,
            _ => Self::To,
        }
    }

    /// The value of `PR_RECIPIENT_TYPE`.
    pub const fn number(self) -> i32 {
        match self {
            Self::Originator => 0,
            Self::To => 1,
            Self::Cc => 2,
            Self::Bcc => 3,
        }
    }
}

/// A recipient. It holds its message open.
#[derive(Clone, Debug)]
pub struct Recipient {
    message: Message,
    row: usize,
}

impl Recipient {
    pub(super) fn new(message: Message, row: usize) -> Self {
        Self { message, row }
    }

    /// The number of its storage in the message.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn number(&self) -> Result<u32, Error> {
        Ok(self.row()?.0)
    }

    /// The named properties of the file.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn names(&self) -> Result<Arc<PropertyNames>, Error> {
        self.message.names()
    }

    /// The directory entry of its storage.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn storage_id(&self) -> Result<EntryId, Error> {
        Ok(self.row()?.1.storage().id())
    }

    /// What it is to the message.
    pub fn recipient_type(&self) -> RecipientType {
        RecipientType::of_number(self.integer(tags::PR_RECIPIENT_TYPE))
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    fn row(&self) -> Result<(u32, Arc<PropertySet>), Error> {
        let data = self.message.data()?;
        data.recipients().get(self.row).cloned().ok_or_else(|| Error::NoObject {
            place: "recipient table".to_owned(),
            what: format!("row {}", self.row),
        })
    }
}

impl MapiProp for Recipient {
    fn property_set(&self) -> Result<(Arc<PropertySet>, Arc<Strings>), Error> {
        let strings = Arc::clone(self.message.data()?.strings());
        Ok((self.row()?.1, strings))
    }

    fn open_property(
        &self,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error> {
        self.message.open_stream_of(&self.row()?.1, tag, element)
    }
}
