//! Writes batches as CSV (RFC 4180).
//!
//! Times are RFC 3339, bytes base64, lists and structs JSON. Null and the empty text are both an
//! empty field.

use std::io::{self, Write};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use outlook_msg::mail::micros_text;
use serde_json::Value;

/// Options of the CSV writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Whether texts are written unchanged. Otherwise `'` is put before a text that a spreadsheet
    /// would run as a formula: one that begins with `=`, `+`, `-`, `@`, a tab or CR.
    pub raw: bool,
}

/// Writes CSV. The first line has the names of the columns.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    out: W,
    options: CsvOptions,
}

impl<W: Write> CsvWriter<W> {
    /// Begins a file with the names of the columns.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(mut out: W, schema: &Schema, options: CsvOptions) -> io::Result<Self> {
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(out, "{}\r\n", names.join(","))?;
        Ok(Self { out, options })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            for (at, array) in batch.columns().iter().enumerate() {
                if at > 0 {
                    self.out.write_all(b",")?;
                }
                self.field(array, row)?;
            }
            self.out.write_all(b"\r\n")?;
        }
        Ok(())
    }

    /// Ends the file, and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn field(&mut self, array: &ArrayRef, row: usize) -> io::Result<()> {
        let text = match json(array, row) {
            Value::Null => return Ok(()),
            Value::String(text) => text,
            other => other.to_string(),
        };
        let is_text = *array.data_type() == DataType::Utf8;
        let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let guard = if is_text && is_formula && !self.options.raw { "'" } else { "" };
        match text.contains(['"', ',', '\r', '\n']) {
            true => write!(self.out, "\"{guard}{}\"", text.replace('"', "\"\"")),
            false => write!(self.out, "{guard}{text}"),
        }
    }
}

/// A value in JSON.
fn json(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => BASE64.encode(array.as_binary::<i32>().value(row)).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Timestamp(..) => {
            micros_text(array.as_primitive::<TimestampMicrosecondType>().value(row)).into()
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| json(&items, item)).collect::<Vec<_>>().into()
        }
        DataType::Struct(fields) => {
            let values = array.as_struct().columns().iter().map(|column| json(column, row));
            let names = fields.iter().map(|field| field.name().clone());
            Value::Object(names.zip(values).collect())
        }
        // No column has another type.
        _ => Value::Null,
    }
}
