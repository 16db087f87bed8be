//! One message file as a tree of files and directories.
//!
//! The tree finds the node of a number or a path and asks for what it needs: `objects` opens the
//! messages, recipients and attachments in the file, `listing` names the entries of a directory,
//! `content` makes the content of a file, `attributes` tells its extended attributes, `check` tells
//! the damage. If a node lies in the message inside of an attachment, the tree of that message
//! answers (`nested`). Listings and contents are kept as long as the message is open.
//!
//! Knows nothing of inode numbers, folders or other messages.

use std::sync::Arc;

use crate::imsg::{self, Session};
use crate::mail::Mail;
use crate::mail::content::Content;
use crate::mapi::FileTime;
use crate::storage::{CompoundFile, Defect, EntryNumber, Source};

use super::Show;
use super::attachments::AttachmentNames;
use super::attributes::{self, ExtendedAttribute};
use super::check::{self, Findings};
use super::error::Error;
use super::listing::{self, FileKind, Listing};
use super::memo::Memo;
use super::nested::{NestedTrees, Nesting};
use super::node::{Node, NodeId, Numbering};
use super::objects::Objects;
use super::row::Holds;
use super::walk::Walk;

/// Which message a directory shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownMessage {
    /// That of the message file.
    Outermost,
    /// One that is embedded in another.
    Embedded,
    /// That of an attached `.msg` or `.eml` file.
    Attached,
    /// One that an attachment only wraps: the content of signed mail, or of `winmail.dat`.
    Wrapped,
}

/// One message file as a tree. Its root has [`NodeId`] 0.
#[derive(Debug)]
pub struct MessageTree {
    pub(super) objects: Objects,
    pub(super) show: Show,
    /// Whether the message has never been saved.
    pub(super) is_new: bool,
    numbering: Numbering,
    listings: Memo<NodeId, Arc<Listing>>,
    contents: Memo<NodeId, Content>,
    /// The SHA-256 sums that were asked for.
    pub(super) sums: Memo<NodeId, Arc<str>>,
    pub(super) nested: NestedTrees,
}

/// The attributes of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// File, directory or symbolic link.
    pub kind: FileKind,
    /// The exact number of bytes that can be read; 0 for a directory.
    pub size: u64,
    /// The time of the message that the node belongs to.
    pub time: Option<FileTime>,
    /// Whether it is a property without `PROPATTR_WRITEABLE`, which must not be set.
    pub is_protected: bool,
}

impl MessageTree {
    /// Opens the message in a file. If there is no message in the file, the tree has only `ERRORS`
    /// and `message.msg`.
    ///
    /// # Errors
    /// If the session is closed.
    pub fn open(session: &Session, source: Source, show: Show) -> Result<Self, Error> {
        Self::of_source(session, source, show, None)
    }

    /// Opens the message in a file for a writable mount: attachments keep the names that they had
    /// before.
    ///
    /// # Errors
    /// If the session is closed.
    pub fn open_named(
        session: &Session,
        source: Source,
        show: Show,
        names: &Arc<AttachmentNames>,
    ) -> Result<Self, Error> {
        Self::of_source(session, source, show, Some(Arc::clone(names)))
    }

    /// Opens the present state of a message under edit.
    ///
    /// # Errors
    /// If the session is closed.
    pub fn of_snapshot(
        session: &Session,
        snapshot: Arc<CompoundFile>,
        show: Show,
        names: &Arc<AttachmentNames>,
    ) -> Result<Self, Error> {
        let source = Arc::clone(snapshot.source());
        let objects = Objects::open(session, source, Ok(snapshot), Some(Arc::clone(names)))?;
        Ok(Self::outermost(objects, show))
    }

    /// Opens the present state of a message that has never been saved.
    ///
    /// # Errors
    /// If the session is closed.
    pub fn of_new(
        session: &Session,
        snapshot: Arc<CompoundFile>,
        show: Show,
        names: &Arc<AttachmentNames>,
    ) -> Result<Self, Error> {
        let tree = Self::of_snapshot(session, snapshot, show, names)?;
        Ok(Self { is_new: true, ..tree })
    }

    fn of_source(
        session: &Session,
        source: Source,
        show: Show,
        names: Option<Arc<AttachmentNames>>,
    ) -> Result<Self, Error> {
        let source = Arc::new(source);
        let file = CompoundFile::open(Arc::clone(&source)).map_err(Error::from);
        Ok(Self::outermost(Objects::open(session, source, file, names)?, show))
    }

