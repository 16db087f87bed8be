//! The list of the properties of one storage: the property stream, and the names of the value
//! streams beside it (\[MS-OXMSG\] 2.4).
//!
//! Reads no value.

use crate::mapi::{Location, PropertyTag, PropertyType};
use crate::storage::{Defect, EntryNumber, Storage};

use super::note::Note;
use super::sizes::end_mark;
use super::stream_name::{ATTACHMENT_PREFIX, RECIPIENT_PREFIX, StreamName, numbered, part_number};

/// The stream that lists all properties and has the fixed-size values.
pub const PROPERTY_STREAM: &str = "__properties_version1.0";
/// The length of an entry of the property stream.
pub(super) const ENTRY_LEN: usize = 16;
/// At most this many entries are read. No real object has so many properties, and each takes
/// several times its size in memory.
const PROPERTIES_MAX: usize = 1 << 16;
/// If a header counts more recipients or attachments than this, the field holds something else.
const STATED_PARTS_MAX: usize = 1 << 16;

/// The property must not be deleted (`PROPATTR_MANDATORY`).
pub const PROPATTR_MANDATORY: u32 = 1;
/// The property can be read (`PROPATTR_READABLE`).
pub const PROPATTR_READABLE: u32 = 2;
/// The property can be set (`PROPATTR_WRITEABLE`).
pub const PROPATTR_WRITEABLE: u32 = 4;
/// All attributes. If the property stream has other bits for a property, they are damage, and its
/// attributes are ignored.
pub(super) const PROPATTR_ALL: u32 = PROPATTR_MANDATORY | PROPATTR_READABLE | PROPATTR_WRITEABLE;

/// The kind of header of a property stream. It depends on the object (\[MS-OXMSG\] 2.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamHeader {
    TopLevelMessage,
    EmbeddedMessage,
    /// A recipient or an attachment.
    Part,
}

impl StreamHeader {
    pub(super) const fn len(self) -> usize {
        match self {
            Self::TopLevelMessage => 32,
            Self::EmbeddedMessage => 24,
            Self::Part => 8,
        }
    }

    /// The header that a property stream really has. Some libraries write the header of a top-level
    /// message into embedded ones, or the reverse. The entries tell: read at the wrong offset, they
    /// make no sense. The expected header is assumed unless its entries make no sense and those of
    /// the other header do.
    pub(super) fn of_stream(self, stream: &[u8]) -> Self {
        let other = match self {
            Self::TopLevelMessage => Self::EmbeddedMessage,
            Self::EmbeddedMessage => Self::TopLevelMessage,
            Self::Part => return self,
        };
        let (stated, found) = (self.plausible_entries(stream), other.plausible_entries(stream));
        let is_plain = |(plausible, all): (usize, usize)| plausible * 2 > all;
        if !is_plain(stated) && is_plain(found) { other } else { self }
    }

    /// How many entries after this header have a possible tag, and how many entries there are.
    fn plausible_entries(self, stream: &[u8]) -> (usize, usize) {
        let entries = stream.get(self.len()..).unwrap_or_default().as_chunks::<ENTRY_LEN>().0;
        let tags = entries.iter().map(|entry| decode_entry(*entry).tag);
        (tags.filter(|tag| is_plausible(*tag)).count(), entries.len())
    }
}

/// Whether a property can have this tag.
fn is_plausible(tag: PropertyTag) -> bool {
    tag.id() != 0 && tag.property_type().location() != Location::Unknown
}

/// One property of a storage, without its value.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its tag.
    pub tag: PropertyTag,
    /// Its attributes: [`PROPATTR_MANDATORY`], [`PROPATTR_READABLE`], [`PROPATTR_WRITEABLE`].
    /// `None` if the property stream does not list the property although its value is there.
    pub flags: Option<u32>,
    pub(super) value: [u8; 8],
    /// The stream or storage named after the tag.
    pub(super) content: Option<EntryNumber>,
}

