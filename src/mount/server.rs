//! The socket at which the process that unmounts finds the process that serves a mount.
//!
//! What is read inside a mount proves nothing: a file system that somebody else wrote may have the
//! type `fuse.msgfs`, too, and name any process as its server. So msgfs signals no process and
//! removes no file because a mount says so. The socket lies in a folder that only the owner of the
//! mount can write to, and the kernel says who that is. It is named after the device of the mount.
//! The worst that a false server can do is to keep its clients waiting.
//!
//! The server tells every connected client how its session ended, as [`CLOSED`] and a line for each
//! message that was not saved. A client that sends [`END`] makes the server unmount first, even if
//! the mount is in use.

use std::fs::{self, DirBuilder};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use outlook_msg::sync::lock;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::fs::mountinfo::Device;

use super::EndEvent;
use super::table::MountEntry;

const END: &[u8] = b"end\n";
const CLOSED: &str = "closed\n";
/// At most this many bytes of a server's report are read.
const REPORT_BYTES_MAX: u64 = 1 << 20;
/// A client that does not read holds up the end of the mount for at most this long.
const TELLING_MAX: Duration = Duration::from_secs(1);
/// A process that has told its report may take this long to end.
const ENDING_MAX: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
/// At most this many clients may wait for the end of one mount.
const CALLERS_MAX: usize = 64;

/// The server's end of the socket. Dropping it removes the socket.
#[derive(Debug)]
pub(super) struct ServerSocket {
    path: PathBuf,
    callers: Arc<Mutex<Callers>>,
}

#[derive(Debug)]
struct Callers {
    listener: UnixListener,
    waiting: Vec<UnixStream>,
}

/// The other end of the socket, for the process that unmounts.
#[derive(Debug)]
pub(super) struct Server {
    stream: UnixStream,
    /// `None` if it is of another pid namespace.
    process: Option<OwnedFd>,
}

impl ServerSocket {
    /// Creates the socket of a mount of this process. A client that asks for the end of the mount
    /// becomes an event.
    ///
    /// # Errors
    /// If there is no folder for it.
    pub(super) fn open(device: Device, events: Sender<EndEvent>) -> io::Result<Self> {
        let user = rustix::process::geteuid().as_raw();
        let mut outcome = Err(io::ErrorKind::NotFound.into());
        for folder in folders(user) {
            outcome = bind(&folder, user, device);
            if outcome.is_ok() {
                break;
            }
        }
        let (path, listener) = outcome?;
        let socket =
            Self { path, callers: Arc::new(Mutex::new(Callers { listener, waiting: Vec::new() })) };
        let callers = Arc::clone(&socket.callers);
        thread::Builder::new().name("door".to_owned()).spawn(move || {
            if let Err(error) = answer(&callers, &events) {
                tracing::error!("nobody can ask for the end of the mount any more: {error}");
            }
        })?;
        Ok(socket)
    }

    /// Tells every connected client how the session ended.
    pub(super) fn tell(&self, report: Option<&str>) {
        let mut callers = lock(&self.callers);
        callers.let_in();
        for mut caller in &callers.waiting {
            let text = format!("{CLOSED}{}", report.unwrap_or_default());
            // A client that has gone meanwhile needs no report.
            let _ = caller
                .set_write_timeout(Some(TELLING_MAX))
                .and_then(|()| caller.write_all(text.as_bytes()));
        }
    }
}

impl Drop for ServerSocket {
    fn drop(&mut self) {
        // A socket that is left behind does no harm: nobody answers at it.
        let _ = fs::remove_file(&self.path);
    }
}

impl Callers {
    /// Accepts every waiting connection, except of other users, and returns the new ones.
    fn let_in(&mut self) -> Vec<UnixStream> {
        self.waiting.retain(|stream| !has_hung_up(stream));
        let mut new = Vec::new();
        while let Ok((stream, _)) = self.listener.accept() {
            let user = socket_peercred(&stream).map(|peer| peer.uid);
            let is_ours =
                user.is_ok_and(|user| user.is_root() || user == rustix::process::geteuid());
            // A connection that is not kept is closed here.
            if is_ours
                && self.waiting.len() < CALLERS_MAX
                && stream.set_nonblocking(false).is_ok()
                && let Ok(other) = stream.try_clone()
            {
                self.waiting.push(stream);
                new.push(other);
            }
        }
        new
    }
}

fn has_hung_up(stream: &UnixStream) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(stream, PollFlags::empty(), Some(&now)), Ok(true))
}

/// Waits until a file is ready, or has hung up. False if it takes longer than `at_most`.
fn poll(file: &impl AsFd, wanted: PollFlags, at_most: Option<&Timespec>) -> io::Result<bool> {
    loop {
        match rustix::event::poll(&mut [PollFd::new(file, wanted)], at_most) {
            Err(rustix::io::Errno::INTR) => {}
            found => return Ok(found? > 0),
        }
    }
}

/// The process at the other end of a connection. It reads as ready once all of it has ended, and
/// its files are closed (`pidfd_open(2)`).
fn process_of(stream: &UnixStream) -> Option<OwnedFd> {
    let peer = socket_peercred(stream).ok()?;
    let process = pidfd_open(peer.pid, PidfdFlags::empty()).ok()?;
    // If it has ended meanwhile, another process may have its number.
    (!has_hung_up(stream)).then_some(process)
}

