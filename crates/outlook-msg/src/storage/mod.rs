//! IStorage: compound files (\[MS-CFB\]) and their storages and streams.
//!
//! No stability promise: public for `msgfs`. Programs use [`crate::mail`].
//!
//! This crate has its own reader. It looks up the byte ranges of a stream and reads them by
//! position (`pread`), so that any number of threads can read one file without waiting for each
//! other, and a damaged entry affects only itself. A [`Transaction`] keeps edits until [`replace`]
//! commits them as a whole. [`Writer`] writes new files with the crate `cfb`. Knows nothing of what
//! the streams mean.

mod apart;
mod blocks;
mod bytes;
mod chain;
mod compound_file;
#[cfg(test)]
mod corpus;
mod directory;
mod error;
mod fat;
mod file_state;
#[cfg(test)]
mod fixtures;
mod header;
mod layout;
#[cfg(test)]
mod mutations;
mod name;
mod object;
#[cfg_attr(not(unix), path = "os_portable.rs")]
mod os;
mod replace;
mod sectors;
mod source;
mod step;
mod stream;
mod table;
mod transaction;
mod tree;
mod walk;
mod writer;

pub use blocks::read_at;
#[cfg(test)]
pub(crate) use blocks::reads;
pub use compound_file::{CompoundFile, EntryNumber};
pub use error::{Damage, Defect, Error, SectorNumber};
pub use file_state::FileState;
pub use header::SIGNATURE;
pub use object::{Entry, Storage};
pub use os::{AsFolder, Folder};
pub use replace::{
    NewContent, Replacement, StepHook, can_replace, is_temporary_name, remove_leftovers,
    rename_new, replace,
};
pub use source::{Source, WHOLE_READ_BYTES_MAX, read_memory_at};
pub use step::Step;
pub use stream::{Extents, Stream, StreamContent};
pub use transaction::Transaction;
pub use writer::Writer;
