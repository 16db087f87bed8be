//! Compressed RTF, the form of `PR_RTF_COMPRESSED` (\[MS-OXRTFCP\]).
//!
//! It does not interpret the RTF, except that the dictionary begins with some RTF words.

use crate::mapi::crc::crc;

/// The result of [`check`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// What is wrong with the stream.
    pub defect: Option<String>,
    /// What the header says that is not so, although nothing is lost.
    pub note: Option<String>,
    /// How many bytes of RTF [`decompress`] gives, with the NULs at their end.
    pub rtf_bytes: usize,
}

/// Why no RTF can be read from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The stream has no complete header.
    #[error("compressed rtf: the header needs {HEADER_BYTES} bytes, found {found_bytes}")]
    TooShort {
        /// The length of the stream.
        found_bytes: usize,
    },
    /// `COMPTYPE` is none of the two known types.
    #[error("compressed rtf: type at byte 8 is neither LZFu nor MELA, found {found:#010X}")]
    UnknownType {
        /// The type found.
        found: u32,
    },
}

/// At most this many bytes are decompressed. A stream of a few MiB stands for at most eight times as
/// many anyway.
const RTF_BYTES_MAX: usize = 128 << 20;
/// A header may count so many bytes more than there are: the NUL at the end of the RTF, which not
/// all programs write.
const END_BYTES_MAX: usize = 2;

