//! A message directory: the state it is in, and what differs from the file of the message.
//!
//! A message that no program has written to has no [`MessageDirectory`], or one in which nothing
//! differs. It is then shown from its file, as in a read-only mount.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::edits::save::target::SourceTarget;
use crate::fs::messages::{Directory, OpenMessage};
use crate::fs::source::ino::Base;
use crate::storage::FileState;
use crate::view::{AttachmentNames, BodyTimes, Editor, NodeId, SavedNames};

use super::creators::Creators;
use super::numbers::FileNumbers;
use super::orphans::Orphans;
use super::removals::Removals;
use super::temporary::Temporaries;
use super::waiting::Waiting;

/// A message of the source, or a new one that the source does not have yet.
#[derive(Debug)]
pub(in crate::fs) struct MessageDirectory {
    pub(in crate::fs::edits) base: Base,
    /// The names that its attachments are known by.
    pub(in crate::fs::edits) names: Arc<AttachmentNames>,
    /// When its bodies were set.
    pub(in crate::fs::edits) bodies: Arc<BodyTimes>,
    contents: Mutex<Contents>,
    /// Wakes the edits that wait for a save to end.
    idle: Condvar,
}

/// What state a message is in.
#[derive(Debug)]
pub(in crate::fs::edits) enum MessageState {
    /// It is what its file says.
    Clean,
    /// It has edits that its file has not, or has no file yet.
    Edited(Box<Edited>),
    /// It is a file that a program is writing, which becomes a message once it is whole.
    Arriving(Arc<Arrival>),
    /// It is gone. Programs that have one of its files open may still read it.
    Removed,
}

/// The edits of a message since its last save.
#[derive(Debug)]
pub(in crate::fs::edits) struct Edited {
    pub(in crate::fs::edits) editor: Editor,
    pub(in crate::fs::edits) target: Arc<SourceTarget>,
    /// What the message is after the last edit.
    pub(in crate::fs::edits) current: Arc<OpenMessage>,
    /// Whether its file is still to be created.
    pub(in crate::fs::edits) is_new: bool,
    /// When the first of the edits was made.
    pub(in crate::fs::edits) since: Instant,
    pub(in crate::fs::edits) save: SaveProgress,
    /// The names that the attachments had before the first of the edits.
    pub(in crate::fs::edits) names_before: SavedNames,
}

/// What the saver is doing with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs::edits) enum SaveProgress {
    /// Nothing: it may be edited.
    Idle,
    /// It is being written. Edits wait until that has ended.
    Running,
}

/// What is known of a message, under its lock.
#[derive(Debug)]
pub(in crate::fs::edits) struct Contents {
    /// In the source.
    pub(in crate::fs::edits) path: PathBuf,
    pub(in crate::fs::edits) state: MessageState,
    /// The files in it that the kernel was told of.
    pub(in crate::fs::edits) numbers: FileNumbers,
    /// The files that are open for writing.
    pub(in crate::fs::edits) files: HashMap<NodeId, Arc<OpenFile>>,
    /// The new attachments among them that are not in the message yet.
    pub(in crate::fs::edits) waiting: Vec<Waiting>,
    /// What editors put beside the files of the message.
    pub(in crate::fs::edits) temporaries: Temporaries,
    /// What was removed or renamed away and is still in the message.
    pub(in crate::fs::edits) removals: Removals,
    /// The content of removed files, for programs that have them open.
    pub(in crate::fs::edits) orphans: Orphans,
    pub(in crate::fs::edits) creators: Creators,
    /// When files in it were last written to, or the times they were given. They hold for as long
    /// as the mount lives: if an edited file went back to the date of its mail at the save, vim
    /// would warn that another program has changed it, and rsync would skip it.
    pub(in crate::fs::edits) times: HashMap<String, SystemTime>,
    /// When it was last edited.
    pub(in crate::fs::edits) edited: Option<SystemTime>,
    /// Whether a probe has shown that its file can be replaced and keep owner and mode.
    pub(in crate::fs::edits) is_writable: bool,
    /// Whether the kernel may have cached what it was told of the message.
    pub(in crate::fs::edits) is_kept_by_kernel: bool,
    /// Whether this mount itself has looked the message up (`LockedMessage::keep_known`), so that
    /// it stays known after an edit.
    pub(in crate::fs::edits) is_kept_known: bool,
    /// Whether the message, or one that is embedded in it, is being moved elsewhere.
    is_moving: bool,
}

