//! Random operations, carried out and told to the model one by one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rustix::io::Errno;

use crate::mount::folder::letter;
use crate::random::Random;

use super::direct::Direct;
use super::files::{Change, Files, ReadFiles as _};
use super::state::{ATTACHMENTS, Attachment, Message, join};
use super::streams::streams;
use super::values::{Characters, FILES, Form, HTML, TEXT, text};

/// A filesystem, the model of it, and what was done so far.
pub(super) struct Run<F: Files> {
    files: F,
    source: PathBuf,
    random: Random,
    /// What every message shows.
    messages: BTreeMap<String, Message>,
    /// What the files of the source hold.
    saved: BTreeMap<String, Message>,
    log: Vec<String>,
    steps: usize,
}

/// A message, top-level or embedded.
struct Target {
    name: String,
    embedded: Vec<String>,
    path: String,
}

/// This many operations are printed when one fails.
const LOG_MAX: usize = 40;
/// All messages are compared after this many operations.
const CHECK_ALL_EVERY: usize = 10;
const MESSAGES_MAX: usize = 4;
const ATTACHMENTS_MAX: usize = 4;
const SCRATCH_MAX: usize = 3;
const NAMES: [&str; 6] = ["a.txt", "b.bin", "Älvsborg.tar.gz", "none", "4 5.dat", "見積.pdf"];
const MESSAGE_NAMES: [&str; 2] = ["In.msg", "Fw lunch.msg"];
const SCRATCH_NAMES: [&str; 5] =
    ["4913", ".body.txt.swp", "subject~", "attachments/.a.swp", "sedXq1aB2"];

impl<F: Files> Run<F> {
    /// Takes the messages of a source as they are.
    pub(super) fn new(files: F, source: PathBuf, seed: u64, ansi: &[&str]) -> Self {
        let mut messages = BTreeMap::new();
        for name in files.names("").unwrap() {
            let is_ansi = ansi.contains(&name.as_str());
            let characters = if is_ansi { Characters::Windows1252 } else { Characters::All };
            let message = Message::read(&files, &name, characters);
            messages.insert(name, message);
        }
        let saved = messages.clone();
        Self {
            files,
            source,
            random: Random::new(seed),
            messages,
            saved,
            log: Vec::new(),
            steps: 0,
        }
    }

    /// Does something, and compares the message that it was done to.
    pub(super) fn step(&mut self) {
        let target = self.target();
        match self.random.below(100) {
            0..34 => self.set_whole(&target),
            34..52 => self.change_part(&target),
            52..58 => self.remove_value(&target),
            58..68 => self.put_attachment(&target),
            68..75 => self.change_attachment(&target),
            75..79 => self.rename_attachment(&target),
            79..83 => self.remove_attachment(&target),
            83..87 => self.put_scratch(&target),
            87..89 => self.back_up(&target),
            89..92 => self.move_scratch(&target),
            92..93 => self.remove_scratch(&target),
            93..97 => self.save(&target.name),
            97 => self.create_message(),
            98 => self.move_message(&target.name),
            _ if self.random.one_in(3) => self.restart(),
            _ => self.remove_message(&target.name),
        }
        self.steps += 1;
        let Some(message) = self.messages.get_mut(&target.name) else { return };
        // What else there is must not have changed, and is looked at less often.
        match self.steps.is_multiple_of(CHECK_ALL_EVERY) {
            true => self.check_all(),
            false => message.embedded(&target.embedded).check_own(&self.files, &target.path),
        }
    }

    /// Ends and starts the filesystem, and compares everything.
    pub(super) fn restart(&mut self) {
        self.log("restart".to_owned());
        if !F::SAVES_WITH_TIME {
            self.check_saved();
        }
        self.files.restart();
        self.messages.values_mut().for_each(Message::restarted);
        self.saved = self.messages.clone();
        self.check_saved();
        self.check_all();
    }

    /// Panics unless every message shows what it must.
    pub(super) fn check_all(&mut self) {
        let mut names = self.files.names("").unwrap();
        names.sort();
        assert_eq!(names, self.messages.keys().cloned().collect::<Vec<_>>(), "the messages");
        for (name, message) in &mut self.messages {
            message.check(&self.files, name);
        }
    }

