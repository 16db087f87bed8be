//! What a message, or a file, in the target has that the source has not. Where something differs,
//! nothing of that message is written: a directory must never hold parts of two messages.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::target::{OutputDirectory, is_unfinished_name};
use crate::view;

use super::names::Names;
use super::totals::MANIFEST;

/// What a directory is filled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Nothing is written. What is there is compared, and may hold this beside the copy.
    Compare(Beside),
    /// What is missing is written.
    Write,
}

/// What a directory of the target may hold beside the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    /// In the target itself, beside the files of a message: what no message has.
    NoMessageFile,
    /// In the target itself, in which attachments are gathered.
    Anything,
}

/// How what is there differs from the source.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Something is missing, or has another time or more permissions. It can be put right, and
    /// nothing that is there is lost.
    pub(super) is_incomplete: bool,
    /// The files that are not equal, in the target.
    pub(super) different: Vec<PathBuf>,
    /// What is not in the message, in the target.
    pub(super) extra: Vec<PathBuf>,
}

/// What was left as it is.
#[derive(Debug)]
pub(super) struct Refused {
    /// In the target.
    pub(super) path: PathBuf,
    pub(super) what: String,
    pub(super) remedy: Remedy,
}

/// What the user can do about what was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// `--update` puts the source in its place.
    Update,
    /// Nobody can know that an earlier run made it, so the user has to remove it.
    Remove,
}

/// At most this many names of a message are told.
const NAMED_MAX: usize = 3;

impl Differences {
    pub(super) fn are_none(&self) -> bool {
        self.different.is_empty() && self.extra.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.is_incomplete |= other.is_incomplete;
        self.different.extend(other.different);
        self.extra.extend(other.extra);
    }

    /// Adds what is in a directory and has no name of these.
    pub(super) fn add_beside(
        &mut self,
        directory: &OutputDirectory,
        path: &Path,
        names: &Names,
        beside: Beside,
    ) {
        let is_expected = |name: &OsStr| names.has(name) || is_allowed(name, path, beside);
        match directory.names_beside(is_expected, names.given()) {
            Ok(found) => self.extra.extend(found.iter().map(|name| path.join(name))),
            // What cannot be listed may hold anything.
            Err(_) => self.different.push(path.to_owned()),
        }
    }

    /// What the user is told of the directory at this path.
    pub(super) fn text(&self, path: &Path) -> String {
        let differs = match self.different.as_slice() {
            [] => None,
            different => Some(format!("differs in {}", listed(different, path))),
        };
        let holds = Some(holds(&self.extra, path)).filter(|_| !self.extra.is_empty());
        [differs, holds].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// Whether a directory may hold this beside the copy.
fn is_allowed(name: &OsStr, path: &Path, beside: Beside) -> bool {
    // The note of this run, and the manifest of an earlier one, lie in the target itself.
    let is_ours =
        || is_unfinished_name(name) || name.as_encoded_bytes().starts_with(MANIFEST.as_bytes());
    let is_root = path.as_os_str().is_empty();
    match beside {
        Beside::Anything => true,
        Beside::NoMessageFile => !is_message_file(name),
        Beside::Nothing => is_root && is_ours(),
    }
}

/// Whether the directory of a message can have a file of this name.
pub(super) fn is_message_file(name: &OsStr) -> bool {
    view::file_names().any(|one| name == one)
}

/// What the user is told of what is in the directory at this path, and not in the message.
pub(super) fn holds(extra: &[PathBuf], path: &Path) -> String {
    format!("holds {}, which is not in the message", listed(extra, path))
}

/// The first names, relative to the directory at this path.
fn listed(paths: &[PathBuf], path: &Path) -> String {
    let names = paths.iter().take(NAMED_MAX);
    let names = names.map(|one| one.strip_prefix(path).unwrap_or(one).to_string_lossy());
    let more = if paths.len() > NAMED_MAX { " and more" } else { "" };
    format!("{}{more}", names.collect::<Vec<_>>().join(", "))
}
