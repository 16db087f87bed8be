//! What is made of the content of attachments: signed mail, `winmail.dat`, OLE objects,
//! MacBinary; and the text of reports.

use std::collections::BTreeMap;
use std::fs;

use msgfs::body::html;
use msgfs::imsg::Defect;
use msgfs::mail::{Mail, Marks, PageOptions, Printing, utc_time};
use msgfs::mapi::{CodePage, Value, tags};
use msgfs::view::{FileKind, NodeId, is_message_entry};

use crate::browse::{Browser, open};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder, Tree};

pub(crate) const ENTITY: &str = "Subject: Signed subject\nFrom: Ann <ann@example.org>\n\
    To: bob@example.org, \"Carl C.\" <carl@example.org>\nDate: Fri, 1 Mar 2024 10:00:00 +0100\n\
    Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n\
    <p>Hello <img src=\"cid:1@x\"></p>\n--b\nContent-Type: image/png; name=\"dot/.png\"\n\
    Content-ID: <1@x>\nContent-Transfer-Encoding: base64\n\nAAEC\n--b--\n";

pub(crate) fn mail(class: &str) -> MessageBuilder {
    MessageBuilder::mail("Outer", ("Ann", "ann@example.org"), "2024-03-01T10:00:00Z")
        .text(tags::PR_MESSAGE_CLASS, class)
}

pub(crate) fn wrapped(name: &str, media_type: &str, data: &[u8]) -> AttachmentBuilder {
    AttachmentBuilder::file(name, data)
        .set(tags::PR_ATTACH_MIME_TAG, Value::String(media_type.to_owned()))
}

/// Checks every file that a message lists below a directory, by path and text.
fn check(message: &MessageBuilder, directory: &str, expected: &[(&str, &str)]) {
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    let node = browser.walk(NodeId(0), directory).unwrap();
    let contents = browser.contents(node);
    let found: Vec<_> = contents
        .iter()
        .map(|(path, content)| {
            let text = String::from_utf8_lossy(content);
            if path == "body.html" {
                assert!(text.contains("Content-Security-Policy"), "{text}");
                return (path.as_str(), html::undo(&text).into());
            }
            (path.as_str(), text)
        })
        .collect();
    let found: Vec<_> = found.iter().map(|(path, text)| (*path, text.as_ref())).collect();
    assert_eq!(found, expected);
    for file in browser.everything(NodeId(0)) {
        assert_eq!(file.content.unwrap().len() as u64, file.size, "{}", file.path);
    }
}

fn check_names(message: &MessageBuilder, directory: &str, has: &[&str], lacks: &[&str]) {
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    let node =
        if directory.is_empty() { NodeId(0) } else { browser.walk(NodeId(0), directory).unwrap() };
    let listing = tree.list(node).unwrap();
    for name in has {
        assert!(listing.find(name).is_some(), "no {name} in {}", browser.names(node));
    }
    for name in lacks {
        assert!(listing.find(name).is_none(), "{name} in {}", browser.names(node));
    }
}

fn element(identifier: u8, contents: &[u8]) -> Vec<u8> {
    let len = u32::try_from(contents.len()).unwrap();
    [&[identifier, 0x84], len.to_be_bytes().as_slice(), contents].concat()
}

fn indefinite(identifier: u8, contents: &[u8]) -> Vec<u8> {
    [&[identifier, 0x80], contents, &[0, 0]].concat()
}

/// A cryptographic message as Outlook stores one: lengths unknown, the content in pieces.
fn cryptographic(kind: u8, fields: &[u8]) -> Vec<u8> {
    let oid = element(6, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, kind]);
    // The short form, as every writer has it for identifiers.
    let oid = [&[6, 9], &oid[6..]].concat();
    indefinite(0x30, &[oid, indefinite(0xA0, &indefinite(0x30, fields))].concat())
}

pub(crate) fn signed(entity: &str) -> Vec<u8> {
    let pieces: Vec<_> =
        entity.as_bytes().chunks(100).flat_map(|piece| element(4, piece)).collect();
    let content = indefinite(0xA0, &indefinite(0x24, &pieces));
    let data = element(6, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1]);
    let encapsulated = indefinite(0x30, &[data, content].concat());
    cryptographic(2, &[element(2, &[1]), element(0x31, &[]), encapsulated].concat())
}

