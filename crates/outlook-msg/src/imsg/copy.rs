//! Copies messages from other files. In another file, the id of a named property may stand for
//! another name, so the copy translates the ids.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::mapi::{CodePage, Guid, PropertyTag, PropertyType, Value, tags};
use crate::storage::{self, Storage, Transaction};

use super::compose::{self, MESSAGE_CLSID};
use super::edit::Editable as _;
use super::encode::{self, Encoded, encode, is_ansi};
use super::error::Error;
use super::message::{Message, MessageData};
use super::name_registry;
use super::names::PropertyNames;
use super::properties::PropertySet;
use super::property_editor::{PropertyEditor, put};
use super::property_list::{PROPERTY_STREAM, StreamHeader};
use super::stream_name::{
    ATTACHMENT_PREFIX, NAMEID_STORAGE, RECIPIENT_PREFIX, numbered, stream_name,
};

/// The range of ids that the copy gives to named properties whose names are missing.
const FIRST_NAMELESS: u16 = LAST_ID - 0x3FFF;
const LAST_ID: u16 = 0xFFFE;
const NAMELESS_MAX: u32 = 0x4000;

/// Whether the root of a file is a message: it has a property stream, or at least values of
/// properties.
pub fn is_message(storage: &Storage) -> bool {
    MessageData::top_level(storage, None)
        .is_ok_and(|data| !data.properties().properties().is_empty())
        || storage.stream(PROPERTY_STREAM).is_some()
}

/// Copies a message for a file of its own, with its own map of names.
pub(super) fn top_level_message(storage: &Storage) -> Result<Transaction, Error> {
    MessageData::top_level(storage, None)?;
    let mut content = Transaction::on(storage)?;
    name_registry::create(&mut content)?;
    Ok(content)
}

/// Copies a message to embed it in the file of `top`. Its names are added to the map of that file.
///
/// If its own file has no name for a named property, the property means nothing there. With the
/// same id, it could mean something here, so it gets an id that has no name here either. No real
/// file has both 8-bit and Unicode strings, and readers rely on that. So 8-bit strings become
/// Unicode if the file of `top` is Unicode.
pub(super) fn embedded_message(storage: &Storage, top: &Message) -> Result<Transaction, Error> {
    let data = Arc::new(MessageData::top_level(storage, None)?);
    let mut content = Transaction::on(storage)?;
    content.set_clsid(&[], Guid::default())?;
    let names = PropertyNames::read(&storage.file().root());
    content.remove(&[NAMEID_STORAGE]);
    let is_file = storage.parent().is_none();
    let own = if is_file { StreamHeader::TopLevelMessage } else { StreamHeader::EmbeddedMessage };
    let unicode = !top.data()?.is_ansi();
    let mut ids = BTreeMap::new();
    // From the end of the range, because ids with names are given out from 0x8000 upwards.
    let mut nameless = (FIRST_NAMELESS..=LAST_ID).rev();
    for object in objects(data, own, &mut Err)? {
        let path: Vec<&str> = object.path.iter().map(String::as_str).collect();
        let mut editor = PropertyEditor::new(&mut content, &path, object.header)?;
        for id in editor.tags().into_iter().filter(|tag| tag.is_named()).map(PropertyTag::id) {
            let Entry::Vacant(place) = ids.entry(id) else { continue };
            let name = names.name(PropertyTag::new(id, PropertyType::UNSPECIFIED));
            let new = name.map(|name| top.register_name(name, true)).transpose()?.flatten();
            let new = match new {
                Some(new) => new,
                None => nameless.next().ok_or(Error::TooMany {
                    what: "properties without a name",
                    count_max: NAMELESS_MAX,
                })?,
            };
            place.insert(new);
        }
        if unicode {
            make_unicode(&mut editor, &object)?;
        }
        editor.renumber(&|id| ids.get(&id).copied())?;
        if path.is_empty() {
            editor.header_mut().resize(StreamHeader::EmbeddedMessage.len(), 0);
            say_code_page(&mut editor, &object.message)?;
        }
        editor.finish()?;
    }
    Ok(content)
}

/// Turns a message that was copied for embedding into a top-level one, with the map of names of the
/// file `own`.
pub(super) fn make_top_level(content: &mut Transaction, own: &Transaction) -> Result<(), Error> {
    content.set_clsid(&[], MESSAGE_CLSID)?;
    if let Some(names) = own.part(&[NAMEID_STORAGE]) {
        content.put_transaction(&names, &[NAMEID_STORAGE])?;
    }
    let mut editor = PropertyEditor::new(content, &[], StreamHeader::EmbeddedMessage)?;
    editor.header_mut().resize(StreamHeader::TopLevelMessage.len(), 0);
    editor.finish()
}

