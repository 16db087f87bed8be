//! What `msgfs extract` takes.

use std::path::PathBuf;

use clap::Args;

use super::View;

/// What to copy out, in which form, and where to.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    override_usage = "msgfs extract [OPTIONS] <PATH>... <DEST>\n       msgfs extract [OPTIONS] --files0-from <FILE> <DEST>"
)]
pub(in crate::cli) struct Extract {
    /// Make each message one file, NAME.eml with attachments, instead of a directory.
    #[arg(long, group = "form")]
    pub(in crate::cli) eml: bool,
    /// Make one file, messages.mbox, of all messages.
    #[arg(long, group = "form")]
    pub(in crate::cli) mbox: bool,
    /// Make each message one file, NAME.json with all properties, instead of a directory.
    #[arg(long, group = "form")]
    pub(in crate::cli) json: bool,
    /// Make each message one file, NAME.msg, instead of a directory.
    #[arg(long, group = "form")]
    pub(in crate::cli) msg: bool,
    /// Make pages for a browser: index.html with a list, a search and a chart, and a page for each
    /// message with its attachments beside it. They need no server and no network.
    #[arg(long, group = "form")]
    pub(in crate::cli) html: bool,
    /// Take attachments only, in a directory for each message that has some.
    #[arg(long, alias = "attachments-only", group = "form")]
    pub(in crate::cli) attachments: bool,
    /// With --attachments: take only those whose name matches, in any case, such as '*.pdf'.
    #[arg(
        long = "name",
        value_name = "GLOB",
        requires = "attachments",
        allow_hyphen_values = true
    )]
    pub(in crate::cli) names: Vec<String>,
    /// With --attachments: leave out pictures that the HTML body shows.
    #[arg(long, alias = "skip-hidden", requires = "attachments")]
    pub(in crate::cli) no_inline: bool,
    /// Replace what is in DEST and differs, so that DEST has what the source has now: files, whole
    /// messages with what is no longer in them, the pages, the mbox. Without it, what differs is
    /// named and left as it is.
    #[arg(long)]
    pub(in crate::cli) update: bool,
    /// Take the paths from a file, each ended by NUL, as 'msgfs find -0' prints them; '-' is
    /// standard input. Each is copied under its path as it is given in the file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) files0_from: Option<PathBuf>,
    /// Write the SHA-256 of each file into SHA256SUMS, for 'sha256sum -c'.
    #[arg(long, conflicts_with_all = ["mbox", "html"])]
    pub(in crate::cli) manifest: bool,
    /// Permission bits of files that gather many messages: the manifest, the mbox and the index.
    #[arg(long, value_name = "OCTAL", default_value = "600", value_parser = octal)]
    pub(in crate::cli) mode: u32,
    /// With --html: print times in UTC, not in the local time zone.
    #[arg(long, requires = "html")]
    pub(in crate::cli) utc: bool,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// Folders, messages, or paths in them, and last the directory to copy into, which is created
    /// if it is not there. '-' is a message on standard input. If there is one PATH, its content is
    /// copied; if there are several, each is copied under its last name.
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) words: Vec<PathBuf>,
}

/// Permission bits.
pub(super) fn octal(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "expected an octal number up to 777".to_owned())
}
