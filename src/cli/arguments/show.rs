//! What `msgfs show` takes.

use std::path::PathBuf;

use clap::Args;

use super::{ColorChoice, View};

/// What to show, and how.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(in crate::cli) struct ShowArguments {
    /// Print a row of JSON for each message, as ls and find do.
    #[arg(long, conflicts_with = "html")]
    pub(in crate::cli) json: bool,
    /// With --json: add the SHA-256 of each attachment.
    #[arg(long, requires = "json")]
    pub(in crate::cli) hash: bool,
    /// Print one page of HTML that is safe to open in a browser.
    #[arg(long)]
    pub(in crate::cli) html: bool,
    /// Print times in UTC, not in the local time zone.
    #[arg(long)]
    pub(in crate::cli) utc: bool,
    /// Colour what is printed.
    #[arg(long, alias = "colour", value_name = "WHEN", value_enum, default_value_t)]
    pub(in crate::cli) color: ColorChoice,
    /// Print straight to the terminal.
    #[arg(long)]
    pub(in crate::cli) no_pager: bool,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Messages, or paths of messages in them; '-' is a message on standard input, which is also
    /// read behind a pipe if no PATH is given.
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}
