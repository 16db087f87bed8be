//! The folders of the source, and the files in them that are no messages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage;
use crate::view::NodeId;

use super::{
    Add, DirectoryEntry, Entry, Error, Fs, identity_of, is_message_file_name, source_error,
};
use crate::fs::source::SourceFolder;
use crate::fs::source::attr::Attr;
use crate::fs::source::ino::{Ino, SourceKind, SourceNode};
use crate::fs::source::metadata::Metadata;
use crate::fs::source::watch::WatchProof;

impl Fs {
    /// The attributes of a source file. If it is this filesystem's own mount point, they are from
    /// before the mount: to ask now would be a request to msgfs itself.
    pub(super) fn metadata(&self, path: &Path) -> Result<Metadata, Error> {
        if let Some((own, metadata)) = &self.own_mount_point
            && own == path
        {
            return Ok(*metadata);
        }
        self.source.metadata(path).map_err(|error| source_error(path, error))
    }

    /// The attributes of a file of a folder that is open.
    pub(super) fn metadata_in(
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

    /// The entry of a source file with these attributes. With `look_up` the kernel will be told of
    /// the file, so it is entered into the table of nodes.
    pub(super) fn source_entry(
        &self,
        path: &Path,
        metadata: Result<Metadata, Error>,
        look_up: bool,
        proof: Option<WatchProof>,
    ) -> Result<Entry, Error> {
        if self.is_writable()
            && let Some(entry) = self.claimed_entry(path, metadata.as_ref().ok(), look_up)
        {
            return entry;
        }
        let metadata = metadata?;
        let node = self.source_node(path, &metadata);
        let is_hidden = || self.options.hide_others || self.is_of_a_save(path);
        if node.kind == SourceKind::Other && is_hidden() {
            return Err(Error::NotFound);
        }
        let entry = |node: &SourceNode, base| {
            let attr = self.source_attr(Ino::new(base, NodeId(0)), node, &metadata);
            Entry { attr, ttl: self.source_ttl(node, &metadata, proof) }
        };
        if !look_up {
            return Ok(entry(&node, self.nodes.base_of(&node)));
        }
        let node = Arc::new(node);
        let base = self.nodes.look_up(&node);
        Ok(entry(&node, base))
    }

    pub(super) fn kind(&self, path: &Path, metadata: &Metadata) -> SourceKind {
        let is_own = self.own_mount_point.as_ref().is_some_and(|(own, _)| own == path);
        match (metadata.is_dir(), metadata.is_file()) {
            (true, _) if is_own => SourceKind::OwnMountPoint,
            (true, _) => SourceKind::Folder,
            (_, true) if is_message_file_name(path) => SourceKind::Message,
            _ => SourceKind::Other,
        }
    }

    /// Whether it is a temporary file of a save, which no user should see.
    pub(super) fn is_of_a_save(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        self.is_writable() && storage::is_temporary_name(name.as_bytes())
    }

    pub(super) fn source_attr(&self, ino: Ino, node: &SourceNode, metadata: &Metadata) -> Attr {
        match node.kind {
            SourceKind::Message | SourceKind::OneMessage => {
                Attr::of_message(ino, metadata, &self.options.ownership)
            }
            _ => Attr::of_source(ino, metadata, &self.options.ownership),
        }
    }

    pub(super) fn read_folder(
        &self,
        node: &Arc<SourceNode>,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        let path = &node.path;
        let proof = self.watch(node);
        let read = || {
            let names = self.source.names(path);
            let mut names = names.map_err(|error| source_error(path, error))?;
            if self.is_writable() {
                let new = self.pending_names(path).into_iter();
                names.extend(new.filter(|name| !names.contains(name)).collect::<Vec<_>>());
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
            let found = match self.source_entry(&child, metadata, look_up, proof) {
                // Removed since the folder was read, or hidden.
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

    pub(super) fn read_other(
        &self,
        node: &SourceNode,
        offset: u64,
        size: usize,
    ) -> Result<Vec<u8>, Error> {
        let in_source = |error| source_error(&node.path, error);
        let file = self.source.open_file(&node.path).map_err(in_source)?;
        // Another file may have taken the path since.
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
