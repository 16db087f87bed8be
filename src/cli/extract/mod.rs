//! `msgfs extract`: copies the tree out, a message at a time on every core.

mod attachments;
mod copy;
mod differences;
mod failure;
mod html;
mod inputs;
mod jobs;
mod mbox;
mod names;
mod replace;
mod totals;

use std::ffi::OsStr;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::fs;

use super::arguments::Extract;
use super::clock::Clock;
use super::messages::Opener;
use super::ordered::{Output, ordered};
use super::places::{Places, Unit, Units, count, in_stdin};
use super::signals::stop_at_signals;
use super::status::Status;
use super::target::{OutputDirectory, OutputTarget, Permissions, There, Unfinished};
use super::terminal::{one_line, progress_bar};
use super::{complain, wrong_usage};

use attachments::Selection;
use copy::Copier;
use differences::{Refused, Remedy};
use failure::FirstFailure;
use html::Pages;
use inputs::{ExtractInput, ExtractPaths, PathsError};
use jobs::{Job, Jobs};
use names::Shape;
use totals::{MANIFEST, Totals, manifest_name};

/// At most this many paths that are left as they are are named.
const REFUSED_MAX: usize = 50;
/// The longest manifest that is taken over.
const MANIFEST_BYTES_MAX: u64 = 1 << 30;
/// The file of all messages.
const MBOX: &str = "messages.mbox";

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

    /// What a run that ends early leaves, and how to go on.
    fn left(self) -> &'static str {
        match self.is_one_work() {
            true => "nothing was put into the target; run the same command again",
            false => "the same command goes on where this one ended",
        }
    }

    /// Whether nothing is put in place before everything is made.
    fn is_one_work(self) -> bool {
        matches!(self, Self::Html | Self::Mbox)
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
    let dest = given.dest.clone();
    let form = ExtractForm::of(arguments);
    let inputs = given.inputs(form);
    let stop = stop_at_signals()?;
    let copier = Copier {
        target: &target,
        form: &form,
        sums: arguments.manifest,
        update: arguments.update,
        failure: FirstFailure::default(),
        stop: &stop,
    };
    let extraction =
        Extraction { arguments, copier: &copier, selection, opener: Opener::new(&options) };
    let mut totals = match form {
        ExtractForm::Mbox => extraction.mbox(inputs, options)?,
        ExtractForm::Html => extraction.html(inputs, options)?,
        _ => extraction.tree(inputs, options)?,
    };
    if arguments.manifest && !copier.is_stopped() {
        extraction.manifest(&mut totals);
    }
    for loss in &totals.losses {
        complain(&format!("{}: {}", one_line(&loss.path), loss.cause));
    }
    tell_refused(&totals.refused, &dest);
    let status = tell_outcome(&copier, &totals, &dest, out)?;
    if status != Status::Done {
        target.remove_if_empty();
    }
    Ok(status)
}

/// Says how the run has ended.
fn tell_outcome(
    copier: &Copier<'_>,
    totals: &Totals,
    dest: &Path,
    out: &mut dyn Write,
) -> io::Result<Status> {
    let form = copier.form;
    if let Some(failure) = copier.failure.get() {
        let path = dest.join(&failure.path);
        complain(&format!("{}: {}", one_line(&path), failure.text()));
        let done = if form.is_one_work() { String::new() } else { totals.summary() + "; " };
        complain(&format!("{done}{}", form.left()));
        return Ok(Status::Failed);
    }
    if copier.is_stopped() {
        complain(&format!("interrupted; {}", form.left()));
        return Ok(Status::Interrupted);
    }
    writeln!(out, "{}", totals.summary())?;
    Ok(totals.status())
}

