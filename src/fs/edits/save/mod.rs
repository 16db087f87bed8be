//! Saving a message, and the end of a mount with unsaved edits.

pub mod edit_log;
pub(in crate::fs::edits) mod keeper;
pub(in crate::fs::edits) mod recovery;
pub(in crate::fs::edits) mod saver;
pub(in crate::fs::edits) mod target;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::fs::Error;
use crate::fs::error::{message_error, with_causes};
use crate::fs::source::ino::SourceNode;
use crate::imsg::{self, MapiPropMut as _, SaveReport};

use super::Edits;
use super::message::directory::{MessageDirectory, MessageState, SaveProgress};
use super::message::locked::LockedMessage;
use super::message::process::Process;
use super::message::removals::Finality;
use super::open::buffer::Buffer;

impl Edits {
    /// Saves messages when they are due, until [`Edits::finish`].
    pub(in crate::fs) fn save_when_due(&self) {
        while let Some(base) = self.saver.next() {
            let Some(directory) = self.directory(base) else { continue };
            if self.saver.wait_for_writers(&directory.lock(), base) {
                continue;
            }
            let start = Instant::now();
            let saved = self.save(&directory);
            if let Err(error) = &saved {
                tracing::error!("not saved, the edits are kept: {}", with_causes(error));
            }
            // If another program has changed the file, trying again is of no use.
            let is_of_use = saved.is_ok() || !directory.lock().is_conflicting();
            let is_unsaved = directory.lock().is_unsaved();
            self.saver.again(base, start.elapsed(), is_unsaved && is_of_use);
        }
    }

    /// Saves a message that has edits. Removals that are not final yet are not in it.
    ///
    /// # Errors
    /// [`Error::Stale`] if its file was changed by others, or where it cannot be written. The
    /// edits are kept.
    pub(super) fn save(&self, directory: &Arc<MessageDirectory>) -> Result<(), Error> {
        self.save_with(directory, Finality::Done)
    }

    fn save_with(
        &self,
        directory: &Arc<MessageDirectory>,
        finality: Finality,
    ) -> Result<(), Error> {
        let message = self.messages.known(directory.base)?;
        let mut locked = self.locked(&message, directory.lock_idle());
        locked.make_whole(finality);
        let path = locked.contents.path.clone();
        let Some(edited) = locked.contents.edits_mut() else { return Ok(()) };
        edited.save = SaveProgress::Running;
        let editing = edited.editor.message().clone();
        drop(locked);
        // The message must not stay in a save that has ended: its edits would wait for ever.
        let outcome = catch_unwind(AssertUnwindSafe(|| editing.save_changes()));
        let outcome = outcome.unwrap_or_else(|_| Err(bug(&path)));
        let mut locked = self.locked(&message, directory.lock());
        match &outcome {
            Ok(()) => locked.saved(),
            Err(_) => {
                if let Some(edited) = locked.contents.edits_mut() {
                    edited.save = SaveProgress::Idle;
                    edited.is_new = edited.target.state().is_none();
                }
            }
        }
        drop(locked);
        directory.notify_idle();
        outcome.map_err(|error| message_error(&path, error.into()))
    }

    /// Saves a message. If that fails, the edits are at least in the log, and the log is synced.
    pub(super) fn save_now(&self, directory: &Arc<MessageDirectory>) -> Result<(), Error> {
        self.save_now_with(directory, Finality::Done)
    }

    /// Saves a message as [`Edits::save_now`] does, with what was removed in it, for a process that
    /// has called fsync on a directory.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process is removing files in it, or where these cannot be removed.
    /// Everything else is saved.
    pub(super) fn save_removals_now(
        &self,
        directory: &Arc<MessageDirectory>,
        process: Process,
    ) -> Result<(), Error> {
        self.save_now_with(directory, Finality::Synced(process))?;
        let contents = directory.lock();
        match contents.removals.has_removed_but(&contents.covered()) {
            true => Err(Error::Busy),
            false => Ok(()),
        }
    }

    fn save_now_with(
        &self,
        directory: &Arc<MessageDirectory>,
        finality: Finality,
    ) -> Result<(), Error> {
        self.save_with(directory, finality).inspect_err(|_| {
            if let Err(error) = self.log.sync(&directory.lock().path) {
                tracing::warn!("edits that are not saved may not be on the disk: {error}");
            }
        })
    }

    /// Completes the edits of every message at the end of the mount, before the session saves them.
    /// Returns reports of what programs were still writing.
    pub(in crate::fs) fn finish(&self) -> Vec<SaveReport> {
        self.saver.end();
        let mut reports = Vec::new();
        for directory in self.source.nodes.directories() {
            let Ok(message) = self.messages.known(directory.base) else { continue };
            let mut locked = self.locked(&message, directory.lock_idle());
            locked.make_whole(Finality::End);
            reports.extend(locked.half_written());
            let contents = &mut *locked.contents;
            if let MessageState::Arriving(arrival) = &contents.state
                && !arrival.is_saved()
                && let Some(bytes) = arrival.bytes().transpose()
            {
                let bytes = bytes.map_err(Error::Buffer);
                reports.push(self.keeper.keep_half(&contents.path, "", bytes));
            }
            let left = contents.temporaries.take_left_over().into_iter();
            let left = left.filter_map(|(path, file)| Some((path, file.with(Buffer::share).ok()?)));
            let left = left.collect::<Vec<_>>();
            reports.extend(self.keeper.keep_temporaries(&contents.path, &left));
        }
        reports.append(&mut self.keeper.take_refused());
        reports
    }

    /// How many messages may differ from their files, and how many have edits that are not saved.
    pub(in crate::fs) fn counts(&self) -> (usize, usize) {
        let directories = self.source.nodes.directories();
        let unsaved = directories.iter().filter(|directory| directory.lock().is_unsaved()).count();
        (directories.len(), unsaved)
    }
}

fn bug(message: &Path) -> imsg::Error {
    let source = io::Error::other("the save failed by a bug in msgfs");
    imsg::Error::Target { name: message.display().to_string(), source }
}

impl LockedMessage<'_> {
    /// Makes ready for a save what has been edited.
    fn make_whole(&mut self, finality: Finality) {
        self.take_waiting();
        self.finish_removals(finality);
        self.complete();
    }

    /// Notes that the edits are in the message's file: from now on it is shown from there.
    fn saved(&mut self) {
        let state = self.contents.file_state();
        let contents = &mut *self.contents;
        contents.state = MessageState::Clean;
        contents.temporaries.drop_copies();
        if let Some(state) = state {
            let node = SourceNode {
                path: contents.path.clone(),
                identity: state.into(),
                kind: self.message.node.kind,
            };
            self.edits.source.nodes.claim(self.message.base, &Arc::new(node));
        }
        tracing::debug!(path = %contents.path.display(), "saved");
    }

    /// Keeps what programs have written to files of the message and not closed. The last values
    /// stay in the message.
    fn half_written(&self) -> Vec<SaveReport> {
        let contents = &self.contents;
        let mut reports = Vec::new();
        for file in contents.files.values() {
            let mut content = file.lock();
            let Some(path) = contents.numbers.path(file.number) else { continue };
            if content.is_written() {
                reports.push(self.edits.keeper.keep_half(&contents.path, path, content.share()));
            }
        }
        reports
    }
}
