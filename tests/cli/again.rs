//! What `msgfs extract` does with a target that holds something already: it mixes no two messages,
//! loses nothing without `--update`, and ends at once where nothing more can be written.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::shown::{everything, msgfs_in, text};
use crate::fixture::{AttachmentBuilder, RecipientBuilder};
use crate::mount::folder::{Folder, damaged, large, letter, numbers};
use crate::mount::mounted::msgfs;
use crate::mount::process::{Ended, LONG, MOMENT, Process, run, wait_until};
use crate::writing::places::Disk;

const FORMS: [&[&str]; 7] =
    [&[], &["--eml"], &["--json"], &["--msg"], &["--attachments"], &["--mbox"], &["--html"]];
const REMEDY: &str =
    "msgfs: what differs is left as it is; --update replaces it, or choose another target";

fn extract(source: &Folder, target: &Folder, words: &[&str]) -> Ended {
    let out = target.path().to_str().unwrap();
    msgfs_in(source.path(), &[&["extract"], words, &[".", out]].concat())
}

/// The lines on standard error, with paths relative to the target.
#[track_caller]
fn refused(ended: &Ended, target: &Folder) -> Vec<String> {
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let root = format!("{}/", target.path().display());
    ended.stderr.lines().map(|line| line.replace(&root, "")).collect()
}

/// A folder with `Mail.msg` with this attachment.
fn mail(subject: &str, attachment: &str) -> Folder {
    let file = AttachmentBuilder::file(attachment, subject);
    Folder::new().with("Mail.msg", letter(subject).attach(file).to_bytes())
}

/// Whatever the form, another message of the same name leaves the first one as it is, unless the
/// user wants it to be replaced. Then nothing of the first one is left.
#[test]
fn no_two_messages_are_mixed() {
    let (first, second) = (mail("First", "one.txt"), mail("Second", "two.txt"));
    for form in FORMS {
        let target = Folder::new().with("mine.txt", "kept");
        text(extract(&first, &target, form));
        let before = everything(target.path());
        let ended = extract(&second, &target, form);
        let lines = refused(&ended, &target);
        assert_eq!(everything(target.path()), before, "{form:?}");
        let name = match form.first() {
            None => "Mail.msg: differs in body.txt, subject; holds attachments/one.txt, which is",
            Some(&"--eml") => "Mail.eml: is there and differs",
            Some(&"--json") => "Mail.json: is there and differs",
            Some(&"--msg") => "Mail.msg: is there and differs",
            Some(&"--attachments") => {
                "Mail.msg: holds one.txt, which is not in the message; remove"
            }
            Some(&"--mbox") => "messages.mbox: is there and differs",
            _ => "m: is of an earlier export",
        };
        assert!(lines[0].starts_with(&format!("msgfs: {name}")), "{form:?}: {lines:?}");
        let is_kept = form == ["--attachments"];
        assert_eq!(lines.get(1).map(String::as_str), Some(REMEDY).filter(|_| !is_kept));
        assert!(String::from_utf8(ended.stdout).unwrap().ends_with("; 1 left as it is\n"));
        let ended = extract(&second, &target, &[form, &["--update"]].concat());
        if is_kept {
            // Nobody knows that an earlier run made the file.
            assert_eq!(refused(&ended, &target).len(), 1);
            continue;
        }
        text(ended);
        let fresh = Folder::new().with("mine.txt", "kept");
        text(extract(&second, &fresh, form));
        for folder in [&target, &fresh] {
            fs::remove_file(folder.join("mine.txt")).unwrap();
        }
        // Files that gather many messages have the time of the run.
        let files = |folder: &Folder| {
            let found = everything(folder.path()).into_keys();
            let found = found.filter(|path| folder.join(path).is_file());
            found.map(|path| (fs::read(folder.join(&path)).unwrap(), path)).collect::<Vec<_>>()
        };
        assert!(files(&target) == files(&fresh), "{form:?}");
    }
}

