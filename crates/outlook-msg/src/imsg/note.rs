//! Notes on how a message was read.

use std::fmt;

/// Says where a value was read in another way than the file states, or is not shown: with a guessed
/// code page, for example, or in spite of a header of the wrong length. Unlike with a
/// [`Defect`](super::Defect), nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The path of the value or structure.
    pub place: String,
    /// What the file has there, and how it was read.
    pub text: String,
}

impl Note {
    /// The same note, with its place below another one.
    #[doc(hidden)]
    #[must_use]
    pub fn below(self, place: &str) -> Self {
        Self { place: format!("{place}{}", self.place), ..self }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
