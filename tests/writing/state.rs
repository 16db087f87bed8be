//! A message as a plain value: what its files must show.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use msgfs::body::html;
use rustix::io::Errno;

use super::files::ReadFiles;
use super::values::{Characters, FILES, Form, HTML, Refused, TEXT, word_in};

/// What a message must show.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// What each file shows that stands for a value of its own.
    values: BTreeMap<&'static str, Vec<u8>>,
    /// A text body made of an HTML body when that was set: not yet read.
    made_text: Option<String>,
    /// When the bodies were set; `None` of those that are saved, which may be forgotten.
    set_bodies: BTreeMap<&'static str, Option<Instant>>,
    /// Bodies that may have been dropped, as time passes: not yet read.
    doubtful: BTreeSet<&'static str>,
    pub(super) attachments: BTreeMap<String, Attachment>,
    /// Files that are no part of the message, by their paths in it.
    pub(super) scratch: BTreeMap<String, Vec<u8>>,
    pub(super) characters: Characters,
}

#[derive(Clone, Debug)]
pub(super) enum Attachment {
    File(Vec<u8>),
    Message(Message),
}

/// What a file must show.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown<'a> {
    Nothing,
    Exactly(&'a [u8]),
    /// A text that was made of another one.
    With(&'a str),
}

/// The directory of the attachments.
pub(super) const ATTACHMENTS: &str = "attachments";

impl Message {
    /// The message at a path, believed as it is.
    pub(super) fn read(files: &impl ReadFiles, path: &str, characters: Characters) -> Self {
        let mut message = Self {
            values: BTreeMap::new(),
            made_text: None,
            set_bodies: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            attachments: BTreeMap::new(),
            scratch: BTreeMap::new(),
            characters,
        };
        for (file, _) in FILES {
            match files.read(&join(path, file)) {
                Ok(bytes) => drop(message.values.insert(file, bytes)),
                Err(error) => assert_eq!(error, Errno::NOENT, "{path}/{file}"),
            }
        }
        let directory = join(path, ATTACHMENTS);
        for name in files.names(&directory).unwrap_or_default() {
            let path = join(&directory, &name);
            let attachment = match name.ends_with(".msg") {
                true => Attachment::Message(Self::read(files, &path, characters)),
                false => Attachment::File(files.read(&path).unwrap()),
            };
            message.attachments.insert(name, attachment);
        }
        message
    }

    /// The message embedded at names of attachments.
    pub(super) fn embedded(&mut self, names: &[String]) -> &mut Self {
        let Some((name, rest)) = names.split_first() else { return self };
        match self.attachments.get_mut(name) {
            Some(Attachment::Message(message)) => message.embedded(rest),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Sets a file to bytes.
    pub(super) fn set(
        &mut self,
        file: &'static str,
        form: Form,
        bytes: &[u8],
    ) -> Result<(), Refused> {
        let shown = form.shown(bytes, self.characters)?;
        if self.shown(file) == Shown::Exactly(bytes) {
            return Ok(());
        }
        if file == TEXT {
            // Another body would show the old text.
            if !self.has_words(bytes) && !self.is_together(HTML) {
                self.values.remove(HTML);
            }
            self.made_text = None;
            self.set_bodies.insert(TEXT, Some(Instant::now()));
        }
        if file == HTML {
            if !self.is_together(TEXT) {
                self.values.remove(TEXT);
                self.made_text = Some(word_in(bytes).to_owned());
            }
            self.set_bodies.insert(HTML, Some(Instant::now()));
        }
        // The sender stays the one that the message is from.
        if file == "from"
            && let Some(shown) = &shown
            && self.value("sender").is_some()
            && [None, self.value("sender")].contains(&self.value("from"))
        {
            self.values.insert("sender", shown.clone());
        }
        match shown {
            Some(shown) => self.values.insert(file, shown),
            None => self.values.remove(file),
        };
        Ok(())
    }

    /// Whether a text has the words that the bodies have.
    fn has_words(&self, text: &[u8]) -> bool {
        let words = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).into_owned();
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let html = self.values.get(HTML).map(|html| word_in(html).as_bytes());
        let known = [html, self.value(TEXT)].into_iter().flatten();
        known.into_iter().any(|known| words(known) == words(text))
    }

    /// Whether a body stays when another one is set: they were set within ten seconds.
    fn is_together(&mut self, body: &'static str) -> bool {
        const CERTAIN: Duration = Duration::from_secs(8);
        let Some(set) = self.set_bodies.get(body) else { return false };
        if set.is_none_or(|set| set.elapsed() > CERTAIN) {
            self.doubtful.insert(body);
        }
        true
    }

    pub(super) fn remove(&mut self, file: &'static str) {
        self.values.remove(file);
        if file == TEXT {
            self.made_text = None;
        }
        self.set_bodies.remove(file);
    }

    /// What a file shows that stands for a value of its own.
    pub(super) fn value(&self, file: &str) -> Option<&[u8]> {
        self.values.get(file).map(Vec::as_slice)
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, file: &str) -> bool {
        self.shown(file) != Shown::Nothing
    }

    /// What was set is saved.
    pub(super) fn saved(&mut self) {
        self.set_bodies.values_mut().for_each(|set| *set = None);
        for attachment in self.attachments.values_mut() {
            if let Attachment::Message(message) = attachment {
                message.saved();
            }
        }
    }

    /// The filesystem was ended and started again.
    pub(super) fn restarted(&mut self) {
        self.forget_set_bodies();
        self.forget_scratch();
    }

    fn forget_set_bodies(&mut self) {
        self.set_bodies.clear();
        for attachment in self.attachments.values_mut() {
            if let Attachment::Message(message) = attachment {
                message.forget_set_bodies();
            }
        }
    }

    fn forget_scratch(&mut self) {
        self.scratch.clear();
        for attachment in self.attachments.values_mut() {
            if let Attachment::Message(message) = attachment {
                message.forget_scratch();
            }
        }
    }

    /// Panics unless the files at a path show this message and those in it.
    pub(super) fn check(&mut self, files: &impl ReadFiles, path: &str) {
        self.check_own(files, path);
        for (name, attachment) in &mut self.attachments {
            if let Attachment::Message(message) = attachment {
                message.check(files, &join(&join(path, ATTACHMENTS), name));
            }
        }
    }

    /// Panics unless the files at a path show this message, those in it excepted.
    pub(super) fn check_own(&mut self, files: &impl ReadFiles, path: &str) {
        for body in std::mem::take(&mut self.doubtful) {
            match files.read(&join(path, body)) {
                Ok(bytes) => drop(self.values.insert(body, bytes)),
                Err(_) => drop(self.values.remove(body)),
            }
        }
        if let Some(word) = self.made_text.take() {
            let text = files.read(&join(path, TEXT)).unwrap();
            let has_word = String::from_utf8_lossy(&text).contains(&word);
            assert!(has_word, "{path}/{TEXT} lacks {word}: {text:?}");
            self.values.insert(TEXT, text);
        }
        for (file, _) in FILES {
            check_file(files, &join(path, file), &self.shown(file));
        }
        for (name, bytes) in &self.scratch {
            check_file(files, &join(path, name), &Shown::Exactly(bytes));
        }
        for (name, attachment) in &self.attachments {
            if let Attachment::File(bytes) = attachment {
                let path = join(&join(path, ATTACHMENTS), name);
                check_file(files, &path, &Shown::Exactly(bytes));
            }
        }
        self.check_names(files, path);
    }

    /// Panics unless the properties that follow from others are those of this message.
    pub(super) fn check_computed(&self, files: &impl ReadFiles, path: &str) {
        let has_attachments = files.read(&join(path, "mapi/PR_HASATTACH"));
        let expected = if self.attachments.is_empty() { "false\n" } else { "true\n" };
        // One that never had any need not say so.
        let is_right = has_attachments.as_deref() == Ok(expected.as_bytes())
            || has_attachments.is_err() && self.attachments.is_empty();
        assert!(is_right, "{path}: expected {expected:?}, found {has_attachments:?}");
        for (file, computed) in
            [("to", "PR_DISPLAY_TO"), ("cc", "PR_DISPLAY_CC"), ("bcc", "PR_DISPLAY_BCC")]
        {
            let addresses = String::from_utf8_lossy(self.value(file).unwrap_or_default());
            let names = addresses.lines().map(|line| line.rsplit_once(" <").unwrap().0);
            let names = names.collect::<Vec<_>>().join("; ");
            let found = files.read(&join(path, &format!("mapi/{computed}"))).unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&found), names, "{path}: {computed}");
        }
        let subject = self.value("subject").unwrap_or_default();
        let part = |name| files.read(&join(path, &format!("mapi/{name}"))).unwrap_or_default();
        let both = [part("PR_SUBJECT_PREFIX"), part("PR_NORMALIZED_SUBJECT")].concat();
        // Below `mapi/` the line ends are those of the value.
        let both = String::from_utf8_lossy(&both).replace("\r\n", "\n");
        let subject = subject.strip_suffix(b"\n").unwrap_or_default();
        assert_eq!(both, String::from_utf8_lossy(subject), "{path}");
        for (name, attachment) in &self.attachments {
            if let Attachment::Message(message) = attachment {
                message.check_computed(files, &join(&join(path, ATTACHMENTS), name));
            }
        }
    }

    fn check_names(&self, files: &impl ReadFiles, path: &str) {
        let mut found = BTreeSet::from_iter(files.names(path).unwrap());
        // It is there for the first attachment to be put into.
        found.remove(ATTACHMENTS);
        let shown = FILES.iter().map(|(file, _)| *file).filter(|file| self.has(file));
        let scratch = self.scratch.keys().map(String::as_str);
        let top = shown.chain(scratch).filter(|name| !name.contains('/'));
        assert_eq!(found, top.map(str::to_owned).collect(), "the names in {path}");
        let directory = join(path, ATTACHMENTS);
        let found = BTreeSet::from_iter(match files.names(&directory) {
            Err(Errno::NOENT) => Vec::new(),
            names => names.unwrap(),
        });
        let scratch = self.scratch.keys().filter_map(|path| path.strip_prefix("attachments/"));
        let expected = self.attachments.keys().cloned().chain(scratch.map(str::to_owned));
        assert_eq!(found, expected.collect(), "the names in {directory}");
    }

    fn shown(&self, file: &str) -> Shown<'_> {
        let own = self.values.get(file);
        // A message without an author has the sender for it.
        let instead = if file == "from" { self.values.get("sender") } else { None };
        match (own.or(instead), self.values.get(HTML)) {
            (Some(bytes), _) => Shown::Exactly(bytes),
            (None, Some(html)) if file == TEXT => Shown::With(word_in(html)),
            _ => Shown::Nothing,
        }
    }
}

