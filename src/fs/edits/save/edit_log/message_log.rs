//! The log of one message.

use std::fs::{DirBuilder, File};
use std::io::{self, BufReader, Read as _};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use outlook_msg::pieces;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use crate::storage::{self, FileState, Source};

use super::record::{FIRST_SIGNATURE, LogRecord, LoggedChange, SIGNATURE, Stored};
use super::{EditedFile, Failure, Operation, Sequence};

/// A value of at most this many bytes lies in the log itself.
const INLINE_BYTES_MAX: u64 = 64 << 10;
const LOG: &str = "log";
const NEW_LOG: &str = "log.new";

/// The log of one message. The file is opened for each record, so that a thousand edited messages
/// do not keep a thousand files open.
#[derive(Debug)]
pub(super) struct MessageLog {
    folder: PathBuf,
    /// The absolute path.
    message: PathBuf,
    base: Option<FileState>,
    /// See [`EditedFile::names`].
    names: Vec<(String, String)>,
    /// Whether a save was begun since the names were noted: the file that it puts in place may have
    /// others.
    wants_names: bool,
    commits: Vec<Commit>,
    /// When the first edit was made.
    pub(super) since: SystemTime,
    /// Why the last save failed.
    pub(super) failure: Option<Failure>,
    entries: Vec<LogEntry>,
    /// The end of the last whole record. What lies behind is overwritten.
    len: u64,
    next: u64,
    is_ended: bool,
}

/// An edit in the log.
#[derive(Clone, Copy, Debug)]
struct LogEntry {
    sequence: Sequence,
    at: SystemTime,
    start: u64,
    is_spooled: bool,
}

/// An edit that was read from a log.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its number.
    pub sequence: Sequence,
    /// When it was made.
    pub at: SystemTime,
    /// What it does.
    pub operation: Operation,
}

/// What stands in a log.
#[derive(Debug)]
pub(super) struct Edits {
    /// The absolute path of the message.
    pub(super) message: PathBuf,
    pub(super) since: SystemTime,
    pub(super) base: Option<FileState>,
    /// By their places in the log.
    pub(super) names: Vec<KnownNames>,
    /// In their order.
    pub(super) edits: Vec<Edit>,
    /// The saves that were begun.
    pub(super) commits: Vec<Commit>,
}

/// A save that was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    /// The last edit that it contains.
    pub(super) upto: Sequence,
    /// The file that it was to put in place.
    pub(super) state: FileState,
}

/// The names of the attachments at some time.
#[derive(Clone, Debug)]
pub(super) struct KnownNames {
    /// The last edit before.
    pub(super) after: Sequence,
    /// See [`EditedFile::names`].
    pub(super) names: Vec<(String, String)>,
}

