//! Whole messages that are moved, and have other inode numbers in their new place. The kernel gives
//! the old inode the new name, with all that it has cached below it, so the old numbers must stand
//! for the same files as before.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::thread;

use msgfs::fs::{Error, FileType, Fs, Ino, Invalidation, Options, WriteOptions};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::process::{MOMENT, run, wait_until};

use super::direct::open_for_writing;
use super::mounted::Served;

const EMBEDDED: &str = "Outer: with_slash.msg";

/// A filesystem whose kernel keeps what it is told until it is told to forget it.
struct Stage {
    fs: Fs,
    _source: Folder,
    _state: TempDir,
}

impl Stage {
    fn new() -> Self {
        let source =
            Folder::new().with("a.msg", parcel().to_bytes()).with("b.msg", letter("B").to_bytes());
        let state = TempDir::new().unwrap();
        let write =
            WriteOptions { state_folder: Some(state.path().to_owned()), ..WriteOptions::default() };
        let options = Options { write: Some(write), ..Options::default() };
        let fs = Fs::open(source.path(), options).unwrap();
        fs.enable_invalidation();
        Self { fs, _source: source, _state: state }
    }

    fn look_up(&self, path: &str) -> Ino {
        let names = Path::new(path).iter();
        names.fold(Ino::ROOT, |parent, name| self.fs.lookup(parent, name).unwrap().attr.ino)
    }

    /// What the kernel is told before the next answer.
    fn told(&self) -> Vec<Invalidation> {
        let mut told = Vec::new();
        self.fs.tell_stale(|stale| told.extend_from_slice(stale));
        told
    }

    fn names(&self, directory: Ino) -> Vec<OsString> {
        let mut names = Vec::new();
        let list = self.fs.readdir(directory, 2, false, &mut |child| {
            names.push(child.name.to_owned());
            false
        });
        list.map(|()| names).unwrap()
    }

    /// Moves a message, and checks that the kernel is told to look its name up again, and that
    /// everything that had a number is found and read by that number as before.
    #[track_caller]
    fn check_move(&self, (from, old): (&str, &str), (to, new): (&str, &str)) {
        let (origin, target) = (self.look_up(from), self.look_up(to));
        let moved = self.fs.lookup(origin, OsStr::new(old)).unwrap().attr.ino;
        // `Outer` has another one in it, which the moves of it must not lose.
        let paths = [
            "subject",
            "mapi",
            "mapi/PR_SUBJECT",
            "attachments",
            "attachments/Inner.msg/attachments/deep.txt",
        ];
        let look_up = |directory: Ino, path: &str| {
            let names = Path::new(path).iter();
            names.fold(directory, |parent, name| self.fs.lookup(parent, name).unwrap().attr.ino)
        };
        let inside = paths.map(|path| look_up(moved, path));
        let shown = |ino: Ino| {
            let entry = self.fs.getattr(ino).unwrap();
            let is_file = entry.attr.file_type == FileType::RegularFile;
            (entry.attr.file_type, is_file.then(|| self.fs.read(ino, 0, 1 << 20).unwrap()))
        };
        let before = inside.map(shown);
        self.told();
        self.fs.rename((origin, OsStr::new(old)), (target, OsStr::new(new)), false).unwrap();
        assert!(self.told().contains(&Invalidation::Inode(moved)), "{from}/{old}");
        assert_eq!(inside.map(shown), before, "{from}/{old}");
        let there = self.look_up(format!("{to}/{new}").trim_start_matches('/'));
        assert_eq!(paths.map(|path| shown(look_up(there, path))), before, "{to}/{new}");
        // The old numbers and the new names lead to the same files.
        let now = self.fs.getattr(moved).unwrap().attr.ino;
        assert_eq!(now, there);
        assert_eq!(look_up(moved, "subject"), look_up(there, "subject"));
        assert_eq!(self.names(moved), self.names(there));
    }
}

