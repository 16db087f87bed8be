//! Where the real mail is that tests read: the folder of `MSGFS_CORPUS`, else `shared/corpus`
//! beside the project. The tests of the library are told by the same file.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The corpus; `None`, with a word about it, if there is none.
pub(crate) fn corpus() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let chosen = std::env::var_os("MSGFS_CORPUS").map(PathBuf::from);
        // A package may be the project or lie deeper in it.
        let around = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let beside = around.map(|folder| folder.join("../shared/corpus"));
        chosen.into_iter().chain(beside).find(|folder| folder.join("files").is_dir())
    });
    if found.is_none() {
        println!("SKIPPED: no corpus in MSGFS_CORPUS or ../shared/corpus");
    }
    found.as_deref()
}

/// The paths of its files in the order of their names; none if there is no corpus.
pub(crate) fn corpus_files() -> Vec<PathBuf> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let folder = std::fs::read_dir(corpus.join("files")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
