//! The forms of a table, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{batches_of, rows_of, streamed, table};
use crate::cli::shown::msgfs_on;
use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::mounted::msgfs;
use crate::mount::process::{LONG, MOMENT, Process, run, wait_until};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn csv_is_quoted_and_runs_no_formula() {
    let folder = Folder::new()
        .with("a.msg", letter("=cmd|' /C calc'!A0").to_bytes())
        .with("b.msg", letter("one, \"two\"\r\nthree").to_bytes())
        .with("c.msg", letter("@SUM(1)").to_bytes())
        .with("d.msg", letter("-1").to_bytes());
    let columns = ["--columns", "path,subject,depth,categories"];
    let csv = |words: &[&str]| {
        let ended = table(folder.path(), &[&columns, words, &[".", "t.csv"]].concat());
        assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
        fs::read_to_string(folder.join("t.csv")).unwrap()
    };
    let made = "path,subject,depth,categories\r\n\
                ./a.msg,'=cmd|' /C calc'!A0,0,[]\r\n\
                ./b.msg,\"one, \"\"two\"\"\nthree\",0,[]\r\n\
                ./c.msg,'@SUM(1),0,[]\r\n\
                ./d.msg,'-1,0,[]\r\n";
    assert_eq!(csv(&[]), made);
    assert_eq!(csv(&["--raw"]), made.replace(",'", ","));
}

/// The file of Arrow begins and ends with its magic, and holds the rows of the stream.
#[test]
fn every_form_is_written() {
    let folder = Folder::of_everything();
    for (name, magic) in [("t.parquet", "PAR1"), ("t.arrow", "ARROW1"), ("t.csv", "path,")] {
        let ended = table(folder.path(), &[".", name]);
        assert!(ended.stderr.is_empty(), "{}", ended.stderr);
        assert!(String::from_utf8(ended.stdout).unwrap().starts_with("5 rows, "), "{name}");
        let bytes = fs::read(folder.join(name)).unwrap();
        assert!(bytes.starts_with(magic.as_bytes()), "{name}");
        assert!(name == "t.csv" || bytes.ends_with(magic.as_bytes()), "{name}");
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    table(folder.path(), &["--mode", "640", ".", "t.csv"]).expect_success();
    assert_eq!(mode(&folder.join("t.csv")), 0o640);
    let names = fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(".part")));
    let stdin = msgfs_on(&folder.join("letter.msg"), &["table", "--no-hash", "-", "-"]);
    assert_eq!(rows_of(&batches_of(stdin.stdout))[0]["subject"], "A letter");
}

#[test]
fn the_order_does_not_depend_on_the_threads() {
    let folder = Folder::new();
    for number in 0..300 {
        folder.put(format!("{:03}.msg", (number * 7) % 300), letter("A").to_bytes());
    }
    let one = table(folder.path(), &["-j", "1", ".", "-"]).expect_success();
    assert!(one == table(folder.path(), &["-j", "7", ".", "-"]).expect_success());
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::new().with("a.msg", parcel().to_bytes()).with("notes.txt", "no");
    let check = |words: &[&str], expected: &str| {
        let ended = table(folder.path(), words);
        assert_eq!(ended.stderr, format!("msgfs: {expected}\n"), "{words:?}");
        assert_eq!(ended.status.code(), Some(2), "{words:?}");
    };
    const FORMS: &str = "a table is NAME.parquet, NAME.arrow or NAME.csv, a folder, or '-'";
    check(&["."], "missing <PATH>... <OUT>; see msgfs --help");
    check(&["a.msg", "missing.msg", "t.csv"], "missing.msg: no such file or directory");
    const NO_MESSAGE: &str = "is no Outlook message: its name ends neither in .msg nor in .oft";
    check(&["notes.txt", "t.csv"], &format!("notes.txt: {NO_MESSAGE}"));
    check(&["a.msg", "notes.txt"], &format!("notes.txt: is a file; {FORMS}"));
    check(&["a.msg", "t.json"], &format!("t.json: {FORMS}; the name of a folder may end in '/'"));
    check(
        &["a.msg", "t.parqet"],
        &format!("t.parqet: did you mean .parquet? {FORMS}; the name of a folder may end in '/'"),
    );
    check(&["--raw", "a.msg", "t.arrow"], "t.arrow: --raw is for CSV only");
    check(
        &["--files-per-part", "9", "a.msg", "t.csv"],
        "t.csv: --files-per-part is for a folder of parts only",
    );
    check(
        &["--shard", "3/2", "a.msg", "t.csv"],
        "--shard 3/2: expected I/N with I from 1 to N, as 1/8",
    );
    check(&["a.msg", "none/t.csv"], "none/t.csv: No such file or directory; there is no table");
    assert!(!folder.join("t.csv").exists());
    let ended = table(folder.path(), &["a.msg", "/dev/full/t.csv"]);
    assert_eq!(ended.status.code(), Some(2));
}

