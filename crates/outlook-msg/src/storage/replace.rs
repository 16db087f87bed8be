//! The commit: a file is replaced by another one as a whole, or stays as it is.
//!
//! The new file is made beside the old one, read back, and renamed over it. Whatever fails or
//! dies on the way, the name stands for the whole old file or the whole new one.

use std::ffi::{CStr, OsStr, OsString};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FlockOperation, Gid, Mode, OFlags, RenameFlags, Uid, XattrFlags};
use rustix::io::Errno;

use super::compound_file::CompoundFile;
use super::error::Error;
use super::object::{Entry, Storage};
use super::source::Source;
use super::stream::Stream;
use super::writer::Writer;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Of the file system.
    pub device: u64,
    /// Within it.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last modification: seconds and nanoseconds since 1970.
    pub mtime: (i64, i64),
    /// Last change, likewise.
    pub ctime: (i64, i64),
}

impl From<&Metadata> for FileState {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A step of a commit, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The file is looked at, whether it is still the one that was opened.
    Check,
    /// The temporary file is created.
    Create,
    /// A piece of it is written; many times.
    Write,
    /// It is read back and compared.
    Verify,
    /// Owner, mode and extended attributes are put on it.
    Attributes,
    /// Its bytes reach the disk.
    Sync,
    /// The file is looked at again.
    Recheck,
    /// The temporary file takes the place of the file.
    Rename,
    /// The folder reaches the disk.
    SyncFolder,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check | Self::Recheck => "looking at it",
            Self::Create => "creating a temporary file",
            Self::Write => "writing",
            Self::Verify => "reading back",
            Self::Attributes => "keeping its owner, mode and attributes",
            Self::Sync => "writing to the disk",
            Self::Rename => "renaming",
            Self::SyncFolder => "writing the folder to the disk",
        })
    }
}

/// Called before each step; an error makes that step fail.
pub type StepHook<'a> = &'a dyn Fn(Step) -> io::Result<()>;

/// Makes `name` in `folder` the file that `snapshot` is, and returns its attributes.
///
/// `expected` is the state of the file that the edits began with, `None` for a file that is not
/// there yet. Owner, mode and extended attributes stay. Other names of the same file (hard links)
/// keep the old one.
///
/// # Errors
/// `Changed`, `Exists`, `Incomplete`, `Name`, `Write`, `Replace`, `Unverified`: the file is as it
/// was, and no other one is left. `Unsynced`: the new file is there.
pub fn replace(
    folder: impl AsFd,
    name: &OsStr,
    expected: Option<FileState>,
    snapshot: &Arc<CompoundFile>,
) -> Result<Metadata, Error> {
    replace_with(folder, name, expected, snapshot, &|_| Ok(()))
}

/// [`replace`] with a hook before every step, for tests of what happens when one fails.
///
/// # Errors
/// As [`replace`].
pub fn replace_with(
    folder: impl AsFd,
    name: &OsStr,
    expected: Option<FileState>,
    snapshot: &Arc<CompoundFile>,
    hook: StepHook<'_>,
) -> Result<Metadata, Error> {
    let commit = Commit { folder: folder.as_fd(), name, expected, snapshot, hook };
    let old = commit.check(Step::Check)?;
    let mut temporary = commit.create(old.as_ref())?;
    commit.write(&temporary.file)?;
    commit.verify(&temporary.file)?;
    if let Some(old) = &old {
        commit.step(Step::Attributes, || keep_attributes(old, &temporary.file))?;
    }
    commit.step(Step::Sync, || temporary.file.sync_all())?;
    commit.check(Step::Recheck)?;
    commit.rename(&temporary)?;
    temporary.kept = true;
    let metadata = commit.step_of(Step::SyncFolder, temporary.file.metadata())?;
    match hook(Step::SyncFolder).and_then(|()| sync_folder(commit.folder)) {
        Ok(()) => Ok(metadata),
        Err(source) => {
            let (name, state) = (commit.shown(), FileState::from(&metadata));
            Err(Error::Unsynced { name, state, source })
        }
    }
}

/// Removes the temporary files of commits that were killed, and returns how many there were.
///
/// Those of commits under way, of any process, are left alone: they are locked.
///
/// # Errors
/// Those of reading the folder; a file that cannot be opened or removed is passed over.
pub fn remove_leftovers(folder: impl AsFd) -> io::Result<usize> {
    let folder = folder.as_fd();
    let mut removed = 0;
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        if !is_temporary_name(entry.file_name().to_bytes()) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(folder, entry.file_name(), flags, Mode::empty()) else {
            continue;
        };
        let is_file = File::from(file.try_clone()?).metadata()?.is_file();
        let unlocked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if is_file
            && unlocked
            && rustix::fs::unlinkat(folder, entry.file_name(), AtFlags::empty()).is_ok()
        {
            removed += 1;
        }
    }
    Ok(removed)
}

