//! Real messages, compared value by value with what independent readers found in them.
//!
//! The samples lie outside the project; without them the tests say SKIPPED.

mod bodies;
mod message;
mod parts;
mod tally;
mod values;

use std::fs;

use msgfs::imsg::{Access, Message, Session, SessionOptions};
use msgfs::storage::{CompoundFile, Source};
use msgfs::view::{MessageTree, NodeId, Show};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::browse::{Browser, read};
use message::Compared;
use tally::{Place, Tally};

#[test]
fn agrees_with_other_readers() {
    let Some(corpus) = crate::corpus_files::corpus() else { return };
    let lines = fs::read_to_string(corpus.join("expected.jsonl")).unwrap();
    let mut tally = Tally::default();
    for line in lines.lines() {
        let expected: Json = serde_json::from_str(line).unwrap();
        let name = expected["name"].as_str().unwrap();
        let bytes = fs::read(corpus.join("files").join(name)).unwrap();
        check_sample(name, &expected, &bytes, &mut tally);
    }
    tally.finish();
}

fn check_sample(name: &str, expected: &Json, bytes: &[u8], tally: &mut Tally) {
    let session = Session::open(SessionOptions::default());
    let source = || Source::from_bytes(bytes.to_vec());
    let tree = MessageTree::open(&session, source(), Show::default()).unwrap();
    let place = Place { file: name, path: "" };
    if expected["grade"] == "unreadable" {
        // What others cannot read at all has its defects told, whatever is read of it.
        let has_errors = Browser::new(&tree).read(NodeId(0), "ERRORS").is_some();
        return tally.check(&place, "ERRORS of unreadable", &Json::from(true), has_errors);
    }
    let file = CompoundFile::open(source()).unwrap();
    let container = &expected["container"];
    tally.check(&place, "version", &container["version"], file.version());
    tally.check(&place, "class of root", &container["clsid"], bare(file.root().clsid()));
    let top = session.open_message(&file.root(), Access::Read).unwrap();
    let named = top.names().unwrap().len();
    tally.check(&place, "number of names", &expected["named_count"], named);
    for one in expected["messages"].as_array().unwrap() {
        let path = one["path"].as_str().unwrap();
        let compared = Compared {
            session: &session,
            tree: &tree,
            names: &top.names().unwrap(),
            place: Place { file: name, path },
            message: embedded(&top, path),
            node: Browser::new(&tree).embedded(path),
            expected: one,
        };
        compared.check(tally);
    }
    let names = Browser::new(&tree).names(NodeId(0));
    tally.check(&place, "shows something", &Json::from(true), !names.is_empty());
    check_files(&tree, &place, expected["grade"] == "clean", tally);
}

/// Every file of a clean message can be read whole, to the size that its attributes say.
fn check_files(tree: &MessageTree, place: &Place<'_>, is_clean: bool, tally: &mut Tally) {
    for found in Browser::new(tree).everything(NodeId(0)) {
        match found.content {
            Ok(content) => {
                tally.check(place, "size of file", &Json::from(found.size), content.len());
            }
            Err(_) if !is_clean => {}
            Err(error) => {
                let error = format!("{}: {error}", found.path);
                tally.check(place, "readable file", &Json::Null, error);
            }
        }
        if is_clean && found.path.ends_with("ERRORS") {
            let errors = String::from_utf8(read(tree, found.id).unwrap()).unwrap();
            tally.check(place, "no ERRORS", &Json::Null, errors);
        }
    }
}

/// The message at `attachments/0/attachments/1`, say.
fn embedded(top: &Message, path: &str) -> Message {
    let indices = path.split('/').filter_map(|part| part.parse::<usize>().ok());
    indices.fold(top.clone(), |message, index| {
        let number = message.attachments().unwrap()[index];
        message.attachment(number).unwrap().embedded_message().unwrap()
    })
}

/// A GUID in small letters, without its braces.
fn bare(guid: msgfs::mapi::Guid) -> String {
    guid.to_string().to_lowercase().trim_matches(['{', '}']).to_owned()
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
