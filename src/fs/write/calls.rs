//! The calls of the kernel that only a filesystem has that is written to.
//!
//! Each is for a message, or for a folder of the source; everything else of the source is as it
//! is.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::super::ino::{Base, Ino, SourceKind};
use super::super::{Add, Entry, Error, Fs, is_message_name};
use super::entries::name_text;
use super::{OpenFlags, SetAttr, Writing};

impl Fs {
    /// Whether it is written to: then files have to be opened.
    pub fn is_writable(&self) -> bool {
        self.writing.is_some()
    }

    /// Where edits are kept that cannot be saved, and what is told of them.
    pub fn state_folder(&self) -> Option<&Path> {
        Some(self.writing.as_ref()?.state_folder.path())
    }

    /// Whether an edit of what this inode belongs to would wait for a save.
    pub fn is_saving(&self, ino: Ino) -> bool {
        self.in_message(ino).is_some_and(|(writing, ino)| {
            writing.draft(ino).is_ok_and(|(draft, _)| draft.is_saving())
        })
    }

    /// Opens a file: the number of the handle, 0 for one that is read without.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::IsADirectory`], or `EROFS` and `EACCES` where nothing
    /// can be written.
    pub fn open_file(&self, ino: Ino, flags: i32) -> Result<u64, Error> {
        let flags = OpenFlags(flags);
        match self.in_message(ino) {
            Some((writing, ino)) => writing.open(ino, flags),
            None if flags.is_writing() => Err(self.read_only(ino)),
            None => Ok(0),
        }
    }

    /// Finds a file in a directory, as [`Fs::lookup`] does: for the process that is filling a
    /// message it created, only what it has put there.
    ///
    /// # Errors
    /// As [`Fs::lookup`].
    pub fn lookup_for(&self, parent: Ino, name: &OsStr, process: u32) -> Result<Entry, Error> {
        match self.in_message(parent) {
            Some((writing, inner)) if name != super::super::control::DIRECTORY => {
                writing.lookup(inner, name, process)
            }
            _ => self.lookup(parent, name),
        }
    }

    /// Creates a file and opens it.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if no message has such a file, [`Error::Exists`], `EROFS` for
    /// files that are no messages.
    pub fn create(
        &self,
        parent: Ino,
        name: &OsStr,
        mode: u32,
        flags: i32,
    ) -> Result<(Entry, u64), Error> {
        self.create_for(parent, name, mode, flags, 0)
    }

    /// Creates a file for a process, as [`Fs::create`] does.
    ///
    /// # Errors
    /// As [`Fs::create`].
    pub fn create_for(
        &self,
        parent: Ino,
        name: &OsStr,
        mode: u32,
        flags: i32,
        process: u32,
    ) -> Result<(Entry, u64), Error> {
        if let Some((writing, parent)) = self.in_message(parent) {
            return writing.create(parent, name, mode, OpenFlags(flags), process);
        }
        let (writing, path) = self.in_folder(parent, name)?;
        writing.create_file(&path)
    }

    /// Creates a directory: a message, or one in a message.
    ///
    /// # Errors
    /// As [`Fs::create`].
    pub fn mkdir(&self, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        self.mkdir_for(parent, name, 0)
    }

    /// Creates a directory for a process, as [`Fs::mkdir`] does.
    ///
    /// # Errors
    /// As [`Fs::create`].
    pub fn mkdir_for(&self, parent: Ino, name: &OsStr, process: u32) -> Result<Entry, Error> {
        if let Some((writing, parent)) = self.in_message(parent) {
            return writing.mkdir(parent, name, process);
        }
        let (writing, path) = self.in_folder(parent, name)?;
        if !is_message_name(&path) {
            return Err(Error::NotPermitted("only messages are created: NAME.msg"));
        }
        writing.create_message(&path, process)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotPermitted`], `EROFS` for files that are no messages.
    pub fn unlink(&self, parent: Ino, name: &OsStr) -> Result<(), Error> {
        if let Some((writing, parent)) = self.in_message(parent) {
            return writing.unlink(parent, name);
        }
        let (writing, path) = self.in_folder(parent, name)?;
        match writing.remove_incoming(&path) {
            true => Ok(()),
            false => Err(self.read_only(parent)),
        }
    }

    /// Removes a directory: a message, or one in a message.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotEmpty`], [`Error::NotPermitted`].
    pub fn rmdir(&self, parent: Ino, name: &OsStr) -> Result<(), Error> {
        if let Some((writing, parent)) = self.in_message(parent) {
            return writing.rmdir(parent, name);
        }
        let (writing, path) = self.in_folder(parent, name)?;
        if !is_message_name(&path) {
            return Err(Error::NotPermitted("folders of the source stay"));
        }
        writing.remove_message(&path)
    }

