//! The paths that are to be copied, and where each goes in the target.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use crate::cli::arguments::Extract;
use crate::cli::places::STDIN;

use super::ExtractForm;
use super::names::Shape;

/// A path, and the place of what is copied of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExtractInput {
    pub(super) path: PathBuf,
    pub(super) target: InTarget,
}

/// Where a path goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InTarget {
    /// The target holds its content.
    Itself,
    /// It is copied under this path, with another last name if that is taken.
    Under(PathBuf),
}

/// Of a longer path it is not asked what it lies in; there is hardly anything at such a path.
const PATH_BYTES_MAX: usize = 64 << 10;
/// At most so many bytes of a list of paths are read.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// The paths of a command as they are given, and its target.
#[derive(Debug)]
pub(super) struct ExtractPaths {
    pub(super) paths: Vec<PathBuf>,
    pub(super) dest: PathBuf,
    /// Whether the paths come from a list.
    is_listed: bool,
}

impl ExtractPaths {
    pub(super) fn of(arguments: &Extract) -> Result<Self, PathsError> {
        let (dest, paths) = arguments.words.split_last().ok_or(PathsError::Missing)?;
        let dest = dest.clone();
        match (&arguments.files0_from, paths) {
            (Some(_), [_, ..]) => Err(PathsError::GivenTwice),
            (Some(file), []) => match listed(file) {
                Ok(paths) => Ok(Self { paths, dest, is_listed: true }),
                Err(error) => Err(PathsError::List(file.clone(), error)),
            },
            (None, []) => Err(PathsError::Missing),
            (None, paths) => Ok(Self { paths: paths.to_vec(), dest, is_listed: false }),
        }
    }

    /// Where each path goes in the target. What lies in another path of a list comes with that one.
    pub(super) fn inputs(self, form: ExtractForm) -> Vec<ExtractInput> {
        if let ([path], false) = (self.paths.as_slice(), self.is_listed) {
            return vec![ExtractInput { path: path.clone(), target: InTarget::Itself }];
        }
        let all: HashSet<_> = match self.is_listed {
            true => self.paths.iter().map(|path| inside(path)).collect(),
            false => HashSet::new(),
        };
        let inputs = self.paths.into_iter().filter_map(|path| {
            let wanted = match self.is_listed {
                true => beside(&path, form, &all)?,
                false => last_name(&path).into(),
            };
            Some(ExtractInput { target: InTarget::Under(wanted), path })
        });
        inputs.collect()
    }
}

/// What is wrong with the paths of a command.
#[derive(Debug)]
pub(super) enum PathsError {
    /// The target, or what is to be copied.
    Missing,
    /// Paths are given twice: by a list and on the command line.
    GivenTwice,
    /// The list of paths cannot be read.
    List(PathBuf, io::Error),
}

/// The last name of a path: of `mail/.` that of the folder that it is.
fn last_name(path: &Path) -> OsString {
    if let Some(name) = path.file_name() {
        return if name == STDIN { "message.msg".into() } else { name.to_owned() };
    }
    let real = path.canonicalize().ok();
    real.as_ref().and_then(|real| real.file_name()).unwrap_or(OsStr::new("root")).to_owned()
}

/// A path without what would lead out of the target: neither `/` in front nor `..`.
fn inside(path: &Path) -> PathBuf {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) if name != STDIN => Some(name),
        _ => None,
    });
    names.collect()
}

/// Where a path of a list goes. `None` if it is copied with another path of the list: it lies in
/// that folder, or in the message that becomes a directory.
fn beside(path: &Path, form: ExtractForm, all: &HashSet<PathBuf>) -> Option<PathBuf> {
    let wanted = inside(path);
    let leads_out = path.components().any(|one| one == Component::ParentDir);
    if leads_out || path.as_os_str().len() > PATH_BYTES_MAX {
        return Some(wanted);
    }
    let is_listed = |around: &&Path| all.contains(&inside(around));
    let Some(around) = path.ancestors().skip(1).find(is_listed) else { return Some(wanted) };
    match form {
        _ if around.is_dir() => None,
        ExtractForm::Tree | ExtractForm::Attachments => None,
        // The message around is a file of its name already.
        ExtractForm::File(Shape::Msg) => Some(beside_files(path, all)),
        ExtractForm::File(Shape::Eml | Shape::Json) | ExtractForm::Html | ExtractForm::Mbox => {
            Some(wanted)
        }
    }
}

/// The path of a message in others, with `.d` behind the names of those that are files in the
/// target.
fn beside_files(path: &Path, all: &HashSet<PathBuf>) -> PathBuf {
    let mut around: Vec<_> = path.ancestors().collect();
    around.reverse();
    let mut wanted = PathBuf::new();
    for part in around {
        let Some(name) = part.file_name().filter(|name| *name != STDIN) else { continue };
        let mut name = name.to_owned();
        if part != path && all.contains(&inside(part)) && !part.is_dir() {
            name.push(".d");
        }
        wanted.push(name);
    }
    wanted
}

/// The paths in a file, each ended by NUL.
fn listed(file: &Path) -> io::Result<Vec<PathBuf>> {
    let mut bytes = Vec::new();
    let read = match file == Path::new(STDIN) {
        true => io::stdin().lock().take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes)?,
        false => File::open(file)?.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes)?,
    };
    if read as u64 > LIST_BYTES_MAX {
        return Err(io::Error::other("the list is longer than 256 MiB"));
    }
    let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::inside;

    #[test]
    fn paths_stay_in_the_target() {
        let check = |path: &str, expected: &str| {
            assert_eq!(inside(Path::new(path)), PathBuf::from(expected), "{path}");
        };
        check("a/b.msg", "a/b.msg");
        check("/mail/a.msg", "mail/a.msg");
        check("../../etc/passwd", "etc/passwd");
        check("./a/../b.msg", "a/b.msg");
        check("..", "");
    }
}
