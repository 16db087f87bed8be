//! A mount that is served, from the call that mounts to the end of its session.

use std::io::{self, Read as _};
use std::mem::ManuallyDrop;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use fuser::{Config, MountOption};
use rustix::io::FdFlags;
use rustix::process::{Resource, Rlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::fs::edit_log::StateFolder;
use crate::fs::fuse::Adapter;
use crate::fs::fuse::Kernel;
use crate::fs::mountinfo::Device;
use crate::fs::{Fs, STORES_MAX, is_message_file_name};
use crate::storage::SIGNATURE;

use super::changes::ChangeNotifier;
use super::guard::Guard;
use super::options::MountOptions;
use super::server::ServerSocket;
use super::table;
use super::{EndEvent, Error, Request, answering, point, report};

/// A mount that answers requests.
pub(super) struct Mounted {
    fs: Arc<Fs>,
    mount_point: PathBuf,
    /// `None` if it was unmounted before it was looked up.
    device: Option<Device>,
    events: mpsc::Receiver<EndEvent>,
    notifier: ChangeNotifier,
    /// `None` if no folder for the socket was found.
    socket: Option<ServerSocket>,
    /// `None` if it could not be started.
    guard: Option<Guard>,
}

type FuseSession = fuser::Session<Adapter>;

/// How many threads serve requests: enough that one slow message does not hold up the others.
const EVENT_LOOPS: usize = 4;
const _: () = assert!(EVENT_LOOPS > STORES_MAX, "a store may wait for another request");
/// How long the event loops may take to end after the unmount.
const ENDING_MAX: Duration = Duration::from_secs(10);

impl Mounted {
    /// Mounts.
    pub(super) fn new(request: &Request) -> Result<Self, Error> {
        let source = find_source(request)?;
        let mount_point = point::prepare(&request.mount_point, request.options.nonempty)?;
        let fs = open_source(request, &source, &mount_point)?;
        check_fuse()?;
        // Catch signals before mounting, so that none of them ends the process and leaves the mount
        // behind.
        let signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        // Without this, SIGXFSZ would end the process when a file that it writes becomes too large.
        // Ignored, it makes that write fail with EFBIG. (Rust's runtime ignores SIGPIPE for the
        // same reason.)
        signal_hook::flag::register(SIGXFSZ, Arc::default())?;
        // The guard is started before the mount is made, so that it is there however soon this
        // process is killed.
        let mut guard = Guard::start(&mount_point)
            .inspect_err(|error| tracing::warn!("the mount has no guard: {error}"))
            .ok();
        let adapter = Adapter::new(Arc::clone(&fs));
        let session =
            fuser::Session::new(adapter.clone(), &mount_point, &config(&request.options, &source))
                .map_err(|error| mount_error(&mount_point, &error))?;
        // fusermount3, which mounts for ordinary users, passes a descriptor without CLOEXEC. A
        // program that this process starts would inherit it and keep the mount alive after this
        // process has ended.
        rustix::io::fcntl_setfd(session.as_fd(), FdFlags::CLOEXEC).map_err(io::Error::from)?;
        let kernel = Arc::new(Kernel::new(session.notifier(), &session)?);
        adapter.serve(Arc::clone(&kernel));
        let (sender, events) = mpsc::channel();
        serve(session, sender.clone())?;
        let notifier = ChangeNotifier::new(&mount_point);
        let started = notifier
            .start(Arc::clone(&fs), kernel)
            .and_then(|()| open_ahead(&fs))
            .and_then(|()| save_when_due(&fs))
            .and_then(|()| watch_signals(signals, sender.clone()))
            // Read the mount table rather than ask the mount itself: if the serving threads were
            // killed meanwhile, the process would wait for its own answer and could not end.
            .and_then(|()| table::find(&mount_point));
        let device = match started {
            // A user may have unmounted it already. Then the serving threads see the end of the
            // connection, and the session ends as after any other umount(8).
            Ok(mount) => mount.map(|mount| mount.device),
            Err(error) => {
                abandon(&fs, &mount_point);
                return Err(mount_error(&mount_point, &error));
            }
        };
        let socket = device.and_then(|device| {
            ServerSocket::open(device, sender)
                .inspect_err(|error| tracing::debug!("msgfs umount will not wait: {error}"))
                .ok()
        });
        if let Some((guard, device)) = guard.as_mut().zip(device) {
            guard.watch(device);
        }
        tracing::info!(source = %source.display(), mount_point = %mount_point.display(), "mounted");
        Ok(Self { fs, mount_point, device, events, notifier, socket, guard })
    }

    /// Unmounts a mount that nobody has used yet.
    pub(super) fn abandon(self) {
        abandon(&self.fs, &self.mount_point);
        if let Some(guard) = self.guard {
            guard.dismiss();
        }
    }

    /// Serves until the mount ends, and closes the session.
    pub(super) fn wait(self) -> Result<(), Error> {
        let first = self.events.recv();
        tell_manager(sd_notify::NotifyState::Stopping);
        let outcome = match first {
            Ok(EndEvent::Ended(outcome)) => self.ended(outcome),
            Ok(EndEvent::Signal(signal)) => {
                tracing::info!(signal, "unmounting");
                self.end()
            }
            Ok(EndEvent::Asked) => {
                tracing::info!("unmounting: msgfs umount asked for it");
                self.end()
            }
            Err(mpsc::RecvError) => Ok(()),
        };
        self.notifier.end();
        let report = self.fs.close();
        tracing::info!(?report, "session closed");
        let unsaved = report::failures(&report);
        if let Some(socket) = &self.socket {
            socket.tell(unsaved.as_deref());
        }
        if let Some(guard) = self.guard {
            guard.dismiss();
        }
        match unsaved {
            Some(text) => {
                for line in text.lines() {
                    tracing::error!("{line}");
                }
                Err(Error::Unsaved(text))
            }
            None => outcome,
        }
    }

    /// Unmounts. A mount that is in use is detached: its name goes away at once, and the session is
    /// closed without waiting for its users.
    fn end(&self) -> Result<(), Error> {
        // After `umount --lazy` another mount may be at the same path by now.
        if !self.is_topmost()? {
            return Ok(());
        }
        match table::unmount(&self.mount_point, false) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                tracing::warn!("the mount is in use: detached");
                let detached = table::unmount(&self.mount_point, true);
                return detached.map_err(|error| self.unmount_error(&error));
            }
            outcome => outcome.map_err(|error| self.unmount_error(&error))?,
        }
        loop {
            match self.events.recv_timeout(ENDING_MAX) {
                Ok(EndEvent::Signal(_) | EndEvent::Asked) => {}
                Ok(EndEvent::Ended(outcome)) => return self.ended(outcome),
                Err(_) => return Ok(()),
            }
        }
    }

    /// The kernel has ended the connection, or cannot be served any more.
    fn ended(&self, outcome: io::Result<()>) -> Result<(), Error> {
        let Err(error) = outcome else { return Ok(()) };
        // When the last user of a detached mount closes a file, the kernel ends the connection. If
        // an event loop is reading the RELEASE at that moment, the kernel answers ECONNABORTED
        // instead of ENODEV.
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return Ok(());
        }
        if self.is_topmost()? {
            answering::detach(&self.mount_point).map_err(|error| self.unmount_error(&error))?;
        }
        Err(error.into())
    }

    /// Whether the mount is still the one that is seen at its path.
    fn is_topmost(&self) -> io::Result<bool> {
        self.device.map_or(Ok(false), |device| table::is_topmost(&self.mount_point, device))
    }

    fn unmount_error(&self, error: &io::Error) -> Error {
        Error::Unmount { path: self.mount_point.clone(), cause: error.to_string() }
    }
}

