//! Changes in the source show in the mount, and what is in use never mixes two states.
//!
//! The kernel may keep what it is told of a watched folder for longer than any test waits. So if a
//! change shows, the kernel was told of it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use msgfs::mapi::{Value, tags};
use rustix::process::Signal;
use tempfile::TempDir;

use super::folder::{Folder, letter, numbers};
use super::mounted::{Mounted, has_fuse};
use super::process::{LONG, MOMENT, wait_until};
use crate::fixture::AttachmentBuilder;

/// Whether a mount watches its source; says so if not.
fn is_watched(mount: &Mounted) -> bool {
    let is_watched = mount.session("watches") > 0;
    if !is_watched {
        println!("SKIPPED: the file system of temporary files is not watched");
    }
    is_watched
}

fn subject(mount: &Mounted, message: &str) -> Option<String> {
    fs::read_to_string(mount.path(message).join("subject")).ok()
}

/// Puts a file in the place of another in one step, as careful programs do.
fn replace(path: &Path, bytes: &[u8]) {
    let new = tempfile::NamedTempFile::new_in(path.parent().unwrap()).unwrap();
    fs::write(new.path(), bytes).unwrap();
    new.persist(path).unwrap();
}

#[test]
fn changes_show() {
    let source = Folder::new()
        .with("a.msg", letter("A").to_bytes())
        .with("gone.msg", letter("Gone").to_bytes())
        .with("notes.txt", "old");
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.names(""), ["a.msg", "gone.msg", "notes.txt"]);
    assert_eq!(subject(&mount, "a.msg").unwrap(), "A\n");
    assert_eq!(mount.text("notes.txt"), "old");
    if !is_watched(&mount) {
        return;
    }
    let shows = |what: &str, condition: &dyn Fn() -> bool| wait_until(what, MOMENT, condition);

    source.put("new.msg", letter("New").to_bytes());
    shows("a new message", &|| mount.names("").contains(&"new.msg".to_owned()));
    shows("its subject", &|| subject(&mount, "new.msg").is_some_and(|text| text == "New\n"));
    replace(&source.join("a.msg"), &letter("B").to_bytes());
    shows("a replaced message", &|| subject(&mount, "a.msg").is_some_and(|text| text == "B\n"));
    source.put("a.msg", letter("Written over").to_bytes());
    shows("a message written over", &|| {
        subject(&mount, "a.msg").is_some_and(|text| text == "Written over\n")
    });
    fs::rename(source.join("a.msg"), source.join("z.msg")).unwrap();
    shows("the old name gone", &|| !mount.path("a.msg").exists());
    assert_eq!(subject(&mount, "z.msg").unwrap(), "Written over\n");
    fs::remove_file(source.join("gone.msg")).unwrap();
    shows("a removed message", &|| !mount.path("gone.msg").exists());
    shows("the listing", &|| mount.names("") == ["new.msg", "notes.txt", "z.msg"]);

    source.put("notes.txt", "new, and longer");
    shows("another file's text", &|| mount.text("notes.txt") == "new, and longer");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o400);
    fs::set_permissions(source.join("notes.txt"), mode).unwrap();
    shows("its mode", &|| {
        let found = fs::metadata(mount.path("notes.txt")).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::mode(&found) & 0o777 == 0o400
    });
    mount.unmount();
}

