//! Values that are made when they are first asked for, and kept. Knows nothing of messages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use outlook_msg::sync::lock;

/// Values by their keys. If two threads make the same value at a time, the first one is kept.
#[derive(Debug)]
pub(super) struct Memo<K, V> {
    values: Mutex<HashMap<K, V, RandomState>>,
    bytes_held: AtomicUsize,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { values: Mutex::default(), bytes_held: AtomicUsize::new(0) }
    }
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        lock(&self.values).get(key).cloned()
    }

    pub(super) fn has(&self, key: &K) -> bool {
        lock(&self.values).contains_key(key)
    }

    /// Keeps a value that takes this much memory, unless there is one already; returns the one that
    /// is kept.
    pub(super) fn put(&self, key: K, value: V, bytes: usize) -> V {
        match lock(&self.values).entry(key) {
            Entry::Occupied(kept) => kept.get().clone(),
            Entry::Vacant(place) => {
                self.bytes_held.fetch_add(bytes, Ordering::Relaxed);
                place.insert(value).clone()
            }
        }
    }

    /// How much memory the values take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.bytes_held.load(Ordering::Relaxed)
    }

    /// The sum of a figure of all values.
    pub(super) fn sum(&self, figure: impl Fn(&V) -> usize) -> usize {
        lock(&self.values).values().map(figure).sum()
    }

    /// All values that are kept, in the order of their keys.
    pub(super) fn all(&self) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let values = lock(&self.values);
        values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
