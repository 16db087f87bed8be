//! The messages of the source: opening them, and listing what is in them.

use std::ffi::OsStr;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::imsg::Defect;
use crate::storage::Source;
use crate::view::{self, Attributes, Findings, MessageTree, NodeId, NodeSet};

use crate::fs::edits::message::directory::{Contents, MessageDirectory};
use crate::fs::source::attr::{self, Attr};
use crate::fs::source::ino::{Base, Ino, SourceKind, SourceNode};
use crate::fs::source::metadata::Metadata;
use crate::fs::{Add, DirectoryEntry, Entry, Error, Fs, MESSAGE_TTL, SOURCE_TTL, source_error};

pub(super) mod ahead;
pub(super) mod habits;
pub(super) mod store;

/// A message that is open, and the attributes of its directory.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) path: PathBuf,
    pub(super) tree: MessageTree,
    pub(super) directory: Attr,
    /// The count of reads of its file when the file was last found unchanged.
    checked: AtomicU64,
}

impl OpenMessage {
    pub(super) fn new(path: PathBuf, tree: MessageTree, directory: Attr) -> Self {
        Self { path, tree, directory, checked: AtomicU64::new(0) }
    }
}

/// A message of the source as the kernel knows it.
#[derive(Clone, Debug)]
pub(super) struct MessageNode {
    pub(super) base: Base,
    pub(super) node: Arc<SourceNode>,
    /// How long the kernel may keep what is in it.
    pub(super) ttl: Duration,
    /// The directory state, if it has one; a read-only mount has none.
    pub(super) directory: Option<Arc<MessageDirectory>>,
}

/// A message that an inode belongs to. If the whole source is one message, the kernel knows only
/// the root, and the message is looked up for as long as this value lives.
#[derive(Debug)]
pub(super) struct LookedUpMessage<'a> {
    fs: &'a Fs,
    message: MessageNode,
    is_counted: bool,
}

impl LookedUpMessage<'_> {
    /// Puts the attachments that wait into the message.
    pub(super) fn take_waiting(&self, contents: &mut Contents) {
        self.fs.take_waiting(&self.message, contents);
    }

    /// The same message, with a directory state, which is made if it has none.
    pub(super) fn with_directory(mut self) -> Self {
        self.message.directory = self.fs.nodes.directory(self.message.base);
        self
    }
}

impl Deref for LookedUpMessage<'_> {
    type Target = MessageNode;

    fn deref(&self) -> &MessageNode {
        &self.message
    }
}

impl Drop for LookedUpMessage<'_> {
    fn drop(&mut self) {
        if self.is_counted {
            self.fs.nodes.forget(self.message.base, 1);
        }
    }
}

impl Fs {
    /// The message that an inode belongs to, and the number of the file in it.
    pub(super) fn message_of(
        &self,
        ino: Ino,
    ) -> Result<Option<(LookedUpMessage<'_>, NodeId)>, Error> {
        let (base, id) = self.nodes.followed(ino).parts();
        if base == Base::CONTROL {
            return Ok(None);
        }
        let (node, directory) = self.nodes.message(base).ok_or(Error::NotFound)?;
        match node.kind {
            SourceKind::Message => {
                let message = MessageNode { base, node, ttl: self.message_ttl(), directory };
                Ok(Some((LookedUpMessage { fs: self, message, is_counted: false }, id)))
            }
            SourceKind::OneMessage => Ok(Some((self.look_up_one_message(&node)?, NodeId(0)))),
            SourceKind::Folder | SourceKind::Other | SourceKind::OwnMountPoint => Ok(None),
        }
    }

    /// A message that is known by its base.
    pub(super) fn known_message(&self, base: Base) -> Result<MessageNode, Error> {
        let (node, directory) = self.nodes.message(base).ok_or(Error::NotFound)?;
        Ok(MessageNode { base, node, ttl: self.message_ttl(), directory })
    }

