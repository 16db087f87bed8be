//! The names of attachments after edits that come to nothing, and after a kill.

use std::fs::{self, OpenOptions};
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Signal;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{MOMENT, run};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::BusyFile;

/// What was thrown away has also no name any more: a file made under that name later is a new one.
#[test]
fn names_are_those_of_before_after_a_discard() {
    let (state, source) = (tempfile::tempdir().unwrap(), Folder::new());
    let message = letter("A").attach(AttachmentBuilder::file("signature.asc", "signed"));
    source.put("a.msg", message.to_bytes());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let attachment = |name: &str| format!("a.msg/attachments/{name}");
    // A writing handle keeps the message from being saved by itself.
    let open = OpenOptions::new().write(true).open(mount.path("a.msg/class")).unwrap();
    let (old, new) = (attachment("signature.asc"), attachment("zz.asc"));
    fs::rename(mount.path(&old), mount.path(&new)).unwrap();
    let mut discard = msgfs();
    discard.env("XDG_STATE_HOME", state.path()).arg("discard").arg(mount.path("a.msg"));
    run(&mut discard, MOMENT).expect_success();
    drop(open);
    mount.put(&new, "edited");
    mount.sync(&new).unwrap();
    assert_eq!((mount.text(&old).as_str(), mount.text(&new).as_str()), ("signed", "edited"));
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    let saved = Direct::reading(source.path());
    assert_eq!(saved.names("a.msg/attachments").unwrap(), ["signature.asc", "zz.asc"]);
}

/// A rename onto a value that is refused changes nothing, also not which attachment has which name.
#[test]
fn a_refused_rename_leaves_the_names() {
    let (state, source) = (tempfile::tempdir().unwrap(), Folder::new());
    let same = |bytes: &str| AttachmentBuilder::file("a.txt", bytes.to_owned());
    let message = letter("A").attach(same("first")).attach(same("second"));
    source.put("a.msg", message.to_bytes());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let second = "a.msg/attachments/a (2).txt";
    fs::remove_file(mount.path("a.msg/attachments/a.txt")).unwrap();
    mount.put(second, "2024-0");
    mount.sync(second).unwrap();
    let refused = fs::rename(mount.path(second), mount.path("a.msg/date")).unwrap_err();
    assert_eq!(Errno::from_io_error(&refused), Some(Errno::INVAL));
    mount.put(second, "new text");
    assert_eq!(mount.text(second), "new text");
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    let saved = Direct::reading(source.path());
    assert_eq!(saved.names("a.msg/attachments").unwrap().len(), 1);
}

/// A save that msgfs could not take out of its log has put a file in place in which the second
/// attachment has another name. An edit of it that a kill leaves is made in it all the same.
#[test]
fn an_edit_after_a_save_that_stays_in_the_log_is_made_in_the_right_attachment() {
    let (state, source) = (tempfile::tempdir().unwrap(), Folder::new());
    let same = |bytes: &str| AttachmentBuilder::file("a.txt", bytes.to_owned());
    let message = letter("A").attach(same("first")).attach(same("second")).attach(same("third"));
    source.put("a.msg", message.to_bytes());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    // A writing handle keeps the message from being saved by itself.
    let open = OpenOptions::new().write(true).open(mount.path("a.msg/class")).unwrap();
    mount.put("a.msg/subject", "B\n");
    let folders = fs::read_dir(state.path().join("msgfs/edits/1")).unwrap().map(Result::unwrap);
    let log = folders.map(|folder| folder.path().join("log")).find(|log| log.is_file()).unwrap();
    // A file on which another one is mounted can be written to, but not removed.
    let Some(busy) = BusyFile::new(&log) else { return };
    let first = mount.path("a.msg/attachments/a.txt");
    run(Command::new("rm").arg(first), MOMENT).expect_success();
    mount.sync("a.msg/subject").unwrap();
    let read = || {
        let saved = Direct::reading(source.path());
        let names = saved.names("a.msg/attachments").unwrap().into_iter();
        let read = |name| saved.read(&format!("a.msg/attachments/{name}")).unwrap();
        names.map(read).map(|bytes| String::from_utf8(bytes).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(read(), ["second", "third"]);
    mount.put("a.msg/attachments/a (2).txt", "second, edited");
    mount.kill();
    drop((open, busy));
    mount.serve();
    mount.sync("a.msg/subject").unwrap();
    assert_eq!(read(), ["second, edited", "third"]);
}
