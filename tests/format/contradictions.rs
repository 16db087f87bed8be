//! Values that contradict their own entry, their chain of sectors or what is known of them: what is
//! still read, and the line in `ERRORS`.

use msgfs::imsg::{Error, MapiProp as _};
use msgfs::mapi::{PropertyTag, PropertyType, Value, tags};
use msgfs::storage::{CompoundFile, Source, Transaction};

use super::damage::{check, message};
use super::{errors, file, open, tree};
use crate::fixture::{
    AttachmentBuilder, Entry, MessageBuilder, PROPERTY_STREAM, RecipientBuilder, Sectors, Tree,
    stream_name,
};

/// Overwrites the value in the entry of a property: the size of a stream, for example.
fn set_entry(list: &mut [u8], tag: PropertyTag, value: u32) {
    let entry = list.windows(4).position(|bytes| bytes == tag.0.to_le_bytes()).unwrap();
    list[entry + 8..entry + 12].copy_from_slice(&value.to_le_bytes());
}

/// A value as stored, and the sizes that its entry may state; any other is told.
fn check_sizes(tag: u32, stored: &[u8], fitting: &[u32], told: &[u32]) {
    let tag = PropertyTag(tag);
    let message = message().stored(tag, stored);
    let len = stored.len();
    for (size, is_told) in
        fitting.iter().map(|size| (size, false)).chain(told.iter().map(|size| (size, true)))
    {
        let expected = format!("/{tag}: the entry says {size} bytes, found {len}");
        let expected: &[&str] = if is_told { &[&expected] } else { &[] };
        check(&message, |tree| set_entry(tree.stream(PROPERTY_STREAM), tag, *size), expected);
    }
}

#[test]
fn a_size_may_differ_by_the_nul_of_a_string_only() {
    check_sizes(0x6600_0102, &[7; 8], &[0, 8], &[4, 7, 9, 10]);
    check_sizes(0x6600_0048, &[7; 16], &[0, 16], &[8, 17]);
    check_sizes(0x6600_001E, b"a letter", &[0, 7, 8, 9], &[4, 6, 10]);
    // Of a string of 16-bit characters, an odd number of bytes is no size.
    check_sizes(0x6600_001F, b"a\0b\0c\0d\0", &[0, 1, 5, 6, 8, 10], &[2, 4, 12]);
}

#[test]
fn an_attachment_that_lacks_two_bytes_is_partial() {
    let attachment = "__attach_version1.0_#00000001";
    let tag = tags::PR_ATTACH_DATA_BIN;
    let message = message().attach(AttachmentBuilder::file("b.bin", vec![7; 1_000]));
    let list = format!("{attachment}/{PROPERTY_STREAM}");
    let told = |size: u32| format!("/{attachment}/{tag}: the entry says {size} bytes, found 1000");
    let bytes = check(&message, |tree| set_entry(tree.stream(&list), tag, 1002), &[&told(1002)]);
    assert_eq!(file(bytes, "attachments/b.bin.partial").map(|bytes| bytes.len()), Some(1000));
    // Of one that is too long, all bytes are there.
    let bytes = check(&message, |tree| set_entry(tree.stream(&list), tag, 900), &[&told(900)]);
    assert_eq!(file(bytes, "attachments/b.bin").map(|bytes| bytes.len()), Some(1000));
}

#[test]
fn one_of_many_values_has_its_listed_size() {
    let tag = PropertyTag(0x6600_1102);
    let message = message().set(tag, Value::Multiple(vec![Value::Binary(vec![7; 8])]));
    for (listed, is_told) in [(8, false), (9, true), (10, true), (7, true)] {
        let expected = format!("/{tag}: value 0: {listed} bytes listed, found 8");
        let expected: &[&str] = if is_told { &[&expected] } else { &[] };
        check(&message, |tree| tree.stream(&stream_name(tag))[0] = listed, expected);
    }
}

