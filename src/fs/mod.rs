//! The filesystem: a source folder with each message as a directory.
//!
//! The operations have the kernel's names and know nothing of the kernel: every one is a call
//! with a result, so that the command line and the tests use the same filesystem without a mount.
//! [`fuse`] alone speaks to the kernel. What a message looks like is the business of
//! [`crate::view`].
//!
//! [`Fs`] has the calls, and decides which of three parts answers each. A part uses only those
//! above it in this table:
//!
//! | part | what it has | what it knows nothing of | folder |
//! |---|---|---|---|
//! | `SourceTree` | the files of the source, their inode numbers, what changes in them | what is in a message | `source` |
//! | `Messages` | the messages as their files have them, the session, what is done ahead | edits | `messages` |
//! | `Edits` | what a writable mount has besides: edited messages, open files, saves | | `edits` |
//!
//! All parts use `entry`, `error` and `options`.
//!
//! The first two keep the state of an edited message (`MessageDirectory`) with its node, since a
//! request needs both, but they do not know its type: it is their parameter `D`.
//!
//! | calls of [`Fs`] | module |
//! |---|---|
//! | that read | here; what a folder of the source lists: `folder` |
//! | that change something | `calls` |
//! | on open files | `opened` |
//! | for extended attributes and links | `xattr` |
//! | `.msgfs/` | `control` |
//! | paths that lead into a message, for the command line | `path` |
//!
//! # A message
//!
//! A message directory is in one of four states (`edits::message::directory::MessageState`). A
//! **clean** one is shown from its file by the same code in every mount, and the kernel may keep
//! what it is told. The first edit makes it **edited**: an `Editor` has its edits, each of which
//! makes a new tree that is shown from then on, and a save makes it clean again. A file that is
//! being copied into a folder is **arriving** until it is whole. What is gone is **removed** for
//! those who still have it open.
//!
//! Beside the state there are the files that are open for writing, each with one buffer; the
//! temporary files of editors; and the removals that are not final. None of them is in the message,
//! or in a save, before its moment comes.
//!
//! # Locks
//!
//! Taken in this order:
//!
//! 1. The turn of a handle, by its FLUSH (`edits::open::unflushed::Unflushed`).
//! 2. The contents of one message directory. Those of two are never held together: what concerns
//!    two messages is done in the one after it is done in the other.
//! 3. The bytes of an open file, a temporary file or an arrival.
//! 4. The table of nodes, the table of handles, the saver's queue, the caches, what the kernel must
//!    forget: no other lock is taken under any of these.
//!
//! The second and the third are held while a value is copied: out of the message, into a temporary
//! file, or into the edit log. Other requests for this message, or for this file, wait until then,
//! which takes seconds for a large attachment. The fourth are held for moments. Only the first is
//! held while a message is saved, and none of them while the kernel is told something.
//!
//! A save marks the edits of its message as being saved and lets go of the lock: programs can go on
//! reading, and edits of this one message wait (`MessageDirectory::lock_idle`). The kernel is told
//! what it must forget before the edit is answered. Meanwhile only `InvalidationQueue::telling` is
//! held, for which threads wait that must not answer earlier; it is taken under no other lock.

mod calls;
mod control;
mod edits;
mod entry;
mod error;
mod folder;
pub mod fuse;
mod messages;
pub(crate) mod mountinfo;
mod opened;
mod options;
mod path;
mod source;
pub(crate) mod waits;
mod xattr;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use outlook_msg::pieces;

use crate::imsg::CloseReport;
use crate::view::{Findings, NodeId};

use control::ControlTexts;
use edits::{Edits, LookedUpMessage, Messages, SourceTree};
use error::source_error;
use source::ino::{Base, SourceKind};

