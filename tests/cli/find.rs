//! `msgfs find`: each filter, how filters go together, the orders and the forms of output.

use std::process::Command;

use msgfs::mapi::sets::PSETID_APPOINTMENT;
use msgfs::mapi::{PropertyTag, Value, tags};

use super::shown::{SAMPLES, msgfs_in, text};
use crate::calendar::blobs::SetNamed as _;
use crate::fixture::{AttachmentBuilder, MessageBuilder, PROPERTY_STREAM, stream_name};
use crate::mount::folder::{Folder, damaged, letter, parcel};
use crate::mount::process::{Ended, MOMENT, run};
use crate::parts;

/// The stream with the content of an attachment.
const DATA: &str = "__substg1.0_37010102";
const FILE_NAME: PropertyTag = tags::PR_ATTACH_LONG_FILENAME;

fn find(words: &[&str]) -> Ended {
    msgfs_in(SAMPLES.as_ref(), &[&["find", "--utc"], words].concat())
}

/// The messages of the samples that are found, the damaged ones aside.
#[track_caller]
fn check(words: &[&str], expected: &[&str]) {
    let ended = find(words);
    // One of the samples holds no message, which each filter of content says.
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{words:?}: {}", ended.stderr);
    let found = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{words:?}");
}

#[test]
fn filters_ask_for_fields() {
    check(&["--from", "clara"], &["Drawing of the jetty.msg", "Quotation for the jetty.msg"]);
    check(
        &["--from", "clara.diaz@example\\.com", "--subject", "Quot"],
        &["Quotation for the jetty.msg"],
    );
    check(&["--from", "CLARA"], &[]);
    check(&["--to", "ben.okoro", "--subject", "regatta"], &["Summer regatta.msg"]);
    check(
        &["--subject", "lunch", "--subject", "price"],
        &["Lunch on Friday.msg", "Price list.msg"],
    );
    check(&["-F", "--subject", "Price."], &[]);
    check(
        &["--cc", "."],
        &["Fwd Lost parcel.msg", "Lunch on Friday.msg", "Quotation for the jetty.msg"],
    );
    check(&["--bcc", "."], &["Summer regatta.msg"]);
    check(&["--to", ".", "--cc", ".", "--bcc", "."], &[]);
    check(&["--category", "."], &["Calendar/Boat inspection.msg"]);
    check(&["--message-id", "."], &["Lunch on Friday.msg", "Summer regatta.msg"]);
    check(&["--body", "bring the papers"], &["Calendar/Boat inspection.msg"]);
    check(&["--text", "boat\\.png"], &["Summer regatta.msg"]);
}

#[test]
fn filters_ask_for_dates() {
    let spring = ["Drawing of the jetty.msg", "Quotation for the jetty.msg"];
    check(&["--since", "2024-04", "--until", "2024-04"], &spring);
    check(&["--since", "2024-04-02", "--until", "2024-04-02"], &["Quotation for the jetty.msg"]);
    check(&["--until", "2003"], &["見積書の件.msg"]);
    check(
        &["--since", "2024-04-03T07:05:00Z", "--until", "2024-04-30", "--received"],
        &["Drawing of the jetty.msg"],
    );
    check(&["--since", "1d"], &[]);
}

/// An event is on the days on which it takes place, not on the one that begins as it ends.
#[test]
fn dates_can_be_those_of_events() {
    let inspection = ["Calendar/Boat inspection.msg"];
    check(&["--event", "--since", "2024-05-21", "--until", "2024-05-21"], &inspection);
    check(&["--event", "--since", "2024-05-21T14:00:00Z"], &inspection);
    check(&["--event", "--since", "2024-05-21T14:30:00Z"], &[]);
    check(&["--event", "--until", "2024-05-20"], &[]);
    let all_day = MessageBuilder::new("IPM.Appointment", "All day")
        .at("2024-03-03T14:30:00Z", "2024-03-05T14:30:00Z")
        .lid(PSETID_APPOINTMENT, 0x8215, Value::Boolean(true));
    let source = Folder::new().with("a.msg", all_day.to_bytes());
    for (since, until, expected) in [
        ("2024-03-04", "2024-03-04", "a.msg\n"),
        ("2024-03-05", "2024-03-05", "a.msg\n"),
        ("2024-03-06", "2024-03-06", ""),
        ("2024-03-03", "2024-03-03", ""),
    ] {
        let words = ["find", "--utc", "--event", "--since", since, "--until", until];
        assert_eq!(text(msgfs_in(source.path(), &words)), expected, "{since}");
    }
    let shown = text(msgfs_in(source.path(), &["show", "a.msg"]));
    let days = "Start:       2024-03-04 (UTC+09:30), all day\nEnd:         2024-03-05\n";
    assert!(shown.contains(days), "{shown}");
}

