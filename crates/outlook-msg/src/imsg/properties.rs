//! The properties of one storage and their values (\[MS-OXMSG\] 2.4). Messages, recipients and
//! attachments have them (`IMAPIProp`).
//!
//! Knows nothing of what a property means.

use crate::mapi::{Location, PropertyTag, PropertyType, Value, tags};
use crate::storage::{self, Defect, EntryNumber, Storage, Stream};

use super::error::Error;
use super::note::Note;
use super::nuls;
use super::property_list::{PROPERTY_STREAM, Property, PropertyList, StreamHeader};
use super::sizes::{is_long, is_short};
use super::strings::{CodePageHints, Strings};
use super::value::{decode_fixed, decode_stream, has_odd_length};

/// What can be read of a value, and its defect.
#[derive(Clone, Debug, Default)]
pub struct Salvaged {
    /// What can be read; `None` if nothing can be.
    pub value: Option<Value>,
    /// What is wrong with the value; `None` if it is undamaged.
    pub defect: Option<Defect>,
}

/// The properties of one storage.
///
/// Its methods find a property, read its value or the part that is left of it, and tell what is
/// wrong with it, for each of the four places where a value can be.
#[derive(Debug)]
pub struct PropertySet {
    storage: Storage,
    list: PropertyList,
}

impl PropertySet {
    /// Reads the list of properties; no value is read yet.
    pub(super) fn read(storage: &Storage, header: StreamHeader) -> Self {
        Self { storage: storage.clone(), list: PropertyList::read(storage, header) }
    }

    /// Whether the storage has neither a property nor a property stream.
    pub(super) fn is_empty(&self) -> bool {
        self.list.properties.is_empty() && self.storage.stream(PROPERTY_STREAM).is_none()
    }

    /// Every property, sorted by tag.
    pub fn properties(&self) -> &[Property] {
        &self.list.properties
    }

    /// The tags of all properties, in order.
    pub(super) fn tags(&self) -> impl Iterator<Item = PropertyTag> {
        self.list.properties.iter().map(|property| property.tag)
    }

