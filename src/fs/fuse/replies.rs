//! Attributes and results as FUSE has them.

use std::time::UNIX_EPOCH;

use fuser::{
    Errno, FileAttr, FopenFlags, Generation, INodeNo, ReplyAttr, ReplyEmpty, ReplyEntry, ReplyXattr,
};

use crate::fs::{Attr, Entry, FileType, OpenedFile};

/// An inode number is never reused while the kernel knows it, so one generation is enough.
pub(super) const GENERATION: Generation = Generation(0);
const BLOCK_SIZE: u32 = 4096;

/// The flags of an open file. A file that is only read needs no FLUSH. The kernel drops its cached
/// content of a file at the open, unless the content is unchanged.
pub(super) fn open_flags(opened: OpenedFile) -> FopenFlags {
    let kept = if opened.is_kept { FopenFlags::FOPEN_KEEP_CACHE } else { FopenFlags::empty() };
    let noflush = if opened.handle == 0 { FopenFlags::FOPEN_NOFLUSH } else { FopenFlags::empty() };
    kept | noflush
}

pub(super) fn reply_entry(outcome: Result<Entry, Errno>, reply: ReplyEntry) {
    match outcome {
        Ok(entry) => reply.entry(&entry.ttl, &file_attr(&entry.attr), GENERATION),
        Err(errno) => reply.error(errno),
    }
}

pub(super) fn reply_attr(outcome: Result<Entry, Errno>, reply: ReplyAttr) {
    match outcome {
        Ok(entry) => reply.attr(&entry.ttl, &file_attr(&entry.attr)),
        Err(errno) => reply.error(errno),
    }
}

pub(super) fn reply_empty(outcome: Result<(), Errno>, reply: ReplyEmpty) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

/// A size of 0 asks for the length of the value, any other one for the value.
pub(super) fn reply_xattr(value: Result<Vec<u8>, Errno>, size: u32, reply: ReplyXattr) {
    match value {
        Err(errno) => reply.error(errno),
        Ok(value) => match u32::try_from(value.len()) {
            Ok(len) if size == 0 => reply.size(len),
            Ok(len) if len <= size => reply.data(&value),
            _ => reply.error(Errno::ERANGE),
        },
    }
}

/// Attributes as FUSE has them.
pub fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.ino.0),
        size: attr.size,
        blocks: attr.blocks,
        atime: attr.mtime,
        mtime: attr.mtime,
        ctime: attr.ctime,
        crtime: UNIX_EPOCH,
        kind: file_type(attr.file_type),
        perm: attr.permissions,
        nlink: attr.links,
        uid: attr.uid,
        gid: attr.gid,
        rdev: attr.rdev,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

pub(super) fn file_type(file_type: FileType) -> fuser::FileType {
    match file_type {
        FileType::Directory => fuser::FileType::Directory,
        FileType::RegularFile => fuser::FileType::RegularFile,
        FileType::Symlink => fuser::FileType::Symlink,
        FileType::NamedPipe => fuser::FileType::NamedPipe,
        FileType::CharDevice => fuser::FileType::CharDevice,
        FileType::BlockDevice => fuser::FileType::BlockDevice,
        FileType::Socket => fuser::FileType::Socket,
    }
}
