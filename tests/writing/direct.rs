//! The filesystem without a mount, called as the kernel calls it.

use std::ffi::OsStr;
use std::path::Path;

use msgfs::fs::{Entry, Error, Fs, Ino, Options};
use rustix::io::Errno;

use super::files::ReadFiles;

/// A filesystem, and its calls by path.
#[derive(Debug)]
pub(super) struct Direct {
    fs: Fs,
}

impl Direct {
    /// A source, to be read.
    pub(super) fn reading(source: &Path) -> Self {
        Self { fs: Fs::open(source, Options::default()).unwrap() }
    }

    /// Looks a path up for as long as something is done.
    fn with<T>(
        &self,
        path: &str,
        run: impl FnOnce(Entry) -> Result<T, Error>,
    ) -> Result<T, Errno> {
        let mut found = self.fs.getattr(Ino::ROOT).map_err(|error| errno(&error))?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let directory = found.attr.ino;
            let child = self.fs.lookup(directory, OsStr::new(name));
            // The child keeps known what it needs.
            self.forget(directory);
            found = child.map_err(|error| errno(&error))?;
        }
        let outcome = run(found);
        self.forget(found.attr.ino);
        outcome.map_err(|error| errno(&error))
    }

    fn forget(&self, ino: Ino) {
        self.fs.forget(ino, u64::from(ino != Ino::ROOT));
    }
}

impl ReadFiles for Direct {
    fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.with(path, |found| self.fs.read(found.attr.ino, 0, 1 << 30))
    }

    fn len(&self, path: &str) -> Result<u64, Errno> {
        self.with(path, |found| Ok(found.attr.size))
    }

    fn names(&self, directory: &str) -> Result<Vec<String>, Errno> {
        self.with(directory, |found| {
            let mut names = Vec::new();
            self.fs.readdir(found.attr.ino, 0, false, &mut |child| {
                if !child.is_dot {
                    names.push(child.name.to_str().unwrap().to_owned());
                }
                false
            })?;
            Ok(names)
        })
    }
}

fn errno(error: &Error) -> Errno {
    match error {
        Error::NotFound => Errno::NOENT,
        Error::NotADirectory => Errno::NOTDIR,
        Error::IsADirectory => Errno::ISDIR,
        Error::Stale { .. } => Errno::STALE,
        other => panic!("{other}"),
    }
}
