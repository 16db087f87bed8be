//! Paths and edits as lines of text.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::SystemTime;

use super::Unsaved;

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

/// The line of a message in `.msgfs/unsaved`: its path ([`escaped`]), since when it is unsaved
/// (RFC 3339, UTC), and why the last save failed, empty if none did; with tabs in between.
pub fn unsaved_line(unsaved: &Unsaved) -> String {
    let error = unsaved.error.as_deref().unwrap_or_default();
    let error = error.replace(|c: char| c.is_control(), " ");
    format!("{}\t{}\t{error}\n", escaped(&unsaved.path), rfc3339(unsaved.since))
}

/// A time as RFC 3339, in UTC and whole seconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        // Only a clock outside the years 1 to 9999.
        Err(_) => "unknown".to_owned(),
    }
}
