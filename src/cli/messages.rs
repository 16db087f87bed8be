//! The messages below some paths, each opened as a [`Mail`]: what `find`, `show`, `ls --mail` and
//! the like work on.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlook_msg::mail::{self, Mail, Row, without_error_numbers};

use crate::fs::{self, FileType, Place};
use crate::imsg::{Access, Session, SessionOptions};
use crate::storage::{CompoundFile, Source};
use crate::view::{self, ATTACHMENTS, SIGNED};

use super::places::has_msg_extension;
use super::status::Status;

/// A message that was found.
#[derive(Debug)]
pub(super) struct FoundMessage {
    /// The path as it was asked for, and what leads into a message.
    pub(super) path: PathBuf,
    /// The path of the message that it is embedded in, or attached to.
    pub(super) parent: Option<PathBuf>,
    /// The size of its file in bytes; of a message in another one, of the file it would be.
    pub(super) size: u64,
    /// The message, or why it cannot be opened.
    pub(super) mail: Result<Mail, OpenError>,
}

/// A message before it is opened.
#[derive(Debug)]
pub(super) struct Located {
    /// The path as it was asked for, and what leads into a message.
    pub(super) path: PathBuf,
    /// The path of the message that it is embedded in, or attached to.
    pub(super) parent: Option<PathBuf>,
    /// The size of its file in bytes; of a message in another one, of the file it would be.
    size: u64,
    /// What it is read from, or why it cannot be.
    pub(super) content: Result<MessageSource, OpenError>,
}

/// What a message is read from.
#[derive(Debug)]
pub(super) enum MessageSource {
    /// Its file.
    File(File),
    /// The message that it is embedded in, or attached to, has it open.
    Inside(Mail),
}

impl Located {
    /// The message that a place stands for: a message file of the source, or a directory of a
    /// message that is an embedded one. `None` if it is neither.
    pub(super) fn at(place: &Place) -> Option<Self> {
        let path = place.path().to_owned();
        if place.is_message() {
            let content = place.open_source().map(MessageSource::File).map_err(OpenError::from);
            return Some(Self { path, parent: None, size: place.attr().size, content });
        }
        let size = match place.child(OsStr::new(view::MESSAGE_MSG)) {
            Ok(view) => view.attr().size,
            // The message around it does not tell of an attached file that cannot be opened.
            Err(_) if place.is_attached_message().unwrap_or(false) => 0,
            Err(_) => return None,
        };
        // Not from what it would be as a file: damage that it has where it lies must be told.
        let content = place.mail().map(MessageSource::Inside).map_err(OpenError::from);
        Some(Self { parent: parent_of(&path), path, size, content })
    }
}

