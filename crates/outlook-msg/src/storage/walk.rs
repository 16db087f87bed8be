//! Builds the tree of storages and streams by following the links of the directory (\[MS-CFB\]
//! 2.6.4).
//!
//! The children of a storage form a search tree, linked by `left` and `right`. The walk uses only
//! the links, and ignores the order and the colours of the tree: it takes each entry once, and
//! sorts the children itself. A broken link cuts off a part of the tree; the walk looks for that
//! part among the entries that no link leads to.

use std::cmp::Ordering;
use std::ops::Range;

use super::directory::{NO_STREAM, ObjectType, StoredDirectory, StoredEntry};
use super::error::{Defects, Error};
use super::tree::{NodeKind, StorageNode, StorageTree, TreeNode};
use crate::mapi::Guid;

/// How deep storages may be nested. An embedded message takes two levels.
const DEPTH_MAX: u16 = 256;

/// Follows the links from the root entry, number `root`.
///
/// # Errors
/// `Directory` if no entry is of the type root, and no other entry can be reached.
pub(super) fn tree(
    directory: &StoredDirectory,
    root: u32,
    defects: &mut Defects,
) -> Result<StorageTree, Error> {
    let mut walk = DirectoryWalk::new(directory, root);
    walk.run(None);
    if let Some(adoption) = walk.adoption() {
        let mut second = DirectoryWalk::new(directory, root);
        second.run(Some(&adoption));
        // If a storage among the adopted entries is broken too, some of the entries may belong to
        // it. Then they are adopted only if nothing else could be shown.
        if second.broken.len() < 2 || walk.tree.len() == 1 {
            walk = second;
        }
    }
    let is_root = directory.entry(root).is_some_and(|e| e.object_type() == ObjectType::Root);
    if !is_root && walk.tree.len() == 1 {
        return Err(Error::Directory { sector: directory.first_sector() });
    }
    if !is_root || root != 0 {
        defects.add("directory", format_args!("entry {root} is taken for the root"));
    }
    walk.report_lost();
    defects.append(walk.defects);
    Ok(walk.tree)
}

/// Lost entries (no link leads to them), and the only storage that they can belong to.
#[derive(Debug)]
struct Adoption {
    storage: u32,
    tops: Vec<u32>,
}

/// Builds the tree. A number is that of a directory entry, unless it is called an id.
#[derive(Debug)]
struct DirectoryWalk<'a> {
    directory: &'a StoredDirectory,
    root: u32,
    tree: StorageTree,
    /// For each directory entry the storage in which it was found; `NO_STREAM` if it was not found.
    owners: Vec<u32>,
    /// The storages that contain broken links. At most two are kept: lost entries can be assigned
    /// only if there is just one.
    broken: Vec<u32>,
    stack: Vec<u32>,
    defects: Defects,
}

impl<'a> DirectoryWalk<'a> {
    fn new(directory: &'a StoredDirectory, root: u32) -> Self {
        let count = directory.len();
        Self {
            directory,
            root,
            tree: StorageTree { nodes: Vec::with_capacity(count), ..StorageTree::default() },
            owners: vec![NO_STREAM; count],
            broken: Vec::new(),
            stack: Vec::new(),
            defects: Defects::default(),
        }
    }

    /// Adds the root and all that can be reached from it.
    fn run(&mut self, adoption: Option<&Adoption>) {
        let Some(entry) = self.directory.entry(self.root) else { return };
        self.own(self.root, self.root);
        // The name of a property stream takes about this many bytes.
        self.tree.names.reserve(self.directory.len() * 24);
        self.add(self.root, entry, 0);
        self.add_storage(0, 0);
        let mut next = 0;
        while let Some(storage) = self.tree.storages.get(next).cloned() {
            let children = self.add_children(&storage, adoption);
            if let Some(storage) = self.tree.storages.get_mut(next) {
                storage.children = children.clone();
            }
            for id in children {
                self.add_storage(id, storage.depth + 1);
            }
            next += 1;
        }
    }

    /// Adds the children of a storage, in sort order. Returns their ids.
    fn add_children(&mut self, storage: &StorageNode, adoption: Option<&Adoption>) -> Range<u32> {
        let start = self.tree.nodes.len();
        let index = self.tree.node(storage.id).map_or(NO_STREAM, |node| node.index);
        let child = self.directory.entry(index).map_or(NO_STREAM, |entry| entry.child());
        if storage.depth < DEPTH_MAX {
            self.add_siblings(child, storage.id, index);
            if let Some(adoption) = adoption.filter(|adoption| adoption.storage == index) {
                self.add_adopted(adoption, storage.id, index);
            }
        } else if child != NO_STREAM {
            self.defects.add_at(
                || self.tree.path(storage.id),
                format_args!("storages below level {DEPTH_MAX} are left out"),
            );
        }
        let names = self.tree.names.as_str();
        let order = |a: &TreeNode, b: &TreeNode| a.name(names).compare(b.name(names));
        let added = self.tree.nodes.get_mut(start..).unwrap_or_default();
        if !added.is_sorted_by(|a, b| order(a, b) != Ordering::Greater) {
            added.sort_by(order);
        }
        id(start)..id(self.tree.nodes.len())
    }

