//! Messages in the folders of the source: created, copied there as files, moved, removed.

pub(in crate::fs::edits) mod arrival;
mod moves;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use crate::fs::error::{message_error, source_error};
use crate::fs::source::ino::{Identity, SourceKind, SourceNode};
use crate::fs::source::metadata::Metadata;
use crate::fs::source::tree::is_message_file_name;
use crate::fs::{Entry, Error};
use crate::storage::{FileState, Replacement, Source};
use crate::view::NodeId;

use super::message::directory::{MessageDirectory, MessageState};
use super::message::temporary;
use super::open::handles::HandleTarget;
use super::open::unflushed::Unflushed;
use super::{Edits, MessageNode, SourceTree};

use arrival::Arrival;

/// Numbers the messages that have no file yet, to tell them apart.
static CREATED: AtomicI64 = AtomicI64::new(1);

/// The changes in folders of the source.
#[derive(Clone, Copy, Debug)]
pub(in crate::fs) struct FolderEdits<'a> {
    edits: &'a Edits,
    source: &'a SourceTree,
}

impl<'a> FolderEdits<'a> {
    pub(super) fn new(edits: &'a Edits) -> Self {
        Self { edits, source: &edits.source }
    }

    /// The entry of a message that this mount has at a path: one that has edits, is being written,
    /// or was saved or moved by this mount. `None` if the source decides what is at the path.
    pub(in crate::fs) fn claimed_entry(
        self,
        path: &Path,
        metadata: Option<&Metadata>,
        look_up: bool,
    ) -> Option<Result<Entry, Error>> {
        let nodes = &self.source.nodes;
        let base = nodes.claimed(path)?;
        let message = self.edits.messages.known(base).ok()?;
        let directory = message.directory.as_ref()?;
        let mut locked = self.edits.locked(&message, directory.lock());
        let is_it = match &locked.contents.state {
            MessageState::Edited(_) => true,
            // The file is a message as soon as its bytes are in the source. Its RELEASE may come
            // much later.
            MessageState::Arriving(arrival) => !arrival.is_saved(),
            MessageState::Clean => {
                let known = nodes.get(base).map(|node| node.identity);
                metadata.is_some_and(|found| Some(found.identity()) == known)
            }
            MessageState::Removed => false,
        };
        if !is_it {
            // Others have put another file there.
            nodes.unclaim(path, base);
            let was_kept_known = std::mem::take(&mut locked.contents.is_kept_known);
            drop(locked);
            nodes.forget(base, u64::from(was_kept_known));
            return None;
        }
        if look_up {
            nodes.look_up_inside(base, 1);
        }
        let entry = locked.answers().getattr(NodeId(0));
        if entry.is_err() && look_up {
            nodes.forget(base, 1);
        }
        Some(entry)
    }

    /// Whether this mount has a message at a path, or a file that is to become one.
    pub(in crate::fs) fn is_claimed(self, path: &Path) -> bool {
        self.source.nodes.claimed(path).is_some()
    }

    /// The names in a folder of messages that the source does not have yet.
    pub(in crate::fs) fn pending_names(self, folder: &Path) -> Vec<OsString> {
        let claimed = self.source.nodes.claimed_in(folder).into_iter();
        let is_pending = |base| {
            let message = self.edits.messages.known(base).ok();
            let directory = message.and_then(|message| message.directory);
            directory.is_some_and(|directory| directory.lock().is_pending())
        };
        claimed.filter(|(_, base)| is_pending(*base)).map(|(name, _)| name).collect()
    }

