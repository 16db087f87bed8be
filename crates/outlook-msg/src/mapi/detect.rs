//! Decides whether 8-bit text is in the code page that is stated for it, and if not, guesses one.
//!
//! The crate chardetng, the detector of Firefox, makes the guess. If the text is valid in the
//! stated page, nothing is guessed, because then the stated page is right more often than a guess.

use std::fmt;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::DecoderResult;
use memchr::memchr;

use super::CodePage;
use super::korean::ISO_2022_KR_DESIGNATOR;

const ISO_2022_JP: u32 = 50220;
const ISO_2022_KR: u32 = 50225;
const ESCAPE: u8 = 0x1B;
/// A guess looks at no more than this many bytes: more text makes it slower, but no better.
const GUESSED_FROM_BYTES_MAX: usize = 256 << 10;

/// A guessed code page, and the stated one in which the text is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The page in which the text is read.
    pub page: CodePage,
    /// The page that the file states.
    pub stated: Option<u32>,
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read in code page {}, a guess: ", self.page.number())?;
        match self.stated {
            Some(stated) => write!(f, "it does not fit the stated page {stated}"),
            None => f.write_str("no page is stated"),
        }
    }
}

/// The code page in which to read a text: the stated one if the text fits it, or if most of the
/// text can be read in it; else a guess.
pub fn page_of(bytes: &[u8], stated: Option<CodePage>) -> (CodePage, Option<Guess>) {
    let guessed = |page| (page, Some(Guess { page, stated: stated.map(CodePage::number) }));
    let default = stated.unwrap_or(CodePage::WINDOWS_1252);
    if bytes.is_ascii() && default.has_ascii() {
        return escaped_page(bytes).map_or((default, None), guessed);
    }
    match stated {
        Some(page) if fits(page, bytes) || !is_mostly_unreadable(page, bytes) => (page, None),
        None if std::str::from_utf8(bytes).is_ok() => (CodePage::UTF_8, None),
        _ => guess(std::iter::once(bytes)).map_or((default, None), guessed),
    }
}

/// The code page of a text with the escape sequences of ISO-2022. Only they tell the page: the
/// bytes are all ASCII, so the text would fit any other page too.
fn escaped_page(bytes: &[u8]) -> Option<CodePage> {
    let first = memchr(ESCAPE, bytes)?;
    let escape = bytes.get(first..)?;
    let number = if escape.starts_with(ISO_2022_KR_DESIGNATOR) {
        ISO_2022_KR
    } else if escape.starts_with(b"\x1B$") || escape.starts_with(b"\x1B(I") {
        ISO_2022_JP
    } else {
        return None;
    };
    CodePage::new(number).filter(|page| bytes.is_ascii() && fits(*page, bytes))
}

/// Whether bytes can be text in a code page: they are valid, and decode to no C1 control character,
/// which stands where a single-byte page has no character. A last character that is cut off is
/// ignored, because some programs cut a text at a number of bytes.
pub fn fits(page: CodePage, bytes: &[u8]) -> bool {
    if page == CodePage::UTF_8 {
        return match std::str::from_utf8(bytes) {
            Ok(_) => true,
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                error.error_len().is_none() && !before.is_ascii()
            }
        };
    }
    if bytes.is_ascii() && page.has_ascii() {
        return true;
    }
    let Some(encoding) = page.standard() else { return page.is_valid(bytes) };
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let Some(capacity) = decoder.max_utf8_buffer_length_without_replacement(bytes.len()) else {
        return false;
    };
    let mut text = String::with_capacity(capacity);
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, false);
    // If the only character that is not ASCII is the one that was cut off, nothing proves the page.
    let speaks = !text.is_ascii() || bytes.is_ascii();
    result == DecoderResult::InputEmpty && speaks && !text.chars().any(is_c1)
}

/// Whether more than a third of the non-ASCII characters cannot be read in a code page. Then the
/// page is wrong; fewer would be damage.
pub fn is_mostly_unreadable(page: CodePage, bytes: &[u8]) -> bool {
    let text = page.decode(bytes);
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    let lost = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || is_c1(*c)).count();
    lost * 3 > others
}

