//! Makes something from the content of an attachment: the message inside it (signed mail,
//! `winmail.dat`, `.msg` and `.eml` files), the file in an OLE object, a text about encrypted mail.
//!
//! The message class, the media type and the first bytes tell whether there is something to make.
//! The attachment is read only when somebody opens what is made from it.

mod mime;
mod recognise;
mod tnef;

use std::sync::Arc;

use crate::body::mime_entity::Entity;
use crate::body::{cms, tnef as tnef_stream};
use crate::imsg::{Attachment, ConvertedFile, ConvertedMessage, MapiProp as _, Message, Note};
use crate::mail::error::Error;
use crate::mapi::{Value, tags};
use crate::storage::{CompoundFile, Defect, Source};
pub use recognise::{
    DIRECTORY_SUFFIX, DerivedEntry, DerivedKind, ENCRYPTED, OlePart, SIGNED, ole_part,
};
pub(in crate::mail) use recognise::{Recognised, Recogniser, START_LEN};

/// A larger attachment is not opened as a message, because it would have to be in memory. `.msg`
/// files have no such limit: they need not be in memory.
const ATTACHMENT_BYTES_MAX: u64 = 64 << 20;

/// A message inside of an attachment.
#[derive(Debug)]
pub struct Inside {
    /// The message, which is a child of the attachment.
    pub message: Message,
    /// The compound file with the message: the attachment itself, or a file that was made from it
    /// in memory.
    pub file: Arc<CompoundFile>,
    /// The defects of the attachment.
    pub defects: Vec<Defect>,
    /// The notes on the attachment.
    pub notes: Vec<Note>,
}

impl Inside {
    /// Opens the message inside of an attachment.
    ///
    /// # Errors
    /// If there is none, if it cannot be read, or if the session was closed.
    pub fn open(kind: DerivedKind, attachment: &Attachment) -> Result<Self, Error> {
        let len = content_len(attachment);
        let made = match kind {
            DerivedKind::Msg => {
                let file = CompoundFile::open(source(attachment)?)?;
                ConvertedFile { file, defects: Vec::new(), notes: Vec::new() }
            }
            DerivedKind::Tnef => {
                let message = tnef_stream::read(&read(attachment)?).map_err(unreadable)?;
                tnef::message(message).into_file(len)?
            }
            DerivedKind::Eml => {
                mime(&read(attachment)?, parser(is_cut(attachment))).into_file(len)?
            }
            DerivedKind::Signed => {
                signed(&read(attachment)?, is_cut(attachment))?.into_file(len)?
            }
            DerivedKind::Encrypted | DerivedKind::Ole => {
                return Err(unreadable("there is no message in it"));
            }
        };
        let ConvertedFile { file, defects, notes } = made;
        let message = attachment.message_inside(&file.root())?;
        Ok(Self { message, file, defects, notes })
    }
}

/// The content of the file `encrypted`: for whose keys the message is encrypted.
pub fn encrypted(attachment: &Attachment) -> String {
    let bytes = match read(attachment) {
        Ok(bytes) => bytes,
        Err(error) => return format!("{error}\n"),
    };
    let mut text = "This message is encrypted and cannot be shown.".to_owned();
    match cms::read(&cms::binary(&bytes)) {
        Ok(cms::CmsContent::Enveloped(keys)) if !keys.is_empty() => {
            text.push_str(" It is encrypted for the keys of:\n");
            for key in keys {
                text.push_str(&format!("{key}\n"));
            }
        }
        Ok(_) => text.push_str(" Its recipients are not named.\n"),
        Err(error) => text.push_str(&format!(" Its recipients cannot be read: {error}\n")),
    }
    text
}

