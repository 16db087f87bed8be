//! Which process serves a mount: kept for those who find a mount that does not answer, since the
//! kernel does not tell.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The record of a mount of this process. Dropping it takes it away.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    server: String,
}

/// The number of a mounted file system, as in mountinfo (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl Device {
    /// The number as stat(2) gives it.
    pub(super) fn new(device: u64) -> Self {
        Self { major: rustix::fs::major(device), minor: rustix::fs::minor(device) }
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

impl Record {
    /// Records that this process serves a mount.
    ///
    /// # Errors
    /// If there is no place for it.
    pub(super) fn keep(device: Device) -> io::Result<Self> {
        let pid = std::process::id();
        let (_, start) = process(pid)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no /proc of this process"))?;
        let folder = folder();
        DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
        let record =
            Self { path: folder.join(device.to_string()), server: format!("{pid} {start}\n") };
        fs::write(&record.path, &record.server)?;
        Ok(record)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // The number may be another mount's by now.
        if fs::read_to_string(&self.path).is_ok_and(|server| server == self.server) {
            // Left behind it says no more than that this process is gone.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the process that serves a mount has ended, though the kernel may keep it; false if
/// that is not known.
pub(super) fn is_gone(device: Device) -> bool {
    is_gone_in(&folder(), device)
}

fn is_gone_in(folder: &Path, device: Device) -> bool {
    let server = fs::read_to_string(folder.join(device.to_string())).unwrap_or_default();
    let known = server.trim_end().split_once(' ');
    let numbers = |(pid, start): (&str, &str)| -> Option<(u32, u64)> {
        Some((pid.parse().ok()?, start.parse().ok()?))
    };
    let Some((pid, start)) = known.and_then(numbers) else { return false };
    match process(pid) {
        Some((state, since)) => since != start || matches!(state, 'Z' | 'X'),
        None => !Path::new("/proc").join(pid.to_string()).exists(),
    }
}

/// Where this user's services keep what ends with them.
fn folder() -> PathBuf {
    match rustix::process::geteuid() {
        uid if uid.is_root() => PathBuf::from("/run/msgfs"),
        uid => PathBuf::from(format!("/run/user/{}/msgfs", uid.as_raw())),
    }
}

/// The state of a process and its start, in ticks after the start of the system: no two processes
/// of one number have the same (proc_pid_stat(5)).
fn process(pid: u32) -> Option<(char, u64)> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name before it may have blanks and parentheses itself.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{Device, is_gone_in, process};

    #[test]
    fn a_process_that_was_not_waited_for_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let device = Device::parse("0:39").unwrap();
        assert!(!is_gone_in(folder.path(), device));
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let (_, start) = process(child.id()).unwrap();
        let keep = |start: u64| {
            let server = format!("{} {start}\n", child.id());
            std::fs::write(folder.path().join("0:39"), server).unwrap();
        };
        keep(start + 1);
        assert!(is_gone_in(folder.path(), device));
        keep(start);
        assert!(!is_gone_in(folder.path(), device));
        drop(child.stdin.take());
        let end = Instant::now() + Duration::from_secs(20);
        while !is_gone_in(folder.path(), device) {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
        assert_eq!(process(child.id()).unwrap().0, 'Z');
        child.wait().unwrap();
        assert!(is_gone_in(folder.path(), device));
    }
}
