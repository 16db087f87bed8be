//! What can be typed: the commands and their options. Help, man pages and completions are made
//! of the same definitions. Knows nothing of what a command does.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const TOPICS_HINT: &str =
    "'msgfs help COMMAND' and 'msgfs help OPTION' explain more, as 'msgfs help show'.";

/// Mount Outlook .msg files, and read, search and edit messages as ordinary files.
#[derive(Debug, Parser)]
#[command(
    name = "msgfs",
    version,
    max_term_width = 100,
    after_help = TOPICS_HINT,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    override_usage = "msgfs [OPTIONS] <SOURCE> <MOUNTPOINT>\n       msgfs <COMMAND> ..."
)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) mount: Option<Mount>,
}

#[derive(Debug, Args)]
pub(super) struct Mount {
    /// A folder with .msg and .oft files, or one such file.
    #[arg(hide = true)]
    pub(super) source: PathBuf,
    /// An empty directory.
    #[arg(hide = true, value_name = "MOUNTPOINT")]
    pub(super) mount_point: PathBuf,
    /// Mount options with commas between; see 'msgfs help options'.
    #[arg(short = 'o', value_name = "OPTIONS")]
    pub(super) options: Vec<String>,
    /// Stay in the foreground, and log to the terminal.
    #[arg(short = 'f')]
    pub(super) foreground: bool,
    /// Log every request; implies -f.
    #[arg(short = 'd')]
    pub(super) debug: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List folders, messages and what is in them.
    ///
    /// PATH is a folder, a message or a path that leads into one, as mail/Offer.msg/attachments;
    /// '-' is a message on standard input, '-/attachments' what is in it. Names that are listed
    /// are those that a mount would show.
    Ls(Ls),
    /// List all that is below PATH as a tree.
    Tree(Tree),
    /// Print files of messages.
    ///
    /// PATH is a file, as mail/Offer.msg/body.txt or mail/Offer.msg/mapi/PR_SUBJECT; '-/body.txt'
    /// is one of a message on standard input.
    Cat(Cat),
    /// Copy what is below PATH into a directory.
    ///
    /// DEST then holds what a mount of PATH shows, with the same names and times. A file that is
    /// there and equal is left alone, so that an interrupted extraction can be run again. Nothing
    /// is written outside of DEST, whatever links are in it. What fails is listed at the end, and
    /// the exit status is then 1.
    Extract(Extract),
    /// Search messages in parallel, straight from the files.
    ///
    /// Searches the files that a mount lists, as grep -r does, and names them as the mount does.
    /// Patterns are regular expressions as in ripgrep. Exit status: 0 if a line was selected, 1
    /// if none was, 2 after an error.
    Grep(Grep),
    /// List what is damaged in any message below PATH; exit 1 if anything is.
    Check(Check),
    /// Unmount; a mount in use ends with its last user.
    Umount(Umount),
    /// Explain a command, an option of -o, or all options.
    Help(Help),
    /// Print the man page, of msgfs or of a command.
    #[command(hide = true)]
    Man(Man),
    /// Print the completions for a shell.
    #[command(hide = true)]
    Completions(Completions),
}

/// How the tree is shown, as for a mount.
#[derive(Debug, Args)]
pub(super) struct View {
    /// Options as for a mount: show=, others=, codepage=, cache= and the like.
    #[arg(short = 'o', long = "options", value_name = "OPTIONS")]
    pub(super) options: Vec<String>,
}

/// What to list.
#[derive(Debug, Args)]
pub(super) struct Ls {
    /// Show mode, links, owner, group, size and time; nothing is asked of the files otherwise.
    #[arg(short = 'l')]
    pub(super) long: bool,
    /// List directories, messages included, with all below them.
    #[arg(short = 'R', long)]
    pub(super) recursive: bool,
    /// Print a line of JSON a message: path, date, from, to, subject, size, attachments.
    #[arg(long, conflicts_with = "long")]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) view: View,
    /// What to list.
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    pub(super) paths: Vec<PathBuf>,
}

/// What to show as a tree.
#[derive(Debug, Args)]
pub(super) struct Tree {
    /// Descend at most so many levels.
    #[arg(short = 'L', long, value_name = "LEVELS")]
    pub(super) levels: Option<usize>,
    #[command(flatten)]
    pub(super) view: View,
    /// Folders, messages or paths in them; '-' is a message on standard input.
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    pub(super) paths: Vec<PathBuf>,
}

