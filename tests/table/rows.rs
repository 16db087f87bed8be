//! Each row against the tree of its message.

use std::fs;
use std::path::Path;

use msgfs::fs::{FileType, Options, PathOpener, Place};
use msgfs::mail::{Address, FileTime, time_text};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{column, streamed, table};
use crate::cli::shown::SAMPLES;
use crate::corpus_files::corpus;
use crate::mount::folder::{Folder, damaged, letter, parcel};

/// What a file of a message holds; `None` if there is no such file, or it cannot be read.
fn file(message: &Place, path: &str) -> Option<Vec<u8>> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let names = rest.split('/').filter(|name| !name.is_empty());
    let place =
        names.fold(message.child(first.as_ref()).ok(), |at, name| at?.child(name.as_ref()).ok())?;
    place.read(0, usize::try_from(place.attr().size).unwrap()).ok()
}

fn text(message: &Place, path: &str) -> Option<String> {
    file(message, path).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name and an address as a file of the tree has them.
fn line(name: &Value, address: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if name.is_null() && address.is_null() {
        return None;
    }
    let line = Address { name: text(name), address: text(address) }.to_string();
    Some(line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>() + "\n")
}

fn lines<'a>(all: impl Iterator<Item = &'a Value>) -> Option<String> {
    let lines: String =
        all.filter_map(|one| line(&one["display_name"], &one["email_address"])).collect();
    (!lines.is_empty()).then_some(lines)
}

/// Compares a row with the directory of its message.
fn compare(row: &Value, message: &Place) {
    let at = row["path"].as_str().unwrap();
    let check = |what: &str, said: Option<String>, shown: Option<String>| {
        assert_eq!(said, shown, "{at}: {what}");
    };
    let said = |name: &str| row[name].as_str().map(str::to_owned);
    check("headers", said("headers"), text(message, "headers"));
    // A message without a body of its own has that of the message that it wraps.
    let places = ["", "signed/", "attachments/winmail.dat.d/"];
    let has_body = |place: &&str| text(message, &format!("{place}body.txt")).is_some();
    let place = places.into_iter().find(has_body).unwrap_or_default();
    for (name, path) in [("body", "body.txt"), ("body_html", "body.html")] {
        check(path, said(name), text(message, &format!("{place}{path}")));
    }
    for (name, path) in
        [("subject", "subject"), ("message_class", "class"), ("internet_message_id", "message-id")]
    {
        check(path, said(name).map(|text| text + "\n"), text(message, path));
    }
    for (name, path) in [("client_submit_time", "date"), ("message_delivery_time", "received")] {
        let shown = text(message, path).map(|text| text.trim_end().parse::<FileTime>().unwrap());
        check(path, said(name), shown.and_then(time_text));
    }
    let importance = text(message, "importance").map(|text| text.trim_end().to_uppercase());
    let known = importance.filter(|text| ["LOW", "NORMAL", "HIGH"].contains(&text.as_str()));
    check("importance", said("importance"), known);
    for (name, path) in [("sender", "sender"), ("sent_representing", "from")] {
        let address = &row[format!("{name}_email_address")];
        check(path, line(&row[format!("{name}_name")], address), text(message, path));
    }
    let recipients = row["recipients"].as_array().into_iter().flatten();
    for (kind, path) in [("TO", "to"), ("CC", "cc"), ("BCC", "bcc")] {
        let all = recipients.clone().filter(|one| one["recipient_type"] == kind);
        check(path, lines(all), text(message, path));
    }
    check(
        "reply-to",
        lines(row["reply_to"].as_array().into_iter().flatten()),
        text(message, "reply-to"),
    );
    let categories = row["categories"].as_array().into_iter().flatten();
    let categories: String =
        categories.map(|one| one.as_str().unwrap().to_owned() + "\n").collect();
    check(
        "categories",
        Some(categories).filter(|all| !all.is_empty()),
        text(message, "categories"),
    );
    compare_attachments(row, message);
    let defects = row["defects"].as_array().unwrap();
    let shown = text(message, "ERRORS").unwrap_or_default();
    assert_eq!(defects.is_empty(), shown.is_empty(), "{at}: {defects:?}, {shown}");
    for line in shown.lines() {
        let is_told = |one: &Value| {
            let cause = one["cause"].as_str().unwrap();
            line.contains(cause.lines().next().unwrap())
        };
        assert!(defects.iter().any(is_told), "{at}: {line} is not in {defects:?}");
    }
}

