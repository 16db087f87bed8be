//! Keeps the SMTP addresses that people are shown with while the people around them are edited.
//!
//! Within an organization, Exchange names people by X.500 names. The SMTP address of such a person
//! is often elsewhere: with a recipient of the same X.500 name, or in the transport header. If an
//! edit removes it there, the person gets an SMTP address of his or her own.

use std::collections::HashMap;

use crate::imsg::{
    Address, MapiProp as _, MapiPropMut as _, Message, PersonTags, Recipient, RecipientChange,
};
use crate::mail::error::Error;
use crate::mapi::{Value, tags};

/// The addresses that the people in a message are shown with before an edit.
pub(super) struct ShownAddresses {
    sender: Option<Address>,
    sent_representing: Option<Address>,
    /// The SMTP addresses of the recipients by their X.500 names.
    recipients: HashMap<String, String>,
}

impl ShownAddresses {
    pub(super) fn of(message: &Message) -> Self {
        let recipients = message.recipients().unwrap_or_default();
        let known = recipients.iter().filter_map(|recipient| {
            let x500 = x500_name(recipient)?;
            let shown = Address::of_recipient(recipient).filter(Address::is_mail)?;
            Some((x500, shown.address))
        });
        Self {
            sender: Address::sender(message),
            sent_representing: Address::sent_representing(message),
            recipients: known.collect(),
        }
    }

    /// Sets the addresses that the edit has taken from others than the people in `edited`. Returns
    /// whether there were any.
    pub(super) fn keep(self, message: &Message, edited: &[PersonTags]) -> Result<bool, Error> {
        let persons = [
            (PersonTags::SENDER, self.sender, Address::sender(message)),
            (
                PersonTags::SENT_REPRESENTING,
                self.sent_representing,
                Address::sent_representing(message),
            ),
        ];
        let mut is_kept = false;
        for (person, before, now) in persons {
            let (Some(before), Some(now)) = (before, now) else { continue };
            let is_lost = before.is_mail() && !now.is_mail() && before.name == now.name;
            if is_lost && !edited.contains(&person) {
                message.set_property(person.smtp_address, &Value::String(before.address))?;
                is_kept = true;
            }
        }
        let changes = changes_of(&message.recipients()?, &self.recipients);
        if !changes.is_empty() {
            message.modify_recipients(&changes)?;
            is_kept = true;
        }
        Ok(is_kept)
    }
}

/// The changes that give recipients without an SMTP address the one that is known for them.
fn changes_of(recipients: &[Recipient], known: &HashMap<String, String>) -> Vec<RecipientChange> {
    if known.is_empty() {
        return Vec::new();
    }
    let change = |recipient: &Recipient| {
        let smtp = known.get(&x500_name(recipient)?)?;
        let is_lost = !Address::of_recipient(recipient)?.is_mail();
        is_lost.then_some(RecipientChange::Modify {
            number: recipient.number().ok()?,
            set: vec![(tags::PR_SMTP_ADDRESS, Value::String(smtp.clone()))],
            delete: Vec::new(),
        })
    };
    recipients.iter().filter_map(change).collect()
}

/// The X.500 name that a recipient has as its address, in lower case.
fn x500_name(recipient: &Recipient) -> Option<String> {
    let address = recipient.text(tags::PR_EMAIL_ADDRESS)?;
    (!Address::new("", &*address).is_smtp()).then(|| address.to_lowercase())
}
