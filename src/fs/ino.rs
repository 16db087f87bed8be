//! Inode numbers, and the table of the source files that the kernel knows.
//!
//! A number is a base, which stands for a file or folder of the source, and the number of a node
//! within it. Only bases in use have an entry in the table; the files inside a message need none.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::view::NodeId;

/// An inode number. The root of the mount is 1, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ino(pub u64);

/// The part of an inode number that stands for a file or folder of the source.
///
/// It has 38 bits, the upper half of them for messages that may be written to, so that even among
/// a million files hardly two have the same number at different times; at the same time they never
/// do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Base(u64);

impl Base {
    pub(super) const ROOT: Self = Self(0);
    /// `.msgfs/` and its files.
    pub(super) const CONTROL: Self = Self(1);
    const FIRST_FREE: u64 = 2;
    const MAX: u64 = Self::FIRST_DRAFT - 1;
    const FIRST_DRAFT: u64 = 1 << (u64::BITS - NodeId::BITS - 1);
    const DRAFT_MAX: u64 = 2 * Self::FIRST_DRAFT - 2;

    /// The base of a message that may be written to, out of a hash.
    pub(super) fn of_draft(hash: u64) -> Self {
        Self(Self::FIRST_DRAFT + hash % (Self::DRAFT_MAX - Self::FIRST_DRAFT + 1))
    }

    /// Whether it is that of a message that may be written to.
    pub(super) fn is_draft(self) -> bool {
        self.0 >= Self::FIRST_DRAFT
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// The base of a hash.
    fn new(hash: u64) -> Self {
        Self(Self::FIRST_FREE + hash % (Self::MAX - Self::FIRST_FREE + 1))
    }

    fn next(self) -> Self {
        if self.0 == Self::MAX { Self(Self::FIRST_FREE) } else { Self(self.0 + 1) }
    }
}

impl Ino {
    /// The root directory (`FUSE_ROOT_ID`).
    pub const ROOT: Self = Self(1);

    pub(super) fn new(base: Base, node: NodeId) -> Self {
        // No base has all bits set, so the sum cannot overflow.
        Self(((base.0 << NodeId::BITS) | u64::from(node.0)) + 1)
    }

    pub(super) fn parts(self) -> (Base, NodeId) {
        let number = self.0.wrapping_sub(1);
        let node = number & ((1 << NodeId::BITS) - 1);
        (Base(number >> NodeId::BITS), NodeId(u32::try_from(node).unwrap_or(0)))
    }
}

/// What a file of the source is to msgfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SourceKind {
    Folder,
    Message,
    /// The root of a source that is one message file: shows what is in the message.
    OneMessage,
    /// Any other file, shown as it is.
    Other,
    /// The directory that this filesystem is mounted on, if it lies in the source. It is shown
    /// empty and never opened, for that would be a request to ourselves.
    OwnMountPoint,
}

/// What tells one state of a source file from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Length, modification and change time of a message's file; 0 for all others, which may
    /// change under their number.
    pub(super) size: u64,
    pub(super) mtime: (i64, i64),
    pub(super) ctime: (i64, i64),
}

/// A file or folder of the source that the kernel knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SourceNode {
    // In the order in which they are compared: most nodes differ in their identity.
    pub(super) identity: Identity,
    pub(super) kind: SourceKind,
    /// Relative to the root of the source.
    pub(super) path: PathBuf,
}

/// The files and folders of the source that the kernel has looked up and not yet forgotten.
#[derive(Debug)]
pub(super) struct Nodes {
    known: RwLock<HashMap<Base, Known>>,
}

#[derive(Debug)]
struct Known {
    node: Arc<SourceNode>,
    lookups: AtomicU64,
    sizes_told: AtomicBool,
}

impl Known {
    fn new(node: Arc<SourceNode>, lookups: u64) -> Self {
        Self { node, lookups: AtomicU64::new(lookups), sizes_told: AtomicBool::new(false) }
    }
}

impl Nodes {
    /// A table with the root, which is never forgotten.
    pub(super) fn new(root: Arc<SourceNode>) -> Self {
        Self { known: RwLock::new(HashMap::from([(Base::ROOT, Known::new(root, 1))])) }
    }

