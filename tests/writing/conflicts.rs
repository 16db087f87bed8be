//! Sources that others change while there are edits: nobody's work is overwritten or lost.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use crate::mount::folder::{Folder, letter};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::contents;

/// Edits two messages, does something to the file of the first, and ends the mount.
fn check(change: impl FnOnce(&Folder)) {
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new();
    for name in ["a.msg", "b.msg"] {
        source.put(name, letter("Old").to_bytes());
    }
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    // Writing handles keep the messages from being saved by themselves.
    let open = ["a.msg/class", "b.msg/class"]
        .map(|name| File::options().write(true).open(mount.path(name)).unwrap());
    mount.put("a.msg/subject", "New a\n");
    mount.put("b.msg/subject", "New b\n");
    change(&source);
    let mut after = contents(source.path());
    let error = open[0].sync_all().unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::STALE));
    drop(open);
    let kept = mount.end_unsaved(1);
    assert_eq!(Direct::reading(&kept[0]).read("subject").unwrap(), b"New a\n");
    // The message beside it is saved, and what the others have done is as they left it.
    let mut found = contents(source.path());
    assert_eq!(Direct::reading(source.path()).read("b.msg/subject").unwrap(), b"New b\n");
    let other = source.join("b.msg");
    assert!(after.remove(&other) != found.remove(&other), "b.msg is as it was");
    assert!(after == found, "the work of others has changed");
}

#[test]
fn a_message_that_others_replaced() {
    check(|source| {
        let other = source.put("other", letter("Of others").to_bytes());
        fs::rename(other, source.join("a.msg")).unwrap();
    });
}

#[test]
fn a_message_that_others_wrote_to() {
    check(|source| {
        source.put("a.msg", letter("Of others").to_bytes());
    });
}

#[test]
fn a_message_that_others_touched() {
    check(|source| {
        let file = File::options().write(true).open(source.join("a.msg")).unwrap();
        let earlier = SystemTime::now() - Duration::from_secs(1000);
        file.set_times(FileTimes::new().set_modified(earlier)).unwrap();
    });
}

#[test]
fn a_message_that_others_removed() {
    check(|source| fs::remove_file(source.join("a.msg")).unwrap());
}

/// A file of the name of a message that was only created here stays as it is.
#[test]
fn a_name_that_others_took() {
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new();
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    fs::create_dir(mount.path("new.msg")).unwrap();
    let open = File::create(mount.path("new.msg/subject")).unwrap();
    source.put("new.msg", "of others");
    mount.put("new.msg/body.txt", "Mine");
    drop(open);
    let kept = mount.end_unsaved(1);
    assert_eq!(fs::read(source.join("new.msg")).unwrap(), b"of others");
    assert_eq!(Direct::reading(&kept[0]).read("body.txt").unwrap(), b"Mine");
}
