//! The fields of a message: decides from which properties the subject, the addresses and the times
//! come.
//!
//! If a value is damaged, the part that can be read is used. If nothing can be read, the next
//! property is used, as if the first one were missing, and last of all the transport header. Texts
//! have LF line ends. Knows no body and no attachment.

use std::fmt;

use crate::imsg::structures::voting_options;
use crate::imsg::{
    Address, HeaderField, MapiProp, Message, PersonTags, RecipientType, TransportHeaders,
};
use crate::mapi::{FileTime, Guid, PropertyTag, Value, tags};

use super::named::{NamedKey, PID_NAME_KEYWORDS, Values, lid};
use super::text::unix_lines;

/// The importance that the sender gave to a message (`PR_IMPORTANCE`, \[MS-OXCMSG\] 2.2.1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Importance {
    /// 0.
    Low,
    /// 1.
    Normal,
    /// 2.
    High,
    /// Any other number; the specification gives it no meaning.
    Other(i32),
}

/// A conversation (\[MS-OXOMSG\] 2.2.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conversation {
    /// The subject of all its messages, without prefixes such as `Re:`.
    pub topic: Option<String>,
    /// The part of `PR_CONVERSATION_INDEX` that is the same in all its messages.
    pub id: Option<Guid>,
    /// `PR_CONVERSATION_INDEX`: the id, and the place of the message in the conversation.
    pub index: Option<Vec<u8>>,
}

/// The flags of a message (`PR_MESSAGE_FLAGS`, \[MS-OXCMSG\] 2.2.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageFlags(pub i32);