/// Names what was left as it is, and says once what to do about it.
fn tell_refused(refused: &[Refused], dest: &Path) {
    for one in refused.iter().take(REFUSED_MAX) {
        let remedy = match one.remedy {
            Remedy::Update => "",
            Remedy::Remove => "; remove it, or choose another target",
        };
        complain(&format!("{}: {}{remedy}", one_line(&dest.join(&one.path)), one.what));
    }
    if let Some(more) = refused.len().checked_sub(REFUSED_MAX).filter(|more| *more > 0) {
        complain(&format!("... and {more} more that differ"));
    }
    if refused.iter().any(|one| one.remedy == Remedy::Update) {
        complain("what differs is left as it is; --update replaces it, or choose another target");
    }
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
        let jobs = self.jobs(inputs, options);
        let mut folders: Vec<(PathBuf, SystemTime)> = Vec::new();
        let mut totals = Totals::default();
        let work = |job: Job, _: &mut Output<'_>| self.copy(job);
        ordered(jobs, &mut io::sink(), work, |(folder, brought)| {
            folders.extend(folder);
            totals.add(brought);
            progress.inc(1);
            true
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

    /// What is to be copied. It ends with the run, but what was begun before is counted.
    fn jobs(&self, inputs: Vec<ExtractInput>, options: fs::Options) -> impl Iterator<Item = Job> {
        let copier = self.copier;
        let jobs = Jobs::new(Places::new(options), inputs, copier.form, copier.target);
        jobs.take_while(|_| !copier.is_stopped())
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
        let mut totals = Totals::default();
        if let Err(error) = self.make_pages(inputs, options, &mut totals) {
            self.failed(html::INDEX, &error);
        }
        Ok(totals)
    }

    fn make_pages(
        &self,
        inputs: Vec<ExtractInput>,
        options: fs::Options,
        totals: &mut Totals,
    ) -> io::Result<()> {
        let copier = self.copier;
        let root = copier.target.directory(Path::new(""), Permissions::OWN)?;
        let Some(place_of_pages) = html::PlaceOfPages::of(&root, copier.update, totals)? else {
            return Ok(());
        };
        let like = Permissions::of_mode(self.arguments.mode).around();
        let begun = copier.target.directory(Path::new(""), Permissions::OWN)?;
        let begun = begun.begin(OsStr::new(html::PAGES), like)?;
        let progress = progress_bar(|| total(&inputs, &options));
        let clock = Clock::new(self.arguments.utc);
        let count = messages(&inputs, &options);
        let directory = &begun.directory;
        let pages = Pages { copier, directory, opener: &self.opener, clock: &clock, count };
        let jobs = self.jobs(inputs, options);
        let mut rows = Vec::new();
        let work = |job: Job, _: &mut Output<'_>| {
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
            true
        })?;
        progress.finish_and_clear();
        if copier.is_stopped() {
            return Ok(());
        }
        if totals.found_nothing() {
            totals.forget_files();
            return Ok(());
        }
        let index = OsStr::new(html::INDEX);
        let unfinished = self.gathered(&root, index, |file| html::write_index(&rows, file))?;
        match place_of_pages {
            html::PlaceOfPages::Free => begun.finish(OsStr::new(html::PAGES))?,
            html::PlaceOfPages::Taken => begun.replace(OsStr::new(html::PAGES))?,
        }
        unfinished.finish(index, SystemTime::now())
    }

    /// Makes one file of all messages, in their order.
    fn mbox(&self, inputs: Vec<ExtractInput>, options: fs::Options) -> io::Result<Totals> {
        let mut totals = Totals::default();
        if let Err(error) = self.make_mbox(inputs, options, &mut totals) {
            self.failed(MBOX, &error);
        }
        Ok(totals)
    }

    fn make_mbox(
        &self,
        inputs: Vec<ExtractInput>,
        options: fs::Options,
        totals: &mut Totals,
    ) -> io::Result<()> {
        let progress = progress_bar(|| total(&inputs, &options));
        let copier = self.copier;
        let jobs = self.jobs(inputs, options);
        let name = OsStr::new(MBOX);
        let root = copier.target.directory(Path::new(""), Permissions::OWN)?;
        let append_all = |file: &mut (dyn Write + Send), totals: &mut Totals| {
            let work = |job: Job, out: &mut Output<'_>| {
                let mut own = Totals::default();
                (mbox::append(job, out, &mut own), own)
            };
            let mut appended = Ok(());
            ordered(jobs, file, work, |(written, own)| {
                totals.add(own);
                progress.inc(1);
                appended = written;
                appended.is_ok()
            })?;
            appended
        };
        match root.there(name)? {
            There::File(there, _) if !copier.update => {
                let mut compared = mbox::Compared::new(there);
                match append_all(&mut compared, totals) {
                    Err(_) if compared.differs() => {}
                    ended => ended?,
                }
                progress.finish_and_clear();
                if totals.found_nothing() {
                    return Ok(());
                }
                if !copier.is_stopped() && !compared.is_equal()? {
                    totals.refuse(MBOX);
                    return Ok(());
                }
            }
            There::Other if !copier.update => {
                totals.refuse(MBOX);
                return Ok(());
            }
            _ => {
                let unfinished = self.gathered(&root, name, |file| append_all(file, totals))?;
                progress.finish_and_clear();
                if totals.found_nothing() {
                    return Ok(());
                }
                // Half of the messages are not the mailbox.
                if !copier.is_stopped() {
                    unfinished.finish(name, SystemTime::now())?;
                }
            }
        }
        totals.files += 1;
        Ok(())
    }

    /// Writes the manifest, and into it what an earlier one has of other files.
    fn manifest(&self, totals: &mut Totals) {
        if let Err(error) = self.make_manifest(totals) {
            self.failed(MANIFEST, &error);
        }
    }

    fn make_manifest(&self, totals: &mut Totals) -> io::Result<()> {
        if totals.changed_no_sums() {
            return Ok(());
        }
        let root = self.copier.target.directory(Path::new(""), Permissions::OWN)?;
        let name = manifest_name(|name| root.file(name).is_some_and(|_| totals.has(name)));
        match root.there(&name)? {
            There::Nothing => {}
            There::File(earlier, _) => {
                let mut bytes = Vec::new();
                earlier.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes)?;
                if totals.keep_sums(&bytes).is_none() {
                    totals.refuse_to_replace(&name, "is no list of SHA-256 sums");
                    return Ok(());
                }
            }
            There::Other => {
                totals.refuse_to_replace(&name, "is no file");
                return Ok(());
            }
        }
        let unfinished = self.gathered(&root, &name, |file| totals.write_sums(file))?;
        unfinished.finish(&name, SystemTime::now())
    }

    /// Ends the run, since a file of which there is one only cannot be written.
    fn failed(&self, name: impl AsRef<Path>, error: &io::Error) {
        self.copier.failure.note_any(name.as_ref(), error, self.copier.stop);
    }

    /// Writes a file that gathers many messages. It has no name yet.
    fn gathered<'d>(
        &self,
        root: &'d OutputDirectory,
        name: &OsStr,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<Unfinished<'d>> {
        let mut unfinished = root.create(name, Permissions::OWN)?;
        let mut file = io::BufWriter::with_capacity(256 << 10, &mut unfinished.file);
        write(&mut file)?;
        file.flush()?;
        drop(file);
        let mode = rustix::fs::Mode::from_raw_mode(self.arguments.mode);
        rustix::fs::fchmod(&unfinished.file, mode)?;
        Ok(unfinished)
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
