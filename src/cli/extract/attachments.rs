//! `extract --attachments`: the attachments of messages, without the messages.
//!
//! A message has a directory for its attachments, if it has some that are wanted. A message
//! embedded in it is a file there, and its own attachments lie in `NAME.msg.d/` beside it. What
//! is in signed mail or in a `winmail.dat` counts as attached to the message around. Damage is told
//! if it may be of an attachment.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use ignore::overrides::{Override, OverrideBuilder};

use crate::cli::messages::Opener;
use crate::cli::places::has_msg_extension;
use crate::fs::{FileType, NamedEntry, Place};
use crate::imsg::may_be_of_attachment;
use crate::view::{ATTACHMENTS, ERRORS, MAPI, RAW};
use outlook_msg::mail::{Mail, whole_name};

use super::copy::{Copier, Filled};
use super::differences::{Beside, Pass};
use super::jobs::Job;
use super::names::{Names, Shape};
use super::replace;
use super::totals::{Loss, Totals};
use crate::cli::target::{OutputDirectory, Permissions};

/// Which attachments are taken.
#[derive(Debug)]
pub(super) struct Selection {
    /// All, if none is named.
    names: Option<Override>,
    no_inline: bool,
}

/// The directories of a message that are no messages.
const NO_MESSAGES: [&str; 2] = [MAPI, RAW];
/// The most levels of messages in messages that are looked into.
const DEPTH_MAX: usize = 64;

impl Selection {
    pub(super) fn new(globs: &[String], no_inline: bool) -> Result<Self, ignore::Error> {
        let mut builder = OverrideBuilder::new("");
        builder.case_insensitive(true)?;
        for glob in globs {
            builder.add(glob)?;
        }
        let names = builder.build()?;
        Ok(Self { names: Some(names).filter(|_| !globs.is_empty()), no_inline })
    }

    fn takes(&self, name: &OsStr) -> bool {
        let names = self.names.as_ref();
        let is_meant = |name: &Path, names: &Override| names.matched(name, false).is_whitelist();
        // Of a damaged attachment, and of a link, its own name is meant, too.
        let whole = name.to_str().map_or(Path::new(name), |name| Path::new(whole_name(name)));
        names.is_none_or(|names| is_meant(Path::new(name), names) || is_meant(whole, names))
    }
}

/// The directory in the target that the attachments of a message go to.
struct AttachmentsFolder<'a> {
    path: &'a Path,
    /// The directory of the message around, and that of this one in it.
    base: &'a OutputDirectory,
    below: PathBuf,
    /// Opened for the first file in it, and made if it is not there.
    directory: Option<OutputDirectory>,
    pass: Pass,
    names: Names,
    like: Permissions,
}

impl Copier<'_> {
    /// Copies the attachments of a message into a directory of the target.
    pub(super) fn attachments(
        &self,
        selection: &Selection,
        opener: &Opener,
        place: &Place,
        job: &Job,
        totals: &mut Totals,
    ) {
        let kept = RefCell::default();
        let attached = Attached { copier: self, selection, opener, kept };
        let like = Permissions::of(place.attr()).within(&job.folders);
        let fill = |base: &OutputDirectory, pass, totals: &mut Totals| {
            let (path, below) = (&*job.path, PathBuf::new());
            let (directory, names) = (None, Names::new(self.target.folds_case()));
            let mut to = AttachmentsFolder { path, base, below, directory, pass, names, like };
            attached.given(place, &mut to, totals);
            to.add_beside(totals);
        };
        let (path, around) = (&*job.path, like.around());
        let is_of_use = |one: &NamedEntry| match one.file_type {
            FileType::Directory => !NO_MESSAGES.iter().any(|no| one.name == *no),
            _ => one.name == ERRORS,
        };
        let is_empty = place.mail_of_attachments().is_err()
            && place.list().is_ok_and(|entries| !entries.iter().any(is_of_use));
        let copied = replace::Copied { place, path, like: around, around, is_empty };
        self.directory_of(&copied, &fill, totals);
    }
}

impl AttachmentsFolder<'_> {
    /// Opens the directory. Makes it if something is to be written into it.
    fn open(&mut self) -> io::Result<Option<&OutputDirectory>> {
        if self.directory.is_none() {
            self.directory = match self.pass {
                Pass::Write => Some(self.base.below(&self.below, self.like.around())?),
                Pass::Compare(_) => self.base.existing_below(&self.below)?,
            };
        }
        Ok(self.directory.as_ref())
    }

    /// When it is compared, notes what it holds beside the attachments.
    fn add_beside(&mut self, totals: &mut Totals) {
        let Pass::Compare(beside) = self.pass else { return };
        let differences = &mut totals.differences;
        match self.open() {
            Ok(None) => {}
            Ok(Some(_)) => {
                if let Some(directory) = &self.directory {
                    differences.add_beside(directory, self.path, &self.names, beside);
                }
            }
            Err(_) => differences.different.push(self.path.to_owned()),
        }
    }
}

/// The attachments of one message file.
struct Attached<'a> {
    copier: &'a Copier<'a>,
    selection: &'a Selection,
    opener: &'a Opener,
    /// The files that an earlier run with another selection has made.
    kept: RefCell<HashSet<PathBuf>>,
}

