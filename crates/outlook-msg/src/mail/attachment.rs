//! An attachment of a mail: its content as bytes, as a reader, as a file, as a message.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::imsg::{self, Defect};
use crate::mapi::Value;

use super::attachments::{Shown, ShownAttachment, reference_target};
use super::bodies::Bodies;
use super::content::{self, Content};
use super::error::Error;
use super::inline::{self, Referred};
use super::key::PropertyKey;
use super::media_type::media_type;
use super::names::portable;
use super::opened::{Mail, Opened};

/// What an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachmentKind {
    /// A file.
    File,
    /// A message: [`Attachment::message`] opens it.
    Message,
    /// An OLE object, such as a drawing, as a compound file.
    Ole,
    /// A path or address of a file that is elsewhere: [`Attachment::target`].
    Link,
}

/// An attachment. It holds its message open.
#[derive(Clone, Debug)]
pub struct Attachment {
    opened: Arc<Opened>,
    index: usize,
    name: String,
    shown: Shown,
    content: Arc<OnceLock<Content>>,
}

/// The bytes of an attachment as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Partial {
    /// What can be read.
    pub bytes: Vec<u8>,
    /// What is missing of it; nothing if all of it is there.
    pub missing: Vec<Defect>,
}

/// The content of an attachment as a file that is read: [`Attachment::open`].
#[derive(Debug)]
pub struct AttachmentReader {
    content: Content,
    len: u64,
    position: u64,
}

impl Attachment {
    /// `None` for an attachment that has no content of any kind.
    pub(super) fn of(opened: &Arc<Opened>, index: usize) -> Option<Self> {
        let (name, shown) = opened.attachments().get(index)?.entry.clone()?;
        let content = Arc::default();
        Some(Self { opened: Arc::clone(opened), index, name, shown, content })
    }

