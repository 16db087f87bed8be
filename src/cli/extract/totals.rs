//! What was extracted: the summary at the end, and the manifest.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::cli::status::Status;
use crate::cli::terminal::counted;
use crate::fs::Place;

use super::differences::{Differences, Refused, Remedy};

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
    /// What is there, differs and was left as it is.
    pub(super) refused: Vec<Refused>,
    /// The directories of messages that were there and are now those of the source.
    pub(super) trees: Vec<PathBuf>,
    /// How the directory that is compared differs.
    pub(super) differences: Differences,
}

/// The digits of a SHA-256.
const SUM_DIGITS: usize = 64;
/// The name of the manifest.
pub(super) const MANIFEST: &str = "SHA256SUMS";

impl Totals {
    /// Takes what another unit brought.
    pub(super) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.files += other.files;
        self.bytes += other.bytes;
        self.losses.extend(other.losses);
        self.sums.extend(other.sums);
        self.refused.extend(other.refused);
        self.trees.extend(other.trees);
        self.differences.add(other.differences);
    }

    /// Counts a message. What cannot be opened as one is not counted, whatever is copied of it.
    pub(super) fn count_message(&mut self, place: &Place) {
        self.messages += usize::from(place.is_readable_message());
    }

    /// Notes that a file is there, differs, and was left as it is.
    pub(super) fn refuse(&mut self, name: impl Into<PathBuf>) {
        let what = "is there and differs".to_owned();
        self.refused.push(Refused { path: name.into(), what, remedy: Remedy::Update });
    }

    /// Notes that what is there is not known to be ours.
    pub(super) fn refuse_to_replace(&mut self, name: impl Into<PathBuf>, what: &str) {
        let what = what.to_owned();
        self.refused.push(Refused { path: name.into(), what, remedy: Remedy::Remove });
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
        let left = match self.refused.len() {
            0 => String::new(),
            1 => "; 1 left as it is".to_owned(),
            count => format!("; {count} left as they are"),
        };
        format!("{messages}, {}, {size}{losses}{left}", counted(self.files, "file"))
    }

    /// Whether there was no message that could be exported, and something was named or found that
    /// is none. An export made of this would say that there is no mail. A folder without any mail
    /// in it is an export without messages, however.
    pub(super) fn found_nothing(&self) -> bool {
        self.messages == 0 && !self.losses.is_empty()
    }

    /// Whether nothing could be copied of which the manifest would have a sum. An earlier manifest
    /// stays as it is then, and no empty one is made.
    pub(super) fn changed_no_sums(&self) -> bool {
        self.sums.is_empty() && self.trees.is_empty() && !self.losses.is_empty()
    }

    /// Takes back what was counted, since it is not put into the target.
    pub(super) fn forget_files(&mut self) {
        (self.files, self.bytes) = (0, 0);
    }

    /// Whether the mail has a file of this name in the target itself.
    pub(super) fn has(&self, name: &OsStr) -> bool {
        self.sums.iter().any(|(path, _)| path.as_os_str() == name)
    }

    /// The worst that happened.
    pub(super) fn status(&self) -> Status {
        let refused = self.refused.iter().map(|_| Status::Wrong);
        self.losses.iter().map(|loss| loss.status).chain(refused).max().unwrap_or_default()
    }

    /// Writes the sums as `sha256sum` does, in the order of the paths.
    pub(super) fn write_sums(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.sums.sort();
        self.sums.dedup();
        self.sums.iter().try_for_each(|(path, sum)| out.write_all(&line(path, sum)))
    }
}

impl Totals {
    /// Takes over the lines of an earlier manifest whose files this run has not made: they are
    /// there still. `None` if it is no manifest.
    pub(super) fn keep_sums(&mut self, manifest: &[u8]) -> Option<()> {
        let lines = manifest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let earlier: Vec<_> = lines.map(parsed).collect::<Option<_>>()?;
        let made: HashSet<_> = self.sums.iter().map(|(path, _)| path.clone()).collect();
        let trees: HashSet<_> = self.trees.iter().map(PathBuf::as_path).collect();
        let is_kept = |path: &Path| {
            !made.contains(path) && !path.ancestors().any(|around| trees.contains(around))
        };
        let kept: Vec<_> = earlier.into_iter().filter(|(path, _)| is_kept(path)).collect();
        self.sums.extend(kept);
        Some(())
    }
}

/// The path and the sum of a line of `sha256sum`.
fn parsed(line: &[u8]) -> Option<(PathBuf, String)> {
    let (line, is_escaped) = match line.strip_prefix(b"\\") {
        Some(line) => (line, true),
        None => (line, false),
    };
    let (sum, rest) = line.split_at_checked(SUM_DIGITS)?;
    let name = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
    let sum =
        str::from_utf8(sum).ok().filter(|sum| sum.bytes().all(|it| it.is_ascii_hexdigit()))?;
    let mut bytes = Vec::new();
    let mut rest = name.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' if is_escaped => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            byte => *byte,
        });
    }
    Some((OsString::from_vec(bytes).into(), sum.to_owned()))
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
        1 => MANIFEST.to_owned(),
        number => format!("{MANIFEST} ({number})"),
    });
    names.map(OsString::from).find(|name| !is_taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Totals, line, parsed};

    #[test]
    fn a_line_of_a_manifest_is_read_back() {
        let sum = "0".repeat(64);
        for name in ["a", "a  b", "back\\slash", "line\nend\r", "*star"] {
            let made = line(name.as_ref(), &sum);
            let made = made.strip_suffix(b"\n").unwrap();
            assert_eq!(parsed(made), Some((PathBuf::from(name), sum.clone())), "{name}");
        }
        for other in ["", "abc  a", &format!("{sum} a"), &sum, "Dear all"] {
            assert_eq!(parsed(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn lines_of_files_that_are_gone_from_a_message_are_not_kept() {
        let (old, new) = ("0".repeat(64), "1".repeat(64));
        let mut totals = Totals::default();
        totals.sums.push(("a.msg/subject".into(), new.clone()));
        totals.trees.push("a.msg".into());
        let lines = ["a.msg/subject", "a.msg/cc", "b.msg/cc", "notes.txt"];
        let earlier: String = lines.iter().map(|path| format!("{old}  {path}\n")).collect();
        assert!(totals.keep_sums(earlier.as_bytes()).is_some());
        let mut out = Vec::new();
        totals.write_sums(&mut out).unwrap();
        let expected = format!("{new}  a.msg/subject\n{old}  b.msg/cc\n{old}  notes.txt\n");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(totals.keep_sums(b"Dear all\n").is_none());
    }
}
