//! Walks the tree of a message as a program walks a mount: by listing, lookup and read.

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{Error, FileKind, MessageTree, NodeId, Show};

/// A tree to walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Browser<'a> {
    tree: &'a MessageTree,
}

/// A file met on a walk.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) id: NodeId,
    pub(crate) size: u64,
    pub(crate) content: Result<Vec<u8>, Error>,
}

/// Bytes asked for at a time, so that a read ends within values.
const READ_BYTES: usize = 10_007;

/// Opens a message file as a tree.
pub(crate) fn open(bytes: Vec<u8>) -> MessageTree {
    // The messages stay open after the session is dropped.
    let session = Session::open(SessionOptions::default());
    MessageTree::open(&session, Source::from_bytes(bytes), Show::default()).unwrap()
}

/// Reads a file to its end.
pub(crate) fn read(tree: &MessageTree, id: NodeId) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    loop {
        let bytes = tree.read(id, content.len() as u64, READ_BYTES)?;
        if bytes.is_empty() {
            return Ok(content);
        }
        content.extend(bytes);
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(tree: &'a MessageTree) -> Self {
        Self { tree }
    }

    /// The node of a path below another one.
    pub(crate) fn walk(self, from: NodeId, path: &str) -> Result<NodeId, Error> {
        path.split('/').try_fold(from, |node, name| Ok(self.tree.lookup(node, name)?.0))
    }

    /// The content of a file; `None` if there is no such file.
    pub(crate) fn read(self, from: NodeId, path: &str) -> Option<Vec<u8>> {
        match self.walk(from, path) {
            Ok(node) => Some(read(self.tree, node).unwrap()),
            Err(Error::NotFound) => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// The names in a directory.
    pub(crate) fn names(self, directory: NodeId) -> String {
        let listing = self.tree.list(directory).unwrap();
        let names: Vec<_> = listing.entries().iter().map(|entry| entry.name.as_str()).collect();
        names.join(" ")
    }

    /// The message at `attachments/0/attachments/1`, by the links under `mapi/`.
    pub(crate) fn embedded(self, path: &str) -> NodeId {
        let indices = path.split('/').filter_map(|part| part.parse::<usize>().ok());
        indices.fold(NodeId(0), |message, index| {
            let attachments = self.walk(message, "mapi/attachments").unwrap();
            let attachment = self.tree.list(attachments).unwrap().entries()[index].id;
            let link = self.walk(attachment, "PR_ATTACH_DATA_OBJ").unwrap();
            let target = String::from_utf8(read(self.tree, link).unwrap()).unwrap();
            self.walk(message, target.strip_prefix("../../../").unwrap()).unwrap()
        })
    }

    /// Paths and contents of all files that a directory lists, and those below it.
    pub(crate) fn contents(self, directory: NodeId) -> Vec<(String, Vec<u8>)> {
        let files = self.below(directory, "", &[]).into_iter();
        files.map(|found| (found.path, found.content.unwrap_or_default())).collect()
    }

    /// Every file of a message and of those embedded in it, listed or not.
    pub(crate) fn everything(self, message: NodeId) -> Vec<Found> {
        self.below(message, "", &["mapi", "raw", "message.msg"])
    }

    /// The files below a directory; of each message directory those `hidden` too.
    fn below(self, directory: NodeId, path: &str, hidden: &[&str]) -> Vec<Found> {
        let listing = self.tree.list(directory).unwrap();
        let listed = listing.entries().iter().map(|one| (one.name.clone(), one.id, one.kind));
        let listed: Vec<_> = listed.collect();
        let unlisted =
            hidden.iter().filter(|name| listing.find(name).is_none()).filter_map(|name| {
                let (id, kind) = self.tree.lookup(directory, name).ok()?;
                Some(((*name).to_owned(), id, kind))
            });
        let mut found = Vec::new();
        for (name, id, kind) in unlisted.chain(listed.iter().cloned()) {
            let attributes = self.tree.attributes(id).unwrap();
            assert_eq!(attributes.kind, kind, "{path}{name}");
            let path = format!("{path}{name}");
            match kind {
                FileKind::Directory => found.extend(self.below(id, &(path + "/"), hidden)),
                FileKind::File | FileKind::Symlink => {
                    let (size, content) = (attributes.size, read(self.tree, id));
                    found.push(Found { path, id, size, content });
                }
            }
        }
        found
    }
}
