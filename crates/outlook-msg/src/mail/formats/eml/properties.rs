//! Makes header fields from properties (\[MS-OXCMAIL\] 2.2.3).
//!
//! A field of the transport header is not replaced, even if a property has another value, because
//! another program may have edited only the property; unless no program can read the field. Knows no
//! MIME structure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::body::header::is_field_name;
use crate::imsg::{
    Address, HeaderField, MapiProp, Message, NameKind, PropertyName, RecipientType,
    TransportHeaders,
};
use crate::mail::calendar::ics::is_class;
use crate::mail::values::base64;
use crate::mail::values::fields::{self as mail, MessageFlags};
use crate::mapi::sets::{PS_INTERNET_HEADERS, PS_PUBLIC_STRINGS, PSETID_COMMON};
use crate::mapi::{FileTime, Guid, PropertyTag, PropertyType, Value, tags};

use super::addresses::{is_same, mailbox, mailboxes};
use super::encode::{free_text, phrase, single_line};
use super::fields::{HeaderFields, addresses_in, is_of_mime};

/// Named properties in `PSETID_Common` and their header fields (\[MS-OXCMAIL\] 2.2.3.2): the flag
/// for follow-up and the classification.
const COMMON_FIELDS: [(u32, PropertyType, &str); 6] = [
    (0x8530, PropertyType::STRING, "X-Message-Flag"),
    (0x85B5, PropertyType::BOOLEAN, "X-Microsoft-Classified"),
    (0x85B6, PropertyType::STRING, "X-Microsoft-Classification"),
    (0x85B7, PropertyType::STRING, "X-Microsoft-ClassDesc"),
    (0x85B8, PropertyType::STRING, "X-Microsoft-ClassID"),
    (0x85BA, PropertyType::BOOLEAN, "X-Microsoft-ClassKeep"),
];

/// Adds the fields that are not in `fields` yet.
pub(super) fn add_missing(message: &Message, fields: &mut HeaderFields) {
    let is_received = !fields.is_empty();
    people(message, fields, is_received);
    identity(message, fields);
    flags(message, fields);
    named(message, fields);
    internet_headers(message, fields);
    let has_recipients = ["To", "Cc", "Bcc"].iter().any(|name| fields.has(name));
    if !is_received && !has_recipients && has_no_recipients(message) {
        fields.add("To", "undisclosed-recipients:;");
    }
}

/// Whether the message has no recipients. If it has some that cannot be read, or may have had some
/// before it was damaged, nobody may be told that they were kept secret.
fn has_no_recipients(message: &Message) -> bool {
    message.recipients().is_ok_and(|all| all.is_empty())
        && message.defects().is_ok_and(|all| all.is_empty())
}

fn people(message: &Message, fields: &mut HeaderFields, is_received: bool) {
    let (from, sender) = (mail::from(message), mail::sender(message));
    add_people(fields, "From", from.as_slice());
    // A transport header without a `Sender` field means that the author was the sender.
    if let (Some(from), Some(sender)) = (&from, &sender)
        && !is_received
        && !sender.address.is_empty()
        && !is_same(from, sender)
    {
        fields.add("Sender", &mailbox(sender));
    }
    for (name, wanted) in
        [("To", RecipientType::To), ("Cc", RecipientType::Cc), ("Bcc", RecipientType::Bcc)]
    {
        add_people(fields, name, &mail::recipients(message, wanted));
    }
    add_people(fields, "Reply-To", &mail::reply_to(message));
    let is_true = |tag| matches!(message.property(tag), Ok(Value::Boolean(true)));
    if is_true(tags::PR_READ_RECEIPT_REQUESTED) {
        let receiver = Address::of_entry_id(message, tags::PR_READ_RECEIPT_ENTRYID);
        if let Some(receiver) = receiver.or_else(|| from.clone()) {
            fields.add("Disposition-Notification-To", &mailbox(&receiver));
        }
    }
    if is_true(tags::PR_ORIGINATOR_DELIVERY_REPORT_REQUESTED)
        && let Some(from) = &from
    {
        fields.add("Return-Receipt-To", &mailbox(from));
    }
}