/// Decompresses a stream (\[MS-OXRTFCP\] 2.2, 3.1.1.3), without the NUL that some programs write at
/// the end of the RTF. If the stream is damaged, returns what can be read of it; [`check`] says what
/// is wrong.
///
/// # Errors
/// Only if nothing can be read: the header is incomplete, or the type unknown.
pub fn decompress(stream: &[u8]) -> Result<Vec<u8>, Error> {
    let (header, payload) = RtfHeader::read(stream)?;
    let mut rtf = match header.compression {
        CompressionType::Stored => header.stated(payload).to_vec(),
        CompressionType::Compressed => {
            let capacity_bytes = header.raw_size_bytes.min(expanded_bytes_max(payload.len()));
            let mut rtf = expand(payload, capacity_bytes.min(RTF_BYTES_MAX), RTF_BYTES_MAX).0;
            rtf.truncate(RTF_BYTES_MAX);
            rtf
        }
    };
    // Many programs store the RTF with the NUL of a C string at its end (one stream in seven).
    rtf.truncate(rtf.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Ok(rtf)
}

/// Decompresses at most the first `bytes_max` bytes of an RTF.
///
/// # Errors
/// As [`decompress`].
pub fn decompress_prefix(stream: &[u8], bytes_max: usize) -> Result<Vec<u8>, Error> {
    let (header, payload) = RtfHeader::read(stream)?;
    let mut rtf = match header.compression {
        CompressionType::Stored => {
            let stored = header.stated(payload);
            stored.get(..bytes_max).unwrap_or(stored).to_vec()
        }
        CompressionType::Compressed => {
            expand(payload, bytes_max.min(PREFIX_BYTES_MAX), bytes_max).0
        }
    };
    rtf.truncate(bytes_max);
    Ok(rtf)
}

/// Compares the header with the payload: lengths and checksum. The payload is followed to its end,
/// but not decompressed.
pub fn check(stream: &[u8]) -> Check {
    let (header, payload) = match RtfHeader::read(stream) {
        Ok(read) => read,
        Err(error) => return Check { defect: Some(error.to_string()), ..Check::default() },
    };
    let defect = header.defect(payload);
    if matches!(header.compression, CompressionType::Stored) {
        return Check { defect, note: None, rtf_bytes: header.stated(payload).len() };
    }
    let stated = header.raw_size_bytes;
    let (found, has_end_mark) = expanded_len(payload);
    let may_lack = if has_end_mark { END_BYTES_MAX } else { 0 };
    let defect = defect.or_else(|| {
        if found.saturating_add(may_lack) < stated {
            return Some(format!(
                "compressed rtf: ends early, expected {stated} bytes, found {found}"
            ));
        }
        (found > RTF_BYTES_MAX).then(|| {
            format!("compressed rtf: of {found} bytes only the first {RTF_BYTES_MAX} are read")
        })
    });
    let note = (defect.is_none() && found != stated).then(|| {
        format!("the header of the compressed RTF says {stated} bytes, all {found} are read")
    });
    Check { defect, note, rtf_bytes: found.min(RTF_BYTES_MAX) }
}

/// Compresses RTF (\[MS-OXRTFCP\] 3.1.1.4), taking the longest match at each place.
pub fn compress(rtf: &[u8]) -> Vec<u8> {
    let payload = shrink(rtf);
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut stream = Vec::with_capacity(HEADER_BYTES + payload.len());
    stream.extend_from_slice(&size(payload.len() + HEADER_BYTES - SIZE_BYTES));
    stream.extend_from_slice(&size(rtf.len()));
    stream.extend_from_slice(&LZFU.to_le_bytes());
    stream.extend_from_slice(&crc(&payload).to_le_bytes());
    stream.extend_from_slice(&payload);
    stream
}

const HEADER_BYTES: usize = 16;
/// `COMPSIZE` counts the bytes after itself.
const SIZE_BYTES: usize = 4;
/// `"LZFu"`.
const LZFU: u32 = 0x7546_5A4C;
/// `"MELA"`.
const MELA: u32 = 0x414C_454D;

/// What every RTF begins with.
const RTF_START: &[u8] = b"{\\rtf";

/// The dictionary is a ring of this size; a position in it is 12 bits of a reference.
const RING_BYTES: usize = 1 << 12;
/// A reference is 12 bits of position and 4 bits of length, counted from 2.
const MATCH_BYTES_MIN: usize = 2;
const MATCH_BYTES_MAX: usize = MATCH_BYTES_MIN + 15;
/// A match is expanded by a copy of this many bytes.
const BLOCK_BYTES: usize = 32;
/// The room that a run of eight matches needs, with the block of the last one.
const ROOM_BYTES_MIN: usize = 8 * MATCH_BYTES_MAX + BLOCK_BYTES;
/// At most so much room is set to zero at a time, so that it is still in the cache of the processor
/// when the output comes.
const ROOM_BYTES_MAX: usize = 1 << 14;
const _: () = assert!(BLOCK_BYTES >= MATCH_BYTES_MAX, "a block holds the longest match");
/// For each match, at most this many candidates are tried, so that no input takes more than linear
/// time.
const CANDIDATES_MAX: usize = 256;
/// `decompress_prefix` allocates at most this at first. It is enough to tell the kind of an RTF.
const PREFIX_BYTES_MAX: usize = 1 << 16;

/// The initial content of the dictionary (\[MS-OXRTFCP\] 2.1.2.1).
const PRELOAD: &[u8; 207] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}\
{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New Roman\
Courier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

#[derive(Clone, Copy)]
enum CompressionType {
    Compressed,
    Stored,
}

/// The header (\[MS-OXRTFCP\] 2.1.3.1).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | `COMPSIZE`: the bytes after this field |
/// | 4 | 4 | `RAWSIZE`: the bytes of the RTF; of stored RTF, again `COMPSIZE` |
/// | 8 | 4 | `COMPTYPE` |
/// | 12 | 4 | `CRC` of the payload; 0 for stored RTF |
struct RtfHeader {
    compressed_size_bytes: usize,
    raw_size_bytes: usize,
    compression: CompressionType,
    crc: u32,
}

impl RtfHeader {
    /// Splits a stream into header and payload.
    fn read(stream: &[u8]) -> Result<(Self, &[u8]), Error> {
        let too_short = Error::TooShort { found_bytes: stream.len() };
        let (header, payload) = stream.split_first_chunk::<HEADER_BYTES>().ok_or(too_short)?;
        let [compressed_size, raw_size, kind, crc] = header.as_chunks::<4>().0 else {
            return Err(too_short);
        };
        let size = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes));
        let compression = match u32::from_le_bytes(*kind) {
            LZFU => CompressionType::Compressed,
            MELA => CompressionType::Stored,
            found => return Err(Error::UnknownType { found }),
        };
        let header = Self {
            compressed_size_bytes: size(compressed_size).unwrap_or(usize::MAX),
            raw_size_bytes: size(raw_size).unwrap_or(usize::MAX),
            compression,
            crc: u32::from_le_bytes(*crc),
        };
        Ok((header, payload))
    }

    /// The part of the payload that the header counts. What is behind it is padding.
    fn stated<'a>(&self, payload: &'a [u8]) -> &'a [u8] {
        payload.get(..self.payload_bytes()).unwrap_or(payload)
    }

    fn payload_bytes(&self) -> usize {
        (self.compressed_size_bytes.saturating_add(SIZE_BYTES)).saturating_sub(HEADER_BYTES)
    }

    /// The defect if the header contradicts the payload: its length or its checksum.
    fn defect(&self, payload: &[u8]) -> Option<String> {
        let expected_bytes = self.payload_bytes();
        if expected_bytes > payload.len() {
            return Some(format!(
                "compressed rtf: cut short, the header promises {expected_bytes} bytes of payload, \
                 found {}",
                payload.len()
            ));
        }
        if matches!(self.compression, CompressionType::Stored) {
            return self.stored_defect(payload);
        }
        // The checksum does not cover the padding.
        let found = crc(self.stated(payload));
        (found != self.crc).then(|| {
            format!(
                "compressed rtf: checksum of the payload is {found:08X}, the header says {:08X}",
                self.crc
            )
        })
    }

    /// The defect if a payload that is to be stored RTF is something else: compressed RTF has a
    /// checksum. The size of the RTF tells nothing, because programs differ in what they count.
    fn stored_defect(&self, payload: &[u8]) -> Option<String> {
        if self.crc != 0 {
            let crc = self.crc;
            return Some(format!("compressed rtf: stored RTF has no checksum, found {crc:08X}"));
        }
        let begins = payload.is_empty() || payload.starts_with(RTF_START);
        (!begins).then(|| "compressed rtf: the stored bytes are no RTF".to_owned())
    }
}

