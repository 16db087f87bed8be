//! Many new attachments, which wait in the edit log and come into the message together.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use msgfs::fs::{Fs, Ino};
use outlook_msg::mail::Mail;
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter};

use super::direct::open_for_writing;

/// A writable filesystem of one message `A.msg` that already has an edit, so that new attachments
/// wait.
struct Attaching {
    source: Folder,
    state: TempDir,
    fs: Fs,
}

impl Attaching {
    fn new() -> Self {
        let source = Folder::new().with("A.msg", letter("A").to_bytes());
        let state = tempfile::tempdir().unwrap();
        let fs = open_for_writing(source.path(), state.path());
        let attaching = Self { source, state, fs };
        attaching.put("attachments/first.txt", "first");
        attaching
    }

    fn find(&self, path: &str) -> Option<Ino> {
        let message = self.fs.lookup(Ino::ROOT, OsStr::new("A.msg")).unwrap().attr.ino;
        path.split('/').try_fold(message, |directory, name| {
            Some(self.fs.lookup(directory, OsStr::new(name)).ok()?.attr.ino)
        })
    }

    fn put(&self, path: &str, text: &str) {
        let (directory, name) = path.rsplit_once('/').unwrap();
        let directory = self.find(directory).unwrap();
        let flags = libc::O_WRONLY | libc::O_EXCL;
        let (_, handle) = self.fs.create(directory, OsStr::new(name), 0o644, flags).unwrap();
        self.fs.write(handle, 0, text.as_bytes()).unwrap();
        self.fs.flush(handle).unwrap();
        self.fs.release(handle);
    }

    fn read(&self, path: &str) -> Option<String> {
        let bytes = self.fs.read(self.find(path)?, 0, 1 << 20).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let attachments = self.find("attachments").unwrap();
        let mut add = |entry: msgfs::fs::DirectoryEntry<'_>| {
            names.extend((!entry.is_dot).then(|| entry.name.to_str().unwrap().to_owned()));
            false
        };
        self.fs.readdir(attachments, 0, false, &mut add).unwrap();
        names.sort();
        names
    }

    fn messages_opened(&self) -> u64 {
        let control = self.fs.lookup(Ino::ROOT, OsStr::new(".msgfs")).unwrap().attr.ino;
        let session = self.fs.lookup(control, OsStr::new("session")).unwrap().attr.ino;
        self.fs.getattr(session).unwrap();
        let text = String::from_utf8(self.fs.read(session, 0, 1 << 16).unwrap()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("messages_opened\t")).unwrap();
        line.parse().unwrap()
    }

    /// Ends the filesystem; the names and contents of the attachments that the source has then.
    fn close(self) -> Vec<(String, String)> {
        drop(self.fs.close());
        attachments(&self.source.path().join("A.msg"))
    }
}

fn attachments(message: &Path) -> Vec<(String, String)> {
    let all = Mail::open(message).unwrap().attachments().unwrap();
    let one = |one: &outlook_msg::mail::Attachment| {
        let text = String::from_utf8(one.read().unwrap()).unwrap();
        (one.name().to_owned(), text)
    };
    all.iter().map(one).collect()
}

fn expected(names: &[&str]) -> Vec<(String, String)> {
    let stem = |name: &str| name.split('.').next().unwrap().to_owned();
    names.iter().map(|name| ((*name).to_owned(), stem(name))).collect()
}

#[test]
fn what_waits_is_seen_like_what_is_attached() {
    let attaching = Attaching::new();
    for name in ["a", "b"] {
        attaching.put(&format!("attachments/{name}.txt"), name);
        let ino = attaching.find(&format!("attachments/{name}.txt")).unwrap();
        assert_eq!(attaching.fs.getattr(ino).unwrap().attr.size, 1);
    }
    assert_eq!(attaching.find("attachments/c.txt"), None);
    assert_eq!(attaching.read("attachments/b.txt").unwrap(), "b");
    attaching.put("attachments/c.txt", "c");
    let eml = attaching.read("message.eml").unwrap();
    for name in ["a.txt", "b.txt", "c.txt"] {
        assert!(eml.contains(&format!("filename=\"{name}\"")), "{eml}");
    }
    attaching.put("attachments/d.txt", "d");
    assert_eq!(attaching.names(), ["a.txt", "b.txt", "c.txt", "d.txt", "first.txt"]);
    attaching.put("attachments/e.txt", "e");
    let names = ["first.txt", "a.txt", "b.txt", "c.txt", "d.txt", "e.txt"];
    assert_eq!(attaching.close(), expected(&names));
}

#[test]
fn what_waits_is_removed_renamed_and_written_again() {
    let attaching = Attaching::new();
    for name in ["a.txt", "b.txt", "c.txt"] {
        attaching.put(&format!("attachments/{name}"), name.split('.').next().unwrap());
    }
    let directory = attaching.find("attachments").unwrap();
    attaching.fs.unlink(directory, OsStr::new("a.txt")).unwrap();
    attaching.put("attachments/d.txt", "d");
    let renamed = OsStr::new("d.txt");
    attaching.fs.rename((directory, renamed), (directory, OsStr::new("new.txt")), true).unwrap();
    attaching.put("attachments/e.txt", "e");
    let again = attaching.find("attachments/e.txt").unwrap();
    let handle = attaching.fs.open_file(again, libc::O_WRONLY | libc::O_APPEND).unwrap().handle;
    attaching.fs.write(handle, 1, b"!").unwrap();
    attaching.fs.flush(handle).unwrap();
    attaching.fs.release(handle);
    let mut all = expected(&["first.txt", "b.txt", "c.txt"]);
    all.extend([("new.txt".to_owned(), "d".to_owned()), ("e.txt".to_owned(), "e!".to_owned())]);
    assert_eq!(attaching.close(), all);
}

/// A message file becomes a directory at once, and what is made of mail files lies beside them.
#[test]
fn what_is_made_of_an_attachment_is_there_at_once() {
    let attaching = Attaching::new();
    attaching.put("attachments/a.eml", "Subject: Hi\r\n\r\nText\r\n");
    assert_eq!(attaching.read("attachments/a.eml.d/subject").unwrap(), "Hi\n");
}

#[test]
fn what_waits_outlives_a_crash() {
    let attaching = Attaching::new();
    for name in ["a.txt", "b.txt"] {
        attaching.put(&format!("attachments/{name}"), name.split('.').next().unwrap());
    }
    let log = tempfile::tempdir().unwrap();
    copy(attaching.state.path(), log.path());
    let Attaching { source, fs, state } = attaching;
    // As after SIGKILL: nothing is saved, and the log is as it was.
    std::mem::forget(fs);
    drop(open_for_writing(source.path(), log.path()).close());
    let names = ["first.txt", "a.txt", "b.txt"];
    assert_eq!(attachments(&source.path().join("A.msg")), expected(&names));
    drop(state);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => {
                fs::create_dir(&to).unwrap();
                copy(&entry.path(), &to);
            }
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Every state of the message is opened in the session: 200 attachments do not make 200 states.
#[test]
fn many_attachments_come_into_the_message_together() {
    let attaching = Attaching::new();
    let before = attaching.messages_opened();
    (0..200).for_each(|n| attaching.put(&format!("attachments/{n}.txt"), "text"));
    assert_eq!(attaching.names().len(), 201);
    assert_eq!(attaching.messages_opened() - before, 1);
    assert_eq!(attaching.close().len(), 201);
}
