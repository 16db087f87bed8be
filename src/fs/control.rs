//! `.msgfs/` in the root of the mount: what the session does, and what was found damaged.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::imsg::Defect;
use crate::view::NodeId;

/// The name of the directory.
pub(super) const DIRECTORY: &str = ".msgfs";

/// A file in the control directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ControlFile {
    Session,
    Errors,
    Version,
}

impl ControlFile {
    pub(super) const ALL: [Self; 3] = [Self::Session, Self::Errors, Self::Version];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Errors => "errors",
            Self::Version => "version",
        }
    }

    /// Number 0 is the directory itself.
    pub(super) const fn node(self) -> NodeId {
        NodeId(self as u32 + 1)
    }

    pub(super) fn from_node(node: NodeId) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.node() == node)
    }
}

/// The texts of the control files as the kernel was last told their sizes. They change all the
/// time, but a read must give as many bytes as the size said before.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    texts: Mutex<HashMap<ControlFile, Arc<str>>>,
}

impl Snapshots {
    pub(super) fn take(&self, file: ControlFile, text: String) -> Arc<str> {
        let text: Arc<str> = text.into();
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.insert(file, Arc::clone(&text));
        text
    }

    pub(super) fn last(&self, file: ControlFile) -> Arc<str> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.get(&file).cloned().unwrap_or_default()
    }
}

/// The messages that had a defect so far.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    messages: Mutex<BTreeMap<PathBuf, Vec<Defect>>>,
}

/// Beyond so many, messages are no longer noted; `msgfs check` has no such bound.
const DAMAGED_MAX: usize = 10_000;

impl Damaged {
    /// Notes the defects of a message; the first time, returns that it is new.
    pub(super) fn note(&self, path: &Path, defects: Vec<Defect>) -> bool {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() >= DAMAGED_MAX && !messages.contains_key(path) {
            return false;
        }
        messages.insert(path.to_owned(), defects).is_none()
    }

    /// One line a defect: the message, the place in it, the cause.
    pub(super) fn text(&self) -> String {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (path, defects) in &*messages {
            for defect in defects {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{}: {defect}", path.display());
            }
        }
        text
    }
}
