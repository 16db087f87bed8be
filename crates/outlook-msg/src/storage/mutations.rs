//! Damages files at random, and checks that the reader ends soon, keeps its limits of memory, and
//! that all ways to read a stream give the same bytes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use super::bytes::u32_at;
use super::fixtures::sample;
use super::{CompoundFile, Entry, Source, Storage, Stream, corpus};

/// A random number generator (xorshift), which gives the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

/// Prints seed and number of the input if an assertion fails.
struct Input {
    seed: u64,
    number: u64,
}

impl Drop for Input {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("input {} of MSGFS_SEED {}", self.number, self.seed);
        }
    }
}

/// Damages a file in one to four places, most of them in the header and in tables.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + random.below(4) {
        let len = bytes.len();
        let table = |field: usize| (u32_at(bytes, field) as usize).saturating_add(1) * 512;
        let start = match random.below(6) {
            0 => 24,
            1 => table(48), // directory
            2 => table(76), // FAT
            3 => table(60), // mini FAT
            _ => random.below(len),
        };
        let at = (start + random.below(512)).min(len.saturating_sub(1));
        match random.below(9) {
            0 => bytes.truncate(random.below(len)),
            1 => bytes.resize(len + random.below(3000), 0xAA),
            2 => {
                let source = random.below(len);
                let count = random.below(512).min(len - source.max(at));
                bytes.copy_within(source..source + count, at);
            }
            3 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << random.below(8)),
            _ => {
                let numbers = [0, 1, random.below(200), random.below(len / 512), 0xFFFF_FFFE];
                let number = u32::try_from(numbers[random.below(numbers.len())]).unwrap();
                let field = bytes.get_mut(at & !3..).and_then(|rest| rest.first_chunk_mut());
                field.into_iter().for_each(|field| *field = number.to_le_bytes());
            }
        }
    }
}

/// Reads everything in a storage. Returns the number of storages and streams.
fn read(storage: &Storage, found: &mut BTreeMap<String, Vec<u8>>) -> u32 {
    let mut count = 1;
    for entry in storage.entries() {
        assert_eq!(storage.file().entry(entry.id()).unwrap().name(), entry.name());
        match entry {
            Entry::Storage(child) => count += read(&child, found),
            Entry::Stream(stream) => {
                let bytes = read_stream(&stream);
                found.entry(stream.path()).or_insert(bytes);
                count += 1;
            }
        }
    }
    count
}

fn read_stream(stream: &Stream) -> Vec<u8> {
    let extents = stream.extents();
    let (bytes, error) = stream.read_salvage();
    let readable = bytes.len() as u64;
    assert!(readable <= stream.len() && stream.len() <= stream.file().source().len());
    assert_eq!(extents.readable_len(), readable, "{stream:?}");
    assert_eq!(error.is_none(), extents.damage().is_none() && readable == stream.len());
    assert_eq!(stream.read_all().ok(), error.is_none().then(|| bytes.clone()));
    for start in [0, bytes.len() / 2, bytes.len().saturating_sub(10)] {
        let mut buf = vec![0; (bytes.len() - start).min(5000)];
        let expected = &bytes[start..start + buf.len()];
        assert_eq!(stream.read_at(start as u64, &mut buf).unwrap(), buf.len());
        assert_eq!(buf, expected, "{stream:?}");
        buf.fill(0);
        assert_eq!(extents.read_at(start as u64, &mut buf).unwrap(), buf.len());
        assert_eq!(buf, expected, "{extents:?}");
    }
    let beyond = stream.read_at(readable, &mut [0; 10]);
    assert_eq!(beyond.is_err(), readable < stream.len(), "{stream:?}");
    bytes
}

/// Checks that our reader found every stream that `cfb` reads, with the same bytes. `false` if
/// `cfb` does not open the file.
fn compare(bytes: &[u8], found: &BTreeMap<String, Vec<u8>>) -> bool {
    let Ok(mut theirs) = cfb::CompoundFile::open(Cursor::new(bytes)) else { return false };
    let streams: Vec<cfb::Entry> = theirs.walk().filter(cfb::Entry::is_stream).collect();
    for stream in streams {
        let path = stream.path().to_string_lossy().into_owned();
        let mut content = Vec::new();
        let read = theirs.open_stream(&path).and_then(|mut s| s.read_to_end(&mut content));
        // Our reader drops NULs at the end of a name, `cfb` does not.
        if read.is_ok() && !path.contains('\0') {
            assert_eq!(found.get(&path), Some(&content), "{path}");
        }
    }
    true
}

#[test]
fn survives_damage() {
    let count = std::env::var("MSGFS_MUTATIONS").map_or(3000, |count| count.parse().unwrap());
    let seed = std::env::var("MSGFS_SEED").map_or(0x5EED, |seed| seed.parse().unwrap());
    let mut bases = vec![sample(cfb::Version::V3), sample(cfb::Version::V4)];
    let small = corpus::files().into_iter().map(|(_, bytes)| bytes).filter(|b| b.len() < 40_000);
    bases.extend(small);
    let (mut opened, mut compared, mut slowest) = (0, 0, Duration::ZERO);
    for number in 0..count {
        let mut random = Random(seed + (number << 20));
        random.next();
        let mut bytes = bases[random.below(bases.len())].clone();
        damage(&mut random, &mut bytes);
        let _input = Input { seed, number };
        let start = Instant::now();
        let Ok(file) = CompoundFile::open(Source::from_bytes(bytes.clone())) else { continue };
        assert!(file.bytes_held() < 4 * bytes.len() + 0x1_0000, "{file:?}");
        assert!(file.defects().len() <= 65);
        let mut found = BTreeMap::new();
        assert_eq!(read(&file.root(), &mut found), file.entry_count());
        slowest = slowest.max(start.elapsed());
        opened += 1;
        compared += u64::from(compare(&bytes, &found));
    }
    assert!(opened > count / 2 && slowest < Duration::from_secs(5), "{opened} {slowest:?}");
    println!("{count} inputs: {opened} opened, {compared} by cfb too, slowest {slowest:?}");
}
