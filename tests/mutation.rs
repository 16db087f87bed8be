//! The whole of reading on damaged input: no panic, no hang, no memory beyond bounds, and nothing
//! that is listed without attributes.
//!
//! Each input is made from a seed, which is printed when it fails. `MSGFS_MUTATIONS=N` tries N
//! inputs instead of the usual number, `MSGFS_MUTATION_SEED=S` the single one of a seed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{Error, FileKind, MessageTree, NodeId, Show};

use crate::mount::folder::{damaged, letter, parcel};
use crate::random::{Random, number_from_environment};

/// How many inputs are tried by default.
const INPUTS: u64 = 20_000;
/// How long all of them may take, so that a slow machine tries fewer and says so.
const DURATION_MAX: Duration = Duration::from_secs(180);
/// How long one input may take, on a busy machine.
const INPUT_DURATION_MAX: Duration = Duration::from_secs(20);
/// Real messages are taken up to this size.
const REAL_BYTES_MAX: u64 = 64 << 10;
/// What the tree of a damaged input may take in memory.
const HELD_BYTES_MAX: usize = 64 << 20;
/// How many files and directories are looked at in one input; a damaged one may list the same
/// storages very often.
const NODES_MAX: usize = 20_000;

/// Mutations of our own and of real messages are read whole.
#[test]
fn damaged_input_is_read() {
    let seeds = match number_from_environment("MSGFS_MUTATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from_environment("MSGFS_MUTATIONS").unwrap_or(INPUTS),
    };
    let samples = samples();
    let (sender, finished) = mpsc::channel();
    let (ending, count) = (seeds.end, seeds.end - seeds.start);
    thread::spawn(move || {
        for seed in seeds {
            let input = Random::new(seed).input(&samples);
            let outcome = catch_unwind(AssertUnwindSafe(|| read_everything(input)));
            if sender.send((seed, outcome.is_ok())).is_err() || outcome.is_err() {
                return;
            }
        }
    });
    let mut next = ending - count;
    let started = Instant::now();
    while next < ending {
        if started.elapsed() > DURATION_MAX && std::env::var_os("MSGFS_MUTATIONS").is_none() {
            return println!("SKIPPED: the inputs from seed {next} on, for want of time");
        }
        match finished.recv_timeout(INPUT_DURATION_MAX) {
            Ok((seed, true)) => next = seed + 1,
            Ok((seed, false)) => panic!("MSGFS_MUTATION_SEED={seed} fails, see above"),
            Err(error) => panic!("MSGFS_MUTATION_SEED={next} does not end: {error}"),
        }
    }
}

/// Our own messages, and real ones where they are.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = vec![letter("A letter").to_bytes(), parcel().to_bytes(), damaged()];
    let mut paths = crate::corpus_files::corpus_files();
    paths.retain(|path| path.metadata().unwrap().len() <= REAL_BYTES_MAX);
    samples.extend(paths.iter().map(|path| fs::read(path).unwrap()));
    samples
}

/// Lists and reads all views of a message, as a program does that walks a mount.
fn read_everything(input: Vec<u8>) {
    let session = Session::open(SessionOptions::default());
    let show = Show::ALL;
    let tree = MessageTree::open(&session, Source::from_bytes(input), show).unwrap();
    let mut left = NODES_MAX;
    let mut directories = vec![(String::new(), NodeId(0))];
    while let Some((path, directory)) = directories.pop() {
        let listing = tree.list(directory).unwrap_or_else(|e| panic!("{path}: {e}"));
        for entry in listing.entries() {
            if left == 0 {
                return;
            }
            left -= 1;
            let path = format!("{path}/{}", entry.name);
            match entry.kind {
                FileKind::Directory => directories.push((path, entry.id)),
                FileKind::File | FileKind::Symlink => read_file(&tree, &path, entry.id, entry.kind),
            }
        }
    }
    tree.defects();
    assert!(tree.bytes_held() <= HELD_BYTES_MAX, "{} bytes held", tree.bytes_held());
    drop(tree);
    assert_eq!(session.statistics().open_objects, 0);
}

/// Reads a file in pieces; without an error it has the size that was told before.
fn read_file(tree: &MessageTree, path: &str, id: NodeId, kind: FileKind) {
    const PIECE: usize = 100_000;
    let attributes = tree.attributes(id).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(attributes.kind, kind, "{path}");
    let mut len = 0;
    loop {
        match tree.read(id, len, PIECE) {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => len += piece.len() as u64,
            Err(Error::NotFound | Error::IsADirectory | Error::NotADirectory) => {
                panic!("{path} is listed but not found")
            }
            Err(_) => return,
        }
    }
    assert_eq!(len, attributes.size, "{path}");
    let attributes = tree.extended_attributes(id).unwrap_or_else(|e| panic!("{path}: {e}"));
    for attribute in attributes {
        // A file that cannot be read has no hash.
        let _ = tree.extended_attribute(id, attribute);
    }
}

impl Random {
    /// One of the samples with a few mutations.
    fn input(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = samples[self.below(samples.len())].clone();
        for _ in 0..=self.below(8) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const SECTOR: usize = 512;
        /// The header of a file has most of what leads elsewhere.
        const HEADER: usize = 512;
        if bytes.is_empty() {
            return;
        }
        let at = self.below(bytes.len());
        match self.below(10) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.next().to_le_bytes()[0],
            2 => {
                let at = at.min(HEADER - 1) % bytes.len();
                bytes[at] = self.next().to_le_bytes()[0];
            }
            3 => self.put_word(bytes, at & !3),
            4 => {
                let at = self.below(bytes.len().min(HEADER)) & !3;
                self.put_word(bytes, at);
            }
            5 => bytes.truncate(at),
            6 => {
                let len = self.below(4 * SECTOR);
                let byte = self.next().to_le_bytes()[0];
                bytes.resize(bytes.len() + len, byte);
            }
            7 => self.swap(bytes, SECTOR),
            8 => self.swap(bytes, 64),
            _ => self.swap(bytes, 16),
        }
    }

    /// Writes a number that means much: of a sector near, of none, very large or very small.
    fn put_word(&mut self, bytes: &mut [u8], at: usize) {
        let near = u32::try_from(self.below(200)).unwrap();
        let words = [near, 0, 1, 0xFFFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFD, 0x7FFF_FFFF, 0x8000_0000];
        let word = words[self.below(words.len())];
        if let Some(target) = bytes.get_mut(at..at + 4) {
            target.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Has two blocks change places.
    fn swap(&mut self, bytes: &mut [u8], block: usize) {
        let count = bytes.len() / block;
        let (a, b) = (self.below(count), self.below(count));
        if count > 0 && a != b {
            let (low, high) = bytes.split_at_mut(a.max(b) * block);
            low[a.min(b) * block..][..block].swap_with_slice(&mut high[..block]);
        }
    }
}
