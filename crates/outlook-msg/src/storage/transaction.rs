//! A compound file under edit (`STGM_TRANSACTED`): a tree of storages and streams that begins as a
//! copy of an opened file.
//!
//! A transaction writes no file and copies no content: a stream that is not replaced refers to the
//! stream of the opened file. A clone shares everything with the original until it is changed, so
//! undoing an edit costs little.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};

use super::compound_file::CompoundFile;
use super::error::{Defect, Error};
use super::name::Name;
use super::object::{Entry, Storage};
use super::source::Source;
use super::stream::StreamContent;
use super::tree::{NodeKind, StorageNode, StorageTree, TreeNode};
use super::writer::refusal;
use crate::mapi::Guid;

const ROOT_NAME: &str = "Root Entry";

/// A compound file under edit. A path is the names from the root down, in any case; the empty path
/// is the root.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    root: Arc<EditedStorage>,
    /// See [`CompoundFile::origin_len`].
    origin_len: u64,
}

/// A storage with its entries, in the order of their names.
#[derive(Clone, Debug, Default)]
struct EditedStorage {
    clsid: Guid,
    /// See [`Storage::version`].
    version: u64,
    entries: Vec<NamedContent>,
}

#[derive(Clone, Debug)]
struct NamedContent {
    name: String,
    content: EntryContent,
}

#[derive(Clone, Debug)]
enum EntryContent {
    Storage(Arc<EditedStorage>),
    Stream(StreamContent),
}

impl Transaction {
    /// An empty file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how long that is of which the content is made. See [`CompoundFile::origin_len`].
    pub fn set_origin_len(&mut self, origin_len: u64) {
        self.origin_len = origin_len;
    }

    /// Begins with a copy of a storage and everything in it as the root.
    ///
    /// # Errors
    /// `Incomplete` if the copy would lose something: a stream or the directory is damaged, two
    /// entries have the same name, or a name cannot be written.
    pub fn on(storage: &Storage) -> Result<Self, Error> {
        if let Some(defect) = storage.file().defects().first() {
            return Err(Error::Incomplete(defect.clone()));
        }
        Self::carry_over(storage, &mut |defect| Err(Error::Incomplete(defect)))
    }

    /// Begins with a copy of what can be read of a storage, and returns the defects that lost
    /// something: a damaged stream is copied up to the damage, only the first of several entries
    /// with the same name is copied, and entries whose names cannot be written are left out.
    pub fn salvaged(storage: &Storage) -> (Self, Vec<Defect>) {
        let mut defects = Vec::new();
        let carried = Self::carry_over(storage, &mut |defect| {
            defects.push(defect);
            Ok(())
        });
        (carried.unwrap_or_default(), defects)
    }

    /// Copies a storage. Calls `lost` for everything that the copy lacks; an error of `lost` ends
    /// the copy.
    fn carry_over(
        storage: &Storage,
        lost: &mut dyn FnMut(Defect) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut storages = vec![storage.clone()];
        let mut next = 0;
        while let Some(one) = storages.get(next).cloned() {
            next += 1;
            storages.extend(one.entries().filter_map(|entry| match entry {
                Entry::Storage(storage) => Some(storage),
                Entry::Stream(_) => None,
            }));
        }
        // Inner storages come after outer ones in the list, so in reverse order every inner storage
        // is ready before the one that contains it.
        let mut made = HashMap::new();
        for one in storages.iter().rev() {
            let directory = carry_over(one, &mut made, lost)?;
            made.insert(one.id(), Arc::new(directory));
        }
        let root = made.remove(&storage.id()).unwrap_or_default();
        Ok(Self { root, origin_len: storage.file().origin_len() })
    }

    /// Creates a storage in an existing one. A storage that exists already stays as it is.
    ///
    /// # Errors
    /// `Name`, `NoStorage`.
    pub fn create_storage(&mut self, path: &[&str]) -> Result<(), Error> {
        if self.directory(path).is_none() {
            self.put(path, EntryContent::Storage(Arc::default()))?;
        }
        Ok(())
    }

