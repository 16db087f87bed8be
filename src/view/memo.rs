//! Values that are made once. Knows nothing of messages.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Values made once and kept. Two threads may make the same value; the first is kept.
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
        self.values.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn put(&self, key: K, value: V) -> V {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.entry(key).or_insert(value).clone()
    }

    /// All that are kept, in no order.
    pub(super) fn all(&self) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
