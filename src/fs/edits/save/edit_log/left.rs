//! The edits that killed mounts have left in the state folder, and the folders of mounts there.

use std::fmt;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::storage::{FileState, Source};

use super::message_log::{Edits, KnownNames, MessageLog, commit_of, message_of};
use super::state_folder::lockable;
use super::{Operation, Sequence, StateFolder};

pub use super::message_log::Edit;

/// What a mount shows: a folder, or one message in it.
#[derive(Clone, Copy)]
pub struct SourceScope<'a> {
    /// The absolute path of the folder.
    pub root: &'a Path,
    /// The one message in it that is mounted; `None` for all.
    pub one: Option<&'a Path>,
    /// The present state of the file of a path below the folder.
    pub state_of: &'a dyn Fn(&Path) -> Option<FileState>,
}

/// The edits of one message that a killed mount has left. They are now in the log of this mount.
#[derive(Debug)]
pub struct LeftOver {
    /// The path of the message below the source.
    pub path: PathBuf,
    /// When the first of them was made.
    pub since: SystemTime,
    /// The state of the file that was edited, `None` if there was none yet.
    pub base: Option<FileState>,
    /// See [`super::EditedFile::names`].
    pub names: Vec<(String, String)>,
    /// The edits in their order, without those that a save contained.
    pub edits: Vec<Edit>,
    /// Whether the file is the one that was edited. If so they are to be made again, without
    /// noting them again; if not, they are to be kept ([`super::EditLog::keep`]).
    pub is_unchanged: bool,
}

/// A message with edits in the state folder that no save contained.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its absolute path.
    pub message: PathBuf,
    /// When the first of the edits was made.
    pub since: SystemTime,
    /// Whether a mount that has them is alive. The next mount of the source takes over the others.
    pub is_mounted: bool,
}

const LOCK: &str = "lock";

/// Makes the folder of a mount, and locks it.
pub(super) fn own_folder(edits: &Path) -> io::Result<(PathBuf, File)> {
    for number in 1_u64.. {
        let folder = edits.join(number.to_string());
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            created => created?,
        }
        let lock = lockable(&folder.join(LOCK))?;
        lock.lock()?;
        return Ok((folder, lock));
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The folders of messages of a source that killed mounts have left. The caller must hold the lock
/// of all mounts ([`StateFolder::lock_mounts`]), and move the folders away before it lets go.
pub(super) fn folders_of_killed_mounts(
    edits: &Path,
    own: &Path,
    scope: SourceScope<'_>,
) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for mount in numbered_in(edits)? {
        if mount == own || is_alive(&mount) {
            continue;
        }
        for message in numbered_in(&mount)? {
            match message_of(&message) {
                Ok(Some(path)) if scope.contains(&path) => found.push(message),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!("edits that cannot be read lie in {message:?}: {error}")
                }
            }
        }
    }
    Ok(found)
}

/// Removes the folders of dead mounts in which nothing is left.
pub(super) fn tidy(edits: &Path, own: &Path) -> io::Result<()> {
    for mount in numbered_in(edits)? {
        if mount != own && !is_alive(&mount) {
            remove_empty(&mount);
        }
    }
    Ok(())
}

/// Removes the folder of a mount if no edits are in it.
pub(super) fn remove_empty(mount: &Path) {
    let is_empty = |folder: &PathBuf| matches!(message_of(folder), Ok(None));
    let Ok(messages) = numbered_in(mount) else { return };
    if messages.iter().all(is_empty)
        && let Err(error) = std::fs::remove_dir_all(mount)
    {
        tracing::debug!("{mount:?} stays: {error}");
    }
}

