//! Parses a MIME entity (RFC 2045, 5322), such as the content of signed mail, into header fields,
//! bodies and attachments.
//!
//! This module parses the structure itself, and bounds the depth and the number of parts, because
//! mail-parser recurses as deep as its input. mail-parser reads header fields and transfer
//! encodings. Signatures are not verified.

mod fields;
mod structure;

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

pub use fields::{Fields, Mailbox};
use fields::{PartFields, TransferEncoding};
use structure::{PartsEnd, parts, split_header};

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
        Self::nested(bytes, 0, &mut Limits::of(bytes.len()))
    }

    fn nested(bytes: &[u8], depth: u32, limits: &mut Limits) -> Self {
        let (header, _) = split_header(bytes);
        let mut reader = EntityReader { entity: Self::default(), limits };
        reader.entity.fields = Fields::parse(header, &mut reader.entity.findings);
        reader.read(bytes, depth, false);
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

    /// Reads a part. `in_multipart` is false for the entity itself.
    fn read(&mut self, bytes: &[u8], depth: u32, in_multipart: bool) {
        let Some(left) = self.limits.parts.checked_sub(1) else {
            if !std::mem::replace(&mut self.limits.is_exceeded, true) {
                self.defect(format!("more than {PARTS_MAX} parts"));
            }
            return;
        };
        self.limits.parts = left;
        let (header, body) = split_header(bytes);
        let fields = PartFields::parse(header, &mut self.entity.findings);
        if depth >= DEPTH_MAX {
            self.defect(format!("parts nested more than {DEPTH_MAX} deep"));
            self.attach_bytes(&fields, body.into());
            return;
        }
        match (fields.media_type.as_str(), &fields.boundary) {
            (media_type, Some(boundary)) if media_type.starts_with("multipart/") => {
                self.multipart(body, &fields, boundary, depth);
            }
            ("message/rfc822" | "message/global", _) => {
                let bytes = self.decode(&fields, body);
                let nested = Entity::nested(&bytes, depth + 1, self.limits);
                self.attach(&fields, PartContent::Message(Box::new(nested)));
            }
            ("application/pkcs7-mime" | "application/x-pkcs7-mime", _) => {
                self.cryptographic(&fields, body, depth);
            }
            _ => self.leaf(&fields, body, in_multipart),
        }
    }

    fn multipart(&mut self, body: &[u8], fields: &PartFields, boundary: &str, depth: u32) {
        // One more than may be read: the next part says that there are too many.
        let count_max = self.limits.parts.saturating_add(1);
        let (found, end) = parts(body, boundary.as_bytes(), count_max);
        if found.is_empty() {
            self.defect(format!("no part between boundaries {boundary:?}"));
            self.attach_bytes(fields, body.into());
            return;
        }
        if end == PartsEnd::Missing {
            self.defect(format!("the last boundary {boundary:?} is missing"));
        }
        let is_signed = fields.media_type == "multipart/signed";
        for (index, part) in found.into_iter().enumerate() {
            if is_signed && index > 0 && is_signature(part) {
                continue;
            }
            if is_signed && index == 0 {
                // A sender may protect the header by repeating it in the signed part.
                self.complete_fields(part);
            }
            self.read(part, depth + 1, true);
        }
    }

    /// Reads a part that is a cryptographic message. Signed content is read like a part; anything
    /// else becomes an attachment.
    fn cryptographic(&mut self, fields: &PartFields, body: &[u8], depth: u32) {
        let bytes = self.decode(fields, body);
        match cms::read(&bytes) {
            Ok(cms::CmsContent::Signed { bytes, .. }) if !self.take(bytes.len()) => {}
            Ok(cms::CmsContent::Signed { bytes, is_truncated }) => {
                if is_truncated {
                    self.defect("the end of the signed content is missing");
                }
                self.complete_fields(&bytes);
                self.read(&bytes, depth + 1, true);
            }
            Ok(cms::CmsContent::Enveloped(_)) | Err(_) => {
                self.attach_bytes(fields, bytes);
            }
        }
    }

    /// Reads a part that contains no parts: it is a body or an attachment.
    fn leaf(&mut self, fields: &PartFields, body: &[u8], in_multipart: bool) {
        let bytes = self.decode(fields, body);
        let is_body = !fields.is_attachment && (fields.name.is_none() || !in_multipart);
        match fields.media_type.as_str() {
            "text/plain" if is_body => {
                let charset = fields.charset.as_deref().and_then(CodePage::of_mime_charset);
                let (page, guess) = detect::page_of(&bytes, charset);
                self.guess("text", guess);
                append(&mut self.entity.text, &page.decode(&bytes));
            }
            "text/html" if is_body => {
                let charset = fields.charset.as_deref().and_then(CodePage::of_mime_charset);
                let page = charset.map(CodePage::number);
                let decoded = html::decode(&bytes, page, None);
                self.guess("HTML body", decoded.guess);
                append(&mut self.entity.html, &decoded.html);
            }
            _ => self.attach_bytes(fields, bytes),
        }
    }

    /// Notes that a text is read in a guessed code page.
    fn guess(&mut self, what: &str, guess: Option<detect::Guess>) {
        self.entity.findings.notes.extend(guess.map(|guess| format!("the {what} is {guess}")));
    }

    fn attach_bytes(&mut self, fields: &PartFields, bytes: Cow<'_, [u8]>) {
        // Decoded bytes were counted when they were decoded.
        let bytes = match bytes {
            Cow::Borrowed(bytes) if !self.take(bytes.len()) => Vec::new(),
            bytes => bytes.into_owned(),
        };
        self.attach(fields, PartContent::Bytes(bytes));
    }

    /// Counts decoded bytes against the limit. Returns whether they still fit.
    fn take(&mut self, len: usize) -> bool {
        match self.limits.bytes.checked_sub(len) {
            Some(left) => {
                self.limits.bytes = left;
                true
            }
            None => {
                let max = self.limits.bytes_max;
                self.defect(format!("a part of {len} bytes left out: more than {max} in all"));
                false
            }
        }
    }

    fn attach(&mut self, fields: &PartFields, content: PartContent) {
        self.entity.attachments.push(Part {
            name: fields.name.clone(),
            media_type: fields.media_type.clone(),
            content_id: fields.content_id.clone(),
            content_location: fields.content_location.clone(),
            content,
        });
    }

    /// Decodes the transfer encoding of a body (RFC 2045 section 6).
    fn decode<'b>(&mut self, fields: &PartFields, body: &'b [u8]) -> Cow<'b, [u8]> {
        if fields.encoding != TransferEncoding::Identity && !self.take(body.len()) {
            return Cow::default();
        }
        let (decoded, name) = match fields.encoding {
            TransferEncoding::Identity => return body.into(),
            TransferEncoding::Base64 => (base64_decode(body), "base64"),
            TransferEncoding::QuotedPrintable => {
                (quoted_printable_decode(body), "quoted-printable")
            }
        };
        match decoded {
            Some(decoded) => decoded.into(),
            None => {
                self.defect(format!("a {} part is no {name}", fields.media_type));
                body.into()
            }
        }
    }
}

/// Whether a part is the detached signature of the part before it (RFC 1847, 8551, 3156).
fn is_signature(part: &[u8]) -> bool {
    let header = split_header(part).0;
    let media_type = PartFields::parse(header, &mut EntityFindings::default()).media_type;
    ["pkcs7-signature", "x-pkcs7-signature", "pgp-signature"]
        .into_iter()
        .any(|subtype| media_type.strip_prefix("application/") == Some(subtype))
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
