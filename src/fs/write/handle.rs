//! Open files and directories.
//!
//! A reading handle keeps the state of the file that it began to read. A writing handle has bytes
//! of its own, which become the value when they are flushed; so what several programs write to
//! one file at the same time is never mixed.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use crate::storage::Source;
use crate::view::{self, Change, Kind as NodeKind, NodeId};

use super::super::Error;
use super::super::ino::Ino;
use super::super::messages::message_error;
use super::Writing;
use super::buffer::Buffer;
use super::draft::{Draft, Opened, State};
use super::folder::Incoming;
use super::nodes::ListedEntry;
use super::scratch::{self, Shared};

/// How a file is opened (`open(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) struct OpenFlags(pub(in crate::fs) i32);

impl OpenFlags {
    pub(in crate::fs) fn is_writing(self) -> bool {
        self.0 & libc::O_ACCMODE != libc::O_RDONLY
    }

    fn truncates(self) -> bool {
        self.0 & libc::O_TRUNC != 0
    }

    pub(super) fn is_exclusive(self) -> bool {
        self.0 & libc::O_EXCL != 0
    }

    fn appends(self) -> bool {
        self.0 & libc::O_APPEND != 0
    }
}

/// What is open, by the numbers that the kernel has of it.
#[derive(Debug, Default)]
pub(super) struct Handles {
    last: AtomicU64,
    open: RwLock<HashMap<u64, Arc<Handle>>>,
}

/// An open file or directory of a message.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) draft: Arc<Draft>,
    pub(super) number: NodeId,
    pub(super) file: OpenFile,
}

/// What a handle is on.
#[derive(Debug)]
pub(super) enum OpenFile {
    /// A file of the message, to be read.
    Reading(Mutex<Reading>),
    /// A file of the message, to be written and perhaps read.
    Writing(Mutex<Written>),
    /// A scratch file, for both.
    Scratch(Shared),
    /// A file that becomes a message.
    Incoming(Arc<Incoming>),
    /// A directory, as it was when its listing began.
    Directory(Mutex<Arc<[ListedEntry]>>),
}

/// The state of a file that a handle reads.
#[derive(Debug)]
pub(super) struct Reading {
    opened: Arc<Opened>,
    id: NodeId,
}

/// The bytes that a handle writes.
#[derive(Debug)]
pub(super) struct Written {
    /// `None` until the present value is needed.
    buffer: Option<Buffer>,
    appends: bool,
    /// Whether the bytes differ from the value, as far as is known.
    is_changed: bool,
    /// Whether nothing was written since the file was emptied.
    is_emptied: bool,
    /// Whether a value holds the bytes, so that they may not change any more.
    is_shared: bool,
    /// Whether the file is not there until the bytes are its value.
    pub(super) is_pending: bool,
    changed: SystemTime,
}

impl Handles {
    pub(super) fn add(&self, handle: Arc<Handle>) -> u64 {
        // 0 stands for files that are read without a handle.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, handle);
        number
    }

    pub(super) fn get(&self, number: u64) -> Result<Arc<Handle>, Error> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&number).cloned().ok_or(Error::BadHandle)
    }

    fn remove(&self, number: u64) -> Option<Arc<Handle>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }

    /// Everything that is open.
    pub(super) fn all(&self) -> Vec<Arc<Handle>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.values().cloned().collect()
    }
}

impl Handle {
    /// A writing handle's bytes; `None` for any other.
    pub(super) fn written(&self) -> Option<MutexGuard<'_, Written>> {
        match &self.file {
            OpenFile::Writing(written) => {
                Some(written.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => None,
        }
    }
}

impl Written {
    fn new(flags: OpenFlags, is_pending: bool) -> Self {
        let is_emptied = is_pending || flags.truncates();
        Self {
            buffer: is_emptied.then(Buffer::default),
            appends: flags.appends(),
            is_changed: is_emptied,
            is_emptied,
            is_shared: false,
            is_pending,
            changed: SystemTime::now(),
        }
    }

    /// The length and the time of the bytes, if they are not the value yet.
    pub(super) fn unflushed(&self) -> Option<(u64, SystemTime)> {
        let buffer = self.buffer.as_ref().filter(|_| self.is_changed || self.is_pending)?;
        Some((buffer.len().ok()?, self.changed))
    }

    /// The bytes, to be changed: a value that holds them keeps its own.
    fn change(&mut self) -> Result<&mut Buffer, Error> {
        if self.is_shared {
            let copy = self.buffer.as_ref().map(Buffer::copy).transpose().map_err(Error::Buffer)?;
            self.buffer = copy;
            self.is_shared = false;
        }
        self.is_changed = true;
        self.changed = SystemTime::now();
        Ok(self.buffer.get_or_insert_default())
    }

