//! Notes: what is worth knowing of how a message was read, where nothing is lost.

use std::fmt;

/// Something that was read otherwise than the file says, or is not shown: a guessed code page, a
/// header of the wrong length. It is no [`Defect`](super::Defect): all of the value is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The path of the value or structure.
    pub place: String,
    /// What the file has there, and what was made of it.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
