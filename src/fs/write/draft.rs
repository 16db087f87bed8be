//! One message that may be written to: its present state, and its edits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::imsg::{self, Access, MapiPropMut as _, Message};
use crate::mapi::{Value, tags};
use crate::storage::{FileState, Source, Transaction};
use crate::view::{self, AttachmentNames, BodyTimes, Editor, MessageTree};

use super::super::attr::Attr;
use super::super::ino::{Base, Ino};
use super::super::messages::message_error;
use super::super::metadata::Metadata;
use super::super::{Error, source_error};
use super::Writing;
use super::creators::Creators;
use super::folder::Incoming;
use super::handle::Handle;
use super::paths::Paths;
use super::scratch::Scratch;
use super::target::FileTarget;
use crate::view::NodeId;

/// A message of the source, or one that will be.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) base: Base,
    state: Mutex<State>,
    /// Tells that a save has ended.
    saved: Condvar,
}

/// What is known of a message, under its lock.
#[derive(Debug)]
pub(super) struct State {
    /// In the source.
    pub(super) path: PathBuf,
    /// The files in it that the kernel knows.
    pub(super) paths: Paths,
    names: Arc<AttachmentNames>,
    bodies: Arc<BodyTimes>,
    pub(super) scratch: Scratch,
    /// The open writing handles, the one last written to at the end.
    pub(super) writers: Vec<Arc<Handle>>,
    edits: Option<Edits>,
    /// Whether it has never been in the source.
    pub(super) is_new: bool,
    /// Whether it was removed, so that nothing of it is saved.
    pub(super) is_removed: bool,
    is_saving: bool,
    /// Whether all edits since the last save were removals.
    pub(super) only_removals: bool,
    /// When it was last edited.
    edited: Option<SystemTime>,
    /// When files in it were last written to, or the times they were given.
    pub(super) times: HashMap<String, SystemTime>,
    /// The message file that it is still to be made of.
    pub(super) incoming: Option<Arc<Incoming>>,
    pub(super) creators: Creators,
}

/// A message under edit.
#[derive(Debug)]
struct Edits {
    editor: Editor,
    target: Arc<FileTarget>,
    /// The state after the last edit.
    current: Arc<Opened>,
}

/// One state of a message, to be read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) tree: MessageTree,
    /// The attributes of its directory.
    pub(super) directory: Attr,
}

impl Draft {
    pub(super) fn new(base: Base, path: &Path) -> Self {
        let state = State {
            path: path.to_owned(),
            paths: Paths::default(),
            names: Arc::default(),
            bodies: Arc::default(),
            scratch: Scratch::default(),
            writers: Vec::new(),
            edits: None,
            is_new: false,
            is_removed: false,
            is_saving: false,
            only_removals: false,
            edited: None,
            times: HashMap::new(),
            incoming: None,
            creators: Creators::default(),
        };
        Self { base, state: Mutex::new(state), saved: Condvar::new() }
    }

    /// The state, for reading; a save may be going on.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for an edit: after any save that is going on.
    pub(super) fn lock_idle(&self) -> MutexGuard<'_, State> {
        let state = self.lock();
        let idle = self.saved.wait_while(state, |state| state.is_saving);
        idle.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an edit would have to wait for a save.
    pub(super) fn is_saving(&self) -> bool {
        self.lock().is_saving
    }

    /// Whether it must be kept although the kernel does not know it.
    pub(super) fn is_in_use(&self) -> bool {
        let state = self.lock();
        state.edits.is_some()
            || !state.writers.is_empty()
            || !state.scratch.is_empty()
            || state.incoming.is_some()
    }
}

impl State {
    pub(super) fn is_unsaved(&self) -> bool {
        // Edits are let go of once they are saved.
        self.edits.is_some()
    }

    /// The time of its last edit in this mount.
    pub(super) fn edited(&self) -> Option<SystemTime> {
        self.edited
    }

    /// Says that a file of it was written to just now.
    pub(super) fn touch(&mut self) {
        self.edited = Some(SystemTime::now());
    }

    /// Says where the message lies from now on.
    pub(super) fn set_path(&mut self, path: &Path, metadata: Option<&Metadata>) {
        path.clone_into(&mut self.path);
        if let Some(edits) = &self.edits {
            edits.target.moved(path, metadata.map(FileState::from));
        }
    }
}

