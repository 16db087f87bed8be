//! Puts files into the kernel's page cache before they are asked for (`FUSE_NOTIFY_STORE`).
//!
//! A program that reads every small file makes a request for each of them, which costs more than
//! the file. So at the end of a listing, before it is answered, msgfs stores the files that the
//! process that waits for it is likely to read next. If the kernel has the listing cached, as after
//! `find`, msgfs stores them at the first read in the message, before it is answered.
//!
//! A store waits while a program reads the same file, and that program may wait for an answer of
//! msgfs (see [`crate::fs::fuse::notify`]). Therefore msgfs stores only if a single process is at work in a
//! message, which waits for the answer meanwhile, and never in all event loops at once. The file
//! whose read is being answered must not be stored: the store would wait for that answer.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::view::{ATTACHMENTS, FileKind, NodeId, NodeSet};

use crate::fs::messages::{LookedUpMessage, MessageNode, OpenMessage, check_unchanged};
use crate::fs::source::ino::{Ino, SourceKind};
use crate::fs::{Error, Fs};

/// Larger files are not stored: programs read them with requests.
const FILE_BYTES_MAX: u64 = 128 << 10;
/// At most this much of one directory is stored, in bytes.
const DIRECTORY_BYTES_MAX: u64 = 1 << 20;

/// How many stores may run at once, and how many files were stored.
#[derive(Debug, Default)]
pub(in crate::fs) struct Stores {
    /// The right to store, of which there are fewer than event loops: a store may wait for a reader
    /// of the same file, and some event loop must be free to answer that reader.
    running: [Mutex<()>; 2],
    files: AtomicU64,
}

impl Stores {
    /// How many files were stored.
    pub(in crate::fs) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
}

/// Takes the whole content of a file.
pub type Store<'a> = &'a mut dyn FnMut(Ino, &[u8]) -> io::Result<()>;

impl Fs {
    /// Notes which process makes a request for a listing or a content. Returns whether it is the
    /// first one in its message for a while.
    pub fn note_request(&self, ino: Ino, process: u32) -> bool {
        let (base, _) = ino.parts();
        self.nodes.get(base).is_some_and(|node| node.kind == SourceKind::Message)
            && self.habits.request(base, process)
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
        let (base, _) = directory.parts();
        let to_read = self.habits.read_by_one(base);
        if to_read.is_empty() {
            return Ok(());
        }
        let Some((message, id)) = self.storable(directory)? else { return Ok(()) };
        let open = self.open_message(&message)?;
        self.store_listed(&message, &open, id, to_read, bytes, store);
        Ok(())
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
        let (base, id) = file.parts();
        // No listing has counted this message, so it is counted here: samples are needed among
        // these messages, too.
        self.habits.look_into(base);
        let to_read = self.habits.read_by_one(base).without(id);
        if to_read.is_empty() {
            return Ok(());
        }
        let Some((message, _)) = self.storable(file)? else { return Ok(()) };
        let open = self.open_message(&message)?;
        let attachments = open.tree.resolve(ATTACHMENTS).ok().map(|(id, _)| id);
        for directory in [Some(NodeId(0)), attachments].into_iter().flatten() {
            self.store_listed(&message, &open, directory, to_read, bytes, store);
        }
        Ok(())
    }

    /// The message of an inode, if something of it may be stored. In an edited message it would be
    /// useless: the kernel drops the cached content of a file when the file is opened.
    fn storable(&self, ino: Ino) -> Result<Option<(LookedUpMessage<'_>, NodeId)>, Error> {
        let (base, _) = ino.parts();
        let Some((message, id)) = self.message_of(ino)? else { return Ok(None) };
        let is_as_in_file = self.node(base)?.kind == SourceKind::Message
            && message.base == base
            && self.lock_if_differing(&message).is_none();
        Ok(is_as_in_file.then_some((message, id)))
    }

    fn store_listed(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        directory: NodeId,
        to_read: NodeSet,
        bytes: &mut Vec<u8>,
        store: Store<'_>,
    ) {
        let Ok(listing) = open.tree.list(directory) else { return };
        let free = self.stores.running.iter().find_map(|one| one.try_lock().ok());
        let Some(_running) = free else { return };
        let mut left = DIRECTORY_BYTES_MAX;
        let files = listing.entries().iter().filter(|entry| entry.kind == FileKind::File);
        for entry in files.filter(|entry| to_read.contains(entry.id)) {
            if let Some(size) = self.small_file(message, open, entry.id, left, bytes)
                && store(Ino::new(message.base, entry.id), bytes).is_ok()
            {
                left -= size;
                self.stores.files.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.messages.set_bytes(&message.node, open.tree.bytes_held());
    }

    /// Reads a whole file of at most so many bytes; `None` if it is larger, empty or damaged.
    fn small_file(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        id: NodeId,
        bytes_max: u64,
        bytes: &mut Vec<u8>,
    ) -> Option<u64> {
        let size = self.node_attr(message, open, id).ok()?.size;
        let is_small = (1..=FILE_BYTES_MAX.min(bytes_max)).contains(&size);
        let len = usize::try_from(size).ok().filter(|_| is_small)?;
        open.tree.read_into(id, 0, len, bytes).ok()?;
        check_unchanged(&message.node, open).ok()?;
        (bytes.len() == len).then_some(size)
    }
}
