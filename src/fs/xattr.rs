//! Extended attributes and symbolic links: what a file in a message says of itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::view::{self, ExtendedAttribute, FileKind, MessageTree, NodeId};

use super::edits::TreeFile;
use super::error::{message_error, source_error};
use super::source::ino::{Ino, SourceKind};
use super::{Error, Fs};

/// What a look at a file of a message has found.
enum LookedInto<T> {
    /// What was asked of a file of the message.
    Found(T),
    /// The target of a temporary symbolic link.
    Link(String),
    /// It is no file of a message, or a temporary one.
    NotInMessage,
}

impl Fs {
    /// The target of a symbolic link.
    ///
    /// # Errors
    /// [`Error::NotALink`], [`Error::Stale`], or where the source cannot be read.
    pub fn readlink(&self, ino: Ino) -> Result<Vec<u8>, Error> {
        let read = self.with_tree(ino, |tree, id| {
            let attributes = tree.attributes(id)?;
            let size = usize::try_from(attributes.size).unwrap_or(0);
            match attributes.kind {
                FileKind::Symlink => tree.read(id, 0, size).map(Some),
                FileKind::File | FileKind::Directory => Ok(None),
            }
        });
        match read? {
            LookedInto::Found(target) => target.ok_or(Error::NotALink),
            LookedInto::Link(target) => Ok(target.into_bytes()),
            LookedInto::NotInMessage => {
                let node = self.source.node(ino.parts().0)?;
                if node.kind != SourceKind::Other {
                    return Err(Error::NotALink);
                }
                let target = self.source.root.read_link(&node.path);
                target.map_err(|error| source_error(&node.path, error))
            }
        }
    }

    /// The names of the extended attributes of a file.
    ///
    /// # Errors
    /// [`Error::Stale`], or where the source cannot be read.
    pub fn listxattr(&self, ino: Ino) -> Result<Vec<&'static str>, Error> {
        match self.with_tree(ino, |tree, id| tree.extended_attributes(id))? {
            LookedInto::Found(found) => {
                Ok(found.into_iter().map(ExtendedAttribute::name).collect())
            }
            LookedInto::Link(_) | LookedInto::NotInMessage => Ok(Vec::new()),
        }
    }

    /// The value of an extended attribute.
    ///
    /// # Errors
    /// [`Error::NoAttribute`], [`Error::NotSupported`], [`Error::Stale`], or where the source
    /// cannot be read.
    pub fn getxattr(&self, ino: Ino, name: &OsStr) -> Result<Vec<u8>, Error> {
        // `ls -l` asks for a security label and two ACLs of each file. After this answer it asks no
        // other file of the mount.
        if !name.as_bytes().starts_with(b"user.") {
            return Err(Error::NotSupported);
        }
        let name = name.to_str().and_then(ExtendedAttribute::from_name);
        let name = name.ok_or(Error::NoAttribute)?;
        match self.with_tree(ino, |tree, id| tree.extended_attribute(id, name))? {
            LookedInto::Found(value) => Ok(value.ok_or(Error::NoAttribute)?.into_bytes()),
            LookedInto::Link(_) | LookedInto::NotInMessage => Err(Error::NoAttribute),
        }
    }

    /// Looks at a file or directory of a message, not at the message directory itself: listing a
    /// folder opens no message.
    fn with_tree<T>(
        &self,
        ino: Ino,
        run: impl FnOnce(&MessageTree, NodeId) -> Result<T, view::Error>,
    ) -> Result<LookedInto<T>, Error> {
        let Some((message, number)) = self.message_of(ino)?.filter(|(_, id)| *id != NodeId(0))
        else {
            return Ok(LookedInto::NotInMessage);
        };
        let differing = self.edits.as_ref().and_then(|edits| edits.tree_file(&message, number));
        let (open, id) = match differing.transpose()? {
            None => (self.messages.open(&message)?, number),
            Some(TreeFile::Node(open, id)) => (open, id),
            Some(TreeFile::Link(target)) => return Ok(LookedInto::Link(target)),
            Some(TreeFile::Other) => return Ok(LookedInto::NotInMessage),
        };
        let found = run(&open.tree, id).map_err(|error| message_error(&open.path, error))?;
        Ok(LookedInto::Found(found))
    }
}
