//! Tells the kernel what it must forget, and gives it what it will ask for (FUSE notifications).
//!
//! Some notifications wait until msgfs has answered a request. Avoid them where there is another
//! way: if msgfs is killed during such a call, its process cannot end, and every user of the mount
//! waits for ever.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use fuser::{INodeNo, Notifier};
use rustix::io::Errno;

use crate::fs::{Ino, Invalidation};

/// The kernel's side of a session.
#[derive(Debug)]
pub struct Kernel {
    notifier: Notifier,
    device: OwnedFd,
    has_epochs: OnceLock<bool>,
}

/// `FUSE_NOTIFY_INC_EPOCH` of `fuse_notify_code`.
const INC_EPOCH: u32 = 8;
/// The size of `fuse_out_header`.
const HEADER_BYTES: u32 = 16;
/// An empty range: only attributes are forgotten, no content.
const NO_CONTENT: i64 = -1;

impl Kernel {
    /// The kernel's side of a session, which gave its notifier and device.
    ///
    /// # Errors
    /// If there are too many open files.
    pub fn new(notifier: Notifier, device: impl AsFd) -> io::Result<Self> {
        let device = device.as_fd().try_clone_to_owned()?;
        Ok(Self { notifier, device, has_epochs: OnceLock::new() })
    }

    /// Whether the kernel can forget all names at once, which waits for nothing (Linux 6.16).
    ///
    /// # Errors
    /// If the session has ended.
    pub fn has_epochs(&self) -> io::Result<bool> {
        if let Some(known) = self.has_epochs.get() {
            return Ok(*known);
        }
        let has_epochs = match self.forget_names() {
            Ok(()) => true,
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => false,
            Err(error) => return Err(error),
        };
        Ok(*self.has_epochs.get_or_init(|| has_epochs))
    }

    /// Makes the kernel look up every name again before it uses it. Names in a listing whose answer
    /// the kernel has still to take in are not affected.
    ///
    /// # Errors
    /// EINVAL if the kernel is too old; if the session has ended.
    pub fn forget_names(&self) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES as usize];
        // The fields `len` and `error`. The third, `unique`, is 0 in a notification.
        let fields = HEADER_BYTES.to_ne_bytes().into_iter().chain(INC_EPOCH.to_ne_bytes());
        header.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        rustix::io::write(&self.device, &header)?;
        Ok(())
    }

    /// Makes a kernel that has epochs forget what is not a name. Never waits for an answer of
    /// msgfs. Of a file only the attributes are forgotten: to drop its content would wait for a
    /// program that reads it and itself waits for msgfs. The kernel drops the content by itself as
    /// soon as it sees other attributes (`FUSE_AUTO_INVAL_DATA`). Of a directory the listing is
    /// dropped, which the kernel locks only while it copies it.
    ///
    /// # Errors
    /// If the kernel does not take it. An inode that it does not know is no error.
    pub fn forget(&self, what: &Invalidation) -> io::Result<()> {
        match what {
            Invalidation::Entry { .. } => Ok(()),
            Invalidation::Inode(ino) => self.notifier.inval_inode(INodeNo(ino.0), NO_CONTENT, 0),
            Invalidation::Listing(ino) => self.notifier.inval_inode(INodeNo(ino.0), 0, 0),
        }
    }

    /// Puts the whole content of a file into the kernel's page cache. Waits for programs that are
    /// reading the file.
    ///
    /// # Errors
    /// If the kernel does not take it. An inode that it does not know is no error.
    pub fn store(&self, ino: Ino, bytes: &[u8]) -> io::Result<()> {
        self.notifier.store(INodeNo(ino.0), 0, bytes)
    }

    /// Makes a kernel without epochs forget something. Waits for requests under way, so a thread
    /// that serves them, or holds a lock that they need, must not call it.
    ///
    /// # Errors
    /// If the kernel does not take it. An inode that it does not know is no error.
    pub fn forget_and_wait(&self, what: &Invalidation) -> io::Result<()> {
        let notifier = &self.notifier;
        match what {
            Invalidation::Entry { parent, name } => notifier.inval_entry(INodeNo(parent.0), name),
            Invalidation::Inode(ino) => notifier.inval_inode(INodeNo(ino.0), 0, 0),
            Invalidation::Listing(ino) => {
                // No directory has this name. Forgetting it only waits until no listing of the
                // directory is under way: such a listing would bring back what is forgotten next.
                notifier.inval_entry(INodeNo(ino.0), OsStr::new("."))?;
                notifier.inval_inode(INodeNo(ino.0), 0, 0)
            }
        }
    }
}
