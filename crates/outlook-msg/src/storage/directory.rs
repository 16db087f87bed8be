//! The directory: an array of entries of 128 bytes (\[MS-CFB\] 2.6).
//!
//! Knows the fields of an entry, not how entries are linked.

use super::bytes::{array_at, u16_at, u32_at, u64_at};
use super::error::{Damage, Defects, Error};
use super::header::Header;
use super::sectors::Sectors;
use crate::mapi::Guid;

/// The value of a link that leads nowhere (`NOSTREAM`).
pub(super) const NO_STREAM: u32 = 0xFFFF_FFFF;

const ENTRY_BYTES: usize = 128;
const NAME_UNITS: usize = 32;
/// At most this many entries are read. The largest message that \[MS-OXMSG\] allows, with 2,048
/// recipients and 2,048 attachments of 100 streams each, has 400,000.
const ENTRIES_MAX: usize = 1 << 20;
/// The search for a lost root entry covers this many sectors: 32 MiB of a file of version 3.
const SEARCHED_SECTORS_MAX: u32 = 1 << 16;
const PLACE: &str = "directory";

/// The entries of a compound file as they are stored.
#[derive(Debug)]
pub(super) struct StoredDirectory {
    bytes: Vec<u8>,
    first_sector: u32,
    version: u16,
    file_len: u64,
}

/// The type of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectType {
    Unused,
    Storage,
    Stream,
    Root,
    /// None of the above.
    Other,
}

impl ObjectType {
    fn of(entry: &[u8; ENTRY_BYTES]) -> Self {
        match array_at(entry, 66) {
            [0] => Self::Unused,
            [1] => Self::Storage,
            [2] => Self::Stream,
            [5] => Self::Root,
            _ => Self::Other,
        }
    }
}

impl StoredDirectory {
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
        let stated = Self::read(sectors, header, first)?;
        let is_root = stated.0.entry(0).is_some_and(|e| e.object_type() == ObjectType::Root);
        let found =
            if is_root { None } else { find_root(sectors)?.filter(|found| *found != first) };
        let (directory, damage) = match found {
            None => stated,
            Some(found) => {
                defects.add(PLACE, format_args!("expected in sector {first}, found in {found}"));
                Self::read(sectors, header, found)?
            }
        };
        match damage {
            // Nothing states the length of the directory but its chain, so an early end is no
            // defect by itself. If entries in use are missing, a link to one of them will show it.
            Some(Damage::Ends | Damage::Cut(_)) => {}
            Some(damage) => defects.add(PLACE, damage),
            None => defects.add(PLACE, format_args!("only {ENTRIES_MAX} entries are read")),
        }
        if directory.len() == 0 {
            return Err(Error::Directory { sector: first });
        }
        Ok(directory)
    }

    /// The number of the root entry: the first entry of that type, else the first entry.
    pub(super) fn root(&self) -> u32 {
        let is_root = |entry: &StoredEntry<'_>| entry.object_type() == ObjectType::Root;
        self.entries().find(|(_, entry)| is_root(entry)).map_or(0, |(index, _)| index)
    }

    /// The sector in which the directory begins.
    pub(super) fn first_sector(&self) -> u32 {
        self.first_sector
    }

    /// Number of entries, including those not in use.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / ENTRY_BYTES
    }

    /// The entry of this number.
    pub(super) fn entry(&self, index: u32) -> Option<StoredEntry<'_>> {
        let entries = self.bytes.as_chunks::<ENTRY_BYTES>().0;
        let bytes = entries.get(usize::try_from(index).ok()?)?;
        Some(StoredEntry { bytes, directory: self })
    }

    /// All entries in the order they are stored, with their numbers.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, StoredEntry<'_>)> {
        (0_u32..).map_while(|index| Some((index, self.entry(index)?)))
    }

    fn read(
        sectors: &Sectors,
        header: &Header,
        first: u32,
    ) -> Result<(Self, Option<Damage>), Error> {
        let len_max = (ENTRIES_MAX * ENTRY_BYTES) as u64;
        let (bytes, damage) = sectors.read_chain(PLACE, first, len_max)?;
        let file_len = sectors.source().len();
        Ok((Self { bytes, first_sector: first, version: header.version, file_len }, damage))
    }
}

/// Looks for a sector that begins with a root entry; called if the sector in the header has none.
fn find_root(sectors: &Sectors) -> Result<Option<u32>, Error> {
    let name: Vec<u8> = "Root Entry".bytes().flat_map(|byte| [byte, 0]).collect();
    let mut bytes = Vec::with_capacity(ENTRY_BYTES);
    for sector in 0..SEARCHED_SECTORS_MAX {
        bytes.clear();
        let read = sectors.append_sector(sector, ENTRY_BYTES, &mut bytes);
        read.map_err(|source| Error::Io { place: PLACE.into(), source })?;
        let Some(bytes) = bytes.first_chunk() else { return Ok(None) };
        if bytes.starts_with(&name) && ObjectType::of(bytes) == ObjectType::Root {
            return Ok(Some(sector));
        }
    }
    Ok(None)
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
pub(super) struct StoredEntry<'a> {
    bytes: &'a [u8; ENTRY_BYTES],
    directory: &'a StoredDirectory,
}

