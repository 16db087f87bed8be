//! The listing of each sample in `tests/golden`: byte-equal through the tree of a message, through
//! the calls of the filesystem and through a real mount.
//!
//! One line for each file and directory, all hidden views included, in the order of the listing:
//! path, kind, mode, size and content with tabs between. A content is a short quoted line, the
//! target of a link, `EIO`, or the first half of the SHA-256 of anything else.
//!
//! `UPDATE_GOLDEN=1 cargo test golden` writes them anew.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use msgfs::fs::{Attr, Error, FileType, Fs, Ino, Options, Ownership};
use msgfs::imsg::{Session, SessionOptions};
use msgfs::storage::Source;
use msgfs::view::{FileKind, MessageTree, NodeId, Show};
use sha2::{Digest as _, Sha256};

use crate::browse;
use crate::mail::samples;
use crate::mount::folder::Folder;
use crate::mount::mounted::Mounted;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
const EVERYTHING: Show = Show::ALL;
/// What the tree does not know: the permissions of its source without those to write, which a
/// property may lack.
const FILE_MODE: u32 = 0o444;
const DIRECTORY_MODE: u32 = 0o555;
const LINK_MODE: u32 = 0o777;
/// Characters that are quoted; longer contents are hashed.
const LINE_MAX: usize = 72;
/// Of each hash, so that the listings stay short.
const HASH_BYTES: usize = 16;

/// What a file holds, if it can be read.
type Content = Option<Vec<u8>>;

/// A listing in the making.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn directory(&mut self, path: &str, mode: u32, size: u64) {
        self.line(path, "directory", mode, size, "");
    }

    fn file(&mut self, path: &str, mode: u32, size: u64, content: &Content) {
        if let Some(content) = content {
            assert_eq!(content.len() as u64, size, "{path}");
        }
        let content = content.as_deref().map_or_else(|| "EIO".to_owned(), shown);
        self.line(path, "file", mode, size, &content);
    }

    fn link(&mut self, path: &str, mode: u32, size: u64, target: &[u8]) {
        self.line(path, "link", mode, size, std::str::from_utf8(target).unwrap());
    }

    fn line(&mut self, path: &str, kind: &str, mode: u32, size: u64, content: &str) {
        let content = if content.is_empty() { String::new() } else { format!("\t{content}") };
        writeln!(self.0, "{path}\t{kind}\t{mode:04o}\t{size}{content}").unwrap();
    }
}

/// A short line in quotes, or a hash.
fn shown(content: &[u8]) -> String {
    let text = std::str::from_utf8(content).ok();
    let line = text.map(|text| text.strip_suffix('\n').unwrap_or(text));
    match (text, line) {
        (Some(text), Some(line))
            if line.chars().count() <= LINE_MAX && !line.contains(char::is_control) =>
        {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("\"{quoted}\"")
        }
        _ => {
            let digest = &Sha256::digest(content)[..HASH_BYTES];
            digest.iter().fold("sha256:".to_owned(), |hash, byte| format!("{hash}{byte:02x}"))
        }
    }
}

/// The listing by the tree of the message alone.
fn by_tree(bytes: Vec<u8>) -> String {
    fn walk(tree: &MessageTree, directory: NodeId, path: &str, lines: &mut Lines) {
        for entry in tree.list(directory).unwrap().entries() {
            let path = format!("{path}{}", entry.name);
            let size = tree.attributes(entry.id).unwrap().size;
            let content = || browse::read(tree, entry.id).ok();
            match entry.kind {
                FileKind::Directory => {
                    lines.directory(&path, DIRECTORY_MODE, size);
                    walk(tree, entry.id, &(path + "/"), lines);
                }
                FileKind::File => lines.file(&path, FILE_MODE, size, &content()),
                FileKind::Symlink => lines.link(&path, LINK_MODE, size, &content().unwrap()),
            }
        }
    }
    let session = Session::open(SessionOptions::default());
    let tree = MessageTree::open(&session, Source::from_bytes(bytes), EVERYTHING).unwrap();
    let mut lines = Lines::default();
    walk(&tree, NodeId(0), "", &mut lines);
    lines.0
}

/// The listing by the calls that the kernel makes too.
fn by_calls(fs: &Fs, sample: &str) -> String {
    fn walk(fs: &Fs, directory: Ino, path: &str, lines: &mut Lines) {
        let mut children = Vec::new();
        fs.readdir(directory, 0, true, &mut |child| {
            if !child.is_dot {
                children.push((child.name.to_owned(), child.entry));
            }
            false
        })
        .unwrap();
        for (name, entry) in children {
            let path = format!("{path}{}", name.to_str().unwrap());
            let found = fs.lookup(directory, &name).unwrap();
            let attr = found.attr;
            // A lifetime of 0 says that the size is not told by the listing.
            let told = if entry.ttl.is_zero() {
                Attr { size: attr.size, blocks: attr.blocks, ..entry.attr }
            } else {
                entry.attr
            };
            assert_eq!(told, attr, "{path}");
            assert_eq!(fs.getattr(attr.ino).unwrap(), found, "{path}");
            let (mode, size) = (u32::from(attr.permissions), attr.size);
            match attr.file_type {
                FileType::Directory => {
                    lines.directory(&path, mode, size);
                    walk(fs, attr.ino, &(path + "/"), lines);
                }
                FileType::Symlink => {
                    lines.link(&path, mode, size, &fs.readlink(attr.ino).unwrap());
                }
                _ => lines.file(&path, mode, size, &read(fs, attr.ino)),
            }
            fs.forget(attr.ino, 2);
        }
    }
    let names = Path::new(sample).iter();
    let mut lines = Lines::default();
    let folder = names.fold(Ino::ROOT, |at, name| fs.lookup(at, name).unwrap().attr.ino);
    walk(fs, folder, "", &mut lines);
    lines.0
}

