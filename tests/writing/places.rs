//! Folders on a disk of their own, and what lies in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags};
use tempfile::TempDir;

/// A small file system in memory. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct Disk {
    point: TempDir,
}

/// A file that is mounted on itself, so that it cannot be removed. Dropping it unmounts it.
#[derive(Debug)]
pub(super) struct BusyFile {
    path: PathBuf,
}

impl BusyFile {
    /// `None` where nothing can be mounted.
    pub(super) fn new(path: &Path) -> Option<Self> {
        match rustix::mount::mount_bind(path, path) {
            Ok(()) => Some(Self { path: path.to_owned() }),
            Err(error) => {
                println!("SKIPPED: no file can be mounted: {error}");
                None
            }
        }
    }
}

impl Drop for BusyFile {
    fn drop(&mut self) {
        rustix::mount::unmount(&self.path, UnmountFlags::DETACH).unwrap();
    }
}

impl Disk {
    /// `None` where nothing can be mounted.
    pub(crate) fn new(size: &str) -> Option<Self> {
        let point = TempDir::with_prefix("msgfs-disk-").unwrap();
        let size = std::ffi::CString::new(format!("size={size}")).unwrap();
        let flags = MountFlags::empty();
        match rustix::mount::mount("tmpfs", point.path(), "tmpfs", flags, size.as_c_str()) {
            Ok(()) => Some(Self { point }),
            Err(error) => {
                println!("SKIPPED: no disk of its own can be mounted: {error}");
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.point.path()
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Fills the disk up until so many bytes are free.
    pub(crate) fn fill(&self, free: u64) -> PathBuf {
        let figures = rustix::fs::statvfs(self.path()).unwrap();
        let len = (figures.f_bavail * figures.f_frsize).saturating_sub(free);
        self.put("filler", vec![1; usize::try_from(len).unwrap()])
    }

    pub(crate) fn make_read_only(&self) {
        rustix::mount::mount_remount(self.path(), MountFlags::RDONLY, "").unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        rustix::mount::unmount(self.point.path(), UnmountFlags::DETACH).unwrap();
    }
}

/// Inode, mode, time of the last change, and bytes of a file.
type Found = (u64, u32, (i64, i64), Vec<u8>);

/// What is in a folder and in those below it: what identifies each file, and its bytes. A mount may
/// be removing files there.
#[track_caller]
pub(super) fn contents(folder: &Path) -> BTreeMap<PathBuf, Found> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in still_there(fs::read_dir(&folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            let Some(metadata) = still_there(path.symlink_metadata()) else { continue };
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let Some(bytes) = still_there(fs::read(&path)) else { continue };
            let changed = (metadata.mtime(), metadata.mtime_nsec());
            found.insert(path, (metadata.ino(), metadata.mode(), changed, bytes));
        }
    }
    found
}

#[track_caller]
fn still_there<T>(found: io::Result<T>) -> Option<T> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found.unwrap()),
    }
}

/// The names in a folder, sorted.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The whole messages that were kept in a state folder because they could not be saved.
pub(super) fn recovered(state: &Path) -> Vec<PathBuf> {
    let mut found = in_recovered(state);
    found.retain(|path| path.is_file());
    found
}

/// The folders of edits that were kept in a state folder.
pub(super) fn kept(state: &Path) -> Vec<PathBuf> {
    let mut found = in_recovered(state);
    found.retain(|path| path.is_dir());
    found
}

fn in_recovered(state: &Path) -> Vec<PathBuf> {
    let folder = state.join("msgfs/recovered");
    if !folder.exists() {
        return Vec::new();
    }
    let mut found: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}
