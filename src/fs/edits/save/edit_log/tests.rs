//! The log as the filesystem uses it: with several mounts, one after the other and at once.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// A state folder, and a source with one message that is no message: the log does not look.
struct World {
    state: TempDir,
    source: TempDir,
}

const MESSAGE: &str = "sub/A.msg";

impl World {
    fn new() -> Self {
        let world = Self { state: TempDir::new().unwrap(), source: TempDir::new().unwrap() };
        std::fs::create_dir(world.source.path().join("sub")).unwrap();
        std::fs::write(world.file(), "source").unwrap();
        world
    }

    fn file(&self) -> PathBuf {
        self.source.path().join(MESSAGE)
    }

    fn state(&self, path: &Path) -> Option<FileState> {
        let metadata = self.source.path().join(path).metadata().ok()?;
        Some(FileState::from(&metadata))
    }

    fn state_folder(&self) -> StateFolder {
        let folder = StateFolder::find(Some(&self.state.path().join("msgfs"))).unwrap();
        folder.prepare(None).unwrap();
        folder
    }

    fn open(&self) -> (EditLog, Vec<LeftOver>) {
        self.open_for(self.source.path(), None)
    }

    fn open_for(&self, root: &Path, one: Option<&Path>) -> (EditLog, Vec<LeftOver>) {
        let state_of = |path: &Path| {
            root.join(path).metadata().ok().map(|metadata| FileState::from(&metadata))
        };
        let scope = SourceScope { root, one, state_of: &state_of };
        let (log, left) = EditLog::open(self.state_folder(), scope).unwrap();
        let folders: BTreeSet<_> =
            left.edits.iter().map(|left| left.path.parent().unwrap().to_owned()).collect();
        assert!(left.folders.is_superset(&folders), "{left:?}");
        (log, left.edits)
    }

    fn append(&self, log: &EditLog, operation: &Operation) -> Sequence {
        let message = Path::new(MESSAGE);
        log.append(message, self.state(message), operation).unwrap()
    }

    /// The names in a folder of the state folder.
    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.state.path().join("msgfs").join(folder)) else {
            return Vec::new();
        };
        let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Everything that is in the state folder, which only the user may look into.
    fn check_private(&self) {
        let mut folders = vec![self.state.path().join("msgfs")];
        while let Some(folder) = folders.pop() {
            assert_eq!(
                folder.metadata().unwrap().permissions().mode() & 0o7777,
                0o700,
                "{folder:?}"
            );
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
                match path.is_dir() {
                    true => folders.push(path),
                    false => assert_eq!(mode, 0o600, "{path:?}"),
                }
            }
        }
    }
}

/// As a process that is killed: nothing is tidied up, and its lock is gone.
fn kill(log: EditLog) {
    let mut log = std::mem::ManuallyDrop::new(log);
    log._lock = File::open("/dev/null").unwrap();
}

fn value(bytes: &[u8]) -> Arc<Source> {
    Arc::new(Source::from_bytes(bytes.to_vec()))
}

fn set(path: &str, bytes: &[u8]) -> Operation {
    Operation::Set { path: path.into(), value: value(bytes) }
}

