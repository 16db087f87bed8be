//! Messages of other files, taken over: the ids of their named properties mean something else here.

use std::collections::BTreeMap;

use crate::mapi::{PropertyTag, PropertyType, tags};
use crate::storage::{Storage, Transaction};

use super::compose::MESSAGE_CLSID;
use super::edit::Editable as _;
use super::encode::Encoded;
use super::error::Error;
use super::message::{
    ATTACHMENT_PREFIX, EMBEDDING_DEPTH_MAX, Message, MessageData, RECIPIENT_PREFIX,
};
use super::name_registry;
use super::names::{NAMEID_STORAGE, PropertyNames};
use super::properties::{Header, PROPERTY_STREAM, numbered};
use super::property_editor::{PropertyEditor, stream_name};

/// A message of its own file, with its own map of names.
pub(super) fn top_level_message(storage: &Storage) -> Result<Transaction, Error> {
    MessageData::top_level(storage, None)?;
    let mut content = Transaction::on(storage)?;
    name_registry::create(&mut content)?;
    Ok(content)
}

/// A message as one that is embedded in the file of `top`, where its names are registered.
///
/// A property with an id that its own file has no name for means nothing there, and would mean
/// something here: it is left out.
pub(super) fn embedded_message(storage: &Storage, top: &Message) -> Result<Transaction, Error> {
    let data = MessageData::top_level(storage, None)?;
    let mut content = Transaction::on(storage)?;
    content.set_clsid(&[], crate::mapi::Guid::default())?;
    let names = PropertyNames::read(&storage.file().root());
    let is_file = content.remove(&[NAMEID_STORAGE]) || storage.parent().is_none();
    let own = if is_file { Header::TopLevelMessage } else { Header::EmbeddedMessage };
    let mut ids = BTreeMap::new();
    for (path, header) in objects(&content, own) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut editor = PropertyEditor::new(&mut content, &path, header)?;
        for id in editor.tags().into_iter().filter(|tag| tag.is_named()).map(PropertyTag::id) {
            if !ids.contains_key(&id) {
                let name = names.name(PropertyTag::new(id, PropertyType::UNSPECIFIED));
                let new = name.map(|name| top.register_name(name, true)).transpose()?.flatten();
                ids.insert(id, new);
            }
            if ids.get(&id) == Some(&None) {
                editor.remove(id);
            }
        }
        editor.renumber(&|id| ids.get(&id).copied().flatten())?;
        if path.is_empty() {
            editor.header_mut().resize(Header::EmbeddedMessage.len(), 0);
            say_code_page(&mut editor, &data)?;
        }
        editor.finish()?;
    }
    Ok(content)
}

/// Makes an embedded message that was taken over the content of the file `own`.
pub(super) fn make_top_level(content: &mut Transaction, own: &Transaction) -> Result<(), Error> {
    content.set_clsid(&[], MESSAGE_CLSID)?;
    if let Some(names) = own.part(&[NAMEID_STORAGE]) {
        content.put_transaction(&names, &[NAMEID_STORAGE])?;
    }
    let mut editor = PropertyEditor::new(content, &[], Header::EmbeddedMessage)?;
    editor.header_mut().resize(Header::TopLevelMessage.len(), 0);
    editor.finish()
}

/// A message without a word about its code page would be read in that of the message around it.
fn say_code_page(editor: &mut PropertyEditor<'_>, data: &MessageData) -> Result<(), Error> {
    let tag = tags::PR_MESSAGE_CODEPAGE;
    if !data.is_ansi() || editor.has(tag.id()) {
        return Ok(());
    }
    let mut field = [0; 8];
    let number = data.strings().code_page().number().to_le_bytes();
    field.iter_mut().zip(number).for_each(|(to, from)| *to = from);
    editor.set(tag, Encoded::Fixed(field))
}

/// The paths of all storages with properties: the message, its recipients and attachments, and
/// those of the messages embedded in it.
fn objects(content: &Transaction, own: Header) -> Vec<(Vec<String>, Header)> {
    let mut found = Vec::new();
    let mut pending = vec![(Vec::new(), own, 0)];
    while let Some((path, header, depth)) = pending.pop() {
        let names: Vec<String> = storages(content, &path);
        for name in names {
            let part: Vec<String> = path.iter().cloned().chain([name.clone()]).collect();
            if numbered(&name, RECIPIENT_PREFIX).is_some() {
                found.push((part, Header::Part));
            } else if numbered(&name, ATTACHMENT_PREFIX).is_some() {
                let object = stream_name(tags::PR_ATTACH_DATA_OBJ);
                let inner: Vec<String> = part.iter().cloned().chain([object]).collect();
                // An OLE object has no properties.
                if has_properties(content, &inner) && depth < EMBEDDING_DEPTH_MAX {
                    pending.push((inner, Header::EmbeddedMessage, depth + 1));
                }
                found.push((part, Header::Part));
            }
        }
        found.push((path, header));
    }
    found
}

fn storages(content: &Transaction, path: &[String]) -> Vec<String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let names = content.entries(&path).filter(|(_, is_storage)| *is_storage);
    names.map(|(name, _)| name.to_owned()).collect()
}

fn has_properties(content: &Transaction, path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).chain([PROPERTY_STREAM]).collect();
    content.stream(&path).is_some()
}
