//! What can go wrong in a message session.

use crate::mapi::PropertyTag;
use crate::storage::{self, Defect};

/// An error of the message session. Each names the MAPI code that stands for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The session of this object has been closed (`MAPI_E_OBJECT_DELETED`).
    #[error("the message session is closed")]
    SessionClosed,
    /// The object has no such property (`MAPI_E_NOT_FOUND`).
    #[error("{place}: no property {tag}")]
    NoProperty {
        /// The storage that was asked.
        place: String,
        /// The property asked for.
        tag: PropertyTag,
    },
    /// There is no such recipient, attachment or embedded message (`MAPI_E_NOT_FOUND`).
    #[error("{place}: no {what}")]
    NoObject {
        /// The storage that was asked.
        place: String,
        /// What was asked for.
        what: String,
    },
    /// The value is there but damaged (`MAPI_E_CORRUPT_DATA`).
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
    /// The compound file could not be read (`MAPI_E_DISK_ERROR`).
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Error {
    /// The error as damage of the message, met at `place` if the error has none of its own.
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
            Self::NoProperty { .. } | Self::SessionClosed | Self::Storage(_) => {
                Defect { place: place.to_owned(), cause: self.to_string() }
            }
        }
    }
}
