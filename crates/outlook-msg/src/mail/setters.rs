//! The setters of a mail. Each takes the value in the form in which its getter returns it.

use std::sync::Arc;
use std::time::Instant;

use crate::imsg::{Address, Message};
use crate::mail::attachment::Attachment;
use crate::mail::bodies::BodyKind;
use crate::mail::edit::text_fields::{self, TextField};
use crate::mail::edit::{SetBodies, attachments, bodies};
use crate::mail::error::Error;
use crate::mail::opened::Mail;
use crate::mail::values::fields::Importance;
use crate::mapi::FileTime;
use crate::storage::Source;

/// Setters.
///
/// An empty text, or an empty list of addresses, removes the value. A setter also sets what depends
/// on the value: the field of the same meaning in the transport header, the search key of an
/// address, the other bodies. Nothing is written to a file before [`Mail::save`] or
/// [`Mail::save_as`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("invitation.msg");
/// use outlook_msg::mail::{Address, Mail};
///
/// let mut mail = Mail::create()?;
/// mail.set_subject("Lunch on Friday")?;
/// mail.set_to(&[Address::new("Ann", "ann@example.org")])?;
/// mail.set_text("At noon?\n")?;
/// mail.add_attachment("menu.txt", "Soup")?;
/// mail.save_as(&path)?;
/// # let mail = Mail::open(path)?;
/// # assert_eq!(mail.to()?[0].to_string(), "Ann <ann@example.org>");
/// # assert_eq!(mail.text()?.as_deref(), Some("At noon?\n"));
/// # assert_eq!(mail.attachments()?[0].read()?, b"Soup");
/// # Ok(()) }
/// ```
impl Mail {
    /// Sets the subject.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_subject("Lunch on Friday")?;
    /// assert_eq!(mail.subject()?.as_deref(), Some("Lunch on Friday"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Open`] if the file cannot be opened for writing; [`Error::Message`] if the message
    /// refuses the edit, for example because it is so damaged that a save would lose something.
    pub fn set_subject(&mut self, subject: &str) -> Result<(), Error> {
        self.set_field(&text_fields::SUBJECT, subject)
    }