    /// Sets the class of a storage.
    ///
    /// # Errors
    /// `NoStorage`.
    pub fn set_clsid(&mut self, path: &[&str], clsid: Guid) -> Result<(), Error> {
        self.directory_mut(path)?.clsid = clsid;
        Ok(())
    }

    /// Creates or replaces a stream in an existing storage.
    ///
    /// # Errors
    /// `Name`, `NoStorage`.
    pub fn write_stream(
        &mut self,
        path: &[&str],
        content: impl Into<StreamContent>,
    ) -> Result<(), Error> {
        self.put(path, EntryContent::Stream(content.into()))
    }

    /// Copies a storage with everything in it to a path, and replaces what is there.
    ///
    /// # Errors
    /// `Incomplete` as [`Transaction::on`], `Name`, `NoStorage`.
    pub fn copy_storage(&mut self, from: &Storage, to: &[&str]) -> Result<(), Error> {
        let from = Self::on(from)?;
        self.put_transaction(&from, to)
    }

    /// Copies the root of another transaction to a path, and replaces what is there.
    ///
    /// # Errors
    /// `Name`, `NoStorage`.
    pub fn put_transaction(&mut self, from: &Self, to: &[&str]) -> Result<(), Error> {
        if to.is_empty() {
            *self = from.clone();
            return Ok(());
        }
        self.put(to, EntryContent::Storage(Arc::clone(&from.root)))
    }

    /// A storage as the root of a new transaction; `None` if there is no such storage.
    pub fn part(&self, path: &[&str]) -> Option<Self> {
        Some(Self { root: Arc::clone(self.directory(path)?), origin_len: self.origin_len })
    }

    /// Removes a stream, or a storage with everything in it. Returns whether there was one.
    pub fn remove(&mut self, path: &[&str]) -> bool {
        let Some((name, parent)) = path.split_last() else { return false };
        if self.directory(parent).is_none_or(|directory| directory.find(name).is_err()) {
            return false;
        }
        let Ok(directory) = self.directory_mut(parent) else { return false };
        match directory.find(name) {
            Ok(index) => drop(directory.entries.remove(index)),
            Err(_) => return false,
        }
        true
    }

    /// The names in a storage, and whether each is that of a storage; empty if there is no such
    /// storage.
    pub fn entries(&self, path: &[&str]) -> impl Iterator<Item = (&str, bool)> {
        let entries = self.directory(path).map(|directory| directory.entries.as_slice());
        entries
            .unwrap_or_default()
            .iter()
            .map(|one| (one.name.as_str(), matches!(one.content, EntryContent::Storage(_))))
    }

    /// The content of a stream.
    pub fn stream(&self, path: &[&str]) -> Option<&StreamContent> {
        let (name, parent) = path.split_last()?;
        match &self.directory(parent)?.get(name)?.content {
            EntryContent::Stream(content) => Some(content),
            EntryContent::Storage(_) => None,
        }
    }

    /// Reads a whole stream; `None` if there is none.
    ///
    /// # Errors
    /// `Truncated`, `Io`.
    pub fn read_stream(&self, path: &[&str]) -> Result<Option<Vec<u8>>, Error> {
        match self.stream(path) {
            None => Ok(None),
            Some(StreamContent::Stream(stream)) => stream.read_all().map(Some),
            Some(StreamContent::Source(source) | StreamContent::Start(source, _)) => {
                let mut bytes = Vec::new();
                let len = usize::try_from(source.len()).unwrap_or(usize::MAX);
                source.append(0, len, &mut bytes).map_err(|error| Error::Io {
                    place: format!("stream {:?}", path.join("/")),
                    source: error,
                })?;
                Ok(Some(bytes))
            }
        }
    }

    /// The bytes of all streams together.
    pub fn content_bytes(&self) -> u64 {
        let mut pending = vec![&self.root];
        let mut total = 0_u64;
        while let Some(directory) = pending.pop() {
            for one in &directory.entries {
                match &one.content {
                    EntryContent::Storage(storage) => pending.push(storage),
                    EntryContent::Stream(content) => total = total.saturating_add(content.len()),
                }
            }
        }
        total
    }

