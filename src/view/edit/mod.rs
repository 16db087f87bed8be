//! Editing: what setting, renaming and removing a file does to its message.
//!
//! | what | module |
//! |---|---|
//! | what a path stands for, there or not | `place` |
//! | whether it may be edited, and why not | `access` |
//! | what cannot be edited in signed and encrypted mail | `signed` |
//! | whether bytes are the content already | `unchanged` |
//! | whether the bytes written so far can become a value | `start` |
//!
//! How a value is set is decided in [`crate::mail::edit`].
//! Knows nothing of open files or of when a message is saved.

mod access;
mod place;
mod signed;
mod start;
mod unchanged;

use std::sync::Arc;
use std::time::Instant;

use crate::imsg::{
    HeaderField, MapiProp, MapiPropMut, Message, PropertyName, Recipient, RecipientChange,
};
use crate::mapi::{PropertyTag, PropertyType, Value};
use crate::storage::Source;
use outlook_msg::mail::eml;

pub use crate::mail::edit::BodyTimes;
use crate::mail::edit::{
    SetBodies, attachments, bodies, edit_part, inline, parse, refuse_mandatory, text, utf8,
};

use super::attachments::AttachmentNames;
use super::error::Error;
use super::row::{EditColumn, File, is_attachment_path};
use super::tree::MessageTree;

pub use access::{FileAccess, MISTYPED, NO_TEXT, access, check_complete, check_open};
pub(super) use place::{CreationOrHint, new_attachment, new_named, new_property, new_row};
use place::{EditPlace, Key, PlaceKind, PropertyOwner};
pub use signed::REASON as SIGNED_IS_PROTECTED;
pub(super) use start::Form;
pub use start::StartCheck;

/// What an edit did to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: every byte of the message is what it was.
    None,
    /// The message has changed.
    Made,
}

/// Edits a message. Paths of files are those in the tree of its present state.
#[derive(Debug)]
pub struct Editor {
    message: Message,
    names: Arc<AttachmentNames>,
    bodies: Arc<BodyTimes>,
}

