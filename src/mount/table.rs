//! Reads the mount table of this process, and unmounts.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

/// The file system type of our mounts in the table.
const FILE_SYSTEM_TYPE: &[u8] = b"fuse.msgfs";

/// A msgfs mount, as the kernel describes it.
#[derive(Debug)]
pub(super) struct MountEntry {
    pub(super) path: PathBuf,
    /// The source as the one who mounted it has named it: a canonical path, unless `-o fsname=` says
    /// something else.
    pub(super) source: PathBuf,
    pub(super) device: Device,
    /// Who mounted it. The kernel says so itself: neither the file system nor the helper for
    /// ordinary users can change it.
    pub(super) owner: u32,
    pub(super) is_writable: bool,
}

/// The number of a mounted file system, as in mountinfo (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    major: u32,
    pub(super) minor: u32,
}

/// What is said of a mount in the table.
#[derive(Debug)]
struct MountLine<'a> {
    device: Device,
    path: PathBuf,
    file_system_type: &'a [u8],
    source: PathBuf,
    options: &'a [u8],
}

impl Device {
    /// The device of a file (`st_dev`).
    pub(super) fn of(number: u64) -> Self {
        Self { major: rustix::fs::major(number), minor: rustix::fs::minor(number) }
    }

    /// The number as mountinfo writes it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once(':')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// The topmost mount at exactly this path, if it is one of ours, dead or alive.
pub(super) fn find(mount_point: &Path) -> io::Result<Option<MountEntry>> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    // The last mount at a path is the one that is seen there.
    let mut lines = table.split(|byte| *byte == b'\n').rev().filter_map(parse_line);
    let topmost = lines.find(|line| line.path == mount_point);
    Ok(topmost.filter(|line| line.file_system_type == FILE_SYSTEM_TYPE).map(MountEntry::from))
}

/// All mounts of ours that are seen, dead or alive.
pub(super) fn all() -> io::Result<Vec<MountEntry>> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    let mut seen = HashSet::new();
    // The last mount at a path is the one that is seen there.
    let lines = table.split(|byte| *byte == b'\n').rev().filter_map(parse_line);
    let topmost = lines.filter(|line| seen.insert(line.path.clone()));
    Ok(topmost
        .filter(|line| line.file_system_type == FILE_SYSTEM_TYPE)
        .map(MountEntry::from)
        .collect())
}

/// Whether the topmost mount at exactly this path is one of ours, dead or alive.
pub(super) fn is_ours(mount_point: &Path) -> io::Result<bool> {
    Ok(find(mount_point)?.is_some())
}

/// Whether the file system of a device is what is seen at a path.
pub(super) fn is_topmost(mount_point: &Path, device: Device) -> io::Result<bool> {
    Ok(find(mount_point)?.is_some_and(|mount| mount.device == device))
}

/// Whether something is mounted below a path.
pub(super) fn has_below(mount_point: &Path) -> io::Result<bool> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    let mut lines = table.split(|byte| *byte == b'\n').filter_map(parse_line);
    Ok(lines.any(|line| line.path != mount_point && line.path.starts_with(mount_point)))
}

/// The absolute path of a mount point. A dead msgfs mount does not answer, so only the parent of
/// its mount point is asked.
pub(super) fn absolute(mount_point: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(mount_point)?;
    let by_parent = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
        _ => Ok(path),
    };
    match by_parent {
        Ok(path) if is_ours(&path)? => Ok(path),
        by_parent => mount_point.canonicalize().or(by_parent),
    }
}

/// Takes a mount out of the table; with `lazy` also one that is in use.
pub(super) fn unmount(mount_point: &Path, lazy: bool) -> io::Result<()> {
    let flags = if lazy { UnmountFlags::DETACH } else { UnmountFlags::empty() };
    match rustix::mount::unmount(mount_point, flags) {
        // Ordinary users may unmount through the helper that mounted for them.
        Err(Errno::PERM) => unmount_by_helper(mount_point, lazy),
        outcome => Ok(outcome?),
    }
}

pub(super) fn unmount_by_helper(mount_point: &Path, lazy: bool) -> io::Result<()> {
    for helper in ["fusermount3", "fusermount"] {
        let mut command = Command::new(helper);
        command.arg("-u").args(lazy.then_some("-z")).arg("--").arg(mount_point);
        match command.stdin(Stdio::null()).stdout(Stdio::null()).output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let busy = text.contains("busy");
                let kind = if busy { io::ErrorKind::ResourceBusy } else { io::ErrorKind::Other };
                return Err(io::Error::new(kind, text.trim().to_owned()));
            }
        }
    }
    let cause = "only root may unmount without the helper fusermount3 (package fuse3)";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, cause))
}

impl From<MountLine<'_>> for MountEntry {
    fn from(line: MountLine<'_>) -> Self {
        let mut options = line.options.split(|byte| *byte == b',');
        let owner = options.clone().find_map(|option| option.strip_prefix(b"user_id="));
        let owner = owner.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        Self {
            path: line.path,
            source: line.source,
            device: line.device,
            // A number that nobody has.
            owner: owner.unwrap_or(u32::MAX),
            is_writable: options.any(|option| option == b"rw"),
        }
    }
}

/// A line of mountinfo (proc(5)): fields with blanks between; behind a lone `-` the type, the
/// source and the options of the file system itself.
fn parse_line(line: &[u8]) -> Option<MountLine<'_>> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = Device::parse(std::str::from_utf8(fields.nth(2)?).ok()?)?;
    let path = unescape(fields.nth(1)?).into();
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let file_system_type = fields.next()?;
    let source = unescape(fields.next()?).into();
    Some(MountLine { device, path, file_system_type, source, options: fields.next()? })
}

/// Blanks, tabs, newlines and backslashes stand as a backslash and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, behind)) = rest.split_first() {
        let octal = behind.get(..3).filter(|_| *first == b'\\');
        let code = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MountEntry, parse_line};

    #[test]
    fn lines_of_mountinfo() {
        let line = br"42 28 0:39 / /mnt/my\040mail ro,nosuid shared:2 master:1 - fuse.msgfs /a rw,user_id=7,group_id=8";
        let line = parse_line(line).unwrap();
        assert_eq!(line.file_system_type, b"fuse.msgfs");
        let mount = MountEntry::from(line);
        assert_eq!(mount.path, Path::new("/mnt/my mail"));
        assert_eq!(mount.source, Path::new("/a"));
        assert_eq!(mount.device.to_string(), "0:39");
        assert_eq!((mount.owner, mount.is_writable), (7, true));
        assert!(parse_line(b"").is_none());
        assert!(parse_line(b"42 28 0:39 / /mnt ro").is_none());
    }
}
