//! The bytes that a program is writing: in memory while they are few, then in a file without a
//! name beside the edit log.
//!
//! A copy of a buffer, a value that is made of it, and the edit log share this file, so the state
//! folder needs room for the bytes once. A file that others have is copied when a program writes on.
//! If there is no room for the bytes, the program is told at its `write`. If msgfs is killed, a file
//! that is not in the edit log is gone.
//!
//! Knows nothing of messages.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::{Arc, Mutex, Weak};

use outlook_msg::pieces::{self, PieceReader};
use outlook_msg::sync::lock;

use crate::fs::edits::save::edit_log::Spool;
use crate::storage::{self, Source};

/// A buffer with more bytes than this moves to a file.
const MEMORY_BYTES_MAX: u64 = 1 << 20;
/// The longest that a file of a message can be, in bytes: no property value and no compound file is
/// longer.
pub(in crate::fs::edits) const LEN_MAX: u64 = (1 << 31) - 1;

/// Bytes that can be read, written and cut at any place.
#[derive(Clone, Debug)]
pub(in crate::fs::edits) enum Buffer {
    /// Few bytes.
    Memory(Vec<u8>),
    /// Many bytes.
    File(Arc<SpoolFile>),
}

/// A file of the spool, which several buffers may have. It is gone when the last of them, the value
/// and the edit log no longer need it.
#[derive(Debug)]
pub(in crate::fs::edits) struct SpoolFile {
    file: File,
    /// The content of a value that reads the file.
    value: Mutex<Weak<Source>>,
}

impl Default for Buffer {
    /// An empty buffer.
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Buffer {
    pub(in crate::fs::edits) fn len(&self) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            Self::File(spooled) => Ok(spooled.file.metadata()?.len()),
        }
    }

    /// Reads from `offset` into `buffer`. Returns how many bytes: fewer than it has room for only at
    /// the end.
    pub(in crate::fs::edits) fn read_at(
        &self,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => Ok(storage::read_memory_at(bytes, offset, buffer)),
            Self::File(spooled) => storage::read_at(&spooled.file, offset, buffer),
        }
    }

    /// Writes at `offset`; a gap before it is filled with zeros.
    ///
    /// # Errors
    /// `EFBIG` beyond [`LEN_MAX`], else those of `pwrite`.
    pub(in crate::fs::edits) fn write(
        &mut self,
        spool: &Spool,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= LEN_MAX);
        let end = end.ok_or(io::ErrorKind::FileTooLarge)?;
        self.make_room(spool, end)?;
        match self {
            Self::Memory(memory) => {
                let (start, end) = (memory_offset(offset)?, memory_offset(end)?);
                if memory.len() < end {
                    memory.resize(end, 0);
                }
                if let Some(target) = memory.get_mut(start..end) {
                    target.copy_from_slice(bytes);
                }
                Ok(())
            }
            Self::File(spooled) => own(spooled, spool, LEN_MAX)?.write_all_at(bytes, offset),
        }
    }

    /// Cuts the bytes, or fills them up with zeros.
    ///
    /// # Errors
    /// `EFBIG` beyond [`LEN_MAX`], else those of `ftruncate`.
    pub(in crate::fs::edits) fn set_len(&mut self, spool: &Spool, len: u64) -> io::Result<()> {
        if len > LEN_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if len == 0 {
            *self = Self::default();
            return Ok(());
        }
        self.make_room(spool, len)?;
        match self {
            Self::Memory(memory) => memory.resize(memory_offset(len)?, 0),
            Self::File(spooled) => own(spooled, spool, len)?.set_len(len)?,
        }
        Ok(())
    }

    /// The bytes as the content of a value. What is written to the buffer later does not change it.
    pub(in crate::fs::edits) fn share(&self) -> io::Result<Arc<Source>> {
        let spooled = match self {
            Self::Memory(bytes) => return Ok(Arc::new(Source::from_bytes(bytes.clone()))),
            Self::File(spooled) => spooled,
        };
        let mut value = lock(&spooled.value);
        if let Some(shared) = value.upgrade() {
            return Ok(shared);
        }
        let shared = Arc::new(Source::from_file(spooled.file.try_clone()?)?.0);
        *value = Arc::downgrade(&shared);
        Ok(shared)
    }

    /// A buffer with all that `read` gives, which says it has `len` bytes. `read` is called as
    /// [`outlook_msg::pieces`] says.
    pub(in crate::fs::edits) fn filled<E: From<io::Error>>(
        spool: &Spool,
        len: u64,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let (mut buffer, mut pieces) = (Self::default(), PieceReader::new(len));
        loop {
            let offset = pieces.offset();
            let Some(piece) = pieces.next_piece(&mut read)? else { return Ok(buffer) };
            buffer.write(spool, offset, piece)?;
        }
    }

    /// Moves the bytes to a file if there will be too many for memory.
    fn make_room(&mut self, spool: &Spool, len: u64) -> io::Result<()> {
        if let Self::Memory(bytes) = self
            && len > MEMORY_BYTES_MAX
        {
            let file = spool.file()?;
            file.write_all_at(bytes, 0)?;
            *self = Self::File(SpoolFile::new(file));
        }
        Ok(())
    }

    /// How many bytes more the state folder must have room for, so that the buffer can get this
    /// length and become a value.
    pub(in crate::fs::edits) fn room_for(&mut self, len: u64) -> io::Result<u64> {
        let present = self.len()?;
        let is_in_place = match self {
            Self::Memory(_) => false,
            Self::File(spooled) => is_own(spooled)?,
        };
        Ok(if is_in_place { len.saturating_sub(present) } else { len.max(present) })
    }
}

