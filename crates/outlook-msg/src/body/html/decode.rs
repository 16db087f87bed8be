//! Decodes the bytes of `PR_HTML`, and finds the charset that a document declares.
//!
//! Knows no reference and no layout.

use super::tokens::{HtmlToken, HtmlTokens, SourceText, Tag};
use crate::mapi::CodePage;
use crate::mapi::detect::{self, Guess};

/// A decoded HTML body, and whether its code page is a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The document.
    pub html: String,
    /// The code page in which it was read, if that is not the stated one.
    pub guess: Option<Guess>,
}

/// Decodes `PR_HTML`.
///
/// The code page is the first of these:
///
/// 1. that of a byte order mark, which is dropped;
/// 2. `internet_code_page` (`PR_INTERNET_CPID`): Outlook uses it, and ignores what the document
///    declares. It does not count if it is absent, or if it is 20127 (ASCII) or 1200 (UTF-16),
///    which Outlook also writes for other code pages;
/// 3. a charset that is declared in the first 1,024 bytes;
/// 4. UTF-8, if the bytes are valid;
/// 5. `ansi`, the code page of the message.
///
/// A stated single-byte code page is ignored if the bytes are plainly UTF-8. If the bytes are not
/// valid in the stated page, the page is guessed. NULs at the end are dropped.
pub fn decode(bytes: &[u8], internet_code_page: Option<u32>, ansi: Option<CodePage>) -> Decoded {
    let (page, guess, bytes) = match marked_page(bytes) {
        Some((page, bytes)) => (page, None, bytes),
        None => {
            let (page, guess) = page_of(bytes, internet_code_page, ansi);
            (page, guess, bytes)
        }
    };
    let mut html = page.decode(bytes).into_owned();
    html.truncate(html.trim_end_matches('\0').len());
    Decoded { html, guess }
}

fn page_of(
    bytes: &[u8],
    internet_code_page: Option<u32>,
    ansi: Option<CodePage>,
) -> (CodePage, Option<Guess>) {
    let internet = match internet_code_page {
        None | Some(US_ASCII | UTF_16LE | UTF_16BE) => None,
        Some(number) => CodePage::new(number),
    };
    let stated = internet.or_else(|| declared_page_of(bytes));
    let is_utf_8 = !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok();
    match stated {
        Some(page) if is_utf_8 && page.is_single_byte() => {
            (CodePage::UTF_8, Some(guessed(CodePage::UTF_8, stated)))
        }
        None if !is_utf_8 => other_page(bytes, stated, ansi),
        stated => match detect::page_of(bytes, stated) {
            (_, Some(_)) if !bytes.is_ascii() => other_page(bytes, stated, ansi),
            found => found,
        },
    }
}

/// The code page of a document that is not valid in the stated one: the page that the document
/// declares or that of the message, if the document is valid in it; else a guess.
fn other_page(
    bytes: &[u8],
    stated: Option<CodePage>,
    ansi: Option<CodePage>,
) -> (CodePage, Option<Guess>) {
    let mut others = declared_page_of(bytes).into_iter().chain(ansi);
    let fits = |page: &CodePage| detect::fits(*page, bytes);
    match (others.find(fits), stated) {
        // If nothing else states a page, the page of the message counts as stated, not as a guess.
        (Some(page), None) => detect::page_of(bytes, Some(page)),
        (Some(page), Some(_)) => (page, Some(guessed(page, stated))),
        (None, stated) => detect::page_of(bytes, stated.or(ansi)),
    }
}

fn guessed(page: CodePage, stated: Option<CodePage>) -> Guess {
    Guess { page, stated: stated.map(CodePage::number) }
}

const US_ASCII: u32 = 20127;
const UTF_16LE: u32 = 1200;
const UTF_16BE: u32 = 1201;
/// Where browsers look for a declaration (WHATWG HTML 4.2.5.4).
const DECLARATION_BYTES_MAX: usize = 1024;

/// The encoding that a byte order mark or the first tag shows, and the bytes without the mark.
fn marked_page(bytes: &[u8]) -> Option<(CodePage, &[u8])> {
    let utf_16 = |number| CodePage::new(number);
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Some((CodePage::UTF_8, rest)),
        [0xFF, 0xFE, rest @ ..] => utf_16(UTF_16LE).map(|page| (page, rest)),
        [0xFE, 0xFF, rest @ ..] => utf_16(UTF_16BE).map(|page| (page, rest)),
        // Only UTF-16 has a NUL beside the `<` of the first tag.
        [b'<', 0, _, 0, ..] => utf_16(UTF_16LE).map(|page| (page, bytes)),
        [0, b'<', 0, _, ..] => utf_16(UTF_16BE).map(|page| (page, bytes)),
        _ => None,
    }
}

fn declared_page_of(bytes: &[u8]) -> Option<CodePage> {
    let first = bytes.get(..DECLARATION_BYTES_MAX).unwrap_or(bytes);
    declared_page(&String::from_utf8_lossy(first))
}

/// Whether browsers find a declaration of a charset, even if this many bytes are put before it.
pub(super) fn declares_charset(html: &str, bytes_before: usize) -> bool {
    let end = html.floor_char_boundary(DECLARATION_BYTES_MAX.saturating_sub(bytes_before));
    let first = html.get(..end).unwrap_or_default();
    HtmlTokens::new(first).any(|token| declared_charset(&token).is_some())
}