/// The canonical path of the source.
fn find_source(request: &Request) -> Result<PathBuf, Error> {
    let failed = |error| source_error(request, error);
    let source = request.source.canonicalize().map_err(failed)?;
    check_message(&source).map_err(failed)?;
    Ok(source)
}

fn source_error(request: &Request, source: io::Error) -> Error {
    let remedy = match source.kind() {
        io::ErrorKind::PermissionDenied => "mount as a user who may read it",
        _ => "give a folder, or one message file",
    };
    Error::Source { path: request.source.clone(), remedy, source }
}

/// Opens the source.
fn open_source(request: &Request, source: &Path, mount_point: &Path) -> Result<Arc<Fs>, Error> {
    let mut options = request.options.fs.clone();
    options.mount_point = Some(mount_point.to_owned());
    options.watch = true;
    raise_descriptor_limit();
    if let Some(write) = &options.write {
        StateFolder::find(write.state_folder.as_deref())?.prepare(Some(mount_point))?;
    }
    let fs = Fs::open(source, options).map_err(|error| source_error(request, error))?;
    Ok(Arc::new(fs))
}

/// Refuses a file that is no message by its name or its content: a slip would mount it otherwise.
fn check_message(source: &Path) -> io::Result<()> {
    if !source.is_file() || is_message_file_name(source) {
        return Ok(());
    }
    let mut start = [0; SIGNATURE.len()];
    let read = std::fs::File::open(source)?.read(&mut start)?;
    match start.get(..read) == Some(&SIGNATURE) {
        true => Ok(()),
        false => Err(io::Error::other("it is no message, by neither its name nor its content")),
    }
}

