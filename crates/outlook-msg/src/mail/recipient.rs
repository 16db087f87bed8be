//! A recipient of a mail.

use crate::imsg::{self, Address, MapiProp as _, RecipientType};
use crate::mail::error::Error;
use crate::mail::key::PropertyKey;
use crate::mail::values::fields;
use crate::mapi::{Value, tags};

/// A recipient of a message: a row of its recipient table (`GetRecipientTable`).
#[derive(Clone, Debug)]
pub struct Recipient {
    recipient: imsg::Recipient,
}

impl Recipient {
    pub(super) fn of(recipient: imsg::Recipient) -> Self {
        Self { recipient }
    }

    /// Whether the recipient is in the `To`, `Cc` or `Bcc` field (`PR_RECIPIENT_TYPE`).
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
    /// # let recipient = mail.recipients()?.remove(0);
    /// use outlook_msg::mail::RecipientType;
    ///
    /// assert_eq!(recipient.recipient_type(), RecipientType::To);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn recipient_type(&self) -> RecipientType {
        self.recipient.recipient_type()
    }

    /// The name and the address.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
    /// # let recipient = mail.recipients()?.remove(0);
    /// if let Some(address) = recipient.address()? {
    ///     assert_eq!(address.to_string(), "Ann <ann@example.org>");
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if the recipient has a name or an address, but nothing of either can be
    /// read.
    pub fn address(&self) -> Result<Option<Address>, Error> {
        let found = Address::of_recipient(&self.recipient);
        if found.is_none() {
            crate::mail::getters::damage(&self.recipient, &fields::RECIPIENT)?;
        }
        Ok(found)
    }

    /// The type of the address, such as `SMTP` or `EX` (`PR_ADDRTYPE`, \[MS-OXOMSG\] 2.2.3.2). It
    /// is `SMTP` if [`Recipient::address`] returns an SMTP address in place of the stored X.500
    /// name.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
    /// # let recipient = mail.recipients()?.remove(0);
    /// assert_eq!(recipient.address_type()?.as_deref(), Some("SMTP"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
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

    /// A property of the recipient; takes the same keys as
    /// [`Mail::property`](crate::mail::Mail::property).
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
    /// # let recipient = mail.recipients()?.remove(0);
    /// assert_eq!(recipient.property("PR_DISPLAY_NAME")?, Some("Ann".into()));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::property`](crate::mail::Mail::property).
    pub fn property<'a>(&self, key: impl Into<PropertyKey<'a>>) -> Result<Option<Value>, Error> {
        key.into().value(&self.recipient, &*self.recipient.names()?)
    }

    /// The open recipient, for everything that `Recipient` has no getter for.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
    /// # let recipient = mail.recipients()?.remove(0);
    /// use outlook_msg::imsg::MapiProp as _;
    ///
    /// assert!(!recipient.recipient().property_tags()?.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn recipient(&self) -> &imsg::Recipient {
        &self.recipient
    }
}
