//! What makes an open object writable: its transaction, and where that goes when it is saved.
//!
//! An edit is made on a copy, and becomes the state of the object as a whole or not at all. Knows
//! no property; which edits there are, the objects tell.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mapi::PropertyTag;
use crate::storage::{CompoundFile, Storage, Transaction};

use super::attachment::Attachment;
use super::error::Error;
use super::message::Message;
use super::recipient_type::RecipientType;

/// What a message is opened for.
#[derive(Clone)]
pub enum Access {
    /// Reading only: an edit answers [`Error::ReadOnly`].
    Read,
    /// Reading and writing; what is saved goes to the target.
    ReadWrite(Arc<dyn Target>),
}

/// Where a message of its own file is saved.
pub trait Target: Send + Sync {
    /// What the message is called in the report of [`super::Session::close`].
    fn name(&self) -> String;

    /// Makes the file what the snapshot is, as a whole or not at all.
    ///
    /// Runs while the message is locked for edits; handles that read it go on.
    ///
    /// # Errors
    /// Why the file is as it was.
    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), Error>;

    /// Keeps a snapshot that could not be committed when the session ends, and tells where.
    ///
    /// # Errors
    /// Why it is lost.
    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, Error>;
}

/// The writable side of an open object.
pub(super) struct Draft {
    pub(super) destination: Destination,
    state: Mutex<State>,
}

/// Where the transaction of an object goes.
pub(super) enum Destination {
    /// Of a message of its own file.
    Target(Arc<dyn Target>),
    /// Of an attachment: into its message.
    Message { message: Message, number: u32 },
    /// Of an embedded message: into its attachment.
    Attachment(Attachment),
}

/// The edits of an object.
#[derive(Clone)]
pub(super) struct State {
    /// The object is the root.
    pub(super) transaction: Transaction,
    /// Whether there are edits that have not been saved.
    pub(super) unsaved: bool,
    /// Whether the object is not yet in the one it belongs to.
    pub(super) created: bool,
    /// The ids of the properties set since the last save.
    pub(super) set: BTreeSet<u16>,
    /// Of which types an edit changes the recipients; what follows from them is computed with it.
    pub(super) recipients_changed: Vec<RecipientType>,
    /// Whether an edit changes which attachments there are.
    pub(super) attachments_changed: bool,
    /// The number of the next attachment.
    pub(super) next_attachment: u32,
    /// Whether more edits follow, so that the object is read anew after the last of them only.
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
        let state = State {
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

    /// The state; edits replace it as a whole, so that of a poisoned lock is sound.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message of the file, which has the named properties; `None` for that message itself.
    pub(super) fn top(&self) -> Option<Message> {
        let message = match &self.destination {
            Destination::Target(_) => return None,
            Destination::Message { message, .. } => message.clone(),
            Destination::Attachment(attachment) => attachment.message()?,
        };
        Some(message.top().unwrap_or(message))
    }
}

impl State {
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
