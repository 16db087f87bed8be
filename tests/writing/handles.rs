//! Random operations of two processes on the attachments of a message, whose files stay open:
//! compared after each with a file system of names and inodes in memory.
//!
//! `MSGFS_MODEL_SEED=S` starts with another seed, `MSGFS_MODEL_OPERATIONS=N` does so many.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::process::{Child, Command};
use std::time::Duration;

use msgfs::fs::{Entry, Error, Fs, Ino, Options, SetAttr, WriteOptions};
use msgfs::imsg::SaveOutcome;
use msgfs::mail::Mail;
use tempfile::TempDir;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::random::{Random, number_from_environment};

const OPERATIONS: u64 = 4_000;
const OPERATIONS_PER_SEED: u64 = 200;
const NAMES: [&str; 5] = ["a.bin", "b.txt", "c", "d.pdf", "e.dat"];
const HANDLES_MAX: usize = 6;
const LEN_MAX: usize = 6_000;
/// Nothing is saved by itself.
const NEVER: Duration = Duration::from_secs(100_000);

#[test]
fn what_two_processes_have_open_is_what_any_file_system_shows_them() {
    let operations = number_from_environment("MSGFS_MODEL_OPERATIONS").unwrap_or(OPERATIONS);
    let first = number_from_environment("MSGFS_MODEL_SEED").unwrap_or(0);
    for seed in first..first + operations.div_ceil(OPERATIONS_PER_SEED) {
        let mut run = Run::new(seed);
        for _ in 0..OPERATIONS_PER_SEED {
            run.step();
        }
        run.end();
    }
}

/// A filesystem and its model.
struct Run {
    seed: u64,
    random: Random,
    source: Folder,
    _state: TempDir,
    fs: Fs,
    processes: Vec<Child>,
    handles: Vec<Handle>,
    names: BTreeMap<&'static str, usize>,
    /// The contents by inode; those without a name are of removed files.
    inodes: Vec<Vec<u8>>,
    log: Vec<String>,
}

/// An open file.
struct Handle {
    number: u64,
    ino: Ino,
    inode: usize,
    appends: bool,
    reads_only: bool,
}

