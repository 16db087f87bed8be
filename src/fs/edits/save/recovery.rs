//! Makes the edits again that killed mounts have left.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::fs::Error;
use crate::fs::edits::Edits;
use crate::fs::error::source_error;
use crate::fs::source::ino::{SourceKind, SourceNode};
use crate::imsg::MapiPropMut as _;

use super::edit_log::{LeftOver, LeftTemporary, Operation, escaped};
use super::keeper::LEFT_OVER;

/// Makes the edits again that a killed mount has left of a message, or keeps them.
pub(in crate::fs::edits) fn take_over(edits: &Edits, left: &LeftOver) {
    let count = left.edits.len();
    let message = escaped(&left.path);
    let made = match left.is_unchanged {
        true => make_again(edits, left).map_err(|error| error.to_string()),
        false => Err("another program has changed its file since".to_owned()),
    };
    match made {
        Ok(()) => tracing::info!("{message}: {count} edits of a killed mount are made again"),
        Err(cause) => keep_left_over(edits, &left.path, &cause),
    }
    for edit in &left.edits {
        if let Operation::Temporary { path, value } = &edit.operation {
            edits.keeper.keep_file(&left.path, path, value, LEFT_OVER);
        }
    }
}

/// Keeps a temporary file that a killed mount has left: it may be somebody's text.
pub(in crate::fs::edits) fn keep_temporary(edits: &Edits, left: LeftTemporary) {
    // What cannot be kept now stays for the next mount.
    if edits.keeper.keep_file(&left.message, &left.path, &left.value, LEFT_OVER).is_some()
        && let Err(error) = left.end()
    {
        tracing::warn!("the copy of a temporary file that is kept stays: {error}");
    }
}

fn keep_left_over(edits: &Edits, path: &Path, cause: &str) {
    let message = escaped(path);
    match edits.log.keep(path, cause, None) {
        Ok(kept) => {
            let kept = escaped(&kept);
            tracing::error!("{message}: edits of a killed mount are kept in {kept}: {cause}");
        }
        Err(_) => {
            tracing::error!("{message}: edits of a killed mount stay in the log: {cause}");
        }
    }
}

fn make_again(edits: &Edits, left: &LeftOver) -> Result<(), Error> {
    let path = &left.path;
    let created = match left.edits.first().map(|edit| &edit.operation) {
        Some(Operation::Create { permissions }) => Some(*permissions),
        _ => None,
    };
    let (message, directory) = if created.is_some() {
        edits.folders().enter_new(path)?
    } else {
        let metadata = edits.source.root.metadata(path);
        let identity = metadata.map_err(|error| source_error(path, error))?.identity();
        let node = SourceNode { path: path.clone(), kind: SourceKind::Message, identity };
        edits.known(edits.source.nodes.look_up(&Arc::new(node)))?
    };
    for (storage, name) in &left.names {
        directory.names.put(storage, name);
    }
    let mut locked = edits.locked(&message, directory.lock());
    if let Some(permissions) = created {
        locked.create_new(permissions, false)?;
    }
    let made = left.edits.iter().try_for_each(|edit| {
        match locked.make(&edit.operation, moment_of(edit.at)) {
            // A file that is to be removed may be gone already.
            Err(Error::NotFound) if matches!(edit.operation, Operation::Remove { .. }) => Ok(()),
            made => made.map(drop),
        }
    });
    if made.is_err() {
        // Drop those that were made: no save may contain a part of the edits. The caller keeps
        // all.
        if let Some(edited) = locked.contents.edits() {
            let _ = edited.editor.message().discard_changes();
        }
        locked.forget_edits();
    }
    locked.schedule_save();
    drop(locked);
    edits.source.nodes.forget(message.base, 1);
    made
}

/// The moment of an edit by the clock that does not jump. The editor tells by the time between two
/// edits which bodies were set together.
fn moment_of(at: SystemTime) -> Instant {
    let ago = SystemTime::now().duration_since(at).unwrap_or_default();
    Instant::now().checked_sub(ago).unwrap_or_else(Instant::now)
}