    /// The bytes as the content of a value.
    fn share(&mut self) -> Result<Arc<Source>, Error> {
        let source = match self.buffer.get_or_insert_default() {
            Buffer::Memory(bytes) => Source::from_bytes(bytes.clone()),
            Buffer::File(file) => {
                self.is_shared = true;
                let file = file.try_clone().map_err(Error::Buffer)?;
                Source::from_file(file).map_err(Error::Buffer)?.0
            }
        };
        Ok(Arc::new(source))
    }
}

impl Writing {
    /// Opens a file; the number of the handle.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::NotPermitted`], or where the message cannot be written.
    pub(in crate::fs) fn open(&self, ino: Ino, flags: OpenFlags) -> Result<u64, Error> {
        let (draft, number) = self.draft(ino)?;
        let mut state = draft.lock();
        let path = self.path(&state, number)?;
        if let Some(incoming) = self.incoming(&draft, &state) {
            return Ok(self.open_incoming(&draft, incoming));
        }
        if let Some(found) = state.scratch.get(&path) {
            let bytes = found.bytes.clone().ok_or(Error::IsADirectory)?;
            if flags.is_writing() && flags.truncates() {
                lock(&bytes).set_len(0).map_err(Error::Buffer)?;
            }
            let file = OpenFile::Scratch(bytes);
            return Ok(self.handles.add(Arc::new(Handle {
                draft: Arc::clone(&draft),
                number,
                file,
            })));
        }
        if flags.is_writing() {
            self.check_settable(&draft, &state, &path)?;
            return Ok(self.add_writer(&draft, &mut state, number, flags, false));
        }
        let file = self.reading(&draft, &state, number, &path)?;
        Ok(self.handles.add(Arc::new(Handle { draft: Arc::clone(&draft), number, file })))
    }

    /// Opens a file for writing; with `is_pending` one that is not there yet.
    pub(super) fn add_writer(
        &self,
        draft: &Arc<Draft>,
        state: &mut State,
        number: NodeId,
        flags: OpenFlags,
        is_pending: bool,
    ) -> u64 {
        let file = OpenFile::Writing(Mutex::new(Written::new(flags, is_pending)));
        let handle = Arc::new(Handle { draft: Arc::clone(draft), number, file });
        state.writers.push(Arc::clone(&handle));
        self.commits.cancel(draft.base);
        self.handles.add(handle)
    }

    fn reading(
        &self,
        draft: &Arc<Draft>,
        state: &State,
        number: NodeId,
        path: &str,
    ) -> Result<OpenFile, Error> {
        // A file that is being written is read as it is written.
        let writer = state.writers.iter().rev().find(|writer| writer.number == number);
        if let Some(writer) = writer
            && let Some(written) = writer.written()
            && written.unflushed().is_some()
        {
            let buffer = written.buffer.as_ref().map(Buffer::copy).transpose();
            let buffer = buffer.map_err(Error::Buffer)?.unwrap_or_default();
            return Ok(OpenFile::Scratch(Arc::new(Mutex::new(buffer))));
        }
        let reading = self.read_state(draft, state, path)?;
        Ok(OpenFile::Reading(Mutex::new(reading)))
    }

    fn read_state(&self, draft: &Draft, state: &State, path: &str) -> Result<Reading, Error> {
        let opened = self.opened(draft, state)?;
        let (id, kind) = opened.tree.resolve(path).map_err(|e| message_error(&state.path, e))?;
        match kind {
            NodeKind::Directory => Err(Error::IsADirectory),
            NodeKind::File | NodeKind::Symlink => Ok(Reading { opened, id }),
        }
    }

    /// Reads at most `size` bytes, short only at the end.
    ///
    /// # Errors
    /// [`Error::BadHandle`], or where the message is damaged or cannot be read.
    pub(in crate::fs) fn read(
        &self,
        handle: u64,
        offset: u64,
        size: usize,
    ) -> Result<Vec<u8>, Error> {
        let handle = self.handles.get(handle)?;
        match &handle.file {
            OpenFile::Reading(reading) => self.read_file(&handle, reading, offset, size),
            OpenFile::Writing(_) => {
                self.load(&handle)?;
                let written = handle.written().ok_or(Error::BadHandle)?;
                let read = written.buffer.as_ref().map(|buffer| buffer.read(offset, size));
                read.transpose().map_err(Error::Buffer).map(Option::unwrap_or_default)
            }
            OpenFile::Scratch(bytes) => lock(bytes).read(offset, size).map_err(Error::Buffer),
            OpenFile::Incoming(incoming) => {
                lock(&incoming.bytes).read(offset, size).map_err(Error::Buffer)
            }
            OpenFile::Directory(_) => Err(Error::IsADirectory),
        }
    }

