//! The system calls of a commit that differ between systems or between file systems, each with its
//! fallback.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, Dir, FlockOperation, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_OMIT,
    Uid, XattrFlags,
};
use rustix::io::Errno;

use super::file_state::FileState;

/// Linux limits the list of extended attributes, and each value, to this many bytes.
const ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;
/// Attributes with this prefix are not copied: the security module of the kernel sets the labels of
/// a new file itself.
const SECURITY_PREFIX: &[u8] = b"security.";
/// The extended attribute that holds the access list (ACL) of a file.
const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// An open folder. It stays the same folder even if its path changes.
pub type Folder<'a> = BorrowedFd<'a>;

/// A name in an open folder.
pub(super) type NameIn<'a> = (Folder<'a>, &'a OsStr);

/// A type that stands for an open folder.
pub trait AsFolder {
    /// Borrows the folder.
    fn as_folder(&self) -> Folder<'_>;
}

impl<T: AsFd> AsFolder for T {
    fn as_folder(&self) -> Folder<'_> {
        self.as_fd()
    }
}

/// Opens a folder.
pub(super) fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(File::open(path)?.into())
}

impl From<&Metadata> for FileState {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// How many names a file has.
pub(super) fn links(metadata: &Metadata) -> u64 {
    metadata.nlink()
}

/// Reads a file at a position; returns how many bytes. Any number of threads may do so at once.
///
/// # Errors
/// Those of `pread`.
pub(super) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Reads at most `len` bytes at a position to the end of `bytes`, without setting the new memory to
/// zero first; returns how many.
///
/// # Errors
/// Those of `pread`.
pub(super) fn append_at(
    file: &File,
    offset: u64,
    len: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<usize> {
    let before = bytes.len();
    bytes.reserve_exact(len);
    rustix::io::pread(file, spare_capacity(bytes), offset)?;
    // There may have been room for more.
    bytes.truncate(before + len);
    Ok(bytes.len() - before)
}

/// Reads a file at a position into several buffers, one after the other; returns how many bytes.
///
/// # Errors
/// Those of `preadv`.
pub(super) fn read_vectored_at(
    file: &File,
    offset: u64,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<usize> {
    Ok(rustix::io::preadv(file, buffers, offset)?)
}

/// Opens a file for reading; `None` if there is no file. It does not follow a symbolic link: if the
/// name is one now, it is not the file that was opened before.
pub(super) fn open_existing(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<File>> {
    // Without O_NONBLOCK, the call would wait if the name were a pipe now.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::LOOP) => Ok(None),
        opened => Ok(Some(opened?.into())),
    }
}

/// Whether a file may be renamed and replaced as far as its own attributes say (`chattr(1)`): EPERM
/// for an immutable file, and for one that may only grow.
#[cfg(target_os = "linux")]
pub(super) fn check_changeable(file: impl AsFd) -> io::Result<()> {
    use rustix::fs::{StatxAttributes, StatxFlags, statx};
    let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    match statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS) {
        Ok(found) if found.stx_attributes.intersects(fixed) => Err(Errno::PERM.into()),
        // Without statx(2), as in some sandboxes, only the attempt shows it.
        Ok(_) | Err(Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The same where only the attempt shows it.
#[cfg(not(target_os = "linux"))]
pub(super) fn check_changeable(_: impl AsFd) -> io::Result<()> {
    Ok(())
}

/// Creates a file; `None` if the name exists already.
pub(super) fn create(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    permissions: u32,
) -> io::Result<Option<File>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::openat(folder, name, flags, mode(permissions)) {
        Err(Errno::EXIST) => Ok(None),
        opened => Ok(Some(opened?.into())),
    }
}

fn mode(permissions: u32) -> Mode {
    #[allow(clippy::useless_conversion, reason = "a mode has 16 bits on macOS")]
    let bits = rustix::fs::RawMode::try_from(permissions & 0o7777).unwrap_or(0o600);
    Mode::from_raw_mode(bits)
}

/// Removes the name of a file.
pub(super) fn remove(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
}

/// Locks a file; `false` if another process has locked it. On a file system without locks, returns
/// `true`.
pub(super) fn lock(file: &File) -> bool {
    let locked = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive);
    locked != Err(Errno::WOULDBLOCK)
}

/// Calls `run` for each regular file in the folder for whose name `is_wanted` is true and that no
/// process has locked. The file is locked during the call.
pub(super) fn each_unlocked(
    folder: BorrowedFd<'_>,
    is_wanted: impl Fn(&[u8]) -> bool,
    mut run: impl FnMut(&OsStr),
) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !is_wanted(name.to_bytes()) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else { continue };
        let file = File::from(file);
        let unlocked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if file.metadata()?.is_file() && unlocked {
            run(OsStr::from_bytes(name.to_bytes()));
        }
    }
    Ok(())
}

/// Renames a file over another one.
pub(super) fn rename_over(from: NameIn<'_>, to: NameIn<'_>) -> io::Result<()> {
    Ok(rustix::fs::renameat(from.0, from.1, to.0, to.1)?)
}

/// Renames a file to a name that must be free; otherwise the error is `EEXIST`.
pub(super) fn rename_new(from: NameIn<'_>, to: NameIn<'_>) -> io::Result<()> {
    match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
        // NFS and many FUSE file systems do not support RENAME_NOREPLACE. A hard link under the new
        // name has the same effect.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
        renamed => Ok(renamed?),
    }
}

