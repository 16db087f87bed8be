//! Locks for data that a panic leaves whole: each change of it is one step, or is made on a copy.
//! So a panic in one thread is no reason to refuse the others.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, also one that was poisoned.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