#[test]
fn filters_ask_for_kinds_and_attachments() {
    check(&["--attachment", "*.PDF"], &["Quotation for the jetty.msg"]);
    // A link is named Site plan.xlsx.ref.
    check(&["--attachment", "*.xlsx"], &["Quotation for the jetty.msg"]);
    check(
        &["--attachment", "*.png", "--attachment", "*.pdf"],
        &["Quotation for the jetty.msg", "Summer regatta.msg"],
    );
    check(&["--is", "meeting"], &["Calendar/Boat inspection.msg"]);
    check(&["--class", "ipm.appointment"], &["Calendar/Boat inspection.msg"]);
    check(&["--class", "IPM.Appoint"], &[]);
    check(&["--is", "damaged"], &["Damaged/Not a message.msg", "Damaged/Report cut short.msg"]);
    check(
        &["--smaller", "10K", "--is", "read"],
        &["Minutes of the committee.msg", "Price list.msg"],
    );
}

/// So is the file in an OLE object, which stands beside it.
#[test]
fn files_in_ole_objects_are_found() {
    let native = b"\x30\0\0\0\x02\0a/b.txt\0C:\\a\0\0\0\x03\0\x05\0\0\0C:\\b\0\x04\0\0\0data\0\0";
    let source = Folder::new()
        .with("a.msg", parts::ole(&[("\u{1}Ole10Native", native)]).to_bytes())
        .with("b.msg", parcel().to_bytes());
    let find = |words: &[&str]| text(msgfs_in(source.path(), &[&["find"], words].concat()));
    assert_eq!(find(&["--attachment", "a_b.txt"]), "a.msg\n");
    assert_eq!(find(&["--text", "a_b\\.txt"]), "a.msg\n");
    assert_eq!(find(&["--attachment", "*.ole"]), "a.msg\n");
}

/// Embedded messages are found by themselves, and know what they are embedded in.
#[test]
fn embedded_messages_are_found_if_asked_for() {
    check(&["--subject", "^Lost parcel"], &[]);
    let inner = "Fwd Lost parcel.msg/attachments/Lost parcel.msg";
    check(&["--subject", "^Lost parcel", "--embedded"], &[inner]);
    let row = find(&["--subject", "^Lost parcel", "--embedded", "--json"]);
    let row: serde_json::Value = serde_json::from_slice(&row.stdout).unwrap();
    assert_eq!((&row["path"], &row["parent"]), (&inner.into(), &"Fwd Lost parcel.msg".into()));
}

