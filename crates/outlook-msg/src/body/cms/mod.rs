//! Cryptographic messages (CMS, RFC 5652) of S/MIME: reads the content of signed messages and the
//! recipients of encrypted ones.
//!
//! Verifies no signature and decrypts nothing. Knows nothing of MIME.

mod ber;
mod name;

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::mapi::hexadecimal;

use ber::{Element, Elements, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET};
use name::object_identifier;

/// The kind of a message, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmsKind {
    /// `signedData`.
    Signed,
    /// `envelopedData` or `authEnvelopedData`: encrypted.
    Enveloped,
}

/// What can be read of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CmsContent {
    /// The signed content (`eContent`).
    Signed {
        /// The content as it was signed.
        bytes: Vec<u8>,
        /// Whether its end is missing.
        is_truncated: bool,
    },
    /// The recipients for whom it is encrypted.
    Enveloped(Vec<RecipientKey>),
}

/// The key that decrypts an encrypted message (RFC 5652 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientKey {
    /// The key of a certificate, by its issuer in the form of RFC 4514, and its serial number in
    /// hexadecimal.
    Certificate {
        /// The name of the issuer.
        issuer: String,
        /// The serial number.
        serial: String,
    },
    /// The key of the certificate with this subject key identifier, in hexadecimal.
    SubjectKeyIdentifier(String),
    /// A key that sender and recipient share, by its identifier in hexadecimal.
    KeyEncryptionKey(String),
    /// A key that is made from a password.
    Password,
    /// A key of an unknown kind.
    Unknown,
}

/// Why nothing can be read of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not begin like a CMS message.
    #[error("not a cryptographic message: no ContentInfo at byte 0")]
    NotCms,
    /// It is neither signed nor encrypted data.
    #[error("cryptographic message of type {0}, expected signed or enveloped data")]
    UnknownType(String),
    /// The signature is detached: the signed content is not in the message.
    #[error("the signed data holds no content")]
    NoContent,
    /// A required part is missing.
    #[error("cryptographic message without its {0}")]
    Missing(&'static str),
}

/// At most this many recipients are listed.
const RECIPIENTS_MAX: usize = 4096;

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";
/// RFC 5083. It lists its recipients as enveloped data does.
const AUTH_ENVELOPED_DATA: &str = "1.2.840.113549.1.9.16.1.23";

/// The kind of a message, from its first bytes; 32 bytes are enough.
pub fn kind(start: &[u8]) -> Option<CmsKind> {
    let (kind, _) = content_info(start).ok()?;
    kind_of(&kind)
}

/// The binary form of a message. Some programs store it as base64, with or without the lines of PEM
/// around it; then this decodes it, even if only the start of it is given. Other bytes are returned
/// unchanged.
pub fn binary(bytes: &[u8]) -> Cow<'_, [u8]> {
    if kind(bytes).is_some() {
        return bytes.into();
    }
    let text = bytes.trim_ascii_start();
    let text = match text.starts_with(b"-----BEGIN ") {
        true => text.iter().position(|byte| *byte == b'\n').and_then(|at| text.get(at..)),
        false => Some(text),
    };
    let Some(text) = text else { return bytes.into() };
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    // A single digit at the end is less than a byte.
    let whole = digits.len() - usize::from(digits.len() % 4 == 1);
    let decoded = BASE64.decode(digits.get(..whole).unwrap_or_default());
    match decoded {
        Ok(decoded) if kind(&decoded).is_some() => decoded.into(),
        _ => bytes.into(),
    }
}

/// Accepts base64 without padding, and a last digit with extra bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads a message.
///
/// # Errors
/// If it is neither signed nor enveloped data, or holds no content.
pub fn read(bytes: &[u8]) -> Result<CmsContent, Error> {
    let (oid, mut rest) = content_info(bytes)?;
    let kind = kind_of(&oid).ok_or(Error::UnknownType(oid))?;
    let content = rest.next().filter(|content| content.is_context(0));
    let content = content.ok_or(Error::Missing("content"))?;
    let data = content.elements().next().filter(|data| data.identifier == SEQUENCE);
    let data = data.ok_or(Error::Missing("content"))?;
    match kind {
        CmsKind::Signed => signed(data.elements()),
        CmsKind::Enveloped => enveloped(data.elements()),
    }
}

impl fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { issuer, serial } => write!(f, "issuer {issuer}; serial {serial}"),
            Self::SubjectKeyIdentifier(id) => write!(f, "subject key identifier {id}"),
            Self::KeyEncryptionKey(id) => write!(f, "shared key {id}"),
            Self::Password => f.write_str("password"),
            Self::Unknown => f.write_str("recipient of an unknown kind"),
        }
    }
}

