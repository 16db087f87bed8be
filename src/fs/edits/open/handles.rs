//! The table of open files, by the handle numbers that the kernel was given.
//!
//! A file that is only read needs no handle: its readers see it as it is at the moment, as on any
//! filesystem.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::message::directory::MessageDirectory;
use crate::fs::edits::message::temporary::TemporaryFile;

use super::open_file::{OpenFile, OpenFlags};

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
    /// A handle on a temporary file.
    pub(in crate::fs::edits) fn temporary(file: Arc<TemporaryFile>, flags: OpenFlags) -> Self {
        if flags.is_writing() {
            file.open();
        }
        Self::Temporary { file, flags, unflushed: Unflushed::default() }
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

/// Whether a handle was written to since its last FLUSH. The kernel sends a FLUSH for every copy
/// of a descriptor and every forked child that closes one, whether it has written or not.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct Unflushed {
    is_written: AtomicBool,
    /// Held while a FLUSH makes the value.
    turn: Mutex<()>,
}

impl Unflushed {
    pub(in crate::fs::edits) fn note(&self) {
        self.is_written.store(true, Ordering::Release);
    }

    /// Makes the value with `settle` if the handle was written to.
    ///
    /// Only one FLUSH of a handle runs at a time. A child that another thread forks has a copy of
    /// the descriptor and closes it when it runs its program. If the FLUSH of the child makes the
    /// value just when the writer itself closes, the FLUSH of the writer finds nothing to do. It
    /// must not be answered before the value is there: its `close` promises that.
    ///
    /// # Errors
    /// Those of `settle`. The next FLUSH then tries again: it may be the one whose error somebody
    /// reads.
    pub(in crate::fs::edits) fn flush(
        &self,
        settle: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _turn = lock(&self.turn);
        if !self.is_written.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        settle().inspect_err(|_| self.note())
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{io, thread};

    use super::{Error, Unflushed};

    #[test]
    fn a_flush_waits_for_the_one_that_makes_the_value() {
        let unflushed = Unflushed::default();
        unflushed.note();
        let (is_begun, is_waiting) = (AtomicBool::new(false), AtomicBool::new(false));
        let is_value = AtomicBool::new(false);
        let until = |flag: &AtomicBool| {
            while !flag.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        };
        let settle = || {
            is_begun.store(true, Ordering::SeqCst);
            until(&is_waiting);
            // Long enough for one that does not wait to return.
            (0..1000).for_each(|_| thread::yield_now());
            is_value.store(true, Ordering::SeqCst);
            Ok(())
        };
        thread::scope(|scope| {
            scope.spawn(|| unflushed.flush(settle).unwrap());
            until(&is_begun);
            is_waiting.store(true, Ordering::SeqCst);
            unflushed.flush(|| panic!("nothing was written since")).unwrap();
            assert!(is_value.load(Ordering::SeqCst), "answered before the value was made");
        });
    }

    #[test]
    fn the_flush_after_one_that_failed_tries_again() {
        let unflushed = Unflushed::default();
        unflushed.note();
        let full = || Error::Buffer(io::ErrorKind::StorageFull.into());
        assert!(unflushed.flush(|| Err(full())).is_err());
        assert!(unflushed.flush(|| Err(full())).is_err());
        unflushed.flush(|| Ok(())).unwrap();
        unflushed.flush(|| Err(full())).unwrap();
    }
}
