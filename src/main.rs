//! The program `msgfs`: see the library's architecture page.

use std::process::ExitCode;

fn main() -> ExitCode {
    msgfs::cli::main()
}
