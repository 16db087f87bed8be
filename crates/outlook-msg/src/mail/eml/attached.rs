//! The attachments of a message as parts: their types, names and dispositions.
//!
//! Knows no body and no header of the message.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::sync::Arc;

use crate::imsg::{self, Attachment, MapiProp};
use crate::mail::attachments::{Shown, ShownAttachment, reference_target};
use crate::mail::content::{Content, data, data_fork};
use crate::mail::error::Error;
use crate::mapi::tags;
use crate::storage;

use super::References;
use super::encode::{fold, free_text, single_line};
use super::part::{Part, Pieces};

/// `PR_ATTACH_FLAGS`: the HTML body refers to it (`attRenderedInBody`).
const RENDERED_IN_BODY: i32 = 4;
/// As large a text is read to tell whether it is UTF-8, in bytes.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// The longest content id that is written.
const CONTENT_ID_MAX: usize = 900;
const OCTET_STREAM: &str = "application/octet-stream";

/// What an attachment becomes.
pub(super) enum Attached {
    /// It has no content.
    Nothing,
    Part(Part),
    /// It is a message, which is composed in its turn.
    Message,
}

/// The files made of OLE objects, in one file without a name so that any number of them takes
/// one descriptor.
#[derive(Debug, Default)]
pub(super) struct Ole {
    file: Option<Arc<File>>,
}

impl Ole {
    fn add(&mut self, attachment: &Attachment) -> Result<(Content, u64), Error> {
        let mut made = attachment.write_content_storage(tempfile::tempfile()?)?;
        let len = made.metadata()?.len();
        let (file, offset) = match &self.file {
            None => (Arc::new(made), 0),
            Some(file) => {
                made.rewind()?;
                let mut end: &File = file;
                let offset = end.seek(SeekFrom::End(0))?;
                io::copy(&mut made, &mut end)?;
                (Arc::clone(file), offset)
            }
        };
        self.file = Some(Arc::clone(&file));
        Ok((Content::Made { file, offset, len }, len))
    }
}

/// Whether an attachment belongs into the HTML body.
pub(super) fn is_inline(attachment: &Attachment, references: &References) -> bool {
    let id = content_id(attachment);
    let is_rendered = || {
        attachment.integer(tags::PR_ATTACH_FLAGS).is_some_and(|flags| flags & RENDERED_IN_BODY != 0)
    };
    let has_location = || {
        let location = attachment.text(tags::PR_ATTACH_CONTENT_LOCATION);
        location.is_some_and(|location| references.locations.contains(&location))
    };
    match id {
        Some(id) if references.content_ids.contains(&id.to_lowercase()) => true,
        Some(_) if is_rendered() => true,
        _ => has_location(),
    }
}

/// Makes the part of an attachment.
///
/// # Errors
/// Where the file of an OLE object cannot be written, or the session was closed.
pub(super) fn part(
    shown: &ShownAttachment,
    is_inline: bool,
    ole: &mut Ole,
) -> Result<Attached, Error> {
    let attachment = &shown.attachment;
    let Some((name, kind)) = &shown.entry else { return Ok(Attached::Nothing) };
    let mut part = match kind {
        Shown::Message(_) => return Ok(Attached::Message),
        Shown::Data | Shown::DataFork { .. } => {
            let content = match *kind {
                Shown::DataFork { start, len } => data_fork(attachment, start, len)?,
                _ => data(attachment)?,
            };
            let len = content.len()?;
            let media_type = media_type(attachment, name, &content, len);
            typed(Part::base64(content, len), &media_type, name)
        }
        Shown::Ole => match ole.add(attachment) {
            Ok((content, len)) => typed(Part::base64(content, len), OCTET_STREAM, name),
            Err(error) if is_of_content(&error) => {
                return Ok(Attached::Part(unreadable(shown, &error.to_string())));
            }
            Err(error) => return Err(error),
        },
        Shown::Reference => {
            let target = reference_target(attachment).unwrap_or_default();
            let subtype = if target.contains("://") { "uri-list" } else { "plain" };
            Part::text(subtype, &(single_line(&target) + "\r\n"))
        }
    };
    describe(&mut part, shown, is_inline, name);
    Ok(Attached::Part(part))
}

/// The part of an embedded message.
pub(super) fn message_part(shown: &ShownAttachment, is_inline: bool, message: Pieces) -> Part {
    let mut part = Part::message(message);
    let name = shown.entry.as_ref().map_or("", |(name, _)| name);
    let stem = name.strip_suffix(".msg").unwrap_or(name);
    describe(&mut part, shown, is_inline, &format!("{stem}.eml"));
    part
}

