//! What is done with the messages that are looked into: which of their files are read, and of
//! which the size is asked.
//!
//! Who has read the subject and the text of one message is likely to read those of the next. What
//! is then done ahead hides the habit, so now and then a message is a sample, with which nothing
//! is done ahead. Knows nothing of what is made of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::view::{NodeId, NodeSet};

use super::ino::Base;

/// The habits of those who use the mount.
#[derive(Debug, Default)]
pub(super) struct Habits {
    observed: Mutex<Observed>,
}

#[derive(Debug, Default)]
struct Observed {
    /// Which files are read, and of which the size is asked that a listing leaves out.
    read: Observation,
    asked: Observation,
    sample: Option<Base>,
    /// How many messages come before the next sample.
    before_sample: u32,
    /// The process, or rather thread, of the last request, and how many it has made in a row.
    process: u32,
    in_row: u32,
}

/// What was seen since the last sample, and between the two before that.
#[derive(Clone, Copy, Debug, Default)]
struct Observation {
    now: NodeSet,
    before: NodeSet,
}

/// One message in so many is a sample.
const SAMPLE_EVERY: u32 = 64;
/// After so many requests in a row a process is taken to be the only one that is at work.
const IN_ROW_MIN: u32 = 24;

impl Observation {
    fn begin(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    fn all(self) -> NodeSet {
        self.now.or(self.before)
    }
}

impl Habits {
    /// Notes that the listing of a message begins.
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

    /// Notes that a size is asked which a listing has left out.
    pub(super) fn ask_size(&self, id: NodeId) {
        self.lock().asked.now.insert(id);
    }

    /// Notes a request for a listing or a content.
    pub(super) fn request(&self, process: u32) {
        let mut observed = self.lock();
        let goes_on = observed.process == process;
        observed.in_row = if goes_on { observed.in_row.saturating_add(1) } else { 0 };
        observed.process = process;
    }

    /// The files whose contents or sizes are likely to be asked for.
    pub(super) fn wanted(&self) -> NodeSet {
        let observed = self.lock();
        observed.read.all().or(observed.asked.all())
    }

    /// The same, for a certain message; `None` for a sample.
    pub(super) fn wanted_of(&self, base: Base) -> Option<NodeSet> {
        let is_sample = self.lock().sample == Some(base);
        (!is_sample).then(|| self.wanted())
    }

    /// The files of a message that the process at work, if it is the only one, is likely to read.
    pub(super) fn read_by_one(&self, base: Base) -> NodeSet {
        let observed = self.lock();
        let is_alone = observed.in_row >= IN_ROW_MIN;
        match is_alone && observed.sample != Some(base) {
            true => observed.read.all(),
            false => NodeSet::default(),
        }
    }

    /// Every change is whole before the next call that might panic.
    fn lock(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Habits, IN_ROW_MIN, SAMPLE_EVERY};
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
        (0..=IN_ROW_MIN).for_each(|_| habits.request(7));
        let read = habits.read_by_one(message(1));
        assert!(read.contains(SUBJECT) && !read.contains(TEXT));
        assert!(habits.read_by_one(message(0)).is_empty());
    }

    #[test]
    fn two_processes_are_not_one() {
        let habits = Habits::default();
        habits.look_into(message(0));
        habits.read(SUBJECT);
        habits.look_into(message(1));
        for _ in 0..IN_ROW_MIN {
            habits.request(7);
            habits.request(8);
        }
        assert!(habits.read_by_one(message(1)).is_empty());
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
