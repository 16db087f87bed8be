//! Where a message is saved: its file in the source; where it cannot be, the edit log keeps it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::imsg::{self, Target};
use crate::storage::{self, CompoundFile, FileState, Replacement};

use super::edit_log::{EditLog, Failure, Whole};
use super::messages::OpenMessage;
use super::source::SourceRoot;

/// A file of the source as the target of a message.
pub(super) struct FileTarget {
    source: Arc<SourceRoot>,
    log: Arc<EditLog>,
    /// Below the source.
    path: PathBuf,
    /// What the edits began with, and the state of its file then; `None` if there was no file.
    opened: Option<(Arc<OpenMessage>, FileState)>,
    /// The state that the edits are of; `None` if there is no file yet.
    expected: Mutex<Option<FileState>>,
}

impl FileTarget {
    /// The file that a message was opened in.
    pub(super) fn of(
        source: &Arc<SourceRoot>,
        log: &Arc<EditLog>,
        path: &Path,
        opened: Option<(Arc<OpenMessage>, FileState)>,
    ) -> Arc<Self> {
        let expected = opened.as_ref().map(|(_, state)| *state);
        Arc::new(Self {
            source: Arc::clone(source),
            log: Arc::clone(log),
            path: path.to_owned(),
            opened,
            expected: Mutex::new(expected),
        })
    }

    /// The state of the file as it was last seen or written; `None` if there is none yet.
    pub(super) fn state(&self) -> Option<FileState> {
        *self.expected()
    }

    /// Notes that the file has another state, by a change of ours.
    pub(super) fn touched(&self, state: FileState) {
        *self.expected() = Some(state);
        if let Err(error) = self.log.moved(&self.path, &self.path, Some(state)) {
            let path = self.path.display();
            tracing::warn!("{path}: if msgfs is killed now, the edits are kept apart: {error}");
        }
    }

    fn expected(&self) -> MutexGuard<'_, Option<FileState>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a snapshot in the place of the file.
    fn replace(&self, snapshot: &Arc<CompoundFile>) -> Result<FileState, imsg::Error> {
        let path = &self.path;
        let failed = |source| imsg::Error::Target { name: path.display().to_string(), source };
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = self.source.open_folder(folder).map_err(failed)?;
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let upto = self.log.last(path);
        let note = |state| {
            let noted = upto.map_or(Ok(()), |upto| self.log.committing(path, upto, state));
            if let Err(error) = noted {
                // A save that empties a full disk must not need room on it.
                tracing::warn!(
                    "{}: a save that is killed is not known as one: {error}",
                    path.display()
                );
            }
            Ok(())
        };
        let expected = self.state();
        let replacement = Replacement { note: Some(&note), ..Replacement::of(snapshot, expected) };
        match replacement.run(&folder, name) {
            Ok(metadata) => {
                let state = FileState::from(&metadata);
                if let Some(upto) = upto
                    && let Err(error) = self.log.saved(path, upto, state)
                {
                    tracing::warn!("{}: saved, and still in the edit log: {error}", path.display());
                }
                Ok(state)
            }
            Err(error) => {
                // The file is the new one, and is to be written to the disk once more.
                if let storage::Error::Unsynced { state, .. } = &error {
                    *self.expected() = Some(*state);
                }
                Err(error.into())
            }
        }
    }
}

impl Target for FileTarget {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), imsg::Error> {
        match self.replace(snapshot) {
            Ok(state) => {
                *self.expected() = Some(state);
                Ok(())
            }
            Err(error) => {
                self.log.failed(&self.path, failure(&error));
                Err(error)
            }
        }
    }

    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, imsg::Error> {
        let opened = self.opened.as_ref().map(|(open, state)| (open.tree.source(), *state));
        self.log.keep(&self.path, Some(Whole { snapshot, opened })).or_else(|source| {
            // They stay where they are, for the next mount.
            let place = self.log.place(&self.path);
            place.ok_or_else(|| imsg::Error::Target { name: self.name(), source })
        })
    }
}

impl fmt::Debug for FileTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut target = f.debug_struct("FileTarget");
        target.field("path", &self.path).field("expected", &self.state()).finish_non_exhaustive()
    }
}

fn failure(error: &imsg::Error) -> Failure {
    let is_conflict = matches!(
        error,
        imsg::Error::Storage(storage::Error::Changed { .. } | storage::Error::Exists { .. })
    );
    match is_conflict {
        true => Failure::Conflict(error.to_string()),
        false => Failure::Other(chain(error)),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
