//! A message whose contents are locked.

use std::sync::{Arc, MutexGuard};

use crate::fs::Error;
use crate::fs::edits::open::buffer::{Buffer, LEN_MAX};
use crate::fs::edits::{Edits, MessageNode};
use crate::fs::error::message_error;
use crate::view::{self, FileKind, NodeId};

use super::answers::Answers;
use super::directory::Contents;
use super::entries::FILE_BITS;
use super::orphans::Orphan;
use super::shown::{Shown, ShownEntry};
use super::temporary::{Temporary, TemporaryKind};

/// A message whose contents are locked, to be changed. What it shows is asked of
/// [`LockedMessage::shown`], and what the kernel is told of it, of [`LockedMessage::answers`].
///
/// The changes lie in several modules: `editing` changes the message itself, `settling` and
/// `waiting` make the bytes of open files its values, and `removing` hides and removes files.
#[derive(Debug)]
pub(in crate::fs::edits) struct LockedMessage<'a> {
    pub(in crate::fs::edits) edits: &'a Edits,
    pub(in crate::fs::edits) message: &'a MessageNode,
    pub(in crate::fs::edits) contents: MutexGuard<'a, Contents>,
}

impl<'a> LockedMessage<'a> {
    pub(in crate::fs::edits) fn new(
        edits: &'a Edits,
        message: &'a MessageNode,
        contents: MutexGuard<'a, Contents>,
    ) -> Self {
        Self { edits, message, contents }
    }

    pub(in crate::fs::edits) fn shown(&self) -> Shown<'_> {
        Shown::new(&self.edits.messages, self.message, &self.contents)
    }

    pub(in crate::fs::edits) fn answers(&mut self) -> Answers<'_> {
        Answers::new(&self.edits.messages, self.message, &mut self.contents)
    }

    /// Plans a save if the message has something to save.
    pub(in crate::fs::edits) fn schedule_save(&self) {
        self.edits.saver.schedule(&self.contents, self.message.base);
    }

    /// The bytes of a file as its readers see them, or of a temporary file.
    pub(in crate::fs::edits) fn bytes(&self, path: &str) -> Result<Buffer, Error> {
        let contents = &self.contents;
        let number = contents.numbers.number(path, view::fixed_number(path));
        let open = contents.files.get(&number).map(|file| file.lock());
        if let Some(content) = open.filter(|content| content.is_seen()) {
            return Ok(content.copy());
        }
        match self.shown().find(path)? {
            ShownEntry::Temporary(file) => Ok(file.file().ok_or(Error::IsADirectory)?.snapshot().0),
            ShownEntry::Node(open, id, FileKind::File) => {
                let in_message = |error: view::Error| message_error(&contents.path, error);
                let len = open.tree.attributes(id).map_err(in_message)?.size;
                if len > LEN_MAX {
                    return Err(Error::TooLarge);
                }
                let read = |offset, piece: &mut [u8]| open.read_whole_at(id, offset, piece);
                let spool = self.edits.log.spool();
                Buffer::filled::<view::Error>(spool, len, read).map_err(in_message)
            }
            ShownEntry::New(_) => Ok(Buffer::default()),
            _ => Err(Error::IsADirectory),
        }
    }

    /// A file that is gone from its path, for those who have it open.
    ///
    /// # Errors
    /// [`Error::Stale`] if nothing is known of its content.
    pub(in crate::fs::edits) fn orphaned(&self, number: NodeId) -> Result<ShownEntry, Error> {
        match self.contents.orphans.get(number) {
            Some(Orphan::Node(open, id)) => {
                Ok(ShownEntry::Node(Arc::clone(open), *id, FileKind::File))
            }
            Some(Orphan::Temporary(file)) => {
                let kind = TemporaryKind::File(Arc::clone(file));
                Ok(ShownEntry::Temporary(Temporary::new(kind, FILE_BITS)))
            }
            Some(Orphan::Hidden) | None => Err(Error::Stale { path: self.contents.path.clone() }),
        }
    }

    /// Reads a file of the message: as it is being written, or as it was when it was removed.
    /// Releases the lock before a long read, which must not block other requests for the message.
    pub(in crate::fs::edits) fn read_at(
        self,
        number: NodeId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        if let Some(file) = self.contents.open_file(number).cloned() {
            let content = file.lock();
            if content.is_seen() {
                drop(self.contents);
                return content.read_at(offset, buffer);
            }
        }
        let found = match self.contents.numbers.path(number) {
            Some(path) => self.shown().find_hidden(path),
            None => self.orphaned(number),
        };
        drop(self.contents);
        let found = match found {
            // It was emptied, and lost its value since the kernel looked it up.
            Err(Error::NotFound) => return Ok(0),
            found => found?,
        };
        match found {
            ShownEntry::Node(open, id, FileKind::File) => {
                let read = open.read_whole_at(id, offset, buffer);
                read.map_err(|error| message_error(&open.path, error))
            }
            ShownEntry::Temporary(file) => {
                let file = file.file().ok_or(Error::IsADirectory)?;
                file.with(|bytes| bytes.read_at(offset, buffer))
            }
            ShownEntry::Arrival(arrival) => arrival.read_at(offset, buffer),
            ShownEntry::New(_) => Ok(0),
            ShownEntry::Node(..) | ShownEntry::EmptyDirectory(_) => Err(Error::IsADirectory),
        }
    }
}
