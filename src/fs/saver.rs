//! When messages are saved by themselves.
//!
//! A message is saved a second after its last writer has closed, and ten seconds after its first
//! unsaved value whatever is open. What could not be saved is tried again. No more than a tenth of
//! the time goes into saving one message.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlook_msg::sync::lock;

use super::directory::Contents;
use super::ino::Base;

/// Enough that one slow save does not hold up the others.
pub(super) const THREADS: usize = 3;
/// So long a message may be unsaved while something is open, in delays.
const LATEST: u32 = 10;
/// After a save there is none of the same message for so many times as long as it took.
const REST: u32 = 9;

/// The messages that are to be saved, and when.
#[derive(Debug)]
pub(super) struct Saver {
    delay: Duration,
    waiting: Mutex<SaveQueue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct SaveQueue {
    due: HashMap<Base, Instant>,
    /// Before these times no save begins.
    not_before: HashMap<Base, Instant>,
    is_ended: bool,
}

impl Saver {
    /// For saves after this delay.
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, waiting: Mutex::default(), changed: Condvar::new() }
    }

    /// Has a message saved if it has something to save.
    pub(super) fn schedule(&self, contents: &Contents, base: Base) {
        if !contents.is_unsaved() {
            return;
        }
        let now = Instant::now();
        let latest = contents.edits().map_or(now, |edited| edited.since) + self.delay * LATEST;
        let at = match contents.has_writers() {
            true => latest,
            false => (now + self.delay).min(latest.max(now)),
        };
        self.at(base, at);
    }

    /// Whether a message that is due is left for later, since a program has come to write to it.
    pub(super) fn wait_for_writers(&self, contents: &Contents, base: Base) -> bool {
        let Some(edited) = contents.edits().filter(|_| contents.has_writers()) else {
            return false;
        };
        let latest = edited.since + self.delay * LATEST;
        let is_early = Instant::now() < latest;
        if is_early {
            self.at(base, latest);
        }
        is_early
    }

    /// Has a message looked at again after a save of it that took so long.
    pub(super) fn again(&self, base: Base, took: Duration, is_unsaved: bool) {
        let mut waiting = self.waiting();
        let now = Instant::now();
        waiting.not_before.retain(|_, at| *at > now);
        waiting.not_before.insert(base, now + took * REST);
        drop(waiting);
        if is_unsaved {
            self.at(base, now + self.delay * LATEST);
        }
    }

    fn at(&self, base: Base, at: Instant) {
        let mut waiting = self.waiting();
        if !waiting.is_ended {
            let at = waiting.not_before.get(&base).map_or(at, |earliest| at.max(*earliest));
            waiting.due.insert(base, at);
            self.changed.notify_one();
        }
    }

    /// Has a message not saved any more.
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
    pub(super) fn next(&self) -> Option<Base> {
        let mut waiting = self.waiting();
        loop {
            if waiting.is_ended {
                return None;
            }
            let now = Instant::now();
            let next = waiting.due.iter().min_by_key(|(_, at)| **at);
            let (base, left) = match next {
                None => {
                    waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                Some((base, at)) => (*base, at.saturating_duration_since(now)),
            };
            if left.is_zero() {
                waiting.due.remove(&base);
                return Some(base);
            }
            let waited = self.changed.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, SaveQueue> {
        lock(&self.waiting)
    }
}
