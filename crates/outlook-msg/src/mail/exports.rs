//! A mail written in other formats: MIME, iCalendar, vCard, JSON, or as a `.msg` file.

use std::io::Write;

use crate::mail::calendar::ics;
use crate::mail::calendar::vcf;
use crate::mail::content::{Content, made};
use crate::mail::error::Error;
use crate::mail::formats::eml;
use crate::mail::formats::json::{self, Findings};
use crate::mail::opened::Mail;
use crate::pieces;
use crate::storage::Writer;

/// Writes a mail in other formats.
impl Mail {
    /// Writes the message in the format of mail (RFC 5322 and MIME) with its attachments, as
    /// \[MS-OXCMAIL\] says. The same message always gives the same bytes.
    ///
    /// An appointment is a `text/calendar` part beside the body; a task is the attached file
    /// `task.ics`, a contact or a list `contact.vcf`. If something cannot be read, the attached file
    /// `ERRORS.txt` says what.
    ///
    /// ```no_run
    /// let mail = outlook_msg::Mail::open("Lunch on Friday.msg")?;
    /// mail.to_eml(std::fs::File::create("Lunch on Friday.eml")?)?;
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if the writer fails, [`Error::Damaged`] if the header of the message takes more
    /// memory than the limit.
    pub fn to_eml(&self, out: impl Write) -> Result<(), Error> {
        self.message().storage()?;
        let attachments = self.opened.attachments();
        let composed = eml::compose(self.message(), attachments, &self.own_defects())?;
        copy(&Content::Pieces(composed.into()), out)
    }

    /// Writes the appointment, meeting or task as iCalendar (\[MS-OXCICAL\]).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_message_class("IPM.Appointment")?;
    /// # let start: outlook_msg::mail::FileTime = "2024-04-02T12:00:00Z".parse().unwrap();
    /// # mail.set_property("PSETID_Appointment/PidLidAppointmentStartWhole", start)?;
    /// let mut ics = Vec::new();
    /// mail.to_ics(&mut ics)?;
    /// assert!(ics.starts_with(b"BEGIN:VCALENDAR"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::IsNone`] if the message is none of these, [`Error::Io`] if the writer fails.
    pub fn to_ics(&self, out: impl Write) -> Result<(), Error> {
        self.message().storage()?;
        let made = ics::event(self.message()).or_else(|| ics::task(self.message()));
        write(made, "appointment, meeting or task", out)
    }

    /// Writes the contact, or the list of contacts, as a vCard.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_message_class("IPM.Contact")?;
    /// # mail.set_property("PR_DISPLAY_NAME", "Ann")?;
    /// let mut vcf = Vec::new();
    /// mail.to_vcf(&mut vcf)?;
    /// assert!(vcf.starts_with(b"BEGIN:VCARD"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::IsNone`] if the message is no contact, [`Error::Io`] if the writer fails.
    pub fn to_vcf(&self, out: impl Write) -> Result<(), Error> {
        self.message().storage()?;
        write(vcf::render(self.message()), "contact", out)
    }

    /// Writes all properties of the message, its recipients, its attachments and the messages
    /// embedded in it as JSON.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// let mut json = Vec::new();
    /// mail.to_json(&mut json)?;
    /// assert!(String::from_utf8_lossy(&json).contains("PR_MESSAGE_CLASS"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if the writer fails, [`Error::Message`] if the session is closed.
    pub fn to_json(&self, out: impl Write) -> Result<(), Error> {
        let attachments = self.opened.attachments();
        let (defects, notes) = (self.own_defects(), self.own_notes());
        let findings = Findings { defects: &defects, notes: &notes };
        json::write_json(self.message(), attachments, findings, None, out)
    }

    /// Writes the message as a `.msg` file. If a file was opened, it is copied byte for byte; for
    /// an embedded or edited message, a new file is composed.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// let mut bytes = Vec::new();
    /// mail.to_msg(&mut bytes)?;
    /// assert!(outlook_msg::Mail::from_bytes(bytes).is_ok());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if the writer fails; the errors of reading the message.
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
    let read = |at, piece: &mut [u8]| content.read_at(at, piece);
    pieces::each_piece(content.len()?, read, |_, piece| Ok(out.write_all(piece)?))
}