/// The most bytes a payload can expand to: two bytes of reference give 17.
const fn expanded_bytes_max(payload_bytes: usize) -> usize {
    (payload_bytes / 2 + 1).saturating_mul(MATCH_BYTES_MAX)
}

/// A reference: the position of a match in the dictionary, and its length.
fn reference(bytes: [u8; 2]) -> (usize, usize) {
    let reference = usize::from(u16::from_be_bytes(bytes));
    (reference >> 4, (reference & 0xF) + MATCH_BYTES_MIN)
}

/// To how many bytes a payload expands, to its end mark or, as some programs leave that out, to its
/// end; and whether the end mark is there.
fn expanded_len(payload: &[u8]) -> (usize, bool) {
    let (mut end, mut has_end_mark) = (PRELOAD.len(), false);
    let mut rest = payload;
    'runs: while let Some((control, run)) = rest.split_first() {
        rest = run;
        if *control == 0
            && let Some((_, after)) = run.split_first_chunk::<8>()
        {
            (end, rest) = (end + 8, after);
            continue;
        }
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some((_, after)) = rest.split_first() else { break 'runs };
                (end, rest) = (end + 1, after);
                continue;
            }
            let Some((bytes, after)) = rest.split_first_chunk::<2>() else { break 'runs };
            let (position, length) = reference(*bytes);
            if end.wrapping_sub(position).is_multiple_of(RING_BYTES) {
                has_end_mark = true;
                break 'runs;
            }
            (end, rest) = (end + length, after);
        }
    }
    (end - PRELOAD.len(), has_end_mark)
}

/// Expands a payload; also returns whether the payload has its end mark. Stops at most one run of
/// eight items after `bytes_max`.
fn expand(payload: &[u8], capacity_bytes: usize, bytes_max: usize) -> (Vec<u8>, bool) {
    let mut output = Expansion::with_capacity(capacity_bytes);
    let mut rest = payload;
    let mut ended = false;
    while let Some((control, run)) = rest.split_first()
        && output.len() < bytes_max
        && !ended
    {
        (rest, ended) = output.expand_run(*control, run);
    }
    (output.into_rtf(), ended)
}

