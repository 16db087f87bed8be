//! Sources mounted for writing.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::mounted::{Mounted, has_fuse, is_mounted, msgfs};
use crate::mount::process::{Ended, MOMENT, Process, wait_until};

use super::files::{Change, Files, ReadFiles};
use super::places::recovered;

/// A source that is served for writing in the foreground. Dropping it kills the process and takes
/// the mount off.
#[derive(Debug)]
pub(super) struct Served {
    process: Option<Process>,
    mounted: Mounted,
    point: TempDir,
    source: PathBuf,
    state: PathBuf,
    options: &'static str,
    environment: Vec<(&'static str, PathBuf)>,
}

/// Messages may be removed, too.
const OPTIONS: &str = "edit,delete";

impl Served {
    /// Mounts a source; edits that cannot be saved are kept in a state folder. `None` where mounts
    /// do not work.
    pub(super) fn start(source: &Path, state: &Path) -> Option<Self> {
        Self::start_with(OPTIONS, source, state)
    }

    /// Mounts a source with certain options.
    pub(super) fn start_with(options: &'static str, source: &Path, state: &Path) -> Option<Self> {
        Self::start_in(Vec::new(), options, source, state)
    }

    /// Mounts a source with certain options, in an environment with these variables.
    pub(super) fn start_in(
        environment: Vec<(&'static str, PathBuf)>,
        options: &'static str,
        source: &Path,
        state: &Path,
    ) -> Option<Self> {
        if !has_fuse() {
            return None;
        }
        let point = TempDir::with_prefix("msgfs-writing-").unwrap();
        let mounted = Mounted::guard(point.path());
        let (source, state) = (source.to_owned(), state.to_owned());
        let process = None;
        let mut served = Self { process, mounted, point, source, state, options, environment };
        served.serve();
        Some(served)
    }

    /// Mounts the source.
    pub(super) fn serve(&mut self) {
        let point = self.point.path();
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", &self.state).envs(self.environment.iter().cloned());
        command.args(["-f", "-o", self.options]).arg(&self.source).arg(point);
        let mut process = Process::start(&mut command);
        wait_until("the mount", MOMENT, || {
            assert!(process.is_running(), "the program ended: {}", process.stderr());
            is_mounted(point) && fs::read_dir(point).is_ok()
        });
        self.process = Some(process);
    }

    pub(super) fn root(&self) -> &Path {
        self.point.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.point.path().join(name)
    }

    #[track_caller]
    pub(super) fn text(&self, name: &str) -> String {
        self.mounted.text(name)
    }

    /// Writes a file as a program does that does not care about the disk.
    #[track_caller]
    pub(super) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    }

    /// Has the message of a file saved.
    pub(super) fn sync(&self, name: &str) -> Result<(), Errno> {
        self.save(name)
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.process.as_ref().unwrap().signal(signal);
    }

    pub(super) fn stop(&self) {
        self.process.as_ref().unwrap().stop();
    }

    /// Waits for the end of the process and of the mount.
    pub(super) fn end(&mut self) -> Ended {
        let ended = self.process.take().unwrap().end(MOMENT);
        self.take_off();
        ended
    }

    /// Ends a mount that cannot save so many messages: they are kept, and it says where.
    #[track_caller]
    pub(super) fn end_unsaved(&mut self, count: usize) -> Vec<PathBuf> {
        self.signal(Signal::TERM);
        let ended = self.end();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        let kept = recovered(&self.state);
        assert_eq!(kept.len(), count, "{kept:?}");
        for path in &kept {
            assert!(ended.stderr.contains(path.to_str().unwrap()), "{path:?}: {}", ended.stderr);
        }
        kept
    }

    /// What the process has written to its standard error so far.
    pub(super) fn told(&self) -> String {
        self.process.as_ref().unwrap().stderr()
    }

    /// The files that the process has open: the path and the inode number of each.
    pub(super) fn open_files(&self) -> Vec<(PathBuf, u64)> {
        let folder = format!("/proc/{}/fd", self.process.as_ref().unwrap().id());
        let entries = fs::read_dir(folder).unwrap().flatten();
        // Another one may be closed meanwhile.
        let file = |entry: fs::DirEntry| {
            let path = fs::read_link(entry.path()).ok()?;
            Some((path, fs::metadata(entry.path()).ok()?.ino()))
        };
        entries.filter_map(file).collect()
    }

    /// Has the process killed, at once, and takes the dead mount off.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.process.take().unwrap().end(MOMENT);
        self.take_off();
    }