fn enveloped() -> Vec<u8> {
    let name = element(0x30, &[element(6, &[0x55, 4, 3]), element(0x13, b"Example CA")].concat());
    let issuer = element(0x30, &element(0x31, &name));
    let id = element(0x30, &[issuer, element(2, &[0x12, 0xAB])].concat());
    let recipient = element(0x30, &[element(2, &[0]), id].concat());
    cryptographic(3, &[element(2, &[0]), element(0x31, &recipient)].concat())
}

const SIGNED_FILES: [(&str, &str); 10] = [
    ("subject", "Signed subject\n"),
    ("from", "Ann <ann@example.org>\n"),
    ("sender", "Ann <ann@example.org>\n"),
    ("to", "bob@example.org\nCarl C. <carl@example.org>\n"),
    ("date", "2024-03-01T09:00:00Z\n"),
    ("class", "IPM.Note\n"),
    (
        "headers",
        "Subject: Signed subject\nFrom: Ann <ann@example.org>\nTo: bob@example.org, \"Carl C.\" \
         <carl@example.org>\nDate: Fri, 1 Mar 2024 10:00:00 +0100\nContent-Type: \
         multipart/related; boundary=b\n",
    ),
    ("body.txt", "Hello [dot_.png]\n"),
    ("body.html", "<p>Hello <img src=\"attachments/dot_.png\"></p>"),
    ("attachments/dot_.png", "\0\u{1}\u{2}"),
];

#[test]
fn opaque_signed_mail_is_shown() {
    let p7m = signed(ENTITY);
    let message =
        mail("IPM.Note.SMIME").attach(wrapped("smime.p7m", "application/pkcs7-mime", &p7m));
    check(&message, "signed", &SIGNED_FILES);
    check_names(&message, "", &["signed", "attachments"], &["encrypted", "ERRORS"]);
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    assert_eq!(browser.read(NodeId(0), "attachments/smime.p7m"), Some(p7m));
    assert_eq!(tree.lookup(NodeId(0), "signed").unwrap().1, FileKind::Directory);
    assert!(is_message_entry("signed") && is_message_entry("encrypted"));
}

#[test]
fn clear_signed_mail_is_shown() {
    let entity = format!(
        "Content-Type: multipart/signed; boundary=s\n\n--s\n{ENTITY}\n--s\n\
         Content-Type: application/pkcs7-signature\n\nAAAA\n--s--\n"
    );
    let class = "IPM.Note.SMIME.MultipartSigned";
    let attachment = || wrapped("smime.p7m", "multipart/signed", entity.as_bytes());
    let mut expected = SIGNED_FILES;
    expected[6].1 = "Content-Type: multipart/signed; boundary=s\n";
    check(&mail(class).attach(attachment()), "signed", &expected);
    check(&mail("IPM.Note").attach(attachment()), "signed", &expected);
    let untyped = AttachmentBuilder::file("x", entity.as_bytes());
    check(&mail(class).attach(untyped), "signed", &expected);
    let second = AttachmentBuilder::file("x", b"x");
    check_names(&mail("IPM.Note").attach(attachment()).attach(second), "", &[], &["signed"]);
    check_names(&mail("IPM.Note").attach(AttachmentBuilder::file("x", b"x")), "", &[], &["signed"]);
    let inner = MessageBuilder::mail("Inner", ("Ann", "ann@example.org"), "2024-03-01T10:00:00Z")
        .text(tags::PR_MESSAGE_CLASS, class)
        .attach(attachment());
    let outer = mail("IPM.Note").attach(AttachmentBuilder::message(inner));
    check(&outer, "attachments/Inner.msg/signed", &expected);
}

#[test]
fn encrypted_mail_names_its_recipients() {
    let attachment = |data: &[u8]| wrapped("smime.p7m", "application/pkcs7-mime", data);
    let message = mail("IPM.Note.SMIME").attach(attachment(&enveloped()));
    check_names(&message, "", &["encrypted"], &["signed", "ERRORS"]);
    let tree = open(message.to_bytes());
    let text = Browser::new(&tree).read(NodeId(0), "encrypted").unwrap();
    let expected = "This message is encrypted and cannot be shown. It is encrypted for the keys \
                    of:\nissuer CN=Example CA; serial 12AB\n";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    let (node, kind) = tree.lookup(NodeId(0), "encrypted").unwrap();
    assert_eq!(kind, FileKind::File);
    assert!(tree.list(node).is_err());
}

