//! The FUSE front: translates the requests of the kernel into calls of [`Fs`].
//!
//! Each operation is one call of [`Fs`], and one table has the errno of every error. `opendir` is
//! answered with ENOSYS, and so are `open`, `flush` and `fsync` in a read-only mount: the kernel
//! then never sends them again. After an edit the kernel is told what it must forget before the
//! edit is answered, so that the program that waits for the answer sees the edit everywhere.

mod errno;
mod notify;
mod replies;
mod requests;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

use fuser::{Errno, INodeNo, Request};

use super::error::with_causes;
use super::{Add, Error, Fs, Ino, Store};

use errno::errno;

pub use notify::Kernel;
pub use replies::file_attr;

/// Serves a filesystem to the kernel.
#[derive(Clone, Debug)]
pub struct Adapter {
    fs: Arc<Fs>,
    /// Known once there is a session.
    kernel: Arc<OnceLock<Arc<Kernel>>>,
}

thread_local! {
    /// What a thread has read last, to answer a request or to store a file. The memory is reused,
    /// since new memory costs much more. The kernel asks for at most a mebibyte.
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Adapter {
    /// An adapter for a filesystem, which others may use at the same time.
    pub fn new(fs: Arc<Fs>) -> Self {
        Self { fs, kernel: Arc::default() }
    }

    /// Tells the adapter of a session whom it serves.
    pub fn serve(&self, kernel: Arc<Kernel>) {
        if kernel.has_epochs().unwrap_or(false) {
            self.fs.enable_invalidation();
        }
        // A session has one kernel, so the second `set` never happens.
        let _ = self.kernel.set(kernel);
    }

    /// Tells the kernel what it must forget. It never waits for a request, so a request may do it.
    fn forget_stale(&self) {
        self.fs.tell_stale(|stale| {
            let Some(kernel) = self.kernel.get() else { return };
            let told = kernel.forget_names();
            let told = told.and_then(|()| stale.iter().try_for_each(|what| kernel.forget(what)));
            if let Err(error) = told {
                tracing::debug!("the kernel was not told: {error}");
            }
        });
    }

    /// Answers a request, and logs it if requests are logged.
    fn answer<T>(
        &self,
        operation: &'static str,
        ino: INodeNo,
        name: Option<&OsStr>,
        run: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Errno> {
        self.fs.keep_off_opener();
        let run = || {
            let outcome = run();
            if outcome.is_err() && self.fs.is_closing() {
                return Err(Error::Closing);
            }
            if let Err(error) = &outcome {
                self.fs.note_refusal(Ino(ino.0), name, error);
            }
            self.forget_stale();
            outcome
        };
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return answer(operation, run);
        }
        // Asked before the request runs, since a FORGET makes the path unknown.
        let path = self.fs.source_path(Ino(ino.0)).unwrap_or_default();
        let start = Instant::now();
        let outcome = answer(operation, run);
        let micros = start.elapsed().as_micros();
        let result = outcome.as_ref().map_or_else(|errno| error_text(*errno), |_| "ok".to_owned());
        let (ino, name) = (ino.0, name.unwrap_or_default());
        tracing::debug!(ino, ?path, ?name, micros, "{operation}: {result}");
        outcome
    }

    /// Lists a directory. At the end of the listing, the kernel is given what the program is likely
    /// to read next.
    fn list(
        &self,
        request: &Request,
        ino: INodeNo,
        cookie: u64,
        look_up: bool,
        add: Add<'_>,
    ) -> Result<(), Errno> {
        let operation = if look_up { "readdirplus" } else { "readdir" };
        self.fs.note_request(Ino(ino.0), request.pid());
        let mut is_end = cookie > 0;
        let listed = self.answer(operation, ino, None, || {
            self.fs.readdir(Ino(ino.0), cookie, look_up, &mut |child| {
                is_end = false;
                add(child)
            })
        });
        if is_end && listed.is_ok() {
            self.store(ino, Fs::store_ahead);
        }
        listed
    }

    /// Puts what a program is likely to read next into the kernel's page cache, when the program
    /// has listed a directory or reads a file.
    fn store(
        &self,
        ino: INodeNo,
        store: impl FnOnce(&Fs, Ino, &mut Vec<u8>, Store<'_>) -> Result<(), Error>,
    ) {
        let Some(kernel) = self.kernel.get() else { return };
        READ.with_borrow_mut(|bytes| {
            let run =
                || store(&self.fs, Ino(ino.0), bytes, &mut |ino, bytes| kernel.store(ino, bytes));
            // On failure the program that reads the file asks for it as usual.
            let _ = self.answer("store", ino, None, run);
        });
    }

    /// Runs an edit of the message of an inode. If the edit has to wait for a save or a move, it runs in a
    /// thread of its own, so that requests for other messages need not wait.
    fn edit(&self, ino: Ino, run: impl FnOnce(&Self) + Send + 'static) {
        match self.fs.is_busy(ino) {
            true => self.apart(run),
            false => run(self),
        }
    }

    /// Runs a request that waits for the disk, in a thread of its own.
    fn apart(&self, run: impl FnOnce(&Self) + Send + 'static) {
        let adapter = self.clone();
        // If there is no thread, the request is dropped, which answers it with EIO.
        if let Err(error) =
            thread::Builder::new().name("edit".to_owned()).spawn(move || run(&adapter))
        {
            tracing::error!("no thread for a request: {error}");
        }
    }
}

/// Runs an operation. A panic in it is an error of this one request and not the end of the mount.
fn answer<T>(operation: &'static str, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Errno> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            if let Error::Source { .. }
            | Error::Message { .. }
            | Error::Stale { .. }
            | Error::Replaced { .. } = error
            {
                tracing::warn!(operation, "{}", with_causes(&error));
            }
            Err(errno(&error))
        }
        Err(_) => {
            tracing::error!(operation, "the request failed by a bug in msgfs");
            Err(Errno::EIO)
        }
    }
}

fn error_text(errno: Errno) -> String {
    io::Error::from_raw_os_error(errno.into()).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fuser::{Errno, INodeNo};

    use super::{Adapter, Error, Fs, answer};

    #[test]
    fn a_panic_costs_one_request() {
        let outcome: Result<(), _> = answer("test", || panic!("a bug"));
        assert_eq!(i32::from(outcome.unwrap_err()), i32::from(Errno::EIO));
    }

    #[test]
    fn an_error_becomes_its_errno() {
        let outcome: Result<(), _> = answer("test", || Err(Error::NoAttribute));
        assert_eq!(i32::from(outcome.unwrap_err()), i32::from(Errno::ENODATA));
    }
    #[test]
    fn while_the_session_closes_every_error_says_so() {
        let source = tempfile::tempdir().unwrap();
        let fs = Arc::new(Fs::open(source.path(), crate::fs::Options::default()).unwrap());
        let adapter = Adapter::new(Arc::clone(&fs));
        let stale = || Err::<(), _>(Error::Stale { path: "a.msg".into() });
        let errno = || i32::from(adapter.answer("test", INodeNo::ROOT, None, stale).unwrap_err());
        assert_eq!(errno(), libc::ESTALE);
        drop(fs.close());
        assert_eq!(errno(), libc::ESHUTDOWN);
        assert!(adapter.answer("test", INodeNo::ROOT, None, || Ok(())).is_ok());
    }
}
