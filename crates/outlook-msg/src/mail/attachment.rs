//! An attachment of a mail: read as bytes, opened as a reader or as a message, saved as a file.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::imsg::{self, Defect};
use crate::mail::attachments::content::of_attachment;
use crate::mail::attachments::inline::{self, Referred};
use crate::mail::attachments::media_type::media_type;
use crate::mail::attachments::names::{attachment_path, portable};
use crate::mail::attachments::{ContentKind, ShownAttachment, reference_target};
use crate::mail::bodies::Bodies;
use crate::mail::content::Content;
use crate::mail::error::Error;
use crate::mail::key::PropertyKey;
use crate::mail::opened::{Mail, OpenedMail};
use crate::mapi::Value;

/// The kind of an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachmentKind {
    /// A file.
    File,
    /// A message: [`Attachment::message`] opens it.
    Message,
    /// An OLE object, such as a drawing, as a compound file.
    Ole,
    /// A link to a file elsewhere. [`Attachment::target`] gives its path or URL.
    Link,
}

/// An attachment. Its message stays open for as long as this exists.
///
/// Its methods are in groups: what it is (name, kind, media type, size), its content (read, opened,
/// saved as a file, as a message), and any of its properties.
#[derive(Clone, Debug)]
pub struct Attachment {
    opened: Arc<OpenedMail>,
    index: usize,
    name: String,
    shown: ContentKind,
    content: Arc<OnceLock<Content>>,
}

/// What can be read of an attachment: [`Attachment::read_partial`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Partial {
    /// The bytes that can be read.
    pub bytes: Vec<u8>,
    /// What is missing; empty if all bytes are there.
    pub missing: Vec<Defect>,
}

/// Reads an attachment from any position: [`Attachment::open`].
#[derive(Debug)]
pub struct AttachmentReader {
    content: Content,
    len: u64,
    position: u64,
}

impl Attachment {
    /// `None` for an attachment that has no content of any kind.
    pub(super) fn of(opened: &Arc<OpenedMail>, index: usize) -> Option<Self> {
        let (name, shown) = opened.attachments().get(index)?.entry.clone()?;
        let content = Arc::default();
        Some(Self { opened: Arc::clone(opened), index, name, shown, content })
    }

