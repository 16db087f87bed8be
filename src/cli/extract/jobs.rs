//! What is to be copied, in its order, and where each of it goes in the target.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::places::{Places, Unit, Units};
use crate::fs::{FileType, Place};

use super::ExtractForm;
use super::inputs::{ExtractInput, InTarget};
use super::names::{self, Names, NamesByFolder, Shape};
use crate::cli::target::{OutputTarget, Permissions};

/// A message, file or folder, and where it is to be in the target.
pub(super) struct Job {
    pub(super) unit: Unit,
    /// Relative to the target.
    pub(super) path: PathBuf,
    /// The file that a message becomes.
    pub(super) shape: Option<Shape>,
    /// The number of a message, from 1, in the order of the paths.
    pub(super) number: usize,
    /// The permissions of the folders of the source that it lies in.
    pub(super) folders: Arc<[Permissions]>,
}

/// A folder of the source.
struct JobFolder {
    /// In the target.
    path: PathBuf,
    /// The names given out in it.
    names: Names,
    /// The permissions of it and of the folders around it.
    permissions: Arc<[Permissions]>,
}

/// Goes through the inputs one after the other.
pub(super) struct Jobs<'a> {
    inputs: VecDeque<ExtractInput>,
    /// The input that is gone through; what is below it comes with paths below its own.
    input: Option<(ExtractInput, Units)>,
    places: Option<Places>,
    /// By their paths.
    folders: HashMap<PathBuf, JobFolder>,
    /// The names of the inputs.
    names: NamesByFolder,
    form: &'a ExtractForm,
    target: &'a OutputTarget,
    messages: usize,
}

impl<'a> Jobs<'a> {
    pub(super) fn new(
        places: Places,
        inputs: Vec<ExtractInput>,
        form: &'a ExtractForm,
        target: &'a OutputTarget,
    ) -> Self {
        Self {
            inputs: inputs.into(),
            input: None,
            places: Some(places),
            folders: HashMap::new(),
            names: NamesByFolder::new(target.folds_case()),
            form,
            target,
            messages: 0,
        }
    }

    /// The next unit of an input, and where the input goes if it is the first one.
    fn next_unit(&mut self) -> Option<(Unit, Option<InTarget>)> {
        loop {
            if let Some((_, units)) = &mut self.input {
                if let Some(unit) = units.next() {
                    return Some((unit, None));
                }
                let (_, units) = self.input.take()?;
                self.places = Some(units.into_places());
            }
            let input = self.inputs.pop_front()?;
            // Each input has names of its own: two inputs may contain the same folder.
            self.folders.clear();
            let mut units = Units::new(self.places.take()?, vec![input.path.clone()]);
            // These forms copy messages only. Without this, a mail file of another format that the
            // user named would be left out without a word.
            if matches!(self.form, ExtractForm::Attachments | ExtractForm::Html | ExtractForm::Mbox)
            {
                units = units.of_messages();
            }
            let first = units.next();
            let target = input.target.clone();
            self.input = Some((input, units));
            if let Some(unit) = first {
                return Some((unit, Some(target)));
            }
        }
    }

    fn job(&mut self, unit: Unit, root: Option<InTarget>) -> Job {
        let (place, is_message) = match &unit {
            Unit::Failed(failed, _) => {
                // The names of the others are then the same as in a run without the failure.
                if let Some(InTarget::Under(wanted)) = root {
                    let shape = self.form.shape().filter(|_| !failed.is_dir());
                    self.names.give(&wanted, shape);
                }
                let (path, folders) = (PathBuf::new(), Arc::from([]));
                return Job { unit, path, shape: None, number: 0, folders };
            }
            Unit::Folder(place) | Unit::File(place) => (place, false),
            Unit::Tree(place) => (place, self.form.shape().is_some() && place.shows_message()),
        };
        let shape = self.form.shape().filter(|_| is_message);
        let is_folder = matches!(&unit, Unit::Folder(_));
        let like = Permissions::of(place.attr());
        let (path, folders) = match root {
            None => self.in_folder(place, shape),
            Some(in_target) => {
                let folders = in_target.folders(place.path());
                // If this fails, nothing can be created in the folder either, and that is reported
                // then.
                let _ = self.target.narrow_if_new(like.around());
                let is_directory =
                    is_folder || place.attr().file_type == FileType::Directory && !is_message;
                let path = match in_target {
                    InTarget::Itself if is_directory => PathBuf::new(),
                    InTarget::Itself => names::alone(place.path(), shape).into(),
                    InTarget::Under(wanted) => self.names.give(&wanted, shape),
                };
                (path, folders)
            }
        };
        if is_folder && *self.form != ExtractForm::Mbox {
            // The folder is created here, in the one thread that walks, since another thread may
            // copy what is in it before the folder itself is copied. If it fails, the thread that
            // copies the folder reports it.
            if self.form.has_folders() {
                let _ = self.target.directory(&path, like);
            }
            let names = Names::new(self.target.folds_case());
            let permissions = folders.iter().copied().chain([like]).collect();
            let folder = JobFolder { path: path.clone(), names, permissions };
            self.folders.insert(place.path().to_owned(), folder);
        }
        self.messages += usize::from(matches!(&unit, Unit::Tree(_)));
        Job { unit, path, shape, number: self.messages, folders }
    }

    fn in_folder(&mut self, place: &Place, shape: Option<Shape>) -> (PathBuf, Arc<[Permissions]>) {
        let path = place.path();
        let name = path.file_name().unwrap_or_default();
        match path.parent().and_then(|folder| self.folders.get_mut(folder)) {
            Some(folder) => {
                let name = folder.names.give(name, shape);
                (folder.path.join(name), Arc::clone(&folder.permissions))
            }
            None => (name.into(), Arc::from([])),
        }
    }
}

impl InTarget {
    /// The permissions of those folders around an input that are around it in the target too.
    fn folders(&self, input: &Path) -> Arc<[Permissions]> {
        let count = match self {
            Self::Itself => 0,
            Self::Under(path) => path.components().count().saturating_sub(1),
        };
        let around = input.ancestors().skip(1).take(count);
        around
            .filter_map(|path| path.metadata().ok())
            .map(|one| Permissions::of_folder(&one))
            .collect()
    }
}

impl Iterator for Jobs<'_> {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        let (unit, root) = self.next_unit()?;
        Some(self.job(unit, root))
    }
}
