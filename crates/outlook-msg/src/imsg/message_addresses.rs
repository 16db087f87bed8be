//! The names and addresses of the people in a message, from its properties, its recipients and its
//! transport header.

use crate::mapi::{PropertyTag, Value, tags};

use super::address::{Address, is_same_name, is_x500};
use super::mapi_prop::MapiProp;
use super::message::Message;
use super::person::{
    FoundPerson, ObjectProperties, PersonProperties, RECIPIENT, SENDER, SENT_REPRESENTING,
    address_of_entry_id, flat_entry_list,
};
use super::person_tags::PersonTags;
use super::recipient::Recipient;
use super::recipient_type::RecipientType;
use super::transport_headers::HeaderField;

impl Address {
    /// The sender (`PR_SENDER_*`).
    pub fn sender(message: &Message) -> Option<Self> {
        // `From` has the address of the person on whose behalf the message was sent. It is the
        // sender's only if both are one person.
        let is_author = || match message.text(PersonTags::SENT_REPRESENTING.name) {
            Some(author) => {
                let sender = message.text(PersonTags::SENDER.name);
                sender.is_some_and(|sender| is_same_name(&sender, &author))
            }
            None => true,
        };
        let headers = || {
            let headers = message.transport_headers().ok()?;
            let sender = headers.address(HeaderField::Sender);
            sender.or_else(|| headers.address(HeaderField::From).filter(|_| is_author()))
        };
        Self::of_person(message, &SENDER, headers)
    }

    /// The person on whose behalf the message was sent (`PR_SENT_REPRESENTING_*`).
    pub fn sent_representing(message: &Message) -> Option<Self> {
        let others = || {
            let named = message.text(PersonTags::SENT_REPRESENTING.name).unwrap_or_default();
            let is_same = |sender: &Self| sender.is_mail() && is_same_name(&sender.name, &named);
            // Some programs write only the name here; the address is with the sender of the same
            // name.
            Self::sender(message)
                .filter(is_same)
                .or_else(|| message.transport_headers().ok()?.address(HeaderField::From))
        };
        Self::of_person(message, &SENT_REPRESENTING, others)
    }

    /// The address of a recipient.
    pub fn of_recipient(recipient: &Recipient) -> Option<Self> {
        let (set, strings) = recipient.property_set().ok()?;
        let object = ObjectProperties { set: &set, strings: &strings };
        Self::of_found(RECIPIENT.find(object), recipient.message(), || None)
    }

    /// The recipients of one type, in the order of the message.
    pub fn of_recipients(message: &Message, wanted: RecipientType) -> Vec<Self> {
        let recipients = message.recipients().unwrap_or_default();
        let wanted = recipients.iter().filter(|one| one.recipient_type() == wanted);
        wanted.filter_map(Self::of_recipient).collect()
    }

    /// The name and address in an EntryID property.
    pub fn of_entry_id(message: &Message, tag: PropertyTag) -> Option<Self> {
        match message.salvage(tag).ok()?.value? {
            Value::Binary(entry_id) => {
                address_of_entry_id(&entry_id).map(|one| one.smtp_of(message))
            }
            _ => None,
        }
    }

    /// Replaces an X.500 name by the SMTP address that the message gives for it, if it gives one.
    pub fn smtp_of(self, message: &Message) -> Self {
        let known = is_x500(&self.address).then(|| message.known_addresses().ok()).flatten();
        match known.as_ref().and_then(|known| known.smtp(&self.address)) {
            Some(smtp) => Self { address: smtp.to_owned(), ..self },
            None => self,
        }
    }

    /// The addresses that replies go to (`PR_REPLY_RECIPIENT_ENTRIES`, else
    /// `PR_REPLY_RECIPIENT_NAMES`).
    pub fn reply_to(message: &Message) -> Vec<Self> {
        let entries = match message.salvage(tags::PR_REPLY_RECIPIENT_ENTRIES) {
            Ok(salvaged) => salvaged.value,
            Err(_) => None,
        };
        let entries: Vec<_> = match &entries {
            Some(Value::Binary(list)) => {
                flat_entry_list(list).0.into_iter().map(address_of_entry_id).collect()
            }
            _ => Vec::new(),
        };
        let names = message.text(tags::PR_REPLY_RECIPIENT_NAMES).unwrap_or_default();
        let names: Vec<_> =
            names.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
        if entries.iter().all(Option::is_none) {
            return names.iter().map(|name| Self::named(name)).collect();
        }
        // An EntryID of an address book has no display name, and some EntryIDs are of no known
        // kind. `PR_REPLY_RECIPIENT_NAMES` has the names in the same order.
        let is_parallel = names.len() == entries.len();
        let name_of = |at: usize| names.get(at).filter(|_| is_parallel).copied();
        let entries = entries.into_iter().enumerate().filter_map(|(at, entry)| {
            let Some(entry) = entry else { return name_of(at).map(Self::named) };
            let name = if entry.name.is_empty() { name_of(at).unwrap_or_default() } else { "" };
            let entry = entry.smtp_of(message);
            Some(if name.is_empty() { entry } else { Self { name: name.to_owned(), ..entry } })
        });
        entries.collect()
    }

    fn of_person(
        message: &Message,
        person: &PersonProperties,
        others: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        let (set, strings) = message.property_set().ok()?;
        Self::of_found(
            person.find(ObjectProperties { set: &set, strings: &strings }),
            message,
            others,
        )
    }

    /// Chooses the address, the most trustworthy first: the SMTP address of the person, the
    /// one that the message gives for the same X.500 name, that of `others`, or any address at all.
    fn of_found(
        found: FoundPerson,
        message: &Message,
        others: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        let FoundPerson { name, smtp, x500, address } = found;
        if name.is_none() && smtp.is_none() && address.is_none() {
            return None;
        }
        let known = || {
            let known = (!x500.is_empty()).then(|| message.known_addresses().ok()).flatten()?;
            x500.iter().find_map(|name| known.smtp(name)).map(str::to_owned)
        };
        let address = smtp
            .or_else(known)
            .or_else(|| others().map(|other| other.address))
            .or(address)
            .unwrap_or_default();
        Some(Self { name: name.unwrap_or_default(), address })
    }
}
