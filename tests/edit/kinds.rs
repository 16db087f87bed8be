//! Every kind of edit, made, saved and read back from the file.

use msgfs::imsg::{MapiProp as _, MapiPropMut as _};
use msgfs::mapi::{Value, tags};

use super::target::Folder;
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn letter() -> MessageBuilder {
    let inner = MessageBuilder::new("IPM.Note", "Inner")
        .attach(AttachmentBuilder::file("inner.txt", "inside"));
    MessageBuilder::mail("RE: Outer", ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z")
        .body("Hello\n")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
        .recipient(RecipientBuilder::bcc("Cy", "cy@example.org"))
        .attach(AttachmentBuilder::file("outer.txt", "outside"))
        .attach(AttachmentBuilder::message(inner))
}

#[test]
fn a_property_is_set_saved_and_read_back() {
    let folder = Folder::new(&letter().to_bytes());
    let message = folder.write();
    message.set_property(tags::PR_SUBJECT, &text("AW: New")).unwrap();
    assert!(message.is_unsaved() && message.has_set(tags::PR_SUBJECT));
    assert_eq!(message.text(tags::PR_SUBJECT).as_deref(), Some("AW: New"));
    assert_eq!(folder.read().text(tags::PR_SUBJECT).as_deref(), Some("RE: Outer"));
    message.save_changes().unwrap();
    assert!(!message.is_unsaved() && !message.has_set(tags::PR_SUBJECT));
    let saved = folder.read();
    assert_eq!(saved.text(tags::PR_SUBJECT).as_deref(), Some("AW: New"));
    assert_eq!(saved.text(tags::PR_SUBJECT_PREFIX).as_deref(), Some("AW: "));
    assert_eq!(saved.text(tags::PR_NORMALIZED_SUBJECT).as_deref(), Some("New"));
    assert_eq!(folder.names(), ["a.msg"]);
}