    /// For how long the kernel may keep what is in a message. In a writable mount an edit of one
    /// file changes others, so the kernel may keep nothing unless it can be told to forget.
    fn message_ttl(&self) -> Duration {
        if self.is_writable() && !self.can_invalidate() { Duration::ZERO } else { MESSAGE_TTL }
    }

    /// The attributes of a node inside a message that a program asks for.
    pub(super) fn asked_attr(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        id: NodeId,
    ) -> Result<Attr, Error> {
        if open.tree.is_size_costly(id) {
            self.habits.ask_size(id);
        }
        self.node_attr(message, open, id)
    }

    /// The attributes of a node inside a message.
    pub(super) fn node_attr(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        id: NodeId,
    ) -> Result<Attr, Error> {
        if open.tree.is_size_costly(id) {
            self.nodes.tell_sizes(message.base);
        }
        let attributes =
            open.tree.attributes(id).map_err(|error| message_error(&open.path, error))?;
        Ok(self.attr(message, open, id, &attributes))
    }

    /// The attributes of an entry of a listing. If msgfs had to make a body to know its size, the
    /// listing leaves the size out: the lifetime of 0 makes the kernel look the file up before a
    /// program gets to see its size. If programs are expected to ask, the size is told at once.
    ///
    /// Once the kernel was told a size, it is told again, since a program may be reading the file
    /// by that size.
    fn listed_entry(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        child: &view::ListingEntry,
        wanted: Option<NodeSet>,
    ) -> Result<Entry, Error> {
        let is_foreseen =
            |wanted: NodeSet| wanted.contains(child.id) || open.tree.is_content_made(child.id);
        let is_known =
            || wanted.is_some_and(is_foreseen) || self.nodes.are_sizes_told(message.base);
        if !open.tree.is_size_costly(child.id) || is_known() {
            let attr = self.node_attr(message, open, child.id)?;
            return Ok(Entry { attr, ttl: message.ttl });
        }
        let attributes = open
            .tree
            .attributes_without_size(child.id, child.kind)
            .map_err(|error| message_error(&open.path, error))?;
        let attr = self.attr(message, open, child.id, &attributes);
        Ok(Entry { attr, ttl: Duration::ZERO })
    }

    fn attr(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        id: NodeId,
        attributes: &Attributes,
    ) -> Attr {
        let file_type = attr::file_type(attributes.kind);
        let time = attributes.time.map(attr::system_time);
        let ino = Ino::new(message.base, id);
        let ownership = &self.options.ownership;
        let attr = Attr::of_node(&open.directory, ino, file_type, attributes.size, time, ownership);
        if attributes.is_protected { attr.protected() } else { attr }
    }

    /// A message with the file that it has now. A save may have replaced the file since the message
    /// was looked up. Without this, cp saw no attachment, created it, and was told that it exists.
    fn as_saved(&self, message: &MessageNode) -> MessageNode {
        let now = message.directory.as_ref().and_then(|_| self.nodes.get(message.base));
        MessageNode { node: now.unwrap_or_else(|| Arc::clone(&message.node)), ..message.clone() }
    }

    /// The open message of a node, opened if it is not.
    pub(super) fn open_message(&self, message: &MessageNode) -> Result<Arc<OpenMessage>, Error> {
        let message = &self.as_saved(message);
        if let Some(open) = self.messages.get(&message.node) {
            check_unchanged(&message.node, &open)?;
            return Ok(open);
        }
        self.open_anew(message)
    }

    /// Reads a file in a message.
    pub(super) fn read_in_message(
        &self,
        message: &MessageNode,
        id: NodeId,
        offset: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let message = &self.as_saved(message);
        let open = match self.messages.get(&message.node) {
            Some(open) => open,
            None => self.open_anew(message)?,
        };
        let read = open.tree.read_into(id, offset, size, out);
        // Check the state after the read: before it, another program could still write, and the
        // answer would mix two states.
        check_unchanged(&message.node, &open)?;
        read.map_err(|error| message_error(&open.path, error))?;
        self.messages.set_bytes(&message.node, open.tree.bytes_held());
        Ok(())
    }

