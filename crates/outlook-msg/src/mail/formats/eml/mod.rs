//! Composes `message.eml`: a whole message as RFC 5322 and MIME (\[MS-OXCMAIL\]).
//!
//! | part | module |
//! |---|---|
//! | header fields | `fields`, `properties`, `addresses` |
//! | encodings | `encode` |
//! | entities and multiparts | `part` |
//! | attachments | `attached` |
//! | signed and encrypted mail | `smime` |
//! | the transport header after an edit | `transport_header` |
//!
//! The header begins with the fields of the transport header, unchanged, even if properties have
//! other values. Fields that the transport header lacks are made from properties. The structure is
//! mixed (related (alternative (text, HTML), inline attachments), attachments); a level with a
//! single part is left out. A native RTF body is written as text. A meeting is one of the
//! alternatives; a contact, list or task is the first attachment. If a body is damaged, the last
//! part says what is missing; if an attachment is damaged, its own part says so. The same message
//! always gives the same bytes: nothing in them depends on the time or the machine.

mod addresses;
mod attached;
mod encode;
mod fields;
mod part;
mod properties;
mod smime;
mod transport_header;

use std::cell::RefCell;

use crate::imsg::{self, MapiProp, Message};
use crate::mail::attachments::inline::{Referred, is_inline};
use crate::mail::attachments::{ShownAttachment, shown_attachments};
use crate::mail::bodies::Bodies;
use crate::mail::calendar::{ics, vcf};
use crate::mail::content::pieced_file::PiecedFile;
use crate::mail::defects;
use crate::mail::error::Error;
use crate::mapi::tags;
use crate::storage::Defect;

pub use transport_header::{fields_of, update_transport_header};

use attached::{AttachedPart, Ole};
use fields::HeaderFields;
use part::{MimePart, Pieces};

/// Headers and bodies, including those of embedded messages, are kept in memory: at most this many
/// bytes, plus [`HELD_PER_BYTE`] for each byte of the source file. Attachments are not kept in
/// memory.
const HELD_BYTES_MAX: usize = 48 << 20;
const HELD_PER_BYTE: usize = 4;

/// Composes the file of a message.
///
/// # Errors
/// [`Error::Damaged`] if its headers and bodies exceed the limit; the error if the file of an OLE
/// object cannot be written.
pub fn compose(message: &Message, attachments: &[ShownAttachment]) -> Result<PiecedFile, Error> {
    let source_len = message.storage()?.file().origin_len();
    // A new message has no file, so there is no size to compare with.
    let held_max = match usize::try_from(source_len).unwrap_or(usize::MAX) {
        0 => usize::MAX,
        len => HELD_BYTES_MAX.saturating_add(len.saturating_mul(HELD_PER_BYTE)),
    };
    let mut composer = Composer { ole: Ole::default(), depth: 0, held: 0, held_max };
    Ok(composer.message(message, attachments)?.into_file())
}

