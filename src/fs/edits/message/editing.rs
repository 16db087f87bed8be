//! Edits of a message: how it becomes edited, and what each edit does.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use outlook_msg::pieces;

use crate::fs::Error;
use crate::fs::edits::save::edit_log::{EditedFile, Operation, Sequence};
use crate::fs::edits::save::target::SourceTarget;
use crate::fs::edits::{Edits, MessageNode, Messages};
use crate::fs::error::{message_error, source_error};
use crate::fs::messages::OpenMessage;
use crate::fs::source::attr::Attr;
use crate::fs::source::ino::{Base, Ino, SourceKind};
use crate::fs::source::live::Invalidation;
use crate::imsg::{self, Access, MapiPropMut as _, Message};
use crate::mapi::{Value, tags};
use crate::storage::{self, FileState, Source};
use crate::view::{self, BodyTimes, Change, Editor, FileAccess, MessageTree, NodeId, StartCheck};

use super::directory::{Edited, MessageState, SaveProgress};
use super::locked::LockedMessage;
use super::shown::access_in;

/// The path that an edit changes.
fn path_of(operation: &Operation) -> &str {
    match operation {
        Operation::Set { path, .. }
        | Operation::Remove { path }
        | Operation::CreateMessage { path }
        | Operation::Temporary { path, .. } => path,
        Operation::Rename { to, .. } | Operation::Replace { to, .. } => to,
        Operation::Create { .. } => "",
    }
}

fn run(
    operation: &Operation,
    at: Instant,
    editor: &mut Editor,
    tree: &MessageTree,
) -> Result<Change, view::Error> {
    match operation {
        Operation::Set { path, value } => {
            check_whole(tree, path, value)?;
            editor.set(tree, path, value, at)
        }
        Operation::Remove { path } => editor.remove(tree, path),
        Operation::Rename { from, to } => editor.rename(tree, from, to).map(|()| Change::Made),
        Operation::Replace { from, to, value } => {
            check_whole(tree, to, value)?;
            editor.replace(tree, from, (to, value), at).map(|()| Change::Made)
        }
        Operation::CreateMessage { path } => {
            editor.create_message(tree, path).map(|()| Change::Made)
        }
        // These change no message that exists already.
        Operation::Create { .. } | Operation::Temporary { .. } => Ok(Change::None),
    }
}

/// Checks a whole value, as `write` checks the start of one. The value may have come about without
/// such checks: by a truncate, a rename, or writes at other places than the end.
fn check_whole(tree: &MessageTree, path: &str, value: &Source) -> Result<(), view::Error> {
    // An attachment may be anything.
    if view::is_attachment_path(path) {
        return Ok(());
    }
    let mut check = StartCheck::new(tree, path)?;
    if check.is_unchecked() {
        return Ok(());
    }
    let read = |at, piece: &mut [u8]| Ok(value.read_at(at, piece)?);
    pieces::each_piece(value.len(), read, |_, piece| check.push(piece))
}

