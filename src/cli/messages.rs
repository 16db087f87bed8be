//! The messages below some paths, each opened as a [`Mail`]: what `find`, `show`, `ls --mail` and
//! the like work on.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlook_msg::mail::{self, Mail, Row, without_error_numbers};

use crate::fs::{self, FileType, Place};
use crate::imsg::{Access, Message, Session, SessionOptions};
use crate::storage::{CompoundFile, Source};
use crate::view::{self, ATTACHMENTS};

use super::places::has_msg_extension;
use super::status::Status;

/// A message that was found.
#[derive(Debug)]
pub(super) struct FoundMessage {
    /// The path as it was asked for, and what leads into a message.
    pub(super) path: PathBuf,
    /// The path of the message that it is embedded in.
    pub(super) parent: Option<PathBuf>,
    /// The size of its file in bytes; of an embedded message, of the file it would be.
    pub(super) size: u64,
    /// The message, or why it cannot be opened.
    pub(super) mail: Result<Mail, OpenError>,
}

/// A message before it is opened.
#[derive(Debug)]
pub(super) struct Located {
    /// The path as it was asked for, and what leads into a message.
    pub(super) path: PathBuf,
    /// The path of the message that it is embedded in.
    pub(super) parent: Option<PathBuf>,
    /// The size of its file in bytes; of an embedded message, of the file it would be.
    size: u64,
    /// What it is read from, or why it cannot be.
    pub(super) content: Result<MessageSource, OpenError>,
}

/// What a message is read from.
#[derive(Debug)]
pub(super) enum MessageSource {
    /// Its file.
    File(File),
    /// The message that it is embedded in has it open.
    Embedded(Message),
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
        let view = place.child(OsStr::new(view::MESSAGE_MSG)).ok()?;
        // Not from what it would be as a file: damage that it has where it lies must be told.
        let content = place.message().map(MessageSource::Embedded).map_err(OpenError::from);
        Some(Self { parent: parent_of(&path), path, size: view.attr().size, content })
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
            MessageSource::Embedded(message) => Ok(Mail::of(message)),
        });
        Some(FoundMessage { path, parent, size, mail })
    }

    /// Calls `each` with the message at a place, and with `embedded` also with the messages in it,
    /// the outer ones first. If the place is a directory in a message and no message itself, it
    /// looks for messages there.
    pub(super) fn each(
        &self,
        place: &Place,
        embedded: bool,
        each: &mut dyn FnMut(FoundMessage),
        failed: &mut dyn FnMut(PathBuf, fs::Error),
    ) {
        let mut places = vec![(place.again(), 0)];
        while let Some((place, depth)) = places.pop() {
            let found = self.open(&place);
            let is_message = found.is_some();
            let is_open = found.as_ref().is_some_and(|found| found.mail.is_ok());
            found.into_iter().for_each(&mut *each);
            if (is_message && !(embedded && is_open)) || depth >= DEPTH_MAX {
                continue;
            }
            let inside = match is_message {
                true => messages_in(&place, ATTACHMENTS),
                false => messages_in_directory(&place),
            };
            match inside {
                Ok(inside) => places.extend(inside.into_iter().rev().map(|one| (one, depth + 1))),
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

/// The embedded messages in a directory of a message.
fn messages_in(place: &Place, directory: &str) -> Result<Vec<Place>, fs::Error> {
    match place.child(OsStr::new(directory)) {
        Ok(directory) => messages_in_directory(&directory),
        Err(fs::Error::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The messages in a directory of a message that is none itself.
pub(super) fn messages_in_directory(place: &Place) -> Result<Vec<Place>, fs::Error> {
    let entries = place.list()?;
    let messages = entries
        .iter()
        .filter(|one| one.file_type == FileType::Directory && has_msg_extension(&one.name));
    messages.map(|one| place.child(&one.name)).collect()
}

/// The path of the message around an embedded one: `a.msg` of `a.msg/attachments/b.msg`.
fn parent_of(path: &Path) -> Option<PathBuf> {
    let attachments = path.parent()?;
    let parent = attachments.parent().filter(|_| attachments.ends_with(ATTACHMENTS))?;
    Some(parent.to_owned())
}
