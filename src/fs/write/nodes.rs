//! Looking up, listing and attributes of the files in a message that may be written to.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::view::{self, ExtendedAttribute, FileAccess, Kind, NodeId};

use super::super::attr::{self, Attr, FileType};
use super::super::ino::Ino;
use super::super::messages::message_error;
use super::super::{Add, DirectoryEntry, Entry, Error, Ownership, source_error};
use super::Writing;
use super::draft::{Draft, Opened, State};
use super::handle::{Handle, OpenFile};
use super::scratch::ScratchFile;

/// Any edit may change any file of its message, so the kernel asks each time.
pub(super) const TTL: Duration = Duration::ZERO;
/// What may be written to has these bits, if its message has them.
const WRITE_BITS: u16 = 0o222;

/// One entry of a directory that is being listed.
#[derive(Clone, Debug)]
pub(super) struct ListedEntry {
    name: String,
}

/// What a path leads to.
enum Found {
    /// A file or directory of the message.
    Node(Arc<Opened>, NodeId, Kind),
    /// A directory that is there so that something can be put into it.
    EmptyDirectory,
    Scratch(ScratchFile),
    /// A file that is being written for the first time.
    Pending,
}

impl Writing {
    /// The message of an inode, and the number of the file in it.
    pub(super) fn draft(&self, ino: Ino) -> Result<(Arc<Draft>, NodeId), Error> {
        let (base, number) = ino.parts();
        Ok((self.table.get(base).ok_or(Error::NotFound)?, number))
    }

    /// The path of a number in its message.
    pub(super) fn path(&self, state: &State, number: NodeId) -> Result<String, Error> {
        match state.paths.path(number) {
            Some(path) => Ok(path.to_owned()),
            None if state.paths.is_known(number) => Err(Error::Stale { path: state.path.clone() }),
            None => Err(Error::NotFound),
        }
    }

    /// Finds a file in a directory of a message, and counts one reference.
    pub(in crate::fs) fn lookup(
        &self,
        parent: Ino,
        name: &OsStr,
        process: u32,
    ) -> Result<Entry, Error> {
        let (draft, number) = self.draft(parent)?;
        let mut state = draft.lock();
        let directory = self.path(&state, number)?;
        let path = joined(&directory, name.to_str().ok_or(Error::NotFound)?);
        if state.creators.hides(&path, process) {
            return Err(Error::NotFound);
        }
        let found = self.find(&draft, &state, &path)?;
        let number = state.paths.number(&path);
        let attr = self.found_attr(&draft, &state, &path, number, &found)?;
        state.paths.look_up(&path);
        drop(state);
        self.table.look_up(draft.base);
        Ok(Entry { attr, ttl: TTL })
    }

    /// Gives back references.
    pub(in crate::fs) fn forget(&self, ino: Ino, lookups: u64) {
        let Ok((draft, number)) = self.draft(ino) else { return };
        draft.lock().paths.forget(number, lookups);
        let base = draft.base;
        drop(draft);
        self.table.forget(base, lookups);
    }

    /// The attributes of a file.
    pub(in crate::fs) fn getattr(&self, ino: Ino) -> Result<Entry, Error> {
        let (draft, number) = self.draft(ino)?;
        let state = draft.lock();
        Ok(Entry { attr: self.attr(&draft, &state, number)?, ttl: TTL })
    }

    pub(super) fn attr(&self, draft: &Draft, state: &State, number: NodeId) -> Result<Attr, Error> {
        if let Some(incoming) = &state.incoming {
            let folder = state.path.parent().unwrap_or(Path::new(""));
            let metadata = self.source.metadata(folder);
            let metadata = metadata.map_err(|error| source_error(&state.path, error))?;
            let ino = Ino::new(draft.base, number);
            let directory = Attr::of_new_message(ino, &metadata, &self.ownership);
            return Ok(self.incoming_attr(ino, &directory, incoming));
        }
        let path = match self.path(state, number) {
            Ok(path) => path,
            Err(error) => return self.removed_attr(draft, state, number).ok_or(error),
        };
        let found = self.find(draft, state, &path)?;
        self.found_attr(draft, state, &path, number, &found)
    }

