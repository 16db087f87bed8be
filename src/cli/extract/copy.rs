//! Copies one message, or one other file, into the target.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use outlook_msg::digest::hexadecimal;
use outlook_msg::pieces::PieceReader;
use sha2::{Digest as _, Sha256};

use crate::cli::places::{Unit, cause, has_msg_extension};
use crate::cli::status::Status;
use crate::fs::{self, FileType, NamedEntry, Place};
use crate::imsg::Defect;

use super::ExtractForm;
use super::differences::{Beside, Pass};
use super::failure::FirstFailure;
use super::jobs::Job;
use super::names::{Names, Shape};
use super::replace;
use super::totals::{Loss, LossKind, Totals};
use crate::cli::target::{OutputDirectory, OutputTarget, Permissions, There, is_about, set_time};

/// Copies into a target.
pub(super) struct Copier<'a> {
    pub(super) target: &'a OutputTarget,
    pub(super) form: &'a ExtractForm,
    /// Whether the SHA-256 of each file is wanted.
    pub(super) sums: bool,
    /// Whether the source takes the place of what differs.
    pub(super) update: bool,
    /// What ends the run because the target takes nothing more.
    pub(super) failure: FirstFailure,
    /// Set when the run is to end.
    pub(super) stop: &'a AtomicBool,
}

/// A directory of the target into which something is copied.
#[derive(Clone, Copy)]
pub(super) struct Filled<'a> {
    pub(super) directory: &'a OutputDirectory,
    /// Its path in the target.
    pub(super) path: &'a Path,
    /// Whether it is filled, or compared.
    pub(super) pass: Pass,
}

/// Why a file is not copied.
enum Refusal {
    /// The run is to end.
    Stopped,
    /// Nothing is there, and nothing may be written.
    Missing,
    /// Something else is there.
    Differs,
    Source(fs::Error),
    Target(io::Error),
}

