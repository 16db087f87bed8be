//! The end of a session with unsaved edits: they are saved, kept, or reported as lost.

use std::io;

use msgfs::imsg::{
    Access, Error, MapiProp as _, MapiPropMut as _, SaveOutcome, SaveReport, SessionStatistics,
};
use msgfs::mapi::{Value, tags};
use msgfs::storage::Step;

use super::target::{FileTarget, Folder, open};
use crate::fixture::{AttachmentBuilder, MessageBuilder};

fn letter() -> Vec<u8> {
    let inner = MessageBuilder::new("IPM.Note", "Inner");
    MessageBuilder::new("IPM.Note", "Before").attach(AttachmentBuilder::message(inner)).to_bytes()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn full(step: Step) -> io::Result<()> {
    if step == Step::Write { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

fn saved(name: &str) -> SaveReport {
    SaveReport { name: name.to_owned(), outcome: SaveOutcome::Saved }
}

#[test]
fn close_saves_what_is_unsaved_though_every_handle_is_gone() {
    let folder = Folder::new(&letter());
    folder.write().set_property(tags::PR_SUBJECT, &text("After")).unwrap();
    assert_eq!(folder.session.statistics().open_objects, 1);
    let report = folder.session.close();
    assert_eq!((report.messages, report.saves), (1, vec![saved("a.msg")]));
    let nothing = SessionStatistics { open_objects: 0, open_messages: 0, messages_opened: 1 };
    assert_eq!(folder.session.statistics(), nothing);
    let again = Folder::new(&std::fs::read(folder.path()).unwrap());
    assert_eq!(again.read().text(tags::PR_SUBJECT).as_deref(), Some("After"));
    assert_eq!(folder.session.close().saves, []);
}

#[test]
fn close_saves_children_first() {
    let folder = Folder::new(&letter());
    {
        let message = folder.write();
        let attachment = message.attachment(0).unwrap();
        let inner = attachment.embedded_message().unwrap();
        inner.set_property(tags::PR_SUBJECT, &text("After")).unwrap();
        let file = inner.create_attachment().unwrap();
        file.set_property(tags::PR_ATTACH_LONG_FILENAME, &text("a.txt")).unwrap();
    }
    assert_eq!(folder.session.statistics().open_objects, 4);
    assert_eq!(folder.session.close().saves, [saved("a.msg")]);
    let again = Folder::new(&std::fs::read(folder.path()).unwrap());
    let inner = again.read().attachment(0).unwrap().embedded_message().unwrap();
    assert_eq!(inner.text(tags::PR_SUBJECT).as_deref(), Some("After"));
    let file = inner.attachment(0).unwrap();
    assert_eq!(file.text(tags::PR_ATTACH_LONG_FILENAME).as_deref(), Some("a.txt"));
}

#[test]
fn what_cannot_be_saved_is_kept_elsewhere_and_reported() {
    let folder = Folder::new(&letter());
    let target = FileTarget::with(folder.folder.path(), "a.msg", Box::new(full), true);
    let message = folder.write_to(target);
    message.set_property(tags::PR_SUBJECT, &text("After")).unwrap();
    let report = folder.session.close();
    let path = folder.folder.path().join("a.msg.recovered");
    let [SaveReport { name, outcome: SaveOutcome::Kept { cause, path: kept } }] =
        report.saves.as_slice()
    else {
        panic!("{report:?}")
    };
    assert_eq!((name.as_str(), kept), ("a.msg", &path));
    assert_eq!(cause, "replacing the file \"a.msg\": writing failed: no storage space");
    assert_eq!(std::fs::read(folder.path()).unwrap(), letter(), "the file is as it was");
    let again = Folder::new(&std::fs::read(&path).unwrap());
    assert_eq!(again.read().text(tags::PR_SUBJECT).as_deref(), Some("After"));
    assert_eq!(again.read().text(tags::PR_NORMALIZED_SUBJECT).as_deref(), Some("After"));
}

#[test]
fn what_is_lost_is_reported_too() {
    let folder = Folder::new(&letter());
    let target = FileTarget::with(folder.folder.path(), "a.msg", Box::new(full), false);
    folder.write_to(target).set_property(tags::PR_SUBJECT, &text("After")).unwrap();
    let report = folder.session.close();
    let [SaveReport { outcome: SaveOutcome::Lost { cause }, .. }] = report.saves.as_slice() else {
        panic!("{report:?}")
    };
    assert!(cause.ends_with("saving \"a.msg\" failed: no room for it either"), "{cause}");
}

#[test]
fn a_target_that_panics_keeps_no_other_message_from_being_saved() {
    let folder = Folder::new(&letter());
    std::fs::copy(folder.path(), folder.folder.path().join("b.msg")).unwrap();
    let panics = FileTarget::with(folder.folder.path(), "a.msg", Box::new(|_| panic!()), true);
    folder.write_to(panics).set_property(tags::PR_SUBJECT, &text("After")).unwrap();
    let storage = open(&folder.folder.path().join("b.msg")).root();
    let target = FileTarget::new(folder.folder.path(), "b.msg");
    let other = folder.session.open_message(&storage, Access::ReadWrite(target)).unwrap();
    other.set_property(tags::PR_SUBJECT, &text("After")).unwrap();
    let report = folder.session.close();
    assert_eq!(report.saves.first(), Some(&saved("b.msg")));
    assert_eq!(report.saves.len(), 2);
    assert!(matches!(report.saves[1].outcome, SaveOutcome::Kept { .. }), "{report:?}");
    assert_eq!(std::fs::read(folder.path()).unwrap(), letter());
}

#[test]
fn nothing_is_edited_after_close() {
    let folder = Folder::new(&letter());
    let message = folder.write();
    let attachment = message.attachment(0).unwrap();
    drop(folder.session.close());
    let subject = text("After");
    for result in [
        message.set_property(tags::PR_SUBJECT, &subject),
        message.delete_property(tags::PR_SUBJECT),
        message.save_changes(),
        message.create_attachment().map(drop),
        message.delete_attachment(0),
        message.copy_from(&folder.storage()),
        message.modify_recipients(&[]),
        message.snapshot().map(drop),
        attachment.set_property(tags::PR_DISPLAY_NAME, &subject),
        attachment.create_embedded_message().map(drop),
        attachment.embed(&folder.storage()),
        attachment.save_changes(),
    ] {
        assert!(matches!(result, Err(Error::SessionClosed)), "{result:?}");
    }
}

#[test]
fn a_saved_message_is_released_with_its_last_handle() {
    let folder = Folder::new(&letter());
    let message = folder.write();
    message.set_property(tags::PR_SUBJECT, &text("After")).unwrap();
    message.save_changes().unwrap();
    drop(message);
    assert_eq!(folder.session.statistics().open_objects, 0);
    assert_eq!(folder.session.close().saves, []);
}

#[test]
fn edits_while_the_session_is_closed_are_saved_or_refused() {
    for _ in 0..20 {
        let folder = Folder::new(&letter());
        let message = folder.write();
        let last = std::thread::scope(|scope| {
            let edits = scope.spawn(|| {
                let mut last = 0;
                for number in 1..10_000 {
                    match message.set_property(tags::PR_IMPORTANCE, &Value::Integer32(number)) {
                        Ok(()) => last = number,
                        Err(Error::SessionClosed) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                last
            });
            while !message.is_unsaved() {
                std::thread::yield_now();
            }
            drop(folder.session.close());
            edits.join().unwrap()
        });
        let again = Folder::new(&std::fs::read(folder.path()).unwrap());
        assert_eq!(again.read().integer(tags::PR_IMPORTANCE), Some(last));
    }
}