fn bytes_of(value: &Source) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(value.len()).unwrap()];
    assert_eq!(value.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

/// The path and the bytes of each value that is set.
fn sets(left: &LeftOver) -> Vec<(String, Vec<u8>)> {
    let set = |edit: &Edit| match &edit.operation {
        Operation::Set { path, value } => Some((path.clone(), bytes_of(value))),
        _ => None,
    };
    left.edits.iter().filter_map(set).collect()
}

fn large(seed: u8) -> Vec<u8> {
    (0..700_000_u32).map(|number| number.to_le_bytes()[1] ^ seed).collect()
}

#[test]
fn what_a_killed_mount_left_is_given_to_the_next_in_order() {
    let world = World::new();
    let (log, left) = world.open();
    assert!(left.is_empty());
    let before = SystemTime::now();
    world.append(&log, &set("subject", b"one\n"));
    world.append(&log, &set("attachments/large", &large(1)));
    world.append(&log, &Operation::Remove { path: "cc".into() });
    let rename = Operation::Rename { from: "attachments/a".into(), to: "attachments/b".into() };
    world.append(&log, &rename);
    world.append(&log, &Operation::CreateMessage { path: "attachments/i.msg".into() });
    world.append(&log, &Operation::Temporary { path: "4913".into(), value: value(b"t") });
    world.append(&log, &set("subject", b"two\n"));
    world.check_private();
    kill(log);

    let (log, left) = world.open();
    let [left] = &left[..] else { panic!("{left:?}") };
    assert_eq!((left.path.as_path(), left.is_unchanged), (Path::new(MESSAGE), true));
    assert_eq!(left.base, world.state(Path::new(MESSAGE)));
    assert!(left.since >= before && left.since <= SystemTime::now());
    let expected = [
        ("subject".to_owned(), b"one\n".to_vec()),
        ("attachments/large".to_owned(), large(1)),
        ("subject".to_owned(), b"two\n".to_vec()),
    ];
    assert_eq!(sets(left), expected);
    assert!(matches!(&left.edits[2].operation, Operation::Remove { path } if path == "cc"));
    assert!(
        matches!(&left.edits[3].operation, Operation::Rename { from, .. } if from == "attachments/a")
    );
    assert!(matches!(&left.edits[4].operation, Operation::CreateMessage { .. }));
    assert!(matches!(&left.edits[5].operation, Operation::Temporary { .. }));
    // They are in the log of this mount now, and later ones follow them.
    let last = left.edits.last().unwrap().sequence;
    assert_eq!(log.last(Path::new(MESSAGE)), Some(last));
    assert!(world.append(&log, &set("to", b"a@b.cc\n")) > last);
    kill(log);
    let (log, left) = world.open();
    assert_eq!(left[0].edits.len(), 8);
    log.saved(Path::new(MESSAGE), left[0].edits[7].sequence, left[0].base.unwrap()).unwrap();
    assert!(log.unsaved().is_empty());
    drop(log);
    assert_eq!(world.names("edits"), ["lock"]);
}

#[test]
fn a_save_removes_what_it_contained() {
    let world = World::new();
    let message = Path::new(MESSAGE);
    let (log, _) = world.open();
    world.append(&log, &set("subject", b"one"));
    let upto = world.append(&log, &set("attachments/a", &large(1)));
    world.append(&log, &set("attachments/b", &large(2)));
    world.append(&log, &set("to", b"three"));
    std::fs::write(world.file(), "saved").unwrap();
    let state = world.state(message).unwrap();
    log.saved(message, upto, state).unwrap();
    assert_eq!(log.unsaved().len(), 1);
    let last = world.append(&log, &set("cc", b"four"));
    kill(log);
    let (log, left) = world.open();
    let wanted = ["attachments/b", "to", "cc"].map(str::to_owned);
    assert!(left[0].is_unchanged);
    assert_eq!(sets(&left[0]).into_iter().map(|(path, _)| path).collect::<Vec<_>>(), wanted);
    assert_eq!(sets(&left[0])[0].1, large(2));
    log.saved(message, last, state).unwrap();
    assert_eq!(log.last(message), None);
    kill(log);
    assert!(world.open().1.is_empty());
}

/// The process dies between the rename of a save and the end of the log.
#[test]
fn a_save_that_was_done_is_known_though_nobody_said_so() {
    for (behind, is_renamed) in [(false, true), (true, true), (false, false), (true, false)] {
        let world = World::new();
        let message = Path::new(MESSAGE);
        let (log, _) = world.open();
        let upto = world.append(&log, &set("subject", b"one"));
        let new = world.source.path().join("new");
        std::fs::write(&new, "saved").unwrap();
        let state = world.state(Path::new("new")).unwrap();
        log.committing(message, upto, state).unwrap();
        if behind {
            world.append(&log, &set("to", b"two"));
        }
        if is_renamed {
            std::fs::rename(new, world.file()).unwrap();
        }
        kill(log);
        let (_log, left) = world.open();
        let found: Vec<_> = left.iter().flat_map(sets).map(|(path, _)| path).collect();
        let expected: &[&str] = match (behind, is_renamed) {
            (false, true) => &[],
            (true, true) => &["to"],
            (false, false) => &["subject"],
            (true, false) => &["subject", "to"],
        };
        assert_eq!(found, expected, "{behind} {is_renamed}");
        assert!(left.iter().all(|left| left.is_unchanged));
    }
}

/// The names of attachments are those of the file in which the edits are made: of the one that a
/// save has put in place, if it did.
#[test]
fn edits_have_the_names_of_their_file() {
    let named = |name: &str| vec![("/__ATTACH".to_owned(), name.to_owned())];
    for saves in 0..=2 {
        let world = World::new();
        let message = Path::new(MESSAGE);
        let (log, _) = world.open();
        let edit = |name: &str| {
            let file = EditedFile { state: world.state(message), names: named(name) };
            log.append(message, file, &set(name, b"x")).unwrap()
        };
        assert!(log.wants_names(message));
        edit("0");
        for save in ["1", "2"] {
            let upto = log.last(message).unwrap();
            let new = world.source.path().join(save);
            std::fs::write(&new, save).unwrap();
            log.committing(message, upto, world.state(Path::new(save)).unwrap()).unwrap();
            if save.parse::<usize>().unwrap() <= saves {
                std::fs::rename(new, world.file()).unwrap();
            }
            assert!(log.wants_names(message));
            edit(save);
            assert!(!log.wants_names(message));
            // Names that are known already are not stored again.
            edit("later");
        }
        kill(log);
        // The log that has taken the place of the first one has them, too.
        for _ in 0..2 {
            let (log, left) = world.open();
            assert_eq!(left[0].names, named(&saves.to_string()), "{saves}");
            let first = sets(&left[0]).into_iter().next().unwrap().0;
            assert_eq!(first, saves.to_string());
            kill(log);
        }
    }
}

/// The folder of a save could not be synced, the next save failed before its rename, and a program
/// set the time of the file: what the first save contained is in it all the same.
#[test]
fn a_save_is_known_whatever_came_after_it() {
    let world = World::new();
    let message = Path::new(MESSAGE);
    let (log, _) = world.open();
    let edit = |path: &str, name: &str| {
        let names = vec![("/__ATTACH".to_owned(), name.to_owned())];
        let file = EditedFile { state: world.state(message), names };
        log.append(message, file, &set(path, b"x")).unwrap()
    };
    let upto = edit("subject", "old");
    std::fs::write(world.file(), "saved").unwrap();
    let saved = world.state(message).unwrap();
    log.committing(message, upto, saved).unwrap();
    let failed = FileState { size: 9, ..saved };
    log.committing(message, upto, failed).unwrap();
    edit("to", "new");
    let time = SystemTime::now() - Duration::from_secs(1000);
    File::options().append(true).open(world.file()).unwrap().set_modified(time).unwrap();
    log.rebase(message, saved, world.state(message).unwrap());
    edit("cc", "newer");
    kill(log);
    let (_log, left) = world.open();
    let paths: Vec<_> = sets(&left[0]).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["to", "cc"]);
    assert!(left[0].is_unchanged);
    assert_eq!(left[0].names, [("/__ATTACH".to_owned(), "new".to_owned())]);
}

