//! `msgfs extract` copies what a mount shows, can be run again, and stays in its directory.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use rustix::process::Signal;

use super::shown::{SAMPLES, assert_same, corpus, everything, msgfs_in, msgfs_on, text};
use crate::mount::folder::{Folder, damaged, large, letter, parcel};
use crate::mount::mounted::{Mounted, msgfs};
use crate::mount::process::{LONG, Process, is_installed, run, wait_until};

/// The same files, bytes and times as in a mount of the same source.
#[track_caller]
fn check_like_mount(source: &Path, options: &str) {
    let Some(mount) = Mounted::new(source, options) else { return };
    let target = Folder::new();
    let path = target.path().to_str().unwrap();
    let ended = msgfs_in(source, &["extract", "-o", options, ".", path]);
    // What cannot be read is lost, though the copy has all that the mount shows.
    let is_damaged = everything(mount.root())
        .into_iter()
        .any(|(path, found)| found == super::shown::Found::Damaged || path.ends_with("ERRORS"));
    assert_eq!(ended.status.code(), Some(i32::from(is_damaged)), "{}", ended.stderr);
    assert_same(target.path(), mount.root());
}

#[test]
fn everything_is_copied() {
    let source = Folder::of_everything().with("damaged.msg", damaged());
    symlink("notes.txt", source.join("link")).unwrap();
    check_like_mount(source.path(), "ro");
    check_like_mount(source.path(), "others=hide");
    check_like_mount(source.path(), "show=all");
}

#[test]
fn the_samples_are_copied() {
    check_like_mount(Path::new(SAMPLES), "ro");
}

#[test]
fn the_corpus_is_copied() {
    if let Some(corpus) = corpus() {
        check_like_mount(&corpus, "ro");
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Nothing is more readable than what it was made of, and nothing that was there is made so.
#[test]
fn copies_are_no_more_readable_than_their_source() {
    let source = Folder::new().with("sub/secret.txt", "s").with("sub/a.msg", parcel().to_bytes());
    for (name, of_file) in [("private", 0o600), ("group", 0o640), ("public", 0o4644)] {
        set_mode(&source.put(format!("{name}.msg"), parcel().to_bytes()), of_file);
    }
    set_mode(&source.join("sub/secret.txt"), 0o400);
    set_mode(&source.join("sub"), 0o700);
    set_mode(source.path(), 0o750);
    let target = Folder::new();
    let out = |name: &str| target.join(name).to_str().unwrap().to_owned();
    let extract = |path: &str, name: &str| {
        let script = "umask 022; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_msgfs"), "extract", path]);
        run(command.arg(out(name)).current_dir(source.path()), LONG).expect_success();
    };
    for (path, name) in [(".", "all"), (".", "all")] {
        extract(path, name);
        for (path, expected) in [
            ("all", 0o750),
            ("all/sub", 0o700),
            ("all/sub/secret.txt", 0o400),
            ("all/private.msg", 0o700),
            ("all/private.msg/attachments", 0o700),
            ("all/private.msg/subject", 0o600),
            ("all/group.msg", 0o750),
            ("all/group.msg/attachments/numbers.bin", 0o640),
            ("all/public.msg", 0o755),
            ("all/public.msg/attachments/numbers.bin", 0o644),
        ] {
            assert_eq!(mode(&target.join(path)), expected, "{path}");
        }
        // What an earlier version has left readable is narrowed.
        set_mode(&target.join("all/private.msg/subject"), 0o644);
    }
    extract("private.msg", "one");
    assert_eq!((mode(&target.join("one")), mode(&target.join("one/subject"))), (0o700, 0o600));
    extract("private.msg/attachments/numbers.bin", "file");
    assert_eq!(mode(&target.join("file/numbers.bin")), 0o600);
    assert_eq!(mode(&target.join("file")), 0o700);
    if rustix::process::geteuid().is_root() {
        // Who is in the group of the copy is not who is in the group of the source.
        std::os::unix::fs::chown(source.join("group.msg"), None, Some(1234)).unwrap();
        extract("group.msg", "other");
        assert_eq!(mode(&target.join("other/subject")), 0o600);
    }
}

