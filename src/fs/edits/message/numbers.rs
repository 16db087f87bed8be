//! The numbers of the files inside one message.
//!
//! The tree of a message numbers its files by their places in the file of the source, so an edit
//! or a save gives many of them other places. The kernel must not notice: what a number stands
//! for is a path, as in any other filesystem. The files in the directory of the message itself
//! have the same numbers in every tree and need no entry here. All others are noted when the
//! kernel is told of them, in a mount that may write. Knows nothing of messages.

use std::collections::HashMap;

use crate::view::{NodeId, fixed_number, fixed_numbers, fixed_path};

/// The numbers that the kernel was told of inside one message.
#[derive(Debug, Default)]
pub(in crate::fs::edits) struct FileNumbers {
    /// `None` for a file that was removed, or replaced, while the kernel knew its number.
    by_number: HashMap<NodeId, Option<Box<str>>>,
    by_path: HashMap<Box<str>, NodeId>,
    is_translated: bool,
}

impl FileNumbers {
    /// Whether a number may stand for another file than the tree of the message says.
    pub(in crate::fs::edits) fn are_translated(&self) -> bool {
        self.is_translated
    }

    /// Notes that the message gets another tree than the one that its numbers come from.
    pub(in crate::fs::edits) fn translate(&mut self) {
        self.is_translated = true;
    }

    /// The path of a number; the message itself has the empty path.
    pub(in crate::fs::edits) fn path(&self, number: NodeId) -> Option<&str> {
        match self.by_number.get(&number) {
            Some(path) => path.as_deref(),
            None => fixed_path(number),
        }
    }

    /// The number of a path, noted since the kernel is told of it. `in_tree` is the number that the
    /// present tree has for the path.
    pub(in crate::fs::edits) fn assign(&mut self, path: &str, in_tree: Option<NodeId>) -> NodeId {
        let number = self.number(path, in_tree);
        if fixed_path(number) != Some(path) && !self.by_path.contains_key(path) {
            self.by_number.insert(number, Some(path.into()));
            self.by_path.insert(path.into(), number);
        }
        number
    }

    /// The number of a path, or the one it would get.
    pub(in crate::fs::edits) fn number(&self, path: &str, in_tree: Option<NodeId>) -> NodeId {
        if let Some(number) = self.by_path.get(path) {
            return *number;
        }
        const LAST: u32 = (1 << NodeId::BITS) - 1;
        let mut number = in_tree.unwrap_or(NodeId(LAST));
        // Numbers that are made up come from the end, where hardly any tree has files.
        while !self.is_free(number, path) {
            number = NodeId(number.0.checked_sub(1).unwrap_or(LAST));
        }
        number
    }

    fn is_free(&self, number: NodeId, path: &str) -> bool {
        !self.by_number.contains_key(&number)
            && fixed_path(number).is_none_or(|fixed| fixed == path)
    }

    /// The number that a file is known by in here. A temporary file that was renamed onto a file
    /// stands for the same path as that file, so the kernel knows two numbers of it.
    pub(in crate::fs::edits) fn canonical(&self, number: NodeId) -> NodeId {
        self.path(number).map_or(number, |path| self.number(path, fixed_number(path)))
    }

    /// Takes a path, and what is below it, from its number: the file is gone, or something else
    /// has its place now.
    pub(in crate::fs::edits) fn remove(&mut self, path: &str) {
        self.is_translated = true;
        for (number, gone) in self.at_or_below(path) {
            self.by_path.remove(&gone);
            self.by_number.insert(number, None);
        }
    }

    /// Moves a path, and what is below it. A file that is replaced keeps its number.
    pub(in crate::fs::edits) fn rename(&mut self, from: &str, to: &str, is_replacing: bool) {
        self.is_translated = true;
        for (number, old) in self.at_or_below(from) {
            let new: Box<str> = format!("{to}{}", old.get(from.len()..).unwrap_or_default()).into();
            // The number that the path leads to follows it. Others may stand for the path, too.
            if self.number(&old, fixed_number(&old)) == number {
                self.by_path.remove(&old);
                if !is_replacing {
                    self.by_path.insert(new.clone(), number);
                }
            }
            self.by_number.insert(number, Some(new));
        }
    }

    /// Every number that was noted.
    pub(in crate::fs::edits) fn all(&self) -> impl Iterator<Item = NodeId> {
        self.by_number.keys().copied()
    }

