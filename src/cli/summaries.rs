//! `msgfs ls --json`: a line of JSON a message, for `jq` and data bases.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::fs::{self, FileType, Place};

use super::arguments::Ls;
use super::complain;
use super::ls::shows_message;
use super::ordered::ordered;
use super::places::{Places, Unit, Units, cause, is_message_name};
use super::status::Status;
use super::terminal::one_line;

/// What is said of a message. A value that the message does not have is null or empty.
#[derive(Debug, Serialize)]
struct Summary {
    path: String,
    date: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    subject: Option<String>,
    /// Of the message as a file, in bytes.
    size: u64,
    attachments: Vec<String>,
}

/// The most of a value that is read, in bytes.
const VALUE_MAX: usize = 1 << 20;

/// Prints a line for each message of the paths, or below them with `-R`; returns whether all
/// could be read.
pub(super) fn run(
    arguments: &Ls,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    let mut status = Status::Done;
    let mut units = Units::new(Places::new(options), arguments.paths.clone());
    if !arguments.recursive {
        units = units.without_folders_below();
    }
    let work = |unit: Unit, out: &mut super::ordered::Output<'_>| match unit {
        Unit::Failed(path, error) => vec![(path, error)],
        Unit::Tree(place) => summarize_below(&place, out),
        Unit::File(_) | Unit::Folder(_) => Vec::new(),
    };
    ordered(units, out, work, |failures: Vec<(PathBuf, fs::Error)>| {
        for (path, error) in failures {
            status.join(Status::of(&error));
            complain(&format!("{}: {}", one_line(&path), cause(&error)));
        }
        true
    })?;
    Ok(status)
}

/// The line of a message, or those of the messages in a directory of a message.
fn summarize_below(place: &Place, out: &mut dyn Write) -> Vec<(PathBuf, fs::Error)> {
    let failed = |place: &Place, error: fs::Error| vec![(place.path().to_owned(), error)];
    if shows_message(place) {
        return match summarize(place) {
            Ok(summary) => {
                let printed = serde_json::to_writer(&mut *out, &summary);
                // Whoever does not want any more output ends all this.
                let _ = printed.map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
                Vec::new()
            }
            Err(error) => failed(place, error),
        };
    }
    let entries = match place.list() {
        Ok(entries) => entries,
        Err(error) => return failed(place, error),
    };
    let messages = entries
        .iter()
        .filter(|one| one.file_type == FileType::Directory && is_message_name(&one.name));
    let mut failures = Vec::new();
    for message in messages {
        match place.child(&message.name) {
            Ok(child) => failures.extend(summarize_below(&child, out)),
            Err(error) => failures.push((place.path().join(&message.name), error)),
        }
    }
    failures
}

fn summarize(place: &Place) -> Result<Summary, fs::Error> {
    let lines = |text: Option<String>| {
        text.map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    };
    let size = match place.is_message() {
        true => place.attr().size,
        false => place.child(OsStr::new("message.msg"))?.attr().size,
    };
    let attachments = match place.child(OsStr::new("attachments")) {
        Ok(attachments) => attachments.list()?,
        Err(fs::Error::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    let attachments = attachments.iter().map(|one| one.name.to_string_lossy().into_owned());
    Ok(Summary {
        path: place.path().to_string_lossy().into_owned(),
        date: value(place, "date")?.or(value(place, "received")?),
        from: value(place, "from")?,
        to: lines(value(place, "to")?),
        subject: value(place, "subject")?,
        size,
        attachments: attachments.collect(),
    })
}

/// The text of a file without its final newline; `None` if the message has no such value.
fn value(place: &Place, name: &str) -> Result<Option<String>, fs::Error> {
    let file = match place.child(OsStr::new(name)) {
        Err(fs::Error::NotFound) => return Ok(None),
        file => file?,
    };
    let text = String::from_utf8_lossy(&file.read(0, VALUE_MAX)?).into_owned();
    Ok(Some(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)))
}