#[test]
fn folders_come_move_and_go() {
    let source = Folder::new().with("one/two/a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(subject(&mount, "one/two/a.msg").unwrap(), "A\n");
    if !is_watched(&mount) {
        return;
    }
    assert_eq!(mount.session("watches"), 3);
    fs::rename(source.join("one"), source.join("uno")).unwrap();
    wait_until("the move", MOMENT, || !mount.path("one").exists());
    assert_eq!(subject(&mount, "uno/two/a.msg").unwrap(), "A\n");
    // Another folder at the old place is another one.
    source.put("one/two/a.msg", letter("Other").to_bytes());
    wait_until("the successor", MOMENT, || {
        subject(&mount, "one/two/a.msg").is_some_and(|text| text == "Other\n")
    });
    source.put("uno/two/b.msg", letter("B").to_bytes());
    wait_until("a change below", MOMENT, || mount.names("uno/two") == ["a.msg", "b.msg"]);
    fs::remove_dir_all(source.join("uno")).unwrap();
    wait_until("the end", MOMENT, || !mount.path("uno").exists());
    wait_until("the watches", MOMENT, || mount.session("watches") == 3);
    assert_eq!(mount.names(""), ["one"]);
    mount.unmount();
}

/// More changes than the kernel's queue of them has room for.
#[test]
fn a_flood_of_changes_is_seen() {
    const FILES: usize = 300;
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap_or_default();
    let queue: usize = queue.trim().parse().unwrap_or(16_384);
    let source = Folder::new().with("stays.msg", letter("Stays").to_bytes());
    for number in 0..FILES {
        source.put(format!("{number}.txt"), "0");
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.names("").len(), FILES + 1);
    if !is_watched(&mount) {
        return;
    }
    // Two events that differ from those before them for each write.
    let rounds = (queue / FILES / 2 + 2).min(200);
    for round in 0..rounds {
        for number in 0..FILES {
            fs::write(source.join(format!("{number}.txt")), round.to_string()).unwrap();
        }
    }
    let last = (rounds - 1).to_string();
    for number in 0..FILES {
        let name = format!("{number}.txt");
        wait_until(&name, MOMENT, || mount.text(&name) == last);
    }
    source.put("after.msg", letter("After").to_bytes());
    wait_until("a change after it", MOMENT, || mount.path("after.msg").exists());
    mount.unmount();
}

/// What was opened before a message was replaced gives what it had, or ESTALE.
#[test]
fn open_files_keep_their_content() {
    let version = |number: u8| {
        let large = AttachmentBuilder::file("large.bin", vec![number; 300_000]);
        letter(&format!("Version {number}")).attach(large).to_bytes()
    };
    let source = Folder::new().with("a.msg", version(1));
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let old = File::open(mount.path("a.msg/attachments/large.bin")).unwrap();
    let mut start = [0; 10];
    old.read_exact_at(&mut start, 0).unwrap();
    replace(&source.join("a.msg"), &version(2));
    wait_until("the new version", MOMENT, || {
        subject(&mount, "a.msg").is_some_and(|text| text == "Version 2\n")
    });
    let mut rest = Vec::new();
    match (&old).read_to_end(&mut rest) {
        Ok(len) => assert!(len == 300_000 && rest.iter().all(|byte| *byte == 1)),
        Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ESTALE)),
    }
    drop(old);
    mount.unmount();
}

const READERS: usize = 8;
const MESSAGES: usize = 4;
const VERSIONS: u8 = 120;
const BYTES: usize = 60_000;

/// A message all of whose parts tell its version.
fn version(number: u8) -> Vec<u8> {
    letter(&format!("Version {number}"))
        .set(tags::PR_BODY, Value::String(format!("{number} ").repeat(2000)))
        .attach(AttachmentBuilder::file("data.bin", vec![number; BYTES]))
        .to_bytes()
}

/// Eight readers, and one who replaces, removes and moves what they read.
#[test]
fn readers_never_see_a_mixture() {
    let source = Folder::new();
    let name = |number: usize| format!("{number}.msg");
    for number in 0..MESSAGES {
        source.put(name(number), version(0));
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    let has_ended = AtomicBool::new(false);
    let reads = AtomicU64::new(0);
    thread::scope(|scope| {
        for reader in 0..READERS {
            let (mount, has_ended, reads) = (&mount, &has_ended, &reads);
            scope.spawn(move || {
                let mut round = reader;
                while !has_ended.load(Ordering::Relaxed) {
                    let found = read_version(&mount.path(name(round % MESSAGES)));
                    match found {
                        Ok(()) => reads.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            let code = error.raw_os_error();
                            assert!(
                                [Some(libc::ESTALE), Some(libc::ENOENT)].contains(&code),
                                "{error}"
                            );
                            0
                        }
                    };
                    round += 1;
                }
            });
        }
        for number in 1..=VERSIONS {
            let path = source.join(name(usize::from(number) % MESSAGES));
            match number % 5 {
                0 => fs::remove_file(&path).unwrap(),
                1 => {
                    let aside = TempDir::new_in(source.path()).unwrap();
                    // It may have been removed before.
                    let _ = fs::rename(&path, aside.path().join("aside.msg"));
                }
                _ => {}
            }
            replace(&path, &version(number));
        }
        let last = |number: usize| {
            let from = usize::from(VERSIONS) + 1 - MESSAGES;
            (from..).find(|version| version % MESSAGES == number).unwrap()
        };
        for number in 0..MESSAGES {
            let expected = format!("Version {}\n", last(number));
            wait_until("the last version", MOMENT, || {
                subject(&mount, &name(number)).is_some_and(|text| text == expected)
            });
        }
        wait_until("enough reads", LONG, || reads.load(Ordering::Relaxed) > 200);
        has_ended.store(true, Ordering::Relaxed);
    });
    mount.unmount();
}

