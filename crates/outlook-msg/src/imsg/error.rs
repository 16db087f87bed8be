//! The errors of a message session.

use crate::mapi::PropertyTag;
use crate::storage::{self, Defect};

/// An error of the message session. Each variant names the MAPI error code of the same meaning.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The session of this object has been closed (`MAPI_E_OBJECT_DELETED`).
    #[error("the message session is closed")]
    SessionClosed,
    /// The object has no such property (`MAPI_E_NOT_FOUND`).
    #[error("{place}: no property {tag}")]
    NoProperty {
        /// The storage in which it was looked for.
        place: String,
        /// The property asked for.
        tag: PropertyTag,
    },
    /// There is no such recipient, attachment or embedded message (`MAPI_E_NOT_FOUND`).
    #[error("{place}: no {what}")]
    NoObject {
        /// The storage in which it was looked for.
        place: String,
        /// What was asked for.
        what: String,
    },
    /// The object has the value, but it is damaged (`MAPI_E_CORRUPT_DATA`).
    #[error("{0}")]
    Damaged(Defect),
    /// The storage holds no message (`MAPI_E_CORRUPT_STORE`).
    #[error("{place}: a storage without message properties")]
    NotAMessage {
        /// The storage that was opened.
        place: String,
    },
    /// Messages are embedded in each other more deeply than the limit (`MAPI_E_TOO_COMPLEX`).
    #[error("{place}: message embedded more than {depth_max} levels deep")]
    TooDeep {
        /// The storage of the message beyond the limit.
        place: String,
        /// The limit.
        depth_max: usize,
    },
    /// The object was opened for reading (`MAPI_E_NO_ACCESS`).
    #[error("{place}: opened for reading only")]
    ReadOnly {
        /// The storage that was to be changed.
        place: String,
    },
    /// The property is computed from others, so nobody can set it (`MAPI_E_COMPUTED`).
    #[error("the property {tag} is computed")]
    Computed {
        /// The property.
        tag: PropertyTag,
    },
    /// The attributes of the property forbid it (`MAPI_E_NO_ACCESS`).
    #[error("the attributes of the property {tag} forbid to change it")]
    Protected {
        /// The property.
        tag: PropertyTag,
    },
    /// The value cannot be that of the property (`MAPI_E_INVALID_PARAMETER`).
    #[error("property {tag}: {cause}")]
    Invalid {
        /// The property.
        tag: PropertyTag,
        /// What is wrong with the value.
        cause: String,
    },
    /// A string has a character that the code page of the message lacks (`MAPI_E_BAD_CHARWIDTH`).
    #[error("property {tag}: a character that code page {code_page} does not have")]
    Unmappable {
        /// The property.
        tag: PropertyTag,
        /// The number of the code page.
        code_page: u32,
    },
    /// The value is larger than a `.msg` file allows (`MAPI_E_TOO_BIG`).
    #[error("property {tag}: {bytes} bytes, of at most {bytes_max}")]
    TooLarge {
        /// The property.
        tag: PropertyTag,
        /// Length of the value in bytes.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The message would have too many of something (`MAPI_E_TOO_BIG`).
    #[error("more than {count_max} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        count_max: u32,
    },
    /// A file could not be opened (`MAPI_E_NOT_FOUND`, `MAPI_E_NO_ACCESS`).
    #[error("cannot open {path:?}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The target could not save the message (`MAPI_E_DISK_ERROR`).
    #[error("saving {name:?} failed")]
    Target {
        /// The name of the message ([`super::Target::name`]).
        name: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The compound file could not be read (`MAPI_E_DISK_ERROR`).
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Error {
    /// The error as a defect of the message; `place` is used if the error has no place of its own.
    pub fn into_defect(self, place: &str) -> Defect {
        match self {
            Self::Damaged(defect) => defect,
            Self::NoObject { place, what } => Defect { place, cause: format!("no {what}") },
            Self::NotAMessage { place } => {
                Defect { place, cause: "a storage without message properties".to_owned() }
            }
            Self::TooDeep { place, depth_max } => Defect {
                place,
                cause: format!("message embedded more than {depth_max} levels deep"),
            },
            error => Defect { place: place.to_owned(), cause: error.to_string() },
        }
    }
}
