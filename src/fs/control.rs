//! `.msgfs/` in the root of the mount: what the session does, and what was found damaged.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outlook_msg::storage::read_memory_at;
use outlook_msg::sync::lock;

use crate::view::NodeId;

use super::edits::Edits;
use super::source::attr::{Attr, FileType};
use super::source::ino::{Base, Ino, SourceKind};
use super::{Add, DirectoryEntry, Entry, Error, Fs};

/// The name of the directory.
pub const DIRECTORY: &str = ".msgfs";

/// What is told if the source has a file of the name of the directory.
pub(super) const HIDDEN: &str = ".msgfs: the mount's own directory of this name hides that of the \
    source; rename it in the source to see it\n";

/// A file in the control directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ControlFile {
    Session,
    Errors,
    Unsaved,
    Version,
}

impl ControlFile {
    const ALL: [Self; 4] = [Self::Session, Self::Errors, Self::Unsaved, Self::Version];

    const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Errors => "errors",
            Self::Unsaved => "unsaved",
            Self::Version => "version",
        }
    }

    /// The files of a read-only or a writable mount.
    fn all(is_writable: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |file| is_writable || *file != Self::Unsaved)
    }

    /// Number 0 is the directory itself.
    const fn node(self) -> NodeId {
        NodeId(self as u32 + 1)
    }

    fn from_node(node: NodeId) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.node() == node)
    }
}

/// The text of each control file at the time when the kernel was last told its size. The texts
/// change all the time, but a read must give as many bytes as the size said.
#[derive(Debug, Default)]
pub(super) struct ControlTexts {
    texts: Mutex<HashMap<ControlFile, Arc<str>>>,
}

impl ControlTexts {
    fn take(&self, file: ControlFile, text: String) -> Arc<str> {
        let text: Arc<str> = text.into();
        let mut texts = lock(&self.texts);
        texts.insert(file, Arc::clone(&text));
        text
    }

    fn last(&self, file: ControlFile) -> Arc<str> {
        let texts = lock(&self.texts);
        texts.get(&file).cloned().unwrap_or_default()
    }
}

/// The control directory of a filesystem, for one request.
#[derive(Clone, Copy)]
pub(super) struct ControlDirectory<'a> {
    fs: &'a Fs,
}

impl Fs {
    /// `.msgfs/` and its files.
    pub(super) fn control(&self) -> ControlDirectory<'_> {
        ControlDirectory { fs: self }
    }

    /// Whether a path in the source stands for the control directory. In a mount, that hides a file
    /// of this name in the root of the source ([`Fs::hides_one_of_source`]). A command shows the
    /// file of the source.
    pub(super) fn is_control(&self, path: &Path) -> bool {
        path == Path::new(DIRECTORY) && (self.is_mount || !self.has_source_control_name())
    }

    /// Whether the control directory hides a file of the source.
    pub(super) fn hides_one_of_source(&self) -> bool {
        self.is_mount && self.has_source_control_name()
    }

    fn has_source_control_name(&self) -> bool {
        let root = self.source.node(Base::ROOT);
        root.is_ok_and(|root| root.kind == SourceKind::Folder)
            && self.source.metadata(Path::new(DIRECTORY)).is_ok()
    }
}

impl ControlDirectory<'_> {
    fn files(self) -> impl Iterator<Item = ControlFile> {
        ControlFile::all(self.fs.edits.is_some())
    }

    /// Finds a file; `id` is the number of the directory that it is looked up in.
    pub(super) fn lookup(self, id: NodeId, name: &OsStr) -> Result<Entry, Error> {
        let file = self.files().find(|file| file.name() == name).filter(|_| id == NodeId(0));
        self.entry(file.ok_or(Error::NotFound)?.node())
    }

    /// Lists the directory.
    pub(super) fn list(self, cookie: u64, add: Add<'_>) -> Result<(), Error> {
        for (file, number) in self.files().zip(3_u64..) {
            let entry = self.entry(file.node())?;
            let name = OsStr::new(file.name());
            if number > cookie && add(DirectoryEntry { name, cookie: number, entry, is_dot: false })
            {
                break;
            }
        }
        Ok(())
    }

    /// A file, or the directory itself. The text of a file is made anew, and its time is now, so
    /// that the kernel does not reuse what it has cached.
    pub(super) fn entry(self, id: NodeId) -> Result<Entry, Error> {
        let (file_type, size) = match ControlFile::from_node(id) {
            Some(file) => {
                let text = self.fs.control.take(file, self.text(file));
                (FileType::RegularFile, text.len() as u64)
            }
            None if id == NodeId(0) => (FileType::Directory, 0),
            None => return Err(Error::NotFound),
        };
        let attr = Attr::of_control(Ino::new(Base::CONTROL, id), file_type, size);
        Ok(Entry { attr, ttl: Duration::ZERO })
    }

    /// Reads a file as the kernel was last told its size.
    pub(super) fn read_at(
        self,
        id: NodeId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let file = ControlFile::from_node(id).ok_or(Error::IsADirectory)?;
        Ok(read_memory_at(self.fs.control.last(file).as_bytes(), offset, buffer))
    }

    fn text(self, file: ControlFile) -> String {
        let Fs { source, messages, edits, .. } = self.fs;
        match file {
            ControlFile::Version => concat!(env!("CARGO_PKG_VERSION"), "\n").to_owned(),
            ControlFile::Errors => {
                let refused = edits.as_ref().map(|edits| edits.refusals.text());
                let hidden = if self.fs.hides_one_of_source() { HIDDEN } else { "" };
                [hidden, &messages.defects_text(), &refused.unwrap_or_default()].concat()
            }
            ControlFile::Unsaved => edits.as_ref().map(Edits::unsaved_text).unwrap_or_default(),
            ControlFile::Session => {
                let statistics = messages.session.statistics();
                let held = messages.figures();
                let figures = [
                    ("open_messages", statistics.open_messages as u64),
                    ("open_objects", statistics.open_objects as u64),
                    ("messages_opened", statistics.messages_opened),
                    ("cached_messages", held.cached_messages as u64),
                    ("cache_bytes", held.cache_bytes as u64),
                    ("cache_bytes_max", held.cache_bytes_max as u64),
                    ("files_stored", held.files_stored),
                    ("source_files_known", source.nodes.len() as u64),
                    ("watches", source.watches() as u64),
                ];
                let written = edits.as_ref().map(|edits| {
                    let (known, unsaved) = edits.counts();
                    [
                        ("writable_messages_known", known as u64),
                        ("unsaved_messages", unsaved as u64),
                    ]
                });
                let server = edits.as_ref().map(|edits| {
                    let (process, folder) = (std::process::id(), edits.state_folder().display());
                    format!("process\t{process}\nstate_folder\t{folder}\n")
                });
                let figures = figures.iter().chain(written.iter().flatten());
                let lines = figures.map(|(name, figure)| format!("{name}\t{figure}\n"));
                lines.chain(server).collect()
            }
        }
    }
}
