//! The calls of the kernel that only a writable filesystem gets.
//!
//! Each is for a message, or for a folder of the source. Other files of the source are never
//! changed.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::view::{self, NodeId, StartCheck};

use super::buffer::Buffer;
use super::directory::{MessageDirectory, State};
use super::edit_log::UNSAVED_ATTRIBUTE;
use super::entries::{ToChange, name_text};
use super::handles::{Handle, On};
use super::ino::{Base, Ino, SourceKind};
use super::messages::message_error;
use super::open_file::{Moment, OpenFile, OpenFlags};
use super::process::Process;
use super::shown::Found;
use super::{Entry, Error, Fs, Invalidation, SetAttr, is_message_name};

/// A file that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The number of the handle, 0 for a file that is read without.
    pub handle: u64,
    /// Whether the kernel may go on to use what it has kept of the file.
    pub is_kept: bool,
}

impl Opened {
    const UNKEPT: Self = Self { handle: 0, is_kept: false };
}

impl Fs {
    /// Whether it is written to: then files have to be opened.
    pub fn is_writable(&self) -> bool {
        self.options.write.is_some()
    }

    /// Whether messages may be removed.
    pub(super) fn may_remove(&self) -> bool {
        self.options.write.as_ref().is_some_and(|write| write.delete)
    }

    /// Says that the kernel is told what [`Fs::tell_stale`] gives before each answer, so that it may
    /// keep what it is told until then.
    pub fn tell_kernel(&self) {
        self.does_kernel_forget.store(true, Ordering::Release);
    }

    pub(super) fn does_kernel_forget(&self) -> bool {
        self.does_kernel_forget.load(Ordering::Acquire)
    }

    /// Has the kernel told what it must forget: all names, and what is given. To be called before
    /// each answer, under no lock.
    pub fn tell_stale(&self, tell: impl FnOnce(&[Invalidation])) {
        self.stale.tell(tell);
    }

    pub(super) fn note_stale(&self, stale: Vec<Invalidation>) {
        if self.does_kernel_forget() {
            self.stale.note(stale);
        }
    }

    /// Whether a user may create something in a directory: a file that is made in a folder of the
    /// source would belong to whoever has mounted it.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if not.
    pub fn check_creator(&self, parent: Ino, user: u32) -> Result<(), Error> {
        if self.editors.is_mounter(user)
            || self.options.ownership.uid.is_some()
            || self.message_of(parent)?.is_some()
        {
            return Ok(());
        }
        Err(Error::NotPermitted("what is made in a folder would belong to who has mounted it"))
    }

    /// Whether a user may move something between directories: an embedded message that comes into
    /// a folder is a new file there.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if not.
    pub fn check_mover(&self, from: Ino, to: Ino, user: u32) -> Result<(), Error> {
        if self.message_of(from)?.is_some() { self.check_creator(to, user) } else { Ok(()) }
    }

    /// Notes that a user is about to edit something.
    pub fn note_editor(&self, user: u32) {
        self.editors.note(user, self.state_folder());
    }

