//! Tests of compressed RTF.

use super::*;
use crate::splitmix::Numbers;

/// The examples of \[MS-OXRTFCP\] 4: a stream with plain text, and one whose reference overlaps
/// what it writes.
const HELLO: &[u8] = b"\x2D\0\0\0\x2B\0\0\0LZFu\xF1\xC5\xC7\xA7\x03\0\x0A\0rcpg125B2\x0A\xF3 hel\
    \x09\0 bw\x05\xB0ld}\x0A\x80\x0F\xA0";
const OVERLAP: &[u8] = b"\x1A\0\0\0\x1C\0\0\0LZFu\xE2\xD4KQA\0\x04 WXYZ\x0Dn}\x01\x0E\xB0";

fn check(stream: &[u8], rtf: &[u8], defect: Option<&str>) {
    let decompressed = decompress(stream).unwrap();
    assert_eq!(String::from_utf8_lossy(&decompressed), String::from_utf8_lossy(rtf));
    assert_eq!(super::check(stream).defect.as_deref(), defect);
}

fn check_round_trip(rtf: &[u8]) -> usize {
    let stream = compress(rtf);
    assert_eq!(super::check(&stream), Check { rtf_bytes: rtf.len(), ..Check::default() });
    assert_eq!(decompress(&stream), Ok(rtf.to_vec()));
    stream.len()
}

/// A stream with a header that fits its payload.
fn stream(form: u32, raw_size: u32, payload: &[u8]) -> Vec<u8> {
    let compressed_size = u32::try_from(payload.len()).unwrap() + 12;
    let crc = if form == LZFU { crc(payload) } else { 0 };
    [compressed_size, raw_size, form, crc]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .chain(payload.iter().copied())
        .collect()
}

fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut numbers = Numbers(seed);
    std::iter::repeat_with(move || numbers.next())
}

#[test]
fn an_rtf_beyond_the_bound_is_cut_and_told() {
    // Each reference repeats 16 zeros from a place that was never written.
    let (unset, runs) = (0x3E8E_u16.to_be_bytes(), 1_100_000);
    let payload = [&[0xFF][..], &unset.repeat(8)].concat().repeat(runs);
    let found = 16 * 8 * runs;
    let stream = stream(LZFU, u32::try_from(found).unwrap(), &payload);
    let bytes_max = 128 << 20;
    let cause = format!("compressed rtf: of {found} bytes only the first {bytes_max} are read");
    let told = super::check(&stream);
    assert_eq!((told.defect, told.rtf_bytes), (Some(cause), bytes_max));
    assert!(decompress(&stream).unwrap().len() <= bytes_max);
}

#[test]
fn a_header_that_says_too_little_is_a_note() {
    let stream = stream(LZFU, 1, b"\0ab");
    check(&stream, b"ab", None);
    let note = "the header of the compressed RTF says 1 bytes, all 2 are read";
    assert_eq!(super::check(&stream).note.as_deref(), Some(note));
}

#[test]
fn a_header_may_count_a_nul_that_is_not_there() {
    let note = "the header of the compressed RTF says 3 bytes, all 2 are read";
    let told = super::check(&stream(LZFU, 3, b"\x04ab\x0D\x10"));
    assert_eq!((told.defect, told.note.as_deref()), (None, Some(note)));
}

