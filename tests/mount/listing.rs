//! Which names there are, and which are listed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;

use msgfs::mapi::CodePage;
use rustix::fs::{CWD, FileType, Mode};

use super::folder::{Folder, damaged, letter, parcel};
use super::mounted::{Mounted, has_fuse, is_mounted, msgfs};
use super::process::{MOMENT, run};

/// The program returns 0 only once the mount answers.
#[test]
fn the_program_returns_when_the_mount_answers() {
    if !has_fuse() {
        return;
    }
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let point = tempfile::tempdir().unwrap();
    for _ in 0..10 {
        let guard = Mounted::guard(point.path());
        run(msgfs().arg(source.path()).arg(point.path()), MOMENT).expect_success();
        // Not a moment later.
        assert!(is_mounted(point.path()));
        assert_eq!(guard.text("a.msg/subject"), "A\n");
    }
}

/// A message directory lists the reader's view.
#[test]
fn the_readers_view_is_listed() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes()).with("notes.txt", "n");
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.names(""), ["notes.txt", "parcel.msg"]);
    let expected = [
        "attachments",
        "bcc",
        "body.html",
        "body.txt",
        "categories",
        "cc",
        "class",
        "date",
        "from",
        "importance",
        "message-id",
        "received",
        "sender",
        "subject",
        "to",
    ];
    assert_eq!(mount.names("parcel.msg"), expected);
    let attachments =
        ["Outer: with_slash.msg", "none", "numbers (2).bin", "numbers.bin", "page.ref"];
    assert_eq!(mount.names("parcel.msg/attachments"), attachments.map(str::to_owned));
    let deep = "parcel.msg/attachments/Outer: with_slash.msg/attachments/Inner.msg";
    assert_eq!(mount.text(format!("{deep}/attachments/deep.txt")), "Deep inside.\n");
    assert_eq!(mount.text("parcel.msg/categories"), "Blue\nTravel\n");
    assert_eq!(mount.text("parcel.msg/cc"), "Čeněk <cenek@example.org>\n");
    assert_eq!(mount.text("notes.txt"), "n");
}

/// `mapi/`, `raw/`, `message.msg` and `.msgfs/` are reachable by name without being listed, and
/// so are properties by tag.
#[test]
fn hidden_names_are_reachable() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.text("a.msg/mapi/PR_SUBJECT"), "A");
    assert_eq!(mount.text("a.msg/mapi/0x0037001F"), "A");
    assert_eq!(mount.text("a.msg/mapi/0x0037"), "A");
    assert_eq!(mount.text("a.msg/mapi/recipients/0/PR_DISPLAY_NAME"), "Bo Li");
    assert!(mount.names("a.msg/mapi").contains(&"PR_SUBJECT".to_owned()));
    assert!(!mount.names("a.msg/mapi").contains(&"0x0037001F".to_owned()));
    assert_eq!(mount.read("a.msg/raw/__substg1.0_0037001F"), b"A\0");
    assert_eq!(mount.read("a.msg/message.msg"), letter("A").to_bytes());
    assert_eq!(mount.names(".msgfs"), ["errors", "session", "version"]);
    assert_eq!(mount.text(".msgfs/version"), concat!(env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(mount.session("messages_opened"), 1);
    assert!(!mount.path("a.msg/mapi/0x1234").exists());
    assert!(!mount.path("a.msg/nothing").exists());
    assert!(!mount.path("nothing.msg").exists());
}

/// `show=` lists hidden names too.
#[test]
fn show_lists_hidden_names() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    for (options, expected) in [
        ("show=all", "mapi message.json message.msg raw"),
        ("show=mapi", "mapi"),
        ("show=msg,raw", "message.msg raw"),
    ] {
        let Some(mount) = Mounted::new(source.path(), options) else { return };
        let mut names = mount.names("a.msg");
        names.retain(|name| {
            ["mapi", "message.json", "message.msg", "raw", ".msgfs"].contains(&name.as_str())
        });
        assert_eq!(names.join(" "), expected, "{options}");
        assert_eq!(mount.text("a.msg/mapi/PR_SUBJECT"), "A", "{options}");
    }
}

