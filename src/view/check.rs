//! Reads everything in a message file and lists what is damaged, and what is to be noted.

use crate::imsg::{Defect, Note};
use crate::storage::EntryId;

use super::defects;
use super::error::Error;
use super::listing::Kind;
use super::nested::Finding;
use super::node::{Node, NodeId};
use super::row::{Contents, File};
use super::tree::MessageTree;

/// As much as is read at a time.
const READ_BYTES: usize = 1 << 20;

/// What is to be said of a message file, all that is embedded in it included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What could not be read.
    pub defects: Vec<Defect>,
    /// What was read otherwise than the file says; nothing is lost by it.
    pub notes: Vec<Note>,
}

impl MessageTree {
    /// The defects of the message and the notes on it, and those of all that is embedded in it.
    /// Every file of the reader's view is read for it.
    pub fn check(&self) -> Findings {
        let (mut defects, mut notes) = (Vec::new(), Vec::new());
        self.collect(EntryId::ROOT, &mut |one| match one {
            Finding::Defect(defect) => defects.push(defect),
            Finding::Note(note) => notes.push(note),
        });
        let mut failures = Vec::new();
        let mut directories = vec![(NodeId(0), "/".to_owned())];
        // Each directory is entered from the one around it only, so this ends.
        while let Some((directory, path)) = directories.pop() {
            let failure = |place: &str, error: &Error| Defect {
                place: place.to_owned(),
                cause: error.to_string(),
            };
            let listing = match self.list(directory) {
                Ok(listing) => listing,
                Err(error) => {
                    failures.push(failure(&path, &error));
                    continue;
                }
            };
            for entry in listing.entries() {
                let path = format!("{path}{}", entry.name);
                match entry.kind {
                    Kind::Directory => directories.push((entry.id, path + "/")),
                    Kind::File => {
                        failures
                            .extend(self.read_whole(entry.id).err().map(|e| failure(&path, &e)));
                    }
                    Kind::Symlink => {}
                }
            }
        }
        // A file that cannot be read is news only where no defect accounts for it.
        Findings { defects: if defects.is_empty() { failures } else { defects }, notes }
    }

    /// What of a node cannot be read: of a message directory and of a file made of a message all
    /// that is in it included. No file is read for it.
    pub fn losses(&self, id: NodeId) -> Vec<Defect> {
        let Ok(node) = self.node(id) else { return Vec::new() };
        if let Ok(Some((nested, id))) = self.inner(node) {
            return nested.losses(id);
        }
        match node {
            // The file itself is whole, whatever it holds.
            Node::File(EntryId::ROOT, file) if file.is_source => Vec::new(),
            Node::File(entry, File { contents: Contents::Body(_), .. }) => {
                let open = self.open_message(entry);
                open.map_or_else(|_| Vec::new(), |open| defects::of_bodies(&open.message))
            }
            Node::Message(entry) | Node::File(entry, File { contents: Contents::Whole(_), .. }) => {
                let mut defects = Vec::new();
                self.collect(entry, &mut |one| match one {
                    Finding::Defect(defect) => defects.push(defect),
                    Finding::Note(_) => {}
                });
                defects
            }
            Node::Attachment(entry) | Node::Derived(entry, _) => {
                let outer = self.parent(entry).and_then(|outer| self.open_message(outer));
                let Ok(outer) = outer else { return Vec::new() };
                let found = outer.attachments().iter().find(|one| one.id == entry);
                found.map_or_else(Vec::new, |one| one.missing.clone())
            }
            _ => Vec::new(),
        }
    }

    fn read_whole(&self, id: NodeId) -> Result<(), Error> {
        let mut offset = 0;
        loop {
            match self.read(id, offset, READ_BYTES)?.len() {
                0 => return Ok(()),
                read => offset += read as u64,
            }
        }
    }
}
