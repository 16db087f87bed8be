//! `.msgfs/` in the root of the mount: what the session does, and what was found damaged.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outlook_msg::sync::lock;

use crate::imsg::Defect;
use crate::view::NodeId;

use super::{Add, DirectoryEntry, Entry, Error, Fs};
use crate::fs::edits::save::edit_log;
use crate::fs::source::attr::{Attr, FileType};
use crate::fs::source::ino::{Base, Ino};
use crate::fs::source::watch::Watcher;

/// The name of the directory.
pub(super) const DIRECTORY: &str = ".msgfs";

/// A file in the control directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ControlFile {
    Session,
    Errors,
    Unsaved,
    Version,
}

impl ControlFile {
    const ALL: [Self; 4] = [Self::Session, Self::Errors, Self::Unsaved, Self::Version];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Errors => "errors",
            Self::Unsaved => "unsaved",
            Self::Version => "version",
        }
    }

    /// The files of a read-only or a writable mount.
    pub(super) fn all(is_writable: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |file| is_writable || *file != Self::Unsaved)
    }

    /// Number 0 is the directory itself.
    pub(super) const fn node(self) -> NodeId {
        NodeId(self as u32 + 1)
    }

    pub(super) fn from_node(node: NodeId) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.node() == node)
    }
}

/// The text of each control file at the time when the kernel was last told its size. The texts
/// change all the time, but a read must give as many bytes as the size said.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    texts: Mutex<HashMap<ControlFile, Arc<str>>>,
}

impl Snapshots {
    pub(super) fn take(&self, file: ControlFile, text: String) -> Arc<str> {
        let text: Arc<str> = text.into();
        let mut texts = lock(&self.texts);
        texts.insert(file, Arc::clone(&text));
        text
    }

    pub(super) fn last(&self, file: ControlFile) -> Arc<str> {
        let texts = lock(&self.texts);
        texts.get(&file).cloned().unwrap_or_default()
    }
}

/// The damaged messages met so far, with their defects.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    messages: Mutex<BTreeMap<PathBuf, Vec<Defect>>>,
}

/// At most this many messages are noted. `msgfs check` has no such bound.
const DAMAGED_MAX: usize = 10_000;
/// At most this many defects of one message are noted.
const DEFECTS_MAX: usize = 20;

impl Damaged {
    /// Notes the defects of a message. Returns whether these are the first ones of this message.
    pub(super) fn note(&self, path: &Path, mut defects: Vec<Defect>) -> bool {
        defects.truncate(DEFECTS_MAX);
        let mut messages = lock(&self.messages);
        if messages.len() >= DAMAGED_MAX && !messages.contains_key(path) {
            return false;
        }
        messages.insert(path.to_owned(), defects).is_none()
    }

    /// One line a defect: the message, the place in it, the cause.
    pub(super) fn text(&self) -> String {
        let messages = lock(&self.messages);
        let mut text = String::new();
        for (path, defects) in &*messages {
            for defect in defects {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{}: {defect}", path.display());
            }
        }
        text
    }
}

impl Fs {
    /// Lists `.msgfs/`.
    pub(super) fn read_control(&self, cookie: u64, add: Add<'_>) -> Result<(), Error> {
        for (file, number) in ControlFile::all(self.is_writable()).zip(3_u64..) {
            let entry = self.control_entry(file.node())?;
            let name = OsStr::new(file.name());
            if number > cookie && add(DirectoryEntry { name, cookie: number, entry, is_dot: false })
            {
                break;
            }
        }
        Ok(())
    }

    /// A file in `.msgfs/`. Its text is made anew, and its time is now, so that the kernel does not
    /// reuse what it has cached.
    pub(super) fn control_entry(&self, id: NodeId) -> Result<Entry, Error> {
        let (file_type, size) = match ControlFile::from_node(id) {
            Some(file) => {
                let text = self.snapshots.take(file, self.control_text(file));
                (FileType::RegularFile, text.len() as u64)
            }
            None if id == NodeId(0) => (FileType::Directory, 0),
            None => return Err(Error::NotFound),
        };
        let attr = Attr::of_control(Ino::new(Base::CONTROL, id), file_type, size);
        Ok(Entry { attr, ttl: Duration::ZERO })
    }

    fn control_text(&self, file: ControlFile) -> String {
        match file {
            ControlFile::Version => concat!(env!("CARGO_PKG_VERSION"), "\n").to_owned(),
            ControlFile::Errors => self.damaged.text(),
            ControlFile::Unsaved => {
                let unsaved = self.log.as_ref().map(|log| log.unsaved()).unwrap_or_default();
                unsaved.iter().map(edit_log::unsaved_line).collect()
            }
            ControlFile::Session => {
                let statistics = self.session.statistics();
                let (cache_bytes, cached_messages) = self.messages.usage();
                let figures = [
                    ("open_messages", statistics.open_messages as u64),
                    ("open_objects", statistics.open_objects as u64),
                    ("messages_opened", statistics.messages_opened),
                    ("cached_messages", cached_messages as u64),
                    ("cache_bytes", cache_bytes as u64),
                    ("cache_bytes_max", self.options.cache_bytes_max as u64),
                    ("files_stored", self.stores.files()),
                    ("source_files_known", self.nodes.len() as u64),
                    ("watches", self.watcher.as_ref().map_or(0, Watcher::len) as u64),
                ];
                let written = self.is_writable().then(|| {
                    let (known, unsaved) = self.edit_counts();
                    [
                        ("writable_messages_known", known as u64),
                        ("unsaved_messages", unsaved as u64),
                    ]
                });
                let server = self.state_folder().map(|folder| {
                    format!("process\t{}\nstate_folder\t{}\n", std::process::id(), folder.display())
                });
                let figures = figures.iter().chain(written.iter().flatten());
                let lines = figures.map(|(name, figure)| format!("{name}\t{figure}\n"));
                lines.chain(server).collect()
            }
        }
    }
}
