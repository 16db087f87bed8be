//! The mount table of this process, and leaving it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use super::record::{self, Device};

/// The file system type of our mounts in the table.
const FILE_SYSTEM_TYPE: &str = "fuse.msgfs";

/// What is said of a mount in the table.
#[derive(Debug)]
struct Line {
    device: Device,
    path: PathBuf,
    file_system_type: OsString,
}

/// Whether the topmost mount at exactly this path is one of ours, dead or alive.
pub(super) fn is_ours(mount_point: &Path) -> io::Result<bool> {
    Ok(device(mount_point)?.is_some())
}

/// Whether something is mounted below a path.
pub(super) fn has_below(mount_point: &Path) -> io::Result<bool> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    let mut lines = table.split(|byte| *byte == b'\n').filter_map(parse_line);
    Ok(lines.any(|line| line.path != mount_point && line.path.starts_with(mount_point)))
}

/// How a mount of ours answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It does.
    Alive,
    /// The kernel knows that nobody serves it any more.
    Dead,
    /// The process that served it was killed while the kernel waited, on its behalf, for one of
    /// its answers: it keeps the process, and all who use the mount wait for ever.
    Stuck,
    /// Not in time.
    Silent,
}

/// How long a mount is waited for before its process is looked at.
const ANSWER_SOON: Duration = Duration::from_secs(2);

/// Whether anybody answers for the mount at a path. The kernel keeps attributes and entries for a
/// while, but asks for the figures of a file system each time.
pub(super) fn state(mount_point: &Path, at_most: Duration) -> io::Result<State> {
    let (sender, receiver) = mpsc::channel();
    let path = mount_point.to_owned();
    thread::Builder::new().spawn(move || {
        // Nobody waits for an answer that comes too late.
        let _ = sender.send(rustix::fs::statfs(&path).map(drop));
    })?;
    let soon = ANSWER_SOON.min(at_most);
    let answer = receiver.recv_timeout(soon).or_else(|_| {
        let is_gone = device(mount_point).ok().flatten().is_some_and(record::is_gone);
        match is_gone {
            true => Err(State::Stuck),
            false => receiver.recv_timeout(at_most - soon).map_err(|_| State::Silent),
        }
    });
    Ok(match answer {
        Ok(Err(Errno::NOTCONN)) => State::Dead,
        Ok(_) => State::Alive,
        Err(state) => state,
    })
}

/// Takes a mount out of the table whose process the kernel keeps, and ends the waiting for it.
pub(super) fn release(mount_point: &Path) -> io::Result<()> {
    // Those who mounted may end the connection, where its control files are mounted.
    let abort = |device: Device| {
        let file = format!("/sys/fs/fuse/connections/{}/abort", device.minor);
        std::fs::write(file, "1").is_ok()
    };
    let is_aborted = device(mount_point)?.is_some_and(abort);
    match rustix::mount::unmount(mount_point, UnmountFlags::FORCE | UnmountFlags::DETACH) {
        Err(Errno::PERM) if is_aborted => unmount_by_helper(mount_point, true),
        Err(Errno::PERM) => {
            let cause = format!(
                "its process was killed, but the kernel keeps it; take the mount off as root, \
                 with 'umount -f -l {}'",
                mount_point.display()
            );
            Err(io::Error::new(io::ErrorKind::PermissionDenied, cause))
        }
        outcome => Ok(outcome?),
    }
}

/// The absolute path of a mount point. One of ours may not answer any more: only its parent is
/// asked.
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

fn unmount_by_helper(mount_point: &Path, lazy: bool) -> io::Result<()> {
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

/// The device of the topmost mount at exactly this path, if it is one of ours.
fn device(mount_point: &Path) -> io::Result<Option<Device>> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    // The last mount at a path is the one that is seen there.
    let mut lines = table.split(|byte| *byte == b'\n').rev().filter_map(parse_line);
    let topmost = lines.find(|line| line.path == mount_point);
    Ok(topmost.filter(|line| line.file_system_type == FILE_SYSTEM_TYPE).map(|line| line.device))
}

/// A line of mountinfo (proc(5)): fields with blanks between, the type behind a lone `-`.
fn parse_line(line: &[u8]) -> Option<Line> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = Device::parse(std::str::from_utf8(fields.nth(2)?).ok()?)?;
    let path = unescape(fields.nth(1)?).into();
    let file_system_type = fields.skip_while(|field| *field != b"-").nth(1)?;
    Some(Line { device, path, file_system_type: OsStr::from_bytes(file_system_type).to_owned() })
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

    use super::parse_line;

    #[test]
    fn lines_of_mountinfo() {
        let line = br"42 28 0:39 / /mnt/my\040mail ro,nosuid shared:2 master:1 - fuse.msgfs /a ro";
        let line = parse_line(line).unwrap();
        assert_eq!(line.path, Path::new("/mnt/my mail"));
        assert_eq!(line.file_system_type, "fuse.msgfs");
        assert_eq!(line.device.to_string(), "0:39");
        assert!(parse_line(b"").is_none());
        assert!(parse_line(b"42 28 0:39 / /mnt ro").is_none());
    }
}
