//! Checks how often a getter reads the file. On a network file system, each read takes a round
//! trip.

use crate::corpus_files::corpus_files;
use crate::mail::Mail;
use crate::storage::{WHOLE_READ_BYTES_MAX, reads};

/// Reading one field of any message takes at most this many reads.
const READS_MAX: usize = 16;

#[test]
fn a_field_takes_few_reads_of_the_file() {
    type Field = (&'static str, fn(&Mail) -> bool);
    let fields: [Field; 4] = [
        ("subject", |mail| mail.subject().is_ok()),
        ("from", |mail| mail.from().is_ok()),
        ("to", |mail| mail.to().is_ok()),
        ("text", |mail| mail.text().is_ok()),
    ];
    let large = |path: &std::path::PathBuf| path.metadata().unwrap().len() > WHOLE_READ_BYTES_MAX;
    for path in corpus_files().into_iter().filter(large) {
        for (name, ask) in fields {
            let before = reads();
            if let Ok(mail) = Mail::open(&path) {
                ask(&mail);
            }
            let count = reads() - before;
            assert!(count <= READS_MAX, "{count} reads for {name} of {}", path.display());
        }
    }
}
