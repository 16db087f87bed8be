//! A message as it is opened and asked: [`Mail`].

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::body::html::{Reference, Remote};
use crate::imsg::{
    self, Access, Address, Defect, MapiProp, Message, Note, RecipientType, Session, SessionOptions,
};
use crate::mapi::{FileTime, PropertyTag, Value, tags};
use crate::storage::{CompoundFile, Source};

use super::attachment::Attachment;
use super::attachments::{ShownAttachment, references, shown_attachments};
use super::bodies::Bodies;
use super::defects;
use super::edit::Times;
use super::error::Error;
use super::event::Event;
use super::fields::{self, Conversation, Importance, MessageFlags, Reactions, Voting};
use super::ics;
use super::inline::Referred;
use super::key::PropertyKey;
use super::recipient::Recipient;
use super::text::unix_lines;

/// [`Mail::from_reader`] reads at most this many bytes: 1 GiB.
pub const READER_BYTES_MAX: u64 = 1 << 30;

/// A message: of a `.msg` file, or embedded in an attachment of another one.
///
/// Getters of one value give `Ok(None)` if the message does not have it. A value that is damaged
/// is taken as far as it can be read, and else falls back as one that is missing does; it is an
/// error only if nothing is found. [`Mail::defects`] tells what is damaged.
///
/// A `Mail` can be sent to and shared by threads.
#[derive(Debug)]
pub struct Mail {
    pub(super) opened: Arc<Opened>,
    pub(super) path: Option<PathBuf>,
    /// What was opened with it; `None` if that belongs to somebody else.
    pub(super) session: Option<Session>,
    /// When each body was set.
    pub(super) bodies_set: Times,
}

/// What a mail and its attachments share.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) message: Message,
    attachments: OnceLock<Vec<ShownAttachment>>,
    /// What the HTML body refers to, if there is one.
    pub(super) referred: OnceLock<Option<Referred>>,
}

impl Opened {
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
    /// # fn main() -> Result<(), outlook_msg::mail::Error> {
    /// let mail = outlook_msg::Mail::open("Lunch on Friday.msg")?;
    /// println!("{}", mail.subject()?.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Open`], with the cause, if there is no such file, or no message in it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(&Session::open(SessionOptions::default()), path)
    }

    /// Opens a `.msg` file in a session, which says how strings are read, and ends the mail when
    /// it is closed.
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

    /// Opens the message that the bytes of a `.msg` file hold.
    ///
    /// # Errors
    /// If there is no message in them.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        Self::from_bytes_in(&Session::open(SessionOptions::default()), bytes)
    }

    /// Opens the message that the bytes of a `.msg` file hold in a session.
    ///
    /// # Errors
    /// As [`Mail::from_bytes`].
    pub fn from_bytes_in(session: &Session, bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        Self::of_source(session, Source::from_bytes(bytes.into()))
    }

    /// Opens the message that a reader gives, which is read to its end: at most
    /// [`READER_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond that, [`Error::Io`] of the reader, else as
    /// [`Mail::from_bytes`].
    pub fn from_reader(reader: impl Read) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        reader.take(READER_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READER_BYTES_MAX {
            return Err(Error::TooLarge { bytes_max: READER_BYTES_MAX });
        }
        Self::from_bytes(bytes)
    }

    /// The mail that an open message is.
    #[must_use]
    pub fn of(message: Message) -> Self {
        Self {
            opened: Opened::new(message),
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

    /// The file it was opened from, or saved to.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The open message (`IMessage`), for what there is no getter for.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.opened.message
    }
}

/// What a message says.
///
/// The values are those of the files of the same names in a mounted message, without the line end
/// behind them.
impl Mail {
    /// The subject.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is one of which nothing can be read.
    pub fn subject(&self) -> Result<Option<String>, Error> {
        self.found(fields::subject(self.message()), &fields::SUBJECT)
    }

    /// On whose behalf it was sent, else who sent it.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is a name or an address, and nothing of either can be read.
    pub fn from(&self) -> Result<Option<Address>, Error> {
        self.found(fields::from(self.message()), &fields::FROM)
    }

    /// Who sent it.
    ///
    /// # Errors
    /// As [`Mail::from`].
    pub fn sender(&self) -> Result<Option<Address>, Error> {
        self.found(fields::sender(self.message()), &fields::SENDER)
    }

