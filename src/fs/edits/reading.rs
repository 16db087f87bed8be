//! The calls that read, in a mount in which a message may differ from its file.

use std::sync::Arc;

use crate::fs::edits::OpenFlags;
use crate::fs::messages::OpenMessage;
use crate::fs::{Add, Entry, Error, OpenedFile};
use crate::view::{self, NodeId};

use super::message::directory::{Contents, joined};
use super::message::entries::EditableMessage;
use super::message::locked::LockedMessage;
use super::message::removals::Finality;
use super::message::shown::ShownEntry;
use super::message::waiting::is_told_without;
use super::open::handles::HandleTarget;
use super::open::unflushed::Unflushed;
use super::{Edits, LookedUpMessage, MessageNode};

/// What a path of a message leads to, for questions that the tree of the message answers.
pub(in crate::fs) enum TreeFile {
    /// A file or directory of the message.
    Node(Arc<OpenMessage>, NodeId),
    /// The target of a temporary symbolic link.
    Link(String),
    /// Anything else that is no part of the message.
    Other,
}

impl Edits {
    /// A message if anything in it differs from its file. Removals whose process has ended become
    /// final here, and attachments that wait come into the message, so that the caller sees their
    /// effects.
    fn lock_if_differing<'a>(&'a self, message: &'a MessageNode) -> Option<LockedMessage<'a>> {
        self.lock_if_differing_at(message, |_| None)
    }

