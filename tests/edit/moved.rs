//! Whole messages, put into others as attachments and taken out again: nothing of them is lost.

use std::collections::BTreeMap;
use std::fs::File;

use msgfs::imsg::{Access, Error, MapiProp, Message, PropertyNames, Session, SessionOptions};
use msgfs::mapi::{PropertyTag, Value, tags};
use msgfs::storage;
use msgfs::view::Change;

use super::corpus::files;
use super::editor::Edited;
use super::target::open;
use crate::fixture::MessageBuilder;

/// The store says it of every file of its own.
const OF_STORE: PropertyTag = tags::PR_STORE_SUPPORT_MASK;

/// What an object holds: for each property, by its name if it has one, its value, its flags, and
/// how many there are.
fn properties(object: &dyn MapiProp, names: &PropertyNames) -> BTreeMap<String, Vec<String>> {
    let (set, strings) = object.property_set().unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for property in set.properties() {
        let tag = property.tag.with_type(property.tag.property_type().to_unicode());
        let key = match names.name(tag) {
            Some(name) if tag.is_named() => format!("{name:?} {}", tag.property_type()),
            None if tag.is_named() => format!("nameless {}", tag.property_type()),
            _ => tag.to_string(),
        };
        if tag == OF_STORE {
            continue;
        }
        let mut value = set.salvage(property, &strings).value;
        if let Some(Value::String(text)) = &mut value {
            text.truncate(text.find('\0').unwrap_or(text.len()));
        }
        found.entry(key).or_default().push(format!("{value:?} {:?}", property.flags));
    }
    found.values_mut().for_each(|values| values.sort());
    found
}

/// All of a message, with what is embedded in it.
fn whole(message: &Message) -> Vec<(String, BTreeMap<String, Vec<String>>)> {
    let mut found = Vec::new();
    let mut pending = vec![(String::new(), message.clone())];
    let names = message.names().unwrap();
    while let Some((path, message)) = pending.pop() {
        found.push((path.clone(), properties(&message, &names)));
        for (row, recipient) in message.recipients().unwrap().iter().enumerate() {
            found.push((format!("{path}/recipient {row}"), properties(recipient, &names)));
        }
        for number in message.attachments().unwrap() {
            let attachment = message.attachment(number).unwrap();
            let path = format!("{path}/attachment {number}");
            found.push((path.clone(), properties(&attachment, &names)));
            if let Ok(embedded) = attachment.embedded_message() {
                pending.push((path, embedded));
            }
        }
    }
    found
}

#[test]
fn every_message_is_put_into_another_and_taken_out_again() {
    let (mut count, mut refused, mut damaged) = (0, 0, 0);
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let session = Session::open(SessionOptions::default());
        let original = session.open_message(&open(&path).root(), Access::Read).unwrap();
        let mut outer = Edited::new(&MessageBuilder::new("IPM.Note", "Around"));
        match outer.set("attachments/inner.msg", std::fs::read(&path).unwrap()) {
            Ok(change) => assert_eq!(change, Change::Made),
            Err(error) => {
                let is_damaged = matches!(
                    error,
                    msgfs::view::Error::Message(Error::Storage(storage::Error::Incomplete(_)))
                );
                assert!(is_damaged, "{name}: {error}");
                refused += 1;
                continue;
            }
        }
        outer.save();
        let inner = outer.folder.read().attachment(0).unwrap().embedded_message().unwrap();
        compare(&format!("{name} in"), &whole(&original), &whole(&inner));
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.msg");
        let file = File::options().read(true).write(true).create_new(true).open(&out).unwrap();
        let (_, lost) = inner.write_standalone(file).unwrap();
        if !lost.is_empty() {
            // It says so in an attachment, which is no whole move.
            println!("{name}: {}", lost[0]);
            damaged += 1;
            continue;
        }
        let taken = session.open_message(&open(&out).root(), Access::Read).unwrap();
        compare(&format!("{name} out"), &whole(&original), &whole(&taken));
        count += 1;
    }
    println!("{count} messages moved in and out, {refused} refused, {damaged} damaged");
    assert!(count == 0 || (count > 180 && refused + damaged < 40));
}

type Whole = [(String, BTreeMap<String, Vec<String>>)];

#[track_caller]
fn compare(name: &str, expected: &Whole, found: &Whole) {
    let paths = |whole: &Whole| whole.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(expected), paths(found), "{name}");
    for ((path, expected), (found_path, found)) in expected.iter().zip(found) {
        assert_eq!(path, found_path, "{name}");
        for (key, values) in expected {
            assert_eq!(Some(values), found.get(key), "{name}{path}: {key}");
        }
        for key in found.keys().filter(|key| !expected.contains_key(*key)) {
            // What was inherited from the message around is said.
            let known = [tags::PR_MESSAGE_CODEPAGE, tags::PR_INTERNET_CPID];
            assert!(known.iter().any(|tag| tag.to_string() == *key), "{name}{path}: {key} is new");
        }
    }
}
