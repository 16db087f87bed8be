//! Damage in the structures of \[MS-OXMSG\]: what is still read, and the line in `ERRORS`.

use msgfs::body::compressed_rtf;
use msgfs::imsg::{Error, MapiProp as _, NameKind};
use msgfs::mapi::crc::crc;
use msgfs::mapi::sets::{PSETID_ADDRESS, PSETID_APPOINTMENT, PSETID_COMMON};
use msgfs::mapi::{PropertyTag, PropertyType, Value, tags};

use super::{errors, file, open, text, tree, value};
use crate::fixture::{
    AttachmentBuilder, Entry, MessageBuilder, PROPERTY_STREAM, RecipientBuilder, Tree, stream_name,
};

const ATTACHMENT: &str = "__attach_version1.0_#00000000";
const RECIPIENT: &str = "__recip_version1.0_#00000000";

/// A sound message with a recipient and an attachment.
pub(super) fn message() -> MessageBuilder {
    MessageBuilder::new("IPM.Note", "Sound")
        .recipient(RecipientBuilder::to("Ann", "ann@example.org"))
        .attach(AttachmentBuilder::file("a.txt", "data"))
}

/// Damages a message; checks the defects, and that the rest of it is read.
#[track_caller]
pub(super) fn check(
    message: &MessageBuilder,
    damage: impl FnOnce(&mut Tree),
    expected: &[&str],
) -> Vec<u8> {
    let mut tree = message.to_tree();
    damage(&mut tree);
    let bytes = tree.to_bytes();
    assert_eq!(errors(bytes.clone()), expected);
    assert_eq!(file(bytes.clone(), "subject").as_deref(), Some("Sound\n"));
    bytes
}

/// As [`check`] of [`message`], whose recipient and attachment are still read.
fn check_parts(damage: impl FnOnce(&mut Tree), expected: &[&str]) -> Vec<u8> {
    let bytes = check(&message(), damage, expected);
    assert_eq!(file(bytes.clone(), "to").as_deref(), Some("Ann <ann@example.org>\n"));
    assert_eq!(file(bytes.clone(), "attachments/a.txt").as_deref(), Some("data"));
    bytes
}

fn entry(tag: u32, value: u64) -> Vec<u8> {
    Entry { tag: PropertyTag(tag), flags: 6, value: value.to_le_bytes() }.to_bytes()
}

#[test]
fn a_sound_message_has_no_errors() {
    check_parts(|_| {}, &[]);
}

#[test]
fn counts_that_lie_do_not_matter() {
    for lie in [0_u32, 1, 7, u32::MAX] {
        check_parts(
            |tree| {
                let lies = lie.to_le_bytes().repeat(4);
                tree.stream(PROPERTY_STREAM)[8..24].copy_from_slice(&lies);
            },
            &[],
        );
    }
}

#[test]
fn reserved_bytes_of_the_header_do_not_matter() {
    check_parts(
        |tree| {
            let stream = tree.stream(PROPERTY_STREAM);
            stream[..8].fill(0xFF);
            stream[24..32].fill(0xFF);
        },
        &[],
    );
}

#[test]
fn a_tail_shorter_than_an_entry_does_not_matter() {
    for len in [1, 4, 15] {
        check_parts(
            |tree| {
                for storage in ["", ATTACHMENT, RECIPIENT] {
                    let path = format!("{storage}/{PROPERTY_STREAM}");
                    tree.stream(path.trim_start_matches('/')).extend(vec![0xAA; len]);
                }
            },
            &[],
        );
    }
}

#[test]
fn of_entries_that_repeat_a_tag_the_first_counts() {
    let bytes = check_parts(
        |tree| {
            let importance = tags::PR_IMPORTANCE.0;
            let again = [entry(importance, 2), entry(importance, 0)].concat();
            tree.stream(PROPERTY_STREAM).extend(again);
        },
        &["/__properties_version1.0: 2 entries repeat the tag of another one"],
    );
    assert_eq!(file(bytes, "importance").as_deref(), Some("normal\n"));
}

