//! The commit of a save: replaces a file as a whole, or leaves it as it is.
//!
//! Writes the new file beside the old one, reads it back, and renames it over the old one. Even if
//! something fails or the process is killed, the name always stands for either the whole old file
//! or the whole new one.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::{digest, pieces};

use super::compound_file::CompoundFile;
use super::error::Error;
use super::file_state::FileState;
use super::object::{Entry, Storage};
use super::os::{self, AsFolder, Folder};
use super::source::Source;
use super::step::Step;
use super::stream::Stream;
use super::writer::Writer;

/// Called before each step; an error makes that step fail.
pub type StepHook<'a> = &'a dyn Fn(Step) -> io::Result<()>;

/// The content of the new file.
#[derive(Clone, Copy, Debug)]
pub enum NewContent<'a> {
    /// The storages and streams of a message.
    Message(&'a Arc<CompoundFile>),
    /// These bytes.
    Bytes(&'a Source),
}

/// A commit: makes a file, or replaces it as a whole.
///
/// The new file has the owner, mode, extended attributes and access lists of the old one.
#[derive(Clone, Copy)]
pub struct Replacement<'a> {
    /// The content of the new file.
    pub content: NewContent<'a>,
    /// The state of the file that the edits began with; `None` for a file that is not there yet.
    pub expected: Option<FileState>,
    /// The permissions of a file that is not there yet. The default access list of the folder
    /// overrides them, the umask does not. With `None`, the file gets 0666 minus the umask.
    pub permissions: Option<u32>,
    /// The modification time of the new file; `None` for now.
    pub modified: Option<SystemTime>,
    /// Called with the state of the new file before the rename, so that the caller can write the
    /// state down. After a crash, the caller compares it with the file, and knows whether the
    /// rename was done. (A rename changes only the ctime.)
    pub note: Option<&'a dyn Fn(FileState) -> io::Result<()>>,
    /// Called before every step, so that a test can make the step fail.
    pub hook: Option<StepHook<'a>>,
}

impl<'a> Replacement<'a> {
    /// The commit of a message.
    pub fn of(snapshot: &'a Arc<CompoundFile>, expected: Option<FileState>) -> Self {
        let content = NewContent::Message(snapshot);
        Self { content, expected, permissions: None, modified: None, note: None, hook: None }
    }

    /// The commit of bytes.
    pub fn of_bytes(bytes: &'a Source, expected: Option<FileState>) -> Self {
        let content = NewContent::Bytes(bytes);
        Self { content, expected, permissions: None, modified: None, note: None, hook: None }
    }

    /// Runs [`Replacement::run`] for the file at a path.
    ///
    /// # Errors
    /// Those of [`Replacement::run`].
    pub fn run_at(&self, path: &Path) -> Result<Metadata, Error> {
        let name = path.file_name().unwrap_or_default();
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = os::open_folder(folder.unwrap_or(Path::new("."))).map_err(|source| {
            Error::Replace { name: path.display().to_string(), step: Step::Check, source }
        })?;
        self.run(folder, name)
    }

    /// Replaces the file `name` in `folder`, and returns the attributes of the new one.
    ///
    /// # Errors
    /// `Changed`, `Exists`, `Linked`, `Incomplete`, `Name`, `Write`, `Replace`, `Unverified`: the
    /// file is as it was, and no temporary file is left. `Unsynced`: the new file is in place.
    pub fn run(&self, folder: impl AsFolder, name: &OsStr) -> Result<Metadata, Error> {
        let commit = Commit { folder: folder.as_folder(), name, with: self };
        let old = commit.check(Step::Check)?;
        let mut temporary = commit.create(old.as_ref())?;
        commit.write(&temporary.file)?;
        commit.verify(&temporary.file)?;
        if let Some(old) = &old {
            commit.step(Step::Attributes, || os::keep_attributes(old, &temporary.file))?;
        }
        if let (None, Some(permissions)) = (&old, self.permissions) {
            commit.step(Step::Attributes, || os::permit(&temporary.file, permissions))?;
        }
        if let Some(modified) = self.modified {
            let given = os::set_modified(&temporary.file, modified);
            commit.step_of(Step::Attributes, given)?;
        }
        commit.step(Step::Sync, || temporary.file.sync_all())?;
        if let Some(note) = self.note {
            let noted = temporary.file.metadata().and_then(|new| note(FileState::from(&new)));
            commit.step_of(Step::Recheck, noted)?;
        }
        commit.check(Step::Recheck)?;
        commit.rename(&temporary)?;
        temporary.kept = true;
        let metadata = commit.step_of(Step::SyncFolder, temporary.file.metadata())?;
        match commit.before(Step::SyncFolder).and_then(|()| os::sync_folder(commit.folder)) {
            Ok(()) => Ok(metadata),
            Err(source) => {
                let (name, state) = (commit.shown(), FileState::from(&metadata));
                Err(Error::Unsynced { name, state, source })
            }
        }
    }
}

