//! The entries of a source folder, each with a cookie at which a listing can be resumed.
//!
//! The kernel reads a folder in pieces and without an open handle, while files come and go. A
//! cookie is made from the name alone, so that no change makes an entry that stays be listed
//! twice or not at all (as directories indexed by hash do it).

use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ino::SourceNode;
use lru::LruCache;

/// One entry of a source folder.
#[derive(Debug)]
pub(super) struct FolderEntry {
    /// Where a listing goes on behind this entry.
    pub(super) cookie: u64,
    pub(super) name: OsString,
}

/// The folders being listed.
#[derive(Debug)]
pub(super) struct Folders {
    listings: Mutex<Listings>,
}

type Listings = LruCache<Arc<SourceNode>, Arc<[FolderEntry]>>;

/// As many folders as are likely to be listed at once.
const FOLDERS_MAX: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");
/// How far an entry is looked for behind its place, for the cookies that are taken.
const MOVED_MAX: usize = 8;

impl Folders {
    pub(super) fn new() -> Self {
        Self { listings: Mutex::new(LruCache::new(FOLDERS_MAX)) }
    }

    /// The entries of a folder behind a cookie: as last read if the listing goes on, and read
    /// anew where it begins.
    pub(super) fn list<E>(
        &self,
        folder: &Arc<SourceNode>,
        cookie: u64,
        read: impl FnOnce() -> Result<Vec<OsString>, E>,
    ) -> Result<Arc<[FolderEntry]>, E> {
        if cookie != 0
            && let Some(entries) = self.lock().get(folder)
        {
            return Ok(Arc::clone(entries));
        }
        let entries: Arc<[_]> = with_cookies(read()?).into();
        self.lock().put(Arc::clone(folder), Arc::clone(&entries));
        Ok(entries)
    }

    /// At most `count` entries that follow a file in the listing of its folder, as last read.
    pub(super) fn behind(&self, path: &Path, count: usize) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Vec::new();
        };
        let listed = {
            let listings = self.lock();
            let found = listings.iter().find(|(known, _)| known.path == folder);
            found.map(|(_, entries)| Arc::clone(entries))
        };
        let entries = listed.as_deref().unwrap_or_default();
        let cookie = hash(name);
        let at = entries.partition_point(|entry| entry.cookie < cookie);
        let entries = entries.get(at..).unwrap_or_default();
        // A cookie that is taken has moved the entry behind others.
        let moved = entries.iter().take(MOVED_MAX).position(|entry| entry.name == name);
        let behind = entries.get(moved.map_or(entries.len(), |at| at + 1)..).unwrap_or_default();
        behind.iter().take(count).map(|entry| folder.join(&entry.name)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Listings> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each name its cookie and sorts by it. 0 is the start of a listing, 1 and 2 are `.` and
/// `..`; the kernel takes the upper bit for an error.
fn with_cookies(names: Vec<OsString>) -> Vec<FolderEntry> {
    let mut entries: Vec<_> =
        names.into_iter().map(|name| FolderEntry { cookie: hash(&name), name }).collect();
    entries.sort_unstable_by(|a, b| (a.cookie, &a.name).cmp(&(b.cookie, &b.name)));
    let mut last = 2;
    for entry in &mut entries {
        entry.cookie = entry.cookie.max(last + 1);
        last = entry.cookie;
    }
    entries
}

fn hash(name: &OsStr) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() >> 2
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::with_cookies;

    #[test]
    fn cookies_rise_and_do_not_depend_on_the_other_names() {
        let names = |range: std::ops::Range<u32>| -> Vec<_> {
            range.map(|n| OsString::from(format!("{n}.msg"))).collect()
        };
        let few = with_cookies(names(0..10));
        let many = with_cookies(names(0..1000));
        assert!(many.windows(2).all(|pair| pair[0].cookie < pair[1].cookie));
        assert!(many[0].cookie > 2 && many[999].cookie < 1 << 63);
        for entry in few {
            assert!(many.iter().any(|e| e.name == entry.name && e.cookie == entry.cookie));
        }
    }
}
