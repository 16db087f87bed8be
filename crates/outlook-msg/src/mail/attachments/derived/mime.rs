//! Makes a message from a MIME entity.

use crate::body::mime_entity::{Entity, Fields, Mailbox, Part, PartContent};
use crate::imsg::{
    Address, ConvertedAttachment, ConvertedContent, ConvertedMessage, ConvertedProperty, Note,
    PersonTags, RecipientType, flat_entry_list_of,
};
use crate::mapi::{CodePage, PropertyTag, Value, tags};
use crate::storage::Defect;

/// Makes a message from an entity.
pub(super) fn message(entity: Entity) -> ConvertedMessage {
    let Entity { fields, text, html, attachments, findings } = entity;
    let mut properties = vec![ConvertedProperty::text(tags::PR_MESSAGE_CLASS, "IPM.Note")];
    let mut add = |tag: PropertyTag, text: Option<String>| {
        properties.extend(text.map(|text| ConvertedProperty::text(tag, text)));
    };
    add(tags::PR_SUBJECT, fields.subject.clone());
    add(tags::PR_INTERNET_MESSAGE_ID, fields.message_id.as_ref().map(|id| format!("<{id}>")));
    add(tags::PR_BODY, text);
    let date = fields.date.map(Value::Time);
    properties.extend(date.map(|date| ConvertedProperty::new(tags::PR_CLIENT_SUBMIT_TIME, date)));
    if let Some(html) = html {
        let page = i32::try_from(CodePage::UTF_8.number()).unwrap_or(0);
        properties.push(ConvertedProperty::new(tags::PR_HTML, Value::Binary(html.into_bytes())));
        properties.push(ConvertedProperty::new(tags::PR_INTERNET_CPID, Value::Integer32(page)));
    }
    properties.extend(properties_of_person(fields.from.first(), PersonTags::SENT_REPRESENTING));
    properties.extend(properties_of_person(
        fields.sender.first().or(fields.from.first()),
        PersonTags::SENDER,
    ));
    properties.extend(reply_to(&fields));
    properties.extend(flags(&fields));
    let recipients = recipients(&fields);
    if !fields.header.is_empty() {
        let tag = tags::PR_TRANSPORT_MESSAGE_HEADERS;
        properties.push(ConvertedProperty::text(tag, fields.header));
    }
    let place = || "/".to_owned();
    let defects = findings.defects.into_iter().map(|cause| Defect { place: place(), cause });
    let notes = findings.notes.into_iter().map(|text| Note { place: place(), text });
    ConvertedMessage {
        properties,
        recipients,
        attachments: attachments.into_iter().map(attachment).collect(),
        defects: defects.collect(),
        notes: notes.collect(),
    }
}

fn properties_of_person(mailbox: Option<&Mailbox>, person: PersonTags) -> Vec<ConvertedProperty> {
    let Some(Mailbox { name, address }) = mailbox else { return Vec::new() };
    let one = Address::new(name, address);
    let address_type = if address.is_empty() { "" } else { one.address_type() };
    let smtp_address = if one.is_smtp() { address } else { "" };
    let values = [
        (person.name, name.as_str()),
        (person.address_type, address_type),
        (person.address, address),
        (person.smtp_address, smtp_address),
    ];
    let values = values.into_iter().filter(|(_, text)| !text.is_empty());
    values.map(|(tag, text)| ConvertedProperty::text(tag, text)).collect()
}

fn recipients(fields: &Fields) -> Vec<Vec<ConvertedProperty>> {
    let lists = [
        (RecipientType::To, &fields.to),
        (RecipientType::Cc, &fields.cc),
        (RecipientType::Bcc, &fields.bcc),
    ];
    let rows = lists.into_iter().flat_map(|(kind, mailboxes)| {
        mailboxes.iter().map(move |mailbox| {
            let mut row = properties_of_person(Some(mailbox), PersonTags::RECIPIENT);
            let kind = Value::Integer32(kind.number());
            row.push(ConvertedProperty::new(tags::PR_RECIPIENT_TYPE, kind));
            row
        })
    });
    rows.collect()
}

