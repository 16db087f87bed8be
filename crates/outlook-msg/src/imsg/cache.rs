//! Keeps messages open that may be needed again, within limits of memory and file descriptors.
//!
//! Knows nothing of messages: an entry is a key, a shared value and its weight.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sync::lock;

use lru::LruCache;

/// Keeps the values that were used last, up to a number of bytes, and up to a number of those that
/// count, as those that keep a file open.
///
/// A value that is in use elsewhere is never evicted, so the cache may exceed its limits while it
/// is in use.
#[derive(Debug)]
pub struct MessageCache<K: Hash + Eq, V> {
    bytes_max: usize,
    count_max: usize,
    counts: fn(&V) -> bool,
    kept: Mutex<CacheState<K, V>>,
}

#[derive(Debug)]
struct CacheState<K: Hash + Eq, V> {
    entries: LruCache<K, (Arc<V>, usize)>,
    bytes: usize,
    /// How many of the values count.
    count: usize,
}

impl<K: Hash + Eq + Clone, V> MessageCache<K, V> {
    /// A cache of at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        let kept = CacheState { entries: LruCache::unbounded(), bytes: 0, count: 0 };
        Self { bytes_max, count_max: usize::MAX, counts: |_| false, kept: Mutex::new(kept) }
    }

    /// Limits the number of values that count; `counts` tells which do.
    pub fn with_count_max(self, count_max: usize, counts: fn(&V) -> bool) -> Self {
        Self { count_max, counts, ..self }
    }

    /// The value of a key, which becomes the most recently used.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        self.kept().entries.get(key).map(|(value, _)| Arc::clone(value))
    }

    /// Adds a value of `bytes` bytes, unless the key has one already. Returns the value that the
    /// cache has.
    pub fn insert(&self, key: K, value: Arc<V>, bytes: usize) -> Arc<V> {
        let mut kept = self.kept();
        if let Some((known, _)) = kept.entries.get(&key) {
            return Arc::clone(known);
        }
        kept.entries.put(key, (Arc::clone(&value), bytes));
        kept.bytes += bytes;
        kept.count += usize::from((self.counts)(&value));
        drop(kept);
        self.evict();
        value
    }

    /// Updates how many bytes a value takes.
    pub fn set_bytes(&self, key: &K, bytes: usize) {
        let mut kept = self.kept();
        let Some((_, weight)) = kept.entries.peek_mut(key) else { return };
        let before = std::mem::replace(weight, bytes);
        kept.bytes = kept.bytes - before + bytes;
        drop(kept);
        self.evict();
    }

    /// Drops the value of a key. A value in use elsewhere stays alive there.
    pub fn remove(&self, key: &K) {
        let mut kept = self.kept();
        let Some((value, bytes)) = kept.entries.pop(key) else { return };
        self.taken_out(&mut kept, &value, bytes);
        // As in `clear`.
        drop(kept);
        drop(value);
    }

    /// Drops all values. Values in use elsewhere stay alive there.
    pub fn clear(&self) {
        let mut kept = self.kept();
        (kept.bytes, kept.count) = (0, 0);
        let entries = std::mem::replace(&mut kept.entries, LruCache::unbounded());
        // Dropping a value releases its messages, which may take long and other locks. So the
        // values are dropped after the lock is released.
        drop(kept);
        drop(entries);
    }

    /// The bytes in the cache, and the number of values.
    pub fn usage(&self) -> (usize, usize) {
        let kept = self.kept();
        (kept.bytes, kept.entries.len())
    }

    fn evict(&self) {
        loop {
            let mut kept = self.kept();
            let is_too_large = kept.bytes > self.bytes_max;
            if !is_too_large && kept.count <= self.count_max {
                return;
            }
            // If only the number is too large, evicting values that do not count would not help.
            let unused = kept.entries.iter().rev().find(|(_, (value, _))| {
                Arc::strong_count(value) == 1 && (is_too_large || (self.counts)(value))
            });
            let unused = unused.map(|(key, _)| key.clone());
            let Some((value, bytes)) = unused.and_then(|key| kept.entries.pop(&key)) else {
                return;
            };
            self.taken_out(&mut kept, &value, bytes);
            drop(kept);
            drop(value);
        }
    }

    fn taken_out(&self, kept: &mut CacheState<K, V>, value: &V, bytes: usize) {
        kept.bytes -= bytes;
        kept.count -= usize::from((self.counts)(value));
    }

    fn kept(&self) -> MutexGuard<'_, CacheState<K, V>> {
        lock(&self.kept)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MessageCache;

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = MessageCache::new(20);
        cache.insert(1, Arc::new('a'), 10);
        cache.insert(2, Arc::new('b'), 10);
        assert!(cache.get(&1).is_some());
        cache.insert(3, Arc::new('c'), 10);
        assert!(cache.get(&2).is_none());
        assert_eq!((cache.get(&1).as_deref(), cache.get(&3).as_deref()), (Some(&'a'), Some(&'c')));
        assert_eq!(cache.usage(), (20, 2));
    }

    #[test]
    fn the_number_of_those_that_count_is_bounded() {
        let cache = MessageCache::new(100).with_count_max(2, |value: &char| value.is_uppercase());
        for (key, value) in [(1, 'A'), (2, 'b'), (3, 'C'), (4, 'd'), (5, 'E')] {
            cache.insert(key, Arc::new(value), 10);
        }
        assert!(cache.get(&1).is_none());
        assert_eq!(cache.usage(), (40, 4));
        let held = cache.get(&3);
        cache.insert(6, Arc::new('F'), 10);
        assert!(cache.get(&5).is_none() && held.is_some());
        cache.clear();
        for key in 7..9 {
            cache.insert(key, Arc::new('G'), 10);
        }
        assert_eq!(cache.usage(), (20, 2));
    }

    #[test]
    fn a_value_in_use_stays() {
        let cache = MessageCache::new(10);
        let held = cache.insert(1, Arc::new('a'), 10);
        cache.insert(2, Arc::new('b'), 10);
        assert_eq!(cache.get(&1).as_deref(), Some(&'a'));
        drop(held);
        cache.insert(3, Arc::new('c'), 10);
        assert!(cache.get(&1).is_none());
    }

    #[test]
    fn a_value_that_is_removed_takes_no_room() {
        let cache = MessageCache::new(30).with_count_max(1, |value: &char| value.is_uppercase());
        let held = cache.insert(1, Arc::new('A'), 10);
        cache.insert(2, Arc::new('b'), 10);
        cache.remove(&1);
        cache.remove(&3);
        assert!(cache.get(&1).is_none());
        assert_eq!((*held, cache.usage()), ('A', (10, 1)));
        cache.insert(3, Arc::new('C'), 20);
        assert_eq!(cache.usage(), (30, 2));
    }

    #[test]
    fn a_value_that_grows_makes_others_go() {
        let cache = MessageCache::new(30);
        cache.insert(1, Arc::new('a'), 10);
        let held = cache.insert(2, Arc::new('b'), 10);
        cache.set_bytes(&2, 25);
        assert!(cache.get(&1).is_none());
        assert_eq!(cache.usage(), (25, 1));
        drop(held);
        cache.clear();
        assert_eq!(cache.usage(), (0, 0));
    }
}
