//! The table of error kinds and errno values.
//!
//! This is the only place with errno numbers: a new kind of error has its line here.

use std::io;

use fuser::Errno;

use crate::{imsg, storage, view};

use super::super::Error;

/// What the kernel is told of an error.
pub(super) fn errno(error: &Error) -> Errno {
    match error {
        Error::NotFound => Errno::ENOENT,
        Error::NotADirectory => Errno::ENOTDIR,
        Error::IsADirectory => Errno::EISDIR,
        Error::Stale { .. } | Error::Replaced { .. } => Errno::ESTALE,
        Error::NoAttribute => Errno::ENODATA,
        Error::NotSupported => Errno::EOPNOTSUPP,
        Error::NotALink | Error::Incomplete => Errno::EINVAL,
        Error::NotPermitted(_) => Errno::EPERM,
        Error::Exists => Errno::EEXIST,
        Error::NotEmpty => Errno::ENOTEMPTY,
        Error::OtherDevice => Errno::EXDEV,
        Error::Busy => Errno::EBUSY,
        Error::NameTooLong => Errno::ENAMETOOLONG,
        Error::BadHandle => Errno::EBADF,
        Error::TooLarge => Errno::EFBIG,
        Error::Closing => Errno::ESHUTDOWN,
        Error::ReadOnly { .. } => Errno::EROFS,
        Error::Source { source, .. }
        | Error::Unwritable { source, .. }
        | Error::Buffer(source)
        | Error::EditLog(source) => os_errno(source),
        Error::Message { source, .. } => message_errno(source),
    }
}

/// What went wrong in a message.
fn message_errno(error: &view::Error) -> Errno {
    match error {
        view::Error::Message(error) => imsg_errno(error),
        view::Error::Io(error) => os_errno(error),
        view::Error::NotSettable(_) => Errno::EPERM,
        view::Error::Invalid { .. } => Errno::EINVAL,
        view::Error::Unmappable { .. } => Errno::EILSEQ,
        view::Error::Storage(error) => storage_errno(error),
        _ => Errno::EIO,
    }
}

fn imsg_errno(error: &imsg::Error) -> Errno {
    match error {
        imsg::Error::SessionClosed => Errno::ESHUTDOWN,
        imsg::Error::ReadOnly { .. } => Errno::EROFS,
        imsg::Error::Computed { .. } | imsg::Error::Protected { .. } => Errno::EPERM,
        imsg::Error::Invalid { .. } => Errno::EINVAL,
        imsg::Error::Unmappable { .. } => Errno::EILSEQ,
        imsg::Error::TooLarge { .. } => Errno::EFBIG,
        imsg::Error::TooMany { .. } => Errno::ENOSPC,
        imsg::Error::Target { source, .. } => os_errno(source),
        imsg::Error::Storage(error) => storage_errno(error),
        _ => Errno::EIO,
    }
}

fn storage_errno(error: &storage::Error) -> Errno {
    match error {
        storage::Error::Changed { .. } => Errno::ESTALE,
        storage::Error::Exists { .. } => Errno::EEXIST,
        storage::Error::Linked { .. } => Errno::EPERM,
        storage::Error::Name { .. } => Errno::EINVAL,
        // A save would lose what cannot be read.
        storage::Error::Incomplete(_) => Errno::EROFS,
        storage::Error::Replace { source, .. }
        | storage::Error::Write { source, .. }
        | storage::Error::Unsynced { source, .. } => os_errno(source),
        _ => Errno::EIO,
    }
}

fn os_errno(error: &io::Error) -> Errno {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Errno::EFBIG,
        io::ErrorKind::StorageFull => Errno::ENOSPC,
        _ => error.raw_os_error().map_or(Errno::EIO, Errno::from_i32),
    }
}
