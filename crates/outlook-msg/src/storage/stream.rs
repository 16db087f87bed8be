//! Streams of a compound file: their bytes, in the order of their chains of sectors.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::blocks::BLOCK_BYTES;
use super::compound_file::{CompoundFile, EntryNumber};
use super::error::{Damage, Error};
use super::object::Storage;
use super::sectors::{Run, Runs};
use super::source::{Readable, Source, WHOLE_READ_BYTES_MAX};
use super::tree::NodeKind;

/// A stream: a file within a compound file.
#[derive(Clone)]
pub struct Stream {
    file: Arc<CompoundFile>,
    id: EntryNumber,
}

/// The content of a stream in a [`super::Transaction`].
#[derive(Clone, Debug)]
pub enum StreamContent {
    /// Bytes in memory or in a file.
    Source(Arc<Source>),
    /// The start of a content whose end is missing, and why that is so.
    Start(Arc<Source>, Arc<str>),
    /// The content of a stream of an opened file: of the file before the edit, or of another one.
    Stream(Stream),
}

/// A stream whose sectors have been looked up, so that reads at any place take the same time.
///
/// It takes 16 bytes of memory for each run of adjacent sectors.
#[derive(Clone)]
pub struct Extents {
    stream: Stream,
    /// Where the bytes are, if the stream belongs to a snapshot of a transaction.
    content: Option<ExtentsContent>,
    runs: Arc<[Extent]>,
    damage: Option<(u64, Damage)>,
}

#[derive(Clone)]
enum ExtentsContent {
    Source(Arc<Source>),
    Stream(Box<Extents>),
}

/// Where a run begins; it ends where the next one begins.
#[derive(Clone, Copy)]
struct Extent {
    /// From the start of the stream.
    start: u64,
    /// From the start of the file.
    offset: u64,
}

impl Stream {
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

    /// Its name as stored.
    pub fn name(&self) -> &str {
        self.file.entry_name(self.id)
    }

    /// The names from the root down, such as `/__properties_version1.0`, for error messages.
    pub fn path(&self) -> String {
        self.file.tree.path(self.id.0)
    }

    /// The storage it is in.
    pub fn parent(&self) -> Option<Storage> {
        let parent = self.file.tree.node(self.id.0)?.parent;
        self.file.storage(EntryNumber(parent))
    }

    /// The declared length in bytes, but at most the length of the file.
    pub fn len(&self) -> u64 {
        self.file.stored_len(self.id)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at `offset`. Fills `buf`, except at the end of the stream.
    ///
    /// Each call follows the chain from its start. For many reads of a large stream, use
    /// [`Self::extents`].
    ///
    /// # Errors
    /// `Truncated` if some of these bytes are missing, `Io`.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Error> {
        match self.content() {
            Some(StreamContent::Source(source) | StreamContent::Start(source, _)) => {
                return source.read_at(offset, buf).map_err(|error| self.io(error));
            }
            Some(StreamContent::Stream(stream)) => return stream.read_at(offset, buf),
            None => {}
        }
        let Some(end) = wanted_end(self.len(), offset, buf) else { return Ok(0) };
        let mut runs = self.runs(end);
        let mut found = 0;
        let counted = placed(&mut runs).inspect(|(at, run)| found = at + run.len);
        let filled = fill(self.file.source(), counted, offset, buf).map_err(|e| self.io(e))?;
        if offset.saturating_add(filled as u64) < end {
            return Err(self.truncated(found, runs.damage));
        }
        Ok(filled)
    }

    /// Reads the whole stream.
    ///
    /// # Errors
    /// `Truncated` or `Cut` if some of its bytes are missing, `Io`.
    pub fn read_all(&self) -> Result<Vec<u8>, Error> {
        match self.read_salvage() {
            (bytes, None) => Ok(bytes),
            (_, Some(error)) => Err(error),
        }
    }

    /// Reads the stream up to the first damaged place, and returns the error there.
    pub fn read_salvage(&self) -> (Vec<u8>, Option<Error>) {
        let len = self.len();
        let mut bytes = Vec::new();
        match self.content() {
            Some(StreamContent::Source(source) | StreamContent::Start(source, _)) => {
                let whole = usize::try_from(len).unwrap_or(usize::MAX);
                let error = source.append(0, whole, &mut bytes).err();
                return (bytes, error.map(|error| self.io(error)).or_else(|| self.cut()));
            }
            Some(StreamContent::Stream(stream)) => return stream.read_salvage(),
            None => {}
        }
        if let Some(found) = self.read_large(len) {
            return found;
        }
        let mut runs = self.runs(len);
        for run in &mut runs {
            if bytes.is_empty() && run.len < len {
                // Allocates memory only for the bytes that the chain has: the declared length may
                // be as large as the file.
                let found = self.runs(len).map(|run| run.len).sum::<u64>();
                bytes.reserve_exact(usize::try_from(found).unwrap_or(0));
            }
            if let Err(error) = self.file.sectors.append(run, &mut bytes) {
                return (bytes, Some(self.io(error)));
            }
        }
        self.with_damage(bytes, runs.damage)
    }

