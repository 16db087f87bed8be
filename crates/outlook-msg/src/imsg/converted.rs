//! Makes a `.msg` file in memory from a message in another format (TNEF, MIME), so that it can be
//! read like any other.
//!
//! Knows neither format: `mail::attachments::derived` fills in a [`ConvertedMessage`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mapi::{CodePage, PropertyName, PropertyTag, PropertyType, Value, tags};
use crate::storage::{CompoundFile, Defect, Source, StreamContent, Transaction};

use super::compose::{BY_VALUE, EMBEDDED_MESSAGE, MESSAGE_CLSID, OLE};
use super::encode::{Encoded, encode, stream};
use super::error::Error;
use super::name_registry::NameMap;
use super::note::Note;
use super::property_editor::{
    RESERVED_MESSAGE, RESERVED_STORAGE, new_entry, object_field, write_value,
};
use super::property_list::{PROPERTY_STREAM, StreamHeader};
use super::stream_name::{ATTACHMENT_PREFIX, RECIPIENT_PREFIX, stream_name};

/// A message of another format, as the properties of MAPI.
#[derive(Clone, Debug, Default)]
pub struct ConvertedMessage {
    /// Its properties.
    pub properties: Vec<ConvertedProperty>,
    /// The properties of its recipients.
    pub recipients: Vec<Vec<ConvertedProperty>>,
    /// Its attachments.
    pub attachments: Vec<ConvertedAttachment>,
    /// What could not be read in the other format.
    pub defects: Vec<Defect>,
    /// What was read in another way than the other format states.
    pub notes: Vec<Note>,
}

/// A message of another format as a file.
#[derive(Debug)]
pub struct ConvertedFile {
    /// The file.
    pub file: Arc<CompoundFile>,
    /// What could not be read in the other format.
    pub defects: Vec<Defect>,
    /// What was read in another way than the other format states.
    pub notes: Vec<Note>,
}

/// A property of an object. If several have the same tag, the first counts.
#[derive(Clone, Debug)]
pub struct ConvertedProperty {
    /// Its tag. If the property is named, only the type counts.
    pub tag: PropertyTag,
    /// The name of a named property.
    pub name: Option<PropertyName>,
    /// Its value.
    pub value: Value,
}

/// An attachment of such a message.
#[derive(Clone, Debug, Default)]
pub struct ConvertedAttachment {
    /// Its properties, without its content and method.
    pub properties: Vec<ConvertedProperty>,
    /// Its content.
    pub content: ConvertedContent,
}

/// The content of such an attachment.
#[derive(Clone, Debug, Default)]
pub enum ConvertedContent {
    /// Nothing.
    #[default]
    None,
    /// A file.
    Bytes(Vec<u8>),
    /// The start of a file whose end is missing, and why.
    Start(Vec<u8>, String),
    /// An OLE object, as a compound file.
    Object(Vec<u8>),
    /// A message.
    Message(Box<ConvertedMessage>),
}

impl ConvertedProperty {
    /// A property without a name.
    pub fn new(tag: PropertyTag, value: Value) -> Self {
        Self { tag, name: None, value }
    }

    /// A string.
    pub fn text(tag: PropertyTag, text: impl Into<String>) -> Self {
        Self::new(tag, Value::String(text.into()))
    }
}

impl ConvertedMessage {
    /// The message as a compound file, with what was found. `origin_len` is the length of what it
    /// was converted from: what may be made of the message is measured by that.
    ///
    /// # Errors
    /// [`Error::Storage`] if the file cannot be made.
    pub fn into_file(self, origin_len: u64) -> Result<ConvertedFile, Error> {
        let mut builder = FileBuilder::default();
        let mut content = builder.message(self, StreamHeader::TopLevelMessage)?;
        content.set_clsid(&[], MESSAGE_CLSID)?;
        builder.names.write(&mut content)?;
        content.set_origin_len(origin_len);
        let FileBuilder { defects, notes, .. } = builder;
        Ok(ConvertedFile { file: content.snapshot(), defects, notes })
    }
}

