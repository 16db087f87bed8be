//! What cannot be saved without a loss is refused at the call that would edit it, with a reason.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::fixture::{AttachmentBuilder, Sectors};
use crate::mount::folder::{Folder, letter, numbers};
use crate::mount::process::{MOMENT, run};

use super::mounted::Served;
use super::places::{contents, names};

/// A message of which one attachment ends after its first sector. Everything else can be read.
fn damaged() -> Vec<u8> {
    let message = letter("Damaged")
        .attach(AttachmentBuilder::file("cut.bin", numbers(100_000)))
        .attach(AttachmentBuilder::message(letter("Inner")));
    let mut sectors = Sectors::new(message.to_bytes());
    let first = sectors.first("__substg1.0_37010102");
    sectors.set_next(first, 0xFFFF_FFFE);
    sectors.bytes
}

fn errno<T>(done: std::io::Result<T>) -> Option<Errno> {
    done.err().map(|error| Errno::from_io_error(&error).unwrap())
}

#[test]
fn nothing_in_a_message_is_edited_of_which_something_cannot_be_read() {
    let source = Folder::new().with("a.msg", damaged()).with("b.msg", letter("B").to_bytes());
    let state = TempDir::new().unwrap();
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let before = contents(source.path());
    let (a, b) = (|name: &str| mount.path(&format!("a.msg/{name}")), mount.path("b.msg"));
    let inner = a("attachments/Inner.msg");
    let rename = |from: &str, to: &str| errno(fs::rename(a(from), a(to)));
    for (what, refused) in [
        ("open", errno(File::options().write(true).open(a("subject")))),
        ("open of the damaged file", errno(File::create(a("attachments/cut.bin.partial")))),
        ("open of an inner file", errno(File::create(inner.join("subject")))),
        ("create", errno(File::create_new(a("attachments/new.txt")))),
        ("mkdir", errno(fs::create_dir(a("attachments/new.msg")))),
        ("truncate", errno(truncate(&a("body.txt")))),
        ("unlink", errno(fs::remove_file(a("body.txt")))),
        ("rename of an attachment", rename("attachments/cut.bin.partial", "attachments/x")),
        ("rename to a backup", rename("body.txt", "body.txt~")),
        ("move to a folder", errno(fs::rename(&inner, mount.path("Inner.msg")))),
        ("move to a message", errno(fs::rename(&inner, b.join("attachments/Inner.msg")))),
    ] {
        assert_eq!(refused, Some(Errno::ROFS), "{what}");
    }
    // What an editor puts beside its file is no edit; to make it the value is one.
    fs::write(a(".subject.swp"), "New\n").unwrap();
    assert_eq!(rename(".subject.swp", "subject"), Some(Errno::ROFS));
    fs::remove_file(a(".subject.swp")).unwrap();
    assert_eq!(mount.text("a.msg/body.txt"), "This is Damaged.\nIt has two lines.");
    assert_eq!(names(mount.root()), ["a.msg", "b.msg"]);
    for told in [mount.text(".msgfs/errors"), mount.told()] {
        let reason = "cannot be written without losing this";
        let line = told.lines().find(|line| line.contains("a.msg") && line.contains(reason));
        assert!(line.is_some_and(|line| line.contains("expected 100000 bytes")), "{told}");
    }
    mount.signal(Signal::TERM);
    let ended = mount.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(contents(source.path()) == before, "the source has changed");
}

/// As truncate(2) does it, without a handle.
fn truncate(path: &Path) -> std::io::Result<()> {
    let ended = run(Command::new("truncate").args(["-s", "0"]).arg(path), MOMENT);
    match ended.stderr.contains("Read-only file system") {
        true => Err(Errno::ROFS.into()),
        false => Ok(()),
    }
}

/// A program could not put anything in the place of such a file, nor rename it back.
#[test]
fn a_file_that_cannot_be_set_is_not_renamed_away() {
    let source = Folder::new().with("a.msg", super::reopened::signed());
    let state = TempDir::new().unwrap();
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    for name in ["body.txt", "attachments/smime.p7m", "message.json"] {
        let path = mount.path(&format!("a.msg/{name}"));
        let backup = mount.path(&format!("a.msg/{name}~"));
        assert_eq!(errno(fs::rename(&path, backup)), Some(Errno::PERM), "{name}");
        assert!(path.exists(), "{name}");
    }
}

#[test]
fn a_refusal_names_the_file_in_the_message() {
    let message = letter("A").attach(AttachmentBuilder::file("file.txt", "text"));
    let source = Folder::new().with("sub/a.msg", message.to_bytes());
    let state = TempDir::new().unwrap();
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    let file = mount.path("sub/a.msg/attachments/file.txt");
    assert!(fs::set_permissions(&file, fs::Permissions::from_mode(0o777)).is_err());
    assert!(fs::hard_link(&file, file.with_file_name("second.txt")).is_err());
    let errors = mount.text(".msgfs/errors");
    for line in [
        "sub/a.msg/attachments/file.txt: refused: not permitted: owner and mode ",
        "sub/a.msg/attachments/second.txt: refused: not permitted: a file of a message has one name",
    ] {
        assert!(errors.lines().any(|one| one.starts_with(line)), "{errors}");
    }
}
