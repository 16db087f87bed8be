//! Whether the process of a mount still answers, and how a mount is taken off if it does not.

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
use super::table::{self, MountEntry};

/// Whether the process that serves a mount answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerState {
    /// It answers.
    Alive,
    /// The kernel knows that nobody serves it any more.
    Dead,
    /// The process that served it was killed while it was in a call that waits for an answer of
    /// that process itself. So the kernel cannot end the process, and all who use the mount wait
    /// for ever.
    Stuck,
    /// It has not answered in time.
    Silent,
}

/// How long a mount may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long to wait for a mount before looking at its process.
const ANSWER_SOON: Duration = Duration::from_secs(2);

/// Asks a mount whether it answers. If there is no answer soon, its process is looked at, and then
/// there is more time to answer.
pub(super) fn state(mount: &MountEntry) -> io::Result<AnswerState> {
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

/// Asks several mounts whether they answer, all at the same time. They have only the short time to
/// answer, so none is found to be [`AnswerState::Stuck`].
pub(super) fn states(mounts: &[MountEntry]) -> io::Result<Vec<AnswerState>> {
    let deadline = Instant::now() + ANSWER_SOON;
    let questions: Vec<_> = mounts.iter().map(Question::ask).collect::<Result<_, _>>()?;
    let answer = |question: &Question| question.answer(deadline).unwrap_or(AnswerState::Silent);
    Ok(questions.iter().map(answer).collect())
}

/// A mount that was asked whether it lives.
struct Question(mpsc::Receiver<rustix::io::Result<()>>);

impl Question {
    /// Asks for the figures of the file system: the kernel caches attributes and entries, but asks
    /// for these each time. The thread may wait for ever.
    fn ask(mount: &MountEntry) -> io::Result<Self> {
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

/// Takes the mount at a path off, but only if it is dead: since it was found dead, another process
/// may have taken it off and mounted something there again.
pub(super) fn take_off_dead(mount_point: &Path) -> io::Result<()> {
    // With `O_PATH` the file system is not asked, and the descriptor stays on this one mount.
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
        // The helper for ordinary users takes only a path, no descriptor.
        Err(Errno::PERM) => table::unmount_by_helper(mount_point, true),
        Err(error) => Err(error.into()),
    }
}

/// Unmounts a mount that is [`AnswerState::Stuck`], so that its users need not wait any longer.
pub(super) fn release(mount: &MountEntry) -> io::Result<()> {
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
