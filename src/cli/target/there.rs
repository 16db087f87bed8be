//! What is in the target already, and how something else takes its place.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{OutputDirectory, unfinished_name};

/// What has a name in a directory of the target.
#[derive(Debug)]
pub(in crate::cli) enum There {
    Nothing,
    File(File, Metadata),
    /// A link, a directory, a pipe, or a file that may not be read.
    Other,
}

/// File systems keep times at least this exactly: FAT in steps of two seconds.
const TIME_STEP: Duration = Duration::from_secs(2);

impl OutputDirectory {
    /// What has this name. No link is followed.
    pub(in crate::cli) fn there(&self, name: &OsStr) -> io::Result<There> {
        // NONBLOCK: it may be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.file, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(There::Nothing),
            Err(Errno::LOOP | Errno::NXIO | Errno::ACCESS | Errno::PERM) => {
                return Ok(There::Other);
            }
            Err(error) => return Err(error.into()),
        };
        let found = file.metadata()?;
        Ok(if found.is_file() { There::File(file, found) } else { There::Other })
    }

    /// The names in this directory that are not among `expected`.
    pub(in crate::cli) fn names_beside<'a>(
        &self,
        is_expected: impl Fn(&OsStr) -> bool,
        expected: impl Iterator<Item = &'a OsStr> + Clone,
    ) -> io::Result<Vec<OsString>> {
        let names = self.entries()?.into_iter().map(|(name, _)| name);
        let beside = names.filter(|name| !is_expected(name) && !self.is_alias(name, &expected));
        Ok(beside.collect())
    }

    /// Whether the file system made this name of an expected one. Some of them compose letters and
    /// accents in their own way.
    fn is_alias<'a>(
        &self,
        name: &OsStr,
        expected: &(impl Iterator<Item = &'a OsStr> + Clone),
    ) -> bool {
        let number = |name: &OsStr| {
            rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|it| it.st_ino)
        };
        // Such a file system changes no name of ASCII letters.
        !name.is_ascii()
            && number(name).is_some_and(|found| {
                expected
                    .clone()
                    .any(|expected| !expected.is_ascii() && number(expected) == Some(found))
            })
    }

    /// Gives what has the name `from` here the name `to` in another directory, and what has that
    /// name the name `from` here.
    pub(super) fn exchange(&self, other: &Self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let (here, there) = (&self.file, &other.file);
        match rustix::fs::renameat_with(here, from, there, to, RenameFlags::EXCHANGE) {
            // Not every file system can exchange.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.exchange_by_renames(other, from, to)
            }
            exchanged => Ok(exchanged?),
        }
    }

    /// As [`OutputDirectory::exchange`]. If the command is killed between the calls, the name is
    /// missing and the next run makes it again.
    fn exchange_by_renames(&self, other: &Self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let (here, there) = (&self.file, &other.file);
        let mut old = to.to_owned();
        old.push("/old");
        let old = unfinished_name(&old);
        self.clear(&old)?;
        rustix::fs::renameat(there, to, here, &old)?;
        rustix::fs::renameat(here, from, there, to)?;
        Ok(rustix::fs::renameat(here, &old, here, from)?)
    }
}

/// Whether a file has this time, as exactly as file systems keep it.
pub(in crate::cli) fn is_about(found: &Metadata, time: SystemTime) -> bool {
    let Ok(modified) = found.modified() else { return false };
    let apart = modified.duration_since(time).or_else(|_| time.duration_since(modified));
    apart.is_ok_and(|apart| apart < TIME_STEP)
}

/// Says what is in the way of a directory that cannot be created. The system says `File exists`.
pub(super) fn in_the_way(path: &Path, error: io::Error) -> io::Error {
    let remedy = "name a directory, or what is not there yet";
    let there = path.ancestors().find_map(|path| Some((path, path.symlink_metadata().ok()?)));
    match there {
        Some((_, found)) if found.is_dir() => error,
        Some((_, found)) if found.is_symlink() && !path.exists() => {
            io::Error::other(format!("is a link to what is not there; {remedy}"))
        }
        Some((found, _)) if found == path => {
            io::Error::other(format!("is not a directory; {remedy}"))
        }
        Some((found, _)) if !found.is_dir() => {
            io::Error::other(format!("{} is not a directory; {remedy}", found.display()))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::io;

    use super::OutputDirectory;

    type Exchange = fn(&OutputDirectory, &OutputDirectory, &OsStr, &OsStr) -> io::Result<()>;

    /// Also on a file system that cannot exchange two names, and where a command was killed before
    /// half way.
    #[test]
    fn two_names_are_exchanged() {
        for exchange in
            [OutputDirectory::exchange, OutputDirectory::exchange_by_renames] as [Exchange; 2]
        {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            for (name, text) in [("here/new", "new"), ("there/old", "old")] {
                fs::create_dir_all(at(name)).unwrap();
                fs::write(at(name).join("file"), text).unwrap();
            }
            let open = |name: &str| OutputDirectory::open(&at(name)).unwrap();
            let (here, there) = (open("here"), open("there"));
            let (new, old) = (OsStr::new("new"), OsStr::new("old"));
            for expected in ["new", "old"] {
                exchange(&here, &there, new, old).unwrap();
                assert_eq!(fs::read_to_string(at("there/old/file")).unwrap(), expected);
            }
            for (name, only) in [("here", "new"), ("there", "old")] {
                let found: Vec<_> =
                    fs::read_dir(at(name)).unwrap().map(|one| one.unwrap().file_name()).collect();
                assert_eq!(found, [only]);
            }
        }
    }
}
