//! A file that one program empties and others open again, and what signed mail refuses.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use msgfs::fs::edit_log::UNSAVED_ATTRIBUTE;
use msgfs::fs::{Ino, SetAttr};
use msgfs::imsg::SaveOutcome;
use msgfs::mail::Mail;
use rustix::process::Signal;

use crate::fixture::{AttachmentBuilder, MessageBuilder};
use crate::mount::folder::{Folder, letter};
use crate::mount::process::{MOMENT, run};

use super::direct::open_for_writing;
use super::mounted::Served;
use super::places::contents;

const SIGNED: &str = "Content-Type: multipart/signed; \
    protocol=\"application/pkcs7-signature\"; boundary=\"b\"\r\n\r\n--b\r\n\
    Content-Type: text/plain\r\n\r\nHello\r\n--b--\r\n";

/// The RELEASE of a program that emptied a file may come before the OPEN of the next one, or after
/// it.
#[test]
fn an_emptied_file_is_opened_again_whenever_it_is_released() {
    for is_released_first in [true, false] {
        let source = Folder::new().with("A.msg", letter("A").to_bytes());
        let state = tempfile::tempdir().unwrap();
        let fs = open_for_writing(source.path(), state.path());
        let message = fs.lookup(Ino::ROOT, OsStr::new("A.msg")).unwrap().attr.ino;
        let find = || fs.lookup(message, OsStr::new("body.txt")).unwrap().attr.ino;
        let first = fs.open_file(find(), libc::O_WRONLY | libc::O_TRUNC).unwrap().handle;
        let found = find();
        let open = || {
            fs.getattr(found).unwrap();
            fs.open_file(found, libc::O_WRONLY | libc::O_APPEND).unwrap().handle
        };
        let opened_early = (!is_released_first).then(open);
        fs.release(first);
        let handles = [opened_early.unwrap_or_else(open), open()];
        for (handle, line) in handles.into_iter().zip(["one\n", "two\n"]) {
            fs.write(handle, 0, line.as_bytes()).unwrap();
            fs.flush(handle).unwrap();
        }
        handles.into_iter().for_each(|handle| fs.release(handle));
        assert_eq!(fs.read(find(), 0, 100).unwrap(), b"one\ntwo\n", "{is_released_first}");
        drop(fs.close());
    }
}

/// After an emptied file has lost its value, a program can still read it and set its length, by the
/// number that the kernel has looked up before.
#[test]
fn an_emptied_file_is_read_and_cut_after_its_release() {
    let source = Folder::new().with("A.msg", letter("A").to_bytes());
    let state = tempfile::tempdir().unwrap();
    let fs = open_for_writing(source.path(), state.path());
    let message = fs.lookup(Ino::ROOT, OsStr::new("A.msg")).unwrap().attr.ino;
    let text = fs.lookup(message, OsStr::new("body.txt")).unwrap().attr.ino;
    let emptied = fs.open_file(text, libc::O_WRONLY | libc::O_TRUNC).unwrap().handle;
    fs.release(emptied);
    let opened = fs.open_file(text, libc::O_RDONLY).unwrap();
    assert_eq!(fs.read_open(text, opened.handle, 0, &mut [0; 100]).unwrap(), 0);
    for size in [0, 0] {
        let change = SetAttr { size: Some(size), ..SetAttr::default() };
        assert_eq!(fs.setattr(text, None, &change).unwrap().attr.size, size);
    }
    drop(fs.close());
}

