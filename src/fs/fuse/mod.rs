//! The FUSE front: translates the requests of the kernel into calls of [`Fs`].
//!
//! Each operation is one call of [`Fs`], and one table has the errno of every error. `opendir` is
//! answered with ENOSYS, and so are `open`, `flush` and `fsync` in a read-only mount: the kernel
//! then never sends them again. After an edit the kernel is told what it must forget before the
//! edit is answered, so that the program that waits for the answer sees the edit everywhere.

mod errno;
mod notify;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};

use errno::errno;

pub use notify::Kernel;

use super::error::with_causes;

use super::{Add, Attr, Entry, Error, FileType, Fs, Ino, OpenedFile, SetAttr, Store};

/// Serves a filesystem to the kernel.
#[derive(Clone, Debug)]
pub struct Adapter {
    fs: Arc<Fs>,
    /// Known once there is a session.
    kernel: Arc<OnceLock<Arc<Kernel>>>,
}

/// An inode number is never reused while the kernel knows it, so one generation is enough.
const GENERATION: Generation = Generation(0);
const NAME_BYTES_MAX: u32 = 255;
const BLOCK_SIZE: u32 = 4096;

thread_local! {
    /// The buffer of the last read of a thread. It is reused, since memory that was read into
    /// before costs much less than new memory; a request is at most a mebibyte.
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Adapter {
    /// An adapter for a filesystem, which others may use at the same time.
    pub fn new(fs: Arc<Fs>) -> Self {
        Self { fs, kernel: Arc::default() }
    }

    /// Tells the adapter of a session whom it serves.
    pub fn serve(&self, kernel: Arc<Kernel>) {
        if kernel.has_epochs().unwrap_or(false) {
            self.fs.enable_invalidation();
        }
        // A session has one kernel, so the second `set` never happens.
        let _ = self.kernel.set(kernel);
    }

    /// Tells the kernel what it must forget. It never waits for a request, so a request may do it.
    fn forget_stale(&self) {
        self.fs.tell_stale(|stale| {
            let Some(kernel) = self.kernel.get() else { return };
            let told = kernel.forget_names();
            let told = told.and_then(|()| stale.iter().try_for_each(|what| kernel.forget(what)));
            if let Err(error) = told {
                tracing::debug!("the kernel was not told: {error}");
            }
        });
    }

    /// Answers a request, and logs it if requests are logged.
    fn answer<T>(
        &self,
        operation: &'static str,
        ino: INodeNo,
        name: Option<&OsStr>,
        run: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Errno> {
        let run = || {
            let outcome = run();
            self.forget_stale();
            outcome
        };
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return answer(operation, run);
        }
        // Asked before the request runs, since a FORGET makes the path unknown.
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

impl Filesystem for Adapter {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let of_all = [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            // A source file that is no message keeps its number when its content changes.
            InitFlags::FUSE_AUTO_INVAL_DATA,
            InitFlags::FUSE_NO_OPENDIR_SUPPORT,
        ];
        let of_read_only = [InitFlags::FUSE_NO_OPEN_SUPPORT];
        // O_TRUNC must come with the `open`: a truncate before it would set the value to nothing.
        let of_writable = [InitFlags::FUSE_ATOMIC_O_TRUNC];
        let own = if self.fs.is_writable() { &of_writable[..] } else { &of_read_only };
        for capability in of_all.into_iter().chain(own.iter().copied()) {
            // An older kernel does without; every operation works either way.
            let _ = config.add_capabilities(capability);
        }
        Ok(())
    }

    fn lookup(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let process = request.pid();
        let lookup = || self.fs.lookup_for(Ino(parent.0), name, process);
        reply_entry(self.answer("lookup", parent, Some(name), lookup), reply);
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

    fn open(&self, request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        if !self.fs.is_writable() {
            // Means "never ask again" to a kernel that can do without.
            return reply.error(Errno::ENOSYS);
        }
        if flags.0 & libc::O_ACCMODE != libc::O_RDONLY {
            self.fs.note_editor(request.uid());
        }
        match self.answer("open", ino, None, || self.fs.open_file(Ino(ino.0), flags.0)) {
            Ok(opened) => reply.opened(FileHandle(opened.handle), open_flags(opened)),
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let is_first = self.fs.note_request(Ino(ino.0), request.pid());
        if is_first && handle.0 == 0 {
            self.store(ino, Fs::store_beside);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        READ.with_borrow_mut(|bytes| {
            let read = || self.fs.read_open(Ino(ino.0), handle.0, offset, size, bytes);
            match self.answer("read", ino, None, read) {
                Ok(()) => reply.data(bytes),
                Err(errno) => reply.error(errno),
            }
        });
    }

    fn opendir(&self, _request: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        // The cookie of a listing is made from a name, so a listing needs no handle.
        reply.error(Errno::ENOSYS);
    }

    fn readdir(
        &self,
        request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        cookie: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self.list(request, ino, cookie, false, &mut |child| {
            let attr = &child.entry.attr;
            reply.add(INodeNo(attr.ino.0), child.cookie, file_type(attr.file_type), child.name)
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdirplus(
        &self,
        request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        cookie: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self.list(request, ino, cookie, true, &mut |child| {
            let attr = file_attr(&child.entry.attr);
            let ino = INodeNo(child.entry.attr.ino.0);
            reply.add(ino, child.cookie, child.name, &child.entry.ttl, &attr, GENERATION)
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

    fn setxattr(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _name: &OsStr,
        _value: &[u8],
        _flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::EOPNOTSUPP);
    }

    /// `msgfs discard` calls this. Only the mounter and root may throw edits away, whoever made
    /// them.
    fn removexattr(&self, request: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let is_mounter = [0, rustix::process::geteuid().as_raw()].contains(&request.uid());
        let (name, ino) = (name.to_owned(), Ino(ino.0));
        self.edit(ino, move |adapter| {
            let remove = || match is_mounter {
                true => adapter.fs.removexattr(ino, &name),
                false => Err(Error::NotPermitted("the edits are the mounter's")),
            };
            reply_empty(adapter.answer("removexattr", INodeNo(ino.0), Some(&name), remove), reply);
        });
    }

    fn fallocate(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _handle: FileHandle,
        _offset: u64,
        _length: u64,
        _mode: i32,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::EOPNOTSUPP);
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let (mode, process, user) = (mode & !umask, request.pid(), request.uid());
        self.fs.note_editor(user);
        let (name, parent) = (name.to_owned(), Ino(parent.0));
        self.edit(parent, move |adapter| {
            match adapter.answer("create", INodeNo(parent.0), Some(&name), || {
                adapter.fs.check_creator(parent, user)?;
                adapter.fs.create_for(parent, &name, mode, flags, process)
            }) {
                Ok((entry, handle)) => reply.created(
                    &entry.ttl,
                    &file_attr(&entry.attr),
                    GENERATION,
                    FileHandle(handle),
                    FopenFlags::empty(),
                ),
                Err(errno) => reply.error(errno),
            }
        });
    }

    fn mknod(
        &self,
        _request: &Request,
        _parent: INodeNo,
        _name: &OsStr,
        _mode: u32,
        _umask: u32,
        _device: u32,
        reply: ReplyEntry,
    ) {
        reply.error(Errno::EPERM);
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let (name, parent, process) = (name.to_owned(), Ino(parent.0), request.pid());
        let (mode, user) = (mode & !umask, request.uid());
        self.fs.note_editor(user);
        self.edit(parent, move |adapter| {
            let mkdir = || {
                adapter.fs.check_creator(parent, user)?;
                adapter.fs.mkdir_for(parent, &name, mode, process)
            };
            reply_entry(adapter.answer("mkdir", INodeNo(parent.0), Some(&name), mkdir), reply);
        });
    }

    fn symlink(
        &self,
        _request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let (name, target, parent) = (name.to_owned(), target.to_owned(), Ino(parent.0));
        self.edit(parent, move |adapter| {
            let link = || adapter.fs.symlink(parent, &name, target.as_os_str());
            reply_entry(adapter.answer("symlink", INodeNo(parent.0), Some(&name), link), reply);
        });
    }

    fn link(
        &self,
        _request: &Request,
        ino: INodeNo,
        new_parent: INodeNo,
        new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        let (name, ino, parent) = (new_name.to_owned(), Ino(ino.0), Ino(new_parent.0));
        self.edit(parent, move |adapter| {
            let link = || adapter.fs.link(ino, parent, &name);
            reply_entry(adapter.answer("link", INodeNo(parent.0), Some(&name), link), reply);
        });
    }

    fn unlink(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (name, parent, process) = (name.to_owned(), Ino(parent.0), Some(request.pid()));
        self.fs.note_editor(request.uid());
        self.edit(parent, move |adapter| {
            reply_empty(
                adapter.answer("unlink", INodeNo(parent.0), Some(&name), || {
                    adapter.fs.unlink_for(parent, &name, process)
                }),
                reply,
            );
        });
    }

    fn rmdir(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (name, parent, process) = (name.to_owned(), Ino(parent.0), Some(request.pid()));
        self.edit(parent, move |adapter| {
            reply_empty(
                adapter.answer("rmdir", INodeNo(parent.0), Some(&name), || {
                    adapter.fs.rmdir_for(parent, &name, process)
                }),
                reply,
            );
        });
    }

    fn rename(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let no_replace = flags.contains(RenameFlags::RENAME_NOREPLACE);
        let (from, to) =
            ((Ino(parent.0), name.to_owned()), (Ino(new_parent.0), new_name.to_owned()));
        let user = request.uid();
        self.fs.note_editor(user);
        // A message is saved before it is renamed.
        self.apart(move |adapter| {
            let rename = || {
                adapter.fs.check_mover(from.0, to.0, user)?;
                adapter.fs.rename((from.0, &from.1), (to.0, &to.1), no_replace)
            };
            reply_empty(adapter.answer("rename", INodeNo(from.0.0), Some(&from.1), rename), reply);
        });
    }

    fn setattr(
        &self,
        request: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mtime = mtime.map(|mtime| match mtime {
            TimeOrNow::SpecificTime(time) => time,
            TimeOrNow::Now => SystemTime::now(),
        });
        let change = SetAttr { size, mode, uid, gid, mtime };
        self.fs.note_editor(request.uid());
        let (ino, handle) = (Ino(ino.0), handle.map(|handle| handle.0));
        self.edit(ino, move |adapter| {
            match adapter.answer("setattr", INodeNo(ino.0), None, || {
                adapter.fs.setattr(ino, handle, &change)
            }) {
                Ok(entry) => reply.attr(&entry.ttl, &file_attr(&entry.attr)),
                Err(errno) => reply.error(errno),
            }
        });
    }

    fn write(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.answer("write", ino, None, || self.fs.write(handle.0, offset, bytes)) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
            Err(errno) => reply.error(errno),
        }
    }

    fn flush(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        if !self.fs.is_writable() {
            return reply.error(Errno::ENOSYS);
        }
        self.edit(Ino(ino.0), move |adapter| {
            reply_empty(adapter.answer("close", ino, None, || adapter.fs.flush(handle.0)), reply);
        });
    }

    fn release(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        if handle.0 == 0 {
            // The file was only read, so there is no handle to release.
            return reply.ok();
        }
        self.edit(Ino(ino.0), move |adapter| {
            let released = adapter.answer("release", ino, None, || {
                adapter.fs.release(handle.0);
                Ok(())
            });
            reply_empty(released, reply);
        });
    }

    fn fsync(
        &self,
        _request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        if !self.fs.is_writable() {
            return reply.error(Errno::ENOSYS);
        }
        self.apart(move |adapter| {
            reply_empty(
                adapter.answer("fsync", ino, None, || adapter.fs.fsync(Ino(ino.0), handle.0)),
                reply,
            )
        });
    }

    fn fsyncdir(
        &self,
        request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        datasync: bool,
        reply: ReplyEmpty,
    ) {
        self.fsync(request, ino, handle, datasync, reply);
    }
}

impl Adapter {
    /// Lists a directory. At the end of the listing, the kernel is given what the program is likely
    /// to read next.
    fn list(
        &self,
        request: &Request,
        ino: INodeNo,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Errno> {
        let operation = if look_up { "readdirplus" } else { "readdir" };
        self.fs.note_request(Ino(ino.0), request.pid());
        let mut is_end = cookie > 0;
        let listed = self.answer(operation, ino, None, || {
            self.fs.readdir(Ino(ino.0), cookie, look_up, &mut |child| {
                is_end = false;
                add(child)
            })
        });
        if is_end && listed.is_ok() {
            self.store(ino, Fs::store_ahead);
        }
        listed
    }

    /// Puts what a program is likely to read next into the kernel's page cache, when the program
    /// has listed a directory or reads a file.
    fn store(
        &self,
        ino: INodeNo,
        store: impl FnOnce(&Fs, Ino, &mut Vec<u8>, Store<'_>) -> Result<(), Error>,
    ) {
        let Some(kernel) = self.kernel.get() else { return };
        READ.with_borrow_mut(|bytes| {
            let run =
                || store(&self.fs, Ino(ino.0), bytes, &mut |ino, bytes| kernel.store(ino, bytes));
            // On failure the program that reads the file asks for it as usual.
            let _ = self.answer("store", ino, None, run);
        });
    }

    /// Runs an edit of the message of an inode. If the edit has to wait for a save, it runs in a
    /// thread of its own, so that requests for other messages need not wait.
    fn edit(&self, ino: Ino, run: impl FnOnce(&Self) + Send + 'static) {
        match self.fs.is_saving(ino) {
            true => self.apart(run),
            false => run(self),
        }
    }

    /// Runs a request that waits for the disk, in a thread of its own.
    fn apart(&self, run: impl FnOnce(&Self) + Send + 'static) {
        let adapter = self.clone();
        // If there is no thread, the request is dropped, which answers it with EIO.
        if let Err(error) =
            thread::Builder::new().name("edit".to_owned()).spawn(move || run(&adapter))
        {
            tracing::error!("no thread for a request: {error}");
        }
    }
}

/// Runs an operation. A panic in it is an error of this one request and not the end of the mount.
fn answer<T>(operation: &'static str, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Errno> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            if let Error::Source { .. } | Error::Message { .. } | Error::Stale { .. } = error {
                tracing::warn!(operation, "{}", with_causes(&error));
            }
            Err(errno(&error))
        }
        Err(_) => {
            tracing::error!(operation, "the request failed by a bug in msgfs");
            Err(Errno::EIO)
        }
    }
}

/// The flags of an open file. A file that is only read needs no FLUSH. The kernel drops its cached
/// content of a file at the open, unless the content is unchanged.
fn open_flags(opened: OpenedFile) -> FopenFlags {
    let kept = if opened.is_kept { FopenFlags::FOPEN_KEEP_CACHE } else { FopenFlags::empty() };
    let noflush = if opened.handle == 0 { FopenFlags::FOPEN_NOFLUSH } else { FopenFlags::empty() };
    kept | noflush
}

fn reply_entry(outcome: Result<Entry, Errno>, reply: ReplyEntry) {
    match outcome {
        Ok(entry) => reply.entry(&entry.ttl, &file_attr(&entry.attr), GENERATION),
        Err(errno) => reply.error(errno),
    }
}

fn reply_empty(outcome: Result<(), Errno>, reply: ReplyEmpty) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
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

/// Attributes as FUSE has them.
pub fn file_attr(attr: &Attr) -> FileAttr {
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
