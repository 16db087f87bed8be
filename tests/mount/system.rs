//! msgfs as a part of a system: mount(8), fstab, service managers, logs, ordinary users.
//!
//! What needs files in system folders runs in namespaces of its own, which end with their script.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::folder::{Folder, letter};
use super::mounted::{Mounted, has_fuse, is_mounted, msgfs, processes_of};
use super::process::{LONG, MOMENT, Process, is_installed, run, wait_until};

/// A folder with a message in `mail`, an empty directory `mnt`, and scripts run beside them.
struct Stage {
    folder: Folder,
}

/// Prepares what a script may change: `msgfs` in the path, `/dev` and `/run`.
const PREPARE: &str = r#"
set -e
cd "$1"
export XDG_STATE_HOME="$1/state"
mount -t tmpfs none /usr/local/bin
cp "$2" /usr/local/bin/msgfs
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/fuse c 10 229
ln -s /proc/self/fd /dev/fd
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
eventually() {
    for n in $(seq 1500); do
        if "$@" 2> /dev/null; then return 0; fi
        sleep 0.02
    done
    "$@"
}
is_gone() { ! grep -q " $1 .*fuse.msgfs" /proc/self/mountinfo; }
gone() { eventually is_gone "$1"; }
"#;

impl Stage {
    /// `None` where mounts, or such scripts, do not work.
    fn new(programs: &[&str]) -> Option<Self> {
        if !has_fuse() {
            return None;
        }
        let folder = Folder::new().with("mail/a.msg", letter("A").to_bytes());
        fs::create_dir(folder.join("mnt")).unwrap();
        let everybody = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), everybody).unwrap();
        let stage = Self { folder };
        let missing = |program: &&&str| !is_installed(program);
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: needs root");
        } else if let Some(program) = ["unshare", "setpriv"].iter().chain(programs).find(missing) {
            println!("SKIPPED: needs {program}");
        } else if stage.script("true").is_err() {
            println!("SKIPPED: no namespaces here");
        } else {
            return Some(stage);
        }
        None
    }

    /// Runs a script in the folder and returns what it printed.
    fn script(&self, script: &str) -> Result<String, String> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c"]);
        command.arg(format!("{PREPARE}\n{script}")).arg("sh").arg(self.folder.path());
        let ended = run(command.arg(env!("CARGO_BIN_EXE_msgfs")), LONG);
        let printed = String::from_utf8(ended.stdout).unwrap();
        match ended.status.success() {
            true => Ok(printed + &ended.stderr),
            false => Err(format!("{}: {printed}{}", ended.status, ended.stderr)),
        }
    }

    #[track_caller]
    fn check(&self, script: &str, expected: &str) {
        assert_eq!(self.script(script).unwrap(), expected, "{script}");
    }
}

const SHOW: &str = "findmnt -n -o SOURCE,FSTYPE mnt | tr -s ' '; cat mnt/a.msg/subject";

/// Through `mount.fuse3`, which finds the program in the path.
#[test]
fn mount_and_fstab() {
    let Some(stage) = Stage::new(&["mount.fuse3", "findmnt", "mount"]) else { return };
    let mail = stage.folder.join("mail").display().to_string();
    let expected = format!("{mail} fuse.msgfs\nA\n");
    stage
        .check(&format!("mount -t fuse.msgfs -o ro $1/mail $1/mnt; {SHOW}; umount mnt"), &expected);
    let line = "echo \"$1/mail $1/mnt fuse.msgfs ro,allow_other,noauto,x-gvfs-hide 0 0\" > fstab";
    let mount = "mount -T fstab $1/mnt";
    stage.check(
        &format!("{line}; {mount}; {SHOW}; as_nobody cat mnt/a.msg/class; umount mnt; gone $1/mnt"),
        &format!("{expected}IPM.Note\n"),
    );
    let named = "mount -t fuse.msgfs -o ro,fsname=archive $1/mail $1/mnt";
    stage.check(&format!("{named}; {SHOW}; umount mnt"), "archive fuse.msgfs\nA\n");
}

/// mount(8) passes `rw` whenever `ro` is not given, so only `edit` makes a mount writable.
#[test]
fn only_edit_makes_a_mount_writable() {
    let Some(stage) = Stage::new(&["mount.fuse3", "mount"]) else { return };
    let set = "if echo New > mnt/a.msg/subject; then echo set; fi 2>&1 | sed 's/.*: //'";
    for (call, options, expected) in [
        ("mount -t fuse.msgfs $1/mail $1/mnt -o", "exec", "Read-only file system"),
        ("mount -t fuse.msgfs $1/mail $1/mnt -o", "rw,nodev,nosuid", "Read-only file system"),
        ("mount -t fuse.msgfs $1/mail $1/mnt -o", "edit", "set"),
        ("./mount.fuse.msgfs mail mnt -o", "rw", "Read-only file system"),
        ("./mount.fuse.msgfs mail mnt -o", "rw,edit", "set"),
        ("msgfs mail mnt -o", "rw", "set"),
        ("msgfs mail mnt -o", "edit", "set"),
        ("msgfs mail mnt -o", "exec", "Read-only file system"),
    ] {
        let link = "ln -sf /usr/local/bin/msgfs mount.fuse.msgfs";
        let script = format!("{link}; {call} {options}; {set}; msgfs umount mnt; gone $1/mnt");
        stage.check(&script, &format!("{expected}\n"));
    }
}

