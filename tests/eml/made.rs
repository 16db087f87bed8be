//! Messages of our own: what a mail program writes, and what it would never write.

use mail_parser::{MessageParser, MimeHeaders as _};
use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{PS_INTERNET_HEADERS, PS_PUBLIC_STRINGS};
use msgfs::mapi::{PropertyType, Value, tags};
use msgfs::view::NodeId;

use super::{check, check_lines, eml, eml_of, open};
use crate::browse::Browser;
use crate::fixture::{
    AttachmentBuilder, MessageBuilder, RecipientBuilder, Sectors, Tree, one_off_entry_id,
    stream_name,
};

const ANN: (&str, &str) = ("Ann Lee", "ann@example.org");
const TIME: &str = "2024-02-29T12:34:56Z";

/// A mail from Ann to Bob.
pub(super) fn mail(subject: &str) -> MessageBuilder {
    MessageBuilder::mail(subject, ANN, TIME)
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
}

fn header_names(eml: &str) -> Vec<&str> {
    let header = eml.split_once("\r\n\r\n").unwrap().0;
    let fields = header.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    fields.map(|field| field.split_once(':').unwrap().0).collect()
}

/// The structure of a message by the types of its parts.
pub(super) fn structure(eml: &str) -> String {
    let types = eml.split("\r\n").filter_map(|line| line.strip_prefix("Content-Type: "));
    types.map(|line| line.trim_end_matches(';')).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_plain_message_without_headers() {
    let message = mail("Dinner").body("Fish?\nOr Käse =\n");
    let expected = "From: Ann Lee <ann@example.org>\r\n\
        To: Bob <bob@example.org>\r\n\
        Date: Thu, 29 Feb 2024 12:34:56 +0000\r\n\
        Subject: Dinner\r\n\
        Thread-Topic: Dinner\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain;\r\n charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\
        \r\n\
        Fish?\r\nOr K=C3=A4se =3D\r\n";
    assert_eq!(check(&message), expected);
}

#[test]
fn received_fields_stay_as_they_are_and_lose_those_of_mime() {
    let headers = "Microsoft Mail Internet Headers Version 2.0\r\n\
        Received: from a by b;\r\n\tThu, 29 Feb 2024 12:34:56 +0100\r\n\
        Received: from c by a\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed;\r\n boundary=\"lost\"\r\n\
        Content-Transfer-Encoding: 7bit\r\n\
        Content-Disposition: inline\r\n\
        Content-Language: de\r\n\
        Subject: As it was sent\r\n\
        From: \"Zo\u{EB} Lee\" <zoe@example.org>\r\n\
        X-Long: a\r\n \r\n b\r\n\
        no field\r\n\
        X-Last : end\r\n\r\nNot-A-Field: body\r\n\0";
    let message = mail("Edited later").body("x").text(tags::PR_TRANSPORT_MESSAGE_HEADERS, headers);
    let eml = check(&message);
    let expected = "Received: from a by b;\r\n\tThu, 29 Feb 2024 12:34:56 +0100\r\n\
        Received: from c by a\r\n\
        Content-Language: de\r\n\
        Subject: As it was sent\r\n\
        From: =?utf-8?Q?Zo=C3=AB_Lee?= <zoe@example.org>\r\n\
        X-Long: a\r\n b\r\n no field\r\n\
        X-Last: end\r\n\
        To: Bob <bob@example.org>\r\n\
        Date: Thu, 29 Feb 2024 12:34:56 +0000\r\n\
        Thread-Topic: Edited later\r\n\
        MIME-Version: 1.0\r\n";
    assert!(eml.starts_with(expected), "{eml}");
    let bare_lf = headers.replace("\r\n", "\n");
    assert_eq!(eml, eml_text(&message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS, &bare_lf)));
}

fn eml_text(message: &MessageBuilder) -> String {
    String::from_utf8(eml_of(message)).unwrap()
}

