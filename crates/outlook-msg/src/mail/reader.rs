//! The reader's view: the files of a message directory that people read.
//!
//! A new file is a variant of [`ReaderFile`], its name, and its text in [`ReaderFile::render`].

use crate::imsg::{Address, MapiProp, Message, RecipientType};
use crate::mapi::{FileTime, PropertyTag, PropertyType, Value, tags};

use super::bodies::{Bodies, Resolve};
use super::named::{PID_NAME_KEYWORDS, Values};
use super::text::{line, one_line, reader_line, unix_lines};
use super::{ics, vcf};

/// A file of the reader's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderFile {
    Subject,
    From,
    Sender,
    To,
    Cc,
    Bcc,
    ReplyTo,
    Date,
    Received,
    Class,
    MessageId,
    Importance,
    Categories,
    Headers,
    BodyText,
    BodyHtml,
    BodyRtf,
    EventIcs,
    TaskIcs,
    ContactVcf,
}

impl ReaderFile {
    /// Every file, in the order of a listing. Inode numbers follow from it: add at the end.
    pub const ALL: [Self; 20] = [
        Self::Subject,
        Self::From,
        Self::Sender,
        Self::To,
        Self::Cc,
        Self::Bcc,
        Self::ReplyTo,
        Self::Date,
        Self::Received,
        Self::Class,
        Self::MessageId,
        Self::Importance,
        Self::Categories,
        Self::Headers,
        Self::BodyText,
        Self::BodyHtml,
        Self::BodyRtf,
        Self::EventIcs,
        Self::TaskIcs,
        Self::ContactVcf,
    ];
    /// The bodies, which are made of one another.
    pub const BODIES: [Self; 3] = [Self::BodyText, Self::BodyHtml, Self::BodyRtf];
    pub const COUNT: usize = Self::ALL.len();

    pub const fn index(self) -> u32 {
        self as u32
    }

    pub fn from_index(index: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(index).ok()?).copied()
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::From => "from",
            Self::Sender => "sender",
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
            Self::ReplyTo => "reply-to",
            Self::Date => "date",
            Self::Received => "received",
            Self::Class => "class",
            Self::MessageId => "message-id",
            Self::Importance => "importance",
            Self::Categories => "categories",
            Self::Headers => "headers",
            Self::BodyText => "body.txt",
            Self::BodyHtml => "body.html",
            Self::BodyRtf => "body.rtf",
            Self::EventIcs => "event.ics",
            Self::TaskIcs => "task.ics",
            Self::ContactVcf => "contact.vcf",
        }
    }

    /// Whether it is one of the bodies.
    pub const fn is_body(self) -> bool {
        matches!(self, Self::BodyText | Self::BodyHtml | Self::BodyRtf)
    }

    /// Whether a text can be set as its value.
    pub const fn is_settable(self) -> bool {
        !matches!(self, Self::EventIcs | Self::TaskIcs | Self::ContactVcf)
    }

    /// Whether the message has this file, without making a body; `None` if only its making tells.
    pub fn exists(self, message: &Message) -> Option<bool> {
        Some(match self {
            Self::BodyText => Bodies::new(message).has_text(),
            Self::BodyHtml => Bodies::new(message).has_html(),
            Self::BodyRtf => Bodies::new(message).has_rtf(),
            Self::Subject => {
                has(message, tags::PR_SUBJECT) || has(message, tags::PR_NORMALIZED_SUBJECT)
            }
            Self::EventIcs => ics::has_event(message),
            Self::TaskIcs => ics::has_task(message),
            Self::ContactVcf => vcf::exists(message),
            Self::Class => has(message, tags::PR_MESSAGE_CLASS),
            Self::Headers => has(message, tags::PR_TRANSPORT_MESSAGE_HEADERS),
            Self::From
            | Self::Sender
            | Self::To
            | Self::Cc
            | Self::Bcc
            | Self::ReplyTo
            | Self::Date
            | Self::Received
            | Self::MessageId
            | Self::Importance
            | Self::Categories => return None,
        })
    }

    /// Whether this file is made from much more than its own text.
    pub fn is_costly(self, message: &Message) -> bool {
        match self {
            Self::BodyText => !Bodies::new(message).has_stored_text(),
            Self::BodyHtml | Self::BodyRtf => true,
            Self::EventIcs | Self::TaskIcs | Self::ContactVcf => true,
            _ => false,
        }
    }

    /// The content of this file; `None` if the message has no such value, or this is a body.
    pub fn render(self, message: &Message) -> Option<Vec<u8>> {
        match self {
            Self::Subject => Some(reader_line(&subject(message)?)),
            Self::From => addresses(
                Address::sent_representing(message).or_else(|| Address::sender(message)).as_slice(),
            ),
            Self::Sender => addresses(Address::sender(message).as_slice()),
            Self::To => recipients(message, RecipientType::To),
            Self::Cc => recipients(message, RecipientType::Cc),
            Self::Bcc => recipients(message, RecipientType::Bcc),
            Self::ReplyTo => addresses(&Address::reply_to(message)),
            Self::Date => time(message, tags::PR_CLIENT_SUBMIT_TIME),
            Self::Received => time(message, tags::PR_MESSAGE_DELIVERY_TIME),
            Self::Class => text(message, tags::PR_MESSAGE_CLASS),
            Self::MessageId => {
                // Folded headers leave blanks before it.
                Some(reader_line(message.text(tags::PR_INTERNET_MESSAGE_ID)?.trim()))
            }
            Self::Importance => importance(message),
            Self::Categories => categories(message),
            Self::Headers => {
                let headers = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS)?;
                Some(unix_lines(&headers).into_bytes())
            }
            Self::BodyText | Self::BodyHtml | Self::BodyRtf => None,
            Self::EventIcs => ics::event(message),
            Self::TaskIcs => ics::task(message),
            Self::ContactVcf => vcf::render(message),
        }
    }

    /// The content of this body; `None` if the message has no such body, or this is none.
    pub fn render_body(self, bodies: &Bodies<'_>, resolve: Resolve<'_>) -> Option<Vec<u8>> {
        match self {
            Self::BodyText => Some(unix_lines(&bodies.text()?).into_bytes()),
            Self::BodyHtml => Some(bodies.html(resolve)?.into_bytes()),
            Self::BodyRtf => bodies.rtf(),
            _ => None,
        }
    }
}

