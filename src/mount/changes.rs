//! Tells the kernel of changes in the source, in a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use fuser::Notifier;

use crate::fs::Fs;
use crate::fs::fuse::invalidate;

/// Between two times that the kernel is told: changes that come faster are told together, since
/// each waits for requests under way in its directory.
const PAUSE: Duration = Duration::from_millis(20);

/// The thread that tells the kernel of changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Telling {
    /// Held while the kernel is told something; whether it is told no more.
    has_ended: Arc<Mutex<bool>>,
}

impl Telling {
    /// Starts to tell the kernel what changes.
    pub(super) fn start(&self, fs: Arc<Fs>, notifier: Notifier) -> io::Result<()> {
        let telling = self.clone();
        thread::Builder::new().name("changes".to_owned()).spawn(move || {
            if let Err(error) = telling.run(&fs, &notifier) {
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

    fn run(&self, fs: &Fs, notifier: &Notifier) -> io::Result<()> {
        while let Some(stale) = fs.wait_for_changes()? {
            for what in &stale {
                let has_ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
                if *has_ended {
                    return Ok(());
                }
                if let Err(error) = invalidate(notifier, what) {
                    tracing::debug!(?what, "the kernel was not told: {error}");
                }
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}
