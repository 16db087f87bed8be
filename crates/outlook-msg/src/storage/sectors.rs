//! Reads the allocation tables of a compound file, and follows chains of sectors (\[MS-CFB\] 2.1 to
//! 2.5).
//!
//! Knows no names: a chain is given by its first sector and its length.

use std::io;
use std::sync::Arc;

use super::bytes::u32s;
use super::chain::Chain;
use super::error::{Damage, Defects, Error};
use super::fat::Fat;
use super::header::Header;
use super::layout::Layout;
use super::source::Source;
use super::table::{AllocationTable, FREE_SECTOR};

/// Mini sectors have 64 bytes.
const MINI_SECTOR_SHIFT: u32 = 6;
const ENTRY_BYTES: usize = size_of::<u32>();
const FAT: &str = "file allocation table";

/// A file with its allocation tables.
#[derive(Debug)]
pub(super) struct Sectors {
    source: Arc<Source>,
    layout: Layout,
    fat: Fat,
    mini_fat: AllocationTable,
    /// The sectors of the mini stream, in order.
    mini_stream: Vec<u32>,
    mini_stream_cutoff: u64,
}

/// A run of adjacent bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// From the start of the file.
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Sectors {
    /// The sectors of an empty file, for a snapshot of a transaction.
    pub(super) fn none() -> Self {
        Self {
            source: Arc::new(Source::from_bytes(Vec::new())),
            layout: Layout::none(),
            fat: Fat::none(),
            mini_fat: AllocationTable::default(),
            mini_stream: Vec::new(),
            mini_stream_cutoff: 0,
        }
    }

    /// Finds the FAT, which has an entry for each sector of the file.
    ///
    /// # Errors
    /// Only `Io`. Missing parts of the table become defects.
    pub(super) fn load(
        source: Arc<Source>,
        header: &Header,
        defects: &mut Defects,
    ) -> Result<Self, Error> {
        let layout = Layout::new(header, source.len());
        let fat = Fat::load(&source, header, layout, defects)
            .map_err(|source| Error::Io { place: FAT.into(), source })?;
        Ok(Self {
            source,
            layout,
            fat,
            mini_fat: AllocationTable::default(),
            mini_stream: Vec::new(),
            mini_stream_cutoff: u64::from(header.mini_stream_cutoff),
        })
    }

    /// Reads the mini FAT, and finds the mini stream: the chain of the root entry.
    ///
    /// The mini stream is as long as its chain, whatever length the root entry declares: in the
    /// real files where the two differ, the length is wrong. `declared` is used only to tell
    /// whether a damaged chain has lost something.
    pub(super) fn load_mini_stream(
        &mut self,
        header: &Header,
        first: u32,
        declared: u64,
        defects: &mut Defects,
    ) -> Result<(), Error> {
        let mut chain = Chain::of_fat(&self.fat, &self.source, first);
        let mini_stream: Vec<u32> = chain.by_ref().collect();
        let damage = chain.damage();
        check_read(Some(damage))?;
        self.mini_stream = mini_stream;
        let found = (self.mini_stream.len() as u64) << self.layout.shift;
        if found < declared && damage != Damage::Ends {
            defects.add(
                "mini stream",
                format_args!("expected {declared} bytes, found {found}: {damage}"),
            );
        }
        self.mini_fat = self.read_mini_fat(header, defects)?;
        Ok(())
    }

    /// Reads a chain of sectors up to its end or to `len_max` bytes.
    pub(super) fn read_chain(
        &self,
        place: &str,
        first: u32,
        len_max: u64,
    ) -> Result<(Vec<u8>, Option<Damage>), Error> {
        let mut runs = Runs::of_sectors(self, first, len_max);
        let len = |run: Run| usize::try_from(run.len).unwrap_or(usize::MAX);
        let ranges: Vec<_> = runs.by_ref().map(|run| (run.offset, len(run))).collect();
        // A run has only bytes that the file has.
        let mut bytes = Vec::with_capacity(ranges.iter().map(|(_, len)| *len).sum());
        self.source
            .read_ranges(&ranges, |found| bytes.extend_from_slice(found))
            .map_err(|source| Error::Io { place: place.into(), source })?;
        check_read(runs.damage)?;
        Ok((bytes, runs.damage))
    }

    /// The runs of the first `len` bytes of the stream that begins at sector `first`. Its declared
    /// length tells whether it is in the FAT or in the mini FAT.
    pub(super) fn stream(&self, first: u32, declared: u64, len: u64) -> Runs<'_> {
        if declared < self.mini_stream_cutoff {
            return Runs::of_mini_sectors(self, first, len);
        }
        if self.fat.needs_whole(len) {
            // If the read fails, the walk along the chain meets the error and reports it.
            let _ = self.fat.whole(&self.source);
        }
        Runs::of_sectors(self, first, len)
    }

    /// Whether the chain of a stream certainly has all of its sectors and no other, and the file all
    /// of theirs. Takes less time than going through the runs.
    pub(super) fn has_all(&self, first: u32, declared: u64) -> bool {
        let (mut chain, shift) = match declared < self.mini_stream_cutoff {
            true => (Chain::of_mini(&self.mini_fat, first), MINI_SECTOR_SHIFT),
            false if self.fat.needs_whole(declared) => return false,
            false => (Chain::of_fat(&self.fat, &self.source, first), self.layout.shift),
        };
        let wanted = usize::try_from(declared.div_ceil(1 << shift)).unwrap_or(usize::MAX);
        let found = chain.by_ref().take(wanted).count();
        // Of an empty stream, some programs write any number as its first sector.
        !self.layout.is_cut() && found == wanted && (wanted == 0 || !chain.goes_on())
    }

    /// Appends the bytes of a run.
    pub(super) fn append(&self, run: Run, out: &mut Vec<u8>) -> io::Result<()> {
        self.source.append(run.offset, usize::try_from(run.len).unwrap_or(usize::MAX), out)
    }

    /// Appends the first `len` bytes of a sector; fewer where the file ends.
    pub(super) fn append_sector(
        &self,
        sector: u32,
        len: usize,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.source.append(self.layout.offset(sector), len, out)
    }

    /// The file.
    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// How many bytes of memory it takes, including the file if that is in memory.
    pub(super) fn bytes_held(&self) -> usize {
        self.source.bytes_held()
            + self.fat.bytes_held()
            + self.mini_fat.bytes_held()
            + self.mini_stream.capacity() * size_of::<u32>()
    }

    /// Reads the entries of the mini FAT for all mini sectors of the mini stream.
    fn read_mini_fat(
        &self,
        header: &Header,
        defects: &mut Defects,
    ) -> Result<AllocationTable, Error> {
        let count = self.mini_stream.len() << (self.layout.shift - MINI_SECTOR_SHIFT);
        let needed = count * ENTRY_BYTES;
        let (bytes, damage) =
            self.read_chain("mini FAT", header.first_mini_fat_sector, needed as u64)?;
        let stated = u64::from(header.mini_fat_sectors) << self.layout.shift;
        if let Some(damage) = damage.filter(|_| (bytes.len() as u64) < stated) {
            let expected = stated.min(needed as u64);
            let found = bytes.len();
            defects.add(
                "mini FAT",
                format_args!("expected {expected} bytes, found {found}: {damage}"),
            );
        }
        let mut next: Vec<u32> = Vec::with_capacity(count);
        next.extend(u32s(&bytes));
        next.resize(count, FREE_SECTOR);
        Ok(AllocationTable::new(next))
    }

    /// The place of a mini sector in the file; empty if the mini stream is too short.
    fn mini_run(&self, mini_sector: u32) -> Run {
        let len = 1 << MINI_SECTOR_SHIFT;
        let position = u64::from(mini_sector) << MINI_SECTOR_SHIFT;
        let shift = self.layout.shift;
        let index = usize::try_from(position >> shift).unwrap_or(usize::MAX);
        match self.mini_stream.get(index) {
            Some(&sector) => {
                Run { offset: self.layout.offset(sector) + (position & ((1 << shift) - 1)), len }
            }
            None => Run { offset: 0, len: 0 },
        }
    }
}

