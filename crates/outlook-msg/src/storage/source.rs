//! Where the bytes of a compound file come from: memory, a file, or a stream of another compound
//! file.
//!
//! A source has no position of its own, so any number of threads can read it at once. Knows nothing
//! of the format.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;

use super::apart::read_apart;
use super::blocks::{BLOCK_BYTES, BLOCKS_MAX, Blocks, read_new};
use super::file_state::FileState;
use super::os;

/// A file of at most this many bytes is read as a whole when it is opened, and closed again. One
/// `pread` takes less time than the dozen that the tables and streams would need.
pub const WHOLE_READ_BYTES_MAX: u64 = 256 * 1024;

/// In a file of at most this length, a table that is spread over the file is read together with
/// everything between its parts. Outlook puts a sector of the FAT before every 64 KiB, and one read
/// of 1 MiB takes less time than sixteen reads of a sector. In a larger file, reading the bytes
/// between takes longer.
const SPREAD_READ_BYTES_MAX: u64 = 4 << 20;

/// The bytes of a compound file.
pub struct Source {
    bytes: Bytes,
}

enum Bytes {
    Memory(Vec<u8>),
    File { file: File, len: u64, blocks: Blocks },
    Stream { extents: Box<dyn Readable>, len: u64 },
}

/// The bytes of a stream of another compound file. A stream reads its bytes from a source, so a
/// source must not import it.
pub(super) trait Readable: Send + Sync {
    /// Reads at `offset`. Fills `buf`, except at the end.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Bytes of memory held.
    fn bytes_held(&self) -> usize;
}

impl Source {
    /// Takes a file as it is now. If it has at most [`WHOLE_READ_BYTES_MAX`] bytes, reads it into
    /// memory and closes it. The metadata is that of the state that was read.
    ///
    /// # Errors
    /// Those of `fstat` and `pread`; `ESTALE` if another program changed the file during the read.
    pub fn from_file(file: File) -> io::Result<(Self, Metadata)> {
        let before = file.metadata()?;
        let len = before.len();
        if len > WHOLE_READ_BYTES_MAX {
            return Ok((Self { bytes: Bytes::File { file, len, blocks: Blocks::new() } }, before));
        }
        let bytes = read_new(&file, 0, usize::try_from(len).unwrap_or(0))?;
        if FileState::from(&file.metadata()?) != FileState::from(&before) {
            return Err(io::ErrorKind::StaleNetworkFileHandle.into());
        }
        Ok((Self::from_bytes(bytes), before))
    }

    /// Takes a file that stays open, however short it is.
    #[cfg(test)]
    pub(super) fn of_open_file(file: File) -> Self {
        let len = file.metadata().unwrap().len();
        Self { bytes: Bytes::File { file, len, blocks: Blocks::new() } }
    }

