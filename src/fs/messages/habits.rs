//! Notes which files of messages are read, and which sizes are asked for.
//!
//! A program that reads subject and text of one message is likely to read those of the next.
//! `store` then gives them to the kernel ahead, so the reads of the program no longer reach msgfs,
//! and it cannot see whether the habit goes on. So one message in `SAMPLE_EVERY` is a sample:
//! nothing is done ahead with it, and its requests show the habit again. This module only counts;
//! it knows nothing of what is done ahead.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use outlook_msg::sync::lock;

use crate::fs::source::ino::Base;
use crate::view::{NodeId, NodeSet};

/// The habits of those who use the mount.
#[derive(Debug, Default)]
pub(super) struct Habits {
    observed: Mutex<Observed>,
}

#[derive(Debug, Default)]
struct Observed {
    /// In `read` the files that are read; in `asked` those whose size programs ask for because a
    /// listing has left it out.
    read: Observation,
    asked: Observation,
    sample: Option<Base>,
    /// How many messages come before the next sample.
    before_sample: u32,
    /// The messages of the last requests, the latest at the end.
    recent: VecDeque<Visit>,
    /// The process of the last request, and how many in a row it has made.
    last_process: u32,
    in_a_row: u32,
}

/// The process at work in a message.
#[derive(Clone, Copy, Debug)]
struct Visit {
    base: Base,
    /// The process, or rather thread, that came first.
    process: u32,
    /// Whether a second process has made requests in it, too.
    is_shared: bool,
}

/// What was seen since the last sample (`now`), and between the sample before and that one
/// (`before`).
#[derive(Clone, Copy, Debug, Default)]
struct Observation {
    now: NodeSet,
    before: NodeSet,
}

/// One message in this many is a sample.
const SAMPLE_EVERY: u32 = 64;
/// The processes at work are remembered for at most this many messages, the latest ones.
const RECENT_MAX: usize = 32;
/// A process is alone at work after so many requests in a row.
const ALONE_MIN: u32 = 32;

impl Observation {
    fn begin(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    fn all(self) -> NodeSet {
        self.now.or(self.before)
    }
}

impl Habits {
    /// Notes that a program has come to a message.
    pub(super) fn look_into(&self, base: Base) {
        let mut observed = self.lock();
        if let Some(left) = observed.before_sample.checked_sub(1) {
            observed.before_sample = left;
            return;
        }
        observed.before_sample = SAMPLE_EVERY - 1;
        observed.sample = Some(base);
        observed.read.begin();
        observed.asked.begin();
    }

    /// Notes that a file of a message is read.
    pub(super) fn read(&self, id: NodeId) {
        self.lock().read.now.insert(id);
    }

    /// Notes that a program asks for a size that a listing has left out.
    pub(super) fn ask_size(&self, id: NodeId) {
        self.lock().asked.now.insert(id);
    }

    /// Notes a request for a listing or a content in a message. Returns whether it is the first one
    /// in it for a while.
    pub(super) fn request(&self, base: Base, process: u32) -> bool {
        let mut observed = self.lock();
        let is_same = observed.last_process == process;
        observed.in_a_row = if is_same { observed.in_a_row.saturating_add(1) } else { 1 };
        observed.last_process = process;
        if let Some(visit) = observed.recent.iter_mut().rev().find(|visit| visit.base == base) {
            visit.is_shared |= visit.process != process;
            return false;
        }
        if observed.recent.len() >= RECENT_MAX {
            observed.recent.pop_front();
        }
        observed.recent.push_back(Visit { base, process, is_shared: false });
        true
    }

    /// The files whose contents or sizes are likely to be asked for.
    pub(super) fn wanted(&self) -> NodeSet {
        let observed = self.lock();
        observed.read.all().or(observed.asked.all())
    }

    /// As [`Habits::wanted`], for one message; `None` if it is the sample.
    pub(super) fn wanted_of(&self, base: Base) -> Option<NodeSet> {
        let is_sample = self.lock().sample == Some(base);
        (!is_sample).then(|| self.wanted())
    }

