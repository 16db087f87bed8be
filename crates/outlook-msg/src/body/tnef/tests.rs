//! Builds TNEF streams and reads them.

use super::{Error, IID_MESSAGE, Message, TnefContent, is_tnef, read};
use crate::body::mutations::mutations;
use crate::mapi::{PropertyTag, Value, tags};

/// Writes a stream of attributes.
struct Stream(Vec<u8>);

impl Stream {
    fn new() -> Self {
        Self([0x223E_9F78_u32.to_le_bytes().as_slice(), &[1, 0]].concat())
    }

    fn attribute(mut self, level: u8, id: u32, data: &[u8]) -> Self {
        self.0.push(level);
        self.0.extend(id.to_le_bytes());
        self.0.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        self.0.extend(data);
        let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        self.0.extend(sum.to_le_bytes());
        self
    }

    fn code_page(self, number: u32) -> Self {
        self.attribute(1, 0x0006_9007, &[number.to_le_bytes(), [0; 4]].concat())
    }

    fn properties(self, properties: &[Vec<u8>]) -> Self {
        self.attribute(1, 0x0006_9003, &block(properties))
    }

    fn attachment(self, title: &[u8], data: &[u8], properties: &[Vec<u8>]) -> Self {
        self.attribute(2, 0x0006_9002, &[0; 14])
            .attribute(2, 0x0001_8010, title)
            .attribute(2, 0x0006_800F, data)
            .attribute(2, 0x0006_9005, &block(properties))
    }
}

fn block(properties: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(properties.len()).unwrap().to_le_bytes();
    [count.to_vec(), properties.concat()].concat()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    padded.extend(bytes);
    padded.resize(padded.len().next_multiple_of(4), 0);
    padded
}

fn fixed(tag: PropertyTag, value: &[u8]) -> Vec<u8> {
    [&tag.0.to_le_bytes(), value].concat()
}

fn variable(tag: u32, value: &[u8]) -> Vec<u8> {
    [tag.to_le_bytes().to_vec(), 1_u32.to_le_bytes().to_vec(), padded(value)].concat()
}

fn unicode(tag: PropertyTag, text: &str) -> Vec<u8> {
    let units: Vec<_> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    variable(tag.0, &units)
}

fn named(tag: u32, name: &[u8], value: &[u8]) -> Vec<u8> {
    [&tag.to_le_bytes(), [7; 16].as_slice(), name, value].concat()
}

fn sample() -> Vec<u8> {
    let inner = Stream::new().properties(&[unicode(tags::PR_SUBJECT, "Inner")]).0;
    let object = [IID_MESSAGE.as_slice(), &inner].concat();
    let lid = [0_u32.to_le_bytes(), 0x8501_u32.to_le_bytes()].concat();
    let name = [1_u32.to_le_bytes().to_vec(), padded(b"K\0e\0y\0\0\0")].concat();
    let two_strings = [2_u32.to_le_bytes().to_vec(), padded(b"a\0\0\0"), padded(b"bcd")].concat();
    Stream::new()
        .attribute(1, 0x0001_8004, b"Old subject\0")
        .attribute(1, 0x0007_8008, b"IPM.Microsoft Mail.Note\0")
        .code_page(1251)
        .attribute(1, 0x0002_800C, b"\xCF\xF0\xE8\0")
        .attribute(1, 0x0003_8005, &[0xE8, 7, 3, 0, 1, 0, 10, 0, 30, 0, 5, 0, 5, 0])
        .attribute(1, 0x0000_8000, b"\x04\0\x18\0\x04\0\x0B\0Bob\0SMTP:b@x.y\0\0")
        .attribute(1, 0x0006_9004, &recipients())
        .properties(&[
            named(0x8001_0003, &lid, &1_i32.to_le_bytes()),
            named(0x8002_101F, &name, &two_strings),
            fixed(tags::PR_RTF_IN_SYNC, &[1, 0, 0, 0]),
            unicode(tags::PR_SUBJECT, "New subject"),
            variable(0x1035_001E, b"<1@x>\0"),
        ])
        .attachment(
            b"SHORT~1.TXT\0",
            b"data",
            &[unicode(tags::PR_ATTACH_LONG_FILENAME, "\u{43f}long name.txt")],
        )
        .attachment(b"\0", b"", &[variable(tags::PR_ATTACH_DATA_OBJ.0, &object)])
        .0
}

