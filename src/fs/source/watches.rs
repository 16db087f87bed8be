//! Which folders of the source are watched, and how long what was told under a watch holds.
//!
//! Pure bookkeeping: it knows nothing of the kernel, of time or of files. Watches form a chain up
//! to the root, since only the folder above tells that a folder was renamed. They are bounded; one
//! is given up only when nothing that was told under it holds any more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lru::LruCache;

/// How long the kernel may keep what it was told of a watched folder. It is told of changes at
/// once; this time bounds what no watch can see, such as a write through a mapping or another hard
/// link.
pub(in crate::fs) const WATCHED_TTL: Duration = Duration::from_secs(60);

/// Device and inode number of a folder.
pub(in crate::fs) type FolderId = (u64, u64);

/// The watched folders.
#[derive(Debug)]
pub(in crate::fs) struct Watches {
    by_path: LruCache<PathBuf, Watch>,
    /// One folder has several paths where it is mounted twice.
    by_descriptor: HashMap<i32, Vec<PathBuf>>,
    max: usize,
}

#[derive(Debug)]
struct Watch {
    descriptor: i32,
    folder: FolderId,
    /// Until when something that was told under this watch may hold.
    holds_until: Instant,
}

/// Whether one more folder can be watched.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::fs) enum Room {
    /// It can. The watch with this descriptor was given up for it and is to be removed.
    Free(Option<i32>),
    /// What was told under every watch may still hold.
    None,
}

impl Watches {
    pub(in crate::fs) fn new(max: usize) -> Self {
        Self { by_path: LruCache::unbounded(), by_descriptor: HashMap::new(), max }
    }

    /// Makes what is told of a folder from now on hold for [`WATCHED_TTL`], if it and every folder
    /// above it are watched. Returns whether they are.
    pub(in crate::fs) fn extend_if_watched(
        &mut self,
        path: &Path,
        folder: Option<FolderId>,
        now: Instant,
    ) -> bool {
        let is_same = |watch: &Watch| folder.is_none_or(|folder| folder == watch.folder);
        let is_watched = self.by_path.peek(path).is_some_and(is_same)
            && path.ancestors().all(|above| self.by_path.contains(above));
        if is_watched {
            // The folder above comes after those in it, so that it is never given up before them.
            for above in path.ancestors() {
                if let Some(watch) = self.by_path.get_mut(above) {
                    watch.holds_until = now + WATCHED_TTL;
                }
            }
        }
        is_watched
    }

    /// Makes room for one more.
    pub(in crate::fs) fn make_room(&mut self, now: Instant) -> Room {
        if self.by_path.len() < self.max {
            return Room::Free(None);
        }
        match self.by_path.peek_lru() {
            Some((_, watch)) if watch.holds_until <= now => {}
            _ => return Room::None,
        }
        let given_up = self.by_path.pop_lru();
        Room::Free(given_up.and_then(|(path, watch)| self.release(watch.descriptor, &path)))
    }

    /// Enters a folder that is watched.
    pub(in crate::fs) fn insert(
        &mut self,
        path: &Path,
        folder: FolderId,
        descriptor: i32,
        now: Instant,
    ) {
        let watch = Watch { descriptor, folder, holds_until: now };
        self.by_path.put(path.to_owned(), watch);
        let paths = self.by_descriptor.entry(descriptor).or_default();
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }

    /// The folders of a descriptor, each with its path.
    pub(in crate::fs) fn folders(&self, descriptor: i32) -> Vec<(PathBuf, FolderId)> {
        let paths = self.by_descriptor.get(&descriptor).map(Vec::as_slice).unwrap_or_default();
        let folder = |path: &PathBuf| Some((path.clone(), self.by_path.peek(path)?.folder));
        paths.iter().filter_map(folder).collect()
    }

    /// Gives up the watches of a folder and of all in it, and returns the descriptors to remove.
    pub(in crate::fs) fn remove_below(&mut self, path: &Path) -> Vec<i32> {
        let mut removed = Vec::new();
        for (path, _, descriptor) in self.below(path) {
            self.by_path.pop(&path);
            removed.extend(self.release(descriptor, &path));
        }
        removed
    }

