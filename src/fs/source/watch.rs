//! Watching folders of the source with inotify.
//!
//! A folder is watched before it is read, by the same descriptor, so no change falls in between.
//! Knows nothing of inode numbers: it reports names in folders.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use lru::LruCache;
use outlook_msg::sync::lock;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::SourceRoot;
use super::mounts::MountTable;
use super::watches::{FolderId, Room, Watches};

/// What happened to a name in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::fs) enum NameEvent {
    /// There is a file of this name where there was none before.
    Appeared,
    /// It is gone, or stands for another file.
    Replaced,
    /// The file has other content or attributes.
    Changed,
}

/// A change in the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::fs) enum SourceChange {
    /// Something happened to a name in a folder.
    Name { path: PathBuf, folder: FolderId, name: OsString, event: NameEvent },
    /// A folder's own attributes changed.
    Folder { path: PathBuf, folder: FolderId },
    /// Everything at a path and below it may have changed.
    Below(PathBuf),
}

/// The watch on the source.
#[derive(Debug)]
pub(in crate::fs) struct Watcher {
    inotify: OwnedFd,
    mounts: MountTable,
    state: Mutex<WatchState>,
    /// Counts the times that watches were lost.
    losses: AtomicU64,
}

#[derive(Debug)]
struct WatchState {
    watches: Watches,
    /// Folders that cannot be watched, and until when there is no new attempt.
    refused: LruCache<PathBuf, Instant>,
}

/// Says that a folder was watched before it was read. It counts until a watch is lost
/// ([`Watcher::holds`]).
#[derive(Clone, Copy, Debug)]
pub(in crate::fs) struct WatchProof {
    losses: u64,
}

/// The most watches: half of what one user may have by default on older kernels
/// (`max_user_watches`).
const WATCHES_MAX: usize = 4096;
const REFUSED_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not 0");
const REFUSED_FOR: Duration = Duration::from_secs(60);
const FULL_FOR: Duration = Duration::from_secs(1);
const BUFFER_BYTES: usize = 64 << 10;

/// The file systems (`f_type` of statfs(2)) all of whose changes go through this kernel. On
/// network, FUSE and stacked file systems files change in other ways, and inotify is silent.
const LOCAL_FILE_SYSTEMS: [u64; 14] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0xF2F5_2010, // f2fs
    0x2FC1_2FC1, // zfs
    0xCA45_1A4E, // bcachefs
    0x4D44,      // vfat
    0x2011_BAB0, // exfat
    0x7366_746E, // ntfs3
    0x9660,      // iso9660
    0x1501_3346, // udf
    0x7371_7368, // squashfs
];