#[test]
fn a_source_that_others_changed_is_told() {
    let changes: [fn(&Path); 3] = [
        |file| std::fs::write(file, "other!").unwrap(),
        |file| std::fs::remove_file(file).unwrap(),
        |file| {
            let other = file.with_extension("other");
            std::fs::write(&other, "source").unwrap();
            std::fs::rename(other, file).unwrap();
        },
    ];
    for change in changes {
        let world = World::new();
        let (log, _) = world.open();
        world.append(&log, &set("subject", b"mine"));
        kill(log);
        change(&world.file());
        let (log, left) = world.open();
        assert!(!left[0].is_unchanged);
        let kept = log.keep(Path::new(MESSAGE), "changed by another program", None).unwrap();
        assert_eq!(std::fs::read(kept.join("subject")).unwrap(), b"mine");
        assert_eq!(kept.file_name().unwrap(), "A.msg.d");
        drop(log);
        assert!(world.open().1.is_empty());
    }
}

#[test]
fn an_edit_that_was_cut_off_counts_for_nothing() {
    let world = World::new();
    let (log, _) = world.open();
    world.append(&log, &set("subject", b"one"));
    world.append(&log, &set("to", b"two"));
    let path = log.folder.join("1/log");
    kill(log);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    let (log, left) = world.open();
    assert_eq!(sets(&left[0]), [("subject".to_owned(), b"one".to_vec())]);
    // What follows takes the place of the rest.
    world.append(&log, &set("cc", b"three"));
    kill(log);
    let paths: Vec<_> = sets(&world.open().1[0]).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["subject", "cc"]);
}

