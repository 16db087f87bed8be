//! Saving a message, and the end of a mount with unsaved edits.

use std::sync::Arc;
use std::time::Instant;

use outlook_msg::sync::lock;

pub mod edit_log;
pub(in crate::fs) mod recovery;
pub(in crate::fs) mod saver;
pub(in crate::fs) mod target;

use crate::imsg::{MapiPropMut as _, SaveReport};

use crate::fs::edits::message::directory::{
    Contents, MessageDirectory, MessageState, SaveProgress,
};
use crate::fs::edits::open::buffer::Buffer;
use crate::fs::error::with_causes;
use crate::fs::messages::{MessageNode, message_error};
use crate::fs::source::ino::SourceNode;
use crate::fs::{Error, Fs};

impl Fs {
    /// Saves messages when they are due, and returns when the filesystem is closed. Run it in
    /// [`Fs::savers`] threads; without them, everything is saved at the end.
    pub fn save_when_due(&self) {
        while let Some(base) = self.saver.next() {
            let Some(directory) = self.nodes.directory(base) else { continue };
            if self.saver.wait_for_writers(&directory.lock(), base) {
                continue;
            }
            let start = Instant::now();
            let saved = self.save(&directory, false);
            if let Err(error) = &saved {
                tracing::error!("not saved, the edits are kept: {}", with_causes(error));
            }
            // If another program has changed the file, trying again is of no use.
            let is_of_use = saved.is_ok() || !directory.lock().is_conflicting();
            let is_unsaved = directory.lock().is_unsaved();
            self.saver.again(base, start.elapsed(), is_unsaved && is_of_use);
        }
    }

    /// How many threads are to save messages.
    pub fn savers(&self) -> usize {
        if self.is_writable() { self::saver::THREADS } else { 0 }
    }

    /// Saves a message that has edits. Removals that are not final yet are not in it, unless it is
    /// the end.
    ///
    /// # Errors
    /// [`Error::Stale`] if its file was changed by others, or where it cannot be written. The
    /// edits are kept.
    pub(in crate::fs) fn save(
        &self,
        directory: &Arc<MessageDirectory>,
        is_end: bool,
    ) -> Result<(), Error> {
        let message = self.known_message(directory.base)?;
        let mut contents = directory.lock_idle();
        self.take_waiting(&message, &mut contents);
        self.finish_removals(&message, &mut contents, is_end);
        self.complete(&message, &mut contents);
        let path = contents.path.clone();
        let Some(edited) = contents.edits_mut() else { return Ok(()) };
        edited.save = SaveProgress::Running;
        let editing = edited.editor.message().clone();
        drop(contents);
        let outcome = editing.save_changes();
        let mut contents = directory.lock();
        match &outcome {
            Ok(()) => self.saved(&message, &mut contents),
            Err(_) => {
                if let Some(edited) = contents.edits_mut() {
                    edited.save = SaveProgress::Idle;
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
        contents.state = MessageState::Clean;
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

    /// Completes the edits of every message at the end of the mount, before the session saves them.
    /// Returns reports of what programs were still writing.
    pub(in crate::fs) fn finish_edits(&self) -> Vec<SaveReport> {
        self.saver.end();
        let mut reports = Vec::new();
        for directory in self.nodes.directories() {
            let Ok(message) = self.known_message(directory.base) else { continue };
            let mut contents = directory.lock_idle();
            self.take_waiting(&message, &mut contents);
            self.finish_removals(&message, &mut contents, true);
            self.complete(&message, &mut contents);
            reports.extend(self.half_written(&contents));
            if let MessageState::Arriving(arrival) = &contents.state
                && !arrival.is_saved()
                && let Ok(Some(bytes)) = arrival.bytes()
            {
                reports.push(self.keep_half(&contents.path, "", &bytes));
            }
            let left = contents.temporaries.take_left_over().into_iter();
            let left = left.filter_map(|(path, file)| Some((path, file.with(Buffer::share).ok()?)));
            reports.extend(self.keep_temporaries(&contents.path, &left.collect::<Vec<_>>()));
        }
        reports.append(&mut lock(&self.refused));
        reports
    }

    /// Keeps what programs have written to files of a message and not closed. The last values stay
    /// in the message.
    fn half_written(&self, contents: &Contents) -> Vec<SaveReport> {
        let mut reports = Vec::new();
        for file in contents.files.values() {
            let mut content = file.lock();
            let Some(path) = contents.numbers.path(file.number) else { continue };
            if content.is_written()
                && let Ok(bytes) = content.share()
            {
                reports.push(self.keep_half(&contents.path, path, &bytes));
            }
        }
        reports
    }

    /// How many messages may differ from their files, and how many have edits that are not saved.
    pub(in crate::fs) fn edit_counts(&self) -> (usize, usize) {
        let directories = self.nodes.directories();
        let unsaved = directories.iter().filter(|directory| directory.lock().is_unsaved()).count();
        (directories.len(), unsaved)
    }
}
