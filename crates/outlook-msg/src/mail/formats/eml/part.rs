//! Builds MIME entities (RFC 2046): a header and a body, and multiparts of entities.
//!
//! Knows no message and no property.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::digest;
use crate::mail::content::Content;
use crate::mail::content::pieced_file::{Piece, PiecedFile};
use crate::mail::values::text::crlf_lines;
use crate::pieces::PieceReader;

use super::encode::{parameter, quoted_printable};

/// The pieces of an entity, with a hash of all bytes in which a boundary could occur by chance.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    digest: Sha256,
    /// The number of bytes in memory.
    held: usize,
    /// Whether there may be bytes beyond ASCII.
    is_8_bit: bool,
}

/// An entity: its header fields with their line ends, and its body.
#[derive(Debug, Default)]
pub(super) struct MimePart {
    pub(super) header: String,
    pub(super) body: Pieces,
}

impl Pieces {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.held += bytes.len();
        self.is_8_bit |= !bytes.is_ascii();
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
    }

    /// Adds a content as base64, in which no boundary can occur.
    fn push_base64(&mut self, content: Content, len: u64) {
        self.digest.update(len.to_le_bytes());
        self.pieces.push(Piece::Base64(content, len));
    }

    /// Adds a content unchanged. It is hashed if `is_nested`, because the entity may then become
    /// part of a multipart.
    pub(super) fn push_raw(&mut self, content: Content, len: u64, is_nested: bool) {
        let mut pieces = PieceReader::new(len);
        while is_nested
            // The export will fail where this reading fails.
            && let Ok(Some(piece)) = pieces.next_piece(|at, piece| content.read_at(at, piece))
        {
            self.digest.update(piece);
        }
        self.is_8_bit = true;
        self.pieces.push(Piece::Raw(content, len));
    }

    pub(super) fn append(&mut self, other: Self) {
        self.is_8_bit |= other.is_8_bit;
        self.digest.update(other.digest.finalize());
        self.held += other.held;
        self.pieces.extend(other.pieces);
    }

    /// The number of bytes in memory.
    pub(super) fn bytes_held(&self) -> usize {
        self.held
    }

    pub(super) fn into_file(self) -> PiecedFile {
        PiecedFile::new(self.pieces)
    }
}

impl MimePart {
    /// A text in UTF-8.
    pub(super) fn text(subtype: &str, text: &str) -> Self {
        let text = crlf_lines(text);
        let mut part = Self::default();
        part.field("Content-Type", &[format!("text/{subtype}"), "charset=utf-8".to_owned()]);
        if let Some(encoded) = quoted_printable(&text) {
            part.field("Content-Transfer-Encoding", &["quoted-printable".to_owned()]);
            part.body.push(&encoded);
        } else {
            part.field("Content-Transfer-Encoding", &["base64".to_owned()]);
            let len = text.len();
            part.body.held += len;
            part.body.push_base64(Content::bytes(text.into_bytes()), len as u64);
        }
        part
    }

    /// A content as base64, without the field of its media type.
    pub(super) fn base64(content: Content, len: u64) -> Self {
        let mut part = Self::default();
        part.field("Content-Transfer-Encoding", &["base64".to_owned()]);
        part.body.push_base64(content, len);
        part
    }

    /// Combines parts into a multipart. A single part is returned unchanged; no part gives an empty
    /// text.
    pub(super) fn multipart(subtype: &str, parts: Vec<Self>) -> Self {
        let mut parts = parts;
        if parts.len() <= 1 {
            return parts.pop().unwrap_or_else(|| Self::text("plain", ""));
        }
        let mut children = Pieces::default();
        let mut root_type = String::new();
        let mut digest = Sha256::new();
        for part in &parts {
            digest.update(&part.header);
            digest.update(part.body.digest.clone().finalize());
        }
        let boundary = boundary(&digest.finalize());
        for part in parts {
            if root_type.is_empty() {
                root_type = part.media_type().to_owned();
            }
            children.push(format!("--{boundary}\r\n{}\r\n", part.header).as_bytes());
            children.append(part.body);
            children.push(b"\r\n");
        }
        children.push(format!("--{boundary}--\r\n").as_bytes());
        let mut multipart = Self { header: String::new(), body: children };
        let mut value = vec![format!("multipart/{subtype}")];
        if subtype == "related" {
            // RFC 2387 section 3.1 requires the type of the first part.
            value.push(format!("type=\"{root_type}\""));
        }
        value.push(format!("boundary=\"{boundary}\""));
        multipart.field("Content-Type", &value);
        multipart.field_of_identity_encoding();
        multipart
    }

    /// A message as a part. RFC 2046 section 5.2.1 forbids any transfer encoding for it.
    pub(super) fn message(body: Pieces) -> Self {
        let mut part = Self { header: String::new(), body };
        part.field("Content-Type", &["message/rfc822".to_owned()]);
        part.field_of_identity_encoding();
        part
    }

    /// Adds the field for a body that may not be all ASCII.
    fn field_of_identity_encoding(&mut self) {
        if self.body.is_8_bit {
            self.field("Content-Transfer-Encoding", &["8bit".to_owned()]);
        }
    }

    /// Adds a field with a value and parameters, one per line.
    pub(super) fn field(&mut self, name: &str, value: &[String]) {
        // Writing to a String cannot fail.
        let _ = write!(self.header, "{name}: {}\r\n", value.join(";\r\n "));
    }

    /// Adds a field whose parameter is a file name.
    pub(super) fn field_with_name(&mut self, field: &str, value: &str, key: &str, name: &str) {
        let mut lines = vec![value.to_owned()];
        lines.extend(parameter(key, name));
        self.field(field, &lines);
    }

    fn media_type(&self) -> &str {
        let value = self.header.split_once("Content-Type: ").map_or("", |(_, behind)| behind);
        value.split([';', '\r']).next().unwrap_or_default()
    }
}

/// A boundary that occurs in no part: it is made from a hash of all parts, and `=_` occurs neither
/// in base64 nor in quoted-printable.
fn boundary(hash: &[u8]) -> String {
    format!("=_{}", digest::hexadecimal(hash.get(..16).unwrap_or(hash)))
}
