//! Whose a saved file is, and who may read it: never more than before, at no instant.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use msgfs::storage::{self, CompoundFile, FileState, Replacement, Source, Step};
use rustix::fs::{IFlags, XattrFlags};

use super::target::Folder;
use crate::fixture::MessageBuilder;

const DEFAULT: &str = "system.posix_acl_default";
const ACCESS: &str = "system.posix_acl_access";
/// Tags of the entries of an access list (acl(5), as in `linux/posix_acl_xattr.h`).
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
/// A user and a group that are not those who run the tests.
const SOMEBODY: u32 = 12_345;

fn letter() -> Vec<u8> {
    MessageBuilder::mail("Before", ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z").to_bytes()
}

/// An access list as the kernel has it: version 2, then a tag, the permissions and an id each.
fn access_list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// One that lets somebody read, and their like write what is created in a folder.
fn somebody_reads() -> Vec<u8> {
    let none = u32::MAX;
    access_list(&[
        (USER_OBJ, 7, none),
        (USER, 7, SOMEBODY),
        (GROUP_OBJ, 7, none),
        (MASK, 7, none),
        (OTHER, 7, none),
    ])
}

fn list_of(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 1000];
    let len = rustix::fs::getxattr(path, name, bytes.as_mut_slice()).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

/// Sets an access list; `false`, and a word, where the file system has none.
fn set_list(path: &Path, name: &str, list: &[u8]) -> bool {
    match rustix::fs::setxattr(path, name, list, XattrFlags::empty()) {
        Ok(()) => true,
        Err(error) => {
            println!("SKIPPED: no access lists in {path:?}: {error}");
            false
        }
    }
}

/// Saves the message again, and looks at every file of the folder before each step.
fn save(folder: &Folder, check: impl Fn(Step, &Path)) {
    let path = folder.path();
    let expected = FileState::from(&path.metadata().unwrap());
    let snapshot = CompoundFile::open(Source::from_bytes(letter())).unwrap();
    let opened = File::open(folder.folder.path()).unwrap();
    let hook = |step| {
        for entry in fs::read_dir(folder.folder.path())? {
            check(step, &entry?.path());
        }
        Ok(())
    };
    let replacement =
        Replacement { hook: Some(&hook), ..Replacement::of(&snapshot, Some(expected)) };
    replacement.run(&opened, OsStr::new("a.msg")).unwrap();
    check(Step::SyncFolder, &path);
}

/// The permissions of the group, of those who are named, and of the others.
fn lets_in(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o077
}

#[test]
fn the_default_access_list_of_a_folder_lets_nobody_into_an_edited_file() {
    for mode in [0o600, 0o640, 0o644] {
        let folder = Folder::new(&letter());
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        if !set_list(folder.folder.path(), DEFAULT, &somebody_reads()) {
            return;
        }
        save(&folder, |step, path| {
            assert_eq!(lets_in(path) & !mode, 0, "{step:?} {path:?}");
        });
        assert_eq!(folder.path().metadata().unwrap().mode() & 0o7777, mode);
        assert_eq!(list_of(&folder.path(), ACCESS), None);
    }
}

#[test]
fn the_access_list_of_a_file_stays() {
    let folder = Folder::new(&letter());
    let list = access_list(&[
        (USER_OBJ, 6, u32::MAX),
        (USER, 4, SOMEBODY),
        (GROUP_OBJ, 0, u32::MAX),
        (MASK, 4, u32::MAX),
        (OTHER, 0, u32::MAX),
    ]);
    if !set_list(&folder.path(), ACCESS, &list)
        || !set_list(folder.folder.path(), DEFAULT, &somebody_reads())
    {
        return;
    }
    rustix::fs::setxattr(folder.path(), "user.note", b"kept", XattrFlags::empty()).unwrap();
    save(&folder, |step, path| {
        assert_eq!(lets_in(path) & !0o040, 0, "{step:?} {path:?}");
    });
    assert_eq!(list_of(&folder.path(), ACCESS), Some(list));
    assert_eq!(list_of(&folder.path(), "user.note"), Some(b"kept".to_vec()));
}

#[test]
fn owner_and_mode_stay_and_come_before_the_name() {
    let folder = Folder::new(&letter());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o440)).unwrap();
    if let Err(error) = std::os::unix::fs::chown(folder.path(), Some(SOMEBODY), Some(SOMEBODY)) {
        println!("SKIPPED: no file can be given away: {error}");
        return;
    }
    save(&folder, |step, path| {
        let metadata = path.metadata().unwrap();
        let is_open = metadata.mode() & 0o7777 != 0o600;
        assert!(!is_open || metadata.uid() == SOMEBODY, "{step:?} {path:?}");
    });
    let metadata = folder.path().metadata().unwrap();
    let found = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    assert_eq!(found, (SOMEBODY, SOMEBODY, 0o440));
}

