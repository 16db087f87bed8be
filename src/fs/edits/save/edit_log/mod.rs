//! The edit log keeps on disk what was edited in a writable mount and is not in the source yet.
//!
//! An edit is written here ([`EditLog::append`]) before the call that made it is answered. A save
//! takes it away ([`EditLog::saved`]), `msgfs discard` drops it ([`EditLog::discard`]), a conflict
//! turns it into a folder of plain files ([`EditLog::keep`]), and the next mount of the source
//! takes over what a killed mount has left ([`LeftOver`]), unless the user takes it out before
//! ([`keep_left`], [`discard_left`]).
//!
//! # What lies where
//!
//! ```text
//! $XDG_STATE_HOME/msgfs/      0700; every file in it 0600            (`state_folder`)
//!   edits/lock                held while mounts begin and end
//!   edits/MOUNT/lock          held by the process of the mount for as long as it lives
//!   edits/MOUNT/N/log         the edits of one message, one record each          (`record`)
//!   edits/MOUNT/N/SEQUENCE    a value that is too large for the log
//!   edits/MOUNT/              large values that are being written, in files without a name
//!   edits/MOUNT/N/log         or, with one record, the copy of a temporary file  (`copies`)
//!   recovered/A.msg.d/        the edits of A.msg, kept as plain files, and EDITS  (`kept`)
//!   recovered/A.msg           the whole message, where all of it could be read
//! ```
//!
//! Each mount has a folder of its own, so two mounts of one source cannot damage each other's
//! logs. A message is known by its absolute path, so the next mount of a folder above it or below
//! it finds it, too (`left`).
//!
//! # What a crash leaves
//!
//! A record is framed by its length and a checksum. A record that a crash has cut off is ignored,
//! and so is what follows it. A save notes the file that it is about to rename over the source
//! ([`EditLog::committing`]). If that file is in place when the log is read again, the save was
//! done, although msgfs was killed before it could remove the edits.
//!
//! # Locks
//!
//! There is one lock for the table of messages, which is held for moments, and one for each
//! message, which is held while its log is written. Neither is held while the other is taken.

mod copies;
mod kept;
mod left;
mod message_log;
mod record;
mod state_folder;
mod taken_out;
mod text;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use outlook_msg::sync::lock;

use crate::storage::{FileState, Source};

use copies::CopiedFile;
use message_log::{Edits, MessageLog};

pub use copies::{LeftTemporary, TemporaryCopy};
pub use kept::{Kept, WholeMessage, discard as discard_kept, list as list_kept};
pub use left::{Edit, LeftOver, Pending, SourceScope, list as list_pending};
pub use state_folder::{StateFolder, StateFolderError};
pub use taken_out::{discard_left, keep_left};
pub use text::{escaped, rfc3339, unescaped, unsaved_line};

/// The extended attribute of a message directory that stands for its unsaved edits: removing it
/// throws them away. It is not listed, so that programs that copy attributes do not touch it.
pub const UNSAVED_ATTRIBUTE: &str = "user.msgfs.unsaved";

/// One edit of a message. The paths are those of files in the message's directory.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A file has this value.
    Set {
        /// The file.
        path: String,
        /// Its value. If it is read from a file, that file must not be written to any more.
        value: Arc<Source>,
    },
    /// A file is removed for good. A removal that is still provisional is no edit.
    Remove {
        /// The file.
        path: String,
    },
    /// An attachment has another name.
    Rename {
        /// Its old path.
        from: String,
        /// Its new one.
        to: String,
    },
    /// A file was renamed onto another one, or to a place where it is another value: the one has
    /// its bytes, and it is gone itself.
    Replace {
        /// The file that is gone.
        from: String,
        /// The file that has its bytes.
        to: String,
        /// The bytes, as of [`Operation::Set`].
        value: Arc<Source>,
    },
    /// An empty message is embedded.
    CreateMessage {
        /// The path of its directory.
        path: String,
    },
    /// The message itself is new: the source has no file of it yet.
    Create {
        /// The permissions that its file is to have.
        permissions: u32,
    },
    /// An editor's temporary file has these bytes. It is no part of the message and never applied.
    /// But it may be the user's text, so it is kept if a crash leaves it behind.
    Temporary {
        /// The file.
        path: String,
        /// Its bytes, as of [`Operation::Set`].
        value: Arc<Source>,
    },
}

