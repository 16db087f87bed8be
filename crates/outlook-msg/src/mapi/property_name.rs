//! Names of named properties.

use super::Guid;

/// The name of a named property (`MAPINAMEID`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyName {
    /// The property set.
    pub set: Guid,
    /// The name within the set.
    pub kind: NameKind,
}

/// A name within a property set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A number (`MNID_ID`), called LID in \[MS-OXPROPS\].
    Lid(u32),
    /// A string (`MNID_STRING`).
    Name(String),
}
