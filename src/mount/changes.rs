//! Tells the kernel of changes in the source, in a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::fs::notify::Kernel;
use crate::fs::{Fs, Invalidation};

/// Between two times that the kernel is told: changes that come faster are told together, since
/// each time costs lookups, or waiting for requests under way.
const PAUSE: Duration = Duration::from_millis(20);
/// After which names are forgotten a second time: a listing that was answered before a change,
/// and that the kernel takes in after it was told, brings back what was forgotten.
const AGAIN: Duration = Duration::from_millis(250);

/// The thread that tells the kernel of changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Telling {
    /// Held while the kernel is told something; whether it is told no more.
    has_ended: Arc<Mutex<bool>>,
}

impl Telling {
    /// Starts to tell the kernel what changes.
    pub(super) fn start(&self, fs: Arc<Fs>, kernel: Kernel) -> io::Result<()> {
        let telling = self.clone();
        thread::Builder::new().name("changes".to_owned()).spawn(move || {
            if let Err(error) = telling.run(&fs, &kernel) {
                tracing::error!("changes of the source are no longer seen: {error}");
            }
        })?;
        Ok(())
    }

    /// Ends it, while requests are still served: what the kernel is being told may have to wait
    /// for one, and a process cannot end meanwhile.
    pub(super) fn end(&self) {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn run(&self, fs: &Fs, kernel: &Kernel) -> io::Result<()> {
        let mut again: Option<Instant> = None;
        loop {
            let left = again.map(|at| at.saturating_duration_since(Instant::now()));
            let Some(stale) = fs.wait_for_changes(left)? else { return Ok(()) };
            let is_due = again.is_some_and(|at| at <= Instant::now());
            if stale.is_empty() && !is_due {
                continue;
            }
            let has_names = stale.iter().any(|what| matches!(what, Invalidation::Entry { .. }));
            let told = match kernel.has_epochs() {
                Ok(true) => {
                    again = match has_names {
                        true => Some(Instant::now() + AGAIN),
                        false => again.filter(|_| !is_due),
                    };
                    let names = (has_names || is_due).then_some(Kernel::forget_names);
                    names.is_none_or(|forget| self.tell(|| forget(kernel)))
                        && stale.iter().all(|what| self.tell(|| kernel.forget(what)))
                }
                Ok(false) => stale.iter().all(|what| self.tell(|| kernel.forget_and_wait(what))),
                Err(error) => self.tell(|| Err(error)),
            };
            if !told {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Tells the kernel something; false if it is told no more.
    fn tell(&self, run: impl FnOnce() -> io::Result<()>) -> bool {
        let has_ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_ended && let Err(error) = run() {
            tracing::debug!("the kernel was not told: {error}");
        }
        !*has_ended
    }
}