impl Watcher {
    /// A watcher that watches nothing yet.
    pub(in crate::fs) fn new() -> io::Result<Self> {
        let state =
            WatchState { watches: Watches::new(WATCHES_MAX), refused: LruCache::new(REFUSED_MAX) };
        Ok(Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            mounts: MountTable::open()?,
            state: Mutex::new(state),
            losses: AtomicU64::new(0),
        })
    }

    /// Watches a folder and all folders above it. Call it before the folder is read.
    pub(in crate::fs) fn watch(
        &self,
        source: &SourceRoot,
        path: &Path,
        folder: FolderId,
    ) -> Option<WatchProof> {
        let now = Instant::now();
        let mut state = self.lock();
        if !state.watches.extend_if_watched(path, Some(folder), now) {
            let above: Vec<_> = path.ancestors().skip(1).collect();
            let is_missing = |part: &&&Path| !state.watches.extend_if_watched(part, None, now);
            let missing = above.iter().take_while(is_missing).count();
            for part in above.iter().take(missing).rev() {
                self.add(&mut state, source, part, None, now)?;
            }
            self.add(&mut state, source, path, Some(folder), now)?;
            state.watches.extend_if_watched(path, Some(folder), now).then_some(())?;
        }
        Some(WatchProof { losses: self.losses.load(Ordering::SeqCst) })
    }

    /// The proof that a folder is watched already; `None` if it is not.
    pub(in crate::fs) fn proof(&self, path: &Path, folder: Option<FolderId>) -> Option<WatchProof> {
        let is_watched = self.lock().watches.extend_if_watched(path, folder, Instant::now());
        is_watched.then(|| WatchProof { losses: self.losses.load(Ordering::SeqCst) })
    }

    /// Whether no watch was lost since a proof was given.
    pub(in crate::fs) fn holds(&self, proof: WatchProof) -> bool {
        self.losses.load(Ordering::SeqCst) == proof.losses
    }

    /// How many folders are watched.
    pub(in crate::fs) fn len(&self) -> usize {
        self.lock().watches.len()
    }

    /// Waits for changes, for some time at most, and returns each once.
    pub(in crate::fs) fn wait(
        &self,
        source: &SourceRoot,
        at_most: Option<Duration>,
    ) -> io::Result<Vec<SourceChange>> {
        let at_most = at_most.map(|time| Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let mut ready =
            [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&self.mounts, PollFlags::PRI)];
        match rustix::event::poll(&mut ready, at_most.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        let is_urgent = |fd: &PollFd<'_>| fd.revents().intersects(PollFlags::PRI | PollFlags::ERR);
        let mounted = ready.last().is_some_and(is_urgent);
        let mut changes = Changes::default();
        if mounted && self.mounts.may_have_changed_in(&source.folder) {
            self.check_watches(source, &mut changes);
        }
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => {
                    tracing::warn!("the source changed too fast: looking at all of it again");
                    self.check_watches(source, &mut changes);
                }
                Ok(event) => self.take(source, &event, &mut changes),
                Err(Errno::AGAIN | Errno::INTR) => break,
                Err(error) => return Err(error.into()),
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        Ok(changes.list)
    }

    fn lock(&self) -> MutexGuard<'_, WatchState> {
        lock(&self.state)
    }

    /// Adds a watch; `None` if the folder is left to be looked at again every second.
    fn add(
        &self,
        state: &mut WatchState,
        source: &SourceRoot,
        path: &Path,
        expected: Option<FolderId>,
        now: Instant,
    ) -> Option<()> {
        if state.refused.get(path).is_some_and(|until| now < *until) {
            return None;
        }
        // Another folder may have been watched at this path.
        self.lose(state, path);
        let mut refuse = |time| {
            state.refused.put(path.to_owned(), now + time);
        };
        match state.watches.make_room(now) {
            Room::Free(given_up) => self.remove(given_up),
            Room::None => {
                refuse(FULL_FOR);
                return None;
            }
        }
        match self.add_watch(source, path) {
            Ok((descriptor, folder)) if expected.is_none_or(|expected| expected == folder) => {
                state.watches.insert(path, folder, descriptor, now);
                state.refused.pop(path);
                Some(())
            }
            Ok((descriptor, _)) => {
                // The folder was replaced since it was looked up; others may watch its successor.
                let is_free = state.watches.folders(descriptor).is_empty();
                self.remove(is_free.then_some(descriptor));
                None
            }
            Err(error) => {
                tracing::debug!(path = %path.display(), "not watched: {error}");
                refuse(REFUSED_FOR);
                None
            }
        }
    }

    fn add_watch(&self, source: &SourceRoot, path: &Path) -> io::Result<(i32, FolderId)> {
        let folder = source.open_folder(path)?;
        let file_system = u64::try_from(rustix::fs::fstatfs(&folder)?.f_type).unwrap_or(0);
        if !LOCAL_FILE_SYSTEMS.contains(&file_system) {
            return Err(io::Error::other(format!("file system {file_system:#x}")));
        }
        let metadata = folder.metadata()?;
        let what = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::EXCL_UNLINK
            | WatchFlags::ONLYDIR;
        // Watch the descriptor itself: a mount may cover its path, this one for instance.
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        let descriptor = inotify::add_watch(&self.inotify, path, what)?;
        Ok((descriptor, (metadata.dev(), metadata.ino())))
    }

    fn remove(&self, descriptor: Option<i32>) {
        if let Some(descriptor) = descriptor {
            // It may be gone with its folder.
            let _ = inotify::remove_watch(&self.inotify, descriptor);
        }
    }

    /// Gives up the watches at a path and below.
    fn lose(&self, state: &mut WatchState, path: &Path) {
        for descriptor in state.watches.remove_below(path) {
            self.losses.fetch_add(1, Ordering::SeqCst);
            self.remove(Some(descriptor));
        }
    }

    /// Translates an event.
    fn take(&self, source: &SourceRoot, event: &inotify::Event<'_>, changes: &mut Changes) {
        let flags = event.events();
        let mut state = self.lock();
        for (path, folder) in state.watches.folders(event.wd()) {
            let Some(name) = event.file_name() else {
                let is_root = path.as_os_str().is_empty();
                if flags.contains(ReadFlags::ATTRIB) {
                    changes.add(SourceChange::Folder { path, folder });
                } else if !(is_root && flags.contains(ReadFlags::MOVE_SELF)) {
                    // The root is held by its descriptor wherever it is moved.
                    self.check_below(&mut state, source, &path);
                    changes.add(SourceChange::Below(path));
                }
                continue;
            };
            let name = OsStr::from_bytes(name.to_bytes());
            let replaced = ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO;
            let event = match () {
                () if flags.intersects(replaced) => NameEvent::Replaced,
                () if flags.contains(ReadFlags::CREATE) => NameEvent::Appeared,
                () => NameEvent::Changed,
            };
            if event == NameEvent::Replaced && flags.contains(ReadFlags::ISDIR) {
                let below = path.join(name);
                self.check_below(&mut state, source, &below);
                changes.add(SourceChange::Below(below));
            }
            changes.add(SourceChange::Name { path, folder, name: name.to_owned(), event });
        }
    }

    /// Looks at all watches again, since anything may have changed unseen.
    fn check_watches(&self, source: &SourceRoot, changes: &mut Changes) {
        self.check_below(&mut self.lock(), source, Path::new(""));
        changes.add(SourceChange::Below(PathBuf::new()));
    }

    /// Gives up those watches at a path and below it whose folders are no longer there. Each folder
    /// is looked at again, since an event may be older than the watch: then it tells of another
    /// folder that was at this path before.
    fn check_below(&self, state: &mut WatchState, source: &SourceRoot, path: &Path) {
        self.losses.fetch_add(1, Ordering::SeqCst);
        for (path, folder, descriptor) in state.watches.below(path) {
            if !state.watches.folders(descriptor).contains(&(path.clone(), folder)) {
                // Given up with a folder above it.
                continue;
            }
            let found = self.add_watch(source, &path).ok();
            if found != Some((descriptor, folder)) {
                self.lose(state, &path);
                let is_free = |(descriptor, _): &(i32, FolderId)| {
                    state.watches.folders(*descriptor).is_empty()
                };
                self.remove(found.filter(is_free).map(|(descriptor, _)| descriptor));
            }
        }
    }
}

/// Changes in the order they came in, each once.
#[derive(Debug, Default)]
struct Changes {
    list: Vec<SourceChange>,
    known: HashSet<SourceChange>,
}

impl Changes {
    fn add(&mut self, change: SourceChange) {
        if self.known.insert(change.clone()) {
            self.list.push(change);
        }
    }
}