#[test]
fn fields_are_made_of_properties() {
    let header = |name: &str| NameKind::Name(name.to_owned());
    let text = |text: &str| Value::String(text.to_owned());
    let message = mail("Re: all")
        .from(("Chief", "chief@example.org"))
        .recipient(RecipientBuilder::cc("Lee, Ann", "ann@example.org"))
        .recipient(RecipientBuilder::bcc("", "/O=ORG/CN=X Y"))
        .text(tags::PR_INTERNET_MESSAGE_ID, "1@example.org")
        .text(tags::PR_IN_REPLY_TO_ID, "<0@example.org>")
        .text(tags::PR_INTERNET_REFERENCES, "<a@b>\r\n <0@example.org>")
        .set(tags::PR_CONVERSATION_INDEX, Value::Binary(vec![1; 22]))
        .integer(tags::PR_IMPORTANCE, 2)
        .integer(tags::PR_SENSITIVITY, 3)
        .set(tags::PR_READ_RECEIPT_REQUESTED, Value::Boolean(true))
        .set(tags::PR_READ_RECEIPT_ENTRYID, Value::Binary(one_off_entry_id("R", "r@example.org")))
        .named(
            PS_PUBLIC_STRINGS,
            header("Keywords"),
            PropertyType::MULTIPLE_STRING,
            Value::Multiple(vec![text("Red"), text("a, b")]),
        )
        .named(PS_INTERNET_HEADERS, header("X-Mailer"), PropertyType::STRING, text("Pine"))
        .named(PS_INTERNET_HEADERS, header("content-type"), PropertyType::STRING, text("a/b"));
    let eml = check(&message);
    for field in [
        "From: Chief <chief@example.org>",
        "Sender: Ann Lee <ann@example.org>",
        "Cc: \"Lee, Ann\" <ann@example.org>",
        "Bcc: <IMCEAEX-_O=ORG_CN=X+20Y@invalid>",
        "Message-ID: <1@example.org>",
        "In-Reply-To: <0@example.org>",
        "References: <a@b> <0@example.org>",
        "Thread-Index: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==",
        "Importance: high",
        "X-Priority: 1",
        "Sensitivity: Company-Confidential",
        "Disposition-Notification-To: R <r@example.org>",
        "Keywords: Red, \"a, b\"",
        "X-Mailer: Pine",
    ] {
        assert!(
            eml.contains(&format!("\r\n{field}\r\n")) || eml.starts_with(field),
            "{field}\n{eml}"
        );
    }
    assert_eq!(eml.to_lowercase().matches("content-type:").count(), 1);
}

#[test]
fn pictures_that_the_html_refers_to_are_related_to_it() {
    let id = |file: AttachmentBuilder, id: &str| {
        file.set(tags::PR_ATTACH_CONTENT_ID, Value::String(id.to_owned()))
    };
    let location = Value::String("pic/c.png".to_owned());
    let message = mail("Pictures")
        .body("See picture")
        .html("<html><meta charset=windows-1252><img src=\"cid:A@1\"><img src='pic/c.png'>\u{E4}</html>")
        .attach(id(AttachmentBuilder::file("a.png", *b"a"), "<a@1>"))
        .attach(id(AttachmentBuilder::file("b.png", *b"b"), "b@1").set(tags::PR_ATTACH_FLAGS, Value::Integer32(4)))
        .attach(AttachmentBuilder::file("c.png", *b"c").set(tags::PR_ATTACH_CONTENT_LOCATION, location))
        .attach(id(AttachmentBuilder::file("d.png", *b"d"), "d@1"))
        .attach(AttachmentBuilder::file("e.pdf", vec![7; 200]));
    let eml = check(&message);
    let expected = "multipart/mixed multipart/related multipart/alternative text/plain text/html \
        image/png image/png image/png image/png application/pdf";
    assert_eq!(structure(&eml), expected);
    assert_eq!(eml.matches("Content-Disposition: inline").count(), 3);
    assert!(eml.contains("type=\"multipart/alternative\"") && eml.contains("cid:A@1"));
    assert!(eml.contains("Content-ID: <a@1>") && eml.contains("Content-Location: pic/c.png"));
}

