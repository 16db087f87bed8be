//! A file that consists of pieces. Its length is known, and any part of it can be read, without the
//! whole file being in memory.
//!
//! Knows nothing of mail except the base64 of MIME.

use std::io;

use crate::mail::error::Error;
use crate::mail::values::base64;
use crate::pieces;
use crate::storage::{Defect, read_memory_at};

use super::Content;

/// A full line of base64 holds this many bytes.
const LINE_BYTES: u64 = base64::LINE_BYTES as u64;
/// A full line of base64 has this many characters, with its CRLF.
const LINE_CHARACTERS: u64 = base64::LINE_CHARACTERS as u64 + 2;

/// A file that consists of pieces.
#[derive(Debug, Default)]
pub struct PiecedFile {
    pieces: Vec<Piece>,
    /// Where each piece ends, in bytes from the start of the file.
    ends: Vec<u64>,
    /// What could not be read of what it is made from, and is not in it.
    missing: Vec<Defect>,
}

/// A piece of a file.
#[derive(Debug)]
pub enum Piece {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// A content of this length, unchanged.
    Raw(Content, u64),
    /// A content of this length as lines of base64. The last line has no CRLF.
    Base64(Content, u64),
}

impl Piece {
    /// The length that the piece has in the file.
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Raw(_, len) => *len,
            Self::Base64(_, len) => base64::lines_len(*len),
        }
    }

    /// Fills `buffer` with the bytes of this piece from `start` on, an offset in the piece. It is an
    /// error if there are fewer, because the buffer may hold bytes of another file.
    fn read_at(&self, start: u64, buffer: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Bytes(bytes) => whole(buffer.len(), read_memory_at(bytes, start, buffer)),
            Self::Raw(content, _) => fill(content, start, buffer),
            Self::Base64(content, len) => {
                let first = start / LINE_CHARACTERS;
                let lines = start.saturating_add(buffer.len() as u64).div_ceil(LINE_CHARACTERS);
                let source_end = lines.saturating_mul(LINE_BYTES).min(*len);
                let source_len = source_end.saturating_sub(first * LINE_BYTES);
                let source_len = usize::try_from(source_len).map_err(io::Error::other)?;
                let mut source = vec![0; source_len];
                fill(content, first * LINE_BYTES, &mut source)?;
                // The last line gets a CRLF too, because the buffer may end inside a CRLF.
                let encoded = base64::encode_lines(&source, "\r\n");
                let start = start - first * LINE_CHARACTERS;
                whole(buffer.len(), read_memory_at(encoded.as_bytes(), start, buffer))
            }
        }
    }
}

impl PiecedFile {
    pub fn new(pieces: Vec<Piece>) -> Self {
        let mut end = 0_u64;
        let ends = pieces.iter().map(|piece| {
            end = end.saturating_add(piece.len());
            end
        });
        Self { ends: ends.collect(), pieces, missing: Vec::new() }
    }

    /// The file with what is missing in it.
    pub fn with_missing(self, missing: Vec<Defect>) -> Self {
        Self { missing, ..self }
    }

    /// What is missing in it.
    pub fn missing(&self) -> &[Defect] {
        &self.missing
    }

    /// The length in bytes.
    pub(in crate::mail) fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Reads from `offset` into `buffer`. Returns how many bytes: fewer than it has room for only at
    /// the end.
    ///
    /// # Errors
    /// The error of reading a content within the range.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let first = self.ends.partition_point(|piece_end| *piece_end <= offset);
        let mut start = first.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0);
        let mut filled = 0;
        for (piece, piece_end) in self.pieces.iter().zip(&self.ends).skip(first) {
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let at = offset.saturating_add(filled as u64);
            let len = usize::try_from(piece_end - at).unwrap_or(usize::MAX).min(rest.len());
            piece.read_at(at - start, rest.get_mut(..len).unwrap_or_default())?;
            filled += len;
            start = *piece_end;
        }
        Ok(filled)
    }

    /// How many bytes of memory it takes.
    pub fn bytes_held(&self) -> usize {
        let held = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.capacity(),
            Piece::Raw(content, _) | Piece::Base64(content, _) => content.bytes_held(),
        };
        let pieces: usize = self.pieces.iter().map(held).sum();
        let text = |one: &Defect| size_of::<Defect>() + one.place.len() + one.cause.len();
        let missing: usize = self.missing.iter().map(text).sum();
        missing + pieces + self.pieces.capacity() * (size_of::<Piece>() + size_of::<u64>())
    }
}

/// Fills a buffer from a place of a content. It is an error if the content is shorter.
fn fill(content: &Content, start: u64, buffer: &mut [u8]) -> Result<(), Error> {
    let read = pieces::fill(start, buffer, |at, rest| content.read_at(at, rest))?;
    whole(buffer.len(), read)
}

/// An error unless as many bytes were read as were wanted.
fn whole(wanted: usize, read: usize) -> Result<(), Error> {
    if read < wanted {
        return Err(pieces::too_short(wanted as u64, read as u64).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Piece, PiecedFile};
    use crate::mail::content::Content;
    use crate::mail::values::base64;

    fn base64(bytes: &[u8]) -> String {
        let lines = base64::encode_lines(bytes, "\r\n");
        lines.strip_suffix("\r\n").unwrap_or(&lines).to_owned()
    }

    #[test]
    fn a_range_at_any_place_is_that_of_the_whole() {
        let content = |len: u8| Content::bytes((0..len).collect());
        for len in [0, 1, 2, 56, 57, 58, 113, 114, 115, 171, 200] {
            let file = PiecedFile::new(vec![
                Piece::Bytes(b"head\r\n".to_vec()),
                Piece::Base64(content(len), len.into()),
                Piece::Bytes(Vec::new()),
                Piece::Raw(content(len), len.into()),
                Piece::Bytes(b"tail".to_vec()),
            ]);
            let bytes: Vec<u8> = (0..len).collect();
            let whole = [b"head\r\n", base64(&bytes).as_bytes(), &bytes, b"tail"].concat();
            assert_eq!(file.len(), whole.len() as u64);
            for start in 0..=whole.len() + 1 {
                for size in [0, 1, 2, 3, 4, 75, 76, 77, 78, 79, 80, 156, 1_000] {
                    let end = (start + size).min(whole.len());
                    let expected = whole.get(start..end).unwrap_or_default();
                    // A buffer that was used for another file.
                    let mut found = vec![0xAA; size];
                    let read = file.read_at(start as u64, &mut found).unwrap();
                    assert_eq!(found[..read], *expected, "{len} {start} {size}");
                }
            }
        }
    }

    #[test]
    fn a_content_that_is_too_short_is_an_error_where_it_is() {
        let short = Piece::Base64(Content::bytes(vec![1; 57]), 100);
        let file = PiecedFile::new(vec![Piece::Bytes(b"head".to_vec()), short]);
        let mut found = [0; 10];
        assert_eq!(file.read_at(0, &mut found).unwrap(), 10);
        assert!(file.read_at(85, &mut found).is_err());
    }

    #[test]
    fn a_length_that_was_wrong_never_shows_what_the_buffer_held() {
        let content = || Content::bytes(vec![1; 57]);
        for piece in [Piece::Raw(content(), 60), Piece::Base64(content(), 60)] {
            let file = PiecedFile::new(vec![Piece::Bytes(b"head".to_vec()), piece]);
            let mut found = vec![0xAA; 200];
            assert!(file.read_at(0, &mut found).is_err(), "{file:?}");
        }
    }
}
