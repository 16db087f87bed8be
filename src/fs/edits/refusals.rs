//! The edits that were refused lately, for `.msgfs/errors`: a program tells its user only an errno.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;

use outlook_msg::sync::lock;

use crate::fs::Error;
use crate::fs::error::refusal;
use crate::{imsg, storage, view};

/// The last refusals, a line each.
#[derive(Debug, Default)]
pub(in crate::fs) struct Refusals {
    lines: Mutex<VecDeque<String>>,
}

/// At most this many refusals are kept.
const REFUSALS_MAX: usize = 1_000;

impl Refusals {
    /// Notes an error, if it is the refusal of an edit. `path` is where the edit was to be made. What
    /// is refused again and again is one line.
    pub(in crate::fs) fn note(&self, path: impl FnOnce() -> PathBuf, error: &Error) {
        let path = match error {
            Error::NotPermitted(_) => path(),
            Error::ReadOnly { path } => path.clone(),
            Error::Unwritable { path, .. } => path.clone(),
            Error::Message { path, source } if is_refusal(source) => path.clone(),
            _ => return,
        };
        let line = format!("{}: {}\n", path.display(), refusal(error));
        let mut lines = lock(&self.lines);
        lines.retain(|known| *known != line);
        if lines.len() >= REFUSALS_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// One line a refusal: the file and the cause.
    pub(in crate::fs) fn text(&self) -> String {
        lock(&self.lines).iter().map(String::as_str).collect()
    }
}

/// Whether the system does not let the mounter write to the source.
fn is_forbidden(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Whether an error says that an edit cannot be made, whatever the state of the disk is.
fn is_refusal(error: &view::Error) -> bool {
    use imsg::Error as Imsg;
    match error {
        view::Error::NotSettable(_)
        | view::Error::Invalid { .. }
        | view::Error::Unmappable { .. } => true,
        view::Error::Message(Imsg::Storage(error)) | view::Error::Storage(error) => {
            matches!(
                error,
                storage::Error::Incomplete(_)
                    | storage::Error::Linked { .. }
                    | storage::Error::Name { .. }
            ) || matches!(error, storage::Error::Replace { source, .. } if is_forbidden(source))
        }
        view::Error::Message(error) => matches!(
            error,
            Imsg::ReadOnly { .. }
                | Imsg::Computed { .. }
                | Imsg::Protected { .. }
                | Imsg::Invalid { .. }
                | Imsg::Unmappable { .. }
                | Imsg::TooLarge { .. }
                | Imsg::TooMany { .. }
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Error {
        let source = view::Error::NotSettable("no such file");
        Error::Message { path: name.into(), source }
    }

    #[test]
    fn what_cannot_be_written_is_told_with_the_reason() {
        let refusals = Refusals::default();
        let source = std::io::Error::from_raw_os_error(libc::EACCES);
        refusals.note(|| "".into(), &Error::Unwritable { path: "f/a.msg".into(), source });
        refusals.note(|| "".into(), &Error::ReadOnly { path: "f/b.txt".into() });
        let cause = "its folder cannot be written to: Permission denied (os error 13)";
        let second = "f/b.txt: refused: only messages can be written to\n";
        assert_eq!(refusals.text(), format!("f/a.msg: refused: {cause}\n{second}"));
    }

    #[test]
    fn refusals_are_told_each_once_and_not_without_end() {
        let refusals = Refusals::default();
        refusals.note(|| "a".into(), &Error::NotFound);
        for name in ["a", "b", "a"] {
            refusals.note(|| "".into(), &refused(name));
        }
        let line = |name: &str| format!("{name}: refused: it cannot be changed: no such file\n");
        refusals.note(|| "c/d".into(), &Error::NotPermitted("it stays"));
        let last = "c/d: refused: not permitted: it stays\n";
        assert_eq!(refusals.text(), line("b") + &line("a") + last);
        for number in 0..2 * REFUSALS_MAX {
            refusals.note(|| "".into(), &refused(&number.to_string()));
        }
        assert_eq!(refusals.text().lines().count(), REFUSALS_MAX);
    }
}