/// Composes a file.
struct Composer {
    ole: Ole,
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
    ) -> Result<Pieces, Error> {
        let header = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS).unwrap_or_default();
        let mut fields = HeaderFields::received(&header);
        properties::add_missing(message, &mut fields);
        let header = fields.text();
        self.take(message, header.len())?;
        let mut pieces = Pieces::default();
        pieces.push(header.as_bytes());
        if let Some(entity) = smime::signed_entity(message, attachments) {
            if !entity.has_mime_version {
                pieces.push(b"MIME-Version: 1.0\r\n");
            }
            pieces.push_raw(entity.content, entity.len, self.depth > 0);
            return Ok(pieces);
        }
        let part = match smime::opaque(message, attachments) {
            Some(part) => part,
            None => self.structure(message, attachments)?,
        };
        pieces.push(format!("MIME-Version: 1.0\r\n{}\r\n", part.header).as_bytes());
        pieces.append(part.body);
        Ok(pieces)
    }

    /// Composes the part with the bodies and the attachments.
    fn structure(
        &mut self,
        message: &Message,
        attachments: &[ShownAttachment],
    ) -> Result<MimePart, Error> {
        let bodies = Bodies::new(message);
        let referred = RefCell::new(Referred::default());
        let html = bodies.mailed_html(&|reference| {
            referred.borrow_mut().insert(reference);
            None
        });
        let referred = referred.into_inner();
        let mut alternative = Vec::new();
        alternative.extend(bodies.text().map(|text| MimePart::text("plain", &text)));
        alternative.extend(html.as_ref().map(|html| MimePart::text("html", html)));
        alternative.extend(calendar(message));
        let held = alternative.iter().map(|part| part.body.bytes_held()).sum();
        self.take(message, held)?;
        let (mut inline, mut apart) = (Vec::new(), Vec::new());
        for shown in attachments {
            let is_inline = html.is_some() && is_inline(&shown.attachment, &referred);
            let Some(part) = self.attachment(shown, is_inline)? else { continue };
            if is_inline { inline.push(part) } else { apart.push(part) }
        }
        let mut related = Vec::new();
        if !alternative.is_empty() {
            related.push(MimePart::multipart("alternative", alternative));
        }
        related.extend(inline);
        let mut mixed = Vec::new();
        if !related.is_empty() {
            mixed.push(MimePart::multipart("related", related));
        }
        if let Some(data) = data(message) {
            self.take(message, data.body.bytes_held())?;
            mixed.push(data);
        }
        mixed.extend(apart);
        // The part of an attachment says itself what is missing of it.
        let defects = defects::of_bodies(message);
        if !defects.is_empty() {
            mixed.push(attached::errors(&defects));
        }
        Ok(MimePart::multipart("mixed", mixed))
    }

    /// Composes the part of an attachment; `None` if it has no content at all.
    fn attachment(
        &mut self,
        shown: &ShownAttachment,
        is_inline: bool,
    ) -> Result<Option<MimePart>, Error> {
        match attached::part(shown, is_inline, &mut self.ole)? {
            AttachedPart::Nothing => Ok(None),
            AttachedPart::Part(part) => Ok(Some(part)),
            AttachedPart::Message => self.embedded(shown, is_inline).map(Some),
        }
    }

    /// Composes the part of an embedded message. If it cannot be opened, the part is a text that
    /// says why.
    fn embedded(&mut self, shown: &ShownAttachment, is_inline: bool) -> Result<MimePart, Error> {
        let message = match shown.attachment.embedded_message() {
            Ok(message) => message,
            Err(imsg::Error::SessionClosed) => return Err(imsg::Error::SessionClosed.into()),
            Err(error) => return Ok(attached::unreadable(shown, &error.to_string())),
        };
        self.depth += 1;
        let body = self.message(&message, &shown_attachments(&message, None))?;
        self.depth -= 1;
        Ok(attached::message_part(shown, is_inline, body))
    }

    /// Counts bytes that are kept in memory; an error if they exceed the limit.
    fn take(&mut self, message: &Message, bytes: usize) -> Result<(), Error> {
        self.held = self.held.saturating_add(bytes);
        if self.held <= self.held_max {
            return Ok(());
        }
        let place = message.storage().map(|storage| storage.path()).unwrap_or_default();
        let cause = format!("its texts and those around it take more than {} bytes", self.held_max);
        Err(Error::Damaged(Defect { place, cause }))
    }
}

/// The calendar of a meeting. Its type has the iCalendar method, because programs act on that (RFC
/// 6047 2.4).
fn calendar(message: &Message) -> Option<MimePart> {
    let calendar = String::from_utf8(ics::event(message)?).ok()?;
    let method = calendar.lines().find_map(|line| line.strip_prefix("METHOD:"));
    let subtype = method.map_or("calendar".to_owned(), |name| format!("calendar; method={name}"));
    Some(MimePart::text(&subtype, &calendar))
}

/// What a contact, a list or a task says beside its body, as a file: mail programs offer to add it
/// to the address book or to the tasks.
fn data(message: &Message) -> Option<MimePart> {
    let (subtype, data, name) = match vcf::render(message) {
        Some(card) => ("vcard", card, "contact.vcf"),
        None => ("calendar", ics::task(message)?, "task.ics"),
    };
    let mut part = MimePart::text(subtype, &String::from_utf8(data).ok()?);
    part.field_with_name("Content-Disposition", "attachment", "filename", name);
    Some(part)
}