fn child(place: &Place, name: &str) -> Option<Place> {
    place.child(name.as_ref()).ok()
}

fn compare_attachments(row: &Value, message: &Place) {
    let at = row["path"].as_str().unwrap();
    let Some(attachments) = row["attachments"].as_array() else {
        assert!(message.child("attachments".as_ref()).is_err(), "{at}");
        return;
    };
    let listed = message.child("attachments".as_ref());
    assert_eq!(attachments.is_empty(), listed.is_err(), "{at}");
    for attachment in attachments {
        let name = attachment["filename"].as_str().unwrap();
        let folder = listed.as_ref().unwrap();
        // Behind the own ones come those of the message that this one wraps.
        let inside = || child(&child(message, "signed")?, "attachments");
        let place = child(folder, name).or_else(|| child(&inside()?, name));
        let place = place.unwrap_or_else(|| panic!("{at}: {name}"));
        let is_message = place.attr().file_type == FileType::Directory;
        assert_eq!(attachment["is_message"], is_message, "{at}: {name}");
        let whole = if is_message { place.child("message.msg".as_ref()).unwrap() } else { place };
        let bytes = whole.read(0, usize::try_from(whole.attr().size).unwrap());
        let hash = attachment["sha256"].as_str();
        match bytes {
            Ok(bytes) if hash.is_some() => {
                assert_eq!(attachment["size"], bytes.len(), "{at}: {name}");
                assert_eq!(hash, Some(sha256(&bytes).as_str()), "{at}: {name}");
            }
            // What cannot be read whole has no hash, and a defect.
            _ => assert_ne!(row["defects"].as_array().unwrap().len(), 0, "{at}: {name}"),
        }
    }
}

/// Compares the rows of all messages below a folder; returns how many there are.
fn compare_all(folder: &Path) -> usize {
    let rows = streamed(folder, &["--embedded", "--html", "."]);
    let mut opener = PathOpener::new(Options::default());
    let mut files = 0;
    for row in &rows {
        let path = row["path"].as_str().unwrap();
        let message =
            opener.open(&folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        compare(row, &message);
        if row["depth"] == 0 {
            files += 1;
            let bytes = fs::read(folder.join(path)).unwrap();
            assert_eq!(row["sha256"], sha256(&bytes), "{path}");
            assert_eq!(row["message_size"], bytes.len(), "{path}");
            assert!(row["parent_path"].is_null(), "{path}");
        } else {
            let parent = path.rsplit_once("/attachments/").unwrap().0;
            assert_eq!(row["parent_path"], parent, "{path}");
            let whole = file(&message, "message.msg");
            assert_eq!(row["sha256"].as_str(), whole.as_deref().map(sha256).as_deref(), "{path}");
        }
    }
    assert_eq!(streamed(folder, &["--columns", "path", "--no-hash", "."]).len(), files);
    rows.len()
}

#[test]
fn rows_say_what_the_tree_shows() {
    assert!(compare_all(SAMPLES.as_ref()) > 12);
    assert!(compare_all(Folder::of_everything().path()) > 5);
}

#[test]
fn rows_of_real_mail_say_what_the_tree_shows() {
    let Some(corpus) = corpus() else { return };
    assert!(compare_all(&corpus.join("files")) >= 200);
}

#[test]
fn embedded_messages_are_behind_the_one_around() {
    let folder =
        Folder::new().with("a.msg", parcel().to_bytes()).with("b.msg", letter("B").to_bytes());
    let rows = streamed(folder.path(), &["--embedded", "."]);
    let outer = "./a.msg/attachments/Outer: with_slash.msg";
    let inner = format!("{outer}/attachments/Inner.msg");
    assert_eq!(column(&rows, "path"), ["./a.msg", outer, &inner, "./b.msg"]);
    assert_eq!(column(&rows, "parent_path"), ["", "./a.msg", outer, ""]);
    let depths: Vec<_> = rows.iter().map(|row| row["depth"].as_i64().unwrap()).collect();
    assert_eq!(depths, [0, 1, 2, 0]);
    // A path may lead into a message, and to where messages are in one.
    for path in [outer, "./a.msg/attachments"] {
        let rows = streamed(folder.path(), &[path]);
        assert_eq!(column(&rows, "path"), [outer]);
        assert_eq!(column(&rows, "parent_path"), ["./a.msg"]);
    }
}

#[test]
fn columns_are_those_asked_for() {
    let folder = Folder::new().with("a.msg", parcel().to_bytes());
    let rows = streamed(folder.path(), &["--columns", "subject, depth,path,subject", "."]);
    let row = rows[0].as_object().unwrap();
    assert_eq!(row.len(), 3);
    assert_eq!((&rows[0]["subject"], &rows[0]["depth"]), (&"A parcel".into(), &0.into()));
    let rows = streamed(folder.path(), &["--no-hash", "."]);
    assert!(rows[0]["sha256"].is_null() && rows[0]["attachments"][0]["sha256"].is_null());
    assert!(rows[0].get("body_html").is_none());
    assert!(streamed(folder.path(), &["--html", "."])[0]["body_html"].is_string());
    let methods = |rows: &[Value]| -> Vec<String> {
        let all = rows[0]["attachments"].as_array().unwrap().iter();
        all.map(|one| one["attach_method"].as_str().unwrap().to_owned()).collect()
    };
    let value = "BY_VALUE";
    assert_eq!(methods(&rows), [value, value, value, "BY_WEB_REFERENCE", "EMBEDDED_MESSAGE"]);
    for (wrong, expected) in [
        ("subjct", "msgfs: no column is called 'subjct'; did you mean 'subject'?\n"),
        ("x", "msgfs: no column is called 'x'; 'msgfs help table' lists them\n"),
    ] {
        let ended = table(folder.path(), &["--columns", wrong, ".", "-"]);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(2), expected));
    }
}

