//! RTF bodies: tells their kind, takes out encapsulated HTML or text, and makes plain text of
//! native RTF.
//!
//! Knows nothing of the compression around it.

mod charset;
mod fonts;
mod html;
mod reader;
mod text;
mod tokens;

pub use html::to_html;
pub use text::to_text;

use tokens::{RtfToken, RtfTokens};

/// Text or HTML that was made of an RTF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeOfRtf {
    /// The text or HTML.
    pub text: String,
    /// Whether it is all of it; if not, there is more than was asked for.
    pub is_whole: bool,
}

/// A byte of RTF becomes at most so many bytes of text or HTML: a byte in a symbol font may be a
/// sign of four bytes.
pub const BYTES_PER_BYTE_MAX: usize = 4;

/// The capacity of a text that ends soon after it has `bytes_max` bytes. It need not grow for the
/// rest, for which it would be in memory twice.
fn capacity(rtf: &[u8], bytes_max: usize) -> usize {
    const REST: usize = 4 << 20;
    rtf.len().min(bytes_max.saturating_add(REST))
}

impl MadeOfRtf {
    /// NULs are left out, because a text ends at a NUL where it is stored.
    fn new(mut text: String, is_whole: bool) -> Self {
        if text.contains('\0') {
            text.retain(|character| character != '\0');
        }
        Self { text, is_whole }
    }
}

/// What an RTF body was made from (\[MS-OXRTFEX\] 2.1.1).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RtfKind {
    /// Made from HTML, which is encapsulated in it.
    FromHtml,
    /// Made from plain text, which is encapsulated in it.
    FromText,
    /// The message was written in RTF.
    Native,
    /// Not RTF but HTML: some libraries store HTML as compressed RTF.
    Html,
}

/// So many first bytes of an RTF tell its kind.
pub const KIND_BYTES: usize = 1024;

/// Tells the kind of an RTF by its first words (\[MS-OXRTFEX\] 2.2.1). Only [`KIND_BYTES`] bytes
/// count, so that the kind is the same whether or not the rest is known.
pub fn kind(rtf: &[u8]) -> RtfKind {
    match rtf.split_at_checked(KIND_BYTES) {
        Some((start, rest)) if !rest.is_empty() => kind_of_start(start),
        _ => kind_of_words(rtf),
    }
}

/// Tells the kind of an RTF by a part at its start, of which the last word may be cut. If the part
/// does not tell, it is [`RtfKind::Native`].
pub fn kind_of_start(start: &[u8]) -> RtfKind {
    let whole_words = start.iter().rposition(|byte| *byte == b'\\').and_then(|at| start.get(..at));
    kind_of_words(whole_words.unwrap_or(start))
}

fn kind_of_words(rtf: &[u8]) -> RtfKind {
    if is_html(rtf) {
        return RtfKind::Html;
    }
    RtfTokens::new(rtf)
        .take(KIND_TOKENS_MAX)
        .take_while(|token| matches!(token, RtfToken::Open | RtfToken::Word(..)))
        .find_map(|token| match token {
            RtfToken::Word(b"fromhtml", None | Some(1)) => Some(RtfKind::FromHtml),
            RtfToken::Word(b"fromtext", _) => Some(RtfKind::FromText),
            _ => None,
        })
        .unwrap_or(RtfKind::Native)
}

/// Whether bytes begin with an HTML tag, after a byte order mark and blanks. The bytes are 8-bit
/// text or UTF-16.
fn is_html(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let is_tag = |low: &u8| low.is_ascii_alphabetic() || matches!(low, b'!' | b'?');
    match bytes {
        [0xFF, 0xFE, b'<', 0, next, 0, ..] | [b'<', 0, next, 0, ..] => is_tag(next),
        [0xFE, 0xFF, 0, b'<', 0, next, ..] | [0, b'<', 0, next, ..] => is_tag(next),
        bytes => match bytes.trim_ascii_start() {
            [b'<', next, ..] => is_tag(next),
            _ => false,
        },
    }
}

/// `\fromhtml` or `\fromtext` must be among this many first tokens (\[MS-OXRTFEX\] 2.2.1).
const KIND_TOKENS_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::RtfKind::{FromHtml, FromText, Html, Native};
    use super::{RtfKind, kind};

    fn check(rtf: &str, expected: RtfKind) {
        assert_eq!(kind(rtf.as_bytes()), expected, "{rtf}");
    }

    #[test]
    fn the_kind_is_told_by_the_first_words() {
        check("{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl", FromHtml);
        check("{\\rtf1\\ansi\\fbidis\\ansicpg1252\\deff0\\fromtext{\\fonttbl", FromText);
        check("{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}", Native);
        check("{\\rtf1\\fromhtml0\\deff0", Native);
        check("", Native);
    }

    #[test]
    fn html_is_told_by_its_first_tag() {
        check("<html>", Html);
        check("\u{FEFF}\r\n <!DOCTYPE html>", Html);
        check("< 3", Native);
        let utf_16: Vec<u8> = "<html>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(kind(&utf_16), Html);
        assert_eq!(kind(&[b"\xFF\xFE", &utf_16[..]].concat()), Html);
    }

    #[test]
    fn later_words_tell_nothing() {
        check("{\\rtf1\\a\\b\\c\\d\\e\\f\\g\\fromhtml1", FromHtml);
        check("{\\rtf1\\a\\b\\c\\d\\e\\f\\g\\h\\fromhtml1", Native);
        check("{\\rtf1 text\\fromhtml1", Native);
        check("{\\rtf1\\~\\fromhtml1", Native);
    }
}
