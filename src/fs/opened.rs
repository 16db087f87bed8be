//! The calls on an open file. What is written becomes the value at certain moments
//! (`open_file::Moment`).

use std::sync::Arc;

use crate::view::{self, StartCheck};

use super::error::refusal;
use super::{Error, Fs, is_message_file_name};
use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::message::directory::MessageDirectory;
use crate::fs::edits::message::entries::EditableMessage;
use crate::fs::edits::message::shown::ShownEntry;
use crate::fs::edits::open::buffer::Buffer;
use crate::fs::edits::open::handles::{Handle, HandleTarget};
use crate::fs::edits::open::open_file::{Moment, OpenFile, OpenFlags};
use crate::fs::messages::message_error;
use crate::fs::source::ino::Ino;

/// A file that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedFile {
    /// The number of the handle; 0 for a file that is read without one.
    pub handle: u64,
    /// Whether the kernel may go on using its cached content of the file.
    pub is_kept: bool,
}

impl OpenedFile {
    const UNKEPT: Self = Self { handle: 0, is_kept: false };
}

impl Fs {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::IsADirectory`], or `EROFS` and `EACCES` where nothing
    /// can be written.
    pub fn open_file(&self, ino: Ino, flags: i32) -> Result<OpenedFile, Error> {
        let flags = OpenFlags(flags);
        if flags.is_writing() {
            let to = self.editable_message(ino)?.ok_or_else(|| self.read_only(ino))?;
            return Ok(OpenedFile { handle: self.open_writing(&to, flags)?, is_kept: false });
        }
        let Some((message, number)) = self.message_of(ino)? else { return Ok(OpenedFile::UNKEPT) };
        let Some(directory) = &message.directory else {
            return Ok(OpenedFile { handle: 0, is_kept: true });
        };
        let contents = directory.lock();
        if contents.is_plain() {
            return Ok(OpenedFile { handle: 0, is_kept: contents.is_as_in_file() });
        }
        // A file of the message needs no handle to be read, even if it was removed while it is
        // open. Only temporary files and files that are being copied in need one.
        let target =
            match self.path_in(&contents, number).map(|path| self.find(&message, &contents, &path))
            {
                Ok(Ok(ShownEntry::Temporary(file))) => {
                    HandleTarget::Temporary(Arc::clone(file.file().ok_or(Error::IsADirectory)?))
                }
                Ok(Ok(ShownEntry::Arrival(arrival))) => {
                    arrival.open();
                    HandleTarget::Arrival { arrival, unflushed: Default::default() }
                }
                _ => return Ok(OpenedFile::UNKEPT),
            };
        self.nodes.look_up_inside(message.base, 1);
        Ok(OpenedFile { handle: self.handles.add(directory, target), is_kept: false })
    }

    fn open_writing(&self, to: &EditableMessage<'_>, flags: OpenFlags) -> Result<u64, Error> {
        let mut contents = to.lock();
        let path = self.path_in(&contents, to.number)?;
        let found = match self.find_hidden(&to.message, &contents, &path) {
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
                    arrival.set_len(0)?;
                }
                HandleTarget::Arrival { arrival, unflushed: Default::default() }
            }
            Some(ShownEntry::Temporary(file)) => {
                let file = Arc::clone(file.file().ok_or(Error::IsADirectory)?);
                if flags.truncates() {
                    file.change(|bytes| bytes.set_len(0))?;
                }
                HandleTarget::Temporary(file)
            }
            None
            | Some(ShownEntry::New(_) | ShownEntry::Node(..) | ShownEntry::EmptyDirectory(_)) => {
                self.check_settable(&to.message, &mut contents, &path)?;
                self.begin_differing(&to.message, &mut contents);
                let target = self.writer(&mut contents, to.number, flags, is_new);
                if let HandleTarget::File { file, .. } = &target
                    && flags.truncates()
                {
                    file.lock().set_len(0)?;
                }
                target
            }
        };
        self.nodes.look_up_inside(to.message.base, 1);
        Ok(self.handles.add(&to.directory, target))
    }

    pub(super) fn set_len(&self, handle: &Handle, len: u64) -> Result<(), Error> {
        match &handle.target {
            HandleTarget::File { file, unflushed, .. } => {
                check_in_place(&handle.directory, file)?;
                if len > 0 {
                    self.load(&handle.directory, file)?;
                    unflushed.note();
                }
                file.lock().set_len(len)
            }
            HandleTarget::Temporary(file) => file.change(|bytes| bytes.set_len(len)),
            HandleTarget::Arrival { arrival, unflushed } => {
                unflushed.note();
                arrival.set_len(len)
            }
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
        if handle == 0 {
            return self.read_into(ino, offset, size, out);
        }
        let handle = self.handles.get(handle)?;
        *out = match &handle.target {
            HandleTarget::File { file, .. } => {
                self.load(&handle.directory, file)?;
                file.lock().read(offset, size)?
            }
            HandleTarget::Temporary(file) => file.with(|bytes| bytes.read(offset, size))?,
            HandleTarget::Arrival { arrival, .. } => arrival.read(offset, size)?,
        };
        Ok(())
    }

    /// Writes to an open file.
    ///
    /// # Errors
    /// [`Error::BadHandle`], or [`Error::Buffer`] if there is no room.
    pub fn write(&self, handle: u64, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        if handle == 0 {
            return Err(Error::BadHandle);
        }
        let handle = self.handles.get(handle)?;
        match &handle.target {
            HandleTarget::File { file, appends, unflushed } => {
                check_in_place(&handle.directory, file)?;
                self.load(&handle.directory, file)?;
                self.check_start(&handle.directory, file, (*appends, offset), bytes)?;
                self.check_room(file, (*appends, offset), bytes)?;
                file.lock().write((!appends).then_some(offset), bytes)?;
                unflushed.note();
                Ok(())
            }
            HandleTarget::Temporary(file) => file.change(|buffer| buffer.write(offset, bytes)),
            HandleTarget::Arrival { arrival, unflushed } => {
                let path = handle.directory.lock().path.clone();
                if is_message_file_name(&path) {
                    Arrival::check_start(offset, bytes).map_err(|one| message_error(&path, one))?;
                }
                arrival.write(offset, bytes)?;
                unflushed.note();
                Ok(())
            }
        }
    }

    /// Refuses bytes after which nothing could make the content valid. Most programs see the errors
    /// of `write` and overlook those of `close`.
    fn check_start(
        &self,
        directory: &Arc<MessageDirectory>,
        file: &OpenFile,
        (appends, offset): (bool, u64),
        bytes: &[u8],
    ) -> Result<(), Error> {
        let path = {
            let contents = directory.lock();
            contents.numbers.path(file.number).map(|path| (path.to_owned(), contents.path.clone()))
        };
        // A removed file need not be valid: it becomes no value.
        let Some((path, shown)) = path else { return Ok(()) };
        if file.lock().needs_check() {
            let message = self.known_message(directory.base)?;
            let open = self.current_message(&message, &directory.lock())?;
            let check = StartCheck::new(&open.tree, &path);
            file.lock().begin_check(check.map_err(|error| message_error(&shown, error))?);
        }
        let mut content = file.lock();
        let checked = content.check((!appends).then_some(offset), bytes);
        checked.map_err(|error| {
            // If the program emptied the file before this write, the file keeps its old value.
            let error = message_error(&shown.join(&path), error);
            content.refuse(refusal(&error));
            error
        })
    }

    /// Refuses bytes for which the state folder has no room when the file is closed: programs see
    /// the errors of `write`. A file that was emptied for this keeps its value.
    fn check_room(
        &self,
        file: &OpenFile,
        (appends, offset): (bool, u64),
        bytes: &[u8],
    ) -> Result<(), Error> {
        let mut content = file.lock();
        let len = content.len();
        let end = if appends { len } else { offset }.saturating_add(bytes.len() as u64);
        let checked = self.log()?.check_room(end.max(len)).map_err(Error::EditLog);
        checked.inspect_err(|error| content.refuse_write(refusal(error)))
    }

    /// Gives an open file the present value, to be changed.
    fn load(&self, directory: &Arc<MessageDirectory>, file: &OpenFile) -> Result<(), Error> {
        if file.lock().is_loaded() {
            return Ok(());
        }
        let message = self.known_message(directory.base)?;
        let contents = directory.lock();
        let found = match contents.numbers.path(file.number) {
            Some(path) => match self.find_hidden(&message, &contents, path)? {
                ShownEntry::Node(open, id, _) => Some((open, id)),
                _ => None,
            },
            // It was removed, and is still open.
            None => contents.orphans.get(&file.number).cloned(),
        };
        let Some((open, id)) = found else { return Ok(()) };
        drop(contents);
        let read = |offset, size| open.tree.read(id, offset, size);
        let value = Buffer::filled::<view::Error>(read);
        file.lock().load(value.map_err(|error| message_error(&open.path, error))?);
        Ok(())
    }

    /// Makes what was written through a handle the value of its file, at a `close` of any copy of
    /// its descriptor.
    ///
    /// # Errors
    /// If the bytes are no value of the file, which then keeps its old one.
    pub fn flush(&self, handle: u64) -> Result<(), Error> {
        if handle == 0 {
            return Ok(());
        }
        let handle = self.handles.get(handle)?;
        match &handle.target {
            HandleTarget::File { file, unflushed, .. } => {
                unflushed.flush(|| self.settle(&handle.directory, file, Moment::Flush))
            }
            HandleTarget::Arrival { arrival, unflushed } => {
                unflushed.flush(|| self.save_arrival(&handle.directory, arrival))
            }
            HandleTarget::Temporary(_) => Ok(()),
        }
    }

    /// Closes a file.
    pub fn release(&self, handle: u64) {
        let Some(handle) = self.handles.remove(handle) else { return };
        let directory = &handle.directory;
        match &handle.target {
            HandleTarget::File { file, .. } => self.close_file(directory, file),
            HandleTarget::Arrival { arrival, .. } => {
                if arrival.close() {
                    // The last FLUSH has reported the error.
                    let _ = self.save_arrival(directory, arrival);
                    if is_message_file_name(&directory.lock().path.clone()) {
                        self.end_arrival(directory);
                    }
                }
            }
            HandleTarget::Temporary(_) => {}
        }
        self.nodes.forget(directory.base, 1);
    }

    fn close_file(&self, directory: &Arc<MessageDirectory>, file: &Arc<OpenFile>) {
        let mut contents = directory.lock_idle();
        // The lock is held to the end. Otherwise a program that opens the file now would get this
        // buffer, and the next one another buffer.
        if !file.lock().close() {
            return;
        }
        // The last FLUSH has reported the error; the old value stays.
        if !file.lock().is_refused()
            && let Ok(message) = self.known_message(directory.base)
        {
            let _ = self.settle_in(&message, &mut contents, file, Moment::Final);
        }
        if file.lock().is_refused() {
            self.keep_refused(&contents, file);
        }
        // A file that waits to come into the message is shown from its buffer, so it stays.
        if !file.lock().is_waiting() {
            contents.files.remove(&file.number);
        }
        self.saver.schedule(&contents, directory.base);
    }

    /// Saves the message of an inode, which may be open.
    ///
    /// # Errors
    /// Those of [`Fs::flush`]; [`Error::Stale`] if the source was changed by others, or where
    /// it cannot be written. The edits are kept.
    pub fn fsync(&self, ino: Ino, handle: u64) -> Result<(), Error> {
        let handle = if handle == 0 { None } else { Some(self.handles.get(handle)?) };
        match handle.as_deref() {
            Some(Handle { directory, target: HandleTarget::File { file, unflushed, .. } }) => {
                unflushed.note();
                unflushed.flush(|| self.settle(directory, file, Moment::Final))?;
                self.save_now(directory)
            }
            Some(Handle { directory, target: HandleTarget::Arrival { arrival, .. } }) => {
                self.save_arrival(directory, arrival)
            }
            Some(Handle { target: HandleTarget::Temporary(_), .. }) => Ok(()),
            None => match self.editable_message(ino) {
                Ok(Some(to)) => self.save_now(&to.directory),
                _ => Ok(()),
            },
        }
    }

    /// Saves a message. If that fails, the edits are at least in the log, and the log is synced.
    fn save_now(&self, directory: &Arc<MessageDirectory>) -> Result<(), Error> {
        self.save(directory, false).inspect_err(|_| {
            let synced = self.log().map(|log| log.sync(&directory.lock().path));
            if let Ok(Err(error)) = synced {
                tracing::warn!("edits that are not saved may not be on the disk: {error}");
            }
        })
    }
}

/// Refuses to write to a file that was moved to another message since it was opened: its bytes
/// would go nowhere.
fn check_in_place(directory: &MessageDirectory, file: &OpenFile) -> Result<(), Error> {
    match directory.forwarded(file.number) {
        Some(_) => Err(Error::Stale { path: directory.lock().path.clone() }),
        None => Ok(()),
    }
}