/// The message in signed mail (\[MS-OXOSMIME\] 2.1.2). The attachment is either a cryptographic
/// message that contains a MIME entity, or a MIME entity that has the signature as its second part.
fn signed(bytes: &[u8], is_cut: bool) -> Result<ConvertedMessage, Error> {
    let bytes = cms::binary(bytes);
    if cms::kind(&bytes).is_none() {
        return Ok(mime(&bytes, parser(is_cut)));
    }
    match cms::read(&bytes).map_err(unreadable)? {
        cms::CmsContent::Signed { bytes, is_truncated } => {
            let mut message = mime(&bytes, parser(is_truncated));
            if is_truncated {
                let cause = "the end of the signed content is missing".to_owned();
                message.defects.push(Defect { place: "/".to_owned(), cause });
            }
            Ok(message)
        }
        cms::CmsContent::Enveloped(_) => Err(unreadable("encrypted, expected signed content")),
    }
}

/// Parses an entity, or one of which only the start is there.
fn parser(is_cut: bool) -> fn(&[u8]) -> Entity {
    if is_cut { Entity::parse_start } else { Entity::parse }
}

fn mime(bytes: &[u8], parse: fn(&[u8]) -> Entity) -> ConvertedMessage {
    // Some programs write a byte order mark before the header. A mail from a mailbox file (mbox)
    // begins with a `From ` line.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = match bytes.starts_with(b"From ") {
        true => memchr::memchr(b'\n', bytes).and_then(|at| bytes.get(at + 1..)).unwrap_or(bytes),
        false => bytes,
    };
    mime::message(parse(bytes))
}

fn unreadable(cause: impl ToString) -> Error {
    Error::Damaged(Defect { place: "/".to_owned(), cause: cause.to_string() })
}

/// The stream of an attachment as a file.
fn source(attachment: &Attachment) -> Result<Source, Error> {
    let (set, _) = attachment.property_set()?;
    let stream = set.get(tags::PR_ATTACH_DATA_BIN).and_then(|one| set.stream(one));
    Ok(Source::from_stream(&stream.ok_or_else(without_content)?))
}

/// The bytes of an attachment that can be read.
fn read(attachment: &Attachment) -> Result<Vec<u8>, Error> {
    let len = content_len(attachment);
    if len > ATTACHMENT_BYTES_MAX {
        return Err(unreadable(format!(
            "an attachment of {len} bytes, at most {ATTACHMENT_BYTES_MAX} are read"
        )));
    }
    match attachment.salvage(tags::PR_ATTACH_DATA_BIN)?.value {
        Some(Value::Binary(bytes)) => Ok(bytes),
        _ => Err(without_content()),
    }
}

/// Whether some of the bytes of an attachment are missing.
fn is_cut(attachment: &Attachment) -> bool {
    attachment.missing_part(tags::PR_ATTACH_DATA_BIN).is_ok_and(|missing| missing.is_some())
}

fn without_content() -> Error {
    unreadable("an attachment without content")
}

/// The length of the content of an attachment by value, in bytes.
pub fn content_len(attachment: &Attachment) -> u64 {
    let Ok((set, _)) = attachment.property_set() else { return 0 };
    let stream = set.get(tags::PR_ATTACH_DATA_BIN).and_then(|one| set.stream(one));
    stream.map_or(0, |stream| stream.len())
}

#[cfg(test)]
mod tests {
    use super::Inside;
    use crate::mail::Mail;
    use crate::mail::attachments::shown_attachments;

    /// A message in an attachment has no file, but the limits that follow the length of a file are
    /// for it, too.
    #[test]
    fn the_origin_of_a_message_inside_is_the_attachment() {
        let eml = "Subject: Inside\r\n\r\nWords\r\n";
        let signed = format!("Content-Type: text/plain\r\n{eml}");
        let check = |name: &str, content: &[u8]| {
            let mut mail = Mail::create().unwrap();
            mail.add_attachment(name, content).unwrap();
            let mut bytes = Vec::new();
            mail.to_msg(&mut bytes).unwrap();
            let mail = Mail::from_bytes(bytes).unwrap();
            let attachments = shown_attachments(mail.message(), None);
            let one = attachments.first().unwrap();
            let inside = Inside::open(one.derived.as_ref().unwrap().kind, &one.attachment).unwrap();
            assert_eq!(inside.file.origin_len(), content.len() as u64, "{name}");
        };
        check("a.eml", eml.as_bytes());
        check("winmail.dat", b"\x78\x9F\x3E\x22\0\0");
        check("smime.p7m", signed.as_bytes());
    }
}
