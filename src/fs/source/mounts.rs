//! The mounts inside the source. inotify says nothing of them: a mount covers a folder with
//! another one, and an unmount brings the first one back.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::path::PathBuf;
use std::sync::Mutex;

use outlook_msg::sync::lock;

use crate::fs::mountinfo;

/// The table of mounts. poll(2) reports `POLLPRI` for it when something is mounted or unmounted
/// anywhere.
#[derive(Debug)]
pub(super) struct MountTable {
    file: File,
    /// The mounts inside the source when they were last looked at.
    inside: Mutex<Option<Vec<MountedPath>>>,
}

/// A mount: its number, which is unique, and the path that it covers.
type MountedPath = (u64, PathBuf);

impl MountTable {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { file: File::open("/proc/self/mountinfo")?, inside: Mutex::default() })
    }

    /// Whether something was mounted or unmounted inside a folder since the last call. True also
    /// where that cannot be found out, and at the first call.
    ///
    /// On a machine that runs containers, mounts come and go elsewhere all the time.
    pub(super) fn has_changed_in(&self, folder: &File) -> bool {
        let now = mounts_in(folder).ok();
        let mut known = lock(&self.inside);
        let is_same = now.is_some() && *known == now;
        *known = now;
        !is_same
    }
}

impl AsFd for MountTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The mounts inside a folder, wherever it has been moved.
fn mounts_in(folder: &File) -> io::Result<Vec<MountedPath>> {
    let folder = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    if !folder.is_absolute() {
        return Err(io::Error::other("the folder cannot be reached by a path"));
    }
    let mounts = mountinfo::read()?.into_iter().map(|line| (line.number, line.path));
    Ok(mounts.filter(|(_, path)| path.starts_with(&folder)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{MountTable, mounts_in};

    #[test]
    fn mounts_elsewhere_are_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        let inside = File::open(folder.path()).unwrap();
        assert_eq!(mounts_in(&inside).unwrap(), []);
        assert!(!mounts_in(&File::open("/").unwrap()).unwrap().is_empty());
        let table = MountTable::open().unwrap();
        assert!(table.has_changed_in(&inside));
        assert!(!table.has_changed_in(&inside));
    }
}
