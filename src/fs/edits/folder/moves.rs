//! Moves whole messages between folders and `attachments/`, or from one message to another.
//!
//! In its new place such a message has other inode numbers. The kernel does not know that: it gives
//! the old inode the new name, together with all that it has cached below it, and programs have
//! files in the message open, or work in its directory. So the old numbers must stand for the same
//! files as before. msgfs notes for each of them the number that the file has now, and answers
//! every request for an old number as if it had come with the new one (`Nodes::followed`).

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use crate::storage::Source;
use crate::view::{self, FileAccess, NodeId};

use crate::fs::edits::message::directory::{Contents, MessageDirectory, MessageState, joined};
use crate::fs::edits::message::entries::{EditableMessage, into_source, name_text};
use crate::fs::edits::message::numbers::relative_to;
use crate::fs::edits::message::shown::ShownEntry;
use crate::fs::edits::open::open_file::{Moment, OpenFile};
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::messages::MessageNode;
use crate::fs::source::ino::Ino;
use crate::fs::source::metadata::Metadata;
use crate::fs::{Error, Fs, Invalidation, is_message_file_name, source_error};

/// The files in a message that have a number: the number, and the path in the message.
type FilesInside = Vec<(NodeId, String)>;

/// An embedded message that is moved.
struct Moving {
    /// In the message that it is embedded in.
    path: String,
    bytes: Arc<Source>,
    files: FilesInside,
    /// The permissions of the file of that message.
    permissions: u32,
}

impl Fs {
    /// Moves a message between a folder and `attachments/`, or from one message to another. It is
    /// on the disk in its new place before it is removed from the old one.
    pub(in crate::fs) fn move_whole(
        &self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        let (origin, target) = (self.editable_message(from.0)?, self.editable_message(to.0)?);
        match (origin, target) {
            (Some(origin), None) => {
                let path = self.in_folder(to.0, to.1)?;
                if !is_message_file_name(&path) {
                    return Err(Error::OtherDevice);
                }
                if self.exists(&path) {
                    return Err(if no_replace { Error::Exists } else { Error::NotEmpty });
                }
                let moving = self.embedded(&origin, from.1)?;
                // With the same permissions, nobody can read the message who could not read it
                // before.
                let permissions = Some(moving.permissions);
                self.put_message(&path, &moving.bytes, permissions, None)?;
                let (message, directory) = self.message_at(&path)?;
                self.forward_numbers((&origin.directory, moving.files), (&message, &directory), "");
                self.nodes.forget(message.base, 1);
                self.remove_moved(&origin, moving.path)
            }
            (None, Some(target)) => {
                let path = self.in_folder(from.0, from.1)?;
                let (message, directory) = self.message_at(&path)?;
                let moved = self.move_into(&path, (&message, &directory), &target, to.1);
                self.nodes.forget(message.base, 1);
                moved
            }
            (Some(origin), Some(target)) => {
                let moving = self.embedded(&origin, from.1)?;
                let place = self.embed(&target, to.1, moving.bytes)?;
                let there = (&*target.message, &target.directory);
                self.forward_numbers((&origin.directory, moving.files), there, &place);
                self.remove_moved(&origin, moving.path)
            }
            (None, None) => Err(Error::OtherDevice),
        }
    }

    /// The embedded message of a name, as a whole file of its own. Any other file is refused with
    /// EXDEV, and the program that moves it copies and removes it.
    fn embedded(&self, origin: &EditableMessage<'_>, name: &OsStr) -> Result<Moving, Error> {
        let mut contents = origin.lock();
        let directory = self.path_in(&contents, origin.number)?;
        let path = joined(&directory, name_text(name)?);
        let ShownEntry::Node(open, id, _) = self.find(&origin.message, &contents, &path)? else {
            return Err(Error::OtherDevice);
        };
        if self.access_in(&open, &path)? != FileAccess::EmbeddedMessage {
            return Err(Error::OtherDevice);
        }
        if !open.tree.losses(id).is_empty() {
            return Err(Error::NotPermitted("something of the message cannot be read"));
        }
        self.settle_below(&origin.message, &mut contents, &path)?;
        let file = joined(&path, "message.msg");
        let bytes = into_source(self.bytes_of(&origin.message, &contents, &file)?)?;
        let files = contents.numbers.below(&path);
        let permissions = match self.source.metadata(&contents.path) {
            Ok(metadata) => u32::from(metadata.permissions()) & 0o666,
            Err(_) => 0o600,
        };
        Ok(Moving { path, bytes, files, permissions })
    }

