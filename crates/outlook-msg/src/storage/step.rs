//! The steps of a commit.

use std::fmt;

/// The steps of a commit, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Checks that the file is still the one that was opened.
    Check,
    /// Creates the temporary file.
    Create,
    /// Writes a piece of it. This step is repeated.
    Write,
    /// Reads it back and compares.
    Verify,
    /// Sets its owner, mode and extended attributes.
    Attributes,
    /// Syncs its bytes to the disk.
    Sync,
    /// Checks the file again.
    Recheck,
    /// Renames the temporary file over the file.
    Rename,
    /// Syncs the folder to the disk.
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
