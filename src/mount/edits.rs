//! Asks mounts what is unsaved in them, and has it saved or discarded.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::fs::CONTROL_DIRECTORY;
use crate::fs::edit_log::{UNSAVED_ATTRIBUTE, unescaped};

use super::answering::{self, AnswerState};
use super::table;

/// A message of a mount with edits that are not saved.
#[derive(Clone, Debug)]
pub struct UnsavedMessage {
    /// Its path in the mount.
    pub path: PathBuf,
    /// Since when (RFC 3339, UTC).
    pub since: String,
    /// Whether another program has changed its file, so that saving it is of no use.
    pub is_conflict: bool,
    /// Why the last save failed; empty if none did.
    pub cause: String,
}

/// The writable mounts of a user.
#[derive(Debug, Default)]
pub struct WritableMounts {
    /// Those that answer.
    pub alive: Vec<PathBuf>,
    /// Those that do not answer in time: their process is stopped, or waits for its source.
    pub silent: Vec<PathBuf>,
}

/// The writable mounts of this user, asked at the same time, so that several that hang take no
/// longer than one. The mounts of other users are not asked: their processes may say anything,
/// and may never answer.
///
/// # Errors
/// If the mount table cannot be read, or no thread can be started.
pub fn writable_mounts() -> io::Result<WritableMounts> {
    let user = rustix::process::geteuid().as_raw();
    let mut own = table::all()?;
    own.retain(|mount| mount.is_writable && mount.owner == user);
    let mut found = WritableMounts::default();
    for (mount, state) in std::iter::zip(&own, answering::states(&own)?) {
        match state {
            AnswerState::Alive => found.alive.push(mount.path.clone()),
            AnswerState::Silent | AnswerState::Stuck => found.silent.push(mount.path.clone()),
            // Its edits are in the state folder.
            AnswerState::Dead => {}
        }
    }
    Ok(found)
}

/// The msgfs mount that a path is in; `None` if it is in none.
///
/// # Errors
/// If the mount table cannot be read, or there is no such path.
pub fn mount_of(path: &Path) -> io::Result<Option<PathBuf>> {
    let path = table::absolute(path)?;
    // Only the innermost mount counts: another file system may be mounted inside one of ours.
    let mut mounts = table::all()?;
    mounts.retain(|mount| path.starts_with(&mount.path));
    Ok(mounts.into_iter().map(|mount| mount.path).max_by_key(|path| path.as_os_str().len()))
}

/// The messages in a mount with edits that are not saved.
///
/// # Errors
/// If `.msgfs/unsaved` of the mount cannot be read.
pub fn unsaved(mount_point: &Path) -> io::Result<Vec<UnsavedMessage>> {
    let text = match std::fs::read(mount_point.join(CONTROL_DIRECTORY).join("unsaved")) {
        // A read-only mount has no such file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let text = String::from_utf8_lossy(&text);
    let line = |line: &str| {
        let mut parts = line.splitn(4, '\t');
        let mut part = || parts.next().unwrap_or_default();
        let path = unescaped(part());
        let path = if path.as_os_str().is_empty() {
            mount_point.to_owned()
        } else {
            mount_point.join(path)
        };
        let (since, state, cause) = (part().to_owned(), part(), part().to_owned());
        UnsavedMessage { path, since, is_conflict: state == "conflict", cause }
    };
    Ok(text.lines().map(line).collect())
}

/// Saves the message that a file or directory of a mount belongs to.
///
/// # Errors
/// Why it is not saved.
pub fn save(path: &Path) -> io::Result<()> {
    // An fsync of a directory saves what was removed, too.
    let directory = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    File::open(directory)?.sync_all()
}

/// Throws the unsaved edits of a message away.
///
/// # Errors
/// `NotFound` if the path is no message or there are none.
pub fn discard(path: &Path) -> io::Result<()> {
    match rustix::fs::removexattr(path, UNSAVED_ATTRIBUTE) {
        Err(Errno::NODATA) => Err(io::ErrorKind::NotFound.into()),
        discarded => Ok(discarded?),
    }
}
