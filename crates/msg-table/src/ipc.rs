//! Writes batches as an Arrow stream or an Arrow file (IPC).

use std::fmt;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, Schema};

/// Writes Arrow: the stream, for a pipe (`pyarrow.ipc.open_stream`), or the file, which can be
/// mapped into memory (`pyarrow.ipc.open_file`).
pub struct IpcWriter<W: Write> {
    form: IpcForm<W>,
}

enum IpcForm<W: Write> {
    Stream(StreamWriter<W>),
    File(FileWriter<W>),
}

impl<W: Write> IpcWriter<W> {
    /// Begins a stream of this schema.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn stream(out: W, schema: &Schema) -> Result<Self, ArrowError> {
        Ok(Self { form: IpcForm::Stream(StreamWriter::try_new(out, schema)?) })
    }

    /// Begins a file of this schema.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn file(out: W, schema: &Schema) -> Result<Self, ArrowError> {
        Ok(Self { form: IpcForm::File(FileWriter::try_new(out, schema)?) })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match &mut self.form {
            IpcForm::Stream(writer) => writer.write(batch),
            IpcForm::File(writer) => writer.write(batch),
        }
    }

    /// Writes the end, and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> Result<W, ArrowError> {
        match self.form {
            IpcForm::Stream(writer) => writer.into_inner(),
            IpcForm::File(writer) => writer.into_inner(),
        }
    }
}

impl<W: Write> fmt::Debug for IpcWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IpcWriter").finish_non_exhaustive()
    }
}