impl Run {
    fn new(seed: u64) -> Self {
        let (first, second) = (vec![1; 700], b"text".to_vec());
        let source = Folder::new().with("A.msg", message(&[("a.bin", &first), ("b.txt", &second)]));
        let state = tempfile::tempdir().unwrap();
        let state_folder = Some(state.path().to_owned());
        let write = WriteOptions { delete: false, commit_delay: NEVER, state_folder };
        let options = Options { write: Some(write), ..Options::default() };
        let fs = Fs::open(source.path(), options).unwrap();
        let processes = (0..2).map(|_| process()).collect();
        let names = BTreeMap::from([("a.bin", 0), ("b.txt", 1)]);
        let (random, handles) = (Random::new(seed), Vec::new());
        let (inodes, log) = (vec![first, second], Vec::new());
        Self { seed, random, source, _state: state, fs, processes, handles, names, inodes, log }
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..25 => self.open(),
            25..55 => self.write(),
            55..62 => self.cut(),
            62..70 => self.flush(),
            70..84 => self.close(),
            84..90 => self.unlink(),
            90..94 => self.rename(),
            94..96 => self.save(),
            96..98 => {
                let index = self.random.below(self.processes.len());
                self.end_process(index);
            }
            _ => self.replace_source(),
        }
        self.check();
    }

    fn attachments(&self) -> Option<Ino> {
        let message = self.fs.lookup(Ino::ROOT, OsStr::new("A.msg")).unwrap().attr.ino;
        Some(self.fs.lookup(message, OsStr::new("attachments")).ok()?.attr.ino)
    }

    fn find(&self, name: &str) -> Option<Entry> {
        self.fs.lookup(self.attachments()?, OsStr::new(name)).ok()
    }

    fn open(&mut self) {
        if self.handles.len() >= HANDLES_MAX {
            return;
        }
        let name = self.random.pick(&NAMES);
        let (kind, more) = self.random.pick(&[
            (libc::O_RDONLY, 0),
            (libc::O_WRONLY, 0),
            (libc::O_RDWR, 0),
            (libc::O_WRONLY, libc::O_APPEND),
            (libc::O_WRONLY, libc::O_TRUNC),
        ]);
        let (flags, reads_only) = (kind | more, kind == libc::O_RDONLY);
        let process = self.random.pick(&self.processes.iter().map(Child::id).collect::<Vec<_>>());
        self.log.push(format!("{process} opens {name} with {flags:#o}"));
        let (ino, number, inode) = match self.names.get(name) {
            Some(inode) => {
                let ino = self.find(name).unwrap().attr.ino;
                (ino, self.fs.open_file(ino, flags).unwrap().handle, *inode)
            }
            None if reads_only => return,
            None => {
                let directory = self.attachments().unwrap();
                let name = OsStr::new(name);
                let (entry, handle) =
                    self.fs.create_for(directory, name, 0o644, flags, process).unwrap();
                self.inodes.push(Vec::new());
                (entry.attr.ino, handle, self.inodes.len() - 1)
            }
        };
        self.names.insert(name, inode);
        if more == libc::O_TRUNC {
            self.inodes[inode].clear();
        }
        let appends = more == libc::O_APPEND;
        self.handles.push(Handle { number, ino, inode, appends, reads_only });
    }

    fn handle(&mut self) -> Option<usize> {
        let writing = self.handles.iter().enumerate().filter(|(_, handle)| !handle.reads_only);
        let writing: Vec<_> = writing.map(|(index, _)| index).collect();
        (!writing.is_empty()).then(|| self.random.pick(&writing))
    }

    fn write(&mut self) {
        let Some(index) = self.handle() else { return };
        let Handle { number, ino, inode, appends, .. } = self.handles[index];
        let len = self.random.below(900) + 1;
        let bytes = self.random.bytes(len);
        let end = self.inodes[inode].len();
        let offset = if appends { end } else { self.random.below(end.min(LEN_MAX) + 20) };
        self.log.push(format!("write {len} bytes at {offset} of {ino:?}, inode {inode}"));
        self.fs.write(number, offset as u64, &bytes).unwrap();
        let content = &mut self.inodes[inode];
        content.resize(end.max(offset + len), 0);
        content[offset..offset + len].copy_from_slice(&bytes);
    }

    fn cut(&mut self) {
        let Some(index) = self.handle() else { return };
        let Handle { number, ino, inode, .. } = self.handles[index];
        let len = self.random.below(self.inodes[inode].len() + 30);
        self.log.push(format!("cut {ino:?}, inode {inode}, to {len}"));
        let change = SetAttr { size: Some(len as u64), ..SetAttr::default() };
        self.fs.setattr(ino, Some(number), &change).unwrap();
        self.inodes[inode].resize(len, 0);
    }

    fn flush(&mut self) {
        let Some(index) = self.handle() else { return };
        self.log.push(format!("flush {:?}", self.handles[index].ino));
        self.fs.flush(self.handles[index].number).unwrap();
    }

    fn close(&mut self) {
        if self.handles.is_empty() {
            return;
        }
        let handle = self.handles.swap_remove(self.random.below(self.handles.len()));
        self.log.push(format!("close {:?}, inode {}", handle.ino, handle.inode));
        self.fs.flush(handle.number).unwrap();
        self.fs.release(handle.number);
    }

    /// The handles that write to a file.
    fn writers(&self, inode: Option<&usize>) -> Vec<u64> {
        let of_file =
            self.handles.iter().filter(|one| !one.reads_only && Some(&one.inode) == inode);
        of_file.map(|handle| handle.number).collect()
    }

    fn unlink(&mut self) {
        let name = self.random.pick(&NAMES);
        let process = self.random.pick(&self.processes.iter().map(Child::id).collect::<Vec<_>>());
        if !self.names.contains_key(name) {
            return;
        }
        self.log.push(format!("{process} removes {name}"));
        let directory = self.attachments().unwrap();
        self.fs.unlink_for(directory, OsStr::new(name), Some(process)).unwrap();
        self.names.remove(name);
    }

    /// A rename onto an attachment gives it the bytes. Other file systems let the programs go on
    /// that have either file open for writing; here both are lost, and the renamed file is busy
    /// while something was written to it that is not its value yet.
    fn rename(&mut self) {
        let (from, to) = (self.random.pick(&NAMES), self.random.pick(&NAMES));
        if from == to || !self.names.contains_key(from) {
            return;
        }
        let mut lost = self.writers(self.names.get(to));
        let mut may_be_busy = false;
        if self.names.contains_key(to) {
            let writers = self.writers(self.names.get(from));
            may_be_busy = !writers.is_empty();
            lost.extend(writers);
        }
        self.log.push(format!("rename {from} to {to}, which is lost to {lost:?}"));
        let directory = self.attachments().unwrap();
        let rename = ((directory, OsStr::new(from)), (directory, OsStr::new(to)));
        let renamed = self.fs.rename(rename.0, rename.1, false);
        if may_be_busy && matches!(renamed, Err(Error::Busy)) {
            return;
        }
        renamed.unwrap();
        let inode = self.names.remove(from).unwrap();
        self.names.insert(to, inode);
        for number in lost {
            let written = self.fs.write(number, 0, b"lost");
            assert!(matches!(written, Err(Error::Replaced { .. })), "{written:?}");
            // It fails if something was written since the last one.
            let _ = self.fs.flush(number);
            self.fs.release(number);
            self.handles.retain(|handle| handle.number != number);
        }
    }

    fn save(&mut self) {
        self.log.push("save".to_owned());
        let message = self.fs.lookup(Ino::ROOT, OsStr::new("A.msg")).unwrap().attr.ino;
        self.fs.fsync(message, 0).unwrap();
    }

    /// What a process has removed is removed for good when it ends.
    fn end_process(&mut self, index: usize) {
        self.log.push(format!("process {} ends", self.processes[index].id()));
        let mut ended = std::mem::replace(&mut self.processes[index], process());
        ended.kill().unwrap();
        ended.wait().unwrap();
    }

    /// Another program puts another message there, while nothing is open or unsaved.
    fn replace_source(&mut self) {
        if !self.handles.is_empty() {
            return;
        }
        // Each of them: one that has ended makes no more requests.
        (0..self.processes.len()).for_each(|index| self.end_process(index));
        self.save();
        let content = self.random.bytes(300);
        self.log.push("another program replaces the source".to_owned());
        let bytes = message(&[("a.bin", &content)]);
        std::fs::write(self.source.path().join("new"), bytes).unwrap();
        let (new, old) = (self.source.path().join("new"), self.source.path().join("A.msg"));
        std::fs::rename(new, old).unwrap();
        self.inodes.push(content);
        self.names = BTreeMap::from([("a.bin", self.inodes.len() - 1)]);
    }

    fn check(&self) {
        for name in NAMES {
            let expected = self.names.get(name).map(|inode| &self.inodes[*inode]);
            let found = self.find(name).map(|entry| {
                let bytes = self.fs.read(entry.attr.ino, 0, 1 << 20).unwrap();
                assert_eq!(entry.attr.size, bytes.len() as u64, "the size of {name}");
                bytes
            });
            assert!(found.as_ref() == expected, "{name}: {:?}", (found, expected));
        }
        for Handle { number, ino, inode, reads_only, .. } in &self.handles {
            // What is written to a removed file is gone when the last program that writes to it
            // closes it.
            if *reads_only && !self.names.values().any(|named| named == inode) {
                continue;
            }
            let mut buffer = vec![0; 1 << 20];
            let len = self.fs.read_open(*ino, *number, 0, &mut buffer).unwrap();
            let (read, expected) = (&buffer[..len], &self.inodes[*inode]);
            assert!(read == *expected, "{ino:?}, inode {inode}: {:?}", (read, expected));
        }
    }

    fn end(mut self) {
        while !self.handles.is_empty() {
            self.close();
        }
        let report = self.fs.close();
        assert!(report.saves.iter().all(|save| save.outcome == SaveOutcome::Saved), "{report:?}");
        let saved = Mail::open(self.source.path().join("A.msg")).unwrap().attachments().unwrap();
        let found: BTreeMap<_, _> =
            saved.iter().map(|one| (one.name().to_owned(), one.read().unwrap())).collect();
        let expected = self
            .names
            .iter()
            .map(|(name, inode)| ((*name).to_owned(), self.inodes[*inode].clone()));
        assert!(found == expected.collect(), "{:?}", found.keys().collect::<BTreeSet<_>>());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("MSGFS_MODEL_SEED={} fails:\n{}", self.seed, self.log.join("\n"));
        }
    }
}

fn message(attachments: &[(&str, &Vec<u8>)]) -> Vec<u8> {
    let add = |letter: crate::fixture::MessageBuilder, (name, bytes): &(&str, &Vec<u8>)| {
        letter.attach(AttachmentBuilder::file(name, bytes.to_vec()))
    };
    attachments.iter().fold(letter("A"), add).to_bytes()
}

/// A process that removes files, and ends only when it is told to.
fn process() -> Child {
    Command::new("sleep").arg("3600").spawn().unwrap()
}
