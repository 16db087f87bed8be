//! An opened compound file: its tables and its directory, and the bytes behind them.

use std::fmt;
use std::sync::Arc;

use super::directory::Directory;
use super::error::{Defect, Defects, Error};
use super::header::Header;
use super::object::{Entry, Storage};
use super::sectors::Sectors;
use super::source::Source;
use super::stream::Stream;
use super::tree::{Kind, Tree};
use super::walk;

/// A compound file, open for reading by any number of threads at once.
pub struct CompoundFile {
    version: u16,
    pub(super) sectors: Sectors,
    pub(super) tree: Tree,
    defects: Vec<Defect>,
}

/// The number of a storage or stream in its file: below [`CompoundFile::entry_count`], 0 for the
/// root, and the same whenever the same bytes are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u32);

impl EntryId {
    /// The root storage.
    pub const ROOT: Self = Self(0);
}

impl CompoundFile {
    /// Reads the tables and the directory; the streams stay where they are.
    ///
    /// # Errors
    /// Only if nothing can be shown: `Signature`, `Header`, `Directory`, `Io`.
    pub fn open(source: Source) -> Result<Arc<Self>, Error> {
        let mut defects = Defects::default();
        let header = Header::read(&source)?;
        let mut sectors = Sectors::load(source, &header, &mut defects)?;
        let directory = Directory::load(&sectors, &header, &mut defects)?;
        let root = directory.root();
        if let Some(entry) = directory.entry(root) {
            let (first, len) = (entry.first_sector(), entry.stream_len());
            sectors.load_mini_stream(&header, first, len, &mut defects)?;
        }
        let tree = walk::tree(&directory, root, &mut defects)?;
        check_lengths(&tree, sectors.source().len(), &mut defects);
        let defects = defects.finish();
        Ok(Arc::new(Self { version: header.version, sectors, tree, defects }))
    }

    /// The root storage.
    pub fn root(self: &Arc<Self>) -> Storage {
        Storage::new(Arc::clone(self), EntryId::ROOT)
    }

    /// Number of storages and streams, the root included.
    pub fn entry_count(&self) -> u32 {
        u32::try_from(self.tree.len()).unwrap_or(u32::MAX)
    }

    /// Major version of the format, 3 or 4.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The damage met when opening, the first ones of very many.
    ///
    /// Deviations from the rules that lose nothing are not in it, and neither is damage inside
    /// a stream: reading that stream tells.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// Bytes of memory held, the file included where it is in memory.
    pub fn bytes_held(&self) -> usize {
        size_of::<Self>()
            + self.sectors.bytes_held()
            + self.tree.bytes_held()
            + self.defects.iter().map(|d| d.place.len() + d.cause.len()).sum::<usize>()
    }

    /// The bytes of the file itself.
    pub fn source(&self) -> &Source {
        self.sectors.source()
    }

    /// The entry of this id.
    pub fn entry(self: &Arc<Self>, id: EntryId) -> Option<Entry> {
        Some(match self.tree.node(id.0)?.kind {
            Kind::Storage(_) => Entry::Storage(Storage::new(Arc::clone(self), id)),
            Kind::Stream { .. } => Entry::Stream(Stream::new(Arc::clone(self), id)),
        })
    }

    /// The storage of this id; `None` if that is a stream.
    pub fn storage(self: &Arc<Self>, id: EntryId) -> Option<Storage> {
        match self.entry(id)? {
            Entry::Storage(storage) => Some(storage),
            Entry::Stream(_) => None,
        }
    }

    /// The stream of this id; `None` if that is a storage.
    pub fn stream(self: &Arc<Self>, id: EntryId) -> Option<Stream> {
        match self.entry(id)? {
            Entry::Stream(stream) => Some(stream),
            Entry::Storage(_) => None,
        }
    }

    /// The declared length of a stream in bytes, as far as the file is that long; 0 for a storage.
    pub fn stored_len(&self, id: EntryId) -> u64 {
        match self.tree.node(id.0).map(|node| node.kind) {
            Some(Kind::Stream { len, .. }) => len.min(self.source().len()),
            _ => 0,
        }
    }

    /// The name of a storage or stream as stored; empty if there is no such id.
    pub fn entry_name(&self, id: EntryId) -> &str {
        self.tree.name(id.0)
    }
}

impl fmt::Debug for CompoundFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompoundFile")
            .field("source", self.source())
            .field("version", &self.version)
            .field("entries", &self.tree.len())
            .field("defects", &self.defects)
            .finish_non_exhaustive()
    }
}

/// Each sector belongs to one stream, so all streams together are shorter than a whole file.
fn check_lengths(tree: &Tree, file_len: u64, defects: &mut Defects) {
    let len = |kind| if let Kind::Stream { len, .. } = kind { len } else { 0 };
    let total = tree.nodes().fold(0_u64, |sum, node| sum.saturating_add(len(node.kind)));
    if total > file_len {
        defects.add(
            "directory",
            format_args!("the streams declare {total} bytes, the file has {file_len}"),
        );
    }
}
