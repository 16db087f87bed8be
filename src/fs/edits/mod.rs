//! What only a writable mount has: edited messages, open files, saves.
//!
//! | what | module |
//! |---|---|
//! | a message that may be changed: its state, what it shows, its edits | `message` |
//! | the calls that read | `reading` |
//! | files that are open | `open` |
//! | messages in folders, and moved into and out of others | `folder` |
//! | saving; what a crash leaves | `save` |
//! | what the kernel must forget; which users edit; what was refused | `stale`, `editors`, `refusals` |

mod editors;
mod folder;
mod message;
mod open;
mod reading;
mod refusals;
mod save;
mod stale;

use std::io;
use std::path::Path;
use std::sync::{Arc, MutexGuard};

use crate::storage::{self, FileState};
use crate::view::NodeId;

use super::messages;
use super::source::ino::{Base, Ino, SourceKind};
use super::source::live::Invalidation;
use super::source::tree;
use super::{Error, WriteOptions};

use editors::Editors;
use message::directory::{Contents, MessageDirectory};
use message::locked::LockedMessage;
use open::handles::Handles;
use refusals::Refusals;
use save::edit_log::{EditLog, Left, SourceScope, StateFolder};
use save::keeper::Keeper;
use save::recovery;
use save::saver::{self, Saver};
use stale::InvalidationQueue;

pub(super) use folder::FolderEdits;
pub(super) use message::directory::name_text;
pub(super) use message::entries::EditableMessage;
pub(super) use message::process::Process;
pub(super) use open::OpenHandle;
pub(super) use open::open_file::OpenFlags;
pub(super) use reading::TreeFile;
pub use save::edit_log;

pub(super) type SourceTree = tree::SourceTree<MessageDirectory>;
pub(super) type Messages = messages::Messages<MessageDirectory>;
pub(super) type MessageNode = messages::MessageNode<MessageDirectory>;
pub(super) type LookedUpMessage<'a> = messages::LookedUpMessage<'a, MessageDirectory>;

/// The edits of a writable mount.
#[derive(Debug)]
pub(super) struct Edits {
    source: Arc<SourceTree>,
    messages: Arc<Messages>,
    log: Arc<EditLog>,
    keeper: Keeper,
    saver: Saver,
    handles: Handles,
    editors: Editors,
    pub(super) refusals: Refusals,
    invalidations: InvalidationQueue,
    /// Whether messages may be removed.
    may_remove: bool,
}

impl Edits {
    /// Opens the edit log, and makes the edits again that killed mounts have left. `folder` is the
    /// folder of the source, and `one` the name in it if the source is one message.
    pub(super) fn open(
        source: &Arc<SourceTree>,
        messages: &Arc<Messages>,
        options: &WriteOptions,
        mount_point: Option<&Path>,
        (folder, one): (&Path, Option<&Path>),
    ) -> io::Result<Self> {
        let state_folder =
            StateFolder::find(options.state_folder.as_deref()).map_err(io::Error::other)?;
        state_folder.prepare(mount_point).map_err(io::Error::other)?;
        let state_of = |path: &Path| Some(FileState::from(&source.root.metadata(path).ok()?));
        let scope = SourceScope { root: folder, one, state_of: &state_of };
        let (log, Left { edits, temporaries, folders }) = EditLog::open(state_folder, scope)?;
        let log = Arc::new(log);
        for folder in &folders {
            let removed = source.root.open_folder(folder).and_then(storage::remove_leftovers);
            if let Err(error) = removed {
                tracing::warn!("{}: unfinished files may be left: {error}", folder.display());
            }
        }
        let opened = Self {
            source: Arc::clone(source),
            messages: Arc::clone(messages),
            keeper: Keeper::new(&log),
            log,
            saver: Saver::new(options.commit_delay),
            handles: Handles::default(),
            editors: Editors::new(),
            refusals: Refusals::default(),
            invalidations: InvalidationQueue::default(),
            may_remove: options.delete,
        };
        for left in edits {
            recovery::take_over(&opened, &left);
        }
        for left in temporaries {
            recovery::keep_temporary(&opened, left);
        }
        Ok(opened)
    }

    /// The directory state of a message, which is made if there is none yet. `None` if no message
    /// has this base.
    fn directory(&self, base: Base) -> Option<Arc<MessageDirectory>> {
        self.source.nodes.directory_or(base, |path| MessageDirectory::new(base, path))
    }

    /// The message of a base, with its directory state.
    fn known(&self, base: Base) -> Result<(MessageNode, Arc<MessageDirectory>), Error> {
        let directory = self.directory(base).ok_or(Error::NotFound)?;
        Ok((self.messages.known(base)?, directory))
    }