    /// Reads a stream of a file without the blocks in memory, which do not pay for a stream of a
    /// block or more. `None` if the stream is shorter, or if a read fails: the caller then reads it
    /// run by run, to get as far as possible.
    fn read_large(&self, len: u64) -> Option<(Vec<u8>, Option<Error>)> {
        let source = self.file.source();
        if !source.is_file() || len < BLOCK_BYTES as u64 {
            return None;
        }
        // Allocates memory only for the bytes that the chain has, as `read_salvage` does.
        let found = self.runs(len).map(|run| run.len).sum::<u64>();
        let mut bytes = vec![0; usize::try_from(found).ok()?];
        let mut runs = self.runs(len);
        let filled = fill(source, placed(&mut runs), 0, &mut bytes).ok()?;
        bytes.truncate(filled);
        Some(self.with_damage(bytes, runs.damage))
    }

    /// What was read, and the error if it is less than the stream declares.
    fn with_damage(&self, bytes: Vec<u8>, damage: Option<Damage>) -> (Vec<u8>, Option<Error>) {
        let found = bytes.len() as u64;
        let error = (found < self.declared_len()).then(|| self.truncated(found, damage));
        (bytes, error)
    }

    /// Checks that the chain has all bytes of the stream and ends after them, without reading them.
    /// A chain that goes on belongs to another stream, or to this one before its length was damaged.
    ///
    /// # Errors
    /// `Truncated` or `Cut` if some of its bytes are missing, `Surplus` if the chain goes on.
    pub fn check(&self) -> Result<(), Error> {
        match self.content() {
            Some(StreamContent::Source(_) | StreamContent::Start(..)) => {
                return self.cut().map_or(Ok(()), Err);
            }
            Some(StreamContent::Stream(stream)) => return stream.check(),
            None => {}
        }
        let (first, declared) = self.place();
        if self.file.sectors.has_all(first, declared) {
            return Ok(());
        }
        let mut runs = self.runs(self.len());
        let found = (&mut runs).map(|run| run.len).sum();
        if found < declared {
            return Err(self.truncated(found, runs.damage));
        }
        if declared > 0 && runs.goes_on() {
            return Err(Error::Surplus { stream: self.path(), expected: declared });
        }
        Ok(())
    }

    /// Looks up all sectors of the stream.
    pub fn extents(&self) -> Extents {
        let content = self.content().map(|content| match content {
            StreamContent::Source(source) | StreamContent::Start(source, _) => {
                ExtentsContent::Source(Arc::clone(source))
            }
            StreamContent::Stream(stream) => ExtentsContent::Stream(Box::new(stream.extents())),
        });
        if content.is_some() {
            return Extents { stream: self.clone(), content, runs: Arc::default(), damage: None };
        }
        let mut runs = self.runs(self.len());
        let mut start = 0;
        let mut found: Vec<Extent> = (&mut runs)
            .map(|run| {
                let extent = Extent { start, offset: run.offset };
                start += run.len;
                extent
            })
            .collect();
        found.push(Extent { start, offset: 0 });
        let damage = runs.damage.map(|damage| (start, damage));
        Extents { stream: self.clone(), content, runs: found.into(), damage }
    }

    /// The content, if the stream belongs to a snapshot of a transaction.
    pub(super) fn content(&self) -> Option<&StreamContent> {
        self.file.content(self.id)
    }

    fn runs(&self, len: u64) -> Runs<'_> {
        let (first, declared) = self.place();
        self.file.sectors.stream(first, declared, len)
    }

    fn declared_len(&self) -> u64 {
        self.place().1
    }

    /// The first sector of the stream, and its declared length.
    fn place(&self) -> (u32, u64) {
        match self.file.tree.node(self.id.0).map(|node| node.kind) {
            Some(NodeKind::Stream { first, len }) => (first, len),
            _ => (0, 0),
        }
    }

    fn truncated(&self, found: u64, damage: Option<Damage>) -> Error {
        Error::Truncated {
            stream: self.path(),
            expected: self.declared_len(),
            found,
            damage: damage.unwrap_or(Damage::Ends),
        }
    }

    /// The error if the content is known to be only the start of another one.
    fn cut(&self) -> Option<Error> {
        match self.content() {
            Some(StreamContent::Start(_, cause)) => {
                Some(Error::Cut { stream: self.path(), cause: cause.to_string() })
            }
            _ => None,
        }
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io { place: format!("stream {:?}", self.path()), source }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} {:?}, {} bytes)", self.id.0, self.path(), self.len())
    }
}

