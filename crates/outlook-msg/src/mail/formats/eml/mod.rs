//! Composes `message.eml`: a whole message as RFC 5322 and MIME (\[MS-OXCMAIL\]).
//!
//! | part | module |
//! |---|---|
//! | header fields | `fields`, `properties`, `addresses`, `domain` |
//! | encodings | `encode` |
//! | entities and multiparts | `part` |
//! | attachments | `attached` |
//! | long texts and OLE objects, on disk | `made` |
//! | signed and encrypted mail | `smime` |
//! | the transport header after an edit | `transport_header` |
//!
//! The header begins with the fields of the transport header, unchanged, even if properties have
//! other values. Fields that the transport header lacks, and those that no program can read, are made
//! from properties. All of it is ASCII. The structure is
//! mixed (related (alternative (text, HTML), inline attachments), attachments); a level with a
//! single part is left out. A native RTF body is written as text. A meeting is one of the
//! alternatives; a contact, list or task is the first attachment. If the message has no body, the
//! text of the message that it wraps is in its place, or an empty text, because mail programs take
//! a first part for the body. If something cannot be read, the last part lists it; if an attachment
//! is damaged, its own part says so too.
//! The same message always gives the same bytes: nothing in them depends on the time or the machine.

mod addresses;
mod attached;
mod domain;
mod encode;
mod fields;
mod made;
mod part;
mod properties;
mod smime;
mod transport_header;

use std::cell::{OnceCell, RefCell};

use crate::imsg::{self, MapiProp, Message};
use crate::mail::attachments::derived::Inside;
use crate::mail::attachments::inline::{Referred, is_inline};
use crate::mail::attachments::inside::InsideLimit;
use crate::mail::attachments::{ShownAttachment, shown_attachments};
use crate::mail::bodies::Bodies;
use crate::mail::calendar::{ics, vcf};
use crate::mail::content::pieced_file::PiecedFile;
use crate::mail::defects;
use crate::mail::error::Error;
use crate::mapi::tags;
use crate::storage::Defect;

pub use transport_header::{fields_of, update_transport_header};

use attached::AttachedPart;
use fields::HeaderFields;
use made::MadeContents;
use part::{MimePart, Pieces};

/// Headers and short texts, including those of embedded messages, are kept in memory: at most this
/// many bytes, plus [`HELD_PER_BYTE`] for each byte of the source file. Attachments and long texts
/// are not kept in memory.
const HELD_BYTES_MAX: usize = 48 << 20;
const HELD_PER_BYTE: usize = 4;

/// Composes the file of a message, which tells these defects of it.
///
/// # Errors
/// [`Error::Damaged`] if its header exceeds the limit; the error if a long text or the file of an
/// OLE object cannot be written.
pub fn compose(
    message: &Message,
    attachments: &[ShownAttachment],
    defects: &[Defect],
) -> Result<PiecedFile, Error> {
    let source_len = message.storage()?.file().origin_len();
    // A new message has no file, so there is no size to compare with.
    let held_max = match usize::try_from(source_len).unwrap_or(usize::MAX) {
        0 => usize::MAX,
        len => HELD_BYTES_MAX.saturating_add(len.saturating_mul(HELD_PER_BYTE)),
    };
    let made = MadeContents::new(source_len);
    let inside = InsideLimit::new(source_len);
    let missing = Vec::new();
    let mut composer = Composer { made, inside, missing, depth: 0, held: 0, held_max };
    let file = composer.message(message, attachments, defects.to_vec())?.into_file();
    Ok(file.with_missing(composer.missing))
}

/// Composes a file.
struct Composer {
    made: MadeContents,
    /// How much may be looked into to find the text of a message without a body.
    inside: InsideLimit,
    /// What could not be read so far, of the message and of those embedded in it: all that the file
    /// says to be missing, and what is missing in signed parts.
    missing: Vec<Defect>,
    /// How many messages contain the one that is being composed.
    depth: u32,
    held: usize,
    held_max: usize,
}

