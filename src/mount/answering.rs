//! Whether anybody answers for a mount, and what is done where nobody will.

use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use super::server::Server;
use super::table::{self, Mount};

/// How a mount of ours answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerState {
    /// It answers.
    Alive,
    /// The kernel knows that nobody serves it any more.
    Dead,
    /// The process that served it was killed while the kernel waited, on its behalf, for one of
    /// its answers: it keeps the process, and all who use the mount wait for ever.
    Stuck,
    /// It has not answered in time.
    Silent,
}

/// How long a mount may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long to wait for a mount before looking at its process.
const ANSWER_SOON: Duration = Duration::from_secs(2);

/// Whether anybody answers for a mount.
pub(super) fn state(mount: &Mount) -> io::Result<AnswerState> {
    let question = Question::ask(mount)?;
    Ok(question.answer(Instant::now() + ANSWER_SOON).unwrap_or_else(|| {
        match Server::find(mount).is_some_and(|server| server.is_killed()) {
            true => AnswerState::Stuck,
            false => question
                .answer(Instant::now() + (ANSWER_MAX - ANSWER_SOON))
                .unwrap_or(AnswerState::Silent),
        }
    }))
}

/// Whether anybody answers for each of several mounts. All are asked at the same time and have the
/// short time to answer, so none is found to be [`AnswerState::Stuck`].
pub(super) fn states(mounts: &[Mount]) -> io::Result<Vec<AnswerState>> {
    let deadline = Instant::now() + ANSWER_SOON;
    let questions: Vec<_> = mounts.iter().map(Question::ask).collect::<Result<_, _>>()?;
    let answer = |question: &Question| question.answer(deadline).unwrap_or(AnswerState::Silent);
    Ok(questions.iter().map(answer).collect())
}

/// A mount that was asked whether it lives.
struct Question(mpsc::Receiver<rustix::io::Result<()>>);

impl Question {
    /// Asks for the figures of the file system: the kernel keeps attributes and entries for a
    /// while, but asks for these each time. The thread waits as long as the kernel lets it.
    fn ask(mount: &Mount) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let path = mount.path.clone();
        thread::Builder::new().spawn(move || {
            // The receiver is gone if the answer comes too late.
            let _ = sender.send(rustix::fs::statfs(&path).map(drop));
        })?;
        Ok(Self(receiver))
    }

    /// What it answered; `None` if it did not before the deadline.
    fn answer(&self, deadline: Instant) -> Option<AnswerState> {
        let answer = self.0.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        answer.ok().map(|answer| match answer {
            // ECONNABORTED: the server died while the question waited for it.
            Err(Errno::NOTCONN | Errno::CONNABORTED) => AnswerState::Dead,
            _ => AnswerState::Alive,
        })
    }
}

/// Unmounts, lazily if the mount is in use.
pub(super) fn detach(mount_point: &Path) -> io::Result<()> {
    match table::unmount(mount_point, false) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            table::unmount(mount_point, true)
        }
        outcome => outcome,
    }
}

/// Takes the mount at a path off if it is dead, and no other one: by the time that somebody has
/// found it dead, others may have taken it off and mounted again there.
pub(super) fn take_off_dead(mount_point: &Path) -> io::Result<()> {
    // Opening it so does not ask the file system, and the descriptor stays on this one mount.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = match rustix::fs::open(mount_point, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    if !matches!(rustix::fs::fstatfs(&root), Err(Errno::NOTCONN | Errno::CONNABORTED)) {
        return Ok(());
    }
    let path = format!("/proc/self/fd/{}", root.as_raw_fd());
    match rustix::mount::unmount(&path, UnmountFlags::DETACH) {
        // Somebody else has taken it off.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        // The helper for ordinary users knows paths only.
        Err(Errno::PERM) => table::unmount_by_helper(mount_point, true),
        Err(error) => Err(error.into()),
    }
}

/// Unmounts a mount whose killed process the kernel keeps, and so ends the waiting of its users.
pub(super) fn release(mount: &Mount) -> io::Result<()> {
    // The user who mounted may abort the connection, if the fusectl file system is mounted.
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
