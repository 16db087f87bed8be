//! Keeps the event loops off the processor of the opener.
//!
//! The kernel chooses the processor of an event loop when a program sends a request. At that moment
//! the program still runs, so with two processors the kernel chooses that of the opener. The event
//! loop then waits there until the opener has opened its message, and the processor of the program,
//! which waits for the answer, stands idle.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use rustix::process::getpid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The opener keeps its processor for so long after it has begun to open a message, in
/// milliseconds: in a walk the next message comes earlier. An opener that rests, or waits for a
/// slow source, needs none.
const KEPT_MILLIS: u64 = 20;

thread_local! {
    /// The processor that this thread, an event loop, keeps off.
    static KEPT_OFF: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The processor on which the opener works.
///
/// The two values are not stored as one: who reads them in between keeps off the wrong processor
/// for one answer.
#[derive(Debug)]
pub(super) struct Processors {
    begin: Instant,
    /// Its number, or [`NONE`].
    of_opener: AtomicU32,
    /// When the opener took it, in milliseconds from `begin`.
    taken_millis: AtomicU64,
    kept_millis: u64,
}

/// The opener has no processor to itself.
const NONE: u32 = u32::MAX;

impl Default for Processors {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            of_opener: AtomicU32::new(NONE),
            taken_millis: AtomicU64::new(0),
            kept_millis: KEPT_MILLIS,
        }
    }
}

impl Processors {
    /// Notes that the opener works on the processor of this thread.
    pub(super) fn take(&self) {
        self.taken_millis.store(self.now(), Ordering::Relaxed);
        self.of_opener.store(u32::try_from(sched_getcpu()).unwrap_or(NONE), Ordering::Relaxed);
    }

    /// Notes that the opener leaves its processor to others.
    pub(super) fn leave(&self) {
        self.of_opener.store(NONE, Ordering::Relaxed);
    }

    /// Moves this thread, an event loop, off the processor of the opener, or lets it run wherever
    /// the main thread may. A system that does not allow that only makes answers slower.
    pub(super) fn keep_off_opener(&self) {
        let taken = self.taken();
        if KEPT_OFF.replace(taken) == taken {
            return;
        }
        let Ok(of_main) = sched_getaffinity(Some(getpid())) else { return };
        let _ = sched_setaffinity(None, &without(of_main, taken));
    }

    /// The processor that the opener has.
    fn taken(&self) -> Option<u32> {
        let of_opener = self.of_opener.load(Ordering::Relaxed);
        if of_opener == NONE {
            return None;
        }
        let since = self.now().saturating_sub(self.taken_millis.load(Ordering::Relaxed));
        (since < self.kept_millis).then_some(of_opener)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The processors without one of them, if there are others.
fn without(all: CpuSet, one: Option<u32>) -> CpuSet {
    let mut left = all;
    if let Some(one) = one.and_then(|one| usize::try_from(one).ok())
        && one < CpuSet::MAX_CPU
    {
        left.unset(one);
    }
    if left.count() > 0 { left } else { all }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::{Processors, without};

    fn allowed() -> CpuSet {
        sched_getaffinity(None).unwrap()
    }

    #[test]
    fn an_event_loop_keeps_off_the_processor_of_the_opener_while_that_works() {
        let processors = Processors { kept_millis: u64::MAX, ..Processors::default() };
        let all = allowed();
        let mut numbers = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
        let (Some(first), Some(second)) = (numbers.next(), numbers.next()) else {
            println!("SKIPPED: there is one processor only");
            return;
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                let keep_off = |number| {
                    let mut only = CpuSet::new();
                    only.set(number);
                    thread::scope(|opener| {
                        opener.spawn(|| {
                            sched_setaffinity(None, &only).unwrap();
                            processors.take();
                        });
                    });
                    processors.keep_off_opener();
                    let mut expected = all;
                    expected.unset(number);
                    assert!(allowed() == expected);
                };
                keep_off(first);
                keep_off(second);
                processors.leave();
                processors.keep_off_opener();
                assert!(allowed() == all);
            });
        });
    }

    #[test]
    fn what_the_opener_took_some_time_ago_is_free() {
        let processors = Processors { kept_millis: 0, ..Processors::default() };
        processors.take();
        assert_eq!(processors.taken(), None);
    }

    #[test]
    fn the_only_processor_is_kept() {
        let mut both = CpuSet::new();
        both.set(3);
        let only = both;
        both.set(5);
        assert!(without(both, Some(5)) == only);
        assert!(without(only, Some(3)) == only);
        assert!(without(only, Some(u32::MAX)) == only);
        assert!(without(both, None) == both);
    }
}
