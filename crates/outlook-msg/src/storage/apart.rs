//! Reads short ranges of a file that lie far apart: several at a time, if the file is on a slow disk
//! or on another machine.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// After so many reads it is known whether the file is slow.
const SAMPLE: usize = 8;
/// A read of a slow file takes at least this long; one of a file in memory takes some microseconds.
const SLOW: Duration = Duration::from_micros(500);
/// At most so many threads read a slow file.
const THREADS_MAX: usize = 16;
/// At most so many ranges of a slow file are in memory before `each` gets them.
const TOGETHER_MAX: usize = 1024;

/// Reads each range, given by offset and length, and calls `each` with its bytes, in turn. `read`
/// fills a buffer from an offset on, and returns how many bytes it has read.
///
/// # Errors
/// Those of `read`.
pub(super) fn read_apart(
    read: impl Fn(u64, &mut [u8]) -> io::Result<usize> + Sync,
    ranges: &[(u64, usize)],
    mut each: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut in_turn = |ranges: &[(u64, usize)], each: &mut dyn FnMut(&[u8])| {
        ranges.iter().try_for_each(|&(offset, len)| {
            buffer.resize(len, 0);
            let found = read(offset, &mut buffer)?;
            each(buffer.get(..found).unwrap_or_default());
            Ok(())
        })
    };
    let (first, rest) = ranges.split_at(ranges.len().min(SAMPLE));
    let start = Instant::now();
    in_turn(first, &mut each)?;
    let count = u32::try_from(first.len()).unwrap_or(1);
    if start.elapsed() < SLOW * count {
        return in_turn(rest, &mut each);
    }
    rest.chunks(TOGETHER_MAX).try_for_each(|ranges| read_together(&read, ranges, &mut each))
}

/// Reads the ranges with several threads.
fn read_together(
    read: &(impl Fn(u64, &mut [u8]) -> io::Result<usize> + Sync),
    ranges: &[(u64, usize)],
    each: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let read_some = |ranges: &[(u64, usize)]| -> io::Result<Vec<Vec<u8>>> {
        let one = |&(offset, len): &(u64, usize)| {
            let mut bytes = vec![0; len];
            let found = read(offset, &mut bytes)?;
            bytes.truncate(found);
            Ok(bytes)
        };
        ranges.iter().map(one).collect()
    };
    thread::scope(|scope| {
        let begin = |ranges| {
            let named = thread::Builder::new().name("read".to_owned());
            // Without another thread, this one reads them.
            (ranges, named.spawn_scoped(scope, move || read_some(ranges)).ok())
        };
        let begun: Vec<_> = ranges.chunks(ranges.len().div_ceil(THREADS_MAX)).map(begin).collect();
        for (ranges, thread) in begun {
            let found = match thread {
                Some(thread) => thread.join().map_err(|_| io::Error::other("a thread failed"))?,
                None => read_some(ranges),
            };
            found?.iter().for_each(|bytes| each(bytes));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;
    use crate::sync::lock;

    const DEADLINE: Duration = Duration::from_secs(60);

    fn ranges(count: u64) -> Vec<(u64, usize)> {
        (0..count).map(|offset| (offset * 10, 2)).collect()
    }

    /// The bytes of each range are the last byte of its offset, twice.
    fn fill(offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(offset.to_le_bytes()[0]);
        Ok(buffer.len())
    }

    fn check(count: u64, read: impl Fn(u64, &mut [u8]) -> io::Result<usize> + Sync) {
        let mut found = Vec::new();
        read_apart(read, &ranges(count), |bytes| found.push(bytes.to_vec())).unwrap();
        let expected =
            ranges(count).into_iter().map(|(offset, len)| vec![offset.to_le_bytes()[0]; len]);
        assert!(found.into_iter().eq(expected), "{count}");
    }

    #[test]
    fn ranges_come_in_turn() {
        for count in [0, 1, 8, 9, 3_000] {
            check(count, fill);
        }
    }

    #[test]
    fn a_slow_file_is_read_by_several_threads() {
        const MANY: usize = 4;
        let (reading, changed) = (Mutex::new(0), Condvar::new());
        let read = |offset: u64, buffer: &mut [u8]| {
            if offset < SAMPLE as u64 * 10 {
                std::thread::sleep(SLOW * 2);
            } else {
                // Each waits until several read at a time.
                *lock(&reading) += 1;
                changed.notify_all();
                let few = |count: &mut usize| *count < MANY;
                let waited = changed.wait_timeout_while(lock(&reading), DEADLINE, few);
                assert!(!waited.unwrap().1.timed_out());
            }
            fill(offset, buffer)
        };
        check((SAMPLE + THREADS_MAX) as u64, read);
    }

    #[test]
    fn an_error_ends_the_reading() {
        let read = |offset: u64, buffer: &mut [u8]| {
            std::thread::sleep(SLOW);
            if offset == 500 { Err(io::ErrorKind::TimedOut.into()) } else { fill(offset, buffer) }
        };
        let error = read_apart(read, &ranges(100), |_| {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
