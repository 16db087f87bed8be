//! Counts of agreement, field by field, and each disagreement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

/// Where in which file a value is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) path: &'a str,
}

/// Disagreements in which the file's bytes show the expectation to be wrong: the file, the field,
/// the reason.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("a7b7a5c8b79f", "string value", "the 001E stream is UTF-16; body.txt agrees with it read so"),
    ("a7b7a5c8b79f", "mapi string", "the 001E stream is UTF-16; body.txt agrees with it read so"),
    (
        "cfb674acfa7e",
        "body.txt made of RTF",
        "made of PR_HTML: its <hr> is drawn, as in PR_PREVIEW",
    ),
    ("ddbc2cb0f384", "message_id", "1035 begins with a tab"),
    ("f14e95e2d02b", "value", "the first sector of 0040001F is not in the file"),
    ("f14e95e2d02b", "mapi file", "the first sector of 0040001F is not in the file"),
];

#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<&'static str, (usize, usize)>,
    disagreements: Vec<String>,
    explained: BTreeSet<(&'static str, &'static str)>,
}

impl Tally {
    pub(super) fn agree(&mut self, field: &'static str) {
        self.counts.entry(field).or_default().0 += 1;
    }

    pub(super) fn check(
        &mut self,
        place: &Place<'_>,
        field: &'static str,
        expected: &Json,
        found: impl Into<Json>,
    ) {
        let found = found.into();
        if *expected == found {
            return self.agree(field);
        }
        let explained = EXPLAINED
            .iter()
            .find(|(file, known, _)| place.file.starts_with(file) && *known == field);
        if let Some((file, field, _)) = explained {
            self.explained.insert((file, field));
            return;
        }
        self.counts.entry(field).or_default().1 += 1;
        let (expected, found) = (short(expected), short(&found));
        self.disagreements.push(format!("{place}: {field}: expected {expected}, found {found}"));
    }

    /// Prints what was counted, and fails if anything disagrees.
    pub(super) fn finish(self) {
        for (field, (agreed, disagreed)) in &self.counts {
            println!("{agreed:7} agree, {disagreed:3} disagree: {field}");
        }
        for disagreement in &self.disagreements {
            println!("{disagreement}");
        }
        let unused = EXPLAINED.iter().filter(|(file, field, _)| {
            !self.counts.is_empty() && !self.explained.contains(&(*file, *field))
        });
        let unused: Vec<_> = unused.collect();
        assert!(unused.is_empty(), "explanations of nothing: {unused:?}");
        assert!(self.disagreements.is_empty(), "{} disagreements", self.disagreements.len());
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.path.is_empty() { "" } else { " " };
        write!(f, "{}{separator}{}", self.file, self.path)
    }
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= 400 {
        text
    } else {
        text.chars().take(400).collect::<String>() + "…"
    }
}
