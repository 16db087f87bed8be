//! A message in a folder of its own, as a target of edits.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use msgfs::imsg::{Access, Error, Message, Session, SessionOptions, Target};
use msgfs::storage::{self, CompoundFile, FileState, Replacement, Source, Step, Storage, Writer};
use tempfile::TempDir;

/// Fails a step, or does not.
pub(super) type Fault = Box<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

/// A file, as the filesystem would save it.
pub(super) struct FileTarget {
    folder: PathBuf,
    name: String,
    state: Mutex<Option<FileState>>,
    fault: Fault,
    recoverable: bool,
}

impl FileTarget {
    /// The file of this name as it is now, or one that is not there yet.
    pub(super) fn new(folder: &Path, name: &str) -> Arc<Self> {
        Self::with(folder, name, Box::new(|_| Ok(())), true)
    }

    /// The same with a fault, and whether it can be recovered.
    pub(super) fn with(folder: &Path, name: &str, fault: Fault, recoverable: bool) -> Arc<Self> {
        let state = File::open(folder.join(name)).ok();
        let state = state.map(|file| FileState::from(&file.metadata().unwrap()));
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Arc::new(Self { folder, name, state: Mutex::new(state), fault, recoverable })
    }
}

impl Target for FileTarget {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn commit(&self, snapshot: &Arc<CompoundFile>) -> Result<(), Error> {
        let folder = File::open(&self.folder).unwrap();
        let mut state = self.state.lock().unwrap();
        let name = OsStr::new(&self.name);
        let replacement =
            Replacement { hook: Some(&*self.fault), ..Replacement::of(snapshot, *state) };
        match replacement.run(&folder, name) {
            Ok(metadata) => *state = Some(FileState::from(&metadata)),
            Err(storage::Error::Unsynced { name, state: new, source }) => {
                *state = Some(new);
                return Err(storage::Error::Unsynced { name, state: new, source }.into());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, Error> {
        if !self.recoverable {
            let source = io::Error::other("no room for it either");
            return Err(Error::Target { name: self.name.clone(), source });
        }
        let path = self.folder.join(format!("{}.recovered", self.name));
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        write_snapshot(snapshot, file);
        Ok(path)
    }
}

/// Writes a snapshot into an empty file.
pub(super) fn write_snapshot(snapshot: &Arc<CompoundFile>, file: File) {
    let mut writer = Writer::create(file).unwrap();
    assert_eq!(writer.copy_storage(&snapshot.root(), &[]).unwrap(), []);
    writer.finish().unwrap();
}

/// A folder with one message in it, `a.msg`.
pub(super) struct Folder {
    pub(super) folder: TempDir,
    pub(super) session: Session,
}

impl Folder {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.msg"), bytes).unwrap();
        Self { folder, session: Session::open(SessionOptions::default()) }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("a.msg")
    }

    /// The root of the file as it is now.
    pub(super) fn storage(&self) -> Storage {
        open(&self.path()).root()
    }

    /// The message, to be read.
    pub(super) fn read(&self) -> Message {
        self.session.open_message(&self.storage(), Access::Read).unwrap()
    }

    /// The message, to be written.
    pub(super) fn write(&self) -> Message {
        self.write_to(FileTarget::new(self.folder.path(), "a.msg"))
    }

    pub(super) fn write_to(&self, target: Arc<FileTarget>) -> Message {
        self.session.open_message(&self.storage(), Access::ReadWrite(target)).unwrap()
    }

    /// The names in the folder.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

/// Opens a compound file.
pub(super) fn open(path: &Path) -> Arc<CompoundFile> {
    let (source, _) = Source::from_file(File::open(path).unwrap()).unwrap();
    CompoundFile::open(source).unwrap()
}
