//! A disk that fails in the middle of a save: the old file stays, the error is told, and the save is
//! done once the disk works again. `fault.c`, which is loaded into msgfs, makes system calls fail.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, numbers};
use crate::mount::process::{MOMENT, is_installed, run};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{contents, recovered};

/// More than msgfs writes to a file at once.
const LARGE: usize = 6 << 20;

/// The library that makes calls fail; `None` where none can be made.
fn library(folder: &TempDir) -> Option<PathBuf> {
    if !is_installed("cc") {
        println!("SKIPPED: no C compiler");
        return None;
    }
    let code = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/writing/fault.c");
    let library = folder.path().join("fault.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(code).arg("-ldl");
    run(&mut compiler, MOMENT).expect_success();
    Some(library)
}

#[test]
fn a_save_that_fails_half_way_is_told_and_done_later() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(library) = library(&folder) else { return };
    let plan = folder.path().join("plan");
    let environment = vec![
        ("LD_PRELOAD", library),
        ("FAULT_FOLDER", source.path().canonicalize().unwrap()),
        ("FAULT_PLAN", plan.clone()),
    ];
    let mount = Served::start_in(environment, "edit", source.path(), state.path());
    let Some(mut mount) = mount else { return };
    mount.put("a.msg/attachments/large.bin", numbers(LARGE));
    mount.sync("a.msg/subject").unwrap();
    for (number, (call, errno)) in [
        ("write", Errno::DQUOT),
        ("write", Errno::IO),
        ("write", Errno::ROFS),
        ("fsync", Errno::IO),
        ("fsync", Errno::DQUOT),
    ]
    .into_iter()
    .enumerate()
    {
        let before = contents(source.path());
        fs::write(&plan, format!("{call} {}", errno.raw_os_error())).unwrap();
        let subject = format!("Subject {number}\n");
        mount.put("a.msg/subject", &subject);
        assert_eq!(mount.sync("a.msg/subject"), Err(errno), "{call}");
        assert_eq!(mount.text("a.msg/subject"), subject);
        assert!(contents(source.path()) == before, "{call} {errno}: the source has changed");
        let unsaved = mount.text(".msgfs/unsaved");
        let cause = std::io::Error::from(errno).to_string();
        assert!(unsaved.starts_with("a.msg\t") && unsaved.contains(&cause), "{unsaved}");
        fs::remove_file(&plan).unwrap();
        assert_eq!(mount.sync("a.msg/subject"), Ok(()));
        assert_eq!(mount.text(".msgfs/unsaved"), "");
        let saved = Direct::reading(source.path());
        assert_eq!(saved.read("a.msg/subject").unwrap(), subject.as_bytes());
        assert!(saved.read("a.msg/attachments/large.bin").unwrap() == numbers(LARGE));
    }
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_eq!(recovered(state.path()).len(), 0);
}
