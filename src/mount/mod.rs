//! The life of a mount: from checking the mount point to closing the session.
//!
//! However a mount ends — by a signal, by `umount`, by us — its end is
//! [`crate::imsg::Session::close`]. Knows nothing of messages.

mod background;
mod changes;
mod options;
mod record;
mod report;
mod table;

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fuser::{Config, MountOption};
use rustix::process::{Resource, Rlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::fs::Fs;
use crate::fs::fuse::Adapter;
use crate::fs::notify::Kernel;

use background::{Notice, Side};
use changes::Telling;
use record::{Device, Record};

pub use options::{Caller, MountOptions, OptionError};

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
    /// FUSE is for others only.
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

/// Enough event loops that one slow message does not hold up the others.
const EVENT_LOOPS: usize = 4;
/// How long an unmount may take to end the event loops.
const ENDING_MAX: Duration = Duration::from_secs(10);
/// How long a mount may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

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
pub fn run_in_background(request: &Request) -> Result<(), Error> {
    match background::split()? {
        Side::Waiting(outcome) => outcome.wait(),
        Side::Serving(notice) => serve(request, Some(notice)),
    }
}

/// Unmounts a mount of ours, lazily if it is in use. Of one that is written to it waits for the
/// end of its session.
///
/// # Errors
/// If it is no mount of ours, or does not come off; [`Error::Unsaved`] if edits were not saved.
pub fn unmount(mount_point: &Path) -> Result<(), Error> {
    let failed = |cause: String| Error::Unmount { path: mount_point.to_owned(), cause };
    let path = table::absolute(mount_point).map_err(|error| failed(error.to_string()))?;
    if !table::is_ours(&path)? {
        return Err(failed(
            "no msgfs is mounted there; list them with 'findmnt -t fuse.msgfs'".to_owned(),
        ));
    }
    let server = match table::state(&path, ANSWER_MAX)? {
        table::State::Alive => report::Server::of(&path),
        table::State::Stuck => {
            return table::release(&path).map_err(|error| failed(error.to_string()));
        }
        table::State::Dead | table::State::Silent => None,
    };
    let Some(server) = server else {
        return detach(&path).map_err(|error| failed(error.to_string()));
    };
    let unsaved = server.wait(|server| match table::unmount(&path, false) {
        // Detached from here, the session would go on as long as its users.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => server.terminate(),
        outcome => outcome,
    });
    match unsaved.map_err(|error| failed(error.to_string()))? {
        Some(text) => Err(Error::Unsaved(text)),
        None => Ok(()),
    }
}

fn serve(request: &Request, notice: Option<Notice>) -> Result<(), Error> {
    let mounted = match mount(request) {
        Ok(mounted) => mounted,
        Err(error) => {
            let Some(notice) = notice else { return Err(error) };
            // The process that waits reports it.
            notice.failed(&error);
            return Ok(());
        }
    };
    if let Some(notice) = notice {
        if let Err(error) = background::leave_terminal() {
            mounted.abandon();
            notice.failed(&error.into());
            return Ok(());
        }
        notice.ready();
    }
    tell_manager(sd_notify::NotifyState::Ready);
    mounted.wait()
}

/// What can end a mount.
enum Event {
    Signal(i32),
    /// The kernel has ended the connection, or serving it failed.
    Ended(io::Result<()>),
}

/// A mount that answers.
struct Mounted {
    fs: Arc<Fs>,
    mount_point: PathBuf,
    events: mpsc::Receiver<Event>,
    telling: Telling,
    /// `None` where there is no place for it.
    record: Option<Record>,
}

fn mount(request: &Request) -> Result<Mounted, Error> {
    let mount_point = prepare_mount_point(&request.mount_point, request.options.nonempty)?;
    let source_error = |source: io::Error| Error::Source {
        path: request.source.clone(),
        remedy: match source.kind() {
            io::ErrorKind::PermissionDenied => "mount as a user who may read it",
            _ => "give a folder, or one message file",
        },
        source,
    };
    let source = request.source.canonicalize().map_err(source_error)?;
    let mut fs_options = request.options.fs.clone();
    fs_options.mount_point = Some(mount_point.clone());
    fs_options.watch = true;
    raise_descriptor_limit();
    let fs = Arc::new(Fs::open(&source, fs_options).map_err(source_error)?);
    if let Some(state_folder) = fs.state_folder() {
        report::forget(state_folder);
    }
    match std::fs::File::options().read(true).write(true).open("/dev/fuse") {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(Error::FuseNotPermitted);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NoFuse),
        _ => {}
    }
    // Signals are caught from here on, so that none can leave a mount behind.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let adapter = Adapter::new(Arc::clone(&fs));
    let session =
        fuser::Session::new(adapter.clone(), &mount_point, &config(&request.options, &source))
            .map_err(|error| mount_error(&mount_point, &error))?;
    let kernel = Arc::new(Kernel::new(session.notifier(), &session)?);
    adapter.serve(Arc::clone(&kernel));
    let (sender, events) = mpsc::channel();
    let ended = sender.clone();
    // A session that cannot be served unmounts where it is dropped.
    thread::Builder::new().name("serve".to_owned()).spawn(move || {
        // A receiver that is gone means that the process is ending anyway.
        let _ = ended.send(Event::Ended(session.run()));
    })?;
    let telling = Telling::new(&mount_point);
    let mut mounted = Mounted { fs, mount_point, events, telling, record: None };
    let telling = mounted.telling.start(Arc::clone(&mounted.fs), kernel);
    let opening = open_ahead(&mounted.fs);
    let watched = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let _ = sender.send(Event::Signal(signal));
        }
    });
    // The first answer: from here on the mount can be used.
    let started = watched.map(drop).and(telling).and(opening);
    match started.and_then(|()| std::fs::metadata(&mounted.mount_point)) {
        Ok(root) => mounted.record = keep_record(Device::new(root.dev())),
        Err(error) => {
            mounted.abandon();
            return Err(mount_error(&mounted.mount_point, &error));
        }
    }
    tracing::info!(source = %source.display(), mount_point = %mounted.mount_point.display(), "mounted");
    Ok(mounted)
}

