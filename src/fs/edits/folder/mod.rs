//! Messages in the folders of the source: created, copied there as files, moved, removed.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(in crate::fs) mod arrival;
pub(in crate::fs) mod moves;

use crate::storage::{FileState, Replacement, Source};
use crate::view::NodeId;

use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::message::directory::{MessageDirectory, MessageState};
use crate::fs::edits::message::temporary;
use crate::fs::edits::open::handles::HandleTarget;
use crate::fs::messages::{MessageNode, message_error};
use crate::fs::source::ino::{Identity, SourceKind, SourceNode};
use crate::fs::source::metadata::Metadata;
use crate::fs::{Entry, Error, Fs, is_message_file_name, source_error};

/// Numbers the messages that have no file yet, to tell them apart.
static CREATED: AtomicI64 = AtomicI64::new(1);

impl Fs {
    /// The entry of a message that this mount has at a path: one that has edits, is being written,
    /// or was saved or moved by this mount. `None` if the source decides what is at the path.
    pub(in crate::fs) fn claimed_entry(
        &self,
        path: &Path,
        metadata: Option<&Metadata>,
        look_up: bool,
    ) -> Option<Result<Entry, Error>> {
        let base = self.nodes.claimed(path)?;
        let message = self.known_message(base).ok()?;
        let directory = message.directory.clone()?;
        let mut contents = directory.lock();
        let is_it = match &contents.state {
            MessageState::Edited(_) => true,
            // The file is a message as soon as its bytes are in the source. Its RELEASE may come
            // much later.
            MessageState::Arriving(arrival) => !arrival.is_saved(),
            MessageState::Clean => {
                let known = self.nodes.get(base).map(|node| node.identity);
                metadata.is_some_and(|found| Some(found.identity()) == known)
            }
            MessageState::Removed => false,
        };
        if !is_it {
            // Others have put another file there.
            self.nodes.unclaim(path, base);
            let was_kept_known = std::mem::take(&mut contents.is_kept_known);
            drop(contents);
            self.nodes.forget(base, u64::from(was_kept_known));
            return None;
        }
        if look_up {
            self.nodes.look_up_inside(base, 1);
        }
        let entry = self.attr_in_contents(&message, &mut contents, NodeId(0));
        if entry.is_err() && look_up {
            self.nodes.forget(base, 1);
        }
        Some(entry)
    }

    /// The names in a folder of messages that the source does not have yet.
    pub(in crate::fs) fn pending_names(&self, folder: &Path) -> Vec<OsString> {
        let claimed = self.nodes.claimed_in(folder).into_iter();
        let is_pending = |base| {
            let message = self.known_message(base).ok();
            let directory = message.and_then(|message| message.directory);
            directory.is_some_and(|directory| directory.lock().is_pending())
        };
        claimed.filter(|(_, base)| is_pending(*base)).map(|(name, _)| name).collect()
    }

