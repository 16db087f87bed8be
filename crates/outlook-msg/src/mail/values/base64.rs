//! Base64 (RFC 4648 section 4), on one line or in the lines of MIME (RFC 2045 section 6.8).

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

/// A line holds this many bytes.
pub(in crate::mail) const LINE_BYTES: usize = 57;
/// A full line has this many characters, without its line end.
pub(in crate::mail) const LINE_CHARACTERS: usize = LINE_BYTES / 3 * 4;

/// Bytes as base64 without line ends.
pub(in crate::mail) fn encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Bytes as lines of base64, with `line_end` behind each line and also behind the last one.
pub(in crate::mail) fn encode_lines(bytes: &[u8], line_end: &str) -> String {
    let line_len = LINE_CHARACTERS + line_end.len();
    let mut lines = String::with_capacity(bytes.len().div_ceil(LINE_BYTES) * line_len);
    for line in bytes.chunks(LINE_BYTES) {
        STANDARD.encode_string(line, &mut lines);
        lines.push_str(line_end);
    }
    lines
}

/// The length of so many bytes in the lines of MIME. The last line has no line end.
pub(in crate::mail) fn lines_len(len: u64) -> u64 {
    let line_ends = len.div_ceil(LINE_BYTES as u64).saturating_sub(1);
    len.div_ceil(3).saturating_mul(4).saturating_add(line_ends.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::{encode, encode_lines, lines_len};

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes), expected);
        }
        assert_eq!(encode([0xFB, 0xFF, 0xBF]), "+/+/");
    }

    #[test]
    fn lines_have_76_characters() {
        let full = "AAAA".repeat(19);
        assert_eq!(encode_lines(&[], "\r\n"), "");
        assert_eq!(encode_lines(&[0; 57], "\r\n"), format!("{full}\r\n"));
        assert_eq!(encode_lines(&[0; 58], "\r\n"), format!("{full}\r\nAA==\r\n"));
    }

    #[test]
    fn lengths_are_known_without_encoding() {
        for len in (0..200).chain([1_000, 5_700, 5_701]) {
            let lines = encode_lines(&vec![0xA5; len], "\r\n");
            let lines = lines.strip_suffix("\r\n").unwrap_or(&lines);
            assert_eq!(lines_len(len as u64), lines.len() as u64, "{len}");
        }
    }
}
