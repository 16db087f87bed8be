//! What was removed, and is to be saved now: for an fsync of a directory, and for `msgfs save`.

use std::fs::{self, File};

use tempfile::TempDir;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{Ended, MOMENT, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;

const FILE: &str = "a.msg/attachments/old.txt";
const INNER: &str = "a.msg/attachments/Inner.msg";

fn mounted() -> Option<(TempDir, Folder, Served)> {
    mounted_with("edit,delete")
}

fn mounted_with(options: &'static str) -> Option<(TempDir, Folder, Served)> {
    let message = letter("Old")
        .attach(AttachmentBuilder::file("old.txt", "The old one"))
        .attach(AttachmentBuilder::message(letter("Inner")))
        .attach(AttachmentBuilder::file("stays.txt", "Stays"));
    let source = Folder::new().with("a.msg", message.to_bytes());
    let state = tempfile::tempdir().unwrap();
    let mount = Served::start_with(options, source.path(), state.path())?;
    Some((state, source, mount))
}

fn sync_directory(mount: &Served, directory: &str) -> std::io::Result<()> {
    File::open(mount.path(directory))?.sync_all()
}

#[track_caller]
fn check_saved(source: &Folder) {
    let names = Direct::reading(source.path()).names("a.msg/attachments").unwrap();
    assert_eq!(names, ["stays.txt"]);
}

/// The process that has removed them, this test, lives on.
#[test]
fn an_fsync_of_a_directory_saves_what_was_removed_in_it() {
    let Some((_state, source, mut mount)) = mounted() else { return };
    fs::remove_file(mount.path(FILE)).unwrap();
    fs::remove_dir_all(mount.path(INNER)).unwrap();
    // A file stands for its bytes only.
    File::open(mount.path("a.msg/subject")).unwrap().sync_all().unwrap();
    assert!(Direct::reading(source.path()).read(FILE).is_ok());
    sync_directory(&mount, "a.msg/attachments").unwrap();
    check_saved(&source);
    mount.kill();
    mount.serve();
    assert_eq!(mount.names("a.msg/attachments").unwrap(), ["stays.txt"]);
}

#[test]
fn save_saves_what_was_removed() {
    let Some((state, source, mount)) = mounted() else { return };
    let msgfs_of = |words: &[&str]| -> Ended {
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", state.path()).args(words).current_dir(mount.root());
        run(&mut command, MOMENT)
    };
    fs::remove_file(mount.path(FILE)).unwrap();
    fs::remove_dir_all(mount.path(INNER)).unwrap();
    let status = String::from_utf8(msgfs_of(&["status", "."]).expect_success()).unwrap();
    assert!(status.starts_with("unsaved\t") && status.contains("/a.msg\t"), "{status}");
    // The process may still be removing, so it must have removed nothing for a second.
    wait_until("the save", MOMENT, || {
        let ended = msgfs_of(&["save", "."]);
        let is_saved = ended.status.success();
        assert!(is_saved || ended.stderr.contains("a program is removing"), "{}", ended.stderr);
        is_saved
    });
    check_saved(&source);
    assert_eq!(msgfs_of(&["status", "."]).expect_success(), b"");
    // A file of a message stands for all of the message.
    fs::remove_file(mount.path("a.msg/attachments/stays.txt")).unwrap();
    wait_until("the save", MOMENT, || msgfs_of(&["save", "a.msg/subject"]).status.success());
    assert!(Direct::reading(source.path()).names("a.msg/attachments").is_err());
}

/// `rm -r MESSAGE` is refused without `-o delete` in the end, although somebody saves meanwhile.
#[test]
fn saving_spares_an_rm_that_is_running() {
    let Some((_state, source, mount)) = mounted_with("edit") else { return };
    let name = "a.msg/attachments/try.txt";
    // This process is the `rm`. On a machine that is very busy it has removed nothing for a second
    // before the save begins.
    let is_spared = || {
        mount.put(name, "Try");
        mount.sync(name).unwrap();
        fs::remove_file(mount.path(name)).unwrap();
        let save = run(msgfs().arg("save").arg(mount.path("a.msg")), MOMENT);
        save.status.code() == Some(1) && save.stderr.contains("a program is removing files")
    };
    assert!((0..20).any(|_| is_spared()), "it was removed at once");
    assert!(fs::remove_dir(mount.path("a.msg")).is_err());
    assert_eq!(mount.text(name), "Try");
    sync_directory(&mount, "a.msg").unwrap();
    assert_eq!(Direct::reading(source.path()).read(name).unwrap(), b"Try");
}
