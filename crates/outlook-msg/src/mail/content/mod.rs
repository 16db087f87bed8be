//! The content of a file that is made from a message: bytes in memory, or a part of a file that is
//! read when it is needed.

pub mod pieced_file;

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use tempfile::{SpooledData, SpooledTempFile};

use crate::imsg::{self, PropertyStream};
use crate::mail::error::Error;
use crate::storage::{self, Defect, Extents, Source};

use pieced_file::PiecedFile;

/// A content of more bytes is kept in a temporary file, not in memory.
const MEMORY_BYTES_MAX: usize = 4 << 20;

/// A compound file of at most this many bytes is written in memory before it is kept.
const WRITTEN_BYTES_MAX: usize = 16 << 20;

/// The content of a file.
#[derive(Clone, Debug)]
pub enum Content {
    /// Text or other small values, made once.
    Bytes(Arc<[u8]>),
    /// The stored bytes of a property.
    Property(PropertyStream),
    /// A stream of the compound file.
    Stream(Extents),
    /// The file that contains the message.
    Source(Arc<Source>),
    /// Bytes in memory, followed by a part of a stream.
    Part {
        /// The bytes in memory.
        header: Arc<[u8]>,
        /// The stream.
        stream: Extents,
        /// Where the part starts in the stream.
        start: u64,
        /// The length of the part.
        len: u64,
    },
    /// A part of a temporary file without a name.
    Made {
        /// The file. Other contents may be in it too.
        file: Arc<File>,
        /// Where this content begins in the file.
        offset: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// A file that consists of pieces.
    Pieces(Arc<PiecedFile>),
}

impl Content {
    /// Keeps bytes in memory, or many bytes in a temporary file without a name.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        if bytes.len() > MEMORY_BYTES_MAX
            && let Ok(made) = in_file(&bytes)
        {
            return made;
        }
        Self::Bytes(bytes.into())
    }

    /// Keeps what `write` writes, in memory or in a temporary file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn written(
        write: impl FnOnce(&mut SpooledTempFile) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut out = SpooledTempFile::new(MEMORY_BYTES_MAX);
        write(&mut out)?;
        Self::of_spooled(out)
    }

    fn of_spooled(file: SpooledTempFile) -> Result<Self, Error> {
        match file.into_inner() {
            SpooledData::InMemory(bytes) => Ok(Self::bytes(bytes.into_inner())),
            SpooledData::OnDisk(file) => {
                let len = file.metadata()?.len();
                Ok(Self::Made { file: Arc::new(file), offset: 0, len })
            }
        }
    }

    /// Its length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "an empty file is no special case")]
    pub fn len(&self) -> Result<u64, Error> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Property(stream) => stream.len()?,
            Self::Stream(extents) => extents.stream().len(),
            Self::Source(source) => source.len(),
            Self::Made { len, .. } => *len,
            Self::Pieces(composed) => composed.len(),
            Self::Part { header, len, .. } => header.len() as u64 + len,
        })
    }

    /// Reads at most `size` bytes from `offset`; fewer only at the end.
    pub fn read(&self, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        let rest = self.len()?.saturating_sub(offset);
        let mut bytes = vec![0; size.min(usize::try_from(rest).unwrap_or(usize::MAX))];
        let read = self.read_at(offset, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Reads from `offset` into `buffer`. Returns how many bytes: fewer than it has room for only at
    /// the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        Ok(match self {
            Self::Bytes(bytes) => storage::read_memory_at(bytes, offset, buffer),
            Self::Property(stream) => stream.read_at(offset, buffer)?,
            Self::Stream(stream) => stream.read_at(offset, buffer)?,
            Self::Source(source) => source.read_at(offset, buffer)?,
            Self::Pieces(composed) => composed.read_at(offset, buffer)?,
            Self::Made { file, offset: start, len } => {
                storage::read_at(file, start + offset, before_end(*len, offset, buffer))?
            }
            Self::Part { header, stream, start, len } => {
                let buffer = before_end(header.len() as u64 + len, offset, buffer);
                read_part(header, stream, *start, offset, buffer)?
            }
        })
    }

    /// How many bytes of memory it takes.
    pub fn bytes_held(&self) -> usize {
        const OVERHEAD: usize = 64;
        match self {
            Self::Bytes(bytes) => bytes.len() + OVERHEAD,
            Self::Stream(extents) => extents.bytes_held() + OVERHEAD,
            Self::Pieces(composed) => composed.bytes_held() + OVERHEAD,
            Self::Part { stream, header, .. } => stream.bytes_held() + header.len() + OVERHEAD,
            Self::Property(stream) => stream.bytes_held() + OVERHEAD,
            Self::Source(_) | Self::Made { .. } => OVERHEAD,
        }
    }
}

/// The part of a buffer that the bytes from `offset` up to the end, at `len`, have room in.
fn before_end(len: u64, offset: u64, buffer: &mut [u8]) -> &mut [u8] {
    let rest = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
    let wanted = rest.min(buffer.len());
    buffer.get_mut(..wanted).unwrap_or_default()
}

fn in_file(bytes: &[u8]) -> io::Result<Content> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(Content::Made { file: Arc::new(file), offset: 0, len: bytes.len() as u64 })
}

/// A part of a stream, cut at the first damage.
pub fn part_of(stream: Extents, start: u64, len: u64) -> Content {
    let len = len.min(stream.readable_len().saturating_sub(start));
    Content::Part { header: Arc::default(), stream, start, len }
}

/// Reads at `offset` of a header that is followed by the part of a stream from `start` on.
fn read_part(
    header: &[u8],
    stream: &Extents,
    start: u64,
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(header.len());
    let before = header.get(from..).unwrap_or_default();
    let (head, rest) = buffer.split_at_mut(before.len().min(buffer.len()));
    head.copy_from_slice(before.get(..head.len()).unwrap_or_default());
    let skipped = offset.saturating_sub(header.len() as u64);
    Ok(head.len() + stream.read_at(start.saturating_add(skipped), rest)?)
}

/// Keeps the compound file that `write` writes. A compound file is written in many small pieces, so
/// all but a large one is written in memory first. The defects that `write` returns are dropped,
/// because they are among the defects of the message.
pub fn made(
    write: impl FnOnce(SpooledTempFile) -> Result<(SpooledTempFile, Vec<Defect>), imsg::Error>,
) -> Result<Content, Error> {
    let (file, _) = write(SpooledTempFile::new(WRITTEN_BYTES_MAX))?;
    Content::of_spooled(file)
}
