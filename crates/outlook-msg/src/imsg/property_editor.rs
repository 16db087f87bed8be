//! Edits the property stream of one storage, and the value streams beside it (\[MS-OXMSG\] 2.4).
//!
//! Everything that is not edited stays byte for byte: the order of the entries, their flags, the
//! junk after short values. Does not know what a property means, or who may change it.

use crate::mapi::PropertyTag;
use crate::storage::{self, StreamContent, Transaction};

use super::encode::Encoded;
use super::error::Error;
use super::property_list::{
    ENTRY_LEN, PROPATTR_READABLE, PROPATTR_WRITEABLE, PROPERTY_STREAM, StreamHeader,
};
use super::stream_name::{StreamName, stream_name};

/// The attributes of a property that is new.
const NEW_FLAGS: u32 = PROPATTR_READABLE | PROPATTR_WRITEABLE;
/// The size of every `PT_OBJECT` (\[MS-OXMSG\] 2.4.2.2).
const OBJECT_SIZE: u32 = u32::MAX;
/// The reserved field of `PR_ATTACH_DATA_OBJ`, for a message and for a storage (\[MS-OXMSG\]
/// 2.4.2.2).
pub(super) const RESERVED_MESSAGE: u32 = 1;
pub(super) const RESERVED_STORAGE: u32 = 4;

/// Edits the properties of one storage. Value streams change at once; [`PropertyEditor::finish`]
/// writes the property stream.
pub(super) struct PropertyEditor<'a> {
    transaction: &'a mut Transaction,
    path: Vec<&'a str>,
    header: Vec<u8>,
    entries: Vec<[u8; ENTRY_LEN]>,
    /// The bytes after the last entry; real files have some.
    tail: Vec<u8>,
}

