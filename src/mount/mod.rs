//! The life of a mount: from checking the mount point to closing the session.
//!
//! However a mount ends (by a signal, by umount(8), by `msgfs umount`), its end is
//! [`crate::imsg::Session::close`]. Knows nothing of messages.
//!
//! | process | module |
//! |---|---|
//! | that the user started; it waits for the server | `background` |
//! | the server | `mounted`, `changes`, `report`, `server` |
//! | its guard, which takes the mount off when the server has died | `guard` |
//! | `msgfs status`, `save`, `discard` | `edits` |
//! | commands that are given a path in a mount | `origin` |
//! | `msgfs umount` | this one, `server`, `answering` |

mod answering;
mod background;
mod changes;
mod edits;
mod guard;
mod mounted;
mod options;
mod origin;
mod point;
mod report;
mod server;
mod table;

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::edit_log::StateFolderError;

use answering::AnswerState;
use background::{OutcomeSender, Side};
use mounted::Mounted;
use server::Server;

pub use edits::{
    UnsavedMessage, WritableMounts, discard, mount_of, save, unsaved, writable_mounts,
};
pub use guard::{guard, is_guard};
pub use options::{Caller, MountOptions, OptionError, parse_size};
pub use origin::{Origin, origin};

/// What to mount, and where.
#[derive(Clone, Debug)]
pub struct Request {
    /// A folder, or one message file.
    pub source: PathBuf,
    /// An empty directory.
    pub mount_point: PathBuf,
    /// The `-o` options.
    pub options: MountOptions,
}

/// Why there is no mount, or why it ended badly. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source cannot be opened.
    #[error("source {path:?}: {source}; {remedy}")]
    Source {
        /// The source.
        path: PathBuf,
        /// Why not.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The mount point cannot be used.
    #[error("mount point {path:?}: {cause}")]
    MountPoint {
        /// The mount point.
        path: PathBuf,
        /// Why not, and what to do.
        cause: String,
    },
    /// There is no FUSE.
    #[error(
        "no /dev/fuse: load the kernel module with 'modprobe fuse', or give the container the device"
    )]
    NoFuse,
    /// This user may not open /dev/fuse.
    #[error(
        "/dev/fuse is not permitted: let all users open it with 'chmod 666 /dev/fuse', or mount as root"
    )]
    FuseNotPermitted,
    /// The mount failed.
    #[error("cannot mount on {path:?}: {cause}")]
    Mount {
        /// The mount point.
        path: PathBuf,
        /// Why not, and what to do.
        cause: String,
    },
    /// The mount point is not one of ours, or does not come off.
    #[error("cannot unmount {path:?}: {cause}")]
    Unmount {
        /// The mount point.
        path: PathBuf,
        /// Why not, and what to do.
        cause: String,
    },
    /// There is no place where edits could be kept.
    #[error(transparent)]
    StateFolder(#[from] StateFolderError),
    /// Edits could not be saved.
    #[error("{0}")]
    Unsaved(String),
    /// The process in the background says why it could not mount.
    #[error("{0}")]
    Background(String),
    /// Anything else that the system refuses.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Mounts and serves until the mount ends.
///
/// # Errors
/// If nothing was mounted, or serving it failed.
pub fn run(request: &Request) -> Result<(), Error> {
    serve(request, None)
}

/// Mounts and serves in a process in the background; returns once the mount answers. Must be
/// called before any thread is started. In the other process it returns when the mount ends.
///
/// # Errors
/// If nothing was mounted; in the other process, if serving it failed.
pub fn run_in_background(request: &Request) -> Result<Done, Error> {
    match background::split()? {
        Side::Waiting(outcome) => outcome.wait().map(|()| Done::Mounted),
        Side::Serving(outcome) => serve(request, Some(outcome)).map(|()| Done::Ended),
    }
}

/// What [`run_in_background`] has done in the process in which it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Another process has mounted and serves.
    Mounted,
    /// It has served the mount to its end.
    Ended,
}

/// Where msgfs is mounted.
///
/// # Errors
/// If the table of mounts cannot be read.
pub fn mount_points() -> io::Result<Vec<PathBuf>> {
    Ok(table::all()?.into_iter().map(|mount| mount.path).collect())
}

/// Unmounts a msgfs mount, also if it is in use, and waits for the end of its session, in which
/// edits are saved and the files of the source are closed.
///
/// # Errors
/// If it is no mount of ours, or does not come off; [`Error::Unsaved`] if edits were not saved.
pub fn unmount(mount_point: &Path) -> Result<(), Error> {
    let failed = |cause: String| Error::Unmount { path: mount_point.to_owned(), cause };
    let path = table::absolute(mount_point).map_err(|error| failed(error.to_string()))?;
    let mount = table::find(&path)?.ok_or_else(|| {
        failed("no msgfs is mounted there; list them with 'findmnt -t fuse.msgfs'".to_owned())
    })?;
    match unmount_and_wait(&mount).map_err(|error| failed(error.to_string()))? {
        Some(text) => Err(Error::Unsaved(text)),
        None => Ok(()),
    }
}

/// Unmounts a mount, and waits for the end of its session. Returns a line for each message that was
/// not saved.
fn unmount_and_wait(mount: &table::MountEntry) -> io::Result<Option<String>> {
    let server = match answering::state(mount)? {
        AnswerState::Alive => Server::find(mount),
        AnswerState::Dead | AnswerState::Silent => None,
        AnswerState::Stuck => return answering::release(mount).map(|()| None),
    };
    let Some(server) = server else { return answering::detach(&mount.path).map(|()| None) };
    match table::unmount(&mount.path, false) {
        // If this process detached the mount, the session would go on until its last user has gone.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => server.ask_to_end()?,
        outcome => outcome?,
    }
    server.wait()
}

fn serve(request: &Request, outcome: Option<OutcomeSender>) -> Result<(), Error> {
    let mounted = match Mounted::new(request) {
        Ok(mounted) => mounted,
        Err(error) => {
            let Some(outcome) = outcome else { return Err(error) };
            // The process that waits reports it.
            outcome.failed(&error);
            return Ok(());
        }
    };
    if let Some(outcome) = outcome {
        if let Err(error) = background::leave_terminal() {
            mounted.abandon();
            outcome.failed(&error.into());
            return Ok(());
        }
        outcome.ready();
    }
    mounted::tell_manager(sd_notify::NotifyState::Ready);
    mounted.wait()
}

/// What can end a mount.
enum EndEvent {
    Signal(i32),
    /// Somebody unmounts it while it is in use.
    Asked,
    /// The kernel has ended the connection, or serving it failed.
    Ended(io::Result<()>),
}
