//! Files that are open for writing while another file is renamed onto them, or they onto another
//! one; and what a program changes in its memory.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::process::Signal;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::process::{MOMENT, run};

use super::mounted::Served;

/// A mounted message with two attachments.
fn mounted(state: &Path) -> Option<(Folder, Served)> {
    let file = |name: &str| AttachmentBuilder::file(name, format!("The old {name}"));
    let message = letter("A").attach(file("a.bin")).attach(file("c.dat"));
    let source = Folder::new().with("a.msg", message.to_bytes());
    let mount = Served::start(source.path(), state)?;
    Some((source, mount))
}

const A: &str = "a.msg/attachments/a.bin";

fn open(mount: &Served, name: &str) -> File {
    OpenOptions::new().read(true).write(true).open(mount.path(name)).unwrap()
}

fn errno(result: io::Result<()>) -> Option<Errno> {
    result.err().as_ref().and_then(Errno::from_io_error)
}

/// What is written through the old descriptor would get between the bytes of the new file.
#[test]
fn a_file_that_is_replaced_is_lost_to_those_who_have_it_open() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    for new in ["c.dat", "new.dat", "new.part"] {
        let old = open(&mount, A);
        let idle = open(&mount, A);
        old.write_all_at(b"1111", 0).unwrap();
        let from = mount.path(&format!("a.msg/attachments/{new}"));
        fs::write(&from, format!("The new {new}")).unwrap();
        fs::rename(&from, mount.path(A)).unwrap();
        assert_eq!(errno(old.write_all_at(b"2222", 4)), Some(Errno::STALE), "{new}");
        assert_eq!(errno(old.set_len(2)), Some(Errno::STALE), "{new}");
        assert_eq!(errno(old.sync_all()), Some(Errno::STALE), "{new}");
        drop((idle, old));
        assert_eq!(mount.text(A), format!("The new {new}"));
        // Who opens it now has the new one.
        open(&mount, A).write_all_at(b"THE", 0).unwrap();
        assert_eq!(mount.text(A), format!("THE new {new}"));
        mount.sync(A).unwrap();
        assert_eq!(mount.text(A), format!("THE new {new}"));
    }
}

/// The kernel lets a program write to a file while it is renamed or replaced, if the two have other
/// inode numbers: here the writer's file was itself renamed there while it was open.
#[test]
fn no_write_gets_into_the_new_file_while_it_is_put_there() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    for round in 0..40 {
        let part = mount.path("a.msg/attachments/.a.part");
        fs::write(&part, vec![b'p'; 4096]).unwrap();
        let writer = open(&mount, "a.msg/attachments/.a.part");
        fs::rename(&part, mount.path(A)).unwrap();
        let new = format!("{round:08}").repeat(512);
        fs::write(mount.path("a.msg/attachments/n.dat"), &new).unwrap();
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            let writes = scope.spawn(|| {
                barrier.wait();
                let written = (0..1_000_000).find_map(|_| writer.write_all_at(b"ZZ", 2000).err());
                assert_eq!(Errno::from_io_error(&written.unwrap()), Some(Errno::STALE));
            });
            barrier.wait();
            fs::rename(mount.path("a.msg/attachments/n.dat"), mount.path(A)).unwrap();
            writes.join().unwrap();
        });
        drop(writer);
        assert!(mount.text(A) == new, "round {round}");
    }
}

/// The file of the new name keeps its number, so those who write to the one that is renamed would
/// have a buffer of their own.
#[test]
fn a_file_that_is_written_to_replaces_none() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    for (from, to) in [
        ("a.msg/attachments/c.dat", A),
        ("a.msg/attachments/new.dat", A),
        ("a.msg/attachments/c.dat", "a.msg/body.txt"),
    ] {
        if !mount.path(from).exists() {
            fs::write(mount.path(from), "new").unwrap();
        }
        let open = open(&mount, from);
        open.write_all_at(b"1111", 0).unwrap();
        let (old, new) = (mount.path(from), mount.path(to));
        assert_eq!(errno(fs::rename(&old, &new)), Some(Errno::BUSY), "{from} {to}");
        open.write_all_at(b"2222", 4).unwrap();
        // Once it is the value, another name may be given to it; who goes on writing is told.
        open.sync_all().unwrap();
        let expected = mount.text(from);
        assert!(expected.starts_with("11112222"), "{from}: {expected}");
        fs::rename(&old, &new).unwrap();
        assert_eq!(errno(open.write_all_at(b"3333", 0)), Some(Errno::STALE), "{from} {to}");
        drop(open);
        assert_eq!(mount.text(to), expected, "{from} {to}");
        mount.sync("a.msg/subject").unwrap();
        assert_eq!(mount.text(to), expected, "{from} {to}");
    }
    // A truncate by path takes the file from nobody.
    let writer = open(&mount, A);
    fs::OpenOptions::new().write(true).truncate(true).open(mount.path(A)).unwrap();
    writer.write_all_at(b"after", 0).unwrap();
    drop(writer);
    assert_eq!(mount.text(A), "after");
    // Under a free name it is the same file.
    let open = open(&mount, A);
    open.write_all_at(b"3333", 0).unwrap();
    fs::rename(mount.path(A), mount.path("a.msg/attachments/b.bin")).unwrap();
    open.write_all_at(b"4444", 4).unwrap();
    drop(open);
    assert!(mount.text("a.msg/attachments/b.bin").starts_with("33334444"));
}