#[test]
fn a_stream_without_an_entry_is_a_property() {
    let tag = PropertyTag(0x6600_001F);
    let bytes = check_parts(|tree| tree.put(&stream_name(tag), *b"o\0r\0"), &[]);
    let message = open(bytes);
    assert_eq!(value(&message, tag), text("or"));
    let (set, _) = message.property_set().unwrap();
    assert_eq!(set.get(tag).unwrap().flags, None);
}

#[test]
fn values_of_many_without_an_entry_are_a_property() {
    let tag = PropertyTag::new(0x6600, PropertyType::MULTIPLE_STRING);
    let name = stream_name(tag);
    let bytes = check_parts(
        |tree| {
            tree.put(&format!("{name}-00000000"), *b"a\0\0\0");
            tree.put(&format!("{name}-00000001"), *b"b\0\0\0");
            tree.put(&name, [4, 0, 0, 0].repeat(2));
        },
        &[],
    );
    assert_eq!(value(&open(bytes), tag), Value::Multiple(vec![text("a"), text("b")]));
}

/// The order of recipients follows `PR_ROWID`. One that has only a stream of that name, and no entry
/// with the value, has none.
#[test]
fn a_stream_of_a_fixed_value_is_no_zero() {
    let row = tags::PR_ROWID;
    let message =
        ["Ann", "Bo", "Cy"].iter().fold(MessageBuilder::new("IPM.Note", "Sound"), |all, name| {
            all.recipient(RecipientBuilder::to(name, &format!("{name}@example.org")))
        });
    let recipient = "__recip_version1.0_#00000002";
    let damage = |tree: &mut Tree| {
        let list = tree.stream(&format!("{recipient}/{PROPERTY_STREAM}"));
        let entry = list.windows(4).position(|tag| tag == row.0.to_le_bytes()).unwrap();
        list[entry..entry + 4].copy_from_slice(&0x6600_0003_u32.to_le_bytes());
        tree.put(&format!("{recipient}/{}", stream_name(row)), [0; 4]);
    };
    let cause = format!("/{recipient}/{row}: a fixed-size value without an entry");
    let bytes = check(&message, damage, &[&cause]);
    let expected = "Ann <Ann@example.org>\nBo <Bo@example.org>\nCy <Cy@example.org>\n";
    assert_eq!(file(bytes, "to").as_deref(), Some(expected));
}

#[test]
fn a_fixed_value_in_a_stream_has_no_meaning() {
    let tag = PropertyTag(0x6600_0003);
    let bytes = check_parts(
        |tree| tree.put(&stream_name(tag), [1, 0, 0, 0]),
        &["/0x66000003: a fixed-size value without an entry"],
    );
    let Error::Damaged(defect) = open(bytes).property(tag).unwrap_err() else { panic!() };
    assert_eq!(defect.place, "/0x66000003");
}

#[test]
fn an_entry_without_its_stream() {
    let lost = |tag: PropertyTag, value| {
        let message = message().set(tag, value);
        let expected = format!("/{tag}: an entry without its stream");
        let bytes = check(&message, |tree| tree.remove(&stream_name(tag)), &[&expected]);
        assert!(matches!(open(bytes).property(tag), Err(Error::Damaged(_))));
    };
    lost(PropertyTag(0x6600_001F), text("x"));
    lost(PropertyTag(0x6600_001E), text("x"));
    lost(PropertyTag(0x6600_0102), Value::Binary(vec![1]));
    lost(PropertyTag(0x6600_0048), Value::Guid(Default::default()));
    lost(PropertyTag(0x6600_1003), Value::Multiple(vec![Value::Integer32(1)]));
}

#[test]
fn an_entry_that_says_empty_needs_no_stream() {
    let empty = |tag: PropertyTag, value: Value| {
        let message = message().set(tag, value.clone());
        let bytes = check(&message, |tree| tree.remove(&stream_name(tag)), &[]);
        assert_eq!(super::value(&open(bytes), tag), value);
    };
    empty(PropertyTag(0x6600_001F), text(""));
    empty(PropertyTag(0x6600_001E), text(""));
    empty(PropertyTag(0x6600_0102), Value::Binary(vec![]));
    empty(PropertyTag(0x6600_1003), Value::Multiple(vec![]));
    empty(PropertyTag(0x6600_101F), Value::Multiple(vec![]));
}

