//! `msgfs table`: its rows are what the tree shows, in each form, whatever becomes of the run.

mod files;
mod parts;
mod rows;

use std::io::Cursor;
use std::path::Path;

use msg_table::arrow_array::cast::AsArray as _;
use msg_table::arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use msg_table::arrow_array::{Array, ArrayRef, RecordBatch};
use msg_table::arrow_ipc::reader::StreamReader;
use msg_table::arrow_schema::DataType;
use msgfs::mail::micros_text;
use serde_json::Value;

use crate::cli::shown::msgfs_in;
use crate::mount::process::Ended;

/// The rows of a table, as JSON objects.
fn rows_of(batches: &[RecordBatch]) -> Vec<Value> {
    let rows = |batch: &RecordBatch| {
        let fields = batch.schema().fields().clone();
        let row = |row: usize| {
            let columns = batch.columns().iter().map(|column| value(column, row));
            let names = fields.iter().map(|field| field.name().clone());
            Value::Object(names.zip(columns).collect())
        };
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    };
    batches.iter().flat_map(rows).collect()
}

fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => array.as_binary::<i32>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Timestamp(..) => {
            micros_text(array.as_primitive::<TimestampMicrosecondType>().value(row)).into()
        }
        DataType::List(field) => {
            assert_eq!((field.name().as_str(), field.is_nullable()), ("element", true));
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect::<Vec<_>>().into()
        }
        DataType::Struct(fields) => {
            let values = array.as_struct().columns().iter().map(|column| value(column, row));
            Value::Object(fields.iter().map(|field| field.name().clone()).zip(values).collect())
        }
        other => panic!("{other}"),
    }
}

/// The batches of a stream.
fn batches_of(stream: Vec<u8>) -> Vec<RecordBatch> {
    StreamReader::try_new(Cursor::new(stream), None).unwrap().map(Result::unwrap).collect()
}

/// Runs `msgfs table` in a folder.
fn table(folder: &Path, words: &[&str]) -> Ended {
    msgfs_in(folder, &[&["table"], words].concat())
}

/// The rows that `msgfs table` streams of what is in a folder.
#[track_caller]
fn streamed(folder: &Path, words: &[&str]) -> Vec<Value> {
    let ended = table(folder, &[words, &["-"]].concat());
    assert!(ended.status.success(), "{words:?}: {}", ended.stderr);
    rows_of(&batches_of(ended.stdout))
}

/// The texts of a column.
fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
}
