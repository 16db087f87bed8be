//! Renaming files in a message.

use std::ffi::OsStr;

use crate::view::{self, FileKind, NodeId};

use crate::fs::edits::message::directory::Contents;
use crate::fs::edits::message::entries::{
    EditableMessage, FILE_BITS, NO_NAME, NewNameKind, into_source,
};
use crate::fs::edits::message::shown::ShownEntry;
use crate::fs::edits::message::temporary::{Temporary, TemporaryFile, TemporaryKind};
use crate::fs::edits::open::open_file::Moment;
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::{Error, Fs};

impl Fs {
    /// Renames a file within a message. With `no_replace` nothing may have the new name.
    pub(in crate::fs) fn rename_in_message(
        &self,
        to: &EditableMessage<'_>,
        name: &OsStr,
        (new_parent, new_name): (NodeId, &OsStr),
        no_replace: bool,
    ) -> Result<(), Error> {
        let mut contents = to.lock();
        let old = self.new_path(&contents, to.number, name)?;
        let new = self.new_path(&contents, new_parent, new_name)?;
        let found = self.find(&to.message, &contents, &old)?;
        let replaced = match self.find(&to.message, &contents, &new) {
            Ok(found) => Some(found.kind()),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        };
        if old == new {
            return Ok(());
        }
        if no_replace && replaced.is_some() {
            return Err(Error::Exists);
        }
        match (found.kind(), replaced) {
            (FileKind::Directory, Some(FileKind::File | FileKind::Symlink)) => {
                return Err(Error::NotADirectory);
            }
            (FileKind::File, Some(FileKind::Directory)) => return Err(Error::IsADirectory),
            (FileKind::Directory, Some(FileKind::Directory)) => return Err(Error::NotEmpty),
            _ => {}
        }
        self.begin_differing(&to.message, &mut contents);
        self.move_file(to, &mut contents, &found, (&old, &new), replaced.is_some())?;
        self.saver.schedule(&contents, to.message.base);
        Ok(())
    }

    fn move_file(
        &self,
        to: &EditableMessage<'_>,
        contents: &mut Contents,
        found: &ShownEntry,
        (old, new): (&str, &str),
        is_replacing: bool,
    ) -> Result<(), Error> {
        let target = match contents.temporaries.get(new) {
            Some(_) => NewNameKind::Temporary,
            None => self.new_name(&to.message, contents, new, false)?,
        };
        match (found, target) {
            (ShownEntry::Temporary(_), NewNameKind::Temporary) => {
                contents.temporaries.remove(new);
                contents.temporaries.rename(old, new);
                contents.removals.rename(old, new);
                contents.numbers.rename(old, new, is_replacing);
                return Ok(());
            }
            (ShownEntry::Temporary(file), NewNameKind::Value) if file.file().is_some() => {
                self.check_writable(&to.message, contents)?;
                let was_hidden = self.take_hidden_place(&to.message, contents, new)?;
                self.set_to(to, contents, (old, new))?;
                contents.temporaries.remove(old);
                contents.numbers.rename(old, new, is_replacing && !was_hidden);
                return Ok(());
            }
            (
                ShownEntry::Node(_, _, FileKind::File) | ShownEntry::New(_),
                NewNameKind::Temporary,
            ) => {
                let bytes = self.bytes_of(&to.message, contents, old)?;
                let copy = TemporaryKind::File(TemporaryFile::new(bytes));
                contents.temporaries.put(new, Temporary::new(copy, FILE_BITS))?;
                match found {
                    ShownEntry::New(_) => contents.numbers.remove(old, view::fixed_number(old)),
                    _ => contents.removals.rename_away(old, new),
                }
                return Ok(());
            }
            (ShownEntry::New(file), NewNameKind::Value) => {
                self.take_hidden_place(&to.message, contents, new)?;
                file.lock().due(Moment::Final)?;
                self.set_to(to, contents, (old, new))?;
                file.lock().settled();
            }
            (ShownEntry::Node(_, _, kind), NewNameKind::Value) => {
                self.move_node(to, contents, *kind, (old, new), is_replacing)?;
            }
            _ => return Err(self.refuse(contents, new, NO_NAME)),
        }
        if let Some(time) = contents.times.remove(old) {
            contents.times.insert(new.to_owned(), time);
        }
        // Temporary files, removals and numbers below a directory move with it.
        contents.temporaries.rename(old, new);
        contents.removals.rename(old, new);
        contents.numbers.rename(old, new, is_replacing);
        Ok(())
    }

    /// Moves a file or directory of the message to a path that can have a value.
    fn move_node(
        &self,
        to: &EditableMessage<'_>,
        contents: &mut Contents,
        kind: FileKind,
        (old, new): (&str, &str),
        is_replacing: bool,
    ) -> Result<(), Error> {
        self.check_writable(&to.message, contents)?;
        self.take_hidden_place(&to.message, contents, new)?;
        let both_attached = view::is_attachment_path(old) && view::is_attachment_path(new);
        let takes_place = is_replacing && kind == FileKind::File;
        match (both_attached && !takes_place, kind) {
            (true, _) => {
                let (from, to_path) = (old.to_owned(), new.to_owned());
                let rename = Operation::Rename { from, to: to_path };
                self.apply(&to.message, contents, &rename)?;
            }
            (false, FileKind::File) => {
                self.set_to(to, contents, (old, new))?;
                let remove = Operation::Remove { path: old.to_owned() };
                self.apply(&to.message, contents, &remove)?;
            }
            (false, _) => return Err(self.refuse(contents, new, NO_NAME)),
        }
        Ok(())
    }

    /// Sets a file to the bytes of another one, which is renamed onto it.
    fn set_to(
        &self,
        to: &EditableMessage<'_>,
        contents: &mut Contents,
        (old, new): (&str, &str),
    ) -> Result<(), Error> {
        let value = into_source(self.bytes_of(&to.message, contents, old)?)?;
        let set = Operation::Set { path: new.to_owned(), value };
        self.apply(&to.message, contents, &set)?;
        let number = contents.numbers.number(new, view::fixed_number(new));
        if let Some(open) = contents.files.get(&number) {
            open.lock().replaced();
        }
        self.settled(&to.message, contents, new);
        Ok(())
    }
}