    /// Takes bytes in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes: Bytes::Memory(bytes) }
    }

    /// Takes the first `len` bytes of a stream.
    pub(super) fn from_readable(extents: Box<dyn Readable>, len: u64) -> Self {
        Self { bytes: Bytes::Stream { extents, len } }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match &self.bytes {
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::File { len, .. } | Bytes::Stream { len, .. } => *len,
        }
    }

    /// How many reads of the open file have finished. As long as the number stays the same, all
    /// bytes came from memory. 0 for any other source.
    pub fn reads(&self) -> u64 {
        match &self.bytes {
            Bytes::Memory(_) | Bytes::Stream { .. } => 0,
            Bytes::File { blocks, .. } => blocks.reads(),
        }
    }

    /// Whether the file is still in this state. Bytes in memory always are.
    ///
    /// # Errors
    /// Those of `fstat`.
    pub fn is_still(&self, opened: &FileState) -> io::Result<bool> {
        let Bytes::File { file, .. } = &self.bytes else { return Ok(true) };
        let metadata = file.metadata()?;
        let mut present = FileState::from(&metadata);
        // If another program renames a file over this one, this one loses its last name. That
        // changes its ctime, but not its bytes.
        if os::links(&metadata) == 0 {
            present.ctime = opened.ctime;
        }
        Ok(present == *opened)
    }

    /// The open file; `None` for bytes in memory and for a stream.
    pub fn file(&self) -> Option<&File> {
        match &self.bytes {
            Bytes::Memory(_) | Bytes::Stream { .. } => None,
            Bytes::File { file, .. } => Some(file),
        }
    }

    /// Whether it holds a file open.
    pub fn is_file(&self) -> bool {
        matches!(self.bytes, Bytes::File { .. })
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at `offset`. Fills `buf`, except at the end.
    ///
    /// # Errors
    /// Those of `pread`.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match &self.bytes {
            Bytes::Memory(bytes) => Ok(read_memory_at(bytes, offset, buf)),
            Bytes::File { file, len, blocks } => blocks.read_at(file, *len, offset, buf),
            Bytes::Stream { extents, len } => {
                let left = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
                let wanted = left.min(buf.len());
                let buf = buf.get_mut(..wanted).unwrap_or_default();
                extents.read_at(offset, buf)
            }
        }
    }

    /// Fills the parts in turn, each from its offset. Returns how many bytes it has read: fewer than
    /// the parts hold only if the file ends within one of them.
    ///
    /// # Errors
    /// Those of `pread`.
    pub(super) fn read_parts(&self, mut parts: Vec<(u64, &mut [u8])>) -> io::Result<usize> {
        if let Bytes::File { file, blocks, .. } = &self.bytes
            && parts.iter().map(|(_, part)| part.len()).sum::<usize>() >= BLOCK_BYTES
        {
            return blocks.read_parts(file, &mut parts);
        }
        let mut filled = 0;
        for (offset, part) in parts {
            let found = self.read_at(offset, part)?;
            filled += found;
            if found < part.len() {
                break;
            }
        }
        Ok(filled)
    }

    /// Appends the `len` bytes at `offset` to `out`, or fewer at the end of the file.
    ///
    /// The caller must have bounded `len` by the length of the file, because memory for it is
    /// allocated.
    pub(super) fn append(&self, offset: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
        match &self.bytes {
            Bytes::Memory(bytes) => {
                out.extend_from_slice(part(bytes, offset, len));
                Ok(())
            }
            Bytes::File { .. } | Bytes::Stream { .. } => {
                let start = out.len();
                out.resize(start.saturating_add(len), 0);
                let result = self.read_at(offset, out.get_mut(start..).unwrap_or_default());
                out.truncate(start.saturating_add(*result.as_ref().unwrap_or(&0)));
                result.map(drop)
            }
        }
    }

    /// Reads ranges, given by offset and length, and calls `each` with the bytes of each range;
    /// fewer at the end of the file. Ranges close to one another are read with one read.
    ///
    /// # Errors
    /// Those of `pread`.
    pub(super) fn read_ranges(
        &self,
        ranges: &[(u64, usize)],
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        if let Bytes::Memory(bytes) = &self.bytes {
            ranges.iter().for_each(|&(offset, len)| each(part(bytes, offset, len)));
            return Ok(());
        }
        let mut bytes = Vec::new();
        let mut read = |&(offset, len): &(u64, usize)| {
            bytes.clear();
            self.append(offset, len, &mut bytes)?;
            each(&bytes);
            Ok(())
        };
        let Bytes::File { file, len, blocks } = &self.bytes else {
            return ranges.iter().try_for_each(read);
        };
        if blocks.prefetch(file, *len, ranges) {
            return ranges.iter().try_for_each(read);
        }
        if *len <= SPREAD_READ_BYTES_MAX {
            for near in ranges.chunks(BLOCKS_MAX.get()) {
                blocks.prefetch(file, *len, near);
                near.iter().try_for_each(&mut read)?;
            }
            return Ok(());
        }
        read_apart(|offset, buffer| blocks.read_file(file, offset, buffer), ranges, each)
    }

    /// Bytes of memory held.
    pub(super) fn bytes_held(&self) -> usize {
        match &self.bytes {
            Bytes::Memory(bytes) => bytes.capacity(),
            Bytes::File { blocks, .. } => blocks.bytes_held(),
            Bytes::Stream { extents, .. } => extents.bytes_held(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.bytes {
            Bytes::Memory(_) => "memory",
            Bytes::File { .. } => "file",
            Bytes::Stream { .. } => "stream",
        };
        write!(f, "Source({} bytes in {kind})", self.len())
    }
}

/// Copies bytes in memory from `offset` on into `buf`, and returns how many.
pub fn read_memory_at(bytes: &[u8], offset: u64, buf: &mut [u8]) -> usize {
    let found = part(bytes, offset, buf.len());
    let target = buf.get_mut(..found.len()).unwrap_or_default();
    target.copy_from_slice(found);
    found.len()
}

/// At most `len` bytes from `offset` on.
fn part(bytes: &[u8], offset: u64, len: usize) -> &[u8] {
    let found = tail(bytes, offset);
    found.get(..len).unwrap_or(found)
}

fn tail(bytes: &[u8], offset: u64) -> &[u8] {
    usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn reads_at_every_place() {
        let lens = [0, 1, 700, WHOLE_READ_BYTES_MAX, WHOLE_READ_BYTES_MAX + 1];
        for len in lens.map(|len| usize::try_from(len).unwrap()) {
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let (file, _) = Source::from_file(file).unwrap();
            let is_whole = len as u64 <= WHOLE_READ_BYTES_MAX;
            assert_eq!(file.bytes_held() > 0, is_whole && len > 0, "{len}");
            for source in [Source::from_bytes(bytes.clone()), file] {
                assert_eq!(source.len(), len as u64);
                for (offset, wanted) in [(0, 10), (len / 2, len), (len, 1), (len + 5, 1)] {
                    let expected =
                        &bytes[offset.min(len)..(offset + wanted).min(len).max(offset.min(len))];
                    let mut buf = vec![0; wanted];
                    let found = source.read_at(offset as u64, &mut buf).unwrap();
                    assert_eq!(&buf[..found], expected, "{len} {offset} {wanted}");
                    let mut out = vec![7];
                    source.append(offset as u64, wanted, &mut out).unwrap();
                    assert_eq!(&out[1..], expected, "{len} {offset} {wanted}");
                }
                assert_eq!(source.read_at(u64::MAX, &mut [0; 4]).unwrap_or(0), 0);
            }
        }
    }
}