    /// Opens a directory for listing.
    pub(in crate::fs) fn opendir(&self, ino: Ino) -> Result<u64, Error> {
        let (draft, number) = self.draft(ino)?;
        let file = OpenFile::Directory(Mutex::new(Arc::default()));
        Ok(self.handles.add(Arc::new(Handle { draft, number, file })))
    }

    /// Lists a directory that is open from a cookie on. It is listed as it was at the start.
    pub(in crate::fs) fn readdir(
        &self,
        handle: u64,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        let handle = self.handles.get(handle)?;
        let OpenFile::Directory(listed) = &handle.file else { return Err(Error::NotADirectory) };
        let draft = &handle.draft;
        let mut state = draft.lock();
        let directory = self.path(&state, handle.number)?;
        let entries = {
            let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
            if cookie == 0 {
                state.creators.done(&directory);
                *listed = self.list(draft, &state, &directory)?.into();
            }
            Arc::clone(&listed)
        };
        for (number, name) in [(1, "."), (2, "..")] {
            let attr = self.attr(draft, &state, handle.number)?;
            let entry = Entry { attr, ttl: TTL };
            let dot =
                DirectoryEntry { name: OsStr::new(name), cookie: number, entry, is_dot: true };
            if cookie < number && add(dot) {
                return Ok(());
            }
        }
        for (child, at) in entries.iter().zip(3_u64..).filter(|(_, at)| *at > cookie) {
            let path = joined(&directory, &child.name);
            let number = state.paths.number(&path);
            // It may have been removed meanwhile.
            let Ok(found) = self.find(draft, &state, &path) else { continue };
            let attr = self.found_attr(draft, &state, &path, number, &found);
            let Ok(attr) = attr else { continue };
            let (name, entry) = (OsStr::new(&child.name), Entry { attr, ttl: TTL });
            if add(DirectoryEntry { name, cookie: at, entry, is_dot: false }) {
                return Ok(());
            }
            if look_up {
                state.paths.look_up(&path);
                self.table.look_up(draft.base);
            }
        }
        Ok(())
    }

    /// The target of a symbolic link.
    pub(in crate::fs) fn readlink(&self, ino: Ino) -> Result<Vec<u8>, Error> {
        let (draft, number) = self.draft(ino)?;
        let state = draft.lock();
        let path = self.path(&state, number)?;
        match self.find(&draft, &state, &path)? {
            Found::Node(opened, id, Kind::Symlink) => {
                let in_message = |error| message_error(&state.path, error);
                let size = opened.tree.attributes(id).map_err(in_message)?.size;
                let size = usize::try_from(size).unwrap_or(0);
                opened.tree.read(id, 0, size).map_err(in_message)
            }
            _ => Err(Error::NotALink),
        }
    }

    /// The extended attributes of a file: names, or the value of one.
    pub(in crate::fs) fn with_attributes<T: Default>(
        &self,
        ino: Ino,
        run: impl FnOnce(&view::MessageTree, NodeId) -> Result<T, view::Error>,
    ) -> Result<T, Error> {
        let (draft, number) = self.draft(ino)?;
        let state = draft.lock();
        let path = self.path(&state, number)?;
        if path.is_empty() {
            return Ok(T::default());
        }
        match self.find(&draft, &state, &path)? {
            Found::Node(opened, id, _) => {
                run(&opened.tree, id).map_err(|error| message_error(&state.path, error))
            }
            _ => Ok(T::default()),
        }
    }

    /// Whether a file may be written to.
    pub(super) fn check_settable(
        &self,
        draft: &Draft,
        state: &State,
        path: &str,
    ) -> Result<(), Error> {
        let opened = self.opened(draft, state)?;
        let access = view::file_access(&opened.tree, path);
        match access.map_err(|error| message_error(&state.path, error))? {
            FileAccess::Settable => self.check_writable(draft, state),
            FileAccess::Directory | FileAccess::EmbeddedMessage => Err(Error::IsADirectory),
            FileAccess::ReadOnly(reason) | FileAccess::Unknown(reason) => {
                Err(Error::NotPermitted(reason))
            }
        }
    }