/// Whether an entry begins in the bytes after the last whole one. Undamaged files may have such
/// bytes, but no tag is in them.
fn begins_entry(rest: &[u8]) -> bool {
    let is_begun = |tag: [u8; 4]| is_plausible(PropertyTag(u32::from_le_bytes(tag)));
    match *rest {
        [a, b, c, d, ..] => is_begun([a, b, c, d]),
        // Of a tag that is cut, the property type tells, as far as it is there.
        [a, b, ..] => is_begun([a, b, 0xFF, 0xFF]),
        [a] => [0x00, 0x01, 0x10, 0x11].into_iter().any(|b| is_begun([a, b, 0xFF, 0xFF])),
        [] => false,
    }
}

/// The properties that a storage lists.
#[derive(Debug, Default)]
pub(super) struct PropertyList {
    /// Sorted by tag, which is unique.
    pub(super) properties: Vec<Property>,
    /// The streams of the single values of multi-valued properties, sorted by tag and index.
    pub(super) elements: Vec<(PropertyTag, u32, EntryNumber)>,
    pub(super) defects: Vec<Defect>,
    pub(super) notes: Vec<Note>,
}

impl PropertyList {
    pub(super) fn read(storage: &Storage, header: StreamHeader) -> Self {
        let mut list = Self::default();
        list.read_stream(storage, header);
        let listed = list.properties.len();
        list.attach_streams(storage, listed);
        if list.properties.is_empty() && list.defects.is_empty() {
            let cause = "no property at all".to_owned();
            list.defects.push(Defect { place: storage.path(), cause });
        }
        list
    }

    fn read_stream(&mut self, storage: &Storage, header: StreamHeader) {
        let Some(stream) = storage.stream(PROPERTY_STREAM) else {
            self.defects.push(Defect {
                place: storage.path(),
                cause: format!("no stream {PROPERTY_STREAM}"),
            });
            return;
        };
        let (bytes, damage) = stream.read_salvage();
        // If its length is damaged, the chain goes on after the properties that are left.
        let damage = damage.or_else(|| stream.check().err());
        let stated = header;
        let header = stated.of_stream(&bytes);
        if header != stated {
            let (found, stated) = (header.len(), stated.len());
            let text = format!("the header has {found} bytes where {stated} are due");
            self.notes.push(Note { place: stream.path(), text });
        }
        let cause = damage.map(|error| error.to_string()).or_else(|| {
            let (len, needed) = (bytes.len(), header.len());
            (len < needed).then(|| format!("a header of {needed} bytes, found {len}"))
        });
        if let Some(cause) = cause {
            self.defects.push(Defect { place: stream.path(), cause });
        }
        if header != StreamHeader::Part {
            self.note_counts(storage, &bytes);
        }
        let entries = bytes.get(header.len()..).unwrap_or_default().as_chunks::<ENTRY_LEN>();
        let (entries, rest) = entries;
        if begins_entry(rest) {
            let cause = format!("an entry of {ENTRY_LEN} bytes, found {}", rest.len());
            self.defects.push(Defect { place: stream.path(), cause });
        }
        let (entries, more) = entries.split_at(entries.len().min(PROPERTIES_MAX));
        if !more.is_empty() {
            self.defects.push(Defect {
                place: stream.path(),
                cause: format!("{} entries beyond the first {PROPERTIES_MAX}", more.len()),
            });
        }
        self.properties = entries.iter().map(|entry| decode_entry(*entry)).collect();
        // If several entries have the same tag, the first one counts. The sort is stable, so it
        // stays first.
        self.properties.sort_by_key(|property| property.tag);
        let listed = self.properties.len();
        self.properties.dedup_by_key(|property| property.tag);
        let repeated = listed - self.properties.len();
        if repeated != 0 {
            self.defects.push(Defect {
                place: stream.path(),
                cause: format!("{repeated} entries repeat the tag of another one"),
            });
        }
    }

    /// Adds a note if the header of a message counts more recipients or attachments than there are
    /// (\[MS-OXMSG\] 2.4.1.1).
    fn note_counts(&mut self, storage: &Storage, stream: &[u8]) {
        for (offset, prefix, what) in
            [(16, RECIPIENT_PREFIX, "recipients"), (20, ATTACHMENT_PREFIX, "attachments")]
        {
            let Some(field) = stream.get(offset..).and_then(<[u8]>::first_chunk) else { return };
            let stated = usize::try_from(u32::from_le_bytes(*field)).unwrap_or(usize::MAX);
            if !(1..=STATED_PARTS_MAX).contains(&stated) {
                continue;
            }
            let names = storage.names();
            let found = names
                .filter(|(_, name, is_storage)| *is_storage && numbered(name, prefix).is_some());
            let found = found.count();
            if stated > found {
                let text = format!("the header counts {stated} {what}, {found} are there");
                self.notes.push(Note { place: storage.path(), text });
            }
        }
    }

