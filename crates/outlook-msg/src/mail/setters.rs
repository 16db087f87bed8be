//! The values of a mail, set: each in the form in which its getter gives it.

use std::sync::Arc;
use std::time::Instant;

use crate::imsg::{Address, Message};
use crate::mapi::FileTime;
use crate::storage::Source;

use super::attachment::Attachment;
use super::edit::{SetBodies, attachments, bodies, reader};
use super::error::Error;
use super::fields::Importance;
use super::opened::Mail;
use super::reader::{BodyFile, ReaderFile};

/// What a message is to say.
///
/// An empty text, and no address, removes the value. What follows from a value is set with it: the
/// field of the header that the message came with, the search keys of an address, the bodies that
/// would say something else.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("invitation.msg");
/// use outlook_msg::mail::{Address, Mail};
///
/// let ann = Address { name: "Ann".to_owned(), address: "ann@example.org".to_owned() };
/// let mut mail = Mail::create()?;
/// mail.set_subject("Lunch on Friday")?;
/// mail.set_to(&[ann])?;
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
    /// # Errors
    /// [`Error::Open`] if the file cannot be opened for writing, [`Error::Message`] where the
    /// message refuses: it is so damaged that a save would lose something, say.
    pub fn set_subject(&mut self, subject: &str) -> Result<(), Error> {
        self.set_field(ReaderFile::Subject, subject)
    }

    /// Sets on whose behalf it is sent.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_from(&mut self, from: &Address) -> Result<(), Error> {
        self.set_addresses(ReaderFile::From, std::slice::from_ref(from))
    }

    /// Sets who sends it.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_sender(&mut self, sender: &Address) -> Result<(), Error> {
        self.set_addresses(ReaderFile::Sender, std::slice::from_ref(sender))
    }

    /// Sets to whom it is sent, in place of all who were there.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_to(&mut self, to: &[Address]) -> Result<(), Error> {
        self.set_addresses(ReaderFile::To, to)
    }

    /// Sets to whom copies are sent, in place of all who were there.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_cc(&mut self, cc: &[Address]) -> Result<(), Error> {
        self.set_addresses(ReaderFile::Cc, cc)
    }

    /// Sets to whom copies are sent without the others knowing, in place of all who were there.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_bcc(&mut self, bcc: &[Address]) -> Result<(), Error> {
        self.set_addresses(ReaderFile::Bcc, bcc)
    }

    /// Sets where replies go.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_reply_to(&mut self, reply_to: &[Address]) -> Result<(), Error> {
        self.set_addresses(ReaderFile::ReplyTo, reply_to)
    }

    /// Sets when it was sent.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_date(&mut self, date: FileTime) -> Result<(), Error> {
        self.set_field(ReaderFile::Date, &date.to_string())
    }

    /// Sets when it arrived.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_received(&mut self, received: FileTime) -> Result<(), Error> {
        self.set_field(ReaderFile::Received, &received.to_string())
    }

    /// Sets what kind of item it is, as `IPM.Note`.
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for more than a line.
    pub fn set_message_class(&mut self, class: &str) -> Result<(), Error> {
        self.set_field(ReaderFile::Class, class)
    }

    /// Sets the `Message-ID`, in its angle brackets.
    ///
    /// # Errors
    /// As [`Mail::set_message_class`].
    pub fn set_message_id(&mut self, id: &str) -> Result<(), Error> {
        self.set_field(ReaderFile::MessageId, id)
    }

    /// Sets how important it is to its sender.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_importance(&mut self, importance: Importance) -> Result<(), Error> {
        self.set_field(ReaderFile::Importance, &importance.to_string())
    }

    /// Sets the categories, in place of those that were there.
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for one that has a line end.
    pub fn set_categories<T: AsRef<str>>(&mut self, categories: &[T]) -> Result<(), Error> {
        let mut lines = String::new();
        for category in categories {
            if category.as_ref().contains(['\n', '\r']) {
                return Err(Error::invalid("categories of one line each"));
            }
            lines.push_str(category.as_ref());
            lines.push('\n');
        }
        self.set_field(ReaderFile::Categories, &lines)
    }

    /// Sets the header that it came with, in lines.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_headers(&mut self, headers: &str) -> Result<(), Error> {
        self.set_field(ReaderFile::Headers, headers)
    }

    /// Sets the body as plain text. It takes the place of the formatted bodies, unless those were
    /// set within ten seconds or say the same words.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_text(&mut self, text: &str) -> Result<(), Error> {
        self.set_body(BodyFile::Text, text.as_bytes())
    }

    /// Sets the body as HTML. Paths of attachments, as `attachments/logo.png`, become references to
    /// them when it is saved. The plain text is made from it, unless that is set too.
    ///
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn set_html(&mut self, html: &str) -> Result<(), Error> {
        self.set_body(BodyFile::Html, html.as_bytes())
    }

    /// Sets the body as RTF. The plain text is made from it, unless that is set too.
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for what is no RTF.
    pub fn set_rtf(&mut self, rtf: &[u8]) -> Result<(), Error> {
        self.set_body(BodyFile::Rtf, rtf)
    }

    /// Attaches a file. The bytes of a `.msg` file under a name that ends so become an embedded
    /// message.
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::Invalid`] for a name that is no file name.
    pub fn add_attachment(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        let bytes = Arc::new(Source::from_bytes(bytes.into()));
        self.edit(|message| attachments::set(message, name, None, &bytes).map(drop))
    }

    /// Sets the bytes of an attached file.
    ///
    /// # Errors
    /// As [`Mail::set_subject`]; [`Error::NotSettable`] for what is no file.
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
    /// # Errors
    /// As [`Mail::set_subject`].
    pub fn remove_attachment(&mut self, attachment: &Attachment) -> Result<(), Error> {
        let number = attachment.number()?;
        self.edit(|message| Ok(message.delete_attachment(number)?))
    }

    fn set_field(&mut self, field: ReaderFile, text: &str) -> Result<(), Error> {
        self.edit(|message: &Message| match text {
            "" => reader::remove(message, field),
            text => reader::set(message, field, text),
        })
    }

    fn set_addresses(&mut self, field: ReaderFile, addresses: &[Address]) -> Result<(), Error> {
        self.edit(|message| reader::set_addresses(message, field, addresses))
    }

    fn set_body(&mut self, body: BodyFile, bytes: &[u8]) -> Result<(), Error> {
        let mut set = SetBodies::new(self.bodies_set, Instant::now(), self.message().is_new());
        self.edit(|message| bodies::set(message, &mut set, body, bytes))?;
        self.bodies_set = set.times();
        Ok(())
    }
}