impl LockedMessage<'_> {
    /// Makes an edit, as a whole or not at all. The edit is written to the log first, so that it is
    /// not lost if msgfs is killed after the call.
    ///
    /// # Errors
    /// If the message cannot be opened for writing, or refuses the edit, or it cannot be noted.
    pub(in crate::fs::edits) fn apply(&mut self, operation: &Operation) -> Result<(), Error> {
        self.begin()?;
        let log = &self.edits.log;
        let noted = self.note(operation).inspect_err(|_| {
            // If the message was opened only for this edit, nothing in it differs from its file.
            if self.contents.edits().is_some_and(|edited| !edited.editor.message().is_unsaved()) {
                self.contents.state = MessageState::Clean;
            }
        });
        let noted = noted?;
        match self.make(operation, Instant::now()) {
            Ok(Change::Made) => Ok(()),
            refused => {
                if let Err(error) = log.take_back(&self.contents.path, noted) {
                    tracing::warn!("an edit that was not made stays in the log: {error}");
                }
                refused.map(drop)
            }
        }
    }

    /// Writes an edit to the log.
    ///
    /// # Errors
    /// If it cannot be noted.
    pub(super) fn note(&self, operation: &Operation) -> Result<Sequence, Error> {
        let (log, contents) = (&self.edits.log, &self.contents);
        let mut file = EditedFile::from(contents.file_state());
        if log.wants_names(&contents.path) {
            file.names = message_names(self.message).all();
        }
        log.append(&contents.path, file, operation).map_err(Error::EditLog)
    }

    /// Makes an edit that is in the log already. `at` is when a program made it.
    pub(in crate::fs::edits) fn make(
        &mut self,
        operation: &Operation,
        at: Instant,
    ) -> Result<Change, Error> {
        let edit = |editor: &mut Editor, tree: &MessageTree| run(operation, at, editor, tree);
        let change = self.edit(edit).map_err(|error| match error {
            Error::Message { path, source } => {
                Error::Message { path: path.join(path_of(operation)), source }
            }
            error => error,
        })?;
        if change == Change::Made {
            self.contents.touch(path_of(operation));
        }
        if !matches!(operation, Operation::Remove { .. }) {
            // Whatever had the path before and was hidden is replaced.
            self.contents.removals.show(path_of(operation));
        }
        Ok(change)
    }

    /// Opens the message for editing, if it is not open for that yet.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if let MessageState::Clean = self.contents.state {
            let edited = self.open_for_writing()?;
            self.begin_differing();
            self.contents.numbers.translate();
            self.contents.state = MessageState::Edited(Box::new(edited));
        }
        Ok(())
    }

    /// Edits the message, and makes the tree that is shown from then on.
    pub(super) fn edit<T>(
        &mut self,
        run: impl FnOnce(&mut Editor, &MessageTree) -> Result<T, view::Error>,
    ) -> Result<T, Error> {
        self.begin()?;
        let Self { edits, message, contents } = self;
        let path = contents.path.clone();
        let Some(edited) = contents.edits_mut() else { return Err(Error::Stale { path }) };
        let outcome = run(&mut edited.editor, &edited.current.tree);
        let outcome = outcome.map_err(|error| message_error(&path, error));
        if edited.editor.message().is_unsaved() {
            // If the edit failed half way, the mount shows how far it came.
            let directory = edited.current.directory;
            let (editor, names) = (&edited.editor, &message_names(message));
            edited.current = state_of(&edits.messages, editor.message(), &path, names, directory)?;
        } else {
            contents.state = MessageState::Clean;
        }
        outcome
    }

    /// Shows an edited message with other attributes of its directory: those of its files follow.
    pub(super) fn show_directory(&mut self, directory: Attr) -> Result<(), Error> {
        let Self { edits, message, contents } = self;
        let path = contents.path.clone();
        let Some(edited) = contents.edits_mut() else { return Ok(()) };
        let (editor, names) = (&edited.editor, &message_names(message));
        edited.current = state_of(&edits.messages, editor.message(), &path, names, directory)?;
        Ok(())
    }

    /// Must be called before something in the message differs from its file. The kernel forgets
    /// what it was told of the message, and the message stays known.
    pub(in crate::fs::edits) fn begin_differing(&mut self) {
        self.keep_known();
        if !std::mem::take(&mut self.contents.is_kept_by_kernel) {
            return;
        }
        let base = self.message.base;
        let numbers = view::fixed_numbers().chain(self.contents.numbers.all());
        let mut inodes: Vec<_> =
            numbers.map(|number| Invalidation::Inode(Ino::new(base, number))).collect();
        let root = self.edits.source.node(Base::ROOT);
        if root.is_ok_and(|root| root.kind == SourceKind::OneMessage) {
            inodes.push(Invalidation::Inode(Ino::ROOT));
        }
        self.edits.note_stale(inodes);
    }

    /// Keeps the message known after the kernel has forgotten it, with its times and inode numbers,
    /// and makes its path stand for it.
    pub(in crate::fs::edits) fn keep_known(&mut self) {
        if std::mem::replace(&mut self.contents.is_kept_known, true) {
            return;
        }
        let (nodes, base) = (&self.edits.source.nodes, self.message.base);
        nodes.look_up_inside(base, 1);
        if let Some(node) = nodes.get(base) {
            nodes.claim(base, &node);
        }
    }

    /// Whether a file may be written to.
    pub(super) fn check_settable(&mut self, path: &str) -> Result<(), Error> {
        let open = self.shown().current()?;
        match access_in(&open, path)? {
            FileAccess::Settable => self.check_writable(),
            FileAccess::Directory | FileAccess::Row | FileAccess::EmbeddedMessage => {
                Err(Error::IsADirectory)
            }
            FileAccess::ReadOnly(reason) | FileAccess::Unknown(reason) => {
                Err(Error::NotPermitted(reason))
            }
        }
    }

    /// Checks that a save would lose nothing: that the folder can be written to, that everything in
    /// the message can be read, and that the new file would have the same owner and mode. For the
    /// last point a probe is made in the folder, once for each message.
    ///
    /// # Errors
    /// `EROFS` or `EACCES`.
    pub(in crate::fs::edits) fn check_writable(&mut self) -> Result<(), Error> {
        let (root, log) = (&self.edits.source.root, &self.edits.log);
        let path = &self.contents.path;
        let folder = path.parent().unwrap_or(Path::new(""));
        let unwritable = |source| Error::Unwritable { path: path.clone(), source };
        root.check_writable(folder).map_err(unwritable)?;
        if self.contents.edits().is_some() || self.contents.is_writable {
            return Ok(());
        }
        let open = self.shown().current()?;
        let in_message = |error: view::Error| message_error(path, error);
        view::check_complete(&open.tree).map_err(in_message)?;
        let folder = root.open_folder(folder).map_err(|error| source_error(path, error))?;
        let name = path.file_name().unwrap_or_default();
        // If msgfs is killed now, the next mount removes the probe.
        log.begin_replacing(path).map_err(Error::EditLog)?;
        let probed = storage::can_replace(&folder, name);
        log.end_replacing(path);
        probed.map_err(|error| in_message(error.into()))?;
        self.contents.is_writable = true;
        Ok(())
    }

    fn open_for_writing(&mut self) -> Result<Edited, Error> {
        self.check_writable()?;
        let Edits { source, messages, log, .. } = self.edits;
        let path = &self.contents.path;
        // As in `Shown::current`: a save may have replaced the file while this thread waited for
        // the lock.
        let message = &messages.known(self.message.base)?;
        let open = messages.open(message)?;
        let in_message = |error: view::Error| message_error(path, error);
        let file = open.tree.compound_file().map_err(in_message)?;
        let opened = (Arc::clone(&open), FileState::from(&message.node.identity));
        let target = SourceTarget::new(&source.root, log, path, opened);
        let written = messages
            .session
            .open_message(&file.root(), Access::ReadWrite(Arc::clone(&target) as _))
            .map_err(|error| in_message(error.into()))?;
        let names = message_names(message);
        let current = state_of(messages, &written, path, &names, open.directory)?;
        Ok(Edited {
            editor: editor(message, written),
            target,
            current,
            is_new: false,
            since: Instant::now(),
            save: SaveProgress::Idle,
            names_before: names.snapshot(),
        })
    }

    /// Makes a message that the source does not have yet, and notes it in the log.
    pub(in crate::fs::edits) fn create_new(
        &mut self,
        permissions: u32,
        is_noted: bool,
    ) -> Result<(), Error> {
        let Edits { source, messages, log, .. } = self.edits;
        let path = self.contents.path.clone();
        let in_message = |error: imsg::Error| message_error(&path, error.into());
        if is_noted {
            let noted = log.append(&path, None, &Operation::Create { permissions });
            noted.map_err(Error::EditLog)?;
        }
        let target = SourceTarget::of_new(&source.root, log, &path, permissions);
        let written =
            messages.session.create_message(Arc::clone(&target) as _).map_err(in_message)?;
        let class = Value::String("IPM.Note".to_owned());
        written.set_property(tags::PR_MESSAGE_CLASS, &class).map_err(in_message)?;
        // A new message has no PR_IMPORTANCE: that means normal, and there is no file `importance`.
        match written.delete_property(tags::PR_IMPORTANCE) {
            Ok(()) | Err(imsg::Error::NoProperty { .. }) => {}
            Err(error) => return Err(in_message(error)),
        }
        let metadata = source.metadata(path.parent().unwrap_or(Path::new("")))?;
        let ino = Ino::new(self.message.base, NodeId(0));
        let directory = Attr::of_new_message(ino, &metadata, permissions, &source.ownership);
        let names = message_names(self.message);
        let current = state_of(messages, &written, &path, &names, directory)?;
        let edited = Edited {
            editor: editor(self.message, written),
            target,
            current,
            is_new: true,
            since: Instant::now(),
            save: SaveProgress::Idle,
            names_before: names.snapshot(),
        };
        self.contents.numbers.translate();
        self.contents.state = MessageState::Edited(Box::new(edited));
        self.contents.touch("");
        self.keep_known();
        Ok(())
    }

    /// Makes the edits fit together, before they are saved.
    pub(in crate::fs::edits) fn complete(&mut self) {
        if self.contents.edits().is_none_or(|edited| edited.editor.is_complete()) {
            return;
        }
        if let Err(error) = self.edit(|editor, tree| editor.complete(tree)) {
            // Save the edits all the same.
            tracing::warn!("{error}");
        }
    }

    /// Throws the unsaved edits away.
    pub(in crate::fs::edits) fn discard(&mut self) -> Result<(), Error> {
        self.contents.removals.undo();
        let Some(edited) = self.contents.edits() else { return Ok(()) };
        let discarded = edited.editor.message().discard_changes();
        discarded.map_err(|error| message_error(&self.contents.path, error.into()))?;
        self.edits.log.discard(&self.contents.path).map_err(Error::EditLog)?;
        self.forget_edits();
        Ok(())
    }

    /// Shows the message as its file is, after its edits were discarded.
    pub(in crate::fs::edits) fn forget_edits(&mut self) {
        if let Some(edited) = self.contents.edits() {
            message_names(self.message).restore(&edited.names_before);
        }
        self.contents.state = MessageState::Clean;
    }
}

/// A message with its edits, as it is shown.
fn state_of(
    messages: &Messages,
    message: &Message,
    path: &Path,
    names: &Arc<view::AttachmentNames>,
    directory: Attr,
) -> Result<Arc<OpenMessage>, Error> {
    let in_message = |error: view::Error| message_error(path, error);
    let snapshot = message.snapshot().map_err(|error| in_message(error.into()))?;
    let open = match message.is_new() {
        true => MessageTree::of_new,
        false => MessageTree::of_snapshot,
    };
    let tree = open(&messages.session, snapshot, messages.show, names);
    Ok(Arc::new(OpenMessage::new(path.to_owned(), tree.map_err(in_message)?, directory)))
}

/// An editor of a message. It shares the attachment names and the times of bodies, which outlast a
/// save.
fn editor(message: &MessageNode, written: Message) -> Editor {
    let directory = message.directory.as_ref();
    let bodies: Arc<BodyTimes> = directory.map(|one| Arc::clone(&one.bodies)).unwrap_or_default();
    Editor::new(written, message_names(message), bodies)
}

fn message_names(message: &MessageNode) -> Arc<view::AttachmentNames> {
    message.directory.as_ref().map(|directory| Arc::clone(&directory.names)).unwrap_or_default()
}
