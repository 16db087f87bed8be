//! The directory: an array of entries of 128 bytes (\[MS-CFB\] 2.6).
//!
//! Knows what an entry says, not which entries hang together.

use super::bytes::{array_at, u16_at, u32_at, u64_at};
use super::error::{Damage, Defects, Error};
use super::header::Header;
use super::sectors::Sectors;
use crate::mapi::Guid;

/// The link of an entry that has no such neighbour.
pub(super) const NO_STREAM: u32 = 0xFFFF_FFFF;

const ENTRY_BYTES: usize = 128;
const NAME_UNITS: usize = 32;
/// 2,048 recipients and 2,048 attachments with 100 streams each are 400,000 entries.
const ENTRIES_MAX: usize = 1 << 20;

/// The entries of a compound file as they are stored.
#[derive(Debug)]
pub(super) struct Directory {
    bytes: Vec<u8>,
    first_sector: u32,
    version: u16,
    file_len: u64,
}

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectType {
    Unused,
    Storage,
    Stream,
    Root,
    /// None of the above.
    Other(u8),
}

impl Directory {
    /// Reads the chain of directory sectors.
    ///
    /// # Errors
    /// `Directory` if there is not even one entry; `Io`.
    pub(super) fn load(
        sectors: &Sectors,
        header: &Header,
        defects: &mut Defects,
    ) -> Result<Self, Error> {
        let first = header.first_directory_sector;
        let len_max = (ENTRIES_MAX * ENTRY_BYTES) as u64;
        let (bytes, damage) = sectors.read_chain("directory", first, len_max)?;
        match damage {
            // The directory has no length but that of its chain.
            Some(Damage::Ends) => {}
            Some(damage) => defects.add("directory", damage),
            None => defects.add("directory", format_args!("only {ENTRIES_MAX} entries are read")),
        }
        if bytes.len() < ENTRY_BYTES {
            return Err(Error::Directory { sector: first });
        }
        let file_len = sectors.source().len();
        Ok(Self { bytes, first_sector: first, version: header.version, file_len })
    }

    /// The number of the root entry: the first one of that type, else the first of all.
    pub(super) fn root(&self) -> u32 {
        let is_root = |entry: &DirectoryEntry<'_>| entry.object_type() == ObjectType::Root;
        self.entries().find(|(_, entry)| is_root(entry)).map_or(0, |(index, _)| index)
    }

    /// The sector it begins in.
    pub(super) fn first_sector(&self) -> u32 {
        self.first_sector
    }

    /// Number of entries, those not in use included.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / ENTRY_BYTES
    }

    /// The entry of this number.
    pub(super) fn entry(&self, index: u32) -> Option<DirectoryEntry<'_>> {
        let entries = self.bytes.as_chunks::<ENTRY_BYTES>().0;
        let bytes = entries.get(usize::try_from(index).ok()?)?;
        Some(DirectoryEntry { bytes, directory: self })
    }

    /// All entries in the order they are stored, with their numbers.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, DirectoryEntry<'_>)> {
        (0_u32..).map_while(|index| Some((index, self.entry(index)?)))
    }
}

/// One entry (\[MS-CFB\] 2.6.1).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 64 | name, UTF-16 with a NUL |
/// | 64 | 2 | length of the name in bytes, the NUL included |
/// | 66 | 1 | object type |
/// | 68 | 4 | left sibling |
/// | 72 | 4 | right sibling |
/// | 76 | 4 | child |
/// | 80 | 16 | CLSID |
/// | 116 | 4 | first sector |
/// | 120 | 8 | length of the stream in bytes |
#[derive(Clone, Copy, Debug)]
pub(super) struct DirectoryEntry<'a> {
    bytes: &'a [u8; ENTRY_BYTES],
    directory: &'a Directory,
}

impl DirectoryEntry<'_> {
    /// Appends the name to `out`, and gives its length in UTF-16 units.
    ///
    /// The first NUL ends a name; the stored length counts where there is none before it. A lone
    /// surrogate becomes U+FFFD.
    pub(super) fn append_name(&self, out: &mut String) -> usize {
        let mut units = [0_u16; NAME_UNITS];
        for (unit, bytes) in units.iter_mut().zip(self.bytes.as_chunks::<2>().0) {
            *unit = u16::from_le_bytes(*bytes);
        }
        let stored = usize::from(u16_at(self.bytes, 64));
        let is_len = stored % 2 == 0 && (2..=2 * NAME_UNITS).contains(&stored);
        let len_max = if is_len { stored / 2 } else { NAME_UNITS };
        let len = units.iter().take(len_max).position(|unit| *unit == 0).unwrap_or(len_max);
        let name = units.get(..len).unwrap_or_default();
        if name.iter().all(|unit| *unit < 0x80) {
            out.extend(name.iter().filter_map(|unit| u8::try_from(*unit).ok()).map(char::from));
            return len;
        }
        let start = out.len();
        out.extend(char::decode_utf16(name.iter().copied()).map(|c| c.unwrap_or('\u{FFFD}')));
        // U+FFFD has one unit, as the surrogate that it stands for.
        debug_assert_eq!(out.get(start..).map(|name| name.encode_utf16().count()), Some(len));
        len
    }

    /// What the entry stands for.
    pub(super) fn object_type(&self) -> ObjectType {
        match array_at::<1>(self.bytes, 66) {
            [0] => ObjectType::Unused,
            [1] => ObjectType::Storage,
            [2] => ObjectType::Stream,
            [5] => ObjectType::Root,
            [other] => ObjectType::Other(other),
        }
    }

    /// Whether it has a name at all.
    pub(super) fn is_named(&self) -> bool {
        u16_at(self.bytes, 0) != 0
    }

    pub(super) fn left(&self) -> u32 {
        u32_at(self.bytes, 68)
    }

    pub(super) fn right(&self) -> u32 {
        u32_at(self.bytes, 72)
    }

    /// The first of the children of a storage, the top of their tree.
    pub(super) fn child(&self) -> u32 {
        u32_at(self.bytes, 76)
    }

    pub(super) fn clsid(&self) -> Guid {
        Guid(array_at(self.bytes, 80))
    }

    pub(super) fn first_sector(&self) -> u32 {
        u32_at(self.bytes, 116)
    }

    /// The declared length of a stream in bytes.
    ///
    /// Version 3 has 32 bits, and junk above them (\[MS-CFB\] 2.6.1); the same is believed of a
    /// length that only its lower half keeps within the file.
    pub(super) fn stream_len(&self) -> u64 {
        let len = u64_at(self.bytes, 120);
        let low = len & u64::from(u32::MAX);
        let is_junk = len > self.directory.file_len && low <= self.directory.file_len;
        if self.directory.version == 3 || is_junk { low } else { len }
    }
}
