//! Every command tells of damage, wherever it lies, and its exit status says so.

use std::fs;
use std::time::{Duration, SystemTime};

use msgfs::mapi::tags;

use super::{cut_stream, file, mail, with_cut_attachment};
use crate::cli::shown::msgfs_in;
use crate::fixture::{AttachmentBuilder, MessageBuilder};
use crate::mount::folder::Folder;
use crate::mount::mounted::Mounted;
use crate::parts;

/// A message inside of which another one is cut.
fn damaged_inside() -> Vec<u8> {
    let whole = mail("Inner").attach(file("a.bin", 3_000)).to_bytes();
    mail("Outer")
        .attach(AttachmentBuilder::file("in.msg", &whole[..whole.len() - 2_048]))
        .to_bytes()
}

#[test]
fn commands_tell_of_damage() {
    let folder = Folder::new()
        .with("cut.msg", with_cut_attachment())
        .with("inside.msg", damaged_inside())
        .with("sound.msg", mail("Sound").to_bytes());
    let code = |words: &[&str]| msgfs_in(folder.path(), words).status.code();
    let out = Folder::new();
    for (index, shape) in ["", "--eml", "--json", "--msg"].into_iter().enumerate() {
        for (name, expected) in [("cut.msg", 1), ("inside.msg", 1), ("sound.msg", 0)] {
            // In the .eml file the attached file is as it was attached, and the .msg file is a copy.
            let is_told = (shape, name) != ("--eml", "inside.msg") && shape != "--msg";
            let expected = if is_told { expected } else { 0 };
            let target = out.join(format!("{index}-{name}"));
            let words = ["extract", shape, name, target.to_str().unwrap()];
            let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            let ended = msgfs_in(folder.path(), &words);
            assert_eq!(ended.status.code(), Some(expected), "{words:?}: {}", ended.stderr);
            assert_eq!(ended.stderr.is_empty(), expected == 0, "{words:?}: {}", ended.stderr);
        }
    }
    assert_eq!(code(&["check", "cut.msg"]), Some(1));
    assert_eq!(code(&["check", "inside.msg"]), Some(1));
    assert_eq!(code(&["check", "sound.msg"]), Some(0));
    let cat = msgfs_in(folder.path(), &["cat", "cut.msg/attachments/a.bin.partial"]);
    assert_eq!((cat.status.code(), cat.stdout.len()), (Some(1), 101 * 512));
    assert!(cat.stderr.contains("not all of it could be read"), "{}", cat.stderr);
    assert_eq!(code(&["cat", "cut.msg/message.eml"]), Some(1));
    assert_eq!(code(&["cat", "cut.msg/subject"]), Some(0));
    let partial = fs::read(out.join("0-cut.msg/attachments/a.bin.partial")).unwrap();
    assert_eq!(partial, vec![9; 101 * 512]);
}

/// Damage is told by `.msgfs/errors` once somebody has looked at it, inside of attachments too, and
/// of a partial attachment every byte that there is can be read.
#[test]
fn a_mount_tells_of_damage() {
    let folder =
        Folder::new().with("cut.msg", with_cut_attachment()).with("inside.msg", damaged_inside());
    let Some(mount) = Mounted::new(folder.path(), "ro") else { return };
    let partial = mount.path("cut.msg/attachments/a.bin.partial");
    assert_eq!(fs::metadata(&partial).unwrap().len(), 101 * 512);
    assert_eq!(fs::read(&partial).unwrap(), vec![9; 101 * 512]);
    mount.names("cut.msg");
    assert!(!mount.text(".msgfs/errors").contains("inside.msg"));
    mount.names("inside.msg");
    mount.names("inside.msg/attachments/in.msg.d");
    let errors = mount.text(".msgfs/errors");
    assert!(errors.contains("expected 100000 bytes"), "{errors}");
    assert!(errors.contains("in.msg.d/"), "{errors}");
}

