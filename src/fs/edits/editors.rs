//! Which users edit. The log says once for each user other than the mounter where that user's edits
//! are kept.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use outlook_msg::sync::lock;

/// The log names at most this many users. The edits of all others are kept in the same way.
const NAMED_MAX: usize = 1024;

/// The users other than the mounter who have edited something.
#[derive(Debug)]
pub(in crate::fs::edits) struct Editors {
    mounter: u32,
    named: Mutex<BTreeSet<u32>>,
}

impl Editors {
    pub(in crate::fs::edits) fn new() -> Self {
        Self { mounter: rustix::process::geteuid().as_raw(), named: Mutex::default() }
    }

    pub(in crate::fs::edits) fn is_mounter(&self, user: u32) -> bool {
        user == self.mounter
    }

    /// Notes that a user edits; the first time the log says where that user's edits are kept.
    pub(in crate::fs::edits) fn note(&self, user: u32, state_folder: &Path) {
        if self.is_mounter(user) {
            return;
        }
        let mut named = lock(&self.named);
        if named.len() < NAMED_MAX && named.insert(user) {
            tracing::info!(
                "edits of user {user} that cannot be saved are kept in the mounter's folder {}",
                state_folder.display()
            );
        }
    }
}
