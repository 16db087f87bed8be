//! Remembers when the bodies of a message were set. The times stay after a save, because `rsync
//! --fsync` causes a save after each file, so also between `body.html` and `body.txt`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::mail::bodies::BodyKind;
use crate::sync::lock;

/// When each body of a message, and of those embedded in it, was last set.
#[derive(Debug, Default)]
pub struct BodyTimes {
    /// The keys are the numbers of the attachments that lead to the message, from the outermost
    /// message on.
    messages: Mutex<HashMap<Vec<u32>, Times>>,
}

/// When each body of one message was last set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub text: Option<Instant>,
    pub html: Option<Instant>,
    pub rtf: Option<Instant>,
    /// Whether HTML was set that may refer to attachments by their paths.
    pub has_paths: bool,
}

impl BodyTimes {
    pub fn get(&self, message: &[u32]) -> Times {
        self.lock().get(message).copied().unwrap_or_default()
    }

    pub fn put(&self, message: Vec<u32>, times: Times) {
        self.lock().insert(message, times);
    }

    /// Whether `has_paths` is set for any message.
    pub fn have_paths(&self) -> bool {
        self.lock().values().any(|times| times.has_paths)
    }

    /// Returns the messages for which `has_paths` is set, and clears it, because the caller
    /// replaces the paths now.
    pub fn take_paths(&self) -> Vec<Vec<u32>> {
        let mut messages = self.lock();
        let with_paths = messages.iter_mut().filter_map(|(message, times)| {
            std::mem::take(&mut times.has_paths).then(|| message.clone())
        });
        with_paths.collect()
    }

    /// Forgets a body that was removed.
    pub fn forget_body(&self, message: &[u32], file: BodyKind) {
        let mut messages = self.lock();
        let Some(times) = messages.get_mut(message) else { return };
        match file {
            BodyKind::Html => (times.html, times.has_paths) = (None, false),
            BodyKind::Rtf => times.rtf = None,
            BodyKind::Text => times.text = None,
        }
    }

    /// Forgets an embedded message that was removed, and the messages in it.
    pub fn forget_message(&self, message: &[u32]) {
        self.lock().retain(|known, _| !known.starts_with(message));
    }

    /// Locks the map. Every change is a single insert or remove, so the map is valid even if the
    /// lock is poisoned.
    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u32>, Times>> {
        lock(&self.messages)
    }
}
