//! `msgfs cat`: prints files of the tree.

use std::io::{self, Write};

use crate::fs;

use super::arguments::Cat;
use super::complain;
use super::places::{Places, cause};
use super::terminal::one_line;

/// As much as is read at a time.
const READ_BYTES: usize = 256 << 10;

/// Prints all files; returns whether all could be read.
pub(super) fn run(arguments: &Cat, options: fs::Options, out: &mut dyn Write) -> io::Result<bool> {
    let mut places = Places::new(options);
    let mut is_well = true;
    for path in &arguments.paths {
        let failure = match places.open(path) {
            Ok(place) => print(&place, out)?,
            Err(error) => Some(error),
        };
        if let Some(error) = failure {
            out.flush()?;
            complain(&format!("{}: {}", one_line(path), cause(&error)));
            is_well = false;
        }
    }
    Ok(is_well)
}

/// Prints a file as far as it can be read; returns why no further.
fn print(place: &fs::Place, out: &mut dyn Write) -> io::Result<Option<fs::Error>> {
    let mut offset = 0;
    loop {
        match place.read(offset, READ_BYTES) {
            Ok(bytes) if bytes.is_empty() => return Ok(None),
            Ok(bytes) => {
                out.write_all(&bytes)?;
                offset += bytes.len() as u64;
            }
            Err(error) => return Ok(Some(error)),
        }
    }
}