/// Reads the files of a message; each must be of one version throughout.
fn read_version(message: &Path) -> io::Result<()> {
    let data = read_slowly(&message.join("attachments/data.bin"))?;
    assert_eq!(data.len(), BYTES);
    assert!(data.iter().all(|byte| *byte == data[0]), "a mixture");
    let body = String::from_utf8(read_slowly(&message.join("body.txt"))?).unwrap();
    let mut words = body.split_whitespace();
    let first = words.next().unwrap();
    assert!(words.all(|word| word == first), "a mixture: {body:.40}");
    Ok(())
}

/// Reads in many pieces, so that the file is replaced in between.
fn read_slowly(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(bytes),
            read => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

const KILLS: usize = 12;
/// The type of every FUSE mount (statfs(2)).
const FUSE_SUPER_MAGIC: i64 = 0x6573_5546;

/// Whether the kernel forgets all names at once, and so keeps no process that was killed.
fn has_epochs() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(16))
}

/// A process killed while its source changes leaves readers that get errors, and a mount point
/// on which mounting again just works.
#[test]
fn kills_among_changes_leave_nothing_that_hangs() {
    if !has_fuse() {
        return;
    }
    if !has_epochs() && !rustix::process::geteuid().is_root() {
        println!("SKIPPED: before Linux 6.16 only root can free what hangs");
        return;
    }
    let source = Folder::new();
    let name = |number: usize| format!("{number}.msg");
    for number in 0..MESSAGES {
        source.put(name(number), version(0));
    }
    let point = TempDir::new().unwrap();
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = SetOnDrop(&has_ended);
        scope.spawn(|| {
            for number in (0..MESSAGES).cycle() {
                if has_ended.load(Ordering::Relaxed) {
                    break;
                }
                replace(&source.join(name(number)), &version(1));
            }
        });
        for round in 0..KILLS {
            let mount = Mounted::at(source.path(), point.path(), ["", "edit"][round % 2]);
            kill_among_readers(&source, &mount, round);
        }
    });
}

/// Kills the process of a mount that is being read, at a time that differs with each round.
fn kill_among_readers(source: &Folder, mount: &Mounted, round: usize) {
    let is_over = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicU64::new(0));
    let running = Arc::new(AtomicUsize::new(READERS));
    for reader in 0..READERS {
        let (root, is_over) = (mount.root().to_owned(), Arc::clone(&is_over));
        let (reads, running) = (Arc::clone(&reads), Arc::clone(&running));
        // Not joined: should one hang, the test does not.
        thread::spawn(move || {
            // The kernel keeps files for a while, but asks for these figures each time.
            let is_served =
                || rustix::fs::statfs(&root).is_ok_and(|found| found.f_type == FUSE_SUPER_MAGIC);
            while !is_over.load(Ordering::Relaxed) && is_served() {
                let message = root.join(format!("{}.msg", reader % MESSAGES));
                // It may be replaced, or the process killed, at any moment.
                let _ = fs::read_dir(&root).map(Iterator::count);
                let _ = read_slowly(&message.join("attachments/data.bin"));
                reads.fetch_add(1, Ordering::Relaxed);
            }
            running.fetch_sub(1, Ordering::Relaxed);
        });
    }
    let some = u64::try_from(round * 5 + 20).unwrap();
    wait_until("some reads", LONG, || reads.load(Ordering::Relaxed) > some);
    if round.is_multiple_of(3) {
        // Nobody is left to take the mount off.
        mount.kill_guard();
    }
    rustix::process::kill_process(mount.process(), Signal::KILL).unwrap();
    let has_no_reader = || running.load(Ordering::Relaxed) == 0;
    if has_epochs() {
        wait_until("the end of the readers", MOMENT, has_no_reader);
    }
    let again = Mounted::at(source.path(), mount.root(), "");
    let is_message = |name: &&String| name.ends_with(".msg");
    assert_eq!(again.names("").iter().filter(is_message).count(), MESSAGES);
    is_over.store(true, Ordering::Relaxed);
    wait_until("the end of the readers", MOMENT, has_no_reader);
    again.unmount();
}

