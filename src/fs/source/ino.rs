//! Inode numbers, and the table of the source files that the kernel knows.
//!
//! A number is a base, which stands for a file or folder of the source, and the number of a node
//! within it. Only bases in use have an entry in the table; the files inside a message need none.

use std::collections::HashMap;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::RandomState;
use outlook_msg::sync::lock;

use crate::view::NodeId;

use super::name_hash::name_hash;

/// An inode number. The root of the mount is 1, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ino(pub u64);

/// The part of an inode number that stands for a file or folder of the source.
///
/// It has 38 bits: the first bits of the hash of the name, then bits of a hash of all that tells the
/// file from others, and added to that a hash of the folder. So the numbers in a folder rise in the
/// order of its listing, though not from its first entry on, and a program that sorts the folder by
/// them goes through it in that order, for which messages are opened ahead. Two files that the kernel
/// knows at the same time never have the same base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::fs) struct Base(u64);

impl Base {
    pub(in crate::fs) const ROOT: Self = Self(0);
    /// `.msgfs/` and its files.
    pub(in crate::fs) const CONTROL: Self = Self(1);
    const FIRST_FREE: u64 = 2;
    const MAX: u64 = (1 << (u64::BITS - NodeId::BITS)) - 2;

    /// So many of its bits are of the hash of the name: few enough that a changed file gets another
    /// base, and enough that in a folder of 100,000 files hardly two names have the same ones.
    const NAME_BITS: u32 = 24;

    /// Makes a base of the hashes of a name, of the whole file, and of its folder.
    fn new(of_name: u64, of_file: u64, of_folder: u64) -> Self {
        let bits = u64::BITS - NodeId::BITS;
        let file_bits = bits - Self::NAME_BITS;
        let name = of_name >> (u64::BITS - Self::NAME_BITS);
        let hash = (name << file_bits) | (of_file & ((1 << file_bits) - 1));
        let hash = hash.wrapping_add(of_folder) & ((1 << bits) - 1);
        Self(hash.clamp(Self::FIRST_FREE, Self::MAX))
    }

    fn next(self) -> Self {
        if self.0 == Self::MAX { Self(Self::FIRST_FREE) } else { Self(self.0 + 1) }
    }
}

impl Ino {
    /// The root directory (`FUSE_ROOT_ID`).
    pub const ROOT: Self = Self(1);

    pub(in crate::fs) fn new(base: Base, node: NodeId) -> Self {
        // No base has all bits set, so the sum cannot overflow.
        Self(((base.0 << NodeId::BITS) | u64::from(node.0)) + 1)
    }

    pub(in crate::fs) fn parts(self) -> (Base, NodeId) {
        let number = self.0.wrapping_sub(1);
        let node = number & ((1 << NodeId::BITS) - 1);
        (Base(number >> NodeId::BITS), NodeId(u32::try_from(node).unwrap_or(0)))
    }
}

/// What a file of the source is to msgfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::fs) enum SourceKind {
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
pub(in crate::fs) struct Identity {
    pub(in crate::fs) device: u64,
    pub(in crate::fs) inode: u64,
    /// Length, modification and change time of a message's file; 0 for all others, which may
    /// change under their number.
    pub(in crate::fs) size: u64,
    pub(in crate::fs) mtime: (i64, i64),
    pub(in crate::fs) ctime: (i64, i64),
}

/// A file or folder of the source that the kernel knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fs) struct SourceNode {
    // The derived comparison goes in this order, and most nodes differ in their identity.
    pub(in crate::fs) identity: Identity,
    pub(in crate::fs) kind: SourceKind,
    /// Relative to the root of the source.
    pub(in crate::fs) path: PathBuf,
}

/// The files and folders of the source that the kernel has looked up and not yet forgotten, and the
/// messages that are in use otherwise: by an open file, or by edits. Each base has one lookup count
/// for all of these.
///
/// `D` is what the part of edits keeps with a message. The table hands it out together with the
/// node, so that a request takes one lock for both; it knows nothing of what is in it.
#[derive(Debug)]
pub(in crate::fs) struct Nodes<D> {
    table: RwLock<NodeTable<D>>,
    /// Whether any file was moved to another message, so that its number has to be followed. In
    /// most mounts this never happens.
    has_forwarded: AtomicBool,
}

