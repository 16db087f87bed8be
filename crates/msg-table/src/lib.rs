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
//! [`Table::batches`] is an iterator over batches and a
//! [`RecordBatchReader`](arrow_array::RecordBatchReader), which the C stream interface of Arrow
//! takes. To use several threads, make [`Record`]s with [`Table::records`] on each of them, and put
//! them together with one [`BatchBuilder`].
//!
//! A file that cannot be read is a row with its path and its `defects`. Values are those that
//! [`outlook_msg::Mail`] gives; a value that the message does not have, or that cannot be read, is
//! null. Names and types of the columns are those of [`COLUMNS`], the version of all of them is
//! [`SCHEMA`]: within a version columns and fields are only added. Where the `pst` extension of
//! DuckDB has a column of the same meaning, it has its name.
//!
//! | module | what it is |
//! |---|---|
//! | `columns` | the table of columns: name, type, and how each is filled |
//! | `schema` | the types, and what Arrow calls them |
//! | `options` | which columns a table has |
//! | `input` | messages to read: paths, open files, bytes |
//! | `facts` | the values of one message |
//! | `record` | the rows of one file, those of embedded messages too |
//! | `cell`, `builder` | values, and the arrays they become |
//! | `batch` | where a batch ends |
//! | `parquet`, `ipc`, `csv` | batches as files |
//!
//! Memory is that of one batch and one file: a batch ends at [`BATCH_ROWS`] rows or
//! [`BATCH_BYTES`] of values, and the values of one file are at most 64 MiB and eight times its
//! size.

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
/// The form of streams and files.
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
