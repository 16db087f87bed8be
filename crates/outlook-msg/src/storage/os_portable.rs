//! What a commit asks of a system that is not Unix, of Windows say: with the standard library alone.
//!
//! A save is a renaming over the old file, so that the name stands for a whole file at any time.
//! Owner, access lists and attributes of the old file do not stay, files of several names are not
//! told from others, and two states of a file are told apart by length and times.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::file_state::FileState;

/// A folder, by its path.
pub type Folder<'a> = &'a Path;

/// What stands for a folder.
pub trait AsFolder {
    /// The folder.
    fn as_folder(&self) -> Folder<'_>;
}

impl<T: AsRef<Path>> AsFolder for T {
    fn as_folder(&self) -> Folder<'_> {
        self.as_ref()
    }
}

/// Opens a folder.
pub(super) fn open_folder(path: &Path) -> io::Result<PathBuf> {
    Ok(path.to_owned())
}

/// The state of a file.
pub(super) fn state(metadata: &Metadata) -> FileState {
    let unix = |time: io::Result<SystemTime>| {
        let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or((0, 0), |since| {
            (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos().into())
        })
    };
    FileState {
        device: 0,
        inode: 0,
        size: metadata.len(),
        mtime: unix(metadata.modified()),
        ctime: unix(metadata.created()),
    }
}

/// How many names a file has, as far as can be told.
pub(super) fn links(_: &Metadata) -> u64 {
    1
}

/// Reads a file at a position; any number of threads may.
///
/// # Errors
/// Those of reading.
pub fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
    #[cfg(not(windows))]
    {
        let _ = (file, offset, buffer);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Opens a file for reading; `None` if there is none.
pub(super) fn open_existing(folder: Folder<'_>, name: &OsStr) -> io::Result<Option<File>> {
    match File::open(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Creates a file; `None` if there is one of this name.
pub(super) fn create(folder: Folder<'_>, name: &OsStr, _: u32) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).write(true).create_new(true).open(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        opened => opened.map(Some),
    }
}

/// Removes the name of a file.
pub(super) fn remove(folder: Folder<'_>, name: &OsStr) -> io::Result<()> {
    std::fs::remove_file(folder.join(name))
}

/// Whether a file could be locked, or need not be.
pub(super) fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// The files in a folder that have such names, are regular, and locked by nobody.
pub(super) fn each_unlocked(
    folder: Folder<'_>,
    is_wanted: impl Fn(&[u8]) -> bool,
    mut run: impl FnMut(&OsStr),
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !is_wanted(name.as_encoded_bytes()) {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        if file.metadata()?.is_file() && lock(&file) {
            run(&name);
        }
    }
    Ok(())
}

/// Renames a file over another one.
pub(super) fn rename_over(folder: Folder<'_>, from: &OsStr, to: &OsStr) -> io::Result<()> {
    std::fs::rename(folder.join(from), folder.join(to))
}

/// Renames a file to a name that nothing has: `AlreadyExists` if something has it.
pub(super) fn rename_new(folder: Folder<'_>, from: &OsStr, to: &OsStr) -> io::Result<()> {
    // The name is taken with an empty file, which nobody else then has.
    let taken = create(folder, to, 0)?.ok_or(io::ErrorKind::AlreadyExists)?;
    drop(taken);
    rename_over(folder, from, to).inspect_err(|_| {
        // The empty one is of no use.
        let _ = remove(folder, to);
    })
}

/// Has a folder reach the disk, which here the file system sees to.
pub(super) fn sync_folder(_: Folder<'_>) -> io::Result<()> {
    Ok(())
}

/// Gives a file the time of its last change.
pub(super) fn set_modified(file: &File, modified: SystemTime) -> io::Result<()> {
    file.set_modified(modified)
}

/// Nothing: a new file has the permissions that its folder gives it.
pub(super) fn permit(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Gives a file what stays of the attributes of another one: nothing.
pub(super) fn keep_attributes(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