/// The error if a chain ended because the FAT could not be read.
fn check_read(damage: Option<Damage>) -> Result<(), Error> {
    match damage {
        Some(Damage::Unread(kind)) => Err(Error::Io { place: FAT.into(), source: kind.into() }),
        _ => Ok(()),
    }
}

/// An iterator over the runs of a chain: adjacent sectors are joined into one run.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    sectors: &'a Sectors,
    chain: Chain<'a>,
    mini: bool,
    /// How many bytes are still wanted.
    left: u64,
    /// The first sector of the next run, which has been read already.
    ahead: Option<Run>,
    /// Why the chain ended before all bytes were found.
    pub(super) damage: Option<Damage>,
}

impl<'a> Runs<'a> {
    fn of_sectors(sectors: &'a Sectors, first: u32, len: u64) -> Self {
        let chain = Chain::of_fat(&sectors.fat, &sectors.source, first);
        Self { sectors, chain, mini: false, left: len, ahead: None, damage: None }
    }

    fn of_mini_sectors(sectors: &'a Sectors, first: u32, len: u64) -> Self {
        let chain = Chain::of_mini(&sectors.mini_fat, first);
        Self { sectors, chain, mini: true, left: len, ahead: None, damage: None }
    }

    /// Whether the chain has a further sector after all bytes that were wanted.
    pub(super) fn goes_on(&self) -> bool {
        self.left == 0 && self.damage.is_none() && self.chain.goes_on()
    }

