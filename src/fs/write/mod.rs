//! Writing (`-o edit`): messages under edit, open files, and when edits reach the source.
//!
//! | what | module |
//! |---|---|
//! | the messages that the kernel knows, and those with edits | `table` |
//! | one message: its present state, and its edits | `draft` |
//! | looking up, listing, attributes | `nodes` |
//! | open files | `handle`, `buffer` |
//! | creating, renaming, removing | `entries`, `folder`, `creators` |
//! | files that are no part of a message | `scratch` |
//! | the calls of the kernel | `calls` |
//! | saving | `commits`, `target` |
//!
//! A message has one lock, which is held while it is read or edited and not while it is saved. No
//! lock of one message is held while another is asked for.

mod buffer;
mod calls;
mod commits;
mod creators;
mod draft;
mod entries;
mod folder;
mod handle;
mod nodes;
mod paths;
mod scratch;
mod table;
mod target;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::imsg::{CloseReport, MessageCache, SaveOutcome, SaveReport, Session};
use crate::view::{NodeId, Show};

use super::attr::Ownership;
use super::ino::{Base, Identity, Ino};
use super::source::SourceRoot;

use commits::Commits;
use draft::Opened;
use handle::Handles;
use table::Table;

pub(super) use handle::OpenFlags;
pub(super) use target::StateFolder;

/// How a filesystem is written to.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Whether messages may be removed (`delete`).
    pub delete: bool,
    /// How long after the last writing handle of a message was closed it is saved.
    pub commit_delay: Duration,
    /// Where edits are kept that cannot be saved; `None` for the user's own place.
    pub state_folder: Option<PathBuf>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { delete: false, commit_delay: Duration::from_secs(1), state_folder: None }
    }
}

/// A change of attributes, as far as it means something here.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetAttr {
    /// The length in bytes.
    pub size: Option<u64>,
    /// The permission bits.
    pub mode: Option<u32>,
    /// The last modification.
    pub mtime: Option<SystemTime>,
}

/// The writing half of a filesystem.
#[derive(Debug)]
pub(super) struct Writing {
    options: WriteOptions,
    show: Show,
    ownership: Ownership,
    source: Arc<SourceRoot>,
    session: Session,
    state_folder: Arc<StateFolder>,
    table: Table,
    /// The messages without edits that are open, in the state that their files have.
    opened: MessageCache<(Base, Identity), Opened>,
    handles: Handles,
    commits: Commits,
}

impl Writing {
    /// The writing half of a filesystem on a source.
    pub(super) fn new(
        options: WriteOptions,
        fs_options: &super::Options,
        source: Arc<SourceRoot>,
        session: Session,
        state_folder: Arc<StateFolder>,
    ) -> Arc<Self> {
        let writing = Arc::new(Self {
            commits: Commits::new(options.commit_delay),
            options,
            show: fs_options.show,
            ownership: fs_options.ownership,
            source,
            session,
            state_folder,
            table: Table::default(),
            opened: MessageCache::new(fs_options.cache_bytes_max),
            handles: Handles::default(),
        });
        if let Err(error) = writing.state_folder.tidy(&writing.source) {
            tracing::warn!("what an earlier mount left in the source was not removed: {error}");
        }
        commits::serve(&writing);
        writing
    }

    /// The messages open without edits: their bytes and their number.
    pub(super) fn usage(&self) -> (usize, usize) {
        self.opened.usage()
    }

    /// Enters the message that the whole source is, for good.
    pub(super) fn enter_one(&self, path: &std::path::Path) -> Ino {
        Ino::new(self.table.enter(path, 1).base, NodeId(0))
    }

    /// Takes over what open files were written with, and saves nothing by itself any more.
    pub(super) fn close(&self) {
        self.commits.end();
        for handle in self.handles.all() {
            // What is no value is said in the log.
            let _ = self.finish(&handle);
        }
        for draft in self.table.all() {
            let mut state = draft.lock_idle();
            self.complete(&draft, &mut state);
            for path in state.scratch.forgotten() {
                let message = state.path.display();
                tracing::warn!("{message}/{path}: no file of a message, gone with the mount");
            }
        }
        self.opened.clear();
    }

    /// To be called once the session is closed.
    pub(super) fn closed(&self, report: &CloseReport) {
        // Only what is whole needs no look at the next mount.
        let is_saved = |save: &SaveReport| matches!(save.outcome, SaveOutcome::Saved);
        if report.saves.iter().all(is_saved)
            && let Err(error) = self.state_folder.end()
        {
            tracing::warn!("the note of folders written to stays: {error}");
        }
    }

    /// How many messages the kernel knows or that have edits, and how many have edits.
    pub(super) fn counts(&self) -> (usize, usize) {
        let drafts = self.table.all();
        let unsaved = drafts.iter().filter(|draft| draft.lock().is_unsaved()).count();
        (drafts.len(), unsaved)
    }
}