#[test]
fn embedded_messages_are_composed_in_their_turn() {
    let inmost = mail("Inmost").body("3").attach(AttachmentBuilder::file("x.bin", vec![0; 100]));
    let inner = mail("Inner Käse").html("<p>2</p>").attach(AttachmentBuilder::message(inmost));
    let outer = mail("Outer")
        .body("1")
        .attach(AttachmentBuilder::message(inner))
        .attach(AttachmentBuilder::message(MessageBuilder::empty().body("only a body")));
    let eml = check(&outer);
    assert_eq!(eml.matches("Content-Type: message/rfc822").count(), 3);
    let boundary = |line: &str| line.contains(" boundary=\"").then(|| line.to_owned());
    let boundaries: Vec<_> = eml.split("\r\n").filter_map(boundary).collect();
    let distinct: std::collections::BTreeSet<_> = boundaries.iter().collect();
    assert_eq!((boundaries.len(), distinct.len()), (4, 4));
}

#[test]
fn every_text_may_be_beyond_ascii() {
    let name = "\u{5831}\u{544A}\u{66F8} \u{2013} Gr\u{F6}\u{DF}e.txt";
    let long = "\u{1F600}\u{E9}\u{65E5}\u{672C} ".repeat(60);
    let message =
        MessageBuilder::mail(&long, ("Jos\u{E9}, \u{5C71}\u{7530}", "jose@example.org"), TIME)
            .recipient(RecipientBuilder::to(&"\u{416}".repeat(200), "zh@example.org"))
            .recipient(RecipientBuilder::cc("\"\u{E4}\" <x>", "q@example.org"))
            .body(&"\u{65E5}\u{672C}\u{8A9E} text\n".repeat(40))
            .html(&"<p>\u{65E5}</p>".repeat(100))
            .attach(AttachmentBuilder::file(name, "Gr\u{F6}\u{DF}e"))
            .attach(AttachmentBuilder::file("latin.txt", *b"Gr\xF6\xDFe"))
            .attach(AttachmentBuilder::file(&format!("{}.pdf", "\u{65E5}".repeat(80)), *b"x"));
    let eml = check(&message);
    assert!(eml.is_ascii());
    let header = eml.split_once("\r\n\r\n").unwrap().0;
    assert!(header.split("\r\n").all(|line| line.len() <= 78), "{header}");
    assert!(
        header
            .split_whitespace()
            .filter(|word| word.starts_with("=?"))
            .all(|word| word.len() <= 75)
    );
}

#[test]
fn no_value_makes_a_field_of_its_own() {
    let evil = "x\r\nEvil: 1\r\n\r\nEvil body\0\u{2028}";
    let text = || Value::String(evil.to_owned());
    let header = |name: &str| NameKind::Name(name.to_owned());
    let file = AttachmentBuilder::file(&format!("a\";{evil}\\.txt"), *b"x")
        .set(tags::PR_ATTACH_CONTENT_ID, text())
        .set(tags::PR_ATTACH_CONTENT_LOCATION, text())
        .set(tags::PR_ATTACH_MIME_TAG, Value::String("a/b\r\nEvil: 1".to_owned()));
    let message = MessageBuilder::mail(evil, (evil, evil), TIME)
        .recipient(RecipientBuilder::to(evil, "a@b\r\nEvil: 1"))
        .recipient(RecipientBuilder::cc("a <b@c>,", "a@b>, <evil@example.org"))
        .text(tags::PR_INTERNET_MESSAGE_ID, evil)
        .text(tags::PR_INTERNET_REFERENCES, evil)
        .text(tags::PR_CONVERSATION_TOPIC, evil)
        .text(tags::PR_LIST_HELP, evil)
        .named(PS_INTERNET_HEADERS, header("X-A\r\nEvil"), PropertyType::STRING, text())
        .named(PS_INTERNET_HEADERS, header("X-B"), PropertyType::STRING, text())
        .body("body")
        .attach(file);
    let bytes = eml_of(&message);
    check_lines("injection", &bytes);
    let eml = String::from_utf8(bytes).unwrap();
    assert!(!eml.contains("\nEvil") && !eml.contains('\0'), "{eml}");
    let parsed = MessageParser::new().parse(&eml).unwrap();
    assert_eq!((parsed.attachment_count(), parsed.text_body_count()), (1, 1));
    let to: Vec<_> = parsed.cc().unwrap().iter().filter_map(|one| one.address()).collect();
    assert!(to.iter().all(|address| !address.starts_with("evil@")), "{to:?}");
    assert!(!header_names(&eml).contains(&"Evil"));
}

