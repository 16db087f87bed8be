//! The messages of the source, each as its file has it. Knows nothing of edits.

pub(super) mod ahead;
mod damaged;
mod habits;
mod opening;
mod processors;
pub(super) mod store;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::imsg::{CloseReport, Defect, MessageCache, Session, SessionOptions};
use crate::view::{self, AttachmentNames, Attributes, Listing, MessageTree, NodeId, NodeSet, Show};

use super::error::{cause, message_error};
use super::source::attr::{self, Attr};
use super::source::folders;
use super::source::ino::{Base, Ino, SourceNode};
use super::source::tree::SourceTree;
use super::{Add, DirectoryEntry, Entry, Error, NamedEntry, Options};

use ahead::{Ahead, Visit};
use damaged::Damaged;
use habits::Habits;
use processors::Processors;
use store::Stores;

pub(super) use opening::{LookedUpMessage, MessageNode};

/// The kernel may keep what is in a message for so long: if the file changes, the message gets
/// another inode number.
const MESSAGE_TTL: Duration = Duration::from_secs(365 * 24 * 3600);

/// What `Edits` keeps with a message. `Messages` needs only the names of the attachments, so that a
/// message that is opened again shows the same names.
pub(super) trait Directory: Send + Sync {
    fn names(&self) -> &Arc<AttachmentNames>;
}

/// The messages of the source: those that are open, and what is known of their readers.
#[derive(Debug)]
pub(super) struct Messages<D> {
    pub(super) source: Arc<SourceTree<D>>,
    pub(super) session: Session,
    pub(super) show: Show,
    cache: MessageCache<Arc<SourceNode>, OpenMessage>,
    cache_bytes_max: usize,
    ahead: Ahead,
    processors: Processors,
    habits: Habits,
    stores: Stores,
    damaged: Damaged,
    /// Whether programs read through a mount. Commands read what there is of a damaged value, and
    /// ask what is missing.
    is_mount: bool,
    /// Whether files come and go in messages, as in a writable mount.
    is_changing: bool,
    /// Whether the kernel may keep what it is told of messages.
    may_be_kept: AtomicBool,
}

/// A message that is open, and the attributes of its directory.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) path: PathBuf,
    pub(super) tree: MessageTree,
    pub(super) directory: Attr,
    /// The count of reads of its file when the file was last found unchanged.
    reads_checked: AtomicU64,
}

/// The figures of `.msgfs/session`.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageFigures {
    pub(super) cache_bytes: usize,
    pub(super) cache_bytes_max: usize,
    pub(super) cached_messages: usize,
    pub(super) files_stored: u64,
}

impl OpenMessage {
    pub(super) fn new(path: PathBuf, tree: MessageTree, directory: Attr) -> Self {
        Self { path, tree, directory, reads_checked: AtomicU64::new(0) }
    }

    /// Reads a file in it for a program that sees no more than bytes or an error: a value of which
    /// a part is missing is an error.
    pub(super) fn read_whole_at(
        &self,
        id: NodeId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, view::Error> {
        self.tree.check_whole(id)?;
        self.tree.read_at(id, offset, buffer)
    }

    /// The attributes of a node in it.
    fn attr(&self, ino: Ino, attributes: &Attributes, ownership: &attr::Ownership) -> Attr {
        let file_type = attr::file_type(attributes.kind);
        let time = attributes.time.map(attr::system_time);
        let attr = Attr::of_node(&self.directory, ino, file_type, attributes.size, time, ownership);
        if attributes.is_protected { attr.protected() } else { attr }
    }
}

impl<D: Directory> Messages<D> {
    pub(super) fn new(source: &Arc<SourceTree<D>>, options: &Options) -> Self {
        let cache = MessageCache::new(options.cache_bytes_max);
        let is_changing = options.write.is_some();
        Self {
            source: Arc::clone(source),
            session: Session::open(SessionOptions { code_page: options.code_page }),
            show: options.show,
            cache: cache.with_count_max(files_kept_max(), |open| open.tree.source().is_file()),
            cache_bytes_max: options.cache_bytes_max,
            ahead: Ahead::default(),
            processors: Processors::default(),
            habits: Habits::default(),
            stores: Stores::default(),
            damaged: Damaged::default(),
            is_mount: options.mount_point.is_some(),
            is_changing,
            // An edit of one file changes others, so the kernel may keep nothing of a message that
            // is edited unless it can be told to forget.
            may_be_kept: AtomicBool::new(!is_changing),
        }
    }