/// The file that edits are made in, as it was before the first of them.
#[derive(Clone, Debug, Default)]
pub struct EditedFile {
    /// Its state; `None` if there was none yet.
    pub state: Option<FileState>,
    /// The names by which the edits know its attachments, each behind the path of the attachment's
    /// storage. The next mount may give them other names: if this one has removed the first of two
    /// attachments of one name and saved that, the second one is `a (2).txt` here, and `a.txt`
    /// there.
    pub names: Vec<(String, String)>,
}

impl From<Option<FileState>> for EditedFile {
    fn from(state: Option<FileState>) -> Self {
        Self { state, names: Vec::new() }
    }
}

/// The number of an edit of a message; later ones have higher numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// A message with edits that are not saved.
#[derive(Clone, Debug)]
pub struct Unsaved {
    /// Its path below the source.
    pub path: PathBuf,
    /// When the first of the edits was made.
    pub since: SystemTime,
    /// Why the last save of them failed.
    pub failure: Option<Failure>,
}

/// Why a save failed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Another program has changed the file, or taken its name. Trying again is of no use.
    Conflict(String),
    /// Something else, such as a full disk. The save is tried again.
    Other(String),
}

/// What killed mounts of a source have left.
#[derive(Debug, Default)]
pub struct Left {
    /// The edits, by message.
    pub edits: Vec<LeftOver>,
    /// Temporary files, which are no part of a message.
    pub temporaries: Vec<LeftTemporary>,
    /// The folders below the source in which a save may have been killed, so that its temporary
    /// file is there (`storage::remove_leftovers`).
    pub folders: BTreeSet<PathBuf>,
}

/// Where large values that are being written go: beside the log, where they become part of it
/// without being copied.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: Arc<Path>,
}

impl Spool {
    /// The spool in a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into() }
    }

    /// A file without a name.
    ///
    /// # Errors
    /// Those of creating it.
    pub fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.folder)
    }
}

/// The edits of one mount.
#[derive(Debug)]
pub struct EditLog {
    state_folder: StateFolder,
    /// The source; paths of messages are below it.
    root: PathBuf,
    /// The folder of this mount.
    folder: PathBuf,
    spool: Spool,
    /// Locked for as long as this process lives.
    _lock: File,
    messages: Mutex<Messages>,
}

#[derive(Debug, Default)]
struct Messages {
    by_path: HashMap<PathBuf, Arc<Mutex<MessageLog>>>,
    /// The number of the next message's folder.
    next: u64,
}

/// Room for the records of the log beside the bytes of a value.
const RECORD_ROOM: u64 = 32 << 10;

