//! `msgfs check`: opens every message below the given paths and lists what is damaged,
//! and apart from it what is to be noted.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;

use crate::fs::{self, Fs, Ino};
use crate::imsg::{Defect, Note};
use crate::view::Findings;

use super::arguments::Check;
use super::complain;
use super::places::cause;
use super::status::Status;
use super::terminal::{counted, one_line, progress_bar};

/// A message to be checked.
struct Candidate<'a> {
    fs: &'a Fs,
    ino: Ino,
    path: PathBuf,
}

/// A line of output.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Defect { path: String, place: &'a str, cause: &'a str },
    Note { path: String, place: &'a str, note: &'a str },
    Summary { messages: usize, damaged: usize, defects: usize, notes: usize },
}

/// Prints the defects of all messages, the notes on them and a summary.
pub(super) fn run(arguments: &Check) -> io::Result<Status> {
    let mut report = Report { json: arguments.json, damaged: 0, defects: 0, notes: 0 };
    let mut status = Status::Done;
    let mut failed = |path: &Path, error: &str| {
        status = Status::Failed;
        complain(&format!("{}: {error}", one_line(path)));
    };
    let mut sources = Vec::new();
    for path in &arguments.paths {
        match Fs::open(path, fs::Options::default()) {
            Ok(fs) => sources.push((path, fs)),
            Err(error) => failed(path, &error.to_string()),
        }
    }
    let mut candidates = Vec::new();
    for (path, fs) in &sources {
        for (folder, error) in collect(fs, path, &mut candidates) {
            failed(&folder, &cause(&error));
        }
    }
    check_all(&candidates, &mut report)?;
    status.join(report.finish(candidates.len())?);
    Ok(status)
}

fn unreadable(error: &dyn std::error::Error) -> Findings {
    let defect = Defect { place: "/".to_owned(), cause: error.to_string() };
    Findings { defects: vec![defect], notes: Vec::new() }
}

/// Finds the messages of a source; returns the folders that could not be read.
fn collect<'a>(
    fs: &'a Fs,
    source: &Path,
    candidates: &mut Vec<Candidate<'a>>,
) -> Vec<(PathBuf, fs::Error)> {
    let mut failed = Vec::new();
    let mut folders = Vec::new();
    match fs.is_message(Ino::ROOT) {
        true => candidates.push(Candidate { fs, ino: Ino::ROOT, path: source.to_owned() }),
        false => folders.push((Ino::ROOT, source.to_owned())),
    }
    while let Some((folder, path)) = folders.pop() {
        let first = candidates.len();
        let listed = fs.readdir(folder, 0, true, &mut |child| {
            let (ino, path) = (child.entry.attr.ino, path.join(child.name));
            match child.entry.attr.file_type {
                _ if child.is_dot => {}
                _ if fs.is_message(ino) => candidates.push(Candidate { fs, ino, path }),
                fs::FileType::Directory => folders.push((ino, path)),
                _ => fs.forget(ino, 1),
            }
            false
        });
        failed.extend(listed.err().map(|error| (path, error)));
        if let Some(found) = candidates.get_mut(first..) {
            found.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
    failed
}

/// Checks all messages on every core, and reports them in their order.
fn check_all(candidates: &[Candidate<'_>], report: &mut Report) -> io::Result<()> {
    let progress = progress_bar(|| candidates.len() as u64);
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = candidates.get(number) else { break };
                    let findings = one.fs.check(one.ino).unwrap_or_else(|error| unreadable(&error));
                    one.fs.forget(one.ino, 1);
                    if sender.send((number, findings)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut waiting = candidates.iter().enumerate().peekable();
        for (number, findings) in results {
            early.insert(number, findings);
            while let Some((number, one)) = waiting.peek()
                && let Some(findings) = early.remove(number)
            {
                progress.suspend(|| report.add(&one.path, &findings))?;
                progress.inc(1);
                waiting.next();
            }
        }
        progress.finish_and_clear();
        Ok(())
    })
}

struct Report {
    json: bool,
    damaged: usize,
    defects: usize,
    notes: usize,
}

impl Report {
    fn add(&mut self, path: &Path, findings: &Findings) -> io::Result<()> {
        let Findings { defects, notes } = findings;
        self.damaged += usize::from(!defects.is_empty());
        self.defects += defects.len();
        self.notes += notes.len();
        for Defect { place, cause } in defects {
            self.print(&Line::Defect { path: path.display().to_string(), place, cause })?;
        }
        for Note { place, text } in notes {
            self.print(&Line::Note { path: path.display().to_string(), place, note: text })?;
        }
        Ok(())
    }

    fn finish(self, messages: usize) -> io::Result<Status> {
        let Self { damaged, defects, notes, .. } = self;
        self.print(&Line::Summary { messages, damaged, defects, notes })?;
        Ok(if defects == 0 { Status::Done } else { Status::Wrong })
    }

    fn print(&self, line: &Line<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            super::json::write_json(line, &mut out)?;
            return writeln!(out);
        }
        match line {
            Line::Defect { path, place, cause } => writeln!(out, "{path}: {place}: {cause}"),
            Line::Note { path, place, note } => writeln!(out, "{path}: note: {place}: {note}"),
            Line::Summary { messages, damaged, defects, notes } => {
                let messages = counted(*messages, "message");
                write!(out, "{messages}, {damaged} damaged, {}", counted(*defects, "defect"))?;
                match notes {
                    0 => writeln!(out),
                    notes => writeln!(out, ", {}", counted(*notes, "note")),
                }
            }
        }
    }
}
