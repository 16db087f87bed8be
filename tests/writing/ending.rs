//! Programs that write while the mount ends: each call is either done or fails with the errno of a
//! mount that is ending.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::mount::folder::{Folder, parcel};
use crate::mount::mounted::msgfs;
use crate::mount::process::{MOMENT, run, wait_until};

use super::mounted::Served;

const ROUNDS: u32 = 12;

/// Writes files in turn until a call fails, and returns the error.
fn write_until_it_fails(root: &Path, number: usize, count: &AtomicU32) -> io::Error {
    let end = Instant::now() + MOMENT;
    let name = ["subject", "body.txt", "to", "attachments/new.txt"][number % 4];
    for round in 0_u32.. {
        assert!(Instant::now() < end, "the mount does not end");
        let path = root.join("a.msg").join(name);
        let text = format!("Round {round} <x{round}@example.org>\n");
        let written = match round % 2 {
            0 => fs::write(&path, &text),
            _ => {
                let temporary = path.with_file_name(format!(".{}.Ab3d{number:02}", &name[..2]));
                fs::write(&temporary, &text).and_then(|()| fs::rename(&temporary, &path))
            }
        };
        if let Err(error) = written {
            return error;
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
    unreachable!()
}

#[test]
fn writers_are_told_that_the_mount_is_ending() {
    for round in 0..ROUNDS {
        let (state, source) = (tempfile::tempdir().unwrap(), Folder::new());
        source.put("a.msg", parcel().to_bytes());
        let Some(mount) = Served::start(source.path(), state.path()) else { return };
        let (root, count) = (mount.root(), &AtomicU32::new(0));
        thread::scope(|scope| {
            let write = |number| scope.spawn(move || write_until_it_fails(root, number, count));
            let writers: Vec<_> = (0..4).map(write).collect();
            let is_under_way = || count.load(Ordering::Relaxed) >= 5 * round;
            wait_until("the writers", MOMENT, is_under_way);
            // What a program was still writing is kept.
            let ended = run(msgfs().arg("umount").arg(root), MOMENT);
            assert!(matches!(ended.status.code(), Some(0 | 1)), "{}", ended.stderr);
            for writer in writers {
                let error = writer.join().unwrap();
                // Once the path is that of the empty directory again, there is no such message. EIO
                // is what the kernel makes of a request if the process ends while reading it.
                let expected =
                    [libc::ESHUTDOWN, libc::ENOTCONN, libc::ECONNABORTED, libc::ENOENT, libc::EIO];
                let errno = error.raw_os_error();
                assert!(errno.is_some_and(|errno| expected.contains(&errno)), "{error}");
            }
        });
    }
}
