//! Names that were never meant for a file system, in a mount and in what is extracted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use super::shown::{assert_same, msgfs_in, text};
use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::Mounted;
use crate::mount::process::{MOMENT, run};

/// Names of attachments, and what they become, in their order.
fn attachments_of_message() -> Vec<(String, String)> {
    let pairs = [
        ("../../escape.txt", ".._.._escape.txt"),
        ("/etc/passwd", "_etc_passwd"),
        ("nul\0byte.txt", "nul_byte.txt"),
        ("line\nend.txt", "line_end.txt"),
        ("invoice\u{202E}fdp.exe", "invoice_fdp.exe"),
        ("Report.pdf", "Report.pdf"),
        ("REPORT.pdf", "REPORT.pdf"),
        ("Report.pdf", "Report (2).pdf"),
        ("..", "unnamed"),
        (" ", "unnamed (2)"),
        ("trailing. .", "trailing"),
        (".hidden", ".hidden"),
    ];
    let long = ("x".repeat(300) + ".pdf", "x".repeat(251) + ".pdf");
    let pairs = pairs.map(|(name, expected)| (name.to_owned(), expected.to_owned()));
    pairs.into_iter().chain([long]).collect()
}

fn message() -> Vec<u8> {
    let add = |message: crate::fixture::MessageBuilder, (name, expected): &(String, String)| {
        message.attach(AttachmentBuilder::file(name, expected.as_bytes()))
    };
    attachments_of_message().iter().fold(letter("Names"), add).to_bytes()
}

/// Every name is safe, unique and the same in the mount and in what is extracted.
#[test]
fn names_of_attachments() {
    let source = Folder::new().with("names.msg", message());
    let target = Folder::new();
    let ended = msgfs_in(source.path(), &["extract", ".", target.join("out").to_str().unwrap()]);
    ended.expect_success();
    for (_, expected) in attachments_of_message() {
        let path = target.join("out/names.msg/attachments").join(&expected);
        assert_eq!(fs::read(&path).unwrap(), expected.as_bytes(), "{expected}");
    }
    assert_eq!(target.path().read_dir().unwrap().count(), 1);
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_same(&target.join("out"), mount.root());
}

/// Names in the source stay as they are, whatever bytes they have.
#[test]
fn names_of_the_source() {
    let source = Folder::new();
    let names: [&[u8]; 5] = [
        b"caf\xe9 \xff.msg",
        b"two\nlines.msg",
        b"\x1b[2J\x07.msg",
        b" .msg",
        &[&[b'n'; 251][..], b".msg"].concat(),
    ];
    for name in names {
        source.put(Path::new(OsStr::from_bytes(name)), letter("Here").to_bytes());
    }
    let target = Folder::new();
    let out = target.path().to_str().unwrap();
    msgfs_in(source.path(), &["extract", ".", out]).expect_success();
    for name in names {
        let subject = target.join(OsStr::from_bytes(name)).join("subject");
        assert_eq!(fs::read(subject).unwrap(), b"Here\n");
    }
    let listed = msgfs_in(source.path(), &["ls"]).expect_success();
    for name in names {
        assert!(listed.windows(name.len()).any(|found| found == name), "{name:?}");
        let path = Path::new(OsStr::from_bytes(name)).join("subject");
        let mut command = crate::mount::mounted::msgfs();
        let ended = run(command.current_dir(source.path()).arg("cat").arg(&path), MOMENT);
        assert_eq!(ended.expect_success(), b"Here\n");
    }
    let found = msgfs_in(source.path(), &["grep", "-lZ", "Here", "--in", "subject", "."]);
    let found = found.expect_success();
    let mut paths: Vec<_> =
        found.split(|byte| *byte == 0).filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    let mut expected: Vec<_> =
        names.iter().map(|name| [b"./", *name, b"/subject"].concat()).collect();
    expected.sort();
    assert_eq!(paths, expected);
    let eml = Folder::new();
    msgfs_in(source.path(), &["extract", "--json", ".", eml.path().to_str().unwrap()])
        .expect_success();
    assert_eq!(eml.path().read_dir().unwrap().count(), names.len());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_same(target.path(), mount.root());
}

/// A file system that ignores case, until it is dropped.
struct CaseFolding(Folder);

impl CaseFolding {
    fn mount() -> Option<Self> {
        let folder = Folder::new();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "casefold", "none"]).arg(folder.path());
        let mounted = run(&mut mount, MOMENT).status.success().then(|| Self(folder));
        let folding = mounted.filter(|mounted| {
            let out = mounted.0.join("out");
            fs::create_dir(&out).is_ok()
                && run(Command::new("chattr").arg("+F").arg(&out), MOMENT).status.success()
        });
        if folding.is_none() {
            println!("SKIPPED: no file system that ignores case");
        }
        folding
    }
}

impl Drop for CaseFolding {
    fn drop(&mut self) {
        run(Command::new("umount").arg(self.0.path()), MOMENT);
    }
}

/// Where case does not tell names apart, the later one is numbered, each time in the same way.
#[test]
fn names_in_a_target_that_ignores_case() {
    let Some(target) = CaseFolding::mount() else { return };
    let out = target.0.join("out");
    let source = Folder::new()
        .with("A.msg", message())
        .with("a.msg", letter("Small").to_bytes())
        .with("a (2).msg", letter("Numbered").to_bytes());
    for _ in 0..2 {
        let ended = msgfs_in(source.path(), &["extract", ".", out.to_str().unwrap()]);
        ended.expect_success();
        let mut names: Vec<_> =
            fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["A.msg", "a (2) (2).msg", "a (2).msg"]);
        let subject = |name: &str| fs::read_to_string(out.join(name).join("subject")).unwrap();
        assert_eq!(subject("a (2).msg"), "Numbered\n");
        assert_eq!(subject("a (2) (2).msg"), "Small\n");
        let attachments = fs::read_dir(out.join("A.msg/attachments")).unwrap();
        assert_eq!(attachments.count(), attachments_of_message().len());
    }
}

#[test]
fn a_path_that_ends_in_a_slash_is_that_of_a_directory() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("note.txt", "x");
    let cat = |path: &str| msgfs_in(source.path(), &["cat", path]);
    for path in ["a.msg/subject/", "note.txt/"] {
        let ended = cat(path);
        assert_eq!(ended.status.code(), Some(2), "{path}: {}", ended.stderr);
        assert_eq!(ended.stderr, format!("msgfs: {path}: not a directory\n"));
    }
    text(cat("a.msg/subject"));
    text(msgfs_in(source.path(), &["ls", "a.msg/"]));
}
