//! Copies one message, or one other file, into the target.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::cli::places::{Unit, is_message_name};
use crate::fs::{self, FileType, Named, Place};

use super::names::{Names, Shape};
use super::target::{Directory, Target, set_time};
use super::{Job, failure};

/// Paths of the source, and what failed there.
pub(super) type Failures = Vec<(PathBuf, String)>;

/// Copies into a target.
pub(super) struct Copier<'a> {
    pub(super) target: &'a Target,
    pub(super) shape: Option<Shape>,
    /// Set when all is to end.
    pub(super) stop: &'a AtomicBool,
}

/// Why a file is not copied.
enum Refusal {
    /// All is to end.
    Stopped,
    Source(fs::Error),
    Target(io::Error),
}

/// As many defects of one message are told.
const LOSSES_TOLD: usize = 8;
/// As much as is copied at a time.
const COPY_BYTES: usize = 256 << 10;

impl Copier<'_> {
    /// Copies a message or file. Returns a folder that was made with its time, which is to be set
    /// once all is in it, and what failed.
    pub(super) fn copy(&self, job: Job) -> (Option<(PathBuf, SystemTime)>, Failures) {
        let Job { unit, path, shape } = job;
        let mut failures = Vec::new();
        let place = match unit {
            Unit::Failed(path, error) => return (None, vec![failure(&path, &error)]),
            Unit::Folder(place) => {
                let made = self.target.directory(&path).map(drop);
                failures.extend(made.err().map(|error| told(&place, &error)));
                return (Some((path, place.attr().mtime)), failures);
            }
            Unit::Tree(place) if shape.is_none() => {
                match self.target.directory(&path) {
                    Ok(directory) => self.tree(&place, &directory, &mut failures),
                    Err(error) => failures.push(told(&place, &error)),
                }
                failures.extend(losses(&place));
                return (None, failures);
            }
            Unit::Tree(place) | Unit::File(place) => place,
        };
        let name = path.file_name().unwrap_or_default();
        match self.target.directory(path.parent().unwrap_or(Path::new(""))) {
            Ok(directory) => self.entry(&place, shape, &directory, name, &mut failures),
            Err(error) => failures.push(told(&place, &error)),
        }
        // Why there is no file at all has been told.
        if failures.is_empty() {
            failures.extend(losses(&place));
        }
        (None, failures)
    }

    /// Copies what is in a directory of a message.
    fn tree(&self, place: &Place, directory: &Directory, failures: &mut Failures) {
        let children = match place.list() {
            Ok(children) => children,
            Err(error) => return failures.push(failure(place.path(), &error)),
        };
        let mut names = Names::new(self.target.folds_case());
        for child in children {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let found = match place.child(&child.name) {
                Ok(found) => found,
                Err(error) => {
                    failures.push(failure(&place.path().join(&child.name), &error));
                    continue;
                }
            };
            let shape = self.shape.filter(|shape| is_file_of_message(&child, &found, *shape));
            let name = names.give(&child.name, shape);
            if child.file_type != FileType::Directory || shape.is_some() {
                self.entry(&found, shape, directory, &name, failures);
                continue;
            }
            match directory.subdirectory(&name) {
                Ok(directory) => self.tree(&found, &directory, failures),
                Err(error) => failures.push(told(&found, &error)),
            }
        }
        // What could not be set is of no use to anybody.
        let _ = directory.set_time(place.attr().mtime);
    }

    /// Copies a file, a link, or a message as a file.
    fn entry(
        &self,
        place: &Place,
        shape: Option<Shape>,
        directory: &Directory,
        name: &OsStr,
        failures: &mut Failures,
    ) {
        let copied = match (shape, place.attr().file_type) {
            (Some(shape), _) => match place.child(OsStr::new(shape.view())) {
                // The view has the time of the mail, the directory that of the source file.
                Ok(view) => self.file(&view, view.attr().mtime, directory, name),
                Err(fs::Error::NotFound) => {
                    let cause = format!("holds no message to make {} of", shape.view());
                    return failures.push((place.path().to_owned(), cause));
                }
                Err(error) => Err(error.into()),
            },
            (None, FileType::RegularFile) => self.file(place, place.attr().mtime, directory, name),
            (None, FileType::Symlink) => link(place, directory, name),
            (None, _) => {
                let cause = "neither a file nor a directory; left out".to_owned();
                return failures.push((place.path().to_owned(), cause));
            }
        };
        match copied {
            Ok(()) | Err(Refusal::Stopped) => {}
            Err(Refusal::Source(error)) => failures.push(failure(place.path(), &error)),
            Err(Refusal::Target(error)) => failures.push(told(place, &error)),
        }
    }

    /// Copies a file, unless an equal one is there. Of a damaged file what can be read is kept.
    fn file(
        &self,
        place: &Place,
        time: SystemTime,
        directory: &Directory,
        name: &OsStr,
    ) -> Result<(), Refusal> {
        if let Some(existing) = directory.file(name)
            && self.is_equal(place, &existing)?
        {
            return Ok(set_time(&existing, time)?);
        }
        let mut unfinished = directory.create(name)?;
        let mut offset = 0;
        let failure = loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Refusal::Stopped);
            }
            match place.read(offset, COPY_BYTES) {
                Ok(bytes) if bytes.is_empty() => break None,
                Ok(bytes) => {
                    unfinished.file.write_all(&bytes)?;
                    offset += bytes.len() as u64;
                }
                Err(error) if offset == 0 => return Err(error.into()),
                Err(error) => break Some(error),
            }
        };
        unfinished.finish(name, time)?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    fn is_equal(&self, place: &Place, mut existing: &File) -> Result<bool, Refusal> {
        if existing.metadata()?.len() != place.attr().size {
            return Ok(false);
        }
        let mut offset = 0;
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Refusal::Stopped);
            }
            // Its error is met again when it is copied.
            let Ok(bytes) = place.read(offset, COPY_BYTES) else { return Ok(false) };
            let there = buffer.get_mut(..bytes.len()).unwrap_or_default();
            if existing.read_exact(there).is_err() || *there != *bytes {
                return Ok(false);
            }
            if bytes.is_empty() {
                return Ok(existing.read(&mut [0])? == 0);
            }
            offset += bytes.len() as u64;
        }
    }
}

