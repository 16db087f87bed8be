//! Opens the real files of the corpus with our reader, and compares the result with that of the
//! crate `cfb` if it opens the file too.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::path::PathBuf;

use super::{CompoundFile, Entry, Source, Storage};

/// For each path: `Err` with the CLSID of a storage, or `Ok` with the bytes of a stream.
type StorageTree = BTreeMap<String, Result<Vec<u8>, String>>;

/// The files in the order of their names. Empty, with a message, if there is no corpus.
pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    let paths = crate::corpus_files::corpus_files();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// For each file name its grade: `clean`, `damaged` and so on.
fn grades() -> HashMap<String, String> {
    let lines =
        std::fs::read_to_string(crate::corpus_files::corpus().unwrap().join("expected.jsonl"))
            .unwrap();
    let parsed = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    parsed.map(|file| (text(&file["name"]), text(&file["grade"]))).collect()
}

/// Collects what our reader finds, and the errors of damaged streams.
fn ours(storage: &Storage, tree: &mut StorageTree, damage: &mut Vec<String>) {
    tree.insert(storage.path(), Err(storage.clsid().to_string()));
    for entry in storage.entries() {
        match entry {
            Entry::Storage(child) => ours(&child, tree, damage),
            Entry::Stream(stream) => {
                let (bytes, error) = stream.read_salvage();
                assert_eq!(error.is_none(), bytes.len() as u64 == stream.len(), "{stream:?}");
                damage.extend(error.map(|error| error.to_string()));
                tree.insert(stream.path(), Ok(bytes));
            }
        }
    }
}

fn by_cfb(mut file: cfb::CompoundFile<Cursor<&[u8]>>) -> StorageTree {
    let entries: Vec<cfb::Entry> = file.walk().collect();
    let mut tree = StorageTree::new();
    for entry in entries {
        let content = if entry.is_stream() {
            let mut bytes = Vec::new();
            file.open_stream(entry.path()).unwrap().read_to_end(&mut bytes).unwrap();
            Ok(bytes)
        } else {
            Err(format!("{{{}}}", entry.clsid().to_string().to_uppercase()))
        };
        tree.insert(entry.path().to_string_lossy().into_owned(), content);
    }
    tree
}

#[test]
fn reads_the_corpus_as_cfb_does() {
    let files = files();
    if files.is_empty() {
        return;
    }
    let grades = grades();
    let (mut streams, mut bytes, mut refused) = (0, 0, 0);
    for (name, content) in &files {
        let file = CompoundFile::open(Source::from_bytes(content.clone())).unwrap();
        let (mut tree, mut damage) = (StorageTree::new(), Vec::new());
        ours(&file.root(), &mut tree, &mut damage);
        assert_eq!(tree.len(), file.entry_count() as usize, "{name}");
        match cfb::CompoundFile::open(Cursor::new(content.as_slice())) {
            Ok(theirs) => {
                let theirs = by_cfb(theirs);
                assert!(tree == theirs, "{name}: another tree than that of cfb");
                streams += tree.values().flatten().count();
                bytes += tree.values().flatten().map(Vec::len).sum::<usize>();
            }
            Err(error) => {
                refused += 1;
                println!("{name}: cfb refuses: {error}; shown: {} entries", tree.len());
            }
        }
        for line in file.defects().iter().map(ToString::to_string).chain(damage.clone()) {
            println!("{name}: {line}");
        }
        let is_sound = file.defects().is_empty() && damage.is_empty();
        assert!(is_sound || grades[name] != "clean", "{name}");
    }
    let compared = files.len() - refused;
    println!("{compared} files as cfb reads them: {streams} streams, {bytes} bytes");
}
