//! The guard of a mount: a small process that takes the mount off when its server has died.
//!
//! Without it, a mount whose server was killed, or could not get memory, stays in the table, and
//! whatever touches it fails until somebody unmounts it. The guard waits at a pipe whose other end
//! only the server has; a pipe that ends without [`ENDED`] means that the server has died.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::answering::{self, State};
use super::table::{self, Device};

/// What the guard goes by, among processes and as a program.
const NAME: &str = "msgfs-guard";
const ENDED: &[u8] = b"ended";

/// The server's end of the pipe.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
}

impl Guard {
    /// Starts a guard for a mount of this process.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start(device: Device, mount_point: &Path) -> io::Result<Self> {
        let process = Command::new("/proc/self/exe")
            .arg0(NAME)
            .arg(device.to_string())
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

    /// Sends it away, since the mount has ended as it should.
    pub(super) fn dismiss(mut self) {
        if let Some(mut pipe) = self.process.stdin.take() {
            // If it has gone already, nothing is left to tell it.
            let _ = pipe.write_all(ENDED);
        }
        let _ = self.process.wait();
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
    let device = arguments.next().and_then(|device| Device::parse(device.to_str()?));
    let (device, mount_point) =
        device.zip(arguments.next().map(PathBuf::from)).ok_or(io::ErrorKind::InvalidInput)?;
    rustix::thread::set_name(c"msgfs-guard")?;
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        // A service manager sends them to all processes of a service; the guard ends last.
        signal_hook::flag::register(signal, std::sync::Arc::default())?;
    }
    let mut word = Vec::new();
    io::stdin().read_to_end(&mut word)?;
    if word == ENDED {
        return Ok(());
    }
    // Something else may be mounted there by now, with the same number.
    match table::find(&mount_point)?.filter(|mount| mount.device == device) {
        Some(mount) if answering::state(&mount)? == State::Dead => {
            table::unmount(&mount_point, true)?;
            let mount_point = mount_point.display();
            tracing::error!(
                "the process of the mount on {mount_point} has died, and the mount was taken off; \
                 what was unsaved is named at the next mount"
            );
            Ok(())
        }
        _ => Ok(()),
    }
}
