//! When messages are saved by themselves: some time after the last edit, once nobody writes.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::super::ino::Base;
use super::Writing;
use super::draft::Draft;

/// Enough that one slow save does not hold up the others.
const THREADS: usize = 3;

/// The messages that are to be saved, and when.
#[derive(Debug)]
pub(super) struct Commits {
    delay: Duration,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    due: HashMap<Base, (Instant, Arc<Draft>)>,
    is_ended: bool,
}

impl Commits {
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, waiting: Mutex::default(), changed: Condvar::new() }
    }

    /// Has a message saved when it was left alone for the delay.
    pub(super) fn schedule(&self, draft: &Arc<Draft>) {
        let mut waiting = self.waiting();
        if !waiting.is_ended {
            waiting.due.insert(draft.base, (Instant::now() + self.delay, Arc::clone(draft)));
            self.changed.notify_one();
        }
    }

    /// Has a message not saved for now.
    pub(super) fn cancel(&self, base: Base) {
        self.waiting().due.remove(&base);
    }

    /// Saves nothing by itself any more.
    pub(super) fn end(&self) {
        let mut waiting = self.waiting();
        waiting.is_ended = true;
        waiting.due.clear();
        self.changed.notify_all();
    }

    /// Waits for the next message that is due; `None` at the end.
    fn next(&self) -> Option<Arc<Draft>> {
        let mut waiting = self.waiting();
        loop {
            if waiting.is_ended {
                return None;
            }
            let now = Instant::now();
            let next = waiting.due.iter().min_by_key(|(_, (at, _))| *at);
            let (base, left) = match next {
                None => {
                    waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                Some((base, (at, _))) => (*base, at.saturating_duration_since(now)),
            };
            if left.is_zero() {
                return waiting.due.remove(&base).map(|(_, draft)| draft);
            }
            let waited = self.changed.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saves what is due until the end.
pub(super) fn serve(writing: &Arc<Writing>) {
    for number in 0..THREADS {
        let writing: Weak<Writing> = Arc::downgrade(writing);
        let named = thread::Builder::new().name(format!("save-{number}"));
        let started = named.spawn(move || while save_next(&writing) {});
        if let Err(error) = started {
            // The session saves everything when it is closed.
            tracing::error!("messages are not saved by themselves: {error}");
        }
    }
}

fn save_next(writing: &Weak<Writing>) -> bool {
    let Some(writing) = writing.upgrade() else { return false };
    let Some(draft) = writing.commits.next() else { return false };
    if let Err(error) = writing.save(&draft) {
        tracing::error!("not saved, the edits are kept: {error}");
    }
    let base = draft.base;
    drop(draft);
    writing.table.release(base);
    true
}
