//! How a mount ends: whatever ends it, no mount and no process is left.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use super::folder::{Folder, letter, parcel};
use super::mounted::{Mounted, guards_of, has_fuse, is_mounted, msgfs};
use super::process::{Ended, MOMENT, Process, run, wait_until};

/// A mount served in the foreground.
#[derive(Debug)]
struct Foreground {
    process: Process,
    guard: Mounted,
    source: Folder,
    _point: TempDir,
}

impl Foreground {
    /// `None` where mounts do not work.
    fn start() -> Option<Self> {
        if !has_fuse() {
            return None;
        }
        let source = Folder::new().with("parcel.msg", parcel().to_bytes());
        let point = tempfile::tempdir().unwrap();
        let guard = Mounted::guard(point.path());
        let process = Process::start(msgfs().arg("-f").arg(source.path()).arg(point.path()));
        wait_until("the mount in the table", MOMENT, || is_mounted(point.path()));
        assert_eq!(guard.text("parcel.msg/subject"), "A parcel\n");
        Some(Self { process, guard, source, _point: point })
    }

    /// Waits for the end, which must be a good one.
    fn end(self) -> (Ended, Folder) {
        let Self { process, guard, source, .. } = self;
        let ended = process.end(MOMENT);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert!(!is_mounted(guard.root()));
        assert_eq!(fs::read_dir(guard.root()).unwrap().count(), 0);
        assert!(ended.stderr.contains("session closed"), "{}", ended.stderr);
        (ended, source)
    }
}

/// SIGTERM, SIGINT and SIGHUP unmount, close the session and end with status 0.
#[test]
fn signals_unmount() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let Some(mount) = Foreground::start() else { return };
        mount.process.signal(signal);
        mount.end();
    }
}

/// umount(8) from outside ends the process as a signal does.
#[test]
fn an_outside_umount_ends_the_process() {
    let Some(mount) = Foreground::start() else { return };
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: umount needs root");
        return;
    }
    run(Command::new("umount").arg(mount.guard.root()), MOMENT).expect_success();
    mount.end();
}

/// `msgfs umount` ends the process too.
#[test]
fn msgfs_umount_ends_the_process() {
    let Some(mount) = Foreground::start() else { return };
    run(msgfs().arg("umount").arg(mount.guard.root()), MOMENT).expect_success();
    mount.end();
}

/// When `msgfs umount` returns, its process has no file of the source open any more: the disk that
/// the source lies on can be unmounted at once.
#[test]
fn the_disk_of_the_source_can_be_unmounted_after_msgfs_umount() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    const ROUNDS: usize = 12;
    if !has_fuse() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: to mount a disk needs root");
        return;
    }
    let (disk, point) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for _ in 0..ROUNDS {
        mount("none", disk.path(), "tmpfs", MountFlags::empty(), None).unwrap();
        fs::write(disk.path().join("parcel.msg"), parcel().to_bytes()).unwrap();
        let guard = Mounted::guard(point.path());
        run(msgfs().args([disk.path(), point.path()]), MOMENT).expect_success();
        assert_eq!(guard.text("parcel.msg/subject"), "A parcel\n");
        let ended = run(msgfs().arg("umount").arg(point.path()), MOMENT);
        let unmounted = unmount(disk.path(), UnmountFlags::empty());
        if unmounted.is_err() {
            unmount(disk.path(), UnmountFlags::DETACH).unwrap();
        }
        ended.expect_success();
        unmounted.unwrap();
    }
}

/// A mount in use leaves the table at once, and the session does not wait for its users: the source
/// is free, also if it lies on a disk that is to be taken away.
#[test]
fn a_busy_mount_is_detached() {
    for by_signal in [true, false] {
        let Some(mount) = Foreground::start() else { return };
        let file = File::open(mount.guard.path("parcel.msg/attachments/numbers.bin")).unwrap();
        assert_eq!(file.read_at(&mut [0; 10], 0).unwrap(), 10);
        if by_signal {
            mount.process.signal(Signal::TERM);
        } else {
            run(msgfs().arg("umount").arg(mount.guard.root()), MOMENT).expect_success();
            assert!(!is_mounted(mount.guard.root()));
        }
        mount.end();
        assert!(file.read_at(&mut [0; 10], 50_000).is_err());
    }
}

/// Detaches a mount as `umount --lazy` does: it goes on until its last user has gone. Only root may;
/// others have to go through fusermount3.
fn detach(path: &Path) {
    if rustix::process::geteuid().is_root() {
        return rustix::mount::unmount(path, rustix::mount::UnmountFlags::DETACH).unwrap();
    }
    run(Command::new("fusermount3").arg("-uz").arg(path), MOMENT).expect_success();
}

/// After the end of a mount its users get errors and do not hang.
#[test]
fn users_of_an_ended_mount_get_errors() {
    let Some(mount) = Foreground::start() else { return };
    let mut file = File::open(mount.guard.path("parcel.msg/attachments/numbers.bin")).unwrap();
    mount.process.signal(Signal::TERM);
    mount.end();
    assert!(file.read_to_end(&mut Vec::new()).is_err());
}

/// The last user of a detached mount may go at any moment; the end is a good one each time.
#[test]
fn a_detached_mount_ends_with_its_last_user() {
    const ROUNDS: usize = 12;
    for _ in 0..ROUNDS {
        let Some(mount) = Foreground::start() else { return };
        let users: Vec<_> = ["subject", "body.txt", "attachments/numbers.bin"]
            .into_iter()
            .map(|name| File::open(mount.guard.path("parcel.msg").join(name)).unwrap())
            .collect();
        detach(mount.guard.root());
        std::thread::scope(|scope| {
            for user in users {
                scope.spawn(move || drop(user));
            }
        });
        mount.end();
    }
}

