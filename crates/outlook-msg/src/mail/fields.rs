//! The fields of a message: which properties the subject, the addresses and the times are made of.
//!
//! A value is taken as far as it can be read; what is damaged falls back as what is missing does.
//! Texts have LF line ends. Knows no body and no attachment.

use std::fmt;

use crate::imsg::{Address, MapiProp, Message, RecipientType};
use crate::mapi::{FileTime, PropertyTag, Value, tags};

use super::named::{PID_NAME_KEYWORDS, Values};
use super::text::unix_lines;

/// How important a message is to its sender (`PR_IMPORTANCE`, \[MS-OXCMSG\] 2.2.1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Importance {
    /// 0.
    Low,
    /// 1.
    Normal,
    /// 2.
    High,
    /// A number that stands for none.
    Other(i32),
}

impl From<i32> for Importance {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Low,
            1 => Self::Normal,
            2 => Self::High,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Importance {
    /// `low`, `normal`, `high`, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Low => f.write_str("low"),
            Self::Normal => f.write_str("normal"),
            Self::High => f.write_str("high"),
            Self::Other(number) => number.fmt(f),
        }
    }
}

/// The properties of the subject.
pub(super) const SUBJECT: [PropertyTag; 2] = [tags::PR_SUBJECT, tags::PR_NORMALIZED_SUBJECT];

/// The subject: `PR_SUBJECT`, else its prefix and its rest (\[MS-OXCMSG\] 2.2.1.46).
pub fn subject(message: &Message) -> Option<String> {
    let subject = message.text(tags::PR_SUBJECT).or_else(|| {
        let normalized = message.text(tags::PR_NORMALIZED_SUBJECT)?;
        Some(message.text(tags::PR_SUBJECT_PREFIX).unwrap_or_default() + &normalized)
    })?;
    // A message store keeps the length of the prefix in front of the text, behind a U+0001.
    let mut characters = subject.chars();
    let subject = match (characters.next(), characters.next()) {
        (Some('\u{1}'), Some(_)) => characters.as_str(),
        _ => &subject,
    };
    Some(unix_lines(subject))
}

/// The properties of who sent the message, and on whose behalf.
pub(super) const FROM: [PropertyTag; 6] = [
    tags::PR_SENT_REPRESENTING_NAME,
    tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
    tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
    tags::PR_SENDER_NAME,
    tags::PR_SENDER_EMAIL_ADDRESS,
    tags::PR_SENDER_SMTP_ADDRESS,
];
/// Those of the sender alone.
pub(super) const SENDER: [PropertyTag; 3] =
    [tags::PR_SENDER_NAME, tags::PR_SENDER_EMAIL_ADDRESS, tags::PR_SENDER_SMTP_ADDRESS];
/// The properties of a recipient.
pub(super) const RECIPIENT: [PropertyTag; 3] =
    [tags::PR_DISPLAY_NAME, tags::PR_EMAIL_ADDRESS, tags::PR_SMTP_ADDRESS];

/// On whose behalf the message was sent, else who sent it.
pub fn from(message: &Message) -> Option<Address> {
    Address::sent_representing(message).or_else(|| sender(message))
}

/// Who sent the message.
pub fn sender(message: &Message) -> Option<Address> {
    Address::sender(message)
}

/// The recipients of one type, in the order of the message.
pub fn recipients(message: &Message, wanted: RecipientType) -> Vec<Address> {
    Address::of_recipients(message, wanted)
}

/// Where replies go.
pub fn reply_to(message: &Message) -> Vec<Address> {
    Address::reply_to(message)
}

/// When the message was sent.
pub fn date(message: &Message) -> Option<FileTime> {
    time(message, tags::PR_CLIENT_SUBMIT_TIME)
}

/// When the message arrived.
pub fn received(message: &Message) -> Option<FileTime> {
    time(message, tags::PR_MESSAGE_DELIVERY_TIME)
}

/// The time that stands for the message: when it arrived, else when it was sent, else when it was
/// last changed.
pub fn message_time(message: &Message) -> Option<FileTime> {
    received(message)
        .or_else(|| date(message))
        .or_else(|| time(message, tags::PR_LAST_MODIFICATION_TIME))
}

/// The message class.
pub fn message_class(message: &Message) -> Option<String> {
    text(message, tags::PR_MESSAGE_CLASS)
}

/// The Message-ID.
pub fn message_id(message: &Message) -> Option<String> {
    // Folded headers leave blanks before it.
    Some(message.text(tags::PR_INTERNET_MESSAGE_ID)?.trim().to_owned())
}

/// The Message-ID of what the message answers.
pub fn in_reply_to(message: &Message) -> Option<String> {
    Some(message.text(tags::PR_IN_REPLY_TO_ID)?.trim().to_owned())
}

/// How important the message is.
pub fn importance(message: &Message) -> Option<Importance> {
    message.integer(tags::PR_IMPORTANCE).map(Importance::from)
}

/// The categories.
pub fn categories(message: &Message) -> Vec<String> {
    Values::new(message).texts(PID_NAME_KEYWORDS)
}

/// The header that the message came with.
pub fn headers(message: &Message) -> Option<String> {
    text(message, tags::PR_TRANSPORT_MESSAGE_HEADERS)
}

fn text(message: &Message, tag: PropertyTag) -> Option<String> {
    Some(unix_lines(&message.text(tag)?))
}

fn time(message: &Message, tag: PropertyTag) -> Option<FileTime> {
    match message.property(tag).ok()? {
        Value::Time(time) => Some(time).filter(|time| time.is_set()),
        _ => None,
    }
}
