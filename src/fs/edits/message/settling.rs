//! How the bytes of open files become values of the message.

use std::sync::Arc;

use crate::fs::Error;
use crate::fs::edits::open::handles::HandleTarget;
use crate::fs::edits::open::open_file::{Moment, OpenFile, OpenFlags};
use crate::fs::edits::open::unflushed::Unflushed;
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::error::{refusal, with_causes};
use crate::view::{self, FileKind, NodeId};

use super::directory::split;
use super::locked::LockedMessage;
use super::numbers::relative_to;
use super::shown::ShownEntry;

impl LockedMessage<'_> {
    /// A handle for writing to a file, which a thread opens. All handles of a file share one buffer.
    /// With `is_new` the message has no such value now, although a program may still have the file
    /// open.
    pub(super) fn writer(
        &mut self,
        number: NodeId,
        flags: OpenFlags,
        is_new: bool,
        opener: u32,
    ) -> HandleTarget {
        let number = self.contents.numbers.canonical(number);
        let files = &mut self.contents.files;
        let file = files.entry(number).or_insert_with(|| OpenFile::new(number, is_new));
        let mut content = file.lock();
        content.open();
        if is_new {
            content.create_again();
        }
        drop(content);
        HandleTarget::File {
            file: Arc::clone(file),
            appends: flags.appends(),
            unflushed: Unflushed::new(opener),
        }
    }

    /// Makes the bytes of an open file its value, if they are due at this moment. No save may be
    /// going on.
    ///
    /// # Errors
    /// [`Error::Message`] if the bytes are no value of the file, which then keeps its old one.
    pub(in crate::fs::edits) fn settle(
        &mut self,
        file: &OpenFile,
        moment: Moment,
    ) -> Result<(), Error> {
        let path = match self.contents.numbers.path(file.number) {
            Some(path) => path.to_owned(),
            // It was removed while it was open.
            None => return Ok(()),
        };
        // A new file may have the path of one that was removed.
        let has_value = file.lock().has_value();
        if self.contents.removals.has(if has_value { &path } else { split(&path).0 }) {
            // Nobody sees what is written to a removed file. If the removal is undone while the
            // file is still open, a later moment makes it the value.
            return Ok(());
        }
        let settled = self.set_due(file, &path, moment);
        if settled.is_err() {
            self.show_old_value(file);
        }
        settled
    }

    /// Shows the old value of a file whose bytes were refused as a value, if the old one has a
    /// temporary name only. One that was removed stays so.
    pub(in crate::fs::edits) fn show_old_value(&mut self, file: &OpenFile) {
        let contents = &mut *self.contents;
        if let Some(path) = contents.numbers.path(file.number) {
            contents.removals.show_renamed(path);
        }
    }

    fn set_due(&mut self, file: &OpenFile, path: &str, moment: Moment) -> Result<(), Error> {
        let Some(value) = file.lock().due(moment)? else { return Ok(()) };
        if self.may_wait(file, path) {
            return self.wait(file, path.to_owned(), value);
        }
        self.take_waiting();
        let set = self.apply(&Operation::Set { path: path.to_owned(), value });
        match &set {
            Ok(()) => {
                file.lock().settled();
                self.settled(path);
            }
            Err(error) => {
                tracing::warn!("not set, the old value stays: {}", with_causes(error));
                file.lock().refuse(refusal(error));
            }
        }
        set
    }

    /// Updates the inode numbers after a file was set: a message file that was put into
    /// `attachments/` is a directory from now on, and an inode of its own.
    pub(in crate::fs::edits) fn settled(&mut self, path: &str) {
        if view::is_embedded_message_path(path) && self.is_directory(path) {
            self.contents.numbers.remove(path);
        }
    }

    /// Whether a path leads to a directory of the message.
    pub(super) fn is_directory(&self, path: &str) -> bool {
        matches!(self.shown().find(path), Ok(ShownEntry::Node(_, _, FileKind::Directory)))
    }

    /// Makes the bytes of every file at or below a path its value, so that they move with it.
    ///
    /// # Errors
    /// [`Error::Busy`] if a program is still writing to one.
    pub(in crate::fs::edits) fn settle_below(&mut self, path: &str) -> Result<(), Error> {
        let contents = &self.contents;
        let is_below = |file: &&Arc<OpenFile>| {
            let at = contents.numbers.path(file.number);
            at.is_some_and(|at| relative_to(at, path).is_some())
        };
        let files: Vec<_> = contents.files.values().filter(is_below).cloned().collect();
        if files.iter().any(|file| file.lock().is_in_use()) {
            return Err(Error::Busy);
        }
        files.iter().try_for_each(|file| self.settle(file, Moment::Final))
    }
}
