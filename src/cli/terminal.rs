//! What is different on a terminal: names are made harmless, and progress is shown.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use termcolor::{ColorSpec, WriteColor};

use super::arguments::ColorChoice;

/// The bytes of a name or path to be printed to standard output: as they are, but on a terminal
/// without anything that would control it.
pub(super) fn printed(name: &Path, to_terminal: bool) -> Cow<'_, [u8]> {
    let bytes = name.as_os_str().as_bytes();
    match to_terminal && is_harmful(bytes) {
        true => Cow::Owned(escaped(bytes).into_bytes()),
        false => Cow::Borrowed(bytes),
    }
}

/// A name or path in one line, for messages.
pub(super) fn one_line(name: &Path) -> String {
    // The current folder without its name.
    let name = if name.as_os_str().is_empty() { Path::new(".") } else { name };
    escaped(name.as_os_str().as_bytes())
}

/// Whether standard output is a terminal.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// How many columns the terminal has on which standard output is; `None` if it is none.
pub(super) fn width() -> Option<usize> {
    const USUAL: usize = 80;
    if !is_terminal() {
        return None;
    }
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = || rustix::termios::tcgetwinsize(io::stdout()).ok();
    let columns = asked.or_else(|| size().map(|size| usize::from(size.ws_col)));
    Some(columns.filter(|columns| *columns > 0).unwrap_or(USUAL))
}

/// Whether to colour what goes to standard output (`NO_COLOR`, `TERM=dumb`).
pub(super) fn has_colors(choice: ColorChoice) -> bool {
    let is_dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_refused = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal() && !is_dumb() && !is_refused(),
    }
}

/// A bar on standard error, if that is a terminal and standard output is none: a bar would stand
/// between the lines of the results. `total` is asked for only then.
pub(super) fn progress_bar(total: impl FnOnce() -> u64) -> ProgressBar {
    if !io::stderr().is_terminal() || is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total());
    match ProgressStyle::with_template("{bar:40} {pos}/{len} messages, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A number with its noun: `1 message`, `2 messages`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A terminal that text of messages is written to: nothing in the text controls it, but lines and
/// tabs. Colours of ours pass.
pub(super) struct HarmlessWriter<W> {
    out: W,
    /// Whether the text is JSON, and is to stay JSON.
    is_json: bool,
}

impl<W> HarmlessWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, is_json: false }
    }

    pub(super) fn of_json(out: W) -> Self {
        Self { out, is_json: true }
    }

    fn escaped(&self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            let mut chars = chunk.valid().chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    // A terminal ignores NUL, which ends paths on request.
                    '\n' | '\t' | '\0' => text.push(c),
                    '\r' if chars.peek() == Some(&'\n') => text.push(c),
                    c if is_control(c) && self.is_json => {
                        // Writing to a String cannot fail.
                        let _ = write!(text, "\\u{:04x}", u32::from(c));
                    }
                    c if is_control(c) => text.extend(c.escape_default()),
                    c => text.push(c),
                }
            }
            for byte in chunk.invalid() {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        text
    }
}

impl<W: io::Write> io::Write for HarmlessWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match is_harmful(bytes) {
            true => self.out.write_all(self.escaped(bytes).as_bytes())?,
            false => self.out.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: WriteColor> WriteColor for HarmlessWriter<W> {
    fn supports_color(&self) -> bool {
        self.out.supports_color()
    }

    fn set_color(&mut self, spec: &ColorSpec) -> io::Result<()> {
        self.out.set_color(spec)
    }

    fn reset(&mut self) -> io::Result<()> {
        self.out.reset()
    }
}

fn is_harmful(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or(true, |text| text.contains(is_control))
}

/// Control characters, and those that change the direction of the text behind them.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match is_control(c) {
                true => text.extend(c.escape_default()),
                false => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use super::{HarmlessWriter, one_line, printed};

    #[test]
    fn text_of_messages_cannot_control_the_terminal() {
        let text = "a\tb\r\nc\rd\u{1b}]0;x\u{7}\u{9b}\u{202e}é\0\n";
        let written = |mut out: HarmlessWriter<Vec<u8>>| {
            out.write_all(text.as_bytes()).unwrap();
            out.write_all(b"\xff").unwrap();
            String::from_utf8(out.out).unwrap()
        };
        let expected = "a\tb\r\nc\\rd\\u{1b}]0;x\\u{7}\\u{9b}\\u{202e}é\0\n\\xff";
        assert_eq!(written(HarmlessWriter::new(Vec::new())), expected);
        assert!(written(HarmlessWriter::of_json(Vec::new())).contains("\\u009b\\u202eé"));
    }

    #[test]
    fn names_cannot_control_the_terminal() {
        let check = |name: &[u8], expected: &str| {
            let name = Path::new(OsStr::from_bytes(name));
            assert_eq!(one_line(name), expected);
            assert_eq!(printed(name, true), expected.as_bytes());
            assert_eq!(printed(name, false), name.as_os_str().as_bytes());
        };
        check("Čeněk \\ n.msg".as_bytes(), "Čeněk \\ n.msg");
        check(b"a\nb\x1b[2J", "a\\nb\\u{1b}[2J");
        check("exe.\u{202e}fdp".as_bytes(), "exe.\\u{202e}fdp");
        check(b"caf\xe9.msg", "caf\\xe9.msg");
    }
}
