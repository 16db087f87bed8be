//! The properties of one storage: the property stream and the value streams beside it
//! (\[MS-OXMSG\] 2.4). Messages, recipients and attachments have them (`IMAPIProp`).
//!
//! Knows nothing of what a property means.

use crate::mapi::{Location, PropertyTag, PropertyType, Value, tags};
use crate::storage::{Defect, EntryNumber, Storage, Stream};

use super::error::Error;
use super::note::Note;
use super::stream_name::{ATTACHMENT_PREFIX, RECIPIENT_PREFIX, StreamName, numbered, part_number};
use super::strings::{CodePageHints, Strings};
use super::value::{decode_fixed, decode_stream, has_odd_length};

/// The stream that lists all properties and has the fixed-size values.
pub const PROPERTY_STREAM: &str = "__properties_version1.0";
const ENTRY_LEN: usize = 16;
/// At most this many entries are read. No real object has so many properties, and each takes
/// several times its size in memory.
const PROPERTIES_MAX: usize = 1 << 16;
/// A stated length may count a NUL of at most this many bytes that the stream does not have.
const NUL_BYTES: u64 = 2;
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
        let is_plausible = |tag: &PropertyTag| {
            tag.id() != 0 && tag.property_type().location() != Location::Unknown
        };
        (tags.filter(is_plausible).count(), entries.len())
    }
}

/// One property of a storage, without its value.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its tag.
    pub tag: PropertyTag,
    /// Its attributes: [`PROPATTR_MANDATORY`], [`PROPATTR_READABLE`], [`PROPATTR_WRITEABLE`].
    /// `None` if the property stream does not list the property although its value is there.
    pub flags: Option<u32>,
    value: [u8; 8],
    /// The stream or storage named after the tag.
    content: Option<EntryNumber>,
}

/// What can be read of a value, and its defect.
#[derive(Clone, Debug, Default)]
pub struct Salvaged {
    /// What can be read; `None` if nothing can be.
    pub value: Option<Value>,
    /// What is wrong with the value; `None` if it is undamaged.
    pub defect: Option<Defect>,
}

/// The properties of one storage.
#[derive(Debug)]
pub struct PropertySet {
    storage: Storage,
    /// Sorted by tag, which is unique.
    properties: Vec<Property>,
    /// The streams of the single values of multi-valued properties, sorted by tag and index.
    elements: Vec<(PropertyTag, u32, EntryNumber)>,
    defects: Vec<Defect>,
    notes: Vec<Note>,
}

impl PropertySet {
    /// Reads the list of properties; no value is read yet.
    pub(super) fn read(storage: &Storage, header: StreamHeader) -> Self {
        let mut set = Self {
            storage: storage.clone(),
            properties: Vec::new(),
            elements: Vec::new(),
            defects: Vec::new(),
            notes: Vec::new(),
        };
        set.read_property_stream(header);
        let listed = set.properties.len();
        set.attach_streams(listed);
        if set.properties.is_empty() && set.defects.is_empty() {
            let cause = "no property at all".to_owned();
            set.defects.push(Defect { place: storage.path(), cause });
        }
        set
    }