/// Makes one file.
#[derive(Default)]
struct FileBuilder {
    names: NameMap,
    /// The ids of the names; `None` if the name could not be added.
    ids: BTreeMap<PropertyName, Option<u16>>,
    defects: Vec<Defect>,
    notes: Vec<Note>,
}

impl FileBuilder {
    fn message(
        &mut self,
        message: ConvertedMessage,
        header: StreamHeader,
    ) -> Result<Transaction, Error> {
        let ConvertedMessage { properties, recipients, attachments, defects, notes } = message;
        self.defects.extend(defects);
        self.notes.extend(notes);
        let (recipient_count, attachment_count) = (recipients.len(), attachments.len());
        let mut storage = PropertyStorageBuilder::new(header);
        storage.set_counts(recipient_count, attachment_count);
        self.properties(&mut storage, properties)?;
        let mut content = storage.finish()?;
        for (number, recipient) in recipients.into_iter().enumerate() {
            let mut storage = PropertyStorageBuilder::new(StreamHeader::Part);
            let row = i32::try_from(number).unwrap_or(i32::MAX);
            self.properties(&mut storage, recipient)?;
            storage.set(tags::PR_ROWID, Encoded::integer32(row))?;
            let name = format!("{RECIPIENT_PREFIX}{number:08X}");
            content.put_transaction(&storage.finish()?, &[&name])?;
        }
        for (number, attachment) in attachments.into_iter().enumerate() {
            let storage = self.attachment(attachment, number)?;
            let name = format!("{ATTACHMENT_PREFIX}{number:08X}");
            content.put_transaction(&storage, &[&name])?;
        }
        Ok(content)
    }

    fn attachment(
        &mut self,
        attachment: ConvertedAttachment,
        number: usize,
    ) -> Result<Transaction, Error> {
        let mut storage = PropertyStorageBuilder::new(StreamHeader::Part);
        match attachment.content {
            ConvertedContent::None => {}
            ConvertedContent::Bytes(bytes) => {
                storage.set(tags::PR_ATTACH_METHOD, Encoded::integer32(BY_VALUE))?;
                storage.set_content(bytes.into())?;
            }
            ConvertedContent::Start(bytes, cause) => {
                let source = Arc::new(Source::from_bytes(bytes));
                storage.set(tags::PR_ATTACH_METHOD, Encoded::integer32(BY_VALUE))?;
                storage.set_content(StreamContent::Start(source, cause.into()))?;
            }
            ConvertedContent::Object(bytes) => {
                let source = Arc::new(Source::from_bytes(bytes));
                match CompoundFile::open(Arc::clone(&source)) {
                    Ok(file) => {
                        let (object, lost) = Transaction::salvaged(&file.root());
                        self.defects.extend(file.defects().iter().cloned().chain(lost));
                        storage.set(tags::PR_ATTACH_METHOD, Encoded::integer32(OLE))?;
                        storage.set_object(&object, RESERVED_STORAGE)?;
                    }
                    // Not a compound file, so the bytes become the content of a file.
                    Err(_) => {
                        storage.set(tags::PR_ATTACH_METHOD, Encoded::integer32(BY_VALUE))?;
                        storage.set_content(StreamContent::Source(source))?;
                    }
                }
            }
            ConvertedContent::Message(message) => {
                let message = self.message(*message, StreamHeader::EmbeddedMessage)?;
                storage.set(tags::PR_ATTACH_METHOD, Encoded::integer32(EMBEDDED_MESSAGE))?;
                storage.set_object(&message, RESERVED_MESSAGE)?;
            }
        }
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        storage.set(tags::PR_ATTACH_NUM, Encoded::integer32(number))?;
        self.properties(&mut storage, attachment.properties)?;
        storage.finish()
    }