    /// The files of a message that are likely to be read, if only one process is at work in it, and
    /// processes did not share any message lately.
    pub(super) fn read_by_one(&self, base: Base) -> NodeSet {
        let observed = self.lock();
        let is_shared = observed.recent.iter().any(|visit| visit.is_shared);
        let is_visited = observed.recent.iter().any(|visit| visit.base == base);
        match is_visited && !is_shared && observed.sample != Some(base) {
            true => observed.read.all(),
            false => NodeSet::default(),
        }
    }

    /// Whether all requests in messages have lately come from one process.
    pub(super) fn is_one_at_work(&self) -> bool {
        self.lock().in_a_row >= ALONE_MIN
    }

    /// Safe after a panic: every change is complete before the next call that could panic.
    fn lock(&self) -> MutexGuard<'_, Observed> {
        lock(&self.observed)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALONE_MIN, Habits, RECENT_MAX, SAMPLE_EVERY};
    use crate::fs::Ino;
    use crate::view::NodeId;

    const SUBJECT: NodeId = NodeId(16);
    const TEXT: NodeId = NodeId(30);

    /// The base of a message.
    fn message(number: u64) -> super::Base {
        Ino(1 + ((number + 2) << NodeId::BITS)).parts().0
    }

    #[test]
    fn what_was_read_of_one_message_is_foreseen_of_the_next() {
        let habits = Habits::default();
        habits.look_into(message(0));
        habits.read(SUBJECT);
        habits.ask_size(TEXT);
        habits.look_into(message(1));
        assert!(habits.wanted_of(message(0)).is_none(), "the first one is a sample");
        let wanted = habits.wanted_of(message(1)).unwrap();
        assert!(wanted.contains(SUBJECT) && wanted.contains(TEXT));
        habits.request(message(0), 7);
        habits.request(message(1), 7);
        let read = habits.read_by_one(message(1));
        assert!(read.contains(SUBJECT) && !read.contains(TEXT));
        assert!(habits.read_by_one(message(0)).is_empty());
    }

    #[test]
    fn processes_that_share_a_message_are_given_nothing_for_a_while() {
        let habits = Habits::default();
        let is_given = |base| !habits.read_by_one(base).is_empty();
        habits.look_into(message(0));
        habits.read(SUBJECT);
        assert!(!is_given(message(1)), "nobody is at work in it");
        for (number, process) in [(1, 7), (2, 8), (1, 7), (2, 8)] {
            habits.request(message(number), process);
        }
        assert!(is_given(message(1)) && is_given(message(2)));
        habits.request(message(1), 8);
        assert!(!is_given(message(1)) && !is_given(message(2)));
        for number in 3..=RECENT_MAX as u64 + 2 {
            assert!(habits.request(message(number), 8), "it was not visited");
            assert!(!habits.request(message(number), 8));
        }
        assert!(is_given(message(RECENT_MAX as u64 + 2)));
    }

    #[test]
    fn one_is_at_work_if_no_other_has_made_requests_lately() {
        let habits = Habits::default();
        let request = |process| {
            for _ in 0..ALONE_MIN {
                habits.request(message(1), process);
            }
        };
        assert!(!habits.is_one_at_work());
        request(7);
        assert!(habits.is_one_at_work());
        habits.request(message(2), 8);
        assert!(!habits.is_one_at_work());
        habits.request(message(1), 7);
        assert!(!habits.is_one_at_work());
        request(8);
        assert!(habits.is_one_at_work());
    }

    #[test]
    fn a_habit_is_given_up() {
        let habits = Habits::default();
        habits.look_into(message(0));
        habits.read(SUBJECT);
        let look = |from: u64| {
            (0..u64::from(SAMPLE_EVERY)).for_each(|n| habits.look_into(message(from + n)))
        };
        look(1);
        assert!(habits.wanted().contains(SUBJECT), "the second sample has only begun");
        look(100);
        assert!(habits.wanted().is_empty());
    }
}