pub(super) fn join(directory: &str, name: &str) -> String {
    format!("{directory}/{name}")
}

/// What was written into a file that shows more than that.
fn undone(path: &str, shown: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(shown) {
        Ok(text) if path.ends_with(HTML) => html::undo(text).into_bytes(),
        _ => shown.to_vec(),
    }
}

#[track_caller]
fn check_file(files: &impl ReadFiles, path: &str, expected: &Shown<'_>) {
    let found = files.read(path);
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
    match (expected, &found) {
        (Shown::Nothing, Err(Errno::NOENT)) => return,
        (Shown::Exactly(bytes), Ok(found)) => {
            // It may have been read from the file when the run began.
            let bytes = &undone(path, bytes);
            assert!(
                *bytes == undone(path, found),
                "{path}: {} bytes expected, {} found:\n{:?}\n{:?}",
                bytes.len(),
                found.len(),
                text(bytes),
                text(found)
            );
        }
        (Shown::With(word), Ok(found)) => {
            assert!(text(found).contains(word), "{path} lacks {word}: {:?}", text(found));
        }
        _ => panic!("{path}: expected {expected:?}, found {:?}", found.map(|bytes| text(&bytes))),
    }
    assert_eq!(files.len(path), Ok(found.unwrap().len() as u64), "the size of {path}");
}
