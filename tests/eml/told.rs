//! `message.eml` of a damaged message: all that can be read is in it, and it says what is missing.

use mail_parser::{MessageParser, MimeHeaders as _};
use msgfs::mapi::sets::PSETID_APPOINTMENT;
use msgfs::mapi::{PropertyTag, Value, tags};

use super::made::{mail, structure};
use crate::calendar::blobs::SetNamed as _;
use crate::cli::shown::msgfs_in;
use crate::fixture::{AttachmentBuilder, MessageBuilder, Sectors, stream_name};
use crate::mount::folder::Folder;

/// Ends the chain of the stream of a property after its first sector.
fn cut(message: &MessageBuilder, tag: PropertyTag) -> Vec<u8> {
    let mut sectors = Sectors::new(message.to_bytes());
    let first = sectors.first(&stream_name(tag));
    sectors.set_next(first, 0xFFFF_FFFE);
    sectors.bytes
}

/// The file of a damaged message, and what it says is missing.
fn told(message: Vec<u8>) -> (String, String) {
    let folder = Folder::new().with("a.msg", message);
    let ended = msgfs_in(folder.path(), &["cat", "a.msg/message.eml"]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let eml = String::from_utf8(ended.stdout).unwrap();
    assert!(eml.ends_with("--\r\n"), "it ends early: {eml}");
    let parsed = MessageParser::new().parse(&eml).unwrap();
    let errors = parsed.attachments().find(|one| one.attachment_name() == Some("ERRORS.txt"));
    let errors = errors.unwrap_or_else(|| panic!("no ERRORS.txt in {eml}"));
    (eml.clone(), errors.text_contents().unwrap().to_owned())
}

#[test]
fn a_damaged_value_of_any_kind_is_told() {
    let long = "Long. ".repeat(2_000);
    let (eml, errors) = told(cut(&mail(&long).body("x"), tags::PR_SUBJECT));
    assert!(eml.contains("Subject: Long. Long."), "what can be read of it is there: {eml}");
    assert!(errors.contains("PR_SUBJECT") || errors.contains("0x0037001F"), "{errors}");
    let html = mail("Page").body("x").html(&long);
    let (_, errors) = told(cut(&html, tags::PR_HTML));
    assert!(errors.contains("expected 12000 bytes"), "{errors}");
    let appointment = MessageBuilder::new("IPM.Appointment", "Class")
        .lid_time(PSETID_APPOINTMENT, 0x820D, "2024-03-04T08:00:00Z")
        .lid(PSETID_APPOINTMENT, 0x8216, Value::Binary(vec![1, 2, 3]));
    let (eml, errors) = told(appointment.to_bytes());
    assert!(eml.contains("SUMMARY:Class"), "{eml}");
    assert!(errors.contains("recurrence: it cannot be read"), "{errors}");
    let contact = MessageBuilder::new("IPM.Contact", "Eve")
        .text(tags::PR_DISPLAY_NAME, "Eve")
        .text(tags::PR_COMPANY_NAME, &long);
    let (eml, errors) = told(cut(&contact, tags::PR_COMPANY_NAME));
    assert!(eml.contains("FN:Eve"), "{eml}");
    assert!(errors.contains("expected 24000 bytes"), "{errors}");
}

#[test]
fn recipients_that_cannot_be_read_are_not_said_to_be_undisclosed() {
    let mut tree = mail("Secret?").body("x").to_tree();
    tree.remove("__recip_version1.0_#00000000/__properties_version1.0");
    for name in [tags::PR_DISPLAY_NAME, tags::PR_EMAIL_ADDRESS, tags::PR_SMTP_ADDRESS] {
        let name = stream_name(name);
        tree.storage("__recip_version1.0_#00000000").put(&name, "");
    }
    let (eml, errors) = told(tree.to_bytes());
    assert!(!eml.contains("undisclosed"), "{eml}");
    assert!(errors.contains("__recip_version1.0_#00000000"), "{errors}");
    let alone = MessageBuilder::mail("Draft", ("Ann", "ann@example.org"), "2024-03-01T10:00:00Z");
    let eml = String::from_utf8(super::eml_of(&alone)).unwrap();
    assert!(eml.contains("To: undisclosed-recipients:;\r\n"), "{eml}");
}

const SIGNED: &str = "IPM.Note.SMIME.MultipartSigned";

fn entity() -> String {
    let lines = "Words that were signed.\r\n".repeat(3_000);
    format!(
        "Content-Type: multipart/signed; boundary=s;\r\n protocol=\"x\"\r\n\r\n--s\r\n\
         Content-Type: text/plain\r\n\r\n{lines}\r\n--s\r\n\
         Content-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--s--\r\n"
    )
}

/// A program that reads the cut part would take the mail for whole, though its end is missing.
#[test]
fn signed_mail_that_is_cut_is_an_attachment_that_says_so() {
    let signed = mail("Signed")
        .text(tags::PR_MESSAGE_CLASS, SIGNED)
        .attach(AttachmentBuilder::file("smime.p7m", entity()));
    let (eml, errors) = told(cut(&signed, tags::PR_ATTACH_DATA_BIN));
    assert_eq!(structure(&eml), "multipart/mixed text/plain application/octet-stream text/plain");
    let parsed = MessageParser::new().parse(&eml).unwrap();
    let part = parsed.attachment(0).unwrap();
    assert_eq!(part.attachment_name(), Some("smime.p7m.partial"));
    assert_eq!(part.contents(), &entity().as_bytes()[..512]);
    assert!(errors.contains("found 512"), "{errors}");
    assert!(parsed.body_text(0).unwrap().starts_with("Words that were signed."), "{eml}");
}

/// Damage elsewhere in the message does not take the signature away.
#[test]
fn signed_mail_stays_signed_beside_what_is_told() {
    let long = "Category ".repeat(1_000);
    let signed = mail(&long)
        .text(tags::PR_MESSAGE_CLASS, SIGNED)
        .attach(AttachmentBuilder::file("smime.p7m", entity()));
    let (eml, _) = told(cut(&signed, tags::PR_SUBJECT));
    assert!(eml.contains("Content-Type: multipart/mixed"), "{eml}");
    assert!(eml.contains(&format!("\r\n{}\r\n--=_", entity())), "it is there byte for byte");
    assert_eq!(eml.matches("MIME-Version").count(), 1);
}

/// A part that is signed cannot say what is missing in it. The commands do.
#[test]
fn damage_in_a_signed_part_is_told() {
    // Signed data whose content states 127 bytes and has fewer.
    let mut cms = b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80\
        \x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01\xA0\x80\x04\x7F"
        .to_vec();
    cms.extend(b"Content-Type: text/plain\r\n\r\nSigned words");
    let signed = mail("Signed")
        .text(tags::PR_MESSAGE_CLASS, "IPM.Note.SMIME")
        .attach(AttachmentBuilder::file("smime.p7m", cms));
    let outer = mail("Outer").body("x").attach(AttachmentBuilder::message(signed.clone()));
    let folder = Folder::new().with("a.msg", signed.to_bytes()).with("b.msg", outer.to_bytes());
    for name in ["a.msg", "b.msg"] {
        let ended = msgfs_in(folder.path(), &["cat", &format!("{name}/message.eml")]);
        let eml = String::from_utf8(ended.stdout).unwrap();
        assert!(!eml.contains("ERRORS.txt") && eml.contains("smime-type=signed-data"), "{eml}");
        for form in ["--eml", "--mbox", "--html", "--attachments"] {
            let (into, words) = (Folder::new(), ["extract", form, name]);
            let into = into.path().to_str().unwrap();
            let told = msgfs_in(folder.path(), &[&words[..], &[into]].concat());
            assert_eq!(told.status.code(), Some(1), "{form} {name}: {}", told.stderr);
            let cause = "the end of the signed content is missing";
            assert!(told.stderr.contains(cause), "{form} {name}: {}", told.stderr);
        }
        assert_eq!(ended.status.code(), Some(1), "{name}: {}", ended.stderr);
    }
}
