//! Messages with many attachments.

use std::time::{Duration, Instant};

use msgfs::imsg::MapiPropMut as _;

use super::editor::Edited;
use crate::fixture::MessageBuilder;

/// How long it takes to attach so many files to a message that has some.
fn time_of(edited: &mut Edited, names: std::ops::Range<u32>) -> Duration {
    let start = Instant::now();
    for name in names {
        let path = format!("attachments/file {name}.txt");
        assert!(edited.bytes(&path).is_none());
        edited.set(&path, format!("content {name}")).unwrap();
    }
    start.elapsed()
}

#[test]
fn an_attachment_costs_little_more_for_those_that_are_there() {
    let mut edited = Edited::new(&MessageBuilder::new("IPM.Note", "Many"));
    let first = time_of(&mut edited, 0..100);
    time_of(&mut edited, 100..500);
    let last = time_of(&mut edited, 500..600);
    println!("100 attachments: {first:?}, beside 500 others: {last:?}");
    // Looking into each of the others again, it is 60 times as much.
    assert!(last < first * 30, "{first:?} {last:?}");
    assert_eq!(edited.message().attachments().unwrap().len(), 600);
    assert_eq!(edited.text("attachments/file 599.txt").unwrap(), "content 599");
    assert_eq!(edited.text("attachments/file 0.txt").unwrap(), "content 0");
    assert!(edited.message().is_unsaved());
}
