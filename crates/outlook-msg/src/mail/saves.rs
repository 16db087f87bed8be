//! A mail that is edited and saved.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::imsg::{
    self, Access, FileTarget, MapiPropMut as _, Message, Session, SessionOptions, Target,
};
use crate::mapi::Value;
use crate::storage::{CompoundFile, FileState, Replacement, Source};

use super::edit::inline;
use super::error::Error;
use super::key::PropertyKey;
use super::opened::{Mail, Opened};

/// The target of a message that has no path.
#[derive(Debug)]
struct Nowhere;

impl Target for Nowhere {
    fn name(&self) -> String {
        "a message without a path".to_owned()
    }

    fn commit(&self, _: &Arc<CompoundFile>) -> Result<(), imsg::Error> {
        let source = io::Error::other("save_as has to give it a path");
        Err(imsg::Error::Target { name: self.name(), source })
    }

    fn recover(&self, snapshot: &Arc<CompoundFile>) -> Result<PathBuf, imsg::Error> {
        self.commit(snapshot).map(|()| PathBuf::new())
    }
}

/// Edits and saves.
///
/// An edit is in the file once [`Mail::save`] or [`Mail::save_as`] has succeeded, as a whole or not
/// at all. A mail that is dropped without that loses its edits, which is logged.
impl Mail {
    /// Makes a new message: an empty mail that is not sent. It has no path before
    /// [`Mail::save_as`] gives it one.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("new.msg");
    /// let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_property("PR_SUBJECT", "Lunch on Friday")?;
    /// mail.save_as(&path)?;
    /// # assert_eq!(outlook_msg::Mail::open(path)?.subject()?.as_deref(), Some("Lunch on Friday"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn create() -> Result<Self, Error> {
        let session = Session::open(SessionOptions::default());
        let message = session.create_message(Arc::new(Nowhere))?;
        Ok(Self { session: Some(session), ..Self::of(message) })
    }

    /// Sets a property by its tag or name, as [`Mail::property`] reads it (`SetProps`). A named
    /// property that the file does not have yet has to be set through [`Mail::message`].
    ///
    /// # Errors
    /// [`Error::UnknownName`], [`Error::Message`] if the value cannot be that of the property, or
    /// the property follows from others.
    pub fn set_property<'a>(
        &mut self,
        key: impl Into<PropertyKey<'a>>,
        value: impl Into<Value>,
    ) -> Result<(), Error> {
        let (key, value) = (key.into(), value.into());
        self.edit(|message| {
            let tag = key.tag_to_set(message, &value)?;
            Ok(message.set_property(tag, &value)?)
        })
    }

    /// Removes a property by its tag or name (`DeleteProps`). Nothing is done if there is none.
    ///
    /// # Errors
    /// As [`Mail::set_property`].
    pub fn remove_property<'a>(&mut self, key: impl Into<PropertyKey<'a>>) -> Result<(), Error> {
        let key = key.into();
        self.edit(|message| {
            let Some(tag) = key.tag(message, &*message.names()?)? else { return Ok(()) };
            match message.delete_property(tag) {
                Err(imsg::Error::NoProperty { .. }) => Ok(()),
                outcome => Ok(outcome?),
            }
        })
    }

    /// Saves the edits in the file that it was opened from, or saved in before (`SaveChanges`). The
    /// file is replaced as a whole, and only if no other program has changed it meanwhile.
    ///
    /// # Errors
    /// [`Error::NoPath`] without a path, [`Error::Message`] with the cause if it cannot be saved:
    /// the file is as it was, and the edits are still there.
    pub fn save(&mut self) -> Result<(), Error> {
        if self.path.is_none() {
            return Err(Error::NoPath);
        }
        if self.message().is_writable() {
            self.complete()?;
            self.message().save_changes()?;
            self.opened = Opened::new(self.message().clone());
        }
        Ok(())
    }

    /// Saves it, with its edits, in another file, which is made or replaced as a whole. From then on
    /// it is the message in that file.
    ///
    /// # Errors
    /// [`Error::Message`], [`Error::Storage`] with the cause if it cannot be written: what was in
    /// the file is there still.
    pub fn save_as(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.complete()?;
        let mut made = tempfile::tempfile()?;
        self.to_msg(&mut made)?;
        let (bytes, _) = Source::from_file(made)?;
        let before = match std::fs::symlink_metadata(path) {
            Ok(metadata) => Some(FileState::from(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Save { path: path.to_owned(), source }),
        };
        Replacement::of_bytes(&bytes, before).run_at(path)?;
        if self.message().is_writable() {
            // Its edits are in the new file.
            self.message().discard_changes()?;
        }
        *self = Self::open_in(&self.session.clone().unwrap_or_else(session), path)?;
        Ok(())
    }

    /// Makes an edit, as a whole or not at all.
    pub(super) fn edit<T>(
        &mut self,
        edit: impl FnOnce(&Message) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.message().is_writable() {
            *self = self.writable()?;
        }
        let edited = self.message().edit_as_a_whole(edit);
        self.opened = Opened::new(self.message().clone());
        edited
    }

    /// Makes what was set fit together: an HTML body may refer to attachments by their paths.
    fn complete(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.bodies_set.has_paths) {
            let opened = Arc::clone(&self.opened);
            self.edit(|message| inline::refer(message, opened.attachments()))?;
        }
        Ok(())
    }

    /// The same message, opened for writing. One that is embedded becomes a message of its own: the
    /// one around it stays as it is.
    fn writable(&self) -> Result<Self, Error> {
        let session = self.session.clone().unwrap_or_else(session);
        let (file, target): (_, Arc<dyn Target>) = match &self.path {
            Some(path) => {
                let (file, target) = FileTarget::open(path)?;
                (file, target)
            }
            None => {
                let mut bytes = Vec::new();
                self.to_msg(&mut bytes)?;
                (CompoundFile::open(Source::from_bytes(bytes))?, Arc::new(Nowhere))
            }
        };
        let message = session.open_message(&file.root(), Access::ReadWrite(target))?;
        Ok(Self { session: Some(session), path: self.path.clone(), ..Self::of(message) })
    }
}

fn session() -> Session {
    Session::open(SessionOptions::default())
}
