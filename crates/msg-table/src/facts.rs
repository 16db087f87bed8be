//! Reads the values of one message for its row, and collects what could not be read.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlook_msg::Mail;
use outlook_msg::digest;
use outlook_msg::mail::names::attachment_path;
use outlook_msg::mail::{
    Attachment, AttachmentKind, Defect, Error, Event, FileTime, Note, Recipient, RecipientType,
    Value, sha256, time_micros, without_error_numbers,
};
use outlook_msg::storage::Source;

use crate::cell::Cell;

/// Where a message is.
#[derive(Clone, Debug)]
pub(crate) struct MessagePosition {
    pub(crate) path: PathBuf,
    pub(crate) parent: Option<PathBuf>,
    /// How many messages contain this one.
    pub(crate) depth: i32,
}

/// Where the bytes of a message as a `.msg` file come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FileBytes<'a> {
    /// From its file.
    Source(&'a Arc<Source>),
    /// From the attachment in which it is embedded: a `.msg` file is made from it.
    Embedded(&'a Attachment),
    /// There are none: the file could not be opened.
    None,
}

/// One message, with everything that its row needs.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) at: &'a MessagePosition,
    bytes: FileBytes<'a>,
    mail: Option<&'a Mail>,
    hashes: bool,
    attachments: &'a [Attachment],
    event: OnceCell<Option<Event>>,
    found_defects: RefCell<Vec<Defect>>,
    found_notes: RefCell<Vec<Note>>,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(at: &'a MessagePosition, bytes: FileBytes<'a>, hashes: bool) -> Self {
        Self {
            at,
            bytes,
            mail: None,
            hashes,
            attachments: &[],
            event: OnceCell::new(),
            found_defects: RefCell::default(),
            found_notes: RefCell::default(),
        }
    }

    /// The facts of a message that could be opened.
    pub(crate) fn of_mail(mut self, mail: &'a Mail, attachments: &'a [Attachment]) -> Self {
        self.mail = Some(mail);
        self.attachments = attachments;
        self
    }

    /// Adds a defect.
    pub(crate) fn add_defect(&self, place: &str, cause: &str) {
        self.found_defects.borrow_mut().push(Defect { place: place.into(), cause: cause.into() });
    }

    /// Whether there is a defect.
    pub(crate) fn has_defect(&self) -> bool {
        !self.found_defects.borrow().is_empty()
    }

    /// Asks the message for a value. An error becomes a defect; `place` is its place, unless the
    /// error has one.
    pub(crate) fn value<T>(
        &self,
        place: &str,
        get: impl FnOnce(&Mail) -> Result<Option<T>, Error>,
    ) -> Option<T> {
        self.or_defect(place, get(self.mail?))?
    }

    /// Asks the message for a list; null if it cannot be read.
    pub(crate) fn list<T: Into<Cell>>(
        &self,
        place: &str,
        get: impl FnOnce(&Mail) -> Result<Vec<T>, Error>,
    ) -> Cell {
        let all = self.mail.and_then(|mail| self.or_defect(place, get(mail)));
        all.map_or(Cell::Null, Cell::list)
    }

    /// Converts a time. A time after the year 9999 becomes null, and a note says so.
    pub(crate) fn time_cell(&self, place: &str, time: Option<FileTime>) -> Cell {
        let Some(time) = time else { return Cell::Null };
        let micros = time_micros(time);
        if micros.is_none() {
            let text = "a time after the year 9999".to_owned();
            self.found_notes.borrow_mut().push(Note { place: place.to_owned(), text });
        }
        micros.into()
    }

    /// Asks the message for a time.
    pub(crate) fn time(
        &self,
        place: &str,
        get: impl FnOnce(&Mail) -> Result<Option<FileTime>, Error>,
    ) -> Cell {
        self.time_cell(place, self.value(place, get))
    }

    /// A value of the appointment or meeting, if the message is about one.
    pub(crate) fn of_event<T>(&self, value: impl FnOnce(&Event) -> Option<T>) -> Option<T> {
        self.event.get_or_init(|| self.value("event", Mail::shown_event)).as_ref().and_then(value)
    }

    /// The size of the message as a `.msg` file.
    pub(crate) fn size(&self) -> Option<u64> {
        match self.bytes {
            FileBytes::Source(source) => Some(source.len()),
            FileBytes::Embedded(attachment) => self.or_defect("size", attachment.size()),
            FileBytes::None => None,
        }
    }

    /// The SHA-256 of the message as a `.msg` file.
    pub(crate) fn sha256(&self) -> Option<String> {
        match self.bytes {
            FileBytes::Source(source) if self.hashes => {
                let hash =
                    digest::sha256(source.len(), |offset, buffer| source.read_at(offset, buffer))
                        .map_err(Error::Io);
                self.or_defect("/", hash)
            }
            FileBytes::Embedded(attachment) => self.hash(attachment),
            FileBytes::Source(_) | FileBytes::None => None,
        }
    }

    /// The recipients in the recipient table. If it has none of a type, those in the transport
    /// header, or whose names the message has.
    pub(crate) fn recipients(&self) -> Cell {
        const PLACE: &str = "recipients";
        let Some(mail) = self.mail else { return Cell::Null };
        let Some(rows) = self.or_defect(PLACE, mail.recipients()) else { return Cell::Null };
        let mut types = Vec::new();
        let mut cells = Vec::new();
        for row in &rows {
            let kind = row.recipient_type();
            match row.address() {
                Ok(None) => {}
                Ok(Some(address)) => {
                    types.push(kind);
                    cells.push(Cell::Struct(vec![
                        some(address.name),
                        some(address.address),
                        self.or_defect(PLACE, row.address_type()).flatten().into(),
                        type_name(kind).into(),
                    ]));
                }
                Err(error) => {
                    self.add_error(PLACE, error);
                    cells.push(damaged_recipient(row));
                }
            }
        }
        let others = [
            (RecipientType::To, mail.to()),
            (RecipientType::Cc, mail.cc()),
            (RecipientType::Bcc, mail.bcc()),
        ];
        for (kind, all) in others {
            if types.contains(&kind) {
                continue;
            }
            for address in self.or_defect(PLACE, all).unwrap_or_default() {
                let address_type = address.address.contains('@').then_some("SMTP");
                cells.push(Cell::Struct(vec![
                    some(address.name),
                    some(address.address),
                    address_type.into(),
                    type_name(kind).into(),
                ]));
            }
        }
        Cell::List(cells)
    }

    /// The addresses that replies go to.
    pub(crate) fn reply_to(&self) -> Cell {
        let all = self.mail.and_then(|mail| self.or_defect("reply-to", mail.reply_to()));
        let cell =
            |one: outlook_msg::mail::Address| Cell::Struct(vec![some(one.name), some(one.address)]);
        all.map_or(Cell::Null, |all| Cell::List(all.into_iter().map(cell).collect()))
    }

    /// The attachments.
    pub(crate) fn attachments(&self) -> Cell {
        let Some(mail) = self.mail else { return Cell::Null };
        let wrapped = mail.wrapped();
        let wrapped = wrapped.iter().flat_map(|one| one.mail.attachments().unwrap_or_default());
        let wrapped: Vec<_> = wrapped.collect();
        let cells = self.attachments.iter().chain(&wrapped).map(|attachment| {
            Cell::Struct(vec![
                attachment.name().into(),
                self.or_defect(&place_of(attachment), attachment.size()).into(),
                self.hash(attachment).into(),
                attachment.media_type().into(),
                method_name(attachment).into(),
                attachment.content_id().into(),
                attachment.is_inline().into(),
                (attachment.kind() == AttachmentKind::Message).into(),
            ])
        });
        Cell::List(cells.collect())
    }

    /// The defects of the message, and those that were found while its row was made.
    pub(crate) fn defects(&self) -> Cell {
        let known = self.mail.and_then(|mail| self.or_defect("/", mail.defects()));
        let mut all = known.unwrap_or_default();
        for found in self.found_defects.borrow().iter() {
            if !found.is_among(&all) {
                all.push(found.clone());
            }
        }
        Cell::list(all)
    }

    /// The notes on the message, and those that were added while its row was made.
    pub(crate) fn notes(&self) -> Cell {
        let known = self.mail.and_then(|mail| self.or_defect("/", mail.notes()));
        let mut all = known.unwrap_or_default();
        all.extend(self.found_notes.borrow().iter().cloned());
        Cell::list(all)
    }

    fn hash(&self, attachment: &Attachment) -> Option<String> {
        if !self.hashes {
            return None;
        }
        self.or_defect(&place_of(attachment), sha256(attachment))
    }

    fn or_defect<T>(&self, place: &str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.add_error(place, error)).ok()
    }

    fn add_error(&self, place: &str, error: Error) {
        match error {
            Error::Damaged(defect) => self.found_defects.borrow_mut().push(defect),
            error => self.add_defect(place, &without_error_numbers(&error.to_string())),
        }
    }
}

