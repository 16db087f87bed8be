//! Serves from memory what msgfs shows of a source: as fast as FUSE can be.
//!
//! `nullfs [--shallow|--plain] SOURCE` reads the tree through msgfs's own library, without a mount;
//! `--shallow` leaves the messages empty, `--plain` takes the files of SOURCE as they are. Then it
//! obeys the lines of its standard input, each answered by a line: `mount THREADS FOLDER`,
//! `mount-writable THREADS FOLDER`, `mount-slow MILLISECONDS FOLDER` and `unmount`. At the end of
//! the input it unmounts. In a writable mount nothing can be written to either, but the kernel asks
//! for each `open` and `release`, as it does wherever a file may be written to. In a slow mount each
//! read takes so long, as on another machine; any number of them at once.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation,
    INodeNo, InitFlags, KernelConfig, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEntry, ReplyOpen, Request,
};
use msgfs::fs::{Attr, FileType, Fs, Ino, Options, fuse};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nullfs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let has_option = arguments.first().is_some_and(|first| first.starts_with("--"));
    let option = has_option.then(|| arguments.remove(0));
    let [source] = arguments.as_slice() else {
        return Err("usage: nullfs [--shallow|--plain] SOURCE".into());
    };
    let mut tree = Tree::default();
    if option.as_deref() == Some("--plain") {
        tree.load_plain(Path::new(source))?;
    } else {
        let fs = Fs::open(Path::new(source), Options::default())?;
        tree.load(&fs, Ino::ROOT, option.as_deref() == Some("--shallow"))?;
    }
    let tree = Arc::new(tree);
    say(&format!("loaded {} files, {} bytes", tree.nodes.len(), tree.bytes))?;
    let mut mounted: Option<BackgroundSession> = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        match *line.splitn(3, ' ').collect::<Vec<_>>() {
            [command @ ("mount" | "mount-writable"), threads, folder] => {
                let is_writable = command == "mount-writable";
                let fs = NullFs { tree: Arc::clone(&tree), is_writable, delay: Duration::ZERO };
                mounted = Some(mount(fs, Path::new(folder), threads.parse()?)?);
            }
            ["mount-slow", delay, folder] => {
                let delay = Duration::from_millis(delay.parse()?);
                let fs = NullFs { tree: Arc::clone(&tree), is_writable: false, delay };
                mounted = Some(mount(fs, Path::new(folder), SLOW_THREADS)?);
            }
            _ => unmount(&mut mounted)?,
        }
        say("done")?;
    }
    unmount(&mut mounted)?;
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn mount(fs: NullFs, folder: &Path, threads: usize) -> io::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![
        if fs.is_writable { MountOption::RW } else { MountOption::RO },
        MountOption::NoDev,
        MountOption::NoSuid,
        MountOption::DefaultPermissions,
        MountOption::FSName("nullfs".to_owned()),
    ];
    config.n_threads = Some(threads);
    config.clone_fd = true;
    fuser::spawn_mount(fs, folder, &config)
}

fn unmount(mounted: &mut Option<BackgroundSession>) -> io::Result<()> {
    mounted.take().map_or(Ok(()), BackgroundSession::umount_and_join)
}

/// A tree of files; a file's inode number is its place, counted from 1.
#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<Node>,
    /// The contents of all files.
    bytes: usize,
}

#[derive(Debug)]
struct Node {
    attr: FileAttr,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Directory { entries: Vec<(OsString, u64)>, by_name: HashMap<OsString, u64> },
    File(Vec<u8>),
}

const READ_BYTES: usize = 1 << 20;

impl Tree {
    /// Adds the directory `ino` and all that is below it; returns its number.
    fn load(&mut self, fs: &Fs, ino: Ino, shallow: bool) -> Result<u64, msgfs::fs::Error> {
        let number = self.add(&fs.getattr(ino)?.attr);
        let mut found = Vec::new();
        if !(shallow && fs.is_message(ino)) {
            fs.readdir(ino, 0, true, &mut |child| {
                if !child.is_dot {
                    found.push((child.name.to_owned(), child.entry.attr));
                }
                false
            })?;
        }
        let mut entries = Vec::with_capacity(found.len());
        for (name, attr) in found {
            let child = match attr.file_type {
                FileType::Directory => self.load(fs, attr.ino, shallow)?,
                // A listing leaves out the sizes that cost a body.
                _ => self.load_file(fs, &fs.getattr(attr.ino)?.attr)?,
            };
            entries.push((name, child));
            fs.forget(attr.ino, 1);
        }
        let by_name = entries.iter().cloned().collect();
        if let Some(node) = self.node_mut(number) {
            node.content = Content::Directory { entries, by_name };
        }
        Ok(number)
    }

    /// Adds a folder or file and all that is below it, as they are; returns its number.
    fn load_plain(&mut self, path: &Path) -> io::Result<u64> {
        let metadata = path.metadata()?;
        let number = self.nodes.len() as u64 + 1;
        let kind = if metadata.is_dir() {
            fuser::FileType::Directory
        } else {
            fuser::FileType::RegularFile
        };
        let time = metadata.modified()?;
        self.nodes.push(Node {
            attr: FileAttr {
                ino: INodeNo(number),
                size: metadata.len(),
                blocks: metadata.blocks(),
                atime: time,
                mtime: time,
                ctime: time,
                crtime: time,
                kind,
                perm: if metadata.is_dir() { 0o755 } else { 0o644 },
                nlink: 1,
                uid: metadata.uid(),
                gid: metadata.gid(),
                rdev: 0,
                blksize: 4096,
                flags: 0,
            },
            content: Content::File(Vec::new()),
        });
        let content = if metadata.is_dir() {
            let mut entries = Vec::new();
            for entry in path.read_dir()? {
                let entry = entry?;
                entries.push((entry.file_name(), self.load_plain(&entry.path())?));
            }
            let by_name = entries.iter().cloned().collect();
            Content::Directory { entries, by_name }
        } else {
            let bytes = std::fs::read(path)?;
            self.bytes += bytes.len();
            Content::File(bytes)
        };
        if let Some(node) = self.node_mut(number) {
            node.content = content;
        }
        Ok(number)
    }