impl Extents {
    /// The stream.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// How many bytes can be read from the start of the stream: all, if it is not damaged.
    pub fn readable_len(&self) -> u64 {
        if let Some(ExtentsContent::Stream(extents)) = &self.content {
            return extents.readable_len();
        }
        self.damage.map_or(self.stream.len(), |(found, _)| found)
    }

    /// The error at [`Self::readable_len`], if the stream is damaged.
    pub fn damage(&self) -> Option<Error> {
        if let Some(ExtentsContent::Stream(extents)) = &self.content {
            return extents.damage();
        }
        match self.damage {
            Some((found, damage)) => Some(self.stream.truncated(found, Some(damage))),
            None => self.stream.cut(),
        }
    }

    /// Reads at `offset`, as [`Stream::read_at`] does.
    ///
    /// # Errors
    /// `Truncated` if some of these bytes are missing, `Io`.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Error> {
        match &self.content {
            Some(ExtentsContent::Source(source)) => {
                return source.read_at(offset, buf).map_err(|error| self.stream.io(error));
            }
            Some(ExtentsContent::Stream(extents)) => return extents.read_at(offset, buf),
            None => {}
        }
        let Some(end) = wanted_end(self.stream.len(), offset, buf) else { return Ok(0) };
        let source = self.stream.file.source();
        let first = self.runs.partition_point(|run| run.start <= offset).saturating_sub(1);
        let runs = self.runs.get(first..).unwrap_or_default().iter();
        let placed = runs.clone().zip(runs.skip(1)).map(|(run, next)| {
            (run.start, Run { offset: run.offset, len: next.start - run.start })
        });
        let filled = fill(source, placed, offset, buf).map_err(|e| self.stream.io(e))?;
        if offset.saturating_add(filled as u64) < end {
            return Err(self.stream.truncated(self.readable_len(), self.damage.map(|(_, d)| d)));
        }
        Ok(filled)
    }

    /// Bytes of memory that it takes, without the file.
    pub fn bytes_held(&self) -> usize {
        size_of_val::<[Extent]>(&self.runs)
    }
}

impl Readable for Extents {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.read_at(offset, buf).map_err(io::Error::other)
    }

    fn bytes_held(&self) -> usize {
        self.bytes_held()
    }
}

impl Source {
    /// Takes the part of a stream that can be read. If it has at most [`WHOLE_READ_BYTES_MAX`]
    /// bytes, reads it into memory.
    pub fn from_stream(stream: &Stream) -> Self {
        let extents = stream.extents();
        let len = extents.readable_len();
        if len > WHOLE_READ_BYTES_MAX {
            return Self::from_readable(Box::new(extents), len);
        }
        // A read that fails now would fail later too.
        Self::from_bytes(stream.read_salvage().0)
    }
}

impl fmt::Debug for Extents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extents({:?} in {} runs)", self.stream, self.runs.len().saturating_sub(1))
    }
}

impl StreamContent {
    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Source(source) | Self::Start(source, _) => source.len(),
            Self::Stream(stream) => stream.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that it takes, without the file of a stream.
    pub(super) fn bytes_held(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Source(source) | Self::Start(source, _) => source.bytes_held(),
                Self::Stream(_) => 0,
            }
    }
}

impl From<Vec<u8>> for StreamContent {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Source(Arc::new(Source::from_bytes(bytes)))
    }
}

impl From<Arc<Source>> for StreamContent {
    fn from(source: Arc<Source>) -> Self {
        Self::Source(source)
    }
}

impl From<Stream> for StreamContent {
    /// If the stream belongs to a snapshot and only refers to another content, takes that content.
    /// Otherwise each edit would add a further step to every read.
    fn from(stream: Stream) -> Self {
        match stream.content() {
            Some(content) => content.clone(),
            None => Self::Stream(stream),
        }
    }
}

/// Where a read ends, as an offset in the stream; `None` if it reads nothing.
fn wanted_end(len: u64, offset: u64, buf: &[u8]) -> Option<u64> {
    let end = offset.saturating_add(buf.len() as u64).min(len);
    (offset < end).then_some(end)
}

/// The runs, each with its offset in the stream.
fn placed(runs: &mut Runs<'_>) -> impl Iterator<Item = (u64, Run)> {
    runs.scan(0, |start, run| {
        let at = *start;
        *start += run.len;
        Some((at, run))
    })
}