/// A mount that was detached ends without taking off the one that is at its place by now, whether
/// its last user goes or a signal comes.
#[test]
fn another_mount_at_the_same_place_stays() {
    for by_signal in [true, false] {
        let Some(mount) = Foreground::start() else { return };
        let user = File::open(mount.guard.path("parcel.msg/subject")).unwrap();
        detach(mount.guard.root());
        let other = Folder::new().with("a.msg", letter("A").to_bytes());
        let again = Mounted::at(other.path(), mount.guard.root(), "");
        if by_signal {
            mount.process.signal(Signal::TERM);
        } else {
            drop(user);
        }
        let ended = mount.process.end(MOMENT);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert_eq!(again.text("a.msg/subject"), "A\n");
        again.unmount();
    }
}

/// A mount whose process was killed comes off by itself.
#[test]
fn a_killed_process_leaves_no_mount() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    for options in ["", "edit"] {
        let Some(mount) = Mounted::new(source.path(), options) else { return };
        let user = File::open(mount.path("a.msg/subject")).unwrap();
        // It starts once the mount is there.
        wait_until("the guard", MOMENT, || !guards_of(mount.root()).is_empty());
        rustix::process::kill_process(mount.process(), Signal::KILL).unwrap();
        wait_until("the end of the mount", MOMENT, || !is_mounted(mount.root()));
        wait_until("the end of the guard", MOMENT, || guards_of(mount.root()).is_empty());
        drop(user);
    }
}

/// The guard of a killed mount takes off that one and none that somebody has made at its place
/// meanwhile, even if it has found the killed one dead before.
#[test]
fn a_mount_that_follows_a_killed_one_at_once_stays() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for _ in 0..40 {
        let guards = guards_of(mount.root());
        rustix::process::kill_process(mount.process(), Signal::KILL).unwrap();
        run(msgfs().arg(source.path()).arg(mount.root()), MOMENT).expect_success();
        wait_until("the end of the old guard", MOMENT, || {
            !guards_of(mount.root()).iter().any(|guard| guards.contains(guard))
        });
        assert_eq!(mount.text("a.msg/subject"), "A\n");
    }
    mount.unmount();
}

/// The guard is there before the mount, so the mount comes off however soon the process is killed.
#[test]
fn a_process_that_is_killed_as_it_mounts_leaves_no_mount() {
    if !has_fuse() {
        return;
    }
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    for _ in 0..5 {
        let point = tempfile::tempdir().unwrap();
        let _off = Mounted::guard(point.path());
        let process = Process::start(msgfs().arg("-f").arg(source.path()).arg(point.path()));
        let end = Instant::now() + MOMENT;
        // At once, not after the pause that `wait_until` makes.
        while !is_mounted(point.path()) {
            assert!(Instant::now() < end);
        }
        process.signal(Signal::KILL);
        wait_until("the end of the mount", MOMENT, || !is_mounted(point.path()));
        drop(process);
    }
}

/// A guard that is late takes off no mount that answers.
#[test]
fn a_guard_takes_off_only_what_is_dead() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let mut guard = msgfs();
    // Its standard input is at its end at once.
    guard.arg0("msgfs-guard").arg(mount.root());
    run(&mut guard, MOMENT).expect_success();
    assert_eq!(mount.text("a.msg/subject"), "A\n");
    mount.unmount();
}

/// If the guard was killed, too, the mount is dead; mounting there again just works.
#[test]
fn a_dead_mount_is_replaced() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    mount.kill();
    wait_until("the death of the mount", MOMENT, || {
        fs::read_dir(mount.root()).is_err_and(|e| e.raw_os_error() == Some(libc::ENOTCONN))
    });
    let again = Mounted::at(source.path(), mount.root(), "");
    assert_eq!(again.text("a.msg/subject"), "A\n");
    again.unmount();
    assert!(!is_mounted(mount.root()));
}

/// `msgfs umount` takes off a dead mount too.
#[test]
fn a_dead_mount_can_be_taken_off() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    mount.kill();
    mount.unmount();
}

/// A mount over its own source shows the source.
#[test]
fn a_mount_may_cover_its_source() {
    if !has_fuse() {
        return;
    }
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("sub/b.txt", "b");
    let mount = Mounted::at(source.path(), source.path(), "nonempty");
    let found = find(&mount);
    assert_eq!(found.lines().filter(|line| line.ends_with("subject")).count(), 1);
    assert_eq!(mount.text("a.msg/subject"), "A\n");
    assert_eq!(mount.text("sub/b.txt"), "b");
    mount.unmount();
    assert!(source.join("a.msg").is_file());
}

/// A mount inside its source shows itself as an empty directory.
#[test]
fn a_mount_may_lie_in_its_source() {
    if !has_fuse() {
        return;
    }
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    for point in ["mnt", "deep/in/mnt"] {
        let point = source.join(point);
        fs::create_dir_all(&point).unwrap();
        let mount = Mounted::at(source.path(), &point, "");
        let inside = point.strip_prefix(source.path()).unwrap();
        let found = find(&mount);
        assert_eq!(found.lines().filter(|line| line.ends_with("subject")).count(), 1);
        assert_eq!(mount.names(inside), [""; 0]);
        assert_eq!(mount.text("a.msg/subject"), "A\n");
        assert!(!mount.path(inside).join("a.msg").exists());
        mount.unmount();
    }
}

/// Everything in a mount, as find(1) finds it before a deadline.
fn find(mount: &Mounted) -> String {
    let ended = run(Command::new("find").arg(mount.root()).args(["-printf", "%i %P\n"]), MOMENT);
    String::from_utf8(ended.expect_success()).unwrap()
}