    fn add_adopted(&mut self, adoption: &Adoption, parent: u32, storage: u32) {
        let before = self.tree.nodes.len();
        for &top in &adoption.tops {
            self.add_siblings(top, parent, storage);
        }
        let found = self.tree.nodes.len() - before;
        self.defects.add_at(
            || self.tree.path(parent),
            format_args!("entries listed here though no link leads to them: {found}"),
        );
    }

    /// Adds all entries of the search tree below `top`, from left to right.
    fn add_siblings(&mut self, top: u32, parent: u32, storage: u32) {
        let mut next = self.take(top, parent, storage);
        loop {
            while let Some((index, entry)) = next {
                self.stack.push(index);
                next = self.take(entry.left(), parent, storage);
            }
            let Some(index) = self.stack.pop() else { return };
            let Some(entry) = self.directory.entry(index) else { return };
            self.add(index, entry, parent);
            next = self.take(entry.right(), parent, storage);
        }
    }

    /// Follows a link; `None` if it leads nowhere or is broken.
    fn take(&mut self, link: u32, parent: u32, storage: u32) -> Option<(u32, StoredEntry<'a>)> {
        // Entry 0 is the root, which is nobody's child. Some programs write 0 for "no link".
        if link == NO_STREAM || link == 0 {
            return None;
        }
        let Some(entry) = self.directory.entry(link) else {
            let count = self.directory.len();
            self.note_broken(parent, storage, format_args!("entry {link} of {count}"));
            return None;
        };
        let owner = self.owner(link);
        if owner != NO_STREAM {
            self.note_broken(parent, storage, format_args!("entry {link} a second time"));
            // Either of the two links to the entry may be the wrong one. A link to a storage around
            // it is surely wrong.
            if self.broken.len() < 2 && !self.is_within(parent, link) {
                self.mark_broken(owner);
            }
            return None;
        }
        if entry.object_type() == ObjectType::Unused && !entry.is_named() {
            self.note_broken(parent, storage, format_args!("entry {link}, which is not in use"));
            return None;
        }
        self.own(link, storage);
        Some((link, entry))
    }

    /// Appends a node without its children.
    fn add(&mut self, index: u32, entry: StoredEntry<'_>, parent: u32) {
        let name_start = self.tree.names.len();
        let name_units = entry.append_name(&mut self.tree.names);
        let name_bytes = self.tree.names.len() - name_start;
        let (kind, is_certain) = self.kind(index, entry);
        let id = id(self.tree.nodes.len());
        self.tree.nodes.push(TreeNode {
            name_start: u32::try_from(name_start).unwrap_or(u32::MAX),
            name_bytes: u8::try_from(name_bytes).unwrap_or(0),
            name_units: u8::try_from(name_units).unwrap_or(0),
            parent,
            index,
            kind,
        });
        if name_units == 0 {
            let place = || self.tree.path(id);
            self.defects.add_at(place, format_args!("directory entry {index} has no name"));
        }
        if !is_certain {
            let what = if matches!(kind, NodeKind::Storage(_)) { "storage" } else { "stream" };
            self.defects.add_at(
                || self.tree.path(id),
                format_args!("object type {} is taken for a {what}", entry.type_byte()),
            );
        }
    }

    /// The kind of an entry, and whether its type says so.
    ///
    /// If the type is invalid, the child link decides: only a storage has children.
    fn kind(&self, index: u32, entry: StoredEntry<'_>) -> (NodeKind, bool) {
        let stream = NodeKind::Stream { first: entry.first_sector(), len: entry.stream_len() };
        let has_child = entry.child() != 0 && self.directory.entry(entry.child()).is_some();
        match entry.object_type() {
            _ if index == self.root => (NodeKind::Storage(0), true),
            ObjectType::Storage | ObjectType::Root => (NodeKind::Storage(0), true),
            ObjectType::Stream if entry.stream_len() > 0 || !has_child => (stream, true),
            _ if has_child => (NodeKind::Storage(0), false),
            _ => (stream, false),
        }
    }

