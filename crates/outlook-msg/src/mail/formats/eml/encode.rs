//! The encodings of mail: encoded words (RFC 2047), parameters (RFC 2231), folding (RFC 5322
//! section 2.2.3) and quoted-printable (RFC 2045 section 6.7).
//!
//! Knows no header field and no property. No output contains CR, LF or NUL, except for the line
//! ends that this module writes.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::mail::values::base64;
use crate::mail::values::text::lines_of;

/// The longest encoded word, in characters (RFC 2047 section 2).
const WORD_MAX: usize = 75;
/// A header line with more characters is folded (RFC 5322 section 2.1.1).
const LINE_FOLDED: usize = 78;
/// A longer run of characters without a blank is broken up, so that no line has more than 998
/// characters.
const RUN_MAX: usize = 900;
/// A text that contains a longer word is encoded.
const PLAIN_WORD_MAX: usize = 76;
/// The name of an address field takes at most this many characters at the start of its line.
const FIELD_NAME_MAX: usize = 30;
/// The most characters in a line of quoted-printable, without a `=` at its end.
const QUOTED_LINE_MAX: usize = 75;
/// A text is written in blocks of about so many bytes.
const QUOTED_BLOCK: usize = 4096;
/// How many characters of the value of a parameter go into one section.
const SECTION_MAX: usize = 60;

/// A text without CR, LF and NUL, so that it cannot end a header field. A line end becomes a blank.
pub(super) fn single_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\r' | '\n' => line.push(' '),
            '\0' => {}
            c => line.push(c),
        }
    }
    line
}

/// The value of a field of free text: unchanged if possible, else as encoded words that decode to
/// exactly this text.
pub(super) fn free_text(name: &str, text: &str) -> String {
    let text = single_line(text);
    if is_plain(&text) { text } else { encoded_words(&text, name.len() + 2) }
}

/// Whether a text can stand in a header unencoded, folded or not.
fn is_plain(text: &str) -> bool {
    !text.contains("=?")
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && (text.is_empty()
            || text.split(' ').all(|word| (1..=PLAIN_WORD_MAX).contains(&word.len())))
}

/// A name before an address (RFC 5322 `phrase`): atoms, a quoted string or encoded words.
pub(super) fn phrase(text: &str) -> String {
    let text = single_line(text);
    let text = text.trim();
    if !is_plain(text) {
        return encoded_words(text, FIELD_NAME_MAX);
    }
    let is_atom =
        |byte: u8| byte.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&byte);
    if text.bytes().all(is_atom) { text.to_owned() } else { quoted(text) }
}

/// A quoted string (RFC 5322 section 3.2.4).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as encoded words. No character is split between two words. The first word leaves room for
/// `indent` characters before it on its line.
pub(super) fn encoded_words(text: &str, indent: usize) -> String {
    // The Q encoding is readable for people. It is hardly longer than B if half of the bytes stand
    // for themselves.
    let literal = text.bytes().filter(|byte| is_q_literal(*byte)).count();
    let is_q = literal * 2 >= text.len();
    // `=?utf-8?Q?` and `?=` take 12 characters.
    let room = |indent: usize| WORD_MAX.saturating_sub(12 + indent).max(12);
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut used, mut free) = (0, room(indent));
    for c in text.chars() {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).bytes();
        let cost: usize = match is_q {
            true => bytes.map(|byte| if is_q_literal(byte) { 1 } else { 3 }).sum(),
            false => bytes.len(),
        };
        let limit = if is_q { free } else { free / 4 * 3 };
        if used + cost > limit && !word.is_empty() {
            words.push(encoded_word(&word, is_q));
            word.clear();
            (used, free) = (0, room(0));
        }
        word.push(c);
        used += cost;
    }
    if !word.is_empty() {
        words.push(encoded_word(&word, is_q));
    }
    words.join(" ")
}

