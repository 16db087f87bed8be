//! A message that can be edited: how its edits become visible, are saved, and are kept if they cannot
//! be saved.

use std::path::PathBuf;
use std::sync::Arc;

use crate::mapi::{PropertyName, PropertyTag};

use super::compose::StringForm;
use super::computed;
use super::draft::{Destination, Draft, DraftState};
use super::edit::{Editable, MapiPropMut as _, edit};
use super::error::Error;
use super::message::Message;
use super::name_registry;
use super::property_list::StreamHeader;
use super::registry::UnsavedObject;

impl Editable for Message {
    fn draft(&self) -> Option<&Arc<Draft>> {
        self.draft.as_ref()
    }

    fn header(&self) -> Result<StreamHeader, Error> {
        Ok(self.data()?.header())
    }

    fn string_form(&self) -> Result<StringForm, Error> {
        Ok(self.data()?.string_form())
    }

    fn is_computed(&self, tag: PropertyTag) -> bool {
        computed::is_of_message(tag)
    }

    fn update_dependents(&self, state: &mut DraftState) -> Result<(), Error> {
        computed::update_dependents_of_parts(self, state)?;
        computed::keep_code_page(self, state)
    }

    fn publish(&self, state: &DraftState, by_user: bool) -> Result<(), Error> {
        let data = self.data()?.reloaded(&state.transaction.snapshot().root())?;
        if state.unsaved {
            self.keep_until_saved(by_user)?;
        }
        self.object.replace_data(data)
    }

    fn commit(&self, draft: &Draft, next: &mut DraftState) -> Result<(), Error> {
        computed::complete_message(self, next)?;
        match &draft.destination {
            Destination::Target(target) => target.commit(&next.transaction.snapshot()),
            Destination::Attachment(attachment) => attachment.take_message(&next.transaction),
            Destination::Message { .. } => Ok(()),
        }
    }

    fn forget_unsaved(&self) {
        self.object.forget_unsaved();
    }

    fn register_name(&self, name: &PropertyName, create: bool) -> Result<Option<u16>, Error> {
        match self.top() {
            Some(top) => top.register_name(name, create),
            None => self.property_id(name, create),
        }
    }
}

impl Message {
    /// The id of a name in the file of this top-level message. With `create`, a name without an id
    /// gets one.
    fn property_id(&self, name: &PropertyName, create: bool) -> Result<Option<u16>, Error> {
        let known = self.data()?.names().id(name);
        if known.is_some() || !create {
            return Ok(known);
        }
        edit(self, true, |state| {
            // Another thread may have added the name before this one got the lock.
            match self.data()?.names().id(name) {
                Some(known) => Ok(Some(known)),
                None => name_registry::add(&mut state.transaction, name).map(Some),
            }
        })
    }
}

impl UnsavedObject for Message {
    fn save(&self) -> Result<(), Error> {
        self.save_changes()
    }

    fn describe(&self) -> String {
        match self.draft.as_ref().map(|draft| &draft.destination) {
            Some(Destination::Target(target)) => target.name(),
            Some(Destination::Attachment(attachment)) => attachment.describe(),
            Some(Destination::Message { .. }) | None => String::new(),
        }
    }

    fn recover(&self) -> Option<Result<PathBuf, Error>> {
        let draft = self.draft.as_ref()?;
        let Destination::Target(target) = &draft.destination else { return None };
        let mut state = draft.lock().clone();
        // The edits are kept even if size and time of the last change cannot be computed.
        if let Err(error) = computed::complete_message(self, &mut state) {
            tracing::warn!(message = target.name(), %error, "kept without computed properties");
        }
        Some(target.recover(&state.transaction.snapshot()))
    }

    fn is_file(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| matches!(draft.destination, Destination::Target(_)))
    }
}
