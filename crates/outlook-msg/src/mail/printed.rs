//! A message as a person reads it: header block, body, attachments, defects and notes.
//!
//! This is what `msgfs show` prints and what `message.txt` holds. Nothing in it controls a
//! terminal: control characters and those that change the direction of text are escaped, whoever
//! put them into the message. Who prints says how times are written and how parts are marked.

use std::io::{self, Write};

use crate::imsg::Address;
use crate::mapi::FileTime;

use super::attachment::{Attachment, AttachmentKind};
use super::error::Error;
use super::fields::Importance;
use super::opened::Mail;

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
        let mut page = Page { printing, out, unread: Vec::new() };
        page.header(self)?;
        page.item(self)?;
        page.attachments(self)?;
        page.body(self)?;
        page.findings(self)
    }
}

struct Page<'a> {
    printing: Printing<'a>,
    out: &'a mut dyn Write,
    /// What could not be read, beside the defects of the message.
    unread: Vec<String>,
}

impl Page<'_> {
    fn header(&mut self, mail: &Mail) -> io::Result<()> {
        if let Some(subject) = self.read("subject", mail.subject()) {
            let Marks { subject: mark, end, .. } = self.printing.marks;
            let subject = harmless(&subject);
            self.field("Subject", &[format!("{mark}{subject}{end}")])?;
        }
        let from = self.read("from", mail.from());
        let sender = self.read("sender", mail.sender());
        let one = |address: &Option<Address>| address.iter().map(shown_address).collect::<Vec<_>>();
        self.field("From", &one(&from))?;
        if sender != from {
            self.field("Sender", &one(&sender))?;
        }
        for (name, addresses) in [
            ("To", mail.to()),
            ("Cc", mail.cc()),
            ("Bcc", mail.bcc()),
            ("Reply-To", mail.reply_to()),
        ] {
            let addresses = self.read(name, addresses.map(Some)).unwrap_or_default();
            self.field(name, &addresses.iter().map(shown_address).collect::<Vec<_>>())?;
        }
        for (name, time) in [("Date", mail.date()), ("Received", mail.received())] {
            let time = self.read(name, time).map(|time| (self.printing.time)(time));
            self.field(name, time.as_slice())?;
        }
        let importance = self.read("importance", mail.importance());
        let importance = importance.filter(|one| *one != Importance::Normal);
        self.field("Importance", importance.map(|one| one.to_string()).as_slice())?;
        let categories = self.read("categories", mail.categories().map(Some)).unwrap_or_default();
        let categories = Some(categories.join(", ")).filter(|text| !text.is_empty());
        self.field("Categories", categories.map(|text| harmless(&text)).as_slice())?;
        let class = self.read("class", mail.message_class());
        let class = class.filter(|class| !class.eq_ignore_ascii_case("IPM.Note"));
        self.field("Class", class.map(|class| harmless(&class)).as_slice())?;
        let flags = mail.flags();
        let state = flags.iter().filter(|flag| ["read", "unsent"].contains(flag));
        let state = state.copied().collect::<Vec<_>>().join(", ");
        self.field("State", Some(state).filter(|text| !text.is_empty()).as_slice())
    }

    fn attachments(&mut self, mail: &Mail) -> io::Result<()> {
        let attachments = self.read("attachments", mail.attachments().map(Some));
        let lines: Vec<_> = attachments.unwrap_or_default().iter().map(attachment_line).collect();
        self.field("Attachments", &lines)
    }

    fn body(&mut self, mail: &Mail) -> io::Result<()> {
        let Some(text) = self.read("body", mail.text()) else { return Ok(()) };
        let text = harmless_lines(text.trim_end());
        if text.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n{text}")
    }

    /// Defects and notes; returns the number of the former.
    fn findings(&mut self, mail: &Mail) -> io::Result<usize> {
        let defects = mail.defects().unwrap_or_default();
        let Marks { warning, end, .. } = self.printing.marks;
        let mut blank = "\n";
        for defect in &defects {
            let line = harmless(&format!("{}: {}", defect.place, defect.cause));
            writeln!(self.out, "{blank}{warning}Damaged:{end} {line}")?;
            blank = "";
        }
        let unread = std::mem::take(&mut self.unread);
        if defects.is_empty() {
            for line in &unread {
                writeln!(self.out, "{blank}{warning}Damaged:{end} {}", harmless(line))?;
                blank = "";
            }
        }
        for note in mail.notes().unwrap_or_default() {
            writeln!(self.out, "{blank}Note: {}", harmless(&note.to_string()))?;
            blank = "";
        }
        Ok(defects.len().max(unread.len()))
    }

    /// A field with a line for each of its values; none if it has no value.
    fn field(&mut self, name: &str, values: &[String]) -> io::Result<()> {
        let Marks { field, end, .. } = self.printing.marks;
        let mut label = format!("{name}:");
        for value in values {
            writeln!(self.out, "{field}{label:FIELD_WIDTH$}{end}{value}")?;
            label.clear();
        }
        Ok(())
    }

    /// What a getter gives. What it cannot read is told at the end.
    fn read<T>(&mut self, place: &str, value: Result<Option<T>, Error>) -> Option<T> {
        match value {
            Ok(value) => value,
            Err(error) => {
                self.unread.push(format!("{place}: {error}"));
                None
            }
        }
    }
}

fn shown_address(address: &Address) -> String {
    harmless(&address.to_string())
}

/// Name, media type and size of an attachment.
fn attachment_line(attachment: &Attachment) -> String {
    let kind = match attachment.kind() {
        AttachmentKind::Message => "message".to_owned(),
        AttachmentKind::Link => {
            return format!(
                "{} (link to {})",
                harmless(attachment.name()),
                harmless(&attachment.target().unwrap_or_default())
            );
        }
        _ => attachment.media_type(),
    };
    let size = attachment.size().map(|size| format!(", {}", size_text(size))).unwrap_or_default();
    format!("{} ({}{size})", harmless(attachment.name()), harmless(&kind))
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
        for (bytes, expected) in
            [(0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KB"), (24_576, "24 KB")]
        {
            assert_eq!(size_text(bytes), expected);
        }
    }
}