/// A source that loses values and attachments is told, and followed with `--update`.
#[test]
fn a_source_that_changes_is_followed() {
    let full = || letter("Offer").attach(AttachmentBuilder::file("a.txt", "a"));
    let with_cc = || full().recipient(RecipientBuilder::cc("Dai", "dai@example.org"));
    let source = Folder::new();
    let put = |bytes: Vec<u8>| source.put("sub/Offer.msg", bytes);
    let target = Folder::new();
    put(with_cc().attach(AttachmentBuilder::file("b.txt", "b")).to_bytes());
    text(extract(&source, &target, &[]));
    let before = everything(target.path());
    for (bytes, told) in [
        (with_cc().to_bytes(), "holds attachments/b.txt, which is not in the message"),
        (full().attach(AttachmentBuilder::file("b.txt", "b")).to_bytes(), "holds cc, which is"),
        (full().attach(AttachmentBuilder::file("b.txt", "B")).to_bytes(), "attachments/b.txt; "),
    ] {
        put(bytes);
        let lines = refused(&extract(&source, &target, &[]), &target);
        assert!(lines[0].starts_with("msgfs: sub/Offer.msg: "), "{lines:?}");
        assert!(lines[0].contains(told), "{lines:?}");
        assert_eq!(everything(target.path()), before, "{told}");
    }
    // What a message gains is added, since nothing is lost.
    put(full().to_bytes());
    text(extract(&source, &target, &["--update"]));
    assert!(!target.join("sub/Offer.msg/cc").exists());
    let inode = || target.join("sub/Offer.msg/subject").metadata().unwrap().ino();
    let subject = inode();
    put(with_cc().to_bytes());
    text(extract(&source, &target, &[]));
    assert!(target.join("sub/Offer.msg/cc").exists());
    assert_eq!(inode(), subject);
    // What no message has is of the user, and stays.
    fs::write(target.join("sub/Offer.msg/notes.txt"), "mine").unwrap();
    for words in [&[][..], &["--update"]] {
        let lines = refused(&extract(&source, &target, words), &target);
        let told = "holds notes.txt, which is not in the message; remove it, or choose another";
        assert!(lines[0].contains(told), "{lines:?}");
        assert_eq!(lines.len(), 1);
    }
    assert_eq!(fs::read(target.join("sub/Offer.msg/notes.txt")).unwrap(), b"mine");
}

/// The target itself may become the message. It may be any folder of the user, so nothing in it is
/// removed.
#[test]
fn the_target_itself_holds_one_message_only() {
    let (first, second) = (mail("First", "one.txt"), mail("Second", "one.txt"));
    let target = Folder::new().with("mine.txt", "kept").with("attachments.zip", "kept");
    let out = target.path().to_str().unwrap();
    let run = |source: &Folder, words: &[&str]| {
        msgfs_in(source.path(), &[&["extract"], words, &["Mail.msg", out]].concat())
    };
    text(run(&first, &["--manifest"]));
    text(run(&first, &["--manifest"]));
    let before = everything(target.path());
    let lines = refused(&run(&second, &[]), &target);
    assert!(lines[0].contains("differs in attachments/one.txt, body.txt, subject"), "{lines:?}");
    assert_eq!(everything(target.path()), before);
    text(run(&second, &["--update"]));
    let read = |name: &str| fs::read_to_string(target.join(name)).unwrap();
    assert_eq!(
        (read("subject"), read("attachments/one.txt")),
        ("Second\n".into(), "Second".into())
    );
    fs::write(target.join("cc"), "somebody").unwrap();
    let lines = refused(&run(&second, &["--update"]), &target);
    assert!(
        lines[0].ends_with(
            "holds cc, which is not in the message; remove it, or choose another target"
        )
    );
    assert_eq!((read("mine.txt"), read("cc")), ("kept".into(), "somebody".into()));
    // Attachments of many messages may be gathered in one folder.
    let gathered = Folder::new();
    let out = gathered.path().to_str().unwrap();
    text(msgfs_in(first.path(), &["extract", "Mail.msg/attachments", out]));
    let other = mail("Other", "two.txt");
    text(msgfs_in(other.path(), &["extract", "Mail.msg/attachments", out]));
    assert!(gathered.join("one.txt").exists() && gathered.join("two.txt").exists());
    let ended = msgfs_in(second.path(), &["extract", "--attachments", "Mail.msg", out]);
    assert!(refused(&ended, &gathered)[0].contains("differs in one.txt"));
}

