//! `msgfs grep`: searches what a mount would list, straight from the messages' files.
//!
//! The search itself, and how lines are printed, is that of ripgrep's crates.

mod search;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, SearcherBuilder};
use indicatif::ProgressBar;

use crate::fs::{self, FileType};

use super::arguments::{Grep, When};
use super::ordered::{Output, ordered};
use super::places::{Places, Unit, Units, cause, count, in_stdin};
use super::terminal::{is_terminal, one_line, progress_bar};
use super::{complain, wrong_usage};

use search::{Outcome, Search, Style};

/// A line is found.
const SELECTED: u8 = 0;
const NONE_SELECTED: u8 = 1;
const FAILED: u8 = 2;
/// The longest line that is searched, in bytes.
const LINE_MAX: usize = 256 << 20;

/// Searches; returns the exit code.
pub(super) fn run(
    arguments: &Grep,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<u8> {
    let (patterns, paths) = match patterns_and_paths(arguments) {
        Ok(split) => split,
        Err(missing) => return Ok(wrong_usage(missing)),
    };
    let matcher = match matcher(arguments, &patterns) {
        Ok(matcher) => matcher,
        Err(error) => {
            complain(&error.to_string());
            return Ok(FAILED);
        }
    };
    let mut places = Places::new(options.clone());
    let progress = progress_bar(|| match paths.iter().any(|path| in_stdin(path).is_some()) {
        // Standard input can be read only once.
        true => paths.len() as u64,
        false => count(Places::new(options), &paths),
    });
    let search = Search {
        matcher,
        style: style(arguments, with_filename(arguments, &mut places, &paths)),
        parts: arguments.parts.clone(),
        searcher: searcher(arguments),
    };
    let work = |unit: Unit, output: &mut Output<'_>| match unit {
        Unit::Failed(path, error) => {
            Outcome { failures: vec![(path, cause(&error))], ..Outcome::default() }
        }
        Unit::Tree(place) => search.tree(&place, output),
        Unit::File(place) if place.attr().file_type == FileType::RegularFile => {
            search.file(&place, output)
        }
        // As grep -r does with links, devices and pipes.
        Unit::File(_) | Unit::Folder(_) => Outcome::default(),
    };
    let (mut is_found, mut is_well) = (false, true);
    let mut out = BesideProgress { out, progress: &progress };
    let done = |outcome: Outcome| {
        is_found |= outcome.is_found;
        is_well &= outcome.failures.is_empty();
        progress.inc(1);
        for (path, cause) in outcome.failures {
            progress.suspend(|| complain(&format!("{}: {cause}", one_line(&path))));
        }
        !(is_found && arguments.quiet)
    };
    ordered(Units::new(places, paths), &mut out, work, done)?;
    progress.finish_and_clear();
    Ok(match (is_found, is_well) {
        (true, _) if arguments.quiet => SELECTED,
        (_, false) => FAILED,
        (true, true) => SELECTED,
        (false, true) => NONE_SELECTED,
    })
}

/// What is printed while a progress bar is shown.
struct BesideProgress<'a> {
    out: &'a mut (dyn Write + Send),
    progress: &'a ProgressBar,
}

impl Write for BesideProgress<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.progress.is_hidden() {
            return self.out.write(bytes);
        }
        self.progress.suspend(|| {
            self.out.write_all(bytes)?;
            self.out.flush()
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The first word is the pattern unless `-e` gives one; returns what is missing.
fn patterns_and_paths(arguments: &Grep) -> Result<(Vec<String>, Vec<PathBuf>), &'static str> {
    let mut words = arguments.words.iter().cloned();
    let mut patterns = arguments.patterns.clone();
    if patterns.is_empty() {
        let word = words.next().map(OsString::into_string);
        patterns.push(word.and_then(Result::ok).ok_or("the pattern is not UTF-8")?);
    }
    let paths: Vec<_> = words.map(PathBuf::from).collect();
    match paths.is_empty() {
        true => Err("missing <PATH>..."),
        false => Ok((patterns, paths)),
    }
}

fn matcher(arguments: &Grep, patterns: &[String]) -> Result<RegexMatcher, grep_regex::Error> {
    // As in grep, each line is a pattern.
    let patterns: Vec<_> = patterns.iter().flat_map(|pattern| pattern.split('\n')).collect();
    RegexMatcherBuilder::new()
        .case_insensitive(arguments.ignore_case)
        .word(arguments.word_regexp)
        .whole_line(arguments.line_regexp)
        .fixed_strings(arguments.fixed_strings)
        .multi_line(true)
        .line_terminator(Some(b'\n'))
        .build_many(&patterns)
}

fn searcher(arguments: &Grep) -> SearcherBuilder {
    let around = arguments.context.unwrap_or(0);
    let mut searcher = SearcherBuilder::new();
    searcher
        .invert_match(arguments.invert_match)
        .line_number(arguments.line_number)
        .before_context(arguments.before_context.unwrap_or(around))
        .after_context(arguments.after_context.unwrap_or(around))
        .max_matches(arguments.max_count)
        .heap_limit(Some(LINE_MAX))
        // What is in UTF-16 is binary to grep too.
        .bom_sniffing(false)
        .binary_detection(match arguments.text {
            true => BinaryDetection::none(),
            false => BinaryDetection::convert(0),
        });
    searcher
}

fn style(arguments: &Grep, with_filename: bool) -> Style {
    let is_dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_refused = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let to_terminal = is_terminal();
    Style {
        with_filename,
        to_terminal,
        has_colors: match arguments.color {
            When::Always => true,
            When::Never => false,
            When::Auto => to_terminal && !is_dumb() && !is_refused(),
        },
        what: match arguments {
            Grep { files_with_matches: true, .. } => search::What::Paths { with_match: true },
            Grep { files_without_match: true, .. } => search::What::Paths { with_match: false },
            Grep { count: true, .. } => search::What::Count,
            Grep { quiet: true, .. } => search::What::Nothing,
            Grep { json: true, .. } => search::What::Json,
            _ => search::What::Lines { only_matching: arguments.only_matching },
        },
        path_terminator: arguments.null.then_some(0),
    }
}

/// Whether lines are printed with their file: as in grep, not if there is only one.
fn with_filename(arguments: &Grep, places: &mut Places, paths: &[PathBuf]) -> bool {
    let mut is_file = |path: &Path| {
        places.open(path).is_ok_and(|place| place.attr().file_type != FileType::Directory)
    };
    match (arguments.with_filename, arguments.no_filename, paths) {
        (true, ..) => true,
        (_, true, _) => false,
        (.., [one]) => !is_file(one),
        _ => true,
    }
}
