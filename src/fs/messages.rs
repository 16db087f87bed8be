//! The messages of the source: opening them, and listing what is in them.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::imsg::Defect;
use crate::storage::Source;
use crate::view::{self, Attributes, Findings, Kind, MessageTree, NodeId, NodeSet};

use super::attr::{self, Attr, FileType};
use super::ino::{Base, Ino, SourceKind, SourceNode};
use super::metadata::Metadata;
use super::{Add, DirectoryEntry, Entry, Error, Fs, MESSAGE_TTL, SOURCE_TTL, source_error};

/// A message that is open, and the attributes of its directory.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) path: PathBuf,
    pub(super) tree: MessageTree,
    directory: Attr,
}

/// A message of the source as the kernel knows it.
#[derive(Debug)]
pub(super) struct MessageNode {
    pub(super) base: Base,
    pub(super) node: Arc<SourceNode>,
    /// How long the kernel may keep what is in it.
    pub(super) ttl: Duration,
}

impl MessageNode {
    pub(super) fn new(base: Base, node: Arc<SourceNode>) -> Self {
        Self { base, node, ttl: MESSAGE_TTL }
    }
}

impl Fs {
    /// The attributes of a node inside a message that someone asks for.
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

    /// The attributes of an entry of a listing. Where only the making of a body would tell its
    /// size, that is left to those who ask: the lifetime of 0 has the kernel look it up first. If
    /// they are foreseen to ask, the size is told at once.
    ///
    /// A size that the kernel was told is told again, since files may be in use by it.
    fn listed_entry(
        &self,
        message: &MessageNode,
        open: &OpenMessage,
        child: &view::Entry,
        wanted: Option<NodeSet>,
    ) -> Result<Entry, Error> {
        let is_foreseen =
            |wanted: NodeSet| wanted.contains(child.id) || open.tree.is_made(child.id);
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
        let file_type = match attributes.kind {
            Kind::Directory => FileType::Directory,
            Kind::File => FileType::RegularFile,
            Kind::Symlink => FileType::Symlink,
        };
        let time = attributes.time.map(attr::system_time);
        let ino = Ino::new(message.base, id);
        let ownership = &self.options.ownership;
        let attr = Attr::made(&open.directory, ino, file_type, attributes.size, time, ownership);
        if attributes.is_protected { attr.protected() } else { attr }
    }

    /// The open message of a node, opened if it is not.
    pub(super) fn open_message(&self, message: &MessageNode) -> Result<Arc<OpenMessage>, Error> {
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
        let open = match self.messages.get(&message.node) {
            Some(open) => open,
            None => self.open_anew(message)?,
        };
        let read = open.tree.read_into(id, offset, size, out);
        // Only behind the read it is certain that no other state of the file is in it.
        check_unchanged(&message.node, &open)?;
        read.map_err(|error| message_error(&open.path, error))?;
        self.messages.weigh(&message.node, open.tree.bytes_held());
        Ok(())
    }

    fn open_anew(&self, message: &MessageNode) -> Result<Arc<OpenMessage>, Error> {
        let node = &message.node;
        let path = &node.path;
        let file = self.source.open_file(path).map_err(|error| source_error(path, error))?;
        let open = self.open_file_of(message, file)?;
        let bytes = open.tree.bytes_held();
        Ok(self.messages.insert(Arc::clone(node), Arc::new(open), bytes))
    }

    /// Opens a message in its file.
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
        let tree = MessageTree::open(&self.session, source, self.options.show)
            .map_err(|error| message_error(path, error))?;
        Ok(OpenMessage { path: path.clone(), tree, directory })
    }

    /// The message that the whole source is, as it is now. It counts as one lookup.
    pub(super) fn look_up_one_message(&self, root: &SourceNode) -> Result<MessageNode, Error> {
        let identity = self.metadata(&root.path)?.identity();
        let path = root.path.clone();
        let node = Arc::new(SourceNode { path, kind: SourceKind::Message, identity });
        Ok(MessageNode { base: self.nodes.look_up(&node), node, ttl: SOURCE_TTL })
    }

    /// Finds a file in a directory of a message.
    pub(super) fn lookup_in_message(
        &self,
        message: &MessageNode,
        id: NodeId,
        name: &OsStr,
    ) -> Result<Entry, Error> {
        let name = name.to_str().ok_or(Error::NotFound)?;
        // What file managers look for everywhere must not open every message.
        if id == NodeId(0) && !view::is_message_entry(name) {
            return Err(Error::NotFound);
        }
        let open = self.open_message(message)?;
        let found = open.tree.lookup(id, name);
        let (child, _) = found.map_err(|error| message_error(&open.path, error))?;
        let attr = self.asked_attr(message, &open, child)?;
        self.messages.weigh(&message.node, open.tree.bytes_held());
        self.nodes.look_up_inside(message.base, 1);
        Ok(Entry { attr, ttl: message.ttl })
    }

    /// Lists a directory in a message.
    pub(super) fn read_message(
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
        for (child, number) in listing.entries().iter().zip(3_u64..).filter(|(_, n)| *n > cookie) {
            // What cannot be told of one file must not end the listing of the others.
            let Ok(entry) = self.listed_entry(message, &open, child, wanted) else { continue };
            let name = OsStr::new(&child.name);
            if add(DirectoryEntry { name, cookie: number, entry, is_dot: false }) {
                break;
            }
            added += 1;
        }
        if look_up {
            self.nodes.look_up_inside(message.base, added);
        }
        self.messages.weigh(&message.node, open.tree.bytes_held());
        Ok(())
    }

    /// The message of a node that may have extended attributes.
    pub(super) fn message_with_attributes(
        &self,
        base: Base,
        id: NodeId,
    ) -> Result<Option<Arc<OpenMessage>>, Error> {
        if base == Base::CONTROL {
            return Ok(None);
        }
        let node = self.node(base)?;
        // A message directory has none, so that listing a folder opens no message.
        if node.kind != SourceKind::Message || id == NodeId(0) {
            return Ok(None);
        }
        Ok(Some(self.open_message(&MessageNode::new(base, node))?))
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
        let (base, _) = ino.parts();
        let node = self.node(base)?;
        let one = node.kind == SourceKind::OneMessage;
        let message = match one {
            true => self.look_up_one_message(&node)?,
            false => MessageNode::new(base, node),
        };
        let findings = self.open_message(&message).map(|open| open.tree.check());
        if one {
            self.nodes.forget(message.base, 1);
        }
        findings
    }

    /// What of a message directory, of all that is in it included, or of a file in a message cannot
    /// be read. No file is read for it.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn losses(&self, ino: Ino) -> Result<Vec<Defect>, Error> {
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            return Ok(Vec::new());
        }
        let node = self.node(base)?;
        let message = match node.kind {
            SourceKind::Message => MessageNode::new(base, node),
            SourceKind::OneMessage => self.look_up_one_message(&node)?,
            _ => return Ok(Vec::new()),
        };
        let losses = self.open_message(&message).map(|open| open.tree.losses(id));
        if message.base != base {
            self.nodes.forget(message.base, 1);
        }
        losses
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

/// A large file is read piece by piece, and must not have been written to meanwhile.
pub(super) fn check_unchanged(node: &SourceNode, open: &OpenMessage) -> Result<(), Error> {
    let Some(metadata) = open.tree.source().file_metadata() else { return Ok(()) };
    let metadata = metadata.map_err(|error| source_error(&node.path, error))?;
    check_identity(node, &(&metadata).into())
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
