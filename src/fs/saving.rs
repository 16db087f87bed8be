//! Saving a message, and the end of a mount with unsaved edits.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::imsg::{MapiPropMut as _, SaveOutcome, SaveReport};
use crate::storage::Source;

use super::directory::{Contents, MessageDirectory, Save, State};
use super::edit_log::EditLog;
use super::ino::SourceNode;
use super::messages::{MessageNode, message_error};
use super::{Error, Fs, saver};

impl Fs {
    /// Saves messages when they are due, until the filesystem is closed. For threads of its own,
    /// [`Fs::savers`] of them; without one everything is saved at the end.
    pub fn save_when_due(&self) {
        while let Some(base) = self.saver.next() {
            let Some(directory) = self.nodes.directory(base) else { continue };
            let start = Instant::now();
            if let Err(error) = self.save(&directory, false) {
                tracing::error!("not saved, the edits are kept: {error}");
            }
            let is_unsaved = directory.lock().is_unsaved();
            self.saver.again(base, start.elapsed(), is_unsaved);
        }
    }

    /// How many threads are to save messages.
    pub fn savers(&self) -> usize {
        if self.is_writable() { saver::THREADS } else { 0 }
    }

    /// Saves a message that has edits. Removals that are not final yet are not in it, unless it is
    /// the end.
    ///
    /// # Errors
    /// [`Error::Stale`] if its file was changed by others, or where it cannot be written. The
    /// edits are kept.
    pub(super) fn save(
        &self,
        directory: &Arc<MessageDirectory>,
        is_end: bool,
    ) -> Result<(), Error> {
        let message = self.known_message(directory.base)?;
        let mut contents = directory.lock_idle();
        self.finish_removals(&message, &mut contents, is_end);
        self.complete(&message, &mut contents);
        let path = contents.path.clone();
        let Some(edited) = contents.edits_mut() else { return Ok(()) };
        edited.save = Save::Running;
        let editing = edited.editor.message().clone();
        drop(contents);
        let outcome = editing.save_changes();
        let mut contents = directory.lock();
        match &outcome {
            Ok(()) => self.saved(&message, &mut contents),
            Err(_) => {
                if let Ok(log) = self.log()
                    && let Err(error) = log.sync(&path)
                {
                    tracing::warn!("{}: the edits may not be on the disk: {error}", path.display());
                }
                if let Some(edited) = contents.edits_mut() {
                    edited.save = Save::Idle;
                    edited.is_new = edited.target.state().is_none();
                }
            }
        }
        drop(contents);
        directory.notify_saved();
        outcome.map_err(|error| message_error(&path, error.into()))
    }

    /// Notes that the edits of a message are in its file: from now on it is shown from there.
    fn saved(&self, message: &MessageNode, contents: &mut Contents) {
        let state = contents.edits().and_then(|edited| edited.target.state());
        contents.state = State::Clean;
        contents.orphans.clear();
        contents.temporaries.drop_copies();
        if let Some(state) = state {
            let node = SourceNode {
                path: contents.path.clone(),
                identity: state.into(),
                kind: message.node.kind,
            };
            self.nodes.claim(message.base, &Arc::new(node));
        }
        tracing::debug!(path = %contents.path.display(), "saved");
    }

    /// Makes the edits of every message whole, before the session saves them. What programs were
    /// still writing is kept apart, and so are the temporary files of editors that are left.
    pub(super) fn finish_edits(&self) -> Vec<SaveReport> {
        self.saver.end();
        let mut reports = Vec::new();
        for directory in self.nodes.directories() {
            let Ok(message) = self.known_message(directory.base) else { continue };
            let mut contents = directory.lock_idle();
            self.finish_removals(&message, &mut contents, true);
            self.complete(&message, &mut contents);
            reports.extend(self.keep_half_written(&contents));
            let left = contents.temporaries.take_left_over();
            let path = contents.path.clone();
            drop(contents);
            for (name, file) in left {
                let bytes = file.with(|bytes| bytes.share());
                reports.push(self.keep_file(&path, &name, bytes, "a temporary file that was left"));
            }
        }
        reports
    }

    /// Keeps what programs have written to files of a message and not closed: the last values stay.
    fn keep_half_written(&self, contents: &Contents) -> Vec<SaveReport> {
        const REASON: &str = "a program was still writing it";
        let mut reports = Vec::new();
        if let State::Arriving(arrival) = &contents.state
            && !arrival.has_landed()
            && arrival.len_and_time().0 > 0
        {
            let name = contents.path.file_name().unwrap_or_default().to_string_lossy();
            reports.push(self.keep_file(&contents.path, &name, arrival.bytes(), REASON));
        }
        for file in contents.files.values() {
            let mut content = file.lock();
            let path = contents.numbers.path(file.number);
            if let Some(path) = path.filter(|_| content.is_written()) {
                reports.push(self.keep_file(&contents.path, path, content.share(), REASON));
            }
        }
        reports
    }

    fn keep_file(
        &self,
        message: &Path,
        path: &str,
        bytes: Result<Arc<Source>, Error>,
        reason: &str,
    ) -> SaveReport {
        let name = format!("{}/{path}", message.display());
        let kept = bytes.and_then(|bytes| {
            let kept = self.log()?.keep_file(message, path, &bytes, reason);
            kept.map_err(Error::Buffer)
        });
        let cause = reason.to_owned();
        let outcome = match kept {
            Ok(path) => SaveOutcome::Kept { cause, path },
            Err(error) => SaveOutcome::Lost { cause: format!("{cause}; {error}") },
        };
        SaveReport { name, outcome }
    }

    /// Where edits are kept that cannot be saved, and what is told of them.
    pub fn state_folder(&self) -> Option<&Path> {
        Some(self.log.as_ref()?.state_folder().path())
    }

    /// Where edits stand until they are saved.
    pub(super) fn log(&self) -> Result<&Arc<EditLog>, Error> {
        self.log.as_ref().ok_or(Error::BadHandle)
    }

    /// How many messages may differ from their files, and how many have edits that are not saved.
    pub(super) fn edit_counts(&self) -> (usize, usize) {
        let directories = self.nodes.directories();
        let unsaved = directories.iter().filter(|directory| directory.lock().is_unsaved()).count();
        (directories.len(), unsaved)
    }
}
