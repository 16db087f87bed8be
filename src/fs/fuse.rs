//! The filesystem as FUSE has it: translates between the kernel's requests and [`Fs`].
//!
//! One call an operation, one table of errors. Files and directories are never opened: what an
//! inode number stands for does not change, so the kernel may skip `open` and `opendir`. Nothing
//! is written, so `flush` and `fsync` are left to fuser, whose ENOSYS means "never ask again".

use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

use fuser::{
    Errno, FileAttr, FileHandle, Filesystem, Generation, INodeNo, InitFlags, KernelConfig,
    LockOwner, Notifier, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyXattr, Request,
};

use crate::{imsg, view};

use super::{Attr, Error, FileType, Fs, Ino, Invalidation};

/// Serves a filesystem to the kernel.
#[derive(Clone, Debug)]
pub struct Adapter {
    fs: Arc<Fs>,
}

/// Numbers are not used again for something else while the kernel knows them.
const GENERATION: Generation = Generation(0);
const NAME_BYTES_MAX: u32 = 255;
const BLOCK_SIZE: u32 = 4096;

impl Adapter {
    /// An adapter for a filesystem, which others may use at the same time.
    pub fn new(fs: Arc<Fs>) -> Self {
        Self { fs }
    }

    /// Answers a request, and logs it if requests are logged.
    fn answer<T>(
        &self,
        operation: &'static str,
        ino: INodeNo,
        name: Option<&OsStr>,
        run: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Errno> {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return answer(operation, run);
        }
        // Before a request that forgets the file.
        let path = self.fs.source_path(Ino(ino.0)).unwrap_or_default();
        let start = Instant::now();
        let outcome = answer(operation, run);
        let micros = start.elapsed().as_micros();
        let result = outcome.as_ref().map_or_else(|errno| error_text(*errno), |_| "ok".to_owned());
        let (ino, name) = (ino.0, name.unwrap_or_default());
        tracing::debug!(ino, ?path, ?name, micros, "{operation}: {result}");
        outcome
    }
}