/// RTF that is being expanded.
///
/// The dictionary needs no memory of its own: it is the last 4,096 bytes of the output. Therefore
/// the output begins with the preload, which is removed at the end.
struct Expansion {
    /// The output, and room behind it, so that no item has to ask for memory.
    bytes: Vec<u8>,
    /// Where the output ends.
    end: usize,
}

impl Expansion {
    fn with_capacity(rtf_bytes: usize) -> Self {
        let room = PRELOAD.len() + ROOM_BYTES_MIN;
        let mut bytes = Vec::with_capacity(rtf_bytes.saturating_add(room));
        bytes.extend_from_slice(PRELOAD);
        Self { bytes, end: PRELOAD.len() }
    }

    /// The length of the RTF in bytes.
    fn len(&self) -> usize {
        self.end - PRELOAD.len()
    }

    fn into_rtf(mut self) -> Vec<u8> {
        self.bytes.truncate(self.end);
        self.bytes.drain(..PRELOAD.len());
        self.bytes
    }

    /// Expands the up to eight literals and references after one control byte. Returns the rest of
    /// the payload, and whether the end mark was reached. It first makes the room that eight of them
    /// need at most, so that [`Self::put`] always finds room.
    fn expand_run<'a>(&mut self, control: u8, run: &'a [u8]) -> (&'a [u8], bool) {
        if self.bytes.len() - self.end < ROOM_BYTES_MIN {
            let allocated = self.bytes.capacity() - self.end;
            self.bytes.resize(self.end + allocated.clamp(ROOM_BYTES_MIN, ROOM_BYTES_MAX), 0);
        }
        let mut rest = run;
        if control == 0
            && let Some((literals, after)) = rest.split_first_chunk::<8>()
        {
            self.put(literals, literals.len());
            return (after, false);
        }
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some((literal, after)) = rest.split_first() else { return (rest, false) };
                self.put(&[*literal], 1);
                rest = after;
            } else {
                let Some((bytes, after)) = rest.split_first_chunk::<2>() else {
                    return (&[], false);
                };
                let (position, length) = reference(*bytes);
                let distance = self.end.wrapping_sub(position) % RING_BYTES;
                // A reference to the position that is written next is the end mark (3.1.1.3.2).
                if distance == 0 {
                    return (after, true);
                }
                self.copy_back(distance, length);
                rest = after;
            }
        }
        (rest, false)
    }

    /// Appends `length` bytes, copied from `distance` bytes before the end. If `length` is larger
    /// than `distance`, the copy repeats bytes that it has just appended.
    fn copy_back(&mut self, distance: usize, length: usize) {
        let start = self.end.checked_sub(distance);
        // A block of fixed length takes less time than a copy of exactly `length` bytes.
        if length <= distance
            && let Some(block) = start.and_then(|start| self.bytes.get(start..))
            && let Some(block) = block.first_chunk::<BLOCK_BYTES>().copied()
        {
            return self.put(&block, length);
        }
        // Positions of the dictionary that were never written hold 0.
        let unset = if start.is_none() { distance - self.end } else { 0 };
        let start = start.unwrap_or(0);
        self.put(&[0; BLOCK_BYTES], unset.min(length));
        for index in start..start + length.saturating_sub(unset) {
            let byte = self.bytes.get(index).copied().unwrap_or(0);
            self.put(&[byte], 1);
        }
    }

    /// Writes a block behind the output, of which only the first `length` bytes belong to it.
    fn put<const N: usize>(&mut self, block: &[u8; N], length: usize) {
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        debug_assert!(room.len() >= N && length <= N, "no room for {length} bytes");
        if let Some(room) = room.first_chunk_mut::<N>() {
            *room = *block;
            self.end += length;
        }
    }
}

