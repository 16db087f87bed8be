//! The search of one message or file: which of its files are searched, and how lines are printed.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use grep_printer::{
    ColorSpecs, JSON, JSONBuilder, Standard, StandardBuilder, Summary, SummaryBuilder, SummaryKind,
};
use grep_regex::RegexMatcher;
use grep_searcher::{Searcher, SearcherBuilder};
use outlook_msg::sync::lock;
use termcolor::{Ansi, NoColor, WriteColor};

use crate::cli::contents::FileContents;
use crate::cli::ordered::{Output, Turns};
use crate::cli::places::cause;
use crate::cli::terminal::{HarmlessWriter, printed};
use crate::fs::{FileType, NamedEntry, Place};
use crate::view::{self, ATTACHMENTS, ERRORS, SearchPart};

use super::globs::Globs;

/// What is searched for, and how it is printed.
pub(super) struct Search {
    pub(super) matcher: RegexMatcher,
    pub(super) style: PrintStyle,
    /// All of a message, if none is named.
    pub(super) parts: Vec<SearchPart>,
    pub(super) globs: Globs,
    pub(super) searchers: Searchers,
}

/// The searchers that no thread uses at present. Each has buffers, which are used again.
pub(super) struct Searchers {
    builder: SearcherBuilder,
    unused: Mutex<Vec<Searcher>>,
}

impl Searchers {
    pub(super) fn new(builder: SearcherBuilder) -> Self {
        Self { builder, unused: Mutex::default() }
    }

    fn take(&self) -> Searcher {
        let unused = lock(&self.unused).pop();
        unused.unwrap_or_else(|| self.builder.build())
    }

    fn give_back(&self, searcher: Searcher) {
        lock(&self.unused).push(searcher);
    }
}

/// How what is found is printed.
#[derive(Clone, Debug)]
pub(super) struct PrintStyle {
    pub(super) with_filename: bool,
    pub(super) to_terminal: bool,
    pub(super) has_colors: bool,
    pub(super) what: Printed,
    pub(super) path_terminator: Option<u8>,
    /// Whether lines around the matches are printed, so that lines are in groups.
    pub(super) separates_groups: bool,
}

impl PrintStyle {
    /// What the output of each message begins with.
    fn separator(&self) -> &'static [u8] {
        match self.what {
            Printed::Lines { .. } if self.separates_groups => SEPARATOR_LINE,
            _ => b"",
        }
    }
}

/// What is printed of a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Printed {
    Lines {
        only_matching: bool,
    },
    Paths {
        with_match: bool,
    },
    Count,
    Json,
    /// The path of each message with a match, once.
    Messages,
    Nothing,
}

impl Printed {
    /// Whether the search of a message can end at the first match.
    fn ends_at_first_match(self) -> bool {
        matches!(self, Self::Messages | Self::Nothing)
    }
}

/// The outcome of the search of a message or file.
#[derive(Debug, Default)]
pub(super) struct SearchOutcome {
    pub(super) is_found: bool,
    pub(super) failures: Vec<(PathBuf, String)>,
}

impl Search {
    /// Searches a message, or a directory in one.
    pub(super) fn tree(&self, place: &Place, output: &mut Output<'_>) -> SearchOutcome {
        let mut one = MessageSearch::new(self, output);
        match place.path().file_name() == Some(OsStr::new(ATTACHMENTS)) && !place.is_message() {
            true => one.attachments(place),
            false => one.message(place),
        }
        let outcome = one.end();
        self.print_message(place.path(), &outcome, output);
        outcome
    }

    /// Prints the path of what has a match, if that is all that is asked for.
    fn print_message(&self, path: &Path, outcome: &SearchOutcome, output: &mut Output<'_>) {
        if outcome.is_found && matches!(self.style.what, Printed::Messages) {
            let mut line = printed(path, self.style.to_terminal).into_owned();
            line.push(self.style.path_terminator.unwrap_or(b'\n'));
            // If no more output is wanted, the whole search ends.
            let _ = output.write_all(&line);
        }
    }

