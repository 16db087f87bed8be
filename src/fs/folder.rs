//! What a folder of the source lists: its files, and the messages that this mount has there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::view::NodeId;

use super::edits::is_of_a_save;
use super::error::source_error;
use super::source::ino::{Ino, SourceKind, SourceNode};
use super::source::metadata::Metadata;
use super::source::watch::WatchProof;
use super::{Add, DirectoryEntry, Entry, Error, Fs};

/// The cookie of `..`, behind which the files of a folder come.
const DOTS: u64 = 2;

impl Fs {
    /// The entry of a source file with these attributes. With `look_up` the kernel will be told of
    /// the file, so it is entered into the table of nodes.
    pub(super) fn source_entry(
        &self,
        path: &Path,
        metadata: Result<Metadata, Error>,
        look_up: bool,
        proof: Option<WatchProof>,
    ) -> Result<Entry, Error> {
        if let Some(edits) = &self.edits
            && let Some(entry) =
                edits.folders().claimed_entry(path, metadata.as_ref().ok(), look_up)
        {
            return entry;
        }
        let metadata = metadata?;
        let node = self.source.node_at(path, &metadata);
        let is_hidden = || self.source.hides_others || self.edits.is_some() && is_of_a_save(path);
        if node.kind == SourceKind::Other && is_hidden() {
            return Err(Error::NotFound);
        }
        let entry = |node: &SourceNode, base| {
            let attr = self.source.attr(Ino::new(base, NodeId(0)), node, &metadata);
            Entry { attr, ttl: self.source.ttl(node, &metadata, proof) }
        };
        if !look_up {
            return Ok(entry(&node, self.source.nodes.base_of(&node)));
        }
        let node = Arc::new(node);
        let base = self.source.nodes.look_up(&node);
        Ok(entry(&node, base))
    }

    /// Lists a folder from a cookie on.
    pub(super) fn read_folder(
        &self,
        node: &Arc<SourceNode>,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Error> {
        let path = &node.path;
        let proof = self.source.watch(node);
        let read = || {
            let names = self.source.root.names(path);
            let mut names = names.map_err(|error| source_error(path, error))?;
            if let Some(edits) = &self.edits {
                let new = edits.folders().pending_names(path).into_iter();
                names.extend(new.filter(|name| !names.contains(name)).collect::<Vec<_>>());
            }
            Ok(names)
        };
        let listing = self.source.folders.list(node, cookie, read)?;
        let folder = self.source.root.folder(path).map_err(|error| source_error(path, error))?;
        let mut child = PathBuf::new();
        let (mut added, mut unreadable) = (false, None);
        for (place, entry) in listing.behind_cookie(cookie) {
            let text = child.as_mut_os_string();
            text.clear();
            if !path.as_os_str().is_empty() {
                text.extend([path.as_os_str(), OsStr::new("/")]);
            }
            text.push(&entry.name);
            if self.is_control(&child) {
                continue;
            }
            let found_ahead = if look_up { None } else { listing.take_attributes(place) };
            let metadata = match found_ahead {
                Some(metadata) => Ok(metadata),
                None => self.source.metadata_in(&folder, &entry.name, &child),
            };
            let found = match self.source_entry(&child, metadata, look_up, proof) {
                Ok(found) => found,
                // Removed since the folder was read, or hidden.
                Err(Error::NotFound) => continue,
                // The others are listed all the same: the kernel counts those that it was told of
                // only if the listing succeeds.
                Err(error) => {
                    self.messages.note_unreadable(&child, &error);
                    unreadable = Some(error);
                    continue;
                }
            };
            let (name, cookie) = (entry.name.as_os_str(), entry.cookie);
            if add(DirectoryEntry { name, cookie, entry: found, is_dot: false }) {
                if look_up {
                    self.forget(found.attr.ino, 1);
                } else if let Some(ahead) = listing.to_look_at(node, place) {
                    self.messages.look_ahead(ahead);
                }
                return Ok(());
            }
            added = true;
        }
        // A folder of which nothing can be read must not look like an empty one. If the listing goes
        // on behind a cookie, the kernel has got something already.
        unreadable.filter(|_| !added && cookie <= DOTS).map_or(Ok(()), Err)
    }
}
