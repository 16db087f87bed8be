//! The rules of writing, one by one, with the programs that people use.

mod refused;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use msgfs::fs::{Error, Fs, Ino, Options, WriteOptions};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::mounted::Mounted;
use crate::mount::process::{Ended, MOMENT, has_program, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;

/// A source with one message that has everything, mounted without `delete`.
struct Stage {
    mount: Served,
    source: Folder,
    state: TempDir,
}

impl Stage {
    fn new() -> Option<Self> {
        let source =
            Folder::new().with("A.msg", parcel().to_bytes()).with("B.msg", letter("B").to_bytes());
        let state = TempDir::new().unwrap();
        let mount = Served::start_with("edit", source.path(), state.path())?;
        Some(Self { mount, source, state })
    }

    fn sh(&self, script: &str) -> Ended {
        let mut command = Command::new("bash");
        run(command.args(["-euc", script]).current_dir(self.mount.root()), MOMENT)
    }

    #[track_caller]
    fn output(&self, script: &str) -> String {
        let ended = self.sh(script);
        assert!(ended.status.success(), "{script}: {}", ended.stderr);
        String::from_utf8(ended.expect_success()).unwrap()
    }

    #[track_caller]
    fn refused(&self, script: &str, expected: &str) {
        let ended = self.sh(script);
        assert!(!ended.status.success(), "{script}");
        let complaint = ended.stderr.to_lowercase();
        assert!(complaint.contains(expected), "{script}: {complaint}");
    }

    fn unsaved(&self) -> bool {
        !fs::read(self.mount.path(".msgfs/unsaved")).unwrap().is_empty()
    }

    fn wait_until_saved(&self) {
        wait_until("the save", MOMENT, || !self.unsaved());
    }

    /// Everything in a message, as its file has it.
    fn saved(&self, name: &str) -> Vec<u8> {
        Direct::reading(self.source.path()).read(name).unwrap()
    }

    #[track_caller]
    fn end(&mut self, status: i32) -> String {
        self.mount.signal(Signal::TERM);
        let ended = self.mount.end();
        assert_eq!(ended.status.code(), Some(status), "{}", ended.stderr);
        ended.stderr
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Rule 1.
#[test]
fn the_same_bytes_are_no_edit() {
    let Some(mut stage) = Stage::new() else { return };
    let before = bytes(&stage.source.join("A.msg"));
    for script in [
        "cat A.msg/body.txt > /tmp/t.$$; cp /tmp/t.$$ A.msg/body.txt; rm /tmp/t.$$",
        "sed -i s/nomatch/x/ A.msg/body.txt",
        "truncate -s +0 A.msg/body.txt",
        "t=$(cat A.msg/from); echo \"$t\" > A.msg/from",
    ] {
        stage.output(script);
        assert_eq!(stage.output("cat .msgfs/unsaved"), "", "{script}");
    }
    stage.end(0);
    assert!(bytes(&stage.source.join("A.msg")) == before, "the file has changed");
}

/// Rule 2.
#[test]
fn one_content_a_file() {
    let Some(mut stage) = Stage::new() else { return };
    // Two appenders.
    stage.output("exec 3>>B.msg/body.txt 4>>B.msg/body.txt; echo >&3; echo three >&3; echo four >&4; echo five >&3");
    let text = stage.output("cat B.msg/body.txt");
    assert!(text.ends_with("\nthree\nfour\nfive\n"), "{text}");
    // A program that reads sees what is being written.
    assert_eq!(stage.output("exec 3>B.msg/body.txt; echo half >&3; cat B.msg/body.txt"), "half\n");
    // A shell empties a file, closes copies of its descriptor, and then writes.
    stage.output("(echo a; sleep .1; echo b) > B.msg/body.txt");
    assert_eq!(stage.output("cat B.msg/body.txt"), "a\nb\n");
    // An emptied file loses its value when it is closed, and not before.
    stage.output("exec 3>B.msg/cc; exec 3>&-; : > B.msg/subject");
    stage.wait_until_saved();
    assert!(stage.saved("B.msg/body.txt") == b"a\nb\n");
    assert!(
        Direct::reading(stage.source.path()).read("B.msg/subject").unwrap_or_default().is_empty()
    );
    stage.end(0);
}

/// Rules 10 and 11: `cp -a` makes a directory that only its owner may enter, gives each file its
/// mode, and at last the directory.
#[test]
fn a_message_is_copied_with_its_attributes() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("chmod 640 B.msg; cp -a B.msg C.msg; test $(stat -c %a C.msg/subject) = 640");
    assert_eq!(
        stage.output("cat C.msg/subject C.msg/to"),
        stage.output("cat B.msg/subject B.msg/to")
    );
    // Who lists a message is done with filling it.
    stage.refused("ls C.msg > /dev/null; chmod 600 C.msg/subject", "not permitted");
    stage.end(0);
}

/// Rule 4: what the kernel has kept of a message that was clean is told anew at once.
#[test]
fn what_follows_is_seen_at_once() {
    let Some(mut stage) = Stage::new() else { return };
    let follows =
        "grep -m1 -i ^subject: A.msg/message.eml; cat A.msg/mapi/PR_NORMALIZED_SUBJECT; ls A.msg";
    for _ in 0..2 {
        let before = stage.output(follows);
        assert!(before.contains("A parcel") && before.contains("body.html"), "{before}");
    }
    let mut held = fs::File::open(stage.mount.path("A.msg/subject")).unwrap();
    stage.output("echo New > A.msg/subject; echo Other > A.msg/body.txt");
    let after = stage.output(follows);
    assert!(after.starts_with("Subject: New") && after.contains("New"), "{after}");
    assert!(!after.contains("A parcel") && !after.contains("body.html"), "{after}");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut held, &mut text).unwrap();
    assert_eq!(text, "New\n");
    stage.wait_until_saved();
    assert_eq!(stage.output(follows), after);
    stage.end(0);
}

/// Rule 18.
#[test]
fn what_others_make_in_folders_is_refused() {
    let Some(stage) = Stage::new() else { return };
    let options = Options {
        write: Some(WriteOptions {
            state_folder: Some(stage.state.path().join("other")),
            ..WriteOptions::default()
        }),
        ..Options::default()
    };
    let fs = Fs::open(stage.source.path(), options).unwrap();
    let own = rustix::process::geteuid().as_raw();
    assert!(fs.check_creator(Ino::ROOT, own).is_ok());
    assert!(matches!(fs.check_creator(Ino::ROOT, own + 1), Err(Error::NotPermitted(_))));
    let message = fs.lookup(Ino::ROOT, "A.msg".as_ref()).unwrap();
    assert!(fs.check_creator(message.attr.ino, own + 1).is_ok());
}

/// Rule 5.
#[test]
fn only_what_belongs_is_taken() {
    let Some(mut stage) = Stage::new() else { return };
    let outside = TempDir::new().unwrap();
    let report = outside.path().join("report.pdf");
    fs::write(&report, "%PDF").unwrap();
    let report = report.display();
    stage.refused(&format!("mv {report} A.msg/"), "not permitted");
    assert!(outside.path().join("report.pdf").exists(), "mv has removed what was refused");
    stage.refused("echo x > A.msg/Subject", "not permitted");
    stage.refused("echo 2 > A.msg/mapi/PR_IMPORTANC", "not permitted");
    stage.refused("ln A.msg/subject A.msg/other", "not permitted");
    stage.refused("ln -s subject A.msg/other", "not permitted");
    stage
        .output("ln -s me@host.1 A.msg/.#body.txt; readlink A.msg/.#body.txt; rm A.msg/.#body.txt");
    stage.output("ln A.msg/subject A.msg/subject.bak; cmp A.msg/subject A.msg/subject.bak; rm A.msg/subject.bak");
    if has_program("perl") {
        stage.output("perl -pi -e s/parcel/crate/ A.msg/subject");
        assert_eq!(stage.output("cat A.msg/subject"), "A crate\n");
        stage.output("perl -pi.bak -e s/crate/box/ A.msg/subject; rm A.msg/subject.bak");
    }
    // What is left of an editor is kept and named.
    stage.output("echo precious > A.msg/.body.txt.swp");
    let told = stage.end(1);
    let kept = stage.state.path().join("msgfs/recovered/A.msg.d");
    assert_eq!(bytes(&kept.join(".body.txt.swp")), b"precious\n");
    assert!(told.contains(kept.to_str().unwrap()), "{told}");
}

/// Rule 7.
#[test]
fn what_is_renamed_away_keeps_its_value() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("mv B.msg/body.txt B.msg/body.txt~; test ! -e B.msg/body.txt");
    stage.output("echo New > B.msg/subject; sync B.msg/subject");
    assert!(stage.saved("B.msg/body.txt").starts_with(b"This is B."));
    // A file that is renamed onto an attachment replaces its bytes alone.
    let number = "stat -c %i A.msg/attachments/none";
    let before = stage.output(number);
    stage.output("echo new > A.msg/attachments/.none.aBcDeF; mv A.msg/attachments/.none.aBcDeF A.msg/attachments/none");
    assert_eq!(stage.output("cat A.msg/attachments/none"), "new\n");
    assert_eq!(stage.output(number), before);
    stage.end(1);
    assert!(stage.saved("B.msg/body.txt").starts_with(b"This is B."));
    assert_eq!(stage.saved("A.msg/attachments/none"), b"new\n");
}

