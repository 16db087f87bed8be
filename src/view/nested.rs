//! Messages inside of attachments (signed mail, `winmail.dat`, attached `.msg` and `.eml` files):
//! each is a tree of its own. The numbers of its nodes lie within the run of its attachment.
//!
//! Depth and size are bounded, because a file whose streams overlap can contain itself many times.

use std::sync::Arc;

use crate::imsg::{self, Defect, Note};
use crate::mail;
use crate::mail::derived::{Inside, InsideLimit, content_len};
use crate::storage::{EntryNumber, Source};

use super::attachments::{ContentKind, ShownAttachment};
use super::derived::{DerivedEntry, DerivedKind};
use super::error::Error;
use super::listing::{FileKind, Listing, ListingEntry};
use super::node::{Node, NodeId};
use super::tree::{MessageTree, Root};

/// Where a tree lies within other trees.
#[derive(Clone, Debug)]
pub(super) struct Nesting {
    /// How many trees are around it.
    depth: u32,
    /// How many numbers its nodes have.
    pub(super) numbers: u32,
    /// What may still be opened, in all trees of one file together.
    limit: Arc<InsideLimit>,
}

impl Nesting {
    /// The tree of a file of this length, which lies in no other.
    pub(super) fn outermost(file_len: u64) -> Self {
        let numbers = 1 << NodeId::BITS;
        Self { depth: 0, numbers, limit: Arc::new(InsideLimit::new(file_len)) }
    }

    /// Whether the tree lies in no other.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 0
    }
}

impl MessageTree {
    /// The tree of the message inside of an attachment.
    pub(super) fn nested(&self, entry: EntryNumber) -> Result<Arc<Self>, Error> {
        if let Some(nested) = self.nested_trees().get(&entry) {
            return Ok(nested);
        }
        let outer = self.open_message(self.parent(entry)?)?;
        let found = outer.attachment(entry);
        let found = found.ok_or(Error::NotFound)?;
        let derived = found.derived.as_ref().ok_or(Error::NotFound)?;
        if !derived.kind.is_directory() {
            return Err(Error::NotADirectory);
        }
        let nested = Arc::new(self.nest(found, derived.kind)?);
        Ok(self.nested_trees().put(entry, nested))
    }

    /// If a node lies in a message inside of an attachment: the tree of that message, and the node
    /// in it.
    pub(super) fn inner(&self, node: Node) -> Result<Option<(Arc<Self>, NodeId)>, Error> {
        let Node::Derived(entry, index) = node else { return Ok(None) };
        if self.derived_kind(entry)? == FileKind::File {
            return Ok(None);
        }
        Ok(Some((self.nested(entry)?, NodeId(index))))
    }

    /// The listing of a nested tree, with the numbers that its nodes have in this tree.
    pub(super) fn outer_listing(
        &self,
        entry: EntryNumber,
        inner: &Listing,
    ) -> Result<Listing, Error> {
        let entries = inner.entries().iter().map(|one| {
            let id = self.id(Node::Derived(entry, one.id.0))?;
            Ok(ListingEntry { name: one.name.clone(), id, kind: one.kind })
        });
        Ok(Listing::new(entries.collect::<Result<_, Error>>()?))
    }

    fn nest(&self, found: &ShownAttachment, kind: DerivedKind) -> Result<Self, Error> {
        let around = self.nesting();
        let numbers = self.numbers_of(found.id);
        let nesting =
            Nesting { depth: around.depth + 1, numbers, limit: Arc::clone(&around.limit) };
        let attachment = &found.attachment;
        let defect = |cause| Defect { place: "/".to_owned(), cause };
        let opened = match around.limit.take(around.depth, content_len(attachment)) {
            Ok(()) => match Inside::open(kind, attachment) {
                Err(mail::Error::Message(error @ imsg::Error::SessionClosed)) => {
                    return Err(error.into());
                }
                Err(mail::Error::Damaged(defect)) => Err(defect),
                Err(error) => Err(defect(error.to_string())),
                Ok(inside) => Ok(inside),
            },
            Err(cause) => Err(defect(cause)),
        };
        let mut defects = found.missing.clone();
        let (root, source) = match opened {
            Ok(Inside { message, file, defects: more }) => {
                defects.extend(more);
                let source = Arc::clone(file.source());
                (Ok(Root { file, message }), source)
            }
            Err(defect) => (Err(defect), Arc::new(Source::from_bytes(Vec::new()))),
        };
        Ok(Self::inside(root, source, self.show, defects, nesting))
    }

    /// Reports the defects of a message and the notes on it, and those of all messages inside it.
    pub(super) fn collect(&self, entry: EntryNumber, found: &mut dyn FnMut(Finding)) {
        self.defects_of(entry).into_iter().for_each(|one| found(Finding::Defect(one)));
        let Ok(open) = self.open_message(entry) else { return };
        open.notes().iter().cloned().for_each(|one| found(Finding::Note(one)));
        for one in open.attachments() {
            if let Some((_, ContentKind::Message(embedded))) = one.entry {
                self.collect(embedded, found);
            }
            let Some(derived) = one.derived.as_ref().filter(|one| one.kind.is_directory()) else {
                continue;
            };
            if let Ok(nested) = self.nested(one.id) {
                let place = place_of(one, derived);
                nested.collect(EntryNumber::ROOT, &mut |one| found(one.below(&place)));
            }
        }
    }

    /// The defects met so far in messages inside of attachments.
    pub(super) fn defects_inside(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        for (entry, nested) in self.nested_trees().all() {
            let outer = self.parent(entry).and_then(|outer| self.open_message(outer));
            let Ok(outer) = outer else { continue };
            let found = outer.attachment(entry);
            let Some((one, derived)) = found.and_then(|one| Some((one, one.derived.as_ref()?)))
            else {
                continue;
            };
            let place = place_of(one, derived);
            defects.extend(
                nested
                    .defects()
                    .into_iter()
                    .map(|one| Defect { place: format!("{place}{}", one.place), cause: one.cause }),
            );
        }
        defects
    }
}

/// A defect or a note.
pub(super) enum Finding {
    Defect(Defect),
    Note(Note),
}

impl Finding {
    /// The same finding, with its place below another one.
    fn below(self, place: &str) -> Self {
        let below = |inner: &str| format!("{place}{inner}");
        match self {
            Self::Defect(Defect { place, cause }) => {
                Self::Defect(Defect { place: below(&place), cause })
            }
            Self::Note(Note { place, text }) => Self::Note(Note { place: below(&place), text }),
        }
    }
}

/// The place of the message inside of an attachment.
fn place_of(one: &ShownAttachment, derived: &DerivedEntry) -> String {
    let storage = one.attachment.storage().map(|storage| storage.path()).unwrap_or_default();
    format!("{storage}/{}", derived.name)
}
