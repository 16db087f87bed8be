//! Edits of a message: how it comes into the state of being edited, and what each edit does.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::imsg::{self, Access, MapiPropMut as _, Message};
use crate::mapi::{Value, tags};
use crate::storage::{FileState, Transaction};
use crate::view::{self, BodyTimes, Change, Editor, MessageTree, NodeId};

use super::attr::Attr;
use super::directory::{Contents, Edited, MessageDirectory, Save, State};
use super::edit_log::Operation;
use super::ino::{Base, Ino, SourceKind};
use super::messages::{MessageNode, OpenMessage, message_error};
use super::open_file::{Moment, OpenFile};
use super::shown::Found;
use super::target::FileTarget;
use super::{Error, Fs, Invalidation, source_error};

/// The file that an edit is of.
fn path_of(operation: &Operation) -> &str {
    match operation {
        Operation::Set { path, .. }
        | Operation::Remove { path }
        | Operation::CreateMessage { path }
        | Operation::Temporary { path, .. }
        | Operation::Rename { to: path, .. } => path,
        Operation::Create | Operation::Arrive { .. } => "",
    }
}

/// Does to a message what an edit says.
fn run(
    operation: &Operation,
    at: Instant,
    editor: &mut Editor,
    tree: &MessageTree,
) -> Result<Change, view::Error> {
    match operation {
        Operation::Set { path, value } => editor.set(tree, path, value, at),
        Operation::Remove { path } => editor.remove(tree, path),
        Operation::Rename { from, to } => editor.rename(tree, from, to).map(|()| Change::Made),
        Operation::CreateMessage { path } => {
            editor.create_message(tree, path).map(|()| Change::Made)
        }
        // These are of the message as a whole, or of none.
        Operation::Create | Operation::Arrive { .. } | Operation::Temporary { .. } => {
            Ok(Change::None)
        }
    }
}

impl Fs {
    /// Makes an edit, as a whole or not at all. It stands in the edit log when this returns.
    ///
    /// # Errors
    /// If the message cannot be opened for writing, or refuses the edit; [`Error::Buffer`] if there
    /// is no room in the edit log.
    pub(super) fn apply(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        operation: &Operation,
    ) -> Result<(), Error> {
        let log = self.log()?;
        self.begin(message, contents)?;
        let path = contents.path.clone();
        let noted = log.append(&path, contents.file_state(), operation).map_err(Error::Buffer);
        let made = match &noted {
            Ok(_) => self.make_noted(message, contents, operation, Instant::now()),
            Err(_) => Ok(Change::None),
        };
        contents.end_if_unedited();
        let sequence = noted?;
        if !matches!(made, Ok(Change::Made))
            && let Err(error) = log.take_back(&path, sequence)
        {
            tracing::warn!("{}: an edit that was refused is in the log: {error}", path.display());
        }
        made.map(drop)
    }

    /// Makes an edit that stands in the edit log.
    pub(super) fn make_noted(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
        operation: &Operation,
        at: Instant,
    ) -> Result<Change, Error> {
        let edit = |editor: &mut Editor, tree: &MessageTree| run(operation, at, editor, tree);
        let change = self.edit(message, contents, edit)?;
        if change == Change::Made {
            contents.touch(path_of(operation));
        }
        Ok(change)
    }

    /// Opens a message to be edited, if it is not.
    fn begin(&self, message: &MessageNode, contents: &mut Contents) -> Result<(), Error> {
        if let State::Clean = contents.state {
            let edited = self.open_for_writing(message, contents)?;
            self.differ(message, contents);
            contents.numbers.translate();
            contents.state = State::Edited(Box::new(edited));
        }
        Ok(())
    }