/// Adds a field of addresses. If the transport header has the field, but without an address, it is
/// replaced, provided that all addresses are known.
fn add_people(fields: &mut HeaderFields, name: &str, people: &[Address]) {
    let value = mailboxes(people);
    if people.iter().all(|one| one.address.contains('@')) {
        fields.repair(name, &value, |value| {
            let has_address = |all: Vec<Address>| all.iter().any(|one| one.address.contains('@'));
            // A group may have no members.
            value.ends_with(';') || addresses_in(value).is_none_or(has_address)
        });
    }
    fields.add(name, &value);
}

/// Adds a field of a date, also in the place of one that is no date.
fn add_date(fields: &mut HeaderFields, name: &str, date: &str) {
    fields.repair(name, date, |value| {
        let field = format!("{}: {value}", HeaderField::Date.name());
        TransportHeaders::parse(&field).date().is_some()
    });
    fields.add(name, date);
}

fn identity(message: &Message, fields: &mut HeaderFields) {
    if let Some(date) = date(message) {
        add_date(fields, "Date", &date);
    }
    fields.add_text("Subject", &mail::subject(message).unwrap_or_default());
    for (name, tag) in [
        ("Message-ID", tags::PR_INTERNET_MESSAGE_ID),
        ("In-Reply-To", tags::PR_IN_REPLY_TO_ID),
        ("References", tags::PR_INTERNET_REFERENCES),
    ] {
        let ids = message_ids(name, &message.text(tag).unwrap_or_default());
        fields.repair(name, &ids, |value| value.contains('<') && value.contains('>'));
        fields.add(name, &ids);
    }
    let text = |tag| message.text(tag).unwrap_or_default();
    fields.add_text("Thread-Topic", &text(tags::PR_CONVERSATION_TOPIC));
    if let Ok(Value::Binary(index)) = message.property(tags::PR_CONVERSATION_INDEX) {
        fields.add("Thread-Index", base64::encode_lines(&index, " ").trim_end());
    }
    for (name, tag) in [
        ("List-Help", tags::PR_LIST_HELP),
        ("List-Subscribe", tags::PR_LIST_SUBSCRIBE),
        ("List-Unsubscribe", tags::PR_LIST_UNSUBSCRIBE),
    ] {
        fields.add_text(name, &text(tag));
    }
}

/// The time of sending, else of delivery, creation or last change; never the current time.
fn date(message: &Message) -> Option<String> {
    let times = [
        tags::PR_CLIENT_SUBMIT_TIME,
        tags::PR_MESSAGE_DELIVERY_TIME,
        tags::PR_CREATION_TIME,
        tags::PR_LAST_MODIFICATION_TIME,
    ];
    times.into_iter().find_map(|tag| match message.property(tag).ok()? {
        Value::Time(time) if time.is_set() => rfc_5322_time(time),
        _ => None,
    })
}

