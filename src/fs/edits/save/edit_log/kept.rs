//! Edits that cannot be saved, as a folder of plain files in `recovered/`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::fs::error::with_causes;
use crate::storage::{CompoundFile, FileState, Replacement, Source};

use super::message_log::{Edits, copy, link_spooled};
use super::state_folder::create_private;
use super::text::{escaped, rfc3339};
use super::{Operation, StateFolder};

/// The whole message with its edits.
#[derive(Clone, Copy, Debug)]
pub struct WholeMessage<'a> {
    /// The message.
    pub snapshot: &'a Arc<CompoundFile>,
    /// The file from which the unedited rest is read, and its state when it was opened: another
    /// program may have overwritten it since. `None` for a new message.
    pub opened: Option<(&'a Source, FileState)>,
}

/// Edits that were kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The folder with the files.
    pub folder: PathBuf,
    /// The whole message, where it could be kept.
    pub whole: Option<PathBuf>,
    /// The absolute path of the message, on one line ([`escaped`]).
    pub message: String,
    /// When the first of the edits was made (RFC 3339, UTC).
    pub since: String,
    /// Why they could not be saved.
    pub reason: String,
}

/// The file in the folder that lists the edits.
const LIST: &str = "EDITS";
const SUFFIX: &str = ".d";
/// The longest name that Linux has, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// The longest name of a message that is kept: the suffix follows.
const KEPT_NAME_BYTES_MAX: usize = NAME_BYTES_MAX - SUFFIX.len();
/// What is longer is no extension but part of a name.
const EXTENSION_BYTES_MAX: usize = 32;
/// At most this many kept messages of one name are told apart.
const SAME_NAMES_MAX: u32 = 10_000;

/// Keeps edits, and returns the folder. It is made below the folder of the mount and then renamed
/// into `recovered/`, so that nobody finds it there half made.
pub(super) fn keep(
    state_folder: &StateFolder,
    mount: &Path,
    edits: &Edits,
    reason: &str,
    whole: Option<WholeMessage<'_>>,
) -> io::Result<PathBuf> {
    let recovered = state_folder.recovered();
    create_private(&recovered)?;
    let making = tempfile::Builder::new().prefix("keeping-").tempdir_in(mount)?;
    let (folder, message) = (making.path().join("folder"), making.path().join("whole.msg"));
    create_private(&folder)?;
    let root = open_folder(rustix::fs::CWD, folder.as_os_str())?;
    let outcome = KeptFiles::of(edits).write(&root, &message, whole)?;
    let list = list_of(edits, reason, &outcome);
    put_below(&root, Path::new(LIST), &Source::from_bytes(list.into_bytes()))?;
    let has_whole = matches!(outcome, WholeOutcome::Written);
    let name = edits.message.file_name().unwrap_or(OsStr::new("message.msg"));
    let _lock = state_folder.lock_mounts()?;
    for number in 1..=SAME_NAMES_MAX {
        let name = numbered(name, number, KEPT_NAME_BYTES_MAX);
        let beside = recovered.join(&name);
        let mut named = name;
        named.push(SUFFIX);
        let kept = recovered.join(named);
        if exists(&kept) || exists(&beside) {
            continue;
        }
        if has_whole {
            std::fs::rename(&message, &beside)?;
        }
        std::fs::rename(&folder, &kept)?;
        sync_kept(&recovered, &kept);
        return Ok(kept);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Lists what is kept in a state folder, by name.
///
/// # Errors
/// If the state folder cannot be read. One that is missing has nothing kept.
pub fn list(state_folder: &StateFolder) -> io::Result<Vec<Kept>> {
    let entries = match std::fs::read_dir(state_folder.recovered()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut kept = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        let Ok(list) = std::fs::read(folder.join(LIST)) else { continue };
        let list = String::from_utf8_lossy(&list);
        let value = |name: &str| {
            let line = list.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
            line.unwrap_or_default().to_owned()
        };
        let name = folder.as_os_str().as_bytes().strip_suffix(SUFFIX.as_bytes());
        let whole = name.map(|name| PathBuf::from(OsString::from_vec(name.to_vec())));
        kept.push(Kept {
            whole: whole.filter(|path| path.is_file()),
            message: value("message"),
            since: value("since"),
            reason: value("reason"),
            folder,
        });
    }
    kept.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(kept)
}

/// Throws kept edits away: a folder that [`list`] names, or the whole message beside it, and with it
/// the other one. Returns whether the path is one of these.
///
/// # Errors
/// Those of removing them.
pub fn discard(state_folder: &StateFolder, path: &Path) -> io::Result<bool> {
    let Ok(path) = path.canonicalize() else { return Ok(false) };
    let is_it = |one: &Path| one.canonicalize().is_ok_and(|one| one == path);
    let mut all = list(state_folder)?.into_iter();
    let found = all.find(|kept| is_it(&kept.folder) || kept.whole.as_deref().is_some_and(is_it));
    let Some(kept) = found else { return Ok(false) };
    // The folder names the edits, so it goes last.
    kept.whole.map_or(Ok(()), std::fs::remove_file)?;
    std::fs::remove_dir_all(&kept.folder)?;
    Ok(true)
}

/// What became of the whole message.
enum WholeOutcome {
    Written,
    /// It was not asked for.
    None,
    Failed(String),
}

/// The files that are left when all edits are made one after the other.
#[derive(Default)]
struct KeptFiles<'a> {
    values: BTreeMap<PathBuf, &'a Source>,
    folders: BTreeSet<PathBuf>,
}

impl<'a> KeptFiles<'a> {
    fn of(edits: &'a Edits) -> Self {
        let mut files = Self::default();
        for edit in &edits.edits {
            match &edit.operation {
                Operation::Set { path, value } | Operation::Temporary { path, value } => {
                    files.values.insert(path.into(), value);
                }
                Operation::Remove { path } => files.remove(path),
                Operation::Replace { from, to, value } => {
                    files.remove(from);
                    files.values.insert(to.into(), value);
                }
                Operation::Rename { from, to } => files.rename(Path::new(from), Path::new(to)),
                Operation::CreateMessage { path } => {
                    files.folders.insert(path.into());
                }
                Operation::Create { .. } => {}
            }
        }
        files
    }

    fn remove(&mut self, path: &str) {
        self.values.retain(|file, _| !file.starts_with(path));
        self.folders.retain(|folder| !folder.starts_with(path));
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let renamed = |path: &Path| {
            let rest = path.strip_prefix(from).ok()?;
            Some(if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) })
        };
        let values = std::mem::take(&mut self.values).into_iter();
        self.values = values.map(|(path, value)| (renamed(&path).unwrap_or(path), value)).collect();
        let folders = std::mem::take(&mut self.folders).into_iter();
        self.folders = folders.map(|path| renamed(&path).unwrap_or(path)).collect();
    }

    fn write(
        &self,
        root: &OwnedFd,
        message: &Path,
        whole: Option<WholeMessage<'_>>,
    ) -> io::Result<WholeOutcome> {
        for path in &self.folders {
            folder_below(root, path)?;
        }
        for (path, value) in &self.values {
            put_below(root, path, value)?;
        }
        let Some(whole) = whole else { return Ok(WholeOutcome::None) };
        Ok(match write_whole(message, whole) {
            Ok(()) => WholeOutcome::Written,
            Err(cause) => {
                // There may be half of it.
                let _ = std::fs::remove_file(message);
                WholeOutcome::Failed(cause)
            }
        })
    }
}

