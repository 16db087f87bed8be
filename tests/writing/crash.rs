//! `kill -9` of a mount that is busy writing: every file is wholly old or wholly new.
//!
//! Each run kills at a moment that follows from its seed, which is printed when it fails;
//! `MSGFS_CRASH_SEED=S` tries others, `MSGFS_CRASHES=N` so many. What one run leaves behind the
//! next one starts with.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::mount::folder::{Folder, letter, numbers, parcel};
use crate::mount::process::{MOMENT, wait_until};
use crate::random::{Random, number_from_environment};

use super::direct::Direct;
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::contents;
use super::streams::streams;

const RUNS: u64 = 200;
/// The messages that are written to.
const BUSY: [&str; 2] = ["a.msg", "sub/b.msg"];
/// At most this many saves come before a kill.
const SAVES_MAX: usize = 5;
/// The kill comes at most this long after the last of them.
const DELAY_MAX: Duration = Duration::from_millis(12);

/// The versions of the files of a message, in the order in which they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Versions {
    body: u64,
    data: u64,
    subject: u64,
}

/// A mount saves by itself after this time, even if files are open.
const UNSAVED_MAX: Duration = Duration::from_secs(10);

/// What one writer was told, and what it has begun.
#[derive(Debug, Default)]
struct Progress {
    begun: AtomicU64,
    saved: AtomicU64,
}

/// How many kills left which versions, or temporary files.
#[derive(Debug, Default)]
struct Tally {
    old: usize,
    acknowledged: usize,
    new: usize,
    leftovers: usize,
}

#[test]
fn a_killed_mount_leaves_whole_files() {
    let runs = number_from_environment("MSGFS_CRASHES").unwrap_or(RUNS);
    let first = number_from_environment("MSGFS_CRASH_SEED").unwrap_or(0);
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new()
        .with("untouched.msg", parcel().to_bytes())
        .with("notes.txt", "Notes\n")
        .with(".msgfs-of-others", "not ours");
    for name in BUSY {
        source.put(name, letter("Version 000000").to_bytes());
    }
    let mut tally = Tally::default();
    let seed = Mutex::new(first);
    let _told = Told(&seed);
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    for name in BUSY {
        write(&mount.path(name), 0).unwrap();
    }
    for run in first..first + runs {
        *seed.lock().unwrap() = run;
        // What the last kill has left is saved, so that the mount saves nothing by itself.
        for name in BUSY {
            mount.sync(name).unwrap();
        }
        kill_at_a_moment(&mut mount, &source, Random::new(run), &mut tally);
        mount.serve();
        let found: Vec<_> = contents(source.path()).into_keys().collect();
        assert!(!found.iter().any(|path| is_temporary(path)), "left behind: {found:?}");
        let told = mount.told();
        assert!(!told.contains("cannot be read"), "{told}");
    }
    println!("{runs} kills: {tally:?}");
    // The moments must be the interesting ones.
    if runs >= RUNS {
        assert!(tally.leftovers > 0 && tally.old > 0 && tally.new > 0, "{tally:?}");
    }
}

