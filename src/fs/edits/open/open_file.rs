//! A file of a message that is open for writing: one buffer, which all its writing handles share
//! and readers see.
//!
//! Knows nothing of messages: it says when the bytes are to become the value.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use outlook_msg::pieces;
use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::edits::save::edit_log::Spool;
use crate::storage::Source;
use crate::view::{self, NodeId, StartCheck};

use super::buffer::Buffer;

/// How a file is opened (`open(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) struct OpenFlags(pub(in crate::fs) i32);

impl OpenFlags {
    pub(in crate::fs) fn is_writing(self) -> bool {
        self.0 & libc::O_ACCMODE != libc::O_RDONLY
    }

    pub(in crate::fs::edits) fn truncates(self) -> bool {
        self.0 & libc::O_TRUNC != 0
    }

    pub(in crate::fs::edits) fn is_exclusive(self) -> bool {
        self.0 & libc::O_EXCL != 0
    }

    pub(in crate::fs::edits) fn appends(self) -> bool {
        self.0 & libc::O_APPEND != 0
    }
}

/// A file that is open for writing.
#[derive(Debug)]
pub(in crate::fs::edits) struct OpenFile {
    pub(in crate::fs::edits) number: NodeId,
    content: Mutex<OpenContent>,
}

/// How the bytes of an open file and its value differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs::edits) enum Progress {
    /// They do not.
    Settled,
    /// The bytes stand in the edit log and wait to come into the message.
    Waiting,
    /// The file was emptied and nothing was written since. A shell empties a file, closes a copy
    /// of its descriptor, and only then writes.
    Emptied,
    /// The file was written to.
    Written,
    /// The bytes are becoming the value. What is written meanwhile makes them [`Progress::Written`]
    /// again.
    Settling,
    /// It was written to, and the bytes were refused as a value. They may still become one; until
    /// then everybody else sees the old value.
    Refused,
    /// A write was refused, so the bytes are not all that the program wanted. They become no value,
    /// unless the file is emptied first.
    Incomplete(WriteRefusal),
    /// Another file was renamed onto it: it is no file of the message any more.
    Replaced,
}

/// Why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs::edits) enum WriteRefusal {
    /// There was no room for the bytes.
    NoRoom,
    /// Nothing that follows could have made them a value.
    Invalid,
}

impl WriteRefusal {
    /// What the calls are told that would make the bytes a value.
    fn error(self) -> Error {
        match self {
            Self::NoRoom => Error::EditLog(io::ErrorKind::StorageFull.into()),
            Self::Invalid => Error::Incomplete,
        }
    }
}

/// When the bytes are to become the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs::edits) enum Moment {
    /// At a FLUSH of a handle that was written to since its last one.
    Flush,
    /// At `fsync`, at a truncate by path, and at the last RELEASE: then an emptied file counts too.
    Final,
}

/// The bytes of an open file.
#[derive(Debug)]
pub(in crate::fs::edits) struct OpenContent {
    /// `None` until the present value is needed.
    bytes: Option<Buffer>,
    progress: Progress,
    /// Whether the message has no such file yet.
    is_new: bool,
    handles: u32,
    changed: SystemTime,
    start: Start,
    /// Why the bytes were refused as a value the last time.
    refusal: String,
}

/// How far the bytes have been checked while they were written.
#[derive(Debug)]
enum Start {
    /// There is nothing to check yet: the file was just emptied, or is new.
    Empty,
    /// Nothing was written yet behind the present value.
    Present,
    /// All bytes were checked, since they were written one after the other from the start.
    Checked(StartCheck),
    /// The bytes were not all checked, since they were written at other places, too.
    Unknown,
}

impl OpenFile {
    /// A file that the message has, or with `is_new` will have, open once.
    pub(in crate::fs::edits) fn new(number: NodeId, is_new: bool) -> Arc<Self> {
        let content = OpenContent {
            bytes: is_new.then(Buffer::default),
            progress: if is_new { Progress::Emptied } else { Progress::Settled },
            is_new,
            handles: 0,
            changed: SystemTime::now(),
            start: if is_new { Start::Empty } else { Start::Present },
            refusal: String::new(),
        };
        Arc::new(Self { number, content: Mutex::new(content) })
    }

    pub(in crate::fs::edits) fn lock(&self) -> MutexGuard<'_, OpenContent> {
        lock(&self.content)
    }
}

impl OpenContent {
    /// Counts one more handle.
    pub(in crate::fs::edits) fn open(&mut self) {
        self.handles += 1;
    }