impl Editor {
    /// An editor of a message that is open for writing. The names of its attachments, and the times
    /// at which its bodies were set, are shared, because they outlast this editor: a save ends it.
    pub fn new(message: Message, names: Arc<AttachmentNames>, bodies: Arc<BodyTimes>) -> Self {
        Self { message, names, bodies }
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Whether [`Editor::complete`] has nothing to do.
    pub fn is_complete(&self) -> bool {
        !self.bodies.have_paths()
    }

    /// To be called before a save: turns the paths of attachments in HTML bodies into references to
    /// the attachments, which may have been written after the body.
    ///
    /// # Errors
    /// Where the message refuses.
    pub fn complete(&mut self, tree: &MessageTree) -> Result<(), Error> {
        for numbers in self.bodies.take_paths() {
            // An embedded message may have been removed since.
            if let Ok(open) = tree.objects.embedded(&numbers) {
                edit(&self.message, &numbers, |one| Ok(inline::refer(one, open.attachments())?))?;
            }
        }
        Ok(())
    }

    /// Sets a file to these bytes. If the file has these bytes already, nothing changes: when a
    /// program saves a body that its user has not touched, the message must keep its formatted
    /// body.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they are no value of its type, [`Error::NotSettable`], or where the
    /// message refuses.
    pub fn set(
        &mut self,
        tree: &MessageTree,
        path: &str,
        bytes: &Arc<Source>,
        now: Instant,
    ) -> Result<Change, Error> {
        let place = place::place(tree, path)?;
        if unchanged::is_same(tree, path, &place.what, bytes)? {
            return Ok(Change::None);
        }
        signed::refuse(tree, &place)?;
        self.set_to(place, bytes, now)?;
        Ok(Change::Made)
    }

    /// Whether a new file in `attachments/` of the message is sure to become an attachment, with so
    /// many before it.
    pub fn can_attach(&self, count: usize, name: &str) -> bool {
        attachments::can_create(&self.message, count, name)
    }

    /// Makes many edits of the message, which is read anew after the last one: see
    /// [`Message::edit_in_a_row`].
    ///
    /// # Errors
    /// Where the edited message cannot be read.
    pub fn in_a_row<T>(&mut self, edits: impl FnOnce(&mut Self) -> T) -> Result<T, Error> {
        let message = self.message.clone();
        Ok(message.edit_in_a_row(|_| edits(self))?)
    }

    fn set_to(&self, place: EditPlace, bytes: &Arc<Source>, now: Instant) -> Result<(), Error> {
        let EditPlace { message, what } = place;
        match what {
            PlaceKind::File(file) => match &file.edit {
                EditColumn::Body { body, .. } => {
                    let mut set = self.recent(&message, now);
                    edit(&self.message, &message, |one| {
                        Ok(bodies::set(one, &mut set, *body, &text(bytes)?)?)
                    })?;
                    self.bodies.put(message, set.times());
                    Ok(())
                }
                EditColumn::Text { field, .. } | EditColumn::Addresses { field, .. } => {
                    let text = text(bytes)?;
                    edit(&self.message, &message, |one| Ok(field.set(one, utf8(&text)?)?))
                }
                EditColumn::None => Err(Error::NotSettable(access::MADE)),
            },
            PlaceKind::Property { part, key } => {
                let mut set = self.recent(&message, now);
                edit(&self.message, &message, |one| match (part, &key) {
                    (PropertyOwner::Message, Key::Tag(tag)) if bodies::is_body(*tag) => {
                        let keeps = bodies::keeps_formatting(one, *tag, bytes)?;
                        set_property(one, part, &key, bytes)?;
                        Ok(bodies::update_other_bodies(one, &mut set, *tag, keeps)?)
                    }
                    _ => {
                        set_property(one, part, &key, bytes)?;
                        Ok(eml::update_transport_header(one, header_fields(part, &key))?)
                    }
                })?;
                self.bodies.put(message, set.times());
                Ok(())
            }
            PlaceKind::Attachment { name, number, shown } => {
                let mut created = None;
                edit(&self.message, &message, |one| {
                    created = attachments::set(one, &name, number.zip(shown), bytes)?;
                    Ok(())
                })?;
                self.note_name(&message, created, &name, number);
                Ok(())
            }
            PlaceKind::Message | PlaceKind::Row(_) | PlaceKind::Directory => {
                Err(Error::IsADirectory)
            }
            PlaceKind::Made => Err(Error::NotSettable(access::MADE)),
            PlaceKind::Unknown(hint) => Err(Error::NotSettable(hint)),
        }
    }

    /// Removes the value of a file. A body that is made from another one cannot be removed alone:
    /// nothing changes, and the file is shown again.
    ///
    /// # Errors
    /// [`Error::NotSettable`], or where the message refuses.
    pub fn remove(&mut self, tree: &MessageTree, path: &str) -> Result<Change, Error> {
        let place = place::place(tree, path)?;
        signed::refuse(tree, &place)?;
        let EditPlace { message, what } = place;
        if let PlaceKind::File(File { edit: EditColumn::Body { body, .. }, .. }) = what
            && bodies::is_made(&tree.objects.embedded(&message)?.message, *body)
        {
            return Ok(Change::None);
        }
        self.remove_what(message, what)?;
        Ok(Change::Made)
    }

    fn remove_what(&self, message: Vec<u32>, what: PlaceKind) -> Result<(), Error> {
        match what {
            PlaceKind::File(file) => match &file.edit {
                EditColumn::Body { body, .. } => {
                    edit(&self.message, &message, |one| Ok(bodies::remove(one, *body)?))?;
                    self.bodies.forget_body(&message, *body);
                    Ok(())
                }
                EditColumn::Text { field, .. } | EditColumn::Addresses { field, .. } => {
                    edit(&self.message, &message, |one| Ok(field.remove(one)?))
                }
                EditColumn::None => Err(Error::NotSettable(access::MADE)),
            },
            PlaceKind::Property { part, key: Key::Tag(tag) } => {
                edit(&self.message, &message, |one| {
                    delete_of_part(one, part, tag)?;
                    Ok(eml::update_transport_header(one, header_fields(part, &Key::Tag(tag)))?)
                })
            }
            PlaceKind::Attachment { number: Some(number), .. }
            | PlaceKind::Row(PropertyOwner::Attachment(number)) => {
                edit(&self.message, &message, |one| Ok(one.delete_attachment(number)?))?;
                self.forget(&message, number);
                Ok(())
            }
            PlaceKind::Property { .. } => Err(Error::NotSettable("set the other values instead")),
            PlaceKind::Attachment { .. } | PlaceKind::Unknown(_) => Err(Error::NotFound),
            PlaceKind::Message => Err(Error::NotSettable("it is the message itself")),
            // The others would get other numbers, and who removes several one after the other would
            // remove wrong ones.
            PlaceKind::Row(_) => Err(Error::NotSettable(ROW_STAYS)),
            PlaceKind::Directory => Err(Error::NotSettable(STAYS_WITH_CONTENT)),
            PlaceKind::Made => Err(Error::NotSettable(access::MADE)),
        }
    }

    /// Creates an embedded message, whose directory will have this path.
    ///
    /// # Errors
    /// [`Error::NotSettable`] if it would not lie in `attachments/`, or where the message refuses.
    pub fn create_message(&mut self, tree: &MessageTree, path: &str) -> Result<(), Error> {
        let place = place::place(tree, path)?;
        signed::refuse(tree, &place)?;
        let EditPlace { message, what } = place;
        match what {
            PlaceKind::Attachment { name, number: None, .. } => {
                let mut created = None;
                edit(&self.message, &message, |one| {
                    created = Some(attachments::create_message(one, &name)?);
                    Ok(())
                })?;
                self.note_name(&message, created, &name, None);
                Ok(())
            }
            _ => Err(Error::NotSettable("messages are embedded in attachments/ only")),
        }
    }

    /// Gives an attachment another name, that of its path.
    ///
    /// # Errors
    /// [`Error::NotSettable`] for anything else than two names in one `attachments/`.
    pub fn rename(&mut self, tree: &MessageTree, from: &str, to: &str) -> Result<(), Error> {
        let old = place::place(tree, from)?;
        let new = place::place(tree, to)?;
        for place in [&old, &new] {
            signed::refuse(tree, place)?;
        }
        match (old.what, new.what) {
            (
                PlaceKind::Attachment { number: Some(number), shown: Some(shown), .. },
                PlaceKind::Attachment { name, number: replaced, shown: as_shown },
            ) if old.message == new.message => {
                let replaced = replaced.zip(as_shown);
                let kept = edit(&self.message, &old.message, |one| {
                    Ok(attachments::rename(one, (number, shown), &name, replaced)?)
                })?;
                let gone = if kept == number { replaced.map(|one| one.0) } else { Some(number) };
                self.note_name(&old.message, Some(kept), &name, gone);
                Ok(())
            }
            _ => Err(Error::NotSettable("only attachments are renamed")),
        }
    }

    /// Sets the file `to` to these bytes, which are those of the file `from`, and removes `from`: all
    /// of it or, if it fails, nothing.
    ///
    /// # Errors
    /// As [`Editor::set`] and [`Editor::remove`].
    pub fn replace(
        &mut self,
        tree: &MessageTree,
        from: &str,
        (to, bytes): (&str, &Arc<Source>),
        now: Instant,
    ) -> Result<(), Error> {
        let place = place::place(tree, to)?;
        signed::refuse(tree, &place)?;
        let (message, names) = (self.message.clone(), self.names.snapshot());
        let replaced = message.edit_as_a_whole(|_| {
            // Both names may be of one property, as `mapi/PR_SUBJECT` and `subject`, so the value is
            // removed before it is set.
            self.remove(tree, from)?;
            self.set_to(place, bytes, now)
        });
        if replaced.is_err() {
            self.names.restore(&names);
        }
        replaced
    }

    /// Notes that an attachment has this name from now on, and that another one is gone.
    fn note_name(&self, message: &[u32], number: Option<u32>, name: &str, gone: Option<u32>) {
        let Some(number) = number else { return };
        if let Some(gone) = gone.filter(|gone| *gone != number) {
            self.forget(message, gone);
        }
        self.names.put(&storage_path(message, number), name);
    }

    /// Forgets an attachment that is gone, because another one may get its number.
    fn forget(&self, message: &[u32], number: u32) {
        self.names.remove(&storage_path(message, number));
        self.bodies.forget_message(&[message, &[number]].concat());
    }

    /// The bodies that were set shortly before and stay beside one that is set now.
    fn recent(&self, message: &[u32], now: Instant) -> SetBodies {
        SetBodies::new(self.bodies.get(message), now, self.message.is_new())
    }
}

/// The path of the storage of an attachment (\[MS-OXMSG\] 2.2.2). `message` leads to the message
/// that it belongs to.
fn storage_path(message: &[u32], number: u32) -> String {
    let attachment = |number: &u32| format!("/__attach_version1.0_#{number:08X}");
    let outer = message.iter().map(|number| attachment(number) + "/__substg1.0_3701000D");
    outer.collect::<String>() + &attachment(&number)
}

/// Whether an attachment of this name can be an embedded message: `*.msg`, in any case.
pub fn is_embedded_message_name(name: &str) -> bool {
    attachments::message_stem(name).is_some()
}

/// Whether an embedded message can have this path in a message.
pub fn is_embedded_message_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    is_attachment_path(path) && is_embedded_message_name(name)
}

