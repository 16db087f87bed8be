//! What reading gives: the same bytes however they are asked for, and nothing else happens.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{MessageTree, Show};

use super::folder::{Folder, large, letter, numbers, parcel};
use super::mounted::Mounted;
use super::process::{MOMENT, wait_until};
use super::walk;
use crate::browse::Browser;

/// The size of a file, asked for before it is opened, is the number of bytes that it has: from
/// the page cache and past it.
#[test]
fn sizes_are_exact() {
    let source = Folder::of_everything();
    let Some(mount) = Mounted::new(source.path(), "show=all") else { return };
    let mut count = 0;
    for path in walk(mount.root()) {
        let metadata = path.symlink_metadata().unwrap();
        if !metadata.is_file() {
            continue;
        }
        let direct = read_direct(&path);
        assert_eq!(direct.len() as u64, metadata.len(), "{path:?}");
        assert!(fs::read(&path).unwrap() == direct, "{path:?}");
        count += 1;
    }
    assert!(count > 300, "{count} files");
}

/// Any range of a file can be read, at any offset, past the end too.
#[test]
fn every_range_can_be_read() {
    let source = Folder::new()
        .with("parcel.msg", parcel().to_bytes())
        .with("large.msg", large().to_bytes())
        .with("other.bin", numbers(100_000));
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let message = large().to_bytes();
    for (path, expected) in [
        ("parcel.msg/attachments/numbers.bin", &numbers(100_000)),
        ("large.msg/attachments/large.bin", &numbers(700_001)),
        ("large.msg/message.msg", &message),
        ("other.bin", &numbers(100_000)),
    ] {
        let path = mount.path(path);
        let direct = File::options().read(true).custom_flags(libc::O_DIRECT).open(&path).unwrap();
        for file in [direct, File::open(&path).unwrap()] {
            check_ranges(&path, &file, expected);
        }
    }
}

fn check_ranges(path: &Path, mut file: &File, expected: &[u8]) {
    let len = expected.len();
    for offset in [0, 1, 511, 512, 4095, 4096, 4097, len / 2, len - 1, len, len + 1, len + 4096] {
        for size in [1, 7, 512, 4096, 70_000] {
            let mut buffer = vec![0; size];
            let read = file.read_at(&mut buffer, offset as u64).unwrap();
            let range = offset.min(len)..(offset + size).min(len);
            assert!(buffer[..read] == expected[range], "{path:?}: {size} at {offset}");
        }
    }
    assert_eq!(file.read_at(&mut [0; 9], i64::MAX as u64 - 9).unwrap_or(0), 0);
    let mut rest = Vec::new();
    assert_eq!(file.seek(SeekFrom::End(-5)).unwrap(), len as u64 - 5);
    file.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, expected[len - 5..]);
    file.seek(SeekFrom::End(1000)).unwrap();
    assert_eq!(file.read(&mut [0; 9]).unwrap(), 0);
    assert!(file.seek(SeekFrom::Current(i64::MIN)).is_err());
}

/// `message.msg` of a message is the file itself, and that of an embedded one a valid file.
#[test]
fn message_msg_is_a_message() {
    let source = Folder::of_everything();
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for name in ["letter.msg", "parcel.msg", "large.msg", "template.oft"] {
        let stored = fs::read(source.join(name)).unwrap();
        assert!(mount.read(format!("{name}/message.msg")) == stored, "{name}");
    }
    let outer = "parcel.msg/attachments/Outer: with_slash.msg";
    for (path, subject) in [
        (outer.to_owned(), "Outer: with/slash\n"),
        (format!("{outer}/attachments/Inner.msg"), "Inner\n"),
    ] {
        let session = Session::open(SessionOptions::default());
        let bytes = mount.read(format!("{path}/message.msg"));
        let tree = MessageTree::open(&session, Source::from_bytes(bytes), Show::default()).unwrap();
        let root = msgfs::view::NodeId(0);
        let found = Browser::new(&tree).read(root, "subject").unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), subject);
        assert_eq!(tree.defects(), []);
    }
}

