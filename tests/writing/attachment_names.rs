//! The names of attachments after edits that come to nothing.

use std::fs::{self, OpenOptions};

use rustix::io::Errno;
use rustix::process::Signal;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{MOMENT, run};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;

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
