//! What `msgfs table` takes.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use msg_table::COLUMNS;

use super::View;
use super::extract::octal;

/// What becomes a table, of which columns, and where it goes.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    override_usage = "msgfs table [OPTIONS] <PATH>... <OUT>",
    after_long_help = columns()
)]
pub(in crate::cli) struct Table {
    /// The columns, in this order and with commas between; all but body_html if it is not given.
    #[arg(long, value_name = "LIST")]
    pub(in crate::cli) columns: Option<String>,
    /// Do not read files and attachments for their SHA-256; sha256 is null then.
    #[arg(long)]
    pub(in crate::cli) no_hash: bool,
    /// Add the column body_html.
    #[arg(long)]
    pub(in crate::cli) html: bool,
    /// Give embedded messages rows of their own, after that of the message around them. Messages in
    /// attached .msg and .eml files get none.
    #[arg(long)]
    pub(in crate::cli) embedded: bool,
    /// Take only the files of shard I of N, from 1 to N; a fixed hash of the path below PATH says
    /// which shard a file is in.
    #[arg(long, value_name = "I/N")]
    pub(in crate::cli) shard: Option<String>,
    /// How many files become one part of a folder; 10,000 by default.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) files_per_part: Option<usize>,
    /// End with status 1 if a row has defects.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// Work on N threads; by default on one for each core.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    pub(in crate::cli) jobs: Option<usize>,
    /// In CSV: do not put ' before what a spreadsheet would run as a formula.
    #[arg(long)]
    pub(in crate::cli) raw: bool,
    /// Permission bits of what is written.
    #[arg(long, value_name = "OCTAL", default_value = "600", value_parser = octal)]
    pub(in crate::cli) mode: u32,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Folders, messages, or paths in them, '-' for a message on standard input; and last OUT.
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) words: Vec<PathBuf>,
}

/// The columns and what they hold.
fn columns() -> String {
    let mut text = "Columns:\n".to_owned();
    for column in COLUMNS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:31} {}", column.name, column.meaning);
    }
    text.trim_end().to_owned()
}