/// A string of which a part is missing is an error in a mount, since a program would take what is
/// left of it for all of it. Commands give what is left, and tell.
#[test]
fn a_string_is_not_short_without_a_word() {
    let long = "Word ".repeat(4_000);
    let whole = mail("Long")
        .text(tags::PR_TRANSPORT_MESSAGE_HEADERS, &format!("X-Long: {long}\r\n\r\n"))
        .text(tags::PR_INTERNET_MESSAGE_ID, &format!("<{}@example.org>", "id".repeat(4_000)))
        .body(&long);
    let cut = [
        ("headers.msg", "headers", tags::PR_TRANSPORT_MESSAGE_HEADERS),
        ("id.msg", "message-id", tags::PR_INTERNET_MESSAGE_ID),
        ("body.msg", "body.txt", tags::PR_BODY),
    ];
    let mut folder = Folder::new();
    for (name, _, tag) in cut {
        folder = folder.with(name, cut_stream(&whole, tag, 10));
    }
    let html = whole.html(&format!("<p>{long}</p>"));
    let folder = folder.with("html.msg", cut_stream(&html, tags::PR_BODY, 10));
    // The address that is shown is the other one.
    let sender = mail("Sender")
        .text(tags::PR_SENDER_EMAIL_ADDRESS, &"/O=EXCHANGE".repeat(2_000))
        .text(tags::PR_SENDER_SMTP_ADDRESS, "ann@example.org");
    let sender = cut_stream(&sender, tags::PR_SENDER_EMAIL_ADDRESS, 10);
    let folder = folder.with("sender.msg", sender);
    let run = |words: &[&str]| msgfs_in(folder.path(), words);
    let out = Folder::new();
    for (name, file, tag) in cut {
        for path in [format!("{name}/{file}"), format!("{name}/mapi/{tag}")] {
            let cat = run(&["cat", &path]);
            assert_eq!((cat.status.code(), cat.stdout.is_empty()), (Some(1), false), "{path}");
            assert!(cat.stderr.contains("not all of it could be read"), "{path}: {}", cat.stderr);
            let target = out.join(path.replace('/', "-"));
            let extracted = run(&["extract", &path, target.to_str().unwrap()]);
            assert_eq!(extracted.status.code(), Some(1), "{path}: {}", extracted.stderr);
        }
        let grep = run(&["grep", "no such word", &format!("{name}/{file}")]);
        assert_eq!(grep.status.code(), Some(2), "{file}");
        assert!(grep.stderr.contains(&tag.to_string()), "{file}: {}", grep.stderr);
    }
    for whole in ["html.msg/body.txt", "html.msg/body.html", "sender.msg/sender"] {
        let cat = run(&["cat", whole]);
        assert_eq!((cat.status.code(), &*cat.stderr), (Some(0), ""), "{whole}");
    }
    assert_eq!(run(&["grep", "-q", "no such word", "headers.msg/subject"]).status.code(), Some(1));
    for options in ["ro", "edit"] {
        let Some(mount) = Mounted::new(folder.path(), options) else { return };
        for (name, file, tag) in cut {
            for path in [format!("{name}/{file}"), format!("{name}/mapi/{tag}")] {
                let error = fs::read(mount.path(&path)).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::EIO), "{options}: {path}");
            }
            assert_eq!(mount.text(format!("{name}/subject")), "Long\n");
            let defects = mount.text(format!("{name}/ERRORS"));
            assert!(defects.contains(&tag.to_string()), "{defects}");
        }
        assert!(mount.text("sender.msg/sender").contains("<ann@example.org>"));
        // The text is made of a body that is whole.
        assert_eq!(mount.text("html.msg/body.txt").trim_end(), long.trim_end());
    }
}

#[test]
fn a_damaged_body_is_told_in_every_export() {
    let message = mail("Long").body(&"Words. ".repeat(5_000));
    let bytes = cut_stream(&message, tags::PR_BODY, 20);
    let folder = Folder::new().with("long.msg", bytes);
    let eml = msgfs_in(folder.path(), &["cat", "long.msg/message.eml"]);
    assert_eq!(eml.status.code(), Some(1));
    let eml = String::from_utf8(eml.stdout).unwrap();
    assert!(eml.contains("Words. Words.") && eml.contains("ERRORS.txt"), "{eml}");
    let body = msgfs_in(folder.path(), &["cat", "long.msg/body.txt"]);
    assert_eq!((body.status.code(), body.stdout.is_empty()), (Some(1), false));
}