#[test]
fn long_values_make_no_long_lines() {
    let word = "w".repeat(5_000);
    let headers = format!("Subject: {word} {word}\r\nX-Words: {}\r\n", "word ".repeat(600));
    for message in [
        mail(&word).text(tags::PR_INTERNET_REFERENCES, &word).body(&word),
        mail("x").text(tags::PR_TRANSPORT_MESSAGE_HEADERS, &headers),
        mail("x").recipient(RecipientBuilder::cc(&word, &format!("{word}@example.org"))),
        mail("x").attach(AttachmentBuilder::file(&"n".repeat(250), *b"x")),
    ] {
        check_lines("long", &eml_of(&message));
    }
}

#[test]
fn objects_and_references() {
    let mut object = Tree::default();
    object.put("CONTENTS", vec![5; 5_000]);
    let message = mail("Methods")
        .body("x")
        .attach(AttachmentBuilder::ole("Chart", object.clone()))
        .attach(AttachmentBuilder::ole("Chart", object))
        .attach(AttachmentBuilder::reference(7, "cloud.docx", "https://example.org/c?d=1"))
        .attach(AttachmentBuilder::reference(2, "local.txt", "C:\\local.txt"))
        .attach(AttachmentBuilder::empty(0));
    let eml = check(&message);
    let expected = "multipart/mixed text/plain application/octet-stream application/octet-stream \
        text/uri-list text/plain";
    assert_eq!(structure(&eml), expected);
    assert!(eml.contains("https://example.org/c?d=3D1") && eml.contains("C:\\local.txt"));
}

/// A first part that is an attachment would be taken for the body.
#[test]
fn what_has_no_body_begins_with_an_empty_text() {
    let contact = MessageBuilder::new("IPM.Contact", "Eve").text(tags::PR_DISPLAY_NAME, "Eve");
    let eml = eml_text(&contact);
    assert_eq!(structure(&eml), "multipart/mixed text/plain text/vcard");
    assert!(eml.contains("filename=\"contact.vcf\""), "{eml}");
    let task = eml_text(&MessageBuilder::new("IPM.Task", "Report"));
    let media_type = "text/calendar; method=PUBLISH; component=VTODO";
    assert_eq!(structure(&task), format!("multipart/mixed text/plain {media_type}"));
    assert!(task.contains("filename=\"task.ics\""), "{task}");
    let file = eml_text(&mail("File").attach(AttachmentBuilder::file("a.bin", "a")));
    assert_eq!(structure(&file), "multipart/mixed text/plain application/octet-stream");
}

#[test]
fn an_appointment_says_its_component() {
    let appointment = MessageBuilder::new("IPM.Appointment", "Regatta")
        .body("x")
        .time(tags::PR_START_DATE, "2024-03-01T09:00:00Z");
    let eml = eml_text(&appointment);
    let media_type = "text/calendar; method=PUBLISH; component=VEVENT";
    assert_eq!(structure(&eml), format!("multipart/alternative text/plain {media_type}"));
}

/// Some programs write the address as the name of people whose name they do not know.
#[test]
fn a_name_that_is_the_address_is_left_out() {
    let message = MessageBuilder::mail("Twice", ("ann@example.org", "ann@example.org"), TIME)
        .recipient(RecipientBuilder::to("'Bob@example.org'", "bob@example.org"));
    let eml = check(&message);
    assert!(eml.starts_with("From: <ann@example.org>\r\nTo: <bob@example.org>\r\n"), "{eml}");
}

