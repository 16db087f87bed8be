//! Files that are no part of a message although they lie in its directory: what editors and other
//! tools put beside the file that they write.
//!
//! They live in the mount and are never saved into a message; a copy in the state folder outlives a
//! kill. Knows nothing of messages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::open::buffer::Buffer;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::edits::save::edit_log::{EditLog, TemporaryCopy};
use crate::view::{self, NodeId};

/// At most this many temporary files in one message.
const FILES_MAX: usize = 4096;

/// A pattern of names that a tool gives to its temporary files.
#[derive(Clone, Copy, Debug)]
pub(in crate::fs::edits) struct NamePattern {
    /// Who uses it.
    pub(in crate::fs::edits) tool: &'static str,
    /// One such name.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests try each pattern with it"))]
    example: &'static str,
    matches: fn(&str) -> bool,
    scope: PatternScope,
}

/// Where a pattern counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternScope {
    /// No other file has such a name.
    Everywhere,
    /// In `attachments/` a file of such a name may be an attachment; anywhere else in a message no
    /// file of its own has one.
    NotAttachments,
}

use PatternScope::{Everywhere, NotAttachments};

/// The temporary names of common tools.
pub(in crate::fs::edits) const PATTERNS: [NamePattern; 24] = [
    pattern("vim, nano", ".body.txt.swp", Everywhere, is_swap),
    pattern("vim, which tries whether it may create files", "4913", NotAttachments, |n| {
        n == "4913"
    }),
    pattern("vim, nano, Emacs and patch: backups", "body.txt~", Everywhere, |n| n.ends_with('~')),
    pattern("Emacs: locks", ".#body.txt", Everywhere, |n| n.starts_with(".#")),
    pattern("Emacs: what is saved by itself", "#body.txt#", Everywhere, |n| {
        n.len() > 1 && n.starts_with('#') && n.ends_with('#')
    }),
    pattern("sed -i", "sedw0mXqB", NotAttachments, |n| random_behind(n, "sed", 6..=6)),
    pattern("sed -i of BusyBox", "body.txtKHzNRN", NotAttachments, |n| {
        let random = n.len().checked_sub(6).and_then(|at| n.split_at_checked(at));
        random.is_some_and(|(file, random)| view::is_message_entry(file) && is_random(random))
    }),
    pattern("dos2unix, unix2dos", "d2utmpa1b2c3", NotAttachments, |n| {
        random_behind(n, "d2utmp", 6..=6)
    }),
    pattern("scripts", "body.txt.tmp", NotAttachments, |n| {
        n.ends_with(".tmp") || n.ends_with(".new")
    }),
    pattern("perl -i", "XXiNzYQ8", NotAttachments, |n| random_behind(n, "XX", 6..=8)),
    pattern("perl -i.bak, patch, merge tools", "body.txt.orig", NotAttachments, is_backup),
    pattern("patch, ed", "pobSc1Fx", NotAttachments, |n| random_behind(n, "po", 6..=6)),
    pattern("patch, beside the file", "body.txt.oaBcDeF", NotAttachments, |n| {
        // `o` for what it makes, `r` for what it cannot apply.
        let of_patch = |rest: &str| rest.starts_with(['o', 'r']);
        is_random_extension(n, 7) && n.rsplit('.').next().is_some_and(of_patch)
    }),
    pattern("mkstemp of Python", "tmpa1_b2c3d", NotAttachments, |n| random_behind(n, "tmp", 6..=8)),
    pattern("mktemp", "tmp.aB3dE5gH7j", NotAttachments, |n| random_behind(n, "tmp.", 10..=10)),
    pattern("Rust", ".tmpAb3dE5", Everywhere, |n| random_behind(n, ".tmp", 6..=6)),
    pattern("LibreOffice: locks", ".~lock.body.txt#", Everywhere, |n| n.starts_with(".~")),
    pattern("LibreOffice", "lu1234abcd.tmp", NotAttachments, |n| {
        n.starts_with("lu") && n.ends_with(".tmp")
    }),
    pattern("GLib, and so GNOME", ".goutputstream-AB12CD", Everywhere, |n| {
        n.starts_with(".goutputstream-")
    }),
    pattern("Qt, and so KDE", "body.txt.aBcDeF", NotAttachments, |n| is_random_extension(n, 6)),
    pattern("Kate", ".body.txt.kate-swp", Everywhere, |n| n.ends_with(".kate-swp")),
    pattern("rsync", ".body.txt.aBcDeF", Everywhere, |n| {
        n.starts_with('.') && is_random_extension(n, 6)
    }),
    pattern("browsers", "body.txt.part", Everywhere, |n| {
        n.ends_with(".part") || n.ends_with(".crdownload")
    }),
    pattern("the kernel, for a removed file", ".fuse_hidden0001", Everywhere, |n| {
        n.starts_with(".fuse_hidden")
    }),
];