    /// As [`Edits::lock_if_differing`], for a caller that asks only for the name or the attributes
    /// of `path`: attachments that wait go on waiting if they do not matter for it.
    fn lock_if_differing_at<'a>(
        &'a self,
        message: &'a MessageNode,
        path: impl FnOnce(&Contents) -> Option<String>,
    ) -> Option<LockedMessage<'a>> {
        let mut locked = self.locked(message, message.directory.as_ref()?.lock());
        if !locked.contents.is_busy() {
            if !locked.contents.removals.is_empty() {
                locked.finish_removals(Finality::Done);
            }
            if !locked.contents.waiting.is_empty()
                && !path(&locked.contents).is_some_and(|at| is_told_without(&at))
            {
                locked.take_waiting();
            }
        }
        let contents = &locked.contents;
        let differs = !contents.is_as_in_file() || !contents.creators.is_empty();
        differs.then_some(locked)
    }

    /// Whether a message shows anything else than its file.
    pub(in crate::fs) fn differs(&self, message: &MessageNode) -> bool {
        self.lock_if_differing(message).is_some_and(|locked| !locked.contents.is_plain())
    }

    /// Whether the tree of its file shows a message exactly.
    pub(in crate::fs) fn is_as_in_file(&self, message: &MessageNode) -> bool {
        self.lock_if_differing(message).is_none()
    }

    /// Finds a file in a directory of a message, and counts one reference.
    pub(in crate::fs) fn lookup(
        &self,
        message: LookedUpMessage<'_>,
        parent: NodeId,
        name: &str,
        process: u32,
    ) -> Result<Entry, Error> {
        let path = |contents: &Contents| Some(joined(&contents.path_of(parent).ok()?, name));
        if let Some(mut locked) = self.lock_if_differing_at(&message, path) {
            return locked.answers().lookup(parent, name, process);
        }
        match self.messages.lookup(&message, parent, name) {
            Ok(entry) => {
                let (_, id) = entry.attr.ino.parts();
                self.note_told(&message, parent, std::iter::once((name, id)));
                Ok(entry)
            }
            Err(Error::NotFound) => self.lookup_empty(message, parent, name),
            Err(error) => Err(error),
        }
    }

    /// Finds a directory that a message does not have because nothing is in it, so that something
    /// can be put there.
    fn lookup_empty(
        &self,
        message: LookedUpMessage<'_>,
        parent: NodeId,
        name: &str,
    ) -> Result<Entry, Error> {
        if parent == NodeId(0) && name != view::ATTACHMENTS {
            return Err(Error::NotFound);
        }
        let EditableMessage { message, directory, .. } = self.editable(message, parent)?;
        let mut locked = self.locked(&message, directory.lock());
        let entry = locked.answers().lookup(parent, name, 0)?;
        // The tree of the message knows no number of it.
        locked.contents.numbers.translate();
        Ok(entry)
    }

    /// The attributes of a file of a message if anything in the message differs from its file.
    pub(in crate::fs) fn getattr(
        &self,
        message: &MessageNode,
        number: NodeId,
    ) -> Option<Result<Entry, Error>> {
        let path = |contents: &Contents| contents.path_of(number).ok();
        let mut locked = self.lock_if_differing_at(message, path)?;
        Some(locked.answers().getattr(number))
    }

    /// Lists a directory of a message from a cookie on. With `look_up` each entry added counts as a
    /// lookup.
    pub(in crate::fs) fn list(
        &self,
        message: &MessageNode,
        number: NodeId,
        (cookie, look_up): (u64, bool),
        add: Add<'_>,
    ) -> Result<(), Error> {
        if let Some(mut locked) = self.lock_if_differing(message) {
            return locked.answers().list(number, (cookie, look_up), add);
        }
        let listing = self.messages.list(message, number, (cookie, look_up), add)?;
        if look_up {
            let entries = listing.entries().iter();
            self.note_told(message, number, entries.map(|child| (child.name.as_str(), child.id)));
        }
        Ok(())
    }

    /// Notes the numbers of files of which the kernel is told while nothing in their message
    /// differs from its file. So they keep their numbers when the message gets another tree.
    fn note_told<'a>(
        &self,
        message: &MessageNode,
        parent: NodeId,
        told: impl Iterator<Item = (&'a str, NodeId)>,
    ) {
        let is_fixed = |(name, id): &(&str, NodeId)| {
            parent == NodeId(0) && view::fixed_path(*id) == Some(*name)
        };
        let mut told = told.filter(|one| !is_fixed(one)).peekable();
        if told.peek().is_none() {
            return;
        }
        let Some(directory) = self.directory(message.base) else { return };
        let mut contents = directory.lock();
        let Some(above) = contents.numbers.path(parent).map(str::to_owned) else { return };
        for (name, id) in told {
            contents.numbers.assign(&joined(&above, name), Some(id));
        }
    }

    /// Reads a file of a message.
    pub(in crate::fs) fn read_at(
        &self,
        message: &MessageNode,
        number: NodeId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        match self.lock_if_differing(message) {
            Some(locked) => locked.read_at(number, offset, buffer),
            None => self.messages.read_at(message, number, offset, buffer),
        }
    }

    /// What an inode of a message leads to, if anything in the message differs from its file.
    pub(in crate::fs) fn tree_file(
        &self,
        message: &MessageNode,
        number: NodeId,
    ) -> Option<Result<TreeFile, Error>> {
        let locked = self.lock_if_differing(message)?;
        let path = locked.contents.path_of(number);
        let found = path.and_then(|path| locked.shown().find_hidden(&path));
        Some(found.map(|found| match found {
            ShownEntry::Node(open, id, _) => TreeFile::Node(open, id),
            ShownEntry::Temporary(file) => file.target().map_or(TreeFile::Other, TreeFile::Link),
            _ => TreeFile::Other,
        }))
    }

    /// Opens a file of a message for reading.
    pub(in crate::fs) fn open_to_read(
        &self,
        message: &MessageNode,
        number: NodeId,
    ) -> Result<OpenedFile, Error> {
        let Some(directory) = &message.directory else {
            return Ok(OpenedFile { handle: 0, is_kept: true });
        };
        let locked = self.locked(message, directory.lock());
        if locked.contents.is_plain() {
            let is_kept = locked.contents.is_as_in_file();
            return Ok(OpenedFile { handle: 0, is_kept });
        }
        // A file of the message needs no handle to be read, even if it was removed while it is
        // open. Only temporary files and files that are being copied in need one.
        let path = locked.contents.path_of(number);
        let target = match path.and_then(|path| locked.shown().find(&path)) {
            Ok(ShownEntry::Temporary(file)) => {
                let file = Arc::clone(file.file().ok_or(Error::IsADirectory)?);
                HandleTarget::temporary(file, OpenFlags(libc::O_RDONLY), 0)
            }
            Ok(ShownEntry::Arrival(arrival)) => {
                arrival.open();
                HandleTarget::Arrival { arrival, unflushed: Unflushed::new(0) }
            }
            _ => return Ok(OpenedFile { handle: 0, is_kept: false }),
        };
        self.source.nodes.look_up_inside(message.base, 1);
        Ok(OpenedFile { handle: self.handles.add(directory, target), is_kept: false })
    }
}