    /// Whether an edit of what this inode belongs to would wait for a save.
    pub fn is_saving(&self, ino: Ino) -> bool {
        let (base, _) = self.nodes.followed(ino).parts();
        let message = self.nodes.message(base).and_then(|(_, directory)| directory);
        message.is_some_and(|directory| directory.lock().is_saving())
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::NotPermitted`], [`Error::IsADirectory`], or `EROFS` and `EACCES` where nothing
    /// can be written.
    pub fn open_file(&self, ino: Ino, flags: i32) -> Result<Opened, Error> {
        let flags = OpenFlags(flags);
        if flags.is_writing() {
            let to = self.to_change(ino)?.ok_or_else(|| self.read_only(ino))?;
            return Ok(Opened { handle: self.open_writing(&to, flags)?, is_kept: false });
        }
        let Some((message, number)) = self.message_of(ino)? else { return Ok(Opened::UNKEPT) };
        let Some(directory) = &message.directory else {
            return Ok(Opened { handle: 0, is_kept: true });
        };
        let contents = directory.lock();
        if contents.is_plain() {
            return Ok(Opened { handle: 0, is_kept: contents.is_as_in_file() });
        }
        // What was removed while it is open is still read: only temporary files need a handle.
        let on =
            match self.path_in(&contents, number).map(|path| self.find(&message, &contents, &path))
            {
                Ok(Ok(Found::Temporary(file))) => {
                    On::Temporary(Arc::clone(file.file().ok_or(Error::IsADirectory)?))
                }
                Ok(Ok(Found::Arrival(arrival))) => {
                    arrival.open();
                    On::Arrival { arrival, written: Default::default() }
                }
                _ => return Ok(Opened::UNKEPT),
            };
        self.nodes.look_up_inside(message.base, 1);
        Ok(Opened { handle: self.handles.add(directory, on), is_kept: false })
    }

    fn open_writing(&self, to: &ToChange<'_>, flags: OpenFlags) -> Result<u64, Error> {
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
        let on = match found {
            Some(Found::Arrival(arrival)) => {
                arrival.open();
                if flags.truncates() {
                    arrival.set_len(0)?;
                }
                On::Arrival { arrival, written: Default::default() }
            }
            Some(Found::Temporary(file)) => {
                let file = Arc::clone(file.file().ok_or(Error::IsADirectory)?);
                if flags.truncates() {
                    file.change(|bytes| bytes.set_len(0))?;
                }
                On::Temporary(file)
            }
            None | Some(Found::New(_) | Found::Node(..) | Found::EmptyDirectory(_)) => {
                self.check_settable(&to.message, &mut contents, &path)?;
                self.differ(&to.message, &mut contents);
                let on = self.writer(&mut contents, to.number, flags, is_new);
                if let On::File { file, .. } = &on
                    && flags.truncates()
                {
                    file.lock().set_len(0)?;
                }
                on
            }
        };
        self.nodes.look_up_inside(to.message.base, 1);
        Ok(self.handles.add(&to.directory, on))
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

    /// Creates a file for a process, as [`Fs::create`] does. In a folder its permissions are those
    /// of `mode`, of which the umask of the caller is taken away already.
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
        match self.to_change(parent)? {
            Some(to) => self.create_in_message(&to, name, mode, OpenFlags(flags), process),
            None => self.create_file(&self.in_folder(parent, name)?, mode),
        }
    }

    /// Creates a directory: a message, or one in a message.
    ///
    /// # Errors
    /// As [`Fs::create`].
    pub fn mkdir(&self, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        self.mkdir_for(parent, name, 0o755, 0)
    }

    /// Creates a directory for a process, as [`Fs::mkdir`] does. `mode` is as in
    /// [`Fs::create_for`].
    ///
    /// # Errors
    /// As [`Fs::create`].
    pub fn mkdir_for(
        &self,
        parent: Ino,
        name: &OsStr,
        mode: u32,
        process: u32,
    ) -> Result<Entry, Error> {
        if let Some(to) = self.to_change(parent)? {
            return self.mkdir_in_message(&to, name, process);
        }
        let path = self.in_folder(parent, name)?;
        if !is_message_name(&path) {
            return Err(Error::NotPermitted("only messages are created: NAME.msg"));
        }
        self.create_message(&path, mode, process)
    }

    /// Creates a symbolic link: an editor's lock in a message.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for any other.
    pub fn symlink(&self, parent: Ino, name: &OsStr, target: &OsStr) -> Result<Entry, Error> {
        let refused = || Error::NotPermitted("there are no symbolic links to be made here");
        let to = self.to_change(parent)?.ok_or_else(refused)?;
        self.symlink_in_message(&to, name, target.to_str().ok_or_else(refused)?)
    }

    /// Gives a file of a message a temporary name besides: a copy.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for any other name, [`Error::OtherDevice`] between messages.
    pub fn link(&self, ino: Ino, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        let refused = || Error::NotPermitted("a message has one name");
        let to = self.to_change(parent)?.ok_or_else(refused)?;
        let (message, number) = self.message_of(ino)?.ok_or_else(refused)?;
        if message.base != to.message.base {
            return Err(Error::OtherDevice);
        }
        self.link_in_message(&to, number, name)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotPermitted`], `EROFS` for files that are no messages.
    pub fn unlink(&self, parent: Ino, name: &OsStr) -> Result<(), Error> {
        self.unlink_for(parent, name, None)
    }

    /// Removes a file for a process, as [`Fs::unlink`] does: for good once the process has ended.
    ///
    /// # Errors
    /// As [`Fs::unlink`].
    pub fn unlink_for(&self, parent: Ino, name: &OsStr, process: Option<u32>) -> Result<(), Error> {
        if let Some(to) = self.to_change(parent)? {
            let process = process.map_or(Process::None, Process::of);
            return self.unlink_in_message(&to, name, process);
        }
        match self.remove_arrival(&self.in_folder(parent, name)?) {
            true => Ok(()),
            false => Err(self.read_only(parent)),
        }
    }

