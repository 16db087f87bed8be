//! A file system of another program that calls itself `fuse.msgfs` and lies about who serves it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation, INodeNo, LockOwner,
    MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEntry, Request,
};
use tempfile::TempDir;

use super::folder::Folder;
use super::mounted::{has_fuse, is_mounted, msgfs};
use super::process::{MOMENT, Process, run, wait_until};

/// `.msgfs/session` with a text of its own.
struct Liar {
    session: String,
}

const ROOT: u64 = 1;
const CONTROL: u64 = 2;
const SESSION: u64 = 3;
const TTL: Duration = Duration::from_secs(60);

impl Liar {
    fn attr(&self, ino: u64) -> FileAttr {
        let (kind, perm) = match ino {
            SESSION => (FileType::RegularFile, 0o444),
            _ => (FileType::Directory, 0o555),
        };
        let now = SystemTime::now();
        FileAttr {
            ino: INodeNo(ino),
            size: if ino == SESSION { self.session.len() as u64 } else { 0 },
            blocks: 0,
            atime: now,
            mtime: now,
            ctime: now,
            crtime: now,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

impl Filesystem for Liar {
    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = match (parent.0, name.to_str()) {
            (ROOT, Some(".msgfs")) => CONTROL,
            (CONTROL, Some("session")) => SESSION,
            _ => return reply.error(Errno::ENOENT),
        };
        reply.entry(&TTL, &self.attr(found), Generation(0));
    }

    fn getattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        reply.attr(&TTL, &self.attr(ino.0));
    }

    fn read(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _handle: FileHandle,
        offset: u64,
        _size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let start = usize::try_from(offset).unwrap().min(self.session.len());
        reply.data(&self.session.as_bytes()[start..]);
    }
}

fn mount_liar(point: &Path, session: String) -> io::Result<fuser::BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::RW, MountOption::CUSTOM("subtype=msgfs".to_owned())];
    fuser::spawn_mount(Liar { session }, point, &config)
}

/// `msgfs umount` takes such a mount off, in use or not; it signals no process and removes no file.
#[test]
fn no_process_is_signalled_and_no_file_removed() {
    if !has_fuse() {
        return;
    }
    for is_busy in [true, false] {
        let mut victim = Process::start(Command::new("sleep").arg("1000"));
        let state = Folder::new().with("reports/none", "");
        let report = state.put(format!("reports/{}", victim.id()), "keep me");
        let session =
            format!("process\t{}\nstate_folder\t{}\n", victim.id(), state.path().display());
        let point = TempDir::with_prefix("msgfs-liar-").unwrap();
        let liar = mount_liar(point.path(), session).unwrap();
        wait_until("the mount", MOMENT, || is_mounted(point.path()));
        let text = std::fs::read_to_string(point.path().join(".msgfs/session")).unwrap();
        assert!(text.starts_with("process"), "{text}");
        let user = is_busy.then(|| File::open(point.path().join(".msgfs/session")).unwrap());
        run(msgfs().arg("umount").arg(point.path()), MOMENT).expect_success();
        assert!(!is_mounted(point.path()));
        assert!(victim.is_running(), "the process was signalled");
        assert_eq!(std::fs::read_to_string(&report).unwrap(), "keep me");
        drop(user);
        // fuser unmounts what is not there any more.
        std::mem::forget(liar);
    }
}