impl fmt::Debug for Replacement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut replacement = f.debug_struct("Replacement");
        replacement.field("content", &self.content).field("expected", &self.expected);
        replacement.finish_non_exhaustive()
    }
}

/// Replaces the file `name` in `folder` by the message in `snapshot`: [`Replacement::run`] without
/// any option.
///
/// # Errors
/// Those of [`Replacement::run`].
pub fn replace(
    folder: impl AsFolder,
    name: &OsStr,
    expected: Option<FileState>,
    snapshot: &Arc<CompoundFile>,
) -> Result<Metadata, Error> {
    Replacement::of(snapshot, expected).run(folder, name)
}

/// Checks whether a save could replace a file and keep its owner. It creates a file beside it, and
/// removes that again.
///
/// # Errors
/// `Linked` if the file has several names. `Replace` if the system refuses to create a file in the
/// folder (`EACCES`, `EROFS`), to give it the owner, group, mode and access list of the old file, or
/// to replace the old one because it is immutable (`EPERM`). `Changed` if there is no such file.
pub fn can_replace(folder: impl AsFolder, name: &OsStr) -> Result<(), Error> {
    let empty = Source::from_bytes(Vec::new());
    let probe = Replacement::of_bytes(&empty, None);
    let commit = Commit { folder: folder.as_folder(), name, with: &probe };
    let old = commit.step(Step::Check, || os::open_existing(commit.folder, name))?;
    let old = old.ok_or_else(|| Error::Changed { name: commit.shown() })?;
    commit.check_links(Step::Check, &old)?;
    commit.step(Step::Check, || {
        os::check_changeable(commit.folder)?;
        os::check_changeable(&old)
    })?;
    let temporary = commit.create(Some(&old))?;
    commit.step(Step::Attributes, || os::keep_attributes(&old, &temporary.file))
}

/// Removes the temporary files of processes that were killed during a commit, and returns their
/// number.
///
/// A running commit, of any process, holds a lock on its temporary file, so its file stays.
///
/// # Errors
/// Those of reading the folder. A file that cannot be opened or removed is skipped.
pub fn remove_leftovers(folder: impl AsFolder) -> io::Result<usize> {
    let folder = folder.as_folder();
    let mut removed = 0;
    os::each_unlocked(folder, is_temporary_name, |name| {
        if os::remove(folder, name).is_ok() {
            removed += 1;
        }
    })?;
    Ok(removed)
}

/// Renames a file to a name that must be free, perhaps in another folder, by whatever the file system
/// has for that.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if the name is taken, else those of the system.
pub fn rename_new<F: AsFolder>(from: (F, &OsStr), to: (F, &OsStr)) -> io::Result<()> {
    os::rename_new((from.0.as_folder(), from.1), (to.0.as_folder(), to.1))
}

const TEMPORARY_PREFIX: &str = ".msgfs-";
const TEMPORARY_SUFFIX: &str = ".tmp";
const RANDOM_CHARACTERS: usize = 12;
/// A message with at most this many bytes is composed in memory and then written in one go. A
/// larger one is written to the file piece by piece.
const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024;
const PIECE_BYTES: usize = 256 * 1024;

/// Whether a file of this name is the temporary file of a commit.
pub fn is_temporary_name(name: &[u8]) -> bool {
    let random = name.strip_prefix(TEMPORARY_PREFIX.as_bytes());
    let random = random.and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX.as_bytes()));
    random.is_some_and(|random| {
        random.len() == RANDOM_CHARACTERS && random.iter().all(u8::is_ascii_hexdigit)
    })
}

