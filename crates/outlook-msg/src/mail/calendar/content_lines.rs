//! The lines of iCalendar and vCard files (RFC 5545 3.1, RFC 6350 3.2).
//!
//! Escapes values, so that no value can end its line or begin another one. Knows no property.

/// The folded lines of a file, each with CRLF at its end.
#[derive(Debug, Default)]
pub(in crate::mail) struct ContentLines {
    text: String,
}

/// Builds a line: name, then parameters, then value.
#[derive(Debug)]
pub(in crate::mail) struct ContentLine {
    text: String,
}

/// The most bytes in a line, without its CRLF.
const LINE_BYTES_MAX: usize = 75;

impl ContentLines {
    /// Adds a line with a name and a value that needs no escaping.
    pub(in crate::mail) fn put(&mut self, name: &str, value: &str) {
        self.line(ContentLine::new(name).value(value));
    }

    /// Adds a line whose value is a text, if there is one. A text may be long, so it is not copied
    /// before.
    pub(in crate::mail) fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.fold(name.chars().chain([':']).chain(escaped_characters(text)));
        }
    }

    /// Adds a line, folded.
    pub(in crate::mail) fn line(&mut self, line: ContentLine) {
        self.fold(line.text.chars());
    }

    fn fold(&mut self, line: impl Iterator<Item = char>) {
        let mut room = LINE_BYTES_MAX;
        for c in line {
            room = match room.checked_sub(c.len_utf8()) {
                Some(room) => room,
                None => {
                    self.text.push_str("\r\n ");
                    // The blank at the start of a continued line counts too.
                    LINE_BYTES_MAX - 1 - c.len_utf8()
                }
            };
            self.text.push(c);
        }
        self.text.push_str("\r\n");
    }

    /// Adds other lines.
    pub(in crate::mail) fn extend(&mut self, lines: &Self) {
        self.text.push_str(&lines.text);
    }

    /// The length of the lines in bytes.
    pub(in crate::mail) fn len(&self) -> usize {
        self.text.len()
    }

    /// The bytes of the file.
    pub(in crate::mail) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

impl ContentLine {
    pub(in crate::mail) fn new(name: &str) -> Self {
        Self { text: name.to_owned() }
    }

    /// Adds a parameter. A quote in it becomes an apostrophe and a line end a blank, because few
    /// programs decode the escapes of RFC 6868.
    pub(in crate::mail) fn parameter(mut self, name: &str, value: &str) -> Self {
        let plain = |c| match c {
            '\n' => ' ',
            '"' => '\'',
            c => c,
        };
        let value: String = one_line_end(value).map(plain).collect();
        let quote = if value.contains([':', ';', ',']) { "\"" } else { "" };
        self.text.extend([";", name, "=", quote, &value, quote]);
        self
    }

    /// Adds the value, which needs no escaping, and ends the line.
    pub(in crate::mail) fn value(mut self, value: &str) -> Self {
        self.text.push(':');
        self.text.extend(value.chars().filter(|c| !c.is_control()));
        self
    }

    /// Adds the parts of a structured value, such as a name, and ends the line.
    pub(in crate::mail) fn parts(self, parts: &[&str]) -> Self {
        let parts: Vec<_> = parts.iter().map(|part| escaped(part)).collect();
        self.value(&parts.join(";"))
    }
}

/// Escapes a text for a value (RFC 5545 3.3.11, RFC 6350 3.4).
pub(in crate::mail) fn escaped(text: &str) -> String {
    escaped_characters(text).collect()
}

fn escaped_characters(text: &str) -> impl Iterator<Item = char> {
    let escaped = |c| match c {
        '\n' => [Some('\\'), Some('n')],
        '\\' | ';' | ',' => [Some('\\'), Some(c)],
        c => [None, Some(c)],
    };
    one_line_end(text).flat_map(move |c| escaped(c).into_iter().flatten())
}

/// Turns every line end into LF, even those that only some programs recognise, and drops other
/// control characters. A tab becomes a blank, because a program could take a tab after a fold for
/// part of the fold.
fn one_line_end(text: &str) -> impl Iterator<Item = char> {
    let mut after_cr = false;
    text.chars().filter_map(move |c| {
        let is_second = c == '\n' && after_cr;
        after_cr = c == '\r';
        match c {
            '\n' if is_second => None,
            '\n' | '\r' | '\x0B' | '\x0C' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
            '\t' => Some(' '),
            c if c.is_control() => None,
            c => Some(c),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{ContentLine, ContentLines, escaped};

    fn check(line: ContentLine, expected: &str) {
        let mut lines = ContentLines::default();
        lines.line(line);
        assert_eq!(String::from_utf8(lines.into_bytes()).unwrap(), expected);
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a;b,c\\d:\"e\""), "a\\;b\\,c\\\\d:\"e\"");
        assert_eq!(escaped("a\r\nb\rc\nd\n\r\ne"), "a\\nb\\nc\\nd\\n\\ne");
        assert_eq!(escaped("a\u{2028}b\u{85}c\x0Bd\0\x1B\x7Fe\tf"), "a\\nb\\nc\\nde f");
    }

    #[test]
    fn nothing_in_a_value_begins_a_line() {
        let line = ContentLine::new("X").parameter("CN", "a\r\nEND:VCALENDAR\"^").value("b\r\nY:z");
        check(line, "X;CN=\"a END:VCALENDAR'^\":bY:z\r\n");
        check(ContentLine::new("N").parts(&["a;b", "", "c\n"]), "N:a\\;b;;c\\n\r\n");
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let line = |len: usize| ContentLine::new("X").value(&"x".repeat(len - 2));
        check(line(75), &format!("X:{}\r\n", "x".repeat(73)));
        check(line(76), &format!("X:{}\r\n x\r\n", "x".repeat(73)));
        check(line(149), &format!("X:{}\r\n {}\r\n", "x".repeat(73), "x".repeat(74)));
        check(line(150), &format!("X:{}\r\n {}\r\n x\r\n", "x".repeat(73), "x".repeat(74)));
        let mut lines = ContentLines::default();
        lines.put("X", &"\u{1F600}€ü".repeat(60));
        let text = String::from_utf8(lines.into_bytes()).unwrap();
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        assert_eq!(text.replace("\r\n ", ""), format!("X:{}\r\n", "\u{1F600}€ü".repeat(60)));
    }
}