fn recipient(message: &Message, number: u32) -> Result<Recipient, Error> {
    let mut recipients = message.recipients()?.into_iter();
    recipients.find(|one| one.number().is_ok_and(|n| n == number)).ok_or(Error::NotFound)
}

/// Edits the message that these attachments lead to, and puts it into the messages around it: all
/// of the edit is made, or if it fails none.
fn edit<T>(
    message: &Message,
    numbers: &[u32],
    run: impl FnOnce(&Message) -> Result<T, Error>,
) -> Result<T, Error> {
    message.edit_as_a_whole(|message| match numbers.split_first() {
        None => run(message),
        Some((number, inner)) => edit_part(&message.attachment(*number)?, |attachment| {
            edit_part(&attachment.embedded_message()?, |embedded| edit(embedded, inner, run))
        }),
    })
}

/// Why the directory of a recipient stays.
pub const ROW_STAYS: &str = "a recipient is removed from to, cc or bcc";
/// Why a directory stays that is no message.
pub const STAYS_WITH_CONTENT: &str = "it is there while there is something in it";

/// The fields of the transport header that say what a property says.
fn header_fields(part: PropertyOwner, key: &Key) -> &'static [HeaderField] {
    match (part, key) {
        (PropertyOwner::Message, Key::Tag(tag)) => eml::fields_of(*tag),
        (PropertyOwner::Recipient(_), _) => &[HeaderField::To, HeaderField::Cc, HeaderField::Bcc],
        (PropertyOwner::Message | PropertyOwner::Attachment(_), _) => &[],
    }
}

