//! The records of a log: bytes that are framed by their length and a checksum.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::storage::FileState;

use super::Sequence;

/// One record.
#[derive(Debug, PartialEq)]
pub(super) enum LogRecord {
    /// The first one: whose edits these are.
    Head { message: PathBuf, base: Option<FileState>, since: SystemTime },
    /// An edit.
    Edit { sequence: Sequence, at: SystemTime, change: LoggedChange },
    /// A save is about to put a file of this state in place, with the edits up to a number.
    Committing { upto: Sequence, state: FileState },
    /// The message has this path from now on, and its file this state.
    Moved { message: PathBuf, base: Option<FileState> },
    /// The edits know the attachment on a storage by this name.
    Named { storage: String, name: String },
}

/// What an edit does, and where its bytes are.
#[derive(Debug, PartialEq)]
pub(super) enum LoggedChange {
    Set { path: String, value: Stored },
    Remove { path: String },
    Rename { from: String, to: String },
    Replace { from: String, to: String, value: Stored },
    CreateMessage { path: String },
    Create { permissions: u32 },
    Temporary { path: String, value: Stored },
}

/// The bytes of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Stored {
    /// In the record.
    Inline(Vec<u8>),
    /// In a file of so many bytes, which has the number of the edit as its name.
    Spooled { len: u64 },
}

/// The first bytes of a log: its kind and its version.
pub(super) const SIGNATURE: &[u8; 16] = b"msgfs edit log 2";
/// A log of the first version has no record that the second version does not have.
pub(super) const FIRST_SIGNATURE: &[u8; 16] = b"msgfs edit log 1";
/// No record is longer: a path has at most 4,096 bytes, and a value in a record at most
/// `INLINE_BYTES_MAX` of `message_log`.
const LEN_MAX: u32 = 1 << 20;
const FRAME: usize = 4 + CHECKSUM;
const CHECKSUM: usize = 8;

impl LogRecord {
    /// The record with its frame.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut out = RecordWriter(Vec::new());
        match self {
            Self::Head { message, base, since } => {
                out.byte(0);
                out.path(message);
                out.state(base.as_ref());
                out.time(Some(*since));
            }
            Self::Edit { sequence, at, change } => {
                out.byte(1);
                out.number(sequence.0);
                out.time(Some(*at));
                out.change(change);
            }
            Self::Committing { upto, state } => {
                out.byte(2);
                out.number(upto.0);
                out.state(Some(state));
            }
            Self::Moved { message, base } => {
                out.byte(3);
                out.path(message);
                out.state(base.as_ref());
            }
            Self::Named { storage, name } => {
                out.byte(4);
                out.bytes(storage.as_bytes());
                out.bytes(name.as_bytes());
            }
        }
        let payload = out.0;
        let len = u32::try_from(payload.len()).ok().filter(|len| *len <= LEN_MAX);
        let len = len.ok_or(io::ErrorKind::InvalidInput)?;
        Ok([&len.to_le_bytes(), &checksum(&payload)[..], &payload].concat())
    }

    /// The next record, and its length with the frame; `None` at the end, and at the first record
    /// that was cut off or damaged.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for a record of a later version.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<(Self, u64)>> {
        let mut frame = [0; FRAME];
        if !fill(from, &mut frame)? {
            return Ok(None);
        }
        let Some((len, sum)) = frame.split_first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_le_bytes(*len);
        if len > LEN_MAX {
            return Ok(None);
        }
        let mut payload = Vec::new();
        from.take(u64::from(len)).read_to_end(&mut payload)?;
        if payload.len() as u64 != u64::from(len) || checksum(&payload) != sum {
            return Ok(None);
        }
        let bytes = FRAME as u64 + u64::from(len);
        // A whole record is no end that was cut off: a later version has written it.
        let record = RecordReader(&payload).record().ok_or(io::ErrorKind::InvalidData)?;
        Ok(Some((record, bytes)))
    }
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = [0; CHECKSUM];
    for (to, from) in sum.iter_mut().zip(Sha256::digest(payload)) {
        *to = from;
    }
    sum
}

/// Fills a buffer; `false` if there are not enough bytes.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

struct RecordWriter(Vec<u8>);

impl RecordWriter {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn signed(&mut self, number: i64) {
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn path(&mut self, path: &Path) {
        self.bytes(path.as_os_str().as_bytes());
    }

