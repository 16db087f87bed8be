//! Programs that start others while they write: only who writes a file ends its writing.
//!
//! `fork` gives the child a copy of every descriptor, and `exec` closes those with O_CLOEXEC, which
//! are those of this test. The kernel sends a FLUSH for each.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::process::{MOMENT, has_program, run, wait_until};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{contents, names};

/// Files that are written, the old content of each (`None` if it is new), and half of the new one.
const HALVES: [(&str, Option<&str>, &str); 3] = [
    ("a.msg/subject", Some("Old\n"), "Half"),
    ("a.msg/attachments/old.txt", Some("The old one"), "Half of it"),
    ("a.msg/attachments/new.txt", None, "Half of a new one"),
];

fn mounted() -> Option<(TempDir, Folder, Served)> {
    let message = letter("Old").attach(AttachmentBuilder::file("old.txt", "The old one"));
    let source = Folder::new().with("a.msg", message.to_bytes());
    let state = tempfile::tempdir().unwrap();
    let mount = Served::start(source.path(), state.path())?;
    Some((state, source, mount))
}

fn start_child() {
    assert!(Command::new("true").status().unwrap().success());
}

/// Writes half of each file, and half of a message that is copied into the folder, and starts
/// another program meanwhile.
fn write_halves(mount: &Served) -> Vec<File> {
    let half = letter("Copied").to_bytes();
    let half = &half[..half.len() / 2];
    let written = HALVES.iter().map(|(path, _, half)| (*path, half.as_bytes()));
    let files = written.chain([("half.msg", half)]).map(|(path, half)| {
        let mut file = File::create(mount.path(path)).unwrap();
        file.write_all(half).unwrap();
        file
    });
    let files = files.collect();
    start_child();
    files
}

#[track_caller]
fn check_old(source: &Folder) {
    assert_eq!(names(source.path()), ["a.msg"]);
    let saved = Direct::reading(source.path());
    for (path, old, _) in HALVES {
        let found = saved.read(path).ok();
        assert_eq!(found.as_deref(), old.map(str::as_bytes), "{path}");
    }
}

#[test]
fn half_a_file_is_kept_although_its_program_has_started_another() {
    let Some((state, source, mut mount)) = mounted() else { return };
    let files = write_halves(&mount);
    mount.signal(Signal::TERM);
    let ended = mount.end();
    drop(files);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    check_old(&source);
    let kept = contents(&state.path().join("msgfs/recovered"));
    for (path, _, half) in HALVES {
        assert!(kept.values().any(|(.., bytes)| bytes == half.as_bytes()), "{path}");
        assert!(ended.stderr.contains(path), "{path}: {}", ended.stderr);
    }
    assert!(ended.stderr.contains("half.msg"), "{}", ended.stderr);
}

/// As without the other program: a kill loses what was not closed.
#[test]
fn half_a_file_is_no_value_after_a_kill() {
    let Some((_state, source, mut mount)) = mounted() else { return };
    let files = write_halves(&mount);
    mount.kill();
    drop(files);
    mount.serve();
    for (path, old, _) in HALVES {
        let found = mount.read(path).ok();
        assert_eq!(found.as_deref(), old.map(str::as_bytes), "{path}");
    }
    mount.signal(Signal::TERM);
    assert!(mount.end().status.success());
    check_old(&source);
}

/// The whole file becomes the value, whoever has closed a copy of its descriptor meanwhile.
#[test]
fn the_rest_becomes_the_value_with_the_half() {
    let Some((_state, _source, mut mount)) = mounted() else { return };
    let mut files = write_halves(&mount);
    for file in &mut files[..HALVES.len()] {
        file.write_all(b" and the rest\n").unwrap();
    }
    files.truncate(HALVES.len());
    // This test closes them; the kernel tells msgfs that the last copy is gone only later.
    drop(files);
    mount.kill();
    mount.serve();
    for (path, _, half) in HALVES {
        assert_eq!(mount.text(path), format!("{half} and the rest\n"), "{path}");
    }
}