    /// Adds a node to the list of storages, if it is a storage.
    fn add_storage(&mut self, id: u32, depth: u16) {
        let index = u32::try_from(self.tree.storages.len()).unwrap_or(u32::MAX);
        let at = usize::try_from(id).unwrap_or(usize::MAX);
        let Some(node) = self.tree.nodes.get_mut(at) else { return };
        if let NodeKind::Storage(place) = &mut node.kind {
            *place = index;
            let clsid = self.directory.entry(node.index).map_or(Guid::default(), |e| e.clsid());
            self.tree.storages.push(StorageNode { id, depth, clsid, version: 0, children: 0..0 });
        }
    }

    fn note_broken(&mut self, parent: u32, storage: u32, target: std::fmt::Arguments<'_>) {
        let place = || self.tree.path(parent);
        self.defects.add_at(place, format_args!("a link leads to directory {target}"));
        self.mark_broken(storage);
    }

    fn mark_broken(&mut self, storage: u32) {
        if self.broken.len() < 2 && !self.broken.contains(&storage) {
            self.broken.push(storage);
        }
    }

    /// Whether the storage of this id is the one of this directory entry, or lies inside it.
    fn is_within(&self, mut id: u32, index: u32) -> bool {
        while let Some(node) = self.tree.node(id) {
            if node.index == index || id == 0 {
                return node.index == index;
            }
            id = node.parent;
        }
        false
    }

    fn owner(&self, index: u32) -> u32 {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        self.owners.get(at).copied().unwrap_or(NO_STREAM)
    }

    fn own(&mut self, index: u32, storage: u32) {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(owner) = self.owners.get_mut(at) {
            *owner = storage;
        }
    }

    /// Decides where lost entries belong: to the storage with broken links if there is only one, or
    /// to a root without children. Anywhere else, the properties of one object could appear as
    /// those of another.
    fn adoption(&self) -> Option<Adoption> {
        let storage = match self.broken.as_slice() {
            [] if self.tree.len() == 1 => self.root,
            [storage] => *storage,
            _ => return None,
        };
        let tops = self.lost_tops();
        (!tops.is_empty()).then_some(Adoption { storage, tops })
    }

    /// The lost entries that no other lost entry links to. If all of them link in a ring, the first
    /// one.
    fn lost_tops(&self) -> Vec<u32> {
        let mut is_linked = vec![false; self.directory.len()];
        for (_, entry) in self.lost() {
            let is_storage = entry.object_type() == ObjectType::Storage;
            let child = if is_storage { entry.child() } else { NO_STREAM };
            for link in [entry.left(), entry.right(), child] {
                let at = usize::try_from(link).unwrap_or(usize::MAX);
                if let Some(is_linked) = is_linked.get_mut(at) {
                    *is_linked = true;
                }
            }
        }
        let free = |index: &u32| {
            let at = usize::try_from(*index).unwrap_or(usize::MAX);
            is_linked.get(at) == Some(&false)
        };
        let tops: Vec<u32> = self.lost().map(|(index, _)| index).filter(free).collect();
        if tops.is_empty() { self.lost().map(|(index, _)| index).take(1).collect() } else { tops }
    }

    /// The entries in use that were not found.
    fn lost(&self) -> impl Iterator<Item = (u32, StoredEntry<'a>)> + '_ {
        self.directory.entries().filter(|(index, entry)| {
            self.owner(*index) == NO_STREAM
                && matches!(entry.object_type(), ObjectType::Storage | ObjectType::Stream)
                && entry.is_named()
        })
    }

    fn report_lost(&mut self) {
        let count = self.lost().count();
        let Some((_, first)) = self.lost().next() else { return };
        let mut name = String::new();
        first.append_name(&mut name);
        self.defects.add(
            "directory",
            format_args!("entries that are in no storage: {count}, the first is {name:?}"),
        );
    }
}

/// The id of the node at this index.
fn id(index: usize) -> u32 {
    u32::try_from(index).expect("a directory has no more than 2^20 entries")
}

#[cfg(test)]
mod tests {
    use super::super::bytes::u32_at;
    use super::super::fixtures::{Broken, check, shown};
    use super::super::{CompoundFile, Source};
    use super::NO_STREAM;

    const TYPE: usize = 66;
    const COLOUR: usize = 67;
    const LEFT: usize = 68;
    const CHILD: usize = 76;

    #[test]
    fn takes_any_order_and_colour() {
        let names = ["big", "empty", "other", "small", "sub", "inner", "middle", "deep"];
        let colours = |b: &mut Broken| {
            for name in names {
                let at = b.entry(name) + COLOUR;
                b.bytes[at] = 77;
            }
        };
        check("colours", colours, "");
        let mirrored = |b: &mut Broken| {
            for name in names {
                let at = b.entry(name) + LEFT;
                b.bytes[at..at + 8].rotate_left(4);
            }
        };
        check("left and right changed", mirrored, "");
        let zeroed = |b: &mut Broken| {
            for name in names {
                for at in [LEFT, LEFT + 4, CHILD].map(|field| b.entry(name) + field) {
                    if u32_at(&b.bytes, at) == NO_STREAM {
                        b.put(at, 0);
                    }
                }
            }
        };
        check("0 for no link", zeroed, "");
    }