impl Mounted {
    /// Takes a mount away that nobody has used yet.
    fn abandon(&self) {
        if let Err(error) = table::unmount(&self.mount_point, true) {
            tracing::error!("the mount does not come off: {error}");
        }
        self.fs.close();
    }

    /// Serves until the mount ends, and closes the session.
    fn wait(self) -> Result<(), Error> {
        let outcome = match self.events.recv() {
            Ok(Event::Ended(outcome)) => {
                tell_manager(sd_notify::NotifyState::Stopping);
                outcome.map_err(Error::from)
            }
            Ok(Event::Signal(signal)) => {
                tracing::info!(signal, "unmounting");
                tell_manager(sd_notify::NotifyState::Stopping);
                self.end()
            }
            Err(mpsc::RecvError) => Ok(()),
        };
        self.telling.end();
        let report = self.fs.close();
        tracing::info!(?report, "session closed");
        drop(self.record);
        if let Some(text) = report::failures(&report) {
            for line in text.lines() {
                tracing::error!("{line}");
            }
            if let Some(state_folder) = self.fs.state_folder() {
                report::leave(state_folder, &text);
            }
            return Err(Error::Unsaved(text));
        }
        outcome
    }

    /// Unmounts. Of a mount that is in use only the name goes away at once, and there is no
    /// waiting for its users: the session is closed all the same.
    fn end(&self) -> Result<(), Error> {
        let failed = |error: io::Error| Error::Unmount {
            path: self.mount_point.clone(),
            cause: error.to_string(),
        };
        match table::unmount(&self.mount_point, false) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                tracing::warn!("the mount is in use: detached");
                return table::unmount(&self.mount_point, true).map_err(failed);
            }
            outcome => outcome.map_err(failed)?,
        }
        loop {
            match self.events.recv_timeout(ENDING_MAX) {
                Ok(Event::Signal(_)) => {}
                Ok(Event::Ended(outcome)) => return Ok(outcome?),
                Err(_) => return Ok(()),
            }
        }
    }
}

fn keep_record(device: Device) -> Option<Record> {
    Record::keep(device)
        .inspect_err(|error| tracing::debug!("whose the mount is, is not recorded: {error}"))
        .ok()
}

