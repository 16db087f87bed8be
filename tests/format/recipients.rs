//! Recipients of whom the message itself has no address, or no row.

use msgfs::imsg::MapiProp as _;
use msgfs::mapi::{Value, tags};
use outlook_msg::Mail;
use outlook_msg::mail::Address;
use outlook_msg::mail::unread::{Place, check_read};

use super::{errors, file, open};
use crate::fixture::{MessageBuilder, RecipientBuilder, stream_name};

fn mail() -> MessageBuilder {
    MessageBuilder::mail("Offer", ("Ann", "ann@example.org"), "2024-02-26T05:58:12Z")
}

/// A message with this header field.
fn with_field(field: &str) -> MessageBuilder {
    mail().text(tags::PR_TRANSPORT_MESSAGE_HEADERS, &format!("Subject: Offer\r\n{field}\r\n\r\n"))
}

/// A recipient of whom there is only an X.500 name.
fn internal(recipient: RecipientBuilder, address: &str) -> RecipientBuilder {
    recipient
        .set(tags::PR_ADDRTYPE, Value::String("EX".to_owned()))
        .set(tags::PR_EMAIL_ADDRESS, Value::String(address.to_owned()))
        .unset(tags::PR_SMTP_ADDRESS)
        .unset(tags::PR_ENTRYID)
}

#[track_caller]
fn check(message: &MessageBuilder, name: &str, expected: Option<&str>) {
    let found = file(message.to_bytes(), name);
    assert_eq!(found.as_deref(), expected, "{name}");
}

#[test]
fn the_only_recipient_has_the_only_address_of_the_header() {
    let to = |name| internal(RecipientBuilder::to(name, ""), "/O=ORG/CN=BEN");
    let message = with_field("To: ben@example.org").recipient(to(""));
    check(&message, "to", Some("ben@example.org\n"));
    let message = with_field("To: \"Lee, Ben\" <ben@example.org>").recipient(to("Ben Lee"));
    check(&message, "to", Some("Ben Lee <ben@example.org>\n"));
    let x500 = Some("Ben </O=ORG/CN=BEN>\n");
    // A field of another type, two addresses, and what is no address.
    check(&with_field("Cc: ben@example.org").recipient(to("Ben")), "to", x500);
    let two = with_field("To: a@example.org, b@example.org");
    check(&two.recipient(to("Ben")), "to", x500);
    check(&with_field("To: team:;").recipient(to("Ben")), "to", x500);
    // The message knows better.
    let known = with_field("To: other@example.org").recipient(
        internal(RecipientBuilder::to("Ben", ""), "/O=ORG/CN=BEN")
            .set(tags::PR_SMTP_ADDRESS, Value::String("ben@example.org".to_owned())),
    );
    check(&known, "to", Some("Ben <ben@example.org>\n"));
}

#[test]
fn a_recipient_has_the_address_of_the_header_with_its_name() {
    let people = "\"Lee, Ben\" <ben@example.org>, Cy <cy@example.org>, Dee <d1@example.org>, \
                  Dee <d2@example.org>, Eve <eve@example.org>";
    let all = |make: fn(&str, &str) -> RecipientBuilder| {
        ["lee, ben", "Cyd", "Dee", "Eve", "Eve"]
            .into_iter()
            .enumerate()
            .map(move |(at, name)| internal(make(name, ""), &format!("/O=ORG/CN={at}")))
    };
    for (field, make) in [
        ("To", RecipientBuilder::to as fn(&str, &str) -> RecipientBuilder),
        ("Cc", RecipientBuilder::cc),
        ("Bcc", RecipientBuilder::bcc),
    ] {
        let message = with_field(&format!("{field}: {people}"));
        let message = all(make).fold(message, MessageBuilder::recipient);
        // Nobody is called Cyd in the header, two are called Dee there, and two Eve here.
        let expected = "lee, ben <ben@example.org>\nCyd </O=ORG/CN=1>\nDee </O=ORG/CN=2>\n\
                        Eve </O=ORG/CN=3>\nEve </O=ORG/CN=4>\n";
        check(&message, &field.to_lowercase(), Some(expected));
    }
}

