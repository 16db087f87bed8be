//! The state of a file, by which a change is noticed.

/// The state of a file. If another program changes the file, the state differs.
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
