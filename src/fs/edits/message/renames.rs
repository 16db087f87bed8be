//! Renaming files in a message.

use std::ffi::OsStr;
use std::sync::Arc;

use crate::fs::Error;
use crate::fs::edits::open::buffer::Buffer;
use crate::fs::edits::open::open_file::{Moment, OpenFile};
use crate::fs::edits::save::edit_log::Operation;
use crate::view::{self, FileKind, NodeId};

use super::directory::split;
use super::entries::{EditableMessage, FILE_BITS};
use super::locked::LockedMessage;
use super::numbers::relative_to;
use super::process::Process;
use super::shown::{NewNameKind, ShownEntry};
use super::temporary::{Temporary, TemporaryFile, TemporaryKind};

const NO_NAME: &str = "it cannot have this name";
const NO_MESSAGE_NAME: &str = "an attached message has a name that ends in .msg";
const ELSEWHERE: &str = "an attached message is moved within its folder, or out of the message; \
                         move it to a folder of the mount first";

/// A rename of a file or directory within a message.
struct Rename<'l, 'a> {
    locked: &'l mut LockedMessage<'a>,
    old: &'l str,
    new: &'l str,
    /// Whether something has the new name.
    is_replacing: bool,
}

impl EditableMessage<'_> {
    /// Renames a file within the message. With `no_replace` nothing may have the new name.
    pub(in crate::fs) fn rename(
        &self,
        name: &OsStr,
        (new_parent, new_name): (NodeId, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        let mut locked = self.lock();
        let old = locked.contents.path_in(self.number, name)?;
        let new = locked.contents.path_in(new_parent, new_name)?;
        let found = locked.shown().find(&old)?;
        let replaced = match locked.shown().find(&new) {
            Ok(found) => Some(found.kind()),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        };
        if old == new {
            return Ok(());
        }
        if no_replace && replaced.is_some() {
            return Err(Error::Exists);
        }
        match (found.kind(), replaced) {
            (FileKind::Directory, Some(FileKind::File | FileKind::Symlink)) => {
                return Err(Error::NotADirectory);
            }
            (FileKind::File, Some(FileKind::Directory)) => return Err(Error::IsADirectory),
            (FileKind::Directory, Some(FileKind::Directory)) => return Err(Error::NotEmpty),
            _ => {}
        }
        locked.begin_differing();
        let is_replacing = replaced.is_some();
        Rename { locked: &mut locked, old: &old, new: &new, is_replacing }.run(&found)?;
        locked.schedule_save();
        Ok(())
    }
}

impl Rename<'_, '_> {
    fn run(&mut self, found: &ShownEntry) -> Result<(), Error> {
        let (old, new) = (self.old, self.new);
        let target = match self.locked.contents.temporaries.get(new) {
            Some(_) => NewNameKind::Temporary,
            None => self.locked.shown().new_name(new, false)?,
        };
        match (found, target) {
            (ShownEntry::Temporary(_), NewNameKind::Temporary) => {
                let contents = &mut *self.locked.contents;
                contents.temporaries.remove(new);
                contents.removals.temporary_removed(new, Process::None);
                self.follow();
                self.copy_again();
                return Ok(());
            }
            (ShownEntry::Temporary(file), NewNameKind::Value) if file.file().is_some() => {
                return file.file().map_or(Ok(()), |file| self.set_from_temporary(file));
            }
            (
                ShownEntry::Node(_, _, FileKind::File) | ShownEntry::New(_),
                NewNameKind::Temporary,
            ) => return self.rename_away(found),
            (ShownEntry::New(file), NewNameKind::Value) => {
                self.check_writers()?;
                self.locked.take_hidden_place(new)?;
                file.lock().due(Moment::Final)?;
                self.set(&self.locked.bytes(self.old)?)?;
                file.lock().settled();
                self.pass_to_writers();
            }
            (ShownEntry::Node(_, _, kind), NewNameKind::Value) => self.move_node(*kind)?,
            _ => return Err(self.locked.contents.refuse(new, NO_NAME)),
        }
        let times = &mut self.locked.contents.times;
        if let Some(time) = times.remove(old) {
            times.insert(new.to_owned(), time);
        }
        self.follow();
        // The numbers of what is in a message that is renamed stay.
        if !matches!(found, ShownEntry::Node(_, _, FileKind::Directory)) {
            self.locked.settled(new);
        }
        match found {
            ShownEntry::New(_) => self.locked.hide_covered(old, Process::None),
            _ => Ok(()),
        }
    }