    /// The present state as a compound file, which can be read like any other.
    pub fn snapshot(&self) -> Arc<CompoundFile> {
        let (mut tree, mut contents) = (StorageTree::default(), Vec::new());
        add_node(&mut tree, ROOT_NAME, 0, NodeKind::Storage(0));
        tree.storages.push(storage_node(0, 0, &self.root));
        let mut directories = vec![Arc::clone(&self.root)];
        let mut next = 0;
        // Breadth first: the storages are numbered in the order in which they are met.
        while let Some(directory) = directories.get(next).cloned() {
            let (parent, depth) =
                tree.storages.get(next).map_or((0, 0), |storage| (storage.id, storage.depth));
            let start = number(tree.nodes.len());
            for one in &directory.entries {
                match &one.content {
                    EntryContent::Storage(storage) => {
                        let index = number(directories.len());
                        let id = add_node(&mut tree, &one.name, parent, NodeKind::Storage(index));
                        tree.storages.push(storage_node(id, depth + 1, storage));
                        directories.push(Arc::clone(storage));
                    }
                    EntryContent::Stream(content) => {
                        let kind = NodeKind::Content(number(contents.len()));
                        add_node(&mut tree, &one.name, parent, kind);
                        contents.push(content.clone());
                    }
                }
            }
            let end = number(tree.nodes.len());
            if let Some(storage) = tree.storages.get_mut(next) {
                storage.children = start..end;
            }
            next += 1;
        }
        CompoundFile::of_contents(tree, contents, self.origin_len)
    }

    fn directory(&self, path: &[&str]) -> Option<&Arc<EditedStorage>> {
        path.iter().try_fold(&self.root, |directory, name| match &directory.get(name)?.content {
            EntryContent::Storage(storage) => Some(storage),
            EntryContent::Stream(_) => None,
        })
    }

    fn directory_mut(&mut self, path: &[&str]) -> Result<&mut EditedStorage, Error> {
        let missing = || Error::NoStorage { path: shown(path) };
        let mut directory = Arc::make_mut(&mut self.root);
        directory.version = next_version();
        for name in path {
            let index = directory.find(name).map_err(|_| missing())?;
            let content = directory.entries.get_mut(index).map(|one| &mut one.content);
            let Some(EntryContent::Storage(storage)) = content else { return Err(missing()) };
            directory = Arc::make_mut(storage);
            directory.version = next_version();
        }
        Ok(directory)
    }

    fn put(&mut self, path: &[&str], content: EntryContent) -> Result<(), Error> {
        let Some((name, parent)) = path.split_last() else {
            return Err(Error::NoStorage { path: shown(path) });
        };
        if let Some(cause) = refusal(name) {
            return Err(Error::Name { entry: shown(path), cause });
        }
        let directory = self.directory_mut(parent)?;
        match directory.find(name) {
            Ok(index) => {
                if let Some(known) = directory.entries.get_mut(index) {
                    known.content = content;
                }
            }
            Err(index) => {
                directory.entries.insert(index, NamedContent { name: (*name).to_owned(), content });
            }
        }
        Ok(())
    }
}

impl EditedStorage {
    /// The position of a name, or the position at which it would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        let name = Name::new(name);
        self.entries.binary_search_by(|one| Name::new(&one.name).compare(name))
    }

    fn get(&self, name: &str) -> Option<&NamedContent> {
        self.entries.get(self.find(name).ok()?)
    }
}

