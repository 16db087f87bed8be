//! Edits of messages and attachments (`IMAPIProp::SetProps`, `DeleteProps`, `SaveChanges`).

use std::sync::Arc;

use crate::mapi::{CodePage, PropertyName, PropertyTag, PropertyType, Value};
use crate::storage::{CompoundFile, Source, StreamContent};

use super::compose::StringForm;
use super::computed;
use super::draft::{Draft, DraftState};
use super::encode::{self, Encoded, encode, stored_tag};
use super::error::Error;
use super::mapi_prop::MapiProp;
use super::property_editor::{PropertyEditor, put};
use super::property_list::{PROPATTR_ALL, PROPATTR_MANDATORY, PROPATTR_WRITEABLE, StreamHeader};

/// A message or an attachment whose properties can be set (`IMAPIProp`).
///
/// Every handle on the object sees an edit at once. [`MapiPropMut::save_changes`] puts the edits
/// into the object that contains this one, or into the file. An edit that fails changes nothing.
pub trait MapiPropMut: MapiProp {
    /// Sets a property (`SetProps`). It replaces a property of the same id, even one of another
    /// type. A string is stored in the string type of the message, 8-bit or Unicode. An empty
    /// string, or an empty list of values, deletes the property, because Outlook does not accept
    /// empty strings.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Computed`], [`Error::Protected`] without
    /// `PROPATTR_WRITEABLE`, [`Error::Invalid`], [`Error::Unmappable`], [`Error::TooLarge`],
    /// [`Error::Storage`], [`Error::SessionClosed`].
    fn set_property(&self, tag: PropertyTag, value: &Value) -> Result<(), Error>;

    /// Sets a `PT_BINARY` property to the bytes of a source, which need not be in memory.
    ///
    /// # Errors
    /// As [`MapiPropMut::set_property`].
    fn set_property_source(&self, tag: PropertyTag, source: Arc<Source>) -> Result<(), Error>;

    /// Sets the attributes of a property, a combination of [`PROPATTR_MANDATORY`],
    /// [`PROPATTR_READABLE`](super::PROPATTR_READABLE) and [`PROPATTR_WRITEABLE`]
    /// (`SetAttribIMsgOnIStg`).
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NoProperty`] if it is not listed, [`Error::Invalid`] for
    /// other bits, [`Error::SessionClosed`].
    fn set_property_flags(&self, tag: PropertyTag, flags: u32) -> Result<(), Error>;

    /// Deletes a property, whatever its type (`DeleteProps`).
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NoProperty`], [`Error::Computed`], [`Error::Protected`] with
    /// `PROPATTR_MANDATORY`, [`Error::Storage`], [`Error::SessionClosed`].
    fn delete_property(&self, tag: PropertyTag) -> Result<(), Error>;

    /// The property id of a name (`GetIDsFromNames`). With `create`, a name without an id gets one;
    /// otherwise the result is `None` for it.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::TooMany`] if there is no id left, [`Error::Damaged`] if the
    /// map is damaged, [`Error::Invalid`] for a name that is too long, [`Error::SessionClosed`].
    fn property_id(&self, name: &PropertyName, create: bool) -> Result<Option<u16>, Error>;

    /// Saves the edits (`SaveChanges`): those of an attachment in its message, those of an embedded
    /// message in its attachment, those of any other message in its target. Does nothing if there
    /// are no edits.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NoObject`] if the attachment was deleted meanwhile, the errors
    /// of the target, [`Error::SessionClosed`]. The object keeps its edits then.
    fn save_changes(&self) -> Result<(), Error>;

    /// Gives up the edits that have not been saved: the session will not save them when it is
    /// closed. Open handles still see them.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::SessionClosed`].
    fn discard_changes(&self) -> Result<(), Error>;

    /// Whether there are edits that have not been saved.
    fn is_unsaved(&self) -> bool;

    /// Whether a property has been set since the last save.
    fn has_set(&self, tag: PropertyTag) -> bool;

    /// The object with its edits, as the root of a compound file.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::SessionClosed`].
    fn snapshot(&self) -> Result<Arc<CompoundFile>, Error>;
}