    fn take_off(&self) {
        let point = self.point.path();
        while is_mounted(point) {
            let flags = rustix::mount::UnmountFlags::DETACH;
            // It may come off by itself.
            let _ = rustix::mount::unmount(point, flags);
        }
    }
}

impl ReadFiles for Served {
    fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        fs::read(self.path(path)).map_err(|error| errno(&error))
    }

    fn len(&self, path: &str) -> Result<u64, Errno> {
        Ok(fs::symlink_metadata(self.path(path)).map_err(|error| errno(&error))?.len())
    }

    fn names(&self, directory: &str) -> Result<Vec<String>, Errno> {
        let entries = fs::read_dir(self.path(directory)).map_err(|error| errno(&error))?;
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        entries.map(|entry| Ok(name(entry.map_err(|error| errno(&error))?))).collect()
    }
}

impl Files for Served {
    // The standard library does not tell.
    const TELLS_ERRORS_ON_CLOSING: bool = false;
    const SAVES_WITH_TIME: bool = true;
    const HAS_DESCRIPTORS: bool = true;

    fn change(&self, path: &str, changes: &[Change]) -> Result<(), Errno> {
        let changed = change(&self.path(path), changes).and_then(|file| {
            // That a file is empty counts once its last descriptor is released, for which close(2)
            // does not wait.
            let is_empty = file.metadata()?.len() == 0;
            if is_empty { file.sync_all() } else { Ok(()) }
        });
        changed.map_err(|error| errno(&error))
    }

    fn change_and_save(&self, path: &str, changes: &[Change]) -> Result<(), Errno> {
        let changed = change(&self.path(path), changes).and_then(|file| file.sync_all());
        changed.map_err(|error| errno(&error))
    }

    fn save(&self, path: &str) -> Result<(), Errno> {
        let synced = File::open(self.path(path)).and_then(|file| file.sync_all());
        synced.map_err(|error| errno(&error))
    }

    fn create_directory(&self, path: &str) -> Result<(), Errno> {
        fs::create_dir(self.path(path)).map_err(|error| errno(&error))?;
        // To the process that has created a message it is empty until that lists it.
        self.names(path).map(drop)
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        remove(&self.path(path))
    }

    fn remove_all(&self, path: &str) -> Result<(), Errno> {
        remove(&self.path(path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        fs::rename(self.path(from), self.path(to)).map_err(|error| errno(&error))
    }

    fn restart(&mut self) {
        self.signal(Signal::TERM);
        let ended = self.end();
        // Temporary files that are left are kept, and values that were refused: no loss.
        let mut failures = ended.stderr.lines().filter(|line| line.starts_with("msgfs: "));
        assert!(
            failures.all(|line| {
                line.contains("a temporary file was left") || line.contains("not saved: refused: ")
            }),
            "{}",
            ended.stderr
        );
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{}", ended.stderr);
        self.serve();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(process) = self.process.as_ref().filter(|_| std::thread::panicking()) {
            eprintln!("the mount has told:\n{}", process.stderr());
        }
    }
}

/// Removes a file or directory with a program of its own: while a process lives its removals are
/// not final.
fn remove(path: &Path) -> Result<(), Errno> {
    fs::symlink_metadata(path).map_err(|error| errno(&error))?;
    let removed = Command::new("rm").arg("-r").arg("--").arg(path).status().unwrap();
    if removed.success() { Ok(()) } else { Err(Errno::PERM) }
}

/// Opens a file, which is created if there is none, and changes it.
pub(super) fn change(path: &Path, changes: &[Change]) -> std::io::Result<File> {
    let mut rest = changes;
    let truncates = rest.first() == Some(&Change::Truncate(0));
    if truncates {
        rest = &rest[1..];
    }
    let appends = !truncates && matches!(rest, [Change::Append(_)]);
    let mut options = OpenOptions::new();
    options.create(true).write(!appends).append(appends).truncate(truncates);
    let mut file = options.open(path)?;
    for change in rest {
        match change {
            Change::Truncate(len) => file.set_len(*len as u64)?,
            Change::Write { offset, bytes } => file.write_all_at(bytes, *offset as u64)?,
            Change::Append(bytes) if appends => file.write_all(bytes)?,
            Change::Append(bytes) => {
                let end = file.metadata()?.len();
                file.write_all_at(bytes, end)?;
            }
        }
    }
    Ok(file)
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or_else(|| panic!("{error}"))
}