struct Commit<'a> {
    folder: Folder<'a>,
    name: &'a OsStr,
    with: &'a Replacement<'a>,
}

/// A temporary file, which is removed when this is dropped, unless `kept` is set.
struct NewFile<'a> {
    folder: Folder<'a>,
    name: OsString,
    file: File,
    kept: bool,
}

impl Commit<'_> {
    /// Checks that the file is still the one that the edits began with, and returns it open; `None`
    /// if there is no file, as expected.
    fn check(&self, step: Step) -> Result<Option<File>, Error> {
        let opened = self.step(step, || os::open_existing(self.folder, self.name))?;
        match (opened, &self.with.expected) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::Exists { name: self.shown() }),
            (None, Some(_)) => Err(Error::Changed { name: self.shown() }),
            (Some(file), Some(expected)) => {
                let metadata = self.step_of(step, file.metadata())?;
                if FileState::from(&metadata) != *expected {
                    return Err(Error::Changed { name: self.shown() });
                }
                self.check_links(step, &file)?;
                Ok(Some(file))
            }
        }
    }

    /// Refuses a file with several names, because a rename would replace it under only one of them.
    fn check_links(&self, step: Step, file: &File) -> Result<(), Error> {
        match os::links(&self.step_of(step, file.metadata())?) {
            0 | 1 => Ok(()),
            links => Err(Error::Linked { name: self.shown(), links }),
        }
    }

    fn create(&self, old: Option<&File>) -> Result<NewFile<'_>, Error> {
        // Nobody else may read the file before it has the mode of the old one, so it begins with
        // 0600.
        let permissions =
            if old.is_some() { 0o600 } else { self.with.permissions.unwrap_or(0o666) };
        self.step(Step::Create, || {
            loop {
                let name = temporary_name()?;
                let Some(file) = os::create(self.folder, &name, permissions)? else { continue };
                let temporary = NewFile { folder: self.folder, name, file, kept: false };
                // Before it was locked, another process may have taken it for a leftover
                // (`remove_leftovers`) and removed it.
                if os::lock(&temporary.file) && os::links(&temporary.file.metadata()?) > 0 {
                    return Ok(temporary);
                }
            }
        })
    }

    fn write(&self, file: &File) -> Result<(), Error> {
        let mut hooked = Hooked { file, commit: self };
        let snapshot = match self.with.content {
            NewContent::Message(snapshot) => snapshot,
            NewContent::Bytes(bytes) => return self.step_of(Step::Write, copy(bytes, &mut hooked)),
        };
        if content_bytes(&snapshot.root()) <= MEMORY_BYTES_MAX {
            let bytes = fill(snapshot, Cursor::new(Vec::new()))?.into_inner();
            return self.step_of(Step::Write, hooked.write_all(&bytes));
        }
        fill(snapshot, hooked).map(drop)
    }

    fn verify(&self, file: &File) -> Result<(), Error> {
        let file = self.step(Step::Verify, || file.try_clone())?;
        let (written, _) = self.step_of(Step::Verify, Source::from_file(file))?;
        match self.with.content {
            NewContent::Message(snapshot) => self.verify_message(snapshot, written),
            NewContent::Bytes(bytes) => {
                match self.step_of(Step::Verify, same_bytes(bytes, &written))? {
                    true => Ok(()),
                    false => Err(self.unverified("the file".to_owned())),
                }
            }
        }
    }

    /// Opens the new file, and compares its storages and streams with those of the snapshot.
    fn verify_message(&self, snapshot: &Arc<CompoundFile>, written: Source) -> Result<(), Error> {
        let written = CompoundFile::open(written)?;
        let unverified = |place| self.unverified(place);
        if let Some(defect) = written.defects().first() {
            return Err(unverified(defect.place.clone()));
        }
        let mut pending = vec![(snapshot.root(), written.root())];
        while let Some((wanted, found)) = pending.pop() {
            let differs = || unverified(wanted.path());
            if wanted.clsid() != found.clsid() {
                return Err(differs());
            }
            let mut found_entries = found.entries();
            for entry in wanted.entries() {
                let twin = found_entries.next().ok_or_else(differs)?;
                if twin.name() != entry.name() {
                    return Err(differs());
                }
                match (entry, twin) {
                    (Entry::Storage(wanted), Entry::Storage(found)) => {
                        pending.push((wanted, found))
                    }
                    (Entry::Stream(wanted), Entry::Stream(found)) if same(&wanted, &found)? => {}
                    (entry, _) => return Err(unverified(entry.path())),
                }
            }
            if found_entries.next().is_some() {
                return Err(differs());
            }
        }
        Ok(())
    }

    fn unverified(&self, place: String) -> Error {
        Error::Unverified { name: self.shown(), place }
    }

    fn rename(&self, temporary: &NewFile<'_>) -> Result<(), Error> {
        let (from, to) = ((self.folder, temporary.name.as_os_str()), (self.folder, self.name));
        if self.with.expected.is_some() {
            return self.step(Step::Rename, || os::rename_over(from, to));
        }
        match self.step(Step::Rename, || os::rename_new(from, to)) {
            Err(Error::Replace { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Exists { name: self.shown() })
            }
            renamed => renamed,
        }
    }

    fn step<T>(&self, step: Step, run: impl FnOnce() -> io::Result<T>) -> Result<T, Error> {
        self.step_of(step, self.before(step).and_then(|()| run()))
    }

    fn before(&self, step: Step) -> io::Result<()> {
        self.with.hook.map_or(Ok(()), |hook| hook(step))
    }

    fn step_of<T>(&self, step: Step, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|source| Error::Replace { name: self.shown(), step, source })
    }

    fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = os::remove(self.folder, &self.name)
        {
            tracing::warn!(name = ?self.name, %error, "a temporary file could not be removed");
        }
    }
}