impl Copier<'_> {
    /// Copies a message or file. For a folder it returns the path in the target and the time, which
    /// the caller sets once everything is in it.
    pub(super) fn copy(&self, job: Job, totals: &mut Totals) -> Option<(PathBuf, SystemTime)> {
        let Job { unit, path, shape, folders, .. } = job;
        let place = match unit {
            Unit::Failed(path, error) => {
                totals.losses.push(Loss::of_source(&path, &error));
                return None;
            }
            Unit::Folder(place) => {
                if let Err(error) = self.target.directory(&path, Permissions::of(place.attr())) {
                    self.not_written(place.path(), &path, &error, totals);
                }
                return Some((path, place.attr().mtime));
            }
            Unit::Tree(place) if shape.is_none() => {
                let like = Permissions::of(place.attr());
                let around = like.within(&folders).around();
                let (place, path, is_empty) = (&place, &*path, false);
                let copied = replace::Copied { place, path, like, around, is_empty };
                let fill = |directory: &OutputDirectory, pass, totals: &mut Totals| {
                    self.tree(place, Filled { directory, path, pass }, totals);
                };
                self.directory_of(&copied, &fill, totals);
                return None;
            }
            Unit::Tree(place) => {
                totals.count_message(&place);
                place
            }
            Unit::File(place) => place,
        };
        let is_single = shape.is_none() && place.is_in_message();
        // The walk gives folders before their content; a path from a list may lie in a folder that
        // was not walked.
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or_default();
        let around = Permissions::of(place.attr()).within(&folders).around();
        match self.target.directory(folder, around) {
            Ok(directory) => {
                let into = Filled { directory: &directory, path: folder, pass: Pass::Write };
                let known = totals.losses.len();
                self.entry(&place, shape, name, into, totals);
                // A message tells it by its `ERRORS`.
                if is_single && totals.losses.len() == known {
                    totals.tell_losses(&place, &place);
                }
            }
            Err(error) => self.not_written(place.path(), &path, &error, totals),
        }
        None
    }

    /// Copies what is in a directory of a message, or compares it.
    pub(super) fn tree(&self, place: &Place, into: Filled<'_>, totals: &mut Totals) {
        let children = match place.list() {
            Ok(children) => children,
            Err(error) => return totals.losses.push(Loss::of_source(place.path(), &error)),
        };
        let mut names = Names::new(self.target.folds_case());
        let mut own = Totals::default();
        for child in children {
            if self.is_stopped() {
                return;
            }
            let found = match place.child(&child.name) {
                Ok(found) => found,
                Err(error) => {
                    own.losses.push(Loss::of_source(&place.path().join(&child.name), &error));
                    continue;
                }
            };
            let shape = self.form.shape().filter(|_| is_file_of_message(&child, &found));
            let name = names.give(&child.name, shape);
            if child.file_type != FileType::Directory || shape.is_some() {
                self.entry(&found, shape, &name, into, &mut own);
            } else {
                self.inner(&found, &name, into, &mut own);
            }
        }
        let Filled { directory, path, pass } = into;
        if let Pass::Compare(beside) = pass {
            own.differences.is_incomplete |= !directory.has_time(place.attr().mtime);
            own.differences.add_beside(directory, path, &names, beside);
        }
        own.tell_errors(place, |_| true);
        totals.add(own);
        if pass == Pass::Write {
            // A time that cannot be set is no loss.
            let _ = directory.set_time(place.attr().mtime);
        }
    }

    /// Copies a directory in a directory of a message.
    fn inner(&self, place: &Place, name: &OsStr, into: Filled<'_>, totals: &mut Totals) {
        let Filled { directory, pass, .. } = into;
        let path = &*into.path.join(name);
        match pass {
            Pass::Write => match directory.subdirectory(name, Permissions::of(place.attr())) {
                Ok(inner) => self.tree(place, Filled { directory: &inner, path, pass }, totals),
                Err(error) => self.not_written(place.path(), path, &error, totals),
            },
            Pass::Compare(_) => match directory.existing(name) {
                Ok(Some(inner)) => {
                    let pass = Pass::Compare(Beside::Nothing);
                    self.tree(place, Filled { directory: &inner, path, pass }, totals);
                }
                Ok(None) => totals.differences.is_incomplete = true,
                Err(_) => totals.differences.different.push(path.to_owned()),
            },
        }
    }

    /// Copies a file, a link, or a message as a file, or compares it.
    pub(super) fn entry(
        &self,
        place: &Place,
        shape: Option<Shape>,
        name: &OsStr,
        into: Filled<'_>,
        totals: &mut Totals,
    ) {
        let copied = match (shape, place.attr().file_type) {
            (Some(shape), _) => match place.child(OsStr::new(shape.view())) {
                // The view has the time of the mail, the directory that of the source file.
                Ok(view) => {
                    totals.tell_missing(place, &view, shape);
                    self.file(&view, view.attr().mtime, name, into)
                }
                // The reason says what it is instead of a message.
                Err(fs::Error::NotFound) => return totals.tell_no_message(place, shape),
                Err(error) => Err(error.into()),
            },
            (None, FileType::RegularFile) => self.file(place, place.attr().mtime, name, into),
            (None, FileType::Symlink) => self.link(place, name, into).map(|()| None),
            (None, _) => {
                let cause = "neither a file nor a directory; left out".to_owned();
                return totals.losses.push(Loss::left_out(place.path(), cause));
            }
        };
        let path = into.path.join(name);
        match copied {
            Ok(copied) => {
                totals.files += 1;
                let Some(Copied { bytes, sum, failure, is_right }) = copied else { return };
                totals.differences.is_incomplete |= !is_right;
                totals.bytes += bytes;
                totals.sums.extend(sum.map(|sum| (path, sum)));
                totals.losses.extend(failure.map(|error| Loss::of_source(place.path(), &error)));
            }
            Err(refusal) => self.tell(refusal, place, &path, into.pass, totals),
        }
    }

    /// Notes why something was not copied.
    fn tell(&self, refusal: Refusal, place: &Place, path: &Path, pass: Pass, totals: &mut Totals) {
        match (refusal, pass) {
            (Refusal::Stopped, _) => {}
            (Refusal::Missing, _) => totals.differences.is_incomplete = true,
            (Refusal::Differs, Pass::Compare(_)) => {
                totals.differences.different.push(path.to_owned());
            }
            (Refusal::Differs, Pass::Write) => {
                totals.refuse(path);
            }
            (Refusal::Source(error), _) => {
                totals.losses.push(Loss::of_source(place.path(), &error));
            }
            (Refusal::Target(error), _) => self.not_written(place.path(), path, &error, totals),
        }
    }

    /// Notes that something could not be written. If the target takes nothing more, the run ends.
    pub(super) fn not_written(
        &self,
        source: &Path,
        path: &Path,
        error: &io::Error,
        totals: &mut Totals,
    ) {
        if !self.failure.note(path, error, self.stop) {
            totals.losses.push(Loss::of_target(source, error));
        }
    }

    /// Copies a file, unless an equal one is there. If the file is damaged, what can be read of it
    /// is kept.
    fn file(
        &self,
        place: &Place,
        time: SystemTime,
        name: &OsStr,
        Filled { directory, pass, .. }: Filled<'_>,
    ) -> Result<Option<Copied>, Refusal> {
        let like = Permissions::of(place.attr());
        if !directory.is_new() {
            match (directory.there(name)?, pass) {
                (There::Nothing, Pass::Write) => {}
                (There::Nothing, Pass::Compare(_)) => return Err(Refusal::Missing),
                (There::File(existing, found), _) => {
                    if let Some(copied) = self.equal(place, &existing, found.len())? {
                        let is_right = put_right(&existing, &found, like, time, pass)?;
                        return Ok(Some(Copied { is_right, ..copied }));
                    }
                    self.may_replace(pass)?;
                }
                (There::Other, _) => self.may_replace(pass)?,
            }
        }
        let mut unfinished = directory.create(name, like)?;
        let copied = self.write(place, &mut unfinished.file)?;
        unfinished.finish(name, time)?;
        Ok(Some(copied))
    }

    /// Writes what can be read of a file into another one.
    fn write(&self, place: &Place, out: &mut File) -> Result<Copied, Refusal> {
        let mut hasher = self.sums.then(Sha256::new);
        let mut pieces = PieceReader::new(place.attr().size);
        let failure = loop {
            if self.is_stopped() {
                return Err(Refusal::Stopped);
            }
            match pieces.next_piece(|at, piece| place.read_at(at, piece)) {
                Ok(None) => break None,
                Ok(Some(piece)) => {
                    out.write_all(piece)?;
                    hasher.iter_mut().for_each(|hasher| hasher.update(piece));
                }
                Err(error) => break Some(error),
            }
        };
        if pieces.offset() == 0
            && let Some(error) = failure
        {
            return Err(error.into());
        }
        let sum = hasher.map(|hasher| hexadecimal(&hasher.finalize()));
        Ok(Copied { bytes: pieces.offset(), sum, failure, is_right: true })
    }

    /// Refuses to replace what is there, unless the user wants it.
    fn may_replace(&self, pass: Pass) -> Result<(), Refusal> {
        match pass {
            Pass::Write if self.update => Ok(()),
            _ => Err(Refusal::Differs),
        }
    }

    /// What is there already, if it is equal to what can be read.
    fn equal(
        &self,
        place: &Place,
        mut existing: &File,
        len: u64,
    ) -> Result<Option<Copied>, Refusal> {
        if len > place.attr().size {
            return Ok(None);
        }
        let mut hasher = self.sums.then(Sha256::new);
        let (mut pieces, mut there) = (PieceReader::new(place.attr().size), Vec::new());
        let failure = loop {
            if self.is_stopped() {
                return Err(Refusal::Stopped);
            }
            match pieces.next_piece(|at, piece| place.read_at(at, piece)) {
                Ok(Some(piece)) => {
                    there.resize(piece.len(), 0);
                    if existing.read_exact(&mut there).is_err() || there != piece {
                        return Ok(None);
                    }
                    hasher.iter_mut().for_each(|hasher| hasher.update(piece));
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        if pieces.offset() == 0 && failure.is_some() {
            // The copy meets this error again, and reports it.
            return Ok(None);
        }
        let sum = hasher.map(|hasher| hexadecimal(&hasher.finalize()));
        let copied = Copied { bytes: pieces.offset(), sum, failure, is_right: true };
        Ok(Some(copied).filter(|copied| copied.bytes == len))
    }

    /// Makes a link, unless it is there.
    fn link(
        &self,
        place: &Place,
        name: &OsStr,
        Filled { directory, pass, .. }: Filled<'_>,
    ) -> Result<(), Refusal> {
        let target = place.read_link()?;
        if directory.link(name).is_some_and(|there| there == target.as_os_str().as_encoded_bytes())
        {
            return Ok(());
        }
        match (directory.there(name)?, pass) {
            (There::Nothing, Pass::Write) => {}
            (There::Nothing, Pass::Compare(_)) => return Err(Refusal::Missing),
            (There::File(..) | There::Other, _) => self.may_replace(pass)?,
        }
        Ok(directory.make_link(name, &target)?)
    }
}

/// Gives an equal file the time and no more than the permissions of the source, if it is to be
/// written. Returns whether it has them.
fn put_right(
    existing: &File,
    found: &Metadata,
    like: Permissions,
    time: SystemTime,
    pass: Pass,
) -> io::Result<bool> {
    let (is_narrow, is_timed) = (like.allow(found), is_about(found, time));
    if pass != Pass::Write {
        return Ok(is_narrow && is_timed);
    }
    if !is_narrow {
        like.narrow(existing, 0)?;
    }
    if !is_timed {
        set_time(existing, time)?;
    }
    Ok(true)
}

/// A file that is in the target now.
struct Copied {
    bytes: u64,
    sum: Option<String>,
    /// Why it is not whole.
    failure: Option<fs::Error>,
    /// Whether it has the time of the source, and no more than its permissions.
    is_right: bool,
}

impl Totals {
    /// Lists what `ERRORS` of a message says, instead of the files that could not be read: it names
    /// each of these with its cause. What could not be written stays listed. Of the damaged places
    /// only those count that `concerns` says.
    pub(super) fn tell_errors(&mut self, place: &Place, concerns: fn(&str) -> bool) {
        self.tell_own(place, &place.own_defects().unwrap_or_default(), concerns);
    }

    /// As [`Totals::tell_errors`], with what `ERRORS` says.
    pub(super) fn tell_own(
        &mut self,
        place: &Place,
        defects: &[Defect],
        concerns: fn(&str) -> bool,
    ) {
        if defects.is_empty() {
            return;
        }
        self.losses.retain(|loss| loss.kind != LossKind::Reading || loss.status == Status::Failed);
        let told = defects.iter().filter(|one| concerns(&one.place));
        self.losses.extend(told.map(|one| Loss::defect(place.path(), one.to_string())));
    }

    /// Lists why there is no message to make a file of.
    pub(super) fn tell_no_message(&mut self, place: &Place, shape: Shape) {
        let known = self.losses.len();
        self.tell_defects(place);
        if self.losses.len() == known {
            let cause = format!("holds no message to make {} of", shape.view());
            self.losses.push(Loss::left_out(place.path(), cause));
        }
    }

    /// Lists what cannot be read of a message that becomes a file. In an `.eml` file that is what it
    /// says itself to be missing. JSON and `.msg` files have all of the message, with its damage. A
    /// copy of the source loses nothing.
    fn tell_missing(&mut self, place: &Place, view: &Place, shape: Shape) {
        match shape {
            Shape::Eml => self.tell_losses(place, view),
            Shape::Msg if place.is_message() => {}
            Shape::Json | Shape::Msg => self.tell_defects(place),
        }
    }

    /// Lists what a file that is made from a message says to be missing in it.
    pub(super) fn tell_losses(&mut self, place: &Place, view: &Place) {
        match view.losses() {
            Ok(losses) => self
                .losses
                .extend(losses.iter().map(|one| Loss::defect(place.path(), one.to_string()))),
            Err(error) => self.losses.push(Loss::of_source(place.path(), &error)),
        }
    }

    /// Lists what cannot be read of a message and of what is in it.
    pub(super) fn tell_defects(&mut self, place: &Place) {
        match place.check() {
            Ok(findings) => self.losses.extend(
                findings.defects.iter().map(|one| Loss::defect(place.path(), one.to_string())),
            ),
            // It could not even be opened.
            Err(error) => self.losses.push(Loss::of_source(place.path(), &error)),
        }
    }
}

impl Loss {
    /// A value or file of the source could not be read.
    pub(super) fn of_source(path: &Path, error: &fs::Error) -> Self {
        Self {
            path: path.to_owned(),
            cause: cause(error),
            status: Status::of(error),
            kind: LossKind::Reading,
        }
    }

    /// A file could not be written.
    pub(super) fn of_target(path: &Path, error: &io::Error) -> Self {
        Self::wrong(path, error.to_string(), LossKind::Writing)
    }

    /// A defect of a message.
    fn defect(path: &Path, cause: String) -> Self {
        Self::wrong(path, cause, LossKind::Reading)
    }

    /// The form of the export has no place for it.
    pub(super) fn left_out(path: &Path, cause: String) -> Self {
        Self::wrong(path, cause, LossKind::LeftOut)
    }

    fn wrong(path: &Path, cause: String, kind: LossKind) -> Self {
        Self { path: path.to_owned(), cause, status: Status::Wrong, kind }
    }
}

/// Whether an entry of a message is a message itself, to become a file.
fn is_file_of_message(named: &NamedEntry, found: &Place) -> bool {
    named.file_type == FileType::Directory
        && has_msg_extension(&named.name)
        && found.is_readable_message()
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
