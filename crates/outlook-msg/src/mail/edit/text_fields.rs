//! The fields of a message that are set from a text. Each has one entry here, which says how the
//! field is set and removed, and which fields of the transport header have the same meaning.
//!
//! To make another value settable, add an entry.

use crate::imsg::{
    Address, HeaderField, MapiPropMut, Message, NameKind, PersonTags, PropertyName, RecipientType,
    flat_entry_list_of,
};
use crate::mail::error::Error;
use crate::mail::formats::eml;
use crate::mail::values::fields;
use crate::mail::values::text::crlf_lines;
use crate::mapi::sets::PS_PUBLIC_STRINGS;
use crate::mapi::{PropertyTag, PropertyType, Value, tags};

use super::addresses;
use super::shown_addresses::ShownAddresses;

/// A field that is set from a text.
#[derive(Debug)]
pub struct TextField {
    value: FieldValue,
    /// The fields of the transport header with the same meaning. They are set too, so that no
    /// program finds the old value there.
    header: &'static [HeaderField],
    /// The people whose addresses it sets. `None` if the field names nobody; else others may be
    /// shown with an address that they have from it.
    people: Option<&'static [PersonTags]>,
}

#[derive(Debug)]
enum FieldValue {
    /// A text; a newline at its end is not part of the value. To remove the value, the properties
    /// `removed` are deleted.
    Text { set: fn(&Message, &str) -> Result<(), Error>, removed: &'static [PropertyTag] },
    /// Lines, each with its line end. An empty text removes the value.
    Lines { set: fn(&Message, &str) -> Result<(), Error> },
    /// Addresses: `shown` returns those that the field has now.
    Addresses {
        shown: fn(&Message) -> Vec<Address>,
        set: fn(&Message, &[Address]) -> Result<(), Error>,
    },
}

const fn text(
    set: fn(&Message, &str) -> Result<(), Error>,
    removed: &'static [PropertyTag],
    header: &'static [HeaderField],
) -> TextField {
    TextField { value: FieldValue::Text { set, removed }, header, people: None }
}

const fn addresses(
    shown: fn(&Message) -> Vec<Address>,
    set: fn(&Message, &[Address]) -> Result<(), Error>,
    header: &'static [HeaderField],
    people: &'static [PersonTags],
) -> TextField {
    TextField { value: FieldValue::Addresses { shown, set }, header, people: Some(people) }
}

pub static SUBJECT: TextField =
    text(set_subject, &[tags::PR_SUBJECT], &[HeaderField::Subject, HeaderField::ThreadTopic]);
pub static FROM: TextField = addresses(
    |message| fields::from(message).into_iter().collect(),
    set_from,
    &[HeaderField::From],
    &[PersonTags::SENT_REPRESENTING, PersonTags::SENDER],
);
pub static SENDER: TextField = addresses(
    |message| fields::sender(message).into_iter().collect(),
    |message, addresses| set_person(message, &PersonTags::SENDER, addresses),
    // A message without another author is from its sender, so both header fields depend on the
    // sender.
    &[HeaderField::Sender, HeaderField::From],
    &[PersonTags::SENDER],
);
pub static TO: TextField = addresses(
    |message| fields::recipients(message, RecipientType::To),
    |message, addresses| set_recipients(message, RecipientType::To, addresses),
    &[HeaderField::To],
    &[],
);
pub static CC: TextField = addresses(
    |message| fields::recipients(message, RecipientType::Cc),
    |message, addresses| set_recipients(message, RecipientType::Cc, addresses),
    &[HeaderField::Cc],
    &[],
);
pub static BCC: TextField = addresses(
    |message| fields::recipients(message, RecipientType::Bcc),
    |message, addresses| set_recipients(message, RecipientType::Bcc, addresses),
    &[HeaderField::Bcc],
    &[],
);
pub static REPLY_TO: TextField =
    addresses(fields::reply_to, set_reply_to, &[HeaderField::ReplyTo], &[]);
pub static DATE: TextField = text(
    |message, text| set_time(message, tags::PR_CLIENT_SUBMIT_TIME, text),
    &[tags::PR_CLIENT_SUBMIT_TIME],
    &[HeaderField::Date],
);
pub static RECEIVED: TextField = text(
    |message, text| set_time(message, tags::PR_MESSAGE_DELIVERY_TIME, text),
    &[tags::PR_MESSAGE_DELIVERY_TIME],
    &[],
);
pub static CLASS: TextField = text(
    |message, text| set_text(message, tags::PR_MESSAGE_CLASS, one_line(text)?),
    &[tags::PR_MESSAGE_CLASS],
    &[],
);
pub static MESSAGE_ID: TextField = text(
    |message, text| set_text(message, tags::PR_INTERNET_MESSAGE_ID, one_line(text)?),
    &[tags::PR_INTERNET_MESSAGE_ID],
    &[HeaderField::MessageId],
);
pub static IMPORTANCE: TextField = text(set_importance, &[tags::PR_IMPORTANCE], &[]);
pub static CATEGORIES: TextField =
    TextField { value: FieldValue::Lines { set: set_categories }, header: &[], people: None };
pub static HEADERS: TextField =
    TextField { value: FieldValue::Lines { set: set_headers }, header: &[], people: Some(&[]) };

impl TextField {
    /// Sets the field to a text.
    pub fn set(&self, message: &Message, text: &str) -> Result<(), Error> {
        self.edit(message, || match self.value {
            FieldValue::Text { set, .. } => set(message, text.strip_suffix('\n').unwrap_or(text)),
            FieldValue::Lines { set } => set(message, text),
            FieldValue::Addresses { shown, set } => {
                set(message, &addresses::parse(text, &shown(message))?)
            }
        })
    }

