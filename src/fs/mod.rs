//! The filesystem: a source folder with each message as a directory.
//!
//! The operations have the kernel's names and know nothing of the kernel: every one is a call
//! with a result, so that the command line and the tests use the same filesystem without a mount.
//! [`fuse`] and [`notify`] alone speak to the kernel. What a message looks like is the business of
//! [`crate::view`].

mod access_list;
mod ahead;
mod attr;
mod control;
pub mod edit_log;
mod error;
mod folders;
pub mod fuse;
mod habits;
mod ino;
mod live;
mod messages;
mod metadata;
pub mod notify;
mod path;
mod source;
mod store;
mod watch;
mod watches;
mod write;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::imsg::{CloseReport, MessageCache, Session, SessionOptions};
use crate::mapi::CodePage;
use crate::storage;
use crate::view::{ExtendedAttribute, Kind, NodeId, Show};

use ahead::Ahead;
use control::{ControlFile, Damaged, Snapshots};
use folders::Folders;
use habits::Habits;
use ino::{Base, Identity, Nodes, SourceKind, SourceNode};
use messages::{MessageNode, OpenMessage, message_error};
use metadata::Metadata;
use source::{SourceFolder, SourceRoot};
use store::Stores;
use watch::{Grant, Watcher};
use write::{StateFolder, Writing};

pub use attr::{Attr, FileType, Ownership};
pub use error::Error;
pub use ino::Ino;
pub use live::Invalidation;
pub use path::{Named, Place, Sources};
pub use rustix::fs::StatVfs;
pub use store::Store;
pub use write::{SetAttr, WriteOptions};

/// How a filesystem shows its source.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which hidden views are listed.
    pub show: Show,
    /// Whether files that are no messages are left out (`others=hide`).
    pub hide_others: bool,
    /// The code page of every 8-bit string (`codepage=`).
    pub code_page: Option<CodePage>,
    /// The memory that open messages may take, in bytes (`cache=`).
    pub cache_bytes_max: usize,
    /// Who owns what is shown.
    pub ownership: Ownership,
    /// Where the filesystem itself is to be mounted, so that it never asks itself.
    pub mount_point: Option<PathBuf>,
    /// How it is written to; `None` for reading only.
    pub write: Option<WriteOptions>,
    /// Whether the source is watched, by someone who calls [`Fs::wait_for_changes`].
    pub watch: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hide_others: false,
            code_page: None,
            cache_bytes_max: 64 << 20,
            ownership: Ownership::default(),
            mount_point: None,
            write: None,
            watch: false,
        }
    }
}

/// A file that was looked up: its attributes, and for how long they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The attributes.
    pub attr: Attr,
    /// How long they may be kept.
    pub ttl: Duration,
}

/// One entry of a directory.
#[derive(Debug)]
pub struct DirectoryEntry<'a> {
    /// Its name.
    pub name: &'a OsStr,
    /// Where a listing goes on behind it.
    pub cookie: u64,
    /// Its attributes, and for how long they hold.
    pub entry: Entry,
    /// Whether it is `.` or `..`.
    pub is_dot: bool,
}