/// A cache that holds no two messages gives the same bytes, to readers at the same time too.
#[test]
fn a_small_cache_gives_the_same_bytes() {
    let source = Folder::new();
    let expected: BTreeMap<_, _> =
        (0..200).map(|n| (format!("{n}.msg"), format!("Letter {n}\n"))).collect();
    for (name, subject) in &expected {
        source.put(name, letter(subject.trim_end()).to_bytes());
    }
    let Some(mount) = Mounted::new(source.path(), "cache=64K") else { return };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (name, subject) in &expected {
                    assert_eq!(&mount.text(format!("{name}/subject")), subject);
                    let body = mount.text(format!("{name}/body.txt"));
                    assert!(body.starts_with(&format!("This is {}.", subject.trim_end())));
                }
            });
        }
    });
    assert_eq!(mount.session("cache_bytes_max"), 64 << 10);
    assert!(mount.session("cache_bytes") <= 64 << 10);
    assert!(mount.session("cached_messages") < 20);
    assert_eq!(mount.session("open_messages"), mount.session("cached_messages"));
}

/// Reading everything leaves the bytes and the times of the source as they were.
#[test]
fn reading_changes_nothing() {
    let source = Folder::of_everything();
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let before: Vec<_> = walk(source.path())
        .into_iter()
        .map(|path| {
            let state = state(&path);
            // Older than the last change, so that a mount with relatime would renew it.
            File::open(&path).unwrap().set_times(FileTimes::new().set_accessed(then)).unwrap();
            (path, state)
        })
        .collect();
    {
        let Some(mount) = Mounted::new(source.path(), "show=all") else { return };
        for path in walk(mount.root()).into_iter().filter(|path| path.is_file()) {
            fs::read(&path).unwrap();
        }
    }
    // Files only: reading a folder's names may count as an access to it.
    for (path, state_before) in before.into_iter().filter(|(path, _)| path.is_file()) {
        assert_eq!(path.metadata().unwrap().accessed().unwrap(), then, "{path:?}");
        assert!(state(&path) == state_before, "{path:?}");
    }
}

/// Bytes and attributes of a source file, access and change time left out: the test sets one,
/// and with it the other.
fn state(path: &Path) -> (Option<Vec<u8>>, u32, i64, i64, u64) {
    let metadata = path.metadata().unwrap();
    let bytes = metadata.is_file().then(|| fs::read(path).unwrap());
    (bytes, metadata.mode(), metadata.mtime(), metadata.mtime_nsec(), metadata.nlink())
}

/// New, removed and replaced files of the source show. What was read is the old message or the
/// new one, never something of both.
#[test]
fn changes_of_the_source_show() {
    let source = Folder::new()
        .with("stays.msg", letter("Stays").to_bytes())
        .with("goes.msg", letter("Goes").to_bytes())
        .with("changes.msg", letter("Old").to_bytes())
        .with("notes.txt", "old");
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.names(""), ["changes.msg", "goes.msg", "notes.txt", "stays.msg"]);
    for name in ["stays", "goes", "changes"] {
        assert!(mount.read(format!("{name}.msg/body.txt")).starts_with(b"This is "));
    }
    let mut open = File::open(mount.path("changes.msg/body.txt")).unwrap();

    source.put("new.msg", letter("New").to_bytes());
    fs::remove_file(source.join("goes.msg")).unwrap();
    source.put("notes.txt", "much newer");
    fs::rename(source.put(".tmp", changed().to_bytes()), source.join("changes.msg")).unwrap();

    let expected = ["changes.msg", "new.msg", "notes.txt", "stays.msg"];
    wait_until("the new listing", MOMENT, || mount.names("") == expected);
    wait_until("the new file", MOMENT, || mount.path("new.msg/subject").exists());
    wait_until("the end of the old file", MOMENT, || !mount.path("goes.msg/subject").exists());
    wait_until("the new text", MOMENT, || mount.text("notes.txt") == "much newer");
    wait_until("the replaced message", MOMENT, || {
        let subject = mount.text("changes.msg/subject");
        assert!(["Old\n", "Changed\n"].contains(&subject.as_str()), "{subject}");
        subject == "Changed\n"
    });
    let body = "This is Changed.\nIt is quite another text and much longer than it was.";
    assert_eq!(mount.text("changes.msg/body.txt"), body);
    assert_eq!(mount.text("changes.msg/to"), "Bo Li <bo@example.org>\n");
    // A program that has the old file open reads that, or nothing.
    let mut old = String::new();
    let _ = open.read_to_string(&mut old);
    assert!(["", "This is Old.\nIt has two lines."].contains(&old.as_str()), "{old}");
}

fn changed() -> crate::fixture::MessageBuilder {
    letter("Changed")
        .body("This is Changed.\nIt is quite another text and much longer than it was.")
}

