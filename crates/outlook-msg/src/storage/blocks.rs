//! Reads a file in blocks and keeps the blocks that were used last. The tables, the directory and
//! the small streams of a message are many small pieces that lie close together. Reading one block
//! takes less time than reading each piece, above all if the file is on another machine.
//!
//! Knows nothing of the format.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::pieces::fill;
use crate::sync::lock;

use lru::LruCache;

use super::os;

/// The length of a block. A read of this length or more does not use the blocks.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// At most this many blocks of a file are kept in memory: 4 MiB. If a file has a
/// few more than are kept, each pass through it reads all of them again.
pub(super) const BLOCKS_MAX: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// A sequential reader gets at most this many adjacent blocks with one read.
const AHEAD_MAX: u64 = 4;
/// Parts of a large read with at most this many bytes between them are read with one call, since a
/// further call takes longer than the bytes between. Outlook puts a sector of the FAT into every
/// large stream, after each 64 KiB.
const GAP_BYTES_MAX: u64 = 4 << 10;
/// One call reads at most this many parts. The system takes no more than 1,024 buffers, and each
/// part may need a second one for the bytes before it.
const PARTS_MAX: usize = 512;

/// Memory of blocks that are no longer in use, for the next blocks. New memory would be set to zero
/// by the system and then again by us, which takes as long as the reading.
static UNUSED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
/// The memory of at most this many blocks is kept for the next ones: 4 MiB.
const UNUSED_MAX: usize = 24;

/// One block of a file.
#[derive(Debug)]
struct Block {
    /// Always [`BLOCK_BYTES`] long. The bytes from `len` on have no meaning.
    memory: Vec<u8>,
    len: usize,
}

impl Block {
    /// A block to be filled.
    fn new(len: usize) -> Self {
        let mut memory = lock(&UNUSED).pop().unwrap_or_default();
        memory.resize(BLOCK_BYTES, 0);
        Self { memory, len }
    }

    fn bytes(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.len).unwrap_or_default()
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        let mut unused = lock(&UNUSED);
        if unused.len() < UNUSED_MAX {
            unused.push(memory);
        }
    }
}

/// The blocks of one file that were used last.
#[derive(Debug)]
pub(super) struct Blocks {
    held: Mutex<HeldBlocks>,
    /// How many reads of the file have finished.
    reads: AtomicU64,
}

#[derive(Debug)]
struct HeldBlocks {
    blocks: LruCache<u64, Arc<Block>>,
    /// The index of the block after those that were read last.
    next: u64,
    /// How many blocks were read last.
    count: u64,
}

impl Blocks {
    pub(super) fn new() -> Self {
        let held = HeldBlocks { blocks: LruCache::new(BLOCKS_MAX), next: 0, count: 0 };
        Self { held: Mutex::new(held), reads: AtomicU64::new(0) }
    }

