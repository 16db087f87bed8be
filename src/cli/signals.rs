//! The signals that end a command which writes files: it stops after the message at hand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use super::status::Status;

/// Set by SIGINT or SIGTERM; the second one ends the program at once. SIGXFSZ does not: writing a
/// file that becomes too large fails with EFBIG, which the command tells.
pub(super) fn stop_at_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(Status::Interrupted.code());
        flag::register_conditional_shutdown(signal, code, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(stop)
}
