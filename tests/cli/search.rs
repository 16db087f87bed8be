//! `msgfs grep` finds what `grep -r` finds in a mount, and ends as it does.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::shown::{SAMPLES, corpus, msgfs_in, text};
use crate::mount::folder::{Folder, damaged, letter, parcel};
use crate::mount::mounted::Mounted;
use crate::mount::process::{Ended, LONG, is_installed, run};

/// The lines of both outputs, without how each tells of binary files.
fn lines(ended: &Ended) -> BTreeSet<String> {
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned() + &ended.stderr;
    let line = |line: &str| match line.split_once(": binary file matches") {
        Some((path, _)) => path.trim_start_matches("grep: ").to_owned() + ": binary",
        None => line.to_owned(),
    };
    // grep separates the context of one file from that of the next, too.
    printed.lines().filter(|line| *line != "--").map(line).collect()
}

/// The same matches and exit code as of `grep -r` in a mount.
#[track_caller]
fn check_like_grep(source: &Path, words: &[&str]) {
    if !is_installed("grep") {
        println!("SKIPPED: no grep");
        return;
    }
    let Some(mount) = Mounted::new(source, "") else { return };
    let mut grep = Command::new("grep");
    grep.arg("-r").args(words).arg(".").current_dir(mount.root()).env("LC_ALL", "C");
    let expected = run(&mut grep, LONG);
    let found = msgfs_in(source, &[&["grep"][..], words, &["."]].concat());
    let (ours, theirs) = (lines(&found), lines(&expected));
    let differing: Vec<_> = ours.symmetric_difference(&theirs).take(5).collect();
    assert!(differing.is_empty(), "{words:?}: {differing:?}");
    assert_eq!(found.status.code(), expected.status.code(), "{words:?}");
}

#[test]
fn the_same_is_found_as_in_a_mount() {
    let source = Folder::of_everything();
    for words in [
        &["parcel"][..],
        &["-i", "PARCEL"],
        &["-n", "-F", "two lines."],
        &["-l", "lines"],
        &["-L", "lines"],
        &["-c", "line"],
        &["-v", "-n", "line"],
        &["-w", "lines"],
        &["-x", "Inner"],
        &["-o", "t[a-z]*o"],
        &["-e", "Deep", "-e", "two"],
        &["-C", "1", "two"],
        &["-A1", "-n", "This"],
        &["-h", "Deep"],
        &["-m", "1", "."],
        &["-q", "parcel"],
        &["no such line"],
    ] {
        check_like_grep(source.path(), words);
    }
}

#[test]
fn the_same_is_found_in_the_corpus() {
    let Some(corpus) = corpus() else { return };
    check_like_grep(&corpus, &["-n", "Subject"]);
    check_like_grep(&corpus, &["-c", "-i", "test"]);
    check_like_grep(&corpus, &["-l", "http"]);
}

/// Lines come in the order of the names, each time the same.
#[test]
fn output_is_in_order() {
    let source = Folder::new();
    for number in 0..300 {
        source.put(format!("{number:03}.msg"), letter(&format!("Number {number}")).to_bytes());
    }
    let found = text(msgfs_in(source.path(), &["grep", "-h", "^Number", "."]));
    let expected: String = (0..300).map(|number| format!("Number {number}\n")).collect();
    assert_eq!(found, expected);
}

#[test]
fn parts_can_be_searched() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes()).with("n.txt", "Deep Inner");
    let check = |words: &[&str], expected: &[&str]| {
        let ended = msgfs_in(source.path(), &[&["grep", "-l"], words].concat());
        assert_eq!(ended.stderr, "");
        let found = String::from_utf8(ended.stdout).unwrap();
        let expected: String = expected.iter().map(|path| format!("{path}\n")).collect();
        assert_eq!(found, expected, "{words:?}");
    };
    let outer = "parcel.msg/attachments/Outer: with_slash.msg";
    let inner = &format!("{outer}/attachments/Inner.msg");
    let [subject, body, deep] =
        ["subject", "body.txt", "attachments/deep.txt"].map(|name| format!("{inner}/{name}"));
    check(&["--in", "subject", "Inner", "parcel.msg"], &[&subject]);
    check(&["--in", "subject", "Inner", "n.txt", "parcel.msg"], &[&subject]);
    check(&["--in", "body", "Inner", "parcel.msg"], &[&body]);
    check(&["--in", "body,subject", "Inner", "parcel.msg"], &[&body, &subject]);
    check(&["--in", "to", "Čeněk", "parcel.msg"], &["parcel.msg/cc"]);
    check(&["--in", "attachments", "Deep", "."], &[&format!("./{deep}")]);
    check(&["--in", "attachments", "Inner", "parcel.msg"], &[&body, &subject]);
    check(&["--in", "from", "Inner", "parcel.msg"], &[]);
    check(&["Deep", "n.txt", "parcel.msg"], &["n.txt", &deep]);
    check(&["parcel", "parcel.msg/mapi/PR_SUBJECT"], &["parcel.msg/mapi/PR_SUBJECT"]);
}