/// Opens messages ahead of those who walk through a folder, where there is a core for it. Ends when
/// the filesystem is closed.
fn open_ahead(fs: &Arc<Fs>) -> io::Result<()> {
    if thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        let fs = Arc::clone(fs);
        thread::Builder::new().name("ahead".to_owned()).spawn(move || fs.open_ahead())?;
    }
    Ok(())
}

/// Tells the service manager that started us, if there is one.
fn tell_manager(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("the service manager was not told: {error}");
    }
}

/// Large messages are read from their files while they are open, so that takes descriptors.
fn raise_descriptor_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}

fn detach(mount_point: &Path) -> io::Result<()> {
    match table::unmount(mount_point, false) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            table::unmount(mount_point, true)
        }
        outcome => outcome,
    }
}

/// Checks a mount point and gives its absolute path. A dead mount of our own on it, left by a
/// process that was killed, is detached first.
fn prepare_mount_point(mount_point: &Path, nonempty: bool) -> Result<PathBuf, Error> {
    let unusable = |cause: String| Error::MountPoint { path: mount_point.to_owned(), cause };
    let denied = |error: &io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            unusable("permission denied; choose a directory that you own".to_owned())
        }
        _ => unusable(error.to_string()),
    };
    let path = table::absolute(mount_point).map_err(|error| denied(&error))?;
    if table::is_ours(&path)? {
        let off = match table::state(&path, ANSWER_MAX)? {
            table::State::Alive => Ok(()),
            table::State::Dead => table::unmount(&path, true),
            table::State::Stuck => table::release(&path),
            table::State::Silent => {
                let cause = "it does not answer; take it off with 'umount -f -l'";
                Err(io::Error::new(io::ErrorKind::TimedOut, cause))
            }
        };
        off.map_err(|error| unusable(format!("the msgfs there does not come off: {error}")))?;
    }
    let metadata = path.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => unusable("no such directory; create it with mkdir".to_owned()),
        _ => denied(&error),
    })?;
    if !metadata.is_dir() {
        return Err(unusable("not a directory; give an empty one".to_owned()));
    }
    if table::is_ours(&path)? {
        let cause = "a msgfs is mounted there already; unmount it with 'msgfs umount'";
        return Err(unusable(cause.to_owned()));
    }
    let mut entries = path.read_dir().map_err(|error| denied(&error))?;
    if !nonempty && entries.next().is_some() {
        let cause = "not empty; give an empty directory, or -o nonempty to cover what is in it";
        return Err(unusable(cause.to_owned()));
    }
    Ok(path)
}

fn config(options: &MountOptions, source: &Path) -> Config {
    let mut config = Config::default();
    config.mount_options.clone_from(&options.kernel);
    let named = |option: &MountOption| matches!(option, MountOption::FSName(_));
    if !config.mount_options.iter().any(named) {
        config.mount_options.push(MountOption::FSName(source_name(source)));
    }
    config.acl = options.acl;
    config.n_threads = Some(EVENT_LOOPS);
    config.clone_fd = true;
    config
}

/// The source as the mount table names it. Only root mounts without the helper, whose options are
/// one text with commas in between.
fn source_name(source: &Path) -> String {
    let name = source.to_string_lossy();
    match rustix::process::geteuid().is_root() {
        true => name.into_owned(),
        false => name.replace('\\', "\\\\").replace(',', "\\,"),
    }
}

/// Says what the user can do about a mount that failed.
fn mount_error(mount_point: &Path, error: &io::Error) -> Error {
    let text = error.to_string();
    let text = text.trim();
    let is_root = rustix::process::geteuid().is_root();
    // fusermount3 says in words only that the directory is another user's.
    let is_denied =
        error.kind() == io::ErrorKind::PermissionDenied || text.contains("no write access");
    let cause = if text.contains("user_allow_other") {
        "allow_other and allow_root need the line user_allow_other in /etc/fuse.conf".to_owned()
    } else if text.starts_with("auto_unmount") {
        "auto_unmount needs allow_other or allow_root".to_owned()
    } else if error.kind() == io::ErrorKind::NotFound && !is_root {
        "install fusermount3 (package fuse3), or mount as root".to_owned()
    } else if is_denied && !is_root {
        format!("{text}; choose a directory that you own, or mount as root")
    } else {
        text.to_owned()
    };
    Error::Mount { path: mount_point.to_owned(), cause }
}
