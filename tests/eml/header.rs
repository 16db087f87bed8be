//! The header of `message.eml` is one that every program can read.

use msgfs::mapi::{Value, tags};

use super::made::mail;
use super::{check_lines, eml_of};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

/// The lines of the header of a message, which is all ASCII. A folded line is one.
fn header(message: &MessageBuilder) -> Vec<String> {
    let eml = eml_of(message);
    check_lines("header", &eml);
    assert!(eml.is_ascii(), "{}", String::from_utf8_lossy(&eml));
    let eml = String::from_utf8(eml).unwrap();
    let header = eml.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " ");
    header.split("\r\n").map(str::to_owned).collect()
}

fn received(fields: &str) -> MessageBuilder {
    mail("Lunch").body("x").text(tags::PR_TRANSPORT_MESSAGE_HEADERS, fields)
}

#[track_caller]
fn check(message: &MessageBuilder, expected: &[&str]) {
    let header = header(message);
    for line in expected {
        assert!(header.iter().any(|found| found == line), "{line} in {header:#?}");
    }
}

#[test]
fn a_received_field_that_no_program_can_read_is_made_anew() {
    let fields = "From: Ann of the office\r\nTo: Bob <>\r\nDate: nonsense\r\nMessage-ID: 17\r\n\
                  References:\r\n 18\r\nSubject: Lunch\r\n\r\n";
    let message = received(fields)
        .text(tags::PR_INTERNET_MESSAGE_ID, "<1@example.org>")
        .text(tags::PR_INTERNET_REFERENCES, "<0@example.org>");
    let made = [
        "From: Ann Lee <ann@example.org>",
        "To: Bob <bob@example.org>",
        "Date: Thu, 29 Feb 2024 12:34:56 +0000",
        "Message-ID: <1@example.org>",
        "References: <0@example.org>",
    ];
    check(&message, &made);
    // What is in its place may say less.
    check(&received("Message-ID: 17\r\nSubject: Lunch\r\n\r\n"), &["Message-ID: 17"]);
    // What can be read stays, also if a property says otherwise.
    let fields = [
        "From: Eve <eve@example.org>",
        "To: friends: ;",
        "Date: Fri, 1 Mar 2024 10:00:00 +0100 (CET)",
        "Message-ID:  <17>",
    ];
    let message = received(&(fields.join("\r\n") + "\r\n\r\n"));
    check(&message.text(tags::PR_INTERNET_MESSAGE_ID, "<1@example.org>"), &fields);
}

#[test]
fn an_address_is_ascii_or_part_of_a_name() {
    let from = |address: &str| {
        MessageBuilder::mail("x", ("Jo", address), "2024-03-01T10:00:00Z")
            .recipient(RecipientBuilder::to("Zo\u{EB}", "zo\u{EB}@example.org"))
            .body("x")
    };
    let to = "To: =?utf-8?Q?Zo=C3=AB_zo=C3=AB=40example=2Eorg?=:;";
    check(&from("j@ex\u{E4}mple.com"), &["From: Jo <j@xn--exmple-cua.com>", to]);
    let headers = "From: J\u{F6} <j@ex\u{E4}mple.com>\r\nTo: \"Lee, A\" <a@b.c>, z\u{F6}@b.c,\r\n \
                   <'\u{A0}>\r\nCc: d@\u{4F8B}.com\r\nX-Word: \u{E9}t\u{E9}\r\n\r\n";
    let expected = [
        "From: =?utf-8?B?SsO2?= <j@xn--exmple-cua.com>",
        "To: \"Lee, A\" <a@b.c>, =?utf-8?B?esO2QGIuYw==?=:;, <'>",
        "Cc: <d@xn--fsq.com>",
        "X-Word: =?utf-8?B?w6l0w6k=?=",
    ];
    check(&received(headers), &expected);
}

/// A browser asks for `cid:%C3%A4` if the body says `cid:ä`.
#[test]
fn a_content_id_is_as_in_its_url() {
    let picture = AttachmentBuilder::file("a.png", "x")
        .set(tags::PR_ATTACH_CONTENT_ID, Value::String("\u{E4}@x".to_owned()));
    let eml = eml_of(&mail("x").html("<img src=\"cid:\u{E4}@x\">").attach(picture));
    let eml = String::from_utf8(eml).unwrap();
    assert!(eml.is_ascii() && eml.contains("\r\nContent-ID: <%C3%A4@x>\r\n"), "{eml}");
}