    /// Whether the storage has neither a property nor a property stream.
    pub(super) fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.storage.stream(PROPERTY_STREAM).is_none()
    }

    /// Every property, sorted by tag.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The tags of all properties, in order.
    pub(super) fn tags(&self) -> impl Iterator<Item = PropertyTag> {
        self.properties.iter().map(|property| property.tag)
    }

    /// The property of this tag.
    pub fn get(&self, tag: PropertyTag) -> Option<&Property> {
        let index = self.properties.binary_search_by_key(&tag, |property| property.tag).ok()?;
        self.properties.get(index)
    }

    /// The property of this tag. If `tag` is a Unicode string, an 8-bit string of the same id is
    /// found too.
    pub fn find(&self, tag: PropertyTag) -> Option<&Property> {
        self.get(tag).or_else(|| match tag.property_type() {
            PropertyType::STRING => self.get(tag.with_type(PropertyType::STRING8)),
            PropertyType::MULTIPLE_STRING => {
                self.get(tag.with_type(PropertyType::MULTIPLE_STRING8))
            }
            _ => None,
        })
    }

    /// The defects of the list of properties.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// What was read in another way than the file states, in the list of properties.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Notes on 8-bit strings that are decoded in a guessed code page, because they are not valid
    /// in that of the message. This reads all 8-bit strings.
    pub(super) fn guessed_strings(&self, strings: &Strings) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut note = |tag: PropertyTag, stream: &Stream| {
            if let (_, Some(guess)) = strings.page_of(&stream.read_salvage().0) {
                notes.push(Note { place: self.place(tag), text: guess.to_string() });
            }
        };
        for property in &self.properties {
            match property.tag.property_type() {
                PropertyType::STRING8 => {
                    self.stream(property)
                        .into_iter()
                        .for_each(|stream| note(property.tag, &stream));
                }
                PropertyType::MULTIPLE_STRING8 => self
                    .element_streams(property.tag)
                    .for_each(|(_, stream)| note(property.tag, &stream)),
                _ => {}
            }
        }
        notes
    }

    /// The storage of the properties.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// How many bytes of memory the list takes.
    pub fn bytes_held(&self) -> usize {
        self.properties.capacity() * size_of::<Property>()
            + self.elements.capacity() * size_of::<(PropertyTag, u32, EntryNumber)>()
    }

    /// The value of a fixed-size property.
    pub(super) fn fixed(&self, tag: PropertyTag) -> Option<Value> {
        decode_fixed(tag.property_type(), self.get(tag)?.value)
    }

    /// The properties of a message that state its code page.
    pub(super) fn code_page_hints(&self) -> CodePageHints {
        let number = |tag| match self.fixed(tag) {
            Some(Value::Integer32(number)) => Some(number.cast_unsigned()),
            _ => None,
        };
        CodePageHints {
            message: number(tags::PR_MESSAGE_CODEPAGE),
            locale: number(tags::PR_MESSAGE_LOCALE_ID),
            internet: number(tags::PR_INTERNET_CPID),
        }
    }

    /// The stream that holds the value of a property, as stored.
    pub fn stream(&self, property: &Property) -> Option<Stream> {
        self.storage.file().stream(property.content?)
    }

    /// The storage that holds the value of a `PT_OBJECT` property.
    pub fn object(&self, property: &Property) -> Option<Storage> {
        self.storage.file().storage(property.content?)
    }

    /// The streams of the values of a `PT_MV_BINARY`, `PT_MV_UNICODE` or `PT_MV_STRING8`
    /// property, in order, with their index.
    pub fn element_streams(
        &self,
        tag: PropertyTag,
    ) -> impl Iterator<Item = (u32, Stream)> + use<'_> {
        let start = self.elements.partition_point(|element| element.0 < tag);
        let elements = self.elements.get(start..).unwrap_or_default();
        elements
            .iter()
            .take_while(move |element| element.0 == tag)
            .filter_map(|(_, index, id)| Some((*index, self.storage.file().stream(*id)?)))
    }

    /// Reads what can be read of a value.
    pub fn salvage(&self, property: &Property, strings: &Strings) -> Salvaged {
        let tag = property.tag;
        let outcome = match tag.property_type().location() {
            Location::Entry => match property.flags {
                Some(_) => (decode_fixed(tag.property_type(), property.value), None),
                None => (None, Some("a fixed-size value without an entry".to_owned())),
            },
            Location::Stream | Location::Unknown => self.salvage_stream(property, strings),
            Location::ValueStreams => self.salvage_elements(property, strings),
            Location::Storage => match self.object(property) {
                Some(_) => (Some(Value::Object), None),
                None => (None, Some("an entry without its storage".to_owned())),
            },
        };
        let (value, cause) = outcome;
        let defect = cause.map(|cause| self.defect(tag, cause));
        Salvaged { value, defect }
    }

    /// Reads a value; an error if it is damaged.
    pub(super) fn value(&self, tag: PropertyTag, strings: &Strings) -> Result<Value, Error> {
        let place = || self.storage.path();
        let property = self.find(tag).ok_or_else(|| Error::NoProperty { place: place(), tag })?;
        match self.salvage(property, strings) {
            Salvaged { defect: Some(defect), .. } => Err(Error::Damaged(defect)),
            Salvaged { value: Some(value), .. } => Ok(value),
            Salvaged { .. } => Err(Error::NoProperty { place: place(), tag }),
        }
    }

    fn defect(&self, tag: PropertyTag, cause: impl Into<String>) -> Defect {
        Defect { place: self.place(tag), cause: cause.into() }
    }

    fn place(&self, tag: PropertyTag) -> String {
        format!("{}/{tag}", self.storage.path().trim_end_matches('/'))
    }

    fn read_property_stream(&mut self, header: StreamHeader) {
        let Some(stream) = self.storage.stream(PROPERTY_STREAM) else {
            self.defects.push(Defect {
                place: self.storage.path(),
                cause: format!("no stream {PROPERTY_STREAM}"),
            });
            return;
        };
        let (bytes, damage) = stream.read_salvage();
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
            self.note_counts(&bytes);
        }
        // A rest that is shorter than an entry is ignored: undamaged files have one, and nothing is
        // in it.
        let entries = bytes.get(header.len()..).unwrap_or_default().as_chunks::<ENTRY_LEN>().0;
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
    fn note_counts(&mut self, stream: &[u8]) {
        for (offset, prefix, what) in
            [(16, RECIPIENT_PREFIX, "recipients"), (20, ATTACHMENT_PREFIX, "attachments")]
        {
            let Some(field) = stream.get(offset..).and_then(<[u8]>::first_chunk) else { return };
            let stated = usize::try_from(u32::from_le_bytes(*field)).unwrap_or(usize::MAX);
            if !(1..=STATED_PARTS_MAX).contains(&stated) {
                continue;
            }
            let names = self.storage.names();
            let found = names
                .filter(|(_, name, is_storage)| *is_storage && numbered(name, prefix).is_some());
            let found = found.count();
            if stated > found {
                let text = format!("the header counts {stated} {what}, {found} are there");
                self.notes.push(Note { place: self.storage.path(), text });
            }
        }
    }

    /// Assigns the value streams to their entries. A stream without an entry becomes a property
    /// too, because such streams are common and their values are undamaged.
    fn attach_streams(&mut self, listed: usize) {
        let mut before = "";
        for (id, text, is_storage) in self.storage.names() {
            let is_repeated = text.eq_ignore_ascii_case(before);
            before = text;
            let mut lost = |cause: &str| {
                let path = self.storage.path();
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
                        let file = self.storage.file();
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
        self.properties.sort_by_key(|property| property.tag);
        self.properties.dedup_by_key(|property| property.tag);
        self.elements.sort_unstable_by_key(|(tag, index, id)| (*tag, *index, *id));
        self.elements.dedup_by_key(|(tag, index, _)| (*tag, *index));
    }

    /// Whether a part of a value is missing. A defect may also be just a length that does not fit
    /// the type.
    pub(super) fn is_incomplete(&self, property: &Property, strings: &Strings) -> bool {
        match property.tag.property_type().location() {
            Location::Entry | Location::Unknown => false,
            Location::Storage => self.object(property).is_none(),
            Location::ValueStreams => self.value_defect(property, strings).is_some(),
            Location::Stream => match self.stream(property) {
                None => !property.is_empty(),
                Some(stream) => {
                    stream.check().is_err()
                        || self.truncation_cause(property, stream.len()).is_some()
                }
            },
        }
    }

    /// The cause if a stream is shorter than its entry states. A stated length beyond the length of
    /// the file is ignored, because it cannot be a length.
    fn truncation_cause(&self, property: &Property, len: u64) -> Option<String> {
        property.flags?;
        let stated = property.size();
        self.is_truncated(len, stated)
            .then(|| format!("the entry says {stated} bytes, found {len}"))
    }

    fn is_truncated(&self, len: u64, stated: u32) -> bool {
        let stated = u64::from(stated);
        stated > len + NUL_BYTES && stated <= self.storage.file().source().len()
    }

    /// The defect of a value. For a stream, this follows the chain of sectors; it reads the stream
    /// only if something is wrong with it.
    pub fn value_defect(&self, property: &Property, strings: &Strings) -> Option<Defect> {
        let tag = property.tag;
        let suspicious = match tag.property_type().location() {
            Location::Entry => property.flags.is_none(),
            Location::Storage => self.object(property).is_none(),
            Location::Unknown => true,
            Location::ValueStreams => {
                self.element_streams(tag)
                    .try_fold(0_usize, |count, (_, stream)| {
                        stream.check().is_ok().then_some(count + 1)
                    })
                    .is_none_or(|count| self.element_count(property) != Some(count))
                    || self.has_short_element(property)
            }
            Location::Stream => match self.stream(property) {
                None => !property.is_empty(),
                Some(stream) => {
                    has_odd_length(tag.property_type(), stream.len())
                        || stream.check().is_err()
                        || self.truncation_cause(property, stream.len()).is_some()
                }
            },
        };
        if suspicious { self.salvage(property, strings).defect } else { None }
    }

    fn salvage_stream(
        &self,
        property: &Property,
        strings: &Strings,
    ) -> (Option<Value>, Option<String>) {
        let property_type = property.tag.property_type();
        let Some(stream) = self.stream(property) else {
            if property_type.location() == Location::Unknown {
                let code = property_type.0;
                let cause = format!("type 0x{code:04X} is none that a message can store");
                return (Some(Value::Binary(property.value.to_vec())), Some(cause));
            }
            // Some programs write no stream for an empty value.
            let empty = property.is_empty();
            let value = empty.then(|| decode_stream(property_type, Vec::new(), strings).0);
            return (value, (!empty).then(|| "an entry without its stream".to_owned()));
        };
        let (bytes, damage) = stream.read_salvage();
        if bytes.is_empty() && damage.is_some() {
            return (None, damage.map(|error| error.to_string()));
        }
        let short = self.truncation_cause(property, stream.len());
        let (value, cause) = decode_stream(property_type, bytes, strings);
        (Some(value), damage.map(|error| error.to_string()).or(short).or(cause))
    }

    /// Reads the values of a multi-valued property from their streams. The length stream is used
    /// only to find missing values and bytes.
    fn salvage_elements(
        &self,
        property: &Property,
        strings: &Strings,
    ) -> (Option<Value>, Option<String>) {
        let tag = property.tag;
        let element_type = tag.property_type().of_one_value().unwrap_or(PropertyType::BINARY);
        let mut cause = None;
        let mut values = Vec::new();
        let lengths = self.element_lengths(property);
        for (index, stream) in self.element_streams(tag) {
            let (bytes, damage) = stream.read_salvage();
            let short = self.short_element(&lengths, index, stream.len());
            let (value, defect) = decode_stream(element_type, bytes, strings);
            let defect = damage.map(|error| error.to_string()).or(short).or(defect);
            cause = cause.or_else(|| defect.map(|defect| format!("value {index}: {defect}")));
            values.push(value);
        }
        let count = self.element_count(property);
        if count.is_some_and(|count| count != values.len()) {
            let count = count.unwrap_or_default();
            let found = values.len();
            cause = cause.or_else(|| Some(format!("{count} values listed, {found} found")));
        }
        (Some(Value::Multiple(values)), cause)
    }

    /// The number of values that the length stream lists.
    fn element_count(&self, property: &Property) -> Option<usize> {
        let size = property.length_bytes();
        usize::try_from(self.stream(property)?.len() / size).ok()
    }

    /// The lengths of the values that the length stream lists.
    fn element_lengths(&self, property: &Property) -> Vec<u32> {
        let bytes = self.stream(property).map(|stream| stream.read_salvage().0).unwrap_or_default();
        let size = usize::try_from(property.length_bytes()).unwrap_or(usize::MAX);
        let lengths = bytes.chunks_exact(size).filter_map(|length| length.first_chunk());
        lengths.map(|length| u32::from_le_bytes(*length)).collect()
    }

    fn has_short_element(&self, property: &Property) -> bool {
        let lengths = self.element_lengths(property);
        let mut elements = self.element_streams(property.tag);
        elements.any(|(index, stream)| self.short_element(&lengths, index, stream.len()).is_some())
    }

    fn short_element(&self, lengths: &[u32], index: u32, len: u64) -> Option<String> {
        let stated = *lengths.get(usize::try_from(index).ok()?)?;
        self.is_truncated(len, stated).then(|| format!("{stated} bytes listed, found {len}"))
    }
}

impl Property {
    /// How many bytes the length stream has for each value.
    fn length_bytes(&self) -> u64 {
        if self.tag.property_type() == PropertyType::MULTIPLE_BINARY { 8 } else { 4 }
    }

    /// The length of the value that its entry in the property stream states.
    fn size(&self) -> u32 {
        let [s0, s1, s2, s3, ..] = self.value;
        u32::from_le_bytes([s0, s1, s2, s3])
    }

    /// Whether the entry states an empty value; the size of an empty string counts a NUL.
    fn is_empty(&self) -> bool {
        let terminator = match self.tag.property_type() {
            PropertyType::STRING => 2,
            PropertyType::STRING8 => 1,
            _ => 0,
        };
        self.size() <= terminator
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
