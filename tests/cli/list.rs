//! `msgfs ls`, `tree` and `cat` show what a mount shows.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::shown::{Found, SAMPLES, everything, msgfs_in, msgfs_on, text};
use crate::mount::folder::{Folder, damaged, letter, parcel};
use crate::mount::mounted::{Mounted, msgfs};
use crate::mount::process::{MOMENT, run};

/// The same names as in the mount, on all levels, hidden views included.
#[test]
fn listings_are_those_of_the_mount() {
    let source = Folder::of_everything();
    symlink("notes.txt", source.join("link")).unwrap();
    for options in ["ro", "show=all", "others=hide"] {
        let Some(mount) = Mounted::new(source.path(), options) else { return };
        let listed = text(msgfs_in(source.path(), &["ls", "-R", "-o", options]));
        let mut directory = String::new();
        let mut found = Vec::new();
        for line in listed.lines().filter(|line| !line.is_empty()) {
            match line.strip_suffix(':').filter(|path| path.starts_with('.')) {
                Some(path) => directory = path.trim_start_matches("./").to_owned(),
                None if directory == "." => found.push(line.into()),
                None => found.push(Path::new(&directory).join(line)),
            }
        }
        found.sort();
        let expected: Vec<_> = everything(mount.root()).into_keys().collect();
        assert_eq!(found, expected, "{options}");
    }
}

/// The same bytes as in the mount, of every file of every view.
#[test]
fn files_are_those_of_the_mount() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes());
    let Some(mount) = Mounted::new(source.path(), "show=all") else { return };
    let mut files = everything(mount.root());
    files.retain(|_, found| matches!(found, Found::File(..)));
    assert!(files.len() > 100, "{}", files.len());
    let mut expected = Vec::new();
    for found in files.values() {
        let Found::File(bytes, _) = found else { continue };
        expected.extend_from_slice(bytes);
    }
    let paths: Vec<_> = files.keys().map(|path| path.to_str().unwrap()).collect();
    let printed = msgfs_in(source.path(), &[&["cat"][..], &paths].concat()).expect_success();
    assert!(printed == expected);
}

/// Links between the files of a message, properties by tag, and ways out of a message.
#[test]
fn paths_lead_where_the_kernel_is_led() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes()).with("notes.txt", "n");
    symlink(source.join("parcel.msg"), source.join("link.msg")).unwrap();
    let cat = |path: &str| text(msgfs_in(source.path(), &["cat", path]));
    assert_eq!(cat("parcel.msg/mapi/PR_SUBJECT"), "A parcel");
    assert_eq!(cat("parcel.msg/mapi/0x0037"), "A parcel");
    assert_eq!(cat("parcel.msg//attachments/.././subject"), "A parcel\n");
    assert_eq!(cat("parcel.msg/../notes.txt"), "n");
    assert_eq!(cat("parcel.msg/attachments/../../parcel.msg/subject"), "A parcel\n");
    assert_eq!(cat("link.msg/subject"), "A parcel\n");
    assert_eq!(cat(source.join("notes.txt").to_str().unwrap()), "n");
    let inner = "parcel.msg/mapi/attachments/4/PR_ATTACH_DATA_OBJ/subject";
    assert_eq!(cat(inner), "Outer: with/slash\n");
    assert_eq!(cat(".msgfs/version"), concat!(env!("CARGO_PKG_VERSION"), "\n"));
    let deep = "parcel.msg/attachments/Outer: with_slash.msg/attachments/Inner.msg";
    assert_eq!(
        text(msgfs_in(source.path(), &["ls", &format!("{deep}/attachments")])),
        "deep.txt\n"
    );
}

#[test]
fn a_message_may_come_from_standard_input() {
    let source = Folder::new().with("a", parcel().to_bytes()).with("empty", "");
    let on = |words: &[&str]| text(msgfs_on(&source.join("a"), words));
    assert_eq!(on(&["cat", "-/subject", "-/subject"]), "A parcel\nA parcel\n");
    assert_eq!(on(&["cat", "/dev/stdin/mapi/PR_SUBJECT"]), "A parcel");
    assert!(on(&["ls", "-"]).contains("attachments\nbcc\n"));
    assert!(on(&["tree", "-/attachments"]).contains("└── page.ref\n\n"));
    let row: serde_json::Value = serde_json::from_str(&on(&["ls", "--json", "-"])).unwrap();
    assert_eq!((&row["path"], &row["sent"]), (&"-".into(), &"2021-03-04T05:06:07Z".into()));
    let shown = on(&["show", "--utc", "-"]);
    assert!(shown.contains("\nDate:        2021-03-04 05:06:07 +00:00\n"), "{shown}");
    assert_eq!(on(&["grep", "-c", "two lines", "-/body.txt"]), "1\n");
    let listed = msgfs_on(&source.join("empty"), &["ls", "-"]);
    assert_eq!(text(listed), "ERRORS\nmessage.msg\n");
}

