//! The entries of each directory of a message: those that a listing has, and those that are only
//! found by name.

use crate::storage::{Entry as StorageEntry, EntryNumber};

use super::attachments::{ContentKind, ShownAttachment};
use super::derived::{DerivedEntry, ENCRYPTED, SIGNED};
use super::error::Error;
use super::files::FILES;
use super::names::UniqueNames;
use super::node::{Node, NodeId};
use super::opened::TreeMessage;
use super::properties::{is_directory, position_by_tag, property_at};
use super::row::{ContentColumn, File, Holds, Within};
use super::show;
use super::tree::MessageTree;

/// Whether a node is a directory, a file or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A symbolic link. Its content is its target.
    Symlink,
}

impl FileKind {
    /// A directory or a file.
    pub(super) const fn new(is_directory: bool) -> Self {
        if is_directory { Self::Directory } else { Self::File }
    }
}

/// One entry of a directory.
#[derive(Clone, Debug)]
pub struct ListingEntry {
    /// Its file name.
    pub name: String,
    /// Its node.
    pub id: NodeId,
    /// What it is.
    pub kind: FileKind,
}

/// The entries of a directory, in a fixed order.
#[derive(Debug)]
pub struct Listing {
    entries: Vec<ListingEntry>,
    /// Positions in `entries`, sorted by name.
    by_name: Vec<usize>,
}

/// In messages that are embedded deeper than this, no whole messages (`message.eml` and the like)
/// are listed. Real mail is 3 levels deep.
const LISTED_DEPTH_MAX: u32 = 8;

impl Listing {
    /// The entries, in a fixed order.
    pub fn entries(&self) -> &[ListingEntry] {
        &self.entries
    }

    /// The entry of a name.
    pub fn find(&self, name: &str) -> Option<&ListingEntry> {
        let entry = |at: &usize| self.entries.get(*at);
        let found = self.by_name.binary_search_by(|at| {
            entry(at).map_or(std::cmp::Ordering::Less, |entry| entry.name.as_str().cmp(name))
        });
        entry(self.by_name.get(found.ok()?)?)
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let names: usize = self.entries.iter().map(|entry| entry.name.capacity()).sum();
        names + self.entries.capacity() * (size_of::<ListingEntry>() + size_of::<usize>())
    }

    /// The entries of a directory of a tree.
    pub(super) fn of(tree: &MessageTree, node: Node) -> Result<Self, Error> {
        let mut list = Builder { tree, entries: Vec::new() };
        match node {
            Node::Message(entry) => list.message(entry),
            Node::File(entry, File { contents: ContentColumn::Directory(directory), .. }) => {
                (directory.list)(&mut list, entry)
            }
            Node::NamedSet(entry, first) => list.named_set(entry, first),
            Node::Property(entry, index) => list.elements(entry, index),
            Node::Raw(entry, depth) => list.raw(entry, depth),
            // A directory inside of an attachment is listed by its own tree.
            Node::Derived(..) | Node::File(..) | Node::Attachment(_) | Node::Element(_) => {
                Err(Error::NotADirectory)
            }
        }?;
        Ok(Self::new(list.entries))
    }

    /// The same listing, with the numbers that its nodes have in the tree around its own.
    pub(super) fn renumbered(
        &self,
        number: impl Fn(NodeId) -> Result<NodeId, Error>,
    ) -> Result<Self, Error> {
        let entries = self.entries.iter().map(|one| {
            Ok(ListingEntry { name: one.name.clone(), id: number(one.id)?, kind: one.kind })
        });
        Ok(Self::new(entries.collect::<Result<_, Error>>()?))
    }

    /// A directory of these entries.
    fn new(entries: Vec<ListingEntry>) -> Self {
        let mut by_name: Vec<_> = (0..entries.len()).collect();
        by_name.sort_by_key(|at| entries.get(*at).map(|entry| entry.name.as_str()));
        Self { entries, by_name }
    }
}

/// Finds an entry of a directory by name, listed or not. If the entry can be found without a
/// listing, none is made: after an edit of a message with many attachments, making a listing takes
/// longer than the edit.
pub(super) fn find(
    tree: &MessageTree,
    id: NodeId,
    node: Node,
    name: &str,
) -> Result<(Node, FileKind), Error> {
    let found = match node {
        Node::Message(entry) => match File::in_message(name) {
            Some(file) if file.exists(tree, entry)? => Some((file.node(tree, entry)?, file.kind())),
            Some(_) => None,
            None => {
                let open = tree.objects.open_message(entry).map_err(|_| Error::NotFound)?;
                derived_entry(&open, name, true)
            }
        },
        Node::File(entry, File { contents: ContentColumn::Directory(directory), .. }) => {
            match (directory.find)(tree, entry, name)? {
                Some(found) => Some(found),
                None if directory.is_found_by_list => listed(tree, id, name)?,
                None => None,
            }
        }
        _ => listed(tree, id, name)?,
    };
    found.ok_or(Error::NotFound)
}

