//! Saves a message in a file, and opens files in a session by their paths.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::sync::lock;

use crate::storage::{self, CompoundFile, FileState, Replacement, Source};

use super::draft::{Access, Target};
use super::error::Error;
use super::message::Message;
use super::session::Session;

/// Saves a message in the file at a path. A save replaces the file as a whole.
///
/// If another program has changed the file since it was opened, the save fails, and the message
/// keeps its edits. If a message cannot be saved when its session is closed, it is written beside
/// the file, as `NAME (unsaved).msg`.
#[derive(Debug)]
pub struct FileTarget {
    path: PathBuf,
    /// The state that the file must still have when it is saved; `None` if there must be no file.
    expected: Mutex<Option<FileState>>,
}

/// At most this many files `NAME (unsaved N).msg` are made.
const UNSAVED_MAX: u32 = 1000;

impl FileTarget {
    /// The target of a new message. At its first save, there must be no file at the path.
    ///
    /// ```
    /// # use outlook_msg::imsg::{FileTarget, MapiPropMut as _, Session, SessionOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("new.msg");
    /// use std::sync::Arc;
    ///
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.create_message(Arc::new(FileTarget::new(&path)))?;
    /// message.save_changes()?;
    /// assert!(path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), expected: Mutex::new(None) }
    }

    /// Opens a file, for [`Session::open_message`], and makes it the target of its message.
    ///
    /// ```
    /// # use outlook_msg::imsg::{Access, FileTarget, Session, SessionOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// let session = Session::open(SessionOptions::default());
    /// let (file, target) = FileTarget::open(&path)?;
    /// let message = session.open_message(&file.root(), Access::ReadWrite(target))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// The path of the file.
    ///
    /// ```
    /// # use std::path::Path;
    /// # use outlook_msg::imsg::FileTarget;
    /// assert_eq!(FileTarget::new("new.msg").path(), Path::new("new.msg"));
    /// ```
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Target for FileTarget {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), Error> {
        let mut expected = lock(&self.expected);
        match Replacement::of(snapshot, *expected).run_at(&self.path) {
            Ok(metadata) => {
                *expected = Some(FileState::from(&metadata));
                Ok(())
            }
            Err(error) => {
                // The new file has its name already, but a crash may still undo that. The next save
                // must expect the new file.
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

/// Opens messages by path.
impl Session {
    /// Opens the message in a file for reading.
    ///
    /// ```
    /// # use outlook_msg::imsg::{Session, SessionOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.open_file(&path)?;
    /// assert!(!message.is_writable());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be opened, else as [`Session::open_message`].
    pub fn open_file(&self, path: impl Into<PathBuf>) -> Result<Message, Error> {
        let (file, _) = FileTarget::open(path)?;
        self.open_message(&file.root(), Access::Read)
    }

    /// Opens the message in a file for reading and writing. It is saved in that file.
    ///
    /// ```
    /// # use outlook_msg::imsg::{MapiPropMut as _, Session, SessionOptions};
    /// # use outlook_msg::mapi::tags;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.edit_file(&path)?;
    /// message.set_property(tags::PR_SUBJECT, &"Lunch on Monday".into())?;
    /// message.save_changes()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::open_file`].
    pub fn edit_file(&self, path: impl Into<PathBuf>) -> Result<Message, Error> {
        let (file, target) = FileTarget::open(path)?;
        self.open_message(&file.root(), Access::ReadWrite(target))
    }
}
