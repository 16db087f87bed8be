//! Messages in the folders of the source: created, copied there as files, renamed, removed.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::storage::{self, CompoundFile, FileState, Source};
use crate::view::NodeId;

use super::super::attr::{Attr, FileType};
use super::super::ino::Ino;
use super::super::metadata::Metadata;
use super::super::{Entry, Error, is_message_name, source_error};
use super::Writing;
use super::buffer::Buffer;
use super::draft::{Draft, State};
use super::handle::{Handle, OpenFile, lock};

/// A message file that is being written into a folder, and becomes a message once it is whole.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) bytes: Mutex<Buffer>,
    state: Mutex<IncomingState>,
}

#[derive(Debug)]
struct IncomingState {
    handles: usize,
    is_changed: bool,
    changed: SystemTime,
}

impl Incoming {
    fn new() -> Arc<Self> {
        let state = IncomingState { handles: 1, is_changed: true, changed: SystemTime::now() };
        Arc::new(Self { bytes: Mutex::default(), state: Mutex::new(state) })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, IncomingState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        lock(&self.bytes).write(offset, bytes).map_err(Error::Buffer)?;
        self.touch();
        Ok(())
    }

    pub(super) fn set_len(&self, len: u64) -> Result<(), Error> {
        lock(&self.bytes).set_len(len).map_err(Error::Buffer)?;
        self.touch();
        Ok(())
    }

    fn touch(&self) {
        let mut state = self.state();
        state.is_changed = true;
        state.changed = SystemTime::now();
    }
}

impl Writing {
    /// The message at a path of a folder, whether the source has it or will have it.
    pub(in crate::fs) fn source_entry(
        &self,
        path: &Path,
        metadata: Option<&Metadata>,
        look_up: bool,
    ) -> Result<Entry, Error> {
        let known = match look_up {
            true => Some(self.table.enter(path, 1)),
            false => self.table.at(path),
        };
        let entry = self.message_entry(path, metadata, known.as_deref());
        if entry.is_err() && look_up {
            self.table.forget(self.table.base_of(path), 1);
        }
        entry
    }

    fn message_entry(
        &self,
        path: &Path,
        metadata: Option<&Metadata>,
        draft: Option<&Draft>,
    ) -> Result<Entry, Error> {
        let attr = match (draft, metadata) {
            (Some(draft), Some(metadata)) => {
                let state = draft.lock();
                match state.is_unsaved() || state.incoming.is_some() {
                    true => self.attr(draft, &state, NodeId(0))?,
                    false => self.directory_attr(draft.base, metadata),
                }
            }
            (Some(draft), None) => {
                let state = draft.lock();
                if !state.is_new && state.incoming.is_none() {
                    return Err(Error::NotFound);
                }
                self.attr(draft, &state, NodeId(0))?
            }
            (None, Some(metadata)) => self.directory_attr(self.table.base_of(path), metadata),
            (None, None) => return Err(Error::NotFound),
        };
        Ok(Entry { attr, ttl: super::nodes::TTL })
    }

    /// The names in a folder of messages that the source does not have yet.
    pub(in crate::fs) fn new_names(&self, folder: &Path) -> Vec<std::ffi::OsString> {
        let drafts = self.table.all();
        let names = drafts.iter().filter_map(|draft| {
            let state = draft.lock();
            let is_new = (state.is_new || state.incoming.is_some()) && !state.is_removed;
            let is_here = state.path.parent() == Some(folder);
            (is_new && is_here).then(|| state.path.file_name().map(OsStr::to_owned))?
        });
        names.collect()
    }

    /// Creates a message file in a folder and opens it, to become a message when it is closed.
    pub(in crate::fs) fn create_file(&self, path: &Path) -> Result<(Entry, u64), Error> {
        let draft = self.enter_new(path)?;
        let mut state = draft.lock_idle();
        let incoming = Incoming::new();
        state.incoming = Some(Arc::clone(&incoming));
        state.is_removed = false;
        let attr = self.attr(&draft, &state, NodeId(0))?;
        let file = OpenFile::Incoming(incoming);
        let handle = Handle { draft: Arc::clone(&draft), number: NodeId(0), file };
        Ok((Entry { attr, ttl: super::nodes::TTL }, self.handles.add(Arc::new(handle))))
    }