    /// Sets the file of the new name to the bytes of a temporary file, which becomes that file.
    fn set_from_temporary(&mut self, file: &TemporaryFile) -> Result<(), Error> {
        let (old, new) = (self.old, self.new);
        self.locked.check_writable()?;
        self.locked.take_hidden_place(new)?;
        let (bytes, changes) = file.snapshot();
        self.set(&bytes)?;
        let is_message = self.locked.is_directory(new);
        let contents = &mut *self.locked.contents;
        contents.times.insert(new.to_owned(), file.modified());
        // What was renamed to this temporary name has come to another place.
        contents.removals.temporary_removed(old, Process::None);
        if is_message {
            file.become_message(contents.path.join(new));
            self.locked.end_temporary(old);
            return Ok(());
        }
        contents.temporaries.remove(old);
        let handed = contents.numbers.number(old, view::fixed_number(old));
        contents.numbers.rename(old, new, self.is_replacing);
        let number = contents.numbers.number(new, view::fixed_number(new));
        let (files, opened) = (&mut contents.files, || OpenFile::new(number, false));
        let opened = || Arc::clone(files.entry(number).or_insert_with(opened));
        file.become_file(handed, changes, opened);
        Ok(())
    }

    /// The number of a path.
    fn number(&self, path: &str) -> NodeId {
        self.locked.contents.numbers.number(path, view::fixed_number(path))
    }

    /// # Errors
    /// [`Error::Busy`] if a program is writing to a file that it would lose: since the file that is
    /// replaced keeps its number, or since the file lies in the message that is renamed.
    fn check_writers(&self) -> Result<(), Error> {
        let is_lost = self.is_replacing && self.is_being_written();
        match is_lost || self.is_written_below() {
            true => Err(Error::Busy),
            false => Ok(()),
        }
    }

    /// Whether a program is writing to a file in the renamed message.
    fn is_written_below(&self) -> bool {
        let contents = &self.locked.contents;
        contents.files.values().any(|file| {
            let path = contents.numbers.path(file.number);
            let is_below = path.is_some_and(|path| relative_to(path, self.old).is_some());
            path != Some(self.old) && is_below && file.lock().is_in_use()
        })
    }

    /// Whether a program has written something to the renamed file that is not its value yet. One
    /// that has closed it is not in the way, though the kernel says so only after `close` has
    /// returned.
    fn is_being_written(&self) -> bool {
        let file = self.locked.contents.files.get(&self.number(self.old));
        file.map(|file| file.lock()).is_some_and(|file| file.is_open() && file.is_written())
    }

    /// Lets the programs that have the renamed file open for writing go on with it under its new
    /// name. If it replaces another one or has become a directory, they lose it.
    fn pass_to_writers(&mut self) {
        if self.is_replacing || self.locked.is_directory(self.new) {
            self.take(self.old);
        } else if let Some(open) = self.locked.contents.files.get(&self.number(self.old)) {
            open.lock().moved();
        }
    }

    /// Takes a file from the programs that have it open for writing.
    fn take(&mut self, path: &str) {
        let number = self.number(path);
        if let Some(open) = self.locked.contents.files.remove(&number) {
            open.lock().replaced();
        }
    }