    /// The property of this tag.
    pub fn get(&self, tag: PropertyTag) -> Option<&Property> {
        let index =
            self.list.properties.binary_search_by_key(&tag, |property| property.tag).ok()?;
        self.list.properties.get(index)
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

    /// The property of this tag, as [`Self::find`] gives it, or the one that is stored in its place
    /// with a wrong type.
    pub(super) fn find_stored(&self, tag: PropertyTag) -> Option<&Property> {
        self.find(tag).or_else(|| {
            let is_it =
                |one: &&Property| one.tag.id() == tag.id() && self.due_tag(one) == Some(tag);
            self.list.properties.iter().find(is_it)
        })
    }

    /// The tag that a property is due to have, if it has another one: the type of its entry is not
    /// that of the time, number or flag that its id stands for.
    fn due_tag(&self, property: &Property) -> Option<PropertyTag> {
        property.flags?;
        tags::due(property.tag).filter(|due| self.get(*due).is_none())
    }

    /// The defects of the list of properties.
    pub fn defects(&self) -> &[Defect] {
        &self.list.defects
    }

    /// What was read in another way than the file states, in the list of properties.
    pub fn notes(&self) -> &[Note] {
        &self.list.notes
    }

    /// Notes on strings: on 8-bit ones that are decoded in a guessed code page, because they are not
    /// valid in that of the message, and on those that have NULs in them or several at the end, since
    /// these may be what is left of a text. This reads all strings.
    pub(super) fn notes_on_strings(&self, strings: &Strings) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut note = |tag: PropertyTag, unit: usize, stream: &Stream| {
            if unit == 1
                && let (_, Some(guess)) = strings.page_of(&stream.read_salvage().0)
            {
                notes.push(Note { place: self.place(tag), text: guess.to_string() });
            }
            let texts = nuls::notes(stream, unit).into_iter();
            notes.extend(texts.map(|text| Note { place: self.place(tag), text }));
        };
        for property in &self.list.properties {
            let tag = property.tag;
            let Some(unit) = nuls::unit_of(tag.property_type()) else { continue };
            if tag.property_type().location() == Location::ValueStreams {
                self.element_streams(tag).for_each(|(_, one)| note(tag, unit, &one));
            } else {
                self.stream(property).into_iter().for_each(|one| note(tag, unit, &one));
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
        self.list.properties.capacity() * size_of::<Property>()
            + self.list.elements.capacity() * size_of::<(PropertyTag, u32, EntryNumber)>()
    }

    /// The value of a fixed-size property; `None` without an entry, which has the value: a stream
    /// of that name says nothing.
    pub(super) fn fixed(&self, tag: PropertyTag) -> Option<Value> {
        let property = self.get(tag)?;
        property.flags?;
        decode_fixed(tag.property_type(), property.value)
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
        let start = self.list.elements.partition_point(|element| element.0 < tag);
        let elements = self.list.elements.get(start..).unwrap_or_default();
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
        let wrong_type = || {
            let due = self.due_tag(property)?.property_type();
            Some(format!("its type is {}, not {due}", tag.property_type()))
        };
        let defect = cause.or_else(wrong_type).map(|cause| self.defect(tag, cause));
        Salvaged { value, defect }
    }

    /// Reads a value; an error if it is damaged.
    pub(super) fn value(&self, tag: PropertyTag, strings: &Strings) -> Result<Value, Error> {
        let place = || self.storage.path();
        let property =
            self.find_stored(tag).ok_or_else(|| Error::NoProperty { place: place(), tag })?;
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

    /// Whether a part of a value is missing. A defect may also be just a length that does not fit
    /// the type.
    pub fn is_incomplete(&self, property: &Property, strings: &Strings) -> bool {
        match property.tag.property_type().location() {
            Location::Entry | Location::Unknown => false,
            Location::Storage => self.object(property).is_none(),
            Location::ValueStreams => self.value_defect(property, strings).is_some(),
            Location::Stream => match self.stream(property) {
                None => !property.is_empty(),
                Some(stream) => match stream.check() {
                    Ok(()) => self.is_shorter(property, stream.len()),
                    // The chain goes on. The entry tells whether the value did.
                    Err(storage::Error::Surplus { .. }) => {
                        property.flags.is_none()
                            || self.size_cause(property, stream.len()).is_some()
                    }
                    Err(_) => true,
                },
            },
        }
    }

    /// Whether a stream is shorter than its entry states.
    fn is_shorter(&self, property: &Property, len: u64) -> bool {
        property.flags.is_some()
            && self.is_short(property.tag.property_type(), property.size(), len)
    }

    /// The cause if a stream has not the size that its entry states.
    fn size_cause(&self, property: &Property, len: u64) -> Option<String> {
        property.flags?;
        let stated = property.size();
        self.is_wrong_size(property.tag.property_type(), stated, len)
            .then(|| format!("the entry says {stated} bytes, found {len}"))
    }

    fn is_short(&self, property_type: PropertyType, stated: u32, len: u64) -> bool {
        is_short(property_type, stated, len, self.storage.file().origin_len())
    }

    fn is_wrong_size(&self, property_type: PropertyType, stated: u32, len: u64) -> bool {
        self.is_short(property_type, stated, len) || is_long(property_type, stated, len)
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
                        let is_sound =
                            stream.check().is_ok() && !has_no_text(tag.property_type(), &stream);
                        is_sound.then_some(count + 1)
                    })
                    .is_none_or(|count| self.element_count(property) != Some(count))
                    || self.has_wrong_element(property)
            }
            Location::Stream => match self.stream(property) {
                None => !property.is_empty(),
                // These need no read: the stream may be a large one.
                Some(stream) => match (stream.check(), self.size_cause(property, stream.len())) {
                    (Ok(()) | Err(storage::Error::Surplus { .. }), Some(cause)) => {
                        return Some(self.defect(tag, cause));
                    }
                    (Err(error @ storage::Error::Surplus { .. }), None) => {
                        return Some(self.defect(tag, error.to_string()));
                    }
                    (Err(_), _) => true,
                    (Ok(()), None) => {
                        has_odd_length(tag.property_type(), stream.len())
                            || has_no_text(tag.property_type(), &stream)
                    }
                },
            },
        };
        let suspicious = suspicious || self.due_tag(property).is_some();
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
        let size = self.size_cause(property, stream.len());
        let cause_of_stream = stream_cause(property_type, &stream, damage, size);
        let (value, cause) = decode_stream(property_type, bytes, strings);
        (Some(value), cause_of_stream.or(cause))
    }

    /// Reads the values of a multi-valued property from their streams. The length stream is used
    /// only to find missing values and bytes.
    fn salvage_elements(
        &self,
        property: &Property,
        strings: &Strings,
    ) -> (Option<Value>, Option<String>) {
        let tag = property.tag;
        let element_type = type_of_one(tag);
        let mut cause = None;
        let mut values = Vec::new();
        let lengths = self.element_lengths(property);
        for (index, stream) in self.element_streams(tag) {
            let (bytes, damage) = stream.read_salvage();
            let size = self.element_size_cause(element_type, &lengths, index, stream.len());
            let cause_of_stream = stream_cause(element_type, &stream, damage, size);
            let (value, defect) = decode_stream(element_type, bytes, strings);
            let defect = cause_of_stream.or(defect);
            cause = cause.or_else(|| defect.map(|defect| format!("value {index}: {defect}")));
            values.push(value);
        }
        let found = values.len();
        let missing = match self.element_count(property) {
            Some(count) if count != found => Some(format!("{count} values listed, {found} found")),
            Some(_) => None,
            // Without the lengths the values say all there is to say. Some programs write no stream
            // for an empty list.
            None if found > 0 || property.is_empty() => None,
            None => Some("an entry without its stream".to_owned()),
        };
        (Some(Value::Multiple(values)), cause.or(missing))
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

    /// Whether one of many values has not the size that the length stream lists.
    fn has_wrong_element(&self, property: &Property) -> bool {
        let element_type = type_of_one(property.tag);
        let lengths = self.element_lengths(property);
        self.element_streams(property.tag).any(|(index, stream)| {
            self.element_size_cause(element_type, &lengths, index, stream.len()).is_some()
        })
    }

    fn element_size_cause(
        &self,
        element_type: PropertyType,
        lengths: &[u32],
        index: u32,
        len: u64,
    ) -> Option<String> {
        let stated = *lengths.get(usize::try_from(index).ok()?)?;
        self.is_wrong_size(element_type, stated, len)
            .then(|| format!("{stated} bytes listed, found {len}"))
    }
}

/// What is wrong with the stream of a value: some of it cannot be read, it has not the stated size,
/// its chain of sectors goes on, or it is a string without a text.
fn stream_cause(
    property_type: PropertyType,
    stream: &Stream,
    damage: Option<storage::Error>,
    size: Option<String>,
) -> Option<String> {
    let damage = damage.map(|error| error.to_string());
    damage.or(size).or_else(|| Some(stream.check().err()?.to_string())).or_else(|| {
        let unit = nuls::unit_of(property_type)?;
        nuls::blank_cause(stream, unit)
    })
}

/// Whether this is the stream of a string that is made of NULs.
fn has_no_text(property_type: PropertyType, stream: &Stream) -> bool {
    nuls::unit_of(property_type).is_some_and(|unit| nuls::blank_cause(stream, unit).is_some())
}

/// The type of one of the values of a multi-valued property.
fn type_of_one(tag: PropertyTag) -> PropertyType {
    tag.property_type().of_one_value().unwrap_or(PropertyType::BINARY)
}
