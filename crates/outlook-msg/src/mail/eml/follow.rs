//! The header that a message came with follows the values that are edited: it is where other readers
//! look first, and a subject or an address that was edited away must not be found there.

use crate::imsg::{Address, Error, MapiProp as _, MapiPropMut as _, Message, RecipientType};
use crate::mapi::{PropertyTag, Value, tags};

use super::super::fields as values;
use super::addresses::{mailbox, mailboxes};
use super::encode::{fold, free_text};
use super::fields::split_field;
use super::properties::{message_ids, rfc_5322_time};

/// A field of a header that says what a property says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderField {
    Subject,
    /// The subject that the conversation began with.
    ThreadTopic,
    From,
    Sender,
    To,
    Cc,
    Bcc,
    ReplyTo,
    Date,
    MessageId,
}

/// The fields that a property is in, whatever its type. `from` is made of the sender where there is
/// nothing else, so that both fields follow that.
pub fn fields_of(tag: PropertyTag) -> &'static [HeaderField] {
    use HeaderField as Field;
    let one_of = |tags: &[PropertyTag]| tags.iter().any(|known| known.id() == tag.id());
    match tag {
        _ if one_of(&[tags::PR_SUBJECT]) => &[Field::Subject, Field::ThreadTopic],
        _ if one_of(&[tags::PR_CONVERSATION_TOPIC]) => &[Field::ThreadTopic],
        _ if one_of(&[
            tags::PR_SENT_REPRESENTING_NAME,
            tags::PR_SENT_REPRESENTING_ADDRTYPE,
            tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
            tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
            tags::PR_SENT_REPRESENTING_ENTRYID,
        ]) =>
        {
            &[Field::From]
        }
        _ if one_of(&[
            tags::PR_SENDER_NAME,
            tags::PR_SENDER_ADDRTYPE,
            tags::PR_SENDER_EMAIL_ADDRESS,
            tags::PR_SENDER_SMTP_ADDRESS,
            tags::PR_SENDER_ENTRYID,
        ]) =>
        {
            &[Field::Sender, Field::From]
        }
        _ if one_of(&[tags::PR_REPLY_RECIPIENT_ENTRIES, tags::PR_REPLY_RECIPIENT_NAMES]) => {
            &[Field::ReplyTo]
        }
        _ if one_of(&[tags::PR_CLIENT_SUBMIT_TIME]) => &[Field::Date],
        _ if one_of(&[tags::PR_INTERNET_MESSAGE_ID]) => &[Field::MessageId],
        _ => &[],
    }
}

/// Makes fields of the header that the message came with say what its properties say now. A field
/// that the header does not have is not added.
///
/// # Errors
/// Where the message refuses.
pub fn follow(message: &Message, fields: &[HeaderField]) -> Result<(), Error> {
    let Some(header) = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS) else { return Ok(()) };
    if !fields.iter().any(|field| has_field(&header, field.name())) {
        return Ok(());
    }
    // Without the old fields first, for a value that is missing is taken from them.
    let without = fields.iter().fold(header.clone(), |header, field| replaced(&header, *field, ""));
    put(message, without)?;
    let with = fields.iter().fold(header, |header, field| {
        let value = field.value(message).unwrap_or_default();
        replaced(&header, *field, &value)
    });
    put(message, with)
}

fn put(message: &Message, header: String) -> Result<(), Error> {
    let set =
        |header| message.set_property(tags::PR_TRANSPORT_MESSAGE_HEADERS, &Value::String(header));
    match set(header.clone()) {
        // What the page of an 8-bit message lacks was a guess, or damage.
        Err(Error::Unmappable { .. }) => {
            set(header.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect())
        }
        outcome => outcome,
    }
}

impl HeaderField {
    const fn name(self) -> &'static str {
        match self {
            Self::Subject => "Subject",
            Self::ThreadTopic => "Thread-Topic",
            Self::From => "From",
            Self::Sender => "Sender",
            Self::To => "To",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
            Self::ReplyTo => "Reply-To",
            Self::Date => "Date",
            Self::MessageId => "Message-ID",
        }
    }

    /// What the properties of a message say, encoded.
    fn value(self, message: &Message) -> Option<String> {
        let text = |text: String| free_text(self.name(), &text);
        let recipients = |wanted| mailboxes(&Address::of_recipients(message, wanted));
        Some(match self {
            Self::Subject => text(values::subject(message)?),
            Self::ThreadTopic => text(
                message
                    .text(tags::PR_CONVERSATION_TOPIC)
                    .or_else(|| message.text(tags::PR_NORMALIZED_SUBJECT))?,
            ),
            Self::From => mailbox(&values::from(message)?),
            Self::Sender => mailbox(&values::sender(message)?),
            Self::To => recipients(RecipientType::To),
            Self::Cc => recipients(RecipientType::Cc),
            Self::Bcc => recipients(RecipientType::Bcc),
            Self::ReplyTo => mailboxes(&values::reply_to(message)),
            Self::Date => rfc_5322_time(values::date(message)?)?,
            Self::MessageId => message_ids(self.name(), &values::message_id(message)?),
        })
    }
}

/// The lines of a header, each with whether it begins a field of this name, continues one, or
/// neither. What comes behind the first empty line is no header.
fn lines<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, Line)> {
    let mut state = Line::Other;
    let mut is_over = false;
    header.split_inclusive('\n').map(move |line| {
        is_over |= line.trim_end_matches(['\r', '\n']).is_empty() && state != Line::Other;
        let is_first = !line.starts_with([' ', '\t']);
        state = match split_field(line) {
            _ if is_over => Line::Behind,
            Some((found, _)) if is_first && found.eq_ignore_ascii_case(name) => Line::First,
            Some(_) if is_first => Line::Field,
            // A line that is none of a field continues the one before it.
            _ => match state {
                Line::First | Line::Continued => Line::Continued,
                other => other,
            },
        };
        (line, state)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The first line of a field that is meant.
    First,
    /// Another one of it.
    Continued,
    /// A line of another field.
    Field,
    /// Before the first field.
    Other,
    /// Behind the header.
    Behind,
}

fn has_field(header: &str, name: &str) -> bool {
    lines(header, name).any(|(_, line)| line == Line::First)
}

/// A header whose first field of a name has another value; the others of the name go, and all of
/// them if there is no value.
fn replaced(header: &str, field: HeaderField, value: &str) -> String {
    let name = field.name();
    let mut value = Some(value).filter(|value| !value.is_empty());
    let mut made = String::with_capacity(header.len());
    for (line, kind) in lines(header, name) {
        match kind {
            Line::First => {
                if let Some(value) = value.take() {
                    made.push_str(&fold(name, value));
                }
            }
            Line::Continued => {}
            Line::Field | Line::Other | Line::Behind => made.push_str(line),
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