/// `others=hide` leaves out files that are no messages, and keeps folders.
#[test]
fn others_can_be_hidden() {
    let source = Folder::new()
        .with("a.msg", letter("A").to_bytes())
        .with("notes.txt", "n")
        .with("sub/b.OFT", letter("B").to_bytes())
        .with("sub/notes.msg.txt", "n");
    std::os::unix::fs::symlink("a.msg", source.join("link.msg")).unwrap();
    let Some(mount) = Mounted::new(source.path(), "others=hide") else { return };
    assert_eq!(mount.names(""), ["a.msg", "sub"]);
    assert_eq!(mount.names("sub"), ["b.OFT"]);
    assert!(!mount.path("notes.txt").exists());
    assert_eq!(mount.text("sub/b.OFT/subject"), "B\n");
}

/// `codepage=` overrides what messages say of their 8-bit strings.
#[test]
fn a_code_page_can_be_given() {
    let message = letter("Привет").ansi(CodePage::new(1251).unwrap());
    let source = Folder::new().with("a.msg", message.to_bytes());
    for (options, expected) in [("codepage=1251", "Привет\n"), ("codepage=1252", "Ïðèâåò\n")]
    {
        let Some(mount) = Mounted::new(source.path(), options) else { return };
        assert_eq!(mount.text("a.msg/subject"), expected, "{options}");
    }
}

/// SOURCE may be one message file.
#[test]
fn the_source_may_be_one_file() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("b.txt", "b");
    let Some(mount) = Mounted::new(&source.join("a.msg"), "") else { return };
    assert_eq!(mount.text("subject"), "A\n");
    assert_eq!(mount.text("mapi/PR_SUBJECT"), "A");
    assert_eq!(mount.read("message.msg"), letter("A").to_bytes());
    assert_eq!(mount.session("open_messages"), 1);
    let expected = ["body.txt", "class", "date", "from", "importance", "received", "sender"];
    assert_eq!(mount.names(""), [&expected[..], &["subject", "to"]].concat());
}