const fn pattern(
    tool: &'static str,
    example: &'static str,
    scope: PatternScope,
    matches: fn(&str) -> bool,
) -> NamePattern {
    NamePattern { tool, example, matches, scope }
}

/// The tool that gives such names to its temporary files. With `in_attachments` only those patterns
/// count that no attachment has.
pub(in crate::fs::edits) fn tool_of(name: &str, in_attachments: bool) -> Option<&'static str> {
    let counts = |one: &&NamePattern| one.scope == Everywhere || !in_attachments;
    PATTERNS.iter().filter(counts).find(|one| (one.matches)(name)).map(|one| one.tool)
}

/// `.NAME.swp`, `.NAME.swo` and so on, and `.NAME.swpx`, with which vim tries whether names may be
/// long.
fn is_swap(name: &str) -> bool {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_lower = extension.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_usual = extension.len() == 3 && extension.starts_with("sw") && is_lower;
    stem.starts_with('.') && (is_usual || extension == "swpx")
}

fn is_backup(name: &str) -> bool {
    [".orig", ".bak", ".rej", ".old", ".save"].iter().any(|suffix| name.ends_with(suffix))
}

/// Whether a name is a prefix followed by so many random characters.
fn random_behind(name: &str, prefix: &str, count: std::ops::RangeInclusive<usize>) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| count.contains(&rest.len()) && is_random(rest))
}

fn is_random_extension(name: &str, len: usize) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, rest)| {
        !stem.trim_start_matches('.').is_empty() && rest.len() == len && is_random(rest)
    })
}

