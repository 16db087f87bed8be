//! The names that files get in the target directory.
//!
//! A file keeps its name in the tree, except where the target takes two names for the same, or
//! where a message becomes a file. A repeated name gets ` (2)` before its extension.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::cli::target::is_unfinished_name;
use crate::view;

/// The file that a message becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Eml,
    Json,
    Msg,
}

impl Shape {
    /// The file of the message that it is.
    pub(super) const fn view(self) -> &'static str {
        match self {
            Self::Eml => view::MESSAGE_EML,
            Self::Json => view::MESSAGE_JSON,
            Self::Msg => view::MESSAGE_MSG,
        }
    }

    const fn extension(self) -> Option<&'static [u8]> {
        match self {
            Self::Eml => Some(b".eml"),
            Self::Json => Some(b".json"),
            // An .oft file, a template, keeps its extension.
            Self::Msg => None,
        }
    }
}

/// The names given out in one directory.
#[derive(Debug)]
pub(super) struct Names {
    folds_case: bool,
    taken: HashSet<OsString>,
}

/// The longest file name (`NAME_MAX`), in bytes.
const NAME_BYTES_MAX: usize = 255;

impl Names {
    /// With `folds_case` two names that differ in case only are the same.
    pub(super) fn new(folds_case: bool) -> Self {
        Self { folds_case, taken: HashSet::new() }
    }

    /// The name for an entry of the tree. The caller must ask in the order of the tree, so that the
    /// names are the same each time.
    pub(super) fn give(&mut self, name: &OsStr, shape: Option<Shape>) -> OsString {
        let (stem, extension) = split(name, shape);
        let mut given = joined(stem, "", extension);
        let mut number = 1_u64;
        // A later command would take it for something that was left unfinished, and remove it.
        while is_unfinished_name(&given) || !self.taken.insert(self.key(&given)) {
            number += 1;
            given = joined(stem, &format!(" ({number})"), extension);
        }
        given
    }

    /// Whether a name was given out.
    pub(super) fn has(&self, name: &OsStr) -> bool {
        self.taken.contains(&self.key(name))
    }

    /// Notes a name that is there as if it were given out.
    pub(super) fn note(&mut self, name: &OsStr) {
        self.taken.insert(self.key(name));
    }

    /// The names given out.
    pub(super) fn given(&self) -> impl Iterator<Item = &OsStr> + Clone {
        self.taken.iter().map(OsString::as_os_str)
    }

    fn key(&self, name: &OsStr) -> OsString {
        match (self.folds_case, name.to_str()) {
            // Upper case makes SS of ß, so that it folds to the same as ss. It leaves ẞ, its capital
            // letter, as it is, so make that a ß before.
            (true, Some(text)) => text.to_lowercase().to_uppercase().to_lowercase().into(),
            (true, None) => name.to_ascii_lowercase(),
            (false, _) => name.to_owned(),
        }
    }
}

/// The names given out in several directories.
#[derive(Debug)]
pub(super) struct NamesByFolder {
    folds_case: bool,
    folders: HashMap<PathBuf, Names>,
}

impl NamesByFolder {
    pub(super) fn new(folds_case: bool) -> Self {
        Self { folds_case, folders: HashMap::new() }
    }

    /// The path for an entry of the tree; see [`Names::give`].
    pub(super) fn give(&mut self, path: &Path, shape: Option<Shape>) -> PathBuf {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let name = path.file_name().unwrap_or(OsStr::new("message.msg"));
        let names = self.folders.entry(folder.clone());
        let names = names.or_insert_with(|| Names::new(self.folds_case));
        folder.join(names.give(name, shape))
    }
}

/// The name of what is copied alone.
pub(super) fn alone(path: &Path, shape: Option<Shape>) -> OsString {
    let name = path.file_name().filter(|name| *name != "-").unwrap_or(OsStr::new("message.msg"));
    Names::new(false).give(name, shape)
}

