//! Whether anybody answers for a mount, and what is done where nobody will.

use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use super::server::Server;
use super::table::{self, Mount};

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

/// How long a mount may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long a mount is waited for before its process is looked at.
const ANSWER_SOON: Duration = Duration::from_secs(2);

/// Whether anybody answers for a mount. The kernel keeps attributes and entries for a while, but
/// asks for the figures of a file system each time.
pub(super) fn state(mount: &Mount) -> io::Result<State> {
    let (sender, receiver) = mpsc::channel();
    let path = mount.path.clone();
    thread::Builder::new().spawn(move || {
        // Nobody waits for an answer that comes too late.
        let _ = sender.send(rustix::fs::statfs(&path).map(drop));
    })?;
    let answer = receiver.recv_timeout(ANSWER_SOON).or_else(|_| {
        match Server::find(mount).is_some_and(|server| server.is_killed()) {
            true => Err(State::Stuck),
            false => receiver.recv_timeout(ANSWER_MAX - ANSWER_SOON).map_err(|_| State::Silent),
        }
    });
    Ok(match answer {
        Ok(Err(Errno::NOTCONN)) => State::Dead,
        Ok(_) => State::Alive,
        Err(state) => state,
    })
}

/// Takes a mount out of the table, lazily if it is in use.
pub(super) fn detach(mount_point: &Path) -> io::Result<()> {
    match table::unmount(mount_point, false) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            table::unmount(mount_point, true)
        }
        outcome => outcome,
    }
}

/// Takes a mount out of the table whose process the kernel keeps, and ends the waiting for it.
pub(super) fn release(mount: &Mount) -> io::Result<()> {
    // Those who mounted may end the connection, where its control files are mounted.
    let abort = format!("/sys/fs/fuse/connections/{}/abort", mount.device.minor);
    let is_aborted = std::fs::write(abort, "1").is_ok();
    match rustix::mount::unmount(&mount.path, UnmountFlags::FORCE | UnmountFlags::DETACH) {
        Err(Errno::PERM) if is_aborted => table::unmount_by_helper(&mount.path, true),
        Err(Errno::PERM) => {
            let cause = format!(
                "its process was killed, but the kernel keeps it; take the mount off as root, \
                 with 'umount -f -l {}'",
                mount.path.display()
            );
            Err(io::Error::new(io::ErrorKind::PermissionDenied, cause))
        }
        outcome => Ok(outcome?),
    }
}
