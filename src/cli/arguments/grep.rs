//! What `msgfs grep` takes: the options of grep and ripgrep that mean something here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{ArgAction, Args, ValueEnum, ValueHint};

use crate::view::SearchPart;

use super::{ColorChoice, View};

/// What to search for, and where.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    disable_help_flag = true,
    override_usage = "msgfs grep [OPTIONS] <PATTERN> [PATH]...\n       msgfs grep [OPTIONS] -e <PATTERN>... [PATH]...",
    mut_arg("options", |arg| arg.short(None))
)]
pub(in crate::cli) struct Grep {
    /// A pattern; may be given more than once.
    #[arg(short = 'e', long = "regexp", value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) patterns: Vec<String>,
    /// Take each line of FILE as a pattern; '-' is standard input.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Take patterns as they stand, not as regular expressions.
    #[arg(short = 'F', long)]
    pub(in crate::cli) fixed_strings: bool,
    /// Take upper and lower case as equal.
    #[arg(short = 'i', long, overrides_with = "smart_case")]
    pub(in crate::cli) ignore_case: bool,
    /// As -i, unless a pattern has a capital letter.
    #[arg(short = 'S', long, overrides_with = "ignore_case")]
    pub(in crate::cli) smart_case: bool,
    /// Match whole words only.
    #[arg(short = 'w', long)]
    pub(in crate::cli) word_regexp: bool,
    /// Match whole lines only.
    #[arg(short = 'x', long)]
    pub(in crate::cli) line_regexp: bool,
    /// Select the lines that do not match.
    #[arg(short = 'v', long)]
    pub(in crate::cli) invert_match: bool,
    /// Search these parts of messages only; may be given more than once.
    #[arg(long = "in", value_name = "PART", value_delimiter = ',')]
    pub(in crate::cli) parts: Vec<SearchPart>,
    /// Search files whose path matches, or with ! in front does not match; as in ripgrep. A glob
    /// that matches a message means all that is in it.
    #[arg(
        short = 'g',
        long = "glob",
        alias = "include",
        value_name = "GLOB",
        allow_hyphen_values = true
    )]
    pub(in crate::cli) globs: Vec<String>,
    /// Leave out files and directories that match, as -g '!GLOB' does.
    #[arg(long = "exclude", value_name = "GLOB", allow_hyphen_values = true)]
    pub(in crate::cli) excluded: Vec<String>,
    /// As -g, in any case.
    #[arg(long = "iglob", value_name = "GLOB", allow_hyphen_values = true)]
    pub(in crate::cli) iglobs: Vec<String>,
    /// Order of the messages: by path, or by the time of their files.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    pub(in crate::cli) sort: SearchOrder,
    /// Print the path of each message with a match once.
    #[arg(long, group = "what")]
    pub(in crate::cli) messages: bool,
    /// Print the files with a match only.
    #[arg(short = 'l', long, group = "what")]
    pub(in crate::cli) files_with_matches: bool,
    /// Print the files without a match only.
    #[arg(short = 'L', long, group = "what")]
    pub(in crate::cli) files_without_match: bool,
    /// Print the number of matching lines of each file only.
    #[arg(short = 'c', long, group = "what")]
    pub(in crate::cli) count: bool,
    /// Print JSON, as ripgrep does: begin, match, end.
    #[arg(long, group = "what")]
    pub(in crate::cli) json: bool,
    /// Print nothing and end at the first match.
    #[arg(short = 'q', long, group = "what")]
    pub(in crate::cli) quiet: bool,
    /// Print the matching parts of lines only.
    #[arg(short = 'o', long)]
    pub(in crate::cli) only_matching: bool,
    /// Print line numbers.
    #[arg(short = 'n', long)]
    pub(in crate::cli) line_number: bool,
    /// Print no line numbers, which is the default.
    #[arg(short = 'N', long, hide = true)]
    pub(in crate::cli) no_line_number: bool,
    /// Print NUM lines behind each match.
    #[arg(short = 'A', long, value_name = "NUM")]
    pub(in crate::cli) after_context: Option<usize>,
    /// Print NUM lines before each match.
    #[arg(short = 'B', long, value_name = "NUM")]
    pub(in crate::cli) before_context: Option<usize>,
    /// Print NUM lines before and behind each match.
    #[arg(short = 'C', long, value_name = "NUM")]
    pub(in crate::cli) context: Option<usize>,
    /// Stop in each file after NUM lines.
    #[arg(short = 'm', long, value_name = "NUM")]
    pub(in crate::cli) max_count: Option<u64>,
    /// Say nothing of files that are missing or cannot be read.
    #[arg(short = 's', long)]
    pub(in crate::cli) no_messages: bool,
    /// Take binary files for files without a match.
    #[arg(short = 'I')]
    pub(in crate::cli) no_binary: bool,
    /// Search directories, too; this is always done.
    #[arg(short = 'r', long, short_alias = 'R')]
    pub(in crate::cli) recursive: bool,
    /// Take patterns for extended regular expressions; this is always done.
    #[arg(short = 'E', long)]
    pub(in crate::cli) extended_regexp: bool,
    /// Search hidden and ignored files, too; this is always done.
    #[arg(long, alias = "no-ignore", alias = "no-heading", short_alias = 'u', hide = true, action = ArgAction::Count)]
    pub(in crate::cli) hidden: u8,
    /// Refused: look-around and back-references are not supported.
    #[arg(short = 'P', long, hide = true)]
    pub(in crate::cli) perl_regexp: bool,
    /// Search binary files as if they were text.
    #[arg(short = 'a', long)]
    pub(in crate::cli) text: bool,
    /// Print the file of each line, also of a single file.
    #[arg(short = 'H', long, overrides_with = "no_filename")]
    pub(in crate::cli) with_filename: bool,
    /// Do not print the file of a line.
    #[arg(short = 'h', long, overrides_with = "with_filename")]
    pub(in crate::cli) no_filename: bool,
    /// End the name of a file with NUL, for xargs -0.
    #[arg(short = 'Z', short_alias = '0', long)]
    pub(in crate::cli) null: bool,
    /// Colour what is printed.
    #[arg(long, alias = "colour", value_name = "WHEN", value_enum, default_value_t)]
    pub(in crate::cli) color: ColorChoice,
    /// Print help.
    #[arg(long, action = ArgAction::HelpLong)]
    pub(in crate::cli) help: Option<bool>,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// The pattern, unless -e is given; then folders, messages, or paths in them.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(in crate::cli) words: Vec<OsString>,
}

impl ValueEnum for SearchPart {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.files()))
    }
}

/// The order in which messages are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SearchOrder {
    /// The names of each folder by their bytes.
    #[default]
    Path,
    /// The oldest file first.
    Modified,
    /// As `path`, which costs nothing.
    None,
}
