//! Walks along the chains of an allocation table (\[MS-CFB\] 2.1).
//!
//! Does not know where a sector lies, or what a chain contains.

use std::io;

use super::error::{Damage, SectorNumber};
use super::fat::Fat;
use super::source::Source;
use super::table::{AllocationTable, is_regular};

/// A walk along a chain. A chain that returns to one of its sectors ends there.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    entries: Entries<'a>,
    /// Whether it is a chain of mini sectors.
    mini: bool,
    start: u32,
    next: u32,
    /// How many sectors the walk has passed while it read the FAT part by part.
    passed: usize,
    /// The walk ends after this many more sectors, since the next one would come a second time.
    left: usize,
    /// Why the entry of the next sector could not be read.
    unread: Option<io::ErrorKind>,
}

/// Where a walk finds the entries of its sectors.
#[derive(Clone, Copy, Debug)]
enum Entries<'a> {
    Table(&'a AllocationTable),
    /// A FAT of which a part is read when the walk comes to it.
    Parts(&'a Fat, &'a Source),
}

impl<'a> Chain<'a> {
    /// The chain of mini sectors that begins at `start`.
    pub(super) fn of_mini(table: &'a AllocationTable, start: u32) -> Self {
        Self { mini: true, ..Self::new(Entries::Table(table), table.distinct(start), start) }
    }

    /// The chain of sectors that begins at `start`.
    pub(super) fn of_fat(fat: &'a Fat, source: &'a Source, start: u32) -> Self {
        match fat.known_whole() {
            Some(table) => Self::new(Entries::Table(table), table.distinct(start), start),
            None => Self::new(Entries::Parts(fat, source), usize::MAX, start),
        }
    }

    fn new(entries: Entries<'a>, left: usize, start: u32) -> Self {
        Self { entries, mini: false, start, next: start, passed: 0, left, unread: None }
    }

    /// Why the walk has ended.
    pub(super) fn damage(&self) -> Damage {
        if let Some(kind) = self.unread {
            return Damage::Unread(kind);
        }
        let is_there = match self.entries {
            Entries::Table(table) => table.next(self.next).is_some(),
            // The walk through the parts ends only where there is no entry.
            Entries::Parts(..) => false,
        };
        if is_there {
            Damage::Loop(self.number(self.next))
        } else if is_regular(self.next) {
            Damage::Missing(self.number(self.next))
        } else {
            Damage::Ends
        }
    }

    /// Whether a sector follows the ones that the walk has passed, be it one that the file has or
    /// not. Reads nothing.
    pub(super) fn goes_on(&self) -> bool {
        is_regular(self.next)
    }

    /// The number of a sector of this chain, for messages.
    pub(super) fn number(&self, sector: u32) -> SectorNumber {
        SectorNumber { number: sector, mini: self.mini }
    }

    /// The next sector, while the FAT is read part by part. As long as each sector lies behind the
    /// one before it, none can come a second time. At the first step back, the walk reads the whole
    /// FAT and goes on with it, since only the whole FAT tells where a loop begins.
    fn next_in_parts(&mut self, fat: &'a Fat, source: &'a Source) -> Option<u32> {
        let sector = self.next;
        self.next = fat.next(source, sector).unwrap_or_else(|error| self.fail(&error))?;
        self.passed += 1;
        if self.next > sector {
            return Some(sector);
        }
        match fat.whole(source) {
            Ok(table) => {
                self.entries = Entries::Table(table);
                let distinct = table.distinct(self.start);
                let is_back = self.next == self.start;
                self.left = if is_back { 0 } else { distinct.saturating_sub(self.passed) };
            }
            Err(error) => {
                self.left = 0;
                self.fail::<()>(&error);
            }
        }
        Some(sector)
    }

    /// Notes why an entry could not be read, and ends the walk.
    fn fail<T>(&mut self, error: &io::Error) -> Option<T> {
        self.unread = Some(error.kind());
        None
    }
}

impl Iterator for Chain<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        let sector = self.next;
        match self.entries {
            Entries::Table(table) => {
                self.next = table.next(sector)?;
                self.left = if self.next == self.start { 0 } else { self.left - 1 };
                Some(sector)
            }
            Entries::Parts(fat, source) => self.next_in_parts(fat, source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::FREE_SECTOR;
    use super::*;

    const END: u32 = 0xFFFF_FFFE;

    fn check(next: &[u32], start: u32, expected: &[u32], end: &str) {
        let table = AllocationTable::new(next.to_vec());
        let mut chain = Chain { mini: false, ..Chain::of_mini(&table, start) };
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

    #[test]
    fn tells_whether_a_chain_goes_on() {
        for (last, goes_on) in [(END, false), (FREE_SECTOR, false), (2, true), (0, true), (9, true)]
        {
            let table = AllocationTable::new(vec![1, last, END]);
            let mut chain = Chain::of_mini(&table, 0);
            assert_eq!(chain.by_ref().take(2).count(), 2);
            assert_eq!(chain.goes_on(), goes_on, "{last}");
        }
    }
}
