//! `msgfs extract`: copies the tree out, a message at a time on every core.

mod copy;
mod names;
mod target;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::fs::{self, FileType, Place};

use super::arguments::Extract;
use super::complain;
use super::ls::shows_message;
use super::ordered::ordered;
use super::places::{Places, Unit, Units, cause, count, in_stdin};
use super::status::Status;
use super::terminal::{one_line, progress_bar};

use copy::{Copier, Failures};
use names::{Names, Shape};
use target::{Permissions, Target};

/// A message or file, and where it is to be in the target.
struct Job {
    unit: Unit,
    /// Relative to the target.
    path: PathBuf,
    shape: Option<Shape>,
}

/// Copies; returns the exit code.
pub(super) fn run(arguments: &Extract, options: fs::Options) -> io::Result<Status> {
    let Extract { path, dest, .. } = arguments;
    let target = match open_target(path, dest) {
        Ok(target) => target,
        Err(error) => {
            complain(&format!("{}: {error}", one_line(dest)));
            return Ok(Status::Failed);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second one ends us at once.
        flag::register_conditional_shutdown(
            signal,
            i32::from(Status::Interrupted.code()),
            Arc::clone(&stop),
        )?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    let progress = progress_bar(|| match in_stdin(path).is_some() {
        // Standard input can be read only once.
        true => 1,
        false => count(Places::new(options.clone()), std::slice::from_ref(path)),
    });
    let copier = Copier { target: &target, shape: shape(arguments), stop: &stop };
    let jobs = Jobs {
        units: Units::new(Places::new(options), vec![path.clone()]),
        root: path.clone(),
        folders: HashMap::new(),
        copier: &copier,
    };
    let mut folders: Vec<(PathBuf, SystemTime)> = Vec::new();
    let mut failures = Failures::new();
    let work = |job: Job, _: &mut super::ordered::Output<'_>| copier.copy(job);
    ordered(jobs, &mut io::sink(), work, |(folder, failed)| {
        folders.extend(folder);
        failures.extend(failed);
        progress.inc(1);
        !stop.load(Ordering::Relaxed)
    })?;
    // The time of a folder is that of the last change in it until now.
    for (folder, time) in folders.iter().rev() {
        // Its own failure has been told.
        let _ =
            target.directory(folder, Permissions::OWN).and_then(|folder| folder.set_time(*time));
    }
    progress.finish_and_clear();
    for (path, cause) in &failures {
        complain(&format!("{}: {cause}", one_line(path)));
    }
    if stop.load(Ordering::Relaxed) {
        complain("interrupted; the same command goes on where this one ended");
        return Ok(Status::Interrupted);
    }
    Ok(if failures.is_empty() { Status::Done } else { Status::Wrong })
}

fn shape(arguments: &Extract) -> Option<Shape> {
    match arguments {
        Extract { eml: true, .. } => Some(Shape::Eml),
        Extract { json: true, .. } => Some(Shape::Json),
        Extract { msg: true, .. } => Some(Shape::Msg),
        _ => None,
    }
}

/// Opens the target directory, which must not lie in what is copied.
fn open_target(path: &Path, dest: &Path) -> io::Result<Target> {
    let absolute = std::path::absolute(dest)?;
    let existing = absolute.ancestors().find_map(|path| {
        let real = path.canonicalize().ok()?;
        Some(real.join(absolute.strip_prefix(path).ok()?))
    });
    if let (Some(dest), Ok(source)) = (existing, path.canonicalize())
        && source.is_dir()
        && dest.starts_with(&source)
    {
        return Err(io::Error::other("lies in what is extracted; give a directory elsewhere"));
    }
    Target::open(dest)
}

/// Says of each message and file where it is to be.
struct Jobs<'a> {
    units: Units,
    root: PathBuf,
    /// Where each folder is in the target, and the names given out in it.
    folders: HashMap<PathBuf, (PathBuf, Names)>,
    copier: &'a Copier<'a>,
}

impl Jobs<'_> {
    fn job(&mut self, unit: Unit) -> Job {
        let none = |unit| Job { unit, path: PathBuf::new(), shape: None };
        let (place, is_message) = match &unit {
            Unit::Failed(..) => return none(unit),
            Unit::Folder(place) | Unit::File(place) => (place, false),
            Unit::Tree(place) => (place, self.copier.shape.is_some() && shows_message(place)),
        };
        let shape = self.copier.shape.filter(|_| is_message);
        let is_folder = matches!(&unit, Unit::Folder(_));
        let like = Permissions::of(place.attr());
        let is_root = place.path() == self.root;
        if is_root {
            // If it fails nothing can be created in it either, which is told then.
            let _ = self.copier.target.begin(like.around());
        }
        let path = if !is_root {
            self.in_folder(place, shape)
        } else if is_folder || (place.attr().file_type == FileType::Directory && !is_message) {
            PathBuf::new()
        } else {
            // The root, a message as a file or one file.
            names::alone(place.path(), shape).into()
        };
        if is_folder {
            // Here, since what is in it may be copied by another thread than the folder. Its failure
            // is told by that thread, which finds the same.
            let _ = self.copier.target.directory(&path, like);
            let names = Names::new(self.copier.target.folds_case());
            self.folders.insert(place.path().to_owned(), (path.clone(), names));
        }
        Job { unit, path, shape }
    }

    fn in_folder(&mut self, place: &Place, shape: Option<Shape>) -> PathBuf {
        let path = place.path();
        let name = path.file_name().unwrap_or_default();
        match path.parent().and_then(|folder| self.folders.get_mut(folder)) {
            Some((folder, names)) => folder.join(names.give(name, shape)),
            None => name.into(),
        }
    }
}

impl Iterator for Jobs<'_> {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        let unit = self.units.next()?;
        Some(self.job(unit))
    }
}

/// What failed, and why.
fn failure(path: &Path, error: &fs::Error) -> (PathBuf, String) {
    (path.to_owned(), cause(error))
}
