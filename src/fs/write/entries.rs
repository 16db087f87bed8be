//! Creating, renaming and removing files in a message that may be written to.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use crate::storage::Source;
use crate::view::{self, FileAccess, Kind, NodeId};

use super::super::ino::Ino;
use super::super::messages::message_error;
use super::super::{Entry, Error};
use super::buffer::{Buffer, LEN_MAX};
use super::draft::{Draft, State};
use super::handle::{Handle, OpenFile, OpenFlags, lock, too_many};
use super::nodes::joined;
use super::scratch::ScratchFile;
use super::scratch::{is_temporary_name, name_of};
use super::{SetAttr, Writing};

const DIRECTORY_BITS: u16 = 0o755;
const FILE_BITS: u16 = 0o644;
/// What may be done with a file of the moment.
const SCRATCH: FileAccess = FileAccess::Unknown("it is a file of the moment");

impl Writing {
    /// Creates a file in a directory of a message and opens it.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a name that cannot be set, [`Error::Exists`] with `O_EXCL`.
    pub(in crate::fs) fn create(
        &self,
        parent: Ino,
        name: &OsStr,
        mode: u32,
        flags: OpenFlags,
        process: u32,
    ) -> Result<(Entry, u64), Error> {
        let (draft, number) = self.draft(parent)?;
        let mut state = draft.lock_idle();
        let directory = self.path(&state, number)?;
        let path = joined(&directory, name_text(name)?);
        let exists = self.kind_at(&draft, &state, &path)?.is_some();
        let is_hidden = state.creators.hides(&path, process);
        if exists && !is_hidden {
            // Another program was faster.
            drop(state);
            if flags.is_exclusive() {
                return Err(Error::Exists);
            }
            let entry = self.lookup(parent, name, process)?;
            return Ok((entry, self.open(entry.attr.ino, flags)?));
        }
        state.creators.made(&path, process);
        let handle = match self.access_of_new(&draft, &state, &path)? {
            FileAccess::Settable => {
                self.check_writable(&draft, &state)?;
                let number = state.paths.look_up(&path);
                self.add_writer(&draft, &mut state, number, flags, true)
            }
            // What a copied message has by itself takes the place of its copy.
            access
                if matches!(access, FileAccess::Unknown(_))
                    || (is_hidden && (exists || path == "ERRORS")) =>
            {
                let number = state.paths.look_up(&path);
                let bytes = Arc::new(Mutex::new(Buffer::default()));
                let permissions = u16::try_from(mode & 0o777).unwrap_or(FILE_BITS);
                self.put_scratch(&mut state, &path, Some(Arc::clone(&bytes)), permissions)?;
                let file = OpenFile::Scratch(bytes);
                self.handles.add(Arc::new(Handle { draft: Arc::clone(&draft), number, file }))
            }
            _ => return Err(Error::NotPermitted("a message has this file by itself")),
        };
        self.table.look_up(draft.base);
        let number = state.paths.number(&path);
        let attr = self.attr(&draft, &state, number)?;
        Ok((Entry { attr, ttl: super::nodes::TTL }, handle))
    }

    /// Creates a directory in a message: an embedded message, or one for scratch files.
    pub(in crate::fs) fn mkdir(
        &self,
        parent: Ino,
        name: &OsStr,
        process: u32,
    ) -> Result<Entry, Error> {
        let (draft, number) = self.draft(parent)?;
        let mut state = draft.lock_idle();
        let directory = self.path(&state, number)?;
        let path = joined(&directory, name_text(name)?);
        let exists = self.kind_at(&draft, &state, &path)?.is_some();
        let is_hidden = state.creators.hides(&path, process);
        if exists && !is_hidden {
            return Err(Error::Exists);
        }
        state.creators.made(&path, process);
        match self.access_of_new(&draft, &state, &path)? {
            FileAccess::Directory if exists => {}
            FileAccess::Settable if view::is_attachment_path(&path) => {
                self.check_writable(&draft, &state)?;
                self.edit(&draft, &mut state, |editor, tree| editor.create_message(tree, &path))?;
                self.settle(&draft, &mut state, &path);
                state.only_removals = false;
                state.creators.created(&path, process);
                self.schedule_idle(&draft, &state);
            }
            access if exists || matches!(access, FileAccess::Unknown(_)) => {
                self.put_scratch(&mut state, &path, None, DIRECTORY_BITS)?
            }
            _ => return Err(Error::NotPermitted("no message has such a directory")),
        }
        drop(state);
        self.lookup(parent, name, process)
    }

