//! Characters in a string that may be what is left of a text: NULs, as in a sector of zeros, and
//! surrogates without the other half of their pair. One NUL ends the strings of many programs.
//!
//! Reads a string piece by piece, and keeps none of it.

use crate::mapi::PropertyType;
use crate::storage::Stream;

/// A string is read in pieces of this many bytes.
const PIECE_BYTES: usize = 64 << 10;

/// In a text, fewer NULs than this together are no sign of damage: some programs store UTF-16 as an
/// 8-bit string.
const RUN_MIN: u64 = 4;

/// How many bytes a NUL has in the strings of this type, or of one of its values; `None` if it is no
/// string.
pub(super) fn unit_of(property_type: PropertyType) -> Option<usize> {
    match property_type {
        PropertyType::STRING | PropertyType::MULTIPLE_STRING => Some(2),
        PropertyType::STRING8 | PropertyType::MULTIPLE_STRING8 => Some(1),
        _ => None,
    }
}

/// The cause if a string, whose NULs have `unit` bytes, is more than one NUL and has no text. Of a
/// string that has one, only its beginning is read.
pub(super) fn blank_cause(stream: &Stream, unit: usize) -> Option<String> {
    let mut first = [0; 2];
    let first = first.get_mut(..unit)?;
    if stream.len() <= u64::try_from(unit).ok()? {
        return None;
    }
    // What cannot be read is a defect of its own.
    let is_read = stream.read_at(0, first).is_ok_and(|read| read == unit);
    if !is_read || first.iter().any(|byte| *byte != 0) {
        return None;
    }
    let nuls = Nuls::count(stream, unit)?;
    nuls.has_no_text().then(|| format!("a text of {} NULs, and nothing else", nuls.at_end))
}

/// What to note on a string whose NULs have `unit` bytes: NULs at the end are left out, and half of a
/// surrogate pair is no character.
pub(super) fn notes(stream: &Stream, unit: usize) -> Vec<String> {
    let Some(nuls) = Nuls::count(stream, unit).filter(|nuls| !nuls.has_no_text()) else {
        return Vec::new();
    };
    let inside =
        (nuls.inside > 0).then(|| format!("NULs before the end of its text: {}", nuls.inside));
    let at_end = (nuls.at_end > 1).then(|| format!("{} NULs at its end are left out", nuls.at_end));
    let lone = (nuls.lone_surrogates > 0).then(|| {
        format!("surrogates without their pair, read as U+FFFD: {}", nuls.lone_surrogates)
    });
    inside.into_iter().chain(at_end).chain(lone).collect()
}

/// The NULs of a string.
#[derive(Default)]
struct Nuls {
    /// Those before the end of the text, of which several stand together.
    inside: u64,
    /// Those behind the text.
    at_end: u64,
    /// The other characters.
    others: u64,
    /// Halves of surrogate pairs without the other half, in UTF-16.
    lone_surrogates: u64,
    /// Whether the last one was the first half of a pair.
    is_in_pair: bool,
}

impl Nuls {
    /// Counts them; `None` if a part of the string cannot be read.
    fn count(stream: &Stream, unit: usize) -> Option<Self> {
        let extents = stream.extents();
        let mut nuls = Self::default();
        let mut offset = 0;
        let len = usize::try_from(stream.len()).unwrap_or(usize::MAX);
        let mut piece = vec![0; len.min(PIECE_BYTES)];
        while offset < stream.len() {
            let read = extents.read_at(offset, &mut piece).ok().filter(|read| *read > 0)?;
            for one in piece.get(..read)?.chunks_exact(unit) {
                nuls.add(one);
            }
            offset += u64::try_from(read).ok()?;
        }
        nuls.lone_surrogates += u64::from(nuls.is_in_pair);
        Some(nuls)
    }

    /// Counts a character of an 8-bit string, or a unit of UTF-16.
    fn add(&mut self, one: &[u8]) {
        if let Ok(unit) = one.try_into() {
            self.add_surrogate(u16::from_le_bytes(unit));
        }
        if one.iter().all(|byte| *byte == 0) {
            self.at_end += 1;
            return;
        }
        let run = std::mem::take(&mut self.at_end);
        if run >= RUN_MIN {
            self.inside += run;
        }
        self.others += 1;
    }

    fn add_surrogate(&mut self, unit: u16) {
        let was_in_pair = std::mem::replace(&mut self.is_in_pair, (0xD800..0xDC00).contains(&unit));
        let ends_pair = (0xDC00..0xE000).contains(&unit);
        self.lone_surrogates += u64::from(was_in_pair != ends_pair);
    }

    fn has_no_text(&self) -> bool {
        self.others == 0 && self.at_end > 1
    }
}
