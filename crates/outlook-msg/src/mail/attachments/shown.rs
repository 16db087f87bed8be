//! The attachments of a message as files in `attachments/`: their kinds and their names.
//!
//! To add a kind: add a variant to [`ContentKind`] and its name to `entry_name`; the compiler then
//! names the other places.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::imsg::{Attachment, MapiProp as _, Message, PARTIAL};
use crate::mail::values::fields::subject;
use crate::mapi::{CodePage, tags};
use crate::storage::{Defect, EntryNumber, Storage};
use crate::sync::lock;

use super::derived::{DerivedEntry, Recognised, Recogniser};
use super::kind::{ContentKind, mac_binary, text};
use super::names::{OLE, REFERENCE, UniqueNames};
use super::references::References;

/// The name of an attachment that has none.
const UNNAMED: &str = "unnamed";

/// The code page of file names on a Western Macintosh.
const MACINTOSH: u32 = 10000;

/// An attachment with its name in `attachments/`.
#[derive(Debug)]
pub struct ShownAttachment {
    pub id: EntryNumber,
    pub attachment: Attachment,
    /// Its name and kind; `None` if it has no content at all. Such an attachment is shown only
    /// under `mapi/`.
    pub entry: Option<(String, ContentKind)>,
    /// The defects of its content.
    pub missing: Vec<Defect>,
    /// What is made from its content and shown beside it, such as a directory for `winmail.dat`.
    pub derived: Option<DerivedEntry>,
    /// Whether it was found that nothing is made from it. It may still be the signed part of the
    /// message, which depends on the other attachments.
    pub is_plain: bool,
}

impl ShownAttachment {
    /// Finds out what can be made from it.
    fn derive(&mut self, recogniser: &mut Recogniser, names: &mut UniqueNames) {
        let Some((name, kind)) = &self.entry else { return };
        let partial = if self.missing.is_empty() { "" } else { PARTIAL };
        // The name of the directory has no `.partial`: the file `ERRORS` in it says what is
        // missing.
        let name = name.strip_suffix(partial).unwrap_or(name);
        match recogniser.recognise(&self.attachment, name, *kind, self.is_plain) {
            Recognised::Plain => self.is_plain = true,
            Recognised::Nothing => self.is_plain = false,
            Recognised::Kind(kind) => {
                self.is_plain = false;
                self.derived = Some(DerivedEntry::new(kind, &self.attachment, name, names));
            }
        }
    }
}

/// What is known of the attachments of a message that is being edited. It has the names under which
/// they were shown, because an edit of one attachment must not change the name of another. It also
/// has which of them are plain files, so that an edit of one attachment does not read two thousand
/// others again.
#[derive(Debug, Default)]
pub struct AttachmentNames {
    /// The keys are the paths of the storages of the attachments, in upper case.
    known: Mutex<HashMap<String, KnownAttachment>>,
}

/// What [`AttachmentNames`] knew at some time.
#[derive(Clone, Debug, Default)]
pub struct SavedNames(HashMap<String, KnownAttachment>);

#[derive(Clone, Debug)]
struct KnownAttachment {
    name: String,
    /// Set for an undamaged file from which nothing is made: the version of its storage when that
    /// was found out ([`Storage::version`]).
    plain: Option<u64>,
}

impl AttachmentNames {
    fn get(&self, storage: &str) -> Option<KnownAttachment> {
        self.lock().get(storage).cloned()
    }

    /// Sets the name of the attachment on the storage with this path.
    pub fn put(&self, storage: &str, name: &str) {
        self.set(storage.to_uppercase(), KnownAttachment { name: name.to_owned(), plain: None });
    }

    fn set(&self, storage: String, known: KnownAttachment) {
        self.lock().insert(storage, known);
    }

    /// The path of each storage, and the name of the attachment on it.
    pub fn all(&self) -> Vec<(String, String)> {
        let known = self.lock();
        known.iter().map(|(storage, known)| (storage.clone(), known.name.clone())).collect()
    }

    /// What is known now, for [`AttachmentNames::restore`].
    pub fn snapshot(&self) -> SavedNames {
        SavedNames(self.lock().clone())
    }

    /// Knows again what was known before, because the edits since then are not made.
    pub fn restore(&self, saved: &SavedNames) {
        self.lock().clone_from(&saved.0);
    }