    /// Counts one handle less. Returns whether that was the last one.
    pub(in crate::fs::edits) fn close(&mut self) -> bool {
        self.handles = self.handles.saturating_sub(1);
        self.handles == 0
    }

    /// Whether any handle is left.
    pub(in crate::fs::edits) fn is_open(&self) -> bool {
        self.handles > 0
    }

    pub(in crate::fs::edits) fn is_loaded(&self) -> bool {
        self.bytes.is_some()
    }

    /// Takes the present value, to change it.
    pub(in crate::fs::edits) fn load(&mut self, value: Buffer) {
        if !self.is_replaced() {
            self.bytes.get_or_insert(value);
        }
    }

    /// Notes that the message has no such value any more, and that a program creates it anew.
    pub(in crate::fs::edits) fn create_again(&mut self) {
        if !self.is_seen() {
            self.is_new = true;
            self.bytes = Some(Buffer::default());
            (self.start, self.progress) = (Start::Empty, Progress::Emptied);
        }
    }

    /// Whether the file is there though the message has no such value yet.
    pub(in crate::fs::edits) fn is_new(&self) -> bool {
        self.is_new && !self.is_refused()
    }

    /// Whether the message has such a value, which is the present one or another.
    pub(in crate::fs::edits) fn has_value(&self) -> bool {
        !self.is_new
    }

    /// Whether bytes were written that are not the value.
    pub(in crate::fs::edits) fn is_written(&self) -> bool {
        matches!(
            self.progress,
            Progress::Written | Progress::Settling | Progress::Refused | Progress::Incomplete(_)
        )
    }

    /// Whether it would lose what its program does with it if it went to another place: it was
    /// written to, or it was emptied and its program is about to write.
    pub(in crate::fs::edits) fn is_in_use(&self) -> bool {
        self.is_written() || self.is_open() && self.progress == Progress::Emptied
    }

    /// Whether another file was put in its place.
    pub(in crate::fs::edits) fn is_replaced(&self) -> bool {
        self.progress == Progress::Replaced
    }

    /// Whether the bytes were refused as a value.
    pub(in crate::fs::edits) fn is_refused(&self) -> bool {
        matches!(self.progress, Progress::Refused | Progress::Incomplete(_))
    }

    /// Whether others see the bytes and not the value of the message.
    pub(in crate::fs::edits) fn is_seen(&self) -> bool {
        let is_ahead =
            matches!(self.progress, Progress::Emptied | Progress::Written | Progress::Settling);
        self.bytes.is_some() && (self.is_new() || is_ahead)
    }

    /// The length of the bytes if they differ from the value, and when they were changed.
    pub(in crate::fs::edits) fn len_and_time(&self) -> Option<(u64, SystemTime)> {
        let bytes = self.bytes.as_ref().filter(|_| self.is_seen())?;
        Some((bytes.len().unwrap_or(0), self.changed))
    }

    /// How many bytes it has, whether they are shown yet or not.
    pub(in crate::fs::edits) fn len(&self) -> u64 {
        self.bytes.as_ref().and_then(|bytes| bytes.len().ok()).unwrap_or(0)
    }

    pub(in crate::fs::edits) fn read_at(
        &self,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        match &self.bytes {
            Some(bytes) => bytes.read_at(offset, buffer).map_err(Error::Buffer),
            None => Ok(0),
        }
    }

    /// The bytes as a buffer of their own.
    pub(in crate::fs::edits) fn copy(&self) -> Buffer {
        self.bytes.clone().unwrap_or_default()
    }

    /// How many bytes more the state folder must have room for, so that the file can have this
    /// length.
    pub(in crate::fs::edits) fn room_for(&mut self, len: u64) -> Result<u64, Error> {
        self.bytes.as_mut().map_or(Ok(len), |bytes| bytes.room_for(len)).map_err(Error::Buffer)
    }

    /// Writes at a place, or at the end. Nothing may be written to a file that is replaced.
    pub(in crate::fs::edits) fn write(
        &mut self,
        spool: &Spool,
        offset: Option<u64>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let buffer = self.change();
        let offset = match offset {
            Some(offset) => offset,
            None => buffer.len().map_err(Error::Buffer)?,
        };
        buffer.write(spool, offset, bytes).map_err(Error::Buffer)?;
        self.note_written();
        Ok(())
    }

    /// Notes that the bytes were changed. If a write was refused before, they are still not whole.
    fn note_written(&mut self) {
        if !matches!(self.progress, Progress::Incomplete(_)) {
            self.progress = Progress::Written;
        }
    }