/// Outlook opens a draft to be edited.
#[test]
fn only_a_mail_that_was_not_sent_is_a_draft() {
    let unsent = |message: MessageBuilder| message.integer(tags::PR_MESSAGE_FLAGS, 8);
    assert!(eml_text(&unsent(mail("Draft"))).contains("\r\nX-Unsent: 1\r\n"));
    let sent = mail("Sent").integer(tags::PR_MESSAGE_FLAGS, 1);
    let task = unsent(MessageBuilder::new("IPM.Task", "Report"));
    for message in [sent, task] {
        assert!(!eml_text(&message).contains("X-Unsent"));
    }
}

/// Long texts are not kept in memory.
#[test]
fn long_texts_are_whole() {
    check(&mail("Quoted").body(&"A line with K\u{E4}se = cheese. \n".repeat(20_000)));
    check(&mail("Encoded").body(&"\u{65E5}\u{672C}\u{8A9E}\n".repeat(20_000)));
    let inner = mail("Inner").body(&"Inside\n".repeat(20_000));
    check(
        &mail("Outer").body(&"Outside\n".repeat(20_000)).attach(AttachmentBuilder::message(inner)),
    );
}

#[test]
fn signed_mail_keeps_its_entity_byte_for_byte() {
    let entity = b"Content-Type: multipart/signed; boundary=b;\n protocol=\"x\"\n\n--b\n\nsigned \xFF\n--b--\n";
    let signed = |name: &str| {
        mail("Signed")
            .text(tags::PR_MESSAGE_CLASS, name)
            .attach(AttachmentBuilder::file("smime.p7m", entity.to_vec()))
    };
    let bytes = eml_of(&signed("IPM.Note.SMIME.MultipartSigned"));
    assert!(bytes.ends_with(&[b"\r\nMIME-Version: 1.0\r\n", &entity[..]].concat()));
    let nested = eml_of(
        &mail("x")
            .body("x")
            .attach(AttachmentBuilder::message(signed("IPM.Note.SMIME.MultipartSigned"))),
    );
    assert!(nested.windows(entity.len()).any(|found| found == entity));

    let cms = b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0\x80";
    let opaque = mail("Encrypted")
        .text(tags::PR_MESSAGE_CLASS, "IPM.Note.SMIME")
        .attach(AttachmentBuilder::file("smime.p7m", cms.to_vec()));
    let eml = String::from_utf8(eml_of(&opaque)).unwrap();
    assert!(eml.contains("application/pkcs7-mime;\r\n smime-type=enveloped-data;"), "{eml}");
    assert!(eml.ends_with("\r\n\r\nMIAGCSqGSIb3DQEHA6CA"), "{eml}");
}

