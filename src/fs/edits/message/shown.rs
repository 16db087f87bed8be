//! What the files of a message show when something differs from its file: edits, files that are
//! being written, temporary files, what was removed.
//!
//! A message of which nothing differs is shown by `messages` alone.

use std::ffi::OsStr;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, SystemTime};

use crate::view::{self, FileAccess, FileKind, NodeId};

use crate::fs::edits::folder::arrival::Arrival;
use crate::fs::edits::message::directory::{
    Contents, MessageDirectory, MessageState, joined, split,
};
use crate::fs::edits::message::temporary::{Temporary, TemporaryKind};
use crate::fs::edits::message::waiting::is_told_without;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::messages::{LookedUpMessage, MessageNode, OpenMessage, message_error};
use crate::fs::source::attr::{self, Attr, FileType};
use crate::fs::source::ino::Ino;
use crate::fs::{Add, DirectoryEntry, Entry, Error, Fs, source_error};

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

impl Fs {
    /// The contents of a message if anything differs from its file. Removals whose process has
    /// ended become final here, and attachments that wait come into the message, so that the caller
    /// sees their effects.
    pub(in crate::fs) fn lock_if_differing<'a>(
        &self,
        message: &'a MessageNode,
    ) -> Option<(&'a Arc<MessageDirectory>, MutexGuard<'a, Contents>)> {
        self.lock_if_differing_at(message, |_| None)
    }

    /// As [`Fs::lock_if_differing`], for a caller that asks only for the name or the attributes of
    /// `path`: attachments that wait go on waiting if they do not matter for it.
    pub(in crate::fs) fn lock_if_differing_at<'a>(
        &self,
        message: &'a MessageNode,
        path: impl FnOnce(&Contents) -> Option<String>,
    ) -> Option<(&'a Arc<MessageDirectory>, MutexGuard<'a, Contents>)> {
        let directory = message.directory.as_ref()?;
        let mut contents = directory.lock();
        if !contents.is_saving() {
            if !contents.removals.is_empty() {
                self.finish_removals(message, &mut contents, false);
            }
            if !contents.waiting.is_empty()
                && !path(&contents).is_some_and(|at| is_told_without(&at))
            {
                self.take_waiting(message, &mut contents);
            }
        }
        let differs = !contents.is_as_in_file() || !contents.creators.is_empty();
        differs.then_some((directory, contents))
    }

    pub(in crate::fs) fn differs(&self, message: &MessageNode) -> bool {
        self.lock_if_differing(message).is_some_and(|(_, contents)| !contents.is_plain())
    }

    /// Notes the numbers of files of which the kernel is told, in a writable mount, while nothing
    /// in their message differs from its file. So they keep their numbers when the message gets
    /// another tree.
    pub(in crate::fs) fn note_told<'a>(
        &self,
        message: &MessageNode,
        parent: NodeId,
        told: impl Iterator<Item = (&'a str, NodeId)>,
    ) {
        if !self.is_writable() {
            return;
        }
        let is_fixed = |(name, id): &(&str, NodeId)| {
            parent == NodeId(0) && view::fixed_path(*id) == Some(*name)
        };
        let mut told = told.filter(|one| !is_fixed(one)).peekable();
        if told.peek().is_none() {
            return;
        }
        let Some(directory) = self.nodes.directory(message.base) else { return };
        let mut contents = directory.lock();
        let Some(above) = contents.numbers.path(parent).map(str::to_owned) else { return };
        for (name, id) in told {
            contents.numbers.assign(&joined(&above, name), Some(id));
        }
    }

    /// A message as it is shown now: with its edits, or as its file is.
    ///
    /// # Errors
    /// [`Error::Stale`] if it is gone, or where it cannot be read.
    pub(in crate::fs) fn current_message(
        &self,
        message: &MessageNode,
        contents: &Contents,
    ) -> Result<Arc<OpenMessage>, Error> {
        match &contents.state {
            MessageState::Edited(edited) => Ok(Arc::clone(&edited.current)),
            // Open the file as it is now. This thread may have waited for the lock while a save
            // replaced the file, and must not go on with the old one.
            MessageState::Clean => self.open_message(&self.known_message(message.base)?),
            MessageState::Arriving(_) | MessageState::Removed => {
                Err(Error::Stale { path: contents.path.clone() })
            }
        }
    }

    /// The path of a number in a message.
    pub(in crate::fs) fn path_in(
        &self,
        contents: &Contents,
        number: NodeId,
    ) -> Result<String, Error> {
        let path = contents.numbers.path(number).map(str::to_owned);
        path.ok_or_else(|| Error::Stale { path: contents.path.clone() })
    }

    /// What a path of a message leads to, unless it is hidden.
    pub(in crate::fs) fn find(
        &self,
        message: &MessageNode,
        contents: &Contents,
        path: &str,
    ) -> Result<ShownEntry, Error> {
        if let Some(file) = contents.temporaries.get(path) {
            return Ok(ShownEntry::Temporary(file.clone()));
        }
        if contents.removals.hides(path) {
            return Err(Error::NotFound);
        }
        self.find_hidden(message, contents, path)
    }

    /// What a path of a message leads to, though it may be hidden: for those who have it open.
    pub(in crate::fs) fn find_hidden(
        &self,
        message: &MessageNode,
        contents: &Contents,
        path: &str,
    ) -> Result<ShownEntry, Error> {
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
        let number = contents.numbers.number(path, view::fixed_number(path));
        if let Some(file) = contents.files.get(&number).filter(|file| file.lock().is_new()) {
            return Ok(ShownEntry::New(Arc::clone(file)));
        }
        // What file managers look for everywhere must not open every message.
        if !path.is_empty() && !path.contains('/') && !view::is_message_entry(path) {
            return Err(Error::NotFound);
        }
        let open = self.current_message(message, contents)?;
        match open.tree.resolve(path) {
            Ok((id, kind)) => Ok(ShownEntry::Node(open, id, kind)),
            Err(view::Error::NotFound) => match self.access_in(&open, path)? {
                FileAccess::Directory => Ok(ShownEntry::EmptyDirectory(open)),
                _ => Err(Error::NotFound),
            },
            Err(error) => Err(message_error(&contents.path, error)),
        }
    }

    /// What may be done with a path of a message.
    pub(in crate::fs) fn access_in(
        &self,
        open: &OpenMessage,
        path: &str,
    ) -> Result<FileAccess, Error> {
        view::file_access(&open.tree, path).map_err(|error| message_error(&open.path, error))
    }

    /// Finds a file in a directory of a message that differs from its file, and counts one
    /// reference.
    pub(in crate::fs) fn lookup_in_contents(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        parent: NodeId,
        name: &str,
        process: u32,
    ) -> Result<Entry, Error> {
        let directory = self.path_in(contents, parent)?;
        let path = joined(&directory, name);
        if contents.creators.hides(&path, process) {
            return Err(Error::NotFound);
        }
        let found = self.find(message, contents, &path)?;
        let entry = self.entry(message, contents, &path, &found)?;
        self.nodes.look_up_inside(message.base, 1);
        Ok(entry)
    }

    /// Finds a directory that a message does not have because nothing is in it, so that something
    /// can be put there.
    pub(in crate::fs) fn lookup_empty(
        &self,
        message: LookedUpMessage<'_>,
        parent: NodeId,
        name: &str,
    ) -> Result<Entry, Error> {
        if parent == NodeId(0) && name != view::ATTACHMENTS {
            return Err(Error::NotFound);
        }
        let message = message.with_directory();
        let directory = message.directory.as_ref().ok_or(Error::NotFound)?;
        let mut contents = directory.lock();
        let entry = self.lookup_in_contents(&message, &mut contents, parent, name, 0)?;
        // The tree of the message knows no number of it.
        contents.numbers.translate();
        Ok(entry)
    }

    /// What the kernel is told of a file that was found.
    pub(in crate::fs) fn entry(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        path: &str,
        found: &ShownEntry,
    ) -> Result<Entry, Error> {
        let number = contents.numbers.assign(path, found.in_tree().or(view::fixed_number(path)));
        let attr = self.found_attr(message, contents, (path, number), found)?;
        Ok(Entry { attr, ttl: self.ttl_of(message, contents) })
    }

    /// For how long the kernel may keep what it is told: any edit may change any file of its
    /// message, so as long as there are edits it asks each time.
    fn ttl_of(&self, message: &MessageNode, contents: &mut Contents) -> Duration {
        let may_keep = contents.is_plain() && contents.creators.is_empty();
        contents.is_kept_by_kernel |= may_keep && !message.ttl.is_zero();
        if may_keep { message.ttl } else { Duration::ZERO }
    }

    /// The attributes of a number in a message that differs from its file.
    pub(in crate::fs) fn attr_in_contents(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        number: NodeId,
    ) -> Result<Entry, Error> {
        let ttl = self.ttl_of(message, contents);
        let path = contents.numbers.path(number).map(str::to_owned);
        let found = match &path {
            Some(path) => self.find_hidden(message, contents, path).map(|found| (path, found)),
            None => Err(Error::Stale { path: contents.path.clone() }),
        };
        let attr = match found {
            Ok((path, found)) => self.found_attr(message, contents, (path, number), &found)?,
            Err(error) => self.removed_attr(message, contents, number).ok_or(error)?,
        };
        Ok(Entry { attr, ttl })
    }

    /// Lists a directory of a message that differs from its file.
    pub(in crate::fs) fn list_in_contents(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        number: NodeId,
        (cookie, look_up): (u64, bool),
        add: Add<'_>,
    ) -> Result<(), Error> {
        let directory = self.path_in(contents, number)?;
        if cookie == 0 {
            contents.creators.done(&directory);
        }
        let names = self.names_in(message, contents, &directory)?;
        let mut added = 0;
        for (name, cookie) in
            crate::fs::source::folders::by_cookie(&names, |name| OsStr::new(name), cookie)
        {
            let path = joined(&directory, name);
            let Ok(found) = self.find(message, contents, &path) else { continue };
            // What cannot be told of one file must not end the listing of the others.
            let Ok(entry) = self.entry(message, contents, &path, &found) else { continue };
            if add(DirectoryEntry { name: OsStr::new(name), cookie, entry, is_dot: false }) {
                break;
            }
            added += 1;
        }
        if look_up {
            self.nodes.look_up_inside(message.base, added);
        }
        Ok(())
    }

    /// The names in a directory of a message.
    pub(in crate::fs) fn names_in(
        &self,
        message: &MessageNode,
        contents: &Contents,
        directory: &str,
    ) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        match self.find(message, contents, directory)? {
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

    fn found_attr(
        &self,
        message: &MessageNode,
        contents: &Contents,
        (path, number): (&str, NodeId),
        found: &ShownEntry,
    ) -> Result<Attr, Error> {
        let ino = Ino::new(message.base, number);
        let ownership = &self.options.ownership;
        let time = contents.times.get(path).copied();
        let made = |directory: &Attr, file_type, size, time| {
            Attr::of_node(directory, ino, file_type, size, time, ownership)
        };
        Ok(match found {
            ShownEntry::Node(open, ..) if path.is_empty() => {
                self.current_attr(message, contents, open)?
            }
            ShownEntry::Node(open, id, kind) => {
                let attributes = open.tree.attributes(*id);
                let attributes = attributes.map_err(|e| message_error(&contents.path, e))?;
                let written = contents.files.get(&number);
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
                let directory = self.current_message(message, contents)?.directory;
                let (len, changed) = file.lock().len_and_time().unwrap_or((0, SystemTime::now()));
                made(&directory, FileType::RegularFile, len, Some(changed))
            }
            ShownEntry::Temporary(file) => {
                let directory = self.current_message(message, contents)?.directory;
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
                let metadata = self.metadata(folder)?;
                let directory =
                    Attr::of_new_message(ino, &metadata, arrival.permissions, ownership);
                let (size, time) = arrival.len_and_time();
                made(&directory, FileType::RegularFile, size, Some(time))
            }
        })
    }

    /// The attributes of the directory of a message.
    fn current_attr(
        &self,
        message: &MessageNode,
        contents: &Contents,
        open: &OpenMessage,
    ) -> Result<Attr, Error> {
        let ino = Ino::new(message.base, NodeId(0));
        let mut attr = match self.source.metadata(&contents.path) {
            Ok(metadata) if !contents.is_pending() => {
                Attr::of_message(ino, &metadata, &self.options.ownership)
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
    fn removed_attr(
        &self,
        message: &MessageNode,
        contents: &Contents,
        number: NodeId,
    ) -> Option<Attr> {
        let ino = Ino::new(message.base, number);
        let file = FileType::RegularFile;
        let ownership = &self.options.ownership;
        if let Some(written) = contents.files.get(&number) {
            let size = written.lock().len_and_time().map_or(0, |(len, _)| len);
            let directory = self.current_message(message, contents).ok()?.directory;
            let attr = Attr::of_node(&directory, ino, file, size, None, ownership);
            return Some(Attr { links: 0, ..attr });
        }
        if contents.numbers.path(number).is_some() {
            // The file was emptied and has no value now; a program that opens it has it again. The
            // kernel may have looked it up just before, and asks for its attributes before it sends
            // the open.
            let directory = self.current_message(message, contents).ok()?.directory;
            return Some(Attr::of_node(&directory, ino, file, 0, None, ownership));
        }
        let (open, id) = contents.orphans.get(&number)?;
        let found = open.tree.attributes(*id).ok()?;
        if found.kind == FileKind::Directory {
            return None;
        }
        let attr = Attr::of_node(&open.directory, ino, file, found.size, None, ownership);
        Some(Attr { links: 0, ..attr })
    }

    /// Reads a file of a message that differs from its file: as it is being written, or as it was
    /// when it was removed.
    pub(in crate::fs) fn read_in_contents(
        &self,
        message: &MessageNode,
        contents: MutexGuard<'_, Contents>,
        number: NodeId,
        (offset, size): (u64, usize),
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if let Some(file) = contents.files.get(&number).cloned() {
            let content = file.lock();
            if content.is_seen() {
                drop(contents);
                *out = content.read(offset, size)?;
                return Ok(());
            }
        }
        let found = match contents.numbers.path(number) {
            Some(path) => self.find_hidden(message, &contents, path),
            None => match contents.orphans.get(&number) {
                Some((open, id)) => Ok(ShownEntry::Node(Arc::clone(open), *id, FileKind::File)),
                None => Err(Error::Stale { path: contents.path.clone() }),
            },
        };
        // Release the lock: a long read must not block other requests for the message.
        drop(contents);
        let found = match found {
            // It was emptied, and lost its value since the kernel looked it up.
            Err(Error::NotFound) => {
                out.clear();
                return Ok(());
            }
            found => found?,
        };
        match found {
            ShownEntry::Node(open, id, FileKind::File) => {
                let read = open.tree.read_into(id, offset, size, out);
                read.map_err(|error| message_error(&open.path, error))
            }
            ShownEntry::Temporary(file) => {
                let file = file.file().ok_or(Error::IsADirectory)?;
                *out = file.with(|bytes| bytes.read(offset, size))?;
                Ok(())
            }
            ShownEntry::Arrival(arrival) => {
                *out = arrival.read(offset, size)?;
                Ok(())
            }
            ShownEntry::New(_) => {
                out.clear();
                Ok(())
            }
            ShownEntry::Node(..) | ShownEntry::EmptyDirectory(_) => Err(Error::IsADirectory),
        }
    }
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
