//! What can go wrong in the filesystem, in kinds that a caller can act on.

use std::io;
use std::path::{Path, PathBuf};

use crate::view;

/// An error of the filesystem. `fs::fuse` has the table of errno values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file or directory.
    #[error("no such file or directory")]
    NotFound,
    /// A directory was needed.
    #[error("not a directory")]
    NotADirectory,
    /// A file was needed.
    #[error("is a directory")]
    IsADirectory,
    /// The inode number belongs to a source file that is gone or has changed.
    #[error("{path:?}: the source has changed since it was looked up")]
    Stale {
        /// The path in the source.
        path: PathBuf,
    },
    /// Another file was renamed onto the one that is open.
    #[error("{path:?}: another file was renamed onto it since it was opened")]
    Replaced {
        /// The path of the message in the source.
        path: PathBuf,
    },
    /// The file has no such extended attribute.
    #[error("no such attribute")]
    NoAttribute,
    /// No file has attributes of this kind.
    #[error("attributes of this kind are not supported")]
    NotSupported,
    /// It is no symbolic link.
    #[error("not a symbolic link")]
    NotALink,
    /// The source could not be read.
    #[error("{path:?}: {source}")]
    Source {
        /// The path in the source.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder that a message lies in cannot be written to, so no edit could be saved.
    #[error("{path:?}: its folder cannot be written to: {source}")]
    Unwritable {
        /// The path of the message in the source.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A message could not be read.
    #[error("{path:?}: {source}")]
    Message {
        /// The path of the message in the source, or of a file in the message.
        path: PathBuf,
        /// Why not.
        source: view::Error,
    },
    /// The message has this file by itself, or must not lose it.
    #[error("not permitted: {0}")]
    NotPermitted(&'static str),
    /// There is a file of this name already.
    #[error("it exists already")]
    Exists,
    /// A directory that is to go has something in it.
    #[error("the directory is not empty")]
    NotEmpty,
    /// A file cannot be moved from one message into another; it can be copied.
    #[error("it cannot be moved between messages")]
    OtherDevice,
    /// A program is writing to a file of the message that is to be moved, or removes files in one
    /// that is to be saved.
    #[error("a program is changing it")]
    Busy,
    /// The name is longer than 255 bytes.
    #[error("the name is too long")]
    NameTooLong,
    /// There is no such handle, or it is not open for this.
    #[error("not open for this")]
    BadHandle,
    /// What is written cannot be held until the file is closed.
    #[error("no room for what is written: {0}")]
    Buffer(io::Error),
    /// The file is longer than one that is written to may be.
    #[error("the file is too large to be written to")]
    TooLarge,
    /// A write was refused, so what was written before it is not all that the program wanted.
    #[error("a write was refused, so the file keeps its old value")]
    Incomplete,
    /// The edit log could not take an edit, so the edit was not made.
    #[error("the edit cannot be kept in the state folder: {0}")]
    EditLog(io::Error),
    /// The session is being closed.
    #[error("the mount is ending")]
    Closing,
    /// Nothing can be written here: the mount is read-only, or the file is no message.
    #[error("{}: only messages can be written to, in a mount with -o edit", shown(path))]
    ReadOnly {
        /// The path in the source.
        path: PathBuf,
    },
}

/// A path in the source. That of the source itself is empty.
fn shown(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => "the folder itself".to_owned(),
        false => format!("{path:?}"),
    }
}

/// An error of the system at a file of the source.
pub(super) fn source_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound,
        io::ErrorKind::NotADirectory => Error::NotADirectory,
        io::ErrorKind::StaleNetworkFileHandle => Error::Stale { path: path.to_owned() },
        _ => Error::Source { path: path.to_owned(), source },
    }
}

/// An error inside a message, with the message it happened in.
pub(super) fn message_error(path: &Path, source: view::Error) -> Error {
    match source {
        view::Error::NotFound => Error::NotFound,
        view::Error::NotADirectory => Error::NotADirectory,
        view::Error::IsADirectory => Error::IsADirectory,
        source => Error::Message { path: path.to_owned(), source },
    }
}

/// The text of an error and its causes, each said once.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Why something failed, without the path, which the caller names.
pub(super) fn cause(error: &Error) -> String {
    match error {
        Error::Message { source, .. } => with_causes(source),
        Error::Source { source, .. } => source.to_string(),
        Error::Unwritable { source, .. } => format!("its folder cannot be written to: {source}"),
        Error::ReadOnly { .. } => "only messages can be written to".to_owned(),
        error => with_causes(error),
    }
}

/// Why a value was refused, without the file that it was for.
pub(super) fn refusal(error: &Error) -> String {
    format!("refused: {}", cause(error))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Error, with_causes};
    use crate::{imsg, storage, view};

    #[test]
    fn each_cause_is_said_once() {
        let source = io::Error::from_raw_os_error(libc::ENOSPC);
        let full = storage::Error::Write { entry: "a".to_owned(), source };
        let source = view::Error::from(imsg::Error::from(full));
        let text = with_causes(&Error::Message { path: "m.msg".into(), source });
        let cause = "No space left on device (os error 28)";
        assert_eq!(text, format!("\"m.msg\": entry \"a\": writing failed: {cause}"));
        let told = Error::Buffer(io::Error::from_raw_os_error(libc::ENOSPC));
        assert_eq!(with_causes(&told), format!("no room for what is written: {cause}"));
    }
}
