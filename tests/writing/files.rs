//! What programs do to files, on a mount or on the filesystem without one.

use std::fmt;

use rustix::io::Errno;

use super::values::Characters;

/// One change of the bytes of a file.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Change {
    Truncate(usize),
    Write { offset: usize, bytes: Vec<u8> },
    Append(Vec<u8>),
}

/// The files of a source to be read, by paths from its root.
pub(super) trait ReadFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, Errno>;

    /// The length that the attributes say.
    fn len(&self, path: &str) -> Result<u64, Errno>;

    /// The names in a directory, in any order.
    fn names(&self, directory: &str) -> Result<Vec<String>, Errno>;
}

/// The files of a source to be read and written.
pub(super) trait Files: ReadFiles {
    /// Whether an error on closing a file is told.
    const TELLS_ERRORS_ON_CLOSING: bool;
    /// Whether edits are saved by themselves after a while.
    const SAVES_WITH_TIME: bool;
    /// Whether the files are open in this process, so that programs that it starts close copies of
    /// their descriptors.
    const HAS_DESCRIPTORS: bool;

    /// Opens a file, which is created if there is none, changes it and closes it.
    fn change(&self, path: &str, changes: &[Change]) -> Result<(), Errno>;

    /// Does the same with an fsync before closing.
    fn change_and_save(&self, path: &str, changes: &[Change]) -> Result<(), Errno>;

    /// Saves the message that a file belongs to.
    fn save(&self, path: &str) -> Result<(), Errno>;

    fn create_directory(&self, path: &str) -> Result<(), Errno>;

    fn remove_file(&self, path: &str) -> Result<(), Errno>;

    /// Removes a directory and all that is in it, one by one.
    fn remove_all(&self, path: &str) -> Result<(), Errno>;

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno>;

    /// Ends the filesystem, which must save everything, and starts it again.
    fn restart(&mut self);
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncate(len) => write!(f, "truncate to {len}"),
            Self::Write { offset, bytes } => write!(f, "at {offset} {}", bytes.escape_ascii()),
            Self::Append(bytes) => write!(f, "append {}", bytes.escape_ascii()),
        }
    }
}

impl Change {
    /// A file written anew.
    pub(super) fn whole(bytes: &[u8]) -> Vec<Self> {
        vec![Self::Truncate(0), Self::Write { offset: 0, bytes: bytes.to_vec() }]
    }

    /// Whether a message can hold what is written.
    pub(super) fn can_be_held(&self, characters: Characters) -> bool {
        match self {
            Self::Truncate(_) => true,
            Self::Append(bytes) | Self::Write { bytes, .. } => {
                characters.can_hold(&String::from_utf8_lossy(bytes))
            }
        }
    }

    /// What it makes of the bytes of a file.
    pub(super) fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Truncate(len) => file.resize(*len, 0),
            Self::Append(bytes) => file.extend(bytes),
            // Writing nothing leaves no gap.
            Self::Write { bytes, .. } if bytes.is_empty() => {}
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}