/// As on any file system, a program that has a removed file open may write to it, and it stays
/// removed.
#[test]
fn a_removed_file_that_is_written_to_stays_removed() {
    for process in [None, Some(std::process::id())] {
        let message = letter("A").attach(AttachmentBuilder::file("a.txt", b"old".to_vec()));
        let source = Folder::new().with("A.msg", message.to_bytes());
        let state = tempfile::tempdir().unwrap();
        let fs = open_for_writing(source.path(), state.path());
        let message = fs.lookup(Ino::ROOT, OsStr::new("A.msg")).unwrap().attr.ino;
        let attachments = fs.lookup(message, OsStr::new("attachments")).unwrap().attr.ino;
        for (directory, name) in [(message, "subject"), (attachments, "a.txt")] {
            let found = fs.lookup(directory, OsStr::new(name)).unwrap().attr.ino;
            let handle = fs.open_file(found, libc::O_WRONLY).unwrap().handle;
            fs.unlink_for(directory, OsStr::new(name), process).unwrap();
            fs.write(handle, 0, b"new").unwrap();
            fs.flush(handle).unwrap();
            assert!(fs.lookup(directory, OsStr::new(name)).is_err(), "{name}, {process:?}");
            fs.release(handle);
            assert!(fs.lookup(directory, OsStr::new(name)).is_err(), "{name}, {process:?}");
        }
        let saves = fs.close().saves;
        assert!(saves.iter().all(|one| one.outcome == SaveOutcome::Saved), "{saves:?}");
        let saved = Mail::open(source.path().join("A.msg")).unwrap();
        assert_eq!(saved.subject().unwrap(), None, "{process:?}");
        assert_eq!(saved.attachments().unwrap().len(), 0, "{process:?}");
    }
}

/// What the shell does, many times over.
#[test]
fn appending_to_a_file_that_was_just_emptied_finds_it() {
    let source = Folder::new().with("A.msg", letter("A").to_bytes());
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    let script = "for ((n = 0; n < 100; n++)); do : > A.msg/body.txt; echo x >> A.msg/body.txt; \
        [ $(cat A.msg/body.txt) = x ]; done";
    let mut command = Command::new("bash");
    run(command.args(["-euc", script]).current_dir(mount.root()), MOMENT).expect_success();
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
}

/// A signed message.
pub(super) fn signed() -> Vec<u8> {
    MessageBuilder::new("IPM.Note.SMIME.MultipartSigned", "Signed")
        .body("Hello\r\n")
        .attach(AttachmentBuilder::file("smime.p7m", SIGNED.as_bytes().to_vec()))
        .to_bytes()
}

#[test]
fn removing_the_signed_part_is_refused_and_leaves_nothing() {
    let signed = signed();
    let source = Folder::new().with("A.msg", signed.clone());
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    for script in ["rm -f A.msg/attachments/smime.p7m", "rm -f A.msg/body.txt", "rm -rf A.msg"] {
        let mut command = Command::new("bash");
        let ended = run(command.args(["-euc", script]).current_dir(mount.root()), MOMENT);
        assert!(!ended.status.success(), "{script}");
        assert!(ended.stderr.contains("not permitted"), "{script}: {}", ended.stderr);
        assert_eq!(fs::read(mount.path(".msgfs/unsaved")).unwrap(), b"", "{script}");
    }
    assert_eq!(mount.text("A.msg/subject"), "Signed\n");
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    assert_eq!(fs::read(source.path().join("A.msg")).unwrap(), signed);
    let left = contents(state.path()).into_keys().filter(|path| !path.ends_with("lock"));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

/// `msgfs discard` of a message that the source does not have yet.
#[test]
fn a_new_message_that_is_thrown_away_is_no_longer_known() {
    let (source, state) = (Folder::new(), tempfile::tempdir().unwrap());
    let fs = open_for_writing(source.path(), state.path());
    let known = || {
        let control = fs.lookup(Ino::ROOT, OsStr::new(".msgfs")).unwrap().attr.ino;
        let session = fs.lookup(control, OsStr::new("session")).unwrap().attr.ino;
        let text = String::from_utf8(fs.read(session, 0, 1 << 20).unwrap()).unwrap();
        let line = text.lines().find(|line| line.starts_with("source_files_known\t"));
        line.unwrap().to_owned()
    };
    let before = known();
    let made = fs.mkdir(Ino::ROOT, OsStr::new("New.msg")).unwrap().attr.ino;
    assert_ne!(known(), before);
    fs.removexattr(made, OsStr::new(UNSAVED_ATTRIBUTE)).unwrap();
    fs.forget(made, 1);
    assert_eq!(known(), before);
    assert!(fs.lookup(Ino::ROOT, OsStr::new("New.msg")).is_err());
}
