//! One message file as a tree of files and directories.
//!
//! Listings and contents are made when first asked for, and kept as long as the message is open.
//! Knows nothing of inode numbers, folders or other messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::imsg::{self, MapiProp, Message, Session};
use crate::mail::content::Content;
use crate::mapi::{FileTime, tags};
use crate::storage::{CompoundFile, Defect, EntryNumber, Source};

use super::Show;
use super::attachments::AttachmentNames;
use super::error::Error;
use super::listing::{FileKind, Listing};
use super::memo::Memo;
use super::nested::Nesting;
use super::node::{Node, NodeId, Numbering};
use super::opened::TreeMessage;
use super::properties::PropertyFiles;
use super::walk::Walk;

/// One message file as a tree. Its root has [`NodeId`] 0.
#[derive(Debug)]
pub struct MessageTree {
    pub(super) source: Arc<Source>,
    pub(super) show: Show,
    /// Whether the message has never been saved.
    is_new: bool,
    /// The names that the attachments keep; `None` for a message that cannot be edited.
    names: Option<Arc<AttachmentNames>>,
    numbering: Numbering,
    root: Result<Root, Defect>,
    messages: Memo<EntryNumber, Arc<TreeMessage>>,
    property_files: Memo<EntryNumber, Arc<PropertyFiles>>,
    listings: Memo<NodeId, Arc<Listing>>,
    contents: Memo<NodeId, Content>,
    /// The trees of the messages inside of attachments.
    nested: Memo<EntryNumber, Arc<Self>>,
    nesting: Nesting,
    /// The defects of the attachment that this message is inside of.
    defects: Vec<Defect>,
    bytes_made: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct Root {
    pub(super) file: Arc<CompoundFile>,
    pub(super) message: Message,
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
        let source = Arc::new(source);
        let file = CompoundFile::open(Arc::clone(&source)).map_err(Error::from);
        Self::of(session, source, file, show, None)
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
        let source = Arc::new(source);
        let file = CompoundFile::open(Arc::clone(&source)).map_err(Error::from);
        Self::of(session, source, file, show, Some(Arc::clone(names)))
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
        Self::of(session, source, Ok(snapshot), show, Some(Arc::clone(names)))
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

    /// Whether the message has never been saved.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    fn of(
        session: &Session,
        source: Arc<Source>,
        file: Result<Arc<CompoundFile>, Error>,
        show: Show,
        names: Option<Arc<AttachmentNames>>,
    ) -> Result<Self, Error> {
        let root = match file.and_then(|file| open_root(session, file)) {
            Err(Error::Message(imsg::Error::SessionClosed)) => {
                return Err(imsg::Error::SessionClosed.into());
            }
            Err(Error::Message(error)) => Err(error.into_defect("/")),
            Err(error) => Err(Defect { place: "/".to_owned(), cause: error.to_string() }),
            Ok(root) => Ok(root),
        };
        let nesting = Nesting::outermost(source.len());
        Ok(Self { names, ..Self::inside(root, source, show, Vec::new(), nesting) })
    }

    /// The tree of a message inside of another one.
    pub(super) fn inside(
        root: Result<Root, Defect>,
        source: Arc<Source>,
        show: Show,
        defects: Vec<Defect>,
        nesting: Nesting,
    ) -> Self {
        let numbering = Numbering::new(root.as_ref().ok().map(|root| &root.file), nesting.numbers);
        Self {
            source,
            show,
            is_new: false,
            names: None,
            numbering,
            root,
            messages: Memo::default(),
            property_files: Memo::default(),
            listings: Memo::default(),
            contents: Memo::default(),
            nested: Memo::default(),
            nesting,
            defects,
            bytes_made: AtomicUsize::new(0),
        }
    }

    pub(super) fn nesting(&self) -> &Nesting {
        &self.nesting
    }

    pub(super) fn nested_trees(&self) -> &Memo<EntryNumber, Arc<Self>> {
        &self.nested
    }