impl Composer {
    /// Composes a message with its header.
    fn message(
        &mut self,
        message: &Message,
        attachments: &[ShownAttachment],
        mut defects: Vec<Defect>,
    ) -> Result<Pieces, Error> {
        let header = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS).unwrap_or_default();
        let mut fields = HeaderFields::received(&header);
        drop(header);
        properties::add_missing(message, &mut fields);
        let header = fields.text();
        drop(fields);
        self.take(message, header.len())?;
        let mut pieces = Pieces::default();
        pieces.push(header.as_bytes());
        drop(header);
        let is_nested = self.depth > 0 || !defects.is_empty();
        let mut has_version = false;
        let opened = OnceCell::new();
        let signed = || {
            opened.get_or_init(|| {
                let mut missing = Vec::new();
                let only = attachments.first();
                (only.and_then(|one| self.wrapped(one, &mut missing)), missing)
            })
        };
        let whole = smime::part(message, attachments, is_nested, &|| signed().0.as_ref());
        let mut parts = match whole {
            Some(whole) => {
                has_version = whole.has_mime_version && defects.is_empty();
                // The signature covers the part, so nothing in the file can tell of damage in it.
                let missing = signed().1.clone();
                self.missing.extend(missing);
                vec![whole.part]
            }
            None => self.structure(message, attachments, &mut defects)?,
        };
        if !defects.is_empty() {
            parts.push(attached::errors(&defects));
        }
        if !has_version {
            pieces.push(b"MIME-Version: 1.0\r\n");
        }
        MimePart::multipart("mixed", parts).write(&mut pieces);
        self.missing.extend(defects);
        Ok(pieces)
    }

    /// Composes the parts with the bodies and the attachments. Adds a defect for what is left out.
    fn structure(
        &mut self,
        message: &Message,
        attachments: &[ShownAttachment],
        defects: &mut Vec<Defect>,
    ) -> Result<Vec<MimePart>, Error> {
        let referred = RefCell::new(Referred::default());
        let bodies = Bodies::new(message);
        let mut alternative = Vec::new();
        // Of the texts, only one at a time is in memory.
        let wrapped_text = || {
            attachments.iter().find_map(|one| {
                let inside = self.wrapped(one, defects)?;
                Bodies::new(&inside.message).text()
            })
        };
        if let Some(text) = bodies.text().or_else(wrapped_text) {
            alternative.extend(self.text("plain", &text, message, defects)?);
        }
        let html = bodies.mailed_html(&|reference| {
            referred.borrow_mut().insert(reference);
            None
        });
        drop(bodies);
        let has_html = html.is_some();
        if let Some(html) = html {
            alternative.extend(self.text("html", &html, message, defects)?);
        }
        if let Some(calendar) = ics::event(message) {
            alternative.extend(self.calendar(calendar, message, defects)?);
        }
        if alternative.is_empty() {
            alternative.push(MimePart::text("plain", ""));
        }
        let data = self.data(message, defects)?;
        let held = alternative.iter().chain(&data).map(|part| part.body.bytes_held()).sum();
        self.take(message, held)?;
        let referred = referred.into_inner();
        let (mut inline, mut apart) = (Vec::new(), Vec::new());
        for shown in attachments {
            let is_inline = has_html && is_inline(&shown.attachment, &referred);
            let Some(part) = self.attachment(shown, is_inline)? else { continue };
            if is_inline { inline.push(part) } else { apart.push(part) }
        }
        let mut related = vec![MimePart::multipart("alternative", alternative)];
        related.extend(inline);
        let mut mixed = vec![MimePart::multipart("related", related)];
        mixed.extend(data);
        mixed.extend(apart);
        Ok(mixed)
    }

    /// The message that an attachment only wraps; `None` for another attachment, and if it cannot be
    /// opened. Adds the defects because of which its text may be short or missing. What else is
    /// damaged in such an attachment is not missing in the file, which has the attachment as it is
    /// stored.
    fn wrapped(&self, one: &ShownAttachment, defects: &mut Vec<Defect>) -> Option<Inside> {
        let derived = one.derived.as_ref().filter(|one| one.kind.is_wrapped())?;
        let (place, inside) = self.inside.open_at(one, derived, "", 0);
        match inside {
            Ok(inside) => {
                let of_bodies = defects::of_bodies(&inside.message);
                let found = inside.defects.iter().cloned().chain(of_bodies);
                defects.extend(found.map(|one| one.below(&place)));
                Some(inside)
            }
            Err(defect) => {
                defects.push(defect);
                None
            }
        }
    }

    /// Composes a part with a text. If there is no room for it, adds a defect instead.
    fn text(
        &mut self,
        subtype: &str,
        text: &str,
        message: &Message,
        defects: &mut Vec<Defect>,
    ) -> Result<Option<MimePart>, Error> {
        if self.made.take_text(text.len()) {
            return MimePart::long_text(subtype, text, &mut self.made).map(Some);
        }
        let len = text.len();
        let cause = format!("the part text/{subtype} of {len} bytes is left out: {TOO_MUCH_TEXT}");
        defects.push(Defect { place: place_of(message), cause });
        Ok(None)
    }

    /// Composes the part of a calendar item. Its type has the iCalendar method, because programs
    /// act on that (RFC 6047 2.4).
    fn calendar(
        &mut self,
        calendar: Vec<u8>,
        message: &Message,
        defects: &mut Vec<Defect>,
    ) -> Result<Option<MimePart>, Error> {
        let calendar = String::from_utf8_lossy(&calendar);
        let value = |name| calendar.lines().find_map(|line| line.strip_prefix(name));
        let method = value("METHOD:").map(|method| format!("; method={method}"));
        let components = calendar.lines().filter_map(|line| line.strip_prefix("BEGIN:"));
        let component = components.into_iter().find(|name| ics::COMPONENTS.contains(name));
        let component = component.map(|name| format!("; component={name}"));
        let parameters = [method, component].map(Option::unwrap_or_default).concat();
        self.text(&format!("calendar{parameters}"), &calendar, message, defects)
    }

    /// Composes what a contact, a list or a task says beside its body, as a file: mail programs
    /// offer to add it to the address book or to the tasks.
    fn data(
        &mut self,
        message: &Message,
        defects: &mut Vec<Defect>,
    ) -> Result<Option<MimePart>, Error> {
        let (part, name) = if let Some(card) = vcf::render(message) {
            let card = String::from_utf8_lossy(&card);
            (self.text("vcard", &card, message, defects)?, vcf::CONTACT_VCF)
        } else if let Some(task) = ics::task(message) {
            (self.calendar(task, message, defects)?, ics::TASK_ICS)
        } else {
            return Ok(None);
        };
        Ok(part.map(|mut part| {
            part.field_with_name("Content-Disposition", "attachment", "filename", name);
            part
        }))
    }

    /// Composes the part of an attachment; `None` if it has no content at all.
    fn attachment(
        &mut self,
        shown: &ShownAttachment,
        is_inline: bool,
    ) -> Result<Option<MimePart>, Error> {
        match attached::part(shown, is_inline, &mut self.made)? {
            AttachedPart::Nothing => Ok(None),
            AttachedPart::Part(part) => Ok(Some(part)),
            AttachedPart::Message => self.embedded(shown, is_inline).map(Some),
        }
    }

    /// Composes the part of an embedded message. If it cannot be opened, or there is no room for
    /// it, the part is a text that says why.
    fn embedded(&mut self, shown: &ShownAttachment, is_inline: bool) -> Result<MimePart, Error> {
        let message = match shown.attachment.embedded_message() {
            Ok(message) => message,
            Err(imsg::Error::SessionClosed) => return Err(imsg::Error::SessionClosed.into()),
            Err(error) => return Ok(attached::unreadable(shown, &error.to_string())),
        };
        // Once the limit is reached, no further message is made only to be dropped.
        if let Err(Error::Damaged(defect)) = self.take(&message, 0) {
            return Ok(self.left_out(shown, defect));
        }
        let attachments = shown_attachments(&message, None);
        let defects = defects::of_message(&message, &attachments);
        self.depth += 1;
        let composed = self.message(&message, &attachments, defects);
        self.depth -= 1;
        match composed {
            Ok(body) => Ok(attached::message_part(shown, is_inline, body)),
            Err(Error::Damaged(defect)) => Ok(self.left_out(shown, defect)),
            Err(error) => Err(error),
        }
    }

    /// The part in the place of an embedded message for which there is no room.
    fn left_out(&mut self, shown: &ShownAttachment, defect: Defect) -> MimePart {
        let part = attached::unreadable(shown, &defect.cause);
        self.missing.push(defect);
        part
    }

    /// Counts bytes that are kept in memory; an error if they exceed the limit.
    fn take(&mut self, message: &Message, bytes: usize) -> Result<(), Error> {
        self.held = self.held.saturating_add(bytes);
        if self.held <= self.held_max {
            return Ok(());
        }
        let cause =
            format!("its header and those around it take more than {} bytes", self.held_max);
        Err(Error::Damaged(Defect { place: place_of(message), cause }))
    }
}