/// A reader that has seen enough ends it quietly.
#[test]
fn a_closed_pipe_ends_it_quietly() {
    let folder = Folder::new();
    for number in 0..200 {
        folder.put(format!("{number}.msg"), letter("A").body(&"words ".repeat(10_000)).to_bytes());
    }
    let mut shell = Command::new("bash");
    shell.args(["-c", "set -o pipefail; \"$0\" table . - | head -c 100 >/dev/null"]);
    let ended = run(shell.arg(env!("CARGO_BIN_EXE_msgfs")).current_dir(folder.path()), LONG);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

/// A folder in which a table takes a while, and one to put it into.
fn many() -> (Folder, PathBuf) {
    let folder = Folder::new();
    for number in 0..2000 {
        folder.put(format!("mail/{number}.msg"), letter("A").to_bytes());
    }
    let out = folder.join("out");
    fs::create_dir(&out).unwrap();
    (folder, out)
}

#[test]
fn two_do_not_write_one_table() {
    for out in ["out/t.parquet", "out/parts/"] {
        let (folder, _) = many();
        let mut command = msgfs();
        command.current_dir(folder.path()).args(["table", "-j", "1", "mail", out]);
        let mut first = Process::start(&mut command);
        let begun = folder.join(out).parent().unwrap().to_owned();
        let begun = if out.ends_with('/') { folder.join(out) } else { begun };
        let is_begun = || {
            let names = fs::read_dir(&begun).into_iter().flatten();
            names.flatten().any(|one| one.file_name().to_string_lossy().ends_with(".part"))
        };
        wait_until("the table to be begun", MOMENT, is_begun);
        let second = table(folder.path(), &["mail/1.msg", out]);
        // On a machine that slept meanwhile the first one has ended before the second one began.
        let may_be_over = !first.is_running();
        let both = [first.end(LONG), second];
        // Which of the two wins is open: the second one may look for a lock before the first one
        // has it.
        let refused: Vec<_> = both.iter().filter(|ended| !ended.status.success()).collect();
        assert!(refused.len() == 1 || (may_be_over && refused.is_empty()), "{out}: {both:?}");
        for ended in refused {
            assert_eq!(ended.status.code(), Some(2), "{out}: {}", ended.stderr);
            assert!(ended.stderr.contains(": another msgfs is writing i"), "{}", ended.stderr);
        }
    }
}

#[test]
fn an_interrupted_table_leaves_nothing() {
    let (folder, out) = many();
    let mut command = msgfs();
    command.current_dir(folder.path()).args(["table", "-j", "1", "mail", "out/t.parquet"]);
    let process = Process::start(&mut command);
    let count = || fs::read_dir(&out).unwrap().count();
    wait_until("the file to be begun", MOMENT, || count() > 0);
    process.signal(rustix::process::Signal::INT);
    let ended = process.end(LONG);
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(ended.stderr, "msgfs: interrupted; there is no table\n");
    assert_eq!(count(), 0);
}

/// What is held in memory does not grow with the number of messages.
#[test]
fn memory_does_not_follow_the_archive() {
    let folder = Folder::new();
    let first = folder.put("few/0.msg", parcel().to_bytes());
    let peak = |name: &str, count: usize| {
        fs::create_dir_all(folder.join(name)).unwrap();
        for number in 1..count {
            // A folder each for a thousand, since the names of one are held.
            let inside = folder.join(format!("{name}/{}", number / 1000));
            fs::create_dir_all(&inside).unwrap();
            fs::hard_link(&first, inside.join(format!("{number}.msg"))).unwrap();
        }
        let mut command = msgfs();
        command.args(["table", "--no-hash", "--columns", "path,subject,recipients"]);
        command.arg(folder.join(name)).arg(folder.join("t.parquet"));
        let mut process = Process::start(&mut command);
        let status = format!("/proc/{}/status", process.id());
        let mut peak = 0_u64;
        wait_until("the end of the table", LONG, || {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let found = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            peak = found.unwrap_or(peak).max(peak);
            !process.is_running()
        });
        assert!(process.end(MOMENT).status.success());
        peak
    };
    let (few, many) = (peak("few", 500), peak("many", 5000));
    assert!(many < few + few / 2 + (8 << 10), "{few} KiB for 500, {many} KiB for 5000");
}

#[test]
fn shards_are_a_partition() {
    let folder = Folder::of_everything();
    for number in 0..40 {
        folder.put(format!("many/{number}.msg"), letter("A").to_bytes());
    }
    let paths = |words: &[&str]| -> Vec<String> {
        let rows = streamed(folder.path(), &[&["--columns", "path"], words, &["."]].concat());
        rows.iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect()
    };
    let mut together = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let part = paths(&["--shard", shard]);
        assert!((1..45).contains(&part.len()), "{shard}: {part:?}");
        together.extend(part);
    }
    together.sort();
    let mut all = paths(&[]);
    all.sort();
    assert_eq!(together, all);
    // The shard follows from the path below PATH, whatever stands before it.
    let below = |root: &str| {
        let rows = streamed(folder.path(), &["--columns", "path", "--shard", "1/3", root]);
        let path = |row: &serde_json::Value| {
            row["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
        };
        rows.iter().map(path).collect::<Vec<_>>()
    };
    let absolute = folder.join("many");
    assert_eq!(below("many"), below(absolute.to_str().unwrap()));
}
