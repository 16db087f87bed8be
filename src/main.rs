//! The program `msgfs`: see the library's architecture page.

use std::process::ExitCode;

/// Messages are opened by one thread and let go by others, for which the allocator of glibc takes
/// turns.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    msgfs::cli::main()
}