fn named() -> MessageBuilder {
    mail()
        .text(tags::PR_DISPLAY_TO, "Bo Lee; Cy Smith; ")
        .text(tags::PR_DISPLAY_CC, "Dee")
        .text(tags::PR_DISPLAY_BCC, "Eve")
}

#[test]
fn without_recipients_their_display_names_are_shown() {
    let message = named();
    check(&message, "to", Some("Bo Lee\nCy Smith\n"));
    check(&message, "cc", Some("Dee\n"));
    check(&message, "bcc", Some("Eve\n"));
    let eml = file(message.to_bytes(), "message.eml").unwrap();
    assert!(eml.contains("\nTo: Bo Lee:;, Cy Smith:;\r\n"), "{eml}");
    assert!(!eml.contains("undisclosed"), "{eml}");
    let json = file(message.to_bytes(), "message.json").unwrap();
    let note = "the message has only these names of its recipients";
    assert_eq!(json.matches(note).count(), 3, "{json}");
    assert_eq!(errors(message.to_bytes()), [""; 0]);
}

#[test]
fn display_names_count_only_if_nothing_else_names_recipients() {
    let message = named().recipient(RecipientBuilder::to("Ben", "ben@example.org"));
    check(&message, "to", Some("Ben <ben@example.org>\n"));
    check(&message, "cc", None);
    let message = named().text(tags::PR_TRANSPORT_MESSAGE_HEADERS, "To: ben@example.org\r\n\r\n");
    check(&message, "to", Some("ben@example.org\n"));
    check(&message, "cc", Some("Dee\n"));
    // An empty text, as other programs write it, names nobody.
    check(&mail().text(tags::PR_DISPLAY_TO, " ;"), "to", None);
}

#[test]
fn a_damaged_display_name_is_no_silence() {
    let mut tree = named().to_tree();
    tree.stream(&stream_name(tags::PR_DISPLAY_TO)).truncate(6);
    let bytes = tree.to_bytes();
    assert_eq!(errors(bytes.clone()).len(), 1);
    let tree = super::tree(bytes.clone());
    let (to, _) = tree.resolve("to").unwrap();
    assert!(tree.check_whole(to).is_err());
    let (cc, _) = tree.resolve("cc").unwrap();
    assert!(tree.check_whole(cc).is_ok());
    // The name that is cut off may be the one that is looked for.
    let mail = Mail::from_bytes(bytes).unwrap();
    assert!(check_read(&mail, &[Place::Recipients]).is_err());
}

#[test]
fn an_edit_of_some_recipients_keeps_the_names_of_the_others() {
    let mut mail = Mail::from_bytes(named().to_bytes()).unwrap();
    mail.set_to(&[Address::new("Ben", "ben@example.org")]).unwrap();
    let mut saved = Vec::new();
    mail.to_msg(&mut saved).unwrap();
    let shown = |name| file(saved.clone(), name);
    assert_eq!(shown("to").as_deref(), Some("Ben <ben@example.org>\n"));
    assert_eq!(shown("cc").as_deref(), Some("Dee\n"));
    assert_eq!(shown("bcc").as_deref(), Some("Eve\n"));
    let mut mail = Mail::from_bytes(named().to_bytes()).unwrap();
    mail.set_to(&[]).unwrap();
    let mut saved = Vec::new();
    mail.to_msg(&mut saved).unwrap();
    assert_eq!(file(saved.clone(), "to"), None);
    assert_eq!(file(saved.clone(), "cc").as_deref(), Some("Dee\n"));
    assert_eq!(open(saved).text(tags::PR_DISPLAY_TO).unwrap_or_default(), "");
}
