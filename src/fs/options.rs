//! How a filesystem is opened, and what may be changed of its files.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::mapi::CodePage;
use crate::view::Show;

use super::source::attr::Ownership;

/// How a filesystem shows its source.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which hidden views are listed.
    pub show: Show,
    /// Whether files that are no messages are left out (`others=hide`).
    pub hide_others: bool,
    /// The code page of every 8-bit string (`codepage=`).
    pub code_page: Option<CodePage>,
    /// The memory that open messages may take, in bytes (`cache=`).
    pub cache_bytes_max: usize,
    /// Who owns what is shown.
    pub ownership: Ownership,
    /// Where the filesystem itself is to be mounted, so that it never asks itself.
    pub mount_point: Option<PathBuf>,
    /// How it is written to; `None` for reading only.
    pub write: Option<WriteOptions>,
    /// Whether the source is watched. If so, a thread must call
    /// [`wait_for_changes`](super::Fs::wait_for_changes) again and again.
    pub watch: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hide_others: false,
            code_page: None,
            cache_bytes_max: 64 << 20,
            ownership: Ownership::default(),
            mount_point: None,
            write: None,
            watch: false,
        }
    }
}

/// How a filesystem is written to.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Whether messages may be removed (`delete`).
    pub delete: bool,
    /// A message is saved this long after the last handle that writes to it was closed.
    pub commit_delay: Duration,
    /// Where edits are kept that cannot be saved; `None` for the user's own place.
    pub state_folder: Option<PathBuf>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { delete: false, commit_delay: Duration::from_secs(1), state_folder: None }
    }
}

/// A change of attributes. A change of the access time is ignored, so it is not here.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetAttr {
    /// The length in bytes.
    pub size: Option<u64>,
    /// The permission bits.
    pub mode: Option<u32>,
    /// The owner.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
    /// The last modification.
    pub mtime: Option<SystemTime>,
}