/// Whoever may not pass a folder of the source may not read what is exported from it, in whatever
/// form and however it was named.
#[test]
fn exports_of_a_private_folder_are_private() {
    let source = Folder::new().with("sub/a.msg", parcel().to_bytes());
    set_mode(&source.join("sub"), 0o700);
    set_mode(source.path(), 0o755);
    let target = Folder::new();
    let extract = |words: &str, name: &str| {
        let script = format!("umask 022; \"$0\" extract {words} \"$1\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_msgfs")]).arg(target.join(name));
        run(command.current_dir(source.path()), LONG).expect_success();
    };
    let listed = "--files0-from list";
    source.put("list", "sub/a.msg\0");
    for (words, name, private) in [
        (&format!("--eml {listed}")[..], "eml", "eml/sub"),
        (listed, "tree", "tree/sub"),
        (&format!("--attachments {listed}"), "attachments", "attachments/sub"),
        ("--attachments .", "all", "all/sub"),
        ("--html .", "html", "html/m/000001"),
    ] {
        extract(words, name);
        assert_eq!(mode(&target.join(private)), 0o700, "{words}");
    }
}

/// A message that may not be read is missing, and named, in every form.
#[test]
fn a_message_that_may_not_be_read_is_a_loss_in_every_form() {
    if !rustix::process::geteuid().is_root() || !is_installed("setpriv") {
        println!("SKIPPED: needs root and setpriv");
        return;
    }
    let source =
        Folder::new().with("a.msg", letter("A").to_bytes()).with("b.msg", letter("B").to_bytes());
    set_mode(source.path(), 0o755);
    set_mode(&source.join("b.msg"), 0);
    let target = Folder::new();
    set_mode(target.path(), 0o777);
    let check = |words: &[&str], of: &Path, target: Option<PathBuf>| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(env!("CARGO_BIN_EXE_msgfs")).args(words).arg(of).args(target);
        let ended = run(&mut command, LONG);
        assert_eq!(ended.status.code(), Some(2), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("b.msg: Permission denied\n"), "{words:?}: {}", ended.stderr);
    };
    for form in ["--eml", "--json", "--msg", "--mbox", "--html", "--attachments"] {
        check(&["extract", form], source.path(), Some(target.join(format!("out{form}"))));
    }
    check(&["extract"], source.path(), Some(target.join("out")));
    check(&["check"], source.path(), None);
    check(&["find", "--from", "x"], source.path(), None);
    check(&["find", "--embedded"], source.path(), None);
    check(&["find", "--is", "damaged"], source.path(), None);
    check(&["show"], &source.join("b.msg"), None);
}

/// What differs is named beside the defects of the same message.
#[test]
fn a_file_in_the_way_is_named_also_of_a_damaged_message() {
    let source = Folder::new().with("damaged.msg", damaged());
    let target = Folder::new();
    let out = target.path().to_str().unwrap();
    // A directory stands where the file is to be.
    fs::create_dir_all(target.join("damaged.msg/subject/inside")).unwrap();
    let ended = msgfs_in(source.path(), &["extract", ".", out]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("damaged.msg: differs in subject"), "{}", ended.stderr);
    assert!(ended.stderr.contains("an entry without its stream"), "{}", ended.stderr);
}

/// What is damaged in a body or in a property is not missing among the attachments.
#[test]
fn attachments_are_whole_though_something_else_is_damaged() {
    let source = Folder::new().with("damaged.msg", damaged());
    let target = Folder::new();
    let out = target.join("out").to_str().unwrap().to_owned();
    let ended = msgfs_in(source.path(), &["extract", "--attachments", ".", &out]);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("an entry without its stream"), "{}", ended.stderr);
    let mut cut = parcel().to_bytes();
    cut.truncate(cut.len() - 60_000);
    let source = Folder::new().with("cut.msg", cut);
    let ended = msgfs_in(source.path(), &["extract", "--attachments", ".", &out]);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("cut.msg: "), "{}", ended.stderr);
}