/// Rule 8.
#[test]
fn a_refused_removal_of_a_message_changes_nothing() {
    let Some(mut stage) = Stage::new() else { return };
    let tree = "cd A.msg; find . -type f -exec md5sum {} + | sort";
    stage.output("echo x > A.msg/subject");
    let before = stage.output(tree);
    stage.refused("rm -r A.msg", "not permitted");
    assert_eq!(stage.output(tree), before);
    if has_program("perl") {
        // However slow it is.
        stage.output(
            "perl -e 'unlink glob \"A.msg/*\"; sleep 2; rmdir \"A.msg\" and exit 1; exit 0'",
        );
        assert_eq!(stage.output(tree), before);
    }
    // One that is meant is final when its process has ended.
    stage.output("rm B.msg/attachments/* B.msg/to 2>/dev/null || rm -f B.msg/to");
    stage.wait_until_saved();
    assert!(Direct::reading(stage.source.path()).read("B.msg/to").is_err());
    // tar unlinks each file first.
    if has_program("tar") {
        stage.output("tar -cf /tmp/t.$$ A.msg/subject A.msg/body.txt A.msg/body.html; tar -xf /tmp/t.$$; rm /tmp/t.$$");
        assert_eq!(stage.output(tree), before);
    }
    stage.end(0);
}