    fn read_file(
        &self,
        handle: &Handle,
        reading: &Mutex<Reading>,
        offset: u64,
        size: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |reading: &Reading| {
            let bytes = reading.opened.tree.read(reading.id, offset, size);
            bytes.map_err(|error| message_error(&handle.draft.lock().path, error))
        };
        let bytes = read(&reading)?;
        // At its start and at its end the file is looked at anew, as by who follows it.
        if offset == 0 || bytes.len() < size {
            let state = handle.draft.lock();
            if let Ok(path) = self.path(&state, handle.number)
                && let Ok(present) = self.read_state(&handle.draft, &state, &path)
                && !Arc::ptr_eq(&present.opened, &reading.opened)
            {
                drop(state);
                *reading = present;
                return read(&reading);
            }
        }
        Ok(bytes)
    }

    /// Writes to a file that is open for it.
    ///
    /// # Errors
    /// [`Error::BadHandle`], or [`Error::Buffer`] if there is no room.
    pub(in crate::fs) fn write(&self, handle: u64, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let handle = self.handles.get(handle)?;
        match &handle.file {
            OpenFile::Writing(_) => {
                self.load(&handle)?;
                {
                    let mut written = handle.written().ok_or(Error::BadHandle)?;
                    let appends = written.appends;
                    let buffer = written.change()?;
                    let end = if appends { buffer.len().map_err(Error::Buffer)? } else { offset };
                    buffer.write(end, bytes).map_err(Error::Buffer)?;
                    written.is_emptied = false;
                }
                // The last writer says what is seen of the file.
                let mut state = handle.draft.lock();
                if let Some(at) = state.writers.iter().position(|one| Arc::ptr_eq(one, &handle)) {
                    let writer = state.writers.remove(at);
                    state.writers.push(writer);
                }
                Ok(())
            }
            OpenFile::Scratch(shared) => {
                lock(shared).write(offset, bytes).map_err(Error::Buffer)?;
                let mut state = handle.draft.lock();
                if let Ok(path) = self.path(&state, handle.number)
                    && let Some(file) = state.scratch.get_mut(&path)
                {
                    file.mtime = SystemTime::now();
                }
                Ok(())
            }
            OpenFile::Incoming(incoming) => incoming.write(offset, bytes),
            OpenFile::Reading(_) | OpenFile::Directory(_) => Err(Error::BadHandle),
        }
    }

    /// Cuts or lengthens a file that is open for writing.
    pub(super) fn set_len(&self, handle: &Handle, len: u64) -> Result<(), Error> {
        match &handle.file {
            OpenFile::Writing(_) => {
                if len > 0 {
                    self.load(handle)?;
                }
                let mut written = handle.written().ok_or(Error::BadHandle)?;
                if len == 0 && written.buffer.is_none() {
                    written.buffer = Some(Buffer::default());
                }
                written.change()?.set_len(len).map_err(Error::Buffer)?;
                written.is_emptied = len == 0;
                Ok(())
            }
            OpenFile::Scratch(bytes) => lock(bytes).set_len(len).map_err(Error::Buffer),
            OpenFile::Incoming(incoming) => incoming.set_len(len),
            OpenFile::Reading(_) | OpenFile::Directory(_) => Err(Error::BadHandle),
        }
    }

    /// Gives a writing handle the present value to change.
    fn load(&self, handle: &Handle) -> Result<(), Error> {
        let is_loaded = handle.written().is_some_and(|written| written.buffer.is_some());
        if is_loaded {
            return Ok(());
        }
        let reading = {
            let state = handle.draft.lock();
            let path = self.path(&state, handle.number)?;
            self.read_state(&handle.draft, &state, &path)?
        };
        let read = |offset, size| reading.opened.tree.read(reading.id, offset, size);
        let buffer = Buffer::filled::<view::Error>(read);
        let buffer = buffer.map_err(|e| message_error(&handle.draft.lock().path, e))?;
        if let Some(mut written) = handle.written() {
            written.buffer.get_or_insert(buffer);
        }
        Ok(())
    }

    /// Makes what was written through a handle the value of its file, as at every `close`.
    ///
    /// # Errors
    /// [`Error::Message`] if the bytes are no value of the file, which then keeps its old one.
    pub(in crate::fs) fn flush(&self, handle: u64) -> Result<(), Error> {
        let handle = self.handles.get(handle)?;
        match &handle.file {
            // Shells empty a file, close a copy of its descriptor, and only then write.
            OpenFile::Writing(_) => self.apply(&handle, false),
            OpenFile::Incoming(incoming) => self.land(&handle.draft, incoming, false),
            _ => Ok(()),
        }
    }