    /// Renames a file or a message. With `no_replace` nothing may have the new name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::OtherDevice`] between messages, [`Error::Exists`],
    /// [`Error::NotPermitted`].
    pub fn rename(
        &self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        match (self.in_message(from.0), self.in_message(to.0)) {
            (Some((writing, parent)), Some((_, new_parent))) => {
                writing.rename((parent, from.1), (new_parent, to.1), no_replace)
            }
            (None, None) => {
                let (writing, old) = self.in_folder(from.0, from.1)?;
                let (_, new) = self.in_folder(to.0, to.1)?;
                if !is_message_name(&old) {
                    return Err(self.read_only(from.0));
                }
                writing.rename_message(&old, &new, no_replace)
            }
            _ => Err(Error::OtherDevice),
        }
    }

    /// Changes attributes: the length and the times of what can be written to.
    ///
    /// # Errors
    /// `EROFS` for files that are no messages, else those of writing.
    pub fn setattr(&self, ino: Ino, handle: Option<u64>, change: &SetAttr) -> Result<Entry, Error> {
        match self.in_message(ino) {
            Some((writing, inner)) => {
                let mut entry = writing.setattr(inner, handle, change)?;
                entry.attr.ino = ino;
                Ok(entry)
            }
            None => Err(self.read_only(ino)),
        }
    }

    /// Reads from an open file.
    ///
    /// # Errors
    /// [`Error::BadHandle`], or where the message is damaged or cannot be read.
    pub fn read_open(
        &self,
        ino: Ino,
        handle: u64,
        offset: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match &self.writing {
            Some(writing) if handle != 0 => {
                *out = writing.read(handle, offset, size)?;
                Ok(())
            }
            _ => self.read_into(ino, offset, size, out),
        }
    }

    /// Writes to an open file.
    ///
    /// # Errors
    /// [`Error::BadHandle`], or [`Error::Buffer`] if there is no room.
    pub fn write(&self, handle: u64, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.writing()?.write(handle, offset, bytes)
    }

    /// Makes what was written the value of the file, as at every `close`.
    ///
    /// # Errors
    /// If the bytes are no value of the file, which then keeps its old one.
    pub fn flush(&self, handle: u64) -> Result<(), Error> {
        match &self.writing {
            Some(writing) if handle != 0 => writing.flush(handle),
            _ => Ok(()),
        }
    }

    /// Closes a file or directory.
    pub fn release(&self, handle: u64) {
        if let Some(writing) = &self.writing {
            writing.release(handle);
        }
    }

    /// Saves the message of an open file or directory.
    ///
    /// # Errors
    /// Those of [`Fs::flush`]; [`Error::Stale`] if the source was changed by others, or where
    /// it cannot be written. The edits are kept.
    pub fn fsync(&self, handle: u64) -> Result<(), Error> {
        match &self.writing {
            Some(writing) if handle != 0 => writing.fsync(handle),
            _ => Ok(()),
        }
    }

    /// Opens a directory: the number of the handle, 0 for a folder of the source.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn opendir(&self, ino: Ino) -> Result<u64, Error> {
        match self.in_message(ino) {
            Some((writing, ino)) => writing.opendir(ino),
            None => Ok(0),
        }
    }

    /// Lists an open directory, as [`Fs::readdir`] does.
    ///
    /// # Errors
    /// As [`Fs::readdir`].
    pub fn readdir_open(
        &self,
        ino: Ino,
        handle: u64,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        match &self.writing {
            Some(writing) if handle != 0 => writing.readdir(handle, cookie, look_up, add),
            _ => self.readdir(ino, cookie, look_up, add),
        }
    }

    /// The writing half, and the inode in it, if this one is in a message that may be written to.
    pub(in crate::fs) fn in_message(&self, ino: Ino) -> Option<(&Writing, Ino)> {
        let writing = self.writing.as_deref()?;
        let (base, _) = ino.parts();
        match base.is_draft() {
            true => Some((writing, ino)),
            false if ino == Ino::ROOT => Some((writing, self.one_message?)),
            false => None,
        }
    }

    fn writing(&self) -> Result<&Writing, Error> {
        self.writing.as_deref().ok_or(Error::BadHandle)
    }

    /// The path of a name in a folder of the source.
    fn in_folder(&self, parent: Ino, name: &OsStr) -> Result<(&Writing, PathBuf), Error> {
        let writing = self.writing.as_deref().ok_or_else(|| self.read_only(parent))?;
        let (base, _) = parent.parts();
        if base == Base::CONTROL {
            return Err(Error::NotPermitted("it belongs to the mount"));
        }
        let node = self.node(base)?;
        if node.kind != SourceKind::Folder {
            return Err(Error::NotPermitted("only messages can be changed"));
        }
        // The limit of the source may be another one, and is told by it.
        name_text(name).or_else(|error| match error {
            Error::NameTooLong => Err(error),
            _ => Ok(""),
        })?;
        Ok((writing, node.path.join(name)))
    }

    /// `EROFS`: files that are no messages stay as they are.
    fn read_only(&self, ino: Ino) -> Error {
        let node = self.node(ino.parts().0).ok();
        Error::Source {
            path: node.map(|node| node.path.clone()).unwrap_or_default(),
            source: io::Error::from_raw_os_error(libc::EROFS),
        }
    }
}
