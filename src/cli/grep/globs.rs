//! The globs of `-g`: which files are searched, by their paths.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::overrides::{Override, OverrideBuilder};

use crate::cli::places::has_msg_extension;

/// Globs as ripgrep has them, and the paths that the user gave, to which they do not apply.
#[derive(Debug)]
pub(super) struct Globs {
    globs: Override,
    roots: Vec<PathBuf>,
}

impl Globs {
    /// Each of `globs` takes the files that match it, or with `!` in front those that do not; each
    /// of `any_case` does so without regard to case.
    pub(super) fn new(
        globs: &[String],
        any_case: &[String],
        roots: &[PathBuf],
    ) -> Result<Self, ignore::Error> {
        let mut builder = OverrideBuilder::new("");
        for glob in globs {
            builder.add(glob)?;
        }
        builder.case_insensitive(true)?;
        for glob in any_case {
            builder.add(glob)?;
        }
        Ok(Self { globs: builder.build()?, roots: roots.to_vec() })
    }

    /// Whether a file is searched. A glob that matches a message means all that is in it.
    pub(super) fn take(&self, path: &Path) -> bool {
        if self.globs.is_empty() {
            return true;
        }
        let root = self.roots.iter().find(|root| path.starts_with(root));
        let around = path.ancestors().skip(1).take_while(|around| {
            root.is_none_or(|root| *around != root.as_path()) && !around.as_os_str().is_empty()
        });
        let excludes = |path| self.globs.matched(without_dot(path), true).is_ignore();
        if around.clone().any(excludes) {
            return false;
        }
        match self.globs.matched(without_dot(path), false) {
            Match::None | Match::Whitelist(_) => true,
            // A glob excludes it, or none matches.
            Match::Ignore(_) => {
                let includes = |path| self.globs.matched(without_dot(path), false).is_whitelist();
                let message = path
                    .ancestors()
                    .skip(1)
                    .filter(|around| around.file_name().is_some_and(has_msg_extension));
                !excludes(path) && message.into_iter().any(includes)
            }
        }
    }
}

fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Globs;

    #[track_caller]
    fn check(globs: &[&str], path: &str, expected: bool) {
        let globs: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let globs = Globs::new(&globs, &[], &[PathBuf::from("old mail")]).unwrap();
        assert_eq!(globs.take(Path::new(path)), expected, "{globs:?}: {path}");
    }

    #[test]
    fn globs_are_those_of_ripgrep_and_know_messages() {
        let body = "old mail/2021/Offer.msg/body.txt";
        for (globs, expected) in [
            (&[][..], true),
            (&["body.txt"], true),
            (&["*.html"], false),
            (&["!*.html"], true),
            (&["!Offer*"], false),
            (&["!2021"], false),
            (&["!2021/"], false),
            // It was asked for by its path.
            (&["!old*"], true),
            (&["*.msg"], true),
            (&["Offer*.msg"], true),
            (&["Order*.msg"], false),
            (&["*.msg", "!*.txt"], false),
            (&["2021"], false),
            (&["**/2021/**"], true),
        ] {
            check(globs, body, expected);
        }
    }
}