fn link_new(from: NameIn<'_>, to: NameIn<'_>) -> io::Result<()> {
    match rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
        // Some of these file systems have no hard links either.
        Err(Errno::PERM | Errno::NOSYS | Errno::NOTSUP | Errno::MLINK) => take_name(from, to),
        linked => {
            linked?;
            remove(from.0, from.1)
        }
    }
}

/// Takes the name by creating an empty file, and renames over that file. If the process is killed
/// in between, the empty file stays.
fn take_name(from: NameIn<'_>, to: NameIn<'_>) -> io::Result<()> {
    create(to.0, to.1, 0o600)?.ok_or(Errno::EXIST)?;
    rename_over(from, to).inspect_err(|_| {
        // The empty file is not needed any more.
        let _ = remove(to.0, to.1);
    })
}

/// Syncs a folder to the disk. If the file system cannot do this, the folder counts as synced.
pub(super) fn sync_folder(folder: BorrowedFd<'_>) -> io::Result<()> {
    // The caller may have opened the folder with `O_PATH`, and such a descriptor cannot be synced.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(folder, ".", flags, Mode::empty())?;
    match rustix::fs::fsync(&folder) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => Ok(synced?),
    }
}

/// Sets the time of the last modification of a file.
pub(super) fn set_modified(file: &File, modified: SystemTime) -> io::Result<()> {
    let timespec = match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => Timespec {
            tv_sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: since.subsec_nanos().into(),
        },
        Err(before) => {
            // In a timespec before 1970, the nanoseconds count forward from the (negative) second.
            let (seconds, nanos) = (before.duration().as_secs(), before.duration().subsec_nanos());
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            match nanos {
                0 => Timespec { tv_sec: -seconds, tv_nsec: 0 },
                nanos => Timespec { tv_sec: -seconds - 1, tv_nsec: (1_000_000_000 - nanos).into() },
            }
        }
    };
    let omitted = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let times = Timestamps { last_access: omitted, last_modification: timespec };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// Gives the new file the owner, group, extended attributes, access list and mode of the old one.
/// The new file has the mode 0600 when this is called. The order of the calls keeps its permissions
/// from ever being wider than those of the old file.
pub(super) fn keep_attributes(old: &File, new: &File) -> io::Result<()> {
    let (old_metadata, new_metadata) = (old.metadata()?, new.metadata()?);
    let owner = |metadata: &Metadata| (metadata.uid(), metadata.gid());
    if owner(&old_metadata) != owner(&new_metadata) {
        let (uid, gid) = owner(&old_metadata);
        rustix::fs::fchown(new, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    let names = attribute_names(old)?;
    // The folder may have given the new file its default access list. The mode 0600 masks that
    // list; a wider mode would give access to everybody in it. So it is removed first.
    for name in attribute_names(new)?.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let is_kept = names.split(|byte| *byte == 0).any(|kept| kept == name);
        if !is_kept && !name.starts_with(SECURITY_PREFIX) {
            rustix::fs::fremovexattr(new, name)?;
        }
    }
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if let Err(error) = copy_attribute(old, new, name)
            && !name.starts_with(SECURITY_PREFIX)
        {
            return Err(error.into());
        }
    }
    // The mode is set last, because setting the owner or an access list changes it.
    Ok(rustix::fs::fchmod(new, mode(old_metadata.mode()))?)
}

/// Sets the permissions of a new file. If the folder gave it an access list, that list decides, and
/// nothing is set.
pub(super) fn permit(new: &File, permissions: u32) -> io::Result<()> {
    let names = attribute_names(new)?;
    match names.split(|byte| *byte == 0).any(|name| name == ACCESS_LIST) {
        true => Ok(()),
        false => Ok(rustix::fs::fchmod(new, mode(permissions))?),
    }
}

/// The names of the extended attributes of a file, each with a NUL at its end.
fn attribute_names(file: impl AsFd) -> io::Result<Vec<u8>> {
    let mut names = vec![0; ATTRIBUTE_BYTES_MAX];
    let len = match rustix::fs::flistxattr(file, names.as_mut_slice()) {
        Err(Errno::OPNOTSUPP) => 0,
        len => len?,
    };
    names.truncate(len);
    Ok(names)
}

fn copy_attribute(old: &File, new: &File, name: &[u8]) -> Result<(), Errno> {
    let mut value = vec![0; ATTRIBUTE_BYTES_MAX];
    let len = rustix::fs::fgetxattr(old, name, value.as_mut_slice())?;
    value.truncate(len);
    rustix::fs::fsetxattr(new, name, &value, XattrFlags::empty())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::io;

    use super::{AsFolder as _, NameIn, link_new, open_folder, rename_new, take_name};

    type Rename = fn(NameIn<'_>, NameIn<'_>) -> io::Result<()>;

    /// Each way to do it, whichever the file system has.
    #[test]
    fn a_file_gets_a_name_only_if_it_is_free() {
        for rename in [rename_new, link_new, take_name] as [Rename; 3] {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            for name in ["from", "to"] {
                fs::create_dir(at(name)).unwrap();
            }
            let (from, to) = (open_folder(&at("from")).unwrap(), open_folder(&at("to")).unwrap());
            let (name, free) = (OsStr::new("a"), OsStr::new("b"));
            let run = || rename((from.as_folder(), name), (to.as_folder(), free));
            fs::write(at("from/a"), "first").unwrap();
            run().unwrap();
            fs::write(at("from/a"), "second").unwrap();
            assert_eq!(run().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(at("from/a")).unwrap(), "second");
            assert_eq!(fs::read_to_string(at("to/b")).unwrap(), "first");
        }
    }
}
