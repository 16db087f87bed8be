//! The FAT of a file (\[MS-CFB\] 2.3): for each sector the next one of its chain.
//!
//! Here, a *part* is one sector of the FAT. With sectors of 512 bytes, a part has the entries of 64
//! KiB of the file, so a large file has many parts. To read the subject of a large message, one or
//! two of them are enough. So if the file is not in memory, only the parts are read that a chain
//! leads through. If a chain leads through many parts, the whole FAT is read together, which then
//! takes less time.

use std::io;
use std::sync::OnceLock;

use super::bytes::{u32_at, u32s};
use super::error::Defects;
use super::header::Header;
use super::layout::Layout;
use super::source::Source;
use super::table::{AllocationTable, FREE_SECTOR, SectorSet};

const ENTRY_BYTES: usize = size_of::<u32>();
/// At most this many parts are read one by one. If one more is needed, the whole FAT is read
/// together, which then takes less time.
const PARTS_MAX: usize = 12;
/// A FAT of at most this many parts (that of a file of up to 512 KiB) is read as a whole when the
/// file is opened: most of the file is needed anyway, and one read takes less time than several.
const WHOLE_PARTS_MAX: usize = 8;
/// If a stream has more sectors than this many parts have entries, the whole FAT is read before its
/// chain is followed: the chain is expected to lead through most parts.
const STREAM_PARTS_MAX: u64 = 2;

/// The FAT of a file. A sector without an entry counts as free.
#[derive(Debug)]
pub(super) struct Fat {
    layout: Layout,
    /// The sectors that hold the parts, in order.
    places: Vec<u32>,
    /// The parts that were read one by one, in the order of the reads.
    parts: [OnceLock<Part>; PARTS_MAX],
    /// All entries, once they have been read together.
    whole: OnceLock<AllocationTable>,
}

/// The entries of one sector of the FAT.
#[derive(Debug)]
struct Part {
    /// The place of the part in the FAT.
    index: usize,
    entries: Vec<u32>,
}

impl Fat {
    /// The FAT of an empty file, for a snapshot of a transaction.
    pub(super) fn none() -> Self {
        let whole = OnceLock::from(AllocationTable::default());
        Self { layout: Layout::none(), places: Vec::new(), parts: Default::default(), whole }
    }

    /// Finds the parts of the FAT, and reads all of them if the file is small or in memory. A part
    /// that the file does not have, or not as a whole, becomes a defect.
    ///
    /// # Errors
    /// Those of `pread`.
    pub(super) fn load(
        source: &Source,
        header: &Header,
        layout: Layout,
        defects: &mut Defects,
    ) -> io::Result<Self> {
        let needed = layout.count().div_ceil(layout.sector_bytes() / ENTRY_BYTES);
        let places = places(source, header, layout, needed, defects)?;
        let whole = OnceLock::new();
        let fat = Self { layout, places, parts: Default::default(), whole };
        let stated = usize::try_from(header.fat_sectors).unwrap_or(usize::MAX);
        for (index, sector) in fat.places.iter().enumerate().take(stated) {
            if fat.layout.len(*sector) < fat.part_bytes(index) {
                defects.add(
                    "file allocation table",
                    format_args!("part {index}, sector {sector}, is not in the file"),
                );
            }
        }
        if !source.is_file() || fat.places.len() <= WHOLE_PARTS_MAX {
            fat.whole(source)?;
        }
        Ok(fat)
    }