impl MessageLog {
    /// Begins a log in a folder that is not there yet.
    pub(super) fn create(
        folder: PathBuf,
        message: PathBuf,
        EditedFile { state: base, names }: EditedFile,
    ) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&folder)?;
        let since = SystemTime::now();
        let mut log = Self {
            folder,
            message,
            base,
            names,
            wants_names: false,
            commits: Vec::new(),
            since,
            failure: None,
            entries: Vec::new(),
            len: 0,
            next: 1,
            is_ended: false,
        };
        match log.begin() {
            Ok(len) => {
                log.len = len;
                Ok(log)
            }
            Err(error) => {
                // If this fails, too, what stays behind holds no edit.
                let _ = log.end();
                Err(error)
            }
        }
    }

    /// Takes over the log in a folder, and gives what stands in it.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Edits)> {
        let (edits, entries, len) = read(folder)?;
        let log = Self {
            folder: folder.to_owned(),
            message: edits.message.clone(),
            base: edits.base,
            names: edits.names_after(Sequence(0)).to_vec(),
            // Those that this mount uses may not be in the log.
            wants_names: !edits.commits.is_empty(),
            commits: edits.commits.clone(),
            since: edits.since,
            failure: None,
            next: entries.last().map_or(1, |entry| entry.sequence.0 + 1),
            entries,
            len,
            is_ended: false,
        };
        Ok((log, edits))
    }

    /// What stands in the log.
    pub(super) fn read(&self) -> io::Result<Edits> {
        read(&self.folder).map(|(edits, _, _)| edits)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    pub(super) fn last(&self) -> Option<Sequence> {
        self.entries.last().map(|entry| entry.sequence)
    }

    pub(super) fn wants_names(&self) -> bool {
        self.wants_names
    }

    /// Appends an edit, behind the names if they are wanted.
    pub(super) fn append(
        &mut self,
        names: &[(String, String)],
        operation: &Operation,
    ) -> io::Result<Sequence> {
        if self.wants_names {
            self.put(&named(names)?)?;
            self.wants_names = false;
        }
        let (sequence, at) = (Sequence(self.next), SystemTime::now());
        let (change, is_spooled) = self.store(sequence, operation)?;
        let start = self.len;
        let record = LogRecord::Edit { sequence, at, change }.to_bytes();
        if let Err(error) = record.and_then(|record| self.put(&record)) {
            if is_spooled {
                self.remove_value(sequence);
            }
            return Err(error);
        }
        self.next += 1;
        self.entries.push(LogEntry { sequence, at, start, is_spooled });
        Ok(sequence)
    }

    pub(super) fn take_back(&mut self, sequence: Sequence) -> io::Result<()> {
        let Some(entry) = self.entries.pop_if(|entry| entry.sequence == sequence) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        self.len = entry.start;
        if entry.is_spooled {
            self.remove_value(sequence);
        }
        match self.entries.is_empty() {
            true => self.end(),
            false => self.file()?.set_len(self.len),
        }
    }

    pub(super) fn committing(&mut self, upto: Sequence, state: FileState) -> io::Result<()> {
        self.put(&LogRecord::Committing { upto, state }.to_bytes()?)?;
        self.commits.push(Commit { upto, state });
        self.wants_names = true;
        Ok(())
    }

    pub(super) fn rebase(&mut self, known: &FileState, state: FileState) -> io::Result<()> {
        if let Some(commit) = commit_of(&self.commits, known) {
            // The edits up to there are in the file, although they are still in the log.
            return self.committing(commit.upto, state);
        }
        let (message, base) = (self.message.clone(), Some(state));
        self.put(&LogRecord::Moved { message, base }.to_bytes()?)?;
        self.base = base;
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        for entry in self.entries.iter().filter(|entry| entry.is_spooled) {
            File::open(self.value_path(entry.sequence))?.sync_data()?;
        }
        self.file()?.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    /// Drops the edits up to `upto`, which are saved. The later ones go into a new file that
    /// replaces the log.
    pub(super) fn saved(&mut self, upto: Sequence, state: FileState) -> io::Result<()> {
        let split = self.entries.partition_point(|entry| entry.sequence <= upto);
        let (saved, rest) = self.entries.split_at(split);
        let saved: Vec<_> = saved.iter().filter(|entry| entry.is_spooled).copied().collect();
        self.failure = None;
        let Some(first) = rest.first().copied() else { return self.end() };
        (self.base, self.since) = (Some(state), first.at);
        let (file, head) = self.write_head(NEW_LOG)?;
        let records = copy_range(&self.file()?, first.start..self.len, &file, head)?;
        std::fs::rename(self.folder.join(NEW_LOG), self.folder.join(LOG))?;
        self.len = records;
        self.commits.retain(|commit| commit.upto > upto);
        self.entries.drain(..split);
        for entry in &mut self.entries {
            entry.start = entry.start - first.start + head;
        }
        for entry in saved {
            self.remove_value(entry.sequence);
        }
        Ok(())
    }

    /// As [`MessageLog::saved`], for a save that was begun by a mount that was killed.
    pub(super) fn was_saved(
        &mut self,
        upto: Sequence,
        state: FileState,
        names: &[(String, String)],
    ) -> io::Result<()> {
        self.names = names.to_vec();
        self.saved(upto, state)
    }

    /// Removes the log and all that belongs to it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        // Remove the log first: without it, what is left in the folder is ignored.
        match std::fs::remove_file(self.folder.join(LOG)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.is_ended = true;
        self.entries.clear();
        std::fs::remove_dir_all(&self.folder)
    }

    /// Writes a log without edits under another name and renames it. If it were written in place
    /// and msgfs were killed meanwhile, the next mounts would find a log that they cannot read.
    /// Returns the length.
    fn begin(&self) -> io::Result<u64> {
        let (_, len) = self.write_head(NEW_LOG)?;
        std::fs::rename(self.folder.join(NEW_LOG), self.folder.join(LOG))?;
        Ok(len)
    }

    /// Writes the signature, the head and the names of a log; gives the file and the length.
    fn write_head(&self, name: &str) -> io::Result<(File, u64)> {
        let file = private(&self.folder.join(name), true)?;
        let (message, since) = (self.message.clone(), self.since);
        let head = LogRecord::Head { message, base: self.base, since }.to_bytes()?;
        let bytes = [SIGNATURE.as_slice(), &head, &named(&self.names)?].concat();
        file.write_all_at(&bytes, 0)?;
        Ok((file, bytes.len() as u64))
    }

    /// Writes whole records behind the others.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file()?;
        if let Err(error) = file.write_all_at(bytes, self.len) {
            // Half a record counts for nothing, but takes room.
            let _ = file.set_len(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn file(&self) -> io::Result<File> {
        File::options().read(true).write(true).open(self.folder.join(LOG))
    }

    /// Stores the value of an operation. Returns the change for its record, and whether the value
    /// lies in a file of its own.
    fn store(&self, sequence: Sequence, operation: &Operation) -> io::Result<(LoggedChange, bool)> {
        let path = |path: &String| path.clone();
        let change = match operation {
            Operation::Set { path: file, value } => {
                LoggedChange::Set { path: path(file), value: self.store_value(sequence, value)? }
            }
            Operation::Remove { path: file } => LoggedChange::Remove { path: path(file) },
            Operation::Rename { from, to } => {
                LoggedChange::Rename { from: path(from), to: path(to) }
            }
            Operation::Replace { from, to, value } => LoggedChange::Replace {
                from: path(from),
                to: path(to),
                value: self.store_value(sequence, value)?,
            },
            Operation::CreateMessage { path: file } => {
                LoggedChange::CreateMessage { path: path(file) }
            }
            Operation::Create { permissions } => LoggedChange::Create { permissions: *permissions },
            Operation::Temporary { path: file, value } => LoggedChange::Temporary {
                path: path(file),
                value: self.store_value(sequence, value)?,
            },
        };
        let is_spooled = change.value().is_some_and(|v| matches!(v, Stored::Spooled { .. }));
        Ok((change, is_spooled))
    }

    fn store_value(&self, sequence: Sequence, value: &Source) -> io::Result<Stored> {
        if value.len() <= INLINE_BYTES_MAX {
            return Ok(Stored::Inline(read_whole(value)?));
        }
        // A mount that was killed may have left a file of this name, which another log may have,
        // too: it must not be written over.
        self.remove_value(sequence);
        let path = self.value_path(sequence);
        let stored = match link_spooled(value, CWD, &path) {
            true => Ok(()),
            false => private(&path, true).and_then(|file| copy(value, &file)),
        };
        if let Err(error) = stored {
            self.remove_value(sequence);
            return Err(error);
        }
        Ok(Stored::Spooled { len: value.len() })
    }

    fn value_path(&self, sequence: Sequence) -> PathBuf {
        self.folder.join(sequence.0.to_string())
    }

    fn remove_value(&self, sequence: Sequence) {
        let path = self.value_path(sequence);
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{path:?} is saved and stays until the mount ends: {error}");
        }
    }
}

impl LoggedChange {
    fn value(&self) -> Option<&Stored> {
        match self {
            Self::Set { value, .. }
            | Self::Replace { value, .. }
            | Self::Temporary { value, .. } => Some(value),
            Self::Remove { .. }
            | Self::Rename { .. }
            | Self::CreateMessage { .. }
            | Self::Create { .. } => None,
        }
    }
}

/// The path of the message whose log lies in a folder; `None` if there is no log.
pub(super) fn message_of(folder: &Path) -> io::Result<Option<PathBuf>> {
    match read(folder) {
        Ok((edits, _, _)) => Ok(Some(edits.message)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the log in a folder: what stands in it, its entries, and the end of its last whole record.
fn read(folder: &Path) -> io::Result<(Edits, Vec<LogEntry>, u64)> {
    let path = folder.join(LOG);
    let file = File::open(&path)?;
    let file_len = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut signature = [0; SIGNATURE.len()];
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, "no edit log of this version");
    reader.read_exact(&mut signature)?;
    if ![FIRST_SIGNATURE, SIGNATURE].contains(&&signature) {
        return Err(unknown());
    }
    let mut len = SIGNATURE.len() as u64;
    let Some((LogRecord::Head { message, base, since }, bytes)) = LogRecord::read(&mut reader)?
    else {
        return Err(unknown());
    };
    len += bytes;
    let mut edits = Edits { since, base, ..Edits::none(message) };
    let mut entries = Vec::new();
    while let Some((record, bytes)) = LogRecord::read(&mut reader)? {
        match record {
            LogRecord::Head { .. } => return Err(unknown()),
            LogRecord::Edit { sequence, at, change } => {
                let spooled = change.value().map(|v| matches!(v, Stored::Spooled { .. }));
                let is_spooled = spooled.unwrap_or(false);
                entries.push(LogEntry { sequence, at, start: len, is_spooled });
                match operation(change, &folder.join(sequence.0.to_string())) {
                    Ok(operation) => edits.edits.push(Edit { sequence, at, operation }),
                    // The record is whole, but the file of its value is not. Only a crash of the
                    // system does that.
                    Err(error) => tracing::warn!("{path:?}: edit {}: {error}", sequence.0),
                }
            }
            LogRecord::Committing { upto, state } => edits.commits.push(Commit { upto, state }),
            LogRecord::Named { storage, name } => {
                let after = entries.last().map_or(Sequence(0), |entry| entry.sequence);
                edits.add_name(after, storage, name);
            }
            LogRecord::Moved { message, base } => (edits.message, edits.base) = (message, base),
        }
        len += bytes;
    }
    if file_len > len {
        tracing::warn!("{path:?}: the last {} bytes are no whole edit", file_len - len);
    }
    Ok((edits, entries, len))
}

/// The save that has put this file in place; `None` if none of these did. The ctime is not compared:
/// the rename at the end of a save changes it, and nothing else.
pub(super) fn commit_of<'a>(commits: &'a [Commit], present: &FileState) -> Option<&'a Commit> {
    let key = |state: &FileState| (state.device, state.inode, state.size, state.mtime);
    commits.iter().rev().find(|commit| key(&commit.state) == key(present))
}

/// The records of names.
fn named(names: &[(String, String)]) -> io::Result<Vec<u8>> {
    let records = names.iter().cloned().map(|(storage, name)| LogRecord::Named { storage, name });
    let records = records.map(|record| record.to_bytes()).collect::<io::Result<Vec<_>>>()?;
    Ok(records.concat())
}

fn operation(change: LoggedChange, spooled: &Path) -> io::Result<Operation> {
    let value = |stored| match stored {
        Stored::Inline(bytes) => Ok(Arc::new(Source::from_bytes(bytes))),
        Stored::Spooled { len } => {
            let (source, metadata) = Source::from_file(File::open(spooled)?)?;
            match metadata.len() == len {
                true => Ok(Arc::new(source)),
                false => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            }
        }
    };
    Ok(match change {
        LoggedChange::Set { path, value: stored } => Operation::Set { path, value: value(stored)? },
        LoggedChange::Remove { path } => Operation::Remove { path },
        LoggedChange::Rename { from, to } => Operation::Rename { from, to },
        LoggedChange::Replace { from, to, value: stored } => {
            Operation::Replace { from, to, value: value(stored)? }
        }
        LoggedChange::CreateMessage { path } => Operation::CreateMessage { path },
        LoggedChange::Create { permissions } => Operation::Create { permissions },
        LoggedChange::Temporary { path, value: stored } => {
            Operation::Temporary { path, value: value(stored)? }
        }
    })
}

/// Creates a file that only the user may read.
pub(super) fn private(path: &Path, truncates: bool) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(truncates).mode(0o600);
    options.open(path)
}

fn read_whole(value: &Source) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(value.len()).unwrap_or(0)];
    match value.read_at(0, &mut bytes)? == bytes.len() {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Gives a value another name, if its bytes lie in a file of the spool ([`super::Spool`]). Nobody
/// changes a file that has a name in the state folder, so several values may share it. Returns
/// whether it did; if not, the bytes are to be copied.
pub(super) fn link_spooled(value: &Source, folder: impl AsFd, name: &Path) -> bool {
    let Some(file) = value.file() else { return false };
    // The kernel tells of an open file that it was made without a name. A file that was opened by a
    // name belongs to another program, which may write to it.
    let is_spooled = rustix::fs::fcntl_getfl(file).is_ok_and(|f| f.contains(OFlags::TMPFILE));
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    is_spooled
        && rustix::fs::fchmod(file, Mode::from_raw_mode(0o600)).is_ok()
        && rustix::fs::linkat(CWD, link, folder, name, AtFlags::SYMLINK_FOLLOW).is_ok()
}

/// Writes a value into an empty file.
pub(super) fn copy(value: &Source, to: &File) -> io::Result<()> {
    let read = |at, piece: &mut [u8]| value.read_at(at, piece);
    pieces::each_piece(value.len(), read, |offset, piece| to.write_all_at(piece, offset))
}

/// Copies a range of a file to the offset `at` of another one. Returns where the copy ends.
fn copy_range(from: &File, range: std::ops::Range<u64>, to: &File, at: u64) -> io::Result<u64> {
    let len = range.end - range.start;
    let read = |offset, piece: &mut [u8]| storage::read_at(from, range.start + offset, piece);
    pieces::each_piece(len, read, |offset, piece| to.write_all_at(piece, at + offset))?;
    Ok(at + len)
}
