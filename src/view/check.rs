//! Checks a message file: reads everything in it, and collects defects and notes.

use crate::imsg::{Defect, Note};
use crate::storage::EntryNumber;

use super::defects;
use super::error::Error;
use super::listing::FileKind;
use super::nested::Finding;
use super::node::{Node, NodeId};
use super::row::{ContentColumn, File};
use super::tree::MessageTree;

/// How much is read at a time.
const READ_BYTES: usize = 1 << 20;

/// The defects of a message file and the notes on it, with those of all messages embedded in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What could not be read.
    pub defects: Vec<Defect>,
    /// What was not read as it is stored, although nothing is lost: a guessed code page, for
    /// example.
    pub notes: Vec<Note>,
}

impl MessageTree {
    /// Reads every listed file, and returns the defects of the message and the notes on it, with
    /// those of all messages embedded in it.
    pub fn check(&self) -> Findings {
        let (mut defects, mut notes) = (Vec::new(), Vec::new());
        self.collect(EntryNumber::ROOT, &mut |one| match one {
            Finding::Defect(defect) => defects.push(defect),
            Finding::Note(note) => notes.push(note),
        });
        let mut failures = Vec::new();
        let mut directories = vec![(NodeId(0), "/".to_owned())];
        // A directory is entered only from the one around it, so this ends.
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
                    FileKind::Directory => directories.push((entry.id, path + "/")),
                    FileKind::File => {
                        failures
                            .extend(self.read_whole(entry.id).err().map(|e| failure(&path, &e)));
                    }
                    FileKind::Symlink => {}
                }
            }
        }
        // If there are defects, they explain why files could not be read.
        Findings { defects: if defects.is_empty() { failures } else { defects }, notes }
    }

    /// What cannot be read of a file or directory. For a message directory, and for a file that is
    /// made from a whole message, that is everything in the message. No file is read for it.
    pub fn losses(&self, id: NodeId) -> Vec<Defect> {
        let Ok(node) = self.node(id) else { return Vec::new() };
        if let Ok(Some((nested, id))) = self.inner(node) {
            return nested.losses(id);
        }
        match node {
            // The file of the source is shown as it is, even if the message in it is damaged.
            Node::File(EntryNumber::ROOT, file) if file.is_source => Vec::new(),
            Node::File(entry, File { contents: ContentColumn::Body(_), .. }) => {
                let open = self.open_message(entry);
                open.map_or_else(|_| Vec::new(), |open| defects::of_bodies(&open.message))
            }
            Node::Message(entry)
            | Node::File(entry, File { contents: ContentColumn::Whole(_), .. }) => {
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
                let found = outer.attachment(entry);
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
