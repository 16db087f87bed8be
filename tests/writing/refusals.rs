//! What a program has open while a write is refused, or while the name of the file goes elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::process::{MOMENT, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::kept;

fn served() -> Option<(Served, Folder, TempDir)> {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let state = TempDir::new().unwrap();
    let mount = Served::start(source.path(), state.path())?;
    Some((mount, source, state))
}

fn writer(path: &Path) -> File {
    OpenOptions::new().write(true).open(path).unwrap()
}

/// What `fsync` says, which `close` says as well, but the standard library does not tell.
fn sync(file: &File) -> Result<(), Errno> {
    file.sync_all().map_err(|error| Errno::from_io_error(&error).unwrap())
}

/// Empties a file by its path, as truncate(2) does.
fn truncate(path: &Path) {
    run(Command::new("truncate").args(["-s", "0"]).arg(path), MOMENT).expect_success();
}

fn end(mut mount: Served, status: i32) -> String {
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(status), "{}", ended.stderr);
    ended.stderr
}

/// Programs that replace a file may write the last of it after the rename, as Python does whose
/// buffer is flushed at the end of a `with`.
#[test]
fn what_is_written_after_the_rename_is_in_the_file() {
    let Some((mount, source, _state)) = served() else { return };
    for (number, fsyncs) in [false, true].into_iter().enumerate() {
        let temporary = mount.path("a.msg/tmpab12cd_");
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&temporary).unwrap();
        if fsyncs {
            file.write_all(b"first ").unwrap();
        }
        fs::rename(&temporary, mount.path("a.msg/body.txt")).unwrap();
        file.write_all(format!("second {number}\n").as_bytes()).unwrap();
        if fsyncs {
            file.sync_all().unwrap();
        }
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        let expected = if fsyncs { "first second 1\n" } else { "second 0\n" };
        assert_eq!(text, expected);
        drop(file);
        assert_eq!(mount.text("a.msg/body.txt"), expected);
    }
    end(mount, 0);
    let source = Direct::reading(source.path());
    assert_eq!(source.read("a.msg/body.txt").unwrap(), b"first second 1\n");
}

/// The first half of what a program wanted is no value: the old one stays, and the half is kept.
#[test]
fn what_was_written_before_a_refused_write_is_no_value() {
    let Some((mount, _source, state)) = served() else { return };
    let old = mount.text("a.msg/to");
    let mut file = File::create(mount.path("a.msg/to")).unwrap();
    file.write_all(b"good@a.example\n").unwrap();
    let refused = file.write_all(b"bad@@ x\n").unwrap_err();
    assert_eq!(Errno::from_io_error(&refused), Some(Errno::INVAL));
    assert_eq!(sync(&file), Err(Errno::INVAL));
    drop(file);
    assert_eq!(mount.text("a.msg/to"), old);
    // Who begins again is not held to it.
    let mut file = File::create(mount.path("a.msg/to")).unwrap();
    file.write_all(b"Eve <eve@a.example>\n").unwrap();
    assert!(file.write_all(b"bad@@ x\n").is_err());
    file.set_len(0).unwrap();
    file.write_all_at(b"Eve <eve@b.example>\n", 0).unwrap();
    drop(file);
    assert_eq!(mount.text("a.msg/to"), "Eve <eve@b.example>\n");
    let told = end(mount, 1);
    assert!(told.contains("a.msg/to: not saved: refused: "), "{told}");
    let [folder] = &kept(state.path())[..] else { panic!("one folder was expected") };
    assert_eq!(fs::read(folder.join("to")).unwrap(), b"good@a.example\n");
}

/// mv takes EINVAL for a move of a directory into itself, and would say so.
#[test]
fn an_attached_message_is_not_renamed_to_what_is_no_message() {
    let source = Folder::new().with("a.msg", parcel().to_bytes());
    let state = TempDir::new().unwrap();
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    let outer = "a.msg/attachments/Outer: with_slash.msg";
    let check = |from: &str, to: &str, reason: &str| {
        let refused = fs::rename(mount.path(from), mount.path(to)).unwrap_err();
        assert_eq!(Errno::from_io_error(&refused), Some(Errno::PERM), "{from} {to}");
        let errors = mount.text(".msgfs/errors");
        assert!(errors.contains(&format!("{from}: refused: not permitted: {reason}")), "{errors}");
        assert!(mount.path(from).is_dir());
    };
    check(outer, "a.msg/attachments/Outer", "an attached message has a name that ends in .msg");
    let inner = format!("{outer}/attachments/Inner.msg");
    check(&inner, "a.msg/attachments/Inner.msg", "an attached message is moved within its folder");
    // The way that the second reason tells.
    fs::rename(mount.path(&inner), mount.path("Inner.msg")).unwrap();
    fs::rename(mount.path("Inner.msg"), mount.path("a.msg/attachments/Inner.msg")).unwrap();
    fs::rename(mount.path(outer), mount.path("a.msg/attachments/Other.msg")).unwrap();
    assert!(mount.path("a.msg/attachments/Other.msg/subject").is_file());
    end(mount, 0);
}

