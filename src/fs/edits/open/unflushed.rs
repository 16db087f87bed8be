//! Whether a handle was written to since the last FLUSH that made a value, and which FLUSH may make
//! one.
//!
//! The kernel sends a FLUSH for every copy of a descriptor that is closed. A program that starts
//! another one while it writes has such a copy closed: `fork` gives the child all descriptors, and
//! `exec` closes those with O_CLOEXEC. If that FLUSH made the value, half a file would be saved as
//! if the program had ended it. So a FLUSH counts only if it comes from a process that has opened
//! the handle or has written through it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::message::process::group_of;

/// At most this many threads and processes are remembered of a handle.
const WRITERS_MAX: usize = if cfg!(test) { 4 } else { 64 };

/// What was written through a handle and is not flushed.
#[derive(Debug)]
pub(in crate::fs::edits) struct Unflushed {
    is_written: AtomicBool,
    /// Held while a FLUSH makes the value.
    turn: Mutex<()>,
    writers: Mutex<Writers>,
}

/// Who has opened a handle or written through it.
#[derive(Debug)]
enum Writers {
    Known {
        processes: Vec<u32>,
        /// Threads of them, so that `/proc` is read once for each and not for each WRITE.
        threads: Vec<u32>,
    },
    /// One of them is not known: FUSE gives 0 for a process of another pid namespace, and for the
    /// kernel when it writes back the pages of a mapping. Then every FLUSH counts.
    Unknown,
}

impl Unflushed {
    /// A handle that a thread has opened; 0 stands for one that is not known.
    pub(in crate::fs::edits) fn new(opener: u32) -> Self {
        let mut writers = Writers::Known { processes: Vec::new(), threads: Vec::new() };
        writers.note(opener);
        Self {
            is_written: AtomicBool::new(false),
            turn: Mutex::default(),
            writers: Mutex::new(writers),
        }
    }

    /// Notes that a thread writes through the handle.
    pub(in crate::fs::edits) fn note(&self, thread: u32) {
        lock(&self.writers).note(thread);
        self.is_written.store(true, Ordering::Release);
    }

    /// Whether something was written that no FLUSH has made a value.
    pub(in crate::fs::edits) fn is_written(&self) -> bool {
        self.is_written.load(Ordering::Acquire)
    }

    /// Makes the value with `settle` at a FLUSH of a thread, if the handle was written to and the
    /// FLUSH counts.
    ///
    /// Only one FLUSH of a handle runs at a time. Two threads may close two copies of a descriptor
    /// at once. If the FLUSH of the first makes the value, that of the second finds nothing to do.
    /// It must not be answered before the value is there: its `close` promises that.
    ///
    /// # Errors
    /// Those of `settle`. The next FLUSH then tries again: it may be the one whose error somebody
    /// reads.
    pub(in crate::fs::edits) fn flush(
        &self,
        thread: u32,
        settle: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !lock(&self.writers).have(thread) {
            return Ok(());
        }
        let _turn = lock(&self.turn);
        match self.is_written() {
            true => self.make(settle),
            false => Ok(()),
        }
    }

    /// Makes the value with `settle`, for an fsync.
    ///
    /// # Errors
    /// Those of `settle`, as [`Unflushed::flush`].
    pub(in crate::fs::edits) fn sync(
        &self,
        settle: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _turn = lock(&self.turn);
        self.make(settle)
    }

    /// What is written while `settle` runs is still to do afterwards.
    fn make(&self, settle: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        self.is_written.store(false, Ordering::Release);
        settle().inspect_err(|_| self.is_written.store(true, Ordering::Release))
    }
}

impl Writers {
    fn note(&mut self, thread: u32) {
        let Self::Known { processes, threads } = self else { return };
        if threads.contains(&thread) {
            return;
        }
        let Some(process) = group_of(thread) else {
            *self = Self::Unknown;
            return;
        };
        if !processes.contains(&process) {
            if processes.len() == WRITERS_MAX {
                *self = Self::Unknown;
                return;
            }
            processes.push(process);
        }
        if threads.len() == WRITERS_MAX {
            threads.remove(0);
        }
        threads.push(thread);
    }

