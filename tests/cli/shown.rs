//! A directory as it is found: what the commands print and copy is compared with a mount by it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::mount::mounted::msgfs;
use crate::mount::process::{Ended, LONG, run};

/// A file, link or directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Directory(SystemTime),
    Link(PathBuf),
    File(Vec<u8>, SystemTime),
    /// It cannot be read.
    Damaged,
}

/// Everything below a directory, by its path in it.
pub(crate) fn everything(root: &Path) -> BTreeMap<PathBuf, Found> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let time = metadata.modified().unwrap();
            let name = path.strip_prefix(root).unwrap().to_owned();
            let one = if metadata.is_dir() {
                directories.push(path);
                Found::Directory(time)
            } else if metadata.is_symlink() {
                Found::Link(fs::read_link(path).unwrap())
            } else {
                fs::read(path).map_or(Found::Damaged, |bytes| Found::File(bytes, time))
            };
            found.insert(name, one);
        }
    }
    found
}

/// Fails with the first path that differs; files that cannot be read are not compared.
#[track_caller]
pub(crate) fn assert_same(found: &Path, expected: &Path) {
    let (found, expected) = (everything(found), everything(expected));
    for (path, one) in &expected {
        if *one == Found::Damaged {
            continue;
        }
        let other = found.get(path).unwrap_or_else(|| panic!("{path:?} is missing"));
        assert!(other == one, "{path:?}: {} and {}", brief(other), brief(one));
    }
    for path in found.keys() {
        assert!(expected.contains_key(path), "{path:?} is too much");
    }
}

fn brief(found: &Found) -> String {
    match found {
        Found::File(bytes, time) => format!("{} bytes of {time:?}", bytes.len()),
        other => format!("{other:?}"),
    }
}

/// Runs `msgfs` in a folder, with the words of a command.
pub(crate) fn msgfs_in(folder: &Path, words: &[&str]) -> Ended {
    run(msgfs().current_dir(folder).args(words), LONG)
}

/// Runs `msgfs` with a file as its standard input.
pub(crate) fn msgfs_on(input: &Path, words: &[&str]) -> Ended {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" < \"$INPUT\"", env!("CARGO_BIN_EXE_msgfs")]);
    run(shell.args(words).env("INPUT", input), LONG)
}

/// What was printed by a command that must go well.
#[track_caller]
pub(crate) fn text(ended: Ended) -> String {
    String::from_utf8(ended.expect_success()).unwrap()
}

/// The folder of real messages, if it is there.
pub(crate) fn corpus() -> Option<PathBuf> {
    Some(crate::corpus_files::corpus()?.join("files"))
}

/// The sample mail.
pub(crate) const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");
