//! What is missing of a field: the parts of the properties it is made of that cannot be read.
//!
//! A field is made of the first of its properties of which anything can be read (`fields`). So a
//! damaged property that comes behind a sound one takes nothing from the field.

use crate::imsg::{MapiProp, Message, PersonTags, RecipientType};
use crate::mapi::{PropertyTag, PropertyType, tags};
use crate::storage::Defect;

use super::fields::{SUBJECT, display_names};
use super::named::{PID_NAME_KEYWORDS, Values};
use super::structures;

/// What is missing of the subject.
pub fn of_subject(message: &Message) -> Vec<Defect> {
    of_first(message, &SUBJECT)
}

/// What is missing of the name and address of the person on whose behalf the message was sent.
pub fn of_from(message: &Message) -> Vec<Defect> {
    let sent_representing = PersonTags::SENT_REPRESENTING;
    let is_named = sent_representing.shown().iter().any(|tag| message.text(*tag).is_some());
    match is_named {
        true => of_person(message, sent_representing),
        false => of_sender(message),
    }
}

/// What is missing of the name and address of the sender.
pub fn of_sender(message: &Message) -> Vec<Defect> {
    of_person(message, PersonTags::SENDER)
}

/// What is missing of the names and addresses of the recipients of a type.
pub fn of_recipients(message: &Message, wanted: RecipientType) -> Vec<Defect> {
    let recipients = message.recipients().unwrap_or_default();
    let rows = recipients.iter().filter(|one| one.recipient_type() == wanted);
    let rows = rows.flat_map(|one| of_person(one, PersonTags::RECIPIENT));
    rows.chain(of_each(message, display_names(message, wanted).as_slice())).collect()
}

/// What is missing of the names and addresses of all recipients.
pub fn of_all_recipients(message: &Message) -> Vec<Defect> {
    let recipients = message.recipients().unwrap_or_default();
    recipients.iter().flat_map(|one| of_person(one, PersonTags::RECIPIENT)).collect()
}

/// What is missing of the addresses that replies go to.
pub fn of_reply_to(message: &Message) -> Vec<Defect> {
    let entries = tags::PR_REPLY_RECIPIENT_ENTRIES;
    let mut missing = of_each(message, &[entries, tags::PR_REPLY_RECIPIENT_NAMES]);
    missing.extend(structures::defect_of(message, entries.into()));
    missing
}

/// What is missing of the categories.
pub fn of_categories(message: &Message) -> Vec<Defect> {
    let tag = Values::new(message).tag(PID_NAME_KEYWORDS, PropertyType::MULTIPLE_STRING);
    tag.map_or_else(Vec::new, |tag| of_each(message, &[tag]))
}

/// What is missing of the message class.
pub fn of_class(message: &Message) -> Vec<Defect> {
    of_each(message, &[tags::PR_MESSAGE_CLASS])
}

/// What is missing of the Message-ID.
pub fn of_message_id(message: &Message) -> Vec<Defect> {
    of_first(message, &[tags::PR_INTERNET_MESSAGE_ID])
}

/// What is missing of the transport header.
pub fn of_headers(message: &Message) -> Vec<Defect> {
    of_each(message, &[tags::PR_TRANSPORT_MESSAGE_HEADERS])
}

/// What is missing of the name of a person, and of the address that is shown: the SMTP address, if
/// there is one.
fn of_person(object: &dyn MapiProp, person: PersonTags) -> Vec<Defect> {
    let has_smtp_address = object.text(person.smtp_address).is_some();
    let address = if has_smtp_address { person.smtp_address } else { person.address };
    of_each(object, &[person.name, address])
}

/// What is missing of each of these properties.
fn of_each(object: &dyn MapiProp, tags: &[PropertyTag]) -> Vec<Defect> {
    tags.iter().filter_map(|tag| object.missing_part(*tag).ok()?).collect()
}

/// What is missing of the first of these properties of which anything can be read.
fn of_first(message: &Message, tags: &[PropertyTag]) -> Vec<Defect> {
    let found = tags.iter().find(|tag| message.text(**tag).is_some());
    found.map_or_else(Vec::new, |tag| of_each(message, &[*tag]))
}
