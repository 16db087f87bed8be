//! `msgfs show`: what a person reads, and that nothing in it controls a terminal.

use std::process::Command;

use msgfs::mapi::{Value, tags};

use super::shown::{SAMPLES, msgfs_in, text};
use crate::mount::folder::{Folder, damaged, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{MOMENT, run};

#[test]
fn a_message_is_shown_as_a_person_reads_it() {
    let shown = text(msgfs_in(SAMPLES.as_ref(), &["show", "--utc", "Summer regatta.msg"]));
    let (header, body) = shown.split_once("\n\n").unwrap();
    let expected = "\
Subject:     Summer regatta
From:        Harbour Office <office@harbour.example.org>
To:          Anna Berg <anna.berg@example.org>
Bcc:         Ben Okoro <ben.okoro@example.org>
Date:        2024-06-03 15:00:00 +00:00
Received:    2024-06-03 15:00:00 +00:00
State:       read
Attachments: boat.png (image/png, 173 bytes)";
    assert_eq!(header, expected);
    let body_of_mount = text(msgfs_in(SAMPLES.as_ref(), &["cat", "Summer regatta.msg/body.txt"]));
    assert_eq!(body.trim_end(), body_of_mount.trim_end());
}

#[test]
fn an_event_is_shown_with_its_times() {
    let mut command = msgfs();
    command.args(["show", "Calendar/Boat inspection.msg"]).current_dir(SAMPLES);
    let shown = text(run(command.env("TZ", "Europe/Prague"), MOMENT));
    for line in
        ["Start:       2024-05-21 15:00:00 +02:00\n", "Place:       Berth 14, north jetty\n"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn several_messages_are_set_apart() {
    let words = ["show", "Lunch on Friday.msg", "Price list.msg"];
    let shown = text(msgfs_in(SAMPLES.as_ref(), &words));
    assert!(shown.starts_with("==> Lunch on Friday.msg <==\nSubject: "), "{shown}");
    assert!(shown.contains("\n\n==> Price list.msg <==\nSubject: "), "{shown}");
}

/// OSC 52 would set the clipboard, OSC 8 hide where a link leads, CSI move the cursor; U+202E
/// turns the rest of a line round.
#[test]
fn nothing_controls_the_terminal() {
    let hostile = "\u{1b}]52;c;aGk=\u{7} \u{1b}]8;;http://x\u{1b}\\ \u{9b}2J exe.\u{202e}fdp";
    let html = Value::Binary(format!("<p>\r\n{hostile}</p>").into_bytes());
    let message = letter(hostile).set(tags::PR_HTML, html);
    let source = Folder::new().with("a.msg", message.to_bytes());
    for words in [
        &["show", "a.msg"][..],
        &["ls", "--mail"],
        &["find", "-l"],
        &["show", "--html", "a.msg"],
        &["ls", "--json"],
        &["find", "--json"],
        &["show", "--json", "a.msg"],
    ] {
        let shown = text(msgfs_in(source.path(), words));
        let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        // The style sheet of a page has none either.
        assert!(!shown.contains(harmful), "{words:?}: {shown:?}");
        let escaped = ["\\u{1b}]52;", "\\u001b]52;"].iter().any(|text| shown.contains(text));
        assert!(escaped, "{words:?}: {shown}");
    }
}

#[test]
fn a_loss_is_told_and_is_the_exit_status() {
    let source = Folder::new().with("b.msg", damaged()).with("c.msg", "no message");
    let ended = msgfs_in(source.path(), &["show", "b.msg"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8(ended.stdout).unwrap().contains("\nDamaged: "));
    let ended = msgfs_in(source.path(), &["show", "c.msg"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("msgfs: c.msg: not a compound file"), "{}", ended.stderr);
    for (path, expected) in [
        (".", "msgfs: .: is a folder; 'msgfs ls --mail' lists its messages\n"),
        ("missing", "msgfs: missing: no such file or directory\n"),
        ("b.msg/subject", "msgfs: b.msg/subject: is a part of a message; 'msgfs cat' prints it\n"),
    ] {
        let ended = msgfs_in(source.path(), &["show", path]);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(2), expected));
    }
}

/// One page, with its pictures in it, whose body can run nothing.
#[test]
fn a_page_is_whole_and_safe() {
    let page = text(msgfs_in(SAMPLES.as_ref(), &["show", "--html", "Summer regatta.msg"]));
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(page.contains("default-src 'none'"), "{page}");
    assert!(page.contains("<iframe sandbox title=\"Body\" srcdoc=\""), "{page}");
    assert!(page.contains("data:image/png;base64,"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    // The path of a file can name a server.
    assert!(page.contains("img-src data:;"), "{page}");
}

/// `message.txt` of a message is what is shown of it, byte for byte, also of an embedded one.
#[test]
fn message_txt_is_what_is_shown() {
    for path in [
        "Summer regatta.msg",
        "Calendar/Boat inspection.msg",
        "Damaged/Report cut short.msg",
        "Fwd Lost parcel.msg/attachments/Lost parcel.msg",
    ] {
        let shown = msgfs_in(SAMPLES.as_ref(), &["show", "--utc", "--color=never", path]);
        let file = msgfs_in(SAMPLES.as_ref(), &["cat", &format!("{path}/message.txt")]);
        assert!(shown.stdout == file.stdout && !file.stdout.is_empty(), "{path}");
    }
    let listed = |show: &str| {
        text(msgfs_in(SAMPLES.as_ref(), &["ls", "-o", show, "Price list.msg"]))
            .lines()
            .any(|name| name == "message.txt")
    };
    assert!(listed("show=text") && !listed("show=all"));
}

/// A message is shown without a pager rather than not at all.
#[test]
fn a_pager_that_is_missing_hides_nothing() {
    const TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    for (pager, expected) in [
        ("no-such-pager -R", "no pager 'no-such-pager -R': shown without one"),
        ("tr a-z A-Z", "SUBJECT:     SUMMER REGATTA"),
        ("X=1 tr a-z A-Z", "SUBJECT:     SUMMER REGATTA"),
    ] {
        let mut command = Command::new("python3");
        command.args(["-c", TERMINAL, env!("CARGO_BIN_EXE_msgfs"), "show", "--color=never"]);
        command.arg(format!("{SAMPLES}/Summer regatta.msg")).env("MSGFS_PAGER", pager);
        let shown = text(run(&mut command, MOMENT));
        assert!(shown.contains(expected), "{pager}: {shown}");
        assert!(shown.to_lowercase().contains("summer regatta"), "{pager}: {shown}");
    }
}