    /// Sets the person on whose behalf the message is sent: the `From` that mail programs show.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_from(&Address::new("Ann", "ann@example.org"))?;
    /// assert_eq!(mail.from()?.unwrap().to_string(), "Ann <ann@example.org>");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_from(&mut self, from: &Address) -> Result<(), Error> {
        self.set_addresses(&text_fields::FROM, std::slice::from_ref(from))
    }

    /// Sets the person who sends the message.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_sender(&Address::new("Ben", "ben@example.org"))?;
    /// assert_eq!(mail.sender()?.unwrap().name, "Ben");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_sender(&mut self, sender: &Address) -> Result<(), Error> {
        self.set_addresses(&text_fields::SENDER, std::slice::from_ref(sender))
    }

    /// Replaces the recipients in the `To` field.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_to(&[Address::new("Ann", "ann@example.org"), Address::new("", "ben@example.org")])?;
    /// assert_eq!(mail.to()?.len(), 2);
    /// mail.set_to(&[])?;
    /// assert!(mail.to()?.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_to(&mut self, to: &[Address]) -> Result<(), Error> {
        self.set_addresses(&text_fields::TO, to)
    }

    /// Replaces the recipients of copies.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_cc(&[Address::new("Ann", "ann@example.org")])?;
    /// assert_eq!(mail.cc()?[0].name, "Ann");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_cc(&mut self, cc: &[Address]) -> Result<(), Error> {
        self.set_addresses(&text_fields::CC, cc)
    }

    /// Replaces the recipients of blind copies, whom the other recipients do not see.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_bcc(&[Address::new("Ann", "ann@example.org")])?;
    /// assert_eq!(mail.bcc()?[0].name, "Ann");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_bcc(&mut self, bcc: &[Address]) -> Result<(), Error> {
        self.set_addresses(&text_fields::BCC, bcc)
    }

    /// Replaces the addresses that replies go to.
    ///
    /// ```
    /// # use outlook_msg::mail::{Address, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_reply_to(&[Address::new("Club", "club@example.org")])?;
    /// assert_eq!(mail.reply_to()?[0].address, "club@example.org");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_reply_to(&mut self, reply_to: &[Address]) -> Result<(), Error> {
        self.set_addresses(&text_fields::REPLY_TO, reply_to)
    }

    /// Sets the time at which the message was sent.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// use outlook_msg::mail::FileTime;
    ///
    /// mail.set_date(FileTime::now())?;
    /// mail.set_date("2024-04-02T16:05:09Z".parse().expect("RFC 3339"))?;
    /// assert_eq!(mail.date()?.unwrap().to_string(), "2024-04-02T16:05:09Z");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_date(&mut self, date: FileTime) -> Result<(), Error> {
        self.set_field(&text_fields::DATE, &date.to_string())
    }

    /// Sets the time at which the message arrived.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// use outlook_msg::mail::FileTime;
    ///
    /// let now = FileTime::now();
    /// mail.set_received(now)?;
    /// assert_eq!(mail.received()?, Some(now));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_received(&mut self, received: FileTime) -> Result<(), Error> {
        self.set_field(&text_fields::RECEIVED, &received.to_string())
    }

    /// Sets the message class, such as `IPM.Note`.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_message_class("IPM.Appointment")?;
    /// assert_eq!(mail.message_class()?.as_deref(), Some("IPM.Appointment"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for more than one line.
    pub fn set_message_class(&mut self, class: &str) -> Result<(), Error> {
        self.set_field(&text_fields::CLASS, class)
    }

    /// Sets the `Message-ID`, with its angle brackets.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_message_id("<1@example.org>")?;
    /// assert_eq!(mail.message_id()?.as_deref(), Some("<1@example.org>"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_message_class`].
    pub fn set_message_id(&mut self, id: &str) -> Result<(), Error> {
        self.set_field(&text_fields::MESSAGE_ID, id)
    }

    /// Sets the importance of the message.
    ///
    /// ```
    /// # use outlook_msg::mail::{Importance, Mail};
    /// # let mut mail = Mail::create()?;
    /// mail.set_importance(Importance::High)?;
    /// assert_eq!(mail.importance()?, Some(Importance::High));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_importance(&mut self, importance: Importance) -> Result<(), Error> {
        self.set_field(&text_fields::IMPORTANCE, &importance.to_string())
    }

    /// Replaces the categories.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_categories(&["Harbour", "Urgent"])?;
    /// assert_eq!(mail.categories()?, ["Harbour", "Urgent"]);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for a category with a line end in it.
    pub fn set_categories<T: AsRef<str>>(&mut self, categories: &[T]) -> Result<(), Error> {
        let mut lines = String::new();
        for category in categories {
            if category.as_ref().contains(['\n', '\r']) {
                return Err(Error::invalid("categories of one line each"));
            }
            lines.push_str(category.as_ref());
            lines.push('\n');
        }
        self.set_field(&text_fields::CATEGORIES, &lines)
    }

    /// Sets the transport header: the header that the message had on its way over the internet.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_headers("Received: by example.org\nSubject: Lunch\n")?;
    /// assert!(mail.headers()?.unwrap().contains("Subject: Lunch"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_headers(&mut self, headers: &str) -> Result<(), Error> {
        self.set_field(&text_fields::HEADERS, headers)
    }

    /// Sets the body as plain text. Removes a formatted body, unless that was set within the last
    /// ten seconds, or has the same words.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_text("At noon?\n")?;
    /// assert_eq!(mail.text()?.as_deref(), Some("At noon?\n"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_text(&mut self, text: &str) -> Result<(), Error> {
        self.set_body(BodyKind::Text, text.as_bytes())
    }

    /// Sets the body as HTML, and makes the plain text from it, unless that was set within the last
    /// ten seconds. When the mail is saved, the path of an attachment in the HTML, such as
    /// `attachments/logo.png`, becomes a reference to the attachment.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.add_attachment("logo.png", b"\x89PNG".as_slice())?;
    /// mail.set_html("<p>At <b>noon</b>?</p><img src='attachments/logo.png'>")?;
    /// assert!(mail.html()?.unwrap().contains("<b>noon</b>"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_html(&mut self, html: &str) -> Result<(), Error> {
        self.set_body(BodyKind::Html, html.as_bytes())
    }

    /// Sets the body as RTF, and makes the plain text from it, unless that was set within the last
    /// ten seconds.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_rtf(br"{\rtf1 At {\b noon}?}")?;
    /// assert!(mail.text()?.unwrap().contains("At noon?"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for bytes that are no RTF.
    pub fn set_rtf(&mut self, rtf: &[u8]) -> Result<(), Error> {
        self.set_body(BodyKind::Rtf, rtf)
    }

    /// Attaches a file. If the name ends in `.msg` and the bytes are a `.msg` file, it becomes an
    /// embedded message.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.add_attachment("menu.txt", "Soup")?;
    /// assert_eq!(mail.attachments()?[0].name(), "menu.txt");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for a name that is not a file name.
    pub fn add_attachment(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        let bytes = Arc::new(Source::from_bytes(bytes.into()));
        self.edit(|message| attachments::set(message, name, None, &bytes).map(drop))
    }

    /// Replaces the bytes of an attached file.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.add_attachment("menu.txt", "Soup")?;
    /// let menu = mail.attachments()?.remove(0);
    /// mail.set_attachment(&menu, "Salad")?;
    /// assert_eq!(mail.attachments()?[0].read()?, b"Salad");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::NotSettable`] for an attachment that is not a file.
    pub fn set_attachment(
        &mut self,
        attachment: &Attachment,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<(), Error> {
        let bytes = Arc::new(Source::from_bytes(bytes.into()));
        let existing = Some((attachment.number()?, attachment.shown_as()));
        let name = attachment.name();
        self.edit(|message| attachments::set(message, name, existing, &bytes).map(drop))
    }

    /// Removes an attachment of this message.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.add_attachment("menu.txt", "Soup")?;
    /// let menu = mail.attachments()?.remove(0);
    /// mail.remove_attachment(&menu)?;
    /// assert!(mail.attachments()?.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn remove_attachment(&mut self, attachment: &Attachment) -> Result<(), Error> {
        let number = attachment.number()?;
        self.edit(|message| Ok(message.delete_attachment(number)?))
    }

    fn set_field(&mut self, field: &TextField, text: &str) -> Result<(), Error> {
        self.edit(|message: &Message| match text {
            "" => field.remove(message),
            text => field.set(message, text),
        })
    }

    fn set_addresses(&mut self, field: &TextField, addresses: &[Address]) -> Result<(), Error> {
        self.edit(|message| field.set_addresses(message, addresses))
    }

    fn set_body(&mut self, body: BodyKind, bytes: &[u8]) -> Result<(), Error> {
        let mut set = SetBodies::new(self.bodies_set, Instant::now(), self.message().is_new());
        self.edit(|message| bodies::set(message, &mut set, body, bytes))?;
        self.bodies_set = set.times();
        Ok(())
    }
}