impl Writing {
    /// The present state of a message.
    ///
    /// # Errors
    /// [`Error::Stale`] if it is gone, or where it cannot be read.
    pub(super) fn opened(&self, draft: &Draft, state: &State) -> Result<Arc<Opened>, Error> {
        if let Some(edits) = &state.edits {
            return Ok(Arc::clone(&edits.current));
        }
        let path = &state.path;
        if state.is_removed {
            return Err(Error::Stale { path: path.clone() });
        }
        let metadata = self.source.metadata(path).map_err(|error| source_error(path, error))?;
        let identity = metadata.identity();
        if let Some(opened) = self.opened.get(&(draft.base, identity)) {
            return Ok(opened);
        }
        let file = self.source.open_file(path).map_err(|error| source_error(path, error))?;
        let (source, metadata) =
            Source::from_file(file).map_err(|error| source_error(path, error))?;
        let metadata = Metadata::from(&metadata);
        let identity = metadata.identity();
        let tree = MessageTree::open_named(&self.session, source, self.show, &state.names)
            .map_err(|error| message_error(path, error))?;
        let bytes = tree.bytes_held();
        let directory = self.directory_attr(draft.base, &metadata);
        let opened = Arc::new(Opened { tree, directory });
        Ok(self.opened.insert((draft.base, identity), opened, bytes))
    }

    /// The attributes of a message directory whose file has these.
    pub(super) fn directory_attr(&self, base: Base, metadata: &Metadata) -> Attr {
        Attr::of_writable_message(Ino::new(base, NodeId(0)), metadata, &self.ownership)
    }

    /// Edits a message, and makes its new state.
    ///
    /// # Errors
    /// If it cannot be opened for writing, or those of `run`.
    pub(super) fn edit<T>(
        &self,
        draft: &Draft,
        state: &mut State,
        run: impl FnOnce(&mut Editor, &MessageTree) -> Result<T, view::Error>,
    ) -> Result<T, Error> {
        if state.edits.is_none() {
            state.edits = Some(self.open_for_writing(draft, state)?);
            state.only_removals = true;
        }
        let Some(edits) = &mut state.edits else { return Err(Error::NotFound) };
        let outcome = run(&mut edits.editor, &edits.current.tree);
        let path = &state.path;
        // What failed half way is shown as it is.
        let snapshot = edits.editor.message().snapshot();
        let snapshot = snapshot.map_err(|error| message_error(path, error.into()))?;
        let open = match edits.editor.message().is_new() {
            true => MessageTree::of_new,
            false => MessageTree::of_snapshot,
        };
        let tree = open(&self.session, snapshot, self.show, &state.names)
            .map_err(|error| message_error(path, error))?;
        let directory = edits.current.directory;
        edits.current = Arc::new(Opened { tree, directory });
        if edits.editor.message().is_unsaved() {
            state.touch();
        } else {
            state.edits = None;
        }
        outcome.map_err(|error| message_error(&state.path, error))
    }

    /// Whether a message can be saved where it lies, and all of it.
    ///
    /// # Errors
    /// `EROFS` or `EACCES`.
    pub(super) fn check_writable(&self, draft: &Draft, state: &State) -> Result<(), Error> {
        let folder = state.path.parent().unwrap_or(Path::new(""));
        self.source.check_writable(folder).map_err(|error| source_error(&state.path, error))?;
        if state.edits.is_some() || state.incoming.is_some() {
            return Ok(());
        }
        let opened = self.opened(draft, state)?;
        let in_message = |error: view::Error| message_error(&state.path, error);
        let file = opened.tree.compound_file().map_err(in_message)?;
        // What of a damaged message cannot be read would be lost with the old file.
        let carried = Transaction::on(&file.root()).map_err(imsg::Error::from);
        carried.map(drop).map_err(|error| in_message(error.into()))
    }

