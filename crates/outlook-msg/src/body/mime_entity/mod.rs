//! Parses a MIME entity (RFC 2045, 5322), such as the content of signed mail, into header fields,
//! bodies and attachments.
//!
//! This module parses the structure itself, and bounds the depth and the number of parts, because
//! mail-parser recurses as deep as its input. mail-parser reads header fields and transfer
//! encodings. Signatures are not verified.

mod fields;
mod flowed;
mod structure;
mod transfer;

use std::borrow::Cow;

pub use fields::{Fields, Mailbox};
use fields::{Flow, PartFields};
use structure::{PartsEnd, parts, split_header};
use transfer::{Decoded, PartEnd, TransferEncoding};

use crate::body::{cms, html};
use crate::mapi::{CodePage, detect};

/// A parsed entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entity {
    /// Its header fields.
    pub fields: Fields,
    /// Its plain text.
    pub text: Option<String>,
    /// Its HTML.
    pub html: Option<String>,
    /// Its attachments, in order.
    pub attachments: Vec<Part>,
    /// What was found while it was read.
    pub findings: EntityFindings,
}

/// What is told of an entity, one sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityFindings {
    /// Why something could not be read.
    pub defects: Vec<String>,
    /// What was read in another way than the entity states: in a guessed code page.
    pub notes: Vec<String>,
}

/// An attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its file name.
    pub name: Option<String>,
    /// Its media type in lower case, as `image/png`.
    pub media_type: String,
    /// Its `Content-ID`, without the brackets.
    pub content_id: Option<String>,
    /// Its `Content-Location`.
    pub content_location: Option<String>,
    /// Its content.
    pub content: PartContent,
    /// Why some of a file is missing, or may be. It continues a sentence that begins with the part.
    pub missing: Option<String>,
}

/// The content of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartContent {
    /// A file.
    Bytes(Vec<u8>),
    /// A message (`message/rfc822`).
    Message(Box<Entity>),
}

/// A part that is nested deeper becomes an attachment, and is not parsed.
const DEPTH_MAX: u32 = 24;
/// At most this many parts are read.
const PARTS_MAX: u32 = 2000;
/// All decoded parts together have at most this many bytes, and not more than
/// [`SMALL_BYTES_MAX`] plus [`BYTES_PER_BYTE`] for each byte of the entity. Without a limit, many
/// layers of quoted-printable, each nearly as long as the entity, would be in memory together.
const BYTES_MAX: usize = 128 << 20;
const SMALL_BYTES_MAX: usize = 32 << 20;
const BYTES_PER_BYTE: usize = 4;

/// The type of a part that states none (RFC 2045 section 5.2, RFC 2046 section 5.1.5).
const USUAL_TYPE: &str = "text/plain";
const USUAL_TYPE_IN_DIGEST: &str = "message/rfc822";

/// Where a part is.
#[derive(Clone, Copy)]
struct Around {
    depth: u32,
    /// Whether it is in a multipart, not the entity itself.
    in_multipart: bool,
    /// Its type if it states none.
    default_type: &'static str,
    end: PartEnd,
}

impl Around {
    /// An entity by itself, which ends so.
    fn entity(depth: u32, end: PartEnd) -> Self {
        Self { depth, in_multipart: false, default_type: USUAL_TYPE, end }
    }
}

/// How much may still be read of an entity and of those in it.
struct Limits {
    parts: u32,
    /// Whether there was a part that could not be read any more.
    is_exceeded: bool,
    bytes: usize,
    /// How many bytes could be read at first.
    bytes_max: usize,
}

impl Limits {
    /// Those of an entity of this length.
    fn of(len: usize) -> Self {
        let follows = len.saturating_mul(BYTES_PER_BYTE).saturating_add(SMALL_BYTES_MAX);
        let bytes_max = follows.min(BYTES_MAX);
        Self { parts: PARTS_MAX, is_exceeded: false, bytes: bytes_max, bytes_max }
    }
}

impl Entity {
    /// Parses an entity. Of a damaged one, what can be read is returned.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::nested(bytes, 0, PartEnd::Entity, &mut Limits::of(bytes.len()))
    }

    /// Parses the start of an entity whose end is missing.
    pub fn parse_start(bytes: &[u8]) -> Self {
        Self::nested(bytes, 0, PartEnd::Missing, &mut Limits::of(bytes.len()))
    }

    fn nested(bytes: &[u8], depth: u32, end: PartEnd, limits: &mut Limits) -> Self {
        let (header, _) = split_header(bytes);
        let mut reader = EntityReader { entity: Self::default(), limits };
        reader.entity.fields = Fields::parse(header, &mut reader.entity.findings);
        reader.read(bytes, Around::entity(depth, end));
        reader.entity
    }
}