impl SpoolFile {
    fn new(file: File) -> Arc<Self> {
        Arc::new(Self { file, value: Mutex::default() })
    }
}

/// Whether no other buffer has a file, no value reads it, and the edit log has given it no name.
fn is_own(spooled: &mut Arc<SpoolFile>) -> io::Result<bool> {
    let Some(alone) = Arc::get_mut(spooled) else { return Ok(false) };
    let is_read = lock(&alone.value).strong_count() > 0;
    Ok(!is_read && alone.file.metadata()?.nlink() == 0)
}

/// The file, to be changed. If others have it, the buffer first gets a copy of at most the first
/// `len_max` bytes.
fn own<'a>(spooled: &'a mut Arc<SpoolFile>, spool: &Spool, len_max: u64) -> io::Result<&'a File> {
    if !is_own(spooled)? {
        let (from, to) = (&spooled.file, spool.file()?);
        let len = from.metadata()?.len().min(len_max);
        let read = |at, piece: &mut [u8]| storage::read_at(from, at, piece);
        pieces::each_piece(len, read, |at, piece| to.write_all_at(piece, at))?;
        *spooled = SpoolFile::new(to);
    }
    Ok(&spooled.file)
}

fn memory_offset(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::{Buffer, LEN_MAX, MEMORY_BYTES_MAX, Spool};
    use crate::storage::Source;

    fn spool() -> Spool {
        Spool::new(&std::env::temp_dir())
    }

    /// At most `len` bytes from `offset`.
    fn read(buffer: &Buffer, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let read = buffer.read_at(offset, &mut bytes).unwrap();
        bytes.truncate(read);
        bytes
    }

    /// The first byte of a value.
    fn first(value: &Source) -> u8 {
        let mut byte = [0];
        assert_eq!(value.read_at(0, &mut byte).unwrap(), 1);
        byte[0]
    }

    /// The inode number of the file of a buffer.
    fn inode(buffer: &Buffer) -> u64 {
        match buffer {
            Buffer::Memory(_) => panic!("it is in memory"),
            Buffer::File(spooled) => spooled.file.metadata().unwrap().ino(),
        }
    }

    #[test]
    fn a_gap_is_zeros() {
        let (mut buffer, spool) = (Buffer::default(), spool());
        buffer.write(&spool, 2, b"ab").unwrap();
        buffer.write(&spool, 0, b"x").unwrap();
        assert_eq!(read(&buffer, 0, 10), b"x\0ab");
        buffer.set_len(&spool, 3).unwrap();
        assert_eq!(read(&buffer, 1, 10), b"\0a");
        assert_eq!(read(&buffer, 9, 10), b"");
        buffer.set_len(&spool, 5).unwrap();
        assert_eq!(read(&buffer.clone(), 0, 9), b"x\0a\0\0");
    }

    #[test]
    fn many_bytes_move_to_a_file() {
        let (mut buffer, spool) = (Buffer::default(), spool());
        buffer.write(&spool, 0, b"start").unwrap();
        buffer.write(&spool, MEMORY_BYTES_MAX, b"end").unwrap();
        inode(&buffer);
        assert_eq!(buffer.room_for(MEMORY_BYTES_MAX + 5).unwrap(), 2);
        assert_eq!(buffer.len().unwrap(), MEMORY_BYTES_MAX + 3);
        assert_eq!(read(&buffer, 0, 6), b"start\0");
        assert_eq!(read(&buffer, MEMORY_BYTES_MAX, 100), b"end");
        assert_eq!(read(&buffer.clone(), MEMORY_BYTES_MAX, 100), b"end");
    }

    #[test]
    fn a_file_that_others_have_is_copied_before_it_is_changed() {
        let (mut buffer, spool) = (Buffer::default(), spool());
        let len = MEMORY_BYTES_MAX + 1;
        buffer.write(&spool, len - 1, b"end").unwrap();
        let shared = inode(&buffer);
        // A copy, and values of both.
        let copy = buffer.clone();
        let value = copy.share().unwrap();
        assert!(std::sync::Arc::ptr_eq(&value, &buffer.share().unwrap()));
        assert_eq!(inode(&copy), shared);
        assert_eq!(buffer.room_for(len + 2).unwrap(), len + 2);
        buffer.write(&spool, 0, b"x").unwrap();
        assert_ne!(inode(&buffer), shared);
        assert_eq!(
            (read(&buffer, 0, 1), read(&copy, 0, 1), first(&value)),
            (b"x".into(), b"\0".into(), 0)
        );
        assert_eq!(read(&buffer, len - 1, 10), b"end");
        // A value alone.
        let mut copy = copy;
        copy.set_len(&spool, len).unwrap();
        assert_eq!((value.len(), copy.len().unwrap()), (len + 2, len));
        assert_ne!(inode(&copy), shared);
        // Nobody else has it any more: it is changed in place.
        let (own, value) = (inode(&buffer), buffer.share().unwrap());
        drop(value);
        buffer.write(&spool, 0, b"y").unwrap();
        assert_eq!((inode(&buffer), first(&buffer.share().unwrap())), (own, b'y'));
    }

    #[test]
    fn no_buffer_is_too_long() {
        let (mut buffer, spool) = (Buffer::default(), spool());
        assert!(buffer.write(&spool, LEN_MAX, b"x").is_err());
        assert!(buffer.write(&spool, u64::MAX, b"x").is_err());
        assert!(buffer.set_len(&spool, LEN_MAX + 1).is_err());
        assert_eq!(buffer.len().unwrap(), 0);
    }
}