    /// How many numbers there are for the nodes of the message inside of an attachment.
    pub(super) fn numbers_of(&self, entry: EntryNumber) -> u32 {
        self.numbering.derived_len(entry)
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
                self.outer_listing(entry, &*nested.list(id)?)?
            }
            _ => Listing::of(self, node)?,
        };
        let listing = Arc::new(listing);
        self.bytes_made.fetch_add(listing.bytes_held(), Ordering::Relaxed);
        Ok(self.listings.put(id, listing))
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
        let (node, kind) = super::listing::find(self, id, node, name)?;
        Ok((self.id(node)?, kind))
    }

    /// The message that a directory shows: the outermost one, an embedded one, or one that was made
    /// from the content of an attachment.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the node is no such directory, others where it cannot be opened.
    pub fn message(&self, id: NodeId) -> Result<imsg::Message, Error> {
        let node = self.node(id)?;
        match (node, self.inner(node)?) {
            (_, Some((nested, id))) => nested.message(id),
            (Node::Message(entry), None) => Ok(self.open_message(entry)?.message.clone()),
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
                time: attributes.time.or_else(|| self.time(node)),
                ..attributes
            });
        }
        let kind = super::listing::kind(self, node)?;
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
        let is_protected = self.is_protected(node)?;
        Ok(Attributes { kind, size, time: self.time(node), is_protected })
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
                let is_protected = self.is_protected(node)?;
                Attributes { kind, size: 0, time: None, is_protected }
            }
        };
        Ok(Attributes { time: attributes.time.or_else(|| self.time(node)), ..attributes })
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
        let inner = self.node(id).and_then(|node| self.inner(node));
        match inner {
            Ok(Some((nested, id))) => nested.is_content_made(id),
            _ => self.contents.get(&id).is_some(),
        }
    }

    /// Reads at most `size` bytes of a file from `offset`; fewer only at its end.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::NotFound`], or where the value is damaged.
    pub fn read(&self, id: NodeId, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        Ok(self.content(id)?.read(offset, size)?)
    }

    /// Reads at most `size` bytes of a file from `offset` into `out`, whose old content is
    /// replaced.
    ///
    /// # Errors
    /// As [`MessageTree::read`].
    pub fn read_into(
        &self,
        id: NodeId,
        offset: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        Ok(self.content(id)?.read_into(offset, size, out)?)
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

    /// The compound file of the message.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it could not be opened.
    pub fn compound_file(&self) -> Result<&Arc<CompoundFile>, Error> {
        self.file()
    }

    /// The embedded message that these attachments lead to: an attachment of the outermost message,
    /// one of the message in it, and so on, each by its number.
    pub(super) fn embedded(&self, numbers: &[u32]) -> Result<Arc<TreeMessage>, Error> {
        let mut open = self.open_message(EntryNumber::ROOT)?;
        for number in numbers {
            let attachment = open.message.attachment(*number)?;
            open = self.open_message(attachment.content_storage()?.id())?;
        }
        Ok(open)
    }

    /// The file of the message.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How much memory the open message takes, with everything that was made from it, in bytes.
    pub fn bytes_held(&self) -> usize {
        // An open file costs a descriptor too, which is scarcer than memory.
        const BYTES_PER_DESCRIPTOR: usize = 1 << 20;
        // Measured on small messages: the structures, and what the allocator adds.
        const OVERHEAD: usize = 2 << 10;
        let descriptor = if self.source.is_file() { BYTES_PER_DESCRIPTOR } else { 0 };
        let root = self.root.as_ref().map_or(0, |root| root.message.bytes_held());
        OVERHEAD
            + descriptor
            + root
            + self.numbering.bytes_held()
            + self.bytes_made.load(Ordering::Relaxed)
            + self.messages.all().iter().map(|(_, open)| open.bytes_held()).sum::<usize>()
            + self.nested.all().iter().map(|(_, nested)| nested.bytes_held()).sum::<usize>()
    }

    /// The defects of the message, and those met so far in the messages inside it.
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects = self.defects_of(EntryNumber::ROOT);
        let mut embedded = self.messages.all();
        embedded.retain(|(entry, _)| *entry != EntryNumber::ROOT);
        embedded.sort_unstable_by_key(|(entry, _)| *entry);
        for (_, open) in embedded {
            defects.extend_from_slice(open.defects_met());
        }
        defects.extend(self.defects_inside());
        defects
    }

    /// The defects of the message on a storage.
    pub(super) fn defects_of(&self, entry: EntryNumber) -> Vec<Defect> {
        match self.open_message(entry) {
            Ok(open) => open.defects().to_vec(),
            Err(Error::Damaged(defect)) => vec![defect],
            Err(error) => {
                let storage = self.file().ok().and_then(|file| file.storage(entry));
                let place = storage.map_or_else(|| "/".to_owned(), |storage| storage.path());
                vec![match error {
                    Error::Message(error) => error.into_defect(&place),
                    error => Defect { place, cause: error.to_string() },
                }]
            }
        }
    }

    pub(super) fn node(&self, id: NodeId) -> Result<Node, Error> {
        self.numbering.node(id).ok_or(Error::NotFound)
    }

    pub(super) fn id(&self, node: Node) -> Result<NodeId, Error> {
        self.numbering.id(node).ok_or(Error::TooManyFiles)
    }

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

    /// The names that the attachments keep; `None` for a message that cannot be edited.
    pub(super) fn attachment_names(&self) -> Option<&AttachmentNames> {
        self.names.as_deref()
    }

    /// Keeps the content of a file, unless one is kept already; returns the one that is kept.
    pub(super) fn keep(&self, id: NodeId, content: Content) -> Content {
        self.bytes_made.fetch_add(content.bytes_held(), Ordering::Relaxed);
        self.contents.put(id, content)
    }

    /// The compound file, or why it could not be opened.
    pub(super) fn file(&self) -> Result<&Arc<CompoundFile>, Error> {
        match &self.root {
            Ok(root) => Ok(&root.file),
            Err(defect) => Err(Error::Damaged(defect.clone())),
        }
    }

    /// The message whose storage is `entry`.
    pub(super) fn open_message(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        if let Some(open) = self.messages.get(&entry) {
            return Ok(open);
        }
        let open = if entry == EntryNumber::ROOT {
            match &self.root {
                Ok(root) => {
                    let open = TreeMessage::new(root.message.clone(), 0, self.names.clone());
                    open.with_defects(self.defects.clone())
                }
                Err(defect) => return Err(Error::Damaged(defect.clone())),
            }
        } else {
            // An embedded message lies in an attachment, and the attachment in the message around
            // it.
            let attachment = self.parent(entry)?;
            let outer = self.open_message(self.parent(attachment)?)?;
            let found = outer.attachment(attachment);
            let embedded = found.ok_or(Error::NotFound)?.attachment.embedded_message()?;
            TreeMessage::new(embedded, outer.depth + 1, self.names.clone())
        };
        Ok(self.messages.put(entry, Arc::new(open)))
    }

    /// The message, recipient or attachment whose storage is `entry`.
    pub(super) fn object(&self, entry: EntryNumber) -> Result<Box<dyn MapiProp>, Error> {
        if let Ok(open) = self.open_message_on(entry) {
            return Ok(Box::new(open.message.clone()));
        }
        let outer = self.open_message(self.parent(entry)?)?;
        if let Some(recipient) = outer.recipients().get(&entry) {
            return Ok(Box::new(recipient.clone()));
        }
        let attachment = outer.attachment(entry);
        Ok(Box::new(attachment.ok_or(Error::NotFound)?.attachment.clone()))
    }

    /// The message that a recipient, an attachment or a message belongs to.
    pub(super) fn message_around(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        self.open_message_on(entry).or_else(|_| self.open_message(self.parent(entry)?))
    }

    /// The files of the properties of an object.
    pub(super) fn property_files(&self, entry: EntryNumber) -> Result<Arc<PropertyFiles>, Error> {
        if let Some(files) = self.property_files.get(&entry) {
            return Ok(files);
        }
        let names = self.open_message(EntryNumber::ROOT)?.message.names()?;
        let (set, _) = self.object(entry)?.property_set()?;
        let files = Arc::new(PropertyFiles::new(&set, &names));
        self.bytes_made.fetch_add(files.bytes_held(), Ordering::Relaxed);
        Ok(self.property_files.put(entry, files))
    }

    /// Whether what is made from an attachment is a file or a directory; the attachment is not read
    /// for that.
    pub(super) fn derived_kind(&self, entry: EntryNumber) -> Result<FileKind, Error> {
        let outer = self.open_message(self.parent(entry)?)?;
        let found = outer.attachment(entry);
        let derived = found.and_then(|one| one.derived.as_ref()).ok_or(Error::NotFound)?;
        Ok(FileKind::new(derived.kind.is_directory()))
    }

    /// The storage that an entry lies in.
    pub(super) fn parent(&self, entry: EntryNumber) -> Result<EntryNumber, Error> {
        let file = self.file()?;
        let parent = match (file.storage(entry), file.stream(entry)) {
            (Some(storage), _) => storage.parent(),
            (None, Some(stream)) => stream.parent(),
            (None, None) => None,
        };
        Ok(parent.ok_or(Error::NotFound)?.id())
    }

    /// The message on a storage, if the name of the storage is that of an embedded message. Other
    /// storages are not tried.
    fn open_message_on(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        let is_object = entry == EntryNumber::ROOT
            || self
                .file()?
                .storage(entry)
                .is_some_and(|storage| imsg::is_value_of(storage.name(), tags::PR_ATTACH_DATA_OBJ));
        if is_object { self.open_message(entry) } else { Err(Error::NotFound) }
    }

    /// Whether a storage is that of a message.
    pub(super) fn is_message(&self, entry: EntryNumber) -> bool {
        self.open_message_on(entry).is_ok()
    }

    fn time(&self, node: Node) -> Option<FileTime> {
        let open = match node {
            // Streams and storages are those of the whole file.
            Node::Element(_) | Node::Raw(..) => self.open_message(EntryNumber::ROOT),
            node => self.message_around(node.entry()),
        };
        open.ok()?.time
    }
}

fn open_root(session: &Session, file: Arc<CompoundFile>) -> Result<Root, Error> {
    let message = session.open_message(&file.root(), imsg::Access::Read)?;
    Ok(Root { file, message })
}