#[derive(Debug)]
struct NodeTable<D> {
    known: HashMap<Base, KnownNode<D>, RandomState>,
    /// The messages whose base does not follow from their file, by their paths: those that have
    /// edits, and those that were saved or moved by this mount.
    claims: HashMap<PathBuf, Base>,
}

#[derive(Debug)]
struct KnownNode<D> {
    node: Arc<SourceNode>,
    lookups: AtomicU64,
    sizes_told: AtomicBool,
    /// Made when it is first needed. A read-only mount has none.
    directory: OnceLock<Arc<D>>,
    /// For files that were moved to another message: the inode number that each has there, by its
    /// number here. Most messages have none.
    forwarded: OnceLock<Mutex<HashMap<NodeId, Ino>>>,
}

impl SourceNode {
    /// Device and inode number, which tell one folder from another.
    pub(super) fn folder_id(&self) -> (u64, u64) {
        (self.identity.device, self.identity.inode)
    }

    /// The base that the node has if no other node has it. It is the same in every mount.
    fn base(&self) -> Base {
        let mut hasher = DefaultHasher::new();
        (self.identity, self.kind, &self.path).hash(&mut hasher);
        let name = self.path.file_name().unwrap_or_default();
        let folder = self.path.parent().unwrap_or(Path::new("")).as_os_str();
        Base::new(name_hash(name), hasher.finish(), name_hash(folder))
    }
}

/// For the tables of open messages and of listings, which requests look into. The path is taken
/// as bytes, which is much faster than part by part. Every path here consists of names, without `.`
/// or a slash at the end, so equal paths have equal bytes.
impl Hash for SourceNode {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        debug_assert!(
            self.path.components().collect::<PathBuf>().as_os_str() == self.path.as_os_str(),
            "{:?}",
            self.path
        );
        self.identity.inode.hash(hasher);
        self.path.as_os_str().hash(hasher);
    }
}

impl<D> KnownNode<D> {
    fn new(node: Arc<SourceNode>, lookups: u64) -> Self {
        Self {
            node,
            lookups: AtomicU64::new(lookups),
            sizes_told: AtomicBool::new(false),
            directory: OnceLock::new(),
            forwarded: OnceLock::new(),
        }
    }

    /// The number that a file has in another message, if it was moved there.
    fn forwarded(&self, number: NodeId) -> Option<Ino> {
        lock(self.forwarded.get()?).get(&number).copied()
    }
}

impl<D> Nodes<D> {
    /// A table with the root, which is never forgotten.
    pub(in crate::fs) fn new(root: Arc<SourceNode>) -> Self {
        let known = HashMap::from_iter([(Base::ROOT, KnownNode::new(root, 1))]);
        let table = RwLock::new(NodeTable { known, claims: HashMap::new() });
        Self { table, has_forwarded: AtomicBool::new(false) }
    }

    /// The node of a base.
    pub(in crate::fs) fn get(&self, base: Base) -> Option<Arc<SourceNode>> {
        self.read().known.get(&base).map(|known| Arc::clone(&known.node))
    }

    /// The node of a message, and its directory state if it has one.
    pub(in crate::fs) fn message(&self, base: Base) -> Option<(Arc<SourceNode>, Option<Arc<D>>)> {
        let table = self.read();
        let known = table.known.get(&base)?;
        Some((Arc::clone(&known.node), known.directory.get().cloned()))
    }

    /// The number that a file has now. It is another one if the file was moved to another message,
    /// which may have happened several times.
    pub(in crate::fs) fn followed(&self, mut ino: Ino) -> Ino {
        if !self.has_forwarded.load(Ordering::Acquire) {
            return ino;
        }
        let table = self.read();
        loop {
            let (base, number) = ino.parts();
            match table.known.get(&base).and_then(|known| known.forwarded(number)) {
                Some(there) => ino = there,
                None => return ino,
            }
        }
    }

    /// Notes files that were moved to another message: from now on their numbers in `base` stand
    /// for the numbers there.
    pub(in crate::fs) fn forward(&self, base: Base, numbers: HashMap<NodeId, Ino>) {
        if let Some(known) = self.read().known.get(&base) {
            lock(known.forwarded.get_or_init(Mutex::default)).extend(numbers);
        }
        self.has_forwarded.store(true, Ordering::Release);
    }