    fn load_file(&mut self, fs: &Fs, attr: &Attr) -> Result<u64, msgfs::fs::Error> {
        let size = usize::try_from(attr.size).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        while content.len() < size {
            let piece =
                fs.read(attr.ino, content.len() as u64, READ_BYTES.min(size - content.len()))?;
            if piece.is_empty() {
                break;
            }
            content.reserve_exact(size - content.len());
            content.extend_from_slice(&piece);
        }
        self.bytes += content.len();
        let number = self.add(attr);
        if let Some(node) = self.node_mut(number) {
            node.content = Content::File(content);
        }
        Ok(number)
    }

    fn add(&mut self, attr: &Attr) -> u64 {
        let number = self.nodes.len() as u64 + 1;
        let attr = FileAttr { ino: INodeNo(number), ..fuse::file_attr(attr) };
        self.nodes.push(Node { attr, content: Content::File(Vec::new()) });
        number
    }

    fn node(&self, number: u64) -> Result<&Node, Errno> {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.nodes.get(index)).ok_or(Errno::ENOENT)
    }

    fn node_mut(&mut self, number: u64) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn entries(&self, number: u64) -> Result<&[(OsString, u64)], Errno> {
        match &self.node(number)?.content {
            Content::Directory { entries, .. } => Ok(entries),
            Content::File(_) => Err(Errno::ENOTDIR),
        }
    }

    /// The entries behind a cookie, each with its own; the first two are the dots.
    fn list(
        &self,
        number: u64,
        cookie: u64,
    ) -> Result<impl Iterator<Item = (u64, &OsStr, &FileAttr)>, Errno> {
        let own = &self.node(number)?.attr;
        let dots = [".", ".."].into_iter().map(move |name| (OsStr::new(name), own));
        let entries = self
            .entries(number)?
            .iter()
            .filter_map(|(name, child)| Some((name.as_os_str(), &self.node(*child).ok()?.attr)));
        let behind = usize::try_from(cookie).unwrap_or(usize::MAX);
        let numbered = dots.chain(entries).zip(1_u64..).skip(behind);
        Ok(numbered.map(|((name, attr), cookie)| (cookie, name, attr)))
    }
}

/// The tree as FUSE has it.
struct NullFs {
    tree: Arc<Tree>,
    /// Whether the kernel asks for each `open` and `release`.
    is_writable: bool,
    /// How long each read takes.
    delay: Duration,
}

/// As many reads take their time at once.
const SLOW_THREADS: usize = 32;

/// Nothing ever changes.
const TTL: Duration = Duration::from_secs(365 * 24 * 3600);
const GENERATION: Generation = Generation(0);

impl Filesystem for NullFs {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for capability in [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_NO_OPENDIR_SUPPORT,
        ] {
            // An older kernel does without.
            let _ = config.add_capabilities(capability);
        }
        if !self.is_writable {
            let _ = config.add_capabilities(InitFlags::FUSE_NO_OPEN_SUPPORT);
        }
        Ok(())
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.tree.node(parent.0).and_then(|node| match &node.content {
            Content::Directory { by_name, .. } => by_name.get(name).ok_or(Errno::ENOENT),
            Content::File(_) => Err(Errno::ENOTDIR),
        });
        match found.and_then(|number| self.tree.node(*number)) {
            Ok(node) => reply.entry(&TTL, &node.attr, GENERATION),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        match self.tree.node(ino.0) {
            Ok(node) => reply.attr(&TTL, &node.attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn open(&self, _request: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.is_writable {
            true => reply
                .opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_NOFLUSH),
            false => reply.error(Errno::ENOSYS),
        }
    }

    fn opendir(&self, _request: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
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
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
        match self.tree.node(ino.0).map(|node| &node.content) {
            Ok(Content::File(content)) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let end = start.saturating_add(size).min(content.len());
                reply.data(content.get(start..end).unwrap_or_default());
            }
            Ok(Content::Directory { .. }) => reply.error(Errno::EISDIR),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(
        &self,
        _request: &Request,
        ino: INodeNo,
        _handle: FileHandle,
        cookie: u64,
        mut reply: ReplyDirectory,
    ) {
        match self.tree.list(ino.0, cookie) {
            Ok(mut entries) => {
                // The reply says when it is full.
                let _ = entries
                    .any(|(cookie, name, attr)| reply.add(attr.ino, cookie, attr.kind, name));
                reply.ok();
            }
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
        match self.tree.list(ino.0, cookie) {
            Ok(mut entries) => {
                let _ = entries.any(|(cookie, name, attr)| {
                    reply.add(attr.ino, cookie, name, &TTL, attr, GENERATION)
                });
                reply.ok();
            }
            Err(errno) => reply.error(errno),
        }
    }
}
