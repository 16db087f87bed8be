//! What the files of a message show when something differs from its file: edits, files that are
//! being written, temporary files, what was removed.
//!
//! A message of which nothing differs is shown by `messages` alone.

use std::sync::Arc;
use std::time::SystemTime;

use crate::fs::Error;
use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::edits::{MessageNode, Messages};
use crate::fs::error::{message_error, source_error};
use crate::fs::messages::OpenMessage;
use crate::fs::source::attr::{self, Attr, FileType, Ownership};
use crate::fs::source::ino::Ino;
use crate::view::{self, FileAccess, FileKind, NodeId};

use super::directory::{Contents, MessageState, joined, split};
use super::orphans::Orphan;
use super::temporary::{self, Temporary, TemporaryKind};

/// What a path in a message leads to.
pub(in crate::fs) enum ShownEntry {
    /// A file or directory of the message.
    Node(Arc<OpenMessage>, NodeId, FileKind),
    /// A directory that is there so that something can be put into it.
    EmptyDirectory(Arc<OpenMessage>),
    /// A file that is being written for the first time.
    New(Arc<OpenFile>),
    Temporary(Temporary),
    /// A file in a folder that becomes a message. Its path is the empty one.
    Arrival(Arc<Arrival>),
}

impl ShownEntry {
    pub(in crate::fs) fn kind(&self) -> FileKind {
        match self {
            Self::Node(_, _, kind) => *kind,
            Self::EmptyDirectory(_) => FileKind::Directory,
            Self::New(_) | Self::Arrival(_) => FileKind::File,
            Self::Temporary(file) => match file.kind {
                TemporaryKind::File(_) | TemporaryKind::Copy(_) => FileKind::File,
                TemporaryKind::Directory => FileKind::Directory,
                TemporaryKind::Symlink(_) => FileKind::Symlink,
            },
        }
    }

    /// The number that the tree of the message has for it.
    pub(in crate::fs) fn in_tree(&self) -> Option<NodeId> {
        match self {
            Self::Node(_, id, _) => Some(*id),
            _ => None,
        }
    }
}

/// What a message shows while its contents are locked: questions that change nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::fs::edits) struct Shown<'a> {
    messages: &'a Messages,
    message: &'a MessageNode,
    contents: &'a Contents,
}

/// What a new name in a message is to be.
pub(in crate::fs::edits) enum NewNameKind {
    /// A value or an attachment.
    Value,
    /// A temporary file of a tool.
    Temporary,
    /// A copy of a file that a new message has by itself.
    Copy,
    /// A directory that the message has anyway.
    Directory,
}

impl<'a> Shown<'a> {
    pub(in crate::fs::edits) fn new(
        messages: &'a Messages,
        message: &'a MessageNode,
        contents: &'a Contents,
    ) -> Self {
        Self { messages, message, contents }
    }

    /// The message as it is shown now: with its edits, or as its file is.
    ///
    /// # Errors
    /// [`Error::Stale`] if it is gone, or where it cannot be read.
    pub(in crate::fs::edits) fn current(self) -> Result<Arc<OpenMessage>, Error> {
        match &self.contents.state {
            MessageState::Edited(edited) => Ok(Arc::clone(&edited.current)),
            // Open the file as it is now. This thread may have waited for the lock while a save
            // replaced the file, and must not go on with the old one.
            MessageState::Clean => self.messages.open(&self.messages.known(self.message.base)?),
            MessageState::Arriving(_) | MessageState::Removed => {
                Err(Error::Stale { path: self.contents.path.clone() })
            }
        }
    }

    /// What a path leads to, unless it is hidden.
    pub(in crate::fs::edits) fn find(self, path: &str) -> Result<ShownEntry, Error> {
        if let Some(file) = self.contents.temporaries.get(path) {
            return Ok(ShownEntry::Temporary(file.clone()));
        }
        // A new file is shown in front of a hidden one, but not in a directory that is hidden.
        let removals = &self.contents.removals;
        let hides = match self.new_file(path) {
            Some(_) => removals.hides(split(path).0),
            None => removals.hides(path),
        };
        if hides {
            return Err(Error::NotFound);
        }
        self.find_hidden(path)
    }