    /// Sets a field of addresses to these.
    pub fn set_addresses(&self, message: &Message, addresses: &[Address]) -> Result<(), Error> {
        self.edit(message, || match self.value {
            FieldValue::Addresses { set, .. } => set(message, addresses),
            _ => Err(Error::NotSettable("it holds no addresses")),
        })
    }

    /// The addresses that the field shows now; none of a field of another kind.
    pub fn addresses(&self, message: &Message) -> Vec<Address> {
        match self.value {
            FieldValue::Addresses { shown, .. } => shown(message),
            _ => Vec::new(),
        }
    }

    /// Removes the value.
    pub fn remove(&self, message: &Message) -> Result<(), Error> {
        self.edit(message, || match self.value {
            FieldValue::Text { removed, .. } => {
                removed.iter().try_for_each(|tag| delete(message, *tag))
            }
            FieldValue::Lines { set } => set(message, ""),
            FieldValue::Addresses { set, .. } => set(message, &[]),
        })
    }

    /// Makes an edit of the field, and with it those of the transport header and of the people that
    /// would lose an address.
    fn edit(
        &self,
        message: &Message,
        make: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let shown = self.people.map(|people| (people, ShownAddresses::of(message)));
        make()?;
        eml::update_transport_header(message, self.header)?;
        let is_kept = shown.map_or(Ok(false), |(people, shown)| shown.keep(message, people))?;
        // Without the header, some of the addresses in the new one were not known.
        if is_kept { Ok(eml::update_transport_header(message, self.header)?) } else { Ok(()) }
    }
}

fn set_text(message: &Message, tag: PropertyTag, text: &str) -> Result<(), Error> {
    Ok(message.set_property(tag, &Value::String(text.to_owned()))?)
}

/// What is expected of a subject.
pub const A_SUBJECT: &str =
    "a subject that does not begin with U+0001, which marks a prefix in message stores";

/// Sets the subject. One that begins as those of message stores do would be shown without its first
/// two characters.
fn set_subject(message: &Message, text: &str) -> Result<(), Error> {
    match text.starts_with(fields::PREFIX_MARK) {
        true => Err(Error::invalid(A_SUBJECT)),
        false => set_text(message, tags::PR_SUBJECT, text),
    }
}

/// Deletes a property, unless the message must have it.
fn delete(message: &Message, tag: PropertyTag) -> Result<(), Error> {
    super::refuse_mandatory(message, tag)?;
    super::delete(message, tag)
}

fn set_headers(message: &Message, text: &str) -> Result<(), Error> {
    match text {
        "" => delete(message, tags::PR_TRANSPORT_MESSAGE_HEADERS),
        lines => set_text(message, tags::PR_TRANSPORT_MESSAGE_HEADERS, &crlf_lines(lines)),
    }
}

fn set_time(message: &Message, tag: PropertyTag, text: &str) -> Result<(), Error> {
    let time = super::parse(PropertyType::TIME, text)?;
    // Any other time stands for "no date", and setting it would remove the date.
    if matches!(time, Value::Time(time) if !time.is_set()) {
        return Err(Error::invalid("a time after the start of 1601 and before the year 4501"));
    }
    Ok(message.set_property(tag, &time)?)
}

fn set_importance(message: &Message, text: &str) -> Result<(), Error> {
    let number = match text.trim() {
        "low" | "0" => 0,
        "normal" | "1" => 1,
        "high" | "2" => 2,
        _ => return Err(Error::invalid("low, normal or high")),
    };
    Ok(message.set_property(tags::PR_IMPORTANCE, &Value::Integer32(number))?)
}

/// Sets the categories (`PidNameKeywords`, \[MS-OXCMSG\] 2.2.1.17), one per line.
fn set_categories(message: &Message, text: &str) -> Result<(), Error> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let values: Vec<_> = lines.map(|line| Value::String(line.to_owned())).collect();
    let name = PropertyName { set: PS_PUBLIC_STRINGS, kind: NameKind::Name("Keywords".to_owned()) };
    let Some(id) = message.property_id(&name, !values.is_empty())? else { return Ok(()) };
    let tag = PropertyTag::new(id, PropertyType::MULTIPLE_STRING);
    if values.is_empty() {
        return super::delete(message, tag);
    }
    Ok(message.set_property(tag, &Value::Multiple(values))?)
}

