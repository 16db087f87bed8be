//! Opening messages: which file an inode number stands for, and whether it is still that file.

use std::fs::File;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::fs::Error;
use crate::fs::error::{message_error, source_error};
use crate::fs::source::attr::Attr;
use crate::fs::source::ino::{Base, Ino, SourceKind, SourceNode};
use crate::fs::source::metadata::Metadata;
use crate::fs::source::tree::{SOURCE_TTL, SourceTree};
use crate::storage::{FileState, Source};
use crate::view::{MessageTree, NodeId};

use super::{Directory, Messages, OpenMessage};

/// A message of the source as the kernel knows it.
#[derive(Debug)]
pub(in crate::fs) struct MessageNode<D> {
    pub(in crate::fs) base: Base,
    pub(in crate::fs) node: Arc<SourceNode>,
    /// How long the kernel may keep what is in it.
    pub(in crate::fs) ttl: Duration,
    /// The directory state, if it has one; a read-only mount has none.
    pub(in crate::fs) directory: Option<Arc<D>>,
}

/// A message that an inode belongs to. If the whole source is one message, the kernel knows only
/// the root, and the message is looked up for as long as this value lives.
#[derive(Debug)]
pub(in crate::fs) struct LookedUpMessage<'a, D> {
    source: &'a SourceTree<D>,
    message: MessageNode<D>,
    is_counted: bool,
}

impl<D> LookedUpMessage<'_, D> {
    /// The same message, with a directory state that was made for it.
    pub(in crate::fs) fn with_directory(mut self, directory: Option<Arc<D>>) -> Self {
        self.message.directory = directory;
        self
    }
}

impl<D> Deref for LookedUpMessage<'_, D> {
    type Target = MessageNode<D>;

    fn deref(&self) -> &MessageNode<D> {
        &self.message
    }
}

impl<D> Drop for LookedUpMessage<'_, D> {
    fn drop(&mut self) {
        if self.is_counted {
            self.source.nodes.forget(self.message.base, 1);
        }
    }
}

impl<D: Directory> Messages<D> {
    /// The message that an inode belongs to, and the number of the file in it. `differs` says
    /// whether a message differs from its file.
    pub(in crate::fs) fn message_of(
        &self,
        ino: Ino,
        differs: impl FnOnce(&MessageNode<D>) -> bool,
    ) -> Result<Option<(LookedUpMessage<'_, D>, NodeId)>, Error> {
        let nodes = &self.source.nodes;
        let (base, id) = nodes.followed(ino).parts();
        if base == Base::CONTROL {
            return Ok(None);
        }
        let (node, directory) = nodes.message(base).ok_or(Error::NotFound)?;
        match node.kind {
            SourceKind::Message => {
                let message = MessageNode { base, node, ttl: self.ttl(), directory };
                Ok(Some((self.looked_up(message, false), id)))
            }
            SourceKind::OneMessage => {
                Ok(Some((self.look_up_one_message(&node, differs)?, NodeId(0))))
            }
            SourceKind::Folder | SourceKind::Other | SourceKind::OwnMountPoint => Ok(None),
        }
    }

    /// A message that is known by its base.
    pub(in crate::fs) fn known(&self, base: Base) -> Result<MessageNode<D>, Error> {
        let (node, directory) = self.source.nodes.message(base).ok_or(Error::NotFound)?;
        Ok(MessageNode { base, node, ttl: self.ttl(), directory })
    }