/// A removal is provisional, so the removed file still has its place in the message.
#[test]
fn a_removed_file_does_not_come_back_when_a_new_one_of_its_name_is_renamed() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    fs::remove_file(mount.path(A)).unwrap();
    fs::write(mount.path(A), "new").unwrap();
    fs::remove_file(mount.path(A)).unwrap();
    let new = File::create(mount.path(A)).unwrap();
    fs::rename(mount.path(A), mount.path("a.msg/attachments/b.bin")).unwrap();
    new.write_all_at(b"newer", 0).unwrap();
    drop(new);
    let names = || {
        let names = fs::read_dir(mount.path("a.msg/attachments")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(names(), ["b.bin", "c.dat"]);
    mount.sync(A).unwrap_err();
    mount.sync("a.msg/subject").unwrap();
    assert_eq!(names(), ["b.bin", "c.dat"]);
    assert_eq!(mount.text("a.msg/attachments/b.bin"), "newer");
}

/// A file that was renamed to a temporary name, and from there to another place, has left its old
/// one; and so has a file whose temporary name was given to another one.
#[test]
fn a_file_that_has_come_to_another_place_does_not_come_back() {
    let (state, attachments) = (tempfile::tempdir().unwrap(), "a.msg/attachments");
    let Some((_source, mut mount)) = mounted(state.path()) else { return };
    let rename = |mount: &Served, from: &str, to: &str| {
        let path = |name: &str| mount.path(&format!("{attachments}/{name}"));
        fs::rename(path(from), path(to)).unwrap();
    };
    rename(&mount, "a.bin", "a.bin.part");
    rename(&mount, "a.bin.part", "q.bin");
    fs::write(mount.path("a.msg/attachments/k.bin"), "k").unwrap();
    rename(&mount, "k.bin", "k~");
    rename(&mount, "c.dat", "k~");
    rename(&mount, "k~", "c.dat");
    let names = |mount: &Served| {
        let names = fs::read_dir(mount.path(attachments)).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(names(&mount), ["c.dat", "q.bin"]);
    mount.signal(Signal::TERM);
    mount.end();
    mount.serve();
    assert_eq!(names(&mount), ["c.dat", "q.bin"]);
    assert_eq!(mount.text("a.msg/attachments/q.bin"), "The old a.bin");
    assert_eq!(mount.text("a.msg/attachments/c.dat"), "The old c.dat");
}

/// A program goes on with a temporary file that was renamed onto another one, and appends to it
/// behind what others have written. The file keeps the time that was set on it, as rsync does.
#[test]
fn a_temporary_file_keeps_its_time_and_how_it_is_open() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let part = mount.path("a.msg/attachments/.x.part");
    let mut options = OpenOptions::new();
    let mut first = options.create(true).append(true).open(&part).unwrap();
    first.write_all(b"aaa").unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    first.set_modified(time).unwrap();
    fs::rename(&part, mount.path(A)).unwrap();
    assert_eq!(mount.path(A).metadata().unwrap().modified().unwrap(), time);
    OpenOptions::new().append(true).open(mount.path(A)).unwrap().write_all(b"bbb").unwrap();
    first.write_all(b"ccc").unwrap();
    drop(first);
    assert_eq!(mount.text(A), "aaabbbccc");
}

/// The kernel writes the pages of a mapping through any descriptor of the file, also one that
/// appends.
#[test]
fn what_is_changed_in_memory_stays_in_its_place() {
    const CHANGE: &str = "import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND)
with mmap.mmap(file, 0) as memory:
    memory[2:6] = b'here'
    memory.flush()
os.write(file, b' and behind')
os.close(file)";
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    let mut command = Command::new("python3");
    run(command.args(["-c", CHANGE]).arg(mount.path(A)), MOMENT).expect_success();
    assert_eq!(mount.text(A), "Thhered a.bin and behind");
    mount.sync(A).unwrap();
    assert_eq!(mount.text(A), "Thhered a.bin and behind");
}

/// A backup of an editor is a copy, so a program that has the file open cannot write to it.
#[test]
fn a_file_that_gets_a_temporary_name_is_lost_to_its_writers() {
    let state = tempfile::tempdir().unwrap();
    let Some((_source, mount)) = mounted(state.path()) else { return };
    for name in [A, "a.msg/body.txt", "a.msg/attachments/new.dat"] {
        let (path, backup) = (mount.path(name), mount.path(&format!("{name}~")));
        if !path.exists() {
            fs::write(&path, "new").unwrap();
        }
        let open = open(&mount, name);
        open.write_all_at(b"1111", 0).unwrap();
        assert_eq!(errno(fs::rename(&path, &backup)), Some(Errno::BUSY), "{name}");
        open.sync_all().unwrap();
        let expected = mount.text(name);
        fs::rename(&path, &backup).unwrap();
        assert_eq!(errno(open.write_all_at(b"2222", 0)), Some(Errno::STALE), "{name}");
        drop(open);
        assert!(!path.exists(), "{name}");
        assert_eq!(fs::read_to_string(&backup).unwrap(), expected);
        fs::rename(&backup, &path).unwrap();
        assert_eq!(mount.text(name), expected);
    }
    // The kernel reports the end of a file only after `close` has returned.
    for round in 0..50 {
        let (path, backup) = (mount.path(A), mount.path("a.msg/attachments/.a.bin.part"));
        fs::write(&path, format!("Round {round}")).unwrap();
        fs::rename(&path, &backup).unwrap();
        fs::rename(&backup, &path).unwrap();
    }
}
