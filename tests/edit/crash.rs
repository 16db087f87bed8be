//! A commit that fails or dies at any step: the file is wholly old or wholly new.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use msgfs::imsg::{
    Access, Address, Error, MapiProp as _, MapiPropMut as _, Message, RecipientType, Session,
    SessionOptions,
};
use msgfs::mapi::{Value, tags};
use msgfs::storage::{self, CompoundFile, Replacement, Source, Step};

use super::corpus::tree;
use super::target::{FileTarget, Folder, open};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

/// More than is put together in memory.
const LARGE_BYTES: usize = 5 * 1024 * 1024;
const EDITS: usize = 4;
const FOLDER: &str = "MSGFS_TEST_CRASH_FOLDER";
const EDIT: &str = "MSGFS_TEST_CRASH_EDIT";
const STEP: &str = "MSGFS_TEST_CRASH_STEP";

/// Streams by their paths.
type Streams = Vec<(String, Vec<u8>)>;

fn letter() -> MessageBuilder {
    MessageBuilder::mail("Before", ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z")
        .body("Before\n")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
        .attach(AttachmentBuilder::file("a.txt", "before"))
}

fn make(message: &Message, edit: usize) {
    match edit {
        0 => message.set_property(tags::PR_SUBJECT, &Value::String("After".into())).unwrap(),
        1 => {
            let to = Address { name: "Cy".into(), address: "cy@example.org".into() };
            message.set_recipients(RecipientType::To, &[to]).unwrap();
            message.delete_attachment(0).unwrap();
        }
        2 => {
            let attachment = message.create_attachment().unwrap();
            let bytes = Value::Binary(vec![7; LARGE_BYTES]);
            attachment.set_property(tags::PR_ATTACH_DATA_BIN, &bytes).unwrap();
            attachment.save_changes().unwrap();
        }
        _ => message.set_property(tags::PR_BODY, &Value::String("New".into())).unwrap(),
    }
}

/// Opens the message of an edit; that of the last one is new, and has no file.
fn open_for(session: &Session, folder: &Path, edit: usize, target: Arc<FileTarget>) -> Message {
    if edit + 1 == EDITS {
        return session.create_message(target).unwrap();
    }
    let storage = open(&folder.join("a.msg")).root();
    session.open_message(&storage, Access::ReadWrite(target)).unwrap()
}

fn begin(edit: usize) -> Folder {
    let folder = Folder::new(&letter().to_bytes());
    if edit + 1 == EDITS {
        std::fs::remove_file(folder.path()).unwrap();
    }
    folder
}

/// What the file is, without what the time of day decides.
fn state(path: &Path) -> Option<Streams> {
    if !path.exists() {
        return None;
    }
    let file = open(path);
    assert_eq!(file.defects(), []);
    let streams = tree(&file.root()).into_iter();
    let streams = streams.filter(|(name, _)| !name.ends_with("__properties_version1.0"));
    Some(streams.filter(|(name, _)| !name.ends_with("__substg1.0_300B0102")).collect())
}

/// The steps of a commit of an edit, those worth to be failed: of many writes some.
fn steps(edit: usize) -> Vec<(usize, Step)> {
    let folder = begin(edit);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let fault = {
        let seen = Arc::clone(&seen);
        Box::new(move |step| {
            seen.lock().unwrap().push(step);
            Ok(())
        })
    };
    let target = FileTarget::with(folder.folder.path(), "a.msg", fault, true);
    let message = open_for(&folder.session, folder.folder.path(), edit, target);
    make(&message, edit);
    message.save_changes().unwrap();
    let seen: Vec<_> = std::mem::take(&mut *seen.lock().unwrap());
    let writes = seen.iter().filter(|step| **step == Step::Write).count();
    let stride = (writes / 12).max(1);
    let is_worth = |number: usize, step: Step| step != Step::Write || number.is_multiple_of(stride);
    seen.into_iter().enumerate().filter(|(number, step)| is_worth(*number, *step)).collect()
}

/// The states before and after an edit.
fn states(edit: usize) -> [Option<Streams>; 2] {
    let folder = begin(edit);
    let before = state(&folder.path());
    let target = FileTarget::new(folder.folder.path(), "a.msg");
    let message = open_for(&folder.session, folder.folder.path(), edit, target);
    make(&message, edit);
    message.save_changes().unwrap();
    [before, state(&folder.path())]
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was_and_the_edits_open() {
    for edit in 0..EDITS {
        let [before, after] = states(edit);
        for (number, step) in steps(edit) {
            let folder = begin(edit);
            let count = AtomicUsize::new(0);
            let fault = Box::new(move |_| {
                let full = count.fetch_add(1, Ordering::SeqCst) == number;
                if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            });
            let target = FileTarget::with(folder.folder.path(), "a.msg", fault, true);
            let message = open_for(&folder.session, folder.folder.path(), edit, target);
            make(&message, edit);
            let error = message.save_changes().unwrap_err();
            let causes: Vec<_> =
                std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source())
                    .collect();
            assert!(
                causes.iter().any(|cause| cause
                    .downcast_ref::<io::Error>()
                    .is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)),
                "{edit} {step:?}: {causes:?}"
            );
            let expected = if step == Step::SyncFolder { &after } else { &before };
            assert!(state(&folder.path()) == *expected, "{edit} {step:?} {number}");
            let names: &[&str] = if expected.is_some() { &["a.msg"] } else { &[] };
            assert_eq!(folder.names(), names, "{edit} {step:?} {number}");
            assert!(message.is_unsaved());
            message.save_changes().unwrap();
            assert!(state(&folder.path()) == after, "{edit} {step:?} {number}: saved again");
            assert_eq!(folder.names(), ["a.msg"]);
        }
    }
}

