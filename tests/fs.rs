//! The filesystem without a mount: references, listings in pieces, changes of the source, its end.

mod unreadable;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use msgfs::fs::{Entry, Error, Fs, Ino, Options, Store};
use msgfs::{imsg, view};

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::process::{LONG, wait_until};

/// For how long attributes of a source file may be kept.
const SOURCE_TTL_MAX: Duration = Duration::from_secs(1);

/// A filesystem, and its calls by path.
struct Calls {
    fs: Fs,
}

impl Calls {
    fn new(source: &Path) -> Self {
        Self { fs: Fs::open(source, Options::default()).unwrap() }
    }

    /// Looks up every part of a path. All but the last are given back: the child keeps known what
    /// it needs.
    fn look_up(&self, path: &str) -> Result<Entry, Error> {
        let mut found = self.fs.getattr(Ino::ROOT)?;
        for name in path.split('/') {
            let directory = found.attr.ino;
            let child = self.fs.lookup(directory, OsStr::new(name));
            self.fs.forget(directory, u64::from(directory != Ino::ROOT));
            found = child?;
        }
        Ok(found)
    }

    fn read(&self, ino: Ino) -> Result<String, Error> {
        Ok(String::from_utf8(self.fs.read(ino, 0, 1 << 20)?).unwrap())
    }

    /// The content of a file that was not looked up before and is not known afterwards.
    #[track_caller]
    fn text(&self, path: &str) -> String {
        let ino = self.look_up(path).unwrap().attr.ino;
        let text = self.read(ino).unwrap();
        self.fs.forget(ino, 1);
        text
    }

    /// A figure of `.msgfs/session`.
    #[track_caller]
    fn session(&self, figure: &str) -> u64 {
        let text = self.text(".msgfs/session");
        let line = text.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix('\t'));
        line.unwrap().parse().unwrap()
    }

    /// The source files known beside the root.
    #[track_caller]
    fn known(&self) -> u64 {
        self.session("source_files_known") - 1
    }

    /// Names and cookies behind a cookie, at most so many, dots excepted.
    #[track_caller]
    fn list(&self, ino: Ino, cookie: u64, max: usize) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let listed = self.fs.readdir(ino, cookie, false, &mut |child| {
            if found.len() == max {
                return true;
            }
            found.push((child.name.to_str().unwrap().to_owned(), child.cookie));
            false
        });
        listed.unwrap();
        found
    }
}

fn numbered(count: usize) -> Folder {
    let source = Folder::new();
    let first = source.put("0.msg", letter("A").to_bytes());
    for n in 1..count {
        fs::hard_link(&first, source.join(format!("{n}.msg"))).unwrap();
    }
    source
}

/// Replaces a file as a careful writer does.
fn replace(source: &Folder, name: &str, subject: &str) -> PathBuf {
    let file = source.join(name);
    fs::rename(source.put(".new", letter(subject).to_bytes()), &file).unwrap();
    file
}

#[test]
fn what_is_forgotten_is_no_longer_known() {
    let source = Folder::of_everything();
    let calls = Calls::new(source.path());
    assert_eq!(calls.known(), 0);
    let found: Vec<_> = ["letter.msg", "letter.msg", "parcel.msg/mapi", "sub", "notes.txt"]
        .iter()
        .map(|path| calls.look_up(path).unwrap().attr.ino)
        .collect();
    assert_eq!(calls.known(), 4);
    for (ino, left) in found.into_iter().zip([4, 3, 2, 1, 0]) {
        calls.fs.forget(ino, 1);
        assert_eq!(calls.known(), left);
        // Unless somebody else knows it, there is nothing left to ask.
        let is_known = calls.fs.getattr(ino).is_ok();
        assert_eq!(is_known, left == 4);
    }
}

/// The kernel forgets all names in a folder of which one has changed, and looks them up again.
#[test]
fn a_message_that_is_forgotten_stays_open_for_the_next_lookup() {
    let source = Folder::of_everything();
    let calls = Calls::new(source.path());
    for _ in 0..2 {
        calls.text("letter.msg/subject");
        assert_eq!(calls.known(), 0);
        assert_eq!(calls.session("messages_opened"), 1);
    }
}