fn is_random(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A file that is no part of a message.
#[derive(Clone, Debug)]
pub(in crate::fs::edits) struct Temporary {
    pub(in crate::fs::edits) kind: TemporaryKind,
    /// Permission bits.
    pub(in crate::fs::edits) permissions: u16,
    /// The modification time of a directory or a link.
    pub(in crate::fs::edits) modified: SystemTime,
}

/// What it is.
#[derive(Clone, Debug)]
pub(in crate::fs::edits) enum TemporaryKind {
    File(Arc<TemporaryFile>),
    /// A copy of a file that the message has by itself, made when a program copies a directory to a
    /// new message. It is dropped once the message is saved.
    Copy(Arc<TemporaryFile>),
    Directory,
    /// With its target.
    Symlink(String),
}

/// A temporary file, which all handles on it share.
#[derive(Debug)]
pub(in crate::fs::edits) struct TemporaryFile {
    content: Mutex<TemporaryContent>,
}

#[derive(Debug)]
struct TemporaryContent {
    bytes: Buffer,
    modified: SystemTime,
    /// What a kill would leave.
    copy: Option<TemporaryCopy>,
    /// Whether the copy is not of these bytes.
    is_changed: bool,
    /// How many changes there were.
    changes: u64,
    /// How many handles may write.
    writers: u32,
    became: Became,
}

/// What a temporary file has become by a rename. What programs that have it open do from then on,
/// they do to that.
#[derive(Clone, Debug)]
pub(in crate::fs::edits) enum Became {
    /// It is still a temporary file, or was removed.
    Nothing,
    /// A file of the message, known by this number.
    File(NodeId),
    /// As [`Became::File`], with its buffer, since a program had it open for writing.
    Written(NodeId, Arc<OpenFile>),
    /// The embedded message of this path, which is a directory.
    Message(PathBuf),
}

impl Became {
    /// The file of the message that programs go on writing to.
    pub(in crate::fs::edits) fn written(self) -> Option<Arc<OpenFile>> {
        match self {
            Self::Written(_, file) => Some(file),
            Self::Nothing | Self::File(_) | Self::Message(_) => None,
        }
    }
}

/// Why a temporary file was not changed.
#[derive(Debug)]
pub(in crate::fs::edits) enum Unchanged {
    /// It is a file of the message now.
    Became(Arc<OpenFile>),
    Failed(Error),
}

impl Unchanged {
    /// The error for a caller that looks the file up by its temporary name.
    pub(in crate::fs::edits) fn into_error(self) -> Error {
        match self {
            Self::Became(_) => Error::NotFound,
            Self::Failed(error) => error,
        }
    }
}

impl TemporaryFile {
    pub(in crate::fs::edits) fn new(bytes: Buffer) -> Arc<Self> {
        let content = TemporaryContent {
            bytes,
            modified: SystemTime::now(),
            copy: None,
            is_changed: true,
            changes: 0,
            writers: 0,
            became: Became::Nothing,
        };
        Arc::new(Self { content: Mutex::new(content) })
    }

    fn lock(&self) -> MutexGuard<'_, TemporaryContent> {
        lock(&self.content)
    }

    /// Does something with the bytes.
    pub(in crate::fs::edits) fn with<T>(
        &self,
        run: impl FnOnce(&Buffer) -> std::io::Result<T>,
    ) -> Result<T, Error> {
        run(&self.lock().bytes).map_err(Error::Buffer)
    }

    /// Changes the bytes.
    pub(in crate::fs::edits) fn change<T>(
        &self,
        run: impl FnOnce(&mut Buffer) -> std::io::Result<T>,
    ) -> Result<T, Unchanged> {
        let mut content = self.lock();
        match &content.became {
            Became::Nothing => {}
            Became::Written(_, file) => return Err(Unchanged::Became(Arc::clone(file))),
            // Nobody had it open for writing.
            Became::File(_) => return Err(Unchanged::Failed(Error::BadHandle)),
            Became::Message(path) => {
                return Err(Unchanged::Failed(Error::Replaced { path: path.clone() }));
            }
        }
        content.modified = SystemTime::now();
        content.is_changed = true;
        content.changes += 1;
        run(&mut content.bytes).map_err(|error| Unchanged::Failed(Error::Buffer(error)))
    }

    /// Counts one more handle that may write.
    pub(in crate::fs::edits) fn open(&self) {
        self.lock().writers += 1;
    }

    /// Counts one such handle less. Returns the file that it has become, which counts the handle
    /// then.
    pub(in crate::fs::edits) fn close(&self) -> Option<Arc<OpenFile>> {
        let mut content = self.lock();
        content.writers = content.writers.saturating_sub(1);
        content.became.clone().written()
    }

    /// What it has become.
    pub(in crate::fs::edits) fn became(&self) -> Became {
        self.lock().became.clone()
    }

    /// The bytes as they are now, and the number of changes so far.
    pub(in crate::fs::edits) fn snapshot(&self) -> (Buffer, u64) {
        let content = self.lock();
        (content.bytes.clone(), content.changes)
    }

    /// Makes it the file of the message of this number, which has the bytes after so many changes as
    /// its value. The programs that have it open go on with that file.
    pub(in crate::fs::edits) fn become_file(
        &self,
        number: NodeId,
        changes: u64,
        file: impl FnOnce() -> Arc<OpenFile>,
    ) {
        let mut content = self.lock();
        content.became = Became::File(number);
        if content.writers > 0 {
            let file = file();
            let bytes = std::mem::take(&mut content.bytes);
            // A program may have written while the value was set.
            file.lock().take_over(bytes, content.writers, content.changes != changes);
            content.became = Became::Written(number, file);
        }
        // The bytes are in the message, or stand in the log as its value.
        content.copy = None;
    }

    /// Makes it the embedded message of this path. The programs that have it open can go on reading
    /// its bytes, but not change them.
    pub(in crate::fs::edits) fn become_message(&self, path: PathBuf) {
        let mut content = self.lock();
        content.became = Became::Message(path);
        content.copy = None;
    }

    /// Copies the bytes to the edit log, if they have changed since the last copy.
    ///
    /// # Errors
    /// [`Error::EditLog`] if there is no room for them.
    pub(in crate::fs::edits) fn keep_copy(
        &self,
        log: &EditLog,
        message: &Path,
        path: &str,
    ) -> Result<(), Error> {
        let mut content = self.lock();
        if !content.is_changed {
            return Ok(());
        }
        let copy = match content.bytes.len().map_err(Error::Buffer)? {
            0 => None,
            _ => {
                let bytes = content.bytes.share().map_err(Error::Buffer)?;
                Some(log.copy_temporary(message, path, bytes).map_err(Error::EditLog)?)
            }
        };
        (content.copy, content.is_changed) = (copy, false);
        Ok(())
    }

    /// Syncs the copy to the disk.
    ///
    /// # Errors
    /// Those of `fsync`.
    pub(in crate::fs::edits) fn sync_copy(&self) -> Result<(), Error> {
        let content = self.lock();
        content.copy.as_ref().map_or(Ok(()), TemporaryCopy::sync).map_err(Error::EditLog)
    }

    /// Notes that the file has another name, which its next copy is to have.
    fn renamed(&self) {
        self.lock().is_changed = true;
    }

    pub(in crate::fs::edits) fn len(&self) -> u64 {
        self.lock().bytes.len().unwrap_or(0)
    }

    pub(in crate::fs::edits) fn modified(&self) -> SystemTime {
        self.lock().modified
    }

    pub(in crate::fs::edits) fn set_modified(&self, time: SystemTime) {
        self.lock().modified = time;
    }
}

