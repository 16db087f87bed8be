//! 8-bit text that is not in the page that is stated for it, or has none: what is read, and the
//! note on it.

use msgfs::body::compressed_rtf;
use msgfs::mapi::{CodePage, PropertyTag, PropertyType, Value, tags};

use super::{errors, file, tree};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

fn encoded(page: u32, text: &str) -> Vec<u8> {
    CodePage::new(page).unwrap().encode(text).unwrap()
}

fn string8(tag: PropertyTag) -> PropertyTag {
    tag.with_type(PropertyType::STRING8)
}

/// A message with subject, body and attachment in a page, and no page stated.
fn message(page: u32, subject: &str, body: &str) -> MessageBuilder {
    let name = Value::String(subject.to_owned());
    let attachment = AttachmentBuilder::file("x", "data").set(tags::PR_ATTACH_LONG_FILENAME, name);
    MessageBuilder::empty()
        .text(tags::PR_SUBJECT, subject)
        .text(tags::PR_BODY, body)
        .recipient(RecipientBuilder::to(subject, "a@example.org"))
        .attach(attachment)
        .ansi(CodePage::new(page).unwrap())
}

fn notes(message: &MessageBuilder) -> Vec<String> {
    let findings = tree(message.to_bytes()).check();
    assert_eq!(findings.defects, []);
    findings.notes.iter().map(ToString::to_string).collect()
}

/// Checks files of a message, and its notes.
#[track_caller]
fn check(message: &MessageBuilder, files: &[(&str, &str)], expected: &[&str]) {
    for (path, content) in files {
        assert_eq!(file(message.to_bytes(), path).as_deref(), Some(*content), "{path}");
    }
    assert_eq!(notes(message), expected);
    assert_eq!(errors(message.to_bytes()), [""; 0]);
    let json = file(message.to_bytes(), "message.json").unwrap();
    assert!(expected.iter().all(|note| json.contains(note.split_once(": ").unwrap().1)), "{json}");
}

#[test]
fn a_page_that_does_not_fit_gives_way_to_a_guess() {
    let (subject, body) = ("关于合同的问题", "您好,请看附件。");
    let file_name = format!("attachments/{subject}");
    let to = format!("{subject} <a@example.org>\n");
    let files = [
        ("subject", &*format!("{subject}\n")),
        ("body.txt", body),
        ("to", &to),
        (&file_name, "data"),
    ];
    let gbk = message(936, subject, body);
    let note = "/: 8-bit strings are read in code page 936, a guess: ";
    let stated = gbk.clone().integer(tags::PR_MESSAGE_CODEPAGE, 65001);
    check(&stated, &files, &[&format!("{note}it does not fit the stated page 65001")]);
    check(&gbk, &files, &[&format!("{note}no page is stated")]);
    let internet = gbk.clone().integer(tags::PR_INTERNET_CPID, 65001);
    check(&internet, &files, &[&format!("{note}it does not fit the stated page 65001")]);
    let locale = gbk.integer(tags::PR_MESSAGE_LOCALE_ID, 2052);
    check(&locale, &files, &[]);
}

#[test]
fn other_pages_are_guessed_too() {
    for (page, subject, body) in [
        (950, "會議通知", "請查收附件,謝謝。明天見。"),
        (932, "会議のお知らせ", "お世話になっております。添付をご覧ください。"),
        (949, "회의 안내", "첨부 파일을 확인해 주세요."),
        (1251, "Встреча", "Привет, завтра в десять часов"),
    ] {
        let message = message(page, subject, body).integer(tags::PR_MESSAGE_CODEPAGE, 65001);
        let note = format!(
            "/: 8-bit strings are read in code page {page}, a guess: it does not fit the stated \
             page 65001"
        );
        check(&message, &[("subject", &format!("{subject}\n")), ("body.txt", body)], &[&note]);
    }
}

#[test]
fn one_string_of_another_page_is_guessed_alone() {
    let message = MessageBuilder::empty()
        .stored(string8(tags::PR_SUBJECT), "Grüße")
        .stored(string8(tags::PR_SENDER_NAME), "Zoë")
        .stored(string8(tags::PR_BODY), encoded(936, "您好,请看附件。销售合同。"))
        .integer(tags::PR_MESSAGE_CODEPAGE, 65001);
    let note = "/0x1000001E: read in code page 936, a guess: it does not fit the stated page 65001";
    let files =
        [("subject", "Grüße\n"), ("sender", "Zoë\n"), ("body.txt", "您好,请看附件。销售合同。")];
    check(&message, &files, &[note]);
}