/// Sets a property of a message, a recipient or an attachment.
fn set_property(
    message: &Message,
    part: PropertyOwner,
    key: &Key,
    bytes: &Arc<Source>,
) -> Result<(), Error> {
    match part {
        PropertyOwner::Message => set_property_of(message, message, key, bytes),
        PropertyOwner::Attachment(number) => {
            let attachment = message.attachment(number)?;
            edit_part(&attachment, |attachment| set_property_of(message, attachment, key, bytes))
        }
        PropertyOwner::Recipient(number) => {
            let (tag, value) = match key {
                Key::Tag(tag) => (*tag, value_of(*tag, bytes)?),
                Key::Named(name, property_type) => {
                    let tag = named_tag(message, name, *property_type)?;
                    (tag, value_of(tag, bytes)?)
                }
                Key::Element(tag, index) => {
                    let present = recipient(message, number)?.property(*tag)?;
                    (*tag, with_element(present, *index, text(bytes)?)?)
                }
            };
            let change =
                RecipientChange::Modify { number, set: vec![(tag, value)], delete: Vec::new() };
            Ok(message.modify_recipients(&[change])?)
        }
    }
}

fn set_property_of(
    message: &Message,
    object: &dyn MapiPropMut,
    key: &Key,
    bytes: &Arc<Source>,
) -> Result<(), Error> {
    match key {
        Key::Tag(tag) if tag.property_type().is_binary() => {
            Ok(object.set_property_source(*tag, Arc::clone(bytes))?)
        }
        Key::Tag(tag) => Ok(object.set_property(*tag, &value_of(*tag, bytes)?)?),
        Key::Named(name, property_type) => {
            let value = parse(*property_type, utf8(&text(bytes)?)?)?;
            let tag = named_tag(message, name, *property_type)?;
            Ok(object.set_property(tag, &value)?)
        }
        Key::Element(tag, index) => {
            let value = with_element(object.property(*tag)?, *index, text(bytes)?)?;
            Ok(object.set_property(*tag, &value)?)
        }
    }
}

/// Deletes a property of a message, a recipient or an attachment.
fn delete_of_part(message: &Message, part: PropertyOwner, tag: PropertyTag) -> Result<(), Error> {
    match part {
        PropertyOwner::Message => Ok(message.delete_property(tag)?),
        PropertyOwner::Attachment(number) => {
            edit_part(&message.attachment(number)?, |one| Ok(one.delete_property(tag)?))
        }
        PropertyOwner::Recipient(number) => {
            refuse_mandatory(&recipient(message, number)?, tag)?;
            let change = RecipientChange::Modify { number, set: Vec::new(), delete: vec![tag] };
            Ok(message.modify_recipients(&[change])?)
        }
    }
}

fn named_tag(
    message: &Message,
    name: &PropertyName,
    property_type: PropertyType,
) -> Result<PropertyTag, Error> {
    let id = message.property_id(name, true)?.ok_or(Error::NotFound)?;
    Ok(PropertyTag::new(id, property_type))
}

fn value_of(tag: PropertyTag, bytes: &Source) -> Result<Value, Error> {
    let bytes = text(bytes)?;
    match tag.property_type().is_binary() {
        true => Ok(Value::Binary(bytes)),
        false => Ok(parse(tag.property_type(), utf8(&bytes)?)?),
    }
}

/// The values of a `PT_MV_BINARY` property with another one at a place.
fn with_element(present: Value, index: u32, bytes: Vec<u8>) -> Result<Value, Error> {
    let Value::Multiple(mut values) = present else { return Err(Error::NotFound) };
    let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
    let value = Value::Binary(bytes);
    let count = values.len();
    match values.get_mut(index) {
        Some(known) => *known = value,
        None if index == count => values.push(value),
        None => return Err(Error::invalid("the values in order, without a gap")),
    }
    Ok(Value::Multiple(values))
}
