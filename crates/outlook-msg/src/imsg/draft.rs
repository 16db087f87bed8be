//! The edits of an object that is open for writing: a transaction, and where it goes when the
//! object is saved.
//!
//! An edit changes a copy of the state. The copy replaces the state only if the edit succeeds.
//! Knows no property.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sync::lock;

use crate::mapi::PropertyTag;
use crate::storage::{CompoundFile, Storage, Transaction};

use super::attachment::Attachment;
use super::error::Error;
use super::message::Message;
use super::recipient_type::RecipientType;

/// Whether a message is opened only for reading, or also for writing.
#[derive(Clone)]
pub enum Access {
    /// Only for reading: an edit returns [`Error::ReadOnly`].
    Read,
    /// For reading and writing. Saving the message writes it to the target.
    ReadWrite(Arc<dyn Target>),
}

/// Where a message is saved. [`super::FileTarget`] saves it in a file.
pub trait Target: Send + Sync {
    /// The name of the message in the report of [`super::Session::close`].
    fn name(&self) -> String;

    /// Replaces the saved message by the snapshot: as a whole, or not at all if that fails.
    ///
    /// During the call the message cannot be edited, but it can be read.
    ///
    /// # Errors
    /// Why the file was not replaced.
    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), Error>;

    /// Keeps a snapshot in another place, and returns that place. [`super::Session::close`] calls
    /// this if [`Target::commit`] has failed.
    ///
    /// # Errors
    /// Why it could not be kept. The edits are lost then.
    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, Error>;
}

/// The edits of an open object, and where they are saved.
pub(super) struct Draft {
    pub(super) destination: Destination,
    state: Mutex<DraftState>,
}

/// Where an object is saved.
pub(super) enum Destination {
    /// A message that is not embedded is saved in its target.
    Target(Arc<dyn Target>),
    /// An attachment is saved in its message.
    Message { message: Message, number: u32 },
    /// An embedded message is saved in its attachment.
    Attachment(Attachment),
}

/// The edits of an object.
#[derive(Clone)]
pub(super) struct DraftState {
    /// The object with its edits, as the root storage.
    pub(super) transaction: Transaction,
    /// Whether there are edits that have not been saved.
    pub(super) unsaved: bool,
    /// Whether the object is new and has never been saved.
    pub(super) created: bool,
    /// The ids of the properties set since the last save.
    pub(super) set: BTreeSet<u16>,
    /// The recipient types that the current edit changes. The edit computes the properties that
    /// depend on them, and empties this.
    pub(super) recipients_changed: Vec<RecipientType>,
    /// Whether the current edit adds or removes attachments.
    pub(super) attachments_changed: bool,
    /// The number for the next attachment that is created, if it is larger than all existing
    /// numbers.
    pub(super) next_attachment: u32,
    /// Whether more edits follow ([`Message::edit_in_a_row`]). The object is reloaded only after
    /// the last one.
    pub(super) expects_more: bool,
}

impl Draft {
    /// Begins to edit the object on a storage.
    pub(super) fn on(storage: &Storage, destination: Destination) -> Result<Arc<Self>, Error> {
        Ok(Self::of(Transaction::on(storage)?, false, destination))
    }

    /// Begins to edit a new object.
    pub(super) fn of(
        transaction: Transaction,
        created: bool,
        destination: Destination,
    ) -> Arc<Self> {
        let state = DraftState {
            transaction,
            unsaved: created,
            created,
            set: BTreeSet::new(),
            recipients_changed: Vec::new(),
            attachments_changed: false,
            next_attachment: 0,
            expects_more: false,
        };
        Arc::new(Self { destination, state: Mutex::new(state) })
    }

    /// Locks the state. An edit replaces it as a whole, so it is valid even if the lock is
    /// poisoned.
    pub(super) fn lock(&self) -> MutexGuard<'_, DraftState> {
        lock(&self.state)
    }

    /// The outermost message, which has the map of named properties; `None` if this object is the
    /// outermost message.
    pub(super) fn top(&self) -> Option<Message> {
        let message = match &self.destination {
            Destination::Target(_) => return None,
            Destination::Message { message, .. } => message.clone(),
            Destination::Attachment(attachment) => attachment.message()?,
        };
        Some(message.top().unwrap_or(message))
    }
}

impl DraftState {
    /// Whether a property was set since the last save.
    pub(super) fn has_set(&self, tag: PropertyTag) -> bool {
        self.set.contains(&tag.id())
    }

    /// Notes that all edits have been saved.
    pub(super) fn saved(&mut self) {
        self.unsaved = false;
        self.created = false;
        self.set.clear();
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("Read"),
            Self::ReadWrite(target) => write!(f, "ReadWrite({:?})", target.name()),
        }
    }
}
