//! The calls on an open file.

use super::edits::{OpenFlags, OpenHandle, Process};
use super::{Error, Fs, Ino, OpenedFile};

impl Fs {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::IsADirectory`], or `EROFS` and `EACCES` where nothing
    /// can be written.
    pub fn open_file(&self, ino: Ino, flags: i32) -> Result<OpenedFile, Error> {
        self.open_file_for(ino, flags, 0)
    }

    /// Opens a file for a thread, as [`Fs::open_file`] does.
    ///
    /// # Errors
    /// As [`Fs::open_file`].
    pub fn open_file_for(&self, ino: Ino, flags: i32, thread: u32) -> Result<OpenedFile, Error> {
        let flags = OpenFlags(flags);
        if flags.is_writing() {
            let to = self.editable(ino)?.ok_or_else(|| self.read_only(ino))?;
            return Ok(OpenedFile { handle: to.open(flags, thread)?, is_kept: false });
        }
        match (self.message_of(ino)?, &self.edits) {
            (None, _) => Ok(OpenedFile { handle: 0, is_kept: false }),
            (Some(_), None) => Ok(OpenedFile { handle: 0, is_kept: true }),
            (Some((message, number)), Some(edits)) => edits.open_to_read(&message, number),
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
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        match handle {
            0 => self.read_at(ino, offset, buffer),
            _ => self.handle(handle, 0)?.read_at(offset, buffer),
        }
    }

    /// Writes to an open file.
    ///
    /// # Errors
    /// [`Error::BadHandle`], or [`Error::Buffer`] if there is no room.
    pub fn write(&self, handle: u64, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.write_for(handle, offset, bytes, 0)
    }

    /// Writes to an open file for a thread, as [`Fs::write`] does.
    ///
    /// # Errors
    /// As [`Fs::write`].
    pub fn write_for(
        &self,
        handle: u64,
        offset: u64,
        bytes: &[u8],
        thread: u32,
    ) -> Result<(), Error> {
        self.handle(handle, thread)?.write(offset, bytes)
    }

    /// Writes what a program has changed in its memory (`mmap`), through any handle of the file: at
    /// its place also if the handle appends.
    ///
    /// # Errors
    /// As [`Fs::write`].
    pub fn write_back(&self, handle: u64, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.handle(handle, 0)?.write_back(offset, bytes)
    }

    /// Makes what was written through a handle the value of its file, at a `close` of any copy of
    /// its descriptor.
    ///
    /// # Errors
    /// If the bytes are no value of the file, which then keeps its old one.
    pub fn flush(&self, handle: u64) -> Result<(), Error> {
        self.flush_for(handle, 0)
    }

    /// Makes what was written through a handle the value of its file, as [`Fs::flush`] does, if the
    /// process of this thread has opened the handle or has written through it. Any other process
    /// only closes a copy that it was given when it was started.
    ///
    /// # Errors
    /// As [`Fs::flush`].
    pub fn flush_for(&self, handle: u64, thread: u32) -> Result<(), Error> {
        match handle {
            0 => Ok(()),
            _ => self.handle(handle, thread)?.flush(),
        }
    }

    /// Closes a file.
    pub fn release(&self, handle: u64) {
        if let Some(edits) = &self.edits {
            edits.release(handle);
        }
    }

    /// Saves the message of an inode, which may be open.
    ///
    /// # Errors
    /// Those of [`Fs::flush`]; [`Error::Stale`] if the source was changed by others, or where
    /// it cannot be written. The edits are kept.
    pub fn fsync(&self, ino: Ino, handle: u64) -> Result<(), Error> {
        if handle != 0 {
            return self.handle(handle, 0)?.fsync();
        }
        match self.editable(ino) {
            Ok(Some(to)) => to.save_now(),
            _ => Ok(()),
        }
    }

    /// Saves the message of a directory in it, with what was removed there by the process of this
    /// thread, or by another one that is done. Does nothing for a folder of the source.
    ///
    /// # Errors
    /// As [`Fs::fsync`]; [`Error::Busy`] if another process is removing files in the message.
    pub fn fsync_directory(&self, ino: Ino, thread: u32) -> Result<(), Error> {
        match self.editable(ino) {
            Ok(Some(to)) => to.save_directory_now(Process::of(thread)),
            _ => Ok(()),
        }
    }

    fn handle(&self, handle: u64, thread: u32) -> Result<OpenHandle<'_>, Error> {
        // Number 0, a file that is read without a handle, is not in the table either.
        self.edits.as_ref().ok_or(Error::BadHandle)?.handle(handle, thread)
    }
}