/// Accepts clients and reads what they ask for, for as long as the process runs.
fn answer(callers: &Mutex<Callers>, events: &Sender<EndEvent>) -> io::Result<()> {
    let listener = lock(callers).listener.try_clone()?;
    loop {
        poll(&listener, PollFlags::IN, None)?;
        // A connection is accepted and entered under one lock, so that no client is missed when all
        // are told.
        for mut caller in lock(callers).let_in() {
            let events = events.clone();
            thread::Builder::new().spawn(move || {
                let mut wish = [0; END.len()];
                if caller.read_exact(&mut wish).is_ok() && wish == END {
                    // If the receiver is gone, the mount is ending anyway.
                    let _ = events.send(EndEvent::Asked);
                }
            })?;
        }
    }
}

impl Server {
    /// Connects to the process that serves a mount. `None` if it has no socket that this user may
    /// trust.
    pub(super) fn find(mount: &MountEntry) -> Option<Self> {
        let is_the_owner = |stream: &UnixStream| {
            socket_peercred(stream).is_ok_and(|peer| peer.uid.as_raw() == mount.owner)
        };
        folders(mount.owner).into_iter().find_map(|folder| {
            check_folder(&folder, mount.owner).ok()?;
            let stream = UnixStream::connect(folder.join(mount.device.to_string())).ok()?;
            is_the_owner(&stream).then(|| Self { process: process_of(&stream), stream })
        })
    }

    /// Asks the server to unmount, in use or not, and to close its session.
    pub(super) fn ask_to_end(&self) -> io::Result<()> {
        (&self.stream).write_all(END)
    }

    /// Waits until the session is closed and its process has ended, so that the file system of the
    /// source can be unmounted. Returns a line for each message that was not saved.
    pub(super) fn wait(self) -> io::Result<Option<String>> {
        let mut told = Vec::new();
        self.stream.take(REPORT_BYTES_MAX).read_to_end(&mut told)?;
        if let Some(process) = &self.process {
            // A process that does not end has told its report all the same.
            let _ = poll(process, PollFlags::IN, Some(&ENDING_MAX));
        }
        let told = String::from_utf8_lossy(&told);
        match told.strip_prefix(CLOSED) {
            Some(report) => Ok(Some(report.to_owned()).filter(|report| !report.is_empty())),
            None => Err(io::Error::other(
                "its process ended without a word; mount the source again to see what was unsaved",
            )),
        }
    }

    /// Whether the server was killed while the kernel still keeps its process; false if that is not
    /// known. (A process that is gone for good has no socket either.)
    pub(super) fn is_killed(&self) -> bool {
        // A server of another pid namespace has no number here.
        socket_peercred(&self.stream).is_ok_and(|peer| is_zombie(peer.pid.as_raw_nonzero().get()))
    }
}

fn is_zombie(process: i32) -> bool {
    let stat = fs::read(format!("/proc/{process}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    // The name before it may have blanks and parentheses itself (proc_pid_stat(5)).
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with(['Z', 'X']))
}

/// The folders for sockets of a user's services, the best one first.
fn folders(user: u32) -> Vec<PathBuf> {
    if user == 0 {
        return vec![PathBuf::from("/run/msgfs")];
    }
    let is_own = user == rustix::process::geteuid().as_raw();
    let chosen = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let chosen = chosen.filter(|folder| is_own && folder.is_absolute());
    let mut folders = Vec::from_iter(chosen.map(|folder| folder.join("msgfs")));
    folders.push(PathBuf::from(format!("/run/user/{user}/msgfs")));
    // For users without a session of their own, such as those of services.
    folders.push(PathBuf::from(format!("/tmp/msgfs-{user}")));
    folders
}

fn bind(folder: &Path, user: u32, device: Device) -> io::Result<(PathBuf, UnixListener)> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => check_folder(folder, user)?,
    }
    let path = folder.join(device.to_string());
    // Left by an earlier mount with this device number, whose process was killed.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok((path, listener))
}

/// A socket proves who made it only if nobody but the owner of its folder, and root, can write
/// there.
fn check_folder(folder: &Path, owner: u32) -> io::Result<()> {
    let found = folder.symlink_metadata()?;
    match found.is_dir() && found.uid() == owner && found.mode() & 0o022 == 0 {
        true => Ok(()),
        false => Err(io::Error::other(format!("{}: not a folder of one user", folder.display()))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{check_folder, is_zombie};

    #[test]
    fn a_process_that_was_not_waited_for_is_a_zombie() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let number = i32::try_from(child.id()).unwrap();
        assert!(!is_zombie(number));
        drop(child.stdin.take());
        let end = Instant::now() + Duration::from_secs(20);
        while !is_zombie(number) {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!is_zombie(number));
    }

    #[test]
    fn a_folder_that_others_can_change_proves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let set = |mode| {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o755);
        assert!(check_folder(folder.path(), user).is_ok());
        assert!(check_folder(folder.path(), user + 1).is_err());
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert!(check_folder(&link, user).is_err());
        for mode in [0o775, 0o757, 0o1777] {
            set(mode);
            assert!(check_folder(folder.path(), user).is_err());
        }
    }
}