    /// Whether a thread belongs to one of them, or may do so.
    fn have(&self, thread: u32) -> bool {
        match self {
            Self::Unknown => true,
            Self::Known { processes, threads } => {
                threads.contains(&thread)
                    || group_of(thread).is_none_or(|process| processes.contains(&process))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{io, thread};

    use super::{Error, Unflushed, WRITERS_MAX};

    const UNKNOWN: u32 = 0;

    /// A handle of an unknown process that was written to.
    fn written() -> Unflushed {
        let unflushed = Unflushed::new(UNKNOWN);
        unflushed.note(UNKNOWN);
        unflushed
    }

    #[test]
    fn a_flush_waits_for_the_one_that_makes_the_value() {
        let unflushed = written();
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
            scope.spawn(|| unflushed.flush(UNKNOWN, settle).unwrap());
            until(&is_begun);
            is_waiting.store(true, Ordering::SeqCst);
            unflushed.flush(UNKNOWN, || panic!("nothing was written since")).unwrap();
            assert!(is_value.load(Ordering::SeqCst), "answered before the value was made");
        });
    }

    #[test]
    fn the_flush_after_one_that_failed_tries_again() {
        let unflushed = written();
        let full = || Error::Buffer(io::ErrorKind::StorageFull.into());
        assert!(unflushed.flush(UNKNOWN, || Err(full())).is_err());
        assert!(unflushed.flush(UNKNOWN, || Err(full())).is_err());
        unflushed.flush(UNKNOWN, || Ok(())).unwrap();
        unflushed.flush(UNKNOWN, || Err(full())).unwrap();
    }

    /// Another process that lives until it is killed.
    fn other() -> Child {
        Command::new("sleep").arg("100").spawn().unwrap()
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn counts(unflushed: &Unflushed, thread: u32) -> bool {
        let mut is_made = false;
        let settle = || {
            is_made = true;
            Ok(())
        };
        unflushed.flush(thread, settle).unwrap();
        is_made
    }

    #[test]
    fn only_who_opened_or_wrote_ends_the_writing() {
        let (own, writer, stranger) = (std::process::id(), other(), other());
        let unflushed = Unflushed::new(own);
        assert!(!counts(&unflushed, own), "nothing was written");
        unflushed.note(writer.id());
        assert!(!counts(&unflushed, stranger.id()) && unflushed.is_written());
        assert!(counts(&unflushed, writer.id()) && !unflushed.is_written());
        unflushed.note(writer.id());
        // Another thread of the process that opened it.
        let thread = || std::fs::read_link("/proc/thread-self").unwrap();
        let of_thread = || thread().file_name().unwrap().to_str().unwrap().parse().unwrap();
        assert!(thread::scope(|scope| {
            scope.spawn(|| counts(&unflushed, of_thread())).join().unwrap()
        }));
        unflushed.note(own);
        assert!(counts(&unflushed, UNKNOWN));
        // The kernel has written back a page.
        unflushed.note(UNKNOWN);
        assert!(counts(&unflushed, stranger.id()));
        end(writer);
        end(stranger);
    }

    #[test]
    fn with_very_many_writers_every_flush_counts() {
        let (writers, stranger) = ((0..=WRITERS_MAX).map(|_| other()).collect::<Vec<_>>(), other());
        let unflushed = Unflushed::new(std::process::id());
        let (last, first) = writers.split_last().unwrap();
        first[1..].iter().for_each(|writer| unflushed.note(writer.id()));
        assert!(!counts(&unflushed, stranger.id()));
        unflushed.note(last.id());
        assert!(counts(&unflushed, stranger.id()));
        writers.into_iter().chain([stranger]).for_each(end);
    }
}
