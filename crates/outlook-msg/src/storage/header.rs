//! The header of a compound file (\[MS-CFB\] 2.2).

use super::bytes::{u16_at, u32_at, u32s};
use super::error::Error;
use super::source::Source;
use super::table::is_regular;

/// Length of the header in bytes, without the zeros that fill a 4096-byte sector.
const HEADER_BYTES: usize = 512;
/// FAT sectors that the header itself lists.
const DIFAT_ENTRIES: usize = 109;
/// The bytes with which a compound file begins (\[MS-CFB\] 2.2).
pub const SIGNATURE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
/// Streams shorter than this are in the mini stream.
const MINI_STREAM_CUTOFF: u32 = 4096;

const _: () = assert!(76 + 4 * DIFAT_ENTRIES == HEADER_BYTES);

/// The header. Impossible values of fields are already replaced by possible ones.
#[derive(Debug)]
pub(super) struct Header {
    /// Major version, 3 or 4.
    pub(super) version: u16,
    /// 9 or 12: sectors of 512 or 4096 bytes.
    pub(super) sector_shift: u32,
    /// Number of sectors of the FAT.
    pub(super) fat_sectors: u32,
    pub(super) first_directory_sector: u32,
    /// Streams shorter than this many bytes are in the mini stream.
    pub(super) mini_stream_cutoff: u32,
    pub(super) first_mini_fat_sector: u32,
    pub(super) mini_fat_sectors: u32,
    pub(super) first_difat_sector: u32,
    /// The first sectors of the FAT.
    pub(super) difat: Vec<u32>,
}

impl Header {
    /// Reads the header.
    ///
    /// | offset | bytes | field |
    /// |---|---|---|
    /// | 0 | 8 | signature |
    /// | 26 | 2 | major version |
    /// | 30 | 2 | sector shift |
    /// | 44 | 4 | number of FAT sectors |
    /// | 48 | 4 | first directory sector |
    /// | 56 | 4 | mini stream cutoff |
    /// | 60 | 4 | first mini FAT sector |
    /// | 64 | 4 | number of mini FAT sectors |
    /// | 68 | 4 | first DIFAT sector |
    /// | 76 | 436 | first 109 entries of the DIFAT |
    ///
    /// # Errors
    /// `Signature` or `Header` if the file has no whole header; `Io`.
    pub(super) fn read(source: &Source) -> Result<Self, Error> {
        let mut bytes = [0; HEADER_BYTES];
        let found = source
            .read_at(0, &mut bytes)
            .map_err(|source| Error::Io { place: "compound file header".into(), source })?;
        if !bytes.starts_with(&SIGNATURE) {
            let bytes = bytes.get(..found).unwrap_or_default();
            let first = bytes.iter().take(SIGNATURE.len());
            let found = first.map(|byte| format!("{byte:02X}")).collect();
            return Err(Error::Signature { found, looks_like: other_format(bytes) });
        }
        if found < HEADER_BYTES {
            return Err(Error::Header { expected: HEADER_BYTES as u64, found: found as u64 });
        }
        let (version, sector_shift) = version_and_shift(u16_at(&bytes, 26), u16_at(&bytes, 30));
        let first_mini_fat_sector = u32_at(&bytes, 60);
        let has_mini_fat = is_regular(first_mini_fat_sector);
        Ok(Self {
            version,
            sector_shift,
            fat_sectors: u32_at(&bytes, 44),
            first_directory_sector: u32_at(&bytes, 48),
            mini_stream_cutoff: mini_stream_cutoff(u32_at(&bytes, 56), has_mini_fat),
            first_mini_fat_sector,
            mini_fat_sectors: u32_at(&bytes, 64),
            first_difat_sector: u32_at(&bytes, 68),
            difat: u32s(bytes.get(76..).unwrap_or_default()).collect(),
        })
    }
}

/// Version 3 has the sector shift 9, version 4 the shift 12. Two valid values that contradict each
/// other both stay: every offset depends on the shift. An invalid value follows from the other one.
fn version_and_shift(version: u16, shift: u16) -> (u16, u32) {
    match (version, shift) {
        (3 | 4, 9 | 12) => (version, u32::from(shift)),
        (_, 12) | (4, _) => (4, 12),
        _ => (3, 9),
    }
}