impl StoredEntry<'_> {
    /// Appends the name to `out`, and returns its length in UTF-16 units.
    ///
    /// The stored length tells where the name ends; if it is invalid, the first NUL does. A lone
    /// surrogate becomes U+FFFD.
    pub(super) fn append_name(&self, out: &mut String) -> usize {
        let units = self.bytes.as_chunks::<2>().0.get(..NAME_UNITS).unwrap_or_default();
        let len = match usize::from(u16_at(self.bytes, 64)) {
            stored @ 2..=64 if stored % 2 == 0 => stored / 2 - 1,
            _ => units.iter().position(|unit| *unit == [0, 0]).unwrap_or(NAME_UNITS),
        };
        let name = units.get(..len).unwrap_or_default();
        let len = name.iter().rposition(|unit| *unit != [0, 0]).map_or(0, |last| last + 1);
        let name = name.get(..len).unwrap_or_default();
        // Nearly every name is ASCII. Decoding names takes most of the time of opening a file, so
        // ASCII has a fast path. It looks at all units of the field, because the compiler makes a
        // few vector instructions of a loop of known length; what is behind the name is zero.
        let mut field = [[0; 2]; NAME_UNITS];
        if let Some(field) = field.get_mut(..len) {
            field.copy_from_slice(name);
        }
        let high = field.iter().fold(0, |high, unit| high | unit[1] | (unit[0] & 0x80));
        if high == 0 {
            let ascii = field.map(|unit| unit[0]);
            if let Some(Ok(name)) = ascii.get(..len).map(std::str::from_utf8) {
                out.push_str(name);
                return len;
            }
        }
        let units = name.iter().map(|unit| u16::from_le_bytes(*unit));
        let start = out.len();
        out.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')));
        // U+FFFD has one UTF-16 unit, like the surrogate that it replaces, so the length stays
        // right.
        debug_assert_eq!(out.get(start..).map(|name| name.encode_utf16().count()), Some(len));
        len
    }

    /// The type of the entry.
    pub(super) fn object_type(&self) -> ObjectType {
        ObjectType::of(self.bytes)
    }

    /// The object type as stored.
    pub(super) fn type_byte(&self) -> u8 {
        let [byte] = array_at(self.bytes, 66);
        byte
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

    /// The top of the search tree of a storage's children.
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
    /// In version 3 only the lower 32 bits count; the upper ones may hold junk (\[MS-CFB\] 2.6.1).
    /// In version 4 the upper bits are ignored too, if the length fits into the file only without
    /// them.
    pub(super) fn stream_len(&self) -> u64 {
        let len = u64_at(self.bytes, 120);
        let low = len & u64::from(u32::MAX);
        let is_junk = len > self.directory.file_len && low <= self.directory.file_len;
        if self.directory.version == 3 || is_junk { low } else { len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(units: &[u16], stored: u16, expected: &str) {
        let mut bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        bytes.resize(ENTRY_BYTES, 0);
        bytes[64..66].copy_from_slice(&stored.to_le_bytes());
        let directory = StoredDirectory { bytes, first_sector: 0, version: 3, file_len: 0 };
        let mut name = "before".to_owned();
        let len = directory.entry(0).unwrap().append_name(&mut name);
        assert_eq!(name, format!("before{expected}"), "{units:x?} {stored}");
        assert_eq!(len, expected.encode_utf16().count(), "{units:x?} {stored}");
    }

    #[test]
    fn decodes_names() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
        check(&units("abc"), 8, "abc");
        check(&units("\u{1}Ole/x"), 14, "\u{1}Ole/x");
        check(&units("größe\u{1F600}"), 16, "größe\u{1F600}");
        check(&[0xD83D, 0x41, 0xDE00], 8, "\u{FFFD}A\u{FFFD}");
        check(&[0x61; 31], 64, &"a".repeat(31));
        check(&[], 2, "");
        check(&[], 0, "");
        // Lengths that are impossible, that are too long, and that have no NUL after the name.
        for stored in [0, 1, 7, 66, 70, 0xFFFF] {
            check(&units("abc"), stored, "abc");
        }
        check(&[0x61; 32], 66, &"a".repeat(32));
        check(&units("abc"), 64, "abc");
        check(&units("abcd"), 8, "abc");
        check(&units("a\0c"), 8, "a\0c");
    }
}
