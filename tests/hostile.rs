//! Messages damaged at random, read to the last file: nothing may crash, hang, or contradict
//! itself.

use std::time::{Duration, Instant};

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{MessageTree, NodeId, Show};

use crate::browse::Browser;
use crate::fixture::{PROPERTY_STREAM, Tree};
use crate::mail::{messages, samples};
use crate::splitmix::Numbers;

/// What may be read of a message, for each of its bytes.
const GROWTH_MAX: usize = 200;
const TIME_MAX: Duration = Duration::from_secs(5);

/// Changes up to eight bytes, to values that matter more often than others.
fn change(bytes: &mut [u8], numbers: &mut Numbers) {
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = match numbers.below(4) {
                0 => 0,
                1 => 0xFF,
                2 => *byte ^ 1 << numbers.below(8),
                _ => byte.wrapping_add(1),
            };
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
            change(&mut bytes, &mut Numbers(seed));
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
                change(tree.stream(stream), numbers);
            }
            read_everything(&tree.to_bytes(), &format!("{name}, seed {seed}"));
        }
    }
}
