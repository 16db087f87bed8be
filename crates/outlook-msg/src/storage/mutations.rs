//! Damages files at random, and checks that the reader ends soon, keeps its limits of memory, and
//! that all ways to read a stream give the same bytes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use super::bytes::u32_at;
use super::fixtures::sample;
use super::{CompoundFile, Entry, EntryNumber, Source, Storage, Stream, corpus};

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

/// A file with several parts of the FAT, in which the sectors of three long streams take turns.
fn large() -> Vec<u8> {
    let mut file =
        cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new())).unwrap();
    for name in ["/one", "/two", "/sub/three"] {
        if name.starts_with("/sub") {
            file.create_storage("/sub").unwrap();
        }
        file.create_new_stream(name).unwrap();
    }
    for piece in 0..12 {
        for (name, len) in [("/one", 20_000), ("/two", 5_000), ("/sub/three", 30_000)] {
            let mut stream = file.open_stream(name).unwrap();
            stream.seek(SeekFrom::End(0)).unwrap();
            stream.write_all(&vec![piece; len]).unwrap();
        }
    }
    for number in 0..300 {
        let mut stream = file.create_new_stream(format!("/small{number}")).unwrap();
        stream.write_all(&[7; 500]).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// What is found in a source: the streams, the defects, and how each stream ends.
type Found = (BTreeMap<String, Vec<u8>>, Vec<String>);

fn found_in(source: Source) -> Result<Found, String> {
    let file = CompoundFile::open(source).map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    read(&file.root(), &mut found);
    let mut told: Vec<_> = file.defects().iter().map(ToString::to_string).collect();
    for id in 0..file.entry_count() {
        let stream = file.stream(EntryNumber(id));
        told.extend(stream.and_then(|one| one.check().err()).map(|error| error.to_string()));
    }
    Ok((found, told))
}

fn in_file(bytes: &[u8]) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Source::of_open_file(file)
}

/// Of a file, the FAT is read part by part. That must make no difference.
#[test]
fn a_file_is_what_its_bytes_in_memory_are() {
    for (name, bytes) in corpus::files() {
        assert!(found_in(in_file(&bytes)) == found_in(Source::from_bytes(bytes)), "{name}");
    }
    let (large, seed) = (large(), 0x5EED);
    assert!(large.len() > 10 * 65_536);
    let mut differing = 0;
    for number in 0..400 {
        let mut random = Random(seed + (number << 20));
        random.next();
        let mut bytes = large.clone();
        if number > 0 {
            damage(&mut random, &mut bytes);
            let part = u32_at(&bytes, 76 + 4 * random.below(10)) as usize;
            let entry = part.saturating_add(1).saturating_mul(512) + 4 * random.below(128);
            let next = u32::try_from(random.below(1500)).unwrap().to_le_bytes();
            let field = bytes.get_mut(entry..).and_then(|rest| rest.first_chunk_mut());
            field.into_iter().for_each(|field| *field = next);
        }
        let _input = Input { seed, number };
        let (in_file, in_memory) = (found_in(in_file(&bytes)), found_in(Source::from_bytes(bytes)));
        assert_eq!(
            in_file.as_ref().map(|found| &found.1),
            in_memory.as_ref().map(|found| &found.1)
        );
        assert!(in_file == in_memory);
        differing += u32::from(in_memory.is_ok_and(|(_, told)| !told.is_empty()));
    }
    assert!(differing > 200, "{differing}");
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
