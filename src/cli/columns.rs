//! A message in columns: date, sender and subject, as mailboxes are listed.

use outlook_msg::mail::harmless;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::clock::Clock;
use super::find::{sent_or_received, timestamp};
use super::messages::FoundMessage;

/// How wide the columns are, on the screen. What is longer is cut on a terminal, and kept whole
/// where a program may read it.
const DATE_WIDTH: usize = 23;
const FROM_WIDTH: usize = 24;
const SUBJECT_WIDTH: usize = 40;
const SUBJECT_WIDTH_MIN: usize = 16;
/// The room for the names of attachments: what the subject leaves them on a narrow terminal, and
/// what they have in any case.
const NAMES_WIDTH: usize = 20;
const NAMES_WIDTH_MIN: usize = 10;
/// The blanks behind each column.
const GAP: usize = 2;

/// Prints messages in columns.
#[derive(Debug)]
pub(super) struct Columns {
    clock: Clock,
    has_colors: bool,
    /// How wide the terminal is; `None` if a program reads what is printed.
    screen: Option<usize>,
}

impl Columns {
    pub(super) fn new(clock: Clock, has_colors: bool) -> Self {
        Self { clock, has_colors, screen: super::terminal::width() }
    }

    /// The columns of a message, with blanks behind them.
    pub(super) fn of(&self, found: &FoundMessage) -> String {
        let mail = found.mail.as_ref().ok();
        let time = mail.and_then(sent_or_received).and_then(timestamp);
        let date = time.map(|time| self.clock.short(time)).unwrap_or_default();
        let from = mail
            .and_then(|mail| mail.from().ok().flatten())
            .map(|from| if from.name.trim().is_empty() { from.address } else { from.name });
        // Without a subject the name of the file says which message it is.
        let name = || found.path.file_name().unwrap_or_default().to_string_lossy();
        let subject = match &found.mail {
            Ok(mail) => {
                let subject = mail.subject().ok().flatten().filter(|text| !text.trim().is_empty());
                subject.unwrap_or_else(|| format!("({})", name()))
            }
            Err(error) => format!("({} cannot be opened: {error})", name()),
        };
        let date = self.column(&date, DATE_WIDTH);
        let from = self.column(&harmless(&from.unwrap_or_default()), FROM_WIDTH);
        let subject = self.column(&harmless(&subject), self.subject_width());
        match self.has_colors {
            true => format!("\x1b[32m{date}\x1b[0m{from}\x1b[1m{subject}\x1b[0m"),
            false => format!("{date}{from}{subject}"),
        }
    }

    /// A line of the columns of a message, its size, and the names of its attachments. On a terminal
    /// as many names are printed as there is room for, and then how many more there are.
    pub(super) fn line(&self, found: &FoundMessage, size: &str, names: &[String]) -> String {
        let before = self.of(found) + size;
        let Some(screen) = self.screen else { return before + &names.join(", ") };
        let taken = DATE_WIDTH + FROM_WIDTH + self.subject_width() + 3 * GAP + size.width();
        before + &shortened(names, screen.saturating_sub(taken).max(NAMES_WIDTH_MIN))
    }

    /// On a narrow terminal the subject leaves room for names.
    fn subject_width(&self) -> usize {
        let Some(screen) = self.screen else { return SUBJECT_WIDTH };
        let others = DATE_WIDTH + FROM_WIDTH + 3 * GAP + NAMES_WIDTH;
        screen.saturating_sub(others).clamp(SUBJECT_WIDTH_MIN, SUBJECT_WIDTH)
    }

    fn column(&self, text: &str, width: usize) -> String {
        let shown = match self.screen {
            Some(_) => cut(text, width),
            None => text.to_owned(),
        };
        let blanks = width.saturating_sub(shown.width()) + GAP;
        shown + &" ".repeat(blanks)
    }
}

/// As many names as fit into a width, and how many more there are: `a.pdf, b.pdf, +14`.
fn shortened(names: &[String], width: usize) -> String {
    let more = |count| if count == 0 { String::new() } else { format!(", +{count}") };
    let (mut shown, mut fitting) = (String::new(), None);
    for (at, name) in names.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        shown += &format!("{comma}{name}");
        if shown.width() > width {
            break;
        }
        let list = format!("{shown}{}", more(names.len() - at - 1));
        fitting = Some(list).filter(|list| list.width() <= width).or(fitting);
    }
    let Some(first) = names.first() else { return shown };
    fitting.unwrap_or_else(|| {
        let more = more(names.len() - 1);
        cut(first, width.saturating_sub(more.width())) + &more
    })
}

/// A text of at most a width on the screen.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut shown, mut taken) = (String::new(), 0);
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken >= width {
            break;
        }
        shown.push(c);
    }
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::{cut, shortened};

    #[test]
    fn texts_are_cut_to_their_width() {
        for (text, expected) in
            [("short", "short"), ("exactly8", "exactly8"), ("見積書の件", "見積書…")]
        {
            assert_eq!(cut(text, 8), expected);
        }
    }

    #[test]
    fn many_names_are_counted() {
        let names: Vec<_> = ["a.pdf", "b.pdf", "c.pdf"].map(str::to_owned).into();
        for (width, expected) in [
            (100, "a.pdf, b.pdf, c.pdf"),
            (19, "a.pdf, b.pdf, c.pdf"),
            (18, "a.pdf, b.pdf, +1"),
            (15, "a.pdf, +2"),
            (8, "a.p…, +2"),
        ] {
            assert_eq!(shortened(&names, width), expected, "{width}");
        }
        assert_eq!(shortened(&[], 10), "");
        let many = vec!["x".to_owned(); 10_000];
        assert_eq!(shortened(&many, 20), "x, x, x, x, x, +9995");
    }
}
