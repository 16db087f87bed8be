//! When the bodies of a message were set. The times outlast a save of the message, because
//! `rsync --fsync` causes a save between `body.html` and `body.txt`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::sync::lock;

use crate::mail::reader::BodyFile;

/// When each body of a message, and of those embedded in it, was last set.
#[derive(Debug, Default)]
pub struct BodyTimes {
    /// By the numbers of the attachments that lead to the message.
    messages: Mutex<HashMap<Vec<u32>, Times>>,
}

/// When each body of one message was last set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub text: Option<Instant>,
    pub html: Option<Instant>,
    pub rtf: Option<Instant>,
    /// Whether the HTML that was set refers to attachments by their paths.
    pub has_paths: bool,
}

impl BodyTimes {
    pub fn get(&self, message: &[u32]) -> Times {
        self.lock().get(message).copied().unwrap_or_default()
    }

    pub fn put(&self, message: Vec<u32>, times: Times) {
        self.lock().insert(message, times);
    }

    /// Whether the HTML of any message refers to attachments by their paths.
    pub fn have_paths(&self) -> bool {
        self.lock().values().any(|times| times.has_paths)
    }

    /// The messages whose HTML does so. They are forgotten, because the caller replaces the paths.
    pub fn take_paths(&self) -> Vec<Vec<u32>> {
        let mut messages = self.lock();
        let with_paths = messages.iter_mut().filter_map(|(message, times)| {
            std::mem::take(&mut times.has_paths).then(|| message.clone())
        });
        with_paths.collect()
    }

    /// Forgets a body that was removed.
    pub fn forget_body(&self, message: &[u32], file: BodyFile) {
        let mut messages = self.lock();
        let Some(times) = messages.get_mut(message) else { return };
        match file {
            BodyFile::Html => (times.html, times.has_paths) = (None, false),
            BodyFile::Rtf => times.rtf = None,
            BodyFile::Text => times.text = None,
        }
    }

    /// Forgets an embedded message that was removed, and the messages in it.
    pub fn forget_message(&self, message: &[u32]) {
        self.lock().retain(|known, _| !known.starts_with(message));
    }

    /// Every change is one insert or remove, so the map is sound even if the lock is poisoned.
    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u32>, Times>> {
        lock(&self.messages)
    }
}