#[test]
fn what_is_in_a_message_keeps_it_known() {
    let source = Folder::of_everything();
    let calls = Calls::new(source.path());
    let message = calls.fs.lookup(Ino::ROOT, OsStr::new("parcel.msg")).unwrap().attr.ino;
    let mapi = calls.fs.lookup(message, OsStr::new("mapi")).unwrap().attr.ino;
    let subject = calls.fs.lookup(mapi, OsStr::new("PR_SUBJECT")).unwrap().attr.ino;
    calls.fs.forget(message, 1);
    calls.fs.forget(mapi, 1);
    assert_eq!(calls.read(subject).unwrap(), "A parcel");
    assert_eq!(calls.known(), 1);
    calls.fs.forget(subject, 1);
    assert_eq!(calls.known(), 0);
    assert!(matches!(calls.read(subject), Err(Error::NotFound)));
    // More than was taken, and the root, which is never forgotten.
    calls.fs.forget(subject, 7);
    calls.fs.forget(Ino::ROOT, 7);
    assert_eq!(calls.text("parcel.msg/subject"), "A parcel\n");
    assert_eq!(calls.known(), 0);
}

#[test]
fn lookups_that_fail_leave_nothing() {
    let source = Folder::of_everything();
    for (source, message) in
        [(source.path().to_owned(), "parcel.msg/"), (source.join("parcel.msg"), "")]
    {
        let calls = Calls::new(&source);
        for name in ["missing", "attachments/missing", "mapi/PR_NONE", "subject/x", ".hidden"] {
            let error = calls.look_up(&format!("{message}{name}"));
            assert!(matches!(error, Err(Error::NotFound | Error::NotADirectory)), "{name}");
        }
        assert_eq!(calls.known(), 0);
    }
    let calls = Calls::new(source.path());
    for name in ["missing", "missing.msg", "..", "a/b"] {
        assert!(calls.fs.lookup(Ino::ROOT, OsStr::new(name)).is_err(), "{name}");
    }
    assert_eq!(calls.known(), 0);
}

/// A listing with attributes is a lookup of each entry that was taken, and of no other.
#[test]
fn a_listing_with_lookups_counts_what_was_taken() {
    let source = numbered(50);
    let calls = Calls::new(source.path());
    for (look_up, expected) in [(false, 0), (true, 20)] {
        let mut taken = Vec::new();
        let listed = calls.fs.readdir(Ino::ROOT, 2, look_up, &mut |child| {
            if taken.len() == 20 {
                return true;
            }
            taken.push(child.entry.attr.ino);
            false
        });
        listed.unwrap();
        assert_eq!(calls.known(), expected);
        if look_up {
            taken.into_iter().for_each(|ino| calls.fs.forget(ino, 1));
        }
        assert_eq!(calls.known(), 0);
    }
    // In a message every entry counts for the message.
    let message = calls.look_up("7.msg").unwrap().attr.ino;
    let mut taken = 0;
    calls
        .fs
        .readdir(message, 0, true, &mut |child| {
            taken += u64::from(!child.is_dot);
            false
        })
        .unwrap();
    calls.fs.forget(message, taken);
    assert_eq!(calls.known(), 1);
    calls.fs.forget(message, 1);
    assert_eq!(calls.known(), 0);
}

/// From every cookie the rest of the listing follows, in the same order.
#[test]
fn a_listing_goes_on_at_every_cookie() {
    let source = numbered(200).with("parcel.msg", parcel().to_bytes()).with("sub/a", "");
    let calls = Calls::new(source.path());
    for path in ["", "parcel.msg", "parcel.msg/mapi", "parcel.msg/attachments", ".msgfs"] {
        let directory = match path {
            "" => Ino::ROOT,
            path => calls.look_up(path).unwrap().attr.ino,
        };
        let whole = calls.list(directory, 0, usize::MAX);
        assert!(whole.len() >= 5 && whole[0].0 == "." && whole[1].0 == "..", "{whole:?}");
        let names: BTreeSet<_> = whole.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), whole.len(), "{path}");
        for (position, (name, cookie)) in whole.iter().enumerate() {
            let rest = calls.list(directory, *cookie, usize::MAX);
            assert_eq!(rest, whole[position + 1..], "{path} behind {name}");
        }
    }
}

