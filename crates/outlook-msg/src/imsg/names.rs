//! The named-property map of a file (\[MS-OXMSG\] 2.2.3): gives the names of property ids from
//! 0x8000 on.
//!
//! A message and everything embedded in it share one map. Knows no property values.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use crate::mapi::sets::{PS_INTERNET_HEADERS, PS_MAPI, PS_PUBLIC_STRINGS};
use crate::mapi::utf16::decode_utf16;
use crate::mapi::{Guid, NameKind, PropertyName, PropertyTag};
use crate::storage::{self, Defect, Storage};

use super::stream_name::{NAMEID_STORAGE, value_name};

/// The named-property map of one file (`GetNamesFromIDs`, `GetIDsFromNames`).
#[derive(Debug, Default)]
pub struct PropertyNames {
    by_id: BTreeMap<u16, PropertyName>,
    /// The ids by the names as [`folded`] gives them; made when a name is first looked up.
    by_name: OnceLock<HashMap<PropertyName, u16>>,
    defects: Vec<Defect>,
}

pub(super) const GUID_STREAM: &str = value_name!("00020102");
pub(super) const ENTRY_STREAM: &str = value_name!("00030102");
pub(super) const STRING_STREAM: &str = value_name!("00040102");
pub(super) const NAME_ENTRY_LEN: usize = 8;
/// The longest name that MAPI allows, in bytes of UTF-16; none longer was seen in real files.
pub(super) const NAME_BYTES_MAX: usize = 508;

impl PropertyNames {
    /// Reads the map in the root of a file; a missing map is an empty one.
    pub(super) fn read(root: &Storage) -> Self {
        let mut names = Self::default();
        let Some(storage) = root.storage(NAMEID_STORAGE) else { return names };
        let mut stream = |name: &str| {
            let Some(stream) = storage.stream(name) else { return Vec::new() };
            let (bytes, damage) = stream.read_salvage();
            if let Some(error) = damage.or_else(|| stream.check().err()) {
                names.defects.push(Defect { place: stream.path(), cause: error.to_string() });
            }
            bytes
        };
        let (guids, entries, strings) =
            (stream(GUID_STREAM), stream(ENTRY_STREAM), stream(STRING_STREAM));
        // The other streams are the buckets of a hash table, which this function does not use. They
        // are checked because a program that looks a name up there would not find it in a damaged
        // bucket.
        for entry in storage.entries() {
            let storage::Entry::Stream(one) = entry else { continue };
            let is_read = [GUID_STREAM, ENTRY_STREAM, STRING_STREAM]
                .into_iter()
                .any(|name| one.name().eq_ignore_ascii_case(name));
            if let Err(error) = one.check()
                && !is_read
            {
                names.defects.push(Defect { place: one.path(), cause: error.to_string() });
            }
        }
        let place = format!("{}/{ENTRY_STREAM}", storage.path());
        names.read_entries(&place, &entries, &guids, &strings);
        names
    }

    /// Reads the entry stream, which has this place.
    fn read_entries(&mut self, place: &str, entries: &[u8], guids: &[u8], strings: &[u8]) {
        let mut defect = |cause| self.defects.push(Defect { place: place.to_owned(), cause });
        let (entries, rest) = entries.as_chunks::<NAME_ENTRY_LEN>();
        for (position, entry) in entries.iter().enumerate() {
            let cause = match decode_entry(*entry, position, guids, strings) {
                Ok((id, name)) => {
                    // If damage has given an id several entries, the first one counts.
                    self.by_id.entry(id).or_insert(name);
                    contradiction(*entry, position)
                }
                Err(cause) => Some(cause),
            };
            if let Some(cause) = cause {
                defect(format!("entry {position}: {cause}"));
            }
        }
        if !rest.is_empty() {
            let found = rest.len();
            defect(format!("an entry of {NAME_ENTRY_LEN} bytes, found {found}"));
        }
    }

    /// The name of a property id (`GetNamesFromIDs`).
    pub fn name(&self, tag: PropertyTag) -> Option<&PropertyName> {
        self.by_id.get(&tag.id())
    }

    /// The property id of a name (`GetIDsFromNames`). Case is ignored in names of the set
    /// `PS_INTERNET_HEADERS` (\[MS-OXPROPS\] 1.3.2).
    pub fn id(&self, name: &PropertyName) -> Option<u16> {
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name = HashMap::with_capacity(self.by_id.len());
            for (id, name) in &self.by_id {
                // If several ids have the same name, the first one counts.
                by_name.entry(folded(name).into_owned()).or_insert(*id);
            }
            by_name
        });
        by_name.get(&*folded(name)).copied()
    }

    /// How many names the file has.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether the file has no names.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The defects of the map.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }
}

/// A name as it is compared: the name of an internet header in lower case.
fn folded(name: &PropertyName) -> Cow<'_, PropertyName> {
    match &name.kind {
        NameKind::Name(text) if name.set == PS_INTERNET_HEADERS => {
            let kind = NameKind::Name(text.to_lowercase());
            Cow::Owned(PropertyName { set: name.set, kind })
        }
        NameKind::Name(_) | NameKind::Lid(_) => Cow::Borrowed(name),
    }
}

