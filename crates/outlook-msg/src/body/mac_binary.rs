//! MacBinary I, II and III: one file that contains the data fork and the resource fork of a
//! Macintosh file.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | 0 |
//! | 1 | 1 | length of the name, 1 to 63 |
//! | 2 | 63 | name |
//! | 74, 82 | 1, 1 | 0 |
//! | 83 | 4 | length of the data fork, big-endian, from byte 128 on |
//! | 87 | 4 | length of the resource fork, big-endian |
//! | 120 | 2 | length of a second header after the first |
//! | 124 | 2 | CRC-16 of the 124 bytes before, since MacBinary II |
//!
//! Knows nothing of attachments.

use std::ops::Range;

/// The length of the header.
pub const HEADER_LEN: usize = 128;

/// Forks are padded to a multiple of this.
const BLOCK: u64 = 128;

/// What the header says of the data fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacBinary {
    /// The name of the file, in the code page of the Macintosh.
    pub name: Vec<u8>,
    /// The data fork, as a range of the file.
    pub data: Range<u64>,
}

/// Reads the header of a file of `file_len` bytes; `None` if it is no MacBinary file.
pub fn read(header: &[u8], file_len: u64) -> Option<MacBinary> {
    let header: &[u8; HEADER_LEN] = header.first_chunk()?;
    let name_len = usize::from(header[1]);
    if header[0] != 0 || header[74] != 0 || !(1..=63).contains(&name_len) {
        return None;
    }
    // A right checksum proves MacBinary II or III. MacBinary I has no checksum; it has zeros where
    // the later versions have fields.
    let has_checksum = crc16(header.get(..124)?) == u16::from_be_bytes([header[124], header[125]]);
    let is_first = header[82] == 0 && header.get(101..126)?.iter().all(|byte| *byte == 0);
    if !has_checksum && !is_first {
        return None;
    }
    let secondary = u16::from_be_bytes([header[120], header[121]]);
    let start = 128 + u64::from(secondary).next_multiple_of(BLOCK);
    let len = u32::from_be_bytes([header[83], header[84], header[85], header[86]]);
    let end = start.checked_add(u64::from(len)).filter(|end| *end <= file_len)?;
    Some(MacBinary { name: header.get(2..2 + name_len)?.to_vec(), data: start..end })
}

/// The CRC of MacBinary II: polynomial 0x1021, from zero.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{MacBinary, crc16, read};

    fn header(len: u32) -> Vec<u8> {
        let mut header = vec![0; 128];
        header[1] = 8;
        header[2..10].copy_from_slice(b"Read \x8Ee!");
        header[83..87].copy_from_slice(&len.to_be_bytes());
        header
    }

    fn seal(mut header: Vec<u8>) -> Vec<u8> {
        let crc = crc16(&header[..124]);
        header[124..126].copy_from_slice(&crc.to_be_bytes());
        header
    }

    fn check(header: &[u8], file_len: u64, expected: Option<(u64, u64)>) {
        let expected = expected
            .map(|(start, end)| MacBinary { name: b"Read \x8Ee!".to_vec(), data: start..end });
        assert_eq!(read(header, file_len), expected);
    }

    #[test]
    fn data_forks_are_found() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        check(&header(5), 256, Some((128, 133)));
        let mut second = header(5);
        second[122] = 129;
        second[123] = 129;
        check(&second, 256, None);
        check(&seal(second.clone()), 256, Some((128, 133)));
        second[121] = 1;
        check(&seal(second), 512, Some((256, 261)));
    }

    #[test]
    fn other_files_are_none() {
        check(&header(5)[..127], 256, None);
        check(&header(129), 256, None);
        check(&header(u32::MAX), 256, None);
        check(&[0; 128], 256, None);
        check(&[b'x'; 128], 256, None);
    }
}
