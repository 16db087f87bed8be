//! The registry of a session: tracks all open objects, and keeps those with unsaved edits alive.
//!
//! Knows nothing of the data of an object, except that releasing the object drops it.

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

    /// Keeps the edits in another place (see `Target::recover`); `None` for an object that has no
    /// file of its own.
    fn recover(&self) -> Option<Result<PathBuf, Error>>;

    /// Whether the object has a file of its own. The report of the session lists only those among
    /// the saved objects.
    fn is_file(&self) -> bool;
}

/// The objects of a session. Each object has a reference to the registry.
#[derive(Default)]
pub(super) struct Registry {
    state: Mutex<RegistryState>,
}

#[derive(Default)]
struct RegistryState {
    closed: bool,
    /// Whether the last handle on the session was dropped. Nobody can close it any more, so it
    /// keeps no unsaved object alive.
    abandoned: bool,
    next_id: u64,
    messages_opened: u64,
    objects: BTreeMap<u64, Tracked>,
    /// The objects with unsaved edits. These references keep them open until they are saved.
    unsaved: BTreeMap<u64, Box<dyn UnsavedObject>>,
}

struct Tracked {
    kind: ObjectKind,
    object: Weak<dyn Release>,
    on_release: Option<ReleaseCallback>,
}

impl Registry {
    /// Refuses edits by callers from now on, and takes out one object with unsaved edits. Children
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
        // A child is registered after its parent, so the highest ids are released first.
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

    /// Stops keeping the objects with unsaved edits alive, and returns their names.
    pub(super) fn abandon(&self) -> Vec<String> {
        let unsaved = {
            let mut state = self.state();
            state.abandoned = true;
            std::mem::take(&mut state.unsaved)
        };
        unsaved.values().map(|unsaved| unsaved.describe()).collect()
    }

    /// Locks the state. Every change is a single insert or remove, so the state is valid even if
    /// the lock is poisoned.
    fn state(&self) -> MutexGuard<'_, RegistryState> {
        lock(&self.state)
    }
}

/// Runs a callback. Catches a panic, because the other objects must still be released.
fn call_back(on_release: Option<ReleaseCallback>) {
    let Some(on_release) = on_release else { return };
    if catch_unwind(AssertUnwindSafe(on_release)).is_err() {
        tracing::error!("a release callback panicked");
    }
}

trait Release: Send + Sync {
    fn release(&self);
}

/// An object in the registry of a session. It has its data until it is released.
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

    /// Makes the session keep the object alive until its edits are saved. While a session is being
    /// closed, it refuses edits by callers (`by_user`). But saving an attachment edits its message,
    /// which is still allowed.
    pub(super) fn keep_until_saved(
        &self,
        unsaved: Box<dyn UnsavedObject>,
        by_user: bool,
    ) -> Result<(), Error> {
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

    /// Tells the session that the object has nothing left to save.
    pub(super) fn forget_unsaved(&self) {
        // The reference is dropped after the lock is released: it may be the last one, and
        // releasing the object takes the lock.
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
