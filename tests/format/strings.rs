//! Which code page the 8-bit strings of a message are in: one message for each rule and its limits.

use msgfs::imsg::{MapiProp as _, SessionOptions};
use msgfs::mapi::{CodePage, PropertyTag, PropertyType, Value, tags};

use super::{open, open_with, text, value};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

const LOCALE: PropertyTag = tags::PR_MESSAGE_LOCALE_ID;
const MESSAGE: PropertyTag = tags::PR_MESSAGE_CODEPAGE;
const INTERNET: PropertyTag = tags::PR_INTERNET_CPID;

/// A message with a subject in this code page, and hints.
fn message(page: u32, subject: &str, hints: &[(PropertyTag, i32)]) -> MessageBuilder {
    let message = MessageBuilder::empty().text(tags::PR_SUBJECT, subject);
    hints
        .iter()
        .fold(message, |message, (tag, number)| message.integer(*tag, *number))
        .ansi(CodePage::new(page).unwrap())
}

/// Checks that the page is found, by the subject, a recipient's name and an attachment's.
fn check(page: u32, subject: &str, hints: &[(PropertyTag, i32)]) {
    let message = message(page, subject, hints)
        .recipient(RecipientBuilder::to(subject, "a@example.org"))
        .attach(AttachmentBuilder::file(subject, ""));
    let message = open(message.to_bytes());
    assert_eq!(value(&message, tags::PR_SUBJECT), text(subject), "{hints:?}");
    let recipient = message.recipients().unwrap().remove(0);
    assert_eq!(recipient.text(tags::PR_DISPLAY_NAME).unwrap(), subject, "{hints:?}");
    let attachment = message.attachment(0).unwrap();
    assert_eq!(attachment.text(tags::PR_ATTACH_LONG_FILENAME).unwrap(), subject, "{hints:?}");
}

#[test]
fn utf_16_behind_an_8_bit_type_is_told_by_its_zeros() {
    let tag = PropertyTag(0x0037_001E);
    let check = |stored: &[u8], expected: &str| {
        let message = MessageBuilder::empty().stored(tag, stored).integer(MESSAGE, 1252);
        assert_eq!(value(&open(message.to_bytes()), tag), text(expected), "{stored:?}");
    };
    check(b"H\0i\0", "Hi");
    check(b"H\0\xE9\0", "Hé");
    check(b"H\0i", "H\0i");
    check(b"H\0\0\0", "H");
    check(b"H\0i\x01", "H\0i\x01");
}

#[test]
fn a_double_byte_locale_goes_before_a_message_code_page_that_contradicts_it() {
    check(936, "会议通知", &[(LOCALE, 2052), (MESSAGE, 1252)]);
    check(932, "見積書", &[(MESSAGE, 1252), (LOCALE, 1041), (INTERNET, 65001)]);
    check(949, "회의", &[(LOCALE, 1042), (MESSAGE, 1252)]);
    check(950, "會議", &[(LOCALE, 1028), (MESSAGE, 1252)]);
    // Not a double-byte locale.
    check(1252, "é", &[(LOCALE, 1049), (MESSAGE, 1252)]);
    // The strings are not valid in the page of the locale: 0xE9 is a lead byte, and ends one.
    check(1252, "café", &[(LOCALE, 2052), (MESSAGE, 1252)]);
}

#[test]
fn then_the_message_code_page_counts() {
    check(1251, "Привет", &[(MESSAGE, 1251)]);
    check(1251, "Привет", &[(MESSAGE, 1251), (LOCALE, 1033), (INTERNET, 28591)]);
    check(932, "見積書", &[(MESSAGE, 932), (LOCALE, 1041)]);
    check(65001, "Žluťoučký", &[(MESSAGE, 65001)]);
    check(437, "naïve █", &[(MESSAGE, 437)]);
}

#[test]
fn a_message_code_page_that_is_none_for_8_bit_strings_does_not_count() {
    for none in [0, 1200, 1201, 99_999, -1] {
        check(1251, "Привет", &[(MESSAGE, none), (LOCALE, 1049)]);
    }
}

#[test]
fn then_utf_8_if_declared_and_valid() {
    check(65001, "Žluťoučký", &[(INTERNET, 65001)]);
    check(65001, "Žluťoučký", &[(INTERNET, 65001), (LOCALE, 1031)]);
    // Declared, but not valid: 20 files measured say 65001 and have strings in ANSI.
    check(1252, "café", &[(INTERNET, 65001)]);
    check(1252, "café", &[(INTERNET, 65001), (LOCALE, 1031)]);
    // Valid, but not declared.
    let subject = message(65001, "é", &[(LOCALE, 1031)]);
    assert_eq!(value(&open(subject.to_bytes()), tags::PR_SUBJECT), text("Ã©"));
}

