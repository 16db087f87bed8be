//! A full disk: the old file stays, and what cannot be saved is kept elsewhere and named.

use std::fs;
use std::path::Path;
use std::process::Command;

use msgfs::fs::{Fs, Options, WriteOptions};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter, numbers, parcel};
use crate::mount::process::{MOMENT, Process, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{Disk, contents, kept, names, recovered};

/// Too much for the disk.
const LARGE: usize = 300_000;

/// A disk with a message in it that has room for little more.
fn full_disk() -> Option<Disk> {
    let disk = Disk::new("1m")?;
    disk.put("a.msg", parcel().to_bytes());
    disk.put("sub/a.msg", letter("Below").to_bytes());
    disk.fill(40_000);
    Some(disk)
}

#[test]
fn what_does_not_fit_is_kept_elsewhere() {
    let state = tempfile::tempdir().unwrap();
    let Some(disk) = full_disk() else { return };
    let before = contents(disk.path());
    let Some(mut mount) = Served::start(disk.path(), state.path()) else { return };
    for name in ["a.msg", "sub/a.msg"] {
        mount.put(&format!("{name}/attachments/large.bin"), numbers(LARGE));
        mount.put(&format!("{name}/subject"), format!("New {name}\n"));
        assert_eq!(mount.sync(&format!("{name}/subject")), Err(Errno::NOSPC));
        // The edits are there still, and the file is whole.
        assert_eq!(mount.text(&format!("{name}/subject")), format!("New {name}\n"));
        assert!(contents(disk.path()) == before, "the disk has changed");
    }
    let told = fs::read_to_string(mount.path(".msgfs/unsaved")).unwrap();
    assert_eq!(told.matches("No space left on device").count(), 2, "{told}");
    let kept = mount.end_unsaved(2);
    assert!(contents(disk.path()) == before, "the disk has changed");
    let mut subjects = Vec::new();
    for path in &kept {
        let message = Direct::reading(path);
        assert_eq!(message.read("attachments/large.bin").unwrap(), numbers(LARGE));
        subjects.push(String::from_utf8(message.read("subject").unwrap()).unwrap());
    }
    subjects.sort();
    assert_eq!(subjects, ["New a.msg\n", "New sub/a.msg\n"]);
}

/// Once there is room the same edits are saved.
#[test]
fn a_later_save_succeeds() {
    let state = tempfile::tempdir().unwrap();
    let Some(disk) = full_disk() else { return };
    let Some(mut mount) = Served::start(disk.path(), state.path()) else { return };
    mount.put("a.msg/attachments/large.bin", numbers(LARGE));
    assert_eq!(mount.sync("a.msg/subject"), Err(Errno::NOSPC));
    fs::remove_file(disk.path().join("filler")).unwrap();
    assert_eq!(mount.sync("a.msg/subject"), Ok(()));
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let source = Direct::reading(disk.path());
    assert_eq!(source.read("a.msg/attachments/large.bin").unwrap(), numbers(LARGE));
    assert_eq!(names(disk.path()), ["a.msg", "sub"]);
    assert_eq!(recovered(state.path()).len(), 0);
}

/// A program that overlooks the errors of `close`, as a shell does, is told at `write` that there is
/// no room, and the part of the value that was written becomes no value.
#[test]
fn a_value_without_room_in_the_state_folder_is_refused_at_write() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(state) = Disk::new("200k") else { return };
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let old = mount.text("a.msg/body.txt");
    let large = "x".repeat(LARGE);
    for redirect in [">", ">>"] {
        let script = format!("cat \"$1\" {redirect} a.msg/body.txt");
        let value = tempfile::NamedTempFile::new().unwrap();
        fs::write(value.path(), &large).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, "sh"]).arg(value.path()).current_dir(mount.root());
        let ended = run(&mut shell, MOMENT);
        assert!(!ended.status.success() && ended.stderr.contains("No space"), "{}", ended.stderr);
        assert_eq!(mount.text("a.msg/body.txt"), old);
    }
    // What fits is taken.
    mount.put("a.msg/body.txt", "Small\n");
    mount.signal(Signal::TERM);
    mount.end();
    assert_eq!(Direct::reading(source.path()).read("a.msg/body.txt").unwrap(), b"Small\n");
}

