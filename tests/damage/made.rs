//! Calendar files and cards are made of many values. If a part of one is missing, a mount answers
//! with an error, since a program would take the file for all there is.

use std::fs;

use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{PSETID_ADDRESS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_TASK};
use msgfs::mapi::{Guid, PropertyTag, PropertyType, Value, tags};

use super::{cut_stream, string};
use crate::cli::shown::msgfs_in;
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};
use crate::mount::folder::Folder;
use crate::mount::mounted::Mounted;

/// The tag of the first named property of a fixture.
fn first_named(property_type: PropertyType) -> PropertyTag {
    PropertyTag::new(0x8000, property_type)
}

fn long(text: &str) -> String {
    text.repeat(4_000)
}

fn lid(message: MessageBuilder, set: Guid, lid: u32, value: Value) -> MessageBuilder {
    let property_type = match value {
        Value::Binary(_) => PropertyType::BINARY,
        Value::Time(_) => PropertyType::TIME,
        _ => PropertyType::STRING,
    };
    message.named(set, NameKind::Lid(lid), property_type, value)
}

fn time(text: &str) -> Value {
    Value::Time(text.parse().unwrap())
}

fn contact() -> MessageBuilder {
    MessageBuilder::new("IPM.Contact", "Zoë Lee").text(tags::PR_DISPLAY_NAME, "Zoë Lee")
}

fn list() -> MessageBuilder {
    MessageBuilder::new("IPM.DistList", "All")
}

fn appointment() -> MessageBuilder {
    MessageBuilder::new("IPM.Appointment", "Lunch")
}

fn begun(message: MessageBuilder) -> MessageBuilder {
    lid(message, PSETID_APPOINTMENT, 0x820D, time("2024-03-04T08:00:00Z"))
}

fn task() -> MessageBuilder {
    MessageBuilder::new("IPM.Task", "Sweep")
}

/// Files of which a part is missing: the name of the message, the file, the bytes of the message.
fn damaged() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = |message: MessageBuilder, tag| cut_stream(&message.text(tag, &long("ab ")), tag, 10);
    let body = |message: MessageBuilder| cut_stream(&message.body(&long("ab ")), tags::PR_BODY, 10);
    let named = |message: MessageBuilder, set, number| {
        let message = lid(message, set, number, string(&long("ab ")));
        cut_stream(&message, first_named(PropertyType::STRING), 10)
    };
    let photo = AttachmentBuilder::file("photo.jpg", vec![0xFF; 100_000])
        .set(tags::PR_ATTACHMENT_CONTACTPHOTO, Value::Boolean(true));
    let photo = cut_stream(&contact().attach(photo), tags::PR_ATTACH_DATA_BIN, 100);
    let members = lid(list(), PSETID_ADDRESS, 0x8064, Value::Binary(vec![1; 40]));
    let guest = begun(appointment()).recipient(RecipientBuilder::to(&long("Bob "), "b@x.org"));
    let guest = cut_stream(&guest, tags::PR_DISPLAY_NAME, 10);
    let series = lid(appointment(), PSETID_APPOINTMENT, 0x8216, Value::Binary(vec![4; 30]));
    vec![
        ("telephone.msg", "contact.vcf", text(contact(), tags::PR_HOME_TELEPHONE_NUMBER)),
        ("mail address.msg", "contact.vcf", named(contact(), PSETID_ADDRESS, 0x8083)),
        ("note.msg", "contact.vcf", body(contact())),
        ("photo.msg", "contact.vcf", photo),
        ("members.msg", "contact.vcf", members.to_bytes()),
        ("subject.msg", "event.ics", text(begun(appointment()), tags::PR_NORMALIZED_SUBJECT)),
        ("place.msg", "event.ics", begun_at_a_cut_place()),
        ("text.msg", "event.ics", body(begun(appointment()))),
        ("guest.msg", "event.ics", guest),
        ("series.msg", "event.ics", begun(series).to_bytes()),
        ("owner.msg", "task.ics", named(task(), PSETID_TASK, 0x811F)),
        ("task text.msg", "task.ics", body(task())),
        ("recurring task.msg", "task.ics", recurring_task()),
    ]
}

fn begun_at_a_cut_place() -> Vec<u8> {
    let message = lid(appointment(), PSETID_APPOINTMENT, 0x8208, string(&long("ab ")));
    cut_stream(&begun(message), first_named(PropertyType::STRING), 10)
}

fn recurring_task() -> Vec<u8> {
    lid(task(), PSETID_TASK, 0x8116, Value::Binary(vec![4; 30])).to_bytes()
}

#[test]
fn calendar_files_and_cards_are_not_short_without_a_word() {
    let damaged = damaged();
    let mut folder = Folder::new();
    for (name, _, bytes) in &damaged {
        folder = folder.with(name, bytes.clone());
    }
    // What is damaged beside the values of a file takes nothing from it.
    let aside = lid(contact(), PSETID_COMMON, 0x8580, string(&long("ab ")));
    let aside = cut_stream(&aside, first_named(PropertyType::STRING), 10);
    let folder = folder.with("aside.msg", aside);
    for (name, file, _) in &damaged {
        let cat = msgfs_in(folder.path(), &["cat", &format!("{name}/{file}")]);
        assert_eq!((cat.status.code(), cat.stdout.is_empty()), (Some(1), false), "{name}");
        assert!(cat.stderr.contains("not all of it could be read"), "{name}: {}", cat.stderr);
    }
    let aside = msgfs_in(folder.path(), &["cat", "aside.msg/contact.vcf"]);
    assert_eq!((aside.status.code(), &*aside.stderr), (Some(0), ""));
    for options in ["ro", "edit"] {
        let Some(mount) = Mounted::new(folder.path(), options) else { return };
        for (name, file, _) in &damaged {
            let error = fs::read(mount.path(format!("{name}/{file}"))).map(|_| ()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EIO), "{options}: {name}");
            assert!(!mount.text(format!("{name}/ERRORS")).is_empty());
        }
        assert!(mount.text("aside.msg/contact.vcf").contains("FN:Zoë Lee"));
    }
}
