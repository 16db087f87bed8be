//! The directory that a command writes its output into. Nothing outside of it is changed.
//!
//! Each directory is opened by its name in the one around it, and never through a link. A new file
//! has another name until it is whole, and so has the new directory of a message: nobody takes a
//! part for the whole, also if the command is killed. This module knows nothing of messages.
//!
//! No copy can be read by more users than its source: it has the permissions of the source, less
//! the umask. If the copy has another group than the source, the group bits of the source do not
//! count.

mod created;
mod left;
mod permissions;
mod there;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Component, Path};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use created::CreatedDirectories;
use left::is_locked;
pub(super) use left::is_unfinished_name;
pub(super) use permissions::Permissions;
pub(super) use there::{There, is_about};

/// The target, locked against another command that writes into it.
#[derive(Debug)]
pub(super) struct OutputTarget {
    root: OutputDirectory,
    /// The target, and the directories around it, as far as this command created them.
    created: CreatedDirectories,
    is_new: bool,
    folds_case: bool,
}

/// A directory in the target.
#[derive(Debug)]
pub(super) struct OutputDirectory {
    file: File,
    is_new: bool,
    /// Whether it, or a directory around it, gets its name only when everything is in it.
    is_unfinished: bool,
    /// Permissions for which a file was created here and got none that they do not allow. The next
    /// file that is created for them need not be checked.
    exact: OnceLock<Permissions>,
}

/// A directory that has another name until everything is in it. Dropping it before removes it.
#[derive(Debug)]
pub(super) struct UnfinishedDirectory {
    around: OutputDirectory,
    /// The name until then.
    name: OsString,
    /// The directory.
    pub(super) directory: OutputDirectory,
    is_done: bool,
}

/// A file that is being written. Dropping it before it is whole removes it.
#[derive(Debug)]
pub(super) struct Unfinished<'a> {
    directory: &'a OutputDirectory,
    name: OsString,
    /// The content.
    pub(super) file: File,
    is_done: bool,
}

/// The permissions that the owner of a directory needs to fill it.
const FILL: u16 = 0o700;
/// How often something is created again that another command has just removed as left over.
const TRIES_MAX: usize = 8;

/// Opens a directory, but not through a link.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl OutputTarget {
    /// Opens a directory, and creates it if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let created = CreatedDirectories::create(path)?;
        match Self::begin(path) {
            Ok(mut target) => {
                target.is_new = created.has(path);
                target.created = created;
                Ok(target)
            }
            Err(error) => {
                created.remove_empty();
                Err(error)
            }
        }
    }

    /// Opens a directory that is there.
    fn begin(path: &Path) -> io::Result<Self> {
        let root = OutputDirectory::open(path)?;
        // Not every file system has locks, which is no reason to refuse it.
        let lock = FlockOperation::NonBlockingLockExclusive;
        if rustix::fs::flock(&root.file, lock) == Err(Errno::WOULDBLOCK) {
            return Err(io::Error::other("another msgfs is writing into it"));
        }
        let folds_case = root.folds_case()?;
        let created = CreatedDirectories::default();
        let target = Self { root, created, is_new: false, folds_case };
        target.begin_run()?;
        Ok(target)
    }

    /// Narrows the permissions of the target itself, before anything is extracted. A directory that
    /// was there before keeps its own.
    pub(super) fn narrow_if_new(&self, like: Permissions) -> io::Result<()> {
        match self.is_new {
            true => like.narrow(&self.root.file, FILL).map(drop),
            false => Ok(()),
        }
    }

    /// Removes the directories that this command created for the target, if nothing is in them: a
    /// command that failed and wrote nothing leaves no target.
    pub(super) fn remove_if_empty(mut self) {
        let created = std::mem::take(&mut self.created);
        // Dropping it removes the note of the run.
        drop(self);
        created.remove_empty();
    }

    /// Whether names that differ in case only are the same.
    pub(super) fn folds_case(&self) -> bool {
        self.folds_case
    }

    /// Opens the directory at a path in the target. Creates it, and those around it, if they are
    /// not there.
    pub(super) fn directory(&self, path: &Path, like: Permissions) -> io::Result<OutputDirectory> {
        self.root.below(path, like)
    }
}

