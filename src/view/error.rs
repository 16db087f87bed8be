//! What can go wrong when a file of a message is asked for.

use std::io;

use crate::{imsg, storage};

/// An error of a message's tree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message has no such file or directory.
    #[error("no such file in the message")]
    NotFound,
    /// A directory was asked for what only a file has.
    #[error("it is a directory")]
    IsADirectory,
    /// A file was asked for what only a directory has.
    #[error("it is not a directory")]
    NotADirectory,
    /// The message has more files than inode numbers have room for.
    #[error("the message has too many files to number them")]
    TooManyFiles,
    /// A value is damaged and nothing of it can be shown.
    #[error("{0}")]
    Damaged(storage::Defect),
    /// The message could not be read.
    #[error(transparent)]
    Message(#[from] imsg::Error),
    /// The compound file could not be read.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The source, or a file made from it, could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
