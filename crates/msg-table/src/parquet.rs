//! Writes batches as a Parquet file, compressed with Zstandard.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::schema::{SCHEMA, SCHEMA_KEY, VERSION, VERSION_KEY};

/// A row group ends at this many bytes or rows. It is in memory until it is written, and programs
/// read one row group at a time.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_ROWS: usize = 128 << 10;

/// Writes a Parquet file. The file is complete only after [`ParquetWriter::finish`].
#[derive(Debug)]
pub struct ParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins a file of this schema. Its metadata has the version of the columns and of the
    /// program.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(out: W, schema: SchemaRef) -> Result<Self, ParquetError> {
        let metadata = [(SCHEMA_KEY, SCHEMA.to_string()), (VERSION_KEY, VERSION.to_owned())];
        let metadata = metadata.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(format!("msgfs {VERSION}"))
            .set_key_value_metadata(Some(metadata.into()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        Ok(Self { writer: ArrowWriter::try_new(out, schema, Some(properties))? })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.writer.write(batch)?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Ends the file, and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> Result<W, ParquetError> {
        self.writer.into_inner()
    }
}
