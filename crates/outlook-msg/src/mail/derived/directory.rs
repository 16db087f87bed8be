//! Writes directories and files into memory, bounded in number and size.

use std::sync::Arc;

use crate::imsg::Address;
use crate::mail::reader::ReaderFile;
use crate::mail::text::{one_line, reader_line, unix_lines};

use super::DerivedNode;

/// The directory of the attachments of a message.
pub(super) const ATTACHMENTS: &str = "attachments";
/// The file of what could not be read.
const ERRORS: &str = "ERRORS";

/// All files together are no larger than this, in bytes.
const BYTES_MAX: usize = 64 << 20;
/// One number less than there are, for `ERRORS` of the root.
const NODES_MAX: usize = super::NODES_MAX as usize - 1;

/// Directories and files as they are written.
#[derive(Debug, Default)]
pub(super) struct Directory {
    nodes: Vec<DerivedNode>,
    bytes: usize,
    left_out: usize,
}

impl Directory {
    /// What was written.
    pub(super) fn finish(self) -> Vec<DerivedNode> {
        self.nodes
    }

    /// Writes the outermost directory, with `ERRORS` for what `fill` could not read.
    pub(super) fn root(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut Self) -> Result<Vec<String>, String>,
    ) {
        self.directory(name, |root| {
            let mut defects = fill(root).unwrap_or_else(|cause| vec![cause]);
            if root.left_out > 0 {
                let count = root.left_out;
                defects.push(format!(
                    "{count} files left out: at most {NODES_MAX} files and directories of {BYTES_MAX} \
                     bytes are shown"
                ));
            }
            let text = errors(&defects);
            if !text.is_empty() {
                root.put(ERRORS, text);
            }
        });
    }

    /// Writes a directory.
    pub(super) fn directory(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        if self.nodes.len() >= NODES_MAX {
            self.left_out += 1;
            return;
        }
        let at = self.nodes.len();
        self.nodes.push(DerivedNode { name: name.to_owned(), end: at + 1, content: None });
        fill(self);
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(at) {
            node.end = end;
        }
    }

    /// Writes a file.
    pub(super) fn file(&mut self, name: &str, content: Vec<u8>) {
        let bytes = self.bytes.saturating_add(content.len());
        if self.nodes.len() >= NODES_MAX || bytes > BYTES_MAX {
            self.left_out += 1;
            return;
        }
        self.bytes = bytes;
        self.put(name, content);
    }

    /// Writes `ERRORS` of a message inside.
    pub(super) fn errors(&mut self, defects: &[String]) {
        let text = errors(defects);
        if !text.is_empty() {
            self.file(ERRORS, text);
        }
    }

    /// Writes a text of the reader's view.
    pub(super) fn text(&mut self, file: ReaderFile, text: Option<&str>) {
        if let Some(text) = text {
            self.file(file.name(), reader_line(text));
        }
    }

    /// Writes a body, which ends as it is.
    pub(super) fn body(&mut self, file: ReaderFile, text: &str) {
        self.file(file.name(), unix_lines(text).into_bytes());
    }

    /// Writes addresses, one a line.
    pub(super) fn addresses(&mut self, file: ReaderFile, addresses: &[Address]) {
        let lines: String = addresses.iter().map(|one| one_line(&one.to_string()) + "\n").collect();
        if !lines.is_empty() {
            self.file(file.name(), lines.into_bytes());
        }
    }

    fn put(&mut self, name: &str, content: Vec<u8>) {
        let end = self.nodes.len() + 1;
        let content = Some(Arc::from(content));
        self.nodes.push(DerivedNode { name: name.to_owned(), end, content });
    }
}

fn errors(defects: &[String]) -> Vec<u8> {
    let lines = defects.iter().map(|defect| one_line(defect) + "\n");
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Directory, NODES_MAX};

    fn errors(directory: Directory) -> String {
        let nodes = directory.finish();
        let last = nodes.last().unwrap();
        assert!(nodes.len() <= NODES_MAX + 1 && last.end == nodes.len());
        assert_eq!((last.name.as_str(), nodes[0].end), ("ERRORS", nodes.len()));
        String::from_utf8(last.content.as_ref().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn number_and_size_are_bounded() {
        let mut directory = Directory::default();
        directory.root("d", |root| {
            for _ in 0..5000 {
                root.directory("inner", |inner| inner.file("x", vec![1]));
            }
            Ok(vec!["one\ntwo".to_owned()])
        });
        assert!(errors(directory).starts_with("one two\n2953 files left out"));
        let mut directory = Directory::default();
        directory.root("d", |root| {
            root.file("x", vec![0; BYTES_MAX]);
            root.file("y", vec![0]);
            Ok(Vec::new())
        });
        assert!(errors(directory).starts_with("1 files left out"));
    }
}