/// To hash a damaged attachment fails for a cause that is a defect already.
#[test]
fn hashes_repeat_no_defect() {
    let folder = Folder::new().with("cut.msg", with_cut_attachment());
    let row = msgfs_in(folder.path(), &["find", "--hash", "--json", "cut.msg"]);
    let row: serde_json::Value = serde_json::from_slice(&row.stdout).unwrap();
    assert_eq!(row["defects"].as_array().unwrap().len(), 1, "{row}");
    assert!(row["attachments"][0]["sha256"].is_null(), "{row}");
    // In what attachments wrap, the place of a defect is longer.
    let entity = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n{}", "--b\n");
    let mut signed = parts::signed(&entity);
    signed.truncate(signed.len() - 40);
    let message = parts::mail("IPM.Note.SMIME").attach(parts::wrapped(
        "smime.p7m",
        "application/pkcs7-mime",
        &signed,
    ));
    folder.put("signed.msg", message.to_bytes());
    let told = |words: &[&str]| {
        let row = msgfs_in(folder.path(), words);
        let row: serde_json::Value = serde_json::from_slice(&row.stdout).unwrap();
        row["defects"].as_array().unwrap().len()
    };
    let plain = told(&["find", "--json", "signed.msg"]);
    assert_eq!(told(&["find", "--json", "--hash", "signed.msg"]), plain);
}

#[test]
fn exported_files_have_the_time_of_the_mail() {
    let folder = Folder::new().with("a.msg", mail("Timed").to_bytes());
    let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_287_200);
    for (shape, name) in [("--eml", "a.eml"), ("--json", "a.json"), ("--msg", "a.msg")] {
        let out = Folder::new();
        let words = ["extract", shape, ".", out.path().to_str().unwrap()];
        msgfs_in(folder.path(), &words).expect_success();
        let time = out.join(name).metadata().unwrap().modified().unwrap();
        assert_eq!(time, expected, "{shape}");
    }
}

/// `message.eml` has a damaged `winmail.dat` as it is stored, so nothing is missing in it. But the
/// text of a message without a body of its own is that in the `winmail.dat`, which may be short.
#[test]
fn damage_inside_an_attachment_is_missing_in_the_eml_only_if_its_text_is_from_there() {
    let whole = parts::winmail(b"data");
    let cut = AttachmentBuilder::file("winmail.dat", &whole[..whole.len() - 4]);
    let check = |message: MessageBuilder, is_missing: bool| {
        let folder = Folder::new().with("a.msg", message.attach(cut.clone()).to_bytes());
        let status = |words: &[&str]| {
            let ended = msgfs_in(folder.path(), words);
            (ended.status.code() == Some(1), !ended.stderr.is_empty())
        };
        assert!(status(&["check", "a.msg"]).0, "the message is damaged");
        let cat = msgfs_in(folder.path(), &["cat", "a.msg/message.eml"]);
        let eml = String::from_utf8(cat.stdout).unwrap();
        assert_eq!(cat.status.code() == Some(1), is_missing, "{}", cat.stderr);
        assert_eq!(eml.contains("ERRORS.txt"), is_missing, "{eml}");
        for form in ["--eml", "--mbox"] {
            let expected = (is_missing, is_missing);
            assert_eq!(status(&["extract", form, "a.msg", "out"]), expected, "{form}");
        }
        assert_eq!(status(&["extract", "a.msg", "tree"]), (true, true));
    };
    check(mail("Outer"), false);
    check(mail("Outer").unset(tags::PR_BODY), true);
}

/// A message in an attachment that cannot be opened has one place, whoever looks for it.
#[test]
fn what_cannot_be_opened_inside_has_the_same_place_everywhere() {
    let entity = "Content-Type: text/plain\r\n\r\nSigned words";
    let mut signed = parts::signed(entity);
    signed.truncate(24);
    let part = parts::wrapped("smime.p7m", "application/pkcs7-mime", &signed);
    let message = parts::mail("IPM.Note.SMIME").attach(part);
    let folder = Folder::new().with("a.msg", message.to_bytes());
    let place = ": /__attach_version1.0_#00000000/signed/: ";
    let commands: [&[&str]; 4] = [
        &["check", "a.msg"],
        &["cat", "a.msg/message.eml"],
        &["find", "--body", "words", "a.msg"],
        &["extract", "--eml", "a.msg", "out.eml"],
    ];
    for words in commands {
        let ended = msgfs_in(folder.path(), words);
        let told = String::from_utf8_lossy(&ended.stdout).into_owned() + &ended.stderr;
        assert!(told.contains(place), "{words:?}: {told}");
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {told}");
    }
}
