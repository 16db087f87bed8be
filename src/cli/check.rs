//! `msgfs check`: opens every message below the given paths and lists what is damaged,
//! and apart from it what is to be noted.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::fs;
use crate::imsg::{Defect, Note};
use crate::view::Findings;

use super::arguments::Check;
use super::complain;
use super::ordered::{Output, ordered};
use super::places::{Places, Unit, Units, cause, count, in_stdin};
use super::status::Status;
use super::terminal::{counted, is_terminal, one_line, printed, progress_bar};

/// A line of output.
#[derive(Serialize)]
#[serde(untagged)]
enum CheckLine<'a> {
    Defect { path: String, place: &'a str, cause: &'a str },
    Note { path: String, place: &'a str, note: &'a str },
    Summary { messages: usize, damaged: usize, defects: usize, notes: usize },
}

/// Prints the defects of all messages, the notes on them and a summary.
pub(super) fn run(
    arguments: &Check,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    let paths = &arguments.paths;
    let progress = progress_bar(|| match paths.iter().any(|path| in_stdin(path).is_some()) {
        // Standard input can be read only once.
        true => paths.len() as u64,
        false => count(Places::new(options.clone()), paths),
    });
    let work = |unit: Unit, _: &mut Output<'_>| match unit {
        Unit::Tree(place) => {
            let path = place.path().to_owned();
            match place.check() {
                Ok(findings) => Checked::Message(path, findings),
                Err(error) if Status::of(&error) == Status::Failed => {
                    Checked::Failed(path, cause(&error))
                }
                Err(error) => Checked::Message(path, unreadable(error)),
            }
        }
        Unit::Failed(path, error) => Checked::Failed(path, cause(&error)),
        Unit::File(_) | Unit::Folder(_) => Checked::Other,
    };
    let mut report = Report::new(arguments.json, out);
    let (mut status, mut written) = (Status::Done, Ok(()));
    let units = Units::new(Places::new(options), paths.clone()).of_messages();
    ordered(units, &mut io::sink(), work, |checked| {
        progress.inc(1);
        match checked {
            Checked::Message(path, findings) => written = report.add(&path, &findings),
            Checked::Failed(path, cause) => {
                status = Status::Failed;
                progress.suspend(|| complain(&format!("{}: {cause}", one_line(&path))));
            }
            Checked::Other => {}
        }
        written.is_ok()
    })?;
    progress.finish_and_clear();
    written?;
    status.join(report.finish()?);
    Ok(status)
}

/// What was found at a path.
enum Checked {
    Message(PathBuf, Findings),
    Failed(PathBuf, String),
    Other,
}

fn unreadable(error: fs::Error) -> Findings {
    let defect = Defect { place: "/".to_owned(), cause: cause(&error) };
    Findings { defects: vec![defect], notes: Vec::new() }
}

struct Report<'a> {
    json: bool,
    to_terminal: bool,
    out: &'a mut (dyn Write + Send),
    messages: usize,
    damaged: usize,
    defects: usize,
    notes: usize,
}

impl<'a> Report<'a> {
    fn new(json: bool, out: &'a mut (dyn Write + Send)) -> Self {
        let to_terminal = is_terminal();
        Self { json, to_terminal, out, messages: 0, damaged: 0, defects: 0, notes: 0 }
    }

    fn add(&mut self, path: &Path, findings: &Findings) -> io::Result<()> {
        let Findings { defects, notes } = findings;
        self.messages += 1;
        self.damaged += usize::from(!defects.is_empty());
        self.defects += defects.len();
        self.notes += notes.len();
        for Defect { place, cause } in defects {
            self.print(&CheckLine::Defect { path: path.display().to_string(), place, cause })?;
        }
        for Note { place, text } in notes {
            self.print(&CheckLine::Note { path: path.display().to_string(), place, note: text })?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<Status> {
        let Self { messages, damaged, defects, notes, .. } = self;
        self.print(&CheckLine::Summary { messages, damaged, defects, notes })?;
        Ok(if defects == 0 { Status::Done } else { Status::Wrong })
    }

    fn print(&mut self, line: &CheckLine<'_>) -> io::Result<()> {
        if self.json {
            super::json::write_json(line, &mut self.out)?;
            return writeln!(self.out);
        }
        let text = match line {
            CheckLine::Defect { path, place, cause } => format!("{path}: {place}: {cause}"),
            CheckLine::Note { path, place, note } => format!("{path}: note: {place}: {note}"),
            CheckLine::Summary { messages, damaged, defects, notes } => {
                let messages = counted(*messages, "message");
                let defects = counted(*defects, "defect");
                let notes = match notes {
                    0 => String::new(),
                    notes => format!(", {}", counted(*notes, "note")),
                };
                format!("{messages}, {damaged} damaged, {defects}{notes}")
            }
        };
        self.out.write_all(&printed(Path::new(&text), self.to_terminal))?;
        self.out.write_all(b"\n")
    }
}
