//! Windows code pages: decodes bytes to text, and encodes text to bytes.
//!
//! Knows no message: `imsg::Strings` decides which code page a string has.

use std::borrow::Cow;
use std::cmp::Ordering;

use charset::Charset;
use encoding_rs::Encoding;
use oem_cp::code_table::{DECODING_TABLE_CP_MAP, ENCODING_TABLE_CP_MAP};
use oem_cp::code_table_type::TableType;

use super::korean;
use super::tables::Decoding;
use super::tables::code_pages::{CHARSETS, CODE_PAGES};
use super::tables::locales::LOCALES;

/// A Windows code page that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodePage(u32);

impl CodePage {
    /// UTF-16, little-endian.
    pub const UTF_16LE: Self = Self(1200);
    /// Windows-1252, the default of \[MS-OXMSG\] files without any other hint.
    pub const WINDOWS_1252: Self = Self(1252);
    /// UTF-8.
    pub const UTF_8: Self = Self(65001);

    /// The code page of this number, or `None` if there is no decoder for it.
    ///
    /// The numbers 0 to 3 (settings of the system) and 42 (glyphs of a symbol font) are no code
    /// pages. EBCDIC, ISCII and most Macintosh pages have no decoder.
    pub fn new(number: u32) -> Option<Self> {
        decoding(number).map(|_| Self(number))
    }

    /// The ANSI code page of a locale, as `PR_MESSAGE_LOCALE_ID` holds it.
    ///
    /// The sort order (bits 16 to 19, \[MS-LCID\] 2.1) is ignored. An unknown region gets the page
    /// of its language. `None` for a language that Windows writes only in Unicode.
    pub fn of_locale(lcid: u32) -> Option<Self> {
        const PRIMARY_LANGUAGE: u32 = 0x3FF;
        let page = |lcid: u32| {
            let index = LOCALES.binary_search_by_key(&lcid, |&(known, _)| u32::from(known)).ok()?;
            LOCALES.get(index).and_then(|&(_, number)| Self::new(u32::from(number)))
        };
        page(lcid & 0xFFFF).or_else(|| page(lcid & PRIMARY_LANGUAGE))
    }

    /// The ANSI code page used beside an internet code page, as `PR_INTERNET_CPID` holds it.
    ///
    /// For example, if the internet code page is ISO-2022-JP, the strings of the message are in
    /// Shift-JIS. `None` for UTF-8 and UTF-7, which tell nothing about the language of the sender.
    pub fn of_internet_code_page(cpid: u32) -> Option<Self> {
        Some(Self(match cpid {
            874 | 932 | 936 | 949 | 950 | 1250..=1258 => cpid,
            20932 | 50220..=50222 | 50932 | 51932 => 932,
            20936 | 50227 | 51936 | 52936 | 54936 => 936,
            20949 | 50225 | 50949 | 51949 => 949,
            951 => 950,
            28592 => 1250,
            20866 | 21866 | 28595 => 1251,
            20127 | 28591 | 28605 => 1252,
            28597 => 1253,
            28599 => 1254,
            28598 | 38598 => 1255,
            708 | 28596 => 1256,
            28594 | 28603 => 1257,
            28601 => 874,
            _ => return None,
        }))
    }

    /// The code page of a MIME charset, as `<meta charset>` and `Content-Type` name it.
    ///
    /// Ignores case and blanks around the label, and knows every label of the Encoding Standard. A
    /// `<meta>` that could be read as ASCII cannot mean UTF-16; the caller must take care of that.
    pub fn of_mime_charset(label: &str) -> Option<Self> {
        let label = label.trim_ascii();
        if let Ok(index) = CHARSETS.binary_search_by(|(known, _)| cmp_lower_case(known, label)) {
            return CHARSETS.get(index).map(|&(_, number)| Self(number));
        }
        Self::of_encoding(Encoding::for_label(label.as_bytes())?)
    }

