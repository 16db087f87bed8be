//! Every truncation of a message shows all of it or says what is missing.
//!
//! `MSGFS_CUTS=N` cuts each file at N places, `MSGFS_CUT_FILES=N` takes N files of the corpus.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use msgfs::view::{FileKind, MessageTree, NodeId};

use super::{mail, open};
use crate::browse::read;
use crate::corpus_files::corpus_files;
use crate::fixture::{AttachmentBuilder, RecipientBuilder, Tree};
use crate::random::number_from_environment;

/// Of each file it is cut at so many places.
const CUTS: u64 = 40;
const FILES: u64 = 10;
const TIME_MAX: Duration = Duration::from_secs(120);

fn number(variable: &str, usual: u64) -> usize {
    usize::try_from(number_from_environment(variable).unwrap_or(usual)).unwrap().max(1)
}

/// What is listed of a message, with all that is in it.
fn listed(tree: &MessageTree) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![(NodeId(0), String::new())];
    while let Some((directory, path)) = directories.pop() {
        for entry in tree.list(directory).unwrap().entries() {
            let path = format!("{path}{}", entry.name);
            match entry.kind {
                FileKind::Directory => directories.push((entry.id, path + "/")),
                FileKind::File | FileKind::Symlink => {
                    found.insert(path, read(tree, entry.id).ok());
                }
            }
        }
    }
    found
}

/// Cuts a file at many places.
#[track_caller]
fn check(name: &str, bytes: &[u8]) {
    let tree = open(bytes.to_vec());
    let whole = listed(&tree);
    let cuts = number("MSGFS_CUTS", CUTS);
    for cut in (1..=cuts).map(|part| bytes.len() * part / (cuts + 1)) {
        let tree = open(bytes[..cut].to_vec());
        let found = listed(&tree);
        let told = tree.check().defects;
        if told.is_empty() {
            let lost = whole.iter().find(|(path, content)| found.get(*path) != Some(content));
            assert_eq!(lost.map(|(path, _)| path), None, "{name} cut to {cut}");
        }
        for (path, content) in &found {
            let is_damage = path.ends_with("ERRORS") || path.ends_with(".partial");
            assert!(content.is_some() || !told.is_empty(), "{name} cut to {cut}: {path}");
            assert!(!is_damage || !told.is_empty(), "{name} cut to {cut}: {path}");
        }
    }
}

#[test]
fn fixtures_are_cut() {
    let mut object = Tree::default();
    object.put("CONTENTS", vec![5; 9_000]);
    let inner = mail("Inner").attach(AttachmentBuilder::file("deep.txt", "deep"));
    let message = mail("Outer")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
        .attach(AttachmentBuilder::file("a.bin", vec![1; 9_000]))
        .attach(AttachmentBuilder::ole("Chart", object))
        .attach(AttachmentBuilder::message(inner.clone()))
        .attach(AttachmentBuilder::file("in.msg", inner.to_bytes()));
    check("fixture", &message.to_bytes());
}

#[test]
fn real_messages_are_cut() {
    let began = Instant::now();
    let mut files = corpus_files();
    files.retain(|path| path.metadata().is_ok_and(|one| one.len() < 1_000_000));
    // The object of this one is cut among others.
    let wanted = number("MSGFS_CUT_FILES", FILES);
    let first = files.iter().position(|path| path.to_string_lossy().contains("f34ed05a9bb0"));
    let chosen =
        files.iter().step_by((files.len() / wanted).max(1)).chain(first.map(|at| &files[at]));
    for path in chosen {
        check(&path.display().to_string(), &fs::read(path).unwrap());
        if began.elapsed() > TIME_MAX && std::env::var_os("MSGFS_CUT_FILES").is_none() {
            println!("ended after {TIME_MAX:?} at {}", path.display());
            return;
        }
    }
}