/// A file that the user names and that is no message is an error; one that is met on the way is
/// passed over.
#[test]
fn a_named_file_that_is_no_message_is_told() {
    let source = Folder::new()
        .with("notes.txt", "Not a message.\n")
        .with("page.msg", "<html>\n")
        .with("a.msg", letter("A").to_bytes());
    let run = |words: &str, path: &str| {
        let target = Folder::new();
        let out = target.path().to_str().unwrap().to_owned();
        let words = words.split(' ').map(|word| if word == "DEST" { out.as_str() } else { word });
        let words: Vec<_> = words.map(|word| if word == "PATH" { path } else { word }).collect();
        msgfs_in(source.path(), &words)
    };
    for words in [
        "show PATH",
        "check PATH",
        "find PATH",
        "ls --json PATH",
        "ls --mail PATH",
        "extract --mbox PATH DEST",
        "extract --html PATH DEST",
        "extract --attachments PATH DEST",
    ] {
        let ended = run(words, "notes.txt");
        assert_eq!(ended.status.code(), Some(2), "{words}: {}", ended.stderr);
        let expected = "msgfs: notes.txt: is no Outlook message: its name ends neither in .msg nor \
                        in .oft\n";
        assert_eq!(ended.stderr, expected, "{words}");
        let ended = run(words, "a.msg/subject");
        assert_eq!(ended.status.code(), Some(2), "{words}: {}", ended.stderr);
        assert!(ended.stderr.contains("is a part of a message"), "{words}: {}", ended.stderr);
        assert_eq!(run(words, "a.msg").status.code(), Some(0), "{words}");
        if !words.starts_with("show") {
            assert!(!run(words, ".").stderr.contains("notes.txt"), "{words}");
        }
    }
    for form in ["--eml", "--json"] {
        let ended = run(&format!("extract {form} PATH DEST"), "page.msg");
        assert_eq!(ended.status.code(), Some(1), "{form}: {}", ended.stderr);
        assert!(ended.stderr.contains("not a compound file: it looks like an HTML"), "{form}");
    }
}

#[test]
fn what_fails_is_named() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("b.msg", damaged());
    let check = |words: &[&str], expected: &str| {
        let ended = msgfs_in(source.path(), words);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(2), expected), "{words:?}");
    };
    check(&["ls", "missing"], "msgfs: missing: no such file or directory\n");
    check(&["ls", "a.msg/missing"], "msgfs: a.msg/missing: no such file or directory\n");
    check(&["cat", "a.msg/subject/x"], "msgfs: a.msg/subject/x: not a directory\n");
    check(&["cat", "a.msg"], "msgfs: a.msg: is a directory; 'msgfs show' prints a message\n");
    check(&["tree", "\u{1b}[2J"], "msgfs: \\u{1b}[2J: no such file or directory\n");
    let ended = msgfs_in(source.path(), &["cat", "b.msg/mapi/PR_BODY", "a.msg/subject"]);
    assert!(ended.stderr.starts_with("msgfs: b.msg/mapi/PR_BODY: "), "{}", ended.stderr);
    assert_eq!((ended.status.code(), ended.stdout), (Some(1), b"A\n".to_vec()));
}

#[test]
fn messages_are_lines_of_json() {
    let source = Folder::new()
        .with("parcel.msg", parcel().to_bytes())
        .with("sub/a.oft", letter("A \"quoted\"").to_bytes())
        .with("notes.txt", "n");
    let lines = |words: &[&str]| -> Vec<serde_json::Value> {
        let printed = text(msgfs_in(source.path(), words));
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let [parcel, letter] = &lines(&["ls", "--json", "-R", "."])[..] else { panic!("two lines") };
    let size = source.join("parcel.msg").metadata().unwrap().len();
    let ada = serde_json::json!({"name": "Ada Ek", "address": "ada@example.org"});
    assert_eq!((&parcel["schema"], &parcel["path"]), (&1.into(), &"./parcel.msg".into()));
    assert_eq!((&parcel["sent"], &parcel["from"]), (&"2021-03-04T05:06:07Z".into(), &ada));
    assert_eq!(parcel["to"], serde_json::json!([{"name": "Bo Li", "address": "bo@example.org"}]));
    assert_eq!((&parcel["subject"], &parcel["size"]), (&"A parcel".into(), &size.into()));
    let names: Vec<_> = parcel["attachments"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|one| one["name"].as_str().unwrap()).collect();
    let expected = ["numbers.bin", "numbers (2).bin", "none", "page.ref", "Outer: with_slash.msg"];
    let sorted = |names: &[&str]| {
        let mut names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&names), sorted(&expected));
    assert_eq!(
        (&letter["path"], &letter["subject"]),
        (&"./sub/a.oft".into(), &"A \"quoted\"".into())
    );
    assert_eq!(lines(&["ls", "--json"]).len(), 1);
    let inner = &lines(&["ls", "--json", "parcel.msg/attachments"])[0];
    assert_eq!(inner["path"], "parcel.msg/attachments/Outer: with_slash.msg");
    assert!(inner["size"].as_u64().unwrap() > 1000, "{inner}");
}