    /// Every number that the kernel may know.
    fn known(&self) -> impl Iterator<Item = NodeId> {
        fixed_numbers().filter(|number| !self.by_number.contains_key(number)).chain(self.all())
    }

    /// Every number of a path and of what is below it, each with its path from there.
    pub(in crate::fs::edits) fn below(&self, path: &str) -> Vec<(NodeId, String)> {
        let below = |number| Some((number, relative_to(self.path(number)?, path)?.to_owned()));
        self.known().filter_map(below).collect()
    }

    /// The numbers by which the kernel may know a path.
    pub(in crate::fs::edits) fn of(&self, path: &str) -> Vec<NodeId> {
        self.known().filter(|number| self.path(*number) == Some(path)).collect()
    }

    /// The numbers of a path and of what is below it, with their paths.
    fn at_or_below(&self, path: &str) -> Vec<(NodeId, Box<str>)> {
        let known = self.known().filter_map(|number| Some((number, self.path(number)?)));
        let below = known.filter(|(_, known)| relative_to(known, path).is_some());
        below.map(|(number, known)| (number, known.into())).collect()
    }
}

/// The part of a path below a directory: empty for the directory itself, `None` outside of it.
pub(in crate::fs::edits) fn relative_to<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(directory)?;
    if rest.is_empty() || directory.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::FileNumbers;
    use crate::view::{NodeId, fixed_number};

    #[test]
    fn the_files_of_the_message_itself_need_no_entry() {
        let mut numbers = FileNumbers::default();
        let subject = fixed_number("subject").unwrap();
        assert_eq!(numbers.assign("subject", Some(subject)), subject);
        assert_eq!(numbers.all().count(), 0);
        assert_eq!(numbers.path(subject), Some("subject"));
        assert_eq!(numbers.path(NodeId(0)), Some(""));
    }

    #[test]
    fn a_path_keeps_its_number_in_every_tree() {
        let mut numbers = FileNumbers::default();
        let number = numbers.assign("attachments/a", Some(NodeId(500)));
        assert_eq!(number, NodeId(500));
        assert_eq!(numbers.assign("attachments/a", Some(NodeId(900))), number);
        // Another path that the new tree gives this number gets one of its own.
        assert_ne!(numbers.assign("attachments/b", Some(NodeId(500))), number);
        assert_eq!(numbers.path(number), Some("attachments/a"));
    }

    #[test]
    fn a_directory_moves_with_what_is_in_it() {
        let mut numbers = FileNumbers::default();
        let directory = numbers.assign("attachments/a.msg", None);
        let file = numbers.assign("attachments/a.msg/subject", None);
        let other = numbers.assign("attachments/a.msg2", None);
        numbers.rename("attachments/a.msg", "attachments/b.msg", false);
        assert_eq!(numbers.path(directory), Some("attachments/b.msg"));
        assert_eq!(numbers.path(file), Some("attachments/b.msg/subject"));
        assert_eq!(numbers.path(other), Some("attachments/a.msg2"));
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_number() {
        let mut numbers = FileNumbers::default();
        let old = numbers.assign("attachments/a", Some(NodeId(500)));
        let new = numbers.assign("attachments/tmp.abc", None);
        numbers.rename("attachments/tmp.abc", "attachments/a", true);
        assert_eq!(numbers.number("attachments/a", None), old);
        // Whoever holds the other one open sees the file too.
        assert_eq!(numbers.path(new), Some("attachments/a"));
        assert_eq!((numbers.canonical(new), numbers.canonical(old)), (old, old));
        // Both follow it, and both are of a file that is gone.
        numbers.rename("attachments/a", "attachments/b", false);
        let paths = [old, new].map(|number| numbers.path(number).map(str::to_owned));
        assert_eq!(paths, [Some("attachments/b".to_owned()), Some("attachments/b".to_owned())]);
        assert_eq!(numbers.number("attachments/b", None), old);
        numbers.remove("attachments/b");
        assert_eq!((numbers.path(old), numbers.path(new)), (None, None));
    }

    #[test]
    fn something_else_in_its_place_gets_a_number_of_its_own() {
        let mut numbers = FileNumbers::default();
        let text = fixed_number("body.txt").unwrap();
        assert_eq!(numbers.assign("body.txt", Some(text)), text);
        numbers.remove("body.txt");
        assert_eq!(numbers.path(text), None);
        let new = numbers.assign("body.txt", Some(text));
        assert_ne!(new, text);
        assert_eq!(numbers.path(new), Some("body.txt"));
        assert_eq!(numbers.assign("body.txt", Some(text)), new);
    }
}
