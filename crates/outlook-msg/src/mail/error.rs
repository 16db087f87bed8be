//! What can go wrong when something of a message is asked for.

use std::io;

use crate::{imsg, storage};

/// An error of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value is damaged and nothing of it can be read.
    #[error("{0}")]
    Damaged(storage::Defect),
    /// The message could not be read, or refuses an edit.
    #[error(transparent)]
    Message(#[from] imsg::Error),
    /// The compound file could not be read.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The source, or a file made from it, could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