fn declared_page(html: &str) -> Option<CodePage> {
    HtmlTokens::new(html).find_map(|token| {
        let page = CodePage::of_mime_charset(declared_charset(&token)?.text)?;
        // A declaration that can be read as ASCII is not UTF-16 (WHATWG HTML 13.2.3.2).
        Some(if matches!(page.number(), UTF_16LE | UTF_16BE) { CodePage::UTF_8 } else { page })
    })
}

/// The charset label that a token declares: `<meta charset>`, `<meta http-equiv>` or `<?xml ?>`.
pub(super) fn declared_charset<'a>(token: &HtmlToken<'a>) -> Option<SourceText<'a>> {
    match token {
        HtmlToken::Start(tag) if tag.is("meta") => meta_charset(tag),
        HtmlToken::Instruction(source) if source.text.starts_with("<?xml ") => {
            label_after(*source, "encoding")
        }
        _ => None,
    }
}

fn meta_charset<'a>(tag: &Tag<'a>) -> Option<SourceText<'a>> {
    if let Some(charset) = tag.attribute("charset") {
        return Some(charset.trim()).filter(|charset| !charset.text.is_empty());
    }
    let equivalent = htmlize::unescape_attribute(tag.attribute("http-equiv")?.text);
    if !equivalent.trim().eq_ignore_ascii_case("content-type") {
        return None;
    }
    label_after(tag.attribute("content")?, "charset")
}

/// The label in `charset=label`, with or without quotes and blanks.
fn label_after<'a>(source: SourceText<'a>, name: &str) -> Option<SourceText<'a>> {
    let bytes = source.text.as_bytes();
    let found =
        bytes.windows(name.len()).position(|part| part.eq_ignore_ascii_case(name.as_bytes()))?;
    let after = source.after(found + name.len()).trim();
    if !after.text.starts_with('=') {
        return None;
    }
    let value = after.after(1).trim();
    let quoted = usize::from(value.text.starts_with(['"', '\'']));
    let value = value.after(quoted);
    let end = value.text.find(['"', '\'', ';', '?', '>', ' ']);
    let label = value.first(end.unwrap_or(value.text.len())).trim();
    (!label.text.is_empty()).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::decode;
    use crate::mapi::CodePage;

    fn check(bytes: &[u8], internet_code_page: Option<u32>, expected: &str) {
        let ansi = CodePage::new(1251).unwrap();
        let html = decode(bytes, internet_code_page, Some(ansi)).html;
        assert_eq!(html, expected, "{internet_code_page:?}");
    }

    #[test]
    fn the_internet_code_page_decides() {
        check(b"\xE9", Some(1252), "\u{E9}");
        check(b"\xC3\xA9", Some(65001), "\u{E9}");
        check(b"<meta charset=utf-8>\xE9", Some(28591), "<meta charset=utf-8>\u{E9}");
        check(b"\xA4\xA4", Some(950), "\u{4E2D}");
    }

    #[test]
    fn a_mark_at_the_start_decides_more() {
        check(b"\xEF\xBB\xBF\xC3\xA9", Some(1252), "\u{E9}");
        check(b"\xFF\xFE<\0p\0", Some(1252), "<p");
        check(b"\xFE\xFF\0<\0p", None, "<p");
        check(b"<\0p\0>\0\0\0", Some(1200), "<p>");
        check(b"\0<\0p", None, "<p");
    }

    #[test]
    fn without_it_the_document_is_asked() {
        for page in [None, Some(20127), Some(1200), Some(99999)] {
            check(b"<meta charset=windows-1252>\xE9", page, "<meta charset=windows-1252>\u{E9}");
        }
        check(
            b"<META content='text/html; CHARSET = iso-8859-1' http-equiv=content-type>\xE9",
            None,
            "<META content='text/html; CHARSET = iso-8859-1' http-equiv=content-type>\u{E9}",
        );
        let xml = "<?xml version=\"1.0\" encoding=\"windows-1252\"?>";
        check(&[xml.as_bytes(), b"\xE9"].concat(), None, &format!("{xml}\u{E9}"));
        // What was read as ASCII is not UTF-16.
        check(b"<meta charset=utf-16>\xC3\xA9", None, "<meta charset=utf-16>\u{E9}");
    }

    #[test]
    fn else_it_is_utf_8_or_the_page_of_the_message() {
        check(b"\xC3\xA9", None, "\u{E9}");
        check(b"\xCF", None, "\u{41F}");
        check(b"<meta charset=nonsense>\xCF", None, "<meta charset=nonsense>\u{41F}");
        check(
            b"<meta name=x content='charset=utf-8'>\xCF",
            None,
            "<meta name=x content='charset=utf-8'>\u{41F}",
        );
        let far = [&[b' '; 1024][..], b"<meta charset=windows-1252>\xCF"].concat();
        assert!(decode(&far, None, CodePage::new(1251)).html.ends_with('\u{41F}'));
        check(b"", None, "");
        check(b"a\0\0", None, "a");
    }
}
