//! The source folder: every access goes through a descriptor that was opened before the mount.
//!
//! So the source stays reachable if msgfs is mounted over it. No symbolic link is followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, Dir, Gid, Mode, OFlags, ResolveFlags, StatVfs, StatxFlags, Uid};
use rustix::io::Errno;

use crate::fs::SetAttr;
use crate::storage;

use metadata::Metadata;

mod access_list;
pub(super) mod attr;
pub(super) mod folders;
pub(super) mod ino;
pub(super) mod live;
pub(super) mod metadata;
mod mounts;
mod name_hash;
pub(super) mod tree;
pub(super) mod watch;
mod watches;

/// The root of the source, opened once.
#[derive(Debug)]
pub(super) struct SourceRoot {
    /// The folder; of a source that is one file, the folder it lies in.
    folder: File,
    /// Whether `folder` is no folder but the one file itself, which has no name.
    is_file: bool,
}

impl SourceRoot {
    /// Opens the folder.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?.into();
        Ok(Self { folder, is_file: false })
    }

    /// A source that is one open file. Every path leads to it.
    pub(super) fn of_file(file: File) -> Self {
        Self { folder: file, is_file: true }
    }

    /// The attributes of a file, not following a link.
    pub(super) fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let file = File::from(self.open_at(path, OFlags::PATH)?);
        let found = Metadata::from(&file.metadata()?);
        Ok(found.with_access_list(|buffer| access_list_of(&file, buffer)))
    }

    /// The attributes of a file that was opened by this path, with its access list.
    pub(super) fn with_access_list(&self, path: &Path, found: Metadata) -> Metadata {
        found.with_access_list(|buffer| access_list_of(&self.open_at(path, OFlags::PATH)?, buffer))
    }

    /// A folder whose files are to be looked at one after the other.
    pub(super) fn folder(&self, path: &Path) -> io::Result<SourceFolder> {
        let folder = self.open_at(path, OFlags::PATH | OFlags::DIRECTORY)?;
        Ok(SourceFolder { folder: folder.into() })
    }

    /// Opens a file for reading, without changing its access time where that is allowed.
    pub(super) fn open_file(&self, path: &Path) -> io::Result<File> {
        // NONBLOCK: the file may have become a pipe since it was looked up.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let opened = match self.open_at(path, flags | OFlags::NOATIME) {
            // Only the owner of a file may leave its access time alone.
            Err(Errno::PERM) => self.open_at(path, flags)?,
            opened => opened?,
        };
        Ok(opened.into())
    }

    /// Opens a folder.
    pub(super) fn open_folder(&self, path: &Path) -> io::Result<File> {
        Ok(self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?.into())
    }

    /// Whether files may be created in a folder: `EROFS` or `EACCES` if not.
    pub(super) fn check_writable(&self, folder: &Path) -> io::Result<()> {
        let folder = self.open_at(folder, OFlags::PATH | OFlags::DIRECTORY)?;
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        Ok(rustix::fs::accessat(folder, ".", wanted, AtFlags::EACCESS)?)
    }

    /// Renames a file. Nothing may have the new name.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from_folder, from_name) = self.open_parent(from)?;
        let (to_folder, to_name) = self.open_parent(to)?;
        storage::rename_new((&from_folder, from_name), (&to_folder, to_name))?;
        rustix::fs::fsync(&to_folder)?;
        Ok(rustix::fs::fsync(&from_folder)?)
    }

    /// Sets attributes of a regular file. It gets no execute bits: programs set them for the
    /// directory as which the file is shown.
    pub(super) fn set_attributes(&self, path: &Path, change: &SetAttr) -> io::Result<()> {
        let file = self.open_file(path)?;
        let owner = change.uid.map(Uid::from_raw);
        if owner.is_some() || change.gid.is_some() {
            rustix::fs::fchown(&file, owner, change.gid.map(Gid::from_raw))?;
        }
        if let Some(mode) = change.mode {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o666))?;
        }
        change.mtime.map_or(Ok(()), |time| file.set_modified(time))
    }

    /// Removes a file.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.open_parent(path)?;
        rustix::fs::unlinkat(&folder, name, AtFlags::empty())?;
        Ok(rustix::fs::fsync(&folder)?)
    }

    fn open_parent<'a>(&self, path: &'a Path) -> io::Result<(File, &'a OsStr)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.open_folder(path.parent().unwrap_or(Path::new("")))?, name))
    }

    /// The names in a folder, without `.` and `..`.
    pub(super) fn names(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let folder = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in Dir::new(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        Ok(names)
    }

    /// The target of a symbolic link.
    pub(super) fn read_link(&self, path: &Path) -> io::Result<Vec<u8>> {
        let link = self.open_at(path, OFlags::PATH)?;
        Ok(rustix::fs::readlinkat(link, "", Vec::new())?.into_bytes())
    }

    /// The figures of the file system of the source.
    pub(super) fn statfs(&self) -> io::Result<StatVfs> {
        Ok(rustix::fs::fstatvfs(&self.folder)?)
    }

    /// Opens a path below the folder; a link on the way, or a way out, is an error.
    fn open_at(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        if self.is_file {
            let link = format!("/proc/self/fd/{}", self.folder.as_raw_fd());
            return rustix::fs::open(link, flags | OFlags::CLOEXEC, Mode::empty());
        }
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        // With PATH and NOFOLLOW the last part may still be a link, which is opened itself.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(&self.folder, path, flags, Mode::empty(), resolve) {
            // openat2 is missing before Linux 5.6, and in some sandboxes.
            Err(Errno::NOSYS) => rustix::fs::openat(&self.folder, path, flags, Mode::empty()),
            opened => opened,
        }
    }
}

/// Puts the ACL of a file into a buffer, by its link in /proc: fgetxattr(2) does not take an
/// `O_PATH` descriptor.
fn access_list_of(file: &impl AsRawFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::getxattr(link, access_list::NAME, buffer)
}

/// A folder of the source that is open.
#[derive(Debug)]
pub(super) struct SourceFolder {
    folder: File,
}

impl SourceFolder {
    /// The attributes of the file of a name in the folder, not following a link.
    pub(super) fn metadata(&self, name: &OsStr) -> io::Result<Metadata> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let found = match rustix::fs::statx(&self.folder, name, flags, StatxFlags::BASIC_STATS) {
            // The call is missing in some sandboxes.
            Err(Errno::NOSYS) => {
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = rustix::fs::openat(&self.folder, name, flags, Mode::empty())?;
                Metadata::from(&File::from(file).metadata()?)
            }
            found => Metadata::from(found?),
        };
        let list = |buffer: &mut [u8]| {
            let folder = format!("/proc/self/fd/{}", self.folder.as_raw_fd());
            rustix::fs::lgetxattr(Path::new(&folder).join(name), access_list::NAME, buffer)
        };
        Ok(found.with_access_list(list))
    }
}