#[test]
fn attributes_are_those_of_the_mount() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes());
    let listed = |zone: &str, words: &[&str]| {
        let words = [&["ls"], words, &["parcel.msg/attachments"]].concat();
        let mut command = msgfs();
        command.args(words).current_dir(source.path()).env("TZ", zone);
        text(run(&mut command, MOMENT))
    };
    // People read local time, unless they ask for UTC.
    let local = listed("Asia/Kolkata", &["-l"]);
    assert!(local.contains(" 2021-03-04 10:36:07 +05:30 numbers.bin\n"), "{local}");
    let human = listed("", &["-lh"]);
    assert!(human.contains("  98K 2021-03-04 "), "{human}");
    let by_size = listed("", &["-S"]);
    assert!(by_size.starts_with("numbers.bin\nnumbers (2).bin\n"), "{by_size}");
    let reversed = listed("", &["-r0"]);
    assert!(reversed.starts_with("page.ref\0numbers.bin\0"), "{reversed:?}");
    let long = listed("Asia/Kolkata", &["-l", "--utc"]);
    let numbers = long.lines().find(|line| line.ends_with(" numbers.bin")).unwrap();
    assert!(numbers.starts_with("-rw-r--r-- 1 "), "{long}");
    assert!(numbers.contains(" 100000 2021-03-04 05:06:07 +00:00 "), "{long}");
    assert!(long.contains("drwxr-xr-x 1 "), "{long}");
    let tree = text(msgfs_in(source.path(), &["tree", "-L", "1", "parcel.msg"]));
    assert!(tree.starts_with("parcel.msg\n├── attachments\n├── bcc\n"), "{tree}");
    assert!(tree.ends_with("└── to\n\n1 directory, 14 files\n"), "{tree}");
}

/// Whoever reads the output may stop at any time.
#[test]
fn closed_pipes_end_quietly() {
    for words in ["ls -R", "tree", "ls -R --json", "cat notes.txt", "grep -h ''", "help", "man"] {
        let mut command = msgfs();
        command.args(words.split(' ').map(|word| word.trim_matches('\'')));
        if words.starts_with("grep") {
            command.arg("Calendar");
        }
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let ended = command.current_dir(SAMPLES).stdout(Stdio::from(write)).stdin(Stdio::null());
        let ended = ended.stderr(Stdio::piped()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{words}");
        assert_eq!(ended.status.code(), Some(0), "{words}");
    }
}

/// Reading changes nothing, not even the access time.
#[test]
fn the_source_stays_as_it_is() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let stat = || {
        let ended =
            run(Command::new("stat").args(["-c", "%x %y %z"]).arg(source.join("a.msg")), MOMENT);
        text(ended)
    };
    let before = stat();
    for words in [&["ls", "-lR"][..], &["cat", "a.msg/body.txt"], &["grep", "A", "."]] {
        text(msgfs_in(source.path(), words));
    }
    assert_eq!(stat(), before);
}

#[test]
fn directories_themselves_are_listed() {
    let listed = |words: &[&str]| text(msgfs_in(SAMPLES.as_ref(), words));
    assert_eq!(listed(&["ls", "-d", "Price list.msg", "Damaged"]), "Price list.msg\nDamaged\n");
    assert!(listed(&["ls", "-ld", "Price list.msg"]).starts_with('d'));
    assert!(listed(&["ls", "-F"]).contains("Price list.msg/\n"));
    let mail = listed(&["ls", "-l", "--mail", "Price list.msg"]);
    let size = std::fs::metadata(format!("{SAMPLES}/Price list.msg")).unwrap().len();
    assert!(mail.contains(&format!(" {size}")), "{mail}");
}

/// A program is given every name, and on a terminal the line ends at its edge.
#[test]
fn attachments_of_a_mailbox_fit_the_terminal() {
    const TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let words = ["ls", "--mail", "Quotation for the jetty.msg"];
    let piped = text(msgfs_in(SAMPLES.as_ref(), &words));
    assert!(
        piped.trim_end().ends_with("signature.asc, Soundings.dwg.ref, Site plan.xlsx.ref"),
        "{piped}"
    );
    for columns in [90, 140] {
        let mut command = Command::new("python3");
        command.args(["-c", TERMINAL, env!("CARGO_BIN_EXE_msgfs")]).args(words);
        command.env("COLUMNS", columns.to_string()).env("NO_COLOR", "1").current_dir(SAMPLES);
        let shown = text(run(&mut command, MOMENT));
        let line = shown.trim_end();
        assert!(line.chars().count() <= columns && line.contains(", +"), "{columns}: {line}");
    }
}
