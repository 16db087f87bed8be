//! `msgfs find`: the messages that have what is asked for, in parallel, straight from the files.

mod dates;
mod filter;

use std::cmp::Ordering;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use jiff::Timestamp;

use outlook_msg::mail::unread::{self, Place};

use crate::fs;

use super::arguments::{Find, SortKey};
use super::clock::Clock;
use super::columns::Columns;
use super::complain;
use super::messages::{FoundMessage, OpenError, Opener};
use super::ordered::{Output, ordered};
use super::places::{Places, Unit, Units, cause, count, in_stdin};
use super::status::Status;
use super::terminal::{has_colors, is_terminal, one_line, printed, progress_bar};

use filter::{Filter, Wrong};

pub(super) use filter::{sent_or_received, timestamp};

/// Prints the messages that are found.
pub(super) fn run(
    arguments: &Find,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    let clock = Clock::new(arguments.utc);
    let filter = match Filter::new(&arguments.filters, &clock, Timestamp::now()) {
        Ok(filter) => filter,
        Err(Wrong(what)) => {
            complain(&what);
            return Ok(Status::Failed);
        }
    };
    let mut paths = arguments.paths.clone();
    if paths.is_empty() {
        // Search the current folder, without `./` before the paths, as fd and ripgrep do.
        paths.push(PathBuf::new());
    }
    let progress = progress_bar(|| match paths.iter().any(|path| in_stdin(path).is_some()) {
        // Standard input can be read only once.
        true => paths.len() as u64,
        false => count(Places::new(options.clone()), &paths),
    });
    let search = Finder {
        arguments,
        filter,
        columns: Columns::new(clock, has_colors(arguments.color)),
        opener: Opener::new(&options),
    };
    let units = Units::new(Places::new(options), paths).of_messages();
    let mut results =
        Results { arguments, out, progress, hits: Vec::new(), count: 0, failed: None };
    let mut status = Status::Done;
    let work = |unit: Unit, _: &mut Output<'_>| search.unit(unit);
    ordered(units, &mut io::sink(), work, |outcome| {
        for (failure, text) in outcome.failures {
            status.join(failure);
            results.progress.suspend(|| complain(&text));
        }
        results.take(outcome.hits)
    })?;
    results.finish()?;
    Ok(status)
}

/// A message that is found: what it is sorted by, and what is printed of it.
struct Hit {
    key: Option<FoundKey>,
    text: Vec<u8>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum FoundKey {
    Time(Timestamp),
    Size(u64),
    Text(String),
}

/// The outcome for a message, or for a directory in one.
#[derive(Default)]
struct FindOutcome {
    hits: Vec<Hit>,
    failures: Vec<(Status, String)>,
}

struct Finder<'a> {
    arguments: &'a Find,
    filter: Filter,
    columns: Columns,
    opener: Opener,
}

impl Finder<'_> {
    fn unit(&self, unit: Unit) -> FindOutcome {
        let mut outcome = FindOutcome::default();
        let place = match unit {
            Unit::Tree(place) => place,
            Unit::File(_) | Unit::Folder(_) => return outcome,
            Unit::Failed(path, error) => {
                // A user of fd types the pattern first.
                let hint = hint_for_pattern(&path, &error);
                let text = format!("{}: {}{hint}", one_line(&path), cause(&error));
                outcome.failures.push((Status::of(&error), text));
                return outcome;
            }
        };
        let embedded = self.arguments.filters.embedded;
        // A file of the wrong size need not be opened, unless for what is embedded in it.
        if place.is_message() && !embedded && !self.filter.has_size(place.attr().size) {
            return outcome;
        }
        let FindOutcome { hits, failures } = &mut outcome;
        let mut fail = |status, text: String| failures.push((status, text));
        let mut missed = Vec::new();
        self.opener.each(
            &place,
            embedded,
            &mut |found| {
                if let Err(error) = &found.mail
                    && self.misses(&found, error)
                {
                    missed.push((error.status(), format!("{}: {error}", one_line(&found.path))));
                }
                let matched = self.filter.matches(&found);
                if let Ok(true) = matched {
                    hits.push(self.hit(&found));
                }
                // It may be one that is looked for, or one that is may be embedded in it.
                let checked = matched.and_then(|_| match &found.mail {
                    Ok(mail) if embedded => unread::check_read(mail, &[Place::Embedded]),
                    _ => Ok(()),
                });
                if let Err(error) = checked {
                    missed.push((Status::Wrong, format!("{}: {error}", one_line(&found.path))));
                }
            },
            &mut |path, error| {
                fail(Status::of(&error), format!("{}: {}", one_line(&path), cause(&error)));
            },
        );
        failures.extend(missed);
        outcome
    }

    /// Whether something is asked for of a message that cannot be opened, or of those in it.
    fn misses(&self, found: &FoundMessage, error: &OpenError) -> bool {
        let Find { long, json, .. } = *self.arguments;
        self.arguments.filters.embedded
            || long
            || json
            || self.filter.asks_content()
            || self.filter.asks_size() && found.size().is_none()
            // It is not known whether a file that cannot be read is damaged.
            || self.filter.asks_damage() && !error.is_damage()
    }

    fn hit(&self, found: &FoundMessage) -> Hit {
        let Find { long, null, json, hash, count, .. } = *self.arguments;
        let mut text = Vec::new();
        if json {
            // Writing to memory does not fail, nor does a row without maps.
            let _ = super::json::write_json(&found.row(hash), &mut text);
            text.push(b'\n');
        } else if !count {
            if long {
                text.extend(self.columns.of(found).into_bytes());
            }
            text.extend_from_slice(&printed(&found.path, is_terminal() && !null));
            text.push(if null { 0 } else { b'\n' });
        }
        Hit { key: self.arguments.sort.and_then(|key| sort_key(found, key)), text }
    }
}

