//! A message as one row, for tables, indexes and `jq`: the fields without the bodies.
//!
//! `msgfs find --json`, `ls --json` and `show --json` print the row as JSON, and `to_dict` in
//! Python returns it as a dictionary. Within a version of [`SCHEMA`], keys are only added. A value
//! that the message does not have, or that cannot be read, is null, or an empty list. `defects`
//! lists what cannot be read.

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;

use crate::digest;
use crate::imsg::{Address, Defect, Note};
use crate::mail::attachment::Attachment;
use crate::mail::attachments::names::attachment_path;
use crate::mail::defects::MailFindings;
use crate::mail::error::Error;
use crate::mail::formats::json::SCHEMA;
use crate::mail::opened::Mail;
use crate::mail::values::fields::{Importance, MessageFlags};
use crate::mapi::FileTime;

/// A message as one row.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Where the message is. U+FFFD replaces what is not UTF-8.
    pub path: String,
    /// The bytes of the path, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<Vec<u8>>,
    /// The path of the message that it is embedded in.
    pub parent: Option<String>,
    /// The `Message-ID`.
    pub message_id: Option<String>,
    /// The `Message-ID` of the message that this one answers.
    pub in_reply_to: Option<String>,
    /// The topic of its conversation (`PR_CONVERSATION_TOPIC`).
    pub conversation: Option<String>,
    /// The message class.
    pub class: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The person on whose behalf it was sent, else the sender.
    pub from: Option<RowAddress>,
    /// The sender.
    pub sender: Option<RowAddress>,
    /// The recipients in the `To` field.
    pub to: Vec<RowAddress>,
    /// The recipients of copies.
    pub cc: Vec<RowAddress>,
    /// The recipients of blind copies.
    pub bcc: Vec<RowAddress>,
    /// The addresses that replies go to.
    pub reply_to: Vec<RowAddress>,
    /// When it was sent: RFC 3339 in UTC, to the microsecond.
    pub sent: Option<String>,
    /// When it arrived, in the same form. If one of the two times is missing, the other one does
    /// not replace it.
    pub received: Option<String>,
    /// `low`, `normal` or `high`.
    pub importance: Option<String>,
    /// The categories.
    pub categories: Vec<String>,
    /// The size of the file in bytes; for an embedded message, the size of a `.msg` file of its
    /// own.
    pub size: Option<u64>,
    /// The names of the bits that are set in `PR_MESSAGE_FLAGS`: `read`, `unsent` and others.
    pub flags: Vec<&'static str>,
    /// The attachments.
    pub attachments: Vec<RowAttachment>,
    /// The event that an appointment or a meeting is about.
    pub event: Option<RowEvent>,
    /// What cannot be read.
    pub defects: Vec<RowFinding>,
    /// Where something was read in another way than the file states, although nothing is lost.
    pub notes: Vec<RowFinding>,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowAddress {
    /// The display name.
    pub name: Option<String>,
    /// The SMTP address, else the stored address.
    pub address: Option<String>,
}

/// An attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowAttachment {
    /// Its name, as [`Attachment::name`] returns it.
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
    /// Whether it takes whole days.
    pub all_day: bool,
    /// The first one of these days, as a date in the time zone of the event.
    pub first_day: Option<String>,
    /// The last one of these days.
    pub last_day: Option<String>,
    /// The name of its time zone; `None` for UTC.
    pub time_zone: Option<String>,
    /// Where it takes place.
    pub location: Option<String>,
}

/// A defect or a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowFinding {
    /// Where in the file.
    pub place: String,
    /// What is wrong, or how it was read.
    pub cause: String,
}

impl Mail {
    /// The message as one row. `path` goes into the row as the place of the message. With `hashes`,
    /// the row has the SHA-256 of each attachment, for which all attachments are read.
    ///
    /// This never fails: a value that cannot be read is null, or missing from a list, and `defects`
    /// says so.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_subject("Lunch on Friday")?;
    /// let row = mail.to_row("mail/Lunch.msg", false);
    /// assert_eq!(row.subject.as_deref(), Some("Lunch on Friday"));
    /// assert_eq!(row.path, "mail/Lunch.msg");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn to_row(&self, path: impl AsRef<Path>, hashes: bool) -> Row {
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
        let wrapped = self.wrapped();
        let MailFindings { defects, notes } = self.findings().unwrap_or_default();
        row.defects = defects.iter().cloned().map(Into::into).collect();
        row.notes = notes.into_iter().map(Into::into).collect();
        row.sent = row.time("date", self.date());
        row.received = row.time("received", self.received());
        let importance = self.importance().ok().flatten();
        row.importance = importance
            .filter(|one| !matches!(one, Importance::Other(_)))
            .map(|importance| importance.to_string());
        row.categories = self.categories().unwrap_or_default();
        row.flags = self.flags().ok().flatten().map(names_of_flags).unwrap_or_default();
        row.event = self.event_among(&wrapped).ok().flatten().map(|event| {
            let (first_day, last_day) = event.days.unzip();
            RowEvent {
                start: row.time("event", Ok(Some(event.start))),
                end: row.time("event", Ok(event.end)),
                all_day: event.is_all_day,
                first_day,
                last_day,
                time_zone: event.time_zone,
                location: event.location,
            }
        });
        let attachments = self.attachments_among(&wrapped).unwrap_or_default();
        for attachment in &attachments {
            let attachment = row.attachment(attachment, hashes, &defects);
            row.attachments.push(attachment);
        }
        row
    }
}

