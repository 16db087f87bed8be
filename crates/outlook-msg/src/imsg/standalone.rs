//! Writes parts of a message as files of their own: an embedded message as a `.msg` file
//! (\[MS-OXMSG\] 2.3), an OLE object as a compound file.
//!
//! Such a file is undamaged even if the message is damaged. It has what can be read of damaged
//! values, and lacks values of which nothing can be read. A last attachment then lists what is
//! missing.

use std::collections::HashSet;
use std::io::{Read, Seek, Write};
use std::sync::Arc;

use crate::mapi::{CodePage, PropertyTag, PropertyType, Value, tags};
use crate::storage::{Defect, Transaction, Writer};

use super::attachment::Attachment;
use super::compose::{self, MESSAGE_CLSID};
use super::copy::{PropertyStorage, objects};
use super::encode::{self, encode, is_ansi, stored_tag};
use super::error::Error;
use super::mapi_prop::MapiProp as _;
use super::message::{Message, MessageData};

use super::properties::Salvaged;
use super::property_editor::{PropertyEditor, put};
use super::property_list::StreamHeader;
use super::stream_name::{ATTACHMENT_PREFIX, NAMEID_STORAGE};

/// Ends the name of an attachment of which only a part can be read.
pub const PARTIAL: &str = ".partial";
/// The name of the attachment that lists what is missing in a damaged message.
pub const ERRORS_FILE: &str = "ERRORS.txt";
/// At most this many defects are listed in it.
const DEFECTS_MAX: usize = 1000;

impl Message {
    /// Writes the message, which may be an embedded one, as a `.msg` file into an empty file.
    /// Returns the file and the defects that were found.
    ///
    /// Properties that an embedded message inherits from the outer one become its own. The whole
    /// named-property map is copied, so that every id keeps its name.
    ///
    /// # Errors
    /// [`Error::Storage`] if writing fails, [`Error::SessionClosed`] after the session was closed.
    pub fn write_standalone<F: Read + Write + Seek>(
        &self,
        out: F,
    ) -> Result<(F, Vec<Defect>), Error> {
        let data = self.data()?;
        let (mut content, mut defects) = Transaction::salvaged(data.storage());
        content.set_clsid(&[], MESSAGE_CLSID)?;
        let file = match self.top() {
            Some(top) => top.storage()?,
            None => data.storage().file().root(),
        };
        match file.storage(NAMEID_STORAGE) {
            Some(names) => {
                let (names, lost) = Transaction::salvaged(&names);
                content.put_transaction(&names, &[NAMEID_STORAGE])?;
                defects.extend(lost);
            }
            None => content.create_storage(&[NAMEID_STORAGE])?,
        }
        let parts = sound_objects(&mut content, &data, &mut defects);
        for message in parts.iter().filter(|one| one.header != StreamHeader::Part) {
            correct_store_support_mask(&mut content, message)?;
        }
        if !defects.is_empty() {
            attach_errors(&mut content, &data, &defects)?;
        }
        self.make_top_level(&mut content, !defects.is_empty())?;
        let mut writer = Writer::create(out)?;
        writer.copy_storage(&content.snapshot().root(), &[])?;
        Ok((writer.finish()?, defects))
    }

    /// Gives the message the header of a top-level one (\[MS-OXMSG\] 2.4.1.1), and the properties
    /// that it inherited.
    fn make_top_level(&self, content: &mut Transaction, has_errors: bool) -> Result<(), Error> {
        let data = self.data()?;
        let (recipients, mut attachments) = data.part_numbers();
        if has_errors {
            attachments.push(errors_number(&data));
        }
        let next = |numbers: &[u32]| numbers.last().map_or(0, |last| last.saturating_add(1));
        let count = |numbers: &[u32]| u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let counts =
            [next(&recipients), next(&attachments), count(&recipients), count(&attachments)];
        let mut editor = PropertyEditor::new(content, &[], data.header())?;
        let header = editor.header_mut();
        header.clear();
        header.resize(8, 0);
        header.extend(counts.into_iter().flat_map(u32::to_le_bytes));
        header.resize(StreamHeader::TopLevelMessage.len(), 0);
        for (tag, value) in self.inherited()? {
            put(&mut editor, tag, encode(tag, &value, CodePage::UTF_16LE)?)?;
        }
        if has_errors {
            let has = encode(tags::PR_HASATTACH, &Value::Boolean(true), CodePage::UTF_16LE)?;
            put(&mut editor, tags::PR_HASATTACH, has)?;
        }
        editor.finish()
    }