    /// Makes the bytes of every file at or below a path its value, so that they move with it.
    ///
    /// # Errors
    /// [`Error::Busy`] if a program is still writing to one.
    fn settle_below(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        path: &str,
    ) -> Result<(), Error> {
        let is_below = |file: &&Arc<OpenFile>| {
            let at = contents.numbers.path(file.number);
            at.is_some_and(|at| relative_to(at, path).is_some())
        };
        let files: Vec<_> = contents.files.values().filter(is_below).cloned().collect();
        if files.iter().any(|file| file.lock().is_written()) {
            return Err(Error::Busy);
        }
        files.iter().try_for_each(|file| self.settle_in(message, contents, file, Moment::Final))
    }

    /// Removes a message that was moved elsewhere. The removal is final at once, since the message
    /// is safe in its new place.
    fn remove_moved(&self, origin: &EditableMessage<'_>, path: String) -> Result<(), Error> {
        let mut contents = origin.lock();
        let number = self.orphan(&origin.message, &mut contents, &path);
        self.apply(&origin.message, &mut contents, &Operation::Remove { path })?;
        self.invalidate_moved(Ino::new(origin.message.base, number));
        self.saver.schedule(&contents, origin.message.base);
        Ok(())
    }

    /// Embeds a message in another one, and saves that one. Returns the path there.
    fn embed(
        &self,
        target: &EditableMessage<'_>,
        name: &OsStr,
        value: Arc<Source>,
    ) -> Result<String, Error> {
        let mut contents = target.lock();
        let directory = self.path_in(&contents, target.number)?;
        let path = joined(&directory, name_text(name)?);
        let is_message = view::is_embedded_message_path(&path);
        if !is_message || self.find(&target.message, &contents, &path).is_ok() {
            return Err(if is_message { Error::NotEmpty } else { Error::OtherDevice });
        }
        self.apply(&target.message, &mut contents, &Operation::Set { path: path.clone(), value })?;
        self.settled(&target.message, &mut contents, &path);
        drop(contents);
        self.save(&target.directory, false)?;
        Ok(path)
    }

    fn move_into(
        &self,
        path: &Path,
        (message, directory): (&MessageNode, &Arc<MessageDirectory>),
        target: &EditableMessage<'_>,
        name: &OsStr,
    ) -> Result<(), Error> {
        if matches!(directory.lock().state, MessageState::Arriving(_))
            || directory.base == target.directory.base
        {
            return Err(Error::OtherDevice);
        }
        self.settle_below(message, &mut directory.lock_idle(), "")?;
        self.save(directory, false)?;
        let file = self.source.open_file(path).map_err(|error| source_error(path, error))?;
        let (bytes, metadata) =
            Source::from_file(file).map_err(|error| source_error(path, error))?;
        let identity = Metadata::from(&metadata).identity();
        let place = self.embed(target, name, Arc::new(bytes))?;
        let now = self.source.metadata(path).map_err(|error| source_error(path, error))?;
        if now.identity() != identity {
            return Err(Error::Stale { path: path.to_owned() });
        }
        self.source.remove(path).map_err(|error| source_error(path, error))?;
        let files = directory.lock_idle().numbers.below("");
        self.forward_numbers((directory, files), (&target.message, &target.directory), &place);
        directory.lock_idle().state = MessageState::Removed;
        self.invalidate_moved(Ino::new(directory.base, NodeId(0)));
        self.nodes.unclaim(path, directory.base);
        Ok(())
    }

    /// Makes the old numbers of a message that was moved stand for its files where they are now.
    fn forward_numbers(
        &self,
        (origin, files): (&MessageDirectory, FilesInside),
        (message, directory): (&MessageNode, &Arc<MessageDirectory>),
        place: &str,
    ) {
        let mut contents = directory.lock();
        // The message must stay known for as long as old numbers lead to it.
        self.keep_known(message, &mut contents);
        contents.numbers.translate();
        let there = files.into_iter().map(|(number, rest)| {
            let path = if rest.is_empty() { place.to_owned() } else { joined(place, &rest) };
            let now = contents.numbers.assign(&path, view::fixed_number(&path));
            (number, Ino::new(directory.base, now))
        });
        let there = there.collect();
        drop(contents);
        origin.add_forwarded(there);
        self.nodes.note_forwarded();
    }

    /// Makes the kernel look up again the names in a message that was moved, since it still has the
    /// old numbers for them.
    fn invalidate_moved(&self, directory: Ino) {
        self.note_stale(vec![Invalidation::Inode(directory)]);
    }
}