    /// The new file of a path, which the message does not have yet.
    pub(in crate::fs::edits) fn new_file(self, path: &str) -> Option<&'a Arc<OpenFile>> {
        let number = self.contents.numbers.number(path, view::fixed_number(path));
        self.contents.files.get(&number).filter(|file| file.lock().is_new())
    }

    /// What a path leads to, though it may be hidden: for those who have it open.
    pub(in crate::fs::edits) fn find_hidden(self, path: &str) -> Result<ShownEntry, Error> {
        let contents = self.contents;
        if let Some(file) = contents.temporaries.get(path) {
            return Ok(ShownEntry::Temporary(file.clone()));
        }
        if let MessageState::Arriving(arrival) = &contents.state {
            return if path.is_empty() {
                Ok(ShownEntry::Arrival(Arc::clone(arrival)))
            } else {
                Err(Error::NotADirectory)
            };
        }
        if let Some(file) = self.new_file(path) {
            return Ok(ShownEntry::New(Arc::clone(file)));
        }
        // What file managers look for everywhere must not open every message.
        if !path.is_empty() && !path.contains('/') && !view::is_message_entry(path) {
            return Err(Error::NotFound);
        }
        let open = self.current()?;
        match open.tree.resolve(path) {
            Ok((id, kind)) => Ok(ShownEntry::Node(open, id, kind)),
            Err(view::Error::NotFound) => match access_in(&open, path)? {
                FileAccess::Directory => Ok(ShownEntry::EmptyDirectory(open)),
                _ => Err(Error::NotFound),
            },
            Err(error) => Err(message_error(&contents.path, error)),
        }
    }

    /// Whether a path leads to anything.
    pub(in crate::fs::edits) fn is_there(self, path: &str) -> Result<bool, Error> {
        match self.find(path) {
            Ok(_) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The names in a directory.
    pub(in crate::fs::edits) fn names(self, directory: &str) -> Result<Vec<String>, Error> {
        let contents = self.contents;
        let mut names = Vec::new();
        match self.find(directory)? {
            ShownEntry::Node(open, id, _) => {
                let listing = open.tree.list(id);
                let listing = listing.map_err(|error| message_error(&contents.path, error))?;
                let shown = listing.entries().iter().map(|entry| &entry.name);
                let is_shown = |name: &&String| !contents.removals.hides(&joined(directory, name));
                names.extend(shown.filter(is_shown).cloned());
            }
            ShownEntry::EmptyDirectory(_) => {}
            ShownEntry::Temporary(file) if matches!(file.kind, TemporaryKind::Directory) => {}
            ShownEntry::Temporary(_) | ShownEntry::New(_) | ShownEntry::Arrival(_) => {
                return Err(Error::NotADirectory);
            }
        }
        let new = contents.files.values().filter(|file| file.lock().is_new());
        let new = new.filter_map(|file| contents.numbers.path(file.number));
        // A directory in which there is only such a file is listed, too.
        let beside = contents.temporaries.paths().chain(new).filter_map(|path| {
            let rest = match directory {
                "" => path,
                _ => path.strip_prefix(directory)?.strip_prefix('/')?,
            };
            Some(rest.split_once('/').map_or(rest, |(first, _)| first).to_owned())
        });
        for name in beside {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The attributes of a file that was found.
    pub(super) fn attr(
        self,
        (path, number): (&str, NodeId),
        found: &ShownEntry,
    ) -> Result<Attr, Error> {
        let contents = self.contents;
        let ino = Ino::new(self.message.base, number);
        let ownership = self.ownership();
        let time = contents.times.get(path).copied();
        let made = |directory: &Attr, file_type, size, time| {
            Attr::of_node(directory, ino, file_type, size, time, ownership)
        };
        Ok(match found {
            ShownEntry::Node(open, ..) if path.is_empty() => self.directory_attr(open)?,
            ShownEntry::Node(open, id, kind) => {
                let attributes = open.tree.attributes(*id);
                let attributes = attributes.map_err(|e| message_error(&contents.path, e))?;
                let written = contents.open_file(number);
                let (len, changed) = written.and_then(|file| file.lock().len_and_time()).unzip();
                let time = changed.or(time).or_else(|| following_time(contents, path, *kind));
                let time = time.or(attributes.time.map(attr::system_time));
                let size = len.unwrap_or(attributes.size);
                let attr = made(&open.directory, attr::file_type(*kind), size, time);
                if attributes.is_protected { attr.protected() } else { attr }
            }
            ShownEntry::EmptyDirectory(open) => {
                made(&open.directory, FileType::Directory, 0, time.or(contents.edited))
            }
            ShownEntry::New(file) => {
                let directory = self.current()?.directory;
                let (len, changed) = file.lock().len_and_time().unwrap_or((0, SystemTime::now()));
                made(&directory, FileType::RegularFile, len, Some(changed))
            }
            ShownEntry::Temporary(file) => {
                let directory = self.current()?.directory;
                let (size, time) = match (&file.kind, file.file()) {
                    (_, Some(bytes)) => (bytes.len(), bytes.modified()),
                    (TemporaryKind::Symlink(target), None) => (target.len() as u64, file.modified),
                    (_, None) => (0, file.modified),
                };
                let attr = made(&directory, attr::file_type(found.kind()), size, Some(time));
                Attr { permissions: file.permissions & !ownership.umask, ..attr }
            }
            ShownEntry::Arrival(arrival) => {
                let folder = contents.path.parent().unwrap_or(std::path::Path::new(""));
                let metadata = self.messages.source.metadata(folder)?;
                let directory =
                    Attr::of_new_message(ino, &metadata, arrival.permissions, ownership);
                let (size, time) = arrival.len_and_time();
                made(&directory, FileType::RegularFile, size, Some(time))
            }
        })
    }

    /// The attributes of the directory of the message.
    fn directory_attr(self, open: &OpenMessage) -> Result<Attr, Error> {
        let contents = self.contents;
        let ino = Ino::new(self.message.base, NodeId(0));
        let mut attr = match self.messages.source.root.metadata(&contents.path) {
            Ok(metadata) if !contents.is_pending() => {
                Attr::of_message(ino, &metadata, self.ownership())
            }
            Err(error) if contents.edits().is_none() => {
                return Err(source_error(&contents.path, error));
            }
            _ => open.directory,
        };
        if let Some(edited) = contents.edited {
            attr.mtime = attr.mtime.max(edited);
            attr.ctime = attr.ctime.max(edited);
        }
        Ok(attr)
    }

    /// The attributes of a file that was removed while it was open.
    pub(super) fn removed_attr(self, number: NodeId) -> Option<Attr> {
        let contents = self.contents;
        let ino = Ino::new(self.message.base, number);
        let file = FileType::RegularFile;
        let ownership = self.ownership();
        let written = contents.open_file(number).map(|file| file.lock());
        let len = written.filter(|written| written.is_loaded()).map(|written| written.len());
        if let Some(size) = len {
            let directory = self.current().ok()?.directory;
            let attr = Attr::of_node(&directory, ino, file, size, None, ownership);
            return Some(Attr { links: 0, ..attr });
        }
        if contents.numbers.path(number).is_some() {
            // The file was emptied and has no value now; a program that opens it has it again. The
            // kernel may have looked it up just before, and asks for its attributes before it sends
            // the open.
            let directory = self.current().ok()?.directory;
            return Some(Attr::of_node(&directory, ino, file, 0, None, ownership));
        }
        let (directory, size) = match contents.orphans.get(number)? {
            Orphan::Node(open, id) => (open.directory, open.tree.attributes(*id).ok()?.size),
            Orphan::Temporary(temporary) => (self.current().ok()?.directory, temporary.len()),
            Orphan::Hidden => return None,
        };
        let attr = Attr::of_node(&directory, ino, file, size, None, ownership);
        Some(Attr { links: 0, ..attr })
    }

    fn ownership(self) -> &'a Ownership {
        &self.messages.source.ownership
    }

    /// What a new name becomes. `is_unseen` is set if the creating process is still filling a new
    /// message, and the message has such a file by itself.
    pub(super) fn new_name(self, path: &str, is_unseen: bool) -> Result<NewNameKind, Error> {
        let (parent, name) = split(path);
        match self.contents.temporaries.get(parent).map(|file| &file.kind) {
            Some(TemporaryKind::Directory) => return Ok(NewNameKind::Copy),
            Some(_) => return Err(Error::NotADirectory),
            None => {}
        }
        let open = self.current()?;
        let in_attachments = view::is_attachment_path(path);
        let is_temporary = temporary::tool_of(name, in_attachments).is_some();
        match access_in(&open, path)? {
            FileAccess::Settable if is_temporary && open.tree.resolve(path).is_err() => {
                Ok(NewNameKind::Temporary)
            }
            FileAccess::Settable => Ok(NewNameKind::Value),
            FileAccess::EmbeddedMessage => Ok(NewNameKind::Value),
            FileAccess::Directory | FileAccess::Row => Ok(NewNameKind::Directory),
            FileAccess::Unknown(_) if is_temporary => Ok(NewNameKind::Temporary),
            FileAccess::Unknown(_) | FileAccess::ReadOnly(_)
                if is_unseen
                    && view::is_message_entry(name)
                    && !view::shows_what_nothing_sets(name) =>
            {
                Ok(NewNameKind::Copy)
            }
            FileAccess::Unknown(reason) | FileAccess::ReadOnly(reason) => {
                Err(self.contents.refuse(path, reason))
            }
        }
    }
}

/// What may be done with a path of a message.
pub(in crate::fs::edits) fn access_in(open: &OpenMessage, path: &str) -> Result<FileAccess, Error> {
    view::file_access(&open.tree, path).map_err(|error| message_error(&open.path, error))
}

/// The time of what depends on other files: a directory changes with what is in it, and a file that
/// is made of several values with each of them.
fn following_time(contents: &Contents, path: &str, kind: FileKind) -> Option<SystemTime> {
    let is_made = || {
        let (_, name) = split(path);
        let first = path.split('/').next().unwrap_or_default();
        ["mapi", "raw"].contains(&first) || view::combines_values(name)
    };
    contents.edited.filter(|_| kind == FileKind::Directory || is_made())
}