/// A value that is renamed to the name of another one becomes that, or nothing changes.
#[test]
fn a_value_can_be_renamed_to_another() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("printf Words > B.msg/subject; mv B.msg/mapi/PR_SUBJECT B.msg/mapi/PR_BODY");
    assert_eq!(stage.output("cat B.msg/body.txt; test ! -e B.msg/subject"), "Words");
    stage.output(
        "printf More > A.msg/attachments/new.txt; mv A.msg/attachments/new.txt A.msg/subject",
    );
    assert_eq!(stage.output("cat A.msg/subject; test ! -e A.msg/attachments/new.txt"), "More\n");
    // mv has words of its own for EINVAL.
    stage.refused("mv A.msg/subject A.msg/date", "cannot move");
    stage.refused("mv A.msg/subject A.msg/mapi/PR_DISPLAY_TO", "not permitted");
    assert_eq!(stage.output("cat A.msg/subject"), "More\n");
    stage.wait_until_saved();
    assert_eq!(stage.saved("B.msg/body.txt"), b"Words");
    assert_eq!(stage.saved("A.msg/subject"), b"More\n");
    stage.end(0);
}

/// Rule 4: nothing goes on to show the old address.
#[test]
fn the_sender_follows_who_a_message_is_from_if_it_is_the_same() {
    let Some(mut stage) = Stage::new() else { return };
    let set = "echo 'Bo <bo@x.org>' | tee B.msg/sender > B.msg/from; sync B.msg/from";
    stage.output(set);
    assert_eq!(
        stage.output("echo 'Ann <ann@x.org>' > B.msg/from; cat B.msg/sender"),
        "Ann <ann@x.org>\n"
    );
    // Somebody else has sent it.
    let set = "echo 'Cy <cy@x.org>' > B.msg/sender; echo 'Dee <dee@x.org>' > B.msg/from";
    assert_eq!(stage.output(&format!("{set}; cat B.msg/sender")), "Cy <cy@x.org>\n");
    stage.wait_until_saved();
    let saved = fs::read(stage.source.join("B.msg")).unwrap();
    assert!(!saved.windows(5).any(|bytes| bytes.eq_ignore_ascii_case(b"bo@x.")));
    stage.end(0);
}