    fn outermost(objects: Objects, show: Show) -> Self {
        let nesting = Nesting::outermost(objects.source().len());
        Self::new(objects, show, nesting)
    }

    /// The tree of these objects; `nesting` says where it lies within other trees.
    pub(super) fn new(objects: Objects, show: Show, nesting: Nesting) -> Self {
        let numbering = Numbering::new(objects.file().ok(), nesting.numbers);
        Self {
            objects,
            show,
            is_new: false,
            numbering,
            listings: Memo::default(),
            contents: Memo::default(),
            sums: Memo::default(),
            nested: NestedTrees::new(nesting),
        }
    }

    /// The compound file of the message.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it could not be opened.
    pub fn compound_file(&self) -> Result<&Arc<CompoundFile>, Error> {
        self.objects.file()
    }

    /// The file of the message.
    pub fn source(&self) -> &Source {
        self.objects.source()
    }

    /// How much memory the open message takes, with everything that was made from it, in bytes.
    pub fn bytes_held(&self) -> usize {
        // The structures, and the room between them that the allocator cannot use. Measured on
        // 7,000 small messages in the cache: the process grows by 11.3 KB for each, of which the
        // terms below count 7.2 KB.
        const OVERHEAD: usize = 4 << 10;
        OVERHEAD
            + self.objects.bytes_held()
            + self.numbering.bytes_held()
            + self.listings.bytes_held()
            + self.contents.bytes_held()
            + self.sums.bytes_held()
            + self.nested.bytes_held()
    }

    /// The message that a directory shows: the outermost one, an embedded one, or one that was made
    /// from the content of an attachment.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the node is no such directory, others where it cannot be opened.
    pub fn mail(&self, id: NodeId) -> Result<Mail, Error> {
        self.in_innermost(id, |tree, _, node| match node {
            Node::Message(entry) => Ok(tree.objects.open_message(entry)?.to_mail()),
            _ => Err(Error::NotFound),
        })
    }

    /// Which message a directory shows; `None` if it shows none. Nothing is opened for that.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such node, others where the message around it cannot be
    /// read.
    pub fn shown_message(&self, id: NodeId) -> Result<Option<ShownMessage>, Error> {
        let node = self.node(id)?;
        let derived = match node {
            Node::Message(EntryNumber::ROOT) => return Ok(Some(ShownMessage::Outermost)),
            Node::Message(_) => return Ok(Some(ShownMessage::Embedded)),
            Node::Derived(entry, 0) => self.objects.derived_kind(entry)?,
            Node::Derived(..) => {
                let inner = self.inner(node)?;
                return inner.map_or(Ok(None), |(nested, id)| nested.shown_message(id));
            }
            _ => return Ok(None),
        };
        Ok(match derived {
            kind if kind.is_message_file() => Some(ShownMessage::Attached),
            kind if kind.is_wrapped() => Some(ShownMessage::Wrapped),
            _ => None,
        })
    }

    /// Whether the message that a directory shows can be opened.
    pub fn is_readable(&self, id: NodeId) -> Result<bool, Error> {
        self.in_innermost(id, |tree, _, node| match node {
            Node::Message(entry) => Ok(tree.objects.open_message(entry).is_ok()),
            _ => Ok(false),
        })
    }

    /// The entries of a directory.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such node, [`Error::NotADirectory`] if it is no
    /// directory, others where the message cannot be read.
    pub fn list(&self, id: NodeId) -> Result<Arc<Listing>, Error> {
        if let Some(listing) = self.listings.get(&id) {
            return Ok(listing);
        }
        let node = self.node(id)?;
        let listing = match (node, self.inner(node)?) {
            (Node::Derived(entry, _), Some((nested, id))) => {
                nested.list(id)?.renumbered(|inner| self.id(Node::Derived(entry, inner.0)))?
            }
            _ => Listing::of(self, node)?,
        };
        let bytes_held = listing.bytes_held();
        Ok(self.listings.put(id, Arc::new(listing), bytes_held))
    }

