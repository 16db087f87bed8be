//! The bytes that a program is writing: in memory while they are few, then in a file without a
//! name beside the edit log.
//!
//! The edit log takes the file of a value over without copying it; what is copied in a folder or
//! renamed from a temporary file is copied once more. If there is no room for the file, the program
//! is told at its `write`; if there is none for a copy, when that is made, at `close` or `rename`.
//! If msgfs is killed, the file is gone.
//!
//! Knows nothing of messages.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use outlook_msg::pieces::PieceReader;

use crate::fs::edits::save::edit_log::Spool;
use crate::storage::{self, Source};

/// A buffer with more bytes than this moves to a file.
const MEMORY_BYTES_MAX: u64 = 1 << 20;
/// The longest that a file of a message can be, in bytes: no property value and no compound file is
/// longer.
pub(in crate::fs::edits) const LEN_MAX: u64 = (1 << 31) - 1;

/// Bytes that can be read, written and cut at any place.
#[derive(Debug)]
pub(in crate::fs::edits) struct Buffer {
    spool: Spool,
    bytes: BufferedBytes,
}

#[derive(Debug)]
enum BufferedBytes {
    /// Few bytes.
    Memory(Vec<u8>),
    /// Many bytes, in a file without a name, which is gone when the buffer is dropped.
    File(File),
}

impl Buffer {
    /// An empty buffer.
    pub(in crate::fs::edits) fn new(spool: &Spool) -> Self {
        Self { spool: spool.clone(), bytes: BufferedBytes::Memory(Vec::new()) }
    }

    /// Takes the bytes out and leaves an empty buffer.
    pub(in crate::fs::edits) fn take(&mut self) -> Self {
        let empty = Self::new(&self.spool);
        std::mem::replace(self, empty)
    }

    /// Whether a value shares the file of the buffer ([`Buffer::share`]).
    pub(in crate::fs::edits) fn is_file(&self) -> bool {
        matches!(self.bytes, BufferedBytes::File(_))
    }

    pub(in crate::fs::edits) fn len(&self) -> io::Result<u64> {
        match &self.bytes {
            BufferedBytes::Memory(bytes) => Ok(bytes.len() as u64),
            BufferedBytes::File(file) => Ok(file.metadata()?.len()),
        }
    }

    /// Reads from `offset` into `buffer`. Returns how many bytes: fewer than it has room for only at
    /// the end.
    pub(in crate::fs::edits) fn read_at(
        &self,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        match &self.bytes {
            BufferedBytes::Memory(bytes) => Ok(storage::read_memory_at(bytes, offset, buffer)),
            BufferedBytes::File(file) => storage::read_at(file, offset, buffer),
        }
    }

