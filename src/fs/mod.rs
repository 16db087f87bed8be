//! The filesystem: a source folder with each message as a directory.
//!
//! The operations have the kernel's names and know nothing of the kernel: every one is a call
//! with a result, so that the command line and the tests use the same filesystem without a mount.
//! [`fuse`] and [`notify`] alone speak to the kernel. What a message looks like is the business of
//! [`crate::view`].
//!
//! | what | module |
//! |---|---|
//! | inode numbers: of files of the source, of files inside a message | `ino`, `numbers` |
//! | the folders of the source, and what changes in them | `source`, `folder`, `folders`, `watch`, `watches`, `live` |
//! | a message as its file has it | `messages`, `ahead`, `habits`, `store` |
//! | a message directory and its state | `directory` |
//! | what it shows when something differs from its file | `shown` |
//! | edits | `editing`, and `entries` and `renames` for names |
//! | files that are written | `open_file`, `buffer`, `handles` |
//! | new attachments that come into the message together | `waiting` |
//! | temporary files of editors; what was removed; who fills a new message; who edits | `temporary`, `removals`, `creators`, `process`, `editors` |
//! | messages in folders, and moved into and out of others | `folder_edits`, `arrival`, `moves` |
//! | saving; what a crash leaves | `saver`, `saving`, `target`; `edit_log`, `recovery` |
//! | what the kernel must forget | `stale` |
//! | the calls of writing | `calls`; on an open file `opened`; `attributes` |
//! | `.msgfs/` | `control` |
//!
//! # A message
//!
//! A message directory is in one of four states (`directory::MessageState`). A **clean** one is
//! shown from its file by the same code in every mount, and the kernel may keep what it is told.
//! The first edit makes it **edited**: an `Editor` has its edits, each of which makes a new tree
//! that is shown from then on, and a save makes it clean again. A file that is being copied into a
//! folder is **arriving** until it is whole. What is gone is **removed** for those who still have
//! it open.
//!
//! Beside the state there are the files that are open for writing, each with one buffer; the
//! temporary files of editors; and the removals that are not final. None of them is in the message,
//! or in a save, before its moment comes.
//!
//! # Locks
//!
//! Taken in this order and held for moments. Only the first is held while the kernel is told
//! something or a message is saved:
//!
//! 1. The turn of a handle, by its FLUSH (`handles::Unflushed`).
//! 2. The contents of one message directory. Those of two are never held together: what concerns
//!    two messages is done in the one after it is done in the other.
//! 3. The bytes of an open file, a temporary file or an arrival.
//! 4. The table of nodes, the table of handles, the saver's queue, the caches, what the kernel must
//!    forget: no other lock is taken under any of these.
//!
//! A save marks the edits of its message as being saved and lets go of the lock: programs can go on
//! reading, and edits of this one message wait (`MessageDirectory::lock_idle`). The kernel is told
//! what it must forget before the edit is answered, when no lock is held.

mod calls;
mod control;
mod edits;
mod error;
mod folder;
pub mod fuse;
mod messages;
mod opened;
mod options;
mod path;
mod source;
mod xattr;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::imsg::{CloseReport, MessageCache, SaveReport, Session, SessionOptions};
use crate::view::NodeId;

use control::{ControlFile, Damaged, Snapshots};
use edits::editors::Editors;
use edits::message::directory::joined;
use edits::open::handles::Handles;
use edits::save::edit_log::EditLog;
use edits::save::saver::Saver;
use edits::stale::InvalidationQueue;
use messages::OpenMessage;
use messages::ahead::Ahead;
use messages::habits::Habits;
use messages::store::Stores;
use source::SourceRoot;
use source::folders::Folders;
use source::ino::{Base, Identity, Nodes, SourceKind, SourceNode};
use source::metadata::Metadata;
use source::watch::Watcher;

pub use edits::save::edit_log;
pub use error::Error;
pub use messages::store::Store;
pub use opened::OpenedFile;
pub use options::{Options, SetAttr, WriteOptions};
pub use path::{NamedEntry, PathOpener, Place};
pub use rustix::fs::StatVfs;
pub use source::attr::{Attr, FileType, Ownership};
pub use source::ino::Ino;
pub use source::live::Invalidation;

/// A file that was looked up: its attributes, and for how long they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The attributes.
    pub attr: Attr,
    /// How long they may be kept.
    pub ttl: Duration,
}

/// One entry of a directory.
#[derive(Debug)]
pub struct DirectoryEntry<'a> {
    /// Its name.
    pub name: &'a OsStr,
    /// The cookie with which a listing continues behind it.
    pub cookie: u64,
    /// Its attributes, and for how long they hold.
    pub entry: Entry,
    /// Whether it is `.` or `..`.
    pub is_dot: bool,
}

