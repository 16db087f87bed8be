//! The forms of a table as bytes.

use std::error::Error;
use std::io::{self, Write};

use msg_table::arrow_array::RecordBatch;
use msg_table::arrow_schema::{ArrowError, SchemaRef};
use msg_table::{CsvOptions, CsvWriter, IpcWriter, ParquetWriter};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Parquet, compressed with Zstandard.
    Parquet,
    /// The file of Arrow.
    Arrow,
    /// The stream of Arrow.
    ArrowStream,
    /// CSV; raw or with formulas made harmless.
    Csv(CsvOptions),
}

/// A table that is being written.
pub(super) enum TableWriter<W: Write + Send> {
    Parquet(Box<ParquetWriter<W>>),
    Arrow(Box<IpcWriter<W>>),
    Csv(CsvWriter<W>),
}

impl<W: Write + Send> TableWriter<W> {
    pub(super) fn new(format: Format, out: W, schema: &SchemaRef) -> io::Result<Self> {
        Ok(match format {
            Format::Parquet => {
                let writer = ParquetWriter::new(out, SchemaRef::clone(schema));
                Self::Parquet(Box::new(writer.map_err(|error| cause(&error))?))
            }
            Format::Arrow => Self::Arrow(Box::new(IpcWriter::file(out, schema).map_err(of_arrow)?)),
            Format::ArrowStream => {
                Self::Arrow(Box::new(IpcWriter::stream(out, schema).map_err(of_arrow)?))
            }
            Format::Csv(options) => Self::Csv(CsvWriter::new(out, schema, options)?),
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(|error| cause(&error)),
            Self::Arrow(writer) => writer.write(batch).map_err(of_arrow),
            Self::Csv(writer) => writer.write(batch),
        }
    }

    /// Writes the end.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Parquet(writer) => writer.finish().map_err(|error| cause(&error)),
            Self::Arrow(writer) => writer.finish().map_err(of_arrow),
            Self::Csv(writer) => writer.finish(),
        }
    }
}

/// The error of the system that made a writer fail, if one did.
fn cause(error: &(dyn Error + 'static)) -> io::Error {
    let mut inner = Some(error);
    while let Some(one) = inner {
        if let Some(found) = one.downcast_ref::<io::Error>() {
            return io::Error::new(found.kind(), found.to_string());
        }
        inner = one.source();
    }
    io::Error::other(error.to_string())
}

pub(super) fn of_arrow(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => cause(&error),
    }
}
