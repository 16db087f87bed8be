//! The attributes of a file of the source, whichever system call they come from.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{Statx, StatxTimestamp};
use rustix::io::Errno;

use crate::storage::FileState;

use super::access_list;
use super::ino::Identity;

/// What `stat` tells of a file, as far as msgfs shows it or tells two states of a file apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) struct Metadata {
    pub(in crate::fs) device: u64,
    pub(in crate::fs) inode: u64,
    /// Type and permission bits.
    pub(in crate::fs) mode: u32,
    pub(in crate::fs) links: u64,
    pub(in crate::fs) uid: u32,
    pub(in crate::fs) gid: u32,
    /// Device number of a device file.
    pub(in crate::fs) rdev: u64,
    pub(in crate::fs) size: u64,
    /// Blocks of 512 bytes.
    pub(in crate::fs) blocks: u64,
    /// Seconds and nanoseconds since 1970, as for `ctime`.
    pub(in crate::fs) mtime: (i64, i64),
    pub(in crate::fs) ctime: (i64, i64),
}

impl Metadata {
    /// Whether it is a directory.
    pub(in crate::fs) fn is_dir(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFDIR
    }

    /// Whether it is a regular file.
    pub(in crate::fs) fn is_file(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }

    /// The permission bits, with setuid, setgid and sticky.
    pub(in crate::fs) fn permissions(&self) -> u16 {
        u16::try_from(self.mode & 0o7777).unwrap_or(0)
    }

    /// These attributes, with the group bits limited by the ACL that `read` gives.
    pub(in crate::fs) fn with_access_list(
        self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>,
    ) -> Self {
        Self { mode: access_list::narrowed(self.mode, read), ..self }
    }

    /// What tells the state of a message's file from others.
    pub(in crate::fs) fn identity(&self) -> Identity {
        let Self { device, inode, size, mtime, ctime, .. } = *self;
        Identity { device, inode, size, mtime, ctime }
    }
}

impl From<&fs::Metadata> for Metadata {
    fn from(found: &fs::Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            mode: found.mode(),
            links: found.nlink(),
            uid: found.uid(),
            gid: found.gid(),
            rdev: found.rdev(),
            size: found.size(),
            blocks: found.blocks(),
            mtime: (found.mtime(), found.mtime_nsec()),
            ctime: (found.ctime(), found.ctime_nsec()),
        }
    }
}

impl From<Statx> for Metadata {
    fn from(found: Statx) -> Self {
        let time = |time: StatxTimestamp| (time.tv_sec, i64::from(time.tv_nsec));
        Self {
            device: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            mode: found.stx_mode.into(),
            links: found.stx_nlink.into(),
            uid: found.stx_uid,
            gid: found.stx_gid,
            rdev: rustix::fs::makedev(found.stx_rdev_major, found.stx_rdev_minor),
            size: found.stx_size,
            blocks: found.stx_blocks,
            mtime: time(found.stx_mtime),
            ctime: time(found.stx_ctime),
        }
    }
}

impl From<&Identity> for FileState {
    fn from(found: &Identity) -> Self {
        let Identity { device, inode, size, mtime, ctime } = *found;
        Self { device, inode, size, mtime, ctime }
    }
}

impl From<FileState> for Identity {
    fn from(found: FileState) -> Self {
        let FileState { device, inode, size, mtime, ctime } = found;
        Self { device, inode, size, mtime, ctime }
    }
}

impl From<&Metadata> for FileState {
    fn from(found: &Metadata) -> Self {
        let Metadata { device, inode, size, mtime, ctime, .. } = *found;
        Self { device, inode, size, mtime, ctime }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SourceRoot;
    use super::Metadata;

    #[test]
    fn every_call_tells_the_same() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "12345").unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        std::os::unix::fs::symlink("/dev/null", folder.path().join("link")).unwrap();
        let root = SourceRoot::open(folder.path()).unwrap();
        let listed = root.folder("".as_ref()).unwrap();
        for name in ["file", "folder", "link"] {
            let found = listed.metadata(name.as_ref()).unwrap();
            assert_eq!(found, root.metadata(name.as_ref()).unwrap(), "{name}");
            let expected = folder.path().join(name).symlink_metadata().unwrap();
            assert_eq!(found, Metadata::from(&expected), "{name}");
        }
        assert!(listed.metadata("none".as_ref()).is_err());
    }
}