/// Attachments that another selection took are of the same message.
#[test]
fn selections_of_attachments_add_up() {
    let files = |pdf: &str| {
        letter("A")
            .attach(AttachmentBuilder::file("a.pdf", pdf))
            .attach(AttachmentBuilder::file("a.csv", "csv"))
            .attach(AttachmentBuilder::message(letter("Inner")))
            .to_bytes()
    };
    let source = Folder::new().with("a.msg", files("pdf"));
    let target = Folder::new();
    for name in ["*.pdf", "*.csv", "*.pdf"] {
        text(extract(&source, &target, &["--attachments", "--name", name]));
    }
    source.put("a.msg", files("other"));
    let csv = ["--attachments", "--name", "*.csv"];
    let lines = refused(&extract(&source, &target, &csv), &target);
    assert!(lines[0].contains("holds a.pdf, which is not in the message"), "{lines:?}");
    let pdf = ["--attachments", "--name", "*.pdf", "--update"];
    text(extract(&source, &target, &pdf));
    assert_eq!(fs::read(target.join("a.msg/a.pdf")).unwrap(), b"other");
    assert_eq!(fs::read(target.join("a.msg/a.csv")).unwrap(), b"csv");
}

/// A file that is damaged has in the target what can be read of it, which is equal the next time.
#[test]
fn a_damaged_message_is_the_same_the_next_time() {
    let source = Folder::new().with("damaged.msg", damaged());
    for form in FORMS {
        let target = Folder::new();
        let run = || (extract(&source, &target, form).stderr, everything(target.path()));
        let first = run();
        if form != ["--html"] {
            assert_eq!(run(), first, "{form:?}");
        }
    }
}

/// What is no message is treated in the same way, links included.
#[test]
fn other_files_are_not_replaced_either() {
    let source = Folder::new().with("notes.txt", "new").with("same.txt", "same");
    symlink("same.txt", source.join("link")).unwrap();
    let target = Folder::new().with("notes.txt", "old").with("link", "a file");
    let lines = refused(&extract(&source, &target, &[]), &target);
    let told = ["link", "notes.txt"].map(|name| format!("msgfs: {name}: is there and differs"));
    assert_eq!(lines, [&told[0], &told[1], REMEDY]);
    assert_eq!(fs::read(target.join("notes.txt")).unwrap(), b"old");
    text(extract(&source, &target, &["--update"]));
    assert_eq!(fs::read(target.join("notes.txt")).unwrap(), b"new");
    assert_eq!(fs::read_link(target.join("link")).unwrap(), Path::new("same.txt"));
}

/// Many messages that differ are named up to a limit.
#[test]
fn a_long_list_is_cut() {
    let (first, second, target) = (Folder::new(), Folder::new(), Folder::new());
    for number in 0..70 {
        first.put(format!("{number}.msg"), letter("First").to_bytes());
        second.put(format!("{number}.msg"), letter("Second").to_bytes());
    }
    text(extract(&first, &target, &[]));
    let lines = refused(&extract(&second, &target, &[]), &target);
    assert_eq!(lines.len(), 52);
    assert_eq!(lines[50], "msgfs: ... and 20 more that differ");
}

