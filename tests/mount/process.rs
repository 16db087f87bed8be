//! Programs run by the tests: each ends by its deadline, by itself or by us.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::mounted::mounts;

/// How long anything may take that takes a moment, on a busy machine.
pub(crate) const MOMENT: Duration = Duration::from_secs(30);
/// How long a walk over thousands of files may take.
pub(crate) const LONG: Duration = Duration::from_secs(150);

/// A program that was started. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: File,
    stderr: File,
    command: String,
}

/// How a program ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Waits until a condition holds; panics after the deadline. Nothing else in the tests waits.
pub(crate) fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    const POLL: Duration = Duration::from_millis(2);
    let end = Instant::now() + deadline;
    while !condition() {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}; mounts:\n{}", mounts());
        std::thread::sleep(POLL);
    }
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command, deadline: Duration) -> Ended {
    Process::start(command).end(deadline)
}

/// Whether there is a program of this name to run.
pub(crate) fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(program).is_file())
}

/// The same, and says so if there is none: a part of the test is left out then.
pub(crate) fn has_program(program: &str) -> bool {
    let found = is_installed(program);
    if !found {
        println!("SKIPPED: no {program}");
    }
    found
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        // Files, since a full pipe would hold up the program.
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, stdout, stderr, command: format!("{command:?}") }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops the program, and waits until each of its threads stands still: one that is still on
    /// its way could take a request of a mount, and who waits for the answer could not be killed.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.id());
        wait_until(&format!("{} stands still", self.command), MOMENT, || {
            let mut states = std::fs::read_dir(&threads).unwrap().map(|thread| {
                let stat = std::fs::read_to_string(thread.unwrap().path().join("stat"));
                // A thread may end meanwhile.
                stat.unwrap_or_default()
            });
            states.all(|stat| stat.is_empty() || stat.contains(") T "))
        });
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has complained of so far.
    pub(crate) fn stderr(&self) -> String {
        // Through a descriptor of its own position.
        let path = format!("/proc/self/fd/{}", self.stderr.as_raw_fd());
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    }

    /// Waits for the end of the program.
    pub(crate) fn end(mut self, deadline: Duration) -> Ended {
        let mut status = None;
        wait_until(&format!("the end of {}", self.command), deadline, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let stderr = String::from_utf8_lossy(&printed(&mut self.stderr)).into_owned();
        Ended { status: status.unwrap(), stdout: printed(&mut self.stdout), stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // It may end by itself in between.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// Panics unless the program succeeded and complained of nothing.
    #[track_caller]
    pub(crate) fn expect_success(self) -> Vec<u8> {
        assert!(
            self.status.success() && self.stderr.is_empty(),
            "{}: {}",
            self.status,
            self.stderr
        );
        self.stdout
    }
}

fn printed(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}
