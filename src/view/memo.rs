//! Values that are made when they are first asked for, and kept. Knows nothing of messages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use outlook_msg::sync::lock;

/// Values by their keys. If two threads make the same value at a time, the first one is kept.
///
/// The hash is a fast one. A message cannot choose keys that all have the same hash, because each
/// process seeds it anew.
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
        K: Clone + Ord,
    {
        let values = lock(&self.values);
        let mut all: Vec<_> =
            values.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn all_values_come_in_the_order_of_their_keys() {
        let memo = Memo::default();
        for key in (0..100).rev() {
            memo.put(key, key + 1, 8);
        }
        let expected: Vec<_> = (0..100).map(|key| (key, key + 1)).collect();
        assert_eq!(memo.all(), expected);
    }

    #[test]
    fn the_first_value_is_kept_and_counted() {
        let memo = Memo::default();
        assert_eq!(memo.put("key", "first", 5), "first");
        assert_eq!(memo.put("key", "second", 6), "first");
        assert_eq!((memo.get(&"key"), memo.bytes_held()), (Some("first"), 5));
        assert_eq!(memo.sum(|value| value.len()), 5);
    }
}
