//! Creating, renaming and removing files in a message.

use std::ffi::OsStr;
use std::sync::{Arc, MutexGuard};

use crate::storage::Source;
use crate::view::{self, FileAccess, FileKind, NodeId};

use crate::fs::edits::message::directory::{Contents, MessageDirectory, joined, split};
use crate::fs::edits::message::process::Process;
use crate::fs::edits::message::shown::ShownEntry;
use crate::fs::edits::message::temporary::{self, Temporary, TemporaryFile, TemporaryKind};
use crate::fs::edits::message::waiting::is_told_without;
use crate::fs::edits::open::buffer::{Buffer, LEN_MAX};
use crate::fs::edits::open::handles::HandleTarget;
use crate::fs::edits::open::open_file::{OpenFile, OpenFlags};
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::messages::{LookedUpMessage, MessageNode, message_error};
use crate::fs::source::ino::Ino;
use crate::fs::{Entry, Error, Fs};

const DIRECTORY_BITS: u16 = 0o755;
pub(in crate::fs) const FILE_BITS: u16 = 0o644;
const NO_DIRECTORY: &str = "only messages are made as directories, in attachments/";
pub(in crate::fs) const NO_NAME: &str = "it cannot have this name";

/// A message that is to be changed.
pub(in crate::fs) struct EditableMessage<'a> {
    pub(in crate::fs) message: LookedUpMessage<'a>,
    pub(in crate::fs) directory: Arc<MessageDirectory>,
    pub(in crate::fs) number: NodeId,
}

impl EditableMessage<'_> {
    /// The contents, for an edit. Waits for the end of a save, and puts waiting attachments into
    /// the message first.
    pub(in crate::fs) fn lock(&self) -> MutexGuard<'_, Contents> {
        self.lock_at(|_| None)
    }

    /// As [`EditableMessage::lock`], for a change that needs only the name or the attributes of
    /// `path`: attachments that wait go on waiting, so that a program can create many files before
    /// they come into the message together.
    pub(in crate::fs) fn lock_at(
        &self,
        path: impl FnOnce(&Contents) -> Option<String>,
    ) -> MutexGuard<'_, Contents> {
        let mut contents = self.directory.lock_idle();
        if !contents.waiting.is_empty() && !path(&contents).is_some_and(|at| is_told_without(&at)) {
            self.message.take_waiting(&mut contents);
        }
        contents
    }
}

/// What a new name in a message is to be.
pub(in crate::fs) enum NewNameKind {
    /// A value or an attachment.
    Value,
    /// A temporary file of a tool.
    Temporary,
    /// A copy of a file that a new message has by itself.
    Copy,
    /// A directory that the message has anyway.
    Directory,
}

