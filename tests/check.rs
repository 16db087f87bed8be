//! `msgfs check` on the sample mail: its lines, its summary and its exit code.

use std::path::Path;

use serde::Deserialize;

use crate::mail::samples;
use crate::mount::folder::{Folder, damaged, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{MOMENT, run};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");

/// A line of `--json`, with no more keys than these.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Defect { path: String, place: String, cause: String },
    Note { path: String, place: String, note: String },
    Summary { messages: usize, damaged: usize, defects: usize, notes: usize },
}

/// Runs `msgfs check`; gives its exit code and what it printed.
#[track_caller]
fn check(arguments: &[&str]) -> (i32, String) {
    let ended = run(msgfs().arg("check").args(arguments), MOMENT);
    assert_eq!(ended.stderr, "", "{arguments:?}");
    (ended.status.code().unwrap(), String::from_utf8(ended.stdout).unwrap())
}

#[track_caller]
fn check_sound(path: &str, messages: usize) {
    let summary = format!("{}, 0 damaged, 0 defects\n", counted(messages));
    assert_eq!(check(&[path]), (0, summary));
}

fn counted(messages: usize) -> String {
    format!("{messages} message{}", if messages == 1 { "" } else { "s" })
}

#[test]
fn sound_messages_are_only_counted() {
    check_sound(&format!("{SAMPLES}/Calendar"), 2);
    for (path, _) in samples() {
        if path.ends_with(".msg") && !path.starts_with("Damaged/") {
            check_sound(&format!("{SAMPLES}/{path}"), 1);
        }
    }
}

#[test]
fn every_defect_is_a_line() {
    let (code, text) = check(&[SAMPLES]);
    assert_eq!(code, 1);
    let (lines, summary) = text.trim_end().rsplit_once('\n').unwrap();
    let messages = samples().iter().filter(|(path, _)| !path.ends_with(".txt")).count();
    let defects = lines.lines().count();
    assert_eq!(summary, format!("{messages} messages, 2 damaged, {defects} defects"));
    let no_message = format!("{SAMPLES}/Damaged/Not a message.msg: /: not a compound file");
    let cut_short = format!("{SAMPLES}/Damaged/Report cut short.msg: ");
    let mut lines = lines.lines();
    assert!(lines.next().unwrap().starts_with(&no_message), "{text}");
    let attachment = lines.clone().find(|line| line.contains("0x37010102"));
    assert!(attachment.unwrap().contains("expected 14162 bytes, found 10384"), "{text}");
    assert!(lines.all(|line| line.starts_with(&cut_short)), "{text}");
}

#[test]
fn json_says_the_same() {
    let (code, text) = check(&[SAMPLES]);
    let (json_code, json) = check(&["--json", SAMPLES]);
    assert_eq!(json_code, code);
    let line = |json: &str| match serde_json::from_str(json).unwrap() {
        Line::Defect { path, place, cause } => format!("{path}: {place}: {cause}\n"),
        Line::Note { path, place, note } => format!("{path}: note: {place}: {note}\n"),
        Line::Summary { messages, damaged, defects, notes } => {
            assert_eq!(notes, 0);
            format!("{}, {damaged} damaged, {defects} defects\n", counted(messages))
        }
    };
    assert_eq!(json.lines().map(line).collect::<String>(), text);
    let sound = format!("{SAMPLES}/Lunch on Friday.msg");
    let summary = "{\"messages\":1,\"damaged\":0,\"defects\":0,\"notes\":0}\n";
    assert_eq!(check(&["--json", &sound]), (0, summary.to_owned()));
}

/// A path that is missing is no damage: it is told apart, and the others are checked all the same.
#[test]
fn several_paths_are_checked() {
    let folder = Folder::new()
        .with("deep/in/a/damaged.msg", damaged())
        .with("sound.oft", letter("A").to_bytes())
        .with("text.txt", "no message");
    let [missing, all] = ["missing", ""].map(|name| folder.join(name).display().to_string());
    let ended = run(msgfs().arg("check").args([&missing, &all]), MOMENT);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(ended.stderr, format!("msgfs: {missing}: no such file or directory\n"));
    let text = String::from_utf8(ended.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let place = Path::new(&all).join("deep/in/a/damaged.msg").display().to_string();
    assert!(lines[0].starts_with(&format!("{place}: ")), "{text}");
    assert!(lines[0].contains("1000001F"), "{text}");
    assert!(lines[1].ends_with(" 1 damaged, 1 defect"), "{text}");
    let empty = Folder::new();
    check_sound(&empty.path().display().to_string(), 0);
}