/// A message of which all, or an embedded message, is being moved elsewhere. Its edits wait until
/// this is dropped: what is edited after the bytes were read would not move with them.
///
/// The kernel carries out one rename between directories at a time, so two moves never wait for
/// each other.
#[derive(Debug)]
pub(in crate::fs::edits) struct MoveGuard {
    directory: Arc<MessageDirectory>,
}

impl Drop for MoveGuard {
    fn drop(&mut self) {
        self.directory.lock().is_moving = false;
        self.directory.notify_idle();
    }
}

impl MessageDirectory {
    pub(in crate::fs::edits) fn new(base: Base, path: &Path) -> Self {
        let contents = Contents {
            path: path.to_owned(),
            state: MessageState::Clean,
            numbers: FileNumbers::default(),
            files: HashMap::new(),
            waiting: Vec::new(),
            temporaries: Temporaries::default(),
            removals: Removals::default(),
            orphans: Orphans::default(),
            creators: Creators::default(),
            times: HashMap::new(),
            edited: None,
            is_writable: false,
            is_kept_by_kernel: true,
            is_kept_known: false,
            is_moving: false,
        };
        Self {
            base,
            names: Arc::default(),
            bodies: Arc::default(),
            contents: Mutex::new(contents),
            idle: Condvar::new(),
        }
    }

    /// The contents, for reading; a save may be going on. Safe after a panic: every change is
    /// complete before the next call that could panic.
    pub(in crate::fs::edits) fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }

    /// The contents, for an edit. Waits for the end of a save or a move that is going on.
    pub(in crate::fs::edits) fn lock_idle(&self) -> MutexGuard<'_, Contents> {
        let idle = self.idle.wait_while(self.lock(), |contents| contents.is_busy());
        idle.unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the edits that wait for the end of a save or a move.
    pub(in crate::fs::edits) fn notify_idle(&self) {
        self.idle.notify_all();
    }

    /// Lets the edits of a message wait until it was moved; `contents` are its own.
    pub(in crate::fs::edits) fn begin_move(self: &Arc<Self>, contents: &mut Contents) -> MoveGuard {
        contents.is_moving = true;
        MoveGuard { directory: Arc::clone(self) }
    }
}

impl Directory for MessageDirectory {
    fn names(&self) -> &Arc<AttachmentNames> {
        &self.names
    }
}

impl Contents {
    /// The path of a number in the message.
    ///
    /// # Errors
    /// [`Error::Stale`] if its file is gone.
    pub(in crate::fs::edits) fn path_of(&self, number: NodeId) -> Result<String, Error> {
        let path = self.numbers.path(number).map(str::to_owned);
        path.ok_or_else(|| Error::Stale { path: self.path.clone() })
    }

    /// The file of a number, if a program has it open for writing.
    pub(in crate::fs::edits) fn open_file(&self, number: NodeId) -> Option<&Arc<OpenFile>> {
        self.files.get(&self.numbers.canonical(number))
    }

    /// The paths of the new files that are to become values.
    pub(in crate::fs::edits) fn covered(&self) -> HashSet<String> {
        let new = self.files.values().filter(|file| !file.lock().has_value());
        new.filter_map(|file| self.numbers.path(file.number).map(str::to_owned)).collect()
    }