/// The entry of a name in a listing.
fn listed(tree: &MessageTree, id: NodeId, name: &str) -> Result<Option<(Node, FileKind)>, Error> {
    let listing = tree.list(id)?;
    listing.find(name).map(|entry| Ok((tree.node(entry.id)?, entry.kind))).transpose()
}

/// The file of a name in `attachments/`.
pub(super) fn find_attachment(
    tree: &MessageTree,
    entry: EntryNumber,
    name: &str,
) -> Result<Option<(Node, FileKind)>, Error> {
    let open = tree.objects.open_message(entry)?;
    let mut entries = open.attachments().iter().filter_map(|one| {
        let (known, shown) = one.entry.as_ref()?;
        (known == name).then_some(match shown {
            ContentKind::Message(embedded) => (Node::Message(*embedded), FileKind::Directory),
            _ => (Node::Attachment(one.id), FileKind::File),
        })
    });
    Ok(entries.next().or_else(|| derived_entry(&open, name, false)))
}

/// The property that is called by its tag, among those of an object.
pub(super) fn find_by_tag(
    tree: &MessageTree,
    entry: EntryNumber,
    name: &str,
) -> Result<Option<(Node, FileKind)>, Error> {
    if !name.starts_with("0x") && !name.starts_with("0X") {
        return Ok(None);
    }
    let known = tree.objects.property_files(entry)?;
    let known = known.plain.iter().find(|(file, _)| file == name).map(|(_, index)| *index);
    let position = match known {
        Some(index) => Some(index),
        None => position_by_tag(tree.objects.object(entry)?.as_ref(), name),
    };
    let property = position.map(|index| Node::Property(entry, index));
    property.map(|property| Ok((property, kind(tree, property)?))).transpose()
}

/// Finds what is made from an attachment by its name: among the files of the message (`signed/`),
/// or beside the attachment (`winmail.dat.d/`).
fn derived_entry(open: &TreeMessage, name: &str, is_of_message: bool) -> Option<(Node, FileKind)> {
    let mut derived = derived_of(open).filter(|(_, one)| one.kind.is_of_message() == is_of_message);
    let (one, derived) = derived.find(|(_, derived)| derived.name == name)?;
    Some((Node::Derived(one.id, 0), FileKind::new(derived.kind.is_directory())))
}

/// The file of the table that has this name in a directory, whether the message has it or not.
pub(super) fn row(tree: &MessageTree, node: Node, name: &str) -> Option<&'static File> {
    match node {
        Node::Message(_) => File::in_message(name),
        Node::File(entry, file) if file.holds(Holds::Properties) => {
            File::in_properties(tree.objects.is_message(entry)).find(|file| file.name == name)
        }
        _ => None,
    }
}

/// Whether a message directory can have an entry of this name.
pub fn is_message_entry(name: &str) -> bool {
    File::in_message(name).is_some() || [SIGNED, ENCRYPTED].contains(&name)
}

/// Whether a node is a directory, a file or a link.
pub(super) fn kind(tree: &MessageTree, node: Node) -> Result<FileKind, Error> {
    Ok(match node {
        Node::Message(_) | Node::NamedSet(..) => FileKind::Directory,
        Node::File(_, file) => file.kind(),
        Node::Attachment(_) | Node::Element(_) => FileKind::File,
        Node::Property(entry, index) => {
            let (set, _) = tree.objects.object(entry)?.property_set()?;
            let property = property_at(&set, index)?;
            match set.object(property) {
                Some(_) => FileKind::Symlink,
                None if is_directory(property) => FileKind::Directory,
                None => FileKind::File,
            }
        }
        Node::Raw(entry, _) => match tree.objects.file()?.storage(entry) {
            Some(_) => FileKind::Directory,
            None => FileKind::File,
        },
        // The kind of the first one follows from the attachment alone.
        Node::Derived(entry, 0) => FileKind::new(tree.objects.derived_kind(entry)?.is_directory()),
        Node::Derived(entry, index) => {
            let nested = tree.nested(entry)?;
            kind(&nested, nested.node(NodeId(index))?)?
        }
    })
}

/// The attachments from which something is made: `signed/`, `winmail.dat.d/` and the like.
fn derived_of(open: &TreeMessage) -> impl Iterator<Item = (&ShownAttachment, &DerivedEntry)> {
    open.attachments().iter().filter_map(|one| Some((one, one.derived.as_ref()?)))
}

/// A listing that is being made.
pub(super) struct Builder<'a> {
    tree: &'a MessageTree,
    entries: Vec<ListingEntry>,
}