/// A storage with properties, and the message that it belongs to.
pub(super) struct PropertyStorage {
    pub(super) path: Vec<String>,
    pub(super) header: StreamHeader,
    pub(super) properties: PropertySet,
    pub(super) message: Arc<MessageData>,
}

/// Lists all storages with properties: the message, its recipients and attachments, and those of
/// the messages embedded in it. Calls `unopened` for each embedded message that cannot be opened;
/// an error of `unopened` ends the listing.
pub(super) fn objects(
    message: Arc<MessageData>,
    own: StreamHeader,
    unopened: &mut dyn FnMut(Error) -> Result<(), Error>,
) -> Result<Vec<PropertyStorage>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![(Vec::new(), own, message)];
    while let Some((path, header, message)) = pending.pop() {
        let storage = message.storage().clone();
        for entry in storage.entries() {
            let storage::Entry::Storage(part) = entry else { continue };
            let is_attachment = numbered(part.name(), ATTACHMENT_PREFIX).is_some();
            if !is_attachment && numbered(part.name(), RECIPIENT_PREFIX).is_none() {
                continue;
            }
            let path: Vec<String> = path.iter().cloned().chain([part.name().to_owned()]).collect();
            let object = part.storage(&stream_name(tags::PR_ATTACH_DATA_OBJ));
            // An OLE object has no property stream, so only an embedded message is kept.
            let object = object.filter(|object| object.stream(PROPERTY_STREAM).is_some());
            if let Some(object) = object.filter(|_| is_attachment) {
                let inner_path = path.iter().cloned().chain([object.name().to_owned()]).collect();
                match MessageData::embedded(&object, &message) {
                    Ok(inner) => {
                        pending.push((inner_path, StreamHeader::EmbeddedMessage, Arc::new(inner)));
                    }
                    Err(error) => unopened(error)?,
                }
            }
            let properties = PropertySet::read(&part, StreamHeader::Part);
            let message = Arc::clone(&message);
            found.push(PropertyStorage { path, header: StreamHeader::Part, properties, message });
        }
        let properties = PropertySet::read(&storage, header);
        found.push(PropertyStorage { path, header, properties, message });
    }
    Ok(found)
}

/// Stores the 8-bit strings of an object as Unicode ones.
fn make_unicode(editor: &mut PropertyEditor<'_>, object: &PropertyStorage) -> Result<(), Error> {
    let strings = object.message.strings();
    for property in object.properties.properties() {
        let tag = property.tag;
        let is_8_bit =
            [PropertyType::STRING8, PropertyType::MULTIPLE_STRING8].contains(&tag.property_type());
        let unicode = tag.with_type(tag.property_type().to_unicode());
        // Skips a value that is missing, or that the object also has in Unicode.
        if !is_8_bit || !editor.tags().contains(&tag) || object.properties.get(unicode).is_some() {
            continue;
        }
        if let Some(value) = object.properties.salvage(property, strings).value {
            let value = cut_at_nul(value);
            let stored = encode(unicode, &value, CodePage::UTF_16LE)?;
            // `encode` leaves out an empty string, but the other file has this one, so the copy
            // keeps it.
            let empty = || encode::stream(unicode, Vec::new().into(), 2);
            put(editor, unicode, Some(stored.map_or_else(empty, Ok)?))?;
        }
    }
    let tag = tags::PR_STORE_SUPPORT_MASK;
    if let Some(Value::Integer32(mask)) = object.properties.fixed(tag)
        && mask & compose::UNICODE_OK == 0
    {
        let mask = Value::Integer32(mask | compose::UNICODE_OK);
        put(editor, tag, encode(tag, &mask, CodePage::UTF_16LE)?)?;
    }
    Ok(())
}

/// Cuts strings at their first NUL, where every reader of 8-bit strings ends them.
fn cut_at_nul(value: Value) -> Value {
    match value {
        Value::String(mut text) => {
            text.truncate(text.find('\0').unwrap_or(text.len()));
            Value::String(text)
        }
        Value::Multiple(values) => Value::Multiple(values.into_iter().map(cut_at_nul).collect()),
        value => value,
    }
}

/// Writes the code page of an 8-bit message that does not state it. Otherwise readers would use the
/// code page of the outer message.
fn say_code_page(editor: &mut PropertyEditor<'_>, data: &MessageData) -> Result<(), Error> {
    let tag = tags::PR_MESSAGE_CODEPAGE;
    if is_ansi(editor.tags().into_iter()) != Some(true) || editor.has(tag.id()) {
        return Ok(());
    }
    let number = data.strings().code_page().number();
    editor.set(tag, Encoded::integer32(number.cast_signed()))
}
