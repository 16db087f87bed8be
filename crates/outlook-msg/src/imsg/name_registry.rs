//! Adds names to the named-property map of a file (\[MS-OXMSG\] 2.2.3).
//!
//! The map only grows: existing names keep their ids and their bytes.

use std::collections::BTreeMap;

use crate::mapi::sets::{PS_INTERNET_HEADERS, PS_MAPI, PS_PUBLIC_STRINGS};
use crate::mapi::{Guid, NameKind, PropertyName, PropertyTag, crc};
use crate::storage::{self, Defect, Transaction};

use super::error::Error;
use super::names::{ENTRY_STREAM, GUID_STREAM, NAME_BYTES_MAX, NAME_ENTRY_LEN, STRING_STREAM};
use super::stream_name::{NAMEID_STORAGE, VALUE_PREFIX};

/// The number of ids for named properties: 0x8000 to 0xFFFE.
const NAMES_MAX: u32 = 0x7FFF;
/// The map also has a hash table of the names, in which each bucket is a stream (\[MS-OXMSG\]
/// 2.2.3.2.1): the number of the first bucket, and how many there are.
const FIRST_BUCKET: u32 = 0x1000;
const BUCKETS: u32 = 0x1F;
/// Bit 0 in the second half of an entry says that the name is a string.
const STRING_KIND: u32 = 1;

/// Creates an empty map.
pub(super) fn create(transaction: &mut Transaction) -> Result<(), storage::Error> {
    transaction.create_storage(&[NAMEID_STORAGE])?;
    for stream in [GUID_STREAM, ENTRY_STREAM, STRING_STREAM] {
        if transaction.stream(&[NAMEID_STORAGE, stream]).is_none() {
            transaction.write_stream(&[NAMEID_STORAGE, stream], Vec::new())?;
        }
    }
    Ok(())
}

/// Gives a name the next id in the map of a file.
pub(super) fn add(transaction: &mut Transaction, name: &PropertyName) -> Result<u16, Error> {
    create(transaction)?;
    let mut map = NameMap::read(transaction)?;
    let id = map.add(name)?;
    map.write(transaction)?;
    Ok(id)
}

/// The streams of the map.
#[derive(Debug, Default)]
pub(super) struct NameMap {
    guids: Vec<u8>,
    entries: Vec<u8>,
    strings: Vec<u8>,
    /// The buckets, by the names of their streams without the prefix.
    buckets: BTreeMap<String, Vec<u8>>,
}

impl NameMap {
    fn read(transaction: &Transaction) -> Result<Self, Error> {
        let mut map = Self::default();
        let names: Vec<String> =
            transaction.entries(&[NAMEID_STORAGE]).map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let bytes = transaction.read_stream(&[NAMEID_STORAGE, &name])?.unwrap_or_default();
            match name.to_lowercase().as_str() {
                GUID_STREAM => map.guids = bytes,
                ENTRY_STREAM => map.entries = bytes,
                STRING_STREAM => map.strings = bytes,
                lower => {
                    let number = lower.strip_prefix(VALUE_PREFIX).unwrap_or(lower).to_uppercase();
                    map.buckets.insert(number, bytes);
                }
            }
        }
        Ok(map)
    }

    /// Gives a name the next id.
    pub(super) fn add(&mut self, name: &PropertyName) -> Result<u16, Error> {
        let index = next_index(&self.entries)?;
        let set = set_index(name.set, &mut self.guids)?;
        let (value, key, kind) = match &name.kind {
            NameKind::Lid(lid) => (*lid, *lid, 0),
            NameKind::Name(text) => {
                let offset = add_string(text, &mut self.strings)?;
                (offset, checksum(name.set, text), STRING_KIND)
            }
        };
        let set_and_kind = set << 1 | kind;
        let second = u32::from(index) << 16 | set_and_kind;
        self.entries.extend([value.to_le_bytes(), second.to_le_bytes()].concat());
        let bucket = FIRST_BUCKET + (key ^ set_and_kind) % BUCKETS;
        let bucket = format!("{bucket:04X}0102");
        let entry = [key.to_le_bytes(), second.to_le_bytes()].concat();
        self.buckets.entry(bucket).or_default().extend(entry);
        Ok(PropertyTag::FIRST_NAMED_ID + index)
    }

    /// Writes the streams that have changed.
    pub(super) fn write(self, transaction: &mut Transaction) -> Result<(), Error> {
        create(transaction)?;
        let known = [GUID_STREAM, ENTRY_STREAM, STRING_STREAM];
        let known =
            known.map(str::to_owned).into_iter().zip([self.guids, self.entries, self.strings]);
        let buckets = self.buckets.into_iter();
        let buckets = buckets.map(|(number, bytes)| (format!("{VALUE_PREFIX}{number}"), bytes));
        for (name, bytes) in known.chain(buckets) {
            let path = [NAMEID_STORAGE, name.as_str()];
            if transaction.read_stream(&path)?.as_ref() != Some(&bytes) {
                transaction.write_stream(&path, bytes)?;
            }
        }
        Ok(())
    }
}

