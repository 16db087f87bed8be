//! A message that the tree has open, with what was made of it so far.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::imsg::{Message, Note, Recipient};
use crate::mail::defects::MailFindings;
use crate::mail::{Mail, mail_made_of};
use crate::mapi::FileTime;
use crate::storage::{Defect, EntryNumber};

use super::attachments::{AttachmentNames, ShownAttachment, shown_attachments};
use super::check::Findings;
use super::defects;
use super::fields::message_time;
use super::memo::Memo;
use super::row::File;

/// A message that the tree has open, the outermost or an embedded one, with what was made of it so
/// far.
#[derive(Debug)]
pub(super) struct TreeMessage {
    pub(super) message: Message,
    /// How many messages are around it.
    pub(super) depth: u32,
    /// The time of its files.
    pub(super) time: Option<FileTime>,
    /// The names that the attachments keep; `None` for a message that cannot be edited.
    names: Option<Arc<AttachmentNames>>,
    /// What was found of whatever the file of the message was made from.
    outer_findings: Findings,
    attachments: OnceLock<Vec<ShownAttachment>>,
    recipients: OnceLock<HashMap<EntryNumber, Recipient>>,
    defects: OnceLock<Vec<Defect>>,
    notes: OnceLock<Vec<Note>>,
    /// What is missing of the values that a file is made of, by the number of its row.
    missing: Memo<u32, Arc<[Defect]>>,
}

impl TreeMessage {
    pub(super) fn new(message: Message, depth: u32, names: Option<Arc<AttachmentNames>>) -> Self {
        let time = message_time(&message);
        Self {
            message,
            depth,
            time,
            names,
            outer_findings: Findings::default(),
            attachments: OnceLock::new(),
            recipients: OnceLock::new(),
            defects: OnceLock::new(),
            notes: OnceLock::new(),
            missing: Memo::default(),
        }
    }

    /// Adds what was found of whatever the file of the message was made from.
    pub(super) fn with_findings(self, outer_findings: Findings) -> Self {
        Self { outer_findings, ..self }
    }

    /// The message with its getters.
    pub(super) fn to_mail(&self) -> Mail {
        let Findings { defects, notes } = self.outer_findings.clone();
        mail_made_of(self.message.clone(), MailFindings { defects, notes })
    }

    pub(super) fn attachments(&self) -> &[ShownAttachment] {
        self.attachments.get_or_init(|| shown_attachments(&self.message, self.names.as_deref()))
    }

    /// The attachment on a storage.
    pub(super) fn attachment(&self, entry: EntryNumber) -> Option<&ShownAttachment> {
        self.attachments().iter().find(|one| one.id == entry)
    }

    pub(super) fn defects(&self) -> &[Defect] {
        self.defects.get_or_init(|| {
            let mut defects = self.outer_findings.defects.clone();
            defects.extend(defects::of_message(&self.message, self.attachments()));
            defects
        })
    }

    /// Whether somebody has asked for the defects before, and there are none.
    pub(super) fn is_known_sound(&self) -> bool {
        self.defects.get().is_some_and(Vec::is_empty)
    }

    /// The defects, if somebody has asked for them before.
    pub(super) fn defects_met(&self) -> &[Defect] {
        self.defects.get().map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn notes(&self) -> &[Note] {
        self.notes.get_or_init(|| {
            let mut notes = self.outer_findings.notes.clone();
            notes.extend(defects::notes_of_message(&self.message));
            notes
        })
    }

    /// How much memory is taken by what was made of it, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        // An open attachment with the list of its properties and its name.
        const BYTES_PER_ATTACHMENT: usize = 2 << 10;
        let attachments = self.attachments.get().map_or(0, Vec::len);
        attachments * BYTES_PER_ATTACHMENT
            + bytes_of(self.defects_met())
            + self.missing.bytes_held()
    }

    /// What is missing of the values that a file is made of. It is kept, because a mount asks before
    /// each read.
    pub(super) fn missing_of(&self, file: &File) -> Arc<[Defect]> {
        if self.is_known_sound() {
            return Arc::default();
        }
        self.missing.get(&file.number).unwrap_or_else(|| {
            let missing: Arc<[Defect]> = (file.missing)(&self.message).into();
            let bytes = bytes_of(&missing);
            self.missing.put(file.number, missing, bytes)
        })
    }

    /// The recipients by the entries of their storages.
    pub(super) fn recipients(&self) -> &HashMap<EntryNumber, Recipient> {
        self.recipients.get_or_init(|| {
            let recipients = self.message.recipients().unwrap_or_default();
            recipients.into_iter().filter_map(|one| Some((one.storage_id().ok()?, one))).collect()
        })
    }
}

/// How much memory some defects take, in bytes.
fn bytes_of(defects: &[Defect]) -> usize {
    defects.iter().map(|one| one.place.len() + one.cause.len() + size_of::<Defect>()).sum()
}
