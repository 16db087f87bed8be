//! A mount that goes away with its guard.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use super::process::{MOMENT, is_installed, run, wait_until};

/// A mounted source. Dropping it takes the mount off, in use or not, and ends its process.
#[derive(Debug)]
pub(crate) struct Mounted {
    point: PathBuf,
    /// Of a mount point of its own.
    directory: Option<TempDir>,
}

/// The program under test.
pub(crate) fn msgfs() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msgfs"));
    // Edits that mounts under test keep must not lie among the user's.
    command.env("XDG_STATE_HOME", std::env::temp_dir().join("msgfs-tests"));
    command
}

/// Whether mounts work here. If not, says so; where they must work, panics.
pub(crate) fn has_fuse() -> bool {
    let device = fs::File::options().read(true).write(true).open("/dev/fuse");
    let missing = match device {
        Err(error) => format!("/dev/fuse: {error}"),
        Ok(_) if !rustix::process::geteuid().is_root() && !is_installed("fusermount3") => {
            "no fusermount3; install the package fuse3".to_owned()
        }
        Ok(_) => return true,
    };
    let is_set = |name, value| std::env::var(name).is_ok_and(|found| found == value);
    let is_required = is_set("CI", "true") || is_set("MSGFS_REQUIRE_FUSE", "1");
    assert!(!is_required, "mounts are required to be tested: {missing}");
    println!("SKIPPED: {missing}");
    false
}

/// The mounts of msgfs in the mount table.
pub(crate) fn mounts() -> String {
    let table = fs::read("/proc/self/mountinfo").unwrap();
    let table = String::from_utf8_lossy(&table).into_owned();
    let ours = table.lines().filter(|line| line.contains(" - fuse.msgfs "));
    ours.map(|line| format!("{line}\n")).collect()
}

/// Whether a msgfs is in the mount table at a path, which has no character to escape.
pub(crate) fn is_mounted(point: &Path) -> bool {
    mounts().contains(&format!(" {} ", point.display()))
}

/// The processes that were given a path as an argument; ended ones have no arguments.
pub(crate) fn processes_of(point: &Path) -> Vec<Pid> {
    processes_named(env!("CARGO_BIN_EXE_msgfs"), point)
}

/// The guards of the mounts on a directory.
pub(crate) fn guards_of(point: &Path) -> Vec<Pid> {
    processes_named("msgfs-guard", point)
}

fn processes_named(name: &str, point: &Path) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else { continue };
        // A process may end between any two lines.
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut arguments = arguments.split(|byte| *byte == 0);
        let is_ours = arguments.next() == Some(name.as_bytes());
        if is_ours && arguments.any(|argument| argument == point.as_os_str().as_bytes()) {
            found.push(pid);
        }
    }
    found
}

impl Mounted {
    /// Mounts a source on a directory of its own; `None` where mounts do not work.
    pub(crate) fn new(source: &Path, options: &str) -> Option<Self> {
        if !has_fuse() {
            return None;
        }
        let directory = TempDir::with_prefix("msgfs-mount-").unwrap();
        let point = directory.path().to_owned();
        let mut mounted = Self::at(source, &point, options);
        mounted.directory = Some(directory);
        Some(mounted)
    }

    /// Mounts a source on a directory that is there.
    pub(crate) fn at(source: &Path, point: &Path, options: &str) -> Self {
        // Create the value that unmounts first: the mount may be there even if the program fails.
        let mounted = Self::guard(point);
        let mut command = msgfs();
        if !options.is_empty() {
            command.arg("-o").arg(options);
        }
        run(command.arg(source).arg(point), MOMENT).expect_success();
        wait_until(&format!("{} in the table", point.display()), MOMENT, || is_mounted(point));
        mounted
    }

    /// A value that, when dropped, takes off whatever is mounted on a directory by then.
    pub(crate) fn guard(point: &Path) -> Self {
        Self { point: point.to_owned(), directory: None }
    }

    /// The root of the mount.
    pub(crate) fn root(&self) -> &Path {
        &self.point
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.point.join(name)
    }

    /// The content of a file that must be readable.
    #[track_caller]
    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    }

    #[track_caller]
    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// The sorted names in a directory.
    #[track_caller]
    pub(crate) fn names(&self, directory: impl AsRef<Path>) -> Vec<String> {
        let path = self.path(directory);
        let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let name = |entry: Result<fs::DirEntry, _>| entry.unwrap().file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// A figure in `.msgfs/session`.
    pub(crate) fn session(&self, figure: &str) -> u64 {
        let text = self.text(".msgfs/session");
        let line = text.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix('\t'));
        line.unwrap_or_else(|| panic!("no {figure} in {text}")).parse().unwrap()
    }

    /// The process that serves the mount.
    pub(crate) fn process(&self) -> Pid {
        match processes_of(&self.point).as_slice() {
            [pid] => *pid,
            found => panic!("one process expected, found {found:?}"),
        }
    }

    /// Unmounts as a user does, and waits for the end of the process.
    pub(crate) fn unmount(&self) {
        run(msgfs().arg("umount").arg(&self.point), MOMENT).expect_success();
        assert!(!is_mounted(&self.point), "still mounted:\n{}", mounts());
        wait_until("the end of the process", MOMENT, || processes_of(&self.point).is_empty());
        // A mount that was killed here before may still have its guard for a moment.
        wait_until("the end of the guard", MOMENT, || guards_of(&self.point).is_empty());
    }

    /// Kills the guard of the mount.
    pub(crate) fn kill_guard(&self) {
        for guard in guards_of(&self.point) {
            rustix::process::kill_process(guard, Signal::KILL).unwrap();
        }
    }

    /// Kills the process that serves the mount, and its guard before it, so that the mount stays.
    pub(crate) fn kill(&self) {
        self.kill_guard();
        rustix::process::kill_process(self.process(), Signal::KILL).unwrap();
        wait_until("the death of the process", MOMENT, || processes_of(&self.point).is_empty());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // As often as it is mounted; the process then ends by itself.
        while is_mounted(&self.point) && detach(&self.point) {}
        let is_panicking = std::thread::panicking();
        if !is_panicking {
            wait_until("the end of the process", MOMENT, || processes_of(&self.point).is_empty());
        }
        for process in processes_of(&self.point) {
            // It may have ended.
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
    }
}

/// Takes a mount out of the table, whatever state it is in.
fn detach(point: &Path) -> bool {
    rustix::mount::unmount(point, UnmountFlags::DETACH).is_ok()
        || Command::new("fusermount3")
            .args(["-u", "-z", "--"])
            .arg(point)
            .status()
            .is_ok_and(|status| status.success())
}
