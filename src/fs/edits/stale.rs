//! What the kernel must forget, until it has been told.
//!
//! Knows nothing of how the kernel is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use outlook_msg::sync::lock;

use crate::fs::source::live::Invalidation;

/// A queue of what the kernel must forget. A request that has edited something empties it before it
/// is answered.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct InvalidationQueue {
    /// Whether something was noted that the kernel has not been told yet. Stays set while it is
    /// being told, so that other requests wait for that.
    is_pending: AtomicBool,
    noted: Mutex<Vec<Invalidation>>,
    /// Held while the kernel is told.
    telling: Mutex<()>,
}

impl InvalidationQueue {
    /// Notes what the kernel must forget.
    pub(in crate::fs::edits) fn note(&self, stale: Vec<Invalidation>) {
        let mut noted = lock(&self.noted);
        noted.extend(stale);
        self.is_pending.store(!noted.is_empty(), Ordering::Release);
    }

    /// Tells the kernel. When this returns, the kernel knows of all that was noted before the call,
    /// whichever thread told it: another request may have taken from the queue what this one noted,
    /// and this one must not be answered before the other has told it.
    pub(in crate::fs::edits) fn tell(&self, tell: impl FnOnce(&[Invalidation])) {
        if !self.is_pending.load(Ordering::Acquire) {
            return;
        }
        let _telling = lock(&self.telling);
        let stale = std::mem::take(&mut *lock(&self.noted));
        if !stale.is_empty() {
            tell(&stale);
        }
        let noted = lock(&self.noted);
        self.is_pending.store(!noted.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::{Invalidation, InvalidationQueue};
    use crate::fs::Ino;

    #[test]
    fn everything_is_told_once() {
        let queue = InvalidationQueue::default();
        let mut told = Vec::new();
        queue.tell(|_| panic!("nothing was noted"));
        queue.note(vec![Invalidation::Inode(Ino(2))]);
        queue.note(vec![Invalidation::Inode(Ino(3))]);
        queue.tell(|what| told.extend_from_slice(what));
        queue.tell(|_| panic!("nothing is left"));
        assert_eq!(told, [Invalidation::Inode(Ino(2)), Invalidation::Inode(Ino(3))]);
    }

    /// The request that noted something must not be answered while another thread is telling it.
    #[test]
    fn a_request_waits_for_another_one_that_tells() {
        const MOMENT: Duration = Duration::from_millis(50);
        let queue = InvalidationQueue::default();
        queue.note(vec![Invalidation::Inode(Ino(2))]);
        let (answered, answers) = mpsc::channel();
        thread::scope(|scope| {
            queue.tell(|_| {
                scope.spawn(|| {
                    queue.tell(|_| panic!("the other one tells it"));
                    answered.send(()).unwrap();
                });
                assert!(answers.recv_timeout(MOMENT).is_err(), "answered before it was told");
            });
        });
        assert!(answers.recv().is_ok());
    }
}