/// The exit code tells whether something was found; an error outweighs it, but not with `-q`.
#[test]
fn exit_codes() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("b.msg", damaged());
    let check = |words: &[&str], code: i32| {
        let ended = msgfs_in(source.path(), &[&["grep"], words].concat());
        assert_eq!(ended.status.code(), Some(code), "{words:?}: {}", ended.stderr);
        ended.stderr
    };
    assert_eq!(check(&["two", "a.msg"], 0), "");
    assert_eq!(check(&["three", "a.msg"], 1), "");
    let missing = "msgfs: missing: no such file or directory\n";
    assert_eq!(check(&["two", "a.msg", "missing"], 2), missing);
    check(&["-q", "two", "a.msg", "missing"], 0);
    check(&["(", "a.msg"], 2);
    check(&["two"], 2);
    check(&["--in", "nothing", "two", "a.msg"], 2);
    check(&["--help"], 0);
}

#[test]
fn json_and_colours() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let grep = |words: &[&str]| text(msgfs_in(source.path(), &[&["grep"], words].concat()));
    let json = grep(&["--json", "two", "."]);
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["begin", "match", "end"]);
    assert_eq!(lines[1]["data"]["path"]["text"], "./a.msg/body.txt");
    assert_eq!(lines[1]["data"]["lines"]["text"], "It has two lines.");
    assert!(!grep(&["two", "."]).contains('\u{1b}'));
    assert!(grep(&["--color", "always", "two", "."]).contains("\u{1b}["));
    assert_eq!(grep(&["-lZ", "two", "."]), "./a.msg/body.txt\0");
    assert_eq!(grep(&["two", "a.msg/body.txt"]), "It has two lines.\n");
    assert_eq!(grep(&["-H", "two", "a.msg/body.txt"]), "a.msg/body.txt:It has two lines.\n");
}

/// As in grep, whether the groups are of one file, of one message or of two.
#[test]
fn groups_of_lines_are_separated() {
    let mail = |subject: &str| letter(subject).body("two\n1\n2\ntwo\n");
    let source =
        Folder::new().with("a.msg", mail("two").to_bytes()).with("b.msg", mail("B").to_bytes());
    let grep = |words: &[&str]| text(msgfs_in(source.path(), &[&["grep", "two"], words].concat()));
    let body =
        |name: &str| format!("{name}/body.txt:two\n{name}/body.txt-1\n--\n{name}/body.txt:two\n");
    let expected = format!("a.msg/subject:two\n--\n{}--\n{}", body("a.msg"), body("b.msg"));
    let words = ["--in", "subject", "--in", "body", "-A1"];
    let sorted = |text: String| {
        let mut groups: Vec<_> = text.split("--\n").map(str::to_owned).collect();
        groups.sort();
        groups
    };
    assert_eq!(sorted(grep(&[&words[..], &["a.msg", "b.msg"]].concat())), sorted(expected));
    assert!(!grep(&["-c", "-A1", "a.msg", "b.msg"]).contains("--"));
    assert!(!grep(&["a.msg", "b.msg"]).contains("--"));
}

#[test]
fn habits_of_ripgrep_and_grep_hold() {
    let found =
        |words: &[&str]| text(msgfs_in(SAMPLES.as_ref(), &[&["grep", "-l"], words].concat()));
    let subject = "Quotation for the jetty.msg/subject\n";
    let in_subjects = ["--in", "subject", "-g", "Quot*.msg"];
    for words in [
        // A glob that matches a message means all that is in it.
        &["jetty"][..],
        &["-S", "jetty"],
        &["-S", "quotation"],
        &["-i", "QUOTATION"],
        &["--include", "Q*.msg", "Quotation"],
        &["--iglob", "QUOT*", "-uN", "jetty"],
    ] {
        assert_eq!(found(&[&in_subjects, words].concat()), subject, "{words:?}");
    }
    let none = msgfs_in(SAMPLES.as_ref(), &["grep", "-S", "JETTY", "-g", "Quot*.msg"]);
    assert_eq!(none.status.code(), Some(1));
    for without in [["-g", "!Quot*.msg"], ["--exclude", "Quot*.msg"]] {
        let rest = found(&[&["jetty"], &without[..]].concat());
        assert!(rest.contains("Drawing") && !rest.contains("Quotation"), "{without:?}: {rest}");
    }
    assert_eq!(found(&["-0", "--in", "subject", "Quotation"]), subject.replace('\n', "\0"));
    let patterns = Folder::new().with("patterns", "no such words\nQuotation\n");
    let file = patterns.join("patterns");
    assert_eq!(found(&["--in", "subject", "-f", file.to_str().unwrap()]), subject);
}
