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

/// The file system type of our mounts in the table.
const FILE_SYSTEM_TYPE: &str = "fuse.msgfs";

/// Whether the topmost mount at exactly this path is one of ours, dead or alive.
pub(super) fn is_ours(mount_point: &Path) -> io::Result<bool> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    // The last mount at a path is the one that is seen there.
    let topmost = table.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let (path, file_system_type) = parse_line(line)?;
        (path == mount_point).then_some(file_system_type)
    });
    Ok(topmost.is_some_and(|kind| kind == FILE_SYSTEM_TYPE))
}

/// How long a mount may take to give its figures.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Whether nobody answers for the mount at a path any more. The kernel keeps attributes and
/// entries for a while, but asks for these figures each time.
///
/// A process that was killed while it told the kernel of a change may be kept by it, and its mount
/// then neither answers nor is dead: that is an error.
pub(super) fn is_dead(mount_point: &Path) -> io::Result<bool> {
    let (sender, receiver) = mpsc::channel();
    let path = mount_point.to_owned();
    thread::Builder::new().spawn(move || {
        // Nobody waits for an answer that comes too late.
        let _ = sender.send(rustix::fs::statfs(&path).map(drop));
    })?;
    match receiver.recv_timeout(ANSWER_MAX) {
        Ok(answer) => Ok(answer == Err(Errno::NOTCONN)),
        Err(_) => {
            let cause = "a msgfs there does not answer; take it off with 'umount -f -l'";
            Err(io::Error::new(io::ErrorKind::TimedOut, cause))
        }
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

/// The mount point and the type in a line of mountinfo (proc(5)): fields with blanks between,
/// the type behind a lone `-`.
fn parse_line(line: &[u8]) -> Option<(PathBuf, OsString)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mount_point = unescape(fields.nth(4)?);
    let file_system_type = fields.skip_while(|field| *field != b"-").nth(1)?;
    Some((mount_point.into(), OsStr::from_bytes(file_system_type).to_owned()))
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
        let (path, kind) = parse_line(line).unwrap();
        assert_eq!(
            (path.as_path(), kind.to_str()),
            (Path::new("/mnt/my mail"), Some("fuse.msgfs"))
        );
        assert_eq!(parse_line(b""), None);
        assert_eq!(parse_line(b"42 28 0:39 / /mnt ro"), None);
    }
}