/// Runs in a process of its own, and dies in the middle of a commit.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let number = |name: &str| std::env::var(name).unwrap().parse::<usize>().unwrap();
    let (edit, last) = (number(EDIT), number(STEP));
    let count = AtomicUsize::new(0);
    let fault = Box::new(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == last {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .unwrap();
        }
        Ok(())
    });
    let target = FileTarget::with(Path::new(&folder), "a.msg", fault, true);
    let session = Session::open(SessionOptions::default());
    let message = open_for(&session, Path::new(&folder), edit, target);
    make(&message, edit);
    message.save_changes().unwrap();
}

#[test]
fn a_process_that_is_killed_at_any_step_leaves_an_old_or_a_new_file() {
    for edit in 0..EDITS {
        let [before, after] = states(edit);
        for (number, step) in steps(edit) {
            let folder = begin(edit);
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "edit::crash::child", "--test-threads=1"])
                .env(FOLDER, folder.folder.path())
                .env(EDIT, edit.to_string())
                .env(STEP, number.to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(!child.success(), "{edit} {step:?}: it was killed");
            let is_old = state(&folder.path()) == before;
            assert!(is_old || state(&folder.path()) == after, "{edit} {step:?} {number}");
            assert_eq!(is_old, step <= Step::Rename, "{edit} {step:?} {number}");
            let left = folder.names().iter().filter(|name| name.starts_with(".msgfs-")).count();
            let removed = storage::remove_leftovers(File::open(folder.folder.path()).unwrap());
            assert_eq!(removed.unwrap(), left, "{edit} {step:?} {number}");
            assert!(folder.names().iter().all(|name| name == "a.msg"), "{:?}", folder.names());
        }
    }
}

#[test]
fn leftovers_of_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in [".msgfs-0123456789ab.tmp", ".msgfs-x.tmp", "a.tmp", ".msgfs-0123456789zz.tmp"] {
        std::fs::write(path(name), "x").unwrap();
    }
    let locked = File::create(path(".msgfs-00000000000f.tmp")).unwrap();
    locked.lock().unwrap();
    std::fs::create_dir(path(".msgfs-00000000000d.tmp")).unwrap();
    std::os::unix::fs::symlink("a.tmp", path(".msgfs-00000000000e.tmp")).unwrap();
    let opened = File::open(folder.path()).unwrap();
    assert_eq!(storage::remove_leftovers(&opened).unwrap(), 1);
    assert!(!path(".msgfs-0123456789ab.tmp").exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 6);
    drop(locked);
    assert_eq!(storage::remove_leftovers(&opened).unwrap(), 1);
}

#[test]
fn a_file_changed_by_others_is_never_overwritten() {
    let changes: [fn(&Path); 4] = [
        |path| std::fs::write(path, "theirs").unwrap(),
        |path| std::fs::remove_file(path).unwrap(),
        |path| {
            let other = path.with_extension("other");
            std::fs::write(&other, "theirs").unwrap();
            std::fs::rename(other, path).unwrap();
        },
        |path| {
            std::fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("elsewhere", path).unwrap();
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        for late in [false, true] {
            let folder = Folder::new(&letter().to_bytes());
            let (path, change) = (folder.path(), *change);
            let fault: super::target::Fault = match late {
                false => Box::new(|_| Ok(())),
                true => Box::new(move |step| {
                    if step == Step::Sync {
                        change(&path);
                    }
                    Ok(())
                }),
            };
            let message =
                folder.write_to(FileTarget::with(folder.folder.path(), "a.msg", fault, true));
            make(&message, 0);
            if !late {
                change(&folder.path());
            }
            let error = message.save_changes().unwrap_err();
            let changed = matches!(error, Error::Storage(storage::Error::Changed { .. }));
            assert!(changed, "{number} {late}: {error}");
            assert_ne!(folder.names().len(), 2, "{number} {late}: {:?}", folder.names());
            assert_ne!(std::fs::read(folder.path()).unwrap_or_default().first(), Some(&0xD0));
            assert_eq!(message.text(tags::PR_SUBJECT).as_deref(), Some("After"));
        }
    }
}

#[test]
fn a_new_file_takes_the_place_of_none() {
    let folder = Folder::new(b"theirs");
    let snapshot = CompoundFile::open(Source::from_bytes(letter().to_bytes())).unwrap();
    let opened = File::open(folder.folder.path()).unwrap();
    for late in [false, true] {
        let path = folder.path();
        let hook = move |step: Step| {
            match step {
                Step::Check if late => std::fs::remove_file(&path)?,
                Step::Rename if late => std::fs::write(&path, "theirs")?,
                _ => {}
            }
            Ok(())
        };
        let name = OsStr::new("a.msg");
        let replacement = Replacement { hook: Some(&hook), ..Replacement::of(&snapshot, None) };
        let error = replacement.run(&opened, name).unwrap_err();
        assert!(matches!(error, storage::Error::Exists { .. }), "{error}");
        assert_eq!(std::fs::read(folder.path()).unwrap(), b"theirs");
        assert_eq!(folder.names(), ["a.msg"]);
    }
}