/// Writes the whole message, if all of it can be read and nobody changes it meanwhile.
fn write_whole(message: &Path, whole: WholeMessage<'_>) -> Result<(), String> {
    let folder = message.parent().unwrap_or(Path::new("/"));
    let name = message.file_name().unwrap_or_default();
    let folder = File::open(folder).map_err(|error| error.to_string())?;
    let permissions = Some(0o600);
    let replacement = Replacement { permissions, ..Replacement::of(whole.snapshot, None) };
    replacement.run(&folder, name).map_err(|error| with_causes(&error))?;
    // Check the file only now, since it was read while the message was written.
    match whole.opened {
        Some((source, state)) if !source.is_still(&state).map_err(|error| error.to_string())? => {
            Err("its file was overwritten by another program".to_owned())
        }
        _ => Ok(()),
    }
}

/// The text of [`LIST`]: a line for each edit, its parts separated by tabs. A line that would
/// repeat stands only where it came last.
fn list_of(edits: &Edits, reason: &str, whole: &WholeOutcome) -> String {
    let line = |operation: &Operation| match operation {
        Operation::Set { path, .. } => format!("set\t{}", escaped(path.as_ref())),
        Operation::Remove { path } => format!("removed\t{}", escaped(path.as_ref())),
        Operation::Rename { from, to } | Operation::Replace { from, to, .. } => {
            format!("renamed\t{}\t{}", escaped(from.as_ref()), escaped(to.as_ref()))
        }
        Operation::CreateMessage { path } => format!("made\t{}", escaped(path.as_ref())),
        Operation::Create { .. } => "made\t.".to_owned(),
        Operation::Temporary { path, .. } => format!("temporary\t{}", escaped(path.as_ref())),
    };
    let mut lines: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for edit in edits.edits.iter().rev() {
        let line = line(&edit.operation);
        if seen.insert(line.clone()) {
            lines.push(line);
        }
    }
    let reason = reason.replace(|c: char| c.is_control(), " ");
    let mut text = format!(
        "message\t{}\nsince\t{}\nreason\t{reason}\n",
        escaped(&edits.message),
        rfc3339(edits.since)
    );
    if let WholeOutcome::Failed(cause) = whole {
        let cause = cause.replace(|c: char| c.is_control(), " ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "the whole message is not kept\t{cause}");
    }
    for line in lines.into_iter().rev() {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Puts a value into a new file below a folder, and creates the folders on the way. It opens one
/// folder after the other, since a path in nested messages can be longer than the system takes at
/// once (`PATH_MAX`).
fn put_below(root: &OwnedFd, path: &Path, value: &Source) -> io::Result<()> {
    let folder = folder_below(root, path.parent().unwrap_or(Path::new("")))?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    for number in 1..=SAME_NAMES_MAX {
        let name = numbered(name, number, NAME_BYTES_MAX);
        let path = Path::new(&name);
        // Whoever changes a kept file must not change another one.
        if is_nameless(value) && link_spooled(value, &folder, path) {
            return Ok(());
        }
        // A folder may have the name, if a program put a message where a file had been.
        let created = match rustix::fs::openat(&folder, path, flags, mode) {
            Err(Errno::EXIST) => continue,
            created => File::from(created?),
        };
        let copied = copy(value, &created);
        if copied.is_ok() {
            return copied;
        }
        rustix::fs::unlinkat(&folder, path, AtFlags::empty())?;
        // Without room for a copy, a shared file is better than none.
        return if link_spooled(value, &folder, path) { Ok(()) } else { copied };
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether a value lies in a file that has no name.
fn is_nameless(value: &Source) -> bool {
    value.file().and_then(|file| file.metadata().ok()).is_some_and(|file| file.nlink() == 0)
}

fn folder_below(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let mut folder = root.try_clone()?;
    for component in path.components() {
        let Component::Normal(name) = component else { continue };
        folder = next_folder(&folder, name)?;
    }
    Ok(folder)
}

fn next_folder(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    for number in 1..=SAME_NAMES_MAX {
        let name = numbered(name, number, NAME_BYTES_MAX);
        match rustix::fs::mkdirat(folder, &name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        match open_folder(folder, &name) {
            Err(Errno::NOTDIR) => {}
            opened => return Ok(opened?),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn open_folder(at: impl std::os::fd::AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty())
}

/// `A.msg`, `A (2).msg` and so on; a name that is too long is cut before its extension.
fn numbered(name: &OsStr, number: u32, bytes_max: usize) -> OsString {
    let number = if number == 1 { String::new() } else { format!(" ({number})") };
    let path = Path::new(name);
    let (stem, extension) = match path.file_stem().zip(path.extension()) {
        Some((stem, extension)) if extension.len() <= EXTENSION_BYTES_MAX => (stem, extension),
        _ => (name, OsStr::new("")),
    };
    let dot = if extension.is_empty() { "" } else { "." };
    let rest = number.len() + dot.len() + extension.len();
    let mut out = cut(stem, bytes_max.saturating_sub(rest));
    for part in [OsStr::new(&number), OsStr::new(dot), extension] {
        out.push(part);
    }
    out
}

/// The first bytes of a name, at most `bytes_max`, without cutting a UTF-8 character in half.
fn cut(name: &OsStr, bytes_max: usize) -> OsString {
    let bytes = name.as_bytes();
    let mut end = bytes.len().min(bytes_max);
    let is_inside = |end: usize| bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80);
    while end < bytes.len() && end > 0 && is_inside(end) {
        end -= 1;
    }
    OsString::from_vec(bytes.get(..end).unwrap_or_default().to_vec())
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Syncs what was kept to the disk. A failure is only logged: the files are there, and the kernel
/// will write them later.
fn sync_kept(recovered: &Path, kept: &Path) {
    for folder in [kept, recovered] {
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            tracing::debug!("{folder:?} may not be on the disk yet: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_and_cut() {
        let numbered = |name: &str, number| {
            let name = numbered(OsStr::new(name), number, KEPT_NAME_BYTES_MAX);
            name.into_string().unwrap()
        };
        assert_eq!(numbered("A b.msg", 1), "A b.msg");
        assert_eq!(numbered("A b.msg", 2), "A b (2).msg");
        assert_eq!(numbered("x", 3), "x (3)");
        assert_eq!(numbered(".msg", 2), ".msg (2)");
        let cyrillic = "ж".repeat(125) + ".msg";
        for name in [&cyrillic, &"a".repeat(255), &("b.".to_owned() + &"c".repeat(253))] {
            for number in [1, 2, SAME_NAMES_MAX] {
                let numbered = numbered(name, number);
                assert!(numbered.len() <= KEPT_NAME_BYTES_MAX, "{numbered:?}");
            }
        }
        assert!(numbered(&cyrillic, 2).ends_with("ж (2).msg"));
    }
}
