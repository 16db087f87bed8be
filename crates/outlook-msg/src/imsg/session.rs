//! The message session: opens messages, and closes everything that was opened in it when it ends.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use super::compose;
use super::draft::{Access, Destination, Draft, Target};
use super::error::Error;
use super::message::{Message, MessageData};
use super::registry::{Object, ObjectKind, Registry, ReleaseCallback, UnsavedObject};
use crate::mapi::CodePage;
use crate::storage::Storage;

/// How a session reads its messages.
///
/// ```
/// use outlook_msg::imsg::{Session, SessionOptions};
/// use outlook_msg::mail::CodePage;
///
/// let session = Session::open(SessionOptions { code_page: CodePage::new(932) });
/// # drop(session.close());
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The code page of all 8-bit strings (`PT_STRING8`). With `None`, each message states its own.
    pub code_page: Option<CodePage>,
}

/// A message session (`OpenIMsgSession`): the owner of every message opened in it.
///
/// Clones are handles on the same session. Dropping them does not close it: a message stays
/// readable while somebody has a handle on it. When the last handle on the session is dropped, it
/// does not save unsaved edits, but logs a warning. Whoever still has a handle on such a message
/// can save it.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// What the handles on a session share. The objects of the session refer only to the registry, so
/// this is dropped with the last handle.
struct Shared {
    options: SessionOptions,
    registry: Arc<Registry>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        for message in self.registry.abandon() {
            tracing::warn!(
                message,
                "a session ended without being closed: its edits are not saved"
            );
        }
    }
}

/// What [`Session::close`] saved and released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it tells which edits were not saved"]
pub struct CloseReport {
    /// Top-level messages.
    pub messages: usize,
    /// Embedded messages.
    pub embedded_messages: usize,
    /// Attachments.
    pub attachments: usize,
    /// Property streams.
    pub property_streams: usize,
    /// What happened to unsaved edits: an entry for each top-level message that had some, and for
    /// each attachment or embedded message that could not be saved in the object that contains it.
    pub saves: Vec<SaveReport>,
}

/// What happened to unsaved edits when the session was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveReport {
    /// The name of the message: [`Target::name`].
    pub name: String,
    /// Whether they are saved, kept or lost.
    pub outcome: SaveOutcome,
}

/// What became of the edits at the end of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The edits are in the file.
    Saved,
    /// The file is unchanged; the message with its edits is in another file.
    Kept {
        /// Why it could not be saved.
        cause: String,
        /// The other file.
        path: PathBuf,
    },
    /// The file is unchanged, and the edits are lost.
    Lost {
        /// Why it could not be saved, and why it could not be kept.
        cause: String,
    },
}

/// What a session has open now, and what it has opened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStatistics {
    /// Objects now open, of every kind.
    pub open_objects: usize,
    /// Top-level messages now open.
    pub open_messages: usize,
    /// Top-level messages opened since the session began.
    pub messages_opened: u64,
}

impl Session {
    /// Opens a session (`OpenIMsgSession`).
    ///
    /// ```
    /// use outlook_msg::imsg::{Session, SessionOptions};
    ///
    /// let session = Session::open(SessionOptions::default());
    /// let report = session.close();
    /// assert_eq!(report.messages, 0);
    /// ```
    pub fn open(options: SessionOptions) -> Self {
        Self { shared: Arc::new(Shared { options, registry: Arc::default() }) }
    }

    /// Opens the message on a storage (`OpenIMsgOnIStg`). [`Session::open_file`] does this for a
    /// file.
    ///
    /// ```
    /// # use outlook_msg::imsg::{Access, FileTarget, Session, SessionOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// let session = Session::open(SessionOptions::default());
    /// let (file, target) = FileTarget::open(&path)?;
    /// let message = session.open_message(&file.root(), Access::ReadWrite(target))?;
    /// assert!(message.is_writable());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAMessage`] if the storage has no property at all; [`Error::Storage`] if its
    /// property stream cannot be read, or if it is opened for writing and so damaged that a save
    /// would lose something; [`Error::SessionClosed`] after [`Session::close`].
    pub fn open_message(&self, storage: &Storage, access: Access) -> Result<Message, Error> {
        self.open_message_with(storage, access, None)
    }