    /// Notes that a write was refused.
    pub(in crate::fs::edits) fn refuse_write(&mut self, refusal: WriteRefusal, reason: String) {
        // If nothing was written since the bytes became the value, the value stays as it is.
        let is_value = matches!(self.progress, Progress::Settled | Progress::Waiting);
        if !self.is_replaced() && (refusal == WriteRefusal::NoRoom || !is_value) {
            self.progress = Progress::Incomplete(refusal);
            self.refusal = reason;
        }
    }

    /// Whether a check of what is written at a place, or at the end, is to begin.
    pub(in crate::fs::edits) fn needs_check(&self, offset: Option<u64>) -> bool {
        match self.start {
            Start::Empty => true,
            Start::Present => offset.is_none_or(|offset| offset == self.len()),
            Start::Checked(_) | Start::Unknown => false,
        }
    }

    /// Begins a check with what is there already.
    pub(in crate::fs::edits) fn begin_check(&mut self, mut check: StartCheck) {
        let pushed = self.bytes.as_ref().map_or(Ok(()), |bytes| {
            let read = |at, piece: &mut [u8]| Ok(bytes.read_at(at, piece)?);
            pieces::each_piece(bytes.len()?, read, |_, piece| check.push(piece))
        });
        // What is there may be no value yet: a program may have put it there in parts.
        self.start = if pushed.is_ok() { Start::Checked(check) } else { Start::Unknown };
    }

    /// Checks what is to be written at a place, or at the end.
    ///
    /// # Errors
    /// If nothing that follows could make the bytes a value.
    pub(in crate::fs::edits) fn check(
        &mut self,
        offset: Option<u64>,
        bytes: &[u8],
    ) -> Result<(), view::Error> {
        let check = match &mut self.start {
            Start::Checked(check) => check,
            Start::Empty | Start::Present => {
                self.start = Start::Unknown;
                return Ok(());
            }
            Start::Unknown => return Ok(()),
        };
        if offset.is_some_and(|offset| offset != check.len()) {
            self.start = Start::Unknown;
            return Ok(());
        }
        let checked = check.push(bytes);
        if checked.is_err() {
            self.start = Start::Unknown;
        }
        checked
    }

    /// Cuts the bytes, or fills them up with zeros.
    pub(in crate::fs::edits) fn set_len(&mut self, spool: &Spool, len: u64) -> Result<(), Error> {
        self.change().set_len(spool, len).map_err(Error::Buffer)?;
        if len == 0 {
            (self.start, self.progress) = (Start::Empty, Progress::Emptied);
        } else {
            self.start = Start::Unknown;
            self.note_written();
        }
        Ok(())
    }

    /// The bytes, if they are due to become the value at this moment. The caller then says what
    /// became of them, with [`OpenContent::settled`], [`OpenContent::wait`] or
    /// [`OpenContent::refuse`].
    pub(in crate::fs::edits) fn due(
        &mut self,
        moment: Moment,
    ) -> Result<Option<Arc<Source>>, Error> {
        match (self.progress, moment) {
            (Progress::Settled | Progress::Waiting | Progress::Replaced, _)
            | (Progress::Emptied, Moment::Flush) => Ok(None),
            (Progress::Incomplete(refusal), _) => Err(refusal.error()),
            (Progress::Emptied, Moment::Final)
            | (Progress::Written | Progress::Settling | Progress::Refused, _) => {
                let bytes = self.share()?;
                self.progress = Progress::Settling;
                Ok(Some(bytes))
            }
        }
    }

    /// Notes that the bytes that were due have become the value. If a program has written since,
    /// the file is still [`Progress::Written`].
    pub(in crate::fs::edits) fn settled(&mut self) {
        self.is_new = false;
        self.end_settling(Progress::Settled);
    }

    /// Notes that the bytes that were due wait to come into the message, which has no such file
    /// until then.
    pub(in crate::fs::edits) fn wait(&mut self) {
        self.end_settling(Progress::Waiting);
    }

    /// Whether the bytes wait to come into the message.
    pub(in crate::fs::edits) fn is_waiting(&self) -> bool {
        self.progress == Progress::Waiting
    }

    /// Notes that the bytes that waited have come into the message. If a program has written since,
    /// the file is still [`Progress::Written`].
    pub(in crate::fs::edits) fn taken(&mut self) {
        self.is_new = false;
        if self.is_waiting() {
            self.progress = Progress::Settled;
        }
    }

    /// Notes that the bytes were refused as a value, for this reason.
    pub(in crate::fs::edits) fn refuse(&mut self, reason: String) {
        if self.is_replaced() {
            return;
        }
        self.progress = Progress::Refused;
        self.refusal = reason;
    }

    /// Why the bytes were refused.
    pub(in crate::fs::edits) fn refusal(&self) -> &str {
        &self.refusal
    }