    /// The file name: one path component, which no other attachment of the message has. A mounted
    /// message has the same name in `attachments/`.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.name(), "menu.txt");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the attachment is a file, a message, an OLE object or a link (`PR_ATTACH_METHOD`).
    ///
    /// ```
    /// # use outlook_msg::mail::AttachmentKind;
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.kind(), AttachmentKind::File);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> AttachmentKind {
        match self.shown {
            ContentKind::Data | ContentKind::DataFork { .. } => AttachmentKind::File,
            ContentKind::Message(_) => AttachmentKind::Message,
            ContentKind::Ole => AttachmentKind::Ole,
            ContentKind::Reference => AttachmentKind::Link,
        }
    }

    /// The media type, such as `image/png`: the stored one (`PR_ATTACH_MIME_TAG`), else the usual
    /// one for the extension of the name.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.media_type(), "text/plain");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
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

    /// The length in bytes. For an embedded message, this is the length of a `.msg` file of its
    /// own, which is written to a temporary file for this.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.size()?, 4);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the content cannot be opened.
    pub fn size(&self) -> Result<u64, Error> {
        self.content()?.len()
    }

    /// The content id by which an HTML body refers to the attachment, without angle brackets
    /// (`PR_ATTACH_CONTENT_ID`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// match attachment.content_id() {
    ///     Some(id) => println!("shown where the body says cid:{id}"),
    ///     None => println!("listed below the body"),
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn content_id(&self) -> Option<String> {
        inline::content_id(&self.shown()?.attachment)
    }

    /// Whether the HTML body shows the attachment. Most of these are pictures; a list of
    /// attachments should leave them out.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// let listed: Vec<_> =
    ///     mail.attachments()?.into_iter().filter(|one| !one.is_inline()).collect();
    /// assert_eq!(listed.len(), 1);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
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

    /// All bytes of the attachment. An embedded message is returned as a `.msg` file, a link as a
    /// line with its target.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.read()?, b"Soup");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if a part of them cannot be read. [`Attachment::read_partial`] returns
    /// the part that can be read.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let Partial { bytes, missing } = self.read_partial()?;
        match missing.into_iter().next() {
            Some(defect) => Err(Error::Damaged(defect)),
            None => Ok(bytes),
        }
    }

    /// The bytes that can be read, and what is missing of them.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// let partial = attachment.read_partial()?;
    /// assert_eq!(partial.bytes, b"Soup");
    /// assert!(partial.missing.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the content cannot be opened at all.
    pub fn read_partial(&self) -> Result<Partial, Error> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(Partial { bytes, missing: self.missing()? })
    }

    /// Opens the attachment for reading from any position. The bytes of a large attachment are read
    /// when they are needed.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// use std::io::{Read as _, Seek as _, SeekFrom};
    ///
    /// let mut reader = attachment.open()?;
    /// reader.seek(SeekFrom::Start(2))?;
    /// let mut rest = String::new();
    /// reader.read_to_string(&mut rest)?;
    /// assert_eq!(rest, "up");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Attachment::read`]. A damaged attachment is an error, because its reader could not tell
    /// the damage from the end of the file.
    pub fn open(&self) -> Result<AttachmentReader, Error> {
        match self.missing()?.into_iter().next() {
            Some(defect) => Err(Error::Damaged(defect)),
            None => self.reader(),
        }
    }

    /// Opens the embedded message; `None` for an attachment of another kind.
    ///
    /// ```
    /// # use outlook_msg::Mail;
    /// # let mut inner = Mail::create()?;
    /// # inner.set_subject("Inside")?;
    /// # let mut bytes = Vec::new();
    /// # inner.to_msg(&mut bytes)?;
    /// # let mut mail = Mail::create()?;
    /// # mail.add_attachment("inside.msg", bytes)?;
    /// for attachment in mail.attachments()? {
    ///     if let Some(embedded) = attachment.message()? {
    ///         assert_eq!(embedded.subject()?.as_deref(), Some("Inside"));
    ///     }
    /// }
    /// # assert!(mail.attachments()?[0].message()?.is_some());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the message cannot be opened.
    pub fn message(&self) -> Result<Option<Mail>, Error> {
        match (self.shown, self.shown()) {
            (ContentKind::Message(_), Some(shown)) => {
                Ok(Some(Mail::of(shown.attachment.embedded_message()?)))
            }
            _ => Ok(None),
        }
    }

    /// The path or URL that a link leads to; `None` for an attachment of another kind. The library
    /// never follows the link.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// if let Some(target) = attachment.target() {
    ///     println!("{} is at {target}", attachment.name());
    /// }
    /// # assert!(attachment.target().is_none());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn target(&self) -> Option<String> {
        match self.shown {
            ContentKind::Reference => reference_target(&self.shown()?.attachment),
            _ => None,
        }
    }

    /// Writes the attachment into a new file in a folder, and returns the path of the file.
    ///
    /// The file has the name of the attachment. Characters that some system does not allow in a
    /// name are replaced. If the name exists already, the new file gets a number. The file is never
    /// outside of the folder.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// let path = attachment.save(&folder)?;
    /// assert_eq!(std::fs::read(&path)?, b"Soup");
    /// assert!(path.ends_with("menu.txt"));
    /// // The second file does not overwrite the first one.
    /// assert_ne!(attachment.save(&folder)?, path);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if a part of the attachment cannot be read; then no file is created.
    /// [`Error::Save`] if the file cannot be written; then it is removed.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let mut content = self.open()?;
        let folder = folder.as_ref();
        for number in 1..=SAVED_MAX {
            let path = folder.join(portable(&self.name, number));
            let failed = |source| Error::Save { path: path.clone(), source };
            // `create_new` never opens an existing file, and never follows a symbolic link of this
            // name.
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

    /// A property of the attachment; takes the same keys as [`Mail::property`].
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// let rendered = attachment.property("PR_RENDERING_POSITION")?;
    /// assert_eq!(rendered, Some((-1).into()), "not at a place in the text");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::property`].
    pub fn property<'a>(&self, key: impl Into<PropertyKey<'a>>) -> Result<Option<Value>, Error> {
        let Some(shown) = self.shown() else { return Ok(None) };
        key.into().value(&shown.attachment, &*self.opened.message.names()?)
    }

    /// The open attachment (`IAttach`), for everything that `Attachment` has no getter for.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// use outlook_msg::imsg::MapiProp as _;
    ///
    /// if let Some(attach) = attachment.attachment() {
    ///     assert!(!attach.property_tags()?.is_empty());
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn attachment(&self) -> Option<&imsg::Attachment> {
        Some(&self.shown()?.attachment)
    }

    /// The name of the file in an OLE object, such as `notes.txt` in `Package.ole`; `None` if there
    /// is none.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.inner_name(), None, "it is a file itself");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn inner_name(&self) -> Option<&str> {
        let derived = self.shown()?.derived.as_ref()?;
        (!derived.kind.is_of_message()).then_some(&*derived.name)
    }

    /// The path, in the directory of the message, of what is made from the attachment: of the
    /// message inside it, or of the file in an OLE object.
    pub(super) fn made(&self) -> Option<String> {
        let derived = self.shown()?.derived.as_ref()?;
        Some(match derived.kind.is_of_message() {
            true => derived.name.clone(),
            false => attachment_path(&derived.name),
        })
    }

    /// Its number in the message (`PR_ATTACH_NUM`).
    pub(super) fn number(&self) -> Result<u32, Error> {
        Ok(self.found()?.attachment.number()?)
    }

    pub(super) fn shown_as(&self) -> ContentKind {
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
        let content = of_attachment(&shown.attachment, self.shown)?;
        Ok(self.content.get_or_init(|| content))
    }

    fn reader(&self) -> Result<AttachmentReader, Error> {
        let content = self.content()?.clone();
        let len = content.len()?;
        Ok(AttachmentReader { content, len, position: 0 })
    }

    /// The defects of the content.
    fn missing(&self) -> Result<Vec<Defect>, Error> {
        let Some(shown) = self.shown() else { return Ok(Vec::new()) };
        match self.shown {
            ContentKind::Message(_) => Mail::of(shown.attachment.embedded_message()?).defects(),
            _ => Ok(shown.missing.clone()),
        }
    }
}

/// At most this many numbers are tried for a file name.
const SAVED_MAX: u32 = 10_000;

impl AttachmentReader {
    /// The length of the attachment in bytes.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.add_attachment("menu.txt", "Soup")?;
    /// # let attachment = mail.attachments()?.remove(0);
    /// assert_eq!(attachment.open()?.size(), 4);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn size(&self) -> u64 {
        self.len
    }
}

impl Read for AttachmentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read_at(self.position, buffer).map_err(io::Error::other)?;
        self.position += read as u64;
        Ok(read)
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
