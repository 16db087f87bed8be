//! An allocation table (\[MS-CFB\] 2.3, 2.4): for each sector the next one of its chain.
//!
//! Does not know where a sector lies, or what a chain contains.

/// The entry of a sector that is not in use (`FREESECT`).
pub(super) const FREE_SECTOR: u32 = 0xFFFF_FFFF;
/// The largest number of a sector. Greater numbers have special meanings.
pub(super) const MAX_REGULAR_SECTOR: u32 = 0xFFFF_FFFA;

/// Whether this can be the number of a sector.
pub(super) const fn is_regular(sector: u32) -> bool {
    sector <= MAX_REGULAR_SECTOR
}

/// The FAT or the mini FAT, with one entry for every sector that the file has.
#[derive(Debug, Default)]
pub(super) struct AllocationTable {
    next: Vec<u32>,
    /// Whether some sector follows two different sectors. If none does, a chain can return only to
    /// its start, so that finding a loop takes no memory.
    tangled: bool,
}

impl AllocationTable {
    /// Takes the entries, one for each sector.
    pub(super) fn new(next: Vec<u32>) -> Self {
        let mut seen = SectorSet::new(next.len());
        let tangled = next.iter().any(|&sector| at(&next, sector).is_some() && !seen.add(sector));
        Self { next, tangled }
    }

    /// The entry of a sector; `None` if there is no such sector.
    pub(super) fn next(&self, sector: u32) -> Option<u32> {
        at(&self.next, sector)
    }

    /// How many sectors the chain from `start` has before one of them would come a second time. If
    /// no two sectors are followed by the same one, this is `usize::MAX`: such a chain can come
    /// back only to `start`, which the walk notices by itself.
    pub(super) fn distinct(&self, start: u32) -> usize {
        if !self.tangled {
            return usize::MAX;
        }
        let mut seen = SectorSet::new(self.next.len());
        std::iter::successors(Some(start), |sector| self.next(*sector))
            .take_while(|&sector| self.next(sector).is_some() && seen.add(sector))
            .count()
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes_held(&self) -> usize {
        self.next.capacity() * size_of::<u32>()
    }
}

/// A set of sector numbers.
#[derive(Debug)]
pub(super) struct SectorSet {
    words: Vec<u64>,
}

impl SectorSet {
    /// An empty set of the sectors below `count`.
    pub(super) fn new(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)] }
    }

    /// Adds a sector; `false` if it was in the set already, or is beyond its bound.
    pub(super) fn add(&mut self, sector: u32) -> bool {
        let index = usize::try_from(sector / 64).unwrap_or(usize::MAX);
        let Some(word) = self.words.get_mut(index) else { return false };
        let bit = 1 << (sector % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

fn at(next: &[u32], sector: u32) -> Option<u32> {
    next.get(usize::try_from(sector).ok()?).copied()
}