impl MessageFlags {
    /// Whether somebody has read the message (`MSGFLAG_READ`).
    ///
    /// ```
    /// # use outlook_msg::mail::MessageFlags;
    /// assert!(MessageFlags(1).is_read());
    /// ```
    #[must_use]
    pub const fn is_read(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether the message is a draft (`MSGFLAG_UNSENT`).
    ///
    /// ```
    /// # use outlook_msg::mail::MessageFlags;
    /// assert!(MessageFlags(8).is_unsent());
    /// ```
    #[must_use]
    pub const fn is_unsent(self) -> bool {
        self.0 & 8 != 0
    }

    /// Whether the message was submitted for sending (`MSGFLAG_SUBMIT`).
    ///
    /// ```
    /// # use outlook_msg::mail::MessageFlags;
    /// assert!(MessageFlags(4).is_submitted());
    /// ```
    #[must_use]
    pub const fn is_submitted(self) -> bool {
        self.0 & 4 != 0
    }

    /// Whether the owner of the mailbox sent the message (`MSGFLAG_FROMME`).
    ///
    /// ```
    /// # use outlook_msg::mail::MessageFlags;
    /// assert!(MessageFlags(0x20).is_from_me());
    /// ```
    #[must_use]
    pub const fn is_from_me(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// A vote: the options that a message offers, or the option that a reply has chosen (\[MS-OXOMSG\]
/// 2.2.1.74, 2.2.1.75).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Voting {
    /// The options to choose from.
    pub options: Vec<String>,
    /// The option that was chosen.
    pub response: Option<String>,
}

/// Reactions to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reactions {
    /// How many there are.
    pub count: u32,
    /// The reaction of the owner of the mailbox, such as `like`.
    pub own: Option<String>,
}

/// The property set of reactions.
const PSETID_MESSAGING: Guid = Guid::from_u128(0x41F28F13_83F4_4114_A584_EEDB5A6B0BFF);
const REACTIONS_COUNT: NamedKey = NamedKey::Name(PSETID_MESSAGING, "ReactionsCount");
const OWNER_REACTION_TYPE: NamedKey = NamedKey::Name(PSETID_MESSAGING, "OwnerReactionType");

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

/// A message store (`.pst`) puts this character and one for the length of the prefix before a
/// subject. Both are no part of the text.
pub const PREFIX_MARK: char = '\u{1}';

/// The properties of the subject.
pub const SUBJECT: [PropertyTag; 2] = [tags::PR_SUBJECT, tags::PR_NORMALIZED_SUBJECT];

/// The subject: `PR_SUBJECT`, else prefix and normalized subject (\[MS-OXCMSG\] 2.2.1.46).
pub fn subject(message: &Message) -> Option<String> {
    let subject = message.text(tags::PR_SUBJECT).or_else(|| {
        let normalized = message.text(tags::PR_NORMALIZED_SUBJECT)?;
        Some(message.text(tags::PR_SUBJECT_PREFIX).unwrap_or_default() + &normalized)
    });
    let subject = subject.or_else(|| of_header(message, TransportHeaders::subject))?;
    let mut characters = subject.chars();
    let subject = match (characters.next(), characters.next()) {
        (Some(PREFIX_MARK), Some(_)) => characters.as_str(),
        _ => &subject,
    };
    Some(unix_lines(subject))
}

/// The properties of the person on whose behalf the message was sent, and of the sender.
pub(in crate::mail) const FROM: [PropertyTag; 6] = {
    let [name, address, smtp_address] = PersonTags::SENT_REPRESENTING.shown();
    let [sender_name, sender_address, sender_smtp_address] = SENDER;
    [name, address, smtp_address, sender_name, sender_address, sender_smtp_address]
};
/// The properties of the sender alone.
pub(in crate::mail) const SENDER: [PropertyTag; 3] = PersonTags::SENDER.shown();
/// The properties of a recipient.
pub(in crate::mail) const RECIPIENT: [PropertyTag; 3] = PersonTags::RECIPIENT.shown();

/// The person on whose behalf the message was sent, else the sender.
pub fn from(message: &Message) -> Option<Address> {
    Address::sent_representing(message)
        .or_else(|| Address::sender(message))
        .or_else(|| of_field(message, HeaderField::From).into_iter().next())
}

/// The sender.
pub fn sender(message: &Message) -> Option<Address> {
    Address::sender(message).or_else(|| of_field(message, HeaderField::Sender).into_iter().next())
}

/// The recipients of one type, in the order of the message.
pub fn recipients(message: &Message, wanted: RecipientType) -> Vec<Address> {
    let recipients = Address::of_recipients(message, wanted);
    let field = match wanted {
        RecipientType::To => HeaderField::To,
        RecipientType::Cc => HeaderField::Cc,
        RecipientType::Originator | RecipientType::Bcc => return recipients,
    };
    if recipients.is_empty() { of_field(message, field) } else { recipients }
}

/// The addresses that replies go to.
pub fn reply_to(message: &Message) -> Vec<Address> {
    let reply_to = Address::reply_to(message);
    if reply_to.is_empty() { of_field(message, HeaderField::ReplyTo) } else { reply_to }
}

/// When the message was sent.
pub fn date(message: &Message) -> Option<FileTime> {
    time(message, tags::PR_CLIENT_SUBMIT_TIME)
        .or_else(|| of_header(message, TransportHeaders::date))
}

/// When the message arrived.
pub fn received(message: &Message) -> Option<FileTime> {
    time(message, tags::PR_MESSAGE_DELIVERY_TIME)
        .or_else(|| of_header(message, TransportHeaders::received))
}

/// The time by which a message is sorted: when it arrived, else when it was sent, else when it was
/// last changed.
pub fn message_time(message: &Message) -> Option<FileTime> {
    received(message).or_else(|| date(message)).or_else(|| modified(message))
}

/// The message class.
pub fn message_class(message: &Message) -> Option<String> {
    text(message, tags::PR_MESSAGE_CLASS)
}

/// The Message-ID.
pub fn message_id(message: &Message) -> Option<String> {
    // A blank before the id is left over from a folded header.
    let id = message.text(tags::PR_INTERNET_MESSAGE_ID).map(|id| id.trim().to_owned());
    id.or_else(|| of_header(message, |header| header.message_id().map(str::to_owned)))
}

/// The Message-ID of the message that this one answers.
pub fn in_reply_to(message: &Message) -> Option<String> {
    let id = message.text(tags::PR_IN_REPLY_TO_ID).map(|id| id.trim().to_owned());
    id.or_else(|| of_header(message, |header| header.in_reply_to().map(str::to_owned)))
}

/// The Message-IDs of the thread that this message answers, the oldest first.
pub fn references(message: &Message) -> Vec<String> {
    let stored = message.text(tags::PR_INTERNET_REFERENCES).filter(|ids| !ids.trim().is_empty());
    let ids = stored
        .or_else(|| of_header(message, |header| header.references().map(str::to_owned)))
        .unwrap_or_default();
    // Some programs write no blank between two ids.
    ids.replace("><", "> <").split_whitespace().map(str::to_owned).collect()
}

/// When the message was made.
pub fn created(message: &Message) -> Option<FileTime> {
    time(message, tags::PR_CREATION_TIME)
}

/// When the message was last changed.
pub fn modified(message: &Message) -> Option<FileTime> {
    time(message, tags::PR_LAST_MODIFICATION_TIME)
}

/// How important the message is.
pub fn importance(message: &Message) -> Option<Importance> {
    message.integer(tags::PR_IMPORTANCE).map(Importance::from)
}

/// The categories.
pub fn categories(message: &Message) -> Vec<String> {
    Values::new(message).texts(PID_NAME_KEYWORDS)
}

/// The conversation that the message is part of.
pub fn conversation(message: &Message) -> Option<Conversation> {
    let topic = text(message, tags::PR_CONVERSATION_TOPIC);
    let index = Values::new(message).binary(tags::PR_CONVERSATION_INDEX);
    // The index begins with a byte 1 and five bytes of a time; then comes the id (\[MS-OXOMSG\]
    // 2.2.1.3).
    let id = index.as_ref().and_then(|index| index.get(6..22)?.try_into().ok()).map(Guid);
    (topic.is_some() || index.is_some()).then_some(Conversation { topic, id, index })
}

/// The flags: whether it was read or sent, or is a draft.
pub fn flags(message: &Message) -> Option<MessageFlags> {
    message.integer(tags::PR_MESSAGE_FLAGS).map(MessageFlags)
}

/// The voting options that the message offers, and the option that it chooses.
pub fn voting(message: &Message) -> Option<Voting> {
    let values = Values::new(message);
    let (_, strings) = message.property_set().ok()?;
    let options = values.binary(lid::VERB_STREAM);
    let options = options.and_then(|bytes| voting_options(&bytes, strings.code_page()));
    let (options, response) = (options.unwrap_or_default(), values.text(lid::VERB_RESPONSE));
    (!options.is_empty() || response.is_some()).then_some(Voting { options, response })
}

/// The reactions to the message, if it was saved with them.
pub fn reactions(message: &Message) -> Option<Reactions> {
    let values = Values::new(message);
    let count = values.integer(REACTIONS_COUNT).and_then(|count| u32::try_from(count).ok());
    let own = values.text(OWNER_REACTION_TYPE);
    let count = count.filter(|count| *count > 0);
    (count.is_some() || own.is_some()).then_some(Reactions { count: count.unwrap_or(0), own })
}

/// The transport header.
pub fn headers(message: &Message) -> Option<String> {
    text(message, tags::PR_TRANSPORT_MESSAGE_HEADERS)
}

fn of_header<T>(
    message: &Message,
    value: impl FnOnce(&TransportHeaders) -> Option<T>,
) -> Option<T> {
    value(&*message.transport_headers().ok()?)
}

fn of_field(message: &Message, field: HeaderField) -> Vec<Address> {
    of_header(message, |header| Some(header.addresses(field))).unwrap_or_default()
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
