//! Which value a field has where properties are missing, contradict each other or stand elsewhere.

use msgfs::mapi::{PropertyTag, Value, tags};

use super::file;
use crate::fixture::{MessageBuilder, RecipientBuilder, one_off_entry_id};

const DN: &str = "/O=EXAMPLE/OU=FIRST/CN=RECIPIENTS/CN=ANN";
const LAST_MODIFIER_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D0B_001F);
const HEADER: &str = "Received: from a.example by b.example;\r\n Tue, 7 May 2024 16:08:10 +0000\r\n\
    From: Zo <zo@example.org>\r\nSender: Agent <agent@example.org>\r\n\
    To: Ben <ben@example.org>, cy@example.org\r\nCc: =?utf-8?Q?D=C3=B6?= <do@example.org>\r\n\
    Reply-To: desk@example.org\r\nSubject: =?utf-8?Q?=C3=9Cbung?=\r\n\
    Date: Tue, 7 May 2024 09:08:09 -0700\r\nMessage-ID: <1@example.org>\r\n\r\n";

/// The EntryID of an address book (\[MS-OXCDATA\] 2.2.5.2).
fn address_book(name: &str) -> Value {
    let head =
        b"\0\0\0\0\xDC\xA7\x40\xC8\xC0\x42\x10\x1A\xB4\xB9\x08\0\x2B\x2F\xE1\x82\x01\0\0\0\0\0\0\0";
    Value::Binary([&head[..], name.as_bytes(), b"\0"].concat())
}

#[track_caller]
fn check(message: &MessageBuilder, name: &str, expected: &str) {
    assert_eq!(file(message.to_bytes(), name).as_deref(), Some(expected), "{name}");
}

fn ex(message: MessageBuilder) -> MessageBuilder {
    message
        .text(tags::PR_SENT_REPRESENTING_NAME, "Ann")
        .text(tags::PR_SENT_REPRESENTING_ADDRTYPE, "EX")
        .text(tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS, DN)
}

#[test]
fn what_is_missing_is_taken_from_the_header() {
    let message = MessageBuilder::empty()
        .text(tags::PR_MESSAGE_CLASS, "IPM.Note")
        .text(tags::PR_TRANSPORT_MESSAGE_HEADERS, HEADER);
    for (name, expected) in [
        ("date", "2024-05-07T16:08:09Z\n"),
        ("received", "2024-05-07T16:08:10Z\n"),
        ("from", "Zo <zo@example.org>\n"),
        ("sender", "Agent <agent@example.org>\n"),
        ("to", "Ben <ben@example.org>\ncy@example.org\n"),
        ("cc", "Dö <do@example.org>\n"),
        ("reply-to", "desk@example.org\n"),
        ("subject", "Übung\n"),
        ("message-id", "<1@example.org>\n"),
    ] {
        check(&message, name, expected);
    }
    assert_eq!(file(message.to_bytes(), "bcc"), None);
    // A property wins.
    let own = message
        .text(tags::PR_SUBJECT, "Own")
        .time(tags::PR_CLIENT_SUBMIT_TIME, "2020-01-01T00:00:00Z")
        .recipient(RecipientBuilder::to("Eve", "eve@example.org"));
    check(&own, "subject", "Own\n");
    check(&own, "date", "2020-01-01T00:00:00Z\n");
    check(&own, "to", "Eve <eve@example.org>\n");
    check(&own, "cc", "Dö <do@example.org>\n");
}

#[test]
fn the_smtp_address_of_an_x_500_name_is_found_anywhere() {
    let smtp = |tag| ex(MessageBuilder::empty()).text(tag, "ann@example.org");
    let found = "Ann <ann@example.org>\n";
    let message = smtp(LAST_MODIFIER_SMTP_ADDRESS)
        .set(tags::PR_LAST_MODIFIER_ENTRYID, address_book(&DN.to_lowercase()));
    check(&message, "from", found);
    let message =
        smtp(tags::PR_LAST_MODIFIER_NAME).set(tags::PR_LAST_MODIFIER_ENTRYID, address_book(DN));
    check(&message, "from", found);
    let message =
        smtp(tags::PR_RECEIVED_BY_SMTP_ADDRESS).text(tags::PR_RECEIVED_BY_EMAIL_ADDRESS, DN);
    check(&message, "from", found);
    let message = smtp(tags::PID_TAG_RECEIVED_REPRESENTING_SMTP_ADDRESS)
        .set(tags::PR_RCVD_REPRESENTING_ENTRYID, address_book(DN));
    check(&message, "from", found);
    // A recipient of the same name.
    let ann = RecipientBuilder::to("Ann", DN)
        .set(tags::PR_ADDRTYPE, Value::String("EX".to_owned()))
        .set(tags::PR_SMTP_ADDRESS, Value::String("ann@example.org".to_owned()));
    let message = ex(MessageBuilder::empty()).recipient(ann);
    check(&message, "from", found);
    // The other way round: the recipient has the name alone.
    let bare = RecipientBuilder::to("Ann", DN)
        .set(tags::PR_ADDRTYPE, Value::String("EX".to_owned()))
        .unset(tags::PR_SMTP_ADDRESS)
        .unset(tags::PR_ENTRYID);
    let message = smtp(tags::PR_SENT_REPRESENTING_SMTP_ADDRESS).recipient(bare);
    check(&message, "to", found);
    // An EntryID instead of an address.
    let message = smtp(tags::PR_SENT_REPRESENTING_SMTP_ADDRESS)
        .text(tags::PR_SENDER_NAME, "Ann")
        .set(tags::PR_SENDER_ENTRYID, address_book(DN));
    check(&message, "sender", found);
    // Another name has no address here.
    let message = smtp(LAST_MODIFIER_SMTP_ADDRESS)
        .set(tags::PR_LAST_MODIFIER_ENTRYID, address_book("/O=EXAMPLE/CN=BOB"));
    check(&message, "from", &format!("Ann <{DN}>\n"));
}

