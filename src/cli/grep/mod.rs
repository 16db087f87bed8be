//! `msgfs grep`: searches what a mount would list, straight from the messages' files.
//!
//! The search itself, and how lines are printed, is that of ripgrep's crates.

mod globs;
mod search;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, SearcherBuilder};

use crate::fs::{self, FileType};

use super::arguments::{Grep, SearchOrder};
use super::ordered::{Output, ordered};
use super::places::{Places, STDIN, Unit, Units, cause, count, in_stdin};
use super::status::Status;
use super::suggest::wrong_pattern;
use super::terminal::{has_colors, is_terminal, one_line, progress_bar};
use super::{complain, wrong_usage};

use globs::Globs;
use search::{JoinedOutput, PrintStyle, Search, SearchOutcome, Searchers};

/// The longest line that is searched, in bytes.
const LINE_MAX: usize = 256 << 20;

/// Searches; returns the exit code.
pub(super) fn run(
    arguments: &Grep,
    options: fs::Options,
    out: &mut (dyn Write + Send),
) -> io::Result<Status> {
    let (patterns, paths) = match patterns_and_paths(arguments) {
        Ok(split) => split,
        Err(wrong) => return Ok(wrong_usage(&wrong)),
    };
    if arguments.perl_regexp {
        complain(
            "-P: look-around and back-references are not supported; most other patterns of Perl \
             work without -P",
        );
        return Ok(Status::Failed);
    }
    let (matcher, globs) = match matcher_and_globs(arguments, &patterns, &paths) {
        Ok(both) => both,
        Err(wrong) => {
            complain(&wrong);
            return Ok(Status::Failed);
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
        globs,
        searchers: Searchers::new(searcher(arguments)),
    };
    let work = |unit: Unit, output: &mut Output<'_>| match unit {
        Unit::Failed(path, error) => {
            SearchOutcome { failures: vec![(path, cause(&error))], ..SearchOutcome::default() }
        }
        Unit::Tree(place) => search.tree(&place, output),
        Unit::File(place) if place.attr().file_type == FileType::RegularFile => {
            search.file(&place, output)
        }
        // Skipped, as grep -r skips links, devices and pipes.
        Unit::File(_) | Unit::Folder(_) => SearchOutcome::default(),
    };
    let (mut is_found, mut is_well) = (false, true);
    let done = |outcome: SearchOutcome| {
        is_found |= outcome.is_found;
        is_well &= outcome.failures.is_empty();
        progress.inc(1);
        for (path, cause) in outcome.failures {
            if !arguments.no_messages {
                progress.suspend(|| complain(&format!("{}: {cause}", one_line(&path))));
            }
        }
        !(is_found && arguments.quiet)
    };
    let mut out = JoinedOutput::new(out, &search.style);
    ordered(units(places, paths, arguments.sort), &mut out, work, done)?;
    progress.finish_and_clear();
    Ok(match (is_found, is_well) {
        (true, _) if arguments.quiet => Status::Done,
        (_, false) => Status::Failed,
        (true, true) => Status::Done,
        (false, true) => Status::Wrong,
    })
}

/// The first word is the pattern unless `-e` or `-f` gives one; returns what is wrong.
fn patterns_and_paths(arguments: &Grep) -> Result<(Vec<String>, Vec<PathBuf>), String> {
    let mut words = arguments.words.iter().cloned();
    let mut patterns = arguments.patterns.clone();
    for file in &arguments.files {
        let text = match file.as_os_str() == STDIN {
            true => io::read_to_string(io::stdin().lock()),
            false => std::fs::read_to_string(file),
        };
        let text = text.map_err(|error| format!("-f {}: {error}", one_line(file)))?;
        patterns.extend(text.lines().map(str::to_owned));
    }
    if arguments.patterns.is_empty() && arguments.files.is_empty() {
        let word = words.next().ok_or("missing <PATTERN>")?;
        patterns.push(word.into_string().map_err(|_| "the pattern is not UTF-8")?);
    }
    let mut paths: Vec<_> = words.map(PathBuf::from).collect();
    if paths.is_empty() {
        // Search the current folder, without `./` before the paths, as ripgrep does.
        paths.push(PathBuf::new());
    }
    Ok((patterns, paths))
}