/// The subject: `PR_SUBJECT`, else its prefix and its rest (\[MS-OXCMSG\] 2.2.1.46).
pub fn subject(message: &Message) -> Option<String> {
    let subject = message.text(tags::PR_SUBJECT).or_else(|| {
        let normalized = message.text(tags::PR_NORMALIZED_SUBJECT)?;
        Some(message.text(tags::PR_SUBJECT_PREFIX).unwrap_or_default() + &normalized)
    })?;
    // A message store keeps the length of the prefix in front of the text, behind a U+0001.
    let mut characters = subject.chars();
    match (characters.next(), characters.next()) {
        (Some('\u{1}'), Some(_)) => Some(characters.as_str().to_owned()),
        _ => Some(subject),
    }
}

/// The time that the files of a message carry.
pub fn message_time(message: &Message) -> Option<FileTime> {
    let times = [
        tags::PR_MESSAGE_DELIVERY_TIME,
        tags::PR_CLIENT_SUBMIT_TIME,
        tags::PR_LAST_MODIFICATION_TIME,
    ];
    times.into_iter().find_map(|tag| set_time(message, tag))
}

fn has(message: &Message, tag: PropertyTag) -> bool {
    message.property_set().is_ok_and(|(set, _)| set.find(tag).is_some())
}

fn text(message: &Message, tag: PropertyTag) -> Option<Vec<u8>> {
    Some(reader_line(&message.text(tag)?))
}

fn recipients(message: &Message, wanted: RecipientType) -> Option<Vec<u8>> {
    addresses(&Address::of_recipients(message, wanted))
}

/// One address a line, as `Name <address>`.
fn addresses(addresses: &[Address]) -> Option<Vec<u8>> {
    let lines: String = addresses.iter().map(|one| one_line(&one.to_string()) + "\n").collect();
    (!lines.is_empty()).then(|| lines.into_bytes())
}

fn set_time(message: &Message, tag: PropertyTag) -> Option<FileTime> {
    match message.property(tag).ok()? {
        Value::Time(time) => Some(time).filter(|time| time.is_set()),
        _ => None,
    }
}

fn time(message: &Message, tag: PropertyTag) -> Option<Vec<u8>> {
    Some(reader_line(&set_time(message, tag)?.to_string()))
}

/// `PR_IMPORTANCE` (\[MS-OXCMSG\] 2.2.1.11); a value out of range is shown as its number.
fn importance(message: &Message) -> Option<Vec<u8>> {
    let number = message.integer(tags::PR_IMPORTANCE)?;
    let name = match number {
        0 => "low",
        1 => "normal",
        2 => "high",
        other => return Some(reader_line(&other.to_string())),
    };
    Some(reader_line(name))
}

/// The categories (PidNameKeywords, \[MS-OXCMSG\] 2.2.1.17), one a line.
fn categories(message: &Message) -> Option<Vec<u8>> {
    let value = Values::new(message).value(PID_NAME_KEYWORDS, PropertyType::MULTIPLE_STRING);
    let Value::Multiple(values) = value? else { return None };
    let lines: String = values.iter().map(|value| line(value) + "\n").collect();
    (!lines.is_empty()).then(|| lines.into_bytes())
}
