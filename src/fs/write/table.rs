//! The messages that the kernel knows, or that are in use: by number, and by path in the source.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::ino::Base;
use super::draft::Draft;

/// The messages that are known.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_base: HashMap<Base, Known>,
    by_path: HashMap<PathBuf, Base>,
}

#[derive(Debug)]
struct Known {
    draft: Arc<Draft>,
    /// `None` for a message that was removed.
    path: Option<PathBuf>,
    lookups: u64,
}

impl Table {
    /// The message of a number.
    pub(super) fn get(&self, base: Base) -> Option<Arc<Draft>> {
        self.lock().by_base.get(&base).map(|known| Arc::clone(&known.draft))
    }

    /// The message at a path of the source, if it is known.
    pub(super) fn at(&self, path: &Path) -> Option<Arc<Draft>> {
        let entries = self.lock();
        let base = entries.by_path.get(path)?;
        entries.by_base.get(base).map(|known| Arc::clone(&known.draft))
    }

    /// The number that the message at a path has, or would get.
    pub(super) fn base_of(&self, path: &Path) -> Base {
        self.lock().base_of(path)
    }

    /// Enters the message at a path, in use and looked up so many times.
    pub(super) fn enter(&self, path: &Path, lookups: u64) -> Arc<Draft> {
        let mut entries = self.lock();
        let base = entries.base_of(path);
        if !entries.by_base.contains_key(&base) {
            let draft = Arc::new(Draft::new(base, path));
            entries.by_path.insert(path.to_owned(), base);
            let known = Known { draft, path: Some(path.to_owned()), lookups: 0 };
            entries.by_base.insert(base, known);
        }
        match entries.by_base.get_mut(&base) {
            Some(known) => {
                known.lookups += lookups;
                Arc::clone(&known.draft)
            }
            None => Arc::new(Draft::new(base, path)),
        }
    }

    /// Counts one more reference of the kernel.
    pub(super) fn look_up(&self, base: Base) {
        if let Some(known) = self.lock().by_base.get_mut(&base) {
            known.lookups += 1;
        }
    }

    /// Takes back references of the kernel.
    pub(super) fn forget(&self, base: Base, lookups: u64) {
        let mut entries = self.lock();
        if let Some(known) = entries.by_base.get_mut(&base) {
            known.lookups = known.lookups.saturating_sub(lookups);
        }
        entries.drop_unused(base);
    }

    /// Forgets a message that nobody knows or uses any more.
    pub(super) fn release(&self, base: Base) {
        self.lock().drop_unused(base);
    }

    /// Gives a message another path, or none. What was at that path is known by its number only.
    pub(super) fn rename(&self, base: Base, path: Option<&Path>) {
        let mut entries = self.lock();
        if let Some(replaced) = path.and_then(|path| entries.by_path.remove(path))
            && let Some(known) = entries.by_base.get_mut(&replaced)
        {
            known.path = None;
        }
        let old = match entries.by_base.get_mut(&base) {
            Some(known) => std::mem::replace(&mut known.path, path.map(Path::to_owned)),
            None => None,
        };
        if let Some(old) = old {
            entries.by_path.remove(&old);
        }
        if let Some(path) = path {
            entries.by_path.insert(path.to_owned(), base);
        }
    }

    /// Every message that is known.
    pub(super) fn all(&self) -> Vec<Arc<Draft>> {
        self.lock().by_base.values().map(|known| Arc::clone(&known.draft)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn base_of(&self, path: &Path) -> Base {
        if let Some(base) = self.by_path.get(path) {
            return *base;
        }
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let mut base = Base::of_draft(hasher.finish());
        while self.by_base.contains_key(&base) {
            base = Base::of_draft(base.number() + 1);
        }
        base
    }

    fn drop_unused(&mut self, base: Base) {
        let Some(known) = self.by_base.get(&base) else { return };
        // The table holds one reference itself.
        if known.lookups > 0 || Arc::strong_count(&known.draft) > 1 || known.draft.is_in_use() {
            return;
        }
        if let Some(known) = self.by_base.remove(&base)
            && let Some(path) = known.path
        {
            self.by_path.remove(&path);
        }
    }
}
