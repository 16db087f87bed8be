//! Contacts and distribution lists of our own.

use calcard::vcard::VCardProperty;
use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{PS_PUBLIC_STRINGS, PSETID_ADDRESS};
use msgfs::mapi::{PropertyType, Value, tags};

use super::blobs::SetNamed as _;
use super::parsed::{card, file, lines};
use crate::fixture::{AttachmentBuilder, MessageBuilder, one_off_entry_id};

/// The provider of wrapped EntryIDs, and one of an address book with a name in it.
const WRAPPED: &[u8] = b"\0\0\0\0\xC0\x91\xAD\xD3\x51\x9D\xCF\x11\xA4\xA9\0\xAA\0\x47\xFA\xA4";
const ADDRESS_BOOK: &[u8] =
    b"\0\0\0\0\xDC\xA7\x40\xC8\xC0\x42\x10\x1A\xB4\xB9\x08\0\x2B\x2F\xE1\x82\
    \x01\0\0\0\x01\0\0\0/o=Example/cn=Recipients/cn=all\0";

fn contact() -> MessageBuilder {
    MessageBuilder::new("IPM.Contact", "Zoë Lee")
        .text(tags::PR_DISPLAY_NAME, "Dr. Zoë Q. Lee")
        .time(tags::PR_LAST_MODIFICATION_TIME, "2024-02-01T10:00:00Z")
}

/// A contact with a text in most of its own properties.
fn person() -> MessageBuilder {
    let mut message = contact()
        .body("Met in\nRome")
        .set(tags::PR_GENDER, Value::Integer16(1))
        .time(tags::PR_BIRTHDAY, "1980-05-16T22:00:00Z")
        .time(tags::PR_WEDDING_ANNIVERSARY, "2010-08-01T00:00:00Z");
    for (tag, text) in [
        (tags::PR_SURNAME, "Lee; jr"),
        (tags::PR_GIVEN_NAME, "Zoë"),
        (tags::PR_MIDDLE_NAME, "Q."),
        (tags::PR_DISPLAY_NAME_PREFIX, "Dr."),
        (tags::PR_NICKNAME, "Zo"),
        (tags::PR_COMPANY_NAME, "Example, Inc."),
        (tags::PR_DEPARTMENT_NAME, "Research"),
        (tags::PR_TITLE, "Head"),
        (tags::PR_PROFESSION, "Chemist"),
        (tags::PR_HOME_TELEPHONE_NUMBER, "+1 1"),
        (tags::PR_BUSINESS_TELEPHONE_NUMBER, "+1 2"),
        (tags::PR_MOBILE_TELEPHONE_NUMBER, "+1 3"),
        (tags::PR_BUSINESS_FAX_NUMBER, "+1 4"),
        (tags::PR_ASSISTANT_TELEPHONE_NUMBER, "+1 5"),
        (tags::PR_TELEX_NUMBER, "12345 ex"),
        (tags::PR_OFFICE_LOCATION, "Room 7"),
        (tags::PR_HOME_ADDRESS_STREET, "1 Main St\r\nRear"),
        (tags::PR_HOME_ADDRESS_CITY, "Rome"),
        (tags::PR_PERSONAL_HOME_PAGE, "https://example.org/~zoe"),
        (tags::PR_SPOUSE_NAME, "Max"),
        (tags::PR_HOBBIES, "Chess"),
    ] {
        message = message.text(tag, text);
    }
    message
}

fn check(message: &MessageBuilder, expected: &[&str]) {
    let content = file(message, "contact.vcf").expect("contact.vcf");
    card(&content);
    let lines = lines(&content);
    for line in expected {
        assert!(lines.contains(&(*line).to_owned()), "{line} in {lines:#?}");
    }
}

