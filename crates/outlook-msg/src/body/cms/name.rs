//! Distinguished names as text (RFC 4514).

use std::fmt::Write as _;

use super::ber::{Element, Elements, OBJECT_IDENTIFIER};
use crate::mapi::{CodePage, hexadecimal};

/// Longer names are cut to this many bytes of text.
const NAME_BYTES_MAX: usize = 4096;

/// A name as text, with its last part first: `CN=Jane Doe,O=Example,C=DE`.
pub(super) fn to_text(name: &Element<'_>) -> String {
    let parts: Vec<_> = name.elements().map(|part| relative(&part)).collect();
    let mut text = parts.into_iter().rev().collect::<Vec<_>>().join(",");
    text.truncate(text.floor_char_boundary(NAME_BYTES_MAX));
    text
}

/// An object identifier in dotted decimals (X.690 8.19).
pub(super) fn object_identifier(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut arc = 0_u64;
    for byte in bytes.iter().take(64) {
        arc = arc.saturating_mul(128).saturating_add(u64::from(byte & 0x7F));
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = match (text.is_empty(), arc) {
            (true, 0..80) => write!(text, "{}.{}", arc / 40, arc % 40),
            (true, _) => write!(text, "2.{}", arc - 80),
            (false, _) => write!(text, ".{arc}"),
        };
        arc = 0;
    }
    text
}

fn relative(part: &Element<'_>) -> String {
    let attributes: Vec<_> =
        part.elements().filter_map(|attribute| type_and_value(attribute.elements())).collect();
    attributes.join("+")
}

fn type_and_value(mut attribute: Elements<'_>) -> Option<String> {
    let kind = attribute.next().filter(|kind| kind.identifier == OBJECT_IDENTIFIER)?;
    let value = attribute.next()?;
    let kind = kind_name(object_identifier(kind.primitive()));
    match string(&value) {
        Some(text) => Some(format!("{kind}={}", escape(&text))),
        None => Some(format!("{kind}=#{}", hexadecimal(value.primitive()))),
    }
}

/// The short name of an attribute type: those of RFC 4514 section 3, and others that occur in
/// certificates. Any other type is its object identifier.
fn kind_name(oid: String) -> String {
    let name = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "givenName",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return oid,
    };
    name.to_owned()
}

/// The text of a string element of any type; `None` for other elements.
fn string(value: &Element<'_>) -> Option<String> {
    let bytes = value.primitive();
    match value.identifier {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString
        0x0C | 0x12 | 0x13 | 0x16 | 0x1A => Some(String::from_utf8_lossy(bytes).into_owned()),
        // TeletexString; in practice, programs write Latin-1.
        0x14 => Some(CodePage::WINDOWS_1252.decode(bytes).into_owned()),
        // BMPString
        0x1E => {
            let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
            Some(char::decode_utf16(units).map(|one| one.unwrap_or('\u{FFFD}')).collect())
        }
        _ => None,
    }
}

/// Escapes the characters that have a meaning in a name (RFC 4514 section 2.4).
fn escape(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::new();
    for (at, c) in text.chars().enumerate() {
        let special = match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            ' ' => at == 0 || at == last,
            '#' => at == 0,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escape, object_identifier, to_text};
    use crate::body::cms::ber::Elements;
    use crate::body::cms::tests::{element, name};

    #[test]
    fn object_identifiers_are_dotted() {
        let check = |bytes: &[u8], expected| assert_eq!(object_identifier(bytes), expected);
        check(&[0x55, 0x04, 0x03], "2.5.4.3");
        check(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02], "1.2.840.113549.1.7.2");
        check(&[0x88, 0x37], "2.999");
        check(&[], "");
        check(&[0xFF; 100], "");
    }

    #[test]
    fn names_are_written_from_the_last_part() {
        let bytes = name(&[("5504 06", 0x13, b"DE"), ("550403", 0x0C, "Jos\u{e9}, Co".as_bytes())]);
        let element_of = |bytes| Elements::new(bytes).next().unwrap();
        assert_eq!(to_text(&element_of(&bytes)), "CN=Jos\u{e9}\\, Co,C=DE");
        let bytes = name(&[("550403", 0x1E, &[0, b'A', 0x30, 0x42]), ("2A03", 0x04, &[1, 255])]);
        assert_eq!(to_text(&element_of(&bytes)), "1.2.3=#01FF,CN=A\u{3042}");
        assert_eq!(to_text(&element_of(&element(0x30, &[]))), "");
    }

    #[test]
    fn special_characters_are_escaped() {
        let check = |text, expected| assert_eq!(escape(text), expected);
        check("a+b=c", "a\\+b=c");
        check(" x ", "\\ x\\ ");
        check("#1 #2", "\\#1 #2");
        check("a\nb", "a b");
    }
}