    /// The path of a name in a directory of the message.
    pub(in crate::fs::edits) fn path_in(
        &self,
        parent: NodeId,
        name: &OsStr,
    ) -> Result<String, Error> {
        Ok(joined(&self.path_of(parent)?, name_text(name)?))
    }

    /// The file that the edits change, as it was last seen or written; `None` if there is none yet.
    pub(in crate::fs::edits) fn file_state(&self) -> Option<FileState> {
        self.edits().and_then(|edited| edited.target.state())
    }

    /// Refuses a name that no message has, and logs the reason, which says where such a file goes.
    pub(in crate::fs::edits) fn refuse(&self, path: &str, reason: &'static str) -> Error {
        tracing::warn!("{}/{path} is refused: {reason}", self.path.display());
        Error::NotPermitted(reason)
    }

    /// Whether nothing differs from the file of the message, except perhaps inode numbers.
    pub(in crate::fs::edits) fn is_plain(&self) -> bool {
        matches!(self.state, MessageState::Clean)
            && self.files.is_empty()
            && self.temporaries.is_empty()
            && self.removals.is_empty()
    }

    /// Whether the tree of its file shows the message exactly, inode numbers included.
    pub(in crate::fs::edits) fn is_as_in_file(&self) -> bool {
        self.is_plain() && !self.numbers.are_translated()
    }

    /// Whether there are edits that are not saved.
    pub(in crate::fs::edits) fn is_unsaved(&self) -> bool {
        matches!(self.state, MessageState::Edited(_)) || self.removals.has_removed()
    }

    /// Whether the last save found that others have changed the file.
    pub(in crate::fs::edits) fn is_conflicting(&self) -> bool {
        self.edits().is_some_and(|edited| edited.target.is_conflicting())
    }

    /// Whether the mount shows the message although the source may have no file of it yet.
    pub(in crate::fs::edits) fn is_pending(&self) -> bool {
        match &self.state {
            MessageState::Edited(edited) => edited.is_new,
            MessageState::Arriving(_) => true,
            MessageState::Clean | MessageState::Removed => false,
        }
    }

    /// Whether a program has one of its files open for writing.
    pub(in crate::fs::edits) fn has_writers(&self) -> bool {
        self.files.values().any(|file| file.lock().is_open())
    }

    /// Whether edits have to wait.
    pub(in crate::fs::edits) fn is_busy(&self) -> bool {
        self.is_moving || self.is_saving()
    }

    pub(in crate::fs::edits) fn is_saving(&self) -> bool {
        matches!(&self.state, MessageState::Edited(edited) if edited.save == SaveProgress::Running)
    }

    pub(in crate::fs::edits) fn edits(&self) -> Option<&Edited> {
        match &self.state {
            MessageState::Edited(edited) => Some(edited),
            MessageState::Clean | MessageState::Arriving(_) | MessageState::Removed => None,
        }
    }

    pub(in crate::fs::edits) fn edits_mut(&mut self) -> Option<&mut Edited> {
        match &mut self.state {
            MessageState::Edited(edited) => Some(edited),
            MessageState::Clean | MessageState::Arriving(_) | MessageState::Removed => None,
        }
    }

    /// Notes that a file of the message was written to just now.
    pub(in crate::fs::edits) fn touch(&mut self, path: &str) {
        let now = SystemTime::now();
        self.edited = Some(now);
        self.times.insert(path.to_owned(), now);
    }
}

/// A name as UTF-8 text of at most 255 bytes.
pub(in crate::fs) fn name_text(name: &OsStr) -> Result<&str, Error> {
    const NAME_BYTES_MAX: usize = 255;
    match name.to_str() {
        Some(text) if text.len() <= NAME_BYTES_MAX => Ok(text),
        Some(_) => Err(Error::NameTooLong),
        None => Err(Error::NotPermitted("a name is text in UTF-8")),
    }
}

/// A path and a name in it.
pub(in crate::fs::edits) fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The directory and the name of a path.
pub(in crate::fs::edits) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