    /// Forgets the attachment on the storage with this path, and the attachments inside it.
    pub fn remove(&self, storage: &str) {
        let gone = storage.to_uppercase();
        self.lock().retain(|known, _| !known.starts_with(&gone));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, KnownAttachment>> {
        lock(&self.known)
    }
}

/// An open attachment, with what [`AttachmentNames`] knows of it.
struct OpenedAttachment {
    attachment: Attachment,
    storage: Storage,
    /// The path of its storage, in upper case.
    path: String,
    name: Option<String>,
    is_plain: bool,
}

impl OpenedAttachment {
    fn new(attachment: Attachment, known: Option<&AttachmentNames>) -> Option<Self> {
        let storage = attachment.storage().ok()?;
        let path = if known.is_some() { storage.path().to_uppercase() } else { String::new() };
        let Some(KnownAttachment { name, plain }) = known.and_then(|known| known.get(&path)) else {
            return Some(Self { attachment, storage, path, name: None, is_plain: false });
        };
        let is_plain = plain.is_some() && plain == storage.version();
        Some(Self { attachment, storage, path, name: Some(name), is_plain })
    }
}

/// The attachments of a message, in order. An attachment that has a name in `known` keeps it.
pub fn shown_attachments(
    message: &Message,
    known: Option<&AttachmentNames>,
) -> Vec<ShownAttachment> {
    let mut names = UniqueNames::default();
    let numbers = message.attachments().unwrap_or_default();
    let opened = numbers.into_iter().filter_map(|number| message.attachment(number).ok());
    let mut opened: Vec<_> = opened.filter_map(|one| OpenedAttachment::new(one, known)).collect();
    for one in &mut opened {
        // Known names are given out first, so that no other attachment gets such a name.
        one.name = one.name.take().filter(|name| names.take(name));
    }
    let (mut attachments, mut paths) = (Vec::new(), Vec::new());
    for OpenedAttachment { attachment, storage, path, name, is_plain } in opened {
        let id = storage.id();
        if let Some(name) = name.clone().filter(|_| is_plain) {
            let entry = Some((name, ContentKind::Data));
            let (missing, derived) = (Vec::new(), None);
            attachments.push(ShownAttachment { id, attachment, entry, missing, derived, is_plain });
            continue;
        }
        let missing = attachment.content_defects().unwrap_or_default();
        let partial = if missing.is_empty() { "" } else { PARTIAL };
        let entry = ContentKind::of(&attachment).map(|shown| {
            let make = || entry_name(&attachment, shown, partial, &mut names);
            (name.unwrap_or_else(make), shown)
        });
        paths.push((attachments.len(), path, storage.version()));
        let derived = None;
        attachments.push(ShownAttachment { id, attachment, entry, missing, derived, is_plain });
    }
    // Files and directories that are made from attachments get their names last, so that the
    // attachments keep theirs.
    if !attachments.is_empty() {
        let mut recogniser = Recogniser::new(message, attachments.len());
        for one in &mut attachments {
            one.derive(&mut recogniser, &mut names);
        }
    }
    let Some(known) = known else { return attachments };
    for (index, path, version) in paths {
        let Some(one) = attachments.get(index) else { continue };
        let Some((name, shown)) = &one.entry else { continue };
        let is_plain = *shown == ContentKind::Data
            && one.missing.is_empty()
            && one.derived.is_none()
            && one.is_plain;
        let plain = version.filter(|_| is_plain);
        known.set(path, KnownAttachment { name: name.clone(), plain });
    }
    attachments
}

/// Finds attachments by the references that an HTML body may contain.
pub fn references(attachments: &[ShownAttachment]) -> References {
    let mut references = References::default();
    for ShownAttachment { attachment, entry, .. } in attachments {
        if let Some((name, _)) = entry {
            let content_id = attachment.text(tags::PR_ATTACH_CONTENT_ID);
            let location = attachment.text(tags::PR_ATTACH_CONTENT_LOCATION);
            references.insert(content_id.as_deref(), location.as_deref(), name);
        }
    }
    references
}

/// Makes the name of an attachment, with `partial` at its end.
fn entry_name(
    attachment: &Attachment,
    shown: ContentKind,
    partial: &str,
    names: &mut UniqueNames,
) -> String {
    let file_name = || {
        text(attachment, tags::PR_ATTACH_LONG_FILENAME)
            .or_else(|| text(attachment, tags::PR_ATTACH_FILENAME))
    };
    let display_name = || text(attachment, tags::PR_DISPLAY_NAME);
    match shown {
        ContentKind::Data => {
            let name = file_name().unwrap_or_else(|| with_extension(attachment, display_name()));
            names.make(&name, UNNAMED, partial)
        }
        ContentKind::DataFork { .. } => {
            let header_name = || {
                let page = CodePage::new(MACINTOSH)?;
                Some(page.decode(&mac_binary(attachment)?.name).into_owned())
            };
            let name = file_name().or_else(header_name).or_else(display_name).unwrap_or_default();
            names.make(&name, UNNAMED, partial)
        }
        ContentKind::Message(_) => {
            let embedded = attachment.embedded_message().ok();
            let subject = embedded.as_ref().and_then(subject);
            let subject = subject.filter(|subject| !subject.trim().is_empty());
            let name = display_name().or(subject).or_else(file_name).unwrap_or_default();
            names.make(without_msg(&name), "message", ".msg")
        }
        ContentKind::Ole => {
            let name = file_name().or_else(display_name).unwrap_or_default();
            names.make(&name, "object", &format!("{OLE}{partial}"))
        }
        ContentKind::Reference => {
            let name = file_name().or_else(display_name).unwrap_or_default();
            names.make(&name, "reference", REFERENCE)
        }
    }
}

/// A display name with `PR_ATTACH_EXTENSION` at its end, unless it ends so already.
fn with_extension(attachment: &Attachment, name: Option<String>) -> String {
    let name = name.unwrap_or_default();
    let extension = text(attachment, tags::PR_ATTACH_EXTENSION).unwrap_or_default();
    match extension.trim_start_matches('.') {
        "" => name,
        extension if name.is_empty() => format!("{UNNAMED}.{extension}"),
        extension if name.to_lowercase().ends_with(&format!(".{}", extension.to_lowercase())) => {
            name
        }
        extension => format!("{name}.{extension}"),
    }
}

fn without_msg(name: &str) -> &str {
    match name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(".msg") => stem,
        _ => name,
    }
}
