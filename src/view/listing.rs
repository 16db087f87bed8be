//! Which entries each directory of a message has, listed and hidden.

use crate::storage::{Entry as StorageEntry, EntryId};

use super::attachments::{Shown, ShownAttachment};
use super::derived::{Derived, ENCRYPTED, SIGNED};
use super::error::Error;
use super::names::UniqueNames;
use super::node::{Node, NodeId};
use super::opened::OpenMessage;
use super::properties::{is_directory, position_by_tag};
use super::reader::ReaderFile;
use super::tree::MessageTree;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A symbolic link, whose content is its target.
    Symlink,
}

impl Kind {
    /// A directory or a file.
    pub(super) const fn new(is_directory: bool) -> Self {
        if is_directory { Self::Directory } else { Self::File }
    }
}

/// One entry of a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its file name.
    pub name: String,
    /// Its node.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
}

/// The entries of a directory, in a fixed order.
#[derive(Debug)]
pub struct Listing {
    entries: Vec<Entry>,
    /// Positions in `entries`, sorted by name.
    by_name: Vec<usize>,
}

/// Whole messages are listed in messages embedded so deep in others; real ones are 3 levels deep.
const LISTED_DEPTH_MAX: u32 = 8;

/// The names that are reachable in every message directory without being listed.
pub(super) const ERRORS: &str = "ERRORS";
pub(super) const MAPI: &str = "mapi";
pub(super) const MESSAGE_JSON: &str = "message.json";
pub(super) const MESSAGE_TXT: &str = "message.txt";
pub(super) const MESSAGE_EML: &str = "message.eml";
pub(super) const MESSAGE_MSG: &str = "message.msg";
pub(super) const RAW: &str = "raw";
pub(super) const ATTACHMENTS: &str = "attachments";
pub(super) const RECIPIENTS: &str = "recipients";
pub(super) const NAMED: &str = "named";

impl Listing {
    /// The entries, in a fixed order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let entry = |at: &usize| self.entries.get(*at);
        let found = self.by_name.binary_search_by(|at| {
            entry(at).map_or(std::cmp::Ordering::Less, |entry| entry.name.as_str().cmp(name))
        });
        entry(self.by_name.get(found.ok()?)?)
    }

    /// The memory it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let names: usize = self.entries.iter().map(|entry| entry.name.capacity()).sum();
        names + self.entries.capacity() * (size_of::<Entry>() + size_of::<usize>())
    }

    /// The entries of a directory of a tree.
    pub(super) fn of(tree: &MessageTree, node: Node) -> Result<Self, Error> {
        let mut list = Builder { tree, entries: Vec::new() };
        match node {
            Node::Message(entry) => list.message(entry),
            Node::Attachments(entry) => list.attachments(entry),
            Node::Mapi(entry) => list.mapi(entry),
            Node::Recipients(entry) => list.recipients(entry),
            Node::MapiAttachments(entry) => list.mapi_attachments(entry),
            Node::Named(entry) => list.named(entry),
            Node::NamedSet(entry, first) => list.named_set(entry, first),
            Node::Property(entry, index) => list.elements(entry, index),
            Node::Raw(entry, depth) => list.raw(entry, depth),
            // A directory inside of an attachment is listed by its own tree.
            Node::Derived(..)
            | Node::Reader(..)
            | Node::Errors(_)
            | Node::MessageMsg(_)
            | Node::MessageJson(_)
            | Node::MessageEml(_)
            | Node::MessageTxt(_)
            | Node::Attachment(_)
            | Node::Element(_) => Err(Error::NotADirectory),
        }?;
        Ok(Self::new(list.entries))
    }

    /// A directory of these entries.
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let mut by_name: Vec<_> = (0..entries.len()).collect();
        by_name.sort_by_key(|at| entries.get(*at).map(|entry| entry.name.as_str()));
        Self { entries, by_name }
    }
}

/// The node of a name that can be told without the listing, which after an edit of a message with
/// many attachments costs more than the edit.
pub(super) fn quick(
    tree: &MessageTree,
    node: Node,
    name: &str,
) -> Result<Option<(Node, Kind)>, Error> {
    Ok(match node {
        Node::Message(entry) if name == ATTACHMENTS => {
            let open = tree.open_message(entry)?;
            let has_any = open.attachments().iter().any(|one| one.entry.is_some());
            has_any.then_some((Node::Attachments(entry), Kind::Directory))
        }
        Node::Attachments(entry) => {
            let open = tree.open_message(entry)?;
            let mut entries = open.attachments().iter().filter_map(|one| {
                let (known, shown) = one.entry.as_ref()?;
                (known == name).then_some((one.id, *shown))
            });
            entries.next().map(|(id, shown)| match shown {
                Shown::Message(embedded) => (Node::Message(embedded), Kind::Directory),
                _ => (Node::Attachment(id), Kind::File),
            })
        }
        _ => None,
    })
}

