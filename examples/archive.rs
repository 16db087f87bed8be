//! Writes the archive that `scripts/bench` measures with.
//!
//! `archive mailbox FOLDER NUMBER`, `archive folder FOLDER COUNT`, `archive large FOLDER BYTES`.

#[path = "../benches/archive/mod.rs"]
mod archive;

use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, folder, number] = arguments.as_slice() else {
        eprintln!("usage: archive mailbox|folder|large FOLDER NUMBER");
        return ExitCode::from(2);
    };
    match write(what, Path::new(folder), number) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("archive: {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(what: &str, folder: &Path, number: &str) -> io::Result<()> {
    let number = number.parse().map_err(io::Error::other)?;
    match what {
        "mailbox" => archive::write_mailbox(folder, number),
        "folder" => archive::write_folder(folder, number),
        "large" => archive::write_large(folder, number),
        _ => Err(io::Error::other(format!("no {what}"))),
    }
}
