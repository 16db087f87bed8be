//! The errors of a mail.

use std::io;
use std::path::PathBuf;

use crate::{imsg, storage};

/// An error of a mail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened, or there is no message in it.
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
    /// A text is not a value of the expected kind.
    #[error("{expected}")]
    Invalid {
        /// What was expected.
        expected: String,
    },
    /// The message is not of the kind that was asked for: not a contact, for example.
    #[error("the message is no {what}")]
    IsNone {
        /// The kind that was asked for.
        what: &'static str,
    },
    /// The message has no path at which it could be saved.
    #[error("the message has no path: save_as has to give it one")]
    NoPath,
    /// The reader has more bytes than the limit.
    #[error("more than {bytes_max} bytes: open the file by its path instead")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// No property has this name.
    #[error(
        "no property is called {name:?}: expected a name as PR_SUBJECT or \
         PSETID_Appointment/PidLidLocation, or a tag as 0x0037001F"
    )]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A value is damaged. For a getter: nothing of it can be read; for an attachment: a part of it
    /// cannot be read.
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
    /// The error for a text that is not what was expected.
    pub(super) fn invalid(expected: &str) -> Self {
        Self::Invalid { expected: format!("expected {expected}") }
    }
}