pub use control::DIRECTORY as CONTROL_DIRECTORY;
pub use edits::edit_log;
pub use entry::{Add, DirectoryEntry, Entry, NamedEntry, OpenedFile};
pub use error::Error;
pub use messages::store::{STORES_MAX, Store};
pub use options::{Options, SetAttr, WriteOptions};
pub use path::{FolderWalk, PathOpener, Place};
pub use rustix::fs::StatVfs;
pub use source::attr::{Attr, FileType, Ownership};
pub use source::ino::Ino;
pub use source::live::Invalidation;
pub use source::tree::is_message_file_name;

/// The filesystem.
#[derive(Debug)]
pub struct Fs {
    source: Arc<SourceTree>,
    messages: Arc<Messages>,
    /// `None` in a read-only mount.
    edits: Option<Edits>,
    control: ControlTexts,
    /// Whether [`Fs::close`] has begun.
    is_closing: AtomicBool,
    /// Whether it is mounted; a command reads it without a mount.
    is_mount: bool,
}

impl Fs {
    /// Opens a source, a folder or one message file, and the session that reads it.
    ///
    /// # Errors
    /// If the source cannot be opened.
    pub fn open(source: &Path, options: Options) -> io::Result<Self> {
        let (source, folder) = SourceTree::open(source, &options)?;
        let mut fs = Self::read_only_of(source, &options);
        if fs.hides_one_of_source() {
            tracing::warn!("{}", control::HIDDEN.trim_end());
        }
        if let Some(write) = &options.write {
            let root = fs.source.node(Base::ROOT).map_err(io::Error::other)?;
            let one = (root.kind == SourceKind::OneMessage).then_some(root.path.as_path());
            let mount_point = options.mount_point.as_deref();
            let edits = Edits::open(&fs.source, &fs.messages, write, mount_point, (&folder, one))?;
            fs.edits = Some(edits);
        }
        Ok(fs)
    }

    /// Opens one message file that need not have a name.
    ///
    /// # Errors
    /// If its attributes cannot be read.
    pub fn of_file(file: std::fs::File, options: Options) -> io::Result<Self> {
        Ok(Self::read_only_of(SourceTree::of_file(file, &options)?, &options))
    }

    fn read_only_of(source: SourceTree, options: &Options) -> Self {
        let source = Arc::new(source);
        let messages = Arc::new(Messages::new(&source, options));
        let (control, is_mount) = (ControlTexts::default(), options.mount_point.is_some());
        let is_closing = AtomicBool::new(false);
        Self { source, messages, edits: None, control, is_closing, is_mount }
    }

    /// Closes the session: saves what is unsaved, and releases every message. To look into a
    /// message fails from then on.
    pub fn close(&self) -> CloseReport {
        self.is_closing.store(true, Ordering::Release);
        let half_written = self.edits.as_ref().map(Edits::finish).unwrap_or_default();
        let mut report = self.messages.close();
        report.saves.extend(half_written);
        report
    }