    fn open_anew(&self, message: &MessageNode) -> Result<Arc<OpenMessage>, Error> {
        let node = &message.node;
        let path = &node.path;
        let file = self.source.open_file(path).or_else(|error| match error.raw_os_error() {
            // Out of descriptors: close the messages that are only cached, and try again.
            Some(libc::EMFILE | libc::ENFILE) => {
                self.messages.clear();
                self.source.open_file(path)
            }
            _ => Err(error),
        });
        let open = self.open_file_of(message, file.map_err(|error| source_error(path, error))?)?;
        let bytes = open.tree.bytes_held();
        Ok(self.messages.insert(Arc::clone(node), Arc::new(open), bytes))
    }

    /// Opens the message in a file, which must be the one that the node stands for.
    pub(super) fn open_file_of(
        &self,
        message: &MessageNode,
        file: File,
    ) -> Result<OpenMessage, Error> {
        let path = &message.node.path;
        let (source, metadata) =
            Source::from_file(file).map_err(|error| source_error(path, error))?;
        let metadata = self.source.with_access_list(path, (&metadata).into());
        check_identity(&message.node, &metadata)?;
        let ino = Ino::new(message.base, NodeId(0));
        let directory = Attr::of_message(ino, &metadata, &self.options.ownership);
        let (session, show) = (&self.session, self.options.show);
        let tree = match &message.directory {
            Some(directory) => MessageTree::open_named(session, source, show, &directory.names),
            None => MessageTree::open(session, source, show),
        };
        let tree = tree.map_err(|error| message_error(path, error))?;
        Ok(OpenMessage::new(path.clone(), tree, directory))
    }