/// So are the messages in attached message files, also in those of signed mail, and the messages in
/// them. One that cannot be opened is named.
#[test]
fn attached_messages_are_found_if_asked_for() {
    let inner = AttachmentBuilder::message(letter("Inner"));
    let attached = letter("Attached").attach(inner).to_bytes();
    let mail = "Subject: Mailed\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
                Content-Type: application/vnd.ms-outlook; name=part.msg\r\n\r\nno message\r\n--b--\r\n";
    let signed = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\
                  Content-Type: message/rfc822\r\n\r\nSubject: Signed\r\n\r\nSee you.\r\n--b--\r\n";
    let signed = AttachmentBuilder::file("smime.p7m", signed)
        .set(tags::PR_ATTACH_MIME_TAG, Value::String("multipart/signed".to_owned()));
    let outer = letter("Outer")
        .attach(AttachmentBuilder::file("offer.msg", attached))
        .attach(AttachmentBuilder::file("mail.eml", mail))
        .attach(AttachmentBuilder::file("menu.txt", "Soup"));
    let wrapper = MessageBuilder::new("IPM.Note.SMIME.MultipartSigned", "Wrapper").attach(signed);
    let source =
        Folder::new().with("outer.msg", outer.to_bytes()).with("wrapper.msg", wrapper.to_bytes());
    let find = |words: &[&str]| {
        let ended = msgfs_in(source.path(), &[&["find", "--embedded"], words].concat());
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{words:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    assert_eq!(
        find(&[]).lines().collect::<Vec<_>>(),
        [
            "outer.msg",
            "outer.msg/attachments/mail.eml.d",
            "outer.msg/attachments/offer.msg.d",
            "outer.msg/attachments/offer.msg.d/attachments/Inner.msg",
            "wrapper.msg",
            "wrapper.msg/signed/attachments/Signed.msg",
        ]
    );
    assert_eq!(find(&["--subject", "Inner"]).lines().count(), 1);
    assert_eq!(find(&["--subject", "Mailed"]), "outer.msg/attachments/mail.eml.d\n");
    let row: serde_json::Value =
        serde_json::from_str(&find(&["--subject", "^Signed", "--json"])).unwrap();
    assert_eq!(row["parent"], "wrapper.msg");

    let mut cut = letter("Attached").to_bytes();
    cut.truncate(600);
    let outer = letter("Outer").attach(AttachmentBuilder::file("offer.msg", cut));
    let source = Folder::new().with("cut.msg", outer.to_bytes());
    let ended = msgfs_in(source.path(), &["find", "--embedded", "--subject", "zz"]);
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0));
    let told = "msgfs: cut.msg/attachments/offer.msg.d: ";
    assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    // Nobody knows how large it would be.
    let ended = msgfs_in(source.path(), &["find", "--embedded", "--smaller", "1"]);
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0), "{}", ended.stderr);
}

/// A directory shows a message or does not, whatever the files in it are called.
#[test]
fn attachments_with_names_of_files_of_messages_are_no_message() {
    let outer = letter("Outer")
        .attach(AttachmentBuilder::file("raw", "none"))
        .attach(AttachmentBuilder::message(letter("message")))
        .attach(AttachmentBuilder::message(letter("Inner")));
    let source = Folder::new().with("outer.msg", outer.to_bytes());
    let found = text(msgfs_in(source.path(), &["find", "outer.msg/attachments"]));
    let inner = ["outer.msg/attachments/Inner.msg", "outer.msg/attachments/message.msg"];
    assert_eq!(found.lines().collect::<Vec<_>>(), inner);
    let extract = ["extract", "--eml", "outer.msg/attachments", "out"];
    let ended = msgfs_in(source.path(), &extract);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(source.join("out/Inner.eml").is_file());
}

#[test]
fn what_is_found_has_an_order() {
    let dates = &["--from", ".", "--since", "2024-05", "--sort", "date"];
    let expected = ["Minutes of the committee.msg", "Lunch on Friday.msg", "Summer regatta.msg"];
    check(dates, &expected);
    let reversed: Vec<_> = expected.iter().rev().copied().collect();
    check(&[&dates[..], &["-r"]].concat(), &reversed);
    check(&[&dates[..], &["--limit", "2"]].concat(), &expected[..2]);
    // What has no date stays last in both directions.
    for reverse in [&[][..], &["-r"]] {
        let all = text(find(&[&["--sort", "date"], reverse].concat()));
        let last: Vec<_> = all.lines().rev().take(3).collect();
        assert!(last.contains(&"Calendar/Absence.oft"), "{all}");
    }
}