    fn end_settling(&mut self, outcome: Progress) {
        if self.progress == Progress::Settling {
            self.progress = outcome;
        }
    }

    /// Takes the bytes of a temporary file that was renamed onto this file, and the programs that
    /// have it open. `is_changed` is set if the bytes are not the value yet.
    pub(in crate::fs::edits) fn take_over(
        &mut self,
        bytes: Buffer,
        handles: u32,
        is_changed: bool,
    ) {
        self.read_anew();
        self.handles += handles;
        self.bytes = Some(bytes);
        if is_changed {
            (self.start, self.progress) = (Start::Unknown, Progress::Written);
        }
    }

    /// Notes that another file was put in its place. The programs that have it open cannot write to
    /// that one: parts of both would be in it.
    pub(in crate::fs::edits) fn replaced(&mut self) {
        self.read_anew();
        self.progress = Progress::Replaced;
    }

    /// Notes that the file has another path, where other rules may hold for its bytes.
    pub(in crate::fs::edits) fn moved(&mut self) {
        self.start = Start::Unknown;
    }

    /// Drops the bytes, since the value was set by other means.
    pub(in crate::fs::edits) fn read_anew(&mut self) {
        self.progress = Progress::Settled;
        self.start = Start::Present;
        self.is_new = false;
        self.bytes = None;
    }

    /// The bytes, to be changed.
    fn change(&mut self) -> &mut Buffer {
        self.changed = SystemTime::now();
        self.bytes.get_or_insert_default()
    }

    /// The bytes as the content of a value.
    pub(in crate::fs::edits) fn share(&mut self) -> Result<Arc<Source>, Error> {
        self.bytes.get_or_insert_default().share().map_err(Error::Buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::buffer::Buffer;
    use super::{Moment, NodeId, OpenContent, OpenFile, Spool};

    fn opened(is_new: bool) -> std::sync::Arc<OpenFile> {
        OpenFile::new(NodeId(16), is_new)
    }

    fn spool() -> Spool {
        Spool::new(&std::env::temp_dir())
    }

    fn bytes(file: &OpenFile, moment: Moment) -> Option<Vec<u8>> {
        let source = file.lock().due(moment).unwrap()?;
        let mut bytes = vec![0; usize::try_from(source.len()).unwrap()];
        source.read_at(0, &mut bytes).unwrap();
        Some(bytes)
    }

    #[test]
    fn an_emptied_file_waits_for_what_is_written() {
        let file = opened(false);
        file.lock().set_len(&spool(), 0).unwrap();
        assert_eq!(bytes(&file, Moment::Flush), None);
        file.lock().write(&spool(), Some(0), b"a").unwrap();
        assert_eq!(bytes(&file, Moment::Flush), Some(b"a".to_vec()));
        file.lock().settled();
        assert_eq!(bytes(&file, Moment::Final), None);
        file.lock().set_len(&spool(), 0).unwrap();
        assert_eq!(bytes(&file, Moment::Final), Some(Vec::new()));
    }

    #[test]
    fn appenders_lose_nothing_of_each_other() {
        let file = opened(false);
        let mut old = Buffer::default();
        old.write(&spool(), 0, b"old ").unwrap();
        file.lock().load(old);
        for word in [b"one ", b"two "] {
            file.lock().write(&spool(), None, word).unwrap();
        }
        assert_eq!(bytes(&file, Moment::Flush).unwrap(), b"old one two ");
    }

    /// One thread of a program writes while another one closes a copy of the descriptor.
    #[test]
    fn what_is_written_while_a_value_is_made_is_still_to_do() {
        for ends in [OpenContent::settled, OpenContent::wait] {
            let file = opened(true);
            file.lock().write(&spool(), None, b"a").unwrap();
            assert_eq!(bytes(&file, Moment::Flush), Some(b"a".to_vec()));
            file.lock().write(&spool(), None, b"b").unwrap();
            ends(&mut file.lock());
            assert_eq!(bytes(&file, Moment::Flush), Some(b"ab".to_vec()));
            ends(&mut file.lock());
            assert_eq!(bytes(&file, Moment::Flush), None);
        }
    }

    #[test]
    fn a_value_stays_when_more_is_written() {
        let file = opened(true);
        file.lock().write(&spool(), Some(2 << 20), b"end").unwrap();
        let value = file.lock().due(Moment::Flush).unwrap().unwrap();
        file.lock().settled();
        file.lock().write(&spool(), Some(0), b"x").unwrap();
        let mut first = [9];
        value.read_at(0, &mut first).unwrap();
        assert_eq!(first, [0]);
    }
}
