//! What a save leaves in the source if it is killed is removed by the next mount, which knows from
//! the log of edits where to look.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::mount::folder::{Folder, letter, parcel};
use crate::mount::process::{MOMENT, run};

use super::mounted::Served;

/// The folders in which files come and go, in the order in which they do.
struct Watched {
    inotify: OwnedFd,
    /// That of the log of edits, in which each message has a folder.
    log: i32,
    in_log: BTreeSet<CString>,
}

impl Watched {
    fn new(source: &Folder, log: &Path) -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        let what = WatchFlags::CREATE | WatchFlags::DELETE;
        for folder in ["", "sub"] {
            inotify::add_watch(&inotify, source.join(folder), what).unwrap();
        }
        let log = inotify::add_watch(&inotify, log, what).unwrap();
        Self { inotify, log, in_log: BTreeSet::new() }
    }

    /// Checks that each temporary file in the source came while a message was in the log. Returns
    /// how many came.
    fn check(&mut self) -> usize {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut count = 0;
        loop {
            let event = match reader.next() {
                Err(Errno::AGAIN) => return count,
                event => event.unwrap(),
            };
            let name = event.file_name().map(CStr::to_owned).unwrap_or_default();
            let is_new = event.events().contains(ReadFlags::CREATE);
            if event.wd() == self.log {
                if is_new {
                    self.in_log.insert(name);
                } else {
                    self.in_log.remove(&name);
                }
            } else if is_new && name.to_bytes().starts_with(b".msgfs-") {
                assert!(!self.in_log.is_empty(), "{name:?} came unknown to the log");
                count += 1;
            }
        }
    }
}

#[test]
fn the_log_knows_where_temporary_files_are() {
    let source =
        Folder::new().with("a.msg", parcel().to_bytes()).with("sub/b.msg", letter("B").to_bytes());
    let other = Folder::new().with("c.msg", letter("C").to_bytes());
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let mut watched = Watched::new(&source, &state.path().join("msgfs/edits/1"));
    let copied = format!("cp {} sub/c.msg", other.join("c.msg").display());
    for (script, least) in [
        // A probe, and the save.
        ("echo A > a.msg/subject; sync a.msg/subject", 2),
        ("mkdir new.msg; echo New > new.msg/subject; sync new.msg/subject", 1),
        (copied.as_str(), 1),
        ("mv sub/c.msg a.msg/attachments/", 1),
        ("mv a.msg/attachments/c.msg sub/d.msg", 1),
        ("chmod 600 sub/d.msg; touch -d 2020-01-01 sub/d.msg; mv sub/d.msg e.msg", 0),
    ] {
        let mut shell = Command::new("bash");
        run(shell.args(["-euc", script]).current_dir(mount.root()), MOMENT).expect_success();
        let count = watched.check();
        assert!(count >= least, "{script}: {count}");
    }
    mount.signal(rustix::process::Signal::TERM);
    assert_eq!(mount.end().stderr.lines().filter(|line| line.contains("ERROR")).count(), 0);
    watched.check();
}
