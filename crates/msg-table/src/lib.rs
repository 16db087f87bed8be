//! Outlook `.msg` files as a table: a row a message, as Arrow record batches.
//!
//! ```no_run
//! use msg_table::{Input, Options, Table};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let options = Options::new().columns("path,subject,client_submit_time")?;
//!     let table = Table::new(options);
//!     let inputs = ["Lunch on Friday.msg", "Price list.msg"].map(Input::path);
//!     for batch in table.batches(inputs) {
//!         println!("{} rows", batch?.num_rows());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! [`Table::batches`] returns an iterator over batches. It is a
//! [`RecordBatchReader`](arrow_array::RecordBatchReader) too, so the C stream interface of Arrow
//! accepts it. To use several threads, make [`Record`]s with [`Table::records`] in each thread, and
//! combine them with one [`BatchBuilder`].
//!
//! A file that cannot be read becomes a row with its path and its `defects`. The values come from
//! [`outlook_msg::Mail`]; a value that the message does not have, or that cannot be read, is null.
//! [`COLUMNS`] has the names and types of the columns, and [`SCHEMA`] is their version: within a
//! version, columns and fields are only added. If the `pst` extension of DuckDB has a column of the
//! same meaning, the column here has the same name.
//!
//! | module | what it is |
//! |---|---|
//! | `columns` | the table of columns: name, type, and the function that fills each |
//! | `schema` | the types of columns, and their Arrow types |
//! | `options` | which columns a table has |
//! | `input` | messages to read: paths, open files, bytes |
//! | `facts` | the values of one message |
//! | `record` | the rows of one file, including those of embedded messages |
//! | `cell`, `builder` | values, and the arrays they become |
//! | `batch` | where a batch ends |
//! | `parquet`, `ipc`, `csv` | batches as files |
//!
//! At most one batch and one file are in memory. A batch ends at [`BATCH_ROWS`] rows or
//! [`BATCH_BYTES`] of values, and the values of one file take at most 64 MiB plus eight times the
//! size of the file.

mod batch;
mod builder;
mod cell;
mod columns;
#[cfg(feature = "csv")]
mod csv;
mod facts;
mod input;
#[cfg(feature = "ipc")]
mod ipc;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod record;
mod schema;

/// The arrays of the batches.
pub use arrow_array;
/// Arrow streams and files.
#[cfg(feature = "ipc")]
pub use arrow_ipc;
/// The types of the columns.
pub use arrow_schema;
pub use batch::{BATCH_BYTES, BATCH_ROWS, BatchBuilder, Batches};
pub use columns::{COLUMNS, Column};
#[cfg(feature = "csv")]
pub use csv::{CsvOptions, CsvWriter};
pub use input::Input;
#[cfg(feature = "ipc")]
pub use ipc::IpcWriter;
pub use options::{Options, UnknownColumn};
#[cfg(feature = "parquet")]
pub use parquet::ParquetWriter;
pub use record::{Record, Table};
pub use schema::{SCHEMA, SCHEMA_KEY, VERSION, VERSION_KEY};
