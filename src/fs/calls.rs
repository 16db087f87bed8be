//! The calls of the kernel that only a writable filesystem gets.
//!
//! Each call changes a message, or what is in a folder of the source. Other files of the source are
//! never changed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::edit_log::UNSAVED_ATTRIBUTE;
use super::edits::{EditableMessage, Edits, FolderEdits, OpenFlags, Process, name_text};
use super::source::ino::{Base, Ino, SourceKind};
use super::source::tree::is_message_file_name;
use super::{Entry, Error, Fs, Invalidation, SetAttr};

impl Fs {
    /// Whether the mount is writable. If it is, the kernel has to open files.
    pub fn is_writable(&self) -> bool {
        self.edits.is_some()
    }

    /// The message that an inode belongs to, to be changed; `None` if it belongs to none.
    pub(super) fn editable(&self, ino: Ino) -> Result<Option<EditableMessage<'_>>, Error> {
        let Some(edits) = &self.edits else { return Ok(None) };
        let Some((message, number)) = self.message_of(ino)? else { return Ok(None) };
        edits.editable(message, number).map(Some)
    }

    /// Says that the adapter will tell the kernel before each answer what it must forget
    /// ([`Fs::tell_stale`]). Only then may the kernel cache what is in messages of a writable
    /// mount.
    pub fn enable_invalidation(&self) {
        self.messages.let_keep();
    }

    /// Calls `tell` if the kernel must forget something: all names, and what is given to `tell`.
    /// The adapter calls this before each answer, with no lock held.
    pub fn tell_stale(&self, tell: impl FnOnce(&[Invalidation])) {
        if let Some(edits) = &self.edits {
            edits.tell_stale(tell);
        }
    }

    /// Checks that a user may create something in a directory. Only the mounter may create files in
    /// a folder of the source, since every new file there belongs to the mounter. With `uid=` all
    /// files have a given owner anyway.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if not.
    pub fn check_creator(&self, parent: Ino, user: u32) -> Result<(), Error> {
        if self.edits.as_ref().is_none_or(|edits| edits.is_mounter(user))
            || self.source.ownership.uid.is_some()
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
        if let Some(edits) = &self.edits {
            edits.note_editor(user);
        }
    }

    /// Notes an error that a request is answered with, for `.msgfs/errors`, if it refuses an edit.
    /// The request was for a file, or for a name in a directory.
    pub fn note_refusal(&self, ino: Ino, name: Option<&OsStr>, error: &Error) {
        if let Some(edits) = &self.edits {
            let path = || {
                let mut path = self.source_path(ino).unwrap_or_default();
                path.extend(edits.path_inside(ino).filter(|inside| !inside.is_empty()));
                path.extend(name);
                path
            };
            edits.refusals.note(path, error);
        }
    }

    /// Whether an edit of the message of this inode would have to wait for a save or a move.
    pub fn is_busy(&self, ino: Ino) -> bool {
        self.edits.as_ref().is_some_and(|edits| edits.is_busy(ino))
    }

    /// The folder for edits that are not saved; `None` in a read-only mount.
    pub fn state_folder(&self) -> Option<&Path> {
        self.edits.as_ref().map(Edits::state_folder)
    }

    /// Saves messages when they are due, and returns when the filesystem is closed. Run it in
    /// [`Fs::savers`] threads; without them, everything is saved at the end.
    pub fn save_when_due(&self) {
        if let Some(edits) = &self.edits {
            edits.save_when_due();
        }
    }

    /// How many threads are to save messages.
    pub fn savers(&self) -> usize {
        if self.edits.is_some() { Edits::SAVERS } else { 0 }
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
        match self.editable(parent)? {
            Some(to) => match to.create(name, mode, OpenFlags(flags), process)? {
                (entry, Some(handle)) => Ok((entry, handle)),
                (entry, None) => {
                    let opened = self.open_file_for(entry.attr.ino, flags, process)?;
                    Ok((entry, opened.handle))
                }
            },
            None => {
                let (folders, path) = self.in_folder(parent, name)?;
                folders.create_file(&path, mode, process)
            }
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
        if let Some(to) = self.editable(parent)? {
            return to.mkdir(name, process);
        }
        let (folders, path) = self.in_folder(parent, name)?;
        if !is_message_file_name(&path) {
            return Err(Error::NotPermitted("only messages are created: NAME.msg"));
        }
        folders.create_message(&path, mode, process)
    }

    /// Creates a symbolic link in a message, as Emacs does to lock a file.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for any other.
    pub fn symlink(&self, parent: Ino, name: &OsStr, target: &OsStr) -> Result<Entry, Error> {
        let refused = || Error::NotPermitted("there are no symbolic links to be made here");
        let to = self.editable(parent)?.ok_or_else(refused)?;
        to.symlink(name, target.to_str().ok_or_else(refused)?)
    }

    /// Makes a temporary copy of a file of a message under a second name, for programs that back a
    /// file up with link(2).
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for any other name, [`Error::OtherDevice`] between messages.
    pub fn link(&self, ino: Ino, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        let refused = || Error::NotPermitted("a message has one name");
        let to = self.editable(parent)?.ok_or_else(refused)?;
        let (message, number) = self.message_of(ino)?.ok_or_else(refused)?;
        if message.base != to.message.base {
            return Err(Error::OtherDevice);
        }
        to.link(number, name)
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
        if let Some(to) = self.editable(parent)? {
            let process = process.map_or(Process::None, Process::of);
            return to.unlink(name, process);
        }
        let (folders, path) = self.in_folder(parent, name)?;
        match folders.remove_arrival(&path) {
            true => Ok(()),
            false => Err(Error::ReadOnly { path }),
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
        if let Some(to) = self.editable(parent)? {
            let process = process.map_or(Process::None, Process::of);
            return to.rmdir(name, process);
        }
        let (folders, path) = self.in_folder(parent, name)?;
        if !is_message_file_name(&path) {
            return Err(Error::NotPermitted("folders of the source stay"));
        }
        folders.remove_message(&path)
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
        match (self.editable(from.0)?, self.editable(to.0)?) {
            (Some(origin), Some(target)) if origin.message.base == target.message.base => {
                origin.rename(from.1, (target.number(), to.1), no_replace)
            }
            (Some(origin), Some(target)) => origin.move_to(from.1, &target, to.1),
            (Some(origin), None) => {
                let (_, path) = self.in_folder(to.0, to.1)?;
                origin.move_to_folder(from.1, &path, no_replace)
            }
            (None, Some(target)) => {
                let (_, path) = self.in_folder(from.0, from.1)?;
                target.move_from_folder(&path, to.1)
            }
            (None, None) => {
                let (folders, old) = self.in_folder(from.0, from.1)?;
                let (_, new) = self.in_folder(to.0, to.1)?;
                if is_message_file_name(&old) || folders.is_claimed(&old) {
                    folders.rename(&old, &new, no_replace)
                } else {
                    Err(Error::ReadOnly { path: old })
                }
            }
        }
    }

    /// Changes attributes: the length and the times of what can be written to.
    ///
    /// # Errors
    /// `EROFS` for files that are no messages, else those of writing.
    pub fn setattr(&self, ino: Ino, handle: Option<u64>, change: &SetAttr) -> Result<Entry, Error> {
        self.setattr_for(ino, handle, change, 0)
    }

    /// Changes attributes for a thread, as [`Fs::setattr`] does.
    ///
    /// # Errors
    /// As [`Fs::setattr`].
    pub fn setattr_for(
        &self,
        ino: Ino,
        handle: Option<u64>,
        change: &SetAttr,
        thread: u32,
    ) -> Result<Entry, Error> {
        let to = self.editable(ino)?.ok_or_else(|| self.read_only(ino))?;
        to.setattr(handle, change, thread)?;
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
        self.editable(ino)?.ok_or(Error::NoAttribute)?.discard()
    }

    /// The path of a name in a folder of the source, to be changed.
    fn in_folder(&self, parent: Ino, name: &OsStr) -> Result<(FolderEdits<'_>, PathBuf), Error> {
        let edits = self.edits.as_ref().ok_or_else(|| self.read_only(parent))?;
        let (base, _) = parent.parts();
        if base == Base::CONTROL {
            return Err(Error::NotPermitted("it belongs to the mount"));
        }
        let node = self.source.node(base)?;
        if node.kind != SourceKind::Folder {
            return Err(Error::NotPermitted("only messages can be changed"));
        }
        // In a folder a name need not be UTF-8, and the file system of the source reports other
        // limits itself.
        name_text(name).or_else(|error| match error {
            Error::NameTooLong => Err(error),
            _ => Ok(""),
        })?;
        Ok((edits.folders(), node.path.join(name)))
    }

    /// The error for a change of a source file that is no message: `EROFS`.
    pub(super) fn read_only(&self, ino: Ino) -> Error {
        let node = self.source.node(ino.parts().0).ok();
        Error::ReadOnly { path: node.map(|node| node.path.clone()).unwrap_or_default() }
    }
}
