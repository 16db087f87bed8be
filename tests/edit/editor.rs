//! A message whose files are set by their paths, without a filesystem.

use std::sync::Arc;
use std::time::{Duration, Instant};

use msgfs::imsg::{Access, MapiPropMut as _, Message};
use msgfs::mapi::tags;
use msgfs::storage::Source;
use msgfs::view::{
    AttachmentNames, BodyTimes, Change, Editor, Error, FileAccess, MessageTree, Show, StartCheck,
};
use msgfs::{imsg, storage, view};

use super::corpus::{files, tree};
use super::target::{FileTarget, Folder};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

/// A message of a file, under edit.
pub(super) struct Edited {
    pub(super) folder: Folder,
    names: Arc<AttachmentNames>,
    bodies: Arc<BodyTimes>,
    editor: Editor,
    now: Instant,
}

impl Edited {
    pub(super) fn new(message: &MessageBuilder) -> Self {
        Self::of(&message.to_bytes()).unwrap()
    }

    /// The message in these bytes, unless it cannot be edited.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, imsg::Error> {
        let folder = Folder::new(bytes);
        let target = FileTarget::new(folder.folder.path(), "a.msg");
        let message = folder.session.open_message(&folder.storage(), Access::ReadWrite(target))?;
        Ok(Self::on(folder, message))
    }

    /// A message that has never been saved.
    pub(super) fn created() -> Self {
        let folder = Folder::new(b"");
        std::fs::remove_file(folder.path()).unwrap();
        let target = FileTarget::new(folder.folder.path(), "a.msg");
        let message = folder.session.create_message(target).unwrap();
        Self::on(folder, message)
    }

    fn on(folder: Folder, message: Message) -> Self {
        let (names, bodies) = (Arc::default(), Arc::default());
        let editor = Editor::new(message, Arc::clone(&names), Arc::clone(&bodies));
        Self { folder, names, bodies, editor, now: Instant::now() }
    }

    pub(super) fn message(&self) -> &Message {
        self.editor.message()
    }

    /// The present state.
    pub(super) fn tree(&self) -> MessageTree {
        let snapshot = self.message().snapshot().unwrap();
        let open = match self.message().is_new() {
            true => MessageTree::of_new,
            false => MessageTree::of_snapshot,
        };
        open(&self.folder.session, snapshot, Show::default(), &self.names).unwrap()
    }

    pub(super) fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    pub(super) fn set(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Result<Change, Error> {
        let bytes = Arc::new(Source::from_bytes(bytes.into()));
        let tree = self.tree();
        self.editor.set(&tree, path, &bytes, self.now)
    }

    pub(super) fn remove(&mut self, path: &str) -> Result<Change, Error> {
        let tree = self.tree();
        self.editor.remove(&tree, path)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let tree = self.tree();
        self.editor.rename(&tree, from, to)
    }

    pub(super) fn access(&self, path: &str) -> FileAccess {
        view::file_access(&self.tree(), path).unwrap()
    }

    /// What a file shows; `None` if it is not there.
    pub(super) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let tree = self.tree();
        let (id, _) = tree.resolve(path).ok()?;
        let size = tree.attributes(id).unwrap().size;
        Some(tree.read(id, 0, usize::try_from(size).unwrap()).unwrap())
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.bytes(path).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// Saves, as the filesystem does: the next edit is made by another editor.
    pub(super) fn save(&mut self) {
        let tree = self.tree();
        self.editor.complete(&tree).unwrap();
        self.message().save_changes().unwrap();
        let message = self.folder.write();
        self.editor = Editor::new(message, Arc::clone(&self.names), Arc::clone(&self.bodies));
    }
}