impl Fs {
    /// The message that an inode belongs to, to be changed; `None` if it belongs to none.
    pub(in crate::fs) fn editable_message(
        &self,
        ino: Ino,
    ) -> Result<Option<EditableMessage<'_>>, Error> {
        if !self.is_writable() {
            return Ok(None);
        }
        let Some((message, number)) = self.message_of(ino)? else { return Ok(None) };
        let message = message.with_directory();
        let directory = message.directory.clone().ok_or(Error::NotFound)?;
        Ok(Some(EditableMessage { message, directory, number }))
    }

    /// Creates a file in a directory of a message and opens it.
    pub(in crate::fs) fn create_in_message(
        &self,
        to: &EditableMessage<'_>,
        name: &OsStr,
        mode: u32,
        flags: OpenFlags,
        process: u32,
    ) -> Result<(Entry, u64), Error> {
        let mut contents = to.lock_at(|contents| self.new_path(contents, to.number, name).ok());
        let path = self.new_path(&contents, to.number, name)?;
        let is_there = self.is_there(&to.message, &contents, &path)?;
        let is_unseen = contents.creators.hides(&path, process);
        if is_there && !is_unseen {
            // Another program has created the file in the meantime.
            if flags.is_exclusive() {
                return Err(Error::Exists);
            }
            let (parent, name) = (to.number, name.to_str().ok_or(Error::NotFound)?);
            let entry =
                self.lookup_in_contents(&to.message, &mut contents, parent, name, process)?;
            drop(contents);
            return Ok((entry, self.open_file(entry.attr.ino, flags.0)?.handle));
        }
        let new = self.new_name(&to.message, &contents, &path, is_unseen)?;
        contents.creators.made(&path, process);
        self.begin_differing(&to.message, &mut contents);
        let target = match new {
            NewNameKind::Value => {
                self.check_writable(&to.message, &mut contents)?;
                self.take_hidden_place(&to.message, &mut contents, &path)?;
                let number = contents.numbers.assign(&path, view::fixed_number(&path));
                self.writer(&mut contents, number, flags, true)
            }
            NewNameKind::Temporary | NewNameKind::Copy => {
                let file = TemporaryFile::new(Buffer::default());
                let kind = match new {
                    NewNameKind::Copy => TemporaryKind::Copy(Arc::clone(&file)),
                    _ => TemporaryKind::File(Arc::clone(&file)),
                };
                let bits = u16::try_from(mode & 0o777).unwrap_or(FILE_BITS);
                contents.temporaries.put(&path, Temporary::new(kind, bits))?;
                HandleTarget::Temporary(file)
            }
            NewNameKind::Directory => return Err(Error::IsADirectory),
        };
        let found = self.find(&to.message, &contents, &path)?;
        let entry = self.entry(&to.message, &mut contents, &path, &found)?;
        // One lookup for the kernel and one for the handle.
        self.nodes.look_up_inside(to.message.base, 2);
        Ok((entry, self.handles.add(&to.directory, target)))
    }

    /// A writing handle of a file, which is opened if it is not yet.
    pub(in crate::fs) fn writer(
        &self,
        contents: &mut Contents,
        number: NodeId,
        flags: OpenFlags,
        is_new: bool,
    ) -> HandleTarget {
        let file = contents.files.entry(number).or_insert_with(|| OpenFile::new(number, is_new));
        file.lock().open();
        HandleTarget::File {
            file: Arc::clone(file),
            appends: flags.appends(),
            unflushed: Default::default(),
        }
    }

    /// Creates a directory in a message: an embedded message, or one that follows from what will
    /// be in it.
    pub(in crate::fs) fn mkdir_in_message(
        &self,
        to: &EditableMessage<'_>,
        name: &OsStr,
        process: u32,
    ) -> Result<Entry, Error> {
        let mut contents = to.lock();
        let path = self.new_path(&contents, to.number, name)?;
        let is_there = self.is_there(&to.message, &contents, &path)?;
        let is_unseen = contents.creators.hides(&path, process);
        if is_there && !is_unseen {
            return Err(Error::Exists);
        }
        let new = self.new_name(&to.message, &contents, &path, is_unseen)?;
        contents.creators.made(&path, process);
        self.begin_differing(&to.message, &mut contents);
        match new {
            NewNameKind::Value if view::is_embedded_message_path(&path) => {
                self.take_hidden_place(&to.message, &mut contents, &path)?;
                let operation = Operation::CreateMessage { path: path.clone() };
                self.apply(&to.message, &mut contents, &operation)?;
                contents.creators.created(&path, process);
                self.saver.schedule(&contents, to.message.base);
            }
            NewNameKind::Directory => drop(contents.removals.show(&path)),
            NewNameKind::Copy | NewNameKind::Temporary => {
                let directory = Temporary::new(TemporaryKind::Directory, DIRECTORY_BITS);
                contents.temporaries.put(&path, directory)?;
            }
            NewNameKind::Value => return Err(self.refuse(&contents, &path, NO_DIRECTORY)),
        }
        let found = self.find(&to.message, &contents, &path)?;
        let entry = self.entry(&to.message, &mut contents, &path, &found)?;
        self.nodes.look_up_inside(to.message.base, 1);
        Ok(entry)
    }

    /// Creates a symbolic link in a message: Emacs locks a file with one.
    pub(in crate::fs) fn symlink_in_message(
        &self,
        to: &EditableMessage<'_>,
        name: &OsStr,
        target: &str,
    ) -> Result<Entry, Error> {
        let mut contents = to.lock();
        let path = self.new_path(&contents, to.number, name)?;
        if self.is_there(&to.message, &contents, &path)? {
            return Err(Error::Exists);
        }
        let (NewNameKind::Temporary, false) =
            (self.new_name(&to.message, &contents, &path, false)?, target.is_empty())
        else {
            return Err(Error::NotPermitted("a message has no symbolic links"));
        };
        let link = Temporary::new(TemporaryKind::Symlink(target.to_owned()), 0o777);
        self.put_temporary(to, &mut contents, &path, link)
    }

    /// Gives a file of a message a second, temporary name: a copy (`perl -i.bak`).
    pub(in crate::fs) fn link_in_message(
        &self,
        to: &EditableMessage<'_>,
        from: NodeId,
        name: &OsStr,
    ) -> Result<Entry, Error> {
        let mut contents = to.lock();
        let old = self.path_in(&contents, from)?;
        let path = self.new_path(&contents, to.number, name)?;
        if self.is_there(&to.message, &contents, &path)? {
            return Err(Error::Exists);
        }
        if !matches!(self.new_name(&to.message, &contents, &path, false)?, NewNameKind::Temporary) {
            return Err(Error::NotPermitted("a file of a message has one name"));
        }
        let bytes = self.bytes_of(&to.message, &contents, &old)?;
        let copy = TemporaryKind::File(TemporaryFile::new(bytes));
        self.put_temporary(to, &mut contents, &path, Temporary::new(copy, FILE_BITS))
    }

    fn put_temporary(
        &self,
        to: &EditableMessage<'_>,
        contents: &mut Contents,
        path: &str,
        file: Temporary,
    ) -> Result<Entry, Error> {
        self.begin_differing(&to.message, contents);
        contents.temporaries.put(path, file.clone())?;
        let entry = self.entry(&to.message, contents, path, &ShownEntry::Temporary(file))?;
        self.nodes.look_up_inside(to.message.base, 1);
        Ok(entry)
    }

    /// Removes a file from a message.
    pub(in crate::fs) fn unlink_in_message(
        &self,
        to: &EditableMessage<'_>,
        name: &OsStr,
        process: Process,
    ) -> Result<(), Error> {
        let mut contents = to.lock();
        let path = self.new_path(&contents, to.number, name)?;
        match self.find(&to.message, &contents, &path)?.kind() {
            FileKind::Directory => Err(Error::IsADirectory),
            FileKind::File | FileKind::Symlink => self.remove(to, &mut contents, &path, process),
        }
    }

    /// Removes a directory from a message: an embedded message, or an empty one.
    pub(in crate::fs) fn rmdir_in_message(
        &self,
        to: &EditableMessage<'_>,
        name: &OsStr,
        process: Process,
    ) -> Result<(), Error> {
        let mut contents = to.lock();
        let path = self.new_path(&contents, to.number, name)?;
        let found = self.find(&to.message, &contents, &path)?;
        if found.kind() != FileKind::Directory {
            return Err(Error::NotADirectory);
        }
        contents.creators.done(&path);
        let is_message = match &found {
            ShownEntry::Node(open, ..) => {
                self.access_in(open, &path)? == FileAccess::EmbeddedMessage
            }
            _ => false,
        };
        if !is_message && !self.names_in(&to.message, &contents, &path)?.is_empty() {
            return Err(Error::NotEmpty);
        }
        match found {
            // A directory without content needs no removal: it exists only while something is in
            // it.
            ShownEntry::EmptyDirectory(_) => Ok(()),
            _ => self.remove(to, &mut contents, &path, process),
        }
    }

    fn remove(
        &self,
        to: &EditableMessage<'_>,
        contents: &mut Contents,
        path: &str,
        process: Process,
    ) -> Result<(), Error> {
        match self.find(&to.message, contents, path)? {
            ShownEntry::Temporary(_) => {
                contents.temporaries.remove(path);
                contents.removals.temporary_removed(path, process);
                contents.numbers.remove(path, None);
            }
            ShownEntry::New(_) => {
                contents.numbers.remove(path, view::fixed_number(path));
                // It took the place of a file of the message that was removed. That one is still
                // there, since the new one was to be its value.
                if self.current_message(&to.message, contents)?.tree.resolve(path).is_ok() {
                    contents.removals.remove(path, process);
                }
            }
            ShownEntry::Node(open, _, kind) => {
                let access = self.access_in(&open, path)?;
                // `rm -r` removes everything that is listed; what is made of other files is there
                // again if the message stays.
                let is_made = matches!(access, FileAccess::ReadOnly(_)) && is_listed_made(path);
                // With `delete`, `rm -r` may remove signed mail, so its files must not be refused
                // before the rmdir.
                let is_signed =
                    access == FileAccess::ReadOnly(view::SIGNED_IS_PROTECTED) && !self.may_remove();
                if is_signed || contents.removals.are_refused(process) {
                    contents.removals.refuse(process);
                    return Err(Error::NotPermitted(view::SIGNED_IS_PROTECTED));
                }
                if let FileAccess::ReadOnly(reason) = access
                    && !is_made
                    && kind != FileKind::Directory
                {
                    return Err(Error::NotPermitted(reason));
                }
                self.check_writable(&to.message, contents)?;
                self.begin_differing(&to.message, contents);
                contents.removals.remove(path, process);
                contents.temporaries.remove_below(path);
            }
            ShownEntry::EmptyDirectory(_) | ShownEntry::Arrival(_) => {}
        }
        if process == Process::None {
            self.finish_removals(&to.message, contents, false);
        }
        self.saver.schedule(contents, to.message.base);
        Ok(())
    }

    /// Cuts or lengthens a file by its path: its bytes become the value at once.
    pub(in crate::fs) fn truncate(&self, to: &EditableMessage<'_>, len: u64) -> Result<(), Error> {
        let mut contents = to.lock();
        let path = self.path_in(&contents, to.number)?;
        let is_there = match self.find_hidden(&to.message, &contents, &path) {
            // It was emptied and has just lost its value, as in `open_writing`.
            Err(Error::NotFound) => false,
            Err(error) => return Err(error),
            Ok(ShownEntry::Arrival(arrival)) => return arrival.set_len(len),
            Ok(ShownEntry::Temporary(file)) => {
                let bytes = file.file().ok_or(Error::IsADirectory)?;
                return bytes.change(|bytes| bytes.set_len(len));
            }
            Ok(ShownEntry::New(_) | ShownEntry::Node(..) | ShownEntry::EmptyDirectory(_)) => true,
        };
        self.check_settable(&to.message, &mut contents, &path)?;
        let mut buffer = match len {
            0 => Buffer::default(),
            _ if !is_there => Buffer::default(),
            _ => self.bytes_of(&to.message, &contents, &path)?,
        };
        buffer.set_len(len).map_err(Error::Buffer)?;
        let value = into_source(buffer)?;
        self.apply(&to.message, &mut contents, &Operation::Set { path, value })?;
        if let Some(open) = contents.files.get(&to.number) {
            open.lock().replaced();
        }
        self.saver.schedule(&contents, to.message.base);
        Ok(())
    }

    /// Whether a file may be written to.
    pub(in crate::fs) fn check_settable(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        path: &str,
    ) -> Result<(), Error> {
        let open = self.current_message(message, contents)?;
        match self.access_in(&open, path)? {
            FileAccess::Settable => self.check_writable(message, contents),
            FileAccess::Directory | FileAccess::EmbeddedMessage => Err(Error::IsADirectory),
            FileAccess::ReadOnly(reason) | FileAccess::Unknown(reason) => {
                Err(Error::NotPermitted(reason))
            }
        }
    }

    /// The bytes of a file of a message as its readers see them, or of a temporary file.
    pub(in crate::fs) fn bytes_of(
        &self,
        message: &MessageNode,
        contents: &Contents,
        path: &str,
    ) -> Result<Buffer, Error> {
        let number = contents.numbers.number(path, view::fixed_number(path));
        let open = contents.files.get(&number).map(|file| file.lock());
        if let Some(content) = open.filter(|content| content.is_seen()) {
            return content.copy();
        }
        match self.find(message, contents, path)? {
            ShownEntry::Temporary(file) => {
                let file = file.file().ok_or(Error::IsADirectory)?;
                file.with(Buffer::copy)
            }
            ShownEntry::Node(open, id, FileKind::File) => {
                let in_message = |error: view::Error| message_error(&contents.path, error);
                if open.tree.attributes(id).map_err(in_message)?.size > LEN_MAX {
                    return Err(Error::TooLarge);
                }
                let read = |offset, size| open.tree.read(id, offset, size);
                Buffer::filled::<view::Error>(read).map_err(in_message)
            }
            ShownEntry::New(_) => Ok(Buffer::default()),
            _ => Err(Error::IsADirectory),
        }
    }

    pub(in crate::fs) fn new_path(
        &self,
        contents: &Contents,
        parent: NodeId,
        name: &OsStr,
    ) -> Result<String, Error> {
        Ok(joined(&self.path_in(contents, parent)?, name_text(name)?))
    }

    pub(in crate::fs) fn is_there(
        &self,
        message: &MessageNode,
        contents: &Contents,
        path: &str,
    ) -> Result<bool, Error> {
        match self.find(message, contents, path) {
            Ok(_) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a new name becomes. `is_unseen` is set if the creating process is still filling a new
    /// message, and the message has such a file by itself.
    pub(in crate::fs) fn new_name(
        &self,
        message: &MessageNode,
        contents: &Contents,
        path: &str,
        is_unseen: bool,
    ) -> Result<NewNameKind, Error> {
        let (parent, name) = split(path);
        match contents.temporaries.get(parent).map(|file| &file.kind) {
            Some(TemporaryKind::Directory) => return Ok(NewNameKind::Copy),
            Some(_) => return Err(Error::NotADirectory),
            None => {}
        }
        let open = self.current_message(message, contents)?;
        let in_attachments = view::is_attachment_path(path);
        let is_temporary = temporary::tool_of(name, in_attachments).is_some();
        match self.access_in(&open, path)? {
            FileAccess::Settable if is_temporary && open.tree.resolve(path).is_err() => {
                Ok(NewNameKind::Temporary)
            }
            FileAccess::Settable => Ok(NewNameKind::Value),
            FileAccess::EmbeddedMessage => Ok(NewNameKind::Value),
            FileAccess::Directory => Ok(NewNameKind::Directory),
            FileAccess::Unknown(_) if is_temporary => Ok(NewNameKind::Temporary),
            FileAccess::Unknown(_) | FileAccess::ReadOnly(_)
                if is_unseen
                    && view::is_message_entry(name)
                    && !view::shows_what_nothing_sets(name) =>
            {
                Ok(NewNameKind::Copy)
            }
            FileAccess::Unknown(reason) | FileAccess::ReadOnly(reason) => {
                Err(self.refuse(contents, path, reason))
            }
        }
    }

    /// Refuses a name that no message has, and logs the reason, which says where such a file goes.
    pub(in crate::fs) fn refuse(
        &self,
        contents: &Contents,
        path: &str,
        reason: &'static str,
    ) -> Error {
        tracing::warn!("{}/{path} is refused: {reason}", contents.path.display());
        Error::NotPermitted(reason)
    }

    /// Lets a new file take the path of one that was removed or renamed away. Programs that have
    /// the old file open keep it; the new file gets another number.
    pub(in crate::fs) fn take_hidden_place(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        path: &str,
    ) -> Result<bool, Error> {
        if !contents.removals.hides(path) {
            return Ok(false);
        }
        let found = self.find_hidden(message, contents, path);
        self.orphan(message, contents, path);
        contents.removals.show(path);
        if let Ok(ShownEntry::Node(_, _, FileKind::Directory)) = found {
            let remove = Operation::Remove { path: path.to_owned() };
            self.apply(message, contents, &remove)?;
        }
        Ok(true)
    }
}

/// Whether a path lies outside of `mapi/` and `raw/`, where `rm -r` meets the files that are
/// listed.
fn is_listed_made(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    !["mapi", "raw"].contains(&first)
}

/// A name as UTF-8 text of at most 255 bytes.
pub(in crate::fs) fn name_text(name: &OsStr) -> Result<&str, Error> {
    const NAME_BYTES_MAX: usize = 255;
    match name.to_str() {
        Some(text) if text.len() <= NAME_BYTES_MAX => Ok(text),
        Some(_) => Err(Error::NameTooLong),
        None => Err(Error::NotPermitted("a name is text in UTF-8")),
    }
}

pub(in crate::fs) fn into_source(buffer: Buffer) -> Result<Arc<Source>, Error> {
    buffer.share().map_err(Error::Buffer)
}