/// Without room in the state folder an edit is refused at the call that would make it.
#[test]
fn a_full_state_folder_refuses_edits() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(state) = Disk::new("1m") else { return };
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let filler = state.fill(0);
    let from = source.put("new", "New\n".repeat(20_000));
    let copy = |to: &str| {
        let mut command = Command::new("cp");
        run(command.arg(&from).arg(mount.path(to)), MOMENT)
    };
    for name in ["a.msg/body.txt", "a.msg/attachments/new"] {
        let refused = copy(name);
        assert!(!refused.status.success(), "{name}");
        assert!(refused.stderr.contains("No space left"), "{name}: {}", refused.stderr);
    }
    assert!(fs::create_dir(mount.path("new.msg")).is_err());
    assert_eq!(names(mount.root()), ["a.msg", "new"]);
    assert_eq!(mount.text("a.msg/body.txt"), "This is Old.\nIt has two lines.");
    fs::remove_file(filler).unwrap();
    copy("a.msg/body.txt").expect_success();
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let saved = Direct::reading(source.path()).read("a.msg/body.txt").unwrap();
    assert!(saved == "New\n".repeat(20_000).into_bytes());
}

/// Edits that cannot be saved and find no room to be kept as files stay in the edit log.
#[test]
fn edits_without_room_to_be_kept_stay_for_the_next_mount() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(state) = Disk::new("2m") else { return };
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let open = fs::File::options().write(true).open(mount.path("a.msg/class")).unwrap();
    mount.put("a.msg/subject", "Mine\n");
    source.put("a.msg", letter("Of others").to_bytes());
    let filler = state.fill(0);
    drop(open);
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("a.msg"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("lost"), "{}", ended.stderr);
    fs::remove_file(filler).unwrap();
    mount.serve();
    let folders = kept(state.path());
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert_eq!(fs::read(folders[0].join("subject")).unwrap(), b"Mine\n");
}

/// Where nothing could be kept, nothing is edited.
#[test]
fn without_a_place_for_edits_there_is_no_writable_mount() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("no folder");
    fs::write(&state, "").unwrap();
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let options = Options {
        write: Some(WriteOptions { state_folder: Some(state.clone()), ..WriteOptions::default() }),
        ..Options::default()
    };
    let error = Fs::open(source.path(), options).unwrap_err().to_string();
    assert!(error.contains(state.to_str().unwrap()) && error.contains("XDG_STATE_HOME"), "{error}");
}

/// On a read-only disk no file can be opened for writing.
#[test]
fn a_read_only_disk_is_not_written() {
    let state = tempfile::tempdir().unwrap();
    let Some(disk) = full_disk() else { return };
    disk.make_read_only();
    let Some(mut mount) = Served::start(disk.path(), state.path()) else { return };
    let subject = mount.path("a.msg/subject");
    let error = fs::write(&subject, "New\n").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EROFS));
    let error = fs::create_dir(mount.path("new.msg")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EROFS));
    assert_eq!(mount.text("a.msg/subject"), "A parcel\n");
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_eq!(recovered(state.path()).len(), 0);
}

/// A disk that becomes read-only while there are edits.
#[test]
fn edits_outlive_a_disk_that_becomes_read_only() {
    let state = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::new("4m") else { return };
    disk.put("a.msg", letter("Old").to_bytes());
    let Some(mut mount) = Served::start(disk.path(), state.path()) else { return };
    // A writing handle keeps the message from being saved by itself.
    let open = fs::File::options().write(true).open(mount.path("a.msg/class")).unwrap();
    mount.put("a.msg/subject", "New\n");
    disk.make_read_only();
    assert_eq!(mount.sync("a.msg/subject"), Err(Errno::ROFS));
    drop(open);
    let kept = mount.end_unsaved(1);
    assert_eq!(Direct::reading(&kept[0]).read("subject").unwrap(), b"New\n");
    assert_eq!(Direct::reading(disk.path()).read("a.msg/subject").unwrap(), b"Old\n");
}

/// A program that has written the bytes of a file to one in the mount, and has that open. It is no
/// thread of the tests: when another test starts a program, a copy of each descriptor is closed,
/// which would make a value of what is written so far.
fn writing(mount: &Served, name: &str, from: &Path) -> Process {
    let path = mount.path(name);
    let mut tail = Command::new("sh");
    tail.args(["-c", "exec tail -c +1 -f \"$1\" > \"$2\"", "sh"]).arg(from).arg(&path);
    let writer = Process::start(&mut tail);
    let len = from.metadata().unwrap().len();
    wait_until("the bytes", MOMENT, || path.metadata().is_ok_and(|found| found.len() == len));
    writer
}

