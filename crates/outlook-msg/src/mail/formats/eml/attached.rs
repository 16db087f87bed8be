//! Makes MIME parts from the attachments of a message, with their types, names and dispositions.
//!
//! Knows no body and no header of the message.

use crate::imsg::{self, Attachment, MapiProp};
use crate::mail::attachments::content::{data, data_fork};
use crate::mail::attachments::inline::content_id;
use crate::mail::attachments::media_type::{self, OCTET_STREAM};
use crate::mail::attachments::{ContentKind, ShownAttachment, reference_target};
use crate::mail::content::Content;
use crate::mail::error::Error;
use crate::mapi::tags;
use crate::storage::{self, Defect};

use super::encode::{fold, free_text, percent_encoded, single_line};
use super::made::MadeContents;
use super::part::{MimePart, Pieces};

/// A text with more bytes is not read to find out whether it is UTF-8.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// A longer content id is left out, so that no header line becomes too long.
const CONTENT_ID_MAX: usize = 900;
/// The header field that says that a part is incomplete.
const DESCRIPTION: &str = "Content-Description";

/// What an attachment becomes.
pub(super) enum AttachedPart {
    /// No part, because it has no content.
    Nothing,
    Part(MimePart),
    /// It is a message; the caller composes it like the outer one.
    Message,
}

/// Makes the part of an attachment.
///
/// # Errors
/// If the file of an OLE object cannot be written, or the session was closed.
pub(super) fn part(
    shown: &ShownAttachment,
    is_inline: bool,
    made: &mut MadeContents,
) -> Result<AttachedPart, Error> {
    let attachment = &shown.attachment;
    let Some((name, kind)) = &shown.entry else { return Ok(AttachedPart::Nothing) };
    let mut part = match kind {
        ContentKind::Message(_) => return Ok(AttachedPart::Message),
        ContentKind::Data | ContentKind::DataFork { .. } => {
            let content = match *kind {
                ContentKind::DataFork { start, len } => data_fork(attachment, start, len)?,
                _ => data(attachment)?,
            };
            let len = content.len()?;
            let media_type = typed_media_type(attachment, name, &content, len);
            typed(MimePart::base64(content, len), &media_type, name)
        }
        ContentKind::Ole => match made.of_object(attachment) {
            Ok((content, len)) => typed(MimePart::base64(content, len), OCTET_STREAM, name),
            Err(error) if is_of_content(&error) => {
                return Ok(AttachedPart::Part(unreadable(shown, &error.to_string())));
            }
            Err(error) => return Err(error),
        },
        ContentKind::Reference => {
            let target = reference_target(attachment).unwrap_or_default();
            let subtype = if target.contains("://") { "uri-list" } else { "plain" };
            MimePart::text(subtype, &(single_line(&target) + "\r\n"))
        }
    };
    describe(&mut part, shown, is_inline, name);
    Ok(AttachedPart::Part(part))
}

/// The part of an embedded message.
pub(super) fn message_part(shown: &ShownAttachment, is_inline: bool, message: Pieces) -> MimePart {
    let mut part = MimePart::message(message);
    let name = shown.entry.as_ref().map_or("", |(name, _)| name);
    let stem = name.strip_suffix(".msg").unwrap_or(name);
    describe(&mut part, shown, is_inline, &format!("{stem}.eml"));
    part
}

/// The part that stands for an attachment that cannot be opened.
pub(super) fn unreadable(shown: &ShownAttachment, cause: &str) -> MimePart {
    let mut part =
        MimePart::text("plain", &format!("This attachment could not be read: {cause}\r\n"));
    let name = shown.entry.as_ref().map_or("", |(name, _)| name);
    describe(&mut part, shown, false, &format!("{name}.txt"));
    part
}

/// The part that lists what is missing in a damaged message.
pub(super) fn errors(defects: &[Defect]) -> MimePart {
    let lines: String = defects.iter().map(|one| single_line(&one.to_string()) + "\r\n").collect();
    let text = format!("Parts of this message could not be read:\r\n{lines}");
    let mut part = MimePart::text("plain", &text);
    part.field_with_name("Content-Disposition", "attachment", "filename", imsg::ERRORS_FILE);
    part
}

/// Whether the attachment itself is the cause of an error, so that every attempt fails. A full
/// disk, for example, is not.
fn is_of_content(error: &Error) -> bool {
    match error {
        Error::Message(imsg::Error::Storage(storage::Error::Write { source, .. })) => {
            source.raw_os_error().is_none()
        }
        Error::Message(imsg::Error::Storage(storage::Error::Io { .. })) => false,
        Error::Message(imsg::Error::SessionClosed) | Error::Io(_) => false,
        _ => true,
    }
}

/// Adds the field of the media type. It has the name too, because old programs look for the name
/// there.
fn typed(mut part: MimePart, media_type: &str, name: &str) -> MimePart {
    part.field_with_name("Content-Type", media_type, "name", name);
    part
}

/// Adds the field of the disposition, with the name.
fn describe(part: &mut MimePart, shown: &ShownAttachment, is_inline: bool, name: &str) {
    let disposition = if is_inline { "inline" } else { "attachment" };
    part.field_with_name("Content-Disposition", disposition, "filename", name);
    if let Some(defect) = shown.missing.first() {
        let text = free_text(DESCRIPTION, &format!("not all of it could be read: {defect}"));
        part.header.push_str(&fold(DESCRIPTION, &text));
    }
    let id = content_id(&shown.attachment).map(|id| ascii_id(&id));
    if let Some(id) = id.filter(|id| id.len() <= CONTENT_ID_MAX) {
        part.field("Content-ID", &[format!("<{id}>")]);
    }
    let location = shown.attachment.text(tags::PR_ATTACH_CONTENT_LOCATION);
    if let Some(location) = location.filter(|location| !location.trim().is_empty()) {
        let value = free_text("Content-Location", location.trim());
        part.header.push_str(&fold("Content-Location", &value));
    }
}

/// A content id in ASCII, as it is in the URL by which an HTML body refers to it (RFC 2392).
fn ascii_id(id: &str) -> String {
    let escaped = |c: char| if c.is_ascii() { c.to_string() } else { percent_encoded(c) };
    id.chars().map(escaped).collect()
}

/// The media type of an attachment. A text in UTF-8 gets its charset. For any other text the
/// charset is unknown, so it becomes `application/octet-stream`, and no program changes its bytes.
fn typed_media_type(attachment: &Attachment, name: &str, content: &Content, len: u64) -> String {
    let media_type = media_type::media_type(attachment, name);
    if !media_type.starts_with("text/") {
        return media_type;
    }
    let is_utf_8 =
        || content.read(0, usize::MAX).is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok());
    if len <= TEXT_BYTES_MAX && is_utf_8() {
        media_type + ";\r\n charset=utf-8"
    } else {
        OCTET_STREAM.to_owned()
    }
}
