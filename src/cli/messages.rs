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
use crate::view::{self, ATTACHMENTS, SIGNED, ShownMessage};

use super::status::Status;

/// A message that was found.
#[derive(Debug)]
pub(super) struct FoundMessage {
    /// The path as it was asked for, and what leads into a message.
    pub(super) path: PathBuf,
    /// The path of the message that it is embedded in, or attached to.
    pub(super) parent: Option<PathBuf>,
    /// The message, or why it cannot be opened.
    pub(super) mail: Result<Mail, OpenError>,
    place: Place,
}

/// A message before it is opened.
#[derive(Debug)]
pub(super) struct Located {
    /// The path as it was asked for, and what leads into a message.
    pub(super) path: PathBuf,
    /// The path of the message that it is embedded in, or attached to.
    pub(super) parent: Option<PathBuf>,
    /// What it is read from, or why it cannot be.
    pub(super) content: Result<MessageSource, OpenError>,
}

/// What a message is read from.
#[derive(Debug)]
pub(super) enum MessageSource {
    /// Its file.
    File(File),
    /// The message that it is inside of has it open.
    Inside(Mail),
}

impl Located {
    /// The message that a place stands for: a message file of the source, or a directory of a
    /// message that shows another one. `None` if it is neither.
    pub(super) fn at(place: &Place) -> Option<Self> {
        let path = place.path().to_owned();
        if place.is_message() {
            let content = place.open_source().map(MessageSource::File).map_err(OpenError::from);
            return Some(Self { path, parent: None, content });
        }
        // The message around an embedded one that cannot be opened says so.
        let is_told = |shown| shown == ShownMessage::Embedded && !place.is_readable_message();
        place.shown_message().ok()?.filter(|shown| !is_told(*shown))?;
        // Not from what it would be as a file: damage that it has where it lies must be told.
        let content = place.mail().map(MessageSource::Inside).map_err(OpenError::from);
        Some(Self { parent: parent_of(&path), path, content })
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
    /// Whether the message is damaged, and not only out of reach.
    pub(super) fn is_damage(&self) -> bool {
        self.status() == Status::Wrong
    }

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

impl Opener {
    pub(super) fn new(options: &fs::Options) -> Self {
        Self { session: Session::open(SessionOptions { code_page: options.code_page }) }
    }

    /// Opens the message that a place stands for. `None` if it is none.
    pub(super) fn open(&self, place: &Place) -> Option<FoundMessage> {
        let Located { path, parent, content } = Located::at(place)?;
        let mail = content.and_then(|content| match content {
            MessageSource::File(file) => self.mail(Source::from_file(file)?.0),
            MessageSource::Inside(mail) => Ok(mail),
        });
        Some(FoundMessage { path, parent, mail, place: place.again() })
    }

    /// Calls `each` with the message at a place, and with `embedded` also with the messages in it,
    /// embedded or attached, the outer ones first. If the place is a directory in a message and no
    /// message itself, it looks for messages there. How deep messages lie in each other is limited
    /// where they are opened.
    pub(super) fn each(
        &self,
        place: &Place,
        embedded: bool,
        each: &mut dyn FnMut(FoundMessage),
        failed: &mut dyn FnMut(PathBuf, fs::Error),
    ) {
        let mut places = vec![(place.again(), None)];
        while let Some((place, parent)) = places.pop() {
            let (inside, parent) = match self.open(&place) {
                Some(mut found) => {
                    let is_open = found.mail.is_ok();
                    found.parent = parent.or(found.parent);
                    each(found);
                    if !(embedded && is_open) {
                        continue;
                    }
                    (messages_in(&place, failed), Some(place.path().to_owned()))
                }
                None => (messages_in_directory(&place, failed), None),
            };
            places.extend(inside.into_iter().rev().map(|one| (one, parent.clone())));
        }
    }

    fn mail(&self, source: Source) -> Result<Mail, OpenError> {
        let file = CompoundFile::open(Arc::new(source)).map_err(mail::Error::from)?;
        let message = self.session.open_message(&file.root(), Access::Read);
        Ok(Mail::of(message.map_err(mail::Error::from)?))
    }
}

impl FoundMessage {
    /// The size of its file in bytes; of a message in another one, of the file it would be. `None`
    /// of such a one that cannot be opened.
    pub(super) fn size(&self) -> Option<u64> {
        if self.place.is_message() {
            return Some(self.place.attr().size);
        }
        let view = self.place.child(OsStr::new(view::MESSAGE_MSG));
        view.ok().map(|view| view.attr().size)
    }

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
        row.size = self.size();
        row.parent = self.parent.as_ref().map(|parent| parent.to_string_lossy().into_owned());
        row
    }
}

/// The messages in a message, those in what it only wraps among them.
fn messages_in(message: &Place, failed: &mut dyn FnMut(PathBuf, fs::Error)) -> Vec<Place> {
    let mut inside = |name: &str| match message.child(OsStr::new(name)) {
        Ok(directory) => Some(directory),
        Err(fs::Error::NotFound) => None,
        Err(error) => {
            failed(message.path().join(name), error);
            None
        }
    };
    let (signed, attachments) = (inside(SIGNED), inside(ATTACHMENTS));
    let mut messages = signed.map(|signed| messages_in(&signed, failed)).unwrap_or_default();
    if let Some(attachments) = attachments {
        messages.extend(messages_in_directory(&attachments, failed));
    }
    messages
}

/// The messages in a directory of a message that is none itself: embedded ones, and those in
/// attached `.msg` and `.eml` files, also if they lie in a message that is only wrapped.
pub(super) fn messages_in_directory(
    directory: &Place,
    failed: &mut dyn FnMut(PathBuf, fs::Error),
) -> Vec<Place> {
    let entries = match directory.list() {
        Ok(entries) => entries,
        Err(error) => {
            failed(directory.path().to_owned(), error);
            return Vec::new();
        }
    };
    let mut messages = Vec::new();
    for entry in entries.iter().filter(|one| one.file_type == FileType::Directory) {
        let found = directory.child(&entry.name);
        match found.and_then(|found| Ok((found.shown_message()?, found))) {
            Ok((Some(ShownMessage::Embedded | ShownMessage::Attached), found)) => {
                messages.push(found);
            }
            Ok((Some(ShownMessage::Wrapped), found)) => {
                messages.extend(messages_in(&found, failed));
            }
            Ok((Some(ShownMessage::Outermost) | None, _)) => {}
            Err(error) => failed(directory.path().join(&entry.name), error),
        }
    }
    messages
}

/// The path of the message around an embedded one: `a.msg` of `a.msg/attachments/b.msg`.
fn parent_of(path: &Path) -> Option<PathBuf> {
    let attachments = path.parent()?;
    let parent = attachments.parent().filter(|_| attachments.ends_with(ATTACHMENTS))?;
    Some(parent.to_owned())
}