    /// Removes a directory: a message, or one in a message.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotEmpty`], [`Error::NotPermitted`].
    pub fn rmdir(&self, parent: Ino, name: &OsStr) -> Result<(), Error> {
        self.rmdir_for(parent, name, None)
    }

    /// Removes a directory for a process, as [`Fs::rmdir`] does.
    ///
    /// # Errors
    /// As [`Fs::rmdir`].
    pub fn rmdir_for(&self, parent: Ino, name: &OsStr, process: Option<u32>) -> Result<(), Error> {
        if let Some(to) = self.to_change(parent)? {
            let process = process.map_or(Process::None, Process::of);
            return self.rmdir_in_message(&to, name, process);
        }
        let path = self.in_folder(parent, name)?;
        if !is_message_name(&path) {
            return Err(Error::NotPermitted("folders of the source stay"));
        }
        self.remove_message(&path)
    }

    /// Renames a file or a message. With `no_replace` nothing may have the new name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::OtherDevice`] for what is copied and removed instead,
    /// [`Error::Exists`], [`Error::NotPermitted`].
    pub fn rename(
        &self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        let (origin, target) = (self.to_change(from.0)?, self.to_change(to.0)?);
        match (origin, target) {
            (Some(origin), Some(target)) if origin.message.base == target.message.base => {
                self.rename_in_message(&origin, from.1, (target.number, to.1), no_replace)
            }
            (None, None) => {
                let (old, new) = (self.in_folder(from.0, from.1)?, self.in_folder(to.0, to.1)?);
                let is_ours = is_message_name(&old) || self.nodes.claimed(&old).is_some();
                if is_ours {
                    self.rename_in_folders(&old, &new, no_replace)
                } else {
                    Err(self.read_only(from.0))
                }
            }
            _ => self.move_whole(from, to, no_replace),
        }
    }

    /// Changes attributes: the length and the times of what can be written to.
    ///
    /// # Errors
    /// `EROFS` for files that are no messages, else those of writing.
    pub fn setattr(&self, ino: Ino, handle: Option<u64>, change: &SetAttr) -> Result<Entry, Error> {
        let to = self.to_change(ino)?.ok_or_else(|| self.read_only(ino))?;
        if let Some(len) = change.size {
            match handle.filter(|handle| *handle != 0) {
                Some(handle) => self.set_len(&*self.handles.get(handle)?, len)?,
                None => self.truncate(&to, len)?,
            }
        }
        self.set_attributes(&to, change)?;
        drop(to);
        self.getattr(ino)
    }

