//! The reader's view: the files of a message directory that people read.
//!
//! A new file is a variant of [`ReaderFile`], its name, and its text in [`ReaderFile::render`].

use crate::body::html::{Remote, Resolve};
use crate::imsg::{Address, MapiProp, Message, RecipientType};
use crate::mapi::{PropertyTag, tags};

use super::bodies::Bodies;
use super::text::{escaped, one_line, reader_line, unix_lines_of};
use super::{fields, ics, vcf};

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
            Self::EventIcs => ics::has_event(message),
            Self::TaskIcs => ics::has_task(message),
            Self::ContactVcf => vcf::exists(message),
            Self::Class => has(message, tags::PR_MESSAGE_CLASS),
            Self::Headers => has(message, tags::PR_TRANSPORT_MESSAGE_HEADERS),
            Self::Subject if fields::SUBJECT.into_iter().any(|tag| has(message, tag)) => true,
            Self::Subject
            | Self::From
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
        let line = |text: String| reader_line(&text);
        match self {
            Self::Subject => fields::subject(message).map(line),
            Self::From => addresses(fields::from(message).as_slice()),
            Self::Sender => addresses(fields::sender(message).as_slice()),
            Self::To => addresses(&fields::recipients(message, RecipientType::To)),
            Self::Cc => addresses(&fields::recipients(message, RecipientType::Cc)),
            Self::Bcc => addresses(&fields::recipients(message, RecipientType::Bcc)),
            Self::ReplyTo => addresses(&fields::reply_to(message)),
            Self::Date => fields::date(message).map(|time| line(time.to_string())),
            Self::Received => fields::received(message).map(|time| line(time.to_string())),
            Self::Class => fields::message_class(message).map(line),
            Self::MessageId => fields::message_id(message).map(line),
            Self::Importance => fields::importance(message).map(|one| line(one.to_string())),
            Self::Categories => lines(fields::categories(message).iter().map(|one| escaped(one))),
            Self::Headers => fields::headers(message).map(String::into_bytes),
            Self::BodyText | Self::BodyHtml | Self::BodyRtf => None,
            Self::EventIcs => ics::event(message),
            Self::TaskIcs => ics::task(message),
            Self::ContactVcf => vcf::render(message),
        }
    }

    /// The content of this body; `None` if the message has no such body, or this is none.
    pub fn render_body(
        self,
        bodies: &Bodies<'_>,
        resolve: Resolve<'_>,
        remote: Remote,
    ) -> Option<Vec<u8>> {
        match self {
            Self::BodyText => Some(unix_lines_of(bodies.text()?).into_bytes()),
            Self::BodyHtml => Some(bodies.html(resolve, remote)?.into_bytes()),
            Self::BodyRtf => bodies.rtf(),
            _ => None,
        }
    }
}

fn has(message: &Message, tag: PropertyTag) -> bool {
    message.property_set().is_ok_and(|(set, _)| set.find(tag).is_some())
}

/// One address a line, as `Name <address>`.
fn addresses(addresses: &[Address]) -> Option<Vec<u8>> {
    lines(addresses.iter().map(|one| one_line(&one.to_string())))
}

/// One value a line; `None` without any value.
fn lines(values: impl Iterator<Item = String>) -> Option<Vec<u8>> {
    let lines: String = values.map(|value| value + "\n").collect();
    (!lines.is_empty()).then(|| lines.into_bytes())
}
