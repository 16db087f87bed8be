//! The getters of [`Mail`] for bodies, attachments, recipients and properties, and for what could
//! not be read.

use std::sync::OnceLock;

use crate::body::html::{Reference, Remote};
use crate::imsg::{Defect, MapiProp as _, Note};
use crate::mail::attachment::Attachment;
use crate::mail::attachments::references;
use crate::mail::bodies::Bodies;
use crate::mail::defects::{self, MailFindings};
use crate::mail::error::Error;
use crate::mail::key::PropertyKey;
use crate::mail::opened::Mail;
use crate::mail::recipient::Recipient;
use crate::mail::values::text::unix_lines_of;
use crate::mapi::{PropertyTag, Value, tags};

/// Getters of bodies, attachments, recipients and properties.
impl Mail {
    /// The body as plain text with LF line ends: `PR_BODY`, else text made from the HTML or RTF
    /// body.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_html("<p>At <b>noon</b>?</p>")?;
    /// assert_eq!(mail.text()?.unwrap_or_default().trim(), "At noon?");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is a body but nothing of it can be read.
    pub fn text(&self) -> Result<Option<String>, Error> {
        let text = Bodies::new(self.message()).text().map(unix_lines_of);
        self.found_body(text, &BODIES)
    }

    /// The body as HTML that is safe to open in a browser: `PR_HTML` decoded, else the HTML inside
    /// the RTF body.
    ///
    /// A reference to an attachment becomes the relative path `attachments/NAME`. A
    /// Content-Security-Policy in the page keeps the browser from running scripts and from loading
    /// anything from elsewhere.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_html("<p>At noon?</p>")?;
    /// let html = mail.html()?.unwrap_or_default();
    /// assert!(html.contains("<p>At noon?</p>"));
    /// assert!(html.contains("Content-Security-Policy"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::text`].
    pub fn html(&self) -> Result<Option<String>, Error> {
        let known = OnceLock::new();
        let resolve = |reference: Reference<'_>| {
            known.get_or_init(|| references(self.opened.attachments())).path(&reference)
        };
        let html = Bodies::new(self.message()).html(&resolve, Remote::Blocked);
        self.found_body(html, &[tags::PR_HTML, tags::PR_BODY_HTML])
    }

    /// The HTML body as it was mailed. References to attachments stay as they are (most are `cid:`
    /// URLs), and a browser would load whatever the body asks for. Show it only in a program that
    /// prevents that; [`Mail::html`] is safe to show.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_html("<img src='cid:logo'>")?;
    /// assert_eq!(mail.mailed_html()?.as_deref(), Some("<img src='cid:logo'>"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::text`].
    pub fn mailed_html(&self) -> Result<Option<String>, Error> {
        let html = Bodies::new(self.message()).mailed_html(&|_| None);
        self.found_body(html, &[tags::PR_HTML, tags::PR_BODY_HTML])
    }

    /// The body as RTF (`PR_RTF_COMPRESSED`, decompressed), if the message was written in RTF;
    /// `None` if the RTF only wraps an HTML or text body.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_rtf(br"{\rtf1 At {\b noon}?}")?;
    /// if let Some(rtf) = mail.rtf()? {
    ///     assert!(rtf.starts_with(br"{\rtf1"));
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::text`].
    pub fn rtf(&self) -> Result<Option<Vec<u8>>, Error> {
        let bodies = Bodies::new(self.message());
        match bodies.rtf() {
            // There is no RTF, or it only wraps another body. Its damage does not matter here.
            None if !bodies.has_rtf() => self.found(None, &[]),
            rtf => self.found_body(rtf, &[tags::PR_RTF_COMPRESSED]),
        }
    }

    /// The attached files, messages, objects and links.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// for attachment in mail.attachments()? {
    ///     println!("{}: {} bytes", attachment.name(), attachment.size()?);
    /// }
    /// # assert_eq!(mail.attachments()?.len(), 1);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn attachments(&self) -> Result<Vec<Attachment>, Error> {
        self.message().property_set()?;
        let count = self.opened.attachments().len();
        Ok((0..count).filter_map(|index| Attachment::of(&self.opened, index)).collect())
    }

    /// All recipients, in the order of the recipient table. [`Mail::to`], [`Mail::cc`] and
    /// [`Mail::bcc`] return the addresses of one type.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail, RecipientType};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
    /// # mail.set_cc(&[Address::new("Ben", "ben@example.org")])?;
    /// let recipients = mail.recipients()?;
    /// let copies = recipients.iter().filter(|one| one.recipient_type() == RecipientType::Cc);
    /// assert_eq!(copies.count(), 1);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn recipients(&self) -> Result<Vec<Recipient>, Error> {
        Ok(self.message().recipients()?.into_iter().map(Recipient::of).collect())
    }

    /// The damaged places of the message, its recipients and its attachments. An embedded message
    /// lists its own defects.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// for defect in mail.defects()? {
    ///     eprintln!("at {}: {}", defect.place, defect.cause);
    /// }
    /// # assert!(mail.defects()?.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        Ok(self.findings()?.defects)
    }

    /// Where something was read in another way than the file states, although nothing is lost: with
    /// a guessed code page, for example. The notes on signed mail, `winmail.dat` and attached message
    /// files are among them.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// for note in mail.notes()? {
    ///     println!("at {}: {}", note.place, note.text);
    /// }
    /// # assert!(mail.notes()?.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn notes(&self) -> Result<Vec<Note>, Error> {
        Ok(self.findings()?.notes)
    }

    /// Defects and notes: each message inside of this one is opened once for both.
    pub(super) fn findings(&self) -> Result<MailFindings, Error> {
        self.message().property_set()?;
        let (mut defects, mut notes) = (self.own_defects(), self.own_notes());
        let inside = defects::of_inside(self.message(), self.opened.attachments());
        defects.extend(inside.defects);
        notes.extend(inside.notes);
        Ok(MailFindings { defects, notes })
    }

    /// The defects without those of the messages inside of this one.
    pub(super) fn own_defects(&self) -> Vec<Defect> {
        let mut defects = self.opened.outer.defects.clone();
        defects.extend(defects::of_message(self.message(), self.opened.attachments()));
        defects
    }

    /// The notes without those on the messages inside of this one.
    pub(super) fn own_notes(&self) -> Vec<Note> {
        let mut notes = self.opened.outer.notes.clone();
        notes.extend(defects::notes_of_message(self.message()));
        notes
    }

    /// A property by its tag or its name (`GetProps`, `GetIDsFromNames`); [`PropertyKey`] lists the
    /// forms.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_subject("Lunch on Friday")?;
    /// # mail.set_property("PSETID_Appointment/PidLidLocation", "Harbour café")?;
    /// use outlook_msg::mail::Value;
    ///
    /// if let Some(Value::String(subject)) = mail.property("PR_SUBJECT")? {
    ///     assert_eq!(subject, "Lunch on Friday");
    /// }
    /// assert_eq!(mail.property(0x0037_001F)?, mail.property("PR_SUBJECT")?);
    /// let place = mail.property("PSETID_Appointment/PidLidLocation")?;
    /// assert_eq!(place, Some("Harbour café".into()));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownName`] if no property has this name, [`Error::Damaged`] if nothing of the
    /// value can be read.
    pub fn property<'a>(&self, key: impl Into<PropertyKey<'a>>) -> Result<Option<Value>, Error> {
        key.into().value(self.message(), &*self.message().names()?)
    }

    fn found_body<T>(&self, found: Option<T>, tags: &[PropertyTag]) -> Result<Option<T>, Error> {
        match self.found(found, tags)? {
            None => {
                defects::of_rtf(self.message()).map_or(Ok(None), |one| Err(Error::Damaged(one)))
            }
            found => Ok(found),
        }
    }
}

/// The properties from which bodies are made.
const BODIES: [PropertyTag; 4] =
    [tags::PR_BODY, tags::PR_HTML, tags::PR_BODY_HTML, tags::PR_RTF_COMPRESSED];
