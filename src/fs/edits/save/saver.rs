//! When messages are saved without being asked to.
//!
//! A message is saved one delay (a second by default) after its last writer has closed, and ten
//! delays after its first unsaved edit even if files are open. If a save fails, it is tried again.
//! No more than a tenth of the time goes into saving one message.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outlook_msg::sync::lock;

use crate::fs::edits::message::directory::Contents;
use crate::fs::source::ino::Base;

/// Enough that one slow save does not hold up the others.
pub(in crate::fs::edits) const THREADS: usize = 3;
/// A message is saved after this many delays at the latest, even if files of it are open.
const LATEST: u32 = 10;
/// After a save, the same message is not saved again for this many times as long as the save took.
const REST: u32 = 9;

/// The messages that are to be saved, and when.
#[derive(Debug)]
pub(in crate::fs::edits) struct Saver {
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
    /// A saver with this delay between the last close and the save.
    pub(in crate::fs::edits) fn new(delay: Duration) -> Self {
        Self { delay, waiting: Mutex::default(), changed: Condvar::new() }
    }

    /// Plans a save of a message if it has something to save.
    pub(in crate::fs::edits) fn schedule(&self, contents: &Contents, base: Base) {
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

    /// Puts a due save off if a program has come to write to the message. Returns whether it did.
    pub(in crate::fs::edits) fn wait_for_writers(&self, contents: &Contents, base: Base) -> bool {
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

    /// Notes how long a save took, and plans another one if the message is still unsaved.
    pub(in crate::fs::edits) fn again(&self, base: Base, took: Duration, is_unsaved: bool) {
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

    /// Cancels the planned save of a message.
    pub(in crate::fs::edits) fn cancel(&self, base: Base) {
        self.waiting().due.remove(&base);
    }

    /// Drops all planned saves, and ends the threads that wait for one.
    pub(in crate::fs::edits) fn end(&self) {
        let mut waiting = self.waiting();
        waiting.is_ended = true;
        waiting.due.clear();
        self.changed.notify_all();
    }

    /// Waits for the next message that is due; `None` at the end.
    pub(in crate::fs::edits) fn next(&self) -> Option<Base> {
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