fn recipients() -> Vec<u8> {
    let row = |kind: i32, name| {
        let kind = fixed(tags::PR_RECIPIENT_TYPE, &kind.to_le_bytes());
        block(&[kind, unicode(tags::PR_DISPLAY_NAME, name)])
    };
    [2_u32.to_le_bytes().to_vec(), row(1, "To"), row(2, "Cc")].concat()
}

fn check_text(message: &Message, tag: PropertyTag, expected: &str) {
    assert_eq!(message.properties.text(tag), Some(expected));
}

#[test]
fn properties_win_over_old_attributes() {
    let bytes = sample();
    assert!(is_tnef(&bytes));
    let message = read(&bytes).unwrap();
    assert_eq!(message.defects, [""; 0]);
    check_text(&message, tags::PR_SUBJECT, "New subject");
    check_text(&message, tags::PR_MESSAGE_CLASS, "IPM.Note");
    check_text(&message, tags::PR_BODY, "\u{41f}\u{440}\u{438}");
    check_text(&message, tags::PR_INTERNET_MESSAGE_ID, "<1@x>");
    check_text(&message, tags::PR_SENDER_NAME, "Bob");
    check_text(&message, tags::PR_SENDER_EMAIL_ADDRESS, "b@x.y");
    let Some(Value::Time(sent)) = message.properties.get(tags::PR_CLIENT_SUBMIT_TIME) else {
        panic!("no time")
    };
    assert_eq!(sent.to_string(), "2024-03-01T10:30:05Z");
    let names: Vec<_> =
        message.recipients.iter().map(|row| row.text(tags::PR_DISPLAY_NAME).unwrap()).collect();
    assert_eq!(names, ["To", "Cc"]);
}

#[test]
fn attachments_have_long_names_and_messages_inside() {
    let message = read(&sample()).unwrap();
    let [file, inner] = message.attachments.as_slice() else { panic!("{message:?}") };
    assert_eq!(file.properties.text(tags::PR_ATTACH_FILENAME), Some("SHORT~1.TXT"));
    let long = file.properties.text(tags::PR_ATTACH_LONG_FILENAME);
    assert_eq!(long, Some("\u{43f}long name.txt"));
    assert!(matches!(&file.content, TnefContent::Bytes(bytes) if bytes == b"data"));
    let TnefContent::Message(inner) = &inner.content else { panic!("{inner:?}") };
    check_text(inner, tags::PR_SUBJECT, "Inner");
}

#[test]
fn damage_is_told_and_read_around() {
    let check = |bytes: &[u8], cause: &str| {
        let message = read(bytes).unwrap();
        assert!(message.defects.iter().any(|found| found.contains(cause)), "{:?}", message.defects);
        message
    };
    let mut bytes = Stream::new().attribute(1, 0x0001_8004, b"Subject\0").0;
    *bytes.last_mut().unwrap() ^= 0xFF;
    let message = check(&bytes, "attribute 0x8004 at byte 6: checksum 0xFD");
    check_text(&message, tags::PR_SUBJECT, "Subject");
    check_text(&check(&bytes[..20], "cut off after 5 bytes"), tags::PR_SUBJECT, "Subje");
    check(&[&bytes, [9; 12].as_slice()].concat(), "expected level 1 or 2, found 9");
    let unknown = fixed(PropertyTag(0x0037_0FFF), &[]);
    let sound = unicode(tags::PR_SUBJECT, "Kept");
    let bytes = Stream::new().properties(&[sound.clone(), unknown]).0;
    check_text(&check(&bytes, "a type that is not known"), tags::PR_SUBJECT, "Kept");
    let bytes = Stream::new().attribute(1, 0x0006_9003, &[&[9, 0, 0, 0], &sound[..]].concat()).0;
    check_text(&check(&bytes, "properties end early"), tags::PR_SUBJECT, "Kept");
    assert_eq!(read(b"PK\x03\x04abc").unwrap_err(), Error::Signature(0x0403_4B50));
    assert_eq!(read(b"PK").unwrap_err(), Error::TooShort(2));
    assert_eq!(read(&bytes[..6]).unwrap().defects, [""; 0]);
}

