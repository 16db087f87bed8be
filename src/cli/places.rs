//! The paths that the user typed, `-` included, and what is below them.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use crate::fs::{self, FileType, FolderWalk, PathOpener, Place};
use crate::mount::{Origin, origin};

use super::suggest::{no_message, other_mail_file};

/// Opens paths as they were typed; `-` is a message on standard input.
#[derive(Debug)]
pub(super) struct Places {
    opener: PathOpener,
    stdin: Option<File>,
}

impl Places {
    pub(super) fn new(options: fs::Options) -> Self {
        Self { opener: PathOpener::new(options), stdin: None }
    }

    /// Opens a path. In a mount a message is a directory, so what is asked of a directory there is
    /// answered from its source.
    pub(super) fn open(&mut self, path: &Path) -> Result<Place, fs::Error> {
        let Some(inside) = in_stdin(path) else {
            return match in_source(path)? {
                Some(source) => self.opener.open_as(&source, path),
                None => self.opener.open(path),
            };
        };
        let shown = Path::new(STDIN).join(inside);
        let path = if inside.as_os_str().is_empty() { Path::new(STDIN) } else { &shown };
        let in_stdin = |source| fs::Error::Source { path: path.to_owned(), source };
        let file = match &self.stdin {
            Some(file) => file,
            None => self.stdin.insert(spool().map_err(in_stdin)?),
        };
        self.opener.open_file(file.try_clone().map_err(in_stdin)?, path, inside)
    }

    /// Opens a path with messages: one message, a directory in one, or a folder.
    ///
    /// # Errors
    /// That of [`Self::open`]; what the file is, if it is none of these.
    pub(super) fn open_messages(&mut self, path: &Path) -> Result<Place, fs::Error> {
        let is_not = |what| {
            let source = io::Error::other(what);
            fs::Error::Source { path: path.to_owned(), source }
        };
        if let Some(what) = other_mail_file(path) {
            return Err(is_not(what));
        }
        let place = self.open(path)?;
        match place.attr().file_type {
            FileType::Directory => Ok(place),
            _ => Err(is_not(no_message(path, place.is_in_message()))),
        }
    }
}

/// The path in the source of a directory in a mount; `None` of any other path.
///
/// # Errors
/// If there are edits in the mount that the source does not have yet.
fn in_source(path: &Path) -> Result<Option<PathBuf>, fs::Error> {
    // What cannot be looked at is told when it is opened.
    let Ok(Some(Origin { path: source, unsaved })) = origin(path) else { return Ok(None) };
    match unsaved {
        None => Ok(Some(source)),
        Some(message) => {
            let message = message.display();
            let cause = format!("{message:?} has unsaved edits; first 'msgfs save {message:?}'");
            Err(fs::Error::Source { path: path.to_owned(), source: io::Error::other(cause) })
        }
    }
}

/// What stands for a message on standard input.
pub(super) const STDIN: &str = "-";

/// The path inside a message on standard input.
pub(super) fn in_stdin(path: &Path) -> Option<&Path> {
    [STDIN, "/dev/stdin"].into_iter().find_map(|stdin| path.strip_prefix(stdin).ok())
}

/// Copies standard input into a file without a name: a message is not read from start to end.
fn spool() -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut io::stdin().lock(), &mut file)?;
    Ok(file)
}

/// Why something failed, without the path: the caller has it as the user typed it.
pub(super) fn cause(error: &fs::Error) -> String {
    match error {
        fs::Error::Source { source, .. } => source.to_string(),
        fs::Error::Message { source, .. } => source.to_string(),
        error => error.to_string(),
    }
}

/// A unit of work.
#[derive(Debug)]
pub(super) enum Unit {
    /// A message, or a directory in one, with all that is in it.
    Tree(Place),
    /// A file, link or device that is no message.
    File(Place),
    /// A folder, before what is in it.
    Folder(Place),
    /// A path that cannot be looked at.
    Failed(PathBuf, fs::Error),
}

/// Everything below some paths, folders opened up, in the order of the names.
#[derive(Debug)]
pub(super) struct Units {
    places: Places,
    paths: vec::IntoIter<PathBuf>,
    /// The folders around, with the files still to come.
    folders: Vec<FolderWalk>,
    /// How many folders below each other are opened up.
    depth_max: usize,
    /// Whether it is an error if the user named a file that is no message.
    are_messages: bool,
}

impl Units {
    pub(super) fn new(places: Places, paths: Vec<PathBuf>) -> Self {
        Self {
            places,
            paths: paths.into_iter(),
            folders: Vec::new(),
            depth_max: usize::MAX,
            are_messages: false,
        }
    }

    /// Does not descend into the folders below the paths themselves.
    pub(super) fn without_folders_below(self) -> Self {
        Self { depth_max: 1, ..self }
    }

    /// Makes it an error if the user named a file that is no Outlook message, instead of passing over
    /// it without a word.
    pub(super) fn of_messages(self) -> Self {
        Self { are_messages: true, ..self }
    }

    /// The places, for other paths.
    pub(super) fn into_places(self) -> Places {
        self.places
    }

    fn next_place(&mut self) -> Option<Result<Place, (PathBuf, fs::Error)>> {
        while let Some(folder) = self.folders.last_mut() {
            if let Some(found) = folder.next() {
                return Some(found);
            }
            self.folders.pop();
        }
        let path = self.paths.next()?;
        let found = match self.are_messages {
            true => self.places.open_messages(&path),
            false => self.places.open(&path),
        };
        Some(found.map_err(|error| (path, error)))
    }

    fn enter(&mut self, folder: Place) -> Unit {
        if self.folders.len() >= self.depth_max {
            return Unit::Folder(folder);
        }
        match folder.walk() {
            Ok(walk) => {
                if let Some(around) = self.folders.last_mut() {
                    around.pause();
                }
                self.folders.push(walk);
                Unit::Folder(folder)
            }
            Err(error) => Unit::Failed(folder.path().to_owned(), error),
        }
    }
}

impl Iterator for Units {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        Some(match self.next_place()? {
            Err((path, error)) => Unit::Failed(path, error),
            Ok(place) if place.is_folder() => self.enter(place),
            Ok(place) if place.attr().file_type == FileType::Directory => Unit::Tree(place),
            Ok(place) => Unit::File(place),
        })
    }
}

/// How many messages and files are below some paths, by a walk of its own.
pub(super) fn count(places: Places, paths: &[PathBuf]) -> u64 {
    let units = Units::new(places, paths.to_vec());
    units.filter(|unit| matches!(unit, Unit::Tree(_) | Unit::File(_))).count() as u64
}

/// Whether the last name of a path ends in `.msg`, in any case, as those of embedded messages do,
/// which are shown as directories.
pub(super) fn has_msg_extension(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("msg"))
}
