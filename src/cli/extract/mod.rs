//! `msgfs extract`: copies the tree out, a message at a time on every core.

mod attachments;
mod copy;
mod html;
mod inputs;
mod jobs;
mod mbox;
mod names;
mod totals;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use crate::fs;

use super::arguments::Extract;
use super::clock::Clock;
use super::messages::Opener;
use super::ordered::ordered;
use super::places::{Places, Unit, Units, count, in_stdin};
use super::signals::stop_at_signals;
use super::status::Status;
use super::target::{OutputTarget, Permissions};
use super::terminal::{one_line, progress_bar};
use super::{complain, wrong_usage};

use attachments::Selection;
use copy::Copier;
use html::Pages;
use inputs::{ExtractInput, ExtractPaths, PathsError};
use jobs::{Job, Jobs};
use names::Shape;
use totals::{Totals, manifest_name};

/// What messages become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExtractForm {
    /// Directories, as in a mount.
    Tree,
    /// A file each.
    File(Shape),
    /// Directories of their attachments.
    Attachments,
    /// Pages.
    Html,
    /// One file.
    Mbox,
}

impl ExtractForm {
    fn of(arguments: &Extract) -> Self {
        match arguments {
            Extract { eml: true, .. } => Self::File(Shape::Eml),
            Extract { json: true, .. } => Self::File(Shape::Json),
            Extract { msg: true, .. } => Self::File(Shape::Msg),
            Extract { attachments: true, .. } => Self::Attachments,
            Extract { html: true, .. } => Self::Html,
            Extract { mbox: true, .. } => Self::Mbox,
            _ => Self::Tree,
        }
    }

    fn shape(self) -> Option<Shape> {
        match self {
            Self::File(shape) => Some(shape),
            _ => None,
        }
    }

    /// Whether the folders of the source are created, also those that stay empty.
    fn has_folders(self) -> bool {
        matches!(self, Self::Tree | Self::File(_))
    }
}

/// Copies.
pub(super) fn run(
    arguments: &Extract,
    options: fs::Options,
    out: &mut dyn Write,
) -> io::Result<Status> {
    let given = match ExtractPaths::of(arguments) {
        Ok(given) => given,
        Err(error) => return Ok(refused(&error)),
    };
    let selection = match Selection::new(&arguments.names, arguments.no_inline) {
        Ok(selection) => selection,
        Err(error) => {
            complain(&format!("--name: {error}"));
            return Ok(Status::Failed);
        }
    };
    let target = match open_target(&given) {
        Ok(target) => target,
        Err(error) => {
            complain(&format!("{}: {error}", one_line(&given.dest)));
            return Ok(Status::Failed);
        }
    };
    let inputs = given.inputs(target.folds_case());
    let stop = stop_at_signals()?;
    let form = ExtractForm::of(arguments);
    let copier = Copier { target: &target, form: &form, sums: arguments.manifest, stop: &stop };
    let extraction =
        Extraction { arguments, copier: &copier, selection, opener: Opener::new(&options) };
    let mut totals = match form {
        ExtractForm::Mbox => extraction.mbox(inputs, options)?,
        ExtractForm::Html => extraction.html(inputs, options)?,
        _ => extraction.tree(inputs, options)?,
    };
    for loss in &totals.losses {
        complain(&format!("{}: {}", one_line(&loss.path), loss.cause));
    }
    if stop.load(Ordering::Relaxed) {
        complain("interrupted; the same command goes on where this one ended");
        return Ok(Status::Interrupted);
    }
    if arguments.manifest {
        let root = target.directory(Path::new(""), Permissions::OWN)?;
        let name = manifest_name(|name| root.file(name).is_some_and(|_| totals.has(name)));
        extraction.gathered(&name, |file| totals.write_sums(file))?;
    }
    writeln!(out, "{}", totals.summary())?;
    Ok(totals.status())
}

fn refused(paths_error: &PathsError) -> Status {
    match paths_error {
        PathsError::Missing => wrong_usage("missing <PATH>... <DEST>"),
        PathsError::GivenTwice => wrong_usage("--files0-from and <PATH>... exclude each other"),
        PathsError::List(path, error) => {
            complain(&format!("{}: {error}", one_line(path)));
            Status::Failed
        }
    }
}

/// One extraction.
struct Extraction<'a> {
    arguments: &'a Extract,
    copier: &'a Copier<'a>,
    selection: Selection,
    opener: Opener,
}