#[test]
fn sizes_in_entries_do_not_count() {
    // 43 of 16,900 strings measured have a size that is off by their NUL.
    let tag = PropertyTag(0x6600_001F);
    for size in [0_u64, 1, 3, 4, u64::MAX] {
        let bytes = check_parts(
            |tree| {
                tree.stream(PROPERTY_STREAM).extend(entry(tag.0, size));
                tree.put(&stream_name(tag), *b"a\0b\0");
            },
            &[],
        );
        assert_eq!(value(&open(bytes), tag), text("ab"));
    }
}

#[test]
fn a_stream_that_is_shorter_than_its_entry_says() {
    let data = AttachmentBuilder::file("b.bin", vec![7; 1_000]);
    let bytes = check(
        &message().attach(data),
        |tree| {
            let place = "__attach_version1.0_#00000001";
            tree.stream(&format!("{place}/{}", stream_name(tags::PR_ATTACH_DATA_BIN)))
                .truncate(900);
        },
        &["/__attach_version1.0_#00000001/0x37010102: the entry says 1000 bytes, found 900"],
    );
    let found = file(bytes.clone(), "attachments/b.bin.partial").unwrap();
    assert_eq!(found.len(), 900);
    let mail = outlook_msg::Mail::from_bytes(bytes).unwrap();
    assert!(mail.attachments().unwrap()[1].read().is_err());
}

#[test]
fn a_value_of_many_that_is_shorter_than_its_list_says() {
    let tag = PropertyTag(0x6600_101F);
    let values = ["one of them", "two"].map(text).to_vec();
    let bytes = check(
        &message().set(tag, Value::Multiple(values)),
        |tree| tree.stream(&format!("{}-00000000", stream_name(tag))).truncate(6),
        &["/0x6600101F: value 0: 24 bytes listed, found 6"],
    );
    let found = open(bytes).salvage(tag).unwrap().value;
    assert_eq!(found, Some(Value::Multiple(vec![text("one"), text("two")])));
}

#[test]
fn a_part_of_a_damaged_name_is_told() {
    let (old, new) = ("__attach_version1.0_#00000000", "__at\u{2019}ach_version1.0_#00000000");
    let cause = "a storage with properties, and a name that is none of a part; it is not read";
    let bytes = check(
        &message(),
        |tree| tree.rename(old, new),
        &[&format!("/__at\u{2019}ach_version1.0_#00000000: {cause}")],
    );
    let notes = tree(bytes).check().notes;
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["/: the header counts 1 attachments, 0 are there"]);
}

#[test]
fn lengths_that_do_not_fit_the_type() {
    let odd = |tag: u32, stored: &[u8], cause: &str, expected: Value| {
        let tag = PropertyTag(tag);
        let message = message().stored(tag, stored);
        let bytes = check(&message, |_| {}, &[&format!("/{tag}: {cause}")]);
        let salvaged = open(bytes).salvage(tag).unwrap();
        assert_eq!(salvaged.value, Some(expected));
        assert_eq!(salvaged.defect.unwrap().cause, cause);
    };
    odd(0x6600_001F, b"a\0b", "PT_UNICODE of odd length 3", text("a"));
    odd(0x6600_0048, b"short", "PT_CLSID needs 16 bytes, found 5", Value::Binary(b"short".into()));
    let numbers = Value::Multiple(vec![Value::Integer32(1), Value::Integer32(2)]);
    let stored = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0];
    odd(0x6600_1003, &stored, "PT_MV_LONG of 10 bytes is not a multiple of 4", numbers);
    let cause = "PT_MV_CLSID of 15 bytes is not a multiple of 16";
    odd(0x6600_1048, &[0; 15], cause, Value::Multiple(vec![]));
}

#[test]
fn a_nul_that_makes_a_length_odd_loses_nothing() {
    let tag = PropertyTag(0x6600_001F);
    let bytes = check(&message().stored(tag, *b"a\0\0"), |_| {}, &[]);
    assert_eq!(value(&open(bytes), tag), text("a"));
}