    /// Removes a file from a message.
    pub(in crate::fs) fn unlink(&self, parent: Ino, name: &OsStr) -> Result<(), Error> {
        let (draft, number) = self.draft(parent)?;
        let mut state = draft.lock_idle();
        let directory = self.path(&state, number)?;
        let path = joined(&directory, name_text(name)?);
        match self.kind_at(&draft, &state, &path)? {
            None => return Err(Error::NotFound),
            Some(Kind::Directory) => return Err(Error::IsADirectory),
            Some(_) => {}
        }
        self.remove(&draft, &mut state, &path)
    }

    /// Removes a directory from a message: an embedded message, or an empty one.
    pub(in crate::fs) fn rmdir(&self, parent: Ino, name: &OsStr) -> Result<(), Error> {
        let (draft, number) = self.draft(parent)?;
        let mut state = draft.lock_idle();
        let directory = self.path(&state, number)?;
        let path = joined(&directory, name_text(name)?);
        match self.kind_at(&draft, &state, &path)? {
            None => return Err(Error::NotFound),
            Some(Kind::Directory) => {}
            Some(_) => return Err(Error::NotADirectory),
        }
        state.creators.done(&path);
        let is_scratch = state.scratch.get(&path).is_some();
        let access = match is_scratch {
            true => SCRATCH,
            false => self.access_of_new(&draft, &state, &path)?,
        };
        if access != FileAccess::EmbeddedMessage {
            if !self.names_in(&draft, &state, &path)?.is_empty() {
                return Err(match access {
                    FileAccess::ReadOnly(_) => Error::NotPermitted("it is made of an attachment"),
                    _ => Error::NotEmpty,
                });
            }
            if !is_scratch {
                // It is there again as soon as something is put into it.
                return Ok(());
            }
        }
        self.remove(&draft, &mut state, &path)
    }