impl Attached<'_> {
    /// Copies the attachments of a message, or of the `attachments/` of one.
    fn given(&self, place: &Place, to: &mut AttachmentsFolder<'_>, totals: &mut Totals) {
        let Ok((mail, defects)) = place.mail_of_attachments() else {
            return self.message(place, to, 0, totals);
        };
        let mut own = Totals::default();
        self.directory(place, &self.inline_names(|| Some(mail)), to, 0, &mut own);
        own.tell_own(place, &defects, may_be_of_attachment);
        totals.add(own);
    }

    fn message(
        &self,
        place: &Place,
        to: &mut AttachmentsFolder<'_>,
        depth: usize,
        totals: &mut Totals,
    ) {
        let entries = match place.list() {
            Ok(entries) => entries,
            Err(error) => return totals.losses.push(Loss::of_source(place.path(), &error)),
        };
        let mut own = Totals::default();
        for entry in entries.iter().filter(|one| one.file_type == FileType::Directory) {
            if NO_MESSAGES.iter().any(|name| entry.name == *name) || depth >= DEPTH_MAX {
                continue;
            }
            match place.child(&entry.name) {
                Ok(directory) if entry.name == ATTACHMENTS => {
                    let mail = || self.opener.open(place).and_then(|found| found.mail.ok());
                    let inline = self.inline_names(mail);
                    self.directory(&directory, &inline, to, depth, &mut own);
                }
                Ok(inside) => self.message(&inside, to, depth + 1, &mut own),
                Err(error) => {
                    own.losses.push(Loss::of_source(&place.path().join(&entry.name), &error));
                }
            }
        }
        own.tell_errors(place, may_be_of_attachment);
        totals.add(own);
    }

    fn directory(
        &self,
        attachments: &Place,
        inline: &HashSet<String>,
        to: &mut AttachmentsFolder<'_>,
        depth: usize,
        totals: &mut Totals,
    ) {
        let entries = match attachments.list() {
            Ok(entries) => entries,
            Err(error) => return totals.losses.push(Loss::of_source(attachments.path(), &error)),
        };
        for entry in entries {
            match attachments.child(&entry.name) {
                Ok(found) => self.entry(&entry, &found, inline, to, depth, totals),
                Err(error) => {
                    let path = attachments.path().join(&entry.name);
                    totals.losses.push(Loss::of_source(&path, &error));
                }
            }
        }
    }

    fn entry(
        &self,
        entry: &NamedEntry,
        found: &Place,
        inline: &HashSet<String>,
        to: &mut AttachmentsFolder<'_>,
        depth: usize,
        totals: &mut Totals,
    ) {
        let is_inline = entry.name.to_str().is_some_and(|name| inline.contains(name));
        let is_kept = || self.kept.borrow().contains(&to.path.join(&entry.name));
        let is_taken = self.selection.takes(&entry.name) && !is_inline;
        let is_taken = is_taken || to.pass == Pass::Write && is_kept();
        match entry.file_type {
            FileType::Directory if has_msg_extension(&entry.name) => {
                if is_taken {
                    self.copy(found, Some(Shape::Msg), &entry.name, to, totals);
                }
                let mut inside = entry.name.clone();
                inside.push(".d");
                let name = to.names.give(&inside, None);
                let pass = match to.pass {
                    Pass::Compare(_) => Pass::Compare(Beside::Nothing),
                    Pass::Write => Pass::Write,
                };
                let mut inner = AttachmentsFolder {
                    path: &to.path.join(&name),
                    base: to.base,
                    below: to.below.join(&name),
                    directory: None,
                    pass,
                    names: Names::new(self.copier.target.folds_case()),
                    like: Permissions::of(found.attr()),
                };
                self.message(found, &mut inner, depth + 1, totals);
                inner.add_beside(totals);
            }
            FileType::Directory => self.message(found, to, depth + 1, totals),
            _ if is_taken => self.copy(found, None, &entry.name, to, totals),
            _ => {}
        }
        if !is_taken && matches!(to.pass, Pass::Compare(_)) {
            self.keep(entry, found, to);
        }
    }

    /// Notes an attachment that is not taken now, if an earlier run has taken it: it is of this
    /// message.
    fn keep(&self, entry: &NamedEntry, found: &Place, to: &mut AttachmentsFolder<'_>) {
        let shape = match entry.file_type {
            FileType::Directory if has_msg_extension(&entry.name) => Some(Shape::Msg),
            FileType::RegularFile => None,
            _ => return,
        };
        let (path, pass) = (to.path, to.pass);
        let Ok(Some(directory)) = to.open() else { return };
        let mut compared = Totals::default();
        let into = Filled { directory, path, pass };
        self.copier.entry(found, shape, &entry.name, into, &mut compared);
        if compared.files > 0 {
            to.names.note(&entry.name);
            self.kept.borrow_mut().insert(path.join(&entry.name));
        }
    }

    fn copy(
        &self,
        place: &Place,
        shape: Option<Shape>,
        name: &OsStr,
        to: &mut AttachmentsFolder<'_>,
        totals: &mut Totals,
    ) {
        let name = to.names.give(name, shape);
        let (path, pass) = (to.path, to.pass);
        match to.open() {
            Ok(Some(directory)) => {
                let into = Filled { directory, path, pass };
                self.copier.entry(place, shape, &name, into, totals);
            }
            Ok(None) => totals.differences.is_incomplete = true,
            Err(error) => {
                self.copier.not_written(place.path(), &path.join(&name), &error, totals);
            }
        }
    }

    /// The names of the attachments that the HTML body of a message shows.
    fn inline_names(&self, mail: impl FnOnce() -> Option<Mail>) -> HashSet<String> {
        if !self.selection.no_inline {
            return HashSet::new();
        }
        let attachments = mail().and_then(|mail| mail.attachments().ok()).unwrap_or_default();
        let inline = attachments.iter().filter(|one| one.is_inline());
        inline.map(|one| one.name().to_owned()).collect()
    }
}