    /// The next sector of the chain, cut at the end of the file and to the bytes that are wanted.
    fn sector(&mut self) -> Option<Run> {
        if self.left == 0 || self.damage.is_some() {
            return None;
        }
        let Some(sector) = self.chain.next() else {
            self.damage = Some(self.chain.damage());
            return None;
        };
        let mut run = if self.mini {
            self.sectors.mini_run(sector)
        } else {
            let layout = self.sectors.layout;
            Run { offset: layout.offset(sector), len: 1 << layout.shift }
        };
        let wanted = run.len.min(self.left);
        run.len = wanted.min(self.sectors.source.len().saturating_sub(run.offset));
        if run.len < wanted {
            self.damage = Some(Damage::Cut(self.chain.number(sector)));
        }
        self.left -= run.len;
        Some(run).filter(|run| run.len > 0)
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let mut run = self.ahead.take().or_else(|| self.sector())?;
        while let Some(sector) = self.sector() {
            if sector.offset != run.offset + run.len {
                self.ahead = Some(sector);
                break;
            }
            run.len += sector.len;
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::bytes::u32_at;
    use super::super::fixtures::{Broken, check, content};
    use super::super::{CompoundFile, Source};

    const FIRST: usize = 116;
    const LEN: usize = 120;

    #[test]
    fn reads_past_a_padded_fat() {
        for value in [0, 3, 90, 0xFFFF_FFFC, 0xFFFF_FFFD, 0xFFFF_FFFE] {
            let pad = |b: &mut Broken| {
                let sectors = u32::try_from(b.bytes.len()).unwrap() / 512 - 1;
                for sector in sectors..128 {
                    b.put(b.fat(sector), value);
                }
            };
            check("FAT entries beyond the file", pad, "");
        }
    }

    #[test]
    fn ends_chains_that_are_damaged() {
        let big = |what: &str, damage: fn(&mut Broken), found: u64, cause: &str| {
            let line = "+ /big stream \"/big\": expected 9000 bytes";
            check(what, damage, &format!("{line}, found {found}: {cause}"));
        };
        big(
            "a loop",
            |b| b.put(b.fat(b.first_sector("big") + 3), b.first_sector("big") + 1),
            2048,
            "the chain of sectors comes back to sector 3",
        );
        big(
            "a sector after itself",
            |b| b.put(b.fat(b.first_sector("big")), b.first_sector("big")),
            512,
            "the chain of sectors comes back to sector 2",
        );
        let ends = "the chain of sectors ends early";
        big("an end", |b| b.put(b.fat(b.first_sector("big") + 1), 0xFFFF_FFFE), 1024, ends);
        big("a free sector", |b| b.put(b.fat(b.first_sector("big") + 1), 0xFFFF_FFFF), 1024, ends);
        big("no start", |b| b.put(b.entry("big") + FIRST, 0xFFFF_FFFE), 0, ends);
        let missing = "sector 5000 is not in the file";
        big("a next outside", |b| b.put(b.fat(b.first_sector("big") + 1), 5000), 1024, missing);
        big("a start outside", |b| b.put(b.entry("big") + FIRST, 5000), 0, missing);
    }

    #[test]
    fn bounds_lengths() {
        check("junk above 32 bits", |b| b.put(b.entry("big") + LEN + 4, 0xDEAD_BEEF), "");
        let line = "+ /big stream \"/big\": expected";
        let found = "found 9216: the chain of sectors ends early!";
        let longer = |b: &mut Broken| b.put(b.entry("big") + LEN, 9800);
        check("longer than the chain", longer, &format!("{line} 9800 bytes, {found}"));
        check(
            "longer than the file",
            |b| b.put(b.entry("big") + LEN, 0xFFFF_FFFF),
            &format!(
                "{line} 4294967295 bytes, {found}
                 ? directory: the streams declare 4294976800 bytes, the file has 22016"
            ),
        );
        check(
            "longer than the file, and junk above 32 bits",
            |b| {
                b.put(b.entry("big") + LEN, 0xFFFF_FFFF);
                b.put(b.entry("big") + LEN + 4, 0xFFFF_FFFF);
            },
            &format!(
                "{line} 4294967295 bytes, {found}
                 ? directory: the streams declare 4294976800 bytes, the file has 22016"
            ),
        );
        let linked = |b: &mut Broken| b.put(b.entry("other") + FIRST, b.first_sector("big"));
        check("two streams over one sector", linked, "+ /other 5000!");
    }

    #[test]
    fn reads_sectors_that_the_fat_does_not_cover() {
        let damage = |b: &mut Broken| {
            b.bytes.resize(200_000, 0);
            b.put(b.entry("other") + FIRST, 300);
        };
        let line = "+ /other stream \"/other\": expected 5000 bytes, found 512";
        check("a start", damage, &format!("{line}: the chain of sectors ends early!"));
    }

    /// The header lists 109 sectors of the FAT, enough for 7 MB.
    #[test]
    fn reads_the_difat() {
        let mut file = cfb::CompoundFile::create_with_version(
            cfb::Version::V3,
            std::io::Cursor::new(Vec::new()),
        )
        .unwrap();
        let written = content("/large", 16 << 20);
        file.create_stream("/large").unwrap().write_all(&written).unwrap();
        file.flush().unwrap();
        let bytes = file.into_inner().into_inner();
        let read = |bytes: Vec<u8>| {
            let file = CompoundFile::open(Source::from_bytes(bytes)).unwrap();
            let defects: Vec<String> = file.defects().iter().map(ToString::to_string).collect();
            (file.root().stream("large").unwrap().read_salvage().0, defects)
        };
        let (found, defects) = read(bytes.clone());
        assert!(found == written && defects.is_empty(), "{defects:?}");
        let mut broken = Broken { bytes };
        let second = broken.sector(u32_at(&broken.bytes, 68)) + 508;
        broken.put(second, u32_at(&broken.bytes, 68));
        let (found, defects) = read(broken.bytes);
        assert!(written.starts_with(&found) && found.len() > 14 << 20, "{}", found.len());
        assert_eq!(defects, ["DIFAT: expected 259 sectors, found 236"]);
    }

    #[test]
    fn ends_small_streams_that_are_damaged() {
        let inner = |what: &str, damage: fn(&mut Broken), found: u64, cause: &str| {
            let line = "+ /sub/inner stream \"/sub/inner\": expected 300 bytes";
            check(what, damage, &format!("{line}, found {found}: {cause}"));
        };
        inner(
            "a loop",
            |b| b.put(b.mini_fat(b.first_sector("inner") + 2), b.first_sector("inner")),
            192,
            "the chain of sectors comes back to mini sector 3",
        );
        inner(
            "an end",
            |b| b.put(b.mini_fat(b.first_sector("inner")), 0xFFFF_FFFE),
            64,
            "the chain of sectors ends early",
        );
        inner(
            "a next outside",
            |b| b.put(b.mini_fat(b.first_sector("inner")), 5000),
            64,
            "mini sector 5000 is not in the file",
        );
    }

    #[test]
    fn gets_past_a_damaged_mini_stream() {
        for len in [0, 1, 4500, 4527, 100_000] {
            check("its length", |b| b.put(b.entry("Root Entry") + LEN, len), "");
        }
        for (first, cause) in [
            (5000, "sector 5000 is not in the file"),
            (0xFFFF_FFFE, "the chain of sectors ends early"),
        ] {
            let ends = "found 64: the chain of sectors ends early";
            check(
                "the place of the mini FAT",
                |b| b.put(60, first),
                &format!(
                    "+ /small stream \"/small\": expected 100 bytes, {ends}
                     + /sub/inner stream \"/sub/inner\": expected 300 bytes, {ends}
                     + /sub/middle stream \"/sub/middle\": expected 4095 bytes, {ends}
                     ? mini FAT: expected 288 bytes, found 0: {cause}"
                ),
            );
        }
        check(
            "an end",
            |b| b.put(b.fat(b.first_sector("Root Entry")), 0xFFFF_FFFE),
            "+ /sub/middle stream \"/sub/middle\": expected 4095 bytes, found 0: \
             mini sector 8 is not in the file",
        );
        let lost = |path: &str, len: u64, mini: u64| {
            format!(
                "+ {path} stream {path:?}: expected {len} bytes, found 0: \
                 mini sector {mini} is not in the file\n"
            )
        };
        let lost = lost("/small", 100, 0)
            + &lost("/sub/deep/leaf", 10, 2)
            + &lost("/sub/inner", 300, 3)
            + &lost("/sub/middle", 4095, 8)
            + "? mini stream: expected 4608 bytes, found 0: sector 5000 is not in the file";
        check("a start outside", |b| b.put(b.entry("Root Entry") + FIRST, 5000), &lost);
    }
}