/// Takes an entry of a listing. Returns true if there was no room for it.
pub type Add<'a> = &'a mut dyn FnMut(DirectoryEntry<'_>) -> bool;

/// The filesystem.
#[derive(Debug)]
pub struct Fs {
    source: Arc<SourceRoot>,
    options: Options,
    /// The own mount point relative to the source, and its attributes before the mount.
    own_mount_point: Option<(PathBuf, Metadata)>,
    session: Session,
    nodes: Nodes,
    messages: MessageCache<Arc<SourceNode>, OpenMessage>,
    folders: Folders,
    ahead: Ahead,
    habits: Habits,
    stores: Stores,
    watcher: Option<Watcher>,
    /// What was refused as the value of a file, and therefore kept. The end of the mount reports
    /// it.
    refused: Mutex<Vec<SaveReport>>,
    snapshots: Snapshots,
    damaged: Damaged,
    handles: Handles,
    saver: Saver,
    /// `None` in a read-only mount.
    log: Option<Arc<EditLog>>,
    /// Whether the kernel is told before each answer what it must forget.
    can_invalidate: AtomicBool,
    invalidations: InvalidationQueue,
    editors: Editors,
}

/// The source may change at any time, so its files are looked at again after this.
const SOURCE_TTL: Duration = Duration::from_secs(1);
/// What is in a message holds for as long as its inode number, which changes with the file.
const MESSAGE_TTL: Duration = Duration::from_secs(365 * 24 * 3600);

impl Fs {
    /// Opens a source, a folder or one message file, and the session that reads it.
    ///
    /// # Errors
    /// If the source cannot be opened.
    pub fn open(source: &Path, options: Options) -> io::Result<Self> {
        let source = source.canonicalize()?;
        let metadata = Metadata::from(&source.metadata()?);
        let (folder, path) = if metadata.is_dir() {
            (source.as_path(), PathBuf::new())
        } else {
            let name = source.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            (source.parent().unwrap_or(Path::new("/")), PathBuf::from(name))
        };
        let kind = match (metadata.is_dir(), metadata.is_file()) {
            (true, _) => SourceKind::Folder,
            (_, true) => SourceKind::OneMessage,
            _ => return Err(io::Error::other("neither a folder nor a file")),
        };
        let root = SourceNode { path, kind, identity: identity_of(kind, &metadata) };
        let own_mount_point = options.mount_point.as_deref().and_then(|mount_point| {
            let mount_point = mount_point.canonicalize().ok()?;
            let path = mount_point.strip_prefix(folder).ok()?.to_owned();
            // The root is always reached by its descriptor, also if the mount covers it.
            let inside = !path.as_os_str().is_empty();
            inside.then_some((path, (&mount_point.metadata().ok()?).into()))
        });
        let source = SourceRoot::open(folder)?;
        let mut fs = Self::of_root(source, root.clone(), options);
        fs.own_mount_point = own_mount_point;
        if let Some(write) = fs.options.write.clone() {
            let one = (kind == SourceKind::OneMessage).then_some(root.path.as_path());
            fs.open_log(&write, folder, one)?;
        }
        Ok(fs)
    }

    /// Opens one message file that need not have a name.
    ///
    /// # Errors
    /// If its attributes cannot be read.
    pub fn of_file(file: std::fs::File, options: Options) -> io::Result<Self> {
        let kind = SourceKind::OneMessage;
        let identity = identity_of(kind, &(&file.metadata()?).into());
        let root = SourceNode { path: PathBuf::from("-"), kind, identity };
        Ok(Self::of_root(SourceRoot::of_file(file), root, options))
    }

    fn of_root(source: SourceRoot, root: SourceNode, options: Options) -> Self {
        // Without a watcher, the source is looked at again every second.
        let watcher = options.watch.then(Watcher::new).and_then(|watcher| {
            watcher.inspect_err(|error| tracing::warn!("the source is not watched: {error}")).ok()
        });
        Self {
            source: Arc::new(source),
            watcher,
            own_mount_point: None,
            session: Session::open(SessionOptions { code_page: options.code_page }),
            nodes: Nodes::new(Arc::new(root)),
            messages: match options.messages_kept_max {
                Some(count) => {
                    MessageCache::new(options.cache_bytes_max).with_count_max(count, |_| true)
                }
                None => MessageCache::new(options.cache_bytes_max)
                    .with_count_max(files_kept_max(), |open| open.tree.source().is_file()),
            },
            folders: Folders::new(),
            ahead: Ahead::default(),
            habits: Habits::default(),
            stores: Stores::default(),
            refused: Mutex::default(),
            snapshots: Snapshots::default(),
            damaged: Damaged::default(),
            handles: Handles::default(),
            saver: Saver::new(options.write.as_ref().map_or(Duration::ZERO, |o| o.commit_delay)),
            log: None,
            can_invalidate: AtomicBool::new(false),
            invalidations: InvalidationQueue::default(),
            editors: Editors::new(),
            options,
        }
    }

    /// Closes the session: saves what is unsaved, and releases every message. To look into a
    /// message fails from then on.
    pub fn close(&self) -> CloseReport {
        let half_written = self.finish_edits();
        self.ahead.close();
        // The session knows what was open; the cache then lets go of the trees.
        let mut report = self.session.close();
        report.saves.extend(half_written);
        self.messages.clear();
        report
    }

    /// Finds a file in a directory. Each success is one reference, given back with
    /// [`Fs::forget`].
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::Stale`], or where the source cannot
    /// be read.
    pub fn lookup(&self, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        self.lookup_for(parent, name, 0)
    }

    /// Finds a file in a directory, as [`Fs::lookup`] does. A process that is filling a message it
    /// has created finds only what it has put there.
    ///
    /// # Errors
    /// As [`Fs::lookup`].
    pub fn lookup_for(&self, parent: Ino, name: &OsStr, process: u32) -> Result<Entry, Error> {
        let (base, id) = parent.parts();
        if base == Base::CONTROL {
            let mut files = ControlFile::all(self.is_writable());
            let file = files.find(|file| file.name() == name).filter(|_| id == NodeId(0));
            return self.control_entry(file.ok_or(Error::NotFound)?.node());
        }
        if parent == Ino::ROOT && name == control::DIRECTORY {
            return self.control_entry(NodeId(0));
        }
        if let Some((message, id)) = self.message_of(parent)? {
            let name = name.to_str().ok_or(Error::NotFound)?;
            let path = |contents: &_| Some(joined(&self.path_in(contents, id).ok()?, name));
            if let Some((_, mut contents)) = self.lock_if_differing_at(&message, path) {
                return self.lookup_in_contents(&message, &mut contents, id, name, process);
            }
            return match self.lookup_in_file(&message, id, name) {
                Err(Error::NotFound) if self.is_writable() => self.lookup_empty(message, id, name),
                found => found,
            };
        }
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Folder => {
                let proof = self.watch(&node);
                let path = node.path.join(name);
                self.source_entry(&path, self.metadata(&path), true, proof)
            }
            SourceKind::OwnMountPoint => Err(Error::NotFound),
            SourceKind::Other | SourceKind::Message | SourceKind::OneMessage => {
                Err(Error::NotADirectory)
            }
        }
    }

    /// Gives back references that lookups have given.
    pub fn forget(&self, ino: Ino, lookups: u64) {
        self.nodes.forget(ino.parts().0, lookups);
    }

    /// The attributes of a file.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotFound`], or where the source cannot be read.
    pub fn getattr(&self, ino: Ino) -> Result<Entry, Error> {
        let ino = self.nodes.followed(ino);
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            return self.control_entry(id);
        }
        if let Some((message, id)) = self.message_of(ino)?
            && let Some((_, mut contents)) =
                self.lock_if_differing_at(&message, |contents| self.path_in(contents, id).ok())
        {
            let mut entry = self.attr_in_contents(&message, &mut contents, id)?;
            entry.attr.ino = ino;
            return Ok(entry);
        }
        let node = self.node(base)?;
        if id == NodeId(0) {
            let proof = self.watch_proof(&node);
            let metadata = self.metadata(&node.path)?;
            if identity_of(node.kind, &metadata) != node.identity && base != Base::ROOT {
                return Err(Error::Stale { path: node.path.clone() });
            }
            let ttl = self.source_ttl(&node, &metadata, proof);
            return Ok(Entry { attr: self.source_attr(ino, &node, &metadata), ttl });
        }
        let message = self.known_message(base)?;
        let open = self.open_message(&message)?;
        let attr = self.asked_attr(&message, &open, id)?;
        self.messages.set_bytes(&message.node, open.tree.bytes_held());
        Ok(Entry { attr, ttl: message.ttl })
    }

    /// Lists a directory from a cookie on, 0 being the start, until `add` says that it has had
    /// enough. With `look_up` each entry added counts as a lookup, `.` and `..` excepted.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::Stale`], or where the source cannot be read.
    pub fn readdir(&self, ino: Ino, cookie: u64, look_up: bool, add: Add<'_>) -> Result<(), Error> {
        for (number, name) in [(1, "."), (2, "..")] {
            if cookie < number {
                // The kernel finds the parent itself, so the number of `..` may be that of the
                // directory.
                let entry = self.getattr(ino)?;
                let name = OsStr::new(name);
                if add(DirectoryEntry { name, cookie: number, entry, is_dot: true }) {
                    return Ok(());
                }
            }
        }
        let (base, _) = ino.parts();
        if base == Base::CONTROL {
            return self.read_control(cookie, add);
        }
        if let Some((message, id)) = self.message_of(ino)? {
            return match self.lock_if_differing(&message) {
                Some((_, mut contents)) => {
                    self.list_in_contents(&message, &mut contents, id, (cookie, look_up), add)
                }
                None => self.list_in_file(&message, id, cookie, look_up, add),
            };
        }
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Folder => self.read_folder(&node, cookie, look_up, add),
            SourceKind::OwnMountPoint => Ok(()),
            SourceKind::Other | SourceKind::Message | SourceKind::OneMessage => {
                Err(Error::NotADirectory)
            }
        }
    }

    /// Reads at most `size` bytes of a file, short only at its end.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::Stale`], or where the source is damaged or cannot be read.
    pub fn read(&self, ino: Ino, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.read_into(ino, offset, size, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads as [`Fs::read`] does, and replaces what is in `out`. A caller that reuses one vector
    /// saves allocating and clearing it each time.
    ///
    /// # Errors
    /// As [`Fs::read`].
    pub fn read_into(
        &self,
        ino: Ino,
        offset: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            let file = ControlFile::from_node(id).ok_or(Error::IsADirectory)?;
            let text = self.snapshots.last(file);
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
            let end = start.saturating_add(size).min(text.len());
            out.clear();
            out.extend_from_slice(text.as_bytes().get(start..end).unwrap_or_default());
            return Ok(());
        }
        if let Some((message, id)) = self.message_of(ino)? {
            self.habits.read(id);
            return match self.lock_if_differing(&message) {
                Some((_, contents)) => {
                    self.read_in_contents(&message, contents, id, (offset, size), out)
                }
                None => self.read_in_message(&message, id, offset, size, out),
            };
        }
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Other => {
                *out = self.read_other(&node, offset, size)?;
                Ok(())
            }
            SourceKind::Folder
            | SourceKind::Message
            | SourceKind::OneMessage
            | SourceKind::OwnMountPoint => Err(Error::IsADirectory),
        }
    }

    /// The figures of the file system that the source lies on.
    ///
    /// # Errors
    /// Those of `fstatvfs`.
    pub fn statfs(&self) -> Result<StatVfs, Error> {
        self.source.statfs().map_err(|error| source_error(Path::new(""), error))
    }

    /// The path in the source of the file or message that an inode belongs to, for the log.
    pub fn source_path(&self, ino: Ino) -> Option<PathBuf> {
        let (base, _) = ino.parts();
        Some(self.nodes.get(base)?.path.clone())
    }

    fn node(&self, base: Base) -> Result<Arc<SourceNode>, Error> {
        self.nodes.get(base).ok_or(Error::NotFound)
    }
}