#[test]
fn values_of_many_that_are_missing() {
    let tag = PropertyTag::new(0x6600, PropertyType::MULTIPLE_BINARY);
    let name = stream_name(tag);
    let binary = |byte| Value::Binary(vec![byte]);
    let message = message().set(tag, Value::Multiple((1..=3).map(binary).collect()));
    let salvage = |bytes| open(bytes).salvage(tag).unwrap().value;

    let expected = "/0x66001102: 3 values listed, 2 found";
    let bytes = check(&message, |tree| tree.remove(&format!("{name}-00000001")), &[expected]);
    assert_eq!(salvage(bytes), Some(Value::Multiple(vec![binary(1), binary(3)])));

    let expected = "/0x66001102: 1 values listed, 3 found";
    let bytes = check(&message, |tree| tree.stream(&name).truncate(8), &[expected]);
    assert_eq!(salvage(bytes), Some(Value::Multiple((1..=3).map(binary).collect())));

    // Without the lengths the values say all there is to say.
    let bytes = check(&message, |tree| tree.remove(&name), &[]);
    assert_eq!(salvage(bytes), Some(Value::Multiple((1..=3).map(binary).collect())));

    // Of a list that is not empty, something must be there.
    let expected = "/0x66001102: an entry without its stream";
    let remove = |tree: &mut Tree| {
        tree.remove(&name);
        (0..3).for_each(|index| tree.remove(&format!("{name}-0000000{index}")));
    };
    check(&message, remove, &[expected]);
}

#[test]
fn a_type_that_is_none() {
    let tag = PropertyTag(0x6600_0103);
    let bytes = check_parts(
        |tree| tree.stream(PROPERTY_STREAM).extend(entry(tag.0, 0x0807_0605_0403_0201)),
        &["/0x66000103: type 0x0103 is none that a message can store"],
    );
    let salvaged = open(bytes).salvage(tag).unwrap();
    assert_eq!(salvaged.value, Some(Value::Binary((1..=8).collect())));
}

#[test]
fn property_streams_that_are_missing_or_cut() {
    let missing = |storage: &str| format!("/{storage}: no stream __properties_version1.0");
    let path = |storage: &str| format!("{storage}/{PROPERTY_STREAM}");
    check_parts(|tree| tree.remove(PROPERTY_STREAM), &["/: no stream __properties_version1.0"]);
    // Strings have streams of their own, so that names and addresses are still read.
    check_parts(|tree| tree.remove(&path(RECIPIENT)), &[&missing(RECIPIENT)]);
    check_parts(|tree| tree.remove(&path(ATTACHMENT)), &[&missing(ATTACHMENT)]);
    for (storage, header) in [("", 32), (RECIPIENT, 8), (ATTACHMENT, 8)] {
        let path = path(storage);
        let path = path.trim_start_matches('/');
        let expected = format!("/{path}: a header of {header} bytes, found 7");
        check_parts(|tree| tree.stream(path).truncate(7), &[&expected]);
    }
}

#[test]
fn names_of_streams_in_small_letters() {
    let tag = PropertyTag(0x66AB_001F);
    let message = message().set(tag, text("x"));
    let bytes = check(
        &message,
        |tree| {
            tree.rename(&stream_name(tag), "__SUBSTG1.0_66ab001f");
            tree.rename(ATTACHMENT, "__ATTACH_version1.0_#00000000");
        },
        &[],
    );
    assert_eq!(value(&open(bytes.clone()), tag), text("x"));
    assert_eq!(file(bytes, "attachments/a.txt").as_deref(), Some("data"));
}

#[test]
fn foreign_streams_and_storages_are_kept_under_raw() {
    let bytes = check_parts(
        |tree| {
            tree.put("\u{5}SummaryInformation", *b"info");
            tree.put("__substg", *b"x");
            tree.put_storage("MsoDataStore", Tree::default());
        },
        &[],
    );
    assert_eq!(file(bytes.clone(), "raw/__substg").as_deref(), Some("x"));
    assert_eq!(file(bytes, "raw/_SummaryInformation").as_deref(), Some("info"));
}

