//! The filesystem without a mount, called as the kernel calls it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use msgfs::fs::{Entry, Error, FileType, Fs, Ino, Options, SetAttr, WriteOptions};
use msgfs::imsg::SaveOutcome;
use msgfs::{imsg, view};
use rustix::io::Errno;

use super::files::{Change, Files, ReadFiles};

/// A filesystem, and its calls by path.
#[derive(Debug)]
pub(super) struct Direct {
    fs: Fs,
    source: PathBuf,
    options: Options,
}

/// Nothing is saved by itself.
const NEVER: Duration = Duration::from_secs(100_000);

/// A source opened for writing, whose edits are noted in a state folder.
pub(super) fn open_for_writing(source: &Path, state: &Path) -> Fs {
    let state_folder = Some(state.to_owned());
    let write = WriteOptions { state_folder, ..WriteOptions::default() };
    Fs::open(source, Options { write: Some(write), ..Options::default() }).unwrap()
}

impl Direct {
    /// A source, to be read.
    pub(super) fn reading(source: &Path) -> Self {
        Self::open(source, Options::default())
    }

    /// A source to be written, where messages may be removed.
    pub(super) fn writing(source: &Path, state: &Path) -> Self {
        let write = WriteOptions {
            delete: true,
            commit_delay: NEVER,
            state_folder: Some(state.to_owned()),
        };
        Self::open(source, Options { write: Some(write), ..Options::default() })
    }

    fn open(source: &Path, options: Options) -> Self {
        let fs = Fs::open(source, options.clone()).unwrap();
        Self { fs, source: source.to_owned(), options }
    }

    /// Looks a path up for as long as something is done.
    fn with<T>(&self, path: &str, run: impl FnOnce(Entry) -> Result<T, Error>) -> Result<T, Errno> {
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

    /// Does something with a name in a directory.
    fn in_directory<T>(
        &self,
        path: &str,
        run: impl FnOnce(Ino, &OsStr) -> Result<T, Error>,
    ) -> Result<T, Errno> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.with(directory, |found| run(found.attr.ino, OsStr::new(name)))
    }

    fn forget(&self, ino: Ino) {
        self.fs.forget(ino, u64::from(ino != Ino::ROOT));
    }

    /// Opens a file, which is created if there is none; it has to be forgotten.
    fn open_file(&self, path: &str, flags: i32) -> Result<(Ino, u64), Errno> {
        self.in_directory(path, |parent, name| match self.fs.lookup(parent, name) {
            Ok(found) => {
                let ino = found.attr.ino;
                let handle =
                    self.fs.open_file(ino, flags).inspect_err(|_| self.forget(ino))?.handle;
                Ok((ino, handle))
            }
            Err(Error::NotFound) => {
                let (entry, handle) = self.fs.create(parent, name, 0o644, flags)?;
                Ok((entry.attr.ino, handle))
            }
            Err(error) => Err(error),
        })
    }

    fn change_file(&self, path: &str, changes: &[Change], is_saved: bool) -> Result<(), Errno> {
        let (flags, rest) = match changes {
            [Change::Truncate(0), rest @ ..] => (libc::O_WRONLY | libc::O_TRUNC, rest),
            [Change::Append(_)] => (libc::O_WRONLY | libc::O_APPEND, changes),
            _ => (libc::O_RDWR, changes),
        };
        let (ino, handle) = self.open_file(path, flags)?;
        let end = || Ok(self.fs.getattr(ino)?.attr.size);
        let written = rest.iter().try_for_each(|change| match change {
            Change::Truncate(len) => {
                let change = SetAttr { size: Some(*len as u64), ..SetAttr::default() };
                self.fs.setattr(ino, Some(handle), &change).map(drop)
            }
            Change::Append(bytes) => self.fs.write(handle, end()?, bytes),
            Change::Write { offset, bytes } => self.fs.write(handle, *offset as u64, bytes),
        });
        let saved = if is_saved { self.fs.fsync(ino, handle) } else { Ok(()) };
        let closed = self.fs.flush(handle);
        self.fs.release(handle);
        self.forget(ino);
        written.and(saved).and(closed).map_err(|error| errno(&error))
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

impl Files for Direct {
    const TELLS_ERRORS_ON_CLOSING: bool = true;
    const SAVES_WITH_TIME: bool = false;
    const HAS_DESCRIPTORS: bool = false;

    fn change(&self, path: &str, changes: &[Change]) -> Result<(), Errno> {
        self.change_file(path, changes, false)
    }

    fn change_and_save(&self, path: &str, changes: &[Change]) -> Result<(), Errno> {
        self.change_file(path, changes, true)
    }

    fn save(&self, path: &str) -> Result<(), Errno> {
        self.with(path, |found| {
            let handle = self.fs.open_file(found.attr.ino, libc::O_RDONLY)?.handle;
            let saved = self.fs.fsync(found.attr.ino, handle);
            self.fs.release(handle);
            saved
        })
    }

    fn create_directory(&self, path: &str) -> Result<(), Errno> {
        let created = self.in_directory(path, |parent, name| self.fs.mkdir(parent, name))?;
        self.forget(created.attr.ino);
        Ok(())
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        self.in_directory(path, |parent, name| self.fs.unlink(parent, name))
    }

    fn remove_all(&self, path: &str) -> Result<(), Errno> {
        for name in self.names(path)? {
            let path = format!("{path}/{name}");
            let file_type = self.with(&path, |found| Ok(found.attr.file_type));
            match file_type {
                // It went away with another one.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
                Ok(FileType::Directory) => self.remove_all(&path)?,
                Ok(_) => self.remove_file(&path)?,
            }
        }
        self.in_directory(path, |parent, name| self.fs.rmdir(parent, name))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        let (directory, name) = to.rsplit_once('/').unwrap_or(("", to));
        let new = self.with(directory, |new_parent| {
            let to = (new_parent.attr.ino, OsStr::new(name));
            Ok(self.in_directory(from, |parent, name| self.fs.rename((parent, name), to, false)))
        });
        new?
    }

    fn restart(&mut self) {
        let report = self.fs.close();
        for save in &report.saves {
            // Temporary files that are left are kept, and values that were refused.
            let is_well = match &save.outcome {
                SaveOutcome::Saved => true,
                SaveOutcome::Kept { cause, .. } => {
                    cause.contains("temporary file") || cause.starts_with("refused: ")
                }
                SaveOutcome::Lost { .. } => false,
            };
            assert!(is_well, "{save:?}");
        }
        self.fs = Fs::open(&self.source, self.options.clone()).unwrap();
    }
}

/// What the kernel would be told.
fn errno(error: &Error) -> Errno {
    match error {
        Error::NotFound => Errno::NOENT,
        Error::NotADirectory => Errno::NOTDIR,
        Error::IsADirectory => Errno::ISDIR,
        Error::NotPermitted(_) => Errno::PERM,
        Error::Exists => Errno::EXIST,
        Error::NotEmpty => Errno::NOTEMPTY,
        Error::Stale { .. } => Errno::STALE,
        Error::Message {
            source: view::Error::Invalid { .. } | view::Error::Unmappable { .. },
            ..
        }
        | Error::Message {
            source:
                view::Error::Message(imsg::Error::Invalid { .. } | imsg::Error::Unmappable { .. }),
            ..
        } => Errno::INVAL,
        other => panic!("{other}"),
    }
}
