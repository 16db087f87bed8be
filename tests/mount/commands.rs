//! Commands that are given paths in a mount.

use std::fs;
use std::path::Path;

use super::folder::{Folder, letter, parcel};
use super::mounted::{Mounted, msgfs};
use super::process::{Ended, MOMENT, run};

fn msgfs_in(folder: &Path, arguments: &[&str]) -> Ended {
    run(msgfs().args(arguments).current_dir(folder), MOMENT)
}

#[track_caller]
fn output(folder: &Path, arguments: &[&str]) -> String {
    let ended = msgfs_in(folder, arguments);
    assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {}", ended.stderr);
    String::from_utf8(ended.stdout).unwrap()
}

fn source() -> Folder {
    Folder::new()
        .with("a.msg", letter("First").to_bytes())
        .with("sub/b.msg", parcel().to_bytes())
        .with("notes.txt", "Notes\n")
}

/// In a mount a message is a directory; it is a message to the commands all the same.
#[test]
fn commands_find_the_messages_of_a_mount() {
    let source = source();
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let root = mount.root();
    assert_eq!(output(root, &["find"]), "a.msg\nsub/b.msg\n");
    assert_eq!(output(root, &["find", "--subject", "First", "."]), "./a.msg\n");
    assert_eq!(output(root, &["check", "sub"]), "1 message, 0 damaged, 0 defects\n");
    assert!(output(root, &["show", "a.msg"]).starts_with("Subject:     First\n"));
    assert_eq!(output(root, &["cat", "a.msg/subject", "notes.txt"]), "First\nNotes\n");
    assert!(output(root, &["ls", ".msgfs"]).contains("session"));
    let shown = output(Path::new("/"), &["find", root.to_str().unwrap()]);
    assert_eq!(shown, format!("{0}/a.msg\n{0}/sub/b.msg\n", root.display()));
    let target = tempfile::tempdir().unwrap();
    output(root, &["extract", "--eml", ".", target.path().to_str().unwrap()]);
    assert!(target.path().join("sub/b.eml").is_file());
    mount.unmount();
}

/// The source does not have what is not saved yet, so it is not asked as if it had.
#[test]
fn commands_do_not_overlook_unsaved_edits() {
    let source = source();
    let Some(mount) = Mounted::new(source.path(), "edit") else { return };
    let root = mount.root();
    fs::write(root.join("sub/b.msg/subject"), "Second\n").unwrap();
    for path in [".", "sub", "sub/b.msg"] {
        let ended = msgfs_in(root, &["find", path]);
        assert_eq!(ended.status.code(), Some(2), "{path}: {}", ended.stderr);
        assert!(ended.stderr.contains("has unsaved edits; first 'msgfs save "), "{}", ended.stderr);
    }
    assert_eq!(output(root, &["cat", "sub/b.msg/subject"]), "Second\n");
    assert_eq!(output(root, &["find", "a.msg"]), "a.msg\n");
    output(root, &["save", "sub/b.msg"]);
    assert_eq!(output(root, &["find", "--subject", "Second"]), "sub/b.msg\n");
    mount.unmount();
}
