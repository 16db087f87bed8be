//! A file that a program writes into a folder, and that becomes a message once it is whole.
//!
//! Knows nothing of folders or handles.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::open::buffer::Buffer;
use crate::fs::edits::save::edit_log::Spool;
use crate::imsg::{Access, Session};
use crate::storage::{CompoundFile, SIGNATURE, Source};

/// A file that is being copied into a folder.
#[derive(Debug)]
pub(in crate::fs::edits) struct Arrival {
    /// The permissions that its file is to have.
    pub(in crate::fs::edits) permissions: u32,
    content: Mutex<ArrivalContent>,
}

#[derive(Debug)]
struct ArrivalContent {
    bytes: Buffer,
    handles: u32,
    progress: ArrivalProgress,
    changed: SystemTime,
    /// The modification time that a program has set (`cp -p`, rsync).
    modified: Option<SystemTime>,
}

/// How far the file has come on its way into the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArrivalProgress {
    /// It is being written.
    Arriving,
    /// Its bytes are being put into the source. What is written meanwhile makes it
    /// [`ArrivalProgress::Arriving`] again.
    Saving,
    /// Its bytes are in the source.
    Saved,
}

impl Arrival {
    /// A new file with one open handle.
    pub(in crate::fs::edits) fn new(permissions: u32) -> Arc<Self> {
        let content = ArrivalContent {
            bytes: Buffer::default(),
            handles: 1,
            progress: ArrivalProgress::Arriving,
            changed: SystemTime::now(),
            modified: None,
        };
        Arc::new(Self { permissions: permissions & 0o666, content: Mutex::new(content) })
    }

    pub(in crate::fs::edits) fn open(&self) {
        self.lock().handles += 1;
    }

    /// Counts one handle less. Returns whether that was the last one.
    pub(in crate::fs::edits) fn close(&self) -> bool {
        let mut content = self.lock();
        content.handles = content.handles.saturating_sub(1);
        content.handles == 0
    }

    pub(in crate::fs::edits) fn is_open(&self) -> bool {
        self.lock().handles > 0
    }

    pub(in crate::fs::edits) fn read_at(
        &self,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        self.lock().bytes.read_at(offset, buffer).map_err(Error::Buffer)
    }

