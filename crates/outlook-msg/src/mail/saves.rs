//! Creates, edits and saves a mail.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::imsg::{
    self, Access, FileTarget, MapiPropMut as _, Message, Session, SessionOptions, Target,
};
use crate::mail::edit::inline;
use crate::mail::error::Error;
use crate::mail::key::PropertyKey;
use crate::mail::opened::{Mail, OpenedMail};
use crate::mapi::Value;
use crate::storage::{CompoundFile, FileState, Replacement, Source};

/// The target of a message without a path. It refuses every save.
#[derive(Debug)]
struct NoPathTarget;

impl Target for NoPathTarget {
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

/// Creates, edits and saves a mail.
///
/// [`Mail::save`] and [`Mail::save_as`] write all edits into the file, or none. If a mail is
/// dropped with unsaved edits, they are lost, and a warning is logged.
impl Mail {
    /// Creates a new message: an empty, unsent mail. It has no path until [`Mail::save_as`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("new.msg");
    /// let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_subject("Lunch on Friday")?;
    /// mail.save_as(&path)?;
    /// # assert_eq!(outlook_msg::Mail::open(path)?.subject()?.as_deref(), Some("Lunch on Friday"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn create() -> Result<Self, Error> {
        let session = Session::open(SessionOptions::default());
        let message = session.create_message(Arc::new(NoPathTarget))?;
        Ok(Self { session: Some(session), ..Self::of(message) })
    }

    /// Sets a property by its tag or its name (`SetProps`); [`PropertyKey`] lists the forms. A
    /// named property that the file does not have yet is added, with the type of the value.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_property("PR_SENSITIVITY", 2)?;
    /// mail.set_property("PSETID_Common/PidLidBilling", "harbour")?;
    /// assert_eq!(mail.property("PSETID_Common/PidLidBilling")?, Some("harbour".into()));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownName`]; [`Error::Message`] if the property cannot have this value, or is
    /// computed from others.
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

    /// Removes a property by its tag or its name (`DeleteProps`). If there is none, nothing
    /// happens.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.set_property("PR_SENSITIVITY", 2)?;
    /// mail.remove_property("PR_SENSITIVITY")?;
    /// assert_eq!(mail.property("PR_SENSITIVITY")?, None);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
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

    /// Saves the edits in the file that the mail was opened from or saved in last (`SaveChanges`).
    /// The file is replaced as a whole, and only if no other program has changed it meanwhile.
    ///
    /// ```no_run
    /// let mut mail = outlook_msg::Mail::open("Lunch on Friday.msg")?;
    /// mail.set_subject("Lunch on Monday")?;
    /// mail.save()?;
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoPath`] if the mail has no path; [`Error::Message`], with the cause, if it cannot
    /// be saved. Then the file is unchanged, and the mail keeps its edits.
    pub fn save(&mut self) -> Result<(), Error> {
        if self.path.is_none() {
            return Err(Error::NoPath);
        }
        if self.message().is_writable() {
            self.complete()?;
            self.message().save_changes()?;
            self.opened = OpenedMail::new(self.message().clone());
        }
        Ok(())
    }

    /// Saves the mail with its edits in another file, which is created, or replaced as a whole.
    /// From then on, [`Mail::path`] is that file.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("new.msg");
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// mail.save_as(&path)?;
    /// assert_eq!(mail.path(), Some(path.as_path()));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] or [`Error::Storage`], with the cause, if the file cannot be written. An
    /// existing file is unchanged then.
    pub fn save_as(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.complete()?;
        let mut made = tempfile::tempfile()?;
        self.to_msg(&mut made)?;
        let (bytes, _) = Source::from_file(made)?;
        let before = match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let source = io::ErrorKind::IsADirectory.into();
                return Err(Error::Save { path: path.to_owned(), source });
            }
            Ok(metadata) => Some(FileState::from(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Save { path: path.to_owned(), source }),
        };
        Replacement::of_bytes(&bytes, before).run_at(path)?;
        if self.message().is_writable() {
            // The edits are in the new file now, so the old session must not save them.
            self.message().discard_changes()?;
        }
        *self = Self::open_in(&self.session.clone().unwrap_or_else(session), path)?;
        Ok(())
    }

    /// Makes an edit: the whole edit or, if it fails, none of it. Opens the mail for writing first,
    /// if necessary.
    pub(super) fn edit<T>(
        &mut self,
        edit: impl FnOnce(&Message) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.message().is_writable() {
            *self = self.writable()?;
        }
        let edited = self.message().edit_as_a_whole(edit);
        self.opened = OpenedMail::new(self.message().clone());
        edited
    }

    /// If an HTML body was set, turns the paths of attachments in it into references.
    fn complete(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.bodies_set.has_paths) {
            let opened = Arc::clone(&self.opened);
            self.edit(|message| inline::refer(message, opened.attachments()))?;
        }
        Ok(())
    }

    /// The same message, opened for writing. An embedded message is copied into a message of its
    /// own; the outer message stays as it is.
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
                (CompoundFile::open(Source::from_bytes(bytes))?, Arc::new(NoPathTarget))
            }
        };
        let message = session.open_message(&file.root(), Access::ReadWrite(target))?;
        Ok(Self { session: Some(session), path: self.path.clone(), ..Self::of(message) })
    }
}

fn session() -> Session {
    Session::open(SessionOptions::default())
}