/// A letter in every kind of body, with what a message has besides.
pub(super) fn letter() -> MessageBuilder {
    let inner = MessageBuilder::new("IPM.Note", "Inner").body("inside\r\n");
    MessageBuilder::mail("RE: Outer", ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z")
        .body("Hello big world\r\n")
        .html("<html><body><p>Hello <b>big</b> world</p></body></html>")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
        .recipient(RecipientBuilder::cc("Cy", "cy@example.org"))
        .attach(AttachmentBuilder::file("outer.txt", "outside"))
        .attach(AttachmentBuilder::message(inner))
}

/// Every file below a directory of a message that can be set, with what it shows.
fn settable_files(tree: &MessageTree, at: &str, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok((id, _)) = tree.resolve(at) else { return };
    for entry in tree.list(id).unwrap().entries() {
        let path = if at.is_empty() { entry.name.clone() } else { format!("{at}/{}", entry.name) };
        match view::file_access(tree, &path) {
            Ok(FileAccess::Settable) if entry.kind == view::FileKind::File => {
                let size = tree.attributes(entry.id).unwrap().size;
                let Ok(bytes) = tree.read(entry.id, 0, usize::try_from(size).unwrap()) else {
                    continue;
                };
                found.push((path, bytes));
            }
            Ok(_) if entry.kind == view::FileKind::Directory => settable_files(tree, &path, found),
            _ => {}
        }
    }
}

#[test]
fn the_same_bytes_are_no_edit_of_any_file_of_the_corpus() {
    let mut count = 0;
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut edited = match Edited::of(&std::fs::read(&path).unwrap()) {
            Ok(edited) => edited,
            Err(imsg::Error::Storage(storage::Error::Incomplete(_))) => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        let before = edited.tree();
        let mut paths = Vec::new();
        settable_files(&before, "", &mut paths);
        settable_files(&before, "mapi", &mut paths);
        for (path, bytes) in paths {
            let mut check = StartCheck::new(&before, &path).unwrap();
            let pieces = bytes.split_at(bytes.len() / 2);
            let checked = check.push(pieces.0).and_then(|()| check.push(pieces.1));
            checked.unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
            let outcome =
                edited.editor.set(&before, &path, &Arc::new(Source::from_bytes(bytes)), edited.now);
            assert_eq!(outcome.unwrap(), Change::None, "{name}: {path}");
            count += 1;
        }
        assert!(!edited.message().is_unsaved(), "{name}");
        assert!(tree(&edited.message().storage().unwrap()) == tree(&edited.folder.storage()));
    }
    println!("{count} files set to what they show");
    assert!(count == 0 || count > 5000);
}

#[test]
fn a_file_that_is_not_there_is_not_made_by_no_bytes_but_an_attachment_is() {
    let mut edited = Edited::new(&letter());
    for path in ["bcc", "categories", "mapi/PR_COMMENT", "message-id"] {
        assert_eq!(edited.set(path, "").unwrap(), Change::None, "{path}");
    }
    assert!(!edited.message().is_unsaved());
    assert_eq!(edited.set("attachments/empty", "").unwrap(), Change::Made);
    assert_eq!(edited.set("attachments/empty", "").unwrap(), Change::None);
    assert_eq!(edited.bytes("attachments/empty"), Some(Vec::new()));
}

#[test]
fn names_that_no_message_has_are_told_where_to_go() {
    let edited = Edited::new(&letter());
    for (path, hint) in [
        ("report.pdf", "attachments/"),
        ("Subject", "attachments/"),
        ("subject/x", "attachments/"),
        ("mapi/PR_IMPORTANC", "PR_SUBJECT"),
        ("mapi/0x66A1", "0x66A1001F"),
        ("mapi/0x66A1FFFF", "0x66A1001F"),
        ("mapi/named/Nowhere/Colour", "named/SET/"),
        ("mapi/recipients/9/PR_DISPLAY_NAME", "to, cc and bcc"),
        ("attachments/outer.txt/x", "other files"),
        ("attachments/none/x", ".msg"),
    ] {
        match edited.access(path) {
            FileAccess::Unknown(told) | FileAccess::ReadOnly(told) => {
                assert!(told.contains(hint), "{path}: {told}");
                let error = view::check_open(&edited.tree(), path).unwrap_err();
                assert!(error.to_string().contains(told), "{path}: {error}");
            }
            access => panic!("{path}: {access:?}"),
        }
    }
    for path in ["mapi/PR_COMMENT", "mapi/0x66a1001f", "mapi/named/PS_PUBLIC_STRINGS/Colour"] {
        assert_eq!(edited.access(path), FileAccess::Settable, "{path}");
        view::check_open(&edited.tree(), path).unwrap();
    }
}

#[test]
fn importance_is_low_normal_or_high() {
    let mut edited = Edited::new(&letter());
    for wrong in ["7\n", "-1\n", "3", "urgent\n", "lowly"] {
        assert!(matches!(edited.set("importance", wrong), Err(Error::Invalid { .. })), "{wrong}");
    }
    for (right, shown) in [("2\n", "high\n"), ("low", "low\n"), ("1", "normal\n")] {
        assert_eq!(edited.set("importance", right).unwrap(), Change::Made);
        assert_eq!(edited.text("importance").unwrap(), shown);
    }
}

/// What is missing of an attachment is told by the length that its entry states, also when the
/// message is shown as it is edited and has no file yet.
#[test]
fn damage_stays_known_after_an_edit() {
    let mut bytes = letter().to_bytes();
    let tag = tags::PR_ATTACH_DATA_BIN.0.to_le_bytes();
    let entry = bytes.windows(tag.len()).position(|window| window == tag).unwrap();
    bytes[entry + 8..entry + 12].copy_from_slice(&3_000_u32.to_le_bytes());
    let mut edited = Edited::of(&bytes).unwrap();
    let is_told = |edited: &Edited| {
        let errors = edited.text("ERRORS").unwrap_or_default();
        edited.bytes("attachments/outer.txt.partial").is_some() && errors.contains("3000")
    };
    assert!(is_told(&edited));
    edited.set("subject", "New\n").unwrap();
    assert!(is_told(&edited));
}
