//! Opens the edit log of a writable mount, makes the edits again that killed mounts have left, and
//! keeps the bytes that cannot be saved.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use outlook_msg::sync::lock;

use crate::imsg::{MapiPropMut as _, SaveOutcome, SaveReport};
use crate::storage::{self, FileState, Source};

use crate::fs::edits::message::directory::Contents;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::edits::save::edit_log::{
    EditLog, Left, LeftOver, Operation, SourceScope, StateFolder, escaped,
};
use crate::fs::source::ino::{SourceKind, SourceNode};
use crate::fs::{Error, Fs, WriteOptions, source_error};

/// Why a file is kept that a program had not closed when the mount ended.
const HALF_WRITTEN: &str = "a program was still writing it when the mount ended";
const LEFT_OVER: &str = "a temporary file was left when the mount ended";

impl Fs {
    /// Opens the log of edits of a writable mount.
    pub(in crate::fs) fn open_log(
        &mut self,
        options: &WriteOptions,
        folder: &Path,
        one: Option<&Path>,
    ) -> io::Result<()> {
        let state_folder =
            StateFolder::find(options.state_folder.as_deref()).map_err(io::Error::other)?;
        let mount_point = self.options.mount_point.as_deref();
        state_folder.prepare(mount_point).map_err(io::Error::other)?;
        let state_of = |path: &Path| {
            let metadata = self.source.metadata(path).ok()?;
            Some(FileState::from(&metadata))
        };
        let scope = SourceScope { root: folder, one, state_of: &state_of };
        let (log, Left { edits, folders }) = EditLog::open(state_folder, scope)?;
        self.log = Some(Arc::new(log));
        for folder in &folders {
            let removed = self.source.open_folder(folder).and_then(storage::remove_leftovers);
            if let Err(error) = removed {
                tracing::warn!("{}: unfinished files may be left: {error}", folder.display());
            }
        }
        for left in edits {
            self.take_over(&left);
        }
        Ok(())
    }

    /// Makes the edits again that a killed mount has left of a message, or keeps them.
    fn take_over(&self, left: &LeftOver) {
        let count = left.edits.len();
        let message = escaped(&left.path);
        let made = match left.is_unchanged {
            true => self.make_again(left).map_err(|error| error.to_string()),
            false => Err("another program has changed its file since".to_owned()),
        };
        match made {
            Ok(()) => tracing::info!("{message}: {count} edits of a killed mount are made again"),
            Err(cause) => self.keep_left_over(&left.path, &cause),
        }
        for edit in &left.edits {
            if let Operation::Temporary { path, value } = &edit.operation {
                // `keep_file` logs where the file is kept, or that it cannot be.
                let _ = self.keep_file(&left.path, path, value, LEFT_OVER);
            }
        }
    }

    fn keep_left_over(&self, path: &Path, cause: &str) {
        let message = escaped(path);
        match self.log().map(|log| log.keep(path, cause, None)) {
            Ok(Ok(kept)) => {
                let kept = escaped(&kept);
                tracing::error!("{message}: edits of a killed mount are kept in {kept}: {cause}");
            }
            _ => tracing::error!("{message}: edits of a killed mount stay in the log: {cause}"),
        }
    }

    fn make_again(&self, left: &LeftOver) -> Result<(), Error> {
        let path = &left.path;
        let created = match left.edits.first().map(|edit| &edit.operation) {
            Some(Operation::Create { permissions }) => Some(*permissions),
            _ => None,
        };
        let (message, directory) = if created.is_some() {
            self.enter_new(path)?
        } else {
            let metadata = self.source.metadata(path).map_err(|error| source_error(path, error))?;
            let identity = metadata.identity();
            let node = SourceNode { path: path.clone(), kind: SourceKind::Message, identity };
            let base = self.nodes.look_up(&Arc::new(node));
            let directory = self.nodes.directory(base).ok_or(Error::NotFound)?;
            (self.known_message(base)?, directory)
        };
        let mut contents = directory.lock();
        if let Some(permissions) = created {
            self.create_new(&message, &mut contents, permissions, false)?;
        }
        let made = left.edits.iter().try_for_each(|edit| {
            match self.make(&message, &mut contents, &edit.operation, moment_of(edit.at)) {
                // A file that is to be removed may be gone already.
                Err(Error::NotFound) => Ok(()),
                made => made.map(drop),
            }
        });
        if made.is_err() {
            // Drop those that were made: no save may contain a part of the edits. The caller keeps
            // all.
            if let Some(edited) = contents.edits() {
                let _ = edited.editor.message().discard_changes();
            }
            contents.state = crate::fs::edits::message::directory::MessageState::Clean;
        }
        self.saver.schedule(&contents, message.base);
        drop(contents);
        self.nodes.forget(message.base, 1);
        made
    }

    pub(in crate::fs) fn log(&self) -> Result<&Arc<EditLog>, Error> {
        self.log.as_ref().ok_or_else(|| Error::ReadOnly { path: PathBuf::new() })
    }

    /// The folder for edits that are not saved; `None` in a read-only mount.
    pub fn state_folder(&self) -> Option<&Path> {
        Some(self.log.as_ref()?.state_folder().path())
    }

    /// Keeps what a program has written to a file and not closed.
    pub(in crate::fs) fn keep_half(
        &self,
        message: &Path,
        path: &str,
        bytes: &Arc<Source>,
    ) -> SaveReport {
        let name = match path.is_empty() {
            true => message.display().to_string(),
            false => format!("{}/{path}", message.display()),
        };
        let kept = self.keep_file(message, path, bytes, HALF_WRITTEN);
        report(name, HALF_WRITTEN, kept)
    }

    /// Keeps the temporary files of a message that are left, in one folder: each may be somebody's
    /// text.
    pub(in crate::fs) fn keep_temporaries(
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
    pub(in crate::fs) fn keep_refused(&self, contents: &Contents, file: &OpenFile) {
        let Some(path) = contents.numbers.path(file.number).map(str::to_owned) else { return };
        let message = contents.path.clone();
        let name = format!("{}/{path}", message.display());
        let mut content = file.lock();
        let reason = content.refusal().to_owned();
        match content.share() {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => {
                let kept = self.keep_file(&message, &path, &bytes, &reason);
                lock(&self.refused).push(report(name, &reason, kept));
            }
            Err(error) => tracing::error!("{name}: lost: {error}"),
        }
    }

    fn keep_file(
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
        match self.log().map(|log| log.keep_files(message, files, reason)) {
            Ok(Ok(kept)) => {
                tracing::warn!("{shown}: {paths} is kept in {}: {reason}", escaped(&kept));
                Some(kept)
            }
            Ok(Err(error)) => {
                tracing::error!(
                    "{shown}: {paths} is lost: {reason}, and it cannot be kept: {error}"
                );
                None
            }
            Err(_) => None,
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

/// The moment of an edit by the clock that does not jump. The editor tells by the time between two
/// edits which bodies were set together.
fn moment_of(at: SystemTime) -> Instant {
    let ago = SystemTime::now().duration_since(at).unwrap_or_default();
    Instant::now().checked_sub(ago).unwrap_or_else(Instant::now)
}
