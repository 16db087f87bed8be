//! Where a table goes: a file, a folder of parts, or standard output.

use std::io;
use std::path::{Path, PathBuf};

use msg_table::CsvOptions;

use crate::cli::arguments::Table;
use crate::cli::places::STDIN;
use crate::cli::suggest::similar;
use crate::cli::terminal::{is_terminal, one_line};

use super::format::Format;

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TableOut {
    /// One file.
    File(PathBuf, Format),
    /// A folder of Parquet files.
    Folder(PathBuf),
    /// Standard output, as a stream of Arrow.
    Stream,
}

const FORMS: &str = "a table is NAME.parquet, NAME.arrow or NAME.csv, a folder, or '-'";

impl TableOut {
    /// What a path stands for, or what is wrong with it.
    pub(super) fn of(path: &Path, arguments: &Table) -> Result<Self, String> {
        let out = Self::by_name(path, arguments)?;
        if arguments.raw && !matches!(out, Self::File(_, Format::Csv(_))) {
            return Err(format!("{}: --raw is for CSV only", one_line(path)));
        }
        if arguments.files_per_part.is_some() && !matches!(out, Self::Folder(_)) {
            let what = "--files-per-part is for a folder of parts only";
            return Err(format!("{}: {what}", one_line(path)));
        }
        Ok(out)
    }

    fn by_name(path: &Path, arguments: &Table) -> Result<Self, String> {
        if path == Path::new(STDIN) {
            if is_terminal() {
                return Err("-: an Arrow stream is not for a terminal; pipe it into a program \
                            or name a file"
                    .to_owned());
            }
            return Ok(Self::Stream);
        }
        if path.is_dir() || has_slash(path) {
            return Ok(Self::Folder(path.to_owned()));
        }
        let extension = path.extension().map(|one| one.to_string_lossy().to_ascii_lowercase());
        let file = |format| Ok(Self::File(path.to_owned(), format));
        match extension.as_deref() {
            Some("parquet") => file(Format::Parquet),
            Some("arrow") => file(Format::Arrow),
            Some("csv") => file(Format::Csv(CsvOptions { raw: arguments.raw })),
            _ if path.is_file() => Err(format!("{}: is a file; {FORMS}", one_line(path))),
            // What ends in letters was meant to be a file.
            Some(other) if other.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                let meant = similar(other, ["parquet", "arrow", "csv"]);
                let meant = meant.map(|meant| format!("did you mean .{meant}? "));
                let meant = meant.unwrap_or_default();
                let folder = "the name of a folder may end in '/'";
                Err(format!("{}: {meant}{FORMS}; {folder}", one_line(path)))
            }
            _ => Ok(Self::Folder(path.to_owned())),
        }
    }
}

fn has_slash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The folder of a file, and its name.
pub(super) fn split(path: &Path) -> io::Result<(&Path, &std::ffi::OsStr)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")), name))
}
