//! Makes a message from a MIME entity.

use crate::body::mime_entity::{Entity, Fields, Mailbox, Part, PartContent};
use crate::imsg::{
    Address, ConvertedAttachment, ConvertedContent, ConvertedMessage, ConvertedProperty, Note,
    RecipientType, flat_entry_list_of,
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
    properties.extend(properties_of_person(fields.from.first(), SENT_REPRESENTING));
    properties.extend(properties_of_person(fields.sender.first().or(fields.from.first()), SENDER));
    properties.extend(reply_to(&fields));
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

/// The tags of name, address type, address and SMTP address of one person.
type WrittenPersonTags = [PropertyTag; 4];

const SENDER: WrittenPersonTags = [
    tags::PR_SENDER_NAME,
    tags::PR_SENDER_ADDRTYPE,
    tags::PR_SENDER_EMAIL_ADDRESS,
    tags::PR_SENDER_SMTP_ADDRESS,
];
const SENT_REPRESENTING: WrittenPersonTags = [
    tags::PR_SENT_REPRESENTING_NAME,
    tags::PR_SENT_REPRESENTING_ADDRTYPE,
    tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
    tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
];
const RECIPIENT: WrittenPersonTags =
    [tags::PR_DISPLAY_NAME, tags::PR_ADDRTYPE, tags::PR_EMAIL_ADDRESS, tags::PR_SMTP_ADDRESS];

fn properties_of_person(
    mailbox: Option<&Mailbox>,
    tags_of_person: WrittenPersonTags,
) -> Vec<ConvertedProperty> {
    let Some(Mailbox { name, address }) = mailbox else { return Vec::new() };
    let address_type = if address.is_empty() { "" } else { "SMTP" };
    let values = tags_of_person.into_iter().zip([name, address_type, address, address]);
    let values = values.filter(|(_, text)| !text.is_empty());
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
            let mut row = properties_of_person(Some(mailbox), RECIPIENT);
            let kind = Value::Integer32(kind.number());
            row.push(ConvertedProperty::new(tags::PR_RECIPIENT_TYPE, kind));
            row
        })
    });
    rows.collect()
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
    let Part { name, media_type, content_id, content_location, content } = part;
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
        PartContent::Bytes(bytes) => ConvertedContent::Bytes(bytes),
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
