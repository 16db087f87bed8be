//! Edits that a kill has left, and a source that has another path now: `msgfs status` says what to
//! do, and that works.

use std::fs::{self, OpenOptions};
use std::path::Path;

use msgfs::fs::edit_log::escaped;
use tempfile::TempDir;

use crate::mount::folder::letter;
use crate::mount::mounted::msgfs;
use crate::mount::process::{Ended, MOMENT, run};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::kept;

const TEXT: &[u8] = b"My only copy of this text\n";

fn msgfs_of(state: &Path, words: &[&str]) -> Ended {
    run(msgfs().env("XDG_STATE_HOME", state).args(words), MOMENT)
}

/// The lines of `msgfs status` on edits that are left: the path, and what to do.
fn left(state: &Path) -> Vec<(String, String)> {
    let told = String::from_utf8(msgfs_of(state, &["status"]).stdout).unwrap();
    let line = |line: &str| {
        let mut parts = line.strip_prefix("left\t")?.split('\t');
        Some((parts.next()?.to_owned(), parts.nth(1)?.to_owned()))
    };
    told.lines().filter_map(line).collect()
}

/// Two messages that were edited when their mount was killed, in a folder `mail`.
fn killed(state: &Path) -> Option<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let mail = folder.path().join("mail");
    fs::create_dir(&mail).unwrap();
    for name in ["a.msg", "b\n.msg"] {
        fs::write(mail.join(name), letter("Old").to_bytes()).unwrap();
    }
    let mut mount = Served::start(&mail, state)?;
    for name in ["a.msg", "b\n.msg"] {
        // A writer keeps the message from being saved at once.
        let open = mount.path(name).join("class");
        let open = OpenOptions::new().write(true).open(open).unwrap();
        mount.put(&format!("{name}/body.txt"), TEXT);
        mount.put(&format!("{name}/.body.txt.swp"), "A swap file");
        std::mem::forget(open);
    }
    mount.kill();
    Some(folder)
}

#[test]
fn edits_of_a_folder_that_is_gone_are_taken_out() {
    let state = tempfile::tempdir().unwrap();
    let Some(folder) = killed(state.path()) else { return };
    fs::rename(folder.path().join("mail"), folder.path().join("mail2")).unwrap();
    let told = left(state.path());
    assert_eq!(told.len(), 2, "{told:?}");
    for (path, what) in &told {
        assert!(what.contains("put it back") && what.contains("'msgfs save' and this path"));
        let saved = msgfs_of(state.path(), &["save", path]);
        assert_eq!(saved.status.code(), Some(1), "{}", saved.stderr);
        let named = kept(state.path()).into_iter().filter(|folder| {
            saved.stderr.contains(&escaped(folder)) && folder.join("body.txt").exists()
        });
        let named = named.collect::<Vec<_>>();
        assert_eq!(named.len(), 1, "{}", saved.stderr);
        assert_eq!(fs::read(named[0].join("body.txt")).unwrap(), TEXT);
        // Nothing is left of it.
        assert_eq!(msgfs_of(state.path(), &["save", path]).status.code(), Some(2));
    }
    assert_eq!(left(state.path()), []);
    for folder in kept(state.path()) {
        assert!(msgfs_of(state.path(), &["discard", folder.to_str().unwrap()]).status.success());
    }
    assert!(msgfs_of(state.path(), &["status"]).stdout.is_empty());
}

#[test]
fn edits_of_a_folder_that_is_gone_are_thrown_away() {
    let state = tempfile::tempdir().unwrap();
    let Some(folder) = killed(state.path()) else { return };
    fs::rename(folder.path().join("mail"), folder.path().join("mail2")).unwrap();
    for (path, _) in left(state.path()) {
        let discarded = msgfs_of(state.path(), &["discard", &path]);
        assert!(discarded.status.success(), "{}", discarded.stderr);
    }
    assert!(msgfs_of(state.path(), &["status"]).stdout.is_empty());
    assert!(kept(state.path()).is_empty());
}

#[test]
fn edits_of_a_folder_that_is_put_back_are_made_again() {
    let state = tempfile::tempdir().unwrap();
    let Some(folder) = killed(state.path()) else { return };
    let (mail, other) = (folder.path().join("mail"), folder.path().join("mail2"));
    fs::rename(&mail, &other).unwrap();
    fs::rename(&other, &mail).unwrap();
    let told = left(state.path());
    assert!(told.len() == 2 && told[0].1.contains("mount the source again"), "{told:?}");
    let mount = Served::start(&mail, state.path()).unwrap();
    // Nothing is taken out of a mount that lives.
    let path = mail.join("a.msg");
    assert_eq!(msgfs_of(state.path(), &["save", path.to_str().unwrap()]).status.code(), Some(2));
    mount.sync("a.msg/subject").unwrap();
    assert_eq!(Direct::reading(&mail).read("a.msg/body.txt").unwrap(), TEXT);
}

/// Two mounts of the folder had edits of the same message when they were killed.
#[test]
fn the_edits_of_all_killed_mounts_are_thrown_away() {
    let state = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.msg"), letter("Old").to_bytes()).unwrap();
    let mut mounts = Vec::new();
    for _ in 0..2 {
        let Some(mount) = Served::start(folder.path(), state.path()) else { return };
        let open = mount.path("a.msg").join("class");
        let open = OpenOptions::new().write(true).open(open).unwrap();
        mount.put("a.msg/body.txt", TEXT);
        std::mem::forget(open);
        mounts.push(mount);
    }
    mounts.iter_mut().for_each(Served::kill);
    let message = folder.path().join("a.msg");
    assert!(!left(state.path()).is_empty());
    assert!(msgfs_of(state.path(), &["discard", message.to_str().unwrap()]).status.success());
    assert_eq!(left(state.path()), []);
}