const TEMPORARY_PREFIX: &[u8] = b".msgfs-";
const TEMPORARY_SUFFIX: &[u8] = b".tmp";
const RANDOM_CHARACTERS: usize = 12;
/// Messages up to this many bytes are put together in memory, so that they are written at once.
const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024;
const PIECE_BYTES: usize = 256 * 1024;
/// The longest list of extended attributes, and the longest value of one, that Linux has.
const ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;

/// Whether a name is that of a temporary file of a commit.
pub fn is_temporary_name(name: &[u8]) -> bool {
    let random =
        name.strip_prefix(TEMPORARY_PREFIX).and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM_CHARACTERS && random.iter().all(u8::is_ascii_hexdigit)
    })
}

struct Commit<'a> {
    folder: BorrowedFd<'a>,
    name: &'a OsStr,
    expected: Option<FileState>,
    snapshot: &'a Arc<CompoundFile>,
    hook: StepHook<'a>,
}

/// A file that is removed unless it is kept.
struct Temporary<'a> {
    folder: BorrowedFd<'a>,
    name: OsString,
    file: File,
    kept: bool,
}

impl Commit<'_> {
    /// Whether the file is the one that the edits began with; opens it without its content.
    fn check(&self, step: Step) -> Result<Option<File>, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = self.step(step, || {
            match rustix::fs::openat(self.folder, self.name, flags, Mode::empty()) {
                // A link is not the file that was opened, whatever it leads to.
                Err(Errno::NOENT | Errno::LOOP) => Ok(None),
                opened => Ok(Some(File::from(opened?))),
            }
        })?;
        match (opened, &self.expected) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::Exists { name: self.shown() }),
            (None, Some(_)) => Err(Error::Changed { name: self.shown() }),
            (Some(file), Some(expected)) => {
                let metadata = self.step_of(step, file.metadata())?;
                if FileState::from(&metadata) != *expected {
                    return Err(Error::Changed { name: self.shown() });
                }
                Ok(Some(file))
            }
        }
    }

    fn create(&self, old: Option<&File>) -> Result<Temporary<'_>, Error> {
        // Nobody else may read it before it has the mode of the old file.
        let mode =
            if old.is_some() { Mode::from_raw_mode(0o600) } else { Mode::from_raw_mode(0o666) };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        self.step(Step::Create, || {
            loop {
                let name = temporary_name()?;
                let file: OwnedFd =
                    match rustix::fs::openat(self.folder, &name, flags | OFlags::NOFOLLOW, mode) {
                        Err(Errno::EXIST) => continue,
                        opened => opened?,
                    };
                let file = File::from(file);
                let temporary = Temporary { folder: self.folder, name, file, kept: false };
                let lock = FlockOperation::NonBlockingLockExclusive;
                match rustix::fs::flock(&temporary.file, lock) {
                    // Another process that removes leftovers was faster.
                    Err(Errno::WOULDBLOCK) => {}
                    Ok(()) if temporary.file.metadata()?.nlink() == 0 => {}
                    // Not every file system has locks.
                    Ok(()) | Err(_) => return Ok(temporary),
                }
            }
        })
    }

    fn write(&self, file: &File) -> Result<(), Error> {
        let root = self.snapshot.root();
        if content_bytes(&root) <= MEMORY_BYTES_MAX {
            let bytes = self.fill(Cursor::new(Vec::new()))?.into_inner();
            return self.step_of(Step::Write, Hooked { file, hook: self.hook }.write_all(&bytes));
        }
        self.fill(Hooked { file, hook: self.hook }).map(drop)
    }

    fn fill<F: Read + Write + Seek>(&self, out: F) -> Result<F, Error> {
        let mut writer = Writer::create(out)?;
        match writer.copy_storage(&self.snapshot.root(), &[])?.into_iter().next() {
            Some(defect) => Err(Error::Incomplete(defect)),
            None => writer.finish(),
        }
    }

    /// Reads the new file back as any reader would.
    fn verify(&self, file: &File) -> Result<(), Error> {
        let file = self.step(Step::Verify, || file.try_clone())?;
        let (source, _) = self.step_of(Step::Verify, Source::from_file(file))?;
        let written = CompoundFile::open(source)?;
        let unverified = |place: String| Error::Unverified { name: self.shown(), place };
        if let Some(defect) = written.defects().first() {
            return Err(unverified(defect.place.clone()));
        }
        let mut pending = vec![(self.snapshot.root(), written.root())];
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

    fn rename(&self, temporary: &Temporary<'_>) -> Result<(), Error> {
        let flags = match self.expected {
            Some(_) => RenameFlags::empty(),
            None => RenameFlags::NOREPLACE,
        };
        let renamed = self.step(Step::Rename, || {
            let to = (self.folder, self.name);
            match rustix::fs::renameat_with(self.folder, &temporary.name, to.0, to.1, flags) {
                // Some network file systems cannot rename without replacing; a link can.
                Err(Errno::INVAL | Errno::NOSYS) if !flags.is_empty() => {
                    let flags = AtFlags::empty();
                    rustix::fs::linkat(self.folder, &temporary.name, to.0, to.1, flags)?;
                    Ok(rustix::fs::unlinkat(self.folder, &temporary.name, flags)?)
                }
                renamed => Ok(renamed?),
            }
        });
        match renamed {
            Err(Error::Replace { source, .. })
                if source.kind() == io::ErrorKind::AlreadyExists && self.expected.is_none() =>
            {
                Err(Error::Exists { name: self.shown() })
            }
            renamed => renamed,
        }
    }

    fn step<T>(&self, step: Step, run: impl FnOnce() -> io::Result<T>) -> Result<T, Error> {
        self.step_of(step, (self.hook)(step).and_then(|()| run()))
    }

    fn step_of<T>(&self, step: Step, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|source| Error::Replace { name: self.shown(), step, source })
    }

    fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = rustix::fs::unlinkat(self.folder, &self.name, AtFlags::empty())
        {
            tracing::warn!(name = ?self.name, %error, "a temporary file could not be removed");
        }
    }
}

