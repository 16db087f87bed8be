//! Real mounts, as programs and people meet them.
//!
//! Where FUSE is missing each test prints `SKIPPED` and passes; with `CI=true` or
//! `MSGFS_REQUIRE_FUSE=1` it fails.

mod attributes;
mod commands;
mod endings;
mod false_servers;
pub(crate) mod folder;
mod listing;
mod live;
mod many;
pub(crate) mod mounted;
pub(crate) mod process;
mod reading;
mod scarce;
mod system;
mod writing;
mod writing_ends;

use std::fs;
use std::path::{Path, PathBuf};

/// Everything that a directory and those below it list.
fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).unwrap_or_else(|e| panic!("{directory:?}: {e}"));
        for entry in entries {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                directories.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
