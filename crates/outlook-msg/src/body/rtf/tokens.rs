//! The tokens of RTF (Rich Text Format Specification 1.9.1, "RTF Syntax").
//!
//! Knows the syntax, but no word of the language except `\bin`, which changes it.

/// One token; the bytes are those of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RtfToken<'a> {
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// A backslash, letters and perhaps a number. One space after it belongs to the word.
    Word(&'a [u8], Option<i32>),
    /// A backslash and a byte that is no letter.
    Symbol(u8),
    /// `\'` and two hexadecimal digits: a byte of text.
    Hex(u8),
    /// `\bin` and the bytes it announces.
    Binary,
    /// Bytes of text, never empty, at most [`TEXT_BYTES_MAX`]. Line breaks are left out, because
    /// they mean nothing in RTF.
    Text(&'a [u8]),
}

/// Splits a document into tokens.
#[derive(Clone, Debug)]
pub(super) struct RtfTokens<'a> {
    rest: &'a [u8],
}

impl<'a> RtfTokens<'a> {
    pub(super) const fn new(rtf: &'a [u8]) -> Self {
        Self { rest: rtf }
    }

    /// Skips the rest of the group that was opened last, including its closing brace.
    pub(super) fn skip_group(&mut self) {
        let mut depth = 1_usize;
        while let Some(at) = memchr::memchr3(b'{', b'}', b'\\', self.rest) {
            self.rest = self.rest.get(at..).unwrap_or_default();
            match self.next() {
                Some(RtfToken::Open) => depth += 1,
                Some(RtfToken::Close) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
        self.rest = &[];
    }

    /// Reads what follows a backslash.
    fn control(&mut self, after: &'a [u8]) -> RtfToken<'a> {
        let letters = after.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol(after);
        }
        let (word, after) = after.split_at(letters);
        let (parameter, after) = parameter(after);
        self.rest = after.strip_prefix(b" ").unwrap_or(after);
        if word != b"bin" {
            return RtfToken::Word(word, parameter);
        }
        let length = usize::try_from(parameter.unwrap_or(0)).unwrap_or(0);
        self.rest = self.rest.get(length..).unwrap_or_default();
        RtfToken::Binary
    }

    fn symbol(&mut self, after: &'a [u8]) -> RtfToken<'a> {
        let Some((symbol, after)) = after.split_first() else {
            self.rest = &[];
            return RtfToken::Symbol(b'\\');
        };
        self.rest = after;
        if *symbol == b'\''
            && let Some((digits, after)) = after.split_first_chunk::<2>()
            && let [Some(high), Some(low)] = digits.map(|digit| char::from(digit).to_digit(16))
            && let Ok(byte) = u8::try_from(high << 4 | low)
        {
            self.rest = after;
            return RtfToken::Hex(byte);
        }
        RtfToken::Symbol(*symbol)
    }
}

impl<'a> Iterator for RtfTokens<'a> {
    type Item = RtfToken<'a>;

    #[inline]
    fn next(&mut self) -> Option<RtfToken<'a>> {
        loop {
            let (first, after) = self.rest.split_first()?;
            match first {
                b'\r' | b'\n' => self.rest = after,
                b'{' => {
                    self.rest = after;
                    return Some(RtfToken::Open);
                }
                b'}' => {
                    self.rest = after;
                    return Some(RtfToken::Close);
                }
                b'\\' => return Some(self.control(after)),
                _ => {
                    let (text, rest) = self.rest.split_at(text_len(self.rest));
                    self.rest = rest;
                    return Some(RtfToken::Text(text));
                }
            }
        }
    }
}

/// A longer text is several tokens, so that who reads them can stop within it.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// How many bytes of text a document begins with, or [`TEXT_BYTES_MAX`] if there are more.
fn text_len(rtf: &[u8]) -> usize {
    let mut len = 0;
    for piece in rtf.get(..TEXT_BYTES_MAX).unwrap_or(rtf).chunks(PIECE_BYTES) {
        let end = memchr::memchr3(b'\\', b'{', b'}', piece).unwrap_or(piece.len());
        let line = piece.get(..end).unwrap_or_default();
        let end = memchr::memchr2(b'\r', b'\n', line).unwrap_or(end);
        len += end;
        if end < piece.len() {
            break;
        }
    }
    len
}

/// The end of a text is looked for in pieces of this length: in a document of short lines, a search
/// for the next brace must not go through the whole rest for each line.
const PIECE_BYTES: usize = 256;

/// Reads the number of a control word. A number that does not fit into 32 bits becomes the nearest
/// one that does.
fn parameter(after: &[u8]) -> (Option<i32>, &[u8]) {
    let (negative, digits) = match after.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, after),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (None, after);
    }
    let (digits, after) = digits.split_at(count);
    let magnitude = digits.iter().fold(0_i32, |value, digit| {
        value.saturating_mul(10).saturating_add(i32::from(digit - b'0'))
    });
    (Some(if negative { -magnitude } else { magnitude }), after)
}