    /// How many reads of the file have finished. Every block in memory comes from one of them.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Acquire)
    }

    /// Reads the file itself, not the blocks in memory.
    pub(super) fn read_file(&self, file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let read = read_at(file, offset, buf);
        // The count goes up after the read. So if a caller loads the count and then finds the file
        // unchanged, every read that was counted saw the unchanged file.
        self.reads.fetch_add(1, Ordering::Release);
        read
    }

    /// Fills the parts in turn, each from its offset in the file, and does not use the blocks in
    /// memory. Returns how many bytes it has read. If the file ends, these are fewer than the parts
    /// have room for.
    ///
    /// # Errors
    /// Those of `preadv`.
    pub(super) fn read_parts(
        &self,
        file: &File,
        parts: &mut [(u64, &mut [u8])],
    ) -> io::Result<usize> {
        let mut filled = 0;
        let mut parts = parts;
        while let Some(count) = near_parts(parts) {
            let (near, rest) = std::mem::take(&mut parts).split_at_mut(count);
            parts = rest;
            let wanted: usize = near.iter().map(|(_, part)| part.len()).sum();
            let read = read_near(file, near);
            // After the read, as in `read_file`.
            self.reads.fetch_add(1, Ordering::Release);
            let found = read?;
            filled += found;
            if found < wanted {
                break;
            }
        }
        Ok(filled)
    }

    /// Reads a file of `len` bytes at `offset`. Fills `buf`, except at the end of the file.
    ///
    /// # Errors
    /// Those of `pread`, but only for the bytes that the caller asked for.
    pub(super) fn read_at(
        &self,
        file: &File,
        len: u64,
        offset: u64,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        if buf.len() >= BLOCK_BYTES {
            return self.read_file(file, offset, buf);
        }
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(filled as u64);
            let index = at / BLOCK_BYTES as u64;
            // If the system cannot read the whole block, because of a bad disk sector for example,
            // the bytes that were asked for may still be readable.
            let Ok(block) = self.block(file, len, index) else {
                return Ok(filled + self.read_file(file, at, rest)?);
            };
            let skip = usize::try_from(at % BLOCK_BYTES as u64).unwrap_or(BLOCK_BYTES);
            let found = block.bytes().get(skip..).unwrap_or_default();
            let count = found.len().min(rest.len());
            if let Some((target, source)) = rest.get_mut(..count).zip(found.get(..count)) {
                target.copy_from_slice(source);
            }
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }

    /// Reads the blocks of these ranges into memory, adjacent blocks with one read. If they are
    /// more than [`BLOCKS_MAX`], reads nothing and returns `false`.
    pub(super) fn prefetch(&self, file: &File, len: u64, ranges: &[(u64, usize)]) -> bool {
        let mut wanted: Vec<u64> = Vec::new();
        for &(offset, count) in ranges {
            let is_there = count > 0 && offset < len;
            // `read_at` does not use the blocks for a large range.
            if !is_there || count >= BLOCK_BYTES {
                continue;
            }
            let last = offset.saturating_add(count as u64).min(len) - 1;
            for index in offset / BLOCK_BYTES as u64..=last / BLOCK_BYTES as u64 {
                if !wanted.contains(&index) {
                    wanted.push(index);
                }
            }
            if wanted.len() > BLOCKS_MAX.get() {
                return false;
            }
        }
        wanted.sort_unstable();
        wanted.retain(|index| !self.lock().blocks.contains(index));
        for run in wanted.chunk_by(|one, next| *next == one + 1) {
            if let [first, ..] = run {
                // An error is not reported here: the read that needs the bytes meets it again.
                let _ = self.read_blocks(file, len, *first, run.len() as u64);
            }
        }
        true
    }

    /// The memory that the blocks take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.lock().blocks.len() * BLOCK_BYTES
    }

    /// Gets a block. If the last read ended just before it, the reader is sequential, so the next
    /// blocks are read too.
    fn block(&self, file: &File, len: u64, index: u64) -> io::Result<Arc<Block>> {
        let count = {
            let mut held = self.lock();
            if let Some(block) = held.blocks.get(&index) {
                return Ok(Arc::clone(block));
            }
            let is_next = held.next == index && held.count > 0;
            let count = if is_next { (held.count * 2).min(AHEAD_MAX) } else { 1 };
            let is_new = |ahead: &u64| !held.blocks.contains(&(index + ahead));
            (0..count).take_while(is_new).count() as u64
        };
        self.read_blocks(file, len, index, count)
    }

    /// Reads adjacent blocks with one call, and returns the first one.
    fn read_blocks(&self, file: &File, len: u64, first: u64, count: u64) -> io::Result<Arc<Block>> {
        let start = first.saturating_mul(BLOCK_BYTES as u64);
        let mut rest = usize::try_from(len.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut blocks: Vec<Block> = Vec::new();
        while (blocks.len() as u64) < count && rest > 0 {
            blocks.push(Block::new(rest.min(BLOCK_BYTES)));
            rest -= rest.min(BLOCK_BYTES);
        }
        let slices = blocks.iter_mut().map(|block| IoSliceMut::new(block.bytes_mut()));
        let read = read_slices(file, start, &mut slices.collect::<Vec<_>>());
        // After the read, as in `read_file`.
        self.reads.fetch_add(1, Ordering::Release);
        let mut found = read?;
        for block in &mut blocks {
            // Cuts the blocks that the file no longer fills, because it has become shorter.
            block.truncate(found);
            found -= block.bytes().len();
        }
        let mut held = self.lock();
        let mut first_block = None;
        for (index, block) in (first..).zip(blocks).filter(|(_, block)| !block.bytes().is_empty()) {
            let block = Arc::new(block);
            first_block.get_or_insert_with(|| Arc::clone(&block));
            held.blocks.put(index, block);
        }
        (held.next, held.count) = (first + count, count);
        Ok(first_block.unwrap_or_else(|| Arc::new(Block::new(0))))
    }

    fn lock(&self) -> MutexGuard<'_, HeldBlocks> {
        lock(&self.held)
    }
}

