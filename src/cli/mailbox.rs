//! `msgfs ls --json` and `--mail`: a line a message.

use std::io::{self, Write};

use outlook_msg::mail::harmless;

use crate::fs;

use super::arguments::Ls;
use super::clock::{Clock, human_size};
use super::columns::Columns;
use super::complain;
use super::find::{sent_or_received, timestamp};
use super::messages::{FoundMessage, Opener};
use super::ordered::{Output, ordered};
use super::places::{Places, Unit, Units, cause};
use super::status::Status;
use super::terminal::{has_colors, one_line};

/// A line, and what it is sorted by: the newest or the largest message comes first.
struct MailboxLine {
    rank: i128,
    text: Vec<u8>,
}

/// Prints a line for each message of the paths, or below them with `-R`.
pub(super) fn run(
    arguments: &Ls,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    let opener = Opener::new(&options);
    let columns = Columns::new(Clock::new(arguments.utc), has_colors(arguments.color));
    let mut units = Units::new(Places::new(options), arguments.paths.clone()).of_messages();
    if !arguments.recursive {
        units = units.without_folders_below();
    }
    let work = |unit: Unit, _: &mut Output<'_>| lines(unit, arguments, &opener, &columns);
    let is_sorted = arguments.by_time || arguments.by_size || arguments.reverse;
    let mut status = Status::Done;
    let mut sorted = Vec::new();
    let mut written = Ok(());
    ordered(units, &mut io::sink(), work, |(lines, failures)| {
        for (failure, text) in failures {
            status.join(failure);
            complain(&text);
        }
        if is_sorted {
            sorted.extend(lines);
        } else {
            written = lines.iter().try_for_each(|line| out.write_all(&line.text));
        }
        written.is_ok()
    })?;
    written?;
    // The sort is stable: what is equal stays in the order of the paths.
    sorted.sort_by_key(|one| std::cmp::Reverse(one.rank));
    if arguments.reverse {
        sorted.reverse();
    }
    sorted.iter().try_for_each(|line| out.write_all(&line.text))?;
    Ok(status)
}

fn lines(
    unit: Unit,
    arguments: &Ls,
    opener: &Opener,
    columns: &Columns,
) -> (Vec<MailboxLine>, Vec<(Status, String)>) {
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    let failure = |path: &std::path::Path, error: &fs::Error| {
        (Status::of(error), format!("{}: {}", one_line(path), cause(error)))
    };
    match unit {
        Unit::Failed(path, error) => failures.push(failure(&path, &error)),
        Unit::Tree(place) => opener.each(
            &place,
            false,
            &mut |found| lines.push(line(&found, arguments, columns)),
            &mut |path, error| failures.push(failure(&path, &error)),
        ),
        Unit::File(_) | Unit::Folder(_) => {}
    }
    (lines, failures)
}

fn line(found: &FoundMessage, arguments: &Ls, columns: &Columns) -> MailboxLine {
    let mail = found.mail.as_ref().ok();
    let rank = match arguments {
        Ls { by_time: true, .. } => {
            let time = mail.and_then(sent_or_received).and_then(timestamp);
            time.map_or(i128::MIN, |time| time.as_nanosecond())
        }
        Ls { by_size: true, .. } => i128::from(found.size().unwrap_or(0)),
        _ => 0,
    };
    let mut text = Vec::new();
    if arguments.json {
        // Writing to memory does not fail, nor does a row without maps.
        let _ = super::json::write_json(&found.row(false), &mut text);
    } else {
        let attachments = mail.and_then(|mail| mail.all_attachments().ok()).unwrap_or_default();
        let names: Vec<_> = attachments.iter().map(|one| harmless(one.name())).collect();
        let unknown = || "-".to_owned();
        let size = match arguments {
            Ls { human_readable: true, .. } => {
                format!("{:>6}  ", found.size().map_or_else(unknown, human_size))
            }
            Ls { long: true, .. } => {
                format!("{:>9}  ", found.size().map_or_else(unknown, |size| size.to_string()))
            }
            _ => String::new(),
        };
        let line = columns.line(found, &size, &names);
        text.extend_from_slice(line.trim_end().as_bytes());
    }
    text.push(b'\n');
    MailboxLine { rank, text }
}
