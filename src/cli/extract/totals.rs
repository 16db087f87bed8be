//! What was extracted: the summary at the end, and the manifest.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::cli::status::Status;
use crate::cli::terminal::counted;

/// A path of the source of which something is not in the target, and why.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    pub(super) path: PathBuf,
    pub(super) cause: String,
    /// What it means for the exit status.
    pub(super) status: Status,
    pub(super) kind: LossKind,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossKind {
    /// A value of the source could not be read. `ERRORS` of its message names it too.
    Reading,
    /// The target could not be written.
    Writing,
    /// The form of the export has no place for it.
    LeftOut,
}

/// What one unit of work brought.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) messages: usize,
    pub(super) files: usize,
    pub(super) bytes: u64,
    pub(super) losses: Vec<Loss>,
    /// Each file of the target with its SHA-256, if a manifest is wanted.
    pub(super) sums: Vec<(PathBuf, String)>,
}

impl Totals {
    /// Takes what another unit brought.
    pub(super) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.files += other.files;
        self.bytes += other.bytes;
        self.losses.extend(other.losses);
        self.sums.extend(other.sums);
    }

    /// One line: `12 messages, 143 files, 5.2 MB; 2 losses`.
    pub(super) fn summary(&self) -> String {
        let size = outlook_msg::mail::size_text(self.bytes);
        let messages = counted(self.messages, "message");
        let losses = match self.losses.len() {
            0 => String::new(),
            1 => "; 1 loss".to_owned(),
            count => format!("; {count} losses"),
        };
        format!("{messages}, {}, {size}{losses}", counted(self.files, "file"))
    }

    /// Whether the mail has a file of this name in the target itself.
    pub(super) fn has(&self, name: &OsStr) -> bool {
        self.sums.iter().any(|(path, _)| path.as_os_str() == name)
    }

    /// The worst that happened.
    pub(super) fn status(&self) -> Status {
        self.losses.iter().map(|loss| loss.status).max().unwrap_or_default()
    }

    /// Writes the sums as `sha256sum` does, in the order of the paths.
    pub(super) fn write_sums(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.sums.sort();
        self.sums.iter().try_for_each(|(path, sum)| out.write_all(&line(path, sum)))
    }
}

/// A line of `sha256sum`: a name with a backslash or a line end in it is escaped, and the line
/// says so with a backslash in front.
fn line(path: &Path, sum: &str) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    let is_escaped = name.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r'));
    let mut line = Vec::new();
    if is_escaped {
        line.push(b'\\');
    }
    line.extend_from_slice(sum.as_bytes());
    line.extend_from_slice(b"  ");
    for byte in name {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

/// The name of the manifest: one that no file of the mail has.
pub(super) fn manifest_name(is_taken: impl Fn(&OsStr) -> bool) -> OsString {
    let names = (1..).map(|number| match number {
        1 => "SHA256SUMS".to_owned(),
        number => format!("SHA256SUMS ({number})"),
    });
    names.map(OsString::from).find(|name| !is_taken(name)).unwrap_or_default()
}