/// What shells do with descriptors: the value is there when the script ends, also if msgfs is
/// killed then.
#[test]
fn shells_save_what_their_commands_write() {
    let Some((_state, source, mut mount)) = mounted() else { return };
    source.put("part", "part\n");
    let part = source.join("part");
    for (script, expected) in [
        ("echo one > F", "one\n"),
        ("(echo one; cat \"$P\") > F", "one\npart\n"),
        ("{ echo one; cat \"$P\"; echo two; } > F", "one\npart\ntwo\n"),
        ("cat \"$P\" > F; cat \"$P\" >> F", "part\npart\n"),
        ("exec 3> F; echo one >&3; cat \"$P\" >&3; exec 3>&-", "one\npart\n"),
        ("exec 3> F; exec 4>&3 3>&-; cat \"$P\" >&4; exec 4>&-", "part\n"),
        ("exec > F; cat \"$P\"; exec echo last", "part\nlast\n"),
        ("cat \"$P\" | tee F", "part\n"),
        ("dd if=\"$P\" of=F 2> /dev/null", "part\n"),
        ("exec 3> F; (cat \"$P\" >&3) & wait; true", "part\n"),
        ("exec 3> F; (exec 3>&-; true) & (sleep 0.1; cat \"$P\" >&3) & wait", "part\n"),
    ] {
        let mut shell = Command::new("sh");
        shell.args(["-euc", &script.replace('F', "attachments/old.txt")]);
        shell.env("P", &part).current_dir(mount.path("a.msg"));
        run(&mut shell, MOMENT).expect_success();
        mount.kill();
        mount.serve();
        assert_eq!(mount.text("a.msg/attachments/old.txt"), expected, "{script}");
    }
}

/// A program opens a file for another one and keeps it open.
#[test]
fn what_a_child_has_written_is_the_value_when_it_ends() {
    let Some((_state, _source, mut mount)) = mounted() else { return };
    let path = mount.path("a.msg/attachments/old.txt");
    let file = File::create(&path).unwrap();
    let mut echo = Command::new("echo");
    assert!(echo.arg("Of a child").stdout(file.try_clone().unwrap()).status().unwrap().success());
    mount.kill();
    drop(file);
    mount.serve();
    assert_eq!(mount.text("a.msg/attachments/old.txt"), "Of a child\n");
    // It is killed itself.
    let file = File::create(&path).unwrap();
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::piped()).stdout(file.try_clone().unwrap());
    let mut cat = cat.spawn().unwrap();
    cat.stdin.as_mut().unwrap().write_all(b"Until it was killed").unwrap();
    wait_until("what it writes", MOMENT, || fs::metadata(&path).unwrap().len() > 0);
    cat.kill().unwrap();
    cat.wait().unwrap();
    mount.kill();
    drop(file);
    mount.serve();
    assert_eq!(mount.text("a.msg/attachments/old.txt"), "Until it was killed");
}

#[test]
fn each_copy_of_a_descriptor_and_each_thread_ends_the_writing() {
    let Some((_state, _source, mut mount)) = mounted() else { return };
    let path = mount.path("a.msg/attachments/old.txt");
    // Another thread of the program closes it.
    let mut file = File::create(&path).unwrap();
    let copy = file.try_clone().unwrap();
    file.write_all(b"One thread").unwrap();
    std::thread::spawn(move || drop(file)).join().unwrap();
    mount.kill();
    drop(copy);
    mount.serve();
    assert_eq!(mount.text("a.msg/attachments/old.txt"), "One thread");
    // The thread that has opened it is gone.
    let open = path.clone();
    let opened = std::thread::spawn(move || OpenOptions::new().append(true).open(open).unwrap());
    let mut file = opened.join().unwrap();
    let copy = file.try_clone().unwrap();
    file.write_all(b", another one").unwrap();
    drop(file);
    mount.kill();
    drop(copy);
    mount.serve();
    assert_eq!(mount.text("a.msg/attachments/old.txt"), "One thread, another one");
}

/// Python passes a descriptor to another process, starts programs, and writes by a mapping.
#[test]
fn python_ends_its_writing_itself() {
    const PROGRAM: &str = "import array, mmap, os, socket, subprocess, sys
path, how = sys.argv[1:]
if how == 'passed':
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
        os.write(fds[0], b'passed')
        os._exit(0)
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    socket.send_fds(ours, [b'x'], [fd])
    os.wait()
    os._exit(0)
fd = os.open(path, os.O_RDWR | os.O_TRUNC)
if how == 'mapped':
    os.ftruncate(fd, 6)
    memory = mmap.mmap(fd, 6)
    memory[:] = b'mapped'
    memory.close()
else:
    os.write(fd, b'spawn')
    subprocess.run(['true'])
    os.write(fd, b'ed')
os.close(fd)";
    if !has_program("python3") {
        return;
    }
    let Some((_state, _source, mut mount)) = mounted() else { return };
    for how in ["passed", "mapped", "spawned"] {
        let path = mount.path("a.msg/attachments/old.txt");
        run(Command::new("python3").args(["-c", PROGRAM]).arg(path).arg(how), MOMENT)
            .expect_success();
        mount.kill();
        mount.serve();
        assert_eq!(mount.text("a.msg/attachments/old.txt"), how);
    }
}
