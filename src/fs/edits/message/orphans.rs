//! The content of files that were removed or replaced, for programs that have them open.
//!
//! A file that is only read has no handle, so msgfs cannot know whether a program has it open. But
//! the kernel forgets the number of a removed file once nobody has it open any more. So a removal
//! notes the numbers that the kernel knows of the file, and keeps its content until the kernel has
//! forgotten them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fs::messages::OpenMessage;
use crate::view::NodeId;

use super::temporary::TemporaryFile;

/// What the number of a removed file stands for.
#[derive(Clone, Debug)]
pub(in crate::fs::edits) enum Orphan {
    /// The file is hidden: the message still has it.
    Hidden,
    /// The file as the message had it last.
    Node(Arc<OpenMessage>, NodeId),
    /// A temporary file.
    Temporary(Arc<TemporaryFile>),
}

/// The removed files of a message that the kernel has not forgotten, by their numbers.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct Orphans {
    by_number: HashMap<NodeId, Orphan>,
}

impl Orphans {
    /// Notes that a file is hidden whose numbers the kernel knows.
    pub(super) fn hidden(&mut self, numbers: impl IntoIterator<Item = NodeId>) {
        for number in numbers {
            self.by_number.entry(number).or_insert(Orphan::Hidden);
        }
    }

    /// The numbers of the files that are hidden, or were.
    pub(super) fn all_hidden(&self) -> Vec<NodeId> {
        let hidden = self.by_number.iter().filter(|(_, one)| matches!(one, Orphan::Hidden));
        hidden.map(|(number, _)| *number).collect()
    }

    /// Keeps the content of a file that is gone from its path.
    pub(super) fn keep(&mut self, number: NodeId, content: Orphan) {
        self.by_number.insert(number, content);
    }

    /// What a number stands for that has no path any more.
    pub(in crate::fs::edits) fn get(&self, number: NodeId) -> Option<&Orphan> {
        self.by_number.get(&number)
    }

    /// Drops what the kernel has forgotten: no program has it open any more.
    pub(in crate::fs::edits) fn forget(&mut self, number: NodeId) -> Option<Orphan> {
        self.by_number.remove(&number)
    }
}