/// The manifest has what earlier runs have made, and no more what is gone from a message.
#[test]
fn a_manifest_has_the_files_of_earlier_runs() {
    let (first, second) = (mail("First", "one.txt"), mail("Second", "two.txt"));
    second.put("Other.msg", letter("Other").to_bytes());
    let target = Folder::new();
    text(extract(&first, &target, &["--manifest"]));
    let sums = || fs::read_to_string(target.join("SHA256SUMS")).unwrap();
    let before = sums();
    refused(&extract(&second, &target, &["--manifest"]), &target);
    let both = sums();
    assert!(before.lines().all(|line| both.contains(line)), "{before}{both}");
    assert!(both.contains("  Other.msg/subject\n"), "{both}");
    text(extract(&second, &target, &["--manifest", "--update"]));
    let now = sums();
    assert!(!now.contains("one.txt") && now.contains("  Mail.msg/attachments/two.txt\n"), "{now}");
    fs::write(target.join("SHA256SUMS"), "my notes\n").unwrap();
    let lines = refused(&extract(&second, &target, &["--manifest", "--update"]), &target);
    assert!(lines[0].starts_with("msgfs: SHA256SUMS: is no list of SHA-256 sums; remove it"));
    assert_eq!(sums(), "my notes\n");
}

/// Pages are replaced only where an export made them.
#[test]
fn pages_of_the_user_stay() {
    let source = mail("First", "one.txt");
    let target = Folder::new().with("m/mine.txt", "kept");
    let lines = refused(&extract(&source, &target, &["--html", "--update"]), &target);
    assert!(lines[0].starts_with("msgfs: m/mine.txt: is of no export; remove it"), "{lines:?}");
    assert_eq!(everything(target.path()).len(), 2);
}

/// An mbox and pages that are interrupted are not there: the earlier ones stay.
#[test]
fn what_is_interrupted_replaces_nothing() {
    let source = Folder::new();
    for number in 0..300 {
        source.put(format!("{number:03}.msg"), large().to_bytes());
    }
    for form in ["--mbox", "--html"] {
        let first = mail("First", "one.txt");
        let target = Folder::new();
        text(extract(&first, &target, &[form]));
        let before = everything(target.path());
        let mut command = msgfs();
        let words = ["extract", form, "--update", ".", target.path().to_str().unwrap()];
        let process = Process::start(command.current_dir(source.path()).args(words));
        let begun = || {
            let entries = fs::read_dir(target.path()).unwrap().flatten();
            entries.filter(|one| one.file_name().to_string_lossy().contains(".part")).count() > 1
        };
        wait_until("the first message", LONG, begun);
        process.signal(Signal::INT);
        let ended = process.end(LONG);
        assert_eq!(ended.status.code(), Some(130), "{form}: {}", ended.stderr);
        assert_eq!(
            ended.stderr,
            "msgfs: interrupted; nothing was put into the target; run the same command again\n"
        );
        assert!(everything(target.path()) == before, "{form}");
    }
}

/// A full disk ends the run at the first file that does not fit, with one line that says what to do.
#[test]
fn a_full_target_ends_the_run() {
    let source = Folder::new();
    for number in 0..100 {
        let file = AttachmentBuilder::file("a.bin", vec![number; 20_000]);
        source.put(format!("{number:02}.msg"), letter("A").attach(file).to_bytes());
    }
    for form in FORMS {
        let Some(disk) = Disk::new("1m") else { return };
        let out = disk.path().to_str().unwrap();
        let ended = msgfs_in(source.path(), &[&["extract"], form, &[".", out]].concat());
        assert_eq!(ended.status.code(), Some(2), "{form:?}: {}", ended.stderr);
        let lines: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{form:?}: {lines:?}");
        assert!(lines[0].starts_with(&format!("msgfs: {out}/")), "{form:?}: {lines:?}");
        let end = ": No space left on device; make room there, or choose another target";
        assert!(lines[0].ends_with(end), "{form:?}: {lines:?}");
        let done = lines[1].strip_prefix("msgfs: ").unwrap().split_once(" messages, ");
        let is_one_work = matches!(form, ["--mbox" | "--html"]);
        assert_eq!(done.is_none(), is_one_work, "{form:?}: {lines:?}");
        let done = done.map_or(usize::MAX, |(done, _)| done.parse().unwrap());
        assert!(done > 5, "{form:?}: {lines:?}");
        assert_eq!(ended.stdout, b"", "{form:?}");
        let left = everything(disk.path());
        let is_unfinished = |path: &Path| path.to_string_lossy().contains(".msgfs-");
        assert!(!left.keys().any(|path| is_unfinished(path)), "{form:?}: {:?}", left.keys());
        if form.is_empty() {
            let messages = fs::read_dir(disk.path()).unwrap().flatten();
            assert!(messages.into_iter().all(|one| one.path().join("to").is_file()));
            assert_eq!(fs::read_dir(disk.path()).unwrap().count(), done);
        } else if is_one_work {
            assert!(left.len() <= 1, "{form:?}: {:?}", left.keys());
        }
    }
}

