//! How a directory of the target becomes the copy of a message, whatever is there already.
//!
//! A new one gets its name when everything is in it. One that is there is first compared: if all
//! that it holds is in the message too, what is missing is added. Otherwise it is left as it is, or,
//! with `--update`, a new one takes its place at once.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::cli::target::{OutputDirectory, Permissions};
use crate::fs::Place;
use crate::view::ATTACHMENTS;

use super::ExtractForm;
use super::copy::Copier;
use super::differences::{self, Beside, Differences, Pass, Refused, Remedy, is_message_file};
use super::totals::Totals;

/// What a directory of the target becomes a copy of.
pub(super) struct Copied<'a> {
    pub(super) place: &'a Place,
    /// Its path in the target.
    pub(super) path: &'a Path,
    pub(super) like: Permissions,
    /// The permissions of the directory around it, if that is not there yet.
    pub(super) around: Permissions,
    /// Whether nothing will be in it, so that it need not be made.
    pub(super) is_empty: bool,
}

/// Puts the content into a directory.
pub(super) type Fill<'a> = &'a dyn Fn(&OutputDirectory, Pass, &mut Totals);

/// The name of the copy, while it is made, of what the target itself becomes. No message has such a
/// file.
const WHOLE: &str = "/whole";

impl Copier<'_> {
    /// Makes a directory of the target the copy.
    pub(super) fn directory_of(&self, copied: &Copied<'_>, fill: Fill<'_>, totals: &mut Totals) {
        if let Err(error) = self.try_directory_of(copied, fill, totals) {
            self.not_written(copied.place.path(), copied.path, &error, totals);
        }
    }

    fn try_directory_of(
        &self,
        copied: &Copied<'_>,
        fill: Fill<'_>,
        totals: &mut Totals,
    ) -> io::Result<()> {
        let parent = copied.path.parent().unwrap_or(Path::new(""));
        let around = self.target.directory(parent, copied.around)?;
        let Some(name) = copied.path.file_name() else {
            return self.follow(&around, copied, fill, totals);
        };
        match around.existing(name)? {
            Some(there) => self.follow(&there, copied, fill, totals),
            None if copied.is_empty => {
                totals.count_message(copied.place);
                Ok(())
            }
            None => {
                let begun = around.begin(name, copied.like)?;
                let mut own = Totals::default();
                fill(&begun.directory, Pass::Write, &mut own);
                let is_empty = own.files == 0 && *self.form == ExtractForm::Attachments;
                // If it does not get its name, it goes away.
                if self.is_stopped() {
                    totals.losses.append(&mut own.losses);
                    return Ok(());
                }
                totals.add(own);
                if !is_empty {
                    begun.finish(name)?;
                }
                totals.count_message(copied.place);
                Ok(())
            }
        }
    }

    /// Makes a directory that is there the copy.
    fn follow(
        &self,
        there: &OutputDirectory,
        copied: &Copied<'_>,
        fill: Fill<'_>,
        totals: &mut Totals,
    ) -> io::Result<()> {
        let mut compared = Totals::default();
        fill(there, Pass::Compare(self.beside(copied)), &mut compared);
        if self.is_stopped() {
            return Ok(());
        }
        let differences = std::mem::take(&mut compared.differences);
        if differences.are_none() {
            if !differences.is_incomplete {
                totals.add(compared);
            } else {
                fill(there, Pass::Write, totals);
            }
        } else {
            let foreign = self.foreign(there, copied, &differences)?;
            if !self.update || foreign.is_some() {
                // What is damaged is told all the same.
                totals.losses.append(&mut compared.losses);
                let remedy = foreign.as_ref().map_or(Remedy::Update, |_| Remedy::Remove);
                let what = foreign.filter(|_| self.update);
                let what = what.unwrap_or_else(|| differences.text(copied.path));
                totals.refused.push(Refused { path: copied.path.to_owned(), what, remedy });
                return Ok(());
            }
            self.replace(copied, fill, totals)?;
        }
        if !self.is_stopped() {
            totals.count_message(copied.place);
            if !copied.path.as_os_str().is_empty() {
                totals.trees.push(copied.path.to_owned());
            }
        }
        Ok(())
    }

    /// Makes the copy anew, and puts it in the place of what is there.
    fn replace(&self, copied: &Copied<'_>, fill: Fill<'_>, totals: &mut Totals) -> io::Result<()> {
        let parent = copied.path.parent().unwrap_or(Path::new(""));
        let around = self.target.directory(parent, copied.around)?;
        let name = copied.path.file_name();
        let begun = around.begin(name.unwrap_or(OsStr::new(WHOLE)), copied.like)?;
        fill(&begun.directory, Pass::Write, totals);
        if self.is_stopped() {
            return Ok(());
        }
        match name {
            Some(name) => begun.replace(name),
            None => {
                begun.spread()?;
                let root = self.target.directory(Path::new(""), copied.around)?;
                root.set_time(copied.place.attr().mtime)
            }
        }
    }

    /// What a directory may hold beside the copy.
    fn beside(&self, copied: &Copied<'_>) -> Beside {
        if !copied.path.as_os_str().is_empty() {
            return Beside::Nothing;
        }
        let is_of_attachments = *self.form == ExtractForm::Attachments
            || copied.place.path().file_name().is_some_and(|name| name == ATTACHMENTS);
        match is_of_attachments {
            true => Beside::Anything,
            false if copied.place.shows_message() => Beside::NoMessageFile,
            false => Beside::Nothing,
        }
    }

    /// What a directory holds that is not in the message and may not go, since nobody can know that
    /// an earlier run made it; `None` if there is nothing. What no message has is of the user, and
    /// the target itself, or a directory of attachments, may be any folder of the user.
    fn foreign(
        &self,
        there: &OutputDirectory,
        copied: &Copied<'_>,
        differences: &Differences,
    ) -> io::Result<Option<String>> {
        let is_of_message = !copied.path.as_os_str().is_empty()
            && *self.form != ExtractForm::Attachments
            && copied.place.shows_message();
        let foreign = match is_of_message {
            true => there.names_beside(is_message_file, std::iter::empty())?,
            false => differences.extra.iter().map(|path| path.into()).collect(),
        };
        let foreign: Vec<_> = foreign.into_iter().map(PathBuf::from).collect();
        Ok(Some(differences::holds(&foreign, copied.path)).filter(|_| !foreign.is_empty()))
    }

    /// Whether the run is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
