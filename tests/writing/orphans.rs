//! Files that programs have open while they are removed or get another name.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Signal;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};

use super::mounted::Served;

const A: &str = "a.msg/attachments/a.bin";

fn mounted(state: &Path) -> Option<(Folder, Served)> {
    let inner = letter("Inner").attach(AttachmentBuilder::file("i.txt", "The inner one"));
    let message = letter("A")
        .attach(AttachmentBuilder::file("a.bin", "The old a.bin"))
        .attach(AttachmentBuilder::message(inner));
    let source = Folder::new().with("a.msg", message.to_bytes());
    let mount = Served::start(source.path(), state)?;
    Some((source, mount))
}

fn remove(mount: &Served, name: &str) {
    assert!(Command::new("rm").arg("-r").arg(mount.path(name)).status().unwrap().success());
}

fn text(mut file: &File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap_or_else(|error| panic!("{error}"));
    text
}

/// As on any file system: also after a save, and though a new file has its name.
#[test]
fn a_removed_file_is_read_on() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let files = [(A, "The old a.bin"), ("a.msg/body.txt", &*mount.text("a.msg/body.txt"))];
    let below = "a.msg/attachments/Inner.msg/attachments/i.txt";
    let inner = File::open(mount.path(below)).unwrap();
    remove(&mount, "a.msg/attachments/Inner.msg");
    for (name, old) in files {
        let open = File::open(mount.path(name)).unwrap();
        let writer = OpenOptions::new().write(true).open(mount.path(name)).unwrap();
        remove(&mount, name);
        assert_eq!(text(&open), old);
        mount.sync("a.msg/subject").unwrap();
        fs::write(mount.path(name), "Another one").unwrap();
        mount.sync("a.msg/subject").unwrap();
        mount.put("a.msg/subject", format!("Without {name}\n"));
        mount.sync("a.msg/subject").unwrap();
        assert_eq!(text(&open), old);
        assert_eq!(open.metadata().unwrap().len(), old.len() as u64, "{name}");
        assert_eq!(open.metadata().unwrap().nlink(), 0, "{name}");
        writer.write_all_at(b"*", 0).unwrap();
        assert_eq!(writer.metadata().unwrap().len(), old.len() as u64, "{name}");
        assert!(mount.text(name).starts_with("Another one"), "{name}");
    }
    assert_eq!(text(&inner), "The inner one");
}

/// `TemporaryFile` of Python removes the name at once.
#[test]
fn a_temporary_file_without_a_name_is_a_file() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let path = mount.path("a.msg/.tmpAb12Cd");
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    file.write_all(b"Some text").unwrap();
    assert_eq!(file.metadata().unwrap().len(), 9);
    file.set_len(4).unwrap();
    assert_eq!(text(&file), "Some");
    file.sync_all().unwrap();
    assert!(!path.exists());
}

/// The file was removed, whatever becomes of the one that was to take its place.
#[test]
fn a_removed_file_does_not_come_back_when_the_new_one_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let date = mount.path("a.msg/date");
    mount.put("a.msg/date", "2024-05-06T07:08:09Z\n");
    fs::write(mount.path("a.msg/.date.part"), "no date").unwrap();
    fs::remove_file(&date).unwrap();
    assert!(fs::rename(mount.path("a.msg/.date.part"), &date).is_err());
    assert!(!date.exists());
    let refused = fs::write(&date, "no date");
    assert!(refused.is_err() && !date.exists(), "{refused:?}");
    assert_eq!(mount.text("a.msg/.date.part"), "no date");
    mount.put("a.msg/date", "2025-05-06T07:08:09Z\n");
    assert_eq!(mount.text("a.msg/date"), "2025-05-06T07:08:09Z\n");
}

