//! Values that follow from others, right before the save; and what of signed mail is not edited.

use msgfs::mapi::{CodePage, PropertyTag, Value, tags};
use msgfs::view::{self, Change, Error, FileAccess};

use super::editor::{Edited, letter};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

const HEADER: &str = "Received: from a by b\r\nFrom: Ann <ann@example.org>\r\n\
    Sender: Old <old@example.org>\r\nSubject: RE: Secret\r\n offer\r\nThread-Topic: Secret offer\r\n\
    To: bob@example.org,\r\n\tZed <zed@example.org>\r\nDate: Mon, 6 May 2024 07:08:09 +0000\r\n\
    Message-ID: <old@example.org>\r\nReply-To: old@example.org\r\nX-Kept: yes\r\n\r\n";

fn received() -> Edited {
    let message = MessageBuilder::mail(
        "RE: Secret offer",
        ("Ann", "ann@example.org"),
        "2024-05-06T07:08:09Z",
    )
    .text(tags::PR_NORMALIZED_SUBJECT, "Secret offer")
    .text(tags::PR_CONVERSATION_TOPIC, "Secret offer")
    .text(tags::PR_TRANSPORT_MESSAGE_HEADERS, HEADER)
    .body("Hello\r\n");
    Edited::new(&message)
}

#[track_caller]
fn check_header(edited: &Edited, has: &str, lacks: &[&str]) {
    let header = edited.text("headers").unwrap();
    let message = edited.text("message.eml").unwrap().replace("\r\n", "\n");
    for text in [&header, &message] {
        assert!(text.contains(has), "{has} in {text}");
        for old in lacks {
            assert!(!text.contains(old), "{old} in {text}");
        }
    }
    assert!(header.contains("X-Kept: yes\n") && header.starts_with("Received: from a by b\n"));
}

#[test]
fn an_old_value_is_found_in_no_header() {
    let mut edited = received();
    edited.set("subject", "AW: Öffentlich\n").unwrap();
    check_header(&edited, "Subject: =?", &["Secret", " offer"]);
    assert_eq!(edited.text("mapi/PR_NORMALIZED_SUBJECT").unwrap(), "Öffentlich");
    assert_eq!(edited.text("mapi/PR_CONVERSATION_TOPIC").unwrap(), "Öffentlich");
    assert_eq!(edited.text("mapi/PR_SUBJECT_PREFIX").unwrap(), "AW: ");
    edited.set("from", "Eve <eve@example.org>").unwrap();
    check_header(&edited, "From: Eve <eve@example.org>\n", &["ann@example.org"]);
    edited.set("sender", "New <new@example.org>").unwrap();
    check_header(&edited, "Sender: New <new@example.org>\n", &["Old <"]);
    edited.set("to", "Cat <cat@example.org>\nDan <dan@example.org>\n").unwrap();
    check_header(&edited, "To: Cat <cat@example.org>, Dan <dan@example.org>\n", &["zed@", "bob@"]);
    edited.set("date", "2020-01-02T03:04:05Z").unwrap();
    check_header(&edited, "Date: Thu, 02 Jan 2020 03:04:05 +0000\n", &["May 2024"]);
    edited.set("message-id", "<new@example.org>\n").unwrap();
    check_header(&edited, "Message-ID: <new@example.org>\n", &["<old@example.org>\nR"]);
    edited.set("reply-to", "Rep <rep@example.org>").unwrap();
    check_header(&edited, "Reply-To: Rep <rep@example.org>\n", &["old@example.org"]);
}

#[test]
fn a_sender_is_shown_as_it_was_set() {
    let mut edited = received();
    for sender in ["Just Name\n", "Joe </O=ORG/OU=X/CN=RECIPIENTS/CN=joe>\n"] {
        edited.set("sender", sender).unwrap();
        assert_eq!(edited.text("sender").unwrap(), sender);
        assert_eq!(edited.text("from").unwrap(), "Ann <ann@example.org>\n");
    }
}

#[test]
fn a_value_that_is_removed_leaves_the_header() {
    let mut edited = received();
    for (path, field) in [("subject", "Subject:"), ("reply-to", "Reply-To:"), ("to", "To: bob")] {
        // `to` is in the header alone.
        if path == "to" {
            edited.set("to", "Cat <cat@example.org>").unwrap();
        }
        edited.remove(path).unwrap();
        let header = edited.text("headers").unwrap();
        assert!(!header.contains(field), "{path}: {header}");
    }
    assert_eq!(edited.bytes("mapi/PR_NORMALIZED_SUBJECT"), None);
    assert_eq!(edited.bytes("mapi/PR_CONVERSATION_TOPIC"), None);
}