    /// Writes at `offset`; a gap before it is filled with zeros.
    ///
    /// # Errors
    /// `EFBIG` beyond [`LEN_MAX`], else those of `pwrite`.
    pub(in crate::fs::edits) fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= LEN_MAX);
        let end = end.ok_or(io::ErrorKind::FileTooLarge)?;
        self.make_room(end)?;
        match &mut self.bytes {
            BufferedBytes::Memory(memory) => {
                let (start, end) = (memory_offset(offset)?, memory_offset(end)?);
                if memory.len() < end {
                    memory.resize(end, 0);
                }
                if let Some(target) = memory.get_mut(start..end) {
                    target.copy_from_slice(bytes);
                }
                Ok(())
            }
            BufferedBytes::File(file) => file.write_all_at(bytes, offset),
        }
    }

    /// Cuts the bytes, or fills them up with zeros.
    ///
    /// # Errors
    /// `EFBIG` beyond [`LEN_MAX`], else those of `ftruncate`.
    pub(in crate::fs::edits) fn set_len(&mut self, len: u64) -> io::Result<()> {
        if len > LEN_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.make_room(len)?;
        match &mut self.bytes {
            BufferedBytes::Memory(memory) => memory.resize(memory_offset(len)?, 0),
            BufferedBytes::File(file) => file.set_len(len)?,
        }
        Ok(())
    }

    /// A copy of the buffer.
    pub(in crate::fs::edits) fn copy(&self) -> io::Result<Self> {
        let read = |at, piece: &mut [u8]| self.read_at(at, piece);
        Self::filled(&self.spool, self.len()?, read)
    }

    /// The bytes as the content of a value. The buffer must not be changed afterwards if it is a
    /// file, since the value shares that file.
    pub(in crate::fs::edits) fn share(&self) -> io::Result<Arc<Source>> {
        Ok(Arc::new(match &self.bytes {
            BufferedBytes::Memory(bytes) => Source::from_bytes(bytes.clone()),
            BufferedBytes::File(file) => Source::from_file(file.try_clone()?)?.0,
        }))
    }

    /// A buffer with all that `read` gives, which says it has `len` bytes. `read` is called as
    /// [`outlook_msg::pieces`] says.
    pub(in crate::fs::edits) fn filled<E: From<io::Error>>(
        spool: &Spool,
        len: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let (mut buffer, mut pieces) = (Self::new(spool), PieceReader::new(len));
        loop {
            let offset = pieces.offset();
            let Some(piece) = pieces.next_piece(&mut read)? else { return Ok(buffer) };
            buffer.write(offset, piece)?;
        }
    }

    /// Moves the bytes to a file if there will be too many for memory.
    fn make_room(&mut self, len: u64) -> io::Result<()> {
        if let BufferedBytes::Memory(bytes) = &self.bytes
            && len > MEMORY_BYTES_MAX
        {
            let file = self.spool.file()?;
            file.write_all_at(bytes, 0)?;
            self.bytes = BufferedBytes::File(file);
        }
        Ok(())
    }

    /// How many bytes more the state folder must have room for, so that the buffer can get this
    /// length and become a value.
    pub(in crate::fs::edits) fn room_for(&self, len: u64) -> io::Result<u64> {
        let present = self.len()?;
        Ok(match self.bytes {
            BufferedBytes::Memory(_) => len.max(present),
            BufferedBytes::File(_) => len.saturating_sub(present),
        })
    }
}

fn memory_offset(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

#[cfg(test)]
mod tests {
    use super::{Buffer, LEN_MAX, MEMORY_BYTES_MAX, Spool};

    fn empty() -> Buffer {
        Buffer::new(&Spool::new(&std::env::temp_dir()))
    }

    /// At most `len` bytes from `offset`.
    fn read(buffer: &Buffer, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let read = buffer.read_at(offset, &mut bytes).unwrap();
        bytes.truncate(read);
        bytes
    }

    #[test]
    fn a_gap_is_zeros() {
        let mut buffer = empty();
        buffer.write(2, b"ab").unwrap();
        buffer.write(0, b"x").unwrap();
        assert_eq!(read(&buffer, 0, 10), b"x\0ab");
        buffer.set_len(3).unwrap();
        assert_eq!(read(&buffer, 1, 10), b"\0a");
        assert_eq!(read(&buffer, 9, 10), b"");
        buffer.set_len(5).unwrap();
        assert_eq!(read(&buffer.copy().unwrap(), 0, 9), b"x\0a\0\0");
    }

    #[test]
    fn many_bytes_move_to_a_file() {
        let mut buffer = empty();
        buffer.write(0, b"start").unwrap();
        buffer.write(MEMORY_BYTES_MAX, b"end").unwrap();
        assert!(buffer.is_file());
        assert_eq!(buffer.room_for(MEMORY_BYTES_MAX + 5).unwrap(), 2);
        assert_eq!(buffer.len().unwrap(), MEMORY_BYTES_MAX + 3);
        assert_eq!(read(&buffer, 0, 6), b"start\0");
        assert_eq!(read(&buffer, MEMORY_BYTES_MAX, 100), b"end");
        assert_eq!(read(&buffer.copy().unwrap(), MEMORY_BYTES_MAX, 100), b"end");
    }

    #[test]
    fn no_buffer_is_too_long() {
        let mut buffer = empty();
        assert!(buffer.write(LEN_MAX, b"x").is_err());
        assert!(buffer.write(u64::MAX, b"x").is_err());
        assert!(buffer.set_len(LEN_MAX + 1).is_err());
        assert_eq!(buffer.len().unwrap(), 0);
    }
}
