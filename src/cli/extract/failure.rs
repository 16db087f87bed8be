//! The failure after which a target takes nothing more, such as a full disk. Each further file would
//! fail in the same way, so the run ends at the first one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

/// The first such failure of a run.
#[derive(Debug, Default)]
pub(super) struct FirstFailure(OnceLock<TargetFailure>);

/// What could not be written, and why.
#[derive(Debug)]
pub(super) struct TargetFailure {
    /// In the target.
    pub(super) path: PathBuf,
    cause: String,
    remedy: &'static str,
}

impl FirstFailure {
    /// Notes an error, and ends the run, if it is one after which the target takes nothing more.
    /// Returns whether it is.
    pub(super) fn note(&self, path: &Path, error: &io::Error, stop: &AtomicBool) -> bool {
        let remedy = remedy(error);
        if let Some(remedy) = remedy {
            self.end(path, error, remedy, stop);
        }
        remedy.is_some()
    }

    /// Notes an error of a file without which the run is in vain, and ends the run.
    pub(super) fn note_any(&self, path: &Path, error: &io::Error, stop: &AtomicBool) {
        self.end(path, error, remedy(error).unwrap_or("choose another target"), stop);
    }

    fn end(&self, path: &Path, error: &io::Error, remedy: &'static str, stop: &AtomicBool) {
        let (path, cause) = (path.to_owned(), error.to_string());
        let _ = self.0.set(TargetFailure { path, cause, remedy });
        stop.store(true, Ordering::Relaxed);
    }

    /// The failure, if there was one.
    pub(super) fn get(&self) -> Option<&TargetFailure> {
        self.0.get()
    }
}

impl TargetFailure {
    /// Cause and remedy.
    pub(super) fn text(&self) -> String {
        format!("{}; {}", self.cause, self.remedy)
    }
}

/// What the user can do, if each further file would fail in the same way.
fn remedy(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error)? {
        Errno::NOSPC => Some("make room there, or choose another target"),
        Errno::DQUOT => Some("remove files or ask for a larger quota, or choose another target"),
        Errno::ROFS => Some("mount it writable, or choose another target"),
        Errno::IO => Some("the log of the kernel says more; choose a target on another disk"),
        _ => None,
    }
}
