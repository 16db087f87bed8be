//! Keeps the bytes that cannot be saved: what a program has not closed, what was refused as a
//! value, and temporary files, each of which may be somebody's text.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::message::directory::Contents;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::error::with_causes;
use crate::imsg::{SaveOutcome, SaveReport};
use crate::storage::Source;

use super::edit_log::{EditLog, escaped};

/// Why a file is kept that a program had not closed when the mount ended.
const HALF_WRITTEN: &str = "a program was still writing it when the mount ended";
/// Why a temporary file is kept.
pub(super) const LEFT_OVER: &str = "a temporary file was left when the mount ended";
/// Of one file at most this many refused contents are kept.
const REFUSED_MAX: usize = 10;

/// Puts bytes beside the edit log.
#[derive(Debug)]
pub(in crate::fs::edits) struct Keeper {
    log: Arc<EditLog>,
    /// What was refused as the value of a file, and therefore kept. The end of the mount reports
    /// it.
    refused: Mutex<Vec<SaveReport>>,
}

impl Keeper {
    pub(in crate::fs::edits) fn new(log: &Arc<EditLog>) -> Self {
        Self { log: Arc::clone(log), refused: Mutex::default() }
    }

    /// Keeps what a program has written to a file and not closed.
    pub(super) fn keep_half(
        &self,
        message: &Path,
        path: &str,
        bytes: Result<Arc<Source>, Error>,
    ) -> SaveReport {
        let name = match path.is_empty() {
            true => message.display().to_string(),
            false => format!("{}/{path}", message.display()),
        };
        match bytes {
            Ok(bytes) => {
                report(name, HALF_WRITTEN, self.keep_file(message, path, &bytes, HALF_WRITTEN))
            }
            Err(error) => report(name, &with_causes(&error), None),
        }
    }

    /// Keeps the temporary files of a message that are left, in one folder: each may be somebody's
    /// text.
    pub(super) fn keep_temporaries(
        &self,
        message: &Path,
        files: &[(String, Arc<Source>)],
    ) -> Option<SaveReport> {
        let (first, others) = files.split_first()?;
        let name = format!("{}/{}", message.display(), first.0);
        let name = match others.len() {
            0 => name,
            count => format!("{name} and {count} more"),
        };
        Some(report(name, LEFT_OVER, self.keep_files(message, files, LEFT_OVER)))
    }

    /// Keeps what was refused as the value of a file that is closed. The end of the mount names it
    /// again: shells overlook errors of `close`.
    pub(in crate::fs::edits) fn keep_refused(&self, contents: &Contents, file: &OpenFile) {
        let Some(path) = contents.numbers.path(file.number) else { return };
        let message = &contents.path;
        let name = format!("{}/{path}", message.display());
        let mut content = file.lock();
        let reason = content.refusal().to_owned();
        let report = match content.share() {
            Ok(bytes) if bytes.is_empty() => return,
            Ok(bytes) => report(name, &reason, self.keep_file(message, path, &bytes, &reason)),
            Err(error) => {
                tracing::error!("{name}: lost: {error}");
                report(name, &with_causes(&error), None)
            }
        };
        self.note_refused(report);
    }

    /// Notes what was refused. Of a file that is refused again and again only the last bytes stay.
    fn note_refused(&self, report: SaveReport) {
        let mut refused = lock(&self.refused);
        let of_file = refused.iter().filter(|one| one.name == report.name).count();
        if of_file >= REFUSED_MAX
            && let Some(first) = refused.iter().position(|one| one.name == report.name)
            && let SaveOutcome::Kept { path, .. } = refused.remove(first).outcome
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::warn!("{path:?} stays, although later bytes are kept: {error}");
        }
        refused.push(report);
    }

    /// Notes files that were removed, but are still there at the end of the mount.
    pub(in crate::fs::edits) fn note_not_removed(
        &self,
        message: &Path,
        paths: &[String],
        error: &Error,
    ) {
        let cause = format!("not removed: {}", with_causes(error));
        for path in paths.iter().take(REFUSED_MAX) {
            self.note_refused(report(format!("{}/{path}", message.display()), &cause, None));
        }
    }

    /// The reports of what was refused.
    pub(super) fn take_refused(&self) -> Vec<SaveReport> {
        std::mem::take(&mut lock(&self.refused))
    }

    /// Keeps one file. Logs where it is kept, or that it cannot be.
    pub(super) fn keep_file(
        &self,
        message: &Path,
        path: &str,
        bytes: &Arc<Source>,
        reason: &str,
    ) -> Option<PathBuf> {
        let name = message.file_name().unwrap_or(OsStr::new("")).to_owned();
        // A file in a folder has no path in a message.
        let path = if path.is_empty() { name.to_string_lossy() } else { path.into() };
        self.keep_files(message, &[(path.into_owned(), Arc::clone(bytes))], reason)
    }

    fn keep_files(
        &self,
        message: &Path,
        files: &[(String, Arc<Source>)],
        reason: &str,
    ) -> Option<PathBuf> {
        let shown = escaped(message);
        let paths: Vec<_> = files.iter().map(|(path, _)| path.as_str()).collect();
        let paths = paths.join(", ");
        match self.log.keep_files(message, files, reason) {
            Ok(kept) => {
                tracing::warn!("{shown}: {paths} is kept in {}: {reason}", escaped(&kept));
                Some(kept)
            }
            Err(error) => {
                tracing::error!(
                    "{shown}: {paths} is lost: {reason}, and it cannot be kept: {error}"
                );
                None
            }
        }
    }
}

fn report(name: String, cause: &str, kept: Option<PathBuf>) -> SaveReport {
    let cause = cause.to_owned();
    let outcome = match kept {
        Some(path) => SaveOutcome::Kept { cause, path },
        None => SaveOutcome::Lost { cause },
    };
    SaveReport { name, outcome }
}
