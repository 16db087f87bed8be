//! Runs the body layer over real messages, whole and damaged, and compares the results with those
//! of other programs.
//!
//! It opens the compound files with the crate `cfb`, because `imsg` is a layer above `body`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::html::Remote;
use super::rtf::RtfKind;
use super::{compressed_rtf, html, rtf};
use crate::mapi::CodePage;
use crate::splitmix::Numbers;

/// Compressed RTF streams of a file by message path: "" or "attachments/0/...".
fn streams(file: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut streams = BTreeMap::new();
    if let Ok(mut container) = cfb::open(file) {
        collect(&mut container, Path::new("/"), "", &mut streams);
    }
    streams
}

fn collect(
    container: &mut cfb::CompoundFile<std::fs::File>,
    storage: &Path,
    path: &str,
    streams: &mut BTreeMap<String, Vec<u8>>,
) {
    let Ok(entries) = container.read_storage(storage) else { return };
    let entries: Vec<(String, bool)> =
        entries.map(|entry| (entry.name().to_owned(), entry.is_storage())).collect();
    let mut attachments = 0;
    for (name, is_storage) in entries {
        let lower = name.to_ascii_lowercase();
        if !is_storage && lower == "__substg1.0_10090102" {
            let mut bytes = Vec::new();
            if let Ok(mut stream) = container.open_stream(storage.join(&name))
                && stream.read_to_end(&mut bytes).is_ok()
            {
                streams.insert(path.to_owned(), bytes);
            }
        }
        if is_storage && lower.starts_with("__attach_version1.0_") {
            let inner = storage.join(&name).join("__substg1.0_3701000D");
            let separator = if path.is_empty() { "" } else { "/" };
            let inner_path = format!("{path}{separator}attachments/{attachments}");
            attachments += 1;
            if container.is_storage(&inner) {
                collect(container, &inner, &inner_path, streams);
            }
        }
    }
}

/// The messages of the corpus that have compressed RTF: name, expected values and stream. Empty if
/// there is no corpus.
fn samples() -> Vec<(String, Value, Vec<u8>)> {
    let Some(corpus) = crate::corpus_files::corpus() else { return Vec::new() };
    let expected = std::fs::read_to_string(corpus.join("expected.jsonl")).unwrap();
    let mut samples = Vec::new();
    for line in expected.lines() {
        let mut file: Value = serde_json::from_str(line).unwrap();
        let name = file["name"].as_str().unwrap().to_owned();
        let mut streams = streams(&corpus.join("files").join(&name));
        for message in file["messages"].as_array_mut().unwrap() {
            let path = message["path"].as_str().unwrap().to_owned();
            if let Some(stream) = streams.remove(&path) {
                samples.push((format!("{name} {path}"), message.take(), stream));
            } else if message["rtf"]["kind"] != "none" {
                // The crate `cfb` cannot read one of the damaged files.
                assert_eq!(file["grade"], "damaged", "{name} {path}: no RTF");
                break;
            }
        }
    }
    samples
}

