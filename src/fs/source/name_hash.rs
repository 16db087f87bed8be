//! The hash of a name in a source folder. The order of a listing and that of the inode numbers follow
//! from it.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// The hash of a name. It is the same in every process.
pub(super) fn name_hash(name: &OsStr) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