/// Rule 10.
#[test]
fn attributes_are_those_of_the_file() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("chmod 640 B.msg; touch -d 2020-01-02T03:04:05Z B.msg");
    let file = fs::metadata(stage.source.join("B.msg")).unwrap();
    assert_eq!((file.mode() & 0o777, file.mtime()), (0o640, 1_577_934_245));
    stage.output("chmod 640 B.msg/subject; touch -d 2019-01-01 B.msg/subject");
    stage.refused("chmod 600 B.msg/subject", "not permitted");
    let subject = stage.mount.path("B.msg/subject");
    let set = rustix::fs::setxattr(&subject, "user.x", b"1", rustix::fs::XattrFlags::empty());
    assert_eq!(set, Err(rustix::io::Errno::OPNOTSUPP));
    // A message under edit goes on to be saved.
    let shown = stage.output(
        "echo New > B.msg/subject; exec 3>>B.msg/body.txt; echo more >&3; chmod 600 B.msg
         stat -c %a B.msg/subject; echo Newer > B.msg/subject; stat -c %a B.msg/body.txt",
    );
    assert_eq!(shown, "600\n600\n");
    stage.wait_until_saved();
    assert!(stage.saved("B.msg/body.txt").ends_with(b"more\n"));
    assert_eq!(fs::metadata(stage.source.join("B.msg")).unwrap().mode() & 0o777, 0o600);
    stage.end(0);
}

/// Rule 11.
#[test]
fn whole_messages_are_moved_and_copied_as_they_are() {
    let Some(mut stage) = Stage::new() else { return };
    let inner = "A.msg/attachments/Outer: with_slash.msg";
    let before = stage.output(&format!(
        "cd '{inner}'; ls mapi; cat subject body.txt attachments/deep.txt 2>&1 || true"
    ));
    stage.output(&format!("mv '{inner}' Out.msg"));
    let after =
        stage.output("cd Out.msg; ls mapi; cat subject body.txt attachments/deep.txt 2>&1 || true");
    assert_eq!(after, before);
    assert!(stage.source.join("Out.msg").exists() && !stage.mount.path(inner).exists());
    stage.output("mv Out.msg A.msg/attachments/Back.msg; test ! -e Out.msg");
    assert!(!stage.source.join("Out.msg").exists());
    assert_eq!(stage.output("cat A.msg/attachments/Back.msg/subject"), "Outer: with/slash\n");
    // A file is taken byte for byte, with its time.
    let outside = TempDir::new().unwrap();
    let file = outside.path().join("c.msg");
    fs::write(&file, letter("Copied").to_bytes()).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    let path = file.display();
    let mut ways = vec![("C1.msg", format!("cp -p {path} C1.msg"))];
    if has_program("rsync") {
        ways.push(("C2.msg", format!("rsync -t {path} C2.msg")));
    }
    for (name, script) in ways {
        stage.output(&script);
        assert!(bytes(&stage.source.join(name)) == bytes(&file), "{script}");
        assert_eq!(
            fs::metadata(stage.source.join(name)).unwrap().mtime(),
            1_500_000_000,
            "{script}"
        );
        assert_eq!(stage.output(&format!("cat {name}/subject")), "Copied\n");
    }
    let other = outside.path().join("notes.txt");
    fs::write(&other, "no message").unwrap();
    stage.refused(&format!("cp {} D.msg", other.display()), "invalid argument");
    assert!(!stage.source.join("D.msg").exists());
    stage.end(0);
}