fn check_fuse() -> Result<(), Error> {
    match std::fs::File::options().read(true).write(true).open("/dev/fuse") {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Error::FuseNotPermitted)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoFuse),
        _ => Ok(()),
    }
}

/// Serves the kernel in threads of their own.
///
/// The mount of fuser's session is never dropped. When fuser 0.18 drops a session, it unmounts
/// whatever is at the mount point, also if the kernel has ended the connection already. After
/// `umount --lazy` and another mount at the same path, it took that other mount off as soon as the
/// last user of the first one had gone.
fn serve(session: FuseSession, events: mpsc::Sender<EndEvent>) -> io::Result<()> {
    let mut serving = ManuallyDrop::new(session.spawn()?);
    let nothing = thread::Builder::new().spawn(|| Ok(()))?;
    let loops = std::mem::replace(&mut serving.guard, nothing);
    thread::Builder::new().name("serve".to_owned()).spawn(move || {
        let panicked = |_| Err(io::Error::other("the thread that serves the mount has panicked"));
        // If the receiver is gone, the process is ending anyway.
        let _ = events.send(EndEvent::Ended(loops.join().unwrap_or_else(panicked)));
    })?;
    Ok(())
}

fn watch_signals(mut signals: Signals, events: mpsc::Sender<EndEvent>) -> io::Result<()> {
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let _ = events.send(EndEvent::Signal(signal));
        }
    })?;
    Ok(())
}

fn abandon(fs: &Fs, mount_point: &Path) {
    if let Err(error) = table::unmount(mount_point, true) {
        tracing::error!("the mount does not come off: {error}");
    }
    drop(fs.close());
}

/// Starts the thread that opens messages ahead of programs that walk through a folder, if there is
/// a second core. The thread ends when the filesystem is closed.
fn open_ahead(fs: &Arc<Fs>) -> io::Result<()> {
    if thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        let fs = Arc::clone(fs);
        thread::Builder::new().name("ahead".to_owned()).spawn(move || fs.open_ahead())?;
    }
    Ok(())
}

/// Starts the thread that saves edited messages, if the mount is writable.
fn save_when_due(fs: &Arc<Fs>) -> io::Result<()> {
    for number in 0..fs.savers() {
        let fs = Arc::clone(fs);
        let named = thread::Builder::new().name(format!("save-{number}"));
        named.spawn(move || fs.save_when_due())?;
    }
    Ok(())
}

/// Tells the service manager that started us, if there is one.
pub(super) fn tell_manager(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("the service manager was not told: {error}");
    }
}

/// Raises the limit of descriptors: each open large message takes one, since it is read from its
/// file while it is open.
fn raise_descriptor_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
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

/// The source as the mount table names it. For users other than root fusermount3 mounts. It takes
/// its options as one text with commas in between, so those of the source are escaped.
fn source_name(source: &Path) -> String {
    let name = source.to_string_lossy();
    match rustix::process::geteuid().is_root() {
        true => name.into_owned(),
        false => name.replace('\\', "\\\\").replace(',', "\\,"),
    }
}

/// Whether fusermount3 is there, which mounts for users other than root. Without it, the kernel's
/// refusal says nothing that helps.
fn has_helper() -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join("fusermount3").is_file())
}

/// Explains a mount that failed, and says what the user can do about it.
fn mount_error(mount_point: &Path, error: &io::Error) -> Error {
    let text = error.to_string();
    let text = text.trim();
    let is_root = rustix::process::geteuid().is_root();
    // fusermount3 has no exit status for a directory of another user; only its text says so.
    let is_denied =
        error.kind() == io::ErrorKind::PermissionDenied || text.contains("no write access");
    let cause = if text.contains("user_allow_other") {
        "allow_other and allow_root need the line user_allow_other in /etc/fuse.conf".to_owned()
    } else if text.starts_with("auto_unmount") {
        "auto_unmount needs allow_other or allow_root".to_owned()
    } else if !is_root && !has_helper() {
        "install fusermount3 (package fuse3), or mount as root".to_owned()
    } else if is_denied && !is_root {
        format!("{text}; choose a directory that you own, or mount as root")
    } else {
        text.to_owned()
    };
    Error::Mount { path: mount_point.to_owned(), cause }
}