/// What is made for people has the signed body and its attachments where the message has no body.
#[test]
fn opaque_signed_mail_is_shown_as_its_content() {
    let part = wrapped("smime.p7m", "application/pkcs7-mime", &signed(ENTITY));
    let mail = Mail::from_bytes(mail("IPM.Note.SMIME").attach(part).to_bytes()).unwrap();
    assert_eq!(mail.text().unwrap(), None);
    let [signed] = mail.wrapped().try_into().unwrap();
    assert_eq!(signed.path, "signed");
    assert_eq!(signed.mail.subject().unwrap().unwrap(), "Signed subject");
    assert!(signed.mail.text().unwrap().unwrap().starts_with("Hello"));
    assert_eq!(mail.shown_text().unwrap(), signed.mail.text().unwrap());
    assert_eq!(mail.shown_html().unwrap(), signed.mail.html().unwrap());
    assert!(mail.shown_html().unwrap().is_some());
    let mut text = Vec::new();
    mail.print(Printing { time: &utc_time, marks: Marks::default() }, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("smime.p7m") && text.contains("dot_.png (image/png"), "{text}");
    assert!(text.contains("\nHello"), "{text}");
    let mut page = Vec::new();
    let options = PageOptions { time: &utc_time, href: None, navigation: "" };
    mail.write_page(options, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    // The picture is in the frame.
    assert!(page.contains("<iframe") && page.contains("data:image/png;base64,AAEC"), "{page}");
    assert!(page.contains("<li>dot_.png"), "{page}");
}

#[test]
fn damaged_signed_mail_says_so() {
    let p7m = signed(ENTITY);
    let cut = &p7m[..p7m.len() - 60];
    let message =
        mail("IPM.Note.SMIME").attach(wrapped("smime.p7m", "application/pkcs7-mime", cut));
    check_names(&message, "signed", &["subject", "body.txt", "ERRORS"], &[]);
    let message =
        mail("IPM.Note.SMIME").attach(wrapped("smime.p7m", "application/pkcs7-mime", &p7m[..40]));
    check(&message, "signed", &[("ERRORS", "/: cryptographic message without its content\n")]);
    // The message itself knows of it too: so do show, find and tables.
    let defects = Mail::from_bytes(message.to_bytes()).unwrap().defects().unwrap();
    let shown: Vec<_> = defects.iter().map(ToString::to_string).collect();
    let place = "/__attach_version1.0_#00000000/signed/";
    assert_eq!(shown, [format!("{place}: cryptographic message without its content")]);
}

/// An entity with a text and a file, which ends so.
fn entity_with_file(end: &str) -> Vec<u8> {
    let entity = "Subject: Files\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n\
                  Content-Type: application/pdf; name=x.pdf\n\
                  Content-Transfer-Encoding: base64\n\nZm9v\n";
    format!("{entity}{end}").into_bytes()
}

#[test]
fn an_attachment_of_attached_or_signed_mail_that_is_cut_is_partial() {
    let whole = entity_with_file("Zm8=\n--b--\n");
    let cut = entity_with_file("Zm9vY");
    let group = "the part ends within a group of base64\n";
    for (kept, name, told) in [(&whole, "x.pdf", ""), (&cut, "x.pdf.partial", group)] {
        let signed = wrapped("smime.p7m", "multipart/signed", kept);
        let attached = mail("IPM.Note").body("x").attach(AttachmentBuilder::file("a.eml", &**kept));
        for (message, inside) in [
            (attached, "attachments/a.eml.d"),
            (mail("IPM.Note.SMIME.MultipartSigned").attach(signed), "signed"),
        ] {
            let tree = open(message.to_bytes());
            let browser = Browser::new(&tree);
            let node = browser.walk(NodeId(0), inside).unwrap();
            let errors = browser.read(node, "ERRORS").unwrap_or_default();
            let errors = String::from_utf8(errors).unwrap();
            assert!(errors.ends_with(told) && errors.is_empty() == told.is_empty(), "{errors}");
            let file = browser.read(node, &format!("attachments/{name}")).unwrap();
            assert!(file.starts_with(b"foofo"), "{file:?}");
            let eml = browser.read(node, "message.eml").unwrap();
            assert_eq!(String::from_utf8(eml).unwrap().contains(".partial"), !told.is_empty());
        }
    }
}

#[test]
fn the_header_of_attached_mail_says_how_it_weighs() {
    let eml = |header: &str| {
        let eml = format!("From: a@b.c, d@e.f\n{header}\n\ntext");
        let message = mail("IPM.Note").body("x").attach(AttachmentBuilder::file("a.eml", eml));
        let tree = open(message.to_bytes());
        let browser = Browser::new(&tree);
        let node = browser.walk(NodeId(0), "attachments/a.eml.d").unwrap();
        ["importance", "mapi/PR_SENSITIVITY"]
            .map(|name| browser.read(node, name).map(|one| String::from_utf8(one).unwrap()))
            .map(Option::unwrap_or_default)
            .concat()
    };
    assert_eq!(eml("Importance: High"), "high\n");
    assert_eq!(eml("X-Priority: 1 (Highest)\nSensitivity: Private"), "high\n2\n");
    assert_eq!(eml("Importance: low\nX-Priority: 1"), "low\n");
    assert_eq!(eml("Importance: very"), "");
}

/// Nobody can verify the part without it.
#[test]
fn the_signature_of_pgp_is_an_attachment() {
    let pgp = "Content-Type: multipart/signed; boundary=s;\n protocol=\"application/pgp-signature\"\n\n\
               --s\n\nsigned\n--s\nContent-Type: application/pgp-signature; name=signature.asc\n\n\
               SIGNATURE\n--s--\n";
    let message = mail("IPM.Note").body("x").attach(AttachmentBuilder::file("a.eml", pgp));
    check(&message, "attachments/a.eml.d/attachments", &[("signature.asc", "SIGNATURE")]);
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    let node = browser.walk(NodeId(0), "attachments/a.eml.d").unwrap();
    let eml = String::from_utf8(browser.read(node, "message.eml").unwrap()).unwrap();
    assert!(eml.contains("application/pgp-signature") && eml.contains("signature.asc"), "{eml}");
}

/// A TNEF stream with a subject, a body and one file.
pub(crate) fn winmail(data: &[u8]) -> Vec<u8> {
    let mut stream = [0x223E_9F78_u32.to_le_bytes().as_slice(), &[1, 0]].concat();
    let mut attribute = |level: u8, id: u32, data: &[u8]| {
        let len = u32::try_from(data.len()).unwrap();
        let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        stream.extend([&[level], id.to_le_bytes().as_slice(), &len.to_le_bytes(), data].concat());
        stream.extend(sum.to_le_bytes());
    };
    attribute(1, 0x0001_8004, b"Wrapped\0");
    attribute(1, 0x0002_800C, b"Text\r\n\0");
    attribute(2, 0x0006_9002, &[0; 14]);
    attribute(2, 0x0001_8010, b"file.txt\0");
    attribute(2, 0x0006_800F, data);
    stream
}

#[test]
fn winmail_is_taken_apart() {
    let stream = winmail(b"data");
    let message = |name, media_type, data: &[u8]| {
        mail("IPM.Note")
            .attach(wrapped(name, media_type, data))
            .attach(AttachmentBuilder::file("winmail.dat.d", b"mine"))
    };
    let sound = message("winmail.dat", "application/ms-tnef", &stream);
    let names = ["winmail.dat", "winmail.dat.d", "winmail.dat (2).d"];
    check_names(&sound, "attachments", &names, &[]);
    let files = [
        ("subject", "Wrapped\n"),
        ("class", "IPM.Note\n"),
        ("body.txt", "Text\n"),
        ("attachments/file.txt", "data"),
    ];
    check(&sound, "attachments/winmail.dat (2).d", &files);
    check_names(&message("winmail.dat", "", &stream), "attachments", &names, &[]);
    check_names(&message("winmail.dat", "", b"PK\x03\x04"), "attachments", &[], &names[2..]);
    check_names(&message("x.bin", "text/plain", &stream), "attachments", &[], &["x.bin.d"]);
    let cut = message("winmail.dat", "", &stream[..stream.len() - 4]);
    let mut files = files.to_vec();
    files[3].1 = "da";
    let cause = "/: attribute 0x800F at byte 88: cut off after 2 bytes of data\n";
    check(&cut, "attachments/winmail.dat (2).d", &[&files[..], &[("ERRORS", cause)]].concat());
}

/// Mail programs show the body and the files in `winmail.dat` as those of the message.
#[test]
fn winmail_is_shown_as_part_of_the_message() {
    let part = wrapped("winmail.dat", "application/ms-tnef", &winmail(b"data"));
    let mail = Mail::from_bytes(mail("IPM.Note").attach(part).to_bytes()).unwrap();
    let [inside] = mail.wrapped().try_into().unwrap();
    assert_eq!(inside.path, "attachments/winmail.dat.d");
    assert_eq!(mail.shown_text().unwrap().unwrap(), "Text\n");
    let mut text = Vec::new();
    mail.print(Printing { time: &utc_time, marks: Marks::default() }, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("file.txt (text/plain, 4 bytes)\n\nText\n"), "{text}");
}

#[test]
fn too_large_content_is_a_defect() {
    let message = mail("IPM.Note")
        .attach(AttachmentBuilder::file("winmail.dat", winmail(&vec![0; (64 << 20) + 1])));
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    let node = browser.walk(NodeId(0), "attachments/winmail.dat.d").unwrap();
    assert_eq!(browser.names(node), "ERRORS");
}

pub(crate) fn ole(streams: &[(&str, &[u8])]) -> MessageBuilder {
    let mut storage = Tree::default();
    for (name, bytes) in streams {
        storage.put(name, *bytes);
    }
    mail("IPM.Note").attach(AttachmentBuilder::ole("Object", storage))
}

fn check_ole(message: &MessageBuilder, names: &str, content: &[u8]) {
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    let attachments = browser.walk(NodeId(0), "attachments").unwrap();
    assert_eq!(browser.names(attachments), names);
    let Some(name) = names.strip_prefix("Object.ole ") else { return };
    assert_eq!(browser.read(attachments, name).unwrap(), content);
    let (node, _) = tree.lookup(attachments, name).unwrap();
    for offset in 0..=content.len() {
        let read = tree.read(node, offset as u64, 3).unwrap();
        assert_eq!(read, content[offset..content.len().min(offset + 3)]);
    }
}

#[test]
fn ole_objects_show_what_is_inside() {
    let native = b"\x30\0\0\0\x02\0a/b.txt\0C:\\a\0\0\0\x03\0\x05\0\0\0C:\\b\0\x04\0\0\0data\0\0";
    check_ole(&ole(&[("\u{1}Ole10Native", native)]), "Object.ole a_b.txt", b"data");
    let mut bitmap = vec![40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0];
    bitmap.resize(44, 0);
    let file = [b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &bitmap].concat();
    check_ole(&ole(&[("CONTENTS", &bitmap)]), "Object.ole Object.bmp", &file);
    let streams: [(&str, &[u8]); 2] = [("\u{1}Ole10Native", b"\0\0\0\0"), ("CONTENTS", &bitmap)];
    check_ole(&ole(&streams), "Object.ole Object.bmp", &file);
    check_ole(&ole(&[("\u{1}Ole", b"nothing")]), "Object.ole", b"");
}

#[test]
fn a_file_in_an_ole_object_that_is_cut_is_partial() {
    let native = b"\x30\0\0\0\x02\0b.txt\0C:\\a\0\0\0\x03\0\x05\0\0\0C:\\b\0\x09\0\0\0data";
    let message = ole(&[("\u{1}Ole10Native", native)]);
    check_ole(&message, "Object.ole b.txt.partial", b"data");
    let findings = open(message.to_bytes()).check();
    let place = "/__attach_version1.0_#00000000/__substg1.0_3701000D/\u{1}Ole10Native";
    let cause = "a file of 9 bytes in an OLE object, found 4";
    let expected = Defect { place: place.to_owned(), cause: cause.to_owned() };
    assert_eq!(findings.defects, [expected]);
}

#[test]
fn mac_binary_shows_its_data_fork() {
    let mut file = vec![0; 128];
    file[1] = 4;
    file[2..6].copy_from_slice(b"Name");
    file[86] = 9;
    file.extend(b"data fork");
    file.resize(256, 0);
    file.extend(b"resource fork");
    let encoding = vec![0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01];
    let attachment = |data: &[u8]| {
        AttachmentBuilder::file("doc", data)
            .set(tags::PR_ATTACH_ENCODING, Value::Binary(encoding.clone()))
    };
    let unnamed = attachment(&file)
        .unset(tags::PR_ATTACH_LONG_FILENAME)
        .unset(tags::PR_ATTACH_FILENAME)
        .unset(tags::PR_DISPLAY_NAME);
    let message =
        mail("IPM.Note").attach(attachment(&file)).attach(attachment(b"plain")).attach(unnamed);
    let files = [("doc", "data fork"), ("doc (2)", "plain"), ("Name", "data fork")];
    check(&message, "attachments", &files);
    let tree = open(message.to_bytes());
    let raw = Browser::new(&tree).read(NodeId(0), "mapi/attachments/0/PR_ATTACH_DATA_BIN");
    assert_eq!(raw, Some(file));
}

#[test]
fn reports_have_a_text() {
    let recipient = RecipientBuilder::to("Bob", "bob@example.org")
        .set(tags::PR_NDR_REASON_CODE, Value::Integer32(1))
        .set(tags::PR_NDR_DIAG_CODE, Value::Integer32(0))
        .set(tags::PR_NDR_STATUS_CODE, Value::Integer32(511))
        .set(tags::PR_DSN_REMOTE_MTA, Value::String("mx.example.org".to_owned()))
        .set(tags::PR_SUPPLEMENTARY_INFO, Value::String("550 5.1.1\r\nunknown".to_owned()));
    let report = mail("REPORT.IPM.Note.NDR")
        .text(tags::PR_ORIGINAL_SUBJECT, "Offer")
        .text(tags::PID_TAG_REPORTING_MESSAGE_TRANSFER_AGENT, "mta.example.org")
        .recipient(recipient);
    let expected = "The message was not delivered.\n\nSubject: Offer\nReported by: \
                    mta.example.org\n\nRecipient: Bob <bob@example.org>\nReason: transfer \
                    impossible (1)\nDiagnostic: recipient name not recognized (0)\nStatus: 511\n\
                    Remote server: mx.example.org\nDetails: 550 5.1.1  unknown\n";
    let text = |message: &MessageBuilder| {
        let tree = open(message.to_bytes());
        let body = Browser::new(&tree).read(NodeId(0), "body.txt");
        body.map(|body| String::from_utf8(body).unwrap())
    };
    assert_eq!(text(&report).as_deref(), Some(expected));
    assert_eq!(text(&report.clone().ansi(CodePage::WINDOWS_1252)).as_deref(), Some(expected));
    assert_eq!(text(&report.body("Own text")).as_deref(), Some("Own text"));
    let receipt = mail("REPORT.IPM.Note.IPNRN")
        .text(tags::PR_ORIGINAL_SUBJECT, "Offer")
        .text(tags::PR_REPORT_TEXT, "Seen")
        .recipient(RecipientBuilder::to("Ada", "ada@example.org"))
        .time(tags::PR_REPORT_TIME, "2024-03-02T08:00:00Z");
    let receipt = text(&receipt).unwrap();
    assert!(receipt.starts_with("The message was read.\n\nSubject: Offer\n"), "{receipt}");
    assert!(receipt.contains("Time: 2024-03-02T08:00:00Z\nText: Seen\n"), "{receipt}");
    assert!(receipt.contains("Reader: ") && !receipt.contains("Ada"), "{receipt}");
    assert_eq!(text(&mail("IPM.Note")), None);
}

/// What real messages show; `--nocapture` prints it.
#[test]
fn real_messages_show_their_content() {
    let paths = crate::corpus_files::corpus_files();
    if paths.is_empty() {
        return;
    }
    let mut counts = BTreeMap::new();
    for path in paths {
        let tree = open(fs::read(&path).unwrap());
        let browser = Browser::new(&tree);
        for found in browser.everything(NodeId(0)) {
            let parts: Vec<_> = found.path.split('/').collect();
            for kind in ["signed", "encrypted"] {
                if parts.contains(&kind) {
                    *counts.entry(kind).or_insert(0) += 1;
                    let name = path.file_name().unwrap().to_string_lossy();
                    println!("{:.12} {} {}", name, found.path, found.size);
                    assert!(!found.path.ends_with("ERRORS"), "{}", found.path);
                    let len = found.content.as_ref().map(Vec::len).unwrap();
                    assert_eq!(len as u64, found.size);
                }
            }
        }
    }
    assert_eq!(counts.get("encrypted"), Some(&2));
    // Each is a whole message directory.
    assert!(counts.get("signed").is_some_and(|count| *count > 50), "{counts:?}");
}