/// PATH may be a message, a directory in one, a file, or standard input.
#[test]
fn parts_are_copied() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes()).with("notes.txt", "n");
    let target = Folder::new();
    let out = |name: &str| target.join(name).to_str().unwrap().to_owned();
    let extract = |path: &str, name: &str| {
        text(msgfs_in(source.path(), &["extract", path, &out(name)]));
    };
    extract("parcel.msg", "message");
    assert_eq!(fs::read_to_string(target.join("message/subject")).unwrap(), "A parcel\n");
    extract("parcel.msg/attachments", "deep/attachments");
    assert_eq!(fs::read(target.join("deep/attachments/numbers.bin")).unwrap().len(), 100_000);
    extract("parcel.msg/attachments/numbers.bin", "file");
    assert_eq!(fs::read(target.join("file/numbers.bin")).unwrap().len(), 100_000);
    extract("notes.txt", "file");
    assert_eq!(fs::read(target.join("file/notes.txt")).unwrap(), b"n");
    text(msgfs_on(&source.join("parcel.msg"), &["extract", "-", &out("stdin")]));
    assert_same(&target.join("stdin/attachments"), &target.join("deep/attachments"));
    text(msgfs_on(&source.join("parcel.msg"), &["extract", "--eml", "-", &out("stdin")]));
    assert!(target.join("stdin/message.eml").is_file());
}

/// Each message becomes one file; what is no message stays.
#[test]
fn messages_become_files() {
    let source = Folder::new()
        .with("sub/parcel.msg", parcel().to_bytes())
        .with("sub/parcel.oft", letter("Template").to_bytes())
        .with("notes.txt", "n");
    for (shape, names, view) in [
        ("--eml", ["sub/parcel.eml", "sub/parcel (2).eml"], "message.eml"),
        ("--json", ["sub/parcel.json", "sub/parcel (2).json"], "message.json"),
        ("--msg", ["sub/parcel.msg", "sub/parcel.oft"], "message.msg"),
    ] {
        let target = Folder::new();
        let out = target.path().to_str().unwrap();
        text(msgfs_in(source.path(), &["extract", shape, ".", out]));
        let found = everything(target.path());
        assert_eq!(found.len(), 4, "{:?}", found.keys());
        for (name, message) in names.iter().zip(["sub/parcel.msg", "sub/parcel.oft"]) {
            let expected =
                msgfs_in(source.path(), &["cat", &format!("{message}/{view}")]).expect_success();
            assert!(fs::read(target.join(name)).unwrap() == expected, "{name}");
        }
        text(msgfs_in(source.path(), &["extract", shape, "sub/parcel.msg/attachments", out]));
        let inner = view.replace("message", "Outer: with_slash");
        assert!(target.join(inner).is_file(), "{shape}");
    }
    let (source, target) = (Folder::new().with("broken.msg", "no message"), Folder::new());
    let out = target.join("out");
    let ended = msgfs_in(source.path(), &["extract", "--eml", ".", out.to_str().unwrap()]);
    assert_eq!(ended.status.code(), Some(1));
    let cause =
        "not a compound file: expected the signature D0CF11E0A1B11AE1, found 6E6F206D65737361";
    assert_eq!(ended.stderr, format!("msgfs: ./broken.msg: /: {cause}\n"));
}

