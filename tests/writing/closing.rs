//! The end of a mount with unsaved edits: they are saved, whatever ends it.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::mounted::{is_mounted, msgfs};
use crate::mount::process::{MOMENT, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{contents, names, recovered};
use super::streams::streams;

/// What ends a mount.
#[derive(Clone, Copy, Debug)]
enum End {
    Signal(Signal),
    /// umount(8).
    Umount,
    MsgfsUmount,
    /// `umount -l`.
    LazyUmount,
}

/// A mounted source with unsaved edits.
#[derive(Debug)]
struct Edited {
    mount: Served,
    source: Folder,
    state: TempDir,
}

impl Edited {
    fn start() -> Option<Self> {
        let source = Folder::new()
            .with("a.msg", parcel().to_bytes())
            .with("sub/b.msg", letter("B").to_bytes())
            .with("c.msg", letter("C").to_bytes())
            .with("notes.txt", "Notes\n");
        let state = tempfile::tempdir().unwrap();
        let mount = Served::start(source.path(), state.path())?;
        let edited = Self { mount, source, state };
        // On a machine that is very busy an edit may be saved by itself first.
        let is_unsaved = || {
            let before = contents(edited.source.path());
            edited.edit();
            before == contents(edited.source.path())
        };
        assert!((0..5).any(|_| is_unsaved()), "the edits are saved at once");
        Some(edited)
    }

    fn edit(&self) {
        let mount = &self.mount;
        mount.put("a.msg/subject", "New a\n");
        mount.put("a.msg/attachments/new.txt", "New");
        mount.put("a.msg/attachments/Outer: with_slash.msg/subject", "New inside\n");
        mount.put("sub/b.msg/body.txt", "New b\n");
        if !mount.path("new.msg").exists() {
            fs::create_dir(mount.path("new.msg")).unwrap();
        }
        mount.put("new.msg/subject", "Made here\n");
    }

    fn end_by(&self, end: End) {
        let point = self.mount.root();
        let mut command = match end {
            End::Signal(signal) => return self.mount.signal(signal),
            End::Umount => Command::new("umount"),
            End::LazyUmount => Command::new("umount"),
            End::MsgfsUmount => msgfs(),
        };
        match end {
            End::MsgfsUmount => drop(command.arg("umount")),
            End::LazyUmount => drop(command.arg("-l")),
            _ => {}
        }
        run(command.arg(point), MOMENT).expect_success();
    }

    /// Waits for the end, after which everything must be in the source.
    fn check_saved(mut self) {
        let ended = self.mount.end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert!(!is_mounted(self.mount.root()));
        let source = Direct::reading(self.source.path());
        for (name, expected) in [
            ("a.msg/subject", "New a\n"),
            ("a.msg/attachments/new.txt", "New"),
            ("a.msg/attachments/Outer: with_slash.msg/subject", "New inside\n"),
            ("a.msg/body.txt", "This is A parcel.\nIt has two lines."),
            ("sub/b.msg/body.txt", "New b\n"),
            ("c.msg/subject", "C\n"),
            ("new.msg/subject", "Made here\n"),
            ("notes.txt", "Notes\n"),
        ] {
            let found = source.read(name).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), Ok(expected), "{name}");
        }
        let folder = self.source.path();
        assert_eq!(names(folder), ["a.msg", "c.msg", "new.msg", "notes.txt", "sub"]);
        assert_eq!(names(&folder.join("sub")), ["b.msg"]);
        for name in ["a.msg", "sub/b.msg", "c.msg", "new.msg"] {
            streams(&folder.join(name));
        }
        assert_eq!(recovered(self.state.path()).len(), 0);
    }
}

#[test]
fn signals_save() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let Some(edited) = Edited::start() else { return };
        edited.end_by(End::Signal(signal));
        edited.check_saved();
    }
}

#[test]
fn unmounting_saves() {
    for end in [End::Umount, End::MsgfsUmount] {
        let Some(edited) = Edited::start() else { return };
        edited.end_by(end);
        edited.check_saved();
    }
}

/// What a program has written but not closed is no value yet if the mount is ended all the same:
/// the last value stays, and the end of the mount names what is unfinished.
#[test]
fn half_a_file_is_no_value() {
    for end in [End::Signal(Signal::TERM), End::Signal(Signal::HUP)] {
        let Some(mut edited) = Edited::start() else { return };
        let mut open = File::create(edited.mount.path("c.msg/subject")).unwrap();
        open.write_all(b"Ha").unwrap();
        // Only emptied.
        let emptied = File::create(edited.mount.path("c.msg/body.txt")).unwrap();
        edited.end_by(end);
        let ended = edited.mount.end();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("c.msg/subject"), "{}", ended.stderr);
        let half = edited.state.path().join("msgfs/recovered/c.msg.d/subject");
        assert_eq!(fs::read(half).unwrap(), b"Ha");
        let source = Direct::reading(edited.source.path());
        assert_eq!(source.read("c.msg/subject").unwrap(), b"C\n");
        assert_eq!(source.read("c.msg/body.txt").unwrap(), b"This is C.\nIt has two lines.");
        // What was closed is saved.
        assert_eq!(source.read("a.msg/subject").unwrap(), b"New a\n");
        // Its program gets errors and does not hang.
        assert!(open.write_all(b"more").is_err());
        drop(emptied);
    }
}

/// A lazy unmount leaves the mount to those who use it; after the last one everything is saved.
#[test]
fn a_lazy_unmount_saves_after_the_last_user() {
    let Some(edited) = Edited::start() else { return };
    let mut open = File::create(edited.mount.path("c.msg/subject")).unwrap();
    edited.end_by(End::LazyUmount);
    assert!(!is_mounted(edited.mount.root()));
    open.write_all(b"C\n").unwrap();
    drop(open);
    edited.check_saved();
}

/// What is left alone for a second is saved by itself.
#[test]
fn idle_messages_are_saved() {
    let Some(edited) = Edited::start() else { return };
    let source = edited.source.path();
    wait_until("all edits in the source", MOMENT, || {
        // A file that is saved while it is read is another one.
        let is = |name: &str, text: &[u8]| {
            Direct::reading(source).read(name).is_ok_and(|found| found == text)
        };
        source.join("new.msg").exists()
            && is("a.msg/subject", b"New a\n")
            && is("sub/b.msg/body.txt", b"New b\n")
    });
    edited.end_by(End::Signal(Signal::TERM));
    edited.check_saved();
}

/// A message that is being written to is not saved by itself.
#[test]
fn a_message_in_use_is_not_saved_half_way() {
    const LONGER_THAN_THE_DELAY: Duration = Duration::from_millis(2500);
    let Some(edited) = Edited::start() else { return };
    let mut open = File::create(edited.mount.path("c.msg/subject")).unwrap();
    open.write_all(b"C\n").unwrap();
    edited.mount.put("c.msg/body.txt", "Changed");
    let before = fs::read(edited.source.join("c.msg")).unwrap();
    let end = std::time::Instant::now() + LONGER_THAN_THE_DELAY;
    wait_until("the delay to pass", MOMENT, || std::time::Instant::now() > end);
    assert!(fs::read(edited.source.join("c.msg")).unwrap() == before, "saved half way");
    drop(open);
    wait_until("the message in the source", MOMENT, || {
        fs::read(edited.source.join("c.msg")).unwrap() != before
    });
    edited.end_by(End::Signal(Signal::TERM));
    edited.check_saved();
}
