//! Sets times, permissions and owners. A message directory has those of its file.

use crate::fs::error::source_error;
use crate::fs::source::attr::Attr;
use crate::fs::{Entry, Error, Ino, SetAttr};
use crate::storage::FileState;
use crate::view::NodeId;

use super::directory::MessageState;
use super::entries::EditableMessage;
use super::locked::LockedMessage;

impl EditableMessage<'_> {
    /// Changes the length, times and permissions; the length through a handle if there is one,
    /// for a thread.
    pub(in crate::fs) fn setattr(
        &self,
        handle: Option<u64>,
        change: &SetAttr,
        thread: u32,
    ) -> Result<(), Error> {
        if let Some(len) = change.size {
            match handle.filter(|handle| *handle != 0) {
                Some(handle) => self.edits.handle(handle, thread)?.set_len(len)?,
                None => self.truncate(len)?,
            }
        }
        self.set_attributes(change)
    }

    fn set_attributes(&self, change: &SetAttr) -> Result<(), Error> {
        let mut locked = self.lock_at(|contents| contents.path_of(self.number).ok());
        let Ok(path) = locked.contents.path_of(self.number) else { return Ok(()) };
        if let MessageState::Arriving(arrival) = &locked.contents.state {
            change.mtime.inspect(|time| arrival.set_modified(*time));
            return Ok(());
        }
        if path.is_empty() {
            if locked.contents.is_pending() {
                // A new message gets its file now, since the attributes are those of a file.
                drop(locked);
                self.edits.save(&self.directory)?;
                locked = self.lock();
            }
            return self.set_source_attributes(locked, change);
        }
        if let Some(file) = locked.contents.temporaries.get_mut(&path) {
            if let (Some(time), Some(bytes)) = (change.mtime, file.file()) {
                bytes.set_modified(time);
            }
            file.modified = change.mtime.unwrap_or(file.modified);
            let permissions = change.mode.and_then(|mode| u16::try_from(mode & 0o777).ok());
            file.permissions = permissions.unwrap_or(file.permissions);
            return Ok(());
        }
        // `cp -a` gives each file its mode before it gives the new message the mode of the old one.
        if !locked.contents.creators.are_filling(&path) {
            self.check_nothing_changes(&mut locked, change)?;
        }
        if let Some(time) = change.mtime {
            locked.begin_differing();
            locked.contents.numbers.translate();
            locked.contents.times.insert(path, time);
        }
        Ok(())
    }

    /// Checks that a call leaves mode and owner of a file inside a message as they are, since they
    /// are those of the message's file. `cp -p` and others set them even where they are right
    /// already.
    fn check_nothing_changes(
        &self,
        locked: &mut LockedMessage<'_>,
        change: &SetAttr,
    ) -> Result<(), Error> {
        let Entry { attr, .. } = locked.answers().getattr(self.number)?;
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
        mut locked: LockedMessage<'_>,
        change: &SetAttr,
    ) -> Result<(), Error> {
        let is_nothing = change.mode.is_none() && change.uid.is_none() && change.gid.is_none();
        if is_nothing && change.mtime.is_none() {
            return Ok(());
        }
        let (source, base) = (&self.edits.source, self.message.base);
        let path = locked.contents.path.clone();
        let in_source = |error| source_error(&path, error);
        // As in `Shown::current`: a save may have replaced the file while this thread waited for
        // the lock.
        let known = self.edits.messages.known(base)?.node.identity;
        let before = source.root.metadata(&path).map_err(in_source)?;
        let was_known = before.identity() == known;
        source.root.set_attributes(&path, change).map_err(in_source)?;
        if let Some(time) = change.mtime {
            locked.contents.edited = locked.contents.edited.map(|_| time);
        }
        locked.begin_differing();
        if was_known {
            // msgfs itself has changed the ctime, so the file still counts as the same one.
            let metadata = source.root.metadata(&path).map_err(in_source)?;
            let (before, now) = (FileState::from(&before), FileState::from(&metadata));
            match locked.contents.edits() {
                Some(edited) => {
                    edited.target.touched(now);
                    let ino = Ino::new(base, NodeId(0));
                    locked.show_directory(Attr::of_message(ino, &metadata, &source.ownership))?;
                }
                // A save that could not be taken out of the log may have put the file there.
                None => self.edits.log.rebase(&path, before, now),
            }
            source.adopt_file(base, &path);
            locked.keep_known();
        }
        Ok(())
    }
}
