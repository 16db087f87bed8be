//! The storages and streams of a compound file, as a tree with dense ids.
//!
//! It has only the entries that can be reached; [`super::walk`] finds them in the directory.

use std::cmp::Ordering;
use std::ops::Range;

use super::name::Name;
use crate::mapi::Guid;

/// The entries that can be reached, breadth first; the children of a storage are in sort order.
///
/// The index of a node in `nodes` is its id. The first node is the root.
#[derive(Debug, Default)]
pub(super) struct StorageTree {
    pub(super) nodes: Vec<TreeNode>,
    pub(super) storages: Vec<StorageNode>,
    pub(super) names: String,
}

/// An entry that can be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeNode {
    pub(super) name_start: u32,
    pub(super) name_bytes: u8,
    pub(super) name_units: u8,
    /// The id of the storage it is in; that of the root is its own.
    pub(super) parent: u32,
    /// The number of its directory entry.
    pub(super) index: u32,
    pub(super) kind: NodeKind,
}

/// The kind of a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum NodeKind {
    /// A storage, and its index among the storages.
    Storage(u32),
    /// A stream by its first sector and its declared length in bytes.
    Stream { first: u32, len: u64 },
    /// A stream in a snapshot of a transaction, by the index of its content.
    Content(u32),
}

/// The data of a storage.
#[derive(Clone, Debug)]
pub(super) struct StorageNode {
    pub(super) id: u32,
    pub(super) depth: u16,
    pub(super) clsid: Guid,
    /// In a snapshot of a transaction, a number that changes whenever something in the storage
    /// changes; 0 in a file that was opened.
    pub(super) version: u64,
    /// The ids of its children.
    pub(super) children: Range<u32>,
}

impl StorageTree {
    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, id: u32) -> Option<&TreeNode> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &TreeNode> {
        self.nodes.iter()
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut TreeNode> {
        self.nodes.iter_mut()
    }

    /// The storage of this id; `None` for a stream.
    pub(super) fn storage(&self, id: u32) -> Option<&StorageNode> {
        match self.node(id)?.kind {
            NodeKind::Storage(index) => self.storages.get(usize::try_from(index).ok()?),
            NodeKind::Stream { .. } | NodeKind::Content(_) => None,
        }
    }

    /// The name of a node, empty if there is no such node.
    pub(super) fn name(&self, id: u32) -> &str {
        self.node(id).map_or("", |node| node.name(&self.names).text)
    }

    /// The children of a storage that have this name, in any case.
    pub(super) fn find(&self, storage: u32, name: &str) -> impl Iterator<Item = u32> + '_ {
        let children = self.storage(storage).map_or(0..0, |storage| storage.children.clone());
        let nodes = self.slice(&children);
        let name = Name::new(name);
        let order = |node: &TreeNode| node.name(&self.names).compare(name);
        let before = nodes.partition_point(|node| order(node) == Ordering::Less);
        let found = nodes.get(before..).unwrap_or_default();
        let count = found.partition_point(|node| order(node) == Ordering::Equal);
        children.skip(before).take(count)
    }

    /// The names from the root down to a node, each after a '/'; "/" for the root.
    pub(super) fn path(&self, mut id: u32) -> String {
        let mut names = Vec::new();
        while let Some(node) = self.node(id).filter(|_| id != 0) {
            names.push(node.name(&self.names).text);
            id = node.parent;
        }
        if names.is_empty() {
            return "/".into();
        }
        names.iter().rev().flat_map(|name| ["/", name]).collect()
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes_held(&self) -> usize {
        self.nodes.capacity() * size_of::<TreeNode>()
            + self.storages.capacity() * size_of::<StorageNode>()
            + self.names.capacity()
    }

    fn slice(&self, ids: &Range<u32>) -> &[TreeNode] {
        let start = usize::try_from(ids.start).unwrap_or(usize::MAX);
        let end = usize::try_from(ids.end).unwrap_or(usize::MAX);
        self.nodes.get(start..end).unwrap_or_default()
    }
}

impl TreeNode {
    pub(super) fn name<'a>(&self, names: &'a str) -> Name<'a> {
        let start = usize::try_from(self.name_start).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(self.name_bytes));
        let text = names.get(start..end).unwrap_or_default();
        Name { text, units: usize::from(self.name_units) }
    }
}