impl Builder<'_> {
    fn push(&mut self, name: impl Into<String>, node: Node, kind: FileKind) -> Result<(), Error> {
        self.entries.push(ListingEntry { name: name.into(), id: self.tree.id(node)?, kind });
        Ok(())
    }

    fn file(&mut self, entry: EntryNumber, file: &'static File) -> Result<(), Error> {
        match file.exists(self.tree, entry)? {
            true => self.push(file.name, file.node(self.tree, entry)?, file.kind()),
            false => Ok(()),
        }
    }

    fn message(&mut self, entry: EntryNumber) -> Result<(), Error> {
        let open = self.tree.objects.open_message(entry).ok();
        let listing = show::ListingContext {
            show: self.tree.show,
            is_deep: open.as_ref().is_some_and(|open| open.depth > LISTED_DEPTH_MAX),
            is_unreadable: open.is_none(),
        };
        let files = FILES.iter().filter(|file| file.within == Within::Message);
        for file in files.filter(|file| file.is_listed(listing)) {
            self.file(entry, file)?;
        }
        match open {
            Some(open) => self.derived(&open, true),
            None => Ok(()),
        }
    }

    pub(super) fn attachments(&mut self, entry: EntryNumber) -> Result<(), Error> {
        let open = self.tree.objects.open_message(entry)?;
        for one in open.attachments() {
            match &one.entry {
                Some((name, ContentKind::Message(embedded))) => {
                    self.push(name, Node::Message(*embedded), FileKind::Directory)?;
                }
                Some((name, _)) => self.push(name, Node::Attachment(one.id), FileKind::File)?,
                None => {}
            }
        }
        self.derived(&open, false)
    }

    /// Adds what is made from attachments: to the files of the message, or beside the attachments.
    fn derived(&mut self, open: &TreeMessage, is_of_message: bool) -> Result<(), Error> {
        let derived = derived_of(open).filter(|(_, one)| one.kind.is_of_message() == is_of_message);
        for (one, derived) in derived {
            let kind = FileKind::new(derived.kind.is_directory());
            self.push(&derived.name, Node::Derived(one.id, 0), kind)?;
        }
        Ok(())
    }

    pub(super) fn mapi(&mut self, entry: EntryNumber) -> Result<(), Error> {
        let files = self.tree.objects.property_files(entry)?;
        self.properties(entry, &files.plain)?;
        for file in File::in_properties(self.tree.objects.is_message(entry)) {
            self.file(entry, file)?;
        }
        Ok(())
    }

    fn properties(&mut self, entry: EntryNumber, files: &[(String, u32)]) -> Result<(), Error> {
        for (name, index) in files {
            let node = Node::Property(entry, *index);
            self.push(name, node, kind(self.tree, node)?)?;
        }
        Ok(())
    }

    pub(super) fn recipients(&mut self, entry: EntryNumber) -> Result<(), Error> {
        for recipient in self.tree.objects.open_message(entry)?.message.recipients()? {
            let name = recipient.number()?.to_string();
            self.push(name, File::properties_of(recipient.storage_id()?)?, FileKind::Directory)?;
        }
        Ok(())
    }

    pub(super) fn mapi_attachments(&mut self, entry: EntryNumber) -> Result<(), Error> {
        let open = self.tree.objects.open_message(entry)?;
        for one in open.attachments() {
            let name = one.attachment.number()?.to_string();
            self.push(name, File::properties_of(one.id)?, FileKind::Directory)?;
        }
        Ok(())
    }

    pub(super) fn named(&mut self, entry: EntryNumber) -> Result<(), Error> {
        for set in &self.tree.objects.property_files(entry)?.sets {
            self.push(&set.name, Node::NamedSet(entry, set.first), FileKind::Directory)?;
        }
        Ok(())
    }

    fn named_set(&mut self, entry: EntryNumber, first: u32) -> Result<(), Error> {
        let files = self.tree.objects.property_files(entry)?;
        let set = files.sets.iter().find(|set| set.first == first).ok_or(Error::NotFound)?;
        self.properties(entry, &set.properties)
    }

    fn elements(&mut self, entry: EntryNumber, index: u32) -> Result<(), Error> {
        let (set, _) = self.tree.objects.object(entry)?.property_set()?;
        let property = property_at(&set, index)?;
        if !is_directory(property) {
            return Err(Error::NotADirectory);
        }
        for (index, stream) in set.element_streams(property.tag) {
            self.push(index.to_string(), Node::Element(stream.id()), FileKind::File)?;
        }
        Ok(())
    }

    fn raw(&mut self, entry: EntryNumber, depth: u32) -> Result<(), Error> {
        let storage = self.tree.objects.file()?.storage(entry).ok_or(Error::NotADirectory)?;
        let mut names = UniqueNames::default();
        for child in storage.entries() {
            let kind = match child {
                StorageEntry::Storage(_) => FileKind::Directory,
                StorageEntry::Stream(_) => FileKind::File,
            };
            let name = names.make(child.name(), "unnamed", "");
            self.push(name, Node::Raw(child.id(), depth), kind)?;
        }
        Ok(())
    }
}