    /// Closes the session, which releases every message. To look into a message fails from then on.
    pub(super) fn close(&self) -> CloseReport {
        self.ahead.close();
        // The session knows what was open; the cache then lets go of the trees.
        let report = self.session.close();
        self.cache.clear();
        report
    }

    /// Lets the kernel keep what it is told of messages: from now on it is told what it must
    /// forget.
    pub(super) fn let_keep(&self) {
        self.may_be_kept.store(true, Ordering::Release);
    }

    /// Whether the kernel may keep what it is told of messages.
    pub(super) fn may_be_kept(&self) -> bool {
        self.may_be_kept.load(Ordering::Acquire)
    }

    /// For how long the kernel may keep what is in a message.
    fn ttl(&self) -> Duration {
        if self.may_be_kept() { MESSAGE_TTL } else { Duration::ZERO }
    }

    /// The attributes of a file in a message.
    pub(super) fn getattr(&self, ino: Ino) -> Result<Entry, Error> {
        let (base, id) = ino.parts();
        let message = self.known(base)?;
        let open = self.open(&message)?;
        let attr = self.asked_attr(&message, &open, id)?;
        self.cache.set_bytes(&message.node, open.tree.bytes_held());
        Ok(Entry { attr, ttl: message.ttl })
    }

    /// The attributes of a node inside a message that a program asks for.
    fn asked_attr(
        &self,
        message: &MessageNode<D>,
        open: &OpenMessage,
        id: NodeId,
    ) -> Result<Attr, Error> {
        if open.tree.is_size_costly(id) {
            self.habits.ask_size(id);
        }
        self.node_attr(message, open, id)
    }

    /// The attributes of a node inside a message.
    fn node_attr(
        &self,
        message: &MessageNode<D>,
        open: &OpenMessage,
        id: NodeId,
    ) -> Result<Attr, Error> {
        if open.tree.is_size_costly(id) {
            self.source.nodes.tell_sizes(message.base);
        }
        let attributes =
            open.tree.attributes(id).map_err(|error| message_error(&open.path, error))?;
        Ok(open.attr(Ino::new(message.base, id), &attributes, &self.source.ownership))
    }

    /// The attributes of an entry of a listing. If msgfs had to make a body to know its size, the
    /// listing leaves the size out: the lifetime of 0 makes the kernel look the file up before a
    /// program gets to see its size. If programs are expected to ask, the size is told at once.
    ///
    /// Once the kernel was told a size, it is told again, since a program may be reading the file
    /// by that size.
    fn listed_entry(
        &self,
        message: &MessageNode<D>,
        open: &OpenMessage,
        child: &view::ListingEntry,
        wanted: Option<NodeSet>,
    ) -> Result<Entry, Error> {
        let is_foreseen =
            |wanted: NodeSet| wanted.contains(child.id) || open.tree.is_content_made(child.id);
        let is_known =
            || wanted.is_some_and(is_foreseen) || self.source.nodes.are_sizes_told(message.base);
        if !open.tree.is_size_costly(child.id) || is_known() {
            let attr = self.node_attr(message, open, child.id)?;
            return Ok(Entry { attr, ttl: message.ttl });
        }
        let attributes = open
            .tree
            .attributes_without_size(child.id, child.kind)
            .map_err(|error| message_error(&open.path, error))?;
        let attr = open.attr(Ino::new(message.base, child.id), &attributes, &self.source.ownership);
        Ok(Entry { attr, ttl: Duration::ZERO })
    }

    /// Finds a file in a directory of a message, and counts one reference.
    pub(super) fn lookup(
        &self,
        message: &MessageNode<D>,
        id: NodeId,
        name: &str,
    ) -> Result<Entry, Error> {
        // File managers look for `.hidden`, `.directory` and the like everywhere. That must not
        // open every message.
        if id == NodeId(0) && !view::is_message_entry(name) {
            return Err(Error::NotFound);
        }
        let open = self.open(message)?;
        let found = open.tree.lookup(id, name);
        let (child, _) = found.map_err(|error| message_error(&open.path, error))?;
        let attr = self.asked_attr(message, &open, child)?;
        self.cache.set_bytes(&message.node, open.tree.bytes_held());
        self.source.nodes.look_up_inside(message.base, 1);
        Ok(Entry { attr, ttl: message.ttl })
    }