/// The node of a name that a directory has but does not list.
pub(super) fn hidden(tree: &MessageTree, node: Node, name: &str) -> Result<(Node, Kind), Error> {
    match node {
        Node::Message(entry) => {
            let hidden = hidden_entries(tree, entry).into_iter().find(|(known, ..)| *known == name);
            hidden.map(|(_, node, kind)| (node, kind)).ok_or(Error::NotFound)
        }
        Node::Mapi(entry) => {
            let object = tree.object(entry)?;
            let position = position_by_tag(object.as_ref(), name).ok_or(Error::NotFound)?;
            let property = Node::Property(entry, position);
            Ok((property, kind(tree, property)?))
        }
        _ => Err(Error::NotFound),
    }
}

/// Whether a message directory can have an entry of this name at all.
pub fn is_message_entry(name: &str) -> bool {
    [
        ERRORS,
        ATTACHMENTS,
        MAPI,
        RAW,
        MESSAGE_EML,
        MESSAGE_JSON,
        MESSAGE_MSG,
        MESSAGE_TXT,
        SIGNED,
        ENCRYPTED,
    ]
    .contains(&name)
        || ReaderFile::ALL.into_iter().any(|file| file.name() == name)
}

/// What a node is.
pub(super) fn kind(tree: &MessageTree, node: Node) -> Result<Kind, Error> {
    Ok(match node {
        Node::Message(_)
        | Node::Attachments(_)
        | Node::Mapi(_)
        | Node::Recipients(_)
        | Node::MapiAttachments(_)
        | Node::Named(_)
        | Node::NamedSet(..) => Kind::Directory,
        Node::Reader(..)
        | Node::Errors(_)
        | Node::MessageMsg(_)
        | Node::MessageJson(_)
        | Node::MessageEml(_)
        | Node::MessageTxt(_)
        | Node::Attachment(_)
        | Node::Element(_) => Kind::File,
        Node::Property(entry, index) => {
            let (set, _) = tree.object(entry)?.property_set()?;
            let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
            let property = set.properties().get(index).ok_or(Error::NotFound)?;
            match set.object(property) {
                Some(_) => Kind::Symlink,
                None if is_directory(property) => Kind::Directory,
                None => Kind::File,
            }
        }
        Node::Raw(entry, _) => match tree.file()?.storage(entry) {
            Some(_) => Kind::Directory,
            None => Kind::File,
        },
        // What the first one is follows from what the attachment is.
        Node::Derived(entry, 0) => tree.derived_kind(entry)?,
        Node::Derived(entry, index) => {
            let nested = tree.nested(entry)?;
            kind(&nested, nested.node(NodeId(index))?)?
        }
    })
}

/// The entries of a message directory that are listed on demand only.
fn hidden_entries(tree: &MessageTree, entry: EntryId) -> Vec<(&'static str, Node, Kind)> {
    let mut entries = Vec::new();
    if let Ok(open) = tree.open_message(entry) {
        entries.push((MAPI, Node::Mapi(entry), Kind::Directory));
        entries.push((MESSAGE_JSON, Node::MessageJson(entry), Kind::File));
        entries.push((RAW, Node::Raw(entry, open.depth), Kind::Directory));
        entries.push((MESSAGE_EML, Node::MessageEml(entry), Kind::File));
        entries.push((MESSAGE_TXT, Node::MessageTxt(entry), Kind::File));
    }
    // The file itself is there even if it holds no message.
    if !entries.is_empty() || (entry == EntryId::ROOT && tree.nesting().is_outermost()) {
        entries.push((MESSAGE_MSG, Node::MessageMsg(entry), Kind::File));
    }
    entries
}

/// The attachments of a message of which something is made.
fn derived_of(open: &OpenMessage) -> impl Iterator<Item = (&ShownAttachment, &Derived)> {
    open.attachments().iter().filter_map(|one| Some((one, one.derived.as_ref()?)))
}

struct Builder<'a> {
    tree: &'a MessageTree,
    entries: Vec<Entry>,
}

