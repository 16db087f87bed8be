//! Random operations against a plain model in memory, compared after each.
//!
//! The seed and the last operations are printed when one fails. `MSGFS_MODEL_SEED=S` starts with
//! another seed, `MSGFS_MODEL_OPERATIONS=N` does so many operations.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::random::number_from_environment;

use msgfs::mapi::CodePage;

use super::direct::Direct;
use super::files::Files;
use super::mounted::Served;
use super::operations::Run;

/// Without a mount.
const OPERATIONS: u64 = 10_000;
/// Through a real mount, where each is much slower.
const MOUNTED_OPERATIONS: u64 = 600;
/// After this many operations everything begins anew with the next seed.
const OPERATIONS_PER_SEED: u64 = 250;
/// The message with 8-bit strings.
const ANSI: &str = "ansi.msg";

#[test]
fn the_filesystem_does_what_the_model_does() {
    run_all(OPERATIONS, |source, state| Some(Direct::writing(source, state)));
}

#[test]
fn a_mount_does_what_the_model_does() {
    run_all(MOUNTED_OPERATIONS, Served::start);
}

fn run_all<F: Files>(usual: u64, start: impl Fn(&Path, &Path) -> Option<F> + Sync) {
    let operations = number_from_environment("MSGFS_MODEL_OPERATIONS").unwrap_or(usual);
    let first = number_from_environment("MSGFS_MODEL_SEED").unwrap_or(0);
    let started = Instant::now();
    let seeds = operations.div_ceil(OPERATIONS_PER_SEED);
    let next = AtomicU64::new(0);
    let run_some = || {
        while let Some(done) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < seeds) {
            let count = (operations - done * OPERATIONS_PER_SEED).min(OPERATIONS_PER_SEED);
            run_seed(first + done, count, &start);
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run_some)).collect();
        running.into_iter().for_each(|thread| thread.join().unwrap());
    });
    println!("{operations} operations from seed {first} on in {:?}", started.elapsed());
}

fn run_seed<F: Files>(seed: u64, operations: u64, start: impl Fn(&Path, &Path) -> Option<F>) {
    let (source, state) = (source(), TempDir::new().unwrap());
    let Some(files) = start(source.path(), state.path()) else { return };
    let _told = Told(seed);
    let mut run = Run::new(files, source.path().to_owned(), seed, &[ANSI]);
    for _ in 0..operations {
        run.step();
    }
    run.restart();
}

fn source() -> Folder {
    let inner = letter("Inner").attach(AttachmentBuilder::file("a.txt", "Deep inside.\n"));
    let outer = letter("Outer")
        .attach(AttachmentBuilder::file("b.bin", [7; 600]))
        .attach(AttachmentBuilder::message(inner));
    let parcel = letter("Re: a parcel")
        .html("<html><body><p>parcel</p></body></html>")
        .attach(AttachmentBuilder::file("a.txt", "A file.\n"))
        .attach(AttachmentBuilder::message(outer));
    Folder::new()
        .with("letter.msg", letter("A letter").to_bytes())
        .with("parcel.msg", parcel.to_bytes())
        .with(ANSI, letter("An old one").ansi(CodePage::WINDOWS_1252).to_bytes())
}

/// Tells the seed that failed.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("MSGFS_MODEL_SEED={} fails", self.0);
        }
    }
}
