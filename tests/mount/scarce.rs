//! Mounts that are given little: few descriptors, no memory, small files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::Command;
use std::thread;

use rustix::process::{Resource, Rlimit, Signal};
use tempfile::TempDir;

use super::folder::{Folder, large, letter};
use super::mounted::{Mounted, guards_of, has_fuse, is_mounted};
use super::process::{LONG, MOMENT, Process, wait_until};

/// A mount in the foreground, whose process has the limits that a shell has set.
struct Limited {
    process: Process,
    mounted: Mounted,
    state: TempDir,
    _point: TempDir,
}

impl Limited {
    /// `None` where mounts do not work.
    fn new(source: &Path, limit: &str, options: &str) -> Option<Self> {
        if !has_fuse() {
            return None;
        }
        let (state, point) =
            (TempDir::new().unwrap(), TempDir::with_prefix("msgfs-scarce-").unwrap());
        let mounted = Mounted::guard(point.path());
        let mut command = Command::new("sh");
        command.env("XDG_STATE_HOME", state.path());
        command.arg("-c").arg(format!("{limit}; exec \"$@\"")).arg("sh");
        command.args([env!("CARGO_BIN_EXE_msgfs"), "-f", "-o", options]);
        let process = Process::start(command.arg(source).arg(point.path()));
        wait_until("the mount", MOMENT, || is_mounted(point.path()));
        Some(Self { process, mounted, state, _point: point })
    }

    fn end(self) {
        self.process.signal(Signal::TERM);
        let ended = self.process.end(MOMENT);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        drop(self.state);
    }
}

/// More messages than there are descriptors are read by several programs at once, those too that
/// are read from their files.
#[test]
fn few_descriptors_are_enough() {
    const MESSAGES: usize = 150;
    const READERS: usize = 6;
    let source = Folder::new();
    let (large, small) = (large().to_bytes(), letter("Small").to_bytes());
    let large = source.put("large.msg", large);
    for number in 0..MESSAGES {
        fs::hard_link(&large, source.join(format!("large {number}.msg"))).unwrap();
        source.put(format!("small {number}.msg"), &small);
    }
    for options in ["ro", "edit"] {
        let Some(mount) = Limited::new(source.path(), "ulimit -n 64", options) else { return };
        thread::scope(|scope| {
            for reader in 0..READERS {
                let mount = &mount.mounted;
                scope.spawn(move || {
                    for number in (0..MESSAGES).map(|number| (number + reader * 25) % MESSAGES) {
                        let file = format!("large {number}.msg/attachments/large.bin");
                        assert_eq!(mount.read(file).len(), 700_001);
                        assert_eq!(mount.text(format!("small {number}.msg/subject")), "Small\n");
                    }
                });
            }
        });
        assert_eq!(mount.mounted.names("").len(), 2 * MESSAGES + 1);
        assert!(mount.mounted.session("open_messages") > 0);
        mount.end();
    }
}

/// A process that gets no memory may end, but then its mount ends with it.
#[test]
fn without_memory_no_dead_mount_is_left() {
    let source = Folder::new().with("large.msg", large().to_bytes());
    let Some(mount) = Limited::new(source.path(), ":", "ro") else { return };
    assert_eq!(mount.mounted.names(""), ["large.msg"]);
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let process = mount.mounted.process();
    rustix::process::prlimit(Some(process), Resource::As, none).unwrap();
    let read = |name: &str| {
        let mut bytes = Vec::new();
        File::open(mount.mounted.path(name)).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    let files = ["subject", "message.eml", "message.json", "attachments/large.bin"];
    let read: Vec<io::Result<usize>> =
        files.iter().map(|name| read(&format!("large.msg/{name}"))).collect();
    println!("{read:?}");
    wait_until("an end, or an answer", LONG, || {
        let is_answering = || fs::read_dir(mount.mounted.root()).is_ok();
        !is_mounted(mount.mounted.root()) && guards_of(mount.mounted.root()).is_empty()
            || is_answering()
    });
}

/// A file that grows too large is an error of its writer.
#[test]
fn a_limit_of_the_size_of_files_ends_nothing() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Limited::new(source.path(), "ulimit -f 64", "edit") else { return };
    let path = mount.mounted.path("a.msg/attachments");
    fs::create_dir_all(&path).unwrap();
    let written = fs::write(path.join("large"), vec![7; 1 << 20])
        .and_then(|()| File::open(path.join("large"))?.sync_all());
    assert!(written.is_err(), "a megabyte was written to files of 64 blocks");
    assert_eq!(mount.mounted.text("a.msg/subject"), "A\n");
    rustix::process::kill_process(mount.mounted.process(), Signal::XFSZ).unwrap();
    rustix::process::kill_process(mount.mounted.process(), Signal::PIPE).unwrap();
    assert_eq!(mount.mounted.names(""), ["a.msg"]);
}
