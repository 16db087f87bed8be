//! What was found damaged in the messages that were looked into.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use outlook_msg::sync::lock;

use crate::imsg::Defect;

/// The damaged messages met so far, with their defects.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    messages: Mutex<BTreeMap<PathBuf, Noted>>,
}

/// The defects of a message.
#[derive(Debug)]
struct Noted {
    /// The first ones.
    defects: Vec<Defect>,
    /// How many more there are.
    more: usize,
}

/// At most this many messages are noted. `msgfs check` has no such bound.
const DAMAGED_MAX: usize = 10_000;
/// At most this many defects of one message are noted.
const DEFECTS_MAX: usize = 20;

impl Damaged {
    /// Notes the defects of a message. Returns whether these are the first ones of this message.
    pub(super) fn note(&self, path: &Path, mut defects: Vec<Defect>) -> bool {
        let more = defects.len().saturating_sub(DEFECTS_MAX);
        defects.truncate(DEFECTS_MAX);
        let mut messages = lock(&self.messages);
        if messages.len() >= DAMAGED_MAX && !messages.contains_key(path) {
            return false;
        }
        messages.insert(path.to_owned(), Noted { defects, more }).is_none()
    }

    /// One line a defect: the message, the place in it, the cause.
    pub(super) fn text(&self) -> String {
        let messages = lock(&self.messages);
        let mut text = String::new();
        for (path, noted) in &*messages {
            let path = path.display();
            // Writing to a String cannot fail.
            for defect in &noted.defects {
                let _ = writeln!(text, "{path}: {defect}");
            }
            if noted.more > 0 {
                let _ = writeln!(text, "{path}: {} more, which ERRORS in it names", noted.more);
            }
        }
        text
    }
}