    /// The message that the whole source is, as it is now.
    fn look_up_one_message(
        &self,
        root: &SourceNode,
        differs: impl FnOnce(&MessageNode<D>) -> bool,
    ) -> Result<LookedUpMessage<'_, D>, Error> {
        let (nodes, path) = (&self.source.nodes, &root.path);
        let claimed = nodes.claimed(path).map(|base| self.known(base)).transpose()?;
        if let Some(message) = claimed.filter(differs) {
            nodes.look_up_inside(message.base, 1);
            return Ok(self.looked_up(message, true));
        }
        let identity = self.source.metadata(path)?.identity();
        let node = SourceNode { path: path.clone(), kind: SourceKind::Message, identity };
        let base = nodes.look_up(&Arc::new(node));
        let message = self.known(base)?;
        let ttl = message.ttl.min(SOURCE_TTL);
        Ok(self.looked_up(MessageNode { ttl, ..message }, true))
    }

    fn looked_up(&self, message: MessageNode<D>, is_counted: bool) -> LookedUpMessage<'_, D> {
        LookedUpMessage { source: &self.source, message, is_counted }
    }

    /// The file that a message has now: a save may have replaced it since the message was looked up.
    /// With the old file, `cp` would see no attachment, create it, and be told that it exists.
    fn as_saved(&self, message: &MessageNode<D>) -> Arc<SourceNode> {
        let now = message.directory.as_ref().and_then(|_| self.source.nodes.get(message.base));
        now.unwrap_or_else(|| Arc::clone(&message.node))
    }

    /// Releases a message to which nobody refers any more.
    pub(in crate::fs) fn release(&self, node: &Arc<SourceNode>) {
        self.cache.remove(node);
    }

    /// Opens a message, unless the cache has it open.
    pub(in crate::fs) fn open(&self, message: &MessageNode<D>) -> Result<Arc<OpenMessage>, Error> {
        let node = self.as_saved(message);
        if let Some(open) = self.cache.get(&node) {
            check_unchanged(&node, &open)?;
            return Ok(open);
        }
        self.open_anew(message, node)
    }

    /// Reads a file in a message.
    pub(in crate::fs) fn read_at(
        &self,
        message: &MessageNode<D>,
        id: NodeId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let node = self.as_saved(message);
        let open = match self.cache.get(&node) {
            Some(open) => open,
            None => self.open_anew(message, Arc::clone(&node))?,
        };
        let read = match self.is_mount {
            true => open.read_whole_at(id, offset, buffer),
            false => open.tree.read_at(id, offset, buffer),
        };
        // Check the state after the read: before it, another program could still write, and the
        // answer would mix two states.
        check_unchanged(&node, &open)?;
        let read = read.map_err(|error| message_error(&open.path, error))?;
        self.cache.set_bytes(&node, open.tree.bytes_held());
        Ok(read)
    }

    fn open_anew(
        &self,
        message: &MessageNode<D>,
        node: Arc<SourceNode>,
    ) -> Result<Arc<OpenMessage>, Error> {
        let path = &node.path;
        let root = &self.source.root;
        let file = root.open_file(path).or_else(|error| match error.raw_os_error() {
            // Out of descriptors: close the messages that are only cached, and try again.
            Some(libc::EMFILE | libc::ENFILE) => {
                self.cache.clear();
                root.open_file(path)
            }
            _ => Err(error),
        });
        let file = file.map_err(|error| source_error(path, error))?;
        let open = self.open_file(message, &node, file)?;
        let bytes = open.tree.bytes_held();
        Ok(self.cache.insert(node, Arc::new(open), bytes))
    }

    /// Opens the message in a file, which must be the one that the node stands for.
    pub(super) fn open_file(
        &self,
        message: &MessageNode<D>,
        node: &SourceNode,
        file: File,
    ) -> Result<OpenMessage, Error> {
        let path = &node.path;
        let (source, metadata) =
            Source::from_file(file).map_err(|error| source_error(path, error))?;
        let metadata = self.source.root.with_access_list(path, (&metadata).into());
        check_identity(node, &metadata)?;
        let ino = Ino::new(message.base, NodeId(0));
        let directory = Attr::of_message(ino, &metadata, &self.source.ownership);
        let (session, show) = (&self.session, self.show);
        let tree = match &message.directory {
            Some(directory) => MessageTree::open_named(session, source, show, directory.names()),
            None => MessageTree::open(session, source, show),
        };
        let tree = tree.map_err(|error| message_error(path, error))?;
        Ok(OpenMessage::new(path.clone(), tree, directory))
    }
}

/// Checks that the file of an open message is unchanged: a large file is read piece by piece, and
/// must not have been written to meanwhile. The file is asked only if it was read since the last
/// check, since what comes from memory is of the state found then.
pub(super) fn check_unchanged(node: &SourceNode, open: &OpenMessage) -> Result<(), Error> {
    let source = open.tree.source();
    let reads = source.reads();
    if reads == open.reads_checked.load(Ordering::Acquire) {
        return Ok(());
    }
    match source.is_still(&FileState::from(&node.identity)) {
        Ok(true) => {}
        Ok(false) => return Err(Error::Stale { path: node.path.clone() }),
        Err(error) => return Err(source_error(&node.path, error)),
    }
    open.reads_checked.fetch_max(reads, Ordering::Release);
    Ok(())
}

/// Whether a file is still the one that the node stands for.
fn check_identity(node: &SourceNode, metadata: &Metadata) -> Result<(), Error> {
    match metadata.identity() == node.identity {
        true => Ok(()),
        false => Err(Error::Stale { path: node.path.clone() }),
    }
}