/// Takes over a log with what stands in it, and returns the edits that no save contained. If there
/// are none, the log is ended.
pub(super) fn left_over(
    mut log: MessageLog,
    edits: Edits,
    scope: SourceScope<'_>,
) -> io::Result<(MessageLog, LeftOver)> {
    let path = edits.message.strip_prefix(scope.root).unwrap_or(&edits.message).to_owned();
    let present = (scope.state_of)(&path);
    let saved = present.and_then(|present| commit_of(&edits.commits, &present));
    let upto = saved.map(|commit| commit.upto);
    let names = edits.names_after(upto.unwrap_or(Sequence(0))).to_vec();
    if let Some((upto, present)) = upto.zip(present)
        && let Err(error) = log.was_saved(upto, present, &names)
    {
        // The next mount reads the same log and tries again.
        tracing::warn!("{}: what is saved is still in the edit log: {error}", path.display());
    }
    if log.last().is_none() && !log.is_ended() {
        log.end()?;
    }
    let is_unchanged = saved.is_some() || present == edits.base;
    let base = if saved.is_some() { present } else { edits.base };
    let unsaved = edits.edits.into_iter();
    let edits: Vec<_> =
        unsaved.filter(|edit| upto.is_none_or(|upto| edit.sequence > upto)).collect();
    Ok((log, LeftOver { path, since: edits_since(&edits), base, names, edits, is_unchanged }))
}

/// Lists the messages with edits in a state folder, of all sources.
///
/// # Errors
/// If the state folder cannot be read. One that is missing has none.
pub fn list(state_folder: &StateFolder) -> io::Result<Vec<Pending>> {
    let _lock = match state_folder.lock_mounts() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        held => held?,
    };
    let mut pending = Vec::new();
    for mount in numbered_in(&state_folder.edits())? {
        let is_mounted = is_alive(&mount);
        for folder in numbered_in(&mount)? {
            // A mount that is alive may have saved the message just now and removed its log.
            let Ok((log, edits)) = MessageLog::open(&folder) else { continue };
            if log.last().is_some() {
                pending.push(Pending { message: edits.message, since: edits.since, is_mounted });
            }
        }
    }
    pending.sort_by(|a, b| (&a.message, a.since).cmp(&(&b.message, b.since)));
    // The copies of temporary files that a kill has left are logs of their own.
    pending.dedup_by(|later, first| {
        later.message == first.message && !later.is_mounted && !first.is_mounted
    });
    Ok(pending)
}

/// The bytes of files as edits of a message.
pub(super) fn edits_of_files(message: &Path, files: &[(String, Arc<Source>)]) -> Edits {
    let edits = (1..).zip(files).map(|(number, (path, value))| {
        let operation = Operation::Temporary { path: path.clone(), value: Arc::clone(value) };
        Edit { sequence: Sequence(number), at: SystemTime::now(), operation }
    });
    Edits { edits: edits.collect(), ..Edits::none(message.to_owned()) }
}

impl fmt::Debug for SourceScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut scope = f.debug_struct("SourceScope");
        scope.field("root", &self.root).field("one", &self.one).finish_non_exhaustive()
    }
}

impl SourceScope<'_> {
    fn contains(&self, message: &Path) -> bool {
        match self.one {
            Some(one) => message == self.root.join(one),
            None => message.starts_with(self.root),
        }
    }
}

impl Edits {
    /// No edits of a message.
    pub(super) fn none(message: PathBuf) -> Self {
        let (since, base) = (SystemTime::now(), None);
        let (names, edits, commits) = (Vec::new(), Vec::new(), Vec::new());
        Self { message, since, base, names, edits, commits }
    }

    /// The names by which the edits behind this one know the attachments.
    pub(super) fn names_after(&self, edit: Sequence) -> &[(String, String)] {
        let known = self.names.iter().rev().find(|known| known.after <= edit);
        known.map_or(&[], |known| &known.names)
    }

    /// Adds a name that stands in the log behind this edit.
    pub(super) fn add_name(&mut self, after: Sequence, storage: String, name: String) {
        match self.names.last_mut().filter(|known| known.after == after) {
            Some(known) => known.names.push((storage, name)),
            None => self.names.push(KnownNames { after, names: vec![(storage, name)] }),
        }
    }
}

fn edits_since(edits: &[Edit]) -> SystemTime {
    edits.first().map_or_else(SystemTime::now, |edit| edit.at)
}

/// Whether the process of a mount is alive: it holds the lock.
fn is_alive(mount: &Path) -> bool {
    match lockable(&mount.join(LOCK)) {
        Ok(file) => file.try_lock().is_err(),
        // A folder without a lock file may be anything, so leave it alone.
        Err(_) => true,
    }
}

/// The folders in a folder that have numbers for names.
fn numbered_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.parse::<u64>().ok()) {
            found.push((number, folder.join(name)));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).filter(|path| path.is_dir()).collect())
}