/// Called by mount(8) as `mount.fuse.msgfs`, the program needs no other helper.
#[test]
fn the_program_is_a_mount_helper() {
    if !has_fuse() {
        return;
    }
    let folder = Folder::new().with("mail/a.msg", letter("A").to_bytes());
    let point = folder.join("mnt");
    fs::create_dir(&point).unwrap();
    let helper = folder.join("mount.fuse.msgfs");
    symlink(env!("CARGO_BIN_EXE_msgfs"), &helper).unwrap();
    let call = |arguments: &[&str]| {
        let mut command = Command::new(&helper);
        run(command.arg(folder.join("mail")).arg(&point).args(arguments), MOMENT)
    };
    // The helper's process goes by the name of the helper.
    let guard = Mounted::guard(&point);
    call(&["-f", "-o", "ro"]).expect_success();
    assert!(!is_mounted(&point));
    call(&["-n", "-v", "-s", "-o", "ro,noauto,frobnicate", "-t", "fuse.msgfs"]).expect_success();
    assert_eq!(guard.text("a.msg/subject"), "A\n");
    let again = call(&["-o", "ro"]);
    assert_eq!(again.status.code(), Some(32), "{}", again.stderr);
    assert!(again.stderr.contains("mounted there already"), "{}", again.stderr);
    run(msgfs().arg("umount").arg(&point), MOMENT).expect_success();
    let wrong = call(&["-o", "frobnicate"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", wrong.stderr);
    assert_eq!(call(&["-x"]).stderr, "msgfs: unexpected argument '-x'\n");
}

/// An ordinary user mounts through `fusermount3`, and for others only where that is allowed.
#[test]
fn an_ordinary_user_mounts() {
    let Some(stage) = Stage::new(&["fusermount3"]) else { return };
    let mounts = "chown 65534 mnt; as_nobody msgfs -o ro mail mnt; as_nobody cat mnt/a.msg/subject";
    stage.check(
        &format!(
            "{mounts}; cat mnt/a.msg/subject || true; as_nobody msgfs umount mnt; gone $1/mnt"
        ),
        "A\ncat: mnt/a.msg/subject: Permission denied\n",
    );
    let refused = "msgfs: cannot mount on \"@/mnt\": allow_other and allow_root need the line \
                   user_allow_other in /etc/fuse.conf\n";
    let refused = refused.replace('@', &stage.folder.path().display().to_string());
    for option in ["allow_other", "allow_root", "auto_unmount,allow_other"] {
        let forbid = "touch empty; mount --bind empty /etc/fuse.conf; chown 65534 mnt";
        let attempt = format!("as_nobody msgfs -o ro,{option} mail mnt || true");
        stage.check(&format!("{forbid}; {attempt}"), &refused);
    }
    let allow = "echo user_allow_other > conf; mount --bind conf /etc/fuse.conf; chown 65534 mnt";
    stage.check(
        &format!("{allow}; as_nobody msgfs -o ro,allow_other mail mnt; cat mnt/a.msg/subject"),
        "A\n",
    );
}

/// With `auto_unmount` nothing is left of a mount whose process was killed.
#[test]
fn auto_unmount_unmounts() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    if !is_installed("fusermount3") || !rustix::process::geteuid().is_root() {
        println!("SKIPPED: needs root and fusermount3");
        return;
    }
    let Some(mount) = Mounted::new(source.path(), "auto_unmount,allow_other") else { return };
    assert_eq!(mount.text("a.msg/subject"), "A\n");
    rustix::process::kill_process(mount.process(), Signal::KILL).unwrap();
    wait_until("the end of the mount", MOMENT, || !is_mounted(mount.root()));
    wait_until("the end of the process", MOMENT, || processes_of(mount.root()).is_empty());
}

/// A service manager is told when the mount answers, and when it ends.
#[test]
fn a_service_manager_is_told() {
    if !has_fuse() {
        return;
    }
    let folder = Folder::new().with("mail/a.msg", letter("A").to_bytes());
    let point = folder.join("mnt");
    fs::create_dir(&point).unwrap();
    let manager = UnixDatagram::bind(folder.join("manager")).unwrap();
    manager.set_read_timeout(Some(MOMENT)).unwrap();
    let guard = Mounted::guard(&point);
    let mut command = msgfs();
    command.env("NOTIFY_SOCKET", folder.join("manager")).arg("-f");
    let process = Process::start(command.arg(folder.join("mail")).arg(&point));
    assert_eq!(receive(&manager).unwrap().trim(), "READY=1");
    assert_eq!(guard.text("a.msg/subject"), "A\n");
    process.signal(Signal::TERM);
    assert_eq!(receive(&manager).unwrap().trim(), "STOPPING=1");
    assert_eq!(process.end(MOMENT).status.code(), Some(0));
}

fn receive(socket: &UnixDatagram) -> io::Result<String> {
    let mut buffer = [0; 4096];
    let len = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..len]).into_owned())
}

