//! Puts files into the kernel's page cache before they are asked for (`FUSE_NOTIFY_STORE`).
//!
//! A program that reads every small file makes a request for each of them, which costs more than
//! the file. So when a process asks for the end of a listing, msgfs stores the files that the
//! process is likely to read next, and then answers. The process has had the names since the first
//! answer, but it is one process, and waits. If the kernel has the listing cached, as after `find`,
//! msgfs stores the files at the first read in the message, before it answers that read.
//!
//! A store waits while a program reads the same file, and that program may wait for an answer of
//! msgfs (see [`crate::fs::fuse::Kernel`]). Therefore msgfs stores only if a single process is at
//! work in a message, which waits for the answer meanwhile, and never in all event loops at once.
//! The file whose read is being answered must not be stored: the store would wait for that answer.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::fs::Error;
use crate::fs::source::ino::{Ino, SourceKind};
use crate::view::{ATTACHMENTS, FileKind, NodeId, NodeSet};

use super::ahead::Visit;
use super::opening::check_unchanged;
use super::{Directory, MessageNode, Messages, OpenMessage};

/// Larger files are not stored: programs read them with requests.
const FILE_BYTES_MAX: u64 = 128 << 10;
/// At most this much of one directory is stored, in bytes.
const DIRECTORY_BYTES_MAX: u64 = 1 << 20;

/// At most this many stores run at once. A store may wait for a reader of the same file, so there
/// must be more event loops than this: one of them has to be free to answer that reader.
pub const STORES_MAX: usize = 2;

/// How many stores may run at once, and how many files were stored.
#[derive(Debug, Default)]
pub(super) struct Stores {
    /// The right to store.
    running: [Mutex<()>; STORES_MAX],
    files: AtomicU64,
}

impl Stores {
    /// How many files were stored.
    pub(super) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
}

/// Takes the whole content of a file.
pub type Store<'a> = &'a mut dyn FnMut(Ino, &[u8]) -> io::Result<()>;

impl<D: Directory> Messages<D> {
    /// Notes which process makes a request for a listing or a content. Returns whether it is the
    /// first one in its message for a while.
    pub(in crate::fs) fn note_request(&self, ino: Ino, process: u32) -> bool {
        let (base, _) = ino.parts();
        let node = self.source.nodes.get(base);
        node.is_some_and(|node| node.kind == SourceKind::Message)
            && self.habits.request(base, process)
    }

    /// The files of a directory that are likely to be read next, at the end of its listing.
    pub(in crate::fs) fn foreseen_in(&self, directory: Ino) -> NodeSet {
        let (base, _) = directory.parts();
        self.habits.read_by_one(base)
    }

    /// The files that are likely to be read besides one, if the first request in their message is a
    /// read: the kernel then has the listing cached and asks for none.
    pub(in crate::fs) fn foreseen_beside(&self, file: Ino) -> NodeSet {
        let (base, id) = file.parts();
        // No listing has shown that a program has come to this message.
        if let Some(node) = self.source.nodes.get(base) {
            self.look_into(base, &node.path, Visit::Reading);
        }
        self.habits.read_by_one(base).without(id)
    }

    /// Stores those of some files that a directory lists, at the end of its listing. Files that
    /// cannot be stored are skipped.
    pub(in crate::fs) fn store_ahead(
        &self,
        message: &MessageNode<D>,
        directory: NodeId,
        to_read: NodeSet,
        bytes: &mut Vec<u8>,
        store: Store<'_>,
    ) -> Result<(), Error> {
        let open = self.open(message)?;
        Storing { messages: self, message, open, to_read, bytes }.store_listed(directory, store);
        Ok(())
    }

    /// Stores some files in the directories of a message in which programs read most.
    pub(in crate::fs) fn store_beside(
        &self,
        message: &MessageNode<D>,
        to_read: NodeSet,
        bytes: &mut Vec<u8>,
        store: Store<'_>,
    ) -> Result<(), Error> {
        let open = self.open(message)?;
        let attachments = open.tree.resolve(ATTACHMENTS).ok().map(|(id, _)| id);
        let mut storing = Storing { messages: self, message, open, to_read, bytes };
        for directory in [Some(NodeId(0)), attachments].into_iter().flatten() {
            storing.store_listed(directory, store);
        }
        Ok(())
    }
}

/// A message of which files are stored.
struct Storing<'a, D> {
    messages: &'a Messages<D>,
    message: &'a MessageNode<D>,
    open: Arc<OpenMessage>,
    to_read: NodeSet,
    /// Holds one file at a time, from its start.
    bytes: &'a mut Vec<u8>,
}

impl<D: Directory> Storing<'_, D> {
    fn store_listed(&mut self, directory: NodeId, store: Store<'_>) {
        let Ok(listing) = self.open.tree.list(directory) else { return };
        let stores = &self.messages.stores;
        let free = stores.running.iter().find_map(|one| one.try_lock().ok());
        let Some(_running) = free else { return };
        let (to_read, mut left) = (self.to_read, DIRECTORY_BYTES_MAX);
        let files = listing.entries().iter().filter(|entry| entry.kind == FileKind::File);
        for entry in files.filter(|entry| to_read.contains(entry.id)) {
            if let Some(size) = self.read_small(entry.id, left)
                && let Some(bytes) = self.bytes.get(..size)
                && store(Ino::new(self.message.base, entry.id), bytes).is_ok()
            {
                left -= size as u64;
                stores.files.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.messages.cache.set_bytes(&self.message.node, self.open.tree.bytes_held());
    }

    /// Reads a whole file of at most so many bytes; `None` if it is larger, empty or damaged.
    fn read_small(&mut self, id: NodeId, bytes_max: u64) -> Option<usize> {
        let size = self.messages.node_attr(self.message, &self.open, id).ok()?.size;
        let is_small = (1..=FILE_BYTES_MAX.min(bytes_max)).contains(&size);
        let len = usize::try_from(size).ok().filter(|_| is_small)?;
        self.bytes.resize(len.max(self.bytes.len()), 0);
        let file = self.bytes.get_mut(..len)?;
        let read = self.open.read_whole_at(id, 0, file).ok()?;
        check_unchanged(&self.message.node, &self.open).ok()?;
        (read == len).then_some(len)
    }
}