/// A sector of zeros in place of a part of a text must not pass for no text.
#[test]
fn nuls_that_may_have_been_text_are_noted() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let message = MessageBuilder::empty()
        .stored(tags::PR_SUBJECT, utf16("Grüße\0"))
        .stored(string8(tags::PR_SENDER_NAME), "Zoe\0\0\0")
        .stored(tags::PR_TRANSPORT_MESSAGE_HEADERS, utf16("Date: \0\0\0x\0\0\0\0x"))
        .stored(tags::PR_BODY, [utf16("text"), vec![0; 200_000]].concat())
        .integer(tags::PR_MESSAGE_CODEPAGE, 1252);
    let files = [("subject", "Grüße\n"), ("sender", "Zoe\n"), ("body.txt", "text")];
    let notes = [
        "/0x007D001F: NULs before the end of its text: 4",
        "/0x0C1A001E: 3 NULs at its end are left out",
        "/0x1000001F: 100000 NULs at its end are left out",
    ];
    check(&message, &files, &notes);
}

/// Half of a character is shown as another one.
#[test]
fn lone_surrogates_are_noted() {
    let stored =
        |units: &[u16]| units.iter().copied().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let message = MessageBuilder::empty()
        .stored(tags::PR_SUBJECT, stored(&[0xD83D, 0xDE00, 0x61, 0xD83D, 0x62, 0xDC00, 0xD800]))
        .stored(tags::PR_BODY, stored(&[0xD83D, 0xDE00]));
    let files = [("subject", "\u{1F600}a\u{FFFD}b\u{FFFD}\u{FFFD}\n"), ("body.txt", "\u{1F600}")];
    check(&message, &files, &["/0x0037001F: surrogates without their pair, read as U+FFFD: 3"]);
}

#[test]
fn damage_is_no_other_page() {
    let body = [&b"\x96"[..], &encoded(932, "お世話になっております。")].concat();
    let message = MessageBuilder::empty()
        .stored(string8(tags::PR_SUBJECT), encoded(932, "会議のお知らせ"))
        .stored(string8(tags::PR_BODY), [encoded(932, "お世話"), body].concat())
        .integer(tags::PR_MESSAGE_CODEPAGE, 932);
    let subject = file(message.to_bytes(), "subject").unwrap();
    assert_eq!((subject.as_str(), notes(&message).len()), ("会議のお知らせ\n", 0));
}

#[test]
fn escape_sequences_tell_the_page() {
    let japanese = encoded(50220, "件名テスト");
    let korean = b"\x1B$)C\x0EGQ19\x0F".to_vec();
    for (bytes, text, page) in [(japanese, "件名テスト", 50220), (korean, "한국", 50225)] {
        let message = MessageBuilder::empty()
            .stored(string8(tags::PR_SUBJECT), bytes.clone())
            .stored(string8(tags::PR_BODY), bytes)
            .integer(tags::PR_MESSAGE_CODEPAGE, 1252);
        let note =
            format!("read in code page {page}, a guess: it does not fit the stated page 1252");
        let notes = [format!("/0x0037001E: {note}"), format!("/0x1000001E: {note}")];
        let files = [("subject", &*format!("{text}\n")), ("body.txt", text)];
        check(&message, &files, &notes.each_ref().map(String::as_str));
    }
}

#[test]
fn johab_is_read() {
    let message = message(1361, "한국", "한국").integer(tags::PR_MESSAGE_CODEPAGE, 1361);
    check(&message, &[("subject", "한국\n"), ("body.txt", "한국")], &[]);
}

/// The HTML body of a message, without what is put in front of it.
#[track_caller]
fn check_html(message: &MessageBuilder, expected: &str, note: Option<&str>) {
    let html = file(message.to_bytes(), "body.html").unwrap();
    assert!(html.contains(expected), "{html}");
    assert_eq!(file(message.to_bytes(), "body.txt").unwrap().trim(), expected);
    let note = note.map(|note| format!("/: the HTML body is {note}"));
    assert_eq!(notes(message), Vec::from_iter(note));
}

#[test]
fn utf_8_wins_over_a_page_of_single_bytes_in_html() {
    let html = |bytes: &[u8], page: i32| {
        let value = Value::Binary([b"<p>", bytes].concat());
        MessageBuilder::empty().set(tags::PR_HTML, value).integer(tags::PR_INTERNET_CPID, page)
    };
    let utf_8 =
        |page| format!("read in code page 65001, a guess: it does not fit the stated page {page}");
    check_html(&html("Grüße".as_bytes(), 1252), "Grüße", Some(&utf_8(1252)));
    check_html(&html("Привет".as_bytes(), 28595), "Привет", Some(&utf_8(28595)));
    check_html(&html(b"Gr\xFC\xDFe", 1252), "Grüße", None);
    check_html(&html("Grüße".as_bytes(), 65001), "Grüße", None);
    let gbk = html(&encoded(936, "您好,请看附件。"), 65001);
    let note = "read in code page 936, a guess: it does not fit the stated page 65001";
    check_html(&gbk, "您好,请看附件。", Some(note));
    let big5 = MessageBuilder::empty()
        .set(tags::PR_HTML, Value::Binary(encoded(950, "<p>請查收附件,謝謝。明天見。")));
    let note = "read in code page 950, a guess: no page is stated";
    check_html(&big5, "請查收附件,謝謝。明天見。", Some(note));
}

