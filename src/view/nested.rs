//! Messages inside of attachments (signed mail, `winmail.dat`, attached `.msg` and `.eml` files):
//! each is a tree of its own. The numbers of its nodes lie within the run of its attachment.
//!
//! Depth and size are bounded, because a file whose streams overlap can contain itself many times.

use std::sync::Arc;

use crate::imsg;
use crate::mail;
use crate::mail::derived::Inside;
use crate::mail::inside::InsideLimit;
use crate::storage::{Defect, EntryNumber, Source};

use super::Show;
use super::attachments::ShownAttachment;
use super::check::Findings;
use super::derived::DerivedKind;
use super::error::Error;
use super::memo::Memo;
use super::node::NodeId;
use super::objects::{Objects, Root};
use super::tree::MessageTree;

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

    /// A tree in this one, whose nodes have so many numbers.
    fn inside(&self, numbers: u32) -> Self {
        Self { depth: self.depth + 1, numbers, limit: Arc::clone(&self.limit) }
    }
}

/// The trees inside of one tree that have been asked for, by the storages of the attachments.
#[derive(Debug)]
pub(super) struct NestedTrees {
    nesting: Nesting,
    trees: Memo<EntryNumber, Arc<MessageTree>>,
}

impl NestedTrees {
    /// No trees yet; `nesting` is that of the tree around them.
    pub(super) fn new(nesting: Nesting) -> Self {
        Self { nesting, trees: Memo::default() }
    }

    /// Whether the tree around them lies in no other.
    pub(super) fn is_in_outermost(&self) -> bool {
        self.nesting.depth == 0
    }

    /// The tree of the message inside of an attachment, whose nodes have so many numbers.
    pub(super) fn tree(
        &self,
        objects: &Objects,
        entry: EntryNumber,
        numbers: u32,
        show: Show,
    ) -> Result<Arc<MessageTree>, Error> {
        if let Some(tree) = self.trees.get(&entry) {
            return Ok(tree);
        }
        let outer = objects.outer_message(entry)?;
        let found = outer.attachment(entry).ok_or(Error::NotFound)?;
        let derived = found.derived.as_ref().ok_or(Error::NotFound)?;
        if !derived.kind.is_directory() {
            return Err(Error::NotADirectory);
        }
        let objects = self.open(found, derived.kind)?;
        let tree = MessageTree::new(objects, show, self.nesting.inside(numbers));
        // The memory of a tree grows with what is made from it, so `bytes_held` asks each tree.
        Ok(self.trees.put(entry, Arc::new(tree), 0))
    }

    /// Opens the message inside of an attachment.
    fn open(&self, found: &ShownAttachment, kind: DerivedKind) -> Result<Objects, Error> {
        let Nesting { depth, limit, .. } = &self.nesting;
        let opened = match limit.open(kind, &found.attachment, *depth) {
            Ok(inside) => Ok(inside),
            Err(mail::Error::Damaged(defect)) => Err(defect),
            Err(mail::Error::Message(error @ imsg::Error::SessionClosed)) => {
                return Err(error.into());
            }
            Err(error) => Err(Defect { place: "/".to_owned(), cause: error.to_string() }),
        };
        let mut findings = Findings { defects: found.missing.clone(), notes: Vec::new() };
        let (root, source) = match opened {
            Ok(Inside { message, file, defects, notes }) => {
                findings.defects.extend(defects);
                findings.notes = notes;
                let source = Arc::clone(file.source());
                (Ok(Root { file, message }), source)
            }
            Err(defect) => (Err(defect), Arc::new(Source::from_bytes(Vec::new()))),
        };
        Ok(Objects::inside(root, source, findings))
    }

    /// The trees that have been asked for, in the order of the storages.
    pub(super) fn met(&self) -> Vec<(EntryNumber, Arc<MessageTree>)> {
        self.trees.all()
    }

    /// How much memory they take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.trees.sum(|tree| tree.bytes_held())
    }
}