    /// Creates a file and opens it for a thread, to become a message.
    pub(in crate::fs) fn create_file(
        self,
        path: &Path,
        permissions: u32,
        opener: u32,
    ) -> Result<(Entry, u64), Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !is_message_file_name(path) && temporary::tool_of(&name, false).is_none() {
            tracing::warn!("{}: refused: only messages go into folders: NAME.msg", path.display());
            return Err(Error::ReadOnly { path: path.to_owned() });
        }
        let (message, directory) = self.enter_new(path)?;
        let arrival = Arrival::new(permissions);
        let mut locked = self.edits.locked(&message, directory.lock());
        locked.contents.state = MessageState::Arriving(Arc::clone(&arrival));
        // Under a temporary name the bytes are nowhere else, so they stay when the kernel forgets
        // the file between its `close` and its `rename`.
        locked.keep_known();
        let entry = locked.answers().getattr(NodeId(0))?;
        drop(locked);
        // `enter_new` has counted one lookup for the kernel. This one is for the handle.
        self.source.nodes.look_up_inside(message.base, 1);
        let target = HandleTarget::Arrival { arrival, unflushed: Unflushed::new(opener) };
        Ok((entry, self.edits.handles.add(&directory, target)))
    }

    /// Creates a message.
    pub(in crate::fs) fn create_message(
        self,
        path: &Path,
        permissions: u32,
        process: u32,
    ) -> Result<Entry, Error> {
        let (message, directory) = self.enter_new(path)?;
        let mut locked = self.edits.locked(&message, directory.lock());
        locked.contents.creators.created("", process);
        let created = locked.create_new(permissions & 0o666, true);
        let created = created.and_then(|()| locked.answers().getattr(NodeId(0)));
        match &created {
            Ok(_) => locked.schedule_save(),
            Err(_) => drop(self.source.nodes.forget(message.base, 1)),
        }
        created
    }

    /// Enters a message that is to be created into the table of nodes, and counts one lookup.
    pub(super) fn enter_new(
        self,
        path: &Path,
    ) -> Result<(MessageNode, Arc<MessageDirectory>), Error> {
        if self.exists(path) {
            return Err(Error::Exists);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        self.source.root.check_writable(folder).map_err(unwritable)?;
        // An identity that no file has: no inode number is 0.
        let ctime = (CREATED.fetch_add(1, Ordering::Relaxed), 0);
        let identity = Identity { ctime, ..Identity::default() };
        let node = SourceNode { path: path.to_owned(), kind: SourceKind::Message, identity };
        let node = Arc::new(node);
        let base = self.source.nodes.look_up(&node);
        self.source.nodes.claim(base, &node);
        self.edits.known(base)
    }

    /// Whether there is a file or a message at a path.
    fn exists(self, path: &Path) -> bool {
        let is_pending = || {
            let claimed = self.source.nodes.claimed(path);
            let directory = claimed.and_then(|base| self.edits.directory(base));
            directory.is_some_and(|directory| directory.lock().is_pending())
        };
        self.source.root.metadata(path).is_ok() || is_pending()
    }

    /// The message at a path, to be moved or removed. Counts one lookup, which the caller gives
    /// back.
    fn message_at(self, path: &Path) -> Result<(MessageNode, Arc<MessageDirectory>), Error> {
        let metadata = self.source.root.metadata(path).ok();
        let nodes = &self.source.nodes;
        let base = match (nodes.claimed(path), metadata) {
            (Some(base), _) => {
                nodes.look_up_inside(base, 1);
                base
            }
            (None, Some(metadata)) => {
                nodes.look_up(&Arc::new(self.source.node_at(path, &metadata)))
            }
            (None, None) => return Err(Error::NotFound),
        };
        self.edits.known(base)
    }

    /// Renames a message, or a file that is to become one.
    pub(in crate::fs) fn rename(
        self,
        from: &Path,
        to: &Path,
        no_replace: bool,
    ) -> Result<(), Error> {
        let (message, directory) = self.message_at(from)?;
        let renamed = self.rename_message(&directory, (from, to), no_replace);
        self.source.nodes.forget(message.base, 1);
        renamed
    }

    fn rename_message(
        self,
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
        self.edits.save(directory)?;
        if self.exists(to) {
            // rename(2) replaces a directory only if it is empty; a message never is.
            return Err(if no_replace { Error::Exists } else { Error::NotEmpty });
        }
        let mut contents = directory.lock_idle();
        if contents.edits().is_some() {
            // Another program has edited it since the save. Those edits belong to the old name.
            return Err(Error::Busy);
        }
        self.source.root.rename(from, to).map_err(|error| source_error(from, error))?;
        to.clone_into(&mut contents.path);
        self.source.adopt_file(directory.base, to);
        Ok(())
    }

    /// Renames a file that is being written. If the new name is that of a message, the file becomes
    /// one.
    fn rename_arrival(
        self,
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
                self.edits.end(directory.base, directory.lock());
                return Ok(());
            }
        } else if temporary::tool_of(&name, false).is_none() {
            return Err(Error::NotPermitted("the name of a message ends in .msg or .oft"));
        }
        let node = self.source.node(directory.base)?;
        to.clone_into(&mut directory.lock().path);
        let moved = SourceNode { path: to.to_owned(), ..(*node).clone() };
        self.source.nodes.claim(directory.base, &Arc::new(moved));
        Ok(())
    }

    /// Removes a message from the source, if that is allowed. If not, everything in it that was
    /// removed is there again.
    pub(in crate::fs) fn remove_message(self, path: &Path) -> Result<(), Error> {
        let (message, directory) = self.message_at(path)?;
        let removed = self.remove_known(&message, &directory, path);
        self.source.nodes.forget(message.base, 1);
        removed
    }

    fn remove_known(
        self,
        message: &MessageNode,
        directory: &Arc<MessageDirectory>,
        path: &Path,
    ) -> Result<(), Error> {
        let mut locked = self.edits.locked(message, directory.lock_idle());
        locked.take_waiting();
        let was_new = locked.contents.edits().is_some_and(|edited| edited.is_new);
        if !self.edits.may_remove && !was_new {
            if locked.contents.removals.undo() {
                tracing::info!("{}: what was removed in it is there again", path.display());
            }
            return Err(Error::NotPermitted("messages are removed with -o delete only"));
        }
        locked.contents.creators.done("");
        if !locked.is_emptied("", was_new)? {
            return Err(Error::NotEmpty);
        }
        if !was_new {
            let in_source = |error| source_error(path, error);
            let found = self.source.root.metadata(path).map_err(in_source)?;
            // Another program may have put another file there.
            let known = self.source.node(message.base)?;
            if found.identity() != known.identity {
                return Err(Error::Stale { path: path.to_owned() });
            }
            self.source.root.remove(path).map_err(in_source)?;
        }
        locked.discard()?;
        self.edits.end(message.base, locked.contents);
        Ok(())
    }

    /// Removes a file that is being written into a folder; false if there is none.
    pub(in crate::fs) fn remove_arrival(self, path: &Path) -> bool {
        let claimed = self.source.nodes.claimed(path);
        let Some(directory) = claimed.and_then(|base| self.edits.directory(base)) else {
            return false;
        };
        let is_arriving = matches!(directory.lock().state, MessageState::Arriving(_));
        if is_arriving {
            self.edits.end(directory.base, directory.lock());
        }
        is_arriving
    }

    /// Puts a file that was written into the source, if it has the name of a message.
    ///
    /// # Errors
    /// If it is no message, or cannot be written.
    pub(super) fn save_arrival(
        self,
        directory: &MessageDirectory,
        arrival: &Arrival,
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

    fn save_arrival_at(self, arrival: &Arrival, path: &Path) -> Result<(), Error> {
        let session = &self.edits.messages.session;
        let bytes = arrival.message(session).map_err(|error| message_error(path, error))?;
        self.put_message(path, &bytes, Some(arrival.permissions), arrival.modified())?;
        arrival.mark_saved();
        Ok(())
    }

    /// Writes a whole message file into a folder, byte for byte; it is on the disk then. A message
    /// of the same name is replaced.
    fn put_message(
        self,
        path: &Path,
        bytes: &Source,
        permissions: Option<u32>,
        modified: Option<SystemTime>,
    ) -> Result<(), Error> {
        let in_source = |error| source_error(path, error);
        let (root, log) = (&self.source.root, &self.edits.log);
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = root.open_folder(folder).map_err(in_source)?;
        let expected = root.metadata(path).ok().map(|found| FileState::from(&found));
        let replacement =
            Replacement { permissions, modified, ..Replacement::of_bytes(bytes, expected) };
        log.begin_replacing(path).map_err(Error::EditLog)?;
        let put = replacement.run(&folder, path.file_name().unwrap_or_default());
        log.end_replacing(path);
        put.map(drop).map_err(|error| message_error(path, error.into()))
    }
}
