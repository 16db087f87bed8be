//! The sample mail in `tests/samples`, which a new user sees first: written here, byte for byte.
//!
//! `UPDATE_SAMPLES=1 cargo test` writes it anew.

mod attachments;
mod bodies;
mod damaged;
mod items;
mod nested;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{MessageTree, NodeId, Show};

use crate::browse::Browser;
use crate::fixture::MessageBuilder;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");
/// Together, in bytes.
const SAMPLES_MAX: usize = 200_000;

/// People who write to each other in the samples.
const ANNA: (&str, &str) = ("Anna Berg", "anna.berg@example.org");
const BEN: (&str, &str) = ("Ben Okoro", "ben.okoro@example.org");
const CLARA: (&str, &str) = ("Clara Díaz", "clara.diaz@example.com");
const HARBOUR: (&str, &str) = ("Harbour Office", "office@harbour.example.org");

/// The files of the folder, by their paths in it.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let messages = messages().into_iter().map(|(path, message)| (path, message.to_bytes()));
    let others = [
        ("notes.txt", b"Messages of the sailing club. The rest is in the folders.\n".to_vec()),
        ("Damaged/Report cut short.msg", damaged::cut_short()),
        ("Damaged/Not a message.msg", damaged::no_message()),
    ];
    messages.chain(others).collect()
}

/// The sound messages of the folder.
pub(crate) fn messages() -> Vec<(&'static str, MessageBuilder)> {
    vec![
        ("Lunch on Friday.msg", bodies::plain_text()),
        ("Summer regatta.msg", bodies::html_with_picture()),
        ("Minutes of the committee.msg", bodies::html_in_rtf()),
        ("Price list.msg", bodies::native_rtf()),
        ("見積書の件.msg", bodies::japanese()),
        ("Quotation for the jetty.msg", attachments::every_kind()),
        ("Drawing of the jetty.msg", attachments::ole_object()),
        ("Fwd Lost parcel.msg", nested::embedded_twice()),
        ("Calendar/Boat inspection.msg", items::appointment()),
        ("Calendar/Absence.oft", items::template()),
    ]
}

#[test]
fn samples_are_reproduced() {
    let update = std::env::var_os("UPDATE_SAMPLES").is_some();
    let (mut paths, mut total) = (BTreeSet::new(), 0);
    for (path, bytes) in samples() {
        let file = Path::new(SAMPLES).join(path);
        if update {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &bytes).unwrap();
        }
        assert!(fs::read(&file).unwrap() == bytes, "{path}: run with UPDATE_SAMPLES=1");
        total += bytes.len();
        paths.insert(file);
    }
    let mut found = BTreeSet::new();
    collect_files(Path::new(SAMPLES), &mut found);
    assert_eq!(found, paths);
    assert!(total <= SAMPLES_MAX, "{total} bytes");
}

#[test]
fn only_damaged_samples_have_errors() {
    for (path, bytes) in samples().into_iter().filter(|(path, _)| !path.ends_with(".txt")) {
        let session = Session::open(SessionOptions::default());
        let source = Source::from_bytes(bytes);
        let tree = MessageTree::open(&session, source, Show::default()).unwrap();
        let found = Browser::new(&tree).everything(NodeId(0));
        let errors =
            found.iter().filter(|one| one.path.ends_with("ERRORS") || one.content.is_err());
        let errors: Vec<_> = errors.map(|one| &one.path).collect();
        assert_eq!(errors.is_empty(), !path.starts_with("Damaged/"), "{path}: {errors:?}");
    }
}

pub(crate) fn collect_files(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, files);
        } else {
            files.insert(path);
        }
    }
}
