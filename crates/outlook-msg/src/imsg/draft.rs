//! The edits of an open object that is writable: a transaction, and where it goes when it is saved.
//!
//! An edit is made on a copy, which then replaces the state of the object, or if the edit fails
//! does not. Knows no property.

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

/// Whether a message is opened for reading only.
#[derive(Clone)]
pub enum Access {
    /// Only for reading: an edit answers [`Error::ReadOnly`].
    Read,
    /// For reading and writing. It is saved in the target.
    ReadWrite(Arc<dyn Target>),
}

/// Where a message is saved: [`super::FileTarget`] is a file.
pub trait Target: Send + Sync {
    /// The name of the message in the report of [`super::Session::close`].
    fn name(&self) -> String;

    /// Replaces the file by the snapshot: as a whole, or if that fails not at all.
    ///
    /// During the call the message cannot be edited, but it can be read.
    ///
    /// # Errors
    /// Why the file was not replaced.
    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), Error>;

    /// Keeps a snapshot elsewhere that could not be committed when the session was closed, and
    /// returns where.
    ///
    /// # Errors
    /// Why it could not be kept: the edits are lost.
    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, Error>;
}

/// The edits of an open object, and where they are saved.
pub(super) struct Draft {
    pub(super) destination: Destination,
    state: Mutex<DraftState>,
}

/// Where an object is saved.
pub(super) enum Destination {
    /// A message that is not embedded: in its target.
    Target(Arc<dyn Target>),
    /// An attachment: in its message.
    Message { message: Message, number: u32 },
    /// An embedded message: in its attachment.
    Attachment(Attachment),
}

/// The edits of an object.
#[derive(Clone)]
pub(super) struct DraftState {
    /// The object is the root storage of it.
    pub(super) transaction: Transaction,
    /// Whether there are edits that have not been saved.
    pub(super) unsaved: bool,
    /// Whether the object is new, and was never saved.
    pub(super) created: bool,
    /// The ids of the properties set since the last save.
    pub(super) set: BTreeSet<u16>,
    /// The types of recipients that an edit changes. What follows from them is computed with it.
    pub(super) recipients_changed: Vec<RecipientType>,
    /// Whether an edit changes which attachments there are.
    pub(super) attachments_changed: bool,
    /// The number of the next attachment.
    pub(super) next_attachment: u32,
    /// Whether more edits follow, so that the object is read anew only after the last of them.
    pub(super) expects_more: bool,
}

impl Draft {
    /// Begins to edit what is on a storage.
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

    /// Locks the state. Edits replace it as a whole, so it is sound even if the lock is poisoned.
    pub(super) fn lock(&self) -> MutexGuard<'_, DraftState> {
        lock(&self.state)
    }

    /// The outermost message, which has the map of named properties; `None` if this is it.
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