#[test]
fn what_is_found_has_forms() {
    let zero = find(&["-0", "--subject", "lunch", "--subject", "price"]);
    assert_eq!(zero.stdout, b"Lunch on Friday.msg\0Price list.msg\0");
    assert_eq!(find(&["--count", "--subject", "lunch"]).stdout, b"1\n");
    let long = String::from_utf8(find(&["-l", "--subject", "lunch"]).stdout).unwrap();
    let start = "2024-05-14 08:21 +00:00  Anna Berg                 Re: Lunch on Friday ";
    assert!(long.starts_with(start) && long.ends_with(" Lunch on Friday.msg\n"), "{long}");
    let row = find(&["--json", "--hash", "--attachment", "boat.png"]);
    let row: serde_json::Value = serde_json::from_slice(&row.stdout).unwrap();
    let hash = row["attachments"][0]["sha256"].as_str().unwrap();
    assert_eq!(hash.len(), 64, "{row}");
}

/// Nothing is left out without a word, and a path that is missing is told apart.
#[test]
fn what_cannot_be_asked_is_told() {
    let source = Folder::new()
        .with("a.msg", letter("A").to_bytes())
        .with("b.msg", damaged())
        .with("c.msg", "no message")
        .with("parcel.msg", parcel().to_bytes());
    let find = |words: &[&str]| msgfs_in(source.path(), &[&["find"], words].concat());
    let ended = find(&["--subject", "."]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("msgfs: c.msg: not a compound file"), "{}", ended.stderr);
    assert_eq!(text(find(&[])).lines().count(), 4);
    assert_eq!(text(find(&["--is", "damaged"])), "b.msg\nc.msg\n");
    let ended = find(&["missing"]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.starts_with("msgfs: missing: no such file or directory"));
    assert_eq!(find(&["--subject", "no such subject", "a.msg"]).status.code(), Some(0));
    for (words, expected) in [
        (["--since", "tomorrow"], "msgfs: --since: 'tomorrow' is no date; give 2024, "),
        (["--since", "-7d"], "msgfs: --since: '-7d' is no date; give 2024, "),
        (["--until", "-2w"], "msgfs: --until: '-2w' is no date; give 2024, "),
        (["--smaller", "-5K"], "msgfs: --smaller -5K: expected a size, as 500K or 1.5M\n"),
        (["--event", "--count"], "msgfs: missing <--since <DATE>|--until <DATE>>"),
        (["--received", "--count"], "msgfs: missing <--since <DATE>|--until <DATE>>"),
        (["--larger", "much"], "msgfs: --larger much: expected a size, as 500K or 1.5M\n"),
        (["--subject", "("], "msgfs: --subject: no regular expression: unclosed group"),
    ] {
        let ended = find(&words);
        assert_eq!(ended.status.code(), Some(2), "{words:?}");
        assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
    }
}

#[test]
fn a_size_may_have_a_fraction() {
    let count = |words: &[&str]| text(find(&[&["--count"], words].concat()));
    assert_eq!(count(&["--larger", "0.5K"]), count(&["--larger", "512"]));
    assert_eq!(count(&["--smaller", "37.5k"]), count(&["--smaller", "38400"]));
}

#[test]
fn a_pattern_without_its_option_is_explained() {
    let ended = msgfs_in(SAMPLES.as_ref(), &["find", "clara"]);
    let expected = "msgfs: clara: no such file or directory; a pattern needs --text, --from, \
                    --subject or the like\n";
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(2), expected));
}

#[test]
fn case_is_ignored_on_demand() {
    let found = |words: &[&str]| String::from_utf8(find(words).stdout).unwrap();
    assert_eq!(found(&["--from", "CLARA"]), "");
    assert_eq!(found(&["-i", "--from", "CLARA"]), found(&["--from", "clara"]));
    assert!(!found(&["--from", "clara"]).is_empty());
}

#[test]
fn messages_without_a_date_are_found() {
    let row = |words: &[&str]| String::from_utf8(find(words).stdout).unwrap();
    let undated = row(&["--json"]);
    let undated = undated.lines().filter(|row| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["sent"].is_null() && row["received"].is_null() && row["class"].is_string()
    });
    let count = undated.count();
    assert_eq!(row(&["--is", "undated", "--count"]).trim(), count.to_string());
    assert!(count > 0, "no sample is without a date");
}