    fn properties(
        &mut self,
        storage: &mut PropertyStorageBuilder,
        properties: Vec<ConvertedProperty>,
    ) -> Result<(), Error> {
        for ConvertedProperty { tag, name, value } in properties {
            let tag = match name {
                Some(name) => match self.id(name) {
                    Some(id) => PropertyTag::new(id, tag.property_type()),
                    None => continue,
                },
                // The id of a named property means nothing without its name.
                None if tag.is_named() => continue,
                None => tag,
            };
            if storage.has(tag) || tag.property_type() == PropertyType::OBJECT {
                continue;
            }
            match encode(tag, &with_nuls_replaced(value), CodePage::UTF_16LE) {
                Ok(Some(value)) => storage.set(tag, value)?,
                Ok(None) => {}
                Err(error) => self.defect(tag.to_string(), error.to_string()),
            }
        }
        Ok(())
    }

    fn id(&mut self, name: PropertyName) -> Option<u16> {
        if let Some(known) = self.ids.get(&name) {
            return *known;
        }
        let id = self.names.add(&name);
        if let Err(error) = &id {
            self.defect("/".to_owned(), format!("a named property is left out: {error}"));
        }
        *self.ids.entry(name).or_insert(id.ok())
    }

    fn defect(&mut self, place: String, cause: String) {
        self.defects.push(Defect { place, cause });
    }
}

/// Collects the properties of one storage.
struct PropertyStorageBuilder {
    stream: Vec<u8>,
    known: std::collections::BTreeSet<PropertyTag>,
    content: Transaction,
}

impl PropertyStorageBuilder {
    fn new(header: StreamHeader) -> Self {
        let stream = vec![0; header.len()];
        Self { stream, known: Default::default(), content: Transaction::new() }
    }

    /// Sets the next ids and the counts of recipients and attachments in the header of a message
    /// (\[MS-OXMSG\] 2.4.1.1).
    fn set_counts(&mut self, recipients: usize, attachments: usize) {
        let [recipients, attachments] =
            [recipients, attachments].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let fields = [recipients, attachments, recipients, attachments];
        let bytes = fields.into_iter().flat_map(u32::to_le_bytes);
        self.stream.iter_mut().skip(8).zip(bytes).for_each(|(to, from)| *to = from);
    }

    fn has(&self, tag: PropertyTag) -> bool {
        self.known.contains(&tag)
    }

    fn set(&mut self, tag: PropertyTag, value: Encoded) -> Result<(), Error> {
        if !self.known.insert(tag) {
            return Ok(());
        }
        let content = &mut self.content;
        let field = write_value(tag, value, |name, value| content.write_stream(&[name], value))?;
        self.stream.extend(new_entry(tag, field));
        Ok(())
    }

    fn set_content(&mut self, content: StreamContent) -> Result<(), Error> {
        let tag = tags::PR_ATTACH_DATA_BIN;
        self.set(tag, stream(tag, content, 0)?)
    }

    fn set_object(&mut self, object: &Transaction, reserved: u32) -> Result<(), Error> {
        let tag = tags::PR_ATTACH_DATA_OBJ;
        self.known.insert(tag);
        self.content.put_transaction(object, &[&stream_name(tag)])?;
        self.stream.extend(new_entry(tag, object_field(reserved)));
        Ok(())
    }

    fn finish(mut self) -> Result<Transaction, Error> {
        self.content.write_stream(&[PROPERTY_STREAM], self.stream)?;
        Ok(self.content)
    }
}

/// Replaces NULs inside strings by U+FFFD, because a string in a `.msg` file ends at a NUL.
fn with_nuls_replaced(value: Value) -> Value {
    match value {
        Value::String(text) if text.trim_end_matches('\0').contains('\0') => {
            Value::String(text.replace('\0', "\u{FFFD}"))
        }
        Value::Multiple(values) => {
            Value::Multiple(values.into_iter().map(with_nuls_replaced).collect())
        }
        value => value,
    }
}