    /// The message that the whole source is, as it is now.
    pub(super) fn look_up_one_message(
        &self,
        root: &SourceNode,
    ) -> Result<LookedUpMessage<'_>, Error> {
        let path = &root.path;
        let claimed = self.nodes.claimed(path).map(|base| self.known_message(base)).transpose()?;
        if let Some(message) = claimed.filter(|message| self.differs(message)) {
            self.nodes.look_up_inside(message.base, 1);
            return Ok(LookedUpMessage { fs: self, message, is_counted: true });
        }
        let identity = self.metadata(path)?.identity();
        let node = SourceNode { path: path.clone(), kind: SourceKind::Message, identity };
        let base = self.nodes.look_up(&Arc::new(node));
        let message = self.known_message(base)?;
        let ttl = message.ttl.min(SOURCE_TTL);
        Ok(LookedUpMessage { fs: self, message: MessageNode { ttl, ..message }, is_counted: true })
    }

    /// Finds a file in a directory of a message in which nothing differs from its file.
    pub(super) fn lookup_in_file(
        &self,
        message: &MessageNode,
        id: NodeId,
        name: &str,
    ) -> Result<Entry, Error> {
        // File managers look for `.hidden`, `.directory` and the like everywhere. That must not
        // open every message.
        if id == NodeId(0) && !view::is_message_entry(name) {
            return Err(Error::NotFound);
        }
        let open = self.open_message(message)?;
        let found = open.tree.lookup(id, name);
        let (child, _) = found.map_err(|error| message_error(&open.path, error))?;
        let attr = self.asked_attr(message, &open, child)?;
        self.note_told(message, id, std::iter::once((name, child)));
        self.messages.set_bytes(&message.node, open.tree.bytes_held());
        self.nodes.look_up_inside(message.base, 1);
        Ok(Entry { attr, ttl: message.ttl })
    }

    /// Lists a directory of a message in which nothing differs from its file.
    pub(super) fn list_in_file(
        &self,
        message: &MessageNode,
        id: NodeId,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        if id == NodeId(0) && cookie == 0 {
            self.habits.look_into(message.base);
            self.ahead.look_into(&message.node.path, &self.folders);
        }
        let open = self.open_message(message)?;
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
            self.nodes.look_up_inside(message.base, added);
            let entries = listing.entries().iter();
            self.note_told(message, id, entries.map(|child| (child.name.as_str(), child.id)));
        }
        self.messages.set_bytes(&message.node, open.tree.bytes_held());
        Ok(())
    }

    /// The entries behind a cookie, each with its own. In a writable mount the cookies are made
    /// from the names, since files may come and go while the directory is listed.
    fn with_cookies<'a>(
        &self,
        entries: &'a [view::ListingEntry],
        cookie: u64,
    ) -> Vec<(&'a view::ListingEntry, u64)> {
        if !self.is_writable() {
            let behind = entries.iter().zip(3_u64..).filter(|(_, number)| *number > cookie);
            return behind.collect();
        }
        crate::fs::source::folders::by_cookie(entries, |entry| OsStr::new(&entry.name), cookie)
    }

    /// Whether an inode is a message directory of the source, or a source that is one message.
    pub fn is_message(&self, ino: Ino) -> bool {
        let (base, id) = ino.parts();
        let node = self.node(base).ok().filter(|_| id == NodeId(0) && base != Base::CONTROL);
        node.is_some_and(|node| matches!(node.kind, SourceKind::Message | SourceKind::OneMessage))
    }

    /// Reads everything in a message, those embedded in it included, and lists what is damaged
    /// and what is to be noted.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn check(&self, ino: Ino) -> Result<Findings, Error> {
        let (message, _) = self.message_of(ino)?.ok_or(Error::NotADirectory)?;
        Ok(self.open_message(&message)?.tree.check())
    }

    /// What cannot be read of a message directory and all that is in it, or of a file in a message.
    /// No file is read for it.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn losses(&self, ino: Ino) -> Result<Vec<Defect>, Error> {
        let Some((message, id)) = self.message_of(ino)? else { return Ok(Vec::new()) };
        Ok(self.open_message(&message)?.tree.losses(id))
    }

    /// Enters the defects of a message into `.msgfs/errors`.
    fn note_defects(&self, node: &Arc<SourceNode>, tree: &MessageTree) {
        let defects = tree.defects();
        if !defects.is_empty() {
            let count = defects.len();
            if self.damaged.note(&node.path, defects) {
                tracing::warn!(path = %node.path.display(), count, "message with defects");
            }
        }
    }
}

/// Checks that the file of an open message is unchanged: a large file is read piece by piece, and
/// must not have been written to meanwhile. The file is asked only if it was read since the last
/// check, since what comes from memory is of the state found then.
pub(super) fn check_unchanged(node: &SourceNode, open: &OpenMessage) -> Result<(), Error> {
    let source = open.tree.source();
    let reads = source.reads();
    if reads == open.checked.load(Ordering::Acquire) {
        return Ok(());
    }
    let Some(metadata) = source.file_metadata() else { return Ok(()) };
    let metadata = metadata.map_err(|error| source_error(&node.path, error))?;
    check_identity(node, &(&metadata).into())?;
    open.checked.fetch_max(reads, Ordering::Release);
    Ok(())
}

/// Whether a file is still the one that the node stands for.
fn check_identity(node: &SourceNode, metadata: &Metadata) -> Result<(), Error> {
    match metadata.identity() == node.identity {
        true => Ok(()),
        false => Err(Error::Stale { path: node.path.clone() }),
    }
}

/// An error inside a message, with the message it happened in.
pub(super) fn message_error(path: &Path, source: view::Error) -> Error {
    match source {
        view::Error::NotFound => Error::NotFound,
        view::Error::NotADirectory => Error::NotADirectory,
        view::Error::IsADirectory => Error::IsADirectory,
        source => Error::Message { path: path.to_owned(), source },
    }
}