/// While files come and go, and others list the folder too, what stays is listed exactly once.
#[test]
fn what_stays_is_listed_once_while_files_come_and_go() {
    let source = numbered(300);
    // More folders than the filesystem keeps listings of.
    for n in 0..20 {
        source.put(format!("sub/{n}/file"), "");
    }
    let calls = Calls::new(source.path());
    let others: Vec<_> =
        (0..20).map(|n| calls.look_up(&format!("sub/{n}")).unwrap().attr.ino).collect();
    for at_once in [1, 3, 64] {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let mut cookie = 0;
        for round in 0.. {
            let piece = calls.list(Ino::ROOT, cookie, at_once);
            let Some((_, last)) = piece.last() else { break };
            cookie = *last;
            for (name, _) in piece {
                *found.entry(name).or_default() += 1;
            }
            let _ = fs::remove_file(source.join(format!("come {}", round % 10)));
            source.put(format!("come {}", (round + 5) % 10), "");
            match round % 3 {
                0 => drop(calls.list(Ino::ROOT, 0, 10)),
                1 => others.iter().for_each(|ino| drop(calls.list(*ino, 0, 1))),
                _ => {}
            }
        }
        for n in 0..300 {
            assert_eq!(found.get(&format!("{n}.msg")), Some(&1), "{n}.msg, {at_once} at once");
        }
        let twice: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
        // What went and came again may show again.
        assert!(twice.iter().all(|(name, _)| name.starts_with("come ")), "{twice:?}");
    }
}

#[test]
fn the_number_of_a_changed_file_is_stale() {
    fn is_stale<T>(result: Result<T, Error>) -> bool {
        matches!(result, Err(Error::Stale { .. }))
    }
    let source = Folder::new().with("a.msg", letter("Old").to_bytes()).with("b.msg", "no message");
    let calls = Calls::new(source.path());
    let message = calls.fs.lookup(Ino::ROOT, OsStr::new("a.msg")).unwrap().attr.ino;
    let bystander = calls.fs.lookup(Ino::ROOT, OsStr::new("b.msg")).unwrap().attr.ino;
    // By another filesystem, so that this one has not opened the message yet.
    let subject = Calls::new(source.path()).look_up("a.msg/subject").unwrap().attr.ino;
    replace(&source, "a.msg", "New");
    assert!(is_stale(calls.fs.getattr(message)));
    assert!(is_stale(calls.fs.getattr(subject)));
    assert!(is_stale(calls.fs.lookup(message, OsStr::new("subject"))));
    assert!(is_stale(calls.fs.readdir(message, 0, true, &mut |_| false)));
    assert!(is_stale(calls.fs.readdir(message, 2, true, &mut |_| false)));
    assert!(is_stale(calls.fs.read(subject, 0, 100)));
    assert!(is_stale(calls.fs.check(message)));
    assert!(is_stale(calls.fs.listxattr(subject)));
    assert_eq!(calls.text("a.msg/subject"), "New\n");
    assert!(calls.fs.getattr(bystander).is_ok());
    // Written in place, longer.
    source.put("b.msg", letter("No longer no message").to_bytes());
    assert!(is_stale(calls.fs.getattr(bystander)));
    fs::remove_file(source.join("a.msg")).unwrap();
    assert!(matches!(calls.fs.getattr(message), Err(Error::NotFound)));
}

/// Other files and folders keep their number while they change.
#[test]
fn the_number_of_any_other_file_stays() {
    let source = Folder::new().with("notes.txt", "old").with("sub/a", "");
    let calls = Calls::new(source.path());
    let notes = calls.look_up("notes.txt").unwrap().attr;
    let sub = calls.look_up("sub").unwrap().attr;
    source.put("notes.txt", "much newer");
    source.put("sub/b", "");
    let now = calls.fs.getattr(notes.ino).unwrap().attr;
    assert_eq!((notes.size, now.size), (3, 10));
    assert_eq!(calls.read(notes.ino).unwrap(), "much newer");
    assert_eq!(calls.fs.getattr(sub.ino).unwrap().attr.ino, sub.ino);
    assert_eq!(calls.list(sub.ino, 2, 9).len(), 2);
}