    /// The properties of the outer message that this one relies on without having them.
    /// `correct_store_support_mask` takes care of `PR_STORE_SUPPORT_MASK`.
    fn inherited(&self) -> Result<Vec<(PropertyTag, Value)>, Error> {
        let (set, strings) = self.property_set()?;
        let number = |number: u32| Value::Integer32(number.cast_signed());
        let mut inherited = Vec::new();
        if strings.is_inherited() && strings.code_page() != CodePage::WINDOWS_1252 {
            inherited.push((tags::PR_MESSAGE_CODEPAGE, number(strings.code_page().number())));
        }
        if set.get(tags::PR_INTERNET_CPID).is_none()
            && let Some(code_page) = strings.internet_code_page()
        {
            inherited.push((tags::PR_INTERNET_CPID, number(code_page)));
        }
        Ok(inherited)
    }
}

impl Attachment {
    /// Writes the storage of an OLE object as a compound file into an empty file. Returns the file
    /// and the defects that were found.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, [`Error::Storage`] if writing fails,
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn write_content_storage<F: Read + Write + Seek>(
        &self,
        out: F,
    ) -> Result<(F, Vec<Defect>), Error> {
        let (content, defects) = Transaction::salvaged(&self.content_storage()?);
        let mut writer = Writer::create(out)?;
        writer.copy_storage(&content.snapshot().root(), &[])?;
        Ok((writer.finish()?, defects))
    }
}

/// Makes the property streams of all objects fit what is left of their values. Returns the objects.
fn sound_objects(
    content: &mut Transaction,
    data: &Arc<MessageData>,
    defects: &mut Vec<Defect>,
) -> Vec<PropertyStorage> {
    let mut told: HashSet<String> = defects.iter().map(|defect| defect.cause.clone()).collect();
    let mut known = HashSet::new();
    // A message that is embedded too deeply is copied unchanged.
    let mut objects = objects(Arc::clone(data), data.header(), &mut |_| Ok(())).unwrap_or_default();
    // If several storages have the same name, the copy has only the first one.
    objects.retain(|object| known.insert(object.path.join("/").to_uppercase()));
    for object in &objects {
        match sound_object(content, object) {
            Ok(found) => {
                defects.extend(found.into_iter().filter(|one| told.insert(one.cause.clone())));
            }
            Err(error) => defects.push(error.into_defect(&object.properties.storage().path())),
        }
    }
    objects
}

/// Makes the property stream of one object fit what is left of its values. Returns the defects of
/// the values.
fn sound_object(content: &mut Transaction, object: &PropertyStorage) -> Result<Vec<Defect>, Error> {
    let (set, strings) = (&object.properties, object.message.strings());
    let mut defects = Vec::new();
    let damaged = set.properties().iter().filter(|one| set.is_incomplete(one, strings));
    let damaged: Vec<_> = damaged.collect();
    if damaged.is_empty() {
        return Ok(defects);
    }
    let path: Vec<&str> = object.path.iter().map(String::as_str).collect();
    let mut editor = PropertyEditor::new(content, &path, object.header)?;
    for property in damaged {
        let tag = property.tag;
        let Salvaged { value, defect } = set.salvage(property, strings);
        defects.extend(defect);
        let left = match tag.property_type() {
            PropertyType::STRING | PropertyType::STRING8 | PropertyType::BINARY => {
                editor.content(tag).filter(|content| !content.is_empty())
            }
            _ => None,
        };
        let encoded = match (left, value) {
            (Some(left), _) => Some(encode::stored(tag, left)?),
            (None, Some(value @ Value::Multiple(_))) => {
                encode(tag, &value, strings.code_page()).unwrap_or_default()
            }
            (None, _) => None,
        };
        put(&mut editor, tag, encoded)?;
        if tag == tags::PR_ATTACH_DATA_BIN && object.header == StreamHeader::Part {
            name_partial(&mut editor, object)?;
        }
    }
    editor.finish()?;
    Ok(defects)
}

