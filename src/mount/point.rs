//! The mount point: checked before the mount.

use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use super::answering::{self, AnswerState};
use super::table;

/// Checks a mount point and gives its absolute path. A dead mount of our own on it, left by a
/// process that was killed, is detached first.
pub(super) fn prepare(mount_point: &Path, nonempty: bool) -> Result<PathBuf, Error> {
    let unusable = |cause: String| Error::MountPoint { path: mount_point.to_owned(), cause };
    let denied = |error: &io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            unusable("permission denied; choose a directory that you own".to_owned())
        }
        _ => unusable(error.to_string()),
    };
    let path = table::absolute(mount_point).map_err(|error| denied(&error))?;
    if let Some(mount) = table::find(&path)? {
        let off = match answering::state(&mount)? {
            AnswerState::Alive => Ok(()),
            AnswerState::Dead => answering::take_off_dead(&path),
            AnswerState::Stuck => answering::release(&mount),
            AnswerState::Silent => {
                let cause = "it does not answer; take it off with 'umount -f -l'";
                Err(io::Error::new(io::ErrorKind::TimedOut, cause))
            }
        };
        off.map_err(|error| unusable(format!("the msgfs there does not come off: {error}")))?;
    }
    let metadata = path.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => unusable("no such directory; create it with mkdir".to_owned()),
        _ => denied(&error),
    })?;
    if !metadata.is_dir() {
        return Err(unusable("not a directory; give an empty one".to_owned()));
    }
    if table::is_ours(&path)? {
        let cause = "a msgfs is mounted there already; unmount it with 'msgfs umount'";
        return Err(unusable(cause.to_owned()));
    }
    let mut entries = path.read_dir().map_err(|error| denied(&error))?;
    if !nonempty && entries.next().is_some() {
        let cause = "not empty; give an empty directory, or -o nonempty to cover what is in it";
        return Err(unusable(cause.to_owned()));
    }
    Ok(path)
}