    /// Whether the session is being closed, or is closed. A call may find something then that is
    /// gone or saved by the close itself, so every error is [`Error::Closing`] to its program.
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// The message that an inode belongs to, and the number of the file in it.
    fn message_of(&self, ino: Ino) -> Result<Option<(LookedUpMessage<'_>, NodeId)>, Error> {
        self.messages.message_of(ino, |message| {
            self.edits.as_ref().is_some_and(|edits| edits.differs(message))
        })
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
            return self.control().lookup(id, name);
        }
        if parent == Ino::ROOT && self.is_control(Path::new(name)) {
            return self.control().entry(NodeId(0));
        }
        if let Some((message, id)) = self.message_of(parent)? {
            let name = name.to_str().ok_or(Error::NotFound)?;
            return match &self.edits {
                Some(edits) => edits.lookup(message, id, name, process),
                None => self.messages.lookup(&message, id, name),
            };
        }
        let node = self.source.node(base)?;
        match node.kind {
            SourceKind::Folder => {
                let proof = self.source.watch(&node);
                let path = node.path.join(name);
                self.source_entry(&path, self.source.metadata(&path), true, proof)
            }
            SourceKind::OwnMountPoint => Err(Error::NotFound),
            SourceKind::Other | SourceKind::Message | SourceKind::OneMessage => {
                Err(Error::NotADirectory)
            }
        }
    }

    /// Gives back references that lookups have given.
    pub fn forget(&self, ino: Ino, lookups: u64) {
        // The message stays in the cache: the kernel also forgets what is looked up again at once,
        // as all names in a folder of which one has changed.
        if let Some(edits) = &self.edits {
            edits.forget(ino);
        }
        self.source.nodes.forget(ino.parts().0, lookups);
    }

    /// The attributes of a file.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotFound`], or where the source cannot be read.
    pub fn getattr(&self, ino: Ino) -> Result<Entry, Error> {
        let ino = self.source.nodes.followed(ino);
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            return self.control().entry(id);
        }
        if let Some(edits) = &self.edits
            && let Some((message, id)) = self.message_of(ino)?
            && let Some(entry) = edits.getattr(&message, id)
        {
            let mut entry = entry?;
            entry.attr.ino = ino;
            return Ok(entry);
        }
        match id {
            NodeId(0) => self.source.getattr(ino),
            _ => self.messages.getattr(ino),
        }
    }

    /// Lists a directory from a cookie on, 0 being the start, until `add` says that it has had
    /// enough. With `look_up` each entry added counts as a lookup, `.` and `..` excepted.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::Stale`], or where the source cannot be read.
    pub fn readdir(&self, ino: Ino, cookie: u64, look_up: bool, add: Add<'_>) -> Result<(), Error> {
        const DOTS: [(u64, &str); 2] = [(1, "."), (2, "..")];
        let dots = DOTS.into_iter().filter(|(number, _)| cookie < *number);
        if cookie < DOTS.len() as u64 {
            // The kernel finds the parent itself, so the number of `..` may be that of the
            // directory.
            let entry = self.getattr(ino)?;
            for (cookie, name) in dots {
                let name = OsStr::new(name);
                if add(DirectoryEntry { name, cookie, entry, is_dot: true }) {
                    return Ok(());
                }
            }
        }
        let (base, _) = ino.parts();
        if base == Base::CONTROL {
            return self.control().list(cookie, add);
        }
        if let Some((message, id)) = self.message_of(ino)? {
            return match &self.edits {
                Some(edits) => edits.list(&message, id, (cookie, look_up), add),
                None => self.messages.list(&message, id, (cookie, look_up), add).map(drop),
            };
        }
        let node = self.source.node(base)?;
        match node.kind {
            SourceKind::Folder => self.read_folder(&node, cookie, look_up, add),
            SourceKind::OwnMountPoint => Ok(()),
            SourceKind::Other | SourceKind::Message | SourceKind::OneMessage => {
                Err(Error::NotADirectory)
            }
        }
    }

    /// Reads at most `size` bytes of a file from `offset`: fewer only at its end. Takes no more
    /// memory than the file has bytes, whatever `size` is.
    ///
    /// # Errors
    /// As [`Fs::read_at`].
    pub fn read(&self, ino: Ino, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        pieces::read_to_vec(offset, size, |at, piece| self.read_at(ino, at, piece))
    }

    /// Reads a file from `offset` into `buffer`. Returns how many bytes: fewer than it has room for
    /// only at the end. A caller that reuses one buffer saves allocating and clearing it each time.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::Stale`], or where the source is damaged or cannot be read.
    pub fn read_at(&self, ino: Ino, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            return self.control().read_at(id, offset, buffer);
        }
        if let Some((message, id)) = self.message_of(ino)? {
            self.messages.note_read(id);
            return match &self.edits {
                Some(edits) => edits.read_at(&message, id, offset, buffer),
                None => self.messages.read_at(&message, id, offset, buffer),
            };
        }
        let node = self.source.node(base)?;
        match node.kind {
            SourceKind::Other => self.source.read_other(&node, offset, buffer),
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
        self.source.root.statfs().map_err(|error| source_error(Path::new(""), error))
    }

    /// The path in the source of the file or message that an inode belongs to, for the log.
    pub fn source_path(&self, ino: Ino) -> Option<PathBuf> {
        let (base, _) = ino.parts();
        Some(self.source.nodes.get(base)?.path.clone())
    }

    /// Whether an inode is a message directory of the source, or a source that is one message.
    pub fn is_message(&self, ino: Ino) -> bool {
        let (base, id) = ino.parts();
        let node = self.source.node(base).ok().filter(|_| id == NodeId(0) && base != Base::CONTROL);
        node.is_some_and(|node| matches!(node.kind, SourceKind::Message | SourceKind::OneMessage))
    }

    /// Reads everything in a message, those embedded in it included, and lists what is damaged
    /// and what is to be noted.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn check(&self, ino: Ino) -> Result<Findings, Error> {
        let (message, _) = self.message_of(ino)?.ok_or(Error::NotADirectory)?;
        Ok(self.messages.open(&message)?.tree.check())
    }

    /// Waits until the source changes, or for some time at most, and returns what the kernel must
    /// forget; `None` if the source is not watched. One thread that serves no request must call it
    /// again and again.
    ///
    /// # Errors
    /// Those of the system while waiting.
    pub fn wait_for_changes(
        &self,
        at_most: Option<Duration>,
    ) -> io::Result<Option<Vec<Invalidation>>> {
        self.source.wait_for_changes(at_most)
    }

    /// Keeps the thread of a request off the processor on which messages are opened ahead.
    pub fn keep_off_opener(&self) {
        self.messages.keep_off_opener();
    }

    /// Opens the messages that a walk comes to next, and returns when the filesystem is closed. Run
    /// it in a thread of its own; without one, nothing is opened ahead.
    pub fn open_ahead(&self) {
        self.messages.open_ahead();
    }

    /// Notes which process makes a request for a listing or a content. Returns whether it is the
    /// first one in its message for a while.
    pub fn note_request(&self, ino: Ino, process: u32) -> bool {
        self.messages.note_request(ino, process)
    }

    /// Stores the files of a directory that are likely to be read next, at the end of its listing.
    /// Files that cannot be stored are skipped.
    ///
    /// # Errors
    /// Where the directory cannot be read.
    pub fn store_ahead(
        &self,
        directory: Ino,
        bytes: &mut Vec<u8>,
        store: Store<'_>,
    ) -> Result<(), Error> {
        let to_read = self.messages.foreseen_in(directory);
        if to_read.is_empty() {
            return Ok(());
        }
        let Some((message, id)) = self.storable(directory)? else { return Ok(()) };
        self.messages.store_ahead(&message, id, to_read, bytes, store)
    }

    /// Stores the other files of a message that are likely to be read, if the first request in the
    /// message is a read: the kernel then has the listing cached and asks for none.
    ///
    /// # Errors
    /// Where the message cannot be opened.
    pub fn store_beside(
        &self,
        file: Ino,
        bytes: &mut Vec<u8>,
        store: Store<'_>,
    ) -> Result<(), Error> {
        let to_read = self.messages.foreseen_beside(file);
        if to_read.is_empty() {
            return Ok(());
        }
        let Some((message, _)) = self.storable(file)? else { return Ok(()) };
        self.messages.store_beside(&message, to_read, bytes, store)
    }

    /// The message of an inode, if something of it may be stored. In an edited message it would be
    /// useless: the kernel drops the cached content of a file when the file is opened.
    fn storable(&self, ino: Ino) -> Result<Option<(LookedUpMessage<'_>, NodeId)>, Error> {
        let (base, _) = ino.parts();
        let Some((message, id)) = self.message_of(ino)? else { return Ok(None) };
        let is_as_in_file = self.source.node(base)?.kind == SourceKind::Message
            && message.base == base
            && self.edits.as_ref().is_none_or(|edits| edits.is_as_in_file(&message));
        Ok(is_as_in_file.then_some((message, id)))
    }
}