/// A message with a body of so many bytes, and no parts.
fn long(bytes: usize) -> MessageBuilder {
    MessageBuilder::new("IPM.Note", "Sound").body(&"text".repeat(bytes / 8))
}

/// A message with another length of a stream in the directory.
fn shortened(message: Vec<u8>, stream: &str, len: u32) -> Vec<u8> {
    let mut sectors = Sectors::new(message);
    sectors.set_len(stream, len);
    sectors.bytes
}

fn is_editable(bytes: Vec<u8>) -> bool {
    let file = CompoundFile::open(Source::from_bytes(bytes)).unwrap();
    Transaction::on(&file.root()).is_ok()
}

#[test]
fn a_chain_that_goes_on_is_told() {
    let body = stream_name(tags::PR_BODY);
    let message = long(9_000).set(tags::PR_IMPORTANCE, Value::Integer32(2));
    assert!(is_editable(message.to_bytes()));
    let goes_on = |stream: &str, len| {
        format!("stream \"/{stream}\": the chain of sectors goes on after its {len} bytes")
    };
    // This entry says nothing, so that only the chain tells.
    let mut tree = message.to_tree();
    set_entry(tree.stream(PROPERTY_STREAM), tags::PR_BODY, 0);
    let bytes = shortened(tree.to_bytes(), &body, 8_000);
    assert_eq!(errors(bytes.clone()), [format!("/{}: {}", tags::PR_BODY, goes_on(&body, 8000))]);
    assert!(!is_editable(bytes));

    // What the property stream lists behind its new end is nowhere else.
    let bytes = shortened(message.to_bytes(), PROPERTY_STREAM, 48);
    let cause = goes_on(PROPERTY_STREAM, 48);
    assert_eq!(errors(bytes.clone()), [format!("/{PROPERTY_STREAM}: {cause}")]);
    assert_eq!(file(bytes.clone(), "subject").as_deref(), Some("Sound\n"));
    assert!(!is_editable(bytes));
}

#[test]
fn a_chain_that_goes_on_in_another_one_is_told() {
    let data = |byte| AttachmentBuilder::file("a.bin", vec![byte; 6_000]);
    let message = long(9_000).attach(data(1));
    let mut sectors = Sectors::new(message.to_bytes());
    let attachment = sectors.first(&stream_name(tags::PR_ATTACH_DATA_BIN));
    let body = sectors.first(&stream_name(tags::PR_BODY));
    sectors.set_next(attachment + 2, body);
    let lines = errors(sectors.bytes);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("goes on after its 6000 bytes"), "{lines:?}");
}

