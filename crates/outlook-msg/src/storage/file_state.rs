//! The state of a file: tells whether another program has changed it.

/// Identity, size and times of a file. If another program changes the file, they change too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// The number of the file system.
    pub device: u64,
    /// The inode number in it.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last modification: seconds and nanoseconds since 1970.
    pub mtime: (i64, i64),
    /// Last change of the inode (ctime), in the same form.
    pub ctime: (i64, i64),
}
