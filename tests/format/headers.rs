//! Headers of property streams with the length of another object's.

use msgfs::imsg::MapiProp as _;
use msgfs::mapi::{PropertyTag, Value, tags};

use super::{errors, file, open, text, tree, value};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

fn mail(subject: &str) -> MessageBuilder {
    MessageBuilder::mail(subject, ("Ann", "ann@example.org"), "2024-02-26T05:58:12Z")
        .recipient(RecipientBuilder::to("Ben", "ben@example.org"))
        .body("Hello\n")
}

/// Every property of a message.
fn values(message: &msgfs::imsg::Message) -> Vec<(String, Option<Value>)> {
    let tags = message.property_tags().unwrap().into_iter();
    tags.map(|tag| (tag.to_string(), message.salvage(tag).unwrap().value)).collect()
}

#[test]
fn a_header_of_the_wrong_length_is_a_note_and_no_defect() {
    for (len, due) in [(24, 32), (32, 32)] {
        let bytes = mail("A").header_len(len).to_bytes();
        let message = open(bytes.clone());
        assert_eq!(values(&message), values(&open(mail("A").to_bytes())), "{len}");
        assert_eq!(errors(bytes), [""; 0]);
        let notes: Vec<_> = message.notes().unwrap().iter().map(ToString::to_string).collect();
        let note = format!("the header has {len} bytes where {due} are due");
        assert_eq!(notes.len(), usize::from(len != due));
        assert!(notes.iter().all(|one| one.ends_with(&note)), "{notes:?}");
    }
}

#[test]
fn so_it_is_in_embedded_messages() {
    let outer = |inner| mail("Outer").attach(AttachmentBuilder::message(inner)).to_bytes();
    let embedded = |bytes| open(bytes).attachment(0).unwrap().embedded_message().unwrap();
    let (wrong, right) = (outer(mail("A").header_len(32)), outer(mail("A")));
    assert_eq!(values(&embedded(wrong.clone())), values(&embedded(right)));
    let note = &embedded(wrong.clone()).notes().unwrap()[0];
    assert!(note.text.contains("32 bytes where 24 are due"), "{note}");
    assert_eq!(errors(wrong.clone()), [""; 0]);
    let findings = tree(wrong.clone()).check();
    assert_eq!((findings.defects.len(), findings.notes.len()), (0, 1));
    let json = file(wrong.clone(), "attachments/A.msg/message.json").unwrap();
    assert!(json.contains("32 bytes where 24 are due"), "{json}");
    // A file made of it has the right header.
    let made = message_msg(wrong);
    assert_eq!(value(&open(made.clone()), tags::PR_SUBJECT), text("A"));
    assert_eq!(open(made).notes().unwrap(), []);
}

/// `message.msg` of the embedded message.
fn message_msg(bytes: Vec<u8>) -> Vec<u8> {
    let tree = tree(bytes);
    let (id, _) = tree.resolve("attachments/A.msg/message.msg").unwrap();
    tree.read(id, 0, 1 << 20).unwrap()
}

#[test]
fn damage_keeps_the_stated_header() {
    // Entries that make no sense at any offset.
    let message = MessageBuilder::empty().stored(PropertyTag(0x0000_0777), "x");
    assert_eq!(open(message.to_bytes()).notes().unwrap(), []);
}
