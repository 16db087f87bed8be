//! Attributes of files and directories, and who they belong to.
//!
//! Owner and mode are those of the source file, also inside a message: a user who may not read the
//! file may not read the message either. The kernel checks them (`default_permissions`). A
//! read-only mount keeps the write bits: the kernel itself answers EROFS there, and a copy that a
//! user takes out can be changed.

use std::time::{Duration, SystemTime};

use crate::mapi::FileTime;
use crate::view::FileKind;

use super::ino::Ino;
use super::metadata::Metadata;

/// What kind of file an inode is (`S_IFMT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A directory.
    Directory,
    /// A regular file.
    RegularFile,
    /// A symbolic link.
    Symlink,
    /// A named pipe of the source.
    NamedPipe,
    /// A character device of the source.
    CharDevice,
    /// A block device of the source.
    BlockDevice,
    /// A socket of the source.
    Socket,
}

/// The attributes of an inode (`struct stat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    /// Inode number.
    pub ino: Ino,
    /// What it is.
    pub file_type: FileType,
    /// Permission bits.
    pub permissions: u16,
    /// Length in bytes.
    pub size: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Number of hard links.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device file.
    pub rdev: u32,
    /// Last modification.
    pub mtime: SystemTime,
    /// Last change.
    pub ctime: SystemTime,
}

/// The mount options that override owner, group and permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// `uid=`: the owner of everything.
    pub uid: Option<u32>,
    /// `gid=`: the group of everything.
    pub gid: Option<u32>,
    /// `umask=`: permission bits that nothing has.
    pub umask: u16,
}

/// The link count of every directory. 1 tells programs such as find that the count does not include
/// subdirectories: that of a source folder does not count its messages.
const DIRECTORY_LINKS: u32 = 1;
const ANY_LINK: u16 = 0o777;
const CONTROL_DIRECTORY: u16 = 0o500;
const CONTROL_FILE: u16 = 0o400;
const BLOCK_BYTES: u64 = 512;

const READ: u16 = 0o444;
const WRITE: u16 = 0o222;
const ALL: u16 = 0o777;
/// In a folder with this bit the kernel lets people remove only what is their own.
const STICKY: u16 = 0o1000;

impl Attr {
    /// The attributes of a file or folder of the source, shown as it is.
    pub(in crate::fs) fn of_source(ino: Ino, metadata: &Metadata, ownership: &Ownership) -> Self {
        let file_type = FileType::of(metadata);
        let permissions = match file_type {
            FileType::Symlink => ANY_LINK,
            FileType::Directory => metadata.permissions() & (ALL | STICKY) & !ownership.umask,
            _ => metadata.permissions() & ALL & !ownership.umask,
        };
        Self {
            ino,
            file_type,
            permissions,
            size: metadata.size,
            blocks: metadata.blocks,
            links: match file_type {
                FileType::Directory => DIRECTORY_LINKS,
                _ => u32::try_from(metadata.links).unwrap_or(u32::MAX),
            },
            uid: ownership.uid.unwrap_or(metadata.uid),
            gid: ownership.gid.unwrap_or(metadata.gid),
            rdev: u32::try_from(metadata.rdev).unwrap_or(0),
            mtime: unix_time(metadata.mtime),
            ctime: unix_time(metadata.ctime),
        }
    }

    /// The attributes of a message directory: size and times are those of its file, so that no
    /// message has to be opened to list a folder.
    pub(in crate::fs) fn of_message(ino: Ino, metadata: &Metadata, ownership: &Ownership) -> Self {
        Self {
            file_type: FileType::Directory,
            permissions: of_directory(metadata.permissions()) & !ownership.umask,
            blocks: 0,
            links: DIRECTORY_LINKS,
            ..Self::of_source(ino, metadata, ownership)
        }
    }

    /// The attributes of the directory of a new message, of which `folder` has no file yet.
    pub(in crate::fs) fn of_new_message(
        ino: Ino,
        folder: &Metadata,
        permissions: u32,
        ownership: &Ownership,
    ) -> Self {
        let now = SystemTime::now();
        Self {
            permissions: of_directory(u16::try_from(permissions & 0o777).unwrap_or(0))
                & !ownership.umask,
            size: 0,
            uid: ownership.uid.unwrap_or(rustix::process::geteuid().as_raw()),
            gid: ownership.gid.unwrap_or(rustix::process::getegid().as_raw()),
            mtime: now,
            ctime: now,
            ..Self::of_message(ino, folder, ownership)
        }
    }

    /// The attributes of `.msgfs` and the files in it, which only the user who mounted may read.
    pub(in crate::fs) fn of_control(ino: Ino, file_type: FileType, size: u64) -> Self {
        let (permissions, links) = match file_type {
            FileType::Directory => (CONTROL_DIRECTORY, DIRECTORY_LINKS),
            _ => (CONTROL_FILE, 1),
        };
        let now = SystemTime::now();
        Self {
            ino,
            file_type,
            permissions,
            size,
            blocks: size.div_ceil(BLOCK_BYTES),
            links,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            rdev: 0,
            mtime: now,
            ctime: now,
        }
    }

    /// These attributes without write permission.
    pub(in crate::fs) fn protected(self) -> Self {
        Self { permissions: self.permissions & !WRITE, ..self }
    }

    /// The attributes of a file or directory in a message whose directory has the attributes
    /// `base`.
    pub(in crate::fs) fn of_node(
        base: &Self,
        ino: Ino,
        file_type: FileType,
        size: u64,
        time: Option<SystemTime>,
        ownership: &Ownership,
    ) -> Self {
        let permissions = match file_type {
            FileType::Directory => base.permissions,
            FileType::Symlink => ANY_LINK,
            _ => base.permissions & (READ | WRITE) & !ownership.umask,
        };
        let time = time.unwrap_or(base.mtime);
        Self {
            ino,
            file_type,
            permissions,
            size,
            blocks: size.div_ceil(BLOCK_BYTES),
            links: 1,
            mtime: time,
            ctime: time,
            rdev: 0,
            ..*base
        }
    }
}

impl FileType {
    pub(in crate::fs) fn of(metadata: &Metadata) -> Self {
        match metadata.mode & libc::S_IFMT {
            libc::S_IFDIR => Self::Directory,
            libc::S_IFLNK => Self::Symlink,
            libc::S_IFIFO => Self::NamedPipe,
            libc::S_IFCHR => Self::CharDevice,
            libc::S_IFBLK => Self::BlockDevice,
            libc::S_IFSOCK => Self::Socket,
            _ => Self::RegularFile,
        }
    }
}

/// What a node of a message is to the kernel.
pub(in crate::fs) fn file_type(kind: FileKind) -> FileType {
    match kind {
        FileKind::Directory => FileType::Directory,
        FileKind::File => FileType::RegularFile,
        FileKind::Symlink => FileType::Symlink,
    }
}

/// The permissions of a message directory, made from those of its file: whoever may read the file
/// may also search the directory.
fn of_directory(of_file: u16) -> u16 {
    of_file & (READ | WRITE) | (of_file & READ) >> 2
}

/// A FILETIME as the kernel takes it.
pub(in crate::fs) fn system_time(time: FileTime) -> SystemTime {
    let (seconds, nanos) = time.to_unix();
    unix_time((seconds, i64::from(nanos)))
}

fn unix_time((seconds, nanos): (i64, i64)) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    let nanos = Duration::from_nanos(nanos.unsigned_abs());
    base.and_then(|base| base.checked_add(nanos)).unwrap_or(SystemTime::UNIX_EPOCH)
}