#[cfg(test)]
thread_local! {
    /// How many reads of files a thread has asked the system for.
    static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many reads of files this thread has asked the system for.
#[cfg(test)]
pub(crate) fn reads() -> usize {
    READS.get()
}

/// Counts a read of a file in tests.
fn counted<T>(read: impl FnOnce() -> T) -> T {
    #[cfg(test)]
    READS.with(|reads| reads.set(reads.get() + 1));
    read()
}

/// Reads `len` bytes at `offset` into new memory; less only at the end of the file.
pub(super) fn read_new(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let filled = bytes.len();
        let at = offset.saturating_add(filled as u64);
        match counted(|| os::append_at(file, at, len - filled, &mut bytes)) {
            Ok(0) => break,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(bytes)
}

/// How many of the first parts lie so close together that one call reads them; `None` if there are
/// no parts.
fn near_parts(parts: &[(u64, &mut [u8])]) -> Option<usize> {
    let near = parts.windows(2).take(PARTS_MAX - 1).take_while(|pair| match pair {
        [(offset, part), (next, _)] => {
            let end = offset.saturating_add(part.len() as u64);
            next.checked_sub(end).is_some_and(|gap| gap <= GAP_BYTES_MAX)
        }
        _ => false,
    });
    (!parts.is_empty()).then(|| near.count() + 1)
}

/// Fills parts that lie one behind the other with one call, which also reads what is between them.
/// Returns how many bytes of the parts it has read.
fn read_near(file: &File, parts: &mut [(u64, &mut [u8])]) -> io::Result<usize> {
    let start = parts.first().map_or(0, |(offset, _)| *offset);
    let mut end = start;
    let gaps: Vec<usize> = parts
        .iter()
        .map(|(offset, part)| {
            let gap = offset.saturating_sub(end);
            end = offset.saturating_add(part.len() as u64);
            usize::try_from(gap).unwrap_or(usize::MAX)
        })
        .collect();
    let mut between = vec![0; gaps.iter().sum()];
    let mut between = between.as_mut_slice();
    let mut slices = Vec::with_capacity(2 * parts.len());
    for (gap, (_, part)) in gaps.iter().zip(parts.iter_mut()) {
        if *gap > 0 {
            let (own, rest) = std::mem::take(&mut between).split_at_mut(*gap);
            between = rest;
            slices.push(IoSliceMut::new(own));
        }
        slices.push(IoSliceMut::new(part));
    }
    let mut left = read_slices(file, start, &mut slices)?;
    let mut filled = 0;
    for (gap, (_, part)) in gaps.iter().zip(parts.iter()) {
        left = left.saturating_sub(*gap);
        filled += left.min(part.len());
        left = left.saturating_sub(part.len());
    }
    Ok(filled)
}

/// Reads until all buffers are full or the file ends; returns how many bytes.
fn read_slices(file: &File, offset: u64, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let mut rest = slices;
    let mut filled = 0;
    while !rest.is_empty() {
        let at = offset.saturating_add(filled as u64);
        match counted(|| os::read_vectored_at(file, at, rest)) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                IoSliceMut::advance_slices(&mut rest, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a file at a position until `buf` is full or the file ends. Any number of threads may do so
/// at once.
///
/// # Errors
/// Those of `pread`.
pub fn read_at(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    fill(offset, buf, |at, rest| {
        loop {
            match counted(|| os::read_at(file, at, rest)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LEN: usize = 70 * BLOCK_BYTES + 100;

    fn file() -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..=250).cycle().take(LEN).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[test]
    fn small_reads_give_what_the_file_has() {
        let ((file, bytes), blocks) = (file(), Blocks::new());
        let offsets = (0..LEN + 50).step_by(31_337).chain([0, BLOCK_BYTES - 1, LEN - 1, LEN]);
        for offset in offsets {
            for wanted in [0, 1, 8, 5000, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES] {
                let expected =
                    &bytes[offset.min(LEN)..(offset + wanted).min(LEN).max(offset.min(LEN))];
                let mut buf = vec![0; wanted];
                let found = blocks.read_at(&file, LEN as u64, offset as u64, &mut buf).unwrap();
                assert!(&buf[..found] == expected, "{wanted} at {offset}");
            }
        }
        assert!(blocks.bytes_held() <= BLOCKS_MAX.get() * BLOCK_BYTES);
    }

    #[test]
    fn parts_that_lie_close_together_are_read_at_once() {
        let ((file, bytes), blocks) = (file(), Blocks::new());
        let check = |places: &[(usize, usize)], expected: usize, expected_reads: usize| {
            let mut buf = vec![0; places.iter().map(|(_, len)| len).sum()];
            let (mut parts, mut rest) = (Vec::new(), buf.as_mut_slice());
            for (offset, len) in places {
                let (part, behind) = rest.split_at_mut(*len);
                parts.push((*offset as u64, part));
                rest = behind;
            }
            let before = reads();
            assert_eq!(blocks.read_parts(&file, &mut parts).unwrap(), expected, "{places:?}");
            assert_eq!(reads() - before, expected_reads, "{places:?}");
            let there = |at: usize| at.min(LEN);
            let parts = places.iter().map(|&(at, len)| &bytes[there(at)..there(at + len)]);
            let whole = parts.collect::<Vec<_>>().concat();
            assert!(buf[..expected] == whole[..expected], "{places:?}");
        };
        check(&[], 0, 0);
        check(&[(100, 70_000)], 70_000, 1);
        check(&[(512, 65_024), (66_048, 65_024), (131_584, 10)], 130_058, 1);
        // Far apart, and in descending order.
        check(&[(0, 1000), (900_000, 1000), (500_000, 1000)], 3000, 3);
        // More parts than one call takes.
        let many: Vec<_> = (0..600).map(|part| (part * 1024, 512)).collect();
        check(&many, 600 * 512, 2);
        // The file ends within a part, and between two parts.
        check(&[(LEN - 3000, 1000), (LEN - 1000, 2000)], 2000, 2);
        check(&[(LEN - 1000, 1000), (LEN + 100, 500)], 1000, 2);
    }

    #[test]
    fn blocks_that_will_be_needed_are_read_together() {
        let ((file, bytes), blocks) = (file(), Blocks::new());
        let at = |block: usize| (block * BLOCK_BYTES + 5) as u64;
        assert!(blocks.prefetch(&file, LEN as u64, &[(at(3), 10), (at(1), 10), (at(2), 10)]));
        assert_eq!(blocks.lock().count, 3);
        assert_eq!(blocks.bytes_held(), 3 * BLOCK_BYTES);
        // Now that the file is empty, only blocks in memory can answer.
        file.set_len(0).unwrap();
        let mut buf = [0; 10];
        assert_eq!(blocks.read_at(&file, LEN as u64, at(2), &mut buf).unwrap(), 10);
        assert_eq!(buf, bytes[2 * BLOCK_BYTES + 5..][..10]);
        assert_eq!(blocks.read_at(&file, LEN as u64, at(9), &mut buf).unwrap(), 0);
        // Ranges all over a large file need too many blocks, and empty ranges none: both read
        // nothing.
        let spread: Vec<_> = (0..=BLOCKS_MAX.get()).map(|block| (at(block), 4)).collect();
        assert!(!blocks.prefetch(&file, LEN as u64, &spread));
        assert!(blocks.prefetch(&file, LEN as u64, &[(u64::MAX, 4), (7, 0), (7, usize::MAX)]));
        assert_eq!(blocks.bytes_held(), 3 * BLOCK_BYTES);
    }
}