    /// Creates a message.
    pub(in crate::fs) fn create_message(&self, path: &Path, process: u32) -> Result<Entry, Error> {
        let draft = self.enter_new(path)?;
        let mut state = draft.lock_idle();
        state.is_removed = false;
        state.creators.created("", process);
        let created = self.create_new(&draft, &mut state).and_then(|()| {
            let attr = self.attr(&draft, &state, NodeId(0))?;
            Ok(Entry { attr, ttl: super::nodes::TTL })
        });
        drop(state);
        match &created {
            Ok(_) => self.commits.schedule(&draft),
            Err(_) => self.drop_message(draft, 1),
        }
        created
    }

    /// Enters a message that is to be created, looked up once.
    fn enter_new(&self, path: &Path) -> Result<Arc<Draft>, Error> {
        if !is_message_name(path) {
            return Err(Error::Source {
                path: path.to_owned(),
                source: std::io::Error::from_raw_os_error(libc::EROFS),
            });
        }
        let exists = self.source.metadata(path).is_ok();
        let known = self.table.at(path);
        let is_pending = known.is_some_and(|draft| {
            let state = draft.lock();
            (state.is_new || state.incoming.is_some()) && !state.is_removed
        });
        if exists || is_pending {
            return Err(Error::Exists);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        self.source.check_writable(folder).map_err(|error| source_error(path, error))?;
        // What was there before has its own number.
        if let Some(old) = self.table.at(path) {
            self.table.rename(old.base, None);
        }
        Ok(self.table.enter(path, 1))
    }

    /// Renames a message in the source.
    pub(in crate::fs) fn rename_message(
        &self,
        from: &Path,
        to: &Path,
        no_replace: bool,
    ) -> Result<(), Error> {
        if !is_message_name(to) {
            return Err(Error::NotPermitted("the name of a message ends in .msg or .oft"));
        }
        let draft = self.table.enter(from, 0);
        // What is unsaved is saved under the old name first.
        self.save(&draft)?;
        let target_exists = self.source.metadata(to).is_ok();
        let target = self.table.at(to).filter(|other| other.base != draft.base);
        let target_is_new =
            target.as_ref().is_some_and(|other| other.lock().is_new && !other.lock().is_removed);
        if target_exists || target_is_new {
            // A directory is replaced by no other that is not empty.
            return Err(if no_replace { Error::Exists } else { Error::NotEmpty });
        }
        let mut state = draft.lock_idle();
        self.source.rename(from, to).map_err(|error| source_error(from, error))?;
        let metadata = self.source.metadata(to).ok();
        state.set_path(to, metadata.as_ref());
        drop(state);
        self.table.rename(draft.base, Some(to));
        Ok(())
    }

    /// Removes a message from the source, if that is allowed.
    pub(in crate::fs) fn remove_message(&self, path: &Path) -> Result<(), Error> {
        let draft = self.table.enter(path, 0);
        let mut state = draft.lock_idle();
        let was_new = state.is_new;
        if !self.options.delete && !was_new {
            // The files of the message were removed first, as rm -r does: they stay as well.
            if state.only_removals && state.is_unsaved() {
                self.discard(&mut state)?;
                self.commits.cancel(draft.base);
            }
            return Err(Error::NotPermitted("messages are removed with -o delete only"));
        }
        if !was_new {
            self.source.remove(path).map_err(|error| source_error(path, error))?;
        }
        self.discard(&mut state)?;
        state.is_removed = true;
        state.is_new = false;
        drop(state);
        self.drop_message(draft, 0);
        Ok(())
    }

    /// The message file that a message is still to be made of.
    pub(super) fn incoming(&self, _draft: &Draft, state: &State) -> Option<Arc<Incoming>> {
        state.incoming.clone()
    }

    /// Removes a message file that is being written; `false` if there is none.
    pub(super) fn remove_incoming(&self, path: &Path) -> bool {
        let Some(draft) = self.table.at(path) else { return false };
        let mut state = draft.lock();
        if state.incoming.take().is_none() {
            return false;
        }
        state.is_removed = true;
        drop(state);
        self.table.rename(draft.base, None);
        true
    }

    pub(super) fn open_incoming(&self, draft: &Arc<Draft>, incoming: Arc<Incoming>) -> u64 {
        incoming.state().handles += 1;
        let file = OpenFile::Incoming(incoming);
        self.handles.add(Arc::new(Handle { draft: Arc::clone(draft), number: NodeId(0), file }))
    }

    /// Makes a message of a file that was written. An empty one, and before its last close one
    /// that is no message yet, is left for later.
    pub(super) fn land(
        &self,
        draft: &Arc<Draft>,
        incoming: &Arc<Incoming>,
        is_last: bool,
    ) -> Result<(), Error> {
        {
            let mut state = incoming.state();
            if !state.is_changed || (is_last && state.handles > 1) {
                return Ok(());
            }
            if lock(&incoming.bytes).len().map_err(Error::Buffer)? == 0 && !is_last {
                return Ok(());
            }
            state.is_changed = false;
        }
        let path = {
            let state = draft.lock();
            if state.is_removed {
                return Ok(());
            }
            state.path.clone()
        };
        let landed = self.write_file(&path, incoming);
        if let Err(error) = &landed {
            tracing::warn!("{}: not kept: {error}", path.display());
        }
        landed
    }

    fn write_file(&self, path: &Path, incoming: &Incoming) -> Result<(), Error> {
        let source = match lock(&incoming.bytes).copy().map_err(Error::Buffer)? {
            Buffer::Memory(bytes) => Source::from_bytes(bytes),
            Buffer::File(file) => Source::from_file(file).map_err(Error::Buffer)?.0,
        };
        let in_file = |source: storage::Error| Error::Message {
            path: path.to_owned(),
            source: source.into(),
        };
        let invalid = |_| Error::Message {
            path: path.to_owned(),
            source: crate::view::Error::Invalid { expected: "expected an Outlook message".into() },
        };
        let file = CompoundFile::open(Arc::new(source)).map_err(invalid)?;
        let read_only = crate::imsg::Access::Read;
        let message = self.session.open_message(&file.root(), read_only);
        message.map_err(|_| {
            invalid(storage::Error::Incomplete(storage::Defect {
                place: "/".to_owned(),
                cause: "no message".to_owned(),
            }))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        self.state_folder.note(folder);
        let folder = self.source.open_folder(folder).map_err(|e| source_error(path, e))?;
        let name = path.file_name().ok_or(Error::NotFound)?;
        // What an earlier flush has put there is replaced.
        let expected = self.source.metadata(path).ok().map(|found| FileState::from(&found));
        storage::replace(&folder, name, expected, &file).map_err(in_file)?;
        Ok(())
    }

    /// Takes note that a handle on a message file was closed; after the last one it is a message,
    /// or nothing.
    pub(super) fn close_incoming(&self, draft: &Arc<Draft>, incoming: &Arc<Incoming>) {
        let mut of_file = incoming.state();
        of_file.handles = of_file.handles.saturating_sub(1);
        if of_file.handles > 0 {
            return;
        }
        drop(of_file);
        let mut state = draft.lock();
        state.incoming = None;
        let path = state.path.clone();
        state.is_removed = true;
        drop(state);
        // The directory is an inode of its own.
        if self.table.at(&path).is_some_and(|known| known.base == draft.base) {
            self.table.rename(draft.base, None);
        }
    }

    /// The attributes of a message file that is being written.
    pub(super) fn incoming_attr(&self, ino: Ino, folder: &Attr, incoming: &Incoming) -> Attr {
        let size = lock(&incoming.bytes).len().unwrap_or(0);
        let changed = incoming.state().changed;
        let file = FileType::RegularFile;
        let made = Attr::made(folder, ino, file, size, Some(changed), &self.ownership);
        Attr { permissions: made.permissions | (folder.permissions & 0o200), ..made }
    }

    fn drop_message(&self, draft: Arc<Draft>, lookups: u64) {
        let base = draft.base;
        self.table.rename(base, None);
        self.commits.cancel(base);
        drop(draft);
        self.table.forget(base, lookups);
    }
}
