//! A recipient of a message: one row of its recipient table (`IMAPITable`).

use std::sync::Arc;

use crate::mapi::{PropertyTag, tags};
use crate::storage::{Defect, EntryNumber};

use super::error::Error;
use super::mapi_prop::MapiProp;
use super::message::Message;
use super::names::PropertyNames;
use super::properties::PropertySet;
use super::recipient_type::RecipientType;
use super::stream::PropertyStream;
use super::strings::Strings;

/// A recipient. Its message stays open for as long as this exists.
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
    pub fn storage_id(&self) -> Result<EntryNumber, Error> {
        Ok(self.row()?.1.storage().id())
    }

    /// The defects in the list of properties of the recipient, and of its type.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        Ok(recipient_defects(&self.row()?.1))
    }

    /// Whether the recipient is in the `To`, `Cc` or `Bcc` field.
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

/// The defects in the list of properties of a recipient, and of its type.
pub(super) fn recipient_defects(set: &PropertySet) -> Vec<Defect> {
    set.defects().iter().cloned().chain(RecipientType::defect(set)).collect()
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
