//! The errors of a compound file, and the defects of a file that can be read in part.

use std::fmt;
use std::io;

use super::file_state::FileState;
use super::step::Step;

/// What a file begins with in place of the signature.
fn signature_text(found: &str, looks_like: Option<&str>) -> String {
    match (found, looks_like) {
        ("", _) => "the file is empty".to_owned(),
        (_, Some(kind)) => format!("it looks like {kind}"),
        _ => format!("expected the signature D0CF11E0A1B11AE1, found {found}"),
    }
}

/// Why a compound file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin with the signature of a compound file (\[MS-CFB\] 2.2).
    #[error("not a compound file: {}", signature_text(found, *looks_like))]
    Signature {
        /// The first bytes in hexadecimal, at most eight.
        found: String,
        /// What else the file seems to be.
        looks_like: Option<&'static str>,
    },
    /// The file ends within its header.
    #[error("compound file header: expected {expected} bytes, found {found}")]
    Header {
        /// Length of the header in bytes.
        expected: u64,
        /// Length of the file in bytes.
        found: u64,
    },
    /// The file has no directory, so nothing in it has a name.
    #[error("compound file directory: expected a root entry in sector {sector}, found none")]
    Directory {
        /// The first sector of the directory, as the header states it.
        sector: u32,
    },
    /// The operating system failed to read.
    #[error("{place}: reading failed")]
    Io {
        /// The path of the stream or the name of the table that was read.
        place: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file has fewer bytes of a stream than the directory declares.
    #[error("stream {stream:?}: expected {expected} bytes, found {found}: {damage}")]
    Truncated {
        /// The path of the stream.
        stream: String,
        /// The declared length in bytes.
        expected: u64,
        /// The bytes that can be read, from the start of the stream.
        found: u64,
        /// Why the stream ends there.
        damage: Damage,
    },
    /// The stream was made of something that ends early.
    #[error("stream {stream:?}: {cause}")]
    Cut {
        /// The path of the stream.
        stream: String,
        /// Why the end is missing.
        cause: String,
    },
    /// The chain of sectors of a stream is longer than the directory declares.
    #[error("stream {stream:?}: the chain of sectors goes on after its {expected} bytes")]
    Surplus {
        /// The path of the stream.
        stream: String,
        /// The declared length in bytes.
        expected: u64,
    },
    /// A new file cannot hold an entry of this name.
    #[error("entry {entry:?}: {cause}")]
    Name {
        /// The path of the entry.
        entry: String,
        /// The rule it breaks.
        cause: String,
    },
    /// The file cannot be edited: a part of it cannot be read, and a save would lose that part.
    #[error("{0}: the file cannot be written without losing this")]
    Incomplete(Defect),
    /// There is no storage of this path.
    #[error("no storage {path:?}")]
    NoStorage {
        /// The path.
        path: String,
    },
    /// The file is not the one that was opened: another program has changed or removed it.
    #[error("the file {name:?} has been changed by another program")]
    Changed {
        /// Its name.
        name: String,
    },
    /// There is a file of this name already.
    #[error("there is a file {name:?} already")]
    Exists {
        /// The name.
        name: String,
    },
    /// The file has several names (hard links). A save would replace it under only one of them.
    #[error(
        "the file {name:?} has {links} names (hard links): a save would change it under one of \
         them only; make it a copy of its own to edit it"
    )]
    Linked {
        /// The name that was asked for.
        name: String,
        /// How many there are.
        links: u64,
    },
    /// A file could not be replaced; it is as it was.
    #[error("replacing the file {name:?}: {step} failed")]
    Replace {
        /// Its name.
        name: String,
        /// What failed.
        step: Step,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The new file is in place, but a crash of the system may still undo that.
    #[error("the file {name:?} is replaced, but its folder could not be written to the disk")]
    Unsynced {
        /// Its name.
        name: String,
        /// The state of the new file. The next commit must expect it.
        state: FileState,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The new file does not read back as what was written; the old file is as it was.
    #[error("replacing the file {name:?}: {place} does not read back as it was written")]
    Unverified {
        /// The name of the file.
        name: String,
        /// The path of the storage or stream.
        place: String,
    },
    /// Writing an entry of a new file failed.
    #[error("entry {entry:?}: writing failed")]
    Write {
        /// The path of the entry.
        entry: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Why a chain of sectors ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The allocation table says that the chain ends here.
    #[error("the chain of sectors ends early")]
    Ends,
    /// The chain goes on in a sector that the file does not have.
    #[error("{0} is not in the file")]
    Missing(SectorNumber),
    /// The chain goes on in a sector that it contains already.
    #[error("the chain of sectors comes back to {0}")]
    Loop(SectorNumber),
    /// The file ends within a sector of the chain.
    #[error("{0} is cut off by the end of the file")]
    Cut(SectorNumber),
    /// The allocation table could not be read there.
    #[error("the allocation table cannot be read: {0}")]
    Unread(io::ErrorKind),
}

/// The number of a sector or, among the small streams, of a mini sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorNumber {
    /// The number, from 0.
    pub number: u32,
    /// Whether it counts the 64-byte sectors of the mini stream (\[MS-CFB\] 2.4).
    pub mini: bool,
}

impl fmt::Display for SectorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}sector {}", if self.mini { "mini " } else { "" }, self.number)
    }
}

