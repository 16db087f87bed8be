//! The storages and streams of a file as another reader sees them: the crate `cfb`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// What is at a path of a compound file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// A storage, with its class.
    Storage(String),
    Stream(Vec<u8>),
}

/// Everything in a compound file; panics unless it is whole.
#[track_caller]
pub(super) fn streams(path: &Path) -> BTreeMap<String, Stored> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let file = cfb::CompoundFile::open_strict(file)
        .unwrap_or_else(|error| panic!("{path:?} is no sound compound file: {error}"));
    read_all(file).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// Everything in a compound file of another writer; `None` if it is not to be read whole.
pub(super) fn streams_of_others(path: &Path) -> Option<BTreeMap<String, Stored>> {
    read_all(cfb::CompoundFile::open(File::open(path).unwrap()).ok()?).ok()
}

fn read_all(mut file: cfb::CompoundFile<File>) -> io::Result<BTreeMap<String, Stored>> {
    let entries: Vec<_> = file.walk().collect();
    let mut found = BTreeMap::new();
    for entry in entries {
        let name = entry.path().to_str().unwrap().to_owned();
        let stored = match entry.is_stream() {
            false => Stored::Storage(entry.clsid().to_string()),
            true => {
                let mut bytes = Vec::new();
                file.open_stream(entry.path())?.read_to_end(&mut bytes)?;
                Stored::Stream(bytes)
            }
        };
        found.insert(name, stored);
    }
    Ok(found)
}
