//! Modes, owners, times, inode numbers and extended attributes; and that nothing can be written.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use msgfs::imsg::{PROPATTR_READABLE, PROPATTR_WRITEABLE};
use msgfs::mapi::tags;
use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::folder::{DELIVERED_SECONDS, Folder, damaged, letter, numbers, parcel};
use super::mounted::Mounted;
use super::process::{MOMENT, is_installed, run};
use super::walk;

/// Files and directories in a message have the owner and the mode of the message's file, and the
/// time of delivery; their blocks follow from their size.
#[test]
fn attributes_of_what_is_in_a_message() {
    let message = parcel().flags(tags::PR_SUBJECT, PROPATTR_READABLE);
    let source = Folder::new().with("parcel.msg", message.to_bytes());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(source.join("parcel.msg"), Some(1234), Some(5678)).unwrap();
    }
    let owner = source.join("parcel.msg").metadata().unwrap();
    for (of_source, of_files, of_directories) in [
        (0o644, 0o644, 0o755),
        (0o7640, 0o640, 0o750),
        (0o755, 0o644, 0o755),
        (0o464, 0o464, 0o575),
    ] {
        set_mode(&source.join("parcel.msg"), of_source);
        let Some(mount) = Mounted::new(source.path(), "show=all") else { return };
        for path in walk(&mount.path("parcel.msg")).into_iter().chain([mount.path("parcel.msg")]) {
            let found = path.symlink_metadata().unwrap();
            let mode = match (found.is_dir(), found.is_symlink()) {
                (true, _) => of_directories,
                (_, true) => 0o777,
                _ if is_protected(&path) => of_files & 0o444,
                _ => of_files,
            };
            assert_eq!(found.mode() & 0o7777, mode, "{path:?}");
            assert_eq!((found.uid(), found.gid()), (owner.uid(), owner.gid()), "{path:?}");
            if path != mount.path("parcel.msg") {
                assert_eq!(found.blocks(), found.len().div_ceil(512), "{path:?}");
                assert_eq!(found.mtime(), DELIVERED_SECONDS, "{path:?}");
            }
            if !found.is_dir() {
                assert_eq!(found.nlink(), 1, "{path:?}");
            }
        }
    }
}

/// Whether a file is a property that must not be set.
fn is_protected(path: &Path) -> bool {
    let protected = ["PR_SUBJECT", "PR_STORE_SUPPORT_MASK", "PR_ACCESS", "PR_ACCESS_LEVEL"];
    let parent = path.parent().unwrap();
    parent.ends_with("mapi") && protected.iter().any(|name| path.ends_with(name)) && {
        let flags: u32 = get(path, "user.mapi.flags").unwrap().parse().unwrap();
        flags & PROPATTR_WRITEABLE == 0
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A user who may not read the source file may not read what is shown of it, although all may look
/// into the mount; `.msgfs` is for the mounter alone.
#[test]
fn others_see_what_they_may_see_in_the_source() {
    if !rustix::process::geteuid().is_root() || !is_installed("setpriv") {
        println!("SKIPPED: needs root and setpriv");
        return;
    }
    let source = Folder::new();
    for (name, mode) in [("private", 0o600), ("group", 0o640), ("public", 0o644)] {
        set_mode(&source.put(format!("{name}.msg"), letter(name).to_bytes()), mode);
    }
    std::os::unix::fs::chown(source.join("group.msg"), None, Some(1234)).unwrap();
    set_mode(source.path(), 0o755);
    let Some(mount) = Mounted::new(source.path(), "allow_other") else { return };
    // The mounter reads them first, so that the kernel has them cached.
    for name in ["private", "group", "public"] {
        assert_eq!(mount.text(format!("{name}.msg/subject")), format!("{name}\n"));
    }
    assert!(mount.session("messages_opened") > 0);
    set_mode(mount.root().parent().unwrap(), 0o1777);
    let reads = |group: &str, path: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--clear-groups", &format!("--regid={group}"), "cat"]);
        run(command.arg(mount.path(path)), MOMENT).status.success()
    };
    for (group, name, expected) in [
        ("65534", "private", false),
        ("65534", "group", false),
        ("1234", "group", true),
        ("65534", "public", true),
    ] {
        for file in ["subject", "message.msg", "mapi/PR_SUBJECT"] {
            assert_eq!(reads(group, &format!("{name}.msg/{file}")), expected, "{name} {file}");
        }
    }
    assert!(!reads("65534", ".msgfs/session"));
    for (path, mode) in [(".msgfs", 0o500), (".msgfs/session", 0o400)] {
        let found = mount.path(path).metadata().unwrap();
        assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (mode, 0, 0));
    }
}

