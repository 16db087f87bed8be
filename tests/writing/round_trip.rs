//! Every real message with one property set through a mount: the rest of its file is the same, byte
//! for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::Signal;

use crate::mount::folder::Folder;

use super::files::{Change, Files as _};
use super::mounted::Served;
use super::streams::{Stored, streams, streams_of_others};

/// Files that are so damaged that a save would lose something are not written. There may be at most
/// this many.
const REFUSED_MAX: usize = 5;
/// `PR_SUBJECT`, its two parts, `PR_CONVERSATION_TOPIC` and the field of
/// `PR_TRANSPORT_MESSAGE_HEADERS`, which follow it; `PR_MESSAGE_SIZE`,
/// `PR_LAST_MODIFICATION_TIME`.
const CHANGED: [u16; 7] = [0x0037, 0x003D, 0x0E1D, 0x0070, 0x007D, 0x0E08, 0x3008];
const PROPERTIES: &str = "/__properties_version1.0";
const HEADER_BYTES: usize = 32;

#[test]
fn real_messages_keep_everything_else() {
    let Some(corpus) = crate::corpus_files::corpus() else { return };
    let files = corpus.join("files");
    let source = Folder::new();
    let mut names = Vec::new();
    for path in crate::corpus_files::corpus_files() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "msg") {
            source.put(&name, fs::read(&path).unwrap());
            names.push(name);
        }
    }
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let mut refused = Vec::new();
    let mut edited = Vec::new();
    for name in names {
        let subject = format!("{name}/subject");
        match mount.change_and_save(&subject, &Change::whole(b"Re: Edited\n")) {
            Ok(()) => edited.push(name),
            Err(error) => refused.push((name, error)),
        }
    }
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    for name in &edited {
        check(name, &files.join(name), &source.join(name));
    }
    for (name, error) in &refused {
        assert_eq!(*error, Errno::ROFS, "{name}");
        let old = fs::read(files.join(name)).unwrap();
        assert!(old == fs::read(source.join(name)).unwrap(), "{name} has changed");
    }
    println!("{} messages edited, not written: {refused:?}", edited.len());
    assert!(refused.len() <= REFUSED_MAX, "{refused:?}");
}

fn check(name: &str, old: &Path, new: &Path) {
    let Some(old) = streams_of_others(old) else {
        return println!("SKIPPED: {name}, whose original the other reader does not open");
    };
    let new = streams(new);
    let is_subject =
        |path: &str| CHANGED.iter().any(|id| path.starts_with(&format!("/__substg1.0_{id:04X}")));
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for path in paths.into_iter().filter(|path| *path != PROPERTIES && !is_subject(path)) {
        assert!(old.get(path) == new.get(path), "{name}: {path} has changed");
    }
    let (old, new) = (properties(&old[PROPERTIES]), properties(&new[PROPERTIES]));
    let tags: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for tag in tags.into_iter().filter(|tag| !CHANGED.contains(&tag.unwrap_or(0))) {
        assert_eq!(old.get(tag), new.get(tag), "{name}: the property {tag:04X?} has changed");
    }
}

/// The entries of each property id, and the header without an id.
fn properties(stored: &Stored) -> BTreeMap<Option<u16>, Vec<u8>> {
    let Stored::Stream(bytes) = stored else { panic!("no stream of properties") };
    let (header, entries) = bytes.split_at(HEADER_BYTES.min(bytes.len()));
    let mut found = BTreeMap::from([(None, header.to_vec())]);
    for entry in entries.chunks_exact(16) {
        let id = u16::from_le_bytes([entry[2], entry[3]]);
        found.entry(Some(id)).or_default().extend(entry);
    }
    found
}
