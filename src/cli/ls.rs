//! `msgfs ls`: lists names, attributes, or messages.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::fs::{self, Attr, FileType, Place};

use super::arguments::Ls;
use super::clock::{Clock, human_size};
use super::places::{Places, cause};
use super::status::Status;
use super::terminal::{has_colors, is_terminal, one_line, printed};
use super::{complain, mailbox};

/// Prints the listing.
pub(super) fn run(
    arguments: &Ls,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    if arguments.json || arguments.mail {
        return mailbox::run(arguments, options, out);
    }
    let mut places = Places::new(options);
    let mut printer = ListPrinter {
        out,
        arguments,
        clock: Clock::new(arguments.utc),
        to_terminal: is_terminal(),
        has_colors: has_colors(arguments.color),
        has_headings: arguments.recursive || (arguments.paths.len() > 1 && !arguments.directory),
        is_first: true,
        status: Status::Done,
    };
    for path in &arguments.paths {
        match places.open(path) {
            Ok(place) if place.attr().file_type == FileType::Directory && !arguments.directory => {
                printer.tree(place)?;
            }
            Ok(place) => {
                printer.is_first = false;
                let file_type = place.attr().file_type;
                printer.line(&ListedEntry { name: path.into(), file_type, place: Some(place) })?;
            }
            Err(error) => printer.failed(path, &error)?,
        }
    }
    Ok(printer.status)
}

/// A name in a directory, with its place if that was looked up.
struct ListedEntry {
    name: OsString,
    file_type: FileType,
    place: Option<Place>,
}

struct ListPrinter<'a> {
    out: &'a mut (dyn Write + Send),
    arguments: &'a Ls,
    clock: Clock,
    to_terminal: bool,
    has_colors: bool,
    has_headings: bool,
    is_first: bool,
    status: Status,
}

impl ListPrinter<'_> {
    /// Lists a directory, and with `-R` those below it.
    fn tree(&mut self, root: Place) -> io::Result<()> {
        let mut directories = vec![root];
        while let Some(directory) = directories.pop() {
            let below = self.directory(&directory)?;
            directories.extend(below.into_iter().rev());
        }
        Ok(())
    }

    /// Lists one directory; returns those in it that are to be listed too.
    fn directory(&mut self, place: &Place) -> io::Result<Vec<Place>> {
        let entries = match self.entries(place)? {
            Ok(entries) => entries,
            Err(error) => {
                self.failed(place.path(), &error)?;
                return Ok(Vec::new());
            }
        };
        if self.has_headings {
            let blank: &[u8] = if self.is_first { b"" } else { b"\n" };
            self.out.write_all(blank)?;
            self.out.write_all(&printed(place.path(), self.to_terminal))?;
            self.out.write_all(b":\n")?;
        }
        self.is_first = false;
        let mut below = Vec::new();
        for entry in entries {
            self.line(&entry)?;
            let descends = self.arguments.recursive && entry.file_type == FileType::Directory;
            below.extend(entry.place.filter(|_| descends));
        }
        Ok(below)
    }

    /// The entries of a directory in their order.
    fn entries(&mut self, place: &Place) -> io::Result<Result<Vec<ListedEntry>, fs::Error>> {
        let Ls { long, recursive, by_time, by_size, reverse, all, .. } = *self.arguments;
        let names = match place.list() {
            Ok(names) => names,
            Err(error) => return Ok(Err(error)),
        };
        // In a message no name is hidden: an attachment may be called .profile.
        let hides = place.is_folder() && !all;
        let mut entries = Vec::with_capacity(names.len());
        for named in names {
            if hides && named.name.as_bytes().starts_with(b".") {
                continue;
            }
            let descends = recursive && named.file_type == FileType::Directory;
            let mut child = None;
            if long || by_time || by_size || descends {
                match place.child(&named.name) {
                    Ok(found) => child = Some(found),
                    // Removed since the directory was listed.
                    Err(fs::Error::NotFound) => continue,
                    Err(error) => {
                        self.failed(&place.path().join(&named.name), &error)?;
                        continue;
                    }
                }
            }
            entries.push(ListedEntry {
                name: named.name,
                file_type: named.file_type,
                place: child,
            });
        }
        // Names are in order already, and the sort is stable.
        entries.sort_by(|a, b| match (attr(a), attr(b)) {
            (Some(a), Some(b)) if by_time => b.mtime.cmp(&a.mtime),
            (Some(a), Some(b)) if by_size => b.size.cmp(&a.size),
            _ => Ordering::Equal,
        });
        if reverse {
            entries.reverse();
        }
        Ok(Ok(entries))
    }

    fn line(&mut self, entry: &ListedEntry) -> io::Result<()> {
        let place = entry.place.as_ref().filter(|_| self.arguments.long);
        if let Some(place) = place {
            let attributes = self.attributes(place.attr());
            self.out.write_all(attributes.as_bytes())?;
        }
        let is_coloured = self.has_colors && entry.file_type == FileType::Directory;
        let (before, behind) = if is_coloured { (BLUE, PLAIN) } else { ("", "") };
        self.out.write_all(before.as_bytes())?;
        self.out.write_all(&printed(Path::new(&entry.name), self.to_terminal))?;
        self.out.write_all(behind.as_bytes())?;
        self.out.write_all(match entry.file_type {
            FileType::Directory if self.arguments.classify => b"/",
            FileType::Symlink if self.arguments.classify && !self.arguments.long => b"@",
            _ => b"",
        })?;
        if let Some(place) = place
            && place.attr().file_type == FileType::Symlink
            && let Ok(target) = place.read_link()
        {
            self.out.write_all(b" -> ")?;
            self.out.write_all(&printed(&target, self.to_terminal))?;
        }
        self.out.write_all(if self.arguments.null { b"\0" } else { b"\n" })
    }

    /// Mode, links, owner, group, size and time, in columns of their usual width.
    fn attributes(&self, attr: &Attr) -> String {
        let kind = match attr.file_type {
            FileType::Directory => 'd',
            FileType::RegularFile => '-',
            FileType::Symlink => 'l',
            FileType::NamedPipe => 'p',
            FileType::CharDevice => 'c',
            FileType::BlockDevice => 'b',
            FileType::Socket => 's',
        };
        let bit =
            |at: usize, letter| if attr.permissions & (0o400 >> at) == 0 { '-' } else { letter };
        let mode: String = "rwxrwxrwx".chars().enumerate().map(|(at, one)| bit(at, one)).collect();
        let Attr { links, uid, gid, .. } = attr;
        let time = self.clock.exact_of_file(attr.mtime);
        let size = match self.arguments.human_readable {
            true => format!("{:>5}", human_size(attr.size)),
            false => format!("{:>9}", attr.size),
        };
        format!("{kind}{mode} {links} {uid:>4} {gid:>4} {size} {time} ")
    }

    fn failed(&mut self, path: &Path, error: &fs::Error) -> io::Result<()> {
        self.status.join(Status::of(error));
        self.out.flush()?;
        complain(&format!("{}: {}", one_line(path), cause(error)));
        Ok(())
    }
}

/// The colour that ls gives directories.
const BLUE: &str = "\x1b[1;34m";
const PLAIN: &str = "\x1b[0m";

fn attr(listed: &ListedEntry) -> Option<&Attr> {
    listed.place.as_ref().map(Place::attr)
}
