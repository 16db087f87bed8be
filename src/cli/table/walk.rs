//! The files that become rows, in their order.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{io, vec};

use msg_table::Input;

use crate::cli::messages::{Located, MessageSource, OpenError, messages_in_directory};
use crate::cli::places::{Places, Unit, Units, cause};
use crate::fs::{self, Place};
use crate::view::MESSAGE_MSG;

use super::UnreadablePath;
use super::shard::Shard;

/// Goes through the paths one after the other. Only the names of the folders around the file at
/// hand are in memory.
pub(super) struct MailWalk {
    paths: vec::IntoIter<PathBuf>,
    /// The path that is gone through.
    current: Option<(PathBuf, Units)>,
    places: Option<Places>,
    shard: Option<Shard>,
}

/// What is met on the way.
#[derive(Debug)]
pub(super) enum WalkItem {
    /// A message, or a directory of messages in one.
    File(Place),
    /// What cannot be looked at.
    Failed(UnreadablePath),
}

impl MailWalk {
    pub(super) fn new(places: Places, paths: Vec<PathBuf>, shard: Option<Shard>) -> Self {
        Self { paths: paths.into_iter(), current: None, places: Some(places), shard }
    }

    fn has(&self, root: &Path, place: &Place) -> bool {
        let Some(shard) = self.shard else { return true };
        let below = place.path().strip_prefix(root).unwrap_or(place.path());
        let name = place.path().file_name().map(Path::new).unwrap_or(place.path());
        shard.has(if below.as_os_str().is_empty() { name } else { below })
    }
}

impl Iterator for MailWalk {
    type Item = WalkItem;

    fn next(&mut self) -> Option<WalkItem> {
        loop {
            let Some((root, mut units)) = self.current.take() else {
                let path = self.paths.next()?;
                let units = Units::new(self.places.take()?, vec![path.clone()]).of_messages();
                self.current = Some((path, units));
                continue;
            };
            let Some(unit) = units.next() else {
                self.places = Some(units.into_places());
                continue;
            };
            let item = match unit {
                Unit::Tree(place) if self.has(&root, &place) => Some(WalkItem::File(place)),
                Unit::Failed(path, error) => {
                    Some(WalkItem::Failed(UnreadablePath::new(&path, &error)))
                }
                Unit::Tree(_) | Unit::File(_) | Unit::Folder(_) => None,
            };
            self.current = Some((root, units));
            if item.is_some() {
                return item;
            }
        }
    }
}

/// The message at a place, or the messages in the directory at a place.
pub(super) fn inputs(place: &Place) -> Vec<Input> {
    if let Some(input) = input(place) {
        return vec![input];
    }
    let mut failures = Vec::new();
    let inside = messages_in_directory(place, &mut |path, error| {
        failures.push(Input::failed(path, io::Error::other(cause(&error))));
    });
    inside.iter().filter_map(input).chain(failures).collect()
}

fn input(place: &Place) -> Option<Input> {
    let Located { path, parent, content, .. } = Located::at(place)?;
    let input = match content {
        Ok(MessageSource::File(file)) => Input::file(path, file),
        // Its row has the size and the hash of the file that it would be.
        Ok(MessageSource::Inside(_)) => match message_file(place) {
            Ok(bytes) => Input::bytes(path, bytes),
            Err(error) => Input::failed(path, io::Error::other(cause(&error))),
        },
        Err(OpenError::File(error)) => Input::failed(path, error),
        Err(error) => Input::failed(path, io::Error::other(error.to_string())),
    };
    Some(match parent {
        Some(parent) => input.inside(&parent),
        None => input,
    })
}

/// What an embedded message would be as a file.
fn message_file(place: &Place) -> Result<Vec<u8>, fs::Error> {
    let file = place.child(OsStr::new(MESSAGE_MSG))?;
    file.read(0, usize::MAX)
}