/// A file with the hook before every write to it.
struct Hooked<'a> {
    file: &'a File,
    hook: StepHook<'a>,
}

impl Read for Hooked<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read(buf)
    }
}

impl Write for Hooked<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (self.hook)(Step::Write)?;
        // By pieces, so that a failure in the middle is a case of its own.
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

fn temporary_name() -> io::Result<OsString> {
    let mut random = [0; RANDOM_CHARACTERS / 2];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(OsString::from_vec([TEMPORARY_PREFIX, random.as_bytes(), TEMPORARY_SUFFIX].concat()))
}

fn content_bytes(root: &Storage) -> u64 {
    let file = root.file();
    (0..file.entry_count())
        .fold(0, |sum: u64, id| sum.saturating_add(file.stored_len(super::EntryId(id))))
}

/// Whether two streams hold the same bytes.
fn same(wanted: &Stream, found: &Stream) -> Result<bool, Error> {
    if wanted.len() != found.len() {
        return Ok(false);
    }
    let (wanted, found) = (wanted.extents(), found.extents());
    let len = wanted.stream().len();
    let piece = usize::try_from(len).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
    let (mut a, mut b) = (vec![0; piece], vec![0; piece]);
    let mut offset = 0;
    while offset < len {
        let (read, twin) = (wanted.read_at(offset, &mut a)?, found.read_at(offset, &mut b)?);
        if read == 0 || read != twin || a.get(..read) != b.get(..read) {
            return Ok(false);
        }
        offset += read as u64;
    }
    Ok(true)
}

fn keep_attributes(old: &File, new: &File) -> io::Result<()> {
    let (old_metadata, new_metadata) = (old.metadata()?, new.metadata()?);
    let owner = (old_metadata.uid(), old_metadata.gid());
    if owner != (new_metadata.uid(), new_metadata.gid()) {
        let (uid, gid) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        rustix::fs::fchown(new, Some(uid), Some(gid))?;
    }
    let mut names = vec![0; ATTRIBUTE_BYTES_MAX];
    let len = match rustix::fs::flistxattr(old, names.as_mut_slice()) {
        Err(Errno::OPNOTSUPP) => 0,
        len => len?,
    };
    names.truncate(len);
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        if let Err(error) = copy_attribute(old, new, name) {
            // The labels of security modules are theirs to give.
            if !name.to_bytes().starts_with(b"security.") {
                return Err(error.into());
            }
        }
    }
    // Last, since a change of the owner or of an access list changes the mode.
    Ok(rustix::fs::fchmod(new, Mode::from_raw_mode(old_metadata.mode() & 0o7777))?)
}

fn copy_attribute(old: &File, new: &File, name: &CStr) -> Result<(), Errno> {
    let mut value = vec![0; ATTRIBUTE_BYTES_MAX];
    let len = rustix::fs::fgetxattr(old, name, value.as_mut_slice())?;
    value.truncate(len);
    rustix::fs::fsetxattr(new, name, &value, XattrFlags::empty())
}

/// A folder on a file system that cannot be told to write it counts as written.
fn sync_folder(folder: BorrowedFd<'_>) -> io::Result<()> {
    // The descriptor may be one that only names the folder (`O_PATH`).
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(folder, ".", flags, Mode::empty())?;
    match rustix::fs::fsync(&folder) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => Ok(synced?),
    }
}
