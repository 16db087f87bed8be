//! Follows a path in a message, name by name, for reading and for editing.

use super::error::Error;
use super::listing::{self, FileKind};
use super::node::{Node, NodeId};
use super::row::File;
use super::tree::MessageTree;

/// How far a path leads to something that is there.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    /// The last node on the path that is there, or is a row of the table.
    pub(super) node: Node,
    /// Its kind; `None` for a row of the table that the message does not have.
    pub(super) kind: Option<FileKind>,
    /// The node before it, and its name.
    pub(super) above: Node,
    pub(super) name: &'a str,
    /// The rest of the path: names that lead to nothing.
    pub(super) rest: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    /// Follows a path from the message directory on.
    ///
    /// # Errors
    /// Where the message cannot be read.
    pub(super) fn new(tree: &MessageTree, path: &'a str) -> Result<Self, Error> {
        let root = tree.node(NodeId(0))?;
        let mut walk = Walk {
            node: root,
            kind: Some(FileKind::Directory),
            above: root,
            name: "",
            rest: path.split('/').filter(|name| !name.is_empty()).collect(),
        };
        let mut names = std::mem::take(&mut walk.rest).into_iter();
        for name in names.by_ref() {
            let Some((node, kind)) = walk.next(tree, name)? else {
                walk.rest.push(name);
                break;
            };
            walk = Walk { node, kind, above: walk.node, name, rest: Vec::new() };
        }
        walk.rest.extend(names);
        Ok(walk)
    }

    /// The node that a name leads to from here.
    fn next(
        &self,
        tree: &MessageTree,
        name: &str,
    ) -> Result<Option<(Node, Option<FileKind>)>, Error> {
        match self.kind {
            Some(FileKind::Directory) => match tree.lookup(tree.id(self.node)?, name) {
                Ok((id, kind)) => return Ok(Some((tree.node(id)?, Some(kind)))),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            },
            Some(_) => return Ok(None),
            None => {}
        }
        Ok(listing::row(tree, self.node, name)
            .map(|file: &File| (Node::File(self.node.entry(), file), None)))
    }
}
