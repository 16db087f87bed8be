//! Files that are open: what is written becomes the value at certain moments
//! ([`open_file::Moment`]).

pub(in crate::fs::edits) mod buffer;
pub(in crate::fs::edits) mod handles;
pub(in crate::fs::edits) mod open_file;
pub(in crate::fs::edits) mod unflushed;

use std::sync::{Arc, MutexGuard};

use crate::fs::Error;
use crate::fs::error::{message_error, refusal};
use crate::fs::source::tree::is_message_file_name;
use crate::view::{self, StartCheck};

use super::Edits;
use super::folder::arrival::Arrival;
use super::message::directory::MessageDirectory;
use super::message::locked::LockedMessage;
use super::message::shown::ShownEntry;
use super::message::temporary::{Became, TemporaryFile, Unchanged};
use super::save::edit_log::Spool;

use buffer::Buffer;
use handles::{Handle, HandleTarget};
use open_file::{Moment, OpenContent, OpenFile, WriteRefusal};
use unflushed::Unflushed;

/// An open file, for one call on it.
#[derive(Debug)]
pub(in crate::fs) struct OpenHandle<'a> {
    edits: &'a Edits,
    handle: Arc<Handle>,
    /// The thread that makes the call; 0 if it is not known.
    thread: u32,
}

/// What is written in one call.
#[derive(Clone, Copy)]
struct Piece<'a> {
    /// Where it is written; `None` at the end.
    offset: Option<u64>,
    bytes: &'a [u8],
}

impl<'a> OpenHandle<'a> {
    pub(super) fn new(edits: &'a Edits, handle: Arc<Handle>, thread: u32) -> Self {
        Self { edits, handle, thread }
    }

    fn directory(&self) -> &Arc<MessageDirectory> {
        &self.handle.directory
    }