#[test]
fn a_contact_has_its_values() {
    let keywords = Value::Multiple(vec![Value::String("VIP, very".to_owned())]);
    let name = NameKind::Name("Keywords".to_owned());
    let children = ["Ada", "Ben"].map(|text| Value::String(text.to_owned())).to_vec();
    let message = person()
        .set(tags::PR_CHILDRENS_NAMES, Value::Multiple(children))
        .named(PS_PUBLIC_STRINGS, name, PropertyType::MULTIPLE_STRING, keywords)
        .lid_text(PSETID_ADDRESS, 0x8082, "SMTP")
        .lid_text(PSETID_ADDRESS, 0x8083, "zoe@example.org")
        .lid_text(PSETID_ADDRESS, 0x8092, "EX")
        .lid_text(PSETID_ADDRESS, 0x8093, "/o=Example/cn=zoe")
        .lid_text(PSETID_ADDRESS, 0x8094, "zoe@internal.example.org")
        .lid_text(PSETID_ADDRESS, 0x80A2, "EX")
        .lid_text(PSETID_ADDRESS, 0x80A3, "/o=Example/cn=old")
        .lid_text(PSETID_ADDRESS, 0x8046, "Milan")
        .lid_text(PSETID_ADDRESS, 0x804A, "PO 7")
        .lid(PSETID_ADDRESS, 0x8022, Value::Integer32(2))
        .lid_text(PSETID_ADDRESS, 0x8062, "zoe@im.example.org");
    check(
        &message,
        &[
            "VERSION:3.0",
            "FN:Dr. Zoë Q. Lee",
            "N:Lee\\; jr;Zoë;Q.;Dr.;",
            "NICKNAME:Zo",
            "ORG:Example\\, Inc.;Research",
            "TITLE:Head",
            "ROLE:Chemist",
            "EMAIL;TYPE=INTERNET;TYPE=PREF:zoe@example.org",
            "EMAIL;TYPE=INTERNET:zoe@internal.example.org",
            "EMAIL;TYPE=EX:/o=Example/cn=old",
            "TEL;TYPE=HOME;TYPE=VOICE:+1 1",
            "TEL;TYPE=WORK;TYPE=VOICE:+1 2",
            "TEL;TYPE=CELL:+1 3",
            "TEL;TYPE=WORK;TYPE=FAX:+1 4",
            "X-MS-TEL;TYPE=ASSISTANT:+1 5",
            "ADR;TYPE=WORK;TYPE=PREF:PO 7;Room 7;;Milan;;;",
            "X-MS-TEL;TYPE=TELEX:12345 ex",
            "ADR;TYPE=HOME:;;1 Main St\\nRear;Rome;;;",
            "URL;TYPE=HOME:https://example.org/~zoe",
            "BDAY:1980-05-17",
            "X-MS-ANNIVERSARY:2010-08-01",
            "X-MS-SPOUSE:Max",
            "X-MS-CHILD:Ada",
            "X-MS-CHILD:Ben",
            "X-MS-INTERESTS:Chess",
            "X-MS-IMADDRESS:zoe@im.example.org",
            "GENDER:F",
            "NOTE:Met in\\nRome",
            "CATEGORIES:VIP\\, very",
            "REV:20240201T100000Z",
        ],
    );
}

/// Names and values, one a line, as `msgfs show` has them.
fn details(message: &MessageBuilder) -> Vec<String> {
    let mail = outlook_msg::Mail::from_bytes(message.to_bytes()).unwrap();
    let lines = mail.details().into_iter();
    lines.map(|(name, values)| format!("{name}: {}", values.join("; "))).collect()
}

#[test]
fn a_contact_is_shown_with_its_values() {
    let message = person()
        .lid_text(PSETID_ADDRESS, 0x8083, "zoe@example.org")
        .lid_text(PSETID_ADDRESS, 0x8046, "Milan")
        .lid_text(PSETID_ADDRESS, 0x8062, "zoe@chat.example.org")
        .text(tags::PR_MANAGER_NAME, "Ann")
        .text(tags::PR_ASSISTANT, "Eve");
    assert_eq!(
        details(&message),
        [
            "Name: Dr. Zoë Q. Lee",
            "Nickname: Zo",
            "Company: Example, Inc.",
            "Department: Research",
            "Office: Room 7",
            "Title: Head",
            "Profession: Chemist",
            "Manager: Ann",
            "Assistant: Eve",
            "Mail: zoe@example.org",
            "IM: zoe@chat.example.org",
            "Telephone: home: +1 1; work: +1 2; cell: +1 3; work fax: +1 4; assistant: +1 5; \
             telex: 12345 ex",
            "Address: work: Milan; home: 1 Main St, Rear, Rome",
            "Web: https://example.org/~zoe",
            "Birthday: 1980-05-17",
            "Anniversary: 2010-08-01",
            "Spouse: Max",
        ]
    );
}

