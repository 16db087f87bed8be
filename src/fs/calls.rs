//! The calls of the kernel that only a writable filesystem gets.
//!
//! Each call changes a message, or what is in a folder of the source. Other files of the source are
//! never changed.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use crate::view::NodeId;

use super::{Entry, Error, Fs, Invalidation, SetAttr, is_message_file_name};
use crate::fs::edits::message::directory::MessageState;
use crate::fs::edits::message::entries::name_text;
use crate::fs::edits::message::process::Process;
use crate::fs::edits::open::open_file::OpenFlags;
use crate::fs::edits::save::edit_log::UNSAVED_ATTRIBUTE;
use crate::fs::source::ino::{Base, Ino, SourceKind};

impl Fs {
    /// Whether the mount is writable. If it is, the kernel has to open files.
    pub fn is_writable(&self) -> bool {
        self.options.write.is_some()
    }

    /// Whether messages may be removed.
    pub(super) fn may_remove(&self) -> bool {
        self.options.write.as_ref().is_some_and(|write| write.delete)
    }

    /// Says that the adapter will tell the kernel before each answer what it must forget
    /// ([`Fs::tell_stale`]). Only then may the kernel cache what is in messages of a writable
    /// mount.
    pub fn enable_invalidation(&self) {
        self.can_invalidate.store(true, Ordering::Release);
    }

    pub(super) fn can_invalidate(&self) -> bool {
        self.can_invalidate.load(Ordering::Acquire)
    }

    /// Calls `tell` if the kernel must forget something: all names, and what is given to `tell`.
    /// The adapter calls this before each answer, with no lock held.
    pub fn tell_stale(&self, tell: impl FnOnce(&[Invalidation])) {
        self.invalidations.tell(tell);
    }

    pub(super) fn note_stale(&self, stale: Vec<Invalidation>) {
        if self.can_invalidate() {
            self.invalidations.note(stale);
        }
    }

    /// Checks that a user may create something in a directory. Only the mounter may create files in
    /// a folder of the source, since every new file there belongs to the mounter. With `uid=` all
    /// files have a given owner anyway.
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

    /// Checks that a user may move something between directories. An embedded message that is moved
    /// into a folder is a new file there.
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

    /// Whether an edit of the message of this inode would have to wait for a save.
    pub fn is_saving(&self, ino: Ino) -> bool {
        let (base, _) = self.nodes.followed(ino).parts();
        let message = self.nodes.message(base).and_then(|(_, directory)| directory);
        message.is_some_and(|directory| directory.lock().is_saving())
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

    /// Creates a file for a process, as [`Fs::create`] does. In a folder the file gets the
    /// permissions `mode`, from which the umask of the caller has been taken away.
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
        match self.editable_message(parent)? {
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
        if let Some(to) = self.editable_message(parent)? {
            return self.mkdir_in_message(&to, name, process);
        }
        let path = self.in_folder(parent, name)?;
        if !is_message_file_name(&path) {
            return Err(Error::NotPermitted("only messages are created: NAME.msg"));
        }
        self.create_message(&path, mode, process)
    }

    /// Creates a symbolic link in a message, as Emacs does to lock a file.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for any other.
    pub fn symlink(&self, parent: Ino, name: &OsStr, target: &OsStr) -> Result<Entry, Error> {
        let refused = || Error::NotPermitted("there are no symbolic links to be made here");
        let to = self.editable_message(parent)?.ok_or_else(refused)?;
        self.symlink_in_message(&to, name, target.to_str().ok_or_else(refused)?)
    }

    /// Makes a temporary copy of a file of a message under a second name, for programs that back a
    /// file up with link(2).
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for any other name, [`Error::OtherDevice`] between messages.
    pub fn link(&self, ino: Ino, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        let refused = || Error::NotPermitted("a message has one name");
        let to = self.editable_message(parent)?.ok_or_else(refused)?;
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

    /// Removes a file for a process, as [`Fs::unlink`] does. In a message, the removal becomes
    /// final when the process has ended.
    ///
    /// # Errors
    /// As [`Fs::unlink`].
    pub fn unlink_for(&self, parent: Ino, name: &OsStr, process: Option<u32>) -> Result<(), Error> {
        if let Some(to) = self.editable_message(parent)? {
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
        if let Some(to) = self.editable_message(parent)? {
            let process = process.map_or(Process::None, Process::of);
            return self.rmdir_in_message(&to, name, process);
        }
        let path = self.in_folder(parent, name)?;
        if !is_message_file_name(&path) {
            return Err(Error::NotPermitted("folders of the source stay"));
        }
        self.remove_message(&path)
    }

    /// Renames a file or a message. With `no_replace` (`RENAME_NOREPLACE`) it is an error if
    /// something has the new name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::OtherDevice`] for what cannot be moved, which programs then
    /// copy and remove, [`Error::Exists`], [`Error::NotPermitted`].
    pub fn rename(
        &self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        let (origin, target) = (self.editable_message(from.0)?, self.editable_message(to.0)?);
        match (origin, target) {
            (Some(origin), Some(target)) if origin.message.base == target.message.base => {
                self.rename_in_message(&origin, from.1, (target.number, to.1), no_replace)
            }
            (None, None) => {
                let (old, new) = (self.in_folder(from.0, from.1)?, self.in_folder(to.0, to.1)?);
                let is_ours = is_message_file_name(&old) || self.nodes.claimed(&old).is_some();
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
        let to = self.editable_message(ino)?.ok_or_else(|| self.read_only(ino))?;
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

    /// Throws the unsaved edits of a message away.
    ///
    /// # Errors
    /// [`Error::NoAttribute`] if it has none, [`Error::NotSupported`] for any other attribute.
    pub fn removexattr(&self, ino: Ino, name: &OsStr) -> Result<(), Error> {
        if name != UNSAVED_ATTRIBUTE {
            return Err(Error::NotSupported);
        }
        let to = self.editable_message(ino)?.ok_or(Error::NoAttribute)?;
        let mut contents = to.lock();
        if to.number != NodeId(0) || !contents.is_unsaved() {
            return Err(Error::NoAttribute);
        }
        let was_new = contents.edits().is_some_and(|edited| edited.is_new);
        self.discard(&mut contents)?;
        self.saver.cancel(to.message.base);
        if was_new {
            contents.state = MessageState::Removed;
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
        // In a folder a name need not be UTF-8, and the file system of the source reports other
        // limits itself.
        name_text(name).or_else(|error| match error {
            Error::NameTooLong => Err(error),
            _ => Ok(""),
        })?;
        Ok(node.path.join(name))
    }

    /// The error for a change of a source file that is no message: `EROFS`.
    pub(super) fn read_only(&self, ino: Ino) -> Error {
        let node = self.node(ino.parts().0).ok();
        Error::ReadOnly { path: node.map(|node| node.path.clone()).unwrap_or_default() }
    }
}
