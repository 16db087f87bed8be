//! The directory that is written into, and nothing outside of it.
//!
//! Each directory is opened by its name in the one around it, and never through a link. A file is
//! written under another name and renamed once it is whole. Knows nothing of messages.

use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

/// The target, locked against another extraction into it.
#[derive(Debug)]
pub(super) struct Target {
    root: Directory,
    folds_case: bool,
}

/// A directory in the target.
#[derive(Debug)]
pub(super) struct Directory {
    file: File,
}

/// A file that is being written. Dropping it before it is whole removes it.
#[derive(Debug)]
pub(super) struct Unfinished<'a> {
    directory: &'a Directory,
    name: String,
    /// The content.
    pub(super) file: File,
    is_done: bool,
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Target {
    /// Opens a directory, and creates it if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = Directory { file: rustix::fs::open(path, flags, Mode::empty())?.into() };
        // Not every file system has locks, which is no reason to refuse it.
        let lock = FlockOperation::NonBlockingLockExclusive;
        if rustix::fs::flock(&root.file, lock) == Err(Errno::WOULDBLOCK) {
            return Err(io::Error::other("another extraction is writing into it"));
        }
        let folds_case = root.folds_case()?;
        Ok(Self { root, folds_case })
    }

    /// Whether names that differ in case only are the same.
    pub(super) fn folds_case(&self) -> bool {
        self.folds_case
    }

    /// A directory, created if it is not there, and those around it too.
    pub(super) fn directory(&self, path: &Path) -> io::Result<Directory> {
        let mut directory = self.root.clone()?;
        for component in path.components() {
            match component {
                Component::Normal(name) => directory = directory.subdirectory(name)?,
                _ => return Err(io::Error::other("leads out of the directory")),
            }
        }
        Ok(directory)
    }
}

impl Directory {
    /// A directory in this one, created if it is not there.
    pub(super) fn subdirectory(&self, name: &OsStr) -> io::Result<Self> {
        let open = || rustix::fs::openat(&self.file, name, DIRECTORY, Mode::empty());
        let opened = match open() {
            Err(Errno::NOENT) => {
                match rustix::fs::mkdirat(&self.file, name, Mode::from_raw_mode(0o777)) {
                    // Another thread was faster.
                    Ok(()) | Err(Errno::EXIST) => open(),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        };
        match opened {
            Ok(directory) => Ok(Self { file: directory.into() }),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                Err(io::Error::other("a file or link is in the way of the directory"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A file that is there; `None` if it is none, or a link.
    pub(super) fn file(&self, name: &OsStr) -> Option<File> {
        // NONBLOCK: it may be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::openat(&self.file, name, flags, Mode::empty()).ok()?);
        file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(file)
    }

    /// The target of a link that is there.
    pub(super) fn link(&self, name: &OsStr) -> Option<Vec<u8>> {
        let target = rustix::fs::readlinkat(&self.file, name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }

    /// Begins a file of this name.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<Unfinished<'_>> {
        let name = unfinished_name(name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let create = || rustix::fs::openat(&self.file, &name, flags, mode);
        let file = match create() {
            // Left behind by an extraction that was killed: there is no other one now.
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(&self.file, &name, AtFlags::empty())?;
                create()?
            }
            created => created?,
        };
        Ok(Unfinished { directory: self, name, file: file.into(), is_done: false })
    }

    /// Makes a link, in place of whatever file or link is there.
    pub(super) fn make_link(&self, name: &OsStr, target: &Path) -> io::Result<()> {
        let unfinished = unfinished_name(name);
        match rustix::fs::symlinkat(target, &self.file, &unfinished) {
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(&self.file, &unfinished, AtFlags::empty())?;
                rustix::fs::symlinkat(target, &self.file, &unfinished)?;
            }
            made => made?,
        }
        Ok(rustix::fs::renameat(&self.file, &unfinished, &self.file, name)?)
    }

    /// Sets the time of the directory itself.
    pub(super) fn set_time(&self, time: SystemTime) -> io::Result<()> {
        set_time(&self.file, time)
    }

    fn clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.as_fd().try_clone_to_owned()?.into() })
    }

    /// Tries it out, since no file system tells.
    fn folds_case(&self) -> io::Result<bool> {
        let name = OsStr::new("case");
        let unfinished = self.create(name)?;
        let upper = unfinished.name.to_uppercase();
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::statat(&self.file, &upper, flags).is_ok())
    }
}

impl Unfinished<'_> {
    /// Gives the whole file its time and its name, in place of whatever file or link has it.
    pub(super) fn finish(mut self, name: &OsStr, time: SystemTime) -> io::Result<()> {
        set_time(&self.file, time)?;
        let directory = &self.directory.file;
        rustix::fs::renameat(directory, &self.name, directory, name)?;
        self.is_done = true;
        Ok(())
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

/// The name of a file until it is whole: the same each time, so that it is found again.
fn unfinished_name(name: &OsStr) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!(".msgfs-{:016x}.part", hasher.finish())
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

    use super::{Target, timespec};

    #[test]
    fn links_do_not_lead_out() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        fs::write(outside.path().join("file"), "kept").unwrap();
        symlink(outside.path(), at("directory")).unwrap();
        symlink(outside.path().join("file"), at("file")).unwrap();
        let target = Target::open(inside.path()).unwrap();
        assert!(target.directory(Path::new("directory")).is_err());
        assert!(target.directory(Path::new("directory/below")).is_err());
        assert!(target.directory(Path::new("../x")).is_err());
        let root = target.directory(Path::new("")).unwrap();
        assert!(root.file(OsStr::new("file")).is_none());
        let mut file = root.create(OsStr::new("file")).unwrap();
        file.file.write_all(b"new").unwrap();
        file.finish(OsStr::new("file"), SystemTime::now()).unwrap();
        assert_eq!(fs::read(outside.path().join("file")).unwrap(), b"kept");
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        assert!(!at("file").is_symlink());
    }

    #[test]
    fn what_is_not_finished_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::open(directory.path()).unwrap();
        assert!(Target::open(directory.path()).unwrap_err().to_string().contains("another"));
        let root = target.directory(Path::new("")).unwrap();
        drop(root.create(OsStr::new("file")).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(!target.folds_case());
    }

    #[test]
    fn times_before_1970() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_millis(1500);
        let found = timespec(time);
        assert_eq!((found.tv_sec, found.tv_nsec), (-2, 500_000_000));
    }
}
