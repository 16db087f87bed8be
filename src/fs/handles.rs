//! What is open, by the numbers that the kernel has of it.
//!
//! A file that is only read needs no handle: its readers see it as it is at the moment, as on any
//! filesystem.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::Error;
use super::arrival::Arrival;
use super::directory::MessageDirectory;
use super::open_file::OpenFile;
use super::temporary::TemporaryFile;

/// The open files.
#[derive(Debug, Default)]
pub(super) struct Handles {
    last: AtomicU64,
    open: RwLock<HashMap<u64, Arc<Handle>>>,
}

/// An open file of a message or in its directory.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) directory: Arc<MessageDirectory>,
    pub(super) on: On,
}

/// What a handle is on.
#[derive(Debug)]
pub(super) enum On {
    /// A file of the message, to be written and perhaps read.
    File { file: Arc<OpenFile>, appends: bool, written: Written },
    /// A temporary file.
    Temporary(Arc<TemporaryFile>),
    /// A file in a folder that becomes a message.
    Arrival { arrival: Arc<Arrival>, written: Written },
}

/// Whether a handle was written to since its last FLUSH. The kernel sends a FLUSH for every copy
/// of a descriptor and every forked child that closes one, whether it has written or not.
#[derive(Debug, Default)]
pub(super) struct Written(AtomicBool);

impl Written {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Handles {
    /// Enters what was opened.
    pub(super) fn add(&self, directory: &Arc<MessageDirectory>, on: On) -> u64 {
        // 0 stands for what is read without a handle.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = Arc::new(Handle { directory: Arc::clone(directory), on });
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, handle);
        number
    }

    pub(super) fn get(&self, number: u64) -> Result<Arc<Handle>, Error> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&number).cloned().ok_or(Error::BadHandle)
    }

    pub(super) fn remove(&self, number: u64) -> Option<Arc<Handle>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }
}