#[test]
fn the_header_follows_properties_too() {
    let mut edited = received();
    edited.set("mapi/PR_SUBJECT", "Public").unwrap();
    check_header(&edited, "Subject: Public\n", &["Secret"]);
    edited.set("mapi/PR_SENT_REPRESENTING_NAME", "Nobody").unwrap();
    check_header(&edited, "From: Nobody <ann@example.org>\n", &["From: Ann"]);
}

#[test]
fn what_recipients_and_attachments_make_is_right_before_the_save() {
    let mut edited = Edited::new(&letter());
    edited.set("to", "Ann <ann@x.yy>\nBob <bob@example.org>").unwrap();
    assert_eq!(edited.text("mapi/PR_DISPLAY_TO").unwrap(), "Ann; Bob");
    edited.remove("cc").unwrap();
    assert_eq!(edited.bytes("mapi/PR_DISPLAY_CC"), None);
    edited.remove("attachments/outer.txt").unwrap();
    assert_eq!(edited.text("mapi/PR_HASATTACH").unwrap(), "true\n");
    edited.remove("attachments/Inner.msg").unwrap();
    assert_eq!(edited.text("mapi/PR_HASATTACH").unwrap(), "false\n");
    edited.set("attachments/a.txt", "a").unwrap();
    assert_eq!(edited.text("mapi/PR_HASATTACH").unwrap(), "true\n");
}

#[test]
fn smart_no_attach_follows_the_attachments() {
    let tag = PropertyTag::new(0, msgfs::mapi::PropertyType::BOOLEAN);
    let name = msgfs::mapi::NameKind::Lid(0x8514);
    let message = MessageBuilder::new("IPM.Note", "A").named(
        msgfs::mapi::sets::PSETID_COMMON,
        name,
        tag.property_type(),
        Value::Boolean(true),
    );
    let mut edited = Edited::new(&message);
    let path = "mapi/named/PSETID_Common/PidLidSmartNoAttach";
    assert_eq!(edited.text(path).unwrap(), "true\n");
    edited.set("attachments/a.txt", "a").unwrap();
    assert_eq!(edited.text(path).unwrap(), "false\n");
    edited.remove("attachments/a.txt").unwrap();
    assert_eq!(edited.text(path).unwrap(), "true\n");
}

#[test]
fn a_renamed_attachment_has_the_type_of_its_name() {
    let mut edited = Edited::new(&letter());
    edited.set("attachments/scan.pdf", "%PDF").unwrap();
    let of = |edited: &Edited, tag: &str| {
        let path = (0..9).map(|n| format!("mapi/attachments/{n}"));
        let mut found = path.filter_map(|path| {
            let name = edited.text(&format!("{path}/PR_ATTACH_LONG_FILENAME"))?;
            name.starts_with("scan").then(|| edited.text(&format!("{path}/{tag}")))
        });
        found.next().unwrap()
    };
    assert_eq!(of(&edited, "PR_ATTACH_MIME_TAG").unwrap(), "application/pdf");
    edited.rename("attachments/scan.pdf", "attachments/scan.PNG").unwrap();
    assert_eq!(of(&edited, "PR_ATTACH_MIME_TAG").unwrap(), "image/png");
    assert_eq!(of(&edited, "PR_ATTACH_EXTENSION").unwrap(), ".PNG");
    edited.rename("attachments/scan.PNG", "attachments/scan 2.png").unwrap();
    assert_eq!(of(&edited, "PR_ATTACH_MIME_TAG").unwrap(), "image/png");
    edited.rename("attachments/scan 2.png", "attachments/scan").unwrap();
    assert_eq!(
        (of(&edited, "PR_ATTACH_MIME_TAG"), of(&edited, "PR_ATTACH_EXTENSION")),
        (None, None)
    );
}

#[test]
fn a_rename_onto_an_attachment_replaces_its_bytes_only() {
    let mut edited = Edited::new(&letter());
    edited.set("mapi/attachments/0/PR_ATTACH_CONTENT_ID", "logo@x").unwrap();
    edited.set("mapi/attachments/0/PR_ATTACH_FLAGS", "4").unwrap();
    edited.set("mapi/attachments/0/PR_RENDERING_POSITION", "17").unwrap();
    edited.set("attachments/new.tmp", "new bytes").unwrap();
    edited.rename("attachments/new.tmp", "attachments/outer.txt").unwrap();
    assert_eq!(edited.text("attachments/outer.txt").unwrap(), "new bytes");
    assert_eq!(edited.bytes("attachments/new.tmp"), None);
    assert_eq!(edited.text("mapi/attachments/0/PR_ATTACH_CONTENT_ID").unwrap(), "logo@x");
    assert_eq!(edited.text("mapi/attachments/0/PR_ATTACH_FLAGS").unwrap(), "4\n");
    assert_eq!(edited.text("mapi/attachments/0/PR_RENDERING_POSITION").unwrap(), "17\n");
    assert_eq!(
        edited.text("mapi/attachments/0/PR_ATTACH_SIZE").map(|size| size != "0\n"),
        Some(true)
    );
    edited.save();
    assert_eq!(edited.text("attachments/outer.txt").unwrap(), "new bytes");
}

