//! The calls that create, open, truncate and remove files of a message, and those that save or
//! discard its edits.

use std::ffi::OsStr;
use std::sync::{Arc, MutexGuard};

use crate::fs::edits::open::buffer::Buffer;
use crate::fs::edits::open::handles::HandleTarget;
use crate::fs::edits::open::open_file::OpenFlags;
use crate::fs::edits::open::unflushed::Unflushed;
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::edits::{Edits, LookedUpMessage};
use crate::fs::{Entry, Error};
use crate::view::{self, FileKind, NodeId};

use super::directory::{Contents, MessageDirectory};
use super::locked::LockedMessage;
use super::process::Process;
use super::shown::{NewNameKind, ShownEntry};
use super::temporary::{Temporary, TemporaryFile, TemporaryKind, Unchanged};
use super::waiting::is_told_without;

/// The permissions of a temporary directory.
const DIRECTORY_BITS: u16 = 0o755;
/// The permissions of a temporary file, unless the call says others.
pub(super) const FILE_BITS: u16 = 0o644;
const NO_DIRECTORY: &str = "only messages are made as directories, in attachments/";

/// A message that is to be changed, and the file or directory in it that a call is about.
#[derive(Debug)]
pub(in crate::fs) struct EditableMessage<'a> {
    pub(in crate::fs::edits) edits: &'a Edits,
    pub(in crate::fs) message: LookedUpMessage<'a>,
    pub(in crate::fs::edits) directory: Arc<MessageDirectory>,
    pub(in crate::fs::edits) number: NodeId,
}

