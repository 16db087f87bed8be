//! What can go wrong when something of a message is asked for.

use std::io;
use std::path::PathBuf;

use crate::{imsg, storage};

/// An error of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no message that can be opened in a file.
    #[error("cannot open {path:?} as a message")]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<Error>,
    },
    /// A file could not be written.
    #[error("cannot write {path:?}")]
    Save {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The value cannot be set or removed.
    #[error("it cannot be changed: {0}")]
    NotSettable(&'static str),
    /// A text is no value of the kind that it is for.
    #[error("{expected}")]
    Invalid {
        /// What was expected.
        expected: String,
    },
    /// The message is not what it was asked for as.
    #[error("the message is no {what}")]
    IsNone {
        /// What it was asked for as.
        what: &'static str,
    },
    /// A message that has no path was to be saved.
    #[error("the message has no path: save_as has to give it one")]
    NoPath,
    /// A reader gave more bytes than are read of it.
    #[error("more than {bytes_max} bytes: open the file by its path instead")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// A property was asked for by a name that none has.
    #[error(
        "no property is called {name:?}: expected a name as PR_SUBJECT or \
         PSETID_Appointment/PidLidLocation, or a tag as 0x0037001F"
    )]
    UnknownName {
        /// The name.
        name: String,
    },
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

impl Error {
    /// The error of a text that is not what was expected.
    pub(super) fn invalid(expected: &str) -> Self {
        Self::Invalid { expected: format!("expected {expected}") }
    }
}