#[test]
fn what_of_old_attributes_cannot_be_read_is_told() {
    let told = |id, data: &[u8]| read(&Stream::new().attribute(1, id, data).0).unwrap().defects;
    // A name that is longer than the attribute, and a month that is none.
    let sender = told(0x0006_8000, &[4, 0, 20, 0, 90, 0, 4, 0, b'A', b'n', b'n', 0]);
    assert_eq!(sender, ["attribute 0x8000 at byte 6: the sender cannot be read"]);
    let date = told(0x0003_8005, &[0xE8, 7, 13, 0, 1, 0, 9, 0, 0, 0, 0, 0, 5, 0]);
    assert_eq!(date, ["attribute 0x8005 at byte 6: no date that can be read"]);
    assert_eq!(told(0x0003_8005, &[0; 14]), [""; 0]);
    let object = [variable(tags::PR_ATTACH_DATA_OBJ.0, &IID_MESSAGE[..8])];
    let cut = read(&Stream::new().attachment(b"a\0", b"", &object).0).unwrap();
    assert_eq!(cut.defects, ["an object of an attachment that ends early"]);
}

#[test]
fn the_first_attachment_needs_no_rendering() {
    let stream =
        Stream::new().attribute(2, 0x0001_8010, b"a.txt\0").attribute(2, 0x0006_800F, b"x");
    let message = read(&stream.0).unwrap();
    let [one] = message.attachments.as_slice() else { panic!("{message:?}") };
    assert_eq!(one.properties.text(tags::PR_ATTACH_FILENAME), Some("a.txt"));
    assert!(matches!(&one.content, TnefContent::Bytes(bytes) if bytes == b"x"));
}

#[test]
fn attachments_too_many_change_none_of_those_that_are_read() {
    let mut stream = Stream::new();
    for number in 0..2_050_u32 {
        let (rendering, data) = (0x0006_9002, 0x0006_800F);
        stream = stream.attribute(2, rendering, &[0; 14]).attribute(2, data, &number.to_le_bytes());
    }
    let message = read(&stream.0).unwrap();
    assert_eq!(message.defects, ["more than 2048 attachments"]);
    let last = message.attachments.last().map(|one| &one.content);
    assert!(matches!(last, Some(TnefContent::Bytes(bytes)) if *bytes == 2_047_u32.to_le_bytes()));
}

#[test]
fn nesting_is_bounded() {
    let mut stream = Stream::new().0;
    for _ in 0..40 {
        let object = [IID_MESSAGE.as_slice(), &stream].concat();
        let properties = [variable(tags::PR_ATTACH_DATA_OBJ.0, &object)];
        stream = Stream::new().attachment(b"\0", b"", &properties).0;
    }
    let outer = read(&stream).unwrap();
    let mut message = &outer;
    let mut depth = 0;
    while let Some(TnefContent::Message(inner)) =
        message.attachments.first().map(|one| &one.content)
    {
        message = inner;
        depth += 1;
    }
    assert_eq!((depth, message.defects.len()), (16, 1));
}

#[test]
fn damaged_streams_never_panic() {
    for damaged in mutations(&sample(), 20_000) {
        let Ok(message) = read(&damaged) else { continue };
        assert!(message.defects.len() <= 64);
    }
}