/// Renames an attachment: adds [`PARTIAL`] to its name, which says that a part is missing.
fn name_partial(editor: &mut PropertyEditor<'_>, object: &PropertyStorage) -> Result<(), Error> {
    let names = [tags::PR_ATTACH_LONG_FILENAME, tags::PR_ATTACH_FILENAME, tags::PR_DISPLAY_NAME];
    let strings = object.message.strings();
    let name = names.into_iter().find_map(|tag| {
        let property = object.properties.find(tag)?;
        match object.properties.salvage(property, strings).value? {
            Value::String(name) if !name.trim().is_empty() => Some(name.replace('\0', "_")),
            _ => None,
        }
    });
    let name = name.unwrap_or_else(|| "unnamed".to_owned()) + PARTIAL;
    let form = object.message.string_form();
    let tag = stored_tag(tags::PR_ATTACH_LONG_FILENAME, form.ansi);
    put(editor, tag, encode(tag, &Value::String(name), form.code_page)?)
}

/// Makes `PR_STORE_SUPPORT_MASK` state the string type of a message, because programs decode
/// strings by it. An embedded message may have inherited the mask of the outer message, whose
/// strings may have the other type.
fn correct_store_support_mask(
    content: &mut Transaction,
    message: &PropertyStorage,
) -> Result<(), Error> {
    let data = &message.message;
    let tags_of_parts = data.recipients().iter().flat_map(|(_, set)| set.tags());
    let Some(ansi) = is_ansi(message.properties.tags().chain(tags_of_parts)) else {
        return Ok(());
    };
    let tag = tags::PR_STORE_SUPPORT_MASK;
    let Some(Value::Integer32(mask)) = data.store_support_mask() else { return Ok(()) };
    let right = if ansi { mask & !compose::UNICODE_OK } else { mask | compose::UNICODE_OK };
    if right == mask && (message.properties.get(tag).is_some() || !message.path.is_empty()) {
        return Ok(());
    }
    let path: Vec<&str> = message.path.iter().map(String::as_str).collect();
    let mut editor = PropertyEditor::new(content, &path, message.header)?;
    put(&mut editor, tag, encode(tag, &Value::Integer32(right), CodePage::UTF_16LE)?)?;
    editor.finish()
}

/// Adds the attachment that lists what is missing.
fn attach_errors(
    content: &mut Transaction,
    data: &MessageData,
    defects: &[Defect],
) -> Result<(), Error> {
    let mut text = "Parts of this message could not be read:\r\n".to_owned();
    for defect in defects.iter().take(DEFECTS_MAX) {
        text.push_str(&format!("{defect}\r\n"));
    }
    if let Some(more) = defects.len().checked_sub(DEFECTS_MAX).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more\r\n"));
    }
    let number = errors_number(data);
    let form = data.string_form();
    let mut attachment = compose::attachment(number, form)?;
    let mut editor = PropertyEditor::new(&mut attachment, &[], StreamHeader::Part)?;
    let string = |text: &str| Value::String(text.to_owned());
    for (tag, value) in [
        (tags::PR_ATTACH_DATA_BIN, Value::Binary(text.into_bytes())),
        (tags::PR_ATTACH_LONG_FILENAME, string(ERRORS_FILE)),
        (tags::PR_ATTACH_FILENAME, string(ERRORS_FILE)),
        (tags::PR_ATTACH_MIME_TAG, string("text/plain")),
    ] {
        let tag = stored_tag(tag, form.ansi);
        put(&mut editor, tag, encode(tag, &value, form.code_page)?)?;
    }
    editor.finish()?;
    Ok(content.put_transaction(&attachment, &[&format!("{ATTACHMENT_PREFIX}{number:08X}")])?)
}

/// The number of the attachment that lists what is missing.
fn errors_number(data: &MessageData) -> u32 {
    let (_, attachments) = data.part_numbers();
    let free = (0..u32::MAX).find(|number| !attachments.contains(number));
    attachments.last().map_or(Some(0), |last| last.checked_add(1)).or(free).unwrap_or(0)
}
