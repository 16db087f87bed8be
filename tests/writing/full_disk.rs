//! A full disk: the old file stays, and what cannot be saved is kept elsewhere and named.

use std::fs;

use rustix::io::Errno;
use rustix::process::Signal;

use msgfs::fs::{Fs, Options, WriteOptions};

use crate::mount::folder::{Folder, letter, numbers, parcel};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{Disk, contents, names, recovered};

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