/// The index of the next entry, which is the number of entries. If an existing entry already has
/// that index or a larger one, or the list ends within an entry, the map is damaged and cannot
/// grow.
fn next_index(entries: &[u8]) -> Result<u16, Error> {
    let (known, rest) = entries.as_chunks::<NAME_ENTRY_LEN>();
    let count = u32::try_from(known.len()).unwrap_or(u32::MAX);
    let index =
        |[.., low, high]: &[u8; NAME_ENTRY_LEN]| u32::from(u16::from_le_bytes([*low, *high]));
    if !rest.is_empty() || known.iter().any(|entry| index(entry) >= count) {
        return Err(damaged(ENTRY_STREAM, "entries that are not numbered one by one"));
    }
    u16::try_from(count)
        .ok()
        .filter(|_| count < NAMES_MAX)
        .ok_or(Error::TooMany { what: "named properties", count_max: NAMES_MAX })
}

/// The index of a property set, which is added if it is new. The sets with the indices 1 and 2 are
/// not stored (\[MS-OXMSG\] 2.2.3.1.1).
fn set_index(set: Guid, guids: &mut Vec<u8>) -> Result<u32, Error> {
    if set == PS_MAPI || set == PS_PUBLIC_STRINGS {
        return Ok(if set == PS_MAPI { 1 } else { 2 });
    }
    let (known, rest) = guids.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(damaged(GUID_STREAM, "a last GUID that is cut off"));
    }
    let index = known.iter().position(|guid| *guid == set.0).unwrap_or(known.len());
    if index == known.len() {
        guids.extend(set.0);
    }
    // There are at most as many sets as names, so the index fits into 15 bits.
    u32::try_from(index + 3)
        .ok()
        .filter(|index| *index <= NAMES_MAX)
        .ok_or(Error::TooMany { what: "property sets", count_max: NAMES_MAX })
}

/// Appends a name to the string stream, and returns its offset.
fn add_string(text: &str, strings: &mut Vec<u8>) -> Result<u32, Error> {
    let name: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let too_long = Error::TooMany { what: "bytes in a name", count_max: 508 };
    if name.is_empty() || name.len() > NAME_BYTES_MAX || text.contains('\0') {
        return Err(too_long);
    }
    // Some programs leave out the padding after the last name.
    strings.resize(strings.len().next_multiple_of(4), 0);
    let offset = u32::try_from(strings.len()).map_err(|_| too_long)?;
    strings.extend(u32::try_from(name.len()).unwrap_or_default().to_le_bytes());
    strings.extend(name);
    strings.resize(strings.len().next_multiple_of(4), 0);
    Ok(offset)
}

/// The checksum of a name (\[MS-OXMSG\] 2.2.3.2.2). The name of an internet header counts in lower
/// case.
fn checksum(set: Guid, text: &str) -> u32 {
    let text = if set == PS_INTERNET_HEADERS { text.to_lowercase() } else { text.to_owned() };
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    crc::crc(&bytes)
}

fn damaged(stream: &str, cause: &str) -> Error {
    Error::Damaged(Defect { place: format!("/{NAMEID_STORAGE}/{stream}"), cause: cause.to_owned() })
}