#[test]
fn whether_a_file_can_be_replaced_is_known_before() {
    let folder = Folder::new(&letter());
    let opened = File::open(folder.folder.path()).unwrap();
    let probe = |name: &str| storage::can_replace(&opened, OsStr::new(name));
    probe("a.msg").unwrap();
    assert_eq!(folder.names(), ["a.msg"]);
    assert!(matches!(probe("none.msg"), Err(storage::Error::Changed { .. })));
    fs::hard_link(folder.path(), folder.folder.path().join("b.msg")).unwrap();
    let error = probe("a.msg").unwrap_err();
    assert!(matches!(error, storage::Error::Linked { links: 2, .. }), "{error}");
    assert_eq!(folder.names(), ["a.msg", "b.msg"]);
}

/// The save of an immutable file would fail, after the program was told that all is well.
#[test]
fn an_immutable_file_is_known_before() {
    let folder = Folder::new(&letter());
    let opened = File::open(folder.folder.path()).unwrap();
    let file = File::open(folder.path()).unwrap();
    for flag in [IFlags::IMMUTABLE, IFlags::APPEND] {
        let before = rustix::fs::ioctl_getflags(&file).unwrap_or(IFlags::empty());
        if let Err(error) = rustix::fs::ioctl_setflags(&file, before | flag) {
            println!("SKIPPED: no file can be made immutable: {error}");
            return;
        }
        let probed = storage::can_replace(&opened, OsStr::new("a.msg"));
        rustix::fs::ioctl_setflags(&file, before).unwrap();
        let error = probed.unwrap_err();
        assert!(matches!(error, storage::Error::Replace { .. }), "{error}");
        assert_eq!(folder.names(), ["a.msg"]);
        storage::can_replace(&opened, OsStr::new("a.msg")).unwrap();
    }
}

/// The other name would keep the old content.
#[test]
fn a_file_of_several_names_is_not_split() {
    let folder = Folder::new(&letter());
    fs::hard_link(folder.path(), folder.folder.path().join("b.msg")).unwrap();
    let expected = FileState::from(&folder.path().metadata().unwrap());
    let snapshot = CompoundFile::open(Source::from_bytes(letter())).unwrap();
    let opened = File::open(folder.folder.path()).unwrap();
    let saved = storage::replace(&opened, OsStr::new("a.msg"), Some(expected), &snapshot);
    assert!(matches!(saved, Err(storage::Error::Linked { .. })), "{saved:?}");
    assert_eq!(folder.path().metadata().unwrap().nlink(), 2);
    assert_eq!(folder.names(), ["a.msg", "b.msg"]);
}

#[test]
fn bytes_are_put_in_place_with_their_time() {
    let folder = Folder::new(&letter());
    let opened = File::open(folder.folder.path()).unwrap();
    let name = OsStr::new("b.msg");
    let early = UNIX_EPOCH - Duration::new(5, 250_000_000);
    let late = SystemTime::now() - Duration::new(100_000, 0);
    let mut expected = None;
    for (len, modified) in [(0, early), (100, late), (3_000_000_usize, early)] {
        let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
        let source = Source::from_bytes(bytes.clone());
        let noted = std::cell::Cell::new(None);
        let note = |state| {
            noted.set(Some(state));
            Ok(())
        };
        let replacement = Replacement {
            modified: Some(modified),
            note: Some(&note),
            ..Replacement::of_bytes(&source, expected)
        };
        let metadata = replacement.run(&opened, name).unwrap();
        let (state, noted) = (FileState::from(&metadata), noted.get().unwrap());
        assert_eq!(metadata.modified().unwrap(), modified);
        // All that a rename changes of a file is its ctime.
        assert_eq!(FileState { ctime: noted.ctime, ..state }, noted);
        assert!(fs::read(folder.folder.path().join(name)).unwrap() == bytes);
        expected = Some(state);
    }
    let source = Source::from_bytes(Vec::new());
    let refused = Replacement::of_bytes(&source, None).run(&opened, name);
    assert!(matches!(refused, Err(storage::Error::Exists { .. })), "{refused:?}");
    assert_eq!(folder.names(), ["a.msg", "b.msg"]);
}
