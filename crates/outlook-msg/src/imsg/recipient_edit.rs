//! Edits of the recipient table (`IMessage::ModifyRecipients`).
//!
//! The rows are numbered from 0 without gaps, as in real files. A row that stays keeps every
//! property that the edit does not change.

use crate::mapi::{PropertyTag, Value, tags};
use crate::storage::{Storage, Transaction};

use super::address::Address;
use super::compose::{self, StringForm};
use super::draft::DraftState;
use super::edit::edit;
use super::encode::{encode, stored_tag};
use super::error::Error;
use super::mapi_prop::MapiProp as _;
use super::message::Message;
use super::message_edit::PARTS_MAX;
use super::property_editor::{PropertyEditor, put};
use super::property_list::StreamHeader;
use super::recipient::Recipient;
use super::recipient_type::RecipientType;
use super::stream_name::{RECIPIENT_PREFIX, numbered};

/// One change of the recipient table.
#[derive(Clone, Debug)]
pub enum RecipientChange {
    /// Adds a recipient at the end (`MODRECIP_ADD`).
    Add(RecipientType, Address),
    /// Sets properties of the recipient of this number, and deletes others (`MODRECIP_MODIFY`).
    Modify {
        /// The number of its storage before all of the changes.
        number: u32,
        /// The properties with their new values.
        set: Vec<(PropertyTag, Value)>,
        /// The properties that are deleted.
        delete: Vec<PropertyTag>,
    },
    /// Removes the recipient of this number (`MODRECIP_REMOVE`).
    Remove(u32),
}

/// A row of the table that is being edited.
struct RecipientRow {
    /// The number of its storage before the edit; `None` for a new one.
    number: Option<u32>,
    properties: Transaction,
}

impl Message {
    /// Changes the recipient table (`ModifyRecipients`): makes all changes or, if one fails, none.
    /// Every handle sees them at once; saving the message writes them to the file.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NoObject`] if there is no recipient with the number of a
    /// change, [`Error::TooMany`], [`Error::Invalid`], [`Error::Unmappable`], [`Error::TooLarge`],
    /// [`Error::Storage`], [`Error::SessionClosed`].
    pub fn modify_recipients(&self, changes: &[RecipientChange]) -> Result<(), Error> {
        self.writable()?;
        let form = self.data()?.string_form();
        edit(self, true, |state| {
            let mut rows = self.rows(state)?;
            for change in changes {
                change_rows(&mut rows, change, form)?;
            }
            write_rows(state, rows, &RecipientType::ALL)
        })
    }

    /// Replaces the recipients of one type by these, in this order. A recipient that is already in
    /// the table keeps all its properties. Recipients of other types are not changed.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::TooMany`], [`Error::Unmappable`], [`Error::Storage`],
    /// [`Error::SessionClosed`].
    pub fn set_recipients(
        &self,
        recipient_type: RecipientType,
        addresses: &[Address],
    ) -> Result<(), Error> {
        self.writable()?;
        let form = self.data()?.string_form();
        edit(self, true, |state| {
            let recipients = self.recipients()?;
            let rows = self.rows(state)?;
            // `table` has the rows of other types, with a gap (`None`) for each recipient of this
            // type.
            let (mut old, mut table, mut places) = (Vec::new(), Vec::new(), Vec::new());
            for (recipient, row) in recipients.iter().zip(rows) {
                if recipient.recipient_type() == recipient_type {
                    places.push(table.len());
                    old.push((Address::of_recipient(recipient).unwrap_or_default(), Some(row)));
                    table.push(None);
                } else {
                    table.push(Some(row));
                }
            }
            let mut new = Vec::new();
            for address in addresses {
                new.push(match take_row(&mut old, address) {
                    Some((known, row)) => renamed(row, &known, address, form)?,
                    None => RecipientRow {
                        number: None,
                        properties: compose::recipient(0, recipient_type, address, form)?,
                    },
                });
            }
            // The recipients of this type fill the gaps of recipients that stay, then further gaps;
            // the rest goes to the end of the table.
            let stays = |index: &usize| old.get(*index).is_some_and(|(_, row)| row.is_none());
            let (kept, free): (Vec<_>, Vec<_>) = (0..places.len()).partition(stays);
            let missing = new.len().saturating_sub(kept.len());
            let mut used: Vec<_> = kept.into_iter().chain(free.into_iter().take(missing)).collect();
            used.sort_unstable();
            let mut new = new.into_iter();
            for (index, row) in used.into_iter().zip(new.by_ref()) {
                if let Some(gap) = places.get(index).and_then(|place| table.get_mut(*place)) {
                    *gap = Some(row);
                }
            }
            let rows = table.into_iter().flatten().chain(new).collect();
            write_rows(state, rows, &[recipient_type])
        })
    }