impl OutputDirectory {
    /// Opens the directory at a path below this one. Creates it, and those around it, if they are
    /// not there.
    pub(super) fn below(&self, path: &Path, like: Permissions) -> io::Result<Self> {
        let mut directory = self.clone()?;
        for component in path.components() {
            match component {
                Component::Normal(name) => directory = directory.subdirectory(name, like)?,
                _ => return Err(io::Error::other("leads out of the directory")),
            }
        }
        Ok(directory)
    }

    /// Opens a directory in this one, and creates it if it is not there.
    pub(super) fn subdirectory(&self, name: &OsStr, like: Permissions) -> io::Result<Self> {
        if let Some(there) = self.existing(name)? {
            return Ok(there);
        }
        match rustix::fs::mkdirat(&self.file, name, mode(like.mode | FILL)) {
            Ok(()) => {
                let made = self.existing(name)?.ok_or(Errno::NOENT)?;
                like.narrow(&made.file, FILL)?;
                Ok(Self { is_new: true, ..made })
            }
            // Another thread was faster.
            Err(Errno::EXIST) => Ok(self.existing(name)?.ok_or(Errno::NOENT)?),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory at a path below this one; `None` if it is not there.
    pub(super) fn existing_below(&self, path: &Path) -> io::Result<Option<Self>> {
        let mut directory = self.clone()?;
        for name in path {
            match directory.existing(name)? {
                Some(inner) => directory = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(directory))
    }

    /// Begins a directory of this name in this one. Nothing may have the name, unless what is begun
    /// is to replace it.
    pub(super) fn begin(self, name: &OsStr, like: Permissions) -> io::Result<UnfinishedDirectory> {
        let unfinished = unfinished_name(name);
        for _ in 0..TRIES_MAX {
            // A command that was killed may have left it. What is in it may be of an earlier state
            // of the source, and is of no use.
            self.clear(&unfinished)?;
            let directory = Self { is_unfinished: true, ..self.subdirectory(&unfinished, like)? };
            if self.keep(&unfinished, &directory.file)? {
                let (around, name, is_done) = (self, unfinished, false);
                return Ok(UnfinishedDirectory { around, name, directory, is_done });
            }
        }
        Err(busy())
    }

    /// Locks something unfinished that was just created, so that no other command removes it.
    /// Returns false if one did so before the lock: then it must be created again.
    fn keep(&self, name: &OsStr, file: &File) -> io::Result<bool> {
        // Another command has the lock for a moment only, while it removes it. Not every file
        // system has locks; without them, no command removes what it did not create.
        let lock = || rustix::fs::flock(file, FlockOperation::LockExclusive);
        let _ = rustix::io::retry_on_intr(lock);
        self.is_named(name, file)
    }

    /// Removes what a killed command has left under an unfinished name. It is an error if a command
    /// is writing it: that one would give its name to what this one begins.
    fn clear(&self, name: &OsStr) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match rustix::fs::openat(&self.file, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => Ok(()),
            Ok(left) => {
                // Locked until it is removed: a command that has just created it waits for that.
                let left = File::from(left);
                if is_locked(&left) { Err(busy()) } else { self.remove_all(name) }
            }
            // A link, or a file that may not be read.
            Err(_) => self.remove_all(name),
        }
    }

    /// Removes a file or link, or a directory with all that is in it. One that is not there is no
    /// error. No link is followed.
    fn remove_all(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.file, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {
                let here = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                std::fs::remove_dir_all(Path::new(&here).join(name))
            }
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A directory in this one; `None` if it is not there.
    pub(super) fn existing(&self, name: &OsStr) -> io::Result<Option<Self>> {
        match rustix::fs::openat(&self.file, name, DIRECTORY, Mode::empty()) {
            Ok(directory) => {
                let is_unfinished = self.is_unfinished;
                Ok(Some(Self { is_unfinished, ..Self::of(directory.into()) }))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                Err(io::Error::other("a file or link is in the way of the directory"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn of(file: File) -> Self {
        Self { file, is_new: false, is_unfinished: false, exact: OnceLock::new() }
    }

    /// Whether it was created for this run: nothing is in it but what this run has put there.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Opens the file of this name. `None` if there is none, or something else, such as a link.
    pub(super) fn file(&self, name: &OsStr) -> Option<File> {
        // NONBLOCK: it may be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::openat(&self.file, name, flags, Mode::empty()).ok()?);
        file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(file)
    }

    /// The target of the link of this name; `None` if there is no link.
    pub(super) fn link(&self, name: &OsStr) -> Option<Vec<u8>> {
        let target = rustix::fs::readlinkat(&self.file, name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }

    /// Begins a file of this name.
    pub(super) fn create(&self, name: &OsStr, like: Permissions) -> io::Result<Unfinished<'_>> {
        let name = if self.is_unfinished { name.to_owned() } else { unfinished_name(name) };
        let file = self.create_new(&name, like)?;
        if self.exact.get() != Some(&like) && !like.narrow(&file, 0)? {
            // Most files in a directory have the same permissions, so those of the first one are
            // noted.
            let _ = self.exact.set(like);
        }
        Ok(Unfinished { directory: self, name, file, is_done: false })
    }

    /// Creates a file that nobody else writes.
    fn create_new(&self, name: &OsStr, like: Permissions) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        for _ in 0..TRIES_MAX {
            match rustix::fs::openat(&self.file, name, flags, mode(like.mode)) {
                // A command that was killed has left it behind.
                Err(Errno::EXIST) => self.clear(name)?,
                Err(error) => return Err(error.into()),
                Ok(file) => {
                    let file = File::from(file);
                    // The lock of an unfinished directory counts for what is in it.
                    if self.is_unfinished || self.keep(name, &file)? {
                        return Ok(file);
                    }
                }
            }
        }
        Err(busy())
    }

    /// Removes a file or link. One that is not there is no error.
    #[cfg(feature = "table")]
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.file, name, AtFlags::empty()) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a link, in place of whatever file or link is there.
    pub(super) fn make_link(&self, name: &OsStr, target: &Path) -> io::Result<()> {
        let unfinished = unfinished_name(name);
        for _ in 0..TRIES_MAX {
            match rustix::fs::symlinkat(target, &self.file, &unfinished) {
                Err(Errno::EXIST) => {
                    rustix::fs::unlinkat(&self.file, &unfinished, AtFlags::empty())?;
                    rustix::fs::symlinkat(target, &self.file, &unfinished)?;
                }
                made => made?,
            }
            match rustix::fs::renameat(&self.file, &unfinished, &self.file, name) {
                // A link cannot be locked, so a command that has just begun has taken it for one
                // that a killed command left, and has removed it.
                Err(Errno::NOENT) => {}
                renamed => return Ok(renamed?),
            }
        }
        Err(busy())
    }

    /// Whether the directory itself has this time.
    pub(super) fn has_time(&self, time: SystemTime) -> bool {
        self.file.metadata().is_ok_and(|found| is_about(&found, time))
    }

    /// Sets the time of the directory itself.
    pub(super) fn set_time(&self, time: SystemTime) -> io::Result<()> {
        set_time(&self.file, time)
    }

    /// Opens the directory at a path, also through a link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        Ok(Self::of(rustix::fs::open(path, flags, Mode::empty())?.into()))
    }

    fn clone(&self) -> io::Result<Self> {
        let file = self.file.as_fd().try_clone_to_owned()?.into();
        Ok(Self { is_new: self.is_new, is_unfinished: self.is_unfinished, ..Self::of(file) })
    }

    /// Whether names that differ in case only are the same. A file is created to find out, since no
    /// system call tells it.
    fn folds_case(&self) -> io::Result<bool> {
        let name = OsStr::new("case");
        let unfinished = self.create(name, Permissions::OWN)?;
        let upper = unfinished.name.to_ascii_uppercase();
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::statat(&self.file, &upper, flags).is_ok())
    }
}

impl Unfinished<'_> {
    /// Gives the whole file its time and its name, in place of whatever file or link has it.
    pub(super) fn finish(mut self, name: &OsStr, time: SystemTime) -> io::Result<()> {
        set_time(&self.file, time)?;
        if self.name != name {
            let directory = &self.directory.file;
            rustix::fs::renameat(directory, &self.name, directory, name)?;
        }
        self.is_done = true;
        Ok(())
    }
}

impl UnfinishedDirectory {
    /// Gives the directory its name, now that everything is in it.
    pub(super) fn finish(mut self, name: &OsStr) -> io::Result<()> {
        let around = &self.around.file;
        rustix::fs::renameat(around, &self.name, around, name)?;
        self.is_done = true;
        Ok(())
    }

    /// As [`UnfinishedDirectory::finish`], in place of the directory that has the name, which goes
    /// with all that is in it.
    pub(super) fn replace(self, name: &OsStr) -> io::Result<()> {
        // Drop removes the old one, which has the unfinished name now.
        self.around.exchange(&self.around, &self.name, name)
    }

    /// Moves what is in the directory into the one around it, each in place of what has its name.
    pub(super) fn spread(self) -> io::Result<()> {
        for (name, _) in self.directory.entries()? {
            match rustix::fs::statat(&self.around.file, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => self.directory.exchange(&self.around, &name, &name)?,
                Err(_) => {
                    rustix::fs::renameat(&self.directory.file, &name, &self.around.file, &name)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for UnfinishedDirectory {
    fn drop(&mut self) {
        if !self.is_done {
            // Nobody would look for it: the command does not count as killed.
            let _ = self.around.remove_all(&self.name);
        }
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            // What cannot be removed is overwritten by the next extraction.
            let _ = rustix::fs::unlinkat(&self.directory.file, &self.name, AtFlags::empty());
        }
    }
}

/// Sets the modification and access time.
pub(super) fn set_time(file: &File, time: SystemTime) -> io::Result<()> {
    let time = timespec(time);
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: time, last_modification: time })?)
}

fn mode(bits: u16) -> Mode {
    Mode::from_raw_mode(bits.into())
}

fn busy() -> io::Error {
    io::Error::other("another msgfs is writing it; wait until that one has ended")
}

/// The name of a file until it is whole: the same each time, so that it is found again.
fn unfinished_name(name: &OsStr) -> OsString {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!(".msgfs-{:016x}.part", hasher.finish()).into()
}

fn timespec(time: SystemTime) -> Timespec {
    let (seconds, nanos) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
        Err(before) => {
            // Nanoseconds count forwards from the second before.
            let before = before.duration();
            let up = u64::from(before.subsec_nanos() > 0);
            let whole = Duration::from_secs(before.as_secs().saturating_add(up));
            let seconds = i64::try_from(whole.as_secs()).unwrap_or(i64::MAX);
            (-seconds, whole.saturating_sub(before).subsec_nanos())
        }
    };
    Timespec { tv_sec: seconds, tv_nsec: i64::from(nanos) }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::{OutputTarget, Permissions, timespec};

    #[test]
    fn links_do_not_lead_out() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        fs::write(outside.path().join("file"), "kept").unwrap();
        symlink(outside.path(), at("directory")).unwrap();
        symlink(outside.path().join("file"), at("file")).unwrap();
        let target = OutputTarget::open(inside.path()).unwrap();
        assert!(target.directory(Path::new("directory"), Permissions::OWN).is_err());
        assert!(target.directory(Path::new("directory/below"), Permissions::OWN).is_err());
        assert!(target.directory(Path::new("../x"), Permissions::OWN).is_err());
        let root = target.directory(Path::new(""), Permissions::OWN).unwrap();
        assert!(root.file(OsStr::new("file")).is_none());
        let mut file = root.create(OsStr::new("file"), Permissions::OWN).unwrap();
        file.file.write_all(b"new").unwrap();
        file.finish(OsStr::new("file"), SystemTime::now()).unwrap();
        assert_eq!(fs::read(outside.path().join("file")).unwrap(), b"kept");
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        assert!(!at("file").is_symlink());
    }

    #[test]
    fn what_is_not_finished_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let target = OutputTarget::open(directory.path()).unwrap();
        assert!(OutputTarget::open(directory.path()).unwrap_err().to_string().contains("another"));
        let root = target.directory(Path::new(""), Permissions::OWN).unwrap();
        drop(root.create(OsStr::new("file"), Permissions::OWN).unwrap());
        assert!(!target.folds_case());
        drop((root, target));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn times_before_1970() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_millis(1500);
        let found = timespec(time);
        assert_eq!((found.tv_sec, found.tv_nsec), (-2, 500_000_000));
    }
}
