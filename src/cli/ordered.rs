//! Runs work on every core and prints its output in the order of the items. Where the threads mostly
//! wait, since the source is on a slow disk or on another machine, more threads join.
//!
//! Memory is bounded: at most a window of items is begun before the first of them is done, and an
//! item with much output waits for its turn and then prints directly.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, Scope};

use outlook_msg::sync::lock;

use crate::fs::waits::WaitSample;

/// At most this many items are begun before the first of them is done.
const WINDOW: u64 = 64;
/// An item with more output than this, in bytes, waits for its turn.
const OUTPUT_MAX: usize = 1 << 20;

/// At most this many threads work on one run, unless there are more cores.
const THREADS_MAX: usize = 16;
/// One item in this many is measured, to see whether threads mostly wait for the source.
const SAMPLE: u64 = 32;

/// Where the output of one item goes.
pub(super) struct Output<'a> {
    number: u64,
    bytes: Vec<u8>,
    turns: &'a Turns,
    out: &'a Mutex<dyn Write + Send + 'a>,
}

/// Whose turn it is to print.
#[derive(Debug, Default)]
pub(super) struct Turns {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Turn {
    number: u64,
    /// How many threads wait for a change.
    waiting: usize,
    stopped: bool,
    failure: Option<io::Error>,
}

/// The items that are done before their turn, and what is called when it is.
struct EarlyResults<R, F> {
    early: BTreeMap<u64, (Vec<u8>, R)>,
    done: F,
}

/// Runs `work` for each item, on every core. The output of an item is printed, and `done` is called
/// with its result, in the order of the items, by one thread at a time. It ends when `done` returns
/// false.
pub(super) fn ordered<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    out: &mut (dyn Write + Send),
    work: impl Fn(T, &mut Output<'_>) -> R + Sync,
    done: impl FnMut(R) -> bool + Send,
) -> io::Result<()> {
    ordered_on(cores(), items, out, work, done)
}

/// How many threads can run at once.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// As [`ordered`], with so many threads at first.
pub(super) fn ordered_on<T: Send, R: Send>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    out: &mut (dyn Write + Send),
    work: impl Fn(T, &mut Output<'_>) -> R + Sync,
    done: impl FnMut(R) -> bool + Send,
) -> io::Result<()> {
    let out = Mutex::new(out);
    let run = Run {
        turns: Turns::default(),
        items: Mutex::new((0..).zip(items)),
        work,
        results: Mutex::new(EarlyResults { early: BTreeMap::new(), done }),
        out: &out,
        threads: AtomicUsize::new(threads),
    };
    thread::scope(|scope| {
        let started = (0..threads).filter(|_| run.start_thread(scope)).count();
        if started == 0 {
            run.work_on(scope);
        }
    });
    match lock(&run.turns.turn).failure.take() {
        Some(failure) => Err(failure),
        None => lock(&out).flush(),
    }
}

/// One run: what its threads share.
struct Run<'a, I, W, R, F> {
    turns: Turns,
    items: Mutex<I>,
    work: W,
    results: Mutex<EarlyResults<R, F>>,
    out: &'a Mutex<dyn Write + Send + 'a>,
    threads: AtomicUsize,
}

impl<T, I, W, R, F> Run<'_, I, W, R, F>
where
    T: Send,
    I: Iterator<Item = (u64, T)> + Send,
    W: Fn(T, &mut Output<'_>) -> R + Sync,
    R: Send,
    F: FnMut(R) -> bool + Send,
{
    /// Works on items until there are no more.
    fn work_on<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let _stop = StopAtPanic(&self.turns);
        while let Some((number, item)) = self.turns.next(&self.items) {
            let mut output =
                Output { number, bytes: Vec::new(), turns: &self.turns, out: self.out };
            let sample = number.is_multiple_of(SAMPLE).then(WaitSample::begin);
            let result = (self.work)(item, &mut output);
            if sample.is_some_and(|sample| sample.has_waited()) {
                self.add_threads(scope);
            }
            lock(&self.results).enter(number, output.bytes, result, &self.turns, self.out);
        }
    }

    /// Has two more threads work.
    fn add_threads<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        for _ in 0..2 {
            let one_more = |count| (count < THREADS_MAX).then_some(count + 1);
            if self.threads.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok() {
                self.start_thread(scope);
            }
        }
    }

    /// Starts a thread; returns whether the system has let it.
    fn start_thread<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> bool {
        thread::Builder::new().spawn_scoped(scope, || self.work_on(scope)).is_ok()
    }
}

/// Has the other threads end if one panics: the turn of its item never passes.
struct StopAtPanic<'a>(&'a Turns);

impl Drop for StopAtPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop(None);
        }
    }
}

impl<R, F: FnMut(R) -> bool> EarlyResults<R, F> {
    /// Enters an item that is done, and prints all whose turn it is.
    fn enter(
        &mut self,
        number: u64,
        bytes: Vec<u8>,
        result: R,
        turns: &Turns,
        out: &Mutex<dyn Write + Send + '_>,
    ) {
        self.early.insert(number, (bytes, result));
        let first = turns.number();
        let mut next = first;
        while let Some((bytes, result)) = self.early.remove(&next) {
            if !bytes.is_empty()
                && let Err(error) = lock(out).write_all(&bytes)
            {
                turns.stop(Some(error));
            }
            if !turns.is_stopped() && !(self.done)(result) {
                turns.stop(None);
            }
            next += 1;
        }
        // Once for all that were done: each time would wake the threads that wait.
        if next > first {
            turns.pass_to(next);
        }
    }
}

