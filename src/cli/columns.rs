//! A message in columns: date, sender and subject, as mailboxes are listed.

use outlook_msg::mail::harmless;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::clock::Clock;
use super::find::{sent_or_received, timestamp};
use super::messages::Found;

/// How wide the columns are, on the screen. What is longer is cut on a terminal, and kept where
/// a program may read it.
const DATE_WIDTH: usize = 23;
const FROM_WIDTH: usize = 24;
const SUBJECT_WIDTH: usize = 40;

/// Prints messages in columns.
#[derive(Debug)]
pub(super) struct Columns {
    clock: Clock,
    has_colors: bool,
    cuts: bool,
}

impl Columns {
    pub(super) fn new(clock: Clock, has_colors: bool) -> Self {
        Self { clock, has_colors, cuts: super::terminal::is_terminal() }
    }

    /// The columns of a message, with blanks behind them.
    pub(super) fn of(&self, found: &Found) -> String {
        let mail = found.mail.as_ref().ok();
        let time = mail.and_then(sent_or_received).and_then(timestamp);
        let date = time.map(|time| self.clock.short(time)).unwrap_or_default();
        let from = mail
            .and_then(|mail| mail.from().ok().flatten())
            .map(|from| if from.name.trim().is_empty() { from.address } else { from.name });
        let subject = match &found.mail {
            Ok(mail) => mail.subject().ok().flatten().unwrap_or_default(),
            Err(_) => "(cannot be opened)".to_owned(),
        };
        let date = self.column(&date, DATE_WIDTH);
        let from = self.column(&harmless(&from.unwrap_or_default()), FROM_WIDTH);
        let subject = self.column(&harmless(&subject), SUBJECT_WIDTH);
        match self.has_colors {
            true => format!("\x1b[32m{date}\x1b[0m{from}\x1b[1m{subject}\x1b[0m"),
            false => format!("{date}{from}{subject}"),
        }
    }

    fn column(&self, text: &str, width: usize) -> String {
        let mut shown = String::new();
        let mut taken = 0;
        let is_cut = self.cuts && text.width() > width;
        for c in text.chars() {
            let next = taken + c.width().unwrap_or(0);
            if is_cut && next >= width {
                shown.push('…');
                taken += 1;
                break;
            }
            shown.push(c);
            taken = next;
        }
        shown + &" ".repeat(width.saturating_sub(taken) + 2)
    }
}
