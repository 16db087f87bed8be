//! Who may read what is in the target.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::Mode;

use crate::fs::Attr;

/// Who may read what something is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Permissions {
    pub(super) mode: u16,
    group: u32,
}

/// The bits of the group.
const OF_GROUP: u16 = 0o070;
impl Permissions {
    /// For what nobody else needs to read.
    /// The owner may read it: if a command that writes it is killed, the next one opens it, to see
    /// whether somebody is still writing it.
    pub(in crate::cli) const OWN: Self = Self { mode: 0o600, group: 0 };

    /// For a file that gathers many messages, with this mode.
    pub(in crate::cli) fn of_mode(mode: u32) -> Self {
        let group = rustix::process::getegid().as_raw();
        Self { mode: u16::try_from(mode & 0o777).unwrap_or(0), group }
    }

    /// The permissions of something in the tree.
    pub(in crate::cli) fn of(attr: &Attr) -> Self {
        Self { mode: attr.permissions & 0o777, group: attr.gid }
    }

    /// Those of a folder of the source.
    pub(in crate::cli) fn of_folder(folder: &Metadata) -> Self {
        let mode = u16::try_from(folder.mode() & 0o777).unwrap_or(0);
        Self { mode, group: folder.gid() }
    }

    /// These permissions, for a file in these folders: a user who may not pass one of the folders
    /// may not read the file.
    pub(in crate::cli) fn within(self, folders: &[Self]) -> Self {
        let others_pass = folders.iter().all(|folder| folder.mode & 0o001 != 0);
        let group_passes = folders.iter().all(|folder| match folder.group == self.group {
            true => folder.mode & 0o010 != 0,
            false => folder.mode & 0o001 != 0,
        });
        let of_group = if group_passes { OF_GROUP } else { 0 };
        let of_others = if others_pass { 0o007 } else { 0 };
        Self { mode: self.mode & (0o700 | of_group | of_others), ..self }
    }

    /// The permissions of a directory around files with these: whoever may read the files may
    /// search it.
    pub(in crate::cli) fn around(self) -> Self {
        Self { mode: self.mode | (self.mode & 0o444) >> 2, ..self }
    }

    /// Takes from a file the permissions that these do not allow, except for those in `of_owner`.
    /// Returns whether there was anything to take.
    pub(in crate::cli) fn narrow(self, file: &File, of_owner: u16) -> io::Result<bool> {
        let found = file.metadata()?;
        let narrowed = self.narrowed(&found, of_owner);
        let is_wide = narrowed != found.mode() & 0o7777;
        if is_wide {
            rustix::fs::fchmod(file, Mode::from_raw_mode(narrowed))?;
        }
        Ok(is_wide)
    }

    /// Whether a file has no permissions but these.
    pub(in crate::cli) fn allow(self, found: &Metadata) -> bool {
        self.narrowed(found, 0) == found.mode() & 0o7777
    }

    /// The mode that is left to a file.
    fn narrowed(self, found: &Metadata, of_owner: u16) -> u32 {
        let mut allowed = self.mode | of_owner;
        if found.gid() != self.group {
            // To the source, the members of another group are others.
            allowed &= !OF_GROUP | (self.mode & 0o007) << 3;
        }
        found.mode() & 0o7777 & u32::from(allowed)
    }
}