impl<'a> PropertyEditor<'a> {
    /// Reads the property stream of a storage, or begins a new one if it is missing. A header of
    /// the wrong length gets the right length.
    pub(super) fn new(
        transaction: &'a mut Transaction,
        path: &[&'a str],
        header: StreamHeader,
    ) -> Result<Self, Error> {
        let mut stream =
            transaction.read_stream(&joined(path, PROPERTY_STREAM))?.unwrap_or_default();
        let found = header.of_stream(&stream);
        let rest = stream.split_off(found.len().min(stream.len()));
        stream.resize(header.len(), 0);
        let (entries, tail) = rest.as_chunks::<ENTRY_LEN>();
        let (entries, tail) = (entries.to_vec(), tail.to_vec());
        Ok(Self { transaction, path: path.to_vec(), header: stream, entries, tail })
    }

    /// Sets a property. It replaces a property of the same id, even of another type, and takes its
    /// place and its flags.
    pub(super) fn set(&mut self, tag: PropertyTag, value: Encoded) -> Result<(), Error> {
        let flags = self.flags(tag.id()).unwrap_or(NEW_FLAGS);
        let place = self.place(tag.id());
        self.remove_values(tag.id());
        let field = write_value(tag, value, |name, content| self.write(name, content))?;
        self.put(place, tag, flags, field);
        Ok(())
    }

    /// Makes a storage the value of a `PT_OBJECT` property. `reserved` says what the storage
    /// contains (\[MS-OXMSG\] 2.4.2.2).
    pub(super) fn set_object(
        &mut self,
        tag: PropertyTag,
        object: &Transaction,
        reserved: u32,
    ) -> Result<(), Error> {
        let place = self.place(tag.id());
        let flags = self.flags(tag.id()).unwrap_or(NEW_FLAGS);
        self.remove_values(tag.id());
        let name = stream_name(tag);
        self.transaction.put_transaction(object, &joined(&self.path, &name))?;
        self.put(place, tag, flags, object_field(reserved));
        Ok(())
    }

    /// The content of the stream that has the value of a property.
    pub(super) fn content(&self, tag: PropertyTag) -> Option<StreamContent> {
        self.transaction.stream(&joined(&self.path, &stream_name(tag))).cloned()
    }

    /// Removes the property of an id, whatever its type, with its values. Returns whether there was
    /// one.
    pub(super) fn remove(&mut self, id: u16) -> bool {
        let count = self.entries.len();
        self.entries.retain(|entry| tag_of(entry).id() != id);
        self.remove_values(id) || self.entries.len() < count
    }

    /// Sets the flags of the property of an id. Returns whether it is listed.
    pub(super) fn set_flags(&mut self, id: u16, flags: u32) -> bool {
        let entry = self.entries.iter_mut().find(|entry| tag_of(entry).id() == id);
        let field = entry.and_then(|entry| entry.get_mut(4..8));
        field.map(|field| field.copy_from_slice(&flags.to_le_bytes())).is_some()
    }

    /// The flags of the property of an id, if it is listed.
    pub(super) fn flags(&self, id: u16) -> Option<u32> {
        let entry = self.entries.iter().find(|entry| tag_of(entry).id() == id)?;
        let [_, _, _, _, a, b, c, d, ..] = *entry;
        Some(u32::from_le_bytes([a, b, c, d]))
    }

    /// Whether a property of this id is listed.
    pub(super) fn has(&self, id: u16) -> bool {
        self.place(id).is_some()
    }

    /// The tags of all entries, and of value streams without an entry.
    pub(super) fn tags(&self) -> Vec<PropertyTag> {
        let mut tags: Vec<_> = self.entries.iter().map(tag_of).collect();
        let names = self.transaction.entries(&self.path);
        tags.extend(names.filter_map(|(name, _)| Some(StreamName::parse(name)?.tag)));
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Gives properties new ids. A property for which `new_id` returns `None` keeps its id.
    pub(super) fn renumber(&mut self, new_id: &dyn Fn(u16) -> Option<u16>) -> Result<(), Error> {
        let renumbered =
            |tag: PropertyTag| Some(PropertyTag::new(new_id(tag.id())?, tag.property_type()));
        for entry in &mut self.entries {
            if let (Some(tag), Some(field)) = (renumbered(tag_of(entry)), entry.get_mut(..4)) {
                field.copy_from_slice(&tag.0.to_le_bytes());
            }
        }
        // All value streams are taken out before any is put back, because the new id of one
        // property may be the old id of another.
        let names: Vec<String> =
            self.transaction.entries(&self.path).map(|(name, _)| name.to_owned()).collect();
        let mut moved = Vec::new();
        for name in names {
            let Some(parsed) = StreamName::parse(&name) else { continue };
            let Some(tag) = renumbered(parsed.tag) else { continue };
            let old = joined(&self.path, &name);
            let mut new = stream_name(tag);
            if let Some(index) = parsed.index {
                new.push_str(&format!("-{index:08X}"));
            }
            let content = self.transaction.stream(&old).cloned();
            moved.push((new, content, self.transaction.part(&old)));
            self.transaction.remove(&old);
        }
        for (name, content, part) in moved {
            let to = joined(&self.path, &name);
            match (content, part) {
                (Some(content), _) => self.transaction.write_stream(&to, content)?,
                (None, Some(part)) => self.transaction.put_transaction(&part, &to)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// The header before the entries.
    pub(super) fn header_mut(&mut self) -> &mut Vec<u8> {
        &mut self.header
    }

    /// Writes the property stream.
    pub(super) fn finish(self) -> Result<(), Error> {
        let stream = [self.header, self.entries.concat(), self.tail].concat();
        let path = joined(&self.path, PROPERTY_STREAM);
        // If nothing has changed, the stream stays that of the opened file.
        if self.transaction.read_stream(&path)?.as_ref() != Some(&stream) {
            self.transaction.write_stream(&path, stream)?;
        }
        Ok(())
    }

    fn put(&mut self, place: Option<usize>, tag: PropertyTag, flags: u32, field: [u8; 8]) {
        let entry = entry(tag, flags, field);
        self.entries.retain({
            let mut index = 0;
            move |one| {
                index += 1;
                tag_of(one).id() != tag.id() || Some(index - 1) == place
            }
        });
        match place.and_then(|place| self.entries.get_mut(place)) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    fn place(&self, id: u16) -> Option<usize> {
        self.entries.iter().position(|entry| tag_of(entry).id() == id)
    }

    /// Removes the streams and storages that hold the values of an id.
    fn remove_values(&mut self, id: u16) -> bool {
        let is_value = |name: &str| StreamName::parse(name).is_some_and(|name| name.tag.id() == id);
        let names: Vec<String> = self
            .transaction
            .entries(&self.path)
            .filter(|(name, _)| is_value(name))
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in &names {
            self.transaction.remove(&joined(&self.path, name));
        }
        !names.is_empty()
    }

    fn write(&mut self, name: &str, content: StreamContent) -> Result<(), storage::Error> {
        self.transaction.write_stream(&joined(&self.path, name), content)
    }
}

/// A path with one more name.
pub(super) fn joined<'a>(path: &[&'a str], name: &'a str) -> Vec<&'a str> {
    path.iter().copied().chain([name]).collect()
}

fn tag_of(entry: &[u8; ENTRY_LEN]) -> PropertyTag {
    let [a, b, c, d, ..] = *entry;
    PropertyTag(u32::from_le_bytes([a, b, c, d]))
}

/// Writes the streams of a value with `write`, and returns the value field of its entry.
pub(super) fn write_value(
    tag: PropertyTag,
    value: Encoded,
    mut write: impl FnMut(&str, StreamContent) -> Result<(), storage::Error>,
) -> Result<[u8; 8], storage::Error> {
    let name = stream_name(tag);
    match value {
        Encoded::Fixed(bytes) => Ok(bytes),
        Encoded::Stream { content, size } => {
            write(&name, content)?;
            Ok(size_field(size, 0))
        }
        Encoded::Elements { lengths, values } => {
            let size = u32::try_from(lengths.len()).unwrap_or(u32::MAX);
            write(&name, lengths.into())?;
            for (index, value) in values.into_iter().enumerate() {
                write(&format!("{name}-{index:08X}"), value.into())?;
            }
            Ok(size_field(size, 0))
        }
    }
}

/// An entry of a property stream for a new property.
pub(super) fn new_entry(tag: PropertyTag, field: [u8; 8]) -> [u8; ENTRY_LEN] {
    entry(tag, NEW_FLAGS, field)
}

/// An entry of a property stream.
fn entry(tag: PropertyTag, flags: u32, field: [u8; 8]) -> [u8; ENTRY_LEN] {
    let mut entry = [0; ENTRY_LEN];
    let bytes = tag.0.to_le_bytes().into_iter().chain(flags.to_le_bytes()).chain(field);
    entry.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    entry
}

/// The value field of a `PT_OBJECT`.
pub(super) fn object_field(reserved: u32) -> [u8; 8] {
    size_field(OBJECT_SIZE, reserved)
}

/// The value field of a value in a stream.
fn size_field(size: u32, reserved: u32) -> [u8; 8] {
    let [a, b, c, d] = size.to_le_bytes();
    let [e, f, g, h] = reserved.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Sets a property, or removes it for `None` (see [`super::encode::encode`]).
pub(super) fn put(
    editor: &mut PropertyEditor<'_>,
    tag: PropertyTag,
    value: Option<Encoded>,
) -> Result<(), Error> {
    match value {
        Some(value) => editor.set(tag, value),
        None => {
            editor.remove(tag.id());
            Ok(())
        }
    }
}
