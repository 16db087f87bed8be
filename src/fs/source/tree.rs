//! The files and folders of the source, as the mount shows them.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::fs::error::source_error;
use crate::fs::{Entry, Error, NamedEntry, Options};
use crate::storage;

use super::attr::{Attr, FileType, Ownership};
use super::folders::{Folders, LookAhead};
use super::ino::{Base, Identity, Ino, Nodes, SourceKind, SourceNode};
use super::metadata::Metadata;
use super::watch::{WatchProof, Watcher};
use super::watches::WATCHED_TTL;
use super::{SourceFolder, SourceRoot};

/// The source may change at any time, so its files are looked at again after this.
pub(in crate::fs) const SOURCE_TTL: Duration = Duration::from_secs(1);

/// The source: its files, and what the kernel was told of them. Knows nothing of what is in a
/// message; `D` is what the part of edits keeps with one.
#[derive(Debug)]
pub(in crate::fs) struct SourceTree<D> {
    pub(in crate::fs) root: Arc<SourceRoot>,
    pub(in crate::fs) nodes: Nodes<D>,
    pub(in crate::fs) folders: Folders,
    pub(in crate::fs) ownership: Ownership,
    /// Whether files that are no messages are left out.
    pub(in crate::fs) hides_others: bool,
    pub(super) watcher: Option<Watcher>,
    /// The own mount point relative to the source, and its attributes before the mount.
    own_mount_point: Option<(PathBuf, Metadata)>,
}

impl<D> SourceTree<D> {
    /// Opens a source, a folder or one message file. Returns it with the real path of the folder.
    pub(in crate::fs) fn open(source: &Path, options: &Options) -> io::Result<(Self, PathBuf)> {
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
        let node = SourceNode { path, kind, identity: identity_of(kind, &metadata) };
        let own_mount_point = options.mount_point.as_deref().and_then(|mount_point| {
            let mount_point = mount_point.canonicalize().ok()?;
            let path = mount_point.strip_prefix(folder).ok()?.to_owned();
            // The root is always reached by its descriptor, also if the mount covers it.
            let inside = !path.as_os_str().is_empty();
            inside.then_some((path, (&mount_point.metadata().ok()?).into()))
        });
        let tree = Self::new(SourceRoot::open(folder)?, node, options);
        Ok((Self { own_mount_point, ..tree }, folder.to_owned()))
    }

    /// A source that is one message file, which need not have a name.
    pub(in crate::fs) fn of_file(file: File, options: &Options) -> io::Result<Self> {
        let kind = SourceKind::OneMessage;
        let identity = identity_of(kind, &(&file.metadata()?).into());
        let node = SourceNode { path: PathBuf::from("-"), kind, identity };
        Ok(Self::new(SourceRoot::of_file(file), node, options))
    }

    fn new(root: SourceRoot, node: SourceNode, options: &Options) -> Self {
        // Without a watcher, the source is looked at again every second.
        let watcher = options.watch.then(Watcher::new).and_then(|watcher| {
            watcher.inspect_err(|error| tracing::warn!("the source is not watched: {error}")).ok()
        });
        Self {
            root: Arc::new(root),
            nodes: Nodes::new(Arc::new(node)),
            folders: Folders::new(),
            ownership: options.ownership,
            hides_others: options.hide_others,
            watcher,
            own_mount_point: None,
        }
    }

    /// The node of a base.
    pub(in crate::fs) fn node(&self, base: Base) -> Result<Arc<SourceNode>, Error> {
        self.nodes.get(base).ok_or(Error::NotFound)
    }

    /// The attributes of a source file. If it is this filesystem's own mount point, they are from
    /// before the mount: to ask now would be a request to msgfs itself.
    pub(in crate::fs) fn metadata(&self, path: &Path) -> Result<Metadata, Error> {
        if let Some((own, metadata)) = &self.own_mount_point
            && own == path
        {
            return Ok(*metadata);
        }
        self.root.metadata(path).map_err(|error| source_error(path, error))
    }