/// Rule 12.
#[test]
fn what_was_closed_outlives_a_kill() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("echo EDITED > A.msg/subject; mkdir New.msg; echo Made > New.msg/subject");
    stage.output("rm B.msg/to; cat B.msg/subject");
    stage.mount.kill();
    assert_eq!(stage.saved("A.msg/subject"), b"A parcel\n");
    stage.mount.serve();
    assert_eq!(stage.output("cat A.msg/subject New.msg/subject"), "EDITED\nMade\n");
    stage.refused("cat B.msg/to", "no such file");
    stage.end(0);
    assert_eq!(stage.saved("A.msg/subject"), b"EDITED\n");
    assert_eq!(stage.saved("New.msg/subject"), b"Made\n");
    // If another program has changed the source, the edits are kept.
    stage.mount.serve();
    stage.output("echo Mine > A.msg/subject");
    stage.mount.kill();
    stage.source.put("A.msg", letter("Theirs").to_bytes());
    stage.mount.serve();
    assert_eq!(stage.output("cat A.msg/subject"), "Theirs\n");
    let kept = stage.state.path().join("msgfs/recovered/A.msg.d/subject");
    assert_eq!(bytes(&kept), b"Mine\n");
    stage.end(0);
}

/// Rules 5 and 12: an autosave is the user's text, and so is the backup of a value. What went away
/// before the kill, or became a value, is not kept.
#[test]
fn temporary_files_outlive_a_kill() {
    if !has_program("perl") {
        return;
    }
    let Some(mut stage) = Stage::new() else { return };
    stage.output("echo draft > A.msg/.body.txt.swp; echo more >> A.msg/.body.txt.swp");
    stage.output(
        "head -c 300000 /dev/zero > B.msg/tmp.aB3dE5gH7j; mv B.msg/tmp.aB3dE5gH7j B.msg/b~",
    );
    stage.output("perl -pi.bak -e s/B/Bee/ B.msg/subject");
    stage.output("echo gone > A.msg/4913; rm A.msg/4913; echo New > A.msg/sedw0mXqB");
    stage.output("mv A.msg/sedw0mXqB A.msg/subject; : > 'A.msg/#a#'");
    stage.mount.kill();
    stage.mount.serve();
    let kept = stage.state.path().join("msgfs/recovered");
    let files = |message: &str| -> Vec<(String, usize)> {
        let folders = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path());
        let folders = folders.filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(message) && path.is_dir()
        });
        let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
        let files = files.map(|entry| {
            let entry = entry.unwrap();
            let len = usize::try_from(entry.metadata().unwrap().len()).unwrap();
            (entry.file_name().into_string().unwrap(), len)
        });
        let mut files: Vec<_> = files.filter(|(name, _)| name != "EDITS").collect();
        files.sort();
        files
    };
    assert_eq!(files("A"), [(".body.txt.swp".to_owned(), "draft\nmore\n".len())]);
    assert_eq!(files("B"), [("b~".to_owned(), 300_000), ("subject.bak".to_owned(), 2)]);
    assert_eq!(stage.output("cat A.msg/subject B.msg/subject"), "New\nBee\n");
    stage.end(0);
    let logs = format!("find {} -name log", stage.state.path().join("msgfs/edits").display());
    let mut find = Command::new("sh");
    assert_eq!(run(find.args(["-c", &logs]), MOMENT).expect_success(), b"");
}

