//! An open compound file: its tables, its directory and its bytes.

use std::fmt;
use std::sync::Arc;

use super::directory::StoredDirectory;
use super::error::{Defect, Defects, Error};
use super::header::Header;
use super::object::{Entry, Storage};
use super::sectors::Sectors;
use super::source::Source;
use super::stream::{Stream, StreamContent};
use super::tree::{NodeKind, StorageTree};
use super::walk;

/// A compound file, open for reading by any number of threads at once.
pub struct CompoundFile {
    version: u16,
    pub(super) sectors: Sectors,
    pub(super) tree: StorageTree,
    defects: Vec<Defect>,
    /// The contents of the streams, if the file is a snapshot of a [`super::Transaction`]; empty
    /// for a file that was opened.
    contents: Vec<StreamContent>,
    origin_len: u64,
}

/// The number of a storage or stream in its file: below [`CompoundFile::entry_count`], 0 for the
/// root, and the same whenever the same bytes are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNumber(pub u32);

impl EntryNumber {
    /// The root storage.
    pub const ROOT: Self = Self(0);
}

impl CompoundFile {
    /// Opens a compound file: reads its tables and its directory, but no stream.
    ///
    /// # Errors
    /// `Signature`, `Header`, `Directory` or `Io`, only if nothing of the file can be read. Other
    /// damage becomes a defect.
    pub fn open(source: impl Into<Arc<Source>>) -> Result<Arc<Self>, Error> {
        let source = source.into();
        let mut defects = Defects::default();
        let header = Header::read(&source)?;
        let mut sectors = Sectors::load(source, &header, &mut defects)?;
        let directory = StoredDirectory::load(&sectors, &header, &mut defects)?;
        let root = directory.root();
        if let Some(entry) = directory.entry(root) {
            let (first, len) = (entry.first_sector(), entry.stream_len());
            sectors.load_mini_stream(&header, first, len, &mut defects)?;
        }
        let mut tree = walk::tree(&directory, root, &mut defects)?;
        check_lengths(&mut tree, &sectors, &mut defects);
        let defects = defects.finish();
        let version = header.version;
        let origin_len = sectors.source().len();
        Ok(Arc::new(Self { version, sectors, tree, defects, contents: Vec::new(), origin_len }))
    }

    /// A snapshot of a [`super::Transaction`] that began with a file of `origin_len` bytes: its
    /// streams lie in other files or in memory.
    pub(super) fn of_contents(
        tree: StorageTree,
        contents: Vec<StreamContent>,
        origin_len: u64,
    ) -> Arc<Self> {
        let sectors = Sectors::none();
        Arc::new(Self { version: 3, sectors, tree, defects: Vec::new(), contents, origin_len })
    }

    /// The root storage.
    pub fn root(self: &Arc<Self>) -> Storage {
        Storage::new(Arc::clone(self), EntryNumber::ROOT)
    }

    /// Number of storages and streams, the root included.
    pub fn entry_count(&self) -> u32 {
        u32::try_from(self.tree.len()).unwrap_or(u32::MAX)
    }

    /// Major version of the format, 3 or 4.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The defects that were found while the file was opened; only the first ones if there are very
    /// many.
    ///
    /// A violation of the specification that loses nothing is no defect. Defects of a stream are
    /// not listed here; reading the stream returns them.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// How many bytes of memory it takes, including the file if that is in memory.
    pub fn bytes_held(&self) -> usize {
        size_of::<Self>()
            + self.sectors.bytes_held()
            + self.tree.bytes_held()
            + self.contents.iter().map(StreamContent::bytes_held).sum::<usize>()
            + self.defects.iter().map(|d| d.place.len() + d.cause.len()).sum::<usize>()
    }

    /// The bytes of the file; empty for a snapshot of a transaction, which has not been written.
    pub fn source(&self) -> &Arc<Source> {
        self.sectors.source()
    }

    /// The length of the file in bytes; of a snapshot of a transaction, that of what its content was
    /// made from: the file that the transaction began with, or a message of another format. 0 if it
    /// was made from nothing.
    pub fn origin_len(&self) -> u64 {
        self.origin_len
    }

    /// The entry of this id.
    pub fn entry(self: &Arc<Self>, id: EntryNumber) -> Option<Entry> {
        Some(match self.tree.node(id.0)?.kind {
            NodeKind::Storage(_) => Entry::Storage(Storage::new(Arc::clone(self), id)),
            NodeKind::Stream { .. } | NodeKind::Content(_) => {
                Entry::Stream(Stream::new(Arc::clone(self), id))
            }
        })
    }