    /// Renames a file within a message. With `no_replace` nothing may have the new name.
    pub(in crate::fs) fn rename(
        &self,
        (parent, name): (Ino, &OsStr),
        (new_parent, new_name): (Ino, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        let (draft, number) = self.draft(parent)?;
        let (other, new_number) = self.draft(new_parent)?;
        if draft.base != other.base {
            // So that it is copied and removed.
            return Err(Error::OtherDevice);
        }
        let mut state = draft.lock_idle();
        let from = joined(&self.path(&state, number)?, name_text(name)?);
        let to = joined(&self.path(&state, new_number)?, name_text(new_name)?);
        let kind = self.kind_at(&draft, &state, &from)?.ok_or(Error::NotFound)?;
        let replaced = self.kind_at(&draft, &state, &to)?;
        if from == to {
            return Ok(());
        }
        if no_replace && replaced.is_some() {
            return Err(Error::Exists);
        }
        match (kind, replaced) {
            (Kind::Directory, Some(Kind::File | Kind::Symlink)) => {
                return Err(Error::NotADirectory);
            }
            (Kind::File, Some(Kind::Directory)) => return Err(Error::IsADirectory),
            _ => {}
        }
        self.move_file(&draft, &mut state, kind, &from, &to)?;
        self.schedule_idle(&draft, &state);
        Ok(())
    }

    /// Changes attributes: the length; times and, of scratch files, permissions.
    pub(in crate::fs) fn setattr(
        &self,
        ino: Ino,
        handle: Option<u64>,
        change: &SetAttr,
    ) -> Result<Entry, Error> {
        let (draft, number) = self.draft(ino)?;
        if let Some(len) = change.size {
            self.truncate(&draft, number, handle, len)?;
        }
        let mut state = draft.lock();
        let path = self.path(&state, number).ok();
        if let Some(path) = path {
            let mtime = change.mtime;
            match state.scratch.get_mut(&path) {
                Some(file) => {
                    file.mtime = mtime.unwrap_or(file.mtime);
                    let permissions = change.mode.and_then(|mode| u16::try_from(mode & 0o777).ok());
                    file.permissions = permissions.unwrap_or(file.permissions);
                }
                None => drop(mtime.map(|mtime| state.times.insert(path, mtime))),
            }
        }
        let attr = self.attr(&draft, &state, number)?;
        Ok(Entry { attr, ttl: super::nodes::TTL })
    }

    fn truncate(
        &self,
        draft: &Arc<Draft>,
        number: NodeId,
        handle: Option<u64>,
        len: u64,
    ) -> Result<(), Error> {
        if let Some(handle) = handle {
            return self.set_len(&*self.handles.get(handle)?, len);
        }
        let (path, writer) = {
            let state = draft.lock();
            if let Some(incoming) = self.incoming(draft, &state) {
                return incoming.set_len(len);
            }
            let path = self.path(&state, number)?;
            if let Some(file) = state.scratch.get(&path) {
                let bytes = file.bytes.as_ref().ok_or(Error::IsADirectory)?;
                return lock(bytes).set_len(len).map_err(Error::Buffer);
            }
            self.check_settable(draft, &state, &path)?;
            let writer = state.writers.iter().rev().find(|one| one.number == number).cloned();
            (path, writer)
        };
        // A file that is being written is cut as its last writer has it.
        if let Some(writer) = writer {
            return self.set_len(&writer, len);
        }
        let mut state = draft.lock_idle();
        let mut buffer =
            if len == 0 { Buffer::default() } else { self.bytes_of(draft, &state, &path)? };
        buffer.set_len(len).map_err(Error::Buffer)?;
        self.set(draft, &mut state, &path, &into_source(buffer)?)?;
        self.schedule_idle(draft, &state);
        Ok(())
    }

    fn move_file(
        &self,
        draft: &Arc<Draft>,
        state: &mut State,
        kind: Kind,
        from: &str,
        to: &str,
    ) -> Result<(), Error> {
        let is_scratch = |state: &State, path: &str| state.scratch.get(path).is_some();
        let to_access = match is_scratch(state, to) {
            true => SCRATCH,
            false => self.access_of_new(draft, state, to)?,
        };
        match (is_scratch(state, from), to_access) {
            (true, FileAccess::Unknown(_)) => {
                state.scratch.remove(to);
                state.scratch.rename(from, to);
                state.paths.rename(from, to);
                return Ok(());
            }
            (true, FileAccess::Settable) if kind == Kind::File => {
                self.check_writable(draft, state)?;
                let bytes = self.bytes_of(draft, state, from)?;
                self.set(draft, state, to, &into_source(bytes)?)?;
                state.scratch.remove(from);
                state.paths.rename(from, to);
                self.settle(draft, state, to);
                return Ok(());
            }
            (true, _) => return Err(Error::NotPermitted("no message has such a directory")),
            (false, _) => {}
        }
        self.check_writable(draft, state)?;
        let both_attached = view::is_attachment_path(from) && view::is_attachment_path(to);
        match to_access {
            FileAccess::Settable | FileAccess::EmbeddedMessage if both_attached => {
                self.edit(draft, state, |editor, tree| editor.rename(tree, from, to))?;
            }
            FileAccess::Settable if kind == Kind::File => {
                let bytes = into_source(self.bytes_of(draft, state, from)?)?;
                self.edit(draft, state, |editor, tree| {
                    editor.set(tree, to, &bytes, Instant::now())
                })?;
                self.edit(draft, state, |editor, tree| editor.remove(tree, from))?;
            }
            FileAccess::Unknown(_) if kind == Kind::File => {
                let bytes = Arc::new(Mutex::new(self.bytes_of(draft, state, from)?));
                self.edit(draft, state, |editor, tree| editor.remove(tree, from))?;
                self.put_scratch(state, to, Some(bytes), FILE_BITS)?;
            }
            _ => return Err(Error::NotPermitted("it cannot be renamed to this")),
        }
        state.only_removals = false;
        if let Some(time) = state.times.remove(from) {
            state.times.insert(to.to_owned(), time);
        }
        // Files of the moment in a directory that moves.
        state.scratch.rename(from, to);
        state.paths.rename(from, to);
        Ok(())
    }

    fn remove(&self, draft: &Arc<Draft>, state: &mut State, path: &str) -> Result<(), Error> {
        if state.scratch.remove(path).is_none() && !self.is_pending(state, path) {
            self.check_writable(draft, state)?;
            self.edit(draft, state, |editor, tree| editor.remove(tree, path))?;
        }
        state.paths.remove(path);
        state.times.remove(path);
        self.schedule_idle(draft, state);
        Ok(())
    }

    fn is_pending(&self, state: &State, path: &str) -> bool {
        let number = state.paths.number(path);
        let is_it = |one: &Arc<Handle>| {
            one.number == number && one.written().is_some_and(|written| written.is_pending)
        };
        state.writers.iter().any(is_it)
    }

    /// The bytes of a file of a message, or of a scratch file.
    fn bytes_of(&self, draft: &Draft, state: &State, path: &str) -> Result<Buffer, Error> {
        if let Some(file) = state.scratch.get(path) {
            let bytes = file.bytes.as_ref().ok_or(Error::IsADirectory)?;
            return lock(bytes).copy().map_err(Error::Buffer);
        }
        let opened = self.opened(draft, state)?;
        let in_message = |error: view::Error| message_error(&state.path, error);
        let (id, _) = opened.tree.resolve(path).map_err(in_message)?;
        if opened.tree.attributes(id).map_err(in_message)?.size > LEN_MAX {
            return Err(Error::Buffer(std::io::ErrorKind::FileTooLarge.into()));
        }
        let read = |offset, size| opened.tree.read(id, offset, size);
        Buffer::filled::<view::Error>(read).map_err(in_message)
    }

    /// What may be done with a name. In `attachments/` every name could be an attachment, but
    /// those that editors use for the moment are scratch files there too.
    fn access_of_new(&self, draft: &Draft, state: &State, path: &str) -> Result<FileAccess, Error> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if state.scratch.get(parent).is_some() {
            return Ok(SCRATCH);
        }
        let opened = self.opened(draft, state)?;
        let access = view::file_access(&opened.tree, path);
        let access = access.map_err(|error| message_error(&state.path, error))?;
        let exists = opened.tree.resolve(path).is_ok();
        Ok(match access {
            FileAccess::Settable if !exists && is_temporary_name(name) => SCRATCH,
            // Who copies a message into a message means its attachments.
            FileAccess::Unknown(hint) if view::is_message_name(name) => FileAccess::ReadOnly(hint),
            access => access,
        })
    }

