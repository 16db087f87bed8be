//! Paths and edits as lines of text.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Failure, Unsaved};

/// A path on one line: what is no UTF-8 is `\xNN`, a control character `\u{N}`, a backslash
/// doubled.
pub fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                _ if character.is_control() => text.extend(character.escape_default()),
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The line of a message in `.msgfs/unsaved`, its parts with tabs in between: the path
/// ([`escaped`]); since when it is unsaved (RFC 3339, UTC); `waiting` if it is about to be saved,
/// `failed` if that failed and is tried again, `conflict` if another program has changed the file;
/// and why, empty if it is waiting.
pub fn unsaved_line(unsaved: &Unsaved) -> String {
    let (state, cause) = match &unsaved.failure {
        None => ("waiting", ""),
        Some(Failure::Other(cause)) => ("failed", cause.as_str()),
        Some(Failure::Conflict(cause)) => ("conflict", cause.as_str()),
    };
    let cause = cause.replace(|c: char| c.is_control(), " ");
    format!("{}\t{}\t{state}\t{cause}\n", escaped(&unsaved.path), rfc3339(unsaved.since))
}

/// A path that was [`escaped`].
pub fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let (escape, after) = after.split_at(after.chars().next().map_or(0, char::len_utf8));
        rest = after;
        match escape {
            "n" => bytes.push(b'\n'),
            "t" => bytes.push(b'\t'),
            "r" => bytes.push(b'\r'),
            "x" => {
                let byte = rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.extend(byte);
                rest = rest.get(2..).unwrap_or_default();
            }
            "u" => {
                let code = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
                let code = code.and_then(|(hex, after)| {
                    rest = after;
                    char::from_u32(u32::from_str_radix(hex, 16).ok()?)
                });
                bytes.extend(code.map(String::from).unwrap_or_default().as_bytes());
            }
            other => bytes.extend(other.as_bytes()),
        }
    }
    bytes.extend(rest.as_bytes());
    OsString::from_vec(bytes).into()
}

/// A time as RFC 3339, in UTC and whole seconds.
pub fn rfc3339(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        // Only a clock outside the years 1 to 9999.
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_line_and_comes_back() {
        for (bytes, line) in [
            (b"sub/A b.msg".as_slice(), "sub/A b.msg"),
            (b"a\tb\nc\\d", r"a\tb\nc\\d"),
            ("é\u{85}\u{1b}".as_bytes(), r"é\u{85}\u{1b}"),
            (b"\xFF\xC3.msg", r"\xff\xc3.msg"),
        ] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            assert_eq!(escaped(&path), line);
            assert_eq!(unescaped(line), path);
        }
        // No other text makes it panic.
        for line in ["\\", r"\x", r"\xé1", r"\u{", r"\u{ffffffff}x", r"\é"] {
            unescaped(line);
        }
    }
}