/// A program that has a file of a large message open reads on in the old message if another one
/// takes its name.
#[test]
fn a_large_message_that_is_replaced_is_read_on() {
    let source = Folder::new().with("a.msg", large().to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let mut open = File::open(mount.path("a.msg/attachments/large.bin")).unwrap();
    let mut start = [0; 4096];
    open.read_exact(&mut start).unwrap();
    fs::rename(source.put(".tmp", changed().to_bytes()), source.join("a.msg")).unwrap();
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).unwrap();
    assert!([start.as_slice(), &rest].concat() == numbers(700_001));
}

/// A source that is one file shows what it is replaced by, too.
#[test]
fn changes_of_a_source_that_is_one_file_show() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let Some(mount) = Mounted::new(&source.join("a.msg"), "") else { return };
    assert_eq!(mount.text("subject"), "Old\n");
    assert_eq!(mount.text("body.txt"), "This is Old.\nIt has two lines.");
    fs::rename(source.put(".tmp", changed().to_bytes()), source.join("a.msg")).unwrap();
    wait_until("the replaced message", MOMENT, || {
        fs::read_to_string(mount.path("subject")).is_ok_and(|subject| subject == "Changed\n")
    });
    // Each name is looked at again in its own second.
    let body = "This is Changed.\nIt is quite another text and much longer than it was.";
    wait_until("its body", MOMENT, || mount.text("body.txt") == body);
}

/// Reads a file past the page cache, which would cut it at the size it knows.
fn read_direct(path: &PathBuf) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = File::options().read(true).custom_flags(libc::O_DIRECT).open(path);
    let mut file = file.unwrap_or_else(|error| panic!("{path:?}: {error}"));
    file.read_to_end(&mut bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    bytes
}

/// If a program walks through all messages and reads everything, most files are stored in the
/// kernel before it asks for them. They have the same bytes as those that it asks for, also if the
/// kernel has kept the listings of an earlier walk.
#[test]
fn what_is_stored_ahead_is_what_is_read() {
    read_what_is_stored(false, 2);
    // What lies deeper than `attachments/` is not stored then.
    read_what_is_stored(true, 3);
}

/// Reads all of a source of which at least this part is stored ahead.
fn read_what_is_stored(is_listed_before: bool, part: u64) {
    const MESSAGES: usize = 100;
    let messages = (0..MESSAGES).map(|number| (format!("{number}.msg"), parcel().to_bytes()));
    let source = messages.fold(Folder::new(), |folder, (name, bytes)| folder.with(&name, bytes));
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    if is_listed_before {
        mount.names("").iter().for_each(|message| drop(walk(&mount.path(message))));
    }
    let mut walked = BTreeMap::new();
    for message in mount.names("") {
        for path in walk(&mount.path(&message)).into_iter().filter(|path| path.is_file()) {
            walked.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    let stored = mount.session("files_stored");
    assert!(stored > walked.len() as u64 / part, "{stored} of {}", walked.len());
    for (path, content) in &walked {
        assert!(*content == read_direct(path), "{path:?}");
    }
}

/// While messages are opened ahead of a program, the event loops leave the processor of the opener
/// to it; afterwards they use all processors again.
#[test]
fn event_loops_keep_off_the_processor_of_the_opener() {
    const MESSAGES: usize = 200;
    let messages = (0..MESSAGES).map(|number| (format!("{number}.msg"), parcel().to_bytes()));
    let source = messages.fold(Folder::new(), |folder, (name, bytes)| folder.with(&name, bytes));
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let process = mount.process();
    let all = allowed(&Path::new("/proc").join(process.to_string()));
    if !all.contains([',', '-']) {
        println!("SKIPPED: there is one processor only");
        return;
    }
    let of_loops = || {
        let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let threads = threads.map(|thread| thread.unwrap().path());
        let is_loop = |thread: &PathBuf| {
            let name = fs::read_to_string(thread.join("comm")).unwrap();
            let number = name.trim_end().strip_prefix("fuser-");
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        threads.filter(is_loop).map(|thread| allowed(&thread)).collect::<Vec<_>>()
    };
    let mut kept_off = 0;
    for message in mount.names("") {
        drop(walk(&mount.path(message)));
        kept_off += usize::from(of_loops().iter().any(|allowed| *allowed != all));
    }
    assert!(kept_off > 0, "no event loop kept off");
    wait_until("every processor to be used again", MOMENT, || {
        let _ = fs::metadata(mount.path("absent"));
        of_loops().iter().all(|allowed| *allowed == all)
    });
}

/// The processors on which a process or a thread may run.
fn allowed(process: &Path) -> String {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.unwrap().trim().to_owned()
}
