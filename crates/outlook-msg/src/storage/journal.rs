//! Which folders may have leftovers of a killed process, so that nobody has to look for them.
//!
//! Each process that commits notes the folder before its first commit there, in a file of its own
//! that it locks. Files that nobody locks are those of the killed. Knows no mount: a source is a
//! path, and its folders are paths below it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::FlockOperation;
use sha2::{Digest as _, Sha256};

/// The notes of one process about one source.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    /// The beginning of the names of all files about the source.
    prefix: String,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    file: Option<(PathBuf, File)>,
    folders: HashSet<PathBuf>,
}

/// A file that a killed process has left.
#[derive(Debug)]
struct Left {
    path: PathBuf,
    /// Locked, so that no other process takes it on.
    file: File,
}

/// The folders that killed processes have committed in.
#[derive(Debug, Default)]
pub struct Pending {
    /// Paths below the source.
    pub folders: Vec<PathBuf>,
    files: Vec<Left>,
}

impl Journal {
    /// The journal of a source in a directory, which is created when it is needed.
    pub fn new(directory: PathBuf, source: &Path) -> Self {
        let digest = Sha256::digest(source.as_os_str().as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { directory, prefix: format!("{digest}-"), notes: Mutex::default() }
    }

    /// Notes that a commit in a folder is about to begin; the note is on the disk when this
    /// returns. Of many commits in a folder only the first one costs anything.
    ///
    /// # Errors
    /// Those of writing: there must be no commit then.
    pub fn note(&self, folder: &Path) -> io::Result<()> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.folders.contains(folder) {
            return Ok(());
        }
        if notes.file.is_none() {
            notes.file = Some(self.create()?);
        }
        if let Some((_, file)) = &mut notes.file {
            // A path holds no NUL. What is cut off by a crash has none behind it.
            file.write_all(&[folder.as_os_str().as_bytes(), &[0]].concat())?;
            file.sync_data()?;
        }
        notes.folders.insert(folder.to_owned());
        Ok(())
    }

    /// The folders that killed processes have noted. Once their leftovers are removed, give it to
    /// [`Journal::settle`].
    ///
    /// # Errors
    /// Those of reading the directory.
    pub fn pending(&self) -> io::Result<Pending> {
        let mut pending = Pending::default();
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(pending),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_name().as_bytes().starts_with(self.prefix.as_bytes()) {
                continue;
            }
            let path = entry.path();
            let Ok(mut file) = File::open(&path) else { continue };
            if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.split_inclusive(|byte| *byte == 0);
            let folders = whole.filter_map(|folder| folder.strip_suffix(&[0]));
            pending
                .folders
                .extend(folders.map(|folder| PathBuf::from(OsString::from_vec(folder.to_vec()))));
            pending.files.push(Left { path, file });
        }
        pending.folders.sort();
        pending.folders.dedup();
        Ok(pending)
    }

    /// Forgets the notes of killed processes.
    ///
    /// # Errors
    /// Those of removing the files.
    pub fn settle(&self, pending: Pending) -> io::Result<()> {
        for Left { path, file } in pending.files {
            fs::remove_file(path)?;
            drop(file);
        }
        Ok(())
    }

    /// Forgets the notes of this process, which has ended its commits.
    ///
    /// # Errors
    /// Those of removing the file.
    pub fn clear(&self) -> io::Result<()> {
        let notes = {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *notes)
        };
        match notes.file {
            Some((path, _locked)) => fs::remove_file(path),
            None => Ok(()),
        }
    }

    fn create(&self) -> io::Result<(PathBuf, File)> {
        fs::create_dir_all(&self.directory)?;
        for number in 0_u64.. {
            let name = format!("{}{}-{number}", self.prefix, std::process::id());
            let path = self.directory.join(name);
            match File::create_new(&path) {
                Ok(file) => {
                    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
                    File::open(&self.directory)?.sync_all()?;
                    return Ok((path, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_of_the_dead_are_found_and_settled() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("msgfs/pending");
        let journal = |source: &str| Journal::new(directory.clone(), Path::new(source));
        let (dead, alive, other) = (journal("/mail"), journal("/mail"), journal("/other"));
        assert!(dead.pending().unwrap().folders.is_empty());
        for folder in ["", "a\nb", "a\nb", "2024/May"] {
            dead.note(Path::new(folder)).unwrap();
        }
        alive.note(Path::new("alive")).unwrap();
        other.note(Path::new("other")).unwrap();
        assert!(journal("/mail").pending().unwrap().folders.is_empty());
        drop((dead, other));
        let next = journal("/mail");
        let pending = next.pending().unwrap();
        let expected: Vec<PathBuf> = ["", "2024/May", "a\nb"].map(PathBuf::from).to_vec();
        assert_eq!(pending.folders, expected);
        assert!(journal("/mail").pending().unwrap().folders.is_empty(), "taken on by one");
        next.settle(pending).unwrap();
        assert!(next.pending().unwrap().folders.is_empty());
        alive.clear().unwrap();
        alive.clear().unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "that of the other source");
    }

    #[test]
    fn a_note_that_is_cut_off_counts_for_nothing() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path().to_owned(), Path::new("/mail"));
        let path = state.path().join(format!("{}1-0", journal.prefix));
        fs::write(&path, b"whole\0cut").unwrap();
        assert_eq!(journal.pending().unwrap().folders, [PathBuf::from("whole")]);
        fs::write(&path, b"cut").unwrap();
        assert!(journal.pending().unwrap().folders.is_empty());
    }
}
