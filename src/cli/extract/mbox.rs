//! `extract --mbox`: all messages in one file, as mail programs keep them (mboxrd).
//!
//! Each message begins with a line `From ADDRESS DATE`. A line of the message that looks like one,
//! with any number of `>` in front, gets one more. So no line is mistaken for the begin of a
//! message, and a mail program can take the quoting back.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write};

use jiff::Timestamp;

use crate::cli::contents::FileContents;
use crate::cli::places::Unit;
use crate::view;

use super::jobs::Job;
use super::names::Shape;
use super::totals::{Loss, Totals};

/// An mbox that is there already, to which what would be written is compared.
pub(super) struct Compared {
    there: BufReader<File>,
    differs: bool,
    piece: Vec<u8>,
}

impl Compared {
    pub(super) fn new(there: File) -> Self {
        let there = BufReader::with_capacity(256 << 10, there);
        Self { there, differs: false, piece: Vec::new() }
    }

    /// Whether something else was to be written than is there.
    pub(super) fn differs(&self) -> bool {
        self.differs
    }

    /// Whether all that is there was to be written.
    pub(super) fn is_equal(&mut self) -> io::Result<bool> {
        Ok(!self.differs && self.there.fill_buf()?.is_empty())
    }
}

impl Write for Compared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.resize(bytes.len(), 0);
        self.differs |= self.there.read_exact(&mut self.piece).is_err() || self.piece != bytes;
        match self.differs {
            true => Err(io::Error::other("differs")),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends a message; whatever is no message is left out.
pub(super) fn append(job: Job, out: &mut dyn Write, totals: &mut Totals) -> io::Result<()> {
    let place = match job.unit {
        Unit::Tree(place) => place,
        Unit::Failed(path, error) => {
            totals.losses.push(Loss::of_source(&path, &error));
            return Ok(());
        }
        Unit::File(_) | Unit::Folder(_) => return Ok(()),
    };
    let view = match place.child(OsStr::new(view::MESSAGE_EML)) {
        Ok(view) => view,
        Err(_) => {
            totals.tell_no_message(&place, Shape::Eml);
            return Ok(());
        }
    };
    totals.messages += 1;
    totals.tell_losses(&place, &view);
    let sender = place.mail().ok().and_then(|mail| mail.from().ok().flatten());
    let sender = sender.map(|from| from.address).filter(|address| is_plain(address));
    let time = Timestamp::try_from(view.attr().mtime).unwrap_or_default();
    let date = time.strftime("%a %b %e %H:%M:%S %Y");
    writeln!(out, "From {} {date}", sender.as_deref().unwrap_or("MAILER-DAEMON"))?;
    let mut reader = FileContents::new(&view);
    totals.bytes += copy_quoted(&mut BufReader::with_capacity(256 << 10, &mut reader), out)?;
    totals.losses.extend(reader.failure.map(|error| Loss::of_source(place.path(), &error)));
    Ok(())
}

/// Whether an address can stand in the line between two messages.
fn is_plain(address: &str) -> bool {
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Copies a message with LF line ends and an empty line behind it; returns its length.
fn copy_quoted(reader: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<u64> {
    /// A longer line is copied in parts.
    const LINE_MAX: u64 = 1 << 20;
    let mut line = Vec::new();
    let (mut bytes, mut is_start) = (0, true);
    loop {
        line.clear();
        if reader.take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if is_start && line.iter().copied().find(|byte| *byte != b'>') == Some(b'F') {
            let begin = line.iter().take_while(|byte| **byte == b'>').count();
            if line.get(begin..).is_some_and(|rest| rest.starts_with(b"From ")) {
                out.write_all(b">")?;
            }
        }
        is_start = line.ends_with(b"\n");
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            line.push(b'\n');
        }
        out.write_all(&line)?;
        bytes += line.len() as u64;
    }
    out.write_all(if is_start { b"\n" } else { b"\n\n" })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::copy_quoted;

    #[test]
    fn lines_that_begin_messages_are_quoted() {
        let check = |text: &str, expected: &str| {
            let mut out = Vec::new();
            copy_quoted(&mut text.as_bytes(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text}");
        };
        check("a\r\nFrom x\r\n", "a\n>From x\n\n");
        check(">From x\n>>From y\n", ">>From x\n>>>From y\n\n");
        check("Fromage\n> From\nx From ", "Fromage\n> From\nx From \n\n");
        check("", "\n");
    }
}
