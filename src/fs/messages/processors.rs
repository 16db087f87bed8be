//! Keeps the event loops off the processor of the opener.
//!
//! The kernel chooses the processor of an event loop when a program sends a request. At that moment
//! the program still runs, so with two processors the kernel chooses that of the opener. The event
//! loop then waits there until the opener has opened its message, and the processor of the program,
//! which waits for the answer, stands idle.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The number of no processor.
const NONE: u32 = u32::MAX;

/// The processor on which the opener works.
#[derive(Debug)]
pub(super) struct Processors {
    of_opener: AtomicU32,
}

/// What an event loop does without.
#[derive(Clone, Copy)]
struct KeptOff {
    processor: u32,
    /// The processors on which the event loop ran before.
    before: CpuSet,
}

thread_local! {
    static KEPT_OFF: Cell<Option<KeptOff>> = const { Cell::new(None) };
}

impl Default for Processors {
    fn default() -> Self {
        Self { of_opener: AtomicU32::new(NONE) }
    }
}

impl Processors {
    /// Notes that the opener works on the processor of this thread.
    pub(super) fn take(&self) {
        let processor = u32::try_from(sched_getcpu()).unwrap_or(NONE);
        self.of_opener.store(processor, Ordering::Relaxed);
    }

    /// Notes that the opener leaves its processor to others.
    pub(super) fn leave(&self) {
        self.of_opener.store(NONE, Ordering::Relaxed);
    }

    /// Whether the event loops keep off the processor of the opener.
    pub(super) fn is_taken(&self) -> bool {
        self.of_opener.load(Ordering::Relaxed) != NONE
    }

    /// Moves this thread, an event loop, off the processor of the opener, or lets it run again
    /// where it ran before. A system that does not allow that only makes answers slower.
    pub(super) fn keep_off_opener(&self) {
        let (processor, kept_off) = (self.of_opener.load(Ordering::Relaxed), KEPT_OFF.get());
        if kept_off.map_or(NONE, |kept_off| kept_off.processor) == processor {
            return;
        }
        let known = kept_off.map(|kept_off| kept_off.before);
        let Some(before) = known.or_else(|| sched_getaffinity(None).ok()) else { return };
        let mut left = before;
        if let Some(number) = usize::try_from(processor).ok().filter(|at| *at < CpuSet::MAX_CPU) {
            left.unset(number);
        }
        KEPT_OFF.set((processor != NONE).then_some(KeptOff { processor, before }));
        if left.count() > 0 {
            let _ = sched_setaffinity(None, &left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::Processors;

    fn allowed() -> CpuSet {
        sched_getaffinity(None).unwrap()
    }

    #[test]
    fn an_event_loop_keeps_off_the_processor_of_the_opener_while_that_works() {
        let (processors, all) = (Processors::default(), allowed());
        let mut numbers = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
        let (Some(first), Some(second)) = (numbers.next(), numbers.next()) else {
            println!("SKIPPED: there is one processor only");
            return;
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                let without = |number| {
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
                    assert!(processors.is_taken());
                };
                without(first);
                without(second);
                processors.leave();
                processors.keep_off_opener();
                assert!(allowed() == all);
                assert!(!processors.is_taken());
            });
        });
    }

    #[test]
    fn an_event_loop_keeps_the_only_processor() {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut only = CpuSet::new();
                only.set((0..).find(|number| allowed().is_set(*number)).unwrap());
                sched_setaffinity(None, &only).unwrap();
                let processors = Processors::default();
                processors.take();
                processors.keep_off_opener();
                assert!(allowed() == only);
            });
        });
    }
}