/// Every name that Linux knows is shown as it is.
#[test]
fn names_are_shown_as_they_are() {
    let long = format!("{}.msg", "x".repeat(251));
    let names = [
        "Grüße 日本.msg".as_bytes(),
        long.as_bytes(),
        b"two\nlines.msg",
        b"\xFF\xFEnot utf-8.msg",
        b" blank \\ .msg",
        b".msg.msg",
        b"-rf.msg",
    ];
    let source = Folder::new();
    for name in names {
        source.put(OsStr::from_bytes(name), letter("A").to_bytes());
        source.put(OsStr::from_bytes(&[b"folder ", &name[..name.len().min(200)]].concat()), "x");
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let listed = |path| {
        let entries = fs::read_dir(path).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(listed(mount.root()), listed(source.path()));
    for name in names {
        assert_eq!(mount.text(mount.path(OsStr::from_bytes(name)).join("subject")), "A\n");
    }
}

/// A file that holds no message shows `ERRORS` and its bytes, and its neighbours are as ever.
#[test]
fn an_unreadable_file_costs_only_itself() {
    let sound = letter("A").to_bytes();
    let broken = [
        ("cut.msg", sound[..700].to_vec()),
        ("empty.msg", Vec::new()),
        ("text.msg", b"Dear Bo, this is no compound file.".to_vec()),
    ];
    let source = Folder::new().with("a.msg", &sound);
    for (name, bytes) in &broken {
        source.put(name, bytes);
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for (name, bytes) in &broken {
        assert_eq!(mount.names(name), ["ERRORS", "message.msg"]);
        assert!(mount.text(format!("{name}/ERRORS")).len() > 10, "{name}");
        assert_eq!(&mount.read(format!("{name}/message.msg")), bytes);
        assert!(!mount.path(name).join("subject").exists());
    }
    assert_eq!(mount.text("a.msg/subject"), "A\n");
    assert!(!mount.names("a.msg").contains(&"ERRORS".to_owned()));
    let errors = mount.text(".msgfs/errors");
    for (name, _) in &broken {
        assert!(errors.contains(&format!("{name}: ")), "{name}: {errors}");
    }
}

/// A damaged value costs that value, which `ERRORS` tells.
#[test]
fn a_damaged_value_costs_only_itself() {
    let source = Folder::new().with("damaged.msg", damaged());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.text("damaged.msg/subject"), "Damaged\n");
    assert!(mount.names("damaged.msg").contains(&"ERRORS".to_owned()));
    assert!(mount.text("damaged.msg/ERRORS").contains("1000001F"));
    let error = fs::read(mount.path("damaged.msg/mapi/PR_BODY")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
}

/// Symbolic links and pipes of the source are shown as such. A link to a message is no message.
#[test]
fn links_and_pipes_are_shown_and_not_followed() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("sub/b.txt", "b");
    let links = [
        ("link.msg", "a.msg"),
        ("dangling", "nowhere"),
        ("folder", "sub"),
        ("out", "/etc/hostname"),
        ("loop.msg", "loop.msg"),
    ];
    for (name, target) in links {
        std::os::unix::fs::symlink(target, source.join(name)).unwrap();
    }
    let mode = Mode::from_raw_mode(0o644);
    for name in ["pipe", "pipe.msg"] {
        rustix::fs::mknodat(CWD, source.join(name), FileType::Fifo, mode, 0).unwrap();
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for (name, target) in links {
        let path = mount.path(name);
        assert!(path.symlink_metadata().unwrap().is_symlink(), "{name}");
        assert_eq!(path.read_link().unwrap().as_os_str(), target);
    }
    for name in ["pipe", "pipe.msg"] {
        assert!(mount.path(name).symlink_metadata().unwrap().file_type().is_fifo(), "{name}");
    }
    assert_eq!(mount.session("messages_opened"), 0);
    // The kernel follows links within the mount.
    assert_eq!(mount.text("link.msg/subject"), "A\n");
    assert_eq!(mount.text("folder/b.txt"), "b");
}

/// What file managers look for everywhere opens no message.
#[test]
fn lookups_of_file_managers_open_nothing() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for name in [
        ".Trash",
        ".Trash-0",
        ".hidden",
        "autorun.inf",
        ".directory",
        "desktop.ini",
        ".git",
        ".DS_Store",
        "folder.jpg",
    ] {
        assert!(!mount.path("a.msg").join(name).exists(), "{name}");
    }
    assert_eq!(mount.session("messages_opened"), 0);
    assert!(mount.path("a.msg/subject").exists());
    assert_eq!(mount.session("messages_opened"), 1);
}

/// The mount's own `.msgfs` hides a file of the source of that name, and says so. A command shows
/// that of the source.
#[test]
fn a_file_of_the_source_that_is_hidden_is_told() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with(".msgfs/kept", "kept\n");
    let Some(mounted) = Mounted::new(source.path(), "") else { return };
    let line = ".msgfs: the mount's own directory of this name hides that of the source; rename it \
                in the source to see it\n";
    assert_eq!(mounted.text(".msgfs/errors"), line);
    assert!(!mounted.path(".msgfs/kept").exists());
    assert_eq!(mounted.names(""), ["a.msg"]);
    let cat = run(msgfs().arg("cat").arg(source.join(".msgfs/kept")), MOMENT);
    assert_eq!(String::from_utf8(cat.expect_success()).unwrap(), "kept\n");
    let tree = run(msgfs().arg("find").arg(source.path()), MOMENT);
    assert!(tree.status.success(), "{}", tree.stderr);
    fs::rename(source.join(".msgfs"), source.join("other")).unwrap();
    assert_eq!(mounted.text(".msgfs/errors"), "");
}
