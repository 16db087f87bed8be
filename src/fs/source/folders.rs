//! The entries of a source folder, each with a cookie at which a listing can be resumed.
//!
//! The kernel reads a folder in pieces and without an open handle, while files come and go. So a
//! cookie is made from the name alone: whatever else changes, an entry that stays is listed exactly
//! once. File systems that index their directories by hash do the same.
//!
//! The opener thread (`messages::ahead`) looks at the next entries of a large folder while the
//! listing goes on. A [`LookAhead`] is its task; the attributes that it finds are kept with the
//! listing until that comes to the entries.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use lru::LruCache;
use outlook_msg::sync::lock;

use super::ino::SourceNode;
use super::metadata::Metadata;
use super::name_hash::name_hash;

/// One entry of a source folder.
#[derive(Debug)]
pub(in crate::fs) struct FolderEntry {
    /// A listing that is resumed at this cookie begins with the entry behind this one.
    pub(in crate::fs) cookie: u64,
    pub(in crate::fs) name: OsString,
}

/// The entries of a folder as last read.
#[derive(Debug)]
pub(in crate::fs) struct FolderListing {
    /// By their cookies.
    entries: Vec<FolderEntry>,
    /// Places in `entries`, in the order of [`WalkOrder::Bytes`].
    by_bytes: OnceLock<Vec<u32>>,
    /// Places in `entries`, in the order of [`WalkOrder::Letters`].
    by_letters: OnceLock<Vec<u32>>,
    ahead: Mutex<AttributesAhead>,
}

/// The attributes of adjacent entries that the listing has not come to yet, as the opener thread
/// has found them.
#[derive(Debug, Default)]
struct AttributesAhead {
    /// The place of the first of these entries in the listing.
    from: usize,
    /// `None` for an entry that the opener thread has left out, or that it could not look at.
    found: VecDeque<Option<Metadata>>,
    /// The place that the listing has come to.
    listed: usize,
}

impl AttributesAhead {
    /// The place behind the last of these entries.
    fn end(&self) -> usize {
        self.from + self.found.len()
    }
}

/// A task for the opener thread: entries of a folder that it shall look at.
#[derive(Debug)]
pub(in crate::fs) struct LookAhead {
    pub(in crate::fs) folder: Arc<SourceNode>,
    listing: Arc<FolderListing>,
    /// Their places in the listing.
    range: Range<usize>,
}

/// An order in which the entries of a folder are gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::fs) enum WalkOrder {
    /// That of the listing. It is nearly that of the inode numbers, by which programs sort a folder
    /// that they go through as a whole.
    #[default]
    Listing,
    /// That of the listing, from its end. A shell looks at what a pattern matches in this order.
    Backwards,
    /// By name, as programs sort in the C locale.
    Bytes,
    /// By name without regard to case, much as programs sort in other locales.
    Letters,
}

/// The folders being listed.
#[derive(Debug)]
pub(in crate::fs) struct Folders {
    listings: Mutex<Listings>,
    /// A folder that a program goes through though its listing is not kept any more, since the
    /// kernel has it cached. No listing goes on with this one: it has only what is in the source.
    walked: Mutex<Option<(PathBuf, Arc<FolderListing>)>>,
}

type Listings = LruCache<Arc<SourceNode>, Arc<FolderListing>>;

/// How many listings are kept: about as many as are likely to be under way at once.
const FOLDERS_MAX: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");
/// The opener thread looks at most at this many entries ahead of a listing.
const LOOKED_AHEAD_MAX: usize = 2048;
/// If the listing has caught up with the opener thread, the thread leaves it this many entries and
/// looks at those behind them. Otherwise both would look at the same entries.
const LEFT_TO_LISTING: usize = 192;
/// The opener thread looks at this many entries at a time, and then hands over what it has found.
const LOOKED_TOGETHER: usize = 64;
/// If several names have the same hash, all but the first get the next free cookies. An entry is
/// looked for in this many places from that of its hash on.
const MOVED_MAX: usize = 8;

