//! Whole messages that are moved where they have other numbers. The kernel gives the old inode
//! the new name, with all that it has kept of what is in it.

use std::ffi::OsStr;
use std::path::Path;

use msgfs::fs::{Error, Fs, Ino, Invalidation, Options, WriteOptions};
use tempfile::TempDir;

use crate::mount::folder::{Folder, letter, parcel};

const EMBEDDED: &str = "Outer: with_slash.msg";

/// A filesystem whose kernel keeps what it is told until it is told to forget it.
struct Stage {
    fs: Fs,
    _source: Folder,
    _state: TempDir,
}

impl Stage {
    fn new() -> Self {
        let source =
            Folder::new().with("a.msg", parcel().to_bytes()).with("b.msg", letter("B").to_bytes());
        let state = TempDir::new().unwrap();
        let write =
            WriteOptions { state_folder: Some(state.path().to_owned()), ..WriteOptions::default() };
        let options = Options { write: Some(write), ..Options::default() };
        let fs = Fs::open(source.path(), options).unwrap();
        fs.tell_kernel();
        Self { fs, _source: source, _state: state }
    }

    fn look_up(&self, path: &str) -> Ino {
        let names = Path::new(path).iter();
        names.fold(Ino::ROOT, |parent, name| self.fs.lookup(parent, name).unwrap().attr.ino)
    }

    /// What the kernel is told before the next answer.
    fn told(&self) -> Vec<Invalidation> {
        let mut told = Vec::new();
        self.fs.tell_stale(|stale| told.extend_from_slice(stale));
        told
    }

    /// Moves a message, and checks that the kernel is told to ask for its old inode again, and
    /// then that this is none.
    #[track_caller]
    fn check_move(&self, (from, old): (&str, &str), (to, new): (&str, &str)) {
        let (origin, target) = (self.look_up(from), self.look_up(to));
        let moved = self.fs.lookup(origin, OsStr::new(old)).unwrap().attr.ino;
        self.fs.lookup(moved, OsStr::new("subject")).unwrap();
        self.told();
        self.fs.rename((origin, OsStr::new(old)), (target, OsStr::new(new)), false).unwrap();
        assert!(self.told().contains(&Invalidation::Inode(moved)), "{from}/{old}");
        for error in [
            self.fs.getattr(moved).unwrap_err(),
            self.fs.lookup(moved, OsStr::new("subject")).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Stale { .. }), "{from}/{old}: {error}");
        }
        self.fs
            .lookup(
                self.look_up(format!("{to}/{new}").trim_start_matches('/')),
                OsStr::new("subject"),
            )
            .unwrap();
    }
}

#[test]
fn the_kernel_forgets_the_directory_of_a_message_that_gets_another_number() {
    let stage = Stage::new();
    let (inside, of_other) = ("a.msg/attachments", "b.msg/attachments");
    for _ in 0..2 {
        stage.check_move((inside, EMBEDDED), ("", "Out.msg"));
        stage.check_move(("", "Out.msg"), (of_other, "Back.msg"));
        stage.check_move((of_other, "Back.msg"), (inside, EMBEDDED));
    }
}