/// Reads the parts of one entity.
struct EntityReader<'a> {
    entity: Entity,
    limits: &'a mut Limits,
}

impl EntityReader<'_> {
    fn defect(&mut self, cause: impl Into<String>) {
        self.entity.findings.defects.push(cause.into());
    }

    /// Adds the fields that the entity lacks from the header of its signed content.
    fn complete_fields(&mut self, signed: &[u8]) {
        let header = split_header(signed).0;
        let signed = Fields::parse(header, &mut self.entity.findings);
        self.entity.fields.complete_with(signed);
    }

    fn read(&mut self, bytes: &[u8], around: Around) {
        let Some(left) = self.limits.parts.checked_sub(1) else {
            if !std::mem::replace(&mut self.limits.is_exceeded, true) {
                self.defect(format!("more than {PARTS_MAX} parts"));
            }
            return;
        };
        self.limits.parts = left;
        let (header, body) = split_header(bytes);
        let fields = PartFields::parse(header, around.default_type, &mut self.entity.findings);
        if around.depth >= DEPTH_MAX {
            self.defect(format!("parts nested more than {DEPTH_MAX} deep"));
            self.attach_raw(&fields, body);
            return;
        }
        match (fields.media_type.as_str(), &fields.boundary) {
            (media_type, Some(boundary)) if media_type.starts_with("multipart/") => {
                self.multipart(body, &fields, boundary, around);
            }
            ("message/rfc822" | "message/global", _) => {
                let Decoded { bytes, missing } = self.decode(&fields, body, around.end);
                let end = if missing.is_some() { PartEnd::Missing } else { around.end };
                self.defect_of(&fields, missing);
                let nested = Entity::nested(&bytes, around.depth + 1, end, self.limits);
                self.attach(&fields, PartContent::Message(Box::new(nested)), None);
            }
            ("application/pkcs7-mime" | "application/x-pkcs7-mime", _) => {
                self.cryptographic(&fields, body, around);
            }
            _ => self.leaf(&fields, body, around),
        }
    }

    fn multipart(&mut self, body: &[u8], fields: &PartFields, boundary: &str, around: Around) {
        // One more than may be read: the next part says that there are too many.
        let count_max = self.limits.parts.saturating_add(1);
        let (found, end) = parts(body, boundary.as_bytes(), count_max);
        if found.is_empty() {
            self.defect(format!("no part between boundaries {boundary:?}"));
            self.attach_raw(fields, body);
            return;
        }
        if matches!(end, PartsEnd::Missing | PartsEnd::InBoundary) {
            self.defect(format!("the last boundary {boundary:?} is missing"));
        }
        // The boundary of a multipart around this one says that the last part is not cut.
        let may_be_cut = end == PartsEnd::Missing && around.end != PartEnd::Boundary;
        let is_signed = fields.media_type == "multipart/signed";
        let default_type = match fields.media_type.as_str() {
            "multipart/digest" => USUAL_TYPE_IN_DIGEST,
            _ => USUAL_TYPE,
        };
        let last = found.len().saturating_sub(1);
        for (index, part) in found.into_iter().enumerate() {
            if is_signed && index > 0 && is_smime_signature(part) {
                continue;
            }
            if is_signed && index == 0 {
                // A sender may protect the header by repeating it in the signed part.
                self.complete_fields(part);
            }
            let end = match may_be_cut && index == last {
                true => PartEnd::Missing,
                false => PartEnd::Boundary,
            };
            let depth = around.depth + 1;
            self.read(part, Around { depth, in_multipart: true, default_type, end });
        }
    }

    /// Reads a part that is a cryptographic message. Signed content is read like a part; anything
    /// else becomes an attachment.
    fn cryptographic(&mut self, fields: &PartFields, body: &[u8], around: Around) {
        let Decoded { bytes, missing } = self.decode(fields, body, around.end);
        match cms::read(&bytes) {
            Ok(cms::CmsContent::Signed { bytes, is_truncated }) => {
                if let Err(cause) = self.take(bytes.len()) {
                    self.attach(fields, PartContent::Bytes(Vec::new()), Some(cause));
                    return;
                }
                if is_truncated {
                    self.defect("the end of the signed content is missing");
                }
                self.defect_of(fields, missing);
                self.complete_fields(&bytes);
                let end = if is_truncated { PartEnd::Missing } else { PartEnd::Entity };
                let depth = around.depth + 1;
                self.read(&bytes, Around { in_multipart: true, ..Around::entity(depth, end) });
            }
            Ok(cms::CmsContent::Enveloped(_)) | Err(_) => {
                self.attach_decoded(fields, Decoded { bytes, missing });
            }
        }
    }

    /// Reads a part that contains no parts: it is a body or an attachment.
    fn leaf(&mut self, fields: &PartFields, body: &[u8], around: Around) {
        let decoded = self.decode(fields, body, around.end);
        let is_body = !fields.is_attachment && (fields.name.is_none() || !around.in_multipart);
        let charset = || fields.charset.as_deref().and_then(CodePage::of_mime_charset);
        match fields.media_type.as_str() {
            "text/plain" if is_body => {
                let (page, guess) = detect::page_of(&decoded.bytes, charset());
                self.guess("text", guess);
                let text = page.decode(&decoded.bytes);
                match fields.flow {
                    None => append(&mut self.entity.text, &text),
                    Some(Flow { deletes_blank }) => {
                        append(&mut self.entity.text, &flowed::joined(&text, deletes_blank));
                    }
                }
                self.defect_of(fields, decoded.missing);
            }
            "text/html" if is_body => {
                let page = charset().map(CodePage::number);
                let html = html::decode(&decoded.bytes, page, None);
                self.guess("HTML body", html.guess);
                append(&mut self.entity.html, &html.html);
                self.defect_of(fields, decoded.missing);
            }
            _ => self.attach_decoded(fields, decoded),
        }
    }

    /// Notes that a text is read in a guessed code page.
    fn guess(&mut self, what: &str, guess: Option<detect::Guess>) {
        self.entity.findings.notes.extend(guess.map(|guess| format!("the {what} is {guess}")));
    }

    /// Tells what is missing of a part that is no attachment.
    fn defect_of(&mut self, fields: &PartFields, missing: Option<String>) {
        if let Some(cause) = missing {
            self.defect(format!("a {} part {cause}", fields.media_type));
        }
    }

    /// Adds an attachment that was not decoded.
    fn attach_raw(&mut self, fields: &PartFields, body: &[u8]) {
        let bytes = body.into();
        self.attach_decoded(fields, Decoded { bytes, missing: None });
    }

    fn attach_decoded(&mut self, fields: &PartFields, decoded: Decoded<'_>) {
        let Decoded { bytes, missing } = decoded;
        // Decoded bytes were counted when they were decoded.
        let (bytes, missing) = match bytes {
            Cow::Owned(bytes) => (bytes, missing),
            Cow::Borrowed(bytes) => match self.take(bytes.len()) {
                Ok(()) => (bytes.to_vec(), missing),
                Err(cause) => (Vec::new(), Some(cause)),
            },
        };
        self.attach(fields, PartContent::Bytes(bytes), missing);
    }

    /// Counts decoded bytes against the limit.
    ///
    /// # Errors
    /// Why they are left out. It continues a sentence that begins with the part.
    fn take(&mut self, len: usize) -> Result<(), String> {
        let left = self.limits.bytes.checked_sub(len).ok_or_else(|| {
            let max = self.limits.bytes_max;
            format!("of {len} bytes is left out: more than {max} in all")
        })?;
        self.limits.bytes = left;
        Ok(())
    }

    fn attach(&mut self, fields: &PartFields, content: PartContent, missing: Option<String>) {
        self.entity.attachments.push(Part {
            name: fields.name.clone(),
            media_type: fields.media_type.clone(),
            content_id: fields.content_id.clone(),
            content_location: fields.content_location.clone(),
            content,
            missing,
        });
    }

    /// Decodes the body of a part.
    fn decode<'b>(&mut self, fields: &PartFields, body: &'b [u8], end: PartEnd) -> Decoded<'b> {
        // Bytes that stay as they are count when they become an attachment.
        if fields.encoding != TransferEncoding::Identity
            && let Err(cause) = self.take(body.len())
        {
            return Decoded { bytes: Cow::Owned(Vec::new()), missing: Some(cause) };
        }
        Decoded::of(fields.encoding, body, end)
    }
}

/// Whether a part is the detached S/MIME signature of the part before it (RFC 1847, 8551). No
/// program can show it. The signature of another kind, such as that of PGP (RFC 3156), is a file
/// with which people verify the part.
fn is_smime_signature(part: &[u8]) -> bool {
    let header = split_header(part).0;
    let findings = &mut EntityFindings::default();
    let media_type = PartFields::parse(header, USUAL_TYPE, findings).media_type;
    ["application/pkcs7-signature", "application/x-pkcs7-signature"].contains(&&*media_type)
}

/// Joins the texts of one entity: a mailing list may append a part with its footer.
fn append(body: &mut Option<String>, text: &str) {
    match body {
        Some(body) => {
            if !body.ends_with('\n') {
                body.push('\n');
            }
            body.push_str(text);
        }
        None => *body = Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