    /// Searches a file that was named, or one that is no message.
    pub(super) fn file(&self, place: &Place, output: &mut Output<'_>) -> SearchOutcome {
        let is_part = self.parts.is_empty() || place.is_in_message();
        let mut one = MessageSearch::new(self, output);
        if is_part {
            one.file(place);
        }
        let outcome = one.end();
        self.print_message(place.path(), &outcome, output);
        outcome
    }

    fn has(&self, part: SearchPart) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Whether a file of a message is searched.
    fn has_file(&self, name: &OsStr) -> bool {
        let part = || view::part_of(name.to_str()?);
        self.parts.is_empty() || part().is_some_and(|part| self.has(part))
    }
}

/// The search of one message or file.
struct MessageSearch<'a> {
    search: &'a Search,
    searcher: Searcher,
    printer: Printer<'a>,
    turns: &'a Turns,
    /// Whether something may be missing of the files that are searched.
    may_be_damaged: bool,
    outcome: SearchOutcome,
}

impl<'a> MessageSearch<'a> {
    fn new(search: &'a Search, output: &'a mut Output<'_>) -> Self {
        let searcher = search.searchers.take();
        let turns = output.turns();
        let printer = Printer::new(&search.style, output);
        let outcome = SearchOutcome::default();
        Self { search, searcher, printer, turns, may_be_damaged: true, outcome }
    }

    /// The outcome. Releases the output.
    fn end(self) -> SearchOutcome {
        self.search.searchers.give_back(self.searcher);
        self.outcome
    }

    /// Searches a message, those embedded in it included.
    fn message(&mut self, place: &Place) {
        self.each(place, |one, child| match child.file_type {
            FileType::RegularFile if one.search.has_file(&child.name) => {
                one.child(place, child, Self::file);
            }
            FileType::Directory if child.name == ATTACHMENTS => {
                one.child(place, child, Self::attachments);
            }
            // The content of signed mail is a message itself.
            FileType::Directory => one.child(place, child, Self::message),
            _ => {}
        });
    }

    /// Searches all attachments, or only the parts asked for of the messages among them.
    fn attachments(&mut self, place: &Place) {
        if self.search.has(SearchPart::Attachments) {
            return self.everything(place);
        }
        self.each(place, |one, child| {
            if child.file_type == FileType::Directory {
                one.child(place, child, Self::message);
            }
        });
    }

    fn everything(&mut self, place: &Place) {
        self.each(place, |one, child| match child.file_type {
            FileType::RegularFile => one.child(place, child, Self::file),
            FileType::Directory => one.child(place, child, Self::everything),
            // Skipped, as grep -r skips links.
            _ => {}
        });
    }

    fn each(&mut self, place: &Place, mut search: impl FnMut(&mut Self, &NamedEntry)) {
        match place.list() {
            Ok(children) => {
                let outer = self.may_be_damaged;
                self.may_be_damaged = children.iter().any(|child| child.name == ERRORS);
                children.iter().for_each(|child| search(self, child));
                self.may_be_damaged = outer;
            }
            Err(error) => self.failed(place.path().to_owned(), cause(&error)),
        }
    }

    fn child(&mut self, place: &Place, child: &NamedEntry, search: impl FnOnce(&mut Self, &Place)) {
        let is_enough = self.outcome.is_found && self.search.style.what.ends_at_first_match();
        if is_enough || self.turns.is_stopped() {
            return;
        }
        match place.child(&child.name) {
            Ok(child) => search(self, &child),
            Err(error) => self.failed(place.path().join(&child.name), cause(&error)),
        }
    }

    fn file(&mut self, place: &Place) {
        if !self.search.globs.take(place.path()) {
            return;
        }
        let mut contents = FileContents::new(place);
        let Self { search, searcher, printer, .. } = self;
        let path = printed(place.path(), search.style.to_terminal);
        let path = Path::new(OsStr::from_bytes(&path));
        let searched = printer.search(&search.matcher, searcher, path, &mut contents);
        // A word that is not found may be in the part that is missing.
        let failure = contents
            .failure
            .or_else(|| if self.may_be_damaged { place.check_whole().err() } else { None });
        let failure = failure.map(|error| cause(&error));
        match searched {
            Ok(is_found) => self.outcome.is_found |= is_found,
            // The output is closed; `ordered` reports that.
            Err(_) if self.turns.is_stopped() => {}
            Err(error) => self.failed(place.path().to_owned(), error.to_string()),
        }
        if let Some(cause) = failure {
            self.failed(place.path().to_owned(), cause);
        }
    }

