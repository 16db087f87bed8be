//! Reads the mount table of this process, and unmounts.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::fs::mountinfo::{self, Device, MountLine};

/// The file system type of our mounts in the table.
const FILE_SYSTEM_TYPE: &[u8] = b"fuse.msgfs";

/// A msgfs mount, as the kernel describes it.
#[derive(Debug)]
pub(super) struct MountEntry {
    pub(super) path: PathBuf,
    /// The source as the one who mounted it has named it: a canonical path, unless `-o fsname=` says
    /// something else.
    pub(super) source: PathBuf,
    pub(super) device: Device,
    /// Who mounted it. The kernel says so itself: neither the file system nor the helper for
    /// ordinary users can change it.
    pub(super) owner: u32,
    pub(super) is_writable: bool,
}

/// The topmost mount at exactly this path, if it is one of ours, dead or alive.
pub(super) fn find(mount_point: &Path) -> io::Result<Option<MountEntry>> {
    // The last mount at a path is the one that is seen there.
    let topmost = mountinfo::read()?.into_iter().rev().find(|line| line.path == mount_point);
    Ok(topmost.filter(|line| line.file_system_type == FILE_SYSTEM_TYPE).map(MountEntry::from))
}

/// All mounts of ours that are seen, dead or alive.
pub(super) fn all() -> io::Result<Vec<MountEntry>> {
    let mut seen = HashSet::new();
    // The last mount at a path is the one that is seen there.
    let lines = mountinfo::read()?.into_iter().rev();
    let topmost = lines.filter(|line| seen.insert(line.path.clone()));
    Ok(topmost
        .filter(|line| line.file_system_type == FILE_SYSTEM_TYPE)
        .map(MountEntry::from)
        .collect())
}

/// Whether the topmost mount at exactly this path is one of ours, dead or alive.
pub(super) fn is_ours(mount_point: &Path) -> io::Result<bool> {
    Ok(find(mount_point)?.is_some())
}

/// Whether the file system of a device is what is seen at a path.
pub(super) fn is_topmost(mount_point: &Path, device: Device) -> io::Result<bool> {
    Ok(find(mount_point)?.is_some_and(|mount| mount.device == device))
}

/// Whether something is mounted below a path.
pub(super) fn has_below(mount_point: &Path) -> io::Result<bool> {
    let mut lines = mountinfo::read()?.into_iter();
    Ok(lines.any(|line| line.path != mount_point && line.path.starts_with(mount_point)))
}

/// The absolute path of a mount point. A dead msgfs mount does not answer, so only the parent of
/// its mount point is asked.
pub(super) fn absolute(mount_point: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(mount_point)?;
    let by_parent = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
        _ => Ok(path),
    };
    match by_parent {
        Ok(path) if is_ours(&path)? => Ok(path),
        by_parent => mount_point.canonicalize().or(by_parent),
    }
}

/// Takes a mount out of the table; with `lazy` also one that is in use.
pub(super) fn unmount(mount_point: &Path, lazy: bool) -> io::Result<()> {
    let flags = if lazy { UnmountFlags::DETACH } else { UnmountFlags::empty() };
    match rustix::mount::unmount(mount_point, flags) {
        // Ordinary users may unmount through the helper that mounted for them.
        Err(Errno::PERM) => unmount_by_helper(mount_point, lazy),
        outcome => Ok(outcome?),
    }
}

pub(super) fn unmount_by_helper(mount_point: &Path, lazy: bool) -> io::Result<()> {
    for helper in ["fusermount3", "fusermount"] {
        let mut command = Command::new(helper);
        command.arg("-u").args(lazy.then_some("-z")).arg("--").arg(mount_point);
        match command.stdin(Stdio::null()).stdout(Stdio::null()).output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let busy = text.contains("busy");
                let kind = if busy { io::ErrorKind::ResourceBusy } else { io::ErrorKind::Other };
                return Err(io::Error::new(kind, text.trim().to_owned()));
            }
        }
    }
    let cause = "only root may unmount without the helper fusermount3 (package fuse3)";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, cause))
}

impl From<MountLine> for MountEntry {
    fn from(line: MountLine) -> Self {
        let mut options = line.options.split(|byte| *byte == b',');
        let owner = options.clone().find_map(|option| option.strip_prefix(b"user_id="));
        let owner = owner.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        Self {
            path: line.path,
            source: line.source,
            device: line.device,
            // A number that nobody has.
            owner: owner.unwrap_or(u32::MAX),
            is_writable: options.any(|option| option == b"rw"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MountEntry, MountLine};

    #[test]
    fn a_mount_has_an_owner() {
        let line = br"42 28 0:39 / /mnt/mail ro - fuse.msgfs /a rw,user_id=7,group_id=8";
        let mount = MountEntry::from(MountLine::parse(line).unwrap());
        assert_eq!(
            (mount.path.as_path(), mount.source.as_path()),
            (Path::new("/mnt/mail"), Path::new("/a"))
        );
        assert_eq!((mount.owner, mount.is_writable), (7, true));
    }
}
