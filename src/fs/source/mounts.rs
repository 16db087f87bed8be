//! The mounts inside the source. inotify says nothing of them: a mount covers a folder with
//! another one, and an unmount brings the first one back.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fs::mountinfo;

/// The table of mounts. poll(2) reports `POLLPRI` for it when something is mounted or unmounted
/// anywhere.
#[derive(Debug)]
pub(super) struct MountTable {
    file: File,
    /// Whether nothing was mounted inside the source when that was last looked at.
    is_empty: AtomicBool,
}

impl MountTable {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { file: File::open("/proc/self/mountinfo")?, is_empty: AtomicBool::new(false) })
    }

    /// Whether something may have been mounted or unmounted inside a folder since the last call:
    /// not if nothing was mounted there, nor is now. On a machine that runs containers, mounts come
    /// and go elsewhere all the time.
    ///
    /// Two states with mounts are not compared, since the number of a mount is soon given to
    /// another one.
    pub(super) fn may_have_changed_in(&self, folder: &File) -> bool {
        let is_empty = is_without_mounts(folder).unwrap_or(false);
        let was_empty = self.is_empty.swap(is_empty, Ordering::Relaxed);
        !(is_empty && was_empty)
    }
}

impl AsFd for MountTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Whether nothing is mounted inside a folder, wherever that has been moved.
fn is_without_mounts(folder: &File) -> io::Result<bool> {
    let folder = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    if !folder.is_absolute() {
        return Err(io::Error::other("the folder cannot be reached by a path"));
    }
    Ok(!mountinfo::read()?.iter().any(|mount| mount.path.starts_with(&folder)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{MountTable, is_without_mounts};

    #[test]
    fn mounts_elsewhere_are_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        let inside = File::open(folder.path()).unwrap();
        assert!(is_without_mounts(&inside).unwrap());
        let root = File::open("/").unwrap();
        assert!(!is_without_mounts(&root).unwrap());
        let table = MountTable::open().unwrap();
        assert!(table.may_have_changed_in(&inside), "the first call cannot tell");
        assert!(!table.may_have_changed_in(&inside));
        // What is mounted may have been mounted anew.
        assert!(table.may_have_changed_in(&root) && table.may_have_changed_in(&root));
        assert!(table.may_have_changed_in(&inside), "it was unmounted");
    }
}
