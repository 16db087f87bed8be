//! Writes property values as text. How each type is written is decided here only.

use memchr::memchr2;

use crate::mapi::{Value, hexadecimal};

/// The content of the file of a property under `mapi/`. For a string it is exactly the string, for
/// a binary value its bytes, for any other value a line. A multi-valued property has one line for
/// each value; line ends in a value are written as `\n` and `\r`.
pub fn render(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Binary(bytes) => bytes.clone(),
        Value::Multiple(values) => {
            let mut text = String::new();
            for value in values {
                text.push_str(&line(value));
                text.push('\n');
            }
            text.into_bytes()
        }
        scalar => (line(scalar) + "\n").into_bytes(),
    }
}

/// A value as one line, without a line end.
pub fn line(value: &Value) -> String {
    match value {
        Value::Binary(bytes) => hexadecimal(bytes),
        value => escaped(&value.to_text().unwrap_or_default()),
    }
}

/// A text whose line ends are written as `\n` and `\r`.
pub fn escaped(text: &str) -> String {
    text.replace('\r', "\\r").replace('\n', "\\n")
}

/// The content of a file outside of `mapi/`: the text with LF line ends, and a newline at its end.
pub fn text_line(text: &str) -> Vec<u8> {
    let mut text = unix_lines(text);
    text.push('\n');
    text.into_bytes()
}

/// Turns CRLF, and CR alone, into LF.
pub fn unix_lines(text: &str) -> String {
    unix_lines_of(text.to_owned())
}

/// As [`unix_lines`], but does not copy the text if there is nothing to change.
pub fn unix_lines_of(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let mut lines = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((line, behind)) = rest.split_once('\r') {
        lines.push_str(line);
        lines.push('\n');
        rest = behind.strip_prefix('\n').unwrap_or(behind);
    }
    lines.push_str(rest);
    lines
}

/// The lines of a text, without their ends: CRLF, CR or LF. After the last end comes a line too, which
/// may be empty.
pub fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = memchr2(b'\r', b'\n', text.as_bytes()) else { return rest.take() };
        let (line, end) = text.split_at(at);
        rest = end.strip_prefix("\r\n").or_else(|| end.get(1..));
        Some(line)
    })
}

/// Turns every line end into CRLF, which mail and the strings of messages have.
pub fn crlf_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    for (index, line) in lines_of(text).enumerate() {
        lines.push_str(if index == 0 { "" } else { "\r\n" });
        lines.push_str(line);
    }
    lines
}

/// Removes the backslashes of a quoted string (RFC 5322 section 3.2.4) that is given without its
/// quotes. A backslash makes the next character stand for itself.
pub fn without_backslashes(quoted: &str) -> String {
    let mut plain = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// A text on one line: line ends and other control characters become blanks.
pub fn one_line(text: &str) -> String {
    match text.contains(char::is_control) {
        true => text.replace(char::is_control, " "),
        false => text.to_owned(),
    }
}

/// A number of minutes in words, in the largest unit of which they are a whole number.
pub fn duration_text(minutes: u32) -> String {
    let units = [("week", 7 * 24 * 60), ("day", 24 * 60), ("hour", 60), ("minute", 1)];
    let fits = |(_, unit): &&(&str, u32)| minutes >= *unit && minutes.is_multiple_of(*unit);
    let (name, unit) = units.iter().find(fits).unwrap_or(&("minute", 1));
    match minutes / unit {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        crlf_lines, duration_text, one_line, render, text_line, unix_lines, without_backslashes,
    };
    use crate::mapi::{FileTime, Guid, Value};

    fn check(value: &Value, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&render(value)), expected, "{value:?}");
    }

    #[test]
    fn every_type_has_its_text() {
        check(&Value::Null, "\n");
        check(&Value::Integer16(-3), "-3\n");
        check(&Value::Integer32(i32::MIN), "-2147483648\n");
        check(&Value::Integer64(i64::MAX), "9223372036854775807\n");
        check(&Value::Floating32(0.1), "0.1\n");
        check(&Value::Floating64(0.5), "0.5\n");
        check(&Value::Currency(-12_345), "-1.2345\n");
        check(&Value::FloatingTime(2.25), "1900-01-01T06:00:00\n");
        check(&Value::ErrorCode(0x8004_010F), "0x8004010F\n");
        check(&Value::Boolean(true), "true\n");
        check(&Value::Boolean(false), "false\n");
        check(&Value::Time(FileTime(131_860_695_566_300_000)), "2018-11-07T13:05:56.63Z\n");
        check(&Value::Guid(Guid([0; 16])), "{00000000-0000-0000-0000-000000000000}\n");
        check(&Value::String("a\r\nb".to_owned()), "a\r\nb");
        check(&Value::Binary(b"a\nb".to_vec()), "a\nb");
        let lines = ["one", "two\nthree"].map(|text| Value::String(text.to_owned()));
        check(&Value::Multiple(lines.to_vec()), "one\ntwo\\nthree\n");
        check(&Value::Multiple(vec![Value::Integer32(1), Value::Integer32(2)]), "1\n2\n");
        check(&Value::Multiple(Vec::new()), "");
    }

    #[test]
    fn line_ends_of_the_reader_s_view() {
        assert_eq!(unix_lines("a\r\nb\rc\nd"), "a\nb\nc\nd");
        assert_eq!(text_line("a\r\nb"), b"a\nb\n");
        assert_eq!(crlf_lines("a\nb\r\nc\rd\n\r"), "a\r\nb\r\nc\r\nd\r\n\r\n");
        assert_eq!(one_line("a\r\nb\tc"), "a  b c");
    }

    #[test]
    fn durations_are_in_words() {
        for (minutes, expected) in [
            (0, "0 minutes"),
            (1, "1 minute"),
            (15, "15 minutes"),
            (60, "1 hour"),
            (90, "90 minutes"),
            (2880, "2 days"),
            (10_080, "1 week"),
        ] {
            assert_eq!(duration_text(minutes), expected);
        }
    }

    #[test]
    fn backslashes_of_quoted_strings() {
        assert_eq!(without_backslashes(r#"a \"b\" \\c\"#), r#"a "b" \c"#);
    }
}
