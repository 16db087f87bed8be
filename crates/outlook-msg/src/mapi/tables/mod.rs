//! The tables of the specification as sorted slices, made by `scripts/tables.py`.
//!
//! Knows no look-up: the modules beside this one search them.

pub(super) mod code_pages;
pub(super) mod locales;
pub(super) mod named_properties;
pub(super) mod property_sets;
pub(super) mod property_tags;

use encoding_rs::Encoding;

/// How the bytes of a code page are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decoding {
    /// An encoding of the WHATWG Encoding Standard.
    Standard(&'static Encoding),
    /// A table of one byte a character with an ASCII half, found by the page's number.
    Oem,
    /// UTF-7 (RFC 2152).
    Utf7,
    /// Johab (KS X 1001, annex 3).
    Johab,
    /// ISO-2022-KR (RFC 1557).
    Iso2022Kr,
}
