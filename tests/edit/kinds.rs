//! Every kind of edit, made, saved and read back from the file. Longer than other files, since the
//! kinds are many and each is one short test.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;

use msgfs::imsg::{
    Access, Address, AttachMethod, Error, MapiProp as _, MapiPropMut as _, Message, NameKind,
    PROPATTR_MANDATORY, PROPATTR_READABLE, PROPATTR_WRITEABLE, PropertyName, RecipientChange,
    RecipientType, Session, SessionOptions,
};
use msgfs::mapi::sets::{PS_INTERNET_HEADERS, PS_PUBLIC_STRINGS, PSETID_COMMON};
use msgfs::mapi::{CodePage, FileTime, Guid, PropertyTag, PropertyType, Value, tags};
use msgfs::storage::Source;

use super::corpus::tree;
use super::target::{FileTarget, Folder, open};
use crate::fixture::{AttachmentBuilder, MESSAGE_CLSID, MessageBuilder, RecipientBuilder, Tree};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn address(name: &str, address: &str) -> Address {
    Address { name: name.to_owned(), address: address.to_owned() }
}

fn letter() -> MessageBuilder {
    let inner = MessageBuilder::new("IPM.Note", "Inner")
        .recipient(RecipientBuilder::to("In", "in@example.org"))
        .attach(AttachmentBuilder::file("inner.txt", "inside"));
    MessageBuilder::mail("RE: Outer", ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z")
        .body("Hello\n")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
        .recipient(RecipientBuilder::bcc("Cy", "cy@example.org"))
        .attach(AttachmentBuilder::file("outer.txt", "outside"))
        .attach(AttachmentBuilder::message(inner))
}

/// Makes an edit, saves it, and reads the file.
fn saved(edit: impl FnOnce(&Message)) -> (Folder, Message) {
    let folder = Folder::new(&letter().to_bytes());
    let message = folder.write();
    edit(&message);
    message.save_changes().unwrap();
    let read = folder.read();
    assert_eq!(read.defects().unwrap(), []);
    assert_eq!(read.value_defects().unwrap(), []);
    (folder, read)
}

/// The stored bytes of the top-level property stream's header.
fn header(folder: &Folder) -> Vec<u32> {
    let stream = folder.storage().stream("__properties_version1.0").unwrap().read_all().unwrap();
    stream[..32].as_chunks::<4>().0.iter().map(|field| u32::from_le_bytes(*field)).collect()
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
    // A second save of the same handle knows the file that the first one made.
    message.set_property(tags::PR_SUBJECT, &text("Newer")).unwrap();
    message.save_changes().unwrap();
    let saved = folder.read();
    assert_eq!(saved.text(tags::PR_SUBJECT).as_deref(), Some("Newer"));
    assert!(matches!(saved.property(tags::PR_SUBJECT_PREFIX), Err(Error::NoProperty { .. })));
}

/// A value of every type that can be set.
fn values() -> Vec<(PropertyType, Value)> {
    let guid = Value::Guid(MESSAGE_CLSID);
    let one = vec![
        (PropertyType::INTEGER16, Value::Integer16(-2)),
        (PropertyType::INTEGER32, Value::Integer32(-3)),
        (PropertyType::FLOATING32, Value::Floating32(1.5)),
        (PropertyType::FLOATING64, Value::Floating64(-2.5)),
        (PropertyType::CURRENCY, Value::Currency(-12_345)),
        (PropertyType::FLOATING_TIME, Value::FloatingTime(45_000.25)),
        (PropertyType::INTEGER64, Value::Integer64(i64::MIN)),
        (PropertyType::TIME, Value::Time(FileTime(133_000_000_000_000_001))),
        (PropertyType::GUID, guid),
        (PropertyType::STRING, text("a\u{1F600}\r\nb")),
        (PropertyType::BINARY, Value::Binary(vec![0, 1, 0])),
    ];
    let multiple: Vec<_> = one
        .iter()
        .map(|(property_type, value)| {
            let several = Value::Multiple(vec![value.clone(), value.clone()]);
            (PropertyType(property_type.0 | 0x1000), several)
        })
        .collect();
    let single_only = vec![
        (PropertyType::BOOLEAN, Value::Boolean(true)),
        (PropertyType::ERROR_CODE, Value::ErrorCode(0x8004_0102)),
        (PropertyType::NULL, Value::Null),
        (PropertyType::BINARY, Value::Binary(Vec::new())),
        (PropertyType::BINARY, Value::Binary(vec![7; 10_000])),
    ];
    [one, multiple, single_only].concat()
}

#[test]
fn values_of_every_type_come_back() {
    let folder = Folder::new(&letter().to_bytes());
    let message = folder.write();
    let values: Vec<_> = (0x6600_u16..)
        .zip(values())
        .map(|(id, (property_type, value))| (PropertyTag::new(id, property_type), value))
        .collect();
    for (tag, value) in &values {
        message.set_property(*tag, value).unwrap_or_else(|error| panic!("{tag}: {error}"));
    }
    message.save_changes().unwrap();
    let read = folder.read();
    assert_eq!(read.value_defects().unwrap(), []);
    for (tag, value) in &values {
        assert_eq!(read.property(*tag).unwrap(), *value, "{tag}");
    }
    // Shorter lists leave no value of the longer ones.
    for (tag, value) in &values {
        if let Value::Multiple(values) = value {
            message.set_property(*tag, &Value::Multiple(values[..1].to_vec())).unwrap();
        }
    }
    message.save_changes().unwrap();
    assert_eq!(folder.read().value_defects().unwrap(), []);
    let count = tree(&folder.storage()).len();
    for (tag, _) in &values {
        message.delete_property(*tag).unwrap();
    }
    message.save_changes().unwrap();
    let letter = Folder::new(&letter().to_bytes());
    assert_eq!(tree(&folder.storage()).len(), tree(&letter.storage()).len());
    assert!(count > tree(&letter.storage()).len());
}

#[test]
fn an_id_has_one_property_and_a_new_type_replaces_the_old() {
    let (_, read) = saved(|message| {
        message.set_property(PropertyTag(0x6600_001F), &text("x")).unwrap();
        message
            .set_property(PropertyTag(0x6600_1003), &Value::Multiple(vec![Value::Integer32(5)]))
            .unwrap();
        message.set_property(PropertyTag(0x6600_0003), &Value::Integer32(5)).unwrap();
    });
    let tags: Vec<_> =
        read.property_tags().unwrap().into_iter().filter(|tag| tag.id() == 0x6600).collect();
    assert_eq!(tags, [PropertyTag(0x6600_0003)]);
}

#[test]
fn an_empty_string_is_no_property() {
    let (folder, read) = saved(|message| {
        message.set_property(tags::PR_SUBJECT, &text("")).unwrap();
        message.set_property(PropertyTag(0x6600_101F), &Value::Multiple(Vec::new())).unwrap();
    });
    for tag in [tags::PR_SUBJECT, tags::PR_NORMALIZED_SUBJECT, PropertyTag(0x6600_101F)] {
        assert!(matches!(read.property(tag), Err(Error::NoProperty { .. })), "{tag}");
    }
    assert!(!tree(&folder.storage()).contains_key("/__substg1.0_0037001F"));
}

#[test]
fn edits_that_are_refused_change_nothing() {
    let ansi = MessageBuilder::new("IPM.Note", "x").ansi(CodePage::new(1252).unwrap());
    let folder = Folder::new(&ansi.to_bytes());
    let message = folder.write();
    let number = Value::Integer32(1);
    for (result, expected) in [
        (
            message.set_property(tags::PR_DISPLAY_TO, &text("x")),
            "the property 0x0E04001E is computed",
        ),
        (
            message.set_property(tags::PR_HASATTACH, &Value::Boolean(true)),
            "the property 0x0E1B000B is computed",
        ),
        (
            message.set_property(tags::PR_MESSAGE_SIZE, &number),
            "the property 0x0E080003 is computed",
        ),
        (
            message.delete_property(tags::PR_NORMALIZED_SUBJECT),
            "the property 0x0E1D001F is computed",
        ),
        (
            message.set_property(tags::PR_SUBJECT, &text("\u{4E2D}")),
            "property 0x0037001E: a character that code page 1252 does not have",
        ),
        (
            message.set_property(tags::PR_SUBJECT, &number),
            "property 0x0037001E: a value that is no PT_STRING8",
        ),
        (
            message.set_property(tags::PR_SUBJECT, &text("a\0b")),
            "property 0x0037001E: a string with a NUL in it",
        ),
        (
            message.set_property(tags::PR_ATTACH_DATA_OBJ, &Value::Object),
            "property 0x3701000D: a value that is no PT_OBJECT",
        ),
        (message.delete_property(PropertyTag(0x6600_0003)), "/: no property 0x66000003"),
        (
            message.set_property_flags(tags::PR_SUBJECT, 8),
            "property 0x0037001F: attributes 0x00000008",
        ),
        (message.delete_attachment(0), "/: no attachment 0"),
        (
            message.modify_recipients(&[RecipientChange::Remove(3)]),
            "recipient table: no recipient 3",
        ),
        (folder.read().set_property(tags::PR_SUBJECT, &text("x")), "/: opened for reading only"),
        (folder.read().create_attachment().map(drop), "/: opened for reading only"),
    ] {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    assert!(!message.is_unsaved());
    message.save_changes().unwrap();
    assert_eq!(std::fs::read(folder.path()).unwrap(), ansi.to_bytes());
}

#[test]
fn attributes_of_properties_are_kept_and_obeyed() {
    let (folder, read) = saved(|message| {
        let flags = PROPATTR_MANDATORY | PROPATTR_READABLE;
        message.set_property_flags(tags::PR_BODY, flags).unwrap();
        let refused = message.set_property(tags::PR_BODY, &text("x"));
        assert!(matches!(refused, Err(Error::Protected { .. })), "{refused:?}");
        let refused = message.delete_property(tags::PR_BODY);
        assert!(matches!(refused, Err(Error::Protected { .. })), "{refused:?}");
        message.set_property_flags(tags::PR_SUBJECT, 7).unwrap();
        message.set_property(tags::PR_SUBJECT, &text("still 7")).unwrap();
    });
    let flags = |message: &Message, tag| message.property_set().unwrap().0.get(tag).unwrap().flags;
    assert_eq!(flags(&read, tags::PR_BODY), Some(3));
    assert_eq!(flags(&read, tags::PR_SUBJECT), Some(7));
    let message = folder.write();
    message.set_property_flags(tags::PR_BODY, PROPATTR_READABLE | PROPATTR_WRITEABLE).unwrap();
    message.delete_property(tags::PR_BODY).unwrap();
    message.save_changes().unwrap();
    assert!(folder.read().property(tags::PR_BODY).is_err());
}

#[test]
fn an_ansi_message_stays_one() {
    let page = CodePage::new(1251).unwrap();
    let builder = letter().ansi(page).set(tags::PR_MESSAGE_CODEPAGE, Value::Integer32(1251));
    let folder = Folder::new(&builder.to_bytes());
    let message = folder.write();
    message.set_property(tags::PR_SUBJECT, &text("\u{41F}\u{440}: \u{43E}")).unwrap();
    message.set_recipients(RecipientType::Cc, &[address("\u{416}", "z@example.org")]).unwrap();
    let attachment = message.create_attachment().unwrap();
    attachment.set_property(tags::PR_ATTACH_LONG_FILENAME, &text("\u{444}.txt")).unwrap();
    attachment.save_changes().unwrap();
    let attachment = message.create_attachment().unwrap();
    attachment.set_property(tags::PR_DISPLAY_NAME, &text("\u{444}")).unwrap();
    let inner = attachment.create_embedded_message().unwrap();
    inner.set_property(tags::PR_SUBJECT, &text("\u{43E}")).unwrap();
    inner.save_changes().unwrap();
    attachment.save_changes().unwrap();
    message.save_changes().unwrap();
    let read = folder.read();
    let inner = read.attachment(3).unwrap().embedded_message().unwrap();
    assert_eq!(inner.text(tags::PR_SUBJECT).as_deref(), Some("\u{43E}"));
    assert_eq!(read.text(tags::PR_SUBJECT).as_deref(), Some("\u{41F}\u{440}: \u{43E}"));
    assert_eq!(read.text(tags::PR_NORMALIZED_SUBJECT).as_deref(), Some("\u{43E}"));
    assert_eq!(read.text(tags::PR_DISPLAY_CC).as_deref(), Some("\u{416}"));
    let name = read.attachment(2).unwrap().text(tags::PR_ATTACH_LONG_FILENAME);
    assert_eq!(name.as_deref(), Some("\u{444}.txt"));
    let unicode: Vec<String> = tree(&folder.storage())
        .into_keys()
        .filter(|path| {
            path.ends_with("001F") && !path.starts_with("/__attach_version1.0_#00000001/__substg")
        })
        .collect();
    assert_eq!(unicode, [""; 0]);
}

#[test]
fn attachments_are_created_overwritten_and_deleted() {
    let (folder, read) = saved(|message| {
        let (one, two) =
            (message.create_attachment().unwrap(), message.create_attachment().unwrap());
        assert_eq!((one.number().unwrap(), two.number().unwrap()), (2, 3));
        one.set_property(tags::PR_ATTACH_LONG_FILENAME, &text("one.txt")).unwrap();
        one.set_property(tags::PR_ATTACH_DATA_BIN, &Value::Binary(b"one".to_vec())).unwrap();
        assert_eq!(message.attachments().unwrap(), [0, 1], "not yet saved");
        one.save_changes().unwrap();
        assert_eq!(message.attachments().unwrap(), [0, 1, 2]);
        let source = Arc::new(Source::from_bytes(vec![9; 70_000]));
        two.set_property_source(tags::PR_ATTACH_DATA_BIN, source).unwrap();
        two.save_changes().unwrap();
        message.delete_attachment(1).unwrap();
        let outer = message.attachment(0).unwrap();
        outer.set_property(tags::PR_ATTACH_DATA_BIN, &Value::Binary(b"new".to_vec())).unwrap();
        outer.save_changes().unwrap();
    });
    assert_eq!(read.attachments().unwrap(), [0, 2, 3]);
    let data = |number| match read.attachment(number).unwrap().property(tags::PR_ATTACH_DATA_BIN) {
        Ok(Value::Binary(bytes)) => bytes,
        other => panic!("{other:?}"),
    };
    assert_eq!((data(0), data(2), data(3)), (b"new".to_vec(), b"one".to_vec(), vec![9; 70_000]));
    assert_eq!(read.attachment(3).unwrap().integer(tags::PR_ATTACH_NUM), Some(3));
    assert!(read.attachment(3).unwrap().integer(tags::PR_ATTACH_SIZE).unwrap() >= 70_000);
    assert_eq!(read.property(tags::PR_HASATTACH).unwrap(), Value::Boolean(true));
    assert_eq!(header(&folder), [0, 0, 2, 4, 2, 3, 0, 0]);
    let message = folder.write();
    let orphan = message.attachment(2).unwrap();
    for number in message.attachments().unwrap() {
        message.delete_attachment(number).unwrap();
    }
    orphan.set_property(tags::PR_DISPLAY_NAME, &text("gone")).unwrap();
    assert!(matches!(orphan.save_changes(), Err(Error::NoObject { .. })));
    message.save_changes().unwrap();
    assert_eq!(folder.read().property(tags::PR_HASATTACH).unwrap(), Value::Boolean(false));
    assert_eq!(header(&folder), [0, 0, 2, 0, 2, 0, 0, 0]);
}

#[test]
fn edits_of_an_embedded_message_go_outwards_save_by_save() {
    let (folder, read) = saved(|message| {
        let attachment = message.attachment(1).unwrap();
        let inner = attachment.embedded_message().unwrap();
        inner.set_property(tags::PR_SUBJECT, &text("RE: Deep")).unwrap();
        inner.set_recipients(RecipientType::To, &[]).unwrap();
        let file = inner.attachment(0).unwrap();
        file.set_property(tags::PR_ATTACH_DATA_BIN, &Value::Binary(b"deep".to_vec())).unwrap();
        file.save_changes().unwrap();
        inner.save_changes().unwrap();
        let seen = |message: &Message| {
            let inner = message.attachment(1).unwrap().embedded_message().unwrap();
            inner.text(tags::PR_SUBJECT).unwrap()
        };
        assert_eq!(seen(message), "Inner", "the attachment is not saved");
        attachment.save_changes().unwrap();
        assert_eq!(seen(message), "RE: Deep");
    });
    let inner = read.attachment(1).unwrap().embedded_message().unwrap();
    assert_eq!(inner.text(tags::PR_NORMALIZED_SUBJECT).as_deref(), Some("Deep"));
    assert!(inner.recipients().unwrap().is_empty());
    assert!(inner.property(tags::PR_DISPLAY_TO).is_err());
    let data = inner.attachment(0).unwrap().property(tags::PR_ATTACH_DATA_BIN).unwrap();
    assert_eq!(data, Value::Binary(b"deep".to_vec()));
    let path = "/__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0";
    let stream = &tree(&folder.storage())[path];
    assert_eq!(stream[8..24], [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn a_new_embedded_message_is_one() {
    let (_, read) = saved(|message| {
        let attachment = message.create_attachment().unwrap();
        let inner = attachment.create_embedded_message().unwrap();
        inner.set_property(tags::PR_SUBJECT, &text("Made")).unwrap();
        let name = PropertyName { set: PSETID_COMMON, kind: NameKind::Lid(0x8503) };
        let id = inner.property_id(&name, true).unwrap().unwrap();
        let tag = PropertyTag::new(id, PropertyType::BOOLEAN);
        inner.set_property(tag, &Value::Boolean(true)).unwrap();
        assert_eq!(inner.names().unwrap().name(tag), Some(&name));
        inner.save_changes().unwrap();
        let (out, lost) = inner.write_standalone(tempfile::tempfile().unwrap()).unwrap();
        assert_eq!(lost, []);
        let alone = msgfs::storage::CompoundFile::open(Source::from_file(out).unwrap().0).unwrap();
        let session = Session::open(SessionOptions::default());
        let alone = session.open_message(&alone.root(), Access::Read).unwrap();
        assert_eq!(alone.names().unwrap().name(tag), Some(&name));
        attachment.save_changes().unwrap();
    });
    let attachment = read.attachment(2).unwrap();
    assert_eq!(attachment.method().unwrap(), AttachMethod::EmbeddedMessage);
    let inner = attachment.embedded_message().unwrap();
    assert_eq!(inner.text(tags::PR_SUBJECT).as_deref(), Some("Made"));
    assert_eq!(inner.text(tags::PR_MESSAGE_CLASS).as_deref(), Some("IPM.Note"));
    assert_eq!(inner.defects().unwrap(), []);
}

#[test]
fn recipients_are_set_by_type_and_those_who_stay_keep_their_properties() {
    let extra = PropertyTag(0x5FFD_0003);
    let folder = Folder::new(
        &letter()
            .recipient(RecipientBuilder::to("Di", "di@example.org").set(extra, Value::Integer32(7)))
            .to_bytes(),
    );
    let message = folder.write();
    let to = [
        address("New", "new@example.org"),
        address("Diana", "DI@example.org"),
        address("", "x@y.z"),
    ];
    message.set_recipients(RecipientType::To, &to).unwrap();
    message.save_changes().unwrap();
    let read = folder.read();
    let shown = |wanted| {
        let found = Address::of_recipients(&read, wanted);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(RecipientType::To),
        ["New <new@example.org>", "Diana <di@example.org>", "x@y.z"]
    );
    assert_eq!(shown(RecipientType::Bcc), ["Cy <cy@example.org>"]);
    let recipients = read.recipients().unwrap();
    let numbers: Vec<_> = recipients.iter().map(|one| one.number().unwrap()).collect();
    let rows: Vec<_> = recipients.iter().map(|one| one.integer(tags::PR_ROWID)).collect();
    assert_eq!((numbers, rows), (vec![0, 1, 2, 3], [0, 1, 2, 3].map(Some).to_vec()));
    let diana = recipients.iter().find(|one| one.text(tags::PR_DISPLAY_NAME).unwrap() == "Diana");
    assert_eq!(diana.unwrap().integer(extra), Some(7));
    assert_eq!(read.text(tags::PR_DISPLAY_TO).as_deref(), Some("New; Diana; x@y.z"));
    assert_eq!(read.text(tags::PR_DISPLAY_BCC).as_deref(), Some("Cy"));
    assert_eq!(header(&folder)[2..6], [4, 2, 4, 2]);
}

#[test]
fn recipients_are_modified_one_by_one() {
    let (folder, read) = saved(|message| {
        message
            .modify_recipients(&[
                RecipientChange::Remove(0),
                RecipientChange::Modify {
                    number: 1,
                    set: vec![(tags::PR_DISPLAY_NAME, text("Cyd"))],
                    delete: vec![tags::PR_ENTRYID],
                },
                RecipientChange::Add(RecipientType::Cc, address("Ed", "ed@example.org")),
            ])
            .unwrap();
    });
    let recipients = read.recipients().unwrap();
    assert_eq!(recipients.len(), 2);
    assert_eq!(recipients[0].text(tags::PR_DISPLAY_NAME).as_deref(), Some("Cyd"));
    assert!(recipients[0].property(tags::PR_ENTRYID).is_err());
    assert_eq!(recipients[1].recipient_type(), RecipientType::Cc);
    assert!(read.property(tags::PR_DISPLAY_TO).is_err());
    assert_eq!(read.text(tags::PR_DISPLAY_CC).as_deref(), Some("Ed"));
    assert_eq!(header(&folder)[2..6], [2, 2, 2, 2]);
}

#[test]
fn there_are_2048_recipients_at_most() {
    let folder = Folder::new(&MessageBuilder::new("IPM.Note", "x").to_bytes());
    let message = folder.write();
    let many: Vec<_> =
        (0..2049).map(|number| address("", &format!("{number}@example.org"))).collect();
    let refused = message.set_recipients(RecipientType::To, &many).unwrap_err();
    assert_eq!(refused.to_string(), "more than 2048 recipients");
    message.set_recipients(RecipientType::To, &many[1..]).unwrap();
    message.save_changes().unwrap();
    assert_eq!(folder.read().recipients().unwrap().len(), 2048);
}

#[test]
fn names_are_registered_as_outlook_does() {
    let folder = Folder::new(
        &letter()
            .named(
                PSETID_COMMON,
                NameKind::Lid(0x8501),
                PropertyType::INTEGER32,
                Value::Integer32(15),
            )
            .to_bytes(),
    );
    let message = folder.write();
    let own = Guid::from_u128(0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF);
    let names = [
        (PSETID_COMMON, NameKind::Lid(0x8501)),
        (PSETID_COMMON, NameKind::Lid(0x8502)),
        (PS_PUBLIC_STRINGS, NameKind::Name("Keywords".into())),
        (PS_INTERNET_HEADERS, NameKind::Name("X-Mine".into())),
        (own, NameKind::Name("\u{E4}bc".into())),
        (own, NameKind::Lid(u32::MAX)),
    ]
    .map(|(set, kind)| PropertyName { set, kind });
    assert_eq!(message.property_id(&names[1], false).unwrap(), None);
    let ids: Vec<_> =
        names.iter().map(|name| message.property_id(name, true).unwrap().unwrap()).collect();
    assert_eq!(ids, [0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005]);
    let again = PropertyName { kind: NameKind::Name("x-mine".into()), ..names[3].clone() };
    assert_eq!(message.property_id(&again, true).unwrap(), Some(0x8003));
    for (id, name) in ids.iter().zip(&names) {
        message
            .set_property(PropertyTag::new(*id, PropertyType::INTEGER32), &Value::Integer32(1))
            .unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
    message.save_changes().unwrap();
    // The fixture's own map of the same names is the same in every stream.
    let mut expected = letter();
    for name in &names {
        expected = expected.named(
            name.set,
            name.kind.clone(),
            PropertyType::INTEGER32,
            Value::Integer32(1),
        );
    }
    let expected = Folder::new(&expected.to_bytes());
    let map = |folder: &Folder| {
        let tree = tree(&folder.storage()).into_iter();
        tree.filter(|(path, _)| path.starts_with("/__nameid")).collect::<Vec<_>>()
    };
    assert_eq!(map(&folder), map(&expected));
    assert_eq!(folder.read().names().unwrap().len(), 6);
    let long = PropertyName { set: own, kind: NameKind::Name("n".repeat(255)) };
    assert!(matches!(message.property_id(&long, true), Err(Error::TooMany { .. })));
}

#[test]
fn a_created_message_has_what_a_writer_must_emit() {
    let folder = Folder::new(b"");
    let target = FileTarget::new(folder.folder.path(), "new.msg");
    let message = folder.session.create_message(target).unwrap();
    let path = folder.folder.path().join("new.msg");
    assert!(message.is_unsaved() && !path.exists());
    message.set_property(tags::PR_SUBJECT, &text("FW: Made")).unwrap();
    message.set_property(tags::PR_BODY, &text("Text\r\n")).unwrap();
    message.set_recipients(RecipientType::To, &[address("Bob", "bob@example.org")]).unwrap();
    let attachment = message.create_attachment().unwrap();
    attachment.set_property(tags::PR_ATTACH_LONG_FILENAME, &text("a.txt")).unwrap();
    attachment.set_property(tags::PR_ATTACH_DATA_BIN, &Value::Binary(b"hi".to_vec())).unwrap();
    attachment.save_changes().unwrap();
    message.save_changes().unwrap();
    let file = open(&path);
    assert_eq!((file.version(), file.root().clsid()), (3, MESSAGE_CLSID));
    let read = folder.session.open_message(&file.root(), Access::Read).unwrap();
    assert_eq!((read.defects().unwrap(), read.value_defects().unwrap()), (vec![], vec![]));
    assert_eq!(read.text(tags::PR_NORMALIZED_SUBJECT).as_deref(), Some("Made"));
    assert_eq!(read.text(tags::PR_DISPLAY_TO).as_deref(), Some("Bob"));
    assert_eq!(read.integer(tags::PR_STORE_SUPPORT_MASK), Some(0x0004_0E79));
    assert_eq!(read.integer(tags::PR_MESSAGE_FLAGS), Some(0x19));
    let tree = tree(&file.root());
    for stream in ["00020102", "00030102", "00040102"] {
        assert!(tree[&format!("/__nameid_version1.0/__substg1.0_{stream}")].is_empty());
    }
    let properties = &tree["/__properties_version1.0"];
    assert_eq!(properties[8..24], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    let recipient = &read.recipients().unwrap()[0];
    assert_eq!(recipient.integer(tags::PR_OBJECT_TYPE), Some(6));
    assert_eq!(
        recipient.property(tags::PR_SEARCH_KEY).unwrap(),
        Value::Binary(b"SMTP:BOB@EXAMPLE.ORG\0".to_vec())
    );
    assert_eq!(
        recipient.property(tags::PR_ENTRYID).unwrap(),
        Value::Binary(crate::fixture::one_off_entry_id("Bob", "bob@example.org"))
    );
    assert_eq!(read.attachment(0).unwrap().integer(tags::PR_OBJECT_TYPE), Some(7));
}

#[test]
fn the_whole_content_is_replaced() {
    let other = letter().named(
        PSETID_COMMON,
        NameKind::Lid(0x8501),
        PropertyType::INTEGER32,
        Value::Integer32(15),
    );
    let other = Folder::new(&other.to_bytes());
    let folder = Folder::new(&MessageBuilder::new("IPM.Note", "Here").to_bytes());
    let message = folder.write();
    message.copy_from(&other.storage()).unwrap();
    message.save_changes().unwrap();
    let read = folder.read();
    assert_eq!(read.text(tags::PR_SUBJECT).as_deref(), Some("RE: Outer"));
    assert_eq!((read.recipients().unwrap().len(), read.attachments().unwrap().len()), (2, 2));
    // An embedded message becomes a whole one too.
    let inner = other.read().attachment(1).unwrap().embedded_message().unwrap().storage().unwrap();
    message.copy_from(&inner).unwrap();
    message.save_changes().unwrap();
    let read = folder.read();
    assert_eq!(read.text(tags::PR_SUBJECT).as_deref(), Some("Inner"));
    assert_eq!((read.defects().unwrap(), read.storage().unwrap().clsid()), (vec![], MESSAGE_CLSID));
    assert_eq!(header(&folder), [0, 0, 1, 1, 1, 1, 0, 0]);
    assert!(
        read.names()
            .unwrap()
            .id(&PropertyName { set: PSETID_COMMON, kind: NameKind::Lid(0x8501) })
            .is_some()
    );
}

#[test]
fn foreign_storages_and_streams_stay() {
    let mut bytes = letter().to_tree();
    let mut foreign = Tree::default();
    foreign.clsid = Guid::from_u128(77);
    foreign.put("\u{1}deep", [1, 2, 3]);
    bytes.put_storage("Foreign", foreign);
    bytes.put("\u{5}SummaryInformation", vec![5; 5000]);
    bytes.put("__substg1.0_66A1001F", *b"o\0r\0p\0h\0a\0n\0");
    let folder = Folder::new(&bytes.to_bytes_v4());
    let before = tree(&folder.storage());
    let message = folder.write();
    message.set_property(tags::PR_SUBJECT, &text("New")).unwrap();
    message.save_changes().unwrap();
    let after = tree(&folder.storage());
    assert_eq!(open(&folder.path()).version(), 3);
    for path in
        ["/Foreign", "/Foreign/\u{1}deep", "/\u{5}SummaryInformation", "/__substg1.0_66A1001F"]
    {
        assert_eq!(before[path], after[path], "{path}");
    }
    // An orphan that is set is none any more.
    message.set_property(PropertyTag(0x66A1_001F), &text("listed")).unwrap();
    message.save_changes().unwrap();
    let set = folder.read().property_set().unwrap().0;
    assert_eq!(set.get(PropertyTag(0x66A1_001F)).unwrap().flags, Some(6));
}

#[test]
fn owner_mode_and_extended_attributes_of_the_file_stay() {
    let folder = Folder::new(&letter().to_bytes());
    let path = folder.path();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    // Only root may give a file away.
    let given = std::os::unix::fs::chown(&path, Some(12_345), Some(54_321)).is_ok();
    let flags = rustix::fs::XattrFlags::empty();
    let has_attributes = rustix::fs::setxattr(&path, "user.mine", b"kept", flags).is_ok();
    if !has_attributes {
        println!("SKIPPED: no extended attributes on the file system of {}", path.display());
    }
    let before = std::fs::metadata(&path).unwrap();
    let message = folder.write();
    message.set_property(tags::PR_SUBJECT, &text("New")).unwrap();
    message.save_changes().unwrap();
    let after = std::fs::metadata(&path).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!(
        (before.mode(), before.uid(), before.gid()),
        (after.mode(), after.uid(), after.gid())
    );
    assert!(!given || (after.uid(), after.gid()) == (12_345, 54_321));
    if has_attributes {
        let mut value = [0; 16];
        let len = rustix::fs::getxattr(&path, "user.mine", &mut value[..]).unwrap();
        assert_eq!(&value[..len], b"kept");
    }
}

#[test]
fn an_edit_mends_a_header_of_the_wrong_length() {
    let folder = Folder::new(&letter().header_len(24).to_bytes());
    let message = folder.write();
    assert_eq!(message.notes().unwrap().len(), 1);
    message.set_property(tags::PR_SUBJECT, &text("Other")).unwrap();
    assert_eq!(
        message.property(tags::PR_CLIENT_SUBMIT_TIME).unwrap(),
        folder.read().property(tags::PR_CLIENT_SUBMIT_TIME).unwrap()
    );
    message.save_changes().unwrap();
    let read = folder.read();
    assert_eq!((read.notes().unwrap(), read.defects().unwrap()), (Vec::new(), Vec::new()));
    assert_eq!(read.property(tags::PR_SUBJECT).unwrap(), text("Other"));
    assert_eq!(header(&folder)[2..6], [2, 2, 2, 2]);
}

#[test]
fn without_the_mask_strings_are_stored_as_unicode() {
    let bytes = MessageBuilder::empty().integer(tags::PR_STORE_SUPPORT_MASK, 0).to_bytes();
    let folder = Folder::new(&bytes);
    let message = folder.write();
    message.delete_property(tags::PR_STORE_SUPPORT_MASK).unwrap();
    message.set_property(tags::PR_SUBJECT, &text("\u{65E5}\u{672C}")).unwrap();
    message.save_changes().unwrap();
    let (set, _) = folder.read().property_set().unwrap();
    assert!(set.get(tags::PR_SUBJECT).is_some());
    assert_eq!(folder.read().text(tags::PR_SUBJECT).as_deref(), Some("\u{65E5}\u{672C}"));
}