    /// Finds an entry of a directory, listed or hidden, and its kind.
    ///
    /// # Errors
    /// As [`MessageTree::list`].
    pub fn lookup(&self, id: NodeId, name: &str) -> Result<(NodeId, FileKind), Error> {
        let node = self.node(id)?;
        if let Some((nested, id)) = self.inner(node)? {
            let (inner, kind) = nested.lookup(id, name)?;
            return Ok((self.id(Node::Derived(node.entry(), inner.0))?, kind));
        }
        if let Some(listing) = self.listings.get(&id)
            && let Some(entry) = listing.find(name)
        {
            return Ok((entry.id, entry.kind));
        }
        let (node, kind) = listing::find(self, id, node, name)?;
        Ok((self.id(node)?, kind))
    }

    /// The node that a path from the root leads to, and its kind.
    ///
    /// # Errors
    /// As [`MessageTree::list`].
    pub fn resolve(&self, path: &str) -> Result<(NodeId, FileKind), Error> {
        let walk = Walk::new(self, path)?;
        match walk.kind {
            Some(kind) if walk.rest.is_empty() => Ok((self.id(walk.node)?, kind)),
            Some(FileKind::File | FileKind::Symlink) => Err(Error::NotADirectory),
            _ => Err(Error::NotFound),
        }
    }

    /// The kind, size and time of a node.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such node, others where the message cannot be read.
    pub fn attributes(&self, id: NodeId) -> Result<Attributes, Error> {
        let node = self.node(id)?;
        if let Some((nested, id)) = self.inner(node)? {
            let attributes = nested.attributes(id)?;
            return Ok(Attributes {
                time: attributes.time.or_else(|| self.objects.time(node)),
                ..attributes
            });
        }
        let kind = listing::kind(self, node)?;
        let size = match kind {
            FileKind::Directory => 0,
            FileKind::File | FileKind::Symlink => match self
                .content(id)
                .and_then(|one| Ok(one.len()?))
            {
                Err(Error::Message(error @ imsg::Error::SessionClosed)) => return Err(error.into()),
                // A value that is lost stays in the listing, and reading it is an error. The size
                // must not be 0, because the kernel reads nothing from an empty file.
                Err(_) => 1,
                Ok(len) => len,
            },
        };
        let is_protected = attributes::is_protected(&self.objects, node)?;
        Ok(Attributes { kind, size, time: self.objects.time(node), is_protected })
    }

    /// The attributes of a node whose kind is known from a listing, with 0 in place of its size.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such node.
    pub fn attributes_without_size(&self, id: NodeId, kind: FileKind) -> Result<Attributes, Error> {
        let node = self.node(id)?;
        let attributes = match self.inner(node)? {
            Some((nested, id)) => nested.attributes_without_size(id, kind)?,
            None => {
                let is_protected = attributes::is_protected(&self.objects, node)?;
                Attributes { kind, size: 0, time: None, is_protected }
            }
        };
        let time = attributes.time.or_else(|| self.objects.time(node));
        Ok(Attributes { time, ..attributes })
    }

    /// The extended attributes that a node has.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such node, others where the message cannot be read.
    pub fn extended_attributes(&self, id: NodeId) -> Result<Vec<ExtendedAttribute>, Error> {
        self.in_innermost(id, attributes::list)
    }

    /// The value of an extended attribute; `None` if the node does not have it.
    ///
    /// # Errors
    /// As [`MessageTree::extended_attributes`].
    pub fn extended_attribute(
        &self,
        id: NodeId,
        attribute: ExtendedAttribute,
    ) -> Result<Option<String>, Error> {
        self.in_innermost(id, |tree, id, node| attributes::value(tree, id, node, attribute))
    }

    /// Whether the size of a file is known only after its content is made, which takes long. The
    /// answer stays the same after it is made.
    pub fn is_size_costly(&self, id: NodeId) -> bool {
        let Ok(node) = self.node(id) else { return false };
        match self.inner(node) {
            Ok(Some((nested, id))) => nested.is_size_costly(id),
            _ => super::content::is_costly(self, node),
        }
    }

    /// Whether the content of a file has been made.
    pub fn is_content_made(&self, id: NodeId) -> bool {
        let made = self.in_innermost(id, |tree, id, _| Ok(tree.contents.has(&id)));
        made.unwrap_or(false)
    }

    /// Reads at most `size` bytes of a file from `offset`: fewer only at its end.
    ///
    /// # Errors
    /// As [`MessageTree::read_at`].
    pub fn read(&self, id: NodeId, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        Ok(self.content(id)?.read(offset, size)?)
    }

    /// Reads a file from `offset` into `buffer`. Returns how many bytes: fewer than it has room for
    /// only at the end.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::NotFound`], or where the value is damaged.
    pub fn read_at(&self, id: NodeId, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        Ok(self.content(id)?.read_at(offset, buffer)?)
    }

