//! Updates the transport header when a value is edited. Other programs read the header first, so it
//! must not keep the old subject or address.

use crate::body::header::HeaderLine;
use crate::imsg::{
    Address, Error, HeaderField, MapiProp as _, MapiPropMut as _, Message, PersonTags,
    RecipientType,
};
use crate::mail::values::fields as values;
use crate::mapi::{PropertyTag, Value, tags};

use super::addresses::{mailbox, mailboxes};
use super::encode::{fold, free_text};
use super::properties::{message_ids, rfc_5322_time};

/// The header fields with the same meaning as a property; the type of the tag does not matter. A
/// message without another author is from its sender, so both fields depend on the properties of
/// the sender.
pub fn fields_of(tag: PropertyTag) -> &'static [HeaderField] {
    use HeaderField as Field;
    let one_of = |tags: &[PropertyTag]| tags.iter().any(|known| known.id() == tag.id());
    match tag {
        _ if one_of(&[tags::PR_SUBJECT]) => &[Field::Subject, Field::ThreadTopic],
        _ if one_of(&[tags::PR_CONVERSATION_TOPIC]) => &[Field::ThreadTopic],
        _ if one_of(&PersonTags::SENT_REPRESENTING.all()) => &[Field::From],
        _ if one_of(&PersonTags::SENDER.all()) => &[Field::Sender, Field::From],
        _ if one_of(&[tags::PR_REPLY_RECIPIENT_ENTRIES, tags::PR_REPLY_RECIPIENT_NAMES]) => {
            &[Field::ReplyTo]
        }
        _ if one_of(&[tags::PR_CLIENT_SUBMIT_TIME]) => &[Field::Date],
        _ if one_of(&[tags::PR_INTERNET_MESSAGE_ID]) => &[Field::MessageId],
        _ => &[],
    }
}

/// Sets these fields of the transport header to the present values of the properties. A field that
/// the header does not have is not added.
///
/// # Errors
/// If the message refuses the edit.
pub fn update_transport_header(message: &Message, fields: &[HeaderField]) -> Result<(), Error> {
    let Some(header) = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS) else { return Ok(()) };
    if !fields.iter().any(|field| has_field(&header, field.name())) {
        return Ok(());
    }
    // The old fields are removed first; otherwise the getters below would take a missing value from
    // them.
    let without = fields.iter().fold(header.clone(), |header, field| replaced(&header, *field, ""));
    put(message, without)?;
    let with = fields.iter().fold(header, |header, field| {
        let value = value(*field, message).unwrap_or_default();
        replaced(&header, *field, &value)
    });
    put(message, with)
}

fn put(message: &Message, header: String) -> Result<(), Error> {
    let set =
        |header| message.set_property(tags::PR_TRANSPORT_MESSAGE_HEADERS, &Value::String(header));
    match set(header.clone()) {
        // A character that the code page lacks can only come from a wrong guess or from damage.
        Err(Error::Unmappable { .. }) => {
            set(header.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect())
        }
        outcome => outcome,
    }
}

/// The encoded value of a field, from the properties; `None` if they have no value.
fn value(field: HeaderField, message: &Message) -> Option<String> {
    let text = |text: String| free_text(field.name(), &text);
    let recipients = |wanted| mailboxes(&Address::of_recipients(message, wanted));
    Some(match field {
        HeaderField::Subject => text(values::subject(message)?),
        HeaderField::ThreadTopic => text(
            message
                .text(tags::PR_CONVERSATION_TOPIC)
                .or_else(|| message.text(tags::PR_NORMALIZED_SUBJECT))?,
        ),
        HeaderField::From => mailbox(&values::from(message)?),
        HeaderField::Sender => mailbox(&values::sender(message)?),
        HeaderField::To => recipients(RecipientType::To),
        HeaderField::Cc => recipients(RecipientType::Cc),
        HeaderField::Bcc => recipients(RecipientType::Bcc),
        HeaderField::ReplyTo => mailboxes(&values::reply_to(message)),
        HeaderField::Date => rfc_5322_time(values::date(message)?)?,
        HeaderField::MessageId => message_ids(field.name(), &values::message_id(message)?),
        HeaderField::InReplyTo => message_ids(field.name(), &values::in_reply_to(message)?),
        HeaderField::References => {
            message_ids(field.name(), &values::references(message).join(" "))
        }
        HeaderField::Received => return None,
    })
}

/// The lines of a header, each with its relation to the fields of this name.
fn lines<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, FieldLine)> {
    let mut state = FieldLine::BeforeFields;
    header.split_inclusive('\n').map(move |line| {
        state = match (state, HeaderLine::of(line)) {
            (FieldLine::AfterHeader, _) => FieldLine::AfterHeader,
            (FieldLine::BeforeFields, HeaderLine::Empty) => FieldLine::BeforeFields,
            (_, HeaderLine::Empty) => FieldLine::AfterHeader,
            (_, HeaderLine::Field(found, _)) if found.eq_ignore_ascii_case(name) => {
                FieldLine::First
            }
            (_, HeaderLine::Field(..)) => FieldLine::OtherField,
            // A stray line belongs to the field before it.
            (FieldLine::First, _) => FieldLine::Continued,
            (state, _) => state,
        };
        (line, state)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldLine {
    BeforeFields,
    /// The first line of a field of this name.
    First,
    /// A further line of such a field.
    Continued,
    OtherField,
    AfterHeader,
}

fn has_field(header: &str, name: &str) -> bool {
    lines(header, name).any(|(_, line)| line == FieldLine::First)
}

/// A header in which the first field of this name has the value `value`, and further fields of this
/// name are removed. If the value is empty, all of them are removed.
fn replaced(header: &str, field: HeaderField, value: &str) -> String {
    let name = field.name();
    let mut value = Some(value).filter(|value| !value.is_empty());
    let mut made = String::with_capacity(header.len());
    for (line, kind) in lines(header, name) {
        match kind {
            FieldLine::First => {
                if let Some(value) = value.take() {
                    made.push_str(&fold(name, value));
                }
            }
            FieldLine::Continued => {}
            FieldLine::BeforeFields | FieldLine::OtherField | FieldLine::AfterHeader => {
                made.push_str(line)
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{HeaderField, has_field, replaced};

    const HEADER: &str = "Received: by x\r\nSUBJECT : Old\r\n offer\r\nrest of it\r\nTo: a@b.cc\r\n\
        Subject: Older\r\n\r\nSubject: in the body\r\n";

    #[test]
    fn a_field_is_replaced_with_its_lines() {
        let made = replaced(HEADER, HeaderField::Subject, "New");
        let expected =
            "Received: by x\r\nSubject: New\r\nTo: a@b.cc\r\n\r\nSubject: in the body\r\n";
        assert_eq!(made, expected);
        let made = replaced(HEADER, HeaderField::Subject, "");
        assert_eq!(made, "Received: by x\r\nTo: a@b.cc\r\n\r\nSubject: in the body\r\n");
        assert_eq!(replaced(HEADER, HeaderField::Cc, "x@y.zz"), HEADER);
        assert!(has_field(HEADER, "to") && !has_field(HEADER, "Date"));
    }

    #[test]
    fn line_ends_and_first_lines_stay() {
        let header = "Microsoft Mail Internet Headers Version 2.0\nTo: a@b.cc\nDate: x";
        let made = replaced(header, HeaderField::Date, "y");
        assert_eq!(made, "Microsoft Mail Internet Headers Version 2.0\nTo: a@b.cc\nDate: y\r\n");
    }
}
