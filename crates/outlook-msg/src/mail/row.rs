//! A message as one row: what tables, indexes and `jq` want of it, without the bodies.
//!
//! The row is the JSON of `msgfs find --json`, `ls --json` and `show --json`, and the dictionary
//! of Python's `to_dict`. Within a version of [`SCHEMA`] keys are only added. A value that the
//! message does not have, or that cannot be read, is null; of a list, empty. What cannot be read
//! is in `defects`.

use std::io::Read as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::imsg::{Address, Defect, Note};
use crate::mapi::FileTime;

use super::attachment::Attachment;
use super::error::Error;
use super::fields::{Importance, MessageFlags};
use super::opened::Mail;

/// The version of the shape of [`Row`].
pub const SCHEMA: u32 = 1;

/// A message as one row.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Where the message is; U+FFFD stands for what is no UTF-8.
    pub path: String,
    /// The path as it is, if that is no UTF-8: its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<Vec<u8>>,
    /// The path of the message that it is embedded in.
    pub parent: Option<String>,
    /// The `Message-ID`.
    pub message_id: Option<String>,
    /// The `Message-ID` of what it answers.
    pub in_reply_to: Option<String>,
    /// The topic of its conversation (`PR_CONVERSATION_TOPIC`).
    pub conversation: Option<String>,
    /// The message class.
    pub class: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// On whose behalf it was sent, else who sent it.
    pub from: Option<RowAddress>,
    /// Who sent it.
    pub sender: Option<RowAddress>,
    /// To whom it was sent.
    pub to: Vec<RowAddress>,
    /// To whom copies were sent.
    pub cc: Vec<RowAddress>,
    /// To whom copies were sent without the others knowing.
    pub bcc: Vec<RowAddress>,
    /// Where replies go.
    pub reply_to: Vec<RowAddress>,
    /// When it was sent: RFC 3339 in UTC, to the microsecond.
    pub sent: Option<String>,
    /// When it arrived, likewise. Neither time stands in for the other.
    pub received: Option<String>,
    /// `low`, `normal` or `high`.
    pub importance: Option<String>,
    /// The categories.
    pub categories: Vec<String>,
    /// The size of the message's file in bytes; of an embedded message, of the file it would be.
    pub size: Option<u64>,
    /// The names of the bits set in `PR_MESSAGE_FLAGS`, as `read` and `unsent`.
    pub flags: Vec<&'static str>,
    /// The attachments.
    pub attachments: Vec<RowAttachment>,
    /// The event that an appointment or a meeting is about.
    pub event: Option<RowEvent>,
    /// What cannot be read.
    pub defects: Vec<RowFinding>,
    /// What was read otherwise than the file has it, without loss.
    pub notes: Vec<RowFinding>,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowAddress {
    /// The display name.
    pub name: Option<String>,
    /// The SMTP address, else the address as it is.
    pub address: Option<String>,
}

/// An attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowAttachment {
    /// Its name in `attachments/`.
    pub name: String,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its media type.
    pub media_type: String,
    /// Whether the HTML body shows it.
    pub inline: bool,
    /// The SHA-256 of its content in hexadecimal digits, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The times of an event, RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowEvent {
    /// When it starts.
    pub start: Option<String>,
    /// When it ends.
    pub end: Option<String>,
}

/// A defect or a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowFinding {
    /// Where in the file.
    pub place: String,
    /// What is the matter.
    pub cause: String,
}

impl Mail {
    /// The message as one row. `path` is what the row says of where it is; with `hashes` each
    /// attachment is read for its SHA-256.
    ///
    /// Nothing fails: what cannot be read is null or missing in a list, and told in `defects`.
    #[must_use]
    pub fn to_row(&self, path: &str, hashes: bool) -> Row {
        let mut row = Row::unreadable(path);
        let found = |result: Result<Option<Address>, Error>| result.ok().flatten().map(Into::into);
        row.message_id = self.message_id().ok().flatten();
        row.in_reply_to = self.in_reply_to().ok().flatten();
        row.conversation = self.conversation().ok().flatten().and_then(|one| one.topic);
        row.class = self.message_class().ok().flatten();
        row.subject = self.subject().ok().flatten();
        row.from = found(self.from());
        row.sender = found(self.sender());
        row.to = all(self.to());
        row.cc = all(self.cc());
        row.bcc = all(self.bcc());
        row.reply_to = all(self.reply_to());
        row.defects = self.defects().unwrap_or_default().into_iter().map(Into::into).collect();
        row.notes = self.notes().unwrap_or_default().into_iter().map(Into::into).collect();
        row.sent = row.time("date", self.date());
        row.received = row.time("received", self.received());
        let importance = self.importance().ok().flatten();
        row.importance = importance
            .filter(|one| !matches!(one, Importance::Other(_)))
            .map(|importance| importance.to_string());
        row.categories = self.categories().unwrap_or_default();
        row.flags = self.flags().ok().flatten().map(names_of_flags).unwrap_or_default();
        row.event = self.event().ok().flatten().map(|event| RowEvent {
            start: row.time("event", Ok(Some(event.start))),
            end: row.time("event", Ok(event.end)),
        });
        let attachments = self.attachments().unwrap_or_default();
        for attachment in &attachments {
            let attachment = row.attachment(attachment, hashes);
            row.attachments.push(attachment);
        }
        row
    }
}

