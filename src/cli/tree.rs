//! `msgfs tree`: all that is below a path, drawn as a tree.

use std::io::{self, Write};
use std::path::Path;

use crate::fs::{self, FileType, NamedEntry, Place};

use super::arguments::Tree;
use super::complain;
use super::places::{Places, cause};
use super::status::Status;
use super::terminal::{is_terminal, one_line, printed};

/// Prints the trees.
pub(super) fn run(
    arguments: &Tree,
    options: fs::Options,
    out: &mut dyn Write,
) -> io::Result<Status> {
    let mut places = Places::new(options);
    let mut drawing = Drawing {
        out,
        levels: arguments.levels.unwrap_or(usize::MAX),
        to_terminal: is_terminal(),
        directories: 0,
        files: 0,
        status: Status::Done,
    };
    for path in &arguments.paths {
        match places.open(path) {
            Ok(place) => {
                drawing.name("", path, None)?;
                drawing.below(&place)?;
            }
            Err(error) => drawing.failed(path, &error)?,
        }
    }
    let Drawing { directories, files, status, out, .. } = drawing;
    let plural =
        |count, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let directories = plural(directories, "directory", "directories");
    writeln!(out, "\n{directories}, {}", plural(files, "file", "files"))?;
    Ok(status)
}

/// A directory that is being drawn.
struct Level {
    place: Place,
    rest: std::vec::IntoIter<NamedEntry>,
    /// What stands before the lines of its entries.
    indent: String,
}

struct Drawing<'a> {
    out: &'a mut dyn Write,
    levels: usize,
    to_terminal: bool,
    directories: u64,
    files: u64,
    status: Status,
}

impl Drawing<'_> {
    fn below(&mut self, root: &Place) -> io::Result<()> {
        if root.attr().file_type != FileType::Directory {
            self.files += 1;
            return Ok(());
        }
        let mut levels = Vec::new();
        self.enter(root.again(), String::new(), &mut levels)?;
        while let Some(level) = levels.last_mut() {
            let Some(entry) = level.rest.next() else {
                levels.pop();
                continue;
            };
            let is_last = level.rest.as_slice().is_empty();
            let branch = if is_last { "└── " } else { "├── " };
            let line = format!("{}{branch}", level.indent);
            let indent = format!("{}{}", level.indent, if is_last { "    " } else { "│   " });
            let name = Path::new(&entry.name);
            let child = match entry.file_type {
                FileType::Directory | FileType::Symlink => level.place.child(&entry.name),
                _ => {
                    self.files += 1;
                    self.name(&line, name, None)?;
                    continue;
                }
            };
            match child {
                Ok(child) if entry.file_type == FileType::Symlink => {
                    self.files += 1;
                    self.name(&line, name, child.read_link().ok().as_deref())?;
                }
                Ok(child) => {
                    self.directories += 1;
                    self.name(&line, name, None)?;
                    self.enter(child, indent, &mut levels)?;
                }
                Err(error) => self.failed(&level.place.path().join(name), &error)?,
            }
        }
        Ok(())
    }

    fn enter(&mut self, place: Place, indent: String, levels: &mut Vec<Level>) -> io::Result<()> {
        if levels.len() >= self.levels {
            return Ok(());
        }
        match place.list() {
            Ok(entries) => levels.push(Level { place, rest: entries.into_iter(), indent }),
            Err(error) => self.failed(place.path(), &error)?,
        }
        Ok(())
    }

    fn name(&mut self, before: &str, name: &Path, target: Option<&Path>) -> io::Result<()> {
        self.out.write_all(before.as_bytes())?;
        self.out.write_all(&printed(name, self.to_terminal))?;
        if let Some(target) = target {
            self.out.write_all(b" -> ")?;
            self.out.write_all(&printed(target, self.to_terminal))?;
        }
        self.out.write_all(b"\n")
    }

    fn failed(&mut self, path: &Path, error: &fs::Error) -> io::Result<()> {
        self.status.join(Status::of(error));
        self.out.flush()?;
        complain(&format!("{}: {}", one_line(path), cause(error)));
        Ok(())
    }
}