    /// Closes a file or directory.
    pub(in crate::fs) fn release(&self, handle: u64) {
        let Some(handle) = self.handles.remove(handle) else { return };
        let draft = Arc::clone(&handle.draft);
        match &handle.file {
            OpenFile::Writing(_) => {
                // The error was told at the last flush; the old value stays.
                let _ = self.apply(&handle, true);
                let mut state = draft.lock();
                state.writers.retain(|writer| !Arc::ptr_eq(writer, &handle));
                let is_done = state.writers.is_empty() && state.is_unsaved();
                drop(state);
                if is_done {
                    self.commits.schedule(&draft);
                }
            }
            OpenFile::Incoming(incoming) => {
                let _ = self.land(&draft, incoming, true);
                self.close_incoming(&draft, incoming);
            }
            OpenFile::Scratch(_) => self.warn_of_scratch(&handle),
            OpenFile::Reading(_) | OpenFile::Directory(_) => {}
        }
        let base = draft.base;
        drop(handle);
        drop(draft);
        self.table.release(base);
    }

    /// Takes over what was written through a handle, whether it will be closed or not.
    pub(super) fn finish(&self, handle: &Arc<Handle>) -> Result<(), Error> {
        match &handle.file {
            OpenFile::Writing(_) => self.apply(handle, true),
            OpenFile::Incoming(incoming) => self.land(&handle.draft, incoming, false),
            _ => Ok(()),
        }
    }

    /// Makes the bytes of a writing handle the value of its file. With `is_last` also an emptied
    /// file, to which something may still be written otherwise.
    pub(super) fn apply(&self, handle: &Arc<Handle>, is_last: bool) -> Result<(), Error> {
        let is_changed = |written: &Written| written.is_changed && (is_last || !written.is_emptied);
        if !handle.written().is_some_and(|written| is_changed(&written)) {
            return Ok(());
        }
        let draft = &handle.draft;
        let mut state = draft.lock_idle();
        let path = match state.paths.path(handle.number) {
            Some(path) => path.to_owned(),
            // It was removed while it was open.
            None => return Ok(()),
        };
        let source = {
            let Some(mut written) = handle.written() else { return Ok(()) };
            if !is_changed(&written) {
                return Ok(());
            }
            written.is_changed = false;
            written.share()?
        };
        let set = self.set(draft, &mut state, &path, &source);
        if let Some(mut written) = handle.written() {
            written.is_pending &= set.is_err();
        }
        if let Err(error) = &set {
            let message = state.path.display();
            tracing::warn!("{message}/{path}: not set, the old value stays: {error}");
        }
        set
    }

    /// Sets a file of a message, of whatever kind.
    pub(super) fn set(
        &self,
        draft: &Arc<Draft>,
        state: &mut State,
        path: &str,
        bytes: &Arc<Source>,
    ) -> Result<(), Error> {
        let now = Instant::now();
        let change = self.edit(draft, state, |editor, tree| editor.set(tree, path, bytes, now))?;
        if change == Change::None {
            return Ok(());
        }
        state.only_removals = false;
        self.settle(draft, state, path);
        Ok(())
    }

    /// Saves the message of a handle now.
    ///
    /// # Errors
    /// Those of [`Writing::flush`], and where it cannot be saved.
    pub(in crate::fs) fn fsync(&self, handle: u64) -> Result<(), Error> {
        let handle = self.handles.get(handle)?;
        match &handle.file {
            OpenFile::Writing(_) => self.apply(&handle, true)?,
            OpenFile::Incoming(incoming) => self.land(&handle.draft, incoming, false)?,
            _ => {}
        }
        self.save(&handle.draft)
    }

    /// Says aloud that a file is not kept which nobody would expect to be lost.
    fn warn_of_scratch(&self, handle: &Handle) {
        let state = handle.draft.lock();
        let Ok(path) = self.path(&state, handle.number) else { return };
        let is_scratch = state.scratch.get(&path).is_some();
        if is_scratch && !scratch::is_temporary_name(scratch::name_of(&path)) {
            let message = state.path.display();
            tracing::warn!("{message}/{path}: no file of a message, kept until the unmount only");
        }
    }
}

/// The bytes of a scratch file.
pub(super) fn lock(bytes: &Mutex<Buffer>) -> MutexGuard<'_, Buffer> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error that the kernel gets as a number.
pub(super) fn too_many() -> Error {
    Error::Buffer(io::ErrorKind::StorageFull.into())
}
