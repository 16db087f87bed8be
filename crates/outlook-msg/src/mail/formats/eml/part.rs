//! Builds MIME entities (RFC 2046): a header and a body, and multiparts of entities.
//!
//! Knows no message and no property.

use std::fmt::Write as _;
use std::io;

use sha2::{Digest as _, Sha256};

use crate::digest;
use crate::mail::content::Content;
use crate::mail::content::pieced_file::{Piece, PiecedFile};
use crate::mail::error::Error;
use crate::mail::values::text::lines_of;
use crate::pieces::PieceReader;

use super::encode::{TextEncoding, parameter, quoted_printable};
use super::made::MadeContents;

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
    /// Empty if the body begins with the header.
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
        self.held += content.bytes_held();
        self.pieces.push(Piece::Base64(content, len));
    }

    /// Adds a content unchanged. It is hashed if `is_nested`, because the entity may then become
    /// part of a multipart.
    fn push_raw(&mut self, content: Content, len: u64, is_nested: bool) {
        let mut pieces = PieceReader::new(len);
        while is_nested
            // The export will fail where this reading fails.
            && let Ok(Some(piece)) = pieces.next_piece(|at, piece| content.read_at(at, piece))
        {
            self.digest.update(piece);
        }
        self.held += content.bytes_held();
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
    /// A text in UTF-8 that is short.
    pub(super) fn text(subtype: &str, text: &str) -> Self {
        let mut part = Self::of_text(subtype, TextEncoding::QuotedPrintable);
        let mut encoded = Vec::new();
        // Writing to memory does not fail.
        let _ = quoted_printable(text, &mut encoded);
        part.body.push(&encoded);
        part
    }

    /// A text in UTF-8 of any length.
    ///
    /// # Errors
    /// If it cannot be written to the temporary file.
    pub(super) fn long_text(
        subtype: &str,
        text: &str,
        made: &mut MadeContents,
    ) -> Result<Self, Error> {
        let encoding = TextEncoding::of(text);
        let mut part = Self::of_text(subtype, encoding);
        match encoding {
            TextEncoding::QuotedPrintable => {
                let (content, len) = made.of_text(text.len(), |out| quoted_printable(text, out))?;
                part.body.push_raw(content, len, true);
            }
            TextEncoding::Base64 => {
                let (content, len) = made.of_text(text.len(), |out| write_crlf_lines(text, out))?;
                part.body.push_base64(content, len);
            }
        }
        Ok(part)
    }

    /// A part with the fields of a text.
    fn of_text(subtype: &str, encoding: TextEncoding) -> Self {
        let mut part = Self::default();
        part.field("Content-Type", &[format!("text/{subtype}"), "charset=utf-8".to_owned()]);
        let encoding = match encoding {
            TextEncoding::QuotedPrintable => "quoted-printable",
            TextEncoding::Base64 => "base64",
        };
        part.field("Content-Transfer-Encoding", &[encoding.to_owned()]);
        part
    }

    /// An entity that begins with its own header.
    pub(super) fn entity(content: Content, len: u64, is_nested: bool) -> Self {
        let mut part = Self::default();
        part.body.push_raw(content, len, is_nested);
        part.body.is_8_bit = true;
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
            children.push(format!("--{boundary}\r\n").as_bytes());
            part.write(&mut children);
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

    /// Adds the entity to others: its header, an empty line, and its body.
    pub(super) fn write(self, pieces: &mut Pieces) {
        if !self.header.is_empty() {
            pieces.push(self.header.as_bytes());
            pieces.push(b"\r\n");
        }
        pieces.append(self.body);
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

/// Writes a text with CRLF line ends.
fn write_crlf_lines(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    for (index, line) in lines_of(text).enumerate() {
        out.write_all(if index == 0 { b"" } else { b"\r\n" })?;
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}