    /// How many storages and streams are in a storage; `None` for a stream.
    pub fn child_count(&self, id: EntryNumber) -> Option<usize> {
        self.tree.storage(id.0).map(|storage| storage.children.len())
    }

    /// The storage of this id; `None` if that is a stream.
    pub fn storage(self: &Arc<Self>, id: EntryNumber) -> Option<Storage> {
        match self.entry(id)? {
            Entry::Storage(storage) => Some(storage),
            Entry::Stream(_) => None,
        }
    }

    /// The stream of this id; `None` if that is a storage.
    pub fn stream(self: &Arc<Self>, id: EntryNumber) -> Option<Stream> {
        match self.entry(id)? {
            Entry::Stream(stream) => Some(stream),
            Entry::Storage(_) => None,
        }
    }

    /// The declared length of a stream in bytes, but at most the length of the file; 0 for a
    /// storage.
    pub fn stored_len(&self, id: EntryNumber) -> u64 {
        match self.tree.node(id.0).map(|node| node.kind) {
            Some(NodeKind::Stream { len, .. }) => len.min(self.source().len()),
            Some(NodeKind::Content(_)) => self.content(id).map_or(0, StreamContent::len),
            _ => 0,
        }
    }

    /// The content of a stream in a snapshot of a transaction.
    pub(super) fn content(&self, id: EntryNumber) -> Option<&StreamContent> {
        match self.tree.node(id.0)?.kind {
            NodeKind::Content(index) => self.contents.get(usize::try_from(index).ok()?),
            NodeKind::Stream { .. } | NodeKind::Storage(_) => None,
        }
    }