impl WalkOrder {
    /// Whether a name comes before another one.
    pub(in crate::fs) fn is_before(self, a: &OsStr, b: &OsStr) -> bool {
        match self {
            Self::Listing => hash(a) < hash(b),
            Self::Backwards => hash(a) > hash(b),
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
        Self {
            entries,
            by_bytes: OnceLock::new(),
            by_letters: OnceLock::new(),
            ahead: Mutex::default(),
        }
    }

    /// The entries behind a cookie, each with its place.
    pub(in crate::fs) fn behind_cookie(
        &self,
        cookie: u64,
    ) -> impl Iterator<Item = (usize, &FolderEntry)> {
        let behind = self.entries.partition_point(|entry| entry.cookie <= cookie);
        self.entries.iter().enumerate().skip(behind)
    }

    /// Takes the attributes of the entry that the listing has come to, if the opener thread has
    /// looked at it. Drops those of the entries before it.
    pub(in crate::fs) fn take_attributes(&self, place: usize) -> Option<Metadata> {
        let mut ahead = lock(&self.ahead);
        ahead.listed = place;
        let passed = place.saturating_sub(ahead.from).min(ahead.found.len());
        ahead.found.drain(..passed);
        ahead.from += passed;
        if ahead.from != place {
            return None;
        }
        let found = ahead.found.pop_front()?;
        ahead.from += 1;
        found
    }

    /// What the opener thread shall look at when a listing has come to a place. `None` if only few
    /// of the next [`LOOKED_AHEAD_MAX`] entries are left to look at: it is not woken for these.
    pub(in crate::fs) fn to_look_at(
        self: &Arc<Self>,
        folder: &Arc<SourceNode>,
        place: usize,
    ) -> Option<LookAhead> {
        let end = (place + LOOKED_AHEAD_MAX).min(self.entries.len());
        let known = lock(&self.ahead).end();
        let known = if (place..=end).contains(&known) { known } else { place };
        let (folder, listing) = (Arc::clone(folder), Arc::clone(self));
        (end > known + LOOKED_AHEAD_MAX / 4).then_some(LookAhead {
            folder,
            listing,
            range: known..end,
        })
    }

    /// At most `count` names that follow one. The first call for an order sorts the folder, which
    /// takes a while if it is large.
    fn behind(&self, name: &OsStr, count: usize, order: WalkOrder) -> Vec<&OsStr> {
        let places = match order {
            WalkOrder::Listing | WalkOrder::Backwards => {
                return self.behind_as_listed(name, count, order);
            }
            WalkOrder::Bytes => self.by_bytes.get_or_init(|| self.sorted(|a| a)),
            WalkOrder::Letters => self.by_letters.get_or_init(|| self.sorted(letters)),
        };
        let is_behind = |at: &u32| self.name(*at).is_some_and(|known| order.is_before(name, known));
        let behind = places.partition_point(|at| !is_behind(at));
        places.iter().skip(behind).take(count).filter_map(|at| self.name(*at)).collect()
    }

    fn behind_as_listed(&self, name: &OsStr, count: usize, order: WalkOrder) -> Vec<&OsStr> {
        let cookie = hash(name);
        let at = self.entries.partition_point(|entry| entry.cookie < cookie);
        let entries = self.entries.get(at..).unwrap_or_default();
        // If the cookie of this hash was taken, the entry lies behind others with the same hash.
        let moved = entries.iter().take(MOVED_MAX).position(|entry| entry.name == name);
        let Some(at) = moved.map(|moved| at + moved) else { return Vec::new() };
        let (before, behind) = (self.entries.get(..at), self.entries.get(at + 1..));
        let entries: Vec<_> = match order {
            WalkOrder::Backwards => before.unwrap_or_default().iter().rev().take(count).collect(),
            _ => behind.unwrap_or_default().iter().take(count).collect(),
        };
        entries.into_iter().map(|entry| entry.name.as_os_str()).collect()
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

impl LookAhead {
    /// Looks at the entries, [`LOOKED_TOGETHER`] at a time, so that the listing can use the first
    /// ones soon.
    pub(in crate::fs) fn run(&self, look: impl Fn(&OsStr) -> Option<Metadata>) {
        let mut range = self.range.clone();
        loop {
            let (listed, known) = {
                let ahead = lock(&self.listing.ahead);
                (ahead.listed, ahead.end())
            };
            if range.contains(&known) {
                range.start = known;
            }
            if listed + LOOKED_TOGETHER > range.start {
                // The listing is as fast: leave it the next entries, and look at those behind.
                range.start = range.start.max(listed + LEFT_TO_LISTING);
            }
            if range.is_empty() {
                return;
            }
            let end = (range.start + LOOKED_TOGETHER).min(range.end);
            let entries = self.listing.entries.get(range.start..end).unwrap_or_default();
            let found: Vec<_> = entries.iter().map(|entry| look(&entry.name)).collect();
            let mut ahead = lock(&self.listing.ahead);
            if ahead.end() > range.start {
                // What is there is of an earlier listing that had come farther: nobody takes it.
                ahead.found.clear();
            }
            if ahead.found.is_empty() {
                ahead.from = range.start;
            }
            // `None` for the entries that were left to the listing.
            let len_before = range.start - ahead.from;
            ahead.found.resize(len_before, None);
            ahead.found.extend(found);
            range.start = end;
        }
    }
}

impl Folders {
    pub(in crate::fs) fn new() -> Self {
        Self { listings: Mutex::new(LruCache::new(FOLDERS_MAX)), walked: Mutex::default() }
    }

    /// The entries of a folder. A listing that begins reads them anew; one that goes on behind a
    /// cookie uses those that were read last, as long as they are kept.
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

    /// Keeps the names in a folder for [`Folders::behind`].
    pub(in crate::fs) fn walk(&self, folder: PathBuf, names: Vec<OsString>) {
        *lock(&self.walked) = Some((folder, Arc::new(FolderListing::new(names))));
    }

    /// At most `count` files that follow one in its folder as last read; `None` if the folder is
    /// not kept.
    pub(in crate::fs) fn behind(
        &self,
        path: &Path,
        count: usize,
        order: WalkOrder,
    ) -> Option<Vec<PathBuf>> {
        let (folder, name) = (path.parent()?, path.file_name()?);
        let listing = self.kept(folder)?;
        let names = listing.behind(name, count, order).into_iter();
        Some(names.map(|name| folder.join(name)).collect())
    }

    fn kept(&self, folder: &Path) -> Option<Arc<FolderListing>> {
        let listings = self.lock();
        if let Some((_, listing)) = listings.iter().find(|(known, _)| known.path == folder) {
            return Some(Arc::clone(listing));
        }
        drop(listings);
        let walked = lock(&self.walked);
        let walked = walked.as_ref().filter(|(known, _)| known == folder);
        walked.map(|(_, listing)| Arc::clone(listing))
    }

    fn lock(&self) -> MutexGuard<'_, Listings> {
        lock(&self.listings)
    }
}

/// Gives each name its cookie and sorts by it. Cookie 0 is the start of a listing, 1 and 2 are `.`
/// and `..`.
fn with_cookies(names: Vec<OsString>) -> Vec<FolderEntry> {
    let mut entries: Vec<_> =
        names.into_iter().map(|name| FolderEntry { cookie: hash(&name), name }).collect();
    entries.sort_unstable_by(|a, b| (a.cookie, &a.name).cmp(&(b.cookie, &b.name)));
    make_rising(entries.iter_mut().map(|entry| &mut entry.cookie));
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
    make_rising(ordered.iter_mut().map(|(_, own)| own));
    let behind = ordered.partition_point(|(_, own)| *own <= cookie);
    ordered.split_off(behind)
}

/// Moves cookies that are taken behind the one before; 0, 1 and 2 are taken by the start of a listing,
/// `.` and `..`.
fn make_rising<'a>(cookies: impl Iterator<Item = &'a mut u64>) {
    let mut last = 2;
    for cookie in cookies {
        *cookie = (*cookie).max(last + 1);
        last = *cookie;
    }
}

/// The hash of a name, as a cookie. Its upper bits are 0, since the kernel takes a cookie with the
/// highest bit for an error.
fn hash(name: &OsStr) -> u64 {
    name_hash(name) >> 2
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::super::ino::{Identity, Nodes, SourceKind};
    use super::{FolderListing, Metadata, SourceNode, WalkOrder, with_cookies};

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
        let first = listing.behind_cookie(0).next().unwrap().1.name.to_str().unwrap();
        let listed = walk(first, WalkOrder::Listing);
        assert_eq!(listed.len(), 4);
        let backwards: Vec<_> = listed.iter().rev().cloned().collect();
        assert_eq!(walk(&listed[3], WalkOrder::Backwards), backwards);
    }