    /// To whom it was sent.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn to(&self) -> Result<Vec<Address>, Error> {
        self.addressed(RecipientType::To)
    }

    /// To whom copies were sent.
    ///
    /// # Errors
    /// As [`Mail::to`].
    pub fn cc(&self) -> Result<Vec<Address>, Error> {
        self.addressed(RecipientType::Cc)
    }

    /// To whom copies were sent without the others knowing.
    ///
    /// # Errors
    /// As [`Mail::to`].
    pub fn bcc(&self) -> Result<Vec<Address>, Error> {
        self.addressed(RecipientType::Bcc)
    }

    /// Where replies go, if not to whom it is from.
    ///
    /// # Errors
    /// As [`Mail::from`].
    pub fn reply_to(&self) -> Result<Vec<Address>, Error> {
        let tags = [tags::PR_REPLY_RECIPIENT_ENTRIES, tags::PR_REPLY_RECIPIENT_NAMES];
        self.found_some(fields::reply_to(self.message()), &tags)
    }

    /// When it was sent.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the time cannot be read.
    pub fn date(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::date(self.message()), &[tags::PR_CLIENT_SUBMIT_TIME])
    }

    /// When it arrived.
    ///
    /// # Errors
    /// As [`Mail::date`].
    pub fn received(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::received(self.message()), &[tags::PR_MESSAGE_DELIVERY_TIME])
    }

    /// What kind of item it is, as `IPM.Note` (\[MS-OXCMSG\] 2.2.1.3).
    ///
    /// # Errors
    /// [`Error::Damaged`] if nothing of it can be read.
    pub fn message_class(&self) -> Result<Option<String>, Error> {
        self.found(fields::message_class(self.message()), &[tags::PR_MESSAGE_CLASS])
    }

    /// The `Message-ID`, in its angle brackets.
    ///
    /// # Errors
    /// As [`Mail::message_class`].
    pub fn message_id(&self) -> Result<Option<String>, Error> {
        self.found(fields::message_id(self.message()), &[tags::PR_INTERNET_MESSAGE_ID])
    }

    /// The `Message-ID` of what it answers.
    ///
    /// # Errors
    /// As [`Mail::message_class`].
    pub fn in_reply_to(&self) -> Result<Option<String>, Error> {
        self.found(fields::in_reply_to(self.message()), &[tags::PR_IN_REPLY_TO_ID])
    }

    /// The `Message-ID`s of what it goes back to, the oldest first.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there are some of which nothing can be read.
    pub fn references(&self) -> Result<Vec<String>, Error> {
        self.found_some(fields::references(self.message()), &[tags::PR_INTERNET_REFERENCES])
    }

    /// When it was made in its store.
    ///
    /// # Errors
    /// As [`Mail::date`].
    pub fn created(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::created(self.message()), &[tags::PR_CREATION_TIME])
    }

    /// When it was last changed.
    ///
    /// # Errors
    /// As [`Mail::date`].
    pub fn modified(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::modified(self.message()), &[tags::PR_LAST_MODIFICATION_TIME])
    }

    /// How important it is to its sender.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read.
    pub fn importance(&self) -> Result<Option<Importance>, Error> {
        self.found(fields::importance(self.message()), &[tags::PR_IMPORTANCE])
    }

    /// The categories.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn categories(&self) -> Result<Vec<String>, Error> {
        self.found_some(fields::categories(self.message()), &[])
    }

    /// The header that it came with over the internet, in lines.
    ///
    /// # Errors
    /// [`Error::Damaged`] if nothing of it can be read.
    pub fn headers(&self) -> Result<Option<String>, Error> {
        self.found(fields::headers(self.message()), &[tags::PR_TRANSPORT_MESSAGE_HEADERS])
    }

    /// The conversation that it is part of.
    ///
    /// # Errors
    /// As [`Mail::headers`].
    pub fn conversation(&self) -> Result<Option<Conversation>, Error> {
        let tags = [tags::PR_CONVERSATION_TOPIC, tags::PR_CONVERSATION_INDEX];
        self.found(fields::conversation(self.message()), &tags)
    }

    /// What became of it: read, sent.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read.
    pub fn flags(&self) -> Result<Option<MessageFlags>, Error> {
        self.found(fields::flags(self.message()), &[tags::PR_MESSAGE_FLAGS])
    }

    /// The answers that it offers to vote with, and the one that it is.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn voting(&self) -> Result<Option<Voting>, Error> {
        self.found(fields::voting(self.message()), &[])
    }

    /// The reactions to it, as far as it was saved with them.
    ///
    /// # Errors
    /// As [`Mail::voting`].
    pub fn reactions(&self) -> Result<Option<Reactions>, Error> {
        self.found(fields::reactions(self.message()), &[])
    }

    /// The appointment or meeting that it is, or is about.
    ///
    /// # Errors
    /// As [`Mail::voting`].
    pub fn event(&self) -> Result<Option<Event>, Error> {
        self.found(ics::values(self.message()), &[])
    }

    /// The length of its file in bytes; of an embedded message what its store says
    /// (`PR_MESSAGE_SIZE`), if it says anything.
    ///
    /// # Errors
    /// As [`Mail::voting`].
    pub fn size(&self) -> Result<Option<u64>, Error> {
        let storage = self.message().storage()?;
        let source = storage.file().source();
        if storage.parent().is_none() && !source.is_empty() {
            return Ok(Some(source.len()));
        }
        let stated = self.message().integer(tags::PR_MESSAGE_SIZE);
        self.found(stated.and_then(|size| u64::try_from(size).ok()), &[])
    }

    /// The body as plain text, in lines: `PR_BODY`, else made from the HTML or the RTF body.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is a body of which nothing can be read.
    pub fn text(&self) -> Result<Option<String>, Error> {
        let text = Bodies::new(self.message()).text().map(|text| unix_lines(&text));
        self.found_body(text, &BODIES)
    }

    /// The body as HTML: `PR_HTML` decoded, else what is in the RTF body. References to attachments
    /// are relative paths, `attachments/NAME`. A browser that opens it runs no script and loads
    /// nothing from elsewhere: it has a Content-Security-Policy.
    ///
    /// # Errors
    /// As [`Mail::text`].
    pub fn html(&self) -> Result<Option<String>, Error> {
        let references = OnceLock::new();
        let bodies = Bodies::new(self.message());
        let resolve = |reference: Reference<'_>| {
            references.get_or_init(|| references_of(&self.opened)).path(&reference)
        };
        let html = bodies.html(&resolve, Remote::Blocked);
        self.found_body(html, &[tags::PR_HTML, tags::PR_BODY_HTML])
    }

    /// The body as HTML as it is mailed: references to attachments stay as they are, `cid:` mostly,
    /// and nothing keeps a browser from loading what lies elsewhere. To be shown only where that
    /// is taken care of; [`Mail::html`] is safe.
    ///
    /// # Errors
    /// As [`Mail::text`].
    pub fn mailed_html(&self) -> Result<Option<String>, Error> {
        let html = Bodies::new(self.message()).mailed_html(&|_| None);
        self.found_body(html, &[tags::PR_HTML, tags::PR_BODY_HTML])
    }

    /// The body as RTF, if that is what it was written in.
    ///
    /// # Errors
    /// As [`Mail::text`].
    pub fn rtf(&self) -> Result<Option<Vec<u8>>, Error> {
        let bodies = Bodies::new(self.message());
        match bodies.rtf() {
            // RTF that only wraps another body is not missed.
            None if !bodies.has_rtf() => self.found(None, &[]),
            rtf => self.found_body(rtf, &[tags::PR_RTF_COMPRESSED]),
        }
    }

    /// The files, messages, objects and links that are attached.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn attachments(&self) -> Result<Vec<Attachment>, Error> {
        self.message().property_set()?;
        let count = self.opened.attachments().len();
        Ok((0..count).filter_map(|index| Attachment::of(&self.opened, index)).collect())
    }

    /// Everybody in the recipient table, in its order.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn recipients(&self) -> Result<Vec<Recipient>, Error> {
        Ok(self.message().recipients()?.into_iter().map(Recipient::of).collect())
    }

    /// What of the message, its recipients and its attachments cannot be read, one entry a place.
    /// What is embedded in it has defects of its own.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        self.message().property_set()?;
        Ok(defects::of_message(self.message(), self.opened.attachments()))
    }

    /// What was read otherwise than the file has it, where nothing is lost: a guessed code page,
    /// say.
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn notes(&self) -> Result<Vec<Note>, Error> {
        self.message().property_set()?;
        Ok(defects::notes_of_message(self.message()))
    }

    /// A property by its tag, or by its name: `PR_SUBJECT`, `0x0037001F`, or of a named property
    /// `PSETID_Appointment/PidLidLocation` (`GetProps`, `GetIDsFromNames`).
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a name that is none, [`Error::Damaged`] if nothing of the value
    /// can be read.
    pub fn property<'a>(&self, key: impl Into<PropertyKey<'a>>) -> Result<Option<Value>, Error> {
        key.into().value(self.message(), &*self.message().names()?)
    }

    fn addressed(&self, wanted: RecipientType) -> Result<Vec<Address>, Error> {
        self.found_some(fields::recipients(self.message(), wanted), &[])
    }

    /// What was found of a value; if that is nothing, why.
    fn found<T>(&self, found: Option<T>, tags: &[PropertyTag]) -> Result<Option<T>, Error> {
        if found.is_none() {
            damage(self.message(), tags)?;
        }
        Ok(found)
    }

    fn found_body<T>(&self, found: Option<T>, tags: &[PropertyTag]) -> Result<Option<T>, Error> {
        match (self.found(found, tags)?, defects::of_rtf(self.message())) {
            (None, Some(defect)) => Err(Error::Damaged(defect)),
            (found, _) => Ok(found),
        }
    }

    fn found_some<T>(&self, found: Vec<T>, tags: &[PropertyTag]) -> Result<Vec<T>, Error> {
        if found.is_empty() {
            damage(self.message(), tags)?;
        }
        Ok(found)
    }
}

/// The properties that bodies are made of.
const BODIES: [PropertyTag; 4] =
    [tags::PR_BODY, tags::PR_HTML, tags::PR_BODY_HTML, tags::PR_RTF_COMPRESSED];

/// The damage of the first of several properties that is damaged, as an error.
pub(super) fn damage(object: &dyn MapiProp, tags: &[PropertyTag]) -> Result<(), Error> {
    // Of a closed session nothing is found either.
    object.property_set()?;
    for tag in tags {
        if let Some(defect) = object.salvage(*tag)?.defect {
            return Err(Error::Damaged(defect));
        }
    }
    Ok(())
}

fn references_of(opened: &Opened) -> super::references::References {
    references(opened.attachments())
}

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Mail>();
    is_shared::<Attachment>();
    is_shared::<Recipient>();
    is_shared::<imsg::Session>();
};