/// Reads at `offset` of the stream until `buf` is full or the runs end. Each run comes with its
/// offset in the stream.
fn fill(
    source: &Source,
    runs: impl Iterator<Item = (u64, Run)>,
    offset: u64,
    buf: &mut [u8],
) -> io::Result<usize> {
    let mut parts = Vec::new();
    let mut rest = buf;
    let mut at = offset;
    for (start, run) in runs {
        if rest.is_empty() {
            break;
        }
        let skip = at.saturating_sub(start);
        let len = usize::try_from(run.len.saturating_sub(skip)).unwrap_or(usize::MAX);
        let (part, behind) = rest.split_at_mut(len.min(rest.len()));
        rest = behind;
        at = at.saturating_add(part.len() as u64);
        if !part.is_empty() {
            parts.push((run.offset.saturating_add(skip), part));
        }
    }
    source.read_parts(parts)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Broken, STREAMS, content, sample};
    use super::*;

    /// Opens the bytes from memory, or from a file that has so many bytes after them that it is not
    /// read as a whole.
    fn open(bytes: &[u8], in_memory: bool) -> Arc<CompoundFile> {
        if in_memory {
            return CompoundFile::open(Source::from_bytes(bytes.to_vec())).unwrap();
        }
        let file = tempfile::tempfile().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0).unwrap();
        file.set_len(super::super::WHOLE_READ_BYTES_MAX + 1).unwrap();
        CompoundFile::open(Source::from_file(file).unwrap().0).unwrap()
    }

    fn find(file: &Arc<CompoundFile>, path: &str) -> Stream {
        let mut names = path.split('/').skip(1).peekable();
        let mut storage = file.root();
        loop {
            let name = names.next().unwrap();
            if names.peek().is_none() {
                return storage.stream(name).unwrap();
            }
            storage = storage.storage(name).unwrap();
        }
    }

    #[test]
    fn reads_by_position() {
        for version in [cfb::Version::V3, cfb::Version::V4] {
            for in_memory in [true, false] {
                let file = open(&sample(version), in_memory);
                for (path, len) in STREAMS {
                    check_reads(&find(&file, path), &content(path, len));
                }
            }
        }
    }

    fn check_reads(stream: &Stream, expected: &[u8]) {
        let extents = stream.extents();
        assert_eq!(stream.read_all().unwrap(), expected, "{stream:?}");
        assert_eq!(stream.len(), expected.len() as u64);
        assert_eq!((extents.readable_len(), extents.damage().is_none()), (stream.len(), true));
        for offset in (0..expected.len() + 70).step_by(61) {
            for wanted in [0, 1, 64, 700, 20_000] {
                let expected = expected.get(offset..).unwrap_or_default();
                let expected = &expected[..wanted.min(expected.len())];
                let mut buf = vec![0; wanted];
                let found = stream.read_at(offset as u64, &mut buf).unwrap();
                assert_eq!(&buf[..found], expected, "{stream:?} at {offset}");
                buf.fill(0);
                let found = extents.read_at(offset as u64, &mut buf).unwrap();
                assert_eq!(&buf[..found], expected, "{extents:?} at {offset}");
            }
        }
        assert_eq!(stream.read_at(u64::MAX, &mut [0; 4]).unwrap(), 0);
        assert_eq!(extents.read_at(u64::MAX, &mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn reads_up_to_the_damage() {
        let mut broken = Broken::sample();
        let first = broken.first_sector("big");
        broken.put(broken.fat(first + 3), 5000);
        for in_memory in [true, false] {
            let stream = find(&open(&broken.bytes, in_memory), "/big");
            let extents = stream.extents();
            let expected = content("/big", 2048);
            let (found, error) = stream.read_salvage();
            assert_eq!(found, expected);
            let text = error.unwrap().to_string();
            assert_eq!(stream.read_all().unwrap_err().to_string(), text);
            assert_eq!(
                (extents.readable_len(), extents.damage().unwrap().to_string()),
                (2048, text.clone())
            );
            let mut buf = [0; 100];
            for (offset, is_readable) in
                [(0, true), (1948, true), (1949, false), (2048, false), (8990, false), (9000, true)]
            {
                for result in [stream.read_at(offset, &mut buf), extents.read_at(offset, &mut buf)]
                {
                    match result {
                        Ok(found) => assert!(is_readable && (found == 100 || offset == 9000)),
                        Err(error) => {
                            assert!(!is_readable, "{offset}");
                            assert!(matches!(error, Error::Truncated { found: 0..=2048, .. }));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn serves_several_threads() {
        let file = open(&sample(cfb::Version::V3), false);
        std::thread::scope(|scope| {
            for (path, len) in STREAMS.into_iter().chain(STREAMS) {
                let stream = find(&file, path);
                scope.spawn(move || {
                    for _ in 0..20 {
                        assert_eq!(stream.read_all().unwrap(), content(path, len));
                    }
                });
            }
        });
    }
}
