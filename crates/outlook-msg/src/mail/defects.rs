//! The defects of a message, which the file `ERRORS` lists one per line, and the notes on the
//! message.

use crate::imsg::{AttachMethod, MapiProp, Message, Note};
use crate::mail::attachments::inside::InsideLimit;
use crate::mail::attachments::{ContentKind, ShownAttachment, shown_attachments};
use crate::mail::bodies::{Bodies, BodyKind};
use crate::mail::calendar::ics;
use crate::mail::calendar::vcf;
use crate::mail::values::text::one_line;
use crate::mail::values::{fields, structures};
use crate::mapi::tags;
use crate::storage::Defect;

/// At most this many defects are listed. In a hostile file, every few bytes can be a defect.
const DEFECTS_MAX: usize = 1000;

/// The defects of a message, its recipients and its attachments, without those of embedded
/// messages. To find them, no attachment is read, and no body decompressed but a very long one.
pub fn of_message(message: &Message, attachments: &[ShownAttachment]) -> Vec<Defect> {
    let mut defects = message.defects().unwrap_or_default();
    defects.extend(message.value_defects().unwrap_or_default());
    for recipient in message.recipients().unwrap_or_default() {
        defects.extend(recipient.value_defects().unwrap_or_default());
    }
    defects.extend(of_rtf(message));
    defects.extend(structures::defects(message));
    defects.extend(ics::defects(message));
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

/// What is found in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailFindings {
    pub defects: Vec<Defect>,
    pub notes: Vec<Note>,
}

/// The findings in the messages inside of attachments: in signed mail, in `winmail.dat`, and in
/// attached message files; of embedded messages the defects only. Each of these messages is opened.
pub fn of_inside(message: &Message, attachments: &[ShownAttachment]) -> MailFindings {
    let len = message.storage().map_or(0, |storage| storage.file().origin_len());
    let mut inside =
        FindingsInside { found: MailFindings::default(), limit: InsideLimit::new(len) };
    inside.add(attachments, "", 0);
    inside.found.notes.truncate(DEFECTS_MAX);
    inside.found
}

/// Collects the findings in messages inside of attachments.
struct FindingsInside {
    found: MailFindings,
    limit: InsideLimit,
}

impl FindingsInside {
    /// Adds the findings inside of the attachments of a message. `around` is the place of the
    /// message, `depth` the number of attachments that it is inside of.
    fn add(&mut self, attachments: &[ShownAttachment], around: &str, depth: u32) {
        for one in attachments {
            if let Some((_, ContentKind::Message(_))) = one.entry {
                self.add_embedded(one, around, depth);
            }
            let Some(derived) = one.derived.as_ref().filter(|one| one.kind.is_directory()) else {
                continue;
            };
            if self.found.defects.len() >= DEFECTS_MAX {
                return;
            }
            let (place, inside) = self.limit.open_at(one, derived, around, depth);
            let inside = match inside {
                Ok(inside) => inside,
                Err(defect) => {
                    self.found.defects.push(defect);
                    continue;
                }
            };
            let attachments = shown_attachments(&inside.message, None);
            let own = of_message(&inside.message, &attachments);
            let defects = inside.defects.into_iter().chain(own);
            self.found.defects.extend(defects.map(|one| one.below(&place)));
            let notes = inside.notes.into_iter().chain(notes_of_message(&inside.message));
            self.found.notes.extend(notes.map(|one| one.below(&place)));
            self.add(&attachments, &place, depth + 1);
        }
    }

    /// Adds the defects of an embedded message. Their places are in the file of the message around.
    /// That an embedded message cannot be opened is a defect of its attachment.
    fn add_embedded(&mut self, one: &ShownAttachment, around: &str, depth: u32) {
        if self.found.defects.len() >= DEFECTS_MAX {
            return;
        }
        let Ok(embedded) = one.attachment.embedded_message() else { return };
        let attachments = shown_attachments(&embedded, None);
        let defects = of_message(&embedded, &attachments).into_iter();
        self.found.defects.extend(defects.map(|one| one.below(around)));
        self.add(&attachments, around, depth);
    }
}

/// The errors of attachments that cannot be opened, and so are not in `attachments`.
pub(super) fn of_unopened(message: &Message, attachments: &[ShownAttachment]) -> Vec<Defect> {
    let numbers = message.attachments().unwrap_or_default();
    if numbers.len() == attachments.len() {
        return Vec::new();
    }
    let place = message.storage().map(|storage| storage.path()).unwrap_or_default();
    let errors = numbers.into_iter().filter_map(|number| message.attachment(number).err());
    errors.map(|error| error.into_defect(&place)).collect()
}

/// The defect of the RTF body.
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

/// The defects of one of the bodies: of the property that it is made of.
pub fn of_body(message: &Message, body: BodyKind) -> Vec<Defect> {
    let bodies = Bodies::new(message);
    let missing = bodies.missing(body);
    let of_rtf = bodies.is_made_of_rtf(body).then(|| of_rtf(message)).flatten();
    missing.or(of_rtf).into_iter().collect()
}

/// The notes on a message, without those on embedded messages.
pub fn notes_of_message(message: &Message) -> Vec<Note> {
    let mut notes = message.notes().unwrap_or_default();
    notes.extend(fields::notes_on_recipients(message));
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

/// The defects of an attachment, without those of a message in it.
pub(super) fn of_attachment(shown: &ShownAttachment) -> Vec<Defect> {
    let attachment = &shown.attachment;
    let mut defects = attachment.defects().unwrap_or_default();
    defects.extend(attachment.value_defects().unwrap_or_default());
    // Defects of other contents are already among those of the property values.
    if let Some((_, ContentKind::Ole)) = shown.entry {
        defects.extend(shown.missing.iter().cloned());
        let file = shown.derived.as_ref().and_then(|derived| derived.missing.clone());
        // If the stream is damaged, that is told already.
        defects.extend(file.filter(|file| shown.missing.iter().all(|one| one.place != file.place)));
    }
    let missing = match &shown.entry {
        Some((_, ContentKind::Message(_))) => attachment.embedded_message().err(),
        Some(_) => None,
        // An attachment that has just been created has no content yet.
        None if attachment.method().is_ok_and(|method| method == AttachMethod::None) => None,
        None => attachment.content_storage().err(),
    };
    let place = attachment.storage().map(|storage| storage.path()).unwrap_or_default();
    defects.extend(missing.map(|error| error.into_defect(&place)));
    defects
}