/// A damaged place: where it is, and what is lost there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The structure, or the path of the stream or storage.
    pub place: String,
    /// What was expected and what was found.
    pub cause: String,
}

impl Defect {
    /// The same defect, with its place below another one.
    #[doc(hidden)]
    #[must_use]
    pub fn below(self, place: &str) -> Self {
        Self { place: format!("{place}{}", self.place), ..self }
    }

    /// Whether one of these defects of a message says the same. The defect of a message inside of an
    /// attachment is among them with the place of the attachment before its own.
    ///
    /// ```
    /// use outlook_msg::mail::Defect;
    ///
    /// let defect = |place: &str| Defect { place: place.to_owned(), cause: "cut off".to_owned() };
    /// let known = [defect("/__attach_version1.0_#00000000/signed/0x37010102")];
    /// assert!(defect("/0x37010102").is_among(&known));
    /// assert!(!defect("/0x1000001F").is_among(&known));
    /// ```
    #[must_use]
    pub fn is_among(&self, known: &[Self]) -> bool {
        known.iter().any(|one| one.cause == self.cause && one.place.ends_with(&self.place))
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

/// The defects that were found so far: the first ones, and the number of the others.
#[derive(Debug, Default)]
pub(super) struct Defects {
    kept: Vec<Defect>,
    left_out: usize,
}

impl Defects {
    /// At most this many are kept, because a hostile file can have one in every directory entry.
    const KEPT_MAX: usize = 64;

    /// Adds a defect in a structure of the file.
    pub(super) fn add(&mut self, place: &str, cause: impl fmt::Display) {
        self.add_at(|| place.to_owned(), cause);
    }

    /// Adds a defect at a path. `place` makes the path; it is called only if the defect is kept.
    pub(super) fn add_at(&mut self, place: impl FnOnce() -> String, cause: impl fmt::Display) {
        if self.kept.len() < Self::KEPT_MAX {
            self.kept.push(Defect { place: place(), cause: cause.to_string() });
        } else {
            self.left_out += 1;
        }
    }

    /// Adds the defects of another list.
    pub(super) fn append(&mut self, other: Self) {
        for defect in other.kept {
            self.add_at(|| defect.place, defect.cause);
        }
        self.left_out += other.left_out;
    }

    /// The list. If some were left out, a last entry says how many.
    pub(super) fn finish(mut self) -> Vec<Defect> {
        if self.left_out > 0 {
            let cause = format!("{} more defects", self.left_out);
            self.kept.push(Defect { place: "compound file".into(), cause });
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_the_defects() {
        let mut all = Defects::default();
        for round in 0..3 {
            let mut defects = Defects::default();
            for number in 0..40 {
                defects.add("here", format_args!("{round}.{number}"));
            }
            all.append(defects);
        }
        let lines: Vec<String> = all.finish().iter().map(ToString::to_string).collect();
        assert_eq!((lines.len(), lines[63].as_str()), (65, "here: 1.23"));
        assert_eq!(lines[64], "compound file: 56 more defects");
    }
}
