//! What `msgfs ls` takes: the options of ls that mean something here, and `--mail`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::{ColorChoice, View};

/// What to list, and how.
#[derive(Debug, Args)]
#[command(args_override_self = true, disable_help_flag = true)]
pub(in crate::cli) struct Ls {
    /// Show mode, links, owner, group, size and time.
    #[arg(short = 'l', short_alias = 'n', long)]
    pub(in crate::cli) long: bool,
    /// With -l or --mail: print sizes as 1.2K or 3.4M.
    #[arg(short = 'h', long)]
    pub(in crate::cli) human_readable: bool,
    /// Sort by time, the newest first.
    #[arg(short = 't', overrides_with = "by_size")]
    pub(in crate::cli) by_time: bool,
    /// Sort by size, the largest first.
    #[arg(short = 'S', overrides_with = "by_time")]
    pub(in crate::cli) by_size: bool,
    /// Reverse the order.
    #[arg(short = 'r', long)]
    pub(in crate::cli) reverse: bool,
    /// List directories, messages included, with all below them.
    #[arg(short = 'R', long)]
    pub(in crate::cli) recursive: bool,
    /// List directories themselves, not what is in them.
    #[arg(short = 'd', long, conflicts_with = "recursive")]
    pub(in crate::cli) directory: bool,
    /// Put a slash behind directories, messages included, and @ behind links.
    #[arg(short = 'F', long)]
    pub(in crate::cli) classify: bool,
    /// List one name on each line; this is always done.
    #[arg(short = '1')]
    pub(in crate::cli) one: bool,
    /// List names in folders that begin with a dot, too.
    #[arg(short = 'a', short_alias = 'A', long)]
    pub(in crate::cli) all: bool,
    /// End each name with NUL, for xargs -0.
    #[arg(short = '0', long = "null", conflicts_with_all = ["json", "mail"])]
    pub(in crate::cli) null: bool,
    /// List messages as a mailbox does: date, sender, subject, attachments; with -l or -h the size,
    /// too.
    #[arg(long, conflicts_with = "json")]
    pub(in crate::cli) mail: bool,
    /// Print a row of JSON for each message, as find and show do.
    #[arg(long, conflicts_with = "long")]
    pub(in crate::cli) json: bool,
    /// Print times in UTC, not in the local time zone.
    #[arg(long)]
    pub(in crate::cli) utc: bool,
    /// Colour directories and messages.
    #[arg(long, alias = "colour", value_name = "WHEN", value_enum, default_value_t)]
    pub(in crate::cli) color: ColorChoice,
    /// Print help.
    #[arg(long, action = ArgAction::HelpLong)]
    pub(in crate::cli) help: Option<bool>,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// What to list.
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    pub(in crate::cli) paths: Vec<PathBuf>,
}