    /// The kind of what is at a path; `None` if there is nothing.
    pub(super) fn kind_at(
        &self,
        draft: &Draft,
        state: &State,
        path: &str,
    ) -> Result<Option<Kind>, Error> {
        match self.find(draft, state, path) {
            Ok(Found::Node(_, _, kind)) => Ok(Some(kind)),
            Ok(Found::EmptyDirectory) => Ok(Some(Kind::Directory)),
            Ok(Found::Pending) => Ok(Some(Kind::File)),
            Ok(Found::Scratch(file)) => {
                Ok(Some(if file.bytes.is_some() { Kind::File } else { Kind::Directory }))
            }
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names in a directory of a message.
    pub(super) fn names_in(
        &self,
        draft: &Draft,
        state: &State,
        directory: &str,
    ) -> Result<Vec<String>, Error> {
        let entries = self.list(draft, state, directory)?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }

    fn list(
        &self,
        draft: &Draft,
        state: &State,
        directory: &str,
    ) -> Result<Vec<ListedEntry>, Error> {
        let mut entries: Vec<ListedEntry> = Vec::new();
        match self.find(draft, state, directory)? {
            Found::Node(opened, id, _) => {
                let listing = opened.tree.list(id);
                let listing = listing.map_err(|error| message_error(&state.path, error))?;
                let names = listing.entries().iter().map(|entry| entry.name.clone());
                entries.extend(names.map(|name| ListedEntry { name }));
            }
            Found::EmptyDirectory => {}
            Found::Scratch(file) if file.bytes.is_none() => {}
            Found::Scratch(_) | Found::Pending => return Err(Error::NotADirectory),
        }
        let is_listed =
            |entries: &[ListedEntry], name: &str| entries.iter().any(|e| e.name == name);
        for (name, _) in state.scratch.children(directory) {
            if !is_listed(&entries, name) {
                entries.push(ListedEntry { name: name.to_owned() });
            }
        }
        for writer in &state.writers {
            let path = state.paths.path(writer.number).unwrap_or_default();
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let is_pending = writer.written().is_some_and(|written| written.is_pending);
            if is_pending && parent == directory && !is_listed(&entries, name) {
                entries.push(ListedEntry { name: name.to_owned() });
            }
        }
        Ok(entries)
    }

    fn find(&self, draft: &Draft, state: &State, path: &str) -> Result<Found, Error> {
        if let Some(file) = state.scratch.get(path) {
            return Ok(Found::Scratch(file.clone()));
        }
        let number = state.paths.number(path);
        let is_pending = |writer: &Arc<Handle>| {
            writer.number == number && writer.written().is_some_and(|written| written.is_pending)
        };
        if number != NodeId(0) && state.writers.iter().any(is_pending) {
            return Ok(Found::Pending);
        }
        // What file managers look for everywhere must not open every message.
        if !path.is_empty() && !path.contains('/') && !view::is_message_entry(path) {
            return Err(Error::NotFound);
        }
        let opened = self.opened(draft, state)?;
        match opened.tree.resolve(path) {
            Ok((id, kind)) => Ok(Found::Node(opened, id, kind)),
            Err(view::Error::NotFound) => {
                let access = view::file_access(&opened.tree, path);
                match access.map_err(|error| message_error(&state.path, error))? {
                    FileAccess::Directory => Ok(Found::EmptyDirectory),
                    _ => Err(Error::NotFound),
                }
            }
            Err(error) => Err(message_error(&state.path, error)),
        }
    }

    fn found_attr(
        &self,
        draft: &Draft,
        state: &State,
        path: &str,
        number: NodeId,
        found: &Found,
    ) -> Result<Attr, Error> {
        let ino = Ino::new(draft.base, number);
        let ownership = &self.ownership;
        let time = state.times.get(path).copied();
        match found {
            Found::Node(opened, ..) if path.is_empty() => self.message_attr(draft, state, opened),
            Found::Node(opened, id, kind) => {
                let attributes = opened.tree.attributes(*id);
                let attributes = attributes.map_err(|e| message_error(&state.path, e))?;
                let (len, changed) = unflushed(state, number).unzip();
                let size = len.unwrap_or(attributes.size);
                let time = changed.or(time).or(attributes.time.map(attr::system_time));
                let file_type = file_type(*kind);
                let made = Attr::made(&opened.directory, ino, file_type, size, time, ownership);
                Ok(self.permitted(&opened.tree, path, *kind, made, opened.directory.permissions))
            }
            Found::EmptyDirectory => {
                let directory = self.opened(draft, state)?.directory;
                let made = Attr::made(&directory, ino, FileType::Directory, 0, time, ownership);
                Ok(Attr { permissions: directory.permissions, ..made })
            }
            Found::Pending => {
                let directory = self.opened(draft, state)?.directory;
                let (len, changed) = unflushed(state, number).unwrap_or((0, SystemTime::now()));
                let file = FileType::RegularFile;
                let made = Attr::made(&directory, ino, file, len, Some(changed), ownership);
                Ok(writable(made, directory.permissions))
            }
            Found::Scratch(file) => {
                let directory = self.opened(draft, state)?.directory;
                Ok(scratch_attr(&directory, ino, file, ownership))
            }
        }
    }

    /// The attributes of the message directory itself.
    fn message_attr(&self, draft: &Draft, state: &State, opened: &Opened) -> Result<Attr, Error> {
        let mut attr = opened.directory;
        if !state.is_new && !state.is_unsaved() {
            let metadata = self.source.metadata(&state.path);
            let metadata = metadata.map_err(|e| source_error(&state.path, e))?;
            attr = self.directory_attr(draft.base, &metadata);
        }
        if let Some(edited) = state.edited().filter(|edited| *edited > attr.mtime) {
            (attr.mtime, attr.ctime) = (edited, edited);
        }
        Ok(attr)
    }

    /// What was removed while it was open has attributes still.
    fn removed_attr(&self, draft: &Draft, state: &State, number: NodeId) -> Option<Attr> {
        let is_it = |handle: &&Arc<Handle>| {
            handle.number == number && std::ptr::eq(Arc::as_ptr(&handle.draft), draft)
        };
        let handles = self.handles.all();
        let handle = handles.iter().find(is_it)?;
        let size = match &handle.file {
            OpenFile::Scratch(bytes) => super::handle::lock(bytes).len().unwrap_or(0),
            _ => handle.written().and_then(|written| written.unflushed()).map_or(0, |one| one.0),
        };
        let directory = self.opened(draft, state).ok()?.directory;
        let ino = Ino::new(draft.base, number);
        let file = FileType::RegularFile;
        let made = Attr::made(&directory, ino, file, size, None, &self.ownership);
        Some(Attr { links: 0, ..writable(made, directory.permissions) })
    }

    /// Gives what may be written to the bits for it.
    fn permitted(
        &self,
        tree: &view::MessageTree,
        path: &str,
        kind: Kind,
        attr: Attr,
        of_message: u16,
    ) -> Attr {
        let access = view::file_access(tree, path).unwrap_or(FileAccess::ReadOnly(""));
        match (kind, access) {
            (Kind::File, FileAccess::Settable)
            | (Kind::Directory, FileAccess::Directory | FileAccess::EmbeddedMessage) => {
                writable(attr, of_message)
            }
            _ => attr,
        }
    }

    /// The names of the extended attributes of a file.
    pub(in crate::fs) fn listxattr(&self, ino: Ino) -> Result<Vec<&'static str>, Error> {
        self.with_attributes(ino, |tree, id| {
            Ok(tree.extended_attributes(id)?.into_iter().map(ExtendedAttribute::name).collect())
        })
    }
}

/// A path and a name in it.
pub(super) fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Length and time of what is written to a file and not its value yet.
fn unflushed(state: &State, number: NodeId) -> Option<(u64, SystemTime)> {
    let writer = state.writers.iter().rev().find(|writer| writer.number == number)?;
    writer.written()?.unflushed()
}

fn writable(attr: Attr, of_message: u16) -> Attr {
    Attr { permissions: attr.permissions | (of_message & WRITE_BITS), ..attr }
}

fn scratch_attr(directory: &Attr, ino: Ino, file: &ScratchFile, ownership: &Ownership) -> Attr {
    let (file_type, size) = match &file.bytes {
        Some(bytes) => (FileType::RegularFile, super::handle::lock(bytes).len().unwrap_or(0)),
        None => (FileType::Directory, 0),
    };
    let made = Attr::made(directory, ino, file_type, size, Some(file.mtime), ownership);
    Attr { permissions: file.permissions & !ownership.umask, ..made }
}

fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Directory => FileType::Directory,
        Kind::File => FileType::RegularFile,
        Kind::Symlink => FileType::Symlink,
    }
}
