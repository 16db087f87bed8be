//! The requests of the kernel: each is translated into one call, and its result into the reply.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, Errno, FileHandle, Filesystem, FopenFlags, INodeNo, InitFlags, KernelConfig,
    LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr,
    Request, TimeOrNow, WriteFlags,
};

use crate::fs::{Error, Fs, Ino, SetAttr};

use super::replies::{
    GENERATION, file_attr, file_type, open_flags, reply_attr, reply_empty, reply_entry, reply_xattr,
};
use super::{Adapter, READ};

const NAME_BYTES_MAX: u32 = 255;

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
        reply_attr(self.answer("getattr", ino, None, || self.fs.getattr(Ino(ino.0))), reply);
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
        let thread = request.pid();
        if flags.0 & libc::O_ACCMODE == libc::O_RDONLY {
            return reply_open(self, ino, (flags, thread), reply);
        }
        self.fs.note_editor(request.uid());
        self.edit(Ino(ino.0), move |adapter| reply_open(adapter, ino, (flags, thread), reply));
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
            bytes.resize(size.max(bytes.len()), 0);
            let buffer = bytes.get_mut(..size).unwrap_or_default();
            let read = || self.fs.read_open(Ino(ino.0), handle.0, offset, buffer);
            match self.answer("read", ino, None, read) {
                Ok(read) => reply.data(bytes.get(..read).unwrap_or_default()),
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
        let (ino, handle, thread) = (Ino(ino.0), handle.map(|handle| handle.0), request.pid());
        self.edit(ino, move |adapter| {
            let setattr = || adapter.fs.setattr_for(ino, handle, &change, thread);
            reply_attr(adapter.answer("setattr", INodeNo(ino.0), None, setattr), reply);
        });
    }

    fn write(
        &self,
        request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let write = || match write_flags.contains(WriteFlags::FUSE_WRITE_CACHE) {
            true => self.fs.write_back(handle.0, offset, bytes),
            false => self.fs.write_for(handle.0, offset, bytes, request.pid()),
        };
        match self.answer("write", ino, None, write) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
            Err(errno) => reply.error(errno),
        }
    }

    fn flush(
        &self,
        request: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        if !self.fs.is_writable() {
            return reply.error(Errno::ENOSYS);
        }
        let thread = request.pid();
        self.edit(Ino(ino.0), move |adapter| {
            let flush = || adapter.fs.flush_for(handle.0, thread);
            reply_empty(adapter.answer("close", ino, None, flush), reply);
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
        _handle: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        if !self.fs.is_writable() {
            return reply.error(Errno::ENOSYS);
        }
        let thread = request.pid();
        self.apart(move |adapter| {
            let sync = || adapter.fs.fsync_directory(Ino(ino.0), thread);
            reply_empty(adapter.answer("fsyncdir", ino, None, sync), reply);
        });
    }
}

fn reply_open(
    adapter: &Adapter,
    ino: INodeNo,
    (flags, thread): (OpenFlags, u32),
    reply: ReplyOpen,
) {
    let open = || adapter.fs.open_file_for(Ino(ino.0), flags.0, thread);
    match adapter.answer("open", ino, None, open) {
        Ok(opened) => reply.opened(FileHandle(opened.handle), open_flags(opened)),
        Err(errno) => reply.error(errno),
    }
}