#[test]
fn the_old_numbers_of_a_moved_message_lead_to_its_files() {
    let stage = Stage::new();
    let (inside, of_other) = ("a.msg/attachments", "b.msg/attachments");
    for _ in 0..2 {
        stage.check_move((inside, EMBEDDED), ("", "Out.msg"));
        stage.check_move(("", "Out.msg"), (of_other, "Back.msg"));
        stage.check_move((of_other, "Back.msg"), (inside, EMBEDDED));
    }
}

/// The number from before all moves leads through all of them.
#[test]
fn a_number_is_followed_through_several_moves() {
    let stage = Stage::new();
    let (inside, of_other) =
        (stage.look_up("a.msg/attachments"), stage.look_up("b.msg/attachments"));
    let subject = stage.look_up(&format!("a.msg/attachments/{EMBEDDED}/subject"));
    let before = stage.fs.read(subject, 0, 100).unwrap();
    let (old, out) = (OsStr::new(EMBEDDED), OsStr::new("Out.msg"));
    stage.fs.rename((inside, old), (Ino::ROOT, out), false).unwrap();
    stage.fs.rename((Ino::ROOT, out), (of_other, old), false).unwrap();
    stage.fs.rename((of_other, old), (inside, OsStr::new("x.msg")), false).unwrap();
    assert_eq!(stage.fs.read(subject, 0, 100).unwrap(), before);
    // What is written by the old number is in the message where it is now.
    let handle = stage.fs.open_file(subject, libc::O_WRONLY | libc::O_TRUNC).unwrap().handle;
    stage.fs.write(handle, 0, b"Written\n").unwrap();
    stage.fs.flush(handle).unwrap();
    stage.fs.release(handle);
    let there = stage.look_up("a.msg/attachments/x.msg/subject");
    assert_eq!(stage.fs.read(there, 0, 100).unwrap(), b"Written\n");
}

/// What a program has written is moved too, or the move or the write fails: nothing is lost.
#[test]
fn a_message_that_is_written_to_is_not_moved_away_from_its_writer() {
    let stage = Stage::new();
    for (from, name) in [("a.msg/attachments", EMBEDDED), ("", "b.msg")] {
        let origin = stage.look_up(from);
        let (to, new) = match from {
            "" => (stage.look_up("a.msg/attachments"), OsStr::new("b.msg")),
            _ => (Ino::ROOT, OsStr::new("Out.msg")),
        };
        let subject = stage.look_up(format!("{from}/{name}/subject").trim_start_matches('/'));
        let rename = || stage.fs.rename((origin, OsStr::new(name)), (to, new), false);
        let handle = stage.fs.open_file(subject, libc::O_WRONLY | libc::O_TRUNC).unwrap().handle;
        stage.fs.write(handle, 0, b"Half").unwrap();
        assert!(matches!(rename(), Err(Error::Busy)), "{name}");
        stage.fs.flush(handle).unwrap();
        rename().unwrap();
        assert_eq!(stage.fs.read(subject, 0, 100).unwrap(), b"Half\n", "{name}");
        let lost = stage.fs.write(handle, 4, b" whole");
        assert!(matches!(lost, Err(Error::Stale { .. })), "{name}");
        stage.fs.release(handle);
    }
}

/// A shell that works in a message, and programs that have its files open, go on when it is moved.
#[test]
fn a_program_goes_on_in_a_message_that_is_moved() {
    let source =
        Folder::new().with("A.msg", parcel().to_bytes()).with("B.msg", letter("B").to_bytes());
    let state = TempDir::new().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    let inside = format!("A.msg/attachments/{EMBEDDED}");
    let moves = [(&*inside, "Out.msg"), ("Out.msg", "B.msg/attachments/Back.msg")];
    for (from, to) in moves {
        let text = fs::read_to_string(mount.path(&format!("{from}/body.txt"))).unwrap();
        let mut subject = fs::File::open(mount.path(&format!("{from}/subject"))).unwrap();
        let mut script = Command::new("bash");
        let working = "mv \"$1\" \"$2\"; ls mapi > /dev/null; cat body.txt; stat -c %F .";
        script.args(["-euc", working, "-"]).args([mount.path(from), mount.path(to)]);
        script.current_dir(mount.path(from));
        let shown = String::from_utf8(run(&mut script, MOMENT).expect_success()).unwrap();
        assert_eq!(shown, format!("{text}directory\n"), "{from}");
        subject.rewind().unwrap();
        assert_eq!(io::read_to_string(&subject).unwrap(), "Outer: with/slash\n", "{from}");
        assert_eq!(subject.metadata().unwrap().len(), 18, "{from}");
    }
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
}

