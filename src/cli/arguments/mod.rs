//! What can be typed: the commands and their options. Help, man pages and completions are made
//! of the same definitions. Knows nothing of what a command does.

mod extract;
mod find;
mod grep;
mod ls;
mod show;
#[cfg(feature = "table")]
mod table;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

pub(super) use extract::Extract;
pub(super) use find::{Filters, Find, MessageKind, SortKey};
pub(super) use grep::{Grep, SearchOrder};
pub(super) use ls::Ls;
pub(super) use show::ShowArguments;
#[cfg(feature = "table")]
pub(super) use table::Table;

const TOPICS_HINT: &str = "'msgfs help COMMAND' and 'msgfs help OPTION' explain more, as 'msgfs help show';\n\
     'msgfs man' prints the man page, 'msgfs completions SHELL' completions.";

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
pub(in crate::cli) struct CommandLine {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<Command>,
    #[command(flatten)]
    pub(in crate::cli) mount: Option<MountArguments>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MountArguments {
    /// A folder with .msg and .oft files, or one such file.
    #[arg(hide = true)]
    pub(in crate::cli) source: PathBuf,
    /// An empty directory.
    #[arg(hide = true, value_name = "MOUNTPOINT")]
    pub(in crate::cli) mount_point: PathBuf,
    /// Mount options with commas between; see 'msgfs help options'.
    #[arg(short = 'o', value_name = "OPTIONS")]
    pub(in crate::cli) options: Vec<String>,
    /// Stay in the foreground, and log to the terminal.
    #[arg(short = 'f')]
    pub(in crate::cli) foreground: bool,
    /// Log every request; implies -f.
    #[arg(short = 'd')]
    pub(in crate::cli) debug: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Print messages as a person reads them.
    ///
    /// Shows the header, the body, the attachments, and what cannot be read. PATH is a message,
    /// or one that is embedded in it, as mail/Offer.msg/attachments/Order.msg; '-' is a message
    /// on standard input.
    /// On a terminal the text goes through $MSGFS_PAGER, $PAGER, or less. Exit status: 0 if all
    /// could be read, 1 if something is damaged, 2 if a path is missing or no message.
    Show(ShowArguments),
    /// Find messages by their fields, dates and attachments.
    ///
    /// Prints the path of each message below PATH for which all filters hold. If a filter is given
    /// more than once, one of its values must hold. A PATTERN is a regular expression that ignores
    /// case unless it has a capital letter. Exit status: 0, also if nothing is found; 1 if a
    /// message is so damaged that the filters cannot be tried on it; 2 after an error.
    Find(Box<Find>),
    /// List folders, messages and what is in them.
    ///
    /// PATH is a folder, a message or a path that leads into one, such as
    /// mail/Offer.msg/attachments; '-' is a message on standard input, '-/attachments' what is in
    /// it. The names are those that a mount would list.
    Ls(Ls),
    /// List all that is below PATH as a tree.
    Tree(Tree),
    /// Print files of messages.
    ///
    /// PATH is a file, such as mail/Offer.msg/body.txt or mail/Offer.msg/mapi/PR_SUBJECT;
    /// '-/body.txt' is a file of a message on standard input.
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
    /// Make a table of the messages below PATH: Parquet, Arrow or CSV.
    ///
    /// There is a row for each message, for DuckDB, Spark, pandas and the like. OUT is
    /// NAME.parquet, NAME.arrow or NAME.csv, a folder, or '-' for an Arrow stream on standard
    /// output. A folder is filled with parts of Parquet, each renamed when it is whole: the same
    /// command run again skips the parts whose files have not changed. A message that cannot be
    /// read is a row with its path and its defects. Exit status: 0, also with such rows, which are
    /// counted on standard error; 1 with --strict if there are any; 2 after an error.
    #[cfg(feature = "table")]
    Table(Table),
    /// List what is damaged in any message below PATH; exit 1 if anything is.
    ///
    /// Every value of each message is read, and of the messages embedded in it. Exit status: 0 if
    /// all could be read, 1 if something is damaged, 2 if a path is missing or no message.
    Check(Check),
    /// Unmount, also a mount in use; what is unsaved is saved.
    Umount(Umount),
    /// List the messages with edits that are not saved, and what was kept.
    ///
    /// Prints a line for each, with tabs between: its state, its path, since when (UTC), and why.
    /// 'unsaved': it is about to be saved. 'failed': it could not be saved, and the save is tried
    /// again. 'conflict': another program has changed its file. 'left': its mount was killed; the
    /// next mount of its folder with -o edit applies the edits, and 'msgfs save' makes files of
    /// them if there is no such folder any more. 'kept': a folder with the edited files, which is
    /// yours to use, until 'msgfs discard' throws it away. Exit status: 1 if any state is other than 'unsaved'.
    Status(StatusArguments),
    /// Save messages of a mount now: of PATH, or of all that is below it.
    ///
    /// What programs have removed in them is removed for good, too. If PATH is a message of which
    /// 'msgfs status' says 'left', its edits become files in a folder that is named, exit status 1.
    Save(Save),
    /// Throw away the unsaved edits of a message, or a folder of kept ones.
    Discard(Discard),
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
pub(in crate::cli) struct View {
    /// Options as for a mount: show=, others=, codepage=, cache= and the like.
    #[arg(short = 'o', long = "options", value_name = "OPTIONS")]
    pub(in crate::cli) options: Vec<String>,
}

/// What to show as a tree.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(in crate::cli) struct Tree {
    /// Descend at most LEVELS levels.
    #[arg(short = 'L', long, value_name = "LEVELS")]
    pub(in crate::cli) levels: Option<usize>,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Folders, messages or paths in them; '-' is a message on standard input.
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

/// What to print.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(in crate::cli) struct Cat {
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Files, such as mail/Offer.msg/body.txt, or -/subject of a message on standard input.
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ColorChoice {
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
#[command(args_override_self = true)]
pub(in crate::cli) struct Check {
    /// Print one JSON object on each line: each defect, then the summary.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Folders, messages, or paths in them; '-' is a message on standard input.
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

/// What to unmount.
#[derive(Debug, Args)]
pub(in crate::cli) struct Umount {
    /// Where it is mounted.
    #[arg(value_name = "MOUNTPOINT")]
    pub(in crate::cli) mount_point: PathBuf,
}

/// Whose state to list.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArguments {
    /// A mount; all of yours if none is given.
    #[arg(value_name = "MOUNTPOINT")]
    pub(in crate::cli) mount_point: Option<PathBuf>,
}

/// What to save.
#[derive(Debug, Args)]
pub(in crate::cli) struct Save {
    /// Messages in a mount, folders of one, or a mount.
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

/// Which edits to throw away.
#[derive(Debug, Args)]
pub(in crate::cli) struct Discard {
    /// Messages in a mount, or kept folders that 'msgfs status' lists.
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

/// What to explain.
#[derive(Debug, Args)]
pub(in crate::cli) struct Help {
    /// A command, an option of -o, or 'options' for all of these.
    #[arg(value_name = "TOPIC")]
    pub(in crate::cli) topics: Vec<String>,
}

/// Which page to print.
#[derive(Debug, Args)]
pub(in crate::cli) struct Man {
    /// A command; msgfs itself if none is given.
    pub(in crate::cli) command: Option<String>,
}

/// Whose completions to print.
#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell.
    #[arg(value_enum, required_unless_present = "words")]
    pub(in crate::cli) shell: Option<Shell>,
    /// Print what the last of these words could be, for the completion scripts of the shells.
    #[arg(last = true, conflicts_with = "shell", value_name = "WORD")]
    pub(in crate::cli) words: Vec<OsString>,
}

/// A shell that msgfs knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Shell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// The definitions as a whole.
pub(in crate::cli) fn command() -> clap::Command {
    CommandLine::command()
}
