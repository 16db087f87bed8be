//! Where the sectors of a file lie (\[MS-CFB\] 2.1).

use super::header::Header;
use super::table::{MAX_REGULAR_SECTOR, is_regular};

/// The length of a sector, and the length of the file that has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// A sector has 2 to the power of this many bytes.
    pub(super) shift: u32,
    file_len: u64,
}

impl Layout {
    pub(super) fn new(header: &Header, file_len: u64) -> Self {
        Self { shift: header.sector_shift, file_len }
    }

    /// The layout of an empty file, for a snapshot of a transaction.
    pub(super) fn none() -> Self {
        Self { shift: 9, file_len: 0 }
    }

    /// Bytes of a sector.
    pub(super) fn sector_bytes(&self) -> usize {
        1 << self.shift
    }

    /// The number of sectors of the file. A last sector that is cut off counts too.
    pub(super) fn count(&self) -> usize {
        let sectors = self.file_len.div_ceil(1 << self.shift).saturating_sub(1);
        usize::try_from(sectors.min(u64::from(MAX_REGULAR_SECTOR))).unwrap_or(usize::MAX)
    }

    /// Whether the file ends within a sector.
    pub(super) fn is_cut(&self) -> bool {
        !self.file_len.is_multiple_of(1 << self.shift)
    }

    /// Whether the file has at least the start of a sector.
    pub(super) fn has(&self, sector: u32) -> bool {
        is_regular(sector) && self.offset(sector) < self.file_len
    }

    /// How many bytes the file has of a sector.
    pub(super) fn len(&self, sector: u32) -> usize {
        if !is_regular(sector) {
            return 0;
        }
        let left = self.file_len.saturating_sub(self.offset(sector));
        usize::try_from(left).unwrap_or(usize::MAX).min(self.sector_bytes())
    }

    /// The offset of a sector in the file. Sector 0 comes after the header, which takes as much
    /// space as one sector.
    pub(super) fn offset(&self, sector: u32) -> u64 {
        (u64::from(sector) + 1) << self.shift
    }
}