    /// The watched folders at a path and below it, each with its descriptor, and each before those
    /// in it.
    pub(in crate::fs) fn below(&self, path: &Path) -> Vec<(PathBuf, FolderId, i32)> {
        if !self.by_path.contains(path) {
            // Then nothing in it is watched either.
            return Vec::new();
        }
        let below = self.by_path.iter().filter(|(known, _)| known.starts_with(path));
        below.map(|(known, watch)| (known.clone(), watch.folder, watch.descriptor)).collect()
    }

    /// How many there are.
    pub(in crate::fs) fn len(&self) -> usize {
        self.by_path.len()
    }

    /// Takes a path from its descriptor, which is returned if it has no other.
    fn release(&mut self, descriptor: i32, path: &Path) -> Option<i32> {
        let paths = self.by_descriptor.get_mut(&descriptor)?;
        paths.retain(|known| known != path);
        if !paths.is_empty() {
            return None;
        }
        self.by_descriptor.remove(&descriptor);
        Some(descriptor)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::{Room, WATCHED_TTL, Watches};

    fn watches(paths: &[&str], max: usize, now: Instant) -> Watches {
        let mut watches = Watches::new(max);
        for (path, number) in paths.iter().zip(1_i32..) {
            watches.insert(Path::new(path), (1, u64::from(number.unsigned_abs())), number, now);
        }
        watches
    }

    fn is_watched(watches: &mut Watches, path: &str, now: Instant) -> bool {
        watches.extend_if_watched(Path::new(path), None, now)
    }

    #[test]
    fn a_watch_counts_only_with_all_above_it() {
        let now = Instant::now();
        let mut watches = watches(&["", "a", "a/b/c"], 9, now);
        assert!(is_watched(&mut watches, "", now) && is_watched(&mut watches, "a", now));
        assert!(!is_watched(&mut watches, "a/b", now) && !is_watched(&mut watches, "a/b/c", now));
        assert!(watches.extend_if_watched(Path::new("a"), Some((1, 2)), now));
        // Another folder has come to the place.
        assert!(!watches.extend_if_watched(Path::new("a"), Some((1, 7)), now));
    }

    #[test]
    fn none_is_given_up_while_what_was_told_under_it_holds() {
        let now = Instant::now();
        let mut watches = watches(&["", "a", "b"], 3, now);
        assert!(is_watched(&mut watches, "b", now) && is_watched(&mut watches, "a", now));
        assert_eq!(watches.make_room(now), Room::None);
        let later = now + WATCHED_TTL;
        assert!(is_watched(&mut watches, "a", later));
        assert_eq!(watches.make_room(later), Room::Free(Some(3)));
        assert_eq!(watches.make_room(later), Room::Free(None));
        watches.insert(Path::new("c"), (1, 9), 9, later);
        assert_eq!(watches.make_room(later), Room::None);
        assert!(is_watched(&mut watches, "a", later));
    }

    #[test]
    fn the_folder_above_stays_longer() {
        let now = Instant::now();
        let mut watches = watches(&["", "a", "a/b"], 3, now);
        assert!(is_watched(&mut watches, "a/b", now));
        let later = now + WATCHED_TTL;
        assert_eq!(watches.make_room(later), Room::Free(Some(3)));
        assert_eq!(watches.len(), 2);
    }

    #[test]
    fn what_was_moved_away_is_given_up_with_all_in_it() {
        let now = Instant::now();
        let mut watches = watches(&["", "a", "a/b", "ab"], 9, now);
        let mut removed = watches.remove_below(Path::new("a"));
        removed.sort_unstable();
        assert_eq!(removed, [2, 3]);
        assert!(is_watched(&mut watches, "ab", now) && !is_watched(&mut watches, "a/b", now));
        assert!(watches.folders(2).is_empty());
        assert_eq!(watches.folders(4), [("ab".into(), (1, 4))]);
    }

    #[test]
    fn a_folder_may_be_at_two_paths() {
        let now = Instant::now();
        let mut watches = watches(&["", "a"], 9, now);
        watches.insert(Path::new("b"), (1, 2), 2, now);
        assert_eq!(watches.folders(2).len(), 2);
        assert!(watches.remove_below(Path::new("a")).is_empty());
        assert_eq!(watches.remove_below(Path::new("b")), [2]);
    }
}