    /// Panics unless the source holds what was saved and nothing else.
    fn check_saved(&mut self) {
        let source = Direct::reading(&self.source);
        let mut names = source.names("").unwrap();
        names.sort();
        assert_eq!(names, self.saved.keys().cloned().collect::<Vec<_>>(), "files of the source");
        for (name, message) in &mut self.saved {
            message.check(&source, name);
        }
    }

    fn target(&mut self) -> Target {
        let names: Vec<_> = self.messages.keys().cloned().collect();
        let name = self.random.pick(&names);
        let mut target = Target { path: name.clone(), name, embedded: Vec::new() };
        while self.random.one_in(2) {
            let is_message = |attachment: &Attachment| matches!(attachment, Attachment::Message(_));
            let message = self.messages.get_mut(&target.name).unwrap().embedded(&target.embedded);
            let embedded = message.attachments.iter().filter(|(_, one)| is_message(one));
            let embedded: Vec<_> = embedded.map(|(name, _)| name.clone()).collect();
            if embedded.is_empty() {
                break;
            }
            let name = self.random.pick(&embedded);
            target.path = join(&join(&target.path, ATTACHMENTS), &name);
            target.embedded.push(name);
        }
        target
    }

    fn message(&mut self, target: &Target) -> &mut Message {
        self.messages.get_mut(&target.name).unwrap().embedded(&target.embedded)
    }

    fn set_whole(&mut self, target: &Target) {
        let (file, form) = self.random.pick(&FILES);
        let mut bytes = form.bytes(&mut self.random);
        if form.is_free() && self.random.one_in(12) {
            bytes.clear();
        }
        self.set(target, file, form, &Change::whole(&bytes));
    }

    /// Changes a file somewhere, which may break a character.
    fn change_part(&mut self, target: &Target) {
        let free: Vec<_> = FILES.into_iter().filter(|(_, form)| form.is_free()).collect();
        let (file, form) = self.random.pick(&free);
        let len = self.files.read(&join(&target.path, file)).unwrap_or_default().len();
        let is_text = form != Form::Bytes;
        let mut changes = self.changes(len, is_text);
        // A character that the message cannot hold is refused where it is written, though a later
        // change might remove it again.
        let characters = self.message(target).characters;
        if is_text && let Some(at) = changes.iter().position(|one| !one.can_be_held(characters)) {
            changes = vec![changes.swap_remove(at)];
        }
        self.set(target, file, form, &changes);
    }

    fn changes(&mut self, len: usize, is_text: bool) -> Vec<Change> {
        let random = &mut self.random;
        let count = random.below(3) + 1;
        let change = |random: &mut Random| {
            let bytes = match is_text {
                true => text(random, &[" "]).into_bytes(),
                false => {
                    let len = random.below(3000) + 1;
                    random.bytes(len)
                }
            };
            // Beyond the end is a gap of zeros, which are no text.
            let beyond = if random.one_in(10) { 20 } else { 0 };
            match random.below(3) {
                0 => Change::Truncate(random.below(len + 1 + beyond)),
                1 => Change::Append(bytes),
                _ => Change::Write { offset: random.below(len + 1 + beyond), bytes },
            }
        };
        (0..count).map(|_| change(random)).collect()
    }

    fn set(&mut self, target: &Target, file: &'static str, form: Form, changes: &[Change]) {
        let path = join(&target.path, file);
        let read = self.files.read(&path);
        let before = read.clone().unwrap_or_default();
        let mut bytes = before.clone();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        // The same bytes are no edit, also of a body that was made from another one.
        let expected = match read == Ok(bytes.clone()) {
            true => Ok(()),
            false => self.message(target).set(file, form, &bytes),
        };
        self.log(format!("set {path} by {changes:?}: {expected:?}"));
        match expected {
            Ok(()) => assert_eq!(self.files.change(&path, changes), Ok(()), "{path}"),
            Err(_) => {
                self.expect_refusal(target, &path, changes);
                if F::HAS_DESCRIPTORS {
                    self.take_part(target, file, form, before, changes);
                }
            }
        }
        // Which bodies were set together would depend on the time.
        if F::SAVES_WITH_TIME && [TEXT, HTML].contains(&file) {
            self.save(&target.name);
        }
    }