/// Has the kernel forget something. Waits for requests under way, so whoever serves them, or holds
/// a lock that they need, must not call it.
///
/// # Errors
/// If the kernel does not take it; what it never knew is no error.
pub fn invalidate(notifier: &Notifier, what: &Invalidation) -> io::Result<()> {
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

impl Filesystem for Adapter {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for capability in [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_NO_OPEN_SUPPORT,
            InitFlags::FUSE_NO_OPENDIR_SUPPORT,
            // Files of the source that are no messages may change under their number.
            InitFlags::FUSE_AUTO_INVAL_DATA,
        ] {
            // An older kernel does without; every operation works either way.
            let _ = config.add_capabilities(capability);
        }
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.answer("lookup", parent, Some(name), || self.fs.lookup(Ino(parent.0), name)) {
            Ok(entry) => reply.entry(&entry.ttl, &file_attr(&entry.attr), GENERATION),
            Err(errno) => reply.error(errno),
        }
    }

    fn forget(&self, _request: &Request, ino: INodeNo, lookups: u64) {
        // There is no reply to send.
        let _ = self.answer("forget", ino, None, || {
            self.fs.forget(Ino(ino.0), lookups);
            Ok(())
        });
    }

    fn getattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        match self.answer("getattr", ino, None, || self.fs.getattr(Ino(ino.0))) {
            Ok(entry) => reply.attr(&entry.ttl, &file_attr(&entry.attr)),
            Err(errno) => reply.error(errno),
        }
    }

    fn readlink(&self, _request: &Request, ino: INodeNo, reply: ReplyData) {
        match self.answer("readlink", ino, None, || self.fs.readlink(Ino(ino.0))) {
            Ok(target) => reply.data(&target),
            Err(errno) => reply.error(errno),
        }
    }

    fn open(&self, _request: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        // Means "never ask again" to a kernel that can do without.
        reply.error(Errno::ENOSYS);
    }

    fn read(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        match self.answer("read", ino, None, || self.fs.read(Ino(ino.0), offset, size)) {
            Ok(bytes) => reply.data(&bytes),
            Err(errno) => reply.error(errno),
        }
    }

    fn opendir(&self, _request: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn readdir(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        cookie: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self.answer("readdir", ino, None, || {
            self.fs.readdir(Ino(ino.0), cookie, false, &mut |child| {
                let attr = &child.entry.attr;
                reply.add(INodeNo(attr.ino.0), child.cookie, file_type(attr.file_type), child.name)
            })
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdirplus(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        cookie: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self.answer("readdirplus", ino, None, || {
            self.fs.readdir(Ino(ino.0), cookie, true, &mut |child| {
                let attr = file_attr(&child.entry.attr);
                let ino = INodeNo(child.entry.attr.ino.0);
                reply.add(ino, child.cookie, child.name, &child.entry.ttl, &attr, GENERATION)
            })
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn statfs(&self, _request: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        let size = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
        match self.answer("statfs", INodeNo::ROOT, None, || self.fs.statfs()) {
            Ok(figures) => reply.statfs(
                figures.f_blocks,
                figures.f_bfree,
                figures.f_bavail,
                figures.f_files,
                figures.f_ffree,
                size(figures.f_bsize),
                NAME_BYTES_MAX,
                size(figures.f_frsize),
            ),
            Err(errno) => reply.error(errno),
        }
    }

    fn getxattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        name: &OsStr,
        size: u32,
        reply: ReplyXattr,
    ) {
        reply_xattr(
            self.answer("getxattr", ino, Some(name), || self.fs.getxattr(Ino(ino.0), name)),
            size,
            reply,
        );
    }

    fn listxattr(&self, _request: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        let names = self.answer("listxattr", ino, None, || {
            let names = self.fs.listxattr(Ino(ino.0))?;
            Ok(names.iter().flat_map(|name| name.bytes().chain([0])).collect())
        });
        reply_xattr(names, size, reply);
    }
}

/// Runs an operation. A panic in it is an error of this one request and not the end of the mount.
fn answer<T>(operation: &'static str, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Errno> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            if let Error::Source { .. } | Error::Message { .. } | Error::Stale { .. } = error {
                tracing::warn!(operation, "{error}");
            }
            Err(errno(&error))
        }
        Err(_) => {
            tracing::error!(operation, "the request failed by a bug in msgfs");
            Err(Errno::EIO)
        }
    }
}

/// The table of error kinds and errno values.
fn errno(error: &Error) -> Errno {
    match error {
        Error::NotFound => Errno::ENOENT,
        Error::NotADirectory => Errno::ENOTDIR,
        Error::IsADirectory => Errno::EISDIR,
        Error::Stale { .. } => Errno::ESTALE,
        Error::NoAttribute => Errno::ENODATA,
        Error::NotALink => Errno::EINVAL,
        Error::Source { source, .. } => source.raw_os_error().map_or(Errno::EIO, Errno::from_i32),
        Error::Message { source, .. } => match source {
            view::Error::Message(imsg::Error::SessionClosed) => Errno::ESHUTDOWN,
            view::Error::Io(error) => error.raw_os_error().map_or(Errno::EIO, Errno::from_i32),
            _ => Errno::EIO,
        },
    }
}

fn error_text(errno: Errno) -> String {
    io::Error::from_raw_os_error(errno.into()).to_string()
}

/// A size of 0 asks for the length of the value, any other one for the value.
fn reply_xattr(value: Result<Vec<u8>, Errno>, size: u32, reply: ReplyXattr) {
    match value {
        Err(errno) => reply.error(errno),
        Ok(value) => match u32::try_from(value.len()) {
            Ok(len) if size == 0 => reply.size(len),
            Ok(len) if len <= size => reply.data(&value),
            _ => reply.error(Errno::ERANGE),
        },
    }
}

fn file_attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.ino.0),
        size: attr.size,
        blocks: attr.blocks,
        atime: attr.mtime,
        mtime: attr.mtime,
        ctime: attr.ctime,
        crtime: UNIX_EPOCH,
        kind: file_type(attr.file_type),
        perm: attr.permissions,
        nlink: attr.links,
        uid: attr.uid,
        gid: attr.gid,
        rdev: attr.rdev,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

fn file_type(file_type: FileType) -> fuser::FileType {
    match file_type {
        FileType::Directory => fuser::FileType::Directory,
        FileType::RegularFile => fuser::FileType::RegularFile,
        FileType::Symlink => fuser::FileType::Symlink,
        FileType::NamedPipe => fuser::FileType::NamedPipe,
        FileType::CharDevice => fuser::FileType::CharDevice,
        FileType::BlockDevice => fuser::FileType::BlockDevice,
        FileType::Socket => fuser::FileType::Socket,
    }
}

#[cfg(test)]
mod tests {
    use fuser::Errno;

    use super::{Error, answer};

    #[test]
    fn a_panic_costs_one_request() {
        let outcome: Result<(), _> = answer("test", || panic!("a bug"));
        assert_eq!(i32::from(outcome.unwrap_err()), i32::from(Errno::EIO));
    }

    #[test]
    fn an_error_becomes_its_errno() {
        let outcome: Result<(), _> = answer("test", || Err(Error::NoAttribute));
        assert_eq!(i32::from(outcome.unwrap_err()), i32::from(Errno::ENODATA));
    }
}
