//! Copies of temporary files: a kill must not lose the text of a user that is in an editor's swap
//! file, or in the backup of a value.
//!
//! A copy is a log with one edit, an [`Operation::Temporary`], which is never made. It does not
//! count among the edits of its message. It goes away with the temporary file; what a kill leaves,
//! the next mount keeps.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage::Source;

use super::message_log::{Edit, Edits, MessageLog};
use super::{EditLog, EditedFile, Operation};

/// A copy of a temporary file. Dropping it removes the copy.
#[derive(Debug)]
pub struct TemporaryCopy {
    log: MessageLog,
}

/// A temporary file that a killed mount has left.
#[derive(Debug)]
pub struct LeftTemporary {
    /// The path of its message below the source.
    pub message: PathBuf,
    /// Its path in the message.
    pub path: String,
    /// Its bytes.
    pub value: Arc<Source>,
    log: MessageLog,
}

/// The file in a log that is a copy.
pub(super) struct CopiedFile {
    path: String,
    value: Arc<Source>,
}

impl CopiedFile {
    /// The file in a log in which this stands; `None` if it is the log of a message.
    pub(super) fn of(edits: &Edits) -> Option<Self> {
        match edits.edits.as_slice() {
            [Edit { operation: Operation::Temporary { path, value }, .. }] => {
                Some(Self { path: path.clone(), value: Arc::clone(value) })
            }
            _ => None,
        }
    }
}

impl EditLog {
    /// Copies a temporary file in the directory of a message.
    ///
    /// # Errors
    /// Those of writing, a full disk above all.
    pub fn copy_temporary(
        &self,
        message: &Path,
        path: &str,
        value: Arc<Source>,
    ) -> io::Result<TemporaryCopy> {
        let log =
            MessageLog::create(self.next_folder(), self.root.join(message), EditedFile::default())?;
        // Dropped, and so removed, if the value cannot be written.
        let mut copy = TemporaryCopy { log };
        copy.log.append(&[], &Operation::Temporary { path: path.to_owned(), value })?;
        Ok(copy)
    }
}

impl TemporaryCopy {
    /// Syncs the copy to the disk.
    ///
    /// # Errors
    /// Those of `fsync`.
    pub fn sync(&self) -> io::Result<()> {
        self.log.sync()
    }
}

impl Drop for TemporaryCopy {
    fn drop(&mut self) {
        if let Err(error) = self.log.end() {
            tracing::warn!(
                "the copy of a temporary file stays in {:?}: {error}",
                self.log.folder()
            );
        }
    }
}

impl LeftTemporary {
    /// The file of which a log is the copy, and in which this stands.
    pub(super) fn new(log: MessageLog, edits: &Edits, file: CopiedFile, root: &Path) -> Self {
        let message = edits.message.strip_prefix(root).unwrap_or(&edits.message).to_owned();
        let CopiedFile { path, value } = file;
        Self { message, path, value, log }
    }

    /// Removes the copy, once the bytes are kept.
    ///
    /// # Errors
    /// Those of removing it.
    pub fn end(mut self) -> io::Result<()> {
        self.log.end()
    }
}