    /// The code page with the lowest number for an encoding: that of Windows, if there is one.
    pub(super) fn of_encoding(wanted: &'static Encoding) -> Option<Self> {
        CODE_PAGES.iter().find_map(|&(number, decoding)| {
            matches!(decoding, Decoding::Standard(encoding) if encoding == wanted)
                .then_some(Self(number))
        })
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether a character takes one byte or two, as in the East Asian ANSI pages.
    pub const fn is_double_byte(self) -> bool {
        matches!(self.0, 932 | 936 | 949 | 950)
    }

    /// Decodes bytes; what is invalid becomes U+FFFD.
    ///
    /// A byte order mark and NULs stay. ASCII is borrowed, not copied.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self.decoding() {
            Decoding::Standard(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Decoding::Utf7 => decode_utf7(bytes).0,
            Decoding::Johab => korean::decode_johab(bytes).0,
            Decoding::Iso2022Kr => Cow::Owned(korean::decode_iso_2022_kr(bytes).0),
            Decoding::Oem => match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(self.oem_table().decode_string_lossy(bytes)),
            },
        }
    }

    /// Whether the bytes are valid in this code page.
    pub fn is_valid(self, bytes: &[u8]) -> bool {
        match self.decoding() {
            Decoding::Standard(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
            }
            Decoding::Utf7 => !decode_utf7(bytes).1,
            Decoding::Johab => !korean::decode_johab(bytes).1,
            Decoding::Iso2022Kr => !korean::decode_iso_2022_kr(bytes).1,
            Decoding::Oem => self.oem_table().decode_string_checked(bytes).is_some(),
        }
    }

    /// Encodes text; `None` if it has a character that the code page does not have.
    ///
    /// The returned bytes always decode to the same text. In UTF-7 and ISO-2022-KR, only ASCII is
    /// written.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let bytes = match self.decoding() {
            Decoding::Standard(encoding) => encode_standard(encoding, text)?,
            Decoding::Utf7 | Decoding::Iso2022Kr => text.as_bytes().to_vec(),
            Decoding::Johab => korean::encode_johab(text)?,
            Decoding::Oem => {
                let page = u16::try_from(self.0).ok()?;
                oem_cp::encode_string_checked(text, ENCODING_TABLE_CP_MAP.get(&page)?)?
            }
        };
        // Encoders replace some characters by similar ones: a yen sign by 0x5C in Shift-JIS, for
        // example.
        (self.decode(&bytes) == text).then_some(bytes)
    }

    /// Whether an ASCII byte is always an ASCII character in it, whatever bytes are around it.
    pub(crate) fn has_ascii(self) -> bool {
        match self.decoding() {
            Decoding::Standard(encoding) => encoding.is_ascii_compatible(),
            Decoding::Oem | Decoding::Johab => true,
            Decoding::Utf7 | Decoding::Iso2022Kr => false,
        }
    }

    /// Whether a character takes one byte.
    pub(crate) fn is_single_byte(self) -> bool {
        match self.decoding() {
            Decoding::Standard(encoding) => encoding.is_single_byte(),
            Decoding::Oem => true,
            Decoding::Utf7 | Decoding::Iso2022Kr | Decoding::Johab => false,
        }
    }

    /// Its encoding in the Encoding Standard; `None` if the standard does not have it.
    pub(super) fn standard(self) -> Option<&'static Encoding> {
        match self.decoding() {
            Decoding::Standard(encoding) => Some(encoding),
            _ => None,
        }
    }

    fn decoding(self) -> Decoding {
        decoding(self.0).expect("a code page is made of a number with a decoding only")
    }

    fn oem_table(self) -> &'static TableType {
        oem_table(self.0).expect("an OEM code page is made of a number with a table only")
    }
}

fn decoding(number: u32) -> Option<Decoding> {
    let index = CODE_PAGES.binary_search_by_key(&number, |&(known, _)| known).ok()?;
    let (_, decoding) = *CODE_PAGES.get(index)?;
    if matches!(decoding, Decoding::Oem) {
        oem_table(number)?;
    }
    Some(decoding)
}

fn oem_table(number: u32) -> Option<&'static TableType> {
    DECODING_TABLE_CP_MAP.get(&u16::try_from(number).ok()?)
}

