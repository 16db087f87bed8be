//! Removing and renaming directories: messages, and those in a message.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::process::{MOMENT, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;

/// The message that is embedded in `parcel`.
const EMBEDDED: &str = "A.msg/attachments/Outer: with_slash.msg";

struct Stage {
    mount: Served,
    source: Folder,
    _state: TempDir,
}

impl Stage {
    fn new(options: &'static str) -> Option<Self> {
        let source =
            Folder::new().with("A.msg", parcel().to_bytes()).with("B.msg", letter("B").to_bytes());
        let state = TempDir::new().unwrap();
        let mount = Served::start_with(options, source.path(), state.path())?;
        Some(Self { mount, source, _state: state })
    }

    #[track_caller]
    fn output(&self, script: &str) -> String {
        let mut command = Command::new("bash");
        let ended = run(command.args(["-euc", script]).current_dir(self.mount.root()), MOMENT);
        assert!(ended.status.success(), "{script}: {}", ended.stderr);
        String::from_utf8(ended.expect_success()).unwrap()
    }

    fn wait_until_saved(&self) {
        wait_until("the save", MOMENT, || self.mount.text(".msgfs/unsaved").is_empty());
    }

    fn has(&self, path: &str) -> bool {
        Direct::reading(self.source.path()).read(path).is_ok()
    }

    #[track_caller]
    fn end(mut self) -> Folder {
        self.mount.signal(Signal::TERM);
        let ended = self.mount.end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        self.source
    }
}

/// git and patch remove a file, and then each directory around it, until one is not empty.
#[test]
fn a_message_that_is_not_empty_is_not_removed() {
    let climb = format!(
        "rm '{EMBEDDED}/subject'
         ! rmdir '{EMBEDDED}' 2>&1; ! rmdir A.msg/attachments 2>&1; ! rmdir A.msg 2>&1"
    );
    for options in ["edit", "edit,delete"] {
        let Some(stage) = Stage::new(options) else { return };
        let told = stage.output(&climb);
        // Without `delete` the message itself is refused whatever is in it.
        let not_empty = told.matches("not empty").count();
        assert_eq!(not_empty, if options == "edit" { 2 } else { 3 }, "{options}: {told}");
        stage.wait_until_saved();
        assert!(!stage.has(&format!("{EMBEDDED}/subject")));
        assert!(stage.has(&format!("{EMBEDDED}/class")) && stage.has("A.msg/subject"));
        if options == "edit" {
            stage.end();
            continue;
        }
        stage.output(&format!("rm -r '{EMBEDDED}'; rm -r B.msg; mkdir N.msg; rmdir N.msg"));
        let source = stage.end();
        assert!(!source.join("B.msg").exists() && source.join("A.msg").exists());
        assert!(Direct::reading(source.path()).read(&format!("{EMBEDDED}/class")).is_err());
    }
}

/// `rm -r MESSAGE` meets all that is listed: if it were refused one of these files, it would never
/// come to the `rmdir` whose refusal brings the others back.
#[test]
fn a_refused_removal_changes_nothing_whatever_is_listed() {
    for options in ["edit,show=mapi", "edit,show=raw", "edit,show=all"] {
        let Some(stage) = Stage::new(options) else { return };
        let before = fs::read(stage.source.join("A.msg")).unwrap();
        stage.output("! rm -r A.msg 2>/dev/null");
        let source = stage.end();
        assert!(fs::read(source.join("A.msg")).unwrap() == before, "{options}");
    }
    let Some(stage) = Stage::new("edit,delete,show=all") else { return };
    stage.output("rm -r A.msg");
    assert!(!stage.end().join("A.msg").exists());
}

/// A directory in a message goes with what was in it.
#[test]
fn a_directory_of_attachments_is_removed_with_them() {
    let Some(stage) = Stage::new("edit") else { return };
    assert!(!stage.output("rm -r A.msg/attachments; ls A.msg").contains("attachments"));
    stage.wait_until_saved();
    assert!(!stage.has("A.msg/attachments/numbers.bin"));
    stage.output("mkdir -p A.msg/attachments; echo new > A.msg/attachments/new.txt");
    stage.wait_until_saved();
    assert_eq!(stage.output("ls A.msg/attachments"), "new.txt\n");
    stage.output(
        "rm -r A.msg/attachments; mkdir -p A.msg/attachments; echo x > A.msg/attachments/y",
    );
    assert_eq!(stage.output("ls A.msg/attachments"), "y\n");
    assert!(Direct::reading(stage.end().path()).read("A.msg/attachments/new.txt").is_err());
}