#[test]
fn the_last_edit_is_taken_back() {
    let world = World::new();
    let message = Path::new(MESSAGE);
    let (log, _) = world.open();
    let first = world.append(&log, &set("subject", b"one"));
    let second = world.append(&log, &set("attachments/a", &large(3)));
    assert!(log.take_back(message, first).is_err());
    log.take_back(message, second).unwrap();
    assert_eq!(log.last(message), Some(first));
    log.take_back(message, first).unwrap();
    assert_eq!(log.last(message), None);
    world.append(&log, &set("to", b"x"));
    kill(log);
    assert_eq!(sets(&world.open().1[0]), [("to".to_owned(), b"x".to_vec())]);
}

#[test]
fn two_mounts_of_one_source_do_not_see_each_other() {
    let world = World::new();
    let (one, _) = world.open();
    world.append(&one, &set("subject", b"one"));
    let (two, left) = world.open();
    assert!(left.is_empty());
    world.append(&two, &set("subject", b"two"));
    let pending = list_pending(&world.state_folder()).unwrap();
    assert_eq!(pending.len(), 2);
    assert!(pending.iter().all(|one| one.is_mounted && one.message == world.file()));
    two.discard(Path::new(MESSAGE)).unwrap();
    drop(two);
    kill(one);
    assert!(!list_pending(&world.state_folder()).unwrap()[0].is_mounted);
    assert_eq!(sets(&world.open().1[0]), [("subject".to_owned(), b"one".to_vec())]);
}

#[test]
fn a_mount_above_or_of_the_message_alone_takes_over() {
    for one in [false, true] {
        let world = World::new();
        let sub = world.source.path().join("sub");
        let (log, _) = world.open_for(&sub, None);
        let state = world.state(Path::new(MESSAGE));
        for name in ["A.msg", "B.msg"] {
            log.append(Path::new(name), state, &set("subject", name.as_bytes())).unwrap();
        }
        kill(log);
        let elsewhere = TempDir::new().unwrap();
        assert!(world.open_for(elsewhere.path(), None).1.is_empty());
        let (_log, left) = match one {
            true => world.open_for(&sub, Some(Path::new("A.msg"))),
            false => world.open(),
        };
        let found: Vec<_> = left.iter().map(|left| left.path.to_str().unwrap()).collect();
        let expected: &[&str] = if one { &["A.msg"] } else { &["sub/A.msg", "sub/B.msg"] };
        assert_eq!(found, expected);
        assert_eq!(list_pending(&world.state_folder()).unwrap().len(), 2);
    }
}

/// As after a chmod through the mount.
#[test]
fn edits_of_a_file_that_msgfs_itself_has_changed_are_still_its_edits() {
    let world = World::new();
    let (log, _) = world.open();
    let message = Path::new(MESSAGE);
    world.append(&log, &set("subject", b"one"));
    let known = world.state(message).unwrap();
    std::fs::write(world.file(), "changed").unwrap();
    log.rebase(message, known, world.state(message).unwrap());
    log.append(message, None, &set("to", b"two")).unwrap();
    kill(log);
    let (_log, left) = world.open();
    assert_eq!((left.len(), left[0].path.as_path(), left[0].is_unchanged), (1, message, true));
    assert_eq!(left[0].edits.len(), 2);
}

