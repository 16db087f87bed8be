//! A message to read: a path, an open file, or bytes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlook_msg::storage::Source;

/// A message that becomes a row.
#[derive(Debug)]
pub struct Input {
    pub(crate) path: PathBuf,
    pub(crate) parent: Option<PathBuf>,
    content: InputContent,
}

#[derive(Debug)]
enum InputContent {
    Path,
    File(File),
    Bytes(Vec<u8>),
    Failed(io::Error),
}

impl Input {
    /// A path. The file is opened when its rows are asked for.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), InputContent::Path)
    }

    /// An open file. `path` is the path in its row.
    pub fn file(path: impl Into<PathBuf>, file: File) -> Self {
        Self::new(path.into(), InputContent::File(file))
    }

    /// The bytes of a file. `path` is the path in its row.
    pub fn bytes(path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(path.into(), InputContent::Bytes(bytes.into()))
    }

    /// A file that the caller could not read. It becomes a row with this error as a defect.
    pub fn failed(path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::new(path.into(), InputContent::Failed(error))
    }

    /// Sets the path of the message that contains it.
    #[must_use]
    pub fn inside(mut self, parent: &Path) -> Self {
        self.parent = Some(parent.to_owned());
        self
    }

    fn new(path: PathBuf, content: InputContent) -> Self {
        Self { path, parent: None, content }
    }

    /// The source of the bytes.
    pub(crate) fn source(content: Self) -> io::Result<Arc<Source>> {
        let opened = |file| Ok(Arc::new(Source::from_file(file)?.0));
        match content.content {
            InputContent::Path => opened(File::open(&content.path)?),
            InputContent::File(file) => opened(file),
            InputContent::Bytes(bytes) => Ok(Arc::new(Source::from_bytes(bytes))),
            InputContent::Failed(error) => Err(error),
        }
    }
}
