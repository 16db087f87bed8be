//! Batches as a stranger asks for them: by paths, by bytes, of some columns.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use msg_table::arrow_array::cast::AsArray as _;
use msg_table::arrow_array::{Array as _, RecordBatch, RecordBatchReader};
use msg_table::{BATCH_BYTES, BATCH_ROWS, COLUMNS, Input, Options, SCHEMA, SCHEMA_KEY, Table};

/// The samples; none where the crate lies alone.
fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("SKIPPED: no samples beside the crate");
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "msg"));
    paths.sort();
    paths
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let array = batch.column_by_name(column).unwrap().as_string::<i32>();
    array.iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn paths_and_bytes_give_the_same() {
    let paths = samples();
    if paths.is_empty() {
        return;
    }
    let by_path = Table::new(Options::new()).batches(paths.iter().map(Input::path));
    let by_path: Vec<_> = by_path.map(Result::unwrap).collect();
    let bytes = paths.iter().map(|path| Input::bytes(path, fs::read(path).unwrap()));
    let by_bytes = Table::new(Options::new()).batches(bytes.collect::<Vec<_>>());
    assert_eq!(by_path, by_bytes.map(Result::unwrap).collect::<Vec<_>>());
    assert_eq!(by_path[0].num_rows(), paths.len());
    let subjects = texts(&by_path[0], "subject");
    assert!(subjects.contains(&Some("Re: Lunch on Friday".to_owned())), "{subjects:?}");
}

#[test]
fn what_cannot_be_read_is_a_row() {
    let denied = Input::failed("denied.msg", ErrorKind::PermissionDenied.into());
    let inputs = [Input::path("missing.msg"), Input::bytes("empty.msg", ""), denied];
    let mut batches = Table::new(Options::new()).batches(inputs);
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    let expected = ["missing.msg", "empty.msg", "denied.msg"].map(|path| Some(path.to_owned()));
    assert_eq!(texts(&batch, "path"), expected);
    assert_eq!(texts(&batch, "subject"), [None, None, None]);
    let defects = batch.column_by_name("defects").unwrap().as_list::<i32>();
    assert!((0..3).all(|row| defects.value(row).len() == 1));
}

#[test]
fn a_batch_ends_in_time() {
    let count = |inputs: usize, path: &str, columns: &str| {
        let table = Table::new(Options::new().columns(columns).unwrap());
        let batches = table.batches((0..inputs).map(|_| Input::bytes(path, "")));
        batches.map(|batch| batch.unwrap().num_rows()).collect::<Vec<_>>()
    };
    assert_eq!(count(BATCH_ROWS * 2 + 1, "a.msg", "path"), [BATCH_ROWS, BATCH_ROWS, 1]);
    let long = "a".repeat(BATCH_BYTES / 4);
    assert_eq!(count(6, &long, "path"), [4, 2]);
    assert_eq!(count(0, "a.msg", "path"), [0; 0]);
}

#[test]
fn columns_are_chosen_in_order() {
    let names = |options: Options| -> Vec<String> {
        let batches = Table::new(options).batches([]);
        assert_eq!(batches.schema().metadata()[SCHEMA_KEY], SCHEMA.to_string());
        batches.schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    let chosen = Options::new().columns("defects,subject, path").unwrap();
    assert_eq!(names(chosen.clone()), ["defects", "subject", "path"]);
    assert_eq!(names(chosen.html()), ["defects", "subject", "path", "body_html"]);
    assert_eq!(names(Options::new()).len(), COLUMNS.len() - 1);
    assert!(names(Options::new().html()).iter().eq(COLUMNS.iter().map(|column| column.name)));
    for wrong in ["", ",", "subjects"] {
        assert!(Options::new().columns(wrong).is_err(), "{wrong:?}");
    }
}

/// They may be handed to another thread, as a stream of the C interface is.
#[test]
fn batches_can_be_sent() {
    fn is_sent(_: impl RecordBatchReader + Send) {}
    is_sent(Table::new(Options::new()).batches(vec![Input::path("a.msg")]));
}
