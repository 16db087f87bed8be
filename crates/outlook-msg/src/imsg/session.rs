//! The message session: opens messages, and ends all that was opened in it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use super::compose;
use super::draft::{Access, Destination, Draft, Target};
use super::error::Error;
use super::message::{Message, MessageData};
use super::registry::{Object, ObjectKind, Registry, ReleaseCallback, Unsaved};
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
/// are still held stay readable until [`Session::close`]. What is unsaved when the last handle is
/// dropped is not saved, which is logged; a message that is still held can save it itself.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// What the handles on a session share. Its objects have the registry only, so that this ends with
/// the last handle.
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
        Self { shared: Arc::new(Shared { options, registry: Arc::default() }) }
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
        let object =
            Object::register(&self.shared.registry, None, ObjectKind::Message, data, on_release)?;
        Ok(Message::new(object, draft))
    }

    /// Ends the session (`CloseIMsgSession`): saves what is unsaved, releases every object,
    /// children before parents, and runs each release callback. Every handle then answers
    /// [`Error::SessionClosed`]. A second call does nothing.
    pub fn close(&self) -> CloseReport {
        let (saves, held) = self.save_all();
        let mut report = CloseReport { saves, ..CloseReport::default() };
        for kind in self.shared.registry.release_all() {
            report.count(kind);
        }
        drop(held);
        report
    }

    /// Saves all that is unsaved, and refuses edits from now on. The objects are to be released
    /// with all others.
    fn save_all(&self) -> (Vec<SaveReport>, Vec<Box<dyn Unsaved>>) {
        let (mut saves, mut held) = (Vec::new(), Vec::new());
        while let Some(unsaved) = self.shared.registry.close_unsaved() {
            saves.extend(save_or_keep(unsaved.as_ref()));
            held.push(unsaved);
        }
        (saves, held)
    }

    /// Counts of what is open and what was opened.
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