/// Other programs leave the class of such mail as it is of any other; a mount shows `signed/` or
/// `encrypted` in it all the same.
#[test]
fn signed_mail_of_the_usual_class_is_written_as_it_is_signed() {
    let entity = "Content-Type: multipart/signed; boundary=b\n\n--b\n\nsigned\n--b--\n";
    let cms = b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0\x80";
    let part = |content: &[u8], media_type: &str| {
        AttachmentBuilder::file("smime.p7m", content.to_vec())
            .set(tags::PR_ATTACH_MIME_TAG, Value::String(media_type.to_owned()))
    };
    let text = |message: &MessageBuilder| String::from_utf8(eml_of(message)).unwrap();
    let signed = text(&mail("Signed").attach(part(entity.as_bytes(), "multipart/signed")));
    assert!(signed.ends_with(&format!("\r\nMIME-Version: 1.0\r\n{entity}")), "{signed}");
    let encrypted = part(cms, "application/pkcs7-mime");
    let eml = text(&mail("Encrypted").attach(encrypted.clone()));
    assert!(eml.contains("\r\nContent-Type: application/pkcs7-mime;\r\n smime-type=env"), "{eml}");
    assert!(!eml.contains("multipart"), "{eml}");
    // The body of some programs is that of the signed part, and that of others is blank.
    let entity = "Content-Type: text/plain\n\nSigned words\nin two lines\n";
    for body in ["Signed words\r\nin two lines", "", " ", "\r\n"] {
        let signed =
            text(&mail("Signed").body(body).attach(part(entity.as_bytes(), "multipart/signed")));
        assert!(signed.ends_with(&format!("\r\nMIME-Version: 1.0\r\n{entity}")), "{signed}");
        let eml = text(&mail("Encrypted").body(body).attach(encrypted.clone()));
        assert_eq!(eml.contains("multipart"), body.starts_with('S'), "{eml}");
    }
    // A body without text may have a picture.
    let picture = "<html><body><img src=\"https://example.org/banner.png\"></body></html>";
    let eml = text(&mail("Encrypted").html(picture).attach(encrypted.clone()));
    assert!(eml.contains("banner.png") && eml.contains("multipart/mixed"), "{eml}");
    let own = AttachmentBuilder::file("plan 1.p7m", cms.to_vec())
        .set(tags::PR_ATTACH_MIME_TAG, Value::String("application/pkcs7-mime".to_owned()));
    assert_eq!(text(&mail("Plan").attach(own)).matches("name=\"plan 1.p7m\"").count(), 2);
    // Nothing may be lost that is beside it.
    let with_body = text(&mail("Sent on").body("See the file").attach(encrypted.clone()));
    assert!(with_body.contains("See the file") && with_body.contains("multipart/mixed"));
    let with_file = mail("Two").attach(encrypted.clone()).attach(AttachmentBuilder::file("a", "a"));
    assert!(text(&with_file).contains("multipart/mixed"));
    let contact = mail("Ann").text(tags::PR_MESSAGE_CLASS, "IPM.Contact").attach(encrypted);
    assert!(text(&contact).contains("text/vcard"));
}

#[test]
fn a_large_attachment_is_read_by_ranges() {
    let data: Vec<u8> =
        (0..20_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let message =
        mail("Large").body("x").attach(AttachmentBuilder::file("large.bin", data.clone()));
    let (_session, tree) = open(message.to_bytes());
    let whole = eml(&tree, NodeId(0));
    let parsed = MessageParser::new().parse(&whole).unwrap();
    assert!(parsed.attachment(0).unwrap().contents() == data);
    let (id, _) = tree.lookup(NodeId(0), "message.eml").unwrap();
    for offset in (0..whole.len()).step_by(1_234_567) {
        let end = whole.len().min(offset + 100_000);
        let found = tree.read(id, offset as u64, 100_000).unwrap();
        assert!(found == whole[offset..end], "{offset}");
    }
}

#[test]
fn the_part_of_a_damaged_attachment_says_what_is_missing() {
    let message =
        mail("Damaged").body("x").attach(AttachmentBuilder::file("a.bin", vec![9; 100_000]));
    let mut sectors = Sectors::new(message.to_bytes());
    let first = sectors.first(&stream_name(tags::PR_ATTACH_DATA_BIN));
    // ENDOFCHAIN after half of the stream.
    sectors.set_next(first + 100, 0xFFFF_FFFE);
    let (_session, tree) = open(sectors.bytes);
    let eml = Browser::new(&tree).read(NodeId(0), "message.eml").unwrap();
    let parsed = MessageParser::default().parse(&eml).unwrap();
    let part = parsed.attachment(0).unwrap();
    assert_eq!(part.attachment_name(), Some("a.bin.partial"));
    assert_eq!(part.contents(), vec![9; 101 * 512]);
    let missing = "expected 100000 bytes, found 51712";
    assert!(part.content_description().unwrap().contains(missing), "{part:?}");
}

#[test]
fn messages_are_embedded_as_deep_as_they_may_be() {
    let deep = (0..70).fold(mail("Inmost").body("x"), |inner, _| {
        mail("Level").body("y").attach(AttachmentBuilder::message(inner))
    });
    let eml = eml_text(&deep);
    check_lines("deep", eml.as_bytes());
    assert_eq!(eml.matches("message/rfc822").count(), 64);
    assert_eq!(eml.matches("This attachment could not be read").count(), 1);
}