fn encoded_word(text: &str, is_q: bool) -> String {
    if !is_q {
        return format!("=?utf-8?B?{}?=", base64::encode(text));
    }
    let mut word = "=?utf-8?Q?".to_owned();
    for byte in text.bytes() {
        match byte {
            b' ' => word.push('_'),
            literal if is_q_literal(literal) => word.push(char::from(literal)),
            // Writing to a String cannot fail.
            other => drop(write!(word, "={other:02X}")),
        }
    }
    word + "?="
}

/// Whether a byte stands for itself in the Q encoding, in any kind of field (RFC 2047 section 5
/// (3)).
fn is_q_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" !*+-/".contains(&byte)
}

/// A header field with its line ends. It is folded at blanks, and also inside a run that is too
/// long for a line.
pub(super) fn fold(name: &str, value: &str) -> String {
    let mut field = format!("{name}:");
    let mut column = field.len();
    for (index, word) in value.split(' ').enumerate() {
        if index > 0 && !word.is_empty() && column + 1 + word.len() > LINE_FOLDED {
            field.push_str("\r\n ");
            column = 1;
        } else {
            field.push(' ');
            column += 1;
        }
        let mut rest = word;
        while column + rest.len() > RUN_MAX + LINE_FOLDED {
            let (run, behind) = rest.split_at(rest.floor_char_boundary(RUN_MAX));
            field.push_str(run);
            field.push_str("\r\n ");
            (rest, column) = (behind, 1);
        }
        field.push_str(rest);
        column += rest.len();
    }
    field + "\r\n"
}

/// A parameter of a field; each returned item is one line. It is a quoted string if it is ASCII,
/// else in the form of RFC 2231, and in sections if it is long.
pub(super) fn parameter(name: &str, value: &str) -> Vec<String> {
    let value = single_line(value);
    let is_quotable =
        !value.contains("=?") && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_quotable && value.len() <= SECTION_MAX {
        return vec![format!("{name}={}", quoted(&value))];
    }
    let mut sections = vec![String::new()];
    for c in value.chars() {
        let escaped = if is_quotable { c.to_string() } else { percent_encoded(c) };
        match sections.last_mut() {
            Some(section) if section.len() + escaped.len() <= SECTION_MAX => {
                section.push_str(&escaped);
            }
            _ => sections.push(escaped),
        }
    }
    let is_one = sections.len() == 1;
    let numbered = sections.iter().enumerate().map(|(number, section)| {
        let number = if is_one { String::new() } else { format!("*{number}") };
        match (is_quotable, number.as_str()) {
            (true, number) => format!("{name}{number}={}", quoted(section)),
            (false, "" | "*0") => format!("{name}{number}*=utf-8''{section}"),
            (false, number) => format!("{name}{number}*={section}"),
        }
    });
    numbered.collect()
}

