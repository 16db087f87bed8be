//! The exit status of a command: the worst of all its parts.

use crate::fs;

/// How a command, or a part of it, ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// Everything was done.
    #[default]
    Done,
    /// Something is wrong with a message, or nothing was found.
    Wrong,
    /// A path is missing or could not be read, or the usage is wrong.
    Failed,
    /// SIGINT or SIGTERM ended it.
    Interrupted,
}

impl Status {
    /// What an error means: damage costs a value, everything else the whole path.
    pub(super) fn of(error: &fs::Error) -> Self {
        match error {
            fs::Error::Message { .. } => Self::Wrong,
            _ => Self::Failed,
        }
    }

    /// Becomes the worse of both.
    pub(super) fn join(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    /// The exit status.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Wrong => 1,
            Self::Failed => 2,
            // What a shell reports of a process that SIGINT has ended.
            Self::Interrupted => 130,
        }
    }
}
