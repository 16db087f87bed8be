//! Reads a file in blocks. Tables, directory and small streams of a message lie close together in
//! many small pieces. To read one block takes less time than to read each piece, above all if the
//! file is on another machine.
//!
//! Knows nothing of the format.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sync::lock;

use lru::LruCache;

use super::os;

/// The length of a block. A read of this length or more does not use the blocks.
const BLOCK_BYTES: usize = 64 << 10;
/// At most this many blocks are held of a file: 2.5 MiB.
pub(super) const BLOCKS_MAX: NonZeroUsize = NonZeroUsize::new(40).unwrap();
/// At most this many adjacent blocks are read at once.
const AHEAD_MAX: u64 = 4;
/// At most this many adjacent blocks are read and given up as one.
const RUN_BLOCKS_MAX: usize = 16;

/// The blocks of one file that were used last.
#[derive(Debug)]
pub(super) struct Blocks {
    held: Mutex<HeldBlocks>,
    /// How many reads of the file are done.
    reads: AtomicU64,
}

/// Adjacent blocks are held in one piece, as they were read.
#[derive(Debug)]
struct HeldBlocks {
    /// By their first block.
    runs: LruCache<u64, Arc<Run>>,
    /// How many blocks they have in all.
    total: usize,
    /// The block behind those that were read last.
    next: u64,
    /// How many were read last.
    count: u64,
}

/// Adjacent blocks.
#[derive(Debug)]
struct Run {
    /// The number of the first one.
    first: u64,
    bytes: Vec<u8>,
}

impl Run {
    /// How many blocks there are; the last one may be short.
    fn blocks(&self) -> usize {
        self.bytes.len().div_ceil(BLOCK_BYTES)
    }

    fn has(&self, index: u64) -> bool {
        index.checked_sub(self.first).is_some_and(|at| at < self.blocks() as u64)
    }

    /// The bytes from an offset in the file to the end of the run.
    fn from(&self, offset: u64) -> &[u8] {
        let skip = offset.saturating_sub(self.first.saturating_mul(BLOCK_BYTES as u64));
        usize::try_from(skip).ok().and_then(|skip| self.bytes.get(skip..)).unwrap_or_default()
    }
}

impl HeldBlocks {
    fn has(&self, index: u64) -> bool {
        self.runs.iter().any(|(_, run)| run.has(index))
    }

    /// The run that has a block; it now counts as used last.
    fn get(&mut self, index: u64) -> Option<Arc<Run>> {
        let (&first, _) = self.runs.iter().find(|(_, run)| run.has(index))?;
        self.runs.get(&first).map(Arc::clone)
    }

    /// Enters a run, and gives up those that were used longest ago if there are too many blocks.
    fn put(&mut self, run: &Arc<Run>) {
        if run.bytes.is_empty() {
            // The file has become shorter.
            return;
        }
        self.total += run.blocks();
        // Another thread may have read some of the blocks meanwhile.
        if let Some(before) = self.runs.put(run.first, Arc::clone(run)) {
            self.total -= before.blocks();
        }
        while self.total > BLOCKS_MAX.get()
            && self.runs.len() > 1
            && let Some((_, old)) = self.runs.pop_lru()
        {
            self.total -= old.blocks();
        }
    }
}

impl Blocks {
    pub(super) fn new() -> Self {
        let held = HeldBlocks { runs: LruCache::unbounded(), total: 0, next: 0, count: 0 };
        Self { held: Mutex::new(held), reads: AtomicU64::new(0) }
    }