/// What is there and equal stays untouched, what is missing is added, with `--update` all else is put
/// right, and nothing is left over.
#[test]
fn it_can_be_run_again() {
    let source = Folder::of_everything();
    let target = Folder::new();
    let out = target.path().to_str().unwrap();
    let extract = || text(msgfs_in(source.path(), &["extract", ".", out]));
    extract();
    let whole = everything(target.path());
    let inode = |name: &str| target.join(name).metadata().unwrap().ino();
    let names = ["letter.msg/subject", "letter.msg/body.txt", "large.msg/attachments/large.bin"];
    let before = names.map(inode);
    // As long, and of the same time, but not equal.
    let changed = target.join(names[1]);
    let time = changed.metadata().unwrap().modified().unwrap();
    fs::write(&changed, fs::read(&changed).unwrap().to_ascii_uppercase()).unwrap();
    let file = File::options().write(true).open(&changed).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    let short = File::options().write(true).open(target.join(names[2])).unwrap();
    short.set_len(300_000).unwrap();
    fs::remove_file(target.join("parcel.msg/to")).unwrap();
    let touched = File::options().write(true).open(target.join(names[0])).unwrap();
    touched.set_times(FileTimes::new().set_modified(SystemTime::now())).unwrap();
    let ended = msgfs_in(source.path(), &["extract", ".", out]);
    assert_eq!(ended.status.code(), Some(1), "what differs is left as it is");
    assert_eq!(inode(names[1]), before[1]);
    text(msgfs_in(source.path(), &["extract", "--update", ".", out]));
    assert!(everything(target.path()) == whole);
    let after = names.map(inode);
    // A message that differs is replaced as a whole.
    assert!(before[0] != after[0]);
    extract();
    assert_eq!(names.map(inode), after);
    fs::remove_file(target.join("parcel.msg/to")).unwrap();
    let touched = File::options().write(true).open(target.join(names[0])).unwrap();
    touched.set_times(FileTimes::new().set_modified(SystemTime::now())).unwrap();
    extract();
    assert!(everything(target.path()) == whole);
    assert_eq!(names.map(inode), after);
    assert!(before[1] != after[1] && before[2] != after[2]);
}

/// SIGINT leaves whole files only, and the next run completes them.
#[test]
fn it_can_be_interrupted() {
    let source = Folder::new();
    for number in 0..200 {
        source.put(format!("{number}.msg"), large().to_bytes());
    }
    let target = Folder::new();
    let out = target.path().to_str().unwrap();
    let mut command = msgfs();
    let process = Process::start(command.current_dir(source.path()).args(["extract", ".", out]));
    wait_until("the first message", LONG, || target.join("0.msg/attachments").is_dir());
    process.signal(Signal::INT);
    let ended = process.end(LONG);
    if ended.status.code() != Some(0) {
        assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
        assert_eq!(
            ended.stderr,
            "msgfs: interrupted; the same command goes on where this one ended\n"
        );
        assert!(
            everything(target.path()).keys().all(|path| !path.to_string_lossy().contains(".part"))
        );
    }
    // A message that was begun has no name.
    for message in fs::read_dir(target.path()).unwrap().flatten() {
        assert!(message.path().join("to").is_file(), "{message:?}");
    }
    // A process that was killed leaves an unfinished file behind.
    text(msgfs_in(source.path(), &["extract", ".", out]));
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_same(target.path(), mount.root());
}

/// A run that is killed leaves no part of a message under its name. The next run takes nothing from
/// what it has left: the source may be another one by then.
#[test]
fn a_message_has_its_name_when_it_is_whole() {
    let source = Folder::new();
    for number in 0..60 {
        source.put(format!("{number}.msg"), large().to_bytes());
    }
    let (whole, target) = (Folder::new(), Folder::new());
    let extract = |out: &Folder| {
        text(msgfs_in(source.path(), &["extract", ".", out.path().to_str().unwrap()]));
    };
    extract(&whole);
    let is_unfinished = |path: &Path| path.to_string_lossy().contains(".part");
    for begun in [0, 20, 40] {
        let mut command = msgfs();
        let arguments = ["extract", ".", target.path().to_str().unwrap()];
        let process = Process::start(command.current_dir(source.path()).args(arguments));
        wait_until("messages", LONG, || fs::read_dir(target.path()).unwrap().count() > begun);
        process.signal(Signal::KILL);
        process.end(LONG);
        for message in fs::read_dir(target.path()).unwrap().flatten() {
            if !is_unfinished(&message.path()) {
                assert_same(&message.path(), &whole.join(message.file_name()));
            }
        }
    }
    for number in 0..60 {
        let other = letter("Other").to_bytes();
        if !target.join(format!("{number}.msg")).exists() {
            source.put(format!("{number}.msg"), other);
        }
    }
    let now = Folder::new();
    extract(&now);
    extract(&target);
    assert!(everything(target.path()) == everything(now.path()));
}