/// The group bits of a file with an ACL are the mask of the ACL; the group is shown with the rights
/// of its own entry.
#[test]
fn an_access_list_gives_the_group_no_more_than_its_entry() {
    let (user_obj, user, group_obj, mask, other) = (0x01_u16, 0x02, 0x04, 0x10, 0x20);
    let entry = |kind: u16, bits: u16, id: u32| {
        [&kind.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let list = |of_group: u16, of_mask: u16| {
        let entries = [
            entry(user_obj, 6, u32::MAX),
            entry(user, 6, 1234),
            entry(group_obj, of_group, u32::MAX),
            entry(mask, of_mask, u32::MAX),
            entry(other, 0, u32::MAX),
        ];
        [&2_u32.to_le_bytes()[..], &entries.concat()].concat()
    };
    let source = Folder::new().with("sub/none.txt", "n");
    let lists = [("a", 0, 6, 0o600), ("b", 4, 6, 0o640), ("c", 6, 4, 0o640), ("d", 6, 6, 0o660)];
    for (name, of_group, of_mask, _) in lists {
        for extension in ["msg", "txt"] {
            let path = source.put(format!("{name}.{extension}"), letter(name).to_bytes());
            let list = list(of_group, of_mask);
            let name = "system.posix_acl_access";
            match rustix::fs::setxattr(&path, name, &list, XattrFlags::empty()) {
                Err(Errno::OPNOTSUPP) => {
                    println!("SKIPPED: the file system of temporary files has no access lists");
                    return;
                }
                outcome => outcome.unwrap(),
            }
            assert_eq!(path.metadata().unwrap().mode() & 0o070, u32::from(of_mask) << 3);
        }
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    // By their names, and as they come in a listing.
    for listed in [false, true] {
        if listed {
            run(Command::new("ls").arg("-lR").arg(mount.root()), MOMENT).expect_success();
        }
        for (name, _, _, expected) in lists {
            for path in [format!("{name}.txt"), format!("{name}.msg/subject")] {
                let found = mount.path(&path).metadata().unwrap().mode();
                assert_eq!(found & 0o7777, expected, "{path}");
            }
            let directory = mount.path(format!("{name}.msg")).metadata().unwrap().mode();
            assert_eq!(directory & 0o666, expected, "{name}");
        }
    }
}

/// A message directory has size, times and owner of its file.
#[test]
fn attributes_of_a_message_directory() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let then = SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(1_234_567_890_123_456_789);
    let file = File::options().write(true).open(source.join("a.msg")).unwrap();
    file.set_times(FileTimes::new().set_modified(then)).unwrap();
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let (stored, found) = (file.metadata().unwrap(), mount.path("a.msg").metadata().unwrap());
    assert!(found.is_dir());
    let of_source = stored.mode() & 0o666;
    assert_eq!(found.mode() & 0o7777, of_source | (of_source & 0o444) >> 2);
    assert_eq!((found.len(), found.blocks()), (stored.len(), 0));
    assert_eq!((found.mtime(), found.mtime_nsec()), (1_234_567_890, 123_456_789));
    assert_eq!((found.uid(), found.gid()), (stored.uid(), stored.gid()));
    assert_eq!(mount.session("messages_opened"), 0);
}

/// Files that are no messages keep their attributes, but for setuid and setgid.
#[test]
fn attributes_of_other_files() {
    let source = Folder::new().with("notes.txt", "n").with("sub/run", "#!/bin/sh\n");
    fs::set_permissions(source.join("notes.txt"), Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(source.join("sub/run"), Permissions::from_mode(0o6755)).unwrap();
    fs::set_permissions(source.join("sub"), Permissions::from_mode(0o3777)).unwrap();
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for (name, mode) in [("notes.txt", 0o640), ("sub/run", 0o755), ("sub", 0o1777)] {
        let stored = source.join(name).metadata().unwrap();
        let found = mount.path(name).metadata().unwrap();
        assert_eq!(found.mode() & 0o7777, mode, "{name}");
        assert_eq!(found.len(), stored.len(), "{name}");
        assert_eq!(found.modified().unwrap(), stored.modified().unwrap(), "{name}");
        assert_eq!((found.uid(), found.gid()), (stored.uid(), stored.gid()), "{name}");
    }
}

/// `uid=`, `gid=` and `umask=` apply to everything.
#[test]
fn owners_and_modes_can_be_given() {
    let source = Folder::of_everything();
    let Some(mount) = Mounted::new(source.path(), "uid=4321,gid=8765,umask=027") else { return };
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: needs root to look into what others own");
        return;
    }
    for path in walk(mount.root()).into_iter().chain([mount.root().to_owned()]) {
        let found = path.symlink_metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (4321, 8765), "{path:?}");
        assert_eq!(found.mode() & 0o027, 0, "{path:?}");
        assert_ne!(found.mode() & 0o400, 0, "{path:?}");
    }
}

/// Inode numbers differ, are those that a listing gives, and are the same in the next mount.
#[test]
fn inode_numbers_are_unique_and_stable() {
    let source = Folder::of_everything();
    let Some(mount) = Mounted::new(source.path(), "show=all") else { return };
    let first = inode_numbers(mount.root());
    let mut by_number = HashMap::new();
    for (path, number) in &first {
        if let Some(other) = by_number.insert(number, path) {
            panic!("{number} is {path:?} and {other:?}");
        }
    }
    drop(mount);
    let Some(mount) = Mounted::new(source.path(), "show=all") else { return };
    assert!(inode_numbers(mount.root()) == first);
}

fn inode_numbers(root: &Path) -> BTreeMap<PathBuf, u64> {
    let mut numbers = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.path().symlink_metadata().unwrap();
            assert_eq!(entry.ino(), metadata.ino(), "{:?}", entry.path());
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            let name = entry.path().strip_prefix(root).unwrap().to_owned();
            numbers.insert(name, metadata.ino());
        }
    }
    numbers
}

