//! A file that consists of pieces. Its length is known, and any part of it can be read, without the
//! whole file being in memory.
//!
//! Knows nothing of mail except the base64 of MIME.

use std::io;

use crate::mail::error::Error;
use crate::mail::values::base64;

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

    /// Appends a range of this piece, in bytes of the file, to `output`.
    fn read(&self, start: u64, end: u64, output: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Bytes(bytes) => {
                let index = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
                output.extend(bytes.get(index(start)..index(end)).unwrap_or_default());
            }
            Self::Raw(content, _) => output.extend(exactly(content, start, end)?),
            Self::Base64(content, len) => {
                let first = start / LINE_CHARACTERS;
                let lines = end.div_ceil(LINE_CHARACTERS);
                let source_end = lines.saturating_mul(LINE_BYTES).min(*len);
                let source = exactly(content, first * LINE_BYTES, source_end)?;
                // The last line gets a CRLF too, because the range may end inside a CRLF.
                let encoded = base64::encode_lines(&source, "\r\n");
                let index = |offset: u64| {
                    usize::try_from(offset - first * LINE_CHARACTERS).unwrap_or(usize::MAX)
                };
                let encoded = encoded.as_bytes();
                output.extend(encoded.get(index(start)..index(end)).unwrap_or_default());
            }
        }
        Ok(())
    }
}

impl PiecedFile {
    pub fn new(pieces: Vec<Piece>) -> Self {
        let mut end = 0_u64;
        let ends = pieces.iter().map(|piece| {
            end = end.saturating_add(piece.len());
            end
        });
        Self { ends: ends.collect(), pieces }
    }

    /// The length in bytes.
    pub(in crate::mail) fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Appends at most `size` bytes from `offset` to `output`; fewer only at the end.
    ///
    /// # Errors
    /// The error of reading a content within the range.
    pub fn read(&self, offset: u64, size: usize, output: &mut Vec<u8>) -> Result<(), Error> {
        let end = offset.saturating_add(size as u64).min(self.len());
        let first = self.ends.partition_point(|piece_end| *piece_end <= offset);
        let mut start = first.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0);
        for (piece, piece_end) in self.pieces.iter().zip(&self.ends).skip(first) {
            if start >= end {
                break;
            }
            piece.read(offset.max(start) - start, end.min(*piece_end) - start, output)?;
            start = *piece_end;
        }
        Ok(())
    }

    /// How many bytes of memory it takes.
    pub fn bytes_held(&self) -> usize {
        let held = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.capacity(),
            Piece::Raw(content, _) | Piece::Base64(content, _) => content.bytes_held(),
        };
        let pieces: usize = self.pieces.iter().map(held).sum();
        pieces + self.pieces.capacity() * (size_of::<Piece>() + size_of::<u64>())
    }
}

/// Reads a range of a content. It is an error if the content is shorter.
fn exactly(content: &Content, start: u64, end: u64) -> Result<Vec<u8>, Error> {
    let missing = |read: usize| {
        let cause = format!("expected {} bytes at {start}, found {read}", end - start);
        Error::Io(io::Error::new(io::ErrorKind::UnexpectedEof, cause))
    };
    let wanted = usize::try_from(end.saturating_sub(start)).map_err(|_| missing(0))?;
    let mut bytes = content.read(start, wanted)?;
    while bytes.len() < wanted {
        let more = content.read(start + bytes.len() as u64, wanted - bytes.len())?;
        if more.is_empty() {
            return Err(missing(bytes.len()));
        }
        bytes.extend(more);
    }
    Ok(bytes)
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
                    let mut found = Vec::new();
                    file.read(start as u64, size, &mut found).unwrap();
                    assert_eq!(found, expected, "{len} {start} {size}");
                }
            }
        }
    }

    #[test]
    fn a_content_that_is_too_short_is_an_error_where_it_is() {
        let short = Piece::Base64(Content::bytes(vec![1; 57]), 100);
        let file = PiecedFile::new(vec![Piece::Bytes(b"head".to_vec()), short]);
        let mut found = Vec::new();
        file.read(0, 10, &mut found).unwrap();
        assert_eq!(found.len(), 10);
        assert!(file.read(85, 10, &mut found).is_err());
    }
}