/// Compares a name in lower case with a label in any case.
fn cmp_lower_case(known: &str, label: &str) -> Ordering {
    known.bytes().cmp(label.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// Decodes UTF-7. Also returns whether there were errors.
fn decode_utf7(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match Charset::for_label(b"utf-7") {
        Some(utf_7) => utf_7.decode_without_bom_handling(bytes),
        None => (String::from_utf8_lossy(bytes), !bytes.is_ascii()),
    }
}

/// Encodes text in an encoding of the Encoding Standard; `None` if it lacks a character.
fn encode_standard(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    // The Encoding Standard has no encoder for UTF-16.
    if encoding == encoding_rs::UTF_16LE {
        return Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if encoding == encoding_rs::UTF_16BE {
        return Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let (bytes, _, had_unmappable) = encoding.encode(text);
    (!had_unmappable).then(|| bytes.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> CodePage {
        CodePage::new(number).unwrap_or_else(|| panic!("no code page {number}"))
    }

    /// Checks that the bytes decode to the text, and the text encodes to the bytes.
    fn check(number: u32, bytes: &[u8], text: &str) {
        let page = page(number);
        assert_eq!(page.decode(bytes), text, "decoding {number}");
        assert!(page.is_valid(bytes), "validity in {number}");
        assert_eq!(page.encode(text).as_deref(), Some(bytes), "encoding {number}");
    }

    #[test]
    fn decodes_and_encodes() {
        check(437, b"\x80\xE1", "\u{C7}\u{DF}");
        check(850, b"\x9B", "\u{F8}");
        check(858, b"\xD5", "\u{20AC}");
        check(866, b"\x80\xE0", "\u{410}\u{440}");
        check(932, b"\x93\xFA\x96{", "\u{65E5}\u{672C}");
        check(932, b"\x87\x40", "\u{2460}");
        check(936, b"\xC4\xE3\x80", "\u{4F60}\u{20AC}");
        check(949, b"\xB0\xA1\x81\x41", "\u{AC00}\u{AC02}");
        check(950, b"\xA4\xA4", "\u{4E2D}");
        check(1200, b"a\0\x3D\xD8\0\xDE\0\0", "a\u{1F600}\0");
        check(1201, b"\0a\xFE\xFF", "a\u{FEFF}");
        check(1250, b"\xB9", "\u{105}");
        check(1251, b"\xCF", "\u{41F}");
        check(1361, b"\xD0\x65\x8A\x82", "\u{D55C}\u{AD6D}");
        check(1252, b"\x80\x81\xE9", "\u{20AC}\u{81}\u{E9}");
        check(10000, b"\x8A", "\u{E4}");
        check(20127, b"a\0b", "a\0b");
        check(20866, b"\xF0", "\u{41F}");
        check(28605, b"\xA4", "\u{20AC}");
        check(50220, b"\x1B$BF|\x1B(B", "\u{65E5}");
        check(51932, b"\xC6\xFC", "\u{65E5}");
        check(54936, b"\x94\x39\xFC\x36", "\u{1F600}");
        check(65001, b"\xEF\xBB\xBF\xC3\xA4\0", "\u{FEFF}\u{E4}\0");
    }

    #[test]
    fn utf_7_is_read_and_plain_ascii_written() {
        assert_eq!(page(65000).decode(b"a+-b +AOQ-"), "a+b \u{E4}");
        assert!(!page(65000).is_valid(b"+J."));
        assert_eq!(page(65000).encode("a-b").as_deref(), Some(&b"a-b"[..]));
        assert_eq!(page(65000).encode("a+b"), None);
        assert_eq!(page(65000).encode("\u{E4}"), None);
    }

    #[test]
    fn what_a_page_does_not_hold_is_not_encoded() {
        for (number, text) in [(1252, "\u{151}"), (437, "\u{20AC}"), (932, "\u{A5}")] {
            assert_eq!(page(number).encode(text), None, "{text} in {number}");
        }
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        for (number, bytes) in [
            (932, &b"\x82"[..]),
            (857, b"\xD5"),
            (1200, b"a\0b"),
            (1253, b"\xAA"),
            (65001, b"\xFF"),
            (65000, b"\xFF"),
        ] {
            assert!(!page(number).is_valid(bytes), "{number}");
            assert!(page(number).decode(bytes).contains('\u{FFFD}'), "{number}");
        }
        assert!(CodePage::UTF_8.is_valid("\u{FFFD}".as_bytes()));
    }

    #[test]
    fn ascii_is_borrowed() {
        for number in [437, 864, 932, 1252, 20127, 50220, 65000, 65001] {
            let text = page(number).decode(b"Hello 100%\r\n");
            assert!(matches!(text, Cow::Borrowed("Hello 100%\r\n")), "{number}");
        }
    }

    #[test]
    fn every_page_of_the_tables_decodes_every_byte() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        assert!(CODE_PAGES.is_sorted_by(|a, b| a.0 < b.0));
        for &(number, _) in CODE_PAGES {
            assert_eq!(page(number).number(), number);
            assert!(!page(number).decode(&bytes).is_empty(), "{number}");
        }
        for number in [0, 1, 2, 3, 37, 42, 500, 50001, 57002, u32::MAX] {
            assert_eq!(CodePage::new(number), None, "{number}");
        }
    }

    #[test]
    fn locales_have_ansi_pages() {
        assert!(LOCALES.is_sorted_by(|a, b| a.0 < b.0));
        for (lcid, number) in [
            (0x0409, 1252),
            (0x0407, 1252),
            (0x0411, 932),
            (0x0404, 950),
            (0x0804, 936),
            (0x0412, 949),
            (0x0419, 1251),
            (0x041E, 874),
            (0x042A, 1258),
            (0x0C1A, 1251),
            (0x0001_0407, 1252),
            (0x0002_0C04, 950),
            (0xFC19, 1251),
        ] {
            assert_eq!(CodePage::of_locale(lcid), CodePage::new(number), "{lcid:#06X}");
        }
        for lcid in [0, 0x0439, u32::MAX] {
            assert_eq!(CodePage::of_locale(lcid), None, "{lcid:#06X}");
        }
        assert!(LOCALES.iter().all(|&(_, number)| CodePage::new(number.into()).is_some()));
    }

    #[test]
    fn internet_code_pages_have_ansi_sisters() {
        for (cpid, number) in [
            (50220, 932),
            (50225, 949),
            (52936, 936),
            (28591, 1252),
            (20127, 1252),
            (20866, 1251),
            (28603, 1257),
            (1255, 1255),
            (950, 950),
        ] {
            assert_eq!(CodePage::of_internet_code_page(cpid), CodePage::new(number), "{cpid}");
        }
        for cpid in [0, 1200, 65000, 65001, 70000] {
            assert_eq!(CodePage::of_internet_code_page(cpid), None, "{cpid}");
        }
        let sisters = (0..=65535).filter_map(CodePage::of_internet_code_page);
        assert!(sisters.into_iter().all(|sister| decoding(sister.0).is_some()));
    }

    #[test]
    fn charsets_name_code_pages() {
        assert!(CHARSETS.is_sorted_by(|a, b| a.0 < b.0));
        for (label, number) in [
            ("utf-8", 65001),
            (" UTF8\t", 65001),
            ("iso-2022-jp", 50220),
            ("Windows-1251", 1251),
            ("gb2312", 936),
            ("GBK", 936),
            ("latin1", 1252),
            ("x-sjis", 932),
            ("ks_c_5601-1987", 949),
            ("iso-8859-15", 28605),
            ("IBM437", 437),
            ("us-ascii", 20127),
            ("iso-2022-kr", 50225),
            ("Johab", 1361),
            ("utf-7", 65000),
            ("utf-16", 1200),
        ] {
            assert_eq!(CodePage::of_mime_charset(label), CodePage::new(number), "{label}");
        }
        for label in ["", "klingon", "x-user-defined", "utf-8;"] {
            assert_eq!(CodePage::of_mime_charset(label), None, "{label}");
        }
        assert!(CHARSETS.iter().all(|&(_, number)| decoding(number).is_some()));
    }
}
