//! Recipients and attachments: their order, their kinds, and where their names come from.

use msgfs::imsg::{AttachMethod, MapiProp as _};
use msgfs::mapi::{PropertyTag, Value, tags};
use msgfs::view::NodeId;

use super::{errors, file, open, text, tree};
use crate::browse::Browser;
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder, one_off_entry_id};

fn message() -> MessageBuilder {
    MessageBuilder::new("IPM.Note", "Parts")
}

/// The names in `attachments/`.
fn attachment_names(message: &MessageBuilder) -> Vec<String> {
    let tree = tree(message.to_bytes());
    let Ok((node, _)) = tree.lookup(NodeId(0), "attachments") else { return Vec::new() };
    let listing = tree.list(node).unwrap();
    listing.entries().iter().map(|entry| entry.name.clone()).collect()
}

#[test]
fn recipients_are_in_the_order_of_their_rows() {
    let row = |row| (tags::PR_ROWID, Value::Integer32(row));
    let with = |recipient: RecipientBuilder, (tag, value)| recipient.set(tag, value);
    let message = message()
        .recipient(with(RecipientBuilder::to("third", "c@example.org"), row(9)))
        .recipient(with(RecipientBuilder::to("first", "a@example.org"), row(-0)))
        .recipient(with(RecipientBuilder::to("second", "b@example.org"), row(4)))
        .recipient(with(RecipientBuilder::cc("fourth", "d@example.org"), row(-1)));
    let bytes = message.to_bytes();
    let to = "first <a@example.org>\nsecond <b@example.org>\nthird <c@example.org>\n";
    assert_eq!(file(bytes.clone(), "to").as_deref(), Some(to));
    let numbers = open(bytes).recipients().unwrap();
    let numbers: Vec<_> = numbers.iter().map(|one| one.number().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 0, 3]);
}

#[test]
fn the_type_of_a_recipient_is_its_lowest_digit() {
    let kind = |kind: u32, name| {
        let kind = Value::Integer32(kind.cast_signed());
        RecipientBuilder::to(name, "x@example.org").set(tags::PR_RECIPIENT_TYPE, kind)
    };
    let bytes = message()
        .recipient(kind(0x1000_0001, "resent"))
        .recipient(kind(0x8000_0002, "handled"))
        .recipient(kind(3, "blind"))
        .recipient(kind(0, "originator"))
        .recipient(kind(9, "odd"))
        .recipient(RecipientBuilder::to("none", "").unset(tags::PR_RECIPIENT_TYPE))
        .to_bytes();
    let names = |path| {
        let text = file(bytes.clone(), path).unwrap_or_default();
        text.replace(" <x@example.org>", "")
    };
    assert_eq!(names("to"), "resent\nodd\nnone\n");
    assert_eq!((names("cc"), names("bcc")), ("handled\n".to_owned(), "blind\n".to_owned()));
}

#[test]
fn addresses_are_smtp_where_there_is_one() {
    let check = |expected: &str, set: &[(PropertyTag, &str)]| {
        let recipient = RecipientBuilder::to("Ann", "")
            .unset(tags::PR_SMTP_ADDRESS)
            .unset(tags::PR_ADDRTYPE)
            .unset(tags::PR_EMAIL_ADDRESS)
            .unset(tags::PR_ENTRYID);
        let recipient = set.iter().fold(recipient, |recipient, (tag, value)| {
            let value = match *tag {
                tags::PR_ENTRYID => Value::Binary(one_off_entry_id("Ann", value)),
                _ => text(value),
            };
            recipient.set(*tag, value)
        });
        let to = file(message().recipient(recipient).to_bytes(), "to");
        assert_eq!(to.as_deref(), Some(expected), "{set:?}");
    };
    let (smtp, kind, address) = (tags::PR_SMTP_ADDRESS, tags::PR_ADDRTYPE, tags::PR_EMAIL_ADDRESS);
    const DN: &str = "/o=Example/ou=Group/cn=Recipients/cn=ann";
    check("Ann <s@x.org>\n", &[(smtp, "s@x.org"), (kind, "SMTP"), (address, "a@x.org")]);
    check("Ann <s@x.org>\n", &[(smtp, "s@x.org"), (kind, "EX"), (address, DN)]);
    check("Ann <a@x.org>\n", &[(smtp, "no address"), (kind, "smtp"), (address, "a@x.org")]);
    check("Ann <e@x.org>\n", &[(kind, "EX"), (address, DN), (tags::PR_ENTRYID, "e@x.org")]);
    check("Ann <a@x.org>\n", &[(address, "a@x.org")]);
    check(&format!("Ann <{DN}>\n"), &[(kind, "EX"), (address, DN)]);
    check("Ann\n", &[]);
}

#[test]
fn an_address_stays_on_its_line() {
    let recipient = RecipientBuilder::to("Ann\r\nBcc: Eve", "ann@example.org");
    let to = file(message().recipient(recipient).to_bytes(), "to");
    assert_eq!(to.as_deref(), Some("Ann  Bcc: Eve <ann@example.org>\n"));
}

#[test]
fn numbers_of_attachments_need_not_follow_one_another() {
    let mut tree = message()
        .attach(AttachmentBuilder::file("one.txt", "1"))
        .attach(AttachmentBuilder::file("two.txt", "2"))
        .to_tree();
    tree.rename("__attach_version1.0_#00000001", "__attach_version1.0_#0000ABCD");
    let message = open(tree.to_bytes());
    assert_eq!(message.attachments().unwrap(), [0, 0xABCD]);
    assert_eq!(message.attachment(0xABCD).unwrap().number().unwrap(), 0xABCD);
    let error = message.attachment(1).unwrap_err();
    assert_eq!(error.to_string(), "/: no attachment 1");
    let path = "mapi/attachments/43981/PR_ATTACH_DATA_BIN";
    assert_eq!(file(tree.to_bytes(), path).as_deref(), Some("2"));
}