/// The cutoff must be 4096 (\[MS-CFB\] 2.2). Another power of two is accepted: it is not the result
/// of a single flipped bit. In a file without a mini FAT, 0 is accepted too. Any other value
/// becomes 4096.
fn mini_stream_cutoff(cutoff: u32, has_mini_fat: bool) -> u32 {
    match cutoff {
        0 if !has_mini_fat => 0,
        64..=0x1_0000 if cutoff.is_power_of_two() => cutoff,
        _ => MINI_STREAM_CUTOFF,
    }
}

/// What a file is that is often taken for a message, by its first bytes.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 7] = [
        (b"!BDN", "an Outlook data file (PST), from which 'readpst -m' takes messages"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"%PDF", "a PDF file"),
        (b"{\\rtf", "an RTF file"),
        (b"<", "an HTML or XML file"),
        (b"\x78\x9F\x3E\x22", "a TNEF file (winmail.dat)"),
        (b"From ", "a mailbox of Internet messages (mbox)"),
    ];
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let known = STARTS.iter().find(|(start, _)| text.starts_with(start)).map(|(_, kind)| *kind);
    let is_zeros = !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0);
    known.or_else(|| starts_with_field(text).then_some("an Internet message (RFC 5322)")).or_else(
        || is_zeros.then_some("a file of zeros, as a disk or a transfer that failed leaves"),
    )
}

/// Whether a text begins with a header field (RFC 5322, 2.2).
fn starts_with_field(text: &[u8]) -> bool {
    let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    name.len() < text.len() && (2..=64).contains(&name.len()) && name.iter().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_compound_file() {
        let check = |bytes: &[u8], expected: &str| {
            let error = Header::read(&Source::from_bytes(bytes.to_vec())).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let none = "not a compound file: expected the signature D0CF11E0A1B11AE1, found ";
        check(&[0x20; 600], &format!("{none}2020202020202020"));
        check(b"\xD0\xCF\x11", &format!("{none}D0CF11"));
        let no = |what: &str| format!("not a compound file: {what}");
        check(b"", &no("the file is empty"));
        for (bytes, kind) in [
            (&b"From: Ann"[..], "an Internet message (RFC 5322)"),
            (b"X-Mailer:x", "an Internet message (RFC 5322)"),
            (b"From ann Mon", "a mailbox of Internet messages (mbox)"),
            (b"\xEF\xBB\xBF\r\n<!DOCTYPE html>", "an HTML or XML file"),
            (b"%PDF-1.7", "a PDF file"),
            (b"\0\0\0", "a file of zeros, as a disk or a transfer that failed leaves"),
        ] {
            check(bytes, &no(&format!("it looks like {kind}")));
        }
        let mut short = [0; 511];
        short[..8].copy_from_slice(&SIGNATURE);
        check(&short, "compound file header: expected 512 bytes, found 511");
    }

    #[test]
    fn mends_version_and_shift() {
        for (version, shift, expected) in [
            (3, 9, (3, 9)),
            (4, 12, (4, 12)),
            (3, 12, (3, 12)),
            (4, 9, (4, 9)),
            (0, 12, (4, 12)),
            (9, 9, (3, 9)),
            (4, 0, (4, 12)),
            (3, 13, (3, 9)),
            (0xFFFF, 0xFFFF, (3, 9)),
        ] {
            assert_eq!(version_and_shift(version, shift), expected, "{version} {shift}");
        }
    }

    #[test]
    fn mends_the_cutoff() {
        for (cutoff, has_mini_fat, expected) in [
            (4096, true, 4096),
            (512, true, 512),
            (0, true, 4096),
            (0, false, 0),
            (4097, true, 4096),
            (0x1100, true, 4096),
            (u32::MAX, true, 4096),
            (0x8000_0000, true, 4096),
        ] {
            assert_eq!(mini_stream_cutoff(cutoff, has_mini_fat), expected, "{cutoff}");
        }
    }
}
