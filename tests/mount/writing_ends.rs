//! What becomes of unsaved edits when a mount ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::folder::{Folder, letter};
use super::mounted::{Mounted, has_fuse, is_mounted, msgfs};
use super::process::{MOMENT, Process, run, wait_until};

/// A mount in the foreground, and where it keeps what it cannot save.
struct Foreground {
    process: Process,
    mounted: Mounted,
    state: TempDir,
    _point: TempDir,
}

impl Foreground {
    fn new(source: &Path) -> Self {
        let (state, point) =
            (TempDir::new().unwrap(), TempDir::with_prefix("msgfs-ends-").unwrap());
        let mounted = Mounted::guard(point.path());
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", state.path()).args(["-f", "-o", "edit"]);
        let process = Process::start(command.arg(source).arg(point.path()));
        wait_until("the mount", MOMENT, || is_mounted(point.path()));
        Self { process, mounted, state, _point: point }
    }

    fn recovered(&self) -> PathBuf {
        self.state.path().join("msgfs/recovered/M.msg")
    }
}

fn subject(source: &Path) -> String {
    Mounted::new(source, "").unwrap().text("M.msg/subject")
}

#[test]
fn every_signal_saves() {
    if !has_fuse() {
        return;
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let source = Folder::new().with("M.msg", letter("Old").to_bytes());
        let mount = Foreground::new(source.path());
        fs::write(mount.mounted.path("M.msg/subject"), "New").unwrap();
        // A file that is only read does not matter.
        let open = fs::File::open(mount.mounted.path("M.msg/body.txt")).unwrap();
        mount.process.signal(signal);
        let ended = mount.process.end(MOMENT);
        assert!(ended.status.success(), "{signal:?}: {}", ended.stderr);
        drop(open);
        assert_eq!(subject(source.path()), "New\n");
    }
}

#[test]
fn what_was_changed_by_others_is_kept_elsewhere() {
    if !has_fuse() {
        return;
    }
    let source = Folder::new().with("M.msg", letter("Old").to_bytes());
    let mount = Foreground::new(source.path());
    let path = mount.mounted.path("M.msg/subject");
    fs::write(&path, "Mine\n").unwrap();
    source.put("M.msg", letter("Theirs").to_bytes());
    let error = fs::File::open(&path).unwrap().sync_all().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ESTALE));
    assert_eq!(mount.mounted.text("M.msg/subject"), "Mine\n");

    let mut unmount = msgfs();
    let told = run(unmount.arg("umount").arg(mount.mounted.root()), MOMENT);
    assert_eq!(told.status.code(), Some(1));
    let kept = mount.recovered();
    assert!(told.stderr.contains(kept.to_str().unwrap()), "{}", told.stderr);
    assert_eq!(subject(source.path()), "Theirs\n");
    assert_eq!(subject(kept.parent().unwrap()), "Mine\n");
    let ended = mount.process.end(MOMENT);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("not saved"), "{}", ended.stderr);
}

#[test]
fn unmounting_waits_for_the_save() {
    let source = Folder::new().with("M.msg", letter("Old").to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    let holder = fs::File::open(mounted.path("M.msg/body.txt")).unwrap();
    fs::write(mounted.path("M.msg/subject"), "New\n").unwrap();
    run(msgfs().arg("umount").arg(mounted.root()), MOMENT).expect_success();
    assert_eq!(subject(source.path()), "New\n");
    drop(holder);
}

#[test]
fn one_message_is_written_to() {
    let source = Folder::new().with("M.msg", letter("Old").to_bytes());
    let Some(mounted) = Mounted::new(&source.join("M.msg"), "edit") else { return };
    run(
        Command::new("sh")
            .args(["-euc", "echo New > subject; mkdir -p attachments; echo x > attachments/x"])
            .current_dir(mounted.root()),
        MOMENT,
    )
    .expect_success();
    assert_eq!(mounted.text("attachments/x"), "x\n");
    mounted.unmount();
    assert_eq!(subject(source.path()), "New\n");
}