/// The bits of `PR_MESSAGE_FLAGS` and their names (\[MS-OXCMSG\] 2.2.1.6). The bit for attachments
/// is left out, because the row lists the attachments.
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
    /// The row of a file that could not be opened as a message: only its path.
    ///
    /// ```
    /// use outlook_msg::mail::Row;
    ///
    /// let mut row = Row::unreadable("mail/Notes.msg");
    /// row.add_defect("", "not a compound file");
    /// assert_eq!(row.defects.len(), 1);
    /// ```
    #[must_use]
    pub fn unreadable(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let is_text = path.to_str().is_some();
        Self {
            schema: SCHEMA,
            path: path.to_string_lossy().into_owned(),
            path_bytes: (!is_text).then(|| path.as_os_str().as_encoded_bytes().to_owned()),
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

    /// Adds a defect that is not in the message itself, such as an error of the caller.
    ///
    /// ```
    /// # let mut row = outlook_msg::mail::Row::unreadable("mail/Notes.msg");
    /// row.add_defect("", "not a compound file");
    /// assert_eq!(row.defects[0].cause, "not a compound file");
    /// ```
    pub fn add_defect(&mut self, place: &str, cause: &str) {
        self.defects.push(RowFinding { place: place.to_owned(), cause: cause.to_owned() });
    }

    /// A time as text. A time after the year 9999 has no text; a note says so.
    fn time(&mut self, place: &str, time: Result<Option<FileTime>, Error>) -> Option<String> {
        let time = time.ok().flatten()?;
        let text = time_text(time);
        if text.is_none() {
            let cause = "a time after the year 9999".to_owned();
            self.notes.push(RowFinding { place: place.to_owned(), cause });
        }
        text
    }

    /// The row of an attachment of a message with these defects.
    fn attachment(
        &mut self,
        attachment: &Attachment,
        hashes: bool,
        known: &[Defect],
    ) -> RowAttachment {
        let sha256 = hashes.then(|| sha256(attachment));
        match &sha256 {
            Some(Err(Error::Damaged(defect))) if defect.is_among(known) => {}
            Some(Err(error)) => {
                self.add_defect(&attachment_path(attachment.name()), &error.to_string());
            }
            Some(Ok(_)) | None => {}
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
///
/// ```
/// use outlook_msg::mail::{FileTime, time_text};
///
/// assert_eq!(time_text(FileTime(0)).as_deref(), Some("1601-01-01T00:00:00Z"));
/// assert_eq!(time_text(FileTime(u64::MAX)), None);
/// ```
#[must_use]
pub fn time_text(time: FileTime) -> Option<String> {
    micros_text(time_micros(time)?)
}

/// Microseconds since 1970 as RFC 3339 in UTC; `None` outside of the years 1 to 9999.
///
/// ```
/// assert_eq!(outlook_msg::mail::micros_text(0).as_deref(), Some("1970-01-01T00:00:00Z"));
/// ```
#[must_use]
pub fn micros_text(micros: i64) -> Option<String> {
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
}

/// A time as microseconds since 1970 in UTC; `None` after the year 9999.
///
/// ```
/// let time = "1970-01-01T00:00:01Z".parse().expect("RFC 3339");
/// assert_eq!(outlook_msg::mail::time_micros(time), Some(1_000_000));
/// ```
#[must_use]
pub fn time_micros(time: FileTime) -> Option<i64> {
    let (seconds, nanos) = time.to_unix();
    let nanos = i32::try_from(nanos / 1000 * 1000).ok()?;
    Some(jiff::Timestamp::new(seconds, nanos).ok()?.as_microsecond())
}

/// The SHA-256 of the content of an attachment in hexadecimal digits.
///
/// ```
/// # let mut mail = outlook_msg::Mail::create()?;
/// # mail.add_attachment("menu.txt", "Soup")?;
/// let digits = outlook_msg::mail::sha256(&mail.attachments()?[0])?;
/// assert!(digits.starts_with("ee127f") && digits.len() == 64);
/// # Ok::<(), outlook_msg::mail::Error>(())
/// ```
///
/// # Errors
/// If the content cannot be read as a whole.
pub fn sha256(attachment: &Attachment) -> Result<String, Error> {
    let mut reader = attachment.open()?;
    digest::sha256(reader.size(), |_, buffer| Ok(reader.read(buffer)?))
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
