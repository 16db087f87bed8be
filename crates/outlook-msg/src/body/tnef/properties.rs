//! A block of MAPI properties in a TNEF stream (\[MS-OXTNEF\] 2.1.3.4.1).
//!
//! | bytes | field |
//! |---|---|
//! | 4 | number of properties |
//! | 4 | tag: type, then id |
//! | 16 + 4 + | only for a named property: its set, its kind, its LID or its name |
//! | | its value, padded to 4 bytes; before strings, binaries and objects their number and length |

use crate::mapi::utf16::{decode_utf16, trim_nuls};
use crate::mapi::{
    CodePage, FileTime, Guid, NameKind, PropertyName, PropertyTag, PropertyType, Value, detect,
    tags,
};

/// The properties of an object. A string has its `PT_UNICODE` tag. If an 8-bit string is not valid
/// in the code page of the stream, or the stream states no code page, its bytes are here under the
/// `PT_STRING8` tag.
#[derive(Clone, Debug, Default)]
pub struct Properties {
    /// Properties from blocks of MAPI properties.
    values: Vec<TnefProperty>,
    /// Properties from the older attributes. Those of blocks take precedence, because they say
    /// more.
    attributes: Vec<TnefProperty>,
}

/// One property.
#[derive(Clone, Debug)]
pub struct TnefProperty {
    /// Its tag. For a named property, the id means nothing.
    pub tag: PropertyTag,
    /// The name of a named property.
    pub name: Option<PropertyName>,
    /// Its value.
    pub value: Value,
}

impl Properties {
    /// The value of a property.
    pub fn get(&self, tag: PropertyTag) -> Option<&Value> {
        let mut all = self.values.iter().chain(&self.attributes);
        all.find(|known| known.tag == tag).map(|known| &known.value)
    }

    /// All properties. If several have the same tag, the first one counts.
    pub fn into_all(self) -> impl Iterator<Item = TnefProperty> {
        self.values.into_iter().chain(self.attributes)
    }

    /// A string that is not empty.
    pub fn text(&self, tag: PropertyTag) -> Option<&str> {
        match self.get(tag)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A `PT_LONG` value.
    pub fn integer(&self, tag: PropertyTag) -> Option<i32> {
        match self.get(tag)? {
            Value::Integer32(number) => Some(*number),
            _ => None,
        }
    }

    /// A binary that is not empty.
    pub fn binary(&self, tag: PropertyTag) -> Option<&[u8]> {
        match self.get(tag)? {
            Value::Binary(bytes) if !bytes.is_empty() => Some(bytes),
            _ => None,
        }
    }

    /// Adds the value of an older attribute. Values that were added before take precedence.
    pub(super) fn add(&mut self, tag: PropertyTag, value: Value) {
        if self.attributes.len() < PROPERTIES_MAX {
            self.attributes.push(TnefProperty { tag, name: None, value });
        }
    }

    /// Adds the properties of a block.
    pub(super) fn append(&mut self, block: Self) {
        let room = PROPERTIES_MAX.saturating_sub(self.values.len());
        self.values.extend(block.values.into_iter().take(room));
    }

    /// Removes a value and returns it.
    pub(super) fn take(&mut self, tag: PropertyTag) -> Option<Value> {
        for values in [&mut self.values, &mut self.attributes] {
            if let Some(at) = values.iter().position(|known| known.tag == tag) {
                return Some(values.remove(at).value);
            }
        }
        None
    }
}

/// Reads blocks of properties.
pub(super) struct PropertyReader<'a, 'r> {
    rest: &'a [u8],
    len: usize,
    strings: Option<CodePage>,
    /// The value of the last `PT_OBJECT` property. It may be as large as the stream, so it is not
    /// copied.
    object: Option<&'a [u8]>,
    /// How many more values may be read from the stream.
    room: &'r mut usize,
}

/// What could be read of a block of properties.
pub(super) struct Block<'a> {
    pub(super) properties: Properties,
    /// The value of a `PT_OBJECT` property: an interface id, and the object of that interface.
    pub(super) object: Option<&'a [u8]>,
    /// Why the block ended early.
    pub(super) damage: Option<String>,
}

/// At most this many properties of an object are kept. A real message has a few hundred.
const PROPERTIES_MAX: usize = 0x8000;
/// At most this many values of one stream are read, because a value can take ten times its size in
/// memory.
pub(super) const VALUES_MAX: usize = 1 << 18;