#[test]
fn kept_edits_are_plain_files() {
    let world = World::new();
    let long = OsString::from_vec([b"\xFF\n".as_slice(), &[b'n'; 249], b".msg"].concat());
    assert_eq!(long.len(), 255);
    let message = PathBuf::from(&long);
    let (log, _) = world.open();
    let append = |operation: &Operation| log.append(&message, None, operation).unwrap();
    let attachment = "é".repeat(125) + ".text";
    let deep = format!("attachments/{attachment}.msg/").repeat(20);
    append(&set("subject", b"old"));
    append(&set("subject", b"new"));
    append(&set("gone", b"x"));
    append(&Operation::Remove { path: "gone".into() });
    append(&set(&format!("attachments/{attachment}"), &large(4)));
    append(&set("attachments/i.msg", b"file first"));
    append(&set("attachments/i.msg/subject", b"then a message"));
    append(&set("attachments/x", b"renamed"));
    append(&Operation::Rename { from: "attachments/x".into(), to: "attachments/y".into() });
    append(&set("../../escape", b"stays"));
    append(&set(&format!("{}subject", deep.replace(&attachment, "inner-inner")), b"deep"));
    let kept = log.keep(&message, "a reason\nof two lines", None).unwrap();
    let again =
        log.keep_files(&message, &[("body.txt".to_owned(), value(b"half"))], "cut off").unwrap();
    let read = |path: &str| std::fs::read(kept.join(path)).unwrap();
    assert_eq!(read("subject"), b"new");
    assert_eq!(read(&format!("attachments/{attachment}")), large(4));
    assert_eq!(read("attachments/i.msg"), b"file first");
    assert_eq!(read("attachments/i (2).msg/subject"), b"then a message");
    assert_eq!(read("attachments/y"), b"renamed");
    assert_eq!(read("escape"), b"stays");
    assert!(!kept.join("gone").exists());
    let list = String::from_utf8(read("EDITS")).unwrap();
    assert!(list.contains("\nreason\ta reason of two lines\n"), "{list}");
    assert!(list.contains("\nremoved\tgone\n"), "{list}");
    assert!(list.contains("\nrenamed\tattachments/x\tattachments/y\n"), "{list}");
    assert_eq!(list.matches("set\tsubject\n").count(), 1, "{list}");
    assert_eq!(std::fs::read(again.join("body.txt")).unwrap(), b"half");
    let listed = list_kept(&world.state_folder()).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed[0].message.contains("\\xff\\nnnn"), "{listed:?}");
    assert!(listed.iter().all(|kept| kept.whole.is_none() && !kept.since.is_empty()));
    world.check_private();
    assert!(log.unsaved().is_empty());
    drop(log);
    assert_eq!(world.names("edits"), ["lock"]);
}

/// What a large buffer was written to becomes part of the log without being copied.
#[test]
fn a_spool_file_is_taken_over() {
    let world = World::new();
    let (log, _) = world.open();
    let file = log.spool().file().unwrap();
    file.write_all_at(&large(6), 0).unwrap();
    let inode = FileState::from(&file.metadata().unwrap()).inode;
    let source = Arc::new(Source::from_file(file).unwrap().0);
    let sequence =
        world.append(&log, &Operation::Set { path: "attachments/a".into(), value: source });
    let stored = log.folder.join(format!("1/{}", sequence.0));
    assert_eq!(FileState::from(&stored.metadata().unwrap()).inode, inode);
    // A file that has a name is somebody else's.
    let other = world.source.path().join("other");
    std::fs::write(&other, large(7)).unwrap();
    let source = Arc::new(Source::from_file(File::open(&other).unwrap()).unwrap().0);
    world.append(&log, &Operation::Set { path: "attachments/b".into(), value: source });
    std::fs::write(&other, "overwritten").unwrap();
    world.check_private();
    log.sync(Path::new(MESSAGE)).unwrap();
    kill(log);
    let left = world.open().1;
    let values: Vec<_> = sets(&left[0]).into_iter().map(|(_, value)| value).collect();
    assert!(values == [large(6), large(7)]);
}

