//! Where a message is saved: its file in the source.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use outlook_msg::sync::lock;

use crate::fs::error::with_causes;
use crate::fs::messages::OpenMessage;
use crate::fs::source::SourceRoot;
use crate::imsg::{self, Target};
use crate::storage::{self, CompoundFile, FileState, Replacement};

use super::edit_log::{EditLog, Failure, WholeMessage};

/// A file of the source as the target of a message.
pub(in crate::fs::edits) struct SourceTarget {
    source: Arc<SourceRoot>,
    log: Arc<EditLog>,
    /// What the edits began with, and the state of its file then; `None` if there was no file. A
    /// save reads from it what was not edited.
    opened: Option<(Arc<OpenMessage>, FileState)>,
    /// The permissions of a new file; one that is there keeps those that it has.
    permissions: Option<u32>,
    place: Mutex<TargetPlace>,
}

#[derive(Debug)]
struct TargetPlace {
    path: PathBuf,
    /// The state of the file that the edits change; `None` if there is no file yet.
    expected: Option<FileState>,
    /// Why the last save failed.
    failure: Option<Failure>,
}

impl SourceTarget {
    /// The file of a message that is there.
    pub(in crate::fs::edits) fn new(
        source: &Arc<SourceRoot>,
        log: &Arc<EditLog>,
        path: &Path,
        opened: (Arc<OpenMessage>, FileState),
    ) -> Arc<Self> {
        let place = TargetPlace { path: path.to_owned(), expected: Some(opened.1), failure: None };
        let (source, log) = (Arc::clone(source), Arc::clone(log));
        let place = Mutex::new(place);
        Arc::new(Self { source, log, opened: Some(opened), permissions: None, place })
    }

    /// A file that is to be made.
    pub(in crate::fs::edits) fn of_new(
        source: &Arc<SourceRoot>,
        log: &Arc<EditLog>,
        path: &Path,
        permissions: u32,
    ) -> Arc<Self> {
        let place =
            Mutex::new(TargetPlace { path: path.to_owned(), expected: None, failure: None });
        let (source, log) = (Arc::clone(source), Arc::clone(log));
        Arc::new(Self { source, log, opened: None, permissions: Some(permissions), place })
    }

    /// The state of the file as it was last seen or written; `None` if there is none yet.
    pub(in crate::fs::edits) fn state(&self) -> Option<FileState> {
        self.place().expected
    }

    /// Whether the last save found that others have changed the file, or taken its name.
    pub(in crate::fs::edits) fn is_conflicting(&self) -> bool {
        matches!(self.place().failure, Some(Failure::Conflict(_)))
    }

    /// Notes that the file has another state because msgfs itself has changed it.
    pub(in crate::fs::edits) fn touched(&self, state: FileState) {
        let (path, known) = {
            let mut place = self.place();
            (place.path.clone(), place.expected.replace(state))
        };
        // If there was no file yet, no edit is one of it.
        if let Some(known) = known {
            self.log.rebase(&path, known, state);
        }
    }

    fn place(&self) -> MutexGuard<'_, TargetPlace> {
        lock(&self.place)
    }

    /// Puts a message in the place of its file. Its edits are then no longer in the log.
    fn replace(
        &self,
        path: &Path,
        expected: Option<FileState>,
        snapshot: &Arc<CompoundFile>,
    ) -> Result<FileState, imsg::Error> {
        let failed = |source| imsg::Error::Target { name: path.display().to_string(), source };
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = self.source.open_folder(folder).map_err(failed)?;
        let name = path.file_name().unwrap_or_default();
        let upto = self.log.last(path);
        let note = |state| {
            let noted = upto.map_or(Ok(()), |upto| self.log.committing(path, upto, state));
            if let Err(error) = noted {
                // Noting the save needs room in the state folder, which may be full; the save
                // itself makes room. So a failure here is no failure of the save.
                let path = path.display();
                tracing::warn!(
                    "{path}: if msgfs is killed now, the next mount cannot tell whether the edits \
                     are saved: {error}"
                );
            }
            Ok(())
        };
        let (note, permissions): (Option<&dyn Fn(_) -> _>, _) = (Some(&note), self.permissions);
        let replacement = Replacement { note, permissions, ..Replacement::of(snapshot, expected) };
        let state = FileState::from(&replacement.run(&folder, name)?);
        if let Some(Err(error)) = upto.map(|upto| self.log.saved(path, upto, state)) {
            let path = path.display();
            tracing::warn!("{path}: saved, but its edits are still in the edit log: {error}");
        }
        Ok(state)
    }
}

impl Target for SourceTarget {
    fn name(&self) -> String {
        self.place().path.display().to_string()
    }

    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), imsg::Error> {
        let (path, expected) = {
            let place = self.place();
            (place.path.clone(), place.expected)
        };
        let outcome = self.replace(&path, expected, snapshot);
        let mut place = self.place();
        match &outcome {
            Ok(state) => {
                place.expected = Some(*state);
                place.failure = None;
            }
            Err(error) => {
                // The new file is in place, and only its sync failed. The save is tried again, and
                // then finds this file.
                if let imsg::Error::Storage(storage::Error::Unsynced { state, .. }) = error {
                    place.expected = Some(*state);
                }
                place.failure = Some(failure(error));
                self.log.failed(&path, failure(error));
            }
        }
        outcome.map(drop)
    }

    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, imsg::Error> {
        let (path, failure) = {
            let place = self.place();
            (place.path.clone(), place.failure.clone())
        };
        let opened = self.opened.as_ref().map(|(open, state)| (open.tree.source(), *state));
        let reason = match &failure {
            Some(Failure::Conflict(cause) | Failure::Other(cause)) => cause,
            None => "it could not be saved",
        };
        let kept = self.log.keep(&path, reason, Some(WholeMessage { snapshot, opened }));
        kept.or_else(|source| {
            // The edits stay where they are, for the next mount.
            let failed = || imsg::Error::Target { name: path.display().to_string(), source };
            self.log.folder_of(&path).ok_or_else(failed)
        })
    }
}

impl fmt::Debug for SourceTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceTarget").field("place", &self.place).finish_non_exhaustive()
    }
}

/// What a failed save means for the next one.
fn failure(error: &imsg::Error) -> Failure {
    match error {
        imsg::Error::Storage(
            storage::Error::Changed { .. }
            | storage::Error::Exists { .. }
            | storage::Error::Linked { .. },
        ) => Failure::Conflict(with_causes(error)),
        _ => Failure::Other(with_causes(error)),
    }
}