impl Extraction<'_> {
    /// Copies into directories and files of their own, on every core.
    fn tree(&self, inputs: Vec<ExtractInput>, options: fs::Options) -> io::Result<Totals> {
        let progress = progress_bar(|| total(&inputs, &options));
        let copier = self.copier;
        let jobs = Jobs::new(Places::new(options), inputs, copier.form, copier.target);
        let mut folders: Vec<(PathBuf, SystemTime)> = Vec::new();
        let mut totals = Totals::default();
        let work = |job: Job, _: &mut super::ordered::Output<'_>| self.copy(job);
        ordered(jobs, &mut io::sink(), work, |(folder, brought)| {
            folders.extend(folder);
            totals.add(brought);
            progress.inc(1);
            !copier.stop.load(Ordering::Relaxed)
        })?;
        // Creating files has changed the time of the folder, so set it last.
        for (folder, time) in folders.iter().rev() {
            // A folder that could not be created is listed already.
            let folder = copier.target.directory(folder, Permissions::OWN);
            let _ = folder.and_then(|folder| folder.set_time(*time));
        }
        progress.finish_and_clear();
        Ok(totals)
    }

    fn copy(&self, job: Job) -> (Option<(PathBuf, SystemTime)>, Totals) {
        let mut totals = Totals::default();
        let folder = match (&job.unit, *self.copier.form) {
            (Unit::Tree(place), ExtractForm::Attachments) => {
                let Self { selection, opener, .. } = self;
                self.copier.attachments(selection, opener, place, &job, &mut totals);
                None
            }
            (Unit::File(_) | Unit::Folder(_), ExtractForm::Attachments) => None,
            _ => self.copier.copy(job, &mut totals),
        };
        (folder, totals)
    }

    /// Makes pages, on every core, and then their list.
    fn html(&self, inputs: Vec<ExtractInput>, options: fs::Options) -> io::Result<Totals> {
        let progress = progress_bar(|| total(&inputs, &options));
        let copier = self.copier;
        let clock = Clock::new(self.arguments.utc);
        let count = messages(&inputs, &options);
        let pages = Pages { copier, opener: &self.opener, clock: &clock, count };
        let jobs = Jobs::new(Places::new(options), inputs, copier.form, copier.target);
        let (mut totals, mut rows) = (Totals::default(), Vec::new());
        let work = |job: Job, _: &mut super::ordered::Output<'_>| {
            let mut totals = Totals::default();
            let row = match &job.unit {
                Unit::Tree(place) => pages.message(&job, place, &mut totals),
                Unit::Failed(path, error) => {
                    totals.losses.push(totals::Loss::of_source(path, error));
                    None
                }
                Unit::File(_) | Unit::Folder(_) => None,
            };
            (row, totals)
        };
        ordered(jobs, &mut io::sink(), work, |(row, brought)| {
            rows.extend(row);
            totals.add(brought);
            progress.inc(1);
            !copier.stop.load(Ordering::Relaxed)
        })?;
        progress.finish_and_clear();
        self.gathered(OsStr::new("index.html"), |file| html::write_index(&rows, file))?;
        Ok(totals)
    }

    /// Makes one file of all messages, in their order.
    fn mbox(&self, inputs: Vec<ExtractInput>, options: fs::Options) -> io::Result<Totals> {
        let progress = progress_bar(|| total(&inputs, &options));
        let copier = self.copier;
        let jobs = Jobs::new(Places::new(options), inputs, copier.form, copier.target);
        let mut totals = Totals::default();
        self.gathered(OsStr::new("messages.mbox"), |file| {
            for job in jobs {
                if copier.stop.load(Ordering::Relaxed) {
                    break;
                }
                mbox::append(job, &self.opener, file, &mut totals)?;
                progress.inc(1);
            }
            Ok(())
        })?;
        totals.files += 1;
        progress.finish_and_clear();
        Ok(totals)
    }

    /// Writes a file that gathers many messages.
    fn gathered(
        &self,
        name: &OsStr,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let root = self.copier.target.directory(Path::new(""), Permissions::OWN)?;
        let mut unfinished = root.create(name, Permissions::OWN)?;
        let mut file = io::BufWriter::with_capacity(256 << 10, &mut unfinished.file);
        write(&mut file)?;
        file.flush()?;
        drop(file);
        let mode = rustix::fs::Mode::from_raw_mode(self.arguments.mode);
        rustix::fs::fchmod(&unfinished.file, mode)?;
        unfinished.finish(name, SystemTime::now())
    }
}

/// How many units the progress bar counts.
fn total(inputs: &[ExtractInput], options: &fs::Options) -> u64 {
    let paths: Vec<_> = inputs.iter().map(|input| input.path.clone()).collect();
    // Standard input can be read only once.
    match paths.iter().any(|path| in_stdin(path).is_some()) {
        true => paths.len() as u64,
        false => count(Places::new(options.clone()), &paths),
    }
}

/// How many messages there are.
fn messages(inputs: &[ExtractInput], options: &fs::Options) -> usize {
    let (listed, stdin): (Vec<_>, Vec<_>) =
        inputs.iter().map(|input| input.path.clone()).partition(|path| in_stdin(path).is_none());
    let units = Units::new(Places::new(options.clone()), listed);
    stdin.len() + units.filter(|unit| matches!(unit, Unit::Tree(_))).count()
}

/// Opens the target directory, which must not lie in what is copied.
fn open_target(ExtractPaths { paths, dest, .. }: &ExtractPaths) -> io::Result<OutputTarget> {
    let absolute = std::path::absolute(dest)?;
    let existing = absolute.ancestors().find_map(|path| {
        let real = path.canonicalize().ok()?;
        Some(real.join(absolute.strip_prefix(path).ok()?))
    });
    for path in paths {
        if let (Some(dest), Ok(source)) = (&existing, path.canonicalize())
            && source.is_dir()
            && dest.starts_with(&source)
        {
            return Err(io::Error::other("lies in what is extracted; give a directory elsewhere"));
        }
    }
    OutputTarget::open(dest)
}
