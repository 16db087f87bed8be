//! A file as the target of a message, and files opened in a session by their paths.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::storage::{self, CompoundFile, FileState, Replacement, Source};

use super::draft::{Access, Target};
use super::error::Error;
use super::message::Message;
use super::session::Session;

/// A file in which a message is saved, by its path: as a whole or not at all.
///
/// The file is replaced only while it is the one that was opened; if another program has changed
/// it meanwhile, the save fails and the edits stay. A message that cannot be saved when its session
/// is closed is kept beside the file, as `NAME (unsaved).msg`.
#[derive(Debug)]
pub struct FileTarget {
    path: PathBuf,
    /// The state of the file that the edits are of; `None` if there is no file yet.
    expected: Mutex<Option<FileState>>,
}

/// As many messages of one name that could not be saved are told apart.
const UNSAVED_MAX: u32 = 1000;

impl FileTarget {
    /// The target of a message that gets a file of its own. There must be none at the path when it
    /// is saved first.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), expected: Mutex::new(None) }
    }

    /// Opens a file, and makes it the target of the message in it.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be opened, [`Error::Storage`] if it is no compound file.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Arc<CompoundFile>, Arc<Self>), Error> {
        let path = path.into();
        let failed = |source| Error::File { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        let (source, metadata) = Source::from_file(file).map_err(failed)?;
        let file = CompoundFile::open(source)?;
        let expected = Mutex::new(Some(FileState::from(&metadata)));
        Ok((file, Arc::new(Self { path, expected })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Target for FileTarget {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), Error> {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        match Replacement::of(snapshot, *expected).run_at(&self.path) {
            Ok(metadata) => {
                *expected = Some(FileState::from(&metadata));
                Ok(())
            }
            Err(error) => {
                // The file is the new one, and is to be written to the disk once more.
                if let storage::Error::Unsynced { state, .. } = &error {
                    *expected = Some(*state);
                }
                Err(error.into())
            }
        }
    }

    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, Error> {
        let mut stem = self.path.file_stem().unwrap_or_default().to_owned();
        stem.push(" (unsaved");
        for number in 1..=UNSAVED_MAX {
            let mut name: OsString = stem.clone();
            name.push(if number == 1 { ").msg".to_owned() } else { format!(" {number}).msg") });
            let path = self.path.with_file_name(name);
            match Replacement::of(snapshot, None).run_at(&path) {
                Err(storage::Error::Exists { .. }) => {}
                outcome => return Ok(outcome.map(|_| path)?),
            }
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(Error::Target { name: self.name(), source })
    }
}

/// Files by their paths.
impl Session {
    /// Opens the message in a file for reading.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be opened, else as [`Session::open_message`].
    pub fn open_file(&self, path: impl Into<PathBuf>) -> Result<Message, Error> {
        let (file, _) = FileTarget::open(path)?;
        self.open_message(&file.root(), Access::Read)
    }

    /// Opens the message in a file for reading and writing: it is saved in that file.
    ///
    /// # Errors
    /// As [`Session::open_file`].
    pub fn edit_file(&self, path: impl Into<PathBuf>) -> Result<Message, Error> {
        let (file, target) = FileTarget::open(path)?;
        self.open_message(&file.root(), Access::ReadWrite(target))
    }
}