/// The body has the same number in every message, but its number follows it.
#[test]
fn a_body_that_becomes_an_attachment_stays_with_those_who_have_it_open() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let body = mount.path("a.msg/body.txt");
    fs::write(&body, "The body").unwrap();
    let reader = File::open(&body).unwrap();
    let writer = OpenOptions::new().write(true).open(&body).unwrap();
    writer.write_all_at(b"THE", 0).unwrap();
    let moved = "a.msg/attachments/old.txt";
    fs::rename(&body, mount.path(moved)).unwrap();
    fs::write(&body, "Another body").unwrap();
    assert!(text(&reader).starts_with("THE body"));
    writer.write_all_at(b"the BODY", 0).unwrap();
    drop(writer);
    assert!(mount.text(moved).starts_with("the BODY"), "{}", mount.text(moved));
    assert!(text(&reader).starts_with("the BODY"));
    assert!(mount.text("a.msg/body.txt").starts_with("Another body"));
    mount.sync("a.msg/subject").unwrap();
    assert!(mount.text(moved).starts_with("the BODY"));
    assert!(mount.text("a.msg/body.txt").starts_with("Another body"));
}

/// `/proc` opens the inode that a descriptor has, by the number that the file had first.
#[test]
fn a_number_leads_to_its_file_after_two_renames() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let (a, body, b) =
        (mount.path(A), mount.path("a.msg/body.txt"), mount.path("a.msg/attachments/b.txt"));
    let open = File::open(&a).unwrap();
    fs::rename(&a, &body).unwrap();
    fs::rename(&body, &b).unwrap();
    fs::write(format!("/proc/self/fd/{}", open.as_raw_fd()), "Written anew").unwrap();
    assert_eq!(fs::read_to_string(&b).unwrap(), "Written anew");
    assert!(!body.exists() && !a.exists());
}

/// A program that only reads a temporary file is not in the way of what is done to the file that it
/// becomes.
#[test]
fn a_reader_of_a_temporary_file_reads_the_file_that_it_becomes() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let part = mount.path("a.msg/attachments/.a.bin.part");
    fs::write(&part, "The new one").unwrap();
    let reader = File::open(&part).unwrap();
    fs::rename(&part, mount.path(A)).unwrap();
    assert_eq!(text(&reader), "The new one");
    mount.put(A, "The next");
    assert_eq!(text(&reader), "The next");
    fs::rename(mount.path(A), mount.path("a.msg/attachments/a.bin~")).unwrap();
    fs::rename(mount.path("a.msg/attachments/a.bin~"), mount.path(A)).unwrap();
    assert_eq!(mount.text(A), "The next");
}

/// A message file that gets a name of a message is a directory from then on.
#[test]
fn a_temporary_file_that_becomes_a_message_is_read_on_and_not_written() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let bytes = letter("New").to_bytes();
    let part = mount.path("a.msg/attachments/New.msg.part");
    fs::write(&part, &bytes).unwrap();
    let mut open = OpenOptions::new().read(true).write(true).open(&part).unwrap();
    fs::rename(&part, mount.path("a.msg/attachments/New.msg")).unwrap();
    assert!(mount.path("a.msg/attachments/New.msg").is_dir());
    let mut read = Vec::new();
    open.read_to_end(&mut read).unwrap();
    assert_eq!(read, bytes);
    let written = open.write_all_at(b"x", 0).unwrap_err();
    assert_eq!(Errno::from_io_error(&written), Some(Errno::STALE));
    drop(open);
    assert_eq!(mount.text("a.msg/attachments/New.msg/subject"), "New\n");
}

/// The name of the backup stands for the attachment until it is removed, whatever else gets the
/// name that the attachment had.
#[test]
fn an_attachment_with_a_temporary_name_stays_in_the_message() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mut mount)) = mounted(state.path()) else { return };
    let backup = mount.path("a.msg/attachments/a.bin~");
    fs::rename(mount.path(A), &backup).unwrap();
    let new = File::create(mount.path(A)).unwrap();
    fs::rename(mount.path(A), mount.path("a.msg/attachments/b.bin")).unwrap();
    drop(new);
    mount.put("a.msg/subject", "Other\n");
    mount.sync("a.msg/subject").unwrap();
    assert!(!mount.path(A).exists());
    fs::rename(&backup, mount.path(A)).unwrap();
    fs::rename(mount.path(A), &backup).unwrap();
    let new = File::create(mount.path(A)).unwrap();
    fs::rename(mount.path(A), mount.path("a.msg/attachments/c.bin")).unwrap();
    drop(new);
    mount.sync("a.msg/subject").unwrap();
    mount.signal(Signal::TERM);
    mount.end();
    mount.serve();
    assert_eq!(mount.text(A), "The old a.bin");
}
