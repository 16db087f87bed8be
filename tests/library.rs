//! The library as a stranger uses it: [`Mail`] says what the mounted message shows.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use msgfs::imsg::{Session, SessionOptions};
use msgfs::mail::{Address, AttachmentKind, Error, Mail, RecipientType, Value};
use msgfs::mapi::tags;
use msgfs::storage::Source;
use msgfs::view::{MessageTree, NodeId, Show};

use crate::browse::{Browser, read};
use crate::corpus_files::corpus_files;
use crate::mail::samples;

/// What the getters of a mail say, by the names of the files that show it.
fn texts(mail: &Mail) -> Vec<(&'static str, Result<Option<String>, Error>)> {
    let address =
        |found: Result<Option<Address>, Error>| found.map(|one| one.map(|one| lines(&[one])));
    let addresses = |found: Result<Vec<Address>, Error>| {
        found.map(|all| (!all.is_empty()).then(|| lines(&all)))
    };
    let line = |found: Result<Option<String>, Error>| found.map(|one| one.map(|one| one + "\n"));
    vec![
        ("subject", line(mail.subject())),
        ("from", address(mail.from())),
        ("sender", address(mail.sender())),
        ("to", addresses(mail.to())),
        ("cc", addresses(mail.cc())),
        ("bcc", addresses(mail.bcc())),
        ("reply-to", addresses(mail.reply_to())),
        ("date", line(mail.date().map(|time| time.map(|time| time.to_string())))),
        ("received", line(mail.received().map(|time| time.map(|time| time.to_string())))),
        ("class", line(mail.message_class())),
        ("message-id", line(mail.message_id())),
        ("importance", line(mail.importance().map(|one| one.map(|one| one.to_string())))),
        ("headers", mail.headers()),
        ("body.txt", mail.text()),
        ("body.html", mail.html()),
    ]
}

fn lines(addresses: &[Address]) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    addresses
        .iter()
        .map(|one| one.to_string().chars().map(shown).collect::<String>() + "\n")
        .collect()
}

/// Compares a mail, and those embedded in it, with its directory.
fn compare(name: &str, mail: &Mail, tree: &MessageTree, node: NodeId) {
    let browser = Browser::new(tree);
    for (file, said) in texts(mail) {
        let shown = browser.walk(node, file).and_then(|file| read(tree, file)).ok();
        // Nothing said and nothing shown, or the same; what cannot be read is not shown.
        let said = said.ok().flatten().map(String::into_bytes);
        assert_eq!(
            said.as_deref().map(String::from_utf8_lossy),
            shown.as_deref().map(String::from_utf8_lossy),
            "{name}: {file}"
        );
    }
    let attachments = mail.attachments().unwrap();
    let folder = browser.walk(node, "attachments");
    for attachment in &attachments {
        let found = browser.walk(*folder.as_ref().unwrap(), attachment.name());
        let found =
            found.unwrap_or_else(|error| panic!("{name}, {:?}: {error}", attachment.name()));
        match attachment.message() {
            Ok(Some(embedded)) => {
                compare(&format!("{name}/{}", attachment.name()), &embedded, tree, found);
            }
            Ok(None) => {
                let bytes = attachment.read_partial().map(|partial| partial.bytes);
                assert!(bytes.ok() == read(tree, found).ok(), "{name}: {:?}", attachment.name());
            }
            Err(_) => assert!(!mail.defects().unwrap().is_empty(), "{name}"),
        }
    }
}

fn compare_file(name: &str, bytes: Vec<u8>) {
    let session = Session::open(SessionOptions::default());
    let source = Source::from_bytes(bytes.clone());
    let tree = MessageTree::open(&session, source, Show::default()).unwrap();
    match Mail::from_bytes(bytes) {
        Ok(mail) => {
            compare(name, &mail, &tree, NodeId(0));
            assert_eq!(mail.defects().unwrap(), tree.defects(), "{name}");
        }
        Err(_) => assert!(!tree.defects().is_empty(), "{name}"),
    }
}

#[test]
fn mail_says_what_is_shown() {
    for (name, bytes) in samples() {
        if name.ends_with("msg") || name.ends_with("oft") {
            compare_file(name, bytes);
        }
    }
    for path in corpus_files() {
        compare_file(&path.display().to_string(), fs::read(&path).unwrap());
    }
}

fn sample(name: &str) -> Mail {
    let found = samples().into_iter().find(|(path, _)| *path == name).unwrap();
    Mail::from_bytes(found.1).unwrap()
}

