//! The folders and files of the archive.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use msgfs::mapi::tags;
use msgfs::storage::{CompoundFile, Source, Writer};

use super::fixture::{PROPERTY_STREAM, stream_name};
use super::mail::{message, tiny, with_attachment};
use super::random::Random;

/// So many messages are in one mailbox, in ten years of twelve months.
const MAILBOX_MESSAGES: u64 = 10_000;
const YEARS: u64 = 10;
const MONTHS: u64 = 12;

/// Writes a mailbox, `YEAR/MONTH/NNNNN.msg`.
pub(crate) fn write_mailbox(folder: &Path, mailbox: u64) -> io::Result<()> {
    for (year, month) in (0..YEARS).flat_map(|year| (1..=MONTHS).map(move |month| (year, month))) {
        fs::create_dir_all(folder.join(format!("{}/{month:02}", 2010 + year)))?;
    }
    in_parallel(MAILBOX_MESSAGES, |number| {
        let (year, of_year) = (number * YEARS / MAILBOX_MESSAGES, number % 1000);
        let month = 1 + of_year * MONTHS / 1000;
        let name = format!("{}/{month:02}/Message {number:05}.msg", 2010 + year);
        fs::write(folder.join(name), message(mailbox * MAILBOX_MESSAGES + number))
    })
}

/// Writes a folder of small messages.
pub(crate) fn write_folder(folder: &Path, count: u64) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let subject = |number| format!("Small message {number:06}");
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let template = tiny(&subject(0));
    let marked = utf16(&subject(0));
    let places: Vec<usize> = (0..template.len() - marked.len())
        .filter(|at| template[*at..].starts_with(&marked))
        .collect();
    in_parallel(count, |number| {
        let mut bytes = template.clone();
        let subject = utf16(&subject(number));
        for place in &places {
            bytes[*place..place + subject.len()].copy_from_slice(&subject);
        }
        fs::write(folder.join(format!("Small message {number:06}.msg")), bytes)
    })
}

/// Writes a folder with one message that has a large attachment, and a hundred ordinary ones.
pub(crate) fn write_large(folder: &Path, attachment_bytes: u64) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut tree = with_attachment("Large.bin", vec![0; 1]);
    let attachment = "__attach_version1.0_#00000000";
    let data = stream_name(tags::PR_ATTACH_DATA_BIN);
    tree.remove(&format!("{attachment}/{data}"));
    let properties = tree.stream(&format!("{attachment}/{PROPERTY_STREAM}"));
    // The size is in the second half of the property's entry (\[MS-OXMSG\] 2.4.2.2).
    let tag = tags::PR_ATTACH_DATA_BIN.0.to_le_bytes();
    let at = (8..properties.len()).step_by(16).find(|at| properties[*at..].starts_with(&tag));
    let at = at.unwrap() + 8;
    let size = u32::try_from(attachment_bytes).map_err(io::Error::other)?;
    properties[at..at + 4].copy_from_slice(&size.to_le_bytes());
    let frame =
        CompoundFile::open(Source::from_bytes(tree.to_bytes())).map_err(io::Error::other)?;
    let path = folder.join("Large.msg");
    let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
    let mut writer = Writer::create(file).map_err(io::Error::other)?;
    writer.copy_storage(&frame.root(), &[]).map_err(io::Error::other)?;
    let mut content = Repeated { block: Cursor::new(Random::new(3).bytes(1 << 20)) };
    writer
        .write_stream(&[attachment, &data], &mut (&mut content).take(attachment_bytes))
        .map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    in_parallel(100, |number| {
        fs::write(folder.join(format!("Message {number:05}.msg")), message(number))
    })
}

/// The same block again and again.
struct Repeated {
    block: Cursor<Vec<u8>>,
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.block.position() >= self.block.get_ref().len() as u64 {
            self.block.set_position(0);
        }
        self.block.read(buffer)
    }
}

/// Runs for each number below `count`, on all cores.
fn in_parallel(count: u64, run: impl Fn(u64) -> io::Result<()> + Sync) -> io::Result<()> {
    let next = AtomicU64::new(0);
    let work = || -> io::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            run(number)?;
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap())
    })
}
