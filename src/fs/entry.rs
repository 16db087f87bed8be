//! What a call of the filesystem tells of a file, whichever part answers it.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use super::source::attr::{Attr, FileType};

/// A file that was looked up: its attributes, and for how long they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The attributes.
    pub attr: Attr,
    /// How long they may be kept.
    pub ttl: Duration,
}

/// One entry of a directory.
#[derive(Debug)]
pub struct DirectoryEntry<'a> {
    /// Its name.
    pub name: &'a OsStr,
    /// The cookie with which a listing continues behind it.
    pub cookie: u64,
    /// Its attributes, and for how long they hold.
    pub entry: Entry,
    /// Whether it is `.` or `..`.
    pub is_dot: bool,
}

/// Takes an entry of a listing. Returns true if there was no room for it.
pub type Add<'a> = &'a mut dyn FnMut(DirectoryEntry<'_>) -> bool;

/// One name in a directory, told without rendering anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEntry {
    /// The name.
    pub name: OsString,
    /// What it is; a message is a directory.
    pub file_type: FileType,
    /// Whether it is a message file of the source.
    pub is_message: bool,
}

/// A file that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedFile {
    /// The number of the handle; 0 for a file that is read without one.
    pub handle: u64,
    /// Whether the kernel may go on using its cached content of the file.
    pub is_kept: bool,
}