/// What stands for an attachment that cannot be opened.
pub(super) fn unreadable(shown: &ShownAttachment, cause: &str) -> Part {
    let mut part = Part::text("plain", &format!("This attachment could not be read: {cause}\r\n"));
    let name = shown.entry.as_ref().map_or("", |(name, _)| name);
    describe(&mut part, shown, false, &format!("{name}.txt"));
    part
}

/// Whether an error is the attachment's own, so that it is the same at every reading; a full disk
/// is not.
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

/// Says the type of a part, with the name that old readers look for there.
fn typed(mut part: Part, media_type: &str, name: &str) -> Part {
    part.field_with_name("Content-Type", media_type, "name", name);
    part
}

/// Says where a part belongs and what it is called.
fn describe(part: &mut Part, shown: &ShownAttachment, is_inline: bool, name: &str) {
    let disposition = if is_inline { "inline" } else { "attachment" };
    part.field_with_name("Content-Disposition", disposition, "filename", name);
    if let Some(id) = content_id(&shown.attachment).filter(|id| id.len() <= CONTENT_ID_MAX) {
        part.field("Content-ID", &[format!("<{id}>")]);
    }
    let location = shown.attachment.text(tags::PR_ATTACH_CONTENT_LOCATION);
    if let Some(location) = location.filter(|location| !location.trim().is_empty()) {
        let value = free_text("Content-Location", location.trim());
        part.header.push_str(&fold("Content-Location", &value));
    }
}

/// The content id without angle brackets, if there is one.
fn content_id(attachment: &Attachment) -> Option<String> {
    let id = single_line(&attachment.text(tags::PR_ATTACH_CONTENT_ID)?);
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    (!id.is_empty()).then(|| id.to_owned())
}

/// The type of an attachment, with the charset of a text. A text that is not in UTF-8 does not
/// say in what it is: as bytes it is what it was.
fn media_type(attachment: &Attachment, name: &str, content: &Content, len: u64) -> String {
    let stored = attachment.text(tags::PR_ATTACH_MIME_TAG).unwrap_or_default();
    let media_type = match stored_type(&stored) {
        Some(media_type) => media_type,
        None => by_extension(name).to_owned(),
    };
    if !media_type.starts_with("text/") {
        return media_type;
    }
    let is_utf_8 = || {
        let bytes = content.read(0, usize::try_from(len).unwrap_or(0)).unwrap_or_default();
        bytes.len() as u64 == len && std::str::from_utf8(&bytes).is_ok()
    };
    if len <= TEXT_BYTES_MAX && is_utf_8() {
        media_type + ";\r\n charset=utf-8"
    } else {
        OCTET_STREAM.to_owned()
    }
}

/// The stored type, if it is one that a part with base64 can have (RFC 2046 section 5).
fn stored_type(stored: &str) -> Option<String> {
    let media_type = stored.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/')?;
    let is_token = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_leaf = is_token(kind) && is_token(subtype) && !["multipart", "message"].contains(&kind);
    is_leaf.then_some(media_type)
}

/// The type of a file by its extension.
fn by_extension(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "bmp" => "image/bmp",
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "emf" => "image/emf",
        "gif" => "image/gif",
        "htm" | "html" => "text/html",
        "ics" => "text/calendar",
        "jpe" | "jpeg" | "jpg" => "image/jpeg",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "msg" => "application/vnd.ms-outlook",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "rtf" => "application/rtf",
        "svg" => "image/svg+xml",
        "tif" | "tiff" => "image/tiff",
        "txt" => "text/plain",
        "vcf" => "text/vcard",
        "wav" => "audio/wav",
        "wmf" => "image/wmf",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xml" => "text/xml",
        "zip" => "application/zip",
        _ => OCTET_STREAM,
    }
}

#[cfg(test)]
mod tests {
    use super::stored_type;

    #[test]
    fn only_the_type_of_a_leaf_is_taken() {
        let check = |stored, expected: Option<&str>| {
            assert_eq!(stored_type(stored).as_deref(), expected, "{stored:?}");
        };
        check("image/PNG", Some("image/png"));
        check("text/plain; charset=x", Some("text/plain"));
        check("multipart/signed", None);
        check("message/rfc822", None);
        check("image", None);
        check("a/b\r\nX: y", None);
        check("", None);
    }
}
