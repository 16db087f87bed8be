//! What killed mounts have left: made again, or kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::storage;

use super::edit_log::{EditLog, Failure, Left, LeftOver, Operation, Scope, StateFolder, escaped};
use super::metadata::Metadata;
use super::{Error, Fs};

impl Fs {
    /// Opens the edit log of a source that is to be written to, and makes the edits again that are
    /// in it already. Of a source that is one message, only its own are.
    pub(super) fn open_log(
        &mut self,
        state_folder: StateFolder,
        root: &Path,
        one: Option<PathBuf>,
    ) -> std::io::Result<()> {
        let source = Arc::clone(&self.source);
        let state_of =
            |path: &Path| source.metadata(path).ok().map(|metadata: Metadata| (&metadata).into());
        let scope = Scope { root, one: one.as_deref(), state_of: &state_of };
        let (log, left) = EditLog::open(state_folder, scope)?;
        let log = Arc::new(log);
        self.log = Some(Arc::clone(&log));
        self.tidy(&left);
        for left in left.edits {
            self.take_over(&log, &left);
        }
        Ok(())
    }

    /// Removes the temporary files of saves that were killed.
    fn tidy(&self, left: &Left) {
        for path in &left.folders {
            let shown = escaped(path);
            match self
                .source
                .open_folder(path)
                .and_then(|folder| storage::remove_leftovers(&folder))
            {
                Ok(0) => {}
                Ok(count) => tracing::info!(
                    "removed {count} unfinished files of an earlier mount in {shown}"
                ),
                Err(error) => {
                    tracing::warn!("what an earlier mount left in {shown} is not removed: {error}")
                }
            }
        }
    }

    /// Makes the edits of a message again, so that they are unsaved as they were; or keeps them.
    fn take_over(&self, log: &EditLog, left: &LeftOver) {
        let path = escaped(&left.path);
        let applied = match left.is_unchanged {
            true => self.make_again(left).map_err(|error| error.to_string()),
            false => Err("another program has changed its file since".to_owned()),
        };
        let Err(cause) = applied else {
            return tracing::info!("{path}: the edits of a mount that was killed are made again");
        };
        log.failed(&left.path, Failure::Conflict(cause.clone()));
        match log.keep(&left.path, None) {
            Ok(kept) => tracing::warn!(
                "{path}: the edits of a mount that was killed are kept in {}: {cause}",
                escaped(&kept)
            ),
            Err(error) => tracing::error!(
                "{path}: the edits of a mount that was killed stay in the edit log: {cause}; they \
                 could not be kept as files: {error}"
            ),
        }
    }

    fn make_again(&self, left: &LeftOver) -> Result<(), Error> {
        let (message, directory) = match left.base {
            None => self.enter_new(&left.path)?,
            Some(_) => self.message_at(&left.path)?,
        };
        let mut contents = directory.lock_idle();
        let mut made = Ok(());
        for edit in &left.edits {
            made = match &edit.operation {
                Operation::Create => self.make_new(&message, &mut contents),
                // It has no value yet that it could be made of.
                Operation::Arrive { .. } | Operation::Temporary { .. } => Ok(()),
                operation => {
                    let moment = moment_of(edit.at);
                    self.make_noted(&message, &mut contents, operation, moment).map(drop)
                }
            };
            if made.is_err() {
                break;
            }
        }
        if made.is_err() {
            self.forget_edits(&mut contents)?;
        } else {
            self.saver.schedule(&contents, message.base);
        }
        drop(contents);
        self.nodes.forget(message.base, 1);
        made
    }
}

/// A moment in the past by the clock that does not jump.
fn moment_of(at: SystemTime) -> Instant {
    let ago = SystemTime::now().duration_since(at).unwrap_or_default();
    Instant::now().checked_sub(ago).unwrap_or_else(Instant::now)
}
