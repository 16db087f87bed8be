//! Going to the background: the process that the user started waits for the one that serves.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};

use super::Error;

/// Which of the two processes this is.
pub(super) enum Side {
    /// The process that the user started. It waits for the outcome.
    Waiting(OutcomeReceiver),
    /// The process that serves. It reports the outcome.
    Serving(OutcomeSender),
}

/// The end of the pipe at which the outcome of the mount arrives.
pub(super) struct OutcomeReceiver(PipeReader);

/// The end of the pipe into which the outcome of the mount is written.
pub(super) struct OutcomeSender(PipeWriter);

const READY: &[u8] = b"ready";

/// Splits into a waiting and a serving process.
pub(super) fn split() -> io::Result<Side> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: no thread has been started yet, so the child may go on as any process would.
    #[allow(unsafe_code, reason = "there is no safe fork")]
    let process = unsafe { libc::fork() };
    match process {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(reader);
            rustix::process::setsid()?;
            Ok(Side::Serving(OutcomeSender(writer)))
        }
        _ => Ok(Side::Waiting(OutcomeReceiver(reader))),
    }
}

impl OutcomeReceiver {
    /// Waits until the mount answers, or has failed.
    pub(super) fn wait(mut self) -> Result<(), Error> {
        let mut word = Vec::new();
        self.0.read_to_end(&mut word)?;
        match word.as_slice() {
            READY => Ok(()),
            b"" => Err(Error::Background("the background process ended unexpectedly".to_owned())),
            text => Err(Error::Background(String::from_utf8_lossy(text).into_owned())),
        }
    }
}

impl OutcomeSender {
    /// Tells that the mount answers.
    pub(super) fn ready(mut self) {
        // If the waiting process is gone, the mount goes on all the same.
        let _ = self.0.write_all(READY);
    }

    /// Tells why there is no mount.
    pub(super) fn failed(mut self, error: &Error) {
        // If the waiting process is gone, there is nobody to tell.
        let _ = self.0.write_all(error.to_string().as_bytes());
    }
}

/// Leaves the terminal and the folder of the user.
pub(super) fn leave_terminal() -> io::Result<()> {
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    std::env::set_current_dir("/")
}