#[test]
fn replies_go_to_addresses_of_entry_ids_of_every_kind() {
    let Value::Binary(book) = address_book(DN) else { panic!() };
    let mut list = vec![0; 8];
    for entry_id in [one_off_entry_id("Desk", "desk@example.org"), book] {
        list.extend(u32::try_from(entry_id.len()).unwrap().to_le_bytes());
        list.extend(&entry_id);
        list.resize(list.len().next_multiple_of(4), 0);
    }
    let message = ex(MessageBuilder::empty())
        .text(tags::PR_SENT_REPRESENTING_SMTP_ADDRESS, "ann@example.org")
        .text(tags::PR_REPLY_RECIPIENT_NAMES, "Desk;Ann Lee")
        .set(tags::PR_REPLY_RECIPIENT_ENTRIES, Value::Binary(list));
    check(&message, "reply-to", "Desk <desk@example.org>\nAnn Lee <ann@example.org>\n");
}

#[test]
fn an_address_that_has_a_name_in_it_is_split() {
    let message = MessageBuilder::empty()
        .text(tags::PR_SENDER_ADDRTYPE, "SMTP")
        .text(tags::PR_SENDER_EMAIL_ADDRESS, "Ann Lee <ann@example.org>");
    check(&message, "sender", "Ann Lee <ann@example.org>\n");
    let named = message.text(tags::PR_SENDER_NAME, "Ann");
    check(&named, "sender", "Ann <ann@example.org>\n");
}

#[test]
fn an_author_with_a_name_alone_has_the_address_of_the_sender_of_that_name() {
    let message = MessageBuilder::empty()
        .text(tags::PR_SENT_REPRESENTING_NAME, "Eve Ä")
        .text(tags::PR_SENDER_NAME, "Eve Ä")
        .text(tags::PR_SENDER_ADDRTYPE, "SMTP")
        .text(tags::PR_SENDER_EMAIL_ADDRESS, "eve@example.org");
    check(&message, "from", "Eve Ä <eve@example.org>\n");
    let eml = file(message.to_bytes(), "message.eml").unwrap();
    assert!(eml.starts_with("From: =?utf-8?Q?Eve_=C3=84?= <eve@example.org>\r\n"), "{eml}");
    let other = message.text(tags::PR_SENDER_NAME, "Agent");
    check(&other, "from", "Eve Ä\n");
}

#[test]
fn a_sender_without_an_address_has_not_that_of_another_person() {
    let message = |sender: &str, header: &str| {
        MessageBuilder::empty()
            .text(tags::PR_SENDER_NAME, sender)
            .text(tags::PR_TRANSPORT_MESSAGE_HEADERS, &format!("{header}\r\n\r\n"))
    };
    let from = "From: Anna Berg <anna@example.org>";
    let of_anna = |sender: &str, header: &str| {
        message(sender, header).text(tags::PR_SENT_REPRESENTING_NAME, "Anna Berg")
    };
    check(&of_anna("Just Name", from), "sender", "Just Name\n");
    check(&of_anna("Just Name", "Sender: Just Name"), "sender", "Just Name\n");
    let both = format!("{from}\r\nSender: Agent <agent@example.org>");
    check(&of_anna("Agent", &both), "sender", "Agent <agent@example.org>\n");
    check(&of_anna("anna  BERG", from), "sender", "anna  BERG <anna@example.org>\n");
    // Nobody else is named.
    check(&message("Berg", from), "sender", "Berg <anna@example.org>\n");
}

#[test]
fn an_address_is_not_lost_where_the_header_has_the_name_alone() {
    let message = MessageBuilder::mail("A", ("Ann", "ann@example.org"), "2024-05-07T16:08:10Z")
        .recipient(RecipientBuilder::to("Ben", "ben@example.org"))
        .text(
            tags::PR_TRANSPORT_MESSAGE_HEADERS,
            "From: Ann\r\nTo: Ben\r\nCc: undisclosed-recipients:;\r\n\r\n",
        );
    let eml = file(message.to_bytes(), "message.eml").unwrap();
    for line in ["From: Ann <ann@example.org>", "To: Ben <ben@example.org>"] {
        assert!(eml.contains(line), "{eml}");
    }
    assert!(eml.contains("Cc: undisclosed-recipients:;"), "{eml}");
}
