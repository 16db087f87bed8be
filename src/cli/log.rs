//! Where the log goes: the terminal in the foreground; the journal, or else syslog, in the
//! background.

use std::io::{self, IsTerminal as _};

use syslog_tracing::{Facility, Options, Syslog};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged by default.
pub(super) const USUAL: &str = "msgfs=info";
/// What `-d` logs: every request too.
pub(super) const REQUESTS: &str = "msgfs=debug";

/// Logs to the terminal. `RUST_LOG` overrides what is logged.
pub(super) fn to_terminal(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

/// Logs to the journal, or else to syslog. Without either there is no log; `.msgfs/errors` in the
/// mount still names the damaged messages.
pub(super) fn to_system() {
    let filter = EnvFilter::new(USUAL);
    if let Ok(journal) = tracing_journald::layer() {
        tracing_subscriber::registry().with(filter).with(journal).init();
    } else if let Some(syslog) = Syslog::new(c"msgfs", Options::LOG_PID, Facility::Daemon) {
        // Syslog adds time and level itself.
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_writer(syslog)
            .init();
    }
}
