//! The character sets of RTF: `\fcharset`, and the bytes of a run of text.
//!
//! Knows neither groups nor control words.

use std::borrow::Cow;

use crate::mapi::CodePage;

/// Gives the code page of an `\fcharsetN`; `None` for the default set, symbols and unknown ones.
pub(super) fn code_page(fcharset: i32) -> Option<CodePage> {
    let number = match fcharset {
        0 => 1252,
        77 => 10000,
        78 => 10001,
        79 => 10003,
        80 => 10008,
        81 => 10002,
        83 => 10005,
        84 => 10004,
        85 => 10006,
        86 => 10081,
        87 => 10021,
        88 => 10029,
        89 => 10007,
        128 => 932,
        129 => 949,
        130 => 1361,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 | 181 => 1255,
        178..=180 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        254 => 437,
        255 => 850,
        _ => return None,
    };
    CodePage::new(number)
}

/// Gives the code page of an `\ansicpgN`; `None` if RTF cannot be written in it.
pub(super) fn ansi_code_page(number: i32) -> Option<CodePage> {
    match u32::try_from(number).ok()? {
        // UTF-16 and UTF-7: in them a byte of ASCII need not be an ASCII character, but the control
        // words of RTF are ASCII.
        1200 | 1201 | 65000 => None,
        number => CodePage::new(number),
    }
}

/// A run of this length is decoded, and another one begins: its text may be four times as long, and
/// both are in memory beside the text of the document.
const RUN_BYTES_MAX: usize = 1 << 20;

/// The bytes of a run of text, in one code page, that are not yet decoded.
#[derive(Debug)]
pub(super) struct TextRun {
    bytes: Vec<u8>,
    page: CodePage,
    /// Whether the last byte is the first of two, so that the next one belongs to it.
    wants_trail: bool,
}

impl TextRun {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), page: CodePage::WINDOWS_1252, wants_trail: false }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it has as many bytes as a run may have, and the last character is whole.
    pub(super) const fn is_full(&self) -> bool {
        self.bytes.len() >= RUN_BYTES_MAX && !self.wants_trail
    }

    /// Whether the next byte is the second byte of a character, even if it looks like `\` or `}`.
    pub(super) const fn wants_trail(&self) -> bool {
        self.wants_trail
    }

    /// Sets the code page. Call it only between runs.
    pub(super) const fn begin(&mut self, page: CodePage) {
        self.page = page;
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.wants_trail = !self.wants_trail && is_lead(self.page.number(), byte);
        self.bytes.push(byte);
    }

    /// Decodes the run, which is then over.
    pub(super) fn decode(&self) -> Cow<'_, str> {
        self.page.decode(&self.bytes)
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.wants_trail = false;
    }
}

/// Whether a byte is the first of two in a double-byte code page.
const fn is_lead(page: u32, byte: u8) -> bool {
    match page {
        932 | 10001 => matches!(byte, 0x81..=0x9F | 0xE0..=0xFC),
        936 | 949 | 950 | 10002 | 10003 | 10008 | 54936 => matches!(byte, 0x81..=0xFE),
        1361 => matches!(byte, 0x84..=0xD3 | 0xD8..=0xDE | 0xE0..=0xF9),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{TextRun, ansi_code_page, code_page};
    use crate::mapi::CodePage;

    fn check(page: u32, bytes: &[u8], text: &str, wants_trail: bool) {
        let mut run = TextRun::new();
        run.begin(CodePage::new(page).unwrap());
        bytes.iter().for_each(|byte| run.push(*byte));
        assert_eq!((run.decode().as_ref(), run.wants_trail()), (text, wants_trail), "{page}");
    }

    #[test]
    fn a_trail_byte_is_wanted_after_a_lead_byte_only() {
        check(1252, b"\xE9\x93", "\u{E9}\u{201C}", false);
        check(932, b"\x93\xFA", "\u{65E5}", false);
        check(932, b"\x93\xFA\x96", "\u{65E5}\u{FFFD}", true);
        check(932, b"\xB1", "\u{FF71}", false);
        check(936, b"\xC4\xE3", "\u{4F60}", false);
        check(950, b"\xA4", "\u{FFFD}", true);
        check(65001, b"\xC3\xA9", "\u{E9}", false);
    }

    #[test]
    fn charsets_have_code_pages() {
        let number = |fcharset| code_page(fcharset).map(CodePage::number);
        assert_eq!(number(0), Some(1252));
        assert_eq!(number(128), Some(932));
        assert_eq!(number(204), Some(1251));
        assert_eq!(number(254), Some(437));
        // The default, the symbol set, and a code page number that some program wrote here.
        assert_eq!([number(1), number(2), number(1252), number(-1)], [None; 4]);
    }

    #[test]
    fn rtf_is_written_in_pages_with_ascii_only() {
        let number = |number| ansi_code_page(number).map(CodePage::number);
        assert_eq!(number(65001), Some(65001));
        assert_eq!([number(1200), number(65000), number(0), number(-1)], [None; 4]);
    }
}