/// A program that copies a file under a temporary name closes it before it renames it. In between
/// the kernel may forget the file: the bytes are nowhere else, and stay.
#[test]
fn what_arrives_under_a_temporary_name_outlives_that_the_kernel_forgets_it() {
    let (source, state) = (Folder::new(), tempfile::tempdir().unwrap());
    let fs = open_for_writing(source.path(), state.path());
    let (bytes, name) = (parcel().to_bytes(), OsStr::new(".b.msg.Ab12Cd"));
    let (entry, handle) = fs.create(Ino::ROOT, name, 0o644, libc::O_WRONLY).unwrap();
    fs.write(handle, 0, &bytes).unwrap();
    fs.flush(handle).unwrap();
    fs.release(handle);
    fs.forget(entry.attr.ino, 1);
    assert_eq!(fs.lookup(Ino::ROOT, name).unwrap().attr.size, bytes.len() as u64);
    fs.forget(entry.attr.ino, 1);
    fs.rename((Ino::ROOT, name), (Ino::ROOT, OsStr::new("b.msg")), false).unwrap();
    assert!(std::fs::read(source.join("b.msg")).unwrap() == bytes);
    assert!(fs.lookup(Ino::ROOT, name).is_err());
}

/// Edits a message without a pause until its path is gone. Returns the last edit that was synced.
fn edit_until_gone(subject: &Path) -> usize {
    let edit = |number: usize| {
        let mut file = fs::File::create(subject)?;
        file.write_all(format!("Edit {number}\n").as_bytes())?;
        file.sync_all()
    };
    (1..).take_while(|number| edit(*number).is_ok()).last().unwrap_or(0)
}

/// What is edited while a message is moved moves with it, or the program is told.
#[test]
fn no_edit_is_lost_that_is_made_during_a_move() {
    for (from, to) in [
        (format!("a.msg/attachments/{EMBEDDED}"), "New.msg".to_owned()),
        (format!("a.msg/attachments/{EMBEDDED}"), format!("b.msg/attachments/{EMBEDDED}")),
        ("a.msg".to_owned(), "b.msg/attachments/a.msg".to_owned()),
    ] {
        let source =
            Folder::new().with("a.msg", parcel().to_bytes()).with("b.msg", letter("B").to_bytes());
        let state = TempDir::new().unwrap();
        let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
        let (old, new) = (mount.path(&from), mount.path(&to));
        let last = thread::scope(|scope| {
            let subject = old.join("subject");
            let editing = scope.spawn(move || edit_until_gone(&subject));
            wait_until("an edit", MOMENT, || {
                fs::read_to_string(old.join("subject")).is_ok_and(|text| text.starts_with("Edit"))
            });
            // While a file is being written, the message stays where it is.
            wait_until("the move", MOMENT, || match fs::rename(&old, &new) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => false,
                moved => moved.map(|()| true).unwrap(),
            });
            editing.join().unwrap()
        });
        let subject = fs::read_to_string(new.join("subject")).unwrap();
        // One more may have been made without being synced in its old place.
        let expected = [last, last + 1].map(|number| format!("Edit {number}\n"));
        assert!(expected.contains(&subject), "{from}: {subject:?} is not edit {last}");
        mount.signal(Signal::TERM);
        mount.end();
    }
}
