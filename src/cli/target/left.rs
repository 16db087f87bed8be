//! What commands that were killed have left in a target: unfinished files and directories.
//!
//! A command overwrites what an earlier one has left of the same file. If the earlier command made
//! other files, or a message is gone from the source, nobody would ever look at it again. So each
//! command has a note in the root of its target, and removes the note when it ends. If the next
//! command finds the note, or anything else that is unfinished, it goes through the whole target.
//! Without the note each command would have to do so, and a target may be the home of the user.
//!
//! Another command may be writing into a directory of the target, or into one around it. The first
//! has locked its directory. The second has locked each unfinished file and directory in it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::UNIX_EPOCH;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{OutputDirectory, OutputTarget, set_time, unfinished_name};

/// At most this many directories inside each other are looked into, since each of them is open.
const DEPTH_MAX: usize = 256;
/// What an unfinished name has around its hash.
const PREFIX: &[u8] = b".msgfs-";
const SUFFIX: &[u8] = b".part";
const HASH_DIGITS: usize = 16;

/// The note of a command in the root of its target. No file has this name when it is finished.
fn note_name() -> OsString {
    unfinished_name(OsStr::new(""))
}

/// Whether only something unfinished has this name.
pub(in crate::cli) fn is_unfinished_name(name: &OsStr) -> bool {
    let hash = name.as_bytes().strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    hash.is_some_and(|hash| {
        hash.len() == HASH_DIGITS
            && hash.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
    })
}