    /// Its name: a file name of one component, which no other attachment of the message has. It is
    /// that of the file in `attachments/` of a mounted message.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> AttachmentKind {
        match self.shown {
            Shown::Data | Shown::DataFork { .. } => AttachmentKind::File,
            Shown::Message(_) => AttachmentKind::Message,
            Shown::Ole => AttachmentKind::Ole,
            Shown::Reference => AttachmentKind::Link,
        }
    }

    /// Its media type, as `image/png`: the one that is stored, else that of the extension of its
    /// name.
    #[must_use]
    pub fn media_type(&self) -> String {
        match self.kind() {
            AttachmentKind::Message => "application/vnd.ms-outlook".to_owned(),
            AttachmentKind::Link => "text/plain".to_owned(),
            AttachmentKind::File | AttachmentKind::Ole => {
                self.shown().map_or_else(String::new, |one| media_type(&one.attachment, &self.name))
            }
        }
    }

    /// Its length in bytes. Of a message it is that of the `.msg` file, which has to be made for
    /// it.
    ///
    /// # Errors
    /// Where the content cannot be opened.
    pub fn size(&self) -> Result<u64, Error> {
        self.content()?.len()
    }

    /// The content id by which an HTML body refers to it, without angle brackets.
    #[must_use]
    pub fn content_id(&self) -> Option<String> {
        inline::content_id(&self.shown()?.attachment)
    }

    /// Whether it belongs into the HTML body, a picture mostly, and not into a list of attachments.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        let referred = self.opened.referred.get_or_init(|| {
            let referred = std::cell::RefCell::new(Referred::default());
            let html = Bodies::new(&self.opened.message).mailed_html(&|reference| {
                referred.borrow_mut().insert(reference);
                None
            });
            html.map(|_| referred.into_inner())
        });
        let Some((referred, shown)) = referred.as_ref().zip(self.shown()) else { return false };
        inline::is_inline(&shown.attachment, referred)
    }

    /// All of its bytes. Of a message they are a `.msg` file, of a link its text.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a part of them cannot be read: [`Attachment::read_partial`] gives the
    /// rest.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let Partial { bytes, missing } = self.read_partial()?;
        match missing.into_iter().next() {
            Some(defect) => Err(Error::Damaged(defect)),
            None => Ok(bytes),
        }
    }

    /// Its bytes as far as they can be read, and what is missing.
    ///
    /// # Errors
    /// Where nothing of it can be opened.
    pub fn read_partial(&self) -> Result<Partial, Error> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(Partial { bytes, missing: self.missing()? })
    }

    /// Opens it for reading from any position.
    ///
    /// # Errors
    /// As [`Attachment::read`]: a reader cannot tell the end of a file from the end of what can be
    /// read of it.
    pub fn open(&self) -> Result<AttachmentReader, Error> {
        match self.missing()?.into_iter().next() {
            Some(defect) => Err(Error::Damaged(defect)),
            None => self.reader(),
        }
    }

    /// The message that it is; `None` if it is something else.
    ///
    /// # Errors
    /// Where the message cannot be opened.
    pub fn message(&self) -> Result<Option<Mail>, Error> {
        match (self.shown, self.shown()) {
            (Shown::Message(_), Some(shown)) => {
                Ok(Some(Mail::of(shown.attachment.embedded_message()?)))
            }
            _ => Ok(None),
        }
    }

    /// The path or address of a link. It is never followed.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        match self.shown {
            Shown::Reference => reference_target(&self.shown()?.attachment),
            _ => None,
        }
    }

    /// Writes it into a new file in a folder, and gives the path of that. The file has the name of
    /// the attachment, made one that every system takes; if there is a file of this name already,
    /// it gets a number. It never lies outside of the folder.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read as a whole: no file is made. Those of writing the
    /// file; what was written of it is removed.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let mut content = self.open()?;
        let folder = folder.as_ref();
        for number in 1..=SAVED_MAX {
            let path = folder.join(portable(&self.name, number));
            let failed = |source| Error::Save { path: path.clone(), source };
            // What is there already is never written to, wherever a link of this name leads.
            let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened.map_err(failed)?,
            };
            if let Err(error) = io::copy(&mut content, &mut file) {
                let _ = std::fs::remove_file(&path);
                return Err(failed(error));
            }
            return Ok(path);
        }
        let path = folder.join(portable(&self.name, SAVED_MAX));
        Err(Error::Save { path, source: io::ErrorKind::AlreadyExists.into() })
    }

    /// A property, as [`Mail::property`].
    ///
    /// # Errors
    /// As there.
    pub fn property<'a>(&self, key: impl Into<PropertyKey<'a>>) -> Result<Option<Value>, Error> {
        let Some(shown) = self.shown() else { return Ok(None) };
        key.into().value(&shown.attachment, &*self.opened.message.names()?)
    }

    /// The open attachment (`IAttach`), for what there is no getter for.
    #[must_use]
    pub fn attachment(&self) -> Option<&imsg::Attachment> {
        Some(&self.shown()?.attachment)
    }

    /// Its number in the message (`PR_ATTACH_NUM`).
    pub(super) fn number(&self) -> Result<u32, Error> {
        Ok(self.found()?.attachment.number()?)
    }

    pub(super) fn shown_as(&self) -> Shown {
        self.shown
    }

    fn found(&self) -> Result<&ShownAttachment, Error> {
        let place = || self.opened.message.storage().map(|one| one.path()).unwrap_or_default();
        self.shown().ok_or_else(|| {
            let what = format!("attachment {:?}", self.name);
            imsg::Error::NoObject { place: place(), what }.into()
        })
    }

    fn shown(&self) -> Option<&ShownAttachment> {
        self.opened.attachments().get(self.index)
    }

    fn content(&self) -> Result<&Content, Error> {
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let shown = self.found()?;
        let content = content::of_attachment(&shown.attachment, self.shown)?;
        Ok(self.content.get_or_init(|| content))
    }

    fn reader(&self) -> Result<AttachmentReader, Error> {
        let content = self.content()?.clone();
        let len = content.len()?;
        Ok(AttachmentReader { content, len, position: 0 })
    }

    /// What of the content cannot be read.
    fn missing(&self) -> Result<Vec<Defect>, Error> {
        let Some(shown) = self.shown() else { return Ok(Vec::new()) };
        match self.shown {
            Shown::Message(_) => Mail::of(shown.attachment.embedded_message()?).defects(),
            _ => Ok(shown.missing.clone()),
        }
    }
}

/// As many files of one name are told apart in a folder.
const SAVED_MAX: u32 = 10_000;

impl AttachmentReader {
    /// The length of the content in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.len
    }
}

impl Read for AttachmentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.content.read(self.position, buffer.len()).map_err(io::Error::other)?;
        let target = buffer.get_mut(..bytes.len()).ok_or(io::ErrorKind::InvalidData)?;
        target.copy_from_slice(&bytes);
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Seek for AttachmentReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a position before the start");
        self.position = position.ok_or_else(before)?;
        Ok(self.position)
    }
}