#[cfg(test)]
mod tests {
    use super::{RtfToken, RtfTokens};

    fn check(rtf: &str, expected: &[RtfToken<'_>]) {
        assert_eq!(RtfTokens::new(rtf.as_bytes()).collect::<Vec<_>>(), expected, "{rtf}");
    }

    #[test]
    fn words_take_a_number_and_one_space() {
        check(
            "\\b \\f12  x\\li-720y",
            &[
                RtfToken::Word(b"b", None),
                RtfToken::Word(b"f", Some(12)),
                RtfToken::Text(b" x"),
                RtfToken::Word(b"li", Some(-720)),
                RtfToken::Text(b"y"),
            ],
        );
        check("\\a-", &[RtfToken::Word(b"a", None), RtfToken::Text(b"-")]);
        check("\\uc99999999999", &[RtfToken::Word(b"uc", Some(i32::MAX))]);
        check("\\u-99999999999", &[RtfToken::Word(b"u", Some(-i32::MAX))]);
    }

    #[test]
    fn symbols_and_bytes() {
        check(
            "\\{\\\\\\~\\*\\'e9\\'zz",
            &[
                RtfToken::Symbol(b'{'),
                RtfToken::Symbol(b'\\'),
                RtfToken::Symbol(b'~'),
                RtfToken::Symbol(b'*'),
                RtfToken::Hex(0xE9),
                RtfToken::Symbol(b'\''),
                RtfToken::Text(b"zz"),
            ],
        );
        check("\\'e", &[RtfToken::Symbol(b'\''), RtfToken::Text(b"e")]);
        check("\\", &[RtfToken::Symbol(b'\\')]);
    }

    #[test]
    fn line_breaks_are_no_text() {
        check(
            "{a\r\nb}\n",
            &[RtfToken::Open, RtfToken::Text(b"a"), RtfToken::Text(b"b"), RtfToken::Close],
        );
        check("", &[]);
    }

    #[test]
    fn a_text_ends_at_any_place() {
        for len in [1, 15, 16, 255, 256, 257, 511, 512, 513, 2_000] {
            let text = "x".repeat(len);
            check(&text, &[RtfToken::Text(text.as_bytes())]);
            for end in ["\r", "\n", "{", "}", "\\"] {
                let rtf = format!("{text}{end}y");
                assert_eq!(
                    RtfTokens::new(rtf.as_bytes()).next(),
                    Some(RtfToken::Text(text.as_bytes()))
                );
            }
        }
    }

    /// A search for the next brace must not go through the rest of the document for each line. If it
    /// did, this would take hours.
    #[test]
    fn short_lines_take_linear_time() {
        let rtf = "a\n".repeat(4_000_000);
        assert_eq!(RtfTokens::new(rtf.as_bytes()).count(), 4_000_000);
    }

    #[test]
    fn binary_hides_its_bytes() {
        check("\\bin3 {{{}", &[RtfToken::Binary, RtfToken::Close]);
        check("\\bin {", &[RtfToken::Binary, RtfToken::Open]);
        check("\\bin-5 {", &[RtfToken::Binary, RtfToken::Open]);
        check("\\bin99999999999 {}", &[RtfToken::Binary]);
    }

    #[test]
    fn a_group_is_skipped_with_all_in_it() {
        let mut tokens = RtfTokens::new(b"a{b\\}\\bin2 }}c{d}}e}f");
        tokens.skip_group();
        assert_eq!(tokens.collect::<Vec<_>>(), [RtfToken::Text(b"f")]);
        let mut tokens = RtfTokens::new(b"a{b}");
        tokens.skip_group();
        assert_eq!(tokens.next(), None);
    }
}