    pub(in crate::fs::edits) fn write(
        &self,
        spool: &Spool,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Error> {
        self.change(|buffer| buffer.write(spool, offset, bytes))
    }

    pub(in crate::fs::edits) fn set_len(&self, spool: &Spool, len: u64) -> Result<(), Error> {
        self.change(|buffer| buffer.set_len(spool, len))
    }

    fn change(&self, run: impl FnOnce(&mut Buffer) -> std::io::Result<()>) -> Result<(), Error> {
        let mut content = self.lock();
        run(&mut content.bytes).map_err(Error::Buffer)?;
        content.progress = ArrivalProgress::Arriving;
        content.changed = SystemTime::now();
        content.modified = None;
        Ok(())
    }

    pub(in crate::fs::edits) fn len_and_time(&self) -> (u64, SystemTime) {
        let content = self.lock();
        (content.bytes.len().unwrap_or(0), content.modified.unwrap_or(content.changed))
    }

    pub(in crate::fs::edits) fn set_modified(&self, time: SystemTime) {
        self.lock().modified = Some(time);
    }

    /// The modification time that a program has set.
    pub(in crate::fs::edits) fn modified(&self) -> Option<SystemTime> {
        self.lock().modified
    }

    pub(in crate::fs::edits) fn is_saved(&self) -> bool {
        self.lock().progress == ArrivalProgress::Saved
    }

    /// Notes that the bytes that [`Arrival::message`] returned are in the source. If a program has
    /// written since, the file is not saved yet.
    pub(in crate::fs::edits) fn mark_saved(&self) {
        let mut content = self.lock();
        if content.progress == ArrivalProgress::Saving {
            content.progress = ArrivalProgress::Saved;
        }
    }

    /// The bytes; `None` if the file is empty.
    pub(in crate::fs::edits) fn bytes(&self) -> std::io::Result<Option<Arc<Source>>> {
        let content = self.lock();
        let is_empty = content.bytes.len()? == 0;
        if is_empty { Ok(None) } else { content.bytes.share().map(Some) }
    }

    /// The bytes, if they are a whole message.
    ///
    /// # Errors
    /// If the bytes are no whole message, with the reason.
    pub(in crate::fs::edits) fn message(
        &self,
        session: &Session,
    ) -> Result<Arc<Source>, crate::view::Error> {
        let bytes = self.bytes_to_save()?;
        let file = CompoundFile::open(Arc::clone(&bytes));
        let opened = file.map(|file| session.open_message(&file.root(), Access::Read));
        match opened {
            Ok(Ok(_)) => Ok(bytes),
            Ok(Err(crate::imsg::Error::SessionClosed)) => {
                Err(crate::imsg::Error::SessionClosed.into())
            }
            Ok(Err(_)) | Err(_) => Err(no_message()),
        }
    }

    /// Refuses bytes with which the file cannot become a message. It does so at `write`, since most
    /// programs check `write` and overlook the errors of `close`. Zeros are allowed: a program may
    /// write them first and the signature later.
    ///
    /// # Errors
    /// If other bytes are written in the place of the signature of a compound file.
    pub(in crate::fs::edits) fn check_start(
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), crate::view::Error> {
        let behind = usize::try_from(offset).ok().and_then(|offset| SIGNATURE.get(offset..));
        let may_be = |(byte, expected): (&u8, &u8)| byte == expected || *byte == 0;
        match bytes.iter().zip(behind.unwrap_or_default()).all(may_be) {
            true => Ok(()),
            false => Err(no_message()),
        }
    }

    /// The bytes as they are now, to be put into the source.
    fn bytes_to_save(&self) -> std::io::Result<Arc<Source>> {
        let mut content = self.lock();
        content.progress = ArrivalProgress::Saving;
        content.bytes.share()
    }

    fn lock(&self) -> MutexGuard<'_, ArrivalContent> {
        lock(&self.content)
    }
}

fn no_message() -> crate::view::Error {
    crate::view::Error::Invalid {
        expected: "expected an Outlook message: folders take no other files".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Spool};
    use crate::imsg::{Session, SessionOptions};

    fn new_arrival() -> std::sync::Arc<Arrival> {
        Arrival::new(0o644)
    }

    fn write(arrival: &Arrival, offset: u64, bytes: &[u8]) {
        arrival.write(&Spool::new(&std::env::temp_dir()), offset, bytes).unwrap();
    }

    #[test]
    fn only_a_message_is_saved() {
        let session = Session::open(SessionOptions::default());
        let arrival = new_arrival();
        write(&arrival, 0, b"no message");
        assert!(arrival.message(&session).is_err() && !arrival.is_saved());
        assert!(new_arrival().message(&session).is_err());
    }

    #[test]
    fn what_can_be_no_message_is_refused_at_its_first_bytes() {
        for (offset, bytes, is_taken) in [
            (0, &[0xD0, 0xCF][..], true),
            (2, &[0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 7][..], true),
            (0, &[0; 512], true),
            (0, b"hello\n", false),
            (7, b"x", false),
            (8, b"x", true),
            (0, b"", true),
        ] {
            assert_eq!(Arrival::check_start(offset, bytes).is_ok(), is_taken, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_written_later_is_not_saved() {
        let arrival = new_arrival();
        arrival.open();
        assert!(!arrival.close());
        arrival.set_modified(std::time::SystemTime::UNIX_EPOCH);
        arrival.bytes_to_save().unwrap();
        arrival.mark_saved();
        assert!(arrival.is_saved());
        write(&arrival, 0, b"more");
        assert!(!arrival.is_saved() && arrival.modified().is_none());
        // One thread writes while another one closes a copy of the descriptor.
        arrival.bytes_to_save().unwrap();
        write(&arrival, 4, b", and more");
        arrival.mark_saved();
        assert!(!arrival.is_saved());
        assert!(arrival.close() && !arrival.is_open());
    }
}
