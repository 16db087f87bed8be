//! Files that are open for writing.

pub(in crate::fs) mod buffer;
pub(in crate::fs) mod handles;
pub(in crate::fs) mod open_file;