    /// Makes a message that the source does not have yet.
    pub(super) fn create_new(&self, draft: &Draft, state: &mut State) -> Result<(), Error> {
        let in_message = |error: imsg::Error| message_error(&state.path, error.into());
        let target = FileTarget::new(&self.source, &self.state_folder, &state.path, None);
        let message = self.session.create_message(Arc::clone(&target) as _).map_err(in_message)?;
        let class = Value::String("IPM.Note".to_owned());
        message.set_property(tags::PR_MESSAGE_CLASS, &class).map_err(in_message)?;
        // Without one it is normal, and a file less.
        match message.delete_property(tags::PR_IMPORTANCE) {
            Ok(()) | Err(imsg::Error::NoProperty { .. }) => {}
            Err(error) => return Err(in_message(error)),
        }
        let metadata = self.source.metadata(state.path.parent().unwrap_or(Path::new("")));
        let metadata = metadata.map_err(|error| source_error(&state.path, error))?;
        let ino = Ino::new(draft.base, NodeId(0));
        let directory = Attr::of_new_message(ino, &metadata, &self.ownership);
        let current = self.state_of(&message, state, directory)?;
        let editor = Editor::new(message, Arc::clone(&state.names), Arc::clone(&state.bodies));
        state.edits = Some(Edits { editor, target, current });
        state.is_new = true;
        state.only_removals = false;
        state.touch();
        Ok(())
    }

    /// Saves a message that has edits.
    ///
    /// # Errors
    /// [`Error::Stale`] if its file was changed by others, or where it cannot be written. The
    /// edits are kept.
    pub(super) fn save(&self, draft: &Draft) -> Result<(), Error> {
        let mut state = draft.lock_idle();
        if state.is_removed || state.edits.is_none() {
            return Ok(());
        }
        self.complete(draft, &mut state);
        let Some(edits) = &state.edits else { return Ok(()) };
        let message = edits.editor.message().clone();
        let path = state.path.clone();
        state.is_saving = true;
        drop(state);
        let outcome = message.save_changes();
        let mut state = draft.lock();
        state.is_saving = false;
        let outcome = match outcome {
            Ok(()) => {
                // From now on it is read from its file.
                if let Some(edits) = state.edits.take() {
                    let tree = &edits.current.tree;
                    state.scratch.retain(|path| path != "ERRORS" && tree.resolve(path).is_err());
                }
                state.is_new = false;
                tracing::debug!(path = %path.display(), "saved");
                Ok(())
            }
            Err(error) => Err(message_error(&path, error.into())),
        };
        drop(state);
        draft.saved.notify_all();
        outcome
    }

    /// Makes the edits of a message fit together, before they are saved.
    pub(super) fn complete(&self, draft: &Draft, state: &mut State) {
        if state.edits.as_ref().is_none_or(|edits| edits.editor.is_complete()) {
            return;
        }
        if let Err(error) = self.edit(draft, state, |editor, tree| editor.complete(tree)) {
            // The edits are saved as they are.
            tracing::warn!("{error}");
        }
    }

    /// Throws the unsaved edits of a message away.
    pub(super) fn discard(&self, state: &mut State) -> Result<(), Error> {
        let Some(edits) = state.edits.take() else { return Ok(()) };
        edits
            .editor
            .message()
            .discard_changes()
            .map_err(|error| message_error(&state.path, error.into()))
    }

    fn open_for_writing(&self, draft: &Draft, state: &State) -> Result<Edits, Error> {
        self.check_writable(draft, state)?;
        let path = &state.path;
        let metadata = self.source.metadata(path).map_err(|error| source_error(path, error))?;
        let opened = self.opened(draft, state)?;
        let in_message = |error: view::Error| message_error(path, error);
        let file = opened.tree.compound_file().map_err(in_message)?;
        let expected = Some(FileState::from(&metadata));
        let target = FileTarget::new(&self.source, &self.state_folder, path, expected);
        let message = self
            .session
            .open_message(&file.root(), Access::ReadWrite(Arc::clone(&target) as _))
            .map_err(|error| in_message(error.into()))?;
        let current = self.state_of(&message, state, opened.directory)?;
        let editor = Editor::new(message, Arc::clone(&state.names), Arc::clone(&state.bodies));
        Ok(Edits { editor, target, current })
    }

    fn state_of(
        &self,
        message: &Message,
        state: &State,
        directory: Attr,
    ) -> Result<Arc<Opened>, Error> {
        let in_message = |error: view::Error| message_error(&state.path, error);
        let snapshot = message.snapshot().map_err(|error| in_message(error.into()))?;
        let open = match message.is_new() {
            true => MessageTree::of_new,
            false => MessageTree::of_snapshot,
        };
        let tree = open(&self.session, snapshot, self.show, &state.names);
        Ok(Arc::new(Opened { tree: tree.map_err(in_message)?, directory }))
    }
}