/// What editing needs of a message or an attachment. `MapiPropMut` is implemented on top of this.
pub(super) trait Editable: MapiProp {
    /// The edits, if the object was opened for writing.
    fn draft(&self) -> Option<&Arc<Draft>>;

    /// The header of the property stream.
    fn header(&self) -> Result<StreamHeader, Error>;

    /// How the object stores its strings.
    fn string_form(&self) -> Result<StringForm, Error>;

    /// Whether a property is computed from others.
    fn is_computed(&self, tag: PropertyTag) -> bool;

    /// Computes the properties that depend on the recipients and attachments, after an edit has
    /// changed these.
    fn update_dependents(&self, state: &mut DraftState) -> Result<(), Error>;

    /// Makes the handles of the object show this state. If it has unsaved edits, registers the
    /// object with the session, which saves it at the latest when it is closed. `by_user` is false
    /// if the edit is part of a save.
    fn publish(&self, state: &DraftState, by_user: bool) -> Result<(), Error>;

    /// Saves the edits. The caller holds the lock.
    fn commit(&self, draft: &Draft, next: &mut DraftState) -> Result<(), Error>;

    /// Tells the session that the object has nothing left to save.
    fn forget_unsaved(&self);

    /// The property id of a name in the file.
    fn register_name(&self, name: &PropertyName, create: bool) -> Result<Option<u16>, Error>;
}

/// Makes an edit: the whole edit or, if it fails, none of it. See [`Editable::publish`] for
/// `by_user`.
pub(super) fn edit<O: Editable + ?Sized, T>(
    object: &O,
    by_user: bool,
    change: impl FnOnce(&mut DraftState) -> Result<T, Error>,
) -> Result<T, Error> {
    let draft = writable(object)?;
    let mut state = draft.lock();
    let mut next = state.clone();
    let result = change(&mut next)?;
    object.update_dependents(&mut next)?;
    next.unsaved = true;
    if !next.expects_more {
        object.publish(&next, by_user)?;
    }
    *state = next;
    Ok(result)
}

fn writable<O: Editable + ?Sized>(object: &O) -> Result<&Arc<Draft>, Error> {
    let set = object.property_set()?.0;
    object.draft().ok_or_else(|| Error::ReadOnly { place: set.storage().path() })
}

