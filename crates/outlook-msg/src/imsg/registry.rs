//! The registry of a session: all open objects with their parents, and those with unsaved edits.
//!
//! Knows nothing of the data of an object, except how to drop it.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use crate::sync::lock;

use super::error::Error;

/// The kind of an open object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A message in a file of its own, opened with `OpenIMsgOnIStg`.
    Message,
    /// A message inside an attachment.
    EmbeddedMessage,
    /// An attachment (`IAttach`).
    Attachment,
    /// A property opened as a stream (`IStream`).
    PropertyStream,
}

/// Runs exactly once, when a top-level message is released (`MSGCALLRELEASE`).
pub type ReleaseCallback = Box<dyn FnOnce() + Send>;

/// An object with edits that may be unsaved.
pub(super) trait UnsavedObject: Send + Sync {
    /// Saves the edits.
    fn save(&self) -> Result<(), Error>;

    /// The name of the object in a report.
    fn describe(&self) -> String;

    /// Keeps the edits elsewhere; `None` for an object that has no file of its own.
    fn recover(&self) -> Option<Result<PathBuf, Error>>;

    /// Whether the report of the session names the object if it was saved: only files are named.
    fn is_file(&self) -> bool;
}

/// The objects of a session. Each object holds the registry.
#[derive(Default)]
pub(super) struct Registry {
    state: Mutex<RegistryState>,
}

#[derive(Default)]
struct RegistryState {
    closed: bool,
    /// Whether the last handle on the session was dropped, so that nobody can close it.
    abandoned: bool,
    next_id: u64,
    messages_opened: u64,
    objects: BTreeMap<u64, Tracked>,
    /// The objects with unsaved edits. They are held here, so that they stay open until they are
    /// saved.
    unsaved: BTreeMap<u64, Box<dyn UnsavedObject>>,
}

struct Tracked {
    kind: ObjectKind,
    object: Weak<dyn Release>,
    on_release: Option<ReleaseCallback>,
}

impl Registry {
    /// Refuses edits of users from now on, and takes out an object with unsaved edits. Children
    /// come before their parents, because saving a child edits its parent.
    pub(super) fn close_unsaved(&self) -> Option<Box<dyn UnsavedObject>> {
        let mut state = self.state();
        state.closed = true;
        Some(state.unsaved.pop_last()?.1)
    }

    /// Releases every object, children before their parents, and runs the callbacks. Returns the
    /// kind of each.
    pub(super) fn release_all(&self) -> Vec<ObjectKind> {
        let objects = std::mem::take(&mut self.state().objects);
        // A child is registered after its parent, so the highest ids go first.
        let released = objects.into_values().rev().map(|tracked| {
            if let Some(object) = tracked.object.upgrade() {
                object.release();
            }
            call_back(tracked.on_release);
            tracked.kind
        });
        released.collect()
    }

    /// The kinds of the open objects.
    pub(super) fn open_objects(&self) -> Vec<ObjectKind> {
        self.state().objects.values().map(|tracked| tracked.kind).collect()
    }

    /// How many top-level messages were opened.
    pub(super) fn messages_opened(&self) -> u64 {
        self.state().messages_opened
    }

    /// Lets go of the objects with unsaved edits, and returns their names.
    pub(super) fn abandon(&self) -> Vec<String> {
        let unsaved = {
            let mut state = self.state();
            state.abandoned = true;
            std::mem::take(&mut state.unsaved)
        };
        unsaved.values().map(|unsaved| unsaved.describe()).collect()
    }

    /// Locks the state. Every change is one insert or remove, so it is sound even if the lock is
    /// poisoned.
    fn state(&self) -> MutexGuard<'_, RegistryState> {
        lock(&self.state)
    }
}

/// Runs a callback. If it panics, the other objects must still be released.
fn call_back(on_release: Option<ReleaseCallback>) {
    let Some(on_release) = on_release else { return };
    if catch_unwind(AssertUnwindSafe(on_release)).is_err() {
        tracing::error!("a release callback panicked");
    }
}

trait Release: Send + Sync {
    fn release(&self);
}

/// An object in the registry of a session, with its data until it is released.
pub(super) struct Object<D: Send + Sync + 'static> {
    id: u64,
    registry: Arc<Registry>,
    data: RwLock<Option<Arc<D>>>,
    /// Keeps the parent open, so that children are always released before it.
    _parent: Option<Arc<dyn Any + Send + Sync>>,
}

impl<D: Send + Sync + 'static> Object<D> {
    /// Adds an object to the session.
    pub(super) fn register(
        registry: &Arc<Registry>,
        parent: Option<Arc<dyn Any + Send + Sync>>,
        kind: ObjectKind,
        data: Arc<D>,
        on_release: Option<ReleaseCallback>,
    ) -> Result<Arc<Self>, Error> {
        let mut state = registry.state();
        if state.closed {
            return Err(Error::SessionClosed);
        }
        let id = state.next_id;
        state.next_id += 1;
        if kind == ObjectKind::Message {
            state.messages_opened += 1;
        }
        let object = Arc::new(Self {
            id,
            registry: Arc::clone(registry),
            data: RwLock::new(Some(data)),
            _parent: parent,
        });
        let weak = Arc::downgrade(&object);
        state.objects.insert(id, Tracked { kind, object: weak, on_release });
        Ok(object)
    }

    /// The data of the object, unless the session is closed.
    pub(super) fn data(&self) -> Result<Arc<D>, Error> {
        let data = self.data.read().unwrap_or_else(PoisonError::into_inner);
        data.as_ref().map(Arc::clone).ok_or(Error::SessionClosed)
    }

    /// Replaces the data, unless the session is closed.
    pub(super) fn replace_data(&self, data: D) -> Result<(), Error> {
        let mut known = self.data.write().unwrap_or_else(PoisonError::into_inner);
        *known.as_mut().ok_or(Error::SessionClosed)? = Arc::new(data);
        Ok(())
    }

    /// Has the session hold the object until its edits are saved. A session that is being closed
    /// refuses edits of users, but saving a part still edits the object around it.
    pub(super) fn hold(&self, unsaved: Box<dyn UnsavedObject>, by_user: bool) -> Result<(), Error> {
        let mut state = self.registry.state();
        if state.closed && by_user {
            return Err(Error::SessionClosed);
        }
        if !state.abandoned
            && let Entry::Vacant(place) = state.unsaved.entry(self.id)
        {
            place.insert(unsaved);
        }
        Ok(())
    }

    /// Has the session no longer hold the object.
    pub(super) fn let_go(&self) {
        // Dropped after the lock, because dropping the object may release it, which takes the lock.
        let held = self.registry.state().unsaved.remove(&self.id);
        drop(held);
    }

    /// Adds a child of this object to the session.
    pub(super) fn register_child<C: Send + Sync + 'static>(
        self: &Arc<Self>,
        kind: ObjectKind,
        data: C,
    ) -> Result<Arc<Object<C>>, Error> {
        let parent: Arc<dyn Any + Send + Sync> = Arc::clone(self) as _;
        Object::register(&self.registry, Some(parent), kind, Arc::new(data), None)
    }
}

impl<D: Send + Sync + 'static> Release for Object<D> {
    fn release(&self) {
        self.data.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl<D: Send + Sync + 'static> Drop for Object<D> {
    fn drop(&mut self) {
        let tracked = self.registry.state().objects.remove(&self.id);
        call_back(tracked.and_then(|tracked| tracked.on_release));
    }
}