    /// The node of a base.
    pub(super) fn get(&self, base: Base) -> Option<Arc<SourceNode>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&base).map(|known| Arc::clone(&known.node))
    }

    /// The base of a node as it would be entered, without entering it.
    pub(super) fn base_of(&self, node: &SourceNode) -> Base {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        free_or_same(&known, node)
    }

    /// Enters a node that the kernel is being told of.
    pub(super) fn look_up(&self, node: &Arc<SourceNode>) -> Base {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let base = free_or_same(&known, node);
        let entry = known.entry(base).or_insert_with(|| Known::new(Arc::clone(node), 0));
        entry.lookups.fetch_add(1, Ordering::Relaxed);
        base
    }

    /// Counts more references of the kernel to what is inside a known base.
    pub(super) fn look_up_inside(&self, base: Base, lookups: u64) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(&base) {
            entry.lookups.fetch_add(lookups, Ordering::Relaxed);
        }
    }

    /// Notes that the kernel is told the size of a body inside a base, and may have it read by
    /// that size until the base is forgotten.
    pub(super) fn tell_sizes(&self, base: Base) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(&base) {
            entry.sizes_told.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the kernel was told the size of any body inside a base.
    pub(super) fn are_sizes_told(&self, base: Base) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&base).is_some_and(|entry| entry.sizes_told.load(Ordering::Relaxed))
    }

    /// Takes back references; a node without any is left out of the table.
    pub(super) fn forget(&self, base: Base, lookups: u64) {
        if base == Base::ROOT {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = known.get_mut(&base) else { return };
        let left = entry.lookups.get_mut();
        *left = left.saturating_sub(lookups);
        if *left == 0 {
            known.remove(&base);
        }
    }

    /// All of them, as they are now.
    pub(super) fn known(&self) -> Vec<(Base, Arc<SourceNode>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(base, known)| (*base, Arc::clone(&known.node))).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The base of a node follows from its path and identity, so that it is the same whenever it is
/// looked up again; in the rare case that it is taken by another, the next free one.
fn free_or_same(known: &HashMap<Base, Known>, node: &SourceNode) -> Base {
    if known.get(&Base::ROOT).is_some_and(|root| *root.node == *node) {
        return Base::ROOT;
    }
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    let mut base = Base::new(hasher.finish());
    while known.get(&base).is_some_and(|known| *known.node != *node) {
        base = base.next();
    }
    base
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Base, Identity, Ino, Nodes, SourceKind, SourceNode};
    use crate::view::NodeId;

    fn node(path: &str, inode: u64) -> Arc<SourceNode> {
        let identity = Identity { inode, ..Identity::default() };
        Arc::new(SourceNode { path: path.into(), kind: SourceKind::Message, identity })
    }

    #[test]
    fn numbers_come_apart_again() {
        let last = (1 << NodeId::BITS) - 1;
        for (base, id) in [(0, 0), (1, 3), (2, last), (Base::MAX, last), (Base::DRAFT_MAX, last)] {
            let ino = Ino::new(Base(base), NodeId(id));
            assert_eq!(ino.parts(), (Base(base), NodeId(id)));
            assert_ne!(ino.0, 0);
        }
        assert_eq!(Ino::new(Base::ROOT, NodeId(0)), Ino::ROOT);
        assert!(!Base(Base::MAX).is_draft() && Base(Base::MAX).next() == Base(Base::FIRST_FREE));
        let draft = Base::of_draft(u64::MAX);
        assert!(draft.is_draft() && draft.0 <= Base::DRAFT_MAX);
        assert!(Base::of_draft(Base(Base::DRAFT_MAX).number() + 1).is_draft());
    }

    #[test]
    fn a_base_is_stable_and_counted() {
        let nodes = Nodes::new(node("", 1));
        let base = nodes.look_up(&node("a.msg", 2));
        assert_eq!(nodes.look_up(&node("a.msg", 2)), base);
        nodes.look_up_inside(base, 1);
        nodes.forget(base, 2);
        assert!(nodes.get(base).is_some());
        nodes.forget(base, 1);
        assert!(nodes.get(base).is_none());
        assert_eq!(nodes.look_up(&node("a.msg", 2)), base);
        nodes.forget(Base::ROOT, 1);
        assert!(nodes.get(Base::ROOT).is_some());
    }

    #[test]
    fn two_states_of_a_file_differ() {
        let nodes = Nodes::new(node("", 1));
        let old = nodes.look_up(&node("a.msg", 2));
        assert_ne!(nodes.look_up(&node("a.msg", 3)), old);
        assert_ne!(nodes.look_up(&node("b.msg", 2)), old);
    }
}
