//! A mail in other formats: MIME, iCalendar, vCard, JSON, and a `.msg` file of its own.

use std::io::{self, Write};

use crate::storage::Writer;

use super::content::{Content, made};
use super::error::Error;
use super::opened::Mail;
use super::{defects, eml, ics, json, vcf};

/// As much is written at a time, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// A mail in other formats.
impl Mail {
    /// Writes it as RFC 5322 and MIME, with its attachments (\[MS-OXCMAIL\]). The same message
    /// gives the same bytes.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mail = outlook_msg::Mail::open("Lunch on Friday.msg")?;
    /// mail.to_eml(std::fs::File::create("Lunch on Friday.eml")?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] of the writer, [`Error::Damaged`] if its texts are larger than what is held
    /// in memory.
    pub fn to_eml(&self, out: impl Write) -> Result<(), Error> {
        self.message().storage()?;
        let composed = eml::compose(self.message(), self.opened.attachments())?;
        copy(&Content::Composed(composed.into()), out)
    }

    /// Writes the appointment, meeting or task as iCalendar (\[MS-OXCICAL\]).
    ///
    /// # Errors
    /// [`Error::IsNone`] if it is none, [`Error::Io`] of the writer.
    pub fn to_ics(&self, out: impl Write) -> Result<(), Error> {
        self.message().storage()?;
        let made = ics::event(self.message()).or_else(|| ics::task(self.message()));
        write(made, "appointment, meeting or task", out)
    }

    /// Writes the contact or the list of contacts as a vCard.
    ///
    /// # Errors
    /// [`Error::IsNone`] if it is none, [`Error::Io`] of the writer.
    pub fn to_vcf(&self, out: impl Write) -> Result<(), Error> {
        self.message().storage()?;
        write(vcf::render(self.message()), "contact", out)
    }

    /// Writes every property of the message, its recipients and its attachments as JSON, those of
    /// embedded messages too.
    ///
    /// # Errors
    /// [`Error::Io`] of the writer, [`Error::Message`] if the session is closed.
    pub fn to_json(&self, out: impl Write) -> Result<(), Error> {
        let attachments = self.opened.attachments();
        let defects = defects::of_message(self.message(), attachments);
        json::write_json(self.message(), attachments, &defects, None, out)
    }

    /// Writes it as a `.msg` file: one that was opened is copied byte for byte, one that is
    /// embedded or was edited is made.
    ///
    /// # Errors
    /// [`Error::Io`] of the writer, those of reading the message.
    pub fn to_msg(&self, out: impl Write) -> Result<(), Error> {
        let storage = self.message().storage()?;
        let source = storage.file().source();
        if self.message().is_writable() && !self.message().is_embedded()? {
            let snapshot = self.message().completed()?;
            let made = made(|file| {
                let mut writer = Writer::create(file)?;
                let defects = writer.copy_storage(&snapshot.root(), &[])?;
                Ok((writer.finish()?, defects))
            });
            return copy(&made?, out);
        }
        if storage.parent().is_none() && !source.is_empty() {
            return copy(&Content::Source(source.clone()), out);
        }
        copy(&made(|file| self.message().write_standalone(file))?, out)
    }
}

fn write(made: Option<Vec<u8>>, what: &'static str, mut out: impl Write) -> Result<(), Error> {
    Ok(out.write_all(&made.ok_or(Error::IsNone { what })?)?)
}

fn copy(content: &Content, mut out: impl Write) -> Result<(), Error> {
    let (mut offset, mut piece) = (0, Vec::new());
    loop {
        content.read_into(offset, PIECE_BYTES, &mut piece)?;
        if piece.is_empty() {
            return if offset == content.len()? {
                Ok(())
            } else {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            };
        }
        out.write_all(&piece)?;
        offset += piece.len() as u64;
    }
}