fn read(fs: &Fs, ino: Ino) -> Content {
    // No multiple of anything, so that reads end within values.
    const READ_BYTES: usize = 4_099;
    let mut content = Vec::new();
    loop {
        match fs.read(ino, content.len() as u64, READ_BYTES) {
            Ok(bytes) if bytes.is_empty() => return Some(content),
            Ok(bytes) => content.extend(bytes),
            Err(Error::Message { .. }) => return None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The listing as any program sees it.
fn by_mount(message: &Path) -> String {
    fn walk(directory: &Path, path: &str, lines: &mut Lines) {
        for entry in fs::read_dir(directory).unwrap() {
            let file = entry.unwrap().path();
            let path = format!("{path}{}", file.file_name().unwrap().to_str().unwrap());
            let metadata = file.symlink_metadata().unwrap();
            let (mode, size) = (metadata.mode() & 0o7777, metadata.size());
            if metadata.is_dir() {
                lines.directory(&path, mode, size);
                walk(&file, &(path + "/"), lines);
            } else if metadata.is_symlink() {
                let target = fs::read_link(&file).unwrap();
                lines.link(&path, mode, size, target.as_os_str().as_bytes());
            } else {
                assert!(metadata.is_file(), "{path}");
                lines.file(&path, mode, size, &content(fs::read(&file)));
            }
        }
    }
    let mut lines = Lines::default();
    walk(message, "", &mut lines);
    lines.0
}

fn content(read: io::Result<Vec<u8>>) -> Content {
    match read {
        Ok(content) => Some(content),
        Err(error) if error.raw_os_error() == Some(libc::EIO) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The samples that are messages, and the files of their listings.
fn messages() -> Vec<(&'static str, Vec<u8>, PathBuf)> {
    let is_message = |path: &str| {
        let extension = Path::new(path).extension();
        extension == Some(OsStr::new("msg")) || extension == Some(OsStr::new("oft"))
    };
    let samples = samples().into_iter().filter(|(path, _)| is_message(path));
    samples
        .map(|(path, bytes)| (path, bytes, Path::new(GOLDEN).join(format!("{path}.tree"))))
        .collect()
}

/// Panics with the first line that differs.
#[track_caller]
fn check(sample: &str, way: &str, found: &str, golden: &Path) {
    let expected = fs::read_to_string(golden).unwrap_or_default();
    if found == expected {
        return;
    }
    let mut lines = found.lines().zip(expected.lines());
    let first = lines.find(|(found, expected)| found != expected);
    panic!(
        "{sample} {way}: {} lines, {} in {}; the first that differs: {first:#?}\n\
         if the change is meant, run UPDATE_GOLDEN=1 cargo test golden",
        found.lines().count(),
        expected.lines().count(),
        golden.display(),
    );
}

#[test]
fn samples_are_listed_alike_three_ways() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let source = Folder::new();
    for (sample, bytes, _) in messages() {
        // Whatever the checkout has given it.
        let everybody = fs::Permissions::from_mode(0o644);
        fs::set_permissions(source.put(sample, bytes), everybody).unwrap();
    }
    let ownership = Ownership { umask: 0o222, ..Ownership::default() };
    let options = Options { show: EVERYTHING, ownership, ..Options::default() };
    let fs = Fs::open(source.path(), options).unwrap();
    let mount = Mounted::new(source.path(), "show=all,umask=222");
    for (sample, bytes, golden) in messages() {
        let listing = by_tree(bytes);
        if update {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, &listing).unwrap();
        }
        check(sample, "as a tree", &listing, &golden);
        check(sample, "by calls", &by_calls(&fs, sample), &golden);
        if let Some(mount) = &mount {
            check(sample, "in a mount", &by_mount(&mount.path(sample)), &golden);
        }
    }
}

#[test]
fn every_listing_has_its_sample() {
    let mut found = BTreeSet::new();
    crate::mail::collect_files(Path::new(GOLDEN), &mut found);
    let expected: BTreeSet<_> = messages().into_iter().map(|(.., golden)| golden).collect();
    let stale: Vec<_> = found.difference(&expected).collect();
    assert!(stale.is_empty(), "listings of no sample, to be removed: {stale:?}");
}