    /// The distance from 1970 in seconds and nanoseconds, and its sign.
    fn time(&mut self, time: Option<SystemTime>) {
        self.byte(u8::from(time.is_some()));
        let Some(time) = time else { return };
        // A file may have a time before 1970.
        let (sign, since) = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => (0, since),
            Err(error) => (1, error.duration()),
        };
        self.byte(sign);
        self.number(since.as_secs());
        self.number(u64::from(since.subsec_nanos()));
    }

    fn state(&mut self, state: Option<&FileState>) {
        self.byte(u8::from(state.is_some()));
        let Some(state) = state else { return };
        for number in [state.device, state.inode, state.size] {
            self.number(number);
        }
        for number in [state.mtime.0, state.mtime.1, state.ctime.0, state.ctime.1] {
            self.signed(number);
        }
    }

    fn stored(&mut self, value: &Stored) {
        match value {
            Stored::Inline(bytes) => {
                self.byte(0);
                self.bytes(bytes);
            }
            Stored::Spooled { len } => {
                self.byte(1);
                self.number(*len);
            }
        }
    }

    fn change(&mut self, change: &LoggedChange) {
        match change {
            LoggedChange::Set { path, value } => {
                self.byte(0);
                self.bytes(path.as_bytes());
                self.stored(value);
            }
            LoggedChange::Remove { path } => {
                self.byte(1);
                self.bytes(path.as_bytes());
            }
            LoggedChange::Rename { from, to } => {
                self.byte(2);
                self.bytes(from.as_bytes());
                self.bytes(to.as_bytes());
            }
            LoggedChange::CreateMessage { path } => {
                self.byte(3);
                self.bytes(path.as_bytes());
            }
            LoggedChange::Create { permissions } => {
                self.byte(4);
                self.number(u64::from(*permissions));
            }
            LoggedChange::Temporary { path, value } => {
                self.byte(5);
                self.bytes(path.as_bytes());
                self.stored(value);
            }
            LoggedChange::Replace { from, to, value } => {
                self.byte(6);
                self.bytes(from.as_bytes());
                self.bytes(to.as_bytes());
                self.stored(value);
            }
        }
    }
}

/// Reads the rest of a payload. Its methods return `None` for a record of a later version.
struct RecordReader<'a>(&'a [u8]);