    /// The rows in the order of the table.
    fn rows(&self, state: &DraftState) -> Result<Vec<RecipientRow>, Error> {
        let row = |recipient: &Recipient| {
            let number = recipient.number()?;
            let storage = self.storage_of(recipient)?;
            let properties = state.transaction.part(&[storage.name()]).unwrap_or_default();
            Ok(RecipientRow { number: Some(number), properties })
        };
        self.recipients()?.iter().map(row).collect()
    }

    fn storage_of(&self, recipient: &Recipient) -> Result<Storage, Error> {
        Ok(recipient.property_set()?.0.storage().clone())
    }
}

/// Takes out the row with the same address; for a recipient without an address, the row with the
/// same name.
fn take_row(
    old: &mut [(Address, Option<RecipientRow>)],
    wanted: &Address,
) -> Option<(Address, RecipientRow)> {
    let is_same = |known: &Address| match (known.address.as_str(), wanted.address.as_str()) {
        ("", "") => known.name == wanted.name,
        (known, wanted) => known.eq_ignore_ascii_case(wanted),
    };
    // Several rows may have the same address. The one with the same name is preferred.
    let by_name = old
        .iter()
        .position(|(known, row)| row.is_some() && is_same(known) && known.name == wanted.name);
    let index =
        by_name.or_else(|| old.iter().position(|(known, row)| row.is_some() && is_same(known)))?;
    let (known, row) = old.get_mut(index)?;
    Some((known.clone(), row.take()?))
}

/// Gives a row the wanted name, unless it has that name or no name is wanted.
fn renamed(
    mut row: RecipientRow,
    known: &Address,
    wanted: &Address,
    form: StringForm,
) -> Result<RecipientRow, Error> {
    let is_named =
        known.name == wanted.name || (wanted.name.is_empty() && !known.address.is_empty());
    if is_named {
        return Ok(row);
    }
    let mut properties = compose::address_properties(wanted, form);
    let mut editor = PropertyEditor::new(&mut row.properties, &[], StreamHeader::Part)?;
    // Only the name changes. The address and the EntryID stay, so that an entry of an address book
    // is still found.
    let is_name = |tag: PropertyTag| {
        tag == tags::PR_DISPLAY_NAME
            || (tag == tags::PR_RECIPIENT_DISPLAY_NAME && editor.has(tag.id()))
    };
    properties.retain(|(tag, _)| is_name(*tag));
    set_all(&mut editor, &properties, form)?;
    editor.finish()?;
    Ok(row)
}

fn set_all(
    editor: &mut PropertyEditor<'_>,
    properties: &[(PropertyTag, Value)],
    form: StringForm,
) -> Result<(), Error> {
    for (tag, value) in properties {
        let tag = stored_tag(*tag, form.ansi);
        put(editor, tag, encode(tag, value, form.code_page)?)?;
    }
    Ok(())
}

fn change_rows(
    rows: &mut Vec<RecipientRow>,
    change: &RecipientChange,
    form: StringForm,
) -> Result<(), Error> {
    let find = |rows: &[RecipientRow], number: u32| {
        rows.iter().position(|row| row.number == Some(number)).ok_or_else(|| Error::NoObject {
            place: "recipient table".to_owned(),
            what: format!("recipient {number}"),
        })
    };
    match change {
        RecipientChange::Add(recipient_type, address) => rows.push(RecipientRow {
            number: None,
            properties: compose::recipient(0, *recipient_type, address, form)?,
        }),
        RecipientChange::Remove(number) => {
            rows.remove(find(rows, *number)?);
        }
        RecipientChange::Modify { number, set, delete } => {
            let index = find(rows, *number)?;
            let Some(row) = rows.get_mut(index) else { return Ok(()) };
            let mut editor = PropertyEditor::new(&mut row.properties, &[], StreamHeader::Part)?;
            set_all(&mut editor, set, form)?;
            for tag in delete {
                editor.remove(tag.id());
            }
            editor.finish()?;
        }
    }
    Ok(())
}

/// Writes the rows with new numbers from 0 on.
fn write_rows(
    state: &mut DraftState,
    rows: Vec<RecipientRow>,
    changed: &[RecipientType],
) -> Result<(), Error> {
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    if count > PARTS_MAX {
        return Err(Error::TooMany { what: "recipients", count_max: PARTS_MAX });
    }
    let names: Vec<String> = state
        .transaction
        .entries(&[])
        .filter(|(name, is_storage)| *is_storage && numbered(name, RECIPIENT_PREFIX).is_some())
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in &names {
        state.transaction.remove(&[name]);
    }
    for (number, mut row) in (0_u32..).zip(rows) {
        if row.number != Some(number) {
            let mut editor = PropertyEditor::new(&mut row.properties, &[], StreamHeader::Part)?;
            let value = Value::Integer32(i32::try_from(number).unwrap_or(i32::MAX));
            set_all(&mut editor, &[(tags::PR_ROWID, value)], StringForm::UNICODE)?;
            editor.finish()?;
        }
        let name = format!("{RECIPIENT_PREFIX}{number:08X}");
        state.transaction.put_transaction(&row.properties, &[&name])?;
    }
    state.recipients_changed.extend(changed);
    Ok(())
}