/// Why a message cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// Its file cannot be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// What leads to it cannot be read.
    #[error("{}", super::places::cause(.0))]
    Place(#[from] fs::Error),
    /// There is no message in the file.
    #[error("{0}")]
    Message(#[from] mail::Error),
}

impl OpenError {
    /// What it means for the exit status: a file that cannot be read is no damaged message.
    pub(super) fn status(&self) -> Status {
        match self {
            Self::File(_) => Status::Failed,
            Self::Place(error) => Status::of(error),
            Self::Message(_) => Status::Wrong,
        }
    }
}

/// Opens messages, all in one session.
#[derive(Debug)]
pub(super) struct Opener {
    session: Session,
}

/// The most levels of messages in messages that are looked into.
const DEPTH_MAX: usize = 64;

impl Opener {
    pub(super) fn new(options: &fs::Options) -> Self {
        Self { session: Session::open(SessionOptions { code_page: options.code_page }) }
    }

    /// Opens the message that a place stands for. `None` if it is none.
    pub(super) fn open(&self, place: &Place) -> Option<FoundMessage> {
        let Located { path, parent, size, content } = Located::at(place)?;
        let mail = content.and_then(|content| match content {
            MessageSource::File(file) => self.mail(Source::from_file(file)?.0),
            MessageSource::Inside(mail) => Ok(mail),
        });
        Some(FoundMessage { path, parent, size, mail })
    }

    /// Calls `each` with the message at a place, and with `embedded` also with the messages in it,
    /// embedded or attached, the outer ones first. If the place is a directory in a message and no
    /// message itself, it looks for messages there.
    pub(super) fn each(
        &self,
        place: &Place,
        embedded: bool,
        each: &mut dyn FnMut(FoundMessage),
        failed: &mut dyn FnMut(PathBuf, fs::Error),
    ) {
        let mut places = vec![(place.again(), None, 0)];
        while let Some((place, parent, depth)) = places.pop() {
            let found = self.open(&place);
            let is_message = found.is_some();
            let is_open = found.as_ref().is_some_and(|found| found.mail.is_ok());
            if let Some(mut found) = found {
                found.parent = parent.or(found.parent);
                each(found);
            }
            if (is_message && !(embedded && is_open)) || depth >= DEPTH_MAX {
                continue;
            }
            let (inside, parent) = match is_message {
                true => (messages_in(&place), Some(place.path().to_owned())),
                false => (messages_in_directory(&place), None),
            };
            match inside {
                Ok(inside) => {
                    let inside = inside.into_iter().rev();
                    places.extend(inside.map(|one| (one, parent.clone(), depth + 1)));
                }
                Err(error) => failed(place.path().to_owned(), error),
            }
        }
    }

    fn mail(&self, source: Source) -> Result<Mail, OpenError> {
        let file = CompoundFile::open(Arc::new(source)).map_err(mail::Error::from)?;
        let message = self.session.open_message(&file.root(), Access::Read);
        Ok(Mail::of(message.map_err(mail::Error::from)?))
    }
}

impl FoundMessage {
    /// The row of the message.
    pub(super) fn row(&self, hashes: bool) -> Row {
        let mut row = match &self.mail {
            Ok(mail) => mail.to_row(&self.path, hashes),
            Err(error) => {
                let mut row = Row::unreadable(&self.path);
                row.add_defect("/", &without_error_numbers(&error.to_string()));
                row
            }
        };
        row.size = Some(self.size);
        row.parent = self.parent.as_ref().map(|parent| parent.to_string_lossy().into_owned());
        row
    }
}

/// The messages in a message, those in what it only wraps among them.
fn messages_in(message: &Place) -> Result<Vec<Place>, fs::Error> {
    let mut messages = Vec::new();
    for directory in [SIGNED, ATTACHMENTS] {
        let (found, wrapped) = match message.child(OsStr::new(directory)) {
            Ok(signed) if directory == SIGNED => (Vec::new(), vec![signed]),
            Ok(attachments) => inner_directories(&attachments)?,
            Err(fs::Error::NotFound) => continue,
            Err(error) => return Err(error),
        };
        messages.extend(found);
        for wrapped in wrapped {
            messages.extend(messages_in(&wrapped)?);
        }
    }
    Ok(messages)
}

/// The messages in a directory of a message that is none itself.
pub(super) fn messages_in_directory(place: &Place) -> Result<Vec<Place>, fs::Error> {
    inner_directories(place).map(|(messages, _)| messages)
}

/// The directories in a directory of a message: the messages, which are embedded or in attached
/// `.msg` and `.eml` files, and the others, such as that of a `winmail.dat`.
fn inner_directories(place: &Place) -> Result<(Vec<Place>, Vec<Place>), fs::Error> {
    let (mut messages, mut others) = (Vec::new(), Vec::new());
    for entry in place.list()?.iter().filter(|one| one.file_type == FileType::Directory) {
        let found = place.child(&entry.name)?;
        match has_msg_extension(&entry.name) || found.is_attached_message()? {
            true => messages.push(found),
            false => others.push(found),
        }
    }
    Ok((messages, others))
}

/// The path of the message around an embedded one: `a.msg` of `a.msg/attachments/b.msg`.
fn parent_of(path: &Path) -> Option<PathBuf> {
    let attachments = path.parent()?;
    let parent = attachments.parent().filter(|_| attachments.ends_with(ATTACHMENTS))?;
    Some(parent.to_owned())
}