impl RecordReader<'_> {
    fn record(&mut self) -> Option<LogRecord> {
        Some(match self.byte()? {
            0 => {
                let (message, base) = (self.path()?, self.state()?);
                LogRecord::Head { message, base, since: self.time()?? }
            }
            1 => {
                let (sequence, at) = (Sequence(self.number()?), self.time()??);
                LogRecord::Edit { sequence, at, change: self.change()? }
            }
            2 => LogRecord::Committing { upto: Sequence(self.number()?), state: self.state()?? },
            3 => LogRecord::Moved { message: self.path()?, base: self.state()? },
            4 => LogRecord::Named { storage: self.text()?, name: self.text()? },
            _ => return None,
        })
    }

    fn change(&mut self) -> Option<LoggedChange> {
        Some(match self.byte()? {
            0 => LoggedChange::Set { path: self.text()?, value: self.stored()? },
            1 => LoggedChange::Remove { path: self.text()? },
            2 => LoggedChange::Rename { from: self.text()?, to: self.text()? },
            3 => LoggedChange::CreateMessage { path: self.text()? },
            4 => LoggedChange::Create { permissions: u32::try_from(self.number()?).ok()? },
            5 => LoggedChange::Temporary { path: self.text()?, value: self.stored()? },
            6 => LoggedChange::Replace {
                from: self.text()?,
                to: self.text()?,
                value: self.stored()?,
            },
            _ => return None,
        })
    }

    fn stored(&mut self) -> Option<Stored> {
        match self.byte()? {
            0 => Some(Stored::Inline(self.bytes()?.to_vec())),
            1 => Some(Stored::Spooled { len: self.number()? }),
            _ => None,
        }
    }

    fn state(&mut self) -> Option<Option<FileState>> {
        if self.byte()? == 0 {
            return Some(None);
        }
        let (device, inode, size) = (self.number()?, self.number()?, self.number()?);
        let mtime = (self.signed()?, self.signed()?);
        let ctime = (self.signed()?, self.signed()?);
        Some(Some(FileState { device, inode, size, mtime, ctime }))
    }

    fn time(&mut self) -> Option<Option<SystemTime>> {
        if self.byte()? == 0 {
            return Some(None);
        }
        let is_before = self.byte()? != 0;
        let (seconds, nanos) = (self.number()?, u32::try_from(self.number()?).ok()?);
        let nanos = Some(nanos).filter(|nanos| *nanos < 1_000_000_000)?;
        let since = Duration::new(seconds, nanos);
        let time = match is_before {
            true => UNIX_EPOCH.checked_sub(since)?,
            false => UNIX_EPOCH.checked_add(since)?,
        };
        Some(Some(time))
    }

    fn path(&mut self) -> Option<PathBuf> {
        Some(OsString::from_vec(self.bytes()?.to_vec()).into())
    }

    fn text(&mut self) -> Option<String> {
        Some(std::str::from_utf8(self.bytes()?).ok()?.to_owned())
    }

    fn bytes(&mut self) -> Option<&[u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn signed(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(number: u64) -> FileState {
        FileState {
            device: number,
            inode: u64::MAX,
            size: 3,
            mtime: (-1, 5),
            ctime: (i64::MIN, 999_999_999),
        }
    }

    fn records() -> Vec<LogRecord> {
        let at = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
        let early = UNIX_EPOCH - Duration::new(10, 1);
        let edit = |number, change| LogRecord::Edit { sequence: Sequence(number), at, change };
        let odd = "a\u{1}\n/é".repeat(60);
        let inline = |bytes: &[u8]| Stored::Inline(bytes.to_vec());
        vec![
            LogRecord::Head { message: "/mail/A.msg".into(), base: Some(state(1)), since: early },
            edit(1, LoggedChange::Set { path: odd.clone(), value: inline(b"\0x") }),
            edit(
                2,
                LoggedChange::Set { path: "b".into(), value: Stored::Spooled { len: u64::MAX } },
            ),
            edit(3, LoggedChange::Remove { path: odd.clone() }),
            edit(4, LoggedChange::Rename { from: odd.clone(), to: "".into() }),
            edit(5, LoggedChange::CreateMessage { path: "attachments/i.msg".into() }),
            edit(6, LoggedChange::Create { permissions: 0o640 }),
            edit(7, LoggedChange::Temporary { path: "4913".into(), value: inline(b"t") }),
            edit(8, LoggedChange::Replace { from: odd, to: "b".into(), value: inline(b"r") }),
            LogRecord::Committing { upto: Sequence(4), state: state(2) },
            LogRecord::Moved { message: OsString::from_vec(b"/\xFF\n".into()).into(), base: None },
            LogRecord::Named { storage: "/__ATTACH".into(), name: "a (2).txt".into() },
        ]
    }

    fn read_all(mut bytes: &[u8]) -> Vec<LogRecord> {
        let next = || LogRecord::read(&mut bytes).unwrap();
        std::iter::from_fn(next).map(|(record, _)| record).collect()
    }

    #[test]
    fn every_record_reads_back() {
        let wanted = records();
        let bytes: Vec<u8> = wanted.iter().flat_map(|record| record.to_bytes().unwrap()).collect();
        assert_eq!(read_all(&bytes), wanted);
    }

    #[test]
    fn a_log_that_is_cut_off_anywhere_gives_the_records_before() {
        let wanted = records();
        let all: Vec<_> = wanted.iter().map(|record| record.to_bytes().unwrap()).collect();
        let bytes = all.concat();
        for cut in 0..bytes.len() {
            let mut whole = 0;
            let mut end = 0;
            while whole < all.len() && end + all[whole].len() <= cut {
                end += all[whole].len();
                whole += 1;
            }
            assert_eq!(read_all(&bytes[..cut]), wanted[..whole], "{cut}");
        }
    }

    #[test]
    fn a_byte_that_changed_ends_the_log() {
        let wanted = records();
        let first = wanted[0].to_bytes().unwrap().len();
        let bytes: Vec<u8> = wanted.iter().flat_map(|record| record.to_bytes().unwrap()).collect();
        for place in first..first + wanted[1].to_bytes().unwrap().len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x40;
            assert_eq!(read_all(&changed), wanted[..1], "{place}");
        }
    }

    #[test]
    fn a_record_of_a_later_version_is_no_end_that_was_cut_off() {
        let payload = [9, 1, 2];
        let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let bytes = [&len[..], &checksum(&payload), &payload].concat();
        let read = LogRecord::read(&mut bytes.as_slice());
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
