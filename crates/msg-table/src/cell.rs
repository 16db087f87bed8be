//! The value of one column in one row.

use outlook_msg::mail::{Defect, Note};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// The message does not have the value, or it cannot be read.
    Null,
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A number of any width, or a time in microseconds.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Several values.
    List(Vec<Self>),
    /// The fields of a struct in their order.
    Struct(Vec<Self>),
}

impl Cell {
    /// Roughly how many bytes it takes in a batch.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) | Self::Boolean(_) => size_of::<i64>(),
            Self::Text(text) => text.len() + size_of::<i32>(),
            Self::Bytes(bytes) => bytes.len() + size_of::<i32>(),
            Self::List(items) | Self::Struct(items) => {
                items.iter().map(Self::bytes).sum::<usize>() + size_of::<i32>()
            }
        }
    }

    /// Makes a list of values.
    pub(crate) fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Cell {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

/// Converts a length. No file is so long that the number does not fit into an `i64`.
impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Defect> for Cell {
    fn from(Defect { place, cause }: Defect) -> Self {
        Self::Struct(vec![place.into(), cause.into()])
    }
}

impl From<Note> for Cell {
    fn from(Note { place, text }: Note) -> Self {
        Self::Struct(vec![place.into(), text.into()])
    }
}