#[test]
fn bodies_and_attachments_of_signed_mail_are_not_edited() {
    let signed = b"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; \
        boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b--\r\n";
    let mut edited = Edited::new(
        &MessageBuilder::new("IPM.Note.SMIME.MultipartSigned", "Signed")
            .body("Hello\r\n")
            .attach(AttachmentBuilder::file("smime.p7m", signed.to_vec())),
    );
    assert!(edited.text("signed/body.txt").is_some() || edited.bytes("encrypted").is_some());
    for path in ["body.txt", "body.html", "mapi/PR_BODY", "attachments/smime.p7m", "attachments/x"]
    {
        let FileAccess::ReadOnly(reason) = edited.access(path) else { panic!("{path}") };
        assert!(reason.contains("signed"), "{path}: {reason}");
        assert!(matches!(view::check_open(&edited.tree(), path), Err(Error::NotSettable(_))));
        assert!(matches!(edited.set(path, "x"), Err(Error::NotSettable(_))), "{path}");
    }
    assert!(edited.remove("attachments/smime.p7m").is_err());
    assert!(edited.rename("attachments/smime.p7m", "attachments/x").is_err());
    assert_eq!(edited.set("subject", "Another").unwrap(), Change::Made);
    // A copy of such a message is made of its files.
    let mut made = Edited::created();
    made.set("class", "IPM.Note.SMIME.MultipartSigned").unwrap();
    made.set("attachments/smime.p7m", signed).unwrap();
    made.set("body.txt", "Hello\n").unwrap();
}

/// A message of 8-bit strings that are ASCII, and of which no page is stated.
fn ascii(internet_code_page: i32) -> MessageBuilder {
    MessageBuilder::empty()
        .text(tags::PR_MESSAGE_CLASS, "IPM.Note")
        .text(tags::PR_SUBJECT, "Plain")
        .integer(tags::PR_INTERNET_CPID, internet_code_page)
        .ansi(CodePage::WINDOWS_1252)
}

/// Where a message has no `PR_MESSAGE_CODEPAGE`, readers find the page of its 8-bit strings by all
/// of them. A text that is set must not make them find another one than that it is stored in.
#[test]
fn a_text_is_read_as_it_was_set_where_no_code_page_is_stated() {
    let utf8 = ascii(65001);
    let with_locale = utf8.clone().integer(tags::PR_MESSAGE_LOCALE_ID, 1033);
    for (message, is_told) in [(ascii(0), true), (utf8, true), (with_locale, false)] {
        for text in ["Ø", "é", "Größe", "naïve café", "Ã©"] {
            let mut edited = Edited::new(&message);
            edited.set("subject", text).unwrap();
            assert_eq!(edited.text("subject").unwrap(), format!("{text}\n"));
            edited.save();
            assert_eq!(edited.text("subject").unwrap(), format!("{text}\n"));
            let told = edited.text("mapi/PR_MESSAGE_CODEPAGE");
            let expected = (is_told || text == "Ã©").then(|| "1252\n".to_owned());
            assert_eq!(told, expected, "{text}");
            assert!(!edited.text("message.json").unwrap().contains("guess"));
        }
        let mut edited = Edited::new(&message);
        edited.set("subject", "Also ASCII").unwrap();
        assert_eq!(edited.bytes("mapi/PR_MESSAGE_CODEPAGE"), None);
    }
}

/// What is guessed as before stays a guess: nobody has said what it is.
#[test]
fn a_guessed_code_page_is_not_stated_by_an_edit() {
    let russian = "Добрый день! Высылаю вам отчёт за прошлый месяц, как договаривались.";
    let message = ascii(0).text(tags::PR_SUBJECT, russian).ansi(CodePage::new(1251).unwrap());
    let mut edited = Edited::new(&message);
    edited.set("importance", "high").unwrap();
    edited.set("body.txt", "Спасибо, всё получили, до встречи в понедельник!\n").unwrap();
    assert_eq!(edited.text("subject").unwrap(), format!("{russian}\n"));
    assert_eq!(edited.bytes("mapi/PR_MESSAGE_CODEPAGE"), None);
    edited.set("subject", "Also ASCII").unwrap();
    edited.set("body.txt", "All ASCII\n").unwrap();
    assert_eq!(edited.bytes("mapi/PR_MESSAGE_CODEPAGE"), None);
}