#[test]
fn html_in_an_8_bit_string_is_in_the_page_of_html() {
    let html = "<html><meta charset=utf-8>HTML öäü";
    let message = MessageBuilder::empty()
        .stored(string8(tags::PR_BODY_HTML), html)
        .stored(string8(tags::PR_SUBJECT), b"\xFC")
        .integer(tags::PR_MESSAGE_CODEPAGE, 1252);
    check_html(&message, "HTML öäü", None);
    assert_eq!(file(message.to_bytes(), "subject").unwrap(), "ü\n");
}

#[test]
fn html_in_the_place_of_rtf_is_the_html_body() {
    let html = "<html><body>Grüße ✓";
    let utf_16: Vec<u8> = html.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xFF\xFE", &utf_16[..]].concat();
    for bytes in [html.as_bytes().to_vec(), utf_16, marked] {
        let stored = compressed_rtf::compress(&bytes);
        let message = MessageBuilder::empty()
            .set(tags::PR_RTF_COMPRESSED, Value::Binary(stored))
            .text(tags::PR_SUBJECT, "A");
        check_html(&message, "Grüße ✓", None);
        assert_eq!(file(message.to_bytes(), "body.rtf"), None);
    }
}

/// `\fromhtml0` says that the RTF was not made of HTML, and may lie anywhere in the first bytes that
/// are read.
#[test]
fn the_kind_of_an_rtf_is_told_by_a_whole_word_wherever_it_lies() {
    for before in (0..200).chain(900..1000) {
        for (word, is_html) in [("fromhtml1", true), ("fromhtml0", false)] {
            let blanks = "\r".repeat(before);
            let rtf = format!("{{\\rtf1\\ansi{blanks}\\{word}\\deff0 text}}");
            let size = u32::try_from(rtf.len()).unwrap();
            let header = [size + 12, size, 0x414C_454D, 0].map(u32::to_le_bytes).concat();
            let stored = [header, rtf.into_bytes()].concat();
            let message = MessageBuilder::empty()
                .set(tags::PR_RTF_COMPRESSED, Value::Binary(stored))
                .text(tags::PR_SUBJECT, "A");
            for (name, expected) in [("body.html", is_html), ("body.rtf", !is_html)] {
                let found = file(message.to_bytes(), name);
                assert_eq!(found.is_some(), expected, "{name}: {word} after {before}");
            }
        }
    }
}

#[test]
fn blanks_beside_another_body_are_none() {
    let html = MessageBuilder::new("IPM.Note", "A").html("<p>real</p>");
    let text = |message: &MessageBuilder| file(message.to_bytes(), "body.txt").unwrap();
    for blanks in ["", " ", "\r\n \t\u{A0}\r\n"] {
        let blank = html.clone().text(tags::PR_BODY, blanks);
        assert_eq!(text(&blank).trim(), "real", "{blanks:?}");
        let eml = file(blank.to_bytes(), "message.eml").unwrap();
        assert!(eml.contains("real\r\n"), "{eml}");
    }
    let alone = MessageBuilder::new("IPM.Note", "A").text(tags::PR_BODY, " \r\n");
    assert_eq!(text(&alone), " \n");
}

/// What is valid in the stated page stays as it is: nobody can tell for certain that it is another,
/// and `-o codepage=` is for those who know.
#[test]
fn a_page_that_fits_stays() {
    let subject = encoded(936, "合同");
    let message = MessageBuilder::empty()
        .stored(string8(tags::PR_SUBJECT), subject)
        .integer(tags::PR_MESSAGE_CODEPAGE, 1252);
    check(&message, &[("subject", "ºÏÍ¬\n")], &[]);
}

#[test]
fn a_text_without_its_looks_is_noted() {
    let note = "/: the text made of the HTML body has all of its words, but not all marks of \
                quotations, indentation and tabs: they would be more than the body";
    let quoted = |lines: usize| format!("{}{}", "<blockquote>".repeat(20), "a<br>".repeat(lines));
    let message = |lines| MessageBuilder::empty().html(&quoted(lines));
    check(&message(1_000), &[], &[]);
    check(&message(10_000), &[], &[note]);
    // The text is not made of it.
    check(&message(10_000).body("Text"), &[], &[]);
}
