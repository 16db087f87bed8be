//! The directories that a command created for its target: which of them a failed command may remove.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::there::in_the_way;

/// The directories that were created, the outermost first.
#[derive(Debug, Default)]
pub(super) struct CreatedDirectories(Vec<CreatedDirectory>);

#[derive(Debug)]
struct CreatedDirectory {
    path: PathBuf,
    /// The device and the inode: another directory may have the path by the time of removal.
    identity: (u64, u64),
}

impl CreatedDirectories {
    /// Creates a directory, and those around it, as far as they are not there.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut created = Self::default();
        match created.create_all(path) {
            Ok(()) => Ok(created),
            Err(error) => {
                let error = in_the_way(path, error);
                created.remove_empty();
                Err(error)
            }
        }
    }

    fn create_all(&mut self, path: &Path) -> io::Result<()> {
        // Without a `.` at the end, which mkdir(2) refuses.
        let path: PathBuf = path.components().collect();
        let mut levels: Vec<_> = path.ancestors().filter(|level| *level != Path::new("")).collect();
        levels.reverse();
        for level in levels {
            // One that is there is not created, because other errors may come before EEXIST.
            if level.is_dir() {
                continue;
            }
            match DirBuilder::new().create(level) {
                Ok(()) => {
                    let made = level.symlink_metadata()?;
                    let (path, identity) = (level.to_owned(), (made.dev(), made.ino()));
                    self.0.push(CreatedDirectory { path, identity });
                }
                // Another command was faster, and may be writing into it.
                Err(_) if level.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the target itself is one of them: it is created last.
    pub(super) fn has(&self, path: &Path) -> bool {
        let path: PathBuf = path.components().collect();
        self.0.last().is_some_and(|last| last.path == path)
    }

    /// Removes those that are still there, if nothing but directories is in them. One that is not
    /// empty stays, and so do those around it.
    pub(super) fn remove_empty(self) {
        let _ = self.0.iter().rev().try_for_each(|one| {
            let found = one.path.symlink_metadata()?;
            let is_same = (found.dev(), found.ino()) == one.identity;
            match is_same && has_only_directories(&one.path)? {
                true => remove_directories(&one.path),
                false => Err(io::ErrorKind::NotFound.into()),
            }
        });
    }
}

fn has_only_directories(path: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || !has_only_directories(&entry.path())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes a directory and those in it; fails at the first that is not empty.
fn remove_directories(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        remove_directories(&entry?.path())?;
    }
    std::fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::CreatedDirectories;

    #[test]
    fn only_what_was_created_and_is_empty_is_removed() {
        let around = tempfile::tempdir().unwrap();
        let check = |path: &str, between: &dyn Fn(&Path), left: &[&str]| {
            let at = |name: &str| around.path().join(name);
            fs::create_dir(at("there")).unwrap();
            let created = CreatedDirectories::create(&at(path)).unwrap();
            between(around.path());
            created.remove_empty();
            for name in left {
                assert!(at(name).is_dir(), "{path}: {name}");
            }
            let names = fs::read_dir(around.path()).unwrap().count();
            let outermost = left.iter().filter(|name| !name.contains('/')).count();
            assert_eq!(names, outermost, "{path}");
            fs::remove_dir_all(around.path()).unwrap();
            fs::create_dir(around.path()).unwrap();
        };
        check("there", &|_| {}, &["there"]);
        check("there/a/b", &|_| {}, &["there"]);
        check("new/a/b/.", &|_| {}, &["there"]);
        check("new/../a", &|_| {}, &["there"]);
        let fill = |around: &Path| fs::create_dir_all(around.join("new/a/b/c/d")).unwrap();
        check("new/a/b", &fill, &["there"]);
        let fill = |around: &Path| {
            fs::create_dir_all(around.join("new/a/b/c/d")).unwrap();
            fs::create_dir_all(around.join("new/a/b/e")).unwrap();
            fs::write(around.join("new/a/b/c/mine"), "").unwrap();
        };
        check("new/a/b", &fill, &["there", "new", "new/a/b/c/d", "new/a/b/e"]);
        // The old directory still has its inode, so the new one has another.
        let replace = |around: &Path| {
            fs::rename(around.join("new/a"), around.join("old")).unwrap();
            fs::create_dir(around.join("new/a")).unwrap();
        };
        check("new/a", &replace, &["there", "new", "new/a", "old"]);
        let gone = |around: &Path| fs::remove_dir(around.join("new/a")).unwrap();
        check("new/a", &gone, &["there", "new"]);
    }

    #[test]
    fn what_cannot_be_created_leaves_nothing() {
        let around = tempfile::tempdir().unwrap();
        fs::write(around.path().join("file"), "").unwrap();
        for path in ["file", "file/below", "new/../file/below"] {
            assert!(CreatedDirectories::create(&around.path().join(path)).is_err(), "{path}");
            assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1, "{path}");
        }
    }
}
