//! The table of open files, by the handle numbers that the kernel was given.
//!
//! A file that is only read needs no handle: its readers see it as it is at the moment, as on any
//! filesystem.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::fs::Error;
use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::message::directory::MessageDirectory;
use crate::fs::edits::message::temporary::TemporaryFile;

use super::open_file::{OpenFile, OpenFlags};
use super::unflushed::Unflushed;

/// The open files.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct Handles {
    last: AtomicU64,
    open: RwLock<HashMap<u64, Arc<Handle>>>,
}

/// An open file of a message or in its directory.
#[derive(Debug)]
pub(in crate::fs::edits) struct Handle {
    pub(in crate::fs::edits) directory: Arc<MessageDirectory>,
    pub(in crate::fs::edits) target: HandleTarget,
}

/// What a handle is on.
#[derive(Debug)]
pub(in crate::fs::edits) enum HandleTarget {
    /// A file of the message, to be written and perhaps read.
    File { file: Arc<OpenFile>, appends: bool, unflushed: Unflushed },
    /// A temporary file.
    Temporary { file: Arc<TemporaryFile>, flags: OpenFlags, unflushed: Unflushed },
    /// A file in a folder that becomes a message.
    Arrival { arrival: Arc<Arrival>, unflushed: Unflushed },
}

impl HandleTarget {
    /// A handle on a temporary file, which a thread opens.
    pub(in crate::fs::edits) fn temporary(
        file: Arc<TemporaryFile>,
        flags: OpenFlags,
        opener: u32,
    ) -> Self {
        if flags.is_writing() {
            file.open();
        }
        Self::Temporary { file, flags, unflushed: Unflushed::new(opener) }
    }

    /// Takes back what opening has counted: the program gets no handle.
    pub(in crate::fs::edits) fn abandon(&self) {
        match self {
            Self::File { file, .. } => drop(file.lock().close()),
            Self::Arrival { arrival, .. } => drop(arrival.close()),
            Self::Temporary { file, flags, .. } if flags.is_writing() => drop(file.close()),
            Self::Temporary { .. } => {}
        }
    }
}

impl Handles {
    /// Enters what was opened.
    pub(in crate::fs::edits) fn add(
        &self,
        directory: &Arc<MessageDirectory>,
        target: HandleTarget,
    ) -> u64 {
        // 0 stands for a file that is read without a handle.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = Arc::new(Handle { directory: Arc::clone(directory), target });
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, handle);
        number
    }

    pub(in crate::fs::edits) fn get(&self, number: u64) -> Result<Arc<Handle>, Error> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&number).cloned().ok_or(Error::BadHandle)
    }

    pub(in crate::fs::edits) fn remove(&self, number: u64) -> Option<Arc<Handle>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }
}