    fn spool(&self) -> &'a Spool {
        self.edits.log.spool()
    }

    /// Cuts or lengthens the file.
    pub(super) fn set_len(&self, len: u64) -> Result<(), Error> {
        match &self.handle.target {
            HandleTarget::File { file, unflushed, .. } => self.set_len_of(file, unflushed, len),
            HandleTarget::Temporary { file, unflushed, .. } => {
                unflushed.note(self.thread);
                match file.change(|bytes| bytes.set_len(self.spool(), len)) {
                    Err(Unchanged::Became(file)) => self.set_len_of(&file, unflushed, len),
                    changed => changed.map_err(Unchanged::into_error),
                }
            }
            HandleTarget::Arrival { arrival, unflushed } => {
                unflushed.note(self.thread);
                arrival.set_len(self.spool(), len)
            }
        }
    }

    fn set_len_of(&self, file: &OpenFile, unflushed: &Unflushed, len: u64) -> Result<(), Error> {
        self.check_in_place(file)?;
        if len > 0 {
            self.load(file)?;
            unflushed.note(self.thread);
        }
        self.in_place(file)?.set_len(self.spool(), len)
    }

    pub(in crate::fs) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let read = |file: &OpenFile, buffer: &mut [u8]| {
            self.check_in_place(file)?;
            self.load(file)?;
            self.in_place(file)?.read_at(offset, buffer)
        };
        match &self.handle.target {
            HandleTarget::File { file, .. } => read(file, buffer),
            HandleTarget::Temporary { file, flags, .. } => match file.became() {
                Became::Written(_, file) if flags.is_writing() => read(&file, buffer),
                Became::File(number) | Became::Written(number, _) => {
                    let message = self.edits.messages.known(self.directory().base)?;
                    self.edits.read_at(&message, number, offset, buffer)
                }
                Became::Nothing | Became::Message(_) => {
                    file.with(|bytes| bytes.read_at(offset, buffer))
                }
            },
            HandleTarget::Arrival { arrival, .. } => arrival.read_at(offset, buffer),
        }
    }

    pub(in crate::fs) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        match &self.handle.target {
            HandleTarget::File { appends: true, .. } => self.write_piece(None, bytes),
            HandleTarget::Temporary { flags, .. } if flags.appends() => {
                self.write_piece(None, bytes)
            }
            _ => self.write_back(offset, bytes),
        }
    }

    /// Writes at a place, also if the handle appends.
    pub(in crate::fs) fn write_back(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        match &self.handle.target {
            HandleTarget::Arrival { arrival, unflushed } => {
                let path = self.directory().lock().path.clone();
                if is_message_file_name(&path) {
                    Arrival::check_start(offset, bytes).map_err(|one| message_error(&path, one))?;
                }
                arrival.write(self.spool(), offset, bytes)?;
                unflushed.note(self.thread);
                Ok(())
            }
            _ => self.write_piece(Some(offset), bytes),
        }
    }

    /// Writes to a file of a message: at a place, or at its end.
    fn write_piece(&self, offset: Option<u64>, bytes: &[u8]) -> Result<(), Error> {
        let piece = Piece { offset, bytes };
        match &self.handle.target {
            HandleTarget::File { file, unflushed, .. } => self.write_to(file, unflushed, piece),
            HandleTarget::Temporary { file, unflushed, .. } => {
                unflushed.note(self.thread);
                let spool = self.spool();
                let written = file.change(|buffer| {
                    let offset = offset.map_or_else(|| buffer.len(), Ok)?;
                    buffer.write(spool, offset, bytes)
                });
                unflushed.note(self.thread);
                match written {
                    Err(Unchanged::Became(file)) => self.write_to(&file, unflushed, piece),
                    written => written.map_err(Unchanged::into_error),
                }
            }
            HandleTarget::Arrival { .. } => Err(Error::BadHandle),
        }
    }

    fn write_to(
        &self,
        file: &OpenFile,
        unflushed: &Unflushed,
        piece: Piece<'_>,
    ) -> Result<(), Error> {
        self.check_in_place(file)?;
        self.load(file)?;
        self.check_start(file, piece)?;
        self.check_room(file, piece)?;
        // Noted also if it fails: `close` is to say so, too.
        unflushed.note(self.thread);
        let mut content = self.in_place(file)?;
        let written = content.write(self.spool(), piece.offset, piece.bytes);
        if let Err(error) = &written {
            content.refuse_write(WriteRefusal::NoRoom, refusal(error));
        }
        drop(content);
        // Another copy of the descriptor may have been closed meanwhile, when these bytes were not
        // there yet.
        unflushed.note(self.thread);
        written
    }

    /// Refuses a file that was moved to another message since it was opened, or in whose place
    /// another one was put: what is written would go nowhere.
    fn check_in_place(&self, file: &OpenFile) -> Result<(), Error> {
        drop(self.in_place(file)?);
        match self.edits.source.nodes.is_forwarded(self.directory().base, file.number) {
            true => Err(Error::Stale { path: self.directory().lock().path.clone() }),
            false => Ok(()),
        }
    }

    /// The content of a file in whose place no other one was put. A rename may do that between two
    /// steps of a call, so the last one asks again.
    fn in_place<'f>(&self, file: &'f OpenFile) -> Result<MutexGuard<'f, OpenContent>, Error> {
        let content = file.lock();
        if !content.is_replaced() {
            return Ok(content);
        }
        drop(content);
        Err(Error::Replaced { path: self.directory().lock().path.clone() })
    }

    /// Refuses bytes after which nothing could make the content valid. Most programs see the errors
    /// of `write` and overlook those of `close`.
    fn check_start(&self, file: &OpenFile, piece: Piece<'_>) -> Result<(), Error> {
        let path = {
            let contents = self.directory().lock();
            contents.numbers.path(file.number).map(|path| (path.to_owned(), contents.path.clone()))
        };
        // A removed file need not be valid: it becomes no value.
        let Some((path, shown)) = path else { return Ok(()) };
        if file.lock().needs_check(piece.offset) {
            let message = self.edits.messages.known(self.directory().base)?;
            let locked = self.edits.locked(&message, self.directory().lock());
            let open = locked.shown().current()?;
            drop(locked);
            let check = StartCheck::new(&open.tree, &path);
            file.lock().begin_check(check.map_err(|error| message_error(&shown, error))?);
        }
        let mut content = file.lock();
        content.check(piece.offset, piece.bytes).map_err(|error| {
            // If the program emptied the file before this write, the file keeps its old value.
            let error = message_error(&shown.join(&path), error);
            content.refuse_write(WriteRefusal::Invalid, refusal(&error));
            error
        })
    }

    /// Refuses bytes for which the state folder has no room when the file is closed: programs see
    /// the errors of `write`. A file that was emptied for this keeps its value.
    fn check_room(&self, file: &OpenFile, piece: Piece<'_>) -> Result<(), Error> {
        let mut content = file.lock();
        let start = piece.offset.unwrap_or_else(|| content.len());
        let room = content.room_for(start.saturating_add(piece.bytes.len() as u64))?;
        let checked = self.edits.log.check_room(room).map_err(Error::EditLog);
        checked.inspect_err(|error| content.refuse_write(WriteRefusal::NoRoom, refusal(error)))
    }

    /// Gives an open file the present value, to be changed.
    fn load(&self, file: &OpenFile) -> Result<(), Error> {
        if file.lock().is_loaded() {
            return Ok(());
        }
        let message = self.edits.messages.known(self.directory().base)?;
        let locked = self.edits.locked(&message, self.directory().lock());
        let found = match locked.contents.numbers.path(file.number) {
            Some(path) => locked.shown().find_hidden(path),
            // It was removed, and is still open.
            None => locked.orphaned(file.number),
        };
        drop(locked);
        let (open, id) = match found {
            Ok(ShownEntry::Node(open, id, _)) => (open, id),
            // The value was removed by other means than this file.
            Ok(_) | Err(Error::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        let read = |offset, piece: &mut [u8]| open.read_whole_at(id, offset, piece);
        let len = open.tree.attributes(id).map(|attributes| attributes.size);
        let value = len.and_then(|len| Buffer::filled::<view::Error>(self.spool(), len, read));
        file.lock().load(value.map_err(|error| message_error(&open.path, error))?);
        Ok(())
    }

    /// Makes the bytes of an open file its value, if they are due at this moment.
    fn settle(&self, file: &OpenFile, moment: Moment) -> Result<(), Error> {
        let message = self.edits.messages.known(self.directory().base)?;
        let mut locked = self.edits.locked(&message, self.directory().lock_idle());
        if file.lock().is_replaced() {
            return Err(Error::Replaced { path: locked.contents.path.clone() });
        }
        // Its message may have been moved while this thread waited.
        if self.edits.source.nodes.is_forwarded(self.directory().base, file.number) {
            return Err(Error::Stale { path: locked.contents.path.clone() });
        }
        locked.settle(file, moment)
    }

    /// Makes what was written through the handle the value of its file, at a `close` of any copy of
    /// its descriptor by a process that has opened it or written through it.
    pub(in crate::fs) fn flush(&self) -> Result<(), Error> {
        match &self.handle.target {
            HandleTarget::File { file, unflushed, .. } => {
                unflushed.flush(self.thread, || self.settle(file, Moment::Flush))
            }
            HandleTarget::Arrival { arrival, unflushed } => unflushed.flush(self.thread, || {
                self.edits.folders().save_arrival(self.directory(), arrival)
            }),
            HandleTarget::Temporary { file, unflushed, .. } => match file.became().written() {
                Some(file) => unflushed.flush(self.thread, || self.settle(&file, Moment::Flush)),
                None => self.keep_copy(file),
            },
        }
    }

    /// Copies a temporary file to the state folder, unless it was removed.
    fn keep_copy(&self, file: &Arc<TemporaryFile>) -> Result<(), Error> {
        let place = {
            let contents = self.directory().lock();
            let path = contents.temporaries.path_of(file).map(str::to_owned);
            path.map(|path| (contents.path.clone(), path))
        };
        place.map_or(Ok(()), |(message, path)| file.keep_copy(&self.edits.log, &message, &path))
    }

    /// Saves the message of the file.
    pub(in crate::fs) fn fsync(&self) -> Result<(), Error> {
        match &self.handle.target {
            HandleTarget::File { file, unflushed, .. } => self.fsync_of(file, unflushed),
            HandleTarget::Arrival { arrival, .. } => {
                self.edits.folders().save_arrival(self.directory(), arrival)
            }
            HandleTarget::Temporary { file, unflushed, .. } => match file.became().written() {
                Some(file) => self.fsync_of(&file, unflushed),
                None => {
                    self.keep_copy(file)?;
                    file.sync_copy()
                }
            },
        }
    }

    fn fsync_of(&self, file: &OpenFile, unflushed: &Unflushed) -> Result<(), Error> {
        unflushed.sync(|| self.settle(file, Moment::Final))?;
        self.edits.save_now(self.directory())
    }

    /// Closes a handle that is not in the table any more.
    pub(super) fn close(&self) {
        match &self.handle.target {
            HandleTarget::File { file, unflushed, .. } => self.close_file(file, unflushed),
            HandleTarget::Arrival { arrival, unflushed } => self.close_arrival(arrival, unflushed),
            HandleTarget::Temporary { file, flags, unflushed } if flags.is_writing() => {
                match file.close() {
                    Some(file) => self.close_file(&file, unflushed),
                    None => {
                        // The last FLUSH has reported the error.
                        let _ = self.keep_copy(file);
                    }
                }
            }
            HandleTarget::Temporary { .. } => {}
        }
        self.edits.source.nodes.forget(self.directory().base, 1);
    }

    fn close_arrival(&self, arrival: &Arrival, unflushed: &Unflushed) {
        let is_last = arrival.close();
        if is_last || unflushed.is_written() {
            // The last FLUSH has reported the error, unless nothing was ever written.
            if let Err(error) = self.edits.folders().save_arrival(self.directory(), arrival) {
                let path = || self.directory().lock().path.clone();
                self.edits.refusals.note(path, &error);
            }
        }
        if is_last && is_message_file_name(&self.directory().lock().path.clone()) {
            self.edits.end(self.directory().base, self.directory().lock());
        }
    }

    fn close_file(&self, file: &OpenFile, unflushed: &Unflushed) {
        let contents = self.directory().lock_idle();
        // The lock is held to the end. Otherwise a program that opens the file now would get this
        // buffer, and the next one another buffer.
        let mut content = file.lock();
        let moment = match content.close() {
            true => Moment::Final,
            // No FLUSH of this handle counted: it was closed by a process that shares the table of
            // descriptors with the one that has written. Others have the file open.
            false if unflushed.is_written() && !content.is_refused() => Moment::Flush,
            false => return,
        };
        if content.is_replaced() {
            return;
        }
        drop(content);
        // The handle keeps the message known.
        let Ok(message) = self.edits.messages.known(self.directory().base) else { return };
        let mut locked = self.edits.locked(&message, contents);
        // The last FLUSH has reported the error; the old value stays.
        let is_refused = file.lock().is_refused();
        if !is_refused && let Err(error) = locked.settle(file, moment) {
            file.lock().refuse(refusal(&error));
        }
        if moment == Moment::Final {
            self.end_file(&mut locked, file);
        }
        locked.schedule_save();
    }

    /// Ends a file that no program has open any more.
    fn end_file(&self, locked: &mut LockedMessage<'_>, file: &OpenFile) {
        if file.lock().is_refused() {
            self.edits.keeper.keep_refused(&locked.contents, file);
            locked.show_old_value(file);
        }
        // A file that waits to come into the message is shown from its buffer, so it stays.
        if !file.lock().is_waiting() {
            locked.contents.files.remove(&file.number);
        }
    }
}