    /// Opens the message on a storage, with a callback that runs when the message is released
    /// (`MSGCALLRELEASE`): when its last handle is dropped, or when the session is closed.
    ///
    /// ```
    /// # use outlook_msg::imsg::{Access, FileTarget, Session, SessionOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let session = Session::open(SessionOptions::default());
    /// let (file, _) = FileTarget::open(&path)?;
    /// let is_released = Arc::new(AtomicBool::new(false));
    /// let seen = Arc::clone(&is_released);
    /// let on_release = Box::new(move || seen.store(true, Ordering::Relaxed));
    /// let message = session.open_message_with(&file.root(), Access::Read, Some(on_release))?;
    /// drop(message);
    /// assert!(is_released.load(Ordering::Relaxed));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::open_message`]. The callback does not run for a message that could not be
    /// opened.
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

    /// Creates a message. It is unsaved until a save writes it to the target.
    ///
    /// The message is an empty, unsent mail with the properties that Outlook expects of every
    /// message.
    ///
    /// ```
    /// # use outlook_msg::imsg::{FileTarget, MapiPropMut as _, Session, SessionOptions};
    /// # use outlook_msg::mapi::tags;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("new.msg");
    /// use std::sync::Arc;
    ///
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.create_message(Arc::new(FileTarget::new(&path)))?;
    /// message.set_property(tags::PR_SUBJECT, &"Lunch on Friday".into())?;
    /// message.save_changes()?;
    /// assert!(path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        message.keep_until_saved(true)?;
        Ok(message)
    }

    fn register_message(
        &self,
        data: MessageData,
        draft: Option<Arc<Draft>>,
        on_release: Option<ReleaseCallback>,
    ) -> Result<Message, Error> {
        let data = Arc::new(data);
        let object =
            Object::register(&self.shared.registry, None, ObjectKind::Message, data, on_release)?;
        Ok(Message::new(object, draft))
    }

    /// Closes the session (`CloseIMsgSession`): saves what is unsaved, releases every object,
    /// children before their parents, and runs the release callbacks. From then on every call on a
    /// handle returns [`Error::SessionClosed`]. A second call does nothing.
    ///
    /// ```
    /// # use outlook_msg::imsg::{MapiProp as _, MapiPropMut as _, Session, SessionOptions};
    /// # use outlook_msg::mapi::tags;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// use outlook_msg::imsg::SaveOutcome;
    ///
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.edit_file(&path)?;
    /// message.set_property(tags::PR_SUBJECT, &"Lunch on Monday".into())?;
    /// let report = session.close();
    /// assert_eq!(report.messages, 1);
    /// assert_eq!(report.saves[0].outcome, SaveOutcome::Saved);
    /// assert!(message.property(tags::PR_SUBJECT).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) -> CloseReport {
        let (saves, held) = self.save_all();
        let mut report = CloseReport { saves, ..CloseReport::default() };
        for kind in self.shared.registry.release_all() {
            report.count(kind);
        }
        drop(held);
        report
    }

    /// Saves everything that is unsaved, and refuses edits from now on. Also returns the saved
    /// objects: dropping one would release it too early, before its children.
    fn save_all(&self) -> (Vec<SaveReport>, Vec<Box<dyn UnsavedObject>>) {
        let (mut saves, mut held) = (Vec::new(), Vec::new());
        while let Some(unsaved) = self.shared.registry.close_unsaved() {
            saves.extend(save_or_keep(unsaved.as_ref()));
            held.push(unsaved);
        }
        (saves, held)
    }

    /// How many objects are open, and how many messages were opened.
    ///
    /// ```
    /// # use outlook_msg::imsg::{Session, SessionOptions};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("Lunch.msg");
    /// # outlook_msg::Mail::create()?.save_as(&path)?;
    /// let session = Session::open(SessionOptions::default());
    /// let message = session.open_file(&path)?;
    /// assert_eq!(session.statistics().open_messages, 1);
    /// drop(message);
    /// assert_eq!(session.statistics().open_messages, 0);
    /// assert_eq!(session.statistics().messages_opened, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn statistics(&self) -> SessionStatistics {
        let open = self.shared.registry.open_objects();
        let is_message = |kind: &&ObjectKind| **kind == ObjectKind::Message;
        SessionStatistics {
            open_objects: open.len(),
            open_messages: open.iter().filter(is_message).count(),
            messages_opened: self.shared.registry.messages_opened(),
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

/// Saves an object or, if that fails, keeps its edits in another place. Returns its entry in the
/// report, if it gets one.
fn save_or_keep(unsaved: &dyn UnsavedObject) -> Option<SaveReport> {
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

/// The texts of an error and its causes.
fn chain(error: &Error) -> String {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
