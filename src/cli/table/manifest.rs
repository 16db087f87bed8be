//! `_msgfs.json`: what the parts of a folder are made of, so that a rerun knows those that are
//! whole.
//!
//! For each part it has the number of files, and the SHA-256 of their paths, sizes and times. With
//! the paths themselves it would grow with the number of files in the archive, and it is read and
//! written as a whole.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::SystemTime;

use msg_table::SCHEMA;
use outlook_msg::digest::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cli::arguments::Table;
use crate::cli::target::{OutputDirectory, Permissions};
use crate::fs::Place;

use super::shard::Shard;

/// The name of the file. Spark and DuckDB do not take a file whose name begins with `_` for a part.
pub(super) const NAME: &str = "_msgfs.json";
/// The longest manifest that is read: a part takes about 300 bytes.
const BYTES_MAX: u64 = 1 << 30;

/// The whole of the file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version of the columns.
    pub(super) schema: u32,
    pub(super) options: Settings,
    pub(super) parts: Vec<TablePart>,
}

/// The options that the rows of all parts depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    columns: Vec<String>,
    hashes: bool,
    embedded: bool,
    shard: Option<Shard>,
    files_per_part: usize,
    code_page: Option<u32>,
}

/// A part that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TablePart {
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) rows: usize,
    /// How many rows have defects.
    pub(super) rows_with_defects: usize,
    #[serde(flatten)]
    pub(super) files: PartFiles,
}

/// The files that a part is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartFiles {
    /// How many there are.
    files: usize,
    first: String,
    last: String,
    /// The SHA-256 of a line for each file: the path, NUL, the size in bytes, NUL, the time of the
    /// last change in nanoseconds since 1970, LF.
    paths_sizes_times_sha256: String,
}

impl Settings {
    pub(super) fn new(
        table: &msg_table::Options,
        arguments: &Table,
        shard: Option<Shard>,
        files_per_part: usize,
        code_page: Option<u32>,
    ) -> Self {
        Self {
            columns: table.column_names().map(str::to_owned).collect(),
            hashes: !arguments.no_hash,
            embedded: arguments.embedded,
            shard,
            files_per_part,
            code_page,
        }
    }

    pub(super) fn files_per_part(&self) -> usize {
        self.files_per_part
    }
}

impl PartFiles {
    /// The files at these places, with the sizes and times that the file system has.
    pub(super) fn of(places: &[Place]) -> Self {
        let mut hasher = Sha256::new();
        for place in places {
            let attr = place.attr();
            let changed = attr.mtime.duration_since(SystemTime::UNIX_EPOCH);
            let nanos = match changed {
                Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
                Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
            };
            hasher.update(place.path().as_os_str().as_bytes());
            hasher.update(format!("\0{}\0{nanos}\n", attr.size));
        }
        let path = |place: Option<&Place>| {
            place.map(|place| place.path().to_string_lossy().into_owned()).unwrap_or_default()
        };
        let digest = hasher.finalize();
        Self {
            files: places.len(),
            first: path(places.first()),
            last: path(places.last()),
            paths_sizes_times_sha256: hexadecimal(&digest),
        }
    }
}

impl Manifest {
    pub(super) fn new(options: Settings) -> Self {
        Self { schema: SCHEMA, options, parts: Vec::new() }
    }

    /// The manifest of a folder; `None` if it has none.
    pub(super) fn read(folder: &OutputDirectory) -> io::Result<Option<Self>> {
        let Some(file) = folder.file(OsStr::new(NAME)) else { return Ok(None) };
        let mut text = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut text)?;
        let read = serde_json::from_slice(&text);
        read.map(Some).map_err(|error| io::Error::other(format!("{NAME} is damaged: {error}")))
    }

    /// Replaces the manifest of a folder.
    pub(super) fn write(&self, folder: &OutputDirectory, mode: u32) -> io::Result<()> {
        let name = OsStr::new(NAME);
        let mut unfinished = folder.create(name, Permissions::OWN)?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        unfinished.file.write_all(&text)?;
        super::publish(unfinished, name, mode)
    }

    /// Whether a part is there and whole, and made of these files.
    pub(super) fn has(
        &self,
        number: usize,
        files: &PartFiles,
        folder: &OutputDirectory,
    ) -> Option<&TablePart> {
        let part = self.parts.get(number).filter(|part| part.files == *files)?;
        let length = folder.file(OsStr::new(&part.file))?.metadata().ok()?.len();
        (length == part.bytes).then_some(part)
    }

    /// Puts a part in its place. Those behind it stay: their files may be the same.
    pub(super) fn set(&mut self, number: usize, part: TablePart) {
        match self.parts.get_mut(number) {
            Some(known) => *known = part,
            None => self.parts.push(part),
        }
    }

    /// Takes out all parts but the first `parts`.
    pub(super) fn cut(&mut self, parts: usize) -> Vec<TablePart> {
        let end = parts.min(self.parts.len());
        self.parts.split_off(end)
    }
}

/// The name of a part, from 0.
pub(super) fn part_name(number: usize) -> String {
    format!("part-{:06}.parquet", number + 1)
}

/// Whether a name is that of a part that this program has written.
pub(super) fn is_part(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "parquet")
}
