//! The guard of a mount: a small process that takes the mount off when its server has died.
//!
//! Without it, a mount whose server was killed, or could not get memory, stays in the table, and
//! whatever touches it fails until somebody unmounts it. The guard waits at a pipe whose other end
//! only the server has: it is started before the mount is made, is told the device once there is
//! one, and [`ENDED`] when the mount has ended as it should. A pipe that ends without that means
//! that the server has died.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::fs::mountinfo::Device;

use super::answering::{self, AnswerState};
use super::table::{self, MountEntry};

/// The name of the guard's process. The program is a guard if it is called by this name.
const NAME: &str = "msgfs-guard";
const ENDED: &str = "ended\n";
/// A mount that does not answer is asked this many times, each time for ten seconds: the system may
/// need that long to end a server that had much memory.
const ATTEMPTS: usize = 6;

/// The server's end of the pipe.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
}

impl Guard {
    /// Starts a guard for the mount that this process is going to make.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start(mount_point: &Path) -> io::Result<Self> {
        let process = Command::new("/proc/self/exe")
            .arg0(NAME)
            .arg(mount_point)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the server.
            .process_group(0)
            .spawn()?;
        Ok(Self { process })
    }

    /// Tells the guard which mount it guards: another one may come to the same place later.
    pub(super) fn watch(&mut self, device: Device) {
        self.tell(&format!("{device}\n"));
    }

    /// Ends the guard, since the mount has ended as it should.
    pub(super) fn dismiss(mut self) {
        self.tell(ENDED);
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }

    fn tell(&mut self, word: &str) {
        if let Some(pipe) = &mut self.process.stdin {
            // If the guard has gone already, there is nothing to tell it.
            let _ = pipe.write_all(word.as_bytes());
        }
    }
}

/// Whether the program was called to be a guard.
pub fn is_guard(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name == NAME)
}

/// Guards a mount: returns once its server has ended.
///
/// # Errors
/// If the server has died and its mount does not come off.
pub fn guard(mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    let mount_point = arguments.next().map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
    rustix::thread::set_name(c"msgfs-guard")?;
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        // A service manager sends them to all processes of a service; the guard ends last.
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    let mut words = String::new();
    io::stdin().read_to_string(&mut words)?;
    match words.ends_with(ENDED) {
        true => Ok(()),
        // A server that died early has not told its device.
        false => take_off(&mount_point, words.lines().next().and_then(Device::parse)),
    }
}

/// Takes a mount off whose server has died. A mount that answers is another one: something else may
/// be mounted there by now, even with the same device number.
fn take_off(mount_point: &Path, device: Option<Device>) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        let is_it = |mount: &MountEntry| device.is_none_or(|device| mount.device == device);
        let Some(mount) = table::find(mount_point)?.filter(is_it) else { return Ok(()) };
        match answering::state(&mount)? {
            AnswerState::Alive => return Ok(()),
            AnswerState::Dead => {
                answering::take_off_dead(mount_point)?;
                let mount_point = mount_point.display();
                tracing::error!(
                    "the process of the mount on {mount_point} has died, and the mount was taken \
                     off; what was unsaved is named at the next mount"
                );
                return Ok(());
            }
            AnswerState::Stuck | AnswerState::Silent => {}
        }
    }
    Ok(())
}