#[test]
fn a_photo_that_is_too_large_for_the_card_is_noted() {
    let photo = AttachmentBuilder::file("ContactPicture.jpg", vec![7; (16 << 20) + 1])
        .set(tags::PR_ATTACHMENT_CONTACTPHOTO, Value::Boolean(true));
    let mail = outlook_msg::Mail::from_bytes(contact().attach(photo).to_bytes()).unwrap();
    let notes: Vec<_> = mail.notes().unwrap().iter().map(ToString::to_string).collect();
    let note = "the picture of 16777217 bytes is not in the card, at most 16777216 are";
    assert_eq!(notes, [format!("/__attach_version1.0_#00000000: {note}")]);
}

#[test]
fn a_photo_is_in_the_card() {
    let picture: Vec<u8> = [0xFF, 0xD8, 0xFF, 0xE0].into_iter().chain(0..200).collect();
    let photo = AttachmentBuilder::file("ContactPicture.jpg", picture.clone())
        .set(tags::PR_ATTACHMENT_CONTACTPHOTO, Value::Boolean(true));
    let message = contact().attach(AttachmentBuilder::file("a.txt", "x")).attach(photo);
    let parsed = card(&file(&message, "contact.vcf").unwrap());
    let photo = parsed.property(&VCardProperty::Photo).unwrap();
    assert_eq!(photo.values[0].as_binary().unwrap().data, picture);
}

#[test]
fn a_distribution_list_is_a_group() {
    let wrapped = |kind: u8, inner: &[u8]| [WRAPPED, &[kind], inner].concat();
    let binaries =
        |values: Vec<Vec<u8>>| Value::Multiple(values.into_iter().map(Value::Binary).collect());
    let ann = one_off_entry_id("Ann, A.", "ann@example.org");
    let message = MessageBuilder::new("IPM.DistList", "Friends")
        .lid_text(PSETID_ADDRESS, 0x8053, "Friends; all")
        .lid(
            PSETID_ADDRESS,
            0x8055,
            binaries(vec![
                wrapped(0xC3, &[0; 70]),
                one_off_entry_id("Bob", "bob@example.org"),
                wrapped(0xB6, ADDRESS_BOOK),
                wrapped(0xB4, &[0; 70]),
                vec![1, 2, 3],
            ]),
        )
        .lid(
            PSETID_ADDRESS,
            0x8054,
            binaries(vec![ann, Vec::new(), Vec::new(), one_off_entry_id("Sub list", "")]),
        );
    check(
        &message,
        &[
            "VERSION:4.0",
            "KIND:group",
            "FN:Friends\\; all",
            "MEMBER;X-CN=\"Ann, A.\":mailto:ann@example.org",
            "MEMBER;X-CN=Bob:mailto:bob@example.org",
            "MEMBER;X-CN=all;X-KIND=group;X-DN=/o=Example/cn=Recipients/cn=all:invalid:nomail",
            "MEMBER;X-CN=Sub list;X-KIND=group:invalid:nomail",
            "MEMBER;X-ENTRYID=010203:invalid:nomail",
        ],
    );
    let parsed = card(&file(&message, "contact.vcf").unwrap());
    assert_eq!(parsed.properties(&VCardProperty::Member).count(), 5);
    assert_eq!(
        details(&message),
        [
            "Name: Friends; all",
            "Members: Ann, A. <ann@example.org>; Bob <bob@example.org>; \
             /o=Example/cn=Recipients/cn=all; Sub list; (EntryID 010203)",
        ]
    );
}

#[test]
fn a_card_needs_a_name() {
    let nameless = MessageBuilder::new("IPM.Contact", "");
    assert_eq!(file(&nameless, "contact.vcf"), None);
    let company = nameless.text(tags::PR_COMPANY_NAME, "Example");
    check(&company, &["FN:Example", "N:;;;;", "ORG:Example"]);
    let other = contact().text(tags::PR_MESSAGE_CLASS, "IPM.ContactX");
    assert_eq!(file(&other, "contact.vcf"), None);
}