    fn put_scratch(
        &self,
        state: &mut State,
        path: &str,
        bytes: Option<Arc<Mutex<Buffer>>>,
        permissions: u16,
    ) -> Result<(), Error> {
        let file = ScratchFile { bytes, permissions, mtime: SystemTime::now() };
        match state.scratch.put(path.to_owned(), file) {
            true => Ok(()),
            false => Err(too_many()),
        }
    }

    /// Notes what follows for the kernel from having set a file.
    pub(super) fn settle(&self, draft: &Draft, state: &mut State, path: &str) {
        state.times.insert(path.to_owned(), SystemTime::now());
        // A message file that was dropped is a directory from now on, and an inode of its own.
        if view::is_attachment_path(path)
            && view::is_message_name(name_of(path))
            && let Ok(Some(Kind::Directory)) = self.kind_at(draft, state, path)
        {
            state.paths.remove(path);
        }
    }

    /// Has a message saved soon if nobody is writing to it.
    pub(super) fn schedule_idle(&self, draft: &Arc<Draft>, state: &State) {
        if state.writers.is_empty() && state.is_unsaved() {
            self.commits.schedule(draft);
        }
    }
}

/// A name as messages have them.
pub(super) fn name_text(name: &OsStr) -> Result<&str, Error> {
    const NAME_BYTES_MAX: usize = 255;
    match name.to_str() {
        Some(text) if text.len() <= NAME_BYTES_MAX => Ok(text),
        Some(_) => Err(Error::NameTooLong),
        None => Err(Error::NotPermitted("a name is text in UTF-8")),
    }
}

fn into_source(buffer: Buffer) -> Result<Arc<Source>, Error> {
    let source = match buffer {
        Buffer::Memory(bytes) => Source::from_bytes(bytes),
        Buffer::File(file) => Source::from_file(file).map_err(Error::Buffer)?.0,
    };
    Ok(Arc::new(source))
}