#[test]
fn entries_of_the_wrong_kind_are_told() {
    let subject = stream_name(tags::PR_BODY);
    check_parts(
        |tree| tree.put_storage(&subject, Tree::default()),
        &[&format!("/{subject}: a storage where a stream is expected; it is not read")],
    );
    let object = stream_name(tags::PR_ATTACH_DATA_OBJ);
    check_parts(
        |tree| tree.put(&object, "x"),
        &[&format!("/{object}: a stream where a storage is expected; it is not read")],
    );
    check_parts(
        |tree| tree.put("__attach_version1.0_#00000001", "x"),
        &["/__attach_version1.0_#00000001: a stream where a storage is expected; it is not read"],
    );
}

#[test]
fn names_that_are_damaged_are_told() {
    for (name, cause) in [
        ("__substg1.0_zzzz001F", "a name that is none of a property"),
        ("__SUBSTG1.0_00370", "a name that is none of a property"),
        ("__recip_version1.0_#x", "a name without a number"),
        ("__attach_version1.0_#0000000G", "a name without a number"),
    ] {
        let told = format!("/{name}: {cause}; it is not read");
        let bytes = check_parts(|tree| tree.put(name, *b"x"), &[&told]);
        assert_eq!(file(bytes, &format!("raw/{name}")).as_deref(), Some("x"));
    }
}

#[test]
fn a_second_entry_of_one_name_is_told() {
    let two = message().attach(AttachmentBuilder::file("b.txt", "more"));
    let name = |digit: char| format!("__attach_version1.0_#0000000{digit}");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut bytes = two.to_bytes();
    let (old, new) = (utf16(&name('1')), utf16(&name('0')));
    let at = bytes.windows(old.len()).position(|part| part == old).unwrap();
    bytes[at..at + old.len()].copy_from_slice(&new);
    let told = format!("/{}: a second entry of this name; it is not read", name('0'));
    assert_eq!(errors(bytes.clone()), [told]);
    assert_eq!(file(bytes, "attachments/a.txt").as_deref(), Some("data"));
}

#[test]
fn an_ole_object_that_is_not_in_its_attachment() {
    let ole = AttachmentBuilder::ole("Drawing", Tree::default());
    let bytes = check(
        &MessageBuilder::new("IPM.Note", "Sound").attach(ole),
        |tree| tree.remove(&format!("{ATTACHMENT}/{}", stream_name(tags::PR_ATTACH_DATA_OBJ))),
        &[
            &format!("/{ATTACHMENT}/0x3701000D: an entry without its storage"),
            &format!("/{ATTACHMENT}: no storage of PR_ATTACH_DATA_OBJ"),
        ],
    );
    // All that can be read of it is nothing.
    assert_eq!(file(bytes.clone(), "attachments/Drawing.ole.partial").as_deref(), Some(""));
    let mail = outlook_msg::Mail::from_bytes(bytes).unwrap();
    assert!(mail.attachments().unwrap()[0].read().is_err());
}

#[test]
fn structures_inside_of_values_are_told_if_they_are_cut() {
    let cut = |set, lid, bytes: &[u8]| {
        let value = Value::Binary(bytes.to_vec());
        let kind = NameKind::Lid(lid);
        let message = message().named(set, kind, PropertyType::BINARY, value);
        let lines = errors(message.to_bytes());
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    };
    let list = cut(PSETID_ADDRESS, 0x8064, &[9; 40]);
    assert!(list.ends_with("the end of the list is missing, and members with it"), "{list}");
    let votes = cut(PSETID_COMMON, 0x8520, &[2, 1, 3]);
    assert!(votes.ends_with("the answers to vote with cannot be read"), "{votes}");
    for lid in [0x8233, 0x825E, 0x825F, 0x8260] {
        let zone = cut(PSETID_APPOINTMENT, lid, &[2, 1, 3]);
        assert!(zone.ends_with("the time zone cannot be read"), "{zone}");
    }
    let entries = Value::Binary(vec![1, 0, 0, 0, 80, 0, 0, 0, 60, 0, 0, 0, 1, 2]);
    let lines = errors(message().set(tags::PR_REPLY_RECIPIENT_ENTRIES, entries).to_bytes());
    let cause = "the end of the list is missing, and addresses of `reply-to` with it";
    assert_eq!(lines, [format!("/{}: {cause}", tags::PR_REPLY_RECIPIENT_ENTRIES)]);
}