/// The content type of a message, and the elements after it (RFC 5652 section 3).
fn content_info(bytes: &[u8]) -> Result<(String, Elements<'_>), Error> {
    let info = Elements::new(bytes).next().filter(|info| info.identifier == SEQUENCE);
    let mut fields = info.ok_or(Error::NotCms)?.elements();
    let oid = fields.next().filter(|oid| oid.identifier == OBJECT_IDENTIFIER);
    Ok((object_identifier(oid.ok_or(Error::NotCms)?.primitive()), fields))
}

fn kind_of(oid: &str) -> Option<CmsKind> {
    match oid {
        SIGNED_DATA => Some(CmsKind::Signed),
        ENVELOPED_DATA | AUTH_ENVELOPED_DATA => Some(CmsKind::Enveloped),
        _ => None,
    }
}

/// `SignedData` (RFC 5652 section 5.1): version, digest algorithms, encapsulated content.
fn signed(mut fields: Elements<'_>) -> Result<CmsContent, Error> {
    let encapsulated = fields.find(|field| field.identifier == SEQUENCE);
    let encapsulated = encapsulated.ok_or(Error::Missing("encapsulated content"))?;
    let mut fields_inside = encapsulated.elements();
    let Some(content) = fields_inside.find(|field| field.is_context(0)) else {
        let is_truncated = fields_inside.is_truncated() || fields.is_truncated();
        return Err(if is_truncated { Error::Missing("content") } else { Error::NoContent });
    };
    let mut inner = content.elements();
    let octets = inner.next().ok_or(Error::NoContent)?;
    // PKCS #7 allowed any type here; S/MIME uses only octet strings.
    if octets.identifier & 0x1F != OCTET_STRING {
        return Err(Error::Missing("octet string"));
    }
    let (bytes, is_truncated) = octets.octets();
    let is_truncated = is_truncated || inner.is_truncated() || fields.is_truncated();
    Ok(CmsContent::Signed { bytes: bytes.into_owned(), is_truncated })
}

/// `EnvelopedData` (RFC 5652 section 6.1): version, originator, recipients.
fn enveloped(mut fields: Elements<'_>) -> Result<CmsContent, Error> {
    let recipients = fields.find(|field| field.identifier == SET);
    let recipients = recipients.ok_or(Error::Missing("recipients"))?;
    let keys = recipients.elements().take(RECIPIENTS_MAX).flat_map(|one| recipient(&one));
    Ok(CmsContent::Enveloped(keys.take(RECIPIENTS_MAX).collect()))
}

/// `RecipientInfo` (RFC 5652 section 6.2).
fn recipient(info: &Element<'_>) -> Vec<RecipientKey> {
    let mut fields = info.elements();
    match info.identifier {
        SEQUENCE => vec![fields.nth(1).map_or(RecipientKey::Unknown, |id| certificate(&id))],
        0xA1 => match fields.filter(|field| field.identifier == SEQUENCE).last() {
            Some(keys) => {
                let ids = keys.elements().filter_map(|key| key.elements().next());
                ids.take(RECIPIENTS_MAX).map(|id| certificate(&id)).collect()
            }
            None => vec![RecipientKey::Unknown],
        },
        0xA2 => {
            let id = fields.nth(1).and_then(|id| id.elements().next());
            let id = id.map(|id| hexadecimal(&id.octets().0));
            vec![id.map_or(RecipientKey::Unknown, RecipientKey::KeyEncryptionKey)]
        }
        0xA3 => vec![RecipientKey::Password],
        _ => vec![RecipientKey::Unknown],
    }
}

/// `RecipientIdentifier` and `KeyAgreeRecipientIdentifier` (RFC 5652 section 6.2.1, 6.2.2).
fn certificate(id: &Element<'_>) -> RecipientKey {
    let mut fields = id.elements();
    match id.identifier {
        SEQUENCE => match (fields.next(), fields.next()) {
            (Some(issuer), Some(serial)) if serial.identifier == INTEGER => {
                RecipientKey::Certificate {
                    issuer: name::to_text(&issuer),
                    serial: hexadecimal(serial.primitive()),
                }
            }
            _ => RecipientKey::Unknown,
        },
        0x80 => RecipientKey::SubjectKeyIdentifier(hexadecimal(id.primitive())),
        0xA0 => match fields.next() {
            Some(key) => RecipientKey::SubjectKeyIdentifier(hexadecimal(&key.octets().0)),
            None => RecipientKey::Unknown,
        },
        _ => RecipientKey::Unknown,
    }
}

#[cfg(test)]
mod tests;
