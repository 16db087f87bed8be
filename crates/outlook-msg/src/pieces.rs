//! Reading what may be long: into one buffer, or piece by piece.
//!
//! What is read is given as a call. It takes an offset and a buffer, puts bytes into the buffer and
//! returns how many. As with `pread`, these may be fewer than the buffer has room for; 0 says that
//! `offset` is the end.

use std::io;

/// The first piece of a file that says it is empty, in bytes. Files below `/proc` say so.
const PIECE_BYTES_MIN: usize = 4 << 10;
/// The largest piece, in bytes.
const PIECE_BYTES_MAX: usize = 256 << 10;
/// A piece that fills the buffer makes the buffer this many times as large.
const GROWTH: usize = 4;

/// Reads from `offset` until `buffer` is full or the end is reached. Returns how many bytes.
///
/// # Errors
/// Those of `read`.
pub fn fill<E>(
    offset: u64,
    buffer: &mut [u8],
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<usize, E> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read(offset.saturating_add(filled as u64), rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Reads at most `len_max` bytes from `offset`: fewer only at the end. The memory that it takes
/// depends on how many bytes there are, not on `len_max`.
///
/// # Errors
/// Those of `read`.
pub fn read_to_vec<E>(
    offset: u64,
    len_max: usize,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<Vec<u8>, E> {
    let mut bytes = Vec::new();
    let mut pieces = PieceReader::new(len_max.min(PIECE_BYTES_MIN) as u64);
    while bytes.len() < len_max
        && let Some(piece) =
            pieces.next_piece(|at, buffer| read(offset.saturating_add(at), buffer))?
    {
        bytes.extend_from_slice(piece);
    }
    bytes.truncate(len_max);
    Ok(bytes)
}

/// Calls `each` with the offset and the bytes of each piece of something that has `len` bytes.
///
/// # Errors
/// `UnexpectedEof` if there are fewer, those of `read` and of `each`.
pub fn each_piece<E: From<io::Error>>(
    len: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut pieces = PieceReader::new(len);
    while pieces.offset < len {
        let offset = pieces.offset;
        let left = usize::try_from(len - offset).unwrap_or(usize::MAX);
        let piece = pieces.next_piece(|at, buffer| {
            let wanted = left.min(buffer.len());
            read(at, buffer.get_mut(..wanted).unwrap_or_default())
        })?;
        each(offset, piece.ok_or_else(|| too_short(len, offset))?)?;
    }
    Ok(())
}

/// Whether two calls give the same `len` bytes.
///
/// # Errors
/// Those of the calls.
pub fn are_same<E>(
    len: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
    mut twin: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<bool, E> {
    let mut pieces = PieceReader::new(len);
    let mut other = Vec::new();
    while pieces.offset < len {
        let offset = pieces.offset;
        let Some(piece) = pieces.next_piece(&mut read)? else { return Ok(false) };
        other.resize(piece.len(), 0);
        if fill(offset, &mut other, &mut twin)? != piece.len() || other != piece {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The error of something that ends at `found`, before its `len` bytes.
pub fn too_short(len: u64, found: u64) -> io::Error {
    let cause = format!("{len} bytes were expected, and only {found} are there");
    io::Error::new(io::ErrorKind::UnexpectedEof, cause)
}

/// Reads from start to end, piece by piece, into one buffer.
#[derive(Debug)]
pub struct PieceReader {
    buffer: Vec<u8>,
    /// How much of the buffer the last piece took.
    filled: usize,
    offset: u64,
}

impl PieceReader {
    /// Begins with something that says it has `len` bytes. The buffer is hardly larger, since its
    /// memory has to be set to zero. It grows if there are more.
    pub fn new(len: u64) -> Self {
        // With room for one more byte, a piece of all the bytes does not fill it.
        let len = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(1);
        let buffer = vec![0; len.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX)];
        Self { buffer, filled: 0, offset: 0 }
    }

    /// How many bytes have been read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn next_piece<E>(
        &mut self,
        read: impl FnOnce(u64, &mut [u8]) -> Result<usize, E>,
    ) -> Result<Option<&[u8]>, E> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len().saturating_mul(GROWTH).min(PIECE_BYTES_MAX), 0);
        }
        self.filled = read(self.offset, &mut self.buffer)?.min(self.buffer.len());
        self.offset = self.offset.saturating_add(self.filled as u64);
        Ok(self.buffer.get(..self.filled).filter(|piece| !piece.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Reads bytes in memory, at most `count` at a time.
    fn slowly(bytes: &[u8], count: usize) -> impl Fn(u64, &mut [u8]) -> io::Result<usize> {
        move |offset, buffer| {
            let rest = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            let len = rest.len().min(buffer.len()).min(count);
            buffer[..len].copy_from_slice(&rest[..len]);
            Ok(len)
        }
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..=250).cycle().take(len).collect()
    }

    #[test]
    fn all_bytes_come_whatever_length_was_told() {
        for len in [0, 1, PIECE_BYTES_MIN - 1, PIECE_BYTES_MIN, PIECE_BYTES_MAX, 1_000_000] {
            let bytes = bytes(len);
            for told in [0, 1, len as u64, u64::MAX] {
                let (mut pieces, mut found) = (PieceReader::new(told), Vec::new());
                while let Some(piece) = pieces.next_piece(slowly(&bytes, usize::MAX)).unwrap() {
                    found.extend_from_slice(piece);
                }
                assert!(found == bytes, "{len} bytes, {told} told");
                assert_eq!(pieces.offset(), len as u64);
            }
        }
    }

    #[test]
    fn a_file_that_says_it_is_empty_takes_few_reads() {
        let (bytes, mut reads) = (bytes(2 << 20), 0);
        let mut pieces = PieceReader::new(0);
        while pieces.next_piece(slowly(&bytes, usize::MAX)).unwrap().is_some() {
            reads += 1;
        }
        assert!(reads <= 12, "{reads} reads");
    }

    #[test]
    fn short_reads_fill_a_buffer() {
        let bytes = bytes(100);
        let mut buffer = [0; 64];
        assert_eq!(fill(0, &mut buffer, slowly(&bytes, 7)).unwrap(), 64);
        assert_eq!(buffer[..], bytes[..64]);
        assert_eq!(fill(90, &mut buffer, slowly(&bytes, 7)).unwrap(), 10);
        assert_eq!(buffer[..10], bytes[90..]);
        assert_eq!(fill(100, &mut buffer, slowly(&bytes, 7)).unwrap(), 0);
    }

    #[test]
    fn memory_depends_on_what_there_is() {
        let bytes = bytes(10_000);
        for (offset, len_max) in [(0, 0), (0, 10), (9_000, 500), (0, 10_000), (5, usize::MAX)] {
            let found = read_to_vec(offset, len_max, slowly(&bytes, 1_000)).unwrap();
            let start = usize::try_from(offset).unwrap();
            let end = start.saturating_add(len_max).min(bytes.len());
            assert_eq!(found, bytes[start..end]);
            assert!(found.capacity() < 4 * PIECE_BYTES_MAX);
        }
    }

    #[test]
    fn pieces_must_have_the_length_that_was_told() {
        let bytes = bytes(10_000);
        let collect = |len: u64| {
            let mut found = vec![0; usize::try_from(len).unwrap()];
            each_piece(len, slowly(&bytes, 999), |offset, piece| {
                let offset = usize::try_from(offset).unwrap();
                found[offset..offset + piece.len()].copy_from_slice(piece);
                Ok::<_, io::Error>(())
            })?;
            Ok::<_, io::Error>(found)
        };
        assert_eq!(collect(10_000).unwrap(), bytes);
        assert_eq!(collect(9_500).unwrap(), bytes[..9_500]);
        let error = collect(10_001).unwrap_err();
        assert_eq!(error.to_string(), "10001 bytes were expected, and only 10000 are there");
    }

    #[test]
    fn same_bytes_are_found_in_pieces_of_any_length() {
        let bytes = bytes(600_000);
        let mut others = bytes.clone();
        let same = |others: &[u8], counts: (usize, usize)| {
            let (one, two) = (slowly(&bytes, counts.0), slowly(others, counts.1));
            are_same(bytes.len() as u64, one, two).unwrap()
        };
        assert!(same(&bytes, (usize::MAX, usize::MAX)));
        assert!(same(&bytes, (1_000, 777)));
        assert!(!same(&bytes[..599_999], (usize::MAX, usize::MAX)));
        others[599_999] ^= 1;
        assert!(!same(&others, (usize::MAX, 5_000)));
        let nothing = |_, _: &mut [u8]| Ok::<_, Infallible>(0);
        assert!(are_same(0, nothing, nothing).unwrap());
        assert!(!are_same(1, nothing, nothing).unwrap());
    }
}
