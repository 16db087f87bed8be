//! Where a message is saved: its file in the source, and the folder for what cannot be saved.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::imsg::{self, Target};
use crate::storage::{self, CompoundFile, FileState, Journal};

use super::source::SourceRoot;

/// The folder of the user's where edits are kept that cannot be saved
/// (`$XDG_STATE_HOME/msgfs`, else `~/.local/state/msgfs`).
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
    /// The folders of the source in which a save may have been killed.
    journal: Journal,
}

/// A file of the source as the target of a message.
#[derive(Debug)]
pub(super) struct FileTarget {
    source: Arc<SourceRoot>,
    state_folder: Arc<StateFolder>,
    place: Mutex<Place>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// The state that the edits are of; `None` if there is no file yet.
    expected: Option<FileState>,
}

/// As many recovered messages of one name are told apart.
const RECOVERED_MAX: u32 = 10_000;

impl StateFolder {
    /// The folder that was asked for, else the user's own.
    pub(super) fn new(chosen: Option<PathBuf>, source: &Path) -> Arc<Self> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let absolute = |path: &PathBuf| path.is_absolute();
        let state = variable("XDG_STATE_HOME")
            .filter(absolute)
            .or_else(|| Some(variable("HOME").filter(absolute)?.join(".local/state")))
            // A system service has neither.
            .unwrap_or_else(|| PathBuf::from("/var/lib"));
        let path = chosen.unwrap_or_else(|| state.join("msgfs"));
        let journal = Journal::new(path.join("pending"), source);
        Arc::new(Self { path, journal })
    }

    /// Removes what saves that were killed have left in the source.
    pub(super) fn tidy(&self, source: &SourceRoot) -> io::Result<()> {
        let pending = self.journal.pending()?;
        for folder in &pending.folders {
            let removed = match source.open_folder(folder) {
                Ok(folder) => storage::remove_leftovers(&folder)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            };
            if removed > 0 {
                let folder = folder.display();
                tracing::info!(
                    "removed {removed} unfinished files of an earlier mount in {folder}"
                );
            }
        }
        self.journal.settle(pending)
    }

    /// Notes that no save is under way any more, nor will be.
    pub(super) fn end(&self) -> io::Result<()> {
        self.journal.clear()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that a file is about to be written in a folder of the source. Where nothing can be
    /// noted the file is written all the same: only an unfinished one may then stay behind.
    pub(super) fn note(&self, folder: &Path) {
        if let Err(error) = self.journal.note(folder) {
            tracing::warn!("a save that is killed may leave a file behind: {error}");
        }
    }

    /// Keeps a message under a name that no other one has.
    fn keep(&self, name: &OsStr, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, imsg::Error> {
        let folder = self.path.join("recovered");
        let failed = |source| imsg::Error::Target { name: folder.display().to_string(), source };
        let descriptor = create_folder(&folder).map_err(failed)?;
        for number in 1..=RECOVERED_MAX {
            let name = numbered(name, number);
            match storage::replace(&descriptor, &name, None, snapshot) {
                Err(storage::Error::Exists { .. }) => {}
                outcome => return Ok(outcome.map(|_| folder.join(name))?),
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
    }
}

impl FileTarget {
    pub(super) fn new(
        source: &Arc<SourceRoot>,
        state_folder: &Arc<StateFolder>,
        path: &Path,
        expected: Option<FileState>,
    ) -> Arc<Self> {
        Arc::new(Self {
            source: Arc::clone(source),
            state_folder: Arc::clone(state_folder),
            place: Mutex::new(Place { path: path.to_owned(), expected }),
        })
    }

    /// The state of the file as it was last seen or written; `None` if there is none yet.
    pub(super) fn state(&self) -> Option<FileState> {
        self.place().expected
    }

    /// Notes that the file has another state, by a change of ours.
    pub(super) fn touched(&self, state: FileState) {
        self.place().expected = Some(state);
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for FileTarget {
    fn name(&self) -> String {
        self.place().path.display().to_string()
    }

    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), imsg::Error> {
        let (path, expected) = {
            let place = self.place();
            (place.path.clone(), place.expected)
        };
        let failed = |source| imsg::Error::Target { name: path.display().to_string(), source };
        let folder = path.parent().unwrap_or(Path::new(""));
        self.state_folder.note(folder);
        let folder = self.source.open_folder(folder).map_err(failed)?;
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        match storage::replace(&folder, name, expected, snapshot) {
            Ok(metadata) => {
                self.place().expected = Some(FileState::from(&metadata));
                Ok(())
            }
            Err(error) => {
                // The file is the new one, and is to be written to the disk once more.
                if let storage::Error::Unsynced { state, .. } = &error {
                    self.place().expected = Some(*state);
                }
                Err(error.into())
            }
        }
    }

    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, imsg::Error> {
        let path = self.place().path.clone();
        let name = path.file_name().unwrap_or(OsStr::new("message.msg"));
        self.state_folder.keep(name, snapshot)
    }
}

/// Creates a folder that only the user may look into.
fn create_folder(path: &Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(std::fs::File::open(path)?.into())
}

/// `A.msg`, `A (2).msg` and so on.
fn numbered(name: &OsStr, number: u32) -> OsString {
    if number == 1 {
        return name.to_owned();
    }
    let path = Path::new(name);
    let mut numbered = path.file_stem().unwrap_or(name).to_owned();
    numbered.push(format!(" ({number})"));
    if let Some(extension) = path.extension() {
        numbered.push(".");
        numbered.push(extension);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::numbered;

    #[test]
    fn recovered_names() {
        assert_eq!(numbered(OsStr::new("A b.msg"), 1), "A b.msg");
        assert_eq!(numbered(OsStr::new("A b.msg"), 2), "A b (2).msg");
        assert_eq!(numbered(OsStr::new("x"), 3), "x (3)");
    }
}
