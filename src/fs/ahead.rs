//! Opens the next messages of a folder while messages are looked into in the order of its listing.
//!
//! So a walk has the work of opening done beside it. A request never waits for what is opened
//! ahead; what was not ready in time is opened by the request itself.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::storage::WHOLE_READ_BYTES_MAX;
use crate::view::{Kind, NodeId};

use super::Fs;
use super::folders::Folders;
use super::ino::{SourceKind, SourceNode};
use super::messages::MessageNode;
use super::metadata::Metadata;

/// What is known of the walk under way, and what is to be opened for it.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    walk: Mutex<Walk>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Walk {
    /// Whether there is someone to open messages.
    has_opener: bool,
    is_closed: bool,
    /// The messages that were looked into as foreseen, one after the other.
    in_step: usize,
    /// The messages that come next by the order of the folder.
    foreseen: VecDeque<PathBuf>,
    /// Those of them that are still to be opened.
    to_open: VecDeque<PathBuf>,
}

/// From so many messages in the order of the folder on it is taken for a walk.
const IN_STEP_MIN: usize = 2;
/// As many messages are opened ahead at most.
const AHEAD_MAX: usize = 16;
/// More are asked for only when no more than this are left, since to wake a thread costs too.
const AHEAD_LEFT: usize = 8;

impl Ahead {
    /// Notes that a message is looked into.
    pub(super) fn look_into(&self, path: &Path, folders: &Folders) {
        let mut walk = self.lock();
        if !walk.has_opener {
            return;
        }
        match walk.foreseen.iter().position(|foreseen| foreseen == path) {
            Some(at) => {
                walk.foreseen.drain(..=at);
                let behind = walk.to_open.iter().position(|waiting| waiting == path);
                walk.to_open.drain(..behind.map_or(0, |at| at + 1));
                walk.in_step += 1;
            }
            None => {
                walk.in_step = 0;
                walk.to_open.clear();
                walk.foreseen = folders.behind(path, 1).into();
                return;
            }
        }
        if walk.in_step < IN_STEP_MIN || walk.foreseen.len() > AHEAD_LEFT {
            if walk.foreseen.is_empty() {
                walk.foreseen = folders.behind(path, 1).into();
            }
            return;
        }
        let last = walk.foreseen.back().map_or(path, PathBuf::as_path);
        let more = folders.behind(last, AHEAD_MAX - walk.foreseen.len());
        if more.is_empty() {
            return;
        }
        walk.to_open.extend(more.iter().cloned());
        walk.foreseen.extend(more);
        drop(walk);
        self.changed.notify_one();
    }

    /// Ends the opening.
    pub(super) fn close(&self) {
        let mut walk = self.lock();
        walk.is_closed = true;
        walk.to_open.clear();
        drop(walk);
        self.changed.notify_all();
    }

    /// Waits for the next message to open; `None` after the end.
    fn next(&self) -> Option<PathBuf> {
        let mut walk = self.lock();
        walk.has_opener = true;
        loop {
            if walk.is_closed {
                return None;
            }
            if let Some(path) = walk.to_open.pop_front() {
                return Some(path);
            }
            walk = self.changed.wait(walk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Every change is whole before the next call that might panic.
    fn lock(&self) -> MutexGuard<'_, Walk> {
        self.walk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fs {
    /// Opens the messages that a walk comes to next, until the filesystem is closed. For a thread
    /// of its own; without one nothing is opened ahead.
    pub fn open_ahead(&self) {
        // What does not stay in the cache until it is asked for would be opened twice.
        const CACHE_BYTES_MIN: usize = 16 << 20;
        if self.options.cache_bytes_max < CACHE_BYTES_MIN {
            return;
        }
        while let Some(path) = self.ahead.next() {
            let opened = catch_unwind(AssertUnwindSafe(|| self.open_one_ahead(path)));
            // Whoever asks for the message is told what is wrong with it.
            if !matches!(opened, Ok(Ok(()))) {
                tracing::debug!("a message was not opened ahead");
            }
        }
    }

    fn open_one_ahead(&self, path: PathBuf) -> io::Result<()> {
        let file = self.source.open_file(&path)?;
        let metadata = Metadata::from(&file.metadata()?);
        if !metadata.is_file() || metadata.size > WHOLE_READ_BYTES_MAX {
            return Ok(());
        }
        let identity = metadata.identity();
        let node = SourceNode { path, kind: SourceKind::Message, identity };
        let base = self.nodes.base_of(&node);
        // Only a message that the kernel knows is asked for as it is now.
        let Some(node) = self.nodes.get(base).filter(|known| **known == node) else {
            return Ok(());
        };
        if self.messages.get(&node).is_some() {
            return Ok(());
        }
        let message = MessageNode::new(base, node);
        let open = self.open_file_of(&message, file).map_err(io::Error::other)?;
        let listing = open.tree.list(NodeId(0)).map_err(io::Error::other)?;
        let wanted = self.habits.wanted();
        for entry in listing.entries().iter().filter(|entry| entry.kind == Kind::File) {
            if wanted.contains(entry.id) || !open.tree.is_size_costly(entry.id) {
                // The content is kept with its size.
                let _ = open.tree.attributes(entry.id);
            }
        }
        open.tree.defects();
        let bytes = open.tree.bytes_held();
        self.messages.insert(Arc::clone(&message.node), Arc::new(open), bytes);
        if self.ahead.lock().is_closed {
            // Nothing is kept after the end.
            self.messages.clear();
        }
        Ok(())
    }
}