impl<'a, 'r> PropertyReader<'a, 'r> {
    /// `strings` is the code page of `PT_STRING8` values.
    pub(super) fn new(bytes: &'a [u8], strings: Option<CodePage>, room: &'r mut usize) -> Self {
        Self { rest: bytes, len: bytes.len(), strings, object: None, room }
    }

    /// Reads one block.
    pub(super) fn block(mut self) -> Block<'a> {
        let mut properties = Properties::default();
        let damage = self.read_block(&mut properties);
        Block { properties, object: self.object, damage }
    }

    /// Reads the rows of a table (`attRecipTable`): the number of rows, then a block for each.
    pub(super) fn rows(mut self, count_max: usize) -> (Vec<Properties>, Option<String>) {
        let mut rows = Vec::new();
        let Some(count) = self.number() else { return (rows, Some(self.end())) };
        for _ in 0..count {
            if rows.len() >= count_max {
                return (rows, Some(format!("more than {count_max} rows")));
            }
            let mut row = Properties::default();
            let damage = self.read_block(&mut row);
            rows.push(row);
            if damage.is_some() {
                return (rows, damage);
            }
        }
        (rows, None)
    }

    fn read_block(&mut self, properties: &mut Properties) -> Option<String> {
        let Some(count) = self.number() else { return Some(self.end()) };
        for _ in 0..count {
            let Some(tag) = self.number().map(PropertyTag) else { return Some(self.end()) };
            let name = match tag.is_named().then(|| self.name()) {
                Some(None) => return Some(self.end()),
                name => name.flatten(),
            };
            match self.value(tag.property_type()) {
                Ok(value) if properties.values.len() < PROPERTIES_MAX && self.take() => {
                    let (tag, value) = self.stored(tag, value);
                    properties.values.push(TnefProperty { tag, name, value });
                }
                Ok(_) => return Some(format!("{tag}: more properties than are read")),
                Err(Stop::End) => return Some(format!("{tag}: {}", self.end())),
                Err(Stop::Type) => return Some(format!("{tag}: a type that is not known")),
            }
        }
        None
    }

    /// The tag and the value under which a property is kept.
    fn stored(&self, tag: PropertyTag, value: Value) -> (PropertyTag, Value) {
        match (tag.property_type(), value) {
            // HTML declares its own charset, so its bytes are kept.
            (PropertyType::STRING8, value @ Value::Binary(_))
                if tag.id() == tags::PR_BODY_HTML.id() =>
            {
                (tags::PR_HTML, value)
            }
            (PropertyType::STRING8, Value::Binary(bytes)) => string8(tag, &bytes, self.strings),
            (PropertyType::MULTIPLE_STRING8, value) => {
                (tag.with_type(PropertyType::MULTIPLE_STRING), value)
            }
            (_, value) => (tag, value),
        }
    }

    fn end(&self) -> String {
        format!("properties end early at byte {} of {}", self.len - self.rest.len(), self.len)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.chunk()?))
    }

    fn chunk<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (chunk, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(chunk)
    }

    /// Reads a length, that many bytes, and their padding.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        // Some programs leave out the padding of the last value.
        let padding = (len.next_multiple_of(4) - len).min(rest.len());
        self.rest = rest.get(padding..)?;
        Some(bytes)
    }

    /// Counts one value. Returns whether it is within the limit.
    fn take(&mut self) -> bool {
        let left = self.room.checked_sub(1);
        *self.room = left.unwrap_or(0);
        left.is_some()
    }

    /// The set and name of a named property.
    fn name(&mut self) -> Option<PropertyName> {
        let set = Guid(*self.chunk::<16>()?);
        let kind = match self.number()? {
            0 => NameKind::Lid(self.number()?),
            _ => NameKind::Name(trim_nuls(decode_utf16(self.bytes()?))),
        };
        Some(PropertyName { set, kind })
    }

    fn value(&mut self, property_type: PropertyType) -> Result<Value, Stop> {
        let Some(element) = property_type.of_one_value() else {
            return self.single(property_type);
        };
        let count = self.number().ok_or(Stop::End)?;
        let mut values = Vec::new();
        for _ in 0..count {
            let value = match is_variable(element) {
                true => {
                    let bytes = self.bytes().ok_or(Stop::End)?;
                    self.variable(element, bytes)
                }
                false => self.single(element)?,
            };
            if self.take() {
                values.push(value);
            }
        }
        Ok(Value::Multiple(values))
    }

    fn single(&mut self, property_type: PropertyType) -> Result<Value, Stop> {
        if is_variable(property_type) {
            let count = self.number().ok_or(Stop::End)?;
            let mut value = None;
            for _ in 0..count {
                let bytes = self.bytes().ok_or(Stop::End)?;
                value = value.or(Some(bytes));
            }
            if property_type == PropertyType::OBJECT {
                self.object = value;
                return Ok(Value::Object);
            }
            let bytes = value.unwrap_or_default();
            return Ok(match property_type {
                PropertyType::STRING8 => Value::Binary(without_nul_bytes(bytes).to_vec()),
                _ => self.variable(property_type, bytes),
            });
        }
        let value = match property_type {
            PropertyType::NULL => self.chunk::<4>().map(|_| Value::Null),
            PropertyType::INTEGER16 => self.chunk().map(|&[low, high, ..]: &[u8; 4]| {
                Value::Integer16(i16::from_le_bytes([low, high]))
            }),
            PropertyType::BOOLEAN => {
                self.chunk().map(|&[low, high, ..]: &[u8; 4]| Value::Boolean(low | high != 0))
            }
            PropertyType::INTEGER32 => {
                self.number().map(|number| Value::Integer32(number.cast_signed()))
            }
            PropertyType::ERROR_CODE => self.number().map(Value::ErrorCode),
            PropertyType::FLOATING32 => {
                self.chunk().map(|bytes| Value::Floating32(f32::from_le_bytes(*bytes)))
            }
            PropertyType::TIME => {
                self.chunk().map(|bytes| Value::Time(FileTime(u64::from_le_bytes(*bytes))))
            }
            PropertyType::FLOATING64 => {
                self.chunk().map(|bytes| Value::Floating64(f64::from_le_bytes(*bytes)))
            }
            PropertyType::FLOATING_TIME => {
                self.chunk().map(|bytes| Value::FloatingTime(f64::from_le_bytes(*bytes)))
            }
            PropertyType::CURRENCY => {
                self.chunk().map(|bytes| Value::Currency(i64::from_le_bytes(*bytes)))
            }
            PropertyType::INTEGER64 => {
                self.chunk().map(|bytes| Value::Integer64(i64::from_le_bytes(*bytes)))
            }
            PropertyType::GUID => self.chunk().map(|bytes| Value::Guid(Guid(*bytes))),
            _ => return Err(Stop::Type),
        };
        value.ok_or(Stop::End)
    }

    fn variable(&self, property_type: PropertyType, bytes: &[u8]) -> Value {
        match property_type {
            PropertyType::STRING => Value::String(trim_nuls(decode_utf16(bytes))),
            PropertyType::STRING8 => {
                let strings = self.strings.unwrap_or(CodePage::WINDOWS_1252);
                Value::String(trim_nuls(strings.decode(bytes).into_owned()))
            }
            _ => Value::Binary(bytes.to_vec()),
        }
    }
}

/// Why a value could not be read.
enum Stop {
    End,
    Type,
}

fn is_variable(property_type: PropertyType) -> bool {
    matches!(
        property_type,
        PropertyType::STRING8
            | PropertyType::STRING
            | PropertyType::BINARY
            | PropertyType::OBJECT
            | PropertyType::SERVER_ID
    )
}

/// An 8-bit string and its tag. If the string is not valid in the code page of the stream, its
/// bytes are kept: the message that is made of the stream then guesses the page, and adds a note.
pub(super) fn string8(
    tag: PropertyTag,
    bytes: &[u8],
    strings: Option<CodePage>,
) -> (PropertyTag, Value) {
    // ASCII with an escape character may be ISO-2022.
    let is_plain = bytes.is_ascii() && !bytes.contains(&0x1B);
    let page = strings.filter(|page| is_plain || detect::fits(*page, bytes));
    match page.or(is_plain.then_some(CodePage::WINDOWS_1252)) {
        Some(page) => {
            let text = page.decode(bytes).into_owned();
            (tag.with_type(PropertyType::STRING), Value::String(text))
        }
        None => (tag.with_type(PropertyType::STRING8), Value::Binary(bytes.to_vec())),
    }
}

fn without_nul_bytes(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}
