//! Collects rows into record batches.

use std::collections::VecDeque;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

use crate::builder::ColumnBuilder;
use crate::input::Input;
use crate::record::{Record, Table};
use crate::schema::ColumnKind;

/// A batch ends when it has this many rows,
pub const BATCH_ROWS: usize = 1024;
/// or when it has at least this many bytes of values.
pub const BATCH_BYTES: usize = 16 << 20;

/// Collects rows into batches, in the order in which they are pushed.
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    bytes: usize,
}

impl BatchBuilder {
    pub(crate) fn new(schema: SchemaRef, kinds: impl Iterator<Item = ColumnKind>) -> Self {
        Self { schema, columns: kinds.map(ColumnBuilder::new).collect(), rows: 0, bytes: 0 }
    }

    /// Appends a row. Returns the batch if this row completes it.
    ///
    /// # Errors
    /// [`ArrowError`] if the row has other columns than this builder.
    pub fn push(&mut self, record: Record) -> Result<Option<RecordBatch>, ArrowError> {
        if record.cells.len() != self.columns.len() {
            return Err(ArrowError::SchemaError("the row is of a table of other columns".into()));
        }
        for (column, cell) in self.columns.iter_mut().zip(record.cells) {
            self.bytes += cell.bytes();
            column.push(cell);
        }
        self.rows += 1;
        match self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            true => self.finish(),
            false => Ok(None),
        }
    }

    /// Returns the remaining rows as a last batch; `None` if there are none.
    ///
    /// # Errors
    /// [`ArrowError`] if the arrays do not form a batch.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        (self.rows, self.bytes) = (0, 0);
        let arrays =
            self.columns.iter_mut().map(ColumnBuilder::finish).collect::<Result<_, _>>()?;
        RecordBatch::try_new(self.schema.clone(), arrays).map(Some)
    }
}

/// An iterator over the batches of messages: [`Table::batches`].
#[derive(Debug)]
pub struct Batches<I> {
    table: Table,
    builder: BatchBuilder,
    inputs: I,
    /// Rows of the last file that are in no batch yet.
    records: VecDeque<Record>,
}

impl<I> Batches<I> {
    pub(crate) fn new(table: Table, inputs: I) -> Self {
        Self { builder: table.builder(), table, inputs, records: VecDeque::new() }
    }
}

impl<I: Iterator<Item = Input>> Iterator for Batches<I> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(record) = self.records.pop_front() {
                if let Some(batch) = self.builder.push(record).transpose() {
                    return Some(batch);
                }
            }
            match self.inputs.next() {
                Some(input) => self.records.extend(self.table.records(input)),
                None => return self.builder.finish().transpose(),
            }
        }
    }
}

impl<I: Iterator<Item = Input>> RecordBatchReader for Batches<I> {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }
}