    /// Assigns the value streams to their entries. A stream without an entry becomes a property
    /// too, because such streams are common and their values are undamaged.
    fn attach_streams(&mut self, storage: &Storage, listed: usize) {
        let mut before = "";
        for (id, text, is_storage) in storage.names() {
            let is_repeated = text.eq_ignore_ascii_case(before);
            before = text;
            let mut lost = |cause: &str| {
                let path = storage.path();
                let place = format!("{}/{text}", path.trim_end_matches('/'));
                self.defects.push(Defect { place, cause: format!("{cause}; it is not read") });
            };
            if is_repeated {
                lost("a second entry of this name");
                continue;
            }
            let Some(name) = StreamName::parse(text) else {
                match part_number(text) {
                    _ if StreamName::is_meant(text) => lost("a name that is none of a property"),
                    Some(None) => lost("a name without a number"),
                    Some(Some(_)) if !is_storage => lost("a stream where a storage is expected"),
                    Some(Some(_)) => {}
                    None => {
                        let file = storage.file();
                        let inner = file.storage(id).filter(|_| is_storage);
                        if inner.is_some_and(|one| one.stream(PROPERTY_STREAM).is_some()) {
                            lost("a storage with properties, and a name that is none of a part");
                        }
                    }
                }
                continue;
            };
            if let Some(index) = name.index {
                self.elements.push((name.tag, index, id));
                continue;
            }
            if is_storage != (name.tag.property_type() == PropertyType::OBJECT) {
                lost(match is_storage {
                    true => "a storage where a stream is expected",
                    false => "a stream where a storage is expected",
                });
                continue;
            }
            let known = self.properties.get(..listed).unwrap_or_default();
            match known.binary_search_by_key(&name.tag, |property| property.tag) {
                Ok(index) => {
                    if let Some(property) = self.properties.get_mut(index) {
                        property.content.get_or_insert(id);
                    }
                }
                Err(_) => self.properties.push(Property {
                    tag: name.tag,
                    flags: None,
                    value: [0; 8],
                    content: Some(id),
                }),
            }
        }
        // If single values have neither an entry nor a length stream, they still become a property.
        let orphans = self.elements.iter().map(|(tag, ..)| Property {
            tag: *tag,
            flags: None,
            value: [0; 8],
            content: None,
        });
        self.properties.extend(orphans);
        if self.properties.len() > listed {
            self.properties.sort_by_key(|property| property.tag);
            self.properties.dedup_by_key(|property| property.tag);
        }
        self.elements.sort_unstable_by_key(|(tag, index, id)| (*tag, *index, *id));
        self.elements.dedup_by_key(|(tag, index, _)| (*tag, *index));
    }
}

impl Property {
    /// How many bytes the length stream has for each value.
    pub(super) fn length_bytes(&self) -> u64 {
        if self.tag.property_type() == PropertyType::MULTIPLE_BINARY { 8 } else { 4 }
    }

    /// The length of the value that its entry in the property stream states.
    pub(super) fn size(&self) -> u32 {
        let [s0, s1, s2, s3, ..] = self.value;
        u32::from_le_bytes([s0, s1, s2, s3])
    }

    /// Whether the entry states an empty value; the size of an empty string counts a NUL.
    pub(super) fn is_empty(&self) -> bool {
        u64::from(self.size()) <= end_mark(self.tag.property_type())
    }
}

/// Decodes one entry of a property stream (\[MS-OXMSG\] 2.4.2).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | property tag: type, then id |
/// | 4 | 4 | flags |
/// | 8 | 8 | the value, or the size of the value's stream |
fn decode_entry(entry: [u8; ENTRY_LEN]) -> Property {
    let [t0, t1, t2, t3, f0, f1, f2, f3, value @ ..] = entry;
    Property {
        tag: PropertyTag(u32::from_le_bytes([t0, t1, t2, t3])),
        flags: Some(u32::from_le_bytes([f0, f1, f2, f3])),
        value,
        content: None,
    }
}
