//! Listings of folders in which nothing can be learned of some file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use msgfs::fs::{Error, Ino};

use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::msgfs;
use crate::mount::process::{LONG, MOMENT, run};

use super::{Calls, numbered};

/// A mount of a file system whose process is gone: everything that is asked of it fails.
struct DeadMount(PathBuf);

impl DeadMount {
    /// `None` where nothing can be mounted.
    fn new(folder: PathBuf) -> Option<Self> {
        fs::create_dir(&folder).unwrap();
        let script = "exec 3<>/dev/fuse && \
            mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead \"$1\"";
        let mut command = Command::new("sh");
        let ended = run(command.args(["-c", script, "sh"]).arg(&folder), MOMENT);
        if ended.status.success() {
            return Some(Self(folder));
        }
        println!("SKIPPED: no dead mount can be made: {}", ended.stderr);
        None
    }
}

impl Drop for DeadMount {
    fn drop(&mut self) {
        rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH).unwrap();
    }
}

/// What nothing can be learned of is left out and told, the other files are listed, and no
/// reference is counted that the kernel does not know of.
#[test]
fn one_file_that_cannot_be_looked_at_ends_no_listing() {
    let source = numbered(20).with("alone/a.msg", letter("A").to_bytes());
    let Some(_dead) = DeadMount::new(source.join("dead")) else { return };
    let calls = Calls::new(source.path());
    for look_up in [false, true] {
        let mut found = Vec::new();
        let listed = calls.fs.readdir(Ino::ROOT, 2, look_up, &mut |child| {
            found.push((child.name.to_str().unwrap().to_owned(), child.entry.attr.ino));
            false
        });
        listed.unwrap();
        let names: BTreeSet<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.len() == 21 && names.contains("alone"), "{names:?}");
        if look_up {
            assert_eq!(calls.known(), 21);
            found.iter().for_each(|(_, ino)| calls.fs.forget(*ino, 1));
        }
        assert_eq!(calls.known(), 0);
    }
    // The kernel goes on behind the last name that it got, where only the other one may come.
    let mut last = 2;
    calls
        .fs
        .readdir(Ino::ROOT, 2, false, &mut |child| {
            last = child.cookie;
            false
        })
        .unwrap();
    calls.fs.readdir(Ino::ROOT, last, false, &mut |_| false).unwrap();
    let told = calls.text(".msgfs/errors");
    assert!(told.starts_with("dead: /: not listed: ") && told.lines().count() == 1, "{told}");
    // Commands are told by the name itself.
    let errors = |source: &Path| {
        let mut command = msgfs();
        let ended = run(command.arg("check").arg(source), LONG);
        assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
        ended.stderr
    };
    assert!(errors(source.path()).contains("dead"));
}

/// A folder of which nothing can be read does not look like an empty one.
#[test]
fn a_folder_of_which_nothing_can_be_looked_at_is_an_error() {
    let source = Folder::new().with("folder/x", "");
    fs::remove_file(source.join("folder/x")).unwrap();
    let Some(_dead) = DeadMount::new(source.join("folder/dead")) else { return };
    let calls = Calls::new(source.path());
    let folder = calls.look_up("folder").unwrap().attr.ino;
    for look_up in [false, true] {
        let listed = calls.fs.readdir(folder, 2, look_up, &mut |_| false);
        assert!(matches!(listed, Err(Error::Source { .. })), "{listed:?}");
    }
    assert_eq!(calls.known(), 1);
}