/// The bytes of a character in UTF-8, escaped where needed (RFC 2231, RFC 3986).
pub(super) fn percent_encoded(c: char) -> String {
    let mut bytes = [0; 4];
    let mut escaped = String::new();
    for byte in c.encode_utf8(&mut bytes).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The transfer encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextEncoding {
    QuotedPrintable,
    Base64,
}

impl TextEncoding {
    /// Quoted-printable, in which people can read most of the text, unless base64 is shorter.
    pub(super) fn of(text: &str) -> Self {
        let len: usize = lines_of(text).map(|line| line.len() + 2).sum();
        // The last line has no end.
        let mut room = Room(base64::lines_len(len.saturating_sub(2) as u64));
        match quoted_printable(text, &mut room) {
            Ok(()) => Self::QuotedPrintable,
            Err(_) => Self::Base64,
        }
    }
}

/// Takes at most so many bytes, and drops them.
struct Room(u64);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.0.checked_sub(bytes.len() as u64);
        self.0 = left.ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a text in quoted-printable with CRLF line ends.
///
/// # Errors
/// Those of `out`.
pub(super) fn quoted_printable(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut output = Vec::with_capacity(QUOTED_BLOCK + QUOTED_LINE_MAX);
    for (index, line) in lines_of(text).enumerate() {
        if index > 0 {
            output.extend(b"\r\n");
        }
        let mut column = 0;
        let mut rest = line.as_bytes();
        while let Some((byte, behind)) = rest.split_first() {
            let literal = literal_run(rest, column);
            let width = if literal > 0 { 1 } else { 3 };
            if column + width > QUOTED_LINE_MAX {
                // The next line begins here. At its start a byte may have to be escaped that stands
                // for itself elsewhere.
                output.extend(b"=\r\n");
                column = 0;
            } else if literal > 0 {
                let (run, behind) = rest.split_at(literal.min(QUOTED_LINE_MAX - column));
                output.extend(run);
                column += run.len();
                rest = behind;
            } else {
                output.extend([b'=', hex_digit(byte >> 4), hex_digit(byte & 0xF)]);
                column += 3;
                rest = behind;
            }
            write_block(&mut output, out)?;
        }
        write_block(&mut output, out)?;
    }
    out.write_all(&output)
}

/// Writes what has been made so far if it fills a block.
fn write_block(output: &mut Vec<u8>, out: &mut dyn Write) -> io::Result<()> {
    if output.len() >= QUOTED_BLOCK {
        out.write_all(output)?;
        output.clear();
    }
    Ok(())
}

fn hex_digit(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' + (digit - 10) }
}

/// How many bytes stand for themselves in quoted-printable from a place in a line on, as far as they
/// can fit into one line. Some bytes must be escaped because transport would change them (RFC 2049
/// section 3): a blank at the end of a line, `From ` at the start (mailbox files), and a dot alone
/// on a line (SMTP).
fn literal_run(rest: &[u8], column: usize) -> usize {
    const CHUNK: usize = 16;
    if column == 0 && (rest.starts_with(b".") || rest.starts_with(b"From ")) {
        return 0;
    }
    let fitting = rest.get(..QUOTED_LINE_MAX).unwrap_or(rest);
    // The compiler looks at the bytes of a chunk at once.
    let are_literal = |chunk: &&[u8]| chunk.iter().fold(true, |all, byte| all & is_literal(*byte));
    let whole = fitting.chunks_exact(CHUNK).take_while(are_literal).count() * CHUNK;
    let behind = fitting.get(whole..).unwrap_or_default();
    match behind.iter().position(|byte| !is_literal(*byte)) {
        Some(end) => whole + end,
        None if fitting.len() == rest.len() && matches!(rest.last(), Some(b' ' | b'\t')) => {
            rest.len() - 1
        }
        None => fitting.len(),
    }
}

/// Whether a byte stands for itself in the middle of a line.
fn is_literal(byte: u8) -> bool {
    (byte == b'\t') | ((b' '..=b'~').contains(&byte) & (byte != b'='))
}

#[cfg(test)]
mod tests {
    use super::{TextEncoding, fold, free_text, parameter, phrase, quoted_printable};

    #[test]
    fn free_texts_are_plain_where_they_can_be() {
        let check = |text, expected| assert_eq!(free_text("Subject", text), expected, "{text:?}");
        check("Re: a (b) <c>", "Re: a (b) <c>");
        check("", "");
        check("a  b", "=?utf-8?Q?a__b?=");
        check(" a", "=?utf-8?Q?_a?=");
        check("=?utf-8?Q?a?=", "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=");
        check("K\u{E4}se", "=?utf-8?Q?K=C3=A4se?=");
        check("\u{65E5}\u{672C}\u{8A9E}", "=?utf-8?B?5pel5pys6Kqe?=");
        check("a\r\nb\0", "a b");
        check("a\tb", "=?utf-8?Q?a=09b?=");
    }

    #[test]
    fn encoded_words_keep_their_limit_and_their_characters() {
        for text in ["\u{1F600}", "\u{E4}a", "a\u{65E5}", "=?"].map(|text| text.repeat(100)) {
            let encoded = free_text("Subject", &text);
            let mut words = encoded.split(' ');
            assert!(
                words.clone().all(|word| word.len() <= 75 && word.ends_with("?=")),
                "{encoded}"
            );
            assert!(words.next().is_some_and(|word| word.len() + "Subject: ".len() <= 75));
            let parsed = format!("Subject: {encoded}\r\n\r\n");
            let parsed = mail_parser::MessageParser::new().parse(parsed.as_bytes()).unwrap();
            assert_eq!(parsed.subject(), Some(text.as_str()));
        }
    }

    #[test]
    fn phrases_are_atoms_quoted_or_encoded() {
        let check = |text, expected| assert_eq!(phrase(text), expected, "{text:?}");
        check("Ann Lee", "Ann Lee");
        check("A. Lee", "\"A. Lee\"");
        check("a\"b\\", "\"a\\\"b\\\\\"");
        check(" ", "");
        check("(\u{E4})", "=?utf-8?B?KMOkKQ==?=");
    }

    #[test]
    fn fields_are_folded_at_blanks() {
        let check = |value: &str, expected: &str| assert_eq!(fold("X", value), expected);
        check("a  b", "X: a  b\r\n");
        let (a, b) = ("a".repeat(70), "b".repeat(70));
        check(&format!("{a} {b}"), &format!("X: {a}\r\n {b}\r\n"));
        check(&format!("{a}  {b}"), &format!("X: {a} \r\n {b}\r\n"));
        check(&a.repeat(2), &format!("X: {a}{a}\r\n"));
        let lines = fold("X", &a.repeat(100));
        assert!(lines.split("\r\n").all(|line| line.len() <= 998), "{lines}");
    }

    #[test]
    fn parameters_of_rfc_2231() {
        let check = |value, expected: &[&str]| assert_eq!(parameter("name", value), expected);
        check("a b.txt", &["name=\"a b.txt\""]);
        check("a\"b\r\n", &["name=\"a\\\"b \""]);
        check("\u{E4}\u{20AC}.txt", &["name*=utf-8''%C3%A4%E2%82%AC.txt"]);
        let (long, wide) = ("a".repeat(70), "\u{E4}".repeat(15));
        check(&long, &[&format!("name*0=\"{}\"", "a".repeat(60)), "name*1=\"aaaaaaaaaa\""]);
        let first = format!("name*0*=utf-8''{}", "%C3%A4".repeat(10));
        check(&wide, &[&first, &format!("name*1*={}", "%C3%A4".repeat(5))]);
    }

    #[test]
    fn quoted_printable_of_rfc_2045() {
        let check = |text: &str, expected: Option<&str>| {
            let expected = expected.map(str::to_owned);
            let mut found = Vec::new();
            quoted_printable(text, &mut found).unwrap();
            let is_short = TextEncoding::of(text) == TextEncoding::QuotedPrintable;
            let found = is_short.then(|| String::from_utf8(found).unwrap());
            assert_eq!(found, expected, "{text:?}");
        };
        check("", Some(""));
        check("a = \u{E4}, that is all", Some("a =3D =C3=A4, that is all"));
        check("a \r\nb\t\r\n", Some("a=20\r\nb=09\r\n"));
        check("From me\r\nFar\r\n.\r\na.", Some("=46rom me\r\nFar\r\n=2E\r\na."));
        let line = "a".repeat(75);
        check(&line, Some(&line));
        check(&format!("{line}b"), Some(&format!("{line}=\r\nb")));
        check(&format!("{line}.b"), Some(&format!("{line}=\r\n=2Eb")));
        check("\u{65E5}\u{672C}", None);
        // 57 bytes are one line of 76 characters in base64, which has no line end.
        check(&format!("{}\r\n{}", "a".repeat(45), "=".repeat(10)), None);
    }
}