    /// Programs that sort a folder by inode numbers go through it in the order of the listing.
    #[test]
    fn inode_numbers_rise_with_the_listing() {
        let identity = Identity::default();
        let root = SourceNode { path: PathBuf::new(), kind: SourceKind::Folder, identity };
        let nodes = Nodes::<()>::new(Arc::new(root));
        let names = (0..1000).map(|n| OsString::from(format!("{n}.msg"))).collect();
        let base = |name: &OsStr| {
            let identity = Identity { inode: name.len() as u64, ..Identity::default() };
            let path = PathBuf::from("folder").join(name);
            nodes.base_of(&SourceNode { path, kind: SourceKind::Message, identity })
        };
        let bases: Vec<_> = with_cookies(names).iter().map(|entry| base(&entry.name)).collect();
        // They begin anew once.
        let falls = bases.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!(falls <= 1, "{bases:?}");
    }

    #[test]
    fn what_was_looked_at_ahead_belongs_to_its_entry() {
        let names = (0..3000).map(|n| OsString::from(n.to_string())).collect();
        let listing = Arc::new(FolderListing::new(names));
        let identity = Identity::default();
        let kind = SourceKind::Folder;
        let folder = Arc::new(SourceNode { path: PathBuf::new(), kind, identity });
        let any = Metadata::from(&std::fs::metadata(".").unwrap());
        let number = |name: &OsStr| name.to_str().unwrap().parse().unwrap();
        let look = |name: &OsStr| Some(Metadata { inode: number(name), ..any });
        let mut found = 0;
        let mut check = |place: usize| {
            let expected = number(&listing.entries[place].name);
            let known = listing.take_attributes(place);
            assert!(known.is_none_or(|known| known.inode == expected), "{place}");
            found += usize::from(known.is_some());
        };
        // The listing goes on as far as it has to before the opener thread begins.
        for from in [0, 700, 1400, 2100] {
            let Some(ahead) = listing.to_look_at(&folder, from) else { continue };
            (from..from + 100).for_each(&mut check);
            ahead.run(look);
            assert!(listing.to_look_at(&folder, from + 100).is_none());
            (from + 100..from + 700).for_each(&mut check);
        }
        // A program goes back.
        (0..3000).for_each(&mut check);
        assert!(found > 1500, "{found}");
        assert!(listing.to_look_at(&folder, 2999).is_none());
    }
}