/// Also if it makes something else, or the message is gone.
#[test]
fn what_a_killed_run_has_left_goes_away_with_the_next_one() {
    let source = Folder::new();
    for number in 0..60 {
        source.put(format!("mail/{number}.msg"), large().to_bytes());
    }
    let other = Folder::new().with("other.msg", letter("Other").to_bytes());
    let is_unfinished = |path: &Path| path.to_string_lossy().contains(".msgfs-");
    for form in ["--eml", "--json", "--msg", "--html", "--mbox", "--attachments", ""] {
        let target = Folder::new().with("film.part", "kept");
        let out = target.path().to_str().unwrap();
        let mut command = msgfs();
        let process =
            Process::start(command.current_dir(source.path()).args(["extract", ".", out]));
        let begun = || {
            let names = fs::read_dir(target.join("mail")).into_iter().flatten();
            names.flatten().any(|one| is_unfinished(&one.path()))
        };
        wait_until("a message to be begun", LONG, begun);
        process.signal(Signal::KILL);
        process.end(LONG);
        // The process may have ended a message at the last moment.
        fs::create_dir_all(target.join("mail/.msgfs-0123456789abcdef.part/attachments")).unwrap();
        let words = ["extract", form, ".", out];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        text(msgfs_in(other.path(), &words));
        let left: Vec<_> =
            everything(target.path()).into_keys().filter(|path| is_unfinished(path)).collect();
        assert!(left.is_empty(), "{form}: {left:?}");
        assert_eq!(fs::read(target.join("film.part")).unwrap(), b"kept");
    }
}

/// No link in the target is followed, and what is in the way is told.
#[test]
fn nothing_is_written_elsewhere() {
    let source = Folder::new()
        .with("a.msg", letter("A").to_bytes())
        .with("b.msg", letter("B").to_bytes())
        .with("c.msg", letter("C").to_bytes());
    let outside = Folder::new().with("kept", "kept");
    let target = Folder::new().with("b.msg", "in the way");
    symlink(outside.path(), target.join("a.msg")).unwrap();
    fs::create_dir_all(target.join("c.msg/subject/full")).unwrap();
    symlink(outside.join("kept"), target.join("c.msg/body.txt")).unwrap();
    let ended = msgfs_in(source.path(), &["extract", ".", target.path().to_str().unwrap()]);
    assert_eq!(ended.status.code(), Some(1));
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (line, name) in lines.iter().zip(["./a.msg", "./b.msg"]) {
        assert_eq!(*line, format!("msgfs: {name}: a file or link is in the way of the directory"));
    }
    assert!(lines[2].ends_with("/c.msg: differs in body.txt, subject"), "{lines:?}");
    assert!(target.join("c.msg/body.txt").is_symlink());
    let out = target.path().to_str().unwrap();
    let ended = msgfs_in(source.path(), &["extract", "--update", ".", out]);
    assert_eq!(ended.stderr.lines().count(), 2, "{}", ended.stderr);
    assert_eq!(outside.path().read_dir().unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("kept")).unwrap(), b"kept");
    assert_eq!(fs::read(target.join("c.msg/body.txt")).unwrap(), b"This is C.\nIt has two lines.");
    let inside = source.join("out");
    let ended = msgfs_in(source.path(), &["extract", ".", "out"]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("lies in what is extracted"), "{}", ended.stderr);
    assert!(!inside.exists());
}
