//! A recipient of a mail.

use crate::imsg::{self, Address, MapiProp as _, RecipientType};
use crate::mapi::{Value, tags};

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

    /// The type of its address, as `SMTP` and `EX` (\[MS-OXOMSG\] 2.2.3.2). One whose X.500 name
    /// gave way to the SMTP address has the type of that.
    ///
    /// # Errors
    /// As [`Recipient::address`].
    pub fn address_type(&self) -> Result<Option<String>, Error> {
        let Some(Address { address, .. }) = self.address()? else { return Ok(None) };
        let stored = self.recipient.text(tags::PR_EMAIL_ADDRESS);
        Ok(match stored.is_some_and(|stored| stored.trim() == address.trim()) {
            true => self.recipient.text(tags::PR_ADDRTYPE),
            false if address.contains('@') => Some("SMTP".to_owned()),
            false => None,
        })
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