/// Sets the person on whose behalf the message is sent. If that person was the sender too, sets the
/// sender as well; otherwise the old address would still be shown, and stay in the file.
fn set_from(message: &Message, addresses: &[Address]) -> Result<(), Error> {
    let sender = Address::sender(message);
    let is_same = !addresses.is_empty() && sender.is_some() && sender == fields::from(message);
    set_person(message, &PersonTags::SENT_REPRESENTING, addresses)?;
    if is_same {
        set_person(message, &PersonTags::SENDER, addresses)?;
        eml::update_transport_header(message, &[HeaderField::Sender])?;
    }
    Ok(())
}

fn set_person(
    message: &Message,
    person_tags: &PersonTags,
    addresses: &[Address],
) -> Result<(), Error> {
    let [address] = addresses else {
        if addresses.is_empty() {
            return remove_person(message, person_tags);
        }
        return Err(Error::invalid("one address, as Name <name@example.org>"));
    };
    remove_person(message, person_tags)?;
    set_text(message, person_tags.name, address.name_or_address())?;
    if address.address.is_empty() {
        return Ok(());
    }
    set_text(message, person_tags.address_type, address.address_type())?;
    set_text(message, person_tags.address, &address.address)?;
    if address.is_smtp() {
        set_text(message, person_tags.smtp_address, &address.address)?;
        let key = format!("SMTP:{}\0", address.address.to_uppercase());
        message.set_property(person_tags.search_key, &Value::Binary(key.into_bytes()))?;
        message
            .set_property(person_tags.entry_id, &Value::Binary(address.to_one_off_entry_id()))?;
    }
    Ok(())
}

fn remove_person(message: &Message, person_tags: &PersonTags) -> Result<(), Error> {
    for tag in person_tags.all() {
        super::delete(message, tag)?;
    }
    Ok(())
}

/// Sets the recipients of one type. If the message has only the names of its recipients, those of
/// the other types become recipients too: names no longer count as soon as there is a row.
fn set_recipients(
    message: &Message,
    wanted: RecipientType,
    addresses: &[Address],
) -> Result<(), Error> {
    let others = [RecipientType::To, RecipientType::Cc, RecipientType::Bcc].into_iter();
    let others = others.filter(|other| *other != wanted);
    let others = others.map(|other| (other, fields::recipients_by_name(message, other)));
    let named: Vec<_> = others.filter(|(_, named)| !named.is_empty()).collect();
    for (other, named) in named {
        message.set_recipients(other, &named)?;
    }
    Ok(message.set_recipients(wanted, addresses)?)
}

/// Sets the addresses that replies go to (`PR_REPLY_RECIPIENT_ENTRIES`, a FlatEntryList,
/// \[MS-OXCDATA\] 2.3.3).
fn set_reply_to(message: &Message, addresses: &[Address]) -> Result<(), Error> {
    if addresses.is_empty() {
        super::delete(message, tags::PR_REPLY_RECIPIENT_ENTRIES)?;
        return super::delete(message, tags::PR_REPLY_RECIPIENT_NAMES);
    }
    let names: Vec<_> = addresses
        .iter()
        .map(|one| if one.name.is_empty() { one.address.as_str() } else { one.name.as_str() })
        .collect();
    let list = flat_entry_list_of(addresses);
    set_text(message, tags::PR_REPLY_RECIPIENT_NAMES, &names.join(";"))?;
    Ok(message.set_property(tags::PR_REPLY_RECIPIENT_ENTRIES, &Value::Binary(list))?)
}

fn one_line(text: &str) -> Result<&str, Error> {
    match text.contains(['\n', '\r']) {
        true => Err(Error::invalid("one line")),
        false => Ok(text),
    }
}