/// Files of one size that follow each other under one name never show what another one holds.
#[test]
fn a_path_shows_the_file_it_leads_to() {
    let source = Folder::new();
    let calls = Calls::new(source.path());
    let mut before = None;
    for round in 100..300 {
        let subject = format!("Subject {round}");
        replace(&source, "a.msg", &subject);
        let found = calls.look_up("a.msg/subject").unwrap().attr.ino;
        assert_eq!(calls.read(found).unwrap(), format!("{subject}\n"));
        assert_eq!(calls.text("a.msg/mapi/PR_SUBJECT"), subject);
        if let Some((ino, old)) = before.replace((found, format!("{subject}\n"))) {
            // What was open gives what it was, or nothing.
            assert!(calls.read(ino).is_ok_and(|text| text == old) || calls.read(ino).is_err());
            assert_ne!(ino, found);
            calls.fs.forget(ino, 1);
        }
    }
    calls.fs.forget(before.unwrap().0, 1);
    assert_eq!(calls.known(), 0);
}

#[test]
fn a_source_of_one_message_shows_its_replacement() {
    let source = Folder::new().with("a.msg", letter("Old").to_bytes());
    let calls = Calls::new(&source.join("a.msg"));
    let old = calls.look_up("subject").unwrap();
    assert!(old.ttl <= SOURCE_TTL_MAX);
    assert_eq!(calls.read(old.attr.ino).unwrap(), "Old\n");
    replace(&source, "a.msg", "A new one");
    assert_eq!(calls.text("subject"), "A new one\n");
    let names = calls.list(Ino::ROOT, 2, usize::MAX);
    assert!(names.iter().any(|(name, _)| name == "body.txt"), "{names:?}");
    assert_eq!(calls.text("body.txt"), "This is A new one.\nIt has two lines.");
    let read = calls.read(old.attr.ino);
    assert!(matches!(read.as_deref(), Ok("Old\n") | Err(Error::Stale { .. })), "{read:?}");
    calls.fs.forget(old.attr.ino, 1);
    assert_eq!(calls.known(), 0);
    source.put("a.msg", "no message any more");
    let names: Vec<_> = calls.list(Ino::ROOT, 2, 9).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ERRORS", "message.msg"]);
    assert_eq!(calls.text("message.msg"), "no message any more");
}

#[test]
fn attributes_of_the_source_are_kept_for_a_moment() {
    let source = Folder::of_everything();
    let calls = Calls::new(source.path());
    assert!(calls.fs.getattr(Ino::ROOT).unwrap().ttl <= SOURCE_TTL_MAX);
    for path in ["letter.msg", "sub", "sub/folder", "notes.txt"] {
        let entry = calls.look_up(path).unwrap();
        assert!(entry.ttl <= SOURCE_TTL_MAX, "{path}");
        assert!(calls.fs.getattr(entry.attr.ino).unwrap().ttl <= SOURCE_TTL_MAX, "{path}");
    }
    calls
        .fs
        .readdir(Ino::ROOT, 0, false, &mut |child| {
            assert!(child.entry.ttl <= SOURCE_TTL_MAX, "{:?}", child.name);
            false
        })
        .unwrap();
    // A figure is never kept, what is in a message for as long as its number holds.
    assert_eq!(calls.look_up(".msgfs/session").unwrap().ttl, Duration::ZERO);
    assert!(calls.look_up("letter.msg/subject").unwrap().ttl > SOURCE_TTL_MAX);
}

/// After the end of the session nothing in a message can be reached, opened before or not.
#[test]
fn a_closed_session_says_so() {
    fn is_closed<T>(result: Result<T, Error>) -> bool {
        let Err(Error::Message { source, .. }) = result else { return false };
        matches!(source, view::Error::Message(imsg::Error::SessionClosed))
    }
    let source = Folder::of_everything();
    let calls = Calls::new(source.path());
    let fs = &calls.fs;
    let message = fs.lookup(Ino::ROOT, OsStr::new("letter.msg")).unwrap().attr.ino;
    let subject = fs.lookup(message, OsStr::new("subject")).unwrap().attr.ino;
    let file = calls.look_up("parcel.msg/attachments/numbers.bin").unwrap().attr.ino;
    let unopened = fs.lookup(Ino::ROOT, OsStr::new("large.msg")).unwrap().attr.ino;
    assert_eq!(calls.read(subject).unwrap(), "A letter\n");
    assert_eq!(calls.session("open_messages"), 2);
    drop(fs.close());
    for ino in [message, unopened] {
        assert!(is_closed(fs.lookup(ino, OsStr::new("subject"))));
        assert!(is_closed(fs.readdir(ino, 2, false, &mut |_| false)));
        assert!(is_closed(fs.check(ino)));
    }
    for ino in [subject, file] {
        assert!(is_closed(fs.getattr(ino)));
        assert!(is_closed(fs.read(ino, 0, 10)));
        assert!(is_closed(fs.listxattr(ino)));
        assert!(is_closed(fs.getxattr(ino, OsStr::new("user.mapi.tag"))) || ino == file);
    }
    for figure in ["open_messages", "open_objects", "cached_messages", "cache_bytes"] {
        assert_eq!(calls.session(figure), 0, "{figure}");
    }
    // A second close does nothing.
    drop(fs.close());
    assert!(is_closed(fs.read(subject, 0, 10)));
}