impl Temporary {
    pub(in crate::fs::edits) fn new(kind: TemporaryKind, permissions: u16) -> Self {
        Self { kind, permissions, modified: SystemTime::now() }
    }

    /// The target of a symbolic link.
    pub(in crate::fs::edits) fn target(&self) -> Option<String> {
        match &self.kind {
            TemporaryKind::Symlink(target) => Some(target.clone()),
            _ => None,
        }
    }

    /// The bytes of a file.
    pub(in crate::fs::edits) fn file(&self) -> Option<&Arc<TemporaryFile>> {
        match &self.kind {
            TemporaryKind::File(file) | TemporaryKind::Copy(file) => Some(file),
            TemporaryKind::Directory | TemporaryKind::Symlink(_) => None,
        }
    }
}

/// The temporary files of one message, by their paths in it.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct Temporaries {
    files: BTreeMap<String, Temporary>,
}

impl Temporaries {
    pub(in crate::fs::edits) fn get(&self, path: &str) -> Option<&Temporary> {
        self.files.get(path)
    }

    pub(in crate::fs::edits) fn get_mut(&mut self, path: &str) -> Option<&mut Temporary> {
        self.files.get_mut(path)
    }

    pub(in crate::fs::edits) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Puts a file or directory at a path.
    ///
    /// # Errors
    /// [`Error::Buffer`] if there are too many.
    pub(in crate::fs::edits) fn put(&mut self, path: &str, file: Temporary) -> Result<(), Error> {
        if self.files.len() >= FILES_MAX && !self.files.contains_key(path) {
            return Err(Error::Buffer(std::io::ErrorKind::StorageFull.into()));
        }
        self.files.insert(path.to_owned(), file);
        Ok(())
    }

    pub(in crate::fs::edits) fn remove(&mut self, path: &str) -> Option<Temporary> {
        self.files.remove(path)
    }

    /// Drops the copies of files that a message has by itself.
    pub(in crate::fs::edits) fn drop_copies(&mut self) {
        self.files.retain(|_, file| !matches!(file.kind, TemporaryKind::Copy(_)));
    }