    /// The entry of a sector; `None` if the file has no such sector. Reads the part in which the
    /// entry is.
    ///
    /// # Errors
    /// Those of `pread`.
    pub(super) fn next(&self, source: &Source, sector: u32) -> io::Result<Option<u32>> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole.next(sector));
        }
        let sector = usize::try_from(sector).unwrap_or(usize::MAX);
        if sector >= self.layout.count() {
            return Ok(None);
        }
        let (index, at) = (sector / self.part_entries(), sector % self.part_entries());
        let entry = |part: &Part| part.entries.get(at).copied().unwrap_or(FREE_SECTOR);
        for slot in &self.parts {
            match slot.get() {
                Some(part) if part.index == index => return Ok(Some(entry(part))),
                Some(_) => {}
                None => {
                    let part = self.read_part(source, index)?;
                    let found = entry(&part);
                    // If another thread has filled the slot meanwhile, this part is not kept, and
                    // is read again when it is needed again.
                    let _ = slot.set(part);
                    return Ok(Some(found));
                }
            }
        }
        Ok(self.whole(source)?.next(u32::try_from(sector).unwrap_or(FREE_SECTOR)))
    }

    /// The whole table, which is read if it has not been yet.
    ///
    /// # Errors
    /// Those of `pread`.
    pub(super) fn whole(&self, source: &Source) -> io::Result<&AllocationTable> {
        match self.whole.get() {
            Some(whole) => Ok(whole),
            None => {
                let read = self.read_whole(source)?;
                Ok(self.whole.get_or_init(|| read))
            }
        }
    }

    /// The whole table if it has been read.
    pub(super) fn known_whole(&self) -> Option<&AllocationTable> {
        self.whole.get()
    }

    /// Whether the chain of a stream of this length leads through so many parts that the whole FAT
    /// is to be read before the chain is followed.
    pub(super) fn needs_whole(&self, stream_len: u64) -> bool {
        let part = (self.part_entries() as u64) << self.layout.shift;
        stream_len > part * STREAM_PARTS_MAX
    }

    /// How many bytes of memory it takes.
    pub(super) fn bytes_held(&self) -> usize {
        let parts = self.parts.iter().filter_map(OnceLock::get);
        self.places.capacity() * ENTRY_BYTES
            + parts.map(|part| part.entries.capacity() * ENTRY_BYTES).sum::<usize>()
            + self.whole.get().map_or(0, AllocationTable::bytes_held)
    }

    fn part_entries(&self) -> usize {
        self.layout.sector_bytes() / ENTRY_BYTES
    }

    /// How many bytes of a part are used. The last part is used only up to the entry of the last
    /// sector of the file.
    fn part_bytes(&self, index: usize) -> usize {
        let entries_left = self.layout.count().saturating_sub(index * self.part_entries());
        self.part_entries().min(entries_left) * ENTRY_BYTES
    }

    /// Where a part is in the file, by offset and length; empty if the file does not have it.
    fn range(&self, index: usize) -> (u64, usize) {
        match self.places.get(index) {
            Some(sector) if self.layout.has(*sector) => {
                (self.layout.offset(*sector), self.part_bytes(index))
            }
            _ => (0, 0),
        }
    }

    fn read_part(&self, source: &Source, index: usize) -> io::Result<Part> {
        let (offset, len) = self.range(index);
        let mut bytes = Vec::with_capacity(len);
        source.append(offset, len, &mut bytes)?;
        Ok(Part { index, entries: u32s(&bytes).collect() })
    }

    fn read_whole(&self, source: &Source) -> io::Result<AllocationTable> {
        let count = self.layout.count();
        let mut next: Vec<u32> = Vec::with_capacity(count);
        let ranges: Vec<_> = (0..self.places.len()).map(|index| self.range(index)).collect();
        let mut part_end = 0;
        source.read_ranges(&ranges, |bytes| {
            part_end += self.part_entries();
            next.extend(u32s(bytes));
            // If bytes of the part are missing, the entries of the next part must still come to
            // their places.
            next.resize(count.min(part_end), FREE_SECTOR);
        })?;
        next.resize(count, FREE_SECTOR);
        Ok(AllocationTable::new(next))
    }
}

/// The sectors that hold the FAT, as the DIFAT lists them; at most `needed`, since further ones
/// would have entries only for sectors beyond the end of the file.
fn places(
    source: &Source,
    header: &Header,
    layout: Layout,
    needed: usize,
    defects: &mut Defects,
) -> io::Result<Vec<u32>> {
    let mut places: Vec<u32> = header.difat.iter().copied().take(needed).collect();
    let mut sector = header.first_difat_sector;
    let mut seen = SectorSet::new(if needed > places.len() { layout.count() } else { 0 });
    let mut bytes = Vec::new();
    while places.len() < needed && layout.has(sector) && seen.add(sector) {
        bytes.clear();
        source.append(layout.offset(sector), layout.sector_bytes(), &mut bytes)?;
        // The last entry of a sector of the DIFAT is the number of the next one.
        let next_at = layout.sector_bytes() - ENTRY_BYTES;
        let listed = u32s(bytes.get(..next_at).unwrap_or(&bytes));
        places.extend(listed.take(needed - places.len()));
        sector = if bytes.len() > next_at { u32_at(&bytes, next_at) } else { FREE_SECTOR };
    }
    let stated = usize::try_from(header.fat_sectors).unwrap_or(usize::MAX).min(needed);
    if places.len() < stated {
        let found = places.len();
        defects.add("DIFAT", format_args!("expected {stated} sectors, found {found}"));
    }
    Ok(places)
}