/// Sets a flag however a test ends.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A mounted message is looked at again every second.
#[test]
fn a_single_message_may_change() {
    let source = Folder::new().with("a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(&source.join("a.msg"), "") else { return };
    assert_eq!(mount.text("subject"), "A\n");
    source.put("a.msg", letter("B, longer").to_bytes());
    wait_until("what was written", MOMENT, || {
        fs::read_to_string(mount.path("subject")).is_ok_and(|text| text == "B, longer\n")
    });
    replace(&source.join("a.msg"), &letter("C").to_bytes());
    wait_until("the successor", MOMENT, || {
        fs::read_to_string(mount.path("subject")).is_ok_and(|text| text == "C\n")
    });
    mount.unmount();
}

/// A file with a second name elsewhere may change unseen, so it is looked at again.
#[test]
fn a_hard_link_elsewhere_is_noticed() {
    let elsewhere = Folder::new().with("a.txt", numbers(10));
    let source = Folder::new();
    if fs::hard_link(elsewhere.join("a.txt"), source.join("a.txt")).is_err() {
        println!("SKIPPED: no hard links here");
        return;
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    assert_eq!(mount.read("a.txt"), numbers(10));
    elsewhere.put("a.txt", "changed");
    wait_until("the change", MOMENT, || mount.read("a.txt") == b"changed");
    mount.unmount();
}

/// Something mounted over a folder of the source shows, though no folder changes.
#[test]
fn a_mount_below_shows() {
    let source = Folder::new().with("sub/a.msg", letter("A").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounting a tmpfs needs root");
        return;
    }
    assert_eq!(mount.names("sub"), ["a.msg"]);
    let sub = source.join("sub");
    let kind = c"tmpfs";
    let flags = rustix::mount::MountFlags::empty();
    if let Err(error) = rustix::mount::mount(kind, &sub, kind, flags, None) {
        println!("SKIPPED: no tmpfs: {error}");
        return;
    }
    source.put("sub/b.msg", letter("B").to_bytes());
    let shown = |name: &str| move_on(&mount, name);
    wait_until("what is mounted", MOMENT, || shown("b.msg"));
    rustix::mount::unmount(&sub, rustix::mount::UnmountFlags::DETACH).unwrap();
    wait_until("what was there before", MOMENT, || shown("a.msg"));
    mount.unmount();
}

/// Something mounted below the mount point stays there when names in the source change.
#[test]
fn a_mount_on_a_folder_stays() {
    let source = Folder::new().with("sub/a.msg", letter("A").to_bytes());
    source.put("b.msg", letter("B").to_bytes());
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounting a tmpfs needs root");
        return;
    }
    assert_eq!(subject(&mount, "b.msg").unwrap(), "B\n");
    let sub = mount.path("sub");
    let kind = c"tmpfs";
    let flags = rustix::mount::MountFlags::empty();
    if let Err(error) = rustix::mount::mount(kind, &sub, kind, flags, None) {
        println!("SKIPPED: no tmpfs: {error}");
        return;
    }
    replace(&source.join("b.msg"), &letter("C").to_bytes());
    wait_until("the successor", MOMENT, || {
        subject(&mount, "b.msg").is_some_and(|text| text == "C\n")
    });
    assert_eq!(mount.names("sub"), [""; 0]);
    rustix::mount::unmount(&sub, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!(mount.names("sub"), ["a.msg"]);
    mount.unmount();
}

/// Whether just this is in the folder; while it is exchanged it may be stale.
fn move_on(mount: &Mounted, name: &str) -> bool {
    let Ok(entries) = fs::read_dir(mount.path("sub")) else { return false };
    let names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names == [name]
}
