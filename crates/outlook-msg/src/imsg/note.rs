//! Notes on how a message was read.

use std::fmt;

/// Something that was not read literally, or is not shown: a guessed code page, a header of the
/// wrong length. Nothing is lost, unlike with a [`Defect`](super::Defect).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The path of the value or structure.
    pub place: String,
    /// What the file has there, and how it was read.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