    /// Edits a message, and makes its new state.
    fn edit<T>(
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
            // What failed half way is shown as it is.
            let directory = edited.current.directory;
            let (editor, names) = (&edited.editor, &message_names(message));
            edited.current = self.state_of(editor.message(), &path, names, directory)?;
        }
        contents.end_if_unedited();
        outcome
    }

    /// Notes that something of a message is to differ from its file: the kernel forgets what it
    /// was told of it, and the message stays known.
    pub(super) fn differ(&self, message: &MessageNode, contents: &mut Contents) {
        self.hold(message, contents);
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

    /// Keeps a message known for as long as the mount lives, with its times and inode numbers, and
    /// has its path stand for it.
    pub(super) fn hold(&self, message: &MessageNode, contents: &mut Contents) {
        if std::mem::replace(&mut contents.is_held, true) {
            return;
        }
        self.nodes.look_up_inside(message.base, 1);
        if let Some(node) = self.nodes.get(message.base) {
            self.nodes.claim(message.base, &node);
        }
    }

    /// Whether a message can be saved where it lies, and all of it, and its file stays whose it is.
    ///
    /// # Errors
    /// `EROFS`, `EACCES`, or `EPERM` if owner, mode or access list could not be kept, or if the file
    /// has other names.
    pub(super) fn check_writable(
        &self,
        message: &MessageNode,
        contents: &Contents,
    ) -> Result<(), Error> {
        let path = &contents.path;
        let folder = path.parent().unwrap_or(Path::new(""));
        self.source.check_writable(folder).map_err(|error| source_error(path, error))?;
        if contents.edits().is_some() {
            return Ok(());
        }
        let open = self.present(message, contents)?;
        let in_message = |error: view::Error| message_error(path, error);
        let file = open.tree.compound_file().map_err(in_message)?;
        // What of a damaged message cannot be read would be lost with the old file.
        let carried = Transaction::on(&file.root()).map_err(imsg::Error::from);
        carried.map(drop).map_err(|error| in_message(error.into()))?;
        if !contents.can_be_replaced.get() {
            let refused = self.source.can_replace(path).inspect_err(|error| {
                tracing::warn!("{}: it cannot be edited: {error}", path.display());
            });
            refused.map_err(|error| in_message(error.into()))?;
            contents.can_be_replaced.set(true);
        }
        Ok(())
    }

    fn open_for_writing(
        &self,
        message: &MessageNode,
        contents: &Contents,
    ) -> Result<Edited, Error> {
        self.check_writable(message, contents)?;
        let path = &contents.path;
        let open = self.open_message(message)?;
        let in_message = |error: view::Error| message_error(path, error);
        let file = open.tree.compound_file().map_err(in_message)?;
        let state = FileState::from(&message.node.identity);
        let opened = Some((Arc::clone(&open), state));
        let target = FileTarget::of(&self.source, self.log()?, path, opened);
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
            save: Save::Idle,
        })
    }

    /// Makes a message that the source does not have yet. It stands in the edit log.
    pub(super) fn create_new(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let (log, path) = (self.log()?, contents.path.clone());
        let sequence = log.append(&path, None, &Operation::Create).map_err(Error::Buffer)?;
        let made = self.make_new(message, contents);
        if made.is_err()
            && let Err(error) = log.take_back(&path, sequence)
        {
            tracing::warn!("{}: it was not made, and is in the log: {error}", path.display());
        }
        made
    }

    /// Makes a message that the source does not have yet and that stands in the edit log.
    pub(super) fn make_new(
        &self,
        message: &MessageNode,
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let path = contents.path.clone();
        let in_message = |error: imsg::Error| message_error(&path, error.into());
        let target = FileTarget::of(&self.source, self.log()?, &path, None);
        let written = self.session.create_message(Arc::clone(&target) as _).map_err(in_message)?;
        let class = Value::String("IPM.Note".to_owned());
        written.set_property(tags::PR_MESSAGE_CLASS, &class).map_err(in_message)?;
        // Without one it is normal, and a file less.
        match written.delete_property(tags::PR_IMPORTANCE) {
            Ok(()) | Err(imsg::Error::NoProperty { .. }) => {}
            Err(error) => return Err(in_message(error)),
        }
        let metadata = self.metadata(path.parent().unwrap_or(Path::new("")))?;
        let ino = Ino::new(message.base, NodeId(0));
        let directory = Attr::of_new_message(ino, &metadata, &self.options.ownership);
        let names = message_names(message);
        let current = self.state_of(&written, &path, &names, directory)?;
        let edited = Edited {
            editor: editor(message, written),
            target,
            current,
            is_new: true,
            since: Instant::now(),
            save: Save::Idle,
        };
        contents.numbers.translate();
        contents.state = State::Edited(Box::new(edited));
        contents.touch("");
        self.hold(message, contents);
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
        let tree = MessageTree::of_snapshot(&self.session, snapshot, self.options.show, names);
        Ok(Arc::new(OpenMessage {
            path: path.to_owned(),
            tree: tree.map_err(in_message)?,
            directory,
        }))
    }

    /// Makes the bytes of an open file its value, if they are to be that at such a moment.
    ///
    /// # Errors
    /// [`Error::Message`] if the bytes are no value of the file, which then keeps its old one.
    pub(super) fn settle(
        &self,
        directory: &Arc<MessageDirectory>,
        file: &Arc<OpenFile>,
        moment: Moment,
    ) -> Result<(), Error> {
        let message = self.known_message(directory.base)?;
        let mut contents = directory.lock_idle();
        let path = match contents.numbers.path(file.number) {
            Some(path) => path.to_owned(),
            // It was removed while it was open.
            None => return Ok(()),
        };
        let Some(value) = file.lock().due(moment)? else { return Ok(()) };
        let was_hidden = contents.removals.show(&path);
        let set =
            self.apply(&message, &mut contents, &Operation::Set { path: path.clone(), value });
        match &set {
            Ok(()) => {
                file.lock().settle();
                self.settled(&message, &mut contents, &path);
            }
            Err(error) => {
                file.lock().refuse();
                let shown = contents.path.display();
                tracing::warn!("{shown}/{path}: not set, the old value stays: {error}");
                debug_assert!(!was_hidden, "a hidden file has another number");
            }
        }
        set
    }

    /// Notes what follows for the kernel from having set a file: a message file that was put into
    /// `attachments/` is a directory from now on, and an inode of its own.
    pub(super) fn settled(&self, message: &MessageNode, contents: &mut Contents, path: &str) {
        let (_, name) = super::directory::split(path);
        if view::is_attachment_path(path)
            && view::is_message_name(name)
            && let Ok(Found::Node(_, id, view::Kind::Directory)) =
                self.find(message, contents, path)
        {
            contents.numbers.remove(path, Some(id));
        }
    }

    /// Takes the removals that are final out of the message.
    pub(super) fn finish_removals(
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
        self.note_removals(message, contents, &removed);
        // All at once: for each a new state of the message would be made.
        let outcome = self.edit(message, contents, |editor, tree| {
            for path in &removed {
                match editor.remove(tree, path) {
                    // What is made of other files is there again.
                    Ok(_) | Err(view::Error::NotFound | view::Error::NotSettable(_)) => {}
                    Err(error) => tracing::warn!("{path}: not removed: {error}"),
                }
            }
            Ok(())
        });
        match outcome {
            Ok(()) => {
                for path in &removed {
                    contents.times.remove(path);
                }
                contents.edited = Some(std::time::SystemTime::now());
            }
            Err(error) => tracing::warn!("{}: not removed: {error}", contents.path.display()),
        }
        self.saver.schedule(contents, message.base);
    }

    /// Has removals that are final stand in the edit log. They were answered long ago: one that
    /// finds no room there is only not made again if msgfs is killed before the save.
    fn note_removals(&self, message: &MessageNode, contents: &mut Contents, removed: &[String]) {
        let noted = self.begin(message, contents).and_then(|()| {
            let (log, state) = (self.log()?, contents.file_state());
            for path in removed {
                let operation = Operation::Remove { path: path.clone() };
                log.append(&contents.path, state, &operation).map_err(Error::Buffer)?;
            }
            Ok(())
        });
        if let Err(error) = noted {
            tracing::warn!("{}: a removal is not in the log: {error}", contents.path.display());
        }
    }

    /// Has those who have a file open keep what it shows, when it is gone or another one takes its
    /// place.
    pub(super) fn orphan(&self, message: &MessageNode, contents: &mut Contents, path: &str) {
        let Ok(Found::Node(open, id, _)) = self.find_hidden(message, contents, path) else {
            return contents.numbers.remove(path, view::fixed_number(path));
        };
        let number = contents.numbers.number(path, Some(id));
        contents.numbers.remove(path, Some(id));
        contents.orphans.insert(number, (open, id));
    }

    /// Makes the edits of a message fit together, before they are saved.
    pub(super) fn complete(&self, message: &MessageNode, contents: &mut Contents) {
        if contents.edits().is_none_or(|edited| edited.editor.is_complete()) {
            return;
        }
        if let Err(error) = self.edit(message, contents, |editor, tree| editor.complete(tree)) {
            // The edits are saved as they are.
            tracing::warn!("{error}");
        }
    }

    /// Throws the unsaved edits of a message away.
    pub(super) fn discard(&self, contents: &mut Contents) -> Result<(), Error> {
        self.forget_edits(contents)?;
        self.log()?.discard(&contents.path).map_err(|error| source_error(&contents.path, error))
    }

    /// Lets go of the edits of a message, which stand in the edit log.
    pub(super) fn forget_edits(&self, contents: &mut Contents) -> Result<(), Error> {
        contents.removals.undo();
        let Some(edited) = contents.edits() else { return Ok(()) };
        let discarded = edited.editor.message().discard_changes();
        discarded.map_err(|error| message_error(&contents.path, error.into()))?;
        contents.state = State::Clean;
        Ok(())
    }

    /// Throws the unsaved edits of the message away whose directory an inode is.
    ///
    /// # Errors
    /// [`Error::NoAttribute`] if it is no message, or has none.
    pub fn discard_unsaved(&self, ino: Ino) -> Result<(), Error> {
        let to = self.to_change(ino)?.filter(|to| to.number == NodeId(0));
        let to = to.ok_or(Error::NoAttribute)?;
        let mut contents = to.lock();
        if !contents.is_unsaved() {
            return Err(Error::NoAttribute);
        }
        let was_new = contents.is_pending();
        self.discard(&mut contents)?;
        self.saver.cancel(to.message.base);
        tracing::info!("{}: the edits were thrown away", contents.path.display());
        if was_new {
            contents.state = State::Removed;
            let (path, was_held) = (contents.path.clone(), std::mem::take(&mut contents.is_held));
            drop(contents);
            self.nodes.unclaim(&path, to.message.base);
            self.nodes.forget(to.message.base, u64::from(was_held));
        }
        Ok(())
    }
}

fn editor(message: &MessageNode, written: Message) -> Editor {
    let directory = message.directory.as_ref();
    let bodies: Arc<BodyTimes> = directory.map(|one| Arc::clone(&one.bodies)).unwrap_or_default();
    Editor::new(written, message_names(message), bodies)
}

fn message_names(message: &MessageNode) -> Arc<view::AttachmentNames> {
    message.directory.as_ref().map(|directory| Arc::clone(&directory.names)).unwrap_or_default()
}