/// A program may still have a file open whose value another one has removed.
#[test]
fn a_file_whose_value_is_gone_can_be_made_again() {
    let Some((mount, _source, _state)) = served() else { return };
    let subject = mount.path("a.msg/subject");
    let first = writer(&subject);
    truncate(&subject);
    fs::write(&subject, "Second\n").unwrap();
    assert_eq!(mount.text("a.msg/subject"), "Second\n");
    truncate(&subject);
    first.write_all_at(b"First\n", 0).unwrap();
    drop(first);
    assert_eq!(mount.text("a.msg/subject"), "First\n");
    let emptied = File::create(&subject).unwrap();
    emptied.sync_all().unwrap();
    fs::write(&subject, "Third\n").unwrap();
    drop(emptied);
    assert_eq!(mount.text("a.msg/subject"), "Third\n");
    end(mount, 0);
}

/// Another program may have put a new mail at the place of a message that is to be removed.
#[test]
fn a_message_that_others_have_put_there_is_not_removed() {
    let Some((mount, source, _state)) = served() else { return };
    fs::write(mount.path("a.msg/subject"), "Mine\n").unwrap();
    source.put("a.msg", letter("Theirs").to_bytes());
    let _ = fs::remove_dir(mount.path("a.msg"));
    assert_eq!(Direct::reading(source.path()).read("a.msg/subject").unwrap(), b"Theirs\n");
    let _ = end(mount, 1);
}

/// Of a file that is refused again and again, the mount keeps the last contents only.
#[test]
fn what_is_refused_again_and_again_is_kept_within_bounds() {
    let Some((mount, _source, state)) = served() else { return };
    for number in 0..30 {
        let file = File::create(mount.path("a.msg/date")).unwrap();
        file.write_all_at(format!("2024-01-{}", number % 3).as_bytes(), 0).unwrap();
        assert_eq!(sync(&file), Err(Errno::INVAL));
    }
    let told = end(mount, 1);
    // Those that follow each other closely may share one buffer.
    let count = kept(state.path()).len();
    assert!((1..=10).contains(&count), "{count}: {told}");
}

/// The source may be one message, which is then the root of the mount.
#[test]
fn one_message_is_saved_by_its_mount_point() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let state = TempDir::new().unwrap();
    let one = source.join("a.msg");
    let Some(mount) = Served::start(&one, state.path()) else { return };
    fs::write(mount.path("subject"), "New\n").unwrap();
    let mut save = crate::mount::mounted::msgfs();
    run(save.arg("save").arg(mount.root()), MOMENT).expect_success();
    assert_eq!(Direct::reading(source.path()).read("a.msg/subject").unwrap(), b"New\n");
    end(mount, 0);
}

/// A file of the source that is no message stays as it is, and `.msgfs/errors` says which.
#[test]
fn a_file_that_is_no_message_is_not_removed_and_named() {
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new().with("sub/notes.txt", "notes").with("notes.txt", "notes");
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    for name in ["notes.txt", "sub/notes.txt"] {
        let removed = fs::remove_file(mount.path(name)).unwrap_err();
        assert_eq!(Errno::from_io_error(&removed), Some(Errno::ROFS), "{name}");
        let errors = mount.text(".msgfs/errors");
        let line = format!("{name}: refused: only messages can be written to\n");
        assert!(errors.split_inclusive('\n').any(|one| one == line), "{errors}");
    }
    assert_eq!(mount.text("notes.txt"), "notes");
}

/// A new message of no bytes is none, but `close` cannot say so: nothing was written that it could
/// refuse.
#[test]
fn an_empty_new_message_is_named() {
    let (state, source) = (tempfile::tempdir().unwrap(), Folder::new());
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    fs::create_dir(source.path().join("sub")).unwrap();
    for name in ["empty.msg", "sub/empty.msg"] {
        drop(File::create(mount.path(name)).unwrap());
        wait_until("the file is named", MOMENT, || {
            let errors = mount.text(".msgfs/errors");
            errors.lines().any(|line| line.starts_with(&format!("{name}: refused: ")))
        });
        assert!(!mount.path(name).exists());
    }
    // What is removed before it is closed is missed by nobody.
    let removed = File::create(mount.path("removed.msg")).unwrap();
    fs::remove_file(mount.path("removed.msg")).unwrap();
    drop(removed);
    mount.sync("sub").unwrap();
    assert!(!mount.text(".msgfs/errors").contains("removed.msg"));
}

/// What is made from other files can be removed for the sake of `rm -r`, but is there again.
#[test]
fn a_removed_file_that_is_there_again_is_named() {
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new().with("a.msg", parcel().to_bytes());
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    for (name, is_named) in [("a.msg/message.json", true), ("a.msg/cc", false)] {
        let mut remove = Command::new("rm");
        run(remove.arg(mount.path(name)), MOMENT).expect_success();
        mount.sync("a.msg").unwrap();
        wait_until("the removal is final", MOMENT, || mount.path(name).exists() == is_named);
        let errors = mount.text(".msgfs/errors");
        assert_eq!(errors.contains(&format!("{name}: refused: ")), is_named, "{name}: {errors}");
    }
}