pub(super) fn rfc_5322_time(time: FileTime) -> Option<String> {
    let timestamp = Timestamp::from_second(time.to_unix().0).ok()?;
    let zoned = timestamp.to_zoned(TimeZone::UTC);
    Some(zoned.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
}

/// Message ids in angle brackets, separated by blanks.
pub(super) fn message_ids(name: &str, text: &str) -> String {
    let text = single_line(text);
    if !text.bytes().all(|byte| byte.is_ascii_graphic() || b" \t".contains(&byte)) {
        return free_text(name, text.trim());
    }
    let ids =
        text.split_ascii_whitespace().map(|id| match (id.starts_with('<'), id.ends_with('>')) {
            (true, _) | (_, true) => id.to_owned(),
            (false, false) => format!("<{id}>"),
        });
    ids.collect::<Vec<_>>().join(" ")
}

fn flags(message: &Message, fields: &mut HeaderFields) {
    let number = |tag| message.integer(tag);
    // A missing field means normal importance, so none is written for that.
    match number(tags::PR_IMPORTANCE) {
        Some(0) => ["low", "5"],
        Some(2) => ["high", "1"],
        _ => ["", ""],
    }
    .into_iter()
    .zip(["Importance", "X-Priority"])
    .for_each(|(value, name)| fields.add(name, value));
    fields.add(
        "Priority",
        match number(tags::PR_PRIORITY) {
            Some(-1) => "non-urgent",
            Some(1) => "urgent",
            _ => "",
        },
    );
    fields.add(
        "Sensitivity",
        match number(tags::PR_SENSITIVITY) {
            Some(1) => "Personal",
            Some(2) => "Private",
            Some(3) => "Company-Confidential",
            _ => "",
        },
    );
    // Outlook opens a file with this field as a draft, to be edited and sent.
    let is_mail = || mail::message_class(message).is_some_and(|class| is_class(&class, "IPM.Note"));
    if mail::flags(message).is_some_and(MessageFlags::is_unsent) && is_mail() {
        fields.add("X-Unsent", "1");
    }
    let suppressed = number(tags::PR_AUTO_RESPONSE_SUPPRESS).unwrap_or(0);
    fields.add("X-Auto-Response-Suppress", &suppressed_responses(suppressed));
    if let Ok(Value::Time(time)) = message.property(tags::PR_REPLY_TIME)
        && time.is_set()
    {
        add_date(fields, "Reply-By", &rfc_5322_time(time).unwrap_or_default());
    }
    if let Some(level) = number(tags::PR_CONTENT_FILTER_SCL) {
        fields.add("X-MS-Exchange-Organization-SCL", &level.to_string());
    }
}

/// The bits of `PR_AUTO_RESPONSE_SUPPRESS` as names (\[MS-OXCMAIL\] 2.2.3.2.14).
fn suppressed_responses(bits: i32) -> String {
    const NAMES: [(i32, &str); 6] =
        [(1, "DR"), (2, "NDR"), (4, "RN"), (8, "NRN"), (16, "OOF"), (32, "AutoReply")];
    if bits == -1 {
        return "All".to_owned();
    }
    let names = NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(", ")
}

fn named(message: &Message, fields: &mut HeaderFields) {
    let keywords = NameKind::Name("Keywords".to_owned());
    if let Some(Value::Multiple(keywords)) =
        named_value(message, PS_PUBLIC_STRINGS, keywords, PropertyType::MULTIPLE_STRING)
    {
        let phrases = keywords.iter().filter_map(|keyword| match keyword {
            Value::String(text) => Some(phrase(text)),
            _ => None,
        });
        fields.add("Keywords", &phrases.collect::<Vec<_>>().join(", "));
    }
    for (lid, property_type, name) in COMMON_FIELDS {
        match named_value(message, PSETID_COMMON, NameKind::Lid(lid), property_type) {
            Some(Value::String(text)) => fields.add_text(name, &text),
            Some(Value::Boolean(true)) => fields.add(name, "true"),
            _ => {}
        }
    }
}

fn named_value(
    message: &Message,
    set: Guid,
    kind: NameKind,
    property_type: PropertyType,
) -> Option<Value> {
    let id = message.names().ok()?.id(&PropertyName { set, kind })?;
    message.salvage(PropertyTag::new(id, property_type)).ok()?.value
}

/// Adds the header fields that are stored as named properties in the set `PS_INTERNET_HEADERS`,
/// each under the name of its field.
fn internet_headers(message: &Message, fields: &mut HeaderFields) {
    let (Ok(names), Ok((set, _))) = (message.names(), message.property_set()) else { return };
    for property in set.properties().iter().filter(|property| property.tag.is_named()) {
        let Some(PropertyName { set, kind: NameKind::Name(name) }) = names.name(property.tag)
        else {
            continue;
        };
        if *set != PS_INTERNET_HEADERS || !is_field_name(name) || is_of_mime(name) {
            continue;
        }
        // The value comes from a mail header, so it may contain encoded words, which must not be
        // encoded again.
        let value = single_line(message.text(property.tag).unwrap_or_default().trim());
        let is_encoded = value.is_ascii() && !value.chars().any(char::is_control);
        fields.add(name, &if is_encoded { value } else { free_text(name, &value) });
    }
}

#[cfg(test)]
mod tests {
    use super::{message_ids, rfc_5322_time, suppressed_responses};
    use crate::mapi::FileTime;

    #[test]
    fn times_are_those_of_rfc_5322() {
        let time = rfc_5322_time(FileTime(131_860_695_566_300_000)).unwrap();
        assert_eq!(time, "Wed, 07 Nov 2018 13:05:56 +0000");
    }

    #[test]
    fn message_ids_have_angle_brackets() {
        let check = |text, expected| assert_eq!(message_ids("References", text), expected);
        check("<a@b>", "<a@b>");
        check(" a@b\r\n\t<c@d>", "<a@b> <c@d>");
        check("", "");
    }

    #[test]
    fn suppressed_responses_are_named() {
        assert_eq!(suppressed_responses(-1), "All");
        assert_eq!(suppressed_responses(0x24), "RN, AutoReply");
        assert_eq!(suppressed_responses(0), "");
    }
}
