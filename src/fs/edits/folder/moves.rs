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

use crate::fs::Error;
use crate::fs::edits::message::directory::{MessageDirectory, MessageState, MoveGuard, joined};
use crate::fs::edits::message::entries::EditableMessage;
use crate::fs::edits::message::shown::{ShownEntry, access_in};
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::edits::{Edits, MessageNode};
use crate::fs::error::source_error;
use crate::fs::source::ino::Ino;
use crate::fs::source::live::Invalidation;
use crate::fs::source::metadata::Metadata;
use crate::fs::source::tree::is_message_file_name;
use crate::storage::Source;
use crate::view::{self, FileAccess, NodeId};

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
    /// Until it is gone from there, nobody edits it.
    guard: MoveGuard,
}

impl EditableMessage<'_> {
    /// Moves an embedded message into a folder. As every moved message, it is on the disk in its
    /// new place before it is removed from the old one.
    pub(in crate::fs) fn move_to_folder(
        &self,
        name: &OsStr,
        path: &Path,
        no_replace: bool,
    ) -> Result<(), Error> {
        if !is_message_file_name(path) {
            return Err(Error::OtherDevice);
        }
        let folders = self.edits.folders();
        if folders.exists(path) {
            return Err(if no_replace { Error::Exists } else { Error::NotEmpty });
        }
        let Moving { path: old, bytes, files, permissions, guard } = self.embedded(name)?;
        // With the same permissions, nobody can read the message who could not read it before.
        folders.put_message(path, &bytes, Some(permissions), None)?;
        let (message, directory) = folders.message_at(path)?;
        forward_numbers(self.edits, (&self.directory, files), (&message, &directory), "");
        self.edits.source.nodes.forget(message.base, 1);
        self.remove_moved(old, guard)
    }

    /// Moves a message of a folder into this one.
    pub(in crate::fs) fn move_from_folder(&self, path: &Path, name: &OsStr) -> Result<(), Error> {
        let (message, directory) = self.edits.folders().message_at(path)?;
        let moved = self.take_in(path, (&message, &directory), name);
        self.edits.source.nodes.forget(message.base, 1);
        moved
    }

    /// Moves an embedded message into another message.
    pub(in crate::fs) fn move_to(
        &self,
        name: &OsStr,
        target: &EditableMessage<'_>,
        new_name: &OsStr,
    ) -> Result<(), Error> {
        let Moving { path, bytes, files, guard, .. } = self.embedded(name)?;
        let place = target.embed(new_name, bytes)?;
        let from = (&*self.directory, files);
        forward_numbers(self.edits, from, (&target.message, &target.directory), &place);
        self.remove_moved(path, guard)
    }

    /// The embedded message of a name, as a whole file of its own. Any other file is refused with
    /// EXDEV, and the program that moves it copies and removes it.
    fn embedded(&self, name: &OsStr) -> Result<Moving, Error> {
        let mut locked = self.lock();
        let path = locked.contents.path_in(self.number, name)?;
        let ShownEntry::Node(open, id, _) = locked.shown().find(&path)? else {
            return Err(Error::OtherDevice);
        };
        if access_in(&open, &path)? != FileAccess::EmbeddedMessage {
            return Err(Error::OtherDevice);
        }
        if !open.tree.losses(id).is_empty() {
            return Err(Error::NotPermitted("something of the message cannot be read"));
        }
        // It is to go from this message once it is in its new place.
        locked.check_writable()?;
        locked.settle_below(&path)?;
        let file = joined(&path, "message.msg");
        let bytes = locked.bytes(&file)?.share().map_err(Error::Buffer)?;
        let files = locked.contents.numbers.below(&path);
        let permissions = match self.edits.source.root.metadata(&locked.contents.path) {
            Ok(metadata) => u32::from(metadata.permissions()) & 0o666,
            Err(_) => 0o600,
        };
        let guard = self.directory.begin_move(&mut locked.contents);
        Ok(Moving { path, bytes, files, permissions, guard })
    }

    /// Removes a message that was moved elsewhere. The removal is final at once, since the message
    /// is safe in its new place.
    fn remove_moved(&self, path: String, guard: MoveGuard) -> Result<(), Error> {
        let mut locked = self.edits.locked(&self.message, self.directory.lock());
        let number = locked.orphan(&path);
        locked.apply(&Operation::Remove { path })?;
        invalidate_moved(self.edits, Ino::new(self.message.base, number));
        locked.schedule_save();
        drop(locked);
        drop(guard);
        Ok(())
    }

    /// Embeds a message in this one, and saves this one. Returns the path there.
    fn embed(&self, name: &OsStr, value: Arc<Source>) -> Result<String, Error> {
        let mut locked = self.lock();
        let path = locked.contents.path_in(self.number, name)?;
        let is_message = view::is_embedded_message_path(&path);
        if !is_message || locked.shown().find(&path).is_ok() {
            return Err(if is_message { Error::NotEmpty } else { Error::OtherDevice });
        }
        locked.apply(&Operation::Set { path: path.clone(), value })?;
        locked.settled(&path);
        drop(locked);
        self.edits.save(&self.directory)?;
        Ok(path)
    }

    fn take_in(
        &self,
        path: &Path,
        (message, directory): (&MessageNode, &Arc<MessageDirectory>),
        name: &OsStr,
    ) -> Result<(), Error> {
        if matches!(directory.lock().state, MessageState::Arriving(_))
            || directory.base == self.directory.base
        {
            return Err(Error::OtherDevice);
        }
        let (edits, root) = (self.edits, &self.edits.source.root);
        edits.locked(message, directory.lock_idle()).settle_below("")?;
        edits.save(directory)?;
        let guard = {
            let mut contents = directory.lock_idle();
            if contents.is_unsaved() {
                return Err(Error::Busy);
            }
            directory.begin_move(&mut contents)
        };
        let in_source = |error| source_error(path, error);
        let file = root.open_file(path).map_err(in_source)?;
        let (bytes, metadata) = Source::from_file(file).map_err(in_source)?;
        let identity = Metadata::from(&metadata).identity();
        let place = self.embed(name, Arc::new(bytes))?;
        let now = root.metadata(path).map_err(in_source)?;
        if now.identity() != identity {
            return Err(Error::Stale { path: path.to_owned() });
        }
        root.remove(path).map_err(in_source)?;
        let files = directory.lock().numbers.below("");
        forward_numbers(edits, (directory, files), (&self.message, &self.directory), &place);
        directory.lock().state = MessageState::Removed;
        drop(guard);
        invalidate_moved(edits, Ino::new(directory.base, NodeId(0)));
        edits.source.nodes.unclaim(path, directory.base);
        Ok(())
    }
}

/// Makes the old numbers of a message that was moved stand for its files where they are now.
fn forward_numbers(
    edits: &Edits,
    (origin, files): (&MessageDirectory, FilesInside),
    (message, directory): (&MessageNode, &MessageDirectory),
    place: &str,
) {
    let mut locked = edits.locked(message, directory.lock());
    // The message must stay known for as long as old numbers lead to it.
    locked.keep_known();
    let numbers = &mut locked.contents.numbers;
    numbers.translate();
    let there = files.into_iter().map(|(number, rest)| {
        let path = if rest.is_empty() { place.to_owned() } else { joined(place, &rest) };
        let now = numbers.assign(&path, view::fixed_number(&path));
        (number, Ino::new(directory.base, now))
    });
    let there = there.collect();
    drop(locked);
    edits.source.nodes.forward(origin.base, there);
}

/// Makes the kernel look up again the names in a message that was moved, since it still has the
/// old numbers for them.
fn invalidate_moved(edits: &Edits, directory: Ino) {
    edits.note_stale(vec![Invalidation::Inode(directory)]);
}
