//! The defects of a message, which `ERRORS` lists one a line, and the notes on it.

use crate::imsg::{AttachMethod, MapiProp, Message, Note};
use crate::mapi::tags;
use crate::storage::Defect;

use super::attachments::{Shown, ShownAttachment};
use super::bodies::Bodies;
use super::ics;
use super::structures;
use super::text::one_line;
use super::vcf;

/// At most this many defects are listed. In a file made for it, every few bytes can be a defect.
const DEFECTS_MAX: usize = 1000;

/// The defects of a message, its recipients and its attachments, without those of the messages
/// embedded in it. No attachment is read, and no body decompressed.
pub fn of_message(message: &Message, attachments: &[ShownAttachment]) -> Vec<Defect> {
    let mut defects = message.defects().unwrap_or_default();
    defects.extend(message.value_defects().unwrap_or_default());
    for recipient in message.recipients().unwrap_or_default() {
        defects.extend(recipient.value_defects().unwrap_or_default());
    }
    defects.extend(of_rtf(message));
    defects.extend(structures::defects(message));
    defects.extend(ics::defect(message));
    defects.extend(of_unopened(message, attachments));
    for attachment in attachments {
        defects.extend(of_attachment(attachment));
    }
    if let Some(more) = defects.len().checked_sub(DEFECTS_MAX).filter(|more| *more > 0) {
        defects.truncate(DEFECTS_MAX);
        defects.shrink_to_fit();
        let cause = format!("{more} more defects");
        defects.push(Defect { place: "/".to_owned(), cause });
    }
    defects
}

/// Why some attachments of the message cannot be shown.
fn of_unopened(message: &Message, attachments: &[ShownAttachment]) -> Vec<Defect> {
    let numbers = message.attachments().unwrap_or_default();
    if numbers.len() == attachments.len() {
        return Vec::new();
    }
    let place = message.storage().map(|storage| storage.path()).unwrap_or_default();
    let errors = numbers.into_iter().filter_map(|number| message.attachment(number).err());
    errors.map(|error| error.into_defect(&place)).collect()
}

/// The defect of the compressed RTF, found without decompressing it.
pub(super) fn of_rtf(message: &Message) -> Option<Defect> {
    let cause = Bodies::new(message).rtf_defect()?;
    let path = message.storage().map(|storage| storage.path()).unwrap_or_default();
    Some(Defect {
        place: format!("{}/{}", path.trim_end_matches('/'), tags::PR_RTF_COMPRESSED),
        cause,
    })
}

/// The defects of the bodies.
pub fn of_bodies(message: &Message) -> Vec<Defect> {
    let bodies = [tags::PR_BODY, tags::PR_HTML, tags::PR_BODY_HTML];
    let stored = bodies.into_iter().filter_map(|tag| message.salvage(tag).ok()?.defect);
    stored.chain(of_rtf(message)).collect()
}

/// The notes on a message, without those on the messages embedded in it.
pub fn notes_of_message(message: &Message) -> Vec<Note> {
    let mut notes = message.notes().unwrap_or_default();
    notes.extend(Bodies::new(message).notes());
    notes.extend(ics::note(message));
    notes.extend(vcf::note(message));
    for number in message.attachments().unwrap_or_default() {
        let attachment = message.attachment(number);
        notes.extend(attachment.and_then(|one| one.notes()).unwrap_or_default());
    }
    notes.truncate(DEFECTS_MAX);
    notes
}

/// The content of `ERRORS`.
pub fn text(defects: &[Defect]) -> Vec<u8> {
    let lines = defects.iter().map(|defect| one_line(&defect.to_string()) + "\n");
    lines.collect::<String>().into_bytes()
}

fn of_attachment(shown: &ShownAttachment) -> Vec<Defect> {
    let attachment = &shown.attachment;
    let mut defects = attachment.defects().unwrap_or_default();
    defects.extend(attachment.value_defects().unwrap_or_default());
    // The defects of other contents are among those of the property values.
    if let Some((_, Shown::Ole)) = shown.entry {
        defects.extend(shown.missing.iter().cloned());
    }
    let missing = match &shown.entry {
        Some((_, Shown::Message(_))) => attachment.embedded_message().err(),
        Some(_) => None,
        // An attachment that has just been created has no content yet.
        None if attachment.method().is_ok_and(|method| method == AttachMethod::None) => None,
        None => attachment.content_storage().err(),
    };
    let place = attachment.storage().map(|storage| storage.path()).unwrap_or_default();
    defects.extend(missing.map(|error| error.into_defect(&place)));
    defects
}
