//! The entries of a source folder, each with a cookie at which a listing can be resumed.
//!
//! The kernel reads a folder in pieces and without an open handle, while files come and go. A
//! cookie is made from the name alone, so that no change makes an entry that stays be listed
//! twice or not at all (as directories indexed by hash do it).

use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use lru::LruCache;
use outlook_msg::sync::lock;

use super::ino::SourceNode;

/// One entry of a source folder.
#[derive(Debug)]
pub(in crate::fs) struct FolderEntry {
    /// Where a listing goes on behind this entry.
    pub(in crate::fs) cookie: u64,
    pub(in crate::fs) name: OsString,
}

/// The entries of a folder as last read.
#[derive(Debug)]
pub(in crate::fs) struct FolderListing {
    /// By their cookies.
    entries: Vec<FolderEntry>,
    /// Places in `entries`, by name.
    by_bytes: OnceLock<Vec<u32>>,
    by_letters: OnceLock<Vec<u32>>,
}

/// An order in which the entries of a folder are gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::fs) enum WalkOrder {
    /// That of the listing.
    #[default]
    Listing,
    /// By name, as programs sort in the C locale.
    Bytes,
    /// By name without regard to case, much as programs sort in other locales.
    Letters,
}

/// The folders being listed.
#[derive(Debug)]
pub(in crate::fs) struct Folders {
    listings: Mutex<Listings>,
}

type Listings = LruCache<Arc<SourceNode>, Arc<FolderListing>>;

/// How many listings are kept: about as many as are likely to be under way at once.
const FOLDERS_MAX: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");
/// An entry whose cookie was taken lies at most this far behind its place.
const MOVED_MAX: usize = 8;

impl WalkOrder {
    /// Whether a name comes before another one.
    pub(in crate::fs) fn is_before(self, a: &OsStr, b: &OsStr) -> bool {
        match self {
            Self::Listing => hash(a) < hash(b),
            Self::Bytes => a < b,
            Self::Letters => letters(a) < letters(b),
        }
    }
}

fn letters(name: &OsStr) -> (OsString, &OsStr) {
    (name.to_ascii_lowercase(), name)
}

impl FolderListing {
    fn new(names: Vec<OsString>) -> Self {
        let entries = with_cookies(names);
        Self { entries, by_bytes: OnceLock::new(), by_letters: OnceLock::new() }
    }

    /// The entries behind a cookie.
    pub(in crate::fs) fn behind_cookie(&self, cookie: u64) -> &[FolderEntry] {
        let behind = self.entries.partition_point(|entry| entry.cookie <= cookie);
        self.entries.get(behind..).unwrap_or_default()
    }

    /// At most `count` names that follow one. The first call for an order sorts the folder, which
    /// takes a while if it is large.
    fn behind(&self, name: &OsStr, count: usize, order: WalkOrder) -> Vec<&OsStr> {
        let places = match order {
            WalkOrder::Listing => return self.behind_as_listed(name, count),
            WalkOrder::Bytes => self.by_bytes.get_or_init(|| self.sorted(|a| a)),
            WalkOrder::Letters => self.by_letters.get_or_init(|| self.sorted(letters)),
        };
        let is_behind = |at: &u32| self.name(*at).is_some_and(|known| order.is_before(name, known));
        let behind = places.partition_point(|at| !is_behind(at));
        places.iter().skip(behind).take(count).filter_map(|at| self.name(*at)).collect()
    }

    fn behind_as_listed(&self, name: &OsStr, count: usize) -> Vec<&OsStr> {
        let cookie = hash(name);
        let at = self.entries.partition_point(|entry| entry.cookie < cookie);
        let entries = self.entries.get(at..).unwrap_or_default();
        // A cookie that is taken has moved the entry behind others.
        let moved = entries.iter().take(MOVED_MAX).position(|entry| entry.name == name);
        let behind = entries.get(moved.map_or(entries.len(), |at| at + 1)..).unwrap_or_default();
        behind.iter().take(count).map(|entry| entry.name.as_os_str()).collect()
    }

