//! `msgfs ls`: lists names, attributes, or a line of JSON a message.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::fs::{self, Attr, FileType, Place};

use super::arguments::Ls;
use super::places::{Places, cause};
use super::terminal::{is_terminal, one_line, printed};
use super::{complain, summaries};

/// Prints the listing; returns whether all could be listed.
pub(super) fn run(
    arguments: &Ls,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<bool> {
    if arguments.json {
        return summaries::run(arguments, options, out);
    }
    let mut places = Places::new(options);
    let mut listing = Listing {
        out,
        long: arguments.long,
        recursive: arguments.recursive,
        to_terminal: is_terminal(),
        has_headings: arguments.recursive || arguments.paths.len() > 1,
        is_first: true,
        is_well: true,
    };
    for path in &arguments.paths {
        match places.open(path) {
            Ok(place) if place.attr().file_type == FileType::Directory => listing.tree(place)?,
            Ok(place) => {
                listing.is_first = false;
                listing.line(path, Some(&place))?;
            }
            Err(error) => listing.failed(path, &error)?,
        }
    }
    Ok(listing.is_well)
}

struct Listing<'a> {
    out: &'a mut (dyn Write + Send),
    long: bool,
    recursive: bool,
    to_terminal: bool,
    has_headings: bool,
    is_first: bool,
    is_well: bool,
}

impl Listing<'_> {
    /// Lists a directory, and those below it if that is asked for.
    fn tree(&mut self, root: Place) -> io::Result<()> {
        let mut directories = vec![root];
        while let Some(directory) = directories.pop() {
            let first = directories.len();
            self.directory(&directory, &mut directories)?;
            if let Some(found) = directories.get_mut(first..) {
                found.reverse();
            }
        }
        Ok(())
    }

    /// Lists one directory; puts those in it that are to be listed too behind the others.
    fn directory(&mut self, place: &Place, below: &mut Vec<Place>) -> io::Result<()> {
        let entries = match place.list() {
            Ok(entries) => entries,
            Err(error) => return self.failed(place.path(), &error),
        };
        if self.has_headings {
            let blank: &[u8] = if self.is_first { b"" } else { b"\n" };
            self.out.write_all(blank)?;
            self.out.write_all(&printed(place.path(), self.to_terminal))?;
            self.out.write_all(b":\n")?;
        }
        self.is_first = false;
        for entry in entries {
            let descends = self.recursive && entry.file_type == FileType::Directory;
            if !self.long && !descends {
                self.line(Path::new(&entry.name), None)?;
                continue;
            }
            match place.child(&entry.name) {
                Ok(child) => {
                    self.line(Path::new(&entry.name), Some(&child))?;
                    if descends {
                        below.push(child);
                    }
                }
                // It went away meanwhile.
                Err(fs::Error::NotFound) => {}
                Err(error) => self.failed(&place.path().join(&entry.name), &error)?,
            }
        }
        Ok(())
    }

    fn line(&mut self, name: &Path, place: Option<&Place>) -> io::Result<()> {
        let place = place.filter(|_| self.long);
        if let Some(place) = place {
            self.out.write_all(attributes(place.attr()).as_bytes())?;
        }
        self.out.write_all(&printed(name, self.to_terminal))?;
        if let Some(place) = place
            && place.attr().file_type == FileType::Symlink
            && let Ok(target) = place.read_link()
        {
            self.out.write_all(b" -> ")?;
            self.out.write_all(&printed(&target, self.to_terminal))?;
        }
        self.out.write_all(b"\n")
    }

    fn failed(&mut self, path: &Path, error: &fs::Error) -> io::Result<()> {
        self.is_well = false;
        self.out.flush()?;
        complain(&format!("{}: {}", one_line(path), cause(error)));
        Ok(())
    }
}

/// Mode, links, owner, group, size and time, each as wide as it mostly is.
fn attributes(attr: &Attr) -> String {
    let kind = match attr.file_type {
        FileType::Directory => 'd',
        FileType::RegularFile => '-',
        FileType::Symlink => 'l',
        FileType::NamedPipe => 'p',
        FileType::CharDevice => 'c',
        FileType::BlockDevice => 'b',
        FileType::Socket => 's',
    };
    let bit = |at: usize, letter| if attr.permissions & (0o400 >> at) == 0 { '-' } else { letter };
    let mode: String = "rwxrwxrwx".chars().enumerate().map(|(at, one)| bit(at, one)).collect();
    let time = Timestamp::try_from(attr.mtime).unwrap_or_default();
    let time = time.strftime("%Y-%m-%dT%H:%M:%SZ");
    let Attr { links, uid, gid, size, .. } = attr;
    format!("{kind}{mode} {links} {uid:>4} {gid:>4} {size:>9} {time} ")
}

/// Whether a directory is shown for a message.
pub(super) fn shows_message(place: &Place) -> bool {
    place.is_message() || place.child(OsStr::new("message.msg")).is_ok()
}