/// A hint for users of fd, who type a pattern where msgfs expects a path.
fn hint_for_pattern(path: &Path, error: &fs::Error) -> &'static str {
    let is_missing = match error {
        fs::Error::NotFound => true,
        fs::Error::Source { source, .. } => source.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    match is_missing && path.components().count() == 1 && path.extension().is_none() {
        true => "; a pattern needs --text, --from, --subject or the like",
        false => "",
    }
}

fn sort_key(found: &FoundMessage, key: SortKey) -> Option<FoundKey> {
    let mail = found.mail.as_ref().ok();
    match key {
        // The walk gives them in this order.
        SortKey::Path => None,
        SortKey::Size => found.size().map(FoundKey::Size),
        SortKey::Date => mail.and_then(sent_or_received).and_then(timestamp).map(FoundKey::Time),
        SortKey::From => {
            let from = mail?.from().ok()??;
            Some(FoundKey::Text(from.to_string().to_lowercase()))
        }
        SortKey::Subject => Some(FoundKey::Text(mail?.subject().ok()??.to_lowercase())),
    }
}

/// Prints messages as they are found, or sorted at the end.
struct Results<'a> {
    arguments: &'a Find,
    out: &'a mut (dyn Write + Send),
    progress: ProgressBar,
    /// What is to be sorted.
    hits: Vec<Hit>,
    count: usize,
    failed: Option<io::Error>,
}

impl Results<'_> {
    /// Takes the outcome of the next unit. Returns whether more messages are wanted.
    fn take(&mut self, hits: Vec<Hit>) -> bool {
        self.progress.inc(1);
        if self.is_sorted() {
            self.hits.extend(hits);
            return true;
        }
        hits.into_iter().all(|hit| self.print(&hit)) && self.count < self.limit()
    }

    fn print(&mut self, hit: &Hit) -> bool {
        if self.count >= self.limit() {
            return false;
        }
        self.count += 1;
        self.failed = self.out.write_all(&hit.text).err();
        self.failed.is_none()
    }

    fn finish(mut self) -> io::Result<()> {
        self.progress.finish_and_clear();
        let mut hits = std::mem::take(&mut self.hits);
        let reverse = self.arguments.reverse;
        match self.arguments.sort {
            None | Some(SortKey::Path) if reverse => hits.reverse(),
            // The sort is stable: what is equal stays in the order of the paths.
            _ => hits.sort_by(|a, b| match (&a.key, &b.key) {
                (Some(a), Some(b)) if reverse => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            }),
        }
        hits.iter().all(|hit| self.print(hit));
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.arguments.count {
            true => writeln!(self.out, "{}", self.count),
            false => Ok(()),
        }
    }

    fn is_sorted(&self) -> bool {
        self.arguments.sort.is_some() || self.arguments.reverse
    }

    fn limit(&self) -> usize {
        self.arguments.limit.unwrap_or(usize::MAX)
    }
}
