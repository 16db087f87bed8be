//! What `msgfs extract` takes.

use std::path::PathBuf;

use clap::Args;

use super::View;

/// What to copy out, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Extract {
    /// Make each message one file, NAME.eml with attachments, instead of a directory.
    #[arg(long, group = "as_file")]
    pub(in crate::cli) eml: bool,
    /// Make each message one file, NAME.json with all properties, instead of a directory.
    #[arg(long, group = "as_file")]
    pub(in crate::cli) json: bool,
    /// Make each message one file, NAME.msg, instead of a directory.
    #[arg(long, group = "as_file")]
    pub(in crate::cli) msg: bool,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    /// A folder, a message or a path in one; '-' is a message on standard input.
    pub(in crate::cli) path: PathBuf,
    /// A directory, created if it is not there.
    pub(in crate::cli) dest: PathBuf,
}
