//! Messages written by hand, with definite and indefinite lengths, and strings in one piece or
//! several.

use super::{CmsContent, CmsKind, Error, RecipientKey, kind, read};
use crate::body::mutations::mutations;

/// An element of definite length.
pub(super) fn element(identifier: u8, contents: &[u8]) -> Vec<u8> {
    let len = contents.len();
    let mut bytes = vec![identifier];
    match u8::try_from(len) {
        Ok(len) if len < 0x80 => bytes.push(len),
        _ => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(len).unwrap().to_be_bytes());
        }
    }
    bytes.extend(contents);
    bytes
}

/// An element of indefinite length.
fn indefinite(identifier: u8, contents: &[u8]) -> Vec<u8> {
    [&[identifier, 0x80], contents, &[0, 0]].concat()
}

fn unhex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A distinguished name of parts with one attribute each: type, string type, value.
pub(super) fn name(parts: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let parts = parts.iter().flat_map(|(oid, string, value)| {
        let pair = [element(6, &unhex(oid)), element(*string, value)].concat();
        element(0x31, &element(0x30, &pair))
    });
    element(0x30, &parts.collect::<Vec<_>>())
}

type Wrap = fn(u8, &[u8]) -> Vec<u8>;

fn content_info(wrap: Wrap, oid: &str, data: &[u8]) -> Vec<u8> {
    let content = wrap(0xA0, &wrap(0x30, data));
    wrap(0x30, &[element(6, &unhex(oid)), content].concat())
}

fn signed(wrap: Wrap, octets: &[u8]) -> Vec<u8> {
    let data_type = element(6, &unhex("2A864886F70D010701"));
    let encapsulated = wrap(0x30, &[data_type, wrap(0xA0, octets)].concat());
    let fields = [element(2, &[1]), element(0x31, &[]), encapsulated, element(0x31, &[])].concat();
    content_info(wrap, "2A864886F70D010702", &fields)
}

fn enveloped(wrap: Wrap, recipients: &[Vec<u8>]) -> Vec<u8> {
    let fields = [element(2, &[0]), wrap(0x31, &recipients.concat()), element(0x30, &[])].concat();
    content_info(wrap, "2A864886F70D010703", &fields)
}

fn issuer_and_serial() -> Vec<u8> {
    let issuer = name(&[("550406", 0x13, b"DE"), ("55040A", 0x0C, b"Example")]);
    element(0x30, &[issuer, element(2, &[0x0A, 0xFF])].concat())
}

fn key_transport(id: &[u8]) -> Vec<u8> {
    element(0x30, &[&element(2, &[0]), id, &element(0x30, &[]), &element(4, &[1; 9])].concat())
}

fn check_signed(bytes: &[u8], expected: &[u8], is_truncated: bool) {
    assert_eq!(kind(&bytes[..bytes.len().min(32)]), Some(CmsKind::Signed));
    let expected = CmsContent::Signed { bytes: expected.to_vec(), is_truncated };
    assert_eq!(read(bytes), Ok(expected));
}

fn check_recipients(bytes: &[u8], expected: &[&str]) {
    assert_eq!(kind(&bytes[..bytes.len().min(32)]), Some(CmsKind::Enveloped));
    let Ok(CmsContent::Enveloped(keys)) = read(bytes) else { panic!("{:?}", read(bytes)) };
    assert_eq!(keys.iter().map(RecipientKey::to_string).collect::<Vec<_>>(), expected);
}

fn check_error(bytes: &[u8], expected: Error) {
    assert_eq!(read(bytes), Err(expected));
}

#[test]
fn signed_content_is_unwrapped() {
    let whole = element(4, b"Hello");
    let pieces = indefinite(0x24, &[element(4, b"Hel"), element(4, b"lo")].concat());
    for wrap in [element as Wrap, indefinite] {
        check_signed(&signed(wrap, &whole), b"Hello", false);
        check_signed(&signed(wrap, &pieces), b"Hello", false);
        check_signed(&signed(wrap, &element(4, &[7; 70_000])), &[7; 70_000], false);
        check_signed(&signed(wrap, &element(4, b"")), b"", false);
    }
}

#[test]
fn truncated_content_is_kept() {
    let bytes = signed(indefinite, &element(4, &[7; 100]));
    let end = bytes.len() - 50;
    let Ok(CmsContent::Signed { bytes, is_truncated }) = read(&bytes[..end]) else { panic!() };
    assert!(is_truncated && bytes.len() > 50 && bytes.len() < 100);
}

#[test]
fn recipients_are_listed() {
    let by_key = element(0x80, &[0xAB, 0xCD]);
    let agreed = element(0x30, &[issuer_and_serial(), element(4, &[1])].concat());
    let agreement = [element(2, &[3]), element(0xA0, &[]), element(0x30, &agreed)].concat();
    let shared = [element(2, &[4]), element(0x30, &element(4, &[1, 2]))].concat();
    let recipients = [
        key_transport(&issuer_and_serial()),
        key_transport(&by_key),
        element(0xA1, &agreement),
        element(0xA2, &shared),
        element(0xA3, &[]),
        element(0xA9, &[]),
    ];
    let expected = [
        "issuer O=Example,C=DE; serial 0AFF",
        "subject key identifier ABCD",
        "issuer O=Example,C=DE; serial 0AFF",
        "shared key 0102",
        "password",
        "recipient of an unknown kind",
    ];
    check_recipients(&enveloped(element, &recipients), &expected);
    check_recipients(&enveloped(indefinite, &recipients), &expected);
    check_recipients(&enveloped(element, &[]), &[]);
}

#[test]
fn other_bytes_are_refused() {
    check_error(b"", Error::NotCms);
    check_error(b"Content-Type: text/plain\r\n\r\n", Error::NotCms);
    check_error(&element(0x30, &[]), Error::NotCms);
    let other = content_info(element, "2A864886F70D010705", &[]);
    check_error(&other, Error::UnknownType("1.2.840.113549.1.7.5".to_owned()));
    let detached = content_info(element, "2A864886F70D010702", &element(0x30, &element(6, &[42])));
    check_error(&detached, Error::NoContent);
    check_error(&content_info(element, "2A864886F70D010703", &[]), Error::Missing("recipients"));
    let oid_only = element(0x30, &element(6, &unhex("2A864886F70D010702")));
    check_error(&oid_only, Error::Missing("content"));
}

#[test]
fn damaged_bytes_never_panic() {
    let pieces = indefinite(0x24, &[element(4, b"Hel"), element(4, b"lo")].concat());
    let recipients = [key_transport(&issuer_and_serial()), element(0xA1, &element(0x30, &[]))];
    for sound in [signed(indefinite, &pieces), enveloped(indefinite, &recipients)] {
        for damaged in mutations(&sound, 20_000) {
            if let Ok(CmsContent::Signed { bytes, .. }) = read(&damaged) {
                assert!(bytes.len() <= damaged.len());
            }
        }
    }
}