/// Guesses the code page of texts that one program wrote; `None` if the texts do not all fit the
/// guess.
pub fn guess<'a>(texts: impl Iterator<Item = &'a [u8]> + Clone) -> Option<CodePage> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let mut left = GUESSED_FROM_BYTES_MAX;
    for text in texts.clone() {
        let part = text.get(..left).unwrap_or(text);
        detector.feed(part, false);
        left -= part.len();
        if left == 0 {
            break;
        }
        // A line end between the texts keeps the detector from taking the last byte of one and the
        // first byte of the next for one character.
        detector.feed(b"\n", false);
    }
    let encoding = detector.guess(None, Utf8Detection::Allow);
    let page = CodePage::of_encoding(encoding)?;
    let mut texts = texts;
    texts.all(|text| fits(page, text)).then_some(page)
}

fn is_c1(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9F}')
}

#[cfg(test)]
mod tests {
    use super::{fits, guess, is_mostly_unreadable, page_of};
    use crate::mapi::CodePage;

    fn page(number: u32) -> CodePage {
        CodePage::new(number).unwrap()
    }

    /// Checks that the page of these texts is found, although nothing states it.
    #[track_caller]
    fn check(number: u32, texts: &[&str]) {
        let bytes: Vec<_> = texts.iter().map(|text| page(number).encode(text).unwrap()).collect();
        let found = guess(bytes.iter().map(Vec::as_slice)).map(CodePage::number);
        assert_eq!(found, Some(number), "{texts:?}");
    }

    #[test]
    fn pages_are_guessed() {
        check(936, &["关于合同的问题", "您好,请看附件。", "销售合同.pdf"]);
        check(950, &["會議通知", "請查收附件,謝謝。"]);
        check(932, &["件名テスト", "お世話になっております。"]);
        check(949, &["회의 안내", "첨부 파일을 확인해 주세요."]);
        check(1251, &["Привет", "Завтра в десять часов"]);
        check(1250, &["Žluťoučký kůň pěl ďábelské ódy"]);
        check(1252, &["Übung für Größe und Maß"]);
        check(1253, &["Καλημέρα σας, η συνάντηση"]);
        check(1255, &["שלום לכולם, הפגישה מחר"]);
        check(874, &["ยินดีต้อนรับ การประชุม"]);
        check(65001, &["Übung"]);
    }

    #[test]
    fn a_page_fits_up_to_a_character_that_is_cut_off() {
        for (number, bytes, expected) in [
            (65001, &b"a\xC3\xA9\xC3"[..], true),
            (65001, b"caf\xE9", false),
            (65001, b"\xC3\xA9 \xE9 b", false),
            (932, b"\x93\xFA\x96", true),
            (932, b"abc\x96", false),
            (936, b"\xC4\xE3\xFF", false),
            (1252, b"\x80\xE9", true),
            (1252, b"\x81\xE9", false),
            (1253, b"\xAA", false),
            (1361, b"\xD0\x65", true),
            (50220, b"\x1B$BF|\x1B(B", true),
        ] {
            assert_eq!(fits(page(number), bytes), expected, "{number} {bytes:X?}");
        }
    }

    #[test]
    fn damage_is_no_wrong_page() {
        assert!(!is_mostly_unreadable(
            CodePage::UTF_8,
            "Grüße aus \u{FFFD}Köln, schöne".as_bytes()
        ));
        assert!(is_mostly_unreadable(CodePage::UTF_8, b"\xC4\xE3\xBA\xC3"));
        let damaged = "Grüße aus Köln, schöne \u{1F600}".as_bytes();
        let damaged = &[damaged, b"\xFF!"].concat();
        assert_eq!(page_of(damaged, Some(CodePage::UTF_8)), (CodePage::UTF_8, None));
    }

    #[test]
    fn escape_sequences_tell_the_page() {
        let check = |bytes: &[u8], expected: u32, guessed: bool| {
            let (found, guess) = page_of(bytes, CodePage::new(1252));
            assert_eq!((found.number(), guess.is_some()), (expected, guessed), "{bytes:X?}");
        };
        check(b"a \x1B$BF|\x1B(B", 50220, true);
        check(b"\x1B$)C\x0EGQ19\x0F", 50225, true);
        check(b"\x1B[1m coloured \x1B[0m", 1252, false);
        check(b"\x1B$ money", 1252, false);
        check(b"plain", 1252, false);
    }
}