/// How many large messages, which are read from their files, may be kept open. Most descriptors are
/// left to requests under way, and to edits.
fn files_kept_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit / 4).ok()).unwrap_or(usize::MAX)
}

/// Whether a file of the source with this name is a message: `*.msg` and `*.oft`, in any case.
fn is_message_file_name(path: &Path) -> bool {
    let Some((stem, extension)) = path.as_os_str().as_bytes().split_last_chunk::<4>() else {
        return false;
    };
    let known = [b".msg", b".oft"].into_iter().any(|known| extension.eq_ignore_ascii_case(known));
    // `.msg` alone is a hidden file without an extension.
    known && stem.last().is_some_and(|last| *last != b'/')
}

/// What the inode number depends on: a message gets another number when its file changes, and
/// everything else keeps its number.
fn identity_of(kind: SourceKind, metadata: &Metadata) -> Identity {
    let identity = metadata.identity();
    match kind {
        SourceKind::Message => identity,
        _ => Identity { device: identity.device, inode: identity.inode, ..Identity::default() },
    }
}

impl Drop for Fs {
    /// Otherwise the threads that save would wait for ever.
    fn drop(&mut self) {
        self.saver.end();
    }
}

fn source_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound,
        io::ErrorKind::NotADirectory => Error::NotADirectory,
        io::ErrorKind::StaleNetworkFileHandle => Error::Stale { path: path.to_owned() },
        _ => Error::Source { path: path.to_owned(), source },
    }
}