/// Copies one storage. Its inner storages have been copied already, and are taken from `made`.
fn carry_over(
    storage: &Storage,
    made: &mut HashMap<super::EntryNumber, Arc<EditedStorage>>,
    lost: &mut dyn FnMut(Defect) -> Result<(), Error>,
) -> Result<EditedStorage, Error> {
    let mut directory =
        EditedStorage { clsid: storage.clsid(), version: next_version(), entries: Vec::new() };
    for entry in storage.entries() {
        let name = Name::new(entry.name());
        let last = directory.entries.last().map(|last| Name::new(&last.name));
        let cause = match last.map(|last| last.compare(name)) {
            Some(Ordering::Equal) => Some("a second entry of this name".to_owned()),
            Some(Ordering::Greater) => Some("an entry out of order".to_owned()),
            Some(Ordering::Less) | None => refusal(entry.name()),
        };
        if let Some(cause) = cause {
            lost(Defect { place: entry.path(), cause })?;
            continue;
        }
        let content = match &entry {
            Entry::Storage(storage) => {
                EntryContent::Storage(made.remove(&storage.id()).unwrap_or_default())
            }
            Entry::Stream(stream) => match stream.check() {
                Ok(()) => EntryContent::Stream(stream.clone().into()),
                Err(error) => {
                    lost(Defect { place: entry.path(), cause: error.to_string() })?;
                    let readable = Source::from_stream(stream);
                    EntryContent::Stream(StreamContent::Source(Arc::new(readable)))
                }
            },
        };
        directory.entries.push(NamedContent { name: entry.name().to_owned(), content });
    }
    Ok(directory)
}

/// Adds a node to the tree. A name that can be written has at most 31 UTF-16 units, so its lengths
/// fit into a byte.
fn add_node(tree: &mut StorageTree, name: &str, parent: u32, kind: NodeKind) -> u32 {
    let id = number(tree.nodes.len());
    let units = Name::new(name).units;
    tree.nodes.push(TreeNode {
        name_start: number(tree.names.len()),
        name_bytes: u8::try_from(name.len()).unwrap_or(u8::MAX),
        name_units: u8::try_from(units).unwrap_or(u8::MAX),
        parent,
        index: id,
        kind,
    });
    tree.names.push_str(name);
    id
}

fn storage_node(id: u32, depth: u16, directory: &EditedStorage) -> StorageNode {
    let EditedStorage { clsid, version, .. } = *directory;
    StorageNode { id, depth, clsid, version, children: 0..0 }
}

/// A number that no state of a storage has had before.
fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, atomic::Ordering::Relaxed)
}

fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn shown(path: &[&str]) -> String {
    format!("/{}", path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Broken, STREAMS, content, sample, shown};
    use super::super::{Source, Stream, WHOLE_READ_BYTES_MAX, Writer};
    use super::*;

    const CLASS: Guid = Guid::from_u128(7);

    fn open(bytes: Vec<u8>) -> Arc<CompoundFile> {
        CompoundFile::open(Source::from_bytes(bytes)).unwrap()
    }

    fn base() -> Transaction {
        Transaction::on(&open(sample(cfb::Version::V3)).root()).unwrap()
    }

    fn find(file: &Arc<CompoundFile>, path: &[&str]) -> Stream {
        let (name, parent) = path.split_last().unwrap();
        let storage = parent.iter().fold(file.root(), |one, name| one.storage(name).unwrap());
        storage.stream(name).unwrap()
    }

    fn check_reads(stream: &Stream, expected: &[u8]) {
        let extents = stream.extents();
        assert_eq!((stream.len(), extents.readable_len()), (expected.len() as u64, stream.len()));
        assert_eq!(stream.read_all().unwrap(), expected);
        stream.check().unwrap();
        for offset in [0, 1, 63, 64, 5000, 10_000] {
            let expected = expected.get(offset..).unwrap_or_default();
            let expected = &expected[..expected.len().min(100)];
            let mut buf = [0; 100];
            let count = stream.read_at(offset as u64, &mut buf).unwrap();
            assert_eq!(&buf[..count], expected);
            let count = extents.read_at(offset as u64, &mut buf).unwrap();
            assert_eq!(&buf[..count], expected);
        }
    }

    #[test]
    fn a_snapshot_without_edits_is_the_base() {
        let snapshot = base().snapshot();
        assert_eq!((snapshot.entry_count(), snapshot.source().len()), (10, 0));
        for (path, len) in STREAMS {
            let names: Vec<&str> = path.split('/').skip(1).collect();
            let stream = find(&snapshot, &names);
            assert_eq!(stream.path(), path);
            check_reads(&stream, &content(path, len));
        }
        let mut writer = Writer::create(std::io::Cursor::new(Vec::new())).unwrap();
        assert_eq!(writer.copy_storage(&snapshot.root(), &[]).unwrap(), []);
        let written = writer.finish().unwrap().into_inner();
        assert_eq!(shown(&written), shown(&sample(cfb::Version::V3)));
    }

    #[test]
    fn edits_are_in_the_next_snapshot_and_in_no_older_one() {
        let mut edited = base();
        let before = edited.snapshot();
        let untouched = edited.clone();
        let large = tempfile::tempfile().unwrap();
        large.set_len(WHOLE_READ_BYTES_MAX + 1).unwrap();
        let (large, _) = Source::from_file(large).unwrap();
        edited.write_stream(&["BIG"], b"new".to_vec()).unwrap();
        edited.create_storage(&["made"]).unwrap();
        edited.set_clsid(&["made"], CLASS).unwrap();
        edited.write_stream(&["made", "large"], Arc::new(large)).unwrap();
        edited.write_stream(&["made", "twin"], find(&before, &["sub", "middle"])).unwrap();
        assert!(edited.remove(&["sub"]) && !edited.remove(&["sub"]));
        assert!(!edited.remove(&["none", "a"]) && !edited.remove(&[]));
        let after = edited.snapshot();
        assert_eq!(find(&after, &["big"]).name(), "big", "a name stays as it was written");
        check_reads(&find(&after, &["big"]), b"new");
        check_reads(&find(&after, &["made", "twin"]), &content("/sub/middle", 4095));
        assert_eq!(find(&after, &["made", "large"]).len(), WHOLE_READ_BYTES_MAX + 1);
        assert_eq!(after.root().storage("made").unwrap().clsid(), CLASS);
        assert!(after.root().storage("sub").is_none());
        check_reads(&find(&before, &["big"]), &content("/big", 9000));
        assert_eq!(untouched.snapshot().entry_count(), before.entry_count());
        let part = edited.part(&["made"]).unwrap();
        assert_eq!(part.entries(&[]).collect::<Vec<_>>(), [("twin", false), ("large", false)]);
        assert_eq!(part.content_bytes(), WHOLE_READ_BYTES_MAX + 1 + 4095);
    }

    #[test]
    fn edits_upon_edits_make_no_chain_of_files() {
        let mut transaction = base();
        for _ in 0..10_000 {
            transaction = Transaction::on(&transaction.snapshot().root()).unwrap();
        }
        check_reads(&find(&transaction.snapshot(), &["big"]), &content("/big", 9000));
    }

    #[test]
    fn what_cannot_be_carried_over_is_refused() {
        let refused = |damage: &dyn Fn(&mut Broken), expected: &str| {
            let mut broken = Broken::sample();
            damage(&mut broken);
            let error = Transaction::on(&open(broken.bytes).root()).unwrap_err();
            assert!(matches!(error, Error::Incomplete(_)), "{error}");
            assert!(error.to_string().starts_with(expected), "{error}");
        };
        refused(
            &|broken| broken.put(broken.fat(broken.first_sector("big") + 3), 5000),
            "/big: stream \"/big\": expected 9000 bytes, found 2048",
        );
        refused(
            &|broken| broken.put(broken.entry("big") + 120, 8000),
            "/big: stream \"/big\": the chain of sectors goes on after its 8000 bytes",
        );
        refused(
            &|broken| {
                let at = broken.entry("small");
                broken.bytes[at..at + 10].copy_from_slice(b"O\0t\0h\0e\0R\0");
            },
            "/OtheR: a second entry of this name",
        );
    }

    #[test]
    fn refuses_names_and_places() {
        let mut transaction = base();
        for (path, expected) in [
            (&["a/b"][..], "entry \"/a/b\": a name cannot hold '/'"),
            (&["none", "a"], "no storage \"/none\""),
            (&["big", "a"], "no storage \"/big\""),
            (&[], "no storage \"/\""),
        ] {
            let error = transaction.write_stream(path, Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(transaction.snapshot().entry_count(), 10);
    }
}