/// A data file of Outlook is no mailbox without messages.
#[test]
fn mail_files_of_other_formats_are_told() {
    let source = Folder::new().with("old.pst", "!BDN....").with("a.msg", letter("A").to_bytes());
    for words in [
        &["find", "old.pst", "a.msg"][..],
        &["ls", "--mail", "old.pst"],
        &["check", "old.pst"],
        &["extract", "--mbox", "old.pst", "box"],
    ] {
        let ended = msgfs_in(source.path(), words);
        let told = ended.stderr.starts_with("msgfs: old.pst: is an Outlook data file");
        assert!(ended.status.code() == Some(2) && told, "{words:?}: {}", ended.stderr);
    }
    let found = msgfs_in(source.path(), &["find", "old.pst", "a.msg"]);
    assert_eq!(found.stdout, b"a.msg\n");
    // In a folder they are passed over.
    assert_eq!(text(msgfs_in(source.path(), &["find"])), "a.msg\n");
    let ended = msgfs_in(source.path(), &["extract", "a.msg", "-o", "out"]);
    let expected = "msgfs: unknown option 'out'; see msgfs --help; DEST stands last, without -o\n";
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(2), expected));
}

/// What is found is on the screen while the search goes on, here for a message that never ends.
#[test]
fn a_person_sees_each_line_when_it_is_found() {
    const SEARCH: &str = "import os, pty, subprocess, sys
screen, terminal = pty.openpty()
search = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=terminal)
print(os.read(screen, 1000))
search.kill()";
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    for words in [&["find", "a.msg", "-"][..], &["ls", "--mail", "a.msg", "-"]] {
        let mut command = Command::new("python3");
        command.args(["-c", SEARCH, env!("CARGO_BIN_EXE_msgfs")]).args(words);
        let shown = text(run(command.current_dir(source.path()), MOMENT));
        assert!(shown.contains('A') || shown.contains("a.msg"), "{words:?}: {shown}");
    }
}

/// The name of a damaged attachment is meant, too, and damage in an embedded message counts.
#[test]
fn damaged_attachments_and_embedded_messages_are_found() {
    check(&["--attachment", "summer.txt"], &["Damaged/Report cut short.msg"]);
    let large = AttachmentBuilder::file("large.bin", vec![7; 100_000]);
    let embedded = AttachmentBuilder::message(letter("Inner").attach(large));
    let mut bytes = letter("Outer").attach(embedded).to_bytes();
    // Bytes of the large attachment are gone.
    bytes.truncate(bytes.len() - 60_000);
    let source = Folder::new().with("a.msg", bytes);
    let checked = msgfs_in(source.path(), &["check", "."]);
    assert_eq!(checked.status.code(), Some(1), "{}", checked.stderr);
    let found = text(msgfs_in(source.path(), &["find", "--is", "damaged"]));
    assert_eq!(found, "a.msg\n");
}

/// A message may be the one that is looked for if what is asked of it cannot be read.
#[test]
fn what_cannot_be_read_is_not_passed_over() {
    let mut bytes = letter("Outer").body(&"word ".repeat(20_000)).to_bytes();
    bytes.truncate(bytes.len() - 60_000);
    let source = Folder::new().with("a.msg", bytes).with("b.msg", letter("Inner").to_bytes());
    for option in ["--body", "--text"] {
        let ended = msgfs_in(source.path(), &["find", option, "no such word"]);
        assert_eq!(ended.status.code(), Some(1), "{option}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("msgfs: a.msg: "), "{option}: {}", ended.stderr);
        assert_eq!(ended.stdout, b"");
    }
    // The subject is enough.
    let ended = msgfs_in(source.path(), &["find", "--text", "Outer"]);
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), &b"a.msg\n"[..]));
}

/// A message that cannot be opened is named by each search that asks for something in it.
#[test]
fn a_message_that_cannot_be_opened_is_named_if_its_content_is_asked_for() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("b.msg", "no message");
    let find = |words: &[&str]| msgfs_in(source.path(), &[&["find"], words].concat());
    for words in
        [&["--embedded"][..], &["--json"], &["-l"], &["--embedded", "--count"], &["--class", "IPM"]]
    {
        let ended = find(words);
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("msgfs: b.msg: not a compound file"), "{}", ended.stderr);
    }
    for words in [&[][..], &["--sort", "date"], &["--is", "damaged"], &["--larger", "1"]] {
        assert_eq!((find(words).status.code(), find(words).stderr), (Some(0), String::new()));
    }
}