    /// The attributes of a file of a folder that is open.
    pub(in crate::fs) fn metadata_in(
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

    /// Looks at entries of a folder before its listing comes to them.
    pub(in crate::fs) fn look_ahead(&self, entries: &LookAhead) -> io::Result<()> {
        let path = &entries.folder.path;
        let folder = self.root.folder(path)?;
        entries.run(|name| self.metadata_in(&folder, name, &path.join(name)).ok());
        Ok(())
    }

    fn kind(&self, path: &Path, metadata: &Metadata) -> SourceKind {
        let is_own = self.own_mount_point.as_ref().is_some_and(|(own, _)| own == path);
        match (metadata.is_dir(), metadata.is_file()) {
            (true, _) if is_own => SourceKind::OwnMountPoint,
            (true, _) => SourceKind::Folder,
            (_, true) if is_message_file_name(path) => SourceKind::Message,
            _ => SourceKind::Other,
        }
    }

    /// What a file of the source is at present.
    pub(in crate::fs) fn node_at(&self, path: &Path, metadata: &Metadata) -> SourceNode {
        let kind = self.kind(path, metadata);
        SourceNode { path: path.to_owned(), kind, identity: identity_of(kind, metadata) }
    }

    pub(in crate::fs) fn attr(&self, ino: Ino, node: &SourceNode, metadata: &Metadata) -> Attr {
        match node.kind {
            SourceKind::Message | SourceKind::OneMessage => {
                Attr::of_message(ino, metadata, &self.ownership)
            }
            _ => Attr::of_source(ino, metadata, &self.ownership),
        }
    }

    /// The attributes of a file or folder of the source by its inode number.
    ///
    /// # Errors
    /// [`Error::Stale`] if another file has its place.
    pub(in crate::fs) fn getattr(&self, ino: Ino) -> Result<Entry, Error> {
        let (base, _) = ino.parts();
        let node = self.node(base)?;
        let proof = self.watch_proof(&node);
        let metadata = self.metadata(&node.path)?;
        if identity_of(node.kind, &metadata) != node.identity && base != Base::ROOT {
            return Err(Error::Stale { path: node.path.clone() });
        }
        let ttl = self.ttl(&node, &metadata, proof);
        Ok(Entry { attr: self.attr(ino, &node, &metadata), ttl })
    }

    /// Watches a folder. Must be called before the folder is read.
    pub(in crate::fs) fn watch(&self, folder: &SourceNode) -> Option<WatchProof> {
        let watcher = self.watcher.as_ref()?;
        (folder.kind == SourceKind::Folder)
            .then(|| watcher.watch(&self.root, &folder.path, folder.folder_id()))?
    }

    /// A proof if the folder of a file, or the folder itself, is watched already.
    fn watch_proof(&self, node: &SourceNode) -> Option<WatchProof> {
        let watcher = self.watcher.as_ref()?;
        match node.kind {
            SourceKind::Folder => watcher.proof(&node.path, Some(node.folder_id())),
            SourceKind::Message | SourceKind::Other => watcher.proof(node.path.parent()?, None),
            SourceKind::OneMessage | SourceKind::OwnMountPoint => None,
        }
    }

    /// For how long the kernel may keep what it is told of a file of the source. `proof` must have
    /// been given before the file was looked at, and the file must be in the table of nodes by now:
    /// otherwise a change in between would not be seen.
    pub(in crate::fs) fn ttl(
        &self,
        node: &SourceNode,
        metadata: &Metadata,
        proof: Option<WatchProof>,
    ) -> Duration {
        let (Some(watcher), Some(proof)) = (&self.watcher, proof) else { return SOURCE_TTL };
        let is_told = match node.kind {
            // A folder's own attributes change with what is in it, which only its own watch sees.
            SourceKind::Folder => watcher.proof(&node.path, Some(node.folder_id())).is_some(),
            // If a file has a second name, a change through that name is not seen.
            SourceKind::Message | SourceKind::Other => metadata.links == 1,
            SourceKind::OneMessage | SourceKind::OwnMountPoint => false,
        };
        if is_told && watcher.holds(proof) { WATCHED_TTL } else { SOURCE_TTL }
    }

    /// How many folders are watched.
    pub(in crate::fs) fn watches(&self) -> usize {
        self.watcher.as_ref().map_or(0, Watcher::len)
    }

    /// The names in a folder, told without looking into any file. A name is listed also if nothing
    /// can be learned of its file: who looks it up is told why.
    pub(in crate::fs) fn list_names(&self, path: &Path) -> Result<Vec<NamedEntry>, Error> {
        let names = self.root.names(path).map_err(|error| source_error(path, error))?;
        let folder = self.root.folder(path).map_err(|error| source_error(path, error))?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let path = path.join(&name);
            let metadata = match self.metadata_in(&folder, &name, &path) {
                Ok(metadata) => metadata,
                // It went away meanwhile.
                Err(Error::NotFound) => continue,
                Err(_) => {
                    let file_type = FileType::RegularFile;
                    found.push(NamedEntry { name, file_type, is_message: false });
                    continue;
                }
            };
            let kind = self.kind(&path, &metadata);
            let is_message = kind == SourceKind::Message;
            if kind == SourceKind::Other && self.hides_others {
                continue;
            }
            let file_type = if is_message { FileType::Directory } else { FileType::of(&metadata) };
            found.push(NamedEntry { name, file_type, is_message });
        }
        Ok(found)
    }

    /// Reads a file that is no message.
    pub(in crate::fs) fn read_other(
        &self,
        node: &SourceNode,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let in_source = |error| source_error(&node.path, error);
        let file = self.root.open_file(&node.path).map_err(in_source)?;
        // Another file may have taken the path since.
        let metadata = Metadata::from(&file.metadata().map_err(in_source)?);
        if identity_of(node.kind, &metadata) != node.identity {
            return Err(Error::Stale { path: node.path.clone() });
        }
        storage::read_at(&file, offset, buffer).map_err(in_source)
    }

    /// Makes the inode number of a message stand for the file that is at this path now.
    pub(in crate::fs) fn adopt_file(&self, base: Base, path: &Path) {
        let Ok(metadata) = self.root.metadata(path) else { return };
        let identity = metadata.identity();
        let node = SourceNode { path: path.to_owned(), kind: SourceKind::Message, identity };
        self.nodes.claim(base, &Arc::new(node));
    }
}

/// Whether a file of the source with this name is a message: `*.msg` and `*.oft`, in any case.
pub fn is_message_file_name(path: &Path) -> bool {
    let Some((stem, extension)) = path.as_os_str().as_bytes().split_last_chunk::<4>() else {
        return false;
    };
    let known = [b".msg", b".oft"].into_iter().any(|known| extension.eq_ignore_ascii_case(known));
    // `.msg` alone is a hidden file without an extension.
    known && stem.last().is_some_and(|last| *last != b'/')
}

/// What the inode number depends on: a message gets another number when its file changes, and
/// everything else keeps its number.
fn identity_of(kind: SourceKind, metadata: &Metadata) -> Identity {
    let identity = metadata.identity();
    match kind {
        SourceKind::Message => identity,
        _ => Identity { device: identity.device, inode: identity.inode, ..Identity::default() },
    }
}