/// `-d` shows every request: what, of which file, how it ended and how long it took.
#[test]
fn requests_are_shown() {
    if !has_fuse() {
        return;
    }
    let folder = Folder::new().with("mail/a.msg", letter("A").to_bytes());
    let point = folder.join("mnt");
    fs::create_dir(&point).unwrap();
    let guard = Mounted::guard(&point);
    let process = Process::start(msgfs().arg("-d").arg(folder.join("mail")).arg(&point));
    wait_until("the mount", MOMENT, || is_mounted(&point));
    assert_eq!(guard.text("a.msg/subject"), "A\n");
    assert!(!guard.path("missing").exists());
    process.signal(Signal::TERM);
    let log = process.end(MOMENT).stderr;
    for expected in [
        "lookup: ok ino=1 path=\"\" name=\"a.msg\" micros=",
        "lookup: No such file or directory (os error 2) ino=1 path=\"\" name=\"missing\" micros=",
        "read: ok ino=",
        "path=\"a.msg\" name=\"subject\" micros=",
    ] {
        assert!(log.contains(expected), "no {expected:?} in {log}");
    }
}

/// Without a journal the log of the background goes to syslog.
#[test]
fn the_log_goes_to_syslog() {
    let Some(stage) = Stage::new(&[]) else { return };
    let log = UnixDatagram::bind(stage.folder.join("log")).unwrap();
    log.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stage.check("ln -s $1/log /dev/log; msgfs mail mnt; msgfs umount mnt; gone $1/mnt", "");
    let mut lines = String::new();
    while let Ok(line) = receive(&log) {
        lines += &line;
    }
    assert!(lines.contains("msgfs[") && lines.contains("mounted source="), "{lines:?}");
}

/// The examples of units are understood by systemd.
#[test]
fn units_are_valid() {
    let folder = Folder::new();
    if !is_installed("systemd-analyze") {
        println!("SKIPPED: needs systemd-analyze");
        return;
    }
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd");
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no", "--recursive-errors=no"]);
    for name in ["msgfs@.service", "mnt-mail.mount", "mnt-mail.automount"] {
        // The program is not where it will be installed.
        let text = fs::read_to_string(units.join(name)).unwrap();
        let text = text.replace("/usr/bin/msgfs", env!("CARGO_BIN_EXE_msgfs"));
        let name = name.replace('@', "@srv-mail");
        verify.arg(folder.put(name, text));
    }
    let ended = run(&mut verify, MOMENT);
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
}

/// A day: mounted from fstab, read by eight while files change, unmounted in use, mounted again
/// while the first mount still has a user, killed, mounted again.
#[test]
fn a_day() {
    let Some(stage) = Stage::new(&["mount.fuse3", "mount", "seq"]) else { return };
    for number in 0..20 {
        stage.folder.put(format!("mail/{number}.msg"), letter(&format!("{number}")).to_bytes());
    }
    let script = r#"
echo "$1/mail $1/mnt fuse.msgfs ro,allow_other,noauto 0 0" > fstab
mount -T fstab "$1/mnt"
for reader in 1 2 3 4 5 6 7 8; do
    (while [ ! -e stop ]; do cat mnt/*.msg/subject mnt/*.msg/body.txt > /dev/null 2>&1; done) &
done
for n in $(seq 60); do
    cp mail/a.msg new; mv new "mail/$((n % 20)).msg"; rm -f "mail/$(((n + 7) % 20)).msg"
done
cp mail/a.msg mail/last.msg
eventually cat mnt/last.msg/subject
exec 3< mnt/a.msg/body.txt
msgfs umount mnt
gone "$1/mnt"
mount -T fstab "$1/mnt"
exec 3<&-
cat mnt/last.msg/subject
touch stop
wait
pkill -9 -x msgfs
gone "$1/mnt"
mount -T fstab "$1/mnt"
cat mnt/last.msg/subject
umount mnt
gone "$1/mnt"
ls mnt
"#;
    stage.check(script, "A\nA\nA\n");
}
