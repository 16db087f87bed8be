//! Messages damaged at random, read to the last file: nothing may crash, hang, or contradict
//! itself.

use std::time::{Duration, Instant};

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{MessageTree, NodeId, Show};

use crate::browse::Browser;
use crate::fixture::{PROPERTY_STREAM, Tree};
use crate::mail::{messages, samples};

/// What may be read of a message, for each of its bytes.
const GROWTH_MAX: usize = 200;
const TIME_MAX: Duration = Duration::from_secs(5);

/// Numbers that look random and are the same in each run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        usize::try_from(x % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// Changes up to eight bytes, to values that matter more often than others.
    fn change(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = match self.below(4) {
                    0 => 0,
                    1 => 0xFF,
                    2 => *byte ^ 1 << self.below(8),
                    _ => byte.wrapping_add(1),
                };
            }
        }
    }
}

/// Reads everything there is of a message.
fn read_everything(bytes: &[u8], origin: &str) {
    let begun = Instant::now();
    let session = Session::open(SessionOptions::default());
    let source = Source::from_bytes(bytes.to_vec());
    let tree = MessageTree::open(&session, source, Show::default()).unwrap();
    let mut read = 0;
    for found in Browser::new(&tree).everything(NodeId(0)) {
        if let Ok(content) = &found.content {
            assert_eq!(content.len() as u64, found.size, "{origin}: {}", found.path);
            read += content.len();
        }
    }
    assert!(read <= GROWTH_MAX * bytes.len() + 10_000, "{origin}: {read} of {}", bytes.len());
    assert!(begun.elapsed() < TIME_MAX, "{origin}: {:?}", begun.elapsed());
}

#[test]
fn files_with_changed_bytes() {
    for (path, original) in samples() {
        for seed in 0..20 {
            let mut bytes = original.clone();
            Numbers(seed).change(&mut bytes);
            read_everything(&bytes, &format!("{path}, seed {seed}"));
        }
    }
}

#[test]
fn messages_with_changed_structures() {
    // The structures of the message, in a sound container.
    const STREAMS: [&str; 5] = [
        PROPERTY_STREAM,
        "__nameid_version1.0/__substg1.0_00020102",
        "__nameid_version1.0/__substg1.0_00030102",
        "__nameid_version1.0/__substg1.0_00040102",
        "__recip_version1.0_#00000000/__properties_version1.0",
    ];
    for (name, message) in messages() {
        let original: Tree = message.to_tree();
        for seed in 0..12 {
            let mut tree = original.clone();
            let numbers = &mut Numbers(seed);
            for stream in STREAMS {
                numbers.change(tree.stream(stream));
            }
            read_everything(&tree.to_bytes(), &format!("{name}, seed {seed}"));
        }
    }
}