#[test]
fn listing_opens_no_message() {
    const MANY: usize = 5_000;
    let source = numbered(MANY);
    let calls = Calls::new(source.path());
    for look_up in [false, true] {
        let mut count = 0;
        calls
            .fs
            .readdir(Ino::ROOT, 0, look_up, &mut |child| {
                count += usize::from(!child.is_dot);
                false
            })
            .unwrap();
        assert_eq!(count, MANY);
        assert_eq!(calls.session("messages_opened"), 0);
    }
    assert_eq!(calls.known(), MANY as u64);
    assert_eq!(calls.text("4999.msg/subject"), "A\n");
    assert_eq!(calls.session("messages_opened"), 1);
}

/// Closes a filesystem however its test ends, so that its threads end too.
struct Closing<'a>(&'a Fs);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        drop(self.0.close());
    }
}

/// What the root has, looked up, in the order of its listing.
fn looked_up(fs: &Fs) -> Vec<(OsString, Ino)> {
    let mut found = Vec::new();
    let listed = fs.readdir(Ino::ROOT, 0, true, &mut |child| {
        found.extend((!child.is_dot).then(|| (child.name.to_owned(), child.entry.attr.ino)));
        false
    });
    listed.unwrap();
    found
}

/// Looks into the first `walked` of these messages until 32 more are open, then calls `after`.
fn walk(calls: &Calls, messages: &[Ino], walked: usize, after: impl FnOnce(&dyn Fn(usize))) {
    let look_into = |at: usize| {
        calls.fs.readdir(messages[at], 0, false, &mut |_| false).unwrap();
    };
    thread::scope(|scope| {
        let _closing = Closing(&calls.fs);
        scope.spawn(|| calls.fs.open_ahead());
        wait_until("messages opened ahead", LONG, || {
            (0..walked).for_each(look_into);
            // A message that a request and the opener open at the same time counts as opened twice.
            calls.session("cached_messages") == walked as u64 + 32
        });
        after(&look_into);
    });
}

/// Who looks into messages in the order of the folder has the next ones opened, and only those.
#[test]
fn a_walk_has_the_next_messages_opened() {
    let source = numbered(100);
    let calls = Calls::new(source.path());
    let messages: Vec<_> = looked_up(&calls.fs).into_iter().map(|(_, ino)| ino).collect();
    walk(&calls, &messages, 3, |look_into| {
        let opened = calls.session("messages_opened");
        for at in [99, 60, 80] {
            look_into(at);
        }
        assert_eq!(calls.session("messages_opened"), opened + 3);
    });
    for figure in ["open_messages", "open_objects", "cached_messages", "cache_bytes"] {
        assert_eq!(calls.session(figure), 0, "{figure}");
    }
}

/// `ls -R` goes by name, and has them opened as well.
#[test]
fn a_walk_by_name_has_the_next_messages_opened() {
    let source = numbered(100);
    let calls = Calls::new(source.path());
    let by_name: BTreeMap<_, _> = looked_up(&calls.fs).into_iter().collect();
    let messages: Vec<_> = by_name.into_values().collect();
    walk(&calls, &messages, 5, |_| {});
}

