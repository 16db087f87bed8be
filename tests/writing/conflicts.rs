//! Sources that others change while there are edits: nobody's work is overwritten or lost.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::process::Signal;

use crate::mount::folder::{Folder, large, letter, numbers};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{contents, kept, recovered};

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

/// A file that is read piece by piece is overwritten in place: no message can be made of the edits
/// and what is left of it, and none is.
#[test]
fn a_large_message_that_others_overwrote() {
    for overwrite in [
        |file: &File, _: u64| file.write_all_at(&numbers(100_000), 300_000).unwrap(),
        |file: &File, len: u64| file.set_len(len / 2).unwrap(),
        |file: &File, len: u64| {
            file.write_all_at(&vec![0; usize::try_from(len).unwrap()], 0).unwrap()
        },
    ] {
        let state = tempfile::tempdir().unwrap();
        let source = Folder::new().with("a.msg", large().to_bytes());
        let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
        let open = File::options().write(true).open(mount.path("a.msg/class")).unwrap();
        mount.put("a.msg/subject", "Mine\n");
        mount.put("a.msg/attachments/mine.bin", numbers(300_000));
        let file = File::options().write(true).open(source.join("a.msg")).unwrap();
        overwrite(&file, file.metadata().unwrap().len());
        let after = contents(source.path());
        drop(open);
        mount.signal(Signal::TERM);
        let ended = mount.end();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        let folders = kept(state.path());
        assert_eq!(folders.len(), 1, "{folders:?}");
        assert!(ended.stderr.contains(folders[0].to_str().unwrap()), "{}", ended.stderr);
        assert_eq!(fs::read(folders[0].join("subject")).unwrap(), b"Mine\n");
        assert!(fs::read(folders[0].join("attachments/mine.bin")).unwrap() == numbers(300_000));
        assert!(recovered(state.path()).is_empty(), "a whole message that is none");
        assert!(after == contents(source.path()), "the work of others has changed");
    }
}

/// One that is replaced by another file can be read to its end.
#[test]
fn a_large_message_that_others_replaced_is_kept_whole() {
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new().with("a.msg", large().to_bytes());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let open = File::options().write(true).open(mount.path("a.msg/class")).unwrap();
    mount.put("a.msg/subject", "Mine\n");
    let other = source.put("other", letter("Of others").to_bytes());
    fs::rename(other, source.join("a.msg")).unwrap();
    drop(open);
    let whole = mount.end_unsaved(1);
    let message = Direct::reading(&whole[0]);
    assert_eq!(message.read("subject").unwrap(), b"Mine\n");
    assert!(message.read("attachments/large.bin").unwrap() == numbers(700_001));
}
