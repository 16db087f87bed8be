//! The system calls of a commit on a system other than Unix, such as Windows. It uses only the
//! standard library.
//!
//! A save renames the new file over the old one, so there is a whole file at any time. The new file
//! does not get the owner, access list and attributes of the old one. Files with several hard links
//! are not recognised. A change by another program is noticed only by the length and the times of
//! the file.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IoSliceMut};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::file_state::FileState;

/// A folder, by its path.
pub type Folder<'a> = &'a Path;

/// A name in a folder.
pub(super) type NameIn<'a> = (Folder<'a>, &'a OsStr);

/// A type that stands for a folder.
pub trait AsFolder {
    /// The path of the folder.
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

impl From<&Metadata> for FileState {
    fn from(metadata: &Metadata) -> Self {
        let unix = |time: io::Result<SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            since.map_or((0, 0), |since| {
                (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos().into())
            })
        };
        Self {
            device: 0,
            inode: 0,
            size: metadata.len(),
            mtime: unix(metadata.modified()),
            ctime: unix(metadata.created()),
        }
    }
}

/// How many names a file has. The standard library cannot tell, so this is always 1.
pub(super) fn links(_: &Metadata) -> u64 {
    1
}

/// Reads a file at a position; returns how many bytes. Any number of threads may do so at once.
///
/// # Errors
/// Those of reading.
pub(super) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
    #[cfg(not(windows))]
    {
        let _ = (file, offset, buffer);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Reads at most `len` bytes at a position to the end of `bytes`; returns how many.
///
/// # Errors
/// Those of reading.
pub(super) fn append_at(
    file: &File,
    offset: u64,
    len: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<usize> {
    let before = bytes.len();
    bytes.resize(before + len, 0);
    let read = read_at(file, offset, bytes.get_mut(before..).unwrap_or_default());
    bytes.truncate(before + read.as_ref().map_or(0, |read| *read));
    read
}

/// Reads a file at a position into the first of several buffers; returns how many bytes.
///
/// # Errors
/// Those of reading.
pub(super) fn read_vectored_at(
    file: &File,
    offset: u64,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<usize> {
    buffers.first_mut().map_or(Ok(0), |buffer| read_at(file, offset, buffer))
}

/// Opens a file for reading; `None` if there is none.
pub(super) fn open_existing(folder: Folder<'_>, name: &OsStr) -> io::Result<Option<File>> {
    match File::open(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Whether a file may be replaced: only the attempt shows it here.
pub(super) fn check_changeable<F>(_: F) -> io::Result<()> {
    Ok(())
}

/// Creates a file; `None` if the name exists already.
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

/// Locks a file; `false` if another process has locked it.
pub(super) fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// Calls `run` for each regular file in the folder for whose name `is_wanted` is true and that no
/// process has locked. The file is locked during the call.
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
pub(super) fn rename_over(from: NameIn<'_>, to: NameIn<'_>) -> io::Result<()> {
    std::fs::rename(from.0.join(from.1), to.0.join(to.1))
}

/// Renames a file to a name that must be free; otherwise the error is `AlreadyExists`.
pub(super) fn rename_new(from: NameIn<'_>, to: NameIn<'_>) -> io::Result<()> {
    // An empty file takes the name, so that no other program can create the file in between.
    let taken = create(to.0, to.1, 0)?.ok_or(io::ErrorKind::AlreadyExists)?;
    drop(taken);
    rename_over(from, to).inspect_err(|_| {
        // The empty file is not needed any more.
        let _ = remove(to.0, to.1);
    })
}

/// Does nothing: the standard library cannot sync a folder on these systems.
pub(super) fn sync_folder(_: Folder<'_>) -> io::Result<()> {
    Ok(())
}

/// Sets the time of the last modification of a file.
pub(super) fn set_modified(file: &File, modified: SystemTime) -> io::Result<()> {
    file.set_modified(modified)
}

/// Does nothing: a new file has the permissions that its folder gives it.
pub(super) fn permit(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Does nothing: no attributes of the old file are kept.
pub(super) fn keep_attributes(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
