//! The paths that are to be copied, and where each goes in the target.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use crate::cli::arguments::Extract;
use crate::cli::places::STDIN;

use super::names::Names;

/// A path, and the place of what is copied of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) target: InTarget,
}

/// Where a path goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InTarget {
    /// The target holds its content.
    Itself,
    /// It is copied under this path.
    Under(PathBuf),
}

/// At most so many bytes of a list of paths are read.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// The paths of a command, and its target. With neither enough paths, what is missing.
pub(super) fn inputs(
    arguments: &Extract,
    folds_case: impl FnOnce(&Path) -> io::Result<bool>,
) -> Result<(Vec<Input>, PathBuf), Missing> {
    let Some((dest, paths)) = arguments.words.split_last() else { return Err(Missing::Dest) };
    let (mut paths, is_listed) = (paths.to_vec(), arguments.files0_from.is_some());
    if let Some(file) = &arguments.files0_from {
        if !paths.is_empty() {
            return Err(Missing::Nothing);
        }
        paths = listed(file).map_err(|error| Missing::List(file.clone(), error))?;
    } else if paths.is_empty() {
        return Err(Missing::Dest);
    }
    if let ([path], false) = (paths.as_slice(), is_listed) {
        let input = Input { path: path.clone(), target: InTarget::Itself };
        return Ok((vec![input], dest.clone()));
    }
    let folds_case = folds_case(dest).map_err(|error| Missing::Target(dest.clone(), error))?;
    let mut given = Given { folds_case, folders: std::collections::HashMap::new() };
    let inputs = paths.into_iter().map(|path| {
        let wanted = match is_listed {
            true => inside(&path),
            false => last_name(&path).into(),
        };
        Input { target: InTarget::Under(given.unique(&wanted)), path }
    });
    Ok((inputs.collect(), dest.clone()))
}

/// What stands in the way of a command.
#[derive(Debug)]
pub(super) enum Missing {
    /// The target, or what is to be copied.
    Dest,
    /// Paths are given twice: by a list and on the command line.
    Nothing,
    /// The list of paths cannot be read.
    List(PathBuf, io::Error),
    /// The target cannot be made.
    Target(PathBuf, io::Error),
}

/// The names given out so far, by folder.
struct Given {
    folds_case: bool,
    folders: std::collections::HashMap<PathBuf, Names>,
}

impl Given {
    /// The path, with ` (2)` behind its last name if another input has it already.
    fn unique(&mut self, path: &Path) -> PathBuf {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let name = path.file_name().unwrap_or(OsStr::new("message.msg"));
        let names = self.folders.entry(folder.clone());
        let names = names.or_insert_with(|| Names::new(self.folds_case));
        folder.join(names.give(name, None))
    }
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

    use super::{Given, inside};

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

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut given = Given { folds_case: false, folders: std::collections::HashMap::new() };
        let mut unique = |path: &str| given.unique(Path::new(path));
        assert_eq!(unique("a/x.msg"), Path::new("a/x.msg"));
        assert_eq!(unique("a/x.msg"), Path::new("a/x (2).msg"));
        assert_eq!(unique("b/x.msg"), Path::new("b/x.msg"));
    }
}
