//! Tells whether a thread mostly waits for the source, as on a slow disk or another machine. If so,
//! more threads get more done.

use std::thread;
use std::time::{Duration, Instant};

/// Work that takes less time than this does not tell whether its thread waits.
pub(crate) const WAIT_MIN: Duration = Duration::from_millis(3);

/// How long some work takes, and for how long of that its thread runs or could run.
pub(crate) struct WaitSample {
    start: Instant,
    busy_before: Option<Duration>,
}

impl WaitSample {
    /// Begins with the work.
    pub(crate) fn begin() -> Self {
        Self { start: Instant::now(), busy_before: busy_time() }
    }

    /// Whether the thread has waited most of the time, for the source that is: not for a processor.
    pub(crate) fn has_waited(&self) -> bool {
        let Some((before, now)) = self.busy_before.zip(busy_time()) else { return false };
        self.start.elapsed() > (now.saturating_sub(before) * 3).max(WAIT_MIN)
    }
}

/// For how long this thread has run, and has waited for a processor (`schedstats` of Linux); `None`
/// where the system does not say.
fn busy_time() -> Option<Duration> {
    // The system counts when a thread lets others run.
    thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut nanoseconds = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (ran, waited) = (nanoseconds.next()?.ok()?, nanoseconds.next()?.ok()?);
    Some(Duration::from_nanos(ran.saturating_add(waited)))
}