/// The backup of a large value and the value need room for it once.
#[test]
fn a_spool_file_is_shared() {
    let world = World::new();
    let (log, _) = world.open();
    let file = log.spool().file().unwrap();
    file.write_all_at(&large(6), 0).unwrap();
    let inode = FileState::from(&file.metadata().unwrap()).inode;
    let value = Arc::new(Source::from_file(file).unwrap().0);
    let inode_of = |path: &Path| FileState::from(&path.metadata().unwrap()).inode;
    let copy = log.copy_temporary(Path::new(MESSAGE), "a~", Arc::clone(&value)).unwrap();
    let sequence =
        world.append(&log, &Operation::Set { path: "body.txt".into(), value: Arc::clone(&value) });
    let files = [("body.txt".to_owned(), Arc::clone(&value))];
    let kept = log.keep_files(Path::new(MESSAGE), &files, "refused").unwrap();
    let stored = log.folder.join(format!("2/{}", sequence.0));
    for path in [log.folder.join("1/1"), stored.clone()] {
        assert_eq!(inode_of(&path), inode, "{path:?}");
    }
    // The user may change what is kept.
    assert_ne!(inode_of(&kept.join("body.txt")), inode);
    let half = log.spool().file().unwrap();
    half.write_all_at(&large(6), 0).unwrap();
    let half = Arc::new(Source::from_file(half).unwrap().0);
    let files = ["body.txt", "body.txt.bak"].map(|name| (name.to_owned(), Arc::clone(&half)));
    let kept = log.keep_files(Path::new(MESSAGE), &files, "refused").unwrap();
    assert_ne!(inode_of(&kept.join("body.txt")), inode_of(&kept.join("body.txt.bak")));
    world.check_private();
    // A kill has cut off the record of the next edit. The next edit that gets its number must not
    // write into the file that the others have.
    std::fs::hard_link(&stored, log.folder.join(format!("2/{}", sequence.0 + 1))).unwrap();
    world.append(&log, &set("attachments/b", &large(7)));
    drop(copy);
    kill(log);
    let left = world.open().1;
    let values: Vec<_> = sets(&left[0]).into_iter().map(|(_, value)| value).collect();
    assert!(values == [large(6), large(7)]);
}

/// Nobody was told that an edit was made whose log was not begun.
#[test]
fn a_log_that_was_not_begun_is_tidied_away() {
    let world = World::new();
    let (log, _) = world.open();
    let folder = log.folder.join("1");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("log.new"), "half a he").unwrap();
    kill(log);
    let (log, left) = world.open();
    assert!(left.is_empty(), "{left:?}");
    assert!(!folder.exists());
    world.append(&log, &set("subject", b"whole"));
    assert!(log.folder.join("1/log").exists() && !log.folder.join("1/log.new").exists());
}

#[test]
fn a_state_folder_that_cannot_be_used_is_refused() {
    let folder = TempDir::new().unwrap();
    let find = |path: &Path| StateFolder::find(Some(path)).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = find(&file.join("msgfs")).prepare(None).unwrap_err();
    assert!(matches!(refused, StateFolderError::Unusable { .. }), "{refused}");
    let refused = find(Path::new("/proc/msgfs")).prepare(None).unwrap_err();
    assert!(matches!(refused, StateFolderError::Unusable { .. }), "{refused}");
    let point = folder.path().join("mount");
    std::fs::create_dir(&point).unwrap();
    std::os::unix::fs::symlink(&point, folder.path().join("link")).unwrap();
    for inside in ["mount", "mount/state/msgfs", "link/state"] {
        let refused = find(&folder.path().join(inside)).prepare(Some(&point)).unwrap_err();
        assert!(matches!(refused, StateFolderError::BelowMountPoint { .. }), "{refused}");
    }
    assert_eq!(std::fs::read_dir(&point).unwrap().count(), 0);
    // One that others may look into is closed.
    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    find(&open).prepare(None).unwrap();
    assert_eq!(open.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
}
