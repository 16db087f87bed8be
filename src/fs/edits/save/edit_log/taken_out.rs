//! The edits that a killed mount has left, taken out of the log without a mount: the folder of the
//! source may have another name now, or lie on a disk that is not there.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage::FileState;

use super::left::list;
use super::{EditLog, Left, Pending, SourceScope, StateFolder};

/// Edits of one message by at most this many killed mounts are taken out.
const MOUNTS_MAX: usize = 64;
const REASON: &str = "its mount was killed before it saved them";

/// Keeps the edits that killed mounts have left of a message as plain files. Returns the folders;
/// none if there are no such edits.
///
/// # Errors
/// Those of making a folder. What is not kept stays in the log.
pub fn keep_left(state_folder: &StateFolder, message: &Path) -> io::Result<Vec<PathBuf>> {
    let mut kept = Vec::new();
    for _ in 0..MOUNTS_MAX {
        let Some((log, left)) = take_out(state_folder, message)? else { break };
        for path in paths(&left) {
            kept.push(log.keep(path, REASON, None)?);
        }
        for one in left.temporaries {
            let files = [(one.path.clone(), Arc::clone(&one.value))];
            kept.push(log.keep_files(&one.message, &files, REASON)?);
            one.end()?;
        }
    }
    Ok(kept)
}

/// Throws the edits away that killed mounts have left of a message. Returns whether there were any.
///
/// # Errors
/// Those of removing them.
pub fn discard_left(state_folder: &StateFolder, message: &Path) -> io::Result<bool> {
    let mut is_any = false;
    for _ in 0..MOUNTS_MAX {
        let Some((log, left)) = take_out(state_folder, message)? else { break };
        paths(&left).into_iter().try_for_each(|path| log.discard(path))?;
        left.temporaries.into_iter().try_for_each(|one| one.end())?;
        is_any = true;
    }
    Ok(is_any)
}

/// The messages that have edits: of one that several mounts have edited, only the last edits are in
/// the log now, so it is one of these once.
fn paths(left: &Left) -> BTreeSet<&Path> {
    left.edits.iter().map(|one| one.path.as_path()).collect()
}

/// The edits that are left of a message, in a log that no mount can take over meanwhile.
fn take_out(state_folder: &StateFolder, message: &Path) -> io::Result<Option<(EditLog, Left)>> {
    let is_left = |one: &Pending| !one.is_mounted && one.message == message;
    let Some((root, name)) = message.parent().zip(message.file_name()) else { return Ok(None) };
    if !list(state_folder)?.iter().any(is_left) {
        return Ok(None);
    }
    let state_of = |path: &Path| Some(FileState::from(&root.join(path).metadata().ok()?));
    let scope = SourceScope { root, one: Some(Path::new(name)), state_of: &state_of };
    EditLog::open(state_folder.clone(), scope).map(Some)
}
