//! Edits of the attachments of a message, and of a message as a whole.

use std::sync::Arc;

use crate::mapi::{Value, tags};
use crate::storage::{CompoundFile, Storage, Transaction};

use super::attachment::Attachment;
use super::compose;
use super::computed;
use super::copy;
use super::draft::{Destination, Draft};
use super::edit::{Editable as _, edit, edit_properties};
use super::encode;
use super::error::Error;
use super::message::Message;
use super::property_list::StreamHeader;
use super::stream_name::{ATTACHMENT_PREFIX, numbered, stream_name};

/// A message has at most this many attachments (\[MS-OXMSG\] 2.2.2), and as many recipients.
pub(super) const PARTS_MAX: u32 = 2048;

impl Message {
    /// Creates an attachment by value, without content and name (`CreateAttach`). Saving the
    /// attachment puts it into the message.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::TooMany`], [`Error::SessionClosed`].
    pub fn create_attachment(&self) -> Result<Attachment, Error> {
        let draft = self.writable()?;
        let number = {
            let mut state = draft.lock();
            let known = self.attachments()?;
            let after = known.last().map_or(0, |last| last.saturating_add(1));
            let number = after.max(state.next_attachment);
            let count = u32::try_from(known.len()).unwrap_or(u32::MAX);
            if count >= PARTS_MAX || number == u32::MAX {
                return Err(Error::TooMany { what: "attachments", count_max: PARTS_MAX });
            }
            state.next_attachment = number + 1;
            number
        };
        let destination = Destination::Message { message: self.clone(), number };
        let draft =
            Draft::of(compose::attachment(number, self.data()?.string_form())?, true, destination);
        let snapshot = draft.lock().transaction.snapshot();
        let attachment = self.register_attachment(number, &snapshot.root(), Some(draft))?;
        attachment.keep_until_saved(true)?;
        Ok(attachment)
    }

    /// Whether `count` more attachments can be created, and the message can store this name.
    ///
    /// # Errors
    /// [`Error::SessionClosed`].
    pub fn can_attach(&self, count: usize, name: &str) -> Result<bool, Error> {
        let count = self.attachments()?.len().saturating_add(count);
        let form = self.data()?.string_form();
        let tag = encode::stored_tag(tags::PR_ATTACH_LONG_FILENAME, form.ansi);
        let is_encoded =
            || encode::encode(tag, &Value::String(name.to_owned()), form.code_page).is_ok();
        Ok(u32::try_from(count).is_ok_and(|count| count <= PARTS_MAX)
            && (name.is_ascii() || is_encoded()))
    }

    /// Makes several edits: all of them or, if one fails, none. Edits of attachments and embedded
    /// messages that the closure opens are not undone.
    ///
    /// # Errors
    /// Those of the edits, [`Error::ReadOnly`], [`Error::SessionClosed`].
    pub fn edit_as_a_whole<T, E: From<Error>>(
        &self,
        edits: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let draft = self.writable()?;
        let before = draft.lock().clone();
        let edited = edits(self);
        if edited.is_err() {
            let mut state = draft.lock();
            self.publish(&before, false)?;
            let was_unsaved = before.unsaved;
            *state = before;
            drop(state);
            if !was_unsaved {
                self.forget_unsaved();
            }
        }
        edited
    }

    /// Makes many edits, and reloads the message only after the last one. Reloading a message with
    /// two thousand attachments after each edit would take too long. Until then, getters return the
    /// values from before the first edit. If an edit fails, the edits before it stay.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::SessionClosed`], or the error if the edited message cannot be
    /// reloaded.
    pub fn edit_in_a_row<T>(&self, edits: impl FnOnce(&Self) -> T) -> Result<T, Error> {
        let draft = self.writable()?;
        draft.lock().expects_more = true;
        let made = edits(self);
        let mut state = draft.lock();
        state.expects_more = false;
        self.publish(&state, true)?;
        Ok(made)
    }

    /// The compound file that a save would write, with all computed properties.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::SessionClosed`], those of what is computed.
    pub fn completed(&self) -> Result<Arc<CompoundFile>, Error> {
        let mut state = self.writable()?.lock().clone();
        if state.unsaved {
            computed::complete_message(self, &mut state)?;
        }
        Ok(state.transaction.snapshot())
    }

