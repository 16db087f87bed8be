//! [`Mail`], and how a message is opened.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::imsg::{Access, Message, Session, SessionOptions};
use crate::mail::attachments::derived::Inside;
use crate::mail::attachments::inline::Referred;
use crate::mail::attachments::{ShownAttachment, shown_attachments};
use crate::mail::defects::MailFindings;
use crate::mail::edit::Times;
use crate::mail::error::Error;
use crate::storage::{CompoundFile, Source};

/// [`Mail::from_reader`] reads at most this many bytes: 1 GiB.
pub const READER_BYTES_MAX: u64 = 1 << 30;

/// A message: in a `.msg` file, or embedded in an attachment.
///
/// If the message does not have a value, the getter of one value returns `Ok(None)`, and the getter
/// of a list an empty list. If a property is damaged, a getter uses the part that can be read. If
/// nothing can be read, it uses the same other properties as if the property were missing, and
/// returns an error only if these have no value either. [`Mail::defects`] lists everything that is
/// damaged.
///
/// Its methods are in groups: constructors, one getter for each value, one setter for each value
/// that can be set, saving, and exports to other formats.
///
/// A `Mail` can be sent to another thread, and threads can share it.
#[derive(Debug)]
pub struct Mail {
    pub(super) opened: Arc<OpenedMail>,
    pub(super) path: Option<PathBuf>,
    /// The session in which this `Mail` was opened. `None` if the caller opened the message in a
    /// session of its own ([`Mail::of`]).
    pub(super) session: Option<Session>,
    /// When each body was last set.
    pub(super) bodies_set: Times,
}

/// What a [`Mail`] and its [`Attachment`](crate::mail::Attachment)s share.
#[derive(Debug)]
pub(super) struct OpenedMail {
    pub(super) message: Message,
    /// Those on whatever the file of the message was made from.
    pub(super) outer: MailFindings,
    attachments: OnceLock<Vec<ShownAttachment>>,
    /// What the HTML body refers to; the inner value is `None` if there is no HTML body.
    pub(super) referred: OnceLock<Option<Referred>>,
}

impl OpenedMail {
    pub(super) fn new(message: Message) -> Arc<Self> {
        Self::made_of(message, MailFindings::default())
    }

    fn made_of(message: Message, outer: MailFindings) -> Arc<Self> {
        let (attachments, referred) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { message, outer, attachments, referred })
    }

    pub(super) fn attachments(&self) -> &[ShownAttachment] {
        self.attachments.get_or_init(|| shown_attachments(&self.message, None))
    }
}

/// As [`Mail::of`], with what was found of whatever the file of the message was made from.
#[must_use]
pub fn mail_made_of(message: Message, outer: MailFindings) -> Mail {
    Mail { opened: OpenedMail::made_of(message.clone(), outer), ..Mail::of(message) }
}

/// Opens messages.
impl Mail {
    /// Opens a `.msg` file.
    ///
    /// ```no_run
    /// let mail = outlook_msg::Mail::open("Lunch on Friday.msg")?;
    /// println!("{}", mail.subject()?.unwrap_or_default());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Open`], with the cause, if the file does not exist or is not a message.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(&Session::open(SessionOptions::default()), path)
    }

    /// Opens a `.msg` file in a session. The session has the code page of 8-bit strings; closing it
    /// closes the mail.
    ///
    /// ```no_run
    /// use outlook_msg::imsg::{Session, SessionOptions};
    /// use outlook_msg::mail::{CodePage, Mail};
    ///
    /// // Japanese, whatever the message says.
    /// let session = Session::open(SessionOptions { code_page: CodePage::new(932) });
    /// let mail = Mail::open_in(&session, "見積書の件.msg")?;
    /// println!("{}", mail.subject()?.unwrap_or_default());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::open`].
    pub fn open_in(session: &Session, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let opened = File::open(path)
            .and_then(Source::from_file)
            .map_err(Error::from)
            .and_then(|(source, _)| Self::of_source(session, source));
        match opened {
            Ok(mail) => Ok(Self { path: Some(path.to_owned()), ..mail }),
            Err(error) => Err(Error::Open { path: path.to_owned(), source: Box::new(error) }),
        }
    }

    /// Opens a message from the bytes of a `.msg` file.
    ///
    /// ```
    /// # use outlook_msg::Mail;
    /// # let mut bytes = Vec::new();
    /// # Mail::create()?.to_msg(&mut bytes)?;
    /// let mail = Mail::from_bytes(bytes)?;
    /// assert!(mail.path().is_none());
    /// assert!(Mail::from_bytes("not a message").is_err());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the bytes are not a message.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        Self::from_bytes_in(&Session::open(SessionOptions::default()), bytes)
    }

    /// Opens a message from the bytes of a `.msg` file, in a session.
    ///
    /// ```
    /// # use outlook_msg::Mail;
    /// # use outlook_msg::imsg::{Session, SessionOptions};
    /// # let mut bytes = Vec::new();
    /// # Mail::create()?.to_msg(&mut bytes)?;
    /// let session = Session::open(SessionOptions::default());
    /// let mail = Mail::from_bytes_in(&session, bytes)?;
    /// assert_eq!(session.close().messages, 1);
    /// assert!(mail.subject().is_err(), "the session is closed");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::from_bytes`].
    pub fn from_bytes_in(session: &Session, bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        Self::of_source(session, Source::from_bytes(bytes.into()))
    }

    /// Reads a `.msg` file from a reader to its end, and opens the message in it. At most
    /// [`READER_BYTES_MAX`] bytes are accepted.
    ///
    /// ```no_run
    /// let mail = outlook_msg::Mail::from_reader(std::io::stdin())?;
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the reader has more bytes, [`Error::Io`] if it fails, else as
    /// [`Mail::from_bytes`].
    pub fn from_reader(reader: impl Read) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        reader.take(READER_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READER_BYTES_MAX {
            return Err(Error::TooLarge { bytes_max: READER_BYTES_MAX });
        }
        Self::from_bytes(bytes)
    }

    /// Wraps a message that is open in a session, to use the getters of a mail on it.
    ///
    /// ```no_run
    /// use outlook_msg::Mail;
    /// use outlook_msg::imsg::{Session, SessionOptions};
    ///
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.open_file("Lunch on Friday.msg")?;
    /// println!("{}", Mail::of(message).text()?.unwrap_or_default());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn of(message: Message) -> Self {
        Self {
            opened: OpenedMail::new(message),
            path: None,
            session: None,
            bodies_set: Times::default(),
        }
    }

    /// The message inside of an attachment.
    pub(super) fn inside(inside: Inside) -> Self {
        let outer = MailFindings { defects: inside.defects, notes: inside.notes };
        mail_made_of(inside.message, outer)
    }

    fn of_source(session: &Session, source: Source) -> Result<Self, Error> {
        let file = CompoundFile::open(source)?;
        let message = session.open_message(&file.root(), Access::Read)?;
        Ok(Self { session: Some(session.clone()), ..Self::of(message) })
    }

    /// The file that the mail was opened from, or saved in last.
    ///
    /// ```no_run
    /// # use std::path::Path;
    /// let mail = outlook_msg::Mail::open("Lunch on Friday.msg")?;
    /// assert_eq!(mail.path(), Some(Path::new("Lunch on Friday.msg")));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The open message (`IMessage`), for everything that `Mail` has no getter or setter for.
    ///
    /// ```
    /// use outlook_msg::imsg::MapiProp as _;
    ///
    /// let mail = outlook_msg::Mail::create()?;
    /// for tag in mail.message().property_tags()? {
    ///     println!("{tag}");
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.opened.message
    }
}
