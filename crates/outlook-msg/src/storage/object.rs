//! Storages, and the entries in them.

use std::fmt;
use std::sync::Arc;

use super::compound_file::{CompoundFile, EntryNumber};
use super::stream::Stream;
use crate::mapi::Guid;

/// A storage: a directory within a compound file.
#[derive(Clone)]
pub struct Storage {
    file: Arc<CompoundFile>,
    id: EntryNumber,
}

/// An entry of a storage.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A storage below it.
    Storage(Storage),
    /// A stream in it.
    Stream(Stream),
}

impl Storage {
    pub(super) fn new(file: Arc<CompoundFile>, id: EntryNumber) -> Self {
        Self { file, id }
    }

    /// Its number in the file.
    pub fn id(&self) -> EntryNumber {
        self.id
    }

    /// The file it is in.
    pub fn file(&self) -> &Arc<CompoundFile> {
        &self.file
    }

    /// Its name as stored. The root has the name that the program wrote.
    pub fn name(&self) -> &str {
        self.file.entry_name(self.id)
    }

    /// The names from the root down, such as `/__attach_version1.0_#00000001`, for error messages.
    pub fn path(&self) -> String {
        self.file.tree.path(self.id.0)
    }

    /// The class id of the object in it; zero if there is none.
    pub fn clsid(&self) -> Guid {
        self.file.tree.storage(self.id.0).map_or(Guid::default(), |storage| storage.clsid)
    }

    /// A number for the present state of the storage and everything in it, if the file is a
    /// snapshot of a transaction; `None` for a file that was opened. Two different states never
    /// have the same number, so a caller may keep what it has read until the number changes.
    pub fn version(&self) -> Option<u64> {
        let version = self.file.tree.storage(self.id.0)?.version;
        (version != 0).then_some(version)
    }

    /// The storages and streams in it, in the order of their names (\[MS-CFB\] 2.6.4).
    ///
    /// If the directory is damaged, several may have the same name.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry> + '_ {
        let children =
            self.file.tree.storage(self.id.0).map_or(0..0, |storage| storage.children.clone());
        children.filter_map(|id| self.file.entry(EntryNumber(id)))
    }

    /// For each storage and stream in it, in the same order: its number, its name, and whether it
    /// is a storage.
    pub fn names(&self) -> impl Iterator<Item = (EntryNumber, &str, bool)> {
        let tree = &self.file.tree;
        let children = tree.storage(self.id.0).map_or(0..0, |storage| storage.children.clone());
        children.map(|id| (EntryNumber(id), tree.name(id), tree.storage(id).is_some()))
    }

    /// The first stream of this name, in any case.
    pub fn stream(&self, name: &str) -> Option<Stream> {
        self.file.tree.find(self.id.0, name).find_map(|id| self.file.stream(EntryNumber(id)))
    }

    /// The first storage of this name, in any case.
    pub fn storage(&self, name: &str) -> Option<Self> {
        self.file.tree.find(self.id.0, name).find_map(|id| self.file.storage(EntryNumber(id)))
    }

    /// The storage it is in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let parent =
            self.file.tree.node(self.id.0).filter(|_| self.id != EntryNumber::ROOT)?.parent;
        Some(Self::new(Arc::clone(&self.file), EntryNumber(parent)))
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Storage({} {:?})", self.id.0, self.path())
    }
}

impl Entry {
    /// Its number in the file.
    pub fn id(&self) -> EntryNumber {
        match self {
            Self::Storage(storage) => storage.id(),
            Self::Stream(stream) => stream.id(),
        }
    }

    /// Its name as stored.
    pub fn name(&self) -> &str {
        match self {
            Self::Storage(storage) => storage.name(),
            Self::Stream(stream) => stream.name(),
        }
    }

    /// The names from the root down, for error messages.
    pub fn path(&self) -> String {
        match self {
            Self::Storage(storage) => storage.path(),
            Self::Stream(stream) => stream.path(),
        }
    }
}