/// `PR_MESSAGE_FLAGS` (\[MS-OXCMSG\] 2.2.1.6), without what is said of attachments elsewhere.
const FLAGS: [(i32, &str); 8] = [
    (0x0001, "read"),
    (0x0002, "unmodified"),
    (0x0004, "submitted"),
    (0x0008, "unsent"),
    (0x0020, "from_me"),
    (0x0080, "resend"),
    (0x0100, "read_receipt_pending"),
    (0x0200, "nonread_receipt_pending"),
];

impl Row {
    /// The row of a file of which nothing is known but its path.
    #[must_use]
    pub fn unreadable(path: &str) -> Self {
        Self {
            schema: SCHEMA,
            path: path.to_owned(),
            path_bytes: None,
            parent: None,
            message_id: None,
            in_reply_to: None,
            conversation: None,
            class: None,
            subject: None,
            from: None,
            sender: None,
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            sent: None,
            received: None,
            importance: None,
            categories: Vec::new(),
            size: None,
            flags: Vec::new(),
            attachments: Vec::new(),
            event: None,
            defects: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a defect that the message itself does not know of.
    pub fn add_defect(&mut self, place: &str, cause: &str) {
        self.defects.push(RowFinding { place: place.to_owned(), cause: cause.to_owned() });
    }

    /// A time as text. One outside of the years 1 to 9999 is a note.
    fn time(&mut self, place: &str, time: Result<Option<FileTime>, Error>) -> Option<String> {
        let time = time.ok().flatten()?;
        let text = time_text(time);
        if text.is_none() {
            let cause = "a time after the year 9999".to_owned();
            self.notes.push(RowFinding { place: place.to_owned(), cause });
        }
        text
    }

    fn attachment(&mut self, attachment: &Attachment, hashes: bool) -> RowAttachment {
        let sha256 = hashes.then(|| sha256(attachment));
        if let Some(Err(error)) = &sha256 {
            let place = format!("attachments/{}", attachment.name());
            self.add_defect(&place, &error.to_string());
        }
        RowAttachment {
            name: attachment.name().to_owned(),
            size: attachment.size().ok(),
            media_type: attachment.media_type(),
            inline: attachment.is_inline(),
            sha256: sha256.and_then(Result::ok),
        }
    }
}

/// A time as RFC 3339 in UTC, cut to microseconds; `None` after the year 9999.
#[must_use]
pub fn time_text(time: FileTime) -> Option<String> {
    micros_text(time_micros(time)?)
}

/// Microseconds since 1970 as RFC 3339 in UTC; `None` outside of the years 1 to 9999.
#[must_use]
pub fn micros_text(micros: i64) -> Option<String> {
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
}

/// A time as microseconds since 1970 in UTC; `None` after the year 9999.
#[must_use]
pub fn time_micros(time: FileTime) -> Option<i64> {
    let (seconds, nanos) = time.to_unix();
    let nanos = i32::try_from(nanos / 1000 * 1000).ok()?;
    Some(jiff::Timestamp::new(seconds, nanos).ok()?.as_microsecond())
}

/// The SHA-256 of an attachment's content in hexadecimal digits.
///
/// # Errors
/// If the content cannot be read whole.
pub fn sha256(attachment: &Attachment) -> Result<String, Error> {
    let mut reader = attachment.open()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn names_of_flags(MessageFlags(flags): MessageFlags) -> Vec<&'static str> {
    FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect()
}

fn all(addresses: Result<Vec<Address>, Error>) -> Vec<RowAddress> {
    addresses.unwrap_or_default().into_iter().map(Into::into).collect()
}

impl From<Address> for RowAddress {
    fn from(Address { name, address }: Address) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self { name: some(name), address: some(address) }
    }
}

impl From<Defect> for RowFinding {
    fn from(Defect { place, cause }: Defect) -> Self {
        Self { place, cause }
    }
}

impl From<Note> for RowFinding {
    fn from(note: Note) -> Self {
        Self { place: note.place, cause: note.text }
    }
}
