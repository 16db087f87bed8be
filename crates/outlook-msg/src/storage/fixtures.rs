//! Compound files for the tests: written by the crate `cfb`, then broken one field at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use super::bytes::{u16_at, u32_at};
use super::name::Name;
use super::{CompoundFile, Entry, Source, Storage};

/// The streams of [`sample`] with their lengths. Among them are streams of two pieces, small
/// streams in the mini stream, and a stream in an inner storage.
pub(super) const STREAMS: [(&str, usize); 7] = [
    ("/big", 9000),
    ("/empty", 0),
    ("/other", 5000),
    ("/small", 100),
    ("/sub/deep/leaf", 10),
    ("/sub/inner", 300),
    ("/sub/middle", 4095),
];

/// The bytes that the stream of this path has.
pub(super) fn content(path: &str, len: usize) -> Vec<u8> {
    let seed = path.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
    (0..len).zip(0_u32..).map(|(_, at)| (at.wrapping_mul(seed | 1) >> 5).to_le_bytes()[0]).collect()
}

/// A sound file of either version. `/big` lies in two pieces, with `/other` between them.
pub(super) fn sample(version: cfb::Version) -> Vec<u8> {
    let mut file =
        cfb::CompoundFile::create_with_version(version, Cursor::new(Vec::new())).unwrap();
    file.create_storage("/sub").unwrap();
    file.create_storage("/sub/deep").unwrap();
    for (path, len) in STREAMS {
        let bytes = content(path, len);
        let first = if path == "/big" { &bytes[..8192] } else { &bytes };
        file.create_new_stream(path).unwrap().write_all(first).unwrap();
    }
    let mut big = file.open_stream("/big").unwrap();
    std::io::Seek::seek(&mut big, std::io::SeekFrom::End(0)).unwrap();
    big.write_all(&content("/big", 9000)[8192..]).unwrap();
    drop(big);
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// A file that tests break.
pub(super) struct Broken {
    pub(super) bytes: Vec<u8>,
}

impl Broken {
    /// A sound file of version 3.
    pub(super) fn sample() -> Self {
        Self { bytes: sample(cfb::Version::V3) }
    }

    /// Replaces the four bytes at `at` by a number.
    pub(super) fn put(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Where the directory entry of this name begins.
    pub(super) fn entry(&self, name: &str) -> usize {
        let wanted: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let starts = (512..self.bytes.len()).step_by(128);
        starts.clone().find(|&at| self.bytes[at..].starts_with(&wanted)).unwrap()
    }

    /// The number of the directory entry of this name.
    pub(super) fn index(&self, name: &str) -> u32 {
        let place = self.entry(name);
        let mut sector = u32_at(&self.bytes, 48);
        let mut index = 0;
        while !(self.sector(sector)..self.sector(sector) + 512).contains(&place) {
            sector = u32_at(&self.bytes, self.fat(sector));
            index += 4;
        }
        index + u32::try_from(place - self.sector(sector)).unwrap() / 128
    }

    /// The first sector of the stream of this name.
    pub(super) fn first_sector(&self, name: &str) -> u32 {
        u32_at(&self.bytes, self.entry(name) + 116)
    }

    /// Where a sector begins.
    pub(super) fn sector(&self, sector: u32) -> usize {
        (sector as usize + 1) << u16_at(&self.bytes, 30)
    }

    /// Where the FAT entry of a sector is.
    pub(super) fn fat(&self, sector: u32) -> usize {
        self.sector(u32_at(&self.bytes, 76)) + 4 * sector as usize
    }

    /// Where the mini FAT entry of a mini sector is.
    pub(super) fn mini_fat(&self, mini_sector: u32) -> usize {
        self.sector(u32_at(&self.bytes, 60)) + 4 * mini_sector as usize
    }
}

/// What our reader finds in a file: for each path the length or the error of the stream, and the
/// list of defects. A `!` marks a stream whose bytes are not the beginning of what was written.
pub(super) fn shown(bytes: &[u8]) -> Result<(BTreeMap<String, String>, Vec<String>), String> {
    let file = CompoundFile::open(Source::from_bytes(bytes.to_vec())).map_err(|e| e.to_string())?;
    let mut found = BTreeMap::new();
    show(&file.root(), &mut found);
    Ok((found, file.defects().iter().map(ToString::to_string).collect()))
}

fn show(storage: &Storage, found: &mut BTreeMap<String, String>) {
    let names: Vec<String> = storage.entries().map(|entry| entry.name().to_owned()).collect();
    let order = |a: &String, b: &String| Name::new(a).compare(Name::new(b)).is_le();
    assert!(names.is_sorted_by(order), "{names:?}");
    for entry in storage.entries() {
        let path = entry.path();
        let name = entry.name().to_lowercase();
        assert!(storage.stream(&name).is_some() || storage.storage(&name).is_some(), "{path}");
        let text = match entry {
            Entry::Storage(child) => {
                show(&child, found);
                "storage".into()
            }
            Entry::Stream(stream) => {
                let (bytes, error) = stream.read_salvage();
                let mut text = error.map_or(bytes.len().to_string(), |error| error.to_string());
                if !content(&path, 20_000).starts_with(&bytes) {
                    text.push('!');
                }
                text
            }
        };
        let mut key = path;
        while found.contains_key(&key) {
            key.push_str(" again");
        }
        found.insert(key, text);
    }
}

/// Breaks a sound file, and checks what is different then: `-` a path that is gone, `+` a path that
/// is new or has changed, `?` a defect.
pub(super) fn check(what: &str, damage: impl FnOnce(&mut Broken), expected: &str) {
    let mut broken = Broken::sample();
    let (sound, defects) = shown(&broken.bytes).unwrap();
    assert_eq!(defects, [""; 0], "the sample is sound");
    damage(&mut broken);
    let mut text = String::new();
    match shown(&broken.bytes) {
        Err(error) => writeln!(text, "{error}").unwrap(),
        Ok((found, defects)) => {
            for path in sound.keys().filter(|path| !found.contains_key(*path)) {
                writeln!(text, "- {path}").unwrap();
            }
            for (path, is) in found.iter().filter(|(path, is)| sound.get(*path) != Some(*is)) {
                writeln!(text, "+ {path} {is}").unwrap();
            }
            for defect in defects {
                writeln!(text, "? {defect}").unwrap();
            }
        }
    }
    let lines =
        |text: &str| text.lines().map(|l| l.trim().to_owned()).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&text), lines(expected.trim()), "{what}");
}