/// Checks that each search names `cut.msg`, but does not find it: nobody knows whether it is meant.
fn check_named(cut: Vec<u8>, searches: &[&[&str]]) {
    let source = Folder::new().with("cut.msg", cut).with("sound.msg", letter("Sound").to_bytes());
    for words in searches {
        let ended = msgfs_in(source.path(), &[&["find"], *words].concat());
        assert_eq!(ended.status.code(), Some(1), "{words:?}");
        assert!(ended.stderr.starts_with("msgfs: cut.msg: "), "{words:?}: {}", ended.stderr);
        assert!(!String::from_utf8(ended.stdout).unwrap().contains("cut.msg"), "{words:?}");
    }
}

/// A message whose property stream ends so many bytes into the entry of this property.
fn cut_in_entry(tag: PropertyTag, bytes: usize) -> Vec<u8> {
    let mut tree = letter("Cut").to_tree();
    let entries = tree.stream(PROPERTY_STREAM);
    let tag = tag.0.to_le_bytes();
    let at = entries.chunks(16).position(|entry| entry.starts_with(&tag)).unwrap();
    entries.truncate(at * 16 + bytes);
    tree.to_bytes()
}

/// That a message has no date is not known if its date cannot be read.
#[test]
fn a_message_whose_date_cannot_be_read_is_named() {
    let searches: [&[&str]; 5] = [
        &["--is", "undated"],
        &["--since", "1900"],
        &["--until", "2999"],
        &["--since", "1900", "--until", "2999"],
        &["--received", "--since", "1900"],
    ];
    for bytes in [1, 3, 8, 15] {
        check_named(cut_in_entry(tags::PR_CLIENT_SUBMIT_TIME, bytes), &searches);
    }
}

/// That a message is unread is not known if its flags cannot be read.
#[test]
fn a_message_whose_state_cannot_be_read_is_named() {
    let searches: [&[&str]; 3] = [&["--is", "read"], &["--is", "unread"], &["--is", "unsent"]];
    check_named(cut_in_entry(tags::PR_MESSAGE_FLAGS, 2), &searches);
    let signed = || {
        let class = "IPM.Note.SMIME.MultipartSigned";
        let entity = "Content-Type: text/plain\r\n\r\nSigned words\r\n";
        let mut tree = letter("Cut")
            .text(tags::PR_MESSAGE_CLASS, class)
            .attach(AttachmentBuilder::file("smime.p7m", entity))
            .to_tree();
        tree.remove(&format!("__attach_version1.0_#00000000/{DATA}"));
        tree.to_bytes()
    };
    check_named(signed(), &[&["--is", "signed"], &["--is", "encrypted"], &["--body", "zz"]]);
    let mut tree = letter("Cut").to_tree();
    tree.remove(PROPERTY_STREAM);
    tree.remove(&stream_name(tags::PR_MESSAGE_CLASS));
    check_named(tree.to_bytes(), &[&["--class", "IPM.Note"], &["--is", "meeting"]]);
}

/// What is looked for may be in a message that is embedded, or wrapped, and cannot be opened.
#[test]
fn a_message_in_which_others_are_lost_is_named() {
    let embedded = AttachmentBuilder::message(letter("Inner"));
    let mut tree = letter("Cut").attach(embedded).to_tree();
    tree.remove("__attach_version1.0_#00000000/__substg1.0_3701000D");
    check_named(tree.to_bytes(), &[&["--embedded", "--subject", "Inner"]]);
    let winmail = AttachmentBuilder::file("winmail.dat", b"\x78\x9F\x3E\x22\x01\x00\x01\x03");
    let message = letter("Cut").attach(winmail);
    check_named(message.to_bytes(), &[&["--event", "--since", "1900"], &["--body", "zz"]]);
    // Of an event without its end, nobody knows how long it takes.
    let class = MessageBuilder::new("IPM.Appointment", "Cut");
    let mut tree = class.at("2024-03-03T14:30:00Z", "2024-03-05T14:30:00Z").to_tree();
    let entries = tree.stream(PROPERTY_STREAM);
    entries.extend([0x03, 0x00]);
    let source = Folder::new().with("cut.msg", tree.to_bytes());
    let words = ["find", "--utc", "--event", "--since", "2024-03-04"];
    assert_eq!(text(msgfs_in(source.path(), &words)), "cut.msg\n");
}