/// A recipient is not taken apart: its directory is there again, and that is told.
#[test]
fn a_recipient_is_not_removed_by_its_directory() {
    let Some(stage) = Stage::new("edit") else { return };
    let before = stage.output("cat A.msg/to; ls A.msg/mapi/recipients/0");
    stage.output("rm -r A.msg/mapi/recipients/0");
    assert_eq!(stage.output("cat A.msg/to; ls A.msg/mapi/recipients/0"), before);
    let told = stage.mount.text(".msgfs/errors");
    assert!(told.contains("A.msg/mapi/recipients/0: refused"), "{told}");
    stage.end();
}

/// A message in which a file is being written is not renamed: the file would be left behind.
#[test]
fn a_message_is_not_renamed_while_a_file_in_it_is_written() {
    let Some(stage) = Stage::new("edit") else { return };
    let renamed = stage.mount.path("A.msg/attachments/renamed.msg");
    let embedded = stage.mount.path(EMBEDDED);
    for is_written in [false, true] {
        let mut file = File::create(embedded.join("subject")).unwrap();
        if is_written {
            file.write_all(b"Fir").unwrap();
        }
        let refused = fs::rename(&embedded, &renamed).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EBUSY));
        file.write_all(if is_written { b"st" } else { b"Begun" }).unwrap();
        file.sync_all().unwrap();
    }
    fs::rename(&embedded, &renamed).unwrap();
    assert_eq!(stage.mount.text("A.msg/attachments/renamed.msg/subject"), "First\n");
    let source = stage.end();
    let saved = Direct::reading(source.path()).read("A.msg/attachments/renamed.msg/subject");
    assert_eq!(saved.unwrap(), b"First\n");
}

/// What is new is empty, whatever views of it are listed.
#[test]
fn what_was_just_created_is_removed_with_rmdir() {
    for options in ["edit", "edit,show=all"] {
        let Some(stage) = Stage::new(options) else { return };
        stage.output(
            "mkdir N.msg; rmdir N.msg; mkdir -p N.msg/attachments/e.msg
             rmdir N.msg/attachments/e.msg; rmdir N.msg/attachments; rmdir N.msg",
        );
        assert_eq!(stage.output("ls"), "A.msg\nB.msg\n", "{options}");
        stage.end();
    }
    let Some(stage) = Stage::new("edit,delete,show=json") else { return };
    stage.output("cp -r B.msg C.msg; rm -r C.msg");
    assert!(!stage.end().join("C.msg").exists());
}

/// A program that has a file of a renamed message open goes on with it.
#[test]
fn an_open_file_goes_with_its_message() {
    let Some(stage) = Stage::new("edit") else { return };
    stage.output(&format!(
        "exec 8>'{EMBEDDED}/subject'; echo one >&8; (: >&8)
         mv '{EMBEDDED}' A.msg/attachments/R.msg; echo two >&8; exec 8>&-"
    ));
    let renamed = "A.msg/attachments/R.msg/subject";
    // A subject is one line.
    assert_eq!(stage.mount.text(renamed).replace('\n', " "), "one two ");
    let saved = Direct::reading(stage.end().path()).read(renamed).unwrap();
    assert_eq!(saved, b"one\ntwo\n");
}

/// The edits after the removal of a directory are made again, too, if msgfs was killed.
#[test]
fn a_directory_that_was_filled_anew_outlives_a_kill() {
    let Some(mut stage) = Stage::new("edit") else { return };
    stage.output(
        "echo Edited > A.msg/subject; rm -r A.msg/attachments
         echo new > A.msg/attachments/new.txt; ls A.msg/attachments",
    );
    stage.mount.kill();
    stage.mount.serve();
    assert_eq!(stage.mount.text("A.msg/subject"), "Edited\n");
    assert_eq!(stage.output("ls A.msg/attachments"), "new.txt\n");
    assert_eq!(stage.mount.text("A.msg/attachments/new.txt"), "new\n");
    stage.end();
}
