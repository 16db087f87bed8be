//! The mounts inside the source. inotify says nothing of them: a mount covers a folder with
//! another one, and an unmount brings the first one back.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use outlook_msg::sync::lock;

/// The table of mounts. poll(2) reports `POLLPRI` for it when something is mounted or unmounted
/// anywhere.
#[derive(Debug)]
pub(super) struct MountTable {
    file: File,
    /// The mounts inside the source when they were last looked at.
    inside: Mutex<Option<Vec<MountedPath>>>,
}

/// A mount: its number, which is unique, and the path that it covers.
type MountedPath = (u64, PathBuf);

impl MountTable {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { file: File::open("/proc/self/mountinfo")?, inside: Mutex::default() })
    }

    /// Whether something was mounted or unmounted inside a folder since the last call. True also
    /// where that cannot be found out, and at the first call.
    ///
    /// On a machine that runs containers, mounts come and go elsewhere all the time.
    pub(super) fn has_changed_in(&self, folder: &File) -> bool {
        let now = mounts_in(folder).ok();
        let mut known = lock(&self.inside);
        let is_same = now.is_some() && *known == now;
        *known = now;
        !is_same
    }
}

impl AsFd for MountTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The mounts inside a folder, wherever it has been moved.
fn mounts_in(folder: &File) -> io::Result<Vec<MountedPath>> {
    let folder = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    if !folder.is_absolute() {
        return Err(io::Error::other("the folder cannot be reached by a path"));
    }
    let table = std::fs::read("/proc/self/mountinfo")?;
    let mounts = table.split(|byte| *byte == b'\n').filter_map(mounted_path);
    Ok(mounts.filter(|(_, path)| path.starts_with(&folder)).collect())
}

/// The number and the path of a mount in a line of `/proc/self/mountinfo` (see proc(5)):
/// `36 35 98:0 /mnt1 /mnt2 …`.
fn mounted_path(line: &[u8]) -> Option<MountedPath> {
    let mut fields = line.split(|byte| *byte == b' ');
    let number = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    Some((number, unescaped(fields.nth(3)?)))
}

/// A path of the table, in which blanks, line ends and backslashes stand as three octal digits.
fn unescaped(path: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, behind)) = rest.split_first() {
        let octal = behind.get(..3).filter(|_| *byte == b'\\');
        let escaped = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(escaped) => {
                plain.push(escaped);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(*byte);
                rest = behind;
            }
        }
    }
    Path::new(OsStr::from_bytes(&plain)).to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::{MountTable, mounted_path, mounts_in};

    #[test]
    fn a_line_tells_number_and_path() {
        let line = br"4153 30 0:82 / /srv/a\040b\134c rw,nosuid - fuse.x x rw";
        assert_eq!(mounted_path(line), Some((4153, Path::new(r"/srv/a b\c").to_owned())));
        assert_eq!(mounted_path(b""), None);
        assert_eq!(mounted_path(b"no number here / /srv"), None);
    }

    #[test]
    fn mounts_elsewhere_are_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        let inside = File::open(folder.path()).unwrap();
        assert_eq!(mounts_in(&inside).unwrap(), []);
        assert!(!mounts_in(&File::open("/").unwrap()).unwrap().is_empty());
        let table = MountTable::open().unwrap();
        assert!(table.has_changed_in(&inside));
        assert!(!table.has_changed_in(&inside));
    }
}