/// Properties say their tag, type and flags; attachments their media type, hash and origin.
#[test]
fn extended_attributes() {
    let source = Folder::new().with("parcel.msg", parcel().to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let subject = mount.path("parcel.msg/mapi/PR_SUBJECT");
    assert_eq!(list(&subject), ["user.mapi.flags", "user.mapi.tag", "user.mapi.type"]);
    assert_eq!(get(&subject, "user.mapi.tag").unwrap(), "0x0037001F");
    assert_eq!(get(&subject, "user.mapi.type").unwrap(), "PT_UNICODE");
    assert_eq!(get(&subject, "user.mapi.flags").unwrap(), "6");
    let attachment = mount.path("parcel.msg/attachments/numbers.bin");
    let origin = "user.xdg.origin.email";
    assert_eq!(
        list(&attachment).join(" "),
        format!(
            "user.mime_type user.msgfs.sha256 {origin}.from {origin}.message-id {origin}.subject"
        )
    );
    assert_eq!(get(&attachment, "user.mime_type").unwrap(), "application/x-test");
    assert_eq!(get(&attachment, &format!("{origin}.subject")).unwrap(), "A parcel");
    assert_eq!(get(&attachment, &format!("{origin}.from")).unwrap(), "Ada Ek <ada@example.org>");
    let id = get(&attachment, &format!("{origin}.message-id")).unwrap();
    assert_eq!(id, "<parcel@example.org>");
    for (name, bytes) in [
        ("parcel.msg/attachments/numbers.bin", numbers(100_000)),
        ("parcel.msg/attachments/numbers (2).bin", numbers(513)),
        ("parcel.msg/attachments/none", Vec::new()),
        ("parcel.msg/message.msg", parcel().to_bytes()),
    ] {
        assert_eq!(get(&mount.path(name), "user.msgfs.sha256").unwrap(), sha256(&bytes), "{name}");
    }
    let inner = "parcel.msg/attachments/Outer: with_slash.msg/message.msg";
    let bytes = mount.read(inner);
    assert_eq!(get(&mount.path(inner), "user.msgfs.sha256").unwrap(), sha256(&bytes));
}

/// A missing attribute is ENODATA and a small buffer ERANGE; a size of 0 asks for the length.
#[test]
fn extended_attributes_by_the_rules() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes()).with("b.txt", "b");
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let subject = mount.path("a.msg/mapi/PR_SUBJECT");
    for (path, name) in [
        (&subject, "user.nothing"),
        (&subject, "user.msgfs.error"),
        (&mount.path("a.msg/subject"), "user.mapi.tag"),
        (&mount.path("a.msg"), "user.mapi.tag"),
        (&mount.path("b.txt"), "user.mapi.tag"),
        (&mount.path(""), "user.mapi.tag"),
    ] {
        assert_eq!(get(path, name).unwrap_err(), Errno::NODATA, "{path:?} {name}");
    }
    assert_eq!(list(&mount.path("a.msg")), [""; 0]);
    assert_eq!(list(&mount.path("b.txt")), [""; 0]);
    let (name, mut short) = ("user.mapi.tag", [0; 9]);
    assert_eq!(rustix::fs::lgetxattr(&subject, name, &mut short).unwrap_err(), Errno::RANGE);
    assert_eq!(rustix::fs::llistxattr(&subject, &mut short).unwrap_err(), Errno::RANGE);
    assert_eq!(rustix::fs::lgetxattr(&subject, name, &mut [0; 10]).unwrap(), 10);
    assert_eq!(rustix::fs::lgetxattr_query(&subject, name).unwrap(), 10);
    assert_eq!(rustix::fs::llistxattr_query(&subject).unwrap(), 45);
}

