//! Edits of the real files: one property set, everything else as it was.

use std::collections::BTreeMap;

use msgfs::imsg::{Access, Error, MapiProp as _, MapiPropMut as _, Session, SessionOptions};
use msgfs::mapi::{Value, tags};
use msgfs::storage::{self, Entry, Storage};

use super::target::{FileTarget, Folder, open};

/// `PR_IMPORTANCE`, `PR_LAST_MODIFICATION_TIME`, `PR_MESSAGE_SIZE`.
const TOUCHED: [u16; 3] = [0x0017, 0x3008, 0x0E08];

/// For each path the CLSID of a storage or the bytes of a stream.
pub(super) fn tree(root: &Storage) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.clone()];
    while let Some(storage) = pending.pop() {
        found.insert(storage.path(), storage.clsid().0.to_vec());
        for entry in storage.entries() {
            match entry {
                Entry::Storage(storage) => pending.push(storage),
                Entry::Stream(stream) => {
                    drop(found.insert(stream.path(), stream.read_all().unwrap()));
                }
            }
        }
    }
    found
}

/// The header, the entries by tag without those touched, and what is behind them.
fn properties(stream: &[u8]) -> (Vec<u8>, Vec<[u8; 16]>) {
    let (header, entries) = stream.split_at(32);
    let entries = entries.as_chunks::<16>().0.iter().copied();
    let id = |entry: &[u8; 16]| u16::from_le_bytes([entry[2], entry[3]]);
    (header.to_vec(), entries.filter(|entry| !TOUCHED.contains(&id(entry))).collect())
}

pub(super) use crate::corpus_files::corpus_files as files;

#[test]
fn one_property_of_every_file_changes_nothing_else() {
    let (mut edited, mut refused) = (0, 0);
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let folder = Folder::new(&std::fs::read(&path).unwrap());
        let storage = folder.storage();
        let target = FileTarget::new(folder.folder.path(), "a.msg");
        let message = match folder.session.open_message(&storage, Access::ReadWrite(target)) {
            Ok(message) => message,
            Err(Error::Storage(storage::Error::Incomplete(defect))) => {
                println!("{name}: refused: {defect}");
                refused += 1;
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        let importance = match message.integer(tags::PR_IMPORTANCE) {
            Some(2) => 0,
            _ => 2,
        };
        message.set_property(tags::PR_IMPORTANCE, &Value::Integer32(importance)).unwrap();
        message.save_changes().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let saved = folder.read();
        assert_eq!(saved.integer(tags::PR_IMPORTANCE), Some(importance), "{name}");
        let (mut before, mut after) = (tree(&storage), tree(&folder.storage()));
        // One file has value streams only: its property stream is new.
        let stream = |tree: &mut BTreeMap<String, Vec<u8>>| {
            tree.remove("/__properties_version1.0").map(|stream| properties(&stream))
        };
        let (before_list, after_list) = (stream(&mut before), stream(&mut after).unwrap());
        let before_list = before_list.unwrap_or_else(|| {
            println!("{name}: has no property stream");
            (vec![0; 32], Vec::new())
        });
        assert!(before_list == after_list, "{name}: another property");
        assert!(before.keys().eq(after.keys()), "{name}: other storages and streams");
        for (path, bytes) in &before {
            assert!(after[path] == *bytes, "{name}: {path} is another one");
        }
        assert_eq!(open(&folder.path()).version(), 3);
        edited += 1;
    }
    println!("{edited} files edited, {refused} refused");
    assert!(edited == 0 || edited > 200);
}

#[test]
fn whole_messages_of_every_file_are_embedded_in_another() {
    let session = Session::open(SessionOptions::default());
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = crate::fixture::MessageBuilder::new("IPM.Note", "Around").to_bytes();
        let folder = Folder::new(&bytes);
        let other = open(&path).root();
        let original = session.open_message(&other, Access::Read).unwrap();
        let message = folder.write();
        let attachment = message.create_attachment().unwrap();
        match attachment.embed(&other) {
            Ok(()) => {}
            Err(Error::Storage(storage::Error::Incomplete(_))) => continue,
            Err(error) => panic!("{name}: {error}"),
        }
        attachment.save_changes().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        message.save_changes().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let outer = folder.read();
        let copy = outer.attachment(0).unwrap().embedded_message().unwrap();
        assert_eq!(original.recipients().unwrap().len(), copy.recipients().unwrap().len());
        assert_eq!(original.attachments().unwrap(), copy.attachments().unwrap(), "{name}");
        let (theirs, ours) = (original.names().unwrap(), copy.names().unwrap());
        let tags = original.property_tags().unwrap().into_iter();
        for tag in tags.filter(|tag| *tag != tags::PR_STORE_SUPPORT_MASK) {
            let value = original.salvage(tag).unwrap().value;
            // Embedded in a Unicode message, the strings of an 8-bit one are Unicode.
            let tag = tag.with_type(tag.property_type().to_unicode());
            let tag = match (tag.is_named(), theirs.name(tag)) {
                (false, _) => tag,
                (true, None) => continue,
                (true, Some(known)) => {
                    let id = ours.id(known).unwrap();
                    msgfs::mapi::PropertyTag::new(id, tag.property_type())
                }
            };
            let found = copy.salvage(tag).unwrap().value;
            // An empty string is left out; NaN is not equal to itself.
            let is_empty = value == Some(Value::String(String::new())) && found.is_none();
            assert!(is_empty || format!("{value:?}") == format!("{found:?}"), "{name}: {tag}");
        }
    }
}