    fn sorted<'a, K: Ord>(&'a self, key: impl Fn(&'a OsStr) -> K) -> Vec<u32> {
        // No folder has more than 2^32 names.
        let mut places: Vec<_> = (0..u32::try_from(self.entries.len()).unwrap_or(0)).collect();
        places.sort_by_cached_key(|at| self.name(*at).map(&key));
        places
    }

    fn name(&self, at: u32) -> Option<&OsStr> {
        Some(self.entries.get(usize::try_from(at).ok()?)?.name.as_os_str())
    }
}

impl Folders {
    pub(in crate::fs) fn new() -> Self {
        Self { listings: Mutex::new(LruCache::new(FOLDERS_MAX)) }
    }

    /// The entries of a folder: as last read if a listing goes on behind a cookie, and read anew
    /// where it begins.
    pub(in crate::fs) fn list<E>(
        &self,
        folder: &Arc<SourceNode>,
        cookie: u64,
        read: impl FnOnce() -> Result<Vec<OsString>, E>,
    ) -> Result<Arc<FolderListing>, E> {
        if cookie != 0
            && let Some(listing) = self.lock().get(folder)
        {
            return Ok(Arc::clone(listing));
        }
        let listing = Arc::new(FolderListing::new(read()?));
        self.lock().put(Arc::clone(folder), Arc::clone(&listing));
        Ok(listing)
    }

    /// At most `count` files that follow one in its folder as last read.
    pub(in crate::fs) fn behind(
        &self,
        path: &Path,
        count: usize,
        order: WalkOrder,
    ) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Vec::new();
        };
        let listing = {
            let listings = self.lock();
            let found = listings.iter().find(|(known, _)| known.path == folder);
            found.map(|(_, listing)| Arc::clone(listing))
        };
        let Some(listing) = listing else { return Vec::new() };
        listing.behind(name, count, order).into_iter().map(|name| folder.join(name)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Listings> {
        lock(&self.listings)
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

/// The entries behind a cookie in the order of their cookies, which follow from their names.
pub(in crate::fs) fn by_cookie<T>(
    entries: &[T],
    name: impl Fn(&T) -> &OsStr,
    cookie: u64,
) -> Vec<(&T, u64)> {
    let mut ordered: Vec<_> = entries.iter().map(|one| (one, hash(name(one)))).collect();
    ordered.sort_by(|a, b| (a.1, name(a.0)).cmp(&(b.1, name(b.0))));
    let mut last = 2;
    for (_, own) in &mut ordered {
        *own = (*own).max(last + 1);
        last = *own;
    }
    let behind = ordered.partition_point(|(_, own)| *own <= cookie);
    ordered.split_off(behind)
}

fn hash(name: &OsStr) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() >> 2
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{FolderListing, WalkOrder, with_cookies};

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

    #[test]
    fn each_order_leads_from_name_to_name() {
        let names = ["b.msg", "A.msg", "a.msg", "C.msg"].map(OsString::from);
        let listing = FolderListing::new(names.to_vec());
        let walk = |first: &str, order| {
            let mut walked = vec![first.to_owned()];
            while let Some(next) = listing.behind(walked.last().unwrap().as_ref(), 1, order).first()
            {
                walked.push(next.to_str().unwrap().to_owned());
            }
            walked
        };
        assert_eq!(walk("A.msg", WalkOrder::Bytes), ["A.msg", "C.msg", "a.msg", "b.msg"]);
        assert_eq!(walk("A.msg", WalkOrder::Letters), ["A.msg", "a.msg", "b.msg", "C.msg"]);
        let first = listing.behind_cookie(0)[0].name.to_str().unwrap();
        assert_eq!(walk(first, WalkOrder::Listing).len(), 4);
    }
}
