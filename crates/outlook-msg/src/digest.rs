//! Hashes as text.

use sha2::{Digest as _, Sha256};

use crate::pieces::PieceReader;

/// Bytes in lower-case hexadecimal, as `sha256sum` writes a hash.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// The SHA-256 of all that `read` gives, which says it has `len` bytes. `read` is called as
/// [`crate::pieces`] says.
///
/// # Errors
/// Those of `read`.
pub fn sha256<E>(
    len: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<String, E> {
    let (mut hasher, mut pieces) = (Sha256::new(), PieceReader::new(len));
    while let Some(piece) = pieces.next_piece(&mut read)? {
        hasher.update(piece);
    }
    Ok(hexadecimal(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::sha256;

    #[test]
    fn the_hash_of_pieces_is_that_of_the_whole() {
        let read = |offset: u64, buffer: &mut [u8]| {
            let rest = &b"abc"[usize::try_from(offset).unwrap()..];
            let len = rest.len().min(2);
            buffer[..len].copy_from_slice(&rest[..len]);
            Ok::<_, ()>(len)
        };
        // The example in FIPS 180-4.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(3, read).as_deref(), Ok(expected));
    }
}
