//! `msgfs cat`: prints files of the tree.

use std::io::{self, Write};
use std::path::Path;

use outlook_msg::pieces::PieceReader;

use crate::fs;

use super::arguments::Cat;
use super::complain;
use super::places::{Places, cause, has_msg_extension};
use super::status::Status;
use super::terminal::{HarmlessWriter, is_terminal, one_line};

/// Prints all files: as they are, but on a terminal without anything that would control it.
pub(super) fn run(
    arguments: &Cat,
    options: fs::Options,
    out: &mut dyn Write,
) -> io::Result<Status> {
    if is_terminal() {
        return print_all(arguments, options, &mut HarmlessWriter::new(out));
    }
    print_all(arguments, options, out)
}

fn print_all(arguments: &Cat, options: fs::Options, out: &mut dyn Write) -> io::Result<Status> {
    let mut places = Places::new(options);
    let mut status = Status::Done;
    for path in &arguments.paths {
        let failure = match places.open(path) {
            Ok(place) => {
                let failure = print(&place, out)?;
                if failure.is_none() {
                    loss(&place, path, out, &mut status)?;
                }
                failure
            }
            Err(error) => Some(error),
        };
        if let Some(error) = failure {
            out.flush()?;
            status.join(Status::of(&error));
            let hint = match error {
                fs::Error::IsADirectory if has_msg_extension(path.as_os_str()) => {
                    "; 'msgfs show' prints a message"
                }
                _ => "",
            };
            complain(&format!("{}: {}{hint}", one_line(path), cause(&error)));
        }
    }
    Ok(status)
}

/// Says what could not be read of a file that was printed to its end.
fn loss(
    place: &fs::Place,
    path: &Path,
    out: &mut dyn Write,
    status: &mut Status,
) -> io::Result<()> {
    let losses = place.losses().unwrap_or_default();
    let Some(first) = losses.first() else { return Ok(()) };
    out.flush()?;
    status.join(Status::Wrong);
    let more = match losses.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    complain(&format!("{}: not all of it could be read: {first}{more}", one_line(path)));
    Ok(())
}

/// Prints a file as far as it can be read; returns why no further.
fn print(place: &fs::Place, out: &mut dyn Write) -> io::Result<Option<fs::Error>> {
    let mut pieces = PieceReader::new(place.attr().size);
    loop {
        match pieces.next_piece(|at, piece| place.read_at(at, piece)) {
            Ok(Some(piece)) => out.write_all(piece)?,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(error)),
        }
    }
}
