//! Edits of a message: how it becomes edited, and what each edit does.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::imsg::{self, Access, MapiPropMut as _, Message};
use crate::mapi::{Value, tags};
use crate::storage::{self, FileState, Source, Transaction};
use crate::view::{self, BodyTimes, Change, Editor, MessageTree, NodeId, StartCheck};

use crate::fs::edits::message::directory::{
    Contents, Edited, MessageDirectory, MessageState, SaveProgress,
};
use crate::fs::edits::message::shown::ShownEntry;
use crate::fs::edits::open::open_file::{Moment, OpenFile};
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::edits::save::target::SourceTarget;
use crate::fs::error::{refusal, with_causes};
use crate::fs::messages::{MessageNode, OpenMessage, message_error};
use crate::fs::source::attr::Attr;
use crate::fs::source::ino::{Base, Ino, SourceKind};
use crate::fs::{Error, Fs, Invalidation, source_error};

/// The path that an edit changes.
fn path_of(operation: &Operation) -> &str {
    match operation {
        Operation::Set { path, .. }
        | Operation::Remove { path }
        | Operation::CreateMessage { path }
        | Operation::Temporary { path, .. } => path,
        Operation::Rename { to, .. } => to,
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
    const PIECE: usize = 64 << 10;
    // An attachment may be anything.
    if view::is_attachment_path(path) {
        return Ok(());
    }
    let mut check = StartCheck::new(tree, path)?;
    if check.is_unchecked() {
        return Ok(());
    }
    let mut piece = vec![0; PIECE];
    while check.len() < value.len() {
        let left = usize::try_from(value.len() - check.len()).unwrap_or(PIECE).min(PIECE);
        let piece = piece.get_mut(..left).unwrap_or_default();
        value.read_at(check.len(), piece)?;
        check.push(piece)?;
    }
    Ok(())
}

impl Fs {
    /// Makes an edit, as a whole or not at all. The edit is written to the log first, so that it is
    /// not lost if msgfs is killed after the call.
    ///
    /// # Errors
    /// If the message cannot be opened for writing, or refuses the edit, or it cannot be noted.
    pub(in crate::fs) fn apply(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        operation: &Operation,
    ) -> Result<(), Error> {
        self.begin(message, contents)?;
        let log = self.log()?;
        let state = contents.edits().and_then(|edited| edited.target.state());
        let noted = log.append(&contents.path, state, operation).inspect_err(|_| {
            // If the message was opened only for this edit, nothing in it differs from its file.
            if contents.edits().is_some_and(|edited| !edited.editor.message().is_unsaved()) {
                contents.state = MessageState::Clean;
            }
        });
        let noted = noted.map_err(Error::EditLog)?;
        match self.make(message, contents, operation, Instant::now()) {
            Ok(Change::Made) => Ok(()),
            refused => {
                if let Err(error) = log.take_back(&contents.path, noted) {
                    tracing::warn!("an edit that was not made stays in the log: {error}");
                }
                refused.map(drop)
            }
        }
    }

    /// Makes an edit that is in the log already. `at` is when a program made it.
    pub(in crate::fs) fn make(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        operation: &Operation,
        at: Instant,
    ) -> Result<Change, Error> {
        let edit = |editor: &mut Editor, tree: &MessageTree| run(operation, at, editor, tree);
        let change = self.edit(message, contents, edit).map_err(|error| match error {
            Error::Message { path, source } => {
                Error::Message { path: path.join(path_of(operation)), source }
            }
            error => error,
        })?;
        if change == Change::Made {
            contents.touch(path_of(operation));
        }
        Ok(change)
    }

    /// Opens a message for editing, if it is not open for that yet.
    fn begin(&self, message: &MessageNode, contents: &mut Contents) -> Result<(), Error> {
        if let MessageState::Clean = contents.state {
            let edited = self.open_for_writing(message, contents)?;
            self.begin_differing(message, contents);
            contents.numbers.translate();
            contents.state = MessageState::Edited(Box::new(edited));
        }
        Ok(())
    }

    /// Edits a message, and makes the tree that is shown from then on.
    pub(in crate::fs) fn edit<T>(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        run: impl FnOnce(&mut Editor, &MessageTree) -> Result<T, view::Error>,
    ) -> Result<T, Error> {
        self.begin(message, contents)?;
        let path = contents.path.clone();
        let Some(edited) = contents.edits_mut() else { return Err(Error::Stale { path }) };
        let outcome = run(&mut edited.editor, &edited.current.tree);
        let outcome = outcome.map_err(|error| message_error(&path, error));
        if edited.editor.message().is_unsaved() {
            // If the edit failed half way, the mount shows how far it came.
            let directory = edited.current.directory;
            let (editor, names) = (&edited.editor, &message_names(message));
            edited.current = self.state_of(editor.message(), &path, names, directory)?;
        } else {
            contents.state = MessageState::Clean;
        }
        outcome
    }

    /// Must be called before something in a message differs from its file. The kernel forgets what
    /// it was told of the message, and the message stays known.
    pub(in crate::fs) fn begin_differing(&self, message: &MessageNode, contents: &mut Contents) {
        self.keep_known(message, contents);
        if !std::mem::take(&mut contents.is_kept_by_kernel) {
            return;
        }
        let numbers = view::fixed_numbers().chain(contents.numbers.all());
        let mut inodes: Vec<_> =
            numbers.map(|number| Invalidation::Inode(Ino::new(message.base, number))).collect();
        if self.node(Base::ROOT).is_ok_and(|root| root.kind == SourceKind::OneMessage) {
            inodes.push(Invalidation::Inode(Ino::ROOT));
        }
        self.note_stale(inodes);
    }

    /// Keeps a message known after the kernel has forgotten it, with its times and inode numbers,
    /// and makes its path stand for it.
    pub(in crate::fs) fn keep_known(&self, message: &MessageNode, contents: &mut Contents) {
        if std::mem::replace(&mut contents.is_kept_known, true) {
            return;
        }
        self.nodes.look_up_inside(message.base, 1);
        if let Some(node) = self.nodes.get(message.base) {
            self.nodes.claim(message.base, &node);
        }
    }

    /// Checks that a save would lose nothing: that the folder can be written to, that everything in
    /// the message can be read, and that the new file would have the same owner and mode. For the
    /// last point a probe is made in the folder, once for each message.
    ///
    /// # Errors
    /// `EROFS` or `EACCES`.
    pub(in crate::fs) fn check_writable(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let path = &contents.path;
        let folder = path.parent().unwrap_or(Path::new(""));
        self.source.check_writable(folder).map_err(|error| source_error(path, error))?;
        if contents.edits().is_some() || contents.is_writable {
            return Ok(());
        }
        let open = self.current_message(message, contents)?;
        let in_message = |error: view::Error| message_error(path, error);
        let file = open.tree.compound_file().map_err(in_message)?;
        // A save would lose what cannot be read in a damaged message.
        let carried = Transaction::on(&file.root()).map_err(imsg::Error::from);
        carried.map(drop).map_err(|error| in_message(error.into()))?;
        let folder = self.source.open_folder(folder).map_err(|error| source_error(path, error))?;
        let name = path.file_name().unwrap_or_default();
        // If msgfs is killed now, the next mount removes the probe.
        let log = self.log()?;
        log.begin_replacing(path).map_err(Error::EditLog)?;
        let probed = storage::can_replace(&folder, name);
        log.end_replacing(path);
        probed.map_err(|error| in_message(error.into()))?;
        contents.is_writable = true;
        Ok(())
    }

    fn open_for_writing(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
    ) -> Result<Edited, Error> {
        self.check_writable(message, contents)?;
        let path = &contents.path;
        // As in `current_message`: a save may have replaced the file while this thread waited for
        // the lock.
        let message = &self.known_message(message.base)?;
        let open = self.open_message(message)?;
        let in_message = |error: view::Error| message_error(path, error);
        let file = open.tree.compound_file().map_err(in_message)?;
        let opened = (Arc::clone(&open), FileState::from(&message.node.identity));
        let target = SourceTarget::new(&self.source, self.log()?, path, opened);
        let written = self
            .session
            .open_message(&file.root(), Access::ReadWrite(Arc::clone(&target) as _))
            .map_err(|error| in_message(error.into()))?;
        let names = message_names(message);
        let current = self.state_of(&written, path, &names, open.directory)?;
        Ok(Edited {
            editor: editor(message, written),
            target,
            current,
            is_new: false,
            since: Instant::now(),
            save: SaveProgress::Idle,
        })
    }

    /// Makes a message that the source does not have yet, and notes it in the log.
    pub(in crate::fs) fn create_new(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        permissions: u32,
        is_noted: bool,
    ) -> Result<(), Error> {
        let path = contents.path.clone();
        let in_message = |error: imsg::Error| message_error(&path, error.into());
        if is_noted {
            let noted = self.log()?.append(&path, None, &Operation::Create { permissions });
            noted.map_err(Error::EditLog)?;
        }
        let target = SourceTarget::of_new(&self.source, self.log()?, &path, permissions);
        let written = self.session.create_message(Arc::clone(&target) as _).map_err(in_message)?;
        let class = Value::String("IPM.Note".to_owned());
        written.set_property(tags::PR_MESSAGE_CLASS, &class).map_err(in_message)?;
        // A new message has no PR_IMPORTANCE: that means normal, and there is no file `importance`.
        match written.delete_property(tags::PR_IMPORTANCE) {
            Ok(()) | Err(imsg::Error::NoProperty { .. }) => {}
            Err(error) => return Err(in_message(error)),
        }
        let metadata = self.metadata(path.parent().unwrap_or(Path::new("")))?;
        let ino = Ino::new(message.base, NodeId(0));
        let directory = Attr::of_new_message(ino, &metadata, permissions, &self.options.ownership);
        let names = message_names(message);
        let current = self.state_of(&written, &path, &names, directory)?;
        let edited = Edited {
            editor: editor(message, written),
            target,
            current,
            is_new: true,
            since: Instant::now(),
            save: SaveProgress::Idle,
        };
        contents.numbers.translate();
        contents.state = MessageState::Edited(Box::new(edited));
        contents.touch("");
        self.keep_known(message, contents);
        Ok(())
    }

    fn state_of(
        &self,
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
        let tree = open(&self.session, snapshot, self.options.show, names);
        Ok(Arc::new(OpenMessage::new(path.to_owned(), tree.map_err(in_message)?, directory)))
    }

    /// Makes the bytes of an open file its value, if they are due at this moment.
    ///
    /// # Errors
    /// [`Error::Message`] if the bytes are no value of the file, which then keeps its old one.
    pub(in crate::fs) fn settle(
        &self,
        directory: &Arc<MessageDirectory>,
        file: &Arc<OpenFile>,
        moment: Moment,
    ) -> Result<(), Error> {
        let message = self.known_message(directory.base)?;
        self.settle_in(&message, &mut directory.lock_idle(), file, moment)
    }

    /// As [`Fs::settle`], with the contents locked and no save going on.
    pub(in crate::fs) fn settle_in(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        file: &OpenFile,
        moment: Moment,
    ) -> Result<(), Error> {
        let path = match contents.numbers.path(file.number) {
            Some(path) => path.to_owned(),
            // It was removed while it was open.
            None => return Ok(()),
        };
        if contents.removals.has(&path) {
            // Nobody sees what is written to a removed file. If the removal is undone while the
            // file is still open, a later moment makes it the value.
            return Ok(());
        }
        let Some(value) = file.lock().due(moment)? else { return Ok(()) };
        if self.may_wait(contents, file, &path) {
            return self.wait(contents, file, path, value);
        }
        self.take_waiting(message, contents);
        let was_hidden = contents.removals.show(&path);
        let set = self.apply(message, contents, &Operation::Set { path: path.clone(), value });
        match &set {
            Ok(()) => {
                file.lock().settled();
                self.settled(message, contents, &path);
            }
            Err(error) => {
                tracing::warn!("not set, the old value stays: {}", with_causes(error));
                file.lock().refuse(refusal(error));
                debug_assert!(!was_hidden, "a hidden file has another number");
            }
        }
        set
    }

    /// Updates the inode numbers after a file was set: a message file that was put into
    /// `attachments/` is a directory from now on, and an inode of its own.
    pub(in crate::fs) fn settled(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        path: &str,
    ) {
        if view::is_embedded_message_path(path)
            && let Ok(ShownEntry::Node(_, id, view::FileKind::Directory)) =
                self.find(message, contents, path)
        {
            contents.numbers.remove(path, Some(id));
        }
    }

    /// Carries out the removals that have become final.
    pub(in crate::fs) fn finish_removals(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        is_end: bool,
    ) {
        let removed = contents.removals.take_final(is_end);
        if removed.is_empty() {
            return;
        }
        for path in &removed {
            self.orphan(message, contents, path);
        }
        // All in one edit, since each edit makes a new tree.
        let outcome =
            self.begin(message, contents).and_then(|()| self.note_removed(contents, &removed));
        let outcome = outcome.and_then(|()| {
            self.edit(message, contents, |editor, tree| {
                for path in &removed {
                    match editor.remove(tree, path) {
                        // A file that msgfs makes from others cannot be removed, and is there
                        // again.
                        Ok(_) | Err(view::Error::NotFound | view::Error::NotSettable(_)) => {}
                        Err(error) => tracing::warn!("{path}: not removed: {error}"),
                    }
                }
                Ok(())
            })
        });
        match outcome {
            Ok(()) => {
                for path in &removed {
                    contents.times.remove(path);
                }
                contents.edited = Some(std::time::SystemTime::now());
                // Every removed file was one that msgfs makes from others, so the message is
                // unchanged.
                if matches!(contents.state, MessageState::Clean)
                    && let Ok(log) = self.log()
                    && let Err(error) = log.discard(&contents.path)
                {
                    tracing::warn!("removals that were not made stay in the log: {error}");
                }
            }
            Err(error) => tracing::warn!("{}: not removed: {error}", contents.path.display()),
        }
        self.saver.schedule(contents, message.base);
    }

    fn note_removed(&self, contents: &Contents, removed: &[String]) -> Result<(), Error> {
        let state = contents.edits().and_then(|edited| edited.target.state());
        removed.iter().try_for_each(|path| {
            let operation = Operation::Remove { path: path.clone() };
            let noted = self.log()?.append(&contents.path, state, &operation);
            noted.map(drop).map_err(Error::EditLog)
        })
    }

    /// Keeps the content of a file that is removed or replaced, for programs that have it open.
    /// Returns the number it had.
    pub(in crate::fs) fn orphan(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        path: &str,
    ) -> NodeId {
        let found = match self.find_hidden(message, contents, path) {
            Ok(ShownEntry::Node(open, id, _)) => Some((open, id)),
            _ => None,
        };
        let in_tree = found.as_ref().map(|(_, id)| *id).or(view::fixed_number(path));
        let number = contents.numbers.number(path, in_tree);
        contents.numbers.remove(path, in_tree);
        if let Some(found) = found {
            contents.orphans.insert(number, found);
        }
        number
    }

    /// Makes the edits of a message fit together, before they are saved.
    pub(in crate::fs) fn complete(&self, message: &MessageNode, contents: &mut Contents) {
        if contents.edits().is_none_or(|edited| edited.editor.is_complete()) {
            return;
        }
        if let Err(error) = self.edit(message, contents, |editor, tree| editor.complete(tree)) {
            // Save the edits all the same.
            tracing::warn!("{error}");
        }
    }

    /// Throws the unsaved edits of a message away.
    pub(in crate::fs) fn discard(&self, contents: &mut Contents) -> Result<(), Error> {
        contents.removals.undo();
        let Some(edited) = contents.edits() else { return Ok(()) };
        let discarded = edited.editor.message().discard_changes();
        discarded.map_err(|error| message_error(&contents.path, error.into()))?;
        self.log()?.discard(&contents.path).map_err(Error::EditLog)?;
        contents.state = MessageState::Clean;
        Ok(())
    }
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