/// Locks something, unless another command has locked it or the file system has no locks.
fn is_lockable(file: &File) -> bool {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Whether another command has locked something, and so is writing it.
pub(super) fn is_locked(file: &File) -> bool {
    let lock = FlockOperation::NonBlockingLockExclusive;
    rustix::fs::flock(file, lock) == Err(Errno::WOULDBLOCK)
}

impl OutputTarget {
    /// Removes what killed commands have left in the target, and writes the note of this one.
    pub(super) fn begin_run(&self) -> io::Result<()> {
        let root = &self.root;
        if root.entries()?.iter().any(|(name, _)| is_unfinished_name(name)) {
            root.remove_left(root.file.metadata()?.dev(), 0);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&root.file, note_name(), flags, Mode::RUSR | Mode::WUSR)?;
        Ok(())
    }
}

impl Drop for OutputTarget {
    fn drop(&mut self) {
        // The root may have got the time of its source.
        let time = self.root.file.metadata().and_then(|root| root.modified());
        // If the note stays, the next command goes through the target, which does no harm.
        let _ = rustix::fs::unlinkat(&self.root.file, note_name(), AtFlags::empty());
        let _ = set_time(&self.root.file, time.unwrap_or(UNIX_EPOCH));
    }
}

impl OutputDirectory {
    /// Removes what is left in this directory and in those below it. What cannot be looked at or
    /// removed stays: it is of no use, but does no harm either.
    fn remove_left(&self, device: u64, depth: usize) {
        for (name, file_type) in self.entries().unwrap_or_default() {
            if is_unfinished_name(&name) {
                self.remove_if_left(&name, file_type);
            } else if file_type == FileType::Directory
                && depth < DEPTH_MAX
                && let Ok(Some(inner)) = self.existing(&name)
                // Another file system was mounted there: msgfs may have written into it, but the
                // user may also have mounted an archive that takes hours to go through.
                && inner.file.metadata().is_ok_and(|found| found.dev() == device)
                && is_lockable(&inner.file)
            {
                inner.remove_left(device, depth + 1);
            }
        }
    }

    /// Removes something that has an unfinished name, unless a command is writing it.
    fn remove_if_left(&self, name: &OsStr, file_type: FileType) {
        match file_type {
            FileType::RegularFile | FileType::Directory => {}
            // A link cannot be locked. If a command is making it, that one makes it again.
            FileType::Symlink => {
                let _ = rustix::fs::unlinkat(&self.file, name, AtFlags::empty());
                return;
            }
            _ => return,
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let Ok(left) = rustix::fs::openat(&self.file, name, flags, Mode::empty()) else { return };
        let left = File::from(left);
        // A command that was writing it may have finished it before this one got the lock, and may
        // have begun the next one of this name.
        if is_lockable(&left) && self.is_named(name, &left).unwrap_or(false) {
            let _ = self.remove_all(name);
        }
    }

    /// Whether this file or directory has this name here.
    pub(super) fn is_named(&self, name: &OsStr, file: &File) -> io::Result<bool> {
        match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) => Ok(named.st_ino == file.metadata()?.ino()),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in this directory, and what has them.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, FileType)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.file)? {
            let entry = entry?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            let file_type = match entry.file_type() {
                // Not every file system tells it.
                FileType::Unknown => {
                    match rustix::fs::statat(&self.file, &name, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(found) => FileType::from_raw_mode(found.st_mode),
                        Err(_) => continue,
                    }
                }
                known => known,
            };
            entries.push((name, file_type));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::Path;

    use super::super::{OutputTarget, Permissions, unfinished_name};
    use super::is_unfinished_name;

    const LEFT: &str = ".msgfs-0123456789abcdef.part";

    #[test]
    fn only_names_of_ours_are_unfinished() {
        assert!(is_unfinished_name(&unfinished_name(OsStr::new("a"))));
        assert!(is_unfinished_name(OsStr::new(LEFT)));
        for other in [
            ".msgfs-0123456789abcde.part",
            ".msgfs-0123456789ABCDEF.part",
            ".msgfs-0123456789abcdef",
            ".msgfs-notes.part",
            "a.msgfs-0123456789abcdef.part",
            "film.part",
        ] {
            assert!(!is_unfinished_name(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn what_a_killed_command_left_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("folder/a.msg")).unwrap();
        fs::create_dir_all(at("folder").join(LEFT).join("attachments")).unwrap();
        fs::write(at("folder/a.msg").join(LEFT), "half").unwrap();
        std::os::unix::fs::symlink("film.part", at("folder/.msgfs-00000000000000aa.part")).unwrap();
        std::os::unix::fs::symlink("film.part", at("folder/.msgfs-notes.part")).unwrap();
        fs::write(at("folder/film.part"), "kept").unwrap();
        // A command that ended itself has left nothing, so nobody looks.
        drop(OutputTarget::open(directory.path()).unwrap());
        assert!(at("folder").join(LEFT).exists());
        std::mem::forget(OutputTarget::open(directory.path()));
        assert!(OutputTarget::open(directory.path()).is_err());
        fs::write(at(LEFT), "half").unwrap();
        let copy = tempfile::tempdir().unwrap();
        fs::rename(at("folder"), copy.path().join("folder")).unwrap();
        fs::rename(at(LEFT), copy.path().join(LEFT)).unwrap();
        let target = OutputTarget::open(copy.path()).unwrap();
        let at = |name: &str| copy.path().join(name);
        assert!(!at("folder").join(LEFT).exists() && !at(LEFT).exists());
        assert!(!at("folder/a.msg").join(LEFT).exists());
        assert!(!at("folder/.msgfs-00000000000000aa.part").is_symlink());
        assert!(at("folder/.msgfs-notes.part").is_symlink());
        assert_eq!(fs::read(at("folder/film.part")).unwrap(), b"kept");
        drop(target);
        assert_eq!(fs::read_dir(copy.path()).unwrap().count(), 1);
    }

    /// One command writes into a folder, another one into a folder in it.
    #[test]
    fn what_another_command_is_writing_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (name, own) = (OsStr::new("a.msg"), Permissions::OWN);
        let outer = OutputTarget::open(directory.path()).unwrap();
        let folder = || outer.directory(Path::new("folder"), own).unwrap();
        let message = folder().begin(name, own).unwrap();
        let around = folder();
        let file = around.create(OsStr::new("b.eml"), own).unwrap();
        let inner = OutputTarget::open(&directory.path().join("folder")).unwrap();
        assert!(around.create(OsStr::new("b.eml"), own).is_err());
        file.finish(OsStr::new("b.eml"), std::time::SystemTime::now()).unwrap();
        message.finish(name).unwrap();
        drop(outer);
        // Now the inner one is the first.
        let root = inner.directory(Path::new(""), own).unwrap();
        let file = root.create(OsStr::new("c.eml"), own).unwrap();
        fs::write(directory.path().join(LEFT), "half").unwrap();
        let outer = OutputTarget::open(directory.path()).unwrap();
        assert!(!directory.path().join(LEFT).exists());
        file.finish(OsStr::new("c.eml"), std::time::SystemTime::now()).unwrap();
        drop((inner, outer));
        let mut names: Vec<_> = fs::read_dir(directory.path().join("folder"))
            .unwrap()
            .map(|one| one.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["a.msg", "b.eml", "c.eml"]);
    }
}