impl EditLog {
    /// Opens the log of a mount of a source, and takes over what killed mounts have left of it.
    /// Each of them may have been killed in a save: [`Left::folders`] says where.
    ///
    /// # Errors
    /// If the state folder cannot be read or written. There must be no writable mount then.
    pub fn open(state_folder: StateFolder, scope: SourceScope<'_>) -> io::Result<(Self, Left)> {
        let edits = state_folder.edits();
        let mounts_lock = state_folder.lock_mounts()?;
        let (folder, lock) = left::own_folder(&edits)?;
        let root = scope.root.to_owned();
        let (spool, messages) = (Spool::new(&folder), Mutex::default());
        let log = Self { root, folder, spool, _lock: lock, messages, state_folder };
        let mut taken = Vec::new();
        for message in left::folders_of_killed_mounts(&edits, &log.folder, scope)? {
            let next = log.next_folder();
            std::fs::rename(&message, &next)?;
            taken.push(next);
        }
        left::tidy(&edits, &log.folder)?;
        // Reading takes a while. The folders are in the folder of this mount by now, so other
        // mounts need not wait.
        drop(mounts_lock);
        let mut left = Left::default();
        for folder in taken {
            let read = MessageLog::open(&folder).and_then(|(of_message, edits)| {
                let Some(file) = CopiedFile::of(&edits) else {
                    return left::left_over(of_message, edits, scope).map(Some);
                };
                left.temporaries.push(LeftTemporary::new(of_message, &edits, file, scope.root));
                Ok(None)
            });
            let (of_message, left_over) = match read {
                Ok(Some(read)) => read,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!("edits that cannot be read stay in {folder:?}: {error}");
                    continue;
                }
            };
            left.folders.extend(left_over.path.parent().map(Path::to_owned));
            if !of_message.is_ended() {
                let of_message = Arc::new(Mutex::new(of_message));
                log.messages().by_path.insert(left_over.path.clone(), of_message);
                left.edits.push(left_over);
            }
        }
        Ok((log, left))
    }

    /// The folder in which everything is kept.
    pub fn state_folder(&self) -> &StateFolder {
        &self.state_folder
    }

    /// Where large values that are being written go.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Checks that the state folder has room for a value of so many bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] if it has not.
    pub fn check_room(&self, len: u64) -> io::Result<()> {
        let figures = rustix::fs::statvfs(&self.folder)?;
        let room = figures.f_bavail.saturating_mul(figures.f_frsize);
        match room < len.saturating_add(RECORD_ROOM) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    /// Whether the next edit of a message is stored with the names of its attachments: it is the
    /// first one, or the first one since a save was begun.
    pub fn wants_names(&self, message: &Path) -> bool {
        self.known(message).is_none_or(|log| {
            let log = lock(&log);
            log.is_ended() || log.wants_names()
        })
    }

    /// Notes an edit of a message. The state of `file` is stored with the first edit only.
    ///
    /// # Errors
    /// Those of writing, a full disk above all: the edit must be refused then. Nothing of it is
    /// noted.
    pub fn append(
        &self,
        message: &Path,
        file: impl Into<EditedFile>,
        operation: &Operation,
    ) -> io::Result<Sequence> {
        let file = file.into();
        loop {
            let log = self.known(message).map_or_else(|| self.begin(message, file.clone()), Ok)?;
            let mut log = lock(&log);
            if !log.is_ended() {
                return log.append(&file.names, operation);
            }
            // A save has ended it meanwhile.
            drop(log);
            self.forget_ended(message);
        }
    }

    /// Takes the last edit of a message back, which it has refused.
    ///
    /// # Errors
    /// Those of cutting the log.
    pub fn take_back(&self, message: &Path, sequence: Sequence) -> io::Result<()> {
        let taken = self.with(message, |log| log.take_back(sequence));
        self.forget_ended(message);
        taken
    }

    /// The number of the last edit of a message; `None` if all are saved.
    pub fn last(&self, message: &Path) -> Option<Sequence> {
        self.known(message).and_then(|log| lock(&log).last())
    }

    /// Syncs the edits of a message to the disk.
    ///
    /// # Errors
    /// Those of `fsync`.
    pub fn sync(&self, message: &Path) -> io::Result<()> {
        self.with(message, |log| log.sync())?;
        File::open(&self.folder)?.sync_all()
    }

    /// Notes that a save is about to put a file of this state in the place of the message; the
    /// edits up to `upto` are in it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn committing(&self, message: &Path, upto: Sequence, state: FileState) -> io::Result<()> {
        self.with(message, |log| log.committing(upto, state))
    }

    /// Removes the edits of a message that a save contained. `state` is that of the saved file.
    ///
    /// # Errors
    /// Those of writing. The next mount may then keep the edits although they are saved.
    pub fn saved(&self, message: &Path, upto: Sequence, state: FileState) -> io::Result<()> {
        let saved = self.with(message, |log| log.saved(upto, state));
        self.forget_ended(message);
        saved
    }

    /// Notes why a save failed, for those who ask with [`EditLog::unsaved`].
    pub fn failed(&self, message: &Path, failure: Failure) {
        if let Some(log) = self.known(message) {
            lock(&log).failure = Some(failure);
        }
    }

    /// Notes that the file of a message has another state than the known one because msgfs itself
    /// has changed it, so that the edits are still edits of this file. If that cannot be noted, the
    /// file is changed all the same, and the edits are safe.
    pub fn rebase(&self, message: &Path, known: FileState, state: FileState) {
        if let Err(error) = self.with(message, |log| log.rebase(&known, state)) {
            tracing::warn!(
                "{}: if msgfs is killed before the next save, the edits are not applied again but \
                 kept in a folder: {error}",
                message.display()
            );
        }
    }

    /// Makes a folder of plain files of the edits of a message that cannot be saved, and the whole
    /// message beside it where all of it can be read; its edits are no longer in the log.
    ///
    /// # Errors
    /// Where the folder cannot be made: the edits stay in the log, for the next mount.
    pub fn keep(
        &self,
        message: &Path,
        reason: &str,
        whole: Option<WholeMessage<'_>>,
    ) -> io::Result<PathBuf> {
        let keep =
            |edits: &Edits| kept::keep(&self.state_folder, &self.folder, edits, reason, whole);
        let Some(log) = self.known(message) else {
            return keep(&Edits::none(self.root.join(message)));
        };
        let mut log = lock(&log);
        let kept = keep(&log.read()?)?;
        log.end()?;
        drop(log);
        self.forget_ended(message);
        Ok(kept)
    }

    /// Notes that a whole file is about to replace a message. If this mount is killed meanwhile,
    /// the next one removes the unfinished file. [`EditLog::end_replacing`] ends it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn begin_replacing(&self, message: &Path) -> io::Result<()> {
        match self.known(message) {
            Some(_) => Ok(()),
            None => self.begin(message, EditedFile::default()).map(drop),
        }
    }

    /// Notes that a whole file is in place, or will not be.
    pub fn end_replacing(&self, message: &Path) {
        let left = self.with(message, |log| match log.last() {
            // It has edits of its own.
            Some(_) => Ok(()),
            None => log.end(),
        });
        if let Err(error) = left {
            tracing::debug!("{}: {error}", message.display());
        }
        self.forget_ended(message);
    }

    /// The folder with the edits of a message; `None` if it has none.
    pub fn folder_of(&self, message: &Path) -> Option<PathBuf> {
        let log = self.known(message)?;
        let log = lock(&log);
        log.last().map(|_| log.folder().to_owned())
    }

    /// Keeps the bytes of files that did not become values, in one folder: the half that a program
    /// had written when the mount ended, or an editor's temporary files.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn keep_files(
        &self,
        message: &Path,
        files: &[(String, Arc<Source>)],
        reason: &str,
    ) -> io::Result<PathBuf> {
        let edits = left::edits_of_files(&self.root.join(message), files);
        kept::keep(&self.state_folder, &self.folder, &edits, reason, None)
    }

    /// Drops the edits of a message.
    ///
    /// # Errors
    /// Those of removing them.
    pub fn discard(&self, message: &Path) -> io::Result<()> {
        let dropped = self.with(message, MessageLog::end);
        self.forget_ended(message);
        dropped
    }

    /// The messages with edits that are not saved, in the order of their paths.
    pub fn unsaved(&self) -> Vec<Unsaved> {
        let known: Vec<_> = {
            let messages = self.messages();
            messages.by_path.iter().map(|(path, log)| (path.clone(), Arc::clone(log))).collect()
        };
        let mut unsaved: Vec<_> = known
            .into_iter()
            .filter_map(|(path, log)| {
                let log = lock(&log);
                log.last()?;
                Some(Unsaved { path, since: log.since, failure: log.failure.clone() })
            })
            .collect();
        unsaved.sort_by(|a, b| a.path.cmp(&b.path));
        unsaved
    }

    /// Does something with the log of a message that has one.
    fn with(
        &self,
        message: &Path,
        run: impl FnOnce(&mut MessageLog) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.known(message) {
            Some(log) => run(&mut lock(&log)),
            None => Ok(()),
        }
    }

    /// Begins the log of a message, or gives the one that another thread has just begun.
    fn begin(&self, message: &Path, file: EditedFile) -> io::Result<Arc<Mutex<MessageLog>>> {
        let mut made = MessageLog::create(self.next_folder(), self.root.join(message), file)?;
        let mut messages = self.messages();
        if let Some(known) = messages.by_path.get(message) {
            let known = Arc::clone(known);
            drop(messages);
            made.end()?;
            return Ok(known);
        }
        let made = Arc::new(Mutex::new(made));
        messages.by_path.insert(message.to_owned(), Arc::clone(&made));
        Ok(made)
    }

    fn known(&self, message: &Path) -> Option<Arc<Mutex<MessageLog>>> {
        self.messages().by_path.get(message).cloned()
    }

    fn forget_ended(&self, message: &Path) {
        let Some(log) = self.known(message) else { return };
        let is_ended = lock(&log).is_ended();
        let mut messages = self.messages();
        if is_ended && messages.by_path.get(message).is_some_and(|known| Arc::ptr_eq(known, &log)) {
            messages.by_path.remove(message);
        }
    }

    fn next_folder(&self) -> PathBuf {
        let mut messages = self.messages();
        messages.next += 1;
        self.folder.join(messages.next.to_string())
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        lock(&self.messages)
    }
}

impl Drop for EditLog {
    /// Removes the folder of the mount if no edits are left in it.
    fn drop(&mut self) {
        if let Ok(_lock) = self.state_folder.lock_mounts() {
            left::remove_empty(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests;