#[test]
fn attachments_are_read_sought_and_saved() {
    let mail = sample("Quotation for the jetty.msg");
    let folder = tempfile::tempdir().unwrap();
    let attachments = mail.attachments().unwrap();
    assert!(attachments.len() > 2);
    for attachment in &attachments {
        let bytes = attachment.read().unwrap();
        assert_eq!(attachment.size().unwrap(), bytes.len() as u64);
        let mut reader = attachment.open().unwrap();
        reader.seek(SeekFrom::End(-1)).unwrap();
        let mut last = Vec::new();
        reader.read_to_end(&mut last).unwrap();
        assert_eq!(last.as_slice(), &bytes[bytes.len() - 1..]);
        for _ in 0..2 {
            let path = attachment.save(folder.path()).unwrap();
            assert_eq!(path.parent(), Some(folder.path()));
            assert_eq!(fs::read(path).unwrap(), bytes);
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2 * attachments.len());
    let kinds: Vec<_> = attachments.iter().map(|one| one.kind()).collect();
    assert!(kinds.contains(&AttachmentKind::File));
}

#[test]
fn a_saved_attachment_never_overwrites() {
    let mail = sample("Quotation for the jetty.msg");
    let attachment = &mail.attachments().unwrap()[0];
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    std::os::unix::fs::symlink(&elsewhere, inner.join(attachment.name())).unwrap();
    let path = attachment.save(&inner).unwrap();
    assert_ne!(path.file_name().unwrap(), attachment.name());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"mine");
}

#[test]
fn properties_by_tag_and_by_name() {
    let mail = sample("Calendar/Boat inspection.msg");
    let subject = mail.subject().unwrap().map(Value::String);
    assert!(subject.is_some());
    assert_eq!(mail.property(tags::PR_SUBJECT).unwrap(), subject);
    assert_eq!(mail.property(0x0037_001F).unwrap(), subject);
    assert_eq!(mail.property("PR_SUBJECT").unwrap(), subject);
    assert_eq!(mail.property("0x0037001F").unwrap(), subject);
    assert_eq!(mail.property("PR_REPORT_TEXT").unwrap(), None);
    let place = mail.property("PSETID_Appointment/PidLidLocation").unwrap();
    assert!(matches!(place, Some(Value::String(_))), "{place:?}");
    assert!(matches!(mail.property("PR_SUBJECTT"), Err(Error::UnknownName { .. })));
    let recipients = mail.recipients().unwrap();
    assert!(recipients.iter().all(|one| one.property("PR_DISPLAY_NAME").unwrap().is_some()));
    assert!(recipients.iter().any(|one| one.recipient_type() == RecipientType::To));
}

#[test]
fn what_is_no_message_names_its_file_and_cause() {
    let error = Mail::open(Path::new("/nowhere/x.msg")).unwrap_err();
    assert_eq!(error.to_string(), "cannot open \"/nowhere/x.msg\" as a message");
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.to_string().contains("No such file"), "{cause}");
    assert!(Mail::from_bytes(b"no message".to_vec()).is_err());
    assert!(Mail::from_reader(&b""[..]).is_err());
}

#[test]
fn a_closed_session_is_an_error_everywhere() {
    let session = Session::open(SessionOptions::default());
    let (_, bytes) = samples().into_iter().find(|(name, _)| name.ends_with(".msg")).unwrap();
    let mail = Mail::from_bytes_in(&session, bytes).unwrap();
    assert!(mail.subject().unwrap().is_some());
    drop(session.close());
    assert!(texts(&mail).iter().all(|(_, said)| said.is_err()));
    assert!(mail.attachments().is_err() && mail.recipients().is_err() && mail.defects().is_err());
}

#[test]
fn exports_are_the_files_of_the_tree() {
    for (name, bytes) in samples() {
        if name.starts_with("Damaged/") || name.ends_with(".txt") {
            continue;
        }
        let mail = Mail::from_bytes(bytes.clone()).unwrap();
        let session = Session::open(SessionOptions::default());
        let tree = MessageTree::open(&session, Source::from_bytes(bytes), Show::default()).unwrap();
        let shown = |file| Browser::new(&tree).read(NodeId(0), file);
        let written = |write: &dyn Fn(&mut Vec<u8>) -> Result<(), Error>| {
            let mut out = Vec::new();
            match write(&mut out) {
                Err(Error::IsNone { .. }) => None,
                outcome => {
                    outcome.unwrap();
                    Some(out)
                }
            }
        };
        let check = |file, made: Option<Vec<u8>>| assert!(made == shown(file), "{name}: {file}");
        check("message.eml", written(&|out| mail.to_eml(out)));
        check("message.json", written(&|out| mail.to_json(out)));
        check("message.msg", written(&|out| mail.to_msg(out)));
        check("contact.vcf", written(&|out| mail.to_vcf(out)));
        let calendar = shown("event.ics").or_else(|| shown("task.ics"));
        assert!(written(&|out| mail.to_ics(out)) == calendar, "{name}");
    }
}

#[test]
fn an_event_is_told_in_values() {
    let mail = sample("Calendar/Boat inspection.msg");
    let event = mail.event().unwrap().unwrap();
    assert!(event.end.is_some_and(|end| end > event.start));
    assert!(event.location.is_some() && event.organizer.is_some());
    assert!(sample("Lunch on Friday.msg").event().unwrap().is_none());
}