/// Decodes one entry of the entry stream (\[MS-OXMSG\] 2.2.3.1.2).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | LID, or offset of the name in the string stream |
/// | 4 | 2 | GUID index shifted left by 1, and the kind in bit 0 (1 = name) |
/// | 6 | 2 | property index: the id minus 0x8000 |
fn decode_entry(
    entry: [u8; NAME_ENTRY_LEN],
    position: usize,
    guids: &[u8],
    strings: &[u8],
) -> Result<(u16, PropertyName), String> {
    let [a0, a1, a2, a3, b0, b1, i0, i1] = entry;
    let value = u32::from_le_bytes([a0, a1, a2, a3]);
    let index_and_kind = u16::from_le_bytes([b0, b1]);
    let index = u16::from_le_bytes([i0, i1]);
    let id = PropertyTag::FIRST_NAMED_ID
        .checked_add(index)
        .or_else(|| PropertyTag::FIRST_NAMED_ID.checked_add(u16::try_from(position).ok()?))
        .ok_or_else(|| format!("property index {index} is out of range"))?;
    let set = match usize::from(index_and_kind >> 1) {
        0 => Guid::default(),
        1 => PS_MAPI,
        2 => PS_PUBLIC_STRINGS,
        n => *guids
            .as_chunks::<16>()
            .0
            .get(n - 3)
            .map(|bytes| Guid(*bytes))
            .as_ref()
            .ok_or_else(|| format!("GUID index {n} beyond the {} stored", guids.len() / 16))?,
    };
    let kind = match index_and_kind & 1 {
        0 => NameKind::Lid(value),
        _ => NameKind::Name(decode_name(value, strings)?),
    };
    Ok((id, PropertyName { set, kind }))
}

/// What is wrong with an entry that can be decoded: all programs number the entries from 0, and none
/// leaves one unused.
fn contradiction(entry: [u8; NAME_ENTRY_LEN], position: usize) -> Option<String> {
    if entry == [0; NAME_ENTRY_LEN] {
        return Some("nothing but zeros".to_owned());
    }
    let [.., i0, i1] = entry;
    let index = u16::from_le_bytes([i0, i1]);
    (usize::from(index) != position).then(|| format!("it is for index {index}"))
}

/// Decodes a name of the string stream (\[MS-OXMSG\] 2.2.3.1.3): byte length, UTF-16LE text.
fn decode_name(offset: u32, strings: &[u8]) -> Result<String, String> {
    let beyond = || format!("name at {offset} beyond the string stream of {}", strings.len());
    let rest = strings.get(usize::try_from(offset).map_err(|_| beyond())?..).ok_or_else(beyond)?;
    let (len, text) = rest.split_first_chunk::<4>().ok_or_else(beyond)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| beyond())?;
    if len > NAME_BYTES_MAX {
        return Err(format!("name of {len} bytes, of at most {NAME_BYTES_MAX}"));
    }
    if !len.is_multiple_of(2) {
        return Err(format!("name of {len} bytes, an odd number"));
    }
    let text = text.get(..len).ok_or_else(beyond)?;
    Ok(decode_utf16(text))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{NAME_BYTES_MAX, PropertyNames, decode_name};
    use crate::mapi::sets::{PS_INTERNET_HEADERS, PS_PUBLIC_STRINGS};
    use crate::mapi::{Guid, NameKind, PropertyName};

    fn names(names: impl IntoIterator<Item = (u16, Guid, NameKind)>) -> PropertyNames {
        let by_id = names.into_iter().map(|(id, set, kind)| (id, PropertyName { set, kind }));
        PropertyNames { by_id: by_id.collect(), ..PropertyNames::default() }
    }

    #[test]
    fn a_name_has_its_first_id() {
        let text = |text: &str| NameKind::Name(text.to_owned());
        let names = names([
            (0x8000, PS_PUBLIC_STRINGS, text("Keywords")),
            (0x8001, PS_INTERNET_HEADERS, text("X-Mailer")),
            (0x8002, PS_PUBLIC_STRINGS, text("Keywords")),
            (0x8003, PS_PUBLIC_STRINGS, NameKind::Lid(1)),
        ]);
        let check = |set, kind, id| assert_eq!(names.id(&PropertyName { set, kind }), id);
        check(PS_PUBLIC_STRINGS, text("Keywords"), Some(0x8000));
        check(PS_PUBLIC_STRINGS, text("keywords"), None);
        check(PS_INTERNET_HEADERS, text("x-mailer"), Some(0x8001));
        check(PS_INTERNET_HEADERS, text("Keywords"), None);
        check(PS_PUBLIC_STRINGS, NameKind::Lid(1), Some(0x8003));
    }

    #[test]
    fn many_names_are_looked_up_often_in_no_time() {
        let ids = 0x8000..0xFFFF_u16;
        let names = names(ids.map(|id| (id, PS_PUBLIC_STRINGS, NameKind::Lid(id.into()))));
        let begun = Instant::now();
        for lid in 0..100_000 {
            let name = PropertyName { set: PS_PUBLIC_STRINGS, kind: NameKind::Lid(lid) };
            assert_eq!(
                names.id(&name),
                u16::try_from(lid).ok().filter(|id| names.by_id.contains_key(id))
            );
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    fn stored(len: u32, bytes: usize) -> Vec<u8> {
        let mut strings = len.to_le_bytes().to_vec();
        strings.resize(strings.len() + bytes, b'a');
        strings
    }

    #[test]
    fn a_name_has_a_limit() {
        let max = u32::try_from(NAME_BYTES_MAX).unwrap();
        assert!(decode_name(0, &stored(max, NAME_BYTES_MAX)).is_ok());
        let error = decode_name(0, &stored(max + 2, NAME_BYTES_MAX + 2)).unwrap_err();
        assert_eq!(error, "name of 510 bytes, of at most 508");
        assert!(decode_name(0, &stored(8, 7)).is_err());
        let error = decode_name(0, &stored(7, 8)).unwrap_err();
        assert_eq!(error, "name of 7 bytes, an odd number");
        assert!(decode_name(5, b"abc").is_err());
    }
}
