//! The steps of a commit.

use std::fmt;

/// A step of a commit, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The file is looked at, whether it is still the one that was opened.
    Check,
    /// The temporary file is created.
    Create,
    /// A piece of it is written; many times.
    Write,
    /// It is read back and compared.
    Verify,
    /// Owner, mode and extended attributes are put on it.
    Attributes,
    /// Its bytes reach the disk.
    Sync,
    /// The file is looked at again.
    Recheck,
    /// The temporary file takes the place of the file.
    Rename,
    /// The folder reaches the disk.
    SyncFolder,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check | Self::Recheck => "looking at it",
            Self::Create => "creating a temporary file",
            Self::Write => "writing",
            Self::Verify => "reading back",
            Self::Attributes => "keeping its owner, mode and attributes",
            Self::Sync => "writing to the disk",
            Self::Rename => "renaming",
            Self::SyncFolder => "writing the folder to the disk",
        })
    }
}