impl Builder<'_> {
    fn push(&mut self, name: impl Into<String>, node: Node, kind: Kind) -> Result<(), Error> {
        self.entries.push(Entry { name: name.into(), id: self.tree.id(node)?, kind });
        Ok(())
    }

    fn message(&mut self, entry: EntryId) -> Result<(), Error> {
        let has_errors = match self.tree.open_message(entry) {
            Ok(open) => {
                for file in ReaderFile::ALL {
                    let node = Node::Reader(entry, file);
                    let id = self.tree.id(node)?;
                    // What had to be made is kept, since its size is asked for next.
                    let exists = file.exists(&open.message);
                    if exists.unwrap_or_else(|| self.tree.content(id).is_ok()) {
                        self.push(file.name(), node, Kind::File)?;
                    }
                }
                for (one, derived) in derived_of(&open) {
                    if derived.kind.is_of_message() {
                        let node = Node::Derived(one.id, 0);
                        self.push(&derived.name, node, Kind::new(derived.kind.is_directory()))?;
                    }
                }
                if open.attachments().iter().any(|one| one.entry.is_some()) {
                    self.push(ATTACHMENTS, Node::Attachments(entry), Kind::Directory)?;
                }
                !open.defects().is_empty()
            }
            Err(_) => true,
        };
        if has_errors {
            self.push(ERRORS, Node::Errors(entry), Kind::File)?;
        }
        let show = self.tree.show;
        let open = self.tree.open_message(entry);
        let unreadable = open.is_err();
        // Each of them has all that is embedded in the message: listed at every level of many, they
        // would take the square of that.
        let is_deep = open.is_ok_and(|open| open.depth > LISTED_DEPTH_MAX);
        for (name, node, kind) in hidden_entries(self.tree, entry) {
            let listed = match name {
                MAPI => show.mapi,
                _ if is_deep => false,
                MESSAGE_JSON => show.json,
                RAW => show.raw,
                MESSAGE_EML => show.eml,
                MESSAGE_TXT => show.text,
                _ => show.msg || unreadable,
            };
            if listed {
                self.push(name, node, kind)?;
            }
        }
        Ok(())
    }

    fn attachments(&mut self, entry: EntryId) -> Result<(), Error> {
        let open = self.tree.open_message(entry)?;
        for one in open.attachments() {
            match &one.entry {
                Some((name, Shown::Message(embedded))) => {
                    self.push(name, Node::Message(*embedded), Kind::Directory)?;
                }
                Some((name, _)) => self.push(name, Node::Attachment(one.id), Kind::File)?,
                None => {}
            }
        }
        for (one, derived) in derived_of(&open) {
            if !derived.kind.is_of_message() {
                self.push(
                    &derived.name,
                    Node::Derived(one.id, 0),
                    Kind::new(derived.kind.is_directory()),
                )?;
            }
        }
        Ok(())
    }

    fn mapi(&mut self, entry: EntryId) -> Result<(), Error> {
        let files = self.tree.property_files(entry)?;
        self.properties(entry, &files.plain)?;
        if !files.sets.is_empty() {
            self.push(NAMED, Node::Named(entry), Kind::Directory)?;
        }
        let around = self.tree.message_around(entry)?;
        if around.message.storage()?.id() != entry {
            return Ok(());
        }
        if !around.message.recipients()?.is_empty() {
            self.push(RECIPIENTS, Node::Recipients(entry), Kind::Directory)?;
        }
        if !around.attachments().is_empty() {
            self.push(ATTACHMENTS, Node::MapiAttachments(entry), Kind::Directory)?;
        }
        Ok(())
    }

    fn properties(&mut self, entry: EntryId, files: &[(String, u32)]) -> Result<(), Error> {
        for (name, index) in files {
            let node = Node::Property(entry, *index);
            self.push(name, node, kind(self.tree, node)?)?;
        }
        Ok(())
    }

    fn recipients(&mut self, entry: EntryId) -> Result<(), Error> {
        for recipient in self.tree.open_message(entry)?.message.recipients()? {
            let name = recipient.number()?.to_string();
            self.push(name, Node::Mapi(recipient.storage_id()?), Kind::Directory)?;
        }
        Ok(())
    }

    fn mapi_attachments(&mut self, entry: EntryId) -> Result<(), Error> {
        let open = self.tree.open_message(entry)?;
        for one in open.attachments() {
            let name = one.attachment.number()?.to_string();
            self.push(name, Node::Mapi(one.id), Kind::Directory)?;
        }
        Ok(())
    }

    fn named(&mut self, entry: EntryId) -> Result<(), Error> {
        for set in &self.tree.property_files(entry)?.sets {
            self.push(&set.name, Node::NamedSet(entry, set.first), Kind::Directory)?;
        }
        Ok(())
    }

    fn named_set(&mut self, entry: EntryId, first: u32) -> Result<(), Error> {
        let files = self.tree.property_files(entry)?;
        let set = files.sets.iter().find(|set| set.first == first).ok_or(Error::NotFound)?;
        self.properties(entry, &set.properties)
    }

    fn elements(&mut self, entry: EntryId, index: u32) -> Result<(), Error> {
        let (set, _) = self.tree.object(entry)?.property_set()?;
        let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
        let property = set.properties().get(index).ok_or(Error::NotFound)?;
        if !is_directory(property) {
            return Err(Error::NotADirectory);
        }
        for (index, stream) in set.element_streams(property.tag) {
            self.push(index.to_string(), Node::Element(stream.id()), Kind::File)?;
        }
        Ok(())
    }

    fn raw(&mut self, entry: EntryId, depth: u32) -> Result<(), Error> {
        let storage = self.tree.file()?.storage(entry).ok_or(Error::NotADirectory)?;
        let mut names = UniqueNames::default();
        for child in storage.entries() {
            let kind = match child {
                StorageEntry::Storage(_) => Kind::Directory,
                StorageEntry::Stream(_) => Kind::File,
            };
            let name = names.make(child.name(), "unnamed", "");
            self.push(name, Node::Raw(child.id(), depth), kind)?;
        }
        Ok(())
    }
}