#[test]
fn a_mail_is_edited_saved_and_saved_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.msg");
    let (_, bytes) =
        samples().into_iter().find(|(name, _)| *name == "Lunch on Friday.msg").unwrap();
    fs::write(&path, &bytes).unwrap();
    let mut mail = Mail::open(&path).unwrap();
    let ann = Address { name: "Ann".to_owned(), address: "ann@example.org".to_owned() };
    mail.set_subject("Lunch on Monday").unwrap();
    mail.set_cc(std::slice::from_ref(&ann)).unwrap();
    mail.set_categories(&["Red", "Blue"]).unwrap();
    mail.set_text("Later\n").unwrap();
    mail.set_property("PSETID_Common/PidLidBilling", "harbour").unwrap();
    mail.add_attachment("inner.msg", bytes.clone()).unwrap();
    assert_eq!(mail.subject().unwrap().as_deref(), Some("Lunch on Monday"));
    assert!(fs::read(&path).unwrap() == bytes, "nothing is written before the save");
    mail.save().unwrap();
    let told = |mail: &Mail| {
        assert_eq!(mail.subject().unwrap().as_deref(), Some("Lunch on Monday"));
        assert_eq!(mail.cc().unwrap(), std::slice::from_ref(&ann));
        assert_eq!(mail.categories().unwrap(), ["Red", "Blue"]);
        assert_eq!(mail.text().unwrap().as_deref(), Some("Later\n"));
        let billing = mail.property("PSETID_Common/PidLidBilling").unwrap();
        assert_eq!(billing, Some(Value::String("harbour".to_owned())));
        let attachments = mail.attachments().unwrap();
        let embedded = attachments.iter().find_map(|one| one.message().unwrap()).unwrap();
        assert_eq!(embedded.subject().unwrap().as_deref(), Some("Re: Lunch on Friday"));
        assert!(mail.defects().unwrap().is_empty());
    };
    told(&mail);
    told(&Mail::open(&path).unwrap());
    let elsewhere = folder.path().join("b.msg");
    mail.set_subject("Lunch on Tuesday").unwrap();
    mail.save_as(&elsewhere).unwrap();
    assert_eq!(mail.path(), Some(elsewhere.as_path()));
    told(&Mail::open(&path).unwrap());
    let saved = Mail::open(&elsewhere).unwrap();
    assert_eq!(saved.subject().unwrap().as_deref(), Some("Lunch on Tuesday"));
    // An embedded message that is edited becomes one of its own.
    let attachments = saved.attachments().unwrap();
    let mut embedded = attachments.iter().find_map(|one| one.message().unwrap()).unwrap();
    embedded.set_subject("Inside").unwrap();
    assert!(matches!(embedded.save(), Err(Error::NoPath)));
    embedded.save_as(folder.path().join("c.msg")).unwrap();
    let alone = Mail::open(folder.path().join("c.msg")).unwrap();
    assert_eq!(alone.subject().unwrap().as_deref(), Some("Inside"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else is left");
}

/// An address without a domain is that of a mail, as other programs read it; only a name in an
/// organization is one of Exchange.
#[test]
fn addresses_have_their_type() {
    let name = "/o=Example/cn=Recipients/cn=ann";
    for (address, kind) in [("ann", "SMTP"), ("ann@example.org", "SMTP"), (name, "EX")] {
        let mut mail = Mail::create().unwrap();
        let one = Address::new("Ann", address);
        mail.set_to(std::slice::from_ref(&one)).unwrap();
        mail.set_from(&one).unwrap();
        mail.set_reply_to(std::slice::from_ref(&one)).unwrap();
        let recipient = mail.recipients().unwrap().remove(0);
        assert_eq!(recipient.address_type().unwrap().as_deref(), Some(kind), "{address}");
        let found = mail.property("PR_SENT_REPRESENTING_ADDRTYPE").unwrap();
        assert_eq!(found, Some(kind.into()), "{address}");
        assert_eq!(
            (mail.to().unwrap(), mail.from().unwrap()),
            (vec![one.clone()], Some(one.clone()))
        );
        let Some(Value::Binary(list)) = mail.property("PR_REPLY_RECIPIENT_ENTRIES").unwrap() else {
            panic!("no reply-to");
        };
        let stored: Vec<u8> = kind.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(list.windows(stored.len()).any(|bytes| bytes == stored), "{address}");
    }
}

#[test]
fn what_another_program_changed_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.msg");
    fs::write(&path, samples().into_iter().find(|(name, _)| name.ends_with(".msg")).unwrap().1)
        .unwrap();
    let mut mail = Mail::open(&path).unwrap();
    mail.set_subject("Mine").unwrap();
    fs::write(&path, "theirs").unwrap();
    assert!(mail.save().is_err());
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
    // The edit is still there.
    mail.save_as(folder.path().join("b.msg")).unwrap();
    assert_eq!(mail.subject().unwrap().as_deref(), Some("Mine"));
}