fn kill_at_a_moment(mount: &mut Served, source: &Folder, mut random: Random, tally: &mut Tally) {
    let start = Instant::now();
    let before = contents(source.path());
    let reading = Direct::reading(source.path());
    let old = BUSY.map(|name| versions_of(&reading, name));
    // Versions go on over all the runs.
    let first = old.map(|versions| versions.body);
    let progress: [Progress; BUSY.len()] = std::array::from_fn(|_| Progress::default());
    // Without a save the messages are the old ones, also on a machine so busy that each is saved
    // before the other one's save is seen.
    let saves = u64::try_from(random.below(SAVES_MAX + 1)).unwrap();
    let delay = DELAY_MAX.mul_f64(f64::from(u16::try_from(random.below(1000)).unwrap()) / 1000.0);
    thread::scope(|scope| {
        for ((name, first), progress) in BUSY.iter().zip(first).zip(&progress) {
            let directory = mount.path(name);
            progress.begun.store(first, Ordering::SeqCst);
            progress.saved.store(first, Ordering::SeqCst);
            scope.spawn(move || write_until_killed(&directory, first, progress));
        }
        wait_until("the saves", MOMENT, || {
            let done =
                |(progress, first): (&Progress, u64)| progress.saved.load(Ordering::SeqCst) - first;
            progress.iter().zip(first).map(done).sum::<u64>() >= saves
        });
        let moment = Instant::now() + delay;
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        mount.kill();
    });
    let after = contents(source.path());
    for ((name, old), progress) in BUSY.iter().zip(old).zip(&progress) {
        let (saved, begun) =
            (progress.saved.load(Ordering::SeqCst), progress.begun.load(Ordering::SeqCst));
        let path = source.join(name);
        streams(&path);
        let found = versions_of(&reading, name);
        if found == old {
            assert_eq!(saved, old.body, "{name}: what was saved is gone");
            assert!(before[&path] == after[&path], "{name} has changed and is the old one");
            tally.old += 1;
            continue;
        }
        let Versions { body, data, subject } = found;
        let is_in_order = saved <= subject && subject <= data && data <= body && body <= begun;
        let is_whole = is_in_order && (subject == body || start.elapsed() >= UNSAVED_MAX);
        assert!(is_whole, "{name}: {found:?} found, not {saved} to {begun}");
        match subject > saved {
            true => tally.new += 1,
            false => tally.acknowledged += 1,
        }
    }
    tally.leftovers += usize::from(after.keys().any(|path| is_temporary(path)));
    let others = |contents: BTreeMap<PathBuf, _>| -> BTreeMap<PathBuf, _> {
        let is_other =
            |path: &Path| !is_temporary(path) && !BUSY.iter().any(|name| path == source.join(name));
        contents.into_iter().filter(|(path, _)| is_other(path)).collect()
    };
    assert!(others(before) == others(after), "something else in the folder has changed");
}

/// Saves one version after the other until the mount is gone.
fn write_until_killed(directory: &Path, first: u64, progress: &Progress) {
    // While a file is open for writing nothing is saved but by fsync, for a while.
    let Ok(subject) = File::options().write(true).open(directory.join("subject")) else { return };
    for version in first + 1.. {
        progress.begun.store(version, Ordering::SeqCst);
        if write_beside(directory, &subject, version).is_err() {
            return;
        }
        progress.saved.store(version, Ordering::SeqCst);
    }
}

/// Writes a version and has it saved.
fn write(directory: &Path, version: u64) -> io::Result<()> {
    let subject = File::options().write(true).open(directory.join("subject"))?;
    write_beside(directory, &subject, version)
}

fn write_beside(directory: &Path, subject: &File, version: u64) -> io::Result<()> {
    fs::write(directory.join("body.txt"), body(version))?;
    fs::write(directory.join("attachments/data.bin"), data(version))?;
    subject.write_all_at(subject_of(version).as_bytes(), 0)?;
    subject.sync_all()
}

/// The versions that the files of a message are of, each wholly of one.
#[track_caller]
fn versions_of(source: &Direct, name: &str) -> Versions {
    let subject = source.read(&format!("{name}/subject")).unwrap();
    let subject = String::from_utf8(subject).unwrap();
    let subject = subject.trim_end().strip_prefix("Version ").unwrap().parse().unwrap();
    let text = String::from_utf8(source.read(&format!("{name}/body.txt")).unwrap()).unwrap();
    let line = text.lines().next().unwrap().strip_prefix("This is version ").unwrap();
    let of_body = line.strip_suffix('.').unwrap().parse().unwrap();
    assert_eq!(text, body(of_body), "{name}");
    let bytes = source.read(&format!("{name}/attachments/data.bin")).unwrap();
    let of_data = u64::from_le_bytes(*bytes.last_chunk().unwrap());
    assert!(bytes == data(of_data), "{name} has {} bytes of others", bytes.len());
    Versions { body: of_body, data: of_data, subject }
}

fn subject_of(version: u64) -> String {
    format!("Version {version:06}\n")
}

fn body(version: u64) -> String {
    format!("This is version {version}.\n").repeat(usize::try_from(version % 50).unwrap() + 1)
}

/// From nothing to some hundred sectors.
fn data(version: u64) -> Vec<u8> {
    let mut data = numbers(usize::try_from(version * 7919 % 90_000).unwrap());
    data.extend(version.to_le_bytes());
    data
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.starts_with(".msgfs-") && name.ends_with(".tmp")
}

/// Tells the seed of a run that failed.
struct Told<'a>(&'a Mutex<u64>);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("MSGFS_CRASH_SEED={} fails", self.0.lock().unwrap());
        }
    }
}