/// What is below some paths, in an order.
fn units(
    places: Places,
    paths: Vec<PathBuf>,
    order: SearchOrder,
) -> Box<dyn Iterator<Item = Unit> + Send> {
    let units = Units::new(places, paths);
    if order != SearchOrder::Modified {
        return Box::new(units);
    }
    let mut units: Vec<_> = units.collect();
    units.sort_by_key(|unit| match unit {
        Unit::Tree(place) | Unit::File(place) => Some(place.attr().mtime),
        Unit::Folder(_) | Unit::Failed(..) => None,
    });
    Box::new(units.into_iter())
}

/// What is searched for and in which files; or what is wrong with a pattern or a glob.
fn matcher_and_globs(
    arguments: &Grep,
    patterns: &[String],
    paths: &[PathBuf],
) -> Result<(RegexMatcher, Globs), String> {
    let matcher = matcher(arguments, patterns).map_err(|error| wrong_pattern(&error))?;
    let excluded = arguments.excluded.iter().map(|glob| format!("!{glob}"));
    let globs: Vec<_> = arguments.globs.iter().cloned().chain(excluded).collect();
    let globs = Globs::new(&globs, &arguments.iglobs, paths);
    Ok((matcher, globs.map_err(|error| error.to_string())?))
}

fn matcher(arguments: &Grep, patterns: &[String]) -> Result<RegexMatcher, grep_regex::Error> {
    // As in grep, each line is a pattern.
    let patterns: Vec<_> = patterns.iter().flat_map(|pattern| pattern.split('\n')).collect();
    RegexMatcherBuilder::new()
        .case_insensitive(arguments.ignore_case)
        .case_smart(arguments.smart_case)
        .word(arguments.word_regexp)
        .whole_line(arguments.line_regexp)
        .fixed_strings(arguments.fixed_strings)
        .multi_line(true)
        .line_terminator(Some(b'\n'))
        .build_many(&patterns)
}

fn searcher(arguments: &Grep) -> SearcherBuilder {
    let (before, after) = context(arguments);
    let mut searcher = SearcherBuilder::new();
    searcher
        .invert_match(arguments.invert_match)
        .line_number(arguments.line_number && !arguments.no_line_number)
        .before_context(before)
        .after_context(after)
        .max_matches(arguments.max_count)
        .heap_limit(Some(LINE_MAX))
        // Do not decode UTF-16: it is binary to grep too.
        .bom_sniffing(false)
        .binary_detection(match (arguments.text, arguments.no_binary) {
            (true, _) => BinaryDetection::none(),
            (_, true) => BinaryDetection::quit(0),
            _ => BinaryDetection::convert(0),
        });
    searcher
}

/// How many lines are printed before and behind a match.
fn context(arguments: &Grep) -> (usize, usize) {
    let around = arguments.context.unwrap_or(0);
    (arguments.before_context.unwrap_or(around), arguments.after_context.unwrap_or(around))
}

fn style(arguments: &Grep, with_filename: bool) -> PrintStyle {
    PrintStyle {
        with_filename,
        to_terminal: is_terminal(),
        has_colors: has_colors(arguments.color),
        what: match arguments {
            Grep { files_with_matches: true, .. } => search::Printed::Paths { with_match: true },
            Grep { files_without_match: true, .. } => search::Printed::Paths { with_match: false },
            Grep { count: true, .. } => search::Printed::Count,
            Grep { quiet: true, .. } => search::Printed::Nothing,
            Grep { messages: true, .. } => search::Printed::Messages,
            Grep { json: true, .. } => search::Printed::Json,
            _ => search::Printed::Lines { only_matching: arguments.only_matching },
        },
        path_terminator: arguments.null.then_some(0),
        separates_groups: context(arguments) != (0, 0) && !arguments.only_matching,
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
