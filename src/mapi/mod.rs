//! The vocabulary of MAPI: property tags, types, values, names and code pages.
//!
//! Knows no file format: where a value is stored is the business of [`crate::imsg`].

mod code_page;
pub mod crc;
mod tables;
mod tag;
mod value;

pub use code_page::CodePage;
pub use tag::{PropertyTag, PropertyType};
pub use value::{FileTime, Guid, Value};
