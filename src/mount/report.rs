//! What is told of a session that was closed: to who waits in the foreground, and, through a file,
//! to who unmounts.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::imsg::{CloseReport, SaveOutcome};

/// Logs what was saved, and gives a line for each message that was not.
pub(super) fn failures(report: &CloseReport) -> Option<String> {
    let mut text = String::new();
    for save in &report.saves {
        let name = &save.name;
        // Writing to a String cannot fail.
        let _ = match &save.outcome {
            SaveOutcome::Saved => {
                tracing::info!("{name}: saved");
                continue;
            }
            SaveOutcome::Kept { cause, path } => {
                writeln!(text, "{name}: not saved: {cause}; its edits are in {}", path.display())
            }
            SaveOutcome::Lost { cause } => {
                writeln!(text, "{name}: not saved, its edits are lost: {cause}")
            }
        };
    }
    let text = text.trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Where a process leaves the report for who unmounts.
pub(super) fn path(state_folder: &Path, process: u32) -> PathBuf {
    state_folder.join("reports").join(process.to_string())
}

/// Leaves the report of this process.
pub(super) fn leave(state_folder: &Path, text: &str) {
    let path = path(state_folder, std::process::id());
    let folder = path.parent().unwrap_or(Path::new("/"));
    let left = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    if let Err(error) = left {
        tracing::error!("the report cannot be left in {}: {error}", path.display());
    }
}

/// Removes the report of an earlier process of the same number, which nobody has asked for.
pub(super) fn forget(state_folder: &Path) {
    // There hardly ever is one.
    let _ = std::fs::remove_file(path(state_folder, std::process::id()));
}

/// The process that serves a mount that is written to, and the report it will leave.
pub(super) struct Server {
    process: Pid,
    report: PathBuf,
}

impl Server {
    /// Asks the mount at a path; `None` if it is only read, or does not answer.
    pub(super) fn of(mount_point: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(mount_point.join(".msgfs/session")).ok()?;
        let value =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        let number: u32 = value("process")?.parse().ok()?;
        let state_folder = Path::new(value("state_folder")?);
        let process = Pid::from_raw(number.try_into().ok()?)?;
        Some(Self { process, report: path(state_folder, number) })
    }

    /// Has the process unmount, in use or not, and close its session.
    pub(super) fn terminate(&self) -> io::Result<()> {
        Ok(rustix::process::kill_process(self.process, Signal::TERM)?)
    }

    /// Waits for the end of the process, once `unmount` has been called; gives its report.
    pub(super) fn wait(
        self,
        unmount: impl FnOnce(&Self) -> io::Result<()>,
    ) -> io::Result<Option<String>> {
        let descriptor = rustix::process::pidfd_open(self.process, PidfdFlags::empty());
        unmount(&self)?;
        // Another user's process, or an older kernel: nothing can be told.
        let Ok(descriptor) = descriptor else { return Ok(None) };
        let mut polled = [PollFd::new(&descriptor, PollFlags::IN)];
        while let Err(error) = rustix::event::poll(&mut polled, None) {
            if error != rustix::io::Errno::INTR {
                return Err(error.into());
            }
        }
        match std::fs::read_to_string(&self.report) {
            Ok(text) => {
                // Whoever has read it needs it no longer.
                let _ = std::fs::remove_file(&self.report);
                Ok(Some(text))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
