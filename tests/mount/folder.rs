//! Source folders, and the messages that are put into them.

use std::fs;
use std::path::{Path, PathBuf};

use msgfs::imsg::NameKind;
use msgfs::mapi::sets::PS_PUBLIC_STRINGS;
use msgfs::mapi::{PropertyType, Value, tags};
use tempfile::TempDir;

use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder, stream_name};

/// A folder to mount.
#[derive(Debug)]
pub(crate) struct Folder {
    directory: TempDir,
}

/// When every message here was sent and delivered.
pub(crate) const DELIVERED: &str = "2021-03-04T05:06:07Z";
/// [`DELIVERED`] in seconds since 1970.
pub(crate) const DELIVERED_SECONDS: i64 = 1_614_834_367;

impl Folder {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::with_prefix("msgfs-source-").unwrap() }
    }

    /// A folder with all kinds of messages and files that can be read without an error.
    pub(crate) fn of_everything() -> Self {
        Self::new()
            .with("letter.msg", letter("A letter").to_bytes())
            .with("parcel.msg", parcel().to_bytes())
            .with("large.msg", large().to_bytes())
            .with("template.oft", letter("A template").to_bytes())
            .with("sub/folder/Parcel again.MSG", parcel().to_bytes())
            .with("notes.txt", "Not a message.\n")
            .with("empty", "")
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, and the folders it is to lie in.
    pub(crate) fn put(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn with(self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Self {
        self.put(name, bytes);
        self
    }
}

/// A short mail.
pub(crate) fn letter(subject: &str) -> MessageBuilder {
    MessageBuilder::mail(subject, ("Ada Ek", "ada@example.org"), DELIVERED)
        .recipient(RecipientBuilder::to("Bo Li", "bo@example.org"))
        .body(&format!("This is {subject}.\nIt has two lines."))
}

/// A mail with everything that a mail may have.
pub(crate) fn parcel() -> MessageBuilder {
    let inner = letter("Inner").attach(AttachmentBuilder::file("deep.txt", "Deep inside.\n"));
    let outer = letter("Outer: with/slash").attach(AttachmentBuilder::message(inner));
    let keywords = ["Blue", "Travel"].map(|word| Value::String(word.to_owned()));
    let file = AttachmentBuilder::file("numbers.bin", numbers(100_000));
    letter("A parcel")
        .html("<p>This is <b>a parcel</b>.</p>")
        .recipient(RecipientBuilder::cc("Čeněk", "cenek@example.org"))
        .recipient(RecipientBuilder::bcc("Dai", "dai@example.org"))
        .text(tags::PR_INTERNET_MESSAGE_ID, "<parcel@example.org>")
        .named(
            PS_PUBLIC_STRINGS,
            NameKind::Name("Keywords".to_owned()),
            PropertyType::MULTIPLE_STRING,
            Value::Multiple(keywords.to_vec()),
        )
        .attach(file.set(tags::PR_ATTACH_MIME_TAG, Value::String("application/x-test".to_owned())))
        .attach(AttachmentBuilder::file("numbers.bin", numbers(513)))
        .attach(AttachmentBuilder::file("none", ""))
        .attach(AttachmentBuilder::reference(7, "page", "https://example.org/page"))
        .attach(AttachmentBuilder::message(outer))
}

/// A mail whose file is not read whole when it is opened.
pub(crate) fn large() -> MessageBuilder {
    letter("Large").attach(AttachmentBuilder::file("large.bin", numbers(700_001)))
}

/// A mail without the stream of its body, whose property is still listed.
pub(crate) fn damaged() -> Vec<u8> {
    let mut tree = letter("Damaged").to_tree();
    tree.remove(&stream_name(tags::PR_BODY));
    tree.to_bytes()
}

/// Bytes that differ everywhere.
pub(crate) fn numbers(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}