    /// Moves the temporary files, removals and numbers of the path, and of what is below it.
    fn follow(&mut self) {
        let contents = &mut *self.locked.contents;
        contents.temporaries.rename(self.old, self.new);
        contents.removals.rename(self.old, self.new);
        contents.numbers.rename(self.old, self.new, self.is_replacing);
    }

    /// Copies a temporary file under its new name to the state folder. Without room for it, the copy
    /// under the old name stays.
    fn copy_again(&self) {
        let contents = &self.locked.contents;
        if let Some(TemporaryKind::File(file)) =
            contents.temporaries.get(self.new).map(|file| &file.kind)
        {
            let _ = file.keep_copy(&self.locked.edits.log, &contents.path, self.new);
        }
    }

    /// Gives a file of the message a temporary name: a copy, while the file itself is hidden.
    ///
    /// # Errors
    /// [`Error::Busy`] if a program is writing to it, since the copy would not follow. Others that
    /// have it open for writing lose it.
    ///
    /// As of `open` for writing, if the file cannot be written: the program could not put anything
    /// in its place, nor rename it back.
    fn rename_away(&mut self, found: &ShownEntry) -> Result<(), Error> {
        self.locked.check_settable(self.old)?;
        if self.is_being_written() {
            return Err(Error::Busy);
        }
        let bytes = self.locked.bytes(self.old)?;
        let file = TemporaryFile::new(bytes);
        let contents = &mut *self.locked.contents;
        file.keep_copy(&self.locked.edits.log, &contents.path, self.new)?;
        let file = Temporary::new(TemporaryKind::File(file), FILE_BITS);
        contents.temporaries.put(self.new, file)?;
        contents.removals.temporary_removed(self.new, Process::None);
        self.take(self.old);
        let contents = &mut *self.locked.contents;
        match found {
            ShownEntry::New(_) => {
                contents.numbers.remove(self.old);
                self.locked.hide_covered(self.old, Process::None)
            }
            _ => {
                contents.removals.rename_away(self.old, self.new);
                Ok(())
            }
        }
    }

    /// Moves a file or directory of the message to a path that can have a value. That is one edit,
    /// so that a kill leaves either all of it or nothing.
    fn move_node(&mut self, kind: FileKind) -> Result<(), Error> {
        let (old, new) = (self.old, self.new);
        self.locked.check_writable()?;
        self.check_writers()?;
        self.locked.take_hidden_place(new)?;
        let (from, to) = (old.to_owned(), new.to_owned());
        let is_attached = view::is_attachment_path(old) && view::is_attachment_path(new);
        let gets_name = is_attached && split(old).0 == split(new).0;
        let takes_place = self.is_replacing && kind == FileKind::File;
        match (gets_name && !takes_place, kind) {
            // If the kernel got EINVAL, mv would say that the message is moved into itself.
            (true, FileKind::Directory) if !view::is_embedded_message_path(new) => {
                Err(self.locked.contents.refuse(new, NO_MESSAGE_NAME))
            }
            (true, _) => self.locked.apply(&Operation::Rename { from, to }),
            (false, FileKind::File) => {
                let value = self.locked.bytes(old)?.share().map_err(Error::Buffer)?;
                self.make(&Operation::Replace { from, to, value })?;
                self.pass_to_writers();
                Ok(())
            }
            (false, _) => Err(self.locked.contents.refuse(new, ELSEWHERE)),
        }
    }

    /// Sets the file of the new name to the bytes of the one that is renamed onto it.
    fn set(&mut self, bytes: &Buffer) -> Result<(), Error> {
        let value = bytes.share().map_err(Error::Buffer)?;
        self.make(&Operation::Set { path: self.new.to_owned(), value })
    }

    /// Makes the edit that gives the file of the new name its value. The programs that have that
    /// file open have lost it.
    fn make(&mut self, operation: &Operation) -> Result<(), Error> {
        self.locked.apply(operation)?;
        self.take(self.new);
        Ok(())
    }
}
