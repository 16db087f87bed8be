//! Sets times, permissions and owners. A message directory has those of its file.

use std::sync::MutexGuard;

use crate::storage::FileState;

use crate::fs::edits::message::directory::{Contents, MessageState};
use crate::fs::edits::message::entries::EditableMessage;
use crate::fs::{Entry, Error, Fs, SetAttr, source_error};

impl Fs {
    /// Sets times and permissions.
    pub(in crate::fs) fn set_attributes(
        &self,
        to: &EditableMessage<'_>,
        change: &SetAttr,
    ) -> Result<(), Error> {
        let mut contents = to.lock_at(|contents| self.path_in(contents, to.number).ok());
        let Ok(path) = self.path_in(&contents, to.number) else { return Ok(()) };
        if let MessageState::Arriving(arrival) = &contents.state {
            change.mtime.inspect(|time| arrival.set_modified(*time));
            return Ok(());
        }
        if path.is_empty() {
            if contents.is_pending() {
                // A new message gets its file now, since the attributes are those of a file.
                drop(contents);
                self.save(&to.directory, false)?;
                contents = to.lock();
            }
            return self.set_source_attributes(to, contents, change);
        }
        if let Some(file) = contents.temporaries.get_mut(&path) {
            if let (Some(time), Some(bytes)) = (change.mtime, file.file()) {
                bytes.set_modified(time);
            }
            file.modified = change.mtime.unwrap_or(file.modified);
            let permissions = change.mode.and_then(|mode| u16::try_from(mode & 0o777).ok());
            file.permissions = permissions.unwrap_or(file.permissions);
            return Ok(());
        }
        self.check_nothing_changes(to, &mut contents, change)?;
        if let Some(time) = change.mtime {
            self.begin_differing(&to.message, &mut contents);
            contents.numbers.translate();
            contents.times.insert(path, time);
        }
        Ok(())
    }

    /// Checks that a call leaves mode and owner of a file inside a message as they are, since they
    /// are those of the message's file. `cp -p` and others set them even where they are right
    /// already.
    fn check_nothing_changes(
        &self,
        to: &EditableMessage<'_>,
        contents: &mut Contents,
        change: &SetAttr,
    ) -> Result<(), Error> {
        let Entry { attr, .. } = self.attr_in_contents(&to.message, contents, to.number)?;
        let is_mode = |mode: u32| mode & 0o777 == u32::from(attr.permissions) & 0o777;
        match change.mode.is_none_or(is_mode)
            && change.uid.is_none_or(|uid| uid == attr.uid)
            && change.gid.is_none_or(|gid| gid == attr.gid)
        {
            true => Ok(()),
            false => Err(Error::NotPermitted("owner and mode are those of the message's file")),
        }
    }

    /// Sets the attributes of a message's file, for a call on the message directory.
    fn set_source_attributes(
        &self,
        to: &EditableMessage<'_>,
        mut contents: MutexGuard<'_, Contents>,
        change: &SetAttr,
    ) -> Result<(), Error> {
        let is_nothing = change.mode.is_none() && change.uid.is_none() && change.gid.is_none();
        if is_nothing && change.mtime.is_none() {
            return Ok(());
        }
        let path = contents.path.clone();
        let in_source = |error| source_error(&path, error);
        // As in `current_message`: a save may have replaced the file while this thread waited for
        // the lock.
        let known = self.known_message(to.message.base)?.node.identity;
        let was_known = self.source.metadata(&path).map_err(in_source)?.identity() == known;
        self.source.set_attributes(&path, change).map_err(in_source)?;
        if let Some(time) = change.mtime {
            contents.edited = contents.edited.map(|_| time);
        }
        self.begin_differing(&to.message, &mut contents);
        if was_known {
            // msgfs itself has changed the ctime, so the file still counts as the same one.
            let now = self.source.metadata(&path).map_err(in_source)?;
            contents.edits().inspect(|edited| edited.target.touched(FileState::from(&now)));
            self.adopt_file(&to.message, &path);
            self.keep_known(&to.message, &mut contents);
        }
        Ok(())
    }
}