/// A file whose writes call the hook first.
struct Hooked<'a> {
    file: &'a File,
    commit: &'a Commit<'a>,
}

impl Read for Hooked<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }
}

impl Write for Hooked<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.commit.before(Step::Write)?;
        // Writes at most a piece at once, so that a test can make a write in the middle fail.
        self.file.write(buf.get(..PIECE_BYTES).unwrap_or(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Hooked<'_> {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        self.file.seek(pos)
    }
}

fn fill<F: Read + Write + Seek>(snapshot: &Arc<CompoundFile>, out: F) -> Result<F, Error> {
    let mut writer = Writer::create(out)?;
    match writer.copy_storage(&snapshot.root(), &[])?.into_iter().next() {
        Some(defect) => Err(Error::Incomplete(defect)),
        None => writer.finish(),
    }
}

/// Writes all the bytes of a source.
fn copy(from: &Source, to: &mut impl Write) -> io::Result<()> {
    let read = |at, piece: &mut [u8]| from.read_at(at, piece);
    pieces::each_piece(from.len(), read, |_, piece| to.write_all(piece))
}

/// Whether two sources hold the same bytes.
fn same_bytes(wanted: &Source, found: &Source) -> io::Result<bool> {
    let read = |at, buf: &mut [u8]| wanted.read_at(at, buf);
    let twin = |at, buf: &mut [u8]| found.read_at(at, buf);
    Ok(wanted.len() == found.len() && pieces::are_same(wanted.len(), read, twin)?)
}

fn temporary_name() -> io::Result<OsString> {
    let mut random = [0; RANDOM_CHARACTERS / 2];
    getrandom::fill(&mut random)?;
    let random = digest::hexadecimal(&random);
    Ok(format!("{TEMPORARY_PREFIX}{random}{TEMPORARY_SUFFIX}").into())
}

fn content_bytes(root: &Storage) -> u64 {
    let file = root.file();
    (0..file.entry_count())
        .fold(0, |sum: u64, id| sum.saturating_add(file.stored_len(super::EntryNumber(id))))
}

/// Whether two streams hold the same bytes.
fn same(wanted: &Stream, found: &Stream) -> Result<bool, Error> {
    if wanted.len() != found.len() {
        return Ok(false);
    }
    let (extents, others) = (wanted.extents(), found.extents());
    let read = |at, buf: &mut [u8]| extents.read_at(at, buf);
    pieces::are_same(wanted.len(), read, |at, buf: &mut [u8]| others.read_at(at, buf))
}