#[test]
fn a_recipient_whose_type_is_unknown_is_told() {
    let kind = tags::PR_RECIPIENT_TYPE;
    let bcc = || RecipientBuilder::bcc("Cy", "cy@example.org");
    let place = format!("/__recip_version1.0_#00000000/{kind}");
    let check = |recipient: RecipientBuilder, expected: &[&str]| {
        let bytes = MessageBuilder::new("IPM.Note", "Sound").recipient(recipient).to_bytes();
        assert_eq!(errors(bytes.clone()), expected);
        let notes = tree(bytes.clone()).check().notes;
        (file(bytes, "to"), notes.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let shown = Some("Cy <cy@example.org>\n".to_owned());
    let unknown = format!("{place}: 7 is no type of a recipient; it is taken for one of `to`");
    assert_eq!(check(bcc().set(kind, Value::Integer32(7)), &[&unknown]), (shown.clone(), vec![]));
    let missing =
        format!("{place}: the type of the recipient is missing; it is taken for one of `to`");
    assert_eq!(check(bcc().unset(kind), &[&missing]), (shown, vec![]));
    // The upper bits are flags.
    assert_eq!(check(bcc().set(kind, Value::Integer32(0x1000_0003)), &[]), (None, vec![]));
    let note = "an originator among the recipients is in none of `to`, `cc` and `bcc`";
    let originator = check(bcc().set(kind, Value::Integer32(0)), &[]);
    assert_eq!(originator, (None, vec![format!("{place}: {note}")]));
}

#[test]
fn a_text_of_nuls_only_is_told() {
    let told = |tag: u32, stored: &[u8], nuls: usize| {
        let tag = PropertyTag(tag);
        let expected = format!("/{tag}: a text of {nuls} NULs, and nothing else");
        let expected: &[&str] = if nuls > 1 { &[&expected] } else { &[] };
        check(&message().stored(tag, stored), |_| {}, expected);
    };
    told(0x6600_001F, &[0; 244], 122);
    told(0x6600_001F, &[0; 200_000], 100_000);
    told(0x6600_001E, &[0; 2], 2);
    // An empty string with its end mark.
    told(0x6600_001F, &[0; 2], 1);
    told(0x6600_001E, &[0; 1], 1);
    told(0x6600_001E, b"\0a", 0);
    told(0x6600_0102, &[0; 20], 0);
    let tag = PropertyTag(0x6600_101F);
    let message = message().set(tag, Value::Multiple(vec![Value::String("text".to_owned())]));
    let name = format!("{}-00000000", stream_name(tag));
    let expected = format!("/{tag}: value 0: a text of 5 NULs, and nothing else");
    check(&message, |tree| tree.stream(&name).fill(0), &[&expected]);
}

#[test]
fn an_embedded_message_with_the_method_of_something_else() {
    let inner = MessageBuilder::new("IPM.Note", "Inner").body("deep");
    let method = tags::PR_ATTACH_METHOD;
    let place = format!("/__attach_version1.0_#00000001/{method}");
    let check_method = |attachment: AttachmentBuilder, cause: &str| {
        let expected = format!("{place}: {cause}, the content is a message");
        let bytes = check(&message().attach(attachment), |_| {}, &[&expected]);
        let inner = file(bytes, "attachments/Inner.msg/body.txt");
        assert_eq!(inner.as_deref(), Some("deep"));
    };
    for wrong in [0, 1, 2, 6, 7] {
        let attachment = AttachmentBuilder::message(inner.clone());
        let attachment = attachment.set(method, Value::Integer32(wrong));
        check_method(attachment, &format!("the method is {wrong}"));
    }
    check_method(AttachmentBuilder::message(inner).unset(method), "the method is missing");
}

#[test]
fn a_known_value_of_a_wrong_type_is_told() {
    let mail = || {
        let sender = ("Ann", "ann@example.org");
        MessageBuilder::mail("Sound", sender, "2024-03-01T10:00:00Z")
    };
    let sent = tags::PR_CLIENT_SUBMIT_TIME;
    let wrong = sent.with_type(PropertyType::INTEGER16);
    let retype = |tree: &mut Tree| {
        let list = tree.stream(PROPERTY_STREAM);
        let entry = list.windows(4).position(|bytes| bytes == sent.0.to_le_bytes()).unwrap();
        list[entry..entry + 4].copy_from_slice(&wrong.0.to_le_bytes());
    };
    let expected = format!("/{wrong}: its type is PT_SHORT, not PT_SYSTIME");
    let bytes = check(&mail(), retype, &[&expected]);
    assert_eq!(file(bytes.clone(), "date"), None);
    let Err(Error::Damaged(defect)) = open(bytes).property(sent) else { panic!() };
    assert_eq!(defect.to_string(), expected);
    // With a value of the right type beside it, nothing is lost.
    let beside = |tree: &mut Tree| {
        let entry = Entry { tag: wrong, flags: 6, value: [1; 8] };
        tree.stream(PROPERTY_STREAM).extend(entry.to_bytes());
    };
    check(&mail(), beside, &[]);
    // Another property has the same id.
    let large = PropertyTag(0x0E08_0014);
    check(&message().set(large, Value::Integer64(1)), |_| {}, &[]);
}
