//! Which process is filling a message that it has created.
//!
//! A new message has files from the start (`class`, for one), and files that msgfs makes from
//! others. But a program that copies a directory expects the one it has just created to be empty,
//! and creates every file as a new one. So the process that created a message sees only what it has
//! put there, until it is done.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::numbers::relative_to;
use super::process::group_of;

/// A process is done with a message when it has created nothing in it for this long.
const DONE_AFTER: Duration = Duration::from_secs(10);

/// The messages, embedded ones too, that are being filled.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct Creators {
    messages: Vec<Filled>,
    /// Directories in these messages that nobody is filling any more.
    done: HashSet<String>,
}

#[derive(Debug)]
struct Filled {
    /// The path of the message directory.
    directory: String,
    process: u32,
    /// The paths that were created since.
    made: HashSet<String>,
    last: Instant,
}

impl Creators {
    /// Whether nobody is filling a message.
    pub(in crate::fs::edits) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Notes that a process has created a message; 0 stands for one that is not known.
    pub(in crate::fs::edits) fn created(&mut self, directory: &str, process: u32) {
        if process == 0 {
            return;
        }
        let (process, last) = (process_of(process), Instant::now());
        self.done.remove(directory);
        let directory = directory.to_owned();
        self.messages.push(Filled { directory, process, made: HashSet::new(), last });
    }

    /// Notes that a process has created a file or directory.
    pub(in crate::fs::edits) fn made(&mut self, path: &str, process: u32) {
        if let Some(filled) = self.around(path, process) {
            filled.last = Instant::now();
            filled.made.insert(path.to_owned());
        }
    }

    /// Notes that a directory was listed or removed. A process that does that is done with filling
    /// it.
    pub(in crate::fs::edits) fn done(&mut self, directory: &str) {
        self.messages.retain(|filled| filled.directory != directory);
        // The directory may lie in a message that is still being filled.
        if !self.messages.is_empty() {
            self.done.insert(directory.to_owned());
        }
    }

    /// Whether a path is hidden from a process, since the process is filling the message and has
    /// not created the path.
    pub(in crate::fs::edits) fn hides(&mut self, path: &str, process: u32) -> bool {
        if self.messages.is_empty() {
            return false;
        }
        self.messages.retain(|filled| filled.last.elapsed() < DONE_AFTER);
        if self.messages.is_empty() {
            self.done.clear();
        }
        if self.done.contains(path.rsplit_once('/').map_or("", |(directory, _)| directory)) {
            return false;
        }
        self.around(path, process).is_some_and(|filled| !filled.made.contains(path))
    }

    /// Whether somebody is filling the message around a path.
    pub(in crate::fs::edits) fn are_filling(&self, path: &str) -> bool {
        let is_in = |filled: &Filled| relative_to(path, &filled.directory).is_some();
        self.messages.iter().any(|filled| is_in(filled) && filled.last.elapsed() < DONE_AFTER)
    }

    /// The innermost message around a path that the process is filling.
    fn around(&mut self, path: &str, process: u32) -> Option<&mut Filled> {
        if self.messages.is_empty() {
            return None;
        }
        let process = process_of(process);
        let is_in = |filled: &&mut Filled| {
            // The directory itself is not in it.
            let rest = relative_to(path, &filled.directory).filter(|rest| !rest.is_empty());
            filled.process == process && rest.is_some_and(|rest| !rest.starts_with("mapi"))
        };
        self.messages.iter_mut().filter(is_in).max_by_key(|filled| filled.directory.len())
    }
}

/// The process of a thread: FUSE gives the number of the thread that makes a request, and several
/// threads of a program may fill a message.
fn process_of(thread: u32) -> u32 {
    group_of(thread).unwrap_or(thread)
}

#[cfg(test)]
mod tests {
    use super::Creators;

    #[test]
    fn only_its_creator_sees_a_message_empty() {
        let mut creators = Creators::default();
        creators.created("", 7);
        assert!(creators.hides("class", 7));
        assert!(!creators.hides("class", 8) && !creators.hides("mapi/PR_SUBJECT", 7));
        creators.made("class", 7);
        assert!(!creators.hides("class", 7));
        creators.made("attachments", 7);
        creators.made("attachments/In.msg", 7);
        creators.created("attachments/In.msg", 7);
        assert!(creators.hides("attachments/In.msg/class", 7));
        assert!(!creators.hides("attachments/In.msg", 7));
        creators.done("attachments/In.msg");
        assert!(!creators.hides("attachments/In.msg/class", 7));
    }
}