/// Edits the properties in the root of an object's transaction.
pub(super) fn edit_properties<T>(
    state: &mut DraftState,
    header: StreamHeader,
    change: impl FnOnce(&mut PropertyEditor<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut editor = PropertyEditor::new(&mut state.transaction, &[], header)?;
    let result = change(&mut editor)?;
    editor.finish()?;
    Ok(result)
}

fn set<O: Editable>(
    object: &O,
    tag: PropertyTag,
    dependents: &[(PropertyTag, String)],
    value: impl FnOnce(PropertyTag, CodePage) -> Result<Option<Encoded>, Error>,
) -> Result<(), Error> {
    writable(object)?;
    let (header, form) = (object.header()?, object.string_form()?);
    let tag = stored_tag(tag, form.ansi);
    if object.is_computed(tag) {
        return Err(Error::Computed { tag });
    }
    let value = value(tag, form.code_page)?;
    edit(object, true, |state| {
        edit_properties(state, header, |editor| {
            if is_without(editor.flags(tag.id()), PROPATTR_WRITEABLE) {
                return Err(Error::Protected { tag });
            }
            put(editor, tag, value)?;
            put_dependents(object, editor, dependents)
        })?;
        state.set.insert(tag.id());
        Ok(())
    })
}

fn put_dependents<O: Editable>(
    object: &O,
    editor: &mut PropertyEditor<'_>,
    dependents: &[(PropertyTag, String)],
) -> Result<(), Error> {
    let form = object.string_form()?;
    for (tag, text) in dependents {
        let tag = stored_tag(*tag, form.ansi);
        put(editor, tag, encode(tag, &Value::String(text.clone()), form.code_page)?)?;
    }
    Ok(())
}

fn is_without(flags: Option<u32>, wanted: u32) -> bool {
    flags.is_some_and(|flags| flags & !PROPATTR_ALL == 0 && flags & wanted == 0)
}

impl<O: Editable> MapiPropMut for O {
    fn set_property(&self, tag: PropertyTag, value: &Value) -> Result<(), Error> {
        let text = if let Value::String(text) = value { text.as_str() } else { "" };
        let dependents = computed::dependents_of_subject(self, tag, text);
        set(self, tag, &dependents, |tag, code_page| encode(tag, value, code_page))
    }

    fn set_property_source(&self, tag: PropertyTag, source: Arc<Source>) -> Result<(), Error> {
        if tag.property_type() != PropertyType::BINARY {
            return Err(Error::Invalid { tag, cause: "bytes for another type".to_owned() });
        }
        set(self, tag, &[], |tag, _| {
            encode::stream(tag, StreamContent::Source(source), 0).map(Some)
        })
    }

    fn set_property_flags(&self, tag: PropertyTag, flags: u32) -> Result<(), Error> {
        writable(self)?;
        if flags & !PROPATTR_ALL != 0 {
            return Err(Error::Invalid { tag, cause: format!("attributes 0x{flags:08X}") });
        }
        let (header, set) = (self.header()?, self.property_set()?.0);
        edit(self, true, |state| {
            edit_properties(state, header, |editor| match editor.set_flags(tag.id(), flags) {
                true => Ok(()),
                false => Err(Error::NoProperty { place: set.storage().path(), tag }),
            })
        })
    }

    fn delete_property(&self, tag: PropertyTag) -> Result<(), Error> {
        writable(self)?;
        let (header, set) = (self.header()?, self.property_set()?.0);
        if self.is_computed(tag) {
            return Err(Error::Computed { tag });
        }
        let dependents = computed::dependents_of_subject(self, tag, "");
        edit(self, true, |state| {
            edit_properties(state, header, |editor| {
                let flags = editor.flags(tag.id()).filter(|flags| flags & !PROPATTR_ALL == 0);
                if flags.is_some_and(|flags| flags & PROPATTR_MANDATORY != 0) {
                    return Err(Error::Protected { tag });
                }
                match editor.remove(tag.id()) {
                    true => put_dependents(self, editor, &dependents),
                    false => Err(Error::NoProperty { place: set.storage().path(), tag }),
                }
            })?;
            state.set.insert(tag.id());
            Ok(())
        })
    }

    fn property_id(&self, name: &PropertyName, create: bool) -> Result<Option<u16>, Error> {
        writable(self)?;
        self.register_name(name, create)
    }

    fn save_changes(&self) -> Result<(), Error> {
        let draft = writable(self)?;
        let mut state = draft.lock();
        if !state.unsaved {
            return Ok(());
        }
        let mut next = state.clone();
        self.commit(draft, &mut next)?;
        next.saved();
        self.publish(&next, false)?;
        *state = next;
        // Still under the lock: otherwise an edit of another thread could come in between, and the
        // session would forget it.
        self.forget_unsaved();
        drop(state);
        Ok(())
    }

    fn discard_changes(&self) -> Result<(), Error> {
        writable(self)?.lock().unsaved = false;
        self.forget_unsaved();
        Ok(())
    }

    fn is_unsaved(&self) -> bool {
        self.draft().is_some_and(|draft| draft.lock().unsaved)
    }

    fn has_set(&self, tag: PropertyTag) -> bool {
        self.draft().is_some_and(|draft| draft.lock().has_set(tag))
    }

    fn snapshot(&self) -> Result<Arc<CompoundFile>, Error> {
        // Each edit makes a snapshot (`publish`), and the property set refers to the last one.
        writable(self)?;
        Ok(Arc::clone(self.property_set()?.0.storage().file()))
    }
}