/// A damaged value says what is wrong with it.
#[test]
fn a_damaged_value_says_so() {
    let source = Folder::new().with("damaged.msg", damaged());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let body = mount.path("damaged.msg/mapi/PR_BODY");
    assert!(list(&body).contains(&"user.msgfs.error".to_owned()));
    assert!(get(&body, "user.msgfs.error").unwrap().len() > 10);
    let subject = mount.path("damaged.msg/mapi/PR_SUBJECT");
    assert_eq!(get(&subject, "user.msgfs.error").unwrap_err(), Errno::NODATA);
}

/// Whatever would change something is refused, as on every read-only mount.
#[test]
fn nothing_can_be_written() {
    let source = Folder::of_everything();
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for file in ["letter.msg/subject", "letter.msg/mapi/PR_SUBJECT", "notes.txt"] {
        let path = mount.path(file);
        let folder = path.parent().unwrap();
        let (other, mode) = (folder.join("other"), Mode::from_raw_mode(0o777));
        let io = |result: Result<(), std::io::Error>| result.map_err(|e| e.raw_os_error().unwrap());
        let errno = |result: Result<(), Errno>| result.map_err(Errno::raw_os_error);
        let times = FileTimes::new().set_modified(SystemTime::now());
        let permissions = Permissions::from_mode(0o777);
        let open = |options: &mut fs::OpenOptions, path: &Path| io(options.open(path).map(drop));
        for (what, outcome) in [
            ("write", open(File::options().write(true), &path)),
            ("append", open(File::options().append(true), &path)),
            ("truncate", open(File::options().write(true).truncate(true), &path)),
            ("create", open(File::options().write(true).create_new(true), &other)),
            ("unlink", io(fs::remove_file(&path))),
            ("rename", io(fs::rename(&path, &other))),
            ("link", io(fs::hard_link(&path, &other))),
            ("symlink", io(std::os::unix::fs::symlink("x", &other))),
            ("mkdir", io(fs::create_dir(&other))),
            ("rmdir", io(fs::remove_dir(folder))),
            ("chmod", io(fs::set_permissions(&path, permissions))),
            ("chown", io(std::os::unix::fs::chown(&path, Some(1), Some(1)))),
            ("utimens", io(File::open(&path).unwrap().set_times(times))),
            ("mknod", errno(rustix::fs::mknodat(CWD, &other, FileType::Fifo, mode, 0))),
            ("setxattr", errno(rustix::fs::lsetxattr(&path, "user.x", b"x", XattrFlags::empty()))),
            ("removexattr", errno(rustix::fs::lremovexattr(&path, "user.mapi.tag"))),
        ] {
            // The root of a mount is busy before it is read-only.
            let is_root = what == "rmdir" && folder == mount.root();
            let expected = if is_root { libc::EBUSY } else { libc::EROFS };
            assert_eq!(outcome, Err(expected), "{what} {path:?}");
        }
    }
}

fn list(path: &Path) -> Vec<String> {
    let mut buffer = vec![0; 65_536];
    let len = rustix::fs::llistxattr(path, &mut buffer[..]).unwrap();
    let names = buffer[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut names: Vec<_> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    names.sort();
    names
}

fn get(path: &Path, name: &str) -> Result<String, Errno> {
    let mut buffer = vec![0; 65_536];
    let len = rustix::fs::lgetxattr(path, name, &mut buffer[..])?;
    buffer.truncate(len);
    Ok(String::from_utf8(buffer).unwrap())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn labels_and_access_lists_are_not_supported() {
    let source = Folder::new().with("M.msg", letter("A letter").to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "ro") else { return };
    for name in ["security.selinux", "system.posix_acl_access", "system.posix_acl_default"] {
        let path = mounted.path("M.msg/subject");
        let error = rustix::fs::getxattr(&path, name, &mut [0_u8; 16][..]).unwrap_err();
        assert_eq!(error, rustix::io::Errno::OPNOTSUPP, "{name}");
    }
}
