//! A folder of parts: what a rerun keeps, makes anew and refuses.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::table;
use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{LONG, Process, wait_until};

const FILES: usize = 7;

fn mail() -> Folder {
    let folder = Folder::new();
    for number in 0..FILES {
        folder.put(format!("mail/{number}.msg"), letter(&format!("No. {number}")).to_bytes());
    }
    folder
}

/// The parts by name, each with its inode number, which a new file changes.
fn parts(out: &Path) -> BTreeMap<String, u64> {
    let mut parts = BTreeMap::new();
    for entry in fs::read_dir(out).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name != "_msgfs.json" {
            parts.insert(name, entry.metadata().unwrap().ino());
        }
    }
    parts
}

fn contents(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = parts(out).into_keys();
    names.map(|name| (name.clone(), fs::read(out.join(name)).unwrap())).collect()
}

#[track_caller]
fn fill(folder: &Folder, words: &[&str], expected: &str) {
    let words = [&["--files-per-part", "2", "--columns", "path,subject"], words].concat();
    let ended = table(folder.path(), &[&words[..], &["mail", "out/"]].concat());
    assert_eq!(ended.stderr, "");
    let printed = String::from_utf8(ended.stdout).unwrap();
    assert!(printed.starts_with(expected), "{printed}");
}

#[test]
fn a_rerun_makes_only_what_has_changed() {
    let folder = mail();
    let out = folder.join("out");
    fill(&folder, &[], "7 rows, 4 parts (0 kept), ");
    let names = [1, 2, 3, 4].map(|number| format!("part-{number:06}.parquet"));
    let first = parts(&out);
    assert!(first.keys().eq(&names), "{first:?}");
    assert_eq!(out.metadata().unwrap().mode() & 0o777, 0o700);
    assert_eq!(out.join(&names[0]).metadata().unwrap().mode() & 0o777, 0o600);
    fill(&folder, &[], "7 rows, 4 parts (4 kept), ");
    assert_eq!(parts(&out), first);

    folder.put("mail/3.msg", letter("Changed").to_bytes());
    fill(&folder, &[], "7 rows, 4 parts (3 kept), ");
    let second = parts(&out);
    let kept = |name: &String| first[name] == second[name];
    assert_eq!(names.each_ref().map(kept), [true, false, true, true]);

    // A part that was cut short, or is gone, is made anew.
    fs::write(out.join(&names[2]), "short").unwrap();
    fs::remove_file(out.join(&names[3])).unwrap();
    fill(&folder, &[], "7 rows, 4 parts (2 kept), ");

    for number in [4, 5, 6] {
        fs::remove_file(folder.join(format!("mail/{number}.msg"))).unwrap();
    }
    fill(&folder, &[], "4 rows, 2 parts (2 kept), ");
    assert!(parts(&out).keys().eq(&names[..2]));
}

#[test]
fn another_table_is_refused() {
    let folder = mail();
    fill(&folder, &[], "7 rows");
    let check = |words: &[&str], expected: &str| {
        let ended = table(folder.path(), words);
        assert_eq!(ended.stderr, format!("msgfs: {expected}\n"), "{words:?}");
        assert_eq!(ended.status.code(), Some(2), "{words:?}");
    };
    let before = contents(&folder.join("out"));
    let other = "out: its parts were made with other options; repeat these, give a new folder, \
                 or remove this one";
    check(&["--files-per-part", "2", "mail", "out"], other);
    check(&["--files-per-part", "3", "--columns", "path,subject", "mail", "out"], other);
    check(
        &["--files-per-part", "2", "--columns", "path,subject", "--shard", "1/2", "mail", "out"],
        other,
    );
    assert_eq!(contents(&folder.join("out")), before);
    folder.put("foreign/x.parquet", "PAR1");
    check(
        &["mail", "foreign"],
        "foreign: it has Parquet files but no _msgfs.json; give a new folder, or remove this one",
    );
    folder.put("out/_msgfs.json", "{");
    let ended = table(folder.path(), &["mail", "out"]);
    assert!(ended.stderr.starts_with("msgfs: out: _msgfs.json is damaged: "), "{}", ended.stderr);
}

/// Killed at any time, and run again, it is the table of an undisturbed run.
#[test]
fn a_killed_run_goes_on() {
    let folder = Folder::new();
    for number in 0..400 {
        folder.put(format!("mail/{number:03}.msg"), letter(&format!("No. {number}")).to_bytes());
    }
    let words = |out: &str| ["table", "--files-per-part", "10", "mail", out].map(str::to_owned);
    let start = |out: &str| Process::start(msgfs().current_dir(folder.path()).args(words(out)));
    let whole = start("whole/").end(LONG);
    assert!(whole.status.success(), "{}", whole.stderr);
    let out = folder.join("out");
    for kept in [1, 5, 20] {
        let mut process = start("out/");
        wait_until("some parts", LONG, || {
            let is_there = out.join(format!("part-{kept:06}.parquet")).exists();
            is_there || !process.is_running()
        });
        // SIGKILL.
        drop(process);
    }
    let ended = start("out/").end(LONG);
    assert!(ended.status.success(), "{}", ended.stderr);
    let printed = String::from_utf8(ended.stdout).unwrap();
    let kept = printed.split_once("parts (").unwrap().1.split_once(" kept").unwrap().0;
    // That of the last part may not have been written down.
    assert!(kept.parse::<usize>().unwrap() >= 19, "{printed}");
    assert!(contents(&out) == contents(&folder.join("whole")));
}