const ANN: &str = "/O=EXAMPLE/CN=RECIPIENTS/CN=ANN";
const BOB: &str = "/O=EXAMPLE/CN=RECIPIENTS/CN=BOB";

/// A person in an organization, whose SMTP address may be known.
fn insider(recipient: RecipientBuilder, x500: &str, smtp: Option<&str>) -> RecipientBuilder {
    let recipient = recipient
        .set(tags::PR_ADDRTYPE, string("EX"))
        .set(tags::PR_EMAIL_ADDRESS, string(x500))
        .unset(tags::PR_ENTRYID)
        .unset(tags::PR_SEARCH_KEY)
        .unset(tags::PR_SMTP_ADDRESS);
    match smtp {
        Some(smtp) => recipient.set(tags::PR_SMTP_ADDRESS, string(smtp)),
        None => recipient,
    }
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// A message from Ann, whose SMTP address only the recipients have.
fn internal() -> MessageBuilder {
    let message = MessageBuilder::new("IPM.Note", "Lunch")
        .recipient(insider(RecipientBuilder::to("Ann", ""), ANN, Some("ann@example.org")))
        .recipient(insider(RecipientBuilder::to("Bob", ""), BOB, Some("bob@example.org")))
        .recipient(insider(RecipientBuilder::cc("Bob", ""), BOB, None));
    [
        (tags::PR_SENDER_NAME, "Ann"),
        (tags::PR_SENDER_ADDRTYPE, "EX"),
        (tags::PR_SENDER_EMAIL_ADDRESS, ANN),
        (tags::PR_SENT_REPRESENTING_NAME, "Ann"),
        (tags::PR_SENT_REPRESENTING_ADDRTYPE, "EX"),
        (tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS, ANN),
    ]
    .into_iter()
    .fold(message, |message, (tag, text)| message.text(tag, text))
}

/// Who is shown with an address of another person's entry keeps it if that entry goes.
#[test]
fn an_edit_takes_no_address_from_others() {
    let shown = |edited: &Edited, path: &str| edited.text(path).unwrap();
    let (ann, bob) = ("Ann <ann@example.org>\n", "Bob <bob@example.org>\n");
    let mut edited = Edited::new(&internal());
    for path in ["from", "sender"] {
        assert_eq!(shown(&edited, path), ann);
    }
    edited.set("to", "Cat <cat@example.org>\n").unwrap();
    for (path, expected) in [("from", ann), ("sender", ann), ("cc", bob)] {
        assert_eq!(shown(&edited, path), expected, "{path}");
    }
    edited.remove("to").unwrap();
    assert_eq!(shown(&edited, "from"), ann);
    // Who is edited loses the address.
    edited.set("from", "Ann\n").unwrap();
    assert_eq!(shown(&edited, "from"), "Ann\n");

    let header = "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\n\r\n";
    let message = internal().text(tags::PR_TRANSPORT_MESSAGE_HEADERS, header);
    let mut edited = Edited::new(&message);
    edited.set("to", "Cat <cat@example.org>\n").unwrap();
    assert_eq!(edited.text("mapi/PR_SENDER_SMTP_ADDRESS"), None);
    edited.remove("headers").unwrap();
    for path in ["from", "sender"] {
        assert_eq!(shown(&edited, path), ann);
    }
}

/// Who is known only from the header keeps the address when the field is written anew.
#[test]
fn an_edit_of_a_field_keeps_the_addresses_that_its_header_gives() {
    let header = "From: Eve <eve@example.org>\r\nTo: Ann <ann@example.org>\r\n\r\n";
    let message = MessageBuilder::new("IPM.Note", "Lunch")
        .text(tags::PR_TRANSPORT_MESSAGE_HEADERS, header)
        .recipient(insider(RecipientBuilder::to("Ann", ""), ANN, None));
    let mut edited = Edited::new(&message);
    assert_eq!(edited.text("to").unwrap(), "Ann <ann@example.org>\n");
    let both = "Ann <ann@example.org>\nBob <bob@example.org>\n";
    edited.set("to", both).unwrap();
    assert_eq!(edited.text("to").unwrap(), both);
    let header = edited.text("headers").unwrap();
    assert!(header.contains("Ann <ann@example.org>, Bob <bob@example.org>"), "{header}");
}