    /// The content of a file, which is made if it has not been yet.
    pub(super) fn content(&self, id: NodeId) -> Result<Content, Error> {
        if let Some(content) = self.contents.get(&id) {
            return Ok(content);
        }
        let node = self.node(id)?;
        if let Some((nested, id)) = self.inner(node)? {
            return nested.content(id);
        }
        let content = super::content::of(self, node)?;
        Ok(self.keep(id, content))
    }

    /// Keeps the content of a file, unless one is kept already; returns the one that is kept.
    pub(super) fn keep(&self, id: NodeId, content: Content) -> Content {
        let bytes_held = content.bytes_held();
        self.contents.put(id, content, bytes_held)
    }

    /// Reads every listed file, and returns the defects of the message and the notes on it, with
    /// those of all messages embedded in it.
    pub fn check(&self) -> Findings {
        check::check(self)
    }

    /// The defects of the message, and those met so far in the messages inside it.
    pub fn defects(&self) -> Vec<Defect> {
        check::defects_met(self)
    }

    /// What cannot be read of the message that a directory shows, without the messages inside it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the node is no such directory.
    pub fn own_defects(&self, id: NodeId) -> Result<Vec<Defect>, Error> {
        self.in_innermost(id, |tree, _, node| match node {
            Node::Message(entry) => Ok(tree.objects.defects_of(entry)),
            _ => Err(Error::NotFound),
        })
    }

    /// The message whose attachments a directory shows, and what cannot be read of that message.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the node is no such directory, others where it cannot be opened.
    pub fn mail_of_attachments(&self, id: NodeId) -> Result<(Mail, Vec<Defect>), Error> {
        self.in_innermost(id, |tree, _, node| match node {
            Node::File(entry, file) if file.holds(Holds::Attachments) => {
                let mail = tree.objects.open_message(entry)?.to_mail();
                Ok((mail, tree.objects.defects_of(entry)))
            }
            _ => Err(Error::NotFound),
        })
    }

    /// What cannot be read of a file or directory. For a message directory, and for a file that is
    /// made from a whole message, that is everything in the message; for `message.eml`, what is
    /// missing in it. No attachment is read for it.
    pub fn losses(&self, id: NodeId) -> Vec<Defect> {
        let Ok(node) = self.node(id) else { return Vec::new() };
        match self.inner(node) {
            Ok(Some((nested, id))) => nested.losses(id),
            _ => check::losses(self, node),
        }
    }

    /// Checks that no part is missing of the values that a file is made of. (A damaged attachment
    /// has a name that says so, and a file that is made from the whole message tells what it lacks.)
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first of the defects, [`Error::NotFound`].
    pub fn check_whole(&self, id: NodeId) -> Result<(), Error> {
        self.in_innermost(id, |tree, _, node| {
            let first = check::missing(tree, node).into_iter().next();
            first.map_or(Ok(()), |defect| Err(Error::Damaged(defect)))
        })
    }

    pub(super) fn node(&self, id: NodeId) -> Result<Node, Error> {
        self.numbering.node(id).ok_or(Error::NotFound)
    }

    pub(super) fn id(&self, node: Node) -> Result<NodeId, Error> {
        self.numbering.id(node).ok_or(Error::TooManyFiles)
    }

    /// The tree of the message inside of an attachment.
    pub(super) fn nested(&self, entry: EntryNumber) -> Result<Arc<Self>, Error> {
        let numbers = self.numbering.derived_len(entry);
        self.nested.tree(&self.objects, entry, numbers, self.show)
    }

    /// If a node lies in a message inside of an attachment: the tree of that message, and the node
    /// in it.
    fn inner(&self, node: Node) -> Result<Option<(Arc<Self>, NodeId)>, Error> {
        let Node::Derived(entry, index) = node else { return Ok(None) };
        if !self.objects.derived_kind(entry)?.is_directory() {
            return Ok(None);
        }
        Ok(Some((self.nested(entry)?, NodeId(index))))
    }

    /// Asks the innermost tree that a node lies in, with the number that the node has there.
    fn in_innermost<T>(
        &self,
        id: NodeId,
        ask: impl FnOnce(&Self, NodeId, Node) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let node = self.node(id)?;
        match self.inner(node)? {
            Some((nested, id)) => nested.in_innermost(id, ask),
            None => ask(self, id, node),
        }
    }
}
