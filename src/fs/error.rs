//! What can go wrong in the filesystem, in kinds that a caller can act on.

use std::io;
use std::path::PathBuf;

use crate::view;

/// An error of the filesystem. `fs::fuse` has the table of errno values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file or directory.
    #[error("no such file or directory")]
    NotFound,
    /// A directory was needed.
    #[error("not a directory")]
    NotADirectory,
    /// A file was needed.
    #[error("is a directory")]
    IsADirectory,
    /// The inode number belongs to a source file that is gone or has changed.
    #[error("{path:?}: the source has changed since it was looked up")]
    Stale {
        /// The path in the source.
        path: PathBuf,
    },
    /// The file has no such extended attribute.
    #[error("no such attribute")]
    NoAttribute,
    /// It is no symbolic link.
    #[error("not a symbolic link")]
    NotALink,
    /// The source could not be read.
    #[error("{path:?}: {source}")]
    Source {
        /// The path in the source.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A message could not be read.
    #[error("{path:?}: {source}")]
    Message {
        /// The message's path in the source.
        path: PathBuf,
        /// Why not.
        source: view::Error,
    },
}