/// Stem and extension of a name, the latter that of the file which a message becomes.
fn split(name: &OsStr, shape: Option<Shape>) -> (&[u8], &[u8]) {
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|byte| *byte == b'.');
    let (stem, extension) = match dot {
        Some(dot) if dot > 0 && bytes.len() - dot <= 16 => bytes.split_at(dot),
        _ => (bytes, &[][..]),
    };
    match shape.and_then(Shape::extension) {
        Some(made) => (stem, made),
        None => (stem, extension),
    }
}

/// Joins the parts of a name, cutting the stem, between characters, so that they fit.
fn joined(stem: &[u8], number: &str, extension: &[u8]) -> OsString {
    let room = NAME_BYTES_MAX.saturating_sub(number.len() + extension.len());
    let mut cut = stem.len().min(room);
    while cut < stem.len() && stem.get(cut).is_some_and(|byte| byte & 0xC0 == 0x80) && cut > 0 {
        cut -= 1;
    }
    let stem = stem.get(..cut).unwrap_or_default();
    OsString::from_vec([stem, number.as_bytes(), extension].concat())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use super::{Names, NamesByFolder, Shape};

    #[test]
    fn names_stay_as_they_are() {
        let mut names = Names::new(false);
        for name in [&b"a.msg"[..], b"A.msg", b"caf\xe9.msg", b"a\nb", b".hidden", &[b'x'; 255]] {
            let name = OsStr::from_bytes(name);
            assert_eq!(names.give(name, None), name);
        }
    }

    #[test]
    fn no_name_is_that_of_something_unfinished() {
        let given = Names::new(false).give(OsStr::new(".msgfs-0123456789abcdef.part"), None);
        assert_eq!(given, ".msgfs-0123456789abcdef (2).part");
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut names = Names::new(true);
        let mut give = |name: &str| names.give(OsStr::new(name), None).into_string().unwrap();
        assert_eq!(give("Report.pdf"), "Report.pdf");
        assert_eq!(give("report.PDF"), "report (2).PDF");
        assert_eq!(give("report (2).pdf"), "report (2) (2).pdf");
        assert_eq!(give("STRASSE"), "STRASSE");
        assert_eq!(give("straße"), "straße (2)");
    }

    #[test]
    fn the_two_letters_for_a_sharp_s_are_the_same() {
        for other in ["Gruß", "GRUSS", "gruss"] {
            let mut names = Names::new(true);
            let mut give = |name: &str| names.give(OsStr::new(name), None).into_string().unwrap();
            assert_eq!(give(other), other);
            assert_eq!(give("GRUẞ"), "GRUẞ (2)");
        }
    }

    #[test]
    fn messages_become_files() {
        let mut names = Names::new(false);
        let mut give =
            |name: &str, shape| names.give(OsStr::new(name), Some(shape)).into_string().unwrap();
        assert_eq!(give("a.msg", Shape::Eml), "a.eml");
        assert_eq!(give("a.oft", Shape::Eml), "a (2).eml");
        assert_eq!(give("a.oft", Shape::Msg), "a.oft");
        let long = give(&format!("{}.msg", "ü".repeat(125)), Shape::Json);
        assert_eq!((long.len(), long.ends_with("ü.json")), (255, true));
    }

    #[test]
    fn a_name_is_given_once_in_each_folder() {
        let mut names = NamesByFolder::new(false);
        let mut give = |path: &str, shape| names.give(Path::new(path), shape);
        assert_eq!(give("a/x.msg", None), Path::new("a/x.msg"));
        assert_eq!(give("a/x.msg", None), Path::new("a/x (2).msg"));
        assert_eq!(give("b/x.msg", None), Path::new("b/x.msg"));
        assert_eq!(give("b/x.msg", Some(Shape::Eml)), Path::new("b/x.eml"));
        assert_eq!(give("b/x.oft", Some(Shape::Eml)), Path::new("b/x (2).eml"));
        assert_eq!(give("b/x.eml", None), Path::new("b/x (3).eml"));
    }
}
