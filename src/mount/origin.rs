//! Where what a mount shows lies in its source.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::fs::CONTROL_DIRECTORY;
use crate::fs::mountinfo::Device;

use super::edits::unsaved;
use super::table;

/// `FUSE_SUPER_MAGIC` of statfs(2).
const FUSE: u64 = 0x6573_5546;

/// A directory of a mount.
#[derive(Debug)]
pub struct Origin {
    /// Its path in the source of the mount: that of a folder, of a message file, or of a directory
    /// in one.
    pub path: PathBuf,
    /// A message in it or around it that has unsaved edits, by its path in the mount: the source
    /// does not have these edits.
    pub unsaved: Option<PathBuf>,
}

/// Where a directory of a mount lies in the source. `None` of a path that is no directory, or that
/// is in no mount of this user: the name of a source in the table of mounts is the word of who has
/// mounted it.
///
/// # Errors
/// If the path or the table of mounts cannot be read.
pub fn origin(path: &Path) -> io::Result<Option<Origin>> {
    // The current folder may be given as an empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let is_fuse =
        rustix::fs::statfs(path).is_ok_and(|found| u64::try_from(found.f_type) == Ok(FUSE));
    if !is_fuse {
        return Ok(None);
    }
    let metadata = path.metadata()?;
    let device = Device::of(metadata.dev());
    let user = rustix::process::geteuid().as_raw();
    let mount = table::all()?.into_iter().find(|one| one.device == device && one.owner == user);
    let Some(mount) = mount.filter(|_| metadata.is_dir()) else { return Ok(None) };
    let path = path.canonicalize()?;
    let Ok(inside) = path.strip_prefix(&mount.path) else { return Ok(None) };
    if inside.starts_with(CONTROL_DIRECTORY) {
        return Ok(None);
    }
    let edited = unsaved(&mount.path)?.into_iter().map(|message| message.path);
    let unsaved =
        edited.into_iter().find(|edited| edited.starts_with(&path) || path.starts_with(edited));
    // Joining an empty path would add a slash, which a message file must not have.
    let path = match inside.as_os_str().is_empty() {
        true => mount.source,
        false => mount.source.join(inside),
    };
    Ok(Some(Origin { path, unsaved }))
}
