//! The files inside one message that the kernel knows: a number each, by the path in the message.
//!
//! An edit makes a new tree of the message, in which everything may have moved. So what an inode
//! number stands for is a path, as for any other filesystem. Knows nothing of messages.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::view::NodeId;

/// The numbers of the files inside one message.
#[derive(Debug, Default)]
pub(super) struct Paths {
    by_number: HashMap<NodeId, Known>,
    by_path: HashMap<String, NodeId>,
}

#[derive(Debug)]
struct Known {
    /// `None` for a file that was removed while the kernel knew it.
    path: Option<String>,
    lookups: u64,
}

impl Paths {
    /// The path of a number; the message itself has the empty path.
    pub(super) fn path(&self, number: NodeId) -> Option<&str> {
        if number == NodeId(0) {
            return Some("");
        }
        self.by_number.get(&number)?.path.as_deref()
    }

    /// Whether a number is known, removed or not.
    pub(super) fn is_known(&self, number: NodeId) -> bool {
        number == NodeId(0) || self.by_number.contains_key(&number)
    }

    /// The number of a path, or the one it would get.
    pub(super) fn number(&self, path: &str) -> NodeId {
        if path.is_empty() {
            return NodeId(0);
        }
        if let Some(number) = self.by_path.get(path) {
            return *number;
        }
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let mask = (1 << NodeId::BITS) - 1;
        // The mask leaves less than 32 bits.
        let mut number = u32::try_from(hasher.finish() & mask).unwrap_or(1).max(1);
        while self.by_number.contains_key(&NodeId(number)) {
            number = if u64::from(number) == mask { 1 } else { number + 1 };
        }
        NodeId(number)
    }

    /// Enters a path that the kernel is being told of.
    pub(super) fn look_up(&mut self, path: &str) -> NodeId {
        let number = self.number(path);
        if number != NodeId(0) {
            let known = self.by_number.entry(number).or_insert_with(|| {
                self.by_path.insert(path.to_owned(), number);
                Known { path: Some(path.to_owned()), lookups: 0 }
            });
            known.lookups += 1;
        }
        number
    }

    /// Takes back references of the kernel.
    pub(super) fn forget(&mut self, number: NodeId, lookups: u64) {
        let Some(known) = self.by_number.get_mut(&number) else { return };
        known.lookups = known.lookups.saturating_sub(lookups);
        if known.lookups == 0
            && let Some(known) = self.by_number.remove(&number)
            && let Some(path) = known.path
        {
            self.by_path.remove(&path);
        }
    }

    /// Takes a path, and what is below it, from its number: the file is gone, or something else
    /// has its place now.
    pub(super) fn remove(&mut self, path: &str) {
        for gone in self.at_or_below(path) {
            if let Some(number) = self.by_path.remove(&gone)
                && let Some(known) = self.by_number.get_mut(&number)
            {
                known.path = None;
            }
        }
    }

    /// Moves a path, and what is below it.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.remove(to);
        for old in self.at_or_below(from) {
            let Some(number) = self.by_path.remove(&old) else { continue };
            let new = format!("{to}{}", old.get(from.len()..).unwrap_or_default());
            if let Some(known) = self.by_number.get_mut(&number) {
                known.path = Some(new.clone());
            }
            self.by_path.insert(new, number);
        }
    }

    fn at_or_below(&self, path: &str) -> Vec<String> {
        let is_below = |known: &str| {
            known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.by_path.keys().filter(|known| is_below(known)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Paths;
    use crate::view::NodeId;

    #[test]
    fn a_path_keeps_its_number_while_it_is_known() {
        let mut paths = Paths::default();
        let number = paths.number("subject");
        assert_eq!(paths.look_up("subject"), number);
        assert_eq!(paths.look_up("subject"), number);
        paths.forget(number, 1);
        assert_eq!(paths.path(number), Some("subject"));
        paths.forget(number, 1);
        assert_eq!(paths.path(number), None);
        assert_eq!((paths.look_up(""), paths.path(NodeId(0))), (NodeId(0), Some("")));
    }

    #[test]
    fn a_directory_moves_with_what_is_in_it() {
        let mut paths = Paths::default();
        let directory = paths.look_up("attachments/a.msg");
        let file = paths.look_up("attachments/a.msg/subject");
        let other = paths.look_up("attachments/a.msg2");
        let replaced = paths.look_up("attachments/b.msg");
        paths.rename("attachments/a.msg", "attachments/b.msg");
        assert_eq!(paths.path(directory), Some("attachments/b.msg"));
        assert_eq!(paths.path(file), Some("attachments/b.msg/subject"));
        assert_eq!(paths.path(other), Some("attachments/a.msg2"));
        assert_eq!(paths.path(replaced), None);
        assert!(paths.is_known(replaced));
        paths.forget(replaced, 1);
        assert!(!paths.is_known(replaced));
    }

    #[test]
    fn something_else_in_its_place_gets_a_number_of_its_own() {
        let mut paths = Paths::default();
        let file = paths.look_up("a");
        paths.remove("a");
        assert_ne!(paths.look_up("a"), file);
        assert_eq!(paths.path(file), None);
    }
}