    /// Deletes an attachment by its number (`DeleteAttach`).
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NoObject`] if there is none, [`Error::SessionClosed`].
    pub fn delete_attachment(&self, number: u32) -> Result<(), Error> {
        self.writable()?;
        edit(self, true, |state| {
            let Some(name) = attachment_name(&state.transaction, number) else {
                return Err(self.no_attachment(number));
            };
            state.transaction.remove(&[&name]);
            state.attachments_changed = true;
            Ok(())
        })
    }

    /// Replaces the whole content by that of a message in another file: properties, recipients,
    /// attachments and everything else. Named properties get the ids of this file.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NotAMessage`], [`Error::Storage`] if the other file is so
    /// damaged that something would be lost, [`Error::SessionClosed`].
    pub fn copy_from(&self, other: &Storage) -> Result<(), Error> {
        self.writable()?;
        let content = match self.top() {
            // The other message is the root of its file, so the copy takes its map of names too.
            None if other.parent().is_none() => copy::top_level_message(other)?,
            None => {
                let mut content = copy::embedded_message(other, self)?;
                let own = self.writable()?.lock().transaction.clone();
                copy::make_top_level(&mut content, &own)?;
                content
            }
            Some(top) => copy::embedded_message(other, &top)?,
        };
        edit(self, true, |state| {
            state.transaction = content;
            Ok(())
        })
    }

    /// Puts an attachment that is being saved into the message.
    pub(super) fn take_attachment(
        &self,
        number: u32,
        attachment: &Transaction,
        created: bool,
    ) -> Result<(), Error> {
        edit(self, false, |state| {
            let name = match attachment_name(&state.transaction, number) {
                Some(name) => name,
                None if created => {
                    let known = state.transaction.entries(&[]);
                    let attachments = known.filter(|(name, is_storage)| {
                        *is_storage && numbered(name, ATTACHMENT_PREFIX).is_some()
                    });
                    if u32::try_from(attachments.count()).unwrap_or(u32::MAX) >= PARTS_MAX {
                        return Err(Error::TooMany { what: "attachments", count_max: PARTS_MAX });
                    }
                    state.attachments_changed = true;
                    format!("{ATTACHMENT_PREFIX}{number:08X}")
                }
                None => return Err(self.no_attachment(number)),
            };
            Ok(state.transaction.put_transaction(attachment, &[&name])?)
        })
    }

    pub(super) fn writable(&self) -> Result<&std::sync::Arc<Draft>, Error> {
        let place = self.storage()?.path();
        self.draft().ok_or(Error::ReadOnly { place })
    }

    fn no_attachment(&self, number: u32) -> Error {
        let place = self.storage().map(|storage| storage.path()).unwrap_or_default();
        Error::NoObject { place, what: format!("attachment {number}") }
    }
}

impl Attachment {
    /// Replaces the content by a new embedded message (`OpenProperty` of `PR_ATTACH_DATA_OBJ` with
    /// `MAPI_CREATE`), and opens it.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::TooDeep`], [`Error::Storage`], [`Error::SessionClosed`].
    pub fn create_embedded_message(&self) -> Result<super::Message, Error> {
        let form = self.message_string_form()?;
        self.put_message(&compose::embedded_message(form)?)?;
        self.embedded_message()
    }

    /// Replaces the content by that of another attachment, whose bytes are not read.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::SessionClosed`].
    pub fn copy_data(&self, from: &Self) -> Result<(), Error> {
        let tag = tags::PR_ATTACH_DATA_BIN;
        let place = from.storage()?.path();
        let draft = from.draft().ok_or(Error::ReadOnly { place })?;
        let content = draft.lock().transaction.stream(&[&stream_name(tag)]).cloned();
        let content = content.unwrap_or_else(|| Vec::new().into());
        let content = encode::stream(tag, content, 0)?;
        edit(self, true, |state| {
            edit_properties(state, StreamHeader::Part, |editor| editor.set(tag, content))?;
            state.set.insert(tag.id());
            Ok(())
        })
    }

    /// Replaces the content by a copy of a message in another file. Named properties get the ids of
    /// this file.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NotAMessage`], [`Error::TooDeep`], [`Error::Storage`] if the
    /// other file is so damaged that something would be lost, [`Error::SessionClosed`].
    pub fn embed(&self, other: &Storage) -> Result<(), Error> {
        let top = self.writable_top()?.ok_or(Error::SessionClosed)?;
        self.put_message(&copy::embedded_message(other, &top)?)
    }
}

/// The name of the storage of an attachment.
fn attachment_name(transaction: &Transaction, number: u32) -> Option<String> {
    let mut entries = transaction.entries(&[]);
    let found = entries.find(|(name, is_storage)| {
        *is_storage && numbered(name, ATTACHMENT_PREFIX) == Some(number)
    });
    found.map(|(name, _)| name.to_owned())
}