/// A target of which nothing could be written is not left, and neither is a part of a file.
#[test]
fn a_run_that_could_write_nothing_leaves_no_target() {
    let file = AttachmentBuilder::file("a.bin", numbers(2_000_000));
    let source = Folder::new().with("a.msg", letter("A").attach(file).to_bytes());
    let Some(disk) = Disk::new("1m") else { return };
    for form in [&[][..], &["--eml"], &["--msg"], &["--mbox"]] {
        let out = disk.path().join("new/inner");
        let ended =
            msgfs_in(source.path(), &[&["extract"], form, &["a.msg", text_of(&out)]].concat());
        assert_eq!(ended.status.code(), Some(2), "{form:?}: {}", ended.stderr);
        let is_left = |folder: &Path| fs::read_dir(folder).unwrap().count() != 0;
        assert!(!is_left(disk.path()), "{form:?}");
        // The limit of the size of files is one of a shell. Its signal would end the program.
        let limited = Folder::new();
        let out = limited.join("new");
        let mut command = Command::new("bash");
        command.args(["-c", "ulimit -f 100; exec \"$@\"", "-", env!("CARGO_BIN_EXE_msgfs")]);
        command.arg("extract").args(form).args(["a.msg", text_of(&out)]);
        let ended = run(command.current_dir(source.path()), MOMENT);
        // Another file may be smaller, unless there is only one.
        let status = if *form == ["--mbox"] { 2 } else { 1 };
        assert_eq!(ended.status.code(), Some(status), "{form:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("File too large"), "{form:?}: {}", ended.stderr);
        let left = everything(limited.path());
        let is_part = |path: &Path| path.to_string_lossy().contains(".msgfs-");
        assert!(!left.keys().any(|path| is_part(path)), "{form:?}: {:?}", left.keys());
        // The other files of the message can be written.
        assert_eq!(is_left(limited.path()), form.is_empty(), "{form:?}: {:?}", left.keys());
    }
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What is in the way of the target is named.
#[test]
fn a_target_that_is_no_directory_is_told() {
    let source = mail("A", "a.txt");
    source.put("afile", "");
    symlink("nowhere", source.join("alink")).unwrap();
    for (dest, told) in [
        ("afile", "afile: is not a directory; name a directory, or what is not there yet"),
        ("afile/sub", "afile/sub: afile is not a directory; name"),
        ("alink", "alink: is a link to what is not there; name"),
    ] {
        let ended = msgfs_in(source.path(), &["extract", "Mail.msg", dest]);
        assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
        assert!(ended.stderr.starts_with(&format!("msgfs: {told}")), "{}", ended.stderr);
    }
}

/// A link that a killed run has left under a name of its own goes away with the next run.
#[test]
fn a_link_that_was_left_goes_away() {
    let source = mail("A", "a.txt");
    let target = Folder::new().with("sub/kept", "");
    for name in ["sub/.msgfs-0123456789abcdef.part", ".msgfs-0123456789abcdef.part"] {
        symlink("kept", target.join(name)).unwrap();
    }
    symlink("kept", target.join("sub/.msgfs-link.part")).unwrap();
    text(extract(&source, &target, &["--eml"]));
    let mut names: Vec<_> = everything(target.path()).into_keys().collect();
    names.sort();
    assert_eq!(
        names,
        ["Mail.eml", "sub", "sub/.msgfs-link.part", "sub/kept"].map(Into::into)
            as [std::path::PathBuf; 4]
    );
}