/// What cannot be read is a row.
#[test]
fn damage_is_a_row() {
    let folder = Folder::new()
        .with("a.msg", letter("A").to_bytes())
        .with("b.msg", damaged())
        .with("c.msg", "no message")
        .with("d.msg", "");
    let ended = table(folder.path(), &[".", "t.csv"]);
    assert!(ended.status.success());
    assert_eq!(ended.stderr, "msgfs: 3 of 4 rows with defects\n");
    let rows = streamed(folder.path(), &["."]);
    assert_eq!(column(&rows, "path"), ["./a.msg", "./b.msg", "./c.msg", "./d.msg"]);
    let defects: Vec<_> = rows.iter().map(|row| row["defects"].as_array().unwrap().len()).collect();
    assert!(defects[0] == 0 && defects[1..].iter().all(|count| *count > 0), "{defects:?}");
    assert!(rows[1]["body"].is_null() && rows[1]["subject"] == "Damaged");
    assert!(rows[2]["recipients"].is_null() && rows[2]["subject"].is_null());
    assert_eq!(rows[2]["sha256"], sha256(b"no message"));
    let strict = table(folder.path(), &["--strict", ".", "t.csv"]);
    assert_eq!(strict.status.code(), Some(1));
    // What was not asked for is no defect.
    let strict =
        table(folder.path(), &["--strict", "--columns", "path,subject", "a.msg", "b.msg", "t.csv"]);
    assert_eq!(strict.status.code(), Some(0), "{}", strict.stderr);
}

#[test]
fn a_path_that_is_no_text_is_whole() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = b"caf\xe9.msg";
    let folder = Folder::new().with(std::ffi::OsStr::from_bytes(name), letter("A").to_bytes());
    let rows = streamed(folder.path(), &["."]);
    assert_eq!(rows[0]["path"], "./caf\u{fffd}.msg");
    assert_eq!(rows[0]["path_bytes"], Value::from(&b"./caf\xe9.msg"[..]));
}

#[test]
fn a_meeting_has_its_times() {
    let rows = streamed(SAMPLES.as_ref(), &["Calendar/Boat inspection.msg", "Price list.msg"]);
    let ics = PathOpener::new(Options::default())
        .open(&Path::new(SAMPLES).join("Calendar/Boat inspection.msg"))
        .map(|message| text(&message, "event.ics").unwrap())
        .unwrap();
    let location = rows[0]["event_location"].as_str().unwrap();
    let escaped = location.replace(',', "\\,");
    assert!(ics.contains(&format!("LOCATION:{escaped}\r\n")), "{location}: {ics}");
    let (start, end) = (rows[0]["event_start"].as_str(), rows[0]["event_end"].as_str());
    assert!(start.is_some() && start < end, "{start:?}, {end:?}");
    assert_eq!(rows[0]["event_all_day"], false);
    for name in ["event_start", "event_end", "event_all_day", "event_location", "event_time_zone"] {
        assert!(rows[1][name].is_null(), "{name}");
    }
}
