//! The messages of the source: opening them, and listing what is in them.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::imsg::Defect;
use crate::storage::Source;
use crate::view::{self, Kind, MessageTree, NodeId};

use super::attr::{self, Attr, FileType};
use super::ino::{Base, Ino, SourceKind, SourceNode};
use super::{Add, DirectoryEntry, Entry, Error, Fs, MESSAGE_TTL, source, source_error};

/// A message that is open, and the attributes of its directory.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) path: PathBuf,
    pub(super) tree: MessageTree,
    directory: Attr,
}

impl Fs {
    /// The attributes of a node inside a message.
    pub(super) fn node_attr(
        &self,
        base: Base,
        open: &OpenMessage,
        id: NodeId,
    ) -> Result<Attr, Error> {
        let attributes =
            open.tree.attributes(id).map_err(|error| message_error(&open.path, error))?;
        self.messages.weigh(base, open.tree.bytes_held());
        let file_type = match attributes.kind {
            Kind::Directory => FileType::Directory,
            Kind::File => FileType::RegularFile,
            Kind::Symlink => FileType::Symlink,
        };
        let time = attributes.time.map(attr::system_time);
        let ino = Ino::new(base, id);
        let ownership = &self.options.ownership;
        Ok(Attr::made(&open.directory, ino, file_type, attributes.size, time, ownership))
    }

    /// The open message of a node, opened if it is not.
    pub(super) fn open_message(
        &self,
        base: Base,
        node: &SourceNode,
    ) -> Result<Arc<OpenMessage>, Error> {
        let path = &node.path;
        let check = |metadata: io::Result<Metadata>| {
            let metadata = metadata.map_err(|error| source_error(path, error))?;
            if source::identity(&metadata) != node.identity {
                return Err(Error::Stale { path: path.clone() });
            }
            Ok(metadata)
        };
        if let Some(open) = self.messages.get(base) {
            // A large file is read piece by piece, and must not have been written to meanwhile.
            open.tree.source().file_metadata().map(check).transpose()?;
            return Ok(open);
        }
        let file = self.source.open_file(path).map_err(|error| source_error(path, error))?;
        let metadata = check(file.metadata())?;
        let ino = Ino::new(base, NodeId(0));
        let directory = Attr::of_message(ino, &metadata, &self.options.ownership);
        let source = Source::from_file(file).map_err(|error| source_error(path, error))?;
        let tree = MessageTree::open(&self.session, source, self.options.show)
            .map_err(|error| message_error(path, error))?;
        let bytes = tree.bytes_held();
        Ok(self.messages.insert(
            base,
            Arc::new(OpenMessage { path: path.clone(), tree, directory }),
            bytes,
        ))
    }

    /// Lists a directory in a message.
    pub(super) fn read_message(
        &self,
        base: Base,
        node: &SourceNode,
        id: NodeId,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        let open = self.open_message(base, node)?;
        let listing = open.tree.list(id).map_err(|error| message_error(&open.path, error))?;
        if id == NodeId(0) && cookie == 0 {
            self.note_defects(node, &open.tree);
        }
        for (child, number) in listing.entries().iter().zip(3_u64..).filter(|(_, n)| *n > cookie) {
            let attr = self.node_attr(base, &open, child.id)?;
            let (name, entry) = (OsStr::new(&child.name), Entry { attr, ttl: MESSAGE_TTL });
            if add(DirectoryEntry { name, cookie: number, entry, is_dot: false }) {
                return Ok(());
            }
            if look_up {
                self.nodes.look_up_inside(base);
            }
        }
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
        Ok(Some(self.open_message(base, &node)?))
    }

    /// Whether an inode is a message directory of the source.
    pub fn is_message(&self, ino: Ino) -> bool {
        let (base, id) = ino.parts();
        let node = self.node(base).ok().filter(|_| id == NodeId(0) && base != Base::CONTROL);
        node.is_some_and(|node| node.kind == SourceKind::Message)
    }

    /// Reads everything in a message, those embedded in it included, and lists what is damaged.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn check(&self, ino: Ino) -> Result<Vec<Defect>, Error> {
        let (base, _) = ino.parts();
        let node = self.node(base)?;
        let open = self.open_message(base, &node)?;
        let defects = open.tree.check();
        self.messages.weigh(base, open.tree.bytes_held());
        Ok(defects)
    }

    /// Enters the defects of a message into `.msgfs/errors`.
    fn note_defects(&self, node: &SourceNode, tree: &MessageTree) {
        let defects = tree.defects();
        if !defects.is_empty() {
            let count = defects.len();
            if self.damaged.note(&node.path, defects) {
                tracing::warn!(path = %node.path.display(), count, "message with defects");
            }
        }
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
