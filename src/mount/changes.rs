//! Tells the kernel of changes in the source, in a thread of its own.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{io, thread};

use outlook_msg::sync::lock;

use crate::fs::fuse::Kernel;
use crate::fs::{Fs, Invalidation};

use super::table;

/// The least time between two notifications. Changes that come faster are told together, since each
/// notification costs the kernel lookups, or waits for requests under way.
const PAUSE: Duration = Duration::from_millis(20);
/// How long after a change the kernel is told again to forget the names; the thread takes the last
/// delay first. The kernel may take in an answer to a listing that is older than the change only
/// after it was told of the change. Then the old names are back. How long that can take is not
/// known; on a busy machine it takes a while.
const AGAIN: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(40)];

/// The thread that tells the kernel of changes.
#[derive(Clone, Debug)]
pub(super) struct ChangeNotifier {
    mount_point: Arc<Path>,
    /// Locked while the kernel is told something. True once it is to be told nothing more.
    has_ended: Arc<Mutex<bool>>,
}

impl ChangeNotifier {
    /// For a mount. It tells nothing before `start`.
    pub(super) fn new(mount_point: &Path) -> Self {
        Self { mount_point: mount_point.into(), has_ended: Arc::default() }
    }

    /// Starts the thread that tells the kernel what changes.
    pub(super) fn start(&self, fs: Arc<Fs>, kernel: Arc<Kernel>) -> io::Result<()> {
        let notifier = self.clone();
        thread::Builder::new().name("changes".to_owned()).spawn(move || {
            if let Err(error) = notifier.run(&fs, &kernel) {
                tracing::error!("changes of the source are no longer seen: {error}");
            }
        })?;
        Ok(())
    }

    /// Ends the thread. Requests must still be served: a notification may wait for one of them, and
    /// the process cannot end while it waits.
    pub(super) fn end(&self) {
        *lock(&self.has_ended) = true;
    }

    fn run(&self, fs: &Fs, kernel: &Kernel) -> io::Result<()> {
        let mut again: Vec<Instant> = Vec::new();
        loop {
            let left = again.last().map(|at| at.saturating_duration_since(Instant::now()));
            let Some(stale) = fs.wait_for_changes(left)? else { return Ok(()) };
            let is_due = again.pop_if(|at| *at <= Instant::now()).is_some();
            if stale.is_empty() && !is_due {
                continue;
            }
            let has_names = stale.iter().any(|what| matches!(what, Invalidation::Entry { .. }));
            let forgets_names = has_names || is_due;
            let told = match kernel.has_epochs() {
                Ok(true) if !forgets_names || !self.has_below() => {
                    if has_names {
                        again = AGAIN.map(|after| Instant::now() + after).into();
                    }
                    (!forgets_names || self.tell(|| kernel.forget_names()))
                        && stale.iter().all(|what| self.tell(|| kernel.forget(what)))
                }
                Ok(_) => {
                    again.clear();
                    stale.iter().all(|what| self.tell(|| kernel.forget_and_wait(what)))
                }
                Err(error) => self.tell(|| Err(error)),
            };
            if !told {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether something is mounted below the mount point. If so, names are forgotten one by one: a
    /// kernel that has to look up all names again takes such mounts off.
    fn has_below(&self) -> bool {
        table::has_below(&self.mount_point).unwrap_or(false)
    }

    /// Tells the kernel something. False if it is to be told nothing more.
    fn tell(&self, run: impl FnOnce() -> io::Result<()>) -> bool {
        let has_ended = lock(&self.has_ended);
        if !*has_ended && let Err(error) = run() {
            tracing::debug!("the kernel was not told: {error}");
        }
        !*has_ended
    }
}