/// Rule 14.
#[test]
fn a_writer_holds_no_save_back_for_long() {
    let Some(mut stage) = Stage::new() else { return };
    let mut open = fs::File::create(stage.mount.path("B.msg/body.txt")).unwrap();
    stage.output("echo New > B.msg/subject");
    wait_until("the save", MOMENT, || {
        open.write_all(b".").is_ok()
            && Direct::reading(stage.source.path())
                .read("B.msg/subject")
                .is_ok_and(|s| s == b"New\n")
    });
    drop(open);
    stage.end(0);
    assert!(stage.saved("B.msg/body.txt").starts_with(b"."));
}

/// Rule 17.
#[test]
fn edits_are_listed_and_thrown_away() {
    let Some(mut stage) = Stage::new() else { return };
    let _open = fs::File::options().write(true).open(stage.mount.path("A.msg/class")).unwrap();
    stage.output("echo Mine > A.msg/subject");
    assert!(stage.output("cat .msgfs/unsaved").starts_with("A.msg\t"));
    rustix::fs::removexattr(stage.mount.path("A.msg"), "user.msgfs.unsaved").unwrap();
    assert_eq!(stage.output("cat A.msg/subject .msgfs/unsaved"), "A parcel\n");
    let again = rustix::fs::removexattr(stage.mount.path("A.msg"), "user.msgfs.unsaved");
    assert_eq!(again, Err(rustix::io::Errno::NODATA));
    drop(_open);
    stage.end(0);
    assert_eq!(stage.saved("A.msg/subject"), b"A parcel\n");
}

/// Rule 19.
#[test]
fn numbers_and_times_stay_through_a_save() {
    let Some(mut stage) = Stage::new() else { return };
    let numbers =
        "cd A.msg; ls mapi > /dev/null; find . attachments -exec stat -c '%i %n' {} + | sort";
    let before = stage.output(numbers);
    stage.output("echo hi > A.msg/body.html; echo New > A.msg/subject");
    let time = stage.output("stat -c '%Y %y' A.msg/subject");
    stage.wait_until_saved();
    assert_eq!(stage.output("stat -c '%Y %y' A.msg/subject"), time);
    let after = stage.output(numbers);
    let changed: Vec<_> = after.lines().filter(|line| !before.contains(line)).collect();
    assert_eq!(changed, Vec::<&str>::new());
    // Also when the kernel has forgotten everything.
    let _ = fs::write("/proc/sys/vm/drop_caches", "2");
    assert_eq!(stage.output("stat -c '%Y %y' A.msg/subject"), time);
    stage.end(0);
}

/// A mount in which nothing is unsaved shows and lists the same, to the number.
#[test]
fn a_clean_writable_mount_is_as_one_that_is_only_read() {
    let Some(mut stage) = Stage::new() else { return };
    let only_read = Mounted::new(stage.source.path(), "").unwrap();
    let list = "find A.msg B.msg -exec stat -c '%n %i %s %Y %a %u' {} + | sort";
    let script = |root: &Path| {
        let mut command = Command::new("bash");
        run(command.args(["-euc", list]).current_dir(root), MOMENT).expect_success()
    };
    let (a, b) = (script(only_read.root()), script(stage.mount.root()));
    assert_eq!(String::from_utf8(a).unwrap(), String::from_utf8(b).unwrap());
    only_read.unmount();
    stage.end(0);
}

/// Temporary files that are left are kept in one folder a message, and the end of the mount names
/// it.
#[test]
fn temporary_files_that_are_left_are_kept_together_and_named() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("echo one > A.msg/.subject.swp; echo two > A.msg/.class.swp");
    let told = stage.end(1);
    let folders = super::places::kept(stage.state.path());
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert!(told.contains(folders[0].to_str().unwrap()), "{told}");
    assert!(told.contains("and 1 more"), "{told}");
    assert_eq!(fs::read(folders[0].join(".subject.swp")).unwrap(), b"one\n");
    assert_eq!(fs::read(folders[0].join(".class.swp")).unwrap(), b"two\n");
}
