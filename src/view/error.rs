//! What can go wrong when a file of a message is asked for.

use std::io;

use crate::{imsg, mail, storage};

/// An error of the tree of a message: those of files and directories, beside those of
/// [`mail::Error`] that concern a tree. The filesystem makes an errno of each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message has no such file or directory.
    #[error("no such file in the message")]
    NotFound,
    /// Something was asked of a directory that only a file has.
    #[error("it is a directory")]
    IsADirectory,
    /// Something was asked of a file that only a directory has.
    #[error("it is not a directory")]
    NotADirectory,
    /// The message has more files than inode numbers have room for.
    #[error("the message has too many files to number them")]
    TooManyFiles,
    /// A value is damaged and nothing of it can be shown.
    #[error("{0}")]
    Damaged(storage::Defect),
    /// The file cannot be set, created, renamed or removed.
    #[error("it cannot be changed: {0}")]
    NotSettable(&'static str),
    /// A text is no value of the type that the file has.
    #[error("{expected}")]
    Invalid {
        /// What was expected.
        expected: String,
    },
    /// The message stores its strings in a code page that does not have a character.
    #[error(
        "{character:?} is not in code page {code_page}, in which the message stores its text; only a \
         message in Unicode can hold it"
    )]
    Unmappable {
        /// The character.
        character: char,
        /// The number of the code page.
        code_page: u32,
    },
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

impl From<mail::Error> for Error {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Damaged(defect) => Self::Damaged(defect),
            mail::Error::NotSettable(reason) => Self::NotSettable(reason),
            mail::Error::Invalid { expected } => Self::Invalid { expected },
            mail::Error::Message(error) => Self::Message(error),
            mail::Error::Storage(error) => Self::Storage(error),
            mail::Error::Io(error) => Self::Io(error),
            error => Self::Io(io::Error::other(error)),
        }
    }
}