/// Takes an entry of a listing, and says whether it has had enough: then it did not take it.
pub type Add<'a> = &'a mut dyn FnMut(DirectoryEntry<'_>) -> bool;

/// The filesystem.
#[derive(Debug)]
pub struct Fs {
    source: Arc<SourceRoot>,
    options: Options,
    /// The own mount point relative to the source, and its attributes before the mount.
    own_mount_point: Option<(PathBuf, Metadata)>,
    session: Session,
    nodes: Nodes,
    messages: MessageCache<Arc<SourceNode>, OpenMessage>,
    folders: Folders,
    ahead: Ahead,
    habits: Habits,
    stores: Stores,
    watcher: Option<Watcher>,
    snapshots: Snapshots,
    damaged: Damaged,
    /// `None` if it is only read.
    writing: Option<Arc<Writing>>,
    /// The message that the whole source is, if it may be written to.
    one_message: Option<Ino>,
}

/// The source may change at any time, so its files are looked at again after this.
const SOURCE_TTL: Duration = Duration::from_secs(1);
/// What is in a message holds for as long as its inode number, which changes with the file.
const MESSAGE_TTL: Duration = Duration::from_secs(365 * 24 * 3600);

impl Fs {
    /// Opens a source, a folder or one message file, and the session that reads it.
    ///
    /// # Errors
    /// If the source cannot be opened.
    pub fn open(source: &Path, options: Options) -> io::Result<Self> {
        let source = source.canonicalize()?;
        let metadata = Metadata::from(&source.metadata()?);
        let (folder, path) = if metadata.is_dir() {
            (source.as_path(), PathBuf::new())
        } else {
            let name = source.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            (source.parent().unwrap_or(Path::new("/")), PathBuf::from(name))
        };
        let kind = match (metadata.is_dir(), metadata.is_file()) {
            (true, _) => SourceKind::Folder,
            (_, true) => SourceKind::OneMessage,
            _ => return Err(io::Error::other("neither a folder nor a file")),
        };
        let root = SourceNode { path, kind, identity: identity_of(kind, &metadata) };
        let own_mount_point = options.mount_point.as_deref().and_then(|mount_point| {
            let mount_point = mount_point.canonicalize().ok()?;
            let path = mount_point.strip_prefix(folder).ok()?.to_owned();
            // The root itself is reached by its descriptor, whatever is mounted over it.
            let inside = !path.as_os_str().is_empty();
            inside.then_some((path, (&mount_point.metadata().ok()?).into()))
        });
        let source = SourceRoot::open(folder)?;
        let mut fs = Self::of_root(source, root.clone(), options);
        fs.own_mount_point = own_mount_point;
        if let Some(write) = fs.options.write.clone() {
            let state_folder = StateFolder::new(write.state_folder.clone(), folder);
            let source = Arc::clone(&fs.source);
            let writing =
                Writing::new(write, &fs.options, source, fs.session.clone(), state_folder);
            if kind == SourceKind::OneMessage {
                fs.one_message = Some(writing.enter_one(&root.path));
            }
            fs.writing = Some(writing);
        }
        Ok(fs)
    }

    /// Opens one message file that need not have a name.
    ///
    /// # Errors
    /// If its attributes cannot be read.
    pub fn of_file(file: std::fs::File, options: Options) -> io::Result<Self> {
        let kind = SourceKind::OneMessage;
        let identity = identity_of(kind, &(&file.metadata()?).into());
        let root = SourceNode { path: PathBuf::from("-"), kind, identity };
        Ok(Self::of_root(SourceRoot::of_file(file), root, options))
    }

    fn of_root(source: SourceRoot, root: SourceNode, options: Options) -> Self {
        // Without one, the source is looked at again every second.
        let watcher = options.watch.then(Watcher::new).and_then(|watcher| {
            watcher.inspect_err(|error| tracing::warn!("the source is not watched: {error}")).ok()
        });
        Self {
            source: Arc::new(source),
            watcher,
            own_mount_point: None,
            writing: None,
            one_message: None,
            session: Session::open(SessionOptions { code_page: options.code_page }),
            nodes: Nodes::new(Arc::new(root)),
            messages: MessageCache::new(options.cache_bytes_max),
            folders: Folders::new(),
            ahead: Ahead::default(),
            habits: Habits::default(),
            stores: Stores::default(),
            snapshots: Snapshots::default(),
            damaged: Damaged::default(),
            options,
        }
    }

    /// Closes the session: what is unsaved is saved, every message is released, and to look into
    /// one then fails.
    pub fn close(&self) -> CloseReport {
        if let Some(writing) = &self.writing {
            writing.close();
        }
        self.ahead.close();
        // The session knows what was open; the cache then lets go of the trees.
        let report = self.session.close();
        self.messages.clear();
        if let Some(writing) = &self.writing {
            writing.closed(&report);
        }
        report
    }

    /// Finds a file in a directory. Each success is one reference, given back with
    /// [`Fs::forget`].
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::Stale`], or where the source cannot
    /// be read.
    pub fn lookup(&self, parent: Ino, name: &OsStr) -> Result<Entry, Error> {
        let (base, id) = parent.parts();
        if base == Base::CONTROL {
            let mut files = ControlFile::ALL.into_iter();
            let file = files.find(|file| file.name() == name).filter(|_| id == NodeId(0));
            return self.control_entry(file.ok_or(Error::NotFound)?.node());
        }
        if parent == Ino::ROOT && name == control::DIRECTORY {
            return self.control_entry(NodeId(0));
        }
        if let Some((writing, parent)) = self.in_message(parent) {
            return writing.lookup(parent, name, 0);
        }
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Message => self.lookup_in_message(&MessageNode::new(base, node), id, name),
            SourceKind::OneMessage => {
                let message = self.look_up_one_message(&node)?;
                let found = self.lookup_in_message(&message, NodeId(0), name);
                self.nodes.forget(message.base, 1);
                found
            }
            SourceKind::Folder => {
                let grant = self.watch(&node);
                let path = node.path.join(name);
                self.source_entry(&path, self.metadata(&path), true, grant)
            }
            SourceKind::OwnMountPoint => Err(Error::NotFound),
            SourceKind::Other => Err(Error::NotADirectory),
        }
    }

    /// Gives back references that lookups have given.
    pub fn forget(&self, ino: Ino, lookups: u64) {
        let (base, _) = ino.parts();
        if let Some(writing) = self.writing.as_ref().filter(|_| base.is_draft()) {
            return writing.forget(ino, lookups);
        }
        self.nodes.forget(base, lookups);
    }

    /// The attributes of a file.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotFound`], or where the source cannot be read.
    pub fn getattr(&self, ino: Ino) -> Result<Entry, Error> {
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            return self.control_entry(id);
        }
        if let Some((writing, inner)) = self.in_message(ino) {
            let mut entry = writing.getattr(inner)?;
            entry.attr.ino = ino;
            return Ok(entry);
        }
        let node = self.node(base)?;
        if id == NodeId(0) {
            let grant = self.watched(&node);
            let metadata = self.metadata(&node.path)?;
            if identity_of(node.kind, &metadata) != node.identity && base != Base::ROOT {
                return Err(Error::Stale { path: node.path.clone() });
            }
            let ttl = self.source_ttl(&node, &metadata, grant);
            return Ok(Entry { attr: self.source_attr(ino, &node, &metadata), ttl });
        }
        let message = MessageNode::new(base, node);
        let open = self.open_message(&message)?;
        let attr = self.asked_attr(&message, &open, id)?;
        self.messages.weigh(&message.node, open.tree.bytes_held());
        Ok(Entry { attr, ttl: message.ttl })
    }

    /// Lists a directory from a cookie on, 0 being the start, until `add` says that it has had
    /// enough. With `look_up` each entry added counts as a lookup, `.` and `..` excepted.
    ///
    /// # Errors
    /// [`Error::NotADirectory`], [`Error::Stale`], or where the source cannot be read.
    pub fn readdir(&self, ino: Ino, cookie: u64, look_up: bool, add: Add<'_>) -> Result<(), Error> {
        if let Some((writing, ino)) = self.in_message(ino) {
            let handle = writing.opendir(ino)?;
            let listed = writing.readdir(handle, cookie, look_up, add);
            writing.release(handle);
            return listed;
        }
        for (number, name) in [(1, "."), (2, "..")] {
            if cookie < number {
                // The kernel looks for the parent itself; the number shown is the own one.
                let entry = self.getattr(ino)?;
                let name = OsStr::new(name);
                if add(DirectoryEntry { name, cookie: number, entry, is_dot: true }) {
                    return Ok(());
                }
            }
        }
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            return self.read_control(cookie, add);
        }
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Folder => self.read_folder(&node, cookie, look_up, add),
            SourceKind::Message => {
                self.read_message(&MessageNode::new(base, node), id, cookie, look_up, add)
            }
            SourceKind::OneMessage => {
                let message = self.look_up_one_message(&node)?;
                let listed = self.read_message(&message, NodeId(0), cookie, look_up, add);
                self.nodes.forget(message.base, 1);
                listed
            }
            SourceKind::OwnMountPoint => Ok(()),
            SourceKind::Other => Err(Error::NotADirectory),
        }
    }

    /// Reads at most `size` bytes of a file, short only at its end.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::Stale`], or where the source is damaged or cannot be read.
    pub fn read(&self, ino: Ino, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.read_into(ino, offset, size, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads as [`Fs::read`] does, in the place of what is in `out`: a vector that is used again
    /// and again is neither allocated nor cleared every time.
    ///
    /// # Errors
    /// As [`Fs::read`].
    pub fn read_into(
        &self,
        ino: Ino,
        offset: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let (base, id) = ino.parts();
        if base == Base::CONTROL {
            let file = ControlFile::from_node(id).ok_or(Error::IsADirectory)?;
            let text = self.snapshots.last(file);
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
            let end = start.saturating_add(size).min(text.len());
            out.clear();
            out.extend_from_slice(text.as_bytes().get(start..end).unwrap_or_default());
            return Ok(());
        }
        if let Some((writing, ino)) = self.in_message(ino) {
            let handle = writing.open(ino, write::OpenFlags(libc::O_RDONLY))?;
            let bytes = writing.read(handle, offset, size);
            writing.release(handle);
            *out = bytes?;
            return Ok(());
        }
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Message => {
                self.habits.read(id);
                self.read_in_message(&MessageNode::new(base, node), id, offset, size, out)
            }
            SourceKind::Other => {
                *out = self.read_other(&node, offset, size)?;
                Ok(())
            }
            SourceKind::Folder | SourceKind::OneMessage | SourceKind::OwnMountPoint => {
                Err(Error::IsADirectory)
            }
        }
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// [`Error::NotALink`], [`Error::Stale`], or where the source cannot be read.
    pub fn readlink(&self, ino: Ino) -> Result<Vec<u8>, Error> {
        if let Some((writing, ino)) = self.in_message(ino) {
            return writing.readlink(ino);
        }
        let (base, id) = ino.parts();
        let node = self.node(base)?;
        match node.kind {
            SourceKind::Other => {
                let target = self.source.read_link(&node.path);
                target.map_err(|error| source_error(&node.path, error))
            }
            SourceKind::Message => {
                let open = self.open_message(&MessageNode::new(base, node))?;
                let in_message = |error| message_error(&open.path, error);
                let attributes = open.tree.attributes(id).map_err(in_message)?;
                if attributes.kind != Kind::Symlink {
                    return Err(Error::NotALink);
                }
                let size = usize::try_from(attributes.size).unwrap_or(0);
                open.tree.read(id, 0, size).map_err(in_message)
            }
            SourceKind::Folder | SourceKind::OneMessage | SourceKind::OwnMountPoint => {
                Err(Error::NotALink)
            }
        }
    }

    /// The names of the extended attributes of a file.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn listxattr(&self, ino: Ino) -> Result<Vec<&'static str>, Error> {
        if let Some((writing, ino)) = self.in_message(ino) {
            return writing.listxattr(ino);
        }
        let (base, id) = ino.parts();
        let Some(open) = self.message_with_attributes(base, id)? else {
            return Ok(Vec::new());
        };
        let attributes =
            open.tree.extended_attributes(id).map_err(|e| message_error(&open.path, e))?;
        Ok(attributes.into_iter().map(ExtendedAttribute::name).collect())
    }

    /// The value of an extended attribute.
    ///
    /// # Errors
    /// [`Error::NoAttribute`], [`Error::NotSupported`], [`Error::Stale`], or where the source
    /// cannot be read.
    pub fn getxattr(&self, ino: Ino, name: &OsStr) -> Result<Vec<u8>, Error> {
        // `ls -l` asks each file for a security label and two access lists, but after this answer
        // no other file of the mount.
        if !name.as_bytes().starts_with(b"user.") {
            return Err(Error::NotSupported);
        }
        let name = name.to_str().and_then(ExtendedAttribute::from_name);
        let name = name.ok_or(Error::NoAttribute)?;
        if let Some((writing, ino)) = self.in_message(ino) {
            let value = writing.with_attributes(ino, |tree, id| tree.extended_attribute(id, name));
            return Ok(value?.ok_or(Error::NoAttribute)?.into_bytes());
        }
        let (base, id) = ino.parts();
        let Some(open) = self.message_with_attributes(base, id)? else {
            return Err(Error::NoAttribute);
        };
        let value =
            open.tree.extended_attribute(id, name).map_err(|e| message_error(&open.path, e))?;
        Ok(value.ok_or(Error::NoAttribute)?.into_bytes())
    }

    /// The figures of the file system that the source lies on.
    ///
    /// # Errors
    /// Those of `fstatvfs`.
    pub fn statfs(&self) -> Result<StatVfs, Error> {
        self.source.statfs().map_err(|error| source_error(Path::new(""), error))
    }

    /// The path in the source of the file or message that an inode belongs to, for the log.
    pub fn source_path(&self, ino: Ino) -> Option<PathBuf> {
        let (base, _) = ino.parts();
        Some(self.nodes.get(base)?.path.clone())
    }

    fn node(&self, base: Base) -> Result<Arc<SourceNode>, Error> {
        self.nodes.get(base).ok_or(Error::NotFound)
    }

    /// The attributes of a source file, from before the mount if it is the own mount point.
    fn metadata(&self, path: &Path) -> Result<Metadata, Error> {
        if let Some((own, metadata)) = &self.own_mount_point
            && own == path
        {
            return Ok(*metadata);
        }
        self.source.metadata(path).map_err(|error| source_error(path, error))
    }

    /// The attributes of a file of a folder that is open.
    fn metadata_in(
        &self,
        folder: &SourceFolder,
        name: &OsStr,
        path: &Path,
    ) -> Result<Metadata, Error> {
        match &self.own_mount_point {
            Some((own, metadata)) if own == path => Ok(*metadata),
            _ => folder.metadata(name).map_err(|error| source_error(path, error)),
        }
    }

    /// A file of the source that was looked at, entered into the table if the kernel will be told
    /// of it.
    fn source_entry(
        &self,
        path: &Path,
        metadata: Result<Metadata, Error>,
        look_up: bool,
        grant: Option<Grant>,
    ) -> Result<Entry, Error> {
        if let Some(writing) = self.writing.as_ref().filter(|_| is_message_name(path)) {
            match &metadata {
                Ok(found) if !found.is_file() => {}
                Ok(found) => return writing.source_entry(path, Some(found), look_up),
                Err(Error::NotFound) => return writing.source_entry(path, None, look_up),
                Err(_) => {}
            }
        }
        let metadata = metadata?;
        let node = self.source_node(path, &metadata);
        let is_hidden = || self.options.hide_others || self.is_of_a_save(path);
        if node.kind == SourceKind::Other && is_hidden() {
            return Err(Error::NotFound);
        }
        let entry = |node: &SourceNode, base| {
            let attr = self.source_attr(Ino::new(base, NodeId(0)), node, &metadata);
            Entry { attr, ttl: self.source_ttl(node, &metadata, grant) }
        };
        if !look_up {
            return Ok(entry(&node, self.nodes.base_of(&node)));
        }
        let node = Arc::new(node);
        let base = self.nodes.look_up(&node);
        Ok(entry(&node, base))
    }

    fn kind(&self, path: &Path, metadata: &Metadata) -> SourceKind {
        let is_own = self.own_mount_point.as_ref().is_some_and(|(own, _)| own == path);
        match (metadata.is_dir(), metadata.is_file()) {
            (true, _) if is_own => SourceKind::OwnMountPoint,
            (true, _) => SourceKind::Folder,
            (_, true) if is_message_name(path) => SourceKind::Message,
            _ => SourceKind::Other,
        }
    }

    /// Whether it is there for the moment in which a message is saved, and nobody's file.
    fn is_of_a_save(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        self.writing.is_some() && storage::is_temporary_name(name.as_bytes())
    }

    fn source_attr(&self, ino: Ino, node: &SourceNode, metadata: &Metadata) -> Attr {
        match node.kind {
            SourceKind::Message | SourceKind::OneMessage => {
                Attr::of_message(ino, metadata, &self.options.ownership)
            }
            SourceKind::Folder if self.writing.is_some() => {
                Attr::of_writable_folder(ino, metadata, &self.options.ownership)
            }
            _ => Attr::of_source(ino, metadata, &self.options.ownership),
        }
    }

    fn read_folder(
        &self,
        node: &Arc<SourceNode>,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        let path = &node.path;
        let grant = self.watch(node);
        let read = || {
            let names = self.source.names(path);
            let mut names = names.map_err(|error| source_error(path, error))?;
            if let Some(writing) = &self.writing {
                let new = writing.new_names(path);
                names.extend(
                    new.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>(),
                );
            }
            Ok(names)
        };
        let listing = self.folders.list(node, cookie, read)?;
        let folder = self.source.folder(path).map_err(|error| source_error(path, error))?;
        let mut child = PathBuf::new();
        for entry in listing.behind_cookie(cookie) {
            let text = child.as_mut_os_string();
            text.clear();
            if !path.as_os_str().is_empty() {
                text.extend([path.as_os_str(), OsStr::new("/")]);
            }
            text.push(&entry.name);
            let metadata = self.metadata_in(&folder, &entry.name, &child);
            let found = match self.source_entry(&child, metadata, look_up, grant) {
                // It went away meanwhile, or it is hidden.
                Err(Error::NotFound) => continue,
                found => found?,
            };
            let (name, cookie) = (entry.name.as_os_str(), entry.cookie);
            if add(DirectoryEntry { name, cookie, entry: found, is_dot: false }) {
                if look_up {
                    self.forget(found.attr.ino, 1);
                }
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_other(&self, node: &SourceNode, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        let in_source = |error| source_error(&node.path, error);
        let file = self.source.open_file(&node.path).map_err(in_source)?;
        // What has come to its place since is another file.
        let metadata = Metadata::from(&file.metadata().map_err(in_source)?);
        if identity_of(node.kind, &metadata) != node.identity {
            return Err(Error::Stale { path: node.path.clone() });
        }
        let mut buffer = vec![0; size];
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + filled as u64).map_err(in_source)? {
                0 => break,
                read => filled += read,
            }
        }
        buffer.truncate(filled);
        Ok(buffer)
    }
}

/// `*.msg` and `*.oft`, in any case.
fn is_message_name(path: &Path) -> bool {
    let Some((stem, extension)) = path.as_os_str().as_bytes().split_last_chunk::<4>() else {
        return false;
    };
    let known = [b".msg", b".oft"].into_iter().any(|known| extension.eq_ignore_ascii_case(known));
    // A file that is called nothing but that is a hidden one.
    known && stem.last().is_some_and(|last| *last != b'/')
}

/// Only the number of a message changes with its file; all else keeps its number while it changes.
fn identity_of(kind: SourceKind, metadata: &Metadata) -> Identity {
    let identity = metadata.identity();
    match kind {
        SourceKind::Message => identity,
        _ => Identity { device: identity.device, inode: identity.inode, ..Identity::default() },
    }
}

impl Drop for Fs {
    /// The threads that save would wait for ever.
    fn drop(&mut self) {
        if let Some(writing) = &self.writing {
            writing.close();
        }
    }
}

fn source_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound,
        io::ErrorKind::NotADirectory => Error::NotADirectory,
        io::ErrorKind::StaleNetworkFileHandle => Error::Stale { path: path.to_owned() },
        _ => Error::Source { path: path.to_owned(), source },
    }
}
