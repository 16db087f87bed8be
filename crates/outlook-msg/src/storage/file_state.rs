//! What tells one state of a file from another.

use std::fs::Metadata;

use super::os;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Of the file system.
    pub device: u64,
    /// Within it.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last modification: seconds and nanoseconds since 1970.
    pub mtime: (i64, i64),
    /// Last change, likewise.
    pub ctime: (i64, i64),
}

impl From<&Metadata> for FileState {
    fn from(metadata: &Metadata) -> Self {
        os::state(metadata)
    }
}
