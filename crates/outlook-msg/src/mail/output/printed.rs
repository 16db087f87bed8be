//! Prints a message for a person: header block, body, attachments, defects and notes.
//!
//! `msgfs show` prints this text, and the file `message.txt` contains it. It is harmless for a
//! terminal: control characters, and those that change the direction of text, are escaped. The
//! caller chooses how times are formatted and how parts are marked.

use std::io::{self, Write};

use crate::imsg::Note;
use crate::mail::defects::MailFindings;
use crate::mail::opened::Mail;
use crate::mapi::FileTime;

use super::printable::{harmless, harmless_lines};
use super::summary::{Summary, attachment_details};

/// How [`Mail::print`] formats times and marks parts.
#[derive(Clone, Copy)]
pub struct Printing<'a> {
    /// Formats a time.
    pub time: &'a dyn Fn(FileTime) -> String,
    /// What is printed before and after some parts.
    pub marks: Marks,
}

/// What is printed before and after the parts that are marked: escape sequences of a terminal, or
/// nothing (the default).
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// Before the name of a field.
    pub field: &'static str,
    /// Before the subject.
    pub subject: &'static str,
    /// Before a defect.
    pub warning: &'static str,
    /// After each of these.
    pub end: &'static str,
}

impl std::fmt::Debug for Printing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printing").field("marks", &self.marks).finish_non_exhaustive()
    }
}

/// The width of the longest field name with its colon, and a blank.
const FIELD_WIDTH: usize = 13;

impl Mail {
    /// Prints the message for a person, and returns the number of defects. If there are any, a part
    /// of the message may be missing from the text.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_subject("Lunch on Friday")?;
    /// use outlook_msg::mail::{Marks, Printing, utc_time};
    ///
    /// let printing = Printing { time: &utc_time, marks: Marks::default() };
    /// let mut text = Vec::new();
    /// let defects = mail.print(printing, &mut text)?;
    /// assert_eq!(defects, 0);
    /// assert!(text.starts_with(b"Subject:     Lunch on Friday\n"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`. It is no error if something cannot be read: the text says so.
    pub fn print(&self, printing: Printing<'_>, out: &mut dyn Write) -> io::Result<usize> {
        let wrapped = self.wrapped();
        let mut summary = Summary::of(self, &wrapped, printing.time);
        let subject = summary.read("subject", self.subject());
        let mut attachments =
            summary.read("attachments", self.attachments().map(Some)).unwrap_or_default();
        for one in &wrapped {
            let inside = summary.read("attachments", one.mail.attachments().map(Some));
            attachments.extend(inside.unwrap_or_default());
        }
        let body = summary.read("body", self.body_among(&wrapped).map(Some));
        let text = body.and_then(|(text, _)| text);
        let mut page = Page { marks: printing.marks, out };
        if let Some(subject) = subject {
            let Marks { subject: mark, end, .. } = printing.marks;
            page.field("Subject", [format!("{mark}{}{end}", harmless(&subject))])?;
        }
        for field in &summary.fields {
            page.field(field.name, field.values.iter().map(|value| harmless(value)))?;
        }
        page.field(
            "Attachments",
            attachments
                .iter()
                .map(|one| harmless(&format!("{} ({})", one.name(), attachment_details(one)))),
        )?;
        let lines = text.as_deref().unwrap_or_default().trim_end();
        if !lines.is_empty() {
            writeln!(page.out)?;
            // A copy of the whole text could be large.
            lines
                .split('\n')
                .try_for_each(|line| writeln!(page.out, "{}", harmless_lines(line)))?;
        }
        // To find what is damaged, the body may be made again.
        drop(text);
        page.findings(self, &summary.unread)
    }

    /// What cannot be read, the defects or, if there are none, the errors that getters returned; and
    /// the notes.
    pub(in crate::mail) fn losses(&self, unread: &[String]) -> (Vec<String>, Vec<Note>) {
        let MailFindings { defects, notes } = self.findings().unwrap_or_default();
        let losses = match defects.is_empty() {
            true => unread.to_vec(),
            false => defects.iter().map(ToString::to_string).collect(),
        };
        (losses, notes)
    }
}

struct Page<'a> {
    marks: Marks,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    /// Prints a field, one line for each value; nothing if it has no value.
    fn field(&mut self, name: &str, values: impl IntoIterator<Item = String>) -> io::Result<()> {
        let Marks { field, end, .. } = self.marks;
        let mut label = format!("{name}:");
        for value in values {
            writeln!(self.out, "{field}{label:FIELD_WIDTH$}{end}{value}")?;
            label.clear();
        }
        Ok(())
    }

    /// Prints defects and notes, and returns the number of defects.
    fn findings(&mut self, mail: &Mail, unread: &[String]) -> io::Result<usize> {
        let Marks { warning, end, .. } = self.marks;
        let (losses, notes) = mail.losses(unread);
        let mut blank = "\n";
        for loss in &losses {
            writeln!(self.out, "{blank}{warning}Damaged:{end} {}", harmless(loss))?;
            blank = "";
        }
        for note in notes {
            writeln!(self.out, "{blank}Note: {}", harmless(&note.to_string()))?;
            blank = "";
        }
        Ok(losses.len())
    }
}