    /// The paths of all files.
    pub(in crate::fs::edits) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Drops everything in a directory.
    pub(in crate::fs::edits) fn remove_below(&mut self, directory: &str) {
        let below = format!("{directory}/");
        self.files.retain(|path, _| !path.starts_with(&below));
    }

    /// Moves a file, or a directory with what is in it.
    pub(in crate::fs::edits) fn rename(&mut self, from: &str, to: &str) {
        let is_moved = |path: &str| {
            path.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let moved: Vec<_> = self.files.keys().filter(|path| is_moved(path)).cloned().collect();
        for old in moved {
            if let Some(file) = self.files.remove(&old) {
                if let TemporaryKind::File(file) = &file.kind {
                    file.renamed();
                }
                let new = format!("{to}{}", old.get(from.len()..).unwrap_or_default());
                self.files.insert(new, file);
            }
        }
    }

    /// The path of a file that may be somebody's text; `None` if it was removed.
    pub(in crate::fs::edits) fn path_of(&self, file: &Arc<TemporaryFile>) -> Option<&str> {
        let is_it = |one: &Temporary| match &one.kind {
            TemporaryKind::File(known) => Arc::ptr_eq(known, file),
            _ => false,
        };
        self.files.iter().find(|(_, one)| is_it(one)).map(|(path, _)| path.as_str())
    }

    /// Takes the files that have bytes. At the end of the mount they may be a user's text.
    pub(in crate::fs::edits) fn take_left_over(&mut self) -> Vec<(String, Arc<TemporaryFile>)> {
        let files = std::mem::take(&mut self.files).into_iter();
        let left = files.filter_map(|(path, file)| match file.kind {
            TemporaryKind::File(file) if file.len() > 0 => Some((path, file)),
            _ => None,
        });
        left.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{PATTERNS, Temporaries, Temporary, TemporaryFile, TemporaryKind, tool_of};
    use crate::fs::edits::open::buffer::Buffer;
    use crate::fs::edits::save::edit_log::Spool;

    #[test]
    fn every_pattern_has_its_names() {
        for pattern in PATTERNS {
            assert!((pattern.matches)(pattern.example), "{}: {}", pattern.tool, pattern.example);
            assert!(tool_of(pattern.example, false).is_some());
        }
        for name in [
            "body.txt",
            "subject",
            ".profile",
            "#",
            "report.pdf",
            ".a.sw",
            "a.swp",
            "2024",
            "sed",
            "Subject",
            "notes",
            "tmp",
            "body.html",
            "sedation of dogs",
            ".directory",
        ] {
            assert_eq!(tool_of(name, false), None, "{name}");
        }
    }

    #[test]
    fn what_may_be_an_attachment_is_one() {
        for name in ["4913", "sedative9", "tmpabcdef", "a.orig", "photo.backup", "potent12"] {
            assert_eq!(tool_of(name, true), None, "{name}");
        }
        for name in
            [".a.txt.swp", ".a.txt.swpx", "a.txt~", ".a.txt.Xy12Zw", "a.txt.part", ".#a.txt"]
        {
            assert!(tool_of(name, true).is_some(), "{name}");
        }
    }

    #[test]
    fn directories_have_their_files() {
        let file = || TemporaryFile::new(Buffer::default());
        let file = || Temporary::new(TemporaryKind::File(file()), 0o644);
        let mut files = Temporaries::default();
        files.put("d", Temporary::new(TemporaryKind::Directory, 0o755)).unwrap();
        files.put("d/x", file()).unwrap();
        files.put("d2", file()).unwrap();
        files.rename("d", "e");
        assert_eq!(files.paths().collect::<Vec<_>>(), ["d2", "e", "e/x"]);
        let bytes = files.get("e/x").unwrap().file().unwrap().clone();
        let spool = Spool::new(&std::env::temp_dir());
        bytes.change(|buffer| buffer.write(&spool, 0, b"text")).unwrap();
        let left = files.take_left_over();
        assert_eq!(left.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["e/x"]);
    }
}