    fn set_len(&self, handle: &Handle, len: u64) -> Result<(), Error> {
        match &handle.on {
            On::File { file, written, .. } => {
                check_in_place(&handle.directory, file)?;
                if len > 0 {
                    self.load(&handle.directory, file)?;
                    written.note();
                }
                file.lock().set_len(len)
            }
            On::Temporary(file) => file.change(|bytes| bytes.set_len(len)),
            On::Arrival { arrival, written } => {
                written.note();
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
        *out = match &handle.on {
            On::File { file, .. } => {
                self.load(&handle.directory, file)?;
                file.lock().read(offset, size)?
            }
            On::Temporary(file) => file.with(|bytes| bytes.read(offset, size))?,
            On::Arrival { arrival, .. } => arrival.read(offset, size)?,
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
        match &handle.on {
            On::File { file, appends, written } => {
                check_in_place(&handle.directory, file)?;
                self.load(&handle.directory, file)?;
                self.check_start(&handle.directory, file, (*appends, offset), bytes)?;
                file.lock().write((!appends).then_some(offset), bytes)?;
                written.note();
                Ok(())
            }
            On::Temporary(file) => file.change(|buffer| buffer.write(offset, bytes)),
            On::Arrival { arrival, written } => {
                arrival.write(offset, bytes)?;
                written.note();
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
            let open = self.present(&message, &directory.lock())?;
            let check = StartCheck::new(&open.tree, &path);
            file.lock().begin_check(check.map_err(|error| message_error(&shown, error))?);
        }
        let mut content = file.lock();
        let checked = content.check((!appends).then_some(offset), bytes);
        checked.map_err(|error| {
            // A file that was emptied for this keeps its value.
            content.refuse();
            message_error(&shown.join(&path), error)
        })
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
                Found::Node(open, id, _) => Some((open, id)),
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
        match &handle.on {
            On::File { file, written, .. } if written.take() => {
                self.settle(&handle.directory, file, Moment::Flush)
            }
            On::Arrival { arrival, written } if written.take() => {
                self.land(&handle.directory, arrival)
            }
            On::File { .. } | On::Arrival { .. } | On::Temporary(_) => Ok(()),
        }
    }

    /// Closes a file.
    pub fn release(&self, handle: u64) {
        let Some(handle) = self.handles.remove(handle) else { return };
        let directory = &handle.directory;
        match &handle.on {
            On::File { file, .. } => self.close_file(directory, file),
            On::Arrival { arrival, .. } => {
                if arrival.close() {
                    // The error was told at the last flush.
                    let _ = self.land(directory, arrival);
                    if is_message_name(&directory.lock().path.clone()) {
                        self.end_arrival(directory);
                    }
                }
            }
            On::Temporary(_) => {}
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
        // The error was told at the last flush; the old value stays.
        if !file.lock().is_refused()
            && let Ok(message) = self.known_message(directory.base)
        {
            let _ = self.settle_in(&message, &mut contents, file, Moment::Whole);
        }
        if file.lock().is_refused() {
            self.keep_refused(&contents, file);
        }
        // One that waits is shown from its buffer.
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
            Some(Handle { directory, on: On::File { file, written, .. } }) => {
                written.take();
                self.settle(directory, file, Moment::Whole)?;
                self.save_now(directory)
            }
            Some(Handle { directory, on: On::Arrival { arrival, .. } }) => {
                self.land(directory, arrival)
            }
            Some(Handle { on: On::Temporary(_), .. }) => Ok(()),
            None => match self.to_change(ino) {
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

    /// Throws the unsaved edits of a message away.
    ///
    /// # Errors
    /// [`Error::NoAttribute`] if it has none, [`Error::NotSupported`] for any other attribute.
    pub fn removexattr(&self, ino: Ino, name: &OsStr) -> Result<(), Error> {
        if name != UNSAVED_ATTRIBUTE {
            return Err(Error::NotSupported);
        }
        let to = self.to_change(ino)?.ok_or(Error::NoAttribute)?;
        let mut contents = to.lock();
        if to.number != NodeId(0) || !contents.is_unsaved() {
            return Err(Error::NoAttribute);
        }
        let was_new = contents.edits().is_some_and(|edited| edited.is_new);
        self.discard(&mut contents)?;
        self.saver.cancel(to.message.base);
        if was_new {
            contents.state = State::Removed;
            self.nodes.unclaim(&contents.path, to.message.base);
        }
        Ok(())
    }

    /// The path of a name in a folder of the source that may be written to.
    pub(super) fn in_folder(&self, parent: Ino, name: &OsStr) -> Result<PathBuf, Error> {
        if !self.is_writable() {
            return Err(self.read_only(parent));
        }
        let (base, _) = parent.parts();
        if base == Base::CONTROL {
            return Err(Error::NotPermitted("it belongs to the mount"));
        }
        let node = self.node(base)?;
        if node.kind != SourceKind::Folder {
            return Err(Error::NotPermitted("only messages can be changed"));
        }
        // The source's file system may have another limit; it reports that itself.
        name_text(name).or_else(|error| match error {
            Error::NameTooLong => Err(error),
            _ => Ok(""),
        })?;
        Ok(node.path.join(name))
    }

    /// `EROFS`: files that are no messages stay as they are.
    pub(super) fn read_only(&self, ino: Ino) -> Error {
        let node = self.node(ino.parts().0).ok();
        Error::Source {
            path: node.map(|node| node.path.clone()).unwrap_or_default(),
            source: io::Error::from_raw_os_error(libc::EROFS),
        }
    }
}

/// Refuses to write to a file that was moved to another message since it was opened: its bytes
/// would go nowhere.
fn check_in_place(directory: &MessageDirectory, file: &OpenFile) -> Result<(), Error> {
    match directory.moved(file.number) {
        Some(_) => Err(Error::Stale { path: directory.lock().path.clone() }),
        None => Ok(()),
    }
}
