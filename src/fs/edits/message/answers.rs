//! What the kernel is told of a message that differs from its file.

use std::ffi::OsStr;
use std::time::Duration;

use crate::fs::edits::{MessageNode, Messages};
use crate::fs::source::folders;
use crate::fs::{Add, DirectoryEntry, Entry, Error};
use crate::view::{self, NodeId};

use super::directory::{Contents, joined};
use super::shown::{Shown, ShownEntry};

/// The answers to the kernel's questions about a message whose contents are locked. They note the
/// numbers of the files that the kernel is told of, and cannot change the message.
#[derive(Debug)]
pub(in crate::fs::edits) struct Answers<'a> {
    messages: &'a Messages,
    message: &'a MessageNode,
    contents: &'a mut Contents,
}

impl<'a> Answers<'a> {
    pub(super) fn new(
        messages: &'a Messages,
        message: &'a MessageNode,
        contents: &'a mut Contents,
    ) -> Self {
        Self { messages, message, contents }
    }

    fn shown(&self) -> Shown<'_> {
        Shown::new(self.messages, self.message, self.contents)
    }

    /// Finds a file in a directory of the message, and counts one reference.
    pub(in crate::fs::edits) fn lookup(
        &mut self,
        parent: NodeId,
        name: &str,
        process: u32,
    ) -> Result<Entry, Error> {
        let path = joined(&self.contents.path_of(parent)?, name);
        if self.contents.creators.hides(&path, process) {
            return Err(Error::NotFound);
        }
        let found = self.shown().find(&path)?;
        let entry = self.entry(&path, &found)?;
        self.messages.source.nodes.look_up_inside(self.message.base, 1);
        Ok(entry)
    }

    /// What the kernel is told of a file that was found.
    pub(in crate::fs::edits) fn entry(
        &mut self,
        path: &str,
        found: &ShownEntry,
    ) -> Result<Entry, Error> {
        let in_tree = found.in_tree().or(view::fixed_number(path));
        let number = self.contents.numbers.assign(path, in_tree);
        let attr = self.shown().attr((path, number), found)?;
        Ok(Entry { attr, ttl: self.ttl() })
    }

    /// For how long the kernel may keep what it is told: any edit may change any file of its
    /// message, so as long as there are edits it asks each time.
    fn ttl(&mut self) -> Duration {
        let ttl = self.message.ttl;
        let may_keep = self.contents.is_plain() && self.contents.creators.is_empty();
        self.contents.is_kept_by_kernel |= may_keep && !ttl.is_zero();
        if may_keep { ttl } else { Duration::ZERO }
    }

    /// The attributes of a number in the message.
    pub(in crate::fs::edits) fn getattr(&mut self, number: NodeId) -> Result<Entry, Error> {
        let ttl = self.ttl();
        let shown = self.shown();
        let found = match self.contents.numbers.path(number) {
            Some(path) => shown.find_hidden(path).map(|found| (path, found)),
            None => Err(Error::Stale { path: self.contents.path.clone() }),
        };
        let attr = match found {
            Ok((path, found)) => shown.attr((path, number), &found)?,
            Err(error) => shown.removed_attr(number).ok_or(error)?,
        };
        Ok(Entry { attr, ttl })
    }

    /// Lists a directory of the message.
    pub(in crate::fs::edits) fn list(
        &mut self,
        number: NodeId,
        (cookie, look_up): (u64, bool),
        add: Add<'_>,
    ) -> Result<(), Error> {
        let directory = self.contents.path_of(number)?;
        if cookie == 0 {
            self.contents.creators.done(&directory);
        }
        let names = self.shown().names(&directory)?;
        let mut added = 0;
        for (name, cookie) in folders::by_cookie(&names, |name| OsStr::new(name), cookie) {
            let path = joined(&directory, name);
            let Ok(found) = self.shown().find(&path) else { continue };
            // What cannot be told of one file must not end the listing of the others.
            let Ok(entry) = self.entry(&path, &found) else { continue };
            if add(DirectoryEntry { name: OsStr::new(name), cookie, entry, is_dot: false }) {
                break;
            }
            added += 1;
        }
        if look_up {
            self.messages.source.nodes.look_up_inside(self.message.base, added);
        }
        Ok(())
    }
}