    /// Whether a file of a message was moved to another one.
    pub(in crate::fs) fn is_forwarded(&self, base: Base, number: NodeId) -> bool {
        self.has_forwarded.load(Ordering::Acquire)
            && self.read().known.get(&base).is_some_and(|known| known.forwarded(number).is_some())
    }

    /// The directory state of a message that is known; made from its path if there is none yet.
    pub(in crate::fs) fn directory_or(
        &self,
        base: Base,
        make: impl FnOnce(&Path) -> D,
    ) -> Option<Arc<D>> {
        let table = self.read();
        let known = table.known.get(&base)?;
        let made = || Arc::new(make(&known.node.path));
        Some(Arc::clone(known.directory.get_or_init(made)))
    }

    /// The directory states of all messages that have one.
    pub(in crate::fs) fn directories(&self) -> Vec<Arc<D>> {
        let table = self.read();
        table.known.values().filter_map(|known| known.directory.get().cloned()).collect()
    }

    /// The base of a node as it would be entered, without entering it.
    pub(in crate::fs) fn base_of(&self, node: &SourceNode) -> Base {
        self.read().free_or_same(node)
    }

    /// Enters a node that the kernel is being told of.
    pub(in crate::fs) fn look_up(&self, node: &Arc<SourceNode>) -> Base {
        let mut table = self.write();
        let base = table.free_or_same(node);
        let entry = table.known.entry(base).or_insert_with(|| KnownNode::new(Arc::clone(node), 0));
        entry.lookups.fetch_add(1, Ordering::Relaxed);
        base
    }

    /// Counts more lookups of the kernel inside of a known base, or of msgfs itself for an open
    /// file or an edit.
    pub(in crate::fs) fn look_up_inside(&self, base: Base, lookups: u64) {
        if let Some(entry) = self.read().known.get(&base) {
            entry.lookups.fetch_add(lookups, Ordering::Relaxed);
        }
    }

    /// The base that claims a path.
    pub(in crate::fs) fn claimed(&self, path: &Path) -> Option<Base> {
        self.read().claims.get(path).copied()
    }

    /// The names in a folder that are claimed, each with its base.
    pub(in crate::fs) fn claimed_in(&self, folder: &Path) -> Vec<(OsString, Base)> {
        let table = self.read();
        let in_folder = table.claims.iter().filter(|(path, _)| path.parent() == Some(folder));
        let named =
            in_folder.filter_map(|(path, base)| Some((path.file_name()?.to_owned(), *base)));
        named.collect()
    }

    /// Makes a base stand for a node from now on, although the hash of the node is another one:
    /// this mount has saved or moved its file, or has edits of it.
    pub(in crate::fs) fn claim(&self, base: Base, node: &Arc<SourceNode>) {
        let mut table = self.write();
        let Some(known) = table.known.get_mut(&base) else { return };
        let old = std::mem::replace(&mut known.node, Arc::clone(node));
        if table.claims.get(&old.path) == Some(&base) {
            table.claims.remove(&old.path);
        }
        table.claims.insert(node.path.clone(), base);
    }

    /// Takes a path from the base that claims it.
    pub(in crate::fs) fn unclaim(&self, path: &Path, base: Base) {
        let mut table = self.write();
        if table.claims.get(path) == Some(&base) {
            table.claims.remove(path);
        }
    }

