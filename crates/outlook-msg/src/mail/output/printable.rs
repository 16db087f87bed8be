//! Formats values of a message for a terminal: makes texts harmless for it, and times and sizes
//! readable for people.

use std::borrow::Cow;

use crate::mapi::FileTime;

/// A time in UTC, as `msgfs show --utc` and `message.txt` write it.
///
/// ```
/// let time = "2024-04-02T16:05:09Z".parse().expect("RFC 3339");
/// assert_eq!(outlook_msg::mail::utc_time(time), "2024-04-02 16:05:09 +00:00");
/// ```
#[must_use]
pub fn utc_time(time: FileTime) -> String {
    match jiff::Timestamp::new(time.to_unix().0, 0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string(),
        Err(_) => "after the year 9999".to_owned(),
    }
}

/// A size in a form for people, in units of 1024 bytes.
///
/// ```
/// use outlook_msg::mail::size_text;
///
/// assert_eq!(size_text(999), "999 bytes");
/// assert_eq!(size_text(1_300), "1.2 KB");
/// assert_eq!(size_text(35_000_000), "33 MB");
/// ```
#[must_use]
pub fn size_text(bytes: u64) -> String {
    let mut units = ["KB", "MB", "GB", "TB", "PB", "EB"].into_iter();
    let (mut scaled, mut rest, mut unit) = (bytes, 0, "");
    while scaled >= 1024 {
        rest = scaled % 1024;
        scaled /= 1024;
        unit = units.next().unwrap_or(unit);
    }
    match (unit, scaled) {
        ("", 1) => "1 byte".to_owned(),
        ("", _) => format!("{bytes} bytes"),
        (_, ..10) => format!("{scaled}.{} {unit}", rest * 10 / 1024),
        _ => format!("{scaled} {unit}"),
    }
}

/// Whether a character controls a terminal, or changes the direction of the text after it.
///
/// ```
/// use outlook_msg::mail::is_harmful;
///
/// assert!(is_harmful('\u{1b}') && is_harmful('\u{202e}') && !is_harmful('e'));
/// ```
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// A text on one line that is harmless for a terminal: line ends and tabs become blanks, other
/// [harmful](is_harmful) characters are escaped.
///
/// ```
/// use outlook_msg::mail::harmless;
///
/// assert_eq!(harmless("Lunch\u{1b}[2J\nat noon"), "Lunch\\u{1b}[2J at noon");
/// ```
#[must_use]
pub fn harmless(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t').then_some(' '))
}

/// Lines of text that are harmless for a terminal: line ends and tabs stay, other
/// [harmful](is_harmful) characters are escaped.
///
/// ```
/// use outlook_msg::mail::harmless_lines;
///
/// assert_eq!(harmless_lines("Lunch\u{1b}[2J\nat noon"), "Lunch\\u{1b}[2J\nat noon");
/// ```
#[must_use]
pub fn harmless_lines(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t').then_some(c))
}

fn escape(text: &str, instead: impl Fn(char) -> Option<char>) -> String {
    if !text.contains(is_harmful) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match instead(c) {
            Some(c) => escaped.push(c),
            None if is_harmful(c) => escaped.extend(c.escape_unicode()),
            None => escaped.push(c),
        }
    }
    escaped
}

/// A text without the numbers that Rust puts behind errors of the system: their words say the same.
///
/// ```
/// let text = outlook_msg::mail::without_error_numbers("a.msg: Permission denied (os error 13)");
/// assert_eq!(text, "a.msg: Permission denied");
/// ```
#[must_use]
pub fn without_error_numbers(text: &str) -> Cow<'_, str> {
    const NUMBER: &str = " (os error ";
    let Some((before, behind)) = text.split_once(NUMBER) else { return Cow::Borrowed(text) };
    let behind = behind.split_once(')').map_or("", |(_, behind)| behind);
    Cow::Owned(format!("{before}{}", without_error_numbers(behind)))
}

#[cfg(test)]
mod tests {
    use super::{harmless, harmless_lines, size_text};

    #[test]
    fn nothing_controls_the_terminal() {
        // OSC 52 sets the clipboard, OSC 8 hides where a link leads, CSI moves the cursor.
        for (text, expected) in [
            ("a\u{1b}]52;c;aGk=\u{7}b", "a\\u{1b}]52;c;aGk=\\u{7}b"),
            ("\u{1b}]8;;http://x\u{1b}\\y", "\\u{1b}]8;;http://x\\u{1b}\\y"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("exe.\u{202e}fdp", "exe.\\u{202e}fdp"),
            ("a\r\nb\tc", "a\\u{d} b c"),
        ] {
            assert_eq!(harmless(text), expected);
        }
        assert_eq!(harmless_lines("a\n\tb\u{1b}[m"), "a\n\tb\\u{1b}[m");
        assert_eq!(harmless("Čeněk \\"), "Čeněk \\");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KB"),
            (24_576, "24 KB"),
        ] {
            assert_eq!(size_text(bytes), expected);
        }
    }
}
