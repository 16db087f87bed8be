//! Decodes the transfer encodings of bodies (RFC 2045 section 6), and says whether a body is whole.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    #[default]
    Identity,
    Base64,
    QuotedPrintable,
}

/// What ends a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartEnd {
    /// A boundary.
    Boundary,
    /// The end of the entity.
    Entity,
    /// The end of the entity, where a boundary should be: the entity may have been cut.
    Missing,
}

/// A decoded body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Why some of it is missing, or may be. It continues a sentence that begins with the part.
    pub(super) missing: Option<String>,
}

impl<'a> Decoded<'a> {
    /// Decodes a body. Of a damaged one, what can be read is returned.
    pub(super) fn of(encoding: TransferEncoding, body: &'a [u8], end: PartEnd) -> Self {
        match encoding {
            TransferEncoding::Identity => {
                Self { bytes: body.into(), missing: missing_boundary(body, end) }
            }
            TransferEncoding::Base64 => base64(body, end),
            TransferEncoding::QuotedPrintable => match quoted_printable_decode(body) {
                Some(bytes) => Self { bytes: bytes.into(), missing: missing_boundary(body, end) },
                None => Self::raw(body, "is no quoted-printable"),
            },
        }
    }

    /// A body that is not what its header states.
    fn raw(body: &'a [u8], cause: &str) -> Self {
        Self { bytes: body.into(), missing: Some(cause.to_owned()) }
    }
}

/// Decodes base64 up to the first character that is none.
fn base64(body: &[u8], end: PartEnd) -> Decoded<'_> {
    let is_of_base64 = |byte: &u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=".contains(byte)
    };
    let valid = body.iter().position(|byte| !is_of_base64(byte));
    let coded = body.get(..valid.unwrap_or(body.len())).unwrap_or_default();
    if valid.is_some() && !coded.trim_ascii_start().contains(&b'\n') {
        // Not even a line of it: some programs state an encoding that they do not use.
        return Decoded::raw(body, "is no base64");
    }
    let symbols = || coded.iter().rev().filter(|byte| !byte.is_ascii_whitespace());
    let is_padded = symbols().next() == Some(&b'=');
    let in_group = symbols().take_while(|byte| **byte != b'=').count() % 4;
    let missing = match (valid, in_group) {
        (Some(at), _) => Some(format!("is no base64 from byte {at} on")),
        (None, 0) if is_padded => None,
        (None, 0) => missing_boundary(body, end),
        // Some programs leave the padding out. One character alone is no byte.
        (None, 2 | 3) if end == PartEnd::Boundary => None,
        (None, _) => Some("ends within a group of base64".to_owned()),
    };
    Decoded { bytes: base64_decode(coded).unwrap_or_default().into(), missing }
}

/// Why a body may be cut that ends with the entity in the place of a boundary. Some programs leave
/// the last boundary out, but they write whole lines.
fn missing_boundary(body: &[u8], end: PartEnd) -> Option<String> {
    let may_be_cut = end == PartEnd::Missing && !body.ends_with(b"\n");
    may_be_cut.then(|| "ends without a line end and without a boundary".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Decoded, PartEnd, TransferEncoding};

    const ENDS: [PartEnd; 3] = [PartEnd::Boundary, PartEnd::Entity, PartEnd::Missing];

    fn check(encoding: TransferEncoding, body: &str, bytes: &str, missing: [Option<&str>; 3]) {
        for (end, missing) in ENDS.into_iter().zip(missing) {
            let missing = missing.map(str::to_owned);
            let expected = Decoded { bytes: bytes.as_bytes().into(), missing };
            assert_eq!(Decoded::of(encoding, body.as_bytes(), end), expected, "{body:?} {end:?}");
        }
    }

    #[test]
    fn base64_is_whole_or_says_what_is_missing() {
        let check = |body, bytes, missing| check(TransferEncoding::Base64, body, bytes, missing);
        let group = Some("ends within a group of base64");
        let line = Some("ends without a line end and without a boundary");
        check("", "", [None, None, line]);
        check("Zm9v\r\n", "foo", [None; 3]);
        check("Zm9v", "foo", [None, None, line]);
        check("Zm9vYg==", "foob", [None; 3]);
        check("Zg==\r\nZm9v\r\n", "ffoo", [None; 3]);
        check("Zm9vYg", "foob", [None, group, group]);
        check("Zm9vYmE\n", "fooba", [None, group, group]);
        check("Zm9vY", "foo", [group; 3]);
        check("Zm9v\r\n--\r\nfooter", "foo", [Some("is no base64 from byte 6 on"); 3]);
        check("\r\n(*)", "\r\n(*)", [Some("is no base64"); 3]);
        check("No, it is text.\n", "No, it is text.\n", [Some("is no base64"); 3]);
    }

    #[test]
    fn other_bodies_end_with_a_line_or_a_boundary() {
        let line = Some("ends without a line end and without a boundary");
        for encoding in [TransferEncoding::Identity, TransferEncoding::QuotedPrintable] {
            check(encoding, "one\ntwo\n", "one\ntwo\n", [None; 3]);
            check(encoding, "one\ntwo", "one\ntwo", [None, None, line]);
        }
        let none = Some("is no quoted-printable");
        check(TransferEncoding::QuotedPrintable, "1=x", "1=x", [none; 3]);
    }
}
