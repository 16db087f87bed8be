//! How a message is opened: [`Mail`].

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::imsg::{Access, Message, Session, SessionOptions};
use crate::storage::{CompoundFile, Source};

use super::attachments::{ShownAttachment, shown_attachments};
use super::edit::Times;
use super::error::Error;
use super::inline::Referred;

/// [`Mail::from_reader`] reads at most this many bytes: 1 GiB.
pub const READER_BYTES_MAX: u64 = 1 << 30;

/// A message: that of a `.msg` file, or one that is embedded in an attachment.
///
/// A getter of one value gives `Ok(None)` if the message does not have the value; a getter of
/// several gives an empty list. If a property is damaged, the getter takes what can be read of it,
/// else what it takes where the property is missing; it is an error only if nothing is found.
/// [`Mail::defects`] lists everything that is damaged.
///
/// Threads can send a `Mail` to each other and share it.
#[derive(Debug)]
pub struct Mail {
    pub(super) opened: Arc<OpenedMail>,
    pub(super) path: Option<PathBuf>,
    /// The session that the mail was opened in. `None` if the message was opened by somebody else:
    /// their session stays theirs.
    pub(super) session: Option<Session>,
    /// When each body was set.
    pub(super) bodies_set: Times,
}

/// What a mail and its attachments share.
#[derive(Debug)]
pub(super) struct OpenedMail {
    pub(super) message: Message,
    attachments: OnceLock<Vec<ShownAttachment>>,
    /// What the HTML body refers to; `None` inside if there is no HTML body.
    pub(super) referred: OnceLock<Option<Referred>>,
}

impl OpenedMail {
    pub(super) fn new(message: Message) -> Arc<Self> {
        Arc::new(Self { message, attachments: OnceLock::new(), referred: OnceLock::new() })
    }

    pub(super) fn attachments(&self) -> &[ShownAttachment] {
        self.attachments.get_or_init(|| shown_attachments(&self.message, None))
    }
}

/// How a mail is opened.
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
    /// [`Error::Open`], with the cause, if there is no such file, or no message in it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(&Session::open(SessionOptions::default()), path)
    }

    /// Opens a `.msg` file in a session. The session says by which code page 8-bit strings are
    /// read; when it is closed, the mail is closed.
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
    /// If there is no message in them.
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

    /// Reads a `.msg` file from a reader, to its end, and opens the message in it. At most
    /// [`READER_BYTES_MAX`] bytes are read.
    ///
    /// ```no_run
    /// let mail = outlook_msg::Mail::from_reader(std::io::stdin())?;
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the reader gives more bytes, [`Error::Io`] if it fails, else as
    /// [`Mail::from_bytes`].
    pub fn from_reader(reader: impl Read) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        reader.take(READER_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READER_BYTES_MAX {
            return Err(Error::TooLarge { bytes_max: READER_BYTES_MAX });
        }
        Self::from_bytes(bytes)
    }

    /// Takes a message that is open in a session, so that it can be asked by the getters of a
    /// mail.
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

    /// The open message (`IMessage`), for what `Mail` has no getter or setter for.
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