/// As `cat */subject`, or `grep -r` in a mount of which the kernel has all listings.
#[test]
fn a_walk_that_only_reads_has_the_next_messages_opened() {
    let source = numbered(100);
    let mut names: Vec<_> = (0..100).map(|number| format!("{number}.msg")).collect();
    names.sort();
    let calls = Calls::new(source.path());
    let subject_of = |name: &str| {
        let message = calls.fs.lookup(Ino::ROOT, OsStr::new(name)).unwrap().attr.ino;
        let subject = calls.fs.lookup(message, OsStr::new("subject")).unwrap().attr.ino;
        if calls.fs.note_request(subject, 1) {
            calls.fs.store_beside(subject, &mut Vec::new(), &mut |_, _| Ok(())).unwrap();
        }
        calls.fs.read(subject, 0, 4096).unwrap()
    };
    thread::scope(|scope| {
        let _closing = Closing(&calls.fs);
        scope.spawn(|| calls.fs.open_ahead());
        // Nothing says when the opener is ready: the walk begins again until it is.
        wait_until("messages opened ahead", LONG, || {
            names.iter().take(40).for_each(|name| drop(subject_of(name)));
            calls.session("cached_messages") == 40 + 32
        });
        assert_eq!(subject_of(&names[41]), b"A\n");
    });
}

/// Who reads the subject of each message is given that of the next one, whole, and nothing else.
#[test]
fn what_is_read_of_every_message_is_stored_ahead() {
    const READ: &str = "subject";
    let source = numbered(8);
    let calls = Calls::new(source.path());
    let messages: Vec<_> = looked_up(&calls.fs).into_iter().map(|(_, ino)| ino).collect();
    let list = |message: Ino, process: u32, store: Store<'_>| {
        calls.fs.note_request(message, process);
        calls.fs.readdir(message, 0, false, &mut |_| false).unwrap();
        calls.fs.store_ahead(message, &mut Vec::new(), store).unwrap();
    };
    let list_to_the_end = |message: Ino, process: u32| {
        let mut stored = Vec::new();
        list(message, process, &mut |ino, content| {
            stored.push((ino, content.to_owned()));
            Ok(())
        });
        stored
    };
    let read = |message: Ino| {
        let subject = calls.fs.lookup(message, OsStr::new(READ)).unwrap().attr.ino;
        (subject, calls.fs.read(subject, 0, 4096).unwrap())
    };
    assert_eq!(list_to_the_end(messages[0], 1), []);
    read(messages[0]);
    assert_eq!(list_to_the_end(messages[1], 1), [read(messages[1])]);
    assert_eq!(list_to_the_end(messages[2], 2), [read(messages[2])]);
    let mut refused = Vec::new();
    list(messages[3], 2, &mut |ino, _| {
        refused.push(ino);
        Err(std::io::ErrorKind::NotFound.into())
    });
    assert_eq!(refused, [read(messages[3]).0], "what cannot be stored is skipped");
    calls.fs.note_request(messages[4], 1);
    assert_eq!(list_to_the_end(messages[4], 2), [], "another process is at work in it");
    assert_eq!(calls.session("files_stored"), 2);
}

/// Who reads a file of a message whose listing the kernel has kept is given, once, the others that
/// were read of the last one: never the file itself, whose read would wait for itself.
#[test]
fn what_is_read_of_every_message_is_stored_beside() {
    let source = numbered(4);
    let calls = Calls::new(source.path());
    let messages: Vec<_> = looked_up(&calls.fs).into_iter().map(|(_, ino)| ino).collect();
    let read = |message: Ino, name: &str| {
        let file = calls.fs.lookup(message, OsStr::new(name)).unwrap().attr.ino;
        let mut stored = Vec::new();
        let store = &mut |ino: Ino, content: &[u8]| {
            stored.push((ino, content.to_owned()));
            Ok(())
        };
        if calls.fs.note_request(file, 1) {
            calls.fs.store_beside(file, &mut Vec::new(), store).unwrap();
        }
        ((file, calls.fs.read(file, 0, 4096).unwrap()), stored)
    };
    // The first message is a sample, with which nothing is done.
    for name in ["class", "subject"] {
        assert_eq!(read(messages[0], name).1, [], "{name}");
    }
    let (_, stored) = read(messages[1], "class");
    assert_eq!(stored, [read(messages[1], "subject").0]);
    let (_, stored) = read(messages[2], "subject");
    assert_eq!(stored, [read(messages[2], "class").0]);
    assert_eq!(read(messages[2], "class").1, [], "it is given once");
}