    /// A message whose contents are locked, to be changed.
    fn locked<'a>(
        &'a self,
        message: &'a MessageNode,
        contents: MutexGuard<'a, Contents>,
    ) -> LockedMessage<'a> {
        LockedMessage::new(self, message, contents)
    }

    /// A message that is to be changed, at one of its files.
    pub(super) fn editable<'a>(
        &'a self,
        message: LookedUpMessage<'a>,
        number: NodeId,
    ) -> Result<EditableMessage<'a>, Error> {
        let directory = self.directory(message.base);
        let message = message.with_directory(directory.clone());
        let directory = directory.ok_or(Error::NotFound)?;
        Ok(EditableMessage { edits: self, message, directory, number })
    }

    /// The changes in folders.
    pub(super) fn folders(&self) -> FolderEdits<'_> {
        FolderEdits::new(self)
    }

    /// An open file, for one call on it by a thread; 0 stands for one that is not known.
    pub(super) fn handle(&self, number: u64, thread: u32) -> Result<OpenHandle<'_>, Error> {
        Ok(OpenHandle::new(self, self.handles.get(number)?, thread))
    }

    /// Closes an open file.
    pub(super) fn release(&self, number: u64) {
        if let Some(handle) = self.handles.remove(number) {
            OpenHandle::new(self, handle, 0).close();
        }
    }

    /// Whether an edit of the message of this inode would have to wait for a save or a move.
    pub(super) fn is_busy(&self, ino: Ino) -> bool {
        let nodes = &self.source.nodes;
        let (base, _) = nodes.followed(ino).parts();
        let message = nodes.message(base).and_then(|(_, directory)| directory);
        message.is_some_and(|directory| directory.lock().is_busy())
    }

    /// Drops the content of a removed file that the kernel has forgotten.
    pub(super) fn forget(&self, ino: Ino) {
        let nodes = &self.source.nodes;
        let (base, number) = nodes.followed(ino).parts();
        let directory = nodes.message(base).and_then(|(_, directory)| directory);
        let gone = directory.and_then(|directory| directory.lock().orphans.forget(number));
        // Dropped without the lock, since it may be the last of a whole message.
        drop(gone);
    }

    /// The path of an inode in its message, for the log.
    pub(super) fn path_inside(&self, ino: Ino) -> Option<String> {
        let nodes = &self.source.nodes;
        let (base, number) = nodes.followed(ino).parts();
        let (_, directory) = nodes.message(base)?;
        directory?.lock().path_of(number).ok()
    }

    /// Calls `tell` if the kernel must forget something.
    pub(super) fn tell_stale(&self, tell: impl FnOnce(&[Invalidation])) {
        self.invalidations.tell(tell);
    }

    /// Notes what the kernel must forget. If the kernel may keep nothing of messages, there is
    /// nothing to note.
    fn note_stale(&self, stale: Vec<Invalidation>) {
        if self.messages.may_be_kept() {
            self.invalidations.note(stale);
        }
    }

    /// Whether a user is the one who has mounted.
    pub(super) fn is_mounter(&self, user: u32) -> bool {
        self.editors.is_mounter(user)
    }

    /// Notes that a user is about to edit something.
    pub(super) fn note_editor(&self, user: u32) {
        self.editors.note(user, self.state_folder());
    }

    /// The folder for edits that are not saved.
    pub(super) fn state_folder(&self) -> &Path {
        self.log.state_folder().path()
    }

    /// The text of `.msgfs/unsaved`. The paths are those in the mount.
    pub(super) fn unsaved_text(&self) -> String {
        let mut unsaved = self.log.unsaved();
        for directory in self.source.nodes.directories() {
            let contents = directory.lock();
            if let Some(since) = contents.removals.since()
                && !unsaved.iter().any(|message| message.path == contents.path)
            {
                let path = contents.path.clone();
                unsaved.push(edit_log::Unsaved { path, since, failure: None });
            }
        }
        unsaved.sort_by(|one, other| one.path.cmp(&other.path));
        let root = self.source.node(Base::ROOT);
        if root.is_ok_and(|root| root.kind == SourceKind::OneMessage) {
            unsaved.iter_mut().for_each(|message| message.path.clear());
        }
        unsaved.iter().map(edit_log::unsaved_line).collect()
    }

    /// How many threads are to save messages.
    pub(super) const SAVERS: usize = saver::THREADS;
}

impl Drop for Edits {
    /// Ends the saver. Otherwise its threads would wait for ever.
    fn drop(&mut self) {
        self.saver.end();
    }
}

/// Whether a path is that of a temporary file of a save, which no user should see.
pub(super) fn is_of_a_save(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    storage::is_temporary_name(std::os::unix::ffi::OsStrExt::as_bytes(name))
}
