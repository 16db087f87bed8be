//! A message as a person reads it: header block, body, attachments, defects and notes.
//!
//! This is what `msgfs show` prints and what `message.txt` holds. Nothing in it controls a
//! terminal: control characters and those that change the direction of text are escaped, whoever
//! put them into the message. Who prints says how times are written and how parts are marked.

use std::io::{self, Write};

use crate::mapi::FileTime;

use super::opened::Mail;
use super::summary::{Summary, attachment_details};

/// How a message is printed.
#[derive(Clone, Copy)]
pub struct Printing<'a> {
    /// Writes a time.
    pub time: &'a dyn Fn(FileTime) -> String,
    /// What marks the parts.
    pub marks: Marks,
}

/// What stands before and behind the parts that are marked: escape sequences of a terminal, or
/// nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// Before the name of a field.
    pub field: &'static str,
    /// Before the subject.
    pub subject: &'static str,
    /// Before a defect.
    pub warning: &'static str,
    /// Behind each.
    pub end: &'static str,
}

impl std::fmt::Debug for Printing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printing").field("marks", &self.marks).finish_non_exhaustive()
    }
}

/// As wide as the longest name of a field, and the colon.
const FIELD_WIDTH: usize = 13;

impl Mail {
    /// Prints the message. Returns how many defects there are: the message is not shown whole if
    /// there is one.
    ///
    /// # Errors
    /// Those of `out`. What cannot be read is told in the text.
    pub fn print(&self, printing: Printing<'_>, out: &mut dyn Write) -> io::Result<usize> {
        let mut summary = Summary::of(self, printing.time);
        let subject = summary.read("subject", self.subject());
        let attachments = summary.read("attachments", self.attachments().map(Some));
        let text = summary.read("body", self.text());
        let mut page = Page { marks: printing.marks, out };
        if let Some(subject) = subject {
            let Marks { subject: mark, end, .. } = printing.marks;
            page.field("Subject", [format!("{mark}{}{end}", harmless(&subject))])?;
        }
        for field in &summary.fields {
            page.field(field.name, field.values.iter().map(|value| harmless(value)))?;
        }
        let attachments = attachments.unwrap_or_default();
        page.field(
            "Attachments",
            attachments
                .iter()
                .map(|one| harmless(&format!("{} ({})", one.name(), attachment_details(one)))),
        )?;
        let text = text.map(|text| harmless_lines(text.trim_end())).unwrap_or_default();
        if !text.is_empty() {
            writeln!(page.out, "\n{text}")?;
        }
        page.findings(self, &summary.unread)
    }

    /// What cannot be read: the defects, else what the getters of `unread` complained of.
    pub(super) fn losses(&self, unread: &[String]) -> Vec<String> {
        let defects = self.defects().unwrap_or_default();
        match defects.is_empty() {
            true => unread.to_vec(),
            false => defects.iter().map(ToString::to_string).collect(),
        }
    }
}

struct Page<'a> {
    marks: Marks,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    /// A field with a line for each of its values; none if it has no value.
    fn field(&mut self, name: &str, values: impl IntoIterator<Item = String>) -> io::Result<()> {
        let Marks { field, end, .. } = self.marks;
        let mut label = format!("{name}:");
        for value in values {
            writeln!(self.out, "{field}{label:FIELD_WIDTH$}{end}{value}")?;
            label.clear();
        }
        Ok(())
    }

    /// Defects and notes; returns the number of the former.
    fn findings(&mut self, mail: &Mail, unread: &[String]) -> io::Result<usize> {
        let Marks { warning, end, .. } = self.marks;
        let losses = mail.losses(unread);
        let mut blank = "\n";
        for loss in &losses {
            writeln!(self.out, "{blank}{warning}Damaged:{end} {}", harmless(loss))?;
            blank = "";
        }
        for note in mail.notes().unwrap_or_default() {
            writeln!(self.out, "{blank}Note: {}", harmless(&note.to_string()))?;
            blank = "";
        }
        Ok(losses.len())
    }
}

/// A time in UTC, as `msgfs show --utc` and `message.txt` have it: `2024-04-02 16:05:09 +00:00`.
#[must_use]
pub fn utc_time(time: FileTime) -> String {
    match jiff::Timestamp::new(time.to_unix().0, 0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string(),
        Err(_) => "after the year 9999".to_owned(),
    }
}

/// A size as people read it: `999 bytes`, `1.2 KB`, `34 MB`, in units of 1024.
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

/// Whether a character controls a terminal, or changes the direction of the text behind it.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// A text on one line in which nothing controls a terminal: harmful characters are escaped, as
/// `\u{1b}`; line ends and tabs become blanks.
#[must_use]
pub fn harmless(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t').then_some(' '))
}

/// Lines of text in which nothing controls a terminal.
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