#[test]
fn then_the_locale_counts() {
    check(932, "見積書", &[(LOCALE, 1041)]);
    check(950, "會議", &[(LOCALE, 1028)]);
    check(1251, "Привет", &[(LOCALE, 1049)]);
    check(1252, "café", &[(LOCALE, 1031)]);
    check(932, "見積書", &[(LOCALE, 1041), (INTERNET, 28591)]);
}

#[test]
fn then_the_ansi_page_beside_the_internet_code_page() {
    check(932, "見積書", &[(INTERNET, 50220)]);
    check(932, "見積書", &[(INTERNET, 51932)]);
    check(949, "회의", &[(INTERNET, 50225)]);
    check(936, "会议", &[(INTERNET, 52936)]);
    check(1251, "Привет", &[(INTERNET, 20866)]);
    check(1251, "Привет", &[(INTERNET, 28595)]);
    check(1250, "Žluťoučký", &[(INTERNET, 28592)]);
    check(1253, "Καλημέρα", &[(INTERNET, 28597)]);
    check(1255, "שלום", &[(INTERNET, 38598)]);
    check(1252, "café", &[(INTERNET, 20127)]);
    check(1254, "Şarkı", &[(INTERNET, 1254)]);
}

#[test]
fn without_any_hint_it_is_windows_1252() {
    check(1252, "café € “so”", &[]);
    check(1252, "café", &[(LOCALE, 0x7FFF), (INTERNET, 12)]);
}

#[test]
fn the_session_s_own_code_page_goes_before_all() {
    let bytes = message(1251, "Привет", &[(MESSAGE, 1252), (LOCALE, 1041)]).to_bytes();
    let options = SessionOptions { code_page: CodePage::new(1251) };
    assert_eq!(value(&open_with(bytes, options), tags::PR_SUBJECT), text("Привет"));
}

#[test]
fn an_embedded_message_without_hints_has_the_page_of_the_one_around() {
    let subject = |message: &MessageBuilder| {
        let message = open(message.to_bytes());
        let embedded = message.attachment(0).unwrap().embedded_message().unwrap();
        embedded.text(tags::PR_SUBJECT).unwrap()
    };
    let inner = message(1251, "Привет", &[]);
    let outer = message(1251, "Снаружи", &[(MESSAGE, 1251)]);
    assert_eq!(subject(&outer.clone().attach(AttachmentBuilder::message(inner))), "Привет");
    let inner = message(1253, "Καλημέρα", &[(LOCALE, 1032)]);
    let inner = AttachmentBuilder::message(inner).unset(tags::PR_DISPLAY_NAME);
    assert_eq!(subject(&outer.attach(inner)), "Καλημέρα");
}

#[test]
fn multi_valued_8_bit_strings_are_in_the_same_page() {
    let tag = PropertyTag::new(0x6600, PropertyType::MULTIPLE_STRING8);
    let values = Value::Multiple(vec![text("Привет"), text(""), text("мир")]);
    let message = MessageBuilder::empty()
        .set(tag, values.clone())
        .integer(MESSAGE, 1251)
        .ansi(CodePage::new(1251).unwrap());
    assert_eq!(value(&open(message.to_bytes()), tag), values);
}

#[test]
fn nuls_at_the_end_are_dropped_and_others_kept() {
    let check = |tag: PropertyTag, stored: &[u8], expected: &str| {
        let message = MessageBuilder::empty().stored(tag, stored);
        assert_eq!(value(&open(message.to_bytes()), tag), text(expected), "{stored:?}");
    };
    let (unicode, ansi) = (PropertyTag(0x0037_001F), PropertyTag(0x0037_001E));
    check(unicode, b"a\0\0\0", "a");
    check(unicode, b"a\0\0\0b\0\0\0\0\0", "a\0b");
    check(unicode, b"\0\0", "");
    check(ansi, b"ab\0\0\0", "ab");
    check(ansi, b"\0a\0b", "\0a\0b");
}

#[test]
fn lone_surrogates_are_replaced() {
    let tag = PropertyTag(0x0037_001F);
    let stored = [0x3D, 0xD8, b'a', 0, 0x34, 0xD8, 0x1E, 0xDD, 0x00, 0xDC];
    let message = MessageBuilder::empty().stored(tag, stored);
    assert_eq!(value(&open(message.to_bytes()), tag), text("\u{FFFD}a𝄞\u{FFFD}"));
}
