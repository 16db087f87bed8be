//! Removing files from a message: first they are only hidden, and at some time they are gone for
//! good.

use std::sync::{Arc, MutexGuard};

use crate::fs::Error;
use crate::fs::edits::Edits;
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::error::with_causes;
use crate::fs::source::ino::Base;
use crate::view::{self, FileAccess, FileKind, NodeId};

use super::directory::{Contents, MessageState};
use super::locked::LockedMessage;
use super::numbers::relative_to;
use super::orphans::Orphan;
use super::process::Process;
use super::removals::Finality;
use super::shown::{ShownEntry, access_in};
use super::temporary::Temporary;

impl Edits {
    /// Ends a message that is gone, or a file in a folder whose name stands for a message from now
    /// on, or for nothing. Programs that have it open go on with what they have.
    pub(in crate::fs::edits) fn end(&self, base: Base, mut contents: MutexGuard<'_, Contents>) {
        contents.state = MessageState::Removed;
        let was_kept_known = std::mem::take(&mut contents.is_kept_known);
        self.source.nodes.unclaim(&contents.path, base);
        drop(contents);
        self.saver.cancel(base);
        self.source.nodes.forget(base, u64::from(was_kept_known));
    }
}

impl LockedMessage<'_> {
    /// Removes a file or directory for a process.
    pub(super) fn remove(&mut self, path: &str, process: Process) -> Result<(), Error> {
        match self.shown().find(path)? {
            ShownEntry::Temporary(_) => {
                let contents = &mut *self.contents;
                contents.removals.temporary_removed(path, process);
                self.end_temporary(path);
            }
            ShownEntry::New(_) => {
                self.contents.numbers.remove(path);
                self.hide_covered(path, process)?;
            }
            ShownEntry::Node(open, _, kind) => {
                let access = access_in(&open, path)?;
                // `rm -r` removes everything that is listed; what is made of other files is there
                // again if the message stays.
                let is_made = matches!(access, FileAccess::ReadOnly(_)) && self.is_met_by_all(path);
                // With `delete`, `rm -r` may remove signed mail, so its files must not be refused
                // before the rmdir.
                let is_signed = access == FileAccess::ReadOnly(view::SIGNED_IS_PROTECTED)
                    && !self.edits.may_remove;
                if is_signed || self.contents.removals.are_refused(process) {
                    self.contents.removals.refuse(process);
                    return Err(Error::NotPermitted(view::SIGNED_IS_PROTECTED));
                }
                if let FileAccess::ReadOnly(reason) = access
                    && !is_made
                    && ![view::NO_TEXT, view::MISTYPED].contains(&reason)
                    && kind != FileKind::Directory
                {
                    return Err(Error::NotPermitted(reason));
                }
                self.check_writable()?;
                self.begin_differing();
                let contents = &mut *self.contents;
                contents.orphans.hidden(contents.numbers.of(path));
                match access {
                    FileAccess::EmbeddedMessage | FileAccess::Row => {
                        contents.removals.remove_whole(path, process);
                    }
                    _ => contents.removals.remove(path, process),
                }
                contents.temporaries.remove_below(path);
            }
            ShownEntry::EmptyDirectory(_) | ShownEntry::Arrival(_) => {}
        }
        if process == Process::None {
            self.finish_removals(Finality::Done);
        }
        self.schedule_save();
        Ok(())
    }

    /// Carries out the removals that have become final.
    pub(in crate::fs::edits) fn finish_removals(&mut self, finality: Finality) {
        // A new file of such a path is to become its value, so that one is not removed.
        let covered = self.contents.covered();
        let removed = self.contents.removals.take_final(finality, &covered);
        if removed.is_empty() {
            return;
        }
        for path in &removed {
            self.orphan(path);
        }
        // All in one edit, since each edit makes a new tree.
        let files: Vec<_> = removed.iter().filter(|path| !self.goes_with_content(path)).collect();
        let outcome = self.begin().and_then(|()| self.note_removed(&files));
        let outcome = outcome.and_then(|()| {
            self.edit(|editor, tree| {
                for path in &files {
                    match editor.remove(tree, path) {
                        // A file that msgfs makes from others cannot be removed.
                        Ok(_) | Err(view::Error::NotFound | view::Error::NotSettable(_)) => {}
                        Err(error) => tracing::warn!("{path}: not removed: {error}"),
                    }
                }
                Ok(())
            })
        });
        let contents = &mut *self.contents;
        match outcome {
            Ok(()) => {
                for path in &removed {
                    contents.times.remove(path);
                }
                self.name_not_removed(&removed);
                let contents = &mut *self.contents;
                contents.edited = Some(std::time::SystemTime::now());
                // Every removed file was one that msgfs makes from others, so the message is
                // unchanged.
                if matches!(contents.state, MessageState::Clean)
                    && let Err(error) = self.edits.log.discard(&contents.path)
                {
                    tracing::warn!("removals that were not made stay in the log: {error}");
                }
            }
            Err(error) => self.removals_failed(removed, &error, finality),
        }
        self.schedule_save();
    }

    /// Tries removals again later that could not be made, since `unlink` has said that they are. At
    /// the end of the mount, they are reported.
    fn removals_failed(&mut self, removed: Vec<String>, error: &Error, finality: Finality) {
        let path = &self.contents.path;
        tracing::error!("{}: not removed: {}", path.display(), with_causes(error));
        match finality {
            Finality::End => self.edits.keeper.note_not_removed(path, &removed, error),
            Finality::Done | Finality::Synced(_) => self.contents.removals.put_back(removed),
        }
    }

    /// Names the removed files that are there again, since `unlink` said nothing: msgfs makes them
    /// from others, which have stayed.
    fn name_not_removed(&self, removed: &[String]) {
        for path in removed {
            let Ok(ShownEntry::Node(open, ..)) = self.shown().find_hidden(path) else { continue };
            let reason = match access_in(&open, path) {
                Ok(FileAccess::ReadOnly(reason)) => reason,
                Ok(FileAccess::Row) => view::ROW_STAYS,
                Ok(FileAccess::Directory) => view::STAYS_WITH_CONTENT,
                _ => continue,
            };
            let whole = || self.contents.path.join(path);
            self.edits.refusals.note(whole, &Error::NotPermitted(reason));
        }
    }

    fn note_removed(&self, removed: &[&String]) -> Result<(), Error> {
        let remove = |path: &String| Operation::Remove { path: path.clone() };
        removed.iter().try_for_each(|path| self.note(&remove(path)).map(drop))
    }

    /// Whether a path is a directory that is there while something is in it: so it goes with the last
    /// file, and is not removed itself.
    fn goes_with_content(&self, path: &str) -> bool {
        let Ok(ShownEntry::Node(open, ..)) = self.shown().find_hidden(path) else { return false };
        matches!(access_in(&open, path), Ok(FileAccess::Directory))
    }

    /// Whether nothing is left in a directory, or in a message but the listed files that show all of
    /// it in another way, and with `but_class` the class, which each new message has.
    pub(in crate::fs::edits) fn is_emptied(
        &self,
        directory: &str,
        but_class: bool,
    ) -> Result<bool, Error> {
        let names = self.shown().names(directory)?;
        let is_message = directory.is_empty() || view::is_embedded_message_path(directory);
        let is_no_file =
            |name: &str| view::is_view_of_message(name) || but_class && name == view::CLASS;
        Ok(names.iter().all(|name| is_message && is_no_file(name)))
    }

    /// Whether `rm -r` meets a file: it is not in `mapi/` or `raw/`, or these are listed.
    fn is_met_by_all(&self, path: &str) -> bool {
        let first = path.split('/').next().unwrap_or_default();
        ![view::MAPI, view::RAW].contains(&first) || self.edits.messages.show.lists_name(first)
    }

    /// Drops a temporary file. The programs that have it open go on with what they have.
    pub(super) fn end_temporary(&mut self, path: &str) {
        let contents = &mut *self.contents;
        let file = contents.temporaries.remove(path);
        if let Some(file) = file.as_ref().and_then(Temporary::file) {
            for number in contents.numbers.of(path) {
                contents.orphans.keep(number, Orphan::Temporary(Arc::clone(file)));
            }
        }
        contents.numbers.remove(path);
    }

    /// Takes a path, and what is below it, from the file that is removed or replaced, whose content
    /// programs keep that have it open. Returns the number it had.
    pub(in crate::fs::edits) fn orphan(&mut self, path: &str) -> NodeId {
        let in_tree = match self.shown().find_hidden(path) {
            Ok(ShownEntry::Node(_, id, _)) => Some(id),
            _ => view::fixed_number(path),
        };
        for number in self.contents.orphans.all_hidden() {
            let at = self.contents.numbers.path(number).map(str::to_owned);
            if let Some(at) = at.filter(|at| relative_to(at, path).is_some())
                && let Ok(ShownEntry::Node(open, id, FileKind::File)) =
                    self.shown().find_hidden(&at)
            {
                self.contents.orphans.keep(number, Orphan::Node(open, id));
            }
        }
        let number = self.contents.numbers.number(path, in_tree);
        self.contents.numbers.remove(path);
        number
    }

    /// Hides the file of the message whose place a new file had, which is gone from there: removed
    /// files are still in the message, since the new one was to be their value.
    pub(super) fn hide_covered(&mut self, path: &str, process: Process) -> Result<(), Error> {
        let contents = &self.contents;
        if !contents.removals.hides(path) && self.shown().current()?.tree.resolve(path).is_ok() {
            self.contents.removals.remove(path, process);
        }
        Ok(())
    }

    /// Lets a new file take the path of one that is hidden. Programs that have the old file open
    /// keep it; the new file gets another number. The old one stays hidden until the new file has
    /// a value, for it may never get one.
    pub(super) fn take_hidden_place(&mut self, path: &str) -> Result<(), Error> {
        if !self.contents.removals.hides(path) || self.shown().new_file(path).is_some() {
            return Ok(());
        }
        let found = self.shown().find_hidden(path);
        self.orphan(path);
        let Ok(ShownEntry::Node(open, _, FileKind::Directory)) = found else { return Ok(()) };
        // Any other directory is there as soon as a file is in it; what was in it stays hidden.
        if access_in(&open, path)? == FileAccess::EmbeddedMessage {
            self.apply(&Operation::Remove { path: path.to_owned() })?;
        }
        self.contents.removals.show(path);
        Ok(())
    }
}