    /// The name of a storage or stream as stored; empty if there is no such id.
    pub fn entry_name(&self, id: EntryNumber) -> &str {
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

/// The entry in the allocation table that ends a chain (\[MS-CFB\] 2.1).
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
/// All streams together may be readable up to this many times the length of the file.
const OVERLAP_MAX: u64 = 4;

/// Bounds how much the streams of a damaged or hostile file can contain. In a sound file each
/// sector belongs to one stream, so all streams together are shorter than the file.
///
/// If they are longer, streams may overlap, which is allowed up to [`OVERLAP_MAX`]. Without a
/// limit, a small file could appear to hold more bytes than any machine has. So beyond the limit
/// the further streams are empty, and a defect counts them.
fn check_lengths(tree: &mut StorageTree, sectors: &Sectors, defects: &mut Defects) {
    let file_len = sectors.source().len();
    let len = |kind| if let NodeKind::Stream { len, .. } = kind { len } else { 0 };
    let total = tree.nodes().fold(0_u64, |sum, node| sum.saturating_add(len(node.kind)));
    if total <= file_len {
        return;
    }
    defects.add(
        "directory",
        format_args!("the streams declare {total} bytes, the file has {file_len}"),
    );
    let mut left = file_len.saturating_mul(OVERLAP_MAX);
    let mut withheld = 0_u32;
    for node in tree.nodes_mut() {
        let NodeKind::Stream { first, len } = &mut node.kind else { continue };
        let wanted = (*len).min(left.saturating_add(1));
        let readable: u64 = sectors.stream(*first, *len, wanted).map(|run| run.len).sum();
        match left.checked_sub(readable) {
            Some(rest) => left = rest,
            None => {
                *first = END_OF_CHAIN;
                withheld += 1;
            }
        }
    }
    if withheld != 0 {
        defects
            .add("directory", format_args!("streams that overlap too much to be read: {withheld}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};

    use super::super::fixtures::{Broken, STREAMS, check, sample, shown};
    use super::*;

    #[test]
    fn streams_that_overlap_stand_for_no_more_than_the_file_can_hold() {
        const STREAM_BYTES: usize = 5000;
        let mut file =
            cfb::CompoundFile::create_with_version(cfb::Version::V3, io::Cursor::new(Vec::new()))
                .unwrap();
        let names: Vec<_> = (0..40).map(|number| format!("stream{number:02}")).collect();
        file.create_new_stream(&names[0]).unwrap().write_all(&[7; STREAM_BYTES]).unwrap();
        for name in &names[1..] {
            file.create_new_stream(name).unwrap();
        }
        file.flush().unwrap();
        let mut broken = Broken { bytes: file.into_inner().into_inner() };
        // Every directory entry gets the first sector and the length of the first stream.
        let first = broken.first_sector(&names[0]);
        for name in &names {
            let entry = broken.entry(name);
            broken.put(entry + 116, first);
            broken.put(entry + 120, 5000);
        }
        let len = broken.bytes.len();
        let file = CompoundFile::open(Source::from_bytes(broken.bytes)).unwrap();
        let root = file.root();
        let read: Vec<_> =
            names.iter().map(|name| root.stream(name).unwrap().read_all().is_ok()).collect();
        let readable = read.iter().filter(|read| **read).count();
        assert_eq!(readable, len * 4 / STREAM_BYTES);
        assert!(read[..readable].iter().all(|read| *read));
        let told = format!("streams that overlap too much to be read: {}", 40 - readable);
        assert!(file.defects().iter().any(|defect| defect.cause == told), "{:?}", file.defects());
    }

    #[test]
    fn shows_sound_files() {
        for (version, number) in [(cfb::Version::V3, 3), (cfb::Version::V4, 4)] {
            let bytes = sample(version);
            let file = CompoundFile::open(Source::from_bytes(bytes.clone())).unwrap();
            assert_eq!((file.version(), file.entry_count()), (number, 10));
            assert!(file.bytes_held() > bytes.len() && file.bytes_held() < 2 * bytes.len());
            let (found, defects) = shown(&bytes).unwrap();
            assert_eq!(defects, [""; 0]);
            let streams: Vec<(&str, String)> =
                STREAMS.iter().map(|(path, len)| (*path, len.to_string())).collect();
            let found: Vec<_> = found.iter().filter(|(_, is)| *is != "storage").collect();
            assert_eq!(found.len(), streams.len());
            for ((path, len), (found, is)) in streams.iter().zip(found) {
                assert_eq!((*path, len), (found.as_str(), is));
            }
        }
    }

    #[test]
    fn gets_past_lies_of_the_header() {
        let at = |at: usize, value: u32| move |b: &mut Broken| b.put(at, value);
        for value in [0, 1, 2, 1000, u32::MAX] {
            check("number of FAT sectors", at(44, value), "");
            check("number of mini FAT sectors", at(64, value), "");
            check("number of directory sectors", at(40, value), "");
            check("number of DIFAT sectors", at(72, value), "");
            check("cutoff", at(56, value), "");
        }
        for value in [0, 5, 1000, u32::MAX] {
            check("first DIFAT sector", at(68, value), "");
        }
        for sector in [0, 9999, u32::MAX] {
            let moved = format!("? directory: expected in sector {sector}, found in 1");
            check("first directory sector", at(48, sector), &moved);
        }
        let no_root = |b: &mut Broken| {
            let at = b.entry("Root Entry");
            b.bytes[at] = b'X';
            b.put(48, 9999);
        };
        let none = "compound file directory: expected a root entry in sector 9999, found none";
        check("no root", no_root, none);
        check("version and shift", |b| b.bytes[26..32].fill(0xEE), "");
        check(
            "place of the FAT",
            at(76, u32::MAX),
            "- /empty
             - /other
             - /small
             - /sub/deep
             - /sub/deep/leaf
             - /sub/inner
             - /sub/middle
             + /big stream \"/big\": expected 9000 bytes, found 512: \
             the chain of sectors ends early
             ? file allocation table: part 0, sector 4294967295, is not in the file
             ? /: a link leads to directory entry 5 of 4
             ? /sub: a link leads to directory entry 8 of 4
             ? directory: entries that are in no storage: 1, the first is \"deep\"",
        );
    }

    /// Wherever a file is cut off, everything that is shown is right, and what is missing is
    /// reported.
    #[test]
    fn shows_what_is_left_of_a_cut_file() {
        let whole = Broken::sample().bytes;
        let (sound, _) = shown(&whole).unwrap();
        let mut opened = 0;
        for cut in (0..whole.len()).filter(|cut| [0, 1, 37, 128, 511].contains(&(cut % 512))) {
            let Ok((found, defects)) = shown(&whole[..cut]) else { continue };
            opened += 1;
            assert!(found.values().all(|is| !is.ends_with('!')), "{cut}: {found:?}");
            let told = !defects.is_empty() || found.values().any(|is| is.contains("expected"));
            assert!(told || found == sound, "{cut}: {found:?}");
        }
        assert!(opened > 100, "{opened}");
    }

    #[test]
    fn ignores_what_follows_the_end() {
        check("a tail", |b| b.bytes.extend([0xAA; 700]), "");
        check("more than the FAT covers", |b| b.bytes.extend([0xAA; 200_000]), "");
    }
}