    /// Creates a file in a folder and opens it, to become a message.
    pub(in crate::fs) fn create_file(
        &self,
        path: &Path,
        permissions: u32,
    ) -> Result<(Entry, u64), Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !is_message_file_name(path) && temporary::tool_of(&name, false).is_none() {
            tracing::warn!("{}: refused: only messages go into folders: NAME.msg", path.display());
            return Err(Error::ReadOnly { path: path.to_owned() });
        }
        let (message, directory) = self.enter_new(path)?;
        let arrival = Arrival::new(permissions);
        let mut contents = directory.lock();
        contents.state = MessageState::Arriving(Arc::clone(&arrival));
        // Under a temporary name the bytes are nowhere else, so they stay when the kernel forgets
        // the file between its `close` and its `rename`.
        self.keep_known(&message, &mut contents);
        let entry = self.attr_in_contents(&message, &mut contents, NodeId(0))?;
        drop(contents);
        // `enter_new` has counted one lookup for the kernel. This one is for the handle.
        self.nodes.look_up_inside(message.base, 1);
        let target = HandleTarget::Arrival { arrival, unflushed: Default::default() };
        Ok((entry, self.handles.add(&directory, target)))
    }

    /// Creates a message.
    pub(in crate::fs) fn create_message(
        &self,
        path: &Path,
        permissions: u32,
        process: u32,
    ) -> Result<Entry, Error> {
        let (message, directory) = self.enter_new(path)?;
        let mut contents = directory.lock();
        contents.creators.created("", process);
        let created = self.create_new(&message, &mut contents, permissions & 0o666, true);
        let created =
            created.and_then(|()| self.attr_in_contents(&message, &mut contents, NodeId(0)));
        match &created {
            Ok(_) => self.saver.schedule(&contents, message.base),
            Err(_) => self.nodes.forget(message.base, 1),
        }
        created
    }

    /// Enters a message that is to be created into the table of nodes, and counts one lookup.
    pub(in crate::fs) fn enter_new(
        &self,
        path: &Path,
    ) -> Result<(MessageNode, Arc<MessageDirectory>), Error> {
        if self.exists(path) {
            return Err(Error::Exists);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        self.source.check_writable(folder).map_err(|error| source_error(path, error))?;
        // An identity that no file has: no inode number is 0.
        let ctime = (CREATED.fetch_add(1, Ordering::Relaxed), 0);
        let identity = Identity { ctime, ..Identity::default() };
        let node = SourceNode { path: path.to_owned(), kind: SourceKind::Message, identity };
        let node = Arc::new(node);
        let base = self.nodes.look_up(&node);
        self.nodes.claim(base, &node);
        let directory = self.nodes.directory(base).ok_or(Error::NotFound)?;
        Ok((self.known_message(base)?, directory))
    }

    /// Whether there is a file or a message at a path of a folder.
    pub(in crate::fs) fn exists(&self, path: &Path) -> bool {
        let is_pending = || {
            let directory = self.nodes.claimed(path).and_then(|base| self.nodes.directory(base));
            directory.is_some_and(|directory| directory.lock().is_pending())
        };
        self.source.metadata(path).is_ok() || is_pending()
    }

    /// The message at a path of a folder, to be moved or removed. Counts one lookup, which the
    /// caller gives back.
    pub(in crate::fs) fn message_at(
        &self,
        path: &Path,
    ) -> Result<(MessageNode, Arc<MessageDirectory>), Error> {
        let metadata = self.source.metadata(path).map_err(|error| source_error(path, error)).ok();
        let base = match (self.nodes.claimed(path), metadata) {
            (Some(base), _) => {
                self.nodes.look_up_inside(base, 1);
                base
            }
            (None, Some(metadata)) => {
                self.nodes.look_up(&Arc::new(self.source_node(path, &metadata)))
            }
            (None, None) => return Err(Error::NotFound),
        };
        let directory = self.nodes.directory(base).ok_or(Error::NotFound)?;
        Ok((self.known_message(base)?, directory))
    }

    /// Renames a message, or a file that is to become one, in the folders of the source.
    pub(in crate::fs) fn rename_in_folders(
        &self,
        from: &Path,
        to: &Path,
        no_replace: bool,
    ) -> Result<(), Error> {
        let (message, directory) = self.message_at(from)?;
        let renamed = self.rename_message(&message, &directory, (from, to), no_replace);
        self.nodes.forget(message.base, 1);
        renamed
    }

    fn rename_message(
        &self,
        message: &MessageNode,
        directory: &Arc<MessageDirectory>,
        (from, to): (&Path, &Path),
        no_replace: bool,
    ) -> Result<(), Error> {
        let arrival = match &directory.lock().state {
            MessageState::Arriving(arrival) => Some(Arc::clone(arrival)),
            _ => None,
        };
        if let Some(arrival) = arrival {
            return self.rename_arrival(directory, &arrival, to, no_replace);
        }
        if !is_message_file_name(to) {
            return Err(Error::NotPermitted("the name of a message ends in .msg or .oft"));
        }
        // What is unsaved is saved under the old name first.
        self.save(directory, false)?;
        if self.exists(to) {
            // rename(2) replaces a directory only if it is empty; a message never is.
            return Err(if no_replace { Error::Exists } else { Error::NotEmpty });
        }
        let mut contents = directory.lock_idle();
        self.source.rename(from, to).map_err(|error| source_error(from, error))?;
        to.clone_into(&mut contents.path);
        self.adopt_file(message, to);
        Ok(())
    }

    /// Makes the inode number of a message stand for the file that is at this path now.
    pub(in crate::fs) fn adopt_file(&self, message: &MessageNode, path: &Path) {
        let Ok(metadata) = self.source.metadata(path) else { return };
        let identity = metadata.identity();
        let node = SourceNode { path: path.to_owned(), kind: SourceKind::Message, identity };
        self.nodes.claim(message.base, &Arc::new(node));
    }

    /// Renames a file that is being written. If the new name is that of a message, the file becomes
    /// one.
    fn rename_arrival(
        &self,
        directory: &Arc<MessageDirectory>,
        arrival: &Arc<Arrival>,
        to: &Path,
        no_replace: bool,
    ) -> Result<(), Error> {
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        if is_message_file_name(to) {
            if no_replace && self.exists(to) {
                return Err(Error::Exists);
            }
            self.save_arrival_at(arrival, to)?;
            if !arrival.is_open() {
                self.end_arrival(directory);
                return Ok(());
            }
        } else if temporary::tool_of(&name, false).is_none() {
            return Err(Error::NotPermitted("the name of a message ends in .msg or .oft"));
        }
        let node = self.nodes.get(directory.base).ok_or(Error::NotFound)?;
        to.clone_into(&mut directory.lock().path);
        let moved = SourceNode { path: to.to_owned(), ..(*node).clone() };
        self.nodes.claim(directory.base, &Arc::new(moved));
        Ok(())
    }

    /// Removes a message from the source, if that is allowed. If not, everything in it that was
    /// removed is there again.
    pub(in crate::fs) fn remove_message(&self, path: &Path) -> Result<(), Error> {
        let (message, directory) = self.message_at(path)?;
        let removed = self.remove_known(&message, &directory, path);
        self.nodes.forget(message.base, 1);
        removed
    }

    fn remove_known(
        &self,
        message: &MessageNode,
        directory: &Arc<MessageDirectory>,
        path: &Path,
    ) -> Result<(), Error> {
        let mut contents = directory.lock_idle();
        self.take_waiting(message, &mut contents);
        let was_new = contents.edits().is_some_and(|edited| edited.is_new);
        if !self.may_remove() && !was_new {
            if contents.removals.undo() {
                tracing::info!("{}: what was removed in it is there again", path.display());
            }
            return Err(Error::NotPermitted("messages are removed with -o delete only"));
        }
        if !was_new {
            self.source.remove(path).map_err(|error| source_error(path, error))?;
        }
        self.discard(&mut contents)?;
        contents.state = MessageState::Removed;
        let was_kept_known = std::mem::take(&mut contents.is_kept_known);
        drop(contents);
        self.nodes.unclaim(path, message.base);
        self.saver.cancel(message.base);
        self.nodes.forget(message.base, u64::from(was_kept_known));
        Ok(())
    }

    /// Removes a file that is being written into a folder; false if there is none.
    pub(in crate::fs) fn remove_arrival(&self, path: &Path) -> bool {
        let directory = self.nodes.claimed(path).and_then(|base| self.nodes.directory(base));
        let Some(directory) = directory else { return false };
        let is_arriving = matches!(directory.lock().state, MessageState::Arriving(_));
        if is_arriving {
            self.end_arrival(&directory);
        }
        is_arriving
    }

    /// Ends an arrival: its name stands for a message from now on, or for nothing.
    pub(in crate::fs) fn end_arrival(&self, directory: &Arc<MessageDirectory>) {
        let mut contents = directory.lock();
        contents.state = MessageState::Removed;
        let path = contents.path.clone();
        let was_kept_known = std::mem::take(&mut contents.is_kept_known);
        drop(contents);
        self.nodes.unclaim(&path, directory.base);
        self.nodes.forget(directory.base, u64::from(was_kept_known));
    }

    /// Puts a file that was written into the source, if it has the name of a message.
    ///
    /// # Errors
    /// If it is no message, or cannot be written.
    pub(in crate::fs) fn save_arrival(
        &self,
        directory: &Arc<MessageDirectory>,
        arrival: &Arc<Arrival>,
    ) -> Result<(), Error> {
        let path = match &*directory.lock() {
            contents if matches!(contents.state, MessageState::Arriving(_)) => {
                contents.path.clone()
            }
            _ => return Ok(()),
        };
        if !is_message_file_name(&path) || arrival.is_saved() {
            return Ok(());
        }
        let saved = self.save_arrival_at(arrival, &path);
        if let Err(error) = &saved {
            tracing::warn!("{}: not kept: {error}", path.display());
        }
        saved
    }

    fn save_arrival_at(&self, arrival: &Arc<Arrival>, path: &Path) -> Result<(), Error> {
        let bytes = arrival.message(&self.session).map_err(|error| message_error(path, error))?;
        self.put_message(path, &bytes, Some(arrival.permissions), arrival.modified())?;
        arrival.mark_saved();
        Ok(())
    }

    /// Writes a whole message file into a folder, byte for byte; it is on the disk then. A message
    /// of the same name is replaced.
    pub(in crate::fs) fn put_message(
        &self,
        path: &Path,
        bytes: &Source,
        permissions: Option<u32>,
        modified: Option<std::time::SystemTime>,
    ) -> Result<(), Error> {
        let in_source = |error| source_error(path, error);
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = self.source.open_folder(folder).map_err(in_source)?;
        let expected = self.source.metadata(path).ok().map(|found| FileState::from(&found));
        let replacement =
            Replacement { permissions, modified, ..Replacement::of_bytes(bytes, expected) };
        let log = self.log()?;
        log.begin_replacing(path).map_err(Error::EditLog)?;
        let put = replacement.run(&folder, path.file_name().unwrap_or_default());
        log.end_replacing(path);
        put.map(drop).map_err(|error| message_error(path, error.into()))
    }
}