    /// Notes that a program has come to a message.
    fn look_into(&self, base: Base, path: &Path, visit: Visit) {
        self.habits.look_into(base);
        self.ahead.look_into(path, visit, &self.source.folders);
    }

    /// Lists a directory of a message. Returns all that is in it.
    pub(super) fn list(
        &self,
        message: &MessageNode<D>,
        id: NodeId,
        (cookie, look_up): (u64, bool),
        add: Add<'_>,
    ) -> Result<Arc<Listing>, Error> {
        if id == NodeId(0) && cookie == 0 {
            self.look_into(message.base, &message.node.path, Visit::Listing);
        }
        let open = self.open(message)?;
        let listing = open.tree.list(id).map_err(|error| message_error(&open.path, error))?;
        if cookie == 0 {
            self.note_defects(&message.node, &open.tree);
        }
        let wanted = self.habits.wanted_of(message.base);
        let mut added = 0;
        for (child, number) in self.with_cookies(listing.entries(), cookie) {
            // An error of one file must not end the listing of the others.
            let Ok(entry) = self.listed_entry(message, &open, child, wanted) else { continue };
            let name = OsStr::new(&child.name);
            if add(DirectoryEntry { name, cookie: number, entry, is_dot: false }) {
                break;
            }
            added += 1;
        }
        if look_up {
            self.source.nodes.look_up_inside(message.base, added);
        }
        self.cache.set_bytes(&message.node, open.tree.bytes_held());
        Ok(listing)
    }

    /// The entries behind a cookie, each with its own. If files may come and go while the directory
    /// is listed, the cookies are made from the names.
    fn with_cookies<'a>(
        &self,
        entries: &'a [view::ListingEntry],
        cookie: u64,
    ) -> Vec<(&'a view::ListingEntry, u64)> {
        if !self.is_changing {
            let behind = entries.iter().zip(3_u64..).filter(|(_, number)| *number > cookie);
            return behind.collect();
        }
        folders::by_cookie(entries, |entry| OsStr::new(&entry.name), cookie)
    }

    /// The names in a directory of a message, told without rendering anything.
    pub(super) fn list_names(
        &self,
        message: &MessageNode<D>,
        id: NodeId,
    ) -> Result<Vec<NamedEntry>, Error> {
        let open = self.open(message)?;
        let listing = open.tree.list(id).map_err(|error| message_error(&open.path, error))?;
        let named = listing.entries().iter().map(|entry| NamedEntry {
            name: entry.name.clone().into(),
            file_type: attr::file_type(entry.kind),
            is_message: false,
        });
        Ok(named.collect())
    }

    /// Notes that a file of a message is read.
    pub(super) fn note_read(&self, id: NodeId) {
        self.habits.read(id);
    }

    /// Notes the defects of a message for `.msgfs/errors`.
    fn note_defects(&self, node: &Arc<SourceNode>, tree: &MessageTree) {
        let defects = tree.defects();
        if !defects.is_empty() {
            let count = defects.len();
            if self.damaged.note(&node.path, defects) {
                tracing::warn!(path = %node.path.display(), count, "message with defects");
            }
        }
    }

    /// Notes a file of a folder of which nothing can be learned, for `.msgfs/errors`.
    pub(super) fn note_unreadable(&self, path: &Path, error: &Error) {
        let cause = format!("not listed: {}", cause(error));
        let place = "/".to_owned();
        if self.damaged.note(path, vec![Defect { place, cause: cause.clone() }]) {
            tracing::warn!("{}: {cause}", path.display());
        }
    }

    /// The text of `.msgfs/errors`.
    pub(super) fn defects_text(&self) -> String {
        self.damaged.text()
    }

    /// The figures of `.msgfs/session`.
    pub(super) fn figures(&self) -> MessageFigures {
        let (cache_bytes, cached_messages) = self.cache.usage();
        MessageFigures {
            cache_bytes,
            cache_bytes_max: self.cache_bytes_max,
            cached_messages,
            files_stored: self.stores.files(),
        }
    }
}

/// How many large messages may be kept open. Each has its file open, so most descriptors are left
/// to requests under way, and to edits.
fn files_kept_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit / 4).ok()).unwrap_or(usize::MAX)
}
