//! The user's folder for unsaved edits.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt,
};
use std::path::{Path, PathBuf};

/// Why there can be no writable mount: its edits could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateFolderError {
    /// No environment variable says where the user's files are.
    #[error(
        "there is no place for unsaved edits: neither XDG_STATE_HOME nor HOME is set; set \
         XDG_STATE_HOME to a folder of your own, or mount without -o edit"
    )]
    NoHome,
    /// The folder lies below the mount point: msgfs would have to answer its own requests.
    #[error(
        "unsaved edits would be kept in {path:?}, which is below the mount point; set \
         XDG_STATE_HOME to a folder elsewhere"
    )]
    BelowMountPoint {
        /// The state folder.
        path: PathBuf,
    },
    /// Somebody else could read the edits.
    #[error(
        "the folder for unsaved edits {path:?} belongs to another user; remove it, or set XDG_STATE_HOME to a folder of your own"
    )]
    OfOthers {
        /// The state folder.
        path: PathBuf,
    },
    /// It cannot be created or written to.
    #[error(
        "the folder for unsaved edits {path:?} cannot be used: {source}; {}, or set XDG_STATE_HOME to another folder",
        remedy(source)
    )]
    Unusable {
        /// The state folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What to do about a folder that cannot be used.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room there",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "move the file away that has its name"
        }
        io::ErrorKind::ReadOnlyFilesystem => "remount its file system for writing",
        _ => "make it writable",
    }
}

/// The user's folder for unsaved edits: `$XDG_STATE_HOME/msgfs`, or else `~/.local/state/msgfs`. A
/// system service has neither and uses `/var/lib/msgfs`.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// Where the folder is, whether it is there or not: the one that was chosen, or the user's.
    ///
    /// # Errors
    /// [`StateFolderError::NoHome`].
    pub fn find(chosen: Option<&Path>) -> Result<Self, StateFolderError> {
        let variable = |name| {
            let path = std::env::var_os(name).map(PathBuf::from);
            // The XDG specification says to ignore relative paths.
            path.filter(|path| path.is_absolute())
        };
        let system = || rustix::process::geteuid().is_root().then(|| PathBuf::from("/var/lib"));
        let path = match chosen {
            Some(path) => path.to_owned(),
            None => variable("XDG_STATE_HOME")
                .or_else(|| Some(variable("HOME")?.join(".local/state")))
                .or_else(system)
                .ok_or(StateFolderError::NoHome)?
                .join("msgfs"),
        };
        Ok(Self { path })
    }

    /// Checks that edits can be kept in the folder, and creates it if it is missing.
    ///
    /// # Errors
    /// Why not.
    pub fn prepare(&self, mount_point: Option<&Path>) -> Result<(), StateFolderError> {
        let path = || self.path.clone();
        let unusable = |source| StateFolderError::Unusable { path: path(), source };
        let mount_point = mount_point.and_then(|point| point.canonicalize().ok());
        if mount_point.is_some_and(|point| will_be(&self.path).starts_with(point)) {
            return Err(StateFolderError::BelowMountPoint { path: path() });
        }
        create_private(&self.path).map_err(unusable)?;
        let metadata = self.path.metadata().map_err(unusable)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(StateFolderError::OfOthers { path: path() });
        }
        if metadata.mode() & 0o077 != 0 {
            std::fs::set_permissions(&self.path, Permissions::from_mode(0o700))
                .map_err(unusable)?;
        }
        create_private(&self.edits()).map_err(unusable)?;
        // A folder on a read-only file system exists, but nothing can be written to it.
        self.lock_mounts().and_then(|_| tempfile::tempfile_in(self.edits())).map_err(unusable)?;
        Ok(())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the logs lie.
    pub(super) fn edits(&self) -> PathBuf {
        self.path.join("edits")
    }

    /// The folder for edits that could not be saved.
    pub fn recovered(&self) -> PathBuf {
        self.path.join("recovered")
    }

    /// Takes the lock of all mounts: no other mount begins or ends for as long as the file is open.
    pub(super) fn lock_mounts(&self) -> io::Result<File> {
        let file = lockable(&self.edits().join("lock"))?;
        file.lock()?;
        Ok(file)
    }
}

/// A path without symbolic links. Its last parts need not exist yet.
fn will_be(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return real.join(path.strip_prefix(ancestor).unwrap_or(Path::new("")));
        }
    }
    path.to_owned()
}

/// Creates a folder that only the user may look into, and those above it.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file to be locked.
pub(super) fn lockable(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