impl EditableMessage<'_> {
    /// The contents, for an edit. Waits for the end of a save, and puts waiting attachments into
    /// the message first.
    pub(in crate::fs::edits) fn lock(&self) -> LockedMessage<'_> {
        self.lock_at(|_| None)
    }

    /// As [`EditableMessage::lock`], for a change that needs only the name or the attributes of
    /// `path`: attachments that wait go on waiting, so that a program can create many files before
    /// they come into the message together.
    pub(super) fn lock_at(
        &self,
        path: impl FnOnce(&Contents) -> Option<String>,
    ) -> LockedMessage<'_> {
        let mut locked = self.locked(self.directory.lock_idle());
        let contents = &locked.contents;
        if !contents.waiting.is_empty() && !path(contents).is_some_and(|at| is_told_without(&at)) {
            locked.take_waiting();
        }
        locked
    }

    fn locked<'a>(&'a self, contents: MutexGuard<'a, Contents>) -> LockedMessage<'a> {
        LockedMessage::new(self.edits, &self.message, contents)
    }

    /// The number of the file or directory in the message.
    pub(in crate::fs) fn number(&self) -> NodeId {
        self.number
    }

    /// Counts lookups of the message: one for each entry that the kernel is told of, and one for
    /// each handle.
    pub(super) fn count_lookups(&self, lookups: u64) {
        self.edits.source.nodes.look_up_inside(self.message.base, lookups);
    }

    /// Creates a file and opens it. If another program has created it in the meantime, only looks
    /// it up; the caller then opens it.
    pub(in crate::fs) fn create(
        &self,
        name: &OsStr,
        mode: u32,
        flags: OpenFlags,
        process: u32,
    ) -> Result<(Entry, Option<u64>), Error> {
        let mut locked = self.lock_at(|contents| contents.path_in(self.number, name).ok());
        let path = locked.contents.path_in(self.number, name)?;
        let is_there = locked.shown().is_there(&path)?;
        let is_unseen = locked.contents.creators.hides(&path, process);
        if is_there && !is_unseen {
            if flags.is_exclusive() {
                return Err(Error::Exists);
            }
            let name = name.to_str().ok_or(Error::NotFound)?;
            return Ok((locked.answers().lookup(self.number, name, process)?, None));
        }
        let new = locked.shown().new_name(&path, is_unseen)?;
        locked.contents.creators.made(&path, process);
        locked.begin_differing();
        let target = match new {
            NewNameKind::Value => {
                locked.check_writable()?;
                locked.take_hidden_place(&path)?;
                let number = locked.contents.numbers.assign(&path, view::fixed_number(&path));
                locked.writer(number, flags, true, process)
            }
            NewNameKind::Temporary | NewNameKind::Copy => {
                let file = TemporaryFile::new(Buffer::default());
                let kind = match new {
                    NewNameKind::Copy => TemporaryKind::Copy(Arc::clone(&file)),
                    _ => TemporaryKind::File(Arc::clone(&file)),
                };
                let bits = u16::try_from(mode & 0o777).unwrap_or(FILE_BITS);
                locked.contents.temporaries.put(&path, Temporary::new(kind, bits))?;
                HandleTarget::temporary(file, flags, process)
            }
            NewNameKind::Directory => return Err(Error::IsADirectory),
        };
        let found = locked.shown().find(&path);
        let entry = found.and_then(|found| locked.answers().entry(&path, &found));
        let entry = entry.inspect_err(|_| target.abandon())?;
        self.count_lookups(2);
        Ok((entry, Some(self.edits.handles.add(&self.directory, target))))
    }

    /// Creates a directory: an embedded message, or one that follows from what will be in it.
    pub(in crate::fs) fn mkdir(&self, name: &OsStr, process: u32) -> Result<Entry, Error> {
        let mut locked = self.lock();
        let path = locked.contents.path_in(self.number, name)?;
        let is_there = locked.shown().is_there(&path)?;
        let is_unseen = locked.contents.creators.hides(&path, process);
        if is_there && !is_unseen {
            return Err(Error::Exists);
        }
        let new = locked.shown().new_name(&path, is_unseen)?;
        locked.contents.creators.made(&path, process);
        locked.begin_differing();
        match new {
            NewNameKind::Value if view::is_embedded_message_path(&path) => {
                locked.take_hidden_place(&path)?;
                locked.apply(&Operation::CreateMessage { path: path.clone() })?;
                locked.contents.creators.created(&path, process);
                locked.schedule_save();
            }
            NewNameKind::Directory => drop(locked.contents.removals.show(&path)),
            NewNameKind::Copy | NewNameKind::Temporary => {
                let directory = Temporary::new(TemporaryKind::Directory, DIRECTORY_BITS);
                locked.contents.temporaries.put(&path, directory)?;
            }
            NewNameKind::Value => return Err(locked.contents.refuse(&path, NO_DIRECTORY)),
        }
        let found = locked.shown().find(&path)?;
        let entry = locked.answers().entry(&path, &found)?;
        self.count_lookups(1);
        Ok(entry)
    }

    /// Creates a symbolic link: Emacs locks a file with one.
    pub(in crate::fs) fn symlink(&self, name: &OsStr, target: &str) -> Result<Entry, Error> {
        let mut locked = self.lock();
        let path = locked.contents.path_in(self.number, name)?;
        if locked.shown().is_there(&path)? {
            return Err(Error::Exists);
        }
        let (NewNameKind::Temporary, false) =
            (locked.shown().new_name(&path, false)?, target.is_empty())
        else {
            return Err(Error::NotPermitted("a message has no symbolic links"));
        };
        let link = Temporary::new(TemporaryKind::Symlink(target.to_owned()), 0o777);
        self.put_temporary(&mut locked, &path, link)
    }

    /// Gives the file `from` of the message a second, temporary name: a copy (`perl -i.bak`).
    pub(in crate::fs) fn link(&self, from: NodeId, name: &OsStr) -> Result<Entry, Error> {
        let mut locked = self.lock();
        let old = locked.contents.path_of(from)?;
        let path = locked.contents.path_in(self.number, name)?;
        if locked.shown().is_there(&path)? {
            return Err(Error::Exists);
        }
        if !matches!(locked.shown().new_name(&path, false)?, NewNameKind::Temporary) {
            return Err(Error::NotPermitted("a file of a message has one name"));
        }
        let bytes = locked.bytes(&old)?;
        let copy = TemporaryFile::new(bytes);
        copy.keep_copy(&self.edits.log, &locked.contents.path, &path)?;
        let copy = Temporary::new(TemporaryKind::File(copy), FILE_BITS);
        self.put_temporary(&mut locked, &path, copy)
    }

    fn put_temporary(
        &self,
        locked: &mut LockedMessage<'_>,
        path: &str,
        file: Temporary,
    ) -> Result<Entry, Error> {
        locked.begin_differing();
        locked.contents.temporaries.put(path, file.clone())?;
        let entry = locked.answers().entry(path, &ShownEntry::Temporary(file))?;
        self.count_lookups(1);
        Ok(entry)
    }

    /// Removes a file.
    pub(in crate::fs) fn unlink(&self, name: &OsStr, process: Process) -> Result<(), Error> {
        let mut locked = self.lock();
        let path = locked.contents.path_in(self.number, name)?;
        match locked.shown().find(&path)?.kind() {
            FileKind::Directory => Err(Error::IsADirectory),
            FileKind::File | FileKind::Symlink => locked.remove(&path, process),
        }
    }

    /// Removes a directory of which all files have been removed: git and patch ask for the removal
    /// of any directory in which they have removed a file.
    pub(in crate::fs) fn rmdir(&self, name: &OsStr, process: Process) -> Result<(), Error> {
        let mut locked = self.lock();
        let path = locked.contents.path_in(self.number, name)?;
        let found = locked.shown().find(&path)?;
        if found.kind() != FileKind::Directory {
            return Err(Error::NotADirectory);
        }
        locked.contents.creators.done(&path);
        if !locked.is_emptied(&path, true)? {
            return Err(Error::NotEmpty);
        }
        match found {
            // A directory without content needs no removal: it exists only while something is in
            // it.
            ShownEntry::EmptyDirectory(_) => Ok(()),
            _ => locked.remove(&path, process),
        }
    }

    /// Cuts or lengthens a file without a handle, as truncate(2) does. The result becomes the value
    /// at once.
    pub(in crate::fs) fn truncate(&self, len: u64) -> Result<(), Error> {
        let spool = self.edits.log.spool();
        let mut locked = self.lock();
        let path = locked.contents.path_of(self.number)?;
        let is_there = match locked.shown().find_hidden(&path) {
            // It was emptied and has just lost its value, as in `EditableMessage::open`.
            Err(Error::NotFound) => false,
            Err(error) => return Err(error),
            Ok(ShownEntry::Arrival(arrival)) => return arrival.set_len(spool, len),
            Ok(ShownEntry::Temporary(file)) => {
                let bytes = file.file().ok_or(Error::IsADirectory)?;
                let changed = bytes.change(|bytes| bytes.set_len(spool, len));
                return changed.map_err(Unchanged::into_error);
            }
            Ok(ShownEntry::New(_) | ShownEntry::Node(..) | ShownEntry::EmptyDirectory(_)) => true,
        };
        locked.check_settable(&path)?;
        let mut buffer = match len {
            _ if len > 0 && is_there => locked.bytes(&path)?,
            _ => Buffer::default(),
        };
        let value = buffer.set_len(spool, len).and_then(|()| buffer.share());
        let value = value.map_err(Error::Buffer)?;
        locked.apply(&Operation::Set { path, value })?;
        if let Some(open) = locked.contents.open_file(self.number) {
            open.lock().read_anew();
        }
        locked.schedule_save();
        Ok(())
    }

    /// Opens a file for writing for a thread, and returns the handle.
    pub(in crate::fs) fn open(&self, flags: OpenFlags, thread: u32) -> Result<u64, Error> {
        let spool = self.edits.log.spool();
        let mut locked = self.lock();
        let path = locked.contents.path_of(self.number)?;
        let found = match locked.shown().find_hidden(&path) {
            // A program has emptied the file, and its RELEASE, at which the file lost its value,
            // came between the LOOKUP and the OPEN of this program. To users the file is there all
            // the time, so open it.
            Err(Error::NotFound) => None,
            found => Some(found?),
        };
        let is_new = found.is_none();
        let target = match found {
            Some(ShownEntry::Arrival(arrival)) => {
                arrival.open();
                if flags.truncates() {
                    arrival.set_len(spool, 0)?;
                }
                HandleTarget::Arrival { arrival, unflushed: Unflushed::new(thread) }
            }
            Some(ShownEntry::Temporary(file)) => {
                let file = Arc::clone(file.file().ok_or(Error::IsADirectory)?);
                if flags.truncates() {
                    file.change(|bytes| bytes.set_len(spool, 0)).map_err(Unchanged::into_error)?;
                }
                HandleTarget::temporary(file, flags, thread)
            }
            None
            | Some(ShownEntry::New(_) | ShownEntry::Node(..) | ShownEntry::EmptyDirectory(_)) => {
                locked.check_settable(&path)?;
                locked.begin_differing();
                let target = locked.writer(self.number, flags, is_new, thread);
                if let HandleTarget::File { file, .. } = &target
                    && flags.truncates()
                {
                    let emptied = file.lock().set_len(spool, 0);
                    emptied.inspect_err(|_| target.abandon())?;
                }
                target
            }
        };
        self.count_lookups(1);
        Ok(self.edits.handles.add(&self.directory, target))
    }

    /// Saves the message. If that fails, the edits are at least in the log, and the log is synced.
    pub(in crate::fs) fn save_now(&self) -> Result<(), Error> {
        self.edits.save_now(&self.directory)
    }

    /// Saves the message for an fsync of one of its directories: with what the process has removed
    /// in it.
    pub(in crate::fs) fn save_directory_now(&self, process: Process) -> Result<(), Error> {
        self.edits.save_removals_now(&self.directory, process)
    }

    /// Throws the unsaved edits of the message away.
    ///
    /// # Errors
    /// [`Error::NoAttribute`] if it has none.
    pub(in crate::fs) fn discard(&self) -> Result<(), Error> {
        let mut locked = self.lock();
        if self.number != NodeId(0) || !locked.contents.is_unsaved() {
            return Err(Error::NoAttribute);
        }
        let was_new = locked.contents.edits().is_some_and(|edited| edited.is_new);
        locked.discard()?;
        match was_new {
            true => self.edits.end(self.message.base, locked.contents),
            false => self.edits.saver.cancel(self.message.base),
        }
        Ok(())
    }
}