/// What to print.
#[derive(Debug, Args)]
pub(super) struct Cat {
    #[command(flatten)]
    pub(super) view: View,
    /// Files, as mail/Offer.msg/body.txt or -/subject of a message on standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}

/// What to copy out, and where to.
#[derive(Debug, Args)]
pub(super) struct Extract {
    /// Make each message one file, NAME.eml with attachments, instead of a directory.
    #[arg(long, group = "as_file")]
    pub(super) eml: bool,
    /// Make each message one file, NAME.json with all properties, instead of a directory.
    #[arg(long, group = "as_file")]
    pub(super) json: bool,
    /// Make each message one file, NAME.msg, instead of a directory.
    #[arg(long, group = "as_file")]
    pub(super) msg: bool,
    #[command(flatten)]
    pub(super) view: View,
    /// A folder, a message or a path in one; '-' is a message on standard input.
    pub(super) path: PathBuf,
    /// A directory, created if it is not there.
    pub(super) dest: PathBuf,
}

/// What to search for, and where.
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    override_usage = "msgfs grep [OPTIONS] <PATTERN> <PATH>...\n       msgfs grep [OPTIONS] -e <PATTERN>... <PATH>...",
    mut_arg("options", |arg| arg.short(None))
)]
pub(super) struct Grep {
    /// A pattern; may be given more than once.
    #[arg(short = 'e', long = "regexp", value_name = "PATTERN", allow_hyphen_values = true)]
    pub(super) patterns: Vec<String>,
    /// Take patterns as they stand, not as regular expressions.
    #[arg(short = 'F', long)]
    pub(super) fixed_strings: bool,
    /// Take upper and lower case as equal.
    #[arg(short = 'i', long)]
    pub(super) ignore_case: bool,
    /// Match whole words only.
    #[arg(short = 'w', long)]
    pub(super) word_regexp: bool,
    /// Match whole lines only.
    #[arg(short = 'x', long)]
    pub(super) line_regexp: bool,
    /// Select the lines that do not match.
    #[arg(short = 'v', long)]
    pub(super) invert_match: bool,
    /// Search these parts of messages only.
    #[arg(long = "in", value_name = "PART", value_delimiter = ',')]
    pub(super) parts: Vec<Part>,
    /// Print the files with a match only.
    #[arg(short = 'l', long, group = "what")]
    pub(super) files_with_matches: bool,
    /// Print the files without a match only.
    #[arg(short = 'L', long, group = "what")]
    pub(super) files_without_match: bool,
    /// Print the number of matching lines of each file only.
    #[arg(short = 'c', long, group = "what")]
    pub(super) count: bool,
    /// Print JSON, as ripgrep does: begin, match, end.
    #[arg(long, group = "what")]
    pub(super) json: bool,
    /// Print nothing and end at the first match.
    #[arg(short = 'q', long, group = "what")]
    pub(super) quiet: bool,
    /// Print the matching parts of lines only.
    #[arg(short = 'o', long)]
    pub(super) only_matching: bool,
    /// Print line numbers.
    #[arg(short = 'n', long)]
    pub(super) line_number: bool,
    /// Print NUM lines behind each match.
    #[arg(short = 'A', long, value_name = "NUM")]
    pub(super) after_context: Option<usize>,
    /// Print NUM lines before each match.
    #[arg(short = 'B', long, value_name = "NUM")]
    pub(super) before_context: Option<usize>,
    /// Print NUM lines before and behind each match.
    #[arg(short = 'C', long, value_name = "NUM")]
    pub(super) context: Option<usize>,
    /// Stop in each file after NUM lines.
    #[arg(short = 'm', long, value_name = "NUM")]
    pub(super) max_count: Option<u64>,
    /// Search binary files as if they were text.
    #[arg(short = 'a', long)]
    pub(super) text: bool,
    /// Print the file of each line, also of a single file.
    #[arg(short = 'H', long, overrides_with = "no_filename")]
    pub(super) with_filename: bool,
    /// Do not print the file of a line.
    #[arg(short = 'h', long, overrides_with = "with_filename")]
    pub(super) no_filename: bool,
    /// End the name of a file with NUL, for xargs -0.
    #[arg(short = 'Z', long)]
    pub(super) null: bool,
    /// Colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub(super) color: When,
    /// Print help.
    #[arg(long, action = ArgAction::HelpLong)]
    pub(super) help: Option<bool>,
    #[command(flatten)]
    pub(super) view: View,
    /// The pattern, unless -e is given; then folders, messages, or paths in them.
    #[arg(required = true, value_name = "PATH")]
    pub(super) words: Vec<OsString>,
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// The file subject.
    Subject,
    /// from and sender.
    From,
    /// to, cc and bcc.
    To,
    /// body.txt, body.html and body.rtf.
    Body,
    /// The file headers.
    Headers,
    /// All below attachments/.
    Attachments,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What to check, and how to print it.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Messages, or folders with messages.
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Print one JSON object a line: each defect, then the summary.
    #[arg(long)]
    pub(super) json: bool,
}

/// What to unmount.
#[derive(Debug, Args)]
pub(super) struct Umount {
    /// Where it is mounted.
    #[arg(value_name = "MOUNTPOINT")]
    pub(super) mount_point: PathBuf,
}

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Help {
    /// A command, an option of -o, or 'options' for all of these.
    #[arg(value_name = "TOPIC")]
    pub(super) topics: Vec<String>,
}

/// Which page to print.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command; msgfs itself if none is given.
    pub(super) command: Option<String>,
}

/// Whose completions to print.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    pub(super) shell: Shell,
}

/// The definitions as a whole.
pub(super) fn command() -> clap::Command {
    CommandLine::command()
}
