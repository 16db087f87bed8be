//! Files that are no part of a message although they lie in its directory: what editors put beside
//! the file they edit. They are the mount's, and gone with it.
//!
//! Knows nothing of messages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::buffer::Buffer;

/// As many there may be in one message.
const FILES_MAX: usize = 4096;

/// The bytes of a scratch file, which every handle on it shares.
pub(super) type Shared = Arc<Mutex<Buffer>>;

/// One scratch file or directory.
#[derive(Clone, Debug)]
pub(super) struct ScratchFile {
    /// `None` for a directory.
    pub(super) bytes: Option<Shared>,
    /// Permission bits.
    pub(super) permissions: u16,
    /// Last modification.
    pub(super) mtime: SystemTime,
}

/// The scratch files of one message, by their paths in it.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    files: BTreeMap<String, ScratchFile>,
}

impl Scratch {
    pub(super) fn get(&self, path: &str) -> Option<&ScratchFile> {
        self.files.get(path)
    }

    pub(super) fn get_mut(&mut self, path: &str) -> Option<&mut ScratchFile> {
        self.files.get_mut(path)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Puts a file or directory at a path; `false` if there are too many.
    pub(super) fn put(&mut self, path: String, file: ScratchFile) -> bool {
        if self.files.len() >= FILES_MAX && !self.files.contains_key(&path) {
            return false;
        }
        self.files.insert(path, file);
        true
    }

    pub(super) fn remove(&mut self, path: &str) -> Option<ScratchFile> {
        self.files.remove(path)
    }

    /// Lets go of files and directories.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&str) -> bool) {
        self.files.retain(|path, _| is_kept(path));
    }

    /// The names in a directory, and what they are.
    pub(super) fn children<'a>(
        &'a self,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a ScratchFile)> {
        self.files.iter().filter_map(move |(path, file)| {
            let name = match directory {
                "" => path.as_str(),
                _ => path.strip_prefix(directory)?.strip_prefix('/')?,
            };
            (!name.contains('/')).then_some((name, file))
        })
    }

    /// Moves a file, or a directory with what is in it.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let is_moved = |path: &str| {
            path.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let moved: Vec<_> = self.files.keys().filter(|path| is_moved(path)).cloned().collect();
        for old in moved {
            if let Some(file) = self.files.remove(&old) {
                let new = format!("{to}{}", old.get(from.len()..).unwrap_or_default());
                self.files.insert(new, file);
            }
        }
    }

    /// The paths of files that no editor would have left behind.
    pub(super) fn forgotten(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().filter(|(_, file)| file.bytes.is_some());
        files.map(|(path, _)| path.as_str()).filter(|path| !is_temporary_name(name_of(path)))
    }
}

/// The last component of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether editors and other programs give such names to files of the moment: swap files, backups
/// and locks of vim, emacs, nano, LibreOffice, GLib, sed and rsync, and what the kernel renames a
/// removed file to.
pub(super) fn is_temporary_name(name: &str) -> bool {
    let is_swap = || {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        stem.starts_with('.')
            && extension.len() == 3
            && extension.starts_with("sw")
            && extension.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    name.ends_with('~')
        || name.starts_with(".#")
        || name.starts_with(".~")
        || name.starts_with(".goutputstream-")
        || name.starts_with(".fuse_hidden")
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        // vim tries whether it may create files in a directory.
        || name == "4913"
        || is_swap()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{Scratch, ScratchFile, is_temporary_name};

    fn file() -> ScratchFile {
        ScratchFile {
            bytes: Some(Default::default()),
            permissions: 0o644,
            mtime: SystemTime::now(),
        }
    }

    #[test]
    fn names_of_the_moment() {
        for name in [".body.txt.swp", ".a.swo", "a~", ".#a", "#a#", ".~lock.a.odt#", "4913"] {
            assert!(is_temporary_name(name), "{name}");
        }
        for name in ["body.txt", ".profile", "#", "report.pdf", ".a.sw", ".a.sxw", "a.swp", "2024"]
        {
            assert!(!is_temporary_name(name), "{name}");
        }
    }

    #[test]
    fn directories_have_their_files() {
        let mut scratch = Scratch::default();
        let directory = ScratchFile { bytes: None, ..file() };
        assert!(scratch.put("d".to_owned(), directory));
        assert!(scratch.put("d/x".to_owned(), file()));
        assert!(scratch.put("d2".to_owned(), file()));
        let names = |scratch: &Scratch, directory: &str| -> Vec<String> {
            scratch.children(directory).map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(&scratch, ""), ["d", "d2"]);
        scratch.rename("d", "e");
        assert_eq!(
            (names(&scratch, "e"), names(&scratch, "d")),
            (vec!["x".to_owned()], Vec::new())
        );
        assert_eq!(scratch.forgotten().collect::<Vec<_>>(), ["d2", "e/x"]);
        assert!(scratch.remove("e/x").is_some() && scratch.get("e/x").is_none());
    }
}