/// A file that becomes a value, or a message, only under another name: the state folder
/// has room for it once.
#[test]
fn what_is_renamed_or_copied_in_is_written_once() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(state) = Disk::new("4m") else { return };
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let large = numbers(3 << 20);
    let message = letter("New").attach(AttachmentBuilder::file("large.bin", large.clone()));
    let files = tempfile::tempdir().unwrap();
    let copy = |bytes: &[u8], to: &str| {
        let from = files.path().join("from");
        fs::write(&from, bytes).unwrap();
        let mut command = Command::new("cp");
        run(command.arg(from).arg(mount.path(to)), MOMENT).expect_success();
    };
    for name in ["new.msg", ".new.msg.Xy12Zw"] {
        copy(&message.to_bytes(), name);
    }
    fs::rename(mount.path(".new.msg.Xy12Zw"), mount.path("moved.msg")).unwrap();
    // A writing handle keeps the message from being saved by itself.
    let open = fs::File::options().write(true).open(mount.path("a.msg/class")).unwrap();
    let (temporary, attachment) = ("a.msg/attachments/.l.Xy12Zw", "a.msg/attachments/large.bin");
    copy(&large, temporary);
    fs::rename(mount.path(temporary), mount.path(attachment)).unwrap();
    drop(open);
    mount.kill();
    mount.serve();
    mount.sync("a.msg/subject").unwrap();
    for name in ["a.msg", "new.msg", "moved.msg"] {
        let path = format!("{name}/attachments/large.bin");
        assert!(Direct::reading(source.path()).read(&path).unwrap() == large, "{name}");
    }
}

/// What a program has not closed when the mount ends is kept, though there is no room for a copy.
#[test]
fn a_large_half_is_kept_without_a_copy() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(state) = Disk::new("4m") else { return };
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let large = numbers(3 << 20);
    let _writer = writing(&mount, "a.msg/attachments/large.bin", &source.put("large", &large));
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let kept = kept(state.path());
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(fs::read(kept[0].join("attachments/large.bin")).unwrap() == large);
}

/// What is written to a large file lies beside the edit log, on whose disk there must be room for
/// it, and becomes part of the log without being copied.
#[test]
fn a_large_value_is_written_once() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(state) = Disk::new("4m") else { return };
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    // A writing handle keeps the message from being saved by itself.
    let open = fs::File::options().write(true).open(mount.path("a.msg/class")).unwrap();
    let large = numbers(3 << 20);
    let writer = writing(&mount, "a.msg/attachments/large.bin", &source.put("large", &large));
    let spooled = mount.open_files().into_iter().find(|(path, _)| {
        path.starts_with(state.path()) && path.to_string_lossy().ends_with("(deleted)")
    });
    let (_, inode) = spooled.expect("no file in the state folder");
    writer.signal(Signal::TERM);
    writer.end(MOMENT);
    assert!(mount.text(".msgfs/unsaved").starts_with("a.msg\t"));
    let logged = contents(&state.path().join("msgfs/edits"));
    let found = logged.values().find(|(_, _, _, bytes)| *bytes == large);
    assert_eq!(found.map(|(found, ..)| *found), Some(inode));
    drop(open);
    mount.kill();
    mount.serve();
    mount.sync("a.msg/subject").unwrap();
    let saved = Direct::reading(source.path()).read("a.msg/attachments/large.bin").unwrap();
    assert!(saved == large);
}

/// A removal that cannot be noted is made once there is room; until then it is named at the end of
/// the mount.
#[test]
fn a_removal_that_cannot_be_noted_is_not_forgotten() {
    for has_room_again in [true, false] {
        let source = Folder::new().with("a.msg", parcel().to_bytes());
        let Some(state) = Disk::new("1m") else { return };
        let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
        let mut rm = Command::new("rm");
        run(rm.arg(mount.path("a.msg/cc")), MOMENT).expect_success();
        let filler = state.fill(0);
        assert!(!mount.path("a.msg/cc").exists());
        if has_room_again {
            fs::remove_file(filler).unwrap();
        }
        mount.signal(Signal::TERM);
        let ended = mount.end();
        let expected = if has_room_again { 0 } else { 1 };
        assert_eq!(ended.status.code(), Some(expected), "{}", ended.stderr);
        assert_eq!(ended.stderr.contains("a.msg/cc: not saved"), !has_room_again);
        assert_eq!(Direct::reading(source.path()).read("a.msg/cc").is_ok(), !has_room_again);
    }
}
