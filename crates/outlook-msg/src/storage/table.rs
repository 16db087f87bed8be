//! An allocation table (\[MS-CFB\] 2.3, 2.4): for each sector the next one of its chain.
//!
//! Does not know where a sector lies, or what a chain contains.

use super::error::{Damage, SectorNumber};

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
    mini: bool,
    /// Whether some sector follows two different sectors. If none does, a chain can return only to
    /// its start, so that finding a loop takes no memory.
    tangled: bool,
}

impl AllocationTable {
    /// Takes the entries, one for each sector.
    pub(super) fn new(next: Vec<u32>, mini: bool) -> Self {
        let mut seen = SectorSet::new(next.len());
        let tangled = next.iter().any(|&sector| at(&next, sector).is_some() && !seen.add(sector));
        Self { next, mini, tangled }
    }

    /// The sectors of the chain that begins at `start`. A chain that returns to one of its sectors
    /// ends there.
    pub(super) fn chain(&self, start: u32) -> Chain<'_> {
        let left = if self.tangled { self.distinct(start) } else { usize::MAX };
        Chain { table: self, start, next: start, left }
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes_held(&self) -> usize {
        self.next.capacity() * size_of::<u32>()
    }

    /// How many sectors a chain has before one of them would come a second time.
    fn distinct(&self, start: u32) -> usize {
        let mut seen = SectorSet::new(self.next.len());
        let next = |sector: &u32| at(&self.next, *sector);
        std::iter::successors(Some(start), next)
            .take_while(|&sector| at(&self.next, sector).is_some() && seen.add(sector))
            .count()
    }
}

/// A walk along a chain.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    table: &'a AllocationTable,
    start: u32,
    next: u32,
    /// How many sectors are left before one would come a second time.
    left: usize,
}

impl Chain<'_> {
    /// Why there is no next sector.
    pub(super) fn damage(&self) -> Damage {
        if at(&self.table.next, self.next).is_some() {
            Damage::Loop(self.number(self.next))
        } else if is_regular(self.next) {
            Damage::Missing(self.number(self.next))
        } else {
            Damage::Ends
        }
    }

    /// The number of a sector of this chain, for messages.
    pub(super) fn number(&self, sector: u32) -> SectorNumber {
        SectorNumber { number: sector, mini: self.table.mini }
    }
}

impl Iterator for Chain<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let sector = self.next;
        if self.left == 0 {
            return None;
        }
        self.next = at(&self.table.next, sector)?;
        self.left = if self.next == self.start { 0 } else { self.left - 1 };
        Some(sector)
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

#[cfg(test)]
mod tests {
    use super::*;

    const END: u32 = 0xFFFF_FFFE;

    fn check(next: &[u32], start: u32, expected: &[u32], end: &str) {
        let table = AllocationTable::new(next.to_vec(), false);
        let mut chain = table.chain(start);
        let sectors: Vec<u32> = chain.by_ref().collect();
        assert_eq!(sectors, expected, "{next:?} from {start}");
        assert_eq!(chain.damage().to_string(), end, "{next:?} from {start}");
    }

    #[test]
    fn walks_chains() {
        let ends = "the chain of sectors ends early";
        check(&[1, 2, END], 0, &[0, 1, 2], ends);
        check(&[1, 2, END], END, &[], ends);
        check(&[1, FREE_SECTOR], 0, &[0, 1], ends);
        check(&[1, 0xFFFF_FFFD], 0, &[0, 1], ends);
        check(&[], 0, &[], "sector 0 is not in the file");
        check(&[5, END], 0, &[0], "sector 5 is not in the file");
        check(&[1, 2, 0], 0, &[0, 1, 2], "the chain of sectors comes back to sector 0");
        check(&[0], 0, &[0], "the chain of sectors comes back to sector 0");
        // A chain that enters a loop, and two chains that join.
        check(&[1, 2, 3, 1], 0, &[0, 1, 2, 3], "the chain of sectors comes back to sector 1");
        check(&[2, 2, END], 0, &[0, 2], ends);
        check(&[2, 2, END], 1, &[1, 2], ends);
    }
}