    fn failed(&mut self, path: PathBuf, cause: String) {
        self.outcome.failures.push((path, cause));
    }
}

/// What stands between two groups of lines, also of different files, as in grep.
const GROUP_SEPARATOR: &str = "--";
/// The same as the line that the output of each message begins with.
const SEPARATOR_LINE: &[u8] = b"--\n";

/// The output of one message or file, which begins with a separator if there is any.
struct FollowedOutput<'a, 'b> {
    output: &'a mut Output<'b>,
    /// Empty if none is wanted any more.
    separator: &'static [u8],
}

impl Write for FollowedOutput<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.output.write_all(std::mem::take(&mut self.separator))?;
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// The output of all messages and files, without the separator at its start.
pub(super) struct JoinedOutput<'a> {
    out: &'a mut (dyn Write + Send),
    /// How many bytes are still left out.
    left_out: usize,
}

impl<'a> JoinedOutput<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), style: &PrintStyle) -> Self {
        Self { out, left_out: style.separator().len() }
    }
}

impl Write for JoinedOutput<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left_out = self.left_out.min(bytes.len());
        self.out.write_all(bytes.get(left_out..).unwrap_or_default())?;
        self.left_out -= left_out;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

type ColourOut<'a> = Box<dyn WriteColor + 'a>;

enum Printer<'a> {
    Lines(Standard<ColourOut<'a>>),
    Summary(Summary<ColourOut<'a>>),
    Json(JSON<ColourOut<'a>>),
}

impl<'a> Printer<'a> {
    fn new(style: &PrintStyle, output: &'a mut Output<'_>) -> Self {
        let output = FollowedOutput { output, separator: style.separator() };
        let out: ColourOut<'a> = match style.has_colors {
            true => Box::new(Ansi::new(output)),
            false => Box::new(NoColor::new(output)),
        };
        let out: ColourOut<'a> = match (style.to_terminal, style.what) {
            (true, Printed::Json) => Box::new(HarmlessWriter::of_json(out)),
            (true, _) => Box::new(HarmlessWriter::new(out)),
            (false, _) => out,
        };
        let summary = |kind| {
            let mut builder = SummaryBuilder::new();
            builder.kind(kind).path(style.with_filename).exclude_zero(false);
            builder.path_terminator(style.path_terminator);
            builder.color_specs(ColorSpecs::default_with_color());
            builder
        };
        match style.what {
            Printed::Lines { only_matching } => Self::Lines(
                StandardBuilder::new()
                    .path(style.with_filename)
                    .only_matching(only_matching)
                    .path_terminator(style.path_terminator)
                    .separator_search(style.separates_groups.then(|| GROUP_SEPARATOR.into()))
                    .color_specs(ColorSpecs::default_with_color())
                    .build(out),
            ),
            Printed::Json => Self::Json(JSONBuilder::new().build(out)),
            Printed::Count => Self::Summary(summary(SummaryKind::Count).build(out)),
            Printed::Nothing | Printed::Messages => {
                Self::Summary(summary(SummaryKind::QuietWithMatch).build(out))
            }
            Printed::Paths { with_match: true } => {
                Self::Summary(summary(SummaryKind::PathWithMatch).build(out))
            }
            Printed::Paths { with_match: false } => {
                Self::Summary(summary(SummaryKind::PathWithoutMatch).build(out))
            }
        }
    }

    /// Searches a file; returns whether there is a match.
    fn search(
        &mut self,
        matcher: &RegexMatcher,
        searcher: &mut Searcher,
        path: &Path,
        reader: &mut FileContents<'_>,
    ) -> io::Result<bool> {
        match self {
            Self::Lines(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                searcher.search_reader(matcher, reader, &mut sink).map(|()| sink.has_match())
            }
            Self::Summary(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                searcher.search_reader(matcher, reader, &mut sink).map(|()| sink.has_match())
            }
            Self::Json(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                searcher.search_reader(matcher, reader, &mut sink).map(|()| sink.has_match())
            }
        }
    }
}