fn some(text: String) -> Cell {
    Some(text).filter(|text| !text.is_empty()).into()
}

fn place_of(attachment: &Attachment) -> String {
    attachment_path(attachment.name())
}

/// The name of a recipient type; `None` for the originator.
fn type_name(kind: RecipientType) -> Option<&'static str> {
    match kind {
        RecipientType::To => Some("TO"),
        RecipientType::Cc => Some("CC"),
        RecipientType::Bcc => Some("BCC"),
        RecipientType::Originator => None,
    }
}

fn damaged_recipient(row: &Recipient) -> Cell {
    let kind = type_name(row.recipient_type());
    Cell::Struct(vec![Cell::Null, Cell::Null, Cell::Null, kind.into()])
}

/// The name of `PR_ATTACH_METHOD` (\[MS-OXCMSG\] 2.2.2.9). The names are those of the `pst`
/// extension of DuckDB.
fn method_name(attachment: &Attachment) -> &'static str {
    let stored = match attachment.property("PR_ATTACH_METHOD") {
        Ok(Some(Value::Integer32(number))) => number,
        _ => 0,
    };
    match (attachment.kind(), stored) {
        (AttachmentKind::File, _) => "BY_VALUE",
        (AttachmentKind::Message, _) => "EMBEDDED_MESSAGE",
        (AttachmentKind::Ole, _) => "OLE",
        (AttachmentKind::Link, 3) => "BY_REF_RESOLVE",
        (AttachmentKind::Link, 4) => "BY_REF_ONLY",
        (AttachmentKind::Link, 7) => "BY_WEB_REFERENCE",
        (AttachmentKind::Link, _) => "BY_REFERENCE",
        _ => "NO_ATTACHMENT",
    }
}

/// The path as text. U+FFFD replaces bytes that are not UTF-8.
pub(crate) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The bytes of a path, if it is not UTF-8.
pub(crate) fn path_bytes(path: &Path) -> Option<Vec<u8>> {
    path.to_str().is_none().then(|| path.as_os_str().as_encoded_bytes().to_owned())
}