/// Damage elsewhere does not matter: what is asked for is known.
#[test]
fn a_damaged_message_is_not_named_if_all_that_is_asked_for_can_be_read() {
    let file = AttachmentBuilder::file("menu.txt", "Soup\n".repeat(1_000));
    let mut tree = letter("Cut").attach(file).to_tree();
    tree.remove(&stream_name(tags::PR_BODY));
    tree.stream(&format!("__attach_version1.0_#00000000/{DATA}")).truncate(2_000);
    let source = Folder::new().with("cut.msg", tree.to_bytes());
    assert_eq!(msgfs_in(source.path(), &["check", "."]).status.code(), Some(1));
    let searches = [
        ["--subject", "zz"],
        ["--from", "zz"],
        ["--to", "zz"],
        ["--category", "zz"],
        ["--message-id", "zz"],
        ["--attachment", "*.zz"],
        ["--class", "zz"],
        ["--is", "signed"],
        ["--is", "read"],
        ["--is", "undated"],
        ["--until", "1900"],
    ];
    for words in searches {
        let ended = msgfs_in(source.path(), &[&["find"], &words[..]].concat());
        let found = String::from_utf8(ended.stdout).unwrap();
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{words:?}");
        assert_eq!(found.is_empty(), words[1] != "read", "{words:?}: {found}");
    }
}

#[test]
fn a_message_whose_names_cannot_be_read_is_named() {
    const FROM: [PropertyTag; 10] = [
        tags::PR_SENDER_NAME,
        tags::PR_SENDER_EMAIL_ADDRESS,
        tags::PR_SENDER_SMTP_ADDRESS,
        tags::PR_SENDER_ENTRYID,
        tags::PR_SENDER_SEARCH_KEY,
        tags::PR_SENT_REPRESENTING_NAME,
        tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
        tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
        tags::PR_SENT_REPRESENTING_ENTRYID,
        tags::PR_SENT_REPRESENTING_SEARCH_KEY,
    ];
    let without = |streams: &[PropertyTag]| {
        let mut tree = letter("Cut").to_tree();
        streams.iter().for_each(|tag| tree.remove(&stream_name(*tag)));
        tree
    };
    check_named(
        without(&[tags::PR_SUBJECT, tags::PR_NORMALIZED_SUBJECT]).to_bytes(),
        &[&["--subject", "Cut"]],
    );
    check_named(without(&FROM).to_bytes(), &[&["--from", "ada"]]);
    // The address is there, but the name may be the one that is looked for.
    let name = [tags::PR_SENT_REPRESENTING_NAME, tags::PR_SENDER_NAME];
    check_named(without(&name).to_bytes(), &[&["--from", "Ek"]]);
    for gone in ["__substg1.0_8000101F-00000000", "__nameid_version1.0/__substg1.0_00030102"] {
        let mut tree = parcel().to_tree();
        tree.remove(gone);
        check_named(tree.to_bytes(), &[&["--category", "Blue"]]);
    }
    let mut tree = parcel().to_tree();
    tree.remove(&format!("__attach_version1.0_#00000000/{}", stream_name(FILE_NAME)));
    check_named(tree.to_bytes(), &[&["--attachment", "*.zz"], &["--text", "no such text"]]);
    let mut tree = without(&[]);
    tree.remove(&format!("__recip_version1.0_#00000000/{PROPERTY_STREAM}"));
    // The message has the names of its recipients elsewhere, too, but may not have all of them.
    check_named(tree.to_bytes(), &[&["--to", "no such person"], &["--cc", "bo"]]);
}