fn sha256(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text between the tags, with character references decoded: what the other programs compared.
fn text_of(html: &str) -> String {
    const HIDDEN: [(&str, &str); 4] =
        [("!--", "-->"), ("style", "</style>"), ("script", "</script>"), ("title", "</title>")];
    let lower = html.to_ascii_lowercase();
    let mut text = String::new();
    let mut at = 0;
    while let Some(begin) = lower[at..].find('<').map(|found| at + found) {
        text += &html[at..begin];
        let hidden = HIDDEN.iter().find(|(name, _)| lower[begin + 1..].starts_with(name));
        let end = hidden.map_or(">", |(_, end)| end);
        at = lower[begin..].find(end).map_or(html.len(), |found| begin + found + end.len());
    }
    // `to_text` now only decodes character references and collapses white space.
    html::to_text(&(text + &html[at..]), &|_| None)
}

#[test]
fn agrees_with_other_readers() {
    let (mut rtfs, mut markups, mut texts) = (0, 0, 0);
    let samples = samples();
    for (name, expected, stream) in &samples {
        let decompressed = compressed_rtf::decompress(stream).unwrap();
        assert_eq!(sha256(&decompressed), expected["rtf"]["sha256"], "{name}");
        let told = compressed_rtf::check(stream);
        assert_eq!((told.defect, told.note), (None, None), "{name}");
        let compressed = compressed_rtf::compress(&decompressed);
        assert_eq!(compressed_rtf::decompress(&compressed).unwrap(), decompressed, "{name}");
        rtfs += 1;
        let kind = rtf::kind(&compressed_rtf::decompress_prefix(stream, 256).unwrap());
        let (kind_name, body) = match kind {
            RtfKind::Html => panic!("{name} is no RTF"),
            RtfKind::FromHtml => {
                ("fromhtml", rtf::to_html(&decompressed, usize::MAX).text.replace("\r\n", "\n"))
            }
            RtfKind::FromText => ("fromtext", rtf::to_text(&decompressed, usize::MAX).text),
            RtfKind::Native => ("native", rtf::to_text(&decompressed, usize::MAX).text),
        };
        assert_eq!(kind_name, expected["rtf"]["kind"], "{name}");
        if let Some(markup) = expected["rtf_text"]["markup_sha256"].as_str() {
            assert_eq!(sha256(&body), markup, "{name}");
            markups += 1;
        }
        // Other programs differ in the markup, but not in the text that they make of it.
        if let Some(text) = expected["rtf_text"]["nows_sha256"].as_str() {
            let text_found = if kind == RtfKind::FromHtml { text_of(&body) } else { body };
            let found: String = text_found.split_whitespace().collect();
            assert_eq!(sha256(found), text, "{name}: {text_found}");
            texts += 1;
        }
    }
    println!("agree: {rtfs} RTF, {markups} markups, {texts} texts of {} streams", samples.len());
}

/// Damages bytes in up to four places: a bit flipped, a part cut out, a part or a token put in.
fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    const TOKENS: [&[u8]; 16] = [
        b"{",
        b"}",
        b"\\",
        b"\\'9",
        b"\\u-10179 ?",
        b"\\uc9999999 ",
        b"\\bin99999 ",
        b"\\htmlrtf ",
        b"{\\*\\htmltag64 <",
        b"{\\field{\\*\\fldinst ",
        b"<table><td>",
        b"<!--",
        b"</",
        b"\"",
        b"&#x",
        b"\xE3\x80\0\xFF",
    ];
    for _ in 0..=numbers.below(4) {
        let start = numbers.below(bytes.len() + 1);
        let end = (start + numbers.below(100)).min(bytes.len());
        match numbers.below(4) {
            0 => {
                if let Some(byte) = bytes.get_mut(start) {
                    *byte ^= 1 << numbers.below(8);
                }
            }
            1 => drop(bytes.drain(start..end)),
            2 => {
                let part = bytes[start..end].to_vec();
                let at = numbers.below(bytes.len() + 1);
                bytes.splice(at..at, part);
            }
            _ => {
                let token = TOKENS[numbers.below(TOKENS.len())];
                bytes.splice(start..start, token.iter().copied());
            }
        }
    }
}

/// Reads the same bytes as compressed RTF, as RTF and as HTML.
fn read_as_everything(bytes: &[u8], origin: &str) {
    let begun = Instant::now();
    let check = |made: usize, read: usize| {
        assert!(made <= 60 * read + 1_000, "{origin}: {made} bytes made of {read}");
        let limit = Duration::from_millis(500 + u64::try_from(read / 100).unwrap());
        assert!(begun.elapsed() < limit, "{origin}: {read} bytes took {:?}", begun.elapsed());
    };
    let rtf = match compressed_rtf::decompress(bytes) {
        Ok(rtf) => rtf,
        Err(_) => bytes.to_vec(),
    };
    check(rtf.len(), bytes.len());
    compressed_rtf::check(bytes);
    rtf::kind(&rtf);
    let texts =
        [rtf::to_html(&rtf, usize::MAX), rtf::to_text(&rtf, usize::MAX)].map(|made| made.text);
    let html = html::decode(&rtf, None, Some(CodePage::WINDOWS_1252)).html;
    for html in texts.iter().chain([&html]) {
        check(html.len(), rtf.len());
        let rewritten =
            html::for_browser(html, &|_| Some("attachments/a b".to_owned()), Remote::Blocked);
        check(rewritten.len(), rtf.len());
        check(html::to_text(html, &|_| None).len(), rtf.len());
    }
}

#[test]
fn damage_does_no_harm() {
    const STREAM_BYTES_MAX: usize = 8_000;
    let rtf = b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset128 G;}}\
        {\\*\\htmltag64 <a href=\"x\">}\\htmlrtf {\\htmlrtf0 \\f1 \\'93\\'fa\\u233 ?\\par {\\pict 00}\
        {\\field{\\*\\fldinst HYPERLINK \"x\"}{\\fldrslt y}}{\\*\\htmltag72 </a><table><td>&eacute;}}";
    let made = ("made here".to_owned(), Value::Null, compressed_rtf::compress(rtf));
    for (index, (name, _, stream)) in [made].into_iter().chain(samples()).enumerate() {
        if stream.len() > STREAM_BYTES_MAX {
            continue;
        }
        let rtf = compressed_rtf::decompress(&stream).unwrap();
        let html = rtf::to_html(&rtf, usize::MAX).text.into_bytes();
        let rounds = if index == 0 { 200 } else { 2 };
        for round in 0..rounds {
            let seed = index * 1_000 + round;
            let numbers = &mut Numbers(u64::try_from(seed).unwrap());
            for original in [&stream, &rtf, &html] {
                let mut damaged = original.clone();
                damage(&mut damaged, numbers);
                read_as_everything(&damaged, &format!("{name}, seed {seed}"));
            }
        }
    }
}
