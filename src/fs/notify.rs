//! Tells the kernel what it must forget, and what it will ask for (the notifications of FUSE).
//!
//! Some notifications wait until this process has answered a request. Avoid them where there is
//! another way: if the process is killed during such a call, the kernel keeps it, and every user of
//! the mount waits for ever.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use fuser::{INodeNo, Notifier};
use rustix::io::Errno;

use super::{Ino, Invalidation};

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

    /// Whether names are forgotten all at once, which waits for nothing (Linux 6.16).
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

    /// Has the kernel look up every name again before it uses it. A listing whose answer the
    /// kernel has still to take in keeps what it says.
    ///
    /// # Errors
    /// EINVAL if the kernel is too old; if the session has ended.
    pub fn forget_names(&self) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES as usize];
        // `len` and `error`; of a notification `unique` is 0.
        let fields = HEADER_BYTES.to_ne_bytes().into_iter().chain(INC_EPOCH.to_ne_bytes());
        header.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        rustix::io::write(&self.device, &header)?;
        Ok(())
    }

    /// Has a kernel that has epochs forget all but names. Waits for no answer of ours: the
    /// content of a file, which a reader holds while it waits, is left to `AUTO_INVAL_DATA`, that
    /// is, dropped as soon as other attributes are seen; what the kernel keeps of a directory is
    /// only held while it is copied.
    ///
    /// # Errors
    /// If the kernel does not take it; what it never knew is no error.
    pub fn forget(&self, what: &Invalidation) -> io::Result<()> {
        match what {
            Invalidation::Entry { .. } => Ok(()),
            Invalidation::Inode(ino) => self.notifier.inval_inode(INodeNo(ino.0), NO_CONTENT, 0),
            Invalidation::Listing(ino) => self.notifier.inval_inode(INodeNo(ino.0), 0, 0),
        }
    }

    /// Gives the kernel the whole content of a file. Waits for those who read the file.
    ///
    /// # Errors
    /// If the kernel does not take it; what it does not know is no error.
    pub fn store(&self, ino: Ino, bytes: &[u8]) -> io::Result<()> {
        self.notifier.store(INodeNo(ino.0), 0, bytes)
    }

    /// Has a kernel without epochs forget something. Waits for requests under way, so whoever
    /// serves them, or holds a lock that they need, must not call it.
    ///
    /// # Errors
    /// If the kernel does not take it; what it never knew is no error.
    pub fn forget_and_wait(&self, what: &Invalidation) -> io::Result<()> {
        let notifier = &self.notifier;
        match what {
            Invalidation::Entry { parent, name } => notifier.inval_entry(INodeNo(parent.0), name),
            Invalidation::Inode(ino) => notifier.inval_inode(INodeNo(ino.0), 0, 0),
            Invalidation::Listing(ino) => {
                // A name that no directory has: forgetting it only waits until no listing of the
                // directory is under way, which would bring back what is forgotten next.
                notifier.inval_entry(INodeNo(ino.0), OsStr::new("."))?;
                notifier.inval_inode(INodeNo(ino.0), 0, 0)
            }
        }
    }
}