/// What the header says of the weight of the message (\[MS-OXCMAIL\] 2.2.3.2).
fn flags(fields: &Fields) -> Vec<ConvertedProperty> {
    const IMPORTANCE: [(&str, i32); 3] = [("low", 0), ("normal", 1), ("high", 2)];
    const X_PRIORITY: [(&str, i32); 5] = [("1", 2), ("2", 2), ("3", 1), ("4", 0), ("5", 0)];
    const PRIORITY: [(&str, i32); 3] = [("non-urgent", -1), ("normal", 0), ("urgent", 1)];
    const SENSITIVITY: [(&str, i32); 3] =
        [("personal", 1), ("private", 2), ("company-confidential", 3)];
    // A program may explain the value: `1 (Highest)`.
    let number = |field: &Option<String>, words: &[(&str, i32)]| {
        let word = field.as_deref()?.split_whitespace().next()?;
        words.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, number)| *number)
    };
    let importance = number(&fields.importance, &IMPORTANCE);
    let numbers = [
        (tags::PR_IMPORTANCE, importance.or_else(|| number(&fields.x_priority, &X_PRIORITY))),
        (tags::PR_PRIORITY, number(&fields.priority, &PRIORITY)),
        (tags::PR_SENSITIVITY, number(&fields.sensitivity, &SENSITIVITY)),
    ];
    let numbers = numbers.into_iter().filter_map(|(tag, number)| Some((tag, number?)));
    numbers.map(|(tag, number)| ConvertedProperty::new(tag, Value::Integer32(number))).collect()
}

fn reply_to(fields: &Fields) -> Vec<ConvertedProperty> {
    if fields.reply_to.is_empty() {
        return Vec::new();
    }
    let addresses = fields
        .reply_to
        .iter()
        .map(|Mailbox { name, address }| Address { name: name.clone(), address: address.clone() });
    let addresses: Vec<Address> = addresses.collect();
    // The names are in the entries.
    let entries = Value::Binary(flat_entry_list_of(&addresses));
    vec![ConvertedProperty::new(tags::PR_REPLY_RECIPIENT_ENTRIES, entries)]
}

fn attachment(part: Part) -> ConvertedAttachment {
    let Part { name, media_type, content_id, content_location, content, missing } = part;
    let name = match (&content, name) {
        (PartContent::Bytes(_), None) => Some(unnamed(&media_type).to_owned()),
        (_, name) => name,
    };
    let texts = [
        (tags::PR_ATTACH_LONG_FILENAME, name),
        (tags::PR_ATTACH_MIME_TAG, Some(media_type)),
        (tags::PR_ATTACH_CONTENT_ID, content_id),
        (tags::PR_ATTACH_CONTENT_LOCATION, content_location),
    ];
    let texts =
        texts.into_iter().filter_map(|(tag, text)| Some(ConvertedProperty::text(tag, text?)));
    let content = match content {
        PartContent::Bytes(bytes) => match missing {
            None => ConvertedContent::Bytes(bytes),
            Some(cause) => ConvertedContent::Start(bytes, format!("the part {cause}")),
        },
        PartContent::Message(entity) => ConvertedContent::Message(Box::new(message(*entity))),
    };
    ConvertedAttachment { properties: texts.collect(), content }
}

/// The name of a part that has none, with the usual extension of its type.
fn unnamed(media_type: &str) -> &'static str {
    match media_type {
        "text/plain" => "unnamed.txt",
        "text/html" => "unnamed.html",
        "text/calendar" => "unnamed.ics",
        "image/png" => "unnamed.png",
        "image/jpeg" => "unnamed.jpg",
        "image/gif" => "unnamed.gif",
        "application/pdf" => "unnamed.pdf",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime.p7m",
        "message/delivery-status" | "message/disposition-notification" => "unnamed.txt",
        _ => "unnamed",
    }
}
