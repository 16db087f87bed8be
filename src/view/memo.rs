//! Values that are made when they are first asked for, and kept. Knows nothing of messages.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use outlook_msg::sync::lock;

/// Values by their keys. If two threads make the same value at a time, the first one is kept.
#[derive(Debug)]
pub(super) struct Memo<K, V> {
    values: Mutex<HashMap<K, V>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { values: Mutex::default() }
    }
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        lock(&self.values).get(key).cloned()
    }

    /// Keeps a value, unless there is one already; returns the one that is kept.
    pub(super) fn put(&self, key: K, value: V) -> V {
        let mut values = lock(&self.values);
        values.entry(key).or_insert(value).clone()
    }

    /// All values that are kept, in no order.
    pub(super) fn all(&self) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let values = lock(&self.values);
        values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
