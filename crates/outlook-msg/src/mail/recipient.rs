//! A recipient of a mail.

use crate::imsg::{self, Address, RecipientType};
use crate::mapi::Value;

use super::error::Error;
use super::fields;
use super::key::PropertyKey;

/// A recipient of a message: a row of its recipient table.
#[derive(Clone, Debug)]
pub struct Recipient {
    recipient: imsg::Recipient,
}

impl Recipient {
    pub(super) fn of(recipient: imsg::Recipient) -> Self {
        Self { recipient }
    }

    /// What it is to the message: to, cc or bcc.
    #[must_use]
    pub fn recipient_type(&self) -> RecipientType {
        self.recipient.recipient_type()
    }

    /// Its name and address.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is a name or an address, and nothing of either can be read.
    pub fn address(&self) -> Result<Option<Address>, Error> {
        let found = Address::of_recipient(&self.recipient);
        if found.is_none() {
            super::opened::damage(&self.recipient, &fields::RECIPIENT)?;
        }
        Ok(found)
    }

    /// A property, as [`Mail::property`](super::Mail::property).
    ///
    /// # Errors
    /// As there.
    pub fn property<'a>(&self, key: impl Into<PropertyKey<'a>>) -> Result<Option<Value>, Error> {
        key.into().value(&self.recipient, &*self.recipient.names()?)
    }

    /// The open recipient, for what there is no getter for.
    #[must_use]
    pub fn recipient(&self) -> &imsg::Recipient {
        &self.recipient
    }
}