/// Why a text is left out.
const TOO_MUCH_TEXT: &str = "the texts of the file are many times as long as the message";

fn place_of(message: &Message) -> String {
    message.storage().map(|storage| storage.path()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Composer, InsideLimit, MadeContents};
    use crate::mail::Mail;
    use crate::mail::attachments::shown_attachments;

    /// Composes with room for so many bytes of text, and for so many in memory.
    fn composed(mail: &Mail, text_room: u64, held_max: usize) -> String {
        let made = MadeContents::with_room(text_room);
        let inside = InsideLimit::new(0);
        let missing = Vec::new();
        let mut composer = Composer { made, inside, missing, depth: 0, held: 0, held_max };
        let attachments = shown_attachments(mail.message(), None);
        let pieces = composer.message(mail.message(), &attachments, Vec::new()).unwrap();
        let file = pieces.into_file();
        let mut bytes = vec![0; usize::try_from(file.len()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_text_without_room_is_told() {
        let mut mail = Mail::create().unwrap();
        mail.set_text("Words").unwrap();
        assert!(!composed(&mail, 5, usize::MAX).contains("left out"));
        let eml = composed(&mail, 4, usize::MAX);
        assert!(eml.contains("the part text/plain of 5 bytes is left out"), "{eml}");
        assert!(eml.contains("ERRORS.txt") && !eml.contains("Words"), "{eml}");
    }

    #[test]
    fn an_embedded_message_without_room_is_told() {
        let mut inner = Mail::create().unwrap();
        inner.set_subject(&"Long ".repeat(1_000)).unwrap();
        let mut bytes = Vec::new();
        inner.to_msg(&mut bytes).unwrap();
        let mut mail = Mail::create().unwrap();
        mail.set_text("Words").unwrap();
        for name in ["a.msg", "b.msg"] {
            mail.add_attachment(name, bytes.clone()).unwrap();
        }
        assert_eq!(composed(&mail, 1_000_000, 20_000).matches("message/rfc822").count(), 2);
        let eml = composed(&mail, 1_000_000, 4_000);
        assert_eq!(eml.matches("This attachment could not be read").count(), 2, "{eml}");
        assert!(eml.contains("Words"), "{eml}");
    }
}
