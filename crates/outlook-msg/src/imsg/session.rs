//! The message session: opens messages, tracks every object opened in it, and ends them all.
//!
//! Knows nothing of what the objects hold: an object is an id, its parent, and data to let go.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use super::compose;
use super::draft::{Access, Destination, Draft, Target, Unsaved};
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

/// What [`Session::close`] saved and released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseReport {
    /// Top-level messages.
    pub messages: usize,
    /// Embedded messages.
    pub embedded_messages: usize,
    /// Attachments.
    pub attachments: usize,
    /// Property streams.
    pub property_streams: usize,
    /// What became of the messages with unsaved edits, and of edits of their parts that could not
    /// be saved into them.
    pub saves: Vec<SaveReport>,
}

/// What became of unsaved edits when the session was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveReport {
    /// The message, as its target calls it.
    pub name: String,
    /// What became of it.
    pub outcome: SaveOutcome,
}

/// How a save at the end of the session went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The edits are in the file.
    Saved,
    /// The file is as it was; the message with its edits is in another one.
    Kept {
        /// Why it could not be saved.
        cause: String,
        /// Where it is.
        path: PathBuf,
    },
    /// The file is as it was, and the edits are nowhere.
    Lost {
        /// Why it could not be saved, and why it could not be kept.
        cause: String,
    },
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
    /// property stream cannot be read or, for writing, if the file is so damaged that writing it
    /// anew would lose something, [`Error::SessionClosed`] after [`Session::close`].
    pub fn open_message(&self, storage: &Storage, access: Access) -> Result<Message, Error> {
        self.open_message_with(storage, access, None)
    }

    /// Opens the message on a storage and has `on_release` run when it is released.
    ///
    /// # Errors
    /// As [`Session::open_message`]; the callback does not run for a message that did not open.
    pub fn open_message_with(
        &self,
        storage: &Storage,
        access: Access,
        on_release: Option<ReleaseCallback>,
    ) -> Result<Message, Error> {
        let (draft, snapshot) = match access {
            Access::Read => (None, None),
            Access::ReadWrite(target) => {
                let draft = Draft::on(storage, Destination::Target(target))?;
                let snapshot = draft.lock().transaction.snapshot();
                (Some(draft), Some(snapshot.root()))
            }
        };
        let storage = snapshot.as_ref().unwrap_or(storage);
        let data = MessageData::top_level(storage, self.shared.options.code_page)?;
        self.register_message(data, draft, on_release)
    }

    /// Creates a message of its own file, which its target has not got yet: it is unsaved.
    ///
    /// It is an empty mail, not sent, with what Outlook expects of any message.
    ///
    /// # Errors
    /// [`Error::Target`] if the system has no random numbers, [`Error::SessionClosed`] after
    /// [`Session::close`].
    pub fn create_message(&self, target: Arc<dyn Target>) -> Result<Message, Error> {
        let transaction = compose::top_level_message()?;
        let draft = Draft::of(transaction, true, Destination::Target(target));
        let snapshot = draft.lock().transaction.snapshot();
        let data = MessageData::top_level(&snapshot.root(), self.shared.options.code_page)?;
        let message = self.register_message(data, Some(draft), None)?;
        message.hold(true)?;
        Ok(message)
    }

    fn register_message(
        &self,
        data: MessageData,
        draft: Option<Arc<Draft>>,
        on_release: Option<ReleaseCallback>,
    ) -> Result<Message, Error> {
        let data = Arc::new(data);
        let object = Object::register(&self.shared, None, ObjectKind::Message, data, on_release)?;
        self.shared.messages_opened.fetch_add(1, Ordering::Relaxed);
        Ok(Message::new(object, draft))
    }

    /// Ends the session (`CloseIMsgSession`): saves what is unsaved, releases every object,
    /// children before parents, and runs each release callback. Every handle then answers
    /// [`Error::SessionClosed`]. A second call does nothing.
    pub fn close(&self) -> CloseReport {
        let (saves, held) = self.save_all();
        let mut report = CloseReport { saves, ..CloseReport::default() };
        let objects = std::mem::take(&mut self.shared.registry().objects);
        // A child is registered after its parent, so the highest ids go first.
        for tracked in objects.into_values().rev() {
            report.count(tracked.kind);
            if let Some(object) = tracked.object.upgrade() {
                object.release();
            }
            call_back(tracked.on_release);
        }
        drop(held);
        report
    }

    /// Saves all that is unsaved, and refuses edits from now on. The objects are to be released
    /// with all others.
    fn save_all(&self) -> (Vec<SaveReport>, Vec<Box<dyn Unsaved>>) {
        let (mut saves, mut held) = (Vec::new(), Vec::new());
        loop {
            let unsaved = {
                let mut registry = self.shared.registry();
                registry.closed = true;
                // Children have higher ids; saved, they make their parents unsaved.
                registry.unsaved.pop_last()
            };
            let Some((_, unsaved)) = unsaved else { return (saves, held) };
            saves.extend(save_or_keep(unsaved.as_ref()));
            held.push(unsaved);
        }
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
    /// The objects with unsaved edits, which are held open for them.
    unsaved: BTreeMap<u64, Box<dyn Unsaved>>,
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

/// Saves an object, or keeps its edits elsewhere; what is to be told of that.
fn save_or_keep(unsaved: &dyn Unsaved) -> Option<SaveReport> {
    let saved = catch_unwind(AssertUnwindSafe(|| unsaved.save()));
    let outcome = match saved {
        Ok(Ok(())) if unsaved.is_file() => SaveOutcome::Saved,
        Ok(Ok(())) => return None,
        saved => {
            let cause = match saved {
                Ok(Err(error)) => chain(&error),
                _ => "the target panicked".to_owned(),
            };
            match catch_unwind(AssertUnwindSafe(|| unsaved.recover())) {
                Ok(Some(Ok(path))) => SaveOutcome::Kept { cause, path },
                Ok(Some(Err(error))) => {
                    SaveOutcome::Lost { cause: format!("{cause}; {}", chain(&error)) }
                }
                Ok(None) | Err(_) => SaveOutcome::Lost { cause },
            }
        }
    };
    Some(SaveReport { name: unsaved.describe(), outcome })
}

/// An error with its causes.
fn chain(error: &Error) -> String {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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

    /// Replaces the data, unless the session is closed.
    pub(super) fn replace_data(&self, data: D) -> Result<(), Error> {
        let mut known = self.data.write().unwrap_or_else(PoisonError::into_inner);
        *known.as_mut().ok_or(Error::SessionClosed)? = Arc::new(data);
        Ok(())
    }

    /// Has the session hold the object until its edits are saved. A session that is being closed
    /// takes no more edits from its user; parts that are saved still become edits of the whole.
    pub(super) fn hold(&self, unsaved: Box<dyn Unsaved>, by_user: bool) -> Result<(), Error> {
        let mut registry = self.session.registry();
        if registry.closed && by_user {
            return Err(Error::SessionClosed);
        }
        if let Entry::Vacant(place) = registry.unsaved.entry(self.id) {
            place.insert(unsaved);
        }
        Ok(())
    }

    /// Lets the session hold the object no longer.
    pub(super) fn let_go(&self) {
        // Dropped without the lock, for the object may be released with it.
        let held = self.session.registry().unsaved.remove(&self.id);
        drop(held);
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