    fn expect_refusal(&mut self, target: &Target, path: &str, changes: &[Change]) {
        let outcome = match F::TELLS_ERRORS_ON_CLOSING {
            true => self.files.change(path, changes),
            false => self.files.change_and_save(path, changes),
        };
        expect_refused(path, outcome);
        if !F::TELLS_ERRORS_ON_CLOSING {
            self.save(&target.name);
        }
    }

    /// Takes over the first changes of several if they have become the value. Other tests of this
    /// process start programs, which get copies of all descriptors and close them; and a close of a
    /// copy makes the value what has been written so far.
    fn take_part(
        &mut self,
        target: &Target,
        file: &'static str,
        form: Form,
        before: Vec<u8>,
        changes: &[Change],
    ) {
        let path = join(&target.path, file);
        let found = match self.files.read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                assert_eq!(error, Errno::NOENT, "{path}");
                None
            }
        };
        let message = self.message(target);
        if found.as_deref() == message.value(file) {
            return;
        }
        let characters = message.characters;
        let mut bytes = before;
        let taken = changes.iter().position(|change| {
            change.apply(&mut bytes);
            form.shown(&bytes, characters) == Ok(found.clone())
        });
        // Else the comparison that follows each step says what is wrong.
        let Some(last) = taken else { return };
        self.log(format!("of these changes, {} were taken", last + 1));
        assert_eq!(self.message(target).set(file, form, &bytes), Ok(()), "{path}");
    }

    fn remove_value(&mut self, target: &Target) {
        let (file, _) = self.random.pick(&FILES);
        let path = join(&target.path, file);
        let is_there = self.files.len(&path).is_ok();
        self.log(format!("remove {path}, is there: {is_there}"));
        let outcome = self.files.remove_file(&path);
        if !is_there {
            return assert_eq!(outcome, Err(Errno::NOENT), "{path}");
        }
        assert_eq!(outcome, Ok(()), "{path}");
        self.message(target).remove(file);
    }

    /// Puts a file or a message into `attachments/`.
    fn put_attachment(&mut self, target: &Target) {
        let is_message = self.random.one_in(4) && target.embedded.len() < 2;
        let name = match is_message {
            true => self.random.pick(&MESSAGE_NAMES),
            false => self.random.pick(&NAMES),
        };
        let message = self.message(target);
        let is_new = !message.attachments.contains_key(name);
        if is_new && message.attachments.len() >= ATTACHMENTS_MAX || !is_new && is_message {
            return;
        }
        let path = join(&join(&target.path, ATTACHMENTS), name);
        if is_message {
            return self.put_message(target, name, &path);
        }
        let max = if self.random.one_in(10) { 40_000 } else { 5_000 };
        let len = self.random.below(max);
        let bytes = self.random.bytes(len);
        let can_hold = self.message(target).characters.can_hold(name);
        self.log(format!("put {path} with {len} bytes, can hold its name: {can_hold}"));
        if !can_hold {
            return self.expect_refusal(target, &path, &Change::whole(&bytes));
        }
        assert_eq!(self.files.change(&path, &Change::whole(&bytes)), Ok(()), "{path}");
        let message = self.message(target);
        message.attachments.insert(name.to_owned(), Attachment::File(bytes));
    }

    /// Copies a message file into `attachments/`, or makes an empty message there.
    fn put_message(&mut self, target: &Target, name: &str, path: &str) {
        let is_copied = self.random.one_in(2);
        self.log(format!("put the message {path}, copied: {is_copied}"));
        let bytes = letter("Embedded").to_bytes();
        let outcome = match is_copied {
            true => self.files.change(path, &Change::whole(&bytes)),
            false => self.files.create_directory(path),
        };
        assert_eq!(outcome, Ok(()), "{path}");
        // One that is made here has the strings of the message around it.
        let characters = if is_copied { Characters::All } else { self.message(target).characters };
        let embedded = Message::read(&self.files, path, characters);
        assert_eq!(embedded.has("subject"), is_copied, "the subject of {path}");
        let message = self.message(target);
        message.attachments.insert(name.to_owned(), Attachment::Message(embedded));
    }

    fn change_attachment(&mut self, target: &Target) {
        let Some(name) = self.attachment(target) else { return };
        let path = join(&join(&target.path, ATTACHMENTS), &name);
        let len = match &self.message(target).attachments[&name] {
            Attachment::File(bytes) => bytes.len(),
            Attachment::Message(_) => return,
        };
        let changes = self.changes(len, false);
        self.log(format!("change {path} of {len} bytes {} times", changes.len()));
        assert_eq!(self.files.change(&path, &changes), Ok(()), "{path}");
        if let Some(Attachment::File(bytes)) = self.message(target).attachments.get_mut(&name) {
            changes.iter().for_each(|change| change.apply(bytes));
        }
    }

    fn rename_attachment(&mut self, target: &Target) {
        let Some(name) = self.attachment(target) else { return };
        let is_message = name.ends_with(".msg");
        let names = if is_message { MESSAGE_NAMES.as_slice() } else { &NAMES };
        let new = self.random.pick(names);
        // A directory that has files in it is not replaced.
        if new == name || is_message && self.message(target).attachments.contains_key(new) {
            return;
        }
        let directory = join(&target.path, ATTACHMENTS);
        let (from, to) = (join(&directory, &name), join(&directory, new));
        let can_hold = self.message(target).characters.can_hold(new);
        self.log(format!("rename {from} to {to}, can hold the name: {can_hold}"));
        let outcome = self.files.rename(&from, &to);
        if !can_hold {
            return expect_refused(&to, outcome);
        }
        assert_eq!(outcome, Ok(()), "{from} to {to}");
        let attachments = &mut self.message(target).attachments;
        let attachment = attachments.remove(&name).unwrap();
        attachments.insert(new.to_owned(), attachment);
    }

    fn remove_attachment(&mut self, target: &Target) {
        let Some(name) = self.attachment(target) else { return };
        let path = join(&join(&target.path, ATTACHMENTS), &name);
        self.log(format!("remove {path}"));
        let outcome = match name.ends_with(".msg") {
            true => self.files.remove_all(&path),
            false => self.files.remove_file(&path),
        };
        assert_eq!(outcome, Ok(()), "{path}");
        self.message(target).attachments.remove(&name);
    }

    fn attachment(&mut self, target: &Target) -> Option<String> {
        let names: Vec<_> = self.message(target).attachments.keys().cloned().collect();
        (!names.is_empty()).then(|| self.random.pick(&names))
    }

    fn put_scratch(&mut self, target: &Target) {
        let name = self.random.pick(&SCRATCH_NAMES);
        let scratch = &self.message(target).scratch;
        if scratch.len() >= SCRATCH_MAX && !scratch.contains_key(name) {
            return;
        }
        let path = join(&target.path, name);
        let bytes = text(&mut self.random, &[" ", "\n"]).into_bytes();
        self.log(format!("put {path}, which is no part of the message"));
        assert_eq!(self.files.change(&path, &Change::whole(&bytes)), Ok(()), "{path}");
        self.message(target).scratch.insert(name.to_owned(), bytes);
    }

    /// Keeps a file under another name and writes it anew, as editors do.
    fn back_up(&mut self, target: &Target) {
        const BACKUP: &str = "backup~";
        let free: Vec<_> = FILES.into_iter().filter(|(_, form)| form.is_free()).collect();
        let (file, form) = self.random.pick(&free);
        let message = self.message(target);
        let Some(bytes) = message.value(file).map(<[u8]>::to_vec) else { return };
        if message.scratch.len() >= SCRATCH_MAX {
            return;
        }
        let (from, to) = (join(&target.path, file), join(&target.path, BACKUP));
        self.log(format!("rename {from} to {to}"));
        assert_eq!(self.files.rename(&from, &to), Ok(()), "{from} to {to}");
        assert_eq!(self.files.len(&from), Err(Errno::NOENT), "{from}");
        self.message(target).scratch.insert(BACKUP.to_owned(), bytes);
        let bytes = form.bytes(&mut self.random);
        self.set(target, file, form, &Change::whole(&bytes));
    }

    /// Saves as editors do: by renaming a new file over the old one.
    fn move_scratch(&mut self, target: &Target) {
        let Some(name) = self.message(target).scratch.keys().next().cloned() else { return };
        let free: Vec<_> = FILES.into_iter().filter(|(_, form)| form.is_free()).collect();
        let (file, form) = self.random.pick(&free);
        let bytes = self.message(target).scratch[&name].clone();
        let expected = self.message(target).set(file, form, &bytes);
        let (from, to) = (join(&target.path, &name), join(&target.path, file));
        self.log(format!("rename {from} to {to}: {expected:?}"));
        let outcome = self.files.rename(&from, &to);
        if expected.is_err() {
            return expect_refused(&to, outcome);
        }
        assert_eq!(outcome, Ok(()), "{from} to {to}");
        self.message(target).scratch.remove(&name);
        if F::SAVES_WITH_TIME && [TEXT, HTML].contains(&file) {
            self.save(&target.name);
        }
    }

    fn remove_scratch(&mut self, target: &Target) {
        let Some(name) = self.message(target).scratch.keys().next().cloned() else { return };
        let path = join(&target.path, &name);
        self.log(format!("remove {path}"));
        assert_eq!(self.files.remove_file(&path), Ok(()), "{path}");
        self.message(target).scratch.remove(&name);
    }

    fn save(&mut self, name: &str) {
        let message = &self.messages[name];
        let Some((file, _)) = FILES.iter().find(|(file, _)| message.has(file)) else { return };
        let path = join(name, file);
        self.log(format!("save {path}"));
        assert_eq!(self.files.save(&path), Ok(()), "{path}");
        let message = self.messages.get_mut(name).unwrap();
        // A body made of another is read before anything else may change it.
        message.check(&self.files, name);
        message.saved();
        let mut saved = message.clone();
        saved.restarted();
        let source = Direct::reading(&self.source);
        saved.check(&source, name);
        saved.check_computed(&source, name);
        streams(&self.source.join(name));
        self.saved.insert(name.to_owned(), saved);
    }

    fn create_message(&mut self) {
        let Some(name) = self.free_name() else { return };
        self.log(format!("create {name}"));
        assert_eq!(self.files.create_directory(&name), Ok(()), "{name}");
        let message = Message::read(&self.files, &name, Characters::All);
        self.messages.insert(name, message);
    }

    fn move_message(&mut self, name: &str) {
        let Some(new) = self.free_name() else { return };
        self.log(format!("rename {name} to {new}"));
        assert_eq!(self.files.rename(name, &new), Ok(()), "{name} to {new}");
        let mut message = self.messages.remove(name).unwrap();
        // A message is saved before it gets another name.
        message.check(&self.files, &new);
        message.saved();
        let mut saved = message.clone();
        saved.restarted();
        self.messages.insert(new.clone(), message);
        self.saved.remove(name);
        self.saved.insert(new, saved);
    }

    fn remove_message(&mut self, name: &str) {
        if self.messages.len() < 2 {
            return;
        }
        self.log(format!("remove {name}"));
        assert_eq!(self.files.remove_all(name), Ok(()), "{name}");
        self.messages.remove(name);
        self.saved.remove(name);
        self.check_all();
    }

    fn free_name(&mut self) -> Option<String> {
        let name = format!("New {}.msg", self.random.below(6));
        let is_free = !self.messages.contains_key(&name) && self.messages.len() < MESSAGES_MAX;
        is_free.then_some(name)
    }

    fn log(&mut self, mut line: String) {
        const LINE_MAX: usize = 600;
        if line.len() > LINE_MAX {
            let end = (0..=LINE_MAX).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
        }
        self.log.push(line);
    }
}

#[track_caller]
fn expect_refused(path: &str, outcome: Result<(), Errno>) {
    let is_refusal = matches!(outcome, Err(Errno::INVAL | Errno::ILSEQ));
    assert!(is_refusal, "{path}: expected to be refused, found {outcome:?}");
}

impl<F: Files> Drop for Run<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let first = self.log.len().saturating_sub(LOG_MAX);
            eprintln!(
                "the last operations of {}:\n{}",
                self.log.len(),
                self.log[first..].join("\n")
            );
        }
    }
}