#[test]
fn the_preload_is_that_of_the_specification() {
    assert_eq!(PRELOAD.len(), 207);
    assert!(PRELOAD.starts_with(b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil"));
    assert!(PRELOAD.ends_with(b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"));
    // The checksum of its 207 bytes guards those between.
    assert_eq!(crc(PRELOAD), 0x06F4_4644);
}

#[test]
fn reads_the_examples_of_the_specification() {
    check(HELLO, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n", None);
    check(OVERLAP, b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}", None);
    assert_eq!(compress(b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"), OVERLAP);
}

#[test]
fn reads_stored_rtf_by_its_length() {
    // In the real files, this field has the length of the payload plus 12, not that of the RTF.
    check(&stream(MELA, 12 + 7, b"{\\rtf1}"), b"{\\rtf1}", None);
    check(&stream(MELA, u32::MAX, b"{\\rtf1}\0"), b"{\\rtf1}", None);
    check(&stream(MELA, 0, b""), b"", None);
    // What is behind the length is padding.
    let padded = [stream(MELA, 12 + 7, b"{\\rtf1}"), b"JUNK".to_vec()].concat();
    check(&padded, b"{\\rtf1}", None);
    assert_eq!(decompress_prefix(&padded, 100).unwrap(), b"{\\rtf1}");
}

#[test]
fn stored_bytes_that_are_no_rtf_are_told() {
    let mut compressed = OVERLAP.to_vec();
    compressed[8..12].copy_from_slice(b"MELA");
    let told = |stream: &[u8]| super::check(stream).defect.unwrap();
    let cause = "compressed rtf: stored RTF has no checksum, found 514BD4E2";
    assert_eq!(told(&compressed), cause);
    compressed[12..16].fill(0);
    assert_eq!(told(&compressed), "compressed rtf: the stored bytes are no RTF");
}

#[test]
fn places_never_written_hold_zeros() {
    // A reference to place 300 when 207 bytes are written, then one that runs into the preload.
    check(&stream(LZFU, 5, b"\x04ab\x12\xC0c"), b"ab\0\0c", None);
    check(&stream(LZFU, 6, b"\x02a\xFF\xE2c"), b"a\0\0{\\c", None);
}

#[test]
fn the_end_mark_may_be_missing() {
    check(&stream(LZFU, 2, b"\0ab"), b"ab", None);
    let early = "compressed rtf: ends early, expected 3 bytes, found 2";
    check(&stream(LZFU, 3, b"\0ab"), b"ab", Some(early));
    check(&stream(LZFU, 3, b"\x04ab\x10"), b"ab", Some(early));
    // The end mark is there, but the header says more than a NUL more.
    let early = "compressed rtf: ends early, expected 5 bytes, found 2";
    check(&stream(LZFU, 5, b"\x04ab\x0D\x10"), b"ab", Some(early));
}

#[test]
fn what_follows_the_promised_bytes_is_padding() {
    check(&[HELLO, b"\0\0\0"].concat(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n", None);
}

#[test]
fn damage_is_told_and_the_rest_read() {
    let mut flipped = HELLO.to_vec();
    *flipped.iter_mut().rfind(|byte| **byte == b'l').unwrap() = b'L';
    let checksum = "compressed rtf: checksum of the payload is 687AFC6D, the header says A7C7C5F1";
    check(&flipped, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello worLd}\r\n", Some(checksum));
    check(
        &HELLO[..30],
        b"{\\rtf1\\ansi\\ansicpg1252",
        Some("compressed rtf: cut short, the header promises 33 bytes of payload, found 14"),
    );
}

#[test]
fn without_a_header_there_is_nothing() {
    assert_eq!(decompress(&HELLO[..15]), Err(Error::TooShort { found_bytes: 15 }));
    assert_eq!(decompress(&[]), Err(Error::TooShort { found_bytes: 0 }));
    assert_eq!(decompress(&[0; 16]), Err(Error::UnknownType { found: 0 }));
    let error = "compressed rtf: type at byte 8 is neither LZFu nor MELA, found 0x00000000";
    assert_eq!(super::check(&[0; 16]).defect.as_deref(), Some(error));
}

#[test]
fn a_prefix_is_the_beginning() {
    let rtf: Vec<u8> = numbers(1).take(3_000).flat_map(|n| n.to_string().into_bytes()).collect();
    for stream in [compress(&rtf), stream(MELA, 0, &rtf)] {
        for bytes_max in [0, 1, 100, 5_000, rtf.len(), usize::MAX] {
            let prefix = decompress_prefix(&stream, bytes_max).unwrap();
            assert_eq!(prefix, &rtf[..bytes_max.min(rtf.len())], "{bytes_max}");
        }
    }
}

#[test]
fn sizes_in_the_header_are_not_believed() {
    check(
        &stream(LZFU, u32::MAX, b"\0ab"),
        b"ab",
        Some("compressed rtf: ends early, expected 4294967295 bytes, found 2"),
    );
    assert!(decompress(&stream(LZFU, u32::MAX, b"\0ab")).unwrap().capacity() < 4096);
}

#[test]
fn what_is_compressed_comes_back() {
    check_round_trip(b"");
    check_round_trip(b"a");
    check_round_trip(b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}");
    for (seed, alphabet) in [(1, 2), (2, 16), (3, 255)] {
        let byte = |n: u64| u8::try_from(n % alphabet + 1).unwrap();
        let bytes: Vec<u8> = numbers(seed).take(20_000).map(byte).collect();
        // At the edges of the ring, and of the eight items after a control byte.
        for length in [7, 8, 9, 16, 3_888, 3_889, 3_890, 4_095, 4_096, 4_097, 8_192, 20_000] {
            check_round_trip(&bytes[..length]);
        }
    }
}

#[test]
fn repetition_is_compressed() {
    let paragraph = b"{\\pard\\plain\\f0\\fs20 The quick brown fox \\par}\r\n";
    assert!(check_round_trip(&paragraph.repeat(1_000)) < 8_000);
    assert!(check_round_trip(&[b'a'; 100_000]) < 13_000);
    // No candidate list makes this slow: every pair occurs, few matches are long.
    let pairs: Vec<u8> =
        numbers(4).take(200_000).map(|n| if n % 2 == 0 { b'a' } else { b'b' }).collect();
    check_round_trip(&pairs);
}

/// Expands a payload with a dictionary of its own, step by step as \[MS-OXRTFCP\] 3.1.1.3 says.
fn expanded_by_the_letter(payload: &[u8]) -> (Vec<u8>, bool) {
    let mut ring = [0; RING_BYTES];
    ring[..PRELOAD.len()].copy_from_slice(PRELOAD);
    let (mut write, mut rtf) = (PRELOAD.len(), Vec::new());
    let mut bytes = payload.iter().copied();
    while let Some(control) = bytes.next() {
        for bit in 0..8 {
            let Some(first) = bytes.next() else { return (rtf, false) };
            if control >> bit & 1 == 0 {
                rtf.push(first);
                ring[write] = first;
                write = (write + 1) % RING_BYTES;
                continue;
            }
            let Some(second) = bytes.next() else { return (rtf, false) };
            let reference = usize::from(u16::from_be_bytes([first, second]));
            if reference >> 4 == write {
                return (rtf, true);
            }
            for step in 0..(reference & 0xF) + 2 {
                let byte = ring[((reference >> 4) + step) % RING_BYTES];
                rtf.push(byte);
                ring[write] = byte;
                write = (write + 1) % RING_BYTES;
            }
        }
    }
    (rtf, false)
}

/// Any bytes are a payload: references to what was never written, across the end of the ring, and
/// to what they write themselves.
#[test]
fn any_payload_expands_as_the_specification_says() {
    for seed in 0..2_000 {
        let mut random = numbers(seed);
        let len = usize::try_from(random.next().unwrap() % 3_000).unwrap();
        let kind = random.next().unwrap() % 3;
        let mut payload: Vec<u8> = random.take(len).map(|n| n.to_le_bytes()[0]).collect();
        // Bytes with few bits set are mostly literals, and references to the start of the ring.
        let narrow = |byte: &mut u8| *byte &= if kind == 1 { 0x0F } else { 0x11 };
        payload.iter_mut().filter(|_| kind > 0).for_each(narrow);
        let expected = expanded_by_the_letter(&payload);
        for capacity_bytes in [0, 1, expected.0.len(), 100_000] {
            assert!(expand(&payload, capacity_bytes, usize::MAX) == expected, "seed {seed}");
        }
        assert_eq!(expanded_len(&payload).0, expected.0.len(), "seed {seed}");
        let bytes_max = len / 2;
        let (found, _) = expand(&payload, 0, bytes_max);
        assert!(expected.0.starts_with(&found), "seed {seed}");
        assert!(found.len() >= bytes_max.min(expected.0.len()), "seed {seed}");
    }
}