/// What of a message or file could not be read, the first of it one by one.
fn losses(place: &Place) -> Failures {
    let losses = place.losses().unwrap_or_default();
    let path = || place.path().to_owned();
    let mut told: Failures =
        losses.iter().take(LOSSES_TOLD).map(|one| (path(), one.to_string())).collect();
    if let Some(more) = losses.len().checked_sub(LOSSES_TOLD).filter(|more| *more > 0) {
        let cause = format!("{more} more defects; 'msgfs check' lists them all");
        told.push((path(), cause));
    }
    told
}

fn link(place: &Place, directory: &Directory, name: &OsStr) -> Result<(), Refusal> {
    let target = place.read_link()?;
    match directory.link(name) {
        Some(there) if there == target.as_os_str().as_encoded_bytes() => Ok(()),
        _ => Ok(directory.make_link(name, &target)?),
    }
}

/// Whether an entry of a message is a message itself, to become a file.
fn is_file_of_message(named: &Named, found: &Place, shape: Shape) -> bool {
    named.file_type == FileType::Directory
        && is_message_name(&named.name)
        && found.child(OsStr::new(shape.view())).is_ok()
}

fn told(place: &Place, error: &io::Error) -> (PathBuf, String) {
    (place.path().to_owned(), error.to_string())
}

impl From<fs::Error> for Refusal {
    fn from(error: fs::Error) -> Self {
        Self::Source(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Target(error)
    }
}
