//! Locks for data that stays valid if a thread panics while it holds the lock: each change is a
//! single step, or is made on a copy first. So the other threads may ignore that the lock is
//! poisoned.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, even if it is poisoned.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