/// Compresses RTF into a payload, end mark included.
fn shrink(rtf: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(PRELOAD.len() + rtf.len());
    text.extend_from_slice(PRELOAD);
    text.extend_from_slice(rtf);
    let mut matches = Matches::new(&text);
    let mut payload = PayloadWriter::default();
    let mut position = 0;
    while position < PRELOAD.len() {
        matches.enter(position);
        position += 1;
    }
    while let Some(byte) = text.get(position) {
        let step = match matches.longest(position) {
            Some((start, length)) => {
                payload.reference(start, length);
                length
            }
            None => {
                payload.literal(*byte);
                1
            }
        };
        for entered in position..position + step {
            matches.enter(entered);
        }
        position += step;
    }
    payload.reference(position, MATCH_BYTES_MIN);
    payload.finish()
}

/// Builds a payload: each control byte is followed by up to eight items, which are literals or
/// references.
#[derive(Default)]
struct PayloadWriter {
    payload: Vec<u8>,
    control: u8,
    items: Vec<u8>,
    count: u32,
}

impl PayloadWriter {
    fn literal(&mut self, byte: u8) {
        self.items.push(byte);
        self.count_item(0);
    }

    fn reference(&mut self, start: usize, length: usize) {
        let reference = (start % RING_BYTES) << 4 | (length - MATCH_BYTES_MIN);
        // 12 bits of position and 4 bits of length always fit into 16 bits.
        self.items.extend_from_slice(&u16::try_from(reference).unwrap_or(0).to_be_bytes());
        self.count_item(1);
    }

    fn count_item(&mut self, bit: u8) {
        self.control |= bit << self.count;
        self.count += 1;
        if self.count == 8 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.payload.push(self.control);
        self.payload.append(&mut self.items);
        (self.control, self.count) = (0, 0);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.flush();
        }
        self.payload
    }
}

/// Finds where the bytes at a position occur earlier in the dictionary.
struct Matches<'a> {
    text: &'a [u8],
    /// For each pair of bytes, its newest position plus 1; 0 if the pair has not occurred.
    newest: Vec<usize>,
    /// For each position in the dictionary, the next older position of the same pair plus 1; 0 if
    /// there is none.
    older: Vec<usize>,
}

impl<'a> Matches<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, newest: vec![0; 1 << 16], older: vec![0; RING_BYTES] }
    }

    fn pair(&self, position: usize) -> Option<usize> {
        let pair = self.text.get(position..)?.first_chunk::<2>()?;
        Some(usize::from(u16::from_le_bytes(*pair)))
    }

    /// Adds the pair at this position to the index.
    fn enter(&mut self, position: usize) {
        if let Some(pair) = self.pair(position)
            && let Some(newest) = self.newest.get_mut(pair)
            && let Some(older) = self.older.get_mut(position % RING_BYTES)
        {
            *older = std::mem::replace(newest, position + 1);
        }
    }

    /// The positions in the dictionary that have the same pair of bytes as `position`, newest
    /// first.
    fn places(&self, position: usize) -> impl Iterator<Item = usize> {
        let newest = self.pair(position).and_then(|pair| self.newest.get(pair)).copied();
        let first = newest.unwrap_or(0).checked_sub(1);
        std::iter::successors(first, |place| {
            self.older.get(place % RING_BYTES).copied().unwrap_or(0).checked_sub(1)
        })
        // A position older than the dictionary has been overwritten. A reference to the position
        // exactly one dictionary length back would be read as the end mark.
        .take_while(move |place| position - place < RING_BYTES)
        .take(CANDIDATES_MAX)
    }

    /// The longest match for the bytes at `position`: its position and its length.
    fn longest(&self, position: usize) -> Option<(usize, usize)> {
        let wanted = self.text.get(position..)?;
        let wanted = wanted.get(..MATCH_BYTES_MAX).unwrap_or(wanted);
        let mut best = None;
        for place in self.places(position) {
            let found = self.text.get(place..).unwrap_or_default();
            let length = wanted.iter().zip(found).take_while(|(a, b)| a == b).count();
            if best.is_none_or(|(_, best_length)| length > best_length) {
                best = Some((place, length));
            }
            if length == wanted.len() {
                break;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests;