#[test]
fn a_message_that_is_not_in_its_attachment() {
    let inner = MessageBuilder::new("IPM.Note", "Inner");
    let message = message().attach(AttachmentBuilder::message(inner));
    let attachment = "__attach_version1.0_#00000001";
    check(
        &message,
        |tree| tree.remove(&format!("{attachment}/__substg1.0_3701000D")),
        &[
            "/__attach_version1.0_#00000001/0x3701000D: an entry without its storage",
            "/__attach_version1.0_#00000001: no storage of PR_ATTACH_DATA_OBJ",
        ],
    );
    let place = "/__attach_version1.0_#00000001/__substg1.0_3701000D";
    check(
        &message,
        |tree| tree.put_storage(&place[1..], Tree::default()),
        &[&format!("{place}: a storage without message properties")],
    );
}

#[test]
fn damage_in_an_embedded_message_is_told_there() {
    let inner = MessageBuilder::new("IPM.Note", "Inner").body("text");
    let message = message().attach(AttachmentBuilder::message(inner));
    let body = "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001F";
    let bytes = check(&message, |tree| tree.remove(body), &[]);
    let expected = "/__attach_version1.0_#00000001/__substg1.0_3701000D/0x1000001F: \
                    an entry without its stream\n";
    assert_eq!(file(bytes, "attachments/Inner.msg/ERRORS").as_deref(), Some(expected));
}

#[test]
fn compressed_rtf_that_is_damaged() {
    let tag = tags::PR_RTF_COMPRESSED;
    let sound = compressed_rtf::compress(b"{\\rtf1\\ansi Hello, hello, hello!\\par}");
    let check_rtf = |stored: Vec<u8>, cause: &str| {
        let message = message().stored(tag, stored);
        check(&message, |_| {}, &[&format!("/0x10090102: compressed rtf: {cause}")])
    };
    check(&message().stored(tag, sound.clone()), |_| {}, &[]);
    let mut flipped = sound.clone();
    flipped[20] ^= 0xFF;
    let sums = [crc_of(&sound), crc_of(&flipped)];
    check_rtf(
        flipped,
        &format!("checksum of the payload is {:08X}, the header says {:08X}", sums[1], sums[0]),
    );
    check_rtf(sound[..10].to_vec(), "the header needs 16 bytes, found 10");
    // The checksum is right, but less comes out than the header says, although its end mark is there.
    let mut more = sound.clone();
    more[4] += 4;
    check_rtf(more, "ends early, expected 41 bytes, found 37");
    let mut unknown = sound;
    unknown[8..12].copy_from_slice(b"ABCD");
    check_rtf(unknown, "type at byte 8 is neither LZFu nor MELA, found 0x44434241");
}

/// The checksum of a compressed stream's payload.
fn crc_of(stream: &[u8]) -> u32 {
    crc(&stream[16..])
}

/// Of an attachment without content its size tells whether there was one.
#[test]
fn an_attachment_without_its_content_is_told() {
    let message = |size: i32| {
        let file = AttachmentBuilder::file("plan.pdf", vec![9; 100])
            .set(tags::PR_ATTACH_SIZE, Value::Integer32(size));
        message().attach(file.unset(tags::PR_ATTACH_DATA_BIN))
    };
    let place = "/__attach_version1.0_#00000001/0x37010102";
    let cause = format!("{place}: the content is missing; PR_ATTACH_SIZE is 50000");
    let bytes = check(&message(50_000), |_| {}, &[&cause]);
    assert_eq!(file(bytes, "attachments/plan.pdf.partial").as_deref(), Some(""));
    let bytes = check(&message(300), |_| {}, &[]);
    let notes = tree(bytes).check().notes;
    assert!(notes.iter().any(|note| note.text.contains("no content")), "{notes:?}");
}