#[test]
fn every_method_has_its_kind() {
    let file = || AttachmentBuilder::file("f", "data");
    let method = |method: i32| Value::Integer32(method);
    let inner = || AttachmentBuilder::message(MessageBuilder::new("IPM.Note", "inner"));
    let check = |attachment: AttachmentBuilder, expected: AttachMethod| {
        let message = open(message().attach(attachment.clone()).to_bytes());
        let found = message.attachment(0).unwrap().method().unwrap();
        assert_eq!(found, expected, "{attachment:?}");
    };
    check(AttachmentBuilder::empty(0), AttachMethod::None);
    check(file(), AttachMethod::ByValue);
    for number in [2, 3, 4, 7] {
        let attachment = AttachmentBuilder::reference(number, "r", "//files.example.org/r");
        check(attachment, AttachMethod::ByReference);
    }
    check(inner(), AttachMethod::EmbeddedMessage);
    check(AttachmentBuilder::ole("o", Default::default()), AttachMethod::Storage);
    // Where the method contradicts what is there, what is there counts.
    for number in [0, 2, 3, 4, 5, 6, 7, 99] {
        check(file().set(tags::PR_ATTACH_METHOD, method(number)), AttachMethod::ByValue);
    }
    check(file().unset(tags::PR_ATTACH_METHOD), AttachMethod::ByValue);
    for number in [0, 1, 2, 6, 7] {
        let attachment = inner().set(tags::PR_ATTACH_METHOD, method(number));
        check(attachment, AttachMethod::EmbeddedMessage);
    }
    check(inner().unset(tags::PR_ATTACH_METHOD), AttachMethod::EmbeddedMessage);
    check(AttachmentBuilder::empty(0).unset(tags::PR_ATTACH_METHOD), AttachMethod::None);
}

#[test]
fn names_of_attachments_by_order_of_trust() {
    let check = |expected: &str, unset: &[PropertyTag], set: &[(PropertyTag, &str)]| {
        let attachment = AttachmentBuilder::file("Long name.text", "data");
        let attachment = unset.iter().fold(attachment, |one, tag| one.unset(*tag));
        let attachment =
            set.iter().fold(attachment, |one, (tag, value)| one.set(*tag, text(value)));
        assert_eq!(attachment_names(&message().attach(attachment)), [expected], "{set:?}");
    };
    let long = tags::PR_ATTACH_LONG_FILENAME;
    let (short, shown) = (tags::PR_ATTACH_FILENAME, tags::PR_DISPLAY_NAME);
    check("Long name.text", &[], &[]);
    check("LONGNA~1.TEX", &[long], &[]);
    check("Long name.text", &[long, short], &[]);
    check("Shown.text", &[long, short], &[(shown, "Shown")]);
    check("unnamed", &[long, short, shown, tags::PR_ATTACH_EXTENSION], &[]);
    check("_.._x_y", &[], &[(long, "/../x\ny. ")]);
}

#[test]
fn references_are_shown_and_not_followed() {
    let target = "\\\\files.example.org\\share\\plan.dwg";
    let message = message()
        .attach(AttachmentBuilder::reference(4, "plan.dwg", target))
        .attach(AttachmentBuilder::reference(7, "", "https://example.org/x"))
        .attach(AttachmentBuilder::empty(2).set(tags::PR_ATTACH_PATHNAME, text("C:\\P.DWG")))
        .attach(AttachmentBuilder::empty(3));
    assert_eq!(
        attachment_names(&message),
        ["plan.dwg.ref", "reference.ref", "reference (2).ref", "reference (3).ref"]
    );
    let read = |name: &str| file(message.to_bytes(), &format!("attachments/{name}")).unwrap();
    assert_eq!(read("plan.dwg.ref"), format!("{target}\n"));
    assert_eq!(read("reference.ref"), "https://example.org/x\n");
    assert_eq!(read("reference (2).ref"), "C:\\P.DWG\n");
    assert_eq!(read("reference (3).ref"), "\n");
}

#[test]
fn an_attachment_without_bytes_is_an_empty_file() {
    let message = message().attach(AttachmentBuilder::file("empty.bin", ""));
    assert_eq!(file(message.to_bytes(), "attachments/empty.bin").as_deref(), Some(""));
    let mut tree = message.to_tree();
    tree.remove("__attach_version1.0_#00000000/__substg1.0_37010102");
    assert_eq!(file(tree.to_bytes(), "attachments/empty.bin").as_deref(), Some(""));
    assert_eq!(errors(tree.to_bytes()), [""; 0]);
}

#[test]
fn thousands_of_parts() {
    // The most that [MS-OXMSG] 2.2.1 and 2.2.2 allow.
    const PARTS: usize = 2_048;
    let message = (0..PARTS).fold(message(), |message, number| {
        let name = text(&format!("r{number}"));
        message
            .recipient(RecipientBuilder::empty().set(tags::PR_DISPLAY_NAME, name))
            .attach(AttachmentBuilder::empty(0))
    });
    let tree = tree(message.to_bytes());
    let to = Browser::new(&tree).read(NodeId(0), "to").unwrap();
    assert_eq!(String::from_utf8(to).unwrap().lines().last(), Some("r2047"));
    let opened = open(message.to_bytes());
    assert_eq!(opened.attachments().unwrap().len(), PARTS);
    assert_eq!(opened.recipients().unwrap().len(), PARTS);
    assert_eq!(opened.attachment(2047).unwrap().integer(tags::PR_ATTACH_NUM), Some(2047));
}
