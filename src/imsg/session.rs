//! The message session: opens messages, tracks every object opened in it, and ends them all.
//!
//! Knows nothing of what the objects hold: an object is an id, its parent, and data to let go.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use super::error::Error;
use super::message::{Message, MessageData};
use crate::mapi::CodePage;
use crate::storage::Storage;

/// How a session reads its messages.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The code page of every `PT_STRING8` value, whatever the messages say.
    pub code_page: Option<CodePage>,
}

/// A message session (`OpenIMsgSession`): the owner of every message opened in it.
///
/// Clones are handles on the same session. Dropping the handles does not close it: objects that
/// are still held stay readable until [`Session::close`].
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// What an open object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A message of its own file, opened with `OpenIMsgOnIStg`.
    Message,
    /// A message inside an attachment.
    EmbeddedMessage,
    /// An attachment (`IAttach`).
    Attachment,
    /// A property opened as a stream (`IStream`).
    PropertyStream,
}

/// Runs when a top-level message is released, exactly once (`MSGCALLRELEASE`).
pub type ReleaseCallback = Box<dyn FnOnce() + Send>;

/// What [`Session::close`] released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseReport {
    /// Top-level messages.
    pub messages: usize,
    /// Embedded messages.
    pub embedded_messages: usize,
    /// Attachments.
    pub attachments: usize,
    /// Property streams.
    pub property_streams: usize,
}

/// What a session has open, and what it has opened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStatistics {
    /// Objects now open, of every kind.
    pub open_objects: usize,
    /// Top-level messages now open.
    pub open_messages: usize,
    /// Top-level messages opened since the session was.
    pub messages_opened: u64,
}

impl Session {
    /// Opens a session (`OpenIMsgSession`).
    pub fn open(options: SessionOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                registry: Mutex::new(Registry::default()),
                messages_opened: AtomicU64::new(0),
            }),
        }
    }

    /// Opens the message on a storage (`OpenIMsgOnIStg`).
    ///
    /// # Errors
    /// [`Error::NotAMessage`] if the storage has no property at all, [`Error::Storage`] if its
    /// property stream cannot be read, [`Error::SessionClosed`] after [`Session::close`].
    pub fn open_message(&self, storage: &Storage) -> Result<Message, Error> {
        self.open_message_with(storage, None)
    }

    /// Opens the message on a storage and has `on_release` run when it is released.
    ///
    /// # Errors
    /// As [`Session::open_message`]; the callback does not run for a message that did not open.
    pub fn open_message_with(
        &self,
        storage: &Storage,
        on_release: Option<ReleaseCallback>,
    ) -> Result<Message, Error> {
        let data = MessageData::top_level(storage, self.shared.options.code_page)?;
        let object =
            Object::register(&self.shared, None, ObjectKind::Message, Arc::new(data), on_release)?;
        self.shared.messages_opened.fetch_add(1, Ordering::Relaxed);
        Ok(Message::new(object))
    }

    /// Ends the session (`CloseIMsgSession`): releases every object, children before parents, and
    /// runs each release callback. Every handle then answers [`Error::SessionClosed`]. A second
    /// call does nothing.
    pub fn close(&self) -> CloseReport {
        let objects = {
            let mut registry = self.shared.registry();
            registry.closed = true;
            std::mem::take(&mut registry.objects)
        };
        let mut report = CloseReport::default();
        // A child is registered after its parent, so the highest ids go first.
        for tracked in objects.into_values().rev() {
            report.count(tracked.kind);
            if let Some(object) = tracked.object.upgrade() {
                object.release();
            }
            call_back(tracked.on_release);
        }
        report
    }

    /// Counts of what is open and what was opened.
    pub fn statistics(&self) -> SessionStatistics {
        let registry = self.shared.registry();
        SessionStatistics {
            open_objects: registry.objects.len(),
            open_messages: registry
                .objects
                .values()
                .filter(|tracked| tracked.kind == ObjectKind::Message)
                .count(),
            messages_opened: self.shared.messages_opened.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

impl CloseReport {
    fn count(&mut self, kind: ObjectKind) {
        match kind {
            ObjectKind::Message => self.messages += 1,
            ObjectKind::EmbeddedMessage => self.embedded_messages += 1,
            ObjectKind::Attachment => self.attachments += 1,
            ObjectKind::PropertyStream => self.property_streams += 1,
        }
    }
}

/// The part of a session that its objects hold on to.
pub(super) struct Shared {
    options: SessionOptions,
    registry: Mutex<Registry>,
    messages_opened: AtomicU64,
}

#[derive(Default)]
struct Registry {
    closed: bool,
    next_id: u64,
    objects: BTreeMap<u64, Tracked>,
}

struct Tracked {
    kind: ObjectKind,
    object: Weak<dyn Release>,
    on_release: Option<ReleaseCallback>,
}

impl Shared {
    /// Every change to the registry is a single insert or remove, so a poisoned lock is sound.
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A callback that panics must not keep the other objects from being released.
fn call_back(on_release: Option<ReleaseCallback>) {
    let Some(on_release) = on_release else { return };
    if catch_unwind(AssertUnwindSafe(on_release)).is_err() {
        tracing::error!("a release callback panicked");
    }
}

trait Release: Send + Sync {
    fn release(&self);
}

/// An object tracked by a session: its data until released, and its parent for as long.
pub(super) struct Object<D: Send + Sync + 'static> {
    id: u64,
    session: Arc<Shared>,
    data: RwLock<Option<Arc<D>>>,
    /// Keeps the parent open, so that children are always released before it.
    _parent: Option<Arc<dyn Any + Send + Sync>>,
}

impl<D: Send + Sync + 'static> Object<D> {
    /// Enters an object into the session.
    pub(super) fn register(
        session: &Arc<Shared>,
        parent: Option<Arc<dyn Any + Send + Sync>>,
        kind: ObjectKind,
        data: Arc<D>,
        on_release: Option<ReleaseCallback>,
    ) -> Result<Arc<Self>, Error> {
        let mut registry = session.registry();
        if registry.closed {
            return Err(Error::SessionClosed);
        }
        let id = registry.next_id;
        registry.next_id += 1;
        let object = Arc::new(Self {
            id,
            session: Arc::clone(session),
            data: RwLock::new(Some(data)),
            _parent: parent,
        });
        let weak = Arc::downgrade(&object);
        registry.objects.insert(id, Tracked { kind, object: weak, on_release });
        Ok(object)
    }

    /// The data of the object, unless the session is closed.
    pub(super) fn data(&self) -> Result<Arc<D>, Error> {
        let data = self.data.read().unwrap_or_else(PoisonError::into_inner);
        data.as_ref().map(Arc::clone).ok_or(Error::SessionClosed)
    }

    /// Enters a child of this object into the session.
    pub(super) fn register_child<C: Send + Sync + 'static>(
        self: &Arc<Self>,
        kind: ObjectKind,
        data: C,
    ) -> Result<Arc<Object<C>>, Error> {
        let parent: Arc<dyn Any + Send + Sync> = Arc::clone(self) as _;
        Object::register(&self.session, Some(parent), kind, Arc::new(data), None)
    }
}

impl<D: Send + Sync + 'static> Release for Object<D> {
    fn release(&self) {
        self.data.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl<D: Send + Sync + 'static> Drop for Object<D> {
    fn drop(&mut self) {
        let tracked = self.session.registry().objects.remove(&self.id);
        call_back(tracked.and_then(|tracked| tracked.on_release));
    }
}