    #[test]
    fn keeps_entries_of_one_name() {
        let mut broken = Broken::sample();
        let at = broken.entry("small");
        broken.bytes[at..at + 10].copy_from_slice(b"O\0t\0h\0e\0R\0");
        let file = CompoundFile::open(Source::from_bytes(broken.bytes)).unwrap();
        let root = file.root();
        let entries: Vec<_> = root.entries().map(|e| (e.name().to_owned(), e.id().0)).collect();
        let expected = ["big", "sub", "empty", "other", "OtheR"].map(str::to_owned);
        assert_eq!(entries, expected.into_iter().zip(1..).collect::<Vec<_>>());
        assert_eq!(root.stream("OTHER").unwrap().id().0, 4);
        assert_eq!(file.stream(super::super::EntryNumber(5)).unwrap().len(), 100);
        assert_eq!(file.defects(), []);
    }

    #[test]
    fn gets_past_broken_links() {
        let link = |name: &'static str, field: usize, target: u32| {
            move |b: &mut Broken| b.put(b.entry(name) + field, target)
        };
        let to = |name: &'static str, field: usize, target: &'static str| {
            move |b: &mut Broken| b.put(b.entry(name) + field, b.index(target))
        };
        check(
            "a loop among siblings",
            to("other", LEFT, "sub"),
            "? /: a link leads to directory entry 1 a second time
             ? /: entries listed here though no link leads to them: 1",
        );
        check(
            "a storage in itself",
            to("deep", CHILD, "sub"),
            "? /sub/deep: a link leads to directory entry 1 a second time
             ? /sub/deep: entries listed here though no link leads to them: 1",
        );
        check(
            "one child of two storages",
            to("big", LEFT, "leaf"),
            "- /sub/deep/leaf
             + /leaf 10!
             ? /sub/deep: a link leads to directory entry 7 a second time",
        );
        check(
            "children outside",
            link("sub", CHILD, 5000),
            "? /sub: a link leads to directory entry 5000 of 12
             ? /sub: entries listed here though no link leads to them: 3",
        );
        check(
            "an entry in use that is cleared",
            |b| {
                let at = b.entry("other");
                b.bytes[at..at + 128].fill(0);
            },
            "- /other
             ? /: a link leads to directory entry 5, which is not in use
             ? /: entries listed here though no link leads to them: 2",
        );
        check(
            "a root without children",
            link("Root Entry", CHILD, 0xFFFF_FFFF),
            "? /: entries listed here though no link leads to them: 5",
        );
        // With two broken storages, nobody can tell to which one the lost entries belong.
        check(
            "two storages",
            |b| {
                b.put(b.entry("deep") + CHILD, 5000);
                b.put(b.entry("sub") + CHILD, 6000);
            },
            "- /sub/deep
             - /sub/deep/leaf
             - /sub/inner
             - /sub/middle
             ? /sub: a link leads to directory entry 6000 of 12
             ? directory: entries that are in no storage: 4, the first is \"deep\"",
        );
    }

    #[test]
    fn gets_past_wrong_types() {
        let typed = |name: &'static str, value: u8| {
            move |b: &mut Broken| {
                let at = b.entry(name) + TYPE;
                b.bytes[at] = value;
            }
        };
        for value in [0, 1, 77] {
            let taken = "? directory: entry 0 is taken for the root";
            check("root", typed("Root Entry", value), taken);
        }
        for value in [0, 2, 77] {
            let taken = format!("? /sub: object type {value} is taken for a storage");
            check("storage", typed("sub", value), &taken);
        }
        for value in [0, 4, 77] {
            let taken = format!("? /big: object type {value} is taken for a stream");
            check("stream", typed("big", value), &taken);
        }
    }

    #[test]
    fn bounds_the_depth() {
        let mut file = cfb::CompoundFile::create_with_version(
            cfb::Version::V3,
            std::io::Cursor::new(Vec::new()),
        )
        .unwrap();
        file.create_storage_all("/a".repeat(300)).unwrap();
        file.flush().unwrap();
        let (found, defects) = shown(&file.into_inner().into_inner()).unwrap();
        assert_eq!(found.len(), 256);
        assert_eq!(defects.len(), 2, "{defects:?}");
        assert!(defects[0].ends_with("/a: storages below level 256 are left out"), "{defects:?}");
        assert!(defects[1].contains("entries that are in no storage: 44"), "{defects:?}");
    }
}
