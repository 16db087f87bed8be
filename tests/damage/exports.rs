//! Messages and objects that are made into files of their own.

use msgfs::mapi::{CodePage, Value, tags};
use msgfs::view::NodeId;

use super::{END_OF_CHAIN, file, mail, names, open, text};
use crate::browse::Browser;
use crate::fixture::{AttachmentBuilder, MessageBuilder, Sectors, Tree, stream_name};

/// `STORE_UNICODE_OK`.
const UNICODE_OK: i32 = 0x0004_0000;

fn exported(outer: &MessageBuilder) -> Vec<u8> {
    let tree = open(outer.to_bytes());
    let browser = Browser::new(&tree);
    let inner = browser.walk(NodeId(0), "attachments/Inner.msg").unwrap();
    browser.read(inner, "message.msg").unwrap()
}

fn mask(message: Vec<u8>) -> Option<i32> {
    let tree = open(message);
    let mask = Browser::new(&tree).read(NodeId(0), "mapi/PR_STORE_SUPPORT_MASK")?;
    Some(String::from_utf8(mask).unwrap().trim().parse().unwrap())
}

#[test]
fn the_store_mask_follows_the_strings() {
    let tag = tags::PR_STORE_SUPPORT_MASK;
    let ansi = mail("Inner").ansi(CodePage::WINDOWS_1252);
    for inner in [ansi.clone().unset(tag), ansi.set(tag, Value::Integer32(UNICODE_OK))] {
        let outer = mail("Outer").attach(AttachmentBuilder::message(inner));
        let found = mask(exported(&outer)).unwrap_or_default();
        assert_eq!(found & UNICODE_OK, 0, "0x{found:X}");
    }
    let outer = mail("Outer").attach(AttachmentBuilder::message(mail("Inner").unset(tag)));
    assert_ne!(mask(exported(&outer)).unwrap() & UNICODE_OK, 0);
}

#[test]
fn an_export_of_a_damaged_message_is_sound_and_says_what_it_lacks() {
    let inner = mail("Inner").attach(file("a.bin", 100_000));
    let outer = mail("Outer").attach(AttachmentBuilder::message(inner));
    let mut sectors = Sectors::new(outer.to_bytes());
    let first = sectors.first(&stream_name(tags::PR_ATTACH_DATA_BIN));
    sectors.set_next(first + 100, END_OF_CHAIN);
    let tree = open(sectors.bytes);
    let inner = "attachments/Inner.msg";
    assert!(text(&tree, &format!("{inner}/ERRORS")).contains("expected 100000 bytes"));
    let exported = Browser::new(&tree).read(NodeId(0), &format!("{inner}/message.msg")).unwrap();
    let alone = open(exported);
    assert_eq!(alone.check().defects, []);
    assert_eq!(names(&alone, "attachments"), "a.bin.partial ERRORS.txt");
    let left = Browser::new(&alone).read(NodeId(0), "attachments/a.bin.partial").unwrap();
    assert_eq!(left, vec![9; 101 * 512]);
    assert!(text(&alone, "attachments/ERRORS.txt").contains("expected 100000 bytes"));
    assert_eq!(text(&alone, "subject"), "Inner\n");
}

/// Takes the name from the entry of a stream.
fn nameless(mut bytes: Vec<u8>, name: &str) -> Vec<u8> {
    let stored: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = bytes.windows(stored.len()).rposition(|found| found == stored).unwrap();
    bytes[at..at + stored.len()].fill(0);
    bytes[at + 64..at + 66].fill(0);
    bytes
}

#[test]
fn an_entry_without_a_name_is_left_out() {
    let mut object = Tree::default();
    object.put("CONTENTS", vec![5; 5_000]);
    object.put("Zodiac", vec![6; 5_000]);
    let outer = mail("Outer")
        .attach(AttachmentBuilder::ole("Chart", object))
        .attach(AttachmentBuilder::message(mail("Inner")));
    let tree = open(nameless(outer.to_bytes(), "Zodiac"));
    assert!(names(&tree, "attachments").starts_with("Chart.ole.partial Inner.msg"));
    let ole = Browser::new(&tree).read(NodeId(0), "attachments/Chart.ole.partial").unwrap();
    assert!(ole.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]));
    assert!(text(&tree, "ERRORS").contains("cannot be a name"));
}

#[test]
fn a_damaged_stream_of_an_object_is_told() {
    let mut object = Tree::default();
    object.put("CONTENTS", vec![5; 50_000]);
    let outer = mail("Outer").attach(AttachmentBuilder::ole("Chart", object));
    let mut sectors = Sectors::new(outer.to_bytes());
    let first = sectors.first("CONTENTS");
    sectors.set_next(first + 10, END_OF_CHAIN);
    let tree = open(sectors.bytes);
    assert!(names(&tree, "attachments").starts_with("Chart.ole.partial"));
    assert!(text(&tree, "ERRORS").contains("expected 50000 bytes, found 5632"));
}