    /// How many reads of the file are done. A block that is held is of a read that is counted.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Acquire)
    }

    /// Reads the file itself.
    pub(super) fn read_file(&self, file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let read = read_at(file, offset, buf);
        // After the read: whoever sees the count and then finds the file unchanged knows that the
        // read was of the same state.
        self.reads.fetch_add(1, Ordering::Release);
        read
    }

    /// Reads a file of `len` bytes at `offset`. Fills `buf`, except at the end of the file.
    ///
    /// # Errors
    /// Those of `pread`, and only if they concern the bytes that are asked for.
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
            // A bad place in a block must not keep the other bytes of the block from being read.
            let Ok(run) = self.run_with(file, len, index) else {
                return Ok(filled + self.read_file(file, at, rest)?);
            };
            let found = run.from(at);
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

    /// Reads the blocks of small ranges ahead, adjacent ones at once. `false` if they need more
    /// blocks than are held: then nothing is read.
    pub(super) fn prefetch(&self, file: &File, len: u64, ranges: &[(u64, usize)]) -> bool {
        let mut wanted: Vec<u64> = Vec::new();
        for &(offset, count) in ranges {
            let is_there = count > 0 && offset < len;
            // A large range does not use the blocks.
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
        wanted.retain(|index| !self.lock().has(*index));
        let adjacent = wanted.chunk_by(|one, next| *next == one + 1);
        for run in adjacent.flat_map(|adjacent| adjacent.chunks(RUN_BLOCKS_MAX)) {
            if let [first, ..] = run {
                // An error is met again by the read that needs the bytes.
                let _ = self.read_run(file, len, *first, run.len() as u64);
            }
        }
        true
    }

    /// The memory that the blocks take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.lock().runs.iter().map(|(_, run)| run.bytes.capacity()).sum()
    }

    /// The run that has a block. If the block before it was read last, the blocks after it are read
    /// too.
    fn run_with(&self, file: &File, len: u64, index: u64) -> io::Result<Arc<Run>> {
        let count = {
            let mut held = self.lock();
            if let Some(run) = held.get(index) {
                return Ok(run);
            }
            let is_next = held.next == index && held.count > 0;
            let count = if is_next { (held.count * 2).min(AHEAD_MAX) } else { 1 };
            (0..count).take_while(|ahead| !held.has(index + ahead)).count() as u64
        };
        self.read_run(file, len, index, count)
    }

    /// Reads adjacent blocks.
    fn read_run(&self, file: &File, len: u64, first: u64, count: u64) -> io::Result<Arc<Run>> {
        let start = first.saturating_mul(BLOCK_BYTES as u64);
        let wanted = len.saturating_sub(start).min(count.saturating_mul(BLOCK_BYTES as u64));
        let bytes = read_new(file, start, usize::try_from(wanted).unwrap_or(0));
        // After the read, as in `read_file`.
        self.reads.fetch_add(1, Ordering::Release);
        let run = Arc::new(Run { first, bytes: bytes? });
        let mut held = self.lock();
        held.put(&run);
        (held.next, held.count) = (first + count, count);
        Ok(run)
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

/// Reads at most `len` bytes at `offset` into new memory; less only at the end of the file.
pub(super) fn read_new(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        #[cfg(test)]
        READS.with(|reads| reads.set(reads.get() + 1));
        let at = offset.saturating_add(bytes.len() as u64);
        match os::append_at(file, at, len - bytes.len(), &mut bytes) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Reads until `buf` is full or the file ends.
pub(super) fn read_at(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        #[cfg(test)]
        READS.with(|reads| reads.set(reads.get() + 1));
        match os::read_at(file, offset.saturating_add(filled as u64), rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LEN: usize = 50 * BLOCK_BYTES + 100;

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
    fn what_is_known_to_be_read_is_read_at_once() {
        let ((file, bytes), blocks) = (file(), Blocks::new());
        let at = |block: usize| (block * BLOCK_BYTES + 5) as u64;
        assert!(blocks.prefetch(&file, LEN as u64, &[(at(3), 10), (at(1), 10), (at(2), 10)]));
        assert_eq!(blocks.lock().count, 3);
        assert_eq!(blocks.bytes_held(), 3 * BLOCK_BYTES);
        // From now on the file has no bytes: what was read before must not be read again.
        file.set_len(0).unwrap();
        let mut buf = [0; 10];
        assert_eq!(blocks.read_at(&file, LEN as u64, at(2), &mut buf).unwrap(), 10);
        assert_eq!(buf, bytes[2 * BLOCK_BYTES + 5..][..10]);
        assert_eq!(blocks.read_at(&file, LEN as u64, at(9), &mut buf).unwrap(), 0);
        // For ranges all over a large file, and for ranges without bytes, nothing is read.
        let spread: Vec<_> = (0..=40).map(|block| (at(block), 4)).collect();
        assert!(!blocks.prefetch(&file, LEN as u64, &spread));
        assert!(blocks.prefetch(&file, LEN as u64, &[(u64::MAX, 4), (7, 0), (7, usize::MAX)]));
        assert_eq!(blocks.bytes_held(), 3 * BLOCK_BYTES);
    }
}