impl Turns {
    /// The next item, once it is in the window.
    fn next<T>(&self, items: &Mutex<impl Iterator<Item = (u64, T)>>) -> Option<(u64, T)> {
        // A thread that waits here for the window holds up only threads that would have to wait
        // too.
        let mut items = lock(items);
        let (number, item) = items.next()?;
        let ready = |turn: &Turn| turn.stopped || number < turn.number + WINDOW;
        (!self.wait(ready)).then_some((number, item))
    }

    /// Waits for a condition. Returns whether the run was stopped meanwhile.
    fn wait(&self, ready: impl Fn(&Turn) -> bool) -> bool {
        let mut turn = lock(&self.turn);
        while !ready(&turn) {
            turn.waiting += 1;
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
            turn.waiting -= 1;
        }
        turn.stopped
    }

    fn number(&self) -> u64 {
        lock(&self.turn).number
    }

    /// Whether the run was stopped: no more output is wanted.
    pub(super) fn is_stopped(&self) -> bool {
        lock(&self.turn).stopped
    }

    /// Passes the turn to an item.
    fn pass_to(&self, number: u64) {
        let mut turn = lock(&self.turn);
        turn.number = number;
        // To wake threads is a system call, also if none waits.
        if turn.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn stop(&self, failure: Option<io::Error>) {
        let mut turn = lock(&self.turn);
        turn.stopped = true;
        turn.failure = turn.failure.take().or(failure);
        self.changed.notify_all();
    }
}

impl<'a> Output<'a> {
    /// Tells whether the run was stopped.
    pub(super) fn turns(&self) -> &'a Turns {
        self.turns
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_MAX {
            let number = self.number;
            if self.turns.wait(|turn| turn.stopped || turn.number == number) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let mut out = lock(self.out);
            let printed = out.write_all(&self.bytes).and_then(|()| out.write_all(bytes));
            self.bytes.clear();
            if let Err(error) = printed {
                let kind = error.kind();
                self.turns.stop(Some(error));
                return Err(kind.into());
            }
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::{self, Write};
    use std::sync::{Mutex, mpsc};
    use std::thread;

    use super::{OUTPUT_MAX, THREADS_MAX, WINDOW, ordered, ordered_on};
    use crate::fs::waits::WAIT_MIN;

    #[test]
    fn output_is_in_order() {
        let mut out = Vec::new();
        let mut results = Vec::new();
        ordered(
            0..WINDOW * 3,
            &mut out,
            |number, output| {
                // Those before take longer than those behind, and some print a lot.
                for _ in 0..(7 - number % 7) * 1000 {
                    std::hint::black_box(number);
                }
                let text = format!("{number}\n");
                let times = if number == 100 { OUTPUT_MAX } else { 1 };
                (0..times.div_ceil(2)).for_each(|_| output.write_all(text.as_bytes()).unwrap());
                number
            },
            |number| {
                results.push(number);
                true
            },
        )
        .unwrap();
        assert!(results.iter().copied().eq(0..WINDOW * 3));
        let text = String::from_utf8(out).unwrap();
        let mut lines: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(lines.len(), usize::try_from(WINDOW * 3).unwrap() - 1 + OUTPUT_MAX / 2);
        lines.dedup();
        assert!(lines.iter().copied().eq(0..WINDOW * 3));
    }

    #[test]
    fn it_can_be_stopped() {
        let mut count = 0;
        let done = |_| {
            count += 1;
            count < 10
        };
        ordered(0.., &mut io::sink(), |number, _| number, done).unwrap();
        assert_eq!(count, 10);
    }

    #[test]
    fn more_threads_work_where_each_waits() {
        let threads = Mutex::new(HashSet::new());
        let work = |_, _: &mut super::Output<'_>| {
            let (_sender, never) = mpsc::channel::<()>();
            assert!(never.recv_timeout(WAIT_MIN * 3).is_err());
            threads.lock().unwrap().insert(thread::current().id());
        };
        ordered_on(1, 0..WINDOW, &mut io::sink(), work, |()| true).unwrap();
        let count = threads.into_inner().unwrap().len();
        assert!(count > 1 && count <= THREADS_MAX, "{count}");
    }

    #[test]
    fn a_panic_ends_it() {
        let work = |number, _: &mut super::Output<'_>| assert!(number != 5);
        let run = || ordered(0.., &mut io::sink(), work, |()| true);
        assert!(std::panic::catch_unwind(run).is_err());
    }

    #[test]
    fn a_closed_pipe_ends_it() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for size in [1, OUTPUT_MAX + 1] {
            let work = |_, output: &mut super::Output<'_>| drop(output.write_all(&vec![0; size]));
            let error = ordered(0.., &mut Closed, work, |()| true).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