    /// Notes that the kernel was told the size of a body inside of a base. It may read the body by
    /// that size until it forgets the base.
    pub(in crate::fs) fn tell_sizes(&self, base: Base) {
        if let Some(entry) = self.read().known.get(&base) {
            entry.sizes_told.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the kernel was told the size of any body inside a base.
    pub(in crate::fs) fn are_sizes_told(&self, base: Base) -> bool {
        let table = self.read();
        table.known.get(&base).is_some_and(|entry| entry.sizes_told.load(Ordering::Relaxed))
    }

    /// Takes lookups back. A node without any leaves the table, and is returned.
    pub(in crate::fs) fn forget(&self, base: Base, lookups: u64) -> Option<Arc<SourceNode>> {
        if base == Base::ROOT {
            return None;
        }
        let mut table = self.write();
        let left = table.known.get_mut(&base)?.lookups.get_mut();
        *left = left.saturating_sub(lookups);
        if *left > 0 {
            return None;
        }
        let gone = table.known.remove(&base)?.node;
        if table.claims.get(&gone.path) == Some(&base) {
            table.claims.remove(&gone.path);
        }
        Some(gone)
    }

    /// All known nodes with their bases.
    pub(in crate::fs) fn known(&self) -> Vec<(Base, Arc<SourceNode>)> {
        let table = self.read();
        table.known.iter().map(|(base, known)| (*base, Arc::clone(&known.node))).collect()
    }

    /// How many there are.
    pub(in crate::fs) fn len(&self) -> usize {
        self.read().known.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, NodeTable<D>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, NodeTable<D>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> NodeTable<D> {
    /// The base of a node. If a base claims the path and stands for the same node, it is that one.
    /// Otherwise it is made of a hash of the node, so that it is the same whenever the node is
    /// looked up again; in the rare case that another node has it, it is the next free one.
    fn free_or_same(&self, node: &SourceNode) -> Base {
        let is_it = |base: &Base| self.known.get(base).is_some_and(|known| *known.node == *node);
        if is_it(&Base::ROOT) {
            return Base::ROOT;
        }
        if let Some(base) = self.claims.get(&node.path).filter(|base| is_it(base)) {
            return *base;
        }
        let mut base = node.base();
        // Another node had this base when the kernel was told of the node.
        if !self.known.contains_key(&base) && is_it(&base.next()) {
            return base.next();
        }
        while self.known.contains_key(&base) && !is_it(&base) {
            base = base.next();
        }
        base
    }
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
        for (base, id) in [(0, 0), (1, 3), (2, last), (Base::MAX, last)] {
            let ino = Ino::new(Base(base), NodeId(id));
            assert_eq!(ino.parts(), (Base(base), NodeId(id)));
            assert_ne!(ino.0, 0);
        }
        assert_eq!(Ino::new(Base::ROOT, NodeId(0)), Ino::ROOT);
        assert_eq!(Base(Base::MAX).next(), Base(Base::FIRST_FREE));
    }

    #[test]
    fn a_base_is_stable_and_counted() {
        let nodes = Nodes::<()>::new(node("", 1));
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
        let nodes = Nodes::<()>::new(node("", 1));
        let old = nodes.look_up(&node("a.msg", 2));
        assert_ne!(nodes.look_up(&node("a.msg", 3)), old);
        assert_ne!(nodes.look_up(&node("b.msg", 2)), old);
    }

    /// A usual export has a file of the same name in each of many folders.
    #[test]
    fn files_of_one_name_in_many_folders_have_bases_of_their_own() {
        let nodes = Nodes::<()>::new(node("", 1));
        let mut bases: Vec<_> = (0..20_000)
            .map(|folder| nodes.base_of(&node(&format!("{folder}/message.msg"), folder)))
            .collect();
        bases.sort_unstable();
        bases.dedup();
        assert!(bases.len() > 19_990, "{}", bases.len());
    }

    #[test]
    fn a_base_stays_when_the_one_before_it_is_forgotten() {
        let nodes = Nodes::<()>::new(node("", 1));
        let first = node("m.msg", 2);
        let same = (3..).map(|inode| node("m.msg", inode)).find(|one| one.base() == first.base());
        let same = same.unwrap();
        let (first, second) = (nodes.look_up(&first), nodes.look_up(&same));
        assert_ne!(first, second);
        nodes.forget(first, 1);
        assert_eq!(nodes.look_up(&same), second);
    }

    #[test]
    fn a_claim_outlives_a_save_and_a_move() {
        let nodes = Nodes::<()>::new(node("", 1));
        let base = nodes.look_up(&node("a.msg", 2));
        nodes.claim(base, &node("a.msg", 3));
        assert_eq!(nodes.look_up(&node("a.msg", 3)), base);
        // A file that others put there is another one.
        assert_ne!(nodes.base_of(&node("a.msg", 4)), base);
        nodes.claim(base, &node("b.msg", 3));
        assert_eq!(
            (nodes.claimed("a.msg".as_ref()), nodes.claimed("b.msg".as_ref())),
            (None, Some(base))
        );
        assert_eq!(nodes.base_of(&node("b.msg", 3)), base);
        nodes.forget(base, 2);
        assert_eq!(nodes.claimed("b.msg".as_ref()), None);
    }
}
