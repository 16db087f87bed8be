//! What is unsaved in mounts: asked of the mounts themselves.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::fs::edit_log::{UNSAVED_ATTRIBUTE, unescaped};

use super::answering::{self, State};
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

/// The writable mounts of this user that answer. Those of others are not asked: their processes
/// say what they like, and let wait whom they like.
///
/// # Errors
/// If the mount table cannot be read.
pub fn writable_mounts() -> io::Result<Vec<PathBuf>> {
    let user = rustix::process::geteuid().as_raw();
    let mounts = table::all()?.into_iter();
    let own = mounts.filter(|mount| mount.is_writable && mount.owner == user);
    let alive = own.filter(|mount| matches!(answering::state(mount), Ok(State::Alive)));
    Ok(alive.map(|mount| mount.path).collect())
}

/// The mount of ours that a path is in; `None` if it is in none.
///
/// # Errors
/// If the mount table cannot be read, or there is no such path.
pub fn mount_of(path: &Path) -> io::Result<Option<PathBuf>> {
    let path = table::absolute(path)?;
    // Only the last mount on the way may be ours: another one may be in it.
    let mut mounts = table::all()?;
    mounts.retain(|mount| path.starts_with(&mount.path));
    Ok(mounts.into_iter().map(|mount| mount.path).max_by_key(|path| path.as_os_str().len()))
}

/// The messages in a mount with edits that are not saved.
///
/// # Errors
/// If the mount does not tell.
pub fn unsaved(mount_point: &Path) -> io::Result<Vec<UnsavedMessage>> {
    let text = match std::fs::read(mount_point.join(".msgfs/unsaved")) {
        // One that is only read.
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
    File::open(path)?.sync_all()
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
